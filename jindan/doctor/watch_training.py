"""PyTorch's losses and optimizers as jindan's: what a loop minimises, and by which equation.

A loss of the user's own is known by an attribute: `loss_fn.jindan_loss = "categorical_crossentropy"` names the loss of
jindan's that it computes from the outputs of the module, as Keras defines it, and `jindan_class_weight = {0: 4.5}` the
weights of classes, where it takes the mean over rows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .. import layers as L
from .. import losses, optimizers, regularizers
from ..layers.base import Layer
from ..spec import get
from .watch_chain import NoCounterpart
from .watch_notes import Note

FUNCTIONS = {  # torch.nn.functional → the module of the same formula
    "cross_entropy": "CrossEntropyLoss", "binary_cross_entropy": "BCELoss", "nll_loss": "NLLLoss",
    "binary_cross_entropy_with_logits": "BCEWithLogitsLoss", "mse_loss": "MSELoss", "l1_loss": "L1Loss",
    "smooth_l1_loss": "SmoothL1Loss", "huber_loss": "HuberLoss", "poisson_nll_loss": "PoissonNLLLoss",
    "kl_div": "KLDivLoss",
}  # fmt: skip
BY_ROW = ("CrossEntropyLoss", "NLLLoss")  # one term a row; the others have one an output
PENALTIES = (  # what a parameter of PyTorch begins with, and what it may be here
    ("weight_hh", ("recurrent",)), ("weight", ("kernel", "gamma", "embeddings", "alpha")), ("bias", ("bias", "beta")),
    ("", ()),
)  # fmt: skip


@dataclass(frozen=True)
class Aim:
    """What a loop minimises.

    Attributes:
        layers: The module's layers, with what the loss itself does to the outputs.
        loss: The loss.
        targets: The targets in its form.
        class_weight: {class: weight}, or None.
        scale: The loop's loss over ours where it is a sum: "rows", "outputs" (of all rows), or "" for a mean.
        notes: What differs.
    """

    layers: tuple[Layer, ...]
    loss: Any
    targets: Any
    class_weight: dict[int, float] | None = None
    scale: str = ""
    notes: tuple[Note, ...] = ()


def kind_of(loss_fn: Any) -> str:
    """The class of PyTorch's loss, for a module or a function of torch.nn.functional; else the name of its class.

    >>> from types import FunctionType
    >>> kind_of(len)
    'len'
    """
    for kind in type(loss_fn).__mro__:
        if kind.__module__ == "torch.nn.modules.loss":
            return kind.__name__
    name = getattr(loss_fn, "__name__", type(loss_fn).__name__)
    return FUNCTIONS.get(name, name) if getattr(loss_fn, "__module__", "") == "torch.nn.functional" else name


def aim_of(loss_fn: Any, layers: tuple[Layer, ...], y: np.ndarray, width: int) -> Aim:
    """The loss of a loop, and the layers that end as it sees them.

    Args:
        loss_fn: A loss of PyTorch's, module or function, or one with the attribute `jindan_loss`.
        layers: The module's layers.
        y: Targets (rows, …).
        width: Units of the output.

    Raises:
        NoCounterpart: where the loss is not known.
    """
    named = getattr(loss_fn, "jindan_loss", None)
    if named is not None:
        return Aim(layers, get("loss", named, where="jindan_loss"), y, getattr(loss_fn, "jindan_class_weight", None))
    kind = kind_of(loss_fn)
    if kind not in AIMS:
        raise NoCounterpart("unnamed-loss", name=kind)
    aim = AIMS[kind](loss_fn, layers, y, width)
    weighed = getattr(loss_fn, "weight", None)
    if weighed is not None and kind in BY_ROW:
        # PyTorch divides by the weights of the batch, which are 1 on the mean only after this.
        found = np.asarray(weighed.detach().cpu(), np.float64)
        classes = aim.targets.astype(int) if aim.targets.ndim == 1 else aim.targets.argmax(-1)
        found = found / max(float(np.mean(found[classes])), 1e-12)
        aim = replace(aim, class_weight={i: float(w) for i, w in enumerate(found)})
    elif weighed is not None:
        aim = replace(aim, notes=(*aim.notes, Note("no-weight", {"name": "weight"})))
    sums = getattr(loss_fn, "reduction", "mean") == "sum"
    return replace(aim, scale=("rows" if kind in BY_ROW else "outputs") if sums else "")


def _ended(layers: tuple[Layer, ...], name: str) -> tuple[Layer, ...]:
    """The layers, the last of which gives what PyTorch's loss makes of raw outputs."""
    last = layers[-1] if layers else None
    if last is not None and getattr(last, "activation", None) == "linear":
        return (*layers[:-1], last.replace(activation=name))
    return (*layers, L.Activation(name))


