"""The main job: one table in, one run folder out, with model, metrics, baselines, findings and report."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..data import Preprocessing
from ..doctor import tables as doctor
from ..doctor.hidden_activations import tell_hidden
from ..doctor.keeping import Keeper
from ..doctor.static import look_before
from ..engine.data import Data, cut, row_shape
from ..engine.forward import predict
from ..engine.run import Run
from ..engine.train import train
from ..errors import InputError
from ..models.loading import load
from ..plan import Plan
from ..report.study_entries import study_entry
from ..utils import finite
from .build import Wanted, build_plan, refuse_contradiction, refuse_too_large, targets_for
from .column_importance import relied_on
from .folder import check_writable, new_folder, read_record, stem_of, write_folder, write_record
from .folding import FoldedTable, folded
from .folds import fold_table
from .going_on import (
    as_before,
    fingerprint,
    known_settings,
    other_network,
    read_again,
    run_to_go_on_from,
    seen_before,
    seen_of,
    sized,
)
from .groups_and_time import warn_of_groups
from .judging import kept_of, repeated, residual, score
from .members import Repeats, mean_of, outputs_of
from .model import TableFacts, TableModel
from .network import block
from .prepare import Prepared, prepare
from .record import make_record, untold
from .simple import simple_models

__all__ = ["TableModel", "TableRun", "resume_table", "train_table"]

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


def train_table(
    source: Any,
    target: str | int | None = None,
    *,
    task: str = "auto",
    validation: float = 0.2,
    test: float = 0.2,
    seed: int | None = None,
    out: str | Path | None = None,
    preprocessing: Preprocessing | None = None,
    header: bool | None = None,
    groups: str | int | None = None,
    time: str | int | None = None,
    start: str | Path | None = None,
    listen: Callable[[Any], Any] | None = None,
    lang: str = "en",
    command: str | None = None,
    folds: int | None = None,
    seeds: int = 1,
    ensemble: int = 1,
    **wanted: Any,
) -> TableRun:
    """Train a network on a table or a set of images and write a run folder.

    Columns of free text and of paths of images are learnt from as they are, each by a branch of the network.

    Args:
        source: A CSV, TSV or Parquet file, a data frame, or columns by name; or a folder of classes of images (with
            folders `train` and `test` in it or not), or an .npz of images and labels.
        target: The column to predict, by name or by place (−1 is the last); for a set of images nothing.
        task: "auto" reads it off the target; or "binary", "multiclass", "regression".
        validation, test: Shares of the rows kept apart.
        seed: Fixes split, weights and order of rows; the plan's own, else 0, unless given.
        out: The run folder; `runs/<table>-<time>` unless given.
        preprocessing: How columns become numbers; the plan's own unless given.
        header: Whether the first line holds names; None looks.
        groups: A column that names each row's group (a patient, a user): none is in two parts, and it is not learnt
            from, nor is a column that names the same groups. Intervals of scores are then over groups.
        time: A column that says when each row was, or "rows" for the order of the file: the last rows are the test, and
            those before them the validation.
        start: A run folder whose model is trained on, on this table.
        listen: Told of progress; see `jindan.train`.
        lang: Language the report opens in.
        command: What the user typed, for the report.
        folds: Cross-validate the plan on all rows, too, over as many folds; see `jindan.runs.folds.fold_table`. Weights
            are fresh in each fold, whatever `start` is.
        seeds: Train again from as many seeds, all at once, to see whether the result is luck; the first is kept.
        ensemble: Train as many members on bootstraps of the training rows; their mean is the model.
        wanted: Fields of `Wanted`: layers, plan, epochs, batch_size, optimizer, learning_rate, loss.

    Raises:
        InputError: when table, target and plan do not fit; nothing is written then.
    """
    began = perf_counter()
    asked = Wanted(**wanted)
    repeats = Repeats(seeds, ensemble)
    old = run_to_go_on_from(start, asked.layers, preprocessing)
    asked, seed, preprocessing = known_settings(asked, old, seed, preprocessing)
    settings = {
        "source": str(Path(source).resolve()) if isinstance(source, (str, Path)) else None,
        "target": target, "task": task, "validation": validation, "test": test, "seed": seed, "header": header,
        "lang": lang, "command": command, "start": None if start is None else str(start),
        **{name: column for name, column in (("groups", groups), ("time", time)) if column is not None},
        **({"folds": folds} if folds is not None else {}),
        **({"seeds": seeds, "ensemble": ensemble} if repeats.count > 1 else {}),
    }  # fmt: skip
    again = old is not None and (task, target) == ("auto", old.facts.target)
    prepared = prepare(
        source, target, task=old.facts.task if again else task,
        preprocessing=preprocessing if old is None else sized(preprocessing, old), validation=validation, test=test,
        seed=seed, header=header, groups=groups, time=time,
    )  # fmt: skip
    if old is not None:
        prepared = as_before(prepared, old)
    warn_of_groups(prepared.ties, lang)
    read = perf_counter() - began
    made, data = _plan_and_data(prepared, asked, old, seed, preprocessing, lang)
    # Before the training: what cannot be cut into folds is refused while nothing is lost.
    parts = None if folds is None else folded(prepared, folds, seed)
    check_writable(folder := Path(out) if out is not None else new_folder(stem_of(prepared.name)))
    # A run that was cut off lends its weights like any other; its place in its own epochs is for `resume`.
    before = None if old is None else replace(old._run, interrupted=False)
    _still_wanted(listen)
    plans = repeats.plans(made, len(data), seed)
    keeper = Keeper()
    runs = train(plans, data, listen=listen, start=None if before is None else [before] * len(plans), watch=keeper)
    return finish(folder, runs, prepared, data, settings, {"read": read}, began, parts, listen, keeper.moments)


def _plan_and_data(
    prepared: Prepared, asked: Wanted, old: Any, seed: int, preprocessing: Preprocessing, lang: str
) -> tuple[Plan, Data]:
    """The plan for a table and its rows as the plan's loss takes them.

    Raises:
        InputError: when they contradict each other, or do not fit into memory.
    """
    rows, kind, shape = len(prepared.split.train), prepared.task.kind, row_shape(prepared.x)
    made = build_plan(
        kind, max(1, prepared.classes), rows, asked, seed=seed, validated=len(prepared.split.validation) > 0,
        preprocessing=preprocessing, inputs=prepared.preprocessor.inputs,
    )  # fmt: skip
    if old is not None and made.layers != old._run.plan.layers:
        raise other_network("--plan")
    refuse_too_large(made, shape, rows, prepared.x)
    targets = targets_for(made, kind, prepared.encoded, prepared.classes)
    refuse_contradiction(made, kind, shape, targets)
    tell_hidden(made, shape, lang)
    return made, data_of(prepared, targets)


def resume_table(folder: str | Path, *, listen: Callable[[Any], Any] | None = None) -> TableRun:
    """Go on with an interrupted run, to the same numbers as without the interruption.

    Raises:
        InputError: when the run is complete, or its table is not what it was.
    """
    began = perf_counter()
    model = load(folder)
    if not isinstance(model, TableModel):
        raise InputError(
            "This run was not trained on a table.", where=folder, expected="a run of `jindan train`",
            received="a saved model", help="Call model.fit again instead.",
        )  # fmt: skip
    run, settings = model._run, model.facts.settings
    if run is None or not (run.interrupted or settings.get("unfinished")):
        raise InputError(
            "There is nothing to resume: the run is complete.", where=folder, expected="an interrupted run",
            received=f"a complete one of {run.epochs if run else 0} epochs",
            help="Train on with `jindan train … --from RUN`.",
        )  # fmt: skip
    studies = read_record(Path(folder)).get("studies")  # such as the search whose best plan this run trains
    prepared = read_again(model, folder)
    targets = targets_for(run.plan, prepared.task.kind, prepared.encoded, prepared.classes)
    _still_wanted(listen)
    data = data_of(prepared, targets)
    repeats, seed = Repeats(settings.get("seeds", 1), settings.get("ensemble", 1)), settings["seed"]
    parts = folded(prepared, settings["folds"], seed) if settings.get("folds") else None
    plans = repeats.plans(run.plan, len(data), seed)
    runs = [train(plans[0], data, start=run, listen=listen) if run.interrupted else run]
    if len(plans) > 1 and not runs[0].interrupted:
        before = None if settings.get("start") is None else replace(load(settings["start"])._run, interrupted=False)
        runs += train(plans[1:], data, listen=listen, start=None if before is None else [before] * len(plans[1:]))
    return finish(Path(folder), runs, prepared, data, settings, {}, began, parts, listen, studies=studies)


def data_of(prepared: Prepared, targets: np.ndarray) -> Data:
    """Training and validation rows as a plan's loss takes them."""
    train_rows, held = prepared.split.train, prepared.split.validation
    validation = Data.of(cut(prepared.x, held), targets[held]) if len(held) else None
    return Data.of(cut(prepared.x, train_rows), targets[train_rows], validation=validation)


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
    repeats = Repeats(settings.get("seeds", 1), settings.get("ensemble", 1))
    kept, unfinished = kept_of(runs, repeats)
    run = kept[0]

    def predicted(x: Any) -> np.ndarray:
        if len(kept) > 1:
            return mean_of(outputs_of(kept, x))
        return predict(run.plan, run.input_shape, run.weights, x, block(prepared.preprocessor.inputs))

    outputs = predicted(prepared.x)
    rows = {part: prepared.part(part) for part in PARTS if len(prepared.part(part))}
    scores = {part: score(run.plan, prepared, outputs[numbers], numbers) for part, numbers in rows.items()}
    part = next(p for p in reversed(PARTS) if p in scores)
    others, more = [], {}
    if not unfinished:
        try:
            others = simple_models(prepared, part)
            if relied := relied_on(prepared, run.plan, predicted, part, settings["seed"]):
                more["relied_on"] = relied
            more |= repeated(prepared, runs, repeats, part, settings["seed"])
            if parts is not None:
                crossed = fold_table(prepared, run.plan, parts, repeats.seeds, ensemble=repeats.ensemble,
                                     seed=settings["seed"], listen=listen)  # fmt: skip
                more["cross_validation"] = crossed.to_dict()
        except KeyboardInterrupt:
            # The network is trained: it is kept without what `resume` adds.
            unfinished = "validating" if others and parts is not None else "comparing"
    seconds = {**seconds, **{name: run.seconds[name] for name in ("trace", "compile") if name in run.seconds}}
    seconds["train"] = run.seconds["run"]
    findings = doctor.put_in_order(
        [
            *doctor.table_findings(
                prepared.plain, prepared.target, prepared.preprocessor.input_columns, prepared.task.kind
            ),
            doctor.imbalance(prepared.truth[prepared.split.train], prepared.classes) if prepared.classes else None,
            *look_before(run.plan, run.input_shape, data, warn=False),
            *doctor.run_findings(run, data, moments),
            *doctor.beside_baselines(prepared.task.kind, scores[part], others),
        ]
    )
    seconds["total"] = perf_counter() - began
    record = make_record(
        folder.name, run, prepared, scores, others, findings, outputs, seconds, settings["lang"], settings["command"]
    )
    if not prepared.ties:
        record["time_order"] = doctor.time_order(prepared.plain, prepared.columns, prepared.target)
    start = settings.get("start")
    before = None if start is None or part == "train" else (start, seen_before(prepared, start, part))
    if before is not None:
        record["seen_before"] = {"run": before[0], "count": before[1], "rows": len(prepared.part(part))}
    record["untold"] = {name: untold(prepared, part, name, before) for name in ("en", "ko")}
    record |= more
    if studies:
        record["studies"] = studies
    if unfinished:
        record["unfinished"] = unfinished
    facts = _facts(prepared, settings, residual(prepared, outputs, part), unfinished, len(kept))
    result = TableRun(folder, run, finite(record))
    write_folder(folder, result.run, result.record, facts, kept)
    return result


def _facts(prepared: Prepared, settings: dict, half: float | None, unfinished: str | None, members: int) -> TableFacts:
    """What goes with the network: how its rows were read, and what is left to do."""
    known = {
        **settings,
        "fingerprint": fingerprint(prepared),
        "has_header": settings["header"] is not False and not _nameless(prepared),
        **({} if prepared.marks is None else {"decimal_marks": prepared.marks}),
        **({"images": True} if prepared.images else {}),
        **({"members": members} if members > 1 else {}),
        "unfinished": unfinished,
        "seen": seen_of(prepared, settings.get("start")).to_dict(),
        **({} if prepared.ties.groups is None else {"grouped_by": prepared.ties.column}),
    }
    return TableFacts(prepared.target, prepared.task.kind, prepared.preprocessor, prepared.encoder, half, known)


def _nameless(prepared: Prepared) -> bool:
    return all(re.fullmatch(r"column_\d+", name) for name in prepared.frame.columns)


def _still_wanted(listen: Any) -> None:
    """A Ctrl-C that a library swallowed while the table was read counts before the training begins."""
    if getattr(listen, "cancelled", False):
        raise KeyboardInterrupt
