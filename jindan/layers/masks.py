"""WithMask: a value given the mask that says which of its steps exist."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..errors import ShapeError
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
