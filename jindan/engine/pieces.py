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
from ..layers.core import Dense
from ..layers.inner import held
from ..layers.network import Network, Weights
from ..layers.stream import Piece
from ..ops.product import product
from ..plan import Plan
from ..spec import Spec

Array = jax.Array
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


def in_pieces(
    count: int,
    real: Any,
    batch: tuple,
    slopes: Callable[..., tuple],
    plan: Plan,
    network: Network,
    trained: Weights,
    fixed: Weights,
) -> tuple[Array, Weights, Array]:
    """(the objective, its slopes, the statistics) of a batch, piece by piece.

    The slope of a matrix of a Dense layer waits for all rows: that of few is as large as the matrix, and one for each
    piece would be written, and added to the others (an update of a CNN takes 0.955 of that).

    Args:
        count: Of the pieces.
        real: Rows of the whole batch that exist, or None where all do.
        batch: Rows of this device.
        slopes: (trained, fixed, batch, piece, zeros) → what is added up, new values of untrained weights, what is kept
            of each layer that waits: its inputs, and the slope by its zeros.
        plan, network: What is trained.
        trained, fixed: All weights.
    """
    late = _waiting(plan, network, trained)
    kernels = {index: trained[index]["kernel"] for index in late}
    early = tuple({n: v for n, v in w.items() if i not in late or n != "kernel"} for i, w in enumerate(trained))
    rest = tuple({**w, "kernel": kernels[i]} if i in late else w for i, w in enumerate(fixed))
    rows = jax.tree.leaves(batch)[0].shape[0] // count
    zeros = {i: jnp.zeros((rows, kernel.shape[1]), kernel.dtype) for i, kernel in kernels.items()}

    def one(part: tuple, piece: Piece) -> tuple[Any, Any]:
        found, _, kept = slopes(early, rest, part, piece, zeros)
        return found, kept

    (value, gradients, stats), kept = added(count, real, batch, one)
    for index, (x, slope) in kept.items():
        (matrix,) = jax.vjp(lambda kernel, x=x: product(x, kernel), kernels[index])[1](slope)
        whole = gradients[index] | {"kernel": matrix}
        gradients = (*gradients[:index], {name: whole[name] for name in trained[index]}, *gradients[index + 1 :])
    return value, gradients, stats


def _waiting(plan: Plan, network: Network, trained: Weights) -> set[int]:
    """Dense layers of rows of one axis, each in one place; none where weights have penalties or are cast."""
    if plan.precision is not None or network.penalty(trained, plan.l1, plan.l2) is not None:
        return set()
    used = [index for index, _ in network.graph.nodes]
    return {
        index
        for index, (layer, shape) in enumerate(zip(network.layers, network.shapes_in, strict=True))
        if isinstance(layer, Dense) and used.count(index) == 1 and len(shape) == 1 and "kernel" in trained[index]
    }


def added(count: int, real: Any, rows: Any, call: Callable[[Any, Piece], tuple[Any, Any]]) -> tuple[Any, Any]:
    """What `call(piece of the rows, which)` gives, one after another: the sum of its first, all rows of its second.

    Args:
        count: Of the pieces.
        real: Rows of the whole batch that exist, or None where all do.
        rows: A tree of arrays of rows.
        call: Gives two trees of arrays, the second of rows.
    """
    parts = jax.tree.map(lambda a: a.reshape(count, -1, *a.shape[1:]), rows)

    def one(total: Any, given: tuple[Any, Any]) -> tuple[Any, Any]:
        index, part = given
        more, kept = call(part, Piece(index, count, real))
        return jax.tree.map(jnp.add, total, more), kept

    form = jax.eval_shape(lambda part: call(part, Piece(0, count, real))[0], jax.tree.map(lambda a: a[0], parts))
    start = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), form)
    total, kept = lax.scan(one, start, (jnp.arange(count), parts))
    return total, jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), kept)


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
