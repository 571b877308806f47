"""Run folders: where one goes, that it can be written, and writing it whole or not at all."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import tempfile
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from ..engine.run import Run
from ..errors import FileError
from ..models import folders, saving
from ..models.loading import PREPROCESSING
from ..report import build_report
from ..utils import finite
from .members import write_members
from .model import TableFacts

RECORD = "record.json"
"""Everything the report shows."""


def stem_of(name: str) -> str:
    """A table's name as part of a folder's."""
    return re.sub(r"[^\w.-]+", "-", name).strip("-.") or "table"


def new_folder(stem: str) -> Path:
    """Where the run of a table goes unless told: runs/<stem>-<time>, new in any case."""
    base = Path("runs") / f"{stem}-{datetime.now():%Y%m%d-%H%M%S}"
    folder, count = base, 1
    while folder.exists():
        count += 1
        folder = base.with_name(f"{base.name}-{count}")
    return folder


def check_writable(folder: Path) -> None:
    """Find out before the training, not after it; leave nothing behind.

    Raises:
        FileError: when the folder cannot be written, or holds what jindan did not write.
    """
    if folder.exists() and (not folder.is_dir() or (any(folder.iterdir()) and not (folder / folders.PLAN).exists())):
        raise FileError(
            "Something else stands where the run would be written.", where=folder,
            expected="a new or empty folder, or a run to replace",
            received="a folder with other files" if folder.is_dir() else "a file", help="Choose another --out.",
        )  # fmt: skip
    made: list[Path] = []
    try:
        for parent in reversed([folder.absolute().parent, *folder.absolute().parent.parents]):
            if not parent.exists():
                parent.mkdir()
                made.append(parent)
        Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent)).rmdir()
    except OSError as error:
        raise FileError(
            "The folder cannot be written.", where=folder, expected="a place you may write to",
            received=error.strerror or str(error), help="Choose another --out, or change its permissions.",
        ) from None  # fmt: skip
    finally:
        for parent in reversed(made):
            parent.rmdir()


def write_folder(
    folder: Path, run: Run, record: dict[str, Any], facts: TableFacts, members: Sequence[Run] = ()
) -> None:
    """A run folder, whole or not at all; `load` and `jindan report` read it."""
    with undisturbed(), folders.whole_folder(folder) as scratch:
        saving.write_run(scratch, run)
        write_members(scratch, members)
        for name, body in (
            (PREPROCESSING, facts.to_dict()),
            ("metrics.json", {**record["metrics"], "baselines": record["baselines"]}),
            (RECORD, record),
        ):
            (scratch / name).write_text(json.dumps(finite(body), ensure_ascii=False) + "\n", encoding="utf-8")
        (scratch / "report.html").write_text(build_report(record), encoding="utf-8")


def read_record(folder: Path) -> dict[str, Any]:
    """The record of a run folder.

    Raises:
        FileError: when there is none that can be read.
    """
    file = folder / RECORD
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(record, dict):
            raise ValueError("not an object")
    except (OSError, ValueError) as error:
        raise FileError(
            "The run has no readable record.", where=file, expected="a run folder of `jindan train`",
            received=getattr(error, "strerror", None) or "damaged JSON",
            help="Give the folder that `jindan train` printed.",
        ) from None  # fmt: skip
    return record


def write_record(folder: Path, record: dict[str, Any]) -> None:
    """The record of a run folder, and its report, in the place of those there are.

    Raises:
        FileError: when they cannot be written.
    """
    files = {RECORD: json.dumps(finite(record), ensure_ascii=False) + "\n", "report.html": build_report(record)}
    with undisturbed():
        for name, text in files.items():
            scratch = folder / f".{name}.new"
            try:
                scratch.write_text(text, encoding="utf-8")
                scratch.replace(folder / name)
            except OSError as error:
                raise FileError(
                    "The run's folder cannot be written.", where=folder / name, expected="a run that is there",
                    received=error.strerror or str(error), help="Change the folder's permissions.",
                ) from None  # fmt: skip


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """A second Ctrl-C waits until the folder is whole."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
