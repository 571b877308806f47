"""What estimators share: a line of progress, many fitted at once, answers of a classifier from its scores."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import clone

from ..errors import InputError, JindanWarning

if TYPE_CHECKING:
    from ..engine.program import Trained


class TellsMixin:
    """Progress as one line on a terminal, where `verbose` asks for it."""

    verbose: Any

    def _line(self) -> Any:
        """Who is told of progress, or None."""
        if not self.verbose:
            return None
        from ..models.display import Line

        return Line(2)


class ManyMixin:
    """Many copies fitted at once; a class whose copies share a program has `_fit_all(members, X)` of its own."""

    fit: Any

    def fit_many(self, X: Any, settings: Sequence[Mapping[str, Any]]) -> list[Self]:
        """Fit copies with other settings; those that differ in numbers alone are one compiled program.

        Each is the same as if fitted alone.

        Args:
            X: Rows (n, features).
            settings: Of each copy, as in `set_params`: `[{"random_state": s} for s in range(8)]`.

        Raises:
            InputError: for settings that are no list of mappings.
        """
        members = copies(self, settings)
        self._fit_all(members, X)
        return members

    def _fit_all(self, members: list[Self], X: Any) -> None:
        for member in members:
            member.fit(X)


class ManyLabelledMixin:
    """As `ManyMixin`, for models that learn from labels."""

    fit: Any

    def fit_many(self, X: Any, y: Any, settings: Sequence[Mapping[str, Any]]) -> list[Self]:
        """Fit copies with other settings; those that differ in numbers alone are one compiled program.

        Each is the same as if fitted alone.

        Args:
            X, y: As in `fit`.
            settings: Of each copy, as in `set_params`: `[{"random_state": s} for s in range(8)]`.

        Raises:
            InputError: for settings that are no list of mappings.
        """
        members = copies(self, settings)
        self._fit_all(members, X, y)
        return members

    def _fit_all(self, members: list[Self], X: Any, y: Any) -> None:
        for member in members:
            member.fit(X, y)


def copies(model: Any, settings: Any) -> list[Any]:
    """Copies of an estimator, each with its settings.

    Raises:
        InputError: for settings that are no list of mappings.
    """
    listed = not isinstance(settings, (Mapping, str)) and isinstance(settings, Iterable)
    settings = list(settings) if listed else settings
    if not listed or not all(isinstance(own, Mapping) for own in settings):
        raise InputError("Settings are a list with one mapping for each copy.", where="settings", received=settings,
                         expected='[{"random_state": 0}, {"random_state": 1}], say')  # fmt: skip
    return [clone(model).set_params(**own) for own in settings]


@dataclass(frozen=True)
class Part:
    """A member of a population: what is trained, on which rows, for how long, from where."""

    program: Any
    rows: Any
    epochs: int
    start: Trained


def side_by_side(parts: Sequence[Part], listen: Any = None) -> list[Trained]:
    """The parts trained, in their order; those of one program (they have the same rows) and as many epochs together."""
    # Models that need no JAX, as PCA, share this file.
    from ..engine.program import train_program

    groups: dict[Any, list[int]] = {}
    for place, part in enumerate(parts):
        groups.setdefault((part.program, part.epochs), []).append(place)
    found: dict[int, Trained] = {}
    for (program, epochs), places in groups.items():
        starts = [parts[place].start for place in places]
        runs = train_program(program, parts[places[0]].rows, epochs=epochs, start=starts, listen=listen)
        found |= dict(zip(places, runs, strict=True))
    return [found[place] for place in range(len(parts))]


def warn_unless_finite(model: Any, arrays: Iterable[Any]) -> None:
    """A warning where a fitted model, or its loss on the way, is no finite number."""
    if not all(np.isfinite(a).all() for a in arrays):
        warnings.warn(
            f"This {type(model).__name__} has diverged: its learning rate is too high.",
            JindanWarning, stacklevel=3,
        )  # fmt: skip


def warn_outside(model: Any, rows: np.ndarray) -> None:
    """A warning where rows that a model takes as probabilities are none."""
    if rows.size and (rows.min() < 0 or rows.max() > 1):
        warnings.warn(
            f"This {type(model).__name__} learned from values in [0, 1]; these rows hold {rows.min():g} … "
            f"{rows.max():g}, which mean nothing to it. Scale them as those of fit.", JindanWarning, stacklevel=4,
        )  # fmt: skip


class ScoresMixin:
    """A classifier's answers from scores (rows, classes) that `_logits` gives."""

    def _logits(self, X: Any) -> np.ndarray:
        raise NotImplementedError

    def decision_function(self, X: Any) -> np.ndarray:
        """log p(class | row), up to a constant of the row: (rows, classes), or of two classes the second's less the
        first's (rows,)."""
        scores = self._logits(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (rows, classes), in the order of `classes_`, given that one of them is right."""
        scores = self._logits(X)
        p = np.exp(scores - scores.max(1, keepdims=True))
        return p / p.sum(1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row."""
        codes = self._logits(X).argmax(1)
        return self.classes_[codes]  # type: ignore[attr-defined]
