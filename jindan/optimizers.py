"""Optimizers: one update equation each, as in the textbook, with Keras 3's defaults and epsilons.

Sorted from simple to complex. `g` is the gradient, `η` the learning rate, `t` the update number from 1.
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from . import schedules  # noqa: F401  (Keras users look for them here)
from .errors import InputError
from .lazy import defined
from .schedules import LearningRateSchedule
from .spec import FRACTION, NOT_NEGATIVE, POSITIVE, Number, Spec, item

Array = jax.Array
Slots = tuple[Any, ...]


class Optimizer(Spec, kind="optimizer"):
    """Base: subclasses give `slots` (what is remembered for each weight) and `update` (the equation for one array).

    Every optimizer takes, by keyword:
        weight_decay: Decoupled decay, w ← w − η λ w before the update (Loshchilov & Hutter 2019).
        clipnorm: Each gradient array is shrunk to this norm.
        clipvalue: Each gradient entry is clipped to ± this value.
        global_clipnorm: All gradients together are shrunk to this norm (Pascanu et al. 2013).
        gradient_accumulation_steps: Batches whose gradients are averaged for one update; as in Keras, what is gathered
            at an epoch's end goes on into the next, and a schedule counts batches.
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
        """One step for one weight array."""
        raise NotImplementedError

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
        """The learning rate for the update after `step` updates."""
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
        new, slots = [], []
        for w, g, old in zip(leaves, grads, state["slots"], strict=True):
            if self.weight_decay is not None:
                w = w - w * self.weight_decay * rate
            w, fresh = self.update(w, g, old, rate, t, shared)
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


class SGD(Optimizer):
    """Gradient descent, with momentum μ and Nesterov's look-ahead.

    v ← μ v − η g;  w ← w + v;  Nesterov: w ← w + μ v − η g  (Polyak 1964; Nesterov 1983).
    Batch GD, mini-batch and stochastic descent are this with batch size = rows, some, 1.
    """

    aliases: ClassVar[tuple[str, ...]] = ("gradient_descent", "gd")
    slot_names = ("velocity",)
    momentum: float = item(default=0.0, rule=FRACTION, traced=True)
    nesterov: bool = item(default=False)

    def slots(self, w: np.ndarray) -> Slots:
        return () if isinstance(self.momentum, (int, float)) and self.momentum == 0 else super().slots(w)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        if not slots:
            return w - rate * g, ()
        v = self.momentum * slots[0] - rate * g
        return w + (self.momentum * v - rate * g if self.nesterov else v), (v,)


class Momentum(SGD):
    """SGD with momentum 0.9."""

    momentum: float = item(default=0.9, rule=FRACTION, traced=True)


class NAG(SGD):
    """SGD with Nesterov's accelerated gradient, momentum 0.9 (Nesterov 1983; Sutskever et al. 2013)."""

    aliases: ClassVar[tuple[str, ...]] = ("nesterov",)
    momentum: float = item(default=0.9, rule=FRACTION, traced=True)
    nesterov: bool = item(default=True)


class Adagrad(Optimizer):
    """G ← G + g²;  w ← w − η g / √(G + ε) (Duchi et al. 2011)."""

    slot_names = ("accumulator",)
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    initial_accumulator_value: float = item(default=0.1, rule=NOT_NEGATIVE)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)

    def slots(self, w: np.ndarray) -> Slots:
        return (np.full_like(w, self.initial_accumulator_value),)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        total = slots[0] + g**2
        return w - rate * g / jnp.sqrt(total + self.epsilon), (total,)


class RMSprop(Optimizer):
    """v ← ρ v + (1 − ρ) g²;  w ← w − η g / √(v + ε), optionally centred and with momentum (Hinton 2012)."""

    slot_names = ("velocity", "momentum", "average")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    rho: float = item(default=0.9, rule=FRACTION)
    momentum: float = item(default=0.0, rule=FRACTION, traced=True)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)
    centered: bool = item(default=False)

    def slots(self, w: np.ndarray) -> Slots:
        moving = not (isinstance(self.momentum, (int, float)) and self.momentum == 0)
        return tuple(np.zeros_like(w) for wanted in (True, moving, self.centered) if wanted)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        rest = list(slots)
        v = self.rho * rest[0] + (1 - self.rho) * g**2
        fresh = [v]
        spread = v
        if self.centered:
            mean = self.rho * rest[-1] + (1 - self.rho) * g
            spread = v - mean**2
        step = rate * g / jnp.sqrt(spread + self.epsilon)
        if len(rest) == 2 + self.centered:
            step = self.momentum * rest[1] + step
            fresh.append(step)
        if self.centered:
            fresh.append(mean)
        return w - step, tuple(fresh)


