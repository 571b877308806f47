"""Repeated trainings: folds beside the simple models on the same folds, seeds, and the members of an ensemble."""

from __future__ import annotations

from typing import Any

from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.headline import cell, t_plain, value_text
from jindan.report.markup import both, figure, grid, paragraph, section, subtitle, table, tag
from jindan.report.names import baseline_name, is_share, metric_name
from jindan.report.scores import interval_note
from jindan.report.values import listed, mapped, mappings, measure, number, numbers, shown, table_of
from jindan.report.words import Text, Words, joined, t

MOST_FOLDS = 12  # columns of a table; with more there is the mean alone
MOST_BARS = 24


def repeats(record: dict[str, Any]) -> str:
    """The section of cross-validation, seeds and ensemble; empty without them.

    >>> repeats({"name": "iris"})
    ''
    """
    folds = _folds(mapped(record.get("cross_validation")))
    charts = [_seeds(mapped(record.get("seed_spread"))), _ensemble(mapped(record.get("ensemble")))]
    return section("repeats", folds + grid(*charts))


def _folds(found: dict[str, Any]) -> str:
    """Means with intervals as bars, the verdict, each fold's figure, and the figures of all rows together."""
    metric, mean = str(found.get("metric") or ""), measure(found.get("mean"))
    if mean.value is None:
        return ""
    others = mappings(found.get("baselines"))
    lines: list[tuple[str, Any, list[float | None]]] = [("network", mean, _means(found.get("scores")))]
    lines += [(str(b.get("name")), measure(b.get("mean")), numbers(b.get("scores"))) for b in others]
    bars = [Bar(baseline_name(name), m.value, m.low, m.high, value_text(metric, m.value), name == "network")
            for name, m, _ in lines if m.value is not None]  # fmt: skip
    title = t("cv_title", folds=shown(found.get("folds")), metric=metric_name(metric))
    low = min(bar.value or 0.0 for bar in bars)
    floor = -1.0 if metric == "r2" and low < -1 else None
    chart = figure(title, bar_chart(bars, title=title, share=is_share(metric), floor=floor), note=t("cv_note"))
    count = len(lines[0][2]) if len(lines[0][2]) <= MOST_FOLDS else 0
    head: list[Text] = [t("model"), t("cv_mean"), *(t("cv_fold", n=k + 1) for k in range(count))]
    rows = []
    for name, m, each in lines:
        label = both(baseline_name(name))
        cells = [both(value_text(metric, value)) for value in [*each, *[None] * count][:count]]
        rows.append([tag("b", label) if name == "network" else label, cell(metric, m), *cells])
    pooled = mapped(found.get("pooled"))
    together = [[both(metric_name(str(n))), cell(str(n), measure(v))] for n, v in pooled.items()]
    whole = table([t("metric"), t("cv_value")], together, caption=t("cv_pooled")) if together else ""
    whole += interval_note(mapped(found.get("groups")))
    told = t("cv_lead", rows=shown(sum(n or 0 for n in numbers(found.get("rows")))))
    lead = paragraph(joined(told, t("cv_watched")) if found.get("watched") else told)
    rare = "".join(
        paragraph(t("cv_rare", label=str(pair[0]), count=shown(pair[1])), "note")
        for pair in map(listed, listed(found.get("rare"))) if len(pair) == 2
    )  # fmt: skip
    verdict = paragraph(_verdict(found, metric))
    return (
        subtitle("cv")
        + lead
        + verdict
        + grid(chart, tag("div", whole))
        + table(head, rows, caption=t("cv_table"))
        + rare
    )


def _verdict(found: dict[str, Any], metric: str) -> Words:
    beside, kind = mapped(found.get("comparison")), str(found.get("verdict"))
    if kind not in ("better", "same", "worse") or number(beside.get("difference")) is None:
        return t("cv_unknown")
    middle, low, high = (_difference(beside.get(name), metric) for name in ("difference", "low", "high"))
    p = number(beside.get("p"))
    said = "–" if p is None else "< 0.001" if p < 0.001 else f"= {p:.3f}"
    name = baseline_name(str(found.get("best_baseline")))
    span = Words(f"{middle.en} (95 %: {low.en} … {high.en})", f"{middle.ko}(95%: {low.ko} … {high.ko})")
    return t(f"cv_{kind}", name=name, span=span, p=said)


def _difference(value: Any, metric: str) -> Words:
    """A difference with its sign; of shares in points."""
    x = number(value)
    if x is None:
        return Words("–", "–")
    sign = "+" if x > 0 else ""
    if not is_share(metric):
        return t_plain(sign + shown(x, 3))
    text = (sign + f"{100 * x:.1f}").replace("-", "−")
    return Words(f"{text} points", f"{text}%p")


def _seeds(found: dict[str, Any]) -> str:
    metric, mean = str(found.get("metric") or ""), number(found.get("mean"))
    values = numbers(mapped(found.get("scores")).get(metric))
    if mean is None or not values:
        return ""
    said = {
        name: value_text(metric, number(found.get(key)))
        for name, key in (("mean", "mean"), ("low", "min"), ("high", "max"), ("std", "std"), ("kept", "kept"))
    }
    words = t("seeds_text", n=len(values), metric=metric_name(metric), part=_part(found), **said)  # fmt: skip
    names = [t("seed_n", n=shown(seed)) for seed in listed(found.get("seeds"))]
    return _bars(names, values, metric, t("seeds_title"), words)


def _ensemble(found: dict[str, Any]) -> str:
    metric, together = str(found.get("metric") or ""), number(found.get("together"))
    values = numbers(found.get("scores"))
    if together is None:
        return ""
    mean = value_text(metric, number(found.get("mean_of_members")))
    words = t("ensemble_text", n=shown(found.get("members")), metric=metric_name(metric), part=_part(found), mean=mean,
              together=value_text(metric, together))  # fmt: skip
    names: list[Words] = [t("together"), *(t("member_n", n=k + 1) for k in range(len(values)))]
    return _bars(names, [together, *values], metric, t("ensemble_title"), words)


def _bars(names: list[Words], values: list[float | None], metric: str, title: Words, note: Words) -> str:
    """The first of them is the one to look at."""
    bars = [Bar(name, value, None, None, value_text(metric, value), k == 0)
            for k, (name, value) in enumerate(zip(names, values, strict=False))][:MOST_BARS]  # fmt: skip
    low = min((v for v in values if v is not None), default=0.0)
    chart = bar_chart(bars, title=title, share=is_share(metric), floor=-1.0 if metric == "r2" and low < -1 else None)
    return figure(title, chart, note=note)


def _part(found: dict[str, Any]) -> Words:
    part = found.get("part")
    return t(part if part in ("train", "validation", "test") else "test")


def _means(scores: Any) -> list[float | None]:
    """Each fold's mean over seeds."""
    found = []
    for column in zip(*table_of(scores), strict=True):
        known = [value for value in column if value is not None]
        found.append(sum(known) / len(known) if known else None)
    return found
