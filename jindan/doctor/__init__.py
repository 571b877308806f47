"""The doctor: numbers → verdicts → words; repairs that are proved; PyTorch loops and Keras fits under the same eye."""

from __future__ import annotations

from ..lazy import attach

_NAMES = {
    "diagnose": "diagnosis",
    "Report": "diagnosis",
    "examine": "diagnosis",
    "can_overfit": "overfit_few",
    "Finding": "findings",
    "Repair": "trials",
    "Keeper": "keeping",
    "watch": "watch_torch",
    "KerasDoctor": "watch_keras",
    "explain": "words",
}

__all__ = [*_NAMES]

__getattr__, __dir__ = attach(__name__, _NAMES)
