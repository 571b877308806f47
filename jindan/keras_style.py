"""Losses and metrics written as for Keras: what an `__init__` of their own sets is kept as one field of the value."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from typing import Any, NoReturn

import numpy as np

from .closures import _content
from .errors import InputError
from .lazy import defined
from .spec import Spec, from_json, item, to_json

KEPT = "_kept"


class Kept:
    """What an `__init__` set, by name; two are equal where all of it is.

    >>> Kept({"alpha": 2.0, "base": [1, 2]}) == Kept({"alpha": 2.0, "base": [1, 2]}), Kept({"alpha": 2.0}) == Kept({})
    (True, False)
    >>> Kept.of(Kept({"alpha": 2.0, "base": (1, 2)}).to_dict()).values
    {'alpha': 2.0, 'base': (1, 2)}
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        self.values = dict(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Kept) and _by_content(self.values) == _by_content(other.values)

    def __hash__(self) -> int:
        return hash(_by_content(self.values))

    def __repr__(self) -> str:
        return repr(self.values)

    def to_dict(self) -> dict[str, Any]:
        """The JSON form.

        Raises:
            InputError: when a value is neither number, text, array nor part of jindan.
        """
        return {name: _to_json(name, value) for name, value in self.values.items()}

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> Kept:
        """Undo `to_dict`."""
        return cls({name: _from_json(value) for name, value in body.items()})


def adopt(cls: type) -> bool:
    """Give a class, before it is made a dataclass, the field that keeps what an `__init__` of its own sets.

    Returns:
        Whether there is such an `__init__`, in the class or in one it is made from.
    """
    given = next(
        (vars(base)["__init__"] for base in cls.__mro__ if hasattr(vars(base).get("__init__"), "adopted")), None
    )
    given = vars(cls).get("__init__", given)
    if given is None:
        return False
    cls.__init__ = _wrapped(cls, getattr(given, "adopted", given))  # type: ignore[misc]
    cls.__annotations__ = {**inspect.get_annotations(cls), KEPT: "Any"}
    setattr(cls, KEPT, item(default=None, kw_only=True))
    return True


def settle(cls: type) -> None:
    """Let objects of an adopted class, now a dataclass, be set while they are made, and be read afterwards."""
    setattr(cls, "__setattr__", _set)  # noqa: B010
    setattr(cls, "__delattr__", _refuse)  # noqa: B010
    readers: dict[str, Callable] = {"__getattr__": _read, "__repr__": _shown, "get_config": _config}
    for name, method in readers.items():
        if all(name not in vars(base) or base.__module__.startswith("jindan.") for base in cls.__mro__[:-1]):
            setattr(cls, name, method)
    if not any("from_config" in vars(base) for base in cls.__mro__ if not base.__module__.startswith("jindan.")):
        cls.from_config = classmethod(lambda kind, config: kind(**config))  # type: ignore[attr-defined]


def acting(value: Any, swap: Callable) -> Any:
    """A copy whose kept values are `swap` of them."""
    copy = object.__new__(type(value))
    for field in fields(value):
        object.__setattr__(copy, field.name, getattr(value, field.name))
    kept = getattr(value, KEPT, None)
    object.__setattr__(copy, KEPT, Kept({} if kept is None else _swapped(kept.values, swap)))
    return copy


def _wrapped(cls: type, given: Callable) -> Callable:
    @functools.wraps(given)
    def __init__(self: Any, *args: Any, **named: Any) -> None:
        if type(self) is not cls:  # an `__init__` of a class made from this one calls it
            given(self, *args, **named)
            return
        known = [field.name for field in fields(cls)]  # type: ignore[arg-type]
        kept = named.get(KEPT)
        if kept is None:
            given(self, *args, **named)
            kept = Kept({name: value for name, value in vars(self).items() if name not in known})
            for name in kept.values:
                object.__delattr__(self, name)
            named = {name: value for name, value in vars(self).items() if name in known}
        for field in fields(cls):  # type: ignore[arg-type]
            value = named.get(field.name, field.default)
            if value is not MISSING:
                object.__setattr__(self, field.name, value)
        object.__setattr__(self, KEPT, Kept.of(kept) if isinstance(kept, Mapping) else kept)
        self.__post_init__()  # type: ignore[attr-defined]

    __init__.__dict__["adopted"] = given
    return __init__


