"""What a transfer of weights works on: groups of a source, units of a network, the order of features."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..layers.base import Layer, Weight
from ..layers.cells import Cell
from ..layers.network import Network
from ..layers.wiring import number_of

CHANNELS = ("Conv", "Pool", "ZeroPadding", "Cropping", "UpSampling")  # PyTorch has their channels first

UNORDERED = -1  # the place of a group where nothing tells the order


@dataclass(frozen=True)
class Group:
    """Arrays that belong to one layer of the source.

    Attributes:
        names: What the layer is called; the first is what messages say.
        arrays: By the names the source gives them.
        origin: "torch", "keras" or "jindan": how the arrays are laid out.
        kind: The class of the layer where the source says so, in snake case.
        place: Its number among those of its class, where the source does not say its order among all; or UNORDERED.
        facts: Settings of the layer that the source tells, such as `eps`.
    """

    names: tuple[str, ...]
    arrays: dict[str, Any]
    origin: str
    kind: str | None = None
    place: int | None = None
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """Its name, and how large its arrays are."""
        forms = ", ".join(f"{name} {tuple(np.shape(a))}" for name, a in self.arrays.items())
        return f"{self.names[0]!r} ({forms})"

    @property
    def full_names(self) -> tuple[str, ...]:
        """The name of each array in the source."""
        join = "/" if self.origin == "keras" else "."
        return tuple(join.join(part for part in (self.names[0], name) if part) for name in self.arrays)


@dataclass(frozen=True)
class Unit:
    """Weights of the network that are loaded together: those of a layer, or of one held inside another.

    Attributes:
        index: The number of the layer in the network.
        layer: The layer itself, the held one where it is.
        prefix: What its weights are called in the network before their own names.
        specs: Its weights, by their own names.
        names: What it may be called in a source.
        title: How messages call it.
        family: The class of the layer of the network it belongs to; of cells one on another, that of the cell.
        order_in, order_out: For each feature of its input and output, the place PyTorch has it at; None is the same.
    """

    index: int
    layer: Layer
    prefix: str
    specs: dict[str, Weight]
    names: tuple[str, ...]
    title: str
    family: str
    order_in: Any = None
    order_out: Any = None


def units_of(network: Network, *, split: bool) -> list[Unit]:
    """What a network asks for, layer by layer; `split` parts separable convolutions in two, as PyTorch has them."""
    orders = feature_orders(network)
    found: list[Unit] = []
    for index, layer in enumerate(network.layers):
        specs = network.specs[index]
        if not specs:
            continue
        for prefix, held, own, names in _held(layer, specs, "", names_of(layer)):
            inside = f", {prefix.removesuffix('.')} ({type(held).__name__})" if prefix else ""
            title, family = (
                network.title(index) + inside,
                type(held if isinstance(held, Cell) and "cell." in prefix else layer),
            )
            unit = Unit(index, held, prefix, own, names, title, family.__name__, *orders[index])
            found += _split(unit) if split and "depthwise_kernel" in own else [unit]
    return found


def names_of(layer: Layer) -> tuple[str, ...]:
    """What a layer may be called in a source: its name, and that which it has in the model it is a part of."""
    return () if layer.name is None else tuple(dict.fromkeys((layer.name, layer.name.rpartition("/")[2])))


def _held(layer: Layer, specs: dict[str, Weight], prefix: str, names: tuple[str, ...]) -> Iterator[tuple]:
    """(prefix, layer, weights, names) of a layer, or of each of those it holds."""
    rest = dict(specs)
    for head, held in _inside(layer):
        own = {name.removeprefix(head): rest.pop(name) for name in list(rest) if name.startswith(head)}
        if own:
            short = head.removesuffix(".")
            called = [f"{n}.{short}" for n in names]
            if held.name:
                called += [*(f"{n}.{held.name}" for n in names), held.name]
            if hasattr(layer, "layer") and len(_inside(layer)) == 1:
                called += names  # a wrapper of one layer goes by its own name
            yield from _held(held, own, prefix + head, tuple(called))
    if rest:
        yield prefix, getattr(layer, "cell", layer), rest, names


def _inside(layer: Layer) -> list[tuple[str, Layer]]:
    """The layers held inside one, with the prefix of their weights."""
    both = getattr(layer, "_both", None)
    if both is not None:
        return [("forward.", both[0]), ("backward.", both[1])]
    found: list[tuple[str, Layer]] = []
    for name in type(layer).__dataclass_fields__:  # type: ignore[attr-defined]
        value = getattr(layer, name)
        if isinstance(value, Layer):
            found.append((f"{name}.", value))
        elif isinstance(value, tuple):
            found += [(f"{place}.", held) for place, held in enumerate(value) if isinstance(held, Layer)]
    return found


def _split(unit: Unit) -> list[Unit]:
    """A separable convolution as one by channel and one across channels."""
    found = []
    for part in ("depthwise", "pointwise"):
        own = {n: w for n, w in unit.specs.items() if (n == "depthwise_kernel") == (part == "depthwise")}
        names = tuple(f"{name}.{part}" for name in unit.names)
        found.append(replace(unit, specs=own, names=names, title=f"{unit.title}, {part}"))
    return found


def natural(name: str) -> list[Any]:
    """A key that sorts dense_2 before dense_10.

    >>> sorted(["b1", "a10", "a2"], key=natural)
    ['a2', 'a10', 'b1']
    """
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", name)]


def need(unit: Unit, group: Group, name: str, array: np.ndarray) -> np.ndarray:
    """The array, if it has the shape of the unit's weight of that name.

    Raises:
        ShapeError: otherwise.
    """
    wanted = tuple(unit.specs[name].shape)
    if tuple(array.shape) != wanted:
        raise ShapeError(
            "A weight from elsewhere has another shape.", where=f"{unit.title}, {name}",
            expected=f"shape {wanted}", received=f"shape {tuple(array.shape)} from {group.title}",
            help="Give the layer the same size as in the source, or skip_mismatch=True to keep its own weights.",
        )  # fmt: skip
    return array


def refuse(unit: Unit, group: Group, why: str, expected: object, help: str) -> ShapeError:
    """What to raise where a group cannot become a unit's weights."""
    return ShapeError(why, where=unit.title, expected=expected, received=group.title, help=help)


