"""Members stopped at rungs are as if trained for so many epochs; the others as if nobody had been stopped."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.callbacks import EarlyStopping
from jindan.engine import group
from jindan.engine.train import train
from jindan.errors import InputError
from jindan.layers import Dense
from jindan.optimizers import Adam
from jindan.plan import Plan

from .helpers import blobs, same_run

X, _, Y = blobs(26)
BASE = Plan(
    (Dense(4, activation="tanh"), Dense(3, activation="softmax")), loss="categorical_crossentropy",
    optimizer=Adam(0.03), batch_size=5, epochs=9, seed=0, dtype="float64", validation_rows=np.arange(20, 26),
    rows=np.arange(20),
)  # fmt: skip
RATES = (0.001, 0.003, 0.01, 0.03, 0.1)


class Stop:
    """Stops given plans at given epochs and keeps what it was told."""

    def __init__(self, plan):
        self.plan, self.epochs, self.told = plan, list(plan), []

    def __call__(self, epoch, histories):
        self.told.append((epoch, [len(history["loss"]) for history in histories]))
        return self.plan[epoch]


def test_members_end_where_they_are_told_and_nothing_is_compiled_again():
    plans = [BASE.edit({"learning_rate": rate}) for rate in RATES]
    prune = Stop({2: [0, 3], 5: [4]})
    group._EXECUTABLES.clear()  # it keeps a number of programs only, and may be full
    runs = train(plans, (X, Y), prune=prune)
    assert len(group._EXECUTABLES) == 1
    assert prune.told == [(2, [2] * 5), (5, [2, 5, 5, 2, 5])]
    ends = [2, 9, 9, 2, 5]
    assert [run.epochs for run in runs] == ends
    assert all(run.complete and not run.stopped_early for run in runs)
    for run, plan, end in zip(runs, plans, ends, strict=True):
        same_run(run, train(plan.replace(epochs=end), (X, Y)))


def test_plans_of_several_structures_are_told_of_together():
    wide = BASE.edit({"layers.0.units": 5})
    plans = [BASE, wide, BASE.edit({"learning_rate": 0.1})]
    prune = Stop({3: [1, 2]})
    runs = train(plans, (X, Y), prune=prune)
    assert prune.told == [(3, [3, 3, 3])]
    assert [run.epochs for run in runs] == [9, 3, 3]
    same_run(runs[1], train(wide.replace(epochs=3), (X, Y)))


def test_a_group_that_ended_by_itself_is_told_of_with_what_it_has():
    short = BASE.edit({"layers.0.units": 5, "epochs": 2})
    prune = Stop({1: [], 3: [1]})
    runs = train([short, BASE], (X, Y), prune=prune)
    assert prune.told == [(1, [1, 1]), (3, [2, 3])]
    assert [run.epochs for run in runs] == [2, 3]


def test_early_stopping_goes_on_beside_it():
    watched = BASE.replace(early_stopping=EarlyStopping("val_loss", patience=1, restore_best_weights=True))
    plans = [watched.edit({"learning_rate": 3.0}), watched]
    runs = train(plans, (X, Y), prune=Stop({4: [1]}))
    assert runs[0].stopped_early
    assert runs[0].epochs == train(plans[0], (X, Y)).epochs
    assert runs[1].epochs == 4
    same_run(runs[1], train(watched.replace(epochs=4), (X, Y)))


@pytest.mark.parametrize("rungs", [{}, {9: [0]}, {20: [0]}])
def test_rungs_that_do_not_come_change_nothing(rungs):
    (run,) = train([BASE], (X, Y), prune=Stop(rungs))
    same_run(run, train(BASE, (X, Y)))


def test_a_member_alone_is_stopped_too():
    (run,) = train([BASE], (X, Y), prune=Stop({4: [0]}))
    assert run.epochs == 4
    assert run.complete
    same_run(run, train(BASE.replace(epochs=4), (X, Y)))


def test_a_plan_that_there_is_not():
    with pytest.raises(InputError, match="prune stops a plan that there is not"):
        train([BASE], (X, Y), prune=Stop({4: [3]}))
