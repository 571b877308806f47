"""Several outputs trained together: one loss made of theirs, and metrics that say whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .errors import InputError
from .losses import Loss
from .metrics import Metric
from .rules import Number
from .spec import from_json, item


class JointLoss(Loss):
    """Σ wₖ lossₖ over the outputs of a network.

    Attributes:
        parts: The loss of each output.
        weights: wₖ; all 1 unless given.
        names: What the outputs are called.

    >>> JointLoss(("mse", "mae"), names=("size", "weight")).weights
    (1.0, 1.0)
    """

    parts: Any = item(kind="loss*")
    weights: Any = item(default=None)
    names: Any = item(default=())

    targets = "any"

    def __post_init__(self) -> None:
        super().__post_init__()
        weights = (1.0,) * len(self.parts) if self.weights is None else tuple(map(float, self.weights))
        names = tuple(self.names) or tuple(f"output_{k}" for k in range(len(self.parts)))
        if not len(weights) == len(names) == len(self.parts) > 0:
            raise InputError(
                "Every output has a loss, a weight and a name.", where="JointLoss",
                expected=f"{len(self.parts)} of each",
                received=f"{len(weights)} weights, {len(names)} names", help="Leave the weights out for 1 each.",
            )  # fmt: skip
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "names", names)


class OutputMetric(Metric):
    """A metric of one of several outputs.

    Attributes:
        metric: The metric.
        output: The number of the output.
        prefix: What its name begins with, the output's.
    """

    metric: Any = item()
    output: int = item(rule=Number(0, integer=True))
    prefix: str = item(default="")

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.metric, Mapping):
            object.__setattr__(self, "metric", from_json("metric", self.metric))

    @property
    def higher_is_better(self) -> bool:  # type: ignore[override]
        return self.metric.higher_is_better

    @property
    def targets(self) -> str:  # type: ignore[override]
        return self.metric.targets

    @property
    def label(self) -> str:
        inner = self.metric if isinstance(self.metric, str) else self.metric.label
        return f"{self.prefix}_{inner}" if self.prefix else inner

    def sums(self, y_true: Any, y_pred: Any, rows: Any) -> Any:
        return self.metric.sums(y_true, y_pred, rows)

    def value(self, total: Any) -> Any:
        return self.metric.value(total)

    def values(self, totals: Any) -> Any:
        return self.metric.values(totals)


def parts_of(loss: Any) -> tuple[Any, ...]:
    """The losses of the outputs, one after another."""
    return loss.parts if isinstance(loss, JointLoss) else (loss,)


def weights_of(loss: Any) -> tuple[float, ...]:
    """Their weights."""
    return loss.weights if isinstance(loss, JointLoss) else (loss.weight,)
