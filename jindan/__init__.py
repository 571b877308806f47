"""jindan (진단): trains neural networks, says what is wrong, proves the cure, and shows it.

The only list of public names. Each is imported when first used, so that `import jindan` stays cheap.
"""

from __future__ import annotations

from .lazy import attach

__version__ = "0.1.0"

_NAMES = {
    "Plan": "plan",
    "Model": "models",
    "Sequential": "models",
    "backprop": "models",
    "load": "models.loading",
    "train": "engine.train",
    "Data": "engine.data",
    "Run": "engine.run",
    "look": "data",
    "read_table": "data",
    "train_table": "runs.tables",
    "cross_validate": "select",
    "search": "select",
    "bagging": "select",
    "deep_ensemble": "select",
    "snapshot_ensemble": "select",
    "stack": "select",
    "calibrate": "select",
    "choose_threshold": "select",
    "conformal": "select",
    "bias_variance": "select",
    "learning_curve": "select",
    "lr_range_test": "select",
    "batch_size_study": "select",
    "seed_study": "select",
    "permutation_importance": "select",
    "select_features": "select",
    "explain": "doctor.words",
    "Finding": "doctor.findings",
    "diagnose": "doctor.diagnosis",
    "can_overfit": "doctor.overfit_few",
    "estimate_memory": "engine.memory",
    "register": "spec",
    "JindanError": "errors",
    "JindanWarning": "errors",
}
_ROOMS = (
    "activations",
    "callbacks",
    "constraints",
    "data",
    "doctor",
    "engine",
    "errors",
    "estimators",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "models",
    "optimizers",
    "regularizers",
    "report",
    "runs",
    "schedules",
    "select",
    "utils",
)

__all__ = ["__version__", *_NAMES, *_ROOMS]


__getattr__, __dir__ = attach(__name__, _NAMES, _ROOMS)
