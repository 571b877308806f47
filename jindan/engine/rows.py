"""What each row counts for: rows that exist, steps that exist, weights of classes."""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..layers.base import Array
from ..ops.calls import movable
from ..plan import Plan


def by_steps(truth: Array, guess: Array, rows: Array, mask: Any) -> tuple[Array, Array, Array]:
    """Sequences with padding as one row a step, so that metrics count the steps that exist."""
    if mask is None or guess.ndim <= mask.ndim or guess.shape[: mask.ndim] != mask.shape:
        return truth, guess, rows
    steps = (beside(rows, mask) * mask.astype(rows.dtype)).reshape(-1)
    return truth.reshape(-1, *truth.shape[mask.ndim :]), guess.reshape(-1, *guess.shape[mask.ndim :]), steps


def over_devices(value: Array, axis: str | None) -> Array:
    """A sum over the rows of a batch, those of other devices included."""
    return value if axis is None else lax.psum(value, axis)


def all_over_devices(tree: Any, axis: str) -> Any:
    """Sums of many arrays over the devices, as one: each that is sent apart is a meeting of the devices more."""
    leaves, form = jax.tree.flatten(tree)
    vector = lax.psum(jnp.concatenate([leaf.reshape(-1) for leaf in leaves]), axis)
    starts = itertools.accumulate((leaf.size for leaf in leaves[:-1]), initial=0)
    places = movable(*starts)  # arrays of one shape are updated by one piece of code
    parts = [lax.dynamic_slice_in_dim(vector, *at) for at in zip(places, (leaf.size for leaf in leaves), strict=True)]
    parts = [part.reshape(leaf.shape).astype(leaf.dtype) for part, leaf in zip(parts, leaves, strict=True)]
    return jax.tree.unflatten(form, parts)


def existing(values: Array, mask: Any, rows: Any, axis: str | None) -> Array:
    """Losses (rows, time) of steps that exist, scaled so that their mean over rows and time is that over such steps."""
    if mask is None or values.ndim < mask.ndim or values.shape[: mask.ndim] != mask.shape:
        return values
    mask = mask.astype(values.dtype)
    real = jnp.ones(values.shape[0], values.dtype) if rows is None else rows
    mask = mask * beside(real, mask)
    steps = math.prod(mask.shape[1:])
    scale = over_devices(jnp.sum(real), axis) * steps / jnp.maximum(over_devices(jnp.sum(mask), axis), 1)
    return values * (scale * mask).reshape(*mask.shape, *[1] * (values.ndim - mask.ndim))


def beside(rows: Array, other: Array) -> Array:
    """A number a row, to broadcast with an array of rows."""
    return jnp.expand_dims(rows, tuple(range(1, other.ndim)))


def class_weights(plan: Plan, y: Array) -> Array:
    """(rows,) the weight of each row's class."""
    if y.ndim == 1 or (y.ndim == 2 and y.shape[-1] == 1):
        label = jnp.round(y.reshape(y.shape[0])).astype(jnp.int32)
    else:
        label = jnp.argmax(y.reshape(y.shape[0], -1), axis=-1)
    weight = jnp.ones(label.shape, plan.dtype)
    for entry in plan.class_weight:
        weight = jnp.where(label == entry.index, entry.weight, weight)
    return weight