def _end(layers: tuple[Layer, ...]) -> str | None:
    from .static import output_activation

    return output_activation(layers)


def _cross_entropy(loss_fn: Any, layers: tuple[Layer, ...], y: np.ndarray, width: int) -> Aim:
    smooth = float(getattr(loss_fn, "label_smoothing", 0.0) or 0.0)
    if y.size == len(y) and width > 1:
        y = y.reshape(-1)
    elif y.ndim > 2 or y.shape[-1] != width:
        raise NoCounterpart("loss-over-places")
    # A softmax of probabilities is what such a loop computes: the contradiction stays visible.
    raw = _end(layers) not in ("softmax", "log_softmax")
    sparse = y.ndim == 1 and smooth == 0
    if y.ndim == 1 and not sparse:
        y = np.eye(width, dtype=np.float32)[y.astype(int)]
    settings: dict[str, Any] = {} if sparse else {"label_smoothing": smooth}
    make = losses.SparseCategoricalCrossentropy if sparse else losses.CategoricalCrossentropy
    if _end(layers) == "log_softmax":  # a second one changes nothing
        return Aim(_renamed(layers, "softmax"), make(**settings), y)
    return Aim(_ended(layers, "softmax") if raw else layers, make(from_logits=not raw, **settings), y)


def _renamed(layers: tuple[Layer, ...], name: str) -> tuple[Layer, ...]:
    """The layers with another activation at their end."""
    for place in reversed(range(len(layers))):
        if getattr(layers[place], "activation", None) == "log_softmax":
            return (*layers[:place], layers[place].replace(activation=name), *layers[place + 1 :])
    return layers


def _likelihood(loss_fn: Any, layers: tuple[Layer, ...], y: np.ndarray, width: int) -> Aim:
    if _end(layers) != "log_softmax":
        raise NoCounterpart("nll-of-others")
    return _cross_entropy(None, layers, y, width)


def _binary(loss_fn: Any, layers: tuple[Layer, ...], y: np.ndarray, width: int) -> Aim:
    return Aim(layers, losses.BinaryCrossentropy(), y)


def _binary_logits(loss_fn: Any, layers: tuple[Layer, ...], y: np.ndarray, width: int) -> Aim:
    twice = _end(layers) in ("sigmoid", "softmax")
    ended = layers if twice else _ended(layers, "sigmoid")
    weights, notes = None, ()  # type: tuple[dict[int, float] | None, tuple[Note, ...]]
    pos = getattr(loss_fn, "pos_weight", None)
    if pos is not None and pos.numel() == 1 and width == 1:
        weights = {0: 1.0, 1: float(pos)}
    elif pos is not None:
        notes = (Note("no-weight", {"name": "pos_weight"}),)
    return Aim(ended, losses.BinaryCrossentropy(from_logits=twice), y, weights, "", notes)


def _plain(make: Any) -> Any:
    return lambda loss_fn, layers, y, width: Aim(layers, make(loss_fn), y)


def _smooth(loss_fn: Any) -> Any:
    if getattr(loss_fn, "beta", 1.0) != 1.0:
        raise NoCounterpart("smooth-beta")
    return losses.Huber()


def _divergence(loss_fn: Any, layers: tuple[Layer, ...], y: np.ndarray, width: int) -> Aim:
    if _end(layers) != "log_softmax" or getattr(loss_fn, "reduction", "") != "batchmean" or loss_fn.log_target:
        raise NoCounterpart("divergence-form")
    return Aim(_renamed(layers, "softmax"), losses.KLDivergence(), y)


AIMS: dict[str, Any] = {
    "CrossEntropyLoss": _cross_entropy, "NLLLoss": _likelihood, "BCELoss": _binary,
    "BCEWithLogitsLoss": _binary_logits, "MSELoss": _plain(lambda _: losses.MeanSquaredError()),
    "L1Loss": _plain(lambda _: losses.MeanAbsoluteError()), "SmoothL1Loss": _plain(_smooth),
    "HuberLoss": _plain(lambda loss: losses.Huber(float(getattr(loss, "delta", 1.0)))), "KLDivLoss": _divergence,
}  # fmt: skip


