"""Shared: what a layer object is in all models that it stands in: one set of arrays, frozen in all or in none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..errors import InputError, ShapeError, StateError

if TYPE_CHECKING:
    from .base import Layer


class Shared:
    """The arrays of a layer, and the settings that count wherever it stands. It knows of no model.

    Attributes:
        arrays: Name → array; None before they were drawn or given. Replaced, never changed in place.
        learned: Whether they were trained or given, or a second model was made of them, and not just drawn.
        placed: Whether a model has it.
        row: Shape of one row that it reads, as far as a model knows.
        settings: Whether it is trained, and what `adapt` took from data.
        changes: How often settings of any layer were changed: models look anew when this has moved.
    """

    changes: ClassVar[int] = 0

    def __init__(self, layer: Layer) -> None:
        self.learned = self.placed = False
        self.row: Any = None
        self.arrays: dict[str, Any] | None = None
        self.settings = {name: getattr(layer, name) for name in ("trainable", *getattr(layer, "learns", ()))}

    def set(self, **settings: Any) -> None:
        """Change settings, in all models that have the layer."""
        self.settings.update(settings)
        Shared.changes += 1

    def on(self, layer: Layer) -> Layer:
        """The layer, as one model describes it, with the settings that count everywhere."""
        changed = {name: value for name, value in self.settings.items() if getattr(layer, name) != value}
        return layer.replace(**changed) if changed else layer

    def settle(self, layer: Layer) -> None:
        """Take the settings of a layer that stands in this one's place."""
        self.set(**{name: getattr(layer, name) for name in self.settings})

    def draw(self, arrays: dict[str, Any]) -> None:
        """Fresh arrays, where there are none."""
        if self.arrays is None:
            self.arrays = arrays

    def take(self, arrays: dict[str, Any]) -> None:
        """Other arrays, trained or given; those that are the present ones, rounded, change nothing."""
        if self.arrays is None or not _same(self.arrays, arrays):
            self.learned = True
            self.arrays = arrays

    def twin(self) -> Shared:
        """The same arrays, apart from now on."""
        made = object.__new__(Shared)
        made.__dict__.update(self.__dict__)
        made.settings = dict(self.settings)
        return made


class Joined(Shared):
    """What a layer that holds a model shares: the arrays of all the model's layers, which are theirs as well.

    Args:
        layer: The layer.
        parts: What the names of a layer's arrays begin with here → what that layer shares.
    """

    def __init__(self, layer: Layer, parts: dict[str, Shared]) -> None:
        self.parts, self._known = parts, ([], {})  # type: ignore[var-annotated]
        super().__init__(layer)

    @property
    def arrays(self) -> dict[str, Any] | None:  # type: ignore[override]
        found = [shared.arrays for shared in self.parts.values()]
        if any(own is None for own in found):
            return None
        if len(found) != len(self._known[0]) or any(a is not b for a, b in zip(found, self._known[0], strict=True)):
            joined = {start + n: w for start, own in zip(self.parts, found, strict=True) for n, w in own.items()}  # type: ignore[union-attr]
            self._known = (found, joined)
        return self._known[1]

    @arrays.setter
    def arrays(self, arrays: dict[str, Any] | None) -> None:
        for shared, own in self._parted(arrays or {}) if arrays is not None else ():
            shared.arrays = own
            shared.learned = shared.learned or self.learned

    def draw(self, arrays: dict[str, Any]) -> None:
        for shared, own in self._parted(arrays):
            shared.draw(own)

    def _parted(self, arrays: dict[str, Any]) -> list[tuple[Shared, dict[str, Any]]]:
        """Each layer of the model with its arrays."""
        return [
            (shared, {name.removeprefix(start): w for name, w in arrays.items() if name.startswith(start)})
            for start, shared in self.parts.items()
        ]

    def twin(self) -> Shared:
        made = object.__new__(Shared)
        made.arrays, made.learned, made.placed, made.row = self.arrays, self.learned, self.placed, self.row
        made.settings = dict(self.settings)
        return made


class Weighed:
    """The weights of a layer object, which are those it has in all models that it stands in."""

    def get_weights(self) -> list[np.ndarray]:
        """Copies of its arrays, in Keras's order: kernel, bias; none before a model has drawn them.

        >>> from jindan.layers import Dense
        >>> from jindan.models import Sequential
        >>> layer = Dense(2)
        >>> model = Sequential([layer])
        >>> _ = model.predict([[1.0, 2.0, 3.0]])
        >>> [array.shape for array in layer.get_weights()]
        [(3, 2), (2,)]
        """
        return [np.array(w) for w in (shared_of(self).arrays or {}).values()]  # type: ignore[arg-type]

    def set_weights(self, weights: list[Any]) -> None:
        """Replace its arrays.

        Raises:
            StateError: before a model has drawn them.
            ShapeError: when shapes differ; InputError: when their number does.
        """
        shared = shared_of(self)  # type: ignore[arg-type]
        if shared.arrays is None:
            raise StateError(
                "The layer has no weights yet.", where=repr(self), expected="a model that it stands in, with rows",
                received=f"{len(weights)} arrays", help="model.build((None, 4)); model.get_weights() draws them.",
            )  # fmt: skip
        shared.take(fill(shared.arrays, list(weights), repr(self)))


def shared_of(layer: Layer) -> Shared:
    """What a layer object shares with all models that it stands in; equal layers are not one object.

    >>> from jindan.layers import Dense
    >>> layer, other = Dense(3), Dense(3)
    >>> shared_of(layer) is shared_of(layer), shared_of(layer) is shared_of(other), layer == other
    (True, False, True)
    """
    known = layer.__dict__.get("_shared")
    if known is None:
        model = layer.__dict__.get("_model")
        parts = {} if model is None else {f"layer.{i}.": shared for i, shared in enumerate(model._held)}
        known = Joined(layer, parts) if parts else Shared(layer)
        object.__setattr__(layer, "_shared", known)
    return known


def fill(own: dict[str, np.ndarray], given: list[Any], where: str) -> dict[str, np.ndarray]:
    """Arrays in the place of a layer's own, checked."""
    if len(given) != len(own):
        raise InputError(
            "The number of weight arrays does not fit.",
            where=where,
            expected=f"{len(own)} arrays: {', '.join(own) or 'none'}",
            received=f"{len(given)} arrays",
            help="The order is that of get_weights().",
        )
    result = {}
    for (name, old), new in zip(own.items(), given, strict=True):
        array = np.array(new, dtype=old.dtype)
        if array.shape != old.shape:
            raise ShapeError(
                "A weight array has the wrong shape.", where=f"{where}, {name}", expected=old.shape,
                received=array.shape, help="The order is that of get_weights().",
            )  # fmt: skip
        result[name] = array
    return result


def cast_to(arrays: dict[str, Any], dtype: np.dtype) -> dict[str, Any]:
    """Arrays in the type of a model; the same dict where they have it."""
    if all(w.dtype == dtype or not np.issubdtype(w.dtype, np.floating) for w in arrays.values()):
        return arrays
    return {n: np.asarray(w, dtype) if np.issubdtype(w.dtype, np.floating) else w for n, w in arrays.items()}


def _same(known: dict[str, Any], arrays: dict[str, Any]) -> bool:
    """Whether arrays are those that are known, or those in a narrower type."""
    if known is arrays:
        return True
    if list(known) != list(arrays) or all(known[n].dtype == arrays[n].dtype for n in known):
        return False
    return all(np.array_equal(np.asarray(known[n], arrays[n].dtype), arrays[n], equal_nan=True) for n in known)
