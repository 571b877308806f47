"""One training diagnosed: findings judged, the repair tried on the test rows, and beside it rules and random search."""

from __future__ import annotations

import json
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .cases import Case, arrays_of, fit_arguments, model_of
from .scoring import counted, judged, repaired, score

Record = dict[str, Any]
SECONDS = 60.0  # random search has these where the repair it stands beside failed


@dataclass(frozen=True)
class Wanted:
    """What to do with each case.

    Attributes:
        runs: Seeds 0 … runs − 1.
        repair: Whether repairs are asked for, of faulty cases that can be repaired.
        rules: Whether the rule sets look at the same trainings.
        random: Whether random search repairs them, too, in the same seconds.
        torch: Whether the training is PyTorch's, under the doctor's eye.
        reuse: Whether what earlier runs in the folder found of rules is kept.
        budget: Seconds a repair may take, or None for the doctor's own default.
    """

    runs: int = 3
    repair: bool = True
    rules: bool = True
    random: bool = True
    torch: bool = False
    reuse: bool = False
    budget: float | None = None


def examined(case: Case, wanted: Wanted, folder: Path) -> list[Record]:
    """The records of one case, a seed each; also written to `folder`/ID.json after each seed."""
    place = folder / f"{case['id']}.json"
    try:
        earlier = {record["seed"]: record for record in json.loads(place.read_text("utf-8"))} if wanted.reuse else {}
    except (OSError, ValueError):
        earlier = {}
    records: list[Record] = []
    for seed in range(wanted.runs):
        records.append(diagnosed(case, seed, wanted, earlier.get(seed, {})))
        folder.mkdir(parents=True, exist_ok=True)
        place.write_text(json.dumps(records, indent=1, default=str) + "\n", encoding="utf-8")
    return records


def diagnosed(
    case: Case, seed: int, wanted: Wanted, earlier: Record | None = None, diagnose: Callable[..., Any] | None = None
) -> Record:
    """One diagnosis and what follows it.

    Args:
        case: A training.
        seed: Of the training, the repair and the random search.
        wanted: What to do.
        earlier: A record of an earlier run, of which the rules' verdicts may be taken.
        diagnose: In place of `jindan.diagnose`.

    Returns:
        Plain values: `findings`, `counted`, the judgements, `score` of the training as given, `repair`, `rules`,
        `random`, `seconds`, and `failed` where an exception was raised, which the other cases survive.
    """
    arrays, began = arrays_of(case), time.perf_counter()
    record: Record = {"id": case["id"], "seed": seed, "findings": [], "seconds": {}}
    asked = wanted.repair and bool(case["faults"]) and case["repairable"]
    try:
        report = _report(case, arrays, seed, wanted, diagnose)
        record["seconds"]["diagnose"] = round(time.perf_counter() - began, 3)
        record["findings"] = [
            {key: getattr(finding, key) for key in ("code", "severity", "layer", "confidence", "evidence")}
            for finding in report.findings
        ]
        if getattr(report, "model", None) is not None:
            record["score"] = score(case, arrays["y_test"], report.model.predict(arrays["x_test"]))
        if asked:
            record |= _repair(case, arrays, report, record, wanted)
    except Exception as error:
        record["failed"] = f"{type(error).__name__}: {error}".splitlines()[0]
        record["traceback"] = traceback.format_exc()
        if asked:
            record |= {"repair": None, "repair_score": record.get("score", case["score_buggy"]), "repaired": False}
    record |= {"counted": counted(case, record["findings"]), **judged(case, record["findings"])}
    if wanted.rules:
        record["rules"] = (earlier or {}).get("rules") or _rules(case, seed)
    if wanted.random and "repair" in record:
        record["random"] = _random(case, seed, record["seconds"].get("repair", SECONDS))
    return record


def _report(case: Case, arrays: Record, seed: int, wanted: Wanted, diagnose: Any) -> Any:
    if wanted.torch:
        from jindan.doctor.watch_torch import watch

        from .in_torch import train_in_torch

        return train_in_torch(case, arrays, seed, watch).report()
    if diagnose is None:
        from jindan.doctor.diagnosis import diagnose
    held = (arrays["x_test"], arrays["y_test"])
    return diagnose(model_of(case), arrays["x_train"], arrays["y_train"], validation_data=held, seed=seed,
                    **fit_arguments(case))  # fmt: skip


def _repair(case: Case, arrays: Record, report: Any, record: Record, wanted: Wanted) -> Record:
    began = time.perf_counter()
    found = report.repair(**({} if wanted.budget is None else {"budget_seconds": wanted.budget}))
    record["seconds"]["repair"] = round(time.perf_counter() - began, 3)
    if found is None:
        given = record["score"] if "score" in record else case["score_buggy"]
        return {"repair": None, "repair_score": given, "repaired": repaired(case, given)}
    reached = score(case, arrays["y_test"], found.model.predict(arrays["x_test"]))
    own = {"changes": dict(found.changes), "proof": dict(found.proof) if found.proof else {}, "score": reached}
    return {"repair": own, "repair_score": reached, "repaired": repaired(case, reached)}


def _rules(case: Case, seed: int) -> Record:
    from .rules import verdicts

    found = verdicts(case, seed)
    return {name: {"counted": counted(case, own), **judged(case, own)} for name, own in found.items()}


def _random(case: Case, seed: int, seconds: float) -> Record:
    from .random_repair import search

    found = asdict(search(case, seed, seconds=seconds))
    return {**found, "repaired": repaired(case, found["score"])}


# -- one line --------------------------------------------------------------------------------------------------------

RIGHT = {"first": "first", "in_three": "top3", "detected": "seen"}
MARKS = {"error": "!!", "warning": "!"}
WIDTH = 150  # of a repair's changes


def mark(case: Case, record: Record) -> str:
    """How right a diagnosis is, in a word."""
    if not case["faults"]:
        return "FALSE" if record["false_alarm"] else "quiet"
    return next((word for what, word in RIGHT.items() if record[what]), "MISS")


def line(case: Case, record: Record) -> str:
    """A run as a person reads it: verdict, case, seed; findings (`!!` error, `!` warning, `(info)`); what was sought;
    the repair and the scores; seconds."""
    shown = [
        MARKS[f["severity"]] + f["code"] if f["severity"] in MARKS else f"({f['code']})" for f in record["findings"]
    ]
    seconds = "+".join(f"{value:.1f}" for value in record["seconds"].values())
    text = f"{mark(case, record):5s} {case['id']:26s} {record['seed']} {seconds:>9s} s  {' '.join(shown) or '–'}"
    if case["faults"]:
        text += f"  | wants {' '.join(case['faults'])}"
    if record.get("failed"):
        text += f"\n      FAILED {record['failed']}"
    if "repair" in record:
        text += "\n      " + _repair_line(case, record)
    return text


def _repair_line(case: Case, record: Record) -> str:
    from .scoring import bound

    before, after = record.get("score", float("nan")), record["repair_score"]
    figures = f"{before:.3f} → {after:.3f}, bound {bound(case):.3f}"
    if "random" in record:
        random = record["random"]
        figures += f", random {random['score']:.3f}{'' if random['repaired'] else ' no'} ({random['plans']} plans)"
    if record["repair"] is None:
        return f"{'repaired' if record['repaired'] else 'NO REPAIR':9s} {figures}"
    changes = " ".join(f"{path}={value}" for path, value in record["repair"]["changes"].items())
    return f"{'repaired' if record['repaired'] else 'NOT ENOUGH':9s} {figures}  {changes[:WIDTH]}"
