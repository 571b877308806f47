"""Predicting with the members of a population, each on rows of its own, by one program for all of one structure."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from . import compiling, devices
from .data import as_inputs, count
from .forward import inputs, power_of_two, shape_of
from .run import Run
from .supervised import Supervised, program_of

MOST = 2**24  # numbers that all members of a call may give in one layer


def predict_members(runs: Sequence[Run], x: Any, rows: Sequence[np.ndarray] | np.ndarray | None = None) -> list[Any]:
    """Outputs of each run for rows of its own.

    Args:
        runs: Of one or several structures, on one data set.
        x: (rows, …) inputs, a tuple of such for several inputs.
        rows: Row numbers, for each run or for all; None is all rows.

    Returns:
        An array (rows, …) for each run; a tuple of arrays where the network has several outputs.
    """
    devices.start()
    everything = np.arange(count(x) if isinstance(x, tuple) else len(x))
    if rows is None or (isinstance(rows, np.ndarray) and rows.ndim == 1 and rows.dtype != object):
        rows = [everything if rows is None else np.asarray(rows)] * len(runs)
    groups: dict[Any, list[int]] = {}
    for index, run in enumerate(runs):
        groups.setdefault((run.plan.structure, run.input_shape), []).append(index)
    found: list[Any] = [None] * len(runs)
    for indices in groups.values():
        for index, outputs in zip(indices, _group([runs[i] for i in indices], x, [rows[i] for i in indices]),
                                  strict=True):  # fmt: skip
            found[index] = outputs
    return found


def _group(runs: list[Run], x: Any, rows: list[np.ndarray]) -> list[Any]:
    plan = runs[0].plan
    shape = shape_of(x, runs[0].input_shape, plan.network(runs[0].input_shape))
    network = plan.network(shape)
    held = as_inputs(inputs(x, shape, network), plan.dtype, network.integers)
    program = program_of(plan.structure, tuple(shape))
    longest = max(len(r) for r in rows)
    if longest == 0 or program.batchwise:
        from .forward import predict

        return [predict(r.plan, shape, r.weights, _cut(held, own)) for r, own in zip(runs, rows, strict=True)]
    wide = max(int(np.prod(s)) for s in (*_shapes(network.shapes), *network.input_shapes))
    block = min(power_of_two(longest), network.block)
    at_once = max(1, min(len(runs), MOST // max(1, wide * block)))
    call = _caller(program)
    with devices.width(plan.dtype):
        data = jax.device_put(held)
        parts: list[Any] = []
        for first in range(0, len(runs), at_once):
            some, theirs = runs[first : first + at_once], rows[first : first + at_once]
            # The last call has as many places as the others: those to spare repeat its first member.
            spare = at_once - len(some)
            some, theirs = some + some[:1] * spare, theirs + theirs[:1] * spare
            values = np.array([[r.plan.numbers[p] for p in program.paths] for r in some], plan.dtype)
            weights = jax.tree.map(lambda *leaves: np.stack(leaves), *[r.weights for r in some])
            weights = jax.device_put(weights)
            pieces = []
            for start in range(0, longest, block):
                places = np.zeros((at_once, block), np.int32)
                for k, own in enumerate(theirs):
                    piece = own[start : start + block]
                    places[k, : len(piece)] = piece
                pieces.append(jax.tree.map(np.asarray, call(values, weights, data, places)))
            whole = jax.tree.map(lambda *leaves: np.concatenate(leaves, 1), *pieces)
            for k, own in enumerate(theirs[: at_once - spare]):
                parts.append(_first(whole, k, len(own)))
    return parts


@lru_cache(maxsize=64)
def _caller(program: Supervised) -> Any:
    def member(values: Any, weights: Any, data: Any, places: Any) -> Any:
        return program.predict(program.filled(values), weights, _cut(data, places))

    return compiling.jit(lambda values, weights, data, places: jax.vmap(member, (0, 0, None, 0))(
        jnp.asarray(values), weights, data, places))  # fmt: skip


def _first(outputs: Any, member: int, rows: int) -> Any:
    """A member's outputs, without those for padding."""
    return jax.tree.map(lambda a: a[member, :rows], outputs)


def _cut(x: Any, rows: Any) -> Any:
    return jax.tree.map(lambda a: a[rows], x)


def _shapes(shapes: Any) -> list[tuple]:
    return jax.tree.leaves(shapes, is_leaf=lambda v: isinstance(v, tuple) and all(isinstance(n, int) for n in v))
