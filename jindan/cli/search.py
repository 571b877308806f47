"""`jindan search`: the best trials shown while others are tried, and what to do after a Ctrl-C."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from ..report.plots_search import best_first
from ..runs.search import SearchInterrupted, search_table
from .ctrl_c import ctrl_c
from .progress import Watched
from .show import terminal
from .words import say

SHOWN = 5  # trials in the table


def search_rows(
    data: Path, target: str | None, lang: str, silent: bool, *, command: Sequence[str], **asked: Any
) -> Any:
    """Search and show the best trials; None after a Ctrl-C."""
    try:
        with Board(silent, lang, asked["trials"]) as board:
            found = search_table(data, target, listen=board.add, watch=board, lang=lang,
                                 command=shlex.join(["jindan", *command]), **asked)  # fmt: skip
    except SearchInterrupted as cut:
        # Its folder is named, so that the same search goes on wherever it was begun.
        again = [part for part in command if part != "--resume"]
        if asked["out"] is None:
            again += ["--out", str(cut.folder)]
        print(f"jindan: {say('search_interrupted', lang, done=cut.done)}", file=sys.stderr)
        print(f"  {say('help', lang)}: jindan {shlex.join([*again, '--resume'])}", file=sys.stderr)
        return None
    if not silent:
        best, console = found.search.best, terminal()
        rows, scoring = found.search.table, found.search.scoring
        console.print(trials_table(rows, scoring, lang))
        words = say("search_best", lang, done=len(rows), scoring=scoring, score=f"{best['score']:.4g}")
        console.print(Text(words))
        console.print(Text(say("search_folder", lang, folder=found.folder), style="dim"), soft_wrap=True)
    return found


def trials_table(rows: Sequence[dict[str, Any]], scoring: str, lang: str) -> Table:
    """The best trials, the best one first."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(say("trial", lang), justify="right")
    table.add_column(scoring, justify="right", no_wrap=True)
    table.add_column("95%", justify="right", no_wrap=True)
    table.add_column(say("values", lang))
    for row in best_first(rows)[:SHOWN]:
        # No score lies above 1, whatever the interval of a mean of few folds says.
        span = "–" if row["low"] is None else f"{row['low']:.3g} … {min(row['high'], 1.0):.3g}"
        values = ", ".join(f"{path} {_short(value)}" for path, value in row["values"].items())
        table.add_row(str(row["trial"]), f"{row['score']:.4g}", span, Text(values))
    return table


class Board(Watched):
    """The best trials so far, drawn on standard error if that is a terminal.

    Args:
        silent: Draw nothing in any case.
        lang: Language of its words.
        trials: How many are wanted.
    """

    def __init__(self, silent: bool, lang: str, trials: int) -> None:
        super().__init__(silent, lang)
        self.trials = trials
        self._rows: list[dict[str, Any]] = []

    def _drawing(self) -> Any:
        from rich.console import Console
        from rich.live import Live

        return Live(Text(say("compiling", self.lang)), console=Console(stderr=True), transient=True)

    def add(self, rows: list[dict[str, Any]]) -> bool:
        """Trials that are finished."""
        self._rows += rows
        self._draw("")
        return False

    def __call__(self, told: Any) -> bool:
        """Where the training is; True ends it."""
        self._draw(f"  {say('epoch', self.lang)} {told.epoch}/{told.epochs} × {told.members}")
        return ctrl_c.pressed

    def _draw(self, place: str) -> None:
        if self._drawn is None:
            return
        from rich.console import Group

        line = Text(f"{say('trial', self.lang)} {len(self._rows)}/{self.trials}{place}", style="dim")
        best = [trials_table(self._rows, say("score", self.lang), self.lang)] if self._rows else []
        self._drawn.update(Group(*best, line))


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
