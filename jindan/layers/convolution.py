"""Convolution layers, and what every layer has that passes a kernel over space."""

from __future__ import annotations

import math
from typing import Any

from ..errors import InputError
from ..ops.convolution import convolution
from ..ops.pooling import same_padding
from ..ops.windows import Pads, outputs
from ..spec import COUNT, Choice, item
from .base import Array, Context, Layer, Shape, Weight, finish, kernel, without_activation
from .spatial import CHANNELS_LAST, Spatial

VALID_OR_SAME = Choice(("valid", "same"))


class Windowed(Spatial, abstract=True):
    """What all layers that pass a kernel over space have. They list its fields themselves, in Keras's order."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._settle("kernel_size", "strides", "dilation_rate")

    @property
    def _windows(self: Any) -> tuple[int, ...]:
        return self._along(self.kernel_size)

    @property
    def _steps(self: Any) -> tuple[int, ...]:
        return self._along(self.strides)

    @property
    def _gaps(self: Any) -> tuple[int, ...]:
        return self._along(self.dilation_rate)

    def _pads(self: Any, spaces: tuple[int, ...]) -> Pads:
        if self.padding == "same":
            return same_padding(spaces, self._windows, self._steps, self._gaps)
        if self.padding == "causal":
            return tuple((gap * (width - 1), 0) for width, gap in zip(self._windows, self._gaps, strict=True))
        return ((0, 0),) * self.axes

    def _spaces(self: Any, shape: Shape) -> tuple[int, ...]:
        self._need_space(shape)
        padded = tuple(n + sum(p) for n, p in zip(shape[:-1], self._pads(shape[:-1]), strict=True))
        spaces = outputs(padded, self._windows, self._steps, self._gaps)
        if min(spaces) < 1:
            raise self._too_small(shape, f"its kernel is {self.kernel_size}, dilation {self.dilation_rate}")
        return spaces

    def _convolve(self, x: Array, weight: Array, groups: int, bias: Array | None = None) -> Array:
        return convolution(
            x, weight, strides=self._steps, padding=self._pads(x.shape[1:-1]), dilation=self._gaps, groups=groups,
            bias=bias,
        )  # fmt: skip

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return finish(self, self.linear(w, x, ctx), ctx)

    def linear(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        """The outputs before the activation."""
        raise NotImplementedError

    def bare(self) -> tuple[Layer, str] | None:
        return without_activation(self)


class _Convolution(Windowed):
    filters: int = item(rule=COUNT)
    kernel_size: Any = item()
    strides: Any = item(default=1)
    padding: str = item(default="valid", rule=VALID_OR_SAME)
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)
    dilation_rate: Any = item(default=1)
    groups: int = item(default=1, rule=COUNT)
    activation: Any = item(default=None, kind="activation")
    use_bias: bool = item(default=True)
    kernel_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    kernel_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    activity_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.filters % self.groups:
            raise _indivisible(self, "filters", self.filters, self.groups)

    def output_shape(self, shape: Shape) -> Shape:
        spaces = self._spaces(shape)
        if shape[-1] % self.groups:
            raise self._too_small(shape, f"{self.groups} groups do not divide its {shape[-1]} channels")
        return (*spaces, self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        form = (*self._windows, shape[-1] // self.groups, self.filters)
        found = {"kernel": Weight(form, self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint)}
        if self.use_bias:
            found["bias"] = Weight((self.filters,), self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return found

    def linear(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return self._convolve(x, kernel(ctx, w["kernel"]), self.groups, w["bias"] if self.use_bias else None)

    def flops(self, shape: Shape) -> int:
        work = 2 * math.prod(self._windows) * (shape[-1] // self.groups) + self.use_bias + 1
        return math.prod(self.output_shape(shape)) * work


class Conv1D(_Convolution):
    """a = f(x ∗ W + b) over time: a kernel passes over the sequence, so order within its width counts.

    Shapes: input (rows, time, features), kernel (kernel_size, features / groups, filters), output (rows, outputs,
    filters).

    Args:
        filters: Kernels, the features of the output.
        kernel_size: Steps that a kernel sees.
        strides: Steps from output to output.
        padding: "valid": only whole windows; "same": ⌈time / strides⌉ outputs; "causal": an output sees no later step.
        data_format: "channels_last" is the only one.
        dilation_rate: Steps between the taps of a kernel.
        groups: Parts of the features that are convolved apart.
        activation, use_bias, …: As for Dense.

    >>> Conv1D(8, 3).output_shape((10, 4)), Conv1D(8, 3, padding="causal").output_shape((10, 4))
    ((8, 8), (10, 8))
    """

    aliases = ("Convolution1D",)
    axes = 1
    padding: str = item(default="valid", rule=Choice(("valid", "same", "causal")))


class Conv2D(_Convolution):
    """a = f(x ∗ W + b) over an image (LeCun et al. 1989).

    Shapes: input (rows, height, width, channels), kernel (height, width, channels / groups, filters), output (rows,
    outputs, outputs, filters). Weights: height · width · channels / groups · filters + filters.

    Args:
        filters: Kernels, the channels of the output.
        kernel_size: Cells that a kernel sees along both axes, or (rows, columns).
        strides: Cells from output to output.
        padding: "valid": only whole windows; "same": ⌈length / strides⌉ outputs along an axis.
        data_format: "channels_last" is the only one.
        dilation_rate: Cells between the taps of a kernel.
        groups: Parts of the channels that are convolved apart.
        activation, use_bias, …: As for Dense.

    >>> Conv2D(32, 3).output_shape((28, 28, 1)), Conv2D(32, 3).weights((28, 28, 1))["kernel"].shape
    ((26, 26, 32), (3, 3, 1, 32))
    """

    splits = True

    aliases = ("Convolution2D",)
    strides: Any = item(default=(1, 1))
    dilation_rate: Any = item(default=(1, 1))


class Conv3D(_Convolution):
    """a = f(x ∗ W + b) over a volume or a film; arguments as Conv2D.

    >>> Conv3D(2, 3, padding="same").output_shape((4, 8, 8, 1))
    (4, 8, 8, 2)
    """

    splits = True

    aliases = ("Convolution3D",)
    axes = 3
    strides: Any = item(default=(1, 1, 1))
    dilation_rate: Any = item(default=(1, 1, 1))


def _indivisible(layer: Layer, what: str, count: int, groups: int) -> InputError:
    name = type(layer).__name__
    return InputError(
        f"The groups of {name} must divide its {what}.", where=f"groups of {name}", expected=f"a divisor of {count}",
        received=groups, help="groups=1 lets every kernel see every channel.",
    )  # fmt: skip
