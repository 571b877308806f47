"""HOG and SIFT give scikit-image's numbers, SURF those of its paper computed sample by sample."""

import numpy as np
import pytest

from jindan.data.hand_features import METHODS, described, grey, hog, sized
from jindan.data.hand_points import centres, sift, starts, surf
from jindan.errors import InputError


def pictures(*shape, seed=0):
    return np.random.default_rng(seed).integers(0, 256, shape).astype(np.uint8)


@pytest.mark.parametrize("shape", [(3, 30, 41), (2, 28, 28, 1), (2, 24, 33, 3)])
@pytest.mark.parametrize(("cell", "block", "bins"), [(7, 2, 9), (5, 3, 8), (8, 1, 6)])
def test_hog_is_scikit_images(shape, cell, block, bins):
    feature, x = pytest.importorskip("skimage.feature"), pictures(*shape)
    wanted = [
        feature.hog(
            image, orientations=bins, pixels_per_cell=(cell, cell), cells_per_block=(block, block),
            channel_axis=2 if len(shape) == 4 else None,
        )
        for image in x
    ]  # fmt: skip
    # It reckons gradients of bytes in float32.
    np.testing.assert_allclose(hog(x, cell=cell, block=block, bins=bins), wanted, rtol=0, atol=1e-6)


def test_hog_of_an_edge_by_hand():
    """A step of 1 between columns 7 and 8: both beside it have a slope of 1, to the right."""
    x = np.zeros((1, 16, 16))
    x[:, :, 8:] = 1.0
    cells = np.zeros((2, 2, 9))
    cells[..., 0] = 8 * 1.0 / 64
    wanted = np.minimum(cells / np.sqrt((cells**2).sum() + 1e-10), 0.2)
    wanted /= np.sqrt((wanted**2).sum() + 1e-10)
    np.testing.assert_allclose(hog(x)[0], wanted.ravel(), atol=1e-12)


@pytest.mark.parametrize("sigma", [0.8, 1.0, 1.6])
@pytest.mark.parametrize("shape", [(72, 72), (80, 66)])
def test_sift_is_scikit_images(sigma, shape):
    feature = pytest.importorskip("skimage.feature")
    x = np.random.default_rng(1).random((2, *shape))
    grid = 2
    found = sift(x, grid=grid, sigma=sigma)
    rows, columns = (centres(side, grid) for side in shape)
    for image, mine in zip(x, found, strict=True):
        other = feature.SIFT(upsampling=1, sigma_min=sigma, n_octaves=1, n_scales=1)
        other.positions = np.array([(row, column) for row in rows for column in columns])
        other.scales, other.octaves = np.zeros((2, grid**2), int)
        other.sigmas, other.orientations = np.full(grid**2, sigma), np.zeros(grid**2)
        other.extract(image)
        # It cuts 512 × the numbers to whole ones; float32 may fall to the other side of one.
        gap = np.abs(np.floor(512 * mine) - other.descriptors)
        assert gap.max() <= 1
        assert (gap > 0).mean() < 0.01


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
    # HOG's ε is all that knows the contrast; float32 sums of numbers 3 times as large differ in the last digits.
    np.testing.assert_allclose(described(3 * x + 40, method), described(x, method), atol=2e-5)


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


def test_many_images_are_as_one():
    x = pictures(300, 25, 25)
    for method in METHODS:
        np.testing.assert_allclose(described(x, method)[290:], described(x[290:], method), atol=1e-6)


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
