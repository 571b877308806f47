"""Checks of what happens inside the layers: signals that fade, burst, die, saturate or never differ."""

from __future__ import annotations

import math

import numpy as np

from ..facts import Facts
from .base import Suspect, ramp

# AUTOTRAINER (Zhang et al. 2021) calls a gradient vanished where the first layer's is a thousandth of the last's, and
# exploded from 70 times per layer; SageMaker Debugger calls half of all units dead a fault; Glorot & Bengio (2010)
# show saturated sigmoids where the slope is a twentieth of its maximum.
VANISHED, DEAD, SATURATED = 1e-3, 0.5, 0.5
# An initial kernel's root mean square times √fan_in is 1.41 for He's and about 1 for Glorot's draw.
GAINS = (0.2, 5.0)
BURST = 1e3


def vanishing_gradient(facts: Facts) -> Suspect | None:
    """Backward signal at the first layer against that at the last, over the moments after the start."""
    found: list[tuple[float, str]] = []
    for probe in facts.later:
        layers = [one for one in probe.layers if one.weight_norm is not None and one.backward_norm is not None]
        if len(layers) < 3 or not all(math.isfinite(one.backward_norm) for one in layers):  # type: ignore[arg-type]
            continue
        top = max(one.backward_norm for one in layers[1:])  # type: ignore[type-var]
        if top and top > 0:
            least = min(layers[:-1], key=lambda one: one.backward_norm or 0.0)
            found.append(((least.backward_norm or 0.0) / top, least.title))
    if not found or not facts.sick:
        return None
    ratio, title = sorted(found)[len(found) // 2]
    strength = ramp(VANISHED * 10 / max(ratio, 1e-30), 1, 100)
    if strength == 0:
        return None
    return Suspect("vanishing-gradient", strength, title, {"ratio": ratio})


def exploding_gradient(facts: Facts) -> Suspect | None:
    """Gradients or activations that are not finite, or a thousand times what they were."""
    if not facts.case.probes or not facts.sick:
        return None
    first = facts.first
    for probe in facts.case.probes:
        for layer in probe.layers:
            values = (layer.spread, layer.gradient_norm, layer.backward_norm, layer.weight_norm)
            if not layer.finite or any(v is not None and not math.isfinite(v) for v in values):
                return Suspect("exploding-gradient", 0.9, layer.title, {"update": probe.update}, severity="error")
            if layer.spread is not None and layer.spread > 1e6 and layer.index < len(probe.layers) - 1:
                return Suspect("exploding-gradient", 0.8, layer.title, {"spread": layer.spread})
    start = first.gradient_norm if first is not None else 0.0
    worst = max(facts.case.probes, key=lambda probe: probe.gradient_norm)
    growth = worst.gradient_norm / max(start, 1e-12)
    if growth > BURST and worst.gradient_norm > 1.0 and worst.loss > 2 * abs(first.loss if first else 0.0):
        return Suspect("exploding-gradient", ramp(growth, BURST / 10, BURST * 10), None,
                       {"norm": worst.gradient_norm, "growth": growth})  # fmt: skip
    return None


def dying_relu(facts: Facts) -> Suspect | None:
    """Units that are zero for every probe row in the end."""
    last = facts.last
    if last is None or not facts.sick:
        return None
    layers = [one for one in facts.hidden(last) if one.dead is not None and math.isfinite(one.dead)]
    if not layers:
        return None
    worst = max(layers, key=lambda one: one.dead or 0.0)
    share = worst.dead or 0.0
    if share < DEAD or worst.units < 2:
        return None
    return Suspect("dying-relu", 0.4 + 0.6 * ramp(share, DEAD, 1.01), worst.title, {"fraction": share})


def saturated_activation(facts: Facts) -> Suspect | None:
    """Most values of a hidden layer where its activation is flat, at the start or in the end."""
    if not facts.case.probes or not facts.sick:
        return None
    found = []
    for probe in (facts.first, facts.last):
        for layer in facts.hidden(probe):
            if layer.saturated is not None and layer.saturated >= SATURATED:
                found.append((layer.saturated, layer.title, probe.update if probe else 0))
    if not found:
        return None
    share, title, update = max(found)
    return Suspect("saturated-activation", 0.4 + 0.5 * ramp(share, SATURATED, 1.0), title,
                   {"fraction": share, "update": update})  # fmt: skip


def symmetric_init(facts: Facts) -> Suspect | None:
    """Units of a hidden layer with equal weights before and after training: they compute one and the same thing."""
    first, last = facts.first, facts.last
    if first is None or last is None:
        return None
    # An activation may count as hidden at one moment and not at the other.
    ends = {after.index: after for after in facts.hidden(last)}
    for before in facts.hidden(first):
        after = ends.get(before.index, before)
        alike = min(before.twins or 0.0, after.twins or 0.0)
        if before.units >= 2 and alike >= 0.99:
            return Suspect(
                "symmetric-init", 1.0, before.title, {"fraction": alike, "units": before.units}, certain=True
            )
    return None


def gains(facts: Facts) -> list[tuple[str, float]]:
    """(layer, root mean square of its initial kernel · √fan_in) of each hidden layer with one."""
    case = facts.case
    if not case.moments:
        return []
    found = []
    start = case.moments[0]
    network = case.plan.network(case.input_shape)
    weights = network.join(start.trained, start.fixed)
    for index, (layer, own) in enumerate(zip(network.layers, weights, strict=True)):
        kernel = own.get("kernel")
        if kernel is None or np.ndim(kernel) < 2 or layer.trainable is False:
            continue
        kernel = np.asarray(kernel, np.float64)
        found.append((network.title(index), float(np.sqrt(np.mean(kernel**2)) * np.sqrt(np.prod(kernel.shape[:-1])))))
    return found[:-1]


def bad_init_scale(facts: Facts) -> Suspect | None:
    """The initial kernels' gains, multiplied over the depth, against 1."""
    found = gains(facts)
    if not found or not facts.sick:
        return None
    low = math.prod(min(1.0, gain / GAINS[0]) for _, gain in found)
    high = math.prod(max(1.0, gain / GAINS[1]) for _, gain in found)
    if low > 0.5 and high < 2:
        return None
    title, gain = max(found, key=lambda pair: abs(math.log(max(pair[1], 1e-12))))
    ratio = math.prod(gain for _, gain in found)
    strength = max(0.3 + 0.6 * ramp(1 / max(low, 1e-12), 2, 1e3), 0.5 + 0.45 * ramp(high, 2, 10) if high >= 2 else 0.0)
    return Suspect("bad-init-scale", strength, title, {"gain": gain, "ratio": ratio})


def zigzag(facts: Facts) -> Suspect | None:
    """Activations of one sign only in every hidden layer: all slopes of a unit's weights share a sign (LeCun 1998)."""
    last = facts.last
    if last is None or not facts.sick:
        return None
    layers = [one for one in facts.hidden(last) if one.activation == "sigmoid"]
    if len(layers) < 2 or any(one.positive is None or one.positive < 0.99 for one in layers):
        return None
    return Suspect("zigzag", 0.3, layers[0].title, {"positive": layers[0].positive}, severity="info", symptom=True)


LAYER_CHECKS = {
    "symmetric-init": symmetric_init,
    "bad-init-scale": bad_init_scale,
    "vanishing-gradient": vanishing_gradient,
    "exploding-gradient": exploding_gradient,
    "dying-relu": dying_relu,
    "saturated-activation": saturated_activation,
    "zigzag": zigzag,
}
