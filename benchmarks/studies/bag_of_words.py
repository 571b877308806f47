"""The baseline of the reviews: which tokens a text has, by logistic regression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

STRENGTHS = (0.03, 0.1, 0.3, 1.0, 3.0)  # scikit-learn's C: less is more penalty
HELD = 0.1  # share of the training rows that C is chosen on


@dataclass(frozen=True)
class BagOfWords:
    """Logistic regression on token counts, its penalty chosen on held training rows.

    Attributes:
        model: The fitted LogisticRegression.
        vocabulary: Numbers a token may have.
        counted: Whether a token counts as often as it occurs, or once.
        held_accuracy: Of the choice, on the held rows.
    """

    model: object
    vocabulary: int
    counted: bool
    held_accuracy: float

    @classmethod
    def fit(cls, x: np.ndarray, y: np.ndarray, vocabulary: int, seed: int = 0) -> BagOfWords:
        """Choose among counts and presence, and among penalties; then fit on all rows.

        Args:
            x: Token numbers (rows, length), 0 where a text has ended.
            y: Labels (rows,).
            vocabulary: Numbers a token may have.
            seed: Which rows are held.
        """
        order = np.random.default_rng(seed).permutation(len(x))
        held, rest = np.split(order, [int(HELD * len(x))])
        best = (-1.0, False, STRENGTHS[0])
        for counted in (False, True):
            bags = bag(x, vocabulary, counted)
            for strength in STRENGTHS:
                model = _regression(strength).fit(bags[rest], y[rest])
                best = max(best, (model.score(bags[held], y[held]), counted, strength))
        accuracy, counted, strength = best
        return cls(_regression(strength).fit(bag(x, vocabulary, counted), y), vocabulary, counted, accuracy)

    def correct(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Whether each row is told right (rows,)."""
        return self.model.predict(bag(x, self.vocabulary, self.counted)) == y  # type: ignore[attr-defined]

    @property
    def settings(self) -> str:
        """The choice in words."""
        return f"{'counts' if self.counted else 'presence'}, C = {self.model.C:g}"  # type: ignore[attr-defined]


def _regression(strength: float):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=strength, max_iter=1000)


def bag(x: np.ndarray, vocabulary: int, counted: bool):
    """Token numbers (rows, length) → sparse (rows, vocabulary): how often each occurs, or whether it does."""
    from scipy.sparse import csr_matrix

    rows, places = np.nonzero(x)
    found = csr_matrix((np.ones(len(rows)), (rows, x[rows, places])), shape=(len(x), vocabulary))
    found.sum_duplicates()
    if not counted:
        found.data[:] = 1.0
    return found
