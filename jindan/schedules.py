"""Learning-rate schedules: the rate as a function of the update number (0, 1, 2, …)."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp

from .errors import InputError
from .lazy import defined
from .spec import COUNT, FRACTION, NOT_NEGATIVE, POSITIVE, UNIT, Number, Spec, item

Array = jax.Array


class LearningRateSchedule(Spec, kind="schedule"):
    """Base: calling it with the update number gives the rate."""

    def __call__(self, step: Any) -> Array:
        raise NotImplementedError


class ConstantRate(LearningRateSchedule):
    """The same rate throughout."""

    initial_learning_rate: float = item(default=0.01, rule=NOT_NEGATIVE, traced=True)

    def __call__(self, step: Any) -> Array:
        return jnp.asarray(self.initial_learning_rate) + 0 * _real(step)


class ExponentialDecay(LearningRateSchedule):
    """η₀ · rate^(t / decay_steps), the exponent floored when `staircase`.

    >>> round(float(ExponentialDecay(0.1, 10, 0.5)(20)), 4)
    0.025
    """

    initial_learning_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    decay_steps: float = item(rule=POSITIVE, traced=True)
    decay_rate: float = item(rule=POSITIVE, traced=True)
    staircase: bool = item(default=False)

    def __call__(self, step: Any) -> Array:
        exponent = _real(step) / self.decay_steps
        return self.initial_learning_rate * self.decay_rate ** (jnp.floor(exponent) if self.staircase else exponent)


class StepDecay(LearningRateSchedule):
    """η₀ · factor^⌊t / step_size⌋: the rate drops every `step_size` updates."""

    initial_learning_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    step_size: float = item(rule=POSITIVE, traced=True)
    factor: float = item(default=0.1, rule=POSITIVE, traced=True)

    def __call__(self, step: Any) -> Array:
        return self.initial_learning_rate * self.factor ** jnp.floor(_real(step) / self.step_size)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] while boundaries[i − 1] < t ≤ boundaries[i]."""

    boundaries: tuple[float, ...] = item()
    values: tuple[float, ...] = item()

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.values) != len(self.boundaries) + 1:
            raise InputError(
                "PiecewiseConstantDecay needs one value more than boundaries.",
                where="PiecewiseConstantDecay",
                expected=f"{len(self.boundaries) + 1} values",
                received=f"{len(self.values)} values",
                help="Give the rate before the first boundary too.",
            )

    def __call__(self, step: Any) -> Array:
        rate, t = jnp.asarray(self.values[0]), _real(step)
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = jnp.where(t > boundary, value, rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """(η₀ − η_end)(1 − t / decay_steps)^power + η_end, constant afterwards unless `cycle`."""

    initial_learning_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    decay_steps: float = item(rule=POSITIVE, traced=True)
    end_learning_rate: float = item(default=0.0001, rule=NOT_NEGATIVE, traced=True)
    power: float = item(default=1.0, rule=POSITIVE, traced=True)
    cycle: bool = item(default=False)

    def __call__(self, step: Any) -> Array:
        t, span = _real(step), jnp.asarray(self.decay_steps)
        if self.cycle:
            span = span * jnp.where(t == 0, 1.0, jnp.ceil(t / span))
        else:
            t = jnp.minimum(t, span)
        gap = self.initial_learning_rate - self.end_learning_rate
        return gap * (1 - t / span) ** self.power + self.end_learning_rate


class InverseTimeDecay(LearningRateSchedule):
    """η₀ / (1 + rate · t / decay_steps)."""

    initial_learning_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    decay_steps: float = item(rule=POSITIVE, traced=True)
    decay_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    staircase: bool = item(default=False)

    def __call__(self, step: Any) -> Array:
        ratio = _real(step) / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (jnp.floor(ratio) if self.staircase else ratio))


class CosineDecay(LearningRateSchedule):
    """η₀ ((1 − α) ½(1 + cos π t/T) + α), after an optional linear warm-up (Loshchilov & Hutter 2017)."""

    initial_learning_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    decay_steps: float = item(rule=POSITIVE, traced=True)
    alpha: float = item(default=0.0, rule=UNIT, traced=True)
    warmup_target: float | None = item(default=None, rule=NOT_NEGATIVE, traced=True)
    warmup_steps: float = item(default=0, rule=NOT_NEGATIVE, traced=True)

    def __call__(self, step: Any) -> Array:
        t = _real(step)
        if self.warmup_target is None:
            return self._decay(t, self.initial_learning_rate)
        start = self.initial_learning_rate
        warm = (self.warmup_target - start) * t / jnp.maximum(self.warmup_steps, 1) + start
        return jnp.where(t < self.warmup_steps, warm, self._decay(t - self.warmup_steps, self.warmup_target))

    def _decay(self, t: Array, top: Any) -> Array:
        cosine = 0.5 * (1 + jnp.cos(math.pi * jnp.minimum(t / self.decay_steps, 1.0)))
        return top * ((1 - self.alpha) * cosine + self.alpha)


class CosineDecayRestarts(LearningRateSchedule):
    """Cosine periods, each t_mul times longer and m_mul times lower than the last (SGDR)."""

    initial_learning_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    first_decay_steps: float = item(rule=POSITIVE, traced=True)
    t_mul: float = item(default=2.0, rule=Number(1))
    m_mul: float = item(default=1.0, rule=POSITIVE)
    alpha: float = item(default=0.0, rule=UNIT)

    def __call__(self, step: Any) -> Array:
        done = _real(step) / self.first_decay_steps
        if self.t_mul == 1.0:
            turn = jnp.floor(done)
            part = done - turn
        else:
            near = jnp.round(jnp.log(1 - done * (1 - self.t_mul)) / math.log(self.t_mul))
            # The logarithm is only near a whole number at a restart: comparing with the restart itself decides.
            turn = jnp.where(done >= self._begins(near), near, near - 1)
            part = (done - self._begins(turn)) / self.t_mul**turn
        cosine = 0.5 * self.m_mul**turn * (1 + jnp.cos(math.pi * part))
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)

    def _begins(self, turn: Array) -> Array:
        """Where a period begins, in first periods."""
        return (self.t_mul**turn - 1) / (self.t_mul - 1)


class WarmUp(LearningRateSchedule):
    """A linear rise over `warmup_steps` updates, then the schedule (or rate) given (Goyal et al. 2017)."""

    after: Any = item(kind="schedule", traced=True)
    warmup_steps: float = item(rule=COUNT, traced=True)
    start: float = item(default=0.0, rule=FRACTION)

    def __call__(self, step: Any) -> Array:
        t = _real(step)
        share = self.start + (1 - self.start) * jnp.minimum((t + 1) / self.warmup_steps, 1.0)
        later = jnp.maximum(t - self.warmup_steps, 0.0)
        return share * (self.after(later) if isinstance(self.after, LearningRateSchedule) else self.after)


def _real(step: Any) -> Array:
    return jnp.asarray(step).astype(jnp.result_type(float))


__all__ = defined(globals())
