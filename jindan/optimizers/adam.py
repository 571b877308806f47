"""Adam and its kin: moving means of the gradient and of its square."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..lazy import defined
from ..spec import FRACTION, NOT_NEGATIVE, item
from .base import Array, Optimizer, Slots


class Adam(Optimizer):
    """m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − η √(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + ε).

    The first step is η long, whatever the gradient's size.

    Args:
        learning_rate: η, 0.001 unless given.
        beta_1, beta_2: β₁ and β₂.
        epsilon: ε, added outside the root as in Keras.
        amsgrad: Whether the largest v so far takes v's place.

    >>> [round(float(Adam().update(0.0, g, (0.0, 0.0), 0.001, 1.0, ())[0]), 5) for g in (0.1, 100.0)]
    [-0.001, -0.001]

    Sources: Kingma & Ba, "Adam: a method for stochastic optimization", 2015; Reddi, Kale & Kumar, "On the convergence
    of Adam and beyond", 2018.
    """

    slot_names = ("m", "v")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    beta_1: float = item(default=0.9, rule=FRACTION)
    beta_2: float = item(default=0.999, rule=FRACTION)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)
    amsgrad: bool = item(default=False)

    def slots(self, w: np.ndarray) -> Slots:
        return tuple(np.zeros_like(w) for _ in range(3 if self.amsgrad else 2))

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        m = slots[0] + (g - slots[0]) * (1 - self.beta_1)
        v = slots[1] + (g**2 - slots[1]) * (1 - self.beta_2)
        size = rate * jnp.sqrt(1 - _power(self.beta_2, t)) / (1 - _power(self.beta_1, t))
        if self.amsgrad:
            top = jnp.maximum(slots[2], v)
            return w - size * m / (jnp.sqrt(top) + self.epsilon), (m, v, top)
        return w - size * m / (jnp.sqrt(v) + self.epsilon), (m, v)


class AdamW(Adam):
    """Adam with decoupled weight decay, 0.004 unless given: w ← w − η λ w before Adam's step, biases included.

    >>> optimizer, w = AdamW(0.1), {"kernel": np.ones(1, np.float32)}
    >>> w, _ = optimizer.apply(w, {"kernel": np.zeros(1, np.float32)}, optimizer.init(w))
    >>> [round(v, 4) for v in w["kernel"].tolist()]
    [0.9996]

    Source: Loshchilov & Hutter, "Decoupled weight decay regularization", 2019.
    """

    weight_decay: float | None = item(default=0.004, rule=NOT_NEGATIVE, traced=True, optional=True)


class Adamax(Optimizer):
    """Adam with the infinity norm: u ← max(β₂u, |g|);  w ← w − η/(1−β₁ᵗ) · m / (u + ε).

    Args:
        learning_rate: η, 0.001 unless given.
        beta_1, beta_2: β₁ and β₂.
        epsilon: ε.

    >>> [round(float(Adamax().update(0.0, g, (0.0, 0.0), 0.001, 1.0, ())[0]), 5) for g in (0.1, 100.0)]
    [-0.001, -0.001]

    Source: Kingma & Ba, "Adam: a method for stochastic optimization", 2015.
    """

    slot_names = ("m", "u")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    beta_1: float = item(default=0.9, rule=FRACTION)
    beta_2: float = item(default=0.999, rule=FRACTION)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        m = slots[0] + (g - slots[0]) * (1 - self.beta_1)
        u = jnp.maximum(self.beta_2 * slots[1], jnp.abs(g))
        return w - rate / (1 - _power(self.beta_1, t)) * m / (u + self.epsilon), (m, u)


class Nadam(Optimizer):
    """Adam with Nesterov momentum: w ← w − η m̂ / (√v̂ + ε),  v̂ = v / (1 − β₂ᵗ),
    m̂ = μₜ₊₁ m / (1 − Πμ₁…ₜ₊₁) + (1 − μₜ) g / (1 − Πμ₁…ₜ),  μₜ = β₁(1 − ½·0.96ᵗ).

    Args:
        learning_rate: η, 0.001 unless given.
        beta_1, beta_2: β₁ and β₂.
        epsilon: ε.

    >>> optimizer = Nadam()
    >>> w, slots = optimizer.update(0.0, 1.0, (0.0, 0.0), 0.001, 1.0, optimizer.advance(1.0, 1.0))
    >>> round(float(w), 5)
    -0.00106

    Source: Dozat, "Incorporating Nesterov momentum into Adam", 2016.
    """

    slot_names = ("m", "v")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    beta_1: float = item(default=0.9, rule=FRACTION)
    beta_2: float = item(default=0.999, rule=FRACTION)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)

    def shared(self, dtype: Any) -> Any:
        return np.ones((), dtype)

    def advance(self, shared: Any, t: Array) -> Any:
        return shared * self._mu(t)

    def _mu(self, t: Array) -> Array:
        return self.beta_1 * (1.0 - 0.5 * _power(0.96, t))

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        m = slots[0] + (g - slots[0]) * (1 - self.beta_1)
        v = slots[1] + (g**2 - slots[1]) * (1 - self.beta_2)
        ahead = self._mu(t + 1)
        m_hat = ahead * m / (1 - shared * ahead) + (1 - self._mu(t)) * g / (1 - shared)
        v_hat = v / (1 - _power(self.beta_2, t))
        return w - rate * m_hat / (jnp.sqrt(v_hat) + self.epsilon), (m, v)


def _power(base: float, t: Array) -> Array:
    # exp(t log b) with log b exact: a float32 power of 0.999 loses three digits.
    return jnp.exp(t * math.log(base)) if base > 0 else jnp.zeros_like(t)


__all__ = defined(globals())
