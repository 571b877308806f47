"""HTML from text that may hold anything: escaping, both languages side by side, tables."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from jindan.errors import FileError
from jindan.report.words import Text, Words, joined, t

_INTERVAL = re.compile(r"[\d.,]*\d–\d[\d.,]*\d*(?:\u202f?%)?")
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def esc(value: Any) -> str:
    """Text made safe for elements and quoted attributes, in HTML and XML alike.

    >>> esc('<a href="x">')
    '&lt;a href=&quot;x&quot;&gt;'
    """
    return html.escape(_UNPRINTABLE.sub("\ufffd", str(value)), quote=True)


def clip(value: Any, length: int = 80) -> str:
    """At most `length` characters, ending in an ellipsis where something was cut.

    >>> clip("abcdef", 4)
    'abc…'
    """
    text = str(value)
    return text if len(text) <= length else text[: length - 1] + "…"


def both(text: Text) -> str:
    """A text as markup: one span a language where they differ.

    >>> both(Words("loss", "손실"))
    '<span lang="en">loss</span><span lang="ko">손실</span>'
    """
    if isinstance(text, str) or text.en == text.ko:
        return esc(text if isinstance(text, str) else text.en)
    en, ko = (_INTERVAL.sub(r'<span class="nb">\g<0></span>', esc(words)) for words in text)
    return f'<span lang="en">{en}</span><span lang="ko">{ko}</span>'


def tag(name: str, content: str = "", **attributes: Any) -> str:
    """An element with content that is markup already; None leaves an attribute out.

    >>> tag("td", "1", class_="n", aria_label=None)
    '<td class="n">1</td>'
    """
    parts = [
        f' {key.rstrip("_").replace("_", "-")}="{esc(value)}"' for key, value in attributes.items() if value is not None
    ]
    return f"<{name}{''.join(parts)}>{content}</{name}>"


def name_of(value: Any, length: int = 48) -> str:
    """A name from the user's data: clipped, whole on hover."""
    text = str(value)
    return esc(text) if len(text) <= length else tag("span", esc(clip(text, length)), title=clip(text, 2000))


def table(
    head: Sequence[Text],
    rows: Iterable[Sequence[str]],
    *,
    caption: Text,
    text_columns: int = 1,
    kind: str | None = None,
) -> str:
    """A table with a caption, column and row headers; cells are markup. Numbers stand right, text left.

    Args:
        text_columns: How many columns from the left hold text.
        kind: "stack" for a table of many columns, whose rows become blocks where there is little room, each figure
            below the head of its column.
    """
    sides = ["t" if index < text_columns else "n" for index in range(len(head))]
    top = "".join(tag("th", both(cell), scope="col", class_=side) for cell, side in zip(head, sides, strict=True))
    body = []
    for row in rows:
        first = tag("th", row[0], scope="row", class_="t")
        cells = zip(row[1:], sides[1:], head[1:], strict=True)
        body.append(tag("tr", first + "".join(_cell(*cell, kind) for cell in cells)))
    inner = tag("caption", both(caption)) + tag("thead", tag("tr", top)) + tag("tbody", "\n".join(body))
    around = "scroll" if kind is None else f"scroll of-{kind}"
    return tag("div", tag("table", inner, class_=kind), class_=around, tabindex="0")


def _cell(content: str, side: str, head: Text, kind: str | None) -> str:
    named = {} if kind is None else dict(zip(("data_en", "data_ko"), joined(head), strict=True))
    return tag("td", content, class_=side, **named)


def meter(share: float | None) -> str:
    """A thin bar that shows a share of one; decoration beside the number itself."""
    width = 0.0 if share is None else 100 * min(max(share, 0.0), 1.0)
    return f'<span class="meter" aria-hidden="true"><i style="width:{width:.1f}%"></i></span>'


def section(key: str, content: str, *, lead: Text | None = None) -> str:
    """A section of the page with its heading; empty where there is no content."""
    if not content:
        return ""
    head = tag("h2", both(t(key)), id=f"{key}-title")
    intro = tag("p", both(lead), class_="lead") if lead else ""
    return tag("section", f"{head}{intro}{content}", id=key, aria_labelledby=f"{key}-title")


def figure(title: Text, chart: str, *, note: Text | None = None, wide: bool = False) -> str:
    """A chart with its caption; empty where there is no chart."""
    if not chart:
        return ""
    foot = tag("p", both(note), class_="note") if note else ""
    inside = tag("figcaption", both(title)) + tag("div", chart, class_="plot") + foot
    return tag("figure", inside, class_="wide" if wide else None)


def picture(svg: Any, alt: str, class_: str | None = None) -> str:
    """An SVG as an image, in which nothing can run; empty where it is none.

    >>> picture("<script>", "a"), picture("<svg/>", "a & b")[-18:]
    ('', ' alt="a &amp; b"/>')
    """
    if not isinstance(svg, str) or not svg.lstrip().startswith("<svg"):
        return ""
    address = "data:image/svg+xml;base64," + base64.b64encode(svg.encode("utf-8", "replace")).decode()
    kind = "" if class_ is None else f' class="{class_}"'
    return f'<img{kind} src="{address}" alt="{esc(alt)}"/>'


def grid(*figures: str, kind: str = "grid") -> str:
    """Figures side by side where there is room."""
    inside = "".join(figures)
    return tag("div", inside, class_=kind) if inside else ""


def subtitle(key: str) -> str:
    """A heading inside a section."""
    return tag("h3", both(t(key)))


def paragraph(text: Text, kind: str | None = None) -> str:
    """A paragraph in both languages."""
    return tag("p", both(text), class_=kind)


def pick(texts: Any, key: str, fallback: str = "") -> Words:
    """One field of `{"en": {...}, "ko": {...}}`; a missing language borrows the other's words.

    >>> pick({"en": {"title": "Too fast"}}, "title").ko
    'Too fast'
    """
    found = []
    for language in ("en", "ko"):
        block = texts.get(language) if isinstance(texts, dict) else None
        value = block.get(key) if isinstance(block, dict) else None
        found.append(value if isinstance(value, str) else "")
    return Words(found[0] or found[1] or fallback, found[1] or found[0] or fallback)


def save(path: str | Path, text: str, what: str) -> Path:
    """Write a page or a picture of its own into a file.

    Raises:
        FileError: when it cannot be written there.
    """
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise FileError(
            f"The {what} cannot be written.", where=path, expected="a place you may write to",
            received=error.strerror, help="Choose another place.",
        ) from None  # fmt: skip
    return Path(path)
