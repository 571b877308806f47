"""Three sets of fixed thresholds from the literature, on the same trainings; their verdicts as jindan's codes.

Re-expressed from what the sources publish. Where a source counts updates, epochs stand here (the debugger's own
configurations save every 500 steps); where it needs an accuracy, R² floored at 0 stands for it in regression, which
is kinder than an accuracy of 0. Where a verdict could mean several codes, the one that a case most often has is taken,
and each set's findings come in the order of its own report.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .cases import Case
from .traced import Layer, Trace, trace

Findings = list[dict[str, Any]]


def verdicts(case: Case, seed: int) -> dict[str, Findings]:
    """Name of a rule set → its findings on the case trained with a seed, each a dict of `code` and `severity`."""
    seen = trace(case, seed)
    with np.errstate(all="ignore"):
        return {
            name: [{"code": code, "severity": "warning"} for code in dict.fromkeys(rules(seen))]
            for name, rules in SETS.items()
        }


def _finite(values: Any) -> bool:
    return values is None or bool(np.isfinite(values).all())


def _trained(layers: list[Layer]) -> list[Layer]:
    return [layer for layer in layers if layer.gradient is not None]


# -- AUTOTRAINER -----------------------------------------------------------------------------------------------------

BETA_1, BETA_2, BETA_3 = 1e-3, 1e-4, 70.0  # first gradient over last, first gradient, first gradient over last
GAMMA = 0.7  # share of gradients that are exactly zero
ZETA, ETA = 0.03, 0.2  # size of a swing of the accuracy, share of epochs with one
DELTA = 0.01  # gain of accuracy in an epoch
THETA = 0.7  # accuracy that is satisfying
JUDGED = 0.3  # share of the epochs after which it judges
LARGE_LOSS = 1e5


def autotrainer(seen: Trace) -> Iterator[str]:
    """AUTOTRAINER (Zhang, Zhai, Ma, Shen: "AutoTrainer: An Automatic DNN Training Problem Detection and Repair System",
    ICSE 2021), with the defaults of its repository (shiningrain/AUTOTRAINER, utils/monitor.py).

    Not finite: exploding. Else, where the accuracy stays below Θ or never gains δ in an epoch: dying ReLU (gradients
    zero to the share γ), exploding (norm of the first kernel's gradient over the last one's > β₃), vanishing (ratio <
    β₁ and first norm < β₂), slow convergence, in this order. Else oscillating loss: swings ≥ ζ in η of the epochs.
    """
    tensors = [value for _, layers in seen.looks for layer in layers
               for value in (layer.kernel, layer.gradient, layer.bias_gradient)]  # fmt: skip
    losses = [*seen.history["loss"], *seen.history["val_loss"]]
    if not all(map(_finite, [*tensors, losses])) or losses[-1] >= LARGE_LOSS:
        yield "nonfinite-values" if not all(map(_finite, [*tensors, losses])) else "exploding-gradient"
        return
    score, held = seen.history["score"], seen.history["val_score"]
    enough = len(score) >= JUDGED * seen.epochs
    slow = enough and max(_gains(score)) < DELTA and max(_gains(held)) < DELTA
    if enough and (max(score) < THETA or max(held) < THETA or slow):
        problem = _gradients(seen)
        if problem or slow:
            yield problem or "learning-rate-too-low"
    elif enough and _swings(score) >= ETA * len(score):
        yield "learning-rate-too-high"


def _gains(values: list[float]) -> np.ndarray:
    return np.append(np.diff(values), 0.0)


def _swings(values: list[float]) -> int:
    """Pairs of a local maximum and a local minimum that are ζ apart or more."""
    v = np.asarray(values)
    left, middle, right = v[:-2], v[1:-1], v[2:]
    high = middle[(middle >= left) & (middle >= right)]
    low = middle[(middle <= left) & (middle <= right)]
    count = min(len(high), len(low))
    return int(np.sum(high[:count] - low[:count] >= ZETA))


def _gradients(seen: Trace) -> str | None:
    """What the gradients of the moments looked at tell, in the order of AUTOTRAINER's questions."""
    found = set()
    for _, layers in seen.looks[1:]:
        own = _trained(layers)
        if not own:
            continue
        each = [g for layer in own for g in (layer.gradient, layer.bias_gradient) if g is not None]
        zero = sum(int(np.sum(g == 0)) for g in each) / sum(g.size for g in each)
        first, last = (np.linalg.norm(np.asarray(layer.gradient)) for layer in (own[0], own[-1]))
        ratio = first / last
        found |= {"dying-relu"} if zero >= GAMMA else set()
        found |= {"exploding-gradient"} if ratio > BETA_3 else set()
        found |= {"vanishing-gradient"} if ratio < BETA_1 and first < BETA_2 else set()
    return next((c for c in ("dying-relu", "exploding-gradient", "vanishing-gradient") if c in found), None)


# -- SageMaker Debugger ----------------------------------------------------------------------------------------------