class Adadelta(Optimizer):
    """Steps of the size of recent steps: Δ = −√(D + ε) / √(G + ε) · g, D and G running means (Zeiler 2012)."""

    slot_names = ("accumulated_gradient", "accumulated_step")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    rho: float = item(default=0.95, rule=FRACTION)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        grad = self.rho * slots[0] + (1 - self.rho) * g**2
        step = -jnp.sqrt(slots[1] + self.epsilon) / jnp.sqrt(grad + self.epsilon) * g
        return w + rate * step, (grad, self.rho * slots[1] + (1 - self.rho) * step**2)


class Adam(Optimizer):
    """m ← β₁m + (1−β₁)g;  v ← β₂v + (1−β₂)g²;  w ← w − η √(1−β₂ᵗ)/(1−β₁ᵗ) · m / (√v + ε) (Kingma & Ba 2015).

    `amsgrad` divides by the largest v so far (Reddi et al. 2018).
    """

    slot_names = ("m", "v")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    beta_1: float = item(default=0.9, rule=FRACTION)
    beta_2: float = item(default=0.999, rule=FRACTION)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)
    amsgrad: bool = item(default=False)

    def slots(self, w: np.ndarray) -> Slots:
        return tuple(np.zeros_like(w) for _ in range(3 if self.amsgrad else 2))

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        m = slots[0] + (g - slots[0]) * (1 - self.beta_1)
        v = slots[1] + (g**2 - slots[1]) * (1 - self.beta_2)
        size = rate * jnp.sqrt(1 - _power(self.beta_2, t)) / (1 - _power(self.beta_1, t))
        if self.amsgrad:
            top = jnp.maximum(slots[2], v)
            return w - size * m / (jnp.sqrt(top) + self.epsilon), (m, v, top)
        return w - size * m / (jnp.sqrt(v) + self.epsilon), (m, v)


class AdamW(Adam):
    """Adam with decoupled weight decay, 0.004 unless given (Loshchilov & Hutter 2019)."""

    weight_decay: float | None = item(default=0.004, rule=NOT_NEGATIVE, traced=True, optional=True)


class Adamax(Optimizer):
    """Adam with the infinity norm: u ← max(β₂u, |g|);  w ← w − η/(1−β₁ᵗ) · m / (u + ε) (Kingma & Ba 2015)."""

    slot_names = ("m", "u")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    beta_1: float = item(default=0.9, rule=FRACTION)
    beta_2: float = item(default=0.999, rule=FRACTION)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        m = slots[0] + (g - slots[0]) * (1 - self.beta_1)
        u = jnp.maximum(self.beta_2 * slots[1], jnp.abs(g))
        return w - rate / (1 - _power(self.beta_1, t)) * m / (u + self.epsilon), (m, u)


class Nadam(Optimizer):
    """Adam with Nesterov momentum and the schedule μₜ = β₁(1 − ½·0.96ᵗ) (Dozat 2016)."""

    slot_names = ("m", "v")
    learning_rate: Any = item(default=0.001, rule=NOT_NEGATIVE, kind="schedule", traced=True)
    beta_1: float = item(default=0.9, rule=FRACTION)
    beta_2: float = item(default=0.999, rule=FRACTION)
    epsilon: float = item(default=1e-7, rule=NOT_NEGATIVE)

    def shared(self, dtype: Any) -> Any:
        return np.ones((), dtype)

    def advance(self, shared: Any, t: Array) -> Any:
        return shared * self._mu(t)

    def _mu(self, t: Array) -> Array:
        return self.beta_1 * (1.0 - 0.5 * _power(0.96, t))

    def update(self, w: Array, g: Array, slots: Slots, rate: Array, t: Array, shared: Any) -> tuple[Array, Slots]:
        m = slots[0] + (g - slots[0]) * (1 - self.beta_1)
        v = slots[1] + (g**2 - slots[1]) * (1 - self.beta_2)
        ahead = self._mu(t + 1)
        m_hat = ahead * m / (1 - shared * ahead) + (1 - self._mu(t)) * g / (1 - shared)
        v_hat = v / (1 - _power(self.beta_2, t))
        return w - rate * m_hat / (jnp.sqrt(v_hat) + self.epsilon), (m, v)


def _power(base: float, t: Array) -> Array:
    # exp(t log b) with log b exact: a float32 power of 0.999 loses three digits.
    return jnp.exp(t * math.log(base)) if base > 0 else jnp.zeros_like(t)


def _shrink(g: Array, norm: Array, limit: Any) -> Array:
    return g * jnp.where(norm > limit, limit / jnp.where(norm > 0, norm, 1.0), 1.0)


__all__ = defined(globals())
