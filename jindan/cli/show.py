"""What people read in the terminal: the summary of a run, of scores, of a table."""

from __future__ import annotations

import math
import re
import shlex
import sys
from pathlib import Path
from typing import Any, TextIO, cast

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ..data.look_words import sentence as remark
from ..report.findings import leak
from ..report.headline import best_baseline, main_score, sentence, verdict_of
from ..report.markup import clip
from ..report.names import baseline_name, falls, is_share, metric_name
from ..report.relied import fell
from ..report.values import measure
from ..runs.finishing import judged_part
from ..select.clustered import over
from .show_repeats import show_repeated
from .words import SHORT, say

LONGEST = 60
"""Characters of a value in a list of values."""
FEW = 5
"""Classes or values of a feature that a line tells of."""
RELIED, LEAST_FALL = 3, 0.005
"""Columns that are named as what a network relies on, and how far its score must fall without one."""
MARKS = {"error": ("✗", "red"), "warning": ("!", "yellow"), "info": ("·", "blue")}


class Terminal(Console):
    """A console whose reader (head, less) may leave."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        raise BrokenPipeError


class Trimmed:
    """Standard output for files and pipes: without the spaces that tables are filled up with on the right."""

    def write(self, text: str) -> int:
        return sys.stdout.write(re.sub(r" +(?=\n)", "", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.stdout, name)


def terminal() -> Terminal:
    """Where everything here is printed."""
    file = None if sys.stdout.isatty() else cast(TextIO, Trimmed())
    return Terminal(file=file, highlight=False, soft_wrap=False)


def show_run(record: dict[str, Any], folder: Path, lang: str) -> None:
    """Result, baselines, findings, and what to do next."""
    console = terminal()
    score = main_score(record)
    console.print()
    if score is not None:
        console.print(Text(_close(in_language(sentence(record, score), lang)), style="bold"))
        console.print(_verdict(record, score, lang))
    console.print()
    if record["baselines"]:
        console.print(_scores_table(record, lang))
    show_repeated(console, record, lang)
    _findings(console, record, lang)
    if line := _relied(record.get("relied_on"), lang):
        show_remark(console, line)
    if record.get("time_order"):
        show_remark(console, say("time_order", lang, column=record["time_order"].get("column")))
    if parted := record["data"].get("parted"):
        show_remark(console, remark(f"parted-by-{parted['by']}", parted, lang))
    _columns(console, record["data"], lang)
    for note in record.get("untold", {}).get(lang, ()):
        show_remark(console, note)
    for item in record.get("inputs", ()):
        show_remark(console, _input(item, lang))
    n = record["data"]["n"]
    epochs = len(record["history"].get("loss", []))
    stopped = say("stopped_early", lang, epoch=record["best_epoch"] + 1) if record.get("stopped_early") else ""
    unfinished = record.get("unfinished")
    if unfinished:
        stopped = say(f"unfinished_{unfinished}", lang, epochs=record["plan"]["epochs"])
    training = say("training", lang, train=n["train"], validation=n["validation"], test=n["test"], epochs=epochs,
                   seconds=f"{record['seconds']['total']:.1f}")  # fmt: skip
    console.print(training.replace("; 1 epochs;", "; 1 epoch;") + stopped, style="dim")
    console.print()
    console.print(Text(say("next", lang)))
    place = shlex.quote(str(folder))
    rows = "FOLDER" if record.get("images") else "NEW.csv"
    lines = [f"jindan report {place} --open", f"jindan predict {place} {rows} --out predictions.csv"]
    if any(finding["severity"] != "info" for finding in record["findings"]) and not record.get("ensemble"):
        lines.append(f"jindan diagnose {place} --repair")
    for line in ([f"jindan resume {place}"] if unfinished else []) + lines:
        console.print(Text(f"  {line}", style="cyan"), soft_wrap=True)


def _relied(block: dict[str, Any] | None, lang: str) -> str:
    """The columns without which the score falls most, where it falls by more than the shuffles differ."""
    if block is None:
        return ""
    most = [f for f in block["features"] if f["importance"] > max(f["std"], LEAST_FALL)][:RELIED]
    if not most:
        return ""
    names = ", ".join(f"{clip(f['feature'], 30)} ({fell(f['importance'])})" for f in most)
    return say("relied_on", lang, names=names, metric=in_language(metric_name(block["scoring"]), lang))


def _columns(console: Console, data: dict[str, Any], lang: str) -> None:
    """Columns left out and why, and columns of text that are mostly numbers."""
    strange = {}
    for column in data["columns"]:
        if column.get("odd"):
            count, row, value = column["odd"]
            strange[column["name"]] = say("mostly_numbers", lang, count=count, row=row, value=value)
    reasons = []
    for name, why in data["dropped"]:
        more = f"; {strange.pop(name)}" if name in strange else ""
        reasons.append(f"{name} ({say('why_' + why, lang)}{more})")
    if reasons:
        show_remark(console, say("dropped", lang, names=", ".join(reasons)))
    for name, text in strange.items():
        show_remark(console, say("as_text", lang, name=name, strange=text))


def _input(item: dict[str, Any], lang: str) -> str:
    """How the network reads a column of text or images."""
    if item["kind"] == "text":
        tokens = say(f"tokens_{item['tokens']}", lang, n=item.get("pieces"))
        values = {"tokens": tokens, "vocabulary": item["vocabulary"], "length": item["shape"][0]}
        return say("input_text", lang, name=item["name"], **values)
    height, width, channels = item["shape"]
    colours = say("grey" if channels == 1 else "colours", lang)
    values = {"height": height, "width": width, "colours": colours, "shift": f"{item['shifted']:.0%}"}
    return say("input_image", lang, name=item["name"], **values)


def show_images(seen: Any, lang: str) -> None:
    """Classes and remarks of a set of images."""
    console, body = terminal(), seen.to_dict()
    height, width, channels = body["shape"]
    colours = say("grey" if channels == 1 else "colours", lang)
    words = say("images_size", lang, name=body["name"], images=body["images"], height=height, width=width)
    console.print(Text(f"{words} ({colours})"))
    parts = {"train": body, **body["parts"]}
    if body["classes"]:
        table = Table(box=None, header_style="bold")
        table.add_column(say("class", lang))
        for name in parts:
            table.add_column(say(name, lang), justify="right")
        for label in body["classes"]:
            table.add_row(Text(label), *(str(part["classes"].get(label, "")) for part in parts.values()))
        console.print(table)
    for note in seen.notes(lang):
        show_remark(console, note)


def show_scores(scores: dict[str, Any], rows: int, lang: str, basis: dict[str, Any] | None = None) -> None:
    """Figures with intervals, and the groups these are over, which the rows may not name."""
    table = Table(title=say("scores_of", lang, rows=rows), title_justify="left", box=None)
    table.add_column(say("figure", lang), no_wrap=True)
    table.add_column(say("value", lang), justify="right", no_wrap=True)
    table.add_column("95%", justify="right", no_wrap=True)
    for name, score in scores.items():
        label = in_language(metric_name(name), lang)
        table.add_row(label, number_text(name, score.value), span_text(name, score.low, score.high))
    console = terminal()
    console.print(table)
    if basis is not None:
        show_remark(console, over(basis, lang) if basis["count"] else remark("groups-unknown", basis, lang))


def show_look(seen: Any, lang: str) -> None:
    """Columns, target and remarks of a table."""
    console, body = terminal(), seen.to_dict()
    console.print(Text(say("table_size", lang, name=body["name"], rows=body["rows"], columns=len(body["columns"]))))
    table = Table(box=None, header_style="bold")
    for name, justify in (("column", "left"), ("kind", "left"), ("missing", "right"), ("unique", "right"),
                          ("values", "left")):  # fmt: skip
        table.add_column(say(name, lang), justify=justify)  # type: ignore[arg-type]
    for column in body["columns"]:
        table.add_row(
            Text(column["name"]), say(f"kind_{column['kind']}", lang), str(column["missing"] or ""),
            str(column["unique"]), Text(_values(column, lang)),
        )  # fmt: skip
    console.print(table)
    target = body["target"]
    if target and target["task"] is not None:  # what is wrong with one that cannot be predicted stands in the notes
        console.print()
        reason = target[f"reason_{lang}"]
        console.print(Text(say("target_is", lang, name=target["name"], task=say(target["task"], lang)) + " " + reason))
        if target.get("classes"):
            shares = "  ".join(f"{n} {s:.0%}" for n, s in zip(target["classes"], target["shares"], strict=True))
            console.print(Text("  " + shares))
        strongest = [row for row in body["associations"] if row["value"] is not None][:8]
        if strongest:
            console.print(Text(say("goes_with", lang)))
            for row in strongest:
                console.print(Text(f"  {row['column']:24} {row['value']:.2f}  {say(row['measure'].strip('|'), lang)}"))
                beside = _beside_target(body["by_target"].get(row["column"], {}), target, lang)
                if beside:
                    console.print(Padding(Text(beside, style="dim"), (0, 0, 0, 4)))
    notes = seen.notes(lang)
    if notes:
        console.print()
        for note in notes:
            show_remark(console, note)


def _beside_target(known: dict[str, Any], target: dict[str, Any], lang: str) -> str:
    """Of a feature the mean by class, or by value the most frequent class or the target's mean; the first few."""
    classes = [str(name) for name in target.get("classes") or ()]
    means = [number_text("mean", mean) for mean in known.get("mean", ())]
    values = [clip(value, 24) for value in known.get("category", ())]
    if not values:
        return _few("mean_by_class", [f"{c}: {m}" for c, m in zip(classes, means, strict=False)], lang)
    if known.get("shares"):
        most = [max(zip(shares, classes, strict=True), key=lambda pair: pair[0]) for shares in known["shares"]]
        return _few("class_by_value", [f"{v} → {c} ({s:.0%})" for v, (s, c) in zip(values, most, strict=True)], lang)
    return _few("target_by_value", [f"{v}: {m}" for v, m in zip(values, means, strict=True)], lang)


