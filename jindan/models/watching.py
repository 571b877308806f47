"""Callbacks of the user's have their turn here: between epochs, between updates, around evaluating and predicting."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import jax
import numpy as np

from ..callbacks import Callback, LearningRateScheduler, ModelCheckpoint
from ..engine import compiling, devices
from ..engine.data import Data, cut
from ..engine.forward import evaluate
from ..engine.pace import interrupts
from ..engine.run import Run
from ..engine.supervised import Supervised, program_of
from ..engine.train import train
from ..layers.network import Weights
from ..plan import Plan
from ..utils import write_line
from . import fitting, saving
from .feeding import Feed

UPDATES = ("on_train_batch_begin", "on_train_batch_end", "on_batch_begin", "on_batch_end")
TESTS = ("on_test_batch_begin", "on_test_batch_end")


class Watched:
    """Training with a look by Python at every epoch's end, and at every update where a callback has hooks for it.

    Meanwhile the model has the present weights; only at the end those of the best epoch, where the plan asks for them.
    """

    def __init__(
        self, model: Any, plan: Plan, feed: Feed, start: Run | None, own: list[Callback], line: Any, first: int
    ) -> None:
        self.model, self.plan, self.feed, self.own, self.line, self.first = model, plan, feed, own, line, first
        self.each_update = any(callback.overrides(*UPDATES) for callback in own)
        # The weights are there before the first callback looks at them.
        run = start if start is not None else train(plan.edit(epochs=0), feed.first)
        self.run: Run = train(plan.edit(epochs=0), feed.first, start=run)
        self.lent = self._lend()
        self.seconds = dict(self.run.seconds)
        self.cut = False

    def train(self) -> tuple[Run, bool]:
        """The Run, and whether Ctrl-C ended it."""
        model = self.model
        for callback in self.own:
            if isinstance(callback, ModelCheckpoint) and callback.save_best_only:
                callback.settle(fitting.towards(callback.watch, self.plan, self.run.input_shape))
            callback.set_model(model)
            callback.set_params(fitting.params(self.plan, self.feed, self.line))
            callback.on_train_begin()
        logs: dict[str, float] = {}
        with interrupts() as pressed:
            for epoch in range(self.plan.epochs):
                if model.stop_training or pressed():
                    break
                tell(self.own, "on_epoch_begin", epoch + self.first, {})
                if model.stop_training:
                    break
                self._schedule(epoch)
                self._epoch(epoch)
                if self.cut:
                    break
                logs = {name: values[-1] for name, values in self.run.history.items()}
                tell(self.own, "on_epoch_end", epoch + self.first, dict(logs))
                if self.run.stopped_early:
                    break
            stopped = self.cut or pressed()
        run = self.run
        if "best" not in run.state or run.epochs == 0:
            run = _given(model, run, self.lent.weights)
        run = replace(self._chosen(run) or fitting.settled(run), seconds=self.seconds)
        model._adopt(run)
        tell(self.own, "on_train_end", dict(logs))
        run = _given(model, run, run.weights)
        return replace(run, plan=run.plan.replace(optimizer=model.optimizer.spec)), stopped

    def _schedule(self, epoch: int) -> None:
        for callback in self.own:
            if isinstance(callback, LearningRateScheduler):
                now = self.plan.replace(optimizer=self.model.optimizer.spec)
                rate = callback.next_rate(epoch + self.first, float(now.value("learning_rate")))
                self.model.set_optimizer(now.edit(learning_rate=rate).optimizer)
                if callback.verbose:
                    write_line(
                        f"Epoch {epoch + self.first + 1}: LearningRateScheduler setting learning rate to {rate}."
                    )

    def _epoch(self, epoch: int) -> None:
        data = self.feed.data(epoch)
        self.model.check_rows(data.x)
        if not self.each_update:
            self._go(data, (epoch + 1, 0))
        else:
            steps = -(-len(data) // self.plan.batch_size)
            for step in range(steps):
                tell(self.own, "on_train_batch_begin", step, {})
                last = step + 1 == steps
                self._go(data, (epoch + 1, 0) if last else (epoch, step + 1))
                if self.cut:
                    return
                tell(self.own, "on_train_batch_end", step, self._so_far(last))
                if self.model.stop_training and not last:
                    self._end_epoch(data)
                    break
        if self.cut:
            return
        self.feed.ended()
        if data.validation is not None:
            self._tell_of_validation(data.validation)

    def _chosen(self, run: Run) -> Run | None:
        """The run with the optimizer that a callback gave the model; None where it has the one it was shown."""
        given = self.model.optimizer.spec
        return None if given == self.shown else fitting.at_rate(run, given)

    def _go(self, data: Data, until: tuple[int, int]) -> None:
        lent = self._chosen(self.lent) or self.lent
        self.plan = self.plan.replace(optimizer=lent.plan.optimizer)
        start = saving.going_on(lent, self.model._weights)
        self.run = train(self.plan, data, start=start, until=until, listen=self.line)
        self.seconds = {name: self.seconds.get(name, 0.0) + took for name, took in self.run.seconds.items()}
        self.lent = self._lend()
        self.cut = self.run.position < until and not self.run.stopped_early

    def _lend(self) -> Run:
        """The model has the weights training goes on from, which need not be those of the best epoch, and the rate."""
        run = self.run
        if "best" in run.state:
            run = replace(run, weights=run.network.join(run.state["trained"], run.state["fixed"]))
        self.model._adopt(fitting.settled(run))
        self.shown = self.model.optimizer.spec
        return run

    def _so_far(self, last: bool) -> dict[str, float]:
        """The epoch's training figures up to now."""
        if last:
            rated = ("learning_rate", *(name for name in self.run.history if name.startswith("val_")))
            return {name: values[-1] for name, values in self.run.history.items() if name not in rated}
        program = program_of(self.plan.structure, self.run.input_shape)
        return {name: values[0] for name, values in program.columns(_sums(self.run)).items()}

    def _end_epoch(self, data: Data) -> None:
        """As in Keras, an epoch that is stopped halfway has its figures and its validation all the same."""
        run, plan = self.run, self.plan
        figures = self._so_far(False)
        if data.validation is not None:
            found = evaluate(plan, run.input_shape, self.lent.weights, data.validation)
            figures |= {f"val_{name}": value for name, value in found.items()}
        scale = float(run.state["plateau"]["scale"]) if "plateau" in run.state else 1.0
        rate = np.asarray(plan.optimizer.rate(np.int32(max(run.steps - 1, 0)), np.dtype(plan.dtype)))
        figures["learning_rate"] = float(rate) * scale
        history = {name: [*run.history.get(name, []), value] for name, value in figures.items()}
        self.run = replace(run, history=history, epochs=run.epochs + 1, interrupted=False)

    def _tell_of_validation(self, held: Data) -> None:
        """The hooks of Keras around the validation of an epoch, which the compiled program did."""
        logs = {n.removeprefix("val_"): v[-1] for n, v in self.run.history.items() if n.startswith("val_")}
        tell(self.own, "on_test_begin", {})
        if any(callback.overrides(*TESTS) for callback in self.own):
            tested(self.own, self.plan, self.run.input_shape, self.lent.weights, held, self.plan.batch_size)
        tell(self.own, "on_test_end", logs)


