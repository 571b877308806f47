"""Metrics: accuracies, counts, areas and means, and the names they go by; what a metric is says `metric_base`."""

from ..confusion import confusion_matrix
from ..metric_base import Metric
from .accuracy import (
    AccuracyByShape,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
)
from .choice import is_own, resolve
from .counts import AUC, F1Score, FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives
from .means import (
    CustomMetric,
    LossMetric,
    MeanAbsoluteError,
    MeanSquaredError,
    Perplexity,
    R2Score,
    RootMeanSquaredError,
)
from .overlap import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU

__all__ = [
    "BinaryAccuracy",
    "CategoricalAccuracy",
    "SparseCategoricalAccuracy",
    "AccuracyByShape",
    "TopKCategoricalAccuracy",
    "SparseTopKCategoricalAccuracy",
    "LossMetric",
    "Perplexity",
    "Precision",
    "Recall",
    "F1Score",
    "TruePositives",
    "TrueNegatives",
    "FalsePositives",
    "FalseNegatives",
    "AUC",
    "R2Score",
    "IoU",
    "MeanIoU",
    "BinaryIoU",
    "OneHotIoU",
    "OneHotMeanIoU",
    "CustomMetric",
    "MeanSquaredError",
    "MeanAbsoluteError",
    "RootMeanSquaredError",
    "resolve",
    "is_own",
    "Metric",
    "confusion_matrix",
]
