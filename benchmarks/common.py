"""Shared helpers: child processes measured, peers in turn, machine description, results as JSON and Markdown."""

from __future__ import annotations

import json
import operator
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PEERS = ROOT / "benchmarks" / "peers"
DATA = ROOT.parent / "shared" / "data"
PACKAGES = ("jindan", "jax", "jaxlib", "numpy", "torch", "keras", "scikit-learn")


QUIET = 0.1  # share of the machine that others may take during a run
PATIENCE = 30  # seconds that all peers together wait for that, each round


class Skip(Exception):
    """Something a benchmark or a peer needs is missing; the message says what."""


# -- running ---------------------------------------------------------------------------------------------------------


@dataclass
class Child:
    """One finished child process: seconds from start to exit, peak memory, the JSON object it printed last."""

    seconds: float
    memory: float  # megabytes (10⁶ bytes) of resident memory at the peak
    output: dict[str, Any]
    others: float  # share of the machine that other processes took meanwhile, where that can be known

    @property
    def disturbed(self) -> bool:
        """Whether others took much; the system's clock is too coarse to tell for short runs."""
        return self.others > QUIET and self.seconds > 0.2


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> Child:
    """Run a command to its end and measure it.

    Raises:
        Skip: when it exits with 77, which a peer does to say (on standard error) what it lacks.
        RuntimeError: when it fails.
    """
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        busy, began = _busy(), time.perf_counter()
        child = subprocess.Popen(
            [str(part) for part in command],
            stdout=out,
            stderr=errors,
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
        )
        # wait4 gives this child's own peak, where RUSAGE_CHILDREN would give the greatest of all so far.
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - began
        others = (_busy() - busy - usage.ru_utime - usage.ru_stime) / seconds / (os.cpu_count() or 1)
        child.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        text, complaint = out.read(), errors.read().strip()
    if child.returncode == 77:
        raise Skip(complaint.splitlines()[-1] if complaint else "the peer gave no reason")
    if child.returncode:
        raise RuntimeError(f"{' '.join(map(str, command[1:]))} failed ({child.returncode}):\n{complaint}")
    lines = [line for line in text.splitlines() if line.startswith("{")]
    unit = 1 if sys.platform == "darwin" else 1024
    return Child(seconds, usage.ru_maxrss * unit / 1e6, json.loads(lines[-1]) if lines else {}, max(0.0, others))


def _busy() -> float:
    """Seconds of processor time all processes have used since the system started; 0 where it does not say."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    except OSError:
        return 0.0
    user, nice, system, _, _, *interrupts = map(int, fields[:8])
    return (user + nice + system + sum(interrupts)) / os.sysconf("SC_CLK_TCK")


def script(name: str, *arguments: str) -> list[str | Path]:
    """The command of one peer script."""
    return [sys.executable, PEERS / f"{name}.py", *arguments]


def module(name: str, *arguments: str) -> list[str | Path]:
    """The command of one peer that imports the benchmarks' own modules."""
    return [sys.executable, "-m", f"benchmarks.peers.{name}", *arguments]


def in_turn(
    peers: dict[str, Callable[[], Child]], runs: int, *, warm: bool = True
) -> tuple[dict[str, list[Child]], dict[str, str]]:
    """Run the peers A B C A B C …, so that a slow spell of the machine falls on all of them.

    Each run waits a while for a quiet machine and is repeated once when others took part of it after all: threads that
    wait by spinning, as PyTorch's do, can be slowed tenfold by one busy neighbour. The least disturbed one counts.

    Args:
        peers: Name → one run of it.
        runs: Measured runs each.
        warm: Whether a run of each, not counted, comes first (reads files into the page cache).

    Returns:
        The runs by name, and the reasons of those that were skipped.
    """
    found: dict[str, list[Child]] = {name: [] for name in peers}
    skipped: dict[str, str] = {}
    for turn in range(-int(warm), runs):
        for name, peer in peers.items():
            if name in skipped:
                continue
            try:
                child = _quietly(peer, time.perf_counter() + PATIENCE / len(peers)) if turn >= 0 else peer()
            except Skip as reason:
                skipped[name] = str(reason)
                del found[name]
                continue
            label = "warm-up" if turn < 0 else f"{turn + 1}/{runs}"
            figures = f"{child.seconds:.2f} s, {child.memory:.0f} MB, others took {child.others:.0%}"
            print(f"  {label}  {name}: {figures}", file=sys.stderr, flush=True)
            if turn >= 0:
                found[name].append(child)
    return found, skipped


