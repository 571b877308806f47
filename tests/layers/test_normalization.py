"""Normalisation layers: moments, running averages and gradients against PyTorch; padding and empty batches."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.engine.train import train
from jindan.layers import BatchNormalization, Dense, Flatten, GroupNormalization, LayerNormalization, Network
from jindan.layers.base import Context
from jindan.ops.normalization import standardise
from jindan.plan import Plan

RNG = np.random.default_rng(417)
SHAPES = [(1,), (4,), (3, 2), (2, 3, 4)]


def weights_of(layer, shape):
    network = Network((layer,), shape)
    w = network.join(*network.init(0, np.float64))[0]
    return {n: jnp.asarray(np.abs(v + 0.3 * RNG.normal(size=v.shape)) + 0.1) for n, v in w.items()}


def torch_():
    return pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("rows", [2, 5])
def test_batch_norm_as_in_torch(shape, rows, x64):
    torch = torch_()
    layer = BatchNormalization(momentum=0.7, epsilon=1e-4)
    w, x = weights_of(layer, shape), RNG.normal(size=(rows, *shape)) * 2 + 1
    mix = RNG.normal(size=x.shape)

    def total(w, x):
        ctx = Context(training=True)
        return jnp.sum(mix * layer.apply(w, x, ctx)), {name: value for (_, name), value in ctx.updates.items()}

    (value, updates), slopes = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))(w, jnp.asarray(x))
    leaves = {n: torch.tensor(np.asarray(v), requires_grad=n in ("gamma", "beta")) for n, v in w.items()}
    channels_first = np.moveaxis(x, -1, 1)
    t = torch.tensor(np.ascontiguousarray(channels_first), requires_grad=True)
    mean, variance = leaves["moving_mean"].clone(), leaves["moving_variance"].clone()
    theirs = torch.nn.functional.batch_norm(
        t, mean, variance, leaves["gamma"], leaves["beta"], training=True, momentum=0.3, eps=1e-4
    )
    cost = (theirs * torch.tensor(np.ascontiguousarray(np.moveaxis(mix, -1, 1)))).sum()
    cost.backward()
    agree(value, cost.detach().numpy(), 1e-12)
    agree(slopes[1], np.moveaxis(t.grad.numpy(), 1, -1), 1e-10)
    for name in ("gamma", "beta"):
        agree(slopes[0][name], leaves[name].grad.numpy(), 1e-10)
    agree(updates["moving_mean"], mean.numpy(), 1e-12)
    # PyTorch's running variance is unbiased, Keras's and ours is not: n / (n − 1) apart.
    n = x.size // x.shape[-1]
    before = 0.7 * np.asarray(w["moving_variance"])
    unbiased = (np.asarray(updates["moving_variance"]) - before) * n / (n - 1)
    agree(unbiased + before, variance.numpy(), 1e-12)


def test_batch_norm_of_masked_rows_and_steps_is_that_of_the_others(x64):
    layer = BatchNormalization()
    w, x = weights_of(layer, (3, 2)), RNG.normal(size=(4, 3, 2))
    rows, mask = np.array([1.0, 1, 1, 0]), np.array([[1, 1, 0], [1, 0, 0], [1, 1, 1], [1, 1, 1]])
    ctx = Context(training=True, rows=jnp.asarray(rows), mask=jnp.asarray(mask))
    out = np.asarray(layer.apply(w, jnp.asarray(x), ctx))
    chosen = x[(mask * rows[:, None]) > 0]
    normal = (x - chosen.mean(0)) / np.sqrt(chosen.var(0) + 1e-3)
    agree(out, normal * np.asarray(w["gamma"]) + np.asarray(w["beta"]), 1e-12)
    agree(ctx.updates[0, "moving_mean"], 0.99 * np.asarray(w["moving_mean"]) + 0.01 * chosen.mean(0), 1e-12)


def test_an_empty_batch_moves_nothing(x64):
    layer = BatchNormalization()
    w, ctx = weights_of(layer, (2,)), Context(training=True, rows=jnp.zeros(3))
    out = layer.apply(w, jnp.asarray(RNG.normal(size=(3, 2))), ctx)
    assert np.isfinite(out).all()
    agree(ctx.updates[0, "moving_mean"], w["moving_mean"], 0)
    agree(ctx.updates[0, "moving_variance"], w["moving_variance"], 0)


def test_a_frozen_batch_norm_uses_its_running_moments():
    layer = BatchNormalization(trainable=False)
    w, x = weights_of(layer, (2,)), RNG.normal(size=(5, 2)).astype(np.float32)
    ctx = Context(training=True)
    np.testing.assert_array_equal(layer.apply(w, x, ctx), layer.apply(w, x, Context()))
    assert not ctx.updates


def test_a_partial_last_batch_counts_its_real_rows_only():
    """Ten rows in batches of four: the running mean is that of the batches 4, 4, 2 one after another."""
    x, y = RNG.normal(size=(10, 3)), RNG.normal(size=(10, 1))
    layers = (BatchNormalization(momentum=0.5), Dense(1))
    plan = Plan(layers, loss="mse", optimizer="sgd", batch_size=4, epochs=1, shuffle=False, dtype="float64", seed=0)
    run = train(plan, (x, y))
    mean = np.zeros(3)
    for batch in (x[:4], x[4:8], x[8:]):
        mean = 0.5 * mean + 0.5 * batch.mean(0)
    agree(run.weights[0]["moving_mean"], mean, 1e-12)


def test_members_of_different_length_have_the_moments_of_their_own_rows():
    x, y = RNG.normal(size=(12, 3)), RNG.normal(size=(12, 1))
    plan = Plan((BatchNormalization(momentum=0.5), Dense(1)), loss="mse", optimizer="sgd", batch_size=4, epochs=3,
                dtype="float64", seed=0)  # fmt: skip
    plans = [plan.edit(rows=range(5)), plan.edit(rows=range(3, 12))]
    for member, each in zip(train(plans, (x, y)), plans, strict=True):
        alone = train(each, (x, y))
        agree(member.weights[0]["moving_variance"], alone.weights[0]["moving_variance"], 1e-10)
        agree(member.weights[1]["kernel"], alone.weights[1]["kernel"], 1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_layer_norm_as_in_torch(shape, x64):
    torch = torch_()
    layer = LayerNormalization(epsilon=1e-5)
    w, x = weights_of(layer, shape), RNG.normal(size=(3, *shape))
    mix = RNG.normal(size=x.shape)
    slopes = jax.jit(jax.grad(lambda w, x: jnp.sum(mix * layer.apply(w, x, Context())), argnums=(0, 1)))(w, x)
    t = torch.tensor(x, requires_grad=True)
    gamma, beta = (torch.tensor(np.asarray(w[n]), requires_grad=True) for n in ("gamma", "beta"))
    theirs = torch.nn.functional.layer_norm(t, shape[-1:], gamma, beta, eps=1e-5)
    (theirs * torch.tensor(mix)).sum().backward()
    agree(jax.jit(lambda w, x: layer.apply(w, x, Context()))(w, x), theirs.detach().numpy(), 1e-10)
    if shape[-1] > 1:  # of one feature the slope is nothing but rounding
        agree(slopes[1], t.grad.numpy(), 1e-9)
        agree(slopes[0]["gamma"], gamma.grad.numpy(), 1e-9)
    agree(slopes[0]["beta"], beta.grad.numpy(), 1e-10)


def test_group_norm_as_in_torch(x64):
    torch = torch_()
    layer = GroupNormalization(2, epsilon=1e-5)
    w, x = weights_of(layer, (3, 3, 4)), RNG.normal(size=(2, 3, 3, 4))
    t = torch.tensor(np.ascontiguousarray(np.moveaxis(x, -1, 1)))
    theirs = torch.nn.functional.group_norm(
        t, 2, *(torch.tensor(np.asarray(w[n])) for n in ("gamma", "beta")), eps=1e-5
    )
    agree(layer.apply(w, jnp.asarray(x), Context()), np.moveaxis(theirs.numpy(), 1, -1), 1e-10)


def test_constant_and_huge_inputs_stay_finite():
    for value in (0.0, 3.0, 1e30):
        x = jnp.full((4, 3), value, jnp.float32)
        for layer in (BatchNormalization(), LayerNormalization()):
            w = {n: jnp.ones(3) for n in layer.weights((3,))}
            slope = jax.jit(jax.grad(lambda x, layer=layer, w=w: jnp.sum(layer.apply(w, x, Context(training=True)))))(x)
            assert np.isfinite(np.asarray(slope)).all()


def test_the_slope_of_masked_numbers(x64):
    """Numbers that do not count are moved by the moments, but do not move them: against central differences."""
    x, mask = RNG.normal(size=(4, 2)), np.array([[1.0], [1], [0], [1]])
    mix = RNG.normal(size=x.shape)

    @jax.jit
    def total(x):
        return jnp.sum(mix * standardise(x, jnp.asarray(mask), (0,), 1e-3)[0])

    h = 1e-6
    steps = np.eye(8).reshape(8, 4, 2) * h
    differences = [(total(jnp.asarray(x + s)) - total(jnp.asarray(x - s))) / (2 * h) for s in steps]
    agree(np.asarray(jax.jit(jax.grad(total))(x)).reshape(-1), differences, 1e-8)


def test_training_with_batch_norm_learns_and_saves_its_state(tmp_path):
    import jindan as jd
    from jindan.models import Sequential

    # Rows of its own: those of a common generator depend on which tests ran before.
    x = np.random.default_rng(3).normal(size=(64, 2, 3)).astype(np.float32) * 5 + 3
    y = (x.sum((1, 2)) > x.sum((1, 2)).mean()).astype(int)
    model = Sequential(
        [
            BatchNormalization(),
            Flatten(),
            Dense(8, activation="relu"),
            BatchNormalization(),
            Dense(1, activation="sigmoid"),
        ]
    )
    model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=120, batch_size=16, seed=0)
    assert model.evaluate(x, y)[1] > 0.9
    assert len(model.trainable_weights) == 8
    assert len(model.non_trainable_weights) == 4
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(x), model.predict(x))
