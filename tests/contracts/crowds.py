"""Crowds: layers of the table side by side in one network, each with inputs, an output and a loss of its own.

No branch sees another, so each trains as it would alone, and what is compiled once serves all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from jindan.joint import JointLoss
from jindan.layers import Dense, Flatten
from jindan.layers.wiring import Wiring
from jindan.plan import Plan

from .layer_table import LAYERS, inputs, network_of

# So large or so many outputs that a hundred updates at the others' rates end in infinity.
STEEP = ("Dot", "UpSampling3D", "RandomBrightness", "Solarization", "MelSpectrogram")


def crowds(names, size=12):
    """The names in lots of about equal size, steep ones by themselves."""
    names = list(names)
    for some in ([n for n in names if n not in STEEP], [n for n in names if n in STEEP]):
        lots = -(-len(some) // size)
        yield from (tuple(some[len(some) * k // lots : len(some) * (k + 1) // lots]) for k in range(lots))


@dataclass(frozen=True)
class Crowd:
    """Three plans that differ in seeds, rates and the layers' own numbers; their data; where each layer stands."""

    plans: list
    data: tuple
    places: dict

    def branch(self, weights, name):
        """The weights of a layer and of what follows it."""
        first = self.places[name]
        later = [place for place in self.places.values() if place > first]
        return weights[first : min(later, default=len(weights))]


def crowd_of(names):
    layers, nodes, outputs, x, y, places, varied = [], [], [], [], [], {}, {}
    cases = {name: (LAYERS[name][0][0], LAYERS[name][1][:2][-1]) for name in names}
    n = sum(len(shape) if layer.many else 1 for layer, shape in cases.values())
    for name, (layer, shape) in cases.items():
        own = inputs(10, shape, layer=layer)
        own = own if layer.many else (own,)
        sources = tuple(range(len(x), len(x) + len(own)))
        x.extend(own)
        y.append(np.sin(3 * sum(part.reshape(10, -1).sum(1, keepdims=True) for part in own)))
        places[name] = len(layers)
        if LAYERS[name][2]:
            field, values = LAYERS[name][2]
            varied[f"layers.{len(layers)}.{field}"] = values
        tail = (Flatten(), Dense(1)) if len(network_of(layer, shape).output_shape) > 1 else (Dense(1),)
        for each in (layer, *tail):
            nodes.append((len(layers), sources))
            layers.append(each)
            sources = (n + len(nodes) - 1,)
        outputs.extend(sources)
    several = len(names) > 1
    plan = Plan(
        tuple(layers), loss=JointLoss(("mse",) * len(names), names=names) if several else "mse", optimizer="sgd",
        batch_size=4, epochs=34, shuffle=False, dtype="float64",
        wiring=Wiring(nodes=tuple(nodes), outputs=tuple(outputs), inputs=n),
    )  # fmt: skip
    rates = (0.002, 0.005, 0.01) if set(names) <= set(STEEP) else (0.02, 0.05, 0.1)
    plans = [
        plan.edit({"seed": k, "learning_rate": rate, **{path: values[k] for path, values in varied.items()}})
        for k, rate in enumerate(rates)
    ]
    return Crowd(plans, (tuple(x) if n > 1 else x[0], tuple(y) if several else y[0]), places)
