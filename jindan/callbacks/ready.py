"""Callbacks ready made: rates by a function, stopping at NaN, files of models and figures, the history."""

from __future__ import annotations

import csv
import inspect
import math
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..errors import FileError, InputError, JindanWarning
from ..lazy import defined
from ..utils import write_line
from .base import Callback
from .monitors import EarlyStopping, Monitor


class LearningRateScheduler(Callback):
    """rate ← schedule(epoch, rate) before each epoch.

    Args:
        schedule: A function (epoch, rate) or (epoch), epochs from 0, that gives a rate >= 0.
        verbose: 1 tells each epoch's rate.

    Raises:
        InputError: when the schedule is no function.

    >>> LearningRateScheduler(lambda epoch, rate: rate / 2).next_rate(3, 0.5)
    0.25
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        if not callable(schedule):
            raise InputError(
                "The schedule is no function.", where="LearningRateScheduler", expected="a function (epoch[, rate])",
                received=repr(schedule), help="LearningRateScheduler(lambda epoch, rate: 0.9 * rate)",
            )  # fmt: skip
        self.schedule, self.verbose = schedule, verbose

    def next_rate(self, epoch: int, rate: float) -> float:
        """The rate for an epoch.

        Args:
            epoch: From 0.
            rate: What it is so far.

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
    """Stop when the loss is no longer finite, at the end of the epoch.

    >>> from types import SimpleNamespace
    >>> watch, model = TerminateOnNaN(), SimpleNamespace(stop_training=False)
    >>> watch.set_model(model)
    >>> watch.on_epoch_end(0, {"loss": math.inf})
    >>> model.stop_training
    True
    """

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        if not math.isfinite((logs or {}).get("loss", 0.0)):
            self.model.stop_training = True


class ModelCheckpoint(Callback):
    """Save the model (or its weights) at epoch ends, or only when the watched figure is the best so far.

    Args:
        filepath: Where; gaps such as "{epoch:02d}", counted from 1, and "{val_loss:.2f}" are filled.
        monitor: The figure watched with `save_best_only`.
        verbose: 1 tells of each file.
        save_best_only: Whether epochs that are not the best so far are left out.
        save_weights_only: Whether the weights are saved alone.
        mode: "min", "max" or "auto".
        save_freq: "epoch" is the only one.
        initial_value_threshold: The figure to beat at first.

    Raises:
        InputError: when `save_freq` is another, or, while training, a gap of the path cannot be filled.

    >>> from types import SimpleNamespace
    >>> keep = ModelCheckpoint("model-{epoch:02d}", monitor="loss", save_best_only=True)
    >>> keep.set_model(SimpleNamespace(save=print))
    >>> for epoch, loss in enumerate([0.5, 0.7, 0.3]):
    ...     keep.on_epoch_end(epoch, {"loss": loss})
    model-01
    model-03
    """

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
    """Write each epoch's figures as a line of a CSV file, begun anew by each `fit` unless `append` is set.

    Args:
        filename: The file.
        separator: Between the columns.
        append: Whether lines are added to a file that exists.

    Raises:
        FileError: when the file cannot be written, while training.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     log = CSVLogger(Path(folder) / "log.csv")
    ...     for epoch, loss in enumerate([0.5, 0.25]):
    ...         log.on_epoch_end(epoch, {"loss": loss})
    ...     log.filename.read_text().split()
    ['epoch,loss', '0,0.5', '1,0.25']
    """

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
        run: The `Run` behind it.
        case: What the doctor was shown, after `fit(..., doctor="watch")`; else None.

    >>> history = History()
    >>> history.epoch, history.history = [0, 1], {"loss": [0.5, 0.25]}
    >>> history
    History(2 epochs: loss 0.25)
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
