"""wire: a graph between inputs and outputs becomes a model's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..layers.graph import Symbol, shape_of
from ..layers.reading import read
from ..layers.wiring import Wiring, number_of
from .doors import readers, rows_entered
from .groups import take_in
from .symbolic import BETWEEN


def wire(model: Any, values: list[Symbol], found: list[Symbol], names: dict[int, str] | None = None) -> None:
    """Give a model the layers between inputs and outputs.

    Args:
        model: The model, which has none.
        values: The inputs.
        found: The outputs.
        names: `id` of what a layer shares, or of the part that a model is, → its name; layers stand in this order.
    """
    calls, wiring = read(values, found)
    if names is not None:
        calls, wiring = arranged(calls, wiring, names)
    take_in(model, calls, names or {})
    ports = [value.layer.name or f"input_{i}" for i, value in enumerate(values)]
    ports += _apart([_output_name(model, source, wiring) for source in wiring.outputs])
    model.wiring = wiring.replace(names=tuple(ports))
    shapes = [shape_of(value) for value in values]
    if all(shape is not None for shape in shapes):
        told = shapes[0] if len(shapes) == 1 else tuple(shapes)
        model.input_shape = rows_entered(told, readers(model.specs, model.graph))
    else:
        model._open = tuple(tuple(value.layer.shape) for value in values)  # type: ignore[attr-defined]
    if model.input_shape is not None:
        _ = model.network.shapes  # refused now rather than at the first fit
        model._fit()


def _output_name(model: Any, source: Any, wiring: Wiring) -> str:
    node = number_of(source) - wiring.inputs
    # What a model within this one gives goes by that model's name.
    name = str(model.specs[wiring.nodes[node][0]].name).partition(BETWEEN)[0] if node >= 0 else "input"
    return f"{name}_{source[1]}" if isinstance(source, tuple) else name


def _apart(names: list[str]) -> list[str]:
    """Names told apart by numbers where they are equal: one layer may give several outputs."""
    return [n if names.count(n) == 1 else f"{n}_{names[:k].count(n)}" for k, n in enumerate(names)]


def arranged(calls: list[Symbol], wiring: Wiring, names: Iterable[int]) -> tuple[list[Symbol], Wiring]:
    """Layers in the order in which they were set as attributes, those of a model in its own; then all others."""
    places = {key: place for place, key in enumerate(names)}

    def place(number: int) -> tuple[int, int]:
        call = calls[number]
        if call.within is None:
            return places.get(id(call.maker), len(places)), number
        part = call.within.maker
        return places.get(id(part), len(places)), part.order(call.maker, number)

    order = sorted(range(len(calls)), key=place)
    moved = {old: new for new, old in enumerate(order)}
    nodes = tuple((moved[layer], sources) for layer, sources in wiring.nodes)
    return [calls[old] for old in order], wiring.replace(nodes=nodes)
