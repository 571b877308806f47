"""Layers held inside other layers: their weights under a prefix, their calls with numbers of their own; Residual."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields, replace
from typing import Any

from ..errors import ShapeError
from ..spec import item
from .base import Array, Context, Layer, Shape, Weight, cast


def inner_weights(layer: Layer, shape: Any, prefix: str) -> dict[str, Weight]:
    """The weights of a held layer by their names in the holding one; a frozen layer's are not trained.

    Args:
        layer: The held layer.
        shape: Of one row that it reads.
        prefix: What its names begin with.

    >>> from jindan.layers import Dense
    >>> list(inner_weights(Dense(2), (3,), "0."))
    ['0.kernel', '0.bias']
    """
    found = layer.weights((shape,) if layer.many else shape)
    return {prefix + n: w if layer.trainable else replace(w, trainable=False) for n, w in found.items()}


def inner_apply(layer: Layer, w: dict[str, Array], x: Any, ctx: Context, place: int, prefix: str) -> Any:
    """The outputs of a held layer, run as its own settings and the holding layer's say.

    Args:
        layer: The held layer.
        w: The weights of the holding layer.
        x: What it reads.
        ctx: The context of the holding layer.
        place: Its number among those held.
        prefix: What the names of its weights begin with.

    >>> import jax.numpy as jnp
    >>> from jindan.layers import Dense
    >>> w, x = {"0.kernel": jnp.array([[1.0], [2.0]]), "1.kernel": jnp.zeros((1, 1))}, jnp.array([[1.0, 1.0]])
    >>> inner_apply(Dense(1, use_bias=False), w, x, Context(), 0, "0.").tolist()
    [[3.0]]
    """
    own, inside = within(layer, w, ctx, place, prefix)
    if ctx.compute is not None and not (layer.takes_integers or layer.exact_inputs):
        x = [cast(part, ctx.compute) for part in x] if isinstance(x, (list, tuple)) else cast(x, ctx.compute)
    if layer.many and not isinstance(x, (list, tuple)):
        x, inside.mask = [x], [ctx.mask]
    return layer.apply(own, x, inside)


def within(
    layer: Layer, w: dict[str, Array], ctx: Context, place: int, prefix: str
) -> tuple[dict[str, Array], Context]:
    """The weights of a held layer by its own names, and what it is told: as its own settings and those around it say.

    Args:
        layer: The held layer.
        w: The weights of the holding layer.
        ctx: The context of the holding layer.
        place: Its number among those held.
        prefix: What the names of its weights begin with.
    """
    own, inside = _own(w, prefix), ctx.inside(place, prefix)
    if ctx.compute is not None and not layer.full_precision:
        own = {name: cast(value, ctx.compute) for name, value in own.items()}
    inside.frozen = ctx.frozen or not layer.trainable
    inside.training = ctx.training and not layer.inference
    return own, inside


def held(layers: Sequence[Layer]) -> Iterator[Layer]:
    """Every layer, and every layer held inside one.

    >>> from jindan.layers import Dense
    >>> [type(layer).__name__ for layer in held([Residual([Dense(4)])])]
    ['Residual', 'Dense']
    """
    for layer in layers:
        yield layer
        for field in fields(layer):  # type: ignore[arg-type]
            value = getattr(layer, field.name)
            yield from held(
                [part for part in (value if isinstance(value, tuple) else (value,)) if isinstance(part, Layer)]
            )


def _own(w: dict[str, Array], prefix: str) -> dict[str, Array]:
    return {name.removeprefix(prefix): value for name, value in w.items() if name.startswith(prefix)}


def inner_shape(layer: Layer, shape: Any) -> Shape:
    """The shape a held layer makes of that of one input row.

    >>> from jindan.layers import Dense
    >>> inner_shape(Dense(2), (3,))
    (2,)
    """
    return tuple(layer.output_shape((shape,) if layer.many else shape))


class Residual(Layer):
    """y = x + f(x), f being layers one on another.

    Shapes: rows of any shape → the same, or that which the shortcut makes of it.

    Args:
        layers: The layers of f.
        shortcut: A layer for x itself, where f changes the shape; None passes x on as it is.

    Raises:
        ShapeError: when f and the shortcut end in different shapes.

    >>> import jax.numpy as jnp
    >>> from jindan.layers import Activation, Dense
    >>> Residual([Dense(8, activation="relu"), Dense(4)]).output_shape((4,))
    (4,)
    >>> Residual([Activation("relu")]).apply({}, jnp.array([[-1.0, 2.0]]), Context()).tolist()
    [[-1.0, 4.0]]

    Source: He, Zhang, Ren & Sun, "Deep residual learning for image recognition", 2016.
    """

    passes_mask = True
    layers: Any = item(kind="layer*")
    shortcut: Any = item(default=None, kind="layer")

    @property
    def random(self) -> bool:
        return any(layer.random for layer in self.layers) or (self.shortcut is not None and self.shortcut.random)

    @property
    def couples(self) -> bool:  # type: ignore[override]
        """Whether a layer inside does."""
        return any(layer.couples for layer in self.layers) or (self.shortcut is not None and self.shortcut.couples)

    @property
    def splits(self) -> bool:  # type: ignore[override]
        """Whether a layer inside does."""
        return any(layer.splits for layer in self.layers)

    full_precision = True  # each layer inside casts its own

    def output_shape(self, shape: Shape) -> Shape:
        inside = self._shapes(shape)[-1]
        around = shape if self.shortcut is None else inner_shape(self.shortcut, shape)
        if tuple(inside) != tuple(around):
            raise ShapeError(
                "The two ways through a Residual end in different shapes.", where="Residual",
                expected=f"rows of shape {tuple(around)}, those of the shortcut",
                received=f"rows of shape {tuple(inside)}",
                help='Give shortcut=Dense(…) or Conv2D(…, 1), or padding="same" inside.',
            )  # fmt: skip
        return tuple(inside)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        found: dict[str, Weight] = {}
        for place, (layer, form) in enumerate(zip(self.layers, self._shapes(shape), strict=False)):
            found |= inner_weights(layer, form, f"{place}.")
        if self.shortcut is not None:
            found |= inner_weights(self.shortcut, shape, "shortcut.")
        return found

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        y = x
        for place, layer in enumerate(self.layers):
            y = inner_apply(layer, w, y, ctx, place, f"{place}.")
        if self.shortcut is not None:
            x = inner_apply(self.shortcut, w, x, ctx, len(self.layers), "shortcut.")
        return x + y

    def flops(self, shape: Shape) -> int:
        return sum(layer.flops(form) for layer, form in self._read(shape)) + Layer.flops(self, shape)

    def keeps(self, shape: Shape) -> int:
        shapes = (
            self._shapes(shape)[1:] if self.shortcut is None else (*self._shapes(shape)[1:], self._shapes(shape)[-1])
        )
        return sum(layer.keeps(form) for layer, form in self._read(shape)) + 2 * sum(map(math.prod, shapes))

    def _read(self, shape: Shape) -> list[tuple[Layer, Any]]:
        """Each layer inside, the shortcut's last, with the shape of one row that it reads."""
        found = [*zip(self.layers, self._shapes(shape), strict=False)]
        found += [] if self.shortcut is None else [(self.shortcut, shape)]
        return [(layer, (form,) if layer.many else form) for layer, form in found]

    # -- by time steps -------------------------------------------------------------------------------------------

    @property
    def streams(self) -> bool:
        return all(layer.streams for layer in (*self.layers, *([] if self.shortcut is None else [self.shortcut])))

    def start(self, shape: Shape, rows: int, dtype: Any) -> Any:
        inside = [layer.start(form, rows, dtype) for layer, form in zip(self.layers, self._shapes(shape), strict=False)]
        return tuple(inside), None if self.shortcut is None else self.shortcut.start(shape, rows, dtype)

    def step(self, w: dict[str, Array], x: Array, state: Any, ctx: Context) -> tuple[Array, Any]:
        y, after, around = x, [], state[1]
        for place, layer in enumerate(self.layers):
            y, now = layer.step(_own(w, f"{place}."), y, state[0][place], ctx)
            after.append(now)
        if self.shortcut is not None:
            x, around = self.shortcut.step(_own(w, "shortcut."), x, around, ctx)
        return x + y, (tuple(after), around)

    def _shapes(self, shape: Shape) -> Sequence[Shape]:
        """The shape each layer inside receives, and the last one's output."""
        found = [shape]
        for layer in self.layers:
            found.append(inner_shape(layer, found[-1]))
        return found
