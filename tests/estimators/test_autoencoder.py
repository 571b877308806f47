"""Autoencoder and VAE behind scikit-learn's interface."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.utils.estimator_checks import parametrize_with_checks

import jindan as jd
from jindan.errors import FileError, InputError
from jindan.estimators import VAE, Autoencoder

DIGITS = load_digits().data / 16
SMALL = {"hidden_layer_sizes": (8,), "n_iter": 3, "batch_size": 16, "random_state": 0}
X = np.random.default_rng(0).normal(size=(60, 5)) * [1, 2, 3, 4, 5] + 7
BITS = (X > 7).astype(float)


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([Autoencoder(2, **SMALL, dtype="float64"), VAE(2, **SMALL, dtype="float64")])
def test_scikit_learn(estimator, check):
    check(estimator)


def test_a_linear_one_finds_the_principal_components():
    model = Autoencoder(5, hidden_layer_sizes=(), output="linear", scaling="common", learning_rate=0.01,
                        batch_size=600, n_iter=1000, random_state=0).fit(DIGITS)  # fmt: skip
    pca = PCA(5).fit(DIGITS)
    directions, variances = model.principal_directions()
    assert subspace_angles(directions.T, pca.components_.T).max() < 1e-2
    assert (np.abs((directions * pca.components_).sum(1)) > 0.999).all()  # in order
    np.testing.assert_allclose(variances, pca.explained_variance_, rtol=2e-3)


def test_a_wider_code_is_nearer_to_the_rows():
    wide = Autoencoder(hidden_layer_sizes=(64,), n_iter=10, learning_rate=0.005, random_state=0)
    found = wide.fit_many(DIGITS, [{"embedding_dim": k} for k in (1, 2, 4, 8, 16)])
    errors = [-model.score(DIGITS) for model in found]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] < 0.3 * errors[0]


def test_what_is_unlike_the_rows_scores_low():
    model = Autoencoder(8, n_iter=20, learning_rate=0.005, random_state=0).fit(DIGITS)
    noise = np.random.default_rng(0).permuted(DIGITS[:200], axis=1)
    assert np.mean(model.score_samples(noise)[:, None] < model.score_samples(DIGITS[:200])) > 0.95
    errors = ((model.reconstruct(DIGITS[:3]) - DIGITS[:3]) ** 2).mean(1)
    np.testing.assert_allclose(model.score_samples(DIGITS[:3]), -errors, rtol=1e-4)


def test_halves_and_units():
    model = Autoencoder(3, **SMALL).fit(X)
    assert model.output_ == "linear"
    np.testing.assert_allclose(model.inverse_transform(model.transform(X)), model.reconstruct(X), rtol=1e-4)
    assert Autoencoder(3, **SMALL).fit(BITS).output_ == "sigmoid"
    # A column's unit changes nothing but the unit of what comes back.
    other = Autoencoder(3, **SMALL).fit(1000 * X)
    np.testing.assert_allclose(other.reconstruct(1000 * X), 1000 * model.reconstruct(X), rtol=1e-3)
    constant = np.column_stack([X, np.full(60, 3.0)])
    assert np.isfinite(Autoencoder(3, **SMALL).fit(constant).reconstruct(constant)).all()


def test_sparse_codes():
    plain, lasso = Autoencoder(16, n_iter=20, code_activation="relu", random_state=0).fit_many(
        DIGITS, [{}, {"sparsity": "l1", "sparsity_weight": 0.01}]
    )
    assert lasso.transform(DIGITS).mean() < 0.3 * plain.transform(DIGITS).mean()
    own = {"code_activation": "sigmoid", "sparsity": "kl", "sparsity_weight": 1.0, "sparsity_target": 0.1}
    divergence = Autoencoder(16, n_iter=20, learning_rate=0.005, random_state=0).set_params(**own).fit(DIGITS)
    np.testing.assert_allclose(divergence.transform(DIGITS).mean(0), 0.1, atol=0.05)


@pytest.mark.parametrize("kind", ["gaussian", "masking"])
def test_noise_teaches_to_remove_it(kind):
    rng = np.random.default_rng(0)
    shared = {"n_iter": 20, "learning_rate": 0.005, "random_state": 0}
    noisy = DIGITS + rng.normal(size=DIGITS.shape) * 0.3
    if kind == "masking":
        noisy = DIGITS * (rng.random(DIGITS.shape) >= 0.3) / 0.7
    plain = Autoencoder(16, **shared).fit(DIGITS)
    denoising = Autoencoder(16, noise=0.3, noise_kind=kind, **shared).fit(DIGITS)
    errors = [((m.reconstruct(noisy) - DIGITS) ** 2).mean() for m in (plain, denoising)]
    assert errors[1] < 0.9 * errors[0]


@pytest.mark.parametrize("cls", [Autoencoder, VAE])
def test_convolutions(cls):
    model = cls(3, filters=(4, 8), image_shape=(8, 8), **SMALL).fit(DIGITS[:200])
    images = DIGITS[:4].reshape(4, 8, 8)
    np.testing.assert_array_equal(model.transform(images), model.transform(DIGITS[:4]))
    assert model.reconstruct(images).shape == (4, 64)
    with pytest.raises(InputError, match="no images"):
        cls(3, filters=(4,), image_shape=(7, 7), **SMALL).fit(DIGITS[:20])


@pytest.mark.parametrize(
    ("model", "rows"),
    [
        (Autoencoder(2, noise=0.2, **SMALL), X),
        (Autoencoder(2, **{**SMALL, "hidden_layer_sizes": ()}), X),
        (VAE(2, warm_up=2, **SMALL), BITS),
        (VAE(2, **SMALL), X),
    ],
)
def test_a_member_alone_is_the_same_and_is_kept(model, rows, tmp_path):
    seeds = [{"random_state": s} for s in (0, 1)]
    first, second = model.fit_many(rows, seeds)
    alone = clone(model).fit(rows)
    np.testing.assert_allclose(first.transform(rows), alone.transform(rows), rtol=1e-5, atol=1e-6)
    assert not np.allclose(first.transform(rows), second.transform(rows))
    alone.save(tmp_path / "m")
    again = type(model).load(tmp_path / "m")
    np.testing.assert_array_equal(again.score_samples(rows), alone.score_samples(rows))
    assert again.history_ == alone.history_
    assert len(alone.history_["loss"]) == 3
    assert again.get_params()["hidden_layer_sizes"] == list(model.hidden_layer_sizes)
    assert jd.load(tmp_path / "m").predict(rows.astype(np.float32)).shape == rows.shape
    with pytest.raises(FileError, match="no such model"):
        (VAE if isinstance(model, Autoencoder) else Autoencoder).load(tmp_path / "m")


def test_a_variational_one_learns_the_rates_of_independent_bits():
    """log p(x) of independent columns is at most minus their entropy, and the bound comes near to it."""
    rates = np.array([0.1, 0.2, 0.5, 0.8, 0.9])
    bits = (np.random.default_rng(1).random((2000, 5)) < rates).astype(float)
    model = VAE(2, hidden_layer_sizes=(16,), n_iter=30, learning_rate=0.01, random_state=0).fit(bits)
    means = bits.mean(0)
    best = (means * np.log(means) + (1 - means) * np.log(1 - means)).sum()
    assert model.score(bits) == pytest.approx(best, abs=0.05)
    np.testing.assert_allclose(model.sample(4000).mean(0), means, atol=0.04)
    every = ((np.arange(32)[:, None] >> np.arange(5)) & 1).astype(float)
    assert np.exp(model.bound(every, 2000)).sum() == pytest.approx(1, abs=0.01)


def test_a_gaussian_one_is_a_density_in_the_rows_units():
    """Probabilistic PCA in three dimensions: the bound is near the normal's own likelihood, and moves with the unit."""
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(2000, 1)) * [3.0, -2.0, 1.0] + 0.3 * rng.normal(size=(2000, 3))
    model = VAE(1, hidden_layer_sizes=(), n_iter=200, learning_rate=0.01, scaling="common", random_state=0).fit(rows)
    best = -0.5 * (np.linalg.slogdet(np.cov(rows.T))[1] + 3 * np.log(2 * np.pi * np.e))
    assert model.score(rows) == pytest.approx(best, abs=0.1)
    assert model.noise_scale_ * model.scale_[0] == pytest.approx(0.3, rel=0.1)
    other = clone(model).fit(100 * rows)
    assert other.score(100 * rows) == pytest.approx(model.score(rows) - 3 * np.log(100), abs=0.02)
    mean, spread = model.encode(rows)
    assert (spread > 0).all()
    np.testing.assert_array_equal(mean, model.transform(rows))
    line = model.interpolate(rows[0], rows[1], 4)
    np.testing.assert_allclose(line[0], model.reconstruct(rows[:1])[0], rtol=1e-3, atol=1e-3)


