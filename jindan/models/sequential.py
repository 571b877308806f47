"""Sequential: layers one on another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..errors import InputError
from ..layers.base import Layer
from ..layers.core import Input
from ..spec import get
from .layered import Layered
from .model import Model
from .views import LayerView


class Sequential(Model):
    """A stack of layers.

    >>> import numpy as np
    >>> from jindan.layers import Dense
    >>> model = Sequential([Dense(8, activation="relu", input_shape=(2,)), Dense(1, activation="sigmoid")])
    >>> model.compile(optimizer="adam", loss="binary_crossentropy", metrics=["accuracy"])
    >>> X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    >>> history = model.fit(X, y, epochs=300, batch_size=4, seed=0)
    >>> len(history.history["loss"]), model.predict(X).shape
    (300, (4, 1))

    Args:
        layers: Layers from input to output, or models, whose layers and weights are taken over; an `Input` gives the
            shape of a row and is no layer of its own.
        name: For people.
        dtype: "float32" or "float64"; None is float64 where JAX was told to use it (`jax_enable_x64`).
    """

    def __init__(
        self, layers: Iterable[Any] | None = None, name: str = "sequential", *, dtype: str | None = None
    ) -> None:
        Layered.__init__(self, name, dtype)
        given = list(layers or ())
        self._taken = {layer.name for layer in given if isinstance(layer, Layer) and layer.name is not None}
        for layer in given:
            self.add(layer)
        self._taken = set()

    def add(self, layer: Any) -> None:
        """Put a layer on top, or all layers of a model. Weights the layers have are kept."""
        if isinstance(layer, Layered):
            self._take_over(layer)
            return
        lent = None
        if isinstance(layer, LayerView):
            lent = layer.own_weights()
            # A name it was given by another model need not be kept.
            clash = layer.name in {spec.name for spec in self.specs}
            layer = layer.spec.replace(name=None) if clash else layer.spec
        layer = get("layer", layer, where=f"layer {len(self.specs) + 1}")
        if not isinstance(layer, Layer):
            raise InputError(
                "This is not a layer.", where=f"layer {len(self.specs) + 1}", expected="a layer such as Dense(30)",
                received=repr(layer), help="Put functions into Activation(function).",
            )  # fmt: skip
        if layer.input_shape is not None and not self.specs and None not in layer.input_shape:
            self.input_shape = tuple(layer.input_shape)
        if isinstance(layer, Input):
            if self.specs:
                raise InputError(
                    "Input belongs at the bottom of the stack.", where=f"layer {len(self.specs) + 1}",
                    expected="Input before every other layer", received="Input", help="Remove it.",
                )  # fmt: skip
            return
        layer = self._called(layer, self._taken)
        if lent is not None:
            self._lent[layer.name] = lent  # type: ignore[index]
        self.specs = (*self.specs, layer)
        self._changed()

    def _take_over(self, model: Layered) -> None:
        if model.wiring is not None:
            raise InputError(
                "A graph of layers is not one layer of a stack.", where=f"layer {len(self.specs) + 1}",
                expected="a Sequential, or single layers", received=repr(model.name),
                help="In a functional Model it is called: y = model(x).",
            )  # fmt: skip
        if not self.specs and model.input_shape is not None:
            self.input_shape = tuple(model.input_shape)
        for view in model.layers:
            self.add(view)

    def pop(self) -> None:
        """Take the top layer off."""
        self.specs = self.specs[:-1]
        self._changed()

    def __repr__(self) -> str:
        return f"Sequential({', '.join(repr(spec) for spec in self.specs)})"
