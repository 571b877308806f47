"""The variational autoencoder: a code with a distribution, so that new rows can be drawn and judged.

q(z | x) = N(μ(x), diag σ²(x)) and p(z) = N(0, I); p(x | z) has independent Bernoulli probabilities g(z), or means g(z)
with one standard deviation for all values. Training maximises

    E_q log p(x | z) − β KL(q(z | x) ‖ p(z))

(Kingma & Welling 2014; β: Higgins et al. 2017), at β = 1 a lower bound of log p(x), with one draw of z a row. It is a
supervised training whose targets are its inputs; `jindan.layers.Sampling` draws z and adds the divergence. Losses are
means over the n values of a row, so that the objective is the bound divided by −n, or by −n / (2 s²) for Gaussian rows
of standard deviation s.
"""

from __future__ import annotations

import math
import zlib
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..engine import compiling, devices
from ..errors import InputError
from ..layers import Dense, Layer, Sampling
from ..layers.base import Context
from ..layers.network import Network
from ..layers.sampling import divergence
from .autoencoder import CODE, Autoencoder

Array = jax.Array
BERNOULLI, GAUSSIAN = "bernoulli", "gaussian"
BLOCK = 256  # rows judged at once


def middle(dimensions: int, weight: float, warm_up: float = 0.0) -> list[Layer]:
    """The layers of the code: μ beside log σ², and z.

    Args:
        dimensions: Of z.
        weight: Of the divergence, see `divergence_weight`.
        warm_up: Updates over which it grows to that.
    """
    return [Dense(2 * int(dimensions), name="moments"), Sampling(weight, warm_up, name=CODE)]


def divergence_weight(beta: float, values: int, likelihood: str, scale: float = 1.0) -> float:
    """What a nat of divergence costs beside a loss that is a mean over the values of a row.

    −n⁻¹ log p(x | z) is the cross-entropy of Bernoulli values, and (2 s²)⁻¹ · the mean squared error + a constant of
    Gaussian ones: β / n, and 2 s² β / n.

    >>> divergence_weight(1.0, 4, "gaussian", scale=0.5)
    0.125
    """
    return beta / values if likelihood == BERNOULLI else 2 * scale**2 * beta / values


def log_likelihood(x: Array, given: Array, likelihood: str, scale: Any = 1.0) -> Array:
    """log p(x | z) of each row, nats.

    Args:
        x: (rows, values).
        given: Logits of Bernoulli values, or means of Gaussian ones (rows, values).
        likelihood: "bernoulli" or "gaussian".
        scale: Standard deviation of Gaussian values.

    >>> round(float(log_likelihood(jnp.ones((1, 2)), jnp.zeros((1, 2)), "bernoulli")[0]), 4)  # 2 log ½
    -1.3863
    """
    if likelihood == BERNOULLI:
        return (x * given - jnp.maximum(given, 0) - jnp.log1p(jnp.exp(-jnp.abs(given)))).sum(-1)
    return (-0.5 * ((x - given) / scale) ** 2 - jnp.log(scale) - 0.5 * math.log(2 * math.pi)).sum(-1)


