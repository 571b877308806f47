"""What the outputs of a table's network say of its classes: probabilities, whatever loss it was trained by."""

from __future__ import annotations

import math

import numpy as np

from ..doctor.static import CATEGORICAL
from ..losses import CategoricalHinge
from ..plan import Plan
from ..select.outputs import probable


def probabilities(plan: Plan, outputs: np.ndarray, classes: int) -> np.ndarray:
    """Network outputs as (rows, classes) numbers from 0 to 1; the largest is the class that the loss aims at.

    Logits go through sigmoid or softmax, one unit p becomes the columns 1 − p and p, and the columns that a categorical
    cross-entropy reads are divided by their sum, as it does. What else lies outside 0 … 1 (linear outputs of a squared
    error, the scores of a hinge loss) becomes the nearest point whose columns sum to 1; a hinge loss's z from −1 to 1
    stands for p = (1 + z) / 2. Rows with NaN or infinity keep them.

    Args:
        plan: Of the training; its loss says what outputs mean.
        outputs: (rows, …).
        classes: Their number.

    >>> from jindan.losses import BinaryCrossentropy, Hinge
    >>> logits = Plan((), loss=BinaryCrossentropy(from_logits=True))
    >>> probabilities(logits, np.array([[0.0], [2.0]]), 2).round(2).tolist()
    [[0.5, 0.5], [0.12, 0.88]]
    >>> probabilities(Plan((), loss=Hinge()), np.array([[-0.5], [3.0]]), 2).tolist()
    [[0.75, 0.25], [0.0, 1.0]]
    """
    loss = plan.loss
    with np.errstate(invalid="ignore"):
        found = np.asarray(outputs, np.float64)
        p = probable(plan, found.reshape(len(found), math.prod(found.shape[1:])))  # of no rows, -1 has no meaning
        signs = loss.targets == "signs"
        if signs:
            p = (1 + p) / 2
        if p.shape[1] == 1 and classes == 2:
            p = np.concatenate([1 - p, p], axis=1)
        elif isinstance(loss, CATEGORICAL):
            p = p / np.maximum(p.sum(1, keepdims=True), np.finfo(p.dtype).tiny)
    outside = ((p < 0) | (p > 1)).any(1) | signs | isinstance(loss, CategoricalHinge)
    scores = outside & np.isfinite(p).all(1)
    return np.where(scores[:, None], _nearest(np.where(scores[:, None], p, 0.0)), p)


def _nearest(scores: np.ndarray) -> np.ndarray:
    """Of each row, the nearest point whose columns are no less than 0 and sum to 1 (Duchi et al. 2008)."""
    falling = -np.sort(-scores, axis=1)
    excess = falling.cumsum(1) - 1
    count = (falling * np.arange(1, scores.shape[1] + 1) > excess).sum(1)
    shift = np.take_along_axis(excess, count[:, None] - 1, 1) / count[:, None]
    return np.maximum(scores - shift, 0.0)
