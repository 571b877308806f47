"""Which features matter, and how few will do: permutation importance, and selection by it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.data import Data
from ..errors import InputError
from .scoring import Scoring, scoring_of
from .task import Task, cut_y, task_of
from .validation import folds_of


@dataclass(frozen=True)
class Importance:
    """What a score loses when a feature is shuffled among the rows (Breiman 2001; Fisher et al. 2019).

    Attributes:
        values: (features,) mean loss of score; near or below 0 means that the model does without.
        std: (features,) over the repeats.
        score: With all features as they are.
        scoring: Its name.
        names: Of the features.
    """

    values: np.ndarray
    std: np.ndarray
    score: float
    scoring: str
    names: tuple[str, ...]

    def text(self, lang: str = "en") -> str:
        """The features without which the score falls most, in English or Korean."""
        most = [i for i in self.order if self.values[i] > max(float(self.std[i]), 0.0)][:5]
        named = ", ".join(f"{self.names[i]} ({self.values[i]:.3g})" for i in most)
        if lang == "ko":
            return f"{self.scoring} {self.score:.4g}; 뒤섞으면 가장 많이 떨어지는 특징: {named or '없음'}."
        return f"{self.scoring} {self.score:.4g}; it falls most when these are shuffled: {named or 'none'}."

    @property
    def order(self) -> np.ndarray:
        """Feature numbers, the most important first."""
        return np.argsort(-self.values, kind="stable")

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold, the most important first."""
        rows = [{"feature": self.names[i], "importance": float(self.values[i]), "std": float(self.std[i])}
                for i in self.order]  # fmt: skip
        return {"scoring": self.scoring, "score": self.score, "features": rows}

    def __repr__(self) -> str:
        first = ", ".join(f"{self.names[i]} {self.values[i]:.3g}" for i in self.order[:3])
        return f"Importance({self.scoring} {self.score:.4g}; {first}{', …' if len(self.names) > 3 else ''})"


@dataclass(frozen=True)
class Selection:
    """Scores with fewer and fewer features, and the fewest that do.

    Attributes:
        counts: Numbers of features tried, falling.
        scores: (counts, folds) on rows not trained on.
        scoring: The score's name.
        kept: Feature numbers of the selection, the most important first: the fewest whose mean score is within one
            standard error of the best (the one-standard-error rule; Breiman et al. 1984).
        names: Of all features.
    """

    counts: tuple[int, ...]
    scores: np.ndarray
    scoring: str
    kept: tuple[int, ...]
    names: tuple[str, ...]

    @property
    def names_kept(self) -> tuple[str, ...]:
        return tuple(self.names[i] for i in self.kept)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"counts": list(self.counts), "scores": self.scores.tolist(), "scoring": self.scoring,
                "kept": list(self.names_kept)}  # fmt: skip

    def __repr__(self) -> str:
        return f"Selection({len(self.kept)} of {len(self.names)} features: {', '.join(self.names_kept[:5])})"


def permutation_importance(
    model: Any,
    X: Any,
    y: Any,
    *,
    repeats: int = 10,
    scoring: Any = None,
    seed: int = 0,
    names: Sequence[str] | None = None,
) -> Importance:
    """How much a trained model's score falls when each feature is shuffled, on rows it should not have seen.

    Args:
        model: A trained model of one input; of one that `jindan train` made, columns of the table are shuffled.
        X: (rows, features); for a table's model raw rows.
        y: Targets as `fit` takes them.
        repeats: Shuffles of each feature.
        scoring: See `jindan.select.scoring_of`.
        seed: Of the shuffles.
        names: Of the features; "0", "1", … unless given.

    Raises:
        InputError: when X is no table of features.

    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> X = np.random.default_rng(0).normal(size=(80, 3)); y = 2 * X[:, 1]
    >>> model = Sequential([Dense(1)])
    >>> model.compile("sgd", "mse")
    >>> history = model.fit(X, y, epochs=40, seed=0)
    >>> permutation_importance(model, X, y, repeats=3).order[0]
    np.int64(1)
    """
    if hasattr(model, "column_importance"):
        if scoring is not None or names is not None:
            raise InputError(
                "Of a table's model columns are shuffled, and accuracy or R² is what falls.", where="scoring, names",
                expected="neither", received=scoring if scoring is not None else names,
                help="model.inner() is the network alone, with features and targets; it takes both.",
            )  # fmt: skip
        return model.column_importance(X, y, repeats=repeats, seed=seed)
    whole_repeats(repeats)
    X = _table(X)
    names = _names(names, X.shape[1])
    score = scoring_of(scoring, model.plan)
    y = Data.of(X, y).y
    base = score(model.plan, y, model.predict(X))
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(X)) for _ in range(repeats)]
    falls = np.array([[base - _shuffled(model, score, X, y, j, order) for order in orders] for j in range(X.shape[1])])
    return Importance(
        falls.mean(1), falls.std(1, ddof=1) if repeats > 1 else np.zeros(len(falls)), base, score.name, names
    )


def whole_repeats(repeats: Any) -> None:
    """Raise an InputError where repeats is no number of shuffles."""
    if isinstance(repeats, bool) or not isinstance(repeats, (int, np.integer)) or repeats < 1:
        raise InputError("Each feature is shuffled at least once.", where="repeats", expected="a whole number >= 1",
                         received=repr(repeats), help="10 is usual.")  # fmt: skip


