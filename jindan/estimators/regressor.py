"""NeuralRegressor: numbers behind scikit-learn's interface."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.utils.validation import column_or_1d, validate_data

from ..layers import Dense
from ..losses import Loss
from ..plan import Plan
from .neural import Neural


class NeuralRegressor(RegressorMixin, Neural):
    """A neural network for numbers: linear output, ½ Σ (y − ŷ)² a row, as in scikit-learn.

    Arguments and attributes are those of `NeuralClassifier`, without classes; the score is R². y may have several
    columns. `loss_curve_` sums over them (scikit-learn averages).

    >>> X = [[0.0], [1.0], [2.0], [3.0]]
    >>> model = NeuralRegressor((), solver="sgd", learning_rate_init=0.1, alpha=0, max_iter=300, tol=0, random_state=0)
    >>> model.fit(X, [1.0, 3.0, 5.0, 7.0]).predict([[4.0]]).round(1).tolist()
    [9.0]
    """

    _score = "r2"

    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """One epoch over these rows, going on from what was learned."""
        before = getattr(self, "run_", None)
        X, y = self._first(X, y, reset=before is None)
        return self._go_on(X, y, sample_weight, before)

    def predict(self, X: Any) -> np.ndarray:
        """The targets: (rows,), or (rows, targets) where y had columns."""
        outputs = self._outputs(X)
        return outputs[:, 0] if self._flat else outputs

    def _first(self, X: Any, y: Any, reset: bool = True) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, reset=reset, dtype=self._dtype, multi_output=True, y_numeric=True)
        y = np.asarray(y, self._dtype)
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        self._flat = y.ndim == 1
        return X, y

    def _encode(self, y: np.ndarray, plan: Plan) -> np.ndarray:
        return y

    def _output(self, y: np.ndarray, loss: Loss) -> Dense:
        return Dense(1 if y.ndim == 1 else y.shape[1])

    def _loss(self) -> str:
        return "sse"
