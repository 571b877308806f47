"""Cross-validation of a table: preprocessing fitted anew in each fold, all members one population, baselines beside."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..engine.data import Data
from ..engine.members import predict_members
from ..engine.run import Run
from ..engine.train import train
from ..plan import Plan
from ..report.names import falls
from ..select import Score, primary, score_classes, score_numbers
from ..select.task import with_rows
from ..select.validation import Comparison, interval_of, student
from .build import targets_for
from .folding import FoldedTable, folded, plan_for
from .members import Repeats, mean_of, members_of
from .prepare import Prepared
from .probabilities import probabilities
from .simple import simple_on


@dataclass(frozen=True)
class TableFolds:
    """What `fold_table` found.

    Attributes:
        metric: The figure folds are judged by: accuracy, R², or the mean absolute error where R² has no meaning.
        figures: Figure → (seeds, folds), on each fold's held-out rows.
        pooled: Figure → Score of all rows together, each predicted by the network that had not seen it (first seed).
        pairs: (training, held-out) row numbers of each fold.
        seeds: Of the members.
        baselines: Simple model → figure → (folds,), on the same rows and features.
        ensemble: Members that predict together in each fold.
        rare: (class, its rows) of classes with fewer rows than folds.
        runs: The members: seed after seed, fold after fold.
        groups: What the intervals of `pooled` are over: the groups' column and count; None where rows are.
    """

    metric: str
    figures: dict[str, np.ndarray]
    pooled: dict[str, Score]
    pairs: tuple[tuple[np.ndarray, np.ndarray], ...]
    seeds: tuple[int, ...]
    baselines: dict[str, dict[str, np.ndarray]]
    ensemble: int
    rare: tuple[tuple[str, int], ...]
    runs: tuple[Run, ...]
    groups: dict[str, Any] | None = None

    @property
    def scores(self) -> np.ndarray:
        """(seeds, folds) of the metric."""
        return self.figures[self.metric]

    @property
    def scoring(self) -> str:
        """The metric, under the name `jindan.select.validation.CrossValidation` has for it."""
        return self.metric

    @property
    def mean(self) -> float:
        """The mean of the metric."""
        return float(self.scores.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Its 95 % interval, corrected for folds that share training rows (Nadeau & Bengio 2003)."""
        return interval_of(self.scores.mean(0), self._ratio, self.metric)

    @cached_property
    def best_baseline(self) -> str | None:
        """The simple model with the best mean of the metric."""
        means = {name: float(found[self.metric].mean()) for name, found in self.baselines.items()
                 if self.metric in found}  # fmt: skip
        means = {name: value for name, value in means.items() if math.isfinite(value)}
        return (min if falls(self.metric) else max)(means, key=means.__getitem__) if means else None

    @property
    def comparison(self) -> Comparison | None:
        """The network less the best simple model, over the same folds; None without one, or without figures."""
        if self.best_baseline is None:
            return None
        from scipy.stats import t

        gaps = self.scores.mean(0) - self.baselines[self.best_baseline][self.metric]
        if not np.isfinite(gaps).all():
            return None
        mean, half, statistic, freedom = student(gaps, self._ratio)
        p = math.nan if math.isnan(statistic) else float(2 * t.sf(abs(statistic), freedom))
        return Comparison(mean, (mean - half, mean + half), statistic, freedom, 1.0 if math.isnan(p) else p)

    @property
    def verdict(self) -> str:
        """The network beside the best simple model: "better", "same", "worse", or "unknown" without either."""
        found = self.comparison
        if found is None:
            return "unknown"
        if not found.real:
            return "same"
        return "better" if (found.difference > 0) != falls(self.metric) else "worse"

    @property
    def _ratio(self) -> float:
        return float(np.mean([len(held) / len(rows) for rows, held in self.pairs]))

    def _score(self, values: np.ndarray, highest: float = math.inf) -> Score:
        by_fold = np.atleast_2d(values).mean(0)
        if by_fold.std() == 0:
            # Equal figures in all folds are no proof of an exact one.
            return Score(float(by_fold.mean()))
        low, high = interval_of(by_fold, self._ratio, self.metric)
        return Score(float(by_fold.mean()), low, min(high, highest))

    def _highest(self, baseline: str) -> float:
        """The best a simple model can get: of one number for all rows, no R² above 0."""
        return 0.0 if (baseline, self.metric) == ("mean", "r2") else math.inf

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        beside, best = self.comparison, self.best_baseline
        return {
            "folds": len(self.pairs), "rows": [len(held) for _, held in self.pairs], "seeds": list(self.seeds),
            "ensemble": self.ensemble, "watched": any(run.plan.validation_rows is not None for run in self.runs),
            "metric": self.metric, "scores": self.scores.tolist(),
            "mean": self._score(self.scores).to_dict(),
            "figures": {name: values.tolist() for name, values in self.figures.items()},
            "pooled": {name: score.to_dict() for name, score in self.pooled.items()},
            "baselines": [
                {"name": name, "scores": found[self.metric].tolist(),
                 "mean": self._score(found[self.metric], self._highest(name)).to_dict()}
                for name, found in self.baselines.items() if self.metric in found
            ],
            **({"groups": self.groups} if self.groups else {}),
            "best_baseline": best, "verdict": self.verdict, "rare": [list(pair) for pair in self.rare],
            "comparison": None if beside is None else {
                "difference": beside.difference, "low": beside.interval[0], "high": beside.interval[1],
                "p": beside.p, "real": beside.real,
            },
        }  # fmt: skip

    def plot(self, to_file: Any = None) -> Any:
        """The metric by fold, a dot a seed, with its mean and interval, as a picture (SVG)."""
        from ..report.studies import plot_folds

        return plot_folds(self, to_file)

    def __repr__(self) -> str:
        low, high = self.interval
        return f"TableFolds({self.metric} {self.mean:.4g}, 95% {low:.4g} … {high:.4g}, {len(self.pairs)} folds)"


