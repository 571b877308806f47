"""A rate for each weight by the size of its gradients: Adagrad, RMSprop, Adadelta, Adafactor."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..lazy import defined
from ..spec import FRACTION, NOT_NEGATIVE, POSITIVE, Number, item
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


class Adafactor(Optimizer):
    """Adam without momentum whose v of a matrix is kept as means of rows r and of columns c: v = r c / mean(r).

    r, c ← β r + (1−β) mean(g² + ε₁) along either axis, β = 1 − t^decay;  u = g/√v, shrunk to a root mean square of
    `clip_threshold`;  w ← w − min(η, 1/√t) · max(ε₂, rms(w)) · u. Of arrays with more axes the last two are a matrix's;
    those with one keep v itself. A matrix of n × k numbers is remembered by n + k.

    Args:
        learning_rate: η, 0.001 unless given: the largest step in parts of the weights' own size.
        beta_2_decay: The power of t by which β nears 1.
        epsilon_1: ε₁, added to squared gradients.
        epsilon_2: ε₂, the least size that weights count as.
        clip_threshold: The largest root mean square of u.

    >>> optimizer = Adafactor(0.01)
    >>> w, slots = optimizer.update(jnp.ones(2), jnp.array([3.0, -5.0]), (jnp.zeros(2),), rate=0.01, t=1.0, shared=())
    >>> [round(float(v), 3) for v in w], [a.shape for a in optimizer.slots(np.ones((3, 3, 8, 16)))]
    ([0.99, 1.01], [(3, 3, 8), (3, 3, 16)])

    Source: Shazeer & Stern, "Adafactor: adaptive learning rates with sublinear memory cost", 2018.
    """

    slot_names = ("rows", "columns")
    elementwise = False
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    beta_2_decay: float = item(default=-0.8, rule=Number(high=0))
    epsilon_1: float = item(default=1e-30, rule=NOT_NEGATIVE)
    epsilon_2: float = item(default=1e-3, rule=NOT_NEGATIVE)
    clip_threshold: float = item(default=1.0, rule=POSITIVE)

    def slots(self, w: np.ndarray) -> Slots:
        if w.ndim < 2:
            return (np.zeros_like(w),)
        return np.zeros(w.shape[:-1], w.dtype), np.zeros((*w.shape[:-2], w.shape[-1]), w.dtype)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        squares, keep = g**2 + self.epsilon_1, 1 - t**self.beta_2_decay
        # Where an input and a unit are dead, the product of row and column is less than any number.
        least = jnp.finfo(squares.dtype).tiny
        if len(slots) == 1:
            fresh: Slots = (keep * slots[0] + (1 - keep) * squares,)
            v = fresh[0]
        else:
            fresh = tuple(keep * old + (1 - keep) * jnp.mean(squares, axis=-1 - k) for k, old in enumerate(slots))
            rows, columns = fresh
            v = (rows / jnp.maximum(jnp.mean(rows, axis=-1, keepdims=True), least))[..., None] * columns[..., None, :]
        step = g / jnp.sqrt(jnp.maximum(v, least))
        step = step / jnp.maximum(1.0, _size(step) / self.clip_threshold)
        size = jnp.minimum(rate, 1 / jnp.sqrt(t)) * jnp.maximum(self.epsilon_2, _size(w))
        return w - size * step, fresh


def _size(a: Array) -> Array:
    """The root mean square."""
    return jnp.sqrt(jnp.mean(a**2))


__all__ = defined(globals())
