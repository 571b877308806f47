"""Figures of one layer, in NumPy, from what a probe computed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ..layers import Maxout, ReLU
from ..layers.base import Layer, is_zero
from ..layers.network import Network
from .evidence import LayerNumbers
from .probes_program import BELOW, GRID

FLAT = 1 / 20  # of an activation's greatest slope: below it what a unit learns from is nearly gone
RELUS = ("relu", "relu6")
ALIKE = 1e-4  # relative: equal units are updated alike but for last digits, which depend on their place in a product
NEIGHBOURS = 2  # units of nearly equal projection that are compared


def layer_numbers(network: Network, index: int, seen: Sequence[dict[str, Any]], parts: dict[str, dict]) -> LayerNumbers:
    """All figures of a layer.

    Args:
        network: Its network.
        index: Its number.
        seen: For each of its applications: "out" (rows, …), "signal", the loss's gradient by that, and for a bounded
            activation "slopes", those on the grid before those at its values.
        parts: "weights" (all of the layer), "slopes" and "change" (of those trained), by name.
    """
    layer, shape = network.layers[index], network.shapes[index]
    own = shape[0] if shape and isinstance(shape[0], tuple) else shape
    units = int(own[-1]) if own else 1
    outs = [_as_table(one["out"], units) for one in seen]
    weights, slopes, change = parts["weights"], parts["slopes"], parts["change"]
    kernels = [name for name in weights if name.endswith(("kernel", "embeddings"))]
    moved = [name for name in kernels if name in slopes]
    size = norm(weights[name] for name in kernels) if kernels else None
    step = norm(change[name] for name in moved) if moved else None
    everything = [*outs, *weights.values(), *slopes.values(), *(one["signal"] for one in seen)]
    return LayerNumbers(
        index, network.title(index), type(layer).__name__, activation_of(layer), units,
        **_signal_figures(layer, np.concatenate(outs, axis=1)),
        saturated=_saturated([one for one in seen if "slopes" in one]),
        weight_norm=size,
        gradient_norm=norm(slopes[name] for name in moved) if moved else None,
        backward_norm=norm(one["signal"] for one in seen) * math.sqrt(len(outs[0])),
        update_ratio=None if step is None else step / size if size else math.nan,
        twins=twins(layer, weights, units),
        trainable=sum(int(np.size(value)) for value in slopes.values()),
        finite=all(np.isfinite(value).all() for value in everything),
    )  # fmt: skip


def activation_of(layer: Layer) -> str | None:
    """The name of the activation a layer ends in, or None."""
    parts, given = layer.bare(), getattr(layer, "activation", None)
    if parts is not None:
        return parts[1]
    if given is None or isinstance(given, str):
        return given
    return getattr(given, "__name__", type(given).__name__)


def norm(arrays: Iterable[Any]) -> float:
    """Euclidean norm of arrays together; neither overflows nor vanishes where its square would."""
    total, largest = 0.0, 0.0
    for array in arrays:
        flat = np.asarray(array).ravel()
        top = float(np.max(np.abs(flat), initial=0.0))
        if not math.isfinite(top):
            return math.nan if math.isnan(top) else math.inf
        if top > 0:
            scaled = flat / flat.dtype.type(top)
            own = float(np.dot(scaled, scaled))
            greatest = max(top, largest)
            total, largest = total * (largest / greatest) ** 2 + own * (top / greatest) ** 2, greatest
    return largest * math.sqrt(total)


def _as_table(out: Any, units: int) -> np.ndarray:
    """Outputs as (rows, positions, units)."""
    out = np.asarray(out)
    if out.dtype.kind not in "fiub" or out.dtype.itemsize < 4:
        out = out.astype(np.float32)
    return out.reshape(len(out), -1, units)


def _signal_figures(layer: Layer, out: np.ndarray) -> dict[str, float | None]:
    """Figures of outputs (rows, positions, units); NaN where these are not finite."""
    low, high = out.min(axis=0), out.max(axis=0)
    found: dict[str, float | None] = {
        "mean": float(out.mean(dtype=np.float64)),
        "spread": float(out.std(dtype=np.float64)),
        "dead": None,
        "constant": None,
        "positive": float(np.mean(out > 0)),
    }
    zero = (low == 0) & (high == 0)
    dead = float(np.mean(zero.all(axis=0)))
    if _rectifies(layer) or (dead > 0 and _own_activation(layer)):
        found["dead"] = dead
    if len(out) > 1:
        # Rows that are one to a unit may still differ in the last digits, by where they lie in a product.
        same = high - low <= 8 * np.finfo(out.dtype).eps * np.maximum(np.abs(low), np.abs(high)) \
            if out.dtype.kind == "f" else high == low  # fmt: skip
        found["constant"] = float(np.mean(same.all(axis=0)))
    if not (np.isfinite(low).all() and np.isfinite(high).all()):
        return {name: None if value is None else math.nan for name, value in found.items()}
    return found


def _rectifies(layer: Layer) -> bool:
    if isinstance(layer, ReLU):
        return is_zero(layer.negative_slope)
    return activation_of(layer) in RELUS


def _own_activation(layer: Layer) -> bool:
    """Whether a layer ends in a function of the user's, which may be a rectifier too."""
    given = getattr(layer, "activation", None)
    return given is not None and not isinstance(given, str)


