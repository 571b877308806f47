"""What is refused before a population runs: rows, inputs, targets, figures to watch, or weights that do not fit."""

from __future__ import annotations

import numpy as np

from ..errors import InputError, ShapeError
from ..layers.network import Network
from ..plan import Plan
from .data import Data, check_inputs, check_targets
from .run import Run
from .supervised import Supervised


def refuse_shape(plan: Plan, shape: tuple[int, ...]) -> None:
    """Refuse rows of another shape than the first layer was told.

    Raises:
        ShapeError: then.
    """
    if not plan.layers or plan.wiring is not None or plan.layers[0].input_shape is None:
        return
    given = tuple(plan.layers[0].input_shape)
    if len(given) != len(shape) or any(a not in (None, b) for a, b in zip(given, shape, strict=True)):
        raise ShapeError(
            "The data do not fit the first layer.", where=plan.network(given).title(0),
            expected=f"rows of shape {given}", received=f"rows of shape {shape}",
            help="Change input_shape, or the columns of the data.",
        )  # fmt: skip


def refuse_unfit(plans: list[Plan], data: Data, program: Supervised) -> None:
    """Refuse plans of one structure that do not fit the data.

    Raises:
        InputError: for rows that the data do not have, or what no layer or loss can read; for a figure to watch that
            this training does not have.
        ShapeError: for validation rows of another shape.
    """
    plan, network = plans[0], plans[0].network(data.input_shape)
    for member in plans:
        _refuse_rows(member, len(data))
    check_inputs(network, data.x)
    if any(network.integers) and any(member.mixup for member in plans):
        raise InputError(
            "Numbers of things cannot be mixed.", where="mixup", expected="inputs of real numbers",
            received="an input that an Embedding reads", help="Use dropout or label smoothing there.",
        )  # fmt: skip
    check_targets(network, plan.loss, data.y)
    if data.validation is not None:
        if data.validation.input_shape != data.input_shape:
            raise ShapeError(
                "The validation rows differ in shape from the training rows.", where="validation_data",
                expected=f"rows of shape {data.input_shape}",
                received=f"rows of shape {data.validation.input_shape}", help="Prepare both the same way.",
            )  # fmt: skip
        check_inputs(network, data.validation.x, "validation x")
        check_targets(network, plan.loss, data.validation.y, "validation y")
    names = ["loss", *(label for label, _, _ in program.metrics)]
    if data.validation is not None or plan.validation_rows is not None:
        names += [f"val_{name}" for name in names]
    for watcher in (plan.early_stopping, plan.reduce_on_plateau):
        if watcher is not None and watcher.monitor not in names:
            raise InputError(
                f"{type(watcher).__name__} watches a figure that this training does not have.",
                where=f"monitor of {type(watcher).__name__}", expected="one of " + ", ".join(names),
                received=watcher.monitor, help="Give validation_data or validation_split for the val_ figures.",
            )  # fmt: skip


def refuse_start(network: Network, start: Run) -> None:
    """Refuse to go on from a run whose weights have other names or shapes.

    Raises:
        ShapeError: then.
    """
    own = [{name: tuple(w.shape) for name, w in spec.items()} for spec in network.specs]
    given = [{name: tuple(np.shape(w)) for name, w in found.items()} for found in start.weights]
    if own != given:
        raise ShapeError(
            "The run to go on from has other weights than this plan's network.", where="start", expected=own,
            received=given, help="Go on with the plan the run was trained by, or with an edit that keeps shapes.",
        )  # fmt: skip


def _refuse_rows(plan: Plan, size: int) -> None:
    for rows, name in ((plan.rows, "rows"), (plan.validation_rows, "validation_rows")):
        if rows is None:
            continue
        if not len(rows):
            raise InputError("A plan names no rows at all.", where=name, expected="at least one row")
        if not (0 <= rows.numbers.min() <= rows.numbers.max() < size):
            raise InputError(
                "A plan names rows that the data do not have.", where=name, expected=f"0 … {size - 1}",
                received=f"{rows.numbers.min()} … {rows.numbers.max()}",
            )  # fmt: skip
