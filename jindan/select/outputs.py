"""What outputs mean: probabilities of classes, labels, numbers; the same for models, ensembles and stacks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import InputError, ShapeError
from ..joint import JointLoss, parts_of
from ..losses import CategoricalHinge
from ..plan import Plan


def judged(plan: Plan) -> Plan:
    """The plan by which outputs of `probable` are judged: its loss reads probabilities where it read logits."""
    parts = tuple(part.replace(from_logits=False) if _logits(part) else part for part in parts_of(plan.loss))
    return plan.replace(loss=plan.loss.replace(parts=parts) if isinstance(plan.loss, JointLoss) else parts[0])


def probable(plan: Plan, outputs: Any) -> Any:
    """Outputs with logits made probabilities; all others as they are."""
    if isinstance(outputs, tuple):
        return tuple(_probable(loss, part) for loss, part in zip(parts_of(plan.loss), outputs, strict=True))
    return _probable(plan.loss, outputs)


def activation_of(loss: Any) -> str | None:
    """What makes probabilities of the outputs a loss reads: "sigmoid", "softmax", or None where nothing is to do."""
    if not _logits(loss):
        return None
    return "sigmoid" if loss.targets == "binary" else "softmax"


def gives_classes(plan: Plan) -> bool:
    """Whether outputs are probabilities of classes."""
    loss = plan.loss
    return getattr(loss, "targets", "any") in ("integer", "one-hot", "binary") and not isinstance(
        loss, CategoricalHinge
    )


def class_probabilities(model: Any, X: Any, where: str = "model") -> np.ndarray:
    """(rows, classes) of a trained model, an ensemble, a stack or a scikit-learn classifier.

    Raises:
        InputError: when its outputs are no probabilities.
    """
    if hasattr(model, "predict_proba"):
        return np.asarray(model.predict_proba(X), np.float64)
    plan = getattr(model, "plan", None)
    if plan is None or not gives_classes(plan):
        received = type(model).__name__ if plan is None else f"a model trained by {type(plan.loss).__name__}"
        raise InputError(
            "These outputs are no probabilities of classes.", where=where, received=received,
            expected="a model trained by a crossentropy, or one with predict_proba",
            help="End the network in softmax or sigmoid and compile it with a crossentropy.",
        )  # fmt: skip
    return checked_probabilities(probable(plan, model.predict(X)), where)


def checked_probabilities(p: Any, where: str = "p") -> np.ndarray:
    """(rows, classes) from (rows,), (rows, 1) or (rows, classes), in float64 with rows that sum to 1.

    Raises:
        InputError, ShapeError: when they are no probabilities.
    """
    p = np.asarray(p, np.float64)
    if p.ndim == 1 or (p.ndim == 2 and p.shape[1] == 1):
        p = np.stack([1 - p.reshape(-1), p.reshape(-1)], axis=1)
    if p.ndim != 2 or not len(p):
        raise ShapeError(
            "Probabilities of classes stand in a table.", where=where, expected="shape (rows,) or (rows, classes)",
            received=f"shape {p.shape}", help="One row of probabilities for each row of the data.",
        )  # fmt: skip
    # Float32 sums of many classes stray by some 1e-5.
    if not np.isfinite(p).all() or p.min() < -1e-6 or p.max() > 1 + 1e-6 or abs(p.sum(1) - 1).max() > 1e-3:
        raise InputError(
            "These are no probabilities.", where=where, expected="numbers 0 … 1 that sum to 1 in each row",
            received="NaN or infinite" if not np.isfinite(p).all() else f"{p.min():.4g} … {p.max():.4g}",
            help="Logits go through softmax or sigmoid first.",
        )  # fmt: skip
    p = np.clip(p, 0.0, 1.0)
    return p / p.sum(1, keepdims=True)


def labels_for(y: Any, classes: int, rows: int | None = None, where: str = "y") -> np.ndarray:
    """(rows,) class numbers 0 … classes − 1 of targets given as numbers or one-hot.

    Raises:
        InputError, ShapeError: when they are something else, or of another length.
    """
    y = np.asarray(y)
    if y.ndim == 2 and y.shape[1] > 1:
        y = y.argmax(1)
    y = y.reshape(-1)
    if rows is not None and len(y) != rows:
        raise ShapeError("Targets and predictions differ in number.", where=where, expected=f"{rows} rows",
                         received=f"{len(y)} rows", help="Give the targets of these rows.")  # fmt: skip
    if classes == 2 and y.dtype.kind in "if" and len(y) and np.isin(y, (-1, 1)).all() and (y < 0).any():
        y = (y > 0).astype(np.int64)
    wrong = y.dtype.kind not in "iufb" or (len(y) > 0 and not np.isin(y, np.arange(classes)).all())
    if wrong:
        odd = y[~np.isin(y, np.arange(classes))][:3].tolist() if y.dtype.kind in "iufb" else y[:3].tolist()
        raise InputError(
            "These targets are not the classes of the predictions.", where=where,
            expected=f"class numbers 0 … {classes - 1}", received=", ".join(map(str, odd)),
            help="jindan.data.LabelEncoder makes numbers of names.",
        )  # fmt: skip
    return y.astype(np.int64)


def codes_for(model: Any, y: Any, classes: int, rows: int | None = None, where: str = "y") -> np.ndarray:
    """(rows,) class numbers of a model's targets: their places in its `classes_`, where it has them as in scikit-learn;
    else, and for one-hot rows, as `labels_for`.

    Raises:
        InputError, ShapeError: when they are something else, or of another length.

    >>> class Named: classes_ = np.array(["cat", "dog"])
    >>> codes_for(Named(), ["dog", "cat", "dog"], 2).tolist()
    [1, 0, 1]
    """
    known, y = getattr(model, "classes_", None), np.asarray(y)
    if known is None or (y.ndim == 2 and y.shape[1] > 1):
        return labels_for(y, classes, rows, where)
    place = {label: number for number, label in enumerate(np.asarray(known).tolist())}
    found = [place.get(label, -1) for label in y.reshape(-1).tolist()]
    odd = [label for label, number in zip(y.reshape(-1).tolist(), found, strict=True) if number < 0]
    if odd:
        raise InputError(
            "These targets are not the classes of the model.", where=where,
            expected=", ".join(map(str, list(place)[:10])) + (", …" if len(place) > 10 else ""),
            received=", ".join(map(str, dict.fromkeys(odd[:3]))), help="Give y as the model was fitted with it.",
        )  # fmt: skip
    return labels_for(np.array(found, np.int64), classes, rows, where)


def numbers_of(outputs: Any) -> np.ndarray:
    """(rows,) numbers of outputs of one unit, in float64.

    Raises:
        ShapeError: for several units.
    """
    found = np.asarray(outputs, np.float64)
    if found.ndim == 0 or found.size != len(found):
        raise ShapeError("This is for one number a row.", where="outputs", expected="shape (rows,) or (rows, 1)",
                         received=f"shape {found.shape}", help="Call it for each output by itself.")  # fmt: skip
    return found.reshape(-1)


def each(f: Callable[..., Any], *outputs: Any) -> Any:
    """f of the outputs, or of each of several."""
    return tuple(f(*parts) for parts in zip(*outputs, strict=True)) if isinstance(outputs[0], tuple) else f(*outputs)


def _logits(loss: Any) -> bool:
    return bool(getattr(loss, "from_logits", False))


def _probable(loss: Any, outputs: Any) -> np.ndarray:
    outputs = np.asarray(outputs)
    wanted = activation_of(loss)
    if wanted is None:
        return outputs
    z = outputs.astype(np.float64)
    if wanted == "sigmoid":
        p = np.exp(-np.logaddexp(0.0, -z))
    else:
        p = np.exp(z - z.max(-1, keepdims=True))
        p /= p.sum(-1, keepdims=True)
    return p.astype(outputs.dtype)
