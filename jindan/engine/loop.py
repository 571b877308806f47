"""The compiled loop: epochs of shuffled batches, evaluation, early stopping, for one member or many."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

from ..layers.base import Array, is_zero
from ..ops.calls import after
from ..plan import Plan
from . import batches, devices, devicewise, rules, shuffle
from .shape import Shape
from .supervised import Supervised

HISTORY = 256  # epochs one call can record
LARGE = 100_000  # bytes of a batch from which on it is fetched ahead
OWN = 8  # arguments of the loop that each member has for itself: the first ones


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


def unordered(shape: Shape, state: dict[str, Any]) -> dict[str, Any]:
    """A member's state as the loop takes it, with room for the order of an epoch's rows if it keeps that."""
    return {**state, "order": shuffle.room(shape.capacity)} if shape.keeps_order else state


@lru_cache(maxsize=256)
def compiled_loop(program: Supervised, shape: Shape) -> Any:
    """The jitted loop.

    Arguments of the result, the first group with a leading member axis unless there is one member alone:
        state, values, seed, rows, count, validation rows, validation count, epochs;
        data (x, y, weight), validation data (x, y, weight), bounds (epoch, step, last epoch, last step).
    States are packed where the program packs them. It runs from (epoch, step) up to (last epoch, last step) and returns
    the state and the epochs' statistics.
    """
    layout = shape.layout
    run = partial(_run, program, shape)
    if not layout.single:
        run = partial(_in_turn, run, layout.turns, layout.tile)
    if layout.devices > 1:
        own, shared = P(devices.MEMBERS), P()
        return devicewise.jit(run, devices.mesh(layout.devices, devices.MEMBERS), (*[own] * OWN, *[shared] * 3), own)
    if shape.shards > 1:
        # Each device has everything and takes its share of the rows of a batch; gradients are added up.
        return devicewise.jit(run, devices.mesh(shape.shards), P(), P())
    return jax.jit(run, donate_argnums=0)


def _in_turn(run: Any, turns: int, tile: int, *given: Any) -> Any:
    """A device's members, tile after tile: one that has stopped altogether costs nothing."""
    own, shared = given[:OWN], given[OWN:]
    if turns == 1:
        if tile > 1:
            return run(*own, *shared)
        return jax.tree.map(lambda a: a[None], run(*jax.tree.map(lambda a: a[0], own), *shared))
    form = (turns,) if tile == 1 else (turns, tile)
    split = jax.tree.map(lambda a: a.reshape(*form, *a.shape[1:]), own)
    found = lax.map(lambda piece: run(*piece, *shared), split)
    return found if tile == 1 else jax.tree.map(lambda a: a.reshape(turns * tile, *a.shape[2:]), found)


