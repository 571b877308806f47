"""Direct tests: small trainings that answer one question each, made where a symptom asks it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from ..engine.compiling import briefly
from ..utils import finite
from .checks.base import Suspect
from .facts import Facts
from .learning_inputs import shuffled_inputs, shuffled_targets
from .learning_rates import rate_ladder
from .learning_runs import alone
from .learning_tests import expected_initial_loss, mode_gap, overfits_few
from .words import sentence

HALF = 0.5  # of the way from the trivial answer to the best simple model: whoever falls short has not learned the rows
RATES = {"learning-rate-too-high", "learning-rate-too-low", "plateau", "stopped-too-early", "underfitting"}
NOTHING = {"below-baseline", "underfitting", "input-ignored", "overfitting"}


def before_trials(facts: Facts) -> dict[str, Any]:
    """What checks go by: the first loss beside the one theory gives, the two modes, eight rows learned by heart."""
    case, standing = facts.case, facts.standing
    if not facts.sick or facts.spoilt or not case.moments:
        return {}
    found: dict[str, Any] = {"mode_gap": mode_gap(case, facts.task)}
    expected = expected_initial_loss(case.plan, facts.task, case.data.y)
    if expected is not None and facts.first is not None:
        found["initial_loss"] = {"loss": facts.first.loss, "expected": expected}
    if standing is not None and standing.train < standing.trivial + HALF * (standing.ceiling - standing.trivial):
        found["few"] = overfits_few(case)
    return found


@briefly()
def by_symptom(facts: Facts, suspects: Iterable[Suspect]) -> Facts:
    """The facts with the longer tests that suspects ask for: rates as a population, labels and inputs shuffled."""
    if not facts.sick or facts.spoilt or not facts.case.moments:
        return facts
    codes = {suspect.code for suspect in suspects}
    found: dict[str, Any] = {}
    if codes & RATES:
        found["rates"] = rate_ladder(facts.case, facts.task)
    if codes & NOTHING:
        labels = shuffled_targets(facts.case, facts.task)
        found["shuffled_labels"] = labels
        found["shuffled_inputs"] = shuffled_inputs(facts.case, facts.task, own=labels.get("own"))
    return replace(facts, learning={**facts.learning, **found})


def told(facts: Facts, lang: str = "en") -> list[str]:
    """What the tests gave, a sentence each; nothing of those that could not be made."""
    lines = []
    for name, keys in SAID.items():
        numbers = facts.learning.get(name) or {}
        values = {key: numbers.get(key) for key in keys}
        if any(value is None for value in values.values()):
            continue
        held = facts.case.data.validation is not None and name in VALIDATED
        said = f"{name}_alone" if name in HELD and not held and alone(facts.case) else name
        shown = {key: f"{value:.3g}" if isinstance(value, float) else value for key, value in values.items()}
        lines.append(sentence(f"test.{said}", lang, **shown))
    return lines


def record(facts: Facts) -> dict[str, Any]:
    """The tests' numbers for JSON: what is not finite is None."""

    return {name: finite(numbers) for name, numbers in facts.learning.items() if numbers}


HELD = ("rates", "shuffled_labels", "shuffled_inputs")  # scored on rows held out, where there are enough
VALIDATED = ("shuffled_labels", "shuffled_inputs")  # by validation rows, where there are some
SAID = {
    "initial_loss": ("loss", "expected"),
    "few": ("rows", "score", "updates"),
    "mode_gap": ("training_score", "inference_score"),
    "rates": ("best", "epochs"),
    "shuffled_labels": ("score", "train_score", "own", "trivial"),
    "shuffled_inputs": ("score", "train_score", "own", "trivial"),
}
