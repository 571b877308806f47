"""Sampling and KLSparsity: what they draw, what they add to the objective, how the divergence warms up."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.engine.train import train
from jindan.errors import ShapeError
from jindan.layers import Dense, KLSparsity, Sampling
from jindan.layers.base import Context
from jindan.layers.sampling import divergence
from jindan.optimizers import SGD
from jindan.plan import Plan

RNG = np.random.default_rng(0)


def test_divergence_against_pytorch():
    torch = pytest.importorskip("torch")
    parts = RNG.normal(size=(7, 6))
    mean, log_variance = torch.tensor(parts).chunk(2, 1)
    normal = torch.distributions.Normal
    theirs = torch.distributions.kl_divergence(normal(mean, (0.5 * log_variance).exp()), normal(0.0, 1.0)).sum(1)
    with jax.enable_x64(True):
        np.testing.assert_allclose(divergence(jnp.asarray(parts)), theirs.numpy(), rtol=1e-12)


def test_draws_have_the_moments():
    parts = np.tile(np.array([1.0, -2.0, 0.0, np.log(9.0)], np.float32), (20_000, 1))
    ctx = Context(training=True, key=jax.random.key(0))
    z = np.asarray(Sampling().apply({}, jnp.asarray(parts), ctx))
    np.testing.assert_allclose(z.mean(0), [1, -2], atol=5 * 3 / 20_000**0.5)
    np.testing.assert_allclose(z.std(0), [1, 3], rtol=5 / (2 * 20_000) ** 0.5)
    assert np.array_equal(Sampling().apply({}, jnp.asarray(parts), Context()), parts[:, :2])


def test_padding_costs_nothing():
    x = jnp.asarray(RNG.normal(size=(6, 4)), jnp.float32)
    rows = jnp.array([1.0, 1, 1, 1, 0, 0])
    for layer in (Sampling(0.3), KLSparsity(0.3, 0.2)):
        x = jax.nn.sigmoid(x)
        all_of, padded = Context(), Context(rows=rows)
        layer.apply({}, x[:4], all_of)
        layer.apply({}, x, padded)
        assert float(padded.penalties[0]) == pytest.approx(float(all_of.penalties[0]), rel=1e-6)
        none = Context(rows=jnp.zeros(6))
        layer.apply({}, x, none)
        assert float(none.penalties[0]) == 0


def test_sparsity_by_hand():
    x = RNG.random((50, 3))
    ctx = Context()
    with jax.enable_x64(True):
        KLSparsity(2.0, 0.1).apply({}, jnp.asarray(x), ctx)
    mean = x.mean(0)
    by_hand = 2 * (0.1 * np.log(0.1 / mean) + 0.9 * np.log(0.9 / (1 - mean))).sum()
    assert float(ctx.penalties[0]) == pytest.approx(by_hand, rel=1e-12)


def test_the_divergence_warms_up():
    """A stack that does not learn: its loss grows by the share of the divergence that counts."""
    x = np.ones((4, 2), np.float32)
    layers = (
        Dense(2, kernel_initializer="ones", name="moments"),
        Sampling(1.0, warm_up=4.0),
        Dense(2, kernel_initializer="zeros"),
    )
    plan = Plan(layers, loss="mse", optimizer=SGD(0.0), epochs=6, batch_size=4, seed=0)
    run = train(plan, (x, np.zeros_like(x)))
    full = float(divergence(jnp.array([2.0, 2.0])))
    np.testing.assert_allclose(run.history["loss"], np.minimum(np.arange(6) / 4, 1) * full, rtol=1e-5)
    assert float(run.weights[1]["updates"]) == 6


def test_an_odd_number_is_refused():
    with pytest.raises(ShapeError, match="means beside"):
        Sampling().output_shape((5,))
