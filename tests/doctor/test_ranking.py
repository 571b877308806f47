"""Suspects become findings: trials confirm or clear, causes come first, and nobody is alarmed by a run that learns."""

from dataclasses import replace

import pytest

from jindan.doctor.causes import CAUSES, EXCLUSIVE, FOLLOWING, STANDING
from jindan.doctor.checks import CHECKS
from jindan.doctor.checks.base import Suspect, ramp
from jindan.doctor.evidence import Case
from jindan.doctor.facts import Facts, Standing
from jindan.doctor.ranking import ranked
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


def test_no_finding_stands_before_a_cause_of_its_own_however_long_the_chain():
    strengths = {"vanishing-gradient": 0.9, "saturated-activation": 0.6, "inputs-not-normalised": 0.5,
                 "output-loss-mismatch": 0.35, "below-baseline": 0.3, "underfitting": 0.95}  # fmt: skip
    found = ranked(facts(), [Suspect(code, strength) for code, strength in strengths.items()])
    places = {finding.code: place for place, finding in enumerate(found)}
    assert len(found) == len(strengths)
    for finding in found:
        assert all(places[cause] < places[finding.code] for cause in finding.causes), finding.code
    assert told(found)[:2] == ["inputs-not-normalised", "saturated-activation"]
    assert {f.code: f.causes for f in found}["vanishing-gradient"] == (
        "saturated-activation", "inputs-not-normalised", "output-loss-mismatch",
    )  # fmt: skip


def test_causes_never_go_round_in_a_circle():
    def reached(code, seen=()):
        assert code not in seen, seen
        for cause in CAUSES.get(code, ()):
            reached(cause, (*seen, code))

    for code in CAUSES:
        reached(code)


@pytest.mark.parametrize("pair", EXCLUSIVE)
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_that_exclude_each_other_the_better_founded_is_told(pair, turned):
    strong, weak = reversed(pair) if turned else pair
    found = ranked(facts(), [Suspect(weak, 0.8), Suspect(strong, 0.9)])
    assert [finding.code for finding in found] == [strong]
    tried = facts(**{weak.replace("-", "_"): 0.9, strong.replace("-", "_"): 0.4})
    assert [finding.code for finding in ranked(tried, [Suspect(weak, 0.8), Suspect(strong, 0.9)])] == [weak]
    sure = [Suspect(weak, 0.4, certain=True), Suspect(strong, 0.9)]
    assert [finding.code for finding in ranked(facts(), sure)] == [weak]


@pytest.mark.parametrize(("best", "told_one"), [(0.1, "learning-rate-too-high"), (10.0, "learning-rate-too-low")])
def test_a_ladder_of_rates_says_which_way_the_rate_is_off(best, told_one):
    pair = [Suspect("learning-rate-too-high", 0.7), Suspect("learning-rate-too-low", 0.7)]
    tried = facts(learning_rate_too_high=0.8, learning_rate_too_low=0.8)
    found = ranked(replace(tried, learning={"rates": {"best": best}}), pair)
    assert [finding.code for finding in found] == [told_one]


GIVEN = Suspect("nonfinite-values", 1.0, None, {"where": "x", "count": 1, "row": 3}, certain=True, severity="error")


def test_nan_that_was_given_explains_all_that_the_training_shows():
    shown = [Suspect(code, 1.0, severity="error") for code in CHECKS if code != "nonfinite-values"]
    found = ranked(facts(), [*shown, GIVEN])
    assert told(found) == ["nonfinite-values"]
    assert found[0].causes == ()
    assert {finding.code for finding in found[1:]} == set(FOLLOWING)
    assert all(finding.causes == ("nonfinite-values",) for finding in found[1:])


def test_what_is_seen_in_the_data_alone_stands_beside_given_nan():
    found = ranked(facts(), [*(Suspect(code, 1.0, certain=True) for code in STANDING), GIVEN])
    codes = {"nonfinite-values", *STANDING} - {"batch-size-too-small", "batch-size-too-large"}
    assert codes < set(told(found))
    assert all(finding.causes == () for finding in found)


def test_nan_that_training_or_validation_rows_bring_explains_nothing_else():
    burst = Suspect("exploding-gradient", 0.9, severity="error")
    late = Suspect("nonfinite-values", 0.5, None, {"first_update": 7}, certain=True, severity="error", symptom=True)
    assert told(ranked(facts(), [burst, late])) == ["exploding-gradient", "nonfinite-values"]
    held = replace(GIVEN, evidence={"where": "validation x", "aspect": "validation", "count": 1, "row": 3})
    assert set(told(ranked(facts(), [burst, held]))) == {"exploding-gradient", "nonfinite-values"}


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
