"""WithMask: a value given the mask that says which of its steps exist; FixedMask: one mask for all rows."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError, ShapeError
from ..spec import item
from .base import Array, Context, Layer, Shape


class WithMask(Layer):
    """[x, mask] → x, of which the steps exist where the mask is not 0; what follows passes over the others.

    In a graph `layer(x, mask=mask)` puts it before the layer, where that reads masks. A mask x had before is replaced.

    Shapes: x (rows, time, …) and mask (rows, time), or with more of the first axes of x → as x.

    Raises:
        ShapeError: when inputs are not two, or the mask's axes are not the first ones of x.

    >>> WithMask().output_shape(((5, 2), (5,)))
    (5, 2)
    >>> x, mask = jnp.array([[[3.0], [4.0]]]), jnp.array([[True, False]])
    >>> WithMask().apply({}, [x, mask], Context()).ravel().tolist(), WithMask().mask_of([x, mask], None).tolist()
    ([3.0, 4.0], [[1.0, 0.0]])
    """

    many = True
    moves = True
    in_pieces = False

    def output_shape(self, shape: Any) -> Shape:
        if len(shape) != 2 or not shape[1] or shape[1] != shape[0][: len(shape[1])]:
            raise ShapeError(
                "The mask does not fit what it is for.", where="WithMask",
                expected=f"a mask of shape {shape[0][:1]}, one number a step" if shape[0] else "rows (time, …)",
                received=f"rows of shape {', '.join(map(str, shape))}",
                help="For rows (time, features) a mask is (time,): 1 where a step exists, 0 where it is padding.",
            )  # fmt: skip
        return shape[0]

    def mask_of(self, x: Any, mask: Any) -> Array:
        return (x[1] != 0).astype(jnp.float32)

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Array:
        return x[0]


class FixedMask(Layer):
    """x → one mask, the same for every row: what an array given as a mask stands for in a graph.

    `layer(x, mask=np.array([[1, 1, 0]]))` makes one; its first axis is that of the rows and has length 1.

    Shapes: rows of any shape → rows of the shape of the mask.

    Args:
        mask: The mask of a row: 0 where nothing exists.

    >>> layer = FixedMask([1, 1, 0])
    >>> layer.output_shape((3, 2)), layer.apply({}, jnp.ones((2, 3, 2)), Context()).tolist()
    ((3,), [[1.0, 1.0, 0.0], [1.0, 1.0, 0.0]])
    """

    takes_integers = True
    mask: Any = item()

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "mask", (np.asarray(self.mask) != 0).astype(np.uint8))

    def output_shape(self, shape: Shape) -> Shape:
        return self.mask.shape

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        dtype = x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32
        return jnp.broadcast_to(jnp.asarray(self.mask, dtype), (x.shape[0], *self.mask.shape))


def as_layer(mask: Any, *, rows_first: bool = True) -> Any:
    """A FixedMask for a mask that is an array; others as they are.

    Args:
        mask: An array, or what a layer gives.
        rows_first: Whether an array's first axis is that of the rows.

    Raises:
        InputError: where an array has a mask for each of several rows.

    >>> as_layer(np.ones((1, 3))).output_shape((3, 2)), as_layer(np.ones(3)).output_shape((3, 2))
    ((3,), (3,))
    """
    if not isinstance(mask, (np.ndarray, jax.Array)):
        return mask
    if rows_first and mask.ndim > 1:
        if mask.shape[0] != 1:
            raise InputError(
                "A mask that is an array is one for all rows.", where="mask", expected="an array of shape (1, …)",
                received=f"shape {mask.shape}", help="Masks that differ from row to row are an Input of the model.",
            )  # fmt: skip
        mask = mask[0]
    return FixedMask(mask)
