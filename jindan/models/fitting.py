"""What `fit` does around the engine: arguments checked, callbacks sorted, the plan made ready, the history filled."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from numbers import Integral
from typing import Any

import numpy as np

from ..callbacks import Callback, EarlyStopping, History, LearningRateScheduler, Monitor, ReduceLROnPlateau, falls
from ..closures import closed
from ..engine.data import Data
from ..engine.run import Run
from ..engine.supervised import program_of
from ..errors import InputError, JindanError, JindanWarning, TooLargeError
from ..joint import OutputMetric
from ..losses import CustomLoss
from ..metrics import CustomMetric, R2Score
from ..plan import ClassWeight, Plan
from ..rules import NOT_NEGATIVE, Number
from ..spec import Spec, _key
from .feeding import Feed

COUNT_FROM_0 = Number(0, integer=True)
ROUNDING = 1e-5  # of rates, which the program holds in float32


def whole(name: str, value: Any, low: int) -> int:
    """A whole number of at least `low`."""
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        raise InputError(
            f"{name} is a whole number.", where=name, expected=f"an integer >= {low}", received=repr(value),
            help=f"For instance {name}={max(low, 10)}.",
        )  # fmt: skip
    return int(value)


def counts(steps: Any, validation_steps: Any, validation_batch_size: Any) -> list[int | None]:
    """The arguments of `fit` by these names, checked."""
    named = {"steps_per_epoch": steps, "validation_steps": validation_steps,
             "validation_batch_size": validation_batch_size}  # fmt: skip
    return [None if value is None else whole(name, value, 1) for name, value in named.items()]


def refuse_freq(validation_freq: Any) -> None:
    """Refuse a `validation_freq` other than 1."""
    if validation_freq != 1:
        raise InputError(
            "Validation is part of every epoch's program.", where="validation_freq", expected=1,
            received=validation_freq, help="Leave it out; validation_steps makes it cheaper.",
        )  # fmt: skip


def flat(value: Any) -> tuple:
    """Nested lists → one tuple; None → ()."""
    if value is None:
        return ()
    if isinstance(value, (list, tuple)):
        return tuple(
            entry for inner in value for entry in (flat(inner) if isinstance(inner, (list, tuple)) else (inner,))
        )
    return (value,)


def sort_callbacks(callbacks: Any, first: int = 0) -> tuple[dict[str, Any], list[Callback]]:
    """Those that become part of the compiled program, by the plan's field, and the others; `first` epoch of the fit."""
    compiled: dict[str, Any] = {}
    rest: list[Callback] = []
    for callback in flat(callbacks):
        if isinstance(callback, Callback):
            rest.append(callback)
            continue
        field = {EarlyStopping: "early_stopping", ReduceLROnPlateau: "reduce_on_plateau"}
        found = next((name for kind, name in field.items() if isinstance(callback, kind)), None)
        if found is None:
            raise InputError(
                "This is not a callback.", where="callbacks", expected="something from jindan.callbacks",
                received=repr(callback), help="Subclass jindan.callbacks.Callback.",
            )  # fmt: skip
        hooks = [name for name in dir(callback) if name.startswith("on_")]
        if hooks:
            raise InputError(
                f"{type(callback).__name__} is compiled into the training, and {hooks[0]} would never be called.",
                where="callbacks", expected="EarlyStopping or ReduceLROnPlateau as they are",
                received=f"{type(callback).__name__} with {', '.join(hooks)}",
                help="Put the hooks into a subclass of jindan.callbacks.Callback and give both.",
            )  # fmt: skip
        if found in compiled:
            raise InputError(
                f"There are two {type(callback).__name__} in one fit.", where="callbacks", expected="one of a kind",
                received=f"{compiled[found]!r} and {callback!r}", help="Keep the one you want.",
            )  # fmt: skip
        compiled[found] = callback
    stop = compiled.get("early_stopping")
    if stop is not None and first:
        compiled["early_stopping"] = stop.replace(start_from_epoch=max(0, stop.start_from_epoch - first))
    return compiled, rest


