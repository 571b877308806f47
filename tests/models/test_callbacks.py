"""Callbacks in fit: those compiled into the program, and those of Python at epoch ends."""

from __future__ import annotations

import csv
import itertools

import numpy as np
import pytest

import jindan as jd
from jindan.callbacks import (
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    LearningRateScheduler,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from jindan.errors import FileError, InputError, JindanWarning

WATCHED = {"batch_size": 8, "validation_split": 0.2, "seed": 1}


def test_early_stopping_restores_the_best_epoch(rows, make, equal):
    model, oracle = make(), make()
    stop = EarlyStopping("val_accuracy", patience=4, restore_best_weights=True)
    history = model.fit(rows.x, rows.y, epochs=60, callbacks=[stop], **WATCHED)
    values = history.history["val_accuracy"]
    best = int(np.argmax(values))
    assert len(values) == best + 5 < 60
    assert history.run.stopped_early
    assert history.run.best_epoch == best
    oracle.fit(rows.x, rows.y, epochs=best + 1, **WATCHED)
    assert equal(model.get_weights(), oracle.get_weights())


def test_a_watcher_of_no_figure(rows, make):
    with pytest.raises(InputError, match=r"loss, accuracy(.|\n)*val_loss"):
        make().fit(rows.x, rows.y, callbacks=[EarlyStopping("val_loss")])


def test_reduce_on_plateau(rows, make):
    slow = ReduceLROnPlateau("loss", factor=0.5, patience=2, min_delta=10.0, min_lr=2e-4)
    rates = make().fit(rows.x, rows.y, epochs=8, batch_size=8, callbacks=[slow]).history["learning_rate"]
    # Nothing betters the loss by 10: halved after every second epoch, down to min_lr.
    np.testing.assert_allclose(rates, [1e-3] * 3 + [5e-4] * 2 + [2.5e-4] * 2 + [2e-4], rtol=1e-6)


def test_a_scheduler_moves_the_rate(rows, make, equal):
    model = make()
    schedule = LearningRateScheduler(lambda epoch, rate: rate * 0.5 if epoch else rate)
    history = model.fit(rows.x, rows.y, epochs=3, batch_size=8, callbacks=[schedule])
    np.testing.assert_allclose(history.history["learning_rate"], [1e-3, 5e-4, 2.5e-4], rtol=1e-6)
    # As in Keras, the rate stays where the schedule left it.
    assert model.optimizer.learning_rate == pytest.approx(2.5e-4)
    frozen = make()
    before = frozen.get_weights()
    frozen.fit(rows.x, rows.y, batch_size=8, callbacks=[LearningRateScheduler(lambda epoch: 0.0)])
    assert equal(before, frozen.get_weights())


def test_a_callback_of_your_own(rows, make, equal):
    class Watch(Callback):
        def __init__(self):
            self.calls = []

        def on_train_begin(self, logs=None):
            self.calls.append("begin")

        def on_epoch_begin(self, epoch, logs=None):
            self.calls.append(epoch)

        def on_epoch_end(self, epoch, logs=None):
            self.calls.append(sorted(logs))
            self.seen = self.model.predict(rows.x)
            if epoch == 2:
                self.model.stop_training = True

        def on_train_end(self, logs=None):
            self.calls.append("end")

    model, alone, watch = make(), make(), Watch()
    history = model.fit(rows.x, rows.y, epochs=5, batch_size=8, seed=1, callbacks=[watch])
    figures = ["accuracy", "learning_rate", "loss"]
    assert watch.calls == ["begin", 0, figures, 1, figures, 2, figures, "end"]
    assert watch.params["epochs"] == 5
    assert history.epoch == [0, 1, 2]
    np.testing.assert_array_equal(watch.seen, model.predict(rows.x))
    # Control coming back to Python changes no bit.
    alone.fit(rows.x, rows.y, epochs=3, batch_size=8, seed=1)
    assert equal(model.get_weights(), alone.get_weights())


def test_lambda_and_nan(rows, make):
    ends = []
    show = LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(logs["loss"]))
    history = make().fit(rows.x, rows.y, epochs=2, batch_size=8, callbacks=[show])
    assert ends == history.history["loss"]
    with pytest.raises(InputError, match=r"on_batch_ends(.|\n)*on_batch_end,"):
        LambdaCallback(on_batch_ends=print)
    broken = rows.x * np.nan
    assert len(make().fit(broken, rows.y, epochs=5, batch_size=8, callbacks=[TerminateOnNaN()]).epoch) == 1


