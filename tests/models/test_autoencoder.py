"""Autoencoders: halves, principal directions, noise on inputs only, shapes of images."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.decomposition import PCA

import jindan as jd
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.layers import Dense, GaussianNoise
from jindan.models import Sequential
from jindan.models.autoencoder import Autoencoder, covariance, principal_directions, stack
from jindan.optimizers import SGD
from jindan.plan import Plan

RNG = np.random.default_rng(0)


def test_directions_of_any_basis_are_those_of_pca():
    """The optimum in a turned and stretched basis: decoder A⁻¹V, encoder VᵀA."""
    x = RNG.normal(size=(400, 6)) * [5, 4, 3, 1, 0.5, 0.1] @ np.linalg.qr(RNG.normal(size=(6, 6)))[0]
    pca = PCA(3).fit(x)
    mixing = RNG.normal(size=(3, 3))
    codes = (x - x.mean(0)) @ pca.components_.T @ mixing
    directions, variances = principal_directions(np.linalg.inv(mixing) @ pca.components_, covariance(codes))
    np.testing.assert_allclose(np.abs((directions * pca.components_).sum(1)), 1, rtol=1e-10)
    np.testing.assert_allclose(variances, pca.explained_variance_, rtol=1e-10)


@pytest.mark.parametrize("shape", [(7, 5, 2), (8, 8, 1), (9, 4, 3)])
@pytest.mark.parametrize("output", ["linear", "sigmoid"])
def test_images_of_odd_sizes_come_back_in_their_shape(shape, output):
    model = Sequential(stack(shape, [Dense(3, name="code")], hidden=(6,), filters=(2, 4), output=output))
    model.build((None, *shape))
    auto = Autoencoder(model)
    x = RNG.random((3, *shape)).astype(np.float32)
    assert auto.encode(x).shape == (3, 3)
    assert auto.reconstruct(x).shape == x.shape
    np.testing.assert_allclose(auto.decode(auto.encode(x)), auto.reconstruct(x), rtol=1e-5, atol=1e-6)
    assert model.network.heads[1] == (output,)  # cross-entropy is computed from logits


def test_images_without_filters():
    model = Sequential(stack((3, 4, 1), [Dense(2, name="code")]))
    model.build((None, 3, 4, 1))
    assert Autoencoder(model).reconstruct(np.ones((2, 3, 4, 1))).shape == (2, 3, 4, 1)


def test_the_target_of_noise_is_the_clean_row():
    """A stack that passes rows on, learning nothing: its loss is the noise's variance, not 0."""
    eye = [np.eye(4, dtype=np.float32), np.zeros(4, np.float32)] * 2
    model = Sequential([GaussianNoise(0.5), Dense(4, name="code"), Dense(4)])
    model.build((None, 4))
    model.set_weights(eye)
    x = RNG.normal(size=(2000, 4)).astype(np.float32)
    model.compile(SGD(0.0), "mse")
    loss = model.fit(x, x, batch_size=2000, verbose=0, doctor=False, seed=0).history["loss"][0]
    assert loss == pytest.approx(0.25, rel=0.1)
    np.testing.assert_allclose(Autoencoder(model).errors(x), 0, atol=1e-10)


def test_errors_by_hand_and_kept(tmp_path):
    model = Sequential([Dense(2, activation="tanh", input_shape=(5,), name="code"), Dense(5)])
    auto, x = Autoencoder(model), RNG.normal(size=(9, 5)).astype(np.float32)
    np.testing.assert_allclose(auto.errors(x), ((auto.reconstruct(x) - x) ** 2).mean(1), rtol=1e-5)
    auto.save(tmp_path / "m")
    np.testing.assert_array_equal(Autoencoder.load(tmp_path / "m").encode(x), auto.encode(x))
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(x), auto.reconstruct(x))


def test_a_run_is_an_autoencoder():
    x = RNG.normal(size=(20, 4)).astype(np.float32)
    run = train(Plan((Dense(2, name="code"), Dense(4)), seed=0), (x, x))
    assert Autoencoder.of(run).encode(x).shape == (20, 2)


def test_refusals():
    with pytest.raises(InputError, match="named 'code'"):
        Autoencoder(Sequential([Dense(2, input_shape=(3,))]))
    bent = Autoencoder(Sequential([Dense(2, activation="relu", name="code", input_shape=(3,)), Dense(3)]))
    with pytest.raises(InputError, match="linear autoencoder"):
        bent.principal_directions(np.ones((4, 3)))
    with pytest.raises(ShapeError, match="take images"):
        stack((5,), [Dense(2, name="code")], filters=(4,))
    with pytest.raises(InputError, match="shape of a row"):
        Autoencoder(Sequential([Dense(2, name="code"), Dense(3)])).encode(np.ones((4, 3)))
