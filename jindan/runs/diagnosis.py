"""A run looked at by the doctor: trained again under watch, and, where asked for, repaired into a new run beside it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..data import fit_preprocessor
from ..doctor import tables as doctor
from ..doctor.diagnosis import Report, examine
from ..doctor.evidence import Case
from ..doctor.findings import Finding
from ..doctor.keeping import Keeper
from ..engine.train import train
from ..errors import InputError
from ..models.loading import load
from ..plan import Plan
from ..utils import finite
from .build import targets_for
from .finishing import TableRun, finish
from .folder import check_writable
from .folding import folded
from .going_on import read_again
from .members import Repeats
from .model import TableModel
from .prepare import Prepared
from .tables import data_of, train_table


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor makes of a run.

    Attributes:
        folder: The run.
        report: Findings and facts; those of the table are among them.
        repaired: The new run, where one was asked for and a repair was proved.
        changes: What was changed for it: path → value.
        proof: The repair's proof; the evidence itself for a repair of validity (a column that holds the answer).
    """

    folder: Path
    report: Report
    repaired: TableRun | None = None
    changes: dict[str, Any] | None = None
    proof: dict[str, Any] | None = None

    def summary(self) -> dict[str, Any]:
        """The JSON object of `jindan diagnose --json`."""
        found = {"run": str(self.folder), **self.report.to_dict()}
        if self.repaired is not None:
            found["repair"] = {"run": str(self.repaired.folder), "changes": self.changes, "proof": self.proof,
                               "metrics": self.repaired.summary()["metrics"]}  # fmt: skip
        return finite(found)


def diagnose_run(
    folder: str | Path, *, repair: bool = False, out: str | Path | None = None,
    listen: Callable[[Any], Any] | None = None,
) -> Diagnosis:  # fmt: skip
    """Train a run's plan again under watch, on the rows it was trained on, and say what is wrong.

    Args:
        folder: A run of `jindan train`.
        repair: Whether to look for a repair, and write the repaired run.
        out: Where it goes; `<folder>-repaired` unless given.
        listen: Told of progress; see `jindan.train`.

    Raises:
        InputError: when the run's table is gone or is not what it was.
    """
    model = load(folder)
    if not isinstance(model, TableModel) or model._run is None:
        raise InputError(
            "This run was not trained on a table.", where=folder, expected="a run of `jindan train`",
            received="a saved model or an ensemble", help="jindan.diagnose(model, x, y) looks at a model.",
        )  # fmt: skip
    prepared = read_again(model, folder)
    plan = model._run.plan
    data = data_of(prepared, targets_for(plan, prepared.task.kind, prepared.encoded, prepared.classes))
    case = watched(plan, data, model, listen)
    report = examine(case)
    report = replace(report, findings=_with_table(report.findings, prepared))
    place = Path(folder)
    if not repair:
        return Diagnosis(place, report)
    target = Path(out) if out is not None else place.with_name(f"{place.name}-repaired")
    check_writable(target)
    return _repaired(Diagnosis(place, report), model, prepared, target, listen)


def watched(plan: Plan, data: Any, model: TableModel, listen: Any = None) -> Case:
    """The plan trained once more under watch: the same seed gives the same run."""
    started = model.facts.settings.get("start")
    start = None if started is None else replace(load(started)._run, interrupted=False)  # type: ignore[union-attr, arg-type, type-var]
    keeper = Keeper()
    run = train(plan, data, start=start, listen=listen, watch=keeper)
    if run.interrupted:
        raise KeyboardInterrupt
    return Case.of_run(run, data, keeper.moments, prepared=True)


def _with_table(findings: tuple[Finding, ...], prepared: Prepared) -> tuple[Finding, ...]:
    """The findings with those of the table: columns that hold the answer come first."""
    own = doctor.table_findings(
        prepared.plain, prepared.target, prepared.preprocessor.input_columns, prepared.task.kind
    )
    told = {(f.code, f.evidence.get("column")) for f in own}
    return (*own, *(f for f in findings if (f.code, f.evidence.get("column")) not in told))


def _without_branches(plan: Plan, prepared: Prepared, preprocessing: Any) -> Plan:
    """The plan for a table with fewer columns: its network is built anew where an input has lost all of its own."""
    columns = [c for c in prepared.columns if c.name not in preprocessing.drop and c.name != prepared.target]
    rows = prepared.frame[prepared.split.train]
    fitted = fit_preprocessor(rows, columns, preprocessing, target=prepared.target, folder=prepared.folder)
    plan = plan.replace(preprocessing=preprocessing, rows=None)
    alike = len(fitted.inputs) == len(prepared.preprocessor.inputs)
    return plan if alike else plan.replace(layers=(), wiring=None)


def _repaired(
    found: Diagnosis, model: TableModel, prepared: Prepared, target: Path, listen: Any
) -> Diagnosis:  # fmt: skip
    """The diagnosis with a new run: without the columns that hold the answer, else by the repair that was proved."""
    settings, began = model.facts.settings, time.perf_counter()
    leaks = [f for f in found.report.findings if f.code == "data-leakage" and f.evidence.get("column") is not None]
    if leaks:
        columns = tuple(str(f.evidence["column"]) for f in leaks)
        plan = model._run.plan  # type: ignore[union-attr]
        preprocessing = replace(plan.preprocessing, drop=(*plan.preprocessing.drop, *columns))
        again = ("task", "validation", "test", "seed", "header", "lang", "command")
        run = train_table(
            settings["source"], settings["target"], **{name: settings[name] for name in again},
            **{name: settings[name] for name in ("groups", "time", "folds", "seeds", "ensemble") if name in settings},
            plan=_without_branches(plan, prepared, preprocessing), out=target, listen=listen,
        )  # fmt: skip
        changes = {"preprocessing.drop": list(preprocessing.drop)}
        return replace(found, repaired=run, changes=changes, proof=dict(leaks[0].evidence))
    cure = found.report.repair()
    if cure is None:
        return found
    data = data_of(prepared, targets_for(cure.plan, prepared.task.kind, prepared.encoded, prepared.classes))
    repeats = Repeats(settings.get("seeds", 1), settings.get("ensemble", 1))
    runs = [cure.model._run]
    if runs[0] is None or repeats.count > 1:
        rows = len(data) if cure.plan.rows is None or repeats.ensemble > 1 else cure.plan.rows.numbers
        runs = train(repeats.plans(cure.plan, rows, settings["seed"]), data, listen=listen)
        if any(run.interrupted for run in runs):
            raise KeyboardInterrupt
    parts = folded(prepared, settings["folds"], settings["seed"]) if settings.get("folds") else None
    more = finish(target, runs, prepared, data, {**settings, "start": None}, {}, began, parts, listen)
    return replace(found, repaired=more, changes=cure.changes, proof=cure.proof)
