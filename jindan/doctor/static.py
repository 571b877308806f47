"""Checks before training: output layer, loss and targets must fit together, or the training cannot work.

Source of the pairings: maximum likelihood (Bishop 2006, §4.3.6): a Gaussian target asks for a linear output and squared
error, a Bernoulli one for a sigmoid and binary cross-entropy, a categorical one for a softmax and cross-entropy.
"""

from __future__ import annotations

import warnings
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..activations import TABLE
from ..errors import JindanWarning
from ..joint import parts_of
from ..layers import (
    Activation,
    ActivityRegularization,
    AlphaDropout,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    Identity,
    Permute,
    Reshape,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from ..layers.base import Layer
from ..losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CosineSimilarity,
    Loss,
    SparseCategoricalCrossentropy,
)
from ..plan import Plan
from .batching import batch_arithmetic
from .findings import Finding, ordered

CATEGORICAL = (CategoricalCrossentropy, SparseCategoricalCrossentropy)
# Layers that may follow the activation and leave it the output's.
PASSING = (
    ActivityRegularization, AlphaDropout, Dropout, Flatten, GaussianDropout, GaussianNoise, Identity, Permute, Reshape,
    SpatialDropout1D, SpatialDropout2D, SpatialDropout3D,
)  # fmt: skip
CROSS_ENTROPIES = (BinaryCrossentropy, *CATEGORICAL)
PROBABILITIES = ("softmax", "sigmoid", "hard_sigmoid")
# A training with these goes on, worse than it could.
TOLERABLE = ("sigmoid-exclusive-classes", "already-normalised")
NOT_SHARES = 0.01  # of the rows: so many whose targets do not add up to 1 are no slips
REASONS = {
    "softmax-one-unit": (
        "softmax over one unit is always 1, whatever the weights",
        "유닛이 하나인 소프트맥스의 출력은 가중치와 관계없이 항상 1입니다",
    ),
    "cross-entropy-on-real-targets": (
        "cross-entropy compares probabilities, and these targets are not classes",
        "교차 엔트로피는 확률을 비교하는데, 이 타깃은 클래스가 아닙니다",
    ),
    "unbounded-probabilities": (
        "cross-entropy takes the logarithm of probabilities, and this output layer gives numbers outside 0 … 1",
        "교차 엔트로피는 확률의 로그를 쓰는데, 이 출력층은 0~1을 벗어난 값을 냅니다",
    ),
    "targets-out-of-reach": (
        "the output layer cannot reach the targets",
        "출력층이 낼 수 있는 범위로는 타깃에 닿을 수 없습니다",
    ),
    "targets-are-not-shares": (
        "a softmax gives shares that add up to 1, and the targets of these rows do not",
        "소프트맥스의 출력은 합이 1인데, 이 타깃은 합이 1이 아닙니다",
    ),
    "error-of-probabilities": (
        "for classes, this loss has almost no slope where the output is confidently wrong; cross-entropy has",
        "클래스를 맞히는 문제에서 이 손실은 확신하고 틀린 출력에서 기울기가 거의 없습니다. 교차 엔트로피에는 있습니다",
    ),
    "targets-broadcast": (
        "outputs and targets differ in shape, so that each output is compared with every target",
        "출력과 타깃의 모양이 달라 출력마다 모든 타깃과 비교됩니다",
    ),
    "one-unit-many-classes": (
        "categorical cross-entropy over one unit is always 0 once it is normalised",
        "유닛이 하나면 범주형 교차 엔트로피는 항상 0이 됩니다",
    ),
    "class-loss-on-real-targets": (
        "this loss tells classes apart, and these targets are not classes",
        "이 손실은 클래스를 구분하는 데 쓰는데, 이 타깃은 클래스가 아닙니다",
    ),
    "counts-below-zero": (
        "this loss is for counts, and some of these targets lie below zero",
        "이 손실은 개수를 위한 것인데, 이 타깃에는 0보다 작은 값이 있습니다",
    ),
    "logarithm-of-negative-outputs": (
        "this loss takes the logarithm of the outputs, and this output layer gives negative ones",
        "이 손실은 출력의 로그를 쓰는데, 이 출력층은 음수를 냅니다",
    ),
    "already-normalised": (
        "the loss expects raw outputs (from_logits=True), and this output layer has already made probabilities of them",
        "손실은 활성화 이전의 값(from_logits=True)을 기대하는데, 이 출력층은 이미 확률로 바꾸어 냅니다",
    ),
    "sigmoid-exclusive-classes": (
        "one class a row asks for a softmax; sigmoids give each class a probability of its own",
        "한 행에 클래스가 하나뿐이면 소프트맥스가 맞습니다. 시그모이드는 클래스마다 따로 확률을 냅니다",
    ),
}


