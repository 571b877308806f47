"""What members of a cross-validation see: rows to train on, to watch and to be judged by, and their first weights."""

from __future__ import annotations

import signal

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, KFold, TimeSeriesSplit

from jindan.callbacks import EarlyStopping, ReduceLROnPlateau
from jindan.data import StandardScaler
from jindan.engine import group
from jindan.engine.train import train
from jindan.errors import InputError
from jindan.layers import Dense
from jindan.losses import SparseCategoricalCrossentropy
from jindan.models import Model, Sequential
from jindan.plan import Plan
from jindan.select.curves import learning_curve
from jindan.select.ensembles import bagging, deep_ensemble
from jindan.select.importance import select_features
from jindan.select.rates import lr_range_test
from jindan.select.scoring import scoring_of
from jindan.select.searching import search
from jindan.select.seeds import seed_study
from jindan.select.validation import cross_validate

RNG = np.random.default_rng(5)
X = RNG.normal(size=(60, 3)).astype(np.float32)
Y = (X[:, 0] + 0.5 * RNG.normal(size=60) > 0).astype(np.float32)
PLAN = Plan((Dense(3, activation="tanh"), Dense(1, activation="sigmoid")), loss="binary_crossentropy", optimizer="adam",
            batch_size=8, epochs=6)  # fmt: skip
LINE = Plan((Dense(1),), loss="mse", optimizer="adam", batch_size=8, epochs=2)
STOP = EarlyStopping(patience=1, restore_best_weights=True)


# -- rows that are watched ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("watch", [STOP, ReduceLROnPlateau(patience=1)], ids=lambda w: type(w).__name__)
def test_a_member_never_watches_the_rows_it_is_judged_by(watch):
    found = cross_validate(PLAN, X, Y, folds=3, callbacks=[watch])
    for run, (rows, held) in zip(found.runs, found.folds, strict=True):
        own, watched = set(run.plan.rows.tolist()), set(run.plan.validation_rows.tolist())
        assert own | watched == set(rows.tolist())
        assert not own & watched
        assert not watched & set(held.tolist())
        alone = train(run.plan, (X, Y))
        assert alone.epochs == run.epochs
        np.testing.assert_allclose(alone.predict(X[held]), run.predict(X[held]), atol=1e-5)  # float32, another product


def test_validation_data_are_watched_where_given():
    other = (X[::-1], Y[::-1])
    found = cross_validate(PLAN, X, Y, folds=3, callbacks=[STOP], validation_data=other)
    for run, (rows, _) in zip(found.runs, found.folds, strict=True):
        assert run.plan.rows.tolist() == rows.tolist()
        assert run.plan.validation_rows is None
        assert "val_loss" in run.history
    with pytest.raises(InputError, match="other rows of the ones to watch"):
        cross_validate(PLAN, X, Y, folds=3, callbacks=[STOP], validation_data=other, preprocessing=StandardScaler())


def test_preprocessing_and_a_watcher_stay_within_the_fold():
    found = cross_validate(PLAN, X, Y, folds=3, callbacks=[STOP], preprocessing=StandardScaler())
    for number, (run, (rows, _)) in enumerate(zip(found.runs, found.folds, strict=True)):
        seen = np.array(run.plan.rows.tolist() + run.plan.validation_rows.tolist()) - number * len(X)
        assert sorted(seen.tolist()) == rows.tolist()


def test_studies_watch_rows_of_the_training_part():
    study = seed_study(PLAN, X, Y, seeds=2, folds=3, callbacks=[STOP])
    assert np.isfinite(study.scores).all()
    curve = learning_curve(PLAN, X, Y, sizes=(1, 2, 0.5), folds=3, callbacks=[STOP])  # one row: no row to watch
    assert np.isfinite(curve.validation).all()


# -- folds ----------------------------------------------------------------------------------------------------------


