"""NeuralClassifier: classes behind scikit-learn's interface."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.utils import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import column_or_1d, validate_data

from ..errors import InputError
from ..layers import Dense
from ..losses import Loss
from ..plan import Plan
from ..utils import to_categorical
from .neural import Neural, extended


class NeuralClassifier(ClassifierMixin, Neural):
    """A neural network for classes: softmax and cross-entropy, or one sigmoid output for two classes.

    Args:
        hidden_layer_sizes: Units of each hidden layer; () is logistic regression.
        activation: Of the hidden layers: "relu", "tanh", "logistic", "identity" or any activation of jindan.
        solver: "adam", "sgd", or any optimizer of jindan by name or object.
        alpha: L2 penalty as in scikit-learn: α/(2·batch size) ‖W‖² on every kernel.
        batch_size: Rows an update; "auto" is min(200, rows).
        learning_rate_init: The learning rate, unless `solver` is an object.
        max_iter: Most epochs.
        shuffle: Whether each epoch has a new order of rows.
        random_state: Fixes fresh weights, the order of rows and the validation rows.
        tol, n_iter_no_change: Training ends when that many epochs did not better the loss (or the validation score)
            by tol.
        verbose: Whether each epoch prints a line.
        momentum, nesterovs_momentum: For "sgd".
        early_stopping: Whether a share of the rows is kept to judge by; the best epoch's weights are the result.
        validation_fraction: That share.
        layers: Hidden layers in full, in place of `hidden_layer_sizes` and `activation`.
        dtype: "float32" or "float64".
        plan: A whole Plan in place of everything above; without layers it gets those of this estimator, with the
            output that its loss reads. Its rows are those of X. `random_state`, where given, sets its seed.
        class_weight: {class: weight} or "balanced"; of them, times `sample_weight`, only ratios count (in `partial_fit`
            they count as they are). Where given, it takes the place of a plan's.

    Attributes:
        classes_, n_features_in_, feature_names_in_: As in scikit-learn.
        model_: The trained Sequential. `run_`: its Run, with the plan.
        coefs_, intercepts_: Kernels and biases. `n_iter_`: epochs. `loss_curve_`: training loss by epoch.
        validation_scores_, best_validation_score_: With early stopping.

    >>> X, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
    >>> model = NeuralClassifier(8, solver="sgd", learning_rate_init=0.1, max_iter=300, tol=0, random_state=0)
    >>> model.fit(X, y).predict([[0.5], [2.5]]).tolist()
    ['low', 'high']
    """

    _score = "accuracy"

    def __init__(self, *given: Any, class_weight: Any = None, **named: Any) -> None:
        super().__init__(*given, **named)
        self.class_weight = class_weight

    # scikit-learn reads the parameters off the signature: those of Neural, and one more.
    __init__.__signature__ = extended(Neural.__init__, class_weight=None)  # type: ignore[attr-defined]

    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """One epoch over these rows, going on from what was learned.

        Args:
            X, y: Rows and their classes.
            classes: All classes that will ever come; needed in the first call.
            sample_weight: One number a row.
        """
        before = getattr(self, "run_", None)
        X, y = validate_data(self, X, y, reset=before is None, dtype=self._dtype)
        y = column_or_1d(y, warn=True)
        if before is None:
            if classes is None:
                raise InputError(
                    "partial_fit must know all classes beforehand.", where="classes",
                    expected="every class that will come", received=None, help="partial_fit(X, y, classes=[…])",
                )  # fmt: skip
            self.classes_ = np.unique(classes)
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise InputError("A class was not announced.", where="y", expected=self.classes_, received=unknown)
        return self._go_on(X, y, sample_weight, before)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row."""
        probabilities = self.predict_proba(X)
        return self.classes_[np.argmax(probabilities, axis=1)]

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (rows, classes), in the order of `classes_`."""
        outputs = self._outputs(X).astype(np.float64)
        if getattr(self.run_.plan.loss, "from_logits", False):
            scores = outputs if outputs.shape[1] > 1 else np.hstack([np.zeros_like(outputs), outputs])
            outputs = np.exp(scores - scores.max(axis=1, keepdims=True))
            return outputs / outputs.sum(axis=1, keepdims=True)
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        # Exactly 1 in the sum, where float32 left it a digit off.
        return outputs / outputs.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: Any) -> np.ndarray:
        """log of `predict_proba`."""
        return np.log(self.predict_proba(X))

    def _first(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        X, y = validate_data(self, X, y, dtype=self._dtype)
        check_classification_targets(y)
        y = column_or_1d(y, warn=True)
        self.classes_ = np.unique(y)
        if len(self.classes_) < 2:
            raise InputError(
                "The target has one class only.", where="y", expected="at least two classes",
                received=self.classes_.tolist(), help="Add rows of the other classes.",
            )  # fmt: skip
        return X, y

    def _encode(self, y: np.ndarray, plan: Plan) -> np.ndarray:
        codes = np.searchsorted(self.classes_, y)
        single = plan.network((self.n_features_in_,)).output_shape[-1] == 1
        return codes if plan.loss.targets == "integer" or single else to_categorical(codes, len(self.classes_))

    def _output(self, y: np.ndarray, loss: Loss) -> Dense:
        classes = len(self.classes_)
        single = classes == 2 and loss.targets not in ("integer", "one-hot")
        if getattr(loss, "from_logits", False):
            return Dense(1 if single else classes)
        return Dense(1, activation="sigmoid") if single else Dense(classes, activation="softmax")

    def _loss(self) -> str:
        return "binary_crossentropy" if len(self.classes_) == 2 else "sparse_categorical_crossentropy"

    def _class_weights(self, y: np.ndarray, weight: np.ndarray | None, scaled: bool) -> dict[int, float]:
        if self.class_weight is None:
            return {}
        present, codes = np.unique(y, return_inverse=True)
        weights = compute_class_weight(self.class_weight, classes=present, y=y)
        if scaled:
            weights = weights / np.average(weights[codes], weights=weight)
        places = np.searchsorted(self.classes_, present)
        return {int(place): float(weight) for place, weight in zip(places, weights, strict=True)}

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return y
