"""Sequential: layers one on another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import InputError
from ..layers.base import Layer
from ..layers.core import Input
from ..layers.wiring import Wiring, number_of, stack_of
from ..spec import get
from .groups import GroupView, free_name, heads, lend
from .layered import Layered
from .model import Model
from .symbolic import BETWEEN
from .views import LayerView


class Sequential(Model):
    """A stack of layers.

    >>> import numpy as np
    >>> from jindan.layers import Dense
    >>> model = Sequential([Dense(8, activation="relu", input_shape=(2,)), Dense(1, activation="sigmoid")])
    >>> model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> history = model.fit(X, y, epochs=300, batch_size=4, seed=0)
    >>> len(history.history["loss"]), model.predict(X).shape
    (300, (4, 1))

    Args:
        layers: Layers from input to output, or models of one input and output, which stand there as layers do, with
            copies of their weights; an `Input` gives the shape of a row and is no layer of its own.
        name: For people.
        dtype: "float32" or "float64"; None is float64 where JAX was told to use it (`jax_enable_x64`).
    """

    _taken: frozenset[str] = frozenset()

    def __init__(
        self, layers: Iterable[Any] | None = None, name: str = "sequential", *, dtype: str | None = None
    ) -> None:
        Layered.__init__(self, name, dtype)
        given = list(layers or ())
        self._taken = frozenset(layer.name for layer in given if isinstance(layer, Layer) and layer.name is not None)
        for layer in given:
            self.add(layer)
        self._taken = frozenset()

    def add(self, layer: Any) -> None:
        """Put a layer on top, or a model, which stands there as one. Weights they have are kept."""
        if isinstance(layer, GroupView):
            layer = layer.model
        if isinstance(layer, Layered):
            self._add_model(layer)
            return
        view = layer if isinstance(layer, LayerView) else None
        if view is not None:
            # A name it was given by another model need not be kept.
            name = view.name.rpartition(BETWEEN)[2]
            layer = view.spec.replace(name=None if name in heads(self.specs) else name)
        layer = get("layer", layer, where=f"layer {len(self.specs) + 1}")
        if not isinstance(layer, Layer):
            raise InputError(
                "This is not a layer.", where=f"layer {len(self.specs) + 1}", expected="a layer such as Dense(30)",
                received=repr(layer), help="Put functions into Activation(function).",
            )  # fmt: skip
        if layer.input_shape is not None and not self.specs and None not in layer.input_shape:
            self.input_shape = tuple(layer.input_shape)
        if isinstance(layer, Input):
            if self.specs:
                raise InputError(
                    "Input belongs at the bottom of the stack.", where=f"layer {len(self.specs) + 1}",
                    expected="Input before every other layer", received="Input", help="Remove it.",
                )  # fmt: skip
            return
        layer = self.named_layer(layer, self._taken)
        if view is not None:
            lend(self, layer, view)
        self._put((layer,), stack_of(1))

    def _add_model(self, model: Layered) -> None:
        graph = model.graph
        if graph.inputs != 1 or len(graph.outputs) != 1:
            raise InputError(
                "A layer of a stack has one input and one output.", where=f"layer {len(self.specs) + 1}",
                expected="a model that reads one value and gives one",
                received=f"{model.name!r}: {graph.inputs} inputs, {len(graph.outputs)} outputs",
                help="In a functional Model it is called: y = model([a, b]).",
            )  # fmt: skip
        if not self.specs and model.input_shape is not None:
            self.input_shape = tuple(model.input_shape)
        within, layers = free_name(model.name, heads(self.specs) | self._taken), []
        for view in model.all_layers:
            layers.append(self.named_layer(view.spec, within=within))
            lend(self, layers[-1], view)
        self._put(tuple(layers), graph)

    def _put(self, layers: tuple[Layer, ...], graph: Wiring) -> None:
        """Layers with their wiring on top of all others."""
        below, count, plain = self.graph, len(self.specs), stack_of(len(layers))
        values = 1 + len(below.nodes)
        self.specs = (*self.specs, *layers)
        if self.wiring is None and (graph.nodes, graph.outputs) == (plain.nodes, plain.outputs):
            self._changed()
            return

        def moved(source: Any) -> Any:
            if isinstance(source, tuple):
                return (moved(source[0]), source[1])
            return below.outputs[0] if source == 0 else source + values - 1

        nodes = tuple((count + index, tuple(map(moved, sources))) for index, sources in graph.nodes)
        self.wiring = Wiring(nodes=(*below.nodes, *nodes), outputs=(moved(graph.outputs[0]),))
        self._changed()

    def pop(self) -> None:
        """Take the top layer off; a model that stands there, whole."""
        graph, gone = self.graph, self.specs[-1:]
        if gone and BETWEEN in (gone[0].name or ""):
            before = (gone[0].name or "").partition(BETWEEN)[0] + BETWEEN
            gone = tuple(spec for spec in self.specs if (spec.name or "").startswith(before))
        left = len(self.specs) - len(gone)
        nodes = tuple(node for node in graph.nodes if node[0] < left)
        read = [source for index, sources in graph.nodes if index >= left for source in sources]
        under = next((source for source in read if number_of(source) <= len(nodes)), 0)
        whole = Wiring(nodes=nodes, outputs=(under,))
        self.specs = self.specs[:left]
        self.wiring = None if whole == stack_of(left) else whole
        self._changed()

    def __repr__(self) -> str:
        return f"Sequential({', '.join(repr(spec) for spec in self.specs)})"
