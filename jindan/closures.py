"""Closed: a function of the user's together with the values it looks at outside itself, as it sees them now."""

from __future__ import annotations

import functools
import hashlib
import types
from collections.abc import Callable, Mapping
from typing import Any

DEPTH = 4  # how far values within values are looked at


def closed(function: Any) -> Any:
    """The function, told apart from itself by the values it captures; as it is where it captures none.

    A compiled program holds such values as constants, so it belongs to the function and to them.

    >>> def scaled(by):
    ...     def loss(y_true, y_pred):
    ...         return by * (y_true - y_pred) ** 2
    ...     return loss
    >>> loss = scaled(2.0)
    >>> before = closed(loss)
    >>> before == closed(loss), before(1.0, 3.0)
    (True, 8.0)
    >>> loss.__closure__[0].cell_contents = 3.0
    >>> before == closed(loss)
    False
    """
    if isinstance(function, Closed):
        function = function.function
    found = _captured(function, DEPTH)
    return Closed(function, found) if found else function


class Closed:
    """A callable that equals another of the same function and the same captured values."""

    def __init__(self, function: Callable, captured: tuple) -> None:
        self.function, self.captured = function, captured

    def __call__(self, *given: Any, **named: Any) -> Any:
        return self.function(*given, **named)

    def __getattr__(self, name: str) -> Any:
        if name in ("function", "captured"):  # asked for while being copied, before they are there
            raise AttributeError(name)
        return getattr(self.function, name)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Closed) and self.function == other.function and self.captured == other.captured
        )  # fmt: skip

    def __hash__(self) -> int:
        return hash((self.function, self.captured))

    def __repr__(self) -> str:
        return repr(self.function)


class _Same:
    """An object that equals itself only; held, so that nothing else can take its place in memory."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value

    def __hash__(self) -> int:
        return id(self.value)


def _captured(function: Any, depth: int) -> tuple:
    """What a function looks at outside itself: its cells, its defaults, globals that are values, its object's state."""
    if isinstance(function, functools.partial):
        parts = _captured(function.func, depth)
        return (*parts, _content((function.args, function.keywords), depth)) if depth else parts
    if isinstance(function, types.MethodType):
        return (*_captured(function.__func__, depth), _content(function.__self__, depth))
    if not isinstance(function, types.FunctionType):
        inner = getattr(function, "__wrapped__", None)
        if inner is not None:
            return _captured(inner, depth)
        state = getattr(function, "__dict__", None)
        return (_content(state, depth),) if state and not isinstance(function, type) else ()
    found = []
    for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
        try:
            found.append((name, _content(cell.cell_contents, depth)))
        except ValueError:  # the cell is empty
            found.append((name, None))
    for name in sorted(_names(function.__code__)):
        value = function.__globals__.get(name)
        if value is not None and not isinstance(value, (types.ModuleType, type)) and not callable(value):
            found.append((name, _content(value, depth)))
    if function.__defaults__ or function.__kwdefaults__:
        found.append(("", _content((function.__defaults__, function.__kwdefaults__), depth)))
    return tuple(found)


def _names(code: types.CodeType) -> set[str]:
    inner = [_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType)]
    return set(code.co_names).union(*inner)


def _content(value: Any, depth: int) -> Any:
    """A hashable stand-in that is equal where the values are."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        return type(value), repr(value)  # -0.0 is not 0.0, 1 is not True, NaN is itself
    if depth == 0:
        return _Same(value)
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        digest = hashlib.sha256(value.tobytes()).digest()
        return type(value), tuple(getattr(value, "shape", ())), str(value.dtype), digest
    if isinstance(value, (tuple, list)):
        return type(value), tuple(_content(entry, depth - 1) for entry in value)
    if isinstance(value, (set, frozenset)):
        return type(value), frozenset(_content(entry, depth - 1) for entry in value)
    if isinstance(value, Mapping):
        return type(value), tuple((_content(k, depth - 1), _content(v, depth - 1)) for k, v in value.items())
    if isinstance(value, (types.ModuleType, type)):
        return _Same(value)
    if callable(value):
        return _Same(value), _captured(value, depth - 1)
    return _Same(value), _content(getattr(value, "__dict__", {}), depth - 1)