def fold_table(
    prepared: Prepared,
    plan: Plan,
    folds: int | FoldedTable = 5,
    seeds: int = 1,
    *,
    ensemble: int = 1,
    seed: int = 0,
    listen: Any = None,
) -> TableFolds:
    """Train the plan on each fold's training rows, seeds × folds as one population, and judge it on the others.

    All labelled rows of the table take part, whatever its own split; groups stay together, and rows in order of time
    are judged after training on those before them. What a plan watches (early stopping) are 15 % of
    the fold's *training* rows: watching the held-out rows would make the score of the best epoch on them slightly too
    good. A plan that watches nothing trains on all training rows of the fold. Preprocessing, the scale of the target
    and the simple models are fitted on all training rows of the fold and on no others.

    Args:
        prepared: The table.
        plan: What is trained; its rows do not matter.
        folds: Their number, or what `folded` made of it.
        seeds: Trainings a fold.
        ensemble: Members of each, on bootstraps, whose mean is judged.
        seed: Of the folds and of the first member.
        listen: Told of progress; returning True ends it.

    Raises:
        InputError: when the table has fewer rows than folds.
        KeyboardInterrupt: when `listen` ended it.
    """
    parts = folds if isinstance(folds, FoldedTable) else folded(prepared, folds, seed)
    Repeats(seeds, ensemble)  # refuses what is no number of trainings
    plan = plan_for(plan, prepared, parts)
    data = Data.of(parts.x, targets_for(plan, prepared.task.kind, parts.encoded, prepared.classes))
    plans, held_out = [], []
    for member in range(seed, seed + seeds):
        for number, (rows, held) in enumerate(parts.pairs):
            own, watched = prepared.ties.apart(plan, rows, prepared.truth if prepared.classes else None, member)
            shift = number * parts.rows
            watched = None if watched is None else watched + shift
            made = with_rows(plan, own + shift, watched)
            plans += members_of(made, own + shift, member, ensemble, watched)
            held_out += [held + shift] * ensemble
    runs = train(plans, data, listen=listen)
    if any(run.interrupted for run in runs):
        raise KeyboardInterrupt
    found = predict_members(runs, parts.x, held_out)
    outputs = [mean_of(np.stack(found[k : k + ensemble])) for k in range(0, len(found), ensemble)]
    judged = [_judged(plan, prepared, parts, k % len(parts.pairs), o) for k, o in enumerate(outputs)]
    scores = [_scores(prepared, *pair) for pair in judged]
    names = [name for name in scores[0] if all(name in s for s in scores)]
    shape = (seeds, len(parts.pairs))
    figures = {name: np.array([s[name].value for s in scores]).reshape(shape) for name in names}
    first = judged[: len(parts.pairs)]
    rows = np.concatenate([held for _, held in parts.pairs])
    truth, guess = (np.concatenate(side) for side in zip(*first, strict=True))
    pooled = _scores(prepared, truth, guess, prepared.ties.of(rows))
    usual = primary(prepared.task.kind)
    # A fold of one row has no R². One where the network broke down has no figure at all.
    metric = "mae" if not prepared.classes and min(len(held) for _, held in parts.pairs) < 2 else usual
    return TableFolds(
        metric, figures, pooled, parts.pairs, tuple(range(seed, seed + seeds)), _simple(prepared, parts, listen),
        ensemble, parts.rare, tuple(runs), prepared.ties.basis(rows),
    )  # fmt: skip


def _judged(
    plan: Plan, prepared: Prepared, parts: FoldedTable, number: int, outputs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Truth of a fold's held-out rows, and probabilities or values in the target's units."""
    truth = prepared.truth[parts.pairs[number][1]]
    if prepared.classes:
        return truth, probabilities(plan, outputs, prepared.classes)
    return truth, np.asarray(parts.encoders[number].decode(outputs[:, 0]))


def _scores(prepared: Prepared, truth: np.ndarray, guess: np.ndarray, groups: Any = None) -> dict[str, Score]:
    return (score_classes if prepared.classes else score_numbers)(truth, guess, groups=groups)


def _simple(prepared: Prepared, parts: FoldedTable, listen: Any) -> dict[str, dict[str, np.ndarray]]:
    """The simple models on the same folds; one that some fold could not train is left out."""
    by_fold: list[dict[str, dict[str, float]]] = []
    for number, (rows, held) in enumerate(parts.pairs):
        if getattr(listen, "cancelled", False):
            raise KeyboardInterrupt
        found = simple_on(prepared, parts.inputs, parts.block(number), rows, held)
        by_fold.append({b.name: {name: score.value for name, score in b.scores.items()} for b in found})
    return {name: _gathered([fold[name] for fold in by_fold]) for name in by_fold[0] if all(name in f for f in by_fold)}


def _gathered(folds: Sequence[dict[str, float]]) -> dict[str, np.ndarray]:
    return {name: np.array([f[name] for f in folds]) for name in folds[0] if all(name in f for f in folds)}
