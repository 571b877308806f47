"""Trials of repairs in paired runs: splits, statistics, what is proved, and that nothing else is."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from jindan.callbacks import EarlyStopping
from jindan.doctor.edits import NOTHING, Edit
from jindan.doctor.evidence import Case
from jindan.doctor.repairs import catalogue
from jindan.doctor.repairs_bench import Bench
from jindan.doctor.repairs_search import Search
from jindan.doctor.repairs_splits import compared, design_of, measure_of, partition, whole_table
from jindan.doctor.trials import _confirmed, repair, trial
from jindan.engine.data import Data
from jindan.layers import BatchNormalization, Dense, Dropout, Flatten
from jindan.models import Sequential
from jindan.plan import Plan

RNG = np.random.default_rng(11)
X = RNG.normal(size=(80, 2))
LINE = 3 * X[:, :1] - X[:, 1:]
SIDE = (LINE > 0) * 1.0
CROSSES = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


def case(layers, y, x=X, **settings):
    plan = Plan(tuple(layers), **{"optimizer": "sgd", "batch_size": 16, "epochs": 20, "seed": 0, **settings})
    return Case(plan, x.shape[1:], Data(x, y), {})


SLOW = case([Dense(1)], LINE, optimizer={"type": "SGD", "learning_rate": 1e-5})


# -- splits ----------------------------------------------------------------------------------------------------------


def test_splits_are_stratified_and_apart():
    y = np.r_[np.zeros(60), np.ones(20)][:, None]
    design = design_of(case([Dense(1, activation="sigmoid")], y), (0, 1, 2))
    assert (design.kind, design.members, len(design.pairs)) == ("splits", 6, 6)
    for _, (fold,) in design.pairs:
        assert not set(fold.fit) & set(fold.held)
        assert sorted([*fold.fit, *fold.held]) == list(range(80))
        assert sorted([*fold.kept, *fold.watched]) == sorted(fold.fit)
        assert (y[fold.held].mean(), len(fold.held)) == (0.25, 20)
    assert len({tuple(fold.held) for _, (fold,) in design.pairs}) == 6
    assert len({seed for seed, _ in design.pairs}) == 6


def test_other_parts_are_other_splits():
    first, second = (design_of(SLOW, (0,), part) for part in (0, 1))
    assert {tuple(folds[0].held) for _, folds in first.pairs}.isdisjoint(tuple(f[0].held) for _, f in second.pairs)


def test_runs_that_share_a_split():
    design = design_of(SLOW, (0,), 1, repeats=2)
    assert design.pairs[0][1] is design.pairs[1][1]
    assert design.pairs[0][0] != design.pairs[1][0]


def test_few_rows_have_folds_and_fewer_none():
    few = design_of(case([Dense(1)], LINE[:30], X[:30]), (0,))
    assert few.kind == "folds"
    for _, folds in few.pairs:
        assert sorted(np.concatenate([fold.held for fold in folds])) == list(range(30))
    assert design_of(case([Dense(1)], LINE[:12], X[:12]), (0,)).kind == "training rows"
    assert design_of(case([Dense(1)], LINE[:1], X[:1]), (0,)).kind == "training rows"


def test_a_truth_table_is_judged_by_itself():
    table = np.tile(CROSSES, (20, 1))
    assert whole_table(table)
    assert design_of(case([Dense(1)], np.zeros(80), table), (0,)).kind == "training rows"
    assert not whole_table(X[:, :1])
    assert not whole_table(CROSSES[:3])
    assert not whole_table(np.arange(20.0)[:, None])


def test_copies_stay_on_one_side():
    x, y = np.r_[X, X[:30]], np.r_[LINE, LINE[:30]]
    for _, (fold,) in design_of(case([Dense(1)], y, x), (0, 1)).pairs:
        assert not set(map(tuple, x[fold.fit])) & set(map(tuple, x[fold.held]))


def test_parts_of_rare_strata():
    parts = partition(np.r_[np.zeros(18, int), 1, 1], np.arange(20), 4, np.random.default_rng(0))
    assert np.bincount(parts).tolist() == [5, 5, 5, 5]
    assert parts[18] != parts[19]


def test_what_judges():
    assert measure_of(SLOW) == "r2"
    assert measure_of(case([Dense(1)], SIDE)) == "accuracy"
    assert measure_of(case([Dense(1)], (np.arange(80) < 4) * 1.0)) == "balanced"


# -- statistics ------------------------------------------------------------------------------------------------------


def test_without_shared_rows_it_is_the_paired_t_test():
    a, b = RNG.random(8), RNG.random(8)
    found = compared(a, b, 0.0)
    wanted = ttest_1samp(a - b, 0, alternative="greater")
    assert found.p == pytest.approx(wanted.pvalue)
    assert found.effect == pytest.approx((a - b).mean())
    assert found.probability == np.mean(a > b)


def test_shared_rows_widen_the_error():
    a, b = RNG.random(6), RNG.random(6)
    plain, corrected = compared(a, b, 0.0).error, compared(a, b, 1 / 3).error
    assert corrected / plain == pytest.approx(np.sqrt((1 / 6 + 1 / 3) / (1 / 6)))


def test_ties_count_half_and_no_spread_is_no_error():
    assert compared([1, 1, 0, 0], [0, 1, 1, 0], 0.0).probability == 0.5
    assert compared([1.0, 1.0], [0.5, 0.5], 0.3).p == 0
    assert compared([0.5], [0.5], 0.3).p == 1


def test_luck_of_the_weights_is_told_from_that_of_splits():
    # Of runs that differ within splits alone, the error is that of independent runs; between alone, the corrected one.
    within, between = np.tile([0.1, 0.5], 6), np.repeat(RNG.random(6), 2)
    own = within.reshape(6, 2).var(axis=1, ddof=1).mean()
    assert compared(within, np.zeros(12), 1 / 3, 2).error == pytest.approx(np.sqrt(own / 12))
    wanted = np.sqrt(between[::2].var(ddof=1) * (1 / 6 + 1 / 3))
    assert compared(between, np.zeros(12), 1 / 3, 2).error == pytest.approx(wanted)


# -- trials ----------------------------------------------------------------------------------------------------------


def test_an_edit_that_helps_and_one_that_does_not():
    known = {edit.name: edit for edit in catalogue(SLOW)}
    faster, slower = trial(SLOW, [known["rate × 100"] + known["rate × 100"], known["rate ÷ 10"]], seeds=(0, 1))
    assert faster.effect > 0.5
    assert faster.probability == 1
    assert faster.p < 0.05
    assert abs(slower.effect) < 0.02
    assert faster.base == slower.base
    assert len(faster.scores) == 4


def test_a_score_is_that_of_the_plan_trained_by_itself():
    from jindan.doctor.judge import score
    from jindan.engine.train import train

    bench = Bench(SLOW, (0,))
    fast = Edit("a", "fast", {}, lambda p: p.edit(learning_rate=0.1))
    (found,) = bench.run([fast])
    for (seed, (fold,)), told in zip(bench.design.pairs, found.scores, strict=True):
        plan = bench.prepared(fast, fast.apply(SLOW.plan), fold.fit).replace(seed=seed, rows=fold.fit)
        outputs = train(plan, SLOW.data).predict(X[fold.held])
        assert score("regression", LINE[fold.held], outputs) == pytest.approx(told, abs=1e-6)


def test_scaled_inputs_and_targets_are_judged_in_raw_units():
    far = case([Dense(1)], 5000 + 100 * LINE, X * 1000 + 3000, optimizer={"type": "SGD", "learning_rate": 0.1})
    known = {edit.name: edit for edit in catalogue(far)}
    inputs, targets = known["inputs standardised"], known["targets standardised"]
    base, one, both = Bench(far, (0,)).run([NOTHING, inputs, inputs + targets])
    assert base.mean == 0
    assert base.diverged == 1
    assert both.mean > 0.95
    assert one.diverged == 0


def test_what_fails_is_told_and_not_raised():
    def wrong(plan):
        return plan.replace(layers=(Dense(3),))

    outcomes = trial(SLOW, [Edit("a", "wrong shape", {}, wrong), Edit("a", "never", {}, lambda p: None),
                            Edit("a", "scaled", {}, lambda p: p.replace(layers=(Dense(1, activation="relu"),)),
                                 targets="standardise")], seeds=(0,), epochs=2)  # fmt: skip
    assert all(outcome.failed and outcome.scores == () for outcome in outcomes)
    assert "fit" in outcomes[0].failed


def test_no_time_is_told_too():
    (outcome,) = trial(SLOW, [Edit("a", "b", {}, lambda p: p.edit(batch_size=8))], seeds=(0,), budget_seconds=-1)
    assert outcome.failed


def test_sequences_cannot_be_scored():
    given = case([Dense(2)], RNG.random((20, 3, 2)), RNG.random((20, 3, 2)))
    assert trial(given, [NOTHING], seeds=(0,))[0].failed
    assert repair(given, []) is None


# -- repairs ---------------------------------------------------------------------------------------------------------


def test_a_rate_that_is_too_low_is_raised():
    found = repair(SLOW, ["learning-rate-too-low"], seeds=(0, 1), budget_seconds=20)
    assert found is not None
    assert found.proof["effect"] > 0.5
    assert found.proof["probability"] >= 0.9
    assert isinstance(found.model, Sequential)
    assert np.corrcoef(found.model.predict(X)[:, 0], LINE[:, 0])[0, 1] > 0.99


@pytest.mark.parametrize("stops", [False, True])
def test_the_untouched_plan_runs_at_full_length_only_where_that_settles_its_epochs(stops, monkeypatch):
    stopping = EarlyStopping("val_loss", patience=2) if stops else None
    given = case([Dense(1)], LINE, optimizer=SLOW.plan.optimizer, early_stopping=stopping)
    fast = Edit("a", "fast", {}, lambda p: p.edit(learning_rate=0.1))
    search, run, asked = Search(given, [], (0, 1), 20.0), Bench.run, []

    def noted(self, edits, **settings):
        asked.append(self is search.bench and list(edits) == [NOTHING])
        return run(self, edits, **settings)

    monkeypatch.setattr(Bench, "run", noted)
    assert _confirmed(given, [fast], search).proof["effect"] > 0.5
    assert sum(asked) == stops


def test_raw_rows_in_and_raw_units_out():
    far = case([Dense(8, activation="relu"), Dense(1)], 5000 + 100 * LINE, X * 1000 + 3000, epochs=60)
    found = repair(far, ["inputs-not-normalised", "targets-not-normalised"], seeds=(0, 1), budget_seconds=20)
    assert found is not None
    assert found.changes.get("targets") == "standardise"
    outputs = found.model.predict(far.data.x)
    assert np.sqrt(np.mean((outputs - far.data.y) ** 2)) < 0.3 * far.data.y.std()
    assert found.model.get_weights()[-1].shape == (1,)


def test_a_sound_training_is_left_alone():
    sound = case([Dense(1)], LINE + 0.1 * RNG.normal(size=(80, 1)), optimizer={"type": "SGD", "learning_rate": 0.1})
    assert repair(sound, [], seeds=(0, 1), budget_seconds=4) is None


def test_nothing_helps_where_there_is_nothing_to_learn():
    noise = case([Dense(4, activation="relu"), Dense(1, activation="sigmoid")], (RNG.random((80, 1)) < 0.5) * 1.0,
                 loss="binary_crossentropy")  # fmt: skip
    assert repair(noise, ["learning-rate-too-low"], seeds=(0, 1), budget_seconds=4) is None


def test_validation_rows_are_never_read():
    class Untouched:
        def __getattr__(self, name):
            raise AssertionError(f"validation rows were asked for {name}")

    given = Case(SLOW.plan, (2,), Data(X, LINE, None, Untouched()), {})
    fast = Edit("a", "fast", {}, lambda p: p.edit(learning_rate=0.1))
    assert trial(given, [fast], seeds=(0,))[0].effect > 0.5


def test_odd_networks_do_not_stop_it():
    hidden = [Flatten(), Dense(4, activation="tanh"), BatchNormalization(), Dropout(0.2)]
    y = np.c_[SIDE, 1 - SIDE]
    layers = [*hidden, Dense(2, activation="softmax")]
    given = case(layers, y, X.reshape(80, 2, 1), loss="categorical_crossentropy", epochs=2)
    assert len(trial(given, catalogue(given)[:5], seeds=(0,), epochs=1)) == 5
