"""NeuralOneShot: scikit-learn's contract, new classes by one example, other models' features, and what is kept."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.neighbors import KNeighborsClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import jindan as jd
from jindan.errors import FileError, InputError
from jindan.estimators.loading import load
from jindan.estimators.oneshot import NeuralOneShot
from jindan.estimators.vae import VAE
from jindan.layers import Dense, RandomTranslation
from jindan.models import Sequential

RNG = np.random.default_rng(0)


def marks(classes, each, side=8, seed=0):
    """Classes are random strokes of 8 cells in an image; examples differ by a shift and by noise."""
    rng = np.random.default_rng(seed)
    rows, y = [], np.repeat(np.arange(classes), each)
    for _ in range(classes):
        image = np.zeros((side, side))
        image[rng.integers(1, side - 1, 8), rng.integers(1, side - 1, 8)] = 1
        for _ in range(each):
            rows.append(np.roll(image, rng.integers(-1, 2, 2), (0, 1)) + 0.1 * rng.normal(size=(side, side)))
    return np.array(rows), y


X, Y = marks(40, 8)
SMALL = {"n_episodes": 6, "ways": 5, "queries": 2, "filters": (4,), "random_state": 0}


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([NeuralOneShot(n_episodes=60, ways=5, learning_rate=0.01, random_state=0, dtype="float64")])
def test_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("method", ["prototypical", "siamese"])
def test_one_example_is_enough(method):
    """Better than the nearest image, as shifts are learned on other classes."""
    old = Y < 30
    model = NeuralOneShot(method, filters=(16, 32), n_episodes=300, ways=20, learning_rate=0.005, random_state=0)
    model.fit(X[old], Y[old])
    assert model.classes_.tolist() == list(range(30))
    assert model.score(X[old], Y[old]) > 0.8
    shown, asked = np.flatnonzero(~old)[::8], np.flatnonzero(~old & (np.arange(len(Y)) % 8 > 0))
    model.enroll_many(X[shown], Y[shown])
    assert model.classes_.tolist() == list(range(30, 40))
    pixels = KNeighborsClassifier(1).fit(X[shown].reshape(10, -1), Y[shown])
    assert model.score(X[asked], Y[asked]) > pixels.score(X[asked].reshape(len(asked), -1), Y[asked]) + 0.15
    p = model.predict_proba(X[asked])
    np.testing.assert_allclose(p.sum(1), 1, rtol=1e-9)
    np.testing.assert_array_equal(model.classes_[p.argmax(1)], model.predict(X[asked]))
    assert (model.predict(X[shown]) == Y[shown]).all()


def test_enrolling():
    model = NeuralOneShot(**SMALL).fit(X, Y)
    one = clone(model).fit(X, Y)
    for row, label in zip(X[:16], Y[:16], strict=True):
        one.enroll(row, f"mark {label}")
    assert one.classes_.tolist() == ["mark 0", "mark 1"]
    many = model.enroll_many(X[:16], [f"mark {label}" for label in Y[:16]])
    np.testing.assert_allclose(many.predict_proba(X), one.predict_proba(X), rtol=1e-5)
    means = np.stack([model.transform(X[:8]).mean(0), model.transform(X[8:16]).mean(0)])
    distances = ((model.transform(X)[:, None] - means) ** 2).sum(-1)
    odds = np.exp(distances[:, 0] - distances[:, 1])
    np.testing.assert_allclose(many.predict_proba(X)[:, 1], odds / (1 + odds), rtol=1e-3, atol=1e-6)
    assert many.forget(["mark 1"]).classes_.tolist() == ["mark 0"]
    assert many.forget().classes_.size == 0
    with pytest.raises(InputError, match="No class is enrolled"):
        many.predict(X)
    with pytest.raises(InputError, match="one label"):
        many.enroll_many(X[:2], ["a"])
    assert many.enroll(X[0], 7).predict(X[:1]).tolist() == [7]


def test_images_lie_flat_or_not():
    images = NeuralOneShot(**SMALL).fit(X, Y)
    flat = NeuralOneShot(image_shape=(8, 8), **SMALL).fit(X.reshape(-1, 64), Y)
    np.testing.assert_array_equal(images.transform(X), flat.transform(X.reshape(-1, 64)))
    assert images.transform(X).shape == (320, 4 * 4 * 4)
    assert images.get_feature_names_out().shape == (64,)
    colours = np.repeat(X[..., None], 3, -1)
    assert NeuralOneShot(embedding_dim=5, **SMALL).fit(colours, Y).transform(colours[:2]).shape == (2, 5)
    assert NeuralOneShot(**{**SMALL, "filters": None}).fit(X, Y).transform(X[:2]).shape == (2, 64)


@pytest.mark.parametrize("method", ["prototypical", "siamese"])
def test_a_member_alone_is_the_same_and_is_kept(method, tmp_path):
    model = NeuralOneShot(method, rotations=True, augmentation=[RandomTranslation(0.1, 0.1)], **SMALL)
    first, second = model.fit_many(X, Y, [{"random_state": 0}, {"random_state": 1}])
    alone = clone(model).fit(X, Y)
    np.testing.assert_allclose(first.transform(X), alone.transform(X), rtol=1e-3, atol=1e-4)
    assert not np.allclose(first.transform(X), second.transform(X))
    for state in ("background", "enrolled"):
        if state == "enrolled":
            alone.enroll_many(X[::8], [f"m{y}" for y in Y[::8]])
        alone.save(tmp_path / state)
        again = NeuralOneShot.load(tmp_path / state)
        np.testing.assert_array_equal(again.predict_proba(X), alone.predict_proba(X))
        assert again.history_ == alone.history_
        assert again.augmentation == model.augmentation
        assert again.enroll(X[0], "new").classes_.tolist() == clone_enrolled(alone)
    assert jd.load(tmp_path / "enrolled").predict(again._given(X)).shape[0] == len(X)
    assert isinstance(load(tmp_path / "enrolled"), NeuralOneShot)
    with pytest.raises(FileError, match="no such model"):
        VAE.load(tmp_path / "enrolled")


def clone_enrolled(model):
    return sorted([*model.classes_.tolist(), "new"]) if model.enrolled_ else ["new"]


def test_members_that_differ_in_more():
    found = NeuralOneShot(**SMALL).fit_many(X, Y, [{"ways": 4}, {"method": "siamese"}])
    assert [m.get_params()["method"] for m in found] == ["prototypical", "siamese"]
    alone = NeuralOneShot(**{**SMALL, "ways": 4}).fit(X, Y)
    np.testing.assert_allclose(found[0].transform(X), alone.transform(X), rtol=1e-4, atol=1e-5)


def test_another_models_features(tmp_path):
    old = Y < 30
    rows = X.reshape(-1, 64).astype(np.float32)
    trained = Sequential([Dense(48, activation="relu", name="features", input_shape=(64,)), Dense(30, "softmax")])
    trained.compile("adam", "sparse_categorical_crossentropy")
    trained.fit(rows[old], Y[old], epochs=3, verbose=0, seed=0, doctor=False)
    kernel, bias = trained.get_weights()[:2]
    z = np.maximum(rows @ kernel + bias, 0)
    shown = NeuralOneShot.from_model(trained, background=rows[old])
    np.testing.assert_allclose(shown.transform(rows), z - z[old].mean(0), rtol=1e-3, atol=1e-4)
    shown.enroll_many(rows[[240, 248]], ["a", "b"])
    unit = (z - z[old].mean(0)) / np.linalg.norm(z - z[old].mean(0), axis=1, keepdims=True)
    wanted = (unit @ unit[[240, 248]].T).argmax(1)
    np.testing.assert_array_equal(shown.predict(rows), np.array(["a", "b"])[wanted])
    shown.save(tmp_path / "shown")
    again = NeuralOneShot.load(tmp_path / "shown")
    np.testing.assert_array_equal(again.predict_proba(rows), shown.predict_proba(rows))
    named = NeuralOneShot.from_model(trained, "features", similarity="euclidean").enroll_many(rows[:2], [0, 1])
    np.testing.assert_array_equal(named.predict(rows[:9]), ((z[:9, None] - z[:2]) ** 2).sum(-1).argmin(1))
    with pytest.raises(InputError, match="jindan model"):
        NeuralOneShot.from_model(Dense(3))
    with pytest.raises(InputError, match="no such layer"):
        NeuralOneShot.from_model(trained, "head")
    with pytest.raises(InputError, match="similarity"):
        NeuralOneShot.from_model(trained, similarity="siamese")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"method": "triplet"}, "method"),
        ({"ways": 1}, "ways"),
        ({"shots": 0}, "shots"),
        ({"queries": 1.5}, "queries"),
        ({"n_episodes": 0}, "n_episodes"),
        ({"filters": 3}, "filters"),
        ({"filters": (4, 4, 4, 4)}, "halves"),
        ({"layers": ["dense"]}, "layers"),
        ({"augmentation": [3]}, "augmentation"),
        ({"scaling": "rows"}, "scaling"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"shots": 8}, "two classes"),
    ],
)
def test_errors(settings, message):
    with pytest.raises(InputError, match=message):
        NeuralOneShot(**{**SMALL, **settings}).fit(X, Y)


def test_errors_of_data():
    with pytest.raises(InputError, match="square"):
        NeuralOneShot(rotations=True, **SMALL).fit(X[:, :7], Y)
    with pytest.raises(InputError, match="no images of this shape"):
        NeuralOneShot(image_shape=(7, 7), **SMALL).fit(X.reshape(-1, 64), Y)
    with pytest.raises(InputError, match="axes"):
        NeuralOneShot(**SMALL).fit(np.zeros((4, 3, 3, 3, 3)), [0, 0, 1, 1])
    with pytest.raises(ValueError, match="NaN"):
        NeuralOneShot(**SMALL).fit(np.full((4, 8, 8), np.nan), [0, 0, 1, 1])
    with pytest.raises(InputError, match="two classes"):
        NeuralOneShot(**SMALL).fit(X[:8], Y[:8])
    with pytest.raises(NotFittedError):
        NeuralOneShot().enroll(X[0], 1)
    constant = np.column_stack([X.reshape(-1, 64), np.full(len(X), 3.0)])
    assert np.isfinite(NeuralOneShot(n_episodes=6, ways=5).fit(constant, Y).transform(constant)).all()
