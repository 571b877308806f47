"""Folding: a network trained on standardised targets is given back in the targets' own units."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..layers import Dense
from ..layers.wiring import number_of
from ..plan import Plan
from .static import passes_on


def last_dense(plan: Plan) -> int | None:
    """The number of the Dense layer whose outputs, unchanged at inference, are the network's; None where there is none.

    >>> last_dense(Plan((Dense(4, activation="relu"), Dense(1))))
    1
    """
    if plan.wiring is None:
        for index in range(len(plan.layers) - 1, -1, -1):
            layer = plan.layers[index]
            if type(layer) is Dense:
                return index
            if not passes_on(layer):
                return None
        return None
    wiring = plan.wiring
    if len(wiring.outputs) != 1:
        return None
    node = number_of(wiring.outputs[0]) - wiring.inputs
    index = wiring.nodes[node][0] if node >= 0 else -1
    shared = [number for number, _ in wiring.nodes].count(index) != 1
    read = any(number_of(s) == node + wiring.inputs for _, sources in wiring.nodes for s in sources)
    return index if node >= 0 and type(plan.layers[index]) is Dense and not shared and not read else None


def foldable(plan: Plan) -> bool:
    """Whether the outputs come from a linear Dense layer, into which a scale and a shift can be folded."""
    index = last_dense(plan)
    if index is None:
        return False
    layer: Any = plan.layers[index]
    bound = layer.kernel_constraint is not None or layer.bias_constraint is not None
    return layer.activation == "linear" and layer.activity_regularizer is None and not bound


def scales(y: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column of the targets; 1 for the deviation of a constant one.

    Args:
        y: (rows,) or (rows, columns).
    """
    flat = np.asarray(y, np.float64).reshape(len(y), -1)
    mean, deviation = flat.mean(0), flat.std(0)
    return mean, np.where(deviation <= 1e-9 * np.maximum(np.abs(mean), 1e-30), 1.0, deviation)


def folded(plan: Plan, weights: Any, mean: Any, deviation: Any) -> tuple[Plan, Any]:
    """The plan and weights whose outputs are those of the given ones times `deviation` plus `mean`.

    s (a W + b) + m = a (W s) + (b s + m), column by column.

    Args:
        plan: One that is `foldable`.
        weights: One dict of arrays a layer.
        mean, deviation: By column of the targets.

    Returns:
        The plan, with a bias in its last layer, and the weights.
    """
    index = last_dense(plan)
    if index is None:
        raise ValueError("the plan has no last Dense layer")
    layer: Any = plan.layers[index]
    own = dict(weights[index])
    kernel = np.asarray(own["kernel"])
    own["kernel"] = (kernel * np.asarray(deviation)).astype(kernel.dtype)
    bias = np.asarray(own.get("bias", np.zeros(kernel.shape[-1])), np.float64)
    own["bias"] = (bias * np.asarray(deviation) + np.asarray(mean)).astype(kernel.dtype)
    layers = (*plan.layers[:index], layer.replace(use_bias=True), *plan.layers[index + 1 :])
    return plan.replace(layers=layers), (*weights[:index], own, *weights[index + 1 :])
