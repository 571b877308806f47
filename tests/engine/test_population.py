"""A member of a population equals the same plan alone, whatever the members differ in."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.callbacks import EarlyStopping, ReduceLROnPlateau
from jindan.engine.train import train
from jindan.layers import Dense, Dropout
from jindan.losses import CategoricalCrossentropy
from jindan.optimizers import Adam
from jindan.plan import Plan

from .helpers import blobs, classifier, same_run

X, _, Y = blobs(26)
VALIDATION = (blobs(9, seed=5)[0], blobs(9, seed=5)[2])
DATA = (X, Y, None, VALIDATION)

BASE = Plan(
    (Dense(4, activation="tanh"), Dropout(0.3), Dense(3, activation="softmax")),
    loss=CategoricalCrossentropy(label_smoothing=0.1),
    optimizer=Adam(0.03),
    metrics=("accuracy",),
    batch_size=5,
    epochs=8,
    seed=0,
    l2=0.01,
    weight_noise=0.05,
    dtype="float64",
)
# Folds of three lengths; the last one names some rows twice, as a bootstrap does.
FOLDS = [np.arange(0, 26, 2), np.arange(17), np.random.default_rng(0).integers(0, 26, 22)]

VARIED = {
    "rate": {"learning_rate": (0.01, 0.03, 0.1)},
    "seed": {"seed": (0, 7, 2**31)},
    "penalty": {"l2": (0.001, 0.01, 0.1)},
    "dropout": {"layers.1.rate": (0.1, 0.3, 0.6)},
    "label smoothing": {"loss.label_smoothing": (0.05, 0.1, 0.4)},
    "weight noise": {"weight_noise": (0.01, 0.05, 0.2)},
    "initial scale": {"initial_scale": (0.5, 1.0, 2.0)},
    "folds, epochs and all else": {
        "rows": FOLDS,
        "validation_rows": [np.setdiff1d(np.arange(26), fold) for fold in FOLDS],
        "epochs": (8, 2, 6),
        "learning_rate": (0.1, 0.03, 0.05),
        "seed": (5, 6, 7),
        "layers.1.rate": (0.5, 0.3, 0.1),
    },
}


def members(base, varied):
    return [base.edit({path: values[i] for path, values in varied.items()}) for i in range(3)]


@pytest.mark.parametrize("name", VARIED)
def test_a_member_equals_its_plan_alone(name):
    plans = members(BASE, VARIED[name])
    runs = train(plans, DATA)
    assert len({run.history["loss"][0] for run in runs}) == 3, "the members do not differ"
    for plan, run in zip(plans, runs, strict=True):
        assert run.plan == plan  # in the order of the plans
        assert run.epochs == plan.epochs
        same_run(run, train(plan, DATA))


WATCHED = BASE.edit(
    epochs=25,
    learning_rate=0.2,
    early_stopping=EarlyStopping(patience=2, restore_best_weights=True),
    reduce_on_plateau=ReduceLROnPlateau(patience=1, factor=0.5, cooldown=1),
)


def test_members_stop_by_themselves():
    """Other seeds, rates and patience: each stops, slows and restores as it would alone."""
    varied = {
        "seed": (0, 1, 2), "learning_rate": (0.05, 0.2, 0.4), "early_stopping.patience": (2, 4, 6),
    }  # fmt: skip
    plans = members(WATCHED, varied)
    runs = train(plans, DATA)
    assert len({run.epochs for run in runs}) > 1
    assert any(run.stopped_early for run in runs)
    for plan, run in zip(plans, runs, strict=True):
        same_run(run, train(plan, DATA))
    for run, cut in zip(runs, train(plans, DATA, chunk_seconds=1e-6), strict=True):
        same_run(cut, run, 0)


def test_plans_of_other_structure_mix_in_one_call():
    """A traced zero would still cost its computation: members without dropout are compiled, and run, apart."""
    plans = [BASE.edit({"layers.1.rate": rate, "seed": i}) for i, rate in enumerate((0.0, 0.3, 0.0, 0.6, 0.2))]
    assert plans[0].structure == plans[2].structure != plans[1].structure == plans[3].structure
    runs = train(plans, DATA)
    assert [run.plan for run in runs] == plans
    for plan, run in zip(plans, runs, strict=True):
        same_run(run, train(plan, DATA))


def test_a_fold_equals_training_on_those_rows_only():
    """Row numbers are only another way to name a smaller data set."""
    rows = np.array([3, 4, 7, 8, 11, 20, 21])
    plan = classifier(epochs=4)
    same_run(train(plan.edit(rows=rows), DATA), train(plan, (X[rows], Y[rows], None, VALIDATION)))


def test_row_weights_reach_every_member():
    weight = np.random.default_rng(1).uniform(0, 2, 26)
    plans = [classifier(epochs=3, seed=seed) for seed in range(3)]
    for plan, run in zip(plans, train(plans, (X, Y, weight)), strict=True):
        same_run(run, train(plan, (X, Y, weight)))


def test_a_population_goes_on_from_its_runs():
    plans = [classifier(epochs=2, seed=i) for i in range(3)]
    first = train(plans, DATA)
    for start, plan, run in zip(first, plans, train(plans, DATA, start=first), strict=True):
        same_run(run, train(plan, DATA, start=start))


def test_no_plans_are_no_runs():
    assert train([], DATA) == []
