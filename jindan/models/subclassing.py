"""ByCall: models whose `call` connects their layers, as in Keras; it runs once, on values of a graph."""

from __future__ import annotations

import inspect
import linecache
import traceback
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from itertools import chain
from typing import Any, Self

import numpy as np

from ..errors import InputError, JindanError, StateError
from ..layers.base import Layer
from ..layers.branches import Training, Unsettled, chosen
from ..layers.core import Input
from ..layers.graph import Symbol, shape_of, symbol_of
from ..layers.shared import shared_of
from ..layers.wiring import Wiring
from . import feeding
from .layered import row_of
from .wired import wire

OWN_STEPS = ("train_step", "test_step", "predict_step", "compute_loss", "train_function")
HELP = (
    "What has no layer is computed by Lambda(function), or by a layer of your own with `apply`; layers such as Dropout "
    "know by themselves whether they train. See “Models by subclassing” in the guide."
)


class ByCall:
    """What a model with a `call` of its own is before and after its graph is known; of other models, nothing."""

    name: str
    wiring: Wiring | None
    input_shape: Any
    _by_call = False
    _keys: tuple[str, ...] | None
    _compiled_with: dict[str, Any] | None = None

    def _refuse_steps(self) -> None:
        found = [name for name in OWN_STEPS if hasattr(self, name)]
        if found:
            raise InputError(
                f"{found[0]} of your own would never be called.", where=type(self).__name__,
                expected="`call`, and a loss or metric given to compile", received=", ".join(found),
                help="A training is one compiled program: losses and metrics are functions of (y_true, y_pred), "
                "penalties are set on layers, models are trained in turns by fit.",
            )  # fmt: skip

    @property
    def built(self) -> bool:
        """Whether the shape of a row is known, so that there are weights."""
        return self.input_shape is not None  # type: ignore[attr-defined]

    @property
    def _untraced(self) -> bool:
        return self._by_call and self.wiring is None

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, (Layer, ByCall)) and "_settings" not in self.__dict__:
            raise StateError(
                "The model was not made ready.", where=f"{type(self).__name__}.{name}", received="a layer before that",
                expected="super().__init__() first in __init__", help="Call it before layers are set.",
            )  # fmt: skip
        if isinstance(value, (Layer, ByCall)) and any(name in kind.__dict__ for kind in _ours(type(self))):
            raise InputError(
                "A model has something by this name already.", where=type(self).__name__, expected="another name",
                received=f"{name} = {type(value).__name__}", help=f"self.{name}_layer = …",
            )  # fmt: skip
        if name[:1] != "_" and self._by_call and self.wiring is not None and any(_within(name, value)):
            self.hold((), ())  # type: ignore[attr-defined]  # its call gives another graph from now on
            self._last: Any = None
            self.wiring = self.input_shape = None
        super().__setattr__(name, value)

    def _need_shape(self) -> Any:
        if self._untraced:
            raise StateError(
                "The model does not know the shape of a row yet.", where=self.name, received=None,
                expected="a first fit, a call on rows, or build(shape)",
                help=f"For a table with four columns: {self.name}.build((None, 4)).",
            )  # fmt: skip
        return super()._need_shape()  # type: ignore[misc]

    # -- copies --------------------------------------------------------------------------------------------------

    def __copy__(self) -> Self:
        return deepcopy(self) if self._by_call else super().__copy__()  # type: ignore[misc]

    def __getstate__(self) -> dict[str, Any]:
        # The layers that are attributes go without weights; with the model, they keep them.
        found = [(name, shared_of(layer)) for name, layer in _members(self) if isinstance(layer, Layer)]
        return {**self.__dict__, "_links": found} if self._by_call else self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        links = dict(state.get("_links", ()))
        self.__dict__.update({name: value for name, value in state.items() if name != "_links"})
        for name, layer in _members(self) if links else ():
            if name in links:
                object.__setattr__(layer, "_shared", links[name])

    # -- meeting rows --------------------------------------------------------------------------------------------

    def _met(self, x: Any) -> Any:
        """What `fit` and its like were given, after the graph is known from it."""
        if not self._untraced:
            return x
        rows, given = _first(x)
        self._trace(_shapes(rows))
        return given

    def _meet(self, values: Any) -> list[Any]:
        """Values of a graph that the model is called on, in the order of its inputs."""
        if self._untraced:
            forms = _mapped(values, lambda value, _: shape_of(symbol_of(value, self.name)))
            if any(form is None for form in listed(forms)):
                raise InputError(
                    "A model whose `call` is yet to be traced needs values whose shape is known.", where=self.name,
                    expected="an Input with the lengths of all axes", received="an Input that leaves one open",
                    help=f"{self.name}.build((None, 10, 4)) before it is called, say.",
                )  # fmt: skip
            self._trace(forms)
        return self.ports.ordered(values) if isinstance(values, Mapping) else listed(values)  # type: ignore[attr-defined]

    def build(self, input_shape: Any = None) -> None:
        """Fix the shape of a row, given with or without the batch axis (None); of several inputs, a list or dict."""
        if not self._untraced or input_shape is None:
            super().build(input_shape)  # type: ignore[misc]
            return
        shape = input_shape
        many = isinstance(shape, (list, tuple)) and shape and isinstance(shape[0], (list, tuple))
        found = _mapped(list(shape) if many else shape, lambda form, _: row_of(form))
        self._trace(found)

    def _trace(self, forms: Any) -> None:
        """Run `call` once on values of a graph."""
        values = _mapped(forms, lambda form, name: symbol_of(Input(form, name=name), self.name))
        call: Callable = self.call  # type: ignore[attr-defined]
        told = "training" in inspect.signature(call).parameters

        def run(training: Training) -> tuple[Any, list[Symbol]]:
            found = call(values, training=training) if told else call(values)
            return found, _ends(found, type(self).__name__)

        with _PlaceTold(self, call):
            try:
                found, ends = run(Training())
            except Unsettled:  # a branch of Python's: both ways are taken, and the program chooses
                (found, one), (also, other) = run(Training(True)), run(Training(False))
                _need_alike(found, also, type(self).__name__)
                ends = chosen(one, other)
        names: dict[int, str] = {}
        for key, name in _named(self):
            names.setdefault(key, name)
        self.hold((), ())  # type: ignore[attr-defined]  # of an attempt that failed
        wire(self, listed(values), ends, names)
        self._keys = None
        self._keyed(None, found)  # type: ignore[attr-defined]
        if self._compiled_with is not None:
            settings, self._compiled_with = self._compiled_with, None
            self.compile(**{**settings, "optimizer": self.optimizer})  # type: ignore[attr-defined]


