"""Which rows a run was trained on, as short hashes that go with it: whether a score on given rows is an estimate."""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np

MOST = 100_000
"""Hashes that are kept, the smallest ones: of more rows they are a sample, the same one in every table."""


@dataclass(frozen=True)
class Seen:
    """Rows that a network was trained on, the rows that were watched included.

    Attributes:
        hashes: Ascending, at most `MOST`.
        whole: Whether those are all; else they are the smallest.
        again: Share of the rows kept apart that equal such a row by chance, as rows of a table of few values do.
    """

    hashes: np.ndarray
    whole: bool = True
    again: float = 0.0

    @classmethod
    def of(cls, marks: np.ndarray, apart: np.ndarray | None = None, before: Seen | None = None) -> Seen:
        """The rows with these marks, and those of a run that was gone on from.

        Args:
            marks: Of the rows trained on.
            apart: Of rows that were not.
            before: What that run was trained on.

        >>> rows = Seen.of(np.array([7, 3, 3], np.uint64), np.array([3, 9], np.uint64))
        >>> rows.hashes.tolist(), rows.again, rows.count(np.array([9, 7, 7], np.uint64))
        ([3, 7], 0.5, 2)
        """
        whole = before is None or before.whole
        if before is not None:
            # Beyond the largest hash of a sample nothing is known.
            marks = np.concatenate([marks if before.whole else marks[marks <= before.hashes[-1]], before.hashes])
        found = np.unique(marks)
        made = cls(found[:MOST], whole and len(found) <= MOST)
        if apart is None or not len(apart):
            return made
        return cls(made.hashes, made.whole, made.count(apart) / len(apart))

    def count(self, marks: np.ndarray) -> int:
        """How many rows of these marks are among them; of a sample, about how many."""
        if self.whole:
            return int(np.isin(marks, self.hashes).sum())
        known = marks[marks <= self.hashes[-1]]
        return round(float(np.isin(known, self.hashes).mean()) * len(marks)) if len(known) else 0

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        text = base64.b64encode(self.hashes.astype("<u8").tobytes()).decode()
        return {"hashes": text, "whole": self.whole, "again": self.again}

    @classmethod
    def from_dict(cls, state: Any) -> Seen | None:
        """Undo `to_dict`; None of a run that kept none, or of what cannot be read.

        >>> Seen.from_dict(Seen(np.array([1, 2], np.uint64)).to_dict()).hashes.tolist(), Seen.from_dict(None)
        ([1, 2], None)
        """
        try:
            hashes = np.frombuffer(base64.b64decode(state["hashes"], validate=True), "<u8").astype(np.uint64)
            return cls(hashes, bool(state["whole"]), float(state["again"])) if len(hashes) else None
        except (binascii.Error, KeyError, TypeError, ValueError):
            return None


def marks_of(x: Any, encoded: np.ndarray) -> np.ndarray:
    """(rows,) hashes of what the network sees of each row and of its target, 8 bytes each.

    Of n rows and 100,000 hashes, n · 100,000 / 2⁶⁴ are equal by chance: one in 2 · 10¹⁴ rows.

    Args:
        x: (rows, …) an array, or for several inputs a tuple of such.
        encoded: (rows,) class numbers, or scaled values.

    >>> marks_of(np.eye(2, dtype=np.float32), np.array([0, 1])).dtype
    dtype('uint64')
    """
    arrays = (*(x if isinstance(x, tuple) else (x,)), encoded)
    parts = [np.ascontiguousarray(np.asarray(array)) for array in arrays]
    found = [hashlib.blake2b(b"".join(part[k].tobytes() for part in parts), digest_size=8).digest()
             for k in range(len(encoded))]  # fmt: skip
    return np.frombuffer(b"".join(found), "<u8").astype(np.uint64)
