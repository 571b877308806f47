"""Tests of targets beside inputs: wrong labels, columns that tell of the target, columns that give it away."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from ..data.association import correlation_ratio, cramers_v, pearson
from . import judge
from .references import importances as tree_importances
from .references import sampled, some, standardising, table_of

MOST_ROWS = 2000
FOLDS, NEIGHBOURS, TREES = 5, 15, 60
SUREST = 0.2  # share of rows that models are surest of
LEAST = 40  # of them at least
NOISE, SKILL, EXCESS = 0.1, 0.2, 2.5
BINS = 10  # ranges of equal counts that a column of many values is cut into
CANDIDATES = 12  # columns that single-column models are fitted to
GIVEN_AWAY = 0.999  # from which on a column determines the target, as in jindan.data.contamination


def label_noise(task: str, x: Any, y: Any, *, seed: int = 0) -> dict[str, Any]:
    """An estimate of how many labels are wrong.

    Three simple models that work differently (nearest neighbours, random trees, logistic regression) give each row
    probabilities without having seen it. Two things are counted:

    - Confident learning (Northcutt, Jiang & Chuang 2021): labels that the first two surely contradict, both beyond the
      mean probability of that class's own rows. Classes that overlap are counted too.
    - The error among the fifth of rows that the models together are surest of. Far from the borders of classes, clean
      labels are right, however much the classes overlap elsewhere; labels wrong at random are wrong there as well. That
      is the anchor-point estimate of the noise rate (Liu & Tao 2016; Patrini et al. 2017).

    What overlap explains of it is known where classes are normal clouds of equal spread and distance (the model of
    linear discriminants) with the shares at hand: the error of all rows tells their distance, and that the error of the
    surest fifth. Noise is what exceeds it by 2.5 standard errors, is a tenth at least, and leaves the models clearly
    better than the trivial answer; classes that cannot be told apart at all look the same as labels that are all wrong.

    Args:
        task: As `judge.task_of` names it.
        x, y: Training rows; at most 2,000 are looked at.
        seed: For rows, folds and trees.

    Returns:
        "share" (of labels surely contradicted), "uniform" (error among the surest fifth: the share of wrong labels
        where noise is even) and "uniform_error" (its standard error), "wrong" (error of all rows), "overlap" (the error
        of the surest fifth that overlapping classes explain), "flatness" (uniform ÷ wrong), "skill" (1 − wrong ÷ error
        of the trivial answer), "evenness" (0 … 1: whether wrong labels are spread over all other classes or go to one;
        None of two classes), "rows", "noisy", "strength". Empty for targets that are no classes, below 100 rows, or
        where a class has fewer than ten.
    """
    if task not in ("binary", "multiclass") or len(y) < 100:
        return {}
    rows = some(len(y), MOST_ROWS, seed)
    names, label = np.unique(judge.labels(task, np.asarray(y)[rows]), return_inverse=True)
    if len(names) < 2 or np.bincount(label).min() < 10:
        return {}
    cut = tuple(np.asarray(part)[rows] for part in x) if isinstance(x, tuple) else np.asarray(x)[rows]
    table = table_of(cut)
    if not table.shape[1]:
        return {}
    chances = _unseen(standardising(table, seed)(table), label, seed)
    sure = _contradicted(chances[:2], label)
    mean = np.mean(chances, axis=0)
    wrong = mean.argmax(1) != label
    surest = np.argsort(-mean.max(1), kind="stable")[: max(int(SUREST * len(label)), min(LEAST, len(label)))]
    uniform, every = float(wrong[surest].mean()), float(wrong.mean())
    error = float(np.sqrt(max(uniform * (1 - uniform), 1 / len(surest)) / len(surest)))
    skill = 1 - every / (1 - np.bincount(label).max() / len(label))
    flatness = uniform / every if every > 0 else 0.0
    overlap = overlap_alone(every, np.bincount(label) / len(label))
    noisy = bool(uniform >= NOISE and skill >= SKILL and uniform > overlap + EXCESS * error)
    return {
        "share": float(sure.mean()), "uniform": uniform, "uniform_error": error, "wrong": every, "overlap": overlap,
        "flatness": float(flatness), "skill": float(skill), "evenness": _evenness(label, mean, sure),
        "rows": len(label), "noisy": noisy, "strength": float(min(1.0, 0.5 + 2.5 * uniform)),
    }  # fmt: skip


def _unseen(table: np.ndarray, label: np.ndarray, seed: int) -> list[np.ndarray]:
    """Out-of-fold probabilities (rows, classes) of the three models."""
    from sklearn.ensemble import ExtraTreesClassifier
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_val_predict
    from sklearn.neighbors import KNeighborsClassifier

    parts = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
    models = (
        KNeighborsClassifier(NEIGHBOURS),
        ExtraTreesClassifier(TREES, min_samples_leaf=3, random_state=seed),
        LogisticRegression(max_iter=100),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return [cross_val_predict(model, table, label, cv=parts, method="predict_proba") for model in models]


def overlap_alone(wrong: float, shares: np.ndarray, *, draws: int = 20_000) -> float:
    """The error of the surest fifth of rows where normal clouds of equal distance overlap so that so many are wrong.

    Args:
        wrong: Error of the best classifier on all rows.
        shares: Of the classes.
        draws: Rows drawn; more classes have fewer.

    >>> round(overlap_alone(0.16, np.array([0.5, 0.5])), 2)  # two clouds two standard deviations apart
    0.01
    """
    rng = np.random.default_rng(0)
    classes = len(shares)
    label = rng.choice(classes, max(2000, draws * 2 // classes) if classes > 2 else draws, p=shares)
    noise = rng.normal(size=(len(label), classes))
    prior = np.log(np.maximum(shares, 1e-12))

    def errors(distance: float) -> tuple[float, float]:
        logits = prior + distance * (noise + distance * (np.arange(classes) == label[:, None]))
        p = np.exp(logits - logits.max(1, keepdims=True))
        miss = p.argmax(1) != label
        best = p.max(1) / p.sum(1)
        return float(miss.mean()), float(miss[np.argsort(-best, kind="stable")[: int(SUREST * len(label))]].mean())

    low, high, slack = 0.0, 8.0, 1 / np.sqrt(len(label))
    for _ in range(14):
        middle = (low + high) / 2
        # The least distance that will do: where one class prevails, many distances leave equally many wrong.
        low, high = (middle, high) if errors(middle)[0] > wrong + slack else (low, middle)
    return errors((low + high) / 2)[1]


def _contradicted(chances: list[np.ndarray], label: np.ndarray) -> np.ndarray:
    """Rows of which all models are sure that they belong to one and the same other class."""
    sure = np.ones(len(label), bool)
    first = chances[0].argmax(1)
    for p in chances:
        limits = np.array([p[label == k, k].mean() for k in range(p.shape[1])])
        guess = p.argmax(1)
        sure &= (guess != label) & (guess == first) & (p.max(1) >= np.maximum(limits[guess], 0.5))
    return sure


def _evenness(label: np.ndarray, chances: np.ndarray, sure: np.ndarray) -> float | None:
    """Entropy of the given class among contradicted rows of one predicted class, ÷ that of all other classes alike;
    the mean over classes by their counts."""
    classes = chances.shape[1]
    if classes < 3 or not sure.any():
        return None
    counts = np.zeros((classes, classes))
    np.add.at(counts, (chances.argmax(1)[sure], label[sure]), 1.0)
    counts = counts[counts.sum(1) > 1]
    if not len(counts):
        return None
    p = counts / counts.sum(1, keepdims=True)
    entropy = -np.sum(p * np.log(np.where(p > 0, p, 1.0)), axis=1)
    # Few rows cannot be spread over more classes than they are.
    most = np.log(np.minimum(counts.sum(1), classes - 1))
    kept = most > 0
    return float(np.average(entropy[kept] / most[kept], weights=counts.sum(1)[kept])) if kept.any() else None


def predictable_inputs(task: str, x: Any, y: Any, importances: Any = None, *, seed: int = 0) -> dict[str, Any]:
    """Which columns carry information on the targets.

    One column by itself: the correlation ratio η of real targets between ten ranges of the column, corrected for chance
    (Kelley 1935), or Cramér's V of ranges and classes (Bergsma 2013). Together with the others: the fall of a reference
    model's score when the column is permuted.

    Args:
        task: As `judge.task_of` names it.
        x, y: Rows.
        importances: What `references.importances` gave, or falls of a score by column; None computes them.
        seed: For the reference model.

    Returns:
        "univariate" and "permutation" by column (NaN where not asked), "columns" (those that tell: permutation beyond
        two standard errors and 0.005, or univariate above 0.2), "share" of them. Empty for tasks without a score.
    """
    if task not in judge.TASKS or not len(y):
        return {}
    alone = univariate(task, x, y)
    given = tree_importances(task, x, y, seed=seed) if importances is None else importances
    falls = given.get("drop", []) if isinstance(given, dict) else list(given)
    errors = given.get("error", []) if isinstance(given, dict) else [0.0] * len(falls)
    if len(falls) != len(alone):
        falls, errors = [float("nan")] * len(alone), [float("nan")] * len(alone)
    together = np.asarray(falls) > np.maximum(0.005, 2 * np.asarray(errors))
    tells = np.flatnonzero(together | (np.nan_to_num(alone) > 0.2))
    return {"univariate": alone.tolist(), "permutation": [float(v) for v in falls], "columns": tells.tolist(),
            "share": len(tells) / max(len(alone), 1)}  # fmt: skip


def univariate(task: str, x: Any, y: Any) -> np.ndarray:
    """By column, how strongly it goes with the targets by itself: 0 … 1. The strongest of several targets counts."""
    table = sampled(x)
    rows = some(len(y), len(table)) if len(table) < len(y) else np.arange(len(y))
    truth = judge.labels(task, np.asarray(y)[rows])
    goals = truth[:, None] if truth.ndim == 1 else truth
    if task == "regression":
        goals = goals[:, :16]
    found = np.zeros(table.shape[1])
    for column in range(table.shape[1]):
        groups = ranges(table[:, column])
        if groups.max(initial=0) == 0:
            continue
        for k in range(goals.shape[1]):
            if task == "regression":
                value = correlation_ratio(groups, goals[:, k], corrected=True)
            else:
                value = cramers_v(groups, goals[:, k].astype(np.intp))
            found[column] = max(found[column], value or 0.0)
    return found


def ranges(values: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Numbers of the ranges that values fall into: each value its own where there are few, else of equal counts.

    >>> ranges(np.array([3.0, 1.0, 3.0])).tolist()
    [1, 0, 1]
    """
    names, codes = np.unique(values, return_inverse=True)
    if len(names) <= bins:
        return np.asarray(codes, np.intp)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, bins + 1)[1:-1]))
    return np.asarray(np.searchsorted(edges, values, side="right"), np.intp)


