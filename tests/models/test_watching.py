"""Callbacks with hooks at every update and around evaluating and predicting; what they see is what was computed."""

from __future__ import annotations

import os

import numpy as np
import pytest

from jindan.callbacks import Callback, EarlyStopping, LambdaCallback, ReduceLROnPlateau

FIT = {"batch_size": 8, "seed": 1}


class Diary(Callback):
    """Writes down every call: its hook, its number, the names of its figures."""

    def __init__(self):
        self.lines, self.figures = [], []

    def __getattribute__(self, name):
        if not name.startswith("on_"):
            return super().__getattribute__(name)

        def note(*given):
            *number, logs = given if given else ({},)
            self.lines.append((name, *number, *sorted(logs or {})))
            self.figures.append(dict(logs or {}))

        return note

    def overrides(self, *names):
        return True


def test_every_hook_in_keras_order(rows, make):
    keras = pytest.importorskip("keras", reason="Keras is the oracle")
    if os.environ.get("KERAS_BACKEND") not in ("jax", "torch"):
        pytest.skip("no backend for Keras")

    def kept(lines):
        return [tuple(part for part in line if part != "learning_rate") for line in lines]

    class Theirs(keras.callbacks.Callback):
        def __init__(self):
            super().__init__()
            self.lines = []

    for name in [n for n in dir(keras.callbacks.Callback) if n.startswith("on_")]:
        if name in ("on_batch_begin", "on_batch_end"):
            continue  # other names of on_train_batch_…

        def note(self, *number, logs=None, hook=name):
            *number, logs = number if logs is None and number else (*number, logs)
            self.lines.append((hook, *number, *sorted(logs or {})))

        setattr(Theirs, name, note)
    model, ours, theirs = make(), Diary(), Theirs()
    other = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")])
    other.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    for each, diary in ((model, ours), (other, theirs)):
        each.fit(rows.x, rows.y, epochs=2, batch_size=8, validation_data=(rows.x, rows.y), callbacks=[diary], verbose=0)
        each.evaluate(rows.x, rows.y, batch_size=8, callbacks=[diary], verbose=0)
        each.predict(rows.x, batch_size=8, callbacks=[diary], verbose=0)
    found = [line for line in kept(ours.lines) if line[0] not in ("on_batch_begin", "on_batch_end")]
    # Keras tells on_train_end and the hooks at a beginning of figures there or not, by version.
    bare = {"on_train_end", "on_test_begin", "on_predict_begin", "on_predict_end"}
    short = lambda lines: [line[:1] if line[0] in bare else line for line in lines]  # noqa: E731
    assert short(found) == short(theirs.lines)


def test_looking_at_every_update_changes_no_bit(rows, make, equal):
    model, alone, weights, logs = make(), make(), [], []
    look = LambdaCallback(
        on_train_batch_begin=lambda batch, _: weights.append(model.get_weights()),
        on_batch_end=lambda batch, figures: logs.append(figures),
    )
    settings = {**FIT, "epochs": 3, "validation_split": 0.1}
    history = model.fit(rows.x, rows.y, callbacks=[look], **settings)
    wanted = alone.fit(rows.x, rows.y, **settings)
    assert equal(model.get_weights(), alone.get_weights())
    assert {n: v for n, v in history.history.items() if n != "learning_rate"} == wanted.history
    assert len(weights) == len(logs) == 9
    assert not equal(weights[0], weights[1])
    # The last update of an epoch sees the epoch's own figures.
    assert [entry["loss"] for entry in logs[2::3]] == history.history["loss"]
    assert set(logs[0]) == {"loss", "accuracy"}


def test_the_figures_so_far_are_means_over_rows(rows, make):
    model, logs, losses = make(), [], []
    look = LambdaCallback(
        on_train_batch_begin=lambda n, _: losses.append(
            model.evaluate(rows.x[8 * n : 8 * n + 8], rows.y[8 * n : 8 * n + 8])[0]
        ),
        on_train_batch_end=lambda n, figures: logs.append(figures["loss"]),
    )
    model.fit(rows.x, rows.y, callbacks=[look], shuffle=False, **FIT)
    sizes = np.array([8, 8, 4])
    np.testing.assert_allclose(logs, np.cumsum(np.array(losses) * sizes) / np.cumsum(sizes), rtol=1e-5)


