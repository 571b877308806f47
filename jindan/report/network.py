"""The network: its layers, the memory its training takes, and the plan it was made from."""

from __future__ import annotations

import json
from typing import Any

from jindan.report.markup import both, clip, esc, figure, meter, name_of, paragraph, picture, section, table, tag
from jindan.report.values import listed, mapped, mappings, number, shown, size_of
from jindan.report.words import t

MAX_LAYERS = 200


def network(record: dict[str, Any]) -> str:
    """The section on the network."""
    return section("network", _drawing(record) + _layers(record) + _memory(record))


def _drawing(record: dict[str, Any]) -> str:
    """The graph of the layers, where they are no stack; as a picture, in which nothing can run."""
    words = t("graph")
    image = picture(record.get("drawing"), f"{words.en} · {words.ko}", "graph")
    return figure(words, image, note=t("graph_note"), wide=True)


def _layers(record: dict[str, Any]) -> str:
    layers = mappings(record.get("network"))
    if not layers:
        return ""
    total = number(record.get("parameters")) or sum(number(layer.get("params")) or 0 for layer in layers)
    rows = []
    for layer in layers[:MAX_LAYERS]:
        params = number(layer.get("params"))
        share = meter(params / total if params is not None and total else None)
        cells = [esc(clip(layer.get(key) or "–", 40)) for key in ("type", "activation")]
        rows.append(
            [
                name_of(layer.get("name") or "–"),
                *cells,
                esc(_shape(layer.get("output_shape"))),
                shown(params, 12),
                share,
            ]
        )
    if total:
        rows.append([tag("b", both(t("m_total"))), "", "", "", tag("b", shown(total, 12)), ""])
    head = [t(key) for key in ("layer", "type", "activation", "shape", "parameters", "share")]
    more = paragraph(t("more", n=len(layers) - MAX_LAYERS), "note") if len(layers) > MAX_LAYERS else ""
    return table(head, rows, caption=t("layers"), text_columns=3) + more


def _shape(value: Any) -> str:
    """A shape as people write it.

    >>> _shape([28, 28, 1]), _shape(None), _shape(30)
    ('28 × 28 × 1', '–', '30')
    """
    sizes = listed(value) or ([value] if number(value) is not None else [])
    return clip(" × ".join(shown(size, 12) if size is not None else "?" for size in sizes), 60) or "–"


def _memory(record: dict[str, Any]) -> str:
    memory = {str(key): number(value) for key, value in mapped(record.get("memory")).items()}
    order = ("parameters", "gradients", "optimizer", "best", "activations", "data")
    known = sorted(memory, key=lambda key: order.index(key) if key in order else len(order))
    parts = [key for key in known if key != "total" and memory[key] is not None and (memory[key] or key != "best")]
    total = memory.get("total") or sum(memory[key] or 0.0 for key in parts)
    rows = [
        [
            both(t(f"m_{key}")) if key in order else esc(clip(key, 40)),
            size_of(memory[key]),
            meter((memory[key] or 0.0) / total if total else None),
        ]
        for key in parts
    ]
    if total:
        rows.append([tag("b", both(t("m_total"))), tag("b", size_of(total)), ""])
    return table((t("part"), t("size"), t("share")), rows, caption=t("memory")) if rows else ""


def plan(record: dict[str, Any]) -> str:
    """The plan as JSON, folded away."""
    if not mapped(record.get("plan")):
        return ""
    text = clip(json.dumps(record["plan"], indent=2, ensure_ascii=False, default=str, skipkeys=True), 200_000)
    inside = tag("summary", both(t("show_plan"))) + tag("pre", tag("code", esc(text)), tabindex="0")
    return section("plan", tag("details", inside))
