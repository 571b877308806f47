"""Simple models on the same rows: what can be reached, so that a network's score can be called good or poor."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import judge

MOST_ROWS, MOST_COLUMNS = 3000, 100
MOST_JUDGED = 5000  # held-out rows that are asked: the standard error of an accuracy is then below 0.7 %
LARGEST = 1e150  # values beyond it would overflow when squared
FOLDS = 5
DRAWS = 100  # bootstrap samples for the standard error of R²
NOWHERE = float("nan")


@dataclass(frozen=True)
class Reference:
    """A simple model's score.

    Attributes:
        name: "trivial", "linear", "knn" or "trees".
        score: On the held-out rows, or over folds of the training rows where there are none.
        train_score: On the rows it was fitted to.
        balanced: As `score`, but the mean of the classes' accuracies; R² for real targets.
        error: Standard error of `score`: binomial for classes, by a bootstrap over the judged rows for real targets.
    """

    name: str
    score: float
    train_score: float
    balanced: float = NOWHERE
    error: float = NOWHERE


def table_of(x: Any) -> np.ndarray:
    """Inputs as a table of finite numbers (rows, columns): images flattened, several inputs side by side, what is not
    finite 0."""
    if isinstance(x, tuple):
        return np.concatenate([table_of(part) for part in x], axis=1)
    flat = np.asarray(x, np.float64)
    flat = flat.reshape(len(flat), -1) if flat.size else np.zeros((len(flat), 0))
    return np.clip(np.where(np.isfinite(flat), flat, 0.0), -LARGEST, LARGEST)


def sampled(x: Any, *, cells: int = 2_000_000, seed: int = 0) -> np.ndarray:
    """`table_of` at most so many numbers, 2,000 rows at least: what cheap tests look at."""
    return table_of(few_rows(x, cells=cells, seed=seed))


def few_rows(x: Any, *, cells: int = 2_000_000, seed: int = 0) -> Any:
    """Rows with at most so many numbers together, 2,000 rows at least; all of them where there are no more."""
    rows = len(x[0] if isinstance(x, tuple) else x)
    most = max(2000, cells // max(_columns_of(x), 1))
    return x if rows <= most else _cut(x, some(rows, most, seed))


def bags(x: Any, held_x: Any = None, *, most: int = 1000) -> tuple[np.ndarray, np.ndarray | None]:
    """Rows of tokens as log(1 + count) of each token; of a large vocabulary the commonest ones.

    Args:
        x, held_x: Whole numbers (rows, length); 0, the usual padding, is counted like any other.
        most: Tokens counted.

    >>> bags(np.array([[1, 1, 2], [2, 2, 2]]))[0].round(2).tolist()
    [[1.1, 0.69], [0.0, 1.39]]
    """
    tokens = np.asarray(x).reshape(len(x), -1).astype(np.int64)
    names, counts = np.unique(tokens, return_counts=True)
    names = np.sort(names[np.argsort(-counts, kind="stable")[:most]])

    def counted(rows: np.ndarray) -> np.ndarray:
        places = np.minimum(np.searchsorted(names, rows), max(len(names) - 1, 0))
        table = np.zeros((len(rows), len(names)))
        row, column = np.nonzero(names[places] == rows) if len(names) else (np.empty(0, int),) * 2
        np.add.at(table, (row, places[row, column]), 1.0)
        return np.log1p(table)

    held = None if held_x is None else np.asarray(held_x).reshape(len(held_x), -1).astype(np.int64)
    return counted(tokens), None if held is None else counted(held)


def references(
    task: str,
    x: Any,
    y: Any,
    held_x: Any = None,
    held_y: Any = None,
    *,
    seed: int = 0,
    balanced: bool = False,
    tokens: bool = False,
) -> list[Reference]:
    """Trivial answer, linear model, nearest neighbours and random trees, by the same score as the network.

    Args:
        task: As `judge.task_of` names it.
        x, y: Training rows; at most 3,000 of them are fitted to.
        held_x, held_y: Rows to judge by, at most 5,000; without them five folds of the training rows.
        seed: For the rows taken, the folds and the trees.
        balanced: Whether the score is the mean of the classes' accuracies.
        tokens: Whether x are numbers of words: they are then counted.

    Returns:
        A Reference each; a model that the rows do not allow (one class alone) is left out. Empty for tasks without a
        score, and where targets are not finite.

    >>> x = np.linspace(-1, 1, 40)[:, None]
    >>> [one.name for one in references("regression", x, 3 * x)]
    ['trivial', 'linear', 'knn', 'trees']
    """
    if task not in judge.TASKS or not len(y) or not _finite(y) or not _columns_of(x):
        return []
    if held_y is not None and (not len(held_y) or not _finite(held_y)):
        held_x = held_y = None
    rows = some(len(y), MOST_ROWS, seed)
    if tokens:
        table, others = bags(_cut(x, rows), None if held_x is None else held_x)
    else:
        table, others = table_of(_cut(x, rows)), None if held_x is None else table_of(held_x)
    targets, held = np.asarray(y)[rows], None
    columns = standardising(table, seed)
    if others is not None and others.shape[1] == table.shape[1]:
        judged = some(len(others), MOST_JUDGED, seed)
        held = columns(others[judged]), np.asarray(held_y)[judged]
    table = columns(table)
    truth = y if held is None else held[1]
    found = [_trivial(task, y, truth, balanced)]
    for name, make in _models(task, len(rows), seed):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found.append(_judged(name, make, task, table, targets, held, balanced, seed))
        except ValueError:  # one class alone, or fewer rows than neighbours: the model says nothing
            continue
    return found


def _trivial(task: str, y: Any, truth: Any, balanced: bool) -> Reference:
    even = judge.trivial(task, y, truth, balanced=True)
    score = even if balanced else judge.trivial(task, y, truth)
    error = 0.0 if task == "regression" else _binomial(score, len(truth))
    return Reference("trivial", score, judge.trivial(task, y, balanced=balanced), even, error)


def ceiling(found: list[Reference]) -> Reference | None:
    """The reference with the best score, its standard error with it; None of none."""
    known = [one for one in found if np.isfinite(one.score)]
    return max(known, key=lambda one: one.score, default=None)


def importances(task: str, x: Any, y: Any, *, seed: int = 0, repeats: int = 2) -> dict[str, Any]:
    """How much random trees' score on rows not fitted to falls when a column is permuted (Breiman 2001).

    Args:
        task: As `judge.task_of` names it.
        x, y: Rows; a third of at most 3,000 is held out, of which 300 are asked. At most 100 columns are asked, those
            of the largest spread.
        seed: For the rows, the trees and the permutations.
        repeats: Permutations of each column.

    Returns:
        "score" on the held-out rows, "drop" and "error" (its standard error over repeats and rows) by column, NaN where
        it was not asked; empty where no such model can be fitted.
    """
    if task not in judge.TASKS or len(y) < 30 or not _finite(y) or not _columns_of(x):
        return {}
    rng = np.random.default_rng(seed)
    rows = rng.permutation(some(len(y), MOST_ROWS, seed))
    table, targets = table_of(_cut(x, rows)), np.asarray(y)[rows]
    with np.errstate(all="ignore"):
        spread = table.std(0)
        table = (table - table.mean(0)) / np.where(spread > 0, spread, 1.0)
    fit, asked = slice(len(rows) // 3, None), slice(None, min(len(rows) // 3, 300))
    truth = judge.labels(task, targets)
    truth = truth[:, 0] if task == "regression" and truth.shape[1] == 1 else truth
    model = dict(_models(task, len(rows), seed))["trees"]().fit(table[fit], truth[fit])
    held, answers = table[asked], targets[asked]
    score = _score(task, answers, model.predict(held), False)
    drop, error = np.full(table.shape[1], NOWHERE), np.full(table.shape[1], NOWHERE)
    # Half of a paired difference's rows agree at least: the unpaired error is an upper bound.
    noise = _binomial(min(max(score, 0.0), 1.0), len(held)) / np.sqrt(2)
    moving = np.flatnonzero(np.ptp(table, axis=0) > 0)
    for column in moving[np.argsort(-spread[moving], kind="stable")[:100]]:
        others = np.tile(held, (repeats, 1))
        for part in range(repeats):
            own = slice(part * len(held), (part + 1) * len(held))
            others[own, column] = rng.permutation(held[:, column])
        found = np.split(np.asarray(model.predict(others)), repeats)
        falls = [score - _score(task, answers, answer, False) for answer in found]
        drop[column] = np.mean(falls)
        error[column] = max(float(np.std(falls) / np.sqrt(repeats)), noise)
    return {"score": float(score), "drop": drop.tolist(), "error": error.tolist()}


def some(rows: int, most: int, seed: int = 0) -> np.ndarray:
    """All row numbers, or so many of them drawn by the seed, in order.

    >>> some(3, 10).tolist()
    [0, 1, 2]
    """
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))


def _cut(x: Any, rows: np.ndarray) -> Any:
    return tuple(np.asarray(part)[rows] for part in x) if isinstance(x, tuple) else np.asarray(x)[rows]


def _columns_of(x: Any) -> int:
    return sum(int(np.prod(np.shape(part)[1:])) for part in (x if isinstance(x, tuple) else (x,)))


def _finite(y: Any) -> bool:
    return bool(np.isfinite(np.asarray(y, np.float64)).all())


def standardising(table: np.ndarray, seed: int = 0) -> Any:
    """A function that standardises columns by those of a table; more than 100 become their principal components."""
    from sklearn.decomposition import PCA

    mean, spread = table.mean(0), table.std(0)
    spread = np.where(spread > 1e-12 * np.maximum(np.abs(mean), 1e-300), spread, 1.0)
    if table.shape[1] <= MOST_COLUMNS:
        return lambda a: (a - mean) / spread
    # Pixels share a scale: dividing each by its own spread would blow up those at the rim.
    shared = np.sqrt(np.mean(table.var(0))) or 1.0
    projection = PCA(min(MOST_COLUMNS, len(table)), svd_solver="randomized", random_state=seed).fit(
        (table - mean) / shared
    )
    return lambda a: projection.transform((a - mean) / shared)


def _models(task: str, rows: int, seed: int) -> list[tuple[str, Any]]:
    from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.multioutput import MultiOutputClassifier
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor

    near = max(1, min(5, rows // 10))
    trees = {"n_estimators": 60, "random_state": seed, "min_samples_leaf": 1 if rows < 500 else 2}
    if task == "regression":
        return [("linear", lambda: Ridge(1.0)), ("knn", lambda: KNeighborsRegressor(near)),
                ("trees", lambda: ExtraTreesRegressor(**trees))]  # fmt: skip
    logistic: Any = lambda: LogisticRegression(max_iter=200)  # noqa: E731
    if task == "multilabel":
        logistic = lambda: MultiOutputClassifier(LogisticRegression(max_iter=200))  # noqa: E731
    return [("linear", logistic), ("knn", lambda: KNeighborsClassifier(near)),
            ("trees", lambda: ExtraTreesClassifier(**trees))]  # fmt: skip


def _judged(name, make, task, table, targets, held, balanced, seed) -> Reference:
    truth = judge.labels(task, targets)
    truth = truth[:, 0] if task == "regression" and truth.shape[1] == 1 else truth
    model = make().fit(table, truth)
    own = model.predict(table)
    train = _score(task, targets, own, balanced)
    if held is not None:
        asked, answers = held[1], model.predict(held[0])
    elif len(table) < 4 * FOLDS:
        asked, answers = targets, own
    else:
        asked, answers = targets, _out_of_fold(make, task, table, truth, seed)
    score = _score(task, asked, answers, balanced)
    even = score if task == "regression" else _score(task, asked, answers, True)
    return Reference(name, score, train, even, _error(task, asked, answers, score, seed))


def _out_of_fold(make, task, table, truth, seed) -> np.ndarray:
    """Answers for each row of models that have not seen it."""
    from sklearn.model_selection import KFold, StratifiedKFold

    several = truth.ndim == 1 and task != "regression" and np.bincount(truth).min(initial=FOLDS) >= FOLDS
    parts = (StratifiedKFold if several else KFold)(FOLDS, shuffle=True, random_state=seed)
    answers = np.zeros(truth.shape)
    for rows, rest in parts.split(table, truth if several else None):
        found = make().fit(table[rows], truth[rows]).predict(table[rest])
        answers[rest] = np.asarray(found).reshape(answers[rest].shape)
    return answers


def _error(task: str, asked: Any, answers: Any, score: float, seed: int) -> float:
    """Standard error of a score for the rows it is taken on."""
    if task != "regression":
        return _binomial(score, len(asked))
    rng = np.random.default_rng(seed)
    truth = judge.labels(task, asked)
    wrong = ((truth - np.asarray(answers).reshape(truth.shape)) ** 2).sum(1)
    rows = rng.integers(len(truth), size=(DRAWS, min(len(truth), 1000)))
    drawn = truth[rows]
    spread = ((drawn - drawn.mean(1, keepdims=True)) ** 2).sum((1, 2))
    scores = np.maximum(0.0, 1 - wrong[rows].sum(1)[spread > 0] / spread[spread > 0])
    # A bootstrap of a thousand rows has the error of a thousand.
    return float(scores.std() * np.sqrt(rows.shape[1] / len(truth))) if len(scores) else 0.0


def _binomial(score: float, rows: int) -> float:
    """√(p (1 − p) / n); no errors in ten rows are not proof of none, so p stays half a row away from 0 and 1."""
    half = 0.5 / max(rows, 1)
    p = min(max(score, half), 1 - half)
    return float(np.sqrt(p * (1 - p) / max(rows, 1)))


def _score(task: str, y: Any, answers: Any, balanced: bool) -> float:
    """The score of answers in the form scikit-learn gives them."""
    truth = judge.labels(task, y)
    answers = np.asarray(answers)
    if task == "regression":
        return judge.score(task, y, answers.reshape(truth.shape))
    right = answers == truth
    if balanced and truth.ndim == 1:
        return float(np.mean([right[truth == k].mean() for k in np.unique(truth)]))
    return float(np.mean(right))
