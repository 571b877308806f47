"""Cross-validation: folds × seeds as one population, scores with intervals, two models compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..data import k_fold
from ..engine.data import Data, cut
from ..engine.run import Run
from ..errors import InputError
from .reported import Reported
from .scores import possible
from .task import Task, cut_y, task_of

Fold = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """Whether two models differ by more than chance, over the same folds and seeds.

    The corrected resampled t-test (Nadeau & Bengio 2003): folds share training rows, so the variance of their mean
    difference is (1/k + n_test/n_train) s², not s²/k.

    Attributes:
        difference: Mean score of the first less that of the second.
        interval: Its 95 % interval.
        statistic, freedom: Student's t and its degrees of freedom.
        p: Of a difference as large by chance alone; two-sided.
        real: Whether p < 0.05.
    """

    difference: float
    interval: tuple[float, float]
    statistic: float
    freedom: int
    p: float

    @property
    def real(self) -> bool:
        return self.p < 0.05

    def text(self, lang: str = "en") -> str:
        """One sentence, in English or Korean."""
        low, high = self.interval
        facts = f"{self.difference:+.4g} ({low:+.4g} … {high:+.4g}), p = {self.p:.3g}"
        if lang == "ko":
            said = "우연으로 보기 어려운 차이입니다" if self.real else "차이가 있다고 할 수 없습니다"
            return f"평균 점수 차이 {facts}: {said}."
        said = "more than chance" if self.real else "cannot be told from chance"
        return f"Mean difference of scores {facts}: {said}."


@dataclass(frozen=True)
class CrossValidation(Reported):
    """What `cross_validate` found.

    Attributes:
        scores: (seeds, folds) of each member on the rows it was not trained on, higher being better.
        scoring: The score's name.
        folds: Row numbers (training, validation) of each fold.
        seeds: Of the members' weights and orders of rows.
        pooled: (seeds,) the score of all rows together, each predicted by the member that had not seen it.
        outputs: (seeds, rows, …) those predictions; NaN for rows in no fold's validation part.
        runs: The members, fold after fold for each seed.
    """

    study: ClassVar[str] = "folds"

    scores: np.ndarray
    scoring: str
    folds: tuple[Fold, ...]
    seeds: tuple[int, ...]
    pooled: np.ndarray
    outputs: Any
    runs: tuple[Run, ...]

    @property
    def mean(self) -> float:
        """The mean score."""
        return float(self.scores.mean())

    @property
    def std(self) -> float:
        """The standard deviation over folds of the mean over seeds."""
        by_fold = self.scores.mean(0)
        return float(by_fold.std(ddof=1)) if len(by_fold) > 1 else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean score, corrected for folds that share training rows (Nadeau & Bengio 2003)."""
        return interval_of(self.scores.mean(0), self._ratio, self.scoring)

    @property
    def _ratio(self) -> float:
        return float(np.mean([len(test) / len(train) for train, test in self.folds]))

    def compare(self, other: CrossValidation) -> Comparison:
        """This model less another one, over the same folds.

        Raises:
            InputError: when the two were validated on other folds or by other scores.
        """
        same = len(self.folds) == len(other.folds) and all(
            np.array_equal(a, b) for mine, theirs in zip(self.folds, other.folds, strict=True)
            for a, b in zip(mine, theirs, strict=True)
        )  # fmt: skip
        if not same or self.scoring != other.scoring:
            raise InputError(
                "The two models were not validated alike.", where="compare",
                expected="the same folds and the same score",
                received=f"{len(self.folds)} and {len(other.folds)} folds, {self.scoring} and {other.scoring}",
                help="Call cross_validate for both with the same folds, seed and scoring.",
            )  # fmt: skip
        gaps = self.scores.mean(0) - other.scores.mean(0)
        mean, half, statistic, freedom = student(gaps, self._ratio)
        from scipy.stats import t

        p = math.nan if math.isnan(statistic) else float(2 * t.sf(abs(statistic), freedom))
        return Comparison(mean, (mean - half, mean + half), statistic, freedom, 1.0 if math.isnan(p) else p)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        low, high = self.interval
        return {
            "scoring": self.scoring, "scores": self.scores.tolist(), "mean": self.mean, "low": low, "high": high,
            "pooled": self.pooled.tolist(), "folds": [len(test) for _, test in self.folds], "seeds": list(self.seeds),
        }  # fmt: skip

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """Scores by fold, a dot a seed, with their mean and its interval, as a picture (SVG)."""
        from ..report.studies import plot_folds

        return plot_folds(self, to_file, lang)

    def __repr__(self) -> str:
        low, high = self.interval
        return f"CrossValidation({self.scoring} {self.mean:.4g}, 95% {low:.4g} … {high:.4g}, {self.scores.shape})"


