"""Sound trainings of kinds that are easily taken for sick ones, and what is told of them where they are sick."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import jindan as jd
from jindan.doctor.checks import CHECKS
from jindan.doctor.course import course_of
from jindan.doctor.data_tests import scales
from jindan.doctor.evidence import Case, LayerNumbers, Moment, Probe
from jindan.doctor.facts import Facts, Standing
from jindan.doctor.findings import Finding
from jindan.doctor.gathering import facts_of
from jindan.doctor.ranking import ranked
from jindan.engine.data import Data
from jindan.layers import BatchNormalization, Conv2D, Dense, Embedding, Flatten
from jindan.models import Sequential
from jindan.optimizers import Adam
from jindan.plan import Plan

RNG = np.random.default_rng(3)
X = RNG.normal(size=(96, 4)).astype("f4")
Y = (X[:, :1] > 0).astype("f4")
POOR, GOOD = Standing(0.5, 0.5, 0.5, 0.9, 0.6, 0.02), Standing(0.9, 0.9, 0.5, 0.9, 0.6, 0.02)
HIDDEN = (Dense(4), Dense(1))
FALLING = [2.0 - 0.1 * k for k in range(10)]


def compiled(layers, loss="binary_crossentropy", rate=0.01):
    model = Sequential(layers)
    model.compile(Adam(rate), loss)
    return model


def facts(layers=HIDDEN, standing=POOR, data=None, x=X, y=Y, probes=(), moments=(), **found):
    plan = Plan(tuple(layers), loss="binary_crossentropy", **found.pop("plan", {}))
    case = Case(plan, x.shape[1:], Data(x, y), {"loss": FALLING}, tuple(moments), probes=tuple(probes))
    return Facts(case, "binary", course_of(FALLING), None, standing, data=data or {}, **found)


def layer(index, **numbers):
    return LayerNumbers(index, f"layer {index + 1}", "Dense", "relu", 4, weight_norm=1.0, **numbers)


def probe(update, *layers):
    return Probe(update, update, 0.7, 0.7, 1.0, None, None, 0.0, 0.1, tuple(layers))


# -- what is trained on ----------------------------------------------------------------------------------------------


def test_a_language_model_is_not_judged_by_one_class_a_row():
    tokens = np.zeros((120, 7), int)
    tokens[:, 0] = RNG.integers(0, 6, 120)
    for step in range(6):
        tokens[:, step + 1] = (tokens[:, step] * 5 + 1) % 6
    model = compiled([Embedding(6, 8), Dense(6, activation="softmax")], "sparse_categorical_crossentropy", 0.05)
    held = tokens[80:, :-1], tokens[80:, 1:]
    report = jd.diagnose(model, tokens[:80, :-1], tokens[:80, 1:], epochs=12, batch_size=16, seed=0, trials=False,
                         validation_data=held)  # fmt: skip
    assert report.facts.task == "other"
    assert report.healthy, report.text()
    assert np.mean(report.model.predict(held[0]).argmax(-1) == held[1]) > 0.9


def test_a_model_that_has_learned_may_be_diagnosed_again():
    x = np.repeat(RNG.random((3, 2, 2)), 40, 0).astype("f4")[RNG.permutation(120)]
    model = compiled([Dense(8, activation="relu"), Dense(2)], "mse")
    model.fit(x, x, epochs=150, batch_size=32, seed=0, verbose=0)
    report = jd.diagnose(model, x, x, epochs=5, batch_size=32, seed=0, trials=False)
    assert report.facts.continued
    assert report.healthy, report.text()
    assert not jd.diagnose(compiled([Dense(8, activation="relu"), Dense(2)], "mse", 1e-7), x, x, epochs=5, seed=0,
                           trials=False).facts.continued  # fmt: skip


@pytest.mark.parametrize("how", [{"class_weight": "balanced"}, {"sample_weight": np.full(400, 10.0)}])
def test_weights_are_no_plateau(how):
    y = (np.arange(400) % 20 == 0)[:, None].astype("f4")
    x = RNG.normal(size=(400, 4)).astype("f4") + y
    model = compiled([Dense(1, activation="sigmoid")])
    assert model.fit(x, y, epochs=30, batch_size=32, seed=0, verbose=0, **how).findings == ()


# -- validation rows that are broken ---------------------------------------------------------------------------------


def test_a_broken_validation_row_is_named_and_left_out():
    held = X.copy()
    held[5, 1] = np.nan
    given = compiled([Dense(1, activation="sigmoid")], rate=0.1)
    case = given.fit(X, Y, epochs=8, batch_size=16, seed=0, verbose=0, doctor="watch", validation_data=(X, Y)).case
    whole = facts_of(case)
    for x, y, where in (
        (held, Y, "validation x"),
        (X, np.where(np.arange(96)[:, None] == 5, np.nan, Y), "validation y"),
    ):
        found = facts_of(replace(case, data=replace(case.data, validation=Data.of(x, y))))
        assert found.data["nonfinite"] == {"where": where, "count": 1, "row": 5}
        assert found.standing.score == pytest.approx(whole.standing.score, abs=0.02)
        suspect = CHECKS["nonfinite-values"](found)
        assert (suspect.certain, suspect.severity) == (True, "error")
        assert "overfitting" not in [
            f.code for f in ranked(found, [c for c in (CHECKS[n](found) for n in CHECKS) if c])
        ]
        finding = Finding("nonfinite-values", "error", None, suspect.evidence)
        assert where in finding.words("en")["summary"]
        assert where in finding.words("ko")["summary"]
    broken = replace(case, data=replace(case.data, validation=Data.of(np.full_like(X, np.nan), Y)))
    assert not facts_of(broken).standing.held


# -- checks ----------------------------------------------------------------------------------------------------------


def test_small_batches_are_normalised_well_on_maps_and_by_moving_moments():
    check, image = CHECKS["batch-size-too-small"], RNG.normal(size=(20, 6, 6, 1))
    y, one, two = Y[:20], {"batch_size": 1}, {"batch_size": 2}
    maps = (Conv2D(2, 3), BatchNormalization(), Flatten(), Dense(1))
    flat = (Dense(4), BatchNormalization(), Dense(1))
    still = (Dense(4), BatchNormalization(trainable=False), Dense(1))
    assert check(facts(maps, GOOD, x=image, y=y, plan=one)) is None
    assert check(facts(still, GOOD, plan=one)) is None
    assert check(facts(flat, GOOD, plan=two)) is None
    assert check(facts(flat, GOOD, plan=one)).certain
    assert check(facts(flat, POOR, plan=two)).certain
    # A callback of Keras may have no data.
    assert check(facts(flat, None, x=X[:0], y=Y[:0], plan=one)) is None


def test_constant_columns_of_a_sound_training_are_only_worth_knowing():
    check, data = CHECKS["input-ignored"], {"scales": {"constant": 0.75, "sparse": 1.0}}
    sound, sick = check(facts(standing=GOOD, data=data)), check(facts(data=data))
    assert (sound.severity, sound.certain, sick.severity, sick.certain) == ("info", False, "warning", True)
    assert "one value" in Finding("input-ignored", "info", None, sound.evidence).words("en")["summary"]
    assert check(facts(data=data, x=X[:1], y=Y[:1])) is None
    # Beside a dense column, empty ones have been lost on the way, however well the rest does.
    assert check(facts(standing=GOOD, data={"scales": {"constant": 0.75, "sparse": 0.0}})).certain
    counts = np.c_[np.zeros((9, 3)), np.arange(9) == 4]
    assert scales(counts)["sparse"] == 1.0
    assert scales(np.c_[counts, np.arange(9)])["sparse"] == 0.5


def test_units_that_counted_as_hidden_once_are_compared_by_layer():
    twins = [layer(0, twins=1.0), layer(2)]
    later = [layer(0, twins=1.0), LayerNumbers(1, "layer 2", "Activation", None, 4, dead=0.5), layer(2)]
    found = facts(probes=[probe(0, *twins), probe(9, *later)])
    assert CHECKS["symmetric-init"](found).layer == "layer 1"
    assert CHECKS["symmetric-init"](facts(probes=[probe(0, layer(0, twins=0.0), layer(2)), probe(9, *later)])) is None


def test_layers_that_no_gradient_reaches_are_frozen():
    kernel, moved = np.ones((4, 4)), np.zeros((4, 1))
    start = Moment(0, 0, ({"kernel": kernel}, {"kernel": moved}), ({}, {}))
    learned, alike = ({"kernel": kernel}, {"kernel": moved + 1}), ({"kernel": kernel}, {"kernel": moved})
    silent = [probe(0, layer(0), layer(1)), probe(9, layer(0, gradient_norm=0.0), layer(1, gradient_norm=1.0))]
    check = CHECKS["frozen-parameters"]
    found = check(facts(probes=silent, moments=[start, Moment(9, 9, learned, ({}, {}))]))
    assert (found.evidence["layers"], found.certain) == (1, True)
    assert "gradient" in Finding("frozen-parameters", "warning", "layer 1", found.evidence).words("en")["summary"]
    # A rate of 0 changes nothing either, and dead units are told of by themselves.
    assert check(facts(probes=silent, moments=[start, Moment(9, 9, alike, ({}, {}))])) is None
    dead = [silent[0], probe(9, layer(0, gradient_norm=0.0, dead=1.0), layer(1, gradient_norm=1.0))]
    assert check(facts(probes=dead, moments=[start, Moment(9, 9, learned, ({}, {}))])) is None


def test_inputs_that_never_vary_freeze_no_layer():
    kernel, moved = np.ones((4, 4)), np.zeros((4, 1))
    start = Moment(0, 0, ({"kernel": kernel}, {"kernel": moved}), ({}, {}))
    later = Moment(9, 9, ({"kernel": kernel}, {"kernel": moved + 1}), ({}, {}))
    silent = [probe(0, layer(0), layer(1)), probe(9, layer(0, gradient_norm=0.0), layer(1, gradient_norm=1.0))]
    zeros = {"x": np.zeros_like(X), "data": {"scales": scales(np.zeros_like(X))}}
    found = facts(probes=silent, moments=[start, later], **zeros)
    assert CHECKS["frozen-parameters"](found) is None
    assert CHECKS["input-ignored"](found).certain


def test_too_early_is_told_of_the_loss_that_was_seen():
    found = CHECKS["stopped-too-early"](facts())
    assert "The loss was" in Finding("stopped-too-early", "warning", None, found.evidence).words("en")["summary"]


def test_straight_layers_are_no_fault_where_a_straight_model_does_best():
    enough, lacking = Standing(0.5, 0.5, 0.5, 0.9, 0.88, 0.02), POOR
    found = [CHECKS["linear-stack"](facts(standing=one)) for one in (enough, lacking)]
    assert [suspect.certain for suspect in found] == [False, True]
    assert found[0].strength < found[1].strength


def test_rows_that_one_preprocessing_made_are_no_mismatch():
    drift = {"drift": {"mismatch": True, "column": 3, "share": 1.0}}
    plain = facts(data=drift)
    assert CHECKS["preprocessing-mismatch"](plain).evidence["column"] == 3
    encoded = replace(plain, case=replace(plain.case, prepared=True))
    assert CHECKS["preprocessing-mismatch"](encoded) is None  # later rows, other groups
