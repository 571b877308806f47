"""Sequential: layers one on another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import InputError, StateError
from ..layers.base import Layer
from ..layers.core import Input
from ..layers.shared import Shared, shared_of
from ..layers.wiring import Wiring, number_of, stack_of
from ..spec import get
from .doors import readers, rows_entered
from .groups import GroupView, free_name, heads
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
        layers: Layers from input to output, or models of one input and output, which stand there as layers do; an
            `Input` gives the shape of a row and is no layer of its own. A layer or model has one set of weights in all
            models that it stands in.
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
        """Put a layer on top, or a model, which stands there as one. Their weights are those of all models they are in.

        Raises:
            InputError: when it is none, stands here already, or its name does.
            ShapeError: when it has weights that do not fit here.
            StateError: when it is a model by subclassing and no shape is known that it could be built by.
        """
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
        if layer.input_shape is not None and not self.specs:
            if None in layer.input_shape:
                self._open = (tuple(layer.input_shape),)
            else:
                self.input_shape = tuple(layer.input_shape)
        if isinstance(layer, Input):
            if self.specs:
                raise InputError(
                    "Input belongs at the bottom of the stack.", where=f"layer {len(self.specs) + 1}",
                    expected="Input before every other layer", received="Input", help="Remove it.",
                )  # fmt: skip
            return
        shared = shared_of(layer) if view is None else view.shared
        self._put((self.named_layer(layer, self._taken),), (shared,), stack_of(1))
        if len(self.specs) == 1:
            self.input_shape = rows_entered(self.input_shape, readers(self.specs, self.graph))

    def _add_model(self, model: Layered) -> None:
        if isinstance(model, Model) and model._untraced:
            self._trace_on_top(model)
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
        within = free_name(model.name, heads(self.specs) | self._taken)
        self._put(tuple(self.named_layer(spec, within=within) for spec in model.specs), model._held, graph)

    def _trace_on_top(self, model: Model) -> None:
        """Let a model by subclassing know the rows that it is to read here."""
        network = self.network if self.specs else None
        row = self.input_shape if not self.specs else None if network is None else network.output_shapes[0]
        if row is None:
            raise StateError(
                "A model whose `call` is yet to be traced needs to know its rows.",
                where=f"layer {len(self.specs) + 1}", expected="an Input at the bottom, or a model that was built",
                received=model.name,
                help=f"Sequential([Input((4,)), …]) for four columns, or {model.name}.build((None, 4)) before.",
            )  # fmt: skip
        model.build((None, *row))

    def _put(self, layers: tuple[Layer, ...], held: tuple[Shared, ...], graph: Wiring) -> None:
        """Layers with their wiring on top of all others."""
        held = tuple(self._once(*pair) for pair in zip(layers, held, strict=True))
        below, count, plain = self.graph, len(self.specs), stack_of(len(layers))
        values = 1 + len(below.nodes)

        def moved(source: Any) -> Any:
            if isinstance(source, tuple):
                return (moved(source[0]), source[1])
            return below.outputs[0] if source == 0 else source + values - 1

        nodes = tuple((count + index, tuple(map(moved, sources))) for index, sources in graph.nodes)
        if self.wiring is not None or (graph.nodes, graph.outputs) != (plain.nodes, plain.outputs):
            self.wiring = Wiring(nodes=(*below.nodes, *nodes), outputs=(moved(graph.outputs[0]),))
        self.hold((*self.specs, *layers), (*self._held, *held))
        self._run = None

    def _once(self, layer: Layer, shared: Shared) -> Shared:
        """What a layer shares; one without weights may stand here several times, as several layers."""
        if shared not in self._held:
            return shared
        if type(layer).weights is Layer.weights:
            return Shared(layer)
        raise InputError(
            "A layer stands in a stack once.", where=f"{type(layer).__name__} in {self.name!r}",
            expected="a layer of its own for each place", received="the same object again",
            help="Make a second layer; what is to share its weights is called twice in a functional Model.",
        )  # fmt: skip

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
        self.wiring = None if whole == stack_of(left) else whole
        self.hold(self.specs[:left], self._held[:left])
        self._run = None

    def __repr__(self) -> str:
        return f"Sequential({', '.join(repr(spec) for spec in self.specs)})"