def class_weights(given: Any, y: np.ndarray) -> tuple[ClassWeight, ...]:
    """{class number: weight}, or "balanced": rows / (classes · rows of the class)."""
    if isinstance(given, str) and given == "balanced":
        labels = y.reshape(len(y), -1)
        labels = labels.argmax(1) if labels.shape[1] > 1 else labels[:, 0]
        if np.array_equal(labels, np.floor(labels)) and labels.min() >= 0:
            found, counts = np.unique(labels.astype(int), return_counts=True)
            given = {int(k): len(y) / (len(found) * int(n)) for k, n in zip(found, counts, strict=True)}
    good = isinstance(given, Mapping) and all(
        COUNT_FROM_0.accepts(k) and NOT_NEGATIVE.accepts(v) and v < np.inf for k, v in given.items()
    )
    if not good:
        raise InputError(
            "These are no class weights.", where="class_weight",
            expected='a dict {class number: weight >= 0}, or "balanced" for targets that are classes',
            received=repr(given), help="class_weight={0: 1.0, 1: 5.0}",
        )  # fmt: skip
    return tuple(ClassWeight(int(k), float(v)) for k, v in sorted(given.items()))


def fed(plan: Plan, feed: Feed, weights: Any) -> Plan:
    """The plan for the rows it is about to see: the batches' own size, the classes' weights, its metrics made ready."""
    if feed.batch_size is not None:
        plan = plan.edit(batch_size=feed.batch_size, shuffle=False)
    if weights is not None and isinstance(feed.first.y, tuple):
        raise InputError(
            "Classes have weights where there is one output.", where="class_weight", expected="a model of one output",
            received=f"{len(feed.first.y)} outputs", help="Weigh rows by sample_weight.",
        )  # fmt: skip
    y = feed.first.y
    if weights is not None and (y.ndim > 2 or (plan.loss.targets == "integer" and y.size != len(y))):
        raise InputError(
            "Classes have weights where each row has one class.", where="class_weight",
            expected="targets (rows,) or (rows, classes)", received=f"targets of shape {y.shape}",
            help="Weigh rows by sample_weight.",
        )  # fmt: skip
    if weights is not None:
        plan = plan.replace(class_weight=class_weights(weights, feed.first.y))
    return directed(ready(plan, feed.first.y), feed.first.input_shape)


def directed(plan: Plan, shape: Any) -> Plan:
    """The plan whose early stopping and plateaus know from the metrics whether what they watch should rise or fall."""
    found = {name: getattr(plan, name) for name in ("early_stopping", "reduce_on_plateau")}
    told = {name: towards(watcher, plan, shape) for name, watcher in found.items() if watcher is not None}
    changed = {name: watcher for name, watcher in told.items() if watcher is not found[name]}
    return plan.replace(**changed) if changed else plan


def towards(watcher: Monitor, plan: Plan, shape: Any) -> Monitor:
    """A watcher with the mode its metric asks for, where its name would tell another.

    Raises:
        InputError: when the figure is that of a function of the user's, and its name does not say what it should do.
    """
    if getattr(watcher, "mode", "auto") != "auto":
        return watcher
    try:
        metrics = {label: metric for label, metric, _ in program_of(plan.structure, shape).metrics}
    except (JindanError, IndexError, TypeError, ValueError):
        return watcher  # what does not fit is told when the training begins
    metric = metrics.get(watcher.monitor.removeprefix("val_"))
    metric = getattr(metric, "metric", metric)
    if metric is None:
        return watcher
    unknown = isinstance(metric, CustomMetric) or (metric.stateful and metric.higher_is_better is None)
    lower = falls(metric.label) if unknown else not metric.higher_is_better
    if lower is None:
        raise InputError(
            "Whether this figure should rise or fall is not known.", where=f"mode of {type(watcher).__name__}",
            expected=f'mode="max" or mode="min" for {watcher.monitor}, a function of your own', received="mode='auto'",
            help='Give mode="max" where more is better, mode="min" where less is.',
        )  # fmt: skip
    return watcher if lower == watcher.lower_is_better() else watcher.replace(mode="min" if lower else "max")


