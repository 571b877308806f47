"""Core layers: Input, Dense, Maxout, Activation and its kin, Flatten."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp

from ..activations import resolve
from ..errors import InputError
from ..ops.product import product
from ..spec import COUNT, NOT_NEGATIVE, item
from .base import (
    Array,
    Context,
    Layer,
    Shape,
    Weight,
    axis_of,
    finish,
    is_zero,
    kernel,
    need_rank,
    positive_shape,
    several,
    without_activation,
)


def _on_value(name: str) -> Any:
    """A method of what an Input is as a value of a graph."""

    def method(self: Input, *given: Any, **named: Any) -> Any:
        return getattr(symbol(self), name)(*given, **named)

    return method


class Input(Layer):
    """The shape of one input row, `Input((4,))`; it computes nothing.

    Args:
        shape: Lengths of the axes of a row; None is settled by the data.
        batch_size: Taken for Keras's sake: batches may have any size.
        batch_shape: The shape with the batch axis, in place of `shape`.
        dtype: Taken for Keras's sake: layers that want whole numbers get them as they are.

    Raises:
        InputError: when there is no shape, or an axis has no length.

    >>> Input((28, 28)).shape, Input(batch_shape=(None, 4)).shape
    ((28, 28), (4,))
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

    __add__, __sub__, __mul__, __truediv__, __pow__, __matmul__ = map(
        _on_value, ("__add__", "__sub__", "__mul__", "__truediv__", "__pow__", "__matmul__")
    )
    __radd__, __rsub__, __rmul__, __rtruediv__, __rpow__ = map(
        _on_value, ("__radd__", "__rsub__", "__rmul__", "__rtruediv__", "__rpow__")
    )
    __neg__, __abs__, __getitem__ = map(_on_value, ("__neg__", "__abs__", "__getitem__"))
    __array__, __array_ufunc__ = map(_on_value, ("__array__", "__array_ufunc__"))
    __jax_array__ = property(lambda self: symbol(self).__jax_array__)
    __iter__ = None


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

    Raises:
        ShapeError: when rows have no axis, or more than five.

    >>> Dense(3).output_shape((4,)), Dense(3).weights((4,))["kernel"].shape
    ((3,), (4, 3))
    >>> w = {"kernel": jnp.array([[1.0], [-1.0]]), "bias": jnp.array([0.5])}
    >>> Dense(1, "relu").apply(w, jnp.array([[2.0, 1.0], [1.0, 2.0]]), Context()).tolist()
    [[1.5], [0.0]]

    Source: Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.
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
        z = ctx.later.marked(ctx.index, x, product(x, kernel(ctx, w["kernel"])))
        return z + w["bias"] if self.use_bias else z

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return finish(self, self.linear(w, x, ctx), ctx)

    def bare(self) -> tuple[Layer, str] | None:
        return without_activation(self)

    def flops(self, shape: Shape) -> int:
        rows = math.prod(shape[:-1])
        return rows * self.units * (self._pieces * (2 * shape[-1] + self.use_bias) + 1)


class Maxout(Dense):
    """a = max over `pieces` linear maps x W + b: learns its own convex activation; `pieces` times Dense's weights.

    Shapes: input (rows, …, fan_in), kernel (fan_in, units · pieces), bias (units · pieces,), output (rows, …, units).

    Args:
        units: Neurons.
        pieces: Linear maps a neuron, the last setting; the others are Dense's.

    >>> Maxout(3, pieces=2).weights((4,))["kernel"].shape, Maxout(3, pieces=2).output_shape((4,))
    ((4, 6), (3,))

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio, "Maxout networks", 2013.
    """

    pieces: int = item(default=2, rule=COUNT)

    @property
    def _pieces(self) -> int:  # type: ignore[override]
        return self.pieces

    def linear(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        z = super().linear(w, x, ctx)
        return jnp.max(z.reshape(*z.shape[:-1], self.units, self.pieces), axis=-1)


class Activation(Layer):
    """An activation as a layer of its own: rows of any shape → the same.

    Args:
        activation: Name, function or layer without weights.

    >>> Activation("relu").apply({}, jnp.array([[-1.0, 2.0]]), Context()).tolist()
    [[0.0, 2.0]]
    """

    passes_mask = True
    activation: Any = item(kind="activation")

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return resolve(self.activation)(x)

    def bare(self) -> tuple[Layer, str] | None:
        return (Activation("linear"), self.activation) if isinstance(self.activation, str) else None


class ReLU(Layer):
    """z if z > θ else α(z − θ), at most `max_value`: max(0, z), with an optional ceiling, slope below and threshold.

    Args:
        max_value: The ceiling; None is none.
        negative_slope: α.
        threshold: θ; values up to it become 0 for α = 0.

    >>> ReLU(max_value=6.0, negative_slope=0.5).apply({}, jnp.array([[-1.0, 2.0, 9.0]]), Context()).tolist()
    [[-0.5, 2.0, 6.0]]

    Source: Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
    """

    passes_mask = True
    max_value: float | None = item(default=None, rule=NOT_NEGATIVE, traced=True)
    negative_slope: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)
    threshold: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        below = 0.0 if is_zero(self.negative_slope) else self.negative_slope * (x - self.threshold)
        a = jnp.where(x <= self.threshold, below, x)  # so that NaN stays what it is
        return a if self.max_value is None else jnp.minimum(a, self.max_value)


