"""A study of a population as an entry of a report: plain data with its words, pictures and numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from jindan.report.plots_search import best_first
from jindan.report.values import shown
from jindan.report.words import Words, t

MOST = 50
"""Trials in the table."""
PICTURES = {"search": ("parallel", "importance", "curves")}

Table = tuple[list[Words], list[list[str]]]


def study_entry(found: Any) -> dict[str, Any]:
    """What a record keeps of a study, under "studies".

    Args:
        found: What `search`, `cross_validate`, `learning_curve`, `bias_variance`, `lr_range_test`, `batch_size_study`
            or `seed_study` of `jindan` returned: it has `study`, a key of `STUDIES`, `to_dict` and `plot`.

    Returns:
        Plain values that JSON can hold: "kind", "text", "pictures", "caption", "head" and "rows".
    """
    body, kind = found.to_dict(), str(found.study)
    text, table, caption = STUDIES[kind](found, body)
    names: tuple[tuple[str, ...], ...] = tuple((name,) for name in PICTURES.get(kind, ())) or ((),)
    pictures = [{lang: found.plot(*name, lang=lang).svg for lang in ("en", "ko")} for name in names]
    head, rows = table
    return {
        "kind": kind, "text": text._asdict(), "pictures": pictures, "caption": caption._asdict(),
        "head": [words._asdict() for words in head], "rows": rows,
    }  # fmt: skip


def _said(found: Any) -> Words:
    return Words(found.text("en"), found.text("ko"))


def _span(bounds: Sequence[Any]) -> str:
    low, high = bounds
    return "–" if low is None or high is None or not np.isfinite([low, high]).all() else f"{low:.4g} … {high:.4g}"


def _search(found: Any, body: dict[str, Any]) -> tuple[Words, Table, Words]:
    best, nested, scoring = body["best"], body["nested"], body["scoring"]
    after = Words("", "")
    if nested is not None:
        after = t("s_nested", mean=shown(nested["mean"], 4), interval=_span((nested["low"], nested["high"])))
    text = t("s_search", trials=len(body["trials"]), method=body["method"], trial=best["trial"], scoring=scoring,
             score=shown(best["score"], 4), interval=_span((best["low"], best["high"])), nested=after)  # fmt: skip
    known = best_first(body["trials"])[:MOST]
    rows = [[str(row["trial"]), ", ".join(f"{path} {_value(v)}" for path, v in row["values"].items()), row["state"],
             shown(row["score"], 4), _span((row["low"], row["high"]))] for row in known]  # fmt: skip
    head = [t("c_trial"), t("c_settings"), t("c_state"), Words(scoring, scoring), t("c_interval")]
    return text, (head, rows), t("s_shown", shown=len(rows), all=len(body["trials"]))


def _folds(found: Any, body: dict[str, Any]) -> tuple[Words, Table, Words]:
    scores = np.asarray(body["scores"], float)
    text = t("s_folds", scoring=body["scoring"], mean=shown(body["mean"], 4), folds=scores.shape[1],
             seeds=scores.shape[0], interval=_span((body["low"], body["high"])))  # fmt: skip
    head = [t("c_fold"), t("c_rows"), Words(body["scoring"], body["scoring"])]
    rows = [[str(k + 1), str(n), shown(float(scores[:, k].mean()), 4)] for k, n in enumerate(body["folds"])]
    return text, (head, rows), t("s_numbers")


def _curve(found: Any, body: dict[str, Any]) -> tuple[Words, Table, Words]:
    head = [t("c_value"), t("c_training"), t("c_interval"), t("c_validation"), t("c_interval")]
    rows = []
    for place, value in enumerate(body["values"]):
        row = [str(value)]
        for part in ("training", "validation"):
            mean = float(np.mean(body[part]["scores"][place]))
            row += [shown(mean, 4), _span(body[part]["intervals"][place])]
        rows.append(row)
    said = Words(found.conclusion("en"), found.conclusion("ko"))
    return said, (head, rows), t("s_numbers")


def _parts(found: Any, body: dict[str, Any]) -> tuple[Words, Table, Words]:
    rows = [[name, shown(body[name], 4), _span(body["intervals"].get(name, (None, None)))]
            for name in ("expected", "bias", "variance", "noise")]  # fmt: skip
    head = [t("c_part"), t("c_value"), t("c_interval")]
    return _said(found), (head, rows), t("s_numbers")


def _rates(found: Any, body: dict[str, Any]) -> tuple[Words, Table, Words]:
    names = {"suggested": "suggested", "steepest": "steepest", "stable": "largest_stable"}
    rows = [[name, shown(body[key], 3)] for name, key in names.items()]
    return _said(found), ([t("c_figure"), t("c_value")], rows), t("s_numbers")


def _batches(found: Any, body: dict[str, Any]) -> tuple[Words, Table, Words]:
    rows = [[str(size), *(shown(float(np.mean(body[name][place])), 4) for name in ("scores_epochs", "scores_updates"))]
            for place, size in enumerate(body["sizes"])]  # fmt: skip
    return _said(found), ([t("c_batch"), t("c_epochs"), t("c_updates")], rows), t("s_numbers")


def _seeds(found: Any, body: dict[str, Any]) -> tuple[Words, Table, Words]:
    row = [str(len(body["seeds"])), shown(body["mean"], 4), _span(body["interval"]), shown(body["std"], 2),
           _span(body["range"])]  # fmt: skip
    head = [t("c_seeds"), t("c_mean"), t("c_interval"), t("c_std"), t("c_range")]
    return _said(found), (head, [row]), t("s_numbers")


def _value(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


STUDIES: dict[str, Callable[[Any, dict[str, Any]], tuple[Words, Table, Words]]] = {
    "search": _search,
    "folds": _folds,
    "curve": _curve,
    "parts": _parts,
    "rates": _rates,
    "batches": _batches,
    "seeds": _seeds,
}
