"""How the work is cut changes no bit; an interrupted training resumes as if nothing had been; seeds decide all."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from jindan.callbacks import EarlyStopping, ReduceLROnPlateau
from jindan.engine import group as engine
from jindan.engine.train import train
from jindan.layers import Dense, Dropout
from jindan.optimizers import Adam
from jindan.plan import Plan

from .helpers import blobs, leaves, same_bits

X, _, Y = blobs(42)
X, Y, VALIDATION = X[:30], Y[:30], (X[30:], Y[30:])
DATA = (X, Y, None, VALIDATION)


def plan(**more):
    """Everything at once that could notice a cut: dropout, momentum, early stopping, a slower rate on plateaus."""
    base = Plan(
        (Dense(5, activation="relu"), Dropout(0.2), Dense(3, activation="softmax")),
        loss="categorical_crossentropy",
        optimizer=Adam(0.4),
        metrics=("accuracy",),
        batch_size=4,
        epochs=40,
        seed=3,
        early_stopping=EarlyStopping(patience=6, restore_best_weights=True),
        reduce_on_plateau=ReduceLROnPlateau("loss", factor=0.5, patience=1),
    )
    return base.edit(more)


@pytest.fixture(scope="module")
def whole():
    return train(plan(), DATA)


def test_the_case_is_worth_it(whole):
    """The training stops early, after its best epoch, with a lower rate: so the cuts below cut something."""
    assert whole.stopped_early
    assert 0 < whole.best_epoch < whole.epochs - 1 < 39
    assert whole.history["learning_rate"][-1] < whole.history["learning_rate"][0]
    assert len(whole.history["val_loss"]) == whole.epochs
    assert not whole.interrupted


@pytest.mark.parametrize(
    "cut",
    [{"chunk_seconds": 1e-6}, {"each_epoch": True}, {"chunk_seconds": 1e-3}],
    ids=["each update", "epoch", "1 ms"],
)
def test_chunks_change_no_bit(whole, cut):
    looks = []
    run = train(plan(), DATA, listen=lambda progress: looks.append((progress.epoch, progress.step)), **cut)
    same_bits(run, whole)
    assert len(looks) == len(set(looks))
    if cut.get("chunk_seconds") == 1e-6:
        assert any(step for _, step in looks), "no cut fell inside an epoch"
        assert len(looks) == whole.epochs * 8  # 30 rows in batches of 4
    if "each_epoch" in cut:
        assert looks == [(epoch + 1, 0) for epoch in range(whole.epochs)]


@pytest.mark.parametrize("looks", [1, 5, 8, 21, 60])
def test_resuming_changes_no_bit(whole, looks):
    """Stopped after so many updates, inside or at the end of an epoch."""
    seen = []

    def stop(progress):
        seen.append(progress)
        return len(seen) == looks

    first = train(plan(), DATA, chunk_seconds=1e-6, listen=stop)
    assert first.position == divmod(looks, 8)
    assert first.interrupted
    assert not first.complete
    assert len(first.history.get("loss", [])) == looks // 8
    same_bits(train(plan(), DATA, start=first), whole)


def test_resuming_several_times_and_until_an_epoch(whole):
    run = train(plan(), DATA, until=2)
    assert (run.epochs, run.interrupted) == (2, True)
    for until in (3, 7, 100):
        run = train(plan(), DATA, start=run, until=until)
    same_bits(run, whole)
    assert run.complete


def test_resuming_a_population(whole):
    plans = [plan(seed=seed, learning_rate=rate) for seed, rate in ((3, 0.4), (4, 0.1), (5, 0.2))]
    together = train(plans, DATA)
    first = train(plans, DATA, until=3)
    second = train(plans, DATA, start=first)
    for run, wanted in zip(second, together, strict=True):
        same_bits(run, wanted)
    alone = train(plans[1], DATA, start=first[1])  # one member of an interrupted population may go on alone
    assert alone.epochs == together[1].epochs
    # float32, another program: sums in another order over some hundred updates.
    np.testing.assert_allclose(alone.history["loss"], together[1].history["loss"], rtol=1e-3)


def test_a_finished_run_lends_its_weights(whole):
    again = train(plan(epochs=1), DATA, start=replace(whole, interrupted=False))
    assert again.epochs == 1
    assert again.steps == whole.steps + 8
    assert not np.array_equal(leaves(again)[0], leaves(whole)[0])


def test_interrupting_from_the_keyboard_loses_nothing(whole):
    import signal

    def interrupt(progress):
        if progress.epoch == 2:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    first = train(plan(), DATA, each_epoch=True, listen=interrupt)
    assert first.interrupted
    assert first.epochs == 2
    assert signal.getsignal(signal.SIGINT) is before
    same_bits(train(plan(), DATA, start=first), whole)


def test_the_same_seed_gives_the_same_bits(whole):
    same_bits(train(plan(), DATA), whole)


def test_another_seed_gives_another_training(whole):
    other = train(plan(seed=4), DATA)
    assert not np.array_equal(leaves(other)[0], leaves(whole)[0])
    assert other.history["loss"][0] != whole.history["loss"][0]


def test_no_seed_is_a_fresh_one_that_the_run_remembers():
    short = plan(seed=None, epochs=1)
    first, second = train(short, DATA), train(short, DATA)
    assert first.plan.seed != second.plan.seed
    same_bits(train(first.plan, DATA), first)


def test_one_structure_is_compiled_once():
    train(plan(epochs=1), DATA)
    count = len(engine._EXECUTABLES)
    changed = {"learning_rate": 0.01, "seed": 9, "layers.1.rate": 0.5, "early_stopping.patience": 3}
    run = train(plan(epochs=3, **changed), DATA)
    assert len(engine._EXECUTABLES) == count
    assert run.seconds["compile"] == 0
    assert {"prepare", "trace", "compile", "run", "total"} <= set(run.seconds)


def test_a_history_longer_than_one_call_records():
    run = train(plan(epochs=600, early_stopping=None, reduce_on_plateau=None), (X[:4], Y[:4]))
    assert len(run.history["loss"]) == run.epochs == 600
    assert np.all(np.isfinite(run.history["loss"]))
