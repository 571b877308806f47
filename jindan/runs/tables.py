"""The main job: one table in, one run folder out, with model, metrics, baselines, findings and report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..data import Preprocessing
from ..doctor.hidden_activations import tell_hidden
from ..doctor.keeping import Keeper
from ..engine.data import Data, cut, row_shape
from ..engine.train import train
from ..errors import InputError
from ..models.loading import load
from ..plan import Plan
from .build import Wanted, build_plan, refuse_contradiction, refuse_too_large, targets_for
from .finishing import TableRun, finish
from .folder import check_writable, new_folder, read_record, stem_of
from .folding import folded
from .going_on import as_before, known_settings, other_network, read_again, run_to_go_on_from, sized
from .groups_and_time import warn_of_groups
from .members import Repeats
from .model import TableModel
from .prepare import Prepared, prepare

__all__ = ["TableModel", "TableRun", "resume_table", "train_table"]


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
    prepared = _read(source, target, old, task, preprocessing, validation=validation, test=test, seed=seed,
                     header=header, groups=groups, time=time)  # fmt: skip
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


def _read(
    source: Any, target: Any, old: TableModel | None, task: str, preprocessing: Preprocessing | None, **split: Any
) -> Prepared:
    """The table, as the run that is gone on from saw its own."""
    if old is None:
        return prepare(source, target, task=task, preprocessing=preprocessing, **split)
    task = old.facts.task if (task, target) == ("auto", old.facts.target) else task
    return as_before(prepare(source, target, task=task, preprocessing=sized(preprocessing, old), **split), old)


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


def _still_wanted(listen: Any) -> None:
    """A Ctrl-C that a library swallowed while the table was read counts before the training begins."""
    if getattr(listen, "cancelled", False):
        raise KeyboardInterrupt
