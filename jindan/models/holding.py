"""Holding: a model's layers with their arrays, which every other model that holds the same layer has too."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Self

import numpy as np

from ..engine.run import Run
from ..errors import ShapeError
from ..layers.base import Layer
from ..layers.network import Weights
from ..layers.shared import Shared, cast_to
from ..utils import draw_seed
from .symbolic import Symbolic

CACHES = ("_symbols", "_part", "_seen", "_asked", "_outlined")


class Holding(Symbolic):
    """Layers, and for each what it shares with other models."""

    plan: Any
    network: Any
    _specs: tuple[Layer, ...] = ()
    _held: tuple[Shared, ...] = ()
    _borrowed: frozenset[Shared] = frozenset()
    _brought: dict[str, dict[str, Any]] | None = None
    _last: Run | None = None
    _settled = -1
    _seen: tuple[list, Weights] | None = None
    _asked: tuple[tuple, list] | None = None

    def hold(self, layers: tuple[Layer, ...], held: tuple[Shared, ...] | None = None) -> None:
        """Take layers in the place of those there are, each with what it shares; by default nothing with any."""
        held = tuple(map(Shared, layers)) if held is None else held
        self._borrowed |= {shared for shared in held if shared.placed and shared not in self._held}
        self._borrowed &= set(held)
        for shared in held:
            shared.learned = shared.learned or (shared in self._borrowed and shared.arrays is not None)
            shared.placed = True
        self._specs, self._held, self._settled = tuple(map(_described, layers)), held, -1

    @property
    def specs(self) -> tuple[Layer, ...]:
        """The layers, frozen or not as they are in all models that hold them."""
        if self._settled != Shared.changes:
            found = tuple(shared.on(layer) for shared, layer in zip(self._held, self._specs, strict=True))
            if any(new is not old for new, old in zip(found, self._specs, strict=True)):
                self._specs = found
            self._settled = Shared.changes
        return self._specs

    def _float(self) -> str:
        raise NotImplementedError

    # -- arrays --------------------------------------------------------------------------------------------------

    @property
    def _weights(self) -> Weights | None:
        """One dict of arrays a layer, None while any has none; the same object as long as no model changes them."""
        arrays = [shared.arrays for shared in self._held]
        if self._seen is None or not _identical(self._seen[0], arrays):
            if any(own is None for own in arrays):
                return None
            dtype = np.dtype(self._float())
            self._seen = (arrays, tuple(cast_to(own, dtype) for own in arrays))  # type: ignore[arg-type]
            self._fit()
        return self._seen[1]

    @_weights.setter
    def _weights(self, weights: Weights | None) -> None:
        if weights is None:
            return
        for shared, own in zip(self._held, weights, strict=True):
            shared.take(own)
        self._seen = ([shared.arrays for shared in self._held], weights)
        self._fit()

    def ready_weights(self, seed: int | None = None) -> Weights:
        """The weights; layers that have none get them now: by this seed, the plan's, or a new one.

        Raises:
            StateError: while the shape of a row is not known.
            ShapeError: where a layer has weights of another shape from another model.
        """
        if self._held and (known := self._weights) is not None:
            self._fit()
            return known
        self._need_shape()
        self._fit()
        plan = self.plan
        seed = seed if seed is not None else plan.seed if plan.seed is not None else draw_seed()
        full = self.network.join(*self.network.init(seed, np.dtype(plan.dtype), plan.initial_scale))
        for shared, own in zip(self._held, full, strict=True):
            shared.draw(own)
        return self._weights  # type: ignore[return-value]

    def put_weights(self, weights: Weights) -> None:
        """Replace the weights; the optimizer's memory stays."""
        self._weights = weights

    def kept_weights(self) -> dict[str, list[np.ndarray]]:
        """Layer → the weights it has whatever it learns: those of frozen layers, and those that layers of other models
        had learned before they were trained here."""
        held = self._weights
        frozen = () if held is None else zip(self.specs, held, strict=True)
        found = {str(spec.name): own for spec, own in frozen if not spec.trainable and own}
        brought = self._learned_elsewhere() if self._brought is None else self._brought
        return {name: list(own.values()) for name, own in {**brought, **found}.items()}

    def _learned_elsewhere(self) -> dict[str, dict[str, Any]]:
        pairs = zip(self.specs, self._held, strict=True)
        return {str(spec.name): shared.arrays for spec, shared in pairs
                if shared in self._borrowed and shared.learned and shared.arrays}  # fmt: skip

    def _learn_shape(self) -> None:
        """Know the shape of a row where another model has given it to the first layer."""
        row = self._held[0].row if self._held and self.wiring is None else None
        if self.input_shape is None and row is not None and all(isinstance(axis, int) for axis in row):
            self.input_shape = row

    def _fit(self) -> None:
        """Refuse arrays of other shapes than the layers need here."""
        if self.input_shape is None or all(not shared.arrays for shared in self._held):
            return
        key = (self._specs, self.wiring, self.input_shape)
        if self._asked is None or not _identical(self._asked[0], key):
            needed = self.network.specs
            for shared, shape in zip(self._held, self.network.shapes_in, strict=True):
                shared.row = shape
            self._asked = (key, [{name: tuple(w.shape) for name, w in own.items()} for own in needed])
        for index, (shared, shapes) in enumerate(zip(self._held, self._asked[1], strict=True)):
            if shared.arrays is None:
                continue
            found = {name: tuple(np.shape(w)) for name, w in shared.arrays.items()}
            if found != shapes:
                raise ShapeError(
                    "A layer has one set of weights, and this model needs it in another shape.",
                    where=f"{self.name}: {self.network.title(index)}",
                    expected=_said(found), received=_said(shapes),
                    help="Make a second layer for this model: layer.replace() is one like it, with weights of its own.",
                )  # fmt: skip

    # -- training ------------------------------------------------------------------------------------------------

    @property
    def _run(self) -> Run | None:
        """The last training, whose optimizer memory goes on; None where other layers were frozen then."""
        run = self._last
        if run is None:
            return None
        known = run.plan.layers
        layers = tuple(shared.on(layer) for shared, layer in zip(self._held, known, strict=True))
        if any(new.trainable != old.trainable for new, old in zip(layers, known, strict=True)):
            return None
        if not _identical(layers, known):
            self._last = replace(run, plan=run.plan.replace(layers=layers))
        return self._last

    @_run.setter
    def _run(self, run: Run | None) -> None:
        self._last = run

    # -- copies --------------------------------------------------------------------------------------------------

    def __copy__(self) -> Self:
        """A model with the same arrays that is trained apart."""
        twin = object.__new__(type(self))
        twin.__dict__.update({name: value for name, value in self.__dict__.items() if name not in CACHES})
        own = {shared: shared.twin() for shared in self._held}
        twin._held = tuple(own.values())
        twin._borrowed = frozenset(own[shared] for shared in self._borrowed)
        return twin


def apart(layer: Layer) -> Layer:
    """A layer like it that shares nothing."""
    return layer.replace(layer=layer.layer) if "_model" in layer.__dict__ else layer.replace()  # type: ignore[attr-defined]


def _described(layer: Layer) -> Layer:
    """The layer as a description, which is no object of the user's."""
    return apart(layer) if "_shared" in layer.__dict__ or "_model" in layer.__dict__ else layer


def _identical(one: Any, other: Any) -> bool:
    return len(one) == len(other) and all(a is b for a, b in zip(one, other, strict=True))


def _said(shapes: dict[str, tuple]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "no weights"