def settled(run: Run) -> Run:
    """The run with the rate a plateau reduced as the rate of its plan, which shows what is in force, as in Keras."""
    if "plateau" not in run.state or (scale := float(run.state["plateau"]["scale"])) == 1.0:
        return run
    try:
        plan = run.plan.edit(learning_rate=run.plan.value("learning_rate") * scale)
    except (JindanError, TypeError):
        return run  # a schedule without a rate to start from
    return at_rate(run, plan.optimizer)


def at_rate(run: Run, optimizer: Any) -> Run:
    """The run with another optimizer in its plan, whose rate takes the place of what a plateau made of the last.

    An optimizer whose memory has another form begins with a fresh one.
    """
    plan = run.plan.replace(optimizer=optimizer)
    if plan.structure != run.plan.structure:
        memory = run.memory_for(optimizer, run.state["trained"])
        run = replace(run, state={**run.state, "optimizer": memory})
    run = replace(run, plan=plan)
    if "plateau" not in run.state:
        return run
    plateau = {**run.state["plateau"], "scale": np.ones_like(run.state["plateau"]["scale"])}
    return replace(run, state={**run.state, "plateau": plateau})


def told(run: Run, first: int) -> list[str]:
    """What early stopping and plateaus say of a training, if they were made with `verbose=1`; `first` epoch of it."""
    lines, stop, slow = [], run.plan.early_stopping, run.plan.reduce_on_plateau
    if slow is not None and slow.verbose:
        rates = list(run.history.get("learning_rate", ()))
        if rates and isinstance(number := _rate(run.plan), float):
            rates.append(number)
        for epoch, (old, new) in enumerate(pairwise(rates), first + 1):
            if new <= max(old * slow.factor, slow.min_lr) * (1 + ROUNDING) < old:
                lines.append(f"Epoch {epoch}: ReduceLROnPlateau reducing learning rate to {new:g}.")
    if stop is not None and stop.verbose:
        if run.stopped_early:
            lines.append(f"Epoch {first + run.epochs}: early stopping")
        if stop.restore_best_weights and run.best_epoch is not None:
            lines.append(f"Restoring model weights from the end of the best epoch: {first + run.best_epoch + 1}.")
    return lines


def _rate(plan: Plan) -> float | None:
    """The plan's rate, None where a schedule gives it."""
    try:
        return float(plan.value("learning_rate"))
    except (JindanError, TypeError):
        return None


def ready(plan: Plan, y: np.ndarray) -> Plan:
    """The plan with metrics that know what they capture, and where the targets lie."""

    def made(metric: Any, y: Any = y) -> Any:
        if isinstance(metric, OutputMetric):
            return metric.replace(metric=made(metric.metric, y[metric.output] if isinstance(y, tuple) else y))
        if metric is R2Score or (isinstance(metric, str) and _key(metric) in ("r2", "r2score")):
            centred = R2Score().centred(y)
            return metric if centred.shift == 0 else centred
        if isinstance(metric, R2Score):
            return metric.centred(y)
        if isinstance(metric, CustomMetric):
            return metric.replace()
        return metric if isinstance(metric, (str, type, Spec)) else closed(metric)

    named = {name: tuple(map(made, getattr(plan, name))) for name in ("metrics", "weighted_metrics")}
    loss = plan.loss.replace() if isinstance(plan.loss, CustomLoss) else plan.loss
    return plan.replace(loss=loss, **named)


