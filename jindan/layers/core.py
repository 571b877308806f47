"""Core layers: Input, Dense, Maxout, Activation and its kin, Flatten."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from ..activations import resolve
from ..errors import InputError
from ..ops.product import product
from ..spec import COUNT, NOT_NEGATIVE, Number, item
from .base import (
    Array,
    Context,
    Layer,
    Shape,
    Weight,
    finish,
    is_zero,
    kernel,
    need_rank,
    positive_shape,
    without_activation,
)


class Input(Layer):
    """The shape of one input row, `Input((4,))`; it computes nothing.

    Args:
        shape: Lengths of the axes of a row; None is settled by the data.
        batch_size: Taken for Keras's sake: batches may have any size.
        batch_shape: The shape with the batch axis, in place of `shape`.
        dtype: Taken for Keras's sake: layers that want whole numbers get them as they are.
    """

    aliases = ("InputLayer",)
    shape: Any = item(default=None)
    batch_size: int | None = item(default=None, rule=COUNT, host=True)
    dtype: str | None = item(default=None, host=True, kw_only=True)
    batch_shape: Any = item(default=None, host=True, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.batch_shape is not None:
            object.__setattr__(self, "shape", tuple(self.batch_shape)[1:])
            object.__setattr__(self, "batch_shape", None)
        given = self.shape if self.shape is not None else self.input_shape
        if given is None:
            raise InputError("Input needs the shape of one row.", where="Input", expected="shape=(4,)", received=None)
        object.__setattr__(self, "shape", positive_shape(self, given))
        object.__setattr__(self, "input_shape", self.shape)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x

    def __add__(self, other: Any) -> Any:
        return symbol(self) + other

    def __sub__(self, other: Any) -> Any:
        return symbol(self) - other

    def __mul__(self, other: Any) -> Any:
        return symbol(self) * other

    def __radd__(self, other: Any) -> Any:
        return symbol(self) + other

    def __rsub__(self, other: Any) -> Any:
        return other - symbol(self)

    def __rmul__(self, other: Any) -> Any:
        return symbol(self) * other

    def __neg__(self) -> Any:
        return -symbol(self)

    def __truediv__(self, other: Any) -> Any:
        return symbol(self) / other


class Dense(Layer):
    """a = f(x W + b), the fully connected layer.

    Shapes: input (rows, …, fan_in), kernel (fan_in, units), bias (units,), output (rows, …, units).

    Args:
        units: Neurons.
        activation: Name, function or layer; None is linear.
        use_bias: Whether b is added.
        kernel_initializer, bias_initializer: How W and b start (Glorot uniform and zeros).
        kernel_regularizer, bias_regularizer: Penalties on W and b.
        activity_regularizer: Penalty on the outputs, averaged over the batch.
        kernel_constraint, bias_constraint: Sets that W and b are brought back into.

    >>> Dense(3).output_shape((4,)), Dense(3).weights((4,))["kernel"].shape
    ((3,), (4, 3))
    """

    units: int = item(rule=COUNT)
    activation: Any = item(default=None, kind="activation")
    use_bias: bool = item(default=True)
    kernel_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    kernel_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    activity_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")

    passes_mask = True
    _pieces = 1

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (1, 2, 3, 4, 5), "rows of at least one axis, the last one being the features")
        return (*shape[:-1], self.units)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        width = self.units * self._pieces
        found = {
            "kernel": Weight(
                (shape[-1], width), self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
            )
        }
        if self.use_bias:
            found["bias"] = Weight((width,), self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return found

    def linear(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        """z = x W + b."""
        z = product(x, kernel(ctx, w["kernel"]))
        return z + w["bias"] if self.use_bias else z

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return finish(self, self.linear(w, x, ctx), ctx)

    def bare(self) -> tuple[Layer, str] | None:
        return without_activation(self)

    def flops(self, shape: Shape) -> int:
        rows = math.prod(shape[:-1])
        return rows * self.units * (self._pieces * (2 * shape[-1] + self.use_bias) + 1)


class Maxout(Dense):
    """a = max over `pieces` linear maps: learns its own convex activation; `pieces` times Dense's weights.

    Kernel (fan_in, units · pieces) (Goodfellow et al. 2013).
    """

    pieces: int = item(default=2, rule=COUNT)

    @property
    def _pieces(self) -> int:  # type: ignore[override]
        return self.pieces

    def linear(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        z = super().linear(w, x, ctx)
        return jnp.max(z.reshape(*z.shape[:-1], self.units, self.pieces), axis=-1)


class Activation(Layer):
    """An activation as a layer of its own."""

    passes_mask = True
    activation: Any = item(kind="activation")

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return resolve(self.activation)(x)

    def bare(self) -> tuple[Layer, str] | None:
        return (Activation("linear"), self.activation) if isinstance(self.activation, str) else None


class ReLU(Layer):
    """max(0, z), with an optional ceiling, slope below and threshold."""

    passes_mask = True
    max_value: float | None = item(default=None, rule=NOT_NEGATIVE, traced=True)
    negative_slope: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)
    threshold: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        below = 0.0 if is_zero(self.negative_slope) else self.negative_slope * (x - self.threshold)
        a = jnp.where(x <= self.threshold, below, x)  # so that NaN stays what it is
        return a if self.max_value is None else jnp.minimum(a, self.max_value)


class LeakyReLU(Layer):
    """z if z ≥ 0 else α z, α = 0.3 unless given."""

    passes_mask = True
    negative_slope: float = item(default=0.3, rule=NOT_NEGATIVE, traced=True)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.where(x >= 0, x, self.negative_slope * x)


class PReLU(Layer):
    """z if z ≥ 0 else α z with one learned α a unit (He et al. 2015).

    Args:
        alpha_initializer: How α starts.
        shared_axes: Axes (from 1, the batch being 0) that share one α; one number for one axis.
    """

    passes_mask = True
    alpha_initializer: Any = item(default="zeros", kind="initializer", host=True)
    alpha_regularizer: Any = item(default=None, kind="regularizer")
    alpha_constraint: Any = item(default=None, kind="constraint")
    shared_axes: Any = item(default=None)

    @property
    def streams(self) -> bool:
        return False  # α belongs to a place in time

    def weights(self, shape: Shape) -> dict[str, Weight]:
        given = self.shared_axes
        shared = () if given is None else (given,) if isinstance(given, int) else tuple(given)
        form = tuple(1 if axis + 1 in shared else length for axis, length in enumerate(shape))
        return {"alpha": Weight(form, self.alpha_initializer, self.alpha_regularizer, self.alpha_constraint)}

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.where(x > 0, x, w["alpha"] * x)


class ELU(Layer):
    """z if z > 0 else α(e^z − 1)."""

    passes_mask = True
    alpha: float = item(default=1.0, rule=NOT_NEGATIVE, traced=True)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.where(x > 0, x, self.alpha * jnp.expm1(jnp.where(x > 0, 0.0, x)))


class Softmax(Layer):
    """softmax along an axis."""

    passes_mask = True
    axis: int = item(default=-1, rule=Number(integer=True))

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jax.nn.softmax(x, axis=self.axis)

    def bare(self) -> tuple[Layer, str] | None:
        return (Activation("linear"), "softmax") if self.axis == -1 else None


class Flatten(Layer):
    """Rows of any shape become rows of one axis.

    >>> Flatten().output_shape((28, 28))
    (784,)
    """

    moves = True

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x.reshape(x.shape[0], -1)


def symbol(value: Input) -> Any:
    """An Input as a value of a graph."""
    from .graph import symbol_of

    return symbol_of(value, "Input")
