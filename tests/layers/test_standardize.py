"""Normalization: against NumPy, scikit-learn and Keras; saved with the model; never trained."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import jindan as jd
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.layers import Conv2D, Dense, Flatten, Network, Normalization
from jindan.layers.base import Context
from jindan.models import Sequential
from jindan.plan import Plan

RNG = np.random.default_rng(3)
X = RNG.normal(5, [1.0, 30.0, 0.01], (40, 3))


def outputs(layer, x):
    network = Network((layer,), x.shape[1:])
    w = network.join(*network.init(0, np.float64))[0]
    return np.asarray(layer.apply(w, jnp.asarray(x), Context()))


def test_as_scikit_learns_scaler(x64):
    np.testing.assert_allclose(outputs(Normalization().adapt(X), X), StandardScaler().fit_transform(X), atol=1e-10)


def test_called_on_rows(x64):
    layer = Normalization().adapt(X)
    np.testing.assert_allclose(layer(X), StandardScaler().fit_transform(X), atol=1e-10)
    np.testing.assert_allclose(layer(X.tolist()), layer(X))
    np.testing.assert_allclose(Normalization().adapt([1.0, 3.0])([5.0]), [3.0])
    parts = Normalization().adapt(iter([X[:7], X[7:], X]), steps=2)
    np.testing.assert_allclose(parts.mean, layer.mean)


def test_inverting_undoes_it(x64):
    plain, back = Normalization().adapt(X), Normalization(invert=True).adapt(X)
    np.testing.assert_allclose(outputs(back, outputs(plain, X)), X, rtol=1e-12)


def test_a_constant_column_becomes_zero(x64):
    x = np.c_[X, np.full(len(X), 7.0)]
    np.testing.assert_array_equal(outputs(Normalization().adapt(x), x)[:, 3], 0)


def test_one_row_and_one_dimension():
    assert Normalization().adapt([[2.0, 3.0]]).variance == (0.0, 0.0)
    assert Normalization().adapt([1.0, 3.0]).mean == (2.0,)
    assert Normalization(axis=None).adapt([[1.0, 3.0]]).mean == 2.0


def test_adapted_equals_given():
    for axis, given in ((None, {"mean": 4.5, "variance": 13.25}), (-1, {"mean": [1.0, 8.0], "variance": [1.0, 1.0]})):
        adapted = Normalization(axis).adapt([[0.0, 7.0], [2.0, 9.0]])
        assert adapted == Normalization(axis, **given)
        assert hash(adapted) == hash(Normalization(axis, **given))


@pytest.mark.parametrize("axis", [-1, None])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_missing_numbers_are_named(axis, bad):
    layer = Normalization(axis)
    with pytest.raises(InputError, match=rf"finite(.|\n)*received: {bad} in row 1, place \(0,\); 1 such(.|\n)*help: "):
        layer.adapt([[0.0, 7.0], [bad, 9.0]])
    assert layer == Normalization(axis)


def test_without_statistics_it_changes_nothing(x64):
    np.testing.assert_array_equal(outputs(Normalization(), X), X)


@pytest.mark.parametrize("axis", [-1, 1, (1, 3), None])
def test_as_in_keras(axis, x64, keras64):
    x = RNG.normal(size=(6, 4, 3, 2))
    theirs = keras64.layers.Normalization(axis=axis, dtype="float64")
    theirs.adapt(x)
    np.testing.assert_allclose(outputs(Normalization(axis).adapt(x), x), np.asarray(theirs(x)), atol=1e-6)
    given = {"mean": 0.5, "variance": 4.0, "invert": True}
    theirs = keras64.layers.Normalization(axis=axis, dtype="float64", **given)
    np.testing.assert_allclose(outputs(Normalization(axis, **given), x), np.asarray(theirs(x)), atol=1e-6)


@pytest.mark.parametrize(
    "settings", [{"mean": 1.0}, {"variance": 1.0}, {"mean": [0.0], "variance": [1.0, 1.0]},
                 {"mean": 0.0, "variance": -1.0}, {"axis": 0.5}],
)  # fmt: skip
def test_what_it_refuses(settings):
    with pytest.raises(InputError):
        Normalization(**settings)


def test_statistics_of_other_columns():
    with pytest.raises(ShapeError):
        Network((Normalization(mean=[0.0, 1.0], variance=[1.0, 1.0]),), (3,)).init(0)
    with pytest.raises(ShapeError):
        Normalization(axis=3).output_shape((4,))
    with pytest.raises(InputError):
        Normalization().adapt(np.zeros((0, 2)))
    with pytest.raises(InputError, match=r"finite numbers(.|\n)*'a'(.|\n)*help: "):
        Normalization().adapt([["a"]])


def test_training_leaves_it_alone_and_the_disk_keeps_it(tmp_path):
    model = Sequential([Normalization().adapt(X), Dense(1)])
    model.compile("sgd", "mse")
    model.fit(X, X[:, :1], epochs=3, seed=0, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], X.mean(0), rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[1], X.var(0), rtol=1e-5)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(X), model.predict(X))


def test_plans_that_differ_in_statistics_share_a_program():
    y = X[:, :1] / 5
    plans = [Plan((Normalization(mean=m, variance=v), Dense(1)), optimizer="sgd", epochs=2, seed=0, batch_size=8)
             for m, v in ((0.0, 1.0), (X.mean(0), X.var(0)))]  # fmt: skip
    assert plans[0].structure == plans[1].structure
    together = train(plans, (X, y))
    for plan, run in zip(plans, together, strict=True):
        np.testing.assert_array_equal(run.predict(X), train(plan, (X, y)).predict(X))


def test_bytes_of_images():
    x = RNG.integers(0, 255, (8, 6, 6, 1), np.uint8)
    plan = Plan((Normalization().adapt(x), Conv2D(2, 3), Flatten(), Dense(1)), epochs=1, seed=0)
    assert np.isfinite(train(plan, (x, np.ones((8, 1)))).predict(x)).all()
