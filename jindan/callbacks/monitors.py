"""What watches a figure of the history, and is compiled into the training: early stopping, reducing the rate."""

from __future__ import annotations

import math
from typing import Any

from ..lazy import defined
from ..spec import FRACTION, NOT_NEGATIVE, Choice, Number, Spec, item

FALLING = {"loss", "error", "mse", "mae", "mape", "msle", "rmse", "crossentropy", "hinge", "perplexity", "divergence"}
RISING = {"acc", "accuracy", "auc", "f1", "r2", "precision", "recall", "score", "similarity"}


class Monitor(Spec, kind="callback", abstract=True):
    """Base of what watches a figure of the history: "loss", "val_loss" or any metric's name.

    Args:
        monitor: Name in the history.

    >>> EarlyStopping("val_loss").lower_is_better(), EarlyStopping("val_accuracy").lower_is_better()
    (True, False)
    """

    monitor: str = item(default="val_loss")

    def lower_is_better(self) -> bool:
        """Whether the watched figure should fall; told from `mode`, else from its name.

        `fit` asks the metric of that name first, so a name decides of a loss and of a function of your own only.
        """
        mode = getattr(self, "mode", "auto")
        return mode == "min" if mode != "auto" else falls(self.monitor) is not False

    def tell(self, seen: dict[str, Any]) -> None:
        """Keep what the last `fit` came to; what is watched for, and what is compiled, stays the same."""
        object.__setattr__(self, "_seen", seen)

    @property
    def best(self) -> float | None:
        """The best figure of the last `fit`; None where there was none."""
        best = float(self._told("best", math.nan))
        return best if math.isfinite(best) else None

    @property
    def wait(self) -> int:
        """Epochs since, at the end of the last `fit`."""
        return int(self._told("wait", 0))

    def _told(self, name: str, default: Any) -> Any:
        return self.__dict__.get("_seen", {}).get(name, default)


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
    """Stop when the watched figure has not improved by `min_delta` for `patience` epochs.

    It is compiled into the training; the epoch's figure is compared with the best so far.

    Args:
        monitor: Name in the history.
        min_delta: Improvements up to this do not count, in the figure's unit.
        patience: Epochs to wait.
        verbose: 1 tells of the stop.
        mode: "min", "max" or "auto".
        baseline: The figure to beat before waiting starts anew.
        restore_best_weights: Whether the weights of the best epoch are the result.
        start_from_epoch: Epochs before watching begins.

    >>> stop = EarlyStopping(patience=5, restore_best_weights=True)
    >>> stop, stop.replace(mode="max").lower_is_better()
    (EarlyStopping(patience=5, restore_best_weights=True), False)

    Source: Prechelt, "Early stopping – but when?", 1998.
    """

    min_delta: float = item(default=0.0, rule=Number(), traced=True)
    patience: int = item(default=0, rule=Number(0, integer=True), traced=True)
    verbose: int = item(default=0, host=True)
    mode: str = item(default="auto", rule=Choice(("auto", "min", "max")))
    baseline: float | None = item(default=None, rule=Number(), traced=True)
    restore_best_weights: bool = item(default=False)
    start_from_epoch: int = item(default=0, rule=Number(0, integer=True), traced=True)

    @property
    def stopped_epoch(self) -> int:
        """The epoch after which it ended the last `fit`; 0, as in Keras, where it did not."""
        return int(self._told("stopped_epoch", 0))

    @property
    def best_epoch(self) -> int:
        """The epoch of the best figure, from 0; 0, as in Keras, before there is one."""
        return int(self._told("best_epoch", 0))


class ReduceLROnPlateau(Monitor):
    """Multiply the rate by `factor` when the watched figure has not improved for `patience` epochs.

    It is compiled into the training, and adds the epoch's rate to the history as "learning_rate".

    Args:
        monitor: Name in the history.
        factor: What the rate is multiplied by.
        patience: Epochs to wait.
        verbose: 1 tells of each reduction.
        mode: "min", "max" or "auto".
        min_delta: Improvements up to this do not count, in the figure's unit.
        cooldown: Epochs after a reduction that do not count.
        min_lr: The rate does not fall below this.

    >>> ReduceLROnPlateau("val_accuracy", factor=0.5, patience=3).lower_is_better()
    False
    """

    factor: float = item(default=0.1, rule=FRACTION, traced=True)
    patience: int = item(default=10, rule=Number(0, integer=True), traced=True)
    verbose: int = item(default=0, host=True)
    mode: str = item(default="auto", rule=Choice(("auto", "min", "max")))
    min_delta: float = item(default=1e-4, rule=NOT_NEGATIVE, traced=True)
    cooldown: int = item(default=0, rule=Number(0, integer=True), traced=True)
    min_lr: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)

    @property
    def cooldown_counter(self) -> int:
        """Epochs of the cooldown that are left, at the end of the last `fit`."""
        return int(self._told("cooldown", 0))


__all__ = defined(globals())
