"""Calibration: probabilities that mean what they say, how far they are from it, and where to cut them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import k_fold
from ..errors import InputError, UnknownNameError
from . import calibrators
from . import outputs as meaning
from .thresholds import Threshold, choose_threshold

__all__ = ["Calibrated", "Reliability", "Threshold", "calibrate", "choose_threshold", "reliability"]

METHODS = ("temperature", "isotonic", "sigmoid")
BINS, FOLDS = 15, 5


@dataclass(frozen=True)
class Reliability:
    """Numbers of a reliability diagram, with bins of equal width.

    Attributes:
        edges: (bins + 1,) of the bins, from 0 to 1.
        counts: (bins,) rows in each.
        predicted, observed: (bins,) mean probability and share of rows where it came true; None in empty bins.
        error: Expected calibration error Σ nᵦ/n |observed − predicted| (Naeini et al. 2015).
        largest: The largest such gap of any bin.
    """

    edges: tuple[float, ...]
    counts: tuple[int, ...]
    predicted: tuple[float | None, ...]
    observed: tuple[float | None, ...]
    error: float
    largest: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {
            "edges": list(self.edges), "counts": list(self.counts), "predicted": list(self.predicted),
            "observed": list(self.observed), "error": self.error, "largest": self.largest,
        }  # fmt: skip

    @classmethod
    def from_dict(cls, body: dict[str, Any]) -> Reliability:
        """Undo `to_dict`."""
        return cls(tuple(body["edges"]), tuple(body["counts"]), tuple(body["predicted"]), tuple(body["observed"]),
                   body["error"], body["largest"])  # fmt: skip

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """The diagram, as a picture (SVG)."""
        from ..report.plots_probabilities import plot_reliability

        return plot_reliability(self, None, to_file, lang)

    def __repr__(self) -> str:
        return f"Reliability(error {self.error:.4g}, largest {self.largest:.4g}, {sum(self.counts)} rows)"


@dataclass(frozen=True, eq=False)
class Calibrated:
    """Probabilities put right by what was seen on rows the model had not been trained on.

    Attributes:
        method: "temperature", "isotonic" or "sigmoid".
        classes: How many.
        settings: The numbers of the method: {"temperature": T}; {"slopes": …, "offsets": …}, or
            {"x": …, "y": …} with the corners of a rising line for each class.
        before: How reliable the probabilities were.
        reliability: How reliable they are now, each row put right by what the others say (5 folds).
        model: What predicts; None where probabilities were given.
    """

    method: str
    classes: int
    settings: dict[str, Any]
    before: Reliability
    reliability: Reliability
    model: Any = None

    @property
    def error_before(self) -> float:
        """Expected calibration error as the model has it."""
        return self.before.error

    @property
    def error_after(self) -> float:
        """Expected calibration error now, on rows left out."""
        return self.reliability.error

    def predict(self, X: Any) -> np.ndarray:
        """(rows, classes) probabilities put right for rows X; where no model was given, X are probabilities."""
        given = meaning.checked_probabilities(X) if self.model is None else meaning.class_probabilities(self.model, X)
        if given.shape[1] != self.classes:
            raise InputError("These are probabilities of other classes.", where="X", expected=f"{self.classes} classes",
                             received=f"{given.shape[1]} classes", help="Give what it was calibrated for.")  # fmt: skip
        return calibrators.APPLY[self.method](self.settings, given)

    predict_proba = predict

    @property
    def classes_(self) -> np.ndarray | None:
        """What the model calls its classes, in the order of the probabilities; None where they are numbers."""
        return getattr(self.model, "classes_", None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"method": self.method, "classes": self.classes, "settings": self.settings,
                "before": self.before.to_dict(), "reliability": self.reliability.to_dict()}  # fmt: skip

    @classmethod
    def from_dict(cls, body: dict[str, Any], model: Any = None) -> Calibrated:
        """Undo `to_dict`, for the model it was made for."""
        before, after = (Reliability.from_dict(body[name]) for name in ("before", "reliability"))
        return cls(body["method"], body["classes"], body["settings"], before, after, model)

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """Both reliability diagrams, as a picture (SVG)."""
        from ..report.plots_probabilities import plot_reliability

        return plot_reliability(self.before, self.reliability, to_file, lang)

    def __repr__(self) -> str:
        return f"Calibrated({self.method}, error {self.error_before:.4g} → {self.error_after:.4g})"


def calibrate(
    model: Any, X: Any, y: Any, method: str = "temperature", *, bins: int = BINS, seed: int = 0
) -> Calibrated:
    """Put probabilities right by rows the model was not trained on.

    - "temperature": softmax(ln p / T), T of least log loss (Guo et al. 2017). The class named stays the same.
    - "sigmoid": 1 / (1 + exp(−(a z + b))) of z = ln p / (1 − p) for each class against the rest, fitted to Platt's
      smoothed targets (Platt 1999).
    - "isotonic": a rising step line from p for each class against the rest (Zadrozny & Elkan 2002); from some 1,000
      rows on.

    The latter two make several classes sum to 1 again.

    Args:
        model: A trained model, an `Ensemble`, a stack, something with `predict_proba`, or None where X are
            probabilities; probabilities may stand here, too, with X None.
        X, y: Rows and classes, as the model's `classes_` name them where it has these, else by number.
        method: One of the above.
        bins: Of the reliability diagrams.
        seed: Of the folds by which the result is judged.

    Raises:
        InputError: when outputs are no probabilities, or there is one class only.

    >>> rng = np.random.default_rng(0); p = rng.uniform(0.02, 0.98, 2000); y = rng.uniform(size=2000) < p
    >>> sure = p**3 / (p**3 + (1 - p) ** 3)                      # too sure of itself: its logits are three times p's
    >>> found = calibrate(None, sure, y.astype(int))
    >>> round(found.settings["temperature"]), found.error_after < found.error_before
    (3, True)
    """
    if method not in METHODS:
        raise UnknownNameError("calibration", method, METHODS, where="method")
    if X is None:
        model, X = None, model
    p = meaning.checked_probabilities(X) if model is None else meaning.class_probabilities(model, X)
    labels = meaning.codes_for(model, y, p.shape[1], len(p))
    if len(np.unique(labels)) < 2:
        raise InputError("Rows of one class say nothing of the others.", where="y", expected="at least two classes",
                         received=f"class {labels[0]} alone", help="Calibrate on a sample of all rows.")  # fmt: skip
    settings = calibrators.FIT[method](p, labels)
    after = _left_out(method, p, labels, settings, seed)
    return Calibrated(
        method, p.shape[1], settings, reliability(p, labels, bins), reliability(after, labels, bins), model
    )


def reliability(p: Any, y: Any, bins: int = BINS) -> Reliability:
    """The numbers of a reliability diagram.

    Of two classes it compares the probability of the second with its share; of several, that of the class named with
    the share of rows where it is right.

    >>> reliability([0.1, 0.1, 0.9, 0.9], [0, 0, 1, 0], bins=2).error
    0.25
    """
    if isinstance(bins, bool) or not isinstance(bins, (int, np.integer)) or bins < 1:
        raise InputError("A diagram has bins.", where="bins", expected="a whole number >= 1", received=bins,
                         help=f"bins={BINS}")  # fmt: skip
    p = meaning.checked_probabilities(p)
    labels = meaning.labels_for(y, p.shape[1], len(p))
    says = p[:, 1] if p.shape[1] == 2 else p.max(1)
    true = labels if p.shape[1] == 2 else (p.argmax(1) == labels).astype(np.int64)
    place = np.minimum((says * bins).astype(int), bins - 1)
    counts = np.bincount(place, minlength=bins)
    with np.errstate(invalid="ignore"):
        predicted = np.bincount(place, says, minlength=bins) / counts
        observed = np.bincount(place, true, minlength=bins) / counts
    gaps = np.nan_to_num(abs(observed - predicted))
    plain = lambda values: tuple(float(v) if c else None for v, c in zip(values, counts, strict=True))  # noqa: E731
    return Reliability(tuple(np.linspace(0, 1, bins + 1).tolist()), tuple(counts.tolist()), plain(predicted),
                       plain(observed), float((counts * gaps).sum() / len(p)), float(gaps.max()))  # fmt: skip


def _left_out(method: str, p: np.ndarray, labels: np.ndarray, whole: dict, seed: int) -> np.ndarray:
    """Each row's probabilities, put right by the other folds; by all rows where these are too few."""
    after = calibrators.APPLY[method](whole, p)
    if len(p) < 2 * FOLDS:
        return after
    for train, test in k_fold(len(p), FOLDS, seed=seed, stratify=labels):
        if len(np.unique(labels[train])) > 1:
            after[test] = calibrators.APPLY[method](calibrators.FIT[method](p[train], labels[train]), p[test])
    return after
