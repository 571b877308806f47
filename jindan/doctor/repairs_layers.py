"""Changes of a plan, each a plan in and a plan out (None where it does not apply); nothing here looks at a case."""

from __future__ import annotations

import math
from typing import Any

from ..errors import JindanError
from ..initializers import GlorotUniform, HeNormal, Orthogonal, VarianceScaling, Zeros, _Named
from ..layers import Activation, BatchNormalization, Dense, Dropout
from ..layers.base import Layer
from ..losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    Hinge,
    Loss,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from ..optimizers import Adam
from ..plan import Plan
from ..spec import get
from .folding import last_dense

# Activations whose slope is 1 for large inputs; the others bound or blow up what passes through many of them.
RELU_LIKE = ("relu", "leaky_relu", "relu6", "elu", "selu", "gelu", "silu", "mish", "softplus")
PENALTIES = ("kernel_regularizer", "bias_regularizer", "activity_regularizer", "beta_regularizer",
             "gamma_regularizer", "recurrent_regularizer")  # fmt: skip
RECURRENT = ("SimpleRNN", "LSTM", "GRU")


def hidden(plan: Plan) -> list[int]:
    """The numbers of layers with a kernel, but for the last Dense one and recurrent ones."""
    last = last_dense(plan)
    if last is None:
        dense = [i for i, layer in enumerate(plan.layers) if isinstance(layer, Dense)]
        last = dense[-1] if dense else None
    return [
        i for i, layer in enumerate(plan.layers)
        if hasattr(layer, "kernel_initializer") and i != last and type(layer).__name__ not in RECURRENT
    ]  # fmt: skip


def activated(plan: Plan) -> list[int]:
    """The numbers of layers whose activation is a hidden one: those of `hidden`, or Activation layers after them."""
    own = hidden(plan)
    last = last_dense(plan)
    found = list(own)
    for i, layer in enumerate(plan.layers):
        if isinstance(layer, Activation) and (last is None or i < last):
            found.append(i)
    return sorted(found)


def with_layers(plan: Plan, changes: dict[int, dict[str, Any]]) -> Plan | None:
    """The plan with fields of layers changed; None where nothing differs."""
    layers = list(plan.layers)
    for index, fields in changes.items():
        layers[index] = layers[index].replace(**fields)
    changed = plan.replace(layers=tuple(layers))
    return None if changed == plan else changed


def followed_by_activation(plan: Plan, index: int) -> bool:
    """Whether a linear layer of a stack has its activation as the layer after it (normalisation may stand between)."""
    if plan.wiring is not None:
        return False
    for layer in plan.layers[index + 1 :]:
        if isinstance(layer, BatchNormalization):
            continue
        return type(layer).__name__ in ("Activation", "ReLU", "LeakyReLU", "PReLU", "ELU")
    return False


def hidden_activation(plan: Plan, name: str, only: Any) -> Plan | None:
    """Hidden activations of these names → another; initialisers stay."""
    wanted = {}
    for index in activated(plan):
        layer: Any = plan.layers[index]
        now = layer.activation
        bare = now == "linear" and (isinstance(layer, Activation) or followed_by_activation(plan, index))
        if isinstance(now, str) and now in only and now != name and not bare:
            wanted[index] = {"activation": name}
    return with_layers(plan, wanted)


def initialised(plan: Plan, only_odd: bool = False) -> Plan | None:
    """he_normal before ReLU and its like, glorot_uniform elsewhere, biases 0 (Glorot & Bengio 2010; He et al. 2015).

    Args:
        plan: A plan.
        only_odd: Leave initialisers alone whose variance goes by the layer's width.
    """
    wanted: dict[int, dict[str, Any]] = {}
    for index, layer in enumerate(plan.layers):
        if not hasattr(layer, "kernel_initializer") or type(layer).__name__ in RECURRENT:
            continue
        scaled = by_width(layer.kernel_initializer)
        if only_odd and scaled and isinstance(getattr(layer, "bias_initializer", Zeros()), Zeros):
            continue
        name = getattr(layer, "activation", "linear")
        start = HeNormal() if name in RELU_LIKE or followed_by_activation(plan, index) else GlorotUniform()
        fields: dict[str, Any] = {}
        if not (only_odd and scaled):
            fields["kernel_initializer"] = start
        if hasattr(layer, "bias_initializer"):
            fields["bias_initializer"] = Zeros()
        wanted[index] = fields
    changed = with_layers(plan, wanted)
    if plan.initial_scale != 1.0:
        changed = (changed or plan).replace(initial_scale=1.0)
    return changed