def test_folds_as_masks_and_of_scikit_learns_splitters():
    mask = np.arange(60) < 40
    (pair,) = cross_validate(LINE, X, Y, folds=[(mask, ~mask)]).folds
    assert (pair[0].tolist(), pair[1].tolist()) == (list(range(40)), list(range(40, 60)))
    groups = np.repeat(np.arange(6), 10)
    for splitter, more in ((KFold(3), {}), (TimeSeriesSplit(3), {}), (GroupKFold(3), {"groups": groups})):
        wanted = list(splitter.split(X, Y, **more))
        found = cross_validate(LINE, X, Y, folds=splitter, **more).folds
        for (a, b), (c, d) in zip(found, wanted, strict=True):
            assert (a.tolist(), b.tolist()) == (c.tolist(), d.tolist())
    (pair,) = cross_validate(LINE, X, Y, folds=[(np.arange(50), [-1, -2])]).folds
    assert pair[1].tolist() == [59, 58]


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"time": True, "repeats": 2}, "come out the same again"),
        ({"groups": np.repeat([0, 1, 2], [10, 20, 30]), "repeats": 4}, "come out the same again"),
        ({"repeats": 0}, "drawn once or more"),
        ({"time": True, "groups": np.arange(60)}, "do not keep groups together"),
        ({"folds": [(np.arange(30), np.arange(30, 60))], "groups": np.arange(60)}, "given are not drawn"),
        ({"folds": [(np.arange(30), np.arange(30, 60))], "time": True}, "given are not drawn"),
        ({"folds": KFold(3), "repeats": 2}, "given are not drawn"),
        ({"folds": [(np.arange(30), np.arange(30, 61))]}, "no rows of the data"),
        ({"folds": [(np.ones(30, bool), np.arange(30, 60))]}, "no rows of the data"),
        ({"folds": [(np.arange(30.0), np.arange(30, 60))]}, "no rows of the data"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_folds_that_would_mislead_are_refused(more, says):
    with pytest.raises(InputError, match=says):
        cross_validate(LINE, X, Y, **{"folds": 3, **more})


def test_repeats_of_groups_of_one_size_differ():
    found = cross_validate(LINE, X, Y, folds=3, groups=np.repeat(np.arange(12), 5), repeats=3)
    assert len({tuple(test) for _, test in found.folds}) == 9


# -- outputs that are no numbers ------------------------------------------------------------------------------------


def test_a_missing_value_is_no_class():
    x = X.copy()
    x[7, 1] = np.nan
    assert np.isnan(cross_validate(PLAN, x, Y, folds=3).mean)
    assert np.isnan(bagging(PLAN, x, Y, n=3).oob_score)
    assert np.isnan(seed_study(PLAN, x, Y, seeds=2).scores).all()
    assert scoring_of(lambda y, p: 1.0, PLAN)(PLAN, Y, np.full((60, 1), np.inf)) != 1.0


def test_roc_auc_reads_logits_and_folds_that_lack_a_class():
    y = np.repeat([0, 1], 50)
    shift = RNG.normal(scale=5, size=100)
    z = np.c_[shift, shift + 2 * y - 1 + RNG.normal(size=100)]
    plan = Plan((Dense(2),), loss=SparseCategoricalCrossentropy(from_logits=True))
    assert scoring_of("roc_auc", plan)(plan, y, z) == pytest.approx(roc_auc_score(y, z[:, 1] - z[:, 0]))
    three = np.r_[np.arange(57) % 2, 2, 2, 2]
    plan = Plan((Dense(3, activation="softmax"),), loss="sparse_categorical_crossentropy")
    p = RNG.dirichlet(np.ones(3), 60)
    whole = scoring_of("roc_auc", plan)(plan, three, p)
    assert whole == pytest.approx(roc_auc_score(three, p, multi_class="ovr"))
    some = scoring_of("roc_auc", plan)(plan, three[:40], p[:40])
    wanted = [roc_auc_score(three[:40] == c, p[:40, c]) for c in (0, 1)]
    assert some == pytest.approx(np.mean(wanted))
    assert np.isnan(scoring_of("roc_auc", plan)(plan, np.zeros(5, int), p[:5]))


def test_several_outputs_a_row_are_judged_by_the_loss():
    y = (X[:, :2] > 0).astype(np.float32)  # yes or no, twice
    plan = Plan((Dense(2, activation="sigmoid"),), loss="binary_crossentropy", epochs=2)
    assert cross_validate(plan, X, y, folds=3).scoring == "-loss"
    assert cross_validate(plan, X, y[:, :1] * [1.0, -1.0] + [0.0, 1.0], folds=3).scoring == "accuracy"  # one-hot


# -- weights that are kept ------------------------------------------------------------------------------------------


def test_frozen_layers_keep_their_weights_and_the_others_are_drawn():
    base = Dense(1, activation="tanh", name="base", trainable=False, input_shape=(3,))
    model = Sequential([base, Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    kernel = np.array([[3.0], [0.0], [0.0]], np.float32)
    model.set_weights([kernel, np.zeros(1), np.array([[-2.0]]), np.zeros(1)])
    found = cross_validate(model, X, Y, folds=3, seeds=2, epochs=1)
    assert all((run.weights[0]["kernel"] == kernel).all() for run in found.runs)
    firsts = {float(run.weights[1]["kernel"][0, 0]) for run in found.runs}
    assert len(firsts) == 6
    assert all(abs(first + 2) > 1e-3 for first in firsts)  # not the model's own, which may have seen the held-out rows
    for run in (*deep_ensemble(model, X, Y, n=2, epochs=1).runs, *bagging(model, X, Y, n=2, epochs=1).runs):
        assert (run.weights[0]["kernel"] == kernel).all()
    best = search(model, X, Y, {"learning_rate": [0.1]}, "grid", folds=3, epochs=1).best_model
    assert (best.get_weights()[0] == kernel).all()
    assert np.isfinite(lr_range_test(model, X, Y, steps=3, updates=4).before)
    assert (model.get_weights()[2] == -2.0).all()


def test_layers_of_another_model_begin_as_they_are_there():
    trunk = Sequential([Dense(4, activation="tanh", input_shape=(3,), name="trunk")])
    kernel = trunk.get_weights()[0]
    taken = trunk.layers[0](trunk.inputs[0])
    model = Model(trunk.inputs[0], Dense(1, activation="sigmoid")(taken))
    model.compile("sgd", "binary_crossentropy")
    found = cross_validate(model, X, Y, folds=3, epochs=1)
    for run in found.runs:
        moved = abs(run.weights[0]["kernel"] - kernel).max()
        assert 0 < moved < 0.05  # a few small updates away from where it came from


# -- Ctrl-C ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def cut_after(monkeypatch):
    """A Ctrl-C during a training's n-th look."""

    def set_up(times):
        looks, saw = [], group.Pace.saw

        def pressed(self, *args):
            looks.append(1)
            if len(looks) == times:
                signal.raise_signal(signal.SIGINT)
            return saw(self, *args)

        monkeypatch.setattr(group.Pace, "saw", pressed)

    return set_up


def test_trials_that_ended_are_told_before_a_ctrl_c_of_the_others(cut_after):
    told = []
    cut_after(2)
    with pytest.raises(KeyboardInterrupt):
        search(LINE, X, Y, {"epochs": [1, 2, 10_000_000]}, "grid", folds=3, listen=told.extend)
    assert [row["epochs"] for row in told] == [[1] * 3, [2] * 3]
    again = search(LINE, X, Y, {"epochs": [1, 2, 3]}, "grid", folds=3)
    assert [row["score"] for row in again.table[:2]] == pytest.approx([row["score"] for row in told], rel=1e-5)


def test_a_rate_range_cut_off_gives_no_figures(cut_after):
    cut_after(1)
    with pytest.raises(KeyboardInterrupt):
        lr_range_test(LINE, X, Y, steps=3, updates=10_000_000)


def test_trials_of_other_rows_are_not_taken_for_these():
    space = {"learning_rate": [0.01, 0.1]}
    done = search(LINE, X, Y, space, "grid", folds=3).table
    assert search(LINE, X, Y, space, "grid", folds=3, resume=done).table[0]["score"] == done[0]["score"]
    for more in ({"y": Y[::-1]}, {"folds": 4}, {"epochs": 3}, {"scoring": "-mae"}):
        given = {"X": X, "y": Y, "folds": 3, **more}
        with pytest.raises(InputError, match="another search"):
            search(LINE, space=space, method="grid", resume=done, **given)


# -- preprocessing in a search --------------------------------------------------------------------------------------


def test_a_search_fits_its_preprocessing_in_each_fold():
    wide = X * [1.0, 100.0, 0.01] + [5.0, 0.0, 3.0]
    space = {"learning_rate": [0.01, 0.1]}
    found = search(PLAN, wide, Y, space, "grid", folds=3, nested=3, preprocessing=StandardScaler(), scoring="-loss")
    for row in found.table:
        alone = cross_validate(PLAN.edit(row["values"]), wide, Y, folds=3, preprocessing=StandardScaler(),
                               scoring="-loss")  # fmt: skip
        assert row["scores"] == pytest.approx(alone.scores[0].tolist(), rel=1e-5)
    outer = cross_validate(PLAN, wide, Y, folds=3).folds
    for score, (inside, outside) in zip(found.nested_scores, outer, strict=True):
        scaler = StandardScaler().fit(wide[inside])
        scaled = [scaler.transform(wide[rows]).astype(np.float32) for rows in (inside, outside)]
        again = search(PLAN, wide[inside], Y[inside], space, "grid", folds=3, preprocessing=StandardScaler(),
                       scoring="-loss")  # fmt: skip
        run = train(again.best_plan, (scaled[0], Y[inside]))
        p = run.predict(scaled[1])[:, 0]
        truth = Y[outside]
        wanted = np.mean(truth * np.log(p) + (1 - truth) * np.log(1 - p))
        assert score == pytest.approx(wanted, rel=1e-4)
    whole = StandardScaler().fit(wide).transform(wide).astype(np.float32)
    run = train(found.best_plan, (whole, Y))
    np.testing.assert_allclose(found.best_model.predict(whole, verbose=0), run.predict(whole), atol=1e-5)


# -- rows watched among groups, in time, and with features left out ---------------------------------------------------


def test_rows_watched_part_no_group_and_come_last_in_time():
    groups = np.repeat(np.arange(12), 5)
    for more in ({"groups": groups}, {"groups": groups, "preprocessing": StandardScaler()}):
        for run, (rows, _) in zip(*_watching(**more), strict=True):
            own, watched = (np.array(part.tolist()) % len(X) for part in (run.plan.rows, run.plan.validation_rows))
            assert not set(groups[own]) & set(groups[watched])
            assert sorted([*own, *watched]) == rows.tolist()
    for more in ({"time": True}, {"folds": TimeSeriesSplit(3)}):
        for run, _ in zip(*_watching(**more), strict=True):
            assert max(run.plan.rows.tolist()) < min(run.plan.validation_rows.tolist())


def _watching(**more):
    found = cross_validate(PLAN, X, Y, callbacks=[STOP], **{"folds": 3, **more})
    return found.runs, found.folds


def test_features_are_selected_with_rows_watched():
    found = select_features(PLAN, X, Y, folds=3, callbacks=[STOP])
    assert found.kept
    with pytest.raises(InputError, match="left out of rows to watch"):
        select_features(PLAN, X, Y, folds=3, callbacks=[STOP], validation_data=(X, Y))
