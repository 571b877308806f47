"""Gradient descent, with momentum, and looking ahead."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
import numpy as np

from ..lazy import defined
from ..spec import FRACTION, NOT_NEGATIVE, item
from .base import Array, Optimizer, Slots


class SGD(Optimizer):
    """Gradient descent, with momentum μ and Nesterov's look-ahead.

    v ← μ v − η g;  w ← w + v;  Nesterov: w ← w + μ v − η g.
    Batch GD, mini-batch and stochastic descent are this with batch size = rows, some, 1.

    Args:
        learning_rate: η, 0.01 unless given.
        momentum: μ; with 0 nothing is remembered.
        nesterov: Whether to look ahead.

    >>> SGD(0.1).update(1.0, 2.0, (), rate=0.1, t=1, shared=())
    (0.8, ())

    Sources: Robbins & Monro, "A stochastic approximation method", 1951; Polyak, "Some methods of speeding up the
    convergence of iteration methods", 1964; Nesterov, "A method for solving the convex programming problem with
    convergence rate O(1/k²)", 1983.
    """

    aliases: ClassVar[tuple[str, ...]] = ("gradient_descent", "gd")
    slot_names = ("velocity",)
    momentum: float = item(default=0.0, rule=FRACTION, traced=True)
    nesterov: bool = item(default=False)

    def slots(self, w: np.ndarray) -> Slots:
        return () if isinstance(self.momentum, (int, float)) and self.momentum == 0 else super().slots(w)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        if not slots:
            return w - rate * g, ()
        v = self.momentum * slots[0] - rate * g
        return w + (self.momentum * v - rate * g if self.nesterov else v), (v,)


class Momentum(SGD):
    """SGD with momentum 0.9: where gradients agree, steps grow, up to tenfold.

    >>> w, v = Momentum().update(0.0, 1.0, (0.0,), rate=0.1, t=1, shared=())
    >>> w, v = Momentum().update(w, 1.0, v, rate=0.1, t=2, shared=())
    >>> round(w, 3), round(v[0], 3)
    (-0.29, -0.19)

    Source: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964.
    """

    momentum: float = item(default=0.9, rule=FRACTION, traced=True)


class NAG(SGD):
    """SGD with Nesterov's accelerated gradient, momentum 0.9.

    >>> w, v = NAG().update(0.0, 1.0, (0.0,), rate=0.1, t=1, shared=())
    >>> round(w, 3), round(v[0], 3)
    (-0.19, -0.1)

    Sources: Nesterov, "A method for solving the convex programming problem with convergence rate O(1/k²)", 1983;
    Sutskever, Martens, Dahl & Hinton, "On the importance of initialization and momentum in deep learning", 2013.
    """

    aliases: ClassVar[tuple[str, ...]] = ("nesterov",)
    momentum: float = item(default=0.9, rule=FRACTION, traced=True)
    nesterov: bool = item(default=True)


class Lion(Optimizer):
    """w ← w − η sign(β₁m + (1−β₁)g);  m ← β₂m + (1−β₂)g: each step is η long for every weight, whatever its gradient.

    It remembers half of what Adam does. Adam's steps shrink where gradients disagree, these do not: a third
    to a tenth of Adam's rate suits it.

    Args:
        learning_rate: η, 0.001 unless given.
        beta_1, beta_2: β₁ and β₂.

    >>> [round(float(Lion().update(0.0, g, (0.0,), rate=0.001, t=1, shared=())[0]), 5) for g in (0.1, 100.0, 0.0)]
    [-0.001, -0.001, 0.0]

    Source: Chen et al., "Symbolic discovery of optimization algorithms", 2023.
    """

    slot_names = ("momentum",)
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    beta_1: float = item(default=0.9, rule=FRACTION)
    beta_2: float = item(default=0.99, rule=FRACTION)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        (m,) = slots
        step = rate * jnp.sign(self.beta_1 * m + (1 - self.beta_1) * g)
        return w - step, (self.beta_2 * m + (1 - self.beta_2) * g,)


__all__ = defined(globals())
