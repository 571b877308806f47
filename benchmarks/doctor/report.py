"""The records as tables and goals."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Sequence
from typing import Any

from ..common import Goal, Result, Table
from .cases import GROUPS, Case
from .one import Record, Wanted, mark
from .scoring import fractions

Figures = dict[str, dict[str, Any]]

TASK = """\
Trainings with a known fault, and sound ones, are diagnosed with the test rows as validation data. Codes of findings of
severity warning or error count. A repair is chosen without the test rows and scored on them; it counts when it gains
80 % of what the known fix gains. Shares of cases, the median over seeds."""
COLUMNS = {"detected": "detected", "in_three": "cause in first three", "first": "cause first",
           "false_alarm": "false alarms", "repaired": "repaired"}  # fmt: skip
# What independent studies found of others, as goals to reach or to pass.
DETECTION, THREE, FIRST, ALARMS, REPAIRED = 0.94, 0.75, 0.63, 0.05, 0.80


def result_of(cases: Sequence[Case], records: Sequence[Record], wanted: Wanted) -> Result:
    """Tables by group and beside the rules, goals as far as their figures were measured."""
    figures = {what: fractions(cases, records, what) for what in COLUMNS}
    if any("random" in record for record in records):
        beside = [
            {**record, "random_repaired": record["random"]["repaired"]} for record in records if "random" in record
        ]
        figures["random_repaired"] = fractions(cases, beside, "random_repaired")
    rules = _rules(cases, records)
    seconds = [record["seconds"]["diagnose"] for record in records if "diagnose" in record["seconds"]]
    notes = _notes(cases, records, seconds)
    return Result(
        title="The doctor on faulty and sound trainings" + (", trained in PyTorch" if wanted.torch else ""),
        task=TASK,
        tables=[_by_group(figures), *([_beside(figures, rules)] if rules else []), _by_case(cases, records)],
        goals=_goals(figures),
        figures={**figures, "rules": rules, "records": [_short(record) for record in records]},
        notes=notes,
        command="doctor",
    )


def _rules(cases: Sequence[Case], records: Sequence[Record]) -> dict[str, dict[str, Figures]]:
    names = dict.fromkeys(name for record in records for name in record.get("rules", {}))
    found = {}
    for name in names:
        own = [{"id": r["id"], "seed": r["seed"], **r["rules"][name]} for r in records if "rules" in r]
        found[name] = {what: fractions(cases, own, what) for what in COLUMNS if what != "repaired"}
    return found


def _cell(found: Figures, group: str) -> str:
    if group not in found:
        return "–"
    share, of = found[group]["share"], found[group]["of"]
    spread = sorted(set(found[group]["by_seed"]))
    seeds = f" ({spread[0]:.2f} – {spread[-1]:.2f})" if len(spread) > 1 else ""
    return f"**{share:.2f}** of {of}{seeds}"


def _by_group(figures: dict[str, Figures]) -> Table:
    present = [name for name in (*GROUPS, "or", "all") if any(name in found for found in figures.values())]
    shown = {**COLUMNS, "random_repaired": "repaired by random search"}
    columns = [what for what in shown if figures.get(what)]
    rows = [[name, *(_cell(figures[what], name) for what in columns)] for name in present]
    caption = (
        "By source (median over seeds, least – greatest; no threshold was fitted to a group, as all are constants):"
    )
    return Table(caption, ["", *(shown[what] for what in columns)], rows)


def _beside(figures: dict[str, Figures], rules: dict[str, dict[str, Figures]]) -> Table:
    """All cases: the doctor and the rule sets."""
    columns = [what for what in COLUMNS if what != "repaired" and figures[what]]
    every: dict[str, Any] = {"jindan": figures, **rules}
    rows = [[name, *(_cell(found[what], "all") for what in columns)] for name, found in every.items()]
    return Table("Beside fixed thresholds on the same trainings:", ["", *(COLUMNS[what] for what in columns)], rows)


def _by_case(cases: Sequence[Case], records: Sequence[Record]) -> Table:
    """What went wrong, case by case; of the ordinary ones those only that were not quiet."""
    rows = []
    for case in cases:
        own = [record for record in records if record["id"] == case["id"]]
        good = not case["faults"] and not any(record["false_alarm"] for record in own)
        if not own or good:
            continue
        marks = [mark(case, record) for record in own]
        codes = Counter(r["counted"][0] if r["counted"] else "–" for r in own)
        first = ", ".join(f"{code}{f' ×{n}' if n > 1 else ''}" for code, n in codes.items())
        scores = [r["repair_score"] for r in own if "repair_score" in r]
        repair = f"{statistics.median(scores):.2f} ({sum(r['repaired'] for r in own)}/{len(own)})" if scores else "–"
        rows.append([case["id"], (case["faults"] or ["(sound)"])[0], " ".join(marks), first, repair])
    return Table("Case by case (sound ones that stayed quiet left out):",
                 ["", "root cause", "by seed", "first finding", "score after repair"], rows)  # fmt: skip


def _goals(figures: dict[str, Figures]) -> list[Goal]:
    def whole(what: str) -> float | None:
        return figures.get(what, {}).get("all", {}).get("share")

    asked = [("faults detected", "detected", "≥", DETECTION), ("cause among the first three", "in_three", "≥", THREE),
             ("root cause first", "first", "≥", FIRST), ("false alarms on sound trainings", "false_alarm", "≤", ALARMS),
             ("repaired", "repaired", "≥", REPAIRED)]  # fmt: skip
    goals = [
        Goal(text, share, sign, limit, "") for text, what, sign, limit in asked if (share := whole(what)) is not None
    ]
    random, own = whole("random_repaired"), whole("repaired")
    if random is not None and own is not None:
        # Ahead is one case at least.
        least = round(1 / figures["repaired"]["all"]["of"], 3)
        goals.append(Goal("repaired, beyond random search in the same seconds", own - random, "≥", least, ""))
    return goals


def _notes(cases: Sequence[Case], records: Sequence[Record], seconds: list[float]) -> list[str]:
    notes = []
    if seconds:
        notes.append(f"A diagnosis took {statistics.median(seconds):.1f} s (median), {max(seconds):.1f} s at most.")
    took = [record["seconds"]["repair"] for record in records if "repair" in record["seconds"]]
    if took:
        notes.append(f"A search for a repair took {statistics.median(took):.1f} s (median), {max(took):.1f} s at most.")
    failed = sorted({f"{record['id']} ({record['failed']})" for record in records if record.get("failed")})
    if failed:
        notes.append(f"Runs that raised an exception count as silent: {'; '.join(failed)}.")
    faulty = {case["id"] for case in cases if case["faults"]}
    wrong = Counter(code for r in records if r["id"] not in faulty for code in r["counted"])
    if wrong:
        told = ", ".join(f"{code} {count}" for code, count in wrong.most_common())
        notes.append(f"False alarms by code, over all seeds: {told}.")
    return notes


def _short(record: Record) -> Record:
    """A record without its evidence and tracebacks."""
    found = {key: value for key, value in record.items() if key not in ("traceback", "findings", "rules")}
    found["findings"] = [f"{finding['severity']} {finding['code']}" for finding in record["findings"]]
    if isinstance(found.get("random"), dict):
        found["random"] = {key: value for key, value in found["random"].items() if key != "plan"}
    return found
