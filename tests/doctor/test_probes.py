"""Figures of layers against arithmetic by hand, derivatives of the engine's own, and the updates it really makes."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest

import jindan as jd
from jindan.doctor import probes
from jindan.doctor.evidence import Moment
from jindan.doctor.keeping import Keeper
from jindan.doctor.probes import measure
from jindan.engine.data import Data
from jindan.engine.forward import evaluate
from jindan.engine.train import train
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.optimizers import SGD
from jindan.plan import Plan
from jindan.schedules import ExponentialDecay
from jindan.select.batch_sizes import gradient_noise

RNG = np.random.default_rng(7)


def start_of(plan, shape, seed=0):
    return Moment(0, 0, *plan.network(shape).init(seed, np.dtype(plan.dtype)))


def one(plan, shape, x, y, moment=None, deep=False, **settings):
    (probe,) = measure(plan, shape, [moment or start_of(plan, shape)], x, y, deep=deep, **settings)
    return probe


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# -- by hand ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dense():
    """4-6-5-3 with ReLU, a sigmoid and softmax, in float64; its forward and backward passes in NumPy."""
    layers = (Dense(6, activation="relu"), Dense(5, activation="sigmoid"), Dense(3, activation="softmax"))
    plan = Plan(layers, loss="categorical_crossentropy", optimizer=SGD(0.1, momentum=0.9), dtype="float64", l2=0.01)
    x, y = RNG.normal(size=(40, 4)), np.eye(3)[RNG.integers(0, 3, 40)]
    weights = tuple(
        {"kernel": 2 * RNG.normal(size=form), "bias": RNG.normal(size=form[1])} for form in ((4, 6), (6, 5), (5, 3))
    )
    velocity = tuple((RNG.normal(size=w.shape),) for w in jax.tree.leaves(weights))
    memory = {**plan.optimizer.init(weights), "slots": velocity}
    z, a, at = [], [], x
    for w, f in zip(weights, (lambda v: np.maximum(v, 0), sigmoid, np.exp), strict=True):
        z.append(at @ w["kernel"] + w["bias"])
        at = f(z[-1])
        a.append(at)
    a[2] = a[2] / a[2].sum(1, keepdims=True)
    d = [None, None, (a[2] - y) / 40]  # by the logits
    d[1] = d[2] @ weights[2]["kernel"].T
    d1 = d[1] * a[1] * (1 - a[1])
    d[0] = d1 @ weights[1]["kernel"].T
    slopes = [x.T @ (d[0] * (z[0] > 0)), a[0].T @ d1, a[1].T @ d[2]]
    biases = [(d[0] * (z[0] > 0)).sum(0), d1.sum(0), d[2].sum(0)]
    probe = one(plan, (4,), x, y, Moment(9, 3, weights, ({}, {}, {}), memory), deep=True)
    return {"probe": probe, "plan": plan, "x": x, "y": y, "weights": weights, "z": z, "a": a, "d": d,
            "slopes": slopes, "biases": biases, "velocity": velocity}  # fmt: skip


def test_figures_of_outputs(dense):
    for layer, a in zip(dense["probe"].layers, dense["a"], strict=True):
        assert layer.mean == pytest.approx(a.mean(), rel=1e-12)
        assert layer.spread == pytest.approx(a.std(), rel=1e-12)
        assert layer.positive == pytest.approx(np.mean(a > 0), rel=1e-12)
        assert layer.constant == np.mean(np.ptp(a, axis=0) == 0)
        assert layer.units == a.shape[1]
        assert layer.finite
    first, second, last = dense["probe"].layers
    assert first.dead == np.mean(np.all(dense["a"][0] == 0, axis=0))
    assert second.dead is None
    assert last.dead is None
    assert first.saturated is None
    assert last.saturated is None
    z = dense["z"][1]
    assert second.saturated == pytest.approx(np.mean(sigmoid(z) * (1 - sigmoid(z)) < 0.25 / 20))
    assert 0 < second.saturated < 1
    assert dense["probe"].output_spread == pytest.approx(dense["a"][2].std(0).max(), rel=1e-12)


def test_names(dense):
    first = dense["probe"].layers[0]
    assert (first.index, first.title, first.kind, first.activation) == (0, "layer 1, Dense", "Dense", "relu")
    assert [layer.trainable for layer in dense["probe"].layers] == [30, 35, 18]
    assert (dense["probe"].update, dense["probe"].epoch) == (9, 3)


def test_figures_of_gradients(dense):
    probe = dense["probe"]
    for layer, w, g, d in zip(probe.layers, dense["weights"], dense["slopes"], dense["d"], strict=True):
        assert layer.weight_norm == pytest.approx(np.linalg.norm(w["kernel"]), rel=1e-12)
        assert layer.gradient_norm == pytest.approx(np.linalg.norm(g), rel=1e-9)
        assert layer.backward_norm == pytest.approx(np.sqrt(np.mean(np.sum((40 * d) ** 2, axis=1))), rel=1e-9)
    every = np.concatenate([g.ravel() for g in (*dense["slopes"], *dense["biases"])])
    assert probe.gradient_norm == pytest.approx(np.linalg.norm(every), rel=1e-9)


def test_losses_and_penalty(dense):
    probe = dense["probe"]
    expected = -np.mean(np.log(dense["a"][2][dense["y"] == 1]))
    assert probe.loss == pytest.approx(expected, rel=1e-9)
    assert probe.training_loss == probe.loss
    penalty = 0.01 * sum((w["kernel"] ** 2).sum() for w in dense["weights"])
    assert probe.penalty == pytest.approx(penalty, rel=1e-9)


def test_update_ratio_has_penalty_and_momentum(dense):
    velocities = [slot for (slot,) in dense["velocity"] if slot.ndim == 2]
    for layer, w, g, v in zip(dense["probe"].layers, dense["weights"], dense["slopes"], velocities, strict=True):
        step = 0.9 * v - 0.1 * (g + 0.02 * w["kernel"])
        assert layer.update_ratio == pytest.approx(np.linalg.norm(step) / np.linalg.norm(w["kernel"]), rel=1e-9)


def test_curvature_is_the_hessians(dense, x64):
    x, y = dense["x"], dense["y"]
    leaves, form = jax.tree.flatten(dense["weights"])

    def loss(flat):
        at, parts, place = x, [], 0
        for leaf in leaves:
            parts.append(flat[place : place + leaf.size].reshape(leaf.shape))
            place += leaf.size
        weights = jax.tree.unflatten(form, parts)
        for w, f in zip(weights, (jax.nn.relu, jax.nn.sigmoid, jax.nn.log_softmax), strict=True):
            at = f(at @ w["kernel"] + w["bias"])
        return -(at * y).sum(1).mean()

    flat = np.concatenate([leaf.ravel() for leaf in leaves])
    g, h = np.asarray(jax.grad(loss)(flat)), np.asarray(jax.hessian(loss)(flat))
    assert dense["probe"].curvature == pytest.approx(g @ h @ g / (g @ g), rel=1e-4)


# -- by the engine's own other ways ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("last", "loss"), [("sigmoid", "mse"), ("sigmoid", "binary_crossentropy"), ("linear", "mae")])
def test_gradients_are_those_of_backprop(last, loss):
    model = Sequential([Dense(5, activation="tanh", input_shape=(3,)), Dense(1, activation=last)])
    model.compile("sgd", loss)
    x, y = RNG.normal(size=(30, 3)), RNG.integers(0, 2, (30, 1)).astype(float)
    steps = jd.backprop(model, x, y)
    trained, fixed = model.network.part(model.ready_weights())
    probe = one(model.plan, (3,), x, y, Moment(0, 0, trained, fixed))
    fused = loss == "binary_crossentropy"
    for layer, step in zip(probe.layers, steps, strict=True):
        assert layer.gradient_norm == pytest.approx(np.linalg.norm(step.dW), rel=1e-5)
        d = step.dZ if fused and layer.index == 1 else step.dA
        assert layer.backward_norm == pytest.approx(np.sqrt(np.mean(np.sum((30 * d) ** 2, 1))), rel=1e-5)


def test_noise_scale_is_that_of_the_batch_size_study():
    plan = Plan((Dense(4, activation="tanh"), Dense(1)), loss="mse", dtype="float64")
    x = RNG.normal(size=(64, 3))
    y = x @ [1.0, -2.0, 0.5] + RNG.normal(size=64)
    moment = start_of(plan, (3,))
    noise = gradient_noise(plan, Data.of(x, y), moment.trained, small=8, seed=probes.SEED)
    assert one(plan, (3,), x, y, moment, deep=True).noise_scale == pytest.approx(noise.scale, rel=1e-9)


def test_noise_scale_of_a_linear_model_comes_near_the_truth():
    # Rows differ from a mean gradient by noise of known size: tr Σ = 3 σ², |G|² = 12.
    plan = Plan((Dense(1, use_bias=False, kernel_initializer="zeros"),), loss="mse", dtype="float64")
    found = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        x = 1 + 2 * rng.normal(size=(256, 3))
        probe = one(plan, (3,), x, np.ones(256), deep=True)
        # g = −2 y x with y = 1: G = −2 (1, 1, 1), Σ = 4 · 4 · I.
        found.append(probe.noise_scale)
    assert np.median(found) == pytest.approx(48 / 12, rel=0.1)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "rmsprop", SGD(0.1, global_clipnorm=0.01), SGD(0.1, clipnorm=0.1),
                                       SGD(0.01, gradient_accumulation_steps=3),
                                       SGD(ExponentialDecay(0.1, 2, 0.5), gradient_accumulation_steps=3)])  # fmt: skip
def test_update_ratio_is_that_of_the_next_update(optimizer):
    x, y = RNG.normal(size=(24, 4)), RNG.normal(size=24)
    layers = (Dense(6, activation="tanh"), Dense(1))
    plan = Plan(layers, loss="mse", optimizer=optimizer, batch_size=24, epochs=3, seed=0, dtype="float64", l1=0.003)
    keeper = Keeper()
    run = train(plan, (x, y), watch=keeper)
    probe = one(plan, (4,), x, y, keeper.moments[-1])
    steps = plan.optimizer.gradient_accumulation_steps or 1
    after = train(plan.replace(epochs=steps), (x, y), start=run)
    for layer, before, now in zip(probe.layers, run.weights, after.weights, strict=True):
        change = np.linalg.norm(now["kernel"] - before["kernel"]) / np.linalg.norm(before["kernel"])
        assert layer.update_ratio == pytest.approx(change, rel=1e-8)


def test_losses_of_a_network_with_both_modes():
    layers = (Dense(8, activation="relu"), jd.layers.BatchNormalization(), jd.layers.Dropout(0.5), Dense(1))
    plan = Plan(layers, loss="mse", batch_size=8, epochs=5, seed=0)
    x, y = 3 + 2 * RNG.normal(size=(64, 4)), RNG.normal(size=64)
    keeper = Keeper()
    run = train(plan, (x, y), watch=keeper)
    deep, shallow = (one(plan, (4,), x, y, keeper.moments[-1], deep=d) for d in (True, False))
    told = evaluate(plan, (4,), run.weights, Data.of(x, y))["loss"]
    assert deep.loss == pytest.approx(told, rel=1e-5)
    assert shallow.loss == pytest.approx(told, rel=1e-5)
    assert math.isnan(shallow.training_loss)
    assert shallow.curvature is None
    assert shallow.noise_scale is None
    assert deep.training_loss > 0
    assert deep.training_loss != deep.loss
    # Batch normalisation by the rows' own moments, as in training: its outputs are standardised, whatever is stored.
    first = measure(plan, (4,), keeper.moments[:1], x, y, deep=False)[0].layers[1]
    assert first.mean == pytest.approx(0, abs=1e-5)
    assert first.spread == pytest.approx(1, rel=0.05)


def test_class_weights_and_row_weights_count_as_in_training():
    plan = Plan((Dense(1, activation="sigmoid"),), loss="binary_crossentropy", class_weight={0: 1.0, 1: 3.0})
    x, y, weight = RNG.normal(size=(32, 2)), RNG.integers(0, 2, 32), RNG.uniform(0.5, 2, 32)
    moment = start_of(plan, (2,))
    probe = one(plan, (2,), x, y, moment, weight=weight)
    kernel = moment.trained[0]["kernel"]
    p = sigmoid(x @ kernel + moment.trained[0]["bias"])[:, 0]
    rows = -np.log(np.where(y == 1, p, 1 - p)) * weight
    assert probe.loss == pytest.approx(rows.mean(), rel=1e-5)
    assert probe.training_loss == pytest.approx((rows * np.where(y == 1, 3, 1)).mean(), rel=1e-5)
    slope = x.T @ ((p - y) * weight * np.where(y == 1, 3, 1)) / 32
    assert probe.layers[0].gradient_norm == pytest.approx(np.linalg.norm(slope), rel=1e-5)


# -- sick layers -----------------------------------------------------------------------------------------------------


def test_equal_units_stay_twins():
    layers = (Dense(6, activation="tanh", kernel_initializer="zeros"), Dense(1, kernel_initializer="ones"))
    plan = Plan(layers, loss="mse", optimizer="adam", epochs=20, seed=0)
    x = RNG.normal(size=(40, 3))
    keeper = Keeper()
    train(plan, (x, x[:, 0]), watch=keeper)
    first, *_, last = measure(plan, (3,), keeper.moments, x, x[:, 0], deep=False)
    assert first.layers[0].twins == 1
    assert last.layers[0].twins == 1
    assert math.isnan(first.layers[0].update_ratio)
    assert last.layers[0].update_ratio > 0
    assert one(plan.edit({"layers.0.kernel_initializer": "glorot_uniform"}), (3,), x, x[:, 0]).layers[0].twins == 0


def test_units_that_are_off_are_dead():
    layers = (Dense(5, activation="relu", bias_initializer=jd.initializers.Constant(-100.0)), Dense(1))
    probe = one(Plan(layers, loss="mse"), (3,), RNG.normal(size=(20, 3)), np.ones(20))
    first = probe.layers[0]
    assert (first.dead, first.constant, first.positive, first.gradient_norm) == (1, 1, 0, 0)
    assert probe.output_spread == 0
    assert first.finite


@pytest.mark.parametrize(
    ("layer", "expected"),
    [(jd.layers.ReLU(), 1.0), (jd.layers.Activation("relu6"), 1.0), (jd.layers.LeakyReLU(), None),
     (Dense(2, activation=lambda z: 0 * z), 1.0), (Dense(2, activation=lambda z: z), None),
     (jd.layers.Activation("tanh"), None), (jd.layers.ReLU(negative_slope=0.1), None)],
)  # fmt: skip
def test_what_can_be_dead(layer, expected):
    probe = one(Plan((layer, Dense(1)), loss="mse"), (2,), -1 - RNG.uniform(size=(9, 2)), np.ones(9))
    assert probe.layers[0].dead == expected


@pytest.mark.parametrize(
    ("name", "size", "expected"),
    [("sigmoid", 9.0, 1), ("sigmoid", 0.5, 0), ("tanh", 4.0, 1), ("hard_sigmoid", 3.5, 1), ("softsign", 4.0, 1),
     ("relu6", 7.0, 0.5), ("relu6", 1.0, 0), ("relu", 9.0, None), ("step", 1.0, None), ("softmax", 9.0, None)],
)  # fmt: skip
def test_what_is_saturated(name, size, expected):
    x = np.where(np.arange(12) % 2, size, -size)[:, None] * np.ones((1, 2))
    probe = one(Plan((jd.layers.Activation(name), Dense(1)), loss="mse"), (2,), x, np.ones(12))
    assert probe.layers[0].saturated == expected


def test_gradients_too_small_for_their_squares_are_told():
    layers = (Dense(4), Dense(4), Dense(1))
    plan = Plan(layers, loss="mse")
    moment = start_of(plan, (3,))
    faint = tuple({**w, "kernel": w["kernel"] * np.float32(1e-13)} for w in moment.trained)
    probe = one(plan, (3,), RNG.normal(size=(20, 3)), np.ones(20), Moment(0, 0, faint, moment.fixed))
    found = [layer.backward_norm for layer in probe.layers]
    assert 0 < found[0] < 1e-24
    assert 0 < probe.layers[0].gradient_norm < 1e-24
    assert found[0] < 1e-10 * found[1] < 1e-20 * found[2]


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e30])
def test_numbers_that_are_not_finite_never_raise(value):
    plan = Plan((Dense(4, activation="relu"), Dense(4, activation="sigmoid"), Dense(1)), loss="mse")
    moment = start_of(plan, (3,))
    broken = tuple({**w, "kernel": np.full_like(w["kernel"], value)} for w in moment.trained)
    probe = one(plan, (3,), RNG.normal(size=(20, 3)), np.ones(20), Moment(0, 0, broken, moment.fixed), deep=True)
    assert not all(layer.finite for layer in probe.layers)
    assert probe.noise_scale is None or math.isfinite(probe.noise_scale)
    with np.errstate(all="ignore"):
        assert one(plan, (3,), np.full((20, 3), np.nan), np.ones(20)).layers[0].finite is False


def test_one_row_and_one_unit():
    plan = Plan((Dense(1, activation="tanh"), Dense(1)), loss="mse")
    probe = one(plan, (1,), np.ones((1, 1)), np.ones(1), deep=True)
    assert probe.noise_scale is None
    assert math.isfinite(probe.curvature)
    assert [(la.twins, la.constant, la.spread) for la in probe.layers] == [(0, None, 0)] * 2


def test_rows_are_the_plans_own():
    plan = Plan((Dense(1),), loss="mse", rows=[3, 4, 5])
    x, y = np.full((100, 2), np.nan), np.zeros(100)
    x[3:6] = 1.0
    assert one(plan, (2,), x, y).layers[0].constant == 1


def test_pooled_images_are_measured_as_they_train(monkeypatch, request):
    """Quickly made code computes a thin convolution anew behind the pool and rounds it otherwise."""
    from jindan.doctor import probes_program
    from jindan.layers import Conv2D, Flatten, MaxPooling2D

    layers = (Conv2D(16, 3, padding="same"), MaxPooling2D(2), Flatten(), Dense(3))
    plan = Plan(layers, loss="sparse_categorical_crossentropy", seed=0)
    x = np.abs(RNG.normal(size=(40, 28, 28, 1))).astype(np.float32)
    y = RNG.integers(0, 3, 40)
    quick = one(plan, (28, 28, 1), x, y)
    monkeypatch.setattr(probes_program, "FEW_RUNS", {})
    probes_program.compiled.cache_clear()
    request.addfinalizer(probes_program.compiled.cache_clear)  # other tests measure by programs as they are in use
    usual = one(plan, (28, 28, 1), x, y)
    for a, b in zip(quick.layers, usual.layers, strict=True):
        assert a.backward_norm == pytest.approx(b.backward_norm, rel=2e-3)
        assert a.gradient_norm is b.gradient_norm or a.gradient_norm == pytest.approx(b.gradient_norm, rel=2e-3)
