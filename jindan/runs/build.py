"""From a task to a plan: hidden layers in words, output layer and loss by the task, contradictions refused."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..activations import canonical
from ..callbacks import EarlyStopping
from ..data import InputForm, Preprocessing
from ..doctor.capacity import too_large
from ..doctor.static import CROSS_ENTROPIES, REASONS, TOLERABLE, pairing
from ..errors import FileError, InputError, JindanError
from ..layers import Dense, Dropout
from ..layers.base import Layer
from ..optimizers import AdamW
from ..plan import ClassWeight, Plan
from .network import network_of, pace

# Against plain Adam, on the test rows of twelve tables: the loss fell on eleven and rose by 2 % on one.
HIDDEN = "64 relu, 32 relu"
WEIGHT_DECAY = 0.1
OF_VALUES = ("targets-out-of-reach", "counts-below-zero")


def parse_layers(text: str) -> tuple[Layer, ...]:
    """Hidden layers in words: "30 relu, dropout 0.2, 16 tanh"; "" or "none" for no hidden layer.

    Raises:
        InputError: when a part is neither units with an activation nor a dropout.

    >>> parse_layers("30 tanh, dropout 0.2, 16")
    (Dense(units=30, activation='tanh'), Dropout(rate=0.2), Dense(units=16))
    """
    found: list[Layer] = []
    if text.strip().lower() == "none":
        return ()
    for part in [piece.strip() for piece in re.split(r"[,;]", text) if piece.strip()]:
        words = part.split()
        if len(words) == 2 and words[0].lower() == "dropout":
            found.append(Dropout(_number(words[1], float, part)))
        elif 1 <= len(words) <= 2 and words[0].lower() != "dropout":
            activation = words[1] if len(words) == 2 else None
            if activation is not None and activation.isdigit():
                raise _unreadable(part, f'Units come first: "{activation} {words[0]}".')
            canonical(activation, where=f"--layers {part!r}")
            units = _number(words[0], int, part)
            kernel = "he_normal" if activation and "relu" in activation.lower() else "glorot_uniform"
            found.append(Dense(units, activation=activation, kernel_initializer=kernel))
        else:
            raise _unreadable(part)
    return tuple(found)


@dataclass(frozen=True)
class Wanted:
    """What the user asks of the plan; None leaves what is usual for the task.

    Attributes:
        layers: Hidden layers in words: "30 relu, 16 relu".
        plan: A Plan, or a JSON file of one, whose gaps are filled with what is usual. The others change it.
        epochs, batch_size, optimizer, learning_rate, loss: Fields of the plan.
    """

    layers: str | None = None
    plan: Plan | str | Path | None = None
    epochs: int | None = None
    batch_size: int | None = None
    optimizer: Any = None
    learning_rate: float | None = None
    loss: Any = None

    def changes(self) -> dict[str, Any]:
        """The fields of the plan that are given; the optimizer before the rate, which is one of its settings."""
        names = ("epochs", "batch_size", "optimizer", "learning_rate", "loss")
        return {name: getattr(self, name) for name in names if getattr(self, name) is not None}


def build_plan(
    task: str,
    outputs: int,
    rows: int,
    wanted: Wanted = Wanted(),
    *,
    seed: int = 0,
    validated: bool = True,
    preprocessing: Any = None,
    inputs: Sequence[InputForm] = (),
) -> Plan:
    """The plan of a table's training.

    Args:
        task: "binary", "multiclass" or "regression".
        outputs: Classes, or 1.
        rows: Training rows.
        wanted: What the user asks for.
        seed: Fixes weights and order of rows.
        validated: Whether validation rows exist, so that training can stop early.
        preprocessing: How the table becomes numbers.
        inputs: What the network gets; () for numbers alone.
    """
    rate = wanted.learning_rate
    if rate is not None and not (rate > 0 and math.isfinite(rate)):
        raise InputError(
            "The learning rate must be positive.", where="--learning-rate", expected="a number > 0", received=rate,
            help="Leave it out, or try 0.001.",
        )  # fmt: skip
    head, usual_loss = _head(task, outputs)
    hidden = None if wanted.layers is None else parse_layers(wanted.layers)
    layers, wiring = network_of(inputs, parse_layers(HIDDEN), hidden, head)
    batch_size, epochs, patience = pace(inputs, rows) or (_batch_size(rows), 200, 20)
    made = Plan(
        layers,
        wiring=wiring,
        loss=usual_loss,
        optimizer=AdamW(weight_decay=WEIGHT_DECAY),
        metrics=() if task == "regression" else ("accuracy",),
        batch_size=batch_size,
        epochs=epochs,
        early_stopping=EarlyStopping("val_loss", patience=patience, restore_best_weights=True) if validated else None,
    )
    if wanted.plan is not None:
        made = read_plan(wanted.plan, usual=made)
        if not made.layers or wanted.layers is not None:
            made = made.replace(layers=layers, wiring=wiring, loss=usual_loss)
        _refuse_stack(made, inputs)
        if made.early_stopping is not None and not validated and made.early_stopping.monitor.startswith("val_"):
            made = made.replace(early_stopping=None)
    for name, value in wanted.changes().items():
        made = _with(made, name, value)
    return made.replace(seed=seed, preprocessing=preprocessing, rows=None, validation_rows=None)


def _with(plan: Plan, name: str, value: Any) -> Plan:
    """The plan with one field changed; an error names the option that the field has."""
    try:
        return plan.edit({name: value})
    except InputError as error:
        if error.where != name:
            raise
        raise InputError(
            error.what, where=f"--{name.replace('_', '-')}", expected=error.expected, received=error.received,
            help=error.help,
        ) from None  # fmt: skip


def _refuse_stack(plan: Plan, inputs: Sequence[InputForm]) -> None:
    """Raise an InputError when the layers of a plan have another number of inputs than the table."""
    if plan.inputs == max(1, len(inputs)):
        return
    raise InputError(
        "The plan's network does not have the inputs of the table.", where="--plan",
        expected=f"{len(inputs)} inputs, connected by wiring: {', '.join(form.name for form in inputs)}",
        received=f"{plan.inputs}", help="Leave out the plan's layers, or the columns of text and images (--drop).",
    )  # fmt: skip


def refuse_contradiction(plan: Plan, task: str, shape: Any, y: np.ndarray) -> None:
    """Raise an InputError that gives the reason when output layer, loss and targets contradict each other.

    Args:
        plan: The plan.
        task: "binary", "multiclass" or "regression".
        shape: Of a row, or the number of its features.
        y: Targets as the loss takes them.
    """
    wrong = pairing(plan, _row(shape), y)
    if task == "regression" and plan.loss.targets in ("integer", "one-hot", "binary", "signs"):
        entropy = isinstance(plan.loss, CROSS_ENTROPIES)
        reason = "cross-entropy-on-real-targets" if entropy else "class-loss-on-real-targets"
        wrong = (reason, {"loss": type(plan.loss).__name__})
    if wrong is None or wrong[0] in TOLERABLE:
        return
    reason, facts = wrong
    classes = y.shape[-1] if y.ndim > 1 else int(y.max()) + 1
    head, usual = _head(task, classes)
    units = f"{head.units} unit" + ("s" if head.units > 1 else "")
    shown = ", ".join(f"{name} {_words(value)}" for name, value in facts.items())
    what = f"Output layer, loss and target contradict each other: {REASONS[reason][0]}."
    scaled = " (the target is scaled; preprocessing.target of a plan can be none)" if reason in OF_VALUES else ""
    raise InputError(
        what,
        where="the last layer and its loss",
        expected=f"for a {task} target: {units}, {head.activation}, with {usual}",
        received=shown,
        help=f"Leave the output layer and --loss to jindan, or use --loss {usual}{scaled}.",
    )


def _row(shape: Any) -> tuple:
    return (shape,) if isinstance(shape, int) else shape


def refuse_too_large(plan: Plan, shape: Any, rows: int, x: Any = None) -> None:
    """Raise an InputError when the training, on inputs like x, cannot fit into this machine's memory."""
    large = too_large(plan, _row(shape), rows, x)
    if large is not None:
        raise InputError(
            "The network does not fit into the memory of this machine.", where="--layers",
            expected=f"at most {large.evidence['available']}", received=f"about {large.evidence['needed']}",
            help="Use fewer units, fewer layers or a smaller --batch-size.",
        )  # fmt: skip


