"""Lazy names of a package: each is imported when first used, so that importing the package stays cheap."""

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