def cross_validate(
    model: Any,
    X: Any,
    y: Any,
    folds: int | Sequence[Fold] = 5,
    seeds: int | Sequence[int] = 1,
    *,
    stratify: bool | str = "auto",
    groups: Any = None,
    time: bool = False,
    repeats: int = 1,
    preprocessing: Any = None,
    scoring: Any = None,
    seed: int = 0,
    **fit: Any,
) -> CrossValidation:
    """Train on each fold's training rows and score on its other rows, folds × seeds as one population.

    What early stopping or a plateau watches are the `validation_data` given, or the last rows, which `validation_split`
    puts aside before folds are made of the others; else 15 % of the fold's training rows, never the rows the score is
    of. Layers that are frozen, or taken from other models, begin with the weights they have there; all others are
    drawn by the member's seed.

    Args:
        model: A compiled model, which stays as it is, or a Plan.
        X, y: Rows and targets, as `fit` takes them.
        folds: Their number, pairs of row numbers or masks (training, validation), or something with scikit-learn's
            `split`, such as a `TimeSeriesSplit`.
        seeds: How many members a fold, or their seeds.
        stratify: Whether each fold has its share of each class; "auto" does so where targets are classes.
        groups: (rows,) a group (patient, user) stays in one fold.
        time: Rows are in order of time: train on the past, validate on what follows.
        repeats: Times the folds are drawn anew, each of which has to differ: folds told twice are no more evidence.
        preprocessing: Something with `fit` and `transform` (`jindan.data.StandardScaler()`), fitted on each fold's
            training rows alone.
        scoring: See `jindan.select.scoring_of`; accuracy for classes, −loss for numbers unless given.
        seed: Of the folds, and of the first member.
        fit: Arguments of `fit`: epochs, batch_size, callbacks, class_weight, sample_weight, …

    Raises:
        InputError: when rows, folds and model do not fit one another.

    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> X = np.random.default_rng(0).normal(size=(60, 2)); y = (X.sum(1) > 0).astype(float)
    >>> model = Sequential([Dense(4, activation="tanh"), Dense(1, activation="sigmoid")])
    >>> model.compile("nadam", "binary_crossentropy")
    >>> model.optimizer.learning_rate = 0.05
    >>> result = cross_validate(model, X, y, folds=3, seeds=2, epochs=60, batch_size=8)
    >>> result.scores.shape, result.mean > 0.8
    ((2, 3), True)
    """
    task = task_of(model, X, y, scoring=scoring, seed=seed, **fit)
    groups = task.own(groups)
    pairs = folds_of(task, folds, stratify=stratify, groups=groups, time=time, repeats=repeats, seed=seed)
    several = tuple(range(seed, seed + seeds)) if isinstance(seeds, (int, np.integer)) else tuple(map(int, seeds))
    if not several:
        raise InputError("There are no seeds.", where="seeds", expected="at least 1", received=seeds)
    rows = len(task)
    task, placed = refitted(task, pairs, preprocessing)
    kinds = None if groups is None else np.asarray(groups)
    # Of folds that are given, a series in time is known by training on nothing later than what is judged.
    ordered = time or all(train.max() < test.min() for train, test in pairs)
    plans = [
        task.on(task.plan.replace(seed=member), shifted, None if kinds is None else kinds[train], ordered)
        for member in several
        for (train, _), (shifted, _) in zip(pairs, placed, strict=True)
    ]
    tests = [test for _ in several for _, test in placed]
    runs = task.train(plans)
    outputs = task.predict(runs, tests)
    scores = [
        task.scoring(task.plan, cut_y(task.data.y, rows), found) for rows, found in zip(tests, outputs, strict=True)
    ]
    whole, pooled = _together(task, [test for _, test in pairs], outputs, rows)
    return CrossValidation(np.array(scores).reshape(len(several), len(pairs)), task.scoring.name, tuple(pairs), several,
                           pooled, whole, tuple(runs))  # fmt: skip


