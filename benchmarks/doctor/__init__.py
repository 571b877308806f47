"""doctor: does it find what is wrong with a training, name the cause, stay silent where nothing is, and repair it?

Options of its own, after the name: `--only ids|groups`, `--quick` (findings only), `--no-repair`, `--no-rules`,
`--no-random`, `--ordinary`, `--torch`, `--jobs 2`, `--budget SECONDS`, `--reuse`, `--keep FOLDER`; see `run.py`. A run
that leaves something out is saved beside its records, in the folder it names, and not in the results.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..common import ROOT

RUNS = 3


def measure(runs: int = RUNS, given: list[str] | None = None) -> Any:
    """Run the benchmark with seeds 0 … runs − 1; `given` are its own options."""
    from .run import measure as measured

    return measured(runs, given or [])


def folder_of(given: list[str]) -> Path:
    """Where the result is saved: among the others when nothing was left out, else beside the records."""
    from .run import options, whole

    return ROOT / "benchmarks" / "results" if whole(given) else options(RUNS, given).keep
