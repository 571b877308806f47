"""What the commands that use a run do: predict, evaluate, report, explain."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from ..errors import FileError, InputError, suggestion
from .ctrl_c import ctrl_c
from .printing import print_json
from .words import say

OVERSHOOT = 0.05
"""Values outside the training range by less than this share of it are nothing to tell a person about."""
REPEATED = 0.01
"""Share of the rows kept apart that equal rows trained on, from which it is told."""


def refuse_unknown_run(place: Path) -> None:
    """Say that there is no such run, and which one near by may be meant.

    Raises:
        FileError: always.
    """
    runs: dict[str, str] = {}
    for parent in (place.parent, Path("runs")):
        try:
            found = sorted(entry.name for entry in parent.iterdir() if (entry / "plan.json").is_file())
        except OSError:
            found = []
        for name in found:
            runs.setdefault(name, str(parent / name))
    near = suggestion(place.name, runs)
    if near is not None:
        name = near.split("`")[1]
        near = near.replace(f"`{name}`", f"`{runs[name]}`")
    raise FileError(
        "There is no run folder here.", where=place, expected="a folder that `jindan train` wrote",
        received="nothing of that name", help=near or "`jindan train` prints the folder it writes.",
    )  # fmt: skip


def preprocessing_of(drop: str | None, numeric: str | None, plan: Path | None) -> Any:
    """The preprocessing asked for, on top of the plan's; None when nothing was asked for."""
    if drop is None and numeric is None:
        return None
    from ..data import Preprocessing
    from ..runs.build import read_plan

    known = read_plan(plan).preprocessing if plan is not None else None
    changes: dict[str, Any] = {} if numeric is None else {"numeric": numeric}
    if drop is not None:
        changes["drop"] = tuple(name.strip() for name in drop.split(",") if name.strip())
    return replace(known or Preprocessing(), **changes)


def refuse_others(run: Path, command: str) -> None:
    """Say that a command is not for the models without a target.

    Raises:
        InputError: where the run is of such a model.
    """
    from ..runs.others_use import is_other, refuse_other

    if is_other(run):
        refuse_other(run, command, f"These work: jindan report {run}, jindan predict {run} DATA, jindan evaluate.")


def predict_rows(run: Path, sources: list[Path], out: Path | None, as_json: bool, lang: str) -> None:
    """Predictions as CSV; what is unusual about the rows goes to standard error."""
    if out is not None and out.exists() and any(data.exists() and out.samefile(data) for data in sources):
        raise InputError(
            "The predictions would replace the rows they are made from.", where=f"--out {out}",
            expected="another file", received="the table itself", help="Choose another --out.",
        )  # fmt: skip
    if out is not None:
        _refuse_slip(out)
    if _is_other(run):
        from .others import predict_others

        predict_others(run, sources, out, as_json, lang)
        return
    model = _table_model(run)
    frame = model.frame(sources[0] if len(sources) == 1 and not _one_image(model, sources[0]) else sources)
    remarks = model.facts.preprocessor.check(frame)
    table = model.predict_table(frame)
    broken = _broken(table)
    if broken:
        remarks.append({"code": "not-finite", "column": None, "count": broken})
    _tell(remarks, model, lang)
    if out is not None:
        write_text(out, _as_in_data(table, model).write_csv())
        if not as_json:
            print(say("written", lang, rows=len(table), out=out))
    if as_json:
        body = {"rows": len(table), "out": None if out is None else str(out), "warnings": remarks}
        if out is None:
            body["predictions"] = table.to_dicts()
        print_json(body)
    elif out is None:
        print(_as_in_data(table, model).write_csv(), end="")


def _as_in_data(table: Any, model: Any) -> Any:
    """Predictions with true and false in the words of the training table."""
    if set(map(type, model.classes)) != {bool}:
        return table
    words = tuple(model.facts.settings.get("flags") or ("False", "True"))
    texts = [None if value is None else words[value] for value in table["prediction"]]
    names = {f"p_{flag}": f"p_{words[flag]}" for flag in (False, True)}
    return table.with_columns(type(table["prediction"])("prediction", texts)).rename(names)


def _refuse_slip(out: Path) -> None:
    """Predictions are not put into a folder that is not there: its name may be a slip."""
    if out.parent.exists():
        return
    above = out.parent.parent
    near = suggestion(out.parent.name, [p.name for p in above.iterdir() if p.is_dir()]) if above.is_dir() else None
    raise FileError(
        "The folder to write to does not exist.", where=f"--out {out}", expected="a folder that is there",
        received=out.parent, help=near or "Make it first, or choose another place.",
    )  # fmt: skip


def _one_image(model: Any, source: Path) -> bool:
    """Whether a file is one image rather than a table of images."""
    from ..data.images_files import is_image_name

    return not model.sees_images and is_image_name(source.name)


