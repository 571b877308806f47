"""Interpolated modified Kneser-Ney smoothing: the n-gram baseline of the character models."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class _Order:
    """The counts of one order, histories and whole n-grams as sorted numbers."""

    grams: np.ndarray  # each n-gram as one number, sorted
    counts: np.ndarray  # how often (highest order), or after how many different symbols (lower ones)
    histories: np.ndarray  # each history as one number, sorted
    totals: np.ndarray  # Σ of the counts after it
    weights: np.ndarray  # what its discounts free, ÷ its total: the share of the lower order
    discounts: np.ndarray  # of counts 0, 1, 2, 3 and more


class KneserNey:
    """An n-gram model of a sequence of symbols 0 … alphabet − 1.

    With c the count of an n-gram in the highest order, and below it the number of different symbols that come before
    it, h a history and h' the same without its oldest symbol,

        p(w | h) = (c(hw) − D(c(hw))) / c(h·) + γ(h) p(w | h'),   γ(h) = Σ_w D(c(hw)) / c(h·),

    down to p(w) from the uniform distribution 1 / alphabet. A history that was never seen leaves all to h'. The
    discounts D(1), D(2), D(3+) come from how many n-grams have counts 1 to 4 (Chen & Goodman 1999, equations 26 – 28).

    Args:
        symbols: The training sequence, 1-D integers.
        order: n, at least 2.
        alphabet: How many symbols there are; alphabet ** order has to fit 63 bits.

    >>> model = KneserNey(np.array([0, 1, 0, 1, 0, 2, 0, 1] * 4), order=3, alphabet=3)
    >>> all_three = model.probabilities(np.array([[1, 0, w] for w in range(3)]))
    >>> round(float(all_three.sum()), 12), int(all_three.argmax())
    (1.0, 1)
    """

    def __init__(self, symbols: np.ndarray, order: int, alphabet: int) -> None:
        if order < 2 or alphabet < 1 or alphabet**order >= 2**63:
            raise ValueError(f"order {order} with {alphabet} symbols is out of range")
        symbols = np.asarray(symbols, np.int64)
        self.order, self.alphabet = order, alphabet
        grams, counts = np.unique(_codes(symbols, order, alphabet), return_counts=True)
        self._orders = {order: self._counted(grams, counts, order)}
        for size in range(order - 1, 0, -1):
            # Different (size + 1)-grams by their last `size` symbols: after how many different symbols each comes.
            longer = np.unique(_codes(symbols, size + 1, alphabet))
            grams, counts = np.unique(longer % alphabet**size, return_counts=True)
            self._orders[size] = self._counted(grams, counts, size)

    def _counted(self, grams: np.ndarray, counts: np.ndarray, size: int) -> _Order:
        discounts = _discounts(counts)
        freed = discounts[np.minimum(counts, 3)]
        # Sorted n-grams have sorted histories.
        histories, starts = np.unique(grams // self.alphabet, return_index=True)
        totals = np.add.reduceat(counts, starts)
        weights = np.add.reduceat(freed, starts) / totals
        return _Order(grams, counts, histories, totals, weights, discounts)

    def probabilities(self, grams: np.ndarray) -> np.ndarray:
        """p of the last symbol of each row after the others; rows may be shorter than the order (rows, ≤ order)."""
        grams = np.asarray(grams, np.int64)
        found = np.full(len(grams), 1.0 / self.alphabet)
        for size in range(1, min(self.order, grams.shape[1]) + 1):
            counts = self._orders[size]
            codes = grams[:, -size:] @ self.alphabet ** np.arange(size - 1, -1, -1, dtype=np.int64)
            seen = _at(counts.grams, counts.counts, codes, 0)
            history = codes // self.alphabet
            total = _at(counts.histories, counts.totals, history, 0)
            known = total > 0
            direct = (seen - counts.discounts[np.minimum(seen, 3)]) / np.where(known, total, 1)
            mixed = direct + _at(counts.histories, counts.weights, history, 1.0) * found
            found = np.where(known, mixed, found)
        return found

    def perplexity(self, symbols: np.ndarray, first: int = 0) -> float:
        """exp of the mean −log p of each symbol from place `first` on, given those before it in the sequence."""
        symbols = np.asarray(symbols, np.int64)
        logs = [np.log(self.probabilities(symbols[None, : place + 1])) for place in range(first, self.order - 1)]
        start = max(first, self.order - 1)
        places = np.arange(start, len(symbols))[:, None] + np.arange(1 - self.order, 1)
        logs.append(np.log(self.probabilities(symbols[places])))
        return float(np.exp(-np.concatenate(logs).mean()))


def _codes(symbols: np.ndarray, size: int, alphabet: int) -> np.ndarray:
    """Each n-gram of a sequence as one number in base `alphabet`, the oldest symbol leading."""
    found = np.zeros(len(symbols) - size + 1, np.int64)
    for place in range(size):
        found = found * alphabet + symbols[place : len(symbols) - size + 1 + place]
    return found


def _discounts(counts: np.ndarray) -> np.ndarray:
    """D of counts 0, 1, 2, 3+; a half where no count is 1, 2 or 3, which the formulas divide by."""
    n1, n2, n3, n4 = (int(np.sum(counts == k)) for k in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return np.array([0.0, 0.5, 0.5, 0.5])
    base = n1 / (n1 + 2 * n2)
    found = [1 - 2 * base * n2 / n1, 2 - 3 * base * n3 / n2, 3 - 4 * base * n4 / n3]
    # A discount lies between 0 and the count it is taken from.
    return np.array([0.0, *np.clip(found, 0.0, [1.0, 2.0, 3.0])])


def _at(keys: np.ndarray, values: np.ndarray, wanted: np.ndarray, missing: float) -> np.ndarray:
    """The values that stand beside the wanted keys (sorted), or `missing`."""
    places = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where(keys[places] == wanted, values[places], missing)
