"""Normalization: inputs brought to mean 0 and variance 1 by numbers that training leaves alone."""

from __future__ import annotations

import math
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from ..errors import InputError, ShapeError
from ..initializers import Constant
from ..spec import Number, item
from .adapting import Adapting, batches_of, finite
from .base import Array, Context, Shape, Weight, real

LEAST = 1e-7  # Keras's epsilon: the least deviation that is divided by


class Normalization(Adapting):
    """y = (x − μ) / max(σ, 1e-7), with μ and σ² given or taken from data by `adapt`; as in Keras 3.

    Statistics are weights that are not trained, so they are saved with the model. Without any the layer changes
    nothing. Put it first, so that the model takes raw rows.

    Shapes: rows of any shape → the same.

    Args:
        axis: The axis, or axes, each place of which has its own mean and variance (the batch being 0); None is one
            mean and variance for all numbers.
        mean, variance: Numbers, or arrays with the lengths of these axes.
        invert: Whether to undo the step instead: y = x · max(σ, 1e-7) + μ.

    Raises:
        InputError: when only one of mean and variance is given, or a variance is negative.
        ShapeError: when rows have no such axis, or the statistics do not fit them.

    >>> layer = Normalization().adapt([[0.0, 7.0], [2.0, 9.0]])
    >>> layer.mean, layer.variance, layer([[3.0, 8.0]]).tolist()
    ((1.0, 8.0), (1.0, 1.0), [[2.0, 0.0]])
    >>> w = {"mean": jnp.array([1.0, 8.0]), "variance": jnp.array([1.0, 4.0])}
    >>> layer.apply(w, jnp.array([[3.0, 8.0], [1.0, 4.0]]), Context()).tolist()
    [[2.0, 0.0], [0.0, -2.0]]

    Source: LeCun, Bottou, Orr & Müller, "Efficient backprop", 1998.
    """

    passes_mask = True
    full_precision = True
    exact_inputs = True
    learns = ("mean", "variance")

    axis: Any = item(default=-1)
    mean: Any = item(default=None, host=True)
    variance: Any = item(default=None, host=True)
    invert: bool = item(default=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        axes = self.axis if isinstance(self.axis, (tuple, list)) else () if self.axis is None else (self.axis,)
        if not all(Number(integer=True).accepts(axis) for axis in axes):
            raise InputError(
                "Normalization names its axes by whole numbers.", where="axis", expected="−1, (1, 2), None, …",
                received=self.axis,
            )  # fmt: skip
        if (self.mean is None) != (self.variance is None):
            raise InputError(
                "Normalization needs mean and variance, or neither.", where="Normalization",
                expected="both, or adapt(data)", received=f"mean={self.mean}, variance={self.variance}",
                help="Normalization(mean=[5.8, 3.1], variance=[0.7, 0.2])",
            )  # fmt: skip
        if self.mean is not None:
            self._take(np.asarray(self.mean, np.float64), np.asarray(self.variance, np.float64))

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> Self:
        """Take mean and variance from rows. A model that the layer was put into before computes by them from then on.

        Args:
            data: (rows, …) numbers, or an iterator of such batches; (rows,) are rows of one number.
            batch_size: Taken for Keras's sake.
            steps: How many batches to take.

        Returns:
            The layer itself.

        Raises:
            InputError: when there are no rows, or they hold NaN or infinities.

        >>> float(Normalization(axis=None).adapt([[0.0, 7.0], [2.0, 9.0]]).mean)
        4.5
        """
        parts = [finite(batch, "Normalization") for batch in batches_of(data, steps)]
        values = np.concatenate(parts) if len(parts) > 1 else parts[0] if parts else finite([], "Normalization")
        kept = self._axes(values.ndim - 1)
        others = tuple(axis for axis in range(values.ndim) if axis not in kept)
        self._take(values.mean(others), values.var(others))
        return self._learn()

    def of(self, values: Any) -> np.ndarray:
        """What the layer makes of rows."""
        rows = np.asarray(values)
        return self.computed(rows[:, None])[:, 0] if rows.ndim == 1 else self.computed(rows)

    def _take(self, mean: np.ndarray, variance: np.ndarray) -> None:
        if mean.shape != variance.shape or (variance < 0).any():
            raise InputError(
                "Mean and variance do not go together.", where="Normalization",
                expected="arrays of one shape, variances >= 0",
                received=f"shapes {mean.shape} and {variance.shape}, least variance {variance.min():.3g}",
            )  # fmt: skip
        object.__setattr__(self, "mean", _tuples(mean))
        object.__setattr__(self, "variance", _tuples(variance))

    def _axes(self, rank: int) -> tuple[int, ...]:
        """The axes that are kept apart, the batch being 0, for rows of `rank` axes."""
        given = self.axis if isinstance(self.axis, (tuple, list)) else () if self.axis is None else (self.axis,)
        found = tuple(sorted(axis + rank + 1 if axis < 0 else axis for axis in given))
        if any(not 1 <= axis <= rank for axis in found):
            raise ShapeError(
                "Normalization names an axis that rows do not have.", where="Normalization",
                expected=f"1 … {rank}, or −{rank} … −1", received=self.axis,
                help="The batch axis is 0 and is never meant.",
            )  # fmt: skip
        return found

    def weights(self, shape: Shape) -> dict[str, Weight]:
        form = tuple(shape[axis - 1] for axis in self._axes(len(shape)))
        found = {}
        for name, value in (("mean", self.mean), ("variance", self.variance)):
            if value is not None:
                try:
                    np.broadcast_to(np.asarray(value), form)
                except ValueError:
                    raise ShapeError(
                        f"The {name} of Normalization does not fit the rows.", where="Normalization",
                        expected=f"a number, or shape {form}", received=f"shape {np.shape(value)}",
                        help="Adapt it to rows of the same columns.",
                    ) from None  # fmt: skip
            start = Constant(value if value is not None else float(name == "variance"))
            found[name] = Weight(form, start, trainable=False)
        return found

    def output_shape(self, shape: Shape) -> Shape:
        self._axes(len(shape))
        return shape

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        axes = self._axes(x.ndim - 1)
        form = tuple(x.shape[a] if a in axes else 1 for a in range(x.ndim))
        x = real(x, w["mean"].dtype)
        wide = x.astype(jnp.float32) if x.dtype in (jnp.bfloat16, jnp.float16) else x
        mean = w["mean"].reshape(form)
        deviation = jnp.maximum(jnp.sqrt(w["variance"]), LEAST).reshape(form)
        return (wide * deviation + mean if self.invert else (wide - mean) / deviation).astype(x.dtype)

    @property
    def streams(self) -> bool:
        return self.axis in (-1, (-1,))

    def flops(self, shape: Shape) -> int:
        return 2 * math.prod(shape)


def _tuples(values: Any) -> Any:
    """Nested tuples of an array's numbers: values that compare, hash and go into JSON."""
    found = values.tolist() if isinstance(values, (np.ndarray, np.generic)) else values
    return tuple(map(_tuples, found)) if isinstance(found, list) else found
