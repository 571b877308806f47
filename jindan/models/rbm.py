"""Restricted Boltzmann machines: energies, Gibbs sampling, and their training by CD-k, PCD and parallel tempering.

Visible units v and hidden units h ∈ {0, 1}ⁿ have p(v, h) ∝ exp(−E(v, h)) with

    E(v, h) = −b·v − c·h − vᵀWh               Bernoulli visible units, v ∈ {0, 1}ᵐ
    E(v, h) = ½‖v − b‖² − c·h − vᵀWh          Gaussian visible units of unit variance

(Smolensky 1986; Freund & Haussler 1992; Hinton 2002; Welling, Rosen-Zvi & Hinton 2005). Parameters are a dict of
"kernel" W (m, n), "visible_bias" b (m,) and "hidden_bias" c (n,).
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
from jax.sharding import PartitionSpec as P

from ..engine.compiling import jit
from ..engine.devices import ROWS
from ..engine.program import Batch
from . import rbm_draws as draws

Array = jax.Array
Params = Any  # {"kernel": (m, n), "visible_bias": (m,), "hidden_bias": (n,)}
BERNOULLI, GAUSSIAN = "bernoulli", "gaussian"
METHODS = ("cd", "pcd", "pt")
SPLIT = 1e7  # floating-point operations of an update from which two cores gain by sharing it
JUDGED = 1000  # rows on which an epoch's end is judged


def drive(params: Params, v: Array, precision: str | None = None) -> Array:
    """c + vW, what hidden units receive (…, n); `precision` is that of the product's factors, its sums keep theirs."""
    return _product(v, params["kernel"], 0, precision) + params["hidden_bias"]


def _product(a: Array, kernel: Array, axis: int, precision: str | None) -> Array:
    """a times the kernel along one of its axes."""
    wanted = kernel.dtype if precision is None else jnp.dtype(precision)
    factors = a.astype(wanted), kernel.astype(wanted)
    return lax.dot_general(*factors, (((a.ndim - 1,), (axis,)), ((), ())), preferred_element_type=kernel.dtype)


def free_energy(params: Params, v: Array, visible: str, received: Array | None = None) -> Array:
    """F(v) = −log Σₕ exp(−E(v, h)): −b·v − Σⱼ log(1 + exp(cⱼ + (vW)ⱼ)), or ½‖v − b‖² in place of −b·v.

    Args:
        params: The machine's.
        v: (…, m).
        visible: "bernoulli" or "gaussian".
        received: `drive(params, v)`, where it is known.

    Returns:
        (…,) nats.
    """
    received = drive(params, v) if received is None else received
    own = -v @ params["visible_bias"] if visible == BERNOULLI else 0.5 * ((v - params["visible_bias"]) ** 2).sum(-1)
    return own - softplus(received).sum(-1)


def softplus(z: Array) -> Array:
    """log(1 + exp z) without overflow."""
    return jnp.maximum(z, 0) + jnp.log1p(jnp.exp(-jnp.abs(z)))


def hidden_given(params: Params, v: Array, beta: Any = 1.0) -> Array:
    """p(hⱼ = 1 | v) = σ(β (cⱼ + (vW)ⱼ)); β = 1 is the machine itself."""
    return jax.nn.sigmoid(beta * drive(params, v))


def visible_given(params: Params, h: Array, visible: str, beta: Any = 1.0, precision: str | None = None) -> Array:
    """The mean of v given h: σ(b + β Wh), or b + β Wh of Gaussian units."""
    received = params["visible_bias"] + beta * _product(h, params["kernel"], 1, precision)
    return jax.nn.sigmoid(received) if visible == BERNOULLI else received


def draw_visible(
    params: Params, h: Array, visible: str, key: Array, beta: Any = 1.0, precision: str | None = None
) -> Array:
    """v drawn given h."""
    mean = visible_given(params, h, visible, beta, precision)
    if visible == BERNOULLI:
        return draws.bernoulli(key, mean)
    return mean + draws.normal(key, mean.shape, mean.dtype)


