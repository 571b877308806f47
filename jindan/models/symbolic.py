"""Symbolic: a model as values of a graph, to go on from, or as a part of other models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from ..layers.core import Input
from ..layers.graph import Symbol, connect, symbol_of
from ..layers.reading import Called, Part
from ..layers.shared import Shared
from ..layers.wiring import Wiring, stack_of, take

BETWEEN = "/"
"""What stands between the name of a model within another and the name of a layer of it."""


class Symbolic:
    """Layers and how they are connected, as values of a graph."""

    name: str
    specs: Any
    _held: tuple[Shared, ...]
    wiring: Wiring | None
    input_shape: Any
    _keys: tuple[str, ...] | None = None  # of outputs that are a dict

    @property
    def graph(self) -> Wiring:
        """How the layers are connected."""
        return stack_of(len(self.specs)) if self.wiring is None else self.wiring

    def symbols(self) -> tuple[list[Symbol], list[Any], list[Any]]:
        """The model as values of a graph: its inputs, what each layer gives, its outputs."""
        key = (self.specs, self._held, self.wiring, self.input_shape)
        if self.__dict__.get("_symbols", (None,))[0] != key:
            self._need_shape()
            shapes = (self.input_shape,) if self.graph.inputs == 1 else self.input_shape
            inputs = [symbol_of(Input(tuple(shape)), self.name) for shape in shapes]
            self._symbols = (key, (inputs, *self._on(inputs)))
        return self._symbols[1]

    @property
    def inputs(self) -> list[Symbol]:
        """The model's inputs, for a graph that begins with them."""
        return self.symbols()[0]

    @property
    def outputs(self) -> list[Symbol]:
        """What the model gives, for a graph that goes on from it."""
        return self.symbols()[2]

    @property
    def output(self) -> Any:
        """What the model gives: one value, or several as a list or dict, as it was made."""
        return self._returned(self.outputs if len(self.outputs) > 1 else self.outputs[0])

    @property
    def input(self) -> Any:
        """What the model reads: one value, or several as a list."""
        return self.inputs if len(self.inputs) > 1 else self.inputs[0]

    def _keyed(self, inputs: Any, outputs: Any) -> None:
        """Call inputs and outputs by their keys, where they are dicts; outputs are a dict from now on."""
        wiring: Any = self.wiring
        names, n = list(wiring.names), wiring.inputs
        if isinstance(inputs, Mapping):
            names[:n] = map(str, inputs)
        if isinstance(outputs, Mapping):
            self._keys = tuple(map(str, outputs))
            names[n:] = self._keys
        self.wiring = wiring.replace(names=tuple(names))

    def _returned(self, found: Any) -> Any:
        """Outputs as the model was made to give them: by their names, where that is a dict."""
        if self._keys is None:
            return found
        return dict(zip(self._keys, found if len(self._keys) > 1 else [found], strict=True))

    def as_part(self, values: list[Any], training: bool | None = None) -> list[Any]:
        """What the model gives for values of a graph, where it stands as one layer."""
        return self._on(values, training, self.part)[1]

    @property
    def part(self) -> Part:
        """What it is in the models that it stands in, the same however often it is called there."""
        if self.__dict__.get("_part", (None,))[0] is not self._held:
            self._part = (self._held, Part(self.name, held=self._held))
        return self._part[1]

    def _on(self, values: list[Any], training: bool | None = None, part: Part | None = None) -> tuple[list, list]:
        """The model's layers, with their weights, on values of a graph: what each layer gives, and the outputs."""
        graph = self.graph
        if len(values) != graph.inputs:
            raise InputError(
                "The model has another number of inputs.", where=self.name, expected=f"{graph.inputs} values",
                received=f"{len(values)}", help="model([a, b]) gives them in the order of its inputs.",
            )  # fmt: skip
        found: list[Any] = list(values)
        call = None if part is None else Called(part, values)
        within: dict[str, Part] = {}
        for index, sources in graph.nodes:
            head, between, _ = (self.specs[index].name or "").partition(BETWEEN)
            if part is None and not between:
                call = None
            elif part is None and (call is None or call.maker is not within.get(head)):
                call = Called(within.setdefault(head, Part(head, named=True)))
            given = [take(found, source) for source in sources]
            value = connect(self.specs[index], given, origin=self._held[index], training=training)
            found.append(value if call is None else call.take(value))
        first: dict[int, Any] = {}
        for (index, _), value in zip(graph.nodes, found[graph.inputs :], strict=True):
            first.setdefault(index, value)
        return [first[i] for i in range(len(self.specs))], [take(found, source) for source in graph.outputs]

    def _need_shape(self) -> Any:
        raise NotImplementedError
