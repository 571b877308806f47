"""What the network relies on: how far its score falls when a column is shuffled."""

from __future__ import annotations

from typing import Any

from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.markup import clip, figure, grid, paragraph, section
from jindan.report.names import metric_name
from jindan.report.values import mapped, mappings, number, shown
from jindan.report.words import Text, t

MAX_COLUMNS = 15


def relied(record: dict[str, Any]) -> str:
    """The section, the most important column first.

    >>> block = {"scoring": "accuracy", "score": 0.9, "features": [{"feature": "size", "importance": 0.4}]}
    >>> "size" in relied({"relied_on": block}), relied({})
    (True, '')
    """
    block = mapped(record.get("relied_on"))
    found = [(clip(f.get("feature"), 200), number(f.get("importance"))) for f in mappings(block.get("features"))]
    known = [(name, fall) for name, fall in found if fall is not None]
    if not known:
        return ""
    title = t("relied_on", metric=metric_name(str(block.get("scoring"))))
    said = [(name, fall) for name, fall in known if fell(fall) != "0"]
    bars = [Bar(name, max(fall, 0.0), text=fell(fall)) for name, fall in (said or known)[:MAX_COLUMNS]]
    more = paragraph(t("more", n=len(said) - MAX_COLUMNS), "note") if len(said) > MAX_COLUMNS else ""
    idle = [name for name, fall in known if fell(fall) == "0"] if said else []
    if idle:
        names = ", ".join(idle[:MAX_COLUMNS]) + (", …" if len(idle) > MAX_COLUMNS else "")
        more += paragraph(t("relied_idle", names=names), "note")
    note = t("relied_note", n=shown(block.get("rows")), part=_part(block.get("part")),
             repeats=shown(block.get("repeats")), score=shown(block.get("score"), 3))  # fmt: skip
    return section("relied", grid(figure(title, bar_chart(bars, title=title), note=note)) + more)


def _part(name: Any) -> Text:
    return t(str(name)) if name in ("train", "validation", "test") else clip(name, 20)


def fell(fall: float) -> str:
    """A fall as a change of the score.

    >>> fell(0.4123), fell(-0.0004), fell(0.0)
    ('−0.412', '0', '0')
    """
    text = f"{abs(fall):.3f}"
    return "0" if not float(text) else ("−" if fall > 0 else "+") + text
