"""However members lie on devices, in tiles, in waves and in pieces of time, each comes out the same."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan.callbacks import EarlyStopping
from jindan.engine import devices, group, shape, waves
from jindan.engine import train as door
from jindan.engine.data import Data
from jindan.engine.devices import accelerated
from jindan.engine.shape import ALONE, Layout, layout
from jindan.engine.train import train
from jindan.layers import BatchNormalization, Dense, Dropout
from jindan.optimizers import Adam
from jindan.plan import Plan

RNG = np.random.default_rng(417)
X = RNG.normal(size=(31, 3))
Y = np.sin(X.sum(1, keepdims=True)) + 0.3 * RNG.normal(size=(31, 1))
DATA = Data.of(X, Y)
PLAN = Plan(
    (Dense(4, activation="tanh"), BatchNormalization(), Dropout(0.2), Dense(1)), loss="mse", optimizer=Adam(0.05),
    batch_size=4, epochs=14, early_stopping=EarlyStopping(patience=1, restore_best_weights=True), dtype="float64",
)  # fmt: skip


def members(n=7):
    """Folds and bootstraps of unequal length, each with a rate of its own; they stop at different epochs."""
    plans = []
    for i in range(n):
        rows = RNG.permutation(31)[: 13 + 2 * i] if i % 2 else np.arange(12 + i)
        plans.append(PLAN.replace(seed=i, rows=rows, validation_rows=np.setdiff1d(np.arange(31), rows)[:9]))
    return [plan.edit(learning_rate=0.02 * (i + 1)) for i, plan in enumerate(plans)]


PLANS = members()


def leaves(run):
    return [np.asarray(a) for a in jax.tree.leaves((run.weights, run.state["optimizer"], run.history))]


@pytest.fixture(scope="module")
def alone():
    with jax.enable_x64(True):
        return [train(plan, DATA) for plan in PLANS]


def close(runs, others, tolerance=1e-9):
    for run, other in zip(runs, others, strict=True):
        assert (run.epochs, run.best_epoch, run.stopped_early) == (other.epochs, other.best_epoch, other.stopped_early)
        for a, b in zip(leaves(run), leaves(other), strict=True):
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance)


def lying(monkeypatch, lay):
    monkeypatch.setattr(group, "layout", lambda members, work, several: lay if members > 1 else ALONE)


TWO = pytest.mark.skipif(devices.several() < 2, reason="there is one device only")


@pytest.mark.parametrize(
    "lay",
    [
        Layout(1, 1, 7),
        Layout(1, 7, 1),
        Layout(1, 3, 3),
        pytest.param(Layout(2, 1, 4), marks=TWO),
        pytest.param(Layout(2, 4, 1), marks=TWO),
        pytest.param(Layout(2, 2, 2), marks=TWO),
    ],
    ids=str,
)
def test_any_layout_gives_the_same_members(lay, alone, monkeypatch):
    lying(monkeypatch, lay)
    assert len({run.epochs for run in alone}) > 2, "they should stop at different epochs"
    whole = train(PLANS, DATA)
    close(whole, alone)
    # Cut after each epoch, members that have stopped are put together, and nothing is compiled for it.
    programs = len(group._EXECUTABLES)
    pieces = train(PLANS, DATA, listen=lambda told: False, each_epoch=True)
    assert len(group._EXECUTABLES) == programs
    for a, b in zip(whole, pieces, strict=True):
        for p, q in zip(leaves(a), leaves(b), strict=True):
            np.testing.assert_array_equal(p, q)


def test_members_that_stopped_are_moved_aside(monkeypatch):
    moved = []
    lying(monkeypatch, Layout(1, 7, 1))
    real = group.Group._moved
    monkeypatch.setattr(group.Group, "_worth_moving", lambda self, going: not going.all())
    monkeypatch.setattr(
        group.Group, "_moved", lambda self, going, *own: moved.append(going.sum()) or real(self, going, *own)
    )
    runs = train(PLANS, DATA, listen=lambda told: False, each_epoch=True)
    assert moved, "somebody stopped before the others"
    assert moved == sorted(moved, reverse=True)
    close(runs, [train(plan, DATA) for plan in PLANS])


def test_waves_change_nothing(monkeypatch, alone):
    own, shared = waves.footprint(PLANS[0], DATA)
    free = int((shared + 3.4 * own) / waves.SHARE)
    parts = waves.waves(PLANS, DATA, free)
    assert [len(part) for part in parts] == [3, 3, 1]
    monkeypatch.setattr(door, "waves", lambda plans, data: waves.waves(plans, data, free))
    close(train(PLANS, DATA), alone)


def test_a_wave_that_is_cut_off_leaves_the_next_ones_as_they_begin(monkeypatch):
    monkeypatch.setattr(door, "waves", lambda plans, data: [range(3), range(3, 7)])
    runs = train(PLANS, DATA, listen=lambda told: told.epoch >= 1, each_epoch=True)
    assert [run.epochs for run in runs] == [1] * 3 + [0] * 4
    assert all(run.interrupted for run in runs)


def test_memory_decides_how_many_go_together():
    assert waves.waves(PLANS, DATA, 2**40) == [range(7)]
    assert waves.waves(PLANS, DATA, 0) == [range(i, i + 1) for i in range(7)]
    assert waves.waves(PLANS[:1], DATA, 0) == [range(1)]
    assert waves.free_memory() > 2**20
    bigger = [plan.edit({"layers.0.units": 400}) for plan in PLANS]
    assert waves.footprint(bigger[0], DATA)[0] > 50 * waves.footprint(PLANS[0], DATA)[0]


@pytest.mark.parametrize("count", [1, 2, 3, 7, 100, 1000])
@pytest.mark.parametrize("work", [1.0, 1e5, 1e6, 1e10])
@pytest.mark.parametrize("several", [1, 2, 16])
def test_every_member_has_a_place_and_few_places_are_empty(count, work, several):
    lay = layout(count, work, several)
    assert lay.places >= count
    assert lay.places - count < lay.devices * lay.turns
    assert lay.devices <= several
    assert accelerated() or lay.tile <= shape.LARGEST_TILE
    assert accelerated() or lay.tile * work <= shape.TILE_WORK or lay.tile == 1
    assert lay.single == (count == 1)


def test_moving_keeps_every_member_and_fills_tiles():
    lay = Layout(2, 3, 4)
    going = RNG.random(22) < 0.3
    order = group.places(going, lay)
    assert sorted(order) == list(range(lay.places))
    tiles = np.ceil(going.sum() / 4)
    assert group.busy(going, lay, spread=True) == np.ceil(tiles / 2)


def test_data_lie_on_each_device_once():
    data = Data.of(X, Y)
    train(PLANS[:3], data)
    train(PLANS[:3], data)
    where = [key[-1] for key in data.__dict__["_placed"]]
    assert len(where) == len(set(where))
    if devices.several() > 1:
        assert any(sharding is not None for sharding in where)
