"""Comparisons the contracts share."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np

from jindan.spec import Spec, classes


def agree(actual, reference, tolerance=1e-5):
    """max |Δ| ≤ tolerance · max |reference|: what "numbers agree" means in this project."""
    actual, reference = np.asarray(actual, np.float64), np.asarray(reference, np.float64)
    assert actual.shape == reference.shape
    worst = np.max(np.abs(actual - reference), initial=0.0)
    assert worst <= tolerance * np.max(np.abs(reference), initial=0.0), (worst, actual, reference)


def slopes(function, x, h=1e-6):
    """Central differences of a scalar function of one array, entry by entry, in float64."""
    x = jnp.asarray(x, jnp.float64)
    moves = jnp.eye(x.size).reshape(x.size, *x.shape) * h
    up, down = (jax.vmap(lambda move: function(x + sign * move))(moves) for sign in (1, -1))  # noqa: B023
    return np.asarray((up - down) / (2 * h)).reshape(x.shape)


# Central differences of float64 with h = 1e-6 lose about 1e-16 / 1e-6 to rounding and h² to curvature.
SLOPE_TOLERANCE = 1e-7


def own_classes(kind: str) -> list[type[Spec]]:
    """The library's classes of a kind, without those that other tests registered, or that only hold others (joint)."""
    return [cls for cls in classes(kind) if cls.__module__.startswith("jindan.") and cls.__module__ != "jindan.joint"]


def missing(kind: str, table) -> set[str]:
    """Classes of a kind that the table forgets."""
    return {cls.__name__ for cls in own_classes(kind)} - set(table)
