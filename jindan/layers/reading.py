"""How a Model reads a graph: the layers between its inputs and outputs in Keras's order, and how they are wired."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import InputError
from .base import Layer
from .core import Input
from .graph import Symbol
from .masks import FixedMask, WithMask
from .shared import Shared
from .wiring import Wiring


class Part:
    """What a model is within others: one set of layers under one name, however often it is called.

    Attributes:
        name: The model's.
        named: Whether its layers' names say already that they belong to it, as "name/dense" does.
        held: What each of its layers shares, in its order.
    """

    def __init__(self, name: str, named: bool = False, held: tuple[Shared, ...] = ()) -> None:
        self.name, self.named, self.held = name, named, held

    def order(self, shared: Shared, other: int) -> int:
        """The place of a layer in it; `other` where that is not known."""
        return self.held.index(shared) if shared in self.held else other


class Called:
    """One call of a model on values of a graph, which stands there as one layer would.

    Attributes:
        maker: The model as a part.
        sources: What it was called on.
        given: What each of its layers gives, in the model's own order.
    """

    def __init__(self, part: Part, sources: Iterable[Symbol] = ()) -> None:
        self.maker, self.sources = part, list(sources)
        self.given: list[Symbol] = []

    def take(self, value: Any) -> Any:
        """Note what one of the layers gives, and what it reads from outside; returns it."""
        several = value if isinstance(value, list) else [value]
        for symbol in several:
            symbol.within = symbol.call.within = self
        call = several[0].call
        self.given.append(call)
        self.sources += [s for s in call.sources if s.within is not self and not any(s is k for k in self.sources)]
        return value


def read(inputs: list[Symbol], outputs: list[Symbol]) -> tuple[list[Symbol], Wiring]:
    """The layers between inputs and outputs in an order in which they can be computed, and their wiring.

    The order is Keras's, so that weights can go over: by depth, counted from the outputs, the deepest first; where it
    is equal, by the order in which a walk from the outputs back to the inputs, first sources first, comes to them. A
    model that was called counts as one layer, and its own stand together.

    Returns:
        (the first call of each layer, wiring).

    Raises:
        InputError: when an output hangs on an input that is not listed.
    """
    number: dict[int, int] = {id(symbol): i for i, symbol in enumerate(inputs)}
    units, needed = _by_depth(_walked(number, outputs)), _needed(number, outputs)
    every = [symbol for unit in units for symbol in (unit.given if isinstance(unit, Called) else [unit])]
    places: dict[int, int] = {}
    layers: list[Layer] = []
    calls: list[Symbol] = []
    nodes: list[tuple[int, tuple]] = []

    def source(symbol: Symbol) -> Any:
        if id(symbol) in number or symbol.pick is None:
            return number[id(symbol)]
        return number[id(symbol.call)], symbol.pick

    for symbol in every:
        if id(symbol) not in needed:
            continue
        place, layer = places.setdefault(id(symbol.maker), len(layers)), symbol.maker.on(symbol.layer)
        if place == len(layers):
            layers.append(layer)
            calls.append(symbol)
        elif layers[place] != layer.replace(name=layers[place].name):
            raise InputError(
                "A layer is used twice with different settings of the call.", where=type(symbol.layer).__name__,
                expected=repr(layers[place]), received=repr(layer), help="Make two layers of it.",
            )  # fmt: skip
        number[id(symbol)] = len(inputs) + len(nodes)
        nodes.append((place, tuple(source(s) for s in symbol.sources)))
    wiring = Wiring(nodes=tuple(nodes), outputs=tuple(source(s) for s in outputs), inputs=len(inputs))
    return calls, wiring


def _unit(symbol: Symbol) -> Any:
    """What stands in the graph for a value: the call of the model it comes from, or that of its layer."""
    return symbol.call if symbol.within is None else symbol.within


def _needed(known: dict[int, int], outputs: list[Symbol]) -> set[int]:
    """The calls of layers that the outputs are made by."""
    found: set[int] = set()
    waiting = list(outputs)
    while waiting:
        symbol = waiting.pop()
        if id(symbol) not in known and id(symbol.call) not in found:
            found.add(id(symbol.call))
            waiting.extend(symbol.sources)
    return found


def _walked(known: dict[int, int], outputs: list[Symbol]) -> list[Any]:
    """Every call from the inputs to the outputs, each after its sources; first sources first."""
    found: list[Any] = []
    done: set[int] = set()
    for end in outputs:
        waiting = [_unit(end)] if id(end) not in known else []
        while waiting:
            unit = waiting[-1]
            before = [_unit(s) for s in unit.sources if id(s) not in known]
            missing = [other for other in before if id(other) not in done]
            if id(unit) not in done and missing:
                waiting.extend(reversed(missing))
                continue
            waiting.pop()
            if id(unit) in done:
                continue
            done.add(id(unit))
            found.append(unit)
            if isinstance(unit, Symbol) and isinstance(unit.layer, Input):
                raise InputError(
                    "An output hangs on an Input that the model was not given.", where="Model",
                    expected="every Input the outputs are made from, in inputs=", received=repr(unit.layer),
                    help="Model(inputs=[a, b], outputs=y).",
                )  # fmt: skip
    return found


def _by_depth(found: list[Any]) -> list[Any]:
    """Calls sorted as Keras does: a layer's depth is its longest way to an output."""
    depth: dict[int, int] = {}
    for unit in reversed(found):
        depth[id(unit)] = max(depth.get(id(unit), 0), depth.get(id(unit.maker), 0))
        depth[id(unit.maker)] = depth[id(unit)]
        # A mask given in a call is no layer in Keras.
        step = 0 if isinstance(unit, Symbol) and isinstance(unit.layer, (FixedMask, WithMask)) else 1
        for source in unit.sources:
            below = id(_unit(source))
            depth[below] = max(depth.get(below, 0), depth[id(unit)] + step)
    return sorted(found, key=lambda unit: -depth[id(unit)])