def test_more_weight_on_the_divergence_makes_it_smaller():
    base = VAE(4, hidden_layer_sizes=(32,), n_iter=10, learning_rate=0.005, random_state=0)
    apart = [m.terms(DIGITS)[1].mean() for m in base.fit_many(DIGITS, [{"beta": b} for b in (0.1, 1.0, 4.0)])]
    assert apart[0] > apart[1] > apart[2]


@pytest.mark.parametrize(
    ("model", "rows", "message"),
    [
        (Autoencoder(0), X, "embedding_dim"),
        (Autoencoder(2, filters=(4,)), X, "shape of an image"),
        (Autoencoder(2, sparsity="kl"), X, "from 0 to 1"),
        (Autoencoder(2, output="sigmoid"), X, "sigmoid gives"),
        (Autoencoder(2, noise=1.0, noise_kind="masking"), X, "noise"),
        (Autoencoder(2, scaling="rows"), X, "scaling"),
        (VAE(2, likelihood="bernoulli"), X, "Bernoulli"),
        (VAE(2, beta=-1), X, "beta"),
        (VAE(2, noise_scale=0), X, "noise_scale"),
        (VAE(2, warm_up=-1), X, "warm_up"),
    ],
)
def test_errors(model, rows, message):
    with pytest.raises(InputError, match=message):
        model.fit(rows)


def test_errors_of_use():
    model = Autoencoder(2, **SMALL).fit(X)
    with pytest.raises(InputError, match="principal directions"):
        model.principal_directions()
    with pytest.raises(InputError, match="no codes"):
        model.inverse_transform(np.ones((3, 4)))