def _together(task: Task, tests: list[np.ndarray], outputs: list[Any], rows: int) -> tuple[Any, np.ndarray]:
    """(seeds, rows, …) what is said of each row by the member that had not seen it, and the score of each seed's.

    Args:
        tests: The rows of each fold.
        outputs: Of the members on them, fold after fold for each seed.
        rows: How many there are.
    """
    seen = np.unique(np.concatenate(tests))
    whole = [_gathered(tests, outputs[k : k + len(tests)], rows) for k in range(0, len(outputs), len(tests))]
    pooled = [task.scoring(task.plan, cut_y(task.data.y, seen), _rows_of(found, seen)) for found in whole]
    if isinstance(whole[0], tuple):
        return tuple(np.stack(parts) for parts in zip(*whole, strict=True)), np.array(pooled)
    return np.stack(whole), np.array(pooled)


def folds_of(
    task: Task,
    folds: Any,
    *,
    stratify: Any = "auto",
    groups: Any = None,
    time: bool = False,
    repeats: int = 1,
    seed: int = 0,
) -> list[Fold]:
    """Pairs of row numbers (training, validation)."""
    if not isinstance(folds, (int, np.integer)):
        return _given(task, folds, groups, {"stratify": stratify is True, "time": time, "repeats": repeats != 1})
    if isinstance(repeats, bool) or not isinstance(repeats, (int, np.integer)) or repeats < 1:
        raise InputError("Folds are drawn once or more.", where="repeats", expected="a whole number >= 1",
                         received=repeats)  # fmt: skip
    classes = task.classes if stratify == "auto" else None
    if stratify is True:
        classes = task.classes
        if classes is None:
            raise InputError("Targets that are no classes cannot be stratified.", where="stratify", received=True,
                             help="Leave it out.")  # fmt: skip
    if time:
        classes = None
    found: list[Fold] = []
    for repeat in range(repeats):
        found += k_fold(len(task), int(folds), seed=seed + repeat, stratify=classes, groups=groups, time=time)
    drawn = {frozenset(test.tobytes() for _, test in found[k : k + folds]) for k in range(0, len(found), folds)}
    if len(drawn) < repeats:
        raise InputError(
            "These folds come out the same again.", where="repeats", expected=f"at most {len(drawn)}", received=repeats,
            help="Rows in order of time have one way to be cut; a few groups of unequal sizes have little more.",
        )  # fmt: skip
    return found


def _given(task: Task, folds: Any, groups: Any, others: dict[str, bool]) -> list[Fold]:
    """Folds of the user's: pairs of row numbers or masks, or of a scikit-learn splitter, which alone takes groups."""
    rows = np.arange(len(task))
    if hasattr(folds, "split"):
        labels = task.classes
        folds = list(folds.split(rows[:, None], rows if labels is None else labels, groups))
    elif groups is not None:
        others = {**others, "groups": True}
    told = [name for name, given in others.items() if given]
    if told:
        raise InputError("Folds that are given are not drawn.", where=told[0], expected="folds as a number",
                         received="pairs of row numbers", help=f"Leave {told[0]} out.")  # fmt: skip
    pairs = [(_row_numbers(train, len(rows)), _row_numbers(test, len(rows))) for train, test in folds]
    if not pairs or any(not len(train) or not len(test) for train, test in pairs):
        raise InputError("A fold has no rows.", where="folds", expected="row numbers to train on and to validate on")
    return pairs


