"""The record a report is drawn from, and the JSON a script reads: plain numbers and names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from .. import __version__
from ..confusion import confusion_matrix
from ..data import look, repeated_rows
from ..data.images_table import FILE
from ..data.look_words import sentence
from ..doctor.telling import finding_record
from ..engine.memory import estimate_memory
from ..engine.run import Run
from ..models.drawing import draw
from ..plan import Plan
from ..select import Baseline, Score, primary
from ..select.clustered import over
from .prepare import Prepared
from .probabilities import probabilities
from .rows_shown import inputs, shown

MOST_POINTS = 2000  # of a predicted-against-true plot
MOST_EXAMPLES = 20
MOST_SHOWN = 40  # where the rows themselves can be shown
MOST_BESIDE = 15  # features shown beside the target
MOST_APART = 6  # classes that get a sentence each


def make_record(
    name: str,
    run: Run,
    prepared: Prepared,
    scores: dict[str, dict[str, Score]],
    others: list[Baseline],
    findings: tuple,
    outputs: np.ndarray,
    seconds: dict[str, float],
    lang: str,
    command: str | None,
) -> dict[str, Any]:
    """Everything the report shows.

    Args:
        name: The run's.
        scores: Figures by part: "train", "validation", "test".
        outputs: Network outputs for every row of the table.
        seconds: Where the time went.
    """
    part = "test" if "test" in scores else "validation" if "validation" in scores else "train"
    rows = prepared.part(part)
    record: dict[str, Any] = {
        "name": name,
        "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "version": __version__,
        "lang": lang,
        "command": command,
        "task": prepared.task.kind,
        "target": prepared.target,
        "classes": [str(label) for label in getattr(prepared.encoder, "classes", ())],
        "data": _data(prepared),
        "network": _layers(run),
        "parameters": run.network.parameters(),
        "memory": estimate_memory(run.plan, run.input_shape, len(prepared.split.train), x=prepared.x).to_dict(),
        "plan": run.plan.to_dict(),
        "history": run.history,
        "best_epoch": run.best_epoch,
        "stopped_early": run.stopped_early,
        "metrics": {"primary": primary(prepared.task.kind)}
        | {place: {n: s.to_dict() for n, s in found.items()} for place, found in scores.items()},
        "baselines": [baseline.to_dict() for baseline in others],
        "findings": [finding_record(finding) for finding in findings],
        "seconds": seconds,
        "steps": run.steps,
    }
    if reads := inputs(prepared):
        record["inputs"] = reads
    if prepared.ties.groups is not None:
        record["interval_groups"] = {place: prepared.ties.basis(prepared.part(place)) for place in scores}
    if prepared.images:
        record["images"] = True
    if run.plan.wiring is not None:
        record["drawing"] = draw(run.network).svg
    if prepared.classes:
        record |= _mistakes(run.plan, prepared, outputs, rows)
    else:
        guess = np.asarray(prepared.encoder.decode(outputs[:, 0]))
        chosen = rows[np.linspace(0, len(rows) - 1, min(len(rows), MOST_POINTS)).astype(int)] if len(rows) else rows
        record["predictions"] = {"true": prepared.truth[chosen].tolist(), "predicted": guess[chosen].tolist()}
    return record


def _data(prepared: Prepared) -> dict[str, Any]:
    seen = look(prepared.plain, prepared.target, task=prepared.task.kind)
    rows = {column.name: column.odd[1] for column in prepared.columns if column.odd}
    about_odd = ("mostly-numbers", "numbers-and-marks")
    remarks = ((c, {**v, "row": rows[v["column"]]} if c in about_odd else v) for c, v in seen.remarks)
    told = tuple(_told(prepared, remarks))
    seen = replace(seen, columns=prepared.columns, remarks=told)
    body = seen.to_dict()
    found = {
        "rows": len(prepared.frame),
        "path": prepared.path,
        "n": {name: len(prepared.part(name)) for name in ("train", "validation", "test")},
        "columns": [_column(column) for column in body["columns"]],
        "histograms": body["histograms"],
        "correlations": body["correlations"],
        "association": body["associations"],
        "by_target": _strongest(body),
        "notes": {lang: seen.notes(lang) for lang in ("en", "ko")},
        "dropped": [list(entry) for entry in prepared.preprocessor.dropped],
    }
    if prepared.ties:
        found["parted"] = prepared.ties.to_dict()
        for lang, notes in found["notes"].items():
            notes.append(sentence(f"parted-by-{found['parted']['by']}", found["parted"], lang))
            if prepared.ties.one_row_each:
                notes.append(sentence("groups-are-rows", found["parted"], lang))
    target = body["target"] or {}
    if target.get("classes"):
        found["class_balance"] = [[str(n), int(c)] for n, c in zip(target["classes"], target["counts"], strict=True)]
    return found


def _strongest(body: dict[str, Any]) -> dict[str, Any]:
    """Of the features that go with the target most, their means or shares by class or by value."""
    names = [entry["column"] for entry in body["associations"] if entry["value"] is not None][:MOST_BESIDE]
    return {name: body["by_target"][name] for name in names if body["by_target"][name]}


def untold(prepared: Prepared, part: str, lang: str, start: tuple[str, int | None] | None = None) -> list[str]:
    """What the figures on a part of the rows do not tell: rows without a target, classes that are not in it, rows that
    the run gone on from (its folder, and how many it has seen if that is known) was trained on."""
    found = []
    if start is not None and part != "train" and start[1] != 0:
        values = {"run": start[0], "count": start[1], "rows": len(prepared.part(part))}
        found.append(sentence("seen-before" if start[1] else "maybe-seen-before", values, lang))
    if prepared.unlabelled:
        found.append(sentence("left-out-target", {"column": prepared.target, "count": prepared.unlabelled}, lang))
    ties = prepared.ties
    if basis := ties.basis(prepared.part(part)):
        found.append(over(basis, lang))
    found += [sentence("group-alike", {"name": name, "column": ties.column}, lang) for name in ties.alike]
    found += [sentence("group-pair", {"first": first, "second": second, "column": ties.column}, lang)
              for first, second in ties.together]  # fmt: skip
    if prepared.classes:
        found += _without(prepared, "train", "unlearnt-class", lang)
        found += _without(prepared, part, "unjudged-class", lang) if part != "train" else []
    return found


def _without(prepared: Prepared, part: str, code: str, lang: str) -> list[str]:
    """A sentence for each class of the table that is not in a part of its rows; of many classes one for all."""
    rows, there = (np.bincount(t, minlength=prepared.classes) for t in
                   (prepared.truth, prepared.truth[prepared.part(part)]))  # fmt: skip
    labels = prepared.encoder.classes  # type: ignore[union-attr]
    absent = np.flatnonzero((rows > 0) & (there == 0))
    if len(absent) > MOST_APART:
        named = ", ".join(f"`{labels[number]}`" for number in absent[:MOST_APART]) + ", …"
        values = {"count": len(absent), "total": int((rows > 0).sum()), "labels": named}
        return [sentence(f"{code}es", values, lang)]
    return [sentence(code, {"label": str(labels[number]), "count": int(rows[number])}, lang) for number in absent]


def _told(prepared: Prepared, remarks: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Remarks on the table, with its images: how columns of text and images are read, which rows are repeated."""
    apart = [form for form in prepared.preprocessor.inputs if form.kind != "table"]
    pictured = any(form.kind == "image" for form in apart)
    for code, values in remarks:
        if code != "text-column" and not (code == "duplicate-rows" and pictured):
            yield code, values
    if pictured:
        # A look at the values alone does not see in which images rows differ.
        again = repeated_rows(prepared.frame.drop(FILE) if prepared.images else prepared.frame)
        if again:
            yield "duplicate-rows", {"count": again, "rows": len(prepared.frame)}
    for form in apart if not prepared.images else ():
        yield f"{form.kind}-column", {"column": form.name}


