"""Ensembles on disk: plans as JSON and stacked weights as one safetensors file, whole or not at all. No pickle."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, InputError
from ..models import folders, saving
from ..plan import Plan
from .members import Ensemble
from .scoring import SCORES, Scoring, scoring_of

ENSEMBLE = "ensemble.json"
VERSION = 1
FACTS = ("epochs", "best_epoch", "stopped_early", "first_nonfinite", "steps")


def write(ensemble: Ensemble, path: Any, overwrite: bool = True) -> None:
    """`Ensemble.save`."""
    arrays = _stacked(ensemble)
    first = ensemble.runs[0]
    members = []
    for number, run in enumerate(ensemble.runs):
        # Row numbers are as many as rows, which JSON is too wide for.
        for name in ("rows", "validation_rows"):
            if (rows := getattr(run.plan, name)) is not None:
                arrays[f"{name}.{number}"] = np.asarray(rows.numbers)
        plan = run.plan.replace(rows=None, validation_rows=None)
        facts = {name: getattr(run, name) for name in FACTS}
        members.append({"plan": plan.to_dict(), **facts, "history": saving.history_json(run.history)})
    if ensemble.oob_outputs is not None:
        several = isinstance(ensemble.oob_outputs, tuple)
        for k, part in enumerate(ensemble.oob_outputs if several else (ensemble.oob_outputs,)):
            arrays[f"oob.{k}"] = np.asarray(part)
    score = ensemble.oob_score
    body = {
        "jindan_ensemble": VERSION, "kind": ensemble.kind,
        "scoring": ensemble.scoring.name, "own_scoring": is_own(ensemble.scoring),
        "oob_score": None if score is None or not np.isfinite(score) else score,
        "oob_outputs": 0 if ensemble.oob_outputs is None else len([k for k in arrays if k.startswith("oob.")]),
        "input_shape": first.input_shape, "members": members,
    }  # fmt: skip
    with folders.whole_folder(path, overwrite=overwrite) as folder:
        # The first member's plan names the folder one of jindan's; members have theirs in the other file.
        plan = first.plan.replace(rows=None, validation_rows=None)
        for name, content in ((folders.PLAN, {**plan.to_dict(), "input_shape": first.input_shape}), (ENSEMBLE, body)):
            (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        folders.write_arrays(folder / folders.WEIGHTS, arrays)


def read(path: Any) -> Ensemble:
    """`Ensemble.load`."""
    folder = Path(path)
    if not (folder / ENSEMBLE).is_file():
        raise FileError(
            "This folder holds no ensemble.", where=folder, expected=f"a folder with {ENSEMBLE}",
            received="another folder" if folder.is_dir() else "no such folder",
            help="ensemble.save(path) writes one; jindan.load reads single models.",
        )  # fmt: skip
    try:
        body = json.loads((folder / ENSEMBLE).read_text(encoding="utf-8"))
        if body["jindan_ensemble"] != VERSION:
            raise ValueError(f"version {body['jindan_ensemble']}, this jindan reads {VERSION}")
        shape = saving._shape(body["input_shape"])
        plans = [Plan.from_dict(member["plan"]) for member in body["members"]]
        facts = [{name: member[name] for name in FACTS} for member in body["members"]]
        histories = [saving.history_of(member["history"]) for member in body["members"]]
        score, parts = body["oob_score"], int(body["oob_outputs"])
        scoring = scoring_again(body, plans[0])
        kind = str(body["kind"])
    except (AttributeError, KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise folders.damaged(folder / ENSEMBLE, error, "Save the ensemble again, or restore the file.") from None
    arrays = folders.read_arrays(folder / folders.WEIGHTS)
    runs = []
    for number, plan in enumerate(plans):
        named = {key: values[number] for key, values in arrays.items() if _of_weights(key) and number < len(values)}
        weights = saving.unflat(plan.network(shape), named, np.dtype(plan.dtype), folder / folders.WEIGHTS)
        rows = {key: arrays.get(f"{key}.{number}") for key in ("rows", "validation_rows")}
        run = saving.run_of(plan.replace(**rows), shape, weights)
        runs.append(replace(run, history=histories[number], **facts[number]))
    missing = [f"oob.{k}" for k in range(parts) if f"oob.{k}" not in arrays]
    if missing:
        raise folders.damaged(folder / folders.WEIGHTS, KeyError(missing[0]), "Save the ensemble again.")
    found = [arrays[f"oob.{k}"] for k in range(parts)]
    outputs = None if not found else found[0] if parts == 1 else tuple(found)
    if outputs is not None and score is None:
        score = float("nan")
    return Ensemble(tuple(runs), kind, scoring, outputs, score)


def is_own(scoring: Scoring) -> bool:
    """Whether a score is a function of the user's, of which a folder keeps the name alone."""
    return SCORES.get(scoring.name) != scoring


def scoring_again(body: dict[str, Any], plan: Plan) -> Scoring:
    """The score a folder names: jindan's, or in place of the user's own one of that name which says that it is lost."""
    name = str(body["scoring"])
    if name in SCORES and not body.get("own_scoring"):
        return scoring_of(name, plan)
    return Scoring(name, partial(_lost, name))


def _lost(name: str, plan: Plan, y: Any, outputs: Any) -> float:
    raise InputError(
        "A folder keeps the name of a score of your own, not the function.", where="scoring",
        expected=f"scoring={name}, the function", help='Give it, or a name such as "accuracy".',
    )  # fmt: skip


def _stacked(ensemble: Ensemble) -> dict[str, np.ndarray]:
    """Each weight of all members as one array (members, …)."""
    flat = [saving.flat(run.weights) for run in ensemble.runs]
    forms = [{name: w.shape for name, w in found.items()} for found in flat]
    if any(form != forms[0] for form in forms):
        raise InputError(
            "Members of different shapes cannot be written as one file.", where="save",
            expected="members of one network", received="weights of other shapes",
            help="Save each by ensemble.model(k).save(path).",
        )  # fmt: skip
    return {name: np.stack([found[name] for found in flat]) for name in flat[0]}


def _of_weights(key: str) -> bool:
    return key.split(".")[0].isdigit()
