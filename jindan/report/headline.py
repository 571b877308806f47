"""The first screen: one sentence, one number, and an honest verdict against the best baseline."""

from __future__ import annotations

from typing import Any, NamedTuple

from jindan.report.markup import both, clip, esc, paragraph, section, tag
from jindan.report.names import bare, baseline_name, falls, is_share, metric_name
from jindan.report.values import (
    Measure,
    alike,
    duration,
    listed,
    mapped,
    mappings,
    measure,
    number,
    percent,
    shown,
    span,
)
from jindan.report.words import Text, Words, counted, t
from jindan.select.verdicts import verdict_of

TRIVIAL = ("majority", "mean", "median")
_ERRORS = {"mae": "h_mae", "mean_absolute_error": "h_mae", "rmse": "h_rmse", "root_mean_squared_error": "h_rmse"}


class Score(NamedTuple):
    """The score the page is about: which metric, on which rows, and its value."""

    metric: str
    split: str
    measure: Measure


def main_score(record: dict[str, Any]) -> Score | None:
    """The primary metric on the most honest rows there are: test, else validation, else training."""
    metrics = mapped(record.get("metrics"))
    for split in ("test", "validation", "train"):
        block = mapped(metrics.get(split))
        usual = ["r2", "mae", "rmse", "mse"] if record.get("task") == "regression" else ["accuracy", "f1", "loss"]
        wanted = metrics.get("primary")
        for name in [*([wanted] if isinstance(wanted, str) else []), *usual, *map(str, block)]:
            found = measure(block.get(name))
            if found.value is not None:
                return Score(name, split, found)
    return None


def best_baseline(record: dict[str, Any], metric: str) -> tuple[str, Measure] | None:
    """The baseline with the best value of the metric."""
    found = [
        (str(b.get("name")), measure(mapped(b.get("metrics")).get(metric))) for b in mappings(record.get("baselines"))
    ]
    scored = [(m.value, name, m) for name, m in found if m.value is not None]
    if not scored:
        return None
    _, name, best = (min if falls(metric) else max)(scored, key=lambda item: item[0])
    return name, best


def value_text(metric: str, value: float | None) -> Text:
    """A metric's value as people read it: shares in per cent, the rest as numbers."""
    return percent(value) if is_share(metric) else shown(value, 4)


def figure_text(metric: str, found: Measure) -> Words:
    """The value alone, written as beside its interval."""
    if is_share(metric) or None in found:
        return t_plain(value_text(metric, found.value))
    return t_plain(alike(*found)[0])


def with_interval(metric: str, found: Measure) -> Words:
    """`96.7 % (83–99 %)`, or the value alone."""
    value, interval = figure_text(metric, found), span(found.low, found.high, share=is_share(metric))
    if interval is None:
        return value
    return Words(f"{value.en} ({interval.en})", f"{value.ko}({interval.ko})")


def cell(metric: str, found: Measure) -> str:
    """The same as markup for a table: the interval goes below its value where there is no room beside it."""
    value, interval = figure_text(metric, found), span(found.low, found.high, share=is_share(metric))
    if interval is None:
        return both(value)
    parts = []
    for lang, first, last, gap in (("en", value.en, interval.en, " "), ("ko", value.ko, interval.ko, "<wbr/>")):
        # Numbers with powers of ten are long: those alone are broken inside.
        ends = f"({last})".split("–") if "×" in last else [f"({last})"]
        text = "–<wbr/>".join(tag("span", esc(end), class_="nb") for end in ends)
        parts.append(tag("span", tag("span", esc(first), class_="nb") + gap + text, lang=lang, class_="m"))
    return "".join(parts)


def t_plain(text: Text) -> Words:
    """A text as a pair."""
    return text if isinstance(text, Words) else Words(text, text)


def _place(record: dict[str, Any], score: Score) -> Words:
    """The rows a score is of; those that a run gone on from was trained on are not unseen ones."""
    seen = mapped(record.get("seen_before")).get("count")
    return counted(record, "on_seen" if score.split == "test" and seen else f"on_{score.split}")


def sentence(record: dict[str, Any], score: Score) -> Words:
    """The result as one sentence a lay person understands."""
    name, found = bare(score.metric), score.measure
    rows, target = _place(record, score), _target(record)
    trivial = _trivial(record, score)
    if name == "accuracy":
        return t(
            "h_accuracy", value=percent(found.value), rows=rows, interval=_interval(found, share=True), trivial=trivial
        )
    if name == "r2" and found.value is not None:
        if found.value < 0:
            interval = _interval(found, share=False, inside=True)
            return t("h_r2_bad", value=shown(found.value, 3), rows=rows, target=target, interval=interval,
                     trivial=trivial)  # fmt: skip
        interval = _interval(found, share=True)
        return t("h_r2", value=percent(found.value), rows=rows, target=target, interval=interval, trivial=trivial)
    key = _ERRORS.get(name, "h_other")
    interval = _interval(found, share=is_share(name))
    value = figure_text(name, found)
    return t(key, value=value, rows=rows, metric=metric_name(name), interval=interval, trivial=trivial)


