"""The networks of `layers` on a GPU, against PyTorch on the same one."""

from __future__ import annotations

import math
import shutil
import subprocess
import tempfile
from typing import Any

from .common import Goal, Result, Skip, Spread, Table, in_turn, module, run
from .layers import LEAST, MEAN, NAMES, RATIOS
from .networks import NETWORKS
from .networks.data import need

MODES = ("eager", "fused", "compile", "graphs")
LABELS = {**NAMES, "graphs": "torch.compile by CUDA graphs, fused Adam"}
TASK = """\
The networks, shapes, batches, data and Adam of `python -m benchmarks layers`, on one GPU in float32, as both libraries
come: jindan multiplies with all digits, PyTorch rounds the factors of convolutions to 10 bits (TF32). Each side runs
all its networks in one process: the first epoch is not counted, the median of the others is the figure. jindan's
compilation is that of the first training with an empty cache."""
THEIRS = [f"{name}:{mode}" for name in NETWORKS for mode in MODES]


def measure(runs: int) -> Result:
    """Measure all networks on both sides, `runs` times in turn."""
    if shutil.which("nvidia-smi") is None:
        raise Skip("there is no NVIDIA GPU here")
    need("mnist.npz", "tinyshakespeare.txt", "nsmc/ratings_train.txt.gz")
    asked = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    gpu = subprocess.run(asked, capture_output=True, text=True).stdout.strip()
    with tempfile.TemporaryDirectory(prefix="jindan-") as cache:
        children, _ = in_turn(
            {
                "jindan": lambda: run(module("in_one", "layers_jindan", *NETWORKS), {"JINDAN_CACHE": cache}),
                "torch": lambda: run(module("in_one", "layers_torch", *THEIRS)),
            },
            runs,
            warm=False,
        )
    return result({side: [child.output for child in some] for side, some in children.items()}, gpu)


def result(outputs: dict[str, list[dict[str, Any]]], gpu: str) -> Result:
    """What the runs of both sides found, each a dict of figures by network, or network and mode."""
    times: dict[str, dict[str, Spread]] = {name: {} for name in NETWORKS}
    for name in NETWORKS:
        for mode in ("jindan", *MODES):
            side, key = ("jindan", name) if mode == "jindan" else ("torch", f"{name}:{mode}")
            values = [found[key]["step_ms"] for found in outputs.get(side, []) if key in found]
            if values:
                times[name][mode] = Spread.of(values)
    compiling = {name: outputs["jindan"][0][name]["compile_seconds"] for name in NETWORKS}
    best = {
        name: min((times[name][mode].median for mode in MODES if mode in times[name]), default=None) for name in times
    }
    ratios = {name: best[name] / times[name]["jindan"].median for name in NETWORKS if best[name] is not None}
    goals = [
        Goal(f"{name}: best PyTorch ÷ jindan", ratio, "≥", RATIOS.get(name, LEAST)) for name, ratio in ratios.items()
    ]
    figures: dict[str, Any] = {"gpu": gpu, "step_ms": times, "compile_seconds": compiling}
    if ratios:
        mean = figures["geometric_mean"] = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
        goals.insert(0, Goal(f"best PyTorch ÷ jindan, geometric mean of {len(ratios)}", mean, "≥", MEAN))
    rows = [
        [
            NETWORKS[name].title,
            *(found[mode].text(".3f") if mode in found else "" for mode in ("jindan", *MODES)),
            f"{ratios[name]:.2f}×" if name in ratios else "",
            f"{compiling[name]:.1f}",
        ]
        for name, found in times.items()
    ]
    columns = ["ms an update", "jindan", *(LABELS[mode] for mode in MODES), "best ÷ jindan", "jindan compiles, s"]
    table = Table(f"{gpu.replace(', ', ', driver ')}:", columns, rows)
    return Result(title="Layers on a GPU", task=TASK, tables=[table], goals=goals, figures=figures)
