"""A model drawn as a graph: one box a layer with its shape and its numbers, as SVG."""

from __future__ import annotations

from html import escape
from typing import Any

from ..layers.network import Network
from ..layers.wiring import number_of

WIDTH, HEIGHT, ACROSS, DOWN = 190, 46, 28, 34  # of a box, and between boxes, in pixels


class Drawing:
    """An SVG picture; a notebook shows it."""

    def __init__(self, svg: str) -> None:
        self.svg = svg

    def _repr_svg_(self) -> str:
        return self.svg

    def __repr__(self) -> str:
        return f"<drawing of {len(self.svg):,} characters of SVG>"


def draw(network: Network, *, shapes: bool = True, params: bool = True) -> Drawing:
    """The layers of a network from top to bottom, inputs first, each below all it reads from.

    Args:
        network: Layers with their shapes.
        shapes: Whether boxes tell the shape of their output.
        params: Whether boxes tell how many numbers their weights have.
    """
    graph = network.graph
    names = list(graph.names) + [""] * graph.inputs
    boxes = [("Input", names[i], form, 0) for i, form in enumerate(network.input_shapes)]
    sources: list[list[int]] = [[] for _ in range(graph.inputs)]
    for index, found in graph.nodes:
        layer = network.layers[index]
        count = sum(_size(w.shape) for w in network.specs[index].values())
        boxes.append((type(layer).__name__, layer.name or "", network.shapes[index], count))
        sources.append(sorted({number_of(source) for source in found}))
    places = _places(sources)
    columns = max(column for column, _ in places) + 1
    rows = max(row for _, row in places) + 1
    width, height = columns * (WIDTH + ACROSS) + ACROSS, rows * (HEIGHT + DOWN) + DOWN
    parts = [_line(places[a], places[b]) for b, found in enumerate(sources) for a in found]
    parts += [_box(box, place, shapes, params) for box, place in zip(boxes, places, strict=True)]
    style = ("text{font:12px system-ui,sans-serif;fill:#1a1a1a}.s{fill:#555;font-size:11px}"
             "rect{fill:#fff;stroke:#3b6ea5;stroke-width:1.2}path{fill:none;stroke:#888;stroke-width:1.2}")  # fmt: skip
    marker = ('<defs><marker id="a" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
              '<path d="M0 0L8 4L0 8z" style="fill:#888;stroke:none"/></marker></defs>')  # fmt: skip
    return Drawing(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        f'role="img"><style>{style}</style>{marker}<rect width="{width}" height="{height}" '
        f'style="fill:#fff;stroke:none"/>{"".join(parts)}</svg>'
    )


def _places(sources: list[list[int]]) -> list[tuple[int, int]]:
    """(column, row) of each box: a row below all its sources, in the first free column from its first source's on."""
    places: list[tuple[int, int]] = []
    taken: set[tuple[int, int]] = set()
    for found in sources:
        row = 1 + max((places[s][1] for s in found), default=-1)
        column = min((places[s][0] for s in found), default=0)
        # A line that passes a box by on its way down needs the column free all the way.
        while (column, row) in taken:
            column += 1
        places.append((column, row))
        taken.add((column, row))
        for source in found:
            taken |= {(places[source][0], between) for between in range(places[source][1] + 1, row)}
    return places


def _corner(place: tuple[int, int]) -> tuple[int, int]:
    return ACROSS + place[0] * (WIDTH + ACROSS), DOWN + place[1] * (HEIGHT + DOWN)


def _line(above: tuple[int, int], below: tuple[int, int]) -> str:
    (x1, y1), (x2, y2) = _corner(above), _corner(below)
    if above[0] == below[0] and above[1] + 1 < below[1]:
        # Past the boxes between, on their left.
        side, y1, y2 = x1 - ACROSS // 2 - 2, y1 + HEIGHT // 2, y2 + HEIGHT // 2
        return _path(f"M{x1} {y1}C{side} {y1} {side} {y1} {side} {y1 + 14}V{y2 - 14}C{side} {y2} {side} {y2} {x2} {y2}")
    x1, y1, x2 = x1 + WIDTH // 2, y1 + HEIGHT, x2 + WIDTH // 2
    if above[0] == below[0]:
        return _path(f"M{x1} {y1}V{y2}")
    turn = y2 - DOWN
    return _path(f"M{x1} {y1}V{turn}C{x1} {y2 - 10} {x2} {turn + 6} {x2} {y2}")


def _path(line: str) -> str:
    return f'<path d="{line}" marker-end="url(#a)"/>'


def _box(box: tuple, place: tuple[int, int], shapes: bool, params: bool) -> str:
    kind, name, form, count = box
    x, y = _corner(place)
    title = f"{kind}" + (f" · {name}" if name else "")
    told = (
        [str((None, *form)).replace("None", "n") if form and isinstance(form[0], int) else str(form)] if shapes else []
    )
    told += [f"{count:,} numbers"] if params and count else []
    middle = x + WIDTH // 2
    first = y + (19 if told else 27)
    text = f'<text x="{middle}" y="{first}" text-anchor="middle">{escape(_cut(title, 28))}</text>'
    if told:
        under = escape(_cut(" · ".join(told), 34))
        text += f'<text class="s" x="{middle}" y="{y + 36}" text-anchor="middle">{under}</text>'
    return (
        f'<g><title>{escape(title)}</title><rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="6"/>{text}</g>'
    )


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _size(shape: Any) -> int:
    total = 1
    for axis in shape:
        total *= axis
    return total
