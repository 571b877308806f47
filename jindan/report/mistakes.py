"""Where the network errs: confusion matrix, classes, predicted against true, residuals, misclassified rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from jindan.report.charts import histogram, scatter
from jindan.report.charts_grid import heat_map
from jindan.report.examples import shown_rows
from jindan.report.markup import both, clip, figure, grid, meter, name_of, paragraph, section, table, tag
from jindan.report.values import listed, mapped, mappings, number, numbers, percent, shown, table_of
from jindan.report.words import Words, counted, t

MAX_CLASSES, MAX_ROWS = 30, 50


def mistakes(record: dict[str, Any]) -> str:
    """The section on errors, for classification and for regression."""
    return section("mistakes", _confusion(record) + _predictions(record) + _examples(record))


def _confusion(record: dict[str, Any]) -> str:
    """The matrix, the most frequent confusions and each class's recall and precision."""
    block = mapped(record.get("confusion"))
    matrix = np.array([[v or 0.0 for v in row] for row in table_of(block.get("matrix"))], dtype=float)
    if matrix.ndim != 2 or matrix.size == 0:
        return ""
    n = min(matrix.shape)
    matrix = np.clip(matrix[:n, :n], 0, 1e15)
    given = [str(label) for label in (listed(block.get("labels")) or listed(record.get("classes")))]
    labels = [given[i] if i < len(given) else str(i) for i in range(n)]
    kept = sorted(np.argsort(-matrix.sum(1), kind="stable")[:MAX_CLASSES].tolist())
    names = [labels[i] for i in kept]
    title, note = t("confusion"), counted(record, "confusion_note")
    if n > len(kept):
        more = t("capped_classes", shown=len(kept), all=n)
        note = Words(f"{note.en} {more.en}", f"{note.ko} {more.ko}")
    x, y = t("predicted"), t("true")
    chart = heat_map(
        names, names, matrix[np.ix_(kept, kept)].tolist(), title=title, x_label=_arrow(x, " →"), y_label=_arrow(y, " ↓")
    )
    wide = len(names) > 8
    drawn = figure(title, chart, note=note, wide=wide)
    tables = [_pairs(matrix, labels), _per_class(matrix, labels, kept, counted(record, "rows"))]
    if wide:
        return grid(drawn, *(tag("div", one) for one in tables if one))
    return grid(drawn, tag("div", "".join(tables)))


def _arrow(words: Words, arrow: str) -> Words:
    return Words(words.en + arrow, words.ko + arrow)


def _pairs(matrix: np.ndarray, labels: list[str]) -> str:
    """The class pairs confused most often."""
    wrong = matrix.copy()
    np.fill_diagonal(wrong, 0)
    total = np.maximum(matrix.sum(1), 1)
    rows = []
    for flat in np.argsort(-wrong, axis=None, kind="stable")[:8].tolist():
        i, j = divmod(flat, len(labels))
        if wrong[i, j] > 0:
            words = f"{name_of(labels[i])} → {name_of(labels[j])}"
            rows.append([words, shown(wrong[i, j]), both(percent(wrong[i, j] / total[i], 0))])
    head = (_arrow(t("true"), f" → {t('predicted').en}"), t("count"), t("share_of_class"))
    head = (Words(f"{t('true').en} → {t('predicted').en}", f"{t('true').ko} → {t('predicted').ko}"), *head[1:])
    return table(head, rows, caption=t("confusions")) if rows else ""


def _per_class(matrix: np.ndarray, labels: list[str], kept: list[int], count: Words) -> str:
    """Recall and precision of each class, from the counts."""
    hits, actual, said = np.diag(matrix), matrix.sum(1), matrix.sum(0)
    rows = []
    for i in kept:
        recall = hits[i] / actual[i] if actual[i] else None
        precision = hits[i] / said[i] if said[i] else None
        rows.append([name_of(labels[i]), shown(actual[i]), both(percent(recall)), both(percent(precision))])
    head = (t("class"), count, t("recall_of"), t("precision_of"))
    return table(head, rows, caption=t("per_class"))


def _predictions(record: dict[str, Any]) -> str:
    """Scatter of predicted against true, histogram of residuals."""
    block = mapped(record.get("predictions"))
    true, predicted = numbers(block.get("true")), numbers(block.get("predicted"))
    both_known = [(a, b) for a, b in zip(true, predicted, strict=False) if a is not None and b is not None]
    if not both_known:
        return ""
    title = t("true_predicted")
    chart = scatter(true, predicted, title=title, x_label=t("true"), y_label=t("predicted"))
    residuals = np.array([b / 2 - a / 2 for a, b in both_known])
    residuals = np.clip(residuals, -1e150, 1e150) * 2
    low, high = float(residuals.min()), float(residuals.max())
    if high - low <= 1e-9 * max(abs(low), abs(high)):
        pad = abs(low) / 10 or 1.0
        low, high = low - pad, high + pad
    counts, edges = np.histogram(residuals, bins=min(40, max(8, int(len(residuals) ** 0.5) + 4)), range=(low, high))
    name = t("residuals")
    bars = histogram(edges.tolist(), counts.tolist(), title=name, zero=True, width=440.0, height=250.0)
    note = t("residuals_note", mean=shown(residuals.mean(), 3), std=shown(residuals.std(), 3))
    return grid(figure(title, chart, note=t("identity_note")), figure(name, bars, note=note))


def _examples(record: dict[str, Any]) -> str:
    """Rows the network got wrong, the surest mistakes first as given."""
    found = mappings(record.get("examples"))
    if not found:
        return ""
    if any(mapped(item.get("texts")) or mapped(item.get("images")) for item in found):
        return shown_rows(found[:MAX_ROWS], record)
    rows = []
    for item in found[:MAX_ROWS]:
        p = number(item.get("p"))
        cell = both(percent(p, 0)) + (meter(p) if p is not None else "")
        rows.append(
            [
                tag("code", name_of(_cell(item.get("row")))),
                name_of(_cell(item.get("true"))),
                name_of(_cell(item.get("predicted"))),
                cell,
            ]
        )
    head = (t("row"), t("true"), t("predicted"), t("p"))
    more = paragraph(t("more", n=shown(len(found) - MAX_ROWS)), "note") if len(found) > MAX_ROWS else ""
    return table(head, rows, caption=counted(record, "wrong_rows"), text_columns=3) + more


def _cell(value: Any) -> str:
    """A label or row number as text; an en dash for nothing."""
    if value is None or (isinstance(value, float) and number(value) is None):
        return "–"
    return clip(value, 400)
