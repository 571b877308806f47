"""Predicting and evaluating with given weights, in blocks of rows."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import numpy as np

from ..errors import ShapeError
from ..joint import parts_of
from ..layers.network import Network, Weights
from ..plan import Plan
from . import compiling, devices
from .data import Data, array, as_inputs, as_targets, check_inputs, check_targets, count, cut, several
from .supervised import Supervised, finishes, program_of


def predict(plan: Plan, input_shape: tuple[int, ...], weights: Weights, x: Any, batch_size: int | None = None) -> Any:
    """Outputs (rows, …) for inputs (rows, …).

    Rows are padded to a power of two, so that calls with different numbers of rows share a few programs.

    Raises:
        ShapeError: when a row does not have the network's input shape.
    """
    input_shape, network, x = _ready(plan, input_shape, x)
    rows_given = count(x)
    if rows_given == 0:
        empty = tuple(np.zeros((0, *shape), plan.dtype) for shape in network.output_shapes)
        return empty[0] if len(empty) == 1 else empty
    program = program_of(plan.structure, tuple(input_shape))
    block = min(power_of_two(rows_given), power_of_two(batch_size) if batch_size else network.block)
    with devices.width(plan.dtype):
        values = np.array([plan.numbers[path] for path in program.paths], plan.dtype)
        weights = jax.device_put(weights)
        call = _predictor(program)
        parts = []
        for start in range(0, rows_given, block):
            rows = cut(x, slice(start, start + block))
            n = count(rows)
            # A function of the user's may look at the rows as a whole: it gets them without padding.
            outputs = call(values, weights, _fit(rows, n if program.batchwise else block, plan, network))
            parts.append(jax.tree.map(lambda a, n=n: np.asarray(a)[:n], outputs))
    return jax.tree.map(lambda *found: np.concatenate(found), *parts)


def sample(plan: Plan, input_shape: tuple[int, ...], weights: Weights, x: Any, seed: int) -> Any:
    """Outputs (rows, …) as training computes them, of all rows as one batch; noise is drawn by the seed.

    Raises:
        ShapeError: when a row does not have the network's input shape.
    """
    input_shape, network, x = _ready(plan, input_shape, x)
    program = program_of(plan.structure, tuple(input_shape))
    with devices.width(plan.dtype):
        values = np.array([plan.numbers[path] for path in program.paths], plan.dtype)
        rows = _fit(x, count(x), plan, network)
        return jax.tree.map(np.asarray, _sampler(program)(values, weights, rows, jax.random.key(seed)))


def evaluate(
    plan: Plan, input_shape: tuple[int, ...], weights: Weights, data: Data, batch_size: int | None = None
) -> dict[str, float]:
    """The loss (cost plus penalties) and every metric, by name."""
    input_shape, network, x = _ready(plan, input_shape, data.x)
    check_targets(network, plan.loss, data.y)
    program = program_of(plan.structure, tuple(input_shape))
    block = min(power_of_two(count(x)), power_of_two(batch_size) if batch_size else network.block)
    y = as_targets(data.y, plan.dtype, plan.loss)
    with devices.width(plan.dtype):
        values = np.array([plan.numbers[path] for path in program.paths], plan.dtype)
        weights = jax.device_put(weights)
        call, objective = _evaluator(program)
        total = np.zeros(program.size)
        for start in range(0, count(x), block):
            piece = slice(start, start + block)
            rows = cut(x, piece)
            # A function of the user's may look at the rows as a whole: it gets them without padding.
            size = count(rows) if program.batchwise else block
            mask = None if program.batchwise else (np.arange(block) < count(rows)).astype(plan.dtype)
            weight = None if data.weight is None else _pad(data.weight[piece].astype(plan.dtype), size)
            held = _fit(rows, size, plan, network)
            truths = jax.tree.map(lambda a, p=piece, s=size: _pad(a[p], s), y)
            total += np.asarray(call(values, weights, held, truths, weight, mask))
        means = np.asarray(total / max(total[1], 1), plan.dtype)
        # Most plans have no penalty: their loss is the mean, and one program fewer is traced.
        loss = float(objective(values, weights, means)) if _adds(plan, network) else float(means[0])
    return {name: float(value) for name, value in program.figures(total, loss).items()}


def _ready(plan: Plan, input_shape: tuple[int, ...], x: Any) -> tuple[tuple[int, ...], Network, Any]:
    """The shape of these rows, the network for it, and the rows as it takes them; the devices are started."""
    devices.start()
    shape = shape_of(x, input_shape, plan.network(input_shape))
    network = plan.network(shape)
    return shape, network, inputs(x, shape, network)


def shape_of(x: Any, input_shape: Any, network: Network) -> Any:
    """The shape to compute with: that of the rows where they go through the same weights, else the network's own."""
    if network.graph.inputs > 1:
        if not isinstance(x, (tuple, list)) or len(x) != network.graph.inputs:
            return input_shape
        found: Any = tuple(tuple(np.shape(part)[1:]) for part in x)
    else:
        found = tuple(getattr(x, "shape", ())[1:])
    return found if found and found != tuple(input_shape) and network.takes(found) else input_shape