def _run(program: Supervised, shape: Shape, state, values, seed, rows, count, vrows, vcount, epochs, data, vdata,
         bounds) -> tuple[Any, Array]:  # fmt: skip
    """One tile. Loops and their bounds are common to its members, so that none of their steps is conditional; one
    that has ended computes along, and its state is put back at the end of each piece."""
    many = shape.layout.tile > 1
    over = partial(_over, many)
    size, dtype = program.size, np.dtype(program.outline.dtype)
    first_epoch, first_step, last_epoch, last_step = bounds
    member = _Member(program, shape, data, vdata)
    ends = program.outline.early_stopping is not None or shape.own_epochs
    lengths = shape.count if shape.count is not None else count
    counts = None if shape.count is not None else count
    steps = None if counts is None else -(-counts // shape.batch_size)

    def going(epoch, state):
        """Which members go on."""
        live = jnp.ones(seed.shape, bool)
        if program.outline.early_stopping is not None:
            live = live & ~state["stop"]["stopped"]
        return live & (epoch < epochs) if shape.own_epochs else live

    def number(values, epoch):
        """The number of an epoch, counted from the plan's first."""
        first: Any = program.filled(values).initial_epoch
        return epoch if is_zero(first) else epoch + first.astype(epoch.dtype)

    def one_epoch(carry):
        epoch, before, buffer = carry
        order = None
        if shape.shuffled:
            find = over(lambda s, n, v: shuffle.order(s, number(v, epoch), shape.capacity, n))
            find = partial(find, seed, lengths, values)
            if shape.keeps_order:
                order, kept = shuffle.recalled(before["order"], epoch, find)
                before = {**before, "order": kept}
            else:
                order = find()

        def update(index, state, size=shape.batch_size):
            return over(partial(member.update, index, size))(state, values, keys, rows, counts, order)

        def maybe(index, state):
            return _where(many, index < steps, update(index, state), state)

        start = jnp.where(epoch == first_epoch, first_step, 0)
        stop = jnp.where(epoch == last_epoch, last_step, shape.steps)
        rest = shape.count % shape.batch_size if program.batchwise and shape.count is not None else 0
        whole = shape.sure_steps - (rest > 0)
        if not many and member.ahead():
            state = member.updates(start, jnp.minimum(stop, whole), before, values, keys, rows, counts, order)
        else:
            state = lax.fori_loop(start, jnp.minimum(stop, whole), update, before)
        if rest:
            last = (stop == shape.steps) & (start <= whole)
            state = lax.cond(last, lambda s: update(jnp.asarray(whole), s, rest), lambda s: s, state)
        if shape.sure_steps < shape.steps:
            # Members with fewer rows make no update here, and their optimizers' clocks stand still.
            state = lax.fori_loop(jnp.maximum(start, shape.sure_steps), stop, maybe, state)

        def finish(args):
            state, buffer = args
            state, row = over(partial(member.finish, epoch))(state, values, vrows, vcount)
            return state, lax.dynamic_update_slice_in_dim(
                buffer, row[:, None] if many else row[None], epoch - first_epoch, int(many)
            )

        state, buffer = lax.cond(stop == shape.steps, finish, lambda args: args, (state, buffer))
        if ends and many:
            state = _where(many, going(epoch, before), state, before)
        return epoch + 1, state, buffer

    def more(carry):
        epoch, state, _ = carry
        wanted = epoch < jnp.where(last_step > 0, last_epoch + 1, last_epoch)
        return wanted & jnp.any(going(epoch, state)) if ends else wanted

    keys = over(jax.random.key)(seed) if program.random else None
    buffer = jnp.zeros((*seed.shape, HISTORY, 2 * size + 1), dtype)
    _, state, buffer = lax.while_loop(more, one_epoch, (first_epoch, state, buffer))
    return state, buffer


class _Member:
    """What one member does in an update and at the end of an epoch."""

    def __init__(self, program: Supervised, shape: Shape, data: Any, vdata: Any) -> None:
        self.program, self.shape, self.data, self.vdata = program, shape, data, vdata
        outline = program.outline
        self.dtype = np.dtype(outline.dtype)
        self.stopping, self.plateau = outline.early_stopping, outline.reduce_on_plateau
        self.axis = devices.ROWS if shape.shards > 1 else None

    def update(self, index, size, state, values, key, rows, count, order) -> dict:
        """The state after one more batch."""
        return self.by(self.batch(index, size, rows, count, order), state, values, key)

    def updates(self, start, stop, state, values, key, rows, count, order) -> dict:
        """The state after several whole batches; the rows of each are fetched at the end of the update before it."""
        size, last = self.shape.batch_size, self.shape.steps - 1

        def one(index, carry):
            state, batch = carry
            state = self.by(batch, state, values, key)
            # The place is known once the batch has been used, so that the next takes over its memory.
            ahead = jnp.minimum(index + 1, last) + after(state["trained"]).astype(index.dtype)
            return state, self.batch(ahead, size, rows, count, order)

        first = self.batch(jnp.minimum(start, last), size, rows, count, order)
        return lax.fori_loop(start, stop, one, (state, first))[0]

    def batch(self, index, size, rows, count, order) -> tuple:
        """The rows of one update."""
        n = self.shape.count if count is None else count
        return batches.batch(self.shape, self.dtype, self.data, rows, order, index, n, size)

    def ahead(self) -> bool:
        """Whether batches are fetched an update ahead: large ones, which otherwise lie far from the processor when the
        update begins, with one core that waits for them and another that sleeps (of an MLP's update 2 %)."""
        leaves = jax.tree.leaves(self.data)
        each = sum(leaf.size // max(1, len(leaf)) * leaf.dtype.itemsize for leaf in leaves)
        large = each * self.shape.batch_size >= LARGE
        return large and self.shape.shards == 1 and not devices.accelerated()

    def by(self, batch, state, values, key) -> dict:
        """The state after an update by these rows."""
        program = self.program
        plan = program.filled(values)
        number = plan.optimizer.batches(state["optimizer"])
        key = None if key is None else jax.random.fold_in(key, number)
        scale = state["plateau"]["scale"] if self.plateau is not None else None
        core = {name: state[name] for name in ("trained", "fixed", "optimizer")}
        core, stats = program.step(plan, core, batch, key, scale, self.axis)
        bad = jnp.where((state["nonfinite"] < 0) & ~jnp.isfinite(stats[0]), number, state["nonfinite"])
        return {**state, **core, "sums": compensated(state["sums"], stats), "nonfinite": bad}

    def finish(self, epoch, state, values, vrows, vcount) -> tuple[dict, Array]:
        """The state at the end of an epoch, and the epoch's statistics."""
        program = self.program
        plan = program.filled(values)
        sums = state["sums"][0]
        weights = batches.weights_of(program, plan, state)
        vsums = batches.validate(program, self.shape, plan, weights, vrows, vcount, self.vdata, self.dtype)
        rate = plan.optimizer.rate(jnp.maximum(state["optimizer"]["step"] - 1, 0), self.dtype)
        if self.plateau is not None:
            rate = rate * state["plateau"]["scale"]
        row = jnp.concatenate([sums, vsums, rate[None]])
        state = {**state, "sums": jnp.zeros_like(state["sums"]), "epochs": epoch + 1}
        if self.stopping is not None:
            figure = rules.figure(program, self.stopping, sums, vsums)
            state = rules.watch(plan.early_stopping, figure, epoch, state)
        if self.plateau is not None:
            base = plan.optimizer.rate(state["optimizer"]["step"], self.dtype)
            figure = rules.figure(program, self.plateau, sums, vsums)
            state = rules.slow(plan.reduce_on_plateau, figure, base, state)
        return state, row


def _over(many: bool, function: Any) -> Any:
    """The function for each member side by side; what is None or a static number is common to them."""
    if not many:
        return function

    def call(*given: Any) -> Any:
        axes = tuple(None if g is None or isinstance(g, int) else 0 for g in given)
        return jax.vmap(function, axes)(*given)

    return call


def _where(many: bool, chosen: Array, new: Any, old: Any) -> Any:
    """Members' new states where chosen, else the old ones."""
    if not many:
        return jax.tree.map(lambda a, b: jnp.where(chosen, a, b), new, old)
    return jax.tree.map(lambda a, b: jnp.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b), new, old)


def compensated(sums: Array, stats: Array) -> Array:
    """Add to (sums, what they lack): compensated, as a float32 sum of many small terms loses digits (Kahan 1965)."""
    term = stats - sums[1]
    total = sums[0] + term
    return jnp.stack([total, (total - sums[0]) - term])
