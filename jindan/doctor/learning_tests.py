"""Direct tests of a network's learning: does it answer alike in both modes, can it learn a few rows by heart, where
should its loss begin?

The ladder of rates is in `learning_rates`, tests of what it makes of its inputs in `learning_inputs`; all can be had
from here. Each trains, or asks, the plan of a case through the engine. A plan may be ill, so none of them raises: what
fails is told as {"failed": message}.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import activations
from ..engine import compiling, devices
from ..engine.data import Data, as_inputs, cut
from ..engine.train import train
from ..layers import BatchNormalization
from ..layers.base import Context
from ..plan import Plan
from . import judge
from .evidence import Case
from .learning_inputs import permutation, shuffled_inputs, shuffled_targets
from .learning_rates import rate_ladder
from .learning_runs import ILL, MOST_ROWS, Numbers, cost, harmless, scored
from .overfit_few import FEW, by_heart, mixed, replace_random
from .references import some
from .starting import begun

__all__ = [
    "expected_initial_loss",
    "mode_gap",
    "overfits_few",
    "permutation",
    "rate_ladder",
    "replace_random",
    "shuffled_inputs",
    "shuffled_targets",
]


@harmless
def mode_gap(case: Case, task: str) -> Numbers:
    """Scores and losses of the final weights on training rows by the statistics of the batch and by the moving ones.

    Dropout is off in both, so that what differs is batch normalisation.

    Args:
        case: The training, with its moments.
        task: As `judge.task_of` names it; None finds out.

    Returns:
        "training_score", "inference_score", "drop", "error" (its standard error), "training_loss", "inference_loss",
        "layer"; empty where the network has no layer with two modes.
    """
    norms = [i for i, layer in enumerate(case.plan.layers) if isinstance(layer, BatchNormalization)]
    if not norms or not case.moments:
        return {}
    devices.start()
    network = case.plan.network(case.input_shape)
    rows = some(len(case.data), MOST_ROWS)
    x = as_inputs(cut(case.data.x, rows), case.plan.dtype, network.integers)
    last = case.moments[-1]
    weights = network.join(last.trained, last.fixed)
    quiet = replace_random(case.plan).network(case.input_shape)

    def outputs(training: bool) -> np.ndarray:
        forward = compiling.jit(lambda w, x: quiet.forward(w, x, Context(training=training)))
        return np.asarray(forward(weights, x))

    with devices.width(case.plan.dtype):
        answers = [outputs(mode) for mode in (True, False)]
        losses = [cost(case.plan, case.data.y[rows], answer) for answer in answers]
    scores = [judge.score(task, case.data.y[rows], answer) for answer in answers]
    middle = min(max(float(np.mean(scores)), 1 / len(rows)), 1 - 1 / len(rows))
    error = float(np.sqrt(2 * middle * (1 - middle) / len(rows)))
    return {"training_score": scores[0], "inference_score": scores[1], "drop": scores[0] - scores[1], "error": error,
            "training_loss": losses[0], "inference_loss": losses[1], "layer": network.title(norms[0])}  # fmt: skip


def expected_initial_loss(plan: Plan, task: str, y: Any) -> float | None:
    """The loss of a network whose last layer still gives 0 before its activation, as small fresh weights nearly do.

    In closed form: ln K for softmax with cross-entropy over K classes, ln 2 for sigmoid with binary cross-entropy, the
    mean of y² for a linear output with squared error, of |y| with absolute error. A first loss far above it tells of
    outputs, or targets, that are too large. (The best answer that ignores the input is `judge.trivial_loss`.)

    Args:
        plan: Its last layers and its loss.
        task: As `judge.task_of` names it.
        y: Targets.

    Returns:
        The loss, or None for graphs of layers, outputs of other layers than Dense, and biases that do not start at 0.

    >>> from jindan.layers import Dense
    >>> plan = Plan((Dense(4, activation="softmax"),), loss="categorical_crossentropy")
    >>> round(expected_initial_loss(plan, "multiclass", np.eye(4)), 4)  # ln 4
    1.3863
    """
    try:
        head = _head(plan)
        truth = np.asarray(y)
        if task not in judge.TASKS or head is None or not len(truth):
            return None
        truth = truth.reshape(len(truth), -1)[some(len(truth), 5000)]
        if not np.isfinite(truth.astype(np.float64)).all():
            return None
        units, activation = head
        outputs = np.asarray(activations.info(activation).function(np.zeros((len(truth), units), np.float32)))
        found = cost(plan, truth, outputs)
    except ILL:
        return None
    return found if found is not None and math.isfinite(found) else None


def _head(plan: Plan) -> tuple[int, str] | None:
    """Units and activation of the output."""
    if plan.wiring is not None:
        return None
    activation = "linear"
    for layer in reversed(plan.layers):
        kind = type(layer).__name__
        if kind in ("Activation", "Softmax") and activation == "linear":
            activation = "softmax" if kind == "Softmax" else layer.activation
        elif kind == "Dense":
            if (
                layer.use_bias
                and type(layer.bias_initializer).__name__ != "Zeros"
                and layer.bias_initializer != "zeros"
            ):
                return None
            own = layer.activation or "linear"
            if activation != "linear" and own != "linear":
                return None
            found = own if own != "linear" else activation
            return (layer.units, found) if isinstance(found, str) else None
        elif kind not in ("Dropout", "Input"):
            return None
    return None


@harmless
def overfits_few(case: Case, task: str, *, rows: int = FEW, updates: int = 500) -> Numbers:
    """Can the network learn a few rows by heart? One that cannot is too small, held down, or cut off somewhere.

    Args:
        case: The training; its plan is trained as it is but for penalties, dropout, class weights and early stopping.
        task: As `judge.task_of` names it; None finds out.
        rows: How many training rows, of as many classes as there are.
        updates: Updates at least; as many as the plan has epochs where that is more, up to ten times this.

    Returns:
        "score" on these rows, "first_loss" and "last_loss", "ratio" of them (last ÷ first), "rows", "updates".
    """
    if isinstance(case.data.x, tuple) or len(case.data) < 2:
        return {}
    chosen = mixed(task, case.data.y, rows)
    plan = by_heart(case.plan, len(chosen), min(max(updates, case.plan.epochs), 10 * updates))
    data = Data.of(case.data.x[chosen], case.data.y[chosen])
    run = train(plan, data, start=begun(case, plan))
    losses = run.history["loss"]
    return {
        "score": scored(task, run, data), "first_loss": losses[0], "last_loss": losses[-1],
        "ratio": losses[-1] / losses[0] if losses[0] else None, "rows": len(chosen), "updates": run.steps,
    }  # fmt: skip