def _column(column: dict[str, Any]) -> dict[str, Any]:
    names = ("name", "kind", "missing", "unique", "min", "max", "mean", "std", "median", "top", "odd")
    return {name: column.get(name) for name in names}


def _layers(run: Run) -> list[dict[str, Any]]:
    network, found = run.network, []
    for index, (layer, shape, spec) in enumerate(zip(network.layers, network.shapes, network.specs, strict=True)):
        activation = getattr(layer, "activation", None)
        found.append(
            {
                "name": layer.name or f"{type(layer).__name__.lower()}_{index}",
                "type": type(layer).__name__,
                "output_shape": list(shape),
                "params": sum(int(np.prod(w.shape)) for w in spec.values()),
                "activation": activation if isinstance(activation, str) else None,
            }
        )
    return found


def _mistakes(plan: Plan, prepared: Prepared, outputs: np.ndarray, rows: np.ndarray) -> dict[str, Any]:
    labels = [str(label) for label in prepared.encoder.classes]  # type: ignore[union-attr]
    p = probabilities(plan, outputs[rows], prepared.classes)
    answered = np.isfinite(p).all(1)  # where the numbers broke down no class is predicted
    p, rows = p[answered], rows[answered]
    guess, truth = p.argmax(1) if len(p) else np.zeros(0, int), prepared.truth[rows]
    wrong = np.flatnonzero(guess != truth)
    most = MOST_EXAMPLES if all(form.kind == "table" for form in prepared.preprocessor.inputs) else MOST_SHOWN
    worst = wrong[np.argsort(-p[wrong, guess[wrong]])][:most] if len(wrong) else wrong
    examples = [
        {
            "row": int(prepared.numbers[rows[place]]) + 1,
            "true": labels[truth[place]],
            "predicted": labels[guess[place]],
            "p": float(p[place, guess[place]]),
            **shown(prepared, int(rows[place])),
        }
        for place in worst
    ]
    return {
        "confusion": {"labels": labels, "matrix": confusion_matrix(truth, guess, prepared.classes).tolist()},
        "examples": examples,
    }