def test_a_rate_moved_at_every_update(rows, make, equal):
    model, oracle = make(), make()
    rates = iter(np.linspace(0.1, 0.9, 3))
    warm = LambdaCallback(on_train_batch_begin=lambda *_: setattr(model.optimizer, "learning_rate", next(rates)))
    model.compile("sgd", "categorical_crossentropy")
    model.fit(rows.x, rows.y, callbacks=[warm], shuffle=False, **FIT)
    oracle.compile("sgd", "categorical_crossentropy")
    for start, rate in zip((0, 8, 16), np.linspace(0.1, 0.9, 3), strict=True):
        oracle.optimizer.learning_rate = rate
        oracle.train_on_batch(rows.x[start : start + 8], rows.y[start : start + 8])
    for a, b in zip(model.get_weights(), oracle.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)  # the order of float32 sums differs


def test_stopping_in_the_middle_of_an_epoch(rows, make):
    model = make()

    def stop(batch, logs):
        seen.append(logs["loss"])
        model.stop_training = len(seen) == 5

    seen: list[float] = []
    look = LambdaCallback(on_train_batch_end=stop)
    history = model.fit(rows.x, rows.y, epochs=4, callbacks=[look], validation_split=0.1, **FIT)
    assert history.run.steps == 5
    assert history.epoch == [0, 1]
    assert history.history["loss"][1] == pytest.approx(seen[-1])
    wanted = model.evaluate(rows.x[18:], rows.y[18:])
    assert history.history["val_loss"][1] == pytest.approx(wanted[0], rel=1e-6)
    assert len(history.history["accuracy"]) == 2
    assert model.fit(rows.x, rows.y, **FIT).run.steps == 8


def test_stopping_early_with_a_look_at_every_update(rows, make, equal):
    stop = EarlyStopping("val_accuracy", patience=2, restore_best_weights=True)
    settings = {**FIT, "epochs": 40, "validation_split": 0.2}
    model, alone = make(), make()
    history = model.fit(rows.x, rows.y, callbacks=[stop, LambdaCallback(on_batch_end=lambda *_: None)], **settings)
    wanted = alone.fit(rows.x, rows.y, callbacks=[stop], **settings)
    assert len(history.epoch) == len(wanted.epoch)
    assert equal(model.get_weights(), alone.get_weights())


def test_batches_of_evaluate_and_predict(rows, make):
    model, logs, outputs = make(), [], []
    look = LambdaCallback(
        on_test_batch_end=lambda n, figures: logs.append(figures),
        on_predict_batch_end=lambda n, figures: outputs.append(figures["outputs"]),
    )
    found = model.evaluate(rows.x, rows.y, batch_size=8, callbacks=[look], return_dict=True)
    assert found == pytest.approx(model.evaluate(rows.x, rows.y, return_dict=True), rel=1e-6)
    for entry, rows_so_far in zip(logs, (8, 16, 20), strict=True):
        wanted = model.evaluate(rows.x[:rows_so_far], rows.y[:rows_so_far], return_dict=True)
        assert entry == pytest.approx(wanted, rel=1e-6)
    predicted = model.predict(rows.x, batch_size=8, callbacks=[look])
    assert [len(part) for part in outputs] == [8, 8, 4]
    np.testing.assert_array_equal(np.concatenate(outputs), predicted)
    np.testing.assert_allclose(predicted, model.predict(rows.x), rtol=1e-6)


@pytest.mark.parametrize("watched", [False, True])
def test_a_reduced_rate_stays_reduced(rows, make, watched):
    slow = ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10.0)
    own = [LambdaCallback()] if watched else []
    model = make()
    first = model.fit(rows.x, rows.y, epochs=4, callbacks=[slow, *own], **FIT).history["learning_rate"]
    np.testing.assert_allclose(first, [1e-3, 1e-3, 5e-4, 2.5e-4], rtol=1e-6)
    assert model.optimizer.learning_rate == pytest.approx(1.25e-4)
    again = model.fit(rows.x, rows.y, epochs=3, callbacks=[slow, *own], **FIT).history["learning_rate"]
    np.testing.assert_allclose(again, [1.25e-4, 1.25e-4, 6.25e-5], rtol=1e-6)