def select_features(
    model: Any,
    X: Any,
    y: Any,
    *,
    counts: Sequence[int] | None = None,
    folds: int = 5,
    seed: int = 0,
    scoring: Any = None,
    names: Sequence[str] | None = None,
    **fit: Any,
) -> Selection:
    """Cross-validate with the most important features only, fewer and fewer of them.

    In each fold features are ranked by the permutation importance of the fold's own model on its training rows, so
    that the rows it is judged by have no say; features left out are held at 0, which a network that starts with them
    at 0 cannot learn from. The final ranking is the mean of the folds'.

    Args:
        model: A compiled model, which stays as it is.
        X: (rows, features), best standardised: 0 should be a feature's middle.
        counts: Numbers of features to try; all, and halves down to 1, unless given.
        folds, seed, scoring, fit: As for `cross_validate`.
    """
    X = _table(X)
    names = _names(names, X.shape[1])
    task = task_of(model, X, y, scoring=scoring, seed=seed, **fit)
    if task.data.validation is not None:
        raise InputError("Features are left out of rows to watch, too.", where="validation_data", expected="nothing",
                         received="given", help="Leave it out: a share of each fold's rows is watched.")  # fmt: skip
    pairs = folds_of(task, folds, seed=seed)
    runs = task.train([task.on(task.plan, train) for train, _ in pairs])
    ranks = np.array([_ranking(task, run, train, seed) for run, (train, _) in zip(runs, pairs, strict=True)])
    tried = tuple(sorted({*(counts or _halves(X.shape[1]))}, reverse=True))
    if not tried or min(tried) < 1 or max(tried) > X.shape[1]:
        raise InputError(
            "These numbers of features cannot be tried.", where="counts",
            expected=f"whole numbers from 1 to {X.shape[1]}", received=counts,
            help="Leave counts out: halves are tried.",
        )  # fmt: skip
    masked: list[np.ndarray] = []
    trains, tests = [], []
    for count in tried:
        for (train, test), rank in zip(pairs, ranks, strict=True):
            offset = len(masked) * len(X)
            masked.append(np.where(rank < count, X, 0.0))
            trains.append(train + offset)
            tests.append(test + offset)
    again = np.concatenate([task.data.y] * len(masked))
    weight = None if task.data.weight is None else np.concatenate([task.data.weight] * len(masked))
    wide = replace(task, data=Data.of(np.concatenate(masked), again, weight))
    plans = [wide.on(task.plan, rows) for rows in trains]
    scores = wide.score(wide.train(plans), tests).reshape(len(tried), len(pairs))
    means = scores.mean(1)
    best = int(np.nan_to_num(means, nan=-np.inf).argmax())
    low = _one_error_below(scores[best])
    # A score that is NaN is none: where all are, all features stay.
    fewest = max((k for k in range(len(tried)) if means[k] >= low), default=0)
    order = np.argsort(ranks.mean(0), kind="stable")
    return Selection(tried, scores, task.scoring.name, tuple(int(i) for i in order[: tried[fewest]]), names)


def _shuffled(model: Any, score: Scoring, X: np.ndarray, y: Any, feature: int, order: np.ndarray) -> float:
    moved = X.copy()
    moved[:, feature] = X[order, feature]
    return score(model.plan, y, model.predict(moved))


def _ranking(task: Task, run: Any, rows: np.ndarray, seed: int) -> np.ndarray:
    """(features,) the rank of each feature, 0 the most important, on rows of the task."""
    x, y = task.data.x[rows], cut_y(task.data.y, rows)
    order = np.random.default_rng(seed).permutation(len(x))
    falls = []
    for feature in range(x.shape[1]):
        moved = x.copy()
        moved[:, feature] = x[order, feature]
        falls.append(-_smooth(task, y, run.predict(moved)))
    return np.argsort(np.argsort(-np.array(falls), kind="stable"), kind="stable")


def _smooth(task: Task, y: Any, outputs: Any) -> float:
    """Minus the loss: it ranks features where accuracies are equal."""
    return scoring_of("-loss", task.plan)(task.plan, y, outputs)


def _one_error_below(scores: np.ndarray) -> float:
    if len(scores) < 2:
        return float(scores.mean())
    return float(scores.mean() - scores.std(ddof=1) / np.sqrt(len(scores)))


def _halves(features: int) -> list[int]:
    found = [features]
    while found[-1] > 1:
        found.append(found[-1] // 2)
    return found


def _table(X: Any) -> np.ndarray:
    table = np.asarray(X.to_numpy() if hasattr(X, "to_numpy") else X)
    if table.ndim != 2:
        raise InputError(
            "Features are columns of a table.", where="X", expected="shape (rows, features)",
            received=f"shape {table.shape}",
            help="Shuffling single pixels or steps says little; use the network's own gradients there.",
        )  # fmt: skip
    return table


def _names(names: Sequence[str] | None, count: int) -> tuple[str, ...]:
    found = tuple(map(str, names if names is not None else range(count)))
    if len(found) != count:
        raise InputError(
            "Names and features differ in number.", where="names", expected=f"{count} names", received=len(found),
            help="Leave names out, or give one for each column.",
        )  # fmt: skip
    return found
