"""Features beside the target: means by class, and by value the shares of the classes or the target's mean."""

from __future__ import annotations

from typing import Any

from jindan.report.markup import clip, grid, name_of, paragraph, table, tag
from jindan.report.values import listed, mapped, numbers, pairs, shown, table_of
from jindan.report.words import t

MAX_NUMBERS, MAX_CATEGORIES, MAX_VALUES, MAX_CLASSES = 15, 6, 5, 8


def beside_target(block: dict[str, Any]) -> str:
    """Tables of the features that go with the target most, as they come in the record.

    >>> block = {"class_balance": [["no", 2], ["yes", 1]], "by_target": {"x": {"mean": [1.5, 4.0]}}}
    >>> "Means by class" in beside_target(block), beside_target({})
    (True, '')
    """
    classes = [clip(name, 40) for name, _ in pairs(block.get("class_balance"))]
    found = [(name, mapped(known)) for name, known in mapped(block.get("by_target")).items()]
    means = [(name, numbers(known.get("mean"))) for name, known in found if "category" not in known]
    values = [(name, known) for name, known in found if "category" in known]
    tables = _means(classes, [entry for entry in means if entry[1]]), _values(classes, values)
    return grid(*tables)


def _means(classes: list[str], found: list[tuple[str, list]]) -> str:
    """A row a column of numbers, a mean for each class."""
    if not found or not classes:
        return ""
    rows = [[name_of(name), *(shown(v) for v in _first(means))] for name, means in found[:MAX_NUMBERS]]
    return _titled("means", "means_by_class", [t("column"), *_first(classes)], rows, len(classes))


def _values(classes: list[str], found: list[tuple[str, dict[str, Any]]]) -> str:
    """A row a value of a category, with its share of each class, or the target's mean."""
    rows: list[list[str]] = []
    for name, known in found[:MAX_CATEGORIES]:
        shares, means = table_of(known.get("shares")), numbers(known.get("mean"))
        told = [[f"{100 * v:.0f}%" if v is not None else "–" for v in _first(row)] for row in shares]
        told = told or [[shown(mean)] for mean in means]
        entries = zip(listed(known.get("category")), numbers(known.get("count")), told, strict=False)
        rows += [
            [name_of(name), name_of(value, 40), shown(n), *cells] for value, n, cells in list(entries)[:MAX_VALUES]
        ]
    if not rows:
        return ""
    head = [t("column"), t("value"), t("rows"), *(_first(classes) or [t("target_mean")])]
    key = ("shares", "shares_by_value") if classes else ("target", "target_by_value")
    return _titled(*key, head, rows, len(classes), text_columns=2)


def _first(values: list) -> list:
    return values[:MAX_CLASSES]


def _titled(note: str, caption: str, head: list, rows: list, classes: int, text_columns: int = 1) -> str:
    more = paragraph(t("more", n=classes - MAX_CLASSES), "note") if classes > MAX_CLASSES else ""
    drawn = table(head, rows, caption=t(caption), text_columns=text_columns)
    return tag("div", drawn + paragraph(t(f"{note}_note"), "note") + more)
