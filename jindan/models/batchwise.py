"""Batchwise: one update, judgement or prediction on the rows of one batch, as loops of the user's call them."""

from __future__ import annotations

from typing import Any

from ..engine.data import count
from . import using


class Batchwise:
    """What Keras calls by `…_on_batch`."""

    ports: Any
    fit: Any
    evaluate: Any
    predict: Any
    _met: Any
    _seen_batch = False

    def train_on_batch(self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """One update on these rows; returns their loss and metrics before it.

        The doctor looks at the first batch after `compile` alone.
        """
        met = self._met(x)  # which may tell what the ports are
        rows, doctor = self.ports.x(met), not self._seen_batch
        history = self.fit(rows, y, count(rows), sample_weight=sample_weight, shuffle=False, verbose=0, doctor=doctor)
        self._seen_batch = True
        return using.scores({name: values[-1] for name, values in history.history.items()}, return_dict)

    def test_on_batch(self, x: Any, y: Any, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """Loss and metrics of these rows."""
        return self.evaluate(x, y, verbose=0, sample_weight=sample_weight, return_dict=return_dict)

    def predict_on_batch(self, x: Any) -> Any:
        """Outputs for these rows."""
        return self.predict(x)
