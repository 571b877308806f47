"""Public names: of a package, each imported when first used, so that importing it stays cheap; of a module, its own."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def attach(package: str, names: Mapping[str, str], rooms: tuple[str, ...] = ()) -> tuple[Callable, Callable]:
    """`__getattr__` and `__dir__` for a package.

    Args:
        package: Its `__name__`.
        names: Public name → module within the package that defines it.
        rooms: Modules that are public themselves.

    Raises:
        AttributeError: on any other name, with the nearest one.
    """

    def getattr_(name: str) -> Any:
        if name in names:
            value = getattr(importlib.import_module(f"{package}.{names[name]}"), name)
        elif name in rooms:
            value = importlib.import_module(f"{package}.{name}")
        else:
            from .errors import suggestion

            hint = suggestion(name, [*names, *rooms]) or ""
            raise AttributeError(f"module {package!r} has no attribute {name!r}. {hint}".rstrip())
        setattr(sys.modules[package], name, value)
        return value

    return getattr_, lambda: sorted([*names, *rooms, "__version__"] if package == "jindan" else names)


def defined(module: Mapping[str, Any]) -> list[str]:
    """The public classes and functions that a module's `globals()` hold of its own, for its `__all__`.

    >>> from jindan import utils
    >>> "to_categorical" in defined(vars(utils)), "np" in defined(vars(utils))
    (True, False)
    """
    own = {name: value for name, value in module.items() if not name.startswith("_") and callable(value)}
    return [name for name, value in own.items() if getattr(value, "__module__", None) == module["__name__"]]
