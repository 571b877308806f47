"""The main job: one table in, one run folder out, with model, metrics, baselines, findings and report."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Preprocessing
from ..doctor import tables as doctor
from ..doctor.static import look_before
from ..engine.data import Data, cut, row_shape
from ..engine.forward import predict
from ..engine.run import Run
from ..engine.train import train
from ..errors import InputError
from ..models.loading import load
from ..plan import Plan
from ..select import Score, score_classes, score_numbers
from .build import Wanted, build_plan, probabilities, read_plan, refuse_contradiction, refuse_too_large, targets_for
from .folder import check_writable, new_folder, write_folder
from .model import TableFacts, TableModel
from .network import block
from .prepare import Prepared, counted, prepare
from .record import finite, make_record, untold
from .simple import simple_models

__all__ = ["TableModel", "TableRun", "resume_table", "train_table"]

PARTS = ("train", "validation", "test")


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

    def summary(self) -> dict[str, Any]:
        """The JSON object of `jindan train --json`."""
        part = judged_part(self.record)
        metrics = self.record["metrics"].get(part, {})
        return finite(
            {
                "run": str(self.folder),
                "task": self.record["task"],
                "target": self.record["target"],
                "measured_on": part,
                "metrics": {name: score["value"] for name, score in metrics.items()},
                "intervals": {name: [score["low"], score["high"]] for name, score in metrics.items()},
                "baselines": {
                    b["name"]: {name: score["value"] for name, score in b["metrics"].items()}
                    for b in self.record["baselines"]
                },
                "findings": [
                    {name: f[name] for name in ("code", "severity", "layer", "evidence", "confidence", "causes")}
                    for f in self.record["findings"]
                ],
                **({"inputs": self.record["inputs"]} if "inputs" in self.record else {}),
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
    start: str | Path | None = None,
    listen: Callable[[Any], Any] | None = None,
    lang: str = "en",
    command: str | None = None,
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
        start: A run folder whose model is trained on, on this table.
        listen: Told of progress; see `jindan.train`.
        lang: Language the report opens in.
        command: What the user typed, for the report.
        wanted: Fields of `Wanted`: layers, plan, epochs, batch_size, optimizer, learning_rate, loss.

    Raises:
        InputError: when table, target and plan do not fit; nothing is written then.
    """
    began = time.perf_counter()
    asked = Wanted(**wanted)
    old = _run_to_go_on_from(start, asked.layers, preprocessing)
    asked, seed, preprocessing = _known(asked, old, seed, preprocessing)
    settings = {
        "source": str(Path(source).resolve()) if isinstance(source, (str, Path)) else None,
        "target": target, "task": task, "validation": validation, "test": test, "seed": seed, "header": header,
        "lang": lang, "command": command, "start": None if start is None else str(start),
    }  # fmt: skip
    again = old is not None and (task, target) == ("auto", old.facts.target)
    prepared = prepare(
        source, target, task=old.facts.task if again else task,
        preprocessing=preprocessing if old is None else _sized(preprocessing, old), validation=validation, test=test,
        seed=seed, header=header,
    )  # fmt: skip
    if old is not None:
        prepared = _as_before(prepared, old)
    read = time.perf_counter() - began
    made, data = _plan_and_data(prepared, asked, old, seed, preprocessing)
    check_writable(folder := Path(out) if out is not None else new_folder(prepared.name))
    # A run that was cut off lends its weights like any other; its place in its own epochs is for `resume`.
    before = None if old is None else replace(old._run, interrupted=False)
    _still_wanted(listen)
    run = train(made, data, listen=listen, start=before)
    return _finish(folder, run, prepared, data, settings, {"read": read}, began)


def _known(asked: Wanted, old: Any, seed: int | None, preprocessing: Any) -> tuple[Wanted, int, Preprocessing]:
    """What is asked for, with what the given plan (or the old run's) says of it."""
    if asked.plan is not None or old is not None:
        known = read_plan(asked.plan) if asked.plan is not None else old._run.plan
        asked = asked if asked.plan is not None else replace(asked, plan=known)
        seed = known.seed if seed is None else seed
        preprocessing = known.preprocessing if preprocessing is None else preprocessing
    return asked, seed or 0, preprocessing or Preprocessing()


