"""Run: what comes out of a training."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np

from ..layers.network import Network, Weights
from ..plan import Plan


@dataclass(frozen=True)
class Run:
    """A trained member: weights, history, timing, and all that is needed to go on.

    Attributes:
        plan: What was trained.
        input_shape: Shape of one input row.
        weights: One dict of arrays a layer; the best epoch's where the plan restores them.
        history: Figure → values by epoch; "learning_rate" among them.
        epochs: Epochs trained, in this and in resumed calls.
        best_epoch: The epoch (from 0) early stopping held best, or None.
        stopped_early: Whether early stopping ended it.
        interrupted: Whether it was cut off before its end; `train(plan, data, start=run)` then goes on.
        first_nonfinite: Number (from 0) of the update whose loss was first not finite, or None.
        steps: Updates so far, by the optimizer's count.
        seconds: "prepare", "trace", "compile", "run", "total" of the call it was part of.
        state: The engine's full state, in NumPy.
        position: (epoch, step) reached.
        findings: What the doctor noticed.
    """

    plan: Plan
    input_shape: tuple[int, ...]
    weights: Weights
    history: dict[str, list[float]]
    epochs: int
    best_epoch: int | None
    stopped_early: bool
    interrupted: bool
    first_nonfinite: int | None
    steps: int
    seconds: dict[str, float]
    state: dict[str, Any] = field(repr=False)
    position: tuple[int, int] = (0, 0)
    findings: tuple[Any, ...] = ()

    @property
    def network(self) -> Network:
        """The network with its shapes."""
        return self.plan.network(self.input_shape)

    @property
    def complete(self) -> bool:
        """Whether nothing is left of this plan's epochs."""
        return not self.interrupted

    def predict(self, x: Any, batch_size: int | None = None) -> np.ndarray:
        """Outputs for rows of x."""
        from .forward import predict

        return predict(self.plan, self.input_shape, self.weights, x, batch_size)

    def memory_for(self, optimizer: Any, trained: Weights) -> dict[str, Any]:
        """What an optimizer of these weights goes on with: the memory of this run's, or a fresh one in another form."""
        known, fresh = self.state["optimizer"], optimizer.init(trained)
        same = type(self.plan.optimizer) is type(optimizer)
        return known if same and _form(known) == _form(fresh) else fresh


def _form(tree: Any) -> Any:
    """The form of a tree and the shapes of its arrays."""
    leaves, form = jax.tree.flatten(tree)
    return form, [np.shape(leaf) for leaf in leaves]
