"""diagnose: train a copy of a model under watch and say what is wrong, why, and what has been proved to help."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..errors import InputError, TooLargeError
from .evidence import Case
from .facts import Facts
from .findings import Finding
from .judge import task_of
from .watch_notes import Note


@dataclass(frozen=True)
class Report:
    """What the doctor has to say of a training.

    Attributes:
        findings: Root cause first; "info" last.
        facts: All that was measured.
        history: Figure → values by epoch.
        model: The trained copy, or None where the training was another library's.
        notes: What was seen of another library's training that no finding tells: `.words("ko")`, or as text.
        repairable: Whether repairs can be tried in trainings like the one seen.
    """

    findings: tuple[Finding, ...]
    facts: Facts = field(repr=False)
    model: Any = field(default=None, repr=False)
    notes: tuple[Note, ...] = ()
    repairable: bool = True

    @property
    def case(self) -> Case:
        """The training."""
        return self.facts.case

    @property
    def history(self) -> dict[str, list[float]]:
        """Figure → values by epoch."""
        return self.case.history

    @property
    def healthy(self) -> bool:
        """Whether nothing calls for action."""
        return all(finding.severity == "info" for finding in self.findings)

    def text(self, lang: str = "en") -> str:
        """The findings as paragraphs, root cause first."""
        from .telling import report_text

        return report_text(self, lang)

    def __str__(self) -> str:
        return self.text()

    def to_dict(self) -> dict[str, Any]:
        """JSON form: findings with their words in both languages."""
        from .direct import record
        from .telling import finding_record

        return {
            "healthy": self.healthy,
            "findings": [finding_record(finding) for finding in self.findings],
            "tests": record(self.facts),
            "notes": [note.to_dict() for note in self.notes],
        }

    def to_html(self, to_file: str | Path | None = None, lang: str = "en") -> str:
        """The report as one page that needs no network and opens in a language; also written to a file where one is
        given.

        Raises:
            FileError: when it cannot be written there.
        """
        from .telling import page_of

        return page_of(self, to_file, lang)

    def repair(self, *, seeds: Sequence[int] = (0, 1, 2), budget_seconds: float = 30.0) -> Any:
        """Look for the change that cures, and prove it against the untouched plan in paired runs.

        It is chosen on a split of the training rows; validation rows are never looked at.

        Args:
            seeds: Of the paired runs.
            budget_seconds: About how long to search.

        Returns:
            A `Repair` (`.model` trained, `.plan`, `.changes`, `.proof`), or None where nothing tried helps.
        """
        from .trials import repair

        if not self.case.moments or not self.repairable:  # nothing was trained that could be compared with
            return None
        suspects = [finding.code for finding in self.findings]
        return repair(self.case, suspects, seeds=tuple(seeds), budget_seconds=budget_seconds)


def diagnose(model: Any, x: Any = None, y: Any = None, *, trials: bool = True, **settings: Any) -> Report:
    """Train a copy of a compiled model under watch, and say what is wrong with the training.

    Args:
        model: A compiled model; it is left as it was.
        x, y: As for `fit`.
        trials: Whether repairs of suspects may be tried in short runs, to tell causes from what they bring about; False
            goes by the evidence of the one training, in a fraction of the time.
        **settings: All that `fit` takes: `epochs`, `batch_size`, `validation_data`, `seed`, …

    Returns:
        A Report: `.findings`, `.healthy`, `.text("ko")`, `.to_html()`, `.repair()`.

    Raises:
        InputError: when this is no model of jindan, or what `fit` raises.

    >>> import numpy as np
    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> x = np.linspace(-1, 1, 64, dtype="float32")[:, None]
    >>> model = Sequential([Dense(1, activation="softmax")])
    >>> model.compile("adam", "binary_crossentropy")
    >>> report = diagnose(model, x, (x > 0).astype("float32"), epochs=2, seed=0)
    >>> report.findings[0].code, report.healthy
    ('output-loss-mismatch', False)
    """
    if not hasattr(model, "_settings"):
        raise InputError(
            "There is no model of jindan to diagnose.", where="diagnose", expected="a compiled Sequential or Model",
            received=type(model).__name__,
            help="Of an estimator, give its .model_; a loop of PyTorch is watched by jd.doctor.watch, "
            "a fit of Keras by jd.doctor.KerasDoctor.",
        )  # fmt: skip
    twin = copied(model)
    settings.setdefault("verbose", 0)
    settings.pop("doctor", None)
    try:
        history = twin.fit(x, y, doctor="watch", **settings)
    except TooLargeError as error:
        finding, plan, data = error.found
        case = Case(plan, data.input_shape, data, {})
        return Report((finding,), Facts(case, task_of(plan, data.y), None, None, None))
    return examine(history.case, model=twin, trials=trials)


def copied(model: Any) -> Any:
    """A model that trains apart from the given one."""
    twin = copy.copy(model)
    # Weights and runs are replaced by training, never changed in place; settings are.
    twin._settings = dict(model._settings)
    twin.history = None
    return twin


def examine(case: Case, *, model: Any = None, trials: bool = True) -> Report:
    """The findings of a case, after every test that its symptoms call for.

    Args:
        case: A training with its moments.
        model: The trained model, for the report.
        trials: Whether repairs may be tried to tell causes apart.
    """
    from .checks import suspects
    from .direct import by_symptom
    from .gathering import facts_of, tried
    from .ranking import ranked

    facts = facts_of(case)
    found = suspects(facts)
    if trials and facts.sick and not facts.spoilt:
        facts = by_symptom(tried(facts, found), found)
        found = suspects(facts)
    return Report(ranked(facts, found), facts, model)


def glance(case: Case) -> tuple[Finding, ...]:
    """Findings from what a training itself has shown, without further trainings: what every `fit` looks at.

    Numbers of the layers are measured where the curves say that something is wrong.
    """
    from .checks import suspects
    from .gathering import looks_wrong, measured, quick_facts
    from .ranking import ranked

    facts = quick_facts(case)
    if not looks_wrong(facts):
        return ()
    facts = measured(case, deep=False)
    return ranked(facts, suspects(facts))
