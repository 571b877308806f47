"""Losses: one number a row, from predictions or, stably, from logits.

Loss is what one row costs, cost the mean over rows, objective the cost plus penalties: training minimises the
objective. Formulas and defaults are Keras 3's. Shapes: `y_true` and `y_pred` are (rows, …, outputs); the result has
the shape without the last axis, and further axes are averaged by the caller.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from jax import lax
from jax.custom_derivatives import SymbolicZero

from .closures import closed
from .lazy import defined
from .spec import POSITIVE, UNIT, Spec, item

Array = jax.Array
EPSILON = 1e-7


class Loss(Spec, kind="loss"):
    """Base: subclasses give `rows`, and `logit_rows` for the activations they are fused with.

    Attributes:
        targets: What the targets are: "real", "one-hot", "integer", "binary", "signs" or "count".
        fused: The activations whose logits `logit_rows` takes.
    """

    targets: ClassVar[str] = "real"
    fused: ClassVar[tuple[str, ...]] = ()

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        """The loss of each row."""
        raise NotImplementedError

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        """The same from the pre-activation of the output layer."""
        raise NotImplementedError

    def takes_logits(self, activation: str) -> bool:
        """Whether it is computed from what goes into an output layer's activation: stably, whatever was written.

        >>> BinaryCrossentropy().takes_logits("sigmoid"), BinaryCrossentropy(from_logits=True).takes_logits("sigmoid")
        (True, False)
        """
        return activation in self.fused and not getattr(self, "from_logits", False)

    def finish(self, mean: Array) -> Array:
        """Applied to the mean over the rows of a batch; the identity for all but the root mean square."""
        return mean

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """The cost of a batch: Σ wᵢ lossᵢ / rows.

        Args:
            y_true: Targets, (rows, …).
            y_pred: Predictions, (rows, …).
            sample_weight: (rows,) or None.
        """
        y_true, y_pred = align(self, jnp.asarray(y_true), jnp.asarray(y_pred))
        return self.finish(jnp.mean(per_row(self.rows(y_true, y_pred), sample_weight)))


def per_row(values: Array, sample_weight: Any = None) -> Array:
    """Average every axis but the first, then weight: (rows, …) → (rows,)."""
    values = values.reshape(values.shape[0], -1).mean(axis=1) if values.ndim > 1 else values
    return values if sample_weight is None else values * jnp.asarray(sample_weight).reshape(-1)


def align(loss: Any, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Give targets the shape of the predictions: (rows,) beside (rows, 1) gets its axis, integer labels lose theirs."""
    if getattr(loss, "targets", None) == "integer":
        if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        return y_true, y_pred
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    elif y_pred.ndim == y_true.ndim - 1 and y_true.shape[-1] == 1:
        y_pred = y_pred[..., None]
    return y_true.astype(y_pred.dtype), y_pred


