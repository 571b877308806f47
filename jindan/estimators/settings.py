"""What settings of estimators are checked by, and how columns are scaled where one of them says so."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import InputError

SCALINGS = ("auto", "columns", "common", None)


def check_settings(model: Any, wanted: dict[str, tuple[bool, str]]) -> None:
    """Raise for the first setting that is not right.

    Args:
        model: The estimator.
        wanted: Name → (whether it is right, what is expected).
    """
    for name, (right, expected) in wanted.items():
        if not right:
            raise InputError(f"This {name} cannot be used.", where=f"{name} of {type(model).__name__}",
                             expected=expected, received=repr(getattr(model, name)))  # fmt: skip


def whole(value: Any, least: int) -> bool:
    """Whether a value is a whole number, and large enough.

    >>> whole(3, 1), whole(True, 1), whole(2.0, 1)
    (True, False, False)
    """
    return bool(isinstance(value, (int, np.integer)) and not isinstance(value, bool) and value >= least)


def asked_for(n_samples: Any) -> int:
    """A number of samples.

    Raises:
        InputError: for none, or what is no whole number.
    """
    if not whole(n_samples, 1):
        raise InputError("So many rows cannot be drawn.", where="n_samples", expected="a whole number >= 1",
                         received=repr(n_samples))  # fmt: skip
    return int(n_samples)


def wholes(value: Any) -> bool:
    """Whether a value is a list of whole numbers from 1."""
    return isinstance(value, (list, tuple)) and all(whole(n, 1) for n in value)


def scaling_of(x: np.ndarray, wanted: str | None) -> tuple[np.ndarray, np.ndarray, bool]:
    """What columns are scaled by.

    Args:
        x: Rows (n, features).
        wanted: "columns" for mean 0 and variance 1 each, "common" for mean 0 and one scale, None for nothing; "auto" is
            None for values in [0, 1], else "columns".

    Returns:
        Mean and scale (features,), and whether the scaled values lie in [0, 1].

    >>> scaling_of(np.array([[0.0, 1.0], [4.0, 1.0]]), "auto")
    (array([2., 1.]), array([2., 1.]), False)
    """
    inside = bool(np.all((x >= 0) & (x <= 1)))
    wanted = (None if inside else "columns") if wanted == "auto" else wanted
    if wanted is None:
        return np.zeros(x.shape[1], x.dtype), np.ones(x.shape[1], x.dtype), inside
    mean, spread = x.mean(0, dtype=np.float64), x.std(0, dtype=np.float64)
    if wanted == "common":
        spread = np.full_like(spread, math.sqrt(float((spread**2).mean())) or 1.0)
    else:
        spread = np.where((spread > 1e-6 * np.abs(mean)) & (spread > 0), spread, 1)
    return mean.astype(x.dtype), spread.astype(x.dtype), False