VANISHING = 1e-7  # mean |gradient|
VARIANCES, SPREAD, INITIAL, INITIAL_PATIENCE = 10.0, 1e-3, 10, 5  # PoorWeightInitialization
INACTIVE, LAYER = 0.01, 0.5  # a unit active less than 1 % of the rows; half of a layer's units
INSIDE = {"tanh": (-9.4999, 9.4999), "sigmoid": (-23.0, 16.99999)}
IMBALANCE, MISPREDICTED, SAMPLES = 10.0, 0.7, 500
IMAGE_MEAN, IMAGES = 0.2, 500
UNCHANGED, RTOL, ATOL = 3, 1e-5, 1e-8
LARGE_UPDATE, SMALL_UPDATE, EPSILON = 10.0, 1e-8, 1e-9
OVERFIT = 0.1
STEPS = 10  # LossNotDecreasing
PATIENCE_TRAIN, PATIENCE_HELD, IMPROVED = 5, 10, 0.1  # Overtraining


def debugger(seen: Trace) -> Iterator[str]:
    """The built-in rules of Amazon SageMaker Debugger with the defaults of its Developer Guide ("List of Debugger
    Built-in Rules"; Rauschmayr et al., MLSys 2021), those that need no further configuration and apply to any network.

    Left out: rules of trees and text, TensorVariance (no default), AllZero, and Confusion (its default wants 0.9 of
    all that is right in every class).
    """
    rules: list[tuple[str, Callable[[Trace], bool]]] = [
        ("nonfinite-values", _exploding_tensor),
        ("bad-init-scale", _poor_initialisation),
        ("vanishing-gradient", _vanishing),
        ("dying-relu", _dead_relu),
        ("saturated-activation", _saturated),
        ("class-imbalance", _class_imbalance),
        ("inputs-not-normalised", _input_images),
        ("frozen-parameters", _unchanged),
        ("learning-rate-too-high", lambda trace: max(_updates(trace), default=0.0) > LARGE_UPDATE),
        ("learning-rate-too-low", lambda trace: min(_updates(trace), default=1.0) < SMALL_UPDATE),
        ("overfitting", _overfit),
        ("plateau", _loss_not_decreasing),
    ]
    yield from (code for code, rule in rules if rule(seen))


def _exploding_tensor(seen: Trace) -> bool:
    parts = [value for _, layers in seen.looks for layer in layers
             for value in (layer.before, layer.after, layer.kernel, layer.gradient)]  # fmt: skip
    return not all(map(_finite, [*parts, seen.history["loss"]]))


def _poor_initialisation(seen: Trace) -> bool:
    """Inputs of ReLUs differ tenfold in variance between layers, gradients lie within 0.001, or the loss stands still:
    any of these in the first steps."""
    relu = [layer for layer in seen.looks[0][1] if layer.activation == "relu"]
    variances = [float(np.var(layer.before)) for layer in relu]
    if not variances:
        return False
    spreads = [float(np.subtract(*np.percentile(layer.gradient, [95, 5]))) for layer in relu
               if layer.gradient is not None]  # fmt: skip
    apart = len(variances) > 1 and max(variances) > VARIANCES * min(variances)
    return apart or min(spreads, default=1.0) < SPREAD or _stands(seen.history["loss"][:INITIAL], INITIAL_PATIENCE)


def _stands(values: list[float], patience: int, share: float = 0.0) -> bool:
    """Whether a figure goes `patience` epochs without falling below its best by a share of that."""
    best, waited = np.inf, 0
    for value in values:
        if value < best - share * abs(best if np.isfinite(best) else 0.0):
            best, waited = value, 0
        else:
            waited += 1
        if waited >= patience:
            return True
    return False


def _vanishing(seen: Trace) -> bool:
    return any(
        np.mean(np.abs(np.asarray(layer.gradient))) < VANISHING
        for _, layers in seen.looks
        for layer in _trained(layers)
    )


def _dead_relu(seen: Trace) -> bool:
    return any(
        layer.activation == "relu" and np.mean((layer.after > 0).mean(0) < INACTIVE) > LAYER
        for _, layers in seen.looks
        for layer in layers
    )


def _saturated(seen: Trace) -> bool:
    for _, layers in seen.looks:
        for layer in layers:
            if layer.activation in INSIDE:
                low, high = INSIDE[layer.activation]
                active = ((layer.before > low) & (layer.before < high)).mean(0)
                if np.mean(active < INACTIVE) > LAYER:
                    return True
    return False


def _class_imbalance(seen: Trace) -> bool:
    """Classes differ tenfold in rows, or more than 0.7 of a class is told wrongly."""
    if seen.task == "regression" or (seen.task == "binary" and seen.y.shape[-1] > 1) or len(seen.y) < SAMPLES:
        return False
    labels = seen.y.argmax(1) if seen.task == "multiclass" and seen.y.ndim > 1 else seen.y.ravel().astype(int)
    answers = seen.outputs.argmax(1) if seen.outputs.shape[-1] > 1 else (seen.outputs.ravel() > 0.5).astype(int)
    found, counts = np.unique(labels, return_counts=True)
    return counts.max() > IMBALANCE * counts.min() or any(
        np.mean(answers[labels == label] != label) > MISPREDICTED for label in found
    )


