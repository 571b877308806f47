"""Features of images by hand: HOG, and the door to SIFT and SURF on a grid.

HOG and SIFT are scikit-image's, which takes 1 and 5 ms an image of 28 × 28; many images are shared among the cores.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jindan.data.hand_points import library, sift, surf
from jindan.errors import InputError

METHODS = ("hog", "sift", "surf")
LARGEST, SMALLEST = 48, 24
"""Pixels a side that images are brought to by `described`."""
CHUNK = 256
"""Images at a time: what is in hand stays in the cache of a core, and a process has no more to wait for."""
GREY = np.array([0.299, 0.587, 0.114])
ALONE = {"hog": 2000, "sift": 400}
"""Images that one process describes itself: others take a second or more to start."""


def described(images: NDArray[Any], method: str, *, grid: int = 4) -> NDArray[np.float32]:
    """Images as features made by hand.

    Images are first brought to 24 to 48 pixels a side (`sized`).

    Args:
        images: (n, height, width) or (n, height, width, channels), any numbers.
        method: "hog": 7 cells along the shorter side; "sift", "surf": on grid × grid points.
        grid: Points along each side, for SIFT and SURF.

    Returns:
        (n, features) float32: of SIFT 128 and of SURF 64 a point, one point after another.

    Raises:
        InputError: for an unknown method, what are no images, or HOG and SIFT without scikit-image.

    >>> images = np.random.default_rng(0).integers(0, 256, (2, 28, 28)).astype(np.uint8)
    >>> [described(images, method).shape for method in METHODS]
    [(2, 1296), (2, 2048), (2, 1024)]
    """
    if method not in METHODS:
        raise InputError("There are no such features.", where="method", expected=", ".join(METHODS), received=method)
    images = checked(images)
    parts = [images[start : start + CHUNK] for start in range(0, len(images), CHUNK)]
    if len(images) <= ALONE.get(method, len(images)):
        return np.concatenate([_part(part, method, grid) for part in parts])
    from sklearn.utils.parallel import Parallel, delayed

    library()
    workers = min(len(parts), os.cpu_count() or 1)
    return np.concatenate(Parallel(n_jobs=workers)(delayed(_part)(sized(part), method, grid) for part in parts))


def _part(images: NDArray[Any], method: str, grid: int) -> NDArray[np.float32]:
    images = sized(images)
    if method == "hog":
        return hog(images, cell=min(images.shape[1:3]) // 7)
    points = sift(grey(images), grid=grid) if method == "sift" else surf(grey(images), grid=grid)
    return points.reshape(len(images), -1)


def hog(images: NDArray[Any], *, cell: int = 8, block: int = 2, bins: int = 9) -> NDArray[np.float32]:
    """Histograms of oriented gradients (Dalal and Triggs 2005), by `skimage.feature.hog`.

    g = x[i + 1] − x[i − 1], 0 at the border, of the channel with the longest gradient. Each pixel votes with ‖g‖ for
    the direction's bin in its cell; directions are unsigned. A block v of cells becomes v / √(‖v‖² + ε²), cut at 0.2,
    and that again (L2-Hys); ε = 1e-5.

    Args:
        images: (n, height, width) or (n, height, width, channels).
        cell: Pixels a side; what is left over at the lower and right border is not looked at.
        block: Cells a side.
        bins: Of the half circle.

    Returns:
        (n, blocks down × blocks across × block² × bins).

    Raises:
        InputError: where a block does not fit into the images, or without scikit-image.

    >>> step = np.zeros((1, 16, 16))
    >>> step[:, :, 8:] = 1.0  # gradients point to the right: the first bin of each cell
    >>> hog(step).reshape(2, 2, 9)[..., 0].round(3).tolist()
    [[0.5, 0.5], [0.5, 0.5]]
    """
    images = checked(images)
    _, height, width, channels = images.shape
    if min(height // cell, width // cell) < block:
        raise InputError("The images are too small for a block.", where="hog", expected=f"{block * cell} pixels a side",
                         received=f"{height} × {width}", help="Take smaller cells or blocks.")  # fmt: skip
    describe = library().hog
    settings = {"orientations": bins, "pixels_per_cell": (cell, cell), "cells_per_block": (block, block)}
    settings["channel_axis"] = 2 if channels > 1 else None
    parts = images if channels > 1 else images[..., 0]
    return np.stack([describe(image, **settings) for image in parts]).astype(np.float32)


def grey(images: NDArray[Any]) -> NDArray[np.float32]:
    """(n, height, width, channels) → (n, height, width): 0.299 red + 0.587 green + 0.114 blue."""
    images = checked(images)
    if images.shape[3] == 3:
        return (images @ GREY).astype(np.float32)
    return images.mean(3, dtype=np.float32)


def sized(images: NDArray[Any]) -> NDArray[Any]:
    """Images (n, height, width, channels) with 24 to 48 pixels along each side: means of blocks, linear enlargement.

    Each side by itself, so that a window also has something to look at in a long and narrow image.

    >>> sized(np.zeros((1, 100, 60, 3))).shape, sized(np.zeros((1, 8, 30, 1))).shape
    ((1, 33, 30, 3), (1, 24, 30, 1))
    """
    n, height, width, channels = images.shape
    down, across = -(-height // LARGEST), -(-width // LARGEST)
    if max(down, across) > 1:
        high, wide = height // down, width // across
        parts = images[:, : high * down, : wide * across].reshape(n, high, down, wide, across, channels)
        images = parts.mean((2, 4), dtype=np.float32)
    times = [-(-SMALLEST // side) for side in images.shape[1:3]]
    if max(times) > 1:
        from scipy.ndimage import zoom

        images = zoom(images.astype(np.float32), (1, *times, 1), order=1, mode="nearest", grid_mode=True)
    return images


def checked(images: Any) -> NDArray[Any]:
    """Images as (n, height, width, channels).

    Raises:
        InputError: for what are no images, or hold what is no number.
    """
    images = np.asarray(images)
    whole = images[..., None] if images.ndim == 3 else images
    if whole.ndim != 4 or 0 in whole.shape or whole.dtype.kind not in "biuf":
        raise InputError("The array holds no images.", where="images", received=f"{images.dtype} {images.shape}",
                         expected="numbers (n, height, width) or (n, height, width, channels)")  # fmt: skip
    if whole.dtype.kind == "f" and not np.isfinite(whole).all():
        raise InputError("The images hold values that are no numbers.", where="images", expected="finite numbers")
    return whole
