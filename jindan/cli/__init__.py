"""The command line: thin; every command calls one public function."""

from __future__ import annotations

import os
import sys
from typing import Any

from .ctrl_c import ctrl_c

INTERRUPTED = ("interrupted; nothing was written.", "중단했습니다. 아무것도 저장하지 않았습니다.")
INTERRUPTED_LATE = ("interrupted.", "중단했습니다.")
NO_MEMORY = (
    "The memory of this machine does not suffice.\n  help: Use fewer rows or a smaller network.",
    "이 컴퓨터의 메모리가 모자랍니다.\n  도움말: 행을 줄이거나 더 작은 신경망을 쓰세요.",
)
OF_ITS_OWN = (
    "an error of its own: {error}\n  help: Please report it; JINDAN_DEBUG=1 shows where it happened.",
    "jindan 자체의 오류: {error}\n  도움말: 알려 주세요. JINDAN_DEBUG=1을 주면 어디서 났는지 나옵니다.",
)
UNWRITTEN = ("  help: Check the path and its permissions.", "  도움말: 경로와 권한을 확인하세요.")


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and leave with its exit code.

    0 done, 1 the user's input is at fault, 2 usage, 130 interrupted.
    """
    given = sys.argv[1:] if arguments is None else arguments
    # Called by another program, that one goes on.
    alone = arguments is None
    try:
        ctrl_c.take_over()
        code = _run(given)
    except KeyboardInterrupt:
        ctrl_c.over = alone
        code = _cut_off(given)
    ctrl_c.over = alone
    sys.exit(code)


def _cut_off(arguments: list[str]) -> int:
    """Say so in the language asked for."""
    texts = INTERRUPTED_LATE if ctrl_c.written else INTERRUPTED
    return _failed(texts[_in_korean(arguments)], 130)


def _in_korean(arguments: list[str]) -> bool:
    """Whether Korean is asked for; what the parser makes of the arguments is not known where it, too, may fail."""
    return "--lang ko" in " ".join(arguments).replace("=", " ")


def _run(arguments: list[str]) -> int:
    ctrl_c.listen(f"jindan: {INTERRUPTED[_in_korean(arguments)]}\n")
    # What XLA warns of on a GPU is for its developers; errors come through.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
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
            _speak_plainly(warnings, _in_korean(arguments))
        code = _answer(arguments)
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _reader_gone()
    except OSError as error:
        _reader_gone()
        code = _unwritten(error, _in_korean(arguments))
    return code


def _answer(arguments: list[str]) -> int:
    """Run a command; every failure becomes a message and an exit code."""
    import typer

    from ..errors import JindanError
    from .app import app

    korean = _in_korean(arguments)
    try:
        result = app(arguments, standalone_mode=False, prog_name="jindan", obj=arguments)
        if result is True:
            return 130
        # typer turns a Ctrl-C into this number.
        return _cut_off(arguments) if result == 130 else result or 130 * ctrl_c.pressed
    except JindanError as error:
        if ctrl_c.pressed:
            return _cut_off(arguments)
        if not korean:
            return _failed(str(error))
        from .korean import in_korean

        return _failed(in_korean(error))
    except typer.Exit as error:
        return error.exit_code
    except (KeyboardInterrupt, typer.Abort):
        return _cut_off(arguments)
    except (BrokenPipeError, SystemExit):
        # typer leaves by itself when the reader has gone.
        return _reader_gone()
    except MemoryError:
        return _failed(NO_MEMORY[korean])
    except OSError as error:
        return _unwritten(error, korean)
    except Exception as error:
        if ctrl_c.pressed:
            # A library whose import it cut off fails in a way of its own.
            return _cut_off(arguments)
        if hasattr(error, "show") and hasattr(error, "exit_code"):
            # A usage error of the parser, which typer carries under a name of its own.
            return _misused(error, korean)
        if os.environ.get("JINDAN_DEBUG"):
            raise
        return _failed(OF_ITS_OWN[korean].format(error=f"{type(error).__name__}: {error}"))


def _misused(error: Any, korean: bool) -> int:
    """Say what the parser cannot take, and what may be meant."""
    near = _near(str(error))
    if korean:
        from .korean import LABELS, translated, usage_in_korean

        print(usage_in_korean(error), file=sys.stderr)
        label, near = LABELS["help"], near and translated(near)
    else:
        error.show()
        label = "help"
    if near:
        print(f"  {label}: {near}", file=sys.stderr)
    return int(error.exit_code)


def _near(said: str) -> str | None:
    """Of words that an option may be, as the parser lists them, the nearest to the one that was given."""
    import re

    from ..errors import suggestion

    given, listed, words = said.partition(" is not one of ")
    return suggestion(given.split("'")[-2], re.findall(r"'([^']*)'", words)) if listed else None


def _failed(text: str, code: int = 1) -> int:
    print(f"jindan: {text}", file=sys.stderr)
    return code


def _unwritten(error: OSError, korean: bool) -> int:
    where, why = f" ({error.filename})" if error.filename else "", str(error.strerror or error)
    if korean:
        from .korean import translated

        why = translated(why)
    return _failed(f"{why}{where}\n{UNWRITTEN[korean]}")


def _reader_gone() -> int:
    """The reader (head, less) has gone; Python would complain at exit about the rest."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _speak_plainly(warnings: Any, korean: bool) -> None:
    """Warnings of jindan in one line; those of the libraries beneath are no matter of the user's."""
    from ..errors import JindanWarning

    def show(message: Any, *place: Any, **more: Any) -> None:
        if korean:
            from .korean import translated

            message = translated(message)
        print(f"jindan: {message}", file=sys.stderr)

    warnings.simplefilter("ignore")
    warnings.simplefilter("always", JindanWarning)
    warnings.showwarning = show
