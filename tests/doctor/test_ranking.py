"""Suspects become findings: trials confirm or clear, causes come first, and nobody is alarmed by a run that learns."""

import pytest

from jindan.doctor.checks import CHECKS
from jindan.doctor.checks.base import Suspect, ramp
from jindan.doctor.evidence import Case
from jindan.doctor.facts import Facts, Standing
from jindan.doctor.ranking import CAUSES, ranked
from jindan.doctor.words import concepts
from jindan.engine.data import Data
from jindan.plan import Plan

CASE = Case(Plan((), loss="mse"), (2,), Data.of([[0.0, 1.0]], [[1.0]]), {})
POOR, GOOD = Standing(0.4, 0.4, 0.3, 0.9), Standing(0.9, 0.92, 0.3, 0.9)


def facts(standing=POOR, **outcomes):
    return Facts(CASE, "binary", None, None, standing, outcomes={k.replace("_", "-"): v for k, v in outcomes.items()})


def told(found):
    return [finding.code for finding in found if finding.severity != "info"]


def test_a_trial_confirms_one_and_clears_the_other():
    suspects = [Suspect("learning-rate-too-high", 0.8), Suspect("dying-relu", 0.6)]
    found = ranked(facts(learning_rate_too_high=0.0, dying_relu=0.9), suspects)
    assert told(found)[0] == "dying-relu"
    assert found[0].evidence["recovered"] == 0.9
    assert {f.code: f for f in found}["learning-rate-too-high"].confidence < 0.4


def test_what_is_certain_comes_first_and_needs_no_poor_score():
    suspects = [Suspect("symmetric-init", 1.0, certain=True), Suspect("learning-rate-too-low", 0.99)]
    assert told(ranked(facts(learning_rate_too_low=1.0), suspects))[0] == "symmetric-init"
    assert told(ranked(facts(GOOD), suspects)) == ["symmetric-init"]


def test_symptoms_stand_behind_causes_and_alone_where_there_are_none():
    symptom = Suspect("below-baseline", 0.5, symptom=True)
    assert told(ranked(facts(), [symptom, Suspect("dying-relu", 0.7)])) == ["dying-relu"]
    assert told(ranked(facts(), [symptom])) == ["below-baseline"]
    assert told(ranked(facts(GOOD), [symptom])) == []


def test_a_poor_run_is_told_of_even_where_nothing_is_proved():
    found = ranked(facts(dying_relu=0.0), [Suspect("dying-relu", 0.5), Suspect("underfitting", 0.3, symptom=True)])
    assert told(found) == ["dying-relu", "underfitting"]


def test_what_its_trial_has_cleared_is_told_last():
    suspects = [Suspect("dying-relu", 0.7), Suspect("bad-init-scale", 0.4)]
    assert told(ranked(facts(dying_relu=0.0), suspects)) == ["bad-init-scale"]


def test_causes_are_named_where_they_are_told_themselves():
    found = ranked(facts(), [Suspect("dying-relu", 0.9), Suspect("learning-rate-too-high", 0.9)])
    causes = {finding.code: finding.causes for finding in found}
    assert causes["dying-relu"] == ("learning-rate-too-high",)
    assert causes["learning-rate-too-high"] == ()


def test_every_code_has_words_and_causes_are_codes():
    known = set(concepts())
    assert set(CHECKS) <= known
    assert {cause for causes in CAUSES.values() for cause in causes} <= set(CHECKS)


@pytest.mark.parametrize(
    ("standing", "skill", "well"),
    [
        (Standing(0.9, 1, 0.5, 0.9), 1.0, True),
        (Standing(0.5, 1, 0.5, 0.9), 0.0, False),
        (Standing(0.86, 1, 0.5, 0.9, error=0.03), 0.9, True),
        (Standing(0.8, 1, 0.5, 0.9, error=0.01), 0.75, False),
        (Standing(0.8, 1, 0.5, 0.9, error=0.06), 0.75, True),
        (Standing(0.5, 0.5, 0.5, 0.5), 1.0, True),
        (Standing(0.2, 0.5, 0.5, 0.5), 0.0, False),
    ],
)
def test_what_counts_as_learning_well(standing, skill, well):
    assert standing.skill == pytest.approx(skill)
    assert standing.well == well


def test_the_ramp_is_even_in_logarithms():
    assert ramp(1, 1, 100) == 0
    assert ramp(10, 1, 100) == pytest.approx(0.5)
    assert ramp(float("inf"), 1, 100) == 1
    assert ramp(float("nan"), 1, 100) == 0
    assert ramp(0.5, 0.0, 1.0) == 0.5
