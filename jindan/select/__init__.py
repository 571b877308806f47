"""Judging models: scores with intervals, cross-validation, and the simple models a network has to beat."""

from __future__ import annotations

from ..lazy import attach
from .baselines import Baseline, baselines
from .scores import Score, primary, score_classes, score_numbers

_NAMES = {
    "Comparison": "validation",
    "CrossValidation": "validation",
    "Scoring": "scoring",
    "cross_validate": "validation",
    "scoring_of": "scoring",
}

__all__ = ["Baseline", "Score", "baselines", "primary", "score_classes", "score_numbers", *_NAMES]

__getattr__, __dir__ = attach(__name__, _NAMES)
