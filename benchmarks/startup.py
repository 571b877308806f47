"""startup: what `import jindan` adds to Python, and how soon `jindan --help` answers."""

from __future__ import annotations

import functools
import importlib.util
import sys
from pathlib import Path
from typing import Any

from .common import Goal, Result, Spread, Table, disturbance, in_turn, run

TASK = "Fresh processes, from start to exit. What others' imports cost stands beside ours for scale."
IMPORTS = {"numpy": "import numpy", "sklearn": "import sklearn", "jax": "import jax", "torch": "import torch"}


def measure(runs: int) -> Result:
    """Measure every command `runs` times."""
    python = functools.partial(_python, "-c")
    peers: dict[str, Any] = {"python": python("pass"), "jindan": python("import jindan")}
    for module, line in IMPORTS.items():
        if importlib.util.find_spec(module):
            peers[module] = python(line)
    missing = {}
    command = Path(sys.executable).with_name("jindan")
    try:
        run([command, "--help"])
    except (OSError, RuntimeError) as error:
        missing["`jindan --help`"] = f"the command does not answer ({str(error).splitlines()[-1]})"
    else:
        peers["help"] = functools.partial(run, [command, "--help"])
    found, _ = in_turn(peers, runs)
    seconds = {name: Spread.of([child.seconds for child in children]) for name, children in found.items()}
    bare = seconds["python"].median
    labels = {"python": "`python -c pass`", "jindan": "`import jindan`", "help": "`jindan --help`"}
    rows = [
        [labels.get(name, f"`import {name}`"), spread.text(".0f", 1000), f"{1000 * (spread.median - bare):.0f}"]
        for name, spread in seconds.items()
    ]
    goals = [Goal("`import jindan` beyond bare Python", seconds["jindan"].median - bare, "≤", 0.15, "s")]
    if "help" in seconds:
        goals.append(Goal("`jindan --help`", seconds["help"].median, "≤", 0.4, "s"))
    return Result(
        title="Startup",
        task=TASK,
        tables=[Table("From start to exit:", ["", "ms", "ms beyond bare Python"], rows)],
        goals=goals,
        figures={"seconds": seconds, "skipped": missing},
        notes=[disturbance(found), *(f"{name} was skipped: {reason}" for name, reason in missing.items())],
    )


def _python(*arguments: str) -> Any:
    return functools.partial(run, [sys.executable, *arguments])
