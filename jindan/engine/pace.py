"""How long the compiled program runs before Python has a look, and how Ctrl-C waits for it."""

from __future__ import annotations

import contextlib
import gc
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

CHUNK_SECONDS = 0.5  # how long the program runs before Python has a look
FIRST_SECONDS = 0.15  # the first chunk's length is a guess, so it aims lower


@dataclass(frozen=True)
class Progress:
    """What a listener is told after each piece of work.

    Attributes:
        epoch: Epochs finished. `epochs`: epochs wanted. `step`, `steps`: place in the current epoch.
        figures: The last finished epoch's figures, of the member that got furthest.
        new: The same for each epoch finished since the last call.
        seconds: Time since training began.
        members: Plans running together.
    """

    epoch: int
    epochs: int
    step: int
    steps: int
    figures: dict[str, float]
    new: list[dict[str, float]]
    seconds: float
    members: int


class Pace:
    """How many updates fit into the time between two looks, from what past calls took."""

    def __init__(self, seconds_a_step: float, wanted: float) -> None:
        self.each, self.wanted, self.seen = seconds_a_step, wanted, False

    def steps(self) -> int:
        span = self.wanted if self.seen else min(self.wanted, FIRST_SECONDS)
        return max(1, int(span / self.each))

    def target(self, place: tuple[int, int], each: int, most: int, last: tuple[int, int]) -> tuple[int, int]:
        """Where the next call ends: so many updates on, at an epoch's end if that is within reach.

        Args:
            place: (epoch, step) it begins at.
            each: Updates an epoch.
            most: Epochs one call may finish.
            last: (epoch, step) it may not pass.
        """
        epoch, step = divmod(place[0] * each + place[1] + self.steps(), each)
        if epoch > place[0]:
            epoch, step = min(epoch, place[0] + most), 0
        return min((epoch, step), last)

    def saw(self, steps: int, seconds: float) -> None:
        if steps > 0:
            self.each, self.seen = max(seconds / steps, 1e-9), True


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """No garbage collection meanwhile: tracing makes many small objects that live on, and looking through them is a
    tenth of its time."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


@contextlib.contextmanager
def interrupts() -> Iterator[Callable[[], bool]]:
    """Ctrl-C during a call ends the training after the call, with nothing lost; a second one ends it at once."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    seen: list[int] = []
    before = signal.getsignal(signal.SIGINT)

    def note(number: int, frame: Any) -> None:
        if seen:
            raise KeyboardInterrupt
        seen.append(number)
        if getattr(before, "__module__", None) == __name__:
            before(number, frame)  # type: ignore[operator,misc]  # whoever waits further out is told too

    signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(seen)
    finally:
        signal.signal(signal.SIGINT, before)
