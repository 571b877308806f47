"""The rows of an update, and the validation rows at the end of an epoch, inside the program."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..layers.base import Array
from ..plan import Plan
from . import devices
from .shape import Shape
from .supervised import Supervised


def batch(shape: Shape, dtype: Any, data: tuple, rows: Any, order: Any, index: Array, n: Any, size: int) -> tuple:
    """The rows of one update: (x, y, weight, real)."""
    x, y, weight = data
    start = index * shape.batch_size
    given, (size, first) = size, _share(shape, size)
    start = start + first
    exact = (shape.count is not None and shape.count % shape.batch_size == 0) or given < shape.batch_size
    places = start + jnp.arange(size, dtype=jnp.int32)
    mask = None if exact else (places < n).astype(dtype)
    if order is not None:
        places = lax.dynamic_slice_in_dim(order, start, size)
    if not exact:
        # Padding repeats the first row, so that it can never be out of range.
        places = jnp.where(places < n, places, 0)
    if shape.indexed:
        places = rows[places]
    return _rows_at(x, places), _rows_at(y, places), _rows_at(weight, places), mask


def _share(shape: Shape, size: int) -> tuple[int, Any]:
    """How many of `size` rows this device takes, and the first of them."""
    if shape.shards == 1:
        return size, 0
    return size // shape.shards, lax.axis_index(devices.ROWS) * (size // shape.shards)


def _rows_at(tree: Any, places: Array) -> Any:
    """Some rows of every array of a tree."""
    return jax.tree.map(lambda a: a.at[places].get(mode="promise_in_bounds"), tree)


def weights_of(program: Supervised, plan: Plan, state: dict) -> Any:
    """All weights of a state, trained and fixed, as the network takes them."""
    return plan.network(program.input_shape).join(program.trained(state), state["fixed"])


def validate(program, shape: Shape, plan, weights, vrows, vcount, vdata, dtype) -> Array:
    """Added statistics of the validation rows; the first entry is the reported loss times the rows."""
    if shape.validation == 0:
        return jnp.zeros(program.size, dtype)
    most = plan.network(program.input_shape).block
    block = -(-min(most, shape.validation) // shape.shards) * shape.shards
    whole = shape.validation // block if program.batchwise else -(-shape.validation // block)
    count = vcount if shape.validation_indexed and not program.batchwise else shape.validation

    def add(index, total, size=block):
        own, first = _share(shape, size)
        places = index * block + first + jnp.arange(own, dtype=jnp.int32)
        mask = None if program.batchwise else (places < count).astype(dtype)
        places = jnp.where(places < count, places, 0)
        if shape.validation_indexed:
            places = vrows[places]
        take = lambda a: _rows_at(a, places)  # noqa: E731
        x, y, weight = vdata
        return total + program.evaluate(plan, weights, (take(x), take(y), take(weight), mask))

    total = jnp.zeros(program.size, dtype)
    total = add(0, total) if whole == 1 else lax.fori_loop(0, whole, add, total)
    if program.batchwise and shape.validation % block:
        total = add(whole, total, shape.validation % block)
    if shape.shards > 1:
        total = lax.psum(total, devices.ROWS)
    means = total / jnp.maximum(total[1], 1)
    return total.at[0].set(program.objective_of(plan, weights, means) * total[1])