def are_symbols(x: Any) -> bool:
    """Whether a model is called on values of a graph."""
    values = listed(x)
    return bool(values) and all(isinstance(value, (Symbol, Input)) for value in values)


def need_flag(training: Any, name: str) -> None:
    """Refuse what is no `training`, such as a second input."""
    if training is not None and not isinstance(training, (int, np.bool_, Training)):
        raise InputError(
            "A model takes its inputs as one list or dict.", where=f"call of {name}", help=f"{name}([a, b])",
            expected="True, False or None for training", received=type(training).__name__,
        )  # fmt: skip


def has_call(kind: type) -> bool:
    """Whether a class of models connects its layers by a `call`."""
    return callable(getattr(kind, "call", None))


def _ours(kind: type) -> list[type]:
    """The classes of jindan that a model is made of."""
    return [base for base in kind.__mro__ if base.__module__.startswith(__package__.partition(".")[0] + ".")]


def _named(model: ByCall) -> Iterator[tuple[int, str]]:
    """What the graph knows a layer or model by, and the name of the attribute that holds it, in order."""
    for name, found in _members(model):
        yield id(found.part if isinstance(found, ByCall) else shared_of(found)), name  # type: ignore[attr-defined]


def _members(model: ByCall) -> Iterator[tuple[str, Any]]:
    """The layers and models that are attributes, with their names."""
    for attribute, value in vars(model).items():
        if not attribute.startswith("_"):
            yield from _within(attribute, value)


