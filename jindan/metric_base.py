"""What a metric is: sums that add up over batches inside the compiled program, and the figure made of them.

`sums(y_true, y_pred, weight)` returns a flat vector; vectors of batches are added; `value(total)` gives the figure, in
NumPy or JAX alike. So a metric over an epoch is exact, whatever the batch size.
"""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from . import keras_style, metric_state
from .errors import InputError, undefined
from .losses import align, per_row
from .spec import Spec, item

Array = jax.Array


class Metric(Spec, kind="metric"):
    """Base of metrics. `higher_is_better` orients selection; `label` names the column in the history.

    Shapes: targets and predictions (rows, …, outputs), weight (rows,). Subclasses give `sums` and `value`.

    A class written for Keras serves as well, with `add_variable` in its `__init__`, `update_state` that adds to the
    variables, and `result`: what is added for a batch are its sums. It only ever sees rows that exist.

    Attributes:
        higher_is_better: Whether more is better; of a class written for Keras, None unless it says so.
        targets: What the targets are, as of a loss.
        batchwise: Whether it may look at a batch as a whole, and so must not see padding.
        stateful: Whether it is written as for Keras.
        name: What it is called in the history; None is its class's name in snake_case.

    >>> from jindan.metrics import BinaryAccuracy
    >>> metric, p = BinaryAccuracy(name="hits"), jnp.array([[0.9], [0.2]])
    >>> total = metric.sums(jnp.ones((2, 1)), p, jnp.ones(2)) + metric.sums(jnp.zeros((2, 1)), p, jnp.array([0.0, 1.0]))
    >>> metric.label, total.tolist(), round(float(metric.value(total)), 3)
    ('hits', [2.0, 3.0], 0.667)
    """

    higher_is_better: ClassVar[bool | None] = True
    targets: ClassVar[str] = "real"
    batchwise: ClassVar[bool] = False
    stateful: ClassVar[bool] = False
    name: str | None = item(default=None, kw_only=True)

    def __init__(self, dtype: Any = None, name: str | None = None, **others: Any) -> None:
        # Reached from an `__init__` of the user's only: a class without one gets that of its fields.
        if others:
            raise InputError(
                "A metric has no setting of this name.", where=f"class {type(self).__name__}", expected="`name=…`",
                received=", ".join(others), help="Take it out of what `super().__init__` is given.",
            )  # fmt: skip
        object.__setattr__(self, "name", dtype if isinstance(dtype, str) and name is None else name)

    def __init_subclass__(cls, **options: Any) -> None:
        own = vars(cls)
        if "update_state" in own and "sums" not in own:
            cls.batchwise = cls.stateful = True
            cls.sums, cls.value = metric_state.sums, metric_state.value  # type: ignore[method-assign, assignment]
            if "targets" not in own and cls.targets == Metric.targets:
                cls.targets = "any"
            if not any("higher_is_better" in vars(base) for base in cls.__mro__ if base is not Metric):
                cls.higher_is_better = None
        adopted = keras_style.adopt(cls)
        super().__init_subclass__(**options)
        if adopted:
            keras_style.settle(cls)

    def add_variable(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, aggregation: Any = None,
        name: str | None = None,
    ) -> metric_state.Sum:  # fmt: skip
        """A variable that batches add to, from 0, as Keras calls it; for `__init__`."""
        return metric_state.variable(shape, initializer, name)

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> metric_state.Sum:
        """Another name of `add_variable`."""
        return metric_state.variable(shape, initializer, name)

    @property
    def label(self) -> str:
        return self.name or snake(type(self).__name__)

    def sums(self, y_true: Array, y_pred: Array, weight: Any) -> Array:
        """Additive statistics of a batch, (k,); rows of weight 0 leave them unchanged."""
        raise undefined(self, "sums(self, y_true, y_pred, weight)", "statistics that add up over batches, (k,)",
                        "A JAX function of (y_true, y_pred) serves as well.")  # fmt: skip

    def value(self, total: Any) -> Any:
        """The figure from the added statistics, (k,)."""
        raise undefined(self, "value(self, total)", "the figure from the sums, (k,)")

    def values(self, totals: np.ndarray) -> np.ndarray:
        """The figures of many epochs: (epochs, k) → (epochs,)."""
        return np.array([self.value(total) for total in totals], dtype=float)

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> float:
        """The figure for arrays at hand.

        Args:
            y_true, y_pred: (rows, …) targets and predictions.
            sample_weight: (rows,) or None.
        """
        y_true, y_pred = align(self, jnp.asarray(y_true), jnp.asarray(y_pred))
        real = jnp.issubdtype(y_pred.dtype, jnp.floating)  # predictions may be class numbers
        kind = y_pred.dtype if real else jnp.result_type(float)
        weight = None if self.stateful else jnp.ones(y_pred.shape[0], kind)
        if sample_weight is not None:
            weight = jnp.asarray(sample_weight, kind).reshape(-1)
        return float(self.value(np.asarray(self.sums(y_true, y_pred, weight))))


class _Mean(Metric):
    """A weighted mean of one number a row."""

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        raise NotImplementedError

    def sums(self, y_true: Array, y_pred: Array, weight: Array) -> Array:
        values = per_row(self.rows(y_true, y_pred)).astype(weight.dtype)
        # A padded row may hold anything; 0 · NaN would be NaN.
        return jnp.stack([jnp.sum(jnp.where(weight > 0, values * weight, 0.0)), jnp.sum(weight)])

    def value(self, total: Any) -> Any:
        return total[0] / _floor(total[1])

    def values(self, totals: np.ndarray) -> np.ndarray:
        return np.asarray(self.value(totals.T), dtype=float)


def snake(name: str) -> str:
    """CamelCase → snake_case.

    >>> snake("MeanSquaredError"), snake("AUC")
    ('mean_squared_error', 'auc')
    """
    import re

    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()


def _floor(x: Any) -> Any:
    """Division by an empty sum gives 0, not NaN."""
    xp = jnp if isinstance(x, jax.Array) else np
    return xp.where(x > 0, x, 1.0)
