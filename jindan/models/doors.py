"""Doors: inputs of a model that take strings, by the layers that make numbers of them before the compiled program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..layers.base import Layer
from ..layers.strings import OfStrings, are_strings, refuse_inside
from ..layers.wiring import Wiring


def readers(layers: Iterable[Layer], graph: Wiring) -> tuple[OfStrings | None, ...]:
    """For each input, the layer that reads its strings; None where an input is of numbers.

    Raises:
        InputError: when such a layer reads what others give, or shares its input.
    """
    layers, found = tuple(layers), [None] * graph.inputs
    if not any(isinstance(layer, OfStrings) for layer in layers):
        return tuple(found)
    read: dict[Any, set[int]] = {}
    for index, sources in graph.nodes:
        for source in sources:
            read.setdefault(source, set()).add(index)
    for source, indices in read.items():
        for index in indices:
            layer = layers[index]
            if isinstance(layer, OfStrings):
                if len(indices) > 1 or not isinstance(source, int) or source >= graph.inputs:
                    raise refuse_inside(layer)
                found[source] = layer  # type: ignore[call-overload]
    return tuple(found)


def entered(given: Any, doors: tuple[OfStrings | None, ...]) -> Any:
    """What users gave for the inputs, an array or a tuple of several, with numbers in the place of strings."""
    if not any(doors):
        return given
    if len(doors) == 1:
        return _numbers(given, doors[0])
    if not isinstance(given, tuple) or len(given) != len(doors):
        return given  # told by those who look at shapes
    return tuple(_numbers(part, door) for part, door in zip(given, doors, strict=True))


def _numbers(given: Any, door: OfStrings | None) -> Any:
    none = isinstance(given, list) and not given
    return given if door is None or not (none or are_strings(given)) else door.read(given)


def rows_entered(shape: Any, doors: tuple[OfStrings | None, ...]) -> Any:
    """The shape of a row, or a tuple of several, with that of numbers in the place of strings; None where unknown."""
    if shape is None or not any(doors):
        return shape
    many = len(doors) > 1
    found = tuple(
        form if door is None else door.row_read(form)
        for form, door in zip(shape if many else (shape,), doors, strict=True)
    )
    return None if None in found else found if many else found[0]
