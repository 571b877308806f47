"""search: hyper-parameters tried as one population of trials × folds, by hand, grid, chance, Bayes or halving."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from ..errors import FileError, InputError
from ..models import Model
from ..plan import Plan
from .reported import Reported
from .samplers import Row, carry_out, plain_values, sampler_of
from .spaces import Space, edited
from .task import Task, task_of
from .trials import Evaluation, final_plan, parts
from .validation import interval_of, refitted


@dataclass(frozen=True)
class Search(Reported):
    """What `search` found.

    Attributes:
        table: A dict a trial: "trial" (its number), "values" by path, "score" (mean over folds; None where it is not
            finite), "scores" by fold, "low" and "high" (95 % interval of the mean), "epochs" by fold, "state"
            ("complete", "stopped" by halving or "failed"), "curve" (pairs of epoch and loss) and "of" (a mark of the
            rows, folds, plan and scoring, by which `resume` knows its own).
        scoring, method: Their names.
        space: What varied; None for trials by hand.
        task: The plan that trials are edits of, and the rows.
        nested_scores: Of nested cross-validation: the score on each outer fold of the best plan found without it.
        nested_interval: The 95 % interval of their mean.
    """

    study: ClassVar[str] = "search"

    table: list[Row]
    scoring: str
    method: str
    space: Space | None
    task: Task
    nested_scores: tuple[float, ...] | None = None
    nested_interval: tuple[float, float] | None = None

    @property
    def best(self) -> Row:
        """The row of the best trial: of those that halving did not stop, the highest score.

        Raises:
            InputError: when no trial has a score.
        """
        return best_of(self.table)

    @property
    def best_score(self) -> float:
        """The highest mean score. It flatters, as the best of many does: `nested` tells what to expect."""
        return float(self.best["score"])

    @property
    def best_values(self) -> dict[str, Any]:
        """Path → value."""
        return dict(self.best["values"])

    @property
    def best_plan(self) -> Plan:
        """The plan with the best values."""
        return edited(self.task.plan, self.best_values)

    @cached_property
    def best_model(self) -> Any:
        """The best plan's model, trained on all rows when first asked for; where early stopping watched rows of the
        folds, for as many epochs as were best in them."""
        (run,) = self.task.train([_final(self.task, self.best_plan, self.best["epochs"], None)])
        return Model.from_run(run)

    @property
    def nested_mean(self) -> float | None:
        """What the whole procedure scores on rows that it has not seen."""
        return None if self.nested_scores is None else float(np.mean(self.nested_scores))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        best = self.best
        nested = None
        if self.nested_scores is not None and self.nested_interval is not None:
            low, high = (None if math.isnan(bound) else bound for bound in self.nested_interval)
            nested = {"scores": list(self.nested_scores), "mean": self.nested_mean, "low": low, "high": high}
        return {
            "method": self.method, "scoring": self.scoring, "space": self.space and self.space.to_dict(),
            "best": plain_row(best), "trials": [plain_row(row) for row in self.table], "nested": nested,
        }  # fmt: skip

    def plot(self, kind: str = "parallel", to_file: Any = None, lang: str = "en") -> Any:
        """A picture (SVG): "parallel" coordinates, "importance" of the settings, or learning "curves".

        Raises:
            UnknownNameError: for another kind.
        """
        from ..report.plots_search import plot_search

        return plot_search(self.table, self.scoring, kind, to_file, lang)

    def __repr__(self) -> str:
        best = self.best
        found = f"best {self.scoring} {best['score']:.4g}: {best['values']}"
        return f"Search({self.method}, {len(self.table)} trials, {found})"


def search(
    model: Any,
    X: Any,
    y: Any,
    space: Any,
    method: str = "random",
    trials: int = 64,
    *,
    folds: Any = 5,
    validation: float | None = None,
    batch: int = 8,
    scoring: Any = None,
    seed: int = 0,
    nested: int | None = None,
    preprocessing: Any = None,
    resume: Any = None,
    listen: Callable[[list[Row]], Any] | None = None,
    **fit: Any,
) -> Search:
    """Find the settings that score best on rows not trained on (Bergstra & Bengio 2012).

    Early stopping and plateaus watch the rows a trial is scored on, so that the epochs are chosen with the rest; what
    is chosen flatters itself, and `nested` tells what to expect of it. Where `validation_data` or `validation_split`
    give other rows, those are watched, by halving's rungs too; scores are of the folds all the same.

    Args:
        model: A compiled model, which stays as it is, or a Plan.
        X, y: Rows and targets, as `fit` takes them.
        space: Path of the plan → a list of values, (low, high), or a range of `jindan.select` (Uniform, LogUniform,
            Integers, Choice); for "manual" a list of dicts of edits.
        method: "manual" tries the edits listed, "grid" every combination, "random" draws by chance, "bayes" draws where
            good trials were (needs Optuna), "halving" draws by chance and stops the worse two thirds at each rung.
        trials: How many; a grid has as many as it has combinations.
        folds: Their number, or pairs of row numbers (training, validation); None or 1 for one validation share.
        validation: That share of the rows, a fifth unless given.
        batch: Trials that "bayes" asks for together.
        scoring: See `jindan.select.scoring_of`.
        seed: Of draws, folds, weights and orders of rows: the same one gives the same result.
        nested: Outer folds; the search is repeated within each outer training part, its best plan scored on the rest.
        preprocessing: As for `cross_validate`; `best_model` takes rows as one fitted on all rows makes them.
        resume: Rows of an earlier call ended early (its table, or the path of their JSON lines), not trained again.
        listen: Told the rows of trials as they are finished, by halving all together; those of the searches within
            outer folds have an "outer" number. Returning True ends the search.
        fit: Arguments of `fit`: epochs, batch_size, callbacks, …

    Raises:
        UnknownNameError: for a path, method or score of no such name.
        InputError: when space, rows and model do not fit one another.

    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> X = np.random.default_rng(0).normal(size=(60, 2)); y = (X.sum(1) > 0).astype(float)
    >>> model = Sequential([Dense(1, activation="sigmoid")])
    >>> model.compile("adam", "binary_crossentropy")
    >>> found = search(model, X, y, {"learning_rate": [1e-5, 0.1]}, "grid", folds=3, epochs=20)
    >>> found.best_values, len(found.table)
    ({'learning_rate': 0.1}, 2)
    """
    task = task_of(model, X, y, scoring=scoring, seed=seed, **fit)
    return search_task(task, space, method, trials, folds=folds, validation=validation, batch=batch, seed=seed,
                       nested=nested, preprocessing=preprocessing, resume=resume, listen=listen)  # fmt: skip


def search_task(
    task: Task, space: Any, method: str = "random", trials: int = 64, *, folds: Any = 5,
    validation: float | None = None, batch: int = 8, seed: int = 0, nested: int | None = None,
    preprocessing: Any = None, resume: Any = None, listen: Any = None,
) -> Search:  # fmt: skip
    """`search` for a task that is ready."""
    sampler, made = sampler_of(method, space, task.plan, trials, batch, seed)
    pairs = parts(task, None, folds, validation, seed)
    outer = None if nested is None else parts(task, None, nested, None, seed)
    if nested is not None and not isinstance(folds, (int, np.integer, type(None))):
        raise InputError("Nested folds are drawn anew.", where="folds", expected="a number", received="row numbers")
    method, known = "manual" if made is None else method, rows_done(resume)

    def tried(sampler: Any, pairs: Any, outer: int | None = None) -> list[Row]:
        done = [row for row in known if row.get("outer") == outer]
        told = listen if outer is None or listen is None else lambda rows: listen([{**r, "outer": outer} for r in rows])
        evaluation = Evaluation(*refitted(task, pairs, preprocessing), seed, method, done)
        return carry_out(sampler, evaluation, done=done, listen=told)

    table = tried(sampler, pairs)
    every = np.arange(len(task))
    whole, _ = refitted(task, [(every, every)], preprocessing)
    found = Search(table, task.scoring.name, method, made, whole)
    if outer is None:
        return found
    apart, placed = refitted(task, outer, preprocessing)
    finalists = []
    for number, (train, _) in enumerate(outer):
        # The same sampler anew: what the outer rows taught must not be known.
        again, _ = sampler_of(method, space, task.plan, trials, batch, seed)
        best = best_of(tried(again, parts(task, train, folds, validation, seed), number))
        chosen = edited(task.plan, best["values"]).replace(seed=seed)
        finalists.append(_final(apart, chosen, best["epochs"], placed[number][0]))
    scores = apart.score(apart.train(finalists), [test for _, test in placed])
    ratio = float(np.mean([len(test) / len(train) for train, test in outer]))
    interval = interval_of(scores, ratio, task.scoring.name)
    return Search(table, task.scoring.name, method, made, whole, tuple(scores.tolist()), interval)


def _final(task: Task, plan: Plan, epochs: Sequence[int], rows: Any) -> Plan:
    """The chosen plan on some rows or all, watched as the task's validation rows allow."""
    return final_plan(plan, epochs, rows) if task.data.validation is None else task.beside(plan, rows)


