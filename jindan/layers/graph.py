"""Graphs of layers under construction: what `Dense(3)(x)` gives, and how a Model reads it."""

from __future__ import annotations

from dataclasses import fields
from numbers import Real
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..utils import draw_seed
from .base import Context, Layer
from .core import Input
from .network import Network
from .wiring import Wiring


class Symbol:
    """What a layer will give in a graph; a source for other layers, as Keras's tensors are.

    Attributes:
        layer: The layer, an Input for the graph's inputs.
        sources: What it reads.
        pick: Which of several outputs this is, None when there is one.
        origin: (weights of the layer in the model it comes from), or None when they are drawn anew.
    """

    def __init__(self, layer: Layer, sources: tuple[Symbol, ...] = (), origin: Any = None, call: Any = None,
                 pick: int | None = None, maker: Any = None) -> None:  # fmt: skip
        self.maker = layer if maker is None else maker  # the layer as it was before settings of the call
        self.layer, self.sources, self.origin, self.pick = layer, sources, origin, pick
        self.call = self if call is None else call  # several outputs of one call share it

    @property
    def shape(self) -> tuple | None:
        """(None, …) with the batch axis, or None where an input's shape is not known yet."""
        form = shape_of(self)
        return None if form is None else (None, *form)

    def __add__(self, other: Any) -> Symbol:
        return _joined("Add", self, other)

    def __sub__(self, other: Any) -> Symbol:
        return _joined("Subtract", self, other)

    def __mul__(self, other: Any) -> Symbol:
        return _joined("Multiply", self, other)

    def __radd__(self, other: Any) -> Symbol:
        return self + other

    def __rsub__(self, other: Any) -> Symbol:
        return -self + other

    def __rmul__(self, other: Any) -> Symbol:
        return self * other

    def __neg__(self) -> Symbol:
        return _scaled(self, -1.0, 0.0)

    def __truediv__(self, other: Any) -> Symbol:
        if isinstance(other, Real):
            return _scaled(self, 1 / float(other), 0.0)
        return _joined("Divide", self, other)

    def __getitem__(self, place: Any) -> Symbol:
        raise InputError(
            "A part of what a layer gives is taken by a layer.", where=repr(self),
            expected="a layer such as Cropping1D",
            received=f"[{place!r}]", help="Lambda(lambda x: x[:, 0]) takes a part by a function.",
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<what {type(self.layer).__name__} gives, shape {self.shape}>"


def _joined(kind: str, first: Any, second: Any) -> Symbol:
    from . import merge

    if isinstance(second, Real) and kind in ("Add", "Subtract", "Multiply"):
        number = float(second)
        return _scaled(
            first, number if kind == "Multiply" else 1.0, {"Add": number, "Subtract": -number}.get(kind, 0.0)
        )
    if not isinstance(second, (Symbol, Input)) or not hasattr(merge, kind):
        raise InputError(
            "A graph joins what layers give with what layers give, or with numbers.", where=kind,
            expected="the output of a layer", received=type(second).__name__,
            help="Add, Subtract, Multiply and the other merging layers join them.",
        )  # fmt: skip
    return connect(getattr(merge, kind)(), [first, second])


def _scaled(value: Symbol, scale: float, offset: float) -> Symbol:
    from .shaping import Rescaling

    return connect(Rescaling(scale, offset), value)


def symbol_of(value: Any, where: str) -> Symbol:
    """A value of a graph: a Symbol, or an Input.

    Raises:
        InputError: on anything else.
    """
    if isinstance(value, Symbol):
        return value
    if isinstance(value, Input):
        # Inputs of one shape are equal values; as places in a graph each is itself.
        known = value.__dict__.get("_symbol")
        if known is None:
            known = Symbol(value)
            object.__setattr__(value, "_symbol", known)
        return known
    raise InputError(
        "A layer is connected to what other layers give.", where=where, expected="an Input, or the output of a layer",
        received=type(value).__name__, help="x = Input((4,)); y = Dense(3)(x); Model(x, y).",
    )  # fmt: skip


def connect(layer: Layer, inputs: Any, *more: Any, origin: Any = None, **settings: Any) -> Any:
    """The layer applied to values of a graph, or, where it has no weights, to arrays.

    Args:
        layer: The layer. Used again, it keeps one set of weights.
        inputs, more: Values of the graph, as a list or one by one.
        origin: Weights it starts from.
        settings: Fields of the layer that belong to the call in Keras, such as `use_causal_mask=True`;
            `training=False` is its field `inference`. Those that are None are left alone.
    """
    given = [*(inputs if isinstance(inputs, (list, tuple)) else [inputs]), *(m for m in more if m is not None)]
    maker = layer
    arrays = bool(given) and all(isinstance(value, (np.ndarray, jax.Array)) for value in given)
    training = settings.pop("training", None)
    known = {field.name for field in fields(layer)}  # type: ignore[arg-type]
    settings = {n: v for n, v in settings.items() if v is not None and (v is not False or n in known)}
    unknown = [name for name in settings if name not in known or name == "mask"]
    if training and not arrays:
        unknown, settings = [*unknown, "training"], {**settings, "training": True}
    if unknown:
        raise InputError(
            f"{unknown[0]} cannot be given in a call.", where=type(layer).__name__, expected="the inputs alone",
            received=f"{unknown[0]}={settings[unknown[0]]!r}",
            help="Masks come from Masking or Embedding(mask_zero=True); model(x, training=True) draws at inference.",
        )  # fmt: skip
    changes = settings
    if training is False and not arrays:
        changes["inference"] = True
    if changes:
        layer = layer.replace(**changes)
    where = f"{type(layer).__name__} {layer.name or ''}".strip()
    if arrays:
        return _computed(layer, given, where, bool(training))
    sources = tuple(symbol_of(value, where) for value in given)
    symbol = Symbol(layer, sources, origin, maker=maker)
    forms = [shape_of(source) for source in sources]
    if all(form is not None for form in forms):
        outputs = _shape(layer, forms)
        if outputs and isinstance(outputs[0], tuple):
            return [Symbol(layer, sources, origin, symbol, k, maker) for k in range(len(outputs))]
    return symbol


def _computed(layer: Layer, arrays: list, where: str, training: bool) -> Any:
    """A layer without weights, applied to arrays."""
    arrays = [jnp.asarray(a) for a in arrays]
    shape: Any = tuple(tuple(a.shape[1:]) for a in arrays)
    if layer.weights(shape if layer.many else shape[0]):
        raise InputError(
            "A layer has weights only as part of a model.", where=where, expected="an Input, or the output of a layer",
            received=f"an array of shape {arrays[0].shape}",
            help=f"model = Sequential([{layer!r}]); model.predict(x).",
        )  # fmt: skip
    mask: Any = [None] * len(arrays) if layer.many else None
    value: Any = arrays if layer.many else arrays[0]
    key = jax.random.key(draw_seed()) if training else None
    return layer.apply({}, value, Context(training=training, key=key, mask=mask))


def _shape(layer: Layer, forms: list) -> Any:
    n = len(forms)
    wiring = Wiring(nodes=((0, tuple(range(n))),), outputs=(n,), inputs=n)
    network = Network((layer,), tuple(forms) if n > 1 else forms[0], wiring)
    return network.shapes[0]


def shape_of(symbol: Symbol) -> Any:
    """The shape of one row of a value, None where an input's is not known."""
    if isinstance(symbol.layer, Input):
        form = tuple(symbol.layer.shape)
        return None if None in form else form
    cached = symbol.__dict__.get("_shape")
    if cached is None:
        forms = [shape_of(source) for source in symbol.sources]
        if any(form is None for form in forms):
            return None
        cached = _shape(symbol.layer, forms)
        if symbol.pick is not None:
            cached = cached[symbol.pick]
        symbol._shape = cached  # type: ignore[attr-defined]
    return cached


def read(inputs: list[Symbol], outputs: list[Symbol]) -> tuple[list[Layer], list[Any], Wiring]:
    """The layers between inputs and outputs in an order in which they can be computed, their origins, and the wiring.

    The order is Keras's, so that weights can go over: by depth, counted from the outputs, the deepest first; where it
    is equal, by the order in which a walk from the outputs back to the inputs, first sources first, comes to them.

    Raises:
        InputError: when an output hangs on an input that is not listed.
    """
    number: dict[int, int] = {id(symbol): i for i, symbol in enumerate(inputs)}
    ordered = _by_depth([symbol for symbol in _walked(number, outputs) if id(symbol) not in number], outputs)
    places: dict[int, int] = {}
    layers: list[Layer] = []
    origins: list[Any] = []
    nodes: list[tuple[int, tuple]] = []

    def source(symbol: Symbol) -> Any:
        found = number[id(symbol.call)]
        return found if symbol.pick is None else (found, symbol.pick)

    for symbol in ordered:
        place = places.setdefault(id(symbol.maker), len(layers))
        if place == len(layers):
            layers.append(symbol.layer)
            origins.append(symbol.origin)
        elif layers[place] != symbol.layer:
            raise InputError(
                "A layer is used twice with different settings of the call.", where=type(symbol.layer).__name__,
                expected=repr(layers[place]), received=repr(symbol.layer), help="Make two layers of it.",
            )  # fmt: skip
        number[id(symbol)] = len(inputs) + len(nodes)
        nodes.append((place, tuple(source(s) for s in symbol.sources)))
    wiring = Wiring(nodes=tuple(nodes), outputs=tuple(source(s) for s in outputs), inputs=len(inputs))
    return layers, origins, wiring


def _walked(known: dict[int, int], outputs: list[Symbol]) -> list[Symbol]:
    """Every value from the inputs to the outputs, each after its sources; first sources first."""
    found: list[Symbol] = []
    done: set[int] = set()
    for end in outputs:
        waiting = [end.call]
        while waiting:
            symbol = waiting[-1]
            missing = [s.call for s in symbol.sources if id(s.call) not in done] if id(symbol) not in known else []
            if id(symbol) in done or not missing:
                waiting.pop()
                if id(symbol) not in done:
                    done.add(id(symbol))
                    found.append(symbol)
                    if isinstance(symbol.layer, Input) and id(symbol) not in known:
                        raise InputError(
                            "An output hangs on an Input that the model was not given.", where="Model",
                            expected="every Input the outputs are made from, in inputs=", received=repr(symbol.layer),
                            help="Model(inputs=[a, b], outputs=y).",
                        )  # fmt: skip
                continue
            waiting.extend(reversed(missing))
    return found


def _by_depth(found: list[Symbol], outputs: list[Symbol]) -> list[Symbol]:
    """Values sorted as Keras does: a layer's depth is its longest way to an output."""
    depth: dict[int, int] = {}
    for symbol in reversed(found):
        depth[id(symbol)] = max(depth.get(id(symbol), 0), depth.get(id(symbol.maker), 0))
        depth[id(symbol.maker)] = depth[id(symbol)]
        for source in symbol.sources:
            depth[id(source.call)] = max(depth.get(id(source.call), 0), depth[id(symbol)] + 1)
    return sorted(found, key=lambda symbol: -depth[id(symbol)])
