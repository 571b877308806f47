"""What estimators share: a line of progress, many fitted at once, answers of a classifier from its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from sklearn.base import clone


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
    """Many copies fitted at once; a class has `_fit_all(members, X)`."""

    def fit_many(self, X: Any, settings: Sequence[Mapping[str, Any]]) -> list[Self]:
        """Fit copies with other settings; those that differ in numbers alone are one compiled program.

        Each is the same as if fitted alone.

        Args:
            X: Rows (n, features).
            settings: Of each copy, as in `set_params`: `[{"random_state": s} for s in range(8)]`.
        """
        members = [clone(self).set_params(**own) for own in settings]
        self._fit_all(members, X)
        return members

    def _fit_all(self, members: list[Self], X: Any) -> None:
        raise NotImplementedError


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
