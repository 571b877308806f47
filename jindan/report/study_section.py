"""The section of studies: each with what it says, its pictures in both languages, and its numbers."""

from __future__ import annotations

from typing import Any

from jindan.report.markup import both, clip, esc, figure, grid, paragraph, picture, section, subtitle, table, tag
from jindan.report.values import mapped, mappings
from jindan.report.words import UI, Words, t


def studies(record: dict[str, Any]) -> str:
    """The section of a record's "studies", as `study_entry` made them; empty without.

    >>> studies({"name": "iris"})
    ''
    """
    return section("studies", "".join(_study(found) for found in mappings(record.get("studies"))))


def _study(found: dict[str, Any]) -> str:
    name = f"study_{found.get('kind')}"
    if name not in UI:
        return ""
    pictures = [figure(t(name), _pictures(mapped(p), t(name)), wide=True) for p in mappings(found.get("pictures"))]
    head = [_words(words) for words in found.get("head") or []]
    rows = [[_name(row[0]), *(esc(clip(cell, 300)) for cell in row[1:])] for row in found.get("rows") or []
            if row and len(row) == len(head)]  # fmt: skip
    text_columns = 3 if found.get("kind") == "search" else 1
    numbers = table(head, rows, caption=_words(found.get("caption")), text_columns=text_columns) if rows else ""
    return subtitle(name) + paragraph(_words(found.get("text"))) + grid(*pictures) + numbers


def _pictures(svgs: dict[str, Any], name: Words) -> str:
    """An image a language."""
    images = {lang: picture(svgs.get(lang), alt) for lang, alt in zip(("en", "ko"), name, strict=True)}
    return "".join(tag("div", image, lang=lang) for lang, image in images.items() if image)


def _words(given: Any) -> Words:
    body = mapped(given)
    return Words(clip(body.get("en") or "", 2000), clip(body.get("ko") or "", 2000))


def _name(value: Any) -> str:
    """What a row is called, in both languages where it has such a name."""
    name = f"c_{value}"
    return both(t(name)) if name in UI else esc(clip(value, 300))
