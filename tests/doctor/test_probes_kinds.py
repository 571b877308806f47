"""Probes of every kind of network: layers of all families, graphs, frozen layers, half precision, odd losses."""

from __future__ import annotations

import math

import numpy as np
import pytest

import jindan as jd
from jindan.doctor.evidence import Moment
from jindan.doctor.probes import measure
from jindan.engine.data import Data
from jindan.engine.forward import evaluate
from jindan.layers import Dense
from jindan.plan import Plan

RNG = np.random.default_rng(7)


def start_of(plan, shape):
    return Moment(0, 0, *plan.network(shape).init(0, np.dtype(plan.dtype)))


def one(plan, shape, x, y, moment=None, deep=False):
    (probe,) = measure(plan, shape, [moment or start_of(plan, shape)], x, y, deep=deep)
    return probe


L = jd.layers
KINDS = {
    "convolution": ((6, 6, 2), [L.Conv2D(4, 3, activation="relu"), L.MaxPooling2D(2), L.Flatten(), Dense(1)]),
    "transposed": ((3, 3, 2), [L.Conv2DTranspose(4, 2, activation="tanh"), L.GlobalAveragePooling2D(), Dense(1)]),
    "depthwise": ((5, 5, 2), [L.DepthwiseConv2D(3), L.SeparableConv2D(3, 2), L.Flatten(), Dense(1)]),
    "lstm": ((5, 2), [L.LSTM(4, return_sequences=True), L.GRU(3), Dense(1)]),
    "both ways": ((5, 2), [L.Bidirectional(L.SimpleRNN(3)), Dense(1)]),
    "by steps": ((5, 2), [L.TimeDistributed(Dense(3, activation="relu")), L.Flatten(), Dense(1)]),
    "attention": ((5, 4), [L.Residual([L.LayerNormalization(), L.MultiHeadAttention(2, 2)]), L.Flatten(), Dense(1)]),
    "residual": ((4,), [L.Residual([Dense(4), L.BatchNormalization(), L.Dropout(0.5)]), Dense(1)]),
    "maxout": ((4,), [L.Maxout(3, pieces=2), L.PReLU(), L.GaussianNoise(0.1), Dense(1)]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_layer_is_measured(kind):
    shape, layers = KINDS[kind]
    plan = Plan(tuple(layers), loss="mse")
    probe = one(plan, shape, RNG.normal(size=(17, *shape)), RNG.normal(size=17), deep=True)
    assert all(layer.finite for layer in probe.layers)
    assert all(layer.backward_norm > 0 for layer in probe.layers)
    assert math.isfinite(probe.curvature)
    assert math.isfinite(probe.training_loss)
    assert probe.gradient_norm > 0


@pytest.mark.parametrize("kind", ["convolution", "transposed", "lstm", "by steps", "maxout"])
def test_twins_of_every_kind(kind):
    shape, layers = KINDS[kind]
    plan = Plan(tuple(layers), loss="mse")
    moment = start_of(plan, shape)
    x, y = RNG.normal(size=(9, *shape)), np.ones(9)
    assert one(plan, shape, x, y, moment, deep=False).layers[0].twins == 0
    weights = {name: np.ones_like(value) for name, value in moment.trained[0].items()}
    same = Moment(0, 0, (weights, *moment.trained[1:]), moment.fixed)
    assert one(plan, shape, x, y, same, deep=False).layers[0].twins == 1


def test_two_units_of_a_gated_layer_are_told_from_two_gates():
    plan = Plan((L.LSTM(3), Dense(1)), loss="mse")
    moment = start_of(plan, (4, 2))
    own = {name: value.copy() for name, value in moment.trained[0].items()}
    own["kernel"][:, 3:6] = own["kernel"][:, :3]  # a gate that equals another
    x, y = RNG.normal(size=(9, 4, 2)), np.ones(9)
    assert one(plan, (4, 2), x, y, Moment(0, 0, (own, moment.trained[1]), moment.fixed)).layers[0].twins == 0
    for name in own:
        own[name].reshape(-1, 3)[:, 1] = own[name].reshape(-1, 3)[:, 0]
    found = one(plan, (4, 2), x, y, Moment(0, 0, (own, moment.trained[1]), moment.fixed)).layers[0].twins
    assert found == pytest.approx(2 / 3)


def test_a_graph_with_several_inputs_and_a_shared_layer():
    table, ids = L.Input((4,)), L.Input((3,))
    shared = Dense(4, activation="relu", name="shared")
    words = L.Flatten()(L.Embedding(6, 2)(ids))
    joined = L.Concatenate()([shared(shared(table)), words])
    first, second = Dense(1, activation="sigmoid")(joined), Dense(3, activation="softmax")(joined)
    model = jd.models.Model([table, ids], [first, second])
    model.compile("adam", ["binary_crossentropy", "sparse_categorical_crossentropy"])
    x = (RNG.normal(size=(20, 4)), RNG.integers(0, 6, (20, 3)))
    y = (RNG.integers(0, 2, (20, 1)), RNG.integers(0, 3, 20))
    moment = Moment(0, 0, *model.network.part(model.ready_weights()))
    probe = one(model.plan, model.input_shape, x, y, moment)
    told = evaluate(model.plan, model.input_shape, model.ready_weights(), Data.of(x, y))["loss"]
    assert probe.loss == pytest.approx(told, rel=1e-5)
    assert len(probe.layers) == len(model.plan.layers)
    assert all(layer.finite for layer in probe.layers)
    by_title = {layer.title.split(", ")[1]: layer for layer in probe.layers}
    kernel = next(w["kernel"] for w, la in zip(moment.trained, model.plan.layers, strict=True) if la.name == "shared")
    once = np.maximum(x[0].astype(np.float32) @ kernel, 0)
    both = np.stack([once, np.maximum(once @ kernel, 0)])
    assert by_title["Dense 'shared'"].mean == pytest.approx(both.mean(), rel=1e-5)
    assert next(la for la in probe.layers if la.kind == "Embedding").gradient_norm > 0


def test_frozen_layers_have_no_gradient():
    plan = Plan((Dense(3, trainable=False), Dense(1)), loss="mse")
    layer = one(plan, (2,), np.ones((8, 2)), np.ones(8)).layers[0]
    assert (layer.trainable, layer.gradient_norm, layer.update_ratio) == (0, None, None)
    assert layer.weight_norm > 0
    assert layer.backward_norm > 0
    whole = Plan((Dense(1, trainable=False),), loss="mse")
    probe = one(whole, (2,), np.ones((8, 2)), np.ones(8), deep=True)
    assert probe.gradient_norm == 0
    assert probe.curvature is None


def test_half_precision_mixing_and_noise():
    layers = (Dense(8, activation="relu"), Dense(2, activation="softmax"))
    plan = Plan(layers, loss="categorical_crossentropy", precision="bfloat16", mixup=0.2, weight_noise=0.1)
    x, y = RNG.normal(size=(32, 4)), np.eye(2)[RNG.integers(0, 2, 32)]
    probe = one(plan, (4,), x, y, deep=True)
    exact = one(plan.replace(precision=None), (4,), x, y)
    assert probe.loss == pytest.approx(exact.loss, rel=0.02)
    assert probe.training_loss != probe.loss
    assert probe.layers[0].backward_norm == pytest.approx(exact.layers[0].backward_norm, rel=0.05)
    assert exact.layers[0].saturated is None
    assert exact.loss == pytest.approx(
        evaluate(
            plan.replace(precision=None), (4,), plan.network((4,)).join(*plan.network((4,)).init(0)), Data.of(x, y)
        )["loss"],
        rel=1e-5,
    )


def test_a_loss_of_the_users_and_no_layers():
    plan = Plan((Dense(1),), loss=lambda y, p: (y - p) ** 4)
    assert one(plan, (2,), np.ones((8, 2)), np.ones((8, 1))).gradient_norm > 0
    empty = one(Plan((), loss="mse"), (1,), np.ones((8, 1)), np.zeros(8))
    assert empty.layers == ()
    assert empty.loss == 1