def test_checkpoints(rows, make, tmp_path, equal):
    model = make()
    every = ModelCheckpoint(tmp_path / "epoch-{epoch:02d}")
    best = ModelCheckpoint(tmp_path / "best", monitor="loss", save_best_only=True)
    weights = ModelCheckpoint(tmp_path / "w.safetensors", save_weights_only=True)
    model.fit(rows.x, rows.y, epochs=2, batch_size=8, callbacks=[every, best, weights])
    assert {p.name for p in tmp_path.iterdir()} == {"epoch-01", "epoch-02", "best", "w.safetensors"}
    for name in ("epoch-02", "best"):
        assert equal(jd.load(tmp_path / name).get_weights(), model.get_weights())
    fresh = make(seed=9)
    fresh.load_weights(tmp_path / "w.safetensors")
    assert equal(fresh.get_weights(), model.get_weights())


def test_a_checkpoint_that_cannot_be(rows, make, tmp_path):
    best = ModelCheckpoint(tmp_path / "best", save_best_only=True)
    with pytest.warns(JindanWarning, match=r"val_loss(.|\n)*accuracy, learning_rate, loss"):
        make().fit(rows.x, rows.y, batch_size=8, callbacks=[best])
    assert not list(tmp_path.iterdir())
    for name in ("{nope}", "{", "{loss:d}"):
        with pytest.raises(InputError, match=r"filepath(.|\n)*epoch, loss, accuracy"):
            make().fit(rows.x, rows.y, batch_size=8, callbacks=[ModelCheckpoint(tmp_path / name)])


@pytest.mark.parametrize("callbacks", [[], [LambdaCallback()]], ids=["compiled", "watched"])
def test_epochs_count_from_the_first_of_them(rows, make, equal, callbacks):
    whole, parts = make(), make()
    whole.fit(rows.x, rows.y, epochs=3, batch_size=8, seed=5)
    parts.fit(rows.x, rows.y, epochs=1, batch_size=8, seed=5)
    history = parts.fit(rows.x, rows.y, epochs=3, initial_epoch=1, batch_size=8, seed=5, callbacks=callbacks)
    assert history.epoch == [1, 2]
    assert equal(whole.get_weights(), parts.get_weights())
    stop = EarlyStopping("loss", min_delta=10.0, patience=1, start_from_epoch=5)
    run = {"epochs": 12, "batch_size": 8, "initial_epoch": 4, "callbacks": [stop, *callbacks]}
    assert parts.fit(rows.x, rows.y, **run).epoch == [4, 5, 6]  # as in Keras: watched from epoch 5 on


def test_a_log_of_lines(rows, make, tmp_path):
    path = tmp_path / "log.csv"
    history = make().fit(rows.x, rows.y, epochs=3, batch_size=8, callbacks=[CSVLogger(path)])
    with path.open(encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["epoch"] for line in lines] == ["0", "1", "2"]
    assert [float(line["loss"]) for line in lines] == history.history["loss"]
    make().fit(rows.x, rows.y, epochs=1, batch_size=8, callbacks=[CSVLogger(path, append=True)])
    assert len(path.read_text(encoding="utf-8").splitlines()) == 5
    with pytest.raises(FileError, match="log of the training"):
        make().fit(rows.x, rows.y, batch_size=8, callbacks=[CSVLogger(tmp_path / "none" / "log.csv")])


def test_callbacks_see_the_present_weights_and_the_best_come_last(rows, make, equal):
    seen = []
    look = LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(look.model.get_weights()))
    stop = EarlyStopping("val_accuracy", patience=4, restore_best_weights=True)
    model, alone = make(), make()
    history = model.fit(rows.x, rows.y, epochs=60, callbacks=[stop, look], **WATCHED)
    wanted = alone.fit(rows.x, rows.y, epochs=60, callbacks=[stop], **WATCHED)
    assert history.history["val_accuracy"] == wanted.history["val_accuracy"]
    assert equal(model.get_weights(), alone.get_weights())
    assert equal(model.get_weights(), seen[history.run.best_epoch])
    assert all(not equal(a, b) for a, b in itertools.pairwise(seen))
    assert history.stopped_epoch == len(seen) - 1 == history.run.best_epoch + 4
    assert history.params["epochs"] == 60
    assert history.params["steps"] == 2


