"""Moments of a training are kept where they should be, and looking changes no bit of it."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan.callbacks import EarlyStopping, ReduceLROnPlateau
from jindan.doctor import keeping
from jindan.doctor.keeping import Keeper
from jindan.engine.packing import LARGEST as PACKED
from jindan.engine.train import train
from jindan.layers import BatchNormalization, Dense, Dropout
from jindan.plan import Plan

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 4)).astype(np.float32)
LABELS = (X[:, 0] > 0).astype(int) + (X[:, 1] > 0)
DATA = (X[:38], LABELS[:38], None, (X[38:], LABELS[38:]))  # 38 rows leave a partial batch
LOSS = "sparse_categorical_crossentropy"


def plan(units=8, **settings):
    layers = (Dense(units, activation="relu"), BatchNormalization(), Dropout(0.3), Dense(3, activation="softmax"))
    base = {"loss": LOSS, "optimizer": "adam", "batch_size": 8, "epochs": 12, "seed": 3, "metrics": ("accuracy",)}
    return Plan(layers, **{**base, **settings})


def bits(run):
    """All that a run holds, as bytes."""
    found = [np.asarray(a).tobytes() for a in jax.tree.leaves((run.weights, run.state))]
    return found, {name: np.asarray(v).tobytes() for name, v in run.history.items()}, run.epochs, run.best_epoch


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"units": PACKED // 4},
        {"optimizer": "sgd", "batch_size": 1},
        {"early_stopping": EarlyStopping(patience=2, restore_best_weights=True), "epochs": 60},
        {"reduce_on_plateau": ReduceLROnPlateau(patience=1), "epochs": 9, "dtype": "float64"},
        {"epochs": 1},
    ],
    ids=["packed", "large", "rows one by one", "early stopping", "plateau", "one epoch"],
)
def test_looking_changes_no_bit(settings):
    keeper = Keeper()
    plain, watched = train(plan(**settings), DATA), train(plan(**settings), DATA, watch=keeper)
    assert bits(plain) == bits(watched)
    assert 3 <= len(keeper.moments) <= 6


def test_moments_are_the_states_that_shorter_trainings_end_with():
    keeper = Keeper()
    run = train(plan(), DATA, watch=keeper)
    assert [m.epoch for m in keeper.moments] == [0, 1, 2, 3, 6, 12]
    assert [m.update for m in keeper.moments] == [5 * m.epoch for m in keeper.moments]
    first = run.network.init(3)
    jax.tree.map(np.testing.assert_array_equal, (keeper.moments[0].trained, keeper.moments[0].fixed), first)
    for moment in keeper.moments[1:]:
        short = train(plan(epochs=moment.epoch), DATA)
        jax.tree.map(np.testing.assert_array_equal, run.network.join(moment.trained, moment.fixed), short.weights)
        jax.tree.map(np.testing.assert_array_equal, moment.optimizer, short.state["optimizer"])


def test_the_last_moment_is_what_the_run_returns():
    keeper, rule = Keeper(), EarlyStopping(patience=3, restore_best_weights=True)
    run = train(plan(early_stopping=rule, epochs=200), DATA, watch=keeper)
    assert run.stopped_early
    assert run.best_epoch < run.epochs - 1
    last = keeper.moments[-1]
    assert last.epoch == run.epochs
    jax.tree.map(np.testing.assert_array_equal, run.network.join(last.trained, last.fixed), run.weights)


def test_one_epoch_is_looked_at_after_its_first_update():
    keeper = Keeper()
    train(plan(epochs=1, batch_size=1), DATA, watch=keeper)
    assert [m.update for m in keeper.moments] == [0, 1, 2, 6, 15, 38]
    assert [m.epoch for m in keeper.moments] == [0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("limit", [2, 3, 9])
def test_there_are_no_more_than_asked_for(limit):
    keeper = Keeper(limit)
    train(plan(epochs=100), DATA, watch=keeper)
    assert len(keeper.moments) == limit
    assert (keeper.moments[0].epoch, keeper.moments[-1].epoch) == (0, 100)


@pytest.mark.parametrize("epochs", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("steps", [1, 2, 100])
def test_places_lie_between_start_and_end(epochs, steps):
    places = keeping._places(steps, epochs, 4)
    assert places == sorted(set(places))
    assert len(places) <= 4
    assert all((0, 0) < place < (epochs, 0) and place[1] < steps for place in places)


def test_a_run_cut_off_and_resumed_goes_on_being_watched():
    part = train(plan(), DATA, until=4)
    keeper = Keeper()
    run = train(plan(), DATA, start=part, watch=keeper)
    assert bits(run)[:2] == bits(train(plan(), DATA))[:2]
    assert [m.epoch for m in keeper.moments] == [4, 6, 12]


def test_a_complete_run_trained_on_counts_its_updates_on():
    before = train(plan(epochs=2), DATA)
    keeper = Keeper()
    train(plan(epochs=2), DATA, start=before, watch=keeper)
    assert [(m.update, m.epoch) for m in keeper.moments] == [(10, 0), (15, 1), (20, 2)]


def test_members_of_a_population_are_not_watched():
    keeper = Keeper()
    train([plan(), plan(seed=4)], DATA, watch=keeper)
    assert keeper.moments == []


def test_gathered_gradients_are_no_updates():
    keeper = Keeper()
    optimizer = plan().optimizer.replace(gradient_accumulation_steps=4)
    train(plan(optimizer=optimizer, epochs=4), DATA, watch=keeper)
    assert [m.update for m in keeper.moments] == [0, 1, 2, 3, 5]


def test_large_weights_are_kept_at_start_and_end_only(monkeypatch):
    monkeypatch.setattr(keeping, "LARGEST", 100)
    keeper = Keeper()
    train(plan(), DATA, watch=keeper)
    assert [m.epoch for m in keeper.moments] == [0, 12]


def test_a_watch_that_asks_for_the_past_or_for_what_never_comes_does_no_harm():
    class Odd:
        seen = 0

        def wants(self, epoch, step, steps, epochs):
            return (0, 0) if epoch < 5 else (10_000, 0)

        def see(self, update, epoch, state):
            self.seen += 1

    watch = Odd()
    assert bits(train(plan(), DATA, watch=watch)) == bits(train(plan(), DATA))
    assert watch.seen == 2


def test_what_is_kept_is_a_copy_or_the_result_that_nobody_writes_to():
    keeper = Keeper()
    run = train(plan(), DATA, watch=keeper)
    kept = [m.trained[0]["kernel"].copy() for m in keeper.moments]
    train(plan(), DATA, start=run)
    for moment, before in zip(keeper.moments, kept, strict=True):
        kernel = moment.trained[0]["kernel"]
        whole = kernel if kernel.base is None else kernel.base  # of a small network, the vector that it is a part of
        assert (isinstance(whole, np.ndarray) and whole.flags.owndata) or not kernel.flags.writeable
        np.testing.assert_array_equal(moment.trained[0]["kernel"], before)