def _row_numbers(given: Any, rows: int) -> np.ndarray:
    """Row numbers 0 … rows − 1 of numbers, counted from the end where negative, or of a mask."""
    own = np.asarray(given)
    if own.dtype == bool and own.shape == (rows,):
        return np.flatnonzero(own)
    if own.size and (own.dtype.kind not in "iu" or own.ndim != 1 or own.min() < -rows or own.max() >= rows):
        raise InputError("These are no rows of the data.", where="folds", received=repr(given)[:60],
                         expected=f"row numbers 0 … {rows - 1}, or a mask of {rows}")  # fmt: skip
    return own.astype(np.int64) % rows


def refitted(task: Task, pairs: list[Fold], preprocessing: Any) -> tuple[Task, list[Fold]]:
    """The rows of each fold after one another, each as the transform fitted on its training rows makes them, and the
    folds' row numbers in that; the same task and folds without a preprocessing."""
    if preprocessing is None:
        return task, pairs
    from copy import deepcopy
    from dataclasses import replace

    x, y, weight = task.data.x, task.data.y, task.data.weight
    if isinstance(x, tuple):
        raise InputError("Preprocessing is for one input.", where="preprocessing", received=f"{len(x)} inputs")
    if task.data.validation is not None:
        raise InputError("Each fold's preprocessing would make other rows of the ones to watch.",
                         where="validation_data, validation_split", expected="nothing beside preprocessing",
                         received="given",
                         help="Leave it out: a share of the fold's training rows is watched.")  # fmt: skip
    made = []
    for train, _ in pairs:
        own = deepcopy(preprocessing).fit(cut(x, train))
        made.append(np.asarray(own.transform(x), np.float32 if task.plan.dtype == "float32" else np.float64))
    times = len(pairs)
    again = lambda a: np.concatenate([a] * times)  # noqa: E731
    targets = tuple(map(again, y)) if isinstance(y, tuple) else again(y)
    data = Data.of(np.concatenate(made), targets, None if weight is None else again(weight))
    shifted = [(train + k * len(task), test + k * len(task)) for k, (train, test) in enumerate(pairs)]
    return replace(task, data=data), shifted


def _gathered(tests: list[np.ndarray], outputs: list[Any], rows: int) -> Any:
    """Outputs of the folds put to their rows; a row that several validated gets the mean."""
    if isinstance(outputs[0], tuple):
        return tuple(_gathered(tests, [o[k] for o in outputs], rows) for k in range(len(outputs[0])))
    total = np.zeros((rows, *outputs[0].shape[1:]))
    times = np.zeros(rows)
    for test, found in zip(tests, outputs, strict=True):
        np.add.at(total, test, found)
        np.add.at(times, test, 1)
    with np.errstate(invalid="ignore"):
        return total / np.where(times > 0, times, np.nan).reshape(-1, *[1] * (total.ndim - 1))


def _rows_of(outputs: Any, rows: np.ndarray) -> Any:
    return tuple(part[rows] for part in outputs) if isinstance(outputs, tuple) else outputs[rows]


def student(values: np.ndarray, ratio: float) -> tuple[float, float, float, int]:
    """Mean, half-width of its 95 % interval, t and degrees of freedom, corrected for shared training rows."""
    from scipy.stats import t

    k, mean = len(values), float(values.mean())
    if k < 2:
        return mean, math.nan, math.nan, 0
    error = math.sqrt((1 / k + ratio) * float(values.var(ddof=1)))
    statistic = mean / error if error > 0 else (math.nan if mean == 0 else math.copysign(math.inf, mean))
    return mean, float(t.ppf(0.975, k - 1)) * error, statistic, k - 1


def interval_of(values: np.ndarray, ratio: float, scoring: str | None = None) -> tuple[float, float]:
    """The 95 % interval of a mean over folds, corrected for shared training rows; within what a score can be.

    >>> [round(end, 3) for end in interval_of(np.array([0.9, 1.0]), 0.5, "accuracy")]
    [0.052, 1.0]
    """
    mean, half, _, _ = student(values, ratio)
    low, high = possible(scoring) if scoring is not None else (-math.inf, math.inf)
    # A score of the user's own may have the name of another; one fold has no interval.
    if math.isnan(half) or not low <= mean <= high:
        return mean - half, mean + half
    return max(low, mean - half), min(high, mean + half)
