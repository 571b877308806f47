"""Checks before training: activations of hidden layers that do not go with the kind of network they stand in.

Such a network trains, worse than it could: each is told, none is refused. Sources: Glorot & Bengio (2010) for sigmoids
in depth, Pascanu et al. (2013) for recurrences without a bound, of which Le et al. (2015) is the exception.
"""

from __future__ import annotations

import math
import warnings
from itertools import pairwise
from typing import Any

from ..activations import TABLE
from ..errors import JindanWarning
from ..initializers import Identity
from ..layers import RNN, Bidirectional, Dense, LayerNormalization
from ..layers import BatchNormalization as BatchNorm
from ..plan import Plan
from .static import passes_on

DEEP = 3  # sigmoids in a row, after which a slope is at most 1/64 of what it was
HIDDEN_REASONS = {
    "linear-stack": (
        "nothing curved stands between this layer and the next, so the two are one linear layer; relu is usual",
        "이 층과 다음 층 사이에 비선형 활성화가 없어 두 층은 선형층 하나와 같습니다. 보통 relu를 씁니다",
    ),
    "deep-sigmoid": (
        "the slope of a sigmoid is at most 1/4, and {layers} follow one another: at most 1/{part} of the slope reaches "
        'the first; "relu" is usual in hidden layers',
        "시그모이드의 기울기는 최대 1/4인데 {layers}개가 이어져, 첫 층에는 기울기가 많아야 1/{part}만 전해집니다. "
        '은닉층에는 보통 "relu"를 씁니다',
    ),
    "unbounded-recurrence": (
        '"{activation}" has no bound, and a recurrent state is fed back at every step: it can grow without end; "tanh" '
        "is usual",
        '"{activation}"에는 상한이 없는데 순환층의 상태는 단계마다 되먹임되므로 끝없이 커질 수 있습니다. 보통 '
        '"tanh"를 씁니다',
    ),
}


def hidden_pairings(plan: Plan, input_shape: Any) -> list[tuple[str, str, dict[str, Any]]]:
    """(layer, key of `HIDDEN_REASONS`, evidence) for each hidden activation that does not go with its network.

    Of two Dense layers with nothing curved between them the first is named, unless it is narrower than what it reads
    and what it feeds: then it is a bottleneck, as in PCA by an autoencoder. Graphs are searched for recurrences alone.

    >>> hidden_pairings(Plan((Dense(8), Dense(1))), (4,))
    [('layer 1, Dense', 'linear-stack', {'units': 8})]
    """
    if not plan.layers:
        return []
    network = plan.network(input_shape)
    found = [(network.title(i), *wrong) for i, layer in enumerate(network.layers) if (wrong := _recurrence(layer))]
    if plan.wiring is not None:
        return found
    weighted = [i for i, spec in enumerate(network.specs) if "kernel" in spec]
    runs: list[list[int]] = [[]]
    for index, after in pairwise(weighted):
        layer: Any = network.layers[index]
        between = network.layers[index + 1 : after]
        if _straight(layer, between) and _lossless(network, index, after):
            found.append((network.title(index), "linear-stack", {"units": layer.units}))
        if _sigmoid(layer, between):
            runs[-1].append(index)
        else:
            runs.append([])
    for run in runs:
        if len(run) >= DEEP:
            found.append((network.title(run[0]), "deep-sigmoid", {"layers": len(run), "part": 4 ** len(run)}))
    return found


def tell_hidden(plan: Plan, input_shape: Any, lang: str = "en", stacklevel: int = 2) -> None:
    """Warn of each of `hidden_pairings`."""
    for layer, reason, evidence in hidden_pairings(plan, input_shape):
        warnings.warn(f"{layer}: {told(reason, evidence, lang)}.", JindanWarning, stacklevel=stacklevel + 1)


def told(reason: str, evidence: dict[str, Any], lang: str = "en") -> str:
    """A reason in words.

    >>> told("unbounded-recurrence", {"activation": "relu"})[:20]
    '"relu" has no bound,'
    """
    return HIDDEN_REASONS[reason][lang == "ko"].format(**evidence)


def _recurrence(layer: Any) -> tuple[str, dict[str, Any]] | None:
    if isinstance(layer, Bidirectional):
        return _recurrence(layer.layer)
    if isinstance(layer, RNN):
        return next(filter(None, map(_recurrence, getattr(layer.cell, "cells", (layer.cell,)))), None)
    name = getattr(layer, "activation", None)
    if not hasattr(layer, "recurrent_initializer") or not isinstance(name, str):
        return None
    if TABLE[name].range[1] < math.inf or isinstance(layer.recurrent_initializer, Identity):
        return None
    return "unbounded-recurrence", {"activation": name}


def _straight(layer: Any, between: Any) -> bool:
    plain = type(layer) is Dense and layer.activation == "linear" and layer.trainable  # frozen: a projection
    return plain and all(map(passes_on, between))


def _lossless(network: Any, index: int, after: int) -> bool:
    """Whether the product of both layers could be any matrix: the units between are not a bottleneck."""
    kernels = [network.specs[i]["kernel"].shape for i in (index, after)]
    return type(network.layers[after]) is Dense and kernels[0][1] >= min(kernels[0][0], kernels[1][1])


def _sigmoid(layer: Any, between: Any) -> bool:
    """Whether a layer ends in a sigmoid that no normalisation keeps in its middle."""
    bending = [other for other in between if not passes_on(other)]
    if any(isinstance(other, (BatchNorm, LayerNormalization)) for other in bending):
        return False
    names = [getattr(other, "activation", None) for other in (layer, *bending)]
    return "sigmoid" in names and not hasattr(layer, "recurrent_initializer")
