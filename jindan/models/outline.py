"""Outline: what is known of layers while lengths of a row are open, which is what any two lengths have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..errors import JindanError
from ..layers.base import Weight
from ..layers.network import Network
from .doors import readers, rows_entered

LENGTHS = (96, 144)  # that pooling, strides and heads divide


@dataclass(frozen=True)
class Outline:
    """A network of which lengths are open, as it would be for two of them.

    >>> from jindan.layers import LSTM, Dense, Input
    >>> from jindan.models import Sequential
    >>> model = Sequential([Input((None, 4)), LSTM(2, return_sequences=True), Dense(3)])
    >>> known = outline_of(model)
    >>> known.shape(1), {name: weight.shape for name, weight in known.weights(1).items()}
    ((None, 3), {'kernel': (2, 3), 'bias': (3,)})
    """

    one: Network
    other: Network

    def shape(self, index: int) -> Any:
        """The shape of a row that a layer gives, None in the place of what is open."""
        return _common(self.one.shapes[index], self.other.shapes[index])

    def weights(self, index: int) -> dict[str, Weight] | None:
        """The weights of a layer, None where their shapes depend on what is open."""
        found, other = self.one.specs[index], self.other.specs[index]
        alike = found.keys() == other.keys() and all(found[name].shape == other[name].shape for name in found)
        return found if alike else None


def outline_of(model: Any) -> Outline | None:
    """The outline of a model, None where it leaves no length open, or layers do not go together."""
    if not model._open or not model.specs:
        return None
    try:
        one, other = (_network(model, length) for length in LENGTHS)
        _ = one.specs, other.specs
    except JindanError:
        return None  # told by the first fit, which knows the lengths
    return Outline(one, other)


def _network(model: Any, length: int) -> Network:
    forms = tuple(tuple(length if axis is None else axis for axis in form) for form in model._open)
    shape = rows_entered(forms if len(forms) > 1 else forms[0], readers(model.specs, model.graph))
    return model._network(model.specs, shape)


def _common(one: Any, other: Any) -> Any:
    """The numbers that two shapes share; of several values, one shape each."""
    if isinstance(one, tuple):
        return tuple(_common(a, b) for a, b in zip(one, other, strict=True))
    return one if one == other else None