def by_width(initializer: Any) -> bool:
    """Whether an initialiser draws about one variance a layer, whatever its width: none with a gain of more than 2."""
    if isinstance(initializer, VarianceScaling):
        return 0.25 <= initializer.scale <= 4
    return isinstance(initializer, (_Named, Orthogonal)) and 0.5 <= initializer.gain <= 2


def matched(plan: Plan, task: str, y: Any, classes: int) -> Plan | None:
    """Output layer and loss that the task asks for by maximum likelihood (Bishop 2006, §4.3.6).

    Args:
        plan: A plan whose last layer is Dense; an activation layer after it is taken away.
        task: As `judge.task_of` names it.
        y: Targets.
        classes: How many classes, labels or columns there are.
    """
    index = _last_dense_before_activation(plan)
    if index is None:
        return None
    head: Any = plan.layers[index]
    activation, loss = _pair(plan, task, y)
    if loss is None:
        return None
    logits = getattr(plan.loss, "from_logits", False) and type(plan.loss) is type(loss)
    if logits:
        activation, loss = "linear", plan.loss
    units = classes if activation == "softmax" or logits or task in ("multilabel", "regression") else 1
    layers = list(plan.layers)
    layers[index] = head.replace(units=units, activation=activation)
    if plan.wiring is None:
        ends = ("Activation", "Softmax")
        layers = [one for i, one in enumerate(layers) if i <= index or type(one).__name__ not in ends]
    changed = plan.replace(layers=tuple(layers), loss=loss)
    return None if changed == plan or _same_outputs(plan, changed, index) else changed


def _last_dense_before_activation(plan: Plan) -> int | None:
    found = last_dense(plan)
    if found is not None or plan.wiring is not None:
        return found
    layers = plan.layers
    while layers and type(layers[-1]).__name__ in ("Activation", "Softmax"):
        layers = layers[:-1]
    return last_dense(plan.replace(layers=layers)) if layers else None


def _same_outputs(plan: Plan, changed: Plan, index: int) -> bool:
    """Whether the activation was a layer of its own and the plan only says the same in another way."""
    if len(plan.layers) == len(changed.layers) or plan.loss != changed.loss:
        return False
    own: Any = plan.layers[index]
    last: Any = plan.layers[-1]
    name = "softmax" if type(last).__name__ == "Softmax" else getattr(last, "activation", None)
    return own.activation == "linear" and changed.layers[index] == own.replace(activation=name)


def _pair(plan: Plan, task: str, y: Any) -> tuple[str, Loss | None]:
    if task == "regression":
        real = isinstance(plan.loss, Loss) and plan.loss.targets == "real" and type(plan.loss).__name__ in (
            "MeanSquaredError", "MeanAbsoluteError", "Huber", "LogCosh", "SumSquaredError", "RootMeanSquaredError",
        )  # fmt: skip
        return "linear", plan.loss if real else get("loss", "mse")
    if getattr(plan.loss, "targets", None) == "integer":
        return "softmax", _kept(plan.loss, SparseCategoricalCrossentropy)
    if task == "multiclass":
        return "softmax", _kept(plan.loss, CategoricalCrossentropy)
    if task in ("binary", "multilabel"):
        if float(y.min()) < 0:
            return "linear", plan.loss if isinstance(plan.loss, (Hinge, SquaredHinge)) else Hinge()
        return "sigmoid", _kept(plan.loss, BinaryCrossentropy)
    return "linear", None


def _kept(loss: Any, kind: Any) -> Any:
    """The loss where it is of the kind, with its smoothing; from_logits only as `matched` decides."""
    return loss if isinstance(loss, kind) else kind()


