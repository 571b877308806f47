"""SIFT and SURF descriptors, upright, on a grid of points: sums of gradients near each point, as two matrix products.

The weight of a pixel for a part of a window is a product of one number for its row and one for its column. So all
windows of all images are `down @ maps @ across`, and nothing is computed point by point.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

PARTS = 4
"""Parts of a window along each side."""
DIRECTIONS = 8
BLUR = 0.5
"""Blur that a camera's image is taken to have (Lowe 2004, 3.3)."""


def sift(images: NDArray[np.floating], *, grid: int = 4, sigma: float = 1.0) -> NDArray[np.float32]:
    """SIFT descriptors (Lowe 2004, section 6) of upright points at one scale σ, evenly placed.

    The image is blurred to σ. Around a point lie 4 × 4 histograms of 8 directions, 3 σ apart. A gradient votes with
    its length × exp(−d² / 2 (6 σ)²), shared linearly among the histograms and the directions beside it. The 128
    numbers h are cut at 0.2 ‖h‖ and brought to length 1; no gradients at all give zeros. Pixels outside count nothing.
    In order: rows of histograms, columns, directions 0°, 45°, …, 315° from down to the right. `skimage.feature.SIFT`
    gives the whole part of 512 × the same numbers.

    Args:
        images: (n, height, width) grey.
        grid: Points along each side.
        sigma: σ > 0.5 in pixels.

    Returns:
        (n, grid², 128).

    >>> flat = np.ones((1, 28, 28))
    >>> sift(flat).shape, float(sift(flat).max())
    ((1, 16, 128), 0.0)
    """
    from scipy.ndimage import gaussian_filter

    blur = np.sqrt(max(sigma**2 - BLUR**2, 0.0))
    x = gaussian_filter(np.asarray(images, np.float32), (0, blur, blur), mode="reflect")
    down, across = _slopes(x, 1), _slopes(x, 2)
    length = np.hypot(down, across)
    turn = np.arctan2(across, down) * np.float32(DIRECTIONS / (2 * np.pi))
    every = np.arange(DIRECTIONS, dtype=np.float32)[:, None, None]
    away = np.abs((turn[:, None] - every + DIRECTIONS / 2) % DIRECTIONS - DIRECTIONS / 2)
    maps = np.maximum(1 - away, 0) * length[:, None]
    found = _sums(maps, _hats(x.shape[1], grid, sigma), _hats(x.shape[2], grid, sigma), grid)
    cut = np.minimum(found, 0.2 * np.linalg.norm(found, axis=2, keepdims=True))
    return unit(cut)


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


def _slopes(x: NDArray[np.float32], axis: int) -> NDArray[np.float32]:
    """Central differences, one-sided at the border; 0 along a side of one pixel."""
    return np.gradient(x, axis=axis) if x.shape[axis] > 1 else np.zeros_like(x)


def _hats(length: int, grid: int, sigma: float) -> NDArray[np.float32]:
    """What a pixel's row (or column) counts for each part of each point's window: (length, grid × 4)."""
    apart = 3.0 * sigma
    away = np.arange(length)[:, None, None] - centres(length, grid)[:, None]
    middles = (np.arange(PARTS) - (PARTS - 1) / 2) * apart
    shares = np.maximum(0, 1 - np.abs(away - middles) / apart) * np.exp(-(away**2) / (2 * (6 * sigma) ** 2))
    return shares.reshape(length, -1).astype(np.float32)


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
