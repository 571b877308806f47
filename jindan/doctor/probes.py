"""Probes: numbers of every layer at the moments kept of a training."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax
import numpy as np

from ..engine import devices
from ..engine.data import as_inputs, as_targets, count, cut
from ..engine.pace import uncollected
from ..engine.packing import packed
from ..engine.supervised import Supervised, program_of
from ..layers.network import Network
from ..plan import Plan
from .evidence import Moment, Probe
from .probes_layers import layer_numbers, norm
from .probes_program import PARTS, compiled, noisy, packing_of

SEED = 0x646F63


def measure(
    plan: Plan, input_shape: Any, moments: Sequence[Moment], x: Any, y: Any, weight: Any = None, *, rows: int = 256,
    deep: bool = True,
) -> tuple[Probe, ...]:  # fmt: skip
    """Numbers of each moment, on some of the training rows.

    The rows go forward and back as in training but without its noise: batch normalisation uses their own moments,
    dropout drops nothing. So each figure belongs to the weights, and only `loss`, `output_spread` are those of
    inference. `backward_norm` is √(mean over rows of ‖∂Lᵢ/∂a‖²), Lᵢ being the row's loss and a the layer's output (its
    logits where the loss is computed from these). `update_ratio` is that of an update with the probe rows as its
    batch, penalties and the optimizer's memory included. `noise_scale` comes from small batches of b rows and all n
    of them, |G|² = (n |g_n|² − b |g_b|²) / (n − b) and tr Σ = (|g_b|² − |g_n|²) / (1/b − 1/n), both without bias
    (McCandlish et al. 2018, appendix A.1); None where either comes out as 0 or less, when the rows are too few to tell
    a gradient from its noise. `curvature` is gᵀHg / gᵀg of the
    gradient g with the Hessian H, from the gradients a small way up and down along g. Penalties on weights count in
    `penalty` and `update_ratio` only.

    Args:
        plan: What was trained.
        input_shape: Shape of one row.
        moments: Weights kept of the training.
        x, y, weight: Training rows (n, …); `weight` is one number a row, or None.
        rows: How many of them are looked at, drawn by a fixed seed; fewer where a layer's outputs would be too many.
        deep: Whether curvature, noise scale and the loss with training's noise are measured too. Without, the training
            loss of a plan that has such noise is NaN.

    Returns:
        A Probe a moment. Numbers that are not finite are told as such.

    >>> from jindan.layers import Dense
    >>> plan = Plan((Dense(1, kernel_initializer="zeros"),), loss="mse", optimizer="sgd")
    >>> start = Moment(0, 0, *plan.network((2,)).init(0))
    >>> probe, = measure(plan, (2,), [start], np.ones((4, 2)), np.full(4, 3.0))
    >>> probe.loss, probe.layers[0].backward_norm, probe.layers[0].constant
    (9.0, 6.0, 1.0)
    """
    devices.start()
    program, network = program_of(plan.structure, input_shape), plan.network(input_shape)
    chosen = _chosen(plan, count(x), min(rows, network.block))
    call = compiled(program, deep)
    with devices.width(plan.dtype), np.errstate(all="ignore"), uncollected():
        batch: tuple[Any, ...] = (
            as_inputs(cut(x, chosen), plan.dtype, network.integers),
            as_targets(cut(y, chosen), plan.dtype, plan.loss),
            None if weight is None else np.asarray(weight)[chosen].astype(plan.dtype),
        )
        values = np.array([plan.numbers[path] for path in program.paths], plan.dtype)
        batch = jax.device_put(batch)
        found = []
        for moment in moments:
            memory = moment.optimizer if moment.optimizer is not None else plan.optimizer.init(moment.trained)
            packing = packing_of(plan, network, moment.trained)
            memory = packed(packing, {"trained": moment.trained, "optimizer": memory})["optimizer"]
            numbers = jax.device_get(call(values, moment.trained, moment.fixed, memory, *batch))
            if packing is not None:
                numbers["change"] = packing.unpack(numbers["change"])
            found.append(_probe(program, network, moment, numbers, deep))
    return tuple(found)


def _chosen(plan: Plan, rows: int, wanted: int) -> np.ndarray:
    """Numbers of the rows to look at, in an order by chance: parts of them are batches."""
    own = np.arange(rows) if plan.rows is None else plan.rows.numbers
    return np.random.default_rng(SEED).permutation(own)[: max(1, wanted)]


def _probe(program: Supervised, network: Network, moment: Moment, numbers: dict[str, Any], deep: bool) -> Probe:
    """The figures of a moment from what was computed."""
    seen: list[list[dict[str, Any]]] = [[] for _ in network.layers]
    for place, (index, _) in enumerate(network.graph.nodes):
        seen[index].append({**numbers["notes"][place], "signal": numbers["signals"][place]})
    weights = network.join(moment.trained, moment.fixed)
    layers = tuple(
        layer_numbers(network, index, seen[index], {"weights": weights[index], "slopes": numbers["slopes"][index],
                                                    "change": numbers["change"][index]})
        for index in range(len(network.layers)) if seen[index]
    )  # fmt: skip
    outputs = jax.tree.leaves(numbers["outputs"])
    total = count(outputs[0])
    return Probe(
        moment.update, moment.epoch, float(numbers["loss"]),
        math.nan if noisy(program) and not deep else float(numbers["training_loss"]),
        norm(jax.tree.leaves(numbers["slopes"])), _noise_scale(numbers.get("squares"), total),
        _curvature(numbers.get("curvature")), float(numbers["penalty"]),
        max(float(np.std(out, axis=0, dtype=np.float64).max(initial=0.0)) for out in outputs), layers,
    )  # fmt: skip


def _noise_scale(squares: Any, rows: int) -> float | None:
    """tr Σ / ‖G‖² from (Σ ‖gᵢ‖², ‖Σ gᵢ‖²) of small batches; see `measure`."""
    parts = min(PARTS, rows)
    if squares is None or parts < 2:
        return None
    small = rows // parts
    of_small, of_all = float(squares[0]) / parts, float(squares[1]) / parts**2
    whole = parts * small
    square = (whole * of_all - small * of_small) / (whole - small)
    trace = (of_small - of_all) / (1 / small - 1 / whole)
    return trace / square if square > 0 and trace > 0 else None


def _curvature(found: Any) -> float | None:
    """None where it was not measured, or there is no gradient to go along."""
    return None if found is None or math.isnan(found) else float(found)