def rate(plan: Plan, factor: float) -> Plan | None:
    """The learning rate times a factor."""
    try:
        now = float(plan.value("learning_rate"))
        return plan.edit(learning_rate=now * factor) if now > 0 else None
    except (JindanError, TypeError, ValueError):
        return None


def adam(plan: Plan, value: float) -> Plan | None:
    """Adam at a rate."""
    if isinstance(plan.optimizer, Adam):
        changed = plan.replace(optimizer=plan.optimizer.replace(learning_rate=value))
    else:
        changed = plan.replace(optimizer=Adam(value))
    return None if changed == plan else changed


def clipped(plan: Plan) -> Plan | None:
    """All gradients together shrunk to the norm 1 (Pascanu et al. 2013)."""
    changed = plan.replace(optimizer=plan.optimizer.replace(clipnorm=None, clipvalue=None, global_clipnorm=1.0))
    return None if changed == plan else changed


def wider(plan: Plan, factor: float, least: int, most: int = 2**31) -> Plan | None:
    """Units of hidden Dense layers, and filters, times a factor within bounds; None where none changes."""
    wanted = {}
    for index in hidden(plan):
        layer: Any = plan.layers[index]
        name = "units" if hasattr(layer, "units") else "filters" if hasattr(layer, "filters") else None
        if name is not None:
            now = getattr(layer, name)
            size = max(1, min(most, max(least, math.ceil(now * factor))))
            # Bounds never turn a layer the other way.
            if (size > now) == (factor >= 1) and size != now:
                wanted[index] = {name: size}
    return with_layers(plan, wanted)


def shallower(plan: Plan, keep: int = 2) -> Plan | None:
    """The first `keep` hidden Dense layers of a stack; what stands between a dropped one and the next goes with it."""
    dense = [i for i in hidden(plan) if type(plan.layers[i]) is Dense]
    last = last_dense(plan)
    if plan.wiring is not None or last is None or len(dense) <= keep:
        return None
    first = dense[keep]
    between = plan.layers[first:last]
    if any(hasattr(one, "kernel_initializer") and type(one) is not Dense for one in between):
        return None
    return plan.replace(layers=(*plan.layers[:first], *plan.layers[last:]))


def after_hidden(plan: Plan, layer: Layer) -> Plan | None:
    """A stack with a layer put after each hidden layer that has a kernel."""
    own = set(hidden(plan))
    if plan.wiring is not None or not own or last_dense(plan) is None:
        return None
    found: list[Layer] = []
    for index, one in enumerate(plan.layers):
        found.append(one)
        if index in own:
            found.append(layer)
    return plan.replace(layers=tuple(found))


def dropouts(plan: Plan) -> list[int]:
    """The numbers of layers that drop or add noise at a rate."""
    return [i for i, layer in enumerate(plan.layers)
            if type(layer).__name__.endswith("Dropout") or "Dropout" in type(layer).__name__]  # fmt: skip


def with_dropout(plan: Plan, share: float) -> Plan | None:
    """Dropout at a rate: of the layers there are, or of new ones after hidden layers; 0 takes away."""
    own = dropouts(plan)
    if own:
        return with_layers(plan, {i: {"rate": share} for i in own})
    return after_hidden(plan, Dropout(share)) if share > 0 else None


def without_penalties(plan: Plan) -> Plan | None:
    """No l1, no l2, no penalties of layers."""
    wanted = {}
    for index, layer in enumerate(plan.layers):
        fields = {name: None for name in PENALTIES if getattr(layer, name, None) is not None}
        if fields:
            wanted[index] = fields
    layers = with_layers(plan, wanted) or plan
    changed = layers.replace(l1=0.0, l2=0.0)
    return None if changed == plan else changed


def trainable(plan: Plan) -> Plan | None:
    """All layers trained."""
    return with_layers(plan, {i: {"trainable": True} for i, layer in enumerate(plan.layers) if not layer.trainable})


def batch_norms(plan: Plan, momentum: float) -> Plan | None:
    """Batch-norm layers with another momentum."""
    own = [i for i, layer in enumerate(plan.layers) if isinstance(layer, BatchNormalization)]
    return with_layers(plan, {i: {"momentum": momentum} for i in own})
