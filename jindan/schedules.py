"""Learning-rate schedules: the rate as a function of the update number (0, 1, 2, …)."""

from __future__ import annotations

import itertools
import math
from typing import Any

import jax
import jax.numpy as jnp

from .errors import InputError, undefined
from .lazy import defined
from .spec import COUNT, FRACTION, NOT_NEGATIVE, POSITIVE, UNIT, Number, Spec, item

Array = jax.Array


class LearningRateSchedule(Spec, kind="schedule"):
    """Base: calling it with the update number, from 0, gives the rate.

    Updates are counted, not epochs: an epoch has ⌈rows / batch size⌉ of them.

    >>> [round(float(StepDecay(0.1, 10)(t)), 3) for t in (9, 10)]
    [0.1, 0.01]
    """

    def __call__(self, step: Any) -> Array:
        """The rate for the update after `step` updates, a number."""
        raise undefined(self, "__call__(self, step)", "the rate after `step` updates")


class ConstantRate(LearningRateSchedule):
    """The same rate throughout.

    Args:
        initial_learning_rate: It.

    >>> round(float(ConstantRate(0.1)(1000)), 3)
    0.1
    """

    initial_learning_rate: float = item(default=0.01, rule=NOT_NEGATIVE, traced=True)

    def __call__(self, step: Any) -> Array:
        return jnp.asarray(self.initial_learning_rate) + 0 * _real(step)


