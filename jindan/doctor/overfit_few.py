"""Can it overfit? A sound network learns a few rows by heart; one that cannot is too small, held down or cut off."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..engine.members import predict_members
from ..errors import InputError
from ..layers import (
    ActivityRegularization,
    Identity,
    KLSparsity,
    RandomBrightness,
    RandomContrast,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from ..layers.base import Layer
from ..plan import Plan
from ..select.task import cut_y, task_of
from . import judge
from .learning_runs import bare

FEW = 8
RATES = ("rate", "stddev", "dropout", "recurrent_dropout")
AUGMENTATION = (RandomBrightness, RandomContrast, RandomFlip, RandomRotation, RandomTranslation, RandomZoom)
BY_HEART = 0.99  # accuracy, or R²
NEARLY_NONE = 0.01  # of the first loss, where the task has no score


WHY = {
    "data": (
        "The first loss is no number already: look for NaN or infinity in the rows.",
        "첫 손실부터 수가 아닙니다. 데이터에 NaN이나 무한대가 있는지 보세요.",
    ),
    "fast": (
        "The loss left the numbers: its rate is too high.",
        "손실이 수의 범위를 벗어났습니다. 학습률이 너무 높습니다.",
    ),
    "slow": (
        "The network is too small, its rate too low for targets that large, or its gradient cut off somewhere.",
        "신경망이 너무 작거나, 타깃 크기에 비해 학습률이 너무 낮거나, 기울기가 어딘가에서 끊깁니다.",
    ),
}


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
            return (f"시드 {seeds}개 중 {knows}개가 {many}행을 {self.updates}번 갱신해 외웠습니다"
                    f"(손실 {first:.3g} → {last:.3g}).{self._why(lang)}")  # fmt: skip
        rows = f"{many} row{'s' * (many > 1)}"
        return (f"{knows} of {seeds} seeds learned {rows} by heart in {self.updates} updates (loss {first:.3g} → "
                f"{last:.3g}).{self._why(lang)}")  # fmt: skip

    def _why(self, lang: str) -> str:
        """What may keep it from that."""
        if self.can:
            return ""
        finite = np.isfinite(self.losses)
        kind = "data" if not finite[:, 0].any() else "slow" if finite[:, -1].all() else "fast"
        return " " + WHY[kind][lang == "ko"]

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
    >>> X = np.random.default_rng(0).normal(size=(40, 3)); plan = Plan((Dense(1),), loss="mse", optimizer="adam")
    >>> plan = plan.edit(learning_rate=0.1)
    >>> bool(can_overfit(plan, X, X.sum(1))), bool(can_overfit(plan, X, np.sign(X[:, 0] * X[:, 1]), rows=40))
    (True, False)
    """
    several = tuple(range(seeds)) if isinstance(seeds, (int, np.integer)) else tuple(seeds)
    if not all(isinstance(seed, (int, np.integer)) and seed >= 0 for seed in several):
        raise InputError("Seeds are whole numbers.", where="seeds", expected="their number, or numbers >= 0",
                         received=repr(seeds))  # fmt: skip
    for name, value in (("rows", rows), ("updates", updates), ("seeds", len(several))):
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
            raise InputError("One is the least there can be.", where=name, expected="a whole number >= 1",
                             received=repr(value))  # fmt: skip
    task = task_of(model, X, y, seed=int(several[0]), **fit)
    kind = judge.task_of(task.plan, task.data.y)
    chosen = mixed(kind, task.data.y, rows)
    plan = by_heart(task.plan, len(chosen), updates).replace(rows=chosen)
    runs = task.train([plan.replace(seed=int(seed)) for seed in several])
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
    plan = bare(plan.replace(layers=tuple(_free(_quiet(layer)) for layer in plan.layers)))
    if getattr(plan.optimizer, "weight_decay", None):
        plan = plan.replace(optimizer=plan.optimizer.replace(weight_decay=0.0))
    return plan.replace(l1=0.0, l2=0.0, mixup=0.0, weight_noise=0.0, batch_size=rows, class_weight=(), epochs=updates)


def replace_random(plan: Plan) -> Plan:
    """The plan without layers' randomness: rates of dropout and noise at 0, no augmentation."""
    return plan.replace(layers=tuple(map(_quiet, plan.layers)))


def _quiet(layer: Layer) -> Layer:
    if isinstance(layer, AUGMENTATION):
        return Identity(name=layer.name)
    rates = {name: 0.0 for name in RATES if layer.random and getattr(layer, name, None)}
    return _inside(layer, _quiet, rates)


def _free(layer: Layer) -> Layer:
    """A layer without penalties on its weights and outputs."""
    if isinstance(layer, (ActivityRegularization, KLSparsity)):
        return Identity(name=layer.name)
    names = [field.name for field in fields(layer) if field.name.endswith("_regularizer")]  # type: ignore[arg-type]
    return _inside(layer, _free, {name: None for name in names if getattr(layer, name) is not None})


def _inside(layer: Layer, change: Callable[[Layer], Layer], more: dict[str, Any]) -> Layer:
    """A layer with changes, and those of the layers that it holds."""
    for each in fields(layer):  # type: ignore[arg-type]
        value = getattr(layer, each.name)
        if isinstance(value, Layer):
            more[each.name] = change(value)
        elif isinstance(value, tuple) and value and all(isinstance(part, Layer) for part in value):
            more[each.name] = tuple(map(change, value))
    return layer.replace(**more) if more else layer


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
