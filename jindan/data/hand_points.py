"""SIFT and SURF descriptors, upright, on a grid of points: SIFT is scikit-image's, SURF its paper's, as none has it.

The weight of a sample for a part of SURF's window is a product of one number for its row and one for its column. So
all windows of all images are `down @ maps @ across`, and nothing is computed point by point.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from jindan.errors import InputError

PARTS = 4
"""Parts of a window along each side."""
DIRECTIONS = 8
SMALLEST = 12
"""Pixels a side of an image that scikit-image's SIFT takes."""


def library() -> Any:
    """`skimage.feature`.

    Raises:
        InputError: it is not installed.
    """
    try:
        import skimage.feature
    except ImportError:
        raise InputError(
            "HOG and SIFT need the package scikit-image.", where="images", received="not installed",
            expected="scikit-image, an optional dependency", help='pip install "jindan[images]"',
        ) from None  # fmt: skip
    return skimage.feature


def sift(images: NDArray[np.floating], *, grid: int = 4, sigma: float = 1.0) -> NDArray[np.float32]:
    """SIFT descriptors (Lowe 2004, section 6) of upright points at one scale σ, evenly placed: `skimage.feature.SIFT`.

    The image is blurred to σ. Around a point lie 4 × 4 histograms of 8 directions, 3 σ apart. A gradient votes with
    its length × exp(−d² / 2 (6 σ)²), shared linearly among the histograms and the directions beside it. The 128
    numbers h are cut at 0.2 ‖h‖ and brought to length 1, and scikit-image keeps the whole part of 512 × them, which is
    brought to length 1 again here; no gradients at all give zeros. Pixels outside count nothing.

    Args:
        images: (n, height, width) grey, at least 12 pixels a side.
        grid: Points along each side.
        sigma: σ > 0.5 in pixels.

    Returns:
        (n, grid², 128).

    Raises:
        InputError: for smaller images, or without scikit-image.

    >>> flat = np.ones((1, 28, 28))
    >>> sift(flat).shape, float(sift(flat).max())
    ((1, 16, 128), 0.0)
    """
    images = np.asarray(images, np.float32)
    if min(images.shape[1:]) < SMALLEST:
        raise InputError("The images are too small for SIFT.", where="images", received=images.shape[1:],
                         expected=f"{SMALLEST} pixels a side")  # fmt: skip
    rows, columns = (centres(side, grid) for side in images.shape[1:])
    at_points = library().SIFT(upsampling=1, sigma_min=sigma, n_octaves=1, n_scales=1)
    at_points.positions = np.array([(row, column) for row in rows for column in columns], np.float32)
    at_points.scales, at_points.octaves = np.zeros((2, grid**2), int)
    at_points.sigmas, at_points.orientations = np.full(grid**2, sigma), np.zeros(grid**2)
    found = np.empty((len(images), grid**2, 16 * DIRECTIONS), np.float32)
    # A window without any gradient is divided by its length 0 there, and all its bytes are what NaN then becomes.
    with np.errstate(invalid="ignore"):
        for image, into in zip(images, found, strict=True):
            at_points.extract(image)
            into[:] = at_points.descriptors
    found[found.min(2) == found.max(2)] = 0
    return unit(found)


