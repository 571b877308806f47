"""Every network of the table (benchmarks/networks) against PyTorch: time of an update, memory, share of the peak."""

from __future__ import annotations

import itertools
import math
import statistics
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from .common import Child, Goal, Result, Spread, Table, disturbance, in_turn, module, run
from .networks import CHANNELS_FIRST, NETWORKS
from .networks.data import need
from .peak import peak, share

EPOCHS = 6
TASK = f"""\
Each network trains by Adam with the same shapes, batch and float32 in all rows, on real data shuffled each epoch, in
a fresh process: {EPOCHS} short epochs; the first is not counted, the median of the others is the figure. "Best PyTorch"
is the fastest of its rows. The share of the peak is that of a 2048³ float32 product on this machine, with an update's
operations by definition (each product forward and for both gradients, Adam) and, for jindan, as they are executed."""
NAMES = {
    "jindan": "jindan",
    "eager": "PyTorch eager",
    "fused": "PyTorch, fused Adam",
    "channels_last": "PyTorch, fused Adam, channels last",
    "compile": "torch.compile, fused Adam",
}
SHARES = {"cnn": 0.5, "lstm": 0.5}  # goals, of the operations as executed
RATIOS = {"cnn": 1.4}
MEAN, LEAST = 1.2, 0.8
COMPILING = 1.0  # seconds a distinct shape of convolution
FIRST = 3  # processes with an empty cache, of which the median counts: one can meet a slow moment of the machine


def measure(names: Sequence[str], runs: int, epochs: int = EPOCHS) -> Result:
    """Measure these networks, each peer `runs` times with other seeds."""
    need("mnist.npz", "tinyshakespeare.txt", "nsmc/ratings_train.txt.gz")
    found = {name: _measured(name, runs, epochs) for name in names}
    figures: dict[str, Any] = {"peak_gflops": peak() / 1e9, "networks": found}
    goals = list(itertools.chain.from_iterable(_goals(name, found[name]) for name in names))
    ratios = [_ratio(found[name]) for name in names]
    known = [ratio for ratio in ratios if ratio is not None]
    if len(known) > 1:
        mean = math.exp(sum(map(math.log, known)) / len(known))
        goals.insert(0, Goal(f"best PyTorch ÷ jindan, geometric mean of {len(known)}", mean, "≥", MEAN))
        figures["geometric_mean"] = mean
    return Result(
        title="Layers against PyTorch: " + ", ".join(names),
        task=TASK,
        tables=[_summary(found), *(_table(name, found[name]) for name in names)],
        goals=goals,
        figures=figures,
        notes=_notes(found),
        command=" ".join(names),
    )


def _measured(name: str, runs: int, epochs: int) -> dict[str, Any]:
    """The figures of one network."""
    with tempfile.TemporaryDirectory(prefix="jindan-") as cache:
        seeds: dict[str, Any] = {}
        cold: list[float] = []

        def peer(label: str, script: str, *more: str) -> Callable[[], Child]:
            def once() -> Child:
                seed = str(next(seeds.setdefault(label, itertools.count())))
                before = _files(cache)
                arguments = (name, "--epochs", str(epochs), "--seed", seed, *more)
                child = run(module(script, *arguments), {"JINDAN_CACHE": cache})
                if label == "jindan":
                    child.output["compiled"] = _files(cache) - before
                    cold.append(child.output["compile_seconds"])
                return child

            return once

        modes = [mode for mode in NAMES if mode != "jindan" and (mode != "channels_last" or name in CHANNELS_FIRST)]
        peers = {"jindan": peer("jindan", "layers_jindan")}
        peers |= {mode: peer(mode, "layers_torch", "--mode", mode) for mode in modes}
        children, skipped = in_turn(peers, runs)
    if cold:
        cold = [cold[0], *(_first(name) for _ in range(1, FIRST))]
    network = NETWORKS[name]
    figures: dict[str, Any] = {
        key: {label: Spread.of([child.output[key] for child in some]) for label, some in children.items()}
        for key in ("step_ms", "compile_seconds", "loss", "parameters")
    }
    figures["memory_mb"] = {label: Spread.of([child.memory for child in some]) for label, some in children.items()}
    figures["share"] = {
        label: share(network.flops, spread.median) for label, spread in figures["step_ms"].items()
    }  # fmt: skip
    figures |= {"mflop": network.flops / 1e6, "skipped": skipped, "disturbed": disturbance(children)}
    if children.get("jindan"):
        last = children["jindan"][-1].output
        figures |= {
            "executed_mflop": last["executed"] / 1e6,
            "executed_share": share(last["executed"], figures["step_ms"]["jindan"].median),
            "first_compile_seconds": statistics.median(cold),
            "first_compile_each": cold,
            "compiled_again": max(child.output["compiled"] for child in children["jindan"]),
        }
    return figures


