"""The data: columns, class balance, features beside the target, distributions, correlations."""

from __future__ import annotations

from typing import Any

from jindan.data.column_words import COLUMN_WORDS
from jindan.report.charts import histogram
from jindan.report.charts_grid import Bar, bar_chart, heat_map
from jindan.report.data_target import beside_target
from jindan.report.markup import both, clip, esc, figure, grid, name_of, paragraph, section, subtitle, table, tag
from jindan.report.values import listed, mapped, mappings, number, numbers, pairs, percent, shown, table_of
from jindan.report.words import Words, counted, t

MAX_COLUMNS, MAX_HISTOGRAMS, MAX_CORRELATED, MAX_BARS = 100, 24, 30, 30


def data(record: dict[str, Any]) -> str:
    """The section on the data."""
    block = mapped(record.get("data"))
    charts = grid(_split(record), _balance(block), _association(block), _correlations(block), kind="columns")
    return section("data", _notes(block) + charts + beside_target(block) + _columns(block) + _histograms(block))


def _notes(block: dict[str, Any]) -> str:
    """Where the rows came from, what was noticed, what was left out."""
    parts = []
    if block.get("path"):
        parts.append(tag("p", both(t("source")) + ": " + tag("code", esc(clip(block["path"], 300))), class_="command"))
    notes = mapped(block.get("notes"))
    for language in ("en", "ko"):
        lines = listed(notes.get(language)) or [v for other in ("en", "ko") for v in listed(notes.get(other))]
        items = "".join(tag("li", esc(clip(line, 1000))) for line in lines if line is not None)
        parts.append(tag("ul", items, lang=language, class_="notes") if items else "")
    names = [
        Words(*(f"{clip(name, 60)} ({_reason(why)[i]})" for i in (0, 1)))
        for name, why in pairs(block.get("dropped"))[:40]
    ]
    if names:
        joined = Words(", ".join(n.en for n in names), ", ".join(n.ko for n in names))
        parts.append(paragraph(t("dropped", names=joined), "note"))
    return "".join(parts)


def _reason(why: Any) -> Words:
    """Why a column was left out."""
    return _known(f"why_{why}", why)


def _known(key: str, given: Any) -> Words:
    """The words for a code; a code without any as it is."""
    return t(key) if key in COLUMN_WORDS else Words(clip(given, 80), clip(given, 80))


def _split(record: dict[str, Any]) -> str:
    """Rows a part, as a bar chart."""
    counts, title = mapped(mapped(record.get("data")).get("n")), counted(record, "split")
    known = [(key, number(counts.get(key))) for key in ("train", "validation", "test")]
    total = sum(v for _, v in known if v and v > 0)
    bars = [Bar(t(key), v, text=_count(v, total)) for key, v in known if v is not None and v >= 0]
    return figure(title, bar_chart(bars, title=title)) if bars else ""


def _count(value: float, total: float) -> Words:
    share = percent(value / total if total else None, 0)
    return Words(f"{shown(value)} ({share.en})", f"{shown(value)}({share.ko})")


def _balance(block: dict[str, Any]) -> str:
    found = [(clip(name, 200), number(count)) for name, count in pairs(block.get("class_balance"))]
    known = [(name, count) for name, count in found if count is not None and count >= 0]
    total = sum(count for _, count in known)
    bars = [Bar(name, count, text=_count(count, total)) for name, count in known[:MAX_BARS]]
    more = t("more", n=len(known) - MAX_BARS) if len(known) > MAX_BARS else None
    return figure(t("balance"), bar_chart(bars, title=t("balance")), note=more) if bars else ""


def _association(block: dict[str, Any]) -> str:
    """How strongly each column goes with the target, strongest first."""
    found = [
        (clip(a.get("column"), 200), number(a.get("value")), a.get("measure"))
        for a in mappings(block.get("association"))
    ]
    known = sorted(((name, v, m) for name, v, m in found if v is not None), key=lambda item: -abs(item[1]))
    bars = [Bar(name, v, text=shown(v, 2)) for name, v, _ in known[:15]]
    measures = [_known(str(m), m) for m in dict.fromkeys(m for _, _, m in known[:15] if m is not None)]
    kinds = Words(", ".join(m.en for m in measures), ", ".join(m.ko for m in measures)) if measures else None
    return figure(t("association"), bar_chart(bars, title=t("association")), note=kinds) if bars else ""


def _correlations(block: dict[str, Any]) -> str:
    found = mapped(block.get("correlations"))
    names = [str(name) for name in listed(found.get("columns"))][:MAX_CORRELATED]
    matrix = [row[: len(names)] for row in table_of(found.get("matrix"))[: len(names)]]
    chart = (
        heat_map(names[: len(matrix)], names, matrix, title=t("correlations"), diverging=True) if len(names) > 1 else ""
    )
    return figure(t("correlations"), chart, note=t("correlations_note"), wide=len(names) > 12)


def _columns(block: dict[str, Any]) -> str:
    """One row a column of the data."""
    columns = mappings(block.get("columns"))
    if not columns:
        return ""
    rows, total = [], number(block.get("rows"))
    for column in columns[:MAX_COLUMNS]:
        missing = number(column.get("missing"))
        gap = shown(missing) + (
            f" ({percent(missing / total).ko})" if missing and total and missing / total >= 0.0005 else ""
        )
        top = ", ".join(f"{name_of(value, 24)} ({shown(count)})" for value, count in pairs(column.get("top"))[:3])
        figures = [shown(column.get(key)) for key in ("min", "median", "mean", "max", "std")]
        cells = [gap, shown(column.get("unique")), *figures]
        rows.append(
            [
                name_of(column.get("name")),
                both(_known(f"kind_{column.get('kind')}", column.get("kind") or "–")),
                *cells,
                top or "–",
            ]
        )
    head = [t(k) for k in ("column", "kind", "missing", "unique", "min", "median", "mean", "max", "std", "common")]
    more = paragraph(t("more", n=len(columns) - MAX_COLUMNS), "note") if len(columns) > MAX_COLUMNS else ""
    return table(head, rows, caption=t("columns"), text_columns=2) + more


def _histograms(block: dict[str, Any]) -> str:
    """Small multiples, one a column."""
    drawn, found = [], mapped(block.get("histograms"))
    for name, bins in list(found.items())[:MAX_HISTOGRAMS]:
        label = clip(name, 60)
        bins = mapped(bins)
        drawn.append(figure(label, histogram(numbers(bins.get("edges")), numbers(bins.get("counts")), title=label)))
    more = paragraph(t("more", n=len(found) - MAX_HISTOGRAMS), "note") if len(found) > MAX_HISTOGRAMS else ""
    inside = grid(*drawn, kind="multiples")
    return subtitle("histograms") + inside + more if "<svg" in inside else ""