def _within(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """The layers and models of an attribute, each with its name: of a list "blocks_0", of a dict "heads_left"."""
    if isinstance(value, (Layer, ByCall)):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _within(f"{name}_{key}", inner)
    elif isinstance(value, (list, tuple)):
        for place, inner in enumerate(value):
            yield from _within(f"{name}_{place}", inner)


# -- errors ------------------------------------------------------------------------------------------------------


PLACE = "  in:       "


class _PlaceTold:
    """Errors of a `call` told with the line they come from; what is none of jindan's, as one of jindan's."""

    def __init__(self, model: ByCall, call: Callable) -> None:
        self.where, self.code = f"call of {type(model).__name__}", getattr(call, "__code__", None)

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if error is None or not isinstance(error, Exception):
            return
        line = self._line(trace)
        if not isinstance(error, JindanError):
            raise InputError(
                "`call` does something that values of a graph cannot do: it runs once, before there are numbers.",
                where=f"{self.where}{line}", expected="layers called on what layers give; + − × / and parts of these",
                received=f"{type(error).__name__}: {error}", help=HELP,
            ) from error  # fmt: skip
        if line and not any(note.startswith(PLACE) for note in getattr(error, "__notes__", ())):
            error.add_note(f"{PLACE}{self.where}{line}")

    def _line(self, trace: Any) -> str:
        """The last line of the user's that led there."""
        file = getattr(self.code, "co_filename", None)
        own = [frame for frame in traceback.extract_tb(trace) if frame.filename == file]
        if not own or own[-1].lineno is None:
            return ""
        text = own[-1].line or linecache.getline(str(file), own[-1].lineno).strip()
        return f", {own[-1].filename}, line {own[-1].lineno}" + (f": {text}" if text else "")


def _ends(found: Any, kind: str) -> list[Symbol]:
    """The values that a `call` gave."""
    ends = listed(found)
    if not ends or not all(isinstance(end, (Symbol, Input)) for end in ends):
        raise InputError(
            "`call` gives what layers give.", where=f"call of {kind}", help="return self.head(x)",
            expected="one value, or a list or dict of values",
            received=", ".join(type(end).__name__ for end in ends) or "nothing",
        )  # fmt: skip
    return [symbol_of(end, kind) for end in ends]


def _need_alike(one: Any, other: Any, kind: str) -> None:
    """Refuse outputs of other number or names in training than at inference."""
    if len(listed(one)) != len(listed(other)) or (isinstance(one, Mapping) and set(one) != set(other)):
        raise InputError(
            "`call` gives other outputs in training than at inference.", where=f"call of {kind}",
            expected="the same outputs", received=f"{len(listed(one))} and {len(listed(other))}",
            help="A branch on `training` may change numbers, not outputs.",
        )  # fmt: skip


# -- forms -------------------------------------------------------------------------------------------------------


def _mapped(values: Any, make: Callable[[Any, str | None], Any]) -> Any:
    """One value, a list or a dict of them, each replaced."""
    if isinstance(values, Mapping):
        return {str(name): make(value, str(name)) for name, value in values.items()}
    if isinstance(values, list):
        return [make(value, f"input_{place}") for place, value in enumerate(values)]
    return make(values, None)


def listed(values: Any) -> list[Any]:
    """One value, or those of a list or dict in its order."""
    if isinstance(values, Mapping):
        return list(values.values())
    return list(values) if isinstance(values, (list, tuple)) else [values]


def _shapes(rows: Any) -> Any:
    """The shape of a row, or a list or dict of such."""
    if isinstance(rows, (list, tuple)) and rows and all(np.ndim(part) > 0 and hasattr(part, "shape") for part in rows):
        rows = list(rows)
    elif not isinstance(rows, Mapping):
        rows = np.asarray(rows) if not hasattr(rows, "shape") else rows
    return _mapped(rows, lambda part, _: tuple(np.shape(part)[1:]) or (1,))


def _first(x: Any) -> tuple[Any, Any]:
    """The rows of what was given, of batches those of the first; and what was given, to be read as before."""
    if not feeding.are_batches(x):
        return x, x
    if isinstance(x, Iterator):
        batch = next(x, None)
        x = iter(()) if batch is None else chain([batch], x)
    else:
        batch = next(feeding.each(x), None)
    if batch is None:
        raise InputError(
            "The iterator gave no batches.", where="x", expected="tuples (x, y) or (x, y, sample_weight)",
            received="nothing", help="An exhausted one must be made anew.",
        )  # fmt: skip
    return (batch[0] if isinstance(batch, tuple) else batch), x