def _target(record: dict[str, Any]) -> Words:
    name = record.get("target")
    if not isinstance(name, str) or not name:
        return t("the_target")
    return Words(f"“{clip(name, 40)}”", f"‘{clip(name, 40)}’")


def _interval(found: Measure, *, share: bool, inside: bool = False) -> Text:
    words = span(found.low, found.high, share=share)
    return "" if words is None else t("h_interval_in" if inside else "h_interval", span=words)


def _trivial(record: dict[str, Any], score: Score) -> Text:
    """What a guess that ignores the inputs reaches, as the end of the sentence."""
    for baseline in mappings(record.get("baselines")):
        name, value = baseline.get("name"), measure(mapped(baseline.get("metrics")).get(score.metric)).value
        if name not in TRIVIAL or value is None:
            continue
        metric = bare(score.metric)
        if metric == "accuracy" and name == "majority":
            return t("majority_gets", value=percent(value))
        if metric == "r2" and name == "mean" and value > -0.5:
            return t("mean_explains", value=percent(max(value, 0.0), 0))
        if metric in _ERRORS and name == "mean":
            return t("mean_off", value=shown(value, 4))
        return t("trivial_reaches", name=baseline_name(str(name)), value=value_text(metric, value))
    return ""


def verdict(record: dict[str, Any], score: Score) -> str:
    """The box that says whether the network beats the best baseline."""
    best = best_baseline(record, score.metric)
    if best is None:
        return ""
    name, other = best
    kind = verdict_of(score.measure, other, smaller=falls(score.metric))
    value = figure_text(score.metric, other)
    words = span(other.low, other.high, share=is_share(score.metric))
    interval = "" if words is None else Words(f" ({words.en})", f"({words.ko})")
    figures = t(
        "v_figures",
        name=baseline_name(name),
        metric=metric_name(score.metric),
        value=value,
        interval=interval,
        own=with_interval(score.metric, score.measure),
    )
    why = "v_same_trivial" if name in TRIVIAL and kind in ("same", "worse") else f"v_{kind}_why"
    text = tag("strong", both(t(f"v_{kind}"))) + " " + both(figures) + " " + both(counted(record, why))
    return tag("p", text, class_=f"verdict {kind}")


def facts(record: dict[str, Any]) -> str:
    """The small row of facts under the sentence: task, target, rows, parameters, epochs, time."""
    data, history = mapped(record.get("data")), mapped(record.get("history"))
    found: list[tuple[str, Text]] = []
    if record.get("task") in ("multiclass", "binary", "regression"):
        found.append(("task", t(str(record["task"]))))
    if record.get("target") is not None:
        found.append(("target", clip(record["target"], 40)))
    for key, value in (("rows", data.get("rows")), ("parameters", record.get("parameters"))):
        if number(value) is not None:
            found.append((key, shown(value, 6)))
    longest = max((len(listed(values)) for values in history.values()), default=0)
    if longest:
        found.append(("epochs", shown(longest)))
    total = mapped(record.get("seconds")).get("total")
    if number(total) is not None:
        found.append(("time", duration(total)))
    items = "".join(tag("div", tag("dt", both(counted(record, key))) + tag("dd", both(value))) for key, value in found)
    return tag("dl", items, class_="facts") if items else ""


def cautions(record: dict[str, Any], score: Score) -> list[Words]:
    """Why the figure is better than the truth."""
    found = []
    for finding in mappings(record.get("findings")):
        column = mapped(finding.get("evidence")).get("column")
        if finding.get("code") == "data-leakage" and column is not None:
            found.append(t("leaks", column=clip(column, 40)))
    order = mapped(record.get("time_order"))
    if order:
        found.append(t("in_order", column=clip(order.get("column"), 40)))
    seen = mapped(record.get("seen_before"))
    if score.split == "test" and seen.get("count"):
        found.append(
            t("seen_before", run=clip(seen.get("run"), 60), count=shown(seen["count"]), n=shown(seen.get("rows")))
        )
    if score.split != "test":
        found.append(counted(record, "not_test"))
    return found


def headline(record: dict[str, Any]) -> str:
    """The section that opens the page."""
    score = main_score(record)
    if score is None:
        return section("result", paragraph(t("h_none"), "sentence") + facts(record))
    name = bare(score.metric)
    as_share = is_share(name) or (name == "r2" and (score.measure.value or 0) >= 0)
    big = percent(score.measure.value) if as_share else shown(score.measure.value, 4)
    label = both(metric_name(name)) + ", " + both(_place(record, score))
    number_block = tag("p", tag("b", both(big)) + tag("span", label, class_="unit"), class_="big")
    caution = "".join(paragraph(words, "verdict worse") for words in cautions(record, score))
    text = tag("div", paragraph(sentence(record, score), "sentence") + caution + verdict(record, score))
    return section("result", tag("div", number_block + text, class_="hero") + facts(record))
