"""DBN: a deep belief network for classes, behind scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from ..errors import InputError
from ..layers import Dense
from ..models import dbn, estimator_files
from ..models.rbm import BERNOULLI, GAUSSIAN, METHODS
from ..optimizers import Adam
from .mixins import ManyLabelledMixin, warn_unless_finite
from .rbm import base_rates, standards
from .settings import asked_for, check_settings


class DBN(ManyLabelledMixin, ClassifierMixin, TransformerMixin, BaseEstimator):
    """RBMs learned one on another without labels, then fine-tuned as a network with them (Hinton et al. 2006).

    Args:
        hidden_layer_sizes: Hidden units of each RBM, from the bottom up.
        pretrain_iter: Epochs of each RBM; 0 leaves them out, and the network starts at random (Glorot).
        pretrain_learning_rate, pretrain_momentum, weight_decay: Of the RBMs.
        pretrain_batch_size: Rows of an RBM's update.
        method: How the RBMs' slopes are sampled: "cd", "pcd" or "pt".
        k: Gibbs steps of an update.
        visible: "bernoulli" for values in [0, 1], "gaussian" for real ones, which are standardised first; "auto"
            decides by the data.
        learning_rate: Of Adam, in fine-tuning.
        n_iter: Epochs of fine-tuning.
        batch_size: Rows of its updates.
        random_state: Fixes first weights, orders of rows and draws.
        dtype: "float32" or "float64".

    Attributes:
        classes_: As in scikit-learn. `stack_`: the RBMs as they were learned (None without).
        model_: The fine-tuned Sequential. `loss_curve_`: its training loss by epoch.

    >>> X, y = [[0, 0, 1], [0, 1, 1], [1, 0, 0], [1, 1, 0]] * 8, ["a", "a", "b", "b"] * 8
    >>> model = DBN((8, 4), pretrain_iter=5, learning_rate=0.05, n_iter=60, random_state=0).fit(X, y)
    >>> model.predict(X[:4]).tolist()
    ['a', 'a', 'b', 'b']
    """

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (256, 256),
        *,
        pretrain_iter: int = 20,
        pretrain_learning_rate: float = 0.05,
        pretrain_momentum: float = 0.5,
        weight_decay: float = 0.0002,
        pretrain_batch_size: int = 64,
        method: str = "cd",
        k: int = 1,
        visible: str = "auto",
        learning_rate: float = 0.001,
        n_iter: int = 50,
        batch_size: int = 32,
        random_state: Any = None,
        dtype: str = "float32",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.pretrain_iter = pretrain_iter
        self.pretrain_learning_rate = pretrain_learning_rate
        self.pretrain_momentum = pretrain_momentum
        self.weight_decay = weight_decay
        self.pretrain_batch_size = pretrain_batch_size
        self.method = method
        self.k = k
        self.visible = visible
        self.learning_rate = learning_rate
        self.n_iter = n_iter
        self.batch_size = batch_size
        self.random_state = random_state
        self.dtype = dtype

    def fit(self, X: Any, y: Any, unlabeled: Any = None) -> Self:
        """Learn from rows X (n, features) with classes y.

        Args:
            X, y: Rows and their classes.
            unlabeled: More rows (m, features) without classes, for the RBMs.
        """
        X, y = validate_data(self, X, y, dtype=self.dtype)
        check_classification_targets(y)
        self._check()
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError("The target has one class only.", where="y", expected="at least two classes")
        every = X
        if unlabeled is not None:
            more = check_array(unlabeled, dtype=self.dtype)
            if more.shape[1] != X.shape[1]:
                raise InputError("The rows without classes have other columns.", where="unlabeled",
                                 expected=f"{X.shape[1]} columns", received=more.shape[1])  # fmt: skip
            every = np.concatenate([X, more])
        self.visible_, self.mean_, self.scale_ = standards(every, self.visible)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        output, sizes = Dense(len(self.classes_), activation="softmax"), [int(n) for n in self.hidden_layer_sizes]
        self.stack_: dbn.Stack | None = None
        if self.pretrain_iter:
            self.stack_ = self._pretrain((every - self.mean_) / self.scale_, sizes, seed)
            self.model_ = self.stack_.network(output, seed)
        else:
            self.model_ = dbn.fresh(X.shape[1], sizes, output, self.dtype, seed)
        self.model_.compile(optimizer=Adam(self.learning_rate), loss="sparse_categorical_crossentropy")
        history = self.model_.fit(
            (X - self.mean_) / self.scale_, codes, epochs=self.n_iter, batch_size=min(self.batch_size, len(X)),
            seed=seed, verbose=0, doctor=False,
        )  # fmt: skip
        self.loss_curve_ = list(history.history["loss"])
        warn_unless_finite(self, self.model_.get_weights())
        return self

    def _pretrain(self, rows: np.ndarray, sizes: list[int], seed: int) -> dbn.Stack:
        values = {
            "learning_rate": self.pretrain_learning_rate,
            "momentum": self.pretrain_momentum,
            "weight_decay": self.weight_decay,
        }
        stack = dbn.pretrain(
            rows, sizes, epochs=self.pretrain_iter, values=values, seed=seed, visible=self.visible_,
            base=base_rates(rows, self.visible_), method=self.method, steps=self.k,
            batch_size=self.pretrain_batch_size, momentum=self.pretrain_momentum > 0,
            weight_decay=self.weight_decay > 0, dtype=self.dtype, listen=self._line(),
        )  # fmt: skip
        if stack.interrupted:
            raise KeyboardInterrupt
        return stack

    def _line(self) -> Any:
        """Who is told of the RBMs' progress."""
        return None

    def _check(self) -> None:
        sizes = self.hidden_layer_sizes
        check_settings(self, {
            "hidden_layer_sizes": (
                isinstance(sizes, (list, tuple)) and len(sizes) > 0 and all(n >= 1 for n in sizes), "(256, 256), say"
            ),
            "pretrain_iter": (self.pretrain_iter >= 0, ">= 0"),
            "pretrain_learning_rate": (self.pretrain_learning_rate > 0, "> 0"),
            "pretrain_momentum": (0 <= self.pretrain_momentum < 1, "0 <= momentum < 1"),
            "weight_decay": (self.weight_decay >= 0, ">= 0"),
            "pretrain_batch_size": (self.pretrain_batch_size >= 1, ">= 1"),
            "method": (self.method in METHODS, " or ".join(f'"{m}"' for m in METHODS)),
            "k": (self.k >= 1, ">= 1"),
            "visible": (self.visible in ("auto", BERNOULLI, GAUSSIAN), f'"auto", "{BERNOULLI}" or "{GAUSSIAN}"'),
            "learning_rate": (self.learning_rate > 0, "> 0"),
            "n_iter": (self.n_iter >= 1, ">= 1"),
            "batch_size": (self.batch_size >= 1, ">= 1"),
        })  # fmt: skip

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities (rows, classes), in the order of `classes_`."""
        p = self.model_rows(X).astype(np.float64)
        return p / p.sum(1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The likeliest class of each row."""
        codes = self.model_rows(X).argmax(1)
        return self.classes_[codes]

    def model_rows(self, X: Any) -> np.ndarray:
        """The network's outputs for rows as they are given to `fit`."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.dtype)
        return self.model_.predict((X - self.mean_) / self.scale_, verbose=0)

    def transform(self, X: Any) -> np.ndarray:
        """p(h = 1) of the uppermost RBM before fine-tuning (rows, units)."""
        check_is_fitted(self)
        X = validate_data(self, X, reset=False, dtype=self.dtype)
        return self._need_stack().transform((X - self.mean_) / self.scale_)

    def sample(self, n_samples: int = 1, *, steps: int = 1000, mean: bool = False) -> np.ndarray:
        """Rows from the RBMs as a generative model (before fine-tuning), or their means."""
        check_is_fitted(self)
        asked_for(n_samples)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        found = self._need_stack().sample(n_samples, steps=steps, seed=seed)
        return found[1 if mean else 0] * self.scale_ + self.mean_

    def _need_stack(self) -> dbn.Stack:
        if self.stack_ is None:
            raise InputError("This network was trained without RBMs.", where="pretrain_iter", expected=">= 1",
                             received=self.pretrain_iter)  # fmt: skip
        return self.stack_

    def save(self, path: str | Path) -> None:
        """Write settings and weights into a folder."""
        check_is_fitted(self)
        settings = {**self.get_params(), "hidden_layer_sizes": [int(n) for n in self.hidden_layer_sizes],
                    "classes": self.classes_.tolist(), "classes_dtype": self.classes_.dtype.str,
                    "visible_": self.visible_, "loss_curve": [str(float(v)) for v in self.loss_curve_]}  # fmt: skip
        arrays = {f"network.{k}": a for k, a in enumerate(self.model_.get_weights())}
        for depth, params in enumerate(self.stack_.params if self.stack_ is not None else ()):
            arrays |= {f"rbm.{depth}.{name}": a for name, a in params.items()}
        arrays |= {"mean": self.mean_, "scale": self.scale_}
        estimator_files.write(path, "DBN", *estimator_files.plain(settings, arrays, self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no DBN.
        """
        settings, arrays = estimator_files.read(path, "DBN")
        classes, dtype = settings.pop("classes"), settings.pop("classes_dtype")
        visible, curve = settings.pop("visible_"), settings.pop("loss_curve")
        settings["hidden_layer_sizes"] = tuple(settings["hidden_layer_sizes"])
        model = estimator_files.made(cls, settings)
        model.classes_ = np.array(classes, object if dtype == "|O" else dtype)
        model.visible_, model.loss_curve_ = visible, [float(v) for v in curve]
        model.mean_, model.scale_ = arrays["mean"], arrays["scale"]
        model.n_features_in_ = len(model.mean_)
        output = Dense(len(model.classes_), activation="softmax")
        model.model_ = dbn.fresh(model.n_features_in_, model.hidden_layer_sizes, output, model.dtype)
        model.model_.set_weights([arrays[f"network.{k}"] for k in range(2 * len(model.hidden_layer_sizes) + 2)])
        parts = ("kernel", "visible_bias", "hidden_bias")
        rbms = [{name: arrays[f"rbm.{depth}.{name}"] for name in parts}
                for depth in range(len(model.hidden_layer_sizes)) if f"rbm.{depth}.kernel" in arrays]  # fmt: skip
        model.stack_ = dbn.Stack(tuple(rbms), visible) if rbms else None
        return model
