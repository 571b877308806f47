"""The compiled loop: epochs of shuffled batches, evaluation, early stopping, for one member or many."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

from ..layers.base import Array
from ..plan import Plan
from . import devices, shuffle
from .supervised import Supervised

HISTORY = 256  # epochs one call can record


@dataclass(frozen=True)
class Shape:
    """Everything static about a loop beside the program: it decides what is compiled.

    Attributes:
        members: Plans that run together.
        batch_size: Rows an update.
        capacity: Places for row numbers, a multiple of the batch size.
        count: Training rows when all members have equally many, else None.
        indexed: Whether members hold row numbers; otherwise each uses all rows in the data's order.
        shuffled: Whether the order is new each epoch.
        validation: Rows (or places for row numbers) of the validation set, 0 for none.
        validation_indexed: Whether members hold row numbers of their own for it.
        own_epochs: Whether members end at different epochs.
        shards: Devices among which the rows of each batch are split.
    """

    members: int
    batch_size: int
    capacity: int
    count: int | None
    indexed: bool
    shuffled: bool
    validation: int
    validation_indexed: bool
    own_epochs: bool
    shards: int = 1

    @property
    def steps(self) -> int:
        """Updates an epoch, of the longest member."""
        return self.capacity // self.batch_size


def first_state(program: Supervised, plan: Plan, seed: int) -> dict[str, Any]:
    """State of one member before its first update, in NumPy."""
    state = program.init(plan, seed)
    return fresh_epochs(program, plan, state)


def fresh_epochs(program: Supervised, plan: Plan, state: dict[str, Any]) -> dict[str, Any]:
    """The same weights and optimizer memory, at the start of a training."""
    dtype = np.dtype(plan.dtype)
    state = {name: state[name] for name in ("trained", "fixed", "optimizer")}
    state["sums"] = np.zeros((2, program.size), dtype)
    state["epochs"] = np.int32(0)
    state["nonfinite"] = np.int32(-1)
    if plan.early_stopping is not None:
        worst = np.asarray(np.inf if plan.early_stopping.lower_is_better() else -np.inf, dtype)
        state["stop"] = {"stopped": np.bool_(False), "best": worst, "wait": np.int32(0), "epoch": np.int32(-1)}
        if plan.early_stopping.restore_best_weights:
            state["best"] = {"trained": state["trained"], "fixed": state["fixed"]}
    if plan.reduce_on_plateau is not None:
        worst = np.asarray(np.inf if plan.reduce_on_plateau.lower_is_better() else -np.inf, dtype)
        state["plateau"] = {
            "scale": np.ones((), dtype),
            "best": worst,
            "wait": np.int32(0),
            "cooldown": np.int32(0),
        }
    return state


@lru_cache(maxsize=256)
def compiled_loop(program: Supervised, shape: Shape) -> Any:
    """The jitted loop.

    Arguments of the result, the first group with a leading member axis when there are several:
        state, values, seed, rows, count, validation rows, validation count, epochs;
        data (x, y, weight), validation data (x, y, weight), bounds [epoch, step, last epoch, last step].
    It runs from (epoch, step) up to (last epoch, last step) and returns the state and the epochs' statistics.
    """
    run = _member(program, shape)
    if shape.members > 1:
        run = jax.vmap(run, in_axes=(0, 0, 0, 0, 0, 0, 0, 0, None, None, None))
    if shape.shards > 1:
        # Each device has everything and takes its share of the rows of a batch; gradients are added up.
        run = jax.shard_map(run, mesh=devices.mesh(shape.shards), in_specs=P(), out_specs=P(), check_vma=False)
    return jax.jit(run, donate_argnums=0)


def _member(program: Supervised, shape: Shape) -> Any:
    outline = program.outline
    dtype = np.dtype(outline.dtype)
    stopping, plateau = outline.early_stopping, outline.reduce_on_plateau
    axis = devices.ROWS if shape.shards > 1 else None

    def run(state, values, seed, rows, count, vrows, vcount, epochs, data, vdata, bounds):
        plan = program.filled(values)
        n = shape.count if shape.count is not None else count
        # Without this bound, members with fewer rows would spend empty updates at the end of each epoch.
        steps = shape.steps if shape.count is not None else -(-count // shape.batch_size)
        first_epoch, first_step, last_epoch, last_step = bounds
        buffer = jnp.zeros((HISTORY, 2 * program.size + 1), dtype)
        key = jax.random.key(seed) if program.random else None

        def one_epoch(carry):
            epoch, state, buffer = carry
            order = None
            if shape.shuffled:
                order = shuffle.order(seed, epoch, shape.capacity, n)

            def one_step(index, state, size=shape.batch_size):
                batch = _batch(shape, dtype, data, rows, order, index, n, size)
                step_key = None if key is None else jax.random.fold_in(key, plan.optimizer.batches(state["optimizer"]))
                scale = state["plateau"]["scale"] if plateau is not None else None
                core = {name: state[name] for name in ("trained", "fixed", "optimizer")}
                core, stats = program.step(plan, core, batch, step_key, scale, axis)
                bad = jnp.where(
                    (state["nonfinite"] < 0) & ~jnp.isfinite(stats[0]),
                    plan.optimizer.batches(state["optimizer"]),
                    state["nonfinite"],
                )
                return {**state, **core, "sums": _add(state["sums"], stats), "nonfinite": bad}

            start = jnp.where(epoch == first_epoch, first_step, 0)
            stop = jnp.where(epoch == last_epoch, last_step, shape.steps)
            rest = shape.count % shape.batch_size if program.batchwise and shape.count is not None else 0
            whole = shape.steps - (rest > 0)
            state = lax.fori_loop(start, jnp.minimum(jnp.minimum(stop, steps), whole), one_step, state)
            if rest:
                last = (stop == shape.steps) & (start <= whole)
                state = lax.cond(last, lambda s: one_step(jnp.asarray(whole), s, rest), lambda s: s, state)

            def finish(args):
                state, buffer = args
                sums = state["sums"][0]
                weights = _weights(program, plan, state)
                vsums = _validate(program, shape, plan, weights, vrows, vcount, vdata, dtype)
                rate = plan.optimizer.rate(jnp.maximum(state["optimizer"]["step"] - 1, 0), dtype)
                if plateau is not None:
                    rate = rate * state["plateau"]["scale"]
                row = jnp.concatenate([sums, vsums, rate[None]])
                buffer = lax.dynamic_update_slice_in_dim(buffer, row[None], epoch - first_epoch, 0)
                state = {**state, "sums": jnp.zeros_like(state["sums"]), "epochs": epoch + 1}
                if stopping is not None:
                    state = _watch(plan.early_stopping, _figure(program, stopping, sums, vsums), epoch, state)
                if plateau is not None:
                    base = plan.optimizer.rate(state["optimizer"]["step"], dtype)
                    state = _slow(plan.reduce_on_plateau, _figure(program, plateau, sums, vsums), base, state)
                return state, buffer

            state, buffer = lax.cond(stop == shape.steps, finish, lambda args: args, (state, buffer))
            return epoch + 1, state, buffer

        def going(carry):
            epoch, state, _ = carry
            more = epoch < jnp.where(last_step > 0, last_epoch + 1, last_epoch)
            if stopping is not None:
                more = more & ~state["stop"]["stopped"]
            if shape.own_epochs:
                more = more & (epoch < epochs)
            return more

        packing = program.packing
        state = state if packing is None else packing.enter(state)
        _, state, buffer = lax.while_loop(going, one_epoch, (first_epoch, state, buffer))
        return (state if packing is None else packing.leave(state)), buffer

    return run


def _add(sums: Array, stats: Array) -> Array:
    """Add to (sums, what they lack): compensated, as a float32 sum of many small terms loses digits (Kahan 1965)."""
    term = stats - sums[1]
    total = sums[0] + term
    return jnp.stack([total, (total - sums[0]) - term])


def _batch(shape: Shape, dtype: Any, data: tuple, rows: Any, order: Any, index: Array, n: Any, size: int) -> tuple:
    """The rows of one update: (x, y, weight, real)."""
    x, y, weight = data
    start = index * shape.batch_size
    given, (size, first) = size, _share(shape, size)
    start = start + first
    exact = (shape.count is not None and shape.count % shape.batch_size == 0) or given < shape.batch_size
    places = start + jnp.arange(size, dtype=jnp.int32)
    mask = None if exact else (places < n).astype(dtype)
    if order is not None:
        places = lax.dynamic_slice_in_dim(order, start, size)
    if not exact:
        # Padding repeats the first row, so that it can never be out of range.
        places = jnp.where(places < n, places, 0)
    if shape.indexed:
        places = rows[places]
    return _rows_at(x, places), _rows_at(y, places), _rows_at(weight, places), mask


def _share(shape: Shape, size: int) -> tuple[int, Any]:
    """How many of `size` rows this device takes, and the first of them."""
    if shape.shards == 1:
        return size, 0
    return size // shape.shards, lax.axis_index(devices.ROWS) * (size // shape.shards)


def _rows_at(tree: Any, places: Array) -> Any:
    """Some rows of every array of a tree."""
    return jax.tree.map(lambda a: a.at[places].get(mode="promise_in_bounds"), tree)


def _weights(program: Supervised, plan: Plan, state: dict) -> Any:
    return plan.network(program.input_shape).join(program.trained(state), state["fixed"])


def _validate(program, shape: Shape, plan, weights, vrows, vcount, vdata, dtype) -> Array:
    """Added statistics of the validation rows; the first entry is the reported loss times the rows."""
    if shape.validation == 0:
        return jnp.zeros(program.size, dtype)
    most = plan.network(program.input_shape).block
    block = -(-min(most, shape.validation) // shape.shards) * shape.shards
    whole = shape.validation // block if program.batchwise else -(-shape.validation // block)
    count = vcount if shape.validation_indexed and not program.batchwise else shape.validation

    def add(index, total, size=block):
        own, first = _share(shape, size)
        places = index * block + first + jnp.arange(own, dtype=jnp.int32)
        mask = None if program.batchwise else (places < count).astype(dtype)
        places = jnp.where(places < count, places, 0)
        if shape.validation_indexed:
            places = vrows[places]
        take = lambda a: _rows_at(a, places)  # noqa: E731
        x, y, weight = vdata
        return total + program.evaluate(plan, weights, (take(x), take(y), take(weight), mask))

    total = jnp.zeros(program.size, dtype)
    total = add(0, total) if whole == 1 else lax.fori_loop(0, whole, add, total)
    if program.batchwise and shape.validation % block:
        total = add(whole, total, shape.validation % block)
    if shape.shards > 1:
        total = lax.psum(total, devices.ROWS)
    mean = total[0] / jnp.maximum(total[1], 1)
    return total.at[0].set(program.objective_of(plan, weights, mean) * total[1])


def _figure(program: Supervised, watcher: Any, sums: Array, vsums: Array) -> Array:
    name = watcher.monitor
    stats = vsums if name.startswith("val_") else sums
    return jnp.asarray(program.figures(stats)[name.removeprefix("val_")])


def _watch(rule: Any, value: Array, epoch: Array, state: dict) -> dict:
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


def _slow(rule: Any, value: Array, rate: Array, state: dict) -> dict:
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
