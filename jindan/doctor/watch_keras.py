"""KerasDoctor: a callback that watches `fit` of a Keras model; then a report like that of `diagnose`.

Keras is imported when the callback is made, not before. It looks at logs and copies weights, and changes nothing.
"""

from __future__ import annotations

import time
from functools import cache
from typing import Any

import numpy as np

from ..errors import InputError, StateError
from ..models.transfer_torch import array_of
from .watch_notes import Note, quiet
from .watch_seen import Snapshots


def KerasDoctor(data: Any = None, validation_data: Any = None, *, batch_size: int | None = None) -> Any:
    """A callback for `fit` of Keras: `doctor = KerasDoctor(data=(X, y))`, then `doctor.report()`.

    Args:
        data: (X, y) that are given to `fit`; without them only history, weights, output layer and loss are looked at.
        validation_data: (X, y) that are held out.
        batch_size: As given to `fit`; without it, it is told from the number of batches, 32 where that fits.

    Returns:
        A keras.callbacks.Callback with `.report()` and `.observed`.

    Raises:
        InputError: where Keras is not installed, or data are no pair.
    """
    return _callback()(_pair(data, "data"), _pair(validation_data, "validation_data"), batch_size)


def _pair(data: Any, name: str) -> Any:
    if data is None:
        return None
    if not isinstance(data, (tuple, list)) or len(data) != 2:
        raise InputError(
            f"{name} is not a pair of rows and targets.", where=name, expected="(X, y)", received=type(data).__name__,
            help=f"{name}=(X, y)",
        )  # fmt: skip
    x = tuple(map(array_of, data[0])) if isinstance(data[0], (tuple, list)) and _arrays(data[0]) else array_of(data[0])
    return x, array_of(data[1])


def _arrays(values: Any) -> bool:
    return all(hasattr(value, "shape") for value in values)


@cache
def _callback() -> Any:
    """The class, which is a Keras callback."""
    try:
        import keras
    except ImportError:
        raise InputError(
            "KerasDoctor takes Keras.", where="KerasDoctor", expected="keras", received="not installed",
            help='pip install "jindan[keras]"; a model of jindan is looked at by jd.diagnose.',
        ) from None  # fmt: skip
    return type("KerasDoctor", (_Watches, keras.callbacks.Callback), {"__doc__": _Watches.__doc__})


class _Watches:
    """Watches one `fit`; see `KerasDoctor`."""

    model: Any  # set by Keras

    def __init__(self, data: Any, validation_data: Any, batch_size: int | None) -> None:
        super().__init__()
        self.data, self.validation_data, self.given_batch = data, validation_data, batch_size
        self.trained: Any = None
        self._begin()

    def _begin(self) -> None:
        self.updates, self.epochs = 0, 0
        self.notes: list[Note] = []
        self.settings: dict[str, Any] = {}
        self.first_nonfinite: int | None = None
        self.history: dict[str, list[float]] = {}
        self.snapshots = Snapshots()
        self._steps: list[int] = []
        self._began: float | None = None
        self.seconds: float | None = None  # after the first update, which compiles

    @quiet
    def on_train_begin(self, logs: Any = None) -> None:
        self._begin()
        self.trained = self.model
        self.settings = self.model.optimizer.get_config()
        if self.model.built:
            self.snapshots.keep(0, 0, weights_in(self.model))

    @quiet
    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self.updates += 1
        self._began = time.perf_counter() if self._began is None else self._began
        loss = (logs or {}).get("loss")
        # Keras tells the mean of the epoch so far, which stays NaN from the first NaN on.
        if self.first_nonfinite is None and loss is not None and not np.isfinite(float(loss)):
            self.first_nonfinite = self.updates
        if self.snapshots.due(self.updates):  # `model` brings weights over from the device: only when wanted
            self.snapshots.keep(self.updates, self.epochs, weights_in(self.model))

    @quiet
    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epochs += 1
        self._steps.append(self.updates)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(float(value))

    @quiet
    def on_train_end(self, logs: Any = None) -> None:
        self.seconds = None if self._began is None else time.perf_counter() - self._began
        self.snapshots.keep(self.updates, self.epochs, weights_in(self.model))

    @property
    def steps(self) -> int:
        """Updates an epoch."""
        return self._steps[0] if self._steps else self.updates

    @property
    def observed(self) -> Any:
        """The training as a Case, or why it is none: an `Observed`."""
        from .watch_keras_case import observed_of

        return observed_of(self)

    def report(self) -> Any:
        """What the doctor has to say: a Report, as `jindan.diagnose` gives it.

        Its `repair()` works on a copy in jindan; what it changes is advice, and the model stays as it is.

        Raises:
            StateError: where no training has been seen.
        """
        from .watch_keras_case import report_of

        if not self.updates:
            raise StateError(
                "No training has been seen.", where="KerasDoctor", expected="a fit with this callback",
                received="none", help="model.fit(X, y, callbacks=[doctor]) first.",
            )  # fmt: skip
        return report_of(self)


def weights_in(model: Any) -> dict[str, np.ndarray]:
    """A copy of a Keras model's weights, by "layer/number"."""
    return {
        f"{layer.name}/{place}": np.array(array)
        for layer in layers_in(model)
        for place, array in enumerate(layer.get_weights())
    }


def layers_in(model: Any) -> list[Any]:
    """The layers of a model, those of models inside it in their place."""
    found = []
    for layer in model.layers:
        found += layers_in(layer) if hasattr(layer, "layers") and hasattr(layer, "fit") else [layer]
    return found
