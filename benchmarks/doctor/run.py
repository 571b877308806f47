"""The benchmark's command: which cases, how many seeds, in how many processes, and what is printed and kept."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from pathlib import Path

from ..common import Result, Skip
from .cases import Case, chosen, load_cases
from .one import Record, Wanted, examined, line
from .report import result_of

KEPT = Path(tempfile.gettempdir()) / "jindan-doctor-runs"


def options(runs: int, given: Sequence[str]) -> argparse.Namespace:
    """The options after `python -m benchmarks doctor`."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks doctor", allow_abbrev=False)
    add = parser.add_argument
    add("--only", help="ids or groups (so tdc at ok dz or), or faulty, sound; separated by commas")
    add("--ordinary", action="store_true", help="the sixty ordinary trainings only: the same as --only or")
    add("--torch", action="store_true", help="train in PyTorch under the doctor's eye")
    add("--no-repair", action="store_true", help="findings only")
    add("--no-rules", action="store_true", help="without the rule sets of the literature")
    add("--no-random", action="store_true", help="without random search as a repairer")
    add("--quick", action="store_true", help="findings only, without rules")
    add("--reuse", action="store_true", help="take the rules' verdicts of an earlier run from --keep")
    add("--budget", type=float, help="seconds a repair may take (the doctor's own default unless given)")
    add("--jobs", type=int, default=1, help="processes among which the cases are split")
    add("--keep", type=Path, default=KEPT, help=f"folder of one JSON file a case ({KEPT})")
    found = parser.parse_args(given)
    found.runs = runs
    return found


def whole(given: Sequence[str]) -> bool:
    """Whether the options leave nothing out: then the result is one for the record."""
    asked = options(1, given)
    left_out = (asked.only, asked.ordinary, asked.torch, asked.no_repair, asked.no_rules, asked.no_random, asked.quick)
    return not any(left_out)


def cases_of(asked: argparse.Namespace) -> list[Case]:
    """The shared cases and the ordinary ones, as far as they are asked for."""
    from . import ordinary

    if asked.ordinary:
        return ordinary.cases()
    try:
        shared = load_cases()
    except Skip:
        if not asked.only:
            raise
        shared = []
    return chosen([*shared, *ordinary.cases()], asked.only)


def measure(runs: int, given: Sequence[str]) -> Result:
    """Diagnose every case asked for with seeds 0 … runs − 1."""
    asked = options(runs, given)
    cases = cases_of(asked)
    wanted = Wanted(
        runs=runs,
        repair=not (asked.no_repair or asked.quick or asked.torch),
        rules=not (asked.no_rules or asked.quick or asked.torch),
        random=not (asked.no_random or asked.no_repair or asked.quick or asked.torch),
        torch=asked.torch,
        reuse=asked.reuse,
        budget=asked.budget,
    )
    began, records = time.perf_counter(), []
    for case, own in _records(cases, wanted, asked.keep, asked.jobs):
        for record in own:
            print(line(case, record), flush=True)
        records += own
    print(f"  {len(records)} runs in {time.perf_counter() - began:.0f} s, kept in {asked.keep}", file=sys.stderr)
    return result_of(cases, records, wanted)


def _records(cases: list[Case], wanted: Wanted, keep: Path, jobs: int) -> Iterator[tuple[Case, list[Record]]]:
    """Each case with its records, in the order in which they are done."""
    if jobs <= 1:
        yield from ((case, examined(case, wanted, keep)) for case in cases)
        return
    # Started afresh: a process that has started JAX cannot be forked.
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(examined, case, wanted, keep): case for case in cases}
        for done in as_completed(waiting):
            yield waiting[done], done.result()
