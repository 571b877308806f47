"""Plan: one immutable value that says everything about a training but the data. It has edits and a JSON form."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, Self

import numpy as np

from . import callbacks as _callbacks  # noqa: F401  (the names in these rooms are looked up)
from . import layers as _layers
from . import losses as _losses
from . import metrics as _metrics  # noqa: F401
from . import optimizers as _optimizers  # noqa: F401
from .errors import InputError, UnknownNameError
from .spec import COUNT, NOT_NEGATIVE, Choice, Number, Spec, from_json, item, split, to_json

VERSION = 1


class _Weighting(Spec, kind="class weight"):
    """The kind a class weight is looked up under."""


class ClassWeight(_Weighting):
    """How much the rows of one class count."""

    index: int = item(rule=Number(0, integer=True))
    weight: float = item(default=1.0, rule=NOT_NEGATIVE, traced=True)


class Rows:
    """An immutable set of row numbers: a fold, a bootstrap, a subset. Rows may repeat."""

    def __init__(self, numbers: Any) -> None:
        given = np.asarray(numbers).ravel()
        if given.dtype.kind == "b":
            given = np.flatnonzero(given)
        if given.size and given.dtype.kind not in "iu":
            raise InputError(
                "Rows are named by whole numbers.", where="rows", expected="row numbers, or a mask of True and False",
                received=f"{given.dtype}", help="np.flatnonzero(condition) turns a condition into row numbers.",
            )  # fmt: skip
        array = given.astype(np.int32)
        array.setflags(write=False)
        self.numbers = array

    def __len__(self) -> int:
        return len(self.numbers)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Rows) and np.array_equal(self.numbers, other.numbers)

    def __hash__(self) -> int:
        return hash(self.numbers.tobytes())

    def __repr__(self) -> str:
        return f"Rows({len(self)} of them)"

    def tolist(self) -> list[int]:
        return self.numbers.tolist()


class Plan(Spec, kind="plan"):
    """A training, without its data.

    Attributes:
        layers: The network, from input to output.
        loss: What training minimises, together with the penalties.
        optimizer: The update equation with its rate or schedule.
        metrics: Figures reported beside the loss; `weighted_metrics` count rows by their weight.
        batch_size: Rows an update.
        epochs: Passes over the training rows.
        initial_epoch: The number of the first of them, where the order of rows is to go on from an earlier training's.
        seed: Fixes the fresh weights, the order of rows and all noise.
        shuffle: Whether each epoch sees the rows in a new order.
        l1, l2: Penalties λ Σ|w| and λ Σw² on every kernel.
        weight_noise: Standard deviation of Gaussian noise on kernels in each training step.
        initial_scale: Fresh kernels are multiplied by this.
        class_weight: How much the rows of each class count.
        early_stopping, reduce_on_plateau: What to do when a figure stops improving.
        rows, validation_rows: Which rows of the data are used; None is all of them.
        preprocessing: How a table becomes numbers (see `jindan.data`).
        dtype: "float32" or "float64".
        precision: "bfloat16" computes in that type what can bear it; weights, statistics and losses keep `dtype`.
        mixup: α of Beta(α, α) for mixing pairs of rows and their targets (Zhang et al. 2018); 0 is none.
        name: For people.
        wiring: How the layers are connected where they are not one on another.

    >>> from jindan.layers import Dense
    >>> plan = Plan((Dense(30, activation="relu"), Dense(3, activation="softmax")), loss="categorical_crossentropy")
    >>> plan.edit({"learning_rate": 0.01, "layers.0.units": 64}).layers[0].units
    64
    >>> Plan.from_json(plan.to_json()) == plan
    True
    """

    layers: Any = item(default=(), kind="layer*")
    loss: Any = item(default="mse", kind="loss")
    optimizer: Any = item(default="rmsprop", kind="optimizer")
    metrics: Any = item(default=())
    weighted_metrics: Any = item(default=())
    batch_size: int = item(default=32, rule=COUNT)
    epochs: int = item(default=1, rule=Number(0, integer=True), host=True)
    initial_epoch: int = item(default=0, rule=Number(0, integer=True), traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)
    shuffle: bool = item(default=True)
    l1: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)
    l2: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)
    weight_noise: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)
    initial_scale: float = item(default=1.0, rule=NOT_NEGATIVE, host=True)
    class_weight: Any = item(default=())
    early_stopping: Any = item(default=None, kind="callback")
    reduce_on_plateau: Any = item(default=None, kind="callback")
    rows: Any = item(default=None, host=True)
    validation_rows: Any = item(default=None, host=True)
    preprocessing: Any = item(default=None, host=True)
    dtype: str = item(default="float32", rule=Choice(("float32", "float64")))
    precision: str | None = item(default=None, rule=Choice(("bfloat16",)), optional=True)
    mixup: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)
    name: str | None = item(default=None, host=True)
    wiring: Any = item(default=None, kind="wiring")

    def __post_init__(self) -> None:
        for field in ("rows", "validation_rows"):
            value = getattr(self, field)
            if value is not None and not isinstance(value, Rows):
                object.__setattr__(self, field, Rows(value))
        if isinstance(self.class_weight, Mapping):
            pairs = tuple(ClassWeight(int(k), float(v)) for k, v in sorted(self.class_weight.items()))
            object.__setattr__(self, "class_weight", pairs)
        else:
            given = _many(self.class_weight)
            settled = tuple(from_json("class weight", c) if isinstance(c, Mapping) else c for c in given)
            if not all(isinstance(c, ClassWeight) for c in settled):
                raise InputError(
                    "The class weights cannot be read.", where="class_weight", expected="{class number: weight}",
                    received=repr(self.class_weight), help="class_weight={0: 1.0, 1: 5.0}",
                )  # fmt: skip
            object.__setattr__(self, "class_weight", settled)
        for field in ("metrics", "weighted_metrics"):
            named = _many(getattr(self, field))
            object.__setattr__(
                self, field, tuple(from_json("metric", m) if isinstance(m, Mapping) else m for m in named)
            )
        super().__post_init__()
        if not isinstance(self.loss, _losses.Loss):
            object.__setattr__(self, "loss", _losses.CustomLoss(self.loss))

    @property
    def structure(self) -> Any:
        """What is compiled; plans with equal structures share a program."""
        return split(self)[0]

    @property
    def numbers(self) -> dict[tuple, float]:
        """The numbers that enter the program as values, by path."""
        return split(self)[1]

    def network(self, input_shape: Any) -> _layers.Network:
        """The network for rows of a shape, or of several where there are several inputs."""
        return _layers.Network(self.layers, input_shape, self.wiring)

    @property
    def inputs(self) -> int:
        """How many inputs the network has."""
        return 1 if self.wiring is None else self.wiring.inputs

    # -- edits ---------------------------------------------------------------------------------------------------

    def edit(self, changes: Mapping[str, Any] | None = None, **more: Any) -> Self:
        """A new plan with fields changed, named by path.

        "learning_rate" and other fields of the optimizer may be named without "optimizer."; layers go by number or
        name: "layers.0.units", "layers.hidden.activation".

        Raises:
            UnknownNameError: when a path leads nowhere.
        """
        plan: Any = self
        for path, value in {**(changes or {}), **more}.items():
            plan = _edited(plan, self._full_path(path), value, path)
        return plan

    def value(self, path: str) -> Any:
        """What stands at a path that `edit` understands."""
        found: Any = self
        for part in self._full_path(path):
            found = _child(found, part, path)
        return found

    def _full_path(self, path: str) -> list[str]:
        parts = path.split(".")
        if parts[0] in _fields(self):
            return _rate(self, parts)
        if parts[0] == "lr":
            parts[0] = "learning_rate"
        for owner in ("optimizer", "loss"):
            if parts[0] in _fields(getattr(self, owner)):
                return _rate(self, [owner, *parts])
        known = [*_fields(self), *_fields(self.optimizer)]
        raise UnknownNameError("setting of a plan", path, known)

    # -- JSON ----------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The JSON form, as a dict."""
        body = to_json(self)
        body.pop("type")
        return {"jindan_plan": VERSION, **body}

    def to_json(self) -> str:
        """The JSON form, as text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=2)

    @classmethod
    def from_dict(cls, body: Mapping[str, Any]) -> Self:
        """Undo `to_dict`."""
        body = dict(body)
        version = body.pop("jindan_plan", VERSION)
        if version != VERSION:
            raise InputError(
                "This plan was written by another version of jindan.",
                where="jindan_plan",
                expected=VERSION,
                received=version,
                help="Use the version of jindan that wrote it, or write the plan anew.",
            )
        body.pop("type", None)
        known = _fields(cls)
        for key in body:
            if key not in known:
                raise UnknownNameError("setting of a plan", key, known, where="plan")
        if body.get("preprocessing") is not None and isinstance(body["preprocessing"], Mapping):
            from .data import Preprocessing

            body["preprocessing"] = Preprocessing.from_dict(body["preprocessing"])
        return cls(**body)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Undo `to_json`.

        Raises:
            InputError: when the text is no JSON object.
        """
        try:
            body = json.loads(text)
        except json.JSONDecodeError as error:
            raise InputError(
                "The plan is not valid JSON.",
                where=f"line {error.lineno}, column {error.colno}",
                expected='an object such as {"layers": [{"type": "Dense", "units": 3}]}',
                received=error.msg,
                help="Check commas and quotes around that place.",
            ) from None
        if not isinstance(body, dict):
            raise InputError("The plan is not a JSON object.", expected="{…}", received=type(body).__name__)
        return cls.from_dict(body)


