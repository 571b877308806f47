"""RBM: a restricted Boltzmann machine behind scikit-learn's interface."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..engine import devices
from ..engine.program import Trained, train_program
from ..errors import InputError
from ..models import estimator_files, partition, saving
from ..models import rbm as machine
from ..models.rbm import BERNOULLI, GAUSSIAN, METHODS, RBMProgram
from .mixins import ManyMixin, Part, TellsMixin, side_by_side, warn_outside, warn_unless_finite
from .settings import asked_for, check_settings

ARRAYS = {"kernel": "components_", "visible_bias": "intercept_visible_", "hidden_bias": "intercept_hidden_"}


class RBM(ManyMixin, TellsMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """A restricted Boltzmann machine: p(v) = exp(−F(v)) / Z, learned by ascent of the likelihood.

    Names are those of `sklearn.neural_network.BernoulliRBM`; the mathematics is in `jindan.models.rbm`. Visible biases
    start at the log-odds of the data's means (Hinton 2010).

    Args:
        n_components: Hidden units.
        learning_rate: Of the ascent.
        batch_size: Rows, and chains, of an update.
        n_iter: Epochs.
        visible: "bernoulli" for values in [0, 1], taken as probabilities; "gaussian" for real ones, which are
            standardised first; "auto" decides by the data.
        method: "pcd", persistent chains; "cd", chains from the data; "pt", chains at several temperatures.
        k: Gibbs steps of an update.
        n_temperatures: Of "pt".
        momentum: Of the ascent.
        weight_decay: λ of −½ λ ‖W‖².
        random_state: Fixes first weights, order of rows and draws.
        verbose: Whether each epoch prints a line.
        dtype: "float32" or "float64".
        precision: "bfloat16" rounds the factors of the products that units are drawn by while learning: faster on
            processors that have such products.

    Attributes:
        components_: (n_components, n_features) Wᵀ. `intercept_visible_`, `intercept_hidden_`: b and c.
        visible_: "bernoulli" or "gaussian". `mean_`, `scale_`: what Gaussian columns were standardised by.
        history_: Figures by epoch. `run_`: the training, to go on from.

    >>> X = np.array([[0, 0, 1, 1], [1, 1, 0, 0]] * 20)
    >>> model = RBM(2, learning_rate=0.2, batch_size=8, n_iter=200, random_state=0).fit(X)
    >>> model.transform(X[:1]).shape, model.sample(5).shape
    ((1, 2), (5, 4))
    >>> float(np.exp(model.log_likelihood(X[:2])).sum().round()) # of 16 possible rows
    1.0
    """

    def __init__(
        self,
        n_components: int = 256,
        *,
        learning_rate: float = 0.01,
        batch_size: int = 64,
        n_iter: int = 10,
        visible: str = "auto",
        method: str = "pcd",
        k: int = 1,
        n_temperatures: int = 10,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        random_state: Any = None,
        verbose: bool = False,
        dtype: str = "float32",
        precision: str | None = None,
    ) -> None:
        self.n_components = n_components
        self.learning_rate = learning_rate
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.visible = visible
        self.method = method
        self.k = k
        self.n_temperatures = n_temperatures
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.random_state = random_state
        self.verbose = verbose
        self.dtype = dtype
        self.precision = precision

    # -- fitting -----------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the distribution of rows X (n, features); y is not looked at."""
        self._fit_all([self], X)
        return self

    def _fit_all(self, members: list[Self], X: Any) -> None:
        parts = []
        for member in members:
            rows = validate_data(member, X, dtype=member.dtype, ensure_min_samples=2)
            member._settle(rows)
            inside, program = member._inside(rows), member._program(rows.shape[1])
            start = Trained.fresh(program, member._first(program, inside), member._seed(), member._values())
            parts.append(Part(program, inside, member.n_iter, start))
        runs = side_by_side(parts, self._line())
        for member, run in zip(members, runs, strict=True):
            member._adopt([run])
        if any(run.interrupted for run in runs):
            raise KeyboardInterrupt
        for member in members:
            warn_unless_finite(member, member._params().values())

    def partial_fit(self, X: Any, y: Any = None) -> Self:
        """One more epoch, over rows X."""
        first = not hasattr(self, "run_")
        X = validate_data(self, X, dtype=self.dtype, reset=first)
        if first:
            self._settle(X)
        X, program = self._inside(X), self._program(X.shape[1])
        if first:
            state, seed = self._first(program, X), self._seed()
        else:
            # Another order of rows, and other draws, each time.
            state, seed = self.run_.state, (self.run_.seed + 1) % 2**31
        start = Trained.fresh(program, state, seed, self._values())
        run = train_program(program, X, epochs=1, start=start)[0]
        if run.interrupted:
            raise KeyboardInterrupt
        self._adopt([run])
        warn_unless_finite(self, self._params().values())
        return self

    def _settle(self, X: np.ndarray) -> None:
        """What the data decide: the kind of visible units, and how they are standardised."""
        self._check()
        self.visible_, self.mean_, self.scale_ = standards(X, self.visible)
        self._base = base_rates(self._inside(X), self.visible_)

    def _check(self) -> None:
        wanted = {
            "n_components": (self.n_components >= 1, ">= 1"),
            "batch_size": (self.batch_size >= 1, ">= 1"),
            "n_iter": (self.n_iter >= 0, ">= 0"),
            "k": (self.k >= 1, ">= 1"),
            "n_temperatures": (self.n_temperatures >= 2, ">= 2"),
            "learning_rate": (self.learning_rate > 0, "> 0"),
            "momentum": (0 <= self.momentum < 1, "0 <= momentum < 1"),
            "weight_decay": (self.weight_decay >= 0, ">= 0"),
            "visible": (self.visible in ("auto", BERNOULLI, GAUSSIAN), f'"auto", "{BERNOULLI}" or "{GAUSSIAN}"'),
            "method": (self.method in METHODS, " or ".join(f'"{m}"' for m in METHODS)),
            "precision": (self.precision in (None, "float32", "bfloat16"), '"float32" or "bfloat16"'),
        }
        check_settings(self, wanted)

    def _program(self, inputs: int) -> RBMProgram:
        return RBMProgram(
            inputs, self.n_components, visible=self.visible_, method=self.method, steps=self.k,
            batch_size=self.batch_size, temperatures=self.n_temperatures, momentum=self.momentum > 0,
            weight_decay=self.weight_decay > 0, dtype=self.dtype, precision=self.precision,
        )  # fmt: skip

    def _values(self) -> dict[str, float]:
        return {"learning_rate": self.learning_rate, "momentum": self.momentum, "weight_decay": self.weight_decay}

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _first(self, program: RBMProgram, X: np.ndarray) -> Any:
        state = program.init(self._seed(), self._values())
        return program.from_params({**state["params"], "visible_bias": self._base})

    def _adopt(self, found: list[Trained]) -> None:
        self.run_ = found[0]
        self.history_ = self.run_.history
        params = self.run_.state["params"]
        for name, own in ARRAYS.items():
            setattr(self, own, params[name].T if name == "kernel" else params[name])
        self._log_z: partition.LogZ | None = None

    # -- using -------------------------------------------------------------------------------------------------------

    def transform(self, X: Any) -> np.ndarray:
        """p(hⱼ = 1 | v) of each row (rows, n_components)."""
        return np.asarray(self._with_width(machine.hidden_given, self._rows(X)))

    def score_samples(self, X: Any) -> np.ndarray:
        """How likely each row is (rows,), in nats: m · log p(vᵢ | the rest) of a unit drawn for each row, as
        scikit-learn has it; for Gaussian units `log_likelihood`."""
        rows = self._rows(X)
        if self.visible_ == GAUSSIAN:
            return self.log_likelihood(X)
        import jax

        key = jax.random.key(self._seed())
        return np.asarray(self._with_width(machine.pseudo_likelihood, rows, key))

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`."""
        return float(np.mean(self.score_samples(X)))

    def free_energy(self, X: Any) -> np.ndarray:
        """F(v) of each row (rows,), nats; of Gaussian units on the standardised scale."""
        return np.asarray(self._with_width(machine.free_energy, self._rows(X), self.visible_))

    def log_partition(self) -> partition.LogZ:
        """log Z with its standard error: exact where one side has at most 16 units, by AIS otherwise (100 runs, 2,000
        temperatures; `jindan.models.partition.annealed` takes more)."""
        check_is_fitted(self)
        if self._log_z is None:
            self._log_z = partition.log_z(self._params(), self.visible_, base=self._base)
        return self._log_z

    def log_likelihood(self, X: Any) -> np.ndarray:
        """log p(v) of each row (rows,), nats: −F(v) − log Z, per unit of the data's own scale."""
        free = self.free_energy(X)
        return -free - self.log_partition().value - np.log(self.scale_, dtype=np.float64).sum()

    def sample(self, n_samples: int = 1, *, steps: int = 1000, start: Any = None, mean: bool = False) -> np.ndarray:
        """Rows drawn by so many Gibbs steps, each from a chain of its own.

        Args:
            n_samples: Rows.
            steps: Gibbs steps before the row is taken.
            start: Rows (n_samples, features) to start from; noise unless given.
            mean: Whether the mean of v given the last h is returned in its place, which is smoother to look at.
        """
        check_is_fitted(self)
        asked_for(n_samples)
        devices.start()
        seed = self._seed()
        if start is None:
            rng = np.random.default_rng(seed)
            shape = (n_samples, self.n_features_in_)
            v = rng.integers(0, 2, shape) if self.visible_ == BERNOULLI else rng.standard_normal(shape)
        else:
            v = self._rows(start)
        with devices.width(self.dtype):
            drawn, means = machine.gibbs(self._params(), v, self.visible_, steps, seed)
        return (means if mean else drawn) * self.scale_ + self.mean_

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _params(self) -> Any:
        return {name: np.asarray(getattr(self, own).T if name == "kernel" else getattr(self, own))
                for name, own in ARRAYS.items()}  # fmt: skip

    def _rows(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, dtype=self.dtype)
        if self.visible_ == BERNOULLI:
            warn_outside(self, rows)
        return self._inside(rows)

    def _inside(self, X: np.ndarray) -> np.ndarray:
        return X if self.visible_ == BERNOULLI else (X - self.mean_) / self.scale_

    def _with_width(self, function: Any, *given: Any) -> Any:
        devices.start()
        with devices.width(self.dtype):
            return function(self._params(), *given)

    # -- keeping -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write settings and weights into a folder."""
        check_is_fitted(self)
        settings = {**self.get_params(), "visible_": self.visible_, "history": saving.history_json(self.history_)}
        arrays = {**self._params(), "mean": self.mean_, "scale": self.scale_, "base": self._base}
        estimator_files.write(path, "RBM", *estimator_files.plain(settings, arrays, self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`; `partial_fit` goes on from the weights.

        Raises:
            FileError: when the folder holds no RBM.
        """
        settings, arrays = estimator_files.read(path, "RBM")
        visible, history = settings.pop("visible_"), settings.pop("history")
        model = estimator_files.made(cls, settings)
        model.visible_, model._base = visible, arrays.pop("base")
        model.mean_, model.scale_ = arrays.pop("mean"), arrays.pop("scale")
        model.n_features_in_ = len(model.mean_)
        program = model._program(model.n_features_in_)
        state = program.from_params(arrays)
        run = Trained.fresh(program, state, model._seed(), model._values())
        model._adopt([run])
        model.history_ = saving.history_of(history)
        return model


def standards(X: np.ndarray, visible: str) -> tuple[str, np.ndarray, np.ndarray]:
    """The kind of visible units for rows X, and what their columns are standardised by: 0 and 1 of Bernoulli units.

    Raises:
        InputError: when values outside [0, 1] shall be Bernoulli.
    """
    inside = bool(np.all((X >= 0) & (X <= 1)))
    if visible == BERNOULLI and not inside:
        raise InputError(
            "Bernoulli units stand for values from 0 to 1.", where="X", expected="values in [0, 1]",
            received=f"{X.min():g} … {X.max():g}", help='Scale the columns, or use visible="gaussian".',
        )  # fmt: skip
    mean, scale = np.zeros(X.shape[1], X.dtype), np.ones(X.shape[1], X.dtype)
    if visible == BERNOULLI or (visible == "auto" and inside):
        return BERNOULLI, mean, scale
    mean, spread = X.mean(0, dtype=np.float64), X.std(0, dtype=np.float64)
    spread = np.where(spread > 1e-6 * np.abs(mean), spread, 1)
    return GAUSSIAN, mean.astype(X.dtype), spread.astype(X.dtype)


def base_rates(X: np.ndarray, visible: str) -> np.ndarray:
    """Visible biases of a machine without connections that fits best: log-odds of the means, smoothed by a row of ½;
    the means of Gaussian units."""
    if visible == GAUSSIAN:
        return X.mean(0)
    share = (X.sum(0, dtype=np.float64) + 0.5) / (len(X) + 1)
    return np.log(share / (1 - share)).astype(X.dtype)
