"""Several trainings in the place of one: seeds, the bootstraps of an ensemble, what they predict, their file."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.data import Data
from ..engine.forward import evaluate
from ..engine.members import predict_members
from ..engine.run import Run
from ..errors import FileError, InputError
from ..layers import Activation
from ..models import folders, saving
from ..plan import Plan

MEMBERS = "members.safetensors"


@dataclass(frozen=True)
class Repeats:
    """How often a training is repeated.

    Attributes:
        seeds: Trainings from seeds of their own, of which the first is kept.
        ensemble: Members of each, on bootstraps of the training rows; 1 is one network on all of them.

    >>> Repeats(3, 2).count
    6
    """

    seeds: int = 1
    ensemble: int = 1

    def __post_init__(self) -> None:
        for name in ("seeds", "ensemble"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise InputError(
                    f"The number of {'seeds' if name == 'seeds' else 'members'} must be a whole number.",
                    where=f"--{name}", expected=">= 1", received=value, help="Leave it out for one.",
                )  # fmt: skip

    @property
    def count(self) -> int:
        """Trainings in all."""
        return self.seeds * self.ensemble

    def plans(self, plan: Plan, rows: np.ndarray | int, first: int, validation: Any = None) -> list[Plan]:
        """The members' plans, those of one seed after one another.

        Args:
            plan: What they are edits of.
            rows: Row numbers to train on; a number stands for all rows, of which there are as many.
            first: The first seed.
            validation: Row numbers to watch, or None.
        """
        seeds = range(first, first + self.seeds)
        return [p for seed in seeds for p in members_of(plan, rows, seed, self.ensemble, validation)]


def members_of(plan: Plan, rows: np.ndarray | int, seed: int, count: int, validation: Any = None) -> list[Plan]:
    """The plans of an ensemble of one seed: each member has weights and a bootstrap of its own (Breiman 1996).

    A bootstrap is as many rows as there are, drawn with replacement. One member alone has all rows.

    >>> [len(p.rows) for p in members_of(Plan(()), 5, seed=0, count=2)], members_of(Plan(()), 5, 0, 1)[0].rows
    ([5, 5], None)
    """
    if count == 1:
        own = None if isinstance(rows, int) else rows
        return [plan.replace(seed=seed, rows=own, validation_rows=validation)]
    numbers = np.arange(rows) if isinstance(rows, int) else rows
    found = []
    for k in range(count):
        draw = np.random.default_rng([seed, k]).integers(0, len(numbers), len(numbers))
        member = seed if k == 0 else int(np.random.SeedSequence([seed, k]).generate_state(1)[0] >> 1)
        found.append(plan.replace(seed=member, rows=numbers[draw], validation_rows=validation))
    return found


def outputs_of(runs: Sequence[Run], x: Any) -> np.ndarray:
    """(members, rows, …) outputs of an ensemble's members."""
    return np.stack(predict_members(runs, x))


def mean_of(outputs: np.ndarray) -> np.ndarray:
    """The mean over members, summed in float64."""
    return outputs.mean(0, dtype=np.float64).astype(outputs.dtype)


def figures_of(plan: Plan, outputs: np.ndarray, data: Data) -> dict[str, float]:
    """The plan's loss, without penalties, and metrics of outputs that are there already."""
    as_it_is = plan.replace(layers=(Activation("linear"),), wiring=None, l1=0.0, l2=0.0, rows=None)
    return evaluate(as_it_is, outputs.shape[1:], ({},), Data.of(outputs, data.y, data.weight))


def seed_spread(seeds: Sequence[int], scores: Sequence[dict[str, Any]], metric: str, part: str) -> dict[str, Any]:
    """How much a figure differs from seed to seed: whether the result is luck.

    Args:
        seeds: The first is the one kept.
        scores: Figure → Score, for each.
        metric: The figure to tell of.
        part: The rows it was measured on.

    Returns:
        Plain values; `luck` is by how many standard deviations the kept one is better (in the figure's own direction:
        larger) than the mean.
    """
    values = np.array([found[metric].value for found in scores], np.float64)
    std = float(values.std(ddof=1)) if len(values) > 1 else math.nan
    mean = float(values.mean())
    names = [name for name in scores[0] if all(name in found for found in scores)]
    return {
        "seeds": list(seeds), "metric": metric, "part": part, "mean": mean, "std": std, "min": float(values.min()),
        "max": float(values.max()), "kept": float(values[0]), "luck": (values[0] - mean) / std if std > 0 else 0.0,
        "scores": {name: [found[name].value for found in scores] for name in names},
    }  # fmt: skip


def write_members(folder: Path, runs: Sequence[Run]) -> None:
    """The weights of all members beside the first one's model.safetensors; nothing for one member."""
    if len(runs) < 2:
        return
    arrays = {f"{k}.{name}": w for k, run in enumerate(runs)
              for name, w in saving.flat(run.weights).items()}  # fmt: skip
    folders.write_arrays(folder / MEMBERS, arrays, {"members": str(len(runs))})


def read_members(folder: Path, first: Run, count: int) -> tuple[Run, ...]:
    """Undo `write_members`: the members, as runs that can predict.

    Raises:
        FileError: when the file is missing, damaged, or holds other members.
    """
    path = folder / MEMBERS
    arrays = folders.read_arrays(path)
    apart: list[dict[str, np.ndarray]] = [{} for _ in range(count)]
    for name, array in arrays.items():
        place, _, rest = name.partition(".")
        if not place.isdigit() or int(place) >= count:
            raise FileError("The file holds other members.", where=path, expected=f"{count} members", received=name,
                            help="Train again, or restore the file.")  # fmt: skip
        apart[int(place)][rest] = array
    dtype = np.dtype(first.plan.dtype)
    return tuple(
        replace(first, weights=saving.unflat(first.network, own, dtype, f"{path}, member {k}"), history={}, state={})
        for k, own in enumerate(apart)
    )
