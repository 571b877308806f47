"""Callbacks. Those that stop or slow a training become part of the compiled program; your own run between its calls."""

from __future__ import annotations

import csv
import inspect
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import FileError, InputError, JindanWarning
from .lazy import defined
from .spec import FRACTION, NOT_NEGATIVE, Choice, Number, Spec, item
from .utils import write_line

FALLING = {"loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "hinge", "perplexity", "divergence"}
RISING = {"acc", "accuracy", "auc", "f1", "r2", "precision", "recall", "score", "similarity"}


class Monitor(Spec, kind="callback", abstract=True):
    """Base of what watches a figure of the history: "loss", "val_loss" or any metric's name."""

    monitor: str = item(default="val_loss")

    def lower_is_better(self) -> bool:
        """Whether the watched figure should fall; told from `mode`, else from its name.

        `fit` asks the metric of that name first, so a name decides of a loss and of a function of your own only.
        """
        mode = getattr(self, "mode", "auto")
        return mode == "min" if mode != "auto" else falls(self.monitor) is not False


def falls(name: str) -> bool | None:
    """Whether a figure of that name should fall, by the last word of it that says so; None where none does.

    >>> falls("val_auction_loss"), falls("val_accuracy_1"), falls("dice")
    (True, False, None)
    """
    for word in reversed(name.removeprefix("val_").lower().split("_")):
        for form in (word, word.rstrip("0123456789")):
            if form in FALLING or form in RISING:
                return form in FALLING
    return None


class EarlyStopping(Monitor):
    """Stop when the watched figure has not improved by `min_delta` for `patience` epochs (Prechelt 1998).

    Args:
        monitor: Name in the history.
        min_delta: Improvements up to this do not count.
        patience: Epochs to wait.
        mode: "min", "max" or "auto".
        baseline: The figure to beat before waiting starts anew.
        restore_best_weights: Whether the weights of the best epoch are the result.
        start_from_epoch: Epochs before watching begins.
    """

    min_delta: float = item(default=0.0, rule=Number(), traced=True)
    patience: int = item(default=0, rule=Number(0, integer=True), traced=True)
    verbose: int = item(default=0, host=True)
    mode: str = item(default="auto", rule=Choice(("auto", "min", "max")))
    baseline: float | None = item(default=None, rule=Number(), traced=True)
    restore_best_weights: bool = item(default=False)
    start_from_epoch: int = item(default=0, rule=Number(0, integer=True), traced=True)


class ReduceLROnPlateau(Monitor):
    """Multiply the rate by `factor` when the watched figure has not improved for `patience` epochs."""

    factor: float = item(default=0.1, rule=FRACTION, traced=True)
    patience: int = item(default=10, rule=Number(0, integer=True), traced=True)
    verbose: int = item(default=0, host=True)
    mode: str = item(default="auto", rule=Choice(("auto", "min", "max")))
    min_delta: float = item(default=1e-4, rule=NOT_NEGATIVE, traced=True)
    cooldown: int = item(default=0, rule=Number(0, integer=True), traced=True)
    min_lr: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)


class Callback:
    """Base of callbacks of your own. `self.model` is the model, `self.params` the settings of the fit.

    Control returns to Python at each epoch's end for them, so they cost a little speed, and at each update for one
    that overrides `on_train_batch_begin` or `on_train_batch_end`, which costs more. Set
    `self.model.stop_training = True` to end the training.
    """

    model: Any = None
    params: dict[str, Any] | None = None

    def set_model(self, model: Any) -> None:
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        self.params = params

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Called once, before the first epoch."""

    def on_train_end(self, logs: dict | None = None) -> None:
        """Called once, after the last epoch."""

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Called before each epoch."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Called after each epoch with its figures."""

    def on_train_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before each update; `batch` counts from 0 in each epoch."""
        self.on_batch_begin(batch, logs)

    def on_train_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after each update with the epoch's figures so far."""
        self.on_batch_end(batch, logs)

    def on_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Another name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Another name of `on_train_batch_end`."""

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Called before `evaluate`, and before the validation of an epoch."""

    def on_test_end(self, logs: dict | None = None) -> None:
        """Called after it with its figures."""

    def on_test_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before each batch of `evaluate` (or of a validation)."""

    def on_test_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after it with the figures so far."""

    def on_predict_begin(self, logs: dict | None = None) -> None:
        """Called before `predict`."""

    def on_predict_end(self, logs: dict | None = None) -> None:
        """Called after `predict`."""

    def on_predict_batch_begin(self, batch: int, logs: dict | None = None) -> None:
        """Called before each batch of `predict`."""

    def on_predict_batch_end(self, batch: int, logs: dict | None = None) -> None:
        """Called after it with {"outputs": its outputs}."""

    def overrides(self, *names: str) -> bool:
        """Whether any of these is the callback's own."""
        return any(getattr(getattr(self, name), "__func__", None) is not getattr(Callback, name) for name in names)


class LambdaCallback(Callback):
    """Functions as a callback."""

    def __init__(self, **functions: Callable) -> None:
        for name, function in functions.items():
            hooks = [hook for hook in vars(Callback) if hook.startswith("on_")]
            if name not in hooks:
                raise InputError(f"LambdaCallback knows no {name}.", expected=", ".join(hooks), received=name)
            setattr(self, name, function)