def test_the_rate_is_set_by_hand(rows, make, equal):
    model, oracle = make(), make()
    model.optimizer.learning_rate = 0.5
    oracle.compile(jd.optimizers.Adam(0.5), "categorical_crossentropy", metrics=["accuracy"])
    for m in (model, oracle):
        m.fit(rows.x, rows.y, seed=1)
    assert equal(model.get_weights(), oracle.get_weights())
    rates = []

    def change(epoch, logs):
        rates.append(logs["learning_rate"])
        turn.model.optimizer.lr = 0.1 * (epoch + 1)

    turn = LambdaCallback(on_epoch_end=change)
    model.fit(rows.x, rows.y, epochs=3, callbacks=[turn])
    np.testing.assert_allclose(rates, [0.5, 0.1, 0.2], rtol=1e-6)
    assert model.optimizer.learning_rate == pytest.approx(0.3)
    assert repr(model.optimizer).startswith("Adam")
    with pytest.raises(InputError):
        model.optimizer.learning_rate = -1
    with pytest.raises(AttributeError, match="learning_rate"):
        model.optimizer.learning_rat = 1


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_epoch_begin", "on_train_batch_end"])
def test_an_optimizer_that_remembers_more_is_set_on_the_way(rows, make, equal, hook):
    model, alone = make(), make()

    def change(number, logs):
        if len(model._run.history.get("loss", ())) == 2:
            model.optimizer.amsgrad = True

    settings = {"shuffle": False, "seed": 1, "batch_size": 64}  # one batch, as both end an epoch then
    turn = LambdaCallback(**{hook: change})
    history = model.fit(rows.x, rows.y, epochs=4, callbacks=[turn], **settings).history
    alone.fit(rows.x, rows.y, epochs=2, **settings)
    alone.optimizer.amsgrad = True
    alone.fit(rows.x, rows.y, epochs=2, **settings)
    assert len(history["loss"]) == 4
    assert model.optimizer.amsgrad
    assert equal(model.get_weights(), alone.get_weights())


def test_stopping_counts_in_its_own_fit(rows, make):
    model = make()

    def stop(*_):
        model.stop_training = True

    for when, epochs in (("on_train_begin", 0), ("on_epoch_begin", 0), ("on_epoch_end", 1)):
        assert len(model.fit(rows.x, rows.y, epochs=3, callbacks=[LambdaCallback(**{when: stop})]).epoch) == epochs
        assert len(model.fit(rows.x, rows.y, epochs=3, callbacks=[LambdaCallback()]).epoch) == 3
    model.fit(rows.x, rows.y)
    assert not model.stop_training


@pytest.mark.parametrize("place", ["inside", "between"])
def test_ctrl_c_ends_a_fit_with_callbacks(rows, make, place, monkeypatch):
    import signal

    from jindan.models.display import Line

    ends = []
    if place == "inside":
        monkeypatch.setattr(Line, "__call__", lambda *_: signal.raise_signal(signal.SIGINT))
    act = (lambda *_: signal.raise_signal(signal.SIGINT)) if place == "between" else (lambda *_: None)
    own = [LambdaCallback(on_epoch_end=act, on_train_end=lambda *_: ends.append(1))]
    model = make()
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        model.fit(rows.x, rows.y, epochs=50, callbacks=own)
    assert signal.getsignal(signal.SIGINT) is before
    assert ends == [1]
    assert len(model.history.epoch) == 1
    assert model.history.run.steps == 1, "what was trained is kept"


def test_weights_a_callback_sets_stay(rows, make):
    model = make()
    zero = LambdaCallback(on_epoch_end=lambda *_: model.set_weights([w * 0 for w in model.get_weights()]))
    model.fit(rows.x, rows.y, epochs=2, callbacks=[zero])
    assert not any(w.any() for w in model.get_weights())
    assert not any(w.any() for w in model.history.run.weights[0].values())


@pytest.mark.parametrize("others", [[], [LambdaCallback()]], ids=["compiled", "watched"])
@pytest.mark.parametrize(("first", "gain"), [(0, 0.05), (2, 0.05), (0, 10.0), (0, 0.0)])
def test_what_watched_can_be_asked_afterwards(rows, make, others, first, gain):
    keras = pytest.importorskip("keras")
    stop = EarlyStopping("loss", patience=2, min_delta=gain)
    slow = ReduceLROnPlateau("loss", patience=1, cooldown=2)
    assert (stop.stopped_epoch, stop.best_epoch, stop.best, stop.wait, slow.cooldown_counter) == (0, 0, None, 0, 0)
    before = hash(stop)
    history = make().fit(
        rows.x, rows.y, epochs=first + 9, initial_epoch=first, batch_size=8, seed=1, callbacks=[stop, slow, *others]
    )
    theirs = keras.callbacks.EarlyStopping("loss", patience=2, min_delta=gain, mode="min")
    theirs.set_model(keras.Sequential())
    theirs.on_train_begin()
    for epoch, loss in zip(history.epoch, history.history["loss"], strict=True):
        theirs.on_epoch_end(epoch, {"loss": loss})
    for name in ("stopped_epoch", "best_epoch", "wait"):
        assert getattr(stop, name) == getattr(theirs, name), name
    assert stop.best == pytest.approx(theirs.best)
    assert slow.best == pytest.approx(min(history.history["loss"]), rel=1e-3)
    # What it watches for is the same still.
    assert (hash(stop), stop) == (before, EarlyStopping("loss", patience=2, min_delta=gain))
