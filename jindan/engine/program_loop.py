"""The compiled loop of programs: epochs of shuffled batches, for one member or many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jax.sharding import PartitionSpec as P

from . import devices, devicewise, shuffle
from .loop import HISTORY, compensated
from .shape import Layout, keeps_order

Array = jax.Array
AT_END = 0xFFFFFFFF  # the number from which keys of epoch ends are drawn; no update has it


class Batch(NamedTuple):
    """Rows of one update.

    Attributes:
        x: The data's tree, each array cut to (batch size, …).
        real: (batch size,) 1 for a row, 0 for the padding of a last partial batch (copies of row 0).
    """

    x: Any
    real: Array


@dataclass(frozen=True)
class Shape:
    """All that is static beside the program."""

    batch_size: int
    rows: int
    steps: int
    shuffled: bool
    dtype: str
    layout: Layout
    shards: int = 1

    def unordered(self) -> dict[str, Any]:
        """Room for the order of an epoch's rows, where the loop hands it on to its next call."""
        places = self.steps * self.batch_size
        return shuffle.room(places) if self.shuffled and keeps_order(places, self.layout) else {}


@lru_cache(maxsize=256)
def compiled_loop(program: Any, shape: Shape) -> Any:
    """The jitted loop: (carried, values, seed; rows, bounds) → (carried, figures by epoch). What is carried from one
    call to the next is (state, sums, order of the rows)."""
    run: Any = partial(_run, program, shape)
    lay = shape.layout
    if not lay.single:
        run = partial(_in_turn, run, lay)
    if lay.devices > 1:
        own = P(devices.MEMBERS)
        return devicewise.jit(run, devices.mesh(lay.devices, devices.MEMBERS), (*[own] * 3, P(), P()), own)
    if shape.shards > 1:
        state, _ = shards(program, shape.shards)
        same = devices.replicated(shape.shards, devices.ROWS)
        return jax.jit(run, donate_argnums=0, out_shardings=((state, same, same), same))
    return jax.jit(run, donate_argnums=0)


def shards(program: Any, several: int) -> Any:
    """How state and rows of a member that is alone lie on several devices."""
    return devices.shardings(devices.mesh(several), program.split(several))


def _in_turn(run: Any, lay: Layout, *given: Any) -> Any:
    """A device's members: side by side in a tile, tile after tile."""
    own, shared = given[:3], given[3:]
    form = (lay.turns, lay.tile) if lay.tile > 1 else (lay.turns,)
    side = jax.vmap(run, (0, 0, 0, None, None)) if lay.tile > 1 else run
    split = jax.tree.map(lambda a: a.reshape(*form, *a.shape[1:]), own)
    if lay.turns == 1:
        found = jax.tree.map(lambda a: a[None], side(*jax.tree.map(lambda a: a[0], split), *shared))
    else:
        found = lax.map(lambda piece: side(*piece, *shared), split)
    return jax.tree.map(lambda a: a.reshape(-1, *a.shape[len(form) :]), found)


def _run(program: Any, shape: Shape, carried: Any, values: Any, seed: Array, x: Any, bounds: tuple[Array, ...]) -> Any:
    """One member, from (epoch, step) to (epoch, step). Bounds are common to all members, so no step is conditional."""
    first_epoch, first_step, last_epoch, last_step = bounds
    size, steps = shape.batch_size, shape.steps
    names = (*program.figures, *getattr(program, "evaluated", ()))
    key = jax.random.key(seed)

    def one_epoch(carry: Any) -> Any:
        epoch, (*carried, kept), buffer = carry
        carried = tuple(carried)
        find = partial(shuffle.order, seed, epoch, size * steps, shape.rows)
        order = None
        if kept:
            order, kept = shuffle.recalled(kept, epoch, find)
        elif shape.shuffled:
            order = find()

        def update(index: Array, carried: Any) -> Any:
            state, sums = carried
            batch = _batch(shape, x, order, index)
            number = epoch.astype(jnp.uint32) * jnp.uint32(steps) + index.astype(jnp.uint32)
            state, figures = program.step(state, batch, values, jax.random.fold_in(key, number))
            return state, compensated(sums, jnp.asarray(figures, sums.dtype) * (batch.real.sum() / shape.rows))

        begin = jnp.where(epoch == first_epoch, first_step, 0)
        end = jnp.where(epoch == last_epoch, last_step, steps)
        carried = lax.fori_loop(begin, end, update, carried)

        def finish(carried: Any, buffer: Array) -> Any:
            state, sums = carried
            found = [sums[0]]
            if getattr(program, "evaluated", ()):
                own = jax.random.fold_in(jax.random.fold_in(key, jnp.uint32(AT_END)), epoch)
                found.append(jnp.asarray(program.evaluate(state, x, values, own), sums.dtype))
            row = jnp.concatenate(found)[None]
            return (state, jnp.zeros_like(sums)), lax.dynamic_update_slice_in_dim(buffer, row, epoch - first_epoch, 0)

        carried, buffer = lax.cond(end == steps, finish, lambda *a: a, carried, buffer)
        return epoch + 1, (*carried, kept), buffer

    def more(carry: Any) -> Array:
        return carry[0] < jnp.where(last_step > 0, last_epoch + 1, last_epoch)

    buffer = jnp.zeros((HISTORY, len(names)), shape.dtype)
    _, carried, buffer = lax.while_loop(more, one_epoch, (first_epoch, carried, buffer))
    return carried, buffer


def _batch(shape: Shape, x: Any, order: Array | None, index: Array) -> Batch:
    """The rows of one update; those of the padding are row 0, with weight 0."""
    size = shape.batch_size
    if size == shape.rows:
        return Batch(x, jnp.ones(size, shape.dtype))
    places = index * size + jnp.arange(size)
    real = (places < shape.rows).astype(shape.dtype)
    rows = places if order is None else lax.dynamic_slice_in_dim(order, index * size, size)
    rows = jnp.where(places < shape.rows, rows, 0)
    return Batch(jax.tree.map(lambda a: jnp.take(a, rows, axis=0, mode="clip"), x), real)
