"""HOG of an edge by hand, SIFT and SURF by their papers' sums; images of any size, many at once, none at all."""

import sys

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from jindan.data import hand_features
from jindan.data.hand_features import METHODS, described, grey, hog, sized
from jindan.data.hand_points import centres, sift, starts, surf
from jindan.errors import InputError


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


def test_hog_takes_the_channel_with_the_longest_gradient():
    x = pictures(2, 24, 33, 3).astype(float)
    x[..., 1] = 0.5 * x[..., 0]
    x[..., 2] = 0
    np.testing.assert_allclose(hog(x, cell=5, bins=8), hog(x[..., 0], cell=5, bins=8), atol=1e-6)


def test_hog_of_an_edge_by_hand():
    """A step of 1 between columns 7 and 8: both beside it have a slope of 1, to the right."""
    x = np.zeros((1, 16, 16))
    x[:, :, 8:] = 1.0
    cells = np.zeros((2, 2, 9))
    cells[..., 0] = 8 * 1.0 / 64
    wanted = np.minimum(cells / np.sqrt((cells**2).sum() + 1e-10), 0.2)
    wanted /= np.sqrt((wanted**2).sum() + 1e-10)
    np.testing.assert_allclose(hog(x)[0], wanted.ravel(), atol=1e-6)  # given as float32


def sift_directly(image, row, column, sigma):
    """The paper's sums around one point, from each pixel's gradient in turn."""
    blurred = gaussian_filter(image, np.sqrt(sigma**2 - 0.25), mode="reflect")
    down, across = np.gradient(blurred)
    found, apart = np.zeros((4, 4, 8)), 3 * sigma
    for (i, j), length in np.ndenumerate(np.hypot(down, across)):
        y, x = i - row, j - column
        if max(abs(y), abs(x)) >= 7.5 * sigma:
            continue
        vote = length * np.exp(-(y**2 + x**2) / (2 * (6 * sigma) ** 2))
        turn = np.arctan2(across[i, j], down[i, j]) * 8 / (2 * np.pi)
        for a, b, c in np.ndindex(4, 4, 8):
            share = max(0, 1 - abs(y - (a - 1.5) * apart) / apart) * max(0, 1 - abs(x - (b - 1.5) * apart) / apart)
            found[a, b, c] += vote * share * max(0, 1 - abs((turn - c + 4) % 8 - 4))
    cut = np.minimum(found, 0.2 * np.linalg.norm(found))
    return (cut / np.linalg.norm(cut)).reshape(16, 8)


@pytest.mark.parametrize("sigma", [0.8, 1.0])
def test_sift_is_the_papers_formula(sigma):
    x = np.random.default_rng(1).random((2, 60, 66))
    found = sift(x, grid=2, sigma=sigma).reshape(2, 4, 16, 8)
    for image, mine in zip(x, found, strict=True):
        points = [(row, column) for row in centres(60, 2) for column in centres(66, 2)]
        wanted = [sift_directly(image, *point, sigma) for point in points]
        # It keeps the whole part of 512 times the numbers, which shortens them all a little.
        np.testing.assert_allclose(mine, wanted, atol=1.5 / 512)


