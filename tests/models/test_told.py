"""What a training leaves behind and says: logs, pictures, the lines of callbacks with verbose=1."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest

from jindan.callbacks import CSVLogger, EarlyStopping, LearningRateScheduler, ModelCheckpoint, ReduceLROnPlateau
from jindan.errors import InputError, JindanWarning
from jindan.layers import Dense
from jindan.models import Sequential, fitting

X, Y = np.ones((8, 2)), np.ones(8)
QUIET = {"verbose": 0, "doctor": False}


def network():
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse", seed=0)
    return model


def test_a_picture_has_the_ending_of_what_it_is(tmp_path):
    for name in ("model.png", "model.pdf"):
        with pytest.raises(InputError, match=r"drawn as SVG(.|\n)*model\.svg"):
            network().plot(tmp_path / name)
        assert not (tmp_path / name).exists()
    network().plot(tmp_path / "model.svg")
    assert (tmp_path / "model.svg").read_text().startswith("<svg")


@pytest.mark.parametrize("append", [False, True])
def test_a_log_used_again(tmp_path, append):
    log = CSVLogger(tmp_path / "log.csv", append=append)
    for _ in range(2):
        network().fit(X, Y, epochs=2, callbacks=[log], **QUIET)
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == (["epoch", "0", "1"] + (["0", "1"] if append else []))


def test_the_lines_of_callbacks(tmp_path, capsys):
    keep = ModelCheckpoint(tmp_path / "m", "loss", verbose=1, save_best_only=True, mode="max")
    every = ModelCheckpoint(tmp_path / "n", verbose=1)
    rate = LearningRateScheduler(lambda epoch: 0.1, verbose=1)
    stop = EarlyStopping("loss", patience=1, min_delta=100, restore_best_weights=True, verbose=1)
    network().fit(X, Y, epochs=9, callbacks=[keep, every, rate, stop], **QUIET)
    said = capsys.readouterr().out
    for part in ("Epoch 1: loss improved from -inf to ", f", saving model to {tmp_path / 'm'}",
                 "Epoch 2: loss did not improve from ", f"Epoch 2: saving model to {tmp_path / 'n'}",
                 "Epoch 1: LearningRateScheduler setting learning rate to 0.1.", "Epoch 2: early stopping",
                 "Restoring model weights from the end of the best epoch: 1."):  # fmt: skip
        assert part in said
    network().fit(X, Y, epochs=2, callbacks=[ModelCheckpoint(tmp_path / "n"), EarlyStopping("loss")], **QUIET)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("verbose", [0, 1, 2])
@pytest.mark.parametrize("kind", ["none", "closed"])
def test_a_training_goes_on_where_nobody_can_be_told(verbose, kind, tmp_path, monkeypatch):
    stream = None if kind == "none" else io.StringIO()
    if stream is not None:
        stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    model = network()
    loud = [ModelCheckpoint(tmp_path / "m", verbose=1), LearningRateScheduler(lambda epoch: 0.1, verbose=1)]
    found = model.fit(X, Y, epochs=2, verbose=verbose, callbacks=loud, doctor=False)
    model.fit(X, Y, epochs=2, verbose=verbose, doctor=False)
    model.evaluate(X, Y, verbose=1)
    model.summary()
    assert len(found.history["loss"]) == 2


@pytest.mark.parametrize("epochs", [8, 7])
def test_the_lines_of_a_plateau_are_those_of_keras(epochs, capsys):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    how = {"monitor": "loss", "factor": 0.5, "patience": 2, "min_delta": 100.0, "min_lr": 2e-3, "verbose": 1}
    network().fit(X, Y, epochs=epochs, callbacks=[ReduceLROnPlateau(**how)], **QUIET)
    ours = capsys.readouterr().out.split("\n")
    theirs = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    theirs.compile("sgd", "mse")
    theirs.fit(X, Y, epochs=epochs, callbacks=[keras.callbacks.ReduceLROnPlateau(**how)], verbose=0)
    lines = [line for line in capsys.readouterr().out.split("\n") if line]
    assert [line[:7] for line in ours if line] == [line[:7] for line in lines]
    rates = [[float(line.rstrip(".").split()[-1]) for line in found if line] for found in (ours, lines)]
    np.testing.assert_allclose(*rates, rtol=1e-5)


def test_the_doctor_looks_at_the_first_batch_after_compile(monkeypatch):
    looks = []
    before = fitting.looked_before
    monkeypatch.setattr(fitting, "looked_before", lambda *given: (looks.append(given[2]), before(*given))[1])
    model, broken = network(), np.full((8, 2), np.nan)
    with pytest.warns(JindanWarning, match="NaN"):
        model.train_on_batch(broken, Y)
    for _ in range(2):
        model.train_on_batch(broken, Y)
    model.compile("sgd", "mse")
    for _ in range(2):
        model.train_on_batch(X, Y)
    assert looks == [True, False, False, True, False]


def test_batches_one_by_one_are_a_fit():
    rows = np.arange(48.0).reshape(24, 2) / 48
    whole, steps = network(), network()
    steps.set_weights(whole.get_weights())
    whole.fit(rows, rows[:, 0], 8, shuffle=False, **QUIET)
    held = []
    for start in range(0, 24, 8):
        steps.train_on_batch(rows[start : start + 8], rows[start : start + 8, 0])
        # What a training gave is not written over by the next.
        held.append((steps._weights, [{name: array.copy() for name, array in own.items()} for own in steps._weights]))
    assert all(map(np.array_equal, whole.get_weights(), steps.get_weights()))
    for given, copies in held:
        assert all(
            np.array_equal(own[name], copy[name]) for own, copy in zip(given, copies, strict=True) for name in own
        )
