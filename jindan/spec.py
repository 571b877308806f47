"""Spec: the immutable, named values a Plan is made of; their rules, JSON form and traced numbers."""

from __future__ import annotations

import contextlib
import dataclasses
import numbers
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass
from typing import Any, ClassVar, Self, dataclass_transform

from .errors import InputError, UnknownNameError, suggestion
from .rules import COUNT, FRACTION, NOT_NEGATIVE, POSITIVE, UNIT, Choice, Number  # noqa: F401

_CLASSES: dict[str, dict[str, type[Spec]]] = {}
_FUNCTIONS: dict[str, dict[str, Callable]] = {}


def item(
    *,
    default: Any = MISSING,
    rule: Number | Choice | None = None,
    kind: str | None = None,
    traced: bool = False,
    host: bool = False,
    optional: bool = False,
    kw_only: bool = False,
) -> Any:
    """One field of a Spec.

    Args:
        default: The value where the user gives none.
        rule: What is accepted; used by the error message and by the tests.
        kind: The registry in which names are looked up ("initializer", "loss", …).
        traced: The number enters the compiled program as an array value, so that plans which differ only in it share
            one program. A zero stays part of the structure: a traced zero would still cost its computation.
        host: The value is used outside the compiled program only, and so is no part of the structure.
        optional: None is accepted too.
        kw_only: Given by keyword only.
    """
    metadata = {"rule": rule, "kind": kind, "traced": traced, "host": host, "optional": optional or default is None}
    return dataclasses.field(default=default, kw_only=kw_only, metadata=metadata)


