"""Which metric a name, an object or a function stands for."""

from __future__ import annotations

from typing import Any

from ..errors import InputError, UnknownNameError
from ..lazy import defined
from ..losses import Loss
from ..metric_base import Metric
from ..spec import _key, get, names
from .accuracy import AccuracyByShape, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy
from .counts import AUC
from .means import CustomMetric, LossMetric, Perplexity, _OfLoss


def resolve(identifier: Any, loss: Any, outputs: int) -> Metric:
    """The metric for a name, object or function; "accuracy" fits itself to the loss.

    Args:
        identifier: "accuracy", "mae", `AUC()`, a function, …
        loss: The loss of the plan, which says what form the targets have.
        outputs: Width of the output layer.

    Raises:
        UnknownNameError: when no metric or loss has that name.
        InputError: when it is no metric at all, or a class that needs arguments.

    >>> from jindan.losses import BinaryCrossentropy, SparseCategoricalCrossentropy
    >>> resolve("accuracy", BinaryCrossentropy(), 1)
    BinaryAccuracy(name='accuracy')
    >>> resolve("accuracy", SparseCategoricalCrossentropy(), 3)
    SparseCategoricalAccuracy(name='accuracy')
    """
    if isinstance(identifier, type):
        identifier = _made(identifier)
    if isinstance(identifier, (AUC, Perplexity)) and not identifier.from_logits and getattr(loss, "from_logits", False):
        softmax = isinstance(identifier, AUC) and "softmax" in loss.fused
        return identifier.replace(from_logits="softmax" if softmax else True)
    if isinstance(identifier, Metric):
        return identifier
    identifier = getattr(identifier, "stands_for", identifier)
    if isinstance(identifier, Loss):
        return LossMetric(identifier)
    if isinstance(identifier, str):
        key = _key(identifier)
        if key in ("accuracy", "acc"):
            return _accuracy(loss, outputs).replace(name=identifier)
        try:
            if _is_loss(key):
                return LossMetric(get("loss", key), name=identifier)
            found = get("metric", identifier)
            return resolve(found, loss, outputs) if isinstance(found, Metric) else CustomMetric(found, name=identifier)
        except UnknownNameError:
            known = ["accuracy", *names("metric"), *names("loss")]
            raise UnknownNameError("metric", identifier, known, where="metrics") from None
    if callable(identifier):
        return CustomMetric(identifier)
    raise _refused(identifier, 'For instance metrics=["accuracy"].')


def is_own(identifier: Any) -> bool:
    """Whether a metric is a function of the user's.

    >>> is_own("mae"), is_own(lambda y, p: abs(y - p))
    (False, True)
    """
    if isinstance(identifier, str):
        from ..spec import _FUNCTIONS

        return _key(identifier) in _FUNCTIONS.get("metric", {})
    if isinstance(identifier, (Metric, Loss, type)) or hasattr(identifier, "stands_for"):
        return isinstance(identifier, CustomMetric)
    return callable(identifier)


def _made(cls: type) -> Metric | Loss:
    """What a class of metrics or losses gives without arguments, as Keras takes one."""
    if not issubclass(cls, (Metric, Loss, _OfLoss)):
        raise _refused(cls, f"If its objects are functions (y_true, y_pred), call it: {cls.__name__}().")
    try:
        return cls()  # type: ignore[return-value]
    except TypeError:
        raise _refused(cls, f"Call it, with what it needs: {cls.__name__}(…).") from None


def _refused(identifier: Any, advice: str) -> InputError:
    return InputError(
        "This is not a metric.", where="metrics", received=repr(identifier),
        expected="a name, an object from jindan.metrics or a function (y_true, y_pred)", help=advice,
    )  # fmt: skip


def _accuracy(loss: Any, outputs: int) -> Metric:
    form = getattr(loss, "targets", "real")
    if form == "integer":
        return SparseCategoricalAccuracy()
    if outputs == 1:
        return BinaryAccuracy()
    return AccuracyByShape() if form == "any" else CategoricalAccuracy()


def _is_loss(key: str) -> bool:
    from ..spec import _CLASSES, _FUNCTIONS

    return key in _CLASSES["loss"] and key not in _CLASSES["metric"] and key not in _FUNCTIONS.get("metric", {})


__all__ = defined(globals())
