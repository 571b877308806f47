"""Neural: what classifier and regressor share, a Plan trained behind scikit-learn's interface.

Names and defaults are those of `sklearn.neural_network.MLPClassifier`, and so is the update: from equal weights, in
float64, with a batch size that divides the rows, the loss curve is scikit-learn's. What differs:

- `alpha`. scikit-learn adds α/(2m) ‖W‖² to the cost of a batch of m rows. A Plan has one penalty λ Σw², here
  λ = α/(2 · batch size); so only a last, smaller batch is penalised less than there.
- Fresh biases are 0 (there: random), kernels Glorot uniform (the same but for the logistic activation).
- A batch's slope is divided by its rows (there: by its own sum of `sample_weight`, and so is its penalty). So that only
  ratios of weights count here too, they are scaled to a mean of 1 over the rows trained on, `class_weight` included.
- `tol` is measured against the last loss that counted as an improvement (there: against the lowest loss).
- `solver` may be any optimizer of jindan, by name or object; "lbfgs" is not among them.
- Computation is in float32 unless `dtype="float64"`.

X is taken as it is: put a StandardScaler before it. The regressor takes y as it is: for targets far from unit scale use
`sklearn.compose.TransformedTargetRegressor`.
"""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import train_test_split
from sklearn.utils import check_random_state
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from .. import activations
from ..callbacks import EarlyStopping
from ..engine.data import Data
from ..engine.run import Run
from ..engine.train import train
from ..errors import InputError
from ..layers import Dense
from ..losses import Loss
from ..models import Sequential
from ..models.fitting import ready
from ..optimizers import SGD, Adam, Optimizer
from ..plan import Plan
from ..spec import get
from .mixins import TellsMixin, warn_unless_finite
from .settings import check_settings, whole

# scikit-learn's names for what the field calls otherwise.
_ACTIVATIONS = {"identity": "linear", "logistic": "sigmoid"}


def extended(method: Callable, **more: Any) -> inspect.Signature:
    """The signature of a method with further keywords and their defaults."""
    known = inspect.signature(method)
    added = [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY, default=v) for n, v in more.items()]
    return known.replace(parameters=[*known.parameters.values(), *added])