def leaking_columns_of(task: str, x: Any, y: Any) -> dict[str, Any]:
    """Single columns that determine the target by themselves.

    Kinds: "mapping" and "correlation" as in `jindan.data.contamination.leaking_columns`; "rank" where ranks go together
    as closely; "threshold" where a tree on this column alone, judged by five folds, is right on 99.9 % of the rows. The
    last can be honest (one measure that separates two kinds): "second" tells how well the next column does.

    Args:
        task: As `judge.task_of` names it.
        x, y: Training rows.

    Returns:
        "columns": (column, strength, kind), the strongest first; "second": accuracy, or |r|, of the best column that is
        not among them. Empty for images, several labels or targets, one column, or fewer than 20 rows.
    """
    table, target = _single_target(task, x, y)
    if target is None or table.shape[1] < 2 or len(target) < 20:
        return {}
    found = _by_contamination(table, target, task == "regression")
    alone = univariate(
        task, table, np.asarray(target, np.float64)[:, None] if task == "regression" else target[:, None]
    )
    second = 0.0
    order = np.argsort(-alone, kind="stable")[:CANDIDATES]
    for column in order:
        if int(column) in found:
            continue
        values = table[:, column]
        if task == "regression":
            strength = abs(pearson(_ranks(values), _ranks(target)) or 0.0)
        else:
            strength = _by_threshold(values, target)
        if strength > GIVEN_AWAY:
            found[int(column)] = (strength, "rank" if task == "regression" else "threshold")
        else:
            second = max(second, strength)
    entries: list[list[Any]] = [[k, float(s), kind] for k, (s, kind) in found.items()]
    entries.sort(key=lambda entry: (-entry[1], entry[0]))
    return {"columns": entries, "second": float(second)}


