"""The Boltzmann machine: every unit connected with every other, some of them visible.

Units s ∈ {0, 1}ⁿ, the first m of them visible, have p(s) ∝ exp(−E(s)) with

    E(s) = −½ sᵀWs − b·s        W symmetric, its diagonal 0

and are learned by ascent of log p(v): ΔW = ⟨s sᵀ⟩_data − ⟨s sᵀ⟩_model, Δb = ⟨s⟩_data − ⟨s⟩_model (Ackley, Hinton &
Sejnowski 1985). Up to 12 units both means are exact sums over states. Beyond, the first comes from mean-field equations
or Gibbs sweeps with v clamped, the second from persistent chains (Salakhutdinov & Hinton 2009).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..engine import compiling, devices
from ..engine.program import Batch
from ..errors import InputError
from . import rbm_draws as draws
from .partition import LARGEST, LogZ, estimate, log_sum, states
from .rbm import part, softplus

Array = jax.Array
Params = Any  # {"kernel": (n, n), "bias": (n,)}
EXACT = 12  # units up to which means are exact sums while learning
METHODS = ("auto", "exact", "mean_field", "gibbs")


def energy(params: Params, s: Array) -> Array:
    """E(s) of states (…, n)."""
    return -0.5 * ((s @ params["kernel"]) * s).sum(-1) - s @ params["bias"]


def sweep(params: Params, s: Array, key: Array, first: int = 0, beta: Any = 1.0) -> Array:
    """One Gibbs sweep over units first … n − 1, each drawn given all others: p(sᵢ = 1) = σ(β (Ws)ᵢ + bᵢ).

    Args:
        params: The machine's.
        s: (chains, n).
        key: Of the draws.
        first: Units before it are clamped.
        beta: Factor of the connections.
    """
    chances = draws.uniform(key, s.shape, s.dtype)

    def unit(i: Array, s: Array) -> Array:
        received = beta * (s @ params["kernel"][i]) + params["bias"][i]
        return s.at[:, i].set((chances[:, i] < jax.nn.sigmoid(received)).astype(s.dtype))

    return lax.fori_loop(first, s.shape[1], unit, s)


def mean_field(params: Params, v: Array, iterations: int = 30) -> Array:
    """μ of hidden units given v, (rows, n − m): μ = σ(b + W(v, μ)), by steps half way, from which the bound
    log p(v) ≥ −E(v, μ) + H(μ) − log Z follows."""
    inputs = v.shape[1]
    kernel, fixed = params["kernel"], v @ params["kernel"][:inputs, inputs:] + params["bias"][inputs:]

    def again(_: Any, mu: Array) -> Array:
        return 0.5 * (mu + jax.nn.sigmoid(fixed + mu @ kernel[inputs:, inputs:]))

    return lax.fori_loop(0, iterations, again, jax.nn.sigmoid(fixed))


def hidden_moments(params: Params, v: Array) -> tuple[Array, Array, Array]:
    """Exact over 2^(n−m) states: ⟨h⟩ (rows, n − m), ⟨h hᵀ⟩ (rows, n − m, n − m), log Σₕ exp(−E(v, h)) (rows,)."""
    inputs, n = v.shape[1], params["bias"].shape[0]
    table = jnp.asarray(states(n - inputs), v.dtype)
    own = -energy({"kernel": params["kernel"][inputs:, inputs:], "bias": params["bias"][inputs:]}, table)
    seen = -energy({"kernel": params["kernel"][:inputs, :inputs], "bias": params["bias"][:inputs]}, v)
    logits = own + (v @ params["kernel"][:inputs, inputs:]) @ table.T
    p = jax.nn.softmax(logits, -1)
    return p @ table, jnp.einsum("rk,ki,kj->rij", p, table, table), seen + jax.nn.logsumexp(logits, -1)


@dataclass(frozen=True)
class BoltzmannProgram:
    """Training of a Boltzmann machine; see the head of this file.

    Values: learning_rate; momentum μ and weight_decay λ: s ← μ s + ΔW − λ W, W ← W + η s.
    """

    inputs: int
    hidden: int
    method: str = "exact"  # "exact", "mean_field" or "gibbs": how means given the data are found
    sweeps: int = 5
    batch_size: int = 64
    dtype: str = "float32"

    @property
    def figures(self) -> tuple[str, ...]:
        """The exact mean log-likelihood; of sampled means the gap E(model) − E(data), about 0 at the end."""
        return ("log_likelihood",) if self.method == "exact" else ("energy_gap",)

    @property
    def work(self) -> float:
        """Floating-point operations of an update."""
        n = self.inputs + self.hidden
        return 4.0 * n * n * (2.0**n if self.method == "exact" else self.batch_size * (1 + self.sweeps))

    def init(self, seed: int, values: Mapping[str, float]) -> dict[str, Any]:
        """Wᵢⱼ ~ N(0, 0.1²), biases 0; chains of noise."""
        n, rng = self.inputs + self.hidden, np.random.default_rng([int(seed), 0])
        kernel = np.triu(0.1 * rng.standard_normal((n, n)), 1)
        params = {"kernel": (kernel + kernel.T).astype(self.dtype), "bias": np.zeros(n, self.dtype)}
        return self.from_params(params, seed)

    def from_params(self, params: Params, seed: int = 0) -> dict[str, Any]:
        """A state with these parameters, without momentum, its chains new."""
        state: dict[str, Any] = {"params": {name: np.asarray(a, self.dtype) for name, a in params.items()}}
        state["speed"] = {name: np.zeros_like(a) for name, a in state["params"].items()}
        if self.method != "exact":
            rng = np.random.default_rng([int(seed), 1])
            shape = (self.batch_size, self.inputs + self.hidden)
            state["chains"] = rng.integers(0, 2, shape).astype(self.dtype)
        return state

    def step(self, state: Any, batch: Batch, values: Any, key: Array) -> tuple[Any, Array]:
        """One update and its figure."""
        params, v, state = state["params"], batch.x.astype(self.dtype), dict(state)
        share = batch.real / batch.real.sum()
        if self.method == "exact":
            first, second, figure = self._exact(params, v, share)
        else:
            s = self._completed(params, v, key)
            chains = lax.fori_loop(0, self.sweeps, lambda k, c: sweep(params, c, part(key, 2 * k)), state["chains"])
            state["chains"] = chains
            count = chains.shape[0]
            first = share @ s - chains.mean(0)
            second = (s * share[:, None]).T @ s - chains.T @ chains / count
            figure = energy(params, chains).mean() - share @ energy(params, s)
        second = second * (1 - jnp.eye(second.shape[0], dtype=second.dtype))
        slope = {"kernel": second - values["weight_decay"] * params["kernel"], "bias": first}
        speed = jax.tree.map(lambda a, b: values["momentum"] * a + b, state["speed"], slope)
        params = jax.tree.map(lambda a, b: a + values["learning_rate"] * b, params, speed)
        return {**state, "params": params, "speed": speed}, figure[None]

    def _exact(self, params: Params, v: Array, share: Array) -> tuple[Array, Array, Array]:
        h, hh, log_p = hidden_moments(params, v)
        s = jnp.concatenate([v, h], 1)
        second = (s * share[:, None]).T @ s
        second = second.at[self.inputs :, self.inputs :].set(jnp.einsum("r,rij->ij", share, hh))
        table = jnp.asarray(states(self.inputs + self.hidden), self.dtype)
        minus = -energy(params, table)
        p = jax.nn.softmax(minus)
        likelihood = share @ log_p - jax.nn.logsumexp(minus)
        return share @ s - p @ table, second - (table * p[:, None]).T @ table, likelihood

    def _completed(self, params: Params, v: Array, key: Array) -> Array:
        """(v, h): the mean-field means, or h after sweeps with v clamped."""
        mu = mean_field(params, v)
        if self.method == "mean_field" or not self.hidden:
            return jnp.concatenate([v, mu], 1)
        s = jnp.concatenate([v, draws.bernoulli(part(key, 1), mu)], 1)
        return lax.fori_loop(0, self.sweeps, lambda k, s: sweep(params, s, part(key, 2 * k + 3), self.inputs), s)


# -- likelihoods -----------------------------------------------------------------------------------------------------


def log_z(params: Params, *, seed: int = 0, runs: int = 100, temperatures: int = 1000) -> LogZ:
    """log Z, exact up to 22 units; beyond by annealed importance sampling, the connections growing from 0 to W.

    >>> round(log_z({"kernel": np.zeros((4, 4)), "bias": np.zeros(4)}).value, 4)  # 4 log 2
    2.7726
    """
    if len(params["bias"]) <= LARGEST:
        return exact_log_z(params)
    return annealed_log_z(params, seed=seed, runs=runs, temperatures=temperatures)


def exact_log_z(params: Params) -> LogZ:
    """log Σₛ exp(−E(s)) over all states, in float64.

    Raises:
        InputError: for more than 22 units.
    """
    kernel, bias = (np.asarray(params[name], np.float64) for name in ("kernel", "bias"))
    n = len(bias)
    if n > LARGEST:
        raise InputError("There are too many units to count out their states.", where="log Z",
                         expected=f"at most {LARGEST}", received=n, help="Use annealed_log_z.")  # fmt: skip
    low, parts = states(min(n, EXACT)), []
    for rest in states(n - low.shape[1]):
        s = np.concatenate([low, np.broadcast_to(rest, (len(low), len(rest)))], 1)
        parts.append(log_sum(0.5 * ((s @ kernel) * s).sum(1) + s @ bias))
    value = float(log_sum(np.array(parts)))
    return LogZ(value, 0.0, value, value, True)


def annealed_log_z(params: Params, *, seed: int = 0, runs: int = 100, temperatures: int = 1000) -> LogZ:
    """log Z by AIS (Neal 2001): a Gibbs sweep at each β, from independent units with the same biases."""
    devices.start()
    with devices.width(str(params["bias"].dtype)):
        betas = np.linspace(0, 1, temperatures).astype(params["bias"].dtype)
        key = jax.random.key(np.uint32(seed & 0xFFFFFFFF))
        weights = np.asarray(_annealer(runs)(params, betas, key), np.float64)
    return estimate(weights, float(np.logaddexp(0, np.asarray(params["bias"], np.float64)).sum()))


@lru_cache(maxsize=8)
def _annealer(runs: int) -> Any:
    def run(params: Params, betas: Array, key: Array) -> Array:
        bias = params["bias"]

        def step(k: Array, carry: Any) -> Any:
            s, total = carry
            total = total + (betas[k] - betas[k - 1]) * 0.5 * ((s @ params["kernel"]) * s).sum(-1)
            return sweep(params, s, jax.random.fold_in(key, k), beta=betas[k]), total

        s = draws.bernoulli(jax.random.fold_in(key, 0), jnp.tile(jax.nn.sigmoid(bias), (runs, 1)))
        return lax.fori_loop(1, betas.shape[0], step, (s, jnp.zeros(runs, bias.dtype)))[1]

    return compiling.jit(run)


def log_unnormalised(params: Params, v: Any) -> np.ndarray:
    """log Σₕ exp(−E(v, h)) of rows (rows,): exact up to 12 hidden units, beyond its mean-field bound from below."""
    v = jnp.asarray(v, params["bias"].dtype)
    hidden = params["bias"].shape[0] - v.shape[1]
    if hidden <= EXACT:
        return np.asarray(hidden_moments(params, v)[2])
    mu = mean_field(params, v, 200)
    fixed = v @ params["kernel"][: v.shape[1], v.shape[1] :] + params["bias"][v.shape[1] :]
    received = fixed + mu @ params["kernel"][v.shape[1] :, v.shape[1] :]
    # H(μ) by the logits it comes from; where the equations have not settled, the bound is that of σ(received).
    mu = jax.nn.sigmoid(received)
    entropy = (softplus(received) - mu * received).sum(-1)
    return np.asarray(-energy(params, jnp.concatenate([v, mu], 1)) + entropy)


@lru_cache(maxsize=16)
def _sampler(first: int) -> Any:
    def run(params: Params, s: Array, key: Array, steps: Array) -> Array:
        return lax.fori_loop(0, steps, lambda k, s: sweep(params, s, jax.random.fold_in(key, k), first), s)

    return compiling.jit(run)


def gibbs(params: Params, s: Any, steps: int, seed: int = 0, clamped: int = 0) -> np.ndarray:
    """States after so many sweeps from s (chains, n), the first `clamped` units held."""
    s = np.asarray(s, params["bias"].dtype)
    key = jax.random.key(np.uint32(seed & 0xFFFFFFFF))
    return np.asarray(_sampler(clamped)(params, s, key, np.int32(steps)))
