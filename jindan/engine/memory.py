"""How much memory a training needs, before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ..plan import Plan


@dataclass(frozen=True)
class Memory:
    """Bytes a training needs, for all members together.

    Attributes:
        parameters: The weights.
        gradients: One number for each trained weight.
        optimizer: What the optimizer remembers (Adam: two more copies of the weights).
        best: The best epoch's copy, with early stopping that restores it.
        activations: Outputs of every layer for one batch, kept for the backward pass; twice, for their derivatives.
        data: Inputs and targets.
    """

    parameters: int
    gradients: int
    optimizer: int
    best: int
    activations: int
    data: int

    @property
    def total(self) -> int:
        """The sum."""
        return sum((self.parameters, self.gradients, self.optimizer, self.best, self.activations, self.data))

    def to_dict(self) -> dict[str, int]:
        """Bytes by name, the total last."""
        return {**self.__dict__, "total": self.total}


def _is_shape(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(axis, int) for axis in value)


def estimate_memory(plan: Plan, input_shape: Any, rows: int = 0, members: int = 1) -> Memory:
    """Memory of a training.

    Args:
        plan: The plan.
        input_shape: Shape of one row.
        rows: Rows of the data, held once however many members there are.
        members: Plans that run together.

    >>> from jindan.layers import Dense
    >>> plan = Plan((Dense(30), Dense(3)), loss="mse", optimizer="adam", batch_size=8)
    >>> estimate_memory(plan, (4,)).parameters, estimate_memory(plan, (4,)).optimizer
    (972, 1944)
    """
    network = plan.network(input_shape)
    size = np.dtype(plan.dtype).itemsize
    trained = sum(
        int(np.prod(w.shape)) for i, spec in enumerate(network.specs) for n, w in spec.items() if network.trained(i, n)
    )
    everything = network.parameters()
    slots = len(plan.optimizer.slots(np.zeros((1,), plan.dtype)))
    outputs = sum(math.prod(shape) for shape in jax.tree.leaves(network.shapes, is_leaf=_is_shape)) * plan.batch_size
    restores = plan.early_stopping is not None and plan.early_stopping.restore_best_weights
    width = sum(int(np.prod(shape)) for shape in (*network.input_shapes, *network.output_shapes))
    return Memory(
        parameters=members * everything * size,
        gradients=members * trained * size,
        optimizer=members * trained * slots * size,
        best=members * everything * size if restores else 0,
        activations=members * 2 * outputs * size,
        data=rows * width * size,
    )
