"""The members of an ensemble as one graph: shared inputs, their layers side by side, the mean of their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.run import Run
from ..joint import parts_of
from ..layers.core import Activation
from ..layers.merge import Average
from ..layers.wiring import Wiring, stack_of
from ..models import Model, saving
from ..models.ports import Ports
from ..utils import snake_case
from .outputs import activation_of, judged


def joined(runs: Sequence[Run]) -> Model:
    """One model that predicts the mean of the runs' outputs; logits become probabilities first.

    >>> import numpy as np
    >>> from jindan import Plan, train
    >>> from jindan.layers import Dense
    >>> X = np.linspace(-1, 1, 16)[:, None]; plan = Plan((Dense(1),), seed=0)
    >>> model = joined(train([plan, plan.replace(seed=1)], (X, X)))
    >>> [view.name for view in model.layers], model.predict(X).shape
    (['dense_0_of_0', 'dense_0_of_1', 'average_0'], (16, 1))
    """
    graph = _Graph(runs[0])
    for number, run in enumerate(runs):
        graph.add(number, run)
    ends = graph.averaged(parts_of(runs[0].plan.loss))
    names = (*Ports.of(runs[0].plan.wiring).inputs, *(f"average_{k}" for k in range(len(ends))))
    wiring = Wiring(nodes=tuple(graph.nodes), outputs=ends, inputs=graph.inputs, names=names)
    plan = judged(runs[0].plan).replace(layers=tuple(graph.layers), wiring=wiring, rows=None, validation_rows=None,
                                        name="ensemble")  # fmt: skip
    return Model.from_run(saving.run_of(plan, runs[0].input_shape, tuple(graph.weights)))


class _Graph:
    """Nodes and layers gathered so far."""

    def __init__(self, first: Run) -> None:
        self.inputs = first.plan.inputs
        self.layers: list[Any] = []
        self.weights: list[Any] = []
        self.nodes: list[tuple[int, tuple]] = []
        self.ends: list[list[Any]] = []

    def add(self, number: int, run: Run) -> None:
        """A member's layers, under names of its own, its sources moved to where they now stand."""
        wiring = run.plan.wiring or stack_of(len(run.plan.layers))
        layers, nodes = len(self.layers), len(self.nodes)

        def moved(source: Any) -> Any:
            if isinstance(source, tuple):
                return (moved(source[0]), source[1])
            return source if source < self.inputs else source + nodes

        for place, layer in enumerate(run.plan.layers):
            name = layer.name or f"{snake_case(type(layer).__name__)}_{place}"
            self.layers.append(layer.replace(name=f"{name}_of_{number}"))
        self.weights += run.weights
        self.nodes += [(layers + layer, tuple(map(moved, sources))) for layer, sources in wiring.nodes]
        self.ends.append([moved(source) for source in wiring.outputs])

    def averaged(self, losses: Sequence[Any]) -> tuple:
        """The ends of the graph: each output's mean over members."""
        found = []
        for k, loss in enumerate(losses):
            ends, wanted = [own[k] for own in self.ends], activation_of(loss)
            if wanted is not None:
                ends = [
                    self._put(Activation(wanted, name=f"{wanted}_{k}_of_{m}"), (end,)) for m, end in enumerate(ends)
                ]
            found.append(self._put(Average(name=f"average_{k}"), tuple(ends)) if len(ends) > 1 else ends[0])
        return tuple(found)

    def _put(self, layer: Any, sources: tuple) -> int:
        self.layers.append(layer)
        self.weights.append({})
        self.nodes.append((len(self.layers) - 1, sources))
        return self.inputs + len(self.nodes) - 1
