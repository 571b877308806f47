"""A layer is a value: what to do in place of setting an attribute of one that is made."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any, NoReturn

from ..errors import InputError, suggestion

LONGEST = 60
"""Characters of a value that a message repeats."""


AS_IN_KERAS = (
    "What connects layers in `call` is a model: class {kind}(jindan.models.Model) stands among layers as well. What "
    "has weights of its own is a layer with fields in place of `__init__`, `weights` in place of `build` and `apply` "
    "in place of `call`. See “A layer of your own” in the guide."
)
"""What becomes of a layer written for Keras."""


class SettledError(InputError, FrozenInstanceError):
    """A setting of a layer that stands already is to be changed."""


def refuse_change(self: Any, name: str, *value: Any) -> NoReturn:
    """Stand in the place of `__setattr__` and `__delattr__` of a layer.

    Raises:
        SettledError: always.

    >>> from jindan.layers import Dense
    >>> Dense(8).trainable = False
    Traceback (most recent call last):
    ...
    jindan.layers.settled.SettledError: A layer is a value: its settings do not change once it is made.
      where:    trainable of Dense
      expected: Dense(…, trainable=False)
      received: layer.trainable = False
      help: Give it where the layer is made, or take a copy: layer.replace(trainable=False). The layer of a model can \
be set: model.layers[0].trainable = False.
    """
    kind, known = type(self).__name__, [field.name for field in fields(self) if field.init]
    shown = repr(value[0]) if value and len(repr(value[0])) <= LONGEST else "…"
    received = f"layer.{name} = {shown}" if value else f"del layer.{name}"
    if name not in known:
        own = vars(type(self))
        keras = "call" in own and "apply" not in own and type(self).kind == "layer"
        raise SettledError(
            f"A {kind} has no setting of this name, and takes no new ones.", where=f"{name} of {kind}",
            expected=f"one of: {', '.join(known)}", received=received,
            help=AS_IN_KERAS.format(kind=kind) if keras
            else suggestion(name, known) or f"In a class of your own, declare it as a setting: {name}: float = 1.0.",
        )  # fmt: skip
    setting = f"{name}={shown}"
    raise SettledError(
        "A layer is a value: its settings do not change once it is made.", where=f"{name} of {kind}",
        expected=f"{kind}(…, {setting})", received=received,
        help=f"Give it where the layer is made, or take a copy: layer.replace({setting}). The layer of a model can be "
        f"set: model.layers[0].{name} = {shown}." if value else f"layer.replace({setting}) is a copy that differs.",
    )  # fmt: skip


def settle(cls: type) -> None:
    """Put the error that says what to do in the place of the one of dataclasses, which gives each class its own."""
    for name in ("__setattr__", "__delattr__"):
        setattr(cls, name, refuse_change)
