"""Judging models: scores with intervals, and the simple models a network has to beat."""

from .baselines import Baseline, baselines
from .scores import Score, primary, score_classes, score_numbers

__all__ = ["Baseline", "Score", "baselines", "primary", "score_classes", "score_numbers"]