def _first(name: str) -> float:
    """Seconds of compilation in a process with a cache of its own, which is empty."""
    with tempfile.TemporaryDirectory(prefix="jindan-") as cache:
        child = run(module("layers_jindan", name, "--epochs", "2", "--seed", "0"), {"JINDAN_CACHE": cache})
    return float(child.output["compile_seconds"])


def _files(folder: str) -> int:
    """Compiled programs in a cache."""
    return sum(path.is_file() and not path.name.endswith("-atime") for path in Path(folder).rglob("*"))


def _best(found: dict[str, Any]) -> tuple[str, float] | None:
    """The fastest PyTorch of a network, and its milliseconds."""
    torch = {label: spread.median for label, spread in found["step_ms"].items() if label != "jindan"}
    return min(torch.items(), key=lambda pair: pair[1]) if torch else None


def _ratio(found: dict[str, Any]) -> float | None:
    """The best PyTorch ÷ jindan."""
    best = _best(found)
    return best[1] / found["step_ms"]["jindan"].median if best and "jindan" in found["step_ms"] else None


def _goals(name: str, found: dict[str, Any]) -> list[Goal]:
    goals = []
    ratio = _ratio(found)
    if ratio is not None:
        goals.append(Goal(f"{name}: an update, best PyTorch ÷ jindan", ratio, "≥", RATIOS.get(name, LEAST)))
    if "executed_share" in found:
        if name in SHARES:
            goals.append(Goal(f"{name}: share of the peak as executed", found["executed_share"], "≥", SHARES[name], ""))
        kernels = NETWORKS[name].kernels
        if kernels:
            each = found["first_compile_seconds"] / kernels
            goals.append(Goal(f"{name}: compilation a distinct convolution", each, "≤", COMPILING, "s"))
        goals.append(
            Goal(f"{name}: programs compiled in a second process", found["compiled_again"], "≤", 0, "")
        )  # fmt: skip
    return goals


def _summary(found: dict[str, dict[str, Any]]) -> Table:
    rows = []
    for name, figures in found.items():
        best, ratio = _best(figures), _ratio(figures)
        jindan = figures["step_ms"].get("jindan")
        rows.append([
            NETWORKS[name].title,
            jindan.text(".2f") if jindan else "",
            f"{best[1]:.2f} ({NAMES[best[0]]})" if best else "",
            f"{ratio:.2f}×" if ratio else "",
            f"{figures['share']['jindan']:.2f}" if jindan else "",
            f"{figures['executed_share']:.2f}" if jindan else "",
        ])  # fmt: skip
    columns = ["ms an update", "jindan", "best PyTorch", "PyTorch ÷ jindan", "share of peak", "as executed"]
    return Table(f"All of them (peak {peak() / 1e9:.0f} GFLOP/s):", columns, rows)


def _table(name: str, found: dict[str, Any]) -> Table:
    rows = []
    for label, spread in found["step_ms"].items():
        rows.append([
            NAMES[label], spread.text(".2f"), f"{found['share'][label]:.2f}",
            found["compile_seconds"][label].text(".2f"), found["memory_mb"][label].text(".0f"),
            f"{found['loss'][label].median:.3f}",
        ])  # fmt: skip
    network = NETWORKS[name]
    operations = f"{found['mflop']:,.0f} MFLOP an update"
    if "executed_mflop" in found:
        operations += f", {found['executed_mflop']:,.0f} as jindan executes it"
    caption = f"`{name}`: {network.title}; {network.parameters:,} parameters, {operations}."
    return Table(
        caption, ["", "ms an update", "share of peak", "compilation, s", "peak memory, MB", "training loss"], rows
    )


def _notes(found: dict[str, dict[str, Any]]) -> list[str]:
    notes = [
        "Compilation: for jindan tracing and compiling with the cache filled; for PyTorch what the first update took "
        f"beyond the others. A first jindan process, with an empty cache, took (median of {FIRST}) "
        + ", ".join(
            f"{figures['first_compile_seconds']:.1f} s ({name})"
            for name, figures in found.items()
            if "first_compile_seconds" in figures
        )
        + ".",
        *(f"{name}: {figures['disturbed']}" for name, figures in found.items()),
    ]
    for name, figures in found.items():
        notes += [f"{name}, {NAMES[label]}: skipped, {reason}" for label, reason in figures["skipped"].items()]
    return notes