def read_plan(source: Plan | str | Path, *, usual: Plan | None = None) -> Plan:
    """A Plan, or one from a JSON file (a run's plan.json works too), whose gaps are filled from the usual one.

    Raises:
        FileError: when the file cannot be read.
        InputError: when it is no plan.
    """
    if isinstance(source, Plan):
        return source
    path = Path(source)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            "The plan cannot be read.", where=path, expected="a JSON file",
            received=getattr(error, "strerror", None) or "binary data", help="A run's plan.json is such a file.",
        ) from None  # fmt: skip
    try:
        body = json.loads(text)
    except json.JSONDecodeError:
        body = None
    try:
        if not isinstance(body, dict):
            return Plan.from_json(text)
        facts = ("input_shape", "run", "compiled")
        body = {name: value for name, value in body.items() if name not in facts}
        if "layers" in body:
            # The usual wiring is that of the usual layers.
            body.setdefault("wiring", None)
        found = Plan.from_dict({**(usual.to_dict() if usual is not None else {}), **body})
        if found.preprocessing is not None and not isinstance(found.preprocessing, Preprocessing):
            raise TypeError("preprocessing is no object")
        if not all(isinstance(entry, ClassWeight) for entry in found.class_weight):
            raise TypeError("class_weight is no object of class numbers and weights")
        return found
    except JindanError:
        raise
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            "The plan cannot be understood.", where=path, expected='an object such as {"layers": [{"type": "Dense", '
            '"units": 3}]}', received=str(error).replace("__init__() ", ""), help="Compare it with a run's plan.json.",
        ) from None  # fmt: skip


