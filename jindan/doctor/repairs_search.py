"""The search for a repair: single edits and the textbook's training, then building on the best, then leaving out."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from . import repairs_layers as change
from .edits import NOTHING, Edit, joined
from .evidence import Case
from .repairs import catalogue, longer, on, penalised, stopping, textbook
from .repairs_bench import Bench, Trial
from .repairs_splits import Comparison, compared

ROUNDS = 4
PROGRAMS = 2  # compiled for one round of building
KEEP = 0.05  # share of the gain that leaving a change out may cost
LEAST = 0.02  # gains that are too small to tell people of
SURE, ERRORS = 0.9, 2.0  # what counts as proved: share of pairs that are better, standard errors from nothing
TOP = 0.999
LENGTHS = ("early stopping", "epochs enough", "epochs × 3")
SHARES = (0.45, 0.6, 0.65)  # of the time: when first trials, building and leaving out end


class Search:
    """One search on one bench.

    Args:
        case: The training.
        suspects: Codes of the findings, the likeliest first.
        seeds: Of the paired runs.
        seconds: About how long it may take.
        measure: As for a Bench.
    """

    def __init__(self, case: Case, suspects: Sequence[str], seeds: Sequence[int], seconds: float,
                 measure: str | None = None) -> None:  # fmt: skip
        self.began = time.monotonic()
        self.case, self.suspects, self.budget = case, list(dict.fromkeys(suspects)), seconds
        self.seeds, self.measure = seeds, measure
        self.bench = Bench(case, seeds, measure, 0, self.began + seconds)
        self.each = max(0.3, seconds / 20)
        self.known = catalogue(case)
        self.told = sorted(
            (e for e in self.known if e.code in self.suspects), key=lambda e: self.suspects.index(e.code)
        )
        self.best, self.trial = NOTHING, Trial(np.zeros(0), failed="not run")
        self.tried: dict[str, tuple[Edit, Trial]] = {}

    def spent(self) -> float:
        """The share of the time that is gone."""
        return (time.monotonic() - self.began) / self.budget

    def candidates(self) -> list[Edit]:
        """Edits worth proving, the one with fewest changes first."""
        base = self._run([NOTHING])[0]
        if base.failed:
            return []
        self.base = base
        self._first()
        self._build()
        whole = self.best
        small = self._least()
        # Without what settles the length of training, too: where all rows are trained on, it may not be needed.
        bare = small.without([part.name for part in small.atoms if part.name in LENGTHS])
        found = {edit.name: edit for edit in (bare, small, whole) if edit is not NOTHING}
        return list(found.values())

    def _run(self, edits: Sequence[Edit], structures: int = 1000, upto: float = 1.0) -> list[Trial]:
        self.bench.deadline = self.began + self.budget * upto
        trials = self.bench.run(edits, each=self.each, structures=structures)
        for edit, trial in zip(edits, trials, strict=True):
            if not trial.failed:
                self.tried[edit.name] = (edit, trial)
        return trials

    def _take_best(self) -> None:
        """The best so far; of equals the one with fewest changes."""
        self.best, self.trial = max(self.tried.values(), key=lambda t: (round(t[1].mean, 6), -len(t[0].atoms)))

    def _first(self) -> None:
        """Rates and scales, which need no program of their own; the textbook's training; then the suspects' edits."""
        book = textbook(self.case)
        same = [e for e in self.known if e.inputs or e.targets or e.name.startswith("rate ")]
        scaled = [e for e in same if e.inputs or e.targets]
        same += [joined(scaled)] if len(scaled) > 1 else []
        books = []
        if book is not NOTHING:
            books = [book, *(book + part for part in self._rates((1 / 3, 3.0)))]
        self._run(books, upto=1.0)
        self._run([*same, *(edit for edit in self.told if edit.name.startswith("initialisers"))], upto=SHARES[0])
        singles = [edit for edit in self.told if edit.name not in self.tried]
        if singles:
            self._run(singles, structures=8, upto=SHARES[0])
        self._take_best()

    def _rates(self, factors: Sequence[float]) -> list[Edit]:
        found = []
        for factor in factors:
            code = "learning-rate-too-low" if factor > 1 else "learning-rate-too-high"
            name = f"rate × {factor:g}" if factor > 1 else f"rate ÷ {1 / factor:g}"
            found.append(Edit(code, name, {}, on(change.rate, factor)))
        return found

    def _build(self) -> None:
        """Up to four rounds: the edit that helps the best most is added to it."""
        for number in range(ROUNDS):
            if self.spent() > SHARES[1] or self.trial.mean >= TOP:
                return
            own = {atom.name for atom in self.best.atoms}
            told = [e for e in self.told if e.name not in own] if number == 0 else []
            parts = [*self._rates((1 / 3, 3.0)), *self._further(own), *told]
            tried = [self.best + part for part in parts]
            trials = self._run(tried, structures=PROGRAMS, upto=SHARES[2])
            better = [(t.mean, e, t) for e, t in zip(tried, trials, strict=True) if not t.failed and self._gains(t)]
            if not better:
                return
            _, self.best, self.trial = max(better, key=lambda one: one[0])

    def _further(self, own: set[str]) -> list[Edit]:
        """What may improve any training; the order alternates, as a round compiles few of them."""
        found = [Edit("stopped-too-early", "epochs × 3", {}, on(longer, 3, 1))]
        plan = self.best.apply(self.case.plan)
        if plan is not None and plan.early_stopping is None and len(self.case.data) >= 40:
            found.append(Edit("overfitting", "early stopping", {}, stopping))
        wide: Callable = lambda p: change.wider(p, 4, 16, 256)  # noqa: E731
        found.append(Edit("underfitting", "wider layers", {}, wide))
        found.append(Edit("overfitting", "l2 0.001", {}, on(penalised, 1e-3)))
        found.append(Edit("overfitting", "dropout 0.3", {}, on(change.with_dropout, 0.3)))
        return [edit for edit in found if edit.name not in own]

    def _gains(self, trial: Trial) -> bool:
        """Whether it is better than the best so far by more than chance among several tries would show."""
        found = compared(trial.scores, self.trial.scores, 0.0)
        return found.effect > max(0.005, found.error) and found.probability > 0.5

    # -- leaving out -------------------------------------------------------------------------------------------------

    def _least(self) -> Edit:
        """The fewest changes that keep the gain: one alone, the suspects' ones, or the best less what is not needed."""
        gain = self.trial.mean - self.base.mean
        if gain <= 0 or len(self.best.atoms) == 1:
            return self.best
        kept = [(len(e.atoms), -t.mean, e) for e, t in self.tried.values() if e is not NOTHING and self._keeps(t)]
        edit = min(kept, key=lambda one: one[:2])[2] if kept else self.best
        return self._thinned(edit if len(edit.atoms) < len(self.best.atoms) else self._prefix())

    def _prefix(self) -> Edit:
        """The best's parts that answer the suspects, the likeliest first, and of the others as few as keep the gain.

        The number of parts is found by halving, as each number is another program to compile.
        """
        place = {code: number for number, code in enumerate(self.suspects)}
        parts = sorted(self.best.atoms, key=lambda part: place.get(part.code, len(place)))
        low, high = 0, len(parts)  # `low` parts do not keep it, `high` parts do
        while high - low > 1 and self.spent() < 1:
            middle = (low + high) // 2
            fewer = self.best.without([part.name for part in parts[middle:]])
            low, high = (low, middle) if self._keeps(self._run([fewer])[0]) else (middle, high)
        return self.best.without([part.name for part in parts[high:]])

    def _thinned(self, edit: Edit) -> Edit:
        """Leave out what is not needed: all of it at once where that keeps the gain, else one after another."""
        while len(edit.atoms) > 1 and self.spent() < 1:
            lesser = [edit.without([part.name]) for part in edit.atoms]
            trials = self._run(lesser)
            spare = [(t.mean, part.name) for t, part in zip(trials, edit.atoms, strict=True) if self._keeps(t)]
            if not spare:
                return edit
            spare.sort(reverse=True)
            names = [name for _, name in spare]
            while len(names) > 1:
                rest = edit.without(names)
                if rest is not NOTHING and self._keeps(self._run([rest])[0]):
                    break
                names = names[: len(names) // 2]
            edit = edit.without(names)
        return edit

    def _keeps(self, trial: Trial) -> bool:
        """Whether nearly all of the best's gain is kept."""
        if trial.failed:
            return False
        gain = self.trial.mean - self.base.mean
        return trial.mean >= self.trial.mean - max(KEEP * gain, 0.003)


def proved(found: Comparison) -> bool:
    """Whether paired runs prove an improvement."""
    return found.effect > max(LEAST, ERRORS * found.error) and found.probability >= SURE
