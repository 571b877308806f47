"""Keeping moments: weights copied while a training runs, at its start, its end and ever further apart between."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from .evidence import Moment

LARGEST = 64 * 2**20  # bytes of weights above which only start and end are kept


class Keeper:
    """Asks the engine for a few looks at the state of a training that runs alone: `train(plan, data, watch=keeper)`.

    The program takes its bounds as numbers, so that looking changes no bit of the result. Kept are the state before
    the first update, that after the first epoch (the first update where there is one epoch), some that stand
    geometrically further apart, and the last: what the run returns, the best epoch's weights where it restores these.

    Args:
        limit: Moments at most, start and end among them.

    Attributes:
        moments: What was kept, in order.

    >>> from jindan.engine.train import train
    >>> from jindan.layers import Dense
    >>> from jindan.plan import Plan
    >>> keeper = Keeper()
    >>> run = train(Plan((Dense(1),), epochs=50), (np.ones((8, 2)), np.ones(8)), watch=keeper)
    >>> [moment.epoch for moment in keeper.moments]
    [0, 1, 3, 7, 19, 50]
    """

    def __init__(self, limit: int = 6) -> None:
        self.limit = max(2, limit)
        self.moments: list[Moment] = []
        self._wanted: list[tuple[int, int]] | None = None
        self._large = False

    def wants(self, epoch: int, step: int, steps: int, epochs: int) -> tuple[int, int] | None:
        """The next place (epoch, step) at which to look, or None.

        Args:
            epoch, step: Where the training is.
            steps: Updates an epoch.
            epochs: How many there will be.
        """
        if self._wanted is None:
            self._wanted = [] if self._large else _places(steps, epochs, self.limit - 2)
        return next((place for place in self._wanted if place > (epoch, step)), None)

    def see(self, update: int, epoch: int, state: dict[str, Any]) -> None:
        """Keep a state; one of the same place takes that of the former.

        Args:
            update, epoch: Updates made and epochs finished.
            state: "trained", "fixed", "optimizer", in NumPy.
        """
        self._large = sum(np.asarray(leaf).nbytes for leaf in jax.tree.leaves(state["trained"])) > LARGEST
        if self.moments and (self.moments[-1].update, self.moments[-1].epoch) == (update, epoch):
            self.moments.pop()
        self.moments.append(Moment(update, epoch, state["trained"], state["fixed"], state["optimizer"]))


def _places(steps: int, epochs: int, between: int) -> list[tuple[int, int]]:
    """Places between start and end: an early one, and others that stand geometrically further apart.

    >>> _places(100, 64, 3), _places(100, 3, 3)
    ([(1, 0), (4, 0), (16, 0)], [(1, 0), (2, 0)])
    >>> _places(1000, 1, 3)
    [(0, 1), (0, 10), (0, 100)]
    """
    marks = epochs if epochs != 1 else steps
    if between < 1 or marks < 2:
        return []
    spaced = np.rint(np.geomspace(1, marks, between + 1)[:-1]).astype(int)
    if marks <= between + 1:
        spaced = np.arange(1, marks)
    return [(int(mark), 0) if epochs != 1 else (0, int(mark)) for mark in np.unique(spaced)]
