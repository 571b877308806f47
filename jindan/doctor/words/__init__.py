"""The doctor's words: every concept explained in English and Korean, and the short sentences of the interface."""

from __future__ import annotations

import difflib
import re
import textwrap
import tomllib
import unicodedata
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from numbers import Real
from typing import Any

from jindan.errors import InputError, UnknownNameError
from jindan.lazy import defined

LANGUAGES = ("en", "ko")
FAMILIES = (
    *("activations", "losses", "optimizers", "schedules", "initializers", "regularizers", "preprocessing"),
    *("splits", "augmentation", "metrics", "training", "models", "findings"),
)
HEADINGS = {
    "en": {
        "beginner": "In plain words",
        "expert": "In detail",
        "formula": "Formula",
        "when": "When to use it",
        "look": "What to look at",
        "fix": "What to try, in this order",
        "example": "Example",
        "see": "See also",
        "source": "Source",
    },
    "ko": {
        "beginner": "쉽게 말하면",
        "expert": "자세히",
        "formula": "수식",
        "when": "언제 쓰는가",
        "look": "무엇을 볼 것인가",
        "fix": "시도할 순서",
        "example": "예",
        "see": "함께 보기",
        "source": "출처",
    },
}


@dataclass(frozen=True)
class Concept:
    """One concept in one language; `formula`, `fix`, `example`, `see` and `source` may be empty."""

    slug: str
    family: str
    lang: str
    title: str
    short: str
    beginner: str
    expert: str
    when: str
    formula: str = ""
    fix: tuple[str, ...] = ()
    example: str = ""
    see: tuple[str, ...] = ()
    source: str = ""
    aliases: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """All fields as JSON types.

        >>> explain("relu").to_dict()["family"]
        'activations'
        """
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def text(self, width: int = 96) -> str:
        """A readable page of plain text, headings in the concept's language.

        >>> print(explain("기울기 소실").text().splitlines()[0])
        Vanishing gradient
        """
        heads = HEADINGS[self.lang]
        parts = [self.title + "\n" + "=" * _columns(self.title), _wrap(self.short, width)]
        when = "look" if self.fix else "when"
        for head, body in (("beginner", self.beginner), ("expert", self.expert), ("formula", self.formula)):
            if body:
                parts.append(f"{heads[head]}\n{_wrap(body, width, '  ')}")
        parts.append(f"{heads[when]}\n{_wrap(self.when, width, '  ')}")
        if self.fix:
            steps = (_wrap(step, width, f"  {n}. ") for n, step in enumerate(self.fix, 1))
            parts.append(f"{heads['fix']}\n" + "\n".join(steps))
        if self.example:
            parts.append(f"{heads['example']}\n{textwrap.indent(self.example, '    ')}")
        if self.see:
            parts.append(_wrap(", ".join(self.see), width, f"{heads['see']}: "))
        if self.source:
            parts.append(_wrap(self.source, width, f"{heads['source']}: "))
        return "\n\n".join(parts)


def concepts() -> tuple[str, ...]:
    """The slugs of all concepts, family by family.

    >>> concepts()[:3]
    ('activation-function', 'step', 'linear')
    """
    return tuple(slug for family in FAMILIES for slug in _table(family, "en"))


def find(name: str) -> str:
    """The slug of a concept given by slug, Keras name, title or alias in either language, however it is spelt.

    Raises:
        UnknownNameError: Nothing goes by that name; the nearest one is suggested.

    >>> find("categorical_crossentropy"), find("Adam"), find("기울기 소실")
    ('categorical-crossentropy', 'adam', 'vanishing-gradient')
    """
    if any(name in _table(family, "en") for family in FAMILIES):
        return name
    index = {_fold(alias): slug for alias, slug in search_aliases().items()}
    folded = _fold(name)
    if folded in index:
        return index[folded]
    near = difflib.get_close_matches(folded, index, n=5, cutoff=0.7)
    if not near:
        raise UnknownNameError("concept", name, concepts(), shown=8,
                               help="`jindan explain` without a name lists them all.")  # fmt: skip
    aliases = {_fold(alias): alias for alias in reversed(search_aliases())}
    raise UnknownNameError("concept", name, [aliases[close] for close in near])


