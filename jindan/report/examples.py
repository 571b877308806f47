"""Misclassified rows that can be shown: images drawn, texts quoted."""

from __future__ import annotations

import re
from typing import Any

from jindan.report.markup import both, clip, esc, figure, name_of, tag
from jindan.report.values import mapped, number, percent
from jindan.report.words import Words, counted, t

MOST_LETTERS, MOST_COLUMNS = 400, 6
SHOWN = 6  # cards in sight; the rest are unfolded, as twenty texts fill five screens of a telephone
_BASE64 = re.compile(r"[A-Za-z0-9+/]{1,400000}={0,2}")


def shown_rows(examples: list[dict[str, Any]], record: dict[str, Any]) -> str:
    """Cards, in the order given: image, text, truth, prediction, its probability.

    Args:
        examples: `row`, `true`, `predicted`, `p`, and `texts` (column → text) or `images` (column → PNG in base64).
        record: The run's.
    """
    small = " pictures" if not any(mapped(item.get("texts")) for item in examples) else ""
    seen = len(examples) if len(examples) <= SHOWN + 2 else SHOWN * (2 if small else 1)
    first, rest = ("".join(map(_card, some)) for some in (examples[:seen], examples[seen:]))
    inside = tag("div", first, class_=f"cards{small}")
    if rest:
        head = tag("summary", both(t("wrong_more", n=len(examples) - seen)))
        inside += tag("details", head + tag("div", rest, class_=f"cards{small}"))
    return figure(counted(record, "wrong_rows"), inside, note=t("wrong_note"), wide=True)


def _card(item: dict[str, Any]) -> str:
    texts, images = mapped(item.get("texts")), mapped(item.get("images"))
    several = len(texts) + len(images) > 1
    truth, said = (_label(item.get(key)) for key in ("true", "predicted"))
    parts = [inline_image(data, f"{truth} → {said}") for data in list(images.values())[:MOST_COLUMNS]]
    for name, text in list(texts.items())[:MOST_COLUMNS]:
        label = tag("b", name_of(name)) + " " if several else ""
        parts.append(tag("blockquote", label + esc(clip(text, MOST_LETTERS)), dir="auto"))
    words = t("is_said", true=truth, predicted=said)
    p = number(item.get("p"))
    sure = both(t("sure", p=percent(p, 0))) if p is not None else ""
    place = item.get("file") if isinstance(item.get("file"), str) else _row(item.get("row"))
    foot = tag("b", both(words)) + tag("span", sure) + tag("span", _place(place), class_="place")
    return tag("div", "".join(parts) + tag("p", foot), class_="card")


def inline_image(data: Any, label: str) -> str:
    """A picture from base64 that holds nothing but base64."""
    if not isinstance(data, str) or not _BASE64.fullmatch(data):
        return ""
    return f'<img src="data:image/png;base64,{data}" alt="{esc(clip(label, 100))}"/>'


def _label(value: Any) -> str:
    return "–" if value is None else clip(value, 60)


def _row(value: Any) -> Words | None:
    return None if number(value) is None else Words(*(f"{words} {value}" for words in t("row")))


def _place(place: Any) -> str:
    if place is None:
        return ""
    return both(place) if isinstance(place, Words) else name_of(place, 40)
