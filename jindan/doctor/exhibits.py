"""Exhibits: the numbers a finding rests on, as lines or bars, ready to be drawn; names of what is drawn are keys."""

from __future__ import annotations

import math
from typing import Any

from ..engine.memory import estimate_memory
from .capacity import memory_there
from .evidence import Probe
from .facts import Facts
from .findings import Finding

LAYERS = {
    "vanishing-gradient": "backward_norm",
    "exploding-gradient": "backward_norm",
    "dying-relu": "dead",
    "saturated-activation": "saturated",
    "symmetric-init": "twins",
    "bad-init-scale": "spread",
    "zigzag": "positive",
    "learning-rate-too-low": "update_ratio",
    "frozen-parameters": "update_ratio",
}
CURVES = ("nonfinite-values", "learning-rate-too-high", "learning-rate-too-low", "plateau", "stopped-too-early",
          "overfitting", "underfitting", "batch-size-too-large", "batch-size-too-small", "exploding-gradient",
          "device-idle", "input-ignored", "frozen-parameters")  # fmt: skip
SCORES = ("underfitting", "below-baseline", "linear-stack", "overfitting", "label-noise", "output-loss-mismatch",
          "input-ignored", "class-imbalance", "targets-not-normalised", "nonfinite-values")  # fmt: skip
LOGARITHMIC = ("backward_norm", "update_ratio", "spread")


def exhibits(facts: Facts, finding: Finding) -> list[dict[str, Any]]:
    """What to draw beside a finding.

    Returns:
        Dicts of plain numbers: "kind" ("lines" or "bars"), "title" (a key), "x" (a key), "log", "share", and "series"
        (name, values) or "bars" (name, value, strong).
    """
    found = []
    code = finding.code
    if code in LAYERS and facts.case.probes:
        found.append(_by_layer(facts, LAYERS[code]))
    if code in CURVES and facts.case.history.get("loss"):
        found.append(_losses(facts))
    if code == "inputs-not-normalised" and (spreads := facts.data.get("scales", {}).get("spreads")):
        found.append(_bars("spreads", [(str(k), float(v)) for k, v in spreads], log=True))
    if code == "class-imbalance" and (shares := facts.data.get("imbalance", {}).get("shares")):
        found.append(_bars("class_shares", [(str(k), float(v)) for k, v in enumerate(shares)], share=True))
    if code == "preprocessing-mismatch" and (columns := facts.data.get("drift", {}).get("columns")):
        found.append(_bars("shifts", [(str(k), float(v)) for k, v in columns]))
    if code == "mode-gap" and (gap := facts.learning.get("mode_gap")):
        bars = [("training_mode", gap.get("training_score")), ("inference_mode", gap.get("inference_score"))]
        found.append(_bars("mode_scores", [(k, float(v)) for k, v in bars if v is not None]))
    if code == "data-leakage" and (share := finding.evidence.get("share")) is not None:
        found.append(_bars("shared_rows", [("in_both", float(share)), ("held_alone", 1 - float(share))], share=True))
    if code == "device-idle" and (share := finding.evidence.get("fraction")) is not None:
        found.append(_bars("time_of_device", [("arithmetic", float(share)), ("waiting", 1 - float(share))], share=True))
    if code == "mode-collapse":
        found.append(modes_shown(finding))
    if code == "out-of-memory":
        found.append(_memory(facts))
    if code in SCORES and facts.standing is not None:
        found.append(_scores(facts))
    if "recovered" in finding.evidence and facts.outcomes:
        bars = sorted(facts.outcomes.items(), key=lambda pair: -pair[1])[:8]
        found.append(_bars("recovered", [(k, max(0.0, v)) for k, v in bars], share=True, strong=code))
    return [one for one in found if one]


def modes_shown(finding: Finding) -> dict[str, Any]:
    """Of each mode of the data, its share of the samples over its share of the data; 1 is as it should be."""
    pairs = zip(finding.evidence.get("made", ()), finding.evidence.get("real", ()), strict=True)
    return _bars("modes_beside_data", [(str(k), made / real) for k, (made, real) in enumerate(pairs, 1)])


def _by_layer(facts: Facts, figure: str) -> dict[str, Any]:
    """One line a moment over the layers: at the start, half-way and in the end."""
    probes = facts.case.probes
    chosen = [probes[0], probes[len(probes) // 2], probes[-1]] if len(probes) > 2 else list(probes)
    series = []
    for name, probe in zip(("start", "midway", "end") if len(chosen) == 3 else ("start", "end"), chosen, strict=False):
        values = [_finite(value) for value in _values(probe, figure)]
        series.append([name, values])
    if not any(value is not None for _, values in series for value in values):
        return {}
    return {"kind": "lines", "title": figure, "x": "layer_number", "log": figure in LOGARITHMIC, "series": series,
            "share": figure in ("dead", "saturated", "twins", "positive")}  # fmt: skip


def _values(probe: Probe, figure: str) -> list[float | None]:
    return [getattr(layer, figure) for layer in probe.layers if layer.weight_norm is not None]


def _losses(facts: Facts) -> dict[str, Any]:
    names = {"loss": "train", "val_loss": "validation"}
    history = facts.case.history
    curves = {words: [_finite(v) for v in history[name]] for name, words in names.items() if history.get(name)}
    known = [v for values in curves.values() for v in values if v is not None and v > 0]
    series = [[words, values] for words, values in curves.items()]
    log = bool(known) and max(known) / min(known) > 30
    return {"kind": "lines", "title": "loss", "x": "epoch", "log": log, "series": series, "share": False}


def _memory(facts: Facts) -> dict[str, Any]:
    """GiB the training needs, part by part, and what there is."""
    case = facts.case
    parts = estimate_memory(case.plan, case.input_shape, len(case.data), x=case.data.x).to_dict()
    needed = parts.pop("total")
    bars = [(f"m_{name}", size / 2**30) for name, size in sorted(parts.items(), key=lambda pair: -pair[1]) if size]
    there = memory_there()
    bars += [("memory_needed", needed / 2**30)] + ([("memory_there", there / 2**30)] if there else [])
    return _bars("memory_gib", bars, strong="memory_there")


def _scores(facts: Facts) -> dict[str, Any]:
    standing = facts.standing
    assert standing is not None  # asked for only where there is one
    bars = [("trivial", standing.trivial), ("this_network_train", standing.train), ("this_network", standing.score)]
    if standing.linear is not None:
        bars.append(("linear", standing.linear))
    bars.append(("best_simple", standing.ceiling))
    return _bars("standing", bars, share=True, strong="this_network")


def _bars(title: str, bars: list[tuple[str, float]], *, log: bool = False, share: bool = False, strong: str = "",
          ) -> dict[str, Any]:  # fmt: skip
    rows = [[name, _finite(value), name == strong] for name, value in bars[:24]]
    return {"kind": "bars", "title": title, "log": log, "share": share, "bars": rows} if rows else {}


def _finite(value: Any) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
