"""search: scores are cross_validate's, every method does what it says, nothing done is done again."""

from __future__ import annotations

import json
import math
import signal
import sys

import numpy as np
import pytest

from jindan.callbacks import EarlyStopping
from jindan.engine import group
from jindan.engine.train import train
from jindan.errors import FileError, InputError, UnknownNameError
from jindan.layers import Dense
from jindan.optimizers import SGD, Adam
from jindan.plan import Plan
from jindan.select.halving import Halving, rungs
from jindan.select.samplers import Bayes, Listed, carry_out
from jindan.select.searching import Search, plain_row, search
from jindan.select.spaces import LogUniform, Space, Uniform
from jindan.select.validation import cross_validate

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 3))
Y = (X[:, :1] - X[:, 1:2] + 0.5 * RNG.normal(size=(60, 1)) > 0).astype(np.float32)
PLAN = Plan(
    (Dense(4, activation="tanh"), Dense(1, activation="sigmoid")), loss="binary_crossentropy", optimizer=Adam(0.03),
    batch_size=10, epochs=9, seed=0,
)  # fmt: skip
SPACE = {"learning_rate": LogUniform(1e-3, 1e-1), "l2": Uniform(0.001, 0.1)}


def tried(space=SPACE, method="random", trials=4, **more):
    return search(PLAN, X, Y, space, method, trials, **{"folds": 3, "scoring": "-loss", **more})


@pytest.fixture(scope="module")
def drawn():
    return tried()


def test_a_trial_scores_what_its_plan_scores_in_cross_validation(drawn):
    for row in drawn.table:
        alone = cross_validate(PLAN.edit(row["values"]), X, Y, folds=3, scoring="-loss")
        assert row["scores"] == pytest.approx(alone.scores[0].tolist(), rel=1e-5)
        assert row["score"] == pytest.approx(alone.mean, rel=1e-5)
        assert (row["low"], row["high"]) == pytest.approx(alone.interval, rel=1e-4)
        assert (row["state"], row["epochs"]) == ("complete", [9, 9, 9])


def test_the_best_is_the_highest_score(drawn):
    best = max(drawn.table, key=lambda row: row["score"])
    assert drawn.best_score == best["score"]
    assert drawn.best_values == best["values"]
    assert drawn.best_plan == PLAN.edit(best["values"])
    whole = train(PLAN.edit(best["values"]), (X, Y))
    assert drawn.best_model.predict(X, verbose=0) == pytest.approx(whole.predict(X), abs=1e-5)
    assert "Search(random, 4 trials, best -loss" in repr(drawn)


def test_the_seed_fixes_everything(drawn):
    assert tried().table == drawn.table
    assert [row["values"] for row in tried(seed=1).table] != [row["values"] for row in drawn.table]


def test_all_trials_of_one_structure_are_one_program():
    group._EXECUTABLES.clear()  # it keeps a number of programs only, and may be full
    tried({"learning_rate": [0.01, 0.02, 0.05], "l2": [0.01, 0.02], "layers.0.units": [5, 6]}, "grid")
    assert len(group._EXECUTABLES) == 2


def test_a_grid_is_all_products():
    found = tried({"learning_rate": [0.01, 0.1], "layers.0.units": [4, 5]}, "grid", trials=1)
    assert [tuple(row["values"].values()) for row in found.table] == [(0.01, 4), (0.01, 5), (0.1, 4), (0.1, 5)]
    assert [row["trial"] for row in found.table] == [0, 1, 2, 3]


def test_trials_by_hand():
    found = tried([{}, {"learning_rate": 0.1}])
    assert found.method == "manual"
    assert [row["values"] for row in found.table] == [{}, {"learning_rate": 0.1}]
    assert found.to_dict()["space"] is None


def test_one_validation_share():
    found = tried(folds=None, validation=0.25, trials=2)
    assert [len(row["scores"]) for row in found.table] == [1, 1]
    assert found.table[0]["low"] is None
    json.dumps(found.to_dict(), allow_nan=False)


def test_early_stopping_lends_its_epochs_to_the_final_training():
    stop = EarlyStopping("val_loss", patience=1, restore_best_weights=True)
    found = tried([{"learning_rate": 0.3}], "manual", callbacks=[stop], epochs=40)
    wanted = max(1, round(np.mean(found.best["epochs"])))
    assert wanted < 40
    assert found.best_model._run.epochs == wanted