def tell(own: list[Callback], hook: str, *given: Any) -> None:
    """Call one hook of every callback."""
    for callback in own:
        getattr(callback, hook)(*given)


def ready(model: Any, callbacks: Any, **params: Any) -> list[Callback]:
    """The callbacks of `evaluate` and `predict`, told of the model; those for training have nothing to do there."""
    own = fitting.sort_callbacks(callbacks)[1]
    for callback in own:
        callback.set_model(model)
        callback.set_params(params)
    return own


def tested(own: list[Callback], plan: Plan, shape: Any, weights: Weights, data: Data, size: int) -> dict[str, float]:
    """Figures on rows, batch by batch, the callbacks told of each."""
    figures: dict[str, float] = {}
    batches = _figures(plan, shape, weights, data, size)
    for batch in range(-(-len(data) // size)):
        tell(own, "on_test_batch_begin", batch, {})
        figures = next(batches)
        tell(own, "on_test_batch_end", batch, dict(figures))
    return figures


def predicted(own: list[Callback], predict: Callable[[Any], Any], x: Any, rows: int, size: int) -> Any:
    """Outputs, batch by batch, the callbacks told of each."""
    found = []
    for batch, start in enumerate(range(0, rows, size)):
        tell(own, "on_predict_batch_begin", batch, {})
        found.append(predict(cut(x, slice(start, start + size))))
        tell(own, "on_predict_batch_end", batch, {"outputs": found[-1]})
    return jax.tree.map(lambda *parts: np.concatenate(parts), *found) if found else predict(x)


def _figures(plan: Plan, shape: Any, weights: Weights, data: Data, size: int) -> Iterator[dict[str, float]]:
    """The figures of the rows so far, after each batch."""
    program = program_of(plan.structure, shape)
    total = np.zeros(program.size)
    for start in range(0, len(data), size):
        with devices.width(plan.dtype):
            values = np.array([plan.numbers[path] for path in program.paths], plan.dtype)
            block, objective = _evaluator(program)
            rows = jax.tree.map(lambda a: a[start : start + size], data.placed(plan))  # noqa: B023
            total = total + np.asarray(block(values, weights, rows))
            loss = float(objective(values, weights, np.asarray(total / max(total[1], 1), plan.dtype)))
        yield {name: float(value) for name, value in program.figures(total, loss).items()}


@lru_cache(maxsize=16)
def _evaluator(program: Supervised) -> Any:
    return (
        compiling.jit(lambda values, weights, rows: program.evaluate(program.filled(values), weights, (*rows, None))),
        compiling.jit(lambda values, weights, means: program.objective_of(program.filled(values), weights, means)),
    )


def _sums(run: Run) -> np.ndarray:
    """(1, k) the training statistics of the epoch so far."""
    return np.asarray(run.state["sums"], np.float64)[:1]


def _given(model: Any, run: Run, known: Weights) -> Run:
    """The run with the weights a callback may have given the model."""
    return run if model._weights is known else saving.with_weights(run, model._weights)
