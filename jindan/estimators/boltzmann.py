"""BoltzmannMachine: a fully connected Boltzmann machine behind scikit-learn's interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..engine import devices
from ..engine.program import Trained
from ..errors import InputError
from ..models import boltzmann, estimator_files, partition, saving
from .mixins import ManyMixin, Part, side_by_side, warn_unless_finite
from .settings import asked_for, check_settings


class BoltzmannMachine(ManyMixin, TransformerMixin, BaseEstimator):
    """All units connected with one another: p(s) ∝ exp(½ sᵀWs + b·s), some of them hidden (Ackley et al. 1985).

    Args:
        n_hidden: Hidden units beside one visible unit a column.
        learning_rate, momentum, weight_decay: Of the ascent of log p(v).
        batch_size: Rows, and chains, of an update.
        n_iter: Epochs.
        method: "exact" sums over all states, for up to 12 units; "mean_field" or "gibbs" find hidden units given the
            data, with persistent chains for the machine's own means; "auto" is "exact" where it can be, else
            "mean_field".
        sweeps: Gibbs sweeps of an update.
        random_state: Fixes first weights, order of rows and draws.
        dtype: "float32" or "float64".

    Attributes:
        weights_: (units, units) W, visible units first. `bias_`: (units,) b.
        method_: What "auto" was. `history_`: figures by epoch. `run_`: the training.

    >>> X = [[0, 0], [1, 1]] * 8
    >>> model = BoltzmannMachine(0, learning_rate=0.5, n_iter=300, random_state=0).fit(X)
    >>> np.exp(model.score_samples([[0, 0], [0, 1], [1, 0], [1, 1]])).round(1).tolist()
    [0.5, 0.0, 0.0, 0.5]
    """

    def __init__(
        self,
        n_hidden: int = 4,
        *,
        learning_rate: float = 0.1,
        momentum: float = 0.9,
        weight_decay: float = 0.0,
        batch_size: int = 64,
        n_iter: int = 100,
        method: str = "auto",
        sweeps: int = 5,
        random_state: Any = None,
        dtype: str = "float32",
    ) -> None:
        self.n_hidden = n_hidden
        self.learning_rate = learning_rate
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.method = method
        self.sweeps = sweeps
        self.random_state = random_state
        self.dtype = dtype

    run_: Trained

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the distribution of rows X (n, features), values from 0 to 1; y is not looked at."""
        self._fit_all([self], X)
        return self

    def _fit_all(self, members: list[Self], X: Any) -> None:
        parts = []
        for member in members:
            rows = validate_data(member, X, dtype=member.dtype)
            program = member._program(rows)
            names = ("learning_rate", "momentum", "weight_decay")
            values, seed = {name: float(getattr(member, name)) for name in names}, member._seed()
            start = Trained.fresh(program, program.init(seed, values), seed, values)
            parts.append(Part(program, rows, member.n_iter, start))
        runs = side_by_side(parts)
        for member, run in zip(members, runs, strict=True):
            member.run_ = run
            member._adopt(run.state["params"], run.history)
        if any(run.interrupted for run in runs):
            raise KeyboardInterrupt
        for member in members:
            warn_unless_finite(member, member._params().values())

    def _program(self, X: np.ndarray) -> boltzmann.BoltzmannProgram:
        if X.min() < 0 or X.max() > 1:
            raise InputError("Units of a Boltzmann machine have values from 0 to 1.", where="X",
                             expected="values in [0, 1]", received=f"{X.min():g} … {X.max():g}",
                             help='Scale the columns; RBM(visible="gaussian") takes real values.')  # fmt: skip
        units = X.shape[1] + self.n_hidden
        check_settings(self, {
            "n_hidden": (self.n_hidden >= 0, ">= 0"),
            "learning_rate": (self.learning_rate > 0, "> 0"),
            "momentum": (0 <= self.momentum < 1, "0 <= momentum < 1"),
            "weight_decay": (self.weight_decay >= 0, ">= 0"),
            "batch_size": (self.batch_size >= 1, ">= 1"),
            "n_iter": (self.n_iter >= 0, ">= 0"),
            "sweeps": (self.sweeps >= 1, ">= 1"),
            "method": (
                self.method in boltzmann.METHODS and (self.method != "exact" or units <= boltzmann.EXACT),
                f'"auto", "mean_field", "gibbs"; "exact" for at most {boltzmann.EXACT} units (here {units})',
            ),
        })  # fmt: skip
        self.method_ = self.method
        if self.method == "auto":
            self.method_ = "exact" if units <= boltzmann.EXACT else "mean_field"
        return boltzmann.BoltzmannProgram(
            X.shape[1], self.n_hidden, method=self.method_, sweeps=self.sweeps, batch_size=self.batch_size,
            dtype=self.dtype,
        )  # fmt: skip

    def _adopt(self, params: dict[str, np.ndarray], history: dict[str, list[float]]) -> None:
        self.weights_, self.bias_, self.history_ = params["kernel"], params["bias"], history
        self._log_z: partition.LogZ | None = None

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def transform(self, X: Any) -> np.ndarray:
        """⟨h⟩ given each row (rows, n_hidden): exact up to 12 hidden units, mean-field beyond."""
        rows = self._rows(X)
        with devices.width(self.dtype):
            if self.n_hidden <= boltzmann.EXACT:
                return np.asarray(boltzmann.hidden_moments(self._params(), rows)[0])
            return np.asarray(boltzmann.mean_field(self._params(), rows, 200))

    def score_samples(self, X: Any) -> np.ndarray:
        """log p(v) of each row (rows,), nats: exact up to 22 units of which 12 hidden; beyond with log Z by AIS, and
        the mean-field bound from below."""
        rows = self._rows(X)
        with devices.width(self.dtype):
            return boltzmann.log_unnormalised(self._params(), rows) - self.log_partition().value

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def log_partition(self) -> partition.LogZ:
        """log Z: exact up to 22 units, by AIS with its standard error beyond."""
        check_is_fitted(self)
        if self._log_z is None:
            self._log_z = boltzmann.log_z(self._params())
        return self._log_z

    def sample(self, n_samples: int = 1, *, steps: int = 200, start: Any = None, clamped: int = 0) -> np.ndarray:
        """Visible units (n_samples, features) after so many Gibbs sweeps.

        Args:
            n_samples: Rows.
            steps: Sweeps.
            start: Rows to start from; noise unless given.
            clamped: The first so many columns keep what `start` has: the machine completes the rest.
        """
        check_is_fitted(self)
        asked_for(n_samples)
        devices.start()
        seed, inputs = self._seed(), self.n_features_in_
        rng = np.random.default_rng(seed)
        rows = n_samples if start is None else len(start)
        s = rng.integers(0, 2, (rows, inputs + self.n_hidden)).astype(self.dtype)
        if start is not None:
            s[:, :inputs] = self._rows(start)
        with devices.width(self.dtype):
            return boltzmann.gibbs(self._params(), s, steps, seed, clamped)[:, :inputs]

    def _params(self) -> dict[str, np.ndarray]:
        return {"kernel": self.weights_, "bias": self.bias_}

    def _rows(self, X: Any) -> Any:
        check_is_fitted(self)
        devices.start()
        return validate_data(self, X, reset=False, dtype=self.dtype)

    def save(self, path: str | Path) -> None:
        """Write settings and weights into a folder."""
        check_is_fitted(self)
        settings = {**self.get_params(), "method_": self.method_, "history": saving.history_json(self.history_)}
        estimator_files.write(path, "BoltzmannMachine", *estimator_files.plain(settings, self._params(), self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no Boltzmann machine.
        """
        settings, arrays = estimator_files.read(path, "BoltzmannMachine")
        method, history = settings.pop("method_"), settings.pop("history")
        model = estimator_files.made(cls, settings)
        model.method_ = method
        model._adopt(arrays, saving.history_of(history))
        model.n_features_in_ = len(model.bias_) - model.n_hidden
        return model
