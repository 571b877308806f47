"""What `compile` takes, and the optimizer as a member of a model."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from numbers import Real
from typing import Any

from ..errors import InputError, UnknownNameError, suggestion
from ..joint import JointLoss, OutputMetric
from ..losses import CustomLoss, Loss
from ..plan import Plan
from ..spec import get
from .fitting import flat
from .ports import Ports


def settings_of(
    optimizer: Any,
    loss: Any,
    loss_weights: Any,
    metrics: Any,
    weighted_metrics: Any,
    plan: dict[str, Any],
    ports: Ports,
) -> dict[str, Any]:
    """The arguments of `compile` as fields of a Plan.

    Raises:
        InputError: on what does not fit the outputs; UnknownNameError: on a field the Plan does not have.
    """
    known = [field.name for field in dataclasses.fields(Plan) if field.name not in ("layers", "dtype", "wiring")]  # type: ignore[arg-type]
    for name in plan:
        if name not in known:
            raise UnknownNameError("setting of compile", name, known, where="compile")
    if len(ports.outputs) > 1:
        return _of_several(optimizer, loss, loss_weights, metrics, weighted_metrics, ports) | plan
    loss, metrics, weighted_metrics = (_own(given, ports) for given in (loss, metrics, weighted_metrics))
    for where, value in (("loss", loss), ("metrics", metrics), ("weighted_metrics", weighted_metrics)):
        for entry in flat(value):
            if isinstance(entry, Mapping) and not {"type", "class_name", "name"} & set(entry):
                raise InputError(
                    f"The model has one output, so its {where} is no dict by output.", where=where,
                    expected="a name, an object or a function" + ("" if where == "loss" else ", or a list of them"),
                    received=dict(entry), help=f"{where}={next(iter(entry.values()), None)!r}",
                )  # fmt: skip
    settings = {
        "optimizer": _optimizer(optimizer),
        "metrics": flat(metrics),
        "weighted_metrics": flat(weighted_metrics),
    }
    if loss is not None:
        settings["loss"] = _scaled(
            loss[0] if isinstance(loss, (list, tuple)) and len(loss) == 1 else loss, loss_weights
        )
    return settings | plan


def _own(given: Any, ports: Ports) -> Any:
    """What a dict by output holds for the one output there is."""
    alone = isinstance(given, Mapping) and tuple(given) == ports.outputs
    return next(iter(given.values())) if alone else given


def _scaled(loss: Any, weights: Any) -> Any:
    """The loss of one output times its weight, as one number, a list or a dict of one."""
    found = list(weights.values()) if isinstance(weights, Mapping) else flat(weights)
    share = next((share for share in found if share is not None), 1.0)
    if len(found) > 1 or isinstance(share, bool) or not isinstance(share, Real):
        raise InputError(
            "The loss of one output has one weight.", where="loss_weights",
            expected="a number, or a list or dict of one", received=repr(weights),
            help="loss_weights=0.5, or leave it out.",
        )  # fmt: skip
    if share == 1:
        return loss
    known = get("loss", loss, where="loss")
    return (known if isinstance(known, Loss) else CustomLoss(known)).replace(weight=float(share))


def _optimizer(given: Any) -> Any:
    return given.spec if isinstance(given, OptimizerView) else given


def _of_several(optimizer: Any, loss: Any, weights: Any, metrics: Any, weighted: Any, ports: Ports) -> dict[str, Any]:
    """The arguments of `compile` for a model of several outputs."""

    def each(given: Any, where: str) -> tuple:
        alone = isinstance(given, (list, tuple)) and len(given) == 1 and not isinstance(given[0], (list, tuple))
        # One metric is that of every output; several are theirs in order, as in Keras.
        found = ports.by_output(given[0] if alone else given or None, where)
        return tuple(
            OutputMetric(metric, k, name)
            for k, (name, own) in enumerate(zip(ports.outputs, found, strict=True))
            for metric in flat(own)
        )

    settings = {"optimizer": _optimizer(optimizer), "metrics": each(metrics, "metrics"),
                "weighted_metrics": each(weighted, "weighted_metrics")}  # fmt: skip
    if loss is not None:
        parts = ports.by_output(loss, "loss")
        if any(part is None for part in parts):
            raise InputError(
                "Every output needs a loss.", where="loss", expected=", ".join(ports.outputs), received=repr(loss),
                help="An output that is not trained belongs into a model of its own.",
            )  # fmt: skip
        shares = [1.0 if w is None else float(w) for w in ports.by_output(weights, "loss_weights")]
        parts = [part if isinstance(part, (str, Loss)) else CustomLoss(part) for part in parts]
        settings["loss"] = JointLoss(tuple(parts), tuple(shares), ports.outputs)
    return settings


class OptimizerView:
    """A model's optimizer. Settings read from it; setting one (`learning_rate`, `lr`, …) changes the model's."""

    _model: Any

    def __init__(self, model: Any) -> None:
        self.__dict__["_model"] = model

    @property
    def spec(self) -> Any:
        """The optimizer's description."""
        return self._model.plan.optimizer

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.spec, "learning_rate" if name == "lr" else name)

    def __setattr__(self, name: str, value: Any) -> None:
        name, spec = ("learning_rate" if name == "lr" else name), self.spec
        known = [field.name for field in dataclasses.fields(spec) if field.name != "lr"]
        if name not in known:
            near = suggestion(name, known) or "Its settings: " + ", ".join(known)
            raise AttributeError(f"{type(spec).__name__} has no {name!r}. {near}")
        if getattr(value, "ndim", None) == 0:
            value = float(value)
        self._model.set_optimizer(spec.replace(**{name: value}))

    def __eq__(self, other: object) -> bool:
        return self.spec == (other.spec if isinstance(other, OptimizerView) else other)

    def __hash__(self) -> int:
        return hash(self.spec)

    def __repr__(self) -> str:
        return repr(self.spec)


def view_of(model: Any) -> OptimizerView:
    """The optimizer of a model, by its own name: `type(model.optimizer).__name__` is "Adam"."""
    return type(type(model.plan.optimizer).__name__, (OptimizerView,), {})(model)
