"""How much memory a training needs, before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..joint import parts_of
from ..layers.network import Network
from ..plan import Plan
from .data import type_of_inputs


@dataclass(frozen=True)
class Memory:
    """Bytes a training needs, for all members together.

    Attributes:
        parameters: The weights.
        gradients: One number for each trained weight.
        optimizer: What the optimizer remembers (Adam: two more copies of the weights; one more to gather gradients).
        best: The best epoch's copy, with early stopping that restores it.
        activations: Outputs of every layer for one batch, kept for the backward pass; twice, for their derivatives;
            what layers keep besides (`Layer.keeps`), and what the loss makes of the last outputs.
        data: Inputs and targets, in the types they are held in.
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


def estimate_memory(plan: Plan, input_shape: Any, rows: int = 0, members: int = 1, x: Any = None) -> Memory:
    """Memory of a training.

    Args:
        plan: The plan.
        input_shape: Shape of one row.
        rows: Rows of the data, held once however many members there are.
        members: Plans that run together.
        x: The inputs, where they are at hand: bytes of images are held as such.

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
    copies = len(plan.optimizer.slots(np.zeros((1,), plan.dtype)))
    copies += plan.optimizer.gradient_accumulation_steps is not None
    restores = plan.early_stopping is not None and plan.early_stopping.restore_best_weights
    ends = sum(map(math.prod, network.output_shapes))
    outputs = 2 * (network.gives() + ends) + sum(map(math.prod, network.input_shapes))
    batch = min(plan.batch_size, rows) if rows else plan.batch_size
    return Memory(
        parameters=members * everything * size,
        gradients=members * trained * size,
        optimizer=members * trained * copies * size,
        best=members * everything * size if restores else 0,
        activations=members * (outputs + network.keeps()) * batch * size,
        data=rows * _row(plan, network, x),
    )


def _row(plan: Plan, network: Network, x: Any) -> int:
    """Bytes of one row of inputs and targets."""
    given = [part.dtype for part in (x if isinstance(x, tuple) else (x,))] if x is not None else []
    kinds = given or [np.dtype(plan.dtype)] * len(network.input_shapes)
    total = sum(
        math.prod(shape) * type_of_inputs(kind, plan.dtype, whole).itemsize
        for shape, kind, whole in zip(network.input_shapes, kinds, network.integers, strict=True)
    )
    losses = parts_of(plan.loss)
    for k, shape in enumerate(network.output_shapes):
        integer = losses[min(k, len(losses) - 1)].targets == "integer"
        total += 4 * math.prod(shape[:-1]) if integer else math.prod(shape) * np.dtype(plan.dtype).itemsize
    return total
