"""The repairs the doctor knows, as edits of a training; which of them helps is for trials to say."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..activations import TABLE
from ..callbacks import EarlyStopping
from ..layers import BatchNormalization
from ..models.fitting import class_weights
from ..plan import Plan
from . import folding, judge
from . import repairs_layers as change
from .edits import STANDARDISE, Edit, difference, joined, standardisable
from .evidence import Case

UPDATES = 2000  # that a small network gets at least: Adam moves a weight by up to its rate an update, so 2 … 10 in all
NEAR = 4.0  # inputs whose root mean square lies within this factor of 1 are near unit scale (LeCun et al. 1998, §4.3)
FAR = 5.0  # largest root mean square of a column that is
RARE = 10.0  # classes are unbalanced from this ratio of the commonest to the rarest on (He & Garcia 2009, §2)
FACTORS = (0.01, 0.1, 1 / 3, 3.0, 10.0, 100.0)

Alter = Callable[[Plan], Plan | None]


def on(function: Callable[..., Plan | None], *settings: Any) -> Alter:
    """A change of plans from a function of a plan and settings."""
    return lambda plan: function(plan, *settings)


class Maker:
    """Makes edits of a case and keeps those that change something."""

    def __init__(self, case: Case) -> None:
        self.case, self.plan, self.found = case, case.plan, []  # type: ignore[var-annotated]
        self.task = judge.task_of(case.plan, case.data.y)
        self.rows = len(case.data)

    def add(self, code: str, name: str, alter: Alter | None = None, plan: Plan | None = None, **data: Any) -> None:
        """Keep an edit where it changes the plan or the data.

        Args:
            code: The finding it answers.
            name: A few words.
            alter: The change of a plan.
            plan: What it is tried on, in place of the case's plan.
            **data: `inputs`, `targets`, `rows`.
        """
        before = self.plan if plan is None else plan
        after = before if alter is None else alter(before)
        if after is None or (alter is not None and after == before and not data):
            return
        edit = Edit(code, name, {}, alter, **data)
        self.found.append(Edit(code, name, difference(before, after, edit), alter, **data))


def catalogue(case: Case) -> tuple[Edit, ...]:
    """Every repair that applies to a supervised training, each by itself.

    Args:
        case: The training; rates, widths and sizes of its plan are what edits start from.

    Returns:
        Edits; several of one code are ways to answer it, the likeliest first.
    """
    make = Maker(case)
    _setting(make)
    _optimizing(make)
    _layers(make)
    _data(make)
    return tuple(make.found)


def _setting(make: Maker) -> None:
    y = make.case.data.y
    if make.task in judge.TASKS:
        units = classes_of(make.task, make.plan, y)
        make.add("output-loss-mismatch", "output and loss for the task",
                 lambda plan: change.matched(plan, make.task, np.asarray(y), units))  # fmt: skip
    if standardisable(make.plan, make.case.input_shape):
        make.add("inputs-not-normalised", "inputs standardised", inputs=STANDARDISE)
    if make.task == "regression" and _foldable(make):
        make.add("targets-not-normalised", "targets standardised", targets=STANDARDISE)


def _foldable(make: Maker) -> bool:
    """Whether the output is linear, or can be made so."""
    matched = change.matched(make.plan, make.task, np.asarray(make.case.data.y), width_of(make.case.data.y))
    return folding.foldable(matched or make.plan)


def _optimizing(make: Maker) -> None:
    plan = make.plan
    for factor in FACTORS:
        code = "learning-rate-too-low" if factor > 1 else "learning-rate-too-high"
        times = f"× {factor:g}" if factor >= 1 else f"÷ {1 / factor:g}"
        make.add(code, f"rate {times}", on(change.rate, factor))
    for value in (1e-3, 1e-2):
        code = "learning-rate-too-low" if value > 1e-3 else "learning-rate-too-high"
        make.add(code, f"Adam at {value:g}", on(change.adam, value))
    make.add("exploding-gradient", "gradients clipped", change.clipped)
    sane = sane_batch(make.rows)
    if plan.batch_size < min(8, sane):
        for rows in sorted({16, sane}):
            if rows <= max(sane, 16) and rows < make.rows:
                make.add("batch-size-too-small", f"batches of {rows}", on(batches, rows))
    if plan.batch_size > sane and (plan.batch_size >= make.rows / 4 or plan.batch_size >= 256):
        make.add("batch-size-too-large", f"batches of {sane}", lambda p: batches(p, sane))
    for more in (3, 10, 30):
        make.add("stopped-too-early", f"epochs × {more}", on(longer, more, 1))
    for parts in (3, 10):
        if plan.epochs >= 3 * parts:
            make.add("overfitting", f"epochs ÷ {parts}", on(longer, 1, parts))
    if plan.epochs >= 10 and make.rows >= 40:
        make.add("overfitting", "early stopping", stopping)


def _layers(make: Maker) -> None:
    plan, hidden = make.plan, change.hidden(make.plan)
    make.add("bad-init-scale", "initialisers for the widths", change.initialised)
    make.add("symmetric-init", "initialisers for the widths", change.initialised)
    squashed = tuple(name for name in TABLE if name not in (*change.RELU_LIKE, "linear"))
    for code in ("vanishing-gradient", "saturated-activation", "nonfinite-values"):
        make.add(code, "hidden relu, he_normal", lambda p: relu(p, squashed))
    make.add("saturated-activation", "hidden tanh", lambda p: change.hidden_activation(
        p, "tanh", tuple(name for name in squashed if name != "tanh")))  # fmt: skip
    make.add("linear-stack", "hidden relu", lambda p: relu(p, ("linear",)))
    make.add("dying-relu", "leaky relu", lambda p: change.hidden_activation(p, "leaky_relu", ("relu", "relu6")))
    make.add("vanishing-gradient", "two hidden layers", change.shallower)
    make.add("vanishing-gradient", "batch normalisation", normalised)
    make.add("underfitting", "wider layers", lambda p: change.wider(p, 4, 16))
    make.add("underfitting", "no penalties", change.without_penalties)
    if change.dropouts(plan):
        make.add("underfitting", "no dropout", lambda p: change.with_dropout(p, 0.0))
    make.add("overfitting", "narrower layers", lambda p: change.wider(p, 0.25, 4))
    for factor in (1e-4, 1e-3, 1e-2):
        make.add("overfitting", f"l2 {factor:g}", on(penalised, factor))
    if hidden:
        make.add("overfitting", "dropout 0.3", lambda p: change.with_dropout(p, 0.3))
    make.add("mode-gap", "batch-norm momentum 0.9", lambda p: change.batch_norms(p, 0.9))
    make.add("frozen-parameters", "all layers trained", change.trainable)


def _data(make: Maker) -> None:
    weights = balanced(make.task, make.case.data.y)
    if weights is not None:
        make.add("class-imbalance", "class weights", lambda p: p.replace(class_weight=weights))
    kept = distinct(make.case.data.x, make.case.data.y)
    if len(kept) < make.rows:
        make.add("data-leakage", "duplicates dropped", rows=tuple(kept.tolist()))


# -- the textbook's training ------------------------------------------------------------------------------------------


def textbook(case: Case) -> Edit:
    """What a practitioner would start from in place of the case's settings: one edit of many parts.

    Scaled data, output and loss for the task, ReLU with he_normal, all layers trained, 16 … 128 units in at most two
    hidden layers where there were more than four, Adam, batches of up to 32, enough epochs, early stopping.

    Args:
        case: The training.
    """
    make = Maker(case)
    y, rows, plan = case.data.y, len(case.data), case.plan
    if standardisable(plan, case.input_shape) and not near_unit(case.data.x):
        make.add("inputs-not-normalised", "inputs standardised", inputs=STANDARDISE)
    _textbook_output(make, y)
    for code, name, alter in (
        ("frozen-parameters", "all layers trained", change.trainable),
        ("underfitting", "weaker penalties", weaker_penalties),
        ("vanishing-gradient", "two hidden layers", lambda p: change.shallower(p) if deep(p) else None),
        ("underfitting", "wide enough", lambda p: change.wider(p, 1, 16)),
        ("vanishing-gradient", "hidden relu", lambda p: change.hidden_activation(
            p, "relu", tuple(n for n in TABLE if n not in change.RELU_LIKE and n != "tanh"))),
        ("bad-init-scale", "initialisers for the widths", lambda p: change.initialised(p, only_odd=True)),
        ("mode-gap", "batch-norm momentum 0.9", slow_norms),
        ("learning-rate-too-high", "Adam", lambda p: change.adam(p, adam_rate(p))),
    ):  # fmt: skip
        make.add(code, name, alter)
    sane = sane_batch(rows)
    if plan.batch_size > sane or plan.batch_size < min(8, sane):
        code = "batch-size-too-large" if plan.batch_size > sane else "batch-size-too-small"
        make.add(code, f"batches of {sane}", lambda p: batches(p, sane))
    make.add("stopped-too-early", "epochs enough", lambda p: enough(p, rows))
    if rows >= 40:
        make.add("overfitting", "early stopping", stopping)
    return joined(make.found)


def _textbook_output(make: Maker, y: Any) -> None:
    if make.task not in judge.TASKS:
        return
    units = classes_of(make.task, make.plan, y)
    make.add("output-loss-mismatch", "output and loss for the task",
             lambda plan: change.matched(plan, make.task, np.asarray(y), units))  # fmt: skip
    if make.task == "regression" and _foldable(make):
        mean, deviation = folding.scales(y)
        if np.any(np.abs(mean) > 1) or np.any(deviation > 2) or np.any(deviation < 0.5):
            make.add("targets-not-normalised", "targets standardised", targets=STANDARDISE)
    weights = balanced(make.task, y)
    if weights is not None and not make.plan.class_weight and imbalance(make.task, y) >= RARE:
        make.add("class-imbalance", "class weights", lambda p: p.replace(class_weight=weights))


# -- parts -----------------------------------------------------------------------------------------------------------


def width_of(y: Any) -> int:
    """Columns of targets."""
    return int(np.asarray(y).reshape(len(y), -1).shape[1])


def classes_of(task: str, plan: Plan, y: Any) -> int:
    """How many outputs the task asks for with one unit a class, label or column."""
    if getattr(plan.loss, "targets", None) == "integer" and task in ("binary", "multiclass"):
        # Classes that the training rows do not show may still exist.
        last = folding.last_dense(plan)
        units = getattr(plan.layers[last], "units", 0) if last is not None else 0
        return max(judge.plan_width(np.asarray(y).reshape(len(y), -1)), units)
    return width_of(y)


def near_unit(x: Any) -> bool:
    """Whether inputs are near mean 0 and variance 1 as they are, taken together and column by column."""
    flat = np.asarray(x, np.float64).reshape(-1, np.shape(x)[-1])
    flat = np.where(np.isfinite(flat), flat, 0.0)
    each = np.sqrt((flat**2).mean(0))
    whole = math.sqrt(float((flat**2).mean()))
    return bool(1 / NEAR <= whole <= NEAR and each.max() <= FAR)


def sane_batch(rows: int) -> int:
    """Up to 32 rows an update (Masters & Luschi 2018), of few rows an eighth."""
    return int(min(32, max(4, rows // 8)))


def batches(plan: Plan, size: int) -> Plan | None:
    """Another batch size."""
    return None if plan.batch_size == size else plan.replace(batch_size=size)


def longer(plan: Plan, times: int, parts: int) -> Plan:
    """Epochs times one number, divided by another."""
    return plan.replace(epochs=max(1, plan.epochs * times // parts))


def penalised(plan: Plan, factor: float) -> Plan:
    """A penalty λ Σw² on every kernel."""
    return plan.replace(l2=factor)


def stopping(plan: Plan) -> Plan | None:
    """Early stopping on rows kept back, the best epoch's weights being the result (Prechelt 1998)."""
    patience = max(5, plan.epochs // 5)
    return plan.replace(early_stopping=EarlyStopping("val_loss", patience=patience, restore_best_weights=True))


def enough(plan: Plan, rows: int) -> Plan | None:
    """Epochs for `UPDATES` updates at least."""
    epochs = math.ceil(UPDATES / max(1, math.ceil(rows / plan.batch_size)))
    return plan.replace(epochs=epochs) if epochs > plan.epochs else None


def relu(plan: Plan, only: tuple[str, ...]) -> Plan | None:
    """Hidden activations of these names → relu, with the initialiser that goes with it."""
    changed = change.hidden_activation(plan, "relu", only)
    return None if changed is None else change.initialised(changed) or changed


def normalised(plan: Plan) -> Plan | None:
    """Batch norm after each hidden layer, where there is none."""
    if any(isinstance(one, BatchNormalization) for one in plan.layers):
        return None
    return change.after_hidden(plan, BatchNormalization(momentum=0.9))


def deep(plan: Plan) -> bool:
    """Whether a stack has more than four hidden layers and nothing that carries gradients through them."""
    kinds = {type(one).__name__ for one in plan.layers}
    return len(change.hidden(plan)) > 4 and not any("Normalization" in kind or kind == "Residual" for kind in kinds)


def adam_rate(plan: Plan) -> float:
    """5e-3 for layers of up to 32 units, less for wider ones: the best rate falls with the width (Yang et al. 2021)."""
    widths = [getattr(plan.layers[i], "units", getattr(plan.layers[i], "filters", 1)) for i in change.hidden(plan)]
    return float(min(5e-3, max(1e-3, 5e-3 * 32 / max([1, *widths]))))


def weaker_penalties(plan: Plan) -> Plan | None:
    """No penalties, where one is strong: λ ≥ 0.01 on every weight leaves hardly any slope to the loss."""
    strong = plan.l1 >= 0.01 or plan.l2 >= 0.01
    for layer in plan.layers:
        for name in change.PENALTIES:
            penalty = getattr(layer, name, None)
            strong = strong or max(getattr(penalty, "l1", 0.0) or 0.0, getattr(penalty, "l2", 0.0) or 0.0) >= 0.01
    return change.without_penalties(plan) if strong else None


def slow_norms(plan: Plan) -> Plan | None:
    """Batch norm's momentum 0.9 where its averages would not settle within a few epochs of a small training."""
    slow = any(isinstance(one, BatchNormalization) and one.momentum > 0.9 for one in plan.layers)
    return change.batch_norms(plan, 0.9) if slow else None


def imbalance(task: str, y: Any) -> float:
    """Rows of the commonest class for one of the rarest; 1 where there are no classes."""
    if task not in ("binary", "multiclass"):
        return 1.0
    _, counts = np.unique(judge.labels(task, y), return_counts=True)
    return float(counts.max() / counts.min())


def balanced(task: str, y: Any) -> Any:
    """Class weights rows ÷ (classes · rows of the class); None where they differ by less than half, or mean nothing."""
    if task not in ("binary", "multiclass") or float(np.min(np.asarray(y))) < 0 or imbalance(task, y) < 1.5:
        return None
    return class_weights("balanced", np.asarray(y))


def distinct(x: Any, y: Any) -> np.ndarray:
    """The numbers of rows that repeat no earlier row, targets included."""
    parts = [np.ascontiguousarray(part).reshape(len(part), -1)
             for one in (x, y) for part in (one if isinstance(one, tuple) else (one,))]  # fmt: skip
    seen: set[bytes] = set()
    kept = []
    for row in range(len(parts[0])):
        key = b"".join(part[row].tobytes() for part in parts)
        if key not in seen:
            seen.add(key)
            kept.append(row)
    return np.asarray(kept, int)
