"""Watching: someone is shown the state of a training that runs alone, at its start, in between, and at its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import jax
import numpy as np

Place = tuple[int, int]


class Watch(Protocol):
    """Looks at the state of a training; only a plan that trains alone is watched."""

    def wants(self, epoch: int, step: int, steps: int, epochs: int) -> Place | None:
        """The next place (epoch, step) at which to look, or None.

        Args:
            epoch, step: Where the training is.
            steps: Updates an epoch.
            epochs: How many there will be.
        """

    def see(self, update: int, epoch: int, state: dict[str, Any]) -> None:
        """Shown a state in NumPy, to keep but not to write to: the last is the result's own.

        Args:
            update, epoch: Updates made and epochs finished.
            state: "trained" and "fixed" as `Network.part` has them, and "optimizer", its memory.
        """


class Looks:
    """When a watch looks, and what it is shown, unpacked; with None for a watch, never and nothing."""

    def __init__(self, watch: Watch | None, steps: int, epochs: int, unpacked: Callable[[Any], Any]) -> None:
        self.watch, self.steps, self.epochs, self.unpacked = watch, steps, epochs, unpacked
        self.wanted: Place | None = None

    def bound(self, place: Place, bound: Place) -> Place:
        """Where the program has to stop at the latest."""
        if self.watch is None:
            return bound
        wanted = self.watch.wants(*place, self.steps, self.epochs)
        self.wanted = wanted if wanted is not None and place < wanted <= bound else None
        return self.wanted or bound

    def at(self, place: Place, state: Any) -> None:
        """Called wherever the program stopped."""
        if self.watch is not None and place == self.wanted:
            self.show(state)

    def show(self, state: Any, end: bool = False) -> None:
        """Show the state; in the end, the weights that the training returns."""
        if self.watch is None:
            return
        kept = kept_of(state) if end else state
        shown = {"trained": kept["trained"], "fixed": kept["fixed"], "optimizer": state["optimizer"]}
        # The program is given its state back and writes over it, so what is shown must be a copy, but for the last.
        shown = jax.tree.map(np.asarray if end else np.array, shown)
        self.watch.see(int(shown["optimizer"]["step"]), int(state["epochs"]), self.unpacked(shown))


def kept_of(state: dict[str, Any]) -> dict[str, Any]:
    """Where the weights are that a member alone ends with: those of its best epoch where it restores them."""
    return state["best"] if "best" in state and int(state["epochs"]) > 0 else state
