"""What a model prints: the summary table and the line of progress."""

from __future__ import annotations

import math
import sys
import time
from typing import Any, TextIO

from ..engine.train import Progress
from ..layers.wiring import number_of
from ..utils import is_open, write_line
from .groups import GroupView
from .outline import Outline
from .symbolic import BETWEEN


def summary(model: Any, width: int = 90, expanded: bool = False, trainable: bool = False) -> str:
    """Layers, output shapes, parameter counts, memory and FLOPs, as Keras lays them out; models within it as one layer,
    or, expanded, layer by layer."""
    lines = [f'Model: "{model.name}"', "─" * width]
    graph = model.wiring is not None
    known = model.outline if model.network is None else None
    shapes = 20 if known is None else 24  # "None" is longer than most numbers
    columns: tuple[int, ...] = (max(24, width - shapes - (50 if graph else 32)), shapes, 12, 10, 10, 18)[
        : 6 if graph else 5
    ]
    heads: tuple[str, ...] = ("Layer (type)", "Output Shape", "Param #", "Memory", "FLOPs", "Reads")
    heads = heads[: len(columns)]
    if trainable:
        heads, columns = (*heads, "Trainable"), (*columns, 10)
    lines.append(_row(heads, columns))
    lines.append("═" * width)
    total = trained = 0
    size = model.itemsize
    for view in model.all_layers if expanded else model.layers:
        kind = "Model" if isinstance(view, GroupView) else type(view.spec).__name__
        cells = [f"{view.name} ({kind})", "?", "0", "?", "?"]
        if model.network is None:
            count, shape = view.count_params(), _open_shape(known, model.graph, view) if known else None
            total, trained = total + count, trained + view.count_trained()
            hangs = known is None or any(known.weights(i) is None for i in _members(view))
            cells[1:3] = ["?" if shape is None else _shape(shape), "?" if hangs else f"{count:,}"]
        elif view.output_shape is not None:
            count, outputs = view.count_params(), _numbers(view.output_shape)
            total, trained = total + count, trained + view.count_trained()
            flops = sum(map(model.network.flops_of, _members(view)))
            cells[1:] = [_shape(view.output_shape), f"{count:,}", _bytes((count + outputs) * size), _short(flops)]
        told = [_reads(model, view, expanded)] if graph else []
        lines.append(_row((*cells, *told, *(["yes" if view.trainable else "no"] if trainable else [])), columns))
    lines.append("─" * width)
    for label, count in (("Total", total), ("Trainable", trained), ("Non-trainable", total - trained)):
        lines.append(f"{label} params: {count:,} ({_bytes(count * size)})")
    if known is not None:
        lines.append("?: depends on lengths of a row that are open, and is not counted.")
    lines.append("Memory: weights and outputs of one row. FLOPs: forward pass of one row.")
    return "\n".join(lines)


def _open_shape(known: Outline, graph: Any, view: Any) -> Any:
    """The shape that a layer, or a model within the model, gives while lengths of a row are open."""
    if not isinstance(view, GroupView):
        return known.shape(view._index)
    found = []
    for end in view._first_call()[2]:
        shape = known.shape(graph.nodes[number_of(end) - graph.inputs][0])
        found.append(shape[end[1]] if isinstance(end, tuple) else shape)
    return found[0] if len(found) == 1 else tuple(found)


def _members(view: Any) -> list[int]:
    """The numbers of the layers that a line is about."""
    return view.members if isinstance(view, GroupView) else [view._index]


def _reads(model: Any, view: Any, expanded: bool) -> str:
    """The names of what a layer reads, where it is used first; a model within the model goes by its own."""
    graph = model.graph
    if isinstance(view, GroupView):
        found = view.sources
    else:
        found = next(sources for index, sources in graph.nodes if index == view._index)
    names = [*model.ports.inputs, *(str(model.specs[index].name) for index, _ in graph.nodes)]
    shown = [names[number_of(source)] for source in found]
    return ", ".join(shown if expanded else [name.partition(BETWEEN)[0] for name in shown])


def _shape(form: Any) -> str:
    if form and isinstance(form[0], tuple):
        return f"[{', '.join(map(_shape, form))}]"
    return str((None, *form)).replace("'", "")


def _numbers(form: Any) -> int:
    return sum(map(_numbers, form)) if form and isinstance(form[0], tuple) else math.prod(form)


def _short(count: float) -> str:
    """12,345,678 → 12.3 M."""
    for unit in ("", " k", " M", " G"):
        if count < 1000 or unit == " G":
            return f"{count:.0f}{unit}" if count < 10 and not unit else f"{count:.3g}{unit}"
        count /= 1000
    raise AssertionError


def _row(cells: tuple[str, ...], columns: tuple[int, ...]) -> str:
    return "".join(cell[: width - 1].ljust(width) for cell, width in zip(cells, columns, strict=True)).rstrip()


def _bytes(count: float) -> str:
    for unit in ("B", "KB", "MB", "GB"):
        if count < 1024 or unit == "GB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.2f} {unit}"
        count /= 1024
    raise AssertionError


class Line:
    """A line of progress that rewrites itself; on anything but a terminal, one line an epoch or nothing.

    Args:
        verbose: 0 silent, 1 the live line, 2 one line an epoch, "auto" live on a terminal and else silent.
        stream: Where to write.
    """

    def __init__(self, verbose: Any = "auto", stream: TextIO | None = None) -> None:
        self.stream = sys.stdout if stream is None else stream
        terminal = is_open(self.stream) and bool(getattr(self.stream, "isatty", lambda: False)())
        self.mode = {"auto": 1 if terminal else 0, True: 1, False: 0}.get(verbose, verbose)
        self.live = self.mode == 1 and terminal
        self.began, self.shown = time.perf_counter(), 0

    def __call__(self, progress: Progress) -> None:
        if self.mode == 0:
            return
        if self.mode == 2:
            for figures in progress.new:
                self.shown += 1
                write_line(f"Epoch {self.shown}/{progress.epochs} - {_figures(figures)}", stream=self.stream)
            return
        done = progress.epoch + progress.step / max(progress.steps, 1)
        share = done / max(progress.epochs, 1)
        left = progress.seconds / share - progress.seconds if share > 0 else 0.0
        bar = "━" * int(24 * share)
        text = f"Epoch {progress.epoch}/{progress.epochs} {bar:<24} {_figures(progress.figures)}  {left:.0f} s left"
        self._write(text)

    def close(self, progress_epochs: int, epochs: int, figures: dict[str, float]) -> None:
        """The last state, left standing."""
        if self.mode == 1:
            took = time.perf_counter() - self.began
            self._write(f"Epoch {progress_epochs}/{epochs} {'━' * 24} {_figures(figures)}  {took:.1f} s", end="\n")

    def _write(self, text: str, end: str = "") -> None:
        if self.live:
            write_line(f"\r\x1b[2K{text}", end, self.stream)
        elif end:
            write_line(text, end, self.stream)


def _figures(figures: dict[str, float]) -> str:
    return " - ".join(f"{name}: {value:.4g}" for name, value in figures.items())