def surf(images: NDArray[np.floating], *, grid: int = 4, scale: int = 1) -> NDArray[np.float32]:
    """Upright SURF descriptors (Bay, Ess, Tuytelaars and Van Gool 2008, section 4.2) of points evenly placed.

    A window of 20 s pixels has 20 × 20 samples, s apart. Each has the responses dx and dy of Haar wavelets of side 2 s
    (right half minus left, lower minus upper), weighted with exp(−d² / 2 (3.3 s)²). Each of 4 × 4 parts gives
    Σ dx, Σ dy, Σ |dx|, Σ |dy| over its 5 × 5 samples; the 64 numbers are brought to length 1, and no slope at all gives
    zeros. Sums over boxes come from an integral image; beyond the border an image goes on as it ends.

    Args:
        images: (n, height, width) grey.
        grid: Points along each side.
        scale: s in whole pixels.

    Returns:
        (n, grid², 64).

    >>> image = np.add.outer(np.zeros(40), np.arange(40.0))[None]  # brighter to the right, by the same everywhere
    >>> first = surf(image, grid=1)[0, 0].reshape(4, 4, 4)[1, 1]
    >>> first.round(3).tolist() == [first[0].round(3), 0.0, first[0].round(3), 0.0]
    True
    """
    _, height, width = np.shape(images)
    rows, columns = starts(height, grid, scale), starts(width, grid, scale)
    room = 20 * scale
    # Taken about each image's first pixel, as all responses are differences: the running sums keep more digits so.
    x = np.asarray(images, np.float64)
    x = np.pad(x - x[:, :1, :1], ((0, 0), (room, room), (room, room)), mode="edge")
    total = np.pad(x.cumsum(1).cumsum(2), ((0, 0), (1, 0), (1, 0)))
    s, high, wide = scale, height + 2 * room, width + 2 * room

    def box(top: int, left: int, tall: int, broad: int) -> NDArray[np.float64]:
        """Sums over boxes that begin `top` below and `left` right of each corner (s…high−s, s…wide−s)."""
        a, b = slice(s + top, high - s + top + 1), slice(s + top + tall, high - s + top + tall + 1)
        c, d = slice(s + left, wide - s + left + 1), slice(s + left + broad, wide - s + left + broad + 1)
        return total[:, b, d] - total[:, a, d] - total[:, b, c] + total[:, a, c]

    dx = box(-s, 0, 2 * s, s) - box(-s, -s, 2 * s, s)
    dy = box(0, -s, s, 2 * s) - box(-s, -s, s, 2 * s)
    maps = np.stack([dx, dy, np.abs(dx), np.abs(dy)], 1).astype(np.float32)
    shift = room - s
    down = _samples(rows + shift, maps.shape[2], scale)
    return unit(_sums(maps, down, _samples(columns + shift, maps.shape[3], scale), grid))


def starts(length: int, grid: int, scale: int) -> NDArray[np.int64]:
    """Corners of the first samples of SURF's windows along one side; a window's middle lies 9.5 s further.

    >>> starts(28, 2, 1).tolist()
    [-2, 12]
    """
    return np.floor((np.arange(grid) + 0.5) * length / grid - 9.5 * scale + 0.5).astype(np.int64)


def centres(length: int, grid: int) -> NDArray[np.float64]:
    """SIFT's points along one side, in pixels.

    >>> centres(28, 2).tolist()
    [6.5, 20.5]
    """
    return (np.arange(grid) + 0.5) * length / grid - 0.5


def unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    """Vectors in the last axis brought to length 1; zeros stay."""
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return (vectors / np.where(length > 0, length, 1)).astype(np.float32)


def _samples(first: NDArray[np.int64], length: int, scale: int) -> NDArray[np.float32]:
    """What a corner's row (or column) counts for each part of each window: (length, grid × 4)."""
    found = np.zeros((length, len(first), PARTS), np.float32)
    for i in range(20):
        found[first + scale * i, np.arange(len(first)), i // 5] = np.exp(-((i - 9.5) ** 2) / (2 * 3.3**2))
    return found.reshape(length, -1)


def _sums(
    maps: NDArray[np.floating], down: NDArray[np.float32], across: NDArray[np.float32], grid: int
) -> NDArray[np.float32]:
    """(n, kinds, height, width) → (n, points, 16 × kinds): sums of each map over each part of each window."""
    n, kinds = maps.shape[:2]
    found = down.T @ (np.asarray(maps, np.float32) @ across)
    parted = found.reshape(n, kinds, grid, PARTS, grid, PARTS).transpose(0, 2, 4, 3, 5, 1)
    return np.ascontiguousarray(parted).reshape(n, grid * grid, -1)