def _single_target(task: str, x: Any, y: Any) -> tuple[np.ndarray, np.ndarray | None]:
    if task not in ("binary", "multiclass", "regression") or isinstance(x, tuple) or np.ndim(x) > 2 or not len(y):
        return np.zeros((0, 0)), None
    rows = some(len(y), 5 * MOST_ROWS)
    truth: np.ndarray | None = judge.labels(task, np.asarray(y)[rows])
    if task == "regression" and truth is not None:
        truth = truth[:, 0] if truth.shape[1] == 1 and np.isfinite(truth).all() else None
    return table_of(np.asarray(x)[rows]), truth


def _by_contamination(table: np.ndarray, target: np.ndarray, regression: bool) -> dict[int, tuple[float, str]]:
    import polars as pl

    from ..data.contamination import leaking_columns

    columns = {f"x{k}": table[:, k] for k in range(table.shape[1])}
    y = target.astype(np.float64) if regression else np.char.add("class ", target.astype(str))
    found = leaking_columns(pl.DataFrame({**columns, "y": y}), "y")
    return {int(entry["column"][1:]): (entry["strength"], entry["kind"]) for entry in found}


def _by_threshold(values: np.ndarray, target: np.ndarray) -> float:
    """Accuracy by folds of a tree with twice as many leaves as there are classes, beyond which it would memorise."""
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.tree import DecisionTreeClassifier

    rows = some(len(target), MOST_ROWS)
    classes = len(np.unique(target[rows]))
    if classes < 2:
        return 0.0
    tree = DecisionTreeClassifier(max_leaf_nodes=2 * classes, random_state=0)
    folds = KFold(FOLDS, shuffle=True, random_state=0)
    values = values[rows] - values[rows].mean()
    column = (values / (values.std() or 1.0))[:, None]  # large values would overflow in the trees' single precision
    return float(np.mean(cross_val_predict(tree, column, target[rows], cv=folds) == target[rows]))


def _ranks(values: np.ndarray) -> np.ndarray:
    """Ranks, ties sharing their mean."""
    _, which, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[which])