@dataclass(frozen=True)
class RBMProgram:
    """Training of an RBM by stochastic ascent of the log-likelihood: ΔW = ⟨v hᵀ⟩_data − ⟨v hᵀ⟩_model.

    The second mean comes from `chains` of Gibbs samples: "cd" starts k steps at the data (Hinton 2002), "pcd" goes on
    where the last update ended (Tieleman 2008), "pt" does so at several temperatures, whose states are exchanged
    (Desjardins et al. 2010), β scaling c·h + vᵀWh from 0, where v are independent, to 1.

    `precision` "bfloat16" rounds the factors of the products that units are drawn by, as states of 0 and 1 allow;
    slopes and weights stay in `dtype`.

    Values: learning_rate; momentum μ and weight_decay λ where their flags are set: s ← μ s + ΔW − λ W, W ← W + η s.
    """

    inputs: int
    units: int
    visible: str = BERNOULLI
    method: str = "pcd"
    steps: int = 1
    batch_size: int = 64
    temperatures: int = 10
    momentum: bool = False
    weight_decay: bool = False
    dtype: str = "float32"
    scale: float = 0.01
    precision: str | None = None

    figures = ("energy_gap",)

    @property
    def evaluated(self) -> tuple[str, ...]:
        """What the end of an epoch is judged by, on up to 1,000 rows."""
        return ("pseudo_likelihood",) if self.visible == BERNOULLI else ("reconstruction_error",)

    @property
    def work(self) -> float:
        """Floating-point operations of an update."""
        chains = self.temperatures if self.method == "pt" else 1
        return 2.0 * self.batch_size * self.inputs * self.units * (3 + 2 * self.steps * chains)

    def split(self, several: int) -> Any:
        """Visible units shared out among devices, which then only add up what hidden units receive."""
        if self.inputs % several or self.work < SPLIT:
            return None
        params = {"kernel": P(ROWS), "visible_bias": P(ROWS), "hidden_bias": P()}
        state: dict[str, Any] = {"params": params}
        if self.momentum:
            state["speed"] = params
        if self.method != "cd":
            state["chains"] = P()
        if self.method == "pt":
            state["turn"] = P()
        return state, P(None, ROWS)

    def init(self, seed: int, values: Mapping[str, float]) -> dict[str, Any]:
        """W ~ N(0, 0.01²), biases 0 (Hinton 2010); chains of zeros."""
        rng = np.random.default_rng([int(seed), 0])
        params = {
            "kernel": (self.scale * rng.standard_normal((self.inputs, self.units))).astype(self.dtype),
            "visible_bias": np.zeros(self.inputs, self.dtype),
            "hidden_bias": np.zeros(self.units, self.dtype),
        }
        return self.from_params(params)

    def from_params(self, params: Params) -> dict[str, Any]:
        """A state with these parameters, without momentum, its chains new."""
        state: dict[str, Any] = {"params": {name: np.asarray(a, self.dtype) for name, a in params.items()}}
        if self.momentum:
            state["speed"] = {name: np.zeros_like(a) for name, a in state["params"].items()}
        if self.method == "pcd":
            state["chains"] = np.zeros((self.batch_size, self.units), self.dtype)
        if self.method == "pt":
            state["chains"] = np.zeros((self.temperatures, self.batch_size, self.units), self.dtype)
            state["turn"] = np.int32(0)
        return state

    def step(self, state: Any, batch: Batch, values: Any, key: Array) -> tuple[Any, Array]:
        """One update; its figure is F(model's rows) − F(data), about 0 in a machine that fits."""
        params, real = state["params"], batch.real
        v, size = batch.x.astype(self.dtype), batch.x.shape[0]
        state = dict(state)
        if self.method == "cd":
            v_model = self._gibbs(params, self._hidden(params, v, part(key, 0)), key)
        elif self.method == "pcd":
            v_model = self._gibbs(params, state["chains"], key)
        else:
            v_model, state = self._tempered(params, state, key)
        # Data and model in one product: a core gives more for a large one.
        both = jnp.concatenate([v, v_model])
        received = drive(params, both, self.precision)
        h = jax.nn.sigmoid(received)
        if self.method == "pcd":
            state["chains"] = draws.bernoulli(part(key, 1), h[size:])
        # In "cd" each chain belongs to a row, so that those of the padding count as little.
        share, own = real / real.sum(), real if self.method == "cd" else jnp.ones(v_model.shape[0], v.dtype)
        signs = jnp.concatenate([share, -own / own.sum()])
        weighted = h * signs[:, None]
        slope = {"kernel": both.T @ weighted, "visible_bias": signs @ both, "hidden_bias": weighted.sum(0)}
        gap = free_energy(params, both, self.visible, received)
        return self._moved(state, slope, values), -(signs @ gap)[None]

    def _gibbs(self, params: Params, h: Array, key: Array) -> Array:
        """v after k steps v ~ p(v | h), h ~ p(h | v), the last of which stops at v."""
        v = draw_visible(params, h, self.visible, part(key, 2), 1.0, self.precision)

        def again(step: Array, v: Array) -> Array:
            h = self._hidden(params, v, part(key, 2 * step + 1))
            return draw_visible(params, h, self.visible, part(key, 2 * step + 2), 1.0, self.precision)

        return lax.fori_loop(1, self.steps, again, v) if self.steps > 1 else v

    def _hidden(self, params: Params, v: Array, key: Array) -> Array:
        return draws.bernoulli(key, jax.nn.sigmoid(drive(params, v, self.precision)))

    def _tempered(self, params: Params, state: dict[str, Any], key: Array) -> tuple[Array, dict[str, Any]]:
        """k steps at each temperature, then neighbours change places with min(1, exp((βᵢ − βⱼ)(Tⱼ − Tᵢ)))."""
        betas = jnp.linspace(0, 1, self.temperatures, dtype=self.dtype)[:, None, None]

        def again(step: Any, carry: Any) -> Any:
            v = draw_visible(params, carry[1], self.visible, part(key, 2 * step + 2), betas, self.precision)
            received = drive(params, v, self.precision)
            h = draws.bernoulli(part(key, 2 * step + 3), jax.nn.sigmoid(betas * received))
            return v, h, (received * h).sum(-1)  # T = c·h + vᵀWh

        h, rows = state["chains"], (self.temperatures, self.batch_size)
        carry = jnp.zeros((*rows, self.inputs), self.dtype), h, jnp.zeros(rows, self.dtype)
        v, h, tied = lax.fori_loop(0, self.steps, again, carry) if self.steps > 1 else again(0, carry)
        rank = jnp.arange(self.temperatures)
        partner = jnp.clip(rank + jnp.where((rank + state["turn"]) % 2 == 0, 1, -1), 0, self.temperatures - 1)
        difference = (betas[:, 0] - betas[partner, 0]) * (tied[partner] - tied)
        # One draw for both of a pair.
        chance = draws.uniform(part(key, 1), tied.shape, self.dtype)[jnp.minimum(rank, partner)]
        swapped = (jnp.log(chance) < difference) & (partner != rank)[:, None]
        v, h = (jnp.where(swapped[..., None], a[partner], a) for a in (v, h))
        return v[-1], {**state, "chains": h, "turn": 1 - state["turn"]}

    def _moved(self, state: dict[str, Any], slope: Params, values: Any) -> dict[str, Any]:
        params, rate = state["params"], values["learning_rate"]
        if self.weight_decay:
            slope = {**slope, "kernel": slope["kernel"] - values["weight_decay"] * params["kernel"]}
        if self.momentum:
            slope = jax.tree.map(lambda s, d: values["momentum"] * s + d, state["speed"], slope)
            state = {**state, "speed": slope}
        return {**state, "params": jax.tree.map(lambda p, d: p + rate * d, params, slope)}

    def evaluate(self, state: Any, x: Array, values: Any, key: Array) -> Array:
        """Pseudo-likelihood, or the squared error of a reconstruction, of rows spread over all."""
        some = x[:: max(1, x.shape[0] // JUDGED)][:JUDGED].astype(self.dtype)
        params = state["params"]
        if self.visible == BERNOULLI:
            return pseudo_likelihood(params, some, key).mean()[None]
        mean = visible_given(params, hidden_given(params, some), self.visible)
        return ((some - mean) ** 2).mean()[None]


def part(key: Array, number: Any) -> Array:
    """Words of a key of its own for each draw of an update, without the cost of `jax.random.split`."""
    words = jax.random.key_data(key)
    return jnp.stack([words[0], words[1] + jnp.uint32(draws.GOLDEN) * jnp.asarray(number + 1, jnp.uint32)])


def pseudo_likelihood(params: Params, v: Array, key: Array) -> Array:
    """m · log p(vᵢ | the rest) of one unit i drawn for each row, of Bernoulli units: its mean over i is the
    pseudo-likelihood Σᵢ log p(vᵢ | the rest) (Besag 1975).

    Returns:
        (rows,) nats.
    """
    rows, inputs = v.shape
    chosen = (draws.bits(key, (rows,)) % jnp.uint32(inputs)).astype(jnp.int32)
    # Turning unit i over changes what hidden units receive by ±W[i]: no second product.
    change = 1 - 2 * jnp.take_along_axis(v, chosen[:, None], 1)
    received = drive(params, v)
    turned = received + change * params["kernel"][chosen]
    gain = change[:, 0] * params["visible_bias"][chosen] + (softplus(turned) - softplus(received)).sum(-1)
    return -inputs * softplus(gain)


@lru_cache(maxsize=64)
def _sampler(visible: str, dtype: str) -> Any:
    def run(params: Params, v: Array, key: Array, steps: Array) -> Array:
        def step(number: Array, carry: Any) -> Any:
            v, _ = carry
            own = jax.random.key_data(jax.random.fold_in(key, number))
            h = draws.bernoulli(own, hidden_given(params, v))
            mean = visible_given(params, h, visible)
            other = own ^ jnp.uint32(draws.GOLDEN)
            if visible == BERNOULLI:
                return draws.bernoulli(other, mean), mean
            return mean + draws.normal(other, mean.shape, mean.dtype), mean

        return lax.fori_loop(0, steps, step, (v, v))

    return jit(run)


def gibbs(params: Params, v: Any, visible: str, steps: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Run one chain from each row of v.

    Args:
        params: The machine's.
        v: (chains, m) to start from.
        visible: "bernoulli" or "gaussian".
        steps: Gibbs steps: h drawn given v, then v given h.
        seed: Of the draws.

    Returns:
        The rows drawn last, and their means given the last h, each (chains, m).
    """
    v = np.asarray(v, params["kernel"].dtype)
    found = _sampler(visible, str(v.dtype))(params, v, jax.random.key(np.uint32(seed & 0xFFFFFFFF)), np.int32(steps))
    return np.asarray(found[0]), np.asarray(found[1])
