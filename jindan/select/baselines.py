"""The simple ("common-sense") models that a network has to beat, on the same rows and the same features."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from .scores import Score, score_classes, score_numbers

LARGEST_SVM = 4000  # a kernel machine's time grows with the square of its rows
LARGEST_KNN = 20_000


@dataclass(frozen=True)
class Baseline:
    """A simple model's scores on the test rows.

    Attributes:
        name: "majority" or "mean", "linear", "knn", "svm".
        scores: Figure → Score.
        seconds: Fitting and predicting.
        rows: Training rows it was given; large tables are cut for kNN and SVM.
    """

    name: str
    scores: dict[str, Score]
    seconds: float
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        metrics = {name: score.to_dict() for name, score in self.scores.items()}
        return {"name": self.name, "metrics": metrics, "seconds": self.seconds, "rows": self.rows}


def baselines(
    task: str, x: np.ndarray, y: np.ndarray, x_test: np.ndarray, y_test: np.ndarray, *, classes: int = 0,
    seed: int = 0, groups: Any = None,
) -> list[Baseline]:  # fmt: skip
    """Majority or mean, linear model, k nearest neighbours, SVM.

    Args:
        task: "binary", "multiclass" or "regression".
        x, y: Training features (rows, features), and class numbers or values (rows,).
        x_test, y_test: The rows they are judged on.
        classes: Number of classes.
        seed: For the rows kept of a large table.
        groups: The group of each row they are judged on, for intervals over groups; see `score_classes`.
    """
    rng = np.random.default_rng(seed)
    found = []
    for name, model, limit in _models(task, len(x)):
        began = time.perf_counter()
        rows = np.sort(rng.permutation(len(x))[:limit]) if len(x) > limit else np.arange(len(x))
        with warnings.catch_warnings():
            # A baseline that has not quite converged is still the baseline a user would get.
            warnings.simplefilter("ignore")
            try:
                model.fit(x[rows], y[rows])
                scores = scores_of(task, model, x_test, y_test, classes, groups)
            except ValueError:
                # A class may be missing from the rows kept; such a model has nothing to say.
                continue
        found.append(Baseline(name, scores, time.perf_counter() - began, len(rows)))
    return found


def scores_of(
    task: str, model: Any, x: np.ndarray, y: np.ndarray, classes: int, groups: Any = None
) -> dict[str, Score]:
    """A fitted scikit-learn model's figures on rows x with truth y; without probabilities those that need none."""
    if task == "regression":
        return score_numbers(y, model.predict(x), groups=groups)
    if hasattr(model, "predict_proba"):
        p = np.zeros((len(y), classes))
        p[:, np.asarray(model.classes_, np.int64)] = model.predict_proba(x)
        return score_classes(y, p, groups=groups)
    scores = score_classes(y, np.eye(classes)[np.asarray(model.predict(x), np.int64)], groups=groups)
    # Without probabilities, log loss and ROC-AUC would compare nothing real.
    return {name: score for name, score in scores.items() if name not in ("log_loss", "roc_auc")}


def _models(task: str, rows: int) -> list[tuple[str, Any, int]]:
    """(name, scikit-learn model, most rows it is given)."""
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.svm import SVC, SVR

    near = max(1, min(5, rows))
    if task == "regression":
        from sklearn.compose import TransformedTargetRegressor
        from sklearn.preprocessing import StandardScaler

        # An SVM's tube has a fixed width, so targets are scaled for it.
        svm = TransformedTargetRegressor(SVR(), transformer=StandardScaler())
        return [
            ("mean", DummyRegressor(), rows),
            ("linear", Ridge(1.0), rows),
            ("knn", KNeighborsRegressor(near), LARGEST_KNN),
            ("svm", svm, LARGEST_SVM),
        ]
    return [
        ("majority", DummyClassifier(strategy="prior"), rows),
        ("linear", LogisticRegression(max_iter=500), rows),
        ("knn", KNeighborsClassifier(near), LARGEST_KNN),
        ("svm", SVC(), LARGEST_SVM),
    ]
