"""Perceptron: Rosenblatt's neuron with a step, its weights set by hand or learned."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import jax.numpy as jnp
import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import NotFittedError
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..activations import step
from ..engine.run import Run
from ..engine.train import train
from ..errors import InputError, UnknownNameError
from ..initializers import Constant
from ..layers import Dense
from ..models import Sequential, estimator_files
from ..optimizers import SGD
from ..plan import Plan
from ..spec import to_json
from ..utils import to_categorical
from .settings import check_settings, whole

GATES = {"AND": ((1.0, 1.0), -1.5), "OR": ((1.0, 1.0), -0.5), "NAND": ((-1.0, -1.0), 1.5)}


def criterion(y_true: Any, z: Any) -> Any:
    """−(y − ŷ) z with ŷ = step(z) held fixed: its derivative by w is −(y − ŷ) x, which makes SGD Rosenblatt's rule."""
    return -jnp.sum((y_true - step(z)) * z, axis=-1)


def mistakes(y_true: Any, z: Any) -> Any:
    """Share of outputs on the wrong side."""
    return jnp.mean(jnp.abs(y_true - step(z)), axis=-1)


class Perceptron(ClassifierMixin, BaseEstimator):
    """ŷ = step(w·x + b), step(z) = 1 if z > 0 else 0; w ← w + η (y − ŷ) x after each row (Rosenblatt 1958).

    More than two classes: one neuron a class against the rest, the largest w·x + b wins. Learning ends with the first
    epoch without a mistake: it comes if, and only if, straight lines separate the classes.

    Args:
        eta0: The rate η. From zero weights it changes their length only.
        max_iter: Most epochs.
        shuffle: Whether each epoch has a new order of rows.
        random_state: Fixes that order.
        coef, intercept: Weights (neurons, features) and (neurons,) set by hand; `fit` starts from them.
        dtype: "float32" or "float64".

    Attributes:
        classes_, coef_, intercept_, n_iter_: As in scikit-learn. `mistakes_`: share of wrong outputs by epoch.

    >>> table = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> Perceptron.gate("NAND").predict(table).tolist()
    [1, 1, 1, 0]
    >>> Perceptron(random_state=0).fit(table, [0, 1, 1, 1]).predict(table).tolist()
    [0, 1, 1, 1]
    """

    def __init__(
        self,
        eta0: float = 1.0,
        *,
        max_iter: int = 1000,
        shuffle: bool = True,
        random_state: Any = None,
        coef: Any = None,
        intercept: Any = None,
        dtype: str = "float32",
    ) -> None:
        self.eta0 = eta0
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.coef = coef
        self.intercept = intercept
        self.dtype = dtype

    @classmethod
    def gate(cls, name: str) -> Self:
        """A logic gate by hand: "AND", "OR" or "NAND". There is no "XOR": no straight line draws it.

        Raises:
            UnknownNameError: for any other name.
        """
        if name.upper() not in GATES:
            raise UnknownNameError("gate", name, GATES, where="Perceptron.gate")
        coef, intercept = GATES[name.upper()]
        return cls(coef=[list(coef)], intercept=[intercept])

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X (n, features) with classes y."""
        X, y = validate_data(self, X, y, dtype=self.dtype)
        check_classification_targets(y)
        check_settings(self, {"max_iter": (whole(self.max_iter, 1), "a whole number >= 1")})
        classes, codes = np.unique(y, return_inverse=True)
        if len(classes) < 2:
            raise InputError("The target has one class only.", where="y", expected="at least two classes")
        targets = codes[:, None] if len(classes) == 2 else to_categorical(codes)
        run: Run = train(self._plan(X.shape[1], targets.shape[1]), (X, targets), listen=_perfect)
        wrong = run.history.get("mistakes", [])
        if run.interrupted and (not wrong or wrong[-1] > 0):  # ended neither by itself nor by `_perfect`
            raise KeyboardInterrupt
        self.classes_ = classes
        self.coef_, self.intercept_ = run.weights[0]["kernel"].T, run.weights[0]["bias"]
        self.n_iter_ = next((epoch + 1 for epoch, share in enumerate(wrong) if share == 0), len(wrong))
        self.mistakes_ = wrong[: self.n_iter_]
        return self

    def _plan(self, features: int, neurons: int) -> Plan:
        coef = np.zeros((neurons, features)) if self.coef is None else np.asarray(self.coef, float)
        intercept = np.zeros(neurons) if self.intercept is None else np.asarray(self.intercept, float)
        return Plan(
            (Dense(neurons, kernel_initializer=Constant(coef.T), bias_initializer=Constant(intercept)),),
            loss=criterion,
            optimizer=SGD(self.eta0),
            metrics=(mistakes,),
            batch_size=1,
            epochs=self.max_iter,
            shuffle=self.shuffle,
            seed=int(check_random_state(self.random_state).randint(2**31 - 1)),
            dtype=self.dtype,
        )

    def decision_function(self, X: Any) -> np.ndarray:
        """w·x + b: (rows,), or (rows, classes) for more than two."""
        coef, intercept = self._weights()
        scores = validate_data(self, X, reset=False, dtype=self.dtype) @ coef.T + intercept
        return scores[:, 0] if scores.shape[1] == 1 else scores

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row."""
        scores = self.decision_function(X)
        codes = (scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)
        return self._classes()[codes]

    @property
    def model_(self) -> Sequential:
        """The same neurons as a Sequential: one Dense with a step."""
        coef, intercept = self._weights()
        model = Sequential([Dense(len(coef), activation="step", input_shape=(coef.shape[1],))], dtype=self.dtype)
        model.set_weights([coef.T, intercept])
        return model

    def __sklearn_is_fitted__(self) -> bool:
        return self.coef is not None or hasattr(self, "coef_")

    def _weights(self) -> tuple[np.ndarray, np.ndarray]:
        if hasattr(self, "coef_"):
            return self.coef_, self.intercept_
        if self.coef is None:
            raise NotFittedError("This Perceptron has no weights yet: call fit, or give coef and intercept.")
        coef = np.atleast_2d(np.asarray(self.coef, self.dtype))
        intercept = 0.0 if self.intercept is None else np.asarray(self.intercept, self.dtype)
        return coef, np.broadcast_to(intercept, len(coef))

    def _classes(self) -> np.ndarray:
        """Those learned; for weights set by hand 0, 1, …"""
        return self.classes_ if hasattr(self, "classes_") else np.arange(max(2, len(self._weights()[0])))

    # -- keeping -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write settings and weights into a folder."""
        check_is_fitted(self)
        settings, arrays = estimator_files.plain(to_json(self.get_params()), {}, self)
        if hasattr(self, "coef_"):
            settings |= {"classes": self.classes_.tolist(), "classes_dtype": self.classes_.dtype.str,
                         "mistakes_": self.mistakes_}  # fmt: skip
            arrays = {"coef": self.coef_, "intercept": self.intercept_}
        estimator_files.write(path, "Perceptron", settings, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no Perceptron.
        """
        settings, arrays = estimator_files.read(path, "Perceptron")
        mistakes = settings.pop("mistakes_", None)
        classes, dtype = settings.pop("classes", None), settings.pop("classes_dtype", None)
        model = estimator_files.made(cls, settings)
        if classes is not None:
            model.classes_ = np.array(classes, object if dtype == "|O" else dtype)
            model.coef_, model.intercept_ = arrays["coef"], arrays["intercept"]
            model.mistakes_, model.n_iter_ = mistakes, len(mistakes)
            model.n_features_in_ = model.coef_.shape[1]
        return model


def _perfect(progress: Any) -> bool:
    """After an epoch without a mistake no weight changes any more."""
    return progress.figures.get("mistakes") == 0
