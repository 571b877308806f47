"""The command: run benchmarks by name and write their results as JSON and Markdown."""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from . import doctor, layers
from .common import Result, Skip, machine, save
from .networks import NETWORKS

# Name → runs it takes unless told. Each is a module here with `measure(runs) -> Result`.
BENCHMARKS = {"iris": 5, "mlp": 3, "gpu": 1, "startup": 15, "population": 3, "bayes": 10, "probes": 3, "tables": 3}
# Those of the layers, timed in one table; the runs of each.
LAYERS, LAYER_RUNS = tuple(NETWORKS), 3
# Does it learn what it should? Modules in studies/, again with `measure(runs) -> Result`; runs are seeds.
STUDIES = {"mnist-cnn": 3, "cnn-vs-mlp": 10, "shakespeare": 1, "reviews": 1}

# The other models, beside their usual libraries. Modules in models/, again with `measure(runs) -> Result`.
MODELS = {"rbm": 3, "dbn": 10, "word2vec": 3, "kmeans": 3, "pca": 3, "vae": 3, "oneshot": 1, "gan": 3}


def main() -> int:
    names = [*BENCHMARKS, *LAYERS, "layers", *STUDIES, *MODELS, "models", "doctor", "all"]
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--runs", type=int, help="measured runs of each peer (more is steadier), or seeds of a study")
    parser.add_argument("--out", type=Path, help="folder of the results (benchmarks/results)")
    given, rest = parser.parse_known_args()
    if rest and given.names != ["doctor"]:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    out = given.out or (doctor.folder_of(rest) if rest else Path("benchmarks/results"))
    for name, measure in _wanted(given.names, given.runs, rest).items():
        try:
            where = machine()  # before the work, so that the load it notes is other people's
            result = measure()
        except Skip as reason:
            print(f"{name}: skipped, {reason}", file=sys.stderr)
            continue
        print(save(name, result, where, out))
    return 0


def _wanted(names: list[str], runs: int | None, rest: list[str]) -> dict[str, Callable[[], Result]]:
    """Name of a result → what measures it. Networks named together are one result, as they have a mean."""
    every = "all" in names
    found: dict[str, Callable[[], Result]] = {}
    for name in BENCHMARKS:
        if every or name in names:
            found[name] = partial(_of_module, f".{name}", runs or BENCHMARKS[name])
    timed = [name for name in LAYERS if every or "layers" in names or name in names]
    if timed:
        title = "layers" if len(timed) == len(LAYERS) else "-".join(timed)
        found[title] = partial(layers.measure, timed, runs or LAYER_RUNS)
    for name in STUDIES:
        if every or name in names:
            found[name] = partial(_of_module, f".studies.{name.replace('-', '_')}", runs or STUDIES[name])
    for name in MODELS:
        if every or "models" in names or name in names:
            found[name] = partial(_of_module, f".models.{name}", runs or MODELS[name])
    if every or "doctor" in names:
        found["doctor"] = partial(doctor.measure, runs or doctor.RUNS, rest)
    return found


def _of_module(place: str, runs: int) -> Result:
    return importlib.import_module(place, __package__).measure(runs)


if __name__ == "__main__":
    sys.exit(main())
