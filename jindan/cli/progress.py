"""The live bar: epoch, loss, metric, rate, time left. Silent where nobody watches."""

from __future__ import annotations

import sys
from typing import Any, Self

from .ctrl_c import ctrl_c
from .words import say


class Watched:
    """Draws on standard error while something is trained, if that is a terminal, and is told of Ctrl-C.

    Within, what is done when Ctrl-C comes is kept.

    Args:
        quiet: Draw nothing in any case.
        lang: Language of its words.

    Raises:
        KeyboardInterrupt: on entering, where Ctrl-C has come before.
    """

    def __init__(self, quiet: bool, lang: str = "en") -> None:
        self.lang = lang
        self.live = not quiet and sys.stderr.isatty()
        self._drawn: Any = None

    def __enter__(self) -> Self:
        drawn = self._drawing() if self.live else None
        ctrl_c.kept = True
        if ctrl_c.pressed:
            raise KeyboardInterrupt
        if drawn is not None:
            self._drawn = drawn
            drawn.start()
        return self

    def __exit__(self, error: object, *more: object) -> None:
        ctrl_c.kept, ctrl_c.written = False, error is None
        if self._drawn is not None:
            self._drawn.stop()

    @property
    def cancelled(self) -> bool:
        """Whether Ctrl-C was pressed, even if a library swallowed it."""
        return ctrl_c.pressed

    def _drawing(self) -> Any:
        """What is drawn; it is started and stopped."""
        raise NotImplementedError


class Bar(Watched):
    """A listener for `train` that draws how far it has come."""

    def _drawing(self) -> Any:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

        drawn = Progress(
            TextColumn(say("epoch", self.lang) + " {task.fields[place]}"),
            BarColumn(bar_width=30),
            TextColumn("{task.fields[figures]}"),
            TimeElapsedColumn(),
            TextColumn(say("left", self.lang)),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = drawn.add_task("train", total=1.0, place="…", figures=say("compiling", self.lang))
        return drawn

    def __call__(self, told: Any) -> bool:
        """Draw the place; True ends the training."""
        if self._drawn is not None:
            done = told.epoch + told.step / max(told.steps, 1)
            figures = "  ".join(f"{_short(name)} {value:.4g}" for name, value in told.figures.items())
            self._drawn.update(
                self._task,
                completed=done / max(told.epochs, 1),
                place=f"{told.epoch}/{told.epochs}",
                figures=figures,
            )
        return ctrl_c.pressed


def _short(name: str) -> str:
    return {"learning_rate": "rate", "val_accuracy": "val acc", "accuracy": "acc"}.get(name, name.replace("_", " "))
