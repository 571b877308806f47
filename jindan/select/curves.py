"""Learning curves: scores by number of rows, by width, by depth, or by any setting, and what they say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..errors import InputError
from ..layers import Dense
from ..plan import Plan
from .reported import Reported
from .task import Task, task_of
from .validation import Fold, folds_of, interval_of

SIZES = (0.1, 0.2, 0.4, 0.7, 1.0)


@dataclass(frozen=True)
class LearningCurve(Reported):
    """What `learning_curve` found.

    Attributes:
        path: "rows", "depth", or the path of a setting.
        values: Rows (of the smallest fold), depths, or values of the setting.
        training, validation: (values, folds, seeds) scores on the rows trained on and on the fold's other rows.
        scoring: The score's name, higher being better.
        ratios: Validation rows by training rows at each value, for intervals.
    """

    study: ClassVar[str] = "curve"

    path: str
    values: tuple[Any, ...]
    training: np.ndarray
    validation: np.ndarray
    scoring: str
    ratios: tuple[float, ...]

    def intervals(self, part: str = "validation") -> np.ndarray:
        """(values, 2) 95 % intervals of the mean of "training" or "validation", corrected for folds that share rows."""
        scores = getattr(self, part).mean(2)
        return np.array([interval_of(row, ratio, self.scoring) for row, ratio in zip(scores, self.ratios, strict=True)])

    @property
    def best(self) -> Any:
        """The value whose mean validation score is highest."""
        means = self.validation.mean((1, 2))
        return self.values[int(np.nanargmax(means))] if np.isfinite(means).any() else None

    @property
    def verdict(self) -> str:
        """What the curve says.

        By rows: "more-data" (validation still rises), "too-large" (training is better than validation, and more rows
        change little), "enough" (neither). By a setting: "too-small" (the last value is best), "too-large" (a smaller
        one is better than the last), "no-difference". "unknown" where scores are not finite or there is one fold.
        """
        last = len(self.values) - 1
        best = last if self.best is None else self.values.index(self.best)
        gap = self._difference(self.training[last], self.validation[last], last)
        if self.path == "rows":
            gain = self._difference(self.validation[last], self.validation[last - 1], last)
            if not np.isfinite([*gap, *gain]).all():
                return "unknown"
            return "more-data" if gain[1] > 0 else "too-large" if gap[1] > 0 else "enough"
        fall = self._difference(self.validation[best], self.validation[last], last)
        rise = self._difference(self.validation[best], self.validation[0], best)
        if not np.isfinite([*fall, *rise]).all():
            return "unknown"
        return "too-large" if fall[1] > 0 else "too-small" if best == last and rise[1] > 0 else "no-difference"

    def _difference(self, a: np.ndarray, b: np.ndarray, at: int) -> tuple[float, float, float]:
        """Mean of a less b over the same folds, and its 95 % interval."""
        gaps = (a - b).mean(1)
        return (float(gaps.mean()), *interval_of(gaps, self.ratios[at]))

    def text(self, lang: str = "en") -> str:
        """The numbers of each value, a line each, and the verdict, in English or Korean."""
        lines = (self._line(place, lang) for place in range(len(self.values)))
        return "\n".join([*lines, self._judged(lang)])

    def conclusion(self, lang: str = "en") -> str:
        """The numbers of the most rows, or of the best value, and the verdict."""
        last = -1 if self.path == "rows" or self.best is None else self.values.index(self.best)
        return f"{self._line(last, lang)}. {self._judged(lang)}"

    def _line(self, place: int, lang: str) -> str:
        low, high = self.intervals()[place]
        training, score = float(self.training[place].mean()), float(self.validation[place].mean())
        value = self.values[place]
        which = 1 if lang == "ko" else 0
        at = (f"{value} rows", f"{value}행") if self.path == "rows" else (f"{self.path} = {value}",) * 2
        named = (("training", "validation"), ("훈련", "검증"))[which]
        return f"{at[which]}: {named[0]} {training:.4g}, {named[1]} {score:.4g} ({low:.4g} … {high:.4g})"

    def _judged(self, lang: str) -> str:
        return _WORDS[self.path == "rows", self.verdict][lang == "ko"]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        values = [v if isinstance(v, (int, float, str, type(None))) else repr(v) for v in self.values]
        best = None if self.best is None else values[self.values.index(self.best)]
        found: dict[str, Any] = {"path": self.path, "values": values, "scoring": self.scoring,
                                 "verdict": self.verdict, "best": best}  # fmt: skip
        for part in ("training", "validation"):
            found[part] = {"scores": getattr(self, part).tolist(), "intervals": self.intervals(part).tolist()}
        return found

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """Both curves with bands, as a picture (SVG)."""
        from ..report.studies import plot_curve

        return plot_curve(self, to_file, lang)

    def __repr__(self) -> str:
        means = ", ".join(f"{v}: {m:.4g}" for v, m in zip(self.values, self.validation.mean((1, 2)), strict=True))
        return f"LearningCurve({self.scoring} by {self.path}; {means}; {self.verdict})"


_UNKNOWN = ("Nothing can be said: scores are not finite, or there is one fold.",
            "점수가 유한하지 않거나 폴드가 하나뿐이라 판단할 수 없습니다.")  # fmt: skip
# By (whether the curve is one by rows, verdict).
_WORDS = {
    (True, "more-data"): ("Validation still rises with the rows: more data would help.",
                          "행이 늘수록 검증 점수가 계속 오릅니다. 데이터를 더 모으면 도움이 됩니다."),
    (True, "too-large"): ("Training is better than validation and the last rows changed little: the model is too "
                          "large for its data, or needs a penalty.",
                          "훈련 점수가 검증 점수보다 높고 마지막에 더한 행의 효과가 작습니다. "
                          "데이터에 비해 모델이 너무 크거나 벌점이 필요합니다."),
    (True, "enough"): ("Training is no better than validation and the last rows changed little: more data would not "
                       "help, a larger model might (too small).",
                       "훈련 점수와 검증 점수가 비슷하고 마지막에 더한 행의 효과가 작습니다. "
                       "데이터보다 더 큰 모델이 도움이 될 수 있습니다(너무 작음)."),
    (False, "too-small"): ("The largest is the best of these: smaller ones are too small, and a still larger one is "
                           "worth a try.",
                           "가장 큰 값이 가장 좋습니다. 더 작은 값은 너무 작으며, 더 큰 값도 시도해 볼 만합니다."),
    (False, "too-large"): ("The largest is worse than this one: it is too large for these data.",
                           "가장 큰 값은 이 값보다 나쁩니다. 이 데이터에는 너무 큽니다."),
    (False, "no-difference"): ("The largest is no different from this one, by chance alone: take the simplest.",
                               "가장 큰 값과의 차이를 우연과 구별할 수 없습니다. 가장 단순한 것을 쓰면 됩니다."),
    (True, "unknown"): _UNKNOWN,
    (False, "unknown"): _UNKNOWN,
}  # fmt: skip


def learning_curve(
    model: Any,
    X: Any,
    y: Any,
    *,
    sizes: Sequence[float] = SIZES,
    path: str | None = None,
    values: Sequence[Any] | None = None,
    folds: int | Sequence[Fold] = 5,
    seeds: int = 1,
    stratify: bool | str = "auto",
    scoring: Any = None,
    seed: int = 0,
    **fit: Any,
) -> LearningCurve:
    """Training and validation scores by number of rows, or by a setting of the plan: one population.

    By rows, each fold's training rows are put into an order, and each size takes its first ones: the subsets are
    nested, so that differences are those of rows added (and classes keep their shares in each).

    Args:
        model: A compiled model, which stays as it is, or a Plan.
        X, y: Rows and targets.
        sizes: Shares of the training rows (floats up to 1), or their numbers, up to those of the smallest fold.
        path: A path of the plan ("layers.0.units", "learning_rate"), or "depth", which makes the last hidden Dense
            layer, with what follows it up to the output, stand so many times; None is by rows.
        values: Of the setting, from small to large.
        folds, stratify, scoring: As in `cross_validate`.
        seeds: Members a value and fold.
        seed: Of folds and subsets, and of the first member.
        fit: Arguments of `fit`.

    Raises:
        InputError: when a size, a path or a value cannot be used.

    >>> X = np.random.default_rng(0).normal(size=(40, 2)); y = X.sum(1)
    >>> plan = Plan((Dense(1),), loss="mse", optimizer="adam", epochs=20)
    >>> learning_curve(plan, X, y, sizes=(8, 16, 1.0), folds=3, stratify=False).values
    (8, 16, 26)
    """
    task = task_of(model, X, y, scoring=scoring, seed=seed, **fit)
    if int(seeds) < 1:
        raise InputError("There are no seeds.", where="seeds", expected="at least 1", received=seeds)
    pairs = folds_of(task, folds, stratify=stratify, seed=seed)
    if path is None:
        return _by_rows(task, pairs, sizes, int(seeds), seed)
    if values is None or len(values) == 0:
        raise InputError("The values of the setting are missing.", where="values", expected=f"a list for {path}",
                         received=values, help='path="layers.0.units", values=[4, 16, 64]')  # fmt: skip
    plans = [deepened(task.plan, v) if path == "depth" else task.plan.edit({path: v}) for v in values]
    members = [[(plan, train, test) for train, test in pairs] for plan in plans]
    return _curve(task, members, path, tuple(values), int(seeds), seed)


def deepened(plan: Plan, depth: int) -> Plan:
    """The plan with its last hidden Dense layer, and what follows it up to the output, standing so many times.

    >>> len(deepened(Plan((Dense(4), Dense(1))), 3).layers)
    4
    """
    if isinstance(depth, bool) or not isinstance(depth, (int, np.integer)) or depth < 1:
        raise InputError("A depth is a whole number.", where="values", expected="an integer >= 1", received=repr(depth))
    hidden = [i for i, layer in enumerate(plan.layers[:-1]) if isinstance(layer, Dense)]
    if plan.wiring is not None or not hidden:
        raise InputError(
            "There is no hidden Dense layer to repeat.", where='path="depth"', expected="a stack Dense … Dense",
            received="a graph of layers" if plan.wiring is not None else f"{len(plan.layers)} layers",
            help="Name a setting instead, such as layers.0.units.",
        )  # fmt: skip
    start, end = hidden[-1], len(plan.layers) - 1
    # Layers' names are theirs alone, and only the first of all has a shape of rows.
    block = tuple(layer.replace(name=None, input_shape=None) for layer in plan.layers[start:end])
    return plan.replace(layers=(*plan.layers[:end], *block * (int(depth) - 1), plan.layers[end]))


def nested(rows: np.ndarray, classes: np.ndarray | None, seed: int) -> np.ndarray:
    """The rows in an order in which every beginning has about the whole's share of each class.

    >>> nested(np.arange(4), np.array([0, 0, 1, 1]), 0)[:2].tolist() in ([0, 2], [0, 3], [1, 2], [1, 3], [2, 0],
    ...     [2, 1], [3, 0], [3, 1])
    True
    """
    rng = np.random.default_rng(seed)
    rows = rng.permutation(rows)
    if classes is None:
        return rows
    place = np.empty(len(rows))
    for label in np.unique(classes[rows]):
        own = np.flatnonzero(classes[rows] == label)
        place[own] = (np.arange(len(own)) + rng.uniform(0.4, 0.6)) / len(own)
    return rows[np.argsort(place, kind="stable")]


def _by_rows(task: Task, pairs: list[Fold], sizes: Sequence[float], seeds: int, seed: int) -> LearningCurve:
    least = min(len(train) for train, _ in pairs)
    counts = sorted({_count(size, least) for size in sizes})
    if len(counts) < 2:
        raise InputError("A curve needs several sizes.", where="sizes", expected="at least 2 different ones",
                         received=f"{list(sizes)} of {least} rows")  # fmt: skip
    classes = task.classes
    orders = [nested(train, classes, seed + number) for number, (train, _) in enumerate(pairs)]
    members = [[(task.plan, order[:count], test) for order, (_, test) in zip(orders, pairs, strict=True)]
               for count in counts]  # fmt: skip
    return _curve(task, members, "rows", tuple(counts), seeds, seed)


def _count(size: Any, rows: int) -> int:
    whole = isinstance(size, (int, np.integer)) and not isinstance(size, bool) and size >= 1
    share = isinstance(size, (float, np.floating)) and 0 < size <= 1
    if not whole and not share:
        raise InputError("This is no number of rows.", where="sizes", expected="shares > 0 up to 1.0, or numbers >= 1",
                         received=repr(size))  # fmt: skip
    if whole and size > rows:
        raise InputError(
            "There are not so many rows to train on.", where="sizes",
            expected=f"up to {rows}, the training rows of the smallest fold", received=int(size),
            help="1.0 is all of them; more folds leave more rows to train on.",
        )  # fmt: skip
    return max(int(size) if whole else math.floor(float(size) * rows + 1e-9), 1)


def _curve(task: Task, members: list[list[tuple]], path: str, values: tuple, seeds: int, seed: int) -> LearningCurve:
    """All members trained and scored on the rows they saw and on those they did not."""
    flat = [(plan.replace(seed=seed + s), rows, held) for row in members for plan, rows, held in row
            for s in range(seeds)]  # fmt: skip
    runs = task.train([task.on(plan, rows) for plan, rows, _ in flat])
    shape = (len(values), len(members[0]), seeds)
    scores = [task.score(runs, [member[k] for member in flat]).reshape(shape) for k in (1, 2)]
    ratios = tuple(float(np.mean([len(held) / len(rows) for _, rows, held in row])) for row in members)
    plain = tuple(v.item() if isinstance(v, np.generic) else v for v in values)
    return LearningCurve(path, plain, scores[0], scores[1], task.scoring.name, ratios)
