"""A table in, a search folder out: trials as they are finished, the best plan, and the run it trains."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data import Preprocessing
from ..engine.data import Data, cut, digest, row_shape
from ..errors import FileError, InputError
from ..layers import Dense, Dropout
from ..plan import Plan
from ..select import primary, scoring_of
from ..select.samplers import Row
from ..select.searching import Search, plain_row, rows_done, search_task
from ..select.spaces import LogUniform, Space, Uniform
from ..select.task import Task
from ..utils import finite
from .build import Wanted, build_plan, refuse_contradiction, refuse_too_large, targets_for
from .finishing import TableRun
from .folder import check_writable, new_folder, stem_of
from .groups_and_time import told_of_groups, warn_of_groups
from .prepare import Prepared, prepare
from .tables import train_table

TRIALS, SEARCH, PLAN, BEST = "trials.jsonl", "search.json", "plan.json", "best"
HIDDEN = "64 relu, dropout 0.1, 32 relu, dropout 0.1"


class SearchInterrupted(KeyboardInterrupt):
    """Ctrl-C during a search: the trials finished so far stand in its folder."""

    def __init__(self, folder: Path, done: int) -> None:
        super().__init__()
        self.folder, self.done = folder, done


@dataclass(frozen=True)
class TableSearch:
    """What `search_table` leaves.

    Attributes:
        folder: With trials.jsonl, search.json, the best plan.json, and the run in `best`, whose report tells of it all.
        search: The trials.
        run: The best plan's run, trained and judged like any other.
    """

    folder: Path
    search: Search
    run: TableRun

    def summary(self) -> dict[str, Any]:
        """The JSON object of `jindan search --json`."""
        best = plain_row(self.search.best)
        found = {
            "folder": str(self.folder), "method": self.search.method, "trials": len(self.search.table),
            "scoring": self.search.scoring, "best_trial": best["trial"], "best_score": best["score"],
            "best_interval": [best["low"], best["high"]], "best_values": best["values"],
        }  # fmt: skip
        return finite({**self.run.summary(), "search": found})


def search_table(
    source: Any,
    target: str | int | None = None,
    *,
    method: str = "random",
    trials: int = 64,
    space: Any = None,
    folds: int | None = 3,
    batch: int = 8,
    epochs: int | None = None,
    seed: int = 0,
    task: str = "auto",
    validation: float = 0.2,
    test: float = 0.2,
    preprocessing: Preprocessing | None = None,
    header: bool | None = None,
    groups: str | int | None = None,
    time: str | int | None = None,
    out: str | Path | None = None,
    resume: bool = False,
    listen: Callable[[list[Row]], Any] | None = None,
    watch: Any = None,
    lang: str = "en",
    command: str | None = None,
) -> TableSearch:
    """Search the settings of a table's network on all rows but the test rows, then train the best plan.

    A folder that holds an unfinished search of the same settings is gone on from: its trials are not run again.

    Args:
        source, target, epochs, task, validation, test, preprocessing, header, groups, time, lang, command: As
            `train_table` takes them. The preprocessing is fitted on the training part of the split, once for all folds.
        method, trials, folds, batch, seed, listen: As `jindan.search` takes them.
        space: A dict or a JSON file of one; the usual one for a table unless given.
        out: The folder; `runs/search-<table>-<time>` unless given.
        resume: Go on from the newest search of the table in `runs`, where `out` names none.
        watch: Told of training; see `jindan.train`.

    Raises:
        InputError: when table, target and space do not fit; nothing is written then.
        SearchInterrupted: after a Ctrl-C; the same call goes on.
    """
    prepared = prepare(source, target, task=task, preprocessing=preprocessing, validation=validation, test=test,
                       seed=seed, header=header, groups=groups, time=time)  # fmt: skip
    warn_of_groups(prepared.ties, lang)
    ready = table_task(prepared, epochs, seed, watch, preprocessing)
    made = Space.of(usual_space(ready.plan) if space is None else read_space(space), ready.plan)
    settings = {
        "target": prepared.target, "method": method, "trials": trials, "folds": folds, "batch": batch,
        "epochs": epochs, "seed": seed, "space": made.to_dict(), "rows": digest(ready.data.x, ready.data.y).hexdigest(),
        **({"parted": prepared.ties.to_dict()} if prepared.ties else {}),
    }  # fmt: skip
    folder = Path(out) if out is not None else _newest(prepared.name) if resume else new_folder(_stem(prepared.name))
    done = _done(folder, settings)
    store = _Store(folder, settings, done)

    def told(rows: list[Row]) -> Any:
        store.add(rows)
        return listen(rows) if listen is not None else None

    if listen is not None and done:
        listen(done)
    try:
        found = search_task(ready, made, method, trials, folds=_folds(prepared, folds, seed), batch=batch, seed=seed,
                            resume=done, listen=told)  # fmt: skip
        store.finish(found)
        with told_of_groups():
            run = train_table(
                source, target, task=task, validation=validation, test=test, seed=seed, out=folder / BEST, listen=watch,
                lang=lang, command=command, plan=found.best_plan, header=header, groups=groups, time=time,
            )  # fmt: skip
        run.add_study(found)
    except KeyboardInterrupt:
        raise SearchInterrupted(folder, store.count) from None
    return TableSearch(folder, found, run)


def _folds(prepared: Prepared, folds: int | None, seed: int) -> Any:
    """The folds as `search_task` takes them: their number, or pairs where ties part the rows of the task."""
    if not prepared.ties:
        return folds
    rows = _rows(prepared)
    codes = prepared.truth if prepared.classes else None
    pairs = prepared.ties.pairs(rows, folds or 1, seed, codes)
    return [(np.searchsorted(rows, train), np.searchsorted(rows, held)) for train, held in pairs]


def _rows(prepared: Prepared) -> np.ndarray:
    """All rows that are not kept for the test, ascending."""
    return np.sort(np.concatenate([prepared.split.train, prepared.split.validation]))


def table_task(
    prepared: Prepared, epochs: int | None = None, seed: int = 0, watch: Any = None,
    preprocessing: Preprocessing | None = None,
) -> Task:  # fmt: skip
    """The task of a table: the usual plan with dropout between, on all rows that are not kept for the test."""
    kind, inputs = prepared.task.kind, prepared.preprocessor.inputs
    numbers_only = all(form.kind == "table" for form in inputs)
    asked = Wanted(layers=HIDDEN if numbers_only else None, epochs=epochs)
    rows = _rows(prepared)
    plan = build_plan(kind, max(1, prepared.classes), len(rows), asked, seed=seed,
                      preprocessing=preprocessing or Preprocessing(), inputs=inputs)  # fmt: skip
    shape = row_shape(prepared.x)
    refuse_too_large(plan, shape, len(rows), prepared.x)
    targets = targets_for(plan, kind, prepared.encoded, prepared.classes)
    refuse_contradiction(plan, kind, shape, targets)
    data = Data.of(cut(prepared.x, rows), targets[rows])
    return Task(plan, data, scoring_of(primary(kind), plan), watch)


def usual_space(plan: Plan) -> dict[str, Any]:
    """What is searched unless a space is given: rate, weight decay, rows an update, hidden units, dropout.

    >>> plan = Plan((Dense(64), Dropout(0.1), Dense(1)), optimizer="adamw", batch_size=16)
    >>> list(usual_space(plan))
    ['learning_rate', 'weight_decay', 'batch_size', 'layers.0.units', 'layers.1.rate']
    """
    found: dict[str, Any] = {
        "learning_rate": LogUniform(3e-4, 3e-2),
        "weight_decay": LogUniform(1e-3, 1.0),
        "batch_size": [plan.batch_size, 4 * plan.batch_size],
    }
    dense = [place for place, layer in enumerate(plan.layers[:-1]) if isinstance(layer, Dense)]
    # Each width is a program of its own, so that of the first layer alone is searched.
    for place in dense[:1]:
        units = plan.layers[place].units
        found[f"layers.{place}.units"] = [max(1, units // 2), units, 2 * units]
    for place, layer in enumerate(plan.layers):
        if isinstance(layer, Dropout):
            found[f"layers.{place}.rate"] = Uniform(0.0, 0.6)
    return found


def read_space(given: Any) -> Any:
    """A space, or one from a JSON file.

    Raises:
        FileError: when the file cannot be read, or holds no JSON object.
    """
    if not isinstance(given, (str, Path)):
        return given
    try:
        body = json.loads(Path(given).read_text(encoding="utf-8"))
        if not isinstance(body, Mapping):
            raise ValueError("no JSON object")
    except (OSError, ValueError) as error:
        received = getattr(error, "strerror", None) or getattr(error, "msg", None) or str(error)
        raise FileError(
            "The search space cannot be read.", where=given, received=received,
            expected='a JSON object such as {"batch_size": [16, 32], "learning_rate": {"type": "LogUniform", '
            '"low": 0.0001, "high": 0.1}}',
            help="Names are paths of the plan; a run's plan.json shows them.",
        ) from None  # fmt: skip
    return body


class _Store:
    """The folder of a search while it runs; it is made with the first trial."""

    def __init__(self, folder: Path, settings: dict[str, Any], done: list[Row]) -> None:
        self.folder, self.settings, self.count = folder, settings, len(done)
        self._done, self._begun = done, False
        if not folder.exists():
            check_writable(folder)

    def _begin(self) -> None:
        """Make the folder; of its trials, a line cut off while it was written goes."""
        self.folder.mkdir(parents=True, exist_ok=True)
        _write(self.folder / SEARCH, {"settings": self.settings, "finished": False})
        whole = "".join(map(_line, self._done))
        (self.folder / TRIALS).write_text(whole, encoding="utf-8")
        self._begun = True

    def add(self, rows: list[Row]) -> None:
        try:
            if not self._begun:
                self._begin()
            with (self.folder / TRIALS).open("a", encoding="utf-8") as file:
                file.write("".join(map(_line, rows)))
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.folder, error) from None
        self.count += len(rows)

    def finish(self, found: Search) -> None:
        body = {name: value for name, value in found.to_dict().items() if name != "trials"}
        try:
            _write(self.folder / SEARCH, {"settings": self.settings, "finished": True, **body})
            (self.folder / PLAN).write_text(found.best_plan.to_json() + "\n", encoding="utf-8")
        except OSError as error:
            raise _unwritable(self.folder, error) from None


def _done(folder: Path, settings: dict[str, Any]) -> list[Row]:
    """The trials that stand in a folder.

    Raises:
        FileError: when it holds something else.
        InputError: when it holds a search of other settings.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return []
    try:
        before = json.loads((folder / SEARCH).read_text(encoding="utf-8"))["settings"]
    except (OSError, ValueError, KeyError, TypeError):
        raise FileError(
            "Something else stands where the search would be written.", where=folder,
            expected="a new or empty folder, or a search to go on from", received="other files",
            help="Choose another --out.",
        ) from None  # fmt: skip
    now = json.loads(json.dumps(settings))
    other = [name for name in now if before.get(name) != now[name]]
    if other:
        name = other[0]
        raise InputError(
            "The search in this folder has other settings.", where=f"{folder}: {name}", expected=before.get(name),
            received=now[name], help="Give the same options to go on with it, or choose another --out.",
        )  # fmt: skip
    return rows_done(folder / TRIALS) if (folder / TRIALS).exists() else []


def _stem(name: str) -> str:
    return "search-" + stem_of(name)


def _newest(name: str) -> Path:
    found = [entry for entry in Path("runs").glob(f"{_stem(name)}-*") if (entry / SEARCH).is_file()]
    if not found:
        raise FileError(
            "There is no search of this table to go on with.", where="--resume", expected=f"runs/{_stem(name)}-…",
            received="no such folder", help="Leave --resume out, or name the folder with --out.",
        )  # fmt: skip
    return max(found, key=lambda entry: (entry / SEARCH).stat().st_mtime)


def _line(row: Row) -> str:
    return json.dumps(finite(plain_row(row)), ensure_ascii=False) + "\n"


def _write(path: Path, body: Any) -> None:
    scratch = path.with_name(f".{path.name}.new")
    scratch.write_text(json.dumps(finite(body), ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    os.replace(scratch, path)


def _unwritable(folder: Path, error: OSError) -> FileError:
    return FileError(
        "The folder cannot be written.", where=folder, expected="a place you may write to",
        received=error.strerror or str(error), help="Choose another --out, or change its permissions.",
    )  # fmt: skip