def test_a_trial_that_diverges_fails_and_the_others_do_not():
    linear = Plan((Dense(1),), optimizer=SGD(0.01), batch_size=10, epochs=40, dtype="float32")
    found = search(linear, X, Y, [{"learning_rate": 1e6}, {}], "manual", folds=3, scoring="-mse")
    assert [row["state"] for row in found.table] == ["failed", "complete"]
    assert found.table[0]["score"] is None
    assert found.best["trial"] == 1
    json.dumps(found.to_dict(), allow_nan=False)
    with pytest.raises(InputError, match="No trial has a finite score"):
        _ = search(linear, X, Y, [{"learning_rate": 1e6}], "manual", folds=3, scoring="-mse").best


# -- Bayes ---------------------------------------------------------------------------------------------------------


def bowl(trials):
    yield [{"trial": t.number, "values": t.values, "score": -((t.values["x"] - 1) ** 2)
            - (math.log10(t.values["y"]) + 1.5) ** 2 - (t.values["c"] != "b")} for t in trials]  # fmt: skip


def test_bayes_beats_the_median_of_chance():
    pytest.importorskip("optuna")
    space = Space.of({"x": Uniform(-3.0, 3.0), "y": LogUniform(1e-3, 1.0), "c": ["a", "b", "c"]})

    def best(sampler):
        return max(row["score"] for row in carry_out(sampler, bowl))

    chance = []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        chance.append(best(Listed([space.draw(rng) for _ in range(40)])))
    for seed in range(3):
        assert best(Bayes(space, 40, 8, seed)) > np.median(chance)


def test_bayes_keeps_away_from_where_training_fails():
    pytest.importorskip("optuna")
    edge = 0.3
    space = Space.of({"x": Uniform(0.0, 1.0), "y": LogUniform(1e-4, 1.0), "z": Uniform(0.0, 1.0)})

    def cliff(trials):
        for t in trials:
            share = 1 + math.log10(t.values["y"]) / 4
            score = -((t.values["x"] - 0.5) ** 2) - 4 * (share - edge + 0.2) ** 2
            yield [{"trial": t.number, "values": t.values, "score": None if share > edge else score}]

    failed = [[row["score"] is None for row in carry_out(Bayes(space, 64, 8, seed), cliff)] for seed in range(8)]
    # By chance 1 - edge of them fail, and the best lies well clear of the edge: what is learnt in the first half shows
    # in the second. (With failed trials left out, as Optuna does, 0.8 times as many fail as by chance.)
    assert np.mean(failed, axis=0)[32:].mean() < 0.5 * (1 - edge)


def test_bayes_does_not_go_where_all_failed_so_far():
    pytest.importorskip("optuna")
    space = Space.of({"x": Uniform(0.0, 1.0), "y": Uniform(0.0, 1.0)})

    def nothing(trials):
        yield [{"trial": t.number, "values": t.values, "score": math.nan if t.number % 2 else None} for t in trials]

    rows = carry_out(Bayes(space, 64, 8, 0), nothing)
    late = np.array([list(row["values"].values()) for row in rows[32:]])
    # Still by chance: points crowded around failed ones would have a spread far below that of a square, 0.29.
    assert (late.std(0) > 0.2).all()


def test_bayes_says_nothing_of_what_is_new_in_optuna(recwarn):
    pytest.importorskip("optuna")
    carry_out(Bayes(Space.of({"x": Uniform(-3.0, 3.0), "y": LogUniform(1e-3, 1.0), "c": ["a", "b"]}), 16, 8, 0), bowl)
    assert not list(recwarn)


def test_bayes_asks_in_batches_and_goes_on_where_it_was():
    pytest.importorskip("optuna")
    pieces = []
    whole = tried(method="bayes", trials=7, batch=3, listen=lambda rows: pieces.append(len(rows)))
    assert pieces == [3, 3, 1]
    cut = []
    tried(method="bayes", trials=7, batch=3, listen=lambda rows: cut.extend(rows) or len(cut) > 3)
    done = [json.loads(json.dumps(plain_row(row))) for row in cut]
    assert len(done) == 6
    again = []
    assert tried(method="bayes", trials=7, batch=3, resume=done, listen=again.extend).table == whole.table
    assert [row["trial"] for row in again] == [6]


