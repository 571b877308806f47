"""Pictures of studies of populations: folds, learning curves, bias and variance, rates, batch sizes, seeds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from jindan.errors import InputError
from jindan.models.drawing import Drawing
from jindan.report.charts import histogram
from jindan.report.charts_grid import Bar, bar_chart
from jindan.report.markup import save
from jindan.report.svg import Scale, drawing, el, extent, hint, log_ticks, nice_ticks, text_width, tick_text, write
from jindan.report.values import number, numbers, shown

BLUE, ORANGE, GREEN = "#0067a5", "#c8500a", "#00785a"
COLOURS = (BLUE, ORANGE, GREEN, "#8a4fa3")
# In a notebook the style of a picture holds for the whole page, hence the class in front of every rule.
STYLE = (
    ".study text{font:12px system-ui,sans-serif;fill:#1b1f24}.study .tick,.study .label{fill:#59616b}"
    ".study .gridline{stroke:#e2e3df}.study .axis{stroke:#59616b}.study .strong,.study .best-label{font-weight:650}"
    ".study .best-label{paint-order:stroke;stroke:#fff;stroke-width:4px}"
    ".study .best{stroke:#1b1f24;stroke-dasharray:2 3}.study .identity{stroke:#c8500a;stroke-width:1.6}"
    ".study .curve polyline{fill:none;stroke-width:2;stroke-linejoin:round}.study .sample{stroke-width:2.5}"
    ".study .s0,.study .s0 polyline{stroke:#0067a5}.study .s1,.study .s1 polyline{stroke:#c8500a}"
    ".study .s2,.study .s2 polyline{stroke:#00785a}.study .s3,.study .s3 polyline{stroke:#8a4fa3}"
    ".study .bar{fill:#0067a5}.study .bar.quiet{fill:#b3b8bd}.study .whisker{stroke:#1b1f24;stroke-width:1.5;fill:none}"
)
WIDTH, HEIGHT, TOP, RIGHT = 480.0, 300.0, 44.0, 16.0


def plot_folds(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """Scores of a cross-validation: a dot a member by fold, a line at their mean, a band for its 95 % interval.

    Args:
        found: A `jindan.select.validation.CrossValidation`.
        to_file: Where the picture is written, too.
        lang: "en" or "ko".

    Raises:
        FileError: when it cannot be written there.
    """
    say = speaker(lang)
    scores = np.asarray(found.scores, float)
    low, high = found.interval
    panel = Panel((0.5, scores.shape[1] + 0.5), [*scores.ravel(), low, high])
    panel.x_axis([(k + 1.0, str(k + 1)) for k in range(scores.shape[1])], say("fold", "폴드"))
    panel.y_axis(found.scoring)
    panel.band([0.5, scores.shape[1] + 0.5], [low] * 2, [high] * 2, 1)
    panel.line([0.5, scores.shape[1] + 0.5], [found.mean] * 2, 1)
    for seed, row in zip(found.seeds, scores, strict=True):
        for fold, score in enumerate(row):
            panel.dot(fold + 1, score, 0, f"{say('fold', '폴드')} {fold + 1}, {say('seed', '시드')} {seed}: ")
    panel.legend([say("a member", "구성원"), f"{say('mean', '평균')} {shown(found.mean)}, 95% {_span(low, high)}"])
    return standalone(panel.svg(say("Scores by fold", "폴드별 점수")), to_file)


def plot_curve(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """Training and validation scores of a `LearningCurve` over its values, with 95 % bands."""
    say = speaker(lang)
    xs = numbers(list(found.values))
    plain = [x for x in xs if x is not None]
    if len(plain) < len(xs):  # values that are no numbers stand side by side
        plain = [float(k) for k in range(len(xs))]
        labels = [(x, str(v)) for x, v in zip(plain, found.values, strict=True)]
    else:
        labels = [(x, tick_text(x)) for x in plain]
    log = min(plain) > 0 and max(plain) / min(plain) >= 20
    bands = [found.intervals(part) for part in ("training", "validation")]
    means = [np.asarray(part).mean((1, 2)) for part in (found.training, found.validation)]
    panel = Panel(extent(plain, log=log), [*np.ravel(bands), *np.ravel(means)], log_x=log)
    rows = found.path == "rows"
    panel.x_axis(labels, say("training rows", "훈련 행 수") if rows else found.path)
    panel.y_axis(found.scoring)
    for style, (mean, band) in enumerate(zip(means, bands, strict=True)):
        panel.band(plain, band[:, 0], band[:, 1], style)
        panel.line(plain, mean, style, dots=True)
    panel.legend([say("training", "훈련"), say("validation", "검증")])
    return standalone(panel.svg(say("Learning curve", "학습 곡선")), to_file)


def plot_decomposition(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """Bars of a `BiasVariance`: the expected loss and the parts it is made of, with 95 % intervals."""
    say = speaker(lang)
    squared = found.loss == "squared"
    names = [("expected", say("loss", "손실")), ("bias", say("bias²", "편향²") if squared
             else say("bias", "편향")), ("variance", say("variance", "분산") if squared
             else say("net variance", "순분산"))]  # fmt: skip
    bars = []
    for name, word in names:
        low, high = numbers(list(found.intervals[name]))
        bars.append(Bar(word, number(getattr(found, name)), low, high, strong=name == "expected"))
    if found.noise:
        bars.append(Bar(say("noise", "잡음"), found.noise))
    title = say("Expected loss and its parts", "기대 손실과 그 구성")
    return standalone(bar_chart(bars, title=title) or _nothing(say), to_file)


def plot_rates(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """Loss after a few updates by learning rate, of a `RateRange`; the suggested rate is marked."""
    say = speaker(lang)
    after, before = np.asarray(found.after, float), found.before
    # A rate that blows up would flatten all others: what lies far above the start is cut off at the top.
    seen = after[np.isfinite(after)]
    least = float(seen.min()) if len(seen) else before
    top = before + 0.6 * (before - least) if least < before else before + abs(before) * 0.5 + 1e-12
    panel = Panel((found.rates[0], found.rates[-1]), [least, before, top], log_x=True)
    panel.x_axis(
        [(v, tick_text(v)) for v in log_ticks(found.rates[0], found.rates[-1])], say("learning rate", "학습률")
    )
    panel.y_axis(say("loss", "손실"))
    ends = [found.rates[0], found.rates[-1]]
    panel.line(ends, [before] * 2, 1)
    panel.line(found.rates, np.where(after > top, np.nan, after), 0, dots=True)
    if np.isfinite(found.suggested):
        panel.mark(found.suggested, f"{say('suggested', '추천')} {shown(found.suggested, 2)}")
    panel.legend([say(f"after {found.updates} updates", f"갱신 {found.updates}번 후"), say("before", "시작")])
    return standalone(panel.svg(say("Loss by learning rate", "학습률별 손실")), to_file)


def plot_batches(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """Scores by batch size at equal epochs and at equal updates, of a `BatchSizes`; the noise scale is marked."""
    say = speaker(lang)
    xs = [float(size) for size in found.sizes]
    parts = [np.asarray(part, float) for part in (found.scores_epochs, found.scores_updates)]
    panel = Panel(extent(xs, log=True), np.concatenate([p.ravel() for p in parts]), log_x=True)
    panel.x_axis([(x, tick_text(x)) for x in xs], say("batch size", "배치 크기"))
    panel.y_axis(found.scoring)
    for style, part in enumerate(parts):
        for x, row in zip(xs, part, strict=True):
            for score in row:
                panel.dot(x, score, style)
        panel.line(xs, part.mean(1), style)
    if xs[0] <= found.noise.scale <= xs[-1]:
        panel.mark(found.noise.scale, f"{say('noise scale', '잡음 규모')} {shown(found.noise.scale, 3)}")
    panel.legend([say(f"{found.epochs} epochs", f"{found.epochs}에폭"),
                  say(f"{found.updates} updates", f"갱신 {found.updates}번")])  # fmt: skip
    return standalone(panel.svg(say("Score by batch size", "배치 크기별 점수")), to_file)


def plot_seeds(found: Any, to_file: Any = None, lang: str = "en") -> Drawing:
    """Histogram of the scores that seeds alone bring about, of a `SeedStudy`."""
    say = speaker(lang)
    scores = np.asarray(found.scores, float)
    scores = scores[np.isfinite(scores)]
    if not len(scores):
        return standalone(_nothing(say), to_file)
    low, high = extent(scores.tolist())
    counts, edges = np.histogram(scores, bins=int(min(20, max(5, len(scores) ** 0.5 * 1.5))), range=(low, high))
    title = say("Scores by seed alone", "시드에 따른 점수")
    svg = histogram(edges.tolist(), counts.tolist(), title=title, width=WIDTH, height=220)
    label = write(WIDTH - 8, 10, f"{found.scoring}, {len(scores)} {say('seeds', '개 시드')}", anchor="end",
                  class_="label")  # fmt: skip
    # The count of the tallest bar carries a word of its own in each language.
    return standalone(svg.replace("</svg>", label + "</svg>"), to_file, lang)


def standalone(svg: str, to_file: Any = None, lang: str = "en") -> Drawing:
    """A chart with its style inside, legible anywhere; written to `to_file`, too.

    Args:
        svg: What the charts of this room return.
        to_file: A path, or None.
        lang: Which of two languages is kept where texts come in both.

    Raises:
        FileError: when it cannot be written there.

    >>> standalone(bar_chart([Bar("a", 1.0)], title="t")).svg.count("<style>")
    1
    """
    # Cut, not hidden by a rule: that would hold for a picture in the other language on the same page.
    other = "en" if lang == "ko" else "ko"
    svg = re.sub(rf'<text[^>]* lang="{other}"[^>]*>.*?</text>', "", svg)
    style = f"<style>{STYLE}</style>"
    ground = '<rect width="100%" height="100%" fill="#fff"/>'
    head, end, rest = svg.partition("</title>")
    picture = Drawing(head.replace('class="chart ', 'class="chart study ', 1) + end + style + ground + rest)
    if to_file is not None:
        save(to_file, picture.svg, "picture")
    return picture


class Panel:
    """A chart drawn piece by piece: axes, bands, lines, dots, a mark.

    Args:
        x: Its left and right end.
        ys: All that must have room on its y axis.
        log_x: Whether the x axis is logarithmic.
    """

    def __init__(self, x: tuple[float, float], ys: Any, log_x: bool = False) -> None:
        low, high = extent(numbers(np.asarray(ys, float).ravel()))
        pad = (high - low) / 20
        self.ticks = nice_ticks(low - pad, high + pad)
        self.left = max(34.0, max(map(text_width, map(tick_text, self.ticks)), default=0) + 12)
        self.bottom = HEIGHT - 42
        room = WIDTH - RIGHT - self.left
        self.x = Scale(x[0], x[1], self.left + room / 30, WIDTH - RIGHT - room / 30, log_x)
        self.y = Scale(low - pad, high + pad, self.bottom, TOP)
        self.body: list[str] = []
        for value in self.ticks:
            py = self.y.at(value)
            self.body.append(el("line", class_="gridline", x1=self.left, x2=WIDTH - RIGHT, y1=py, y2=py))
            self.body.append(write(self.left - 7, py + 4, tick_text(value), anchor="end", class_="tick"))

    def x_axis(self, labels: Sequence[tuple[float, str]], name: str) -> None:
        """The x axis with labels where they have room."""
        self.body.append(el("line", class_="axis", x1=self.left, x2=WIDTH - RIGHT, y1=self.bottom, y2=self.bottom))
        last = -1e9
        for value, label in labels:
            px, half = self.x.at(value), text_width(label) / 2
            if px - half > last + 6:
                self.body.append(write(px, self.bottom + 17, label, anchor="middle", class_="tick"))
                last = px + half
        middle = (self.left + WIDTH - RIGHT) / 2
        self.body.append(write(middle, HEIGHT - 7, name, anchor="middle", class_="label"))

    def y_axis(self, name: str) -> None:
        """What the y axis shows."""
        self.body.append(write(4, TOP - 10, name, class_="label"))

    def band(self, xs: Sequence[float], lows: Any, highs: Any, style: int) -> None:
        """The area between two curves; empty where a bound is not finite."""
        known = [(x, a, b) for x, a, b in zip(xs, numbers(list(lows)), numbers(list(highs)), strict=True)
                 if a is not None and b is not None]  # fmt: skip
        ends = [(x, b) for x, _, b in known] + [(x, a) for x, a, _ in reversed(known)]
        points = " ".join(f"{self.x.at(x):.1f},{self.y.at(y):.1f}" for x, y in ends)
        if known:
            self.body.append(el("polygon", class_="band", points=points, fill=COLOURS[style], fill_opacity=0.16))

    def line(self, xs: Sequence[float], ys: Any, style: int, dots: bool = False) -> None:
        """A curve, cut where a value is not finite."""
        parts: list[list[str]] = [[]]
        for x, y in zip(xs, numbers(list(ys)), strict=True):
            if y is None:
                parts.append([])
            else:
                parts[-1].append(f"{self.x.at(x):.1f},{self.y.at(y):.1f}")
        for part in parts:
            if len(part) > 1:
                line = el("polyline", points=" ".join(part), fill="none", stroke=COLOURS[style], stroke_width=2)
                self.body.append(line)
        for x, y in zip(xs, ys, strict=True):
            if dots:
                self.dot(x, y, style)

    def dot(self, x: float, y: Any, style: int, words: str = "") -> None:
        """A point, with its value on hovering."""
        py = self.y(number(y))
        if py is not None:
            inside = hint(words + shown(y))
            self.body.append(el("circle", inside, class_="dot", cx=self.x.at(x), cy=py, r=3.0, fill=COLOURS[style],
                                fill_opacity=0.7))  # fmt: skip

    def mark(self, x: float, words: str) -> None:
        """A dotted vertical line with its words, on the side that has room."""
        px = self.x.at(x)
        right = px > (self.left + WIDTH) / 2
        self.body.append(el("line", class_="best", x1=px, x2=px, y1=TOP, y2=self.bottom))
        place = px - 6 if right else px + 6
        self.body.append(write(place, TOP + 12, words, anchor="end" if right else "start", class_="best-label"))

    def legend(self, names: Sequence[str]) -> None:
        """Samples of the colours with names, above the plot."""
        at = 4.0
        for style, name in enumerate(names):
            self.body.append(el("rect", x=at, y=8.0, width=14, height=8, rx=2, fill=COLOURS[style]))
            self.body.append(write(at + 20, 16, name, class_="legend"))
            at += text_width(name) + 40

    def svg(self, title: str) -> str:
        """The chart."""
        return drawing(title, WIDTH, HEIGHT, self.body, kind="panel")


def speaker(lang: str) -> Any:
    """A function that picks of an English and a Korean text that of the language.

    Raises:
        InputError: for another language.
    """
    if lang not in ("en", "ko"):
        raise InputError("There is no such language.", where="lang", expected='"en" or "ko"', received=repr(lang))
    return lambda en, ko: ko if lang == "ko" else en


def _span(low: float, high: float) -> str:
    return f"{shown(low)} … {shown(high)}"


def _nothing(say: Any) -> str:
    words = say("There is nothing to draw: no number is finite.", "유한한 수가 없어 그릴 것이 없습니다.")
    return drawing(words, WIDTH, 40, [write(8, 24, words)], kind="panel")
