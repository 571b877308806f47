"""Charts of points as inline SVG: groups in colours, and words where they lie."""

from __future__ import annotations

from collections.abc import Sequence

from jindan.report.markup import clip, esc, tag
from jindan.report.svg import Scale, drawing, el, extent, hint, nice_ticks, text_width, tick_text, write
from jindan.report.words import Text

COLOURS = 10
"""Groups with a colour of their own."""


def points_chart(
    xs: Sequence[float],
    ys: Sequence[float],
    groups: Sequence[str],
    *,
    title: Text,
    x_label: Text,
    y_label: Text,
    more: tuple[Sequence[float], Sequence[float]] | None = None,
) -> str:
    """Points in the colours of their groups, with a legend below; `more` are rings on top.

    >>> points_chart([0.0, 1.0], [0.0, 1.0], ["a", "b"], title="t", x_label="", y_label="").count("<circle")
    2
    """
    if not xs:
        return ""
    width, height = 520.0, 400.0
    others = more or ((), ())
    low_x, high_x = _padded([*xs, *others[0]])
    low_y, high_y = _padded([*ys, *others[1]])
    ticks = nice_ticks(low_y, high_y, 5)
    left = max((text_width(tick_text(v)) for v in ticks), default=20.0) + 14
    x, y = Scale(low_x, high_x, left, width - 12), Scale(low_y, high_y, height - 44, 26)
    body = []
    for value in ticks:
        body.append(el("line", class_="gridline", x1=left, x2=width - 12, y1=y.at(value), y2=y.at(value)))
        body.append(write(left - 7, y.at(value) + 4, tick_text(value), anchor="end", class_="tick"))
    for value in nice_ticks(low_x, high_x, 6):
        body.append(el("line", class_="gridline", x1=x.at(value), x2=x.at(value), y1=26.0, y2=height - 44))
        body.append(write(x.at(value), height - 27, tick_text(value), anchor="middle", class_="tick"))
    names = group_names(groups)
    numbers = {name: k for k, name in enumerate(names)}
    radius = 3.4 if len(xs) <= 400 else 2.4
    for place, (a, b) in enumerate(zip(xs, ys, strict=True)):
        kind = f"g{numbers[groups[place]] % COLOURS}" if groups else "g0"
        body.append(el("circle", class_=f"point {kind}", cx=round(x.at(a), 1), cy=round(y.at(b), 1), r=radius))
    few = len(others[0]) <= 20
    for a, b in zip(*others, strict=True):
        body.append(
            el(
                "circle",
                class_="ring" if few else "ring many",
                cx=round(x.at(a), 1),
                cy=round(y.at(b), 1),
                r=6.0 if few else 3.0,
            )
        )
    body.append(write((left + width - 12) / 2, height - 7, x_label, anchor="middle", class_="label"))
    body.append(write(2, 14, y_label, class_="label"))
    legend = "".join(tag("li", f'<i class="g{k % COLOURS}"></i>' + esc(clip(name, 40))) for k, name in enumerate(names))
    return drawing(title, width, height, body, kind="cloud") + (tag("ul", legend, class_="legend") if legend else "")


def group_names(groups: Sequence[str]) -> list[str]:
    """Groups in the order of their legend: numbers by size, others by name.

    >>> group_names(["10", "2", "2"]), group_names(["b", "a"])
    (['2', '10'], ['a', 'b'])
    """
    found = set(groups)

    def place(name: str) -> tuple[int, float, str]:
        try:
            return 0, float(name.split(" … ")[0]), name
        except ValueError:
            return 1, 0.0, name

    return sorted(found, key=place)


def words_chart(xs: Sequence[float], ys: Sequence[float], words: Sequence[str], *, title: Text) -> str:
    """Words at their places; one that would cover another becomes a dot with its word on hover.

    >>> words_chart([0.0, 1.0], [0.0, 1.0], ["cat", "dog"], title="t").count('class="word"')
    2
    """
    if not xs:
        return ""
    width, height = 760.0, 520.0
    x, y = Scale(*_padded(xs), 40.0, width - 40), Scale(*_padded(ys), height - 16, 16)
    taken: list[tuple[float, float, float, float]] = []
    body, dots = [], []
    for a, b, word in zip(xs, ys, words, strict=True):
        px, py, half = x.at(a), y.at(b), text_width(word) / 2
        box = (px - half, py - 10, px + half, py + 5)
        if any(box[0] < o[2] and o[0] < box[2] and box[1] < o[3] and o[1] < box[3] for o in taken):
            dots.append(el("circle", hint(word), class_="point g0", cx=px, cy=py, r=2.5))
            continue
        taken.append(box)
        body.append(write(px, py, word, anchor="middle", class_="word"))
    return drawing(title, width, height, [*dots, *body], kind="cloud")


def _padded(values: Sequence[float]) -> tuple[float, float]:
    low, high = extent(list(values))
    pad = (high - low) / 30
    return low - pad, high + pad
