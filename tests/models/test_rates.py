"""The rate in force, as callbacks see it, set it and save it."""

from __future__ import annotations

import numpy as np
import pytest

import jindan as jd
from jindan.callbacks import Callback, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau
from jindan.errors import InputError
from jindan.optimizers import Adam

FIT = {"batch_size": 8, "seed": 1, "epochs": 4}
SLOW = ReduceLROnPlateau("loss", factor=0.3, patience=1, min_delta=10.0)  # nothing betters the loss by 10


class Seen(Callback):
    """The rate after each epoch."""

    def __init__(self):
        self.rates = []

    def on_epoch_end(self, epoch, logs=None):
        self.rates.append(self.model.optimizer.learning_rate)


def test_a_reduced_rate_is_seen_where_it_is_in_force(rows, make, equal):
    model, alone, seen = make(), make(), Seen()
    history = model.fit(rows.x, rows.y, callbacks=[SLOW, seen], **FIT).history
    np.testing.assert_allclose(seen.rates, [1e-3, 3e-4, 9e-5, 2.7e-5], rtol=1e-6)
    np.testing.assert_allclose(history["learning_rate"], [1e-3, *seen.rates[:3]], rtol=1e-6)
    assert model.optimizer.learning_rate == seen.rates[-1]
    alone.fit(rows.x, rows.y, callbacks=[SLOW], **FIT)
    assert equal(model.get_weights(), alone.get_weights())


def test_a_scheduler_has_the_last_word(rows, make):
    given, seen = [], Seen()

    def steady(epoch, rate):
        given.append(rate)
        return 0.04

    model = make()
    history = model.fit(rows.x, rows.y, callbacks=[SLOW, LearningRateScheduler(steady), seen], **FIT).history
    np.testing.assert_allclose(history["learning_rate"], [0.04] * 4, rtol=1e-6)
    np.testing.assert_allclose(seen.rates, [0.04, *[0.012] * 3], rtol=1e-6)
    np.testing.assert_allclose(given, [1e-3, *seen.rates[:3]], rtol=1e-6)
    assert model.optimizer.learning_rate == seen.rates[-1]


def test_a_rate_a_callback_sets_is_reduced_from_there(rows, make):
    class Push(Seen):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch == 1:
                self.model.optimizer.learning_rate = 0.1

    history = make().fit(rows.x, rows.y, callbacks=[SLOW, Push()], **FIT).history
    np.testing.assert_allclose(history["learning_rate"], [1e-3, 1e-3, 0.1, 0.03], rtol=1e-6)


def test_a_checkpoint_keeps_the_reduced_rate(rows, make, tmp_path):
    model = make()
    model.fit(rows.x, rows.y, callbacks=[SLOW, ModelCheckpoint(tmp_path / "m-{epoch}")], **FIT)
    again = jd.load(tmp_path / "m-3")
    assert again.optimizer.learning_rate == pytest.approx(9e-5)
    rates = again.fit(rows.x, rows.y, callbacks=[SLOW], **FIT).history["learning_rate"]
    assert rates[0] == pytest.approx(9e-5)


@pytest.mark.parametrize("rate", [None, "0.1", lambda: 1.0])
def test_a_schedule_that_gives_no_rate(rows, make, rate):
    for schedule in (lambda epoch: rate, lambda epoch, now: rate):
        with pytest.raises(InputError, match=r"no learning rate(.|\n)*epoch 1(.|\n)*a number >= 0(.|\n)*received: "):
            make().fit(rows.x, rows.y, callbacks=[LearningRateScheduler(schedule)], **FIT)


def test_what_a_schedule_raises_is_its_own(rows, make):
    with pytest.raises(TypeError, match="can only concatenate"):
        make().fit(rows.x, rows.y, callbacks=[LearningRateScheduler(lambda epoch, now: "a" + epoch)], **FIT)
    with pytest.raises(InputError, match=r"no function(.|\n)*received: 0\.1"):
        LearningRateScheduler(0.1)


def test_a_rate_that_is_a_function():
    with pytest.raises(InputError, match=r"(?s)learning_rate of Adam(.|\n)*jindan\.schedules"):
        Adam(lambda: 0.1)
