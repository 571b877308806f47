"""Checks of the setting: what network, loss, optimizer and batches are made of, before anything is trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...layers import BatchNormalization
from ..batching import batch_arithmetic
from ..capacity import IDLE, LONG, share_in_use, too_large
from ..facts import ERRORS, Facts
from .base import Suspect, ramp

# Customary learning rates: Keras's and PyTorch's defaults.
CUSTOMARY = {"SGD": 1e-2, "Adam": 1e-3, "AdamW": 1e-3, "Nadam": 1e-3, "Adamax": 1e-3, "RMSprop": 1e-3, "Adagrad": 1e-2,
             "Adadelta": 1.0, "Ftrl": 1e-3, "Lion": 1e-4}  # fmt: skip
# A contradiction the training survives, worse than it could: told only of a run that does badly.
TOLERABLE = ("sigmoid-exclusive-classes", "already-normalised", "error-of-probabilities")


def output_loss_mismatch(facts: Facts) -> Suspect | None:
    """Output layer, loss and targets that contradict one another."""
    if facts.pairing is None:
        return None
    reason, evidence, layer = facts.pairing
    facts_told = {"reason": reason, **evidence}
    if reason in TOLERABLE:
        return Suspect("output-loss-mismatch", 0.75, layer, facts_told) if facts.sick else None
    return Suspect("output-loss-mismatch", 1.0, layer, facts_told, certain=True, severity="error")


def linear_stack(facts: Facts) -> Suspect | None:
    """Layers with weights one after another without anything curved between input and output."""
    network = facts.case.plan.network(facts.case.input_shape)
    if facts.case.plan.wiring is not None:
        return None
    kinds = [_curved(layer) for layer in network.layers]
    weighted = [i for i, layer in enumerate(network.layers) if "kernel" in network.specs[i]]
    if len(weighted) < 2 or any(kinds[: weighted[-1]]):
        return None
    standing = facts.standing
    evidence: dict[str, Any] = {"layers": len(weighted)}
    if standing is not None and standing.linear is not None:
        evidence |= {"linear_score": standing.linear, "best_score": standing.ceiling}
    # Where the best simple model is a linear one, straight layers are not what the network lacks.
    enough = standing is not None and standing.linear is not None and (
        standing.linear >= standing.ceiling - ERRORS * standing.error
    )  # fmt: skip
    strength = 0.4 if enough or not facts.sick else 0.95
    return Suspect("linear-stack", strength, network.title(weighted[0]), evidence, certain=facts.sick and not enough,
                   severity="warning" if facts.sick else "info")  # fmt: skip


def _curved(layer: Any) -> bool:
    """Whether a layer bends: anything but a product, a shift and a change of form."""
    kind = type(layer).__name__
    if kind in ("Dense", "Conv1D", "Conv2D", "Conv1DTranspose", "Conv2DTranspose", "SeparableConv2D", "DepthwiseConv2D",
                "Activation"):  # fmt: skip
        return getattr(layer, "activation", "linear") not in (None, "linear")
    straight = ("Flatten", "Reshape", "Permute", "Dropout", "BatchNormalization", "Normalization", "Rescaling",
                "AveragePooling1D", "AveragePooling2D", "GlobalAveragePooling1D", "GlobalAveragePooling2D", "Identity",
                "ZeroPadding1D", "ZeroPadding2D", "Input", "InputLayer", "GaussianNoise", "SpatialDropout1D",
                "SpatialDropout2D", "GaussianDropout", "AlphaDropout", "ActivityRegularization")  # fmt: skip
    return kind not in straight


def frozen_parameters(facts: Facts) -> Suspect | None:
    """Layers with weights of which none is trained, or none has changed."""
    case = facts.case
    network = case.plan.network(case.input_shape)
    frozen, total = [], 0
    stuck = _stuck(facts) if facts.sick else []
    if stuck:
        evidence = {"layers": len(stuck), "aspect": "stuck"}
        return Suspect("frozen-parameters", 0.9, network.title(stuck[0]), evidence, certain=True)
    for index, spec in enumerate(network.specs):
        if "kernel" not in spec and "embeddings" not in spec:
            continue
        total += 1
        if not network.layers[index].trainable:
            frozen.append(index)
    if not frozen or not total:
        return None
    share = len(frozen) / total
    evidence = {"layers": len(frozen), "share": share}
    if not facts.sick:
        # Transfer freezes on purpose.
        return Suspect("frozen-parameters", 0.2, network.title(frozen[0]), evidence, severity="info")
    return Suspect("frozen-parameters", 0.9, network.title(frozen[0]), evidence)


def _stuck(facts: Facts) -> list[int]:
    """Layers that are trained and never changed, as no gradient reaches them, although later ones learn.

    Dead and saturated units bring that about as well, and inputs that never vary, as zeros; they are told of by
    themselves.
    """
    moments, later = facts.case.moments, facts.later
    if len(moments) < 2 or not later or not facts.updates:
        return []
    if (facts.data.get("scales") or {}).get("constant", 0.0) >= 1:
        return []
    hidden = [one for probe in facts.case.probes for one in facts.hidden(probe)]
    if any((one.dead or 0) >= 0.5 or (one.saturated or 0) >= 0.5 or (one.twins or 0) >= 0.99 for one in hidden):
        return []
    network = facts.case.plan.network(facts.case.input_shape)
    still = [
        index for index in range(len(network.layers))
        if all(np.array_equal(array, moment.trained[index][name])
               for name, array in moments[0].trained[index].items() for moment in moments[1:])
    ]  # fmt: skip
    weighted = [i for i in range(len(network.layers)) if moments[0].trained[i]]
    silent = {
        one.index
        for one in later[-1].layers
        if all(own.gradient_norm == 0 for probe in later for own in probe.layers if own.index == one.index)
    }
    found = [index for index in still if index in weighted and index in silent]
    return found if found and any(index not in still and index > found[-1] for index in weighted) else []


def batch_size_too_small(facts: Facts) -> Suspect | None:
    """One row a batch where batches are normalised; or gradients that are nearly all noise while the loss leaps."""
    case = facts.case
    size = min(case.plan.batch_size, len(case.data))
    if not size:
        return None
    if (size == 1 or (size == 2 and facts.sick)) and _normalised(facts):
        # The variance of one row is 0: every normalised value is the shift, whatever the input (Ioffe & Szegedy 2015).
        return Suspect("batch-size-too-small", 1.0, None, {"batch_size": size, "normalised": True}, certain=True)
    last = facts.last
    counted = _counted(facts, "batch-size-too-small")
    if last is None or last.noise_scale is None or not facts.sick or facts.loss is None:
        return counted
    ratio = last.noise_scale / size
    if ratio < 50 or size > 32 or facts.loss.leaps < 0.02:
        return counted
    return Suspect("batch-size-too-small", 0.2 + 0.3 * ramp(ratio, 50, 1000), None,
                   {"batch_size": size, "noise_scale": last.noise_scale})  # fmt: skip


def _normalised(facts: Facts) -> bool:
    """Whether batches of flat rows are normalised by their own moments; maps have many positions in each row."""
    network = facts.case.plan.network(facts.case.input_shape)
    return any(isinstance(layer, BatchNormalization) and layer.trainable and len(shape) == 1
               for layer, shape in zip(network.layers, network.shapes_in, strict=True))  # fmt: skip


def batch_size_too_large(facts: Facts) -> Suspect | None:
    """So few updates, because batches are large, that weights cannot have come far."""
    case = facts.case
    if counted := _counted(facts, "batch-size-too-large"):
        return counted
    rows, size, epochs = len(case.data), case.plan.batch_size, facts.loss.epochs if facts.loss else 0
    if not facts.sick or rows < 256 or size < rows / 4 or not epochs:
        return None
    updates, usual = facts.updates, epochs * rows / 32
    if updates > 300:
        return None
    strength = 0.5 + 0.4 * ramp(usual / max(updates, 1), 4, 32)
    return Suspect("batch-size-too-large", strength, None,
                   {"batch_size": size, "updates": updates, "usual": int(usual)})  # fmt: skip


def _counted(facts: Facts, code: str) -> Suspect | None:
    """What plain arithmetic says of batches and updates."""
    found = batch_arithmetic(facts.case.plan, len(facts.case.data))
    if found is None or found.code != code:
        return None
    return Suspect(code, found.confidence, None, found.evidence, certain=True, severity=found.severity)


def device_idle(facts: Facts) -> Suspect | None:
    """So little arithmetic an update that the time goes into starting it."""
    case = facts.case
    if case.seconds is None or case.seconds < LONG or not facts.updates or case.plan.batch_size >= len(case.data) / 4:
        return None
    share = share_in_use(case.plan, case.input_shape, facts.updates, case.seconds)
    if share >= IDLE:
        return None
    return Suspect("device-idle", 0.5, None, {"fraction": share, "batch_size": case.plan.batch_size,
                                              "seconds": case.seconds}, certain=True, severity="info")  # fmt: skip


def out_of_memory(facts: Facts) -> Suspect | None:
    """More memory than there is; a training that has run has shown that it fits."""
    if facts.updates:
        return None
    case = facts.case
    found = too_large(case.plan, case.input_shape, len(case.data), case.data.x)
    if found is None:
        return None
    return Suspect(found.code, 1.0, None, found.evidence, certain=True, severity="error")


SETTING_CHECKS = {
    "output-loss-mismatch": output_loss_mismatch,
    "linear-stack": linear_stack,
    "frozen-parameters": frozen_parameters,
    "batch-size-too-small": batch_size_too_small,
    "batch-size-too-large": batch_size_too_large,
    "device-idle": device_idle,
    "out-of-memory": out_of_memory,
}