def test_without_optuna_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(InputError, match="pip install") as caught:
        tried(method="bayes")
    assert "jindan[search]" in str(caught.value)


# -- going on ------------------------------------------------------------------------------------------------------


def test_trials_done_are_read_back(drawn, tmp_path):
    file = tmp_path / "trials.jsonl"
    lines = [json.dumps(plain_row(row)) for row in drawn.table[1:3]]
    file.write_text("\n".join([*lines, '{"trial": 3, "val']))  # cut off while it was written
    told = []
    assert tried(resume=file, listen=told.extend).table == drawn.table
    assert sorted(row["trial"] for row in told) == [0, 3]


def test_trials_of_another_search_are_refused(drawn, tmp_path):
    with pytest.raises(InputError, match="another search"):
        tried(seed=1, resume=drawn.table)
    (tmp_path / "t").write_text("nonsense\n{}\n")
    with pytest.raises(FileError, match="damaged"):
        tried(resume=tmp_path / "t")
    with pytest.raises(FileError, match="cannot be read"):
        tried(resume=tmp_path / "none")


def test_a_ctrl_c_ends_it_once_the_finished_trials_are_told():
    told = []

    def evaluate(trials):
        for trial in trials:
            if trial.number == 1:
                signal.raise_signal(signal.SIGINT)  # as in a training that ends in the same moment
            yield [{"trial": trial.number, "values": trial.values, "score": 1.0}]

    with pytest.raises(KeyboardInterrupt):
        carry_out(Listed([{}] * 4), evaluate, listen=told.extend)
    assert [row["trial"] for row in told] == [0, 1]


# -- halving -------------------------------------------------------------------------------------------------------


def test_halving_keeps_the_best_third_and_its_survivors_are_as_alone():
    found = tried(method="halving", trials=9)
    assert rungs(9, 9) == [(1, 3), (3, 1)]
    ends = [row["epochs"][0] for row in found.table]
    assert sorted(ends) == [1] * 6 + [3] * 2 + [9]
    assert [row["state"] == "complete" for row in found.table] == [end == 9 for end in ends]
    first = [cross_validate(PLAN.edit(row["values"]).replace(epochs=1), X, Y, folds=3, scoring="-loss").mean
             for row in found.table]  # fmt: skip
    assert sorted(np.argsort(first)[-3:]) == [k for k, end in enumerate(ends) if end > 1]
    for row in found.table:
        plan = PLAN.edit(row["values"]).replace(epochs=row["epochs"][0])
        alone = cross_validate(plan, X, Y, folds=3, scoring="-loss")
        assert row["scores"] == pytest.approx(alone.scores[0].tolist(), rel=1e-5)
    assert found.best["state"] == "complete"


def test_halving_and_epochs_in_the_space():
    with pytest.raises(InputError, match="Halving decides itself how long trials train"):
        tried({"epochs": [1, 9]}, "halving")


def test_halving_goes_on_after_a_ctrl_c(monkeypatch):
    """Trials stopped before it are kept and not trained again; the rest ends as if nothing had happened."""
    whole = tried(method="halving", trials=9)
    sizes = []
    ask = Halving.__call__

    def cut(self, epoch, histories):
        sizes.append(self.trials)
        losers = ask(self, epoch, histories)
        if epoch == 1 and len(sizes) == 1:
            signal.raise_signal(signal.SIGINT)
        return losers

    monkeypatch.setattr(Halving, "__call__", cut)
    told = []
    with pytest.raises(KeyboardInterrupt):
        tried(method="halving", trials=9, listen=told.extend)
    assert sorted(row["trial"] for row in told) == [row["trial"] for row in whole.table if row["epochs"][0] == 1]
    again = []
    found = tried(method="halving", trials=9, resume=told, listen=again.extend)
    assert sizes == [9, 3, 3]  # at the first rung nobody of the three has to go
    assert len(again) == 3
    for row, wanted in zip(found.table, whole.table, strict=True):
        assert (row["values"], row["epochs"], row["state"]) == (wanted["values"], wanted["epochs"], wanted["state"])
        assert row["scores"] == pytest.approx(wanted["scores"], rel=1e-5)  # populations of other sizes, other products


