"""The variational autoencoder: bounds against the exact likelihood of a linear Gaussian model and against PyTorch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.engine.train import train
from jindan.errors import InputError
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.models.vae import VAE, divergence_weight, log_likelihood, middle
from jindan.optimizers import SGD

RNG = np.random.default_rng(0)


def linear(values=4, dimensions=2, scale=0.7):
    """p(x | z) = N(Wᵀz + b, s² I), q the exact posterior: every bound is log p(x) itself."""
    w, b = RNG.normal(size=(dimensions, values)), RNG.normal(size=values)
    covariance = np.linalg.inv(np.eye(dimensions) + w @ w.T / scale**2)
    back = w.T @ covariance / scale**2  # posterior mean (x − b) back
    # A posterior with independent parts needs W Wᵀ diagonal: turn the code.
    _, turn = np.linalg.eigh(w @ w.T)
    w, back = turn.T @ w, back @ turn
    variances = np.diag(turn.T @ covariance @ turn)
    kernel = np.concatenate([back, np.zeros_like(back)], 1)
    bias = np.concatenate([-b @ back, np.log(variances)])
    model = Sequential([*middle(dimensions, 1.0), Dense(values)], dtype="float64")
    model.build((None, values))
    model.set_weights([kernel, bias, w, b])
    return VAE(model, "gaussian", scale), w, b, w.T @ w + scale**2 * np.eye(values)


def exact(x, b, covariance):
    y = x - b
    quadratic = (y @ np.linalg.inv(covariance) * y).sum(1)
    return -0.5 * (quadratic + np.linalg.slogdet(covariance)[1] + len(b) * np.log(2 * np.pi))


@pytest.mark.parametrize("samples", [1, 7])
def test_with_the_exact_posterior_the_bound_is_the_likelihood(samples):
    model, _, b, covariance = linear()
    x = RNG.normal(size=(11, 4))
    np.testing.assert_allclose(model.bound(x, samples), exact(x, b, covariance), rtol=1e-9)


def test_with_another_posterior_the_bound_rises_to_the_likelihood():
    model, w, b, covariance = linear()
    weights = model.model.get_weights()
    weights[1] = weights[1] + np.array([0.3, -0.3, 0.5, 0.5])
    model.model.set_weights(weights)
    x = RNG.multivariate_normal(b, covariance, size=300)
    likelihood = exact(x, b, covariance).mean()
    few, some, many = (model.bound(x, k).mean() for k in (1, 5, 2000))
    assert few < some < likelihood + 0.02
    assert many == pytest.approx(likelihood, abs=0.02)
    # The bound of one draw is the difference of the two terms, and these have closed forms.
    mean, spread = model.moments(x)
    expected = log_likelihood(x, mean @ w + b, "gaussian", model.scale) - 0.5 * (
        (spread**2 @ w**2).sum(1) / model.scale**2
    )
    reconstruction, apart = model.terms(x, 4000)
    assert reconstruction.mean() == pytest.approx(float(expected.mean()), abs=0.02)
    by_hand = 0.5 * (mean**2 + spread**2 - 1 - 2 * np.log(spread)).sum(1)
    np.testing.assert_allclose(apart, by_hand, rtol=1e-9)
    assert few == pytest.approx(float(expected.mean() - by_hand.mean()), abs=0.3)


def test_likelihoods_against_pytorch():
    torch = pytest.importorskip("torch")
    given, real = RNG.normal(size=(5, 3)) * 10, RNG.normal(size=(5, 3))
    bits = RNG.integers(0, 2, (5, 3)).astype(float)
    bernoulli = torch.distributions.Bernoulli(logits=torch.tensor(given)).log_prob(torch.tensor(bits)).sum(1)
    normal = torch.distributions.Normal(torch.tensor(given), 0.4).log_prob(torch.tensor(real)).sum(1)
    with jax.enable_x64(True):
        np.testing.assert_allclose(
            log_likelihood(jnp.asarray(bits), jnp.asarray(given), "bernoulli"), bernoulli, rtol=1e-9
        )
        np.testing.assert_allclose(
            log_likelihood(jnp.asarray(real), jnp.asarray(given), "gaussian", 0.4), normal, rtol=1e-9
        )


@pytest.mark.parametrize("likelihood", ["bernoulli", "gaussian"])
def test_the_objective_is_the_bound(likelihood):
    """The loss of a training that moves nothing is −(E log p(x | z) − KL) in the units the module tells."""
    scale, values = 0.6, 5
    weight = divergence_weight(1.0, values, likelihood, scale)
    end = Dense(values, activation="sigmoid" if likelihood == "bernoulli" else "linear")
    model = Sequential([Dense(6, activation="tanh"), *middle(2, weight), end])
    model.build((None, values))
    model.compile(SGD(0.0), "binary_crossentropy" if likelihood == "bernoulli" else "mse")
    x = RNG.integers(0, 2, (60_000, values)).astype(np.float32)
    run = train(model.plan.replace(batch_size=60_000, epochs=1, seed=0), (x, x))
    reconstruction, apart = VAE.of(run, likelihood=likelihood, scale=scale).terms(x[:6000], 100)
    bound = reconstruction.mean() - apart.mean()
    if likelihood == "gaussian":
        constant = -values * (np.log(scale) + 0.5 * np.log(2 * np.pi))
        wanted = -2 * scale**2 / values * (bound - constant)
    else:
        wanted = -bound / values
    assert run.history["loss"][0] == pytest.approx(float(wanted), rel=0.02)


def test_draws_belong_to_rows():
    model = linear()[0]
    weights = model.model.get_weights()
    weights[1] = weights[1] + 0.5
    model.model.set_weights(weights)
    x = RNG.normal(size=(300, 4))
    every = model.bound(x, 3, seed=1)
    np.testing.assert_allclose(model.bound(x[[5, 280]], 3, seed=1), every[[5, 280]], rtol=1e-12)
    assert not np.allclose(model.bound(x[:5], 3, seed=2), every[:5])


def test_samples_and_lines():
    model, _, b, covariance = linear()
    drawn = model.sample(20_000, seed=0)
    np.testing.assert_allclose(np.cov(drawn.T), covariance, atol=0.15)
    np.testing.assert_allclose(drawn.mean(0), b, atol=0.08)
    x = RNG.normal(size=(2, 4))
    line = model.interpolate(x[0], x[1], 5)
    np.testing.assert_allclose(line[[0, -1]], model.reconstruct(x), rtol=1e-9)
    np.testing.assert_allclose(line[2], line[[0, -1]].mean(0), rtol=1e-9)


def test_refusals():
    model = linear()[0]
    with pytest.raises(InputError, match="two ends"):
        model.interpolate(np.ones(4), np.ones(4), 1)
    with pytest.raises(InputError, match="draws"):
        model.bound(np.ones((2, 4)), 0)
    with pytest.raises(InputError, match="does not fit"):
        VAE(model.model, "bernoulli")
    with pytest.raises(InputError, match="draws its code"):
        VAE(Sequential([Dense(2, name="code", input_shape=(3,)), Dense(3)]), "gaussian")
