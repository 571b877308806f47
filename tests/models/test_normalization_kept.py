"""Normalization: the numbers it was adapted to, wherever they come from."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

import jindan as jd
from jindan.errors import ShapeError
from jindan.layers import Dense, Input, Normalization
from jindan.models import Model, Sequential

X = np.random.default_rng(0).normal(50, 2, (30, 3))


def means(model):
    return model.layers[0].get_weights()[0]


@pytest.mark.parametrize("name", [None, "norm"])
def test_a_layer_adapted_after_it_went_into_a_model(name):
    layer = Normalization(name=name)
    stack = Sequential([layer, Dense(1)])
    i = Input((3,))
    graph = Model(i, Dense(1)(layer(i)))
    graph.predict(X)  # its weights are there already
    layer.adapt(X)
    stack.build((None, 3))
    for model in (stack, graph):
        np.testing.assert_allclose(means(model), X.mean(0), rtol=1e-6)
        assert model.layers[0].mean == layer.mean
    layer.adapt(2 * X)
    for model in (stack, graph):
        np.testing.assert_allclose(means(model), 2 * X.mean(0), rtol=1e-6)


def test_the_layer_of_a_model_adapted(tmp_path):
    model = Sequential([Normalization(input_shape=(3,)), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], verbose=0, doctor=False)
    dense = model.layers[1].get_weights()
    assert model.layers[0].adapt(X).mean == pytest.approx(tuple(X.mean(0)))
    np.testing.assert_allclose(means(model), X.mean(0), rtol=1e-6)
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], dense[0])
    wanted = ((X - X.mean(0)) / X.std(0)) @ dense[0] + dense[1]
    np.testing.assert_allclose(model.predict(X), wanted, rtol=1e-4, atol=1e-5)
    model.save(tmp_path / "m")
    loaded = jd.load(tmp_path / "m")
    np.testing.assert_allclose(loaded.predict(X), wanted, rtol=1e-4, atol=1e-5)
    assert loaded.layers[0].mean == model.layers[0].mean
    with pytest.raises(ShapeError, match="does not fit the rows"):
        model.layers[0].adapt(X[:, :2])
    with pytest.raises(AttributeError, match="adapt"):
        model.layers[1].adapt(X)


def test_a_model_that_is_gone_is_no_matter():
    layer = Normalization()
    Sequential([layer])
    assert layer.adapt(X).mean == pytest.approx(tuple(X.mean(0)))
    named = Normalization(name="norm").adapt(X)
    kept = Sequential([named])
    assert pickle.loads(pickle.dumps(kept.plan)) == kept.plan


@pytest.mark.parametrize("given", [False, True])
def test_from_keras(tmp_path, given):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    statistics = {"mean": [0.0, 1.0, 2.0], "variance": [1.0, 2.0, 3.0]} if given else {}
    first = keras.layers.Normalization(**statistics)
    if not given:
        first.adapt(X)
    theirs = keras.Sequential([keras.Input((3,)), first, keras.layers.Dense(2)])
    theirs.save(tmp_path / "m.keras")
    sources = [theirs, tmp_path / "m.keras"]
    if not given:
        theirs.save_weights(tmp_path / "m.weights.h5")
        sources.append(tmp_path / "m.weights.h5")
    for source in sources:
        model = Sequential([Normalization(input_shape=(3,)), Dense(2)])
        model.load_weights(source)
        np.testing.assert_allclose(model.predict(X), theirs.predict(X, verbose=0), rtol=1e-4, atol=1e-4)


def test_a_late_adapt_leaves_the_other_weights_to_the_seed_of_fit():
    found = []
    for _ in range(2):
        layer = Normalization()
        model = Sequential([Input((3,)), layer, Dense(2)])
        model.compile("sgd", "mse")
        layer.adapt(X)
        model.fit(X, X[:, :2], epochs=1, seed=1, verbose=0)
        found.append(model.get_weights())
    for a, b in zip(*found, strict=True):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_allclose(found[0][0], X.mean(0), rtol=1e-5)
