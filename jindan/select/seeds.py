"""What seeds alone do to a score, and whether a result is luck."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..data import split_rows
from ..errors import InputError
from .reported import Reported
from .scores import wilson
from .task import Task, task_of
from .validation import Fold, folds_of


@dataclass(frozen=True)
class SeedStudy(Reported):
    """What `seed_study` found.

    Attributes:
        scores: (seeds,) the score of each seed, the mean over folds where there are several; higher is better.
        seeds: Of the members' weights and orders of rows.
        scoring: The score's name.
    """

    study: ClassVar[str] = "seeds"

    scores: np.ndarray
    seeds: tuple[int, ...]
    scoring: str

    @property
    def mean(self) -> float:
        """The mean score."""
        return float(self.scores.mean())

    @property
    def std(self) -> float:
        """The standard deviation that seeds alone bring about."""
        return float(self.scores.std(ddof=1))

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the mean score over seeds, these rows being as they are (Student's t)."""
        from scipy.stats import t

        half = float(t.ppf(0.975, len(self.scores) - 1)) * self.std / len(self.scores) ** 0.5
        return self.mean - half, self.mean + half

    @property
    def range(self) -> tuple[float, float]:
        """Between which 95 % of seeds score."""
        low, high = np.quantile(self.scores, [0.025, 0.975])
        return float(low), float(high)

    def better(self, score: float) -> float:
        """The share of seeds that score better than this."""
        return float((self.scores > score).mean())

    def percentile(self, score: float) -> float:
        """The percentage of seeds that score lower, equals counting half: near 100, a result owes much to its seed."""
        return float(100 * ((self.scores < score).mean() + (self.scores == score).mean() / 2))

    def text(self, lang: str = "en", score: float | None = None) -> str:
        """The spread, and how lucky a score is, in English or Korean."""
        low, high = self.range
        count, ko = len(self.seeds), lang == "ko"
        said = (f"시드 {count}개의 점수는 평균 {self.mean:.4g}, 표준편차 {self.std:.2g}이며 95%가 {low:.4g} … "
                f"{high:.4g}에 있습니다." if ko else
                f"Over {count} seeds the score is {self.mean:.4g} on average, ± {self.std:.2g} by seed alone; 95 % lie "
                f"in {low:.4g} … {high:.4g}.")  # fmt: skip
        if score is None:
            return said
        above = int((self.scores > score).sum())
        a, b = wilson(above, count)
        if ko:
            return f"{said} {score:.4g}보다 높은 시드는 {above / count:.0%}입니다(95% {a:.0%} … {b:.0%})."
        return f"{said} {above / count:.0%} of seeds score better than {score:.4g} (95 % {a:.0%} … {b:.0%})."

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"scores": self.scores.tolist(), "seeds": list(self.seeds), "scoring": self.scoring, "mean": self.mean,
                "std": self.std, "interval": list(self.interval), "range": list(self.range)}  # fmt: skip

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """A histogram of the scores, as a picture (SVG)."""
        from ..report.studies import plot_seeds

        return plot_seeds(self, to_file, lang)

    def __repr__(self) -> str:
        return f"SeedStudy({self.scoring} {self.mean:.4g} ± {self.std:.2g} over {len(self.seeds)} seeds)"


def seed_study(
    model: Any,
    X: Any,
    y: Any,
    *,
    seeds: int | Sequence[int] = 30,
    folds: int | Sequence[Fold] | None = None,
    validation: float = 0.2,
    stratify: bool | str = "auto",
    scoring: Any = None,
    seed: int = 0,
    **fit: Any,
) -> SeedStudy:
    """Train the same plan on the same rows with many seeds, as one population, and score each.

    Args:
        model: A compiled model, which stays as it is, or a Plan.
        X, y: Rows and targets.
        seeds: Their number, or the seeds.
        folds: As in `cross_validate`: a seed's score is then the mean over folds. None holds one share out.
        validation: That share.
        stratify, scoring: As in `cross_validate`.
        seed: Of the split, and of the first member.
        fit: Arguments of `fit`; `validation_data` are watched, the score is of the rows held out.

    Raises:
        InputError: with fewer than 2 seeds, or an argument that cannot be used.

    >>> from jindan.layers import Dense
    >>> from jindan.plan import Plan
    >>> X = np.random.default_rng(0).normal(size=(40, 2)); plan = Plan((Dense(1),), loss="mse", epochs=2)
    >>> found = seed_study(plan, X, X.sum(1), seeds=4)
    >>> found.scores.shape, found.percentile(found.scores.max() + 1)
    ((4,), 100.0)
    """
    several = tuple(range(seed, seed + seeds)) if isinstance(seeds, (int, np.integer)) else tuple(map(int, seeds))
    if len(several) < 2:
        raise InputError("A spread needs several seeds.", where="seeds", expected="at least 2", received=seeds)
    task = task_of(model, X, y, scoring=scoring, seed=seed, **fit)
    pairs = held_out(task, validation, stratify, seed) if folds is None else folds_of(task, folds, stratify=stratify,
                                                                                      seed=seed)  # fmt: skip
    members = [(member, rows, held) for member in several for rows, held in pairs]
    runs = task.train([task.on(task.plan.replace(seed=m), rows) for m, rows, _ in members])
    scores = task.score(runs, [held for _, _, held in members]).reshape(len(several), len(pairs)).mean(1)
    return SeedStudy(scores, several, task.scoring.name)


def held_out(task: Task, share: float, stratify: bool | str, seed: int) -> list[Fold]:
    """One pair of row numbers (training, validation)."""
    if not 0 < share < 1:
        raise InputError("This is no share of the rows.", where="validation", expected="between 0 and 1",
                         received=share)  # fmt: skip
    classes = task.classes if stratify in (True, "auto") else None
    parts = split_rows(len(task), validation=share, test=0.0, seed=seed, stratify=classes)
    return [(parts.train, parts.validation)]
