"""GAN: a generative adversarial network behind scikit-learn's interface."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from ..doctor.checks.generative import mode_collapse
from ..doctor.findings import Finding
from ..engine.program import Trained, train_program
from ..errors import FileError, InputError, JindanWarning
from ..models import estimator_files, saving
from ..models import gan as networks
from ..models.gan import LOSSES, NON_SATURATING, PENALTY, GANProgram
from ..spec import to_json
from .mixins import ManyMixin, TellsMixin
from .settings import SCALINGS, asked_for, check_settings, scaling_of, whole, wholes

LOOKED = 4096  # rows drawn to see which modes are reached


class GAN(ManyMixin, TellsMixin, BaseEstimator):
    """A generator of rows, learned against a discriminator that tells made rows from real ones.

    The mathematics is in `jindan.models.gan`. After `fit` the doctor looks at whether samples reach every mode of the
    data (`findings_`), and warns of `mode-collapse`.

    Args:
        latent_dim: Numbers of the noise that a row is made from.
        hidden_layer_sizes: Units of the generator's layers; the discriminator has them in reverse.
        filters: Of convolutions (3 × 3, stride 2) of the discriminator, for images; the generator has transposed ones.
        image_shape: (height, width) or (height, width, channels) of a row, for convolutions.
        loss: "non-saturating" or "wasserstein".
        n_critic: Updates of the discriminator for one of the generator.
        penalty: λ of the penalty of the discriminator's slopes; "auto" is 0.1 (R₁) for "non-saturating" and 10 for
            "wasserstein".
        activation: Of the generator's layers but the last.
        scaling: What columns are brought to first: "columns" to mean 0 and variance 1 each, "common" to mean 0 and one
            scale for all, None to nothing; "auto" is None for values in [0, 1], which then end in a sigmoid, else
            "columns".
        learning_rate: Of the discriminator's Adam (β₁ = ½; Radford, Metz & Chintala 2016).
        generator_rate: Of the generator's; None is the same.
        average: Of the running mean of the generator's weights that samples are drawn from; 0 is the last weights.
        batch_size: Rows of an update.
        n_iter: Epochs.
        random_state: Fixes first weights, order of rows and draws.
        verbose: Whether each epoch prints a line.
        dtype: "float32" or "float64".

    Attributes:
        generator_, discriminator_: Weights, one dict a layer. `run_`: the training.
        history_: "discriminator_loss" and "generator_loss" by epoch; neither falls to 0 in a sound training.
        findings_: What the doctor found in the samples, empty where every mode is reached.
        mean_, scale_: What columns were scaled by.

    >>> X = np.random.default_rng(0).normal([3.0, -2.0], 0.5, (400, 2))
    >>> model = GAN(2, hidden_layer_sizes=(16,), learning_rate=0.005, n_iter=60, random_state=0).fit(X)
    >>> made = model.sample(1000)
    >>> made.shape, bool(np.abs(made.mean(0) - [3.0, -2.0]).max() < 0.5)
    ((1000, 2), True)
    >>> model.findings_
    ()
    """

    def __init__(
        self,
        latent_dim: int = 16,
        *,
        hidden_layer_sizes: Sequence[int] = (128, 128),
        filters: Sequence[int] = (),
        image_shape: Any = None,
        loss: str = NON_SATURATING,
        n_critic: int = 1,
        penalty: Any = "auto",
        activation: Any = "relu",
        scaling: str | None = "auto",
        learning_rate: float = 0.001,
        generator_rate: float | None = None,
        average: float = 0.99,
        batch_size: int = 64,
        n_iter: int = 100,
        random_state: Any = None,
        verbose: bool = False,
        dtype: str = "float32",
    ) -> None:
        self.latent_dim = latent_dim
        self.hidden_layer_sizes = hidden_layer_sizes
        self.filters = filters
        self.image_shape = image_shape
        self.loss = loss
        self.n_critic = n_critic
        self.penalty = penalty
        self.activation = activation
        self.scaling = scaling
        self.learning_rate = learning_rate
        self.generator_rate = generator_rate
        self.average = average
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.random_state = random_state
        self.verbose = verbose
        self.dtype = dtype

    # -- fitting -----------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the distribution of rows X (n, features), or images (n, *image_shape); y is not looked at."""
        self._fit_all([self], X)
        return self

    def _fit_all(self, members: list[Self], X: Any) -> None:
        groups: dict[Any, list[tuple[Self, np.ndarray]]] = {}
        for member in members:
            member._check()
            rows = validate_data(member, member._flat(X), dtype=member.dtype, ensure_min_samples=2)
            member._settle(rows)
            key = (member._program(), member.n_iter, member.scaling)
            groups.setdefault(key, []).append((member, rows))
        for (program, epochs, _), some in groups.items():
            inside = some[0][0]._inside(some[0][1])
            runs = train_program(
                program, inside, epochs=epochs, seeds=[m._seed() for m, _ in some],
                values=[m._values() for m, _ in some], listen=self._line(),
            )  # fmt: skip
            for (member, rows), run in zip(some, runs, strict=True):
                member._adopt(run)
                member._examine(rows)
            if any(run.interrupted for run in runs):
                raise KeyboardInterrupt

    def _check(self) -> None:
        automatic = isinstance(self.penalty, str) and self.penalty == "auto"
        check_settings(self, {
            "latent_dim": (whole(self.latent_dim, 1), ">= 1"),
            "hidden_layer_sizes": (wholes(self.hidden_layer_sizes), "(128,), say; () for none"),
            "filters": (wholes(self.filters), "(16, 32), say; () for none"),
            "image_shape": (
                self.image_shape is None or (wholes(self.image_shape) and len(self.image_shape) in (2, 3)),
                "(height, width) or (height, width, channels)",
            ),
            "loss": (self.loss in LOSSES, " or ".join(f'"{name}"' for name in LOSSES)),
            "n_critic": (whole(self.n_critic, 1), ">= 1"),
            "penalty": (automatic or (_number(self.penalty) and self.penalty >= 0), '"auto" or a number >= 0'),
            "scaling": (self.scaling in SCALINGS, '"auto", "columns", "common" or None'),
            "learning_rate": (_number(self.learning_rate) and self.learning_rate > 0, "> 0"),
            "generator_rate": (
                self.generator_rate is None or (_number(self.generator_rate) and self.generator_rate > 0),
                "None or a number > 0",
            ),
            "average": (_number(self.average) and 0 <= self.average < 1, "0 <= average < 1"),
            "batch_size": (whole(self.batch_size, 1), ">= 1"),
            "n_iter": (whole(self.n_iter, 1), ">= 1"),
            "dtype": (self.dtype in ("float32", "float64"), '"float32" or "float64"'),
        })  # fmt: skip
        if len(self.filters) and self.image_shape is None:
            raise InputError("Convolutions need the shape of an image.", where="image_shape",
                             expected="(28, 28), say", received=None)  # fmt: skip

    def _settle(self, X: np.ndarray) -> None:
        """How columns are scaled, as the data decide."""
        self.mean_, self.scale_, unit = scaling_of(X, self.scaling)
        self.output_ = "sigmoid" if unit else "linear"

    def _program(self) -> GANProgram:
        shape, hidden = self._shape(), tuple(self.hidden_layer_sizes)
        return GANProgram(
            networks.generator(self.latent_dim, shape, hidden=hidden, filters=tuple(self.filters),
                               activation=self.activation, output=self.output_),
            networks.discriminator(shape, hidden=hidden[::-1], filters=tuple(self.filters)),
            self.loss, int(self.n_critic), int(self.batch_size), dtype=self.dtype,
        )  # fmt: skip

    def _values(self) -> dict[str, float]:
        penalty = PENALTY[self.loss] if isinstance(self.penalty, str) else self.penalty
        rate = self.learning_rate if self.generator_rate is None else self.generator_rate
        return {"learning_rate": float(self.learning_rate), "generator_rate": float(rate),
                "penalty": float(penalty), "average": float(self.average)}  # fmt: skip

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _adopt(self, run: Trained) -> None:
        self.run_, self.history_ = run, run.history
        self.generator_, self.discriminator_ = run.state["mean"], run.state["discriminator"]

    def _examine(self, X: np.ndarray) -> None:
        """The doctor's look at samples, on the scale the networks see."""
        self.findings_: tuple[Finding, ...] = ()
        weights = [a for part in (self.generator_, self.discriminator_) for w in part for a in w.values()]
        if not all(np.isfinite(a).all() for a in weights):
            warnings.warn("The weights of this GAN are not finite: its learning rate is too high.", JindanWarning,
                          stacklevel=4)  # fmt: skip
            return
        flat = self._inside(X).reshape(len(X), -1)
        found = mode_collapse(flat, (self.sample(LOOKED) - self.mean_) / self.scale_)
        if found is not None:
            self.findings_ = (found,)
            warnings.warn(found.text(), JindanWarning, stacklevel=4)

    # -- using -------------------------------------------------------------------------------------------------------

    def sample(self, n_samples: int = 1) -> np.ndarray:
        """New rows (n_samples, features), the same for the same `random_state`."""
        check_is_fitted(self)
        asked_for(n_samples)
        noise = np.random.default_rng([self._seed(), 3]).standard_normal((n_samples, self.latent_dim))
        return self.generate(noise)

    def generate(self, noise: Any) -> np.ndarray:
        """Rows (n, features) from noise (n, latent_dim)."""
        check_is_fitted(self)
        noise = np.asarray(noise, self.dtype)
        if noise.ndim != 2 or noise.shape[1] != self.latent_dim:
            raise InputError("This is no noise for this model.", where="noise",
                             expected=f"(n, {self.latent_dim})", received=noise.shape)  # fmt: skip
        rows = networks.through(self._program().generator, self.generator_, noise, self.dtype)
        return rows.reshape(len(rows), -1) * self.scale_ + self.mean_

    def score_samples(self, X: Any) -> np.ndarray:
        """The discriminator's number of each row (rows,): log-odds of being real rather than made, for the Wasserstein
        loss a height without a zero.

        It compares rows with those this generator made last. At the ideal balance it is the same for all rows, and far
        from both kinds it means nothing: it is no density, and no measure to choose models by.
        """
        check_is_fitted(self)
        rows = self._inside(validate_data(self, self._flat(X), reset=False, dtype=self.dtype))
        return networks.through(self._program().discriminator, self.discriminator_, rows, self.dtype)[:, 0]

    def score(self, X: Any, y: Any = None) -> float:
        """The mean of `score_samples`, with its limits."""
        return float(np.mean(self.score_samples(X)))

    def _shape(self) -> tuple[int, ...]:
        if not len(self.filters):
            return (len(self.mean_),)
        shape = tuple(int(n) for n in self.image_shape)
        shape = shape if len(shape) == 3 else (*shape, 1)
        if math.prod(shape) != len(self.mean_):
            raise InputError("The rows are no images of this shape.", where="image_shape",
                             expected=f"{math.prod(shape)} columns for {shape}", received=len(self.mean_))  # fmt: skip
        return shape

    def _flat(self, X: Any) -> Any:
        if self.image_shape is not None and len(np.shape(X)) > 2:
            return np.asarray(X).reshape(len(X), -1)
        return X

    def _inside(self, X: np.ndarray) -> np.ndarray:
        return ((X - self.mean_) / self.scale_).reshape(len(X), *self._shape())

    # -- keeping -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write settings and weights into a folder."""
        check_is_fitted(self)
        settings, _ = estimator_files.plain(to_json(self.get_params()), {}, self)
        settings |= {"output_": self.output_, "history": saving.history_json(self.history_),
                     "findings": [finding.to_dict() for finding in self.findings_]}  # fmt: skip
        arrays = {"mean": self.mean_, "scale": self.scale_}
        for name, weights in (("generator", self.generator_), ("discriminator", self.discriminator_)):
            arrays |= {f"{name}.{i}.{key}": a for i, w in enumerate(weights) for key, a in w.items()}
        estimator_files.write(path, "GAN", settings, arrays)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no GAN.
        """
        settings, arrays = estimator_files.read(path, "GAN")
        output, history, findings = (settings.pop(name) for name in ("output_", "history", "findings"))
        model = estimator_files.made(cls, settings)
        model.output_, model.mean_, model.scale_ = output, arrays.pop("mean"), arrays.pop("scale")
        model.n_features_in_ = len(model.mean_)
        program, parts = model._program(), {}
        for name in ("generator", "discriminator"):
            specs = getattr(program, name).specs
            try:
                parts[name] = tuple({k: arrays[f"{name}.{i}.{k}"] for k in spec} for i, spec in enumerate(specs))
            except KeyError as error:
                raise FileError("A weight is missing.", where=path, expected=error.args[0], received="nothing",
                                help="Train again, or restore the file.") from None  # fmt: skip
        state = program.state_of(parts["generator"], parts["discriminator"])
        model._adopt(Trained.fresh(program, state, model._seed(), model._values()))
        model.history_ = saving.history_of(history)
        model.findings_ = tuple(Finding(**{**one, "causes": tuple(one["causes"])}) for one in findings)
        return model


def _number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and math.isfinite(value)
