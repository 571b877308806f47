"""RBMClassifier: a classification RBM behind scikit-learn's interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from ..engine import devices
from ..engine.program import Trained
from ..errors import InputError
from ..models import estimator_files, saving
from ..models.rbm import BERNOULLI, GAUSSIAN
from ..models.rbm_classes import ClassRBMProgram, class_logits
from .mixins import ManyLabelledMixin, Part, ScoresMixin, TellsMixin, side_by_side, warn_unless_finite
from .rbm import standards
from .settings import check_settings


class RBMClassifier(ManyLabelledMixin, ScoresMixin, TellsMixin, ClassifierMixin, BaseEstimator):
    """A restricted Boltzmann machine over rows and classes, with p(y | x) exact (Larochelle & Bengio 2008).

    Args:
        n_components: Hidden units.
        learning_rate: Of the ascent of log p(y | x) + α log p(x, y).
        generative: α; 0 is the discriminative machine.
        batch_size: Rows of an update.
        n_iter: Epochs.
        visible: "bernoulli" for values in [0, 1], "gaussian" for real ones, which are standardised first; "auto"
            decides by the data.
        momentum, weight_decay: Of the ascent.
        random_state: Fixes first weights, order of rows and draws.
        verbose: Whether each epoch prints a line.
        dtype: "float32" or "float64".

    Attributes:
        classes_: As in scikit-learn. `params_`: W, b, c, U and d by name.
        history_: "loss" and "accuracy" by epoch. `run_`: the training.

    >>> X, y = [[0, 0], [0, 1], [1, 0], [1, 1]], ["no", "yes", "yes", "no"]
    >>> model = RBMClassifier(8, learning_rate=0.5, n_iter=600, generative=0, momentum=0.9, random_state=0)
    >>> model.fit(X, y).predict(X).tolist()
    ['no', 'yes', 'yes', 'no']
    """

    def __init__(
        self,
        n_components: int = 100,
        *,
        learning_rate: float = 0.05,
        generative: float = 0.01,
        batch_size: int = 64,
        n_iter: int = 30,
        visible: str = "auto",
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        random_state: Any = None,
        verbose: bool = False,
        dtype: str = "float32",
    ) -> None:
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.generative = generative
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.visible = visible
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.random_state = random_state
        self.verbose = verbose
        self.dtype = dtype

    run_: Trained

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from rows X (n, features) with classes y."""
        self._fit_all([self], X, y)
        return self

    def _fit_all(self, members: list[Self], X: Any, y: Any) -> None:
        runs = side_by_side([member._part(X, y) for member in members], self._line())
        for member, run in zip(members, runs, strict=True):
            member.run_, member.params_, member.history_ = run, run.state["params"], run.history
        if any(run.interrupted for run in runs):
            raise KeyboardInterrupt
        for member in members:
            warn_unless_finite(member, member.params_.values())

    def _part(self, X: Any, y: Any) -> Part:
        X, y = validate_data(self, X, y, dtype=self.dtype)
        check_classification_targets(y)
        self._check()
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError("The target has one class only.", where="y", expected="at least two classes")
        self.visible_, self.mean_, self.scale_ = standards(X, self.visible)
        program = ClassRBMProgram(
            X.shape[1], self.n_components, len(self.classes_), visible=self.visible_, generative=self.generative > 0,
            batch_size=self.batch_size, dtype=self.dtype,
        )  # fmt: skip
        names = ("learning_rate", "generative", "momentum", "weight_decay")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        values = {name: float(getattr(self, name)) for name in names}
        rows = {"x": (X - self.mean_) / self.scale_, "y": codes.astype(np.int32)}
        return Part(program, rows, self.n_iter, Trained.fresh(program, program.init(seed, values), seed, values))

    def _check(self) -> None:
        check_settings(self, {
            "n_components": (self.n_components >= 1, ">= 1"),
            "batch_size": (self.batch_size >= 1, ">= 1"),
            "n_iter": (self.n_iter >= 0, ">= 0"),
            "learning_rate": (self.learning_rate > 0, "> 0"),
            "generative": (self.generative >= 0, ">= 0"),
            "momentum": (0 <= self.momentum < 1, "0 <= momentum < 1"),
            "weight_decay": (self.weight_decay >= 0, ">= 0"),
            "visible": (self.visible in ("auto", BERNOULLI, GAUSSIAN), f'"auto", "{BERNOULLI}" or "{GAUSSIAN}"'),
        })  # fmt: skip

    def _logits(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        rows = (validate_data(self, X, reset=False, dtype=self.dtype) - self.mean_) / self.scale_
        devices.start()
        with devices.width(self.dtype):
            return np.asarray(class_logits(self.params_, rows))

    def save(self, path: str | Path) -> None:
        """Write settings and weights into a folder."""
        check_is_fitted(self)
        settings = {**self.get_params(), "classes": self.classes_.tolist(), "classes_dtype": self.classes_.dtype.str,
                    "visible_": self.visible_, "history": saving.history_json(self.history_)}  # fmt: skip
        arrays = {**self.params_, "mean": self.mean_, "scale": self.scale_}
        estimator_files.write(path, "RBMClassifier", *estimator_files.plain(settings, arrays, self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no such model.
        """
        settings, arrays = estimator_files.read(path, "RBMClassifier")
        classes, dtype = settings.pop("classes"), settings.pop("classes_dtype")
        visible, history = settings.pop("visible_"), settings.pop("history")
        model = estimator_files.made(cls, settings)
        model.classes_ = np.array(classes, object if dtype == "|O" else dtype)
        model.visible_, model.history_ = visible, saving.history_of(history)
        model.mean_, model.scale_ = arrays.pop("mean"), arrays.pop("scale")
        model.params_, model.n_features_in_ = arrays, len(model.mean_)
        return model