# -- optimizers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Descent:
    """By which equation a loop updates.

    Attributes:
        optimizer: Ours.
        coupled: Whether PyTorch's `weight_decay` λ is added to gradients: then it is a penalty ½ λ Σ w².
        notes: What differs.
    """

    optimizer: Any
    coupled: bool = True
    notes: tuple[Note, ...] = ()


def descent_of(optimizer: Any, factor: float = 1.0) -> Descent:
    """The optimizer of a loop; of several groups of parameters, the first.

    ε stands beside the root in PyTorch's RMSprop, Adagrad and Adafactor and under it here, so it is squared.

    Args:
        optimizer: A torch.optim.Optimizer.
        factor: By how much its loss is greater than ours.

    Raises:
        NoCounterpart: where the equation is not known.
    """
    kind = next((base.__name__ for base in type(optimizer).__mro__ if base.__name__ in DESCENTS), None)
    if kind is None:
        raise NoCounterpart("unknown-optimizer", name=type(optimizer).__name__)
    group = optimizer.param_groups[0]
    notes: list[Note] = []
    rates = {float(other["lr"]) for other in optimizer.param_groups}
    if len(rates) > 1:
        notes.append(Note("group-rates"))
    if group.get("maximize"):
        raise NoCounterpart("climbs")
    if group.get("dampening"):
        notes.append(Note("no-dampening"))
    if kind == "NAdam" and group.get("momentum_decay") != 1.0:
        notes.append(Note("nadam-momentum"))
    settings = DESCENTS[kind](group)
    rate = float(settings.pop("lr", group["lr"])) * (factor if kind == "SGD" else 1.0)
    decay = float(group.get("weight_decay") or 0.0)
    decoupled = kind in ("AdamW", "Adafactor") or bool(group.get("decoupled_weight_decay"))
    if decay and decoupled:
        settings["weight_decay"] = decay
    elif kind == "AdamW":
        kind = "Adam"
    made = getattr(optimizers, {"NAdam": "Nadam"}.get(kind, kind))(learning_rate=rate, **settings)
    return Descent(made, not decoupled, tuple(notes))


def _adam(group: dict[str, Any]) -> dict[str, Any]:
    first, second = map(float, group["betas"])
    found = {"beta_1": first, "beta_2": second, "epsilon": float(group["eps"])}
    return {**found, "amsgrad": True} if group.get("amsgrad") else found


DESCENTS: dict[str, Any] = {
    "SGD": lambda g: {"momentum": float(g["momentum"]), "nesterov": bool(g["nesterov"])},
    "AdamW": _adam, "Adam": _adam, "Adamax": _adam, "NAdam": _adam,
    "RMSprop": lambda g: {"rho": float(g["alpha"]), "momentum": float(g["momentum"]), "epsilon": float(g["eps"]) ** 2,
                          "centered": bool(g["centered"])},
    "Adagrad": lambda g: {"initial_accumulator_value": float(g.get("initial_accumulator_value", 0.0)),
                          "epsilon": float(g["eps"]) ** 2},
    "Adadelta": lambda g: {"rho": float(g["rho"]), "epsilon": float(g["eps"])},
    "Adafactor": lambda g: {"beta_2_decay": float(g["beta2_decay"]), "clip_threshold": float(g["d"]),
                            "epsilon_1": float(g["eps"][0] or np.finfo(np.float32).eps) ** 2,
                            "epsilon_2": float(g["eps"][1])},
}  # fmt: skip


def penalised(layer: Layer, decays: dict[str, float]) -> Layer:
    """The layer with the penalties λ Σ w² that stand for PyTorch's weight decay.

    Args:
        layer: A layer.
        decays: λ by the name of the parameter in PyTorch: "weight", "bias", "weight_ih_l0", …
    """
    changes: dict[str, Any] = {}
    for theirs, l2 in decays.items():
        names = next(ours for start, ours in PENALTIES if theirs.startswith(start))
        for field in (f"{name}_regularizer" for name in names):
            if l2 and layer.trainable and hasattr(layer, field):
                changes[field] = regularizers.L2(l2)
    return layer.replace(**changes) if changes else layer
