"""A `call` that branches on `training`: traced for both, what is alike in both computed once, the ends chosen among."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from .base import Layer
from .core import Input
from .graph import Symbol, connect
from .operations import InTraining


class Training:
    """`training` as a `call` gets it while it runs on values of a graph: known to layers, to Python only where settled.

    Args:
        settled: What it is in Python's branches; None: they are told that it is not known.
    """

    in_graph = True

    def __init__(self, settled: bool | None = None) -> None:
        self.settled = settled

    def __bool__(self) -> bool:
        if self.settled is None:
            raise Unsettled(
                "Whether a model trains is not known when its `call` runs.", where="training",
                expected="layers that are given it, self.drop(x, training=training)", received="a branch on it",
            )  # fmt: skip
        return self.settled


class Unsettled(InputError):
    """Python asked for `training`."""


def chosen(training: list[Any], inference: list[Any]) -> list[Any]:
    """For each output one value that is the first's while training and the second's at inference."""
    canon: dict[int, Symbol] = {}
    makers = set()
    waiting: dict[Any, list[Symbol]] = {}
    for call in _calls(training):
        makers.add(id(call.maker))
        waiting.setdefault(_key(call, canon), []).append(call)
    for call in _calls(inference):
        alike = waiting.get(_key(call, canon))
        if alike:
            canon[id(call)] = alike.pop(0)
            continue
        call.sources = tuple(_settled(source, canon) for source in call.sources)
        if id(call.maker) not in makers:
            call.layer = call.layer.replace(inference=True)  # in training it computes for nothing, and changes nothing
    ends = [(one, _settled(other, canon)) for one, other in zip(training, inference, strict=True)]
    return [one if _same(one, other) else connect(InTraining(), [one, other]) for one, other in ends]


def _settled(symbol: Symbol, canon: dict[int, Symbol]) -> Symbol:
    """The value that stands for it in both graphs."""
    if symbol.pick is None:
        return canon.get(id(symbol), symbol)
    symbol.call = canon.get(id(symbol.call), symbol.call)
    return symbol


def _same(one: Symbol, other: Symbol) -> bool:
    return one is other or (one.pick is not None and one.pick == other.pick and one.call is other.call)


def _key(call: Symbol, canon: dict[int, Symbol]) -> tuple:
    """What two calls have in common that compute the same."""
    if isinstance(call.layer, Input):
        return (id(call),)
    alike = type(call.layer).weights is Layer.weights and not call.layer.random
    sources = (_settled(source, canon) for source in call.sources)
    return (None if alike else id(call.maker), call.layer, *((id(s.call), s.pick) for s in sources))


def _calls(ends: list[Any]) -> list[Symbol]:
    """Every call behind values of a graph, each after its sources."""
    found: dict[int, Symbol] = {}
    waiting = [end.call for end in reversed(ends)]
    while waiting:
        call = waiting[-1]
        missing = [s.call for s in call.sources if id(s.call) not in found]
        if id(call) not in found and missing:
            waiting.extend(reversed(missing))
            continue
        waiting.pop()
        found.setdefault(id(call), call)
    return list(found.values())
