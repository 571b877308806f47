"""VAE: a variational autoencoder behind scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..engine.data import Data
from ..engine.run import Run
from ..engine.train import train
from ..errors import InputError
from ..layers import Layer
from ..models import vae
from ..models.autoencoder import stack
from ..models.vae import BERNOULLI, GAUSSIAN
from ..plan import Plan
from .coder import Coder
from .mixins import warn_outside
from .settings import asked_for, check_settings

ROUNDS = 10  # in which a standard deviation that is learned is set anew
JUDGED = 2000  # rows it is taken from


class VAE(Coder):
    """A code with a distribution: rows are encoded to a mean and a standard deviation, and new ones drawn.

    The mathematics is in `jindan.models.vae`.

    Args:
        embedding_dim: Numbers of a code.
        hidden_layer_sizes: Units of the encoder's layers; the decoder has them in reverse.
        filters: Of convolutions (3 × 3, stride 2) in front of these, for images.
        image_shape: (height, width) or (height, width, channels) of a row, for convolutions.
        activation: Of all layers but the code's and the last.
        likelihood: "bernoulli" for values in [0, 1], taken as probabilities; "gaussian" for real ones; "auto" decides
            by the data.
        noise_scale: Standard deviation of Gaussian values around the decoder's means, in units of the scaled columns;
            "auto" sets it, ten times in the training, to the root of the mean squared error of rows decoded from drawn
            codes, which maximises the bound for the network at hand (Rybkin, Daniilidis & Levine 2021).
        beta: β of the divergence.
        warm_up: Epochs over which it grows from 0 to that.
        scaling: What columns are brought to first: "columns" to mean 0 and variance 1 each, "common" to mean 0 and one
            scale for all, None to nothing; "auto" is None for values in [0, 1], else "columns".
        learning_rate: Of Adam.
        decay: Whether the rate falls to 0 along a cosine.
        batch_size: Rows of an update.
        n_iter: Epochs.
        random_state: Fixes first weights, order of rows and draws.
        verbose: Whether each epoch prints a line.
        dtype: "float32" or "float64".

    Attributes:
        model_: A `jindan.models.vae.VAE`. `run_`: the training.
        history_: Figures by epoch; "loss" is the objective, the bound divided by minus the number of values (Gaussian:
            times twice the variance), a divergence that warms up counting as far as it had.
        likelihood_, noise_scale_: What "auto" was. `mean_`, `scale_`: what columns were scaled by.

    >>> X = (np.random.default_rng(0).random((200, 6)) < [0.1, 0.1, 0.1, 0.9, 0.9, 0.9]).astype(float)
    >>> model = VAE(2, hidden_layer_sizes=(16,), n_iter=60, learning_rate=0.01, random_state=0).fit(X)
    >>> mean, spread = model.encode(X)
    >>> mean.shape, spread.shape, model.sample(5).shape
    ((200, 2), (200, 2), (5, 6))
    >>> model.sample(500, mean=True).mean(0).round().tolist()
    [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]
    """

    def __init__(
        self,
        embedding_dim: int = 20,
        *,
        hidden_layer_sizes: Sequence[int] = (256, 256),
        filters: Sequence[int] = (),
        image_shape: Any = None,
        activation: Any = "relu",
        likelihood: str = "auto",
        noise_scale: Any = "auto",
        beta: float = 1.0,
        warm_up: int = 0,
        scaling: str | None = "auto",
        learning_rate: float = 0.001,
        decay: bool = True,
        batch_size: int = 64,
        n_iter: int = 50,
        random_state: Any = None,
        verbose: bool = False,
        dtype: str = "float32",
    ) -> None:
        self.embedding_dim = embedding_dim
        self.hidden_layer_sizes = hidden_layer_sizes
        self.filters = filters
        self.image_shape = image_shape
        self.activation = activation
        self.likelihood = likelihood
        self.noise_scale = noise_scale
        self.beta = beta
        self.warm_up = warm_up
        self.scaling = scaling
        self.learning_rate = learning_rate
        self.decay = decay
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.random_state = random_state
        self.verbose = verbose
        self.dtype = dtype

    # -- fitting -----------------------------------------------------------------------------------------------------

    def _check(self) -> None:
        super()._check()
        learned = isinstance(self.noise_scale, str) and self.noise_scale == "auto"
        number = bool(isinstance(self.noise_scale, (int, float, np.number)) and self.noise_scale > 0)
        check_settings(self, {
            "likelihood": (self.likelihood in ("auto", BERNOULLI, GAUSSIAN), f'"auto", "{BERNOULLI}" or "{GAUSSIAN}"'),
            "noise_scale": (learned or number, '"auto" or a number > 0'),
            "beta": (self.beta >= 0, ">= 0"),
            "warm_up": (self.warm_up >= 0, ">= 0"),
        })  # fmt: skip

    def _settle(self, X: np.ndarray) -> None:
        super()._settle(X)
        if self.likelihood == BERNOULLI and not self._unit:
            raise InputError(
                "Bernoulli values are from 0 to 1.", where="X", expected="unscaled values in [0, 1]",
                received=f"{X.min():g} … {X.max():g}, scaling={self.scaling!r}", help='likelihood="gaussian"',
            )  # fmt: skip
        self.likelihood_ = (BERNOULLI if self._unit else GAUSSIAN) if self.likelihood == "auto" else self.likelihood
        self.noise_scale_ = 1.0 if isinstance(self.noise_scale, str) else float(self.noise_scale)
        if self.likelihood_ == GAUSSIAN and isinstance(self.noise_scale, str):
            # Before anything is learned, the decoder's best guess is the mean.
            self.noise_scale_ = float(np.sqrt(((X - X.mean(0)) ** 2 / self.scale_**2).mean())) or 1.0

    def _layers(self, shape: tuple[int, ...]) -> list[Layer]:
        weight = vae.divergence_weight(self.beta, int(np.prod(shape)), self.likelihood_, self.noise_scale_)
        code = vae.middle(self.embedding_dim, weight, float(self.warm_up))
        return stack(shape, code, hidden=self.hidden_layer_sizes, filters=self.filters, activation=self.activation,
                     output="sigmoid" if self.likelihood_ == BERNOULLI else "linear")  # fmt: skip

    def _plan(self, model: Any, rows: int) -> Plan:
        plan = super()._plan(model, rows)
        return plan.edit({"layers.code.warm_up": float(self.warm_up * self._steps(rows))}) if self.warm_up else plan

    def _loss(self) -> str:
        return "binary_crossentropy" if self.likelihood_ == BERNOULLI else "mse"

    def _epsilon(self, values: int) -> float:
        # Adam's ε for a loss that is a mean over values where one means a sum.
        return 1e-7 / values

    def _train(self, members: list[Self], plans: list[Plan], rows: np.ndarray) -> list[Run]:
        learning = [m.likelihood_ == GAUSSIAN and isinstance(m.noise_scale, str) for m in members]
        if not any(learning):
            return super()._train(members, plans, rows)
        if not all(learning):
            return [run for m, plan in zip(members, plans, strict=True) for run in m._train([m], [plan], rows)]
        if len({m.n_iter for m in members}) > 1:
            return [run for m, plan in zip(members, plans, strict=True) for run in m._train([m], [plan], rows)]
        return self._in_rounds(members, plans, rows)

    def _in_rounds(self, members: list[Self], plans: list[Plan], rows: np.ndarray) -> list[Run]:
        """Round after round, the standard deviation set between them to what maximises the bound."""
        data, total = Data.of(rows, rows), members[0].n_iter
        ends = sorted({round(total * k / ROUNDS) for k in range(1, ROUNDS + 1)} - {0})
        runs: list[Run] = []
        histories: list[dict[str, list[float]]] = [{} for _ in members]
        some = rows[:: max(1, len(rows) // JUDGED)][:JUDGED]
        values = int(np.prod(rows.shape[1:]))
        for number, (begin, end) in enumerate(zip([0, *ends], ends, strict=False)):
            now = []
            for member, plan in zip(members, plans, strict=True):
                weight = vae.divergence_weight(member.beta, values, GAUSSIAN, member.noise_scale_)
                own = {"layers.code.weight": weight, "epochs": end - begin, "seed": (plan.seed or 0) + number}
                now.append(plan.edit(own))
            runs = train(now, data, start=runs or None, listen=self._line(), each_epoch=bool(self.verbose))
            for member, run, history in zip(members, runs, histories, strict=True):
                for name, figures in run.history.items():
                    history[name] = [*history.get(name, []), *figures[-run.epochs :]]
                spread = member._spread(run, some, values)
                # What has diverged is told at the end; its plan needs a number until then.
                member.noise_scale_ = spread if np.isfinite(spread) else member.noise_scale_
            if any(run.interrupted for run in runs):
                break
        return [replace(run, history=history) for run, history in zip(runs, histories, strict=True)]

    def _spread(self, run: Run, rows: np.ndarray, values: int) -> float:
        """√ of the mean squared error of rows decoded from drawn codes."""
        found = vae.VAE.of(run, likelihood=GAUSSIAN, scale=1.0).terms(rows)[0].mean(dtype=np.float64)
        return float(np.sqrt(max(-2 * found / values - np.log(2 * np.pi), 1e-8)))

    def _halves(self, run: Run) -> vae.VAE:
        return vae.VAE.of(run, likelihood=self.likelihood_, scale=self.noise_scale_)

    def _facts(self) -> dict[str, Any]:
        return {"likelihood_": self.likelihood_, "noise_scale_": self.noise_scale_}

    # -- using -------------------------------------------------------------------------------------------------------

    def _given(self, X: Any) -> np.ndarray:
        rows = super()._given(X)
        if self.likelihood_ == BERNOULLI:
            warn_outside(self, rows)
        return rows

    def encode(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of each row's code, each (rows, embedding_dim); `transform` gives the mean."""
        rows = self._given(X)
        return self.model_.moments(rows)

    def decode(self, codes: Any) -> np.ndarray:
        """`inverse_transform` by its usual name: the decoder's means (rows, features)."""
        return self.inverse_transform(codes)

    def sample(self, n_samples: int = 1, *, mean: bool = False) -> np.ndarray:
        """New rows (n_samples, features); with `mean`, the decoder's means, which are smoother to look at."""
        check_is_fitted(self)
        asked_for(n_samples)
        return self._outside(self.model_.sample(n_samples, seed=self._seed(), mean=mean))

    def interpolate(self, a: Any, b: Any, steps: int = 8) -> np.ndarray:
        """Rows (steps, features) from row a to row b, both (features,), along the line between their codes."""
        ends = self._given(np.stack([np.ravel(a), np.ravel(b)]))
        return self._outside(self.model_.interpolate(ends[0], ends[1], steps))

    def terms(self, X: Any, samples: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """E_q log p(x | z) by so many draws, and KL(q ‖ p), of each row, nats, each (rows,)."""
        rows = self._given(X)
        likelihood, apart = self.model_.terms(rows, samples, self._seed())
        return likelihood - self._stretch(), apart

    def bound(self, X: Any, samples: int = 100) -> np.ndarray:
        """The importance-weighted lower bound of log p(x) of each row (rows,), nats, by so many draws.

        For real values, of the density in their own units. More draws come nearer to log p(x) (Burda et al. 2016).
        """
        rows = self._given(X)
        return self.model_.bound(rows, samples, self._seed()) - self._stretch()

    def score_samples(self, X: Any) -> np.ndarray:
        """`bound` with 100 draws: low for anomalies."""
        return self.bound(X)

    def _stretch(self) -> float:
        """log of how much a density shrinks when columns are brought back to their own units."""
        return float(np.log(self.scale_, dtype=np.float64).sum())

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))
