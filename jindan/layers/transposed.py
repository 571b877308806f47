"""Transposed convolution layers: from a small image to a large one."""

from __future__ import annotations

import math
from typing import Any

from ..errors import InputError
from ..ops.convolution import convolution_transposed
from ..ops.windows import Pads
from ..spec import COUNT, item
from .base import Array, Context, Shape, Weight, kernel
from .convolution import VALID_OR_SAME, Windowed
from .spatial import CHANNELS_LAST


class _Transposed(Windowed):
    filters: int = item(rule=COUNT)
    kernel_size: Any = item()
    strides: Any = item(default=1)
    padding: str = item(default="valid", rule=VALID_OR_SAME)
    output_padding: Any = item(default=None)
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)
    dilation_rate: Any = item(default=1)
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
        self._settle("output_padding", low=0)
        if self.output_padding is not None:
            for more, step in zip(self._along(self.output_padding), self._steps, strict=True):
                if more >= step:
                    raise InputError(
                        f"The output_padding of {type(self).__name__} must be below its strides.",
                        where=f"output_padding of {type(self).__name__}", expected=f"less than {self.strides}",
                        received=self.output_padding, help="None gives the usual length.",
                    )  # fmt: skip

    def _reach(self, spaces: tuple[int, ...]) -> tuple[tuple[int, ...], Pads]:
        """The lengths of the result, and what the full one is cut by in front: Keras's rules."""
        more = self._along(self.output_padding) if self.output_padding is not None else (None,) * self.axes
        lengths, cuts = [], []
        for n, width, step, gap, extra in zip(spaces, self._windows, self._steps, self._gaps, more, strict=True):
            seen = gap * (width - 1) + 1
            full = (n - 1) * step + seen
            if self.padding == "valid":
                lengths.append(full + (max(step - seen, 0) if extra is None else extra))
                cuts.append((0, 0))
                continue
            zeros = step + seen - 2 if extra is None else seen + seen % 2 - 2 + extra
            lengths.append((n - 1) * step + 1 + zeros - (seen - 1))
            cuts.append((seen - 1 - min(-(-zeros // 2), seen - 1), 0))
        return tuple(lengths), tuple(cuts)

    def output_shape(self, shape: Shape) -> Shape:
        self._need_space(shape)
        lengths, _ = self._reach(shape[:-1])
        if min(lengths) < 1:
            raise self._too_small(shape, "padding cuts all of it")
        return (*lengths, self.filters)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        form = (*self._windows, self.filters, shape[-1])
        found = {"kernel": Weight(form, self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint)}
        if self.use_bias:
            found["bias"] = Weight((self.filters,), self.bias_initializer, self.bias_regularizer, self.bias_constraint)
        return found

    def linear(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        lengths, cuts = self._reach(x.shape[1:-1])
        z = convolution_transposed(
            x, kernel(ctx, w["kernel"]), strides=self._steps, padding=cuts, dilation=self._gaps, lengths=lengths
        )
        return z + w["bias"] if self.use_bias else z

    def flops(self, shape: Shape) -> int:
        products = 2 * math.prod(self._windows) * math.prod(shape) * self.filters
        return products + math.prod(self.output_shape(shape)) * (self.use_bias + 1)


class Conv1DTranspose(_Transposed):
    """The transpose of a Conv1D: every step adds a kernel to the output, `strides` apart; a = f(… + b).

    Shapes: input (rows, n, features), kernel (width, filters, features), bias (filters,), output (rows, outputs,
    filters):
    "valid" (n − 1) · strides + max(width, strides) of them, "same" n · strides.

    Args:
        filters: Features of the output.
        kernel_size: Steps that an input reaches.
        strides: Steps of the output from input to input.
        padding: "valid" or "same".
        output_padding: Further steps at the end, below `strides`; None gives the lengths above.
        data_format: "channels_last" is the only one.
        dilation_rate: Steps between the taps of a kernel; width counts them.
        activation, use_bias, …: As for Dense.

    Raises:
        InputError: when a size is no integer >= 1, or output_padding not below the strides.
        ShapeError: when rows are not (time, features), or padding cuts all of them.

    >>> Conv1DTranspose(2, 3, strides=2).output_shape((5, 4)), Conv1DTranspose(2, 3, 2, "same").output_shape((5, 4))
    ((11, 2), (10, 2))

    Source: Dumoulin & Visin, "A guide to convolution arithmetic for deep learning", 2016.
    """

    aliases = ("Convolution1DTranspose",)
    axes = 1


class Conv2DTranspose(_Transposed):
    """The transpose of a Conv2D: every cell adds a kernel to the output, `strides` apart; a = f(… + b).

    Shapes: input (rows, height, width, channels), kernel (height, width, filters, channels), bias (filters,), output
    (rows, outputs, outputs, filters), their numbers as in Conv1DTranspose along each axis.

    Args:
        filters: Channels of the output.
        kernel_size, strides, output_padding, dilation_rate: A number, or one for each axis; see Conv1DTranspose.
        padding: "valid" or "same".
        data_format: "channels_last" is the only one.
        activation, use_bias, …: As for Dense.

    Raises:
        InputError: when a size is no integer >= 1, or output_padding not below the strides.
        ShapeError: when rows are no images, or padding cuts all of them.

    >>> Conv2DTranspose(2, 3, strides=2, padding="same").output_shape((7, 7, 4))
    (14, 14, 2)

    Source: Zeiler, Krishnan, Taylor & Fergus, "Deconvolutional networks", 2010.
    """

    splits = True

    aliases = ("Convolution2DTranspose",)
    strides: Any = item(default=(1, 1))
    dilation_rate: Any = item(default=(1, 1))


class Conv3DTranspose(_Transposed):
    """The transpose of a Conv3D: every cell of a volume adds a kernel to the output; arguments and errors as
    Conv2DTranspose.

    Shapes: input (rows, depth, height, width, channels), kernel (depth, height, width, filters, channels).

    >>> Conv3DTranspose(2, 3, strides=2, padding="same").output_shape((4, 7, 7, 4))
    (8, 14, 14, 2)
    """

    splits = True

    aliases = ("Convolution3DTranspose",)
    axes = 3
    strides: Any = item(default=(1, 1, 1))
    dilation_rate: Any = item(default=(1, 1, 1))
