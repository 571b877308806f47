"""The Boltzmann machine against counting out all of its states."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.engine.program import Batch, train_program
from jindan.errors import InputError
from jindan.models import boltzmann
from jindan.models.boltzmann import BoltzmannProgram
from jindan.models.partition import states

STILL = {"learning_rate": 1.0, "momentum": 0.0, "weight_decay": 0.0}


def machine(n, scale=0.6, seed=0):
    rng = np.random.default_rng(seed)
    kernel = np.triu(rng.normal(size=(n, n)) * scale, 1)
    return {"kernel": kernel + kernel.T, "bias": rng.normal(size=n) * scale}


def distribution(params):
    """All states and their probabilities, unit by unit."""
    s = states(len(params["bias"]))
    log_p = np.array([
        sum(params["kernel"][i, j] * row[i] * row[j] for i in range(len(row)) for j in range(i)) + row @ params["bias"]
        for row in s
    ])  # fmt: skip
    p = np.exp(log_p)
    return s, p / p.sum(), np.log(p.sum())


def test_partition_function():
    params = machine(8)
    assert boltzmann.exact_log_z(params).value == pytest.approx(distribution(params)[2], rel=1e-12)
    free = {"kernel": np.zeros((15, 15)), "bias": machine(15)["bias"]}
    assert boltzmann.log_z(free).value == pytest.approx(np.logaddexp(0, free["bias"]).sum(), rel=1e-12)
    with pytest.raises(InputError, match="too many"):
        boltzmann.exact_log_z(machine(23))


@pytest.mark.parametrize("seed", range(3))
def test_annealed_partition_function(seed):
    params = machine(10, 0.5, seed)
    found = boltzmann.annealed_log_z(params, runs=300, temperatures=200, seed=seed)
    assert found.low <= distribution(params)[2] <= found.high
    assert found.error < 0.1


def test_likelihood_of_visible_units():
    params = machine(7)
    s, p, log_z = distribution(params)
    v = states(4)
    exact = [np.log(p[(s[:, :4] == row).all(1)].sum()) for row in v]
    with jax.enable_x64(True):
        found = boltzmann.log_unnormalised(params, v) - log_z
    np.testing.assert_allclose(found, exact, rtol=1e-10)


def test_mean_field_bounds_from_below():
    """More hidden units than are counted out: never above the true figure, and near it for weak connections."""
    params = machine(3 + 13, 0.2)
    params = {"kernel": params["kernel"], "bias": params["bias"]}
    v = states(3)
    s = np.concatenate([np.repeat(v, 2**13, 0), np.tile(states(13), (8, 1))], 1)
    minus = 0.5 * ((s @ params["kernel"]) * s).sum(1) + s @ params["bias"]
    exact = np.log(np.exp(minus).reshape(8, -1).sum(1))
    with jax.enable_x64(True):
        found = boltzmann.log_unnormalised(params, v)
    assert np.all(found <= exact + 1e-9)
    np.testing.assert_allclose(found, exact, atol=0.2)


def slope_by_hand(params, x, inputs):
    s, p, _ = distribution(params)
    data = np.zeros(len(s))
    for row in x:
        match = (s[:, :inputs] == row).all(1)
        data[match] += p[match] / p[match].sum() / len(x)
    second = s.T @ ((data - p)[:, None] * s)
    np.fill_diagonal(second, 0)
    return {"kernel": second, "bias": (data - p) @ s}


X = (np.random.default_rng(3).random((9, 4)) < [0.2, 0.5, 0.5, 0.8]).astype(float)


def test_exact_gradient():
    """By counting out, and as the derivative of the exact likelihood that is reported."""
    params, program = machine(7), BoltzmannProgram(4, 3, dtype="float64", batch_size=12)
    exact = slope_by_hand(params, X, 4)
    with jax.enable_x64(True):
        rows, real = jnp.concatenate([X, X[:3]]), jnp.concatenate([jnp.ones(9), jnp.zeros(3)])
        state = jax.tree.map(jnp.asarray, program.from_params(params))
        key = jax.random.key(0)
        new, figure = program.step(state, Batch(rows, real), STILL, key)

        def likelihood(bias):
            moved = {**state, "params": {**state["params"], "bias": bias}}
            return program.step(moved, Batch(rows, real), STILL, key)[1][0]

        slope = np.asarray(jax.grad(likelihood)(state["params"]["bias"]))
    for name, expected in exact.items():
        np.testing.assert_allclose(np.asarray(new["params"][name]) - params[name], expected, atol=1e-12)
    np.testing.assert_allclose(slope, exact["bias"], atol=1e-10)
    s, p, _ = distribution(params)
    by_hand = np.mean([np.log(p[(s[:, :4] == row).all(1)].sum()) for row in X])
    assert float(figure[0]) == pytest.approx(by_hand, rel=1e-10)


@pytest.mark.parametrize("hidden", [0, 3])
def test_sampled_gradient(hidden):
    """Gibbs with v clamped, and persistent chains: the mean of many updates at fixed weights."""
    params = machine(4 + hidden, 0.5)
    program = BoltzmannProgram(4, hidden, method="gibbs", sweeps=4, batch_size=9 * 16, dtype="float64")
    exact = slope_by_hand(params, X, 4)
    with jax.enable_x64(True):
        batch = Batch(jnp.tile(X, (16, 1)), jnp.ones(9 * 16))
        state = jax.tree.map(jnp.asarray, program.from_params(params))

        def one(state, key):
            new, _ = program.step(state, batch, STILL, key)
            slope = jax.tree.map(lambda a, b: a - b, new["params"], state["params"])
            return {**new, "params": state["params"], "speed": state["speed"]}, slope

        _, slopes = jax.jit(lambda s, k: jax.lax.scan(one, s, k))(state, jax.random.split(jax.random.key(0), 1500))
    for name, found in slopes.items():
        np.testing.assert_allclose(np.asarray(found)[50:].mean(0), exact[name], atol=0.008)


def test_without_hidden_units_moments_are_met():
    """The likelihood is concave then, and at its top first and second moments are the data's (Ackley et al. 1985)."""
    x = (np.random.default_rng(0).random((200, 5)) < 0.5).astype(float)
    x[:, 1] = np.where(np.random.default_rng(1).random(200) < 0.7, x[:, 0], x[:, 1])
    program = BoltzmannProgram(5, 0, batch_size=200, dtype="float64")
    values = [{"learning_rate": 1.0, "momentum": 0.9, "weight_decay": 0.0}]
    found = train_program(program, x, epochs=600, values=values)[0]
    s, p, _ = distribution(found.state["params"])
    np.testing.assert_allclose(p @ s, x.mean(0), atol=1e-6)
    np.testing.assert_allclose(s.T @ (p[:, None] * s), x.T @ x / 200, atol=1e-6)
    likelihood = found.history["log_likelihood"]
    assert likelihood[-1] > likelihood[0]