def evaluate_rows(run: Path, data: Path, as_json: bool, lang: str) -> None:
    """Figures with intervals on a labelled table."""
    if _is_other(run):
        from .others import evaluate_others

        evaluate_others(run, data, as_json, lang)
        return
    model = _table_model(run)
    frame = model.frame(data)
    rows = model.labelled(frame)
    scores, basis, seen = model.score(rows), model.interval_groups(rows), model.trained_on(rows)
    remarks = model.facts.preprocessor.check(frame)
    if seen is not None and seen["count"]:
        remarks.append({"code": "trained-on", "column": None, **seen})
    if as_json:
        body = {
            "run": str(run),
            "rows": len(rows),
            "metrics": {name: score.value for name, score in scores.items()},
            "intervals": {name: [score.low, score.high] for name, score in scores.items()},
            **({} if basis is None else {"interval_groups": basis}),
            "warnings": remarks,
        }
        print_json(body)
        return
    from .show import show_scores

    _tell(remarks, model, lang)
    if len(rows) < len(frame):
        left_out = say("unlabelled", lang, count=len(frame) - len(rows), target=model.facts.target)
        print(f"jindan: {left_out}", file=sys.stderr)
    show_scores(scores, len(rows), lang, basis)


def _seen(found: dict[str, Any], lang: str) -> str:
    """What to tell of rows that the run was trained on."""
    from ..data.look_words import sentence

    count = found["count"] if found["exact"] else say("about", lang, count=found["count"])
    told = [sentence("trained-on", {"count": count, "rows": found["rows"]}, lang)]
    if found["again"] >= REPEATED:
        told.append(sentence("equal-by-chance", {"percent": f"{100 * found['again']:.0f}"}, lang))
    return " ".join(told)


def write_report(run: Path, open_it: bool, out: Path | None, lang: str | None) -> None:
    """The report of a run, written anew from its record."""
    from ..report import build_report
    from ..runs.folder import read_record

    record = read_record(run)
    if lang is not None:
        record["lang"] = lang
    target = out if out is not None else run / "report.html"
    write_text(target, build_report(record))
    print(target)
    if open_it:
        import webbrowser

        webbrowser.open(target.resolve().as_uri())


def explain_concept(concept: str | None, lang: str, as_json: bool) -> None:
    """One concept's page, or the list of all."""
    from ..doctor.words import concepts, explain

    if concept is None:
        rows = [explain(name, lang) for name in concepts()]
        if as_json:
            print_json([{"concept": row.slug, "title": row.title, "short": row.short} for row in rows])
        else:
            for row in rows:
                print(f"{row.slug:32} {row.title}: {row.short}")
        return
    found = explain(concept, lang)
    if as_json:
        print_json(found.to_dict())
    else:
        print(found.text())


def remark_text(remark: dict[str, Any], model: Any, lang: str) -> str | None:
    """What is unusual about rows to be predicted, as a sentence; None where nobody need know."""
    if remark["code"] == "trained-on":
        return _seen(remark, lang)
    facts = {name: _short(value) for name, value in remark.items()}
    if remark["code"] == "out-of-range":
        low, high = remark["low"], remark["high"]
        if max(low - remark["min"], remark["max"] - high) <= OVERSHOOT * (high - low):
            return None
        origin = _origin(model, remark["column"])
        if origin is not None:
            facts |= {name: _day(origin, remark[name]) for name in ("low", "high", "min", "max")}
    if remark["code"] == "unseen-category":
        facts["examples"] = ", ".join(remark["examples"][:3]) + (", …" if len(remark["examples"]) > 3 else "")
    if remark["code"] == "drift":
        facts |= {"statistic": say(remark["statistic"], lang), "value": remark["value"]}
        facts["threshold"] = remark["threshold"]
    return say(f"r_{remark['code']}", lang, **facts)


def _tell(remarks: list[dict[str, Any]], model: Any, lang: str) -> None:
    for remark in remarks:
        text = remark_text(remark, model, lang)
        if text is not None:
            print(f"jindan: {text}", file=sys.stderr)


def _short(value: Any) -> Any:
    return f"{value:.4g}" if isinstance(value, float) else value


def _origin(model: Any, column: str) -> int | None:
    """Where a column of dates begins, in microseconds; None for other columns."""
    found = next(e for e in model.facts.preprocessor.encoders if e.name == column)
    return getattr(found, "origin", None)


def _day(origin: int, days: float) -> str:
    return f"{datetime(1970, 1, 1) + timedelta(microseconds=origin, days=days):%Y-%m-%d}"


def _broken(table: Any) -> int:
    """Rows whose prediction is not a finite number or class."""
    column = table["prediction"]
    wrong = ~column.is_finite() if column.dtype.is_float() else column.is_null()
    return int(wrong.fill_null(True).sum())


def _is_other(run: Path) -> bool:
    from ..runs.others_use import is_other

    return is_other(run)


def _table_model(run: Path) -> Any:
    from ..models.loading import load
    from ..runs.model import TableModel

    model = load(run)
    if not isinstance(model, TableModel):
        raise InputError(
            "This run holds no preprocessing of a table.", where=run, expected="a run of `jindan train`",
            received="a saved model", help="In Python: jindan.load(run).predict(array).",
        )  # fmt: skip
    return model


def write_text(path: Path, text: str) -> None:
    """A file that is there whole or not at all.

    Raises:
        FileError: when it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(21, "it is a folder")
        if path.exists() and not path.is_file():
            # A pipe or a terminal is written to, not replaced.
            path.write_text(text, encoding="utf-8")
            return
        scratch = path.with_name(f".{path.name}.new")
        try:
            scratch.write_text(text, encoding="utf-8")
            os.replace(scratch, path)
            ctrl_c.written = True
        finally:
            scratch.unlink(missing_ok=True)
    except OSError as error:
        raise FileError(
            "The file cannot be written.", where=path, expected="a place you may write to", received=error.strerror,
            help="Choose another place.",
        ) from None  # fmt: skip
