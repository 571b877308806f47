"""`from jindan.losses import *` and its like bring what a module makes, and nothing it imports."""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

from docs.build import ROOMS
from jindan.lazy import defined

EXTRA = {"jindan.metrics": {"Metric", "confusion_matrix"}}  # their homes are files of their own


@pytest.mark.parametrize("room", ROOMS)
def test_a_star_brings_the_public_names_alone(room):
    brought: dict[str, object] = {}
    exec(f"from {room} import *", brought)
    del brought["__builtins__"]
    module = importlib.import_module(room)
    assert set(brought) == set(module.__all__)
    assert len(module.__all__) == len(set(module.__all__)), "a name stands twice"
    if room == "jindan":
        return
    for name, value in brought.items():
        assert not isinstance(value, ModuleType), name
        assert inspect.getmodule(value).__name__.split(".")[0] == "jindan", name
    if not hasattr(module, "__path__"):
        assert set(brought) == {*defined(vars(module)), *EXTRA.get(room, ())}
