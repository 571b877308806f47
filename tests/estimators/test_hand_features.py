"""HandFeatures in scikit-learn's pipelines; visual words counted by hand; kept and read again."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC

from jindan.data.hand_features import described
from jindan.errors import FileError, InputError, ShapeError
from jindan.estimators import PCA, HandFeatures


@pytest.fixture(scope="module")
def stripes():
    """Stripes across or down, each at its own place, under noise: no pixel alone tells them apart."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(60, 24, 24)), np.arange(60) % 2
    for image, kind in zip(x, y, strict=True):
        wave = 2 * np.sin(np.arange(24) * 2 * np.pi / 8 + rng.uniform(0, 6))
        image += wave[:, None] if kind else wave[None]
    return x, y


@pytest.mark.parametrize("settings", [{"method": "hog"}, {"method": "sift"}, {"method": "surf", "grid": 3},
                                      {"method": "sift", "words": 8}, {"method": "surf", "words": 8}])  # fmt: skip
@pytest.mark.parametrize("judge", [SVC(), KNeighborsClassifier(3)])
def test_a_classifier_stands_on_them(stripes, settings, judge):
    model = make_pipeline(HandFeatures(**settings, random_state=0), judge)
    assert cross_val_score(model, *stripes, cv=3).mean() > 0.9


def test_descriptors_whole(stripes):
    x, _ = stripes
    model = clone(HandFeatures("surf", grid=2))
    found = model.fit_transform(x)
    assert found.shape == (60, 4 * 64)
    np.testing.assert_array_equal(found, described(x, "surf", grid=2))
    assert model.image_shape_ == (24, 24, 1)
    assert model.get_params() == {"method": "surf", "grid": 2, "words": 0, "random_state": None}


def test_visual_words_are_counted(stripes):
    x, _ = stripes
    model = HandFeatures("sift", grid=3, words=6, random_state=1).fit(x)
    points = described(x, "sift", grid=3).reshape(60, 9, 128)
    nearest = ((points[:, :, None] - model.words_) ** 2).sum(3).argmin(2)
    wanted = [np.bincount(words, minlength=6) / 9 for words in nearest]
    np.testing.assert_allclose(model.transform(x), wanted, atol=1e-6)
    again = HandFeatures("sift", grid=3, words=6, random_state=1).fit(x)
    np.testing.assert_array_equal(again.words_, model.words_)


@pytest.mark.parametrize("settings", [{"method": "hog"}, {"method": "sift", "words": 5, "random_state": 0}])
def test_kept_and_read(stripes, settings, tmp_path):
    x, _ = stripes
    model = HandFeatures(**settings).fit(x)
    model.save(tmp_path / "features")
    read = HandFeatures.load(tmp_path / "features")
    assert read.get_params() == model.get_params()
    np.testing.assert_array_equal(read.transform(x), model.transform(x))
    PCA(1).fit(x[:, 0]).save(tmp_path / "other")
    with pytest.raises(FileError):
        HandFeatures.load(tmp_path / "other")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"method": "orb"}, "no such features"),
        ({"method": "sift", "grid": 0}, "too small"),
        ({"method": "sift", "words": -1}, "too small"),
        ({"method": "hog", "words": 4}, "HOG describes a whole image"),
        ({"method": "sift", "words": 10_000}, "more words than points"),
    ],
)
def test_settings_that_cannot_be_used(stripes, settings, says):
    with pytest.raises(InputError, match=says):
        HandFeatures(**settings).fit(stripes[0])


def test_what_it_does_not_know(stripes):
    x, _ = stripes
    with pytest.raises(NotFittedError):
        HandFeatures().transform(x)
    with pytest.raises(ShapeError, match="another size"):
        HandFeatures().fit(x).transform(x[:, :20])
    with pytest.raises(InputError, match="no numbers"):
        HandFeatures().fit(np.full((2, 24, 24), np.inf))
    with pytest.raises(InputError, match="holds no images"):
        HandFeatures().fit(x[0])
