"""`training=` in a call: noise at inference where it is asked for, inference in training where that is."""

from __future__ import annotations

import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError
from jindan.layers import BatchNormalization, Dense, Dropout, GaussianNoise, Input, Lambda
from jindan.models import Model, Sequential
from jindan.utils import set_random_seed

RNG = np.random.default_rng(0)
X, Y = RNG.normal(5, 2, (64, 3)).astype("f"), RNG.normal(size=(64, 1)).astype("f")
QUIET = {"batch_size": 64, "shuffle": False, "verbose": 0, "doctor": False, "seed": 0}


def test_a_model_called_in_training_draws():
    model, ones = Sequential([Dropout(0.5, input_shape=(50,))]), np.ones((40, 50), "f")
    a, b = model(ones, training=True), model(ones, training=True)
    assert not np.array_equal(a, b)
    assert 0.4 < np.mean(a == 0) < 0.6
    assert set(np.unique(a)) == {0.0, 2.0}
    np.testing.assert_array_equal(model(ones), ones)
    np.testing.assert_array_equal(model(ones, training=False), ones)


def test_the_draws_follow_the_global_seed():
    model, found = Sequential([GaussianNoise(1.0, input_shape=(5,))]), []
    model.get_weights()
    for _ in range(2):
        set_random_seed(4)
        found.append(model(np.zeros((2, 5)), training=True))
    np.testing.assert_array_equal(*found)


def test_a_batch_is_normalised_by_its_own_moments_and_the_model_stays():
    model = Sequential([BatchNormalization(input_shape=(3,))])
    before = [w.copy() for w in model.get_weights()]
    found = model(X, training=True)
    np.testing.assert_allclose(found, (X - X.mean(0)) / np.sqrt(X.var(0) + 1e-3), rtol=1e-4, atol=1e-5)
    assert all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))


def test_a_layer_on_arrays():
    ones = np.ones((30, 30), "f")
    np.testing.assert_array_equal(Dropout(0.5)(ones), ones)
    np.testing.assert_array_equal(Dropout(0.5)(ones, training=False), ones)
    assert 0.35 < np.mean(np.asarray(Dropout(0.5)(ones, training=True)) == 0) < 0.65


def test_a_part_at_inference_trains_as_in_keras():
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    base = Sequential([BatchNormalization(input_shape=(3,)), Dropout(0.9)], name="base")
    base.build()
    i = Input((3,))
    top = Model(i, Dense(1)(base(i, training=False)))
    top.compile("sgd", "mse")
    start = [RNG.uniform(0.5, 2, w.shape).astype("f") for w in top.get_weights()]
    top.set_weights(start)
    norm, last = keras.layers.BatchNormalization(), keras.layers.Dense(1)
    inner = keras.Sequential([keras.Input((3,)), norm, keras.layers.Dropout(0.9)])

    class Top(keras.Model):  # a functional model of Keras 3.13 forgets the argument, against its documentation
        def __init__(self):
            super().__init__()
            self.inner, self.last = inner, last

        def call(self, x):
            return last(inner(x, training=False))

    theirs = Top()
    theirs(X)
    norm.set_weights(start[:4])
    last.set_weights(start[4:])
    theirs.compile("sgd", "mse")
    top.fit(X / 10, Y, **QUIET)
    theirs.fit(X / 10, Y, batch_size=64, shuffle=False, verbose=0)
    for a, b in zip(top.get_weights(), [*norm.get_weights(), *last.get_weights()], strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-5, atol=1e-6)
    np.testing.assert_array_equal(top.get_weights()[2], start[2])
    assert not np.array_equal(top.get_weights()[0], start[0])


def test_one_layer_at_inference_survives_saving(tmp_path):
    i = Input((3,))
    told = Lambda(lambda x, training: x * (2.0 if training else 1.0))
    model = Model(i, Dense(1, kernel_initializer="ones")(told(Dropout(0.9)(i, training=False), training=False)))
    model.compile("sgd", "mse")
    np.testing.assert_allclose(model(X, training=True), model.predict(X), rtol=1e-6)
    plain = Model(i, Dense(1)(Dropout(0.9)(i, training=False)))
    plain.compile("sgd", "mse")
    plain.save(tmp_path / "m")
    loaded = jd.load(tmp_path / "m")
    assert loaded.layers[0].inference is True
    np.testing.assert_allclose(loaded(X, training=True), plain.predict(X), rtol=1e-6)


def test_what_cannot_be_given():
    i = Input((3,))
    with pytest.raises(InputError, match="training cannot be given in a call"):
        Sequential([Dense(2, input_shape=(3,))])(i, training=True)
    drop = Dropout(0.5)
    with pytest.raises(InputError, match="different settings of the call"):
        Model(i, [drop(i), drop(i, training=False)])