def _quietly(peer: Callable[[], Child], until: float) -> Child:
    """One run on a machine as quiet as it gets before `until`."""
    attempts: list[Child] = []
    while not attempts or (len(attempts) < 2 and attempts[-1].disturbed and time.perf_counter() < until):
        while time.perf_counter() < until and _others() > QUIET:
            time.sleep(0.2)
        attempts.append(peer())
    return min(attempts, key=lambda child: child.others)


def _others(seconds: float = 0.3) -> float:
    """The share of the machine in use while this process sleeps."""
    busy = _busy()
    time.sleep(seconds)
    return (_busy() - busy) / seconds / (os.cpu_count() or 1)


def disturbance(*found: dict[str, list[Child]]) -> str:
    """A note on how many measured runs other processes disturbed."""
    runs = [child for part in found for children in part.values() for child in children]
    count = sum(child.disturbed for child in runs)
    return f"In {count} of {len(runs)} runs other processes took more than {QUIET:.0%} of the machine."


# -- results ---------------------------------------------------------------------------------------------------------


@dataclass
class Spread:
    """Median, least and greatest of repeated measurements."""

    median: float
    min: float
    max: float
    values: list[float]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        return cls(statistics.median(values), min(values), max(values), [round(v, 6) for v in values])

    def text(self, form: str = ".3g", factor: float = 1.0) -> str:
        """The three numbers as a table's cell."""
        low, middle, high = (format(v * factor, form) for v in (self.min, self.median, self.max))
        return f"**{middle}** ({low} – {high})"


@dataclass
class Goal:
    """A figure and the bound it should keep."""

    what: str
    measured: float
    sign: str  # "≥" or "≤"
    bound: float
    unit: str = "×"

    @property
    def met(self) -> bool:
        return {"≥": operator.ge, "≤": operator.le}[self.sign](self.measured, self.bound)

    def row(self) -> list[str]:
        limit = f"{self.sign} {self.bound:g} {self.unit}".replace(" ×", "×")
        figure = f"{self.measured:.3g} {self.unit}".replace(" ×", "×")
        return [self.what, limit, figure, "met" if self.met else "**missed**"]


@dataclass
class Table:
    """A caption, column names and rows of text."""

    caption: str
    columns: list[str]
    rows: list[list[str]]

    def text(self) -> str:
        rule = ["---"] + ["---:"] * (len(self.columns) - 1)
        lines = [f"| {' | '.join(cells)} |" for cells in (self.columns, rule, *self.rows)]
        return "\n".join([self.caption, "", *lines])


@dataclass
class Result:
    """What a benchmark found."""

    title: str
    task: str
    tables: list[Table]
    goals: list[Goal]
    figures: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    command: str = ""  # the names that measure it, where they are not its own


def machine() -> dict[str, Any]:
    """Processor, cores, memory, versions and how busy the machine is; nothing that names it."""
    versions = {}
    for name in PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "system": platform.system(),
        "python": platform.python_version(),
        "versions": versions,
        "load_before": round(os.getloadavg()[0], 2),
        "date": time.strftime("%Y-%m-%d"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def save(name: str, result: Result, where: dict[str, Any], folder: Path) -> str:
    """Write NAME.json and NAME.md; return the Markdown."""
    folder.mkdir(parents=True, exist_ok=True)
    goals = [{**asdict(goal), "met": goal.met} for goal in result.goals]
    document = {"name": name, "machine": where, "figures": result.figures, "goals": goals, "notes": result.notes}
    text = json.dumps(document, indent=1, ensure_ascii=False, default=lambda value: asdict(value))
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    parts = [f"# {result.title}", result.task, *(table.text() for table in result.tables)]
    if result.goals:
        parts.append(Table("Goals", ["goal", "bound", "measured", ""], [goal.row() for goal in result.goals]).text())
    if result.notes:
        parts.append("\n".join(f"- {note}" for note in result.notes))
    versions = ", ".join(f"{package} {version}" for package, version in where["versions"].items())
    parts.append(
        f"{where['processor']}, {where['cores']} cores, {where['memory_gb']:g} GB, {where['system']}, "
        f"Python {where['python']}, {versions}. Other load before the run: {where['load_before']:g}. {where['date']}. "
        "Cells are median (least – greatest); peers take turns. "
        f"Again: `python -m benchmarks {result.command or name}`."
    )
    markdown = "\n\n".join(parts) + "\n"
    (folder / f"{name}.md").write_text(markdown, encoding="utf-8")
    return markdown
