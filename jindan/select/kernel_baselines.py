"""SVM and nearest neighbours on features of many columns: one matrix of distances serves both, and choosing for each.

A product of matrices takes the time that scikit-learn would spend on comparing rows one by one, so that settings can
be cross-validated in seconds.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np

from .baselines import Baseline, scores_of

COSTS = (1.0, 10.0)
"""An SVM's C: the usual one, and one that follows its rows more closely."""
NEIGHBOURS = (1, 3, 5, 9)
FOLDS = 3
AT_A_TIME = 2000
"""Test rows whose distances are in memory at once."""


def kernel_baselines(
    task: str,
    x: np.ndarray,
    y: np.ndarray,
    x_test: np.ndarray,
    y_test: np.ndarray,
    *,
    classes: int = 0,
    name: str = "",
    seed: int = 0,
    groups: Any = None,
) -> list[Baseline]:
    """SVM with k(a, b) = exp(−γ ‖a − b‖²), and k nearest neighbours; C and k are chosen on the training rows alone.

    γ = 1 / (columns × variance of all entries). C is 1 or 10, k is 1, 3, 5 or 9: the best in 3 folds. A model that
    cannot learn from these rows, as an SVM from one class, is left out.

    Args:
        task, x, y, x_test, y_test, classes, groups: As for `baselines`.
        name: What the features are; the models are then called `name_svm` and `name_knn`.
        seed: For the folds.

    >>> x = np.random.default_rng(0).normal(size=(60, 5))
    >>> y = (x[:, 0] > 0).astype(int)
    >>> [b.name for b in kernel_baselines("binary", x, y, x[:9], y[:9], classes=2, name="hog")]
    ['hog_svm', 'hog_knn']
    """
    began = time.perf_counter()
    x = np.asarray(x, np.float32)
    variance = float(x.var())
    # Distances stay as they are, and their float32 loses fewer digits.
    middle = x.mean(0)
    x = x - middle
    between = squared_distances(x, x)
    np.fill_diagonal(between, 0)
    gamma = 1 / (x.shape[1] * variance) if variance > 0 else 1.0
    shared = time.perf_counter() - began
    found = []
    # A regression's SVM has a tube of fixed width, so its targets are scaled.
    center, spread = (float(y.mean()), float(y.std()) or 1.0) if task == "regression" else (0.0, 1.0)
    for kind in ("svm", "knn"):
        began = time.perf_counter()
        svm = kind == "svm"
        inside = np.exp(-gamma * between) if svm else np.sqrt(between)
        goal = (y - center) / spread if svm and task == "regression" else y
        try:
            model = _chosen(task, kind, inside, goal, seed)
        except ValueError:
            continue
        far = _Tested(model, x, np.asarray(x_test, np.float32) - middle, gamma if svm else None)
        if svm and task == "regression":
            far.center, far.spread = center, spread
        scores = scores_of(task, far, np.empty((len(x_test), 0)), y_test, classes, groups)
        label = f"{name}_{kind}" if name else kind
        found.append(Baseline(label, scores, shared + time.perf_counter() - began, len(x)))
    return found


def squared_distances(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """‖a − b‖² of each row of a with each of b, by ‖a‖² − 2 a·b + ‖b‖²; none below 0.

    >>> squared_distances(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0], [0.0, 1.0]])).tolist()
    [[25.0, 1.0]]
    """
    found = a @ b.T
    found *= -2
    found += (a * a).sum(1)[:, None]
    found += (b * b).sum(1)
    return np.maximum(found, 0, out=found)


class _Tested:
    """A model on distances, asked about test rows a part at a time."""

    def __init__(self, model: Any, x: np.ndarray, x_test: np.ndarray, gamma: float | None) -> None:
        self.model, self.x, self.x_test, self.gamma = model, x, x_test, gamma
        self.center, self.spread = 0.0, 1.0
        if hasattr(model, "predict_proba"):
            self.classes_ = model.classes_
            self.predict_proba = self._probabilities

    def predict(self, _: Any) -> np.ndarray:
        return self._parts(self.model.predict) * self.spread + self.center

    def _probabilities(self, _: Any) -> np.ndarray:
        return self._parts(self.model.predict_proba)

    def _parts(self, ask: Any) -> np.ndarray:
        found = []
        for start in range(0, len(self.x_test), AT_A_TIME):
            far = squared_distances(self.x_test[start : start + AT_A_TIME], self.x)
            found.append(ask(np.sqrt(far) if self.gamma is None else np.exp(-self.gamma * far)))
        return np.concatenate(found)


def _chosen(task: str, kind: str, inside: np.ndarray, y: np.ndarray, seed: int) -> Any:
    """The model with the setting that is best in folds of the training rows, fitted on all of them."""
    from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
    from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
    from sklearn.svm import SVC, SVR

    number = task == "regression"
    smallest = len(y) if number else int(np.unique(y, return_counts=True)[1].min())
    folds = min(FOLDS, smallest)
    if kind == "svm":
        model: Any = (SVR if number else SVC)(kernel="precomputed", C=COSTS[0])
        settings: dict[str, list] = {"C": list(COSTS)}
    else:
        fewest = len(y) - -(-len(y) // max(folds, 2))
        counts = [k for k in NEIGHBOURS if k <= max(fewest, 1)]
        model = (KNeighborsRegressor if number else KNeighborsClassifier)(counts[-1], metric="precomputed")
        settings = {"n_neighbors": counts}
    with warnings.catch_warnings():
        # One that has not quite converged is still what a user would get.
        warnings.simplefilter("ignore")
        if folds < 2:
            return model.fit(inside, y)
        parts = (KFold if number else StratifiedKFold)(folds, shuffle=True, random_state=seed)
        return GridSearchCV(model, settings, cv=parts).fit(inside, y).best_estimator_
