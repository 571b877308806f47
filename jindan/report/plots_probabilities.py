"""Pictures of probabilities: reliability, thresholds, uncertainty, calibration scores, weights of a stack."""

from __future__ import annotations

from typing import Any

import numpy as np

from jindan.models.drawing import Drawing
from jindan.report.charts import histogram
from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.studies import WIDTH, Panel, speaker, standalone
from jindan.report.svg import nice_ticks, tick_text, write
from jindan.report.values import shown
from jindan.report.words import Words


def plot_uncertainty(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """How many rows are how uncertain: by mutual information of classes, by spread of numbers.

    Args:
        found: A `jindan.select.ensembles.Uncertainty`.
        to_file: Where the picture is written, too.
        lang: "en" or "ko".
    """
    if found.mutual_information is not None:
        title = Words("Rows by mutual information in nats", "상호정보량(nat)별 행 수")
        return _histogram(found.mutual_information, title, to_file, lang)
    return _histogram(found.std, Words("Rows by spread over members", "구성원 간 표준편차별 행 수"), to_file, lang)


def plot_scores(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """How many calibration rows of a `Conformal` have which nonconformity score."""
    told = shown(found.quantile) if np.isfinite(found.quantile) else "∞"
    title = Words(f"Calibration rows by score; quantile {told}", f"점수별 보정 행 수, 분위수 {told}")
    return _histogram(found.scores, title, to_file, lang)


def plot_reliability(before: Any, after: Any | None, to_file: Any = None, lang: str = "en") -> Drawing:
    """Observed share against predicted probability, before and after calibration; the diagonal is perfect."""
    panel = Panel((0.0, 1.0), [0.0, 1.0])
    panel.x_axis(_ticks(), _say(lang, "predicted probability", "예측 확률"))
    panel.y_axis(_say(lang, "observed share", "관측 비율"))
    panel.line([0.0, 1.0], [0.0, 1.0], 2)
    names = [(_say(lang, "before", "보정 전") if after else _say(lang, "model", "모델"), before)]
    names += [(_say(lang, "after", "보정 후"), after)] if after else []
    for style, (_, found) in enumerate(names):
        known = [(p, o) for p, o in zip(found.predicted, found.observed, strict=True) if p is not None]
        panel.line([p for p, _ in known], [o for _, o in known], style, dots=True)
    error = _say(lang, "error", "오차")
    panel.legend([f"{name}, {error} {shown(found.error)}" for name, found in names])
    return standalone(panel.svg(_say(lang, "Reliability", "신뢰도")), to_file, lang)


def plot_threshold(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """The score of a `Threshold` at each threshold, the chosen one marked."""
    scores = [np.nan if v is None else v for v in found.scores]
    panel = Panel((0.0, 1.0), [v for v in scores if np.isfinite(v)])
    panel.x_axis(_ticks(), _say(lang, "threshold", "임계값"))
    bound = ">=" in found.by
    kind = "precision" if found.by.startswith("recall") else "recall"
    panel.y_axis(_say(lang, f"{kind} where {found.by}", f"{found.by}일 때 {kind}") if bound else found.by)
    panel.line(np.clip(found.thresholds, 0.0, 1.0).tolist(), scores, 0)
    at = min(max(found.threshold, 0.0), 1.0)
    panel.mark(at, f"{shown(found.threshold)}: {shown(found.score)}")
    panel.dot(at, found.score, 1)
    return standalone(panel.svg(_say(lang, "Score by threshold", "임계값별 점수")), to_file, lang)


def plot_weights(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """How much the outputs of each model of a `Stacked` count."""
    bars = [Bar(name, float(abs(weights).sum())) for name, weights in found.weights.items()]
    title = Words("Sum of absolute weights", "가중치 절댓값의 합")
    return standalone(bar_chart(bars, title=title), to_file, lang)


def _histogram(values: Any, title: Words, to_file: Any, lang: str) -> Drawing:
    known = np.asarray(values, np.float64).ravel()
    known = known[np.isfinite(known)]
    counts, edges = np.histogram(known, bins=min(30, max(5, round(len(known) ** 0.5))))
    said = _say(lang, *title)
    svg = histogram(edges.tolist(), counts.tolist(), title=said, width=WIDTH, height=220.0)
    if not svg:
        return standalone(Panel((0.0, 1.0), [0.0, 1.0]).svg(said), to_file, lang)
    label = write(WIDTH - 8, 10, said, anchor="end", class_="label")
    return standalone(svg.replace("</svg>", label + "</svg>"), to_file, lang)


def _ticks() -> list[tuple[float, str]]:
    return [(value, tick_text(value)) for value in nice_ticks(0.0, 1.0, 5)]


def _say(lang: str, en: str, ko: str) -> str:
    return speaker(lang)(en, ko)
