"""Constraints: weights are brought back into a set after each update."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from .errors import InputError, ShapeError, undefined
from .lazy import defined
from .losses import EPSILON
from .spec import NOT_NEGATIVE, POSITIVE, UNIT, Number, Spec, item

Array = jax.Array


class Constraint(Spec, kind="constraint"):
    """Base: calling it gives the nearest allowed weights, of the same shape.

    Norms are those along `axis`: 0, the inputs of a unit, for kernels (fan_in, units) of Dense; (0, 1, 2) for those of
    Conv2D (height, width, channels, filters). An axis that is no whole number is an InputError, one that the weights
    lack a ShapeError where the network is built.

    >>> NonNeg()(jnp.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Array) -> Array:
        """The weights brought back."""
        raise undefined(self, "__call__(self, w)", "the weights brought back")

    def fits(self, shape: tuple[int, ...]) -> None:
        """Raise a ShapeError where weights of a shape lack an axis that it names."""


class _Norms(Constraint):
    """Base: norms along `axis`, one number, several, or None for all."""

    def __post_init__(self) -> None:
        super().__post_init__()
        given = self.axis  # type: ignore[attr-defined]
        axes = given if isinstance(given, tuple) else () if given is None else (given,)
        if not all(map(Number(integer=True).accepts, axes)):
            raise InputError(
                f"{type(self).__name__} names its axes by whole numbers.", where=f"axis of {type(self).__name__}",
                expected="0, (0, 1, 2), … or None for all", received=repr(given),
                help="0 for kernels of Dense, (0, 1, 2) for those of Conv2D.",
            )  # fmt: skip

    def fits(self, shape: tuple[int, ...]) -> None:
        rank, given = len(shape), self.axis  # type: ignore[attr-defined]
        axes = given if isinstance(given, tuple) else () if given is None else (given,)
        found = [axis + rank if axis < 0 else axis for axis in axes]
        if any(not 0 <= axis < rank for axis in found) or len(set(found)) < len(found):
            raise ShapeError(
                f"{type(self).__name__} names an axis that the weights do not have, or one twice.",
                where=f"axis of {type(self).__name__}", expected=f"of weights {shape}: 0 … {rank - 1}, each once",
                received=given, help="The last axis is that of the units; a bias has that alone.",
            )  # fmt: skip

    def _norms(self, w: Array) -> Array:
        self.fits(w.shape)
        return jnp.sqrt(jnp.sum(w**2, axis=self.axis, keepdims=True))  # type: ignore[attr-defined]


class MaxNorm(_Norms):
    """Each unit's incoming weights are shrunk to norm ≤ max_value; shorter ones stay.

    Args:
        max_value: The longest norm.
        axis: Axes along which norms are taken.

    >>> [round(w, 2) for w in MaxNorm(1.0)(jnp.array([[3.0], [4.0]])).ravel().tolist()]
    [0.6, 0.8]

    Source: Hinton, Srivastava, Krizhevsky, Sutskever & Salakhutdinov, "Improving neural networks by preventing
    co-adaptation of feature detectors", 2012.
    """

    aliases = ("max_norm",)
    max_value: float = item(default=2.0, rule=POSITIVE, traced=True)
    axis: Any = item(default=0)

    def __call__(self, w: Array) -> Array:
        norms = self._norms(w)
        return w * (jnp.clip(norms, 0, self.max_value) / (EPSILON + norms))


class NonNeg(Constraint):
    """Negative weights become 0: max(0, w).

    >>> NonNeg()(jnp.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Array) -> Array:
        return jnp.maximum(w, 0)


class UnitNorm(_Norms):
    """Each unit's incoming weights get norm 1: w / (‖w‖ + 1e-7).

    Args:
        axis: Axes along which norms are taken.

    >>> [round(w, 2) for w in UnitNorm()(jnp.array([[0.3], [0.4]])).ravel().tolist()]
    [0.6, 0.8]
    """

    axis: Any = item(default=0)

    def __call__(self, w: Array) -> Array:
        return w / (EPSILON + self._norms(w))


class MinMaxNorm(_Norms):
    """Norms are moved towards [min_value, max_value] by the fraction `rate`: rate · clip(‖w‖) + (1 − rate) ‖w‖.

    Args:
        min_value, max_value: The shortest and longest norm.
        rate: 1 moves them all the way.
        axis: Axes along which norms are taken.

    Raises:
        InputError: when min_value is above max_value.

    >>> [round(w, 2) for w in MinMaxNorm(rate=0.5)(jnp.array([[3.0], [4.0]])).ravel().tolist()]
    [1.8, 2.4]
    """

    min_value: float = item(default=0.0, rule=NOT_NEGATIVE)
    max_value: float = item(default=1.0, rule=POSITIVE)
    rate: float = item(default=1.0, rule=UNIT)
    axis: Any = item(default=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.min_value > self.max_value:
            raise InputError(
                "The least norm of MinMaxNorm is above the greatest.", where="MinMaxNorm",
                expected="min_value <= max_value",
                received=f"min_value={self.min_value}, max_value={self.max_value}", help="Exchange them.",
            )  # fmt: skip

    def __call__(self, w: Array) -> Array:
        norms = self._norms(w)
        wanted = self.rate * jnp.clip(norms, self.min_value, self.max_value) + (1 - self.rate) * norms
        return w * (wanted / (EPSILON + norms))


class ClipWeights(Constraint):
    """Every weight stays within ±value.

    Args:
        value: The bound.

    >>> ClipWeights(1.0)(jnp.array([-3.0, 0.5])).tolist()
    [-1.0, 0.5]

    Source: Arjovsky, Chintala & Bottou, "Wasserstein GAN", 2017.
    """

    value: float = item(default=1.0, rule=Number(0, open_low=True), traced=True)

    def __call__(self, w: Array) -> Array:
        return jnp.clip(w, -self.value, self.value)


max_norm, non_neg, unit_norm = MaxNorm, NonNeg, UnitNorm


__all__ = defined(globals())
