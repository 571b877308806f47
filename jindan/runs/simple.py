"""The simple models that a network has to beat: on features, on bags of words, on small pixels, on features by hand."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..data import InputForm
from ..data.hand_features import METHODS, described
from ..data.hand_points import library
from ..errors import InputError
from ..select import Baseline, baselines
from ..select.baselines import scores_of
from ..select.kernel_baselines import kernel_baselines
from .prepare import Prepared

SIDE = 14
"""Pixels of the longer side of images for simple models, means of blocks."""
MOST_ROWS = 5000
"""Rows they are given where they read images."""
BY_HAND = 2000
"""Rows for models on HOG, SIFT and SURF, and rows they are judged on: scikit-image takes 6 ms an image."""


def simple_models(prepared: Prepared, part: str) -> list[Baseline]:
    """The simple models' scores on a part of the rows.

    Numbers: majority or mean, linear model, k nearest neighbours, SVM on the same features; with images, on pixels as
    well. Of images alone also SVM and k nearest neighbours on features made by hand: HOG, SIFT and SURF. With text:
    majority or mean, and a linear model on which words a text holds beside all else.
    """
    parts = prepared.x if isinstance(prepared.x, tuple) else (prepared.x,)
    return simple_on(prepared, prepared.preprocessor.inputs, parts, prepared.split.train, prepared.part(part))


def simple_on(
    prepared: Prepared, inputs: Sequence[InputForm], parts: tuple[np.ndarray, ...], rows: np.ndarray, judged: np.ndarray
) -> list[Baseline]:
    """The simple models, from some rows, judged on others.

    Args:
        prepared: The table: its task and truth count.
        inputs, parts: What is learned from, an array an input.
        rows, judged: Numbers of rows.
    """
    kinds, truth, groups = [form.kind for form in inputs], prepared.truth, prepared.ties.of(judged)
    task, classes = prepared.task.kind, prepared.classes
    if "text" not in kinds:
        alone = by_hand(prepared, parts[0], rows, judged) if kinds == ["image"] else []
        found = [small_pixels(x) if kind == "image" else x for kind, x in zip(kinds, parts, strict=True)]
        if "image" in kinds:
            rows = _some(rows, MOST_ROWS)
        x = found[0] if len(found) == 1 else np.concatenate(found, 1)
        usual = baselines(task, x[rows], truth[rows], x[judged], truth[judged], classes=classes, groups=groups)
        return usual + alone
    from sklearn.dummy import DummyClassifier, DummyRegressor
    from sklearn.linear_model import LogisticRegression, Ridge

    sparse = _sparse(inputs, parts)
    data = (sparse[rows], truth[rows], sparse[judged], truth[judged], groups)
    name = "bag_of_words" if kinds == ["text"] else "linear"
    models = [("majority", DummyClassifier(strategy="prior")), (name, LogisticRegression(max_iter=200))]
    if task == "regression":
        # With thousands of words and few rows a penalty of 1 is none: R² 0.03 against 0.27 on 2,400 reviews.
        models = [("mean", DummyRegressor()), (name, Ridge(10.0))]
    return [baseline for name, model in models for baseline in _scored(name, model, task, data, classes)]


def by_hand(prepared: Prepared, images: np.ndarray, rows: np.ndarray, judged: np.ndarray) -> list[Baseline]:
    """SVM and k nearest neighbours on HOG, SIFT and SURF, from at most 2,000 of the rows and judged on at most 2,000.

    HOG and SIFT are left out where scikit-image is not installed.

    Args:
        images: Those of all rows (rows, height, width, channels).
        rows, judged: Numbers of the rows they learn from and are scored on.
    """
    truth, found = prepared.truth, []
    rows, judged = _some(rows, BY_HAND), _some(judged, BY_HAND)
    try:
        library()
        methods: tuple[str, ...] = METHODS
    except InputError:
        methods = ("surf",)
    for method in methods:
        began = time.perf_counter()
        x, x_test = described(images[rows], method), described(images[judged], method)
        spent = time.perf_counter() - began
        models = kernel_baselines(
            prepared.task.kind, x, truth[rows], x_test, truth[judged], classes=prepared.classes, name=method,
            groups=prepared.ties.of(judged),
        )  # fmt: skip
        found += [replace(model, seconds=model.seconds + spent) for model in models]
    return found


def _some(rows: np.ndarray, most: int) -> np.ndarray:
    """The rows, or so many of them drawn by chance with seed 0; in their order."""
    return rows if len(rows) <= most else np.sort(np.random.default_rng(0).permutation(rows)[:most])


def small_pixels(images: np.ndarray) -> np.ndarray:
    """Images (n, height, width, channels) → (n, features) from 0 to 1: means of blocks, at most 14 a side.

    >>> small_pixels(np.full((2, 28, 28, 1), 255, np.uint8)).shape
    (2, 196)
    """
    n, height, width, channels = images.shape
    down, across = -(-height // SIDE), -(-width // SIDE)
    high, wide = height // down, width // across
    blocks = images[:, : high * down, : wide * across].reshape(n, high, down, wide, across, channels)
    return (blocks.mean((2, 4), dtype=np.float32) / 255).reshape(n, -1)


def bags(ids: np.ndarray, words: int) -> Any:
    """Which tokens a text holds: token numbers (n, length) → sparse zeros and ones (n, words)."""
    from scipy.sparse import csr_matrix

    row, place = np.nonzero(ids)
    found = csr_matrix((np.ones(len(row), np.float32), (row, ids[row, place])), shape=(len(ids), words))
    found.data[:] = 1.0
    return found


def _sparse(inputs: Any, parts: tuple) -> Any:
    from scipy.sparse import csr_matrix, hstack

    found = []
    for form, x in zip(inputs, parts, strict=True):
        if form.kind == "text":
            found.append(bags(x, form.vocabulary))
        else:
            found.append(csr_matrix(small_pixels(x) if form.kind == "image" else x))
    return hstack(found, format="csr")


def _scored(name: str, model: Any, task: str, data: tuple, classes: int) -> list[Baseline]:
    """A scikit-learn model's scores; none where there is nothing to tell apart."""
    x, y, x_test, y_test, groups = data
    began = time.perf_counter()
    with warnings.catch_warnings():
        # One that has not quite converged is still what a user would get.
        warnings.simplefilter("ignore")
        try:
            model.fit(x, y)
        except ValueError:
            return []
        scores = scores_of(task, model, x_test, y_test, classes, groups)
    return [Baseline(name, scores, time.perf_counter() - began, x.shape[0])]