def params(plan: Plan, feed: Feed, line: Any) -> dict[str, Any]:
    """The settings of a fit, as callbacks and the History are told."""
    steps = -(-len(feed.first) // plan.batch_size)
    return {"epochs": plan.epochs, "steps": steps, "batch_size": plan.batch_size, "verbose": line.mode}


def record(history: History, run: Run, plan: Plan, own: list, initial_epoch: int) -> None:
    """Fill a History from a Run."""
    rated = plan.reduce_on_plateau is not None or any(isinstance(c, LearningRateScheduler) for c in own)
    history.history = {n: list(v) for n, v in run.history.items() if n != "learning_rate" or rated}
    history.epoch = list(range(initial_epoch, initial_epoch + run.epochs))
    history.seconds, history.run = run.seconds, run
    history.stopped_epoch = initial_epoch + run.epochs - 1 if run.stopped_early else 0


def tell_monitors(callbacks: Any, history: History, first: int) -> None:
    """Let early stopping and plateaus, as the user holds them, know what the training came to; `first` epoch of it."""
    run = history.run
    for callback in flat(callbacks):
        if isinstance(callback, EarlyStopping):
            best = {} if run.best_epoch is None else {"best_epoch": first + run.best_epoch}
            callback.tell({**run.state.get("stop", {}), "stopped_epoch": history.stopped_epoch, **best})
        elif isinstance(callback, ReduceLROnPlateau):
            callback.tell(run.state.get("plateau", {}))


def looked_before(plan: Plan, data: Data, doctor: Any, start: Run | None = None) -> tuple:
    """What needs no training to be seen; told, unless the doctor only watches. `start` is what is gone on from."""
    if not doctor:
        return ()
    from ..doctor.capacity import too_large
    from ..doctor.hidden_activations import tell_hidden
    from ..doctor.static import look_before

    large = too_large(plan, data.input_shape, len(data), data.x)
    if large is not None:
        error = TooLargeError(
            "The training does not fit into the memory of this machine.", where=f"{large.evidence['most']}",
            expected=f"at most {large.evidence['available']}", received=f"about {large.evidence['needed']}",
            help="Use a smaller batch_size, fewer units or fewer layers; doctor=False tries it all the same.",
        )  # fmt: skip
        error.found = (large, plan, data)
        raise error
    if doctor != "watch":
        tell_hidden(plan, data.input_shape, stacklevel=4)
    return look_before(plan, data.input_shape, data, start=start, warn=doctor != "watch")


def warn_frozen(model: Any, doctor: Any) -> None:
    """Say that a training changes nothing, where every layer with weights is frozen."""
    weighed = [layer for layer, own in zip(model.specs, model.network.specs, strict=True) if own]
    if doctor is True and weighed and not any(layer.trainable for layer in weighed):
        warnings.warn(
            f"Nothing in {model.name!r} is trained: all its layers are frozen, here and in every model that has them. "
            f"Set {model.name}.trainable = True before its fit.", JindanWarning, stacklevel=4,
        )  # fmt: skip


def keeper() -> Any:
    """What keeps moments of a training for the doctor."""
    from ..doctor.keeping import Keeper

    return Keeper()


def case_of(run: Run, data: Data, start: Run | None, keeper: Any) -> Any:
    """A training as the doctor is given it."""
    from ..doctor.evidence import Case, Moment

    moments = list(keeper.moments)
    if not moments:
        # Callbacks of the user's have cut the training into many: its start and end are what is known.
        network, plan = run.network, run.plan
        if start is None:
            moments.append(Moment(0, 0, *network.init(plan.seed or 0, np.dtype(plan.dtype), plan.initial_scale)))
        else:
            moments.append(Moment(start.steps, 0, *network.part(start.weights)))
        moments.append(Moment(run.steps, run.epochs, *network.part(run.weights), run.state["optimizer"]))
    return Case.of_run(run, data, moments)


def looked_after(before: tuple, case: Any, warn: bool) -> tuple:
    """What was found before training, with what the training has shown that is not known yet; grave faults are told."""
    from ..doctor.diagnosis import glance

    known = {finding.code for finding in before}
    if "nonfinite-values" in known:  # in the data or in the first weights: all else follows from it
        return before
    after = [finding for finding in glance(case) if finding.code not in known]
    if warn:
        tell(after)
    return (*before, *after)


def tell(findings: list) -> None:
    """Warn of the first finding that calls for action."""
    grave = [finding for finding in findings if finding.severity == "error"]
    if grave:
        warnings.warn(grave[0].text(), JindanWarning, stacklevel=6)