def targets_for(plan: Plan, task: str, encoded: np.ndarray, classes: int) -> np.ndarray:
    """Class numbers or scaled values in the form the plan's loss takes."""
    if task == "regression":
        return encoded.astype(np.float32).reshape(-1, 1)
    if plan.loss.targets == "integer":
        return encoded.astype(np.int32)
    outputs = [layer.units for layer in plan.layers if isinstance(layer, Dense)]
    if task == "binary" and outputs and outputs[-1] == 1:
        return encoded.astype(np.float32).reshape(-1, 1)
    return np.eye(classes, dtype=np.float32)[encoded]


def _head(task: str, outputs: int) -> tuple[Dense, str]:
    if task == "regression":
        return Dense(1), "mse"
    if task == "binary":
        return Dense(1, activation="sigmoid"), "binary_crossentropy"
    return Dense(outputs, activation="softmax"), "categorical_crossentropy"


def _batch_size(rows: int) -> int:
    """About fifty updates an epoch, between 8 and 256 rows each."""
    return int(min(256, max(8, 2 ** round(np.log2(max(rows, 1) / 50)))))


def _words(value: Any) -> str:
    if isinstance(value, list):
        return " … ".join(_words(end) for end in value)
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _number(text: str, kind: type, part: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        raise _unreadable(part) from None


def _unreadable(part: str, hint: str | None = None) -> InputError:
    return InputError(
        "A hidden layer cannot be read.",
        where="--layers",
        expected='units and an activation, or a dropout: "30 relu, dropout 0.2, 16 relu"',
        received=repr(part),
        help=hint or "Separate layers with commas; the output layer is added by itself.",
    )
