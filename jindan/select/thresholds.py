"""Thresholds: from which probability on a row is called positive, chosen by F1, balance, cost or a bound."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, UnknownNameError
from . import outputs as meaning

RULES = ("f1", "balanced_accuracy", "cost", "recall>=0.9", "precision>=0.9", "specificity>=0.9")


@dataclass(frozen=True)
class Threshold:
    """A row is positive where its probability is at least `threshold`.

    Attributes:
        threshold: The probability.
        score: What is reached there: the F1 or balanced accuracy; the mean cost a row; under a bound on recall the
            precision, under one on precision or specificity the recall.
        by: How it was chosen.
        thresholds, scores: The curve over all thresholds at which something changes, rising; None where the bound is
            not met.
        counts: (true positives, false positives, true negatives, false negatives) there.
    """

    threshold: float
    score: float
    by: str
    thresholds: tuple[float, ...]
    scores: tuple[float | None, ...]
    counts: tuple[int, int, int, int]

    def predict(self, p: Any) -> np.ndarray:
        """(rows,) 1 where positive."""
        return (positive(p) >= self.threshold).astype(np.int64)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"threshold": self.threshold, "score": self.score, "by": self.by, "thresholds": list(self.thresholds),
                "scores": list(self.scores), "counts": list(self.counts)}  # fmt: skip

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """The curve with the threshold marked, as a picture (SVG)."""
        from ..report.plots_probabilities import plot_threshold

        return plot_threshold(self, to_file, lang)

    def __repr__(self) -> str:
        return f"Threshold({self.threshold:.4g}, {self.by}: {self.score:.4g})"


def choose_threshold(p: Any, y: Any, by: str = "f1", *, cost: tuple[float, float] = (1.0, 1.0)) -> Threshold:
    """The threshold of the best score on rows the model was not trained on.

    Thresholds lie halfway between neighbouring probabilities, 0 and 1 among them; of equally good ones the nearest to
    ½ is taken.

    Args:
        p: (rows,), (rows, 1) or (rows, 2) probabilities of the positive class.
        y: (rows,) 0 or 1.
        by: "f1"; "balanced_accuracy"; "cost", the least mean of `cost`; or a bound, "recall>=0.9" (of these the
            highest precision), "precision>=0.8" or "specificity>=0.95" (of these the highest recall).
        cost: Of a false positive and of a false negative.

    Raises:
        InputError: when there is one class only, or no threshold meets the bound.

    >>> choose_threshold([0.1, 0.4, 0.6, 0.8], [0, 1, 0, 1], by="recall>=1")
    Threshold(0.25, recall>=1: 0.6667)
    """
    values = positive(p)
    labels = meaning.labels_for(y, 2, len(values))
    if len(np.unique(labels)) < 2:
        raise InputError("A threshold parts two classes.", where="y", expected="rows of both classes",
                         received=f"class {labels[0]} alone", help="Choose it on a sample of all rows.")  # fmt: skip
    cuts, tp, fp = _counted(values, labels)
    fn, tn = int(labels.sum()) - tp, int((labels == 0).sum()) - fp
    scores, better = _scores(by, cost, tp, fp, tn, fn)
    if np.isnan(scores).all():
        raise InputError("No threshold meets this bound.", where="by", received=by, expected="a bound that can be met",
                         help="Ask for less, or train a better model.")  # fmt: skip
    best = np.nanmax(better * scores)
    # The last bits of a division must not decide between equals.
    equal = np.flatnonzero(better * np.nan_to_num(scores, nan=-better * np.inf) >= best - 1e-12)
    at = int(equal[abs(cuts[equal] - 0.5).argmin()])
    curve = tuple(None if np.isnan(v) else float(v) for v in scores)
    counts = (int(tp[at]), int(fp[at]), int(tn[at]), int(fn[at]))
    return Threshold(float(cuts[at]), float(scores[at]), by, tuple(cuts.tolist()), curve, counts)


def positive(p: Any) -> np.ndarray:
    """(rows,) the probability of the second of two classes.

    Raises:
        InputError: for more classes.
    """
    found = meaning.checked_probabilities(p)
    if found.shape[1] != 2:
        raise InputError("A threshold parts two classes.", where="p", expected="probabilities of one class, or of two",
                         received=f"{found.shape[1]} classes", help="Take one class against the rest.")  # fmt: skip
    return found[:, 1]


def _counted(values: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rising thresholds with the true and the false positives at each."""
    levels, place = np.unique(values, return_inverse=True)
    positives = np.bincount(place.ravel(), labels, minlength=len(levels))
    all_ = np.bincount(place.ravel(), minlength=len(levels))
    middle = (levels[1:] + levels[:-1]) / 2
    # Neighbours one bit apart have no number between them: the upper one parts them.
    middle = np.where(middle > levels[:-1], middle, levels[1:])
    last = max((levels[-1] + 1) / 2, np.nextafter(levels[-1], np.inf))
    cuts = np.concatenate([levels[:1] / 2, middle, [last]])
    above = lambda counts: np.concatenate([counts[::-1].cumsum()[::-1], [0]]).astype(int)  # noqa: E731
    return cuts, above(positives), above(all_ - positives)


def _scores(by: str, cost: Any, tp: Any, fp: Any, tn: Any, fn: Any) -> tuple[np.ndarray, float]:
    """The score at each threshold, NaN where a bound is not met, and the sign by which more is better."""
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = {"recall": tp / (tp + fn), "precision": tp / (tp + fp), "specificity": tn / (tn + fp)}
    if by == "f1":
        return 2 * tp / (2 * tp + fp + fn), 1.0
    if by == "balanced_accuracy":
        return (rates["recall"] + rates["specificity"]) / 2, 1.0
    if by == "cost":
        if np.shape(cost) != (2,) or not all(np.isfinite(c) and c >= 0 for c in cost):
            raise InputError("A cost is a pair.", where="cost", expected="(of a false positive, of a false negative)",
                             received=cost, help="cost=(1, 5)")  # fmt: skip
        return (cost[0] * fp + cost[1] * fn) / (tp + fp + tn + fn), -1.0
    found = re.fullmatch(r"\s*(recall|precision|specificity)\s*>=\s*([0-9.]+)\s*", str(by))
    try:
        least = float(found[2]) if found else 2.0
    except ValueError:
        least = 2.0
    if found is None or not 0 <= least <= 1:
        raise UnknownNameError("way to choose a threshold", by, RULES, where="by")
    wanted = rates["precision" if found[1] == "recall" else "recall"]
    return np.where(rates[found[1]] >= least - 1e-12, wanted, np.nan), 1.0