def best_of(table: Sequence[Row]) -> Row:
    """The row of the highest score; one that halving stopped only where there is no other.

    Raises:
        InputError: when none has a score.
    """
    known = [row for row in table if row["score"] is not None]
    if not known:
        raise InputError(
            "No trial has a finite score.", where="search", expected="at least one", received=f"{len(table)} trials",
            help="Search among smaller learning rates, or ask `jindan.diagnose` what is wrong.",
        )  # fmt: skip
    return max(known, key=lambda row: (row["state"] == "complete", row["score"]))


def plain_row(row: Row) -> Row:
    """A row of the table as JSON can hold it."""
    return {**row, "values": plain_values(row["values"])}


def rows_done(given: Any) -> list[Row]:
    """Rows of an earlier search: a table, a Search, or a file of a JSON object a line (an unfinished last one is left).

    Raises:
        FileError: when the file cannot be read.
    """
    if given is None:
        return []
    if isinstance(given, Search):
        return given.table
    if not isinstance(given, (str, Path)):
        return list(given)
    try:
        lines = Path(given).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            "The trials done before cannot be read.", where=given, expected="a file trials.jsonl",
            received=getattr(error, "strerror", None) or "binary data", help="Begin anew without resume.",
        ) from None  # fmt: skip
    found = []
    for number, line in enumerate(lines):
        try:
            row = json.loads(line)
            if not isinstance(row, Mapping) or not {"trial", "values", "score", "epochs", "state"} <= set(row):
                raise ValueError("no row of a search")
        except ValueError:
            if number == len(lines) - 1:
                break  # cut off while it was written
            raise FileError(
                "The trials done before are damaged.", where=f"{given}, line {number + 1}",
                expected="a JSON object a line", received=line[:60], help="Begin anew in another folder.",
            ) from None  # fmt: skip
        found.append(dict(row))
    return found