@dataclass_transform(frozen_default=True, field_specifiers=(item, dataclasses.field))
class Spec:
    """Base of layers, losses, optimizers, …: a frozen dataclass known by its name within its kind.

    A subclass lists its fields; construction turns names into objects, checks the rules and makes lists tuples.
    """

    kind: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, kind: str | None = None, abstract: bool = False, **options: Any) -> None:
        super().__init_subclass__(**options)
        if kind is not None:
            cls.kind = kind
        dataclass(frozen=True, repr=False, eq=False)(cls)
        if cls.kind and kind is None and not abstract and not cls.__name__.startswith("_"):
            table = _CLASSES.setdefault(cls.kind, {})
            for name in (cls.__name__, *cls.__dict__.get("aliases", ())):
                known = table.get(_key(name))
                if known is not None and known.__module__.startswith("jindan.") and known.__module__ != cls.__module__:
                    raise InputError(
                        f"A {cls.kind} of jindan goes by this name already.", where=f"class {cls.__name__}",
                        expected="a name of its own", received=name, help="Saved models find their parts by name.",
                    )  # fmt: skip
                table[_key(name)] = cls

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            settled = _settle(self, field, value)
            if settled is not value:
                object.__setattr__(self, field.name, settled)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and _hashable(self) == _hashable(other)

    def __hash__(self) -> int:
        return hash(_hashable(self))

    def __getstate__(self) -> dict[str, Any]:
        # Parts are kept by identity of their marks, which a copy from another process would not share; the weights of a
        # layer object belong to it alone.
        return {name: value for name, value in self.__dict__.items() if name not in ("_parted", "_shared")}

    def replace(self, **changes: Any) -> Self:
        """A copy with some fields changed."""
        return dataclasses.replace(self, **changes)  # type: ignore[type-var]

    def get_config(self) -> dict[str, Any]:
        """The fields by name, as Keras calls it."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Any:
        """Undo `get_config`."""
        return from_json(cls.kind, {"type": cls.__name__, **config})

    def __repr__(self) -> str:
        shown = []
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            value = getattr(self, field.name)
            if field.default is MISSING or not _same(value, _settled_default(type(self), field)):
                shown.append(f"{field.name}={value!r}")
        return f"{type(self).__name__}({', '.join(shown)})"


def register(kind: str, name: str, function: Callable) -> Callable:
    """Give a function of yours a name, so that a saved plan can refer to it.

    Args:
        kind: "loss", "metric" or "activation", which is that of every function in a layer, `Lambda` among them.
        name: The name to use in plans; the function must be registered again before such a plan is loaded.
        function: The JAX function.
    """
    _FUNCTIONS.setdefault(kind, {})[_key(name)] = function
    function.__dict__["_jindan_name"] = name
    return function


def names(kind: str) -> list[str]:
    """Every name known for a kind, class names first."""
    table = _CLASSES.get(kind, {})
    found = list(dict.fromkeys(cls.__name__ for cls in table.values()))
    aliases = [alias for cls in dict.fromkeys(table.values()) for alias in cls.__dict__.get("aliases", ())]
    return found + aliases + list(_FUNCTIONS.get(kind, {}))


def classes(kind: str) -> list[type[Spec]]:
    """Every class registered for a kind, once each."""
    return list(dict.fromkeys(_CLASSES.get(kind, {}).values()))


def get(kind: str, identifier: Any, *, where: object = None) -> Any:
    """Turn a name, JSON object, class, Spec or function into the value of that kind.

    Raises:
        UnknownNameError: when no such name is registered.
        InputError: when it is of another kind, or a class that needs arguments.
    """
    if isinstance(identifier, Spec):
        if identifier.kind != kind and not (kind == "activation" and identifier.kind == "layer"):
            raise InputError(
                f"A {identifier.kind} stands where a {kind} belongs.", where=where, received=identifier,
                expected=f"a {kind}: {', '.join(names(kind)[:12])}, …",
                help=f"Use something from jindan.{_room(kind)}.",
            )  # fmt: skip
        return identifier
    if isinstance(identifier, type) and (kind != "activation" or issubclass(identifier, Spec)):
        return get(kind, _made(kind, identifier, where), where=where)
    if isinstance(identifier, Mapping):
        return from_json(kind, identifier)
    if isinstance(identifier, str):
        key = _key(identifier)
        if key in _CLASSES.get(kind, {}):
            return _CLASSES[kind][key]()
        if key in _FUNCTIONS.get(kind, {}):
            return _FUNCTIONS[kind][key]
        raise UnknownNameError(kind, identifier, names(kind), where=where)
    if callable(identifier):
        return getattr(identifier, "stands_for", identifier)
    raise InputError(
        f"This is not a {kind}.", where=where, expected=f"a name, an object from jindan.{_room(kind)} or a function",
        received=f"{identifier!r} ({type(identifier).__name__})",
        help=f"For instance {names(kind)[0]!r}." if names(kind) else None,
    )  # fmt: skip


def to_json(value: Any) -> Any:
    """The JSON form: a Spec is `{"type": …}` with the fields that differ from their default."""
    if isinstance(value, Spec):
        body: dict[str, Any] = {"type": type(value).__name__}
        for field in dataclasses.fields(value):  # type: ignore[arg-type]
            current = getattr(value, field.name)
            if field.default is MISSING or not _same(current, _settled_default(type(value), field)):
                body[field.name] = to_json(current)
        return body
    if isinstance(value, (tuple, list)):
        return [to_json(entry) for entry in value]
    if isinstance(value, Mapping):
        return {str(key): to_json(entry) for key, entry in value.items()}
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "to_dict"):
        return value.to_dict()
    if callable(value):
        name = getattr(value, "_jindan_name", None)
        if name is None:
            raise InputError(
                "A function of your own cannot be written to a file by itself.",
                where=getattr(value, "__name__", repr(value)), expected="a name registered with jindan",
                received=repr(value),
                help='Call jindan.register("activation", "mine", mine) once, before saving and before loading, for the '
                'function of a Lambda or an activation; for a loss or a metric the kind is "loss" or "metric".',
            )  # fmt: skip
        return name
    return value


def from_json(kind: str, body: Any) -> Any:
    """Undo `to_json` for a value of a kind."""
    if not isinstance(body, Mapping):
        return get(kind, body)
    body = dict(body)
    name = body.pop("type", body.pop("class_name", body.pop("name", None) if "type" not in body else None))
    if "config" in body and isinstance(body["config"], Mapping):
        body = dict(body["config"])
    table = _CLASSES.get(kind, {})
    cls = table.get(_key(str(name)))
    if cls is None and kind == "activation":
        cls = _CLASSES.get("layer", {}).get(_key(str(name)))
    if cls is None:
        advice = f"A class of your own has to be there, defined or imported, before a {kind} of it is read."
        raise UnknownNameError(kind, name, names(kind), help=suggestion(str(name), names(kind)) or advice)
    fields = dataclasses.fields(cls)  # type: ignore[arg-type]
    known = {field.name for field in fields}
    for key in body:
        if key not in known:
            raise UnknownNameError(f"setting of {cls.__name__}", key, sorted(known))
    required = [field for field in fields if field.default is MISSING and field.name not in body]
    if required:
        expected = ", ".join(f"{field.name} = {field.metadata.get('rule') or 'a value'}" for field in required)
        raise InputError("A setting is missing.", where=cls.__name__, expected=expected, received=body or "none")
    return cls(**body)


# -- traced numbers ---------------------------------------------------------------------------------------------


def split(value: Any, path: tuple = ()) -> tuple[Any, dict[tuple, float]]:
    """Part a Spec into its structure (hashable) and its traced numbers by path.

    Two plans with equal structures run as one compiled program.
    """
    if isinstance(value, Spec):
        if "_parted" not in value.__dict__:
            # Kept with the value, which never changes: a thousand plans that differ in a seed share their layers.
            object.__setattr__(value, "_parted", _parted(value))
        structure, found = value.__dict__["_parted"]
        return structure, {(*path, *inner): number for inner, number in found.items()}
    if isinstance(value, tuple):
        pairs = [split(entry, (*path, index)) for index, entry in enumerate(value)]
        return (_TUPLE, tuple(inner for inner, _ in pairs)), {k: v for _, inside in pairs for k, v in inside.items()}
    if hasattr(value, "tobytes"):
        return (_ARRAY, value.shape, str(value.dtype), value.tobytes()), {}
    return value, {}


def _parted(value: Spec) -> tuple[Any, dict[tuple, float]]:
    fields: list[tuple[str, Any]] = []
    found: dict[tuple, float] = {}
    for field in dataclasses.fields(value):  # type: ignore[arg-type]
        current = getattr(value, field.name)
        if field.metadata.get("host"):
            continue
        here = (field.name,)
        if field.metadata.get("traced") and isinstance(current, numbers.Real) and not isinstance(current, bool):
            if current == 0:
                fields.append((field.name, 0.0))
            else:
                found[here] = float(current)
                fields.append((field.name, _HOLE))
        else:
            inner, numbers_inside = split(current, here)
            fields.append((field.name, inner))
            found.update(numbers_inside)
    return (_SPEC, type(value), tuple(fields)), found


def merge(structure: Any, values: Mapping[tuple, Any], path: tuple = ()) -> Any:
    """Undo `split`, with the numbers (or tracers) of `values` in the holes; host fields are None."""
    if isinstance(structure, tuple) and structure and structure[0] is _SPEC:
        _, cls, fields = structure
        result = object.__new__(cls)
        for field in dataclasses.fields(cls):
            object.__setattr__(result, field.name, None)
        for name, inner in fields:
            here = (*path, name)
            object.__setattr__(result, name, values[here] if inner is _HOLE else merge(inner, values, here))
        return result
    if isinstance(structure, tuple) and structure and structure[0] is _TUPLE:
        return tuple(merge(inner, values, (*path, index)) for index, inner in enumerate(structure[1]))
    if isinstance(structure, tuple) and structure and structure[0] is _ARRAY:
        import numpy as np

        return np.frombuffer(structure[3], dtype=structure[2]).reshape(structure[1])
    return structure


class _Mark:
    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


_HOLE, _SPEC, _TUPLE, _ARRAY = _Mark("?"), _Mark("Spec"), _Mark("tuple"), _Mark("array")


def with_fields(value: Any, **changes: Any) -> Any:
    """A copy with fields changed and nothing checked: for Specs that hold tracers."""
    result = object.__new__(type(value))
    for field in dataclasses.fields(value):
        object.__setattr__(result, field.name, changes.get(field.name, getattr(value, field.name)))
    return result


# -- helpers ----------------------------------------------------------------------------------------------------


def _made(kind: str, cls: type, where: object) -> Any:
    """What a class gives without arguments, as Keras takes classes."""
    advice = f"If its objects can serve, call it: {cls.__name__}()."
    if issubclass(cls, Spec):
        with contextlib.suppress(TypeError):
            return cls()
        needed = [f"{field.name}=…" for field in dataclasses.fields(cls) if field.default is MISSING]  # type: ignore[arg-type]
        advice = f"Call it: {cls.__name__}({', '.join(needed) or '…'})."
    raise InputError(
        f"A class stands where a {kind} belongs.", where=where, expected=f"an object from jindan.{_room(kind)}",
        received=f"the class {cls.__name__}", help=advice,
    )  # fmt: skip


def _room(kind: str) -> str:
    return "layers" if kind == "cell" else kind + ("es" if kind.endswith("s") else "s")


def _key(name: str) -> str:
    return re.sub(r"[\s_\-]", "", name).casefold()


def _hashable(value: Any) -> Any:
    """A value that compares and hashes by content, arrays included."""
    if isinstance(value, Spec):
        return (type(value), *(_hashable(getattr(value, f.name)) for f in dataclasses.fields(value)))  # type: ignore[arg-type]
    if isinstance(value, tuple):
        return tuple(_hashable(entry) for entry in value)
    if hasattr(value, "tobytes"):
        return (getattr(value, "shape", ()), str(value.dtype), value.tobytes())
    return value


def _same(a: Any, b: Any) -> bool:
    if hasattr(a, "tobytes") or hasattr(b, "tobytes"):
        return a is b
    return type(a) is type(b) and a == b


def _settled_default(cls: type, field: dataclasses.Field) -> Any:
    """The default as construction would store it, so that `kernel_initializer="zeros"` equals `Zeros()`."""
    kind = field.metadata.get("kind")
    if field.default is MISSING or (field.default is None and kind != "activation"):
        return field.default
    if kind is None or isinstance(field.default, numbers.Real):
        return field.default
    return _settle_kind(kind, field.default, cls.__name__)


def _settle_kind(kind: str, value: Any, where: str) -> Any:
    if kind == "activation":
        from .activations import canonical

        return canonical(value, where=where)
    if kind.endswith("*"):
        several = (value,) if isinstance(value, (Spec, str, dict)) or not hasattr(value, "__iter__") else value
        return tuple(get(kind[:-1], entry, where=where) for entry in several)
    return get(kind, value, where=where)


def _settle(owner: Spec, field: dataclasses.Field, value: Any) -> Any:
    rule, kind = field.metadata.get("rule"), field.metadata.get("kind")
    # The fields of a plan are arguments of `compile` and `fit`, too, where nobody sees a plan.
    who = field.name if owner.kind == "plan" else f"{field.name} of {type(owner).__name__}"
    if isinstance(value, list):
        value = tuple(value)
    if value is None:
        if field.metadata.get("optional", True) or kind == "activation":
            return _settle_kind(kind, None, who) if kind == "activation" else None
    elif kind is not None and not (field.metadata.get("traced") and isinstance(value, numbers.Real)):
        return _settle_kind(kind, value, who)
    if rule is None:
        return value
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 and type(value).__module__ == "numpy":
        value = value.item()
    if isinstance(rule, Number) and rule.integer and isinstance(value, float) and value.is_integer():
        value = int(value)
    if not rule.accepts(value):
        raise InputError(
            f"The {field.name} of {type(owner).__name__} must be {rule}.", where=who, expected=rule,
            received=repr(value), help=None if field.default is MISSING else f"The default is {field.default!r}.",
        )  # fmt: skip
    return value
