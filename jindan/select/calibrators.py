"""The methods of calibration: each fitted to probabilities and labels, and applied to others, as plain numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

_LEAST = 1e-12  # probabilities below have no logarithm to speak of


def _fit_temperature(p: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    from scipy.optimize import minimize_scalar

    z, rows = np.log(np.maximum(p, _LEAST)), np.arange(len(p))

    def loss(log_t: float) -> float:
        scaled = z / np.exp(log_t)
        top = scaled.max(1)
        return float((top + np.log(np.exp(scaled - top[:, None]).sum(1)) - scaled[rows, labels]).mean())

    # A model that is always right would have T = 0, one that knows nothing T = ∞.
    found = minimize_scalar(loss, bounds=(np.log(0.01), np.log(100.0)), method="bounded", options={"xatol": 1e-8})
    return {"temperature": float(np.exp(found.x))}


def _apply_temperature(settings: dict[str, Any], p: np.ndarray) -> np.ndarray:
    z = np.log(np.maximum(p, _LEAST)) / settings["temperature"]
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def _fit_sigmoid(p: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    from scipy.optimize import minimize

    slopes, offsets = [], []
    for c in _fitted(p):
        z, own = _log_odds(p[:, c]), labels == c
        yes, no = int(own.sum()), int((~own).sum())
        target = np.where(own, (yes + 1) / (yes + 2), 1 / (no + 2))

        def loss(ab: np.ndarray, z: np.ndarray = z, target: np.ndarray = target) -> tuple[float, np.ndarray]:
            s = ab[0] * z + ab[1]
            gap = _expit(s) - target
            value = (np.logaddexp(0, s) - target * s).mean()
            return float(value), np.array([(gap * z).mean(), gap.mean()])

        found = minimize(loss, np.array([1.0, 0.0]), jac=True, method="BFGS", options={"gtol": 1e-9}).x
        slopes.append(float(found[0]))
        offsets.append(float(found[1]))
    return {"slopes": slopes, "offsets": offsets}


def _apply_sigmoid(settings: dict[str, Any], p: np.ndarray) -> np.ndarray:
    pairs = zip(_fitted(p), settings["slopes"], settings["offsets"], strict=True)
    return _together(p, [_expit(a * _log_odds(p[:, c]) + b) for c, a, b in pairs])


def _fit_isotonic(p: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    from sklearn.isotonic import IsotonicRegression

    xs, ys = [], []
    for c in _fitted(p):
        line = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(p[:, c], labels == c)
        xs.append(line.X_thresholds_.tolist())
        ys.append(line.y_thresholds_.tolist())
    return {"x": xs, "y": ys}


def _apply_isotonic(settings: dict[str, Any], p: np.ndarray) -> np.ndarray:
    lines = zip(_fitted(p), settings["x"], settings["y"], strict=True)
    return _together(p, [np.interp(p[:, c], x, y) for c, x, y in lines])


def _fitted(p: np.ndarray) -> range:
    """The classes that are put right: of two, the second."""
    return range(1, 2) if p.shape[1] == 2 else range(p.shape[1])


def _together(p: np.ndarray, found: list[np.ndarray]) -> np.ndarray:
    if len(found) == 1:
        return np.stack([1 - found[0], found[0]], 1)
    q = np.stack(found, 1)
    total = q.sum(1, keepdims=True)
    # Where every class says no, as they all are the same.
    return np.where(total > 0, q / np.where(total > 0, total, 1.0), 1 / p.shape[1])


def _log_odds(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, _LEAST, 1 - _LEAST)
    return np.log(p) - np.log1p(-p)


def _expit(z: np.ndarray) -> np.ndarray:
    return np.exp(-np.logaddexp(0.0, -z))


FIT: dict[str, Callable[[np.ndarray, np.ndarray], dict[str, Any]]] = {
    "temperature": _fit_temperature, "sigmoid": _fit_sigmoid, "isotonic": _fit_isotonic,
}  # fmt: skip
APPLY: dict[str, Callable[[dict[str, Any], np.ndarray], np.ndarray]] = {
    "temperature": _apply_temperature, "sigmoid": _apply_sigmoid, "isotonic": _apply_isotonic,
}  # fmt: skip
