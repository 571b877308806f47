"""The live bar: epoch, loss, metric, rate, time left. Silent where nobody watches."""

from __future__ import annotations

import signal
import sys
from typing import Any, Self

from .words import say

PRESSED: list[int] = []  # the signals seen so far


def note_ctrl_c() -> None:
    """Make a Ctrl-C count even where a library swallows it, as in a callback of the garbage collector."""

    def handler(number: int, frame: Any) -> None:
        PRESSED.append(number)
        raise KeyboardInterrupt

    # Where it is ignored (in the background of a shell) it stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, handler)


class Watched:
    """What draws on standard error while something is trained, if that is a terminal, and is told of Ctrl-C.

    Args:
        quiet: Draw nothing in any case.
        lang: Language of its words.
    """

    def __init__(self, quiet: bool, lang: str = "en") -> None:
        self.lang = lang
        self.live = not quiet and sys.stderr.isatty()

    @property
    def cancelled(self) -> bool:
        """Whether Ctrl-C was pressed, even if a library swallowed it."""
        return bool(PRESSED)

    def refuse_cancelled(self) -> None:
        """Stop here where Ctrl-C came before the work began.

        Raises:
            KeyboardInterrupt: then.
        """
        if PRESSED:
            raise KeyboardInterrupt


class Bar(Watched):
    """A listener for `train` that draws on standard error, if that is a terminal.

    Args:
        quiet: Draw nothing in any case.
        lang: Language of its words.
    """

    def __init__(self, quiet: bool, lang: str = "en") -> None:
        super().__init__(quiet, lang)
        self._progress: Any = None
        self._task: Any = None

    def __enter__(self) -> Self:
        self.refuse_cancelled()
        if self.live:
            from rich.console import Console
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

            self._progress = Progress(
                TextColumn(say("epoch", self.lang) + " {task.fields[place]}"),
                BarColumn(bar_width=30),
                TextColumn("{task.fields[figures]}"),
                TimeElapsedColumn(),
                TextColumn(say("left", self.lang)),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._progress.start()
            self._task = self._progress.add_task("train", total=1.0, place="…", figures=say("compiling", self.lang))
        return self

    def __call__(self, told: Any) -> bool:
        """Draw the place; True ends the training."""
        if self._progress is None:
            return bool(PRESSED)
        done = told.epoch + told.step / max(told.steps, 1)
        figures = "  ".join(f"{_short(name)} {value:.4g}" for name, value in told.figures.items())
        self._progress.update(
            self._task,
            completed=done / max(told.epochs, 1),
            place=f"{told.epoch}/{told.epochs}",
            figures=figures,
        )
        return bool(PRESSED)

    def __exit__(self, *error: object) -> None:
        if self._progress is not None:
            self._progress.stop()


def _short(name: str) -> str:
    return {"learning_rate": "rate", "val_accuracy": "val acc", "accuracy": "acc"}.get(name, name.replace("_", " "))
