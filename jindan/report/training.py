"""How the training went: learning curves, their figures, and where the time was spent."""

from __future__ import annotations

from typing import Any

from jindan.report.charts import Curve, line_chart
from jindan.report.headline import value_text
from jindan.report.markup import both, clip, esc, figure, grid, meter, section, table, tag
from jindan.report.names import bare, is_share, metric_name
from jindan.report.values import duration, mapped, number, numbers, shown
from jindan.report.words import Text, Words, joined, t

MAX_CHARTS = 12


def curves(record: dict[str, Any]) -> str:
    """A chart a metric, training beside validation, and a table of first, best and last values."""
    history = {str(key): numbers(values) for key, values in mapped(record.get("history")).items()}
    history = {key: values for key, values in history.items() if values}
    if not history:
        return ""
    best = _index(record.get("best_epoch"))
    names = sorted({bare(key) for key in history}, key=lambda name: (name == "learning_rate", name != "loss"))
    order = list(dict.fromkeys(bare(key) for key in history))
    names.sort(key=lambda name: (name == "learning_rate", name != "loss", order.index(name)))
    drawn = [_chart(name, history, best) for name in names[:MAX_CHARTS]]
    return section("curves", grid(*drawn) + _figures(names, history), lead=_lead(record, history, best))


def _index(value: Any) -> int | None:
    x = number(value)
    return int(x) if x is not None and 0 <= x < 1e12 else None


def _chart(name: str, history: dict[str, list[float | None]], best: int | None) -> str:
    """Training and validation of one metric; the loss on a logarithmic axis where it spans decades."""
    train, validation = history.get(name, []), history.get(f"val_{name}", [])
    if name == "learning_rate" and len({v for v in train if v is not None}) < 2:
        return ""
    known = [v for v in (*train, *validation) if v is not None]
    log = bool(known) and min(known) > 0 and max(known) / min(known) > 30 and not is_share(name)
    lines = [Curve(t("train"), train, 0)] if train and name != "learning_rate" else [Curve(metric_name(name), train, 2)]
    lines += [Curve(t("validation"), validation, 1)] if validation else []
    title = joined(metric_name(name), ", ", t("log_scale")) if log else metric_name(name)
    mark = best if name != "learning_rate" else None
    chart = line_chart(lines, title=title, x_label=t("epoch"), mark=mark, log=log, share=is_share(name))
    return figure(title, chart, note=_gaps(train, validation))


def _gaps(*lines: list[float | None]) -> Text | None:
    """A sentence on values that are not finite."""
    where = sorted(index for line in lines for index, value in enumerate(line) if value is None)
    return t("not_finite", count=shown(len(where)), n=where[0] + 1) if where else None


def _lead(record: dict[str, Any], history: dict[str, list[float | None]], best: int | None) -> Words:
    count = max(map(len, history.values()))
    if count == 1:
        return t("ran_once")
    if best is None or best >= count:
        return t("ran", n=shown(count))
    early = record.get("stopped_early") is True
    return t("stopped_early" if early else "ran_through", n=shown(count), best=shown(best + 1))


def _figures(names: list[str], history: dict[str, list[float | None]]) -> str:
    """First, lowest, highest and last value of every curve: the charts for those who cannot see them."""
    rows = []
    for name in names:
        for key, split in ((name, "train"), (f"val_{name}", "validation")):
            values = [(v, i) for i, v in enumerate(history.get(key, [])) if v is not None]
            if values:
                label = both(metric_name(name)) + ("" if name == "learning_rate" else ", " + both(t(split)))
                low, high = min(values), max(values)
                ends = (values[0][0], values[-1][0])
                cells = [both(value_text(name, v)) for v in ends]
                spread = [both(value_text(name, v)) + _at(i) for v, i in (low, high)]
                rows.append([label, cells[0], *spread, cells[1]])
    head = (t("curve"), t("first"), t("lowest"), t("highest"), t("last"))
    inside = table(head, rows, caption=t("curve_numbers"))
    return tag("details", tag("summary", both(t("curve_numbers"))) + inside) if rows else ""


def _at(index: int) -> str:
    return tag("small", " · " + both(t("epoch_n", n=index + 1)))


def timing(record: dict[str, Any]) -> str:
    """Seconds by part, steps a second, and the command that made the run."""
    seconds = {str(k): number(v) for k, v in mapped(record.get("seconds")).items()}
    total = seconds.get("total") or sum(v for k, v in seconds.items() if v and k != "total") or None
    rows = []
    for key, value in sorted(seconds.items(), key=lambda item: (item[0] == "total", -(item[1] or 0.0))):
        if value is not None and value >= 0:
            rows.append([_part(key), both(duration(value)), meter(value / total if total else None)])
    steps, train = number(record.get("steps")), seconds.get("train")
    content = table((t("part"), t("time"), t("share")), rows, caption=t("timing")) if rows else ""
    lead = t("steps", n=shown(steps), rate=shown(steps / train, 3)) if steps and train and train > 0 else None
    if record.get("command"):
        content += tag(
            "p", both(t("command")) + ": " + tag("code", esc(clip(record["command"], 600))), class_="command"
        )
    return section("timing", content, lead=lead)


def _part(key: str) -> str:
    try:
        return both(t(f"seconds_{key}"))
    except KeyError:
        return esc(clip(key.replace("_", " "), 60))