# -- the order of features ---------------------------------------------------------------------------------------


def channels_first_order(shape: tuple[int, ...]) -> np.ndarray:
    """For rows (…, channels) laid flat, the place each number has where channels come first.

    >>> channels_first_order((2, 1, 3)).tolist()
    [0, 2, 4, 1, 3, 5]
    """
    first = np.arange(math.prod(shape)).reshape(shape[-1], *shape[:-1])
    return np.moveaxis(first, 0, -1).reshape(-1)


def feature_orders(network: Network) -> list[tuple[Any, Any]]:
    """For each layer, the place PyTorch has each feature of its input and output at; None is the same.

    Images laid flat are (height, width, channels) here and (channels, height, width) there, so what follows a Flatten,
    or goes before a Reshape into an image, has its features in another order.
    """
    graph = network.graph
    order: dict[int, Any] = {}
    for node, (index, sources) in enumerate(graph.nodes):
        value, given = graph.inputs + node, [number_of(source) for source in sources]
        layer, shape = network.layers[index], network.shapes_in[index]
        if type(layer).__name__ in ("Flatten", "Reshape") and len(network.shapes[index]) == 1:
            first = len(shape) > 2 or (len(shape) == 2 and _has_channels(network, given[0]))
            first = first and not _moved_by_hand(network, given[0], len(shape))
            order[value] = channels_first_order(shape) if first else order.get(given[0])
        elif type(layer).__name__ == "Concatenate" and len(network.shapes[index]) == 1:
            order[value] = _joined([order.get(v) for v in given], [form[0] for form in shape])
        elif _keeps_features(network, index):
            order[value] = order.get(given[0])
    for node, (index, sources) in reversed(list(enumerate(graph.nodes))):
        value, source, shape = graph.inputs + node, number_of(sources[0]), network.shapes[index]
        if type(network.layers[index]).__name__ == "Reshape" and len(network.shapes_in[index]) == 1:
            if order.get(source) is None and (len(shape) > 2 or (len(shape) == 2 and _to_channels(network, value))):
                order[source] = channels_first_order(shape)
        elif _keeps_features(network, index) and len(shape) == 1 and order.get(source) is None:
            order[source] = order.get(value)
    found: dict[int, tuple[Any, Any]] = {}
    for node, (index, sources) in enumerate(graph.nodes):
        found.setdefault(index, (order.get(number_of(sources[0])), order.get(graph.inputs + node)))
    return [found[index] for index in range(len(network.layers))]


def _keeps_features(network: Network, index: int) -> bool:
    """Whether each feature of a layer's output comes from the same feature of its input."""
    layer, shape = network.layers[index], network.shapes_in[index]
    form = shape[0] if layer.many else shape
    mixes = any("kernel" in name for name in network.specs[index])
    return form == network.shapes[index] and not mixes and type(layer).__name__ != "Permute"


def _moved_by_hand(network: Network, value: int, axis: int) -> bool:
    """Whether a Permute after some layer has put the features, its last axis, elsewhere: then as PyTorch has them."""
    graph, last = network.graph, axis
    while value >= graph.inputs:
        index, sources = graph.nodes[value - graph.inputs]
        if type(network.layers[index]).__name__ == "Permute":
            axis = network.layers[index].dims[axis - 1]  # type: ignore[attr-defined]
        elif not _keeps_features(network, index):
            return axis != last
        value = number_of(sources[0])
    return False


def _has_channels(network: Network, value: int) -> bool:
    """Whether a value comes from a layer over space, whose channels PyTorch has first."""
    graph = network.graph
    while value >= graph.inputs:
        index, sources = graph.nodes[value - graph.inputs]
        if type(network.layers[index]).__name__.startswith(("Conv", "Depthwise", "Separable")):
            return True
        if any(word in type(network.layers[index]).__name__ for word in CHANNELS):
            return True
        if not _keeps_features(network, index):
            return False
        value = number_of(sources[0])
    return False


def _to_channels(network: Network, value: int) -> bool:
    """Whether a value goes to a layer over space."""
    graph = network.graph
    for node, (index, sources) in enumerate(graph.nodes):
        if value in map(number_of, sources):
            if any(word in type(network.layers[index]).__name__ for word in CHANNELS):
                return True
            if _keeps_features(network, index) and _to_channels(network, graph.inputs + node):
                return True
    return False


def _joined(orders: list[Any], lengths: list[int]) -> Any:
    """The order of joined features."""
    if all(order is None for order in orders):
        return None
    starts = np.cumsum([0, *lengths[:-1]])
    parts = [np.arange(n) if order is None else order for order, n in zip(orders, lengths, strict=True)]
    return np.concatenate([start + part for start, part in zip(starts, parts, strict=True)])
