"""Ctrl-C: quietly and at once while Python imports libraries, in good order once there is something to keep."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, NoReturn

IMPORTS = "<frozen importlib._bootstrap>"  # where Python runs every import


class CtrlC:
    """What this process has heard of Ctrl-C, and answers to it.

    An interrupt that is raised within an import may be swallowed by the library, or come out as an error of it, or with
    a traceback: there the process ends, unless work is kept, which then has to look at `pressed` by itself.

    Attributes:
        pressed: Whether it was pressed, even if a library swallowed it.
        kept: Whether work goes on that is kept when it is cut off.
        written: Whether the command wrote its result.
        over: Whether nothing is left to be done.
        text: What is said where nothing was written.
    """

    def __init__(self) -> None:
        self.listen("")

    def listen(self, text: str) -> None:
        """Answer from now on.

        Args:
            text: What to say where nothing was written.
        """
        self.pressed = self.kept = self.written = self.over = False
        self.text = text

    def take_over(self) -> None:
        """Answer in Python's place; where it is ignored (in the background of a shell) it stays so."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
            return
        signal.signal(signal.SIGINT, self.answer)
        shown = sys.unraisablehook

        def unless_interrupted(told: Any) -> None:
            # As within a callback of the garbage collector: `pressed` is enough.
            if not issubclass(told.exc_type, KeyboardInterrupt):
                shown(told)

        sys.unraisablehook = unless_interrupted

    def answer(self, number: int, frame: Any) -> None:
        """The signal's handler.

        Raises:
            KeyboardInterrupt: unless the process ends here.
        """
        self.pressed = True
        if self.over:
            leave("")
        if not self.kept and _importing(frame):
            leave("" if self.written else self.text)
        raise KeyboardInterrupt


def leave(text: str) -> NoReturn:
    """End the process as a Ctrl-C ends it, with a word or without one."""
    try:
        os.write(2, text.encode(getattr(sys.stderr, "encoding", None) or "utf-8", "replace"))
    finally:
        os._exit(130)


def _importing(frame: Any) -> bool:
    while frame is not None and frame.f_code.co_filename != IMPORTS:
        frame = frame.f_back
    return frame is not None


ctrl_c = CtrlC()