def _plan_and_data(
    prepared: Prepared, asked: Wanted, old: Any, seed: int, preprocessing: Preprocessing
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
        raise _other_network("--plan")
    refuse_too_large(made, shape, rows)
    targets = targets_for(made, kind, prepared.encoded, prepared.classes)
    refuse_contradiction(made, kind, shape, targets)
    return made, _data(prepared, targets)


def resume_table(folder: str | Path, *, listen: Callable[[Any], Any] | None = None) -> TableRun:
    """Go on with an interrupted run, to the same numbers as without the interruption.

    Raises:
        InputError: when the run is complete, or its table is not what it was.
    """
    began = time.perf_counter()
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
    if settings["source"] is None:
        raise InputError(
            "The run's table was not a file.", where=folder, expected="a run on a file", received="rows from memory",
            help="Train again with train_table.",
        )  # fmt: skip
    prepared = prepare(
        settings["source"], settings["target"], task=settings["task"], preprocessing=run.plan.preprocessing,
        validation=settings["validation"], test=settings["test"], seed=settings["seed"], header=settings["header"],
    )  # fmt: skip
    if settings.get("start") is not None:
        prepared = _as_before(prepared, model)
    if _fingerprint(prepared) != settings.get("fingerprint"):
        raise InputError(
            "The table is not what it was when the run began.", where=settings["source"],
            expected="the same rows and columns", received="other ones", help="Restore the file, or train anew.",
        )  # fmt: skip
    targets = targets_for(run.plan, prepared.task.kind, prepared.encoded, prepared.classes)
    _still_wanted(listen)
    data = _data(prepared, targets)
    if run.interrupted:
        run = train(run.plan, data, start=run, listen=listen)
    return _finish(Path(folder), run, prepared, data, settings, {}, began)


def _data(prepared: Prepared, targets: np.ndarray) -> Data:
    train_rows, held = prepared.split.train, prepared.split.validation
    validation = Data.of(cut(prepared.x, held), targets[held]) if len(held) else None
    return Data.of(cut(prepared.x, train_rows), targets[train_rows], validation=validation)


def _finish(
    folder: Path, run: Run, prepared: Prepared, data: Data, settings: dict, seconds: dict, began: float
) -> TableRun:
    at_once = block(prepared.preprocessor.inputs)
    outputs = predict(run.plan, run.input_shape, run.weights, prepared.x, at_once)
    scores = {part: _score(prepared, outputs, prepared.part(part)) for part in PARTS if len(prepared.part(part))}
    part = next(p for p in reversed(PARTS) if p in scores)
    unfinished = "training" if run.interrupted else None
    try:
        others = simple_models(prepared, part) if not run.interrupted else []
    except KeyboardInterrupt:
        # The network is trained: it is kept without the simple models, which `resume` adds.
        others, unfinished = [], "comparing"
    seconds = {**seconds, **{name: run.seconds[name] for name in ("trace", "compile") if name in run.seconds}}
    seconds["train"] = run.seconds["run"]
    findings = doctor.put_in_order(
        [
            *doctor.table_findings(prepared.plain, prepared.target, prepared.preprocessor.input_columns),
            doctor.imbalance(prepared.truth[prepared.split.train], prepared.classes) if prepared.classes else None,
            *look_before(run.plan, run.input_shape, data, warn=False),
            *doctor.run_findings(run),
            *doctor.beside_baselines(prepared.task.kind, scores[part], others),
        ]
    )
    seconds["total"] = time.perf_counter() - began
    record = make_record(
        folder.name, run, prepared, scores, others, findings, outputs, seconds, settings["lang"], settings["command"]
    )
    record["time_order"] = doctor.time_order(prepared.plain, prepared.columns, prepared.target)
    record["untold"] = {name: untold(prepared, part, name) for name in ("en", "ko")}
    if unfinished:
        record["unfinished"] = unfinished
    facts = TableFacts(
        prepared.target,
        prepared.task.kind,
        prepared.preprocessor,
        prepared.encoder,
        _residual(prepared, outputs, part),
        {
            **settings,
            "fingerprint": _fingerprint(prepared),
            "has_header": settings["header"] is not False and not _nameless(prepared),
            **({"images": True} if prepared.images else {}),
            "unfinished": unfinished,
        },
    )
    result = TableRun(folder, run, finite(record))
    write_folder(folder, result.run, result.record, facts)
    return result


def _fingerprint(prepared: Prepared) -> str:
    """The same for the same rows, features, targets and split."""
    found = hashlib.sha256()
    inputs = prepared.x if isinstance(prepared.x, tuple) else (prepared.x,)
    for array in (*inputs, prepared.encoded, prepared.split.train, prepared.split.validation):
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _score(prepared: Prepared, outputs: np.ndarray, rows: np.ndarray) -> dict[str, Score]:
    if prepared.classes:
        return score_classes(prepared.truth[rows], probabilities(outputs[rows], prepared.classes))
    return score_numbers(prepared.truth[rows], prepared.encoder.decode(outputs[rows, 0]))


def _sized(preprocessing: Any, old: Any) -> Any:
    """The settings with the size of the images the old run's network sees."""
    if not old.sees_images:
        return preprocessing
    return replace(preprocessing, image_size=old.facts.preprocessor.inputs[0].shape[:2])


def _residual(prepared: Prepared, outputs: np.ndarray, part: str) -> float | None:
    """The half-width that held 95 % of the errors on rows not trained on (split conformal; Lei et al. 2018)."""
    if prepared.classes or part == "train":
        return None
    rows = prepared.part(part)
    errors = np.sort(np.abs(prepared.truth[rows] - prepared.encoder.decode(outputs[rows, 0])))
    if not len(errors) or not np.isfinite(errors).all():
        return None
    return float(errors[min(len(errors) - 1, int(np.ceil(0.95 * (len(errors) + 1))) - 1)])


def _as_before(prepared: Prepared, old: TableModel) -> Prepared:
    """The new rows through the old run's preprocessing, so that its network understands them."""
    facts = old.facts
    if facts.target != prepared.target or facts.task != prepared.task.kind:
        raise InputError(
            "The run to go on from predicted something else.", where="--from",
            expected=f"target {facts.target!r} ({facts.task})",
            received=f"target {prepared.target!r} ({prepared.task.kind})",
            help="Use the same target, or train anew.",
        )  # fmt: skip
    with counted(prepared.numbers):
        codes = np.asarray(facts.encoder.encode(prepared.frame[prepared.target]))
    x = prepared.through(facts.preprocessor)
    truth = codes if facts.task != "regression" else np.asarray(facts.encoder.decode(codes))
    return replace(prepared, preprocessor=facts.preprocessor, encoder=facts.encoder, x=x, encoded=codes, truth=truth)


def _run_to_go_on_from(start: str | Path | None, layers: str | None, preprocessing: Any) -> Any:
    """The TableModel of a run folder, or None."""
    if start is None:
        return None
    old = load(start)
    if not isinstance(old, TableModel) or old._run is None:
        raise InputError(
            "The run to go on from was not trained on a table.", where="--from", expected="a run of `jindan train`",
            received=start, help="Give the folder that `jindan train` printed.",
        )  # fmt: skip
    if layers is not None:
        raise _other_network("--layers")
    if preprocessing is not None:
        raise InputError(
            "A run is gone on from with its own preprocessing.", where="--drop, --numeric", expected="neither of them",
            received="another preprocessing", help="Leave them out, or train anew without --from.",
        )  # fmt: skip
    return old


def _other_network(where: str) -> InputError:
    return InputError(
        "A run is gone on from with its own network.", where=where, expected="the layers of the run",
        received="other layers", help=f"Leave {where} out, or train anew without --from.",
    )  # fmt: skip


def _nameless(prepared: Prepared) -> bool:
    return all(re.fullmatch(r"column_\d+", name) for name in prepared.frame.columns)


def _still_wanted(listen: Any) -> None:
    """A Ctrl-C that a library swallowed while the table was read counts before the training begins."""
    if getattr(listen, "cancelled", False):
        raise KeyboardInterrupt
