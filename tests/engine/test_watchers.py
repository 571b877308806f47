"""Early stopping and reduce-on-plateau decide as Keras's callbacks do, figure by figure and in whole trainings."""

from __future__ import annotations

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.callbacks import EarlyStopping, ReduceLROnPlateau
from jindan.engine import loop, rules
from jindan.engine.train import train
from jindan.errors import InputError
from jindan.plan import Plan

from .helpers import blobs, classifier, leaves

X, _, Y = blobs(42)
DATA = (X[:30], Y[:30], None, (X[30:], Y[30:]))


def sequence(seed, length=30):
    """A figure that falls, stalls, rises and falls again, with a missing value now and then."""
    rng = np.random.default_rng(seed)
    values = np.cumsum(rng.normal(-0.1, 1, length)).round(1)
    if seed % 3 == 0:
        values[rng.integers(1, length, 2)] = np.nan  # a first NaN would be Keras's best for ever: see below
    return values


def keras_stopping(values, **settings):
    """(epochs run, best epoch) of Keras's own callback."""
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    callback = keras.callbacks.EarlyStopping("figure", restore_best_weights=True, **settings)
    model = types.SimpleNamespace(stop_training=False, get_weights=list, set_weights=lambda w: None)
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"figure": float(value)})
        if model.stop_training:
            break
    return epoch + 1, callback.best_epoch


def our_stopping(values, **settings):
    """(epochs run, best epoch) of the compiled rule; the weight 0, 1, 2, … stands for the epoch's."""
    rule = EarlyStopping("figure", restore_best_weights=True, **settings)
    state = loop.fresh_epochs(
        types.SimpleNamespace(size=2),
        Plan(early_stopping=rule, dtype="float64"),
        {"trained": {"w": np.float64(-1)}, "fixed": {}, "optimizer": {}},
    )

    def epoch(state, row):
        number, value = row
        now = rules.watch(rule, value, number, {**state, "trained": {"w": number.astype(jnp.float64)}})
        return jax.tree.map(lambda new, old: jnp.where(state["stop"]["stopped"], old, new), now, state), now["stop"]

    rows = jnp.arange(len(values), dtype=jnp.int32), jnp.asarray(values)
    final, stops = jax.jit(lambda state, rows: jax.lax.scan(epoch, state, rows))(state, rows)
    stopped = np.asarray(stops["stopped"])
    ran = int(stopped.argmax()) + 1 if stopped.any() else len(values)
    best = int(final["stop"]["epoch"])
    assert float(final["best"]["trained"]["w"]) == best, "the kept weights are not those of the best epoch"
    return ran, best


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 0},
        {"patience": 3},
        {"patience": 2, "min_delta": 0.5},
        {"patience": 3, "mode": "max"},
        {"patience": 4, "baseline": -1.0},
        {"patience": 2, "start_from_epoch": 5},
    ],
    ids=str,
)
def test_early_stopping_as_in_keras(settings):
    with jax.enable_x64(True):
        for seed in range(8):
            mode = settings.get("mode", "min")
            values = sequence(seed)
            wanted = keras_stopping(values, **{**settings, "mode": mode})
            assert our_stopping(values, **{**settings, "mode": mode}) == wanted, (seed, values)


def test_a_first_nan_is_not_the_best_for_ever():
    """Keras takes the first figure for the best even if it is NaN, and nothing is below NaN; here figures that are no
    numbers never count."""
    with jax.enable_x64(True):
        assert our_stopping(np.array([np.nan, 5.0, 4.0, 6.0, 7.0]), patience=2, mode="min") == (5, 2)
        assert our_stopping(np.array([np.nan, np.nan, 4.0, 6.0]), patience=2, mode="min") == (2, 0)