def _saturated(seen: list[dict[str, Any]]) -> float | None:
    """The share of values where the slope is below a twentieth of its greatest; None where there is none.

    That of ReLU6 is zero below zero by design, which `dead` tells of: of such only the other side counts.
    """
    if not seen:
        return None
    grid = np.asarray(seen[0]["slopes"])[: len(GRID)]
    steepest = grid.max()
    if not steepest > 0:
        return None
    slopes = np.concatenate([np.asarray(one["slopes"])[len(GRID) :] for one in seen])
    if not np.isfinite(slopes).all():
        return math.nan
    flat = slopes < FLAT * steepest
    if grid[BELOW] == 0:
        flat &= np.concatenate([np.ravel(one["out"]) for one in seen]) > 0
    return float(np.mean(flat))


def twins(layer: Layer, weights: dict[str, Any], units: int) -> float | None:
    """The share of units that equal another unit in all weights that lead into them, bias and gates included.

    None where the layer has no units of this kind, or its weights are not finite.

    >>> from jindan.layers import Dense
    >>> twins(Dense(4), {"kernel": np.ones((3, 4)), "bias": np.arange(4.0)}, 4)
    0.0
    >>> twins(Dense(4), {"kernel": np.ones((3, 4)), "bias": np.array([1.0, 2.0, 1.0, 1.0])}, 4)
    0.75
    """
    table = incoming(layer, weights, units)
    if table is None or not np.isfinite(table).all():
        return None
    # Equal units are neighbours by any projection, so that not all pairs need be compared.
    order = np.argsort(np.random.default_rng(0).normal(size=len(table)) @ table, kind="stable")
    table = table[:, order]
    size = np.abs(table).max(axis=0, initial=0.0)
    alike = np.zeros(units, bool)
    for apart in range(1, min(NEIGHBOURS, units - 1) + 1):
        gap = np.abs(table[:, apart:] - table[:, :-apart]).max(axis=0, initial=0.0)
        equal = gap <= ALIKE * np.maximum(size[apart:], size[:-apart])
        alike[apart:] |= equal
        alike[:-apart] |= equal
    return float(np.mean(alike))


def incoming(layer: Layer, weights: dict[str, Any], units: int) -> np.ndarray | None:
    """All weights that lead into each unit (weights, units), float64; None where these cannot be told apart."""
    inner = getattr(layer, "layer", None)
    if isinstance(inner, Layer) and all(name.startswith("layer.") for name in weights):
        return incoming(inner, {name.removeprefix("layer."): value for name, value in weights.items()}, units)
    if "kernel" not in weights or getattr(layer, "groups", 1) != 1:
        return None
    table = {name: np.asarray(weights[name], np.float64) for name in ("kernel", "recurrent_kernel", "bias")
             if name in weights}  # fmt: skip
    kernel = table["kernel"]
    if isinstance(layer, Maxout):
        # The pieces of a unit lie side by side.
        table = {name: np.moveaxis(a.reshape(-1, units, layer.pieces), 1, 2) for name, a in table.items()}
    elif kernel.shape[-1] % units and kernel.ndim > 2 and kernel.shape[-2] == units:
        table["kernel"] = np.moveaxis(kernel, -2, -1)  # a transposed convolution's
    elif kernel.shape[-1] % units or (kernel.shape[-1] != units and "recurrent_kernel" not in table):
        return None
    # Gates lie one after another, each with a column a unit.
    return np.concatenate([a.reshape(-1, units) for a in table.values()])
