"""Graphs of layers under construction: what `Dense(3)(x)` gives; `reading.py` makes a Model of it."""

from __future__ import annotations

from collections.abc import Iterable
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
from .inner import held
from .masks import FixedMask, WithMask, as_layer
from .network import Network
from .shared import shared_of
from .wiring import Wiring


class Symbol:
    """What a layer will give in a graph; a source for other layers, as Keras's tensors are.

    Attributes:
        layer: The layer, an Input for the graph's inputs.
        sources: What it reads.
        pick: Which of several outputs this is, None when there is one.
        origin: What the layer shares, where it was called as a layer of a model; None where it was by itself.
        maker: What the layer shares with all models that it stands in.
        within: The call of a model that this is a part of, or None.
    """

    def __init__(self, layer: Layer, sources: tuple[Symbol, ...] = (), origin: Any = None, call: Any = None,
                 pick: int | None = None, maker: Any = None) -> None:  # fmt: skip
        self.maker = shared_of(layer) if maker is None else maker
        self.layer, self.sources, self.origin, self.pick = layer, sources, origin, pick
        self.call = self if call is None else call  # several outputs of one call share it
        self.within: Any = None

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

    def __rtruediv__(self, other: Any) -> Symbol:
        return self**-1 * other

    def __pow__(self, other: Any) -> Symbol:
        from .operations import Power

        return connect(Power(_number(other, "x ** 2", "Power")), self)

    def __rpow__(self, other: Any) -> Symbol:
        from .operations import PowerOf

        return connect(PowerOf(_number(other, "2 ** x", "PowerOf")), self)

    def __abs__(self) -> Symbol:
        from .operations import Absolute

        return connect(Absolute(), self)

    def __array_ufunc__(self, function: Any, method: str, *given: Any, **named: Any) -> Symbol:
        reflected = REFLECTED.get(function.__name__)
        number = isinstance(given[0], (np.generic, np.ndarray)) and given[0].ndim == 0
        if reflected is None or len(given) != 2 or not number or method != "__call__" or named:
            raise _no_numbers(self, f"np.{function.__name__}")
        return getattr(self, reflected)(given[0].item())

    def __array__(self, *_: Any, **named: Any) -> Any:
        raise _no_numbers(self, "an array of it")

    @property
    def __jax_array__(self) -> Any:  # looked for by JAX, which would call it only outside of what it compiles
        raise _no_numbers(self, "a function of jax")

    def __matmul__(self, other: Any) -> Symbol:
        from .merge import Dot

        second = symbol_of(other, "x @ y")
        if any(len(shape_of(value) or (0, 0)) != 2 for value in (self, second)):
            raise InputError(
                "Matrices are multiplied row by row of the batch.", where="x @ y",
                expected="two values of shape (rows, n, m)", received=f"shapes {self.shape} and {second.shape}",
                help="Dense multiplies by weights, Dot along axes that you name.",
            )  # fmt: skip
        return connect(Dot((2, 1)), [self, second])

    def __getitem__(self, index: Any) -> Symbol:
        from .operations import GetItem

        return connect(GetItem(index), self)

    __iter__ = None  # a value has no rows yet to go through

    def __bool__(self) -> bool:
        raise InputError(
            "What a layer will give has no truth yet.", where=repr(self), expected="a branch on what Python knows",
            received="`if`, `and`, `or` or `not` on it, before there are numbers",
            help="Lambda(lambda x: jnp.where(x > 0, x, 0)) chooses by numbers.",
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<what {type(self.layer).__name__} gives, shape {self.shape}>"


REFLECTED = {"add": "__radd__", "subtract": "__rsub__", "multiply": "__rmul__", "divide": "__rtruediv__",
             "power": "__rpow__"}  # fmt: skip
"""What NumPy calls for `np.float32(2) * x`, and what a value of a graph does then."""


def _number(given: Any, form: str, kind: str) -> float:
    """A number beside a value of a graph."""
    if not isinstance(given, Real):
        raise InputError(
            "A power in a graph has a number on one side.", where=kind, expected=f"a number, as in {form}",
            received=type(given).__name__, help="Lambda(lambda x: x[0] ** x[1])([a, b]) computes it of two values.",
        )  # fmt: skip
    return given  # type: ignore[return-value]


def _no_numbers(value: Symbol, received: str) -> InputError:
    return InputError(
        "What a layer will give has no numbers yet.", where=repr(value), received=received,
        expected="a layer, or + − * / ** abs", help="Lambda(jnp.exp)(x), or Lambda(lambda x: …)(x), computes it.",
    )  # fmt: skip


def _joined(kind: str, first: Any, second: Any) -> Symbol:
    from . import merge, operations

    if isinstance(second, Real) and kind in ("Add", "Subtract", "Multiply"):
        number = float(second)
        return _scaled(
            first, number if kind == "Multiply" else 1.0, {"Add": number, "Subtract": -number}.get(kind, 0.0)
        )
    if not isinstance(second, (Symbol, Input)):
        raise InputError(
            "A graph joins what layers give with what layers give, or with numbers.", where=kind,
            expected="the output of a layer", received=type(second).__name__,
            help="Add, Subtract, Multiply and the other merging layers join them.",
        )  # fmt: skip
    return connect(getattr(operations if kind == "Divide" else merge, kind)(), [first, second])


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
        origin: What it shares, for a layer of a model.
        settings: Fields of the layer that belong to the call in Keras, such as `use_causal_mask=True`;
            `training=False` is its field `inference`, and `mask=`, one or one an input, says which steps exist, to a
            layer that reads masks. Those that are None are left alone.
    """
    given = [*(inputs if isinstance(inputs, (list, tuple)) else [inputs]), *(m for m in more if m is not None)]
    maker = shared_of(layer) if origin is None else origin
    arrays = bool(given) and all(isinstance(value, (np.ndarray, jax.Array)) for value in given)
    training, mask = settings.pop("training", None), settings.pop("mask", None)
    training = None if hasattr(training, "in_graph") else training  # it is known when the program runs
    if mask is not None and not layer.reads_mask:
        settings["mask"] = mask
    known = {field.name for field in fields(layer)}  # type: ignore[arg-type]
    settings = {n: v for n, v in settings.items() if v is not None and (v is not False or n in known)}
    unknown = [name for name in settings if name not in known or name == "mask"]
    if training and not arrays:
        unknown, settings = [*unknown, "training"], {**settings, "training": True}
    if unknown:
        raise InputError(
            f"{unknown[0]} cannot be given in a call.", where=type(layer).__name__, expected="the inputs alone",
            received=f"{unknown[0]}={settings[unknown[0]]!r}",
            help="WithMask()([x, mask]) is x with a mask for what follows; model(x, training=True) draws at inference.",
        )  # fmt: skip
    changes = settings
    if training is False and not arrays:
        changes["inference"] = True
    if changes:
        layer = layer.replace(**changes)
    where = f"{type(layer).__name__} {layer.name or ''}".strip()
    masks = _one_each(mask, given, where) if layer.reads_mask else [None] * len(given)
    if arrays:
        return _computed(layer, given, where, training, masks)
    sources = tuple(_masked(symbol_of(value, where), own) for value, own in zip(given, masks, strict=True))
    symbol = Symbol(layer, sources, origin, maker=maker)
    forms = [shape_of(source) for source in sources]
    if all(form is not None for form in forms):
        outputs = _shape(layer, forms)
        if outputs and isinstance(outputs[0], tuple):
            return [Symbol(layer, sources, origin, symbol, k, maker) for k in range(len(outputs))]
    return symbol


def _one_each(mask: Any, given: list, where: str) -> list:
    """The mask of each input: of the first, where one was given, or as they were listed."""
    found = list(mask) if isinstance(mask, (list, tuple)) else [mask]
    if len(found) > len(given):
        raise InputError(
            "A call has more masks than inputs.", where=where, received=f"{len(found)} masks",
            expected=f"at most {len(given)}, None for an input that has none",
            help="mask=[mask_of_a, mask_of_b] goes with [a, b].",
        )  # fmt: skip
    return found + [None] * (len(given) - len(found))


def _masked(value: Symbol, mask: Any) -> Symbol:
    """A value of a graph with the mask that a call gave for it."""
    return value if mask is None else connect(WithMask(), [value, in_graph(as_layer(mask), value)])


def in_graph(mask: Any, beside: Any) -> Any:
    """A mask as a value of the graph that another value belongs to.

    Args:
        mask: What a layer gives, or a FixedMask.
        beside: The other value, which has as many rows.
    """
    return connect(mask, beside) if isinstance(mask, FixedMask) else mask


def _computed(layer: Layer, arrays: list, where: str, training: Any, masks: list) -> Any:
    """A layer without weights, applied to arrays; one that augments draws unless it is told that nothing trains."""
    arrays = [jnp.asarray(a) for a in arrays]
    shape: Any = tuple(tuple(a.shape[1:]) for a in arrays)
    if layer.weights(shape if layer.many else shape[0]):
        raise InputError(
            "A layer has weights only as part of a model.", where=where, expected="an Input, or the output of a layer",
            received=f"an array of shape {arrays[0].shape}",
            help=f"model = Sequential([{layer!r}]); model.predict(x).",
        )  # fmt: skip
    known = [m if m is None else jnp.asarray(m) for m in masks]
    mask: Any = known if layer.many else known[0]
    value: Any = arrays if layer.many else arrays[0]
    training = layer.draws_on_arrays and not layer.inference if training is None else bool(training)
    key = jax.random.key(seed_of_call((layer,))) if training else None
    return layer.apply({}, value, Context(training=training, key=key, mask=mask))


def seed_of_call(layers: Iterable[Layer]) -> int:
    """The seed of a call on arrays: from the seeds that layers were given, another at each call, or a fresh one."""
    seeded = [layer for layer in held(tuple(layers)) if getattr(layer, "seed", None) is not None]
    if not seeded:
        return draw_seed()
    calls = seeded[0].__dict__.get("_calls", 0)
    object.__setattr__(seeded[0], "_calls", calls + 1)
    entropy = [layer.seed % 2**32 for layer in seeded]  # type: ignore[attr-defined]
    return int(np.random.SeedSequence([*entropy, calls]).generate_state(1)[0] >> 1)


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
