"""Whether rows, batch size, accumulation and epochs add up to a training."""

from __future__ import annotations

import math

from ..layers import BatchNormalization
from ..layers.inner import held
from ..plan import Plan
from .findings import Finding


def batch_arithmetic(plan: Plan, rows: int) -> Finding | None:
    """The finding that the numbers cannot work, or None.

    No update is ever made where `gradient_accumulation_steps` is larger than all batches of the training together. A
    last batch of one row has the variance 0: normalised by its own moments it is the shift, whatever the row (Ioffe &
    Szegedy 2015).

    >>> from jindan.layers import Dense
    >>> from jindan.optimizers import SGD
    >>> plan = Plan((Dense(1),), optimizer=SGD(gradient_accumulation_steps=8), batch_size=32, epochs=2)
    >>> batch_arithmetic(plan, 64).evidence
    {'batch_size': 32, 'accumulated': 8, 'batches': 4, 'updates': 0}
    """
    rows = rows if plan.rows is None else len(plan.rows.numbers)
    batches = plan.epochs * math.ceil(rows / plan.batch_size)
    gathered = plan.optimizer.gradient_accumulation_steps or 1
    if 0 < batches < gathered:
        evidence = {"batch_size": plan.batch_size, "accumulated": gathered, "batches": batches, "updates": 0}
        return Finding("batch-size-too-large", "error", None, evidence, 1.0)
    normalised = any(isinstance(layer, BatchNormalization) and layer.trainable for layer in held(plan.layers))
    if normalised and rows > plan.batch_size > 1 and rows % plan.batch_size == 1:
        evidence = {"batch_size": plan.batch_size, "last_batch": 1, "normalised": True}
        return Finding("batch-size-too-small", "info", None, evidence, 0.9)
    return None
