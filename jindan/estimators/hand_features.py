"""HandFeatures: HOG, SIFT and SURF of images behind scikit-learn's interface, whole or as a bag of visual words."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..data.hand_features import METHODS, checked, described
from ..errors import InputError, ShapeError
from ..models import estimator_files, kmeans
from .kmeans import KMeans

MOST_POINTS = 20_000
"""Points that visual words are learned from."""


class HandFeatures(TransformerMixin, BaseEstimator):
    """Images → features made by hand, for a classifier to stand on: `make_pipeline(HandFeatures("hog"), SVC())`.

    Descriptors lie on a grid and are put one after another; or, with `words`, each is replaced by the nearest of the
    k-means centres of the training images' descriptors, and an image is the share of each such word (a bag of visual
    words: Sivic and Zisserman 2003; Csurka et al. 2004). That no longer knows where anything was.
    The mathematics is in `jindan.data.hand_features`.

    Args:
        method: "hog", "sift" or "surf".
        grid: Points along each side, for SIFT and SURF.
        words: Visual words; 0 keeps the descriptors themselves.
        random_state: Fixes the points that words are learned from, and the centres' start.

    Attributes:
        image_shape_: (height, width, channels) of the images it knows.
        words_: (words, 128 or 64) the centres, if any.

    >>> images = np.random.default_rng(0).integers(0, 256, (6, 28, 28)).astype("uint8")
    >>> HandFeatures("hog").fit_transform(images).shape
    (6, 1296)
    >>> HandFeatures("sift", words=5, random_state=0).fit_transform(images).sum(1).round(6).tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    """

    def __init__(self, method: str = "hog", *, grid: int = 4, words: int = 0, random_state: Any = None) -> None:
        self.method = method
        self.grid = grid
        self.words = words
        self.random_state = random_state

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the words of images X (n, height, width[, channels]); without words only their size is noted.

        Raises:
            InputError: settings that cannot be used, what are no images, or fewer points than words.
        """
        images = checked(X)
        self._check()
        self.image_shape_ = images.shape[1:]
        if self.words:
            random = check_random_state(self.random_state)
            points = self._points(images).reshape(len(images) * self.grid**2, -1)
            if len(points) < self.words:
                raise InputError(
                    "There are more words than points.", where="words", expected=f"at most {len(points)}",
                    received=self.words, help="Give more images, or a finer grid.",
                )  # fmt: skip
            if len(points) > MOST_POINTS:
                points = points[random.permutation(len(points))[:MOST_POINTS]]
            seed = random.randint(2**31 - 1)
            self.words_ = KMeans(self.words, random_state=seed).fit(points).cluster_centers_
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Features of images (n, features) float32.

        Raises:
            ShapeError: for images of another size than those of `fit`.
        """
        check_is_fitted(self, "image_shape_")
        images = checked(X)
        if images.shape[1:] != self.image_shape_:
            raise ShapeError("The images are of another size than those of fit.", where="X",
                             expected=self.image_shape_, received=images.shape[1:])  # fmt: skip
        if not self.words:
            return described(images, self.method, grid=self.grid)
        points = self._points(images)
        n, places, width = points.shape
        word = kmeans.nearest(points.reshape(-1, width), self.words_)
        place = np.repeat(np.arange(n), places) * self.words + word
        return (np.bincount(place, minlength=n * self.words).reshape(n, -1) / places).astype(np.float32)

    def _points(self, images: np.ndarray) -> np.ndarray:
        return described(images, self.method, grid=self.grid).reshape(len(images), self.grid**2, -1)

    def _check(self) -> None:
        if self.method not in METHODS:
            raise InputError("There are no such features.", where="method", expected=", ".join(METHODS),
                             received=self.method)  # fmt: skip
        for name, least in (("grid", 1), ("words", 0)):
            if (value := getattr(self, name)) < least:
                raise InputError("The setting is too small.", where=name, expected=f">= {least}", received=value)
        if self.words and self.method == "hog":
            raise InputError("HOG describes a whole image, not points that could be words.", where="words",
                             expected='0, or method="sift" or "surf"', received=self.words)  # fmt: skip

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array, tags.input_tags.three_d_array = False, True
        return tags

    # -- keeping -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write settings, the images' size and the words into a folder."""
        check_is_fitted(self, "image_shape_")
        arrays = {"image_shape": np.array(self.image_shape_, np.int64)}
        arrays |= {"words": self.words_} if self.words else {}
        estimator_files.write(path, "HandFeatures", *estimator_files.plain(self.get_params(), arrays, self))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`.

        Raises:
            FileError: when the folder holds no hand-made features.
        """
        settings, arrays = estimator_files.read(path, "HandFeatures")
        model = cls(**settings)
        model.image_shape_ = tuple(int(v) for v in arrays["image_shape"])
        if "words" in arrays:
            model.words_ = arrays["words"]
        return model
