"""Layers that learn from data before training, by `adapt`, and what they make of arrays at once, outside of a model."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from .base import Context, Layer
from .core import Input
from .graph import Symbol

MADE = ("_parted", "_places")  # what layers keep that was made of their settings
OF_GRAPHS = ("origin", "training", "mask")  # what a call may say that changes nothing here


class Immediate(Layer, abstract=True):
    """Base: on values of a graph the layer is connected as any other, on arrays and lists it computes at once."""

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Connect the layer in a graph, or compute what it makes of an array or list, as an array of NumPy."""
        first = inputs[0] if inputs else ()
        several = first if isinstance(first, (list, tuple)) else [first]
        if not inputs or any(isinstance(value, (Symbol, Input, jax.core.Tracer)) for value in several):
            return super().__call__(*inputs, **named)
        return self.of(*inputs, **{name: value for name, value in named.items() if name not in OF_GRAPHS})

    def of(self, values: Any) -> np.ndarray:
        """What the layer makes of an array or list of numbers."""
        return self.computed(np.asarray(values))

    def computed(self, x: np.ndarray) -> np.ndarray:
        """What the layer's own computation makes of an array."""
        shape = tuple(x.shape[1:])
        dtype = jnp.zeros(0).dtype
        w = {name: jnp.asarray(each.initializer(each.shape, dtype, None)) for name, each in self.weights(shape).items()}
        return np.asarray(self.apply(w, jnp.asarray(x), Context()))


class Adapting(Immediate, abstract=True):
    """Base of layers that take numbers or words from data by `adapt`; models that they were put into follow.

    Attributes:
        learns: The settings that `adapt` changes.
    """

    learns: ClassVar[tuple[str, ...]] = ()

    def adapt(self, data: Any) -> Self:
        """Learn from data; returns the layer itself."""
        raise NotImplementedError

    @property
    def learnt(self) -> dict[str, Any]:
        """What it has learnt, by setting."""
        return {name: getattr(self, name) for name in self.learns}

    def placed(self, model: Any, name: str) -> None:
        """Note a model that the layer was put into, under that name, to tell it of what is learnt later."""
        self.__dict__.setdefault("_placed", []).append((weakref.ref(model), name))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_placed"}

    def _learn(self, **found: Any) -> Self:
        """Settle what was learnt, here and in the models that the layer was put into."""
        for name, value in found.items():
            object.__setattr__(self, name, value)
        for name in MADE:
            self.__dict__.pop(name, None)
        for model, name in self.__dict__.get("_placed", ()):
            if model() is not None:
                model().adapted(name, self)
        return self


def batches_of(data: Any, steps: int | None) -> Iterator[Any]:
    """The batches of what `adapt` was given: an array or list is one, an iterator gives several, `steps` at most."""
    if isinstance(data, (str, list, tuple)) or hasattr(data, "shape") or hasattr(data, "to_list"):
        yield data
    elif isinstance(data, Iterable):
        yield from islice(data, steps)
    else:
        raise InputError(
            "There is nothing to adapt to.", where="adapt", expected="an array, a list, or an iterator of batches",
            received=type(data).__name__, help="layer.adapt(rows)",
        )  # fmt: skip


def finite(values: Any, layer: str) -> np.ndarray:
    """Rows of numbers to adapt to, (rows, …).

    Raises:
        InputError: when there are none, or they hold NaN or infinities.
    """
    try:
        values = np.asarray(values, np.float64)
    except (TypeError, ValueError):
        raise InputError(
            "Rows to adapt to must hold finite numbers.", where=f"adapt of {layer}", expected="finite numbers",
            received=f"values such as {np.ravel(np.array(values, dtype=object))[0]!r}",
            help="Layers of strings are StringLookup and TextVectorization.",
        ) from None  # fmt: skip
    if values.ndim == 1:
        values = values[:, None]
    if values.ndim == 0 or not values.size:
        raise InputError(
            "There are no rows to adapt to.", where=f"adapt of {layer}", expected="(rows, …)",
            received=f"an array of shape {values.shape}", help="Give the rows of training.",
        )  # fmt: skip
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        raise InputError(
            "Rows to adapt to must hold finite numbers.", where=f"adapt of {layer}", expected="finite numbers",
            received=f"{values[tuple(bad[0])]} in row {bad[0, 0]}, place {tuple(map(int, bad[0, 1:]))}; "
            f"{len(bad)} such in all",
            help="Fill in missing values, or leave those rows out, before adapt.",
        )  # fmt: skip
    return values
