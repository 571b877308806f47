"""What an optimizer is: an update for each array, what it remembers, clipping, decay, gathering of gradients."""

from __future__ import annotations

from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from ..errors import InputError, undefined
from ..lazy import defined
from ..schedules import LearningRateSchedule
from ..spec import NOT_NEGATIVE, POSITIVE, Number, Spec, item

Array = jax.Array
Slots = tuple[Any, ...]


class Optimizer(Spec, kind="optimizer"):
    """Base: subclasses give `slots` (what is remembered for each weight) and `update` (the equation for one array).

    Every optimizer takes, by keyword:
        learning_rate (lr): η, a number >= 0 or a schedule; it may be given first, too.
        weight_decay: Decoupled decay of every array, w ← w − η λ w before the update (Loshchilov & Hutter 2019).
        clipnorm: Each gradient array is shrunk to this norm.
        clipvalue: Each gradient entry is clipped to ± this value.
        global_clipnorm: All gradients together are shrunk to this norm (Pascanu et al. 2013).
        gradient_accumulation_steps: Batches whose gradients are averaged for one update; as in Keras, what is gathered
            at an epoch's end goes on into the next, and a schedule counts batches.

    Raises:
        InputError: when two ways of clipping are given, or a function for a rate.

    >>> from jindan.optimizers import SGD
    >>> optimizer, w = SGD(1.0, clipnorm=1.0), {"kernel": np.zeros(2, np.float32)}
    >>> w, state = optimizer.apply(w, {"kernel": np.array([3.0, 4.0], np.float32)}, optimizer.init(w))
    >>> [round(v, 3) for v in w["kernel"].tolist()], int(state["step"])
    ([-0.6, -0.8], 1)

    Sources: Loshchilov & Hutter, "Decoupled weight decay regularization", 2019; Pascanu, Mikolov & Bengio, "On the
    difficulty of training recurrent neural networks", 2013.
    """

    slot_names: ClassVar[tuple[str, ...]] = ()
    elementwise: ClassVar[bool] = True  # whether `update` treats each number alone, so that arrays may be joined
    learning_rate: Any = item(default=0.01, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    weight_decay: float | None = item(default=None, rule=NOT_NEGATIVE, traced=True, kw_only=True)
    clipnorm: float | None = item(default=None, rule=POSITIVE, traced=True, kw_only=True)
    clipvalue: float | None = item(default=None, rule=POSITIVE, traced=True, kw_only=True)
    global_clipnorm: float | None = item(default=None, rule=POSITIVE, traced=True, kw_only=True)
    gradient_accumulation_steps: int | None = item(default=None, rule=Number(2, integer=True), kw_only=True)
    lr: float | None = item(default=None, rule=NOT_NEGATIVE, host=True, kw_only=True)

    def __post_init__(self) -> None:
        if self.lr is not None:
            object.__setattr__(self, "learning_rate", self.lr)
            object.__setattr__(self, "lr", None)
        super().__post_init__()
        clips = [n for n in ("clipnorm", "clipvalue", "global_clipnorm") if getattr(self, n) is not None]
        if len(clips) > 1:
            raise InputError(
                "Only one way of clipping gradients can be in force.",
                where=type(self).__name__,
                expected="one of clipnorm, clipvalue, global_clipnorm",
                received=", ".join(clips),
                help=f"Keep {clips[-1]} and leave the others out.",
            )
        if callable(self.learning_rate) and not isinstance(self.learning_rate, LearningRateSchedule):
            raise InputError(
                "The rate of an optimizer is no function.", where=f"learning_rate of {type(self).__name__}",
                expected="a number >= 0, or a schedule", received=repr(self.learning_rate),
                help="Use one of jindan.schedules, or LearningRateScheduler(lambda epoch: …) in fit's callbacks.",
            )  # fmt: skip

    # -- what a subclass gives ---------------------------------------------------------------------------------

    def slots(self, w: np.ndarray) -> Slots:
        """The start of what is remembered for one weight array."""
        return tuple(np.zeros_like(w) for _ in self.slot_names)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        """One step for one weight array.

        Args:
            w: The weights.
            g: Their gradient, clipped.
            slots: What is remembered of them.
            rate: η of this update.
            t: The number of this update, from 1.
            shared: What is remembered once for all arrays.

        Returns:
            The new weights and slots.
        """
        raise undefined(self, "update(self, w, g, slots, rate, t, shared)", "the new weights and slots")

    def shared(self, dtype: Any) -> Any:
        """The start of what is remembered once for all arrays (`()` for nearly all)."""
        return ()

    def advance(self, shared: Any, t: Array) -> Any:
        """Move the shared memory to update t, before the arrays are updated."""
        return shared

    # -- what the engine calls ---------------------------------------------------------------------------------

    def init(self, weights: Any) -> dict[str, Any]:
        """The optimizer's memory for a tree of weights, in NumPy."""
        leaves = jax.tree.leaves(weights)
        dtype = leaves[0].dtype if leaves else np.float32
        state = {
            "step": np.int32(0),
            "slots": tuple(self.slots(leaf) for leaf in leaves),
            "shared": self.shared(dtype),
        }
        if self.gradient_accumulation_steps is not None:
            state["gathered"] = tuple(np.zeros_like(leaf) for leaf in leaves)
            state["batches"] = np.int32(0)
        return state

    def batches(self, state: dict[str, Any]) -> Any:
        """How many batches the memory has seen: as many as updates, unless gradients are gathered."""
        if self.gradient_accumulation_steps is None:
            return state["step"]
        return state["step"] * self.gradient_accumulation_steps + state["batches"]

    def rate(self, step: Array, dtype: Any = None) -> Array:
        """The learning rate for the update after `step` updates.

        >>> from jindan.optimizers import SGD
        >>> from jindan.schedules import StepDecay
        >>> [round(float(SGD(StepDecay(0.1, 10)).rate(step)), 3) for step in (9, 10)]
        [0.1, 0.01]
        """
        rate = self.learning_rate
        if self.gradient_accumulation_steps is not None:
            # As in Keras, a schedule counts batches: an update comes with the last of those gathered.
            step = (step + 1) * self.gradient_accumulation_steps - 1
        rate = rate(step) if isinstance(rate, LearningRateSchedule) else jnp.asarray(rate)
        return rate.astype(dtype) if dtype is not None else rate

    def apply(self, weights: Any, gradients: Any, state: dict[str, Any], scale: Any = None) -> tuple[Any, dict]:
        """One update of a tree of weights; `scale` multiplies the rate (reduce-on-plateau)."""
        leaves, form = jax.tree.flatten(weights)
        if not leaves:
            return weights, state
        found = jax.tree.leaves(gradients)
        if self.gradient_accumulation_steps is None:
            new, state = self._update(leaves, found, state, scale)
        else:
            new, state = self._gather(leaves, found, state, scale)
        return jax.tree.unflatten(form, new), state

    def _gather(self, leaves: list[Array], found: list[Array], state: dict, scale: Any) -> tuple[list, dict]:
        """Add the gradients to those gathered; with the last of them, one update by their mean."""
        total = tuple(old + new for old, new in zip(state["gathered"], found, strict=True))
        count = state["batches"] + 1

        def update(_: Any) -> tuple[list, dict]:
            mean = [g / self.gradient_accumulation_steps for g in total]
            new, fresh = self._update(leaves, mean, state, scale)
            return new, {**fresh, "gathered": tuple(map(jnp.zeros_like, total)), "batches": jnp.zeros_like(count)}

        def wait(_: Any) -> tuple[list, dict]:
            return leaves, {**state, "gathered": total, "batches": count}

        return jax.lax.cond(count == self.gradient_accumulation_steps, update, wait, None)

    def _update(self, leaves: list[Array], found: list[Array], state: dict, scale: Any) -> tuple[list, dict]:
        grads = self._clip(found)
        dtype = leaves[0].dtype
        rate = self.rate(state["step"], dtype)
        if scale is not None:
            rate = rate * scale.astype(dtype)
        t = (state["step"] + 1).astype(dtype)
        shared = self.advance(state["shared"], t)
        # Where an update is traced rather than done, arrays of one shape are traced once.
        traced = isinstance(leaves[0], jax.core.Tracer)
        update = jax.jit(lambda *given: self.update(*given)) if traced else self.update
        new, slots = [], []
        for w, g, old in zip(leaves, grads, state["slots"], strict=True):
            if self.weight_decay is not None:
                w = w - w * self.weight_decay * rate
            w, fresh = update(w, g, old, rate, t, shared)
            new.append(w)
            slots.append(fresh)
        return new, {**state, "step": state["step"] + 1, "slots": tuple(slots), "shared": shared}

    def _clip(self, grads: list[Array]) -> list[Array]:
        if self.clipvalue is not None:
            return [jnp.clip(g, -self.clipvalue, self.clipvalue) for g in grads]
        if self.clipnorm is not None:
            return [_shrink(g, jnp.sqrt(jnp.sum(g**2)), self.clipnorm) for g in grads]
        if self.global_clipnorm is not None:
            norm = jnp.sqrt(sum((jnp.sum(g**2) for g in grads), jnp.zeros((), grads[0].dtype)))
            return [_shrink(g, norm, self.global_clipnorm) for g in grads]
        return grads


def _shrink(g: Array, norm: Array, limit: Any) -> Array:
    return g * jnp.where(norm > limit, limit / jnp.where(norm > 0, norm, 1.0), 1.0)


__all__ = defined(globals())
