"""Batch sizes compared at equal epochs and equal updates, and the gradient noise scale that explains them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..engine import compiling, devices
from ..engine.data import Data
from ..engine.run import Run
from ..engine.supervised import Supervised, program_of
from ..errors import InputError
from ..layers.base import Context
from ..plan import Plan
from .reported import Reported
from .scores import Z
from .scoring import SCORES
from .seeds import held_out
from .task import Task, cut_y, task_of, with_rows

SIZES = (8, 16, 32, 64, 128, 256)
BATCHES, HELD = 64, 2**25  # small batches of an estimate, and numbers their gradients may take


@dataclass(frozen=True)
class GradientNoise:
    """The gradient noise scale B = tr(Σ) / |G|² (McCandlish et al. 2018): so many rows have as much signal as noise.

    Attributes:
        scale: B, in rows; infinite where no gradient can be told from noise.
        interval: Its 95 % interval, by the jackknife over small batches.
        trace: tr(Σ), the summed variance of one row's gradient.
        square: |G|², the squared length of the true gradient.
        small, big: Rows of a small batch, and of all of them.
    """

    scale: float
    interval: tuple[float, float]
    trace: float
    square: float
    small: int
    big: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; None where a number is not finite."""
        plain = {name: getattr(self, name) for name in ("scale", "trace", "square", "small", "big")}
        plain |= {"low": self.interval[0], "high": self.interval[1]}
        return {name: v if math.isfinite(v) else None for name, v in plain.items()}


@dataclass(frozen=True)
class BatchSizes(Reported):
    """What `batch_size_study` found.

    Attributes:
        sizes: Rows an update.
        scores_epochs, losses_epochs: (sizes, seeds) on the validation rows, after equal epochs.
        scores_updates, losses_updates: The same after equal updates.
        epochs, updates: How many.
        scoring: The score's name, higher being better.
        noise: The gradient noise scale at the fresh weights; `noise_trained` after the epochs of the smallest batch.
    """

    study: ClassVar[str] = "batches"

    sizes: tuple[int, ...]
    scores_epochs: np.ndarray
    losses_epochs: np.ndarray
    scores_updates: np.ndarray
    losses_updates: np.ndarray
    epochs: int
    updates: int
    scoring: str
    noise: GradientNoise
    noise_trained: GradientNoise

    def text(self, lang: str = "en") -> str:
        """The best size at equal epochs, the noise scale, and what it means, in English or Korean."""
        best = int(np.argmax(np.nan_to_num(self.scores_epochs.mean(1), nan=-np.inf)))
        size, score = self.sizes[best], float(self.scores_epochs[best].mean())
        first, last = self.noise.scale, self.noise_trained.scale
        if lang == "ko":
            return (f"같은 에폭에서 배치 {size}의 점수가 가장 높습니다({score:.4g}). 기울기 잡음 규모는 처음 "
                    f"{first:.3g}, 학습 후 {last:.3g}입니다. 이보다 훨씬 작은 배치는 병렬 계산을 덜 쓰고, 훨씬 큰 "
                    "배치는 행을 낭비합니다.")  # fmt: skip
        return (f"At equal epochs a batch of {size} scores best ({score:.4g}). The gradient noise scale is {first:.3g} "
                f"at the start, {last:.3g} after training: batches far below it leave parallel work unused, batches "
                "far above it waste rows.")  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        arrays = ("scores_epochs", "losses_epochs", "scores_updates", "losses_updates")
        return {
            "sizes": list(self.sizes), "epochs": self.epochs, "updates": self.updates, "scoring": self.scoring,
            "noise": self.noise.to_dict(), "noise_trained": self.noise_trained.to_dict(),
            **{name: getattr(self, name).tolist() for name in arrays},
        }  # fmt: skip

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """Scores by batch size, as a picture (SVG)."""
        from ..report.studies import plot_batches

        return plot_batches(self, to_file, lang)

    def __repr__(self) -> str:
        means = ", ".join(f"{s}: {v:.4g}" for s, v in zip(self.sizes, self.scores_epochs.mean(1), strict=True))
        return f"BatchSizes({self.scoring} after {self.epochs} epochs; {means}; noise scale {self.noise.scale:.3g})"