class Neural(TellsMixin, BaseEstimator):
    """What both estimators share; see `NeuralClassifier` for the arguments."""

    _score: str  # the figure that early stopping watches on its validation rows

    def __init__(
        self,
        hidden_layer_sizes: Any = (100,),
        activation: Any = "relu",
        *,
        solver: Any = "adam",
        alpha: float = 0.0001,
        batch_size: Any = "auto",
        learning_rate_init: float = 0.001,
        max_iter: int = 200,
        shuffle: bool = True,
        random_state: Any = None,
        tol: float = 1e-4,
        verbose: bool = False,
        momentum: float = 0.9,
        nesterovs_momentum: bool = True,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: int = 10,
        layers: Any = None,
        plan: Plan | None = None,
        dtype: str = "float32",
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.solver = solver
        self.alpha = alpha
        self.batch_size = batch_size
        self.learning_rate_init = learning_rate_init
        self.max_iter = max_iter
        self.shuffle = shuffle
        self.random_state = random_state
        self.tol = tol
        self.verbose = verbose
        self.momentum = momentum
        self.nesterovs_momentum = nesterovs_momentum
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.layers = layers
        self.plan = plan
        self.dtype = dtype

    # -- what a fitted one has -----------------------------------------------------------------------------------

    @property
    def coefs_(self) -> list[np.ndarray]:
        """Kernels (fan_in, units), layer by layer."""
        return [w["kernel"] for w in self.run_.weights if "kernel" in w]

    @property
    def intercepts_(self) -> list[np.ndarray]:
        """Biases (units,), layer by layer."""
        return [w["bias"] for w in self.run_.weights if "bias" in w]

    @property
    def loss_(self) -> float:
        """The last epoch's training loss."""
        return self.loss_curve_[-1]

    @property
    def n_layers_(self) -> int:
        """Layers, the input counted as scikit-learn does."""
        return len(self.run_.weights) + 1

    # -- fitting -------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Train on rows X (n, features) with targets y.

        Args:
            X, y: Rows and their targets.
            sample_weight: One number a row, of which only ratios count. Early stopping judges by weighted rows.

        Raises:
            InputError: settings, targets or weights that cannot be used.
        """
        X, y = self._first(X, y)
        plan = self._full_plan(y)
        if self.early_stopping:
            plan = plan.replace(**self._watch(y, weighted=sample_weight is not None))
        elif self.plan is None:
            # There, too, the count has to exceed n_iter_no_change.
            watch = EarlyStopping("loss", self.tol, int(self.n_iter_no_change) + 1)
            plan = plan.replace(early_stopping=watch)
        plan, data = self._weighed(plan, X, y, sample_weight)
        self._adopt(train(ready(plan, data.y), data, listen=self._line()))
        history = self.run_.history
        self.loss_curve_ = list(history.get("loss", ()))
        if self.run_.interrupted:
            raise KeyboardInterrupt
        if self.early_stopping:
            self.validation_scores_ = list(history.get(f"val_{self._score}", ()))
            self.best_validation_score_ = max(self.validation_scores_, default=np.nan)
        warn_unless_finite(self, [*self.model_.get_weights(), self.loss_curve_])
        if self.plan is None and not self.run_.stopped_early and np.isfinite(self.loss_):
            warnings.warn(
                f"Training ended after max_iter={self.max_iter} epochs, before its loss had settled. "
                "Raise max_iter or learning_rate_init.",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self

    def _go_on(self, X: np.ndarray, y: np.ndarray, sample_weight: Any, before: Run | None) -> Self:
        """One more epoch, from the weights and the optimizer's memory of the run before."""
        plan = self._full_plan(y).replace(epochs=1, early_stopping=None)
        if before is not None:
            # Another order of rows each time; what a fit that was cut off had left to do is not made up for.
            plan = plan.replace(seed=(before.plan.seed + 1) % 2**31)  # type: ignore[operator]
            before = replace(before, interrupted=False)
        plan, data = self._weighed(plan, X, y, sample_weight, scaled=False)
        run = train(plan, data, start=before)
        if run.interrupted:
            raise KeyboardInterrupt
        self._adopt(run)
        curve = self.loss_curve_ if before is not None else []
        self.loss_curve_ = [*curve, *run.history["loss"]]
        self.n_iter_ = len(self.loss_curve_)
        warn_unless_finite(self, [*self.model_.get_weights(), run.history["loss"]])
        return self

    def _adopt(self, run: Run) -> None:
        self.run_ = run
        self.model_ = Sequential.from_run(run)
        self.n_iter_ = run.epochs
        self.n_outputs_ = self.model_.network.output_shape[-1]  # type: ignore[union-attr]
        self.best_loss_ = min(run.history.get("loss", ()), default=np.nan)

    def _weighed(
        self, plan: Plan, X: np.ndarray, y: np.ndarray, sample_weight: Any, *, scaled: bool = True
    ) -> tuple[Plan, Data]:
        """The plan and its data, weights being 1 on average over the rows trained on; those of classes, too, where they
        are to be `scaled`: by some rows of many they would become others each time."""
        rows = slice(None) if plan.rows is None else plan.rows.numbers
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64)
            mean = float(weight[rows].mean())
            if not mean > 0:
                raise InputError("The rows trained on have no weight.", where="sample_weight",
                                 expected="a mean above 0", received=mean)  # fmt: skip
            weight = weight / mean
        of_classes = self._class_weights(y[rows], None if weight is None else weight[rows], scaled)
        plan = plan.replace(class_weight=of_classes) if of_classes else plan
        return plan, Data.of(X, self._encode(y, plan), weight)

    def _full_plan(self, y: np.ndarray) -> Plan:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        plan = self._own_plan(len(y), seed) if self.plan is None else self.plan
        if not plan.layers:
            plan = plan.replace(layers=(*self._hidden(), self._output(y, plan.loss)))
        return plan if self.random_state is None and plan.seed is not None else plan.replace(seed=seed)

    def _own_plan(self, rows: int, seed: int) -> Plan:
        check_settings(self, {"max_iter": (whole(self.max_iter, 1), "a whole number >= 1")})
        batch = self._batch(rows)
        return Plan(
            loss=self._loss(),
            optimizer=self._optimizer(),
            batch_size=batch,
            epochs=self.max_iter,
            seed=seed,
            shuffle=self.shuffle,
            l2=self.alpha / (2 * batch),
            dtype=self.dtype,
        )

    @property
    def _dtype(self) -> str:
        return self.dtype if self.plan is None else self.plan.dtype

    def _hidden(self) -> tuple:
        if self.layers is not None:
            return tuple(self.layers)
        sizes = self.hidden_layer_sizes
        sizes = sizes if isinstance(sizes, (list, tuple, np.ndarray)) else [sizes]
        name = activations.canonical(_ACTIVATIONS.get(self.activation, self.activation), where="activation")
        return tuple(Dense(int(units), activation=name) for units in sizes)

    def _optimizer(self) -> Optimizer:
        if self.solver == "adam":
            return Adam(self.learning_rate_init, epsilon=1e-8)
        if self.solver == "sgd":
            return SGD(self.learning_rate_init, self.momentum, self.nesterovs_momentum and self.momentum > 0)
        if isinstance(self.solver, Optimizer):
            return self.solver
        return get("optimizer", self.solver, where="solver").replace(learning_rate=self.learning_rate_init)

    def _batch(self, rows: int) -> int:
        if isinstance(self.batch_size, str) and self.batch_size == "auto":
            return min(200, rows)
        if not isinstance(self.batch_size, (int, np.integer)) or self.batch_size < 1:
            raise InputError(
                "The batch size cannot be used.", where="batch_size", expected='"auto" or an integer >= 1',
                received=repr(self.batch_size), help='"auto" is min(200, rows).',
            )  # fmt: skip
        return min(int(self.batch_size), rows)

    def _watch(self, y: np.ndarray, *, weighted: bool) -> dict[str, Any]:
        """Early stopping on the score of rows kept aside, the best epoch's weights kept."""
        rows, kept = train_test_split(
            np.arange(len(y)),
            test_size=self.validation_fraction,
            random_state=check_random_state(self.random_state),
            stratify=self._strata(y),
        )
        name = f"val_{self._score}"
        watch = EarlyStopping(name, self.tol, int(self.n_iter_no_change) + 1, mode="max", restore_best_weights=True)
        judged = {"metrics": (), "weighted_metrics": (self._score,)} if weighted else {"metrics": (self._score,)}
        return {"rows": rows, "validation_rows": kept, "early_stopping": watch, **judged}

    # -- predicting ----------------------------------------------------------------------------------------------

    def _outputs(self, X: Any) -> np.ndarray:
        check_is_fitted(self)
        return self.model_.predict(validate_data(self, X, reset=False, dtype=self._dtype))

    # -- what the two differ in ----------------------------------------------------------------------------------

    def _first(self, X: Any, y: Any) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    def _encode(self, y: np.ndarray, plan: Plan) -> np.ndarray:
        raise NotImplementedError

    def _output(self, y: np.ndarray, loss: Loss) -> Dense:
        raise NotImplementedError

    def _loss(self) -> str:
        raise NotImplementedError

    def _class_weights(self, y: np.ndarray, weight: np.ndarray | None, scaled: bool) -> dict[int, float]:
        return {}

    def _strata(self, y: np.ndarray) -> np.ndarray | None:
        return None
