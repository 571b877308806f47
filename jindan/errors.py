"""Error classes and the one message template: what, where, expected, received, help."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

from .lazy import defined


class JindanError(Exception):
    """Something the user can put right, said in one template.

    Args:
        what: One sentence: what is wrong.
        where: The file, column, layer or argument it is about.
        expected: What would have been accepted.
        received: What came instead.
        help: What to do now.

    >>> print(JindanError("The learning rate must be positive.", where="optimizer Adam",
    ...                   expected="a number > 0", received=-1, help="Try learning_rate=0.001."))
    The learning rate must be positive.
      where:    optimizer Adam
      expected: a number > 0
      received: -1
      help: Try learning_rate=0.001.
    """

    def __init__(
        self,
        what: str,
        *,
        where: object = None,
        expected: object = None,
        received: object = None,
        help: str | None = None,
    ) -> None:
        self.what, self.where, self.expected, self.received, self.help = what, where, expected, received, help
        lines = [what]
        for label, value in (("where:   ", where), ("expected:", expected), ("received:", received)):
            if value is not None:
                lines.append(f"  {label} {value}")
        if help is not None:
            lines.append(f"  help: {help}")
        super().__init__("\n".join(lines))


class InputError(JindanError, ValueError):
    """A value the user gave cannot be used."""


class UnknownNameError(InputError):
    """A name that no layer, loss, column, … goes by; suggests the nearest one, unless `help` is given."""

    def __init__(
        self, kind: str, name: object, options: Iterable[str], *, where: object = None, shown: int = 40,
        help: str | None = None,
    ) -> None:  # fmt: skip
        names = list(dict.fromkeys(options))
        some = ", ".join(names[:shown]) + (", …" if len(names) > shown else "")
        super().__init__(
            f"There is no {kind} called {name!r}.",
            where=where,
            expected=f"one of: {some}" if names else "nothing: there are none",
            received=repr(name),
            help=help or suggestion(str(name), names) or f"Choose one of the names above for the {kind}.",
        )


class ShapeError(InputError):
    """An array whose shape does not fit the layer, loss or model it is given to."""


class TooLargeError(InputError):
    """A training that needs more memory than the machine has; `found` is (finding, plan, data)."""

    found: tuple[Any, ...] = ()


class StateError(JindanError, RuntimeError):
    """A call that comes too early, such as `fit` before `compile`."""


class FileError(InputError, OSError):
    """A file or folder that cannot be read or written."""


class JindanWarning(UserWarning):
    """Training goes on, but something about it is worth reading."""


def undefined(part: object, method: str, computes: str, help: str | None = None) -> InputError:
    """The error of a part of one's own that lacks the method it is called by.

    Args:
        part: The layer, loss, ….
        method: The method with its arguments, as a class writes it.
        computes: What the method gives.
        help: Where to see how.

    >>> class Stretch:
    ...     def call(self, x): ...
    >>> print(undefined(Stretch(), "apply(self, w, x, ctx)", "the outputs"))
    A class of your own lacks the method that computes.
      where:    class Stretch
      expected: def apply(self, w, x, ctx): the outputs
      received: def call
    """
    kind = type(part)
    known = {name for base in kind.__mro__[1:] for name in vars(base)}
    own = [name for name, value in vars(kind).items() if callable(value) and name not in known and name[:2] != "__"]
    return InputError(
        "A class of your own lacks the method that computes.", where=f"class {kind.__name__}",
        expected=f"def {method}: {computes}", received=f"def {', '.join(own)}" if own else "none of this name",
        help=help,
    )  # fmt: skip


def suggestion(name: str, options: Iterable[str]) -> str | None:
    """The nearest of the options as a sentence, or None when nothing is near.

    >>> suggestion("specis", ["species", "petal_width"])
    'Did you mean `species`?'
    """
    folded = {str(option).casefold(): str(option) for option in options}
    near = difflib.get_close_matches(name.casefold(), folded, n=5, cutoff=0.55)
    # Of a few letters, half may be alike by chance: then at least the first one has to be.
    near = [n for n in near if len(name) > 4 or n[0] == name[0].casefold() or _ratio(n, name.casefold()) > 0.75]
    return f"Did you mean `{folded[near[0]]}`?" if near else None


def _ratio(a: str, b: str) -> float:
    return difflib.SequenceMatcher(None, a, b).ratio()


__all__ = defined(globals())
