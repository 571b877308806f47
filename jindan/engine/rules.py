"""Rules that act on a figure at the end of an epoch, inside the program: early stopping, reducing the rate."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..layers.base import Array
from .supervised import Supervised


def figure(program: Supervised, watcher: Any, sums: Array, vsums: Array) -> Array:
    """The figure a rule watches, from the epoch's added statistics."""
    name = watcher.monitor
    stats = vsums if name.startswith("val_") else sums
    return jnp.asarray(program.figures(stats)[name.removeprefix("val_")])


def watch(rule: Any, value: Array, epoch: Array, state: dict) -> dict:
    """Early stopping, as Keras defines it."""
    stop = state["stop"]
    value = value.astype(stop["best"].dtype)
    started = epoch >= rule.start_from_epoch
    better = started & _better(rule, value, stop["best"])
    reset = better if rule.baseline is None else better & _better(rule, value, rule.baseline)
    wait = jnp.where(reset, 0, stop["wait"] + started)
    # Up to the first epoch that is watched, the weights at hand are the best there are.
    keep = better | (epoch <= rule.start_from_epoch)
    ended = started & ~better & (wait >= rule.patience) & (epoch > 0)
    state = {
        **state,
        "stop": {
            "stopped": ended,
            "best": jnp.where(better, value, stop["best"]),
            "wait": wait.astype(jnp.int32),
            "epoch": jnp.where(keep & started, epoch, stop["epoch"]),
        },
    }
    if "best" in state:
        now = {"trained": state["trained"], "fixed": state["fixed"]}
        state["best"] = jax.tree.map(lambda new, old: jnp.where(keep, new, old), now, state["best"])
    return state


def slow(rule: Any, value: Array, rate: Array, state: dict) -> dict:
    """Reduce the rate on a plateau, as Keras defines it."""
    old = state["plateau"]
    value = value.astype(old["best"].dtype)
    cooldown = jnp.maximum(old["cooldown"] - 1, 0)
    wait = jnp.where(old["cooldown"] > 0, 0, old["wait"])
    better = _better(rule, value, old["best"])
    wait = jnp.where(better, 0, jnp.where(cooldown > 0, wait, wait + 1))
    now = rate * old["scale"]
    cut = ~better & (cooldown == 0) & (wait >= rule.patience) & (now > rule.min_lr)
    scale = jnp.where(cut, jnp.maximum(now * rule.factor, rule.min_lr) / rate, old["scale"])
    return {
        **state,
        "plateau": {
            "scale": scale.astype(old["scale"].dtype),
            "best": jnp.where(better, value, old["best"]),
            "wait": jnp.where(cut, 0, wait).astype(jnp.int32),
            "cooldown": jnp.where(cut, rule.cooldown, cooldown).astype(jnp.int32),
        },
    }


def _better(rule: Any, value: Array, best: Any) -> Array:
    margin = jnp.abs(rule.min_delta)
    return value + margin < best if rule.lower_is_better() else value - margin > best