def batch_size_study(
    model: Any,
    X: Any,
    y: Any,
    *,
    sizes: Sequence[int] = SIZES,
    updates: int | None = None,
    seeds: int = 3,
    validation: float = 0.2,
    stratify: bool | str = "auto",
    scoring: Any = None,
    seed: int = 0,
    **fit: Any,
) -> BatchSizes:
    """Train with each batch size for equal epochs, and for equal updates, and measure the gradient noise scale.

    The learning rate stays as it is, and so does everything else; early stopping is left out.

    Args:
        model: A compiled model, which stays as it is, or a Plan.
        X, y: Rows and targets.
        sizes: Rows an update; those beyond the training rows become all of them.
        updates: For the comparison at equal updates; those of the middle size in `epochs`, unless given.
        seeds: Members a size.
        validation: Share of the rows to score on.
        stratify, scoring: As in `cross_validate`.
        seed: Of the split, and of the first member.
        fit: Arguments of `fit`, `epochs` among them; there is nothing for which `validation_data` would be watched.

    Raises:
        InputError: when an argument cannot be used.

    >>> from jindan.layers import Dense
    >>> X = np.random.default_rng(0).normal(size=(40, 2)); plan = Plan((Dense(1),), loss="mse", epochs=2)
    >>> batch_size_study(plan, X, X.sum(1), sizes=(8, 16), seeds=2).scores_epochs.shape
    (2, 2)
    """
    if fit.pop("batch_size", None) is not None:
        raise InputError("The batch sizes are what is studied.", where="batch_size", expected="sizes=(…)",
                         received="batch_size")  # fmt: skip
    if not len(sizes) or any(int(s) != s or s < 1 for s in sizes) or int(seeds) < 1:
        raise InputError("These are no batch sizes.", where="sizes, seeds", expected="whole numbers >= 1",
                         received=f"{list(sizes)}, {seeds}")  # fmt: skip
    task = task_of(model, X, y, scoring=scoring, seed=seed, **fit)
    ((rows, held),) = held_out(task, validation, stratify, seed)
    task = replace(task, plan=with_rows(task.plan.replace(early_stopping=None, reduce_on_plateau=None), rows),
                   data=replace(task.data, validation=None))  # fmt: skip
    counts = sorted({min(int(s), len(rows)) for s in sizes})
    epochs, first = max(1, task.plan.epochs), task.plan.seed or 0
    updates = epochs * -(-len(rows) // counts[len(counts) // 2]) if updates is None else int(updates)
    if updates < 1:
        raise InputError("There are no updates.", where="updates", expected="at least 1", received=updates)
    several = [task.plan.replace(batch_size=b, seed=first + k) for b in counts for k in range(int(seeds))]
    equal = [task.train([plan.replace(epochs=epochs) for plan in several]),
             task.train([plan.replace(epochs=-(-updates * plan.batch_size // len(rows)) + 1) for plan in several],
                        until=(0, updates))]  # fmt: skip
    (scores, losses), (scores_updates, losses_updates) = (
        _figures(task, runs, held, (len(counts), int(seeds))) for runs in equal
    )
    noise, trained = (
        gradient_noise(task.plan, task.data, weights, rows=rows, seed=seed)
        for weights in (task.fresh(several[0]), equal[0][0].weights)
    )
    return BatchSizes(tuple(counts), scores, losses, scores_updates, losses_updates, epochs, updates,
                      task.scoring.name, noise, trained)  # fmt: skip


def gradient_noise(
    plan: Plan, data: Data, weights: Any, *, rows: Any = None, small: int | None = None, seed: int = 0
) -> GradientNoise:
    """The noise scale at given weights, from gradients of small batches and of all of them together.

    With |g_b|² the mean squared gradient of batches of b rows: |G|² = (B |g_B|² − b |g_b|²) / (B − b) and
    tr(Σ) = (|g_b|² − |g_B|²) / (1/b − 1/B), both without bias.

    Args:
        plan: Whose loss, penalties and dropout are meant; data: All rows; rows: Those to draw from.
        weights: One dict of arrays a layer.
        small: Rows of a small batch, such that up to 64 of them fill the rows, unless given.
        seed: Of the order of rows, and of dropout.

    Raises:
        InputError: with fewer than two small batches.
    """
    rows = np.arange(len(data)) if rows is None else np.asarray(rows)
    small = max(1, len(rows) // BATCHES) if small is None else int(small)
    if small < 1 or len(rows) // small < 2:
        raise InputError("Noise shows between batches.", where="small", expected="at least two batches of >= 1 rows",
                         received=f"{small} of {len(rows)} rows")  # fmt: skip
    program = program_of(plan.structure, data.input_shape)
    most = max(8, HELD // max(1, plan.network(data.input_shape).parameters()))
    batches = min(len(rows) // small, most)
    order = np.random.default_rng(seed).permutation(rows)[: batches * small].reshape(batches, small)
    trained, fixed = plan.network(data.input_shape).part(weights)
    with devices.width(plan.dtype):
        values = np.array([plan.numbers[path] for path in program.paths], plan.dtype)
        products = _products(program)(values, trained, fixed, data.placed(plan), order.astype(np.int32),
                                      np.uint32(seed & 0xFFFFFFFF))  # fmt: skip
    return _noise(np.asarray(products, np.float64), small)


def _noise(products: np.ndarray, small: int) -> GradientNoise:
    """The estimates from inner products (batches, batches) of gradients.

    The two formulas together say that |G|² is the mean product of two different batches.
    """
    count = len(products)
    diagonal, total = np.diag(products), products.sum()

    def estimates(diagonal_sum: Any, pairs_sum: Any, n: int) -> tuple[Any, Any]:
        square = pairs_sum / (n * (n - 1))
        return square, small * (diagonal_sum / n - square)

    square, trace = estimates(diagonal.sum(), total - diagonal.sum(), count)
    scale = trace / square if square > 0 else math.inf
    low, high = 0.0, math.inf
    if count > 2 and square > 0:
        left = total - 2 * products.sum(1) + diagonal
        squares, traces = estimates(diagonal.sum() - diagonal, left - (diagonal.sum() - diagonal), count - 1)
        if (squares > 0).all() and (traces > 0).all():
            logs = np.log(traces / squares)
            error = math.sqrt((count - 1) * float(logs.var()))
            low, high = scale * math.exp(-Z * error), scale * math.exp(Z * error)
    return GradientNoise(float(scale), (low, high), float(trace), float(square), small, small * count)


@lru_cache(maxsize=32)
def _products(program: Supervised) -> Any:
    """Inner products of the gradients of batches, as the engine's own updates would compute them."""

    def gradient(plan: Plan, trained: Any, fixed: Any, batch: tuple, key: Any) -> Any:
        network = plan.network(program.input_shape)

        def objective(trained: Any) -> Any:
            ctx = Context(training=True, key=key, compute=plan.precision)
            x, y, weight = batch
            cost, _ = program._cost(plan, network, network.join(trained, fixed), x, y, weight, None, ctx)
            penalty = network.penalty(trained, plan.l1, plan.l2)
            return sum(ctx.penalties, cost if penalty is None else cost + penalty)

        found = jax.tree.leaves(jax.grad(objective)(trained))
        return jnp.concatenate([leaf.reshape(-1) for leaf in found])

    def call(values: Any, trained: Any, fixed: Any, data: Any, order: Any, seed: Any) -> Any:
        plan = program.filled(values)
        keys = jax.random.split(jax.random.key(seed), len(order)) if program.random else None

        def one(number: Any) -> Any:
            batch = jax.tree.map(lambda a: a[order[number]], data)
            return gradient(plan, trained, fixed, batch, None if keys is None else keys[number])

        found = lax.map(one, jnp.arange(len(order)))
        return jnp.matmul(found, found.T, precision="highest")

    return compiling.jit(call)


def _figures(task: Task, runs: list[Run], held: np.ndarray, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Scores and losses (sizes, seeds) on the rows held out."""
    truth = cut_y(task.data.y, held)
    found = task.predict(runs, [held] * len(runs))
    with np.errstate(all="ignore"):
        scores = [task.scoring(task.plan, truth, outputs) for outputs in found]
        losses = [-SCORES["-loss"](task.plan, truth, outputs) for outputs in found]
    return np.reshape(scores, shape), np.reshape(losses, shape)
