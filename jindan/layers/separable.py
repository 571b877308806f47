"""Depthwise and separable convolution layers."""

from __future__ import annotations

import math
from typing import Any

from ..ops.convolution import convolution
from ..spec import COUNT, item
from .base import Array, Context, Shape, Weight, kernel
from .convolution import VALID_OR_SAME, Windowed
from .spatial import CHANNELS_LAST


class _Depthwise(Windowed):
    kernel_size: Any = item()
    strides: Any = item(default=1)
    padding: str = item(default="valid", rule=VALID_OR_SAME)
    depth_multiplier: int = item(default=1, rule=COUNT)
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)
    dilation_rate: Any = item(default=1)
    activation: Any = item(default=None, kind="activation")
    use_bias: bool = item(default=True)
    depthwise_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    depthwise_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    activity_regularizer: Any = item(default=None, kind="regularizer")
    depthwise_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")

    def output_shape(self, shape: Shape) -> Shape:
        return (*self._spaces(shape), shape[-1] * self.depth_multiplier)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        form = (*self._windows, shape[-1], self.depth_multiplier)
        found = {
            "kernel": Weight(form, self.depthwise_initializer, self.depthwise_regularizer, self.depthwise_constraint)
        }
        if self.use_bias:
            width = shape[-1] * self.depth_multiplier
            found["bias"] = Weight((width,), self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return found

    def linear(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        z = self._convolve(x, _by_channel(kernel(ctx, w["kernel"])), x.shape[-1])
        return z + w["bias"] if self.use_bias else z

    def flops(self, shape: Shape) -> int:
        return math.prod(self.output_shape(shape)) * (2 * math.prod(self._windows) + self.use_bias + 1)


class DepthwiseConv1D(_Depthwise):
    """Each feature of a sequence is convolved with `depth_multiplier` kernels of its own: a = f(x ∗ W + b), unmixed.

    Shapes: input (rows, time, features), kernel (width, features, multiplier), bias (features · multiplier,), output
    (rows, outputs, features · multiplier).

    Args:
        kernel_size: Steps that a kernel sees.
        strides: Steps from output to output.
        padding: "valid": only whole windows; "same": ⌈time / strides⌉ outputs.
        depth_multiplier: Kernels a feature.
        data_format: "channels_last" is the only one.
        dilation_rate: Steps between the taps of a kernel.
        activation, use_bias, depthwise_initializer, …: As for Dense, the kernel's called depthwise.

    Raises:
        InputError: when a size is no integer >= 1.
        ShapeError: when rows are not (time, features), or shorter than a kernel.

    >>> DepthwiseConv1D(3, depth_multiplier=2).output_shape((10, 4))
    (8, 8)

    Source: Sifre, "Rigid-motion scattering for image classification", 2014.
    """

    axes = 1


class DepthwiseConv2D(_Depthwise):
    """Each channel of an image is convolved with `depth_multiplier` kernels of its own: a = f(x ∗ W + b), unmixed.

    Shapes: input (rows, height, width, channels), kernel (height, width, channels, multiplier), bias (channels ·
    multiplier,), output (rows, outputs, outputs, channels · multiplier).

    Args:
        kernel_size, strides, dilation_rate: As for Conv2D.
        padding: "valid": only whole windows; "same": ⌈length / strides⌉ outputs along an axis.
        depth_multiplier: Kernels a channel.
        data_format: "channels_last" is the only one.
        activation, use_bias, depthwise_initializer, …: As for Dense, the kernel's called depthwise.

    Raises:
        InputError: when a size is no integer >= 1.
        ShapeError: when rows are no images, or smaller than a kernel.

    >>> DepthwiseConv2D(3).output_shape((28, 28, 4)), DepthwiseConv2D(3).weights((28, 28, 4))["kernel"].shape
    ((26, 26, 4), (3, 3, 4, 1))

    Source: Sifre, "Rigid-motion scattering for image classification", 2014.
    """

    splits = True

    strides: Any = item(default=(1, 1))
    dilation_rate: Any = item(default=(1, 1))


class _Separable(Windowed):
    filters: int = item(rule=COUNT)
    kernel_size: Any = item()
    strides: Any = item(default=1)
    padding: str = item(default="valid", rule=VALID_OR_SAME)
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)
    dilation_rate: Any = item(default=1)
    depth_multiplier: int = item(default=1, rule=COUNT)
    activation: Any = item(default=None, kind="activation")
    use_bias: bool = item(default=True)
    depthwise_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    pointwise_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    depthwise_regularizer: Any = item(default=None, kind="regularizer")
    pointwise_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    activity_regularizer: Any = item(default=None, kind="regularizer")
    depthwise_constraint: Any = item(default=None, kind="constraint")
    pointwise_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")

    def output_shape(self, shape: Shape) -> Shape:
        return (*self._spaces(shape), self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        depth = (*self._windows, shape[-1], self.depth_multiplier)
        point = (*[1] * self.axes, shape[-1] * self.depth_multiplier, self.filters)
        found = {
            "depthwise_kernel": Weight(
                depth, self.depthwise_initializer, self.depthwise_regularizer, self.depthwise_constraint
            ),
            "pointwise_kernel": Weight(
                point, self.pointwise_initializer, self.pointwise_regularizer, self.pointwise_constraint
            ),
        }
        if self.use_bias:
            found["bias"] = Weight((self.filters,), self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return found

    def linear(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        depth = self._convolve(x, _by_channel(kernel(ctx, w["depthwise_kernel"])), x.shape[-1])
        z = convolution(depth, kernel(ctx, w["pointwise_kernel"], 2))
        return z + w["bias"] if self.use_bias else z

    def flops(self, shape: Shape) -> int:
        spaces, width = math.prod(self._spaces(shape)), shape[-1] * self.depth_multiplier
        work = 2 * math.prod(self._windows) * width + self.filters * (2 * width + self.use_bias + 1)
        return spaces * work


class SeparableConv1D(_Separable):
    """A depthwise convolution over time and a mixture of its features: fewer weights than Conv1D of the same reach.

    Shapes: input (rows, time, features), depthwise_kernel (width, features, multiplier), pointwise_kernel
    (1, features · multiplier, filters), bias (filters,), output (rows, outputs, filters).

    Args:
        filters: Features of the output.
        kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate: As for DepthwiseConv1D.
        activation, use_bias, …: As for Dense; each kernel has its own initialiser, penalty and bound.

    Raises:
        InputError: when a size is no integer >= 1.
        ShapeError: when rows are not (time, features), or shorter than a kernel.

    >>> SeparableConv1D(8, 3).output_shape((10, 4))
    (8, 8)

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
    """

    aliases = ("SeparableConvolution1D",)
    axes = 1


class SeparableConv2D(_Separable):
    """A depthwise convolution over an image and a mixture of its channels: fewer weights than Conv2D of the same reach.

    Shapes: input (rows, height, width, channels), depthwise_kernel (height, width, channels, multiplier),
    pointwise_kernel (1, 1, channels · multiplier, filters), bias (filters,), output (rows, outputs, outputs, filters).

    Args:
        filters: Channels of the output.
        kernel_size, strides, padding, depth_multiplier, data_format, dilation_rate: As for DepthwiseConv2D.
        activation, use_bias, …: As for Dense; each kernel has its own initialiser, penalty and bound.

    Raises:
        InputError: when a size is no integer >= 1.
        ShapeError: when rows are no images, or smaller than a kernel.

    >>> layer = SeparableConv2D(8, 3)
    >>> layer.output_shape((28, 28, 4)), [w.shape for w in layer.weights((28, 28, 4)).values()]
    ((26, 26, 8), [(3, 3, 4, 1), (1, 1, 4, 8), (8,)])

    Source: Chollet, "Xception: deep learning with depthwise separable convolutions", 2017.
    """

    splits = True

    aliases = ("SeparableConvolution2D",)
    strides: Any = item(default=(1, 1))
    dilation_rate: Any = item(default=(1, 1))


def _by_channel(weight: Array) -> Array:
    """A depthwise kernel (*window, channels, multiplier) as that of a convolution with a group a channel."""
    return weight.reshape(*weight.shape[:-2], 1, -1)