def _set(self: Any, name: str, value: Any) -> None:
    if vars(self).get(KEPT) is not None:
        _refuse(self, name, value)
    object.__setattr__(self, name, value)


def _refuse(self: Any, name: str, *value: Any) -> NoReturn:
    kind = type(self).__name__
    raise InputError(
        f"What a {self.kind} holds does not change once it is made.", where=f"{name} of {kind}",
        expected=f"a {self.kind} made anew, with the other value",
        received=f"self.{name} = …" if value else f"del self.{name}",
        help="It is part of a compiled program, which sees what `__init__` set. A sum over batches is a variable: "
        "self.total = self.add_variable((), \"zeros\") in `__init__`, self.total.assign_add(…) in `update_state`."
        if self.kind == "metric" else "It is part of a compiled program, which sees what `__init__` set.",
    )  # fmt: skip


def _read(self: Any, name: str) -> Any:
    kept = vars(self).get(KEPT)
    if kept is None or name not in kept.values:
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}", name=name, obj=self)
    return kept.values[name]


def _config(self: Any) -> dict[str, Any]:
    """The fields that the base knows, as in Keras; a `get_config` of one's own adds what its `__init__` takes."""
    return {name: value for name, value in Spec.get_config(self).items() if name != KEPT}


def _shown(self: Any) -> str:
    given = {field.name: (getattr(self, field.name), field.default) for field in fields(self) if field.name != KEPT}
    plain = {name: value for name, (value, default) in given.items() if value != default}
    told = {**plain, **{name: value for name, value in getattr(self, KEPT).values.items() if name[0] != "_"}}
    return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in told.items())})"


def _swapped(value: Any, swap: Callable) -> Any:
    if isinstance(value, (tuple, list)):
        return type(value)(_swapped(entry, swap) for entry in value)
    if isinstance(value, dict):
        return {name: _swapped(entry, swap) for name, entry in value.items()}
    return swap(value)


def _by_content(value: Any) -> Any:
    if isinstance(value, Spec) or hasattr(value, "by_content"):
        return value
    if isinstance(value, (tuple, list)):
        return type(value), tuple(map(_by_content, value))
    if isinstance(value, dict):
        return tuple((name, _by_content(value[name])) for name in sorted(value, key=str))
    if hasattr(value, "tobytes") and hasattr(value, "dtype"):
        return value.shape, str(value.dtype), value.tobytes()  # from a file it is NumPy's, whosever it was
    return _content(value, 4)


def _to_json(name: str, value: Any) -> Any:
    if isinstance(value, (bool, int, float, str, type(None))):
        return value
    if isinstance(value, Spec):
        return {"kind": value.kind, "value": to_json(value)}
    if hasattr(value, "by_content"):
        return {"kind": "sum", "value": list(value.shape), "name": value.name}
    if hasattr(value, "tolist"):
        return {"kind": "array", "value": value.tolist(), "dtype": str(value.dtype)}
    if isinstance(value, (tuple, list)):
        return {"kind": type(value).__name__, "value": [_to_json(name, entry) for entry in value]}
    raise InputError(
        "What an `__init__` of your own set cannot be written to a file.", where=name,
        expected="numbers, text, arrays, parts of jindan, or lists of them", received=type(value).__name__,
        help="Let `__init__` set such values, and `call` or `update_state` make of them what it needs.",
    )  # fmt: skip


def _from_json(value: Any) -> Any:
    if not isinstance(value, Mapping):
        return value
    kind, body = value["kind"], value["value"]
    if kind in ("tuple", "list"):
        return (tuple if kind == "tuple" else list)(map(_from_json, body))
    if kind == "array":
        return np.asarray(body, value["dtype"])
    if kind == "sum":
        from .metric_state import Sum

        return Sum(tuple(body), value["name"])
    return from_json(kind, body)


__all__ = defined(globals())
