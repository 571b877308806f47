"""What the terminal shows of a training that was repeated: folds, seeds, members."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ..report.names import baseline_name, is_share, metric_name
from ..report.values import measure
from .words import say


def show_repeated(console: Console, record: dict[str, Any], lang: str) -> None:
    """Cross-validation beside the simple models, the spread over seeds, what an ensemble gains."""
    if "cross_validation" in record:
        _folds(console, record["cross_validation"], lang)
    if "seed_spread" in record:
        _seeds(console, record["seed_spread"], lang)
    if "ensemble" in record:
        _ensemble(console, record["ensemble"], lang)


def _folds(console: Console, found: dict[str, Any], lang: str) -> None:
    from .show import in_language, number_text, show_remark, span_text

    metric, name = found["metric"], in_language(metric_name(found["metric"]), lang)
    seeds = say("folds_seeds", lang, seeds=len(found["seeds"])) if len(found["seeds"]) > 1 else ""
    title = say("folds_title", lang, folds=found["folds"], seeds=seeds, metric=name)
    table = Table(title=title, title_justify="left", title_style="bold", box=None, header_style="bold", pad_edge=False,
                  padding=(0, 2, 0, 0))  # fmt: skip
    table.add_column("", no_wrap=True)
    table.add_column(say("folds_mean", lang), justify="right", no_wrap=True)
    table.add_column("95%", justify="right", no_wrap=True)
    table.add_column(say("folds_each", lang))
    own = [None if None in column else sum(column) / len(column) for column in zip(*found["scores"], strict=True)]
    rows = [(say("network", lang), found["mean"], own, "bold")]
    rows += [(in_language(baseline_name(b["name"]), lang), b["mean"], b["scores"], "") for b in found["baselines"]]
    for label, mean, scores, style in rows:
        score = measure(mean)
        each = " ".join(number_text(metric, value) for value in scores)
        span = span_text(metric, score.low, score.high)
        table.add_row(label, number_text(metric, score.value), span, each, style=style)
    console.print()
    console.print(table)
    beside = found["comparison"] or {}
    values = {"difference": _signed(metric, beside.get("difference"), lang), "p": _short(beside.get("p"))}
    best = in_language(baseline_name(found["best_baseline"] or ""), lang)
    style = {"better": "green", "worse": "red"}.get(found["verdict"], "yellow")
    console.print(Text(say(f"folds_{found['verdict']}", lang, name=best, **values), style=style))
    for label, count in found["rare"]:
        show_remark(console, say("folds_rare", lang, label=label, count=count, folds=found["folds"]))


def _seeds(console: Console, found: dict[str, Any], lang: str) -> None:
    from .show import in_language, number_text, show_remark

    metric = found["metric"]
    values = {name: number_text(metric, found[name]) for name in ("mean", "min", "max", "std", "kept")}
    words = say("seed_spread", lang, seeds=len(found["seeds"]), metric=in_language(metric_name(metric), lang),
                part=say(found["part"], lang), **values)  # fmt: skip
    if (found["luck"] or 0.0) > 1:
        words += " " + say("seed_luck", lang)
    show_remark(console, words)


def _ensemble(console: Console, found: dict[str, Any], lang: str) -> None:
    from .show import in_language, number_text, show_remark

    metric = found["metric"]
    together, mean = (number_text(metric, found[name]) for name in ("together", "mean_of_members"))
    words = say("ensemble_of", lang, members=found["members"], metric=in_language(metric_name(metric), lang),
                together=together, mean=mean)  # fmt: skip
    show_remark(console, words)


def _signed(metric: str, value: float | None, lang: str) -> str:
    """A difference with its sign; of shares in points."""
    if value is None:
        return "–"
    unit = ("%p" if lang == "ko" else " points") if is_share(metric) else ""
    return (f"{100 * value:+.1f}{unit}" if is_share(metric) else f"{value:+.3g}").replace("-", "−")


def _short(value: float | None) -> str:
    return "–" if value is None else "< 0.001" if value < 0.001 else f"= {value:.3f}"
