"""Test results: every metric with its interval, and the network among its baselines."""

from __future__ import annotations

from typing import Any

from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.headline import cell, figure_text, main_score
from jindan.report.markup import both, clip, figure, grid, paragraph, section, table, tag
from jindan.report.names import baseline_name, falls, is_share, metric_name
from jindan.report.values import duration, mapped, mappings, measure, number, shown
from jindan.report.words import Text, Words, counted, joined, t
from jindan.select.clustered import over

MAX_METRICS = 12
BY_HAND = ("hog_", "sift_", "surf_")


def scores(record: dict[str, Any]) -> str:
    """The section of results."""
    metrics = mapped(record.get("metrics"))
    splits = [(split, mapped(metrics.get(split))) for split in ("test", "validation", "train")]
    splits = [(split, block) for split, block in splits if any(measure(v).value is not None for v in block.values())]
    if not splits:
        return ""
    names = list(dict.fromkeys(str(name) for _, block in splits for name in block))[:MAX_METRICS]
    score = main_score(record)
    if score is not None and score.metric in names:
        names = [score.metric, *(name for name in names if name != score.metric)]
    rows = [[both(metric_name(name)), *(cell(name, measure(block.get(name))) for _, block in splits)] for name in names]
    head: list[Text] = [t("metric"), *(t(split) for split, _ in splits)]
    figures = table(head, rows, caption=t("scores_table")) + interval_note(interval_groups(record))
    return section("scores", grid(_bars(record), tag("div", figures)) + _models(record, names))


def interval_groups(record: dict[str, Any]) -> dict[str, Any]:
    """The groups that the intervals of the figures on the most honest rows are over; nothing where rows are."""
    score = main_score(record)
    return {} if score is None else mapped(mapped(record.get("interval_groups")).get(score.split))


def interval_note(found: dict[str, Any]) -> str:
    """How intervals over groups came about, or why there are none."""
    count = number(found.get("count"))
    if count is None:
        return ""
    basis = {"column": clip(found.get("column"), 60), "count": int(count)}
    return paragraph(Words(over(basis, "en"), over(basis, "ko")), "note")


def _bars(record: dict[str, Any]) -> str:
    """The primary metric of network and baselines, best first."""
    score, baselines = main_score(record), mappings(record.get("baselines"))
    if score is None or not baselines:
        return ""
    found = [
        ("network", score.measure),
        *((str(b.get("name")), measure(mapped(b.get("metrics")).get(score.metric))) for b in baselines),
    ]
    found = [(name, m) for name, m in found if m.value is not None][:16]
    found.sort(key=lambda item: item[1].value or 0.0, reverse=not falls(score.metric))
    bars = [
        Bar(baseline_name(name), m.value, m.low, m.high, figure_text(score.metric, m), name == "network")
        for name, m in found
    ]
    low = min(m.value or 0.0 for _, m in found)
    title = t("against", metric=metric_name(score.metric))
    chart = bar_chart(
        bars, title=title, share=is_share(score.metric), floor=-1.0 if score.metric == "r2" and low < -1 else None
    )
    note = t("lower" if falls(score.metric) else "higher")
    if any(m.low is not None and m.high is not None for _, m in found):
        note = joined(note, " ", t("bars_note"))
    return figure(title, chart, note=note)


def _models(record: dict[str, Any], names: list[str]) -> str:
    """All metrics of network and baselines, the rows each learned from, and what it cost."""
    baselines, score = mappings(record.get("baselines")), main_score(record)
    if not baselines or score is None:
        return ""
    own = mapped(mapped(record.get("metrics")).get(score.split))
    spent = [number(mapped(record.get("seconds")).get(part)) for part in ("compile", "train")]
    learnt = mapped(mapped(record.get("data")).get("n")).get("train")
    blocks = [("network", own, sum(s or 0.0 for s in spent) if spent[1] is not None else None, learnt)]
    blocks += [(str(b.get("name")), mapped(b.get("metrics")), b.get("seconds"), b.get("rows")) for b in baselines]
    names = [n for n in names if any(measure(block.get(n)).value is not None for _, block, _, _ in blocks[1:])][:6]
    if not names:
        return ""
    rows = []
    for name, block, seconds, count in blocks:
        label = both(baseline_name(name))
        cells = [cell(n, measure(block.get(n))) for n in names]
        cells += [both(shown(number(count), 6)), both(duration(number(seconds)))]
        rows.append([tag("b", label) if name == "network" else label, *cells])
    head: list[Text] = [t("model"), *map(metric_name, names), counted(record, "on_train"), t("time")]
    made = any(name.startswith(BY_HAND) for name, *_ in blocks)
    return table(head, rows, caption=t("models_table"), kind="stack" if len(head) > 4 else None) + (
        paragraph(t("by_hand"), "note") if made else ""
    )