def _few(key: str, entries: list[str], lang: str) -> str:
    return f"{say(key, lang)}: {' · '.join([*entries[:FEW], *['…'] * (len(entries) > FEW)])}" if entries else ""


def _verdict(record: dict[str, Any], score: Any, lang: str) -> Text:
    best = best_baseline(record, score.metric)
    if best is None:
        return Text("")
    name, other = best
    kind = verdict_of(score.measure, other, smaller=falls(score.metric))
    style = {"better": "green", "worse": "red"}.get(kind, "yellow")
    if kind == "unknown" and score.measure.low is None and record.get("interval_groups"):
        kind = "groups"
    return Text(say(f"verdict_{kind}", lang, name=in_language(baseline_name(name), lang)), style=style)


def _scores_table(record: dict[str, Any], lang: str) -> Table:
    part = judged_part(record)
    own = record["metrics"][part]
    primary = record["metrics"]["primary"]
    names = [primary, *[n for n in ("f1", "roc_auc", "mae", "rmse") if n in own and n != primary]]
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(say(f"on_{part}", lang), no_wrap=True)
    for name in names:
        table.add_column(SHORT.get(name) or in_language(metric_name(name), lang), justify="right", no_wrap=True)
        if name == primary:
            table.add_column("95%", justify="right", no_wrap=True)
    rows = [(say("network", lang), own, True)]
    rows += [(in_language(baseline_name(b["name"]), lang), b["metrics"], False) for b in record["baselines"]]
    for label, metrics, mine in rows:
        cells = []
        for name in names:
            found = measure(metrics.get(name))
            cells.append(number_text(name, found.value))
            if name == primary:
                cells.append(span_text(name, found.low, found.high))
        table.add_row(label, *cells, style="bold" if mine else "")
    return table


