"""What a loss is: one number a row; its mean over a batch; targets and predictions brought to one shape."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from .. import keras_style
from ..errors import InputError, undefined
from ..lazy import defined
from ..spec import Choice, Number, Spec, item

Array = jax.Array
EPSILON = 1e-7
MEAN = "sum_over_batch_size"


class Loss(Spec, kind="loss"):
    """Base: subclasses give `rows`, and `logit_rows` for the activations they are fused with.

    Shapes: targets and predictions (rows, …, outputs) → (rows, …), one number a row, of sequences one a step.

    A class written for Keras serves as well: an `__init__` that sets numbers, and `call(self, y_true, y_pred)` in place
    of `rows`, in `jax.numpy`; it only ever sees rows that exist.

    Attributes:
        weight: What a training multiplies it with, `compile(loss_weights=)`; calls and `rows` give it without.
        targets: What the targets are: "real", "one-hot", "integer", "binary", "signs", "count" or "any".
        fused: The activations whose logits `logit_rows` takes.
        batchwise: Whether it may look at a batch as a whole, and so must not see padding.
        name: What it is called as a metric.
        reduction: As in Keras; the mean over rows is the only one.

    >>> from jindan.losses import MeanSquaredError
    >>> MeanSquaredError().rows(jnp.array([[0.0], [1.0]]), jnp.array([[3.0], [1.0]])).tolist()
    [9.0, 0.0]
    """

    targets: ClassVar[str] = "real"
    fused: ClassVar[tuple[str, ...]] = ()
    batchwise: ClassVar[bool] = False

    weight: float = item(default=1.0, rule=Number(), kw_only=True)
    name: str | None = item(default=None, kw_only=True)
    reduction: str = item(default=MEAN, rule=Choice((MEAN, "mean")), kw_only=True)

    def __init__(
        self, name: str | None = None, reduction: str = MEAN, dtype: Any = None, *, weight: float = 1.0, **others: Any
    ) -> None:
        # Reached from an `__init__` of the user's only: a class without one gets that of its fields.
        if others:
            raise InputError(
                "A loss has no setting of this name.", where=f"class {type(self).__name__}",
                expected="`name=…`, `reduction=…`, `weight=…`", received=", ".join(others),
                help="Take it out of what `super().__init__` is given.",
            )  # fmt: skip
        for field, value in (("name", name), ("reduction", reduction), ("weight", weight)):
            object.__setattr__(self, field, value)

    def __init_subclass__(cls, **options: Any) -> None:
        own = vars(cls)
        if "call" in own and "rows" not in own:
            cls.rows, cls.batchwise = _called, True  # type: ignore[method-assign]
            if "targets" not in own and cls.targets == Loss.targets:
                cls.targets = "any"
        if "rows" in own and "logit_rows" not in own and "fused" not in own:
            cls.fused = ()  # what the class before gave from logits is another loss
        adopted = keras_style.adopt(cls)
        super().__init_subclass__(**options)
        if adopted:
            keras_style.settle(cls)

    def rows(self, y_true: Array, y_pred: Array) -> Array:
        """The loss of each row: (rows, …, outputs) → (rows, …). Both arrays have one shape, but for class numbers."""
        raise undefined(self, "rows(self, y_true, y_pred)", "the loss of each row", "A JAX function serves as well.")

    def call(self, y_true: Array, y_pred: Array) -> Array:
        """`rows`, as Keras calls it."""
        kinds = type(self).__mro__
        return next(vars(kind)["rows"] for kind in kinds if vars(kind).get("rows", _called) is not _called)(
            self, y_true, y_pred
        )

    def logit_rows(self, y_true: Array, logits: Array) -> Array:
        """The same from the pre-activation of the output layer."""
        raise NotImplementedError

    def takes_logits(self, activation: str) -> bool:
        """Whether it is computed from what goes into an output layer's activation: stably, whatever was written.

        >>> from jindan.losses import BinaryCrossentropy
        >>> BinaryCrossentropy().takes_logits("sigmoid"), BinaryCrossentropy(from_logits=True).takes_logits("sigmoid")
        (True, False)
        """
        return activation in self.fused and not getattr(self, "from_logits", False)

    def finish(self, mean: Array) -> Array:
        """Applied to the mean over the rows of a batch; the identity for all but the root mean square."""
        return mean

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Array:
        """The cost of a batch: Σ wᵢ lossᵢ / rows. It is divided by the rows, not by the weights, as in Keras.

        Args:
            y_true: Targets, (rows, …).
            y_pred: Predictions, (rows, …).
            sample_weight: (rows,) or None.

        >>> from jindan.losses import MeanSquaredError
        >>> float(MeanSquaredError()([[0.0], [1.0]], [[1.0], [1.0]], sample_weight=[3.0, 1.0]))
        1.5
        """
        y_true, y_pred = align(self, jnp.asarray(y_true), jnp.asarray(y_pred))
        return self.finish(jnp.mean(per_row(self.rows(y_true, y_pred), sample_weight)))


def by_row(values: Any, y_pred: Array, where: str) -> Array:
    """What a function of the user's gave, as one number a row: (rows, …); one number alone is every row's.

    Raises:
        InputError: when it is neither.

    >>> by_row(2.0, jnp.zeros((2, 3)), "call").tolist()
    [2.0, 2.0]
    """
    shape = () if values is None else jnp.shape(values)
    if values is None or (shape and shape[0] != y_pred.shape[0]):
        raise InputError(
            "What a row costs is one number.", where=where, help="Give it with return, and average over axis=-1 alone.",
            expected=f"an array ({y_pred.shape[0]}, …), one entry a row, or one number for the batch",
            received="nothing (None)" if values is None else f"an array of shape {shape}",
        )  # fmt: skip
    return jnp.asarray(values) if shape else jnp.broadcast_to(jnp.asarray(values), y_pred.shape[:1])


def per_row(values: Array, sample_weight: Any = None) -> Array:
    """Average every axis but the first, then weight: (rows, …) → (rows,).

    Args:
        values: A loss of each row, and step.
        sample_weight: (rows,) or None.

    >>> per_row(jnp.array([[1.0, 3.0], [2.0, 4.0]]), [1.0, 0.5]).tolist()
    [2.0, 1.5]
    """
    values = values.reshape(values.shape[0], -1).mean(axis=1) if values.ndim > 1 else values
    return values if sample_weight is None else values * jnp.asarray(sample_weight).reshape(-1)


def align(loss: Any, y_true: Array, y_pred: Array) -> tuple[Array, Array]:
    """Give targets the shape of the predictions: (rows,) beside (rows, 1) gets its axis, integer labels lose theirs.

    Args:
        loss: A loss or metric: where its `targets` are "integer", targets keep their type and have no axis of outputs.
        y_true, y_pred: Targets and predictions.

    Returns:
        Both; targets that are no class numbers in the predictions' type.

    >>> from jindan.losses import MeanSquaredError
    >>> [a.shape for a in align(MeanSquaredError(), jnp.zeros(2), jnp.zeros((2, 1)))]
    [(2, 1), (2, 1)]
    """
    if getattr(loss, "targets", None) == "integer":
        if y_true.ndim == y_pred.ndim and y_true.shape[-1] == 1:
            y_true = y_true[..., 0]
        return y_true, y_pred
    if y_true.ndim == y_pred.ndim - 1 and y_pred.shape[-1] == 1:
        y_true = y_true[..., None]
    elif y_pred.ndim == y_true.ndim - 1 and y_true.shape[-1] == 1:
        y_pred = y_pred[..., None]
    return y_true.astype(y_pred.dtype), y_pred


def _called(self: Any, y_true: Array, y_pred: Array) -> Array:
    """The loss of each row, from `call`."""
    return by_row(self.call(y_true, y_pred), y_pred, f"call of {type(self).__name__}")


__all__ = defined(globals())
