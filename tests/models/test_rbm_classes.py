"""The classification RBM against counting out its hidden states, and its slopes against differences."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.engine.program import Batch, train_program
from jindan.models.partition import states
from jindan.models.rbm_classes import ClassRBMProgram, class_logits


def machine(program, scale=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return {name: scale * rng.normal(size=a.shape) for name, a in program.init(0, {})["params"].items()}


def joint(params, x):
    """Σₕ exp(−E(x, y, h)) of rows and classes, from the energy."""
    h = states(params["kernel"].shape[1])
    minus = (
        (x @ params["visible_bias"])[:, None, None] + h @ params["hidden_bias"] + (x @ params["kernel"] @ h.T)[:, None]
    )
    minus = minus + params["class_bias"][:, None] + params["class_kernel"] @ h.T
    return np.exp(minus).sum(-1)


def test_probabilities_of_classes():
    program = ClassRBMProgram(5, 4, 3, dtype="float64")
    params, x = machine(program), states(5)[::3]
    p = joint(params, x)
    with jax.enable_x64(True):
        found = np.asarray(jax.nn.softmax(class_logits(params, x)))
    np.testing.assert_allclose(found, p / p.sum(1, keepdims=True), rtol=1e-10)


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_slopes(share):
    """log p(y | x) exactly; with chains that have found the machine's own distribution, log p(x, y) too."""
    program = ClassRBMProgram(3, 3, 2, generative=share > 0, batch_size=8, dtype="float64")
    params = machine(program, 0.7)
    every = states(3)
    p = joint(params, every)
    p /= p.sum()
    rng = np.random.default_rng(0)
    picked = rng.choice(16, 8) if not share else rng.choice(16, 40_000, p=p.ravel())
    x, y = every[picked // 2], picked % 2
    values = {"learning_rate": 1.0, "generative": share, "momentum": 0.0, "weight_decay": 0.0}
    with jax.enable_x64(True):
        rows = Batch({"x": jnp.asarray(x), "y": jnp.asarray(y)}, jnp.ones(len(x)))
        state = {"params": params, "speed": {n: np.zeros_like(a) for n, a in params.items()}}
        new, figures = jax.jit(program.step)(state, rows, values, jax.random.key(0))

    def told(name, index, change):
        moved = {n: a.copy() for n, a in params.items()}
        moved[name].flat[index] += change
        p = joint(moved, x)
        return np.log(p[np.arange(len(x)), y] / p.sum(1)).mean()

    for name, a in params.items():
        slope = [(told(name, i, 1e-5) - told(name, i, -1e-5)) / 2e-5 for i in range(a.size)]
        # Rows drawn from the machine itself are at the top of log p(x, y): there CD's slope is 0 but for noise.
        np.testing.assert_allclose((np.asarray(new["params"][name]) - a).ravel(), slope, atol=0.015 if share else 1e-7)
    assert float(figures[0]) == pytest.approx(-told("class_bias", 0, 0.0), rel=1e-9)


@pytest.mark.parametrize("generative", [True, False])
def test_a_member_alone_is_the_same(generative):
    rng = np.random.default_rng(0)
    rows = {"x": (rng.random((21, 4)) < 0.5).astype(float), "y": rng.integers(0, 3, 21).astype(np.int32)}
    program = ClassRBMProgram(4, 3, 3, generative=generative, batch_size=8, dtype="float64")
    values = [{"learning_rate": r, "generative": 0.1, "momentum": 0.5, "weight_decay": 1e-3} for r in (0.1, 0.2)]
    together = train_program(program, rows, epochs=4, seeds=[1, 2], values=values)
    for member, own in zip(together, values, strict=True):
        alone = train_program(program, rows, epochs=4, seeds=[member.seed], values=[own])[0]
        jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-9), alone.state, member.state)
