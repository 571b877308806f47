"""Weights a training was given: told from drawn ones, and what its trials and repairs begin with too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jindan.callbacks import Callback, EarlyStopping
from jindan.doctor.edits import NOTHING, Edit
from jindan.doctor.learning_rates import rate_ladder
from jindan.doctor.repairs import catalogue
from jindan.doctor.repairs_bench import Bench
from jindan.doctor.repairs_search import Search
from jindan.doctor.starting import begun, given_weights
from jindan.doctor.trials import _confirmed, _trained, trial
from jindan.errors import InputError
from jindan.initializers import HeNormal
from jindan.layers import BatchNormalization, Dense
from jindan.models import Sequential
from jindan.optimizers import Adam

RNG = np.random.default_rng(5)
X = RNG.normal(size=(80, 6)).astype("f4")
Y = ((X[:, :1] * X[:, 1:2]) > 0).astype("f4")
# |z| = relu(z) + relu(−z); x₀ x₁ > 0 where |x₀ + x₁| > |x₀ − x₁|.
SIDES = np.zeros((6, 4), "f4")
SIDES[:2] = [[1, -1, 1, -1], [1, -1, -1, 1]]
LEARNED = [SIDES, np.full(4, 0.01, "f4"), np.array([[4.0], [4], [-4], [-4]], "f4"), np.zeros(1, "f4")]
FASTER = Edit("learning-rate-too-low", "rate × 10", {}, lambda p: p.edit(learning_rate=1e-4))


def model(weights=LEARNED, rate=1e-5):
    made = Sequential([Dense(4, activation="relu", trainable=False), Dense(1, activation="sigmoid")])
    made.build((6,))
    if weights is not None:
        made.set_weights(weights)
    made.compile(Adam(rate), "binary_crossentropy")
    return made


def watched(made, **settings):
    return made.fit(X, Y, epochs=3, batch_size=16, seed=0, verbose=0, doctor="watch", **settings).case


TUNED = watched(model())


def test_given_weights_are_told_from_drawn_ones():
    assert np.array_equal(given_weights(TUNED)[0]["kernel"], SIDES)
    assert given_weights(watched(model(None))) is None
    drawn = model(None)
    drawn.get_weights()  # drawn by a seed that the training does not know
    assert given_weights(watched(drawn)) is None
    drawn.fit(X, Y, epochs=1, verbose=0, seed=1)
    assert given_weights(watched(drawn)) is not None
    # Another library's initialisers are not known, so that nothing can be said of its weights.
    assert given_weights(replace(TUNED, native=False)) is None


def test_a_second_fit_with_callbacks_is_known_to_go_on():
    made = model(None)
    made.fit(X, Y, epochs=1, verbose=0, seed=1)
    before = made.get_weights()
    case = watched(made, callbacks=[Callback()])
    assert np.array_equal(given_weights(case)[1]["kernel"], before[2])


def test_trials_begin_where_the_training_began():
    faster, wider = trial(TUNED, [FASTER, Edit("underfitting", "wider", {}, lambda p: p.replace(
        layers=(p.layers[0].replace(units=8), p.layers[1])))], seeds=(0,))  # fmt: skip
    assert min(faster.base) > 0.9
    assert min(faster.scores) > 0.9
    assert "given weights" in wider.failed


def test_direct_tests_begin_there_too():
    assert rate_ladder(TUNED, factors=(1.0,), seeds=1)["train_score"][0] > 0.9


def test_the_repaired_model_keeps_the_weights():
    search = Search(TUNED, ["learning-rate-too-low"], (0,), 10)
    trained = Edit("learning-rate-too-low", "inputs standardised", {}, None, inputs="standardise")
    for edit in (FASTER, trained):
        run, _ = _trained(TUNED, edit, search.bench, 0.9)
        kernels = [np.asarray(own["kernel"]) for own in run.weights if "kernel" in own]
        assert np.array_equal(kernels[0], SIDES)
        assert np.allclose(kernels[1], LEARNED[2], atol=0.01)


def test_changed_initialisers_and_added_layers_are_drawn():
    first, last = TUNED.plan.layers
    plan = TUNED.plan.replace(layers=(first, BatchNormalization(), last.replace(kernel_initializer=HeNormal())))
    weights = begun(TUNED, plan).weights
    assert np.array_equal(weights[0]["kernel"], SIDES)
    assert np.array_equal(weights[1]["gamma"], np.ones(4))
    assert not np.allclose(weights[2]["kernel"], LEARNED[2])
    with pytest.raises(InputError, match="given weights"):
        begun(TUNED, TUNED.plan.replace(layers=(last,)))


def test_every_repair_begins_there_or_says_why_not():
    for edit in catalogue(TUNED):
        bench = Bench(TUNED, (0,))
        plan = bench.plan_of(edit)
        if plan is None:
            continue
        (one, *_) = bench.members(edit, plan, 1)
        try:
            weights = begun(TUNED, one, front=bench.front).weights
        except InputError:
            continue
        kernels = [own["kernel"] for own in weights if "kernel" in own]
        assert np.array_equal(kernels[0], SIDES) or one.layers[1] != TUNED.plan.layers[0]


def test_nothing_is_not_proved():
    # A plan that stops early keeps rows back to watch: what it is compared with must not train on more.
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 40)).astype("f4")
    y = (x @ rng.normal(size=(40, 1)) / 6).astype("f4")
    made = Sequential([Dense(1)])
    made.compile(Adam(0.05), "mse")
    stop = EarlyStopping("val_loss", patience=20, restore_best_weights=True)
    case = made.fit(x, y, epochs=150, batch_size=16, seed=0, verbose=0, callbacks=[stop], doctor="watch",
                    validation_data=(x[:8], y[:8])).case  # fmt: skip
    same = Edit("overfitting", "no change", {}, lambda p: p.replace(l2=1e-30))
    search = Search(case, ["overfitting"], (0, 1, 2), 20)
    assert _confirmed(case, [same], search) is None
    free = Edit("overfitting", "to the end", {}, lambda p: p.replace(early_stopping=None))
    rows = [search.bench.members(edit, edit.apply(case.plan), 1)[0].rows for edit in (NOTHING, free)]
    assert len(rows[0]) == len(rows[1])
