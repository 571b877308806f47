"""Going on from a run: what it settles of a new training, and whether a table is still the one it was trained on."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Preprocessing
from ..engine.data import cut, digest
from ..errors import InputError, JindanError
from ..models.loading import load
from .build import Wanted, read_plan
from .model import TableModel
from .prepare import Prepared, counted, prepare
from .seen import Seen, marks_of


def known_settings(asked: Wanted, old: Any, seed: int | None, preprocessing: Any) -> tuple[Wanted, int, Preprocessing]:
    """What is asked for, with what the given plan (or the old run's) says of it."""
    if asked.plan is not None or old is not None:
        known = read_plan(asked.plan) if asked.plan is not None else old._run.plan
        asked = asked if asked.plan is not None else replace(asked, plan=known)
        seed = known.seed if seed is None else seed
        preprocessing = known.preprocessing if preprocessing is None else preprocessing
    return asked, seed or 0, preprocessing or Preprocessing()


def fingerprint(prepared: Prepared) -> str:
    """The same for the same rows, features, targets and split."""
    return digest(prepared.x, prepared.encoded, prepared.split.train, prepared.split.validation).hexdigest()


def sized(preprocessing: Any, old: Any) -> Any:
    """The settings with the size of the images the old run's network sees."""
    if not old.sees_images:
        return preprocessing
    return replace(preprocessing, image_size=old.facts.preprocessor.inputs[0].shape[:2])


def as_before(prepared: Prepared, old: TableModel) -> Prepared:
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


def seen_before(prepared: Prepared, start: str | Path, part: str) -> int | None:
    """How many rows of a part the run gone on from, or one before it, was trained on; None where a table of theirs
    cannot be read again.

    Rows are the same where the network sees the same and the target is the same, as in a table that has grown. Of the
    same table, split alike, none was seen.
    """
    known: list[np.ndarray] = []
    own = fingerprint(prepared)
    place: Any = start
    while place is not None:
        try:
            model = load(place)
            old = read_again(model, place)  # type: ignore[arg-type]
        except JindanError:
            return None
        if fingerprint(old) != own:
            known.append(_marks(old, used(old)))
        place = model.facts.settings.get("start")  # type: ignore[union-attr]
    return int(np.isin(_marks(prepared, prepared.part(part)), np.concatenate(known)).sum()) if known else 0


def seen_of(prepared: Prepared, start: str | Path | None) -> Seen:
    """The rows a run was trained on, and those of the run it went on from, where that is still there."""
    before = None
    if start is not None:
        with contextlib.suppress(JindanError):
            before = Seen.from_dict(load(start).facts.settings.get("seen"))  # type: ignore[union-attr]
    return Seen.of(_marks(prepared, used(prepared)), _marks(prepared, prepared.split.test), before)


def used(prepared: Prepared) -> np.ndarray:
    """Numbers of the rows that are trained on, or watched."""
    return np.concatenate([prepared.split.train, prepared.split.validation])


def _marks(prepared: Prepared, rows: np.ndarray) -> np.ndarray:
    return marks_of(cut(prepared.x, rows), prepared.encoded[rows])


def read_again(model: TableModel, folder: str | Path) -> Prepared:
    """The table of a run, read and prepared as when it was trained.

    Raises:
        InputError: when it was not a file, or is not what it was.
    """
    settings, run = model.facts.settings, model._run
    if settings["source"] is None:
        raise InputError(
            "The run's table was not a file.", where=folder, expected="a run on a file", received="rows from memory",
            help="Train again with train_table.",
        )  # fmt: skip
    prepared = prepare(
        settings["source"], settings["target"], task=settings["task"],
        preprocessing=run.plan.preprocessing,  # type: ignore[union-attr]
        validation=settings["validation"], test=settings["test"], seed=settings["seed"], header=settings["header"],
        groups=settings.get("groups"), time=settings.get("time"),
    )  # fmt: skip
    if settings.get("start") is not None:
        prepared = as_before(prepared, model)
    if fingerprint(prepared) != settings.get("fingerprint"):
        raise InputError(
            "The table is not what it was when the run began.", where=settings["source"],
            expected="the same rows and columns", received="other ones", help="Restore the file, or train anew.",
        )  # fmt: skip
    return prepared


def run_to_go_on_from(start: str | Path | None, layers: str | None, preprocessing: Any) -> Any:
    """The TableModel of a run folder, or None."""
    if start is None:
        return None
    old = load(start)
    if isinstance(old, TableModel) and old.members:
        raise InputError(
            "An ensemble cannot be gone on from.", where="--from", expected="a run of one network",
            received=f"{len(old.members)} members", help="Train anew, or go on from a run without --ensemble.",
        )  # fmt: skip
    if not isinstance(old, TableModel) or old._run is None:
        raise InputError(
            "The run to go on from was not trained on a table.", where="--from", expected="a run of `jindan train`",
            received=start, help="Give the folder that `jindan train` printed.",
        )  # fmt: skip
    if layers is not None:
        raise other_network("--layers")
    if preprocessing is not None:
        raise InputError(
            "A run is gone on from with its own preprocessing.", where="--drop, --numeric", expected="neither of them",
            received="another preprocessing", help="Leave them out, or train anew without --from.",
        )  # fmt: skip
    return old


def other_network(where: str) -> InputError:
    """The error for layers beside a run that brings its own."""
    return InputError(
        "A run is gone on from with its own network.", where=where, expected="the layers of the run",
        received="other layers", help=f"Leave {where} out, or train anew without --from.",
    )  # fmt: skip
