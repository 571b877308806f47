"""Studies take `fit`'s arguments, and each means what it means there."""

from __future__ import annotations

import inspect
import warnings

import numpy as np
import pytest

from jindan.callbacks import EarlyStopping
from jindan.data import StandardScaler
from jindan.errors import InputError, JindanWarning
from jindan.layers import Dense
from jindan.models import Model, Sequential
from jindan.plan import Plan
from jindan.select.batch_sizes import batch_size_study
from jindan.select.curves import learning_curve
from jindan.select.decomposition import bias_variance
from jindan.select.ensembles import bagging, deep_ensemble
from jindan.select.rates import lr_range_test
from jindan.select.searching import search
from jindan.select.seeds import seed_study
from jindan.select.stacking import stack
from jindan.select.task import FIT, task_of
from jindan.select.validation import cross_validate

RNG = np.random.default_rng(11)
X = RNG.normal(size=(50, 3)).astype(np.float32)
Y = (X[:, 0] + 0.5 * RNG.normal(size=50) > 0).astype(np.float32)
FIRST, LAST = slice(40), slice(40, None)
PLAN = Plan((Dense(3, activation="tanh"), Dense(1, activation="sigmoid")), loss="binary_crossentropy", optimizer="adam",
            batch_size=8, epochs=4)  # fmt: skip
STOP = EarlyStopping(patience=1, restore_best_weights=True)
STUDIES = {
    "cross_validate": lambda x, y, **fit: cross_validate(PLAN, x, y, folds=2, **fit).scores,
    "bagging": lambda x, y, **fit: bagging(PLAN, x, y, n=2, **fit).predict_members(X),
    "deep_ensemble": lambda x, y, **fit: deep_ensemble(PLAN, x, y, n=2, **fit).predict_members(X),
    "stack": lambda x, y, **fit: stack([PLAN], x, y, folds=2, **fit).predict(X),
    "search": lambda x, y, **fit: search(PLAN, x, y, {"l2": [0.01, 0.1]}, "grid", folds=2, **fit).best["scores"],
    "halving": lambda x, y, **fit: [
        row["scores"] for row in search(PLAN, x, y, {"l2": [0.01, 0.1, 0.3]}, "halving", 3, folds=2, **fit).table
    ],
    "seed_study": lambda x, y, **fit: seed_study(PLAN, x, y, seeds=2, **fit).scores,
    "batch_size_study": lambda x, y, **fit: batch_size_study(PLAN, x, y, sizes=(8,), seeds=2, **fit).scores_epochs,
    "bias_variance": lambda x, y, **fit: bias_variance(PLAN, x, y, X, Y, bootstraps=2, **fit).rows["main"],
    "learning_curve": lambda x, y, **fit: learning_curve(PLAN, x, y, sizes=(0.5, 1.0), folds=2, **fit).validation,
    "lr_range_test": lambda x, y, **fit: lr_range_test(PLAN, x, y, steps=3, updates=2, **fit).after,
}  # fmt: skip


def test_they_are_fits_arguments():
    assert set(FIT) == set(inspect.signature(Model.fit).parameters) - {"self", "x", "y", "seed"}


@pytest.mark.parametrize("study", STUDIES.values(), ids=STUDIES)
def test_a_split_puts_the_last_rows_aside_to_be_watched(study):
    split = study(X, Y, callbacks=[STOP], validation_split=0.2)
    given = study(X[FIRST], Y[FIRST], callbacks=[STOP], validation_data=(X[LAST], Y[LAST]))
    np.testing.assert_array_equal(split, given)


def test_the_rows_put_aside_are_neither_trained_on_nor_judged():
    groups = np.repeat(np.arange(10), 5)
    found = cross_validate(PLAN, X, Y, folds=4, groups=groups, callbacks=[STOP], validation_split=0.2)
    assert sorted(np.concatenate([test for _, test in found.folds]).tolist()) == list(range(40))
    assert all(max(run.plan.rows.tolist()) < 40 and "val_loss" in run.history for run in found.runs)
    with pytest.raises(InputError, match="one value a row"):
        cross_validate(PLAN, X, Y, folds=4, groups=groups[FIRST], validation_split=0.2)
    with pytest.raises(InputError, match="other rows of the ones to watch"):
        cross_validate(PLAN, X, Y, folds=2, preprocessing=StandardScaler(), validation_split=0.2)


def test_a_search_watches_the_rows_given_to_the_end():
    watched = (X[LAST], 1 - Y[LAST])  # turned about: learning makes their loss rise
    found = search(PLAN, X[FIRST], Y[FIRST], {"learning_rate": [0.1]}, "grid", folds=2, epochs=12, callbacks=[STOP],
                   validation_data=watched)  # fmt: skip
    assert max(found.best["epochs"]) < 12
    assert found.best_model._run.plan.early_stopping == STOP
    other = search(PLAN, X[FIRST], Y[FIRST], {"learning_rate": [0.1]}, "grid", folds=2, epochs=12, callbacks=[STOP])
    assert other.best["of"] != found.best["of"]  # its rows are not those of this search


def test_epochs_are_counted_from_the_first_one():
    model = Sequential([Dense(1, activation="sigmoid", input_shape=(3,))])
    model.compile("adam", "binary_crossentropy")
    plans = [task_of(each, X, Y, epochs=5, initial_epoch=2).plan for each in (model, PLAN)]
    assert {(plan.epochs, plan.initial_epoch) for plan in plans} == {(3, 2)}
    assert task_of(PLAN, X, Y, initial_epoch=9).plan.epochs == 0


def test_validation_steps_leave_the_first_rows_to_watch():
    task = task_of(PLAN, X, Y, validation_split=0.2, validation_steps=2, validation_batch_size=3)
    np.testing.assert_array_equal(task.data.validation.x, X[40:46])
    assert (len(task), task.aside) == (40, 10)


def test_a_doctor_looks_before_a_population_is_trained():
    odd = np.where(np.arange(50)[:, None] == 7, np.inf, X)
    with pytest.warns(JindanWarning, match="infinity in 3 places, first in row 7"):
        task_of(PLAN, odd, Y, doctor=True)
    for doctor in (None, False):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            task_of(PLAN, odd, Y, doctor=doctor)


@pytest.mark.parametrize(
    ("argument", "words"),
    [
        ({"doctor": "watch"}, "A doctor watches one training."),
        ({"steps_per_epoch": 3}, "Members differ in how many batches their rows make."),
        ({"validation_freq": 2}, "Validation is part of every epoch's program."),
        ({"validation_split": 1.5}, "validation_split is a share."),
        ({"initial_epoch": -1}, "initial_epoch is a whole number."),
        ({"validation_steps": 0}, "validation_steps is a whole number."),
    ],
)
def test_what_has_no_meaning_is_refused(argument, words):
    with pytest.raises(InputError, match=words):
        cross_validate(PLAN, X, Y, **argument)