def surf_directly(image, first_row, first_column, s):
    """The paper's sums, one sample after another; beyond the border an image goes on as it ends."""

    def box(top, left, tall, broad):
        total = 0.0
        for row in range(top, top + tall):
            for column in range(left, left + broad):
                total += image[min(max(row, 0), image.shape[0] - 1), min(max(column, 0), image.shape[1] - 1)]
        return total

    found = np.zeros((4, 4, 4))
    for i in range(20):
        for j in range(20):
            row, column = first_row + i * s, first_column + j * s  # the corner in the middle of the wavelet
            away = ((i - 9.5) * s) ** 2 + ((j - 9.5) * s) ** 2
            weight = np.exp(-away / (2 * (3.3 * s) ** 2))
            dx = weight * (box(row - s, column, 2 * s, s) - box(row - s, column - s, 2 * s, s))
            dy = weight * (box(row, column - s, s, 2 * s) - box(row - s, column - s, s, 2 * s))
            found[i // 5, j // 5] += dx, dy, abs(dx), abs(dy)
    return found.ravel() / np.linalg.norm(found)


@pytest.mark.parametrize(("shape", "grid", "scale"), [((28, 28), 2, 1), ((31, 22), 2, 1), ((50, 44), 1, 2)])
def test_surf_is_the_papers_formula(shape, grid, scale):
    x = np.random.default_rng(2).integers(0, 256, (2, *shape)).astype(float)
    found = surf(x, grid=grid, scale=scale)
    assert found.shape == (2, grid**2, 64)
    for image, mine in zip(x, found, strict=True):
        corners = [(r, c) for r in starts(shape[0], grid, scale) for c in starts(shape[1], grid, scale)]
        wanted = [surf_directly(image, row, column, scale) for row, column in corners]
        np.testing.assert_allclose(mine, wanted, atol=1e-5)  # float32 sums


@pytest.mark.parametrize("method", METHODS)
def test_neither_brightness_nor_contrast_matters(method):
    x = pictures(3, 28, 28).astype(np.float64)
    # HOG's ε is all that knows the contrast; float32 sums of numbers 3 times as large differ in the last digits, which
    # SIFT's whole numbers of 512 may fall to the other side of.
    close = 2 / 512 if method == "sift" else 2e-5
    np.testing.assert_allclose(described(3 * x + 40, method), described(x, method), atol=close)


@pytest.mark.parametrize("method", ["sift", "surf"])
def test_descriptors_have_length_one_or_are_zeros(method):
    x = pictures(2, 30, 30)
    x[1] = 77
    points = described(x, method).reshape(2, 16, -1)
    np.testing.assert_allclose(np.linalg.norm(points[0], axis=-1), 1, atol=1e-5)
    assert not points[1].any()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(2, 1, 1), (2, 6, 6), (2, 3, 40), (1, 300, 20, 3), (1, 130, 97, 1)])
def test_images_of_any_size(method, shape):
    x = pictures(*shape)
    found = described(x, method)
    assert found.shape[0] == shape[0]
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    # All images of a set are worked on together; each alone gives the same.
    np.testing.assert_allclose(described(x[:1], method), found[:1], atol=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_many_images_are_as_one(method, monkeypatch):
    """Whether or not other processes describe them."""
    monkeypatch.setattr(hand_features, "ALONE", {"hog": 40, "sift": 40})
    monkeypatch.setattr(hand_features, "CHUNK", 20)
    x = pictures(45, 25, 25)
    np.testing.assert_allclose(described(x, method)[38:], described(x[38:], method), atol=1e-6)


@pytest.mark.parametrize("method", ["hog", "sift"])
def test_without_scikit_image(method, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    with pytest.raises(InputError, match="scikit-image") as told:
        described(pictures(2, 28, 28), method)
    assert 'pip install "jindan[images]"' in str(told.value)


def test_grey_and_sizes():
    x = np.zeros((1, 2, 2, 3))
    x[..., 0], x[..., 1], x[..., 2] = 100, 10, 1
    np.testing.assert_allclose(grey(x), np.full((1, 2, 2), 29.9 + 5.87 + 0.114), rtol=1e-6)
    big = np.arange(96 * 96.0).reshape(1, 96, 96, 1)
    np.testing.assert_allclose(sized(big)[0, 0, 0, 0], big[0, :2, :2].mean())
    assert sized(big[:, :48, :30]).shape == (1, 48, 30, 1)
    assert sized(np.full((1, 5, 7, 1), 9.0)).min() == 9


@pytest.mark.parametrize(
    ("images", "method", "says"),
    [
        (np.zeros((2, 8, 8)), "orb", "no such features"),
        (np.zeros((2, 8)), "hog", "holds no images"),
        (np.zeros((0, 8, 8)), "hog", "holds no images"),
        (np.full((2, 8, 8), np.nan), "sift", "no numbers"),
        (np.array([[["a"]]]), "surf", "holds no images"),
    ],
)
def test_what_cannot_be_described(images, method, says):
    with pytest.raises(InputError, match=says):
        described(images, method)


def test_a_block_must_fit():
    with pytest.raises(InputError, match="too small for a block"):
        hog(np.zeros((1, 15, 40)), cell=8, block=2)


def test_too_small_for_a_window():
    with pytest.raises(InputError, match="too small for SIFT"):
        sift(np.zeros((2, 11, 30)))
    with pytest.raises(InputError, match="too small for a block"):
        hog(np.zeros((2, 15, 30)))