def pairing(plan: Plan, input_shape: Any, y: Any) -> tuple[str, dict[str, Any]] | None:
    """What contradicts what between output layer, loss and targets, or None.

    Args:
        plan: The plan.
        input_shape: Shape of one row.
        y: Targets (rows, …), or None to look at the plan alone.

    Returns:
        A key of `REASONS` and the evidence.
    """
    found = _contradictions(plan, input_shape, y)
    return found[0][1:] if found else None


def _contradictions(plan: Plan, input_shape: Any, y: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """(layer, key of `REASONS`, evidence) for each output that contradicts its loss or its targets."""
    if not plan.layers or not isinstance(plan.loss, Loss):
        return []
    network, losses = plan.network(input_shape), parts_of(plan.loss)
    targets = y if isinstance(y, tuple) else (y,) * len(losses)
    # In a stack, layers that only pass on may follow the activation.
    names = (output_activation(plan.layers),) if plan.wiring is None else _ends(network)
    found = []
    for k, (loss, name, shape, truth) in enumerate(zip(losses, names, network.output_shapes, targets, strict=True)):
        wrong = _pairing(loss, name, shape, truth)
        if wrong is not None:
            index = len(plan.layers) - 1 if plan.wiring is None else network.index_of_output(k)
            found.append((network.title(index), *wrong))
    return found


def slow_pairing(plan: Plan, input_shape: Any, y: Any) -> tuple[str, dict[str, Any], str] | None:
    """Classes learned by an error of probabilities: it works, more slowly and less surely (Golik et al. 2013).

    Returns:
        (key of `REASONS`, evidence, layer), or None.
    """
    if not plan.layers or plan.wiring is not None or not isinstance(plan.loss, Loss) or isinstance(y, tuple):
        return None
    name, values = output_activation(plan.layers), np.asarray(y)
    if plan.loss.targets != "real" or name not in PROBABILITIES or not ((values == 0) | (values == 1)).all():
        return None
    network = plan.network(input_shape)
    evidence = {"activation": name, "loss": type(plan.loss).__name__, "units": network.output_shape[-1]}
    return "error-of-probabilities", evidence, network.title(len(plan.layers) - 1)


def _ends(network: Any) -> tuple[str | None, ...]:
    """The activation each output of a graph comes from; None where a layer (a mean of members, say) does not tell."""
    found = (network.layers[network.index_of_output(k)].bare() for k in range(len(network.output_shapes)))
    return tuple(None if pair is None else pair[1] for pair in found)


def _pairing(loss: Loss, activation: Any, shape: Any, y: Any) -> tuple[str, dict[str, Any]] | None:
    width = shape[-1] if shape else 1
    facts = {"activation": activation, "loss": type(loss).__name__, "units": width}
    y = None if y is None else np.asarray(y, np.float64)
    ends = None if y is None or not np.isfinite(y).any() else (float(np.nanmin(y)), float(np.nanmax(y)))
    if activation == "softmax" and width == 1:
        return "softmax-one-unit", facts
    if isinstance(loss, CATEGORICAL) and width == 1:
        return "one-unit-many-classes", facts
    within = ends is not None and 0 <= ends[0] <= ends[1] <= 1 and loss.targets != "integer"
    if activation == "softmax" and within and y is not None and y.ndim > 1 and y.shape[-1] == width:
        sums = y.sum(-1)
        if np.isfinite(sums).all() and np.mean(np.abs(sums - 1) > 0.01) > NOT_SHARES:
            return "targets-are-not-shares", facts
    if isinstance(loss, CROSS_ENTROPIES):
        return _cross_entropy(loss, activation, width, ends, facts)
    if ends is not None and loss.targets in ("one-hot", "signs"):
        low, high = (-1, 1) if loss.targets == "signs" else (0, 1)
        if ends[0] < low or ends[1] > high:
            return "class-loss-on-real-targets", {**facts, "targets": list(ends)}
    if loss.targets == "count":
        if ends is not None and ends[0] < 0:
            return "counts-below-zero", {**facts, "targets": list(ends)}
        if activation is not None and TABLE[activation].range[0] < 0:
            return "logarithm-of-negative-outputs", facts
    real = loss.targets == "real" and not isinstance(loss, CosineSimilarity)
    if ends is not None and real and activation is not None:
        least, most = TABLE[activation].range
        if ends[0] < least or ends[1] > most:
            return "targets-out-of-reach", {**facts, "outputs": [least, most], "targets": list(ends)}
    return None


def passes_on(layer: Layer) -> bool:
    """Whether what comes out at inference is what went in, in another form at most."""
    return isinstance(layer, PASSING) or (isinstance(layer, Activation) and layer.activation == "linear")


def output_activation(layers: tuple[Layer, ...]) -> str | None:
    """The activation the outputs come from, by name; None where it cannot be told.

    >>> from jindan.layers import Dense, Flatten
    >>> output_activation((Dense(3, activation="softmax"), Flatten()))
    'softmax'
    """
    for layer in reversed(layers):
        if passes_on(layer):
            continue
        found = layer.bare()
        return None if found is None else found[1]
    return None


def _cross_entropy(loss: Any, activation: str | None, width: int, ends: Any, facts: dict[str, Any]) -> Any:
    real = ends is not None and (ends[0] < 0 or ends[1] > 1)
    if real and not isinstance(loss, SparseCategoricalCrossentropy):
        return "cross-entropy-on-real-targets", {**facts, "targets": list(ends)}
    if activation is None:
        return None
    if loss.from_logits:
        return ("already-normalised", facts) if activation in ("softmax", "sigmoid", "log_softmax") else None
    # The categorical losses divide by the sum, which only outputs above zero survive.
    positive = (*PROBABILITIES, "exponential", "softplus") if isinstance(loss, CATEGORICAL) else PROBABILITIES
    if activation not in positive:
        return "unbounded-probabilities", facts
    if isinstance(loss, CATEGORICAL) and activation == "sigmoid":
        return "sigmoid-exclusive-classes", facts
    return None


def not_finite(values: Any) -> dict[str, Any] | None:
    """How many numbers are NaN or infinite, and the first row (from 0) of one."""
    for part in values if isinstance(values, tuple) else (values,):
        if part.dtype.kind != "f" or np.isfinite(part.sum(dtype=np.float64)):
            continue
        rows = (~np.isfinite(part)).reshape(len(part), -1).sum(1)
        if rows.any():
            return {"count": int(rows.sum()), "row": int(np.flatnonzero(rows)[0])}
    return None


def unfit_weights(network: Any, trained: Any, fixed: Any) -> dict[str, Any] | None:
    """How many weights are NaN or infinite, and the title of the first layer that has one; None where all are finite.

    Numbers that are not trained may be infinite on purpose, as masks are.
    """
    counts = []
    for own, others in zip(trained, fixed, strict=True):
        bad = sum(int((~np.isfinite(array)).sum()) for array in map(np.asarray, own.values()) if not _sound(array))
        bad += sum(int(np.isnan(array).sum()) for array in map(np.asarray, others.values()) if not _sound(array))
        counts.append(bad)
    if not any(counts):
        return None
    first = next(index for index, bad in enumerate(counts) if bad)
    return {"where": "weights", "aspect": "weights", "count": sum(counts), "layer": network.title(first)}


def _sound(array: np.ndarray) -> bool:
    """Whether an array is of whole numbers, or all finite: one sum tells, without a copy."""
    if not jnp.issubdtype(array.dtype, jnp.floating):
        return True
    with np.errstate(all="ignore"):
        return bool(np.isfinite(array.sum(dtype=np.float64)))


def look_before(
    plan: Plan, input_shape: Any, data: Any, *, start: Any = None, warn: bool = True
) -> tuple[Finding, ...]:
    """Findings that need no training; each is also warned of.

    Args:
        plan: What is to be trained.
        input_shape: Of one row.
        data: The rows.
        start: The Run whose weights the training begins with; None for fresh ones.
        warn: Whether to warn.
    """
    found = []
    unfit = None if start is None else unfit_weights(start.network, *start.network.part(start.weights))
    if unfit is not None:
        layer, count = unfit.pop("layer"), unfit["count"]
        found.append(Finding("nonfinite-values", "error", layer, unfit, 1.0))
        if warn:
            warnings.warn(
                f"The weights hold NaN or infinity before training begins, in {count} place{'s' * (count > 1)}, first "
                f"in {layer}; nothing can be learned from them. Build the model anew, or load finite weights.",
                JindanWarning, stacklevel=5,
            )  # fmt: skip
    for name, values in (("x", data.x), ("y", data.y)):
        broken = not_finite(values)
        if broken is not None:
            found.append(Finding("nonfinite-values", "error", None, {"where": name, **broken}, 1.0))
            if warn:
                count, row = broken["count"], broken["row"]
                warnings.warn(
                    f"{name} holds NaN or infinity in {count} place{'s' * (count > 1)}, first in row {row}; every "
                    "weight that training updates with it becomes NaN. Drop or fill such rows.",
                    JindanWarning, stacklevel=5,
                )  # fmt: skip
    for layer, reason, evidence in _contradictions(plan, input_shape, data.y):
        severity = "warning" if reason in TOLERABLE else "error"
        found.append(Finding("output-loss-mismatch", severity, layer, {"reason": reason, **evidence}, 0.99))
        if warn:
            warnings.warn(f"{layer}: {REASONS[reason][0]}.", JindanWarning, stacklevel=5)
    counted = batch_arithmetic(plan, len(data))
    if counted is not None:
        found.append(counted)
        if warn and counted.severity == "error":
            numbers = counted.evidence
            warnings.warn(
                f"Gradients of {numbers['accumulated']} batches are gathered for an update, and the training has "
                f"{numbers['batches']}: no weight will change.", JindanWarning, stacklevel=5,
            )  # fmt: skip
    return ordered(found)
