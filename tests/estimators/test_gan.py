"""GAN behind scikit-learn's interface: the ring of eight Gaussians, the finding, files, bad input."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from jindan.errors import FileError, InputError, JindanWarning
from jindan.estimators.gan import GAN
from jindan.estimators.loading import load

SPREAD = 0.02
CENTRES = np.array([[np.cos(a), np.sin(a)] for a in np.arange(8) * np.pi / 4])
RING = {"hidden_layer_sizes": (64, 64), "learning_rate": 0.002, "batch_size": 64}


def ring(rows, seed=0):
    rng = np.random.default_rng(seed)
    return CENTRES[rng.integers(0, 8, rows)] + SPREAD * rng.normal(size=(rows, 2))


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([GAN(2, hidden_layer_sizes=(4,), n_iter=2, batch_size=8, random_state=0, dtype="float64")])
def test_scikit_learn(estimator, check):
    check(estimator)


def test_all_eight_modes_in_most_seeds():
    """A mode is reached with a tenth of its share within three standard deviations (Srivastava et al. 2017)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JindanWarning)
        members = GAN(8, n_iter=100, **RING).fit_many(ring(2000), [{"random_state": seed} for seed in range(10)])
    reached = []
    for member in members:
        apart = np.linalg.norm(member.sample(4000)[:, None] - CENTRES, axis=2)
        near = apart.argmin(1)[apart.min(1) < 3 * SPREAD]
        reached.append(int((np.bincount(near, minlength=8) > 0.1 * 4000 / 8).sum()))
    assert sum(count == 8 for count in reached) >= 8, reached
    assert sum(member.findings_ == () for member in members) >= 8


def test_a_collapsed_generator_is_told_of(tmp_path):
    own = {**RING, "learning_rate": 0.0001, "generator_rate": 0.01, "average": 0.0, "penalty": 0.0}
    with pytest.warns(JindanWarning, match="only a few kinds"):
        model = GAN(8, n_iter=20, random_state=0, **own).fit(ring(2000))
    (finding,) = model.findings_
    assert finding.code == "mode-collapse"
    assert finding.evidence["modes"] < finding.evidence["total"] == 8
    model.save(tmp_path / "g")
    again = load(tmp_path / "g")
    assert again.findings_ == model.findings_
    assert again.history_ == model.history_


@pytest.fixture(scope="module")
def small():
    x = np.random.default_rng(0).random((40, 5, 4))
    own = {"hidden_layer_sizes": (6,), "filters": (2, 3), "image_shape": (5, 4), "n_iter": 2, "batch_size": 16}
    return x, GAN(3, loss="wasserstein", n_critic=2, random_state=0, **own)


@pytest.mark.filterwarnings("ignore")
def test_images(small, tmp_path):
    x, model = small
    model.fit(x)
    made = model.sample(7)
    assert made.shape == (7, 20)
    assert ((made > 0) & (made < 1)).all()  # values in [0, 1] end in a sigmoid
    np.testing.assert_allclose(made[:3], model.sample(3), rtol=1e-5)
    assert model.score_samples(x).shape == (40,)
    assert model.score(x) == pytest.approx(model.score_samples(x).mean())
    assert list(model.history_) == ["discriminator_loss", "generator_loss"]
    assert [len(figures) for figures in model.history_.values()] == [2, 2]
    model.save(tmp_path / "g")
    again = GAN.load(tmp_path / "g")
    np.testing.assert_array_equal(again.sample(7), made)
    np.testing.assert_array_equal(again.score_samples(x), model.score_samples(x))
    assert {**again.get_params(), "filters": (2, 3), "image_shape": (5, 4), "hidden_layer_sizes": (6,)} == (
        model.get_params()
    )


@pytest.mark.filterwarnings("ignore")
def test_many_are_each_alone():
    x = np.random.default_rng(0).normal(size=(50, 3)) * [1, 100, 0] + 5  # one column is constant
    model = GAN(2, hidden_layer_sizes=(5,), n_iter=3, batch_size=16)
    settings = [{"random_state": 1}, {"random_state": 2, "penalty": 1.0}, {"random_state": 2, "loss": "wasserstein"}]
    for member, own in zip(model.fit_many(x, settings), settings, strict=True):
        alone = GAN(2, hidden_layer_sizes=(5,), n_iter=3, batch_size=16).set_params(**own).fit(x)
        np.testing.assert_allclose(member.sample(5), alone.sample(5), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(member.score_samples(x), alone.score_samples(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize(
    ("own", "where"),
    [({"loss": "hinge"}, "loss"), ({"latent_dim": 0}, "latent_dim"), ({"n_critic": 0}, "n_critic"),
     ({"penalty": -1}, "penalty"), ({"average": 1.0}, "average"), ({"generator_rate": 0}, "generator_rate"),
     ({"filters": (3,)}, "image_shape"), ({"learning_rate": float("nan")}, "learning_rate"),
     ({"filters": (3,), "image_shape": (3, 3)}, "image_shape")],
)  # fmt: skip
def test_bad_settings(own, where):
    with pytest.raises(InputError, match=where):
        GAN(**own).fit(np.zeros((20, 4)))


def test_bad_input(tmp_path, small):
    with pytest.raises(ValueError, match="NaN"):
        GAN().fit([[0.0, np.nan]] * 4)
    with pytest.raises(ValueError, match="minimum of 2"):
        GAN().fit([[0.0, 1.0]])
    with pytest.raises(FileError):
        GAN.load(tmp_path)