def _findings(console: Console, record: dict[str, Any], lang: str) -> None:
    for finding in record["findings"]:
        mark, style = MARKS[finding["severity"]]
        words = finding["text"][lang]
        console.print()
        console.print(
            Text(f"{mark} {words['title']} ", style=f"bold {style}") + Text(f"({finding['code']})", style="dim")
        )
        console.print(_indented(words["summary"]))
        if (told := leak(finding, record)) is not None:
            column = finding["evidence"]["column"]
            console.print(_indented(in_language(told, lang)))
            console.print(Text(f"  {say('help', lang)}: --drop {shlex.quote(column)}", style="cyan"), soft_wrap=True)
    if record["findings"]:
        console.print()


def show_remark(console: Console, text: str) -> None:
    """A paragraph behind a point."""
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column()
    # A word that just fits would lose its end where the space after it does not.
    grid.add_column(overflow="fold")
    grid.add_row(Text("·", style="blue"), Text(_close(text)))
    console.print(grid)


def _indented(text: str) -> Padding:
    return Padding(Text(_close(text)), (0, 0, 0, 2))


def _values(column: dict[str, Any], lang: str) -> str:
    if column["top"]:
        return ", ".join(f"{clip(value, LONGEST)} ({count})" for value, count in column["top"][:4])
    if column["mean"] is not None:
        figures = say("mean_sd", lang, mean=f"{column['mean']:.4g}", std=f"{column['std']:.4g}")
        return f"{column['min']:.4g} … {column['max']:.4g}, {figures}"
    if column.get("first"):
        return f"{column['first']} … {column['last']}".replace("T00:00:00", "")
    return ""


def number_text(name: str, value: float | None) -> str:
    """A figure as a table shows it: shares in percent.

    >>> number_text("accuracy", 0.987), number_text("mae", 1.23456), number_text("mae", None)
    ('98.7%', '1.235', '–')
    """
    if value is None or not math.isfinite(value):
        return "–"
    if is_share(name):
        return f"{100 * value:.1f}%"
    # R², areas and log losses are compared by their third place; errors by their leading figures.
    if name in ("r2", "roc_auc", "log_loss") and abs(value) < 1000:
        short = f"{value:.3f}"
    else:
        short = f"{value:.0f}" if 1000 <= abs(value) < 1e7 else f"{value:#.4g}"
    return "0.000" if short == "-0.000" else short.replace("-", "−")


def span_text(name: str, low: float | None, high: float | None) -> str:
    """An interval as a table shows it."""
    if low is None or high is None:
        return "–"
    if is_share(name):
        return f"{100 * low:.1f}–{100 * high:.1f}%"
    return f"{number_text(name, low)} … {number_text(name, high)}"


def _close(text: str) -> str:
    """A number stays on one line with its per cent sign."""
    return text.replace("\u202f%", "%").replace(" %", "%")


def in_language(text: Any, lang: str) -> str:
    """One language of a text that has several."""
    if isinstance(text, str):
        return text
    return getattr(text, lang, None) or str(text)
