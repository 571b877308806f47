"""Task: a model, rows and the arguments of `fit`, made ready for a population of trainings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from ..data import split_rows
from ..engine.data import Data, count
from ..engine.members import predict_members
from ..engine.run import Run
from ..engine.train import train
from ..errors import InputError
from ..layers.network import Weights
from ..layers.shared import fill
from ..models import feeding, fitting, saving
from ..plan import Plan
from .scoring import Scoring, scoring_of

WATCHED = 0.15
"""Share of a training's rows that decides when to stop, where none are given for it."""
FIT = (
    "batch_size", "epochs", "verbose", "callbacks", "validation_split", "validation_data", "shuffle", "class_weight",
    "sample_weight", "initial_epoch", "steps_per_epoch", "validation_steps", "validation_batch_size", "validation_freq",
    "doctor",
)  # fmt: skip
"""`fit`'s arguments besides rows and seed; each means what it means there."""


@dataclass(frozen=True)
class Task:
    """What every member of a population shares.

    Attributes:
        plan: The plan that members are edits of.
        data: All rows.
        scoring: How a member is judged, higher being better.
        listen: Told of progress.
        kept: Layer → weights that are not drawn anew: of frozen layers, and of layers taken from other models.
        aside: How many rows `validation_split` has put aside, the last of those given; they are watched.
    """

    plan: Plan
    data: Data
    scoring: Scoring
    listen: Any = None
    kept: Mapping[str, list[np.ndarray]] = field(default_factory=dict)
    aside: int = 0

    def __len__(self) -> int:
        return len(self.data)

    @cached_property
    def classes(self) -> np.ndarray | None:
        """(rows,) the class of each row; None where targets are no classes."""
        return classes_of(self.plan, self.data.y)

    def on(
        self, plan: Plan, rows: np.ndarray, groups: np.ndarray | None = None, time: np.ndarray | bool = False
    ) -> Plan:
        """The plan on some rows; what it watches are the `validation_data` given, else a share of these rows.

        Args:
            plan: What is trained.
            rows: Row numbers.
            groups: The group of each of these rows, which that share does not part; None where there are none.
            time: The time of each of these rows, or whether they are in order of time: that share is then the last of
                them, and holds all rows of a time or none.
        """
        if self.data.validation is not None or not watches_others(plan):
            return self.beside(plan, rows)
        return with_rows(plan, *apart(plan, rows, self.classes, plan.seed or 0, groups, time))

    def beside(self, plan: Plan, rows: Any, watched: Any = None) -> Plan:
        """The plan on some rows; what it watches are the `validation_data` given, else `watched`, other rows."""
        return with_rows(plan, rows, watched) if self.data.validation is None else replace(plan, rows=rows)

    def own(self, values: Any) -> np.ndarray | None:
        """Of one value a row given, such as its group, those of the rows that were not put aside; None of None."""
        if values is None or not self.aside:
            return values
        values = np.asarray(values)
        if len(values) != len(self) + self.aside:
            raise InputError("There is one value a row.", where="groups", expected=f"{len(self) + self.aside} values",
                             received=len(values), help="Give those of all rows, the last ones too.")  # fmt: skip
        return values[: len(self)]

    def train(self, plans: Sequence[Plan], *, partial: bool = False, **more: Any) -> list[Run]:
        """A population of these plans on the task's rows; `partial` gives one that was interrupted too.

        Raises:
            KeyboardInterrupt: when it was interrupted.
        """
        if more.get("start") is None:
            more["start"] = [self.start(plan) for plan in plans]
        runs = train(list(plans), self.data, listen=self.listen, **more)
        if any(self._cut_off(run, more.get("until")) for run in runs) and not partial:
            raise KeyboardInterrupt
        return runs

    def start(self, plan: Plan) -> Run | None:
        """Where a plan begins that keeps some weights; None where all are drawn."""
        return saving.run_of(plan, self.data.input_shape, self.fresh(plan)) if self.kept else None

    def fresh(self, plan: Plan) -> Weights:
        """The weights a plan begins with: drawn by its seed, but for those that are kept."""
        network = plan.network(self.data.input_shape)
        drawn = network.join(*network.init(plan.seed or 0, np.dtype(plan.dtype), plan.initial_scale))
        names = [str(layer.name) for layer in plan.layers]
        return tuple(
            fill(own, list(self.kept[name]), f"layer {name}") if name in self.kept else own
            for name, own in zip(names, drawn, strict=True)
        )

    def _cut_off(self, run: Run, until: Any) -> bool:
        """Whether a run has not come to its end; one that was to pause somewhere counts as interrupted there."""
        return run.interrupted and (until is None or self._updates(run) < self._updates(run, until))

    def _updates(self, run: Run, until: Any = None) -> int:
        """Updates up to the place a run has reached, or to an `until` of `train`."""
        epoch, step = run.position if until is None else until if isinstance(until, tuple) else (until, 0)
        rows = len(self) if run.plan.rows is None else len(run.plan.rows)
        return epoch * -(-rows // min(run.plan.batch_size, rows)) + step

    def score(self, runs: Sequence[Run], rows: Sequence[np.ndarray]) -> np.ndarray:
        """(runs,) each run's score on rows of its own."""
        return np.array([self.scoring(self.plan, cut_y(self.data.y, r), p) for r, p in
                         zip(rows, self.predict(runs, rows), strict=True)])  # fmt: skip

    def predict(self, runs: Sequence[Run], rows: Sequence[np.ndarray]) -> list[Any]:
        """Each run's outputs for rows of its own."""
        return predict_members(runs, self.data.x, rows)


def task_of(model: Any, x: Any, y: Any, *, scoring: Any = None, seed: int | None = 0, **fit: Any) -> Task:
    """The task of a compiled model (or a Plan) and rows, with arguments of `fit`.

    `validation_split` puts the last rows aside, to be watched; a `doctor` looks at the plan and the rows once, before
    the members are trained, and warns of what is wrong.

    Raises:
        InputError: when the model is not compiled, the rows do not fit it, or an argument is none of `fit`'s.
    """
    unknown = [name for name in fit if name not in FIT]
    if unknown:
        from ..errors import UnknownNameError

        raise UnknownNameError("argument", unknown[0], FIT)
    verbose, weight, class_weight, validation, doctor, steps = (
        fit.pop(name, None)
        for name in ("verbose", "sample_weight", "class_weight", "validation_data", "doctor", "steps_per_epoch")
    )
    split, first = fit.pop("validation_split", 0.0), fitting.whole("initial_epoch", fit.pop("initial_epoch", 0), 0)
    fitting.refuse_freq(fit.pop("validation_freq", 1))
    _, *held = fitting.counts(None, fit.pop("validation_steps", None), fit.pop("validation_batch_size", None))
    _need_plain(steps, doctor)
    if isinstance(model, Plan):
        plan, ports = _edited(model, fit, first), feeding.ONE
        plan = plan.replace(seed=seed if seed is not None else plan.seed)
    elif hasattr(model, "_plan_to_fit"):
        x = model._met(x)
        model._need_compiled()
        settled = {"batch_size": None, "epochs": 1, "callbacks": None, "shuffle": True, **fit}
        order = ("batch_size", "epochs", "callbacks", "shuffle")
        plan, own = model._plan_to_fit(settled["batch_size"], settled["epochs"], first, settled["callbacks"],
                                       settled["shuffle"], seed)  # fmt: skip
        if own:
            raise InputError(
                "Callbacks of your own cannot follow many trainings at once.", where="callbacks",
                expected=f"EarlyStopping, ReduceLROnPlateau ({', '.join(order)} besides)", received=repr(own[0]),
                help="Leave it out, or train the members one by one.",
            )  # fmt: skip
        ports = model.ports
    else:
        raise InputError(
            "This cannot be trained in a population.", where="model", expected="a compiled model, or a Plan",
            received=type(model).__name__, help="Sequential([...]) and compile(optimizer, loss) make one.",
        )  # fmt: skip
    feed = feeding.feed(x, y, weight, split, validation, plan.batch_size, ports, None, *held)
    if feed.changing:
        raise InputError(
            "Populations are trained on arrays.", where="x", expected="x and y as arrays", received="batches",
            help="Gather the batches into arrays first.",
        )  # fmt: skip
    plan = fitting.fed(plan, feed, class_weight)
    fitting.looked_before(plan, feed.first, doctor)
    kept = {} if isinstance(model, Plan) else model.kept_weights()
    aside = 0 if validation is not None else count(ports.x(x)) - len(feed.first)
    return Task(plan, feed.first, scoring_of(scoring, plan, feed.first.y), _listener(verbose), kept, aside)


def _need_plain(steps: Any, doctor: Any) -> None:
    """Refuse what has no meaning for many trainings at once."""
    if steps is not None:
        raise InputError(
            "Members differ in how many batches their rows make.", where="steps_per_epoch", expected="nothing",
            received=steps, help="Leave it out: an epoch is one pass over a member's rows.",
        )  # fmt: skip
    if doctor == "watch":
        raise InputError(
            "A doctor watches one training.", where="doctor", expected="True: a look before training, or False",
            received=repr(doctor), help="jindan.diagnose(model, x, y) watches the model.",
        )  # fmt: skip


def _edited(plan: Plan, fit: dict[str, Any], first: int) -> Plan:
    compiled, own = fitting.sort_callbacks(fit.pop("callbacks", None), first)
    if own:
        raise InputError("A plan takes no callbacks of your own.", where="callbacks", received=repr(own[0]))
    plan = plan.replace(**{name: value for name, value in fit.items() if value is not None}, **compiled)
    return plan.replace(epochs=max(0, plan.epochs - first), initial_epoch=first) if first else plan


def _listener(verbose: Any) -> Any:
    if not verbose or verbose == "auto":
        return None
    from ..models.display import Line

    return Line(verbose)


def classes_of(plan: Plan, y: Any) -> np.ndarray | None:
    """(rows,) class numbers of targets in any of the usual forms; None for other targets.

    >>> from jindan.layers import Dense
    >>> classes_of(Plan((Dense(2, activation="softmax"),), loss="categorical_crossentropy"), np.eye(2)).tolist()
    [0, 1]
    """
    if isinstance(y, tuple) or y.size == 0:
        return None
    form = getattr(plan.loss, "targets", "any")
    if form == "integer":
        return y.reshape(-1).astype(np.int64) if y.size == len(y) else None
    flat = y.reshape(len(y), -1)
    whole = flat.size > 0 and bool(np.isin(flat, (-1, 0, 1)).all())
    if flat.shape[1] == 1:
        return (flat[:, 0] > 0).astype(np.int64) if whole and len(np.unique(flat)) <= 2 else None
    one_hot = whole and flat.min() >= 0 and bool((flat.sum(1) == 1).all())
    return flat.argmax(1) if one_hot else None


def cut_y(y: Any, rows: Any) -> Any:
    """Some rows of the targets."""
    return tuple(part[rows] for part in y) if isinstance(y, tuple) else y[rows]


def with_rows(plan: Plan, rows: Any, validation: Any = None) -> Plan:
    """The plan on some rows of the data, watched on others; without others the training's own figures are watched."""
    if validation is None:
        for field in ("early_stopping", "reduce_on_plateau"):
            watch = getattr(plan, field)
            if watch is not None and watch.monitor.startswith("val_"):
                plan = plan.replace(**{field: watch.replace(monitor=watch.monitor.removeprefix("val_"))})
    return replace(plan, rows=rows, validation_rows=validation)


def watches_others(plan: Plan) -> bool:
    """Whether a plan watches figures of validation rows."""
    watches = (plan.early_stopping, plan.reduce_on_plateau)
    return any(watch is not None and watch.monitor.startswith("val_") for watch in watches)


def apart(
    plan: Plan,
    rows: np.ndarray,
    classes: np.ndarray | None,
    seed: int,
    groups: np.ndarray | None = None,
    time: np.ndarray | bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """The rows to train on, and those to watch: a share of them where the plan watches validation figures.

    Watching the rows that a training is judged by would make the score of the best epoch on them slightly too good.

    Args:
        plan: Whose early stopping and plateaus are meant.
        rows: Row numbers.
        classes: The class of each row of the data, for the share to have its part of each; None where there are none.
        seed: Of the draw.
        groups, time: As for `Task.on`.

    >>> watched = Plan((), early_stopping="earlystopping")  # of val_loss
    >>> [len(part) for part in apart(watched, np.arange(20), None, 0)], apart(Plan(()), np.arange(3), None, 0)[1]
    ([17, 3], None)
    """
    ordered = np.ndim(time) > 0 or bool(time)
    kept = None if ordered else groups
    # Neither a group nor a time is cut in two.
    few = len(rows) < 2 or any(np.ndim(v) > 0 and len(np.unique(v)) < 2 for v in (kept, time) if v is not None)
    if few or not watches_others(plan):
        return rows, None
    codes = None if classes is None or ordered else classes[rows]
    inner = split_rows(len(rows), validation=WATCHED, test=0, seed=seed, stratify=codes, groups=kept, time=time)
    # Of a few rows of several classes none may be left to watch.
    return (rows[inner.train], rows[inner.validation]) if len(inner.validation) else (rows, None)
