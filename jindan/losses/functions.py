"""Losses as functions: one of the user's as a loss, and ours as Keras's functions."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..closures import closed
from ..lazy import defined
from ..spec import item
from .base import Array, Loss, align, by_row
from .crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    KLDivergence,
    Poisson,
    SparseCategoricalCrossentropy,
)
from .margins import CategoricalHinge, Hinge, SquaredHinge
from .overlap import BinaryFocalCrossentropy, CategoricalFocalCrossentropy
from .regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
)


class CustomLoss(Loss):
    """A JAX function (y_true, y_pred) → (rows, …) or one number for the batch.

    It only ever sees rows that exist: a last partial batch reaches it in its own size. Targets come in the predictions'
    type. `compile(loss=f)` makes one of a plain function.

    Args:
        function: The function; or the name under which it was registered, so that the plan can be saved.

    >>> float(CustomLoss(lambda y, p: jnp.max(jnp.abs(y - p), axis=-1))([[0.0, 0.0]], [[1.0, -2.0]]))
    2.0
    """

    function: Any = item(kind="loss")
    targets = "any"
    batchwise = True

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "function", closed(self.function))

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        name = getattr(self.function, "__name__", "a function")
        return by_row(self.function(y_true, y_pred), y_pred, f"{name} as a loss")


def _function(loss: Loss, name: str, example: str, value: float) -> Any:
    """A loss as Keras's function: (y_true, y_pred) → one number a row."""

    def rows(y_true: Any, y_pred: Any) -> Array:
        return loss.rows(*align(loss, jnp.asarray(y_true), jnp.asarray(y_pred)))

    rows.__doc__ = f"""`{type(loss).__name__}()` of each row, and step: (rows, …, outputs) → (rows, …).

    >>> [round(cost, 4) for cost in {name}({example}).tolist()]
    [{value}]
    """
    rows.__dict__["stands_for"] = loss
    return rows


_ONE, _HALF = "[[0.0, 2.0]], [[1.0, 2.0]]", "[[1.0]], [[0.5]]"
mean_squared_error = mse = _function(MeanSquaredError(), "mean_squared_error", _ONE, 0.5)
mean_absolute_error = mae = _function(MeanAbsoluteError(), "mean_absolute_error", _ONE, 0.5)
mean_absolute_percentage_error = mape = _function(
    MeanAbsolutePercentageError(), "mean_absolute_percentage_error", _HALF, 50.0
)
mean_squared_logarithmic_error = msle = _function(
    MeanSquaredLogarithmicError(), "mean_squared_logarithmic_error", "[[1.0]], [[3.0]]", 0.4805
)
huber = _function(Huber(), "huber", "[[0.0]], [[3.0]]", 2.5)
log_cosh = _function(LogCosh(), "log_cosh", "[[0.0]], [[1.0]]", 0.4338)
binary_crossentropy = _function(BinaryCrossentropy(), "binary_crossentropy", _HALF, 0.6931)
categorical_crossentropy = _function(
    CategoricalCrossentropy(), "categorical_crossentropy", "[[0.0, 1.0]], [[0.25, 0.75]]", 0.2877
)
sparse_categorical_crossentropy = _function(
    SparseCategoricalCrossentropy(), "sparse_categorical_crossentropy", "[1], [[0.25, 0.75]]", 0.2877
)
binary_focal_crossentropy = _function(BinaryFocalCrossentropy(), "binary_focal_crossentropy", _HALF, 0.1733)
categorical_focal_crossentropy = _function(
    CategoricalFocalCrossentropy(), "categorical_focal_crossentropy", "[[0.0, 1.0]], [[0.5, 0.5]]", 0.0433
)
kl_divergence = _function(KLDivergence(), "kl_divergence", "[[0.5, 0.5]], [[0.75, 0.25]]", 0.1438)
poisson = _function(Poisson(), "poisson", "[[3.0]], [[3.0]]", -0.2958)
cosine_similarity = _function(CosineSimilarity(), "cosine_similarity", "[[1.0, 0.0]], [[3.0, 4.0]]", -0.6)
hinge = _function(Hinge(), "hinge", _HALF, 0.5)
squared_hinge = _function(SquaredHinge(), "squared_hinge", _HALF, 0.25)
categorical_hinge = _function(CategoricalHinge(), "categorical_hinge", "[[1.0, 0.0]], [[0.5, -3.0]]", 0.5)


__all__ = defined(globals())
