"""Errors and warnings in Korean: their frame, and the sentences of all that the commands come to.

A sentence is written in English wherever it is found out, and put into Korean where it is printed: an entry is one in
both languages, and `{…}` in it stands for what differs. `{n}` and `{m}` are numbers, `{kind}` has a word in `KINDS`,
`{part}` is a sentence or phrase of its own, `{reason}` a contradiction of output layer, loss and target. What has no
entry stays English between Korean labels; a test goes through the library for such sentences.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any

from ...errors import JindanError
from .commands import OWN, REASONS, USAGE
from .networks import NETWORKS
from .phrases import KINDS, PHRASES, PLACES
from .rows import ROWS
from .tables import TABLES
from .texts import TEXTS
from .training import TRAINING

LABELS = {"where": "위치", "expected": "필요한 것", "received": "받은 것", "help": "도움말"}
SENTENCES = {**OWN, **TABLES, **NETWORKS, **ROWS, **TEXTS, **TRAINING, **PHRASES}
NUMBER = r"[-+−]?[\d.,]+(?:e[-+]?\d+)?"


def translated(text: object) -> str:
    """A sentence or a phrase in Korean, or as it is where there is no entry.

    >>> translated("There is no column called 'yy'."), translated("Did you mean `y`?"), translated("an oak")
    ("열 가운데 'yy'(이)라는 이름은 없습니다.", '혹시 `y`입니까?', 'an oak')
    >>> translated("The rate of Dropout must be a number >= 0 and < 1.")
    'Dropout의 rate 값이 맞지 않습니다. 필요한 값: 0 이상 1 미만인 수.'
    """
    return _by_entry(str(text), "sentences") or str(text)


def in_korean(error: JindanError) -> str:
    """An error as the template has it, in Korean.

    >>> print(in_korean(JindanError("The file does not exist.", where="x.csv", help="Did you mean `a.csv`?")))
    파일이 없습니다.
      위치: x.csv
      도움말: 혹시 `a.csv`입니까?
    """
    given = {name: getattr(error, name) for name in LABELS}
    # A place may be a name of the user's: those that are words of the library's have a table of their own.
    if error.where is not None:
        given["where"] = _by_entry(str(error.where), "places") or error.where
    said = {name: value if name == "where" else translated(value) for name, value in given.items()}
    lines = [f"  {LABELS[name]}: {said[name]}" for name, value in given.items() if value is not None]
    return "\n".join([translated(error.what), *lines])


def usage_in_korean(error: Any) -> str:
    """What the parser of the command line says of options that it cannot take.

    Args:
        error: The parser's, which has `format_message` and, mostly, a context.
    """
    said = error.format_message()
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        return said
    lines = [f"오류: {_by_entry(said, 'usage') or said}"]
    if context is not None:
        helped = f"{context.command_path} {context.help_option_names[0]}"
        usage = context.get_usage().replace("Usage:", "사용법:", 1)
        lines = [usage, f"'{helped}'를 치면 도움말이 나옵니다.", "", *lines]
    return "\n".join(lines)


def _by_entry(text: str, which: str) -> str | None:
    for pattern, korean in _patterns(which):
        if found := pattern.fullmatch(text):
            return _filled(korean, {name: _within(name, value) for name, value in found.groupdict().items()})
    return None


def _filled(text: str, values: dict[str, str]) -> str:
    """A text with its places filled; other braces stay."""
    return re.sub(r"\{(\w+)\}", lambda place: values[place[1]], text)


def _within(name: str, value: str) -> str:
    """What stands in the place of a `{…}`."""
    if name == "kind":
        return KINDS.get(value, value)
    if name == "part":
        return translated(value)
    if name == "reason":
        from ...doctor.static import REASONS as CONTRADICTIONS

        return dict(CONTRADICTIONS.values()).get(value, value)
    return (_by_entry(value, "reasons") or value) if name == "why" else value


@cache
def _patterns(which: str) -> list[tuple[re.Pattern[str], str]]:
    """Entries as patterns; of several that fit, the one that leaves least open."""
    entries = {"sentences": SENTENCES, "places": PLACES, "usage": USAGE, "reasons": REASONS}[which]
    fixed = {english: len(re.sub(r"\{\w+\}", "", english)) for english in entries}
    return [(_pattern(english), entries[english]) for english in sorted(entries, key=fixed.__getitem__, reverse=True)]


def _pattern(english: str) -> re.Pattern[str]:
    def place(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{NUMBER if found[1] in 'nm' else '.+?'})"

    return re.compile(re.sub(r"\\\{(\w+)\\\}", place, re.escape(english)), re.DOTALL)
