"""Where a training began: weights that it was given, which trials of its repairs have to begin with as well."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.run import Run
from ..errors import InputError
from ..layers.network import Weights
from ..models.saving import run_of
from ..plan import Plan
from .data_drift import distance, smirnov
from .evidence import Case
from .references import some

MOST = 2000  # numbers of an array that are compared with a draw
CHANCE = 1e-6  # probability that drawn weights are taken for given ones, array by array


def given_weights(case: Case) -> Weights | None:
    """The weights before the first update where they were given: learned before, loaded, set by hand.

    Fresh weights equal what the plan's initialisers draw: constants in their values, random arrays in their
    distribution (Smirnov's limit), as the seed of the draw is not always known.

    Returns:
        One dict of arrays a layer; None for fresh weights, and for trainings of other libraries, whose initialisers are
        not known.
    """
    if not case.native or not case.moments:
        return None
    network, plan = case.plan.network(case.input_shape), case.plan
    start = case.moments[0]
    weights = network.join(start.trained, start.fixed)
    seed, dtype = plan.seed or 0, np.dtype(plan.dtype)
    drawn = network.join(*network.init(seed, dtype, plan.initial_scale))
    if _all_equal(weights, drawn):
        return None
    other = network.join(*network.init(seed + 1, dtype, plan.initial_scale))
    fresh = all(_fresh(own[name], a[name], b[name]) for own, a, b in zip(weights, drawn, other, strict=True)
                for name in own)  # fmt: skip
    return None if fresh else weights


def _all_equal(weights: Weights, drawn: Weights) -> bool:
    return all(np.array_equal(own[name], a[name]) for own, a in zip(weights, drawn, strict=True) for name in own)


def _fresh(own: Any, drawn: Any, other: Any) -> bool:
    """Whether an array may be a draw like two others."""
    if np.array_equal(drawn, other):
        return np.array_equal(own, drawn)
    one, two = (np.asarray(a, np.float64).ravel() for a in (own, drawn))
    rows = some(len(one), MOST)
    return distance(two[rows], one[rows]) <= smirnov(CHANCE, len(rows), len(rows))


def begun(case: Case, plan: Plan, given: Weights | None = None, *, front: bool = False) -> Run | None:
    """What a training of an edited plan goes on from; None where the case's weights were drawn afresh.

    Args:
        case: The training.
        plan: Its plan, or one with an edit.
        given: What `given_weights` gave, where that was asked already.
        front: As for `holding`.
    """
    given = given_weights(case) if given is None else given
    return None if given is None else holding(case, plan, given, front=front)


def holding(case: Case, plan: Plan, given: Weights, *, front: bool = False) -> Run:
    """A Run for `train(…, start=)`: the weights the case was given, in the layers of an edited plan that hold them.

    Layers that an edit adds, or whose initialisers it changes, are drawn by the plan's seed.

    Args:
        case: The training.
        plan: Its plan, or one with an edit.
        given: What `given_weights` gave.
        front: Whether the plan has a Normalization in front that the case's has not.

    Raises:
        InputError: where the plan's layers cannot hold the weights.
    """
    network = plan.network(case.input_shape)
    fresh = network.join(*network.init(plan.seed or 0, np.dtype(plan.dtype), plan.initial_scale))
    placed = None if not front else 0 if plan.wiring is None else len(plan.layers) - 1
    waiting = [pair for pair in zip(case.plan.layers, given, strict=True) if pair[1]]
    found = []
    for index, (layer, own) in enumerate(zip(plan.layers, fresh, strict=True)):
        if not own or index == placed or not waiting or not _fits(layer, own, *waiting[0]):
            found.append(own)
            continue
        before, lent = waiting.pop(0)
        anew = plan.initial_scale != case.plan.initial_scale or _initialisers(before) != _initialisers(layer)
        found.append(own if anew else lent)
    if waiting:
        raise InputError(
            "The training began with given weights, which do not fit the changed layers.", where="repair",
            expected="layers that hold them", received=f"{len(waiting)} layers without a counterpart",
            help="Train the changed network from fresh weights to see how it does.",
        )  # fmt: skip
    return run_of(plan, case.input_shape, tuple(found))


def _fits(layer: Any, own: dict, before: Any, lent: dict) -> bool:
    shapes = [{name: np.shape(a) for name, a in some_of.items()} for some_of in (own, lent)]
    return type(layer) is type(before) and shapes[0] == shapes[1]


def _initialisers(layer: Any) -> dict[str, Any]:
    return {name: value for name, value in vars(layer).items() if name.endswith("_initializer")}
