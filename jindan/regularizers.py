"""Penalties on weights, added to the cost."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from .errors import undefined
from .lazy import defined
from .spec import NOT_NEGATIVE, Spec, item

Array = jax.Array


class Regularizer(Spec, kind="regularizer"):
    """Base: calling it gives the penalty of one weight array, a number; of outputs, its mean by row is taken.

    >>> float(L1L2(l1=0.5, l2=0.5)([1.0, -2.0]))
    4.0
    """

    def __call__(self, w: Any) -> Array:
        """The penalty of an array of any shape."""
        raise undefined(self, "__call__(self, w)", "the penalty")


class L1(Regularizer):
    """λ Σ |w|: presses every weight by the same slope, so that many end at 0.

    Args:
        l1: λ.

    >>> float(L1(0.5)([1.0, -2.0]))
    1.5

    Source: Tibshirani, "Regression shrinkage and selection via the lasso", 1996.
    """

    l1: float = item(default=0.01, rule=NOT_NEGATIVE, traced=True)

    def __call__(self, w: Any) -> Array:
        return self.l1 * jnp.sum(jnp.abs(jnp.asarray(w)))


class L2(Regularizer):
    """λ Σ w², Keras's form; the notes' λ/2 ‖w‖² is `L2(λ/2)`. Large weights are pressed most.

    Args:
        l2: λ.

    >>> float(L2(0.5)([1.0, -2.0]))
    2.5

    Source: Hoerl & Kennard, "Ridge regression: biased estimation for nonorthogonal problems", 1970.
    """

    l2: float = item(default=0.01, rule=NOT_NEGATIVE, traced=True)

    def __call__(self, w: Any) -> Array:
        return self.l2 * jnp.sum(jnp.asarray(w) ** 2)


class L1L2(Regularizer):
    """λ₁ Σ |w| + λ₂ Σ w², the elastic net.

    Args:
        l1, l2: λ₁ and λ₂.

    >>> float(L1L2(l1=0.5, l2=0.25)([1.0, -2.0]))
    2.75

    Source: Zou & Hastie, "Regularization and variable selection via the elastic net", 2005.
    """

    aliases = ("l1_l2",)
    l1: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)
    l2: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)

    def __call__(self, w: Any) -> Array:
        w = jnp.asarray(w)
        return self.l1 * jnp.sum(jnp.abs(w)) + self.l2 * jnp.sum(w**2)


def l1(l1: float = 0.01) -> L1:
    """`L1`, under its lower-case name.

    >>> l1(0.5)
    L1(l1=0.5)
    """
    return L1(l1)


def l2(l2: float = 0.01) -> L2:
    """`L2`, under its lower-case name.

    >>> l2(0.5)
    L2(l2=0.5)
    """
    return L2(l2)


def l1_l2(l1: float = 0.01, l2: float = 0.01) -> L1L2:
    """`L1L2`, under its lower-case name; both λ are 0.01 here unless given.

    >>> l1_l2()
    L1L2(l1=0.01, l2=0.01)
    """
    return L1L2(l1, l2)


__all__ = defined(globals())
