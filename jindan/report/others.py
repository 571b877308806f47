"""The report of a model without a target: its result in sentences, its figures, its settings, the order of sections."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jindan.report.data import data
from jindan.report.findings import findings
from jindan.report.headline import facts, headline, main_score, sentence
from jindan.report.markup import both, clip, esc, paragraph, section, table, tag
from jindan.report.mistakes import mistakes
from jindan.report.others_pictures import (
    clusters,
    components,
    filters,
    latent_map,
    reconstructions,
    samples,
    words,
)
from jindan.report.scores import scores
from jindan.report.training import curves, timing
from jindan.report.values import mapped, mappings, number, percent, shown
from jindan.report.words import UI, Words, t

SHARES = ("kept", "kept_pca", "told_apart")
STRUCTURE = ((0.7, "s_strong"), (0.5, "s_fair"), (0.25, "s_weak"))
"""What a silhouette means (Kaufman and Rousseeuw, "Finding Groups in Data", 1990, table 4)."""
LITTLE = 100_000
"""Words of text below which a sentence says that this is little."""


def summary(record: dict[str, Any]) -> str:
    """The section that opens the page: what came out, in sentences and in figures."""
    if record.get("metrics"):
        return headline(record)
    lines = result_sentences(record)
    text = paragraph(lines[0], "sentence") + "".join(paragraph(line) for line in lines[1:])
    return section("result", text + facts(record) + _figures(record))


def result_sentences(record: dict[str, Any]) -> list[Words]:
    """What came out, the most important sentence first; never empty."""
    kind, found = record.get("model"), mapped(record.get("figures"))
    score = main_score(record)
    lines: list[Words] = [] if score is None else [sentence(record, score)]
    if kind == "kmeans":
        lines += _of_clusters(record, found)
    elif kind == "word2vec":
        lines += _of_words(record, found)
    else:
        lines += _of_kept(record, found) + _of_likelihood(record, found) + _of_samples(record, found)
    if record.get("unfinished"):
        lines.append(t("o_unfinished"))
    return lines or [t("o_none")]


def figure_name(name: str) -> Words:
    """What a figure is called.

    >>> figure_name("kept").ko
    '보존된 변동'
    """
    return t(f"f_{name}") if f"f_{name}" in UI else Words(name, name)


def _rows(record: dict[str, Any]) -> Words:
    return t("on_test" if record.get("measured_on") == "test" else "on_train")


def _dim(record: dict[str, Any]) -> int:
    settings = mapped(record.get("settings"))
    count = mapped(record.get("components")).get("count")
    for value in (count, settings.get("embedding_dim"), settings.get("n_components"), settings.get("vector_size")):
        if number(value) is not None:
            return int(float(value))  # type: ignore[arg-type]
    return 0


def _several(words: Words, count: int) -> Words:
    return Words(words.en.replace("(s)", "" if count == 1 else "s"), words.ko)


def _of_kept(record: dict[str, Any], found: dict[str, Any]) -> list[Words]:
    """How much of the variation is kept, beside PCA."""
    kept, simple, kind = number(found.get("kept")), number(found.get("kept_pca")), record.get("model")
    if kept is None:
        return []
    if kept <= 0:
        return [t("o_kept_none", rows=_rows(record))]
    dim = _dim(record)
    key = {"pca": "o_kept_pca", "rbm": "o_kept_units"}.get(str(kind), "o_kept")
    lines = [_several(t(key, dim=dim, kept=percent(kept, 1), rows=_rows(record)), dim)]
    if simple is not None:
        lines.append(t("o_more_than_pca" if kept > simple + 0.005 else "o_as_pca", kept=percent(simple, 1)))
    return lines


def _of_likelihood(record: dict[str, Any], found: dict[str, Any]) -> list[Words]:
    bound, own = number(found.get("bound")), number(found.get("log_likelihood"))
    alone = number(found.get("log_likelihood_independent"))
    lines = [] if bound is None else [t("o_bound", bound=shown(bound, 3))]
    if own is not None and alone is not None:
        key = "o_likelier" if own > alone else "o_less_likely"
        lines.append(t(key, nats=shown(abs(own - alone), 2)))
    return lines


def _of_samples(record: dict[str, Any], found: dict[str, Any]) -> list[Words]:
    apart = number(found.get("told_apart"))
    if apart is None:
        return []
    return [t("o_told", share=percent(apart, 0), rows=_rows(record))]


def _of_clusters(record: dict[str, Any], found: dict[str, Any]) -> list[Words]:
    count = int(number(mapped(record.get("settings")).get("n_clusters")) or 0)
    outline, agreement = number(found.get("silhouette")), number(found.get("agreement"))
    if outline is None:
        return [_several(t("o_clusters_only", count=count), count)]
    verdict = next((key for least, key in STRUCTURE if outline > least), "s_none")
    words_ = t("o_clusters", count=count, rows=_rows(record), silhouette=shown(outline, 2), verdict=t(verdict))
    lines = [_several(words_, count)]
    if agreement is not None:
        lines.append(t("o_agreement", label=clip(record.get("target"), 40), agreement=shown(agreement, 2)))
    return lines


def _of_words(record: dict[str, Any], found: dict[str, Any]) -> list[Words]:
    total = number(found.get("words")) or 0.0
    values = {"dim": _dim(record), "vocabulary": shown(found.get("vocabulary"), 7), "words": shown(total, 9)}
    return [t("o_words", **values), *([t("o_few_words")] if total < LITTLE else [])]


def _figures(record: dict[str, Any]) -> str:
    rows = []
    for name, value in mapped(record.get("figures")).items():
        text = percent(value, 1) if name in SHARES else shown(value, 4)
        rows.append([both(figure_name(str(name))), both(text)])
    return table((t("figures_title"), t("value")), rows, caption=t("measured_on", rows=_rows(record))) if rows else ""


def told(record: dict[str, Any]) -> str:
    """Findings, where there are any: without, no doctor has looked."""
    return findings(record) if mappings(record.get("findings")) else ""


def settings(record: dict[str, Any]) -> str:
    """All settings of the model."""
    rows = [[tag("code", esc(clip(name, 60))), esc(clip("–" if value is None else value, 120))]
            for name, value in mapped(record.get("settings")).items()]  # fmt: skip
    name = f"m_{record.get('model')}"
    caption = t(name) if name in UI else Words("model", "모델")
    return section("settings", table((t("setting"), t("value")), rows, caption=caption, text_columns=2) if rows else "")


OTHER_SECTIONS: tuple[tuple[str, Callable[[dict[str, Any]], str]], ...] = (
    ("result", summary),
    ("findings", told),
    ("words", words),
    ("clusters", clusters),
    ("reconstructions", reconstructions),
    ("samples", samples),
    ("map", latent_map),
    ("components", components),
    ("filters", filters),
    ("curves", curves),
    ("scores", scores),
    ("mistakes", mistakes),
    ("data", data),
    ("settings", settings),
    ("timing", timing),
)