def inputs(x: Any, input_shape: Any, network: Network) -> Any:
    """Rows of the network's input shape, as an array; for several inputs, a tuple of arrays."""
    wanted = network.graph.inputs
    if wanted == 1:
        x = _inputs(x[0] if several(x) and len(x) == 1 else x, input_shape)
    else:
        if not isinstance(x, (tuple, list)) or len(x) != wanted:
            raise ShapeError(
                "The network has several inputs.", where="x", expected=f"{wanted} arrays",
                received=f"{len(x)} of them" if isinstance(x, (tuple, list)) else type(x).__name__,
                help="Give a list of arrays in the order of the model's inputs, or a dict by their names.",
            )  # fmt: skip
        x = tuple(_inputs(part, shape) for part, shape in zip(x, input_shape, strict=True))
        if len({len(part) for part in x}) > 1:
            raise ShapeError(
                "The inputs differ in their number of rows.", where="x", expected="as many rows in each",
                received=", ".join(str(len(part)) for part in x), help="Row i of one belongs to row i of the others.",
            )  # fmt: skip
    check_inputs(network, x)
    return x


def _inputs(x: Any, input_shape: tuple[int, ...]) -> np.ndarray:
    x = array(x, "x")
    if x.ndim == 1 and tuple(input_shape) == (1,):
        x = x[:, None]
    if tuple(x.shape[1:]) != tuple(input_shape):
        one = tuple(x.shape) == tuple(input_shape)
        raise ShapeError(
            "The rows do not have the shape this network was built for.",
            where="x",
            expected=f"rows of shape {tuple(input_shape)}: an array of shape "
            f"({', '.join(['rows', *map(str, input_shape)])})",
            received=f"shape {x.shape}",
            help="One row alone needs an axis in front: x[None]." if one else "Give the columns it was trained on.",
        )
    return x


def _adds(plan: Plan, network: Network) -> bool:
    """Whether the reported loss is more than the mean over rows."""
    penalised = any(w.regularizer is not None for spec in network.specs for w in spec.values())
    return bool(plan.l1 or plan.l2) or penalised or any(map(finishes, parts_of(plan.loss)))


@lru_cache(maxsize=64)
def _predictor(program: Supervised) -> Any:
    return compiling.jit(lambda values, weights, x: program.predict(program.filled(values), weights, x))


@lru_cache(maxsize=64)
def _sampler(program: Supervised) -> Any:
    return compiling.jit(lambda values, weights, x, key: program.predict(program.filled(values), weights, x, key))


@lru_cache(maxsize=64)
def _evaluator(program: Supervised) -> Any:
    def block(values: Any, weights: Any, x: Any, y: Any, weight: Any, mask: Any) -> Any:
        return program.evaluate(program.filled(values), weights, (x, y, weight, mask))

    def objective(values: Any, weights: Any, means: Any) -> Any:
        return program.objective_of(program.filled(values), weights, means)

    return compiling.jit(block), compiling.jit(objective)


def _fit(rows: Any, block: int, plan: Plan, network: Network) -> Any:
    held = as_inputs(rows, plan.dtype, network.integers)
    return tuple(_pad(part, block) for part in held) if isinstance(held, tuple) else _pad(held, block)


def _pad(rows: np.ndarray, block: int) -> np.ndarray:
    if len(rows) == block:
        return rows
    return np.concatenate([rows, np.zeros((block - len(rows), *rows.shape[1:]), rows.dtype)])


def power_of_two(n: int) -> int:
    """The least power of two that is not below n.

    >>> power_of_two(1), power_of_two(5), power_of_two(64)
    (1, 8, 64)
    """
    return 1 << max(0, int(n) - 1).bit_length()
