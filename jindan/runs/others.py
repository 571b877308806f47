"""Runs of the models without a target: one table, set of images or text in, one run folder out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..confusion import confusion_matrix
from ..data import Preprocessing, look
from ..models import folders
from ..report import build_report
from ..utils import finite
from .folder import check_writable, new_folder, stem_of, undisturbed
from .others_figures import figures, judged
from .others_pictures import pictures
from .others_rows import Rows, read_rows
from .others_settings import DBN, WORD2VEC, Asked
from .others_train import Fitted, codes_of, strangeness, train_rows
from .others_words import read_texts, train_words, words_shown

FACTS = "other.json"
"""The file by which such a run is known."""
CODES = "codes.npy"
FEWEST = 100
"""Rows held out that are needed to say what one in a hundred exceeds."""
MOST_CODES = 5_000_000
"""Numbers in the codes kept for `jindan neighbors --row`: 20 MB."""


@dataclass(frozen=True)
class OtherRun:
    """What `train_other` leaves.

    Attributes:
        folder: The run folder.
        record: Everything the report shows.
    """

    folder: Path
    record: dict[str, Any]

    @property
    def interrupted(self) -> bool:
        return "unfinished" in self.record

    def summary(self) -> dict[str, Any]:
        """The JSON object of `jindan train --model … --json`."""
        record = self.record
        body = {
            "run": str(self.folder), "model": record["model"], "settings": record["settings"],
            "measured_on": record["measured_on"], "figures": record["figures"],
            "epochs": max((len(values) for values in record["history"].values()), default=0),
            "interrupted": self.interrupted, "seconds": record["seconds"]["total"], "timing": record["seconds"],
        }  # fmt: skip
        if "metrics" in record:
            part = record["measured_on"]
            body["metrics"] = {name: score["value"] for name, score in record["metrics"].get(part, {}).items()}
            body["baselines"] = {b["name"]: {n: s["value"] for n, s in b["metrics"].items()}
                                 for b in record["baselines"]}  # fmt: skip
        body["findings"] = [{name: f[name] for name in ("code", "severity", "evidence")} for f in record["findings"]]
        return finite(body)  # type: ignore[no-any-return]


def train_other(
    source: str | Path,
    model: str,
    *,
    target: str | int | None = None,
    asked: Asked | None = None,
    preprocessing: Preprocessing | None = None,
    test: float = 0.2,
    seed: int = 0,
    out: str | Path | None = None,
    header: bool | None = None,
    listen: Callable[[Any], Any] | None = None,
    lang: str = "en",
    command: str | None = None,
) -> OtherRun:
    """Train a model that has no target – of a deep belief network, one with classes – and write a run folder.

    Args:
        source: A table, a folder or an archive of images; for "word2vec" a text file or a table.
        model: One of `jindan.runs.others_settings.KINDS`.
        target: The column that colours the pictures, and is left out of the training; of "dbn" the classes, of
            "word2vec" the text.
        asked: Settings asked for.
        preprocessing: How columns become numbers; z-scores unless given.
        test: Share of the rows that is held out and that figures are taken from.
        seed: Fixes split, weights and order of rows.
        out: The run folder; `runs/<table>-<time>` unless given.
        header: Whether the first line holds names; None looks.
        listen: Told of progress.
        lang: Language the report opens in.
        command: What the user typed, for the report.

    Raises:
        InputError: when data and settings do not fit; nothing is written then.
    """
    began, asked = time.perf_counter(), asked or Asked()
    if model == WORD2VEC:
        return _words(source, target, asked, seed, out, header, listen, lang, command, began)
    rows = read_rows(source, target, classes=model == DBN, preprocessing=preprocessing or Preprocessing(), test=test,
                     seed=seed, header=header)  # fmt: skip
    check_writable(folder := Path(out) if out is not None else new_folder(stem_of(rows.name)))
    read = time.perf_counter() - began
    fitted = train_rows(model, asked, rows, seed, listen)
    trained = time.perf_counter() - began - read
    record = {
        **_head(folder, model, fitted, lang, command),
        "target": rows.label, "data": _data(rows), "measured_on": "test" if len(rows.test) else "train",
        "figures": figures(model, fitted, rows, seed), **pictures(model, fitted, rows, seed),
    }  # fmt: skip
    if model == DBN:
        record |= _of_classes(fitted, rows)
    record["seconds"] = {"read": read, "train": trained, "total": time.perf_counter() - began}
    facts: dict[str, Any] = {"model": model, "reader": rows.reader.to_dict(), "label": rows.label, "seed": seed}
    if rows.numbers is not None:
        facts["numbers"] = (rows.numbers + 1).tolist()
    codes = codes_of(model, fitted.model, rows.x)
    return _write(folder, fitted, record, facts, codes, rows)


def _words(
    source: Any, target: Any, asked: Asked, seed: int, out: Any, header: bool | None, listen: Any, lang: str,
    command: str | None, began: float,
) -> OtherRun:  # fmt: skip
    corpus = read_texts(source, target, header)
    check_writable(folder := Path(out) if out is not None else new_folder(stem_of(corpus.name)))
    read = time.perf_counter() - began
    fitted = train_words(asked, corpus, seed, listen)
    model = fitted.model
    trained = time.perf_counter() - began - read
    loss = fitted.history["loss"]
    worth = {
        "vocabulary": len(model.wv_), "words": int(model.counts_.sum()), "texts": len(corpus.texts),
        **({"loss": loss[-1]} if loss else {}),
    }  # fmt: skip
    record = {
        **_head(folder, WORD2VEC, fitted, lang, command), "measured_on": "train", "figures": worth,
        "words": words_shown(model, seed), "data": {"rows": len(corpus.texts), "path": corpus.path},
    }  # fmt: skip
    record["seconds"] = {"read": read, "train": trained, "total": time.perf_counter() - began}
    facts = {"model": WORD2VEC, "reader": None, "label": corpus.column, "seed": seed}
    return _write(folder, fitted, record, facts, None, None)


def _head(folder: Path, model: str, fitted: Fitted, lang: str, command: str | None) -> dict[str, Any]:
    from ..doctor.telling import finding_record

    own = {k: list(v) if isinstance(v, tuple) else v for k, v in fitted.model.get_params().items()}
    plain = {k: v for k, v in own.items() if isinstance(v, (str, int, float, bool, list, type(None)))}
    head = {
        "name": folder.name, "created": datetime.now().astimezone().isoformat(timespec="seconds"),
        "version": __version__, "lang": lang, "command": command, "model": model, "settings": plain,
        "history": fitted.history, "findings": [finding_record(f) for f in getattr(fitted.model, "findings_", ())],
    }  # fmt: skip
    return {**head, "unfinished": "training"} if fitted.interrupted else head


def _data(rows: Rows) -> dict[str, Any]:
    """What the report shows of the data: of images their number alone."""
    found: dict[str, Any] = {
        "rows": len(rows.x), "path": rows.path, "n": {"train": len(rows.train), "test": len(rows.test)},
        "dropped": [list(entry) for entry in rows.reader.preprocessor.dropped],
    }  # fmt: skip
    if rows.images:
        return found
    seen = look(rows.plain, rows.label)
    body = seen.to_dict()
    names = ("name", "kind", "missing", "unique", "min", "max", "mean", "std", "median", "top", "odd")
    return {
        **found, "columns": [{name: column.get(name) for name in names} for column in body["columns"]],
        "histograms": body["histograms"], "correlations": body["correlations"],
    }  # fmt: skip


def _of_classes(fitted: Fitted, rows: Rows) -> dict[str, Any]:
    """Figures of a model with classes, beside those of simple models on the same rows."""
    from ..select import primary, score_classes
    from .simple import simple_models

    prepared = rows.prepared
    assert prepared is not None
    part = "test" if len(rows.test) else "train"
    outputs = fitted.model.predict_proba(rows.x)
    # The estimator has its classes in the order of their names; the table has its own.
    names = [str(name) for name in prepared.encoder.classes]  # type: ignore[union-attr]
    whole = np.zeros((len(outputs), len(names)))
    places = dict(zip(rows.labels or (), prepared.truth.tolist(), strict=True))
    whole[:, [places[str(name)] for name in fitted.model.classes_]] = outputs
    at = judged(rows)
    scores = {name: score_classes(prepared.truth[own], whole[own]) for name, own in (("train", rows.train), (part, at))}
    return {
        "task": prepared.task.kind, "classes": names,
        "metrics": {"primary": primary(prepared.task.kind)}
        | {place: {n: s.to_dict() for n, s in found.items()} for place, found in scores.items()},
        "baselines": [baseline.to_dict() for baseline in simple_models(prepared, part)],
        "confusion": {
            "labels": names,
            "matrix": confusion_matrix(prepared.truth[at], whole[at].argmax(1), len(names)).tolist(),
        },
    }  # fmt: skip


def _write(
    folder: Path, fitted: Fitted, record: dict[str, Any], facts: dict[str, Any], codes: Any, rows: Rows | None
) -> OtherRun:  # fmt: skip
    """The run folder, whole or not at all."""
    record = finite(record)
    if rows is not None and len(rows.test) >= FEWEST:
        known = strangeness(record["model"], fitted.model, rows.x[rows.test][:1000])
        # The strangeness that one in a hundred of the rows held out exceeds, to compare new rows with.
        if known is not None and np.isfinite(known).all():
            facts["usual"] = float(np.quantile(known, 0.99))
    keep = codes is not None and codes.size <= MOST_CODES and np.isfinite(codes).all()
    with undisturbed(), folders.whole_folder(folder) as scratch:
        fitted.model.save(scratch)
        if keep:
            np.save(scratch / CODES, np.asarray(codes, np.float32), allow_pickle=False)
            facts["labels"] = None if rows is None or rows.labels is None else list(rows.labels)
        for name, body in ((FACTS, facts), ("metrics.json", record["figures"]), ("record.json", record)):
            (scratch / name).write_text(json.dumps(finite(body), ensure_ascii=False) + "\n", encoding="utf-8")
        (scratch / "report.html").write_text(build_report(record), encoding="utf-8")
    return OtherRun(folder, record)


def settings_asked(**named: Any) -> Asked:
    """`Asked` from options by name; others are passed over.

    >>> settings_asked(dim=3, optimizer="adam")
    Asked(dim=3, layers=None, epochs=None, batch_size=None, learning_rate=None)
    """
    return Asked(**{name: named.get(name) for name in asdict(Asked())})