def _many(value: Any) -> tuple:
    if value is None:
        return ()
    return tuple(value) if isinstance(value, (list, tuple)) else (value,)


def _fields(value: Any) -> list[str]:
    return [field.name for field in dataclasses.fields(value)] if dataclasses.is_dataclass(value) else []


def _rate(plan: Plan, parts: list[str]) -> list[str]:
    """A rate that is a schedule is edited at its start."""
    from .schedules import LearningRateSchedule

    if parts == ["optimizer", "learning_rate"] and isinstance(plan.optimizer.learning_rate, LearningRateSchedule):
        return [*parts, "initial_learning_rate"]
    return parts


def _child(owner: Any, part: str, path: str) -> Any:
    if isinstance(owner, tuple):
        return owner[_place(owner, part, path)]
    if part not in _fields(owner):
        raise UnknownNameError(f"setting of {type(owner).__name__}", part, _fields(owner), where=path)
    return getattr(owner, part)


def _place(owner: tuple, part: str, path: str) -> int:
    names = [getattr(entry, "name", None) for entry in owner]
    if part in names:
        return names.index(part)
    try:
        index = int(part)
        owner[index]
    except (ValueError, IndexError):
        expected = ", ".join([str(i) for i in range(len(owner))] + [n for n in names if n])
        raise InputError(
            "The plan has no such layer.", where=path, expected=expected, received=part, help="Layers count from 0."
        ) from None
    return index % len(owner)


def _edited(owner: Any, parts: list[str], value: Any, path: str) -> Any:
    if not parts:
        return value
    inner = _edited(_child(owner, parts[0], path), parts[1:], value, path)
    if isinstance(owner, tuple):
        index = _place(owner, parts[0], path)
        return (*owner[:index], inner, *owner[index + 1 :])
    return owner.replace(**{parts[0]: inner})
