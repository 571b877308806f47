"""Scoring: one number for predictions on rows a model has not seen, higher being better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, UnknownNameError
from ..joint import parts_of, weights_of
from ..losses import align, per_row
from ..plan import Plan
from .outputs import probable

CLASSES = ("integer", "one-hot", "binary", "signs")


@dataclass(frozen=True)
class Scoring:
    """A score by name.

    Attributes:
        name: "accuracy", "-loss", …
        function: (plan, targets, outputs) → a number, higher being better.
        smooth: Whether it is minus a mean over rows of some loss.
    """

    name: str
    function: Callable[[Plan, Any, Any], float]
    smooth: bool = False

    def __call__(self, plan: Plan, y: Any, outputs: Any) -> float:
        """The score; NaN where an output is not finite, whatever class it may seem to name."""
        several = outputs if isinstance(outputs, tuple) else (outputs,)
        finite = all(bool(np.isfinite(part).all()) for part in several)
        return float(self.function(plan, y, outputs)) if finite else float("nan")


def scoring_of(given: Any, plan: Plan, y: Any = None) -> Scoring:
    """The score asked for; unless told, accuracy where targets are one class a row and minus the loss otherwise.

    Args:
        given: A name ("accuracy", "balanced_accuracy", "f1", "roc_auc", "r2", "-mse", "-mae", "-rmse", "-loss"), a
            function (y_true, y_pred), or None.
        plan: What is judged.
        y: The targets, which may hold several yes/no's, or a class for each step of a sequence.

    Raises:
        UnknownNameError: with the nearest name.
    """
    if given is None:
        from .task import classes_of

        single = getattr(plan.loss, "targets", "any") in CLASSES and (y is None or classes_of(plan, y) is not None)
        return SCORES["accuracy" if single else "-loss"]
    if callable(given):
        return Scoring(getattr(given, "__name__", "score"), lambda plan, y, outputs: given(y, outputs))
    known = {**SCORES, **{name.removeprefix("-"): score for name, score in SCORES.items()}}
    # scikit-learn's names for the same.
    known |= {"neg_mean_squared_error": SCORES["-mse"], "neg_mean_absolute_error": SCORES["-mae"],
              "neg_root_mean_squared_error": SCORES["-rmse"], "neg_log_loss": SCORES["-loss"]}  # fmt: skip
    if given not in known:
        raise UnknownNameError("score", given, SCORES, where="scoring")
    return known[given]


def probabilities_of(outputs: Any) -> np.ndarray:
    """Outputs (rows, units) as probabilities of classes: one unit is that of the second of two."""
    p = np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    return np.concatenate([1 - p, p], axis=1) if p.shape[1] == 1 else p


def labels_of(plan: Plan, y: Any) -> np.ndarray:
    """Class numbers of targets.

    Raises:
        InputError: when they are no classes.
    """
    from .task import classes_of

    found = classes_of(plan, y)
    if found is None:
        raise InputError(
            "This score is for classes, and the targets are none.", where="scoring", expected="class targets",
            received=f"targets of shape {np.shape(y)} for {type(plan.loss).__name__}", help='Use "r2" or "-loss".',
        )  # fmt: skip
    return found


def guessed(plan: Plan, outputs: Any) -> np.ndarray:
    """The class that outputs name: the largest of several, or one side of the boundary of a single unit."""
    flat = np.asarray(outputs).reshape(len(outputs), -1)
    if flat.shape[1] > 1:
        return flat.argmax(1)
    logits = getattr(plan.loss, "from_logits", False) or getattr(plan.loss, "targets", "any") == "signs"
    return (flat[:, 0] > (0.0 if logits else 0.5)).astype(np.int64)


def _accuracy(plan: Plan, y: Any, outputs: Any) -> float:
    return float((guessed(plan, outputs) == labels_of(plan, y)).mean())


def _balanced(plan: Plan, y: Any, outputs: Any) -> float:
    right, labels = guessed(plan, outputs), labels_of(plan, y)
    return float(np.mean([(right[labels == c] == c).mean() for c in np.unique(labels)]))


def _f1(plan: Plan, y: Any, outputs: Any) -> float:
    from sklearn.metrics import f1_score

    return f1_score(labels_of(plan, y), guessed(plan, outputs), average="macro", zero_division=0.0)


def _roc_auc(plan: Plan, y: Any, outputs: Any) -> float:
    from sklearn.metrics import roc_auc_score

    p, labels = probabilities_of(probable(plan, outputs)), labels_of(plan, y)
    if p.shape[1] == 2:
        return roc_auc_score(labels, p[:, 1]) if len(np.unique(labels)) == 2 else float("nan")
    # Each class against the rest, as scikit-learn's mean; one that some rows lack is not told from the rest by them.
    present = [c for c in range(p.shape[1]) if 0 < (labels == c).sum() < len(labels)]
    return float(np.mean([roc_auc_score(labels == c, p[:, c]) for c in present])) if present else float("nan")


def _errors(y: Any, outputs: Any) -> np.ndarray:
    return np.asarray(outputs, np.float64).reshape(len(outputs), -1) - np.asarray(y, np.float64).reshape(len(y), -1)


def _r2(plan: Plan, y: Any, outputs: Any) -> float:
    truth = np.asarray(y, np.float64).reshape(len(y), -1)
    spread = ((truth - truth.mean(0)) ** 2).sum(0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.mean(np.where(spread > 0, 1 - (_errors(y, outputs) ** 2).sum(0) / spread, np.nan)))


def _loss(plan: Plan, y: Any, outputs: Any) -> float:
    """Minus the mean loss of the rows, without penalties."""
    parts = parts_of(plan.loss)
    guesses = outputs if isinstance(outputs, tuple) else (outputs,)
    truths = y if isinstance(y, tuple) else (y,)
    total = 0.0
    for loss, share, truth, guess in zip(parts, weights_of(plan.loss), truths, guesses, strict=True):
        truth, guess = align(loss, truth, guess)
        total += share * float(loss.finish(np.mean(np.asarray(per_row(loss.rows(truth, guess), None), np.float64))))
    return -total


SCORES = {
    score.name: score
    for score in (
        Scoring("accuracy", _accuracy),
        Scoring("balanced_accuracy", _balanced),
        Scoring("f1", _f1),
        Scoring("roc_auc", _roc_auc),
        Scoring("r2", _r2),
        Scoring("-mse", lambda plan, y, o: -float((_errors(y, o) ** 2).mean()), smooth=True),
        Scoring("-mae", lambda plan, y, o: -float(np.abs(_errors(y, o)).mean()), smooth=True),
        Scoring("-rmse", lambda plan, y, o: -float(np.sqrt((_errors(y, o) ** 2).mean()))),
        Scoring("-loss", _loss, smooth=True),
    )
}