class LearningRateScheduler(Callback):
    """rate ← schedule(epoch, rate) before each epoch."""

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise InputError(
                "The schedule is no function.", where="LearningRateScheduler", expected="a function (epoch[, rate])",
                received=repr(schedule), help="LearningRateScheduler(lambda epoch, rate: 0.9 * rate)",
            )  # fmt: skip
        self.schedule, self.verbose = schedule, verbose

    def next_rate(self, epoch: int, rate: float) -> float:
        """The rate for an epoch.

        Raises:
            InputError: when the schedule gives none.
        """
        found = self.schedule(epoch, rate) if _takes(self.schedule, epoch, rate) else self.schedule(epoch)
        try:
            return float("" if isinstance(found, str) else found)
        except (TypeError, ValueError):
            raise InputError(
                "The schedule gives no learning rate.", where=f"LearningRateScheduler, epoch {epoch + 1}",
                expected="a number >= 0", received=repr(found), help="A function that forgets its return gives None.",
            ) from None  # fmt: skip


class TerminateOnNaN(Callback):
    """Stop when the loss is no longer finite."""

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            self.model.stop_training = True


class ModelCheckpoint(Callback):
    """Save the model (or its weights) at epoch ends, or only when the watched figure is the best so far."""

    def __init__(
        self,
        filepath: str | Path,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        if save_freq != "epoch":
            raise InputError(
                "ModelCheckpoint saves at epoch ends.", where="save_freq", expected='"epoch"', received=repr(save_freq),
                help="A Callback of your own with on_train_batch_end can save at any update.",
            )  # fmt: skip
        self.filepath, self.monitor, self.verbose = str(filepath), monitor, verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.watch: Monitor = EarlyStopping(monitor, mode=mode)
        worst = math.inf if self.watch.lower_is_better() else -math.inf
        self.best = worst if initial_value_threshold is None else float(initial_value_threshold)

    def settle(self, watch: Monitor) -> None:
        """The figure watched, its direction told by the metric."""
        self.watch = watch
        if math.isinf(self.best):
            self.best = math.inf if watch.lower_is_better() else -math.inf

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        before, better = self.best, ""
        if self.save_best_only:
            value = logs.get(self.monitor)
            if value is None:
                # As in Keras, training goes on.
                warnings.warn(
                    f"ModelCheckpoint saves nothing: there is no {self.monitor} among {', '.join(sorted(logs))}.",
                    JindanWarning, stacklevel=2,
                )  # fmt: skip
                return
            if not (value < before if self.watch.lower_is_better() else value > before):
                self._say(epoch, f"{self.monitor} did not improve from {before:.5f}")
                return
            self.best = value
            better = f"{self.monitor} improved from {before:.5f} to {value:.5f}, "
        path = self._path(epoch, logs)
        self._say(epoch, f"{better}saving model to {path}")
        (self.model.save_weights if self.save_weights_only else self.model.save)(path)

    def _path(self, epoch: int, logs: dict) -> str:
        """The place with its gaps filled."""
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
        except (KeyError, IndexError, ValueError) as error:
            raise InputError(
                "The path of a checkpoint has a gap that cannot be filled.", where=f"filepath {self.filepath!r}",
                expected=f"{{…}} around one of {', '.join(['epoch', *logs])}",
                received=f"{type(error).__name__}: {error}",
                help='For instance "model-{epoch:02d}"; a brace of its own is written twice.',
            ) from None  # fmt: skip

    def _say(self, epoch: int, what: str) -> None:
        if self.verbose:
            write_line(f"Epoch {epoch + 1}: {what}")


class CSVLogger(Callback):
    """Write each epoch's figures as a line of a CSV file, begun anew by each `fit` unless `append` is set."""

    def __init__(self, filename: str | Path, separator: str = ",", append: bool = False) -> None:
        self.filename, self.separator, self.append = Path(filename), separator, append
        self._names: list[str] | None = None

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._names = None

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        logs = logs or {}
        first = self._names is None
        self._names = self._names or ["epoch", *logs]
        fresh = first and not (self.append and self.filename.exists())
        try:
            with self.filename.open("w" if fresh else "a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file, delimiter=self.separator)
                if fresh:
                    writer.writerow(self._names)
                writer.writerow([epoch if name == "epoch" else logs.get(name, "") for name in self._names])
        except OSError as error:
            raise FileError(
                "The log of the training cannot be written.",
                where=self.filename,
                received=error.strerror,
                help="Choose a file in a folder you may write to.",
            ) from None


class History(Callback):
    """What `fit` returns: `history` maps each figure to its values by epoch.

    Attributes:
        history: For instance {"loss": […], "accuracy": […], "val_loss": […]}.
        epoch: Epoch numbers.
        findings: What the doctor noticed, root cause first.
        seconds: Where the time went: "trace", "compile", "run", "total".
        stopped_epoch: The epoch after which early stopping ended it; 0, as in Keras, where it did not.
        params: The settings of the fit: "epochs", "steps", "batch_size", "verbose".
        case: What the doctor was shown, after `fit(..., doctor="watch")`; else None.
    """

    def __init__(self) -> None:
        self.params = {}
        self.stopped_epoch = 0
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []
        self.findings: tuple[Any, ...] = ()
        self.seconds: dict[str, float] = {}
        self.run: Any = None
        self.case: Any = None

    def __repr__(self) -> str:
        last = ", ".join(f"{name} {values[-1]:.4g}" for name, values in self.history.items() if values)
        return f"History({len(self.epoch)} epochs: {last})"


def _takes(function: Callable, *given: Any) -> bool:
    """Whether a function can be called so; one that does not tell its arguments is taken to."""
    try:
        inspect.signature(function).bind(*given)
    except TypeError:
        return False
    except ValueError:
        return True
    return True


__all__ = defined(globals())