class VAE(Autoencoder):
    """A stack with `middle` in it, in two halves.

    Args:
        model: The Sequential.
        likelihood: "bernoulli" (the stack ends in a sigmoid) or "gaussian".
        scale: Standard deviation of Gaussian values.
    """

    def __init__(self, model: Any, likelihood: str = BERNOULLI, scale: float = 1.0) -> None:
        super().__init__(model)
        if not isinstance(model.specs[self.cut - 1], Sampling):
            raise InputError("A variational autoencoder draws its code.", where="layer 'code'", expected="Sampling",
                             received=type(model.specs[self.cut - 1]).__name__)  # fmt: skip
        last = getattr(model.specs[-1], "activation", None)
        if likelihood not in (BERNOULLI, GAUSSIAN) or (likelihood == BERNOULLI and last != "sigmoid"):
            raise InputError("The likelihood does not fit the last layer.", where="likelihood",
                             expected=f'"{GAUSSIAN}", or "{BERNOULLI}" after a sigmoid',
                             received=f"{likelihood!r} after {last!r}")  # fmt: skip
        self.likelihood, self.scale = likelihood, float(scale)

    def moments(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """Mean and standard deviation of q(z | x), each (rows, dimensions)."""
        mean, log_variance = np.split(self._through(0, self.cut - 1, x), 2, axis=1)
        return mean, np.exp(0.5 * log_variance)

    def sample(self, n: int, *, seed: int = 0, mean: bool = False) -> np.ndarray:
        """New rows (n, …): z ~ N(0, I), then x ~ p(x | z), or its mean."""
        rng = np.random.default_rng([seed, 3])
        (dimensions,) = self.network.shapes[self.cut - 1]
        means = self.decode(rng.standard_normal((n, dimensions)))
        if mean:
            return means
        if self.likelihood == BERNOULLI:
            return (rng.random(means.shape) < means).astype(means.dtype)
        return means + (self.scale * rng.standard_normal(means.shape)).astype(means.dtype)

    def interpolate(self, a: Any, b: Any, steps: int) -> np.ndarray:
        """Rows (steps, …) from a to b, decoded along the straight line between the means of their codes."""
        if steps < 2:
            raise InputError("A line has two ends.", where="steps", expected=">= 2", received=steps)
        ends = self.encode(np.stack([np.asarray(a), np.asarray(b)]))
        share = np.linspace(0, 1, steps, dtype=ends.dtype)[:, None]
        return self.decode((1 - share) * ends[0] + share * ends[1])

    def terms(self, x: Any, samples: int = 1, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """The two terms of the bound of each row, nats: E_q log p(x | z) by so many draws, and KL(q ‖ p), exact."""
        _, likelihood, apart = self._judged(x, samples, seed)
        return likelihood, apart

    def bound(self, x: Any, samples: int = 100, seed: int = 0) -> np.ndarray:
        """The importance-weighted bound of log p(x) of each row (rows,), nats.

        E log (1/K Σₖ p(x, zₖ) / q(zₖ | x)) ≤ log p(x) for K draws from q, rising with K to log p(x); K = 1 is the
        bound that is trained, at β = 1 (Burda, Grosse & Salakhutdinov 2016). A row's draws depend on the row and the
        seed alone.

        Args:
            x: (rows, …).
            samples: K.
            seed: Of the draws.
        """
        if samples < 1:
            raise InputError("The bound needs draws.", where="samples", expected=">= 1", received=samples)
        return self._judged(x, samples, seed)[0]

    def _judged(self, x: Any, samples: int, seed: int) -> tuple[np.ndarray, ...]:
        devices.start()
        dtype = self.model.plan.dtype
        (encoder, there), (decoder, back) = self.part(0, self.cut - 1), self.part(self.cut, None)
        x, found = np.ascontiguousarray(x, dtype), []
        # As many rows as are a power of two, so that few programs are compiled.
        block = min(BLOCK, 1 << max(0, len(x) - 1).bit_length())
        with devices.width(dtype):
            call = _judge(encoder, decoder, self.likelihood)
            own = jax.device_put((there, back))
            for start in range(0, len(x), block):
                rows = x[start : start + block]
                marks = np.array([zlib.crc32(row.tobytes(), seed & 0xFFFFFFFF) for row in rows], np.uint32)
                spare = block - len(rows)
                held = np.concatenate([rows, np.zeros((spare, *rows.shape[1:]), dtype)])
                marks = np.concatenate([marks, np.zeros(spare, np.uint32)])
                got = call(*own, held, marks, np.asarray(self.scale, dtype), np.int32(samples))
                found.append([np.asarray(part)[: len(rows)] for part in got])
        return tuple(np.concatenate(parts) for parts in zip(*found, strict=True))


@lru_cache(maxsize=32)
def _judge(encoder: Network, decoder: Network, likelihood: str) -> Any:
    """The jitted (weights of both, rows, marks, scale, K) → importance-weighted bound, E log p(x | z), KL."""
    bare = decoder.heads[0] if likelihood == BERNOULLI else decoder

    def judge(there: Any, back: Any, x: Array, marks: Array, scale: Array, samples: Array) -> tuple[Array, ...]:
        parts = encoder.forward(there, x, Context())
        mean, log_variance = jnp.split(parts, 2, axis=-1)
        flat = x.reshape(x.shape[0], -1)
        keys = jax.vmap(jax.random.key)(marks)

        def draw(key: Array, number: Array) -> Array:
            return jax.random.normal(jax.random.fold_in(key, number), mean.shape[1:], mean.dtype)

        def once(number: Array, carry: tuple[Array, Array]) -> tuple[Array, Array]:
            weights, total = carry
            noise = jax.vmap(draw, (0, None))(keys, number)
            z = mean + jnp.exp(0.5 * log_variance) * noise
            given = bare.forward(back, z, Context()).reshape(flat.shape)
            each = log_likelihood(flat, given, likelihood, scale)
            apart = 0.5 * (noise**2 - z**2 + log_variance).sum(-1)  # log p(z) − log q(z | x)
            return jnp.logaddexp(weights, each + apart), total + each

        start = jnp.full(x.shape[0], -jnp.inf, x.dtype), jnp.zeros(x.shape[0], x.dtype)
        weights, total = lax.fori_loop(0, samples, once, start)
        return weights - jnp.log(samples.astype(x.dtype)), total / samples, divergence(parts)

    return compiling.jit(judge)
