"""Can it overfit? A sound network learns a few rows by heart; one that cannot is too small, held down or cut off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.members import predict_members
from ..errors import InputError
from ..plan import Plan
from ..select.task import cut_y, task_of
from . import judge
from .learning_runs import bare

FEW = 8
BY_HEART = 0.99  # accuracy, or R²
NEARLY_NONE = 0.01  # of the first loss, where the task has no score


@dataclass(frozen=True)
class FewRows:
    """What `can_overfit` found.

    Attributes:
        scores: (seeds,) accuracy or R² on the rows that were trained on; NaN where the task has neither.
        losses: (seeds, epochs) of these rows.
        rows: Their numbers.
        updates: How many each seed made.
    """

    scores: np.ndarray
    losses: np.ndarray = field(repr=False)
    rows: np.ndarray
    updates: int

    @property
    def learned(self) -> np.ndarray:
        """(seeds,) whether each knows the rows by heart: a score of 0.99, or a hundredth of the first loss left."""
        first, last = self.losses[:, 0], self.losses[:, -1]
        scored = ~np.isnan(self.scores)
        return np.where(scored, self.scores >= BY_HEART, last <= NEARLY_NONE * first) & np.isfinite(last)

    @property
    def can(self) -> bool:
        """Whether more than half of the seeds do."""
        return bool(np.mean(self.learned) > 0.5)

    def __bool__(self) -> bool:
        return self.can

    def text(self, lang: str = "en") -> str:
        """In a sentence, in English or Korean."""
        many, knows, seeds = len(self.rows), int(self.learned.sum()), len(self.losses)
        first, last = float(np.median(self.losses[:, 0])), float(np.median(self.losses[:, -1]))
        if lang == "ko":
            end = "" if self.can else " 신경망이 너무 작거나, 학습률이 너무 낮거나, 기울기가 끊깁니다."
            return (f"시드 {seeds}개 중 {knows}개가 {many}행을 {self.updates}번 갱신해 외웠습니다"
                    f"(손실 {first:.3g} → {last:.3g}).{end}")  # fmt: skip
        end = "" if self.can else " The network is too small, its rate too low, or its gradient cut off somewhere."
        return (f"{knows} of {seeds} seeds learned {many} rows by heart in {self.updates} updates (loss {first:.3g} → "
                f"{last:.3g}).{end}")  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        scores = [None if np.isnan(score) else float(score) for score in self.scores]
        losses = [float(loss) if np.isfinite(loss) else None for loss in self.losses[:, -1]]
        return {"can": self.can, "scores": scores, "losses": losses, "rows": self.rows.tolist(),
                "updates": self.updates}  # fmt: skip


def can_overfit(
    model: Any, X: Any, y: Any, *, rows: int = FEW, updates: int = 500, seeds: int | Sequence[int] = 3, **fit: Any
) -> FewRows:
    """Train a model on a few rows until it should know them by heart: the first test of any network.

    Penalties, dropout, mixup, class weights and early stopping are left out, as they are there to prevent it; rate,
    optimizer, loss and layers stay. All seeds train as one population. The model stays as it is.

    Args:
        model: A compiled model, or a Plan.
        X, y: Rows and targets, of which some are taken, of as many classes as there are.
        rows: How many.
        updates: How many there are; each sees all of these rows.
        seeds: Their number, or the seeds.
        fit: Arguments of `fit`; `epochs` and `batch_size` have no meaning here.

    Raises:
        InputError: without rows, updates or seeds, or with an argument that cannot be used.

    Source: Karpathy (2019), A recipe for training neural networks, "overfit one batch".

    >>> from jindan.layers import Dense
    >>> X = np.random.default_rng(0).normal(size=(40, 3)); plan = Plan((Dense(1),), loss="mse", learning_rate=0.1)
    >>> bool(can_overfit(plan, X, X.sum(1))), bool(can_overfit(plan, X, np.sign(X[:, 0] * X[:, 1])))
    (True, False)
    """
    several = tuple(range(seeds)) if isinstance(seeds, (int, np.integer)) else tuple(map(int, seeds))
    for name, value in (("rows", rows), ("updates", updates), ("seeds", len(several))):
        if value < 1:
            raise InputError("One is the least there can be.", where=name, expected="at least 1", received=value)
    task = task_of(model, X, y, seed=several[0], **fit)
    kind = judge.task_of(task.plan, task.data.y)
    chosen = mixed(kind, task.data.y, rows)
    plan = by_heart(task.plan, len(chosen), updates).replace(rows=chosen)
    runs = task.train([plan.replace(seed=seed) for seed in several])
    scores = np.full(len(runs), np.nan)
    if kind in judge.TASKS:
        answers = predict_members(runs, task.data.x, [chosen] * len(runs))
        scores = np.array([judge.score(kind, cut_y(task.data.y, chosen), answer) for answer in answers])
    losses = np.full((len(runs), updates), np.nan)
    for own, run in zip(losses, runs, strict=True):
        seen = run.history["loss"][-updates:]
        own[: len(seen)] = seen
    return FewRows(scores, losses, chosen, updates)


def by_heart(plan: Plan, rows: int, updates: int) -> Plan:
    """A plan without all that keeps a network from learning its rows by heart, with all of them in each update."""
    return bare(replace_random(plan)).replace(
        l1=0.0, l2=0.0, mixup=0.0, weight_noise=0.0, batch_size=rows, class_weight=(), epochs=updates
    )


def replace_random(plan: Plan) -> Plan:
    """The plan without layers' randomness: rates of dropout and noise at 0."""
    layers = []
    for layer in plan.layers:
        changes = {name: 0.0 for name in ("rate", "stddev") if layer.random and hasattr(layer, name)}
        layers.append(layer.replace(**changes) if changes else layer)
    return plan.replace(layers=tuple(layers))


def mixed(task: str, y: Any, rows: int) -> np.ndarray:
    """Rows of as many classes as possible, the first of each.

    >>> mixed("multiclass", np.array([0, 0, 0, 1, 2, 2]), 4)
    array([0, 1, 3, 4])
    """
    if task not in ("binary", "multiclass"):
        return np.arange(min(rows, len(y[0] if isinstance(y, tuple) else y)))
    label = judge.labels(task, y)
    order = np.argsort([np.sum(label[:place] == one) for place, one in enumerate(label[:4096])], kind="stable")
    return np.sort(order[:rows])
