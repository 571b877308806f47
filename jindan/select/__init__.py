"""Judging and choosing models: cross-validation, search, ensembles, studies, scores with intervals, baselines."""

from __future__ import annotations

from ..lazy import attach
from .baselines import Baseline, baselines
from .scores import Score, primary, score_classes, score_numbers

_NAMES = {
    "cross_validate": "validation",
    "CrossValidation": "validation",
    "Comparison": "validation",
    "search": "searching",
    "Search": "searching",
    "Uniform": "spaces",
    "LogUniform": "spaces",
    "Integers": "spaces",
    "Choice": "spaces",
    "bagging": "ensembles",
    "deep_ensemble": "ensembles",
    "snapshot_ensemble": "ensembles",
    "Ensemble": "members",
    "Uncertainty": "members",
    "stack": "stacking",
    "Stacked": "stacking",
    "calibrate": "calibration",
    "Calibrated": "calibration",
    "reliability": "calibration",
    "Reliability": "calibration",
    "choose_threshold": "thresholds",
    "Threshold": "thresholds",
    "conformal": "coverage",
    "Conformal": "coverage",
    "bias_variance": "decomposition",
    "BiasVariance": "decomposition",
    "learning_curve": "curves",
    "LearningCurve": "curves",
    "lr_range_test": "rates",
    "RateRange": "rates",
    "batch_size_study": "batch_sizes",
    "BatchSizes": "batch_sizes",
    "gradient_noise": "batch_sizes",
    "GradientNoise": "batch_sizes",
    "seed_study": "seeds",
    "SeedStudy": "seeds",
    "permutation_importance": "importance",
    "Importance": "importance",
    "select_features": "importance",
    "Selection": "importance",
    "Scoring": "scoring",
    "scoring_of": "scoring",
}

__all__ = ["Baseline", "Score", "baselines", "primary", "score_classes", "score_numbers", *_NAMES]

__getattr__, __dir__ = attach(__name__, _NAMES)
