"""Samplers: which trials come next, listed beforehand or proposed from the scores so far; and carrying them out."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ..engine.pace import interrupts
from ..errors import InputError, UnknownNameError
from .spaces import Choice, Integers, LogUniform, Space, Uniform, edited, plain

METHODS = ("manual", "grid", "random", "bayes", "halving")
GOOD = 10  # one in so many trials told counts as good for Optuna's sampler (at least; never more than 25 in all)
Row = dict[str, Any]


@dataclass(frozen=True)
class Trial:
    """Values to try.

    Attributes:
        number: From 0.
        values: Path → value.
    """

    number: int
    values: dict[str, Any]


class Sampler(Protocol):
    """Asked for trials until it has none, and told their scores."""

    def ask(self) -> list[Trial]:
        """The next trials; [] when there are no more."""

    def tell(self, rows: Sequence[Row]) -> None:
        """The rows of the trials asked for last, in their order."""


class Listed:
    """Trials known beforehand, asked for all at once.

    >>> sampler = Listed([{"l2": 0.1}])
    >>> sampler.ask(), sampler.ask()
    ([Trial(number=0, values={'l2': 0.1})], [])
    """

    def __init__(self, values: Sequence[Mapping[str, Any]]) -> None:
        self._left = [Trial(number, dict(found)) for number, found in enumerate(values)]

    def ask(self) -> list[Trial]:
        left, self._left = self._left, []
        return left

    def tell(self, rows: Sequence[Row]) -> None:
        return None


class Bayes:
    """Proposals where good trials are dense and bad ones are not: tree-structured Parzen estimators (Bergstra et al.
    2011), by Optuna; trials asked for together count as bad ones meanwhile, so that they differ (constant liar). Those
    without a finite score count as the worst, so that it keeps away from where training fails.

    Args:
        space: What varies.
        trials: How many in all.
        batch: How many are asked for together.
        seed: The same seed and scores give the same trials.

    Raises:
        InputError: when Optuna is not installed.
    """

    def __init__(self, space: Space, trials: int, batch: int, seed: int) -> None:
        optuna = _optuna()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        # What is drawn by chance at first is a fifth of the trials, so that few are not all chance.
        with _quiet():
            # `multivariate` is the default since Optuna 5; earlier ones without it fall behind.
            sampler = optuna.samplers.TPESampler(
                n_startup_trials=max(2, min(10, trials // 5)), multivariate=True, constant_liar=True, seed=seed
            )
        self._study = optuna.create_study(direction="maximize", sampler=sampler)
        self._worst = optuna.trial.TrialState.PRUNED
        self._spread = {path: _distribution(optuna, parameter) for path, parameter in space.parameters.items()}
        self._space, self._trials, self._batch, self._next = space, trials, batch, 0
        self._asked: list[Any] = []
        self._failed: list[Any] = []  # not told yet
        self._known = self._told_failed = 0

    def ask(self) -> list[Trial]:
        count = min(self._batch, self._trials - self._next)
        with _quiet():
            self._asked = [self._study.ask(self._spread) for _ in range(count)]
        found = [Trial(self._next + k, self._values(asked.params)) for k, asked in enumerate(self._asked)]
        self._next += count
        return found

    def tell(self, rows: Sequence[Row]) -> None:
        with _quiet():
            for asked, row in zip(self._asked, rows, strict=True):
                known = row["score"] is not None and math.isfinite(row["score"])
                if known:
                    self._study.tell(asked, row["score"])
                    self._known += 1
                else:
                    self._failed.append(asked)
            # The best tenth of what it was told counts as good: no failed trial may be among them. (Optuna leaves out a
            # trial in state FAIL altogether and goes there again; one not told yet counts as bad, as by the liar.)
            while self._failed and self._told_failed < (GOOD - 1) * self._known:
                self._study.tell(self._failed.pop(0), state=self._worst)
                self._told_failed += 1

    def _values(self, found: Mapping[str, Any]) -> dict[str, Any]:
        parameters = self._space.parameters
        return {path: parameter.options[found[path]] if isinstance(parameter, Choice) else found[path]
                for path, parameter in parameters.items()}  # fmt: skip


def sampler_of(method: str, space: Any, plan: Any, trials: int, batch: int, seed: int) -> tuple[Sampler, Any]:
    """The sampler of a method, and the space (None for trials listed by hand).

    Raises:
        UnknownNameError: for another method, or a path that the plan has not.
        InputError: for a space the method cannot use.
    """
    if method not in METHODS:
        raise UnknownNameError("method of search", method, METHODS, where="method")
    for name, count in (("trials", trials), ("batch", batch)):
        if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 1:
            raise InputError(f"{name} is a whole number.", where=name, expected="at least 1", received=repr(count))
    listed = isinstance(space, Sequence) and not isinstance(space, str)
    if listed != (method == "manual") and not (listed and method == "random"):
        raise InputError(
            f'The method "{method}" does not go with this space.', where="space",
            expected="a list of edits" if method == "manual" else "{path of the plan: values}",
            received=type(space).__name__,
            help='method="manual" tries edits one by one, such as [{"learning_rate": 0.1}, {"l2": 0.01}]; the others '
            "search among values by path.",
        )  # fmt: skip
    if listed:
        return Listed(_by_hand(space, plan)), None
    made = Space.of(space, plan)
    if method == "bayes":
        return Bayes(made, trials, batch, seed), made
    if method == "grid":
        return Listed(made.products(trials)), made
    rng = np.random.default_rng(seed)
    return Listed([made.draw(rng) for _ in range(trials)]), made


def carry_out(
    sampler: Sampler,
    evaluate: Callable[[list[Trial]], Iterator[list[Row]]],
    *,
    done: Sequence[Row] = (),
    listen: Callable[[list[Row]], Any] | None = None,
) -> list[Row]:
    """Ask, evaluate, tell, until there are no more trials.

    Args:
        sampler: Where trials come from.
        evaluate: Trials → pieces of their rows ("trial", "values", "score", …), as they are finished.
        done: Rows of an earlier search of the same kind, which are not evaluated again.
        listen: Told the rows of each piece; returning True ends the search there.

    Returns:
        The rows by trial number.

    Raises:
        InputError: when rows done before are those of another search.
        KeyboardInterrupt: after a Ctrl-C, once `listen` was told of what is finished.

    >>> def evaluate(trials):
    ...     yield [{"trial": t.number, "values": t.values, "score": t.values["x"]} for t in trials]
    >>> rows = carry_out(Listed([{"x": 1.0}, {"x": 2.0}]), evaluate)
    >>> [row["score"] for row in rows]
    [1.0, 2.0]
    """
    before = {row["trial"]: row for row in done}
    rows: dict[int, Row] = {}
    with interrupts() as interrupted:
        while asked := sampler.ask():
            for trial in asked:
                if trial.number in before:
                    rows[trial.number] = {**_same(before[trial.number], trial), "values": trial.values}
            left = [trial for trial in asked if trial.number not in rows]
            for piece in evaluate(left) if left else ():
                rows |= {row["trial"]: row for row in piece}
                if listen is not None and listen(piece):
                    return [rows[number] for number in sorted(rows)]
                if interrupted():
                    # A training so short that it ended in the same moment says nothing of a Ctrl-C.
                    raise KeyboardInterrupt
            sampler.tell([rows[trial.number] for trial in asked])
    return [rows[number] for number in sorted(rows)]


def _by_hand(given: Sequence[Any], plan: Any) -> list[dict[str, Any]]:
    found = []
    for number, changes in enumerate(given):
        if not isinstance(changes, Mapping):
            raise InputError(
                "A trial is a dict of edits.", where=f"space[{number}]", expected='{"learning_rate": 0.1, …}',
                received=repr(changes), help="An empty dict {} tries the plan as it is.",
            )  # fmt: skip
        edited(plan, changes)
        found.append(dict(changes))
    if not found:
        raise InputError("There are no trials.", where="space", expected="at least one dict of edits", received="[]")
    return found


def _same(row: Row, trial: Trial) -> Row:
    if plain_values(row["values"]) != plain_values(trial.values):
        raise InputError(
            "The trials done before are those of another search.", where=f"resume, trial {trial.number}",
            expected=plain_values(trial.values), received=plain_values(row["values"]),
            help="Go on with the same space, method, trials, batch and seed, or begin anew.",
        )  # fmt: skip
    return row


def plain_values(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by path as JSON can hold them."""
    return {path: plain(value) for path, value in values.items()}


def _distribution(optuna: Any, parameter: Any) -> Any:
    kinds = optuna.distributions
    if isinstance(parameter, Uniform):
        return kinds.FloatDistribution(parameter.low, parameter.high)
    if isinstance(parameter, LogUniform):
        return kinds.FloatDistribution(parameter.low, parameter.high, log=True)
    if isinstance(parameter, Integers):
        return kinds.IntDistribution(parameter.low, parameter.high, log=parameter.log)
    # Options go by number: they may be layers.
    return kinds.CategoricalDistribution(tuple(range(len(parameter.options))))


def _optuna() -> Any:
    try:
        import optuna
    except ImportError:
        raise InputError(
            "Bayesian search needs Optuna, which is not installed.", where='method="bayes"',
            expected="the package optuna", received="none", help='pip install "jindan[search]"; or method="random".',
        ) from None  # fmt: skip
    return optuna


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without Optuna's remarks on what is new in it."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
