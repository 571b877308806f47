"""clone_model: a model like another, with weights of its own."""

from __future__ import annotations

from typing import Any

from ..errors import InputError
from .holding import apart
from .model import Model


def clone_model(model: Any) -> Any:
    """A model of the same layers and connections whose weights are drawn afresh, not compiled; as in Keras.

    `copy.copy(model)` is one that begins with the weights the model has.

    Raises:
        InputError: when this is no model of jindan.
        StateError: when its `call` was not traced yet.

    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> model = Sequential([Dense(2, input_shape=(3,), name="head")], name="base")
    >>> twin = clone_model(model)
    >>> twin.name, twin.layers[0].name, bool((twin.get_weights()[0] == model.get_weights()[0]).any())
    ('base', 'head', False)
    """
    if not isinstance(model, Model):
        raise InputError(
            "Only a model can be cloned.", where="clone_model", expected="a Sequential or Model of jindan",
            received=type(model).__name__, help="layer.replace() is a layer like another.",
        )  # fmt: skip
    if model._untraced:
        model._need_shape()
    made = Model.assembled(tuple(map(apart, model.specs)), model.wiring or model.graph, model.name,
                           model._dtype)  # fmt: skip
    made.input_shape, made._keys = model.input_shape, model._keys
    return made
