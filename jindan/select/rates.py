"""The range of learning rates: which are stable, which trains fastest. Beside it: batch sizes and seeds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from ..engine.data import cut
from ..engine.forward import predict
from ..errors import InputError
from ..plan import Plan
from .batch_sizes import BatchSizes, GradientNoise, batch_size_study, gradient_noise
from .reported import Reported
from .scoring import SCORES
from .seeds import SeedStudy, seed_study
from .task import Task, cut_y, task_of

__all__ = [
    "BatchSizes", "GradientNoise", "RateRange", "SeedStudy", "batch_size_study", "gradient_noise", "lr_range_test",
    "seed_study",
]  # fmt: skip
MOST = 2048  # rows on which the loss of a rate is measured


@dataclass(frozen=True)
class RateRange(Reported):
    """What `lr_range_test` found.

    Attributes:
        rates: (steps,) learning rates, on a logarithmic grid.
        before: Loss of the fresh weights, the mean over seeds.
        after: (steps,) loss after the updates, the mean over seeds; infinite where any seed's is not finite.
        updates: How many updates each member made.
        seeds: Members a rate.
    """

    study: ClassVar[str] = "rates"

    rates: np.ndarray
    before: float
    after: np.ndarray
    updates: int
    seeds: int

    @property
    def largest_stable(self) -> float:
        """The largest rate up to which no loss is above the one before; NaN where there is none."""
        # Rates too small to matter may raise the loss by a rounding error.
        stable = self.after <= self.before + 1e-3 * abs(self.before)
        count = len(stable) if stable.all() else int(np.argmin(stable))
        return float(self.rates[count - 1]) if count else float("nan")

    @property
    def steepest(self) -> float:
        """The rate at which the loss falls most, by the logarithm of the rate; NaN where it nowhere falls."""
        known = self.rates <= self.largest_stable
        if known.sum() < 2:
            return float("nan")
        slopes = np.gradient(self.after[known], np.log(self.rates[known]))
        return float(self.rates[known][np.argmin(slopes)]) if slopes.min() < 0 else float("nan")

    @property
    def suggested(self) -> float:
        """A tenth of the largest stable rate, or the rate of steepest fall where that is smaller (Smith 2017)."""
        found = [v for v in (self.steepest, self.largest_stable / 10) if np.isfinite(v)]
        return min(found) if len(found) == 2 else float("nan")

    def text(self, lang: str = "en") -> str:
        """The suggested rate and why, in English or Korean."""
        if not np.isfinite(self.suggested):
            return ("그 학습률에서도 손실이 줄지 않습니다. low를 낮추거나 입력을 표준화합니다." if lang == "ko" else
                    "The loss falls at no rate of these: lower `low`, or standardise the inputs.")  # fmt: skip
        steepest, stable, rate = (f"{v:.2g}" for v in (self.steepest, self.largest_stable, self.suggested))
        if lang == "ko":
            return (f"추천 학습률 {rate}: 안정한 가장 큰 값 {stable}의 10분의 1과 손실이 가장 가파르게 주는 값 "
                    f"{steepest} 중 작은 쪽입니다.")  # fmt: skip
        return (f"Suggested rate {rate}: the smaller of a tenth of the largest stable one, {stable}, and the one at "
                f"which the loss falls most steeply, {steepest}.")  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; None where a number is not finite."""
        found = {name: _plain(getattr(self, name)) for name in ("suggested", "steepest", "largest_stable", "before")}
        return found | {"rates": self.rates.tolist(), "after": [_plain(v) for v in self.after],
                        "updates": self.updates, "seeds": self.seeds}  # fmt: skip

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """Loss by rate with the suggested one marked, as a picture (SVG)."""
        from ..report.studies import plot_rates

        return plot_rates(self, to_file, lang)

    def __repr__(self) -> str:
        return (f"RateRange(suggested {self.suggested:.2g}, steepest {self.steepest:.2g}, largest stable "
                f"{self.largest_stable:.2g}, {len(self.rates)} rates)")  # fmt: skip


def lr_range_test(
    model: Any,
    X: Any,
    y: Any,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 50,
    updates: int = 32,
    seeds: int = 2,
    seed: int = 0,
    **fit: Any,
) -> RateRange:
    """Train a member a rate for a few updates, all from the same weights on the same batches, and compare losses.

    Smith (2017) raises the rate within one training, where each rate inherits what the ones before it did; here each
    has a training of its own, all of them one population.

    Args:
        model: A compiled model, which stays as it is, or a Plan; a schedule is edited at its start.
        X, y: Rows and targets.
        low, high: Ends of the grid.
        steps: Rates, at least 3.
        updates: Of each member.
        seeds: Members a rate, whose losses are averaged.
        seed: Of the first member.
        fit: Arguments of `fit`; `epochs` and early stopping do not count here.

    Raises:
        InputError: when the grid is empty, or an argument cannot be used.

    >>> from jindan.layers import Dense
    >>> X = np.linspace(-1, 1, 32)[:, None]
    >>> found = lr_range_test(Plan((Dense(1),), loss="mse", optimizer="sgd"), X, 2 * X[:, 0], steps=8)
    >>> found.rates.shape, bool(found.suggested <= found.largest_stable)
    ((8,), True)
    """
    if not 0 < low < high < np.inf:
        raise InputError("The rates have no range.", where="low, high", expected="0 < low < high",
                         received=f"{low}, {high}", help="low=1e-6, high=10.0")  # fmt: skip
    for name, value, least in (("steps", steps, 3), ("updates", updates, 1), ("seeds", seeds, 1)):
        if int(value) < least:
            raise InputError(f"There are too few {name}.", where=name, expected=f"at least {least}", received=value)
    task = task_of(model, X, y, seed=seed, **fit)
    an_epoch = -(-len(task) // min(task.plan.batch_size, len(task)))
    plan = task.plan.replace(early_stopping=None, reduce_on_plateau=None, epochs=-(-int(updates) // an_epoch))
    task = replace(task, plan=plan, data=replace(task.data, validation=None))
    rates = np.geomspace(low, high, int(steps))
    first = plan.seed or 0
    members = [
        plan.edit(learning_rate=float(rate)).replace(seed=first + k) for rate in rates for k in range(int(seeds))
    ]
    runs = task.train(members, until=(0, int(updates)))
    sample = np.random.default_rng(seed).permutation(len(task))[:MOST]
    loss = SCORES["-loss"]
    truth = cut_y(task.data.y, sample)
    with np.errstate(all="ignore"):
        after = [-loss(plan, truth, found) for found in task.predict(runs, [sample] * len(runs))]
        before = [-loss(plan, truth, _untrained(plan.replace(seed=first + k), task, sample)) for k in range(int(seeds))]
        means = np.reshape(after, (len(rates), int(seeds))).mean(1)
    return RateRange(rates, float(np.mean(before)), np.where(np.isfinite(means), means, np.inf), int(updates),
                     int(seeds))  # fmt: skip


def _untrained(plan: Plan, task: Task, rows: np.ndarray) -> Any:
    """Outputs before the first update."""
    return predict(plan, task.data.input_shape, task.fresh(plan), cut(task.data.x, rows))


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
