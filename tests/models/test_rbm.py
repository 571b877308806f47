"""RBMs against counting out all states, against scikit-learn, and their sampling against the exact distribution."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.engine.program import Batch, train_program
from jindan.errors import InputError
from jindan.models import partition, rbm
from jindan.models import rbm_draws as draws
from jindan.models.rbm import BERNOULLI, GAUSSIAN, RBMProgram


def machine(inputs, units, scale=0.7, seed=0):
    rng = np.random.default_rng(seed)
    return {
        "kernel": rng.normal(size=(inputs, units)) * scale,
        "visible_bias": rng.normal(size=inputs) * scale,
        "hidden_bias": rng.normal(size=units) * scale,
    }


def energies(params, v, h):
    """E(v, h) of all pairs, straight from its formula."""
    return -(v @ params["visible_bias"])[:, None] - (h @ params["hidden_bias"]) - v @ params["kernel"] @ h.T


def distribution(params):
    """All v and p(v), by counting out both sides."""
    inputs, units = params["kernel"].shape
    v, h = partition.states(inputs), partition.states(units)
    p = np.exp(-energies(params, v, h))
    return v, p.sum(1) / p.sum(), np.log(p.sum())


def test_draws():
    """Uniform in every corner that matters: mean, spread, neighbours, places of neighbouring keys."""
    found = np.stack([draws.uniform(jax.random.fold_in(jax.random.key(0), k), (4096,)) for k in range(64)])
    assert found.min() >= 0
    assert found.max() < 1
    n = found.size
    assert abs(found.mean() - 0.5) < 4 * np.sqrt(1 / 12 / n)
    counts = np.histogram(found, 256, (0, 1))[0]
    assert ((counts - n / 256) ** 2).sum() / (n / 256) < 255 + 5 * np.sqrt(2 * 255)
    centred = (found - 0.5) * np.sqrt(12)
    for a, b in ((centred[:, 1:], centred[:, :-1]), (centred[1:], centred[:-1]), (centred[:, 64:], centred[:, :-64])):
        assert abs((a * b).mean()) < 4 / np.sqrt(n)
    # Low bits of the hash are as good: the words of one key against the next.
    words = np.stack([draws.bits(jnp.array([k, 5], jnp.uint32), (4096,)) for k in range(16)])
    ones = np.unpackbits(words.view(np.uint8)).mean()
    assert abs(ones - 0.5) < 4 * 0.5 / np.sqrt(words.size * 32)
    z = np.asarray(draws.normal(jax.random.key(3), (100_000,)))
    assert abs(z.mean()) < 0.015
    assert abs(z.std() - 1) < 0.01
    assert abs((z**4).mean() - 3) < 0.15


def test_free_energy_and_partition_function():
    params = machine(6, 4)
    v, p, log_z = distribution(params)
    exact = partition.exact(params)
    assert exact.exact
    assert exact.value == pytest.approx(log_z, rel=1e-12)
    assert partition.exact(machine(4, 6)).value == pytest.approx(distribution(machine(4, 6))[2], rel=1e-12)
    with jax.enable_x64(True):
        free = np.asarray(rbm.free_energy(params, v, BERNOULLI))
    np.testing.assert_allclose(-free - log_z, np.log(p), rtol=1e-10)


def test_partition_function_in_blocks():
    """More units than are counted out at once: independent ones have a closed form."""
    params = machine(20, 14)
    params["kernel"][:] = 0
    both = np.concatenate([params["visible_bias"], params["hidden_bias"]])
    assert partition.exact(params).value == pytest.approx(np.logaddexp(0, both).sum(), rel=1e-12)
    with pytest.raises(InputError, match="too many"):
        partition.exact(machine(30, 23))


def test_gaussian_partition_function():
    """Against integration on a grid."""
    params = machine(2, 3, 0.5)
    grid = np.linspace(-12, 12, 601)
    v = np.stack(np.meshgrid(grid, grid), -1).reshape(-1, 2)
    with jax.enable_x64(True):
        free = np.asarray(rbm.free_energy(params, v, GAUSSIAN))
    whole = np.log(np.exp(-free).sum() * (grid[1] - grid[0]) ** 2)
    assert partition.exact(params, GAUSSIAN).value == pytest.approx(whole, rel=1e-8)


@pytest.mark.parametrize("visible", [BERNOULLI, GAUSSIAN])
@pytest.mark.parametrize("seed", range(3))
def test_annealed_importance_sampling(visible, seed):
    """Within its three standard errors, from either base."""
    params = machine(10, 8, 0.6 if visible == BERNOULLI else 0.3, seed)
    true = partition.exact(params, visible).value
    base = None if seed else np.zeros(10)
    found = partition.annealed(params, visible, runs=400, temperatures=np.linspace(0, 1, 300), base=base, seed=seed)
    assert found.low <= true <= found.high
    assert found.error < 0.15
    assert found.high - found.low < 1
    single = {name: a.astype("f4") for name, a in params.items()}
    again = partition.annealed(single, visible, runs=400, temperatures=np.linspace(0, 1, 300), seed=seed + 10)
    assert again.low <= true <= again.high


def test_temperatures_are_checked():
    with pytest.raises(InputError, match="temperatures"):
        partition.annealed(machine(3, 2), temperatures=[0, 0.5])


def test_gibbs_keeps_the_exact_distribution():
    """Chains that start from p(v) still have it after a step, and chains from anywhere come to it (χ²)."""
    params = machine(4, 3, 1.0)
    v, p, _ = distribution(params)
    rng = np.random.default_rng(0)
    for start, steps in ((v[rng.choice(16, 40_000, p=p)], 1), (np.zeros((40_000, 4)), 40)):
        found, _ = rbm.gibbs(params, start.astype("f4"), BERNOULLI, steps, seed=3)
        counts = np.bincount((found @ 2 ** np.arange(4)).astype(int), minlength=16)
        chi = ((counts - 40_000 * p) ** 2 / (40_000 * p)).sum()
        assert chi < 15 + 5 * np.sqrt(30)


def test_detailed_balance():
    """p(v) T(v → v′) = p(v′) T(v′ → v), T = Σₕ p(v′ | h) p(h | v), from the two conditionals the sampler draws from."""
    params = machine(4, 3, 1.0)
    v, p, _ = distribution(params)
    h = partition.states(3)
    with jax.enable_x64(True):
        ph = np.asarray(rbm.hidden_given(params, v))
        pv = np.asarray(rbm.visible_given(params, h, BERNOULLI))
    to_h = np.prod(np.where(h[None] == 1, ph[:, None], 1 - ph[:, None]), -1)
    to_v = np.prod(np.where(v[None] == 1, pv[:, None], 1 - pv[:, None]), -1)
    flow = p[:, None] * (to_h @ to_v)
    np.testing.assert_allclose(flow, flow.T, rtol=1e-10)


def slope_by_hand(params, x):
    """The exact gradient of the mean log-likelihood, from the enumerated joint distribution."""
    inputs, units = params["kernel"].shape
    v, h = partition.states(inputs), partition.states(units)
    p = np.exp(-energies(params, v, h))
    p /= p.sum()
    ph = 1 / (1 + np.exp(-(x @ params["kernel"] + params["hidden_bias"])))
    return {
        "kernel": x.T @ ph / len(x) - v.T @ p @ h,
        "visible_bias": x.mean(0) - p.sum(1) @ v,
        "hidden_bias": ph.mean(0) - p.sum(0) @ h,
    }


@pytest.mark.parametrize("method", ["pcd", "pt", "cd"])
def test_the_mean_update_is_the_exact_gradient(method):
    """Mean of many updates at fixed weights (CD: after many steps)."""
    params = machine(5, 3, 0.8)
    x = (np.random.default_rng(1).random((7, 5)) < 0.4).astype(float)
    program = RBMProgram(5, 3, method=method, steps=10 if method == "cd" else 3, batch_size=256, dtype="float64")
    with jax.enable_x64(True):
        rows = np.tile(x, (37, 1))[:256]
        rows, real = rows[: 7 * 36], np.ones(252)
        rows, real = np.concatenate([rows, rows[:4]]), np.concatenate([real, np.zeros(4)])
        state = jax.tree.map(jnp.asarray, program.from_params(params))

        def one(state, key):
            new, _ = program.step(state, Batch(rows, real), {"learning_rate": 1.0}, key)
            slope = jax.tree.map(lambda a, b: a - b, new["params"], state["params"])
            return {**new, "params": state["params"]}, slope

        keys = jax.random.split(jax.random.key(0), 1500)
        _, slopes = jax.jit(lambda s, k: jax.lax.scan(one, s, k))(state, keys)
    exact = slope_by_hand(params, x)
    for name, found in slopes.items():
        found = np.asarray(found)[50:]
        # Chains of one batch are 256, of all updates half a million: a standard error of 0.001 and their memory.
        np.testing.assert_allclose(found.mean(0), exact[name], atol=0.006)


def test_training_raises_the_exact_likelihood():
    """Stripes of 3 × 3 (MacKay 2003): near the best there is, −log 14. Its modes are far apart, which one chain at a
    high rate does not follow (Fischer & Igel 2010), and chains at several temperatures do."""
    rows = [np.repeat(bits, 3) for bits in partition.states(3)]
    data = np.unique([*rows, *[r.reshape(3, 3).T.ravel() for r in rows]], axis=0)
    assert len(data) == 14
    values = [{"learning_rate": 0.1, "momentum": 0.5}]
    x = np.tile(data, (50, 1))
    likelihood = {}
    for method in ("pt", "pcd"):
        program = RBMProgram(9, 8, method=method, batch_size=100, momentum=True)
        found = train_program(program, x, epochs=500, values=values, seeds=[0, 1])
        params = [member.state["params"] for member in found]
        free = [np.asarray(rbm.free_energy(p, data.astype("f4"), BERNOULLI)).mean() for p in params]
        likelihood[method] = [-f - partition.exact(p).value for f, p in zip(free, params, strict=True)]
    assert min(likelihood["pt"]) > -np.log(14) - 0.5
    assert min(likelihood["pt"]) > max(likelihood["pcd"])
    assert found[0].history["pseudo_likelihood"][-1] > found[0].history["pseudo_likelihood"][0]


def test_gaussian_learns_a_mixture():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 4)) + np.where(rng.random((600, 1)) < 0.5, 1.5, -1.5) * np.array([1, -1, 1, 0.5])
    program = RBMProgram(4, 3, visible=GAUSSIAN, method="cd", batch_size=50)
    found = train_program(program, x, epochs=60, values=[{"learning_rate": 0.02}])[0]

    def likelihood(params):
        free = np.asarray(rbm.free_energy(params, x.astype("f4"), GAUSSIAN))
        return float((-free - partition.exact(params, GAUSSIAN).value).mean())

    start = program.init(0, {})["params"]
    assert likelihood(found.state["params"]) > likelihood(start) + 1
    samples, _ = rbm.gibbs(found.state["params"], np.zeros((4000, 4), "f4"), GAUSSIAN, 200)
    np.testing.assert_allclose(np.corrcoef(samples.T)[0, 1], np.corrcoef(x.T)[0, 1], atol=0.15)


def test_pseudo_likelihood_has_the_exact_mean():
    params = machine(5, 3)
    v = partition.states(5)[[3, 17, 30]]
    _, p, _ = distribution(params)
    index = (v @ 2 ** np.arange(5)).astype(int)
    exact = [sum(np.log(p[i] / (p[i] + p[i ^ (1 << k)])) for k in range(5)) for i in index]
    single = {name: a.astype("f4") for name, a in params.items()}
    found = np.asarray(rbm.pseudo_likelihood(single, np.repeat(v, 20_000, 0).astype("f4"), jax.random.key(0)))
    np.testing.assert_allclose(found.reshape(3, -1).mean(1), exact, rtol=0.02)


@pytest.mark.parametrize("method", ["cd", "pcd", "pt"])
def test_a_member_alone_is_the_same(method):
    x = (np.random.default_rng(0).random((37, 6)) < 0.5).astype(float)
    program = RBMProgram(6, 4, method=method, steps=2, batch_size=8, momentum=True, weight_decay=True, dtype="float64")
    values = [{"learning_rate": r, "momentum": 0.5, "weight_decay": 1e-3} for r in (0.1, 0.05)]
    together = train_program(program, x, epochs=3, seeds=[1, 2], values=values)
    for member, own in zip(together, values, strict=True):
        alone = train_program(program, x, epochs=3, seeds=[member.seed], values=[own])[0]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), alone.state, member.state)


@pytest.mark.parametrize("method", ["cd", "pcd", "pt"])
def test_shared_out_among_devices(method, monkeypatch):
    """Visible units on two devices: the same numbers."""
    x = (np.random.default_rng(0).random((37, 6)) < 0.5).astype(float)
    program = RBMProgram(6, 4, method=method, batch_size=8, momentum=True, dtype="float64")
    values = [{"learning_rate": 0.1, "momentum": 0.5}]
    whole = train_program(program, x, epochs=3, values=values)[0]
    monkeypatch.setattr(rbm, "SPLIT", 0.0)
    split = train_program(program, x, epochs=3, values=values)[0]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), split.state, whole.state)
    part = train_program(program, x, epochs=3, values=values, until=(1, 2))
    again = train_program(program, x, epochs=3, start=part)[0]
    jax.tree.map(np.testing.assert_array_equal, split.state, again.state)


def test_half_precision_draws():
    """Products of bfloat16 factors: weights and figures stay near, as the draws differ only now and then."""
    x = (np.random.default_rng(0).random((64, 12)) < 0.4).astype(np.float32)
    values = [{"learning_rate": 0.05}]
    full, half = (
        train_program(RBMProgram(12, 6, method="pcd", batch_size=16, precision=p), x, epochs=20, values=values)[0]
        for p in (None, "bfloat16")
    )
    assert half.state["params"]["kernel"].dtype == np.float32
    np.testing.assert_allclose(half.state["params"]["visible_bias"], full.state["params"]["visible_bias"], atol=0.15)


def test_as_scikit_learn():
    """On digits, with the same rate, batch and epochs: as likely by exact counting, which 8 hidden units allow."""
    from sklearn.datasets import load_digits
    from sklearn.neural_network import BernoulliRBM

    x = (load_digits().data > 7).astype(np.float32)
    theirs = BernoulliRBM(8, learning_rate=0.05, batch_size=20, n_iter=20, random_state=0).fit(x)
    program = RBMProgram(64, 8, method="pcd", batch_size=20)
    ours = train_program(program, x, epochs=20, values=[{"learning_rate": 0.05}], seeds=[0, 1, 2])
    other = {
        "kernel": theirs.components_.T,
        "visible_bias": theirs.intercept_visible_,
        "hidden_bias": theirs.intercept_hidden_,
    }

    def likelihood(params):
        return float((-np.asarray(rbm.free_energy(params, x, BERNOULLI)) - partition.exact(params).value).mean())

    found = [likelihood(member.state["params"]) for member in ours]
    assert np.mean(found) > likelihood(other) - 0.5
    with jax.enable_x64(True):
        free = np.asarray(rbm.free_energy(other, x, BERNOULLI))
    np.testing.assert_allclose(free, theirs._free_energy(x), rtol=1e-5)
