"""What follows the training of a table's network: it is judged, set beside simple models, looked at and written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..doctor import tables as doctor
from ..doctor.static import look_before
from ..engine.data import Data
from ..engine.forward import predict
from ..engine.run import Run
from ..models.loading import load
from ..plan import Plan
from ..report.study_entries import study_entry
from ..utils import finite
from .column_importance import relied_on
from .folder import write_folder, write_record
from .folding import FoldedTable
from .folds import fold_table
from .going_on import fingerprint, seen_before, seen_of
from .judging import kept_of, repeated, residual, score
from .members import Repeats, mean_of, outputs_of
from .model import TableFacts, TableModel
from .network import block
from .prepare import Prepared
from .record import make_record, untold
from .simple import simple_models

PARTS = ("train", "validation", "test")
REPEATED = ("cross_validation", "seed_spread", "ensemble")


@dataclass(frozen=True)
class TableRun:
    """What `train_table` leaves.

    Attributes:
        folder: The run folder.
        run: The engine's Run.
        record: Everything the report shows.
        interrupted: Whether training, or the comparison after it, was cut off; `jindan resume` goes on.
    """

    folder: Path
    run: Run
    record: dict[str, Any]

    @property
    def interrupted(self) -> bool:
        return "unfinished" in self.record

    @property
    def model(self) -> TableModel:
        """The trained model, which takes raw rows."""
        return load(self.folder)  # type: ignore[return-value]

    def add_study(self, *found: Any) -> None:
        """Put studies (of `jd.learning_curve`, `jd.search`, … ) into the run's record and report.

        Args:
            found: What they returned.

        Raises:
            FileError: when the run's folder cannot be written.
        """
        entries = [study_entry(one) for one in found]
        self.record["studies"] = [*self.record.get("studies", []), *entries]
        write_record(self.folder, self.record)

    def summary(self) -> dict[str, Any]:
        """The JSON object of `jindan train --json`."""
        part = judged_part(self.record)
        metrics, over = self.record["metrics"].get(part, {}), self.record.get("interval_groups")
        return finite(
            {
                "run": str(self.folder),
                "task": self.record["task"],
                "target": self.record["target"],
                "measured_on": part,
                "metrics": {name: score["value"] for name, score in metrics.items()},
                "intervals": {name: [score["low"], score["high"]] for name, score in metrics.items()},
                **({} if over is None else {"interval_groups": over[part]}),
                "baselines": {
                    b["name"]: {name: score["value"] for name, score in b["metrics"].items()}
                    for b in self.record["baselines"]
                },
                "findings": [
                    {name: f[name] for name in ("code", "severity", "layer", "evidence", "confidence", "causes")}
                    for f in self.record["findings"]
                ],
                **{name: self.record[name] for name in ("inputs", "relied_on", *REPEATED) if name in self.record},
                "epochs": self.run.epochs,
                "interrupted": self.interrupted,
                "seconds": self.record["seconds"]["total"],
                "timing": self.record["seconds"],
            }
        )


def judged_part(record: dict[str, Any]) -> str:
    """The most honest rows there are: test, else validation, else training."""
    return next((part for part in reversed(PARTS) if part in record["metrics"]), "train")


def finish(
    folder: Path, runs: list[Run], prepared: Prepared, data: Data, settings: dict, seconds: dict, began: float,
    parts: FoldedTable | None, listen: Any, moments: Sequence[Any] = (), studies: Sequence[Any] | None = None,
) -> TableRun:  # fmt: skip
    """Judge, compare and write what was trained.

    Args:
        runs: All repeats, or the first alone.
        parts: The folds to cross-validate over.
        moments: Weights the doctor has kept of the training.
        studies: Entries of the report that stay in it.
    """
    kept, unfinished = kept_of(runs, Repeats(settings.get("seeds", 1), settings.get("ensemble", 1)))
    run = kept[0]

    def predicted(x: Any) -> np.ndarray:
        if len(kept) > 1:
            return mean_of(outputs_of(kept, x))
        return predict(run.plan, run.input_shape, run.weights, x, block(prepared.preprocessor.inputs))

    outputs = predicted(prepared.x)
    rows = {part: prepared.part(part) for part in PARTS if len(prepared.part(part))}
    scores = {part: score(run.plan, prepared, outputs[numbers], numbers) for part, numbers in rows.items()}
    part = next(p for p in reversed(PARTS) if p in scores)
    others: list[Any] = []
    compared: dict[str, Any] = {}
    if not unfinished:
        others, compared, unfinished = _compared(prepared, runs, run.plan, predicted, part, settings, parts, listen)
    seconds = {**seconds, **{name: run.seconds[name] for name in ("trace", "compile") if name in run.seconds}}
    seconds["train"] = run.seconds["run"]
    findings = _findings(prepared, run, data, moments, scores[part], others)
    seconds["total"] = perf_counter() - began
    record = make_record(
        folder.name, run, prepared, scores, others, findings, outputs, seconds, settings["lang"], settings["command"]
    )
    record |= {**_notes(prepared, part, settings.get("start")), **compared}
    record |= {"studies": studies} if studies else {}
    record |= {"unfinished": unfinished} if unfinished else {}
    facts = _facts(prepared, settings, residual(prepared, outputs, part), unfinished, len(kept))
    result = TableRun(folder, run, finite(record))
    write_folder(folder, result.run, result.record, facts, kept)
    return result


def _compared(
    prepared: Prepared, runs: list[Run], plan: Plan, predicted: Callable[[Any], np.ndarray], part: str, settings: dict,
    parts: FoldedTable | None, listen: Any,
) -> tuple[list[Any], dict[str, Any], str | None]:  # fmt: skip
    """Simple models, what the network relies on, its repeats and its folds; and what of it a Ctrl-C left undone.

    The network is trained: it is kept without what `resume` adds.
    """
    repeats, seed = Repeats(settings.get("seeds", 1), settings.get("ensemble", 1)), settings["seed"]
    others: list[Any] = []
    found: dict[str, Any] = {}
    try:
        others = simple_models(prepared, part)
        if relied := relied_on(prepared, plan, predicted, part, seed):
            found["relied_on"] = relied
        found |= repeated(prepared, runs, repeats, part, seed)
        if parts is not None:
            crossed = fold_table(prepared, plan, parts, repeats.seeds, ensemble=repeats.ensemble, seed=seed,
                                 listen=listen)  # fmt: skip
            found["cross_validation"] = crossed.to_dict()
    except KeyboardInterrupt:
        return others, found, "validating" if others and parts is not None else "comparing"
    return others, found, None


def _findings(
    prepared: Prepared, run: Run, data: Data, moments: Sequence[Any], scores: dict[str, Any], others: list[Any]
) -> Any:
    """What the doctor says of the table, the plan, its training and its figures."""
    kind, named = prepared.task.kind, prepared.preprocessor.input_columns
    return doctor.put_in_order(
        [
            *doctor.table_findings(prepared.plain, prepared.target, named, kind),
            doctor.imbalance(prepared.truth[prepared.split.train], prepared.classes) if prepared.classes else None,
            *look_before(run.plan, run.input_shape, data, warn=False),
            *doctor.run_findings(run, data, moments),
            *doctor.beside_baselines(kind, scores, others),
        ]
    )


def _notes(prepared: Prepared, part: str, start: str | None) -> dict[str, Any]:
    """What the record says of the rows: whether they follow one another in time, and whom they are known to."""
    found: dict[str, Any] = {}
    if not prepared.ties:
        found["time_order"] = doctor.time_order(prepared.plain, prepared.columns, prepared.target)
    before = None if start is None or part == "train" else (start, seen_before(prepared, start, part))
    if before is not None:
        found["seen_before"] = {"run": before[0], "count": before[1], "rows": len(prepared.part(part))}
    return {**found, "untold": {name: untold(prepared, part, name, before) for name in ("en", "ko")}}


def _facts(prepared: Prepared, settings: dict, half: float | None, unfinished: str | None, members: int) -> TableFacts:
    """What goes with the network: how its rows were read, and what is left to do."""
    known = {
        **settings,
        "fingerprint": fingerprint(prepared),
        "has_header": settings["header"] is not False and not _nameless(prepared),
        **({} if prepared.marks is None else {"decimal_marks": prepared.marks}),
        **({} if prepared.flags is None else {"flags": prepared.flags}),
        **({"images": True} if prepared.images else {}),
        **({"members": members} if members > 1 else {}),
        "unfinished": unfinished,
        "seen": seen_of(prepared, settings.get("start")).to_dict(),
        **({} if prepared.ties.groups is None else {"grouped_by": prepared.ties.column}),
    }
    return TableFacts(prepared.target, prepared.task.kind, prepared.preprocessor, prepared.encoder, half, known)


def _nameless(prepared: Prepared) -> bool:
    return all(re.fullmatch(r"column_\d+", name) for name in prepared.frame.columns)
