"""Small data sets that patients learn from, drawn by a fixed seed."""

from __future__ import annotations

from functools import cache

import numpy as np


@cache
def blobs(rows: int = 240, classes: int = 3, spread: float = 0.7, seed: int = 0) -> tuple[np.ndarray, ...]:
    """(x, y, x_held, y_held): clouds around the corners of a square, targets one-hot."""
    rng = np.random.default_rng(seed)
    centres = np.array([[2, 2], [-2, 2], [0, -2], [3, -3]], float)[:classes]
    label = rng.integers(0, classes, rows + 120)
    x = (centres[label] + spread * rng.normal(size=(len(label), 2))).astype(np.float32)
    y = np.eye(classes, dtype=np.float32)[label]
    return x[:rows], y[:rows], x[rows:], y[rows:]


@cache
def rings(rows: int = 240, seed: int = 0) -> tuple[np.ndarray, ...]:
    """(x, y, x_held, y_held): one class around the other; no line tells them apart."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, 2, rows + 120)
    angle, radius = rng.uniform(0, 2 * np.pi, len(label)), 0.6 + 1.2 * label + 0.12 * rng.normal(size=len(label))
    x = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).astype(np.float32)
    y = label[:, None].astype(np.float32)
    return x[:rows], y[:rows], x[rows:], y[rows:]


@cache
def curve(rows: int = 240, noise: float = 0.1, columns: int = 3, seed: int = 0) -> tuple[np.ndarray, ...]:
    """(x, y, x_held, y_held): a smooth function of three columns, with noise."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows + 120, columns)).astype(np.float32)
    y = np.sin(1.5 * x[:, :1]) + x[:, 1:2] * 0.7 - 0.3 * x[:, 2:3] ** 2 + noise * rng.normal(size=(len(x), 1))
    y = ((y - y.mean()) / y.std()).astype(np.float32)
    return x[:rows], y[:rows], x[rows:], y[rows:]
