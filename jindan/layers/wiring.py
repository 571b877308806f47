"""Wiring: how layers are connected where they are not simply one on another."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from ..errors import InputError
from ..spec import COUNT, Spec, item


class _Wired(Spec, kind="wiring"):
    """The kind a wiring is looked up under."""


class Wiring(_Wired):
    """A directed graph of layers without circles.

    Values are numbered: first the inputs, then what each node gives, in the order of the nodes. A source is the number
    of a value, or (number, k) for the k-th of several outputs of one node.

    Attributes:
        nodes: (number of the layer, its sources), each after all of its sources. A layer may stand in several nodes
            and then has one set of weights.
        outputs: The sources that are the network's outputs.
        inputs: How many inputs there are.
        names: A name for each input and then for each output, for people; or ().

    >>> Wiring(nodes=((0, (0,)), (1, (1, 0))), outputs=(2,)).inputs
    1
    """

    nodes: Any = item(default=())
    outputs: Any = item(default=())
    inputs: int = item(default=1, rule=COUNT)
    names: Any = item(default=(), host=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "nodes", tuple((int(layer), _sources(found)) for layer, found in self.nodes))
        object.__setattr__(self, "outputs", _sources(self.outputs))
        object.__setattr__(self, "names", tuple(self.names or ()))
        for number, (_, sources) in enumerate(self.nodes):
            for source in sources:
                if not 0 <= number_of(source) < self.inputs + number:
                    raise InputError(
                        "A node of the graph comes before its source.", where=f"node {number + 1} of the wiring",
                        expected=f"sources below {self.inputs + number}", received=source,
                    )  # fmt: skip


def number_of(source: Any) -> int:
    """The number of the value a source is (a part of)."""
    return source[0] if isinstance(source, tuple) else source


def take(values: Any, source: Any) -> Any:
    """What a source stands for among the values."""
    return values[source[0]][source[1]] if isinstance(source, tuple) else values[source]


def mask_at(masks: Any, source: Any) -> Any:
    """The mask of what a source stands for; a layer of several outputs may give a mask for each."""
    found = masks[number_of(source)]
    if not isinstance(found, tuple):
        return found
    return found[source[1] if isinstance(source, tuple) else 0]


@lru_cache(maxsize=256)
def stack_of(layers: int) -> Wiring:
    """Layers one on another."""
    return Wiring(nodes=tuple((i, (i,)) for i in range(layers)), outputs=(layers,))


def _sources(found: Any) -> tuple:
    return tuple((int(s[0]), int(s[1])) if isinstance(s, (tuple, list)) else int(s) for s in found)