def explain(name: str, lang: str = "en") -> Concept:
    """The concept of that name (see `find`), in English or Korean.

    >>> explain("ReLU", "ko").title
    'ReLU 함수(rectified linear unit)'
    >>> explain("dead relu").slug
    'dying-relu'
    """
    _check(lang)
    slug = find(name)
    family = next(family for family in FAMILIES if slug in _table(family, "en"))
    fields = {**_table(family, "en")[slug]}
    fields["aliases"] = [*fields.get("aliases", ()), *_table(family, "ko")[slug].get("aliases", ())]
    fields |= {key: text for key, text in _table(family, lang)[slug].items() if key != "aliases"}
    for key in ("fix", "see", "aliases"):
        fields[key] = tuple(fields.get(key, ()))
    return Concept(slug, family, lang, **fields)


def search_aliases(text: str = "") -> dict[str, str]:
    """Every name a concept goes by that contains `text`, with its slug: for completion and search.

    >>> search_aliases("xavier")["Xavier normal"]
    'glorot-normal'
    """
    return {name: slug for name, slug in _names() if _fold(text) in _fold(name)}


def sentence(key: str, lang: str = "en", **values: object) -> str:
    """A short sentence of the interface, its `{name}` places filled; `{name:%}` writes a share as a percentage.

    A part in square brackets is left out unless all its values are given. Values that no place asks for are ignored.

    >>> sentence("finding.dying-relu.summary", layer="dense_1", fraction=0.93)
    'Units of layer dense_1 output zero for every row (93 % of them).'
    >>> sentence("finding.dying-relu.title", "ko")
    '죽은 ReLU'
    """
    _check(lang)
    messages = _messages(lang)
    if key not in messages:
        raise UnknownNameError("message", key, [*difflib.get_close_matches(key, messages), *messages])

    def fill(template: str) -> str:
        return re.sub(r"\{(\w+)(:%)?\}", lambda place: _show(values[place[1]], bool(place[2])), template)

    parts = re.split(r"\[([^\]]*)\]", messages[key])
    for n, part in enumerate(parts):
        missing = [name for name in re.findall(r"\{(\w+)", part) if values.get(name) is None]
        if missing and n % 2 == 0:
            raise InputError(
                "A sentence lacks a value.", where=f"message {key!r}", expected=missing[0], received=sorted(values)
            )
        parts[n] = "" if missing else fill(part)
    return "".join(parts)


def says(key: str) -> bool:
    """Whether there is such a sentence.

    >>> says("finding.dying-relu.title"), says("finding.dying-relu.end")
    (True, False)
    """
    return key in _messages("en")


def _check(lang: str) -> None:
    if lang not in LANGUAGES:
        raise UnknownNameError("language", lang, LANGUAGES)


@cache
def _table(family: str, lang: str) -> dict[str, dict[str, Any]]:
    file = resources.files(__name__) / lang / f"{family}.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@cache
def _messages(lang: str) -> dict[str, str]:
    def flat(table: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
        for key, value in table.items():
            if isinstance(value, dict):
                yield from flat(value, f"{prefix}{key}.")
            else:
                yield prefix + key, value

    return dict(flat(_table("messages", lang), ""))


@cache
def _names() -> tuple[tuple[str, str], ...]:
    """(name, slug) of every slug, title, bracketed term and alias in both languages, the first name first."""
    pairs = []
    for lang in LANGUAGES:
        for family in FAMILIES:
            for slug, fields in _table(family, lang).items():
                title = fields["title"]
                bracketed = re.fullmatch(r"(.+?)\s*\((.+)\)", title)
                names = [slug, title, *(bracketed.groups() if bracketed else ()), *fields.get("aliases", ())]
                pairs += [(name, slug) for name in names]
    return tuple(dict.fromkeys(pairs))


def _fold(name: str) -> str:
    """One spelling for all: case, spaces, hyphens and British -is- do not count."""
    bare = re.sub(r"[\W_]+", "", unicodedata.normalize("NFC", name).casefold())
    return re.sub(r"is(?=(ation|ed|er|ers|ing|e)$|(ation|ed|er))", "iz", bare)


def _show(value: object, percent: bool) -> str:
    if isinstance(value, Real) and not isinstance(value, bool | int):
        return f"{100 * float(value):.3g} %" if percent else f"{float(value):.4g}"
    return str(value)


def _columns(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _wrap(text: str, width: int, lead: str = "") -> str:
    """Lines of at most `width` columns (a Hangul syllable is two wide), indented under the lead."""
    lines = [lead]
    for word in text.split():
        if lines[-1].strip() and _columns(lines[-1] + word) > width and lines[-1] != lead:
            lines.append(" " * _columns(lead))
        lines[-1] += word + " "
    return "\n".join(line.rstrip() for line in lines)


__all__ = defined(globals())