@pytest.mark.parametrize("method", ["exact", "mean_field", "gibbs"])
def test_hidden_units_learn_parity(method):
    """Even parity of three bits has no pairwise structure: without hidden units nothing is learned."""
    even = np.array([[0, 0, 0], [0, 1, 1], [1, 0, 1], [1, 1, 0]], float)
    values = [{"learning_rate": 0.3 if method == "exact" else 0.1, "momentum": 0.9, "weight_decay": 0.0}]
    program = BoltzmannProgram(3, 4, method=method, batch_size=64)
    found = train_program(program, np.tile(even, (16, 1)), epochs=1500, values=values, seeds=[0, 1, 2, 3])
    best = -np.inf
    for member in found:
        params = {name: np.asarray(a, float) for name, a in member.state["params"].items()}
        s, p, _ = distribution(params)
        best = max(best, np.mean([np.log(p[(s[:, :3] == row).all(1)].sum()) for row in even]))
        np.testing.assert_array_equal(params["kernel"], params["kernel"].T)
        assert not np.diag(params["kernel"]).any()
    assert best > -3 * np.log(2) + 0.3  # the best there is: −2 log 2


def test_sampler_has_the_exact_distribution():
    params = {name: a.astype("f4") for name, a in machine(4, 0.8).items()}
    _, p, _ = distribution(params)
    found = boltzmann.gibbs(params, np.zeros((20_000, 4)), 30, seed=1)
    counts = np.bincount((found @ 2 ** np.arange(4)).astype(int), minlength=16)
    assert ((counts - 20_000 * p) ** 2 / (20_000 * p)).sum() < 15 + 5 * np.sqrt(30)
    held = boltzmann.gibbs(params, np.ones((10, 4)), 5, clamped=2)
    assert held[:, :2].all()
