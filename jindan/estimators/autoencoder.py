"""Autoencoder: rows compressed to a few numbers and given back, behind scikit-learn's interface."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..engine.run import Run
from ..errors import InputError, JindanWarning
from ..layers import Dense, Dropout, GaussianNoise, KLSparsity, Layer
from ..models.autoencoder import CODE, covariance, principal_directions, stack
from ..models.pca import principal
from ..regularizers import L1
from .coder import Coder
from .settings import check_settings

NOISES, PENALTIES, OUTPUTS = ("gaussian", "masking"), (None, "l1", "kl"), ("auto", "linear", "sigmoid")
SHORT = 0.02
"""Share of the last component's variance that a linear autoencoder may miss and still be called done."""


class Autoencoder(Coder):
    """A network that gives back what it gets through a code of `embedding_dim` numbers (`jindan.models.autoencoder`).

    Args:
        embedding_dim: Numbers of a code.
        hidden_layer_sizes: Units of the layers before the code; after it they come in reverse.
        filters: Of convolutions (3 × 3, stride 2) in front of these, for images.
        image_shape: (height, width) or (height, width, channels) of a row, for convolutions.
        activation: Of all layers but the code's and the last.
        code_activation: Of the code.
        noise: On inputs while training; the target is the clean row (Vincent et al. 2008). Of "gaussian", its standard
            deviation in units of the scaled columns; of "masking", the share of values set to 0 (the others are
            divided by 1 − noise).
        noise_kind: "gaussian" or "masking".
        sparsity: "l1" adds sparsity_weight · Σ|code| a row; "kl" sparsity_weight · Σⱼ KL(ρ ‖ mean of unit j over the
            batch) for codes from 0 to 1, as of code_activation="sigmoid"; None adds nothing.
        sparsity_weight: Its weight.
        sparsity_target: ρ of "kl".
        output: Of the last layer: "sigmoid" with cross-entropy for values in [0, 1], "linear" with mean squared error;
            "auto" decides by the data.
        scaling: What columns are brought to first: "columns" to mean 0 and variance 1 each, "common" to mean 0 and one
            scale for all, None to nothing; "auto" is None for values in [0, 1], else "columns".
        learning_rate: Of Adam.
        decay: Whether the rate falls to 0 along a cosine.
        batch_size: Rows of an update.
        n_iter: Epochs.
        random_state: Fixes first weights, order of rows and noise.
        verbose: Whether each epoch prints a line.
        dtype: "float32" or "float64".

    Attributes:
        model_: A `jindan.models.autoencoder.Autoencoder`: the two halves. `run_`: the training.
        history_: Figures by epoch. `mean_`, `scale_`: what columns were scaled by. `output_`: what "auto" was.
        code_covariance_: Of a linear one, (embedding_dim, embedding_dim).

    >>> X = np.outer(np.linspace(-1, 1, 50), [1.0, 2.0, -1.0])
    >>> model = Autoencoder(1, hidden_layer_sizes=(), n_iter=200, learning_rate=0.02, random_state=0).fit(X)
    >>> model.transform(X).shape, bool(np.abs(model.reconstruct(X) - X).max() < 0.05)
    ((50, 1), True)
    """

    def __init__(
        self,
        embedding_dim: int = 2,
        *,
        hidden_layer_sizes: Sequence[int] = (128,),
        filters: Sequence[int] = (),
        image_shape: Any = None,
        activation: Any = "relu",
        code_activation: str = "linear",
        noise: float = 0.0,
        noise_kind: str = "gaussian",
        sparsity: str | None = None,
        sparsity_weight: float = 0.001,
        sparsity_target: float = 0.05,
        output: str = "auto",
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
        self.code_activation = code_activation
        self.noise = noise
        self.noise_kind = noise_kind
        self.sparsity = sparsity
        self.sparsity_weight = sparsity_weight
        self.sparsity_target = sparsity_target
        self.output = output
        self.scaling = scaling
        self.learning_rate = learning_rate
        self.decay = decay
        self.batch_size = batch_size
        self.n_iter = n_iter
        self.random_state = random_state
        self.verbose = verbose
        self.dtype = dtype

    excess_ = np.zeros(())  # what folders saved before it was told say nothing of

    def _check(self) -> None:
        super()._check()
        share = self.noise_kind == "masking"
        check_settings(self, {
            "noise_kind": (self.noise_kind in NOISES, " or ".join(f'"{n}"' for n in NOISES)),
            "noise": (self.noise >= 0 and not (share and self.noise >= 1), "0 <= noise < 1" if share else ">= 0"),
            "sparsity": (self.sparsity in PENALTIES, '"l1", "kl" or None'),
            "sparsity_weight": (self.sparsity_weight >= 0, ">= 0"),
            "sparsity_target": (0 < self.sparsity_target < 1, "0 < target < 1"),
            "output": (self.output in OUTPUTS, " or ".join(f'"{n}"' for n in OUTPUTS)),
        })  # fmt: skip
        if self.sparsity == "kl" and self.code_activation not in ("sigmoid", "hard_sigmoid"):
            raise InputError("The divergence is that of units with values from 0 to 1.", where="code_activation",
                             expected='"sigmoid"', received=repr(self.code_activation))  # fmt: skip

    def _settle(self, X: np.ndarray) -> None:
        super()._settle(X)
        if self.output == "sigmoid" and not self._unit:
            raise InputError("A sigmoid gives values from 0 to 1.", where="X", expected="unscaled values in [0, 1]",
                             received=f"{X.min():g} … {X.max():g}, scaling={self.scaling!r}",
                             help='output="linear"')  # fmt: skip
        self.output_ = ("sigmoid" if self._unit else "linear") if self.output == "auto" else self.output

    def _layers(self, shape: tuple[int, ...]) -> list[Layer]:
        kind = GaussianNoise if self.noise_kind == "gaussian" else Dropout
        first: list[Layer] = [kind(self.noise, name="noise")] if self.noise else []
        penalty = L1(self.sparsity_weight) if self.sparsity == "l1" else None
        code: list[Layer] = [
            Dense(self.embedding_dim, activation=self.code_activation, activity_regularizer=penalty, name=CODE)
        ]
        if self.sparsity == "kl":
            code.append(KLSparsity(self.sparsity_weight, self.sparsity_target, name="sparsity"))
        return [*first, *stack(shape, code, hidden=self.hidden_layer_sizes, filters=self.filters,
                               activation=self.activation, output=self.output_)]  # fmt: skip

    def _loss(self) -> str:
        return "binary_crossentropy" if self.output_ == "sigmoid" else "mse"

    def _adopt(self, run: Run, rows: np.ndarray) -> None:
        super()._adopt(run, rows)
        if self.model_.linear:
            self.code_covariance_ = covariance(self.model_.encode(rows))
            self.excess_ = np.array(excess(rows, self.model_.reconstruct(rows), int(self.embedding_dim)))

    def _facts(self) -> dict[str, Any]:
        return {"output_": self.output_}

    def _arrays(self) -> dict[str, np.ndarray]:
        own = {"code_covariance_": self.code_covariance_, "excess_": self.excess_} if self.model_.linear else {}
        return {**super()._arrays(), **own}

    def score_samples(self, X: Any) -> np.ndarray:
        """Minus the mean squared error of each row's reconstruction (rows,), of scaled columns: low for anomalies."""
        rows = self._given(X)
        return -self.model_.errors(rows)

    def encode(self, X: Any) -> np.ndarray:
        """`transform` by its usual name: codes (rows, embedding_dim)."""
        return self.transform(X)

    def decode(self, codes: Any) -> np.ndarray:
        """`inverse_transform` by its usual name: rows (rows, features)."""
        return self.inverse_transform(codes)

    def principal_directions(self) -> tuple[np.ndarray, np.ndarray]:
        """The principal components a linear autoencoder found, in order; see `jindan.models.autoencoder`.

        Training has to come to its end for that; a warning says when it has not. With scaling "common" or None they
        are those of `sklearn.decomposition.PCA`; with "columns", of columns of variance 1.

        Returns:
            Unit vectors (embedding_dim, features) and the variance along each, in the data's own units where columns
            have one scale.

        Raises:
            InputError: when there are hidden layers or activations.
        """
        check_is_fitted(self)
        if not self.model_.linear:
            raise InputError(
                "Only a linear autoencoder has principal directions.", where="layers",
                expected='hidden_layer_sizes=(), filters=(), output="linear"',
                received=f"{self.hidden_layer_sizes}, {self.filters}, {self.output_!r}",
            )  # fmt: skip
        if self.excess_ > SHORT and not self.noise and self.sparsity is None:
            warnings.warn(
                f"This autoencoder is not done: it misses {100 * float(self.excess_):.3g} % of the last component's "
                "variance, so these directions are not yet the principal ones. Raise n_iter or learning_rate.",
                JindanWarning, stacklevel=2,
            )  # fmt: skip
        kernel = self.model_.model.ready_weights()[-1]["kernel"]
        directions, variances = principal_directions(kernel, self.code_covariance_)
        common = float(self.scale_[0]) if np.ptp(self.scale_) == 0 else 1.0
        return directions, variances * common**2


def excess(rows: np.ndarray, again: np.ndarray, kept: int) -> float:
    """What reconstructions leave beyond what as many principal components leave, in units of the last one's variance.

    >>> rows = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 2.0], [0.0, -2.0]])
    >>> round(excess(rows, rows * [0, 1], 1), 9), round(excess(rows, rows * [1, 0], 1), 9)
    (0.0, 0.75)
    """
    if len(rows) < 2:
        return 0.0
    variance = principal(rows, min(kept, *rows.shape)).variance
    total, degrees = rows.var(0, dtype=np.float64, ddof=1).sum(), len(rows) - 1
    left = float(((rows.astype(np.float64) - again) ** 2).sum()) / degrees - float(total - variance.sum())
    # Of columns that hang on one another, the last components have no variance to be found.
    return max(left, 0.0) / float(variance[-1]) if variance[-1] > 1e-9 * variance[0] else 0.0
