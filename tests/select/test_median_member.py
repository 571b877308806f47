"""Ensembles of every kind beat their median member on real rows."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.preprocessing import StandardScaler

from jindan.layers import Dense
from jindan.optimizers import Adam
from jindan.plan import Plan
from jindan.select.ensembles import deep_ensemble, snapshot_ensemble
from jindan.select.stacking import stack

FIT = {"epochs": 40, "batch_size": 32}
SETS = {
    "breast_cancer": (load_breast_cancer, "sigmoid", "binary_crossentropy"),
    "diabetes": (load_diabetes, None, "mse"),
}


def rows_of(name):
    x, y = SETS[name][0](return_X_y=True)
    order = np.random.default_rng(0).permutation(len(x))
    cut = len(x) * 2 // 3
    scaled = StandardScaler().fit(x[order[:cut]]).transform(x[order]).astype(np.float32)
    y = y[order].astype(np.float64)
    y = (y - y[:cut].mean()) / y[:cut].std() if name == "diabetes" else y
    return scaled[:cut], y[:cut], scaled[cut:], y[cut:]


def plan_of(name, units=16):
    _, activation, loss = SETS[name]
    return Plan((Dense(units, activation="relu"), Dense(1, activation=activation)), loss=loss, optimizer=Adam(0.01))


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("make", [deep_ensemble, snapshot_ensemble])
def test_members_together_beat_their_median(name, make):
    x, y, x_test, y_test = rows_of(name)
    ensemble = make(plan_of(name), x, y, n=8, **FIT)
    assert ensemble.score(x_test, y_test, "-loss") > np.median(ensemble.member_scores(x_test, y_test, "-loss"))
    # Accuracy moves in steps of a row, so that it may equal a median where members are nearly all right.
    assert ensemble.score(x_test, y_test) >= np.median(ensemble.member_scores(x_test, y_test))


@pytest.mark.parametrize("name", SETS)
def test_a_stack_beats_its_median_model(name):
    x, y, x_test, y_test = rows_of(name)
    found = stack([plan_of(name, units) for units in (2, 8, 32)], x, y, folds=4, **FIT)
    guess, each = found.predict(x_test)[:, 0], [m.predict(x_test, verbose=0)[:, 0] for m in found.models.values()]
    if name == "diabetes":
        errors = [np.mean((p - y_test) ** 2) for p in (guess, *each)]
        assert errors[0] < np.median(errors[1:])
        return
    losses = [-np.mean(np.log(np.clip(np.where(y_test == 1, p, 1 - p), 1e-7, 1))) for p in (guess, *each)]
    assert losses[0] < np.median(losses[1:])
    right = [np.mean((p > 0.5) == y_test) for p in (guess, *each)]
    assert right[0] >= np.median(right[1:])  # a tie is one of whole rows, see above
