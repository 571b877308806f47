"""What a callback is: hooks that Python calls between the compiled program's calls; functions as hooks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..errors import InputError
from ..lazy import defined


class Callback:
    """Base of callbacks of your own. `self.model` is the model, `self.params` the settings of the fit.

    Control returns to Python at each epoch's end for them, so they cost a little speed, and at each update for one
    that overrides `on_train_batch_begin` or `on_train_batch_end`, which costs more. Set
    `self.model.stop_training = True` to end the training.

    >>> class Told(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(f"epoch {epoch}: {logs['loss']:.2f}")
    >>> Told().on_epoch_end(0, {"loss": 0.5})
    epoch 0: 0.50
    >>> Told().overrides("on_epoch_end"), Told().overrides("on_train_batch_begin", "on_train_batch_end")
    (True, False)
    """

    model: Any = None
    params: dict[str, Any] | None = None

    def set_model(self, model: Any) -> None:
        """Called with the model, before the training."""
        self.model = model

    def set_params(self, params: dict[str, Any]) -> None:
        """Called with the settings of the fit: "epochs", "steps", "batch_size", "verbose"."""
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
    """Functions as a callback, by the names of the hooks: `on_epoch_end=lambda epoch, logs: …`.

    Raises:
        InputError: when there is no hook of a name.

    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: print(epoch, logs["loss"])).on_epoch_end(3, {"loss": 0.5})
    3 0.5
    """

    def __init__(self, **functions: Callable) -> None:
        for name, function in functions.items():
            hooks = [hook for hook in vars(Callback) if hook.startswith("on_")]
            if name not in hooks:
                raise InputError(f"LambdaCallback knows no {name}.", expected=", ".join(hooks), received=name)
            setattr(self, name, function)


__all__ = defined(globals())