def keras_rates(values, rate, **settings):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    callback = keras.callbacks.ReduceLROnPlateau("figure", **settings)
    # A float in the optimizer's place, so that no float32 variable rounds the rate.
    optimizer = types.SimpleNamespace(learning_rate=rate)
    callback.set_model(types.SimpleNamespace(optimizer=optimizer))
    callback.on_train_begin()
    found = []
    for epoch, value in enumerate(values):
        callback.on_epoch_end(epoch, {"figure": float(value)})
        found.append(float(optimizer.learning_rate))
    return found


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 0, "factor": 0.5},
        {"patience": 2, "factor": 0.5},
        {"patience": 1, "factor": 0.1, "cooldown": 3},
        {"patience": 1, "factor": 0.3, "min_delta": 0.7},
        {"patience": 1, "factor": 0.5, "min_lr": 0.03},
        {"patience": 2, "factor": 0.5, "mode": "max", "cooldown": 1},
    ],
    ids=str,
)
def test_reduce_on_plateau_as_in_keras(settings):
    rule = ReduceLROnPlateau("figure", **{"mode": "min", **settings})
    with jax.enable_x64(True):
        empty = {"trained": {}, "fixed": {}, "optimizer": {}}
        plan = Plan(reduce_on_plateau=rule, dtype="float64")
        start = loop.fresh_epochs(types.SimpleNamespace(size=2), plan, empty)

        def epoch(state, value):
            state = rules.slow(rule, value, jnp.asarray(0.2), state)
            return state, 0.2 * state["plateau"]["scale"]

        scan = jax.jit(lambda values: jax.lax.scan(epoch, start, values)[1])
        for seed in range(8):
            values = sequence(seed)
            wanted = keras_rates(values, 0.2, **{"mode": "min", **settings})
            np.testing.assert_allclose(scan(jnp.asarray(values)), wanted, rtol=1e-12)  # rounding of products


def base(**more):
    return classifier(epochs=25, metrics=("accuracy",), batch_size=6).edit(learning_rate=1.5, **more)


@pytest.fixture(scope="module")
def unwatched():
    return train(base(), DATA)


@pytest.mark.parametrize("monitor", ["val_loss", "loss", "val_accuracy"])
def test_a_training_stops_where_its_figures_say(unwatched, monitor):
    rule = EarlyStopping(monitor, patience=3, restore_best_weights=True)
    run = train(base(early_stopping=rule), DATA)
    mode = "max" if "accuracy" in monitor else "min"
    epochs, best = keras_stopping(unwatched.history[monitor], patience=3, mode=mode)
    assert (run.epochs, run.best_epoch) == (epochs, best)
    assert run.stopped_early == (epochs < 25)
    assert run.history["loss"] == unwatched.history["loss"][:epochs]
    for kept, wanted in zip(leaves(run), leaves(train(base(epochs=best + 1), DATA)), strict=True):
        # The best epoch's weights; another program may fuse otherwise.
        np.testing.assert_allclose(kept, wanted, rtol=1e-9, atol=1e-12)


def test_without_restoring_the_last_weights_stay(unwatched):
    run = train(base(early_stopping=EarlyStopping(patience=3)), DATA)
    for kept, wanted in zip(leaves(run), leaves(train(base(epochs=run.epochs), DATA)), strict=True):
        np.testing.assert_allclose(kept, wanted, rtol=1e-9, atol=1e-12)


def test_watching_that_never_began_keeps_the_last_weights(unwatched):
    rule = EarlyStopping(start_from_epoch=100, restore_best_weights=True)
    run = train(base(early_stopping=rule), DATA)
    assert run.epochs == 25
    assert run.best_epoch is None
    for kept, wanted in zip(leaves(run), leaves(unwatched), strict=True):
        np.testing.assert_allclose(kept, wanted, rtol=1e-9, atol=1e-12)


def test_a_plateau_slows_a_training_and_the_history_says_so(unwatched):
    rule = ReduceLROnPlateau("val_loss", patience=1, factor=0.5)
    run = train(base(reduce_on_plateau=rule), DATA)
    wanted = keras_rates(run.history["val_loss"], 1.5, patience=1, factor=0.5, mode="min")
    # The history names the rate an epoch was trained with; Keras's callback sets that of the next one.
    np.testing.assert_allclose(run.history["learning_rate"], [1.5, *wanted[:-1]], rtol=1e-12)
    assert run.history["learning_rate"][-1] < 1.5
    assert unwatched.history["learning_rate"] == [1.5] * 25


def test_a_figure_that_is_not_there_is_named():
    for watcher in ({"early_stopping": EarlyStopping()}, {"reduce_on_plateau": ReduceLROnPlateau()}):
        with pytest.raises(InputError) as caught:
            train(classifier(**watcher), DATA[:2])
        message = str(caught.value)
        assert "watches a figure that this training does not have" in message
        assert "received: val_loss" in message
        assert "validation" in message
