"""The command line: thin; every command calls one public function."""

from __future__ import annotations

import os
import re
import sys
from typing import Any

INTERRUPTED = ("interrupted; nothing was written.", "중단했습니다. 아무것도 저장하지 않았습니다.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done, 1 the user's input is at fault, 2 usage, 130 interrupted.
    """
    from .progress import note_ctrl_c

    note_ctrl_c()
    try:
        code = _run(sys.argv[1:] if arguments is None else arguments)
    except KeyboardInterrupt:
        code = _cut_off(sys.argv[1:] if arguments is None else arguments)
    sys.exit(code)


def _cut_off(arguments: list[str]) -> int:
    """Say so in the language asked for; what a command was asked is not known where it was cut off."""
    asked = " ".join(arguments).replace("=", " ")
    return _failed(INTERRUPTED["--lang ko" in asked], 130)


def _run(arguments: list[str]) -> int:
    import warnings

    from ..utils import is_open

    for name in ("stdout", "stderr"):
        if not is_open(getattr(sys, name)):
            # Closed by the caller (>&-): what was asked for is done all the same.
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115
        # A console of another encoding must not turn Korean or a bar into a traceback.
        if hasattr(getattr(sys, name), "reconfigure"):
            getattr(sys, name).reconfigure(errors="replace")
    with warnings.catch_warnings():
        if not os.environ.get("JINDAN_DEBUG"):
            _speak_plainly(warnings)
        code = _answer(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _reader_gone()
    except OSError as error:
        _reader_gone()
        code = _unwritten(error)
    return code


def _answer(arguments: list[str]) -> int:
    """Run a command; every failure becomes a message and an exit code."""
    import typer

    from ..errors import JindanError
    from .app import app

    try:
        result = app(arguments, standalone_mode=False, prog_name="jindan", obj=arguments)
        if result is True:
            return 130
        # typer turns a Ctrl-C into this number.
        return _cut_off(arguments) if result == 130 else result or 0
    except JindanError as error:
        return _failed(str(error))
    except typer.Exit as error:
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _cut_off(arguments)
    except (BrokenPipeError, SystemExit):
        # typer leaves by itself when the reader has gone.
        return _reader_gone()
    except MemoryError:
        return _failed("The memory of this machine does not suffice.\n  help: Use fewer rows or a smaller network.")
    except OSError as error:
        return _unwritten(error)
    except Exception as error:
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            # A usage error of the parser, which typer carries under a name of its own.
            error.show()
            if near := _near(str(error)):
                print(f"  help: {near}", file=sys.stderr)
            return int(error.exit_code)
        if os.environ.get("JINDAN_DEBUG"):
            raise
        return _failed(
            f"an error of its own: {type(error).__name__}: {error}\n"
            "  help: Please report it; JINDAN_DEBUG=1 shows where it happened."
        )


def _near(said: str) -> str | None:
    """Of words that an option may be, as the parser lists them, the nearest to the one that was given."""
    from ..errors import suggestion

    given, listed, words = said.partition(" is not one of ")
    return suggestion(given.split("'")[-2], re.findall(r"'([^']*)'", words)) if listed else None


def _failed(text: str, code: int = 1) -> int:
    print(f"jindan: {text}", file=sys.stderr)
    return code


def _unwritten(error: OSError) -> int:
    where = f" ({error.filename})" if error.filename else ""
    return _failed(f"{error.strerror or error}{where}\n  help: Check the path and its permissions.")


def _reader_gone() -> int:
    """The reader (head, less) has gone; Python would complain at exit about the rest."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _speak_plainly(warnings: Any) -> None:
    """Warnings of jindan in one line; those of the libraries beneath are no matter of the user's."""
    from ..errors import JindanWarning

    warnings.simplefilter("ignore")
    warnings.simplefilter("always", JindanWarning)
    warnings.showwarning = lambda message, *place, **more: print(f"jindan: {message}", file=sys.stderr)
