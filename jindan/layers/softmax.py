"""Softmax: shares that add up to 1 along an axis, of all or of those that a mask leaves."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import ShapeError
from ..spec import item
from .base import AlongAxis, Array, Context, Layer, Shape, axis_of
from .core import Activation
from .masks import as_layer
from .recurrent_base import first_mask


class Softmax(AlongAxis):
    """e^(z_i) / Σ_j e^(z_j) along an axis.

    Args:
        axis: The axis, the batch axis being 0.
        masked: Whether a mask follows x among its inputs: 1 for places that share, 0 for those that get 0; its axes are
            the last ones of x, or 1. `layer(x, mask=mask)` of a graph sets it. Where nothing shares, all is 0.

    Raises:
        InputError: when the axis is that of the batch.
        ShapeError: when rows have no such axis, or the mask does not fit.

    >>> [round(p, 3) for p in Softmax().apply({}, jnp.array([[1.0, 2.0, 3.0]]), Context()).ravel().tolist()]
    [0.09, 0.245, 0.665]
    >>> x, mask = jnp.array([[1.0, 2.0, 3.0]]), jnp.array([[1, 1, 0]])
    >>> [round(p, 3) for p in Softmax(masked=True).apply({}, [x, mask], Context()).ravel().tolist()]
    [0.269, 0.731, 0.0]

    Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs, with relationships to
    statistical pattern recognition", 1990.
    """

    masked: bool = item(default=False, kw_only=True)

    def __call__(self, inputs: Any, mask: Any = None, **named: Any) -> Any:
        """Connect it to x and, as in Keras, to a mask: what another layer gives, or an array."""
        from .graph import in_graph, symbol_of

        if mask is None:
            return super().__call__(inputs, **named)
        x = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        if not isinstance(x, (np.ndarray, jax.Array)):
            x = symbol_of(x, "Softmax")
            if isinstance(mask, (np.ndarray, jax.Array)):
                # As in Keras an array of fewer axes goes with the last ones of x.
                fewer = x.shape is not None and mask.ndim < len(x.shape)
                mask = in_graph(as_layer(np.asarray(mask) > 0.5, rows_first=not fewer), x)
        return super().__call__([x, mask], masked=True, **named)

    @property
    def many(self) -> bool:  # type: ignore[override]
        """Whether it reads a list: it does where a mask follows x."""
        return bool(self.masked)

    @property
    def streams(self) -> bool:
        return super().streams and not self.masked

    def output_shape(self, shape: Any) -> Shape:
        if not self.masked:
            return super().output_shape(shape)
        if len(shape) != 2:
            raise ShapeError(
                "A masked Softmax reads numbers and their mask.", where="Softmax", expected="two inputs",
                received=f"{len(shape)} inputs", help="Softmax()(x, mask=mask).",
            )  # fmt: skip
        x, mask = shape
        fits = (a in (1, b) for a, b in zip(mask[::-1], x[::-1], strict=False))
        if len(mask) > len(x) or not all(fits):
            raise ShapeError(
                "The mask of a Softmax does not fit what it is for.", where="Softmax",
                expected=f"rows of shape {tuple(x)}, or 1 for an axis", received=f"rows of shape {tuple(mask)}",
                help="1 is for places that share, 0 for those that get nothing.",
            )  # fmt: skip
        return super().output_shape(x)

    def mask_of(self, x: Any, mask: Any) -> Any:
        return first_mask(mask)

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Array:
        if not self.masked:
            return jax.nn.softmax(x, axis=axis_of(self, self.axis, x.ndim - 1))
        x, mask = x
        keep = mask.reshape(mask.shape[0], *[1] * (x.ndim - mask.ndim), *mask.shape[1:]) > 0.5
        # As in Keras: a number so low that its power is 0, and 0 where nothing was kept.
        low = jnp.where(keep, x, jnp.asarray(-1e9, x.dtype))
        return jnp.where(keep, jax.nn.softmax(low, axis=axis_of(self, self.axis, x.ndim - 1)), 0)

    def bare(self) -> tuple[Layer, str] | None:
        return (Activation("linear"), "softmax") if self.axis == -1 and not self.masked else None
