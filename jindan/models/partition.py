"""The partition function of a restricted Boltzmann machine: exact for a small side, estimated by AIS otherwise.

Z = Σᵥ exp(−F(v)) makes a likelihood of free energies: log p(v) = −F(v) − log Z.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..engine import compiling, devices
from ..errors import InputError
from . import rbm_draws as draws
from .rbm import BERNOULLI, Params, drive, softplus

Array = jax.Array
LARGEST = 22  # units of the smaller side whose states are counted out: 4 million
BLOCK = 12  # of these, units counted out at once
LOG_2PI = float(np.log(2 * np.pi))


@dataclass(frozen=True)
class LogZ:
    """log Z and how well it is known.

    Attributes:
        value: log Z, in nats.
        error: Standard error of Ẑ relative to Ẑ, which is that of log Ẑ where it is small; 0 for an exact one.
        low, high: log(Ẑ ± 3 standard errors); low is −∞ where the interval reaches 0.
        exact: Whether all states were counted out.
    """

    value: float
    error: float
    low: float
    high: float
    exact: bool


def log_z(params: Params, visible: str = BERNOULLI, *, seed: int = 0, base: Any = None) -> LogZ:
    """Exact where the smaller side has at most 16 units, by `annealed` otherwise.

    >>> params = {"kernel": np.zeros((3, 2)), "visible_bias": np.zeros(3), "hidden_bias": np.zeros(2)}
    >>> round(log_z(params).value, 4)  # 5 log 2
    3.4657
    """
    inputs, units = params["kernel"].shape
    if min(units, inputs if visible == BERNOULLI else units) <= 16:
        return exact(params, visible)
    return annealed(params, visible, temperatures=np.linspace(0, 1, 2001), seed=seed, base=base)


def exact(params: Params, visible: str = BERNOULLI) -> LogZ:
    """log Z by counting out the states of the smaller side, in float64; hidden units, where v are Gaussian.

    Σᵥ over Bernoulli units given h is Πᵢ (1 + exp(bᵢ + (Wh)ᵢ)) exp(c·h); the integral over Gaussian ones is
    (2π)^(m/2) exp(b·Wh + ½‖Wh‖² + c·h).

    Raises:
        InputError: when that side has more than 22 units.
    """
    kernel, b, c = (np.asarray(params[name], np.float64) for name in ("kernel", "visible_bias", "hidden_bias"))
    if visible == BERNOULLI and kernel.shape[0] < kernel.shape[1]:
        kernel, b, c = kernel.T, c, b
    units = kernel.shape[1]
    if units > LARGEST:
        raise InputError("There are too many units to count out their states.", where="log Z",
                         expected=f"at most {LARGEST} on one side", received=units,
                         help="Estimate it by annealed importance sampling.")  # fmt: skip
    low = states(min(units, BLOCK))
    parts = []
    for rest in states(units - low.shape[1]):
        h = np.concatenate([low, np.broadcast_to(rest, (len(low), len(rest)))], 1)
        received = h @ kernel.T
        if visible == BERNOULLI:
            own = np.logaddexp(0, received + b).sum(1)
        else:
            own = received @ b + 0.5 * (received**2).sum(1) + 0.5 * len(b) * LOG_2PI
        parts.append(log_sum(own + h @ c))
    value = float(log_sum(np.array(parts)))
    return LogZ(value, 0.0, value, value, True)


def states(units: int) -> np.ndarray:
    """All states of so many binary units, (2ⁿ, n)."""
    return ((np.arange(2**units)[:, None] >> np.arange(units)) & 1).astype(np.float64)


def annealed(
    params: Params,
    visible: str = BERNOULLI,
    *,
    runs: int = 100,
    temperatures: Any = None,
    base: Any = None,
    seed: int = 0,
) -> LogZ:
    """log Z by annealed importance sampling (Neal 2001; Salakhutdinov & Murray 2008).

    Each run draws v from a machine without connections and passes through p_β(v) ∝ exp((1 − β) a·v + β b·v) Πⱼ (1 +
    exp(β (c + vW)ⱼ)) for β from 0 to 1, a Gibbs step at each; its weight is Π p*_βₖ(v) / p*_βₖ₋₁(v), whose mean over
    runs is Z/Z₀ without bias, with Z₀ known.

    Args:
        params: The machine's.
        visible: "bernoulli" or "gaussian".
        runs: Independent runs.
        temperatures: β from 0 to 1, increasing; 14,500 of them unless given, spaced as in the paper.
        base: a (m,), biases of the machine at β = 0; b unless given. Log-odds of the data's means are better.
        seed: Of the draws.

    Returns:
        The estimate, with the standard error of the mean of the weights.
    """
    devices.start()
    if temperatures is None:
        low, middle = np.linspace(0, 0.5, 500, endpoint=False), np.linspace(0.5, 0.9, 4000, endpoint=False)
        temperatures = np.concatenate([low, middle, np.linspace(0.9, 1, 10_000)])
    betas = np.asarray(temperatures, np.float64)
    if betas.ndim != 1 or len(betas) < 2 or betas[0] != 0 or betas[-1] != 1 or np.any(np.diff(betas) <= 0):
        raise InputError(
            "The temperatures cannot be used.", where="temperatures", expected="0 = β₀ < β₁ < … = 1",
            received=f"{betas.size} numbers", help="np.linspace(0, 1, 1000)",
        )  # fmt: skip
    dtype = params["kernel"].dtype
    a = np.asarray(params["visible_bias"] if base is None else base, dtype)
    with devices.width(str(dtype)):
        key = jax.random.key(np.uint32(seed & 0xFFFFFFFF))
        weights = np.asarray(_annealer(visible)(params, a, betas.astype(dtype), key, np.zeros(runs, dtype)), np.float64)
    free = np.asarray(a, np.float64)
    units = params["kernel"].shape[1]
    if visible == BERNOULLI:
        start = np.logaddexp(0, free).sum() + units * np.log(2)
    else:
        # Inside, ½‖v‖² − b·v stands for ½‖v − b‖², which is larger by ½‖b‖².
        b = np.asarray(params["visible_bias"], np.float64)
        start = 0.5 * (free**2).sum() + 0.5 * len(free) * LOG_2PI + units * np.log(2) - 0.5 * (b**2).sum()
    return estimate(weights, float(start))


def estimate(weights: np.ndarray, start: float) -> LogZ:
    """log Z from the log-weights of AIS runs (runs,) and the known log Z₀."""
    most, runs = weights.max(), len(weights)
    ratios = np.exp(weights - most)
    mean, error = ratios.mean(), ratios.std(ddof=1) / np.sqrt(runs) if runs > 1 else np.inf
    low = np.log(mean - 3 * error) if mean > 3 * error else -np.inf
    values = start + most + np.array([np.log(mean), low, np.log(mean + 3 * error)])
    return LogZ(float(values[0]), float(error / mean), float(values[1]), float(values[2]), False)


@lru_cache(maxsize=8)
def _annealer(visible: str) -> Any:
    def run(params: Params, a: Array, betas: Array, key: Array, like: Array) -> Array:
        b, shape = params["visible_bias"], (like.shape[0], a.shape[0])

        def draw(mean: Array, words: Array) -> Array:
            if visible == BERNOULLI:
                return draws.bernoulli(words, jax.nn.sigmoid(mean))
            return mean + draws.normal(words, mean.shape, mean.dtype)

        def step(number: Array, carry: Any) -> Any:
            v, received, total, lost = carry
            before, beta = betas[number - 1], betas[number]
            gain = (beta - before) * (v @ (b - a)) + (softplus(beta * received) - softplus(before * received)).sum(-1)
            # Compensated: thousands of small terms (Kahan 1965).
            term = gain - lost
            new = total + term
            lost = (new - total) - term
            words = jax.random.key_data(jax.random.fold_in(key, number))
            h = draws.bernoulli(words, jax.nn.sigmoid(beta * received))
            v = draw((1 - beta) * a + beta * (b + h @ params["kernel"].T), words ^ jnp.uint32(draws.GOLDEN))
            return v, drive(params, v), new, lost

        v = draw(jnp.broadcast_to(a, shape), jax.random.key_data(jax.random.fold_in(key, 0)))
        return lax.fori_loop(1, betas.shape[0], step, (v, drive(params, v), like, like))[2]

    return compiling.jit(run)


def log_sum(a: np.ndarray) -> Any:
    """log Σ exp(a) without overflow."""
    most = a.max()
    return most + np.log(np.exp(a - most).sum())
