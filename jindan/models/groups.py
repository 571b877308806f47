"""GroupView: a model within a model, handled as one of its layers. Its layers are the model's, named "group/layer"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import InputError
from ..layers.base import Layer
from ..layers.graph import Symbol
from ..layers.shared import fill
from ..layers.wiring import Wiring, number_of
from .symbolic import BETWEEN
from .views import LayerView, sealed

if TYPE_CHECKING:
    from .layered import Layered


def free_name(base: str, taken: Iterable[str]) -> str:
    """A name that is not taken: `base`, or with a number from 1 on behind it.

    >>> free_name("dense", []), free_name("dense", ["dense", "dense_1"])
    ('dense', 'dense_2')
    """
    known = set(taken)
    name, count = base, 0
    while name in known:
        count += 1
        name = f"{base}_{count}"
    return name


def heads(layers: Iterable[Layer]) -> set[str]:
    """The names at the top: of layers, and of the models that layers belong to."""
    return {layer.name.partition(BETWEEN)[0] for layer in layers if layer.name is not None}


def views_of(model: Layered, within: str = "") -> list[Any]:
    """The layers of a model, or of a group of it, each group as one: LayerView or GroupView."""
    found: list[Any] = []
    seen: set[str] = set()
    for index, layer in enumerate(model.specs):
        name = layer.name or ""
        if not name.startswith(within):
            continue
        head, between, _ = name[len(within) :].partition(BETWEEN)
        if not between:
            found.append(LayerView(model, index, within))
        elif head not in seen:
            seen.add(head)
            found.append(GroupView(model, within + head))
    return found


def found_in(views: list[Any], name: str | None, index: int | None, everyone: str) -> Any:
    """The view of a name or number; a name may lead into groups, "group/layer".

    Raises:
        InputError: where there is none.
    """
    if name is not None:
        head, _, rest = name.partition(BETWEEN)
        for view in views:
            if view.name == name:
                return view
            if rest and view.name == head and isinstance(view, GroupView):
                return view.get_layer(rest)
    elif index is not None and -len(views) <= index < len(views):
        return views[index]
    raise InputError(
        "The model has no such layer.", expected=everyone, received=name if name is not None else index,
        help="See model.summary().",
    )  # fmt: skip


def take_in(model: Layered, calls: list[Symbol], names: Mapping[int, str]) -> None:
    """Give a model the layers of a graph, by the first call of each: named, and with all they share with others.

    Args:
        model: The model.
        calls: The calls.
        names: What is known of names: `id` of what a layer shares, or of a part, → its name.
    """
    calls = [_given_name(call, names) for call in calls]
    parts = [None if call.within is None else call.within.maker for call in calls]
    named = {call.layer.name for call, part in zip(calls, parts, strict=True) if part is None and call.layer.name}
    groups: dict[int, str] = {}
    for part in parts:
        if part is not None and id(part) not in groups:
            groups[id(part)] = free_name(names.get(id(part), part.name), named | set(groups.values()))
    taken = named | set(groups.values())
    for call, part in zip(calls, parts, strict=True):
        layer = call.layer
        if part is not None and part.named:
            layer = _renamed(layer, (layer.name or "").partition(BETWEEN)[2])
        elif part is None and call.origin is not None and layer.name is not None:
            # A layer of another model brings its name where that is free.
            layer = _renamed(layer, layer.name.rpartition(BETWEEN)[2])
            layer = _renamed(layer, None) if layer.name in heads(model.specs) else layer
        own = model.named_layer(layer, taken, "" if part is None else groups[id(part)])
        model.hold((*model.specs, own), (*model._held, call.maker))


def _given_name(call: Symbol, names: Mapping[int, str]) -> Symbol:
    if call.within is None and call.layer.name is None and id(call.maker) in names:
        call.layer = call.layer.replace(name=names[id(call.maker)])
    return call


def _renamed(layer: Layer, name: str | None) -> Layer:
    return layer if layer.name == name else layer.replace(name=name)


class GroupView:
    """A model within a model: its layers, whether they are trained, and their weights, which are the whole model's.

    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> base = Sequential([Dense(4, input_shape=(3,)), Dense(2)], name="base")
    >>> whole = Sequential([base, Dense(1)])
    >>> [view.name for view in whole.layers], [view.name for view in whole.get_layer("base").layers]
    (['base', 'dense'], ['dense', 'dense_1'])
    >>> whole.get_layer("base").trainable = False
    >>> len(whole.trainable_weights), whole.get_layer("base").model.output_shape
    (2, (None, 2))
    """

    _model: Layered
    _path: str

    def __init__(self, model: Layered, path: str) -> None:
        self.__dict__.update(_model=model, _path=path)

    @property
    def name(self) -> str:
        return self._path.rpartition(BETWEEN)[2]

    @property
    def layers(self) -> list[Any]:
        """Its layers as members of the whole model; models within it are views such as this."""
        return views_of(self._model, self._path + BETWEEN)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """A layer of it by name or number."""
        views = self.layers
        return found_in(views, name, index, ", ".join(view.name for view in views))

    @property
    def trainable(self) -> bool:
        """Whether training changes any of its layers; setting it freezes or frees all."""
        return any(self._model.specs[i].trainable for i in self.members)

    @property
    def input_shape(self) -> Any:
        """Shape of one row it reads; of several values, a tuple of shapes. None before it is known."""
        return self._shapes(0)

    @property
    def output_shape(self) -> Any:
        """Shape of one row it gives; of several values, a tuple of shapes. None before it is known."""
        return self._shapes(1)

    def get_weights(self) -> list[np.ndarray]:
        """Copies of its arrays, layer by layer."""
        weights = self._model.ready_weights()
        return [np.array(w) for i in self.members for w in weights[i].values()]

    def set_weights(self, weights: list[Any]) -> None:
        """Replace its arrays, in the order of `get_weights`.

        Raises:
            ShapeError: when number or shapes differ.
        """
        full = list(self._model.ready_weights())
        names = [(i, name) for i in self.members for name in full[i]]
        own = {f"{self._model.specs[i].name}.{name}": full[i][name] for i, name in names}
        filled = fill(own, list(weights), f"layers of {self._path}")
        for i in self.members:
            full[i] = {name: filled[f"{self._model.specs[i].name}.{name}"] for name in full[i]}
        self._model.put_weights(tuple(full))

    @property
    def weights(self) -> list[np.ndarray]:
        """Copies of its arrays that cannot be written to."""
        return sealed(self.get_weights())

    def count_params(self) -> int:
        """Numbers in its weights."""
        return sum(LayerView(self._model, i).count_params() for i in self.members)

    def count_trained(self) -> int:
        """Numbers in its weights that training changes."""
        return sum(LayerView(self._model, i).count_trained() for i in self.members)

    @property
    def sources(self) -> list[Any]:
        """What its layers read from outside, as sources of the whole model's graph, where it is called first."""
        return self._first_call()[1]

    @property
    def output(self) -> Any:
        """What it gives, as values of a graph: `Model(model.inputs, model.get_layer("base").output)`."""
        _, _, ends, _ = self._first_call()
        given, start = self._model.symbols()[1], self._model.graph.inputs
        layers = [self._model.graph.nodes[number_of(end) - start][0] for end in ends]
        found = [given[i][end[1]] if isinstance(end, tuple) else given[i] for i, end in zip(layers, ends, strict=True)]
        return found[0] if len(found) == 1 else found

    @property
    def model(self) -> Any:
        """A model of its own that has these layers together with this one: to predict with, to save, to build on.

        Raises:
            InputError: when it reads several values, which have no order here, or is called on what it gave itself.
        """
        from .model import Model

        nodes, sources, ends, plain = self._first_call()
        if len(sources) != 1 or not plain:
            raise InputError(
                "A model within a model is taken out by itself where it reads one value, once or several apart.",
                where=self._path, expected="one input",
                received=f"{len(sources)} inputs" if plain else "layers that read what they gave themselves",
                help="Keep the model that it was made from.",
            )  # fmt: skip
        members, graph = self.members, self._model.graph
        places = {node: 1 + k for k, node in enumerate(nodes)}

        def moved(source: Any) -> Any:
            number = number_of(source)
            if source == sources[0] or number - graph.inputs not in places:
                return 0
            value = places[number - graph.inputs]
            return (value, source[1]) if isinstance(source, tuple) else value

        wiring = Wiring(
            nodes=tuple((members.index(graph.nodes[n][0]), tuple(map(moved, graph.nodes[n][1]))) for n in nodes),
            outputs=tuple(map(moved, ends)),
        )
        skip = len(self._path) + 1
        specs = tuple(s.replace(name=(s.name or "")[skip:]) for s in (self._model.specs[i] for i in members))
        made = Model.assembled(specs, wiring, self.name, self._model._float())
        made.input_shape = self.input_shape
        made.hold(specs, tuple(self._model._held[i] for i in members))
        return made

    def __call__(self, x: Any, **named: Any) -> Any:
        """As the model of its own that it is: outputs for rows, or its layers on values of another graph."""
        known = self.__dict__.get("_own")
        if known is None or known[0] is not self._model._held:
            known = self.__dict__["_own"] = (self._model._held, self.model)  # called again, it is the same part
        return known[1](x, **named)

    def predict(self, x: Any, **named: Any) -> Any:
        """Its outputs for rows that it reads."""
        return self(x) if not named else self.model.predict(x, **named)

    def summary(self, **named: Any) -> None:
        """Print its layers, as `model.summary()` does."""
        self.model.summary(**named)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "trainable":
            raise AttributeError(f"{name} of a model within a model cannot be set; trainable can, and its layers.")
        self._model.set_trainable(self.members, bool(value))

    def __repr__(self) -> str:
        return f"<{self._path!r} of {self._model.name!r}, {len(self.members)} layers>"

    # -- where it stands -----------------------------------------------------------------------------------------

    @property
    def members(self) -> list[int]:
        """The numbers of its layers in the whole model."""
        start = self._path + BETWEEN
        return [i for i, spec in enumerate(self._model.specs) if (spec.name or "").startswith(start)]

    def _shapes(self, side: int) -> Any:
        network = self._model.network
        if network is None:
            return None
        _, sources, ends, _ = self._first_call()
        found = tuple(network.shape_at(source) for source in (sources, ends)[side])
        return found[0] if len(found) == 1 else found

    def _first_call(self) -> tuple[list[int], list[Any], list[Any], bool]:
        """The nodes of its first call, what these read outside, what of theirs is read there; whether it is clear."""
        graph, members = self._model.graph, set(self.members)
        nodes = [n for n, (layer, _) in enumerate(graph.nodes) if layer in members]
        order = [graph.nodes[n][0] for n in nodes]
        plain = True
        period = next(p for p in range(1, len(order) + 1) if order == order[:p] * (len(order) // p))
        if period < len(order):
            # Called several times, on different values; or a layer of it stands in several places.
            blocks = [nodes[k : k + period] for k in range(0, len(nodes), period)]
            block_of = {node: b for b, block in enumerate(blocks) for node in block}
            crossing = any(
                block_of.get(number_of(source) - graph.inputs, b) != b
                for node, b in block_of.items()
                for source in graph.nodes[node][1]
            )
            plain = not crossing
            nodes = blocks[0] if plain else nodes
        own = {n + graph.inputs for n in nodes}
        read = [source for n in nodes for source in graph.nodes[n][1]]
        sources = list(dict.fromkeys(source for source in read if number_of(source) not in own))
        outside = [s for n, (_, given) in enumerate(graph.nodes) if n + graph.inputs not in own for s in given]
        ends = sorted({s for s in (*outside, *graph.outputs) if number_of(s) in own}, key=_place)
        return nodes, sources, ends, plain


def _place(source: Any) -> tuple[int, int]:
    return source if isinstance(source, tuple) else (source, -1)