class LeakyReLU(Layer):
    """z if z ≥ 0 else α z, α = 0.3 unless given.

    Args:
        negative_slope: α.

    >>> LeakyReLU(0.5).apply({}, jnp.array([[-1.0, 2.0]]), Context()).tolist()
    [[-0.5, 2.0]]

    Source: Maas, Hannun & Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """

    passes_mask = True
    negative_slope: float = item(default=0.3, rule=NOT_NEGATIVE, traced=True)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.where(x >= 0, x, self.negative_slope * x)


class PReLU(Layer):
    """z if z > 0 else α z with one learned α a unit.

    Shapes: input (rows, …), alpha (…) with length 1 along shared axes.

    Args:
        alpha_initializer: How α starts.
        alpha_regularizer, alpha_constraint: Penalty and bound.
        shared_axes: Axes (from 1, the batch being 0) that share one α; one number for one axis.

    Raises:
        InputError: when shared axes are not whole numbers from 1.
        ShapeError: when rows have no such axis.

    >>> PReLU(shared_axes=(1, 2)).weights((28, 28, 8))["alpha"].shape
    (1, 1, 8)
    >>> PReLU().apply({"alpha": jnp.array([0.5, 0.25])}, jnp.array([[-1.0, -1.0]]), Context()).tolist()
    [[-0.5, -0.25]]

    Source: He, Zhang, Ren & Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet
    classification", 2015.
    """

    passes_mask = True
    alpha_initializer: Any = item(default="zeros", kind="initializer", host=True)
    alpha_regularizer: Any = item(default=None, kind="regularizer")
    alpha_constraint: Any = item(default=None, kind="constraint")
    shared_axes: Any = item(default=None)

    @property
    def streams(self) -> bool:
        return False  # α belongs to a place in time

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(map(COUNT.accepts, several(self.shared_axes))):
            raise InputError(
                "PReLU names the axes that share one α by whole numbers from 1.", where="shared_axes of PReLU",
                expected="1 for the first axis of a row, (1, 2), …, or None", received=repr(self.shared_axes),
                help="The batch axis is 0. Of images (height, width, channels), (1, 2) leaves one α a channel.",
            )  # fmt: skip

    def output_shape(self, shape: Shape) -> Shape:
        for axis in several(self.shared_axes):
            axis_of(self, axis, len(shape))
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        shared = tuple(axis_of(self, axis, len(shape)) for axis in several(self.shared_axes))
        form = tuple(1 if axis + 1 in shared else length for axis, length in enumerate(shape))
        return {"alpha": Weight(form, self.alpha_initializer, self.alpha_regularizer, self.alpha_constraint)}

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.where(x > 0, x, w["alpha"] * x)


class ELU(Layer):
    """z if z > 0 else α(e^z − 1).

    Args:
        alpha: α.

    >>> [round(a, 3) for a in ELU().apply({}, jnp.array([-1.0, 2.0]), Context()).tolist()]
    [-0.632, 2.0]

    Source: Clevert, Unterthiner & Hochreiter, "Fast and accurate deep network learning by exponential linear units
    (ELUs)", 2016.
    """

    passes_mask = True
    alpha: float = item(default=1.0, rule=NOT_NEGATIVE, traced=True)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return jnp.where(x > 0, x, self.alpha * jnp.expm1(jnp.where(x > 0, 0.0, x)))


class Flatten(Layer):
    """Rows of any shape become rows of one axis, the last axis running fastest.

    >>> Flatten().output_shape((28, 28))
    (784,)
    >>> Flatten().apply({}, jnp.arange(4.0).reshape(1, 2, 2), Context()).tolist()
    [[0.0, 1.0, 2.0, 3.0]]
    """

    moves = True

    def output_shape(self, shape: Shape) -> Shape:
        return (math.prod(shape),)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x.reshape(x.shape[0], -1)


def symbol(value: Input) -> Any:
    """An Input as a value of a graph.

    >>> symbol(Input((4,))).shape
    (None, 4)
    """
    from .graph import symbol_of

    return symbol_of(value, "Input")
