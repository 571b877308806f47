"""How layers with space axes read sizes, and tell of rows that do not fit."""

from __future__ import annotations

import math
from typing import Any, ClassVar

from ...errors import InputError, ShapeError
from ...spec import Choice
from ..base import Layer, Shape, need_rank

CHANNELS_LAST = Choice(("channels_last",))
_AXES = {1: "(time, features)", 2: "(height, width, channels)", 3: "(depth, height, width, channels)"}


class Spatial(Layer, abstract=True):
    """Base of layers whose rows are (*space, channels).

    Attributes:
        axes: How many axes of space there are.

    >>> from jindan.layers import UpSampling1D, UpSampling3D
    >>> UpSampling1D.axes, UpSampling3D.axes
    (1, 3)
    """

    axes: ClassVar[int] = 2

    def _settle(self, *names: str, low: int = 1) -> None:
        """Bring sizes into one form: an integer for one axis, a tuple for more."""
        for name in names:
            value = getattr(self, name)
            if value is not None:
                object.__setattr__(self, name, sizes(self, name, value, self.axes, low))

    def _along(self, value: Any) -> tuple[int, ...]:
        """A settled size by axis."""
        return value if isinstance(value, tuple) else (value,) * self.axes

    def _need_space(self, shape: Shape) -> None:
        need_rank(self, shape, (self.axes + 1,), f"rows {_AXES[self.axes]}")

    def _too_small(self, shape: Shape, what: str) -> ShapeError:
        name = type(self).__name__
        return ShapeError(
            f"{name} has no output for rows of shape {shape}: {what}.",
            where=f"layer {self.name or name}",
            expected=f"rows {_AXES[self.axes]} that its windows fit in",
            received=f"rows of shape {shape}",
            help='Take smaller windows or strides, padding="same", or larger rows.',
        )


def sizes(layer: Layer, name: str, value: Any, axes: int, low: int = 1) -> Any:
    """A size as an integer (one axis) or a tuple (more), from an integer or a sequence.

    Args:
        layer, name: Whose setting it is, for the error.
        value: What was given.
        axes: How many there are.
        low: The least that is accepted.

    Raises:
        InputError: when it is neither, or below `low`.

    >>> sizes(Layer(), "strides", 2, axes=1), sizes(Layer(), "strides", 2, axes=2)
    (2, (2, 2))
    """
    given = tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes
    whole = [entry for entry in given if isinstance(entry, (int, float)) and not isinstance(entry, bool)]
    if len(given) != axes or len(whole) != axes or any(v != int(v) or v < low for v in whole if math.isfinite(v)) or (
        not all(map(math.isfinite, whole))
    ):  # fmt: skip
        owner = type(layer).__name__
        raise InputError(
            f"The {name} of {owner} must be {_counts(axes, low)}.",
            where=f"{name} of {owner}",
            expected=_counts(axes, low),
            received=repr(value),
        )
    return int(given[0]) if axes == 1 else tuple(int(entry) for entry in given)


def _counts(axes: int, low: int) -> str:
    one = f"an integer >= {low}"
    return one if axes == 1 else f"{one}, or a tuple of {axes} of them"


def pairs(layer: Layer, name: str, value: Any, axes: int) -> tuple[tuple[int, int], ...]:
    """(before, after) by axis, from one integer, an integer by axis or a pair by axis.

    Args:
        layer, name: Whose setting it is, for the error.
        value: What was given.
        axes: How many there are.

    Raises:
        InputError: when it is none of these, or negative.

    >>> pairs(Layer(), "padding", 1, axes=2), pairs(Layer(), "padding", (1, (0, 2)), axes=2)
    (((1, 1), (1, 1)), ((1, 1), (0, 2)))
    """
    if axes == 1 and isinstance(value, (tuple, list)) and len(value) == 2:
        value = (value,)
    if isinstance(value, (tuple, list)) and len(value) != axes:
        sizes(layer, name, value, axes, 0)  # raises
    entries = value if isinstance(value, (tuple, list)) else (value,) * axes
    return tuple(sizes(layer, name, entry, 2, 0) for entry in entries)