def test_halving_cut_before_the_first_rung_tells_nothing(monkeypatch):
    def cut(self, epoch, histories):
        signal.raise_signal(signal.SIGINT)
        return []

    monkeypatch.setattr(Halving, "__call__", cut)
    told = []
    with pytest.raises(KeyboardInterrupt):
        tried(method="halving", trials=9, listen=told.append)
    assert told == []


# -- nested --------------------------------------------------------------------------------------------------------


def test_nested_scores_come_from_rows_the_search_has_not_seen():
    values = [0.001, 0.1]
    found = tried({"learning_rate": values}, "grid", nested=3)
    outer = [(train_rows, test) for train_rows, test in cross_validate(PLAN, X, Y, folds=3).folds]
    for score, (inside, outside) in zip(found.nested_scores, outer, strict=True):
        inner = tried({"learning_rate": values}, "grid")  # the scores of all rows choose here …
        mine = search(PLAN, X[inside], Y[inside], {"learning_rate": values}, "grid", folds=3, scoring="-loss")
        assert mine.best_values in ({"learning_rate": 0.1}, inner.best_values)
        plan = PLAN.edit(mine.best_values)
        run = train(plan.replace(rows=inside), (X, Y))
        p = np.clip(run.predict(X[outside]).astype(np.float64), 1e-7, 1 - 1e-7)
        truth = Y[outside]
        assert score == pytest.approx(float((truth * np.log(p) + (1 - truth) * np.log(1 - p)).mean()), rel=1e-4)
    assert found.nested_mean == pytest.approx(np.mean(found.nested_scores))
    assert found.nested_interval[0] < found.nested_mean < found.nested_interval[1]
    assert found.to_dict()["nested"]["mean"] == found.nested_mean


def test_nested_search_goes_on_where_it_was_ended():
    """Trials of the searches within outer folds are told with the fold, and not trained again."""
    space, told = {"learning_rate": [0.001, 0.03, 0.1]}, []
    whole = tried(space, "grid", nested=2, listen=told.extend)
    assert [row.get("outer") for row in told] == [None] * 3 + [0] * 3 + [1] * 3
    again = []
    found = tried(space, "grid", nested=2, resume=told[:5], listen=again.extend)
    assert [(row.get("outer"), row["trial"]) for row in again] == [(0, 2), (1, 0), (1, 1), (1, 2)]
    assert found.nested_scores == pytest.approx(whole.nested_scores, rel=1e-6)
    assert found.table == whole.table


# -- what is wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"method": "baies"}, "Did you mean `bayes`?"),
        ({"space": {"learningrate": [1]}}, "Did you mean `learning_rate`?"),
        ({"space": [{"learning_rat": 1}], "method": "manual"}, "Did you mean `learning_rate`?"),
        ({"space": [3], "method": "manual"}, "A trial is a dict of edits."),
        ({"space": [], "method": "manual"}, "There are no trials."),
        ({"space": [{}], "method": "bayes"}, 'The method "bayes" does not go with this space.'),
        ({"space": {"l2": [1]}, "method": "manual"}, "a list of edits"),
        ({"trials": 0}, "trials is a whole number."),
        ({"batch": 0}, "batch is a whole number."),
        ({"folds": 1, "validation": 1.5}, "The validation share lies between 0 and 1."),
        ({"folds": 100}, "fold"),
        ({"scoring": "acuracy"}, "Did you mean `accuracy`?"),
        ({"nested": 3, "folds": [(np.arange(9), np.arange(9, 12))]}, "Nested folds are drawn anew."),
    ],
)
def test_what_is_wrong_is_said(given, words):
    with pytest.raises(InputError) as caught:
        tried(**given)
    assert words in str(caught.value)


def test_a_picture_of_no_such_kind(drawn):
    with pytest.raises(UnknownNameError, match="parallel"):
        drawn.plot("paralell")


@pytest.mark.parametrize("kind", ["parallel", "importance", "curves"])
def test_pictures_are_svg_of_their_own(drawn, kind, tmp_path):
    drawing = drawn.plot(kind, tmp_path / "p.svg")
    assert drawing.svg.startswith("<svg")
    assert "<style>" in drawing.svg
    assert (tmp_path / "p.svg").read_text() == drawing.svg


def test_a_search_is_a_value(drawn):
    assert isinstance(drawn, Search)
    with pytest.raises(AttributeError):
        drawn.method = "grid"