class ExponentialDecay(LearningRateSchedule):
    """η₀ · rate^(t / decay_steps), the exponent floored when `staircase`.

    Args:
        initial_learning_rate: η₀.
        decay_steps: Updates until the rate is `decay_rate` times what it was.
        decay_rate: Factor.
        staircase: Whether the rate drops at once, every `decay_steps` updates.

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
    """η₀ · factor^⌊t / step_size⌋: the rate drops every `step_size` updates.

    Args:
        initial_learning_rate: η₀.
        step_size: Updates from drop to drop.
        factor: What the rate is multiplied by.

    >>> [round(float(StepDecay(0.1, 10, factor=0.5)(t)), 3) for t in (0, 9, 10, 20)]
    [0.1, 0.1, 0.05, 0.025]
    """

    initial_learning_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    step_size: float = item(rule=POSITIVE, traced=True)
    factor: float = item(default=0.1, rule=POSITIVE, traced=True)

    def __call__(self, step: Any) -> Array:
        return self.initial_learning_rate * self.factor ** jnp.floor(_real(step) / self.step_size)


class PiecewiseConstantDecay(LearningRateSchedule):
    """values[i] while boundaries[i − 1] < t ≤ boundaries[i].

    Args:
        boundaries: Update numbers, not falling.
        values: Rates, one more.

    Raises:
        InputError: when there are not one more values than boundaries, boundaries fall, or rates are negative.

    >>> [round(float(PiecewiseConstantDecay((10,), (0.1, 0.01))(t)), 3) for t in (10, 11)]
    [0.1, 0.01]
    """

    boundaries: tuple[float, ...] = item()
    values: tuple[float, ...] = item()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._numbers("boundaries", Number())
        self._numbers("values", NOT_NEGATIVE)
        if any(a > b for a, b in itertools.pairwise(self.boundaries)):
            raise InputError(
                "The boundaries of PiecewiseConstantDecay fall.", where="boundaries of PiecewiseConstantDecay",
                expected="update numbers in their order", received=repr(self.boundaries), help="Sort them.",
            )  # fmt: skip
        if len(self.values) != len(self.boundaries) + 1:
            raise InputError(
                "PiecewiseConstantDecay needs one value more than boundaries.",
                where="PiecewiseConstantDecay",
                expected=f"{len(self.boundaries) + 1} values",
                received=f"{len(self.values)} values",
                help="Give the rate before the first boundary too.",
            )

    def _numbers(self, name: str, rule: Number) -> None:
        given = getattr(self, name)
        found = given.tolist() if hasattr(given, "tolist") else given
        found = (
            tuple(v.item() if hasattr(v, "item") else v for v in found) if isinstance(found, (tuple, list)) else None
        )
        if found is None or not all(map(rule.accepts, found)):
            raise InputError(
                f"The {name} of PiecewiseConstantDecay must be numbers.", where=f"{name} of PiecewiseConstantDecay",
                expected=f"a list, each {rule}", received=repr(given),
                help="PiecewiseConstantDecay([1000, 2000], [0.1, 0.01, 0.001])",
            )  # fmt: skip
        object.__setattr__(self, name, found)

    def __call__(self, step: Any) -> Array:
        rate, t = jnp.asarray(self.values[0]), _real(step)
        for boundary, value in zip(self.boundaries, self.values[1:], strict=True):
            rate = jnp.where(t > boundary, value, rate)
        return rate


class PolynomialDecay(LearningRateSchedule):
    """(η₀ − η_end)(1 − t / decay_steps)^power + η_end, constant afterwards unless `cycle`.

    Args:
        initial_learning_rate: η₀.
        decay_steps: Updates until η_end is reached.
        end_learning_rate: η_end.
        power: 1 is a straight line.
        cycle: Whether decay_steps is taken ⌈t / decay_steps⌉ times, so that the rate jumps up again and falls slower.

    >>> [round(float(PolynomialDecay(0.1, 10, end_learning_rate=0.0)(t)), 3) for t in (0, 5, 20)]
    [0.1, 0.05, 0.0]
    """

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
    """η₀ / (1 + rate · t / decay_steps), t / decay_steps floored when `staircase`.

    Args:
        initial_learning_rate: η₀.
        decay_steps: Updates that count as one.
        decay_rate: rate.
        staircase: Whether the rate drops at once, every `decay_steps` updates.

    >>> [round(float(InverseTimeDecay(0.1, 10, 1.0)(t)), 3) for t in (0, 10, 30)]
    [0.1, 0.05, 0.025]

    Source: Robbins & Monro, "A stochastic approximation method", 1951.
    """

    initial_learning_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    decay_steps: float = item(rule=POSITIVE, traced=True)
    decay_rate: float = item(rule=NOT_NEGATIVE, traced=True)
    staircase: bool = item(default=False)

    def __call__(self, step: Any) -> Array:
        ratio = _real(step) / self.decay_steps
        return self.initial_learning_rate / (1 + self.decay_rate * (jnp.floor(ratio) if self.staircase else ratio))


class CosineDecay(LearningRateSchedule):
    """η₀ ((1 − α) ½(1 + cos π t/T) + α), after an optional linear warm-up; constant from T on.

    Args:
        initial_learning_rate: η₀, or where the warm-up begins.
        decay_steps: T, updates after the warm-up.
        alpha: α, the share of the rate that is left in the end.
        warmup_target: Where the warm-up ends and the decay begins; None is no warm-up.
        warmup_steps: Updates of warm-up.

    >>> [round(float(CosineDecay(0.1, 10)(t)), 3) for t in (0, 5, 10)]
    [0.1, 0.05, 0.0]

    Source: Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """

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
    """Cosine periods, each t_mul times as long as the last and beginning m_mul times as high.

    Args:
        initial_learning_rate: Where the first period begins.
        first_decay_steps: Updates of the first period.
        t_mul, m_mul: Factors from period to period.
        alpha: The share of the first rate that is left at a period's end.

    >>> [round(float(CosineDecayRestarts(0.1, 10)(t)), 3) for t in (0, 5, 10, 20)]
    [0.1, 0.05, 0.1, 0.05]

    Source: Loshchilov & Hutter, "SGDR: stochastic gradient descent with warm restarts", 2017.
    """

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
    """A linear rise over `warmup_steps` updates, then the schedule (or rate) given, counted from there.

    Update t has the share start + (1 − start) (t + 1) / warmup_steps of the first rate.

    Args:
        after: The schedule or rate.
        warmup_steps: Updates of the rise.
        start: The share it rises from.

    >>> [round(float(WarmUp(0.1, 4)(t)), 3) for t in (0, 1, 3, 100)]
    [0.025, 0.05, 0.1, 0.1]

    Source: Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017.
    """

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
