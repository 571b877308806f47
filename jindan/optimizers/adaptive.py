"""A rate for each weight by the size of its gradients: Adagrad, RMSprop, Adadelta."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..lazy import defined
from ..spec import FRACTION, NOT_NEGATIVE, item
from .base import Array, Optimizer, Slots


class Adagrad(Optimizer):
    """G ← G + g²;  w ← w − η g / √(G + ε): each weight's steps shrink with all it has been moved by.

    Args:
        learning_rate: η, 0.001 unless given.
        initial_accumulator_value: G at the start.
        epsilon: ε.

    >>> w, total = Adagrad().update(0.0, 2.0, (0.0,), rate=0.1, t=1, shared=())
    >>> w_2, total = Adagrad().update(w, 2.0, total, rate=0.1, t=2, shared=())
    >>> round(float(w), 3), round(float(w_2 - w), 3)
    (-0.1, -0.071)

    Source: Duchi, Hazan & Singer, "Adaptive subgradient methods for online learning and stochastic optimization", 2011.
    """

    slot_names = ("accumulator",)
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    initial_accumulator_value: float = item(default=0.1, rule=NOT_NEGATIVE)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)

    def slots(self, w: np.ndarray) -> Slots:
        return (np.full_like(w, self.initial_accumulator_value),)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        total = slots[0] + g**2
        return w - rate * g / jnp.sqrt(total + self.epsilon), (total,)


class RMSprop(Optimizer):
    """v ← ρ v + (1 − ρ) g²;  w ← w − η g / √(v + ε), optionally centred and with momentum.

    With momentum μ: s ← μ s + η g / √(v + ε), w ← w − s. Centred: v less the square of the gradient's moving mean.

    Args:
        learning_rate: η, 0.001 unless given.
        rho: ρ.
        momentum: μ.
        epsilon: ε.
        centered: Whether gradients are measured from their mean.

    >>> [round(float(RMSprop().update(0.0, g, (0.0,), rate=0.001, t=1, shared=())[0]), 5) for g in (0.1, 100.0)]
    [-0.00316, -0.00316]

    Source: Tieleman & Hinton, "Lecture 6.5 – RMSprop: divide the gradient by a running average of its recent
    magnitude", 2012.
    """

    slot_names = ("velocity", "momentum", "average")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    rho: float = item(default=0.9, rule=FRACTION)
    momentum: float = item(default=0.0, rule=FRACTION, traced=True)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)
    centered: bool = item(default=False)

    def slots(self, w: np.ndarray) -> Slots:
        moving = not (isinstance(self.momentum, (int, float)) and self.momentum == 0)
        return tuple(np.zeros_like(w) for wanted in (True, moving, self.centered) if wanted)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        rest = list(slots)
        v = self.rho * rest[0] + (1 - self.rho) * g**2
        fresh = [v]
        spread = v
        if self.centered:
            mean = self.rho * rest[-1] + (1 - self.rho) * g
            spread = v - mean**2
        step = rate * g / jnp.sqrt(spread + self.epsilon)
        if len(rest) == 2 + self.centered:
            step = self.momentum * rest[1] + step
            fresh.append(step)
        if self.centered:
            fresh.append(mean)
        return w - step, tuple(fresh)


class Adadelta(Optimizer):
    """Steps of the size of recent steps: G ← ρ G + (1 − ρ) g²;  Δ = −√(D + ε) / √(G + ε) · g;  D ← ρ D + (1 − ρ) Δ²;
    w ← w + η Δ.

    Args:
        learning_rate: η, 0.001 unless given, as in Keras; the paper's is 1.
        rho: ρ.
        epsilon: ε, which sets the size of the first steps.

    >>> w, slots = Adadelta().update(0.0, 2.0, (0.0, 0.0), rate=1.0, t=1, shared=())
    >>> round(float(w), 5)
    -0.00141

    Source: Zeiler, "ADADELTA: an adaptive learning rate method", 2012.
    """

    slot_names = ("accumulated_gradient", "accumulated_step")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    rho: float = item(default=0.95, rule=FRACTION)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        grad = self.rho * slots[0] + (1 - self.rho) * g**2
        step = -jnp.sqrt(slots[1] + self.epsilon) / jnp.sqrt(grad + self.epsilon) * g
        return w + rate * step, (grad, self.rho * slots[1] + (1 - self.rho) * step**2)


__all__ = defined(globals())
