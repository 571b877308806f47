"""Nested: several layers, one on another or connected as a graph, as one layer that others can hold."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

from ..errors import InputError
from ..spec import item
from .base import Array, Context, Layer, Shape, Weight
from .inner import inner_apply
from .network import Network
from .wiring import Wiring, mask_at, number_of, stack_of, take


class Nested(Layer):
    """Layers as one layer of one input and one output, as Keras's Pipeline; what `TimeDistributed(model)` holds.

    Weights: those of the layers under "0.", "1.", ….

    Args:
        layers: The layers.
        graph: How they are connected, a Wiring; None is one on another.

    Raises:
        InputError: when there are no layers, or the graph has several inputs or outputs.
        ShapeError: when a layer cannot take what it reads.

    >>> from jindan.layers import Dense, Flatten
    >>> Nested([Flatten(), Dense(3)]).output_shape((2, 4)), list(Nested([Flatten(), Dense(3)]).weights((2, 4)))
    ((3,), ['1.kernel', '1.bias'])
    """

    aliases = ("Pipeline",)
    full_precision = True  # each layer inside casts its own
    draws_on_arrays = True
    streams = False  # type: ignore[assignment]
    layers: Any = item(kind="layer*")
    graph: Any = item(default=None, kind="wiring")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.layers:
            raise InputError(
                "A layer that holds others needs some.", where="layers of Nested", expected="one layer or more",
                received="none", help="A model by subclassing has its layers once it was built, or called.",
            )  # fmt: skip
        if self._graph.inputs != 1 or len(self._graph.outputs) != 1:
            raise InputError(
                "A layer inside another has one input and one output.", where="Nested",
                expected="a model that reads one value and gives one",
                received=f"{self._graph.inputs} inputs, {len(self._graph.outputs)} outputs",
                help="Concatenate joins several values before they go in.",
            )  # fmt: skip

    @property
    def _graph(self) -> Wiring:
        return stack_of(len(self.layers)) if self.graph is None else self.graph

    def _network(self, shape: Shape) -> Network:
        return Network(self.layers, shape, self.graph)

    @property
    def passes_mask(self) -> bool:  # type: ignore[override]
        """Whether its output has the mask of its input: where all its layers, one on another, pass theirs on."""
        plain = stack_of(len(self.layers))
        stack = (self._graph.nodes, self._graph.outputs) == (plain.nodes, plain.outputs)
        return stack and all(layer.passes_mask for layer in self.layers)

    @property
    def random(self) -> bool:
        return any(layer.random for layer in self.layers)

    @property
    def couples(self) -> bool:  # type: ignore[override]
        """Whether a layer inside does."""
        return any(layer.couples for layer in self.layers)

    @property
    def splits(self) -> bool:  # type: ignore[override]
        """Whether a layer inside does."""
        return any(layer.splits for layer in self.layers)

    @property
    def takes_integers(self) -> bool:  # type: ignore[override]
        """Whether integer inputs stay integers: where all layers that read them take them so."""
        first = self._first
        return bool(first) and all(layer.takes_integers for layer in first)

    @property
    def exact_inputs(self) -> bool:  # type: ignore[override]
        """Whether a layer that reads its input gets it uncast."""
        return any(layer.exact_inputs for layer in self._first)

    @property
    def input_dim_of_ids(self) -> int | None:
        known = [layer.input_dim_of_ids for layer in self._first]
        return min((number for number in known if number is not None), default=None)

    @property
    def _first(self) -> list[Layer]:
        """The layers that read its input."""
        return [self.layers[index] for index, sources in self._graph.nodes if 0 in map(number_of, sources)]

    def output_shape(self, shape: Shape) -> Shape:
        return self._network(shape).output_shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        found: dict[str, Weight] = {}
        for place, (layer, form) in enumerate(zip(self.layers, self._network(shape).shapes_in, strict=True)):
            own = {f"{place}.{name}": weight for name, weight in layer.weights(form).items()}
            found |= own if layer.trainable else {n: replace(weight, trainable=False) for n, weight in own.items()}
        return found

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        values, masks = [x], [ctx.mask]
        for place, (index, sources) in enumerate(self._graph.nodes):
            layer = self.layers[index]
            given, known = [take(values, source) for source in sources], [mask_at(masks, source) for source in sources]
            value: Any = given if layer.many else given[0]
            mask: Any = known if layer.many else known[0]
            values.append(inner_apply(layer, w, value, replace(ctx, mask=mask), place, f"{index}."))
            masks.append(layer.mask_of(value, mask))
        return take(values, self._graph.outputs[0])

    def flops(self, shape: Shape) -> int:
        return self._network(shape).flops()

    def keeps(self, shape: Shape) -> int:
        network = self._network(shape)
        return network.keeps() + 2 * sum(map(_numbers, network.shapes))


def _numbers(form: Any) -> int:
    """Numbers in rows of a shape, or of several."""
    return sum(map(_numbers, form)) if form and isinstance(form[0], tuple) else math.prod(form)
