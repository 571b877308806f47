"""Where rows in order of time may be cut: between two times, never within one."""

from __future__ import annotations

from typing import Any

import numpy as np

from jindan.errors import InputError


def between(times: Any, cuts: Any) -> np.ndarray:
    """Places to cut rows in order of time, each moved to the nearest change of time.

    Args:
        times: (rows,) ascending.
        cuts: Places between 0 and the number of rows, ascending; equal ones stay equal.

    Raises:
        InputError: when there are fewer times than parts.

    >>> between([1, 1, 1, 2, 2, 3], [2, 5]).tolist()
    [3, 5]
    """
    times, wanted = np.asarray(times), np.asarray(cuts)
    places = np.flatnonzero(times[1:] != times[:-1]) + 1
    found: list[int] = []
    for k, cut in enumerate(wanted):
        if cut in (0, len(times)):
            found.append(int(cut))
        elif k and cut == wanted[k - 1]:
            found.append(found[-1])
        else:
            later = len(set(wanted[k + 1 :].tolist()) - {cut, len(times)})  # cuts that need a change of their own
            free = places[places > (found[-1] if found else 0)]
            free = free[: len(free) - later]
            if not len(free):
                raise InputError(
                    "There are too few different times to split.", where="time",
                    expected=f"at least {len(set(wanted.tolist()) - {0, len(times)}) + 1} times",
                    received=f"{len(places) + 1}", help="Use a finer time, fewer folds, or no validation part.",
                )  # fmt: skip
            found.append(int(free[np.argmin(np.abs(free - cut))]))
    return np.array(found, np.intp)
