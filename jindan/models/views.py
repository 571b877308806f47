"""LayerView: a layer as a member of a model, with its weights, as Keras users handle it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from ..errors import suggestion
from ..layers.adapting import Adapting
from ..layers.base import Layer, Shape
from ..layers.shared import Shared, fill
from ..layers.vocabulary import Vocabulary

if TYPE_CHECKING:
    from .layered import Layered


class LayerView:
    """One layer of a model. Settings are the layer's own (`view.units`) and may be set; weights are the model's."""

    _model: Layered
    _index: int
    _within: str

    def __init__(self, model: Layered, index: int, within: str = "") -> None:
        self.__dict__.update(_model=model, _index=index, _within=within)

    @property
    def spec(self) -> Layer:
        """The layer's description."""
        return self._model.specs[self._index]

    @property
    def name(self) -> str:
        return (self.spec.name or type(self.spec).__name__.lower()).removeprefix(self._within)

    @property
    def trainable(self) -> bool:
        """Whether training changes its weights; may be set."""
        return self.spec.trainable

    @property
    def output_shape(self) -> Shape | None:
        """Shape of one output row, None before the input shape is known."""
        network = self._model.network
        return None if network is None else network.shapes[self._index]

    @property
    def input_shape(self) -> Shape | None:
        """Shape of one input row, None before it is known."""
        network = self._model.network
        return None if network is None else network.shapes_in[self._index]

    @property
    def shared(self) -> Shared:
        """What it is in all models that it stands in."""
        return self._model._held[self._index]

    def get_weights(self) -> list[np.ndarray]:
        """Copies of its arrays, in Keras's order: kernel, bias."""
        return [np.array(w) for w in self._model.ready_weights()[self._index].values()]

    def set_weights(self, weights: list[Any]) -> None:
        """Replace its arrays.

        Raises:
            ShapeError: when number or shapes differ.
        """
        full = list(self._model.ready_weights())
        own = full[self._index]
        full[self._index] = fill(own, weights, self._model.network.title(self._index))  # type: ignore[union-attr]
        self._model.put_weights(tuple(full))

    @property
    def weights(self) -> list[np.ndarray]:
        """Copies of its arrays that cannot be written to; `set_weights` replaces them."""
        return sealed(self.get_weights())

    @property
    def kernel(self) -> np.ndarray:
        return sealed([np.array(self._model.ready_weights()[self._index]["kernel"])])[0]

    @property
    def bias(self) -> np.ndarray:
        return sealed([np.array(self._model.ready_weights()[self._index]["bias"])])[0]

    def count_params(self) -> int:
        """Numbers in its weights."""
        return sum(int(np.prod(w.shape)) for w in (self._model.asked(self._index) or {}).values())

    def count_trained(self) -> int:
        """Numbers in its weights that training changes."""
        asked = self._model.asked(self._index) or {}
        return sum(int(np.prod(w.shape)) for w in asked.values() if self.spec.trainable and w.trainable)

    def get_config(self) -> dict[str, Any]:
        """Its settings by name."""
        return self.spec.get_config()

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            return getattr(self.spec, name)
        except AttributeError:
            self._unknown(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._settings():
            self._unknown(name)
        if name == "trainable":
            self._model.set_trainable([self._index], bool(value))
            return
        if name == "name":
            value = f"{self._within}{value}"
        # The layer is a frozen value: it is replaced by one that differs, which is checked as any other.
        self._model.replace_layer(self._index, self.spec.replace(**{name: value}))

    def _settings(self) -> list[str]:
        return [field.name for field in dataclasses.fields(self.spec)]  # type: ignore[arg-type]

    def _unknown(self, name: str) -> NoReturn:
        kind = type(self.spec).__name__
        if hasattr(type(self), name):
            raise AttributeError(f"{name} of {kind} cannot be set so; weights are set by set_weights([…]).")
        near = suggestion(name, [*self._settings(), "kernel", "bias", "weights"])
        raise AttributeError(f"{kind} has no {name!r}. {near or 'Its settings: ' + ', '.join(self._settings())}")

    @property
    def output(self) -> Any:
        """What it gives, as a value of a graph: `Model(model.inputs, model.get_layer("trunk").output)`."""
        return self._model.symbols()[1][self._index]

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Connect it, with its weights, to values of another graph."""
        return self.spec(*inputs, origin=self.shared, **named)

    def adapt(self, data: Any, **named: Any) -> LayerView:
        """Of a layer that learns before training (Normalization, TextVectorization, …): learn from rows."""
        if not isinstance(self.spec, Adapting):
            self._unknown("adapt")
        self._model.adapted(str(self.spec.name), self.spec.replace().adapt(data, **named))
        return self

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Of a layer that numbers tokens: another vocabulary."""
        if not isinstance(self.spec, Vocabulary):
            self._unknown("set_vocabulary")
        changed = self.spec.replace()
        changed.set_vocabulary(vocabulary, idf_weights)
        self._model.adapted(str(self.spec.name), changed)

    def __repr__(self) -> str:
        return f"<{self.spec!r} of {self._model.name!r}>"


def sealed(arrays: list[np.ndarray]) -> list[np.ndarray]:
    """Copies of weights that cannot be written to: what is written there would be lost in silence.

    >>> sealed([np.zeros(2)])[0][:] = 1
    Traceback (most recent call last):
    ValueError: assignment destination is read-only
    """
    for array in arrays:
        array.flags.writeable = False
    return arrays