def _input_images(seen: Trace) -> bool:
    return seen.x.ndim == 4 and len(seen.x) >= IMAGES and abs(float(seen.x.mean())) > IMAGE_MEAN


def _kernels(seen: Trace) -> list[list[np.ndarray]]:
    """The kernels at each moment, by layer."""
    return [list(k) for k in zip(*([layer.kernel for layer in layers if layer.kernel is not None]
                                   for _, layers in seen.looks), strict=True)]  # fmt: skip


def _unchanged(seen: Trace) -> bool:
    """A kernel equal at three moments on end."""
    for kernels in _kernels(seen):
        same = [np.allclose(b, a, RTOL, ATOL) for a, b in itertools.pairwise(kernels)]
        if any(all(same[i : i + UNCHANGED - 1]) for i in range(len(same) - UNCHANGED + 2)):
            return True
    return False


def _updates(seen: Trace) -> list[float]:
    """Size of the change of each kernel from moment to moment over its own."""
    return [
        float(np.linalg.norm(b - a) / (np.linalg.norm(a) + EPSILON))
        for kernels in _kernels(seen)
        for a, b in itertools.pairwise(kernels)
    ]


def _overfit(seen: Trace) -> bool:
    """The mean validation loss is more than a tenth above the mean training loss."""
    train, held = (float(np.mean(seen.history[name])) for name in ("loss", "val_loss"))
    stopped = _stands(seen.history["loss"], PATIENCE_TRAIN, IMPROVED)
    overtrained = stopped and _stands(seen.history["val_loss"], PATIENCE_HELD, IMPROVED)
    return (held - train) / train > OVERFIT or overtrained


def _loss_not_decreasing(seen: Trace) -> bool:
    """At some tenth epoch the loss is not below that of ten epochs before."""
    every = seen.history["loss"][::STEPS]
    return any(b >= a for a, b in itertools.pairwise(every))


# -- DeepLocalize ----------------------------------------------------------------------------------------------------

WINDOW, ACCURACY_WINDOW = 5, 20  # epochs without change: of a layer's values or the loss, of the accuracy


def deep_localize(seen: Trace) -> Iterator[str]:
    """In the manner of DeepLocalize (Wardat, Le, Rajan: "DeepLocalize: Fault Localization for Deep Neural Networks",
    ICSE 2021; Wardat-ISU/DeepLocalize), at epochs' ends with the windows of its successor (DeepDiagnosis, ICSE 2022).

    It reports the first error it meets and stops. Forward from the inputs: values of a layer that are not finite, or
    whose mean is exactly zero, or does not change in a window (not asked of the last layer). Then a loss that is not
    finite or does not change, and in classification an accuracy of zero or without gain in a window. Backward from the
    outputs: gradients of weights that are not finite or zero in the mean. The place tells the code: not finite is
    `nonfinite-values`, an error at the output `output-loss-mismatch`, at a ReLU `dying-relu`, elsewhere
    `vanishing-gradient`; a loss or accuracy that stays is `plateau`.
    """
    means: dict[int, list[float]] = {}
    for epoch, layers in seen.looks[1:]:
        for index, layer in enumerate(layers):
            last, mean = index == len(layers) - 1, float(layer.after.mean())
            means.setdefault(index, []).append(mean)
            still = not last and len(means[index]) >= WINDOW and len(set(means[index][-WINDOW:])) == 1
            if not _finite(layer.after) or mean == 0 or still:
                yield _located(layer, layer.after, last)
                return
        figure = _figures(seen, epoch)
        if figure:
            yield figure
            return
        for index, layer in reversed(list(enumerate(layers))):
            if layer.gradient is not None and (not _finite(layer.gradient) or float(layer.gradient.mean()) == 0):
                yield _located(layer, layer.gradient, index == len(layers) - 1)
                return


def _located(layer: Layer, values: np.ndarray, last: bool) -> str:
    if not _finite(values):
        return "nonfinite-values"
    return "output-loss-mismatch" if last else "dying-relu" if layer.activation == "relu" else "vanishing-gradient"


def _figures(seen: Trace, epoch: int) -> str | None:
    losses, scores = seen.history["loss"][:epoch], seen.history["score"][:epoch]
    if not _finite(losses):
        return "nonfinite-values"
    stays = len(losses) >= WINDOW and len(set(losses[-WINDOW:])) == 1
    if seen.task != "regression":
        stays = stays or scores[-1] == 0
        stays = stays or (len(scores) >= ACCURACY_WINDOW and len(set(scores[-ACCURACY_WINDOW:])) == 1)
    return "plateau" if stays else None


SETS: dict[str, Callable[[Trace], Iterator[str]]] = {
    "AUTOTRAINER": autotrainer,
    "SageMaker Debugger": debugger,
    "DeepLocalize": deep_localize,
}
