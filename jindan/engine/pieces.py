"""Rows worked on apart: what keeps a batch from being split, and a device's share of it piece by piece."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..layers.base import Layer
from ..layers.convolution import Windowed
from ..layers.inner import held
from ..layers.network import Network
from ..layers.stream import Piece
from ..spec import Spec

LEAST = 8  # rows at least that a device, or a piece, takes of a batch that is split

# Bytes of all layers' outputs up to which a device works on its rows at once; what forward leaves, backward then finds
# in the cache. Two cores with 1 MiB each and 32 MiB between them: an update of a CNN (9.7 MB a device) takes 8.7 ms, in
# two pieces 8.3, in four 7.9; of a transformer (16 MB) 40.6, in two 39.4.
SHARE = 4e6
# Places in the output of a convolution that its products have at least, of all rows of a piece: a VGG (16.8 MB) takes
# 45.6 ms, in two pieces 40.6, in four, whose smallest images have 512 places, 42.4.
PLACES = 1000
EACH_WEIGHT = 1e3  # operations a weight that a piece is worth: its slopes have to be added up


def pieces(network: Network, rows: int, size: int) -> int:
    """In how many equal pieces a device best takes so many rows of an update.

    Args:
        network: What the rows go through; nothing in it looks at the batch as a whole, see `looks_around`.
        rows: Of the batch, the share of this device.
        size: Bytes of a number.
    """
    if not all(layer.in_pieces for layer in held(network.layers)):
        return 1
    wanted = rows * size * (network.gives() + network.keeps()) / SHARE
    if wanted <= 1:
        return 1
    work = 3.0 * rows * network.flops()
    least = max(LEAST, -(-PLACES // _fewest_places(network)))
    found = [n for n in range(2, rows // least + 1) if rows % n == 0 and work / n >= EACH_WEIGHT * network.parameters()]
    return next((n for n in found if n >= wanted), found[-1] if found else 1)


def _fewest_places(network: Network) -> int:
    """Of the convolutions' outputs for one row."""
    pairs = zip(network.layers, network.shapes, strict=True)
    return min((math.prod(shape[:-1]) for layer, shape in pairs if isinstance(layer, Windowed)), default=PLACES)


def added(count: int, real: Any, rows: Any, call: Callable[[Any, Piece], Any]) -> Any:
    """The sum of what `call(piece of the rows, which)` gives, one after another.

    Args:
        count: Of the pieces.
        real: Rows of the whole batch that exist, or None where all do.
        rows: A tree of arrays of rows.
        call: Gives a tree of arrays.
    """
    parts = jax.tree.map(lambda a: a.reshape(count, -1, *a.shape[1:]), rows)

    def one(total: Any, given: tuple[Any, Any]) -> tuple[Any, None]:
        index, part = given
        return jax.tree.map(jnp.add, total, call(part, Piece(index, count, real))), None

    form = jax.eval_shape(lambda part: call(part, Piece(0, count, real)), jax.tree.map(lambda a: a[0], parts))
    start = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), form)
    return lax.scan(one, start, (jnp.arange(count), parts))[0]


def looks_around(layer: Layer) -> bool:
    """Whether a layer may look at the batch as a whole, as penalties on outputs do, and what users wrote."""
    penalised = getattr(layer, "activity_regularizer", None) is not None
    form = getattr(layer, "noise_shape", None)
    if form is not None and form[0] not in (None, 1):
        return True
    return layer.couples or penalised or calls(layer) or foreign(layer)


def foreign(layer: Layer) -> bool:
    """Whether a layer is of the user's own making."""
    return not type(layer).__module__.startswith("jindan.")


def calls(layer: Layer) -> bool:
    """Whether a layer calls a function of the user's."""
    parts = [getattr(layer, field.name) for field in fields(layer)]  # type: ignore[arg-type]
    return any(callable(part) and not isinstance(part, (Spec, type)) for part in parts)