class MeanSquaredError(Loss):
    """mean (y − ŷ)²; 0 at a perfect prediction.

    >>> float(MeanSquaredError()([[0.0], [1.0]], [[1.0], [1.0]]))
    0.5
    """

    aliases = ("mse",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean((y_true - y_pred) ** 2, axis=-1)


class SumSquaredError(Loss):
    """½ Σ (y − ŷ)² over the outputs of a row (the notes' SSE); its derivative is ŷ − y."""

    aliases = ("sse", "sum_of_squares")

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return 0.5 * jnp.sum((y_true - y_pred) ** 2, axis=-1)


class RootMeanSquaredError(Loss):
    """√(mean (y − ŷ)²) over the batch; not a mean of rows, so the epoch's figure is a mean of its batches."""

    aliases = ("rmse",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean((y_true - y_pred) ** 2, axis=-1)

    def finish(self, mean: Array) -> Array:
        # The root has no finite slope at 0; a perfect batch must not yield NaN gradients.
        return jnp.where(mean > 0, jnp.sqrt(jnp.where(mean > 0, mean, 1.0)), 0.0)


class MeanAbsoluteError(Loss):
    """mean |y − ŷ|."""

    aliases = ("mae",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean(jnp.abs(y_true - y_pred), axis=-1)


class MeanAbsolutePercentageError(Loss):
    """100 mean |y − ŷ| / max(|y|, 1e-7)."""

    aliases = ("mape",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return 100.0 * jnp.mean(jnp.abs((y_true - y_pred) / jnp.maximum(jnp.abs(y_true), EPSILON)), axis=-1)


class MeanSquaredLogarithmicError(Loss):
    """mean (log(1 + y) − log(1 + ŷ))², both floored at 1e-7."""

    aliases = ("msle",)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        a, b = jnp.log1p(jnp.maximum(y_pred, EPSILON)), jnp.log1p(jnp.maximum(y_true, EPSILON))
        return jnp.mean((a - b) ** 2, axis=-1)


class Huber(Loss):
    """½e² where |e| ≤ δ, else δ(|e| − ½δ): squared near 0, linear for outliers (Huber 1964)."""

    delta: float = item(default=1.0, rule=POSITIVE, traced=True)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        size = jnp.abs(y_true - y_pred)
        return jnp.mean(jnp.where(size <= self.delta, 0.5 * size**2, self.delta * (size - 0.5 * self.delta)), axis=-1)


class LogCosh(Loss):
    """mean log cosh(ŷ − y), a smooth absolute error."""

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        error = y_pred - y_true
        return jnp.mean(error + jax.nn.softplus(-2.0 * error) - jnp.log(2.0).astype(error.dtype), axis=-1)


class BinaryCrossentropy(Loss):
    """−y log p − (1 − y) log(1 − p), averaged over the outputs; p is clipped to [1e-7, 1 − 1e-7].

    From logits z: y log(1 + e^(−z)) + (1 − y) log(1 + e^z), which neither overflows nor loses digits.
    """

    aliases = ("bce",)
    targets = "binary"
    fused = ("sigmoid",)
    from_logits: bool = item(default=False)
    label_smoothing: float = item(default=0.0, rule=UNIT, traced=True)

    def _smooth(self, y: Array) -> Array:
        if isinstance(self.label_smoothing, float) and self.label_smoothing == 0:
            return y
        return y * (1.0 - self.label_smoothing) + 0.5 * self.label_smoothing

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.logit_rows(y_true, y_pred)
        y = self._smooth(y_true)
        p = jnp.clip(y_pred, EPSILON, 1 - EPSILON)
        return -jnp.mean(y * jnp.log(p) + (1 - y) * jnp.log1p(-p), axis=-1)

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        return jnp.mean(_logistic(logits, self._smooth(y_true)), axis=-1)


@jax.custom_jvp
def _logistic(z: Array, y: Array) -> Array:
    """y log(1 + e^(−z)) + (1 − y) log(1 + e^z), with one exponential and one logarithm."""
    return jnp.maximum(z, 0) - z * y + jnp.log1p(jnp.exp(-jnp.abs(z)))


def _logistic_slope(primals: tuple[Array, Array], tangents: tuple[Any, Any]) -> tuple[Array, Array]:
    """σ(z) − y by z, and −z by y: max(z, 0) and |z| have kinks at 0 whose one-sided slopes would not cancel."""
    (z, y), (dz, dy) = primals, tangents
    out = _logistic(z, y)
    slope = jnp.zeros_like(out)
    if not isinstance(dz, SymbolicZero):
        slope = slope + (jax.nn.sigmoid(z) - y) * dz
    if not isinstance(dy, SymbolicZero):
        slope = slope - z * dy
    return out, slope


_logistic.defjvp(_logistic_slope, symbolic_zeros=True)


class CategoricalCrossentropy(Loss):
    """−Σ y log p over one-hot (or soft) targets; p is normalised to sum 1 and clipped at 1e-7.

    From logits: Σ y (log Σ e^z − z). Label smoothing s: y(1 − s) + s / classes (Szegedy et al. 2016).

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    aliases = ("cce",)
    targets = "one-hot"
    fused = ("softmax",)
    from_logits: bool = item(default=False)
    label_smoothing: float = item(default=0.0, rule=UNIT, traced=True)

    def _smooth(self, y: Array) -> Array:
        if isinstance(self.label_smoothing, float) and self.label_smoothing == 0:
            return y
        return y * (1.0 - self.label_smoothing) + self.label_smoothing / y.shape[-1]

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.logit_rows(y_true, y_pred)
        p = y_pred / jnp.sum(y_pred, axis=-1, keepdims=True)
        return -jnp.sum(self._smooth(y_true) * jnp.log(jnp.clip(p, EPSILON, 1 - EPSILON)), axis=-1)

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        return -jnp.sum(self._smooth(y_true) * jax.nn.log_softmax(logits, axis=-1), axis=-1)


class SparseCategoricalCrossentropy(Loss):
    """−log p_y, the targets being class numbers 0 … classes − 1."""

    aliases = ("scce",)
    targets = "integer"
    fused = ("softmax",)
    from_logits: bool = item(default=False)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        if self.from_logits:
            return self.logit_rows(y_true, y_pred)
        p = jnp.clip(y_pred / jnp.sum(y_pred, axis=-1, keepdims=True), EPSILON, 1 - EPSILON)
        return -_take(jnp.log(p), y_true)

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        return _class_cost(logits, y_true.astype(jnp.int32))


@jax.custom_jvp
def _class_cost(z: Array, labels: Array) -> Array:
    """log Σ e^z − z_y."""
    z = z - lax.stop_gradient(jnp.max(z, axis=-1, keepdims=True))
    return jnp.log(jnp.sum(jnp.exp(z), axis=-1)) - _take(z, labels)


def _class_slope(primals: tuple[Array, Array], tangents: tuple[Array, Any]) -> tuple[Array, Array]:
    """softmax(z) less 1 for class y: one product with what comes from above, where derived rules scatter."""
    (z, labels), (dz, _) = primals, tangents
    slope = jax.nn.softmax(z, axis=-1) - _own(z, labels).astype(z.dtype)
    return _class_cost(z, labels), jnp.sum(slope * dz, axis=-1)


_class_cost.defjvp(_class_slope)


class KLDivergence(Loss):
    """Σ y log(y / p), both clipped to [1e-7, 1] (Kullback & Leibler 1951)."""

    aliases = ("kld", "kl_divergence", "kullback_leibler_divergence")
    targets = "one-hot"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        y, p = jnp.clip(y_true, EPSILON, 1), jnp.clip(y_pred, EPSILON, 1)
        return jnp.sum(y * jnp.log(y / p), axis=-1)


class Poisson(Loss):
    """mean (ŷ − y log(ŷ + 1e-7)), the negative log-likelihood of counts up to a constant."""

    targets = "count"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean(y_pred - y_true * jnp.log(y_pred + EPSILON), axis=-1)


class CosineSimilarity(Loss):
    """−cos(y, ŷ): −1 when both point the same way, 0 at a right angle, 1 when opposite."""

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return -jnp.sum(_unit(y_true) * _unit(y_pred), axis=-1)


class Hinge(Loss):
    """mean max(0, 1 − y ŷ); targets 0/1 are read as −1/1."""

    targets = "signs"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean(jnp.maximum(1.0 - _signs(y_true) * y_pred, 0.0), axis=-1)


class SquaredHinge(Loss):
    """mean max(0, 1 − y ŷ)²; targets 0/1 are read as −1/1."""

    targets = "signs"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        return jnp.mean(jnp.maximum(1.0 - _signs(y_true) * y_pred, 0.0) ** 2, axis=-1)


class CategoricalHinge(Loss):
    """max(0, 1 + max over wrong classes ŷ − ŷ of the right one), one-hot targets."""

    targets = "one-hot"

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        right = jnp.sum(y_true * y_pred, axis=-1)
        wrong = jnp.max((1.0 - y_true) * y_pred, axis=-1)
        return jnp.maximum(wrong - right + 1.0, 0.0)


class CustomLoss(Loss):
    """A JAX function (y_true, y_pred) → (rows, …) or one number for the batch.

    It only ever sees rows that exist: a last partial batch reaches it in its own size.
    """

    function: Any = item(kind="loss")
    targets = "any"

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "function", closed(self.function))

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        values = jnp.asarray(self.function(y_true, y_pred))
        return jnp.broadcast_to(values, y_pred.shape[:1]) if values.ndim == 0 else values


def _function(loss: Loss) -> Any:
    """A loss as Keras's function: (y_true, y_pred) → one number a row."""

    def rows(y_true: Any, y_pred: Any) -> Array:
        return loss.rows(*align(loss, jnp.asarray(y_true), jnp.asarray(y_pred)))

    rows.__doc__ = f"`{type(loss).__name__}` of each row."
    rows.__dict__["stands_for"] = loss
    return rows


mean_squared_error = mse = _function(MeanSquaredError())
mean_absolute_error = mae = _function(MeanAbsoluteError())
mean_absolute_percentage_error = mape = _function(MeanAbsolutePercentageError())
mean_squared_logarithmic_error = msle = _function(MeanSquaredLogarithmicError())
huber, log_cosh = _function(Huber()), _function(LogCosh())
binary_crossentropy = _function(BinaryCrossentropy())
categorical_crossentropy = _function(CategoricalCrossentropy())
sparse_categorical_crossentropy = _function(SparseCategoricalCrossentropy())
kl_divergence, poisson = _function(KLDivergence()), _function(Poisson())
cosine_similarity = _function(CosineSimilarity())
hinge, squared_hinge, categorical_hinge = _function(Hinge()), _function(SquaredHinge()), _function(CategoricalHinge())


def _own(values: Array, labels: Array) -> Array:
    """(…, classes) whether a class is the row's own."""
    return labels[..., None] == lax.broadcasted_iota(labels.dtype, values.shape, values.ndim - 1)


def _take(values: Array, labels: Array) -> Array:
    """The value of each row's own class, NaN where there is none. The slope of a gather would be a slow scatter."""
    labels = labels.astype(jnp.int32)
    found = jnp.sum(jnp.where(_own(values, labels), values, 0), axis=-1)
    return jnp.where((labels >= 0) & (labels < values.shape[-1]), found, jnp.nan)


def _unit(x: Array) -> Array:
    return x / jnp.sqrt(jnp.maximum(jnp.sum(x**2, axis=-1, keepdims=True), 1e-12))


def _signs(y: Array) -> Array:
    return jnp.where(jnp.all((y == 0) | (y == 1)), 2.0 * y - 1.0, y)


__all__ = defined(globals())
