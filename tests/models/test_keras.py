"""Keras 3 as oracle: from equal weights the same predictions, scores and training, epoch by epoch, in float64."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan import layers
from jindan.models import Sequential

# Keras on JAX takes means and quotients in float32 even of float64 arrays (its result_type knows no float64 there), so
# each update is off by up to 1e-7, and a few dozen add up. The engine's own float64 is held to NumPy in test_backprop.
TOLERANCE = {"rtol": 1e-5, "atol": 1e-6}


@pytest.fixture
def keras():
    """Keras computing in float64, imported only here: it takes seconds."""
    found = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    if found.backend.backend() != "jax":
        pytest.skip("Keras was started with another backend")
    before = found.config.floatx()
    found.config.set_floatx("float64")
    with jax.enable_x64(True):
        yield found
    found.config.set_floatx(before)


def rows(outputs, kind, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(27, 4))
    if kind == "classes":
        return x, np.eye(outputs)[rng.integers(0, outputs, 27)]
    return x, rng.integers(0, 2, (27, outputs)) * 1.0 if kind == "binary" else rng.normal(size=(27, outputs))


def twins(keras, units, activations, **compiled):
    stack = list(zip(units, activations, strict=True))
    theirs = keras.Sequential([keras.Input((4,)), *[keras.layers.Dense(u, activation=a) for u, a in stack]])
    ours = Sequential([layers.Dense(u, activation=a) for u, a in stack], dtype="float64")
    ours.build((None, 4))
    theirs.compile(**compiled)
    ours.compile(**compiled)
    ours.set_weights(theirs.get_weights())
    return ours, theirs


CASES = {
    "classes": ((5, 3), ("relu", "softmax"), "classes",
                {"optimizer": "adam", "loss": "categorical_crossentropy", "metrics": ["accuracy"]}, {}),
    "binary, weighted rows": ((5, 1), ("sigmoid", "sigmoid"), "binary",
                              {"optimizer": "rmsprop", "loss": "binary_crossentropy", "metrics": ["accuracy"],
                               "weighted_metrics": ["mse"]},
                              {"sample_weight": np.linspace(0.1, 2, 27)}),
    "numbers": ((6, 2), ("elu", "linear"), "numbers",
                {"optimizer": "sgd", "loss": "mse", "metrics": ["mae"]}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_same_training(keras, name):
    units, activations, kind, compiled, extra = CASES[name]
    x, y = rows(units[-1], kind)
    ours, theirs = twins(keras, units, activations, **compiled)
    assert [w.shape for w in ours.get_weights()] == [w.shape for w in theirs.get_weights()]
    np.testing.assert_allclose(ours.predict(x), theirs.predict(x, verbose=0), **TOLERANCE)
    settings = {"batch_size": 8, "shuffle": False, "verbose": 0, "validation_split": 0.2, **extra}
    # The second fit goes on with the optimizer's memory.
    for epochs in (3, 2):
        found, wanted = ours.fit(x, y, epochs=epochs, **settings), theirs.fit(x, y, epochs=epochs, **settings)
        assert set(found.history) == set(wanted.history)
        for figure, values in wanted.history.items():
            np.testing.assert_allclose(found.history[figure], values, **TOLERANCE, err_msg=figure)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, **TOLERANCE)
    np.testing.assert_allclose(
        ours.evaluate(x, y, batch_size=8, verbose=0, **extra),
        theirs.evaluate(x, y, batch_size=8, verbose=0, **extra),
        **TOLERANCE,
    )


def test_the_same_class_weight_and_slowing(keras):
    from jindan.callbacks import EarlyStopping, ReduceLROnPlateau

    units, activations, kind, compiled, _ = CASES["classes"]
    x, y = rows(3, kind)
    ours, theirs = twins(keras, units, activations, **{**compiled, "optimizer": "sgd"})
    stop = {"monitor": "val_loss", "min_delta": 0.005, "patience": 3, "restore_best_weights": True}
    slow = {"monitor": "loss", "factor": 0.5, "patience": 1, "min_delta": 0.02}
    settings = {"batch_size": 8, "shuffle": False, "verbose": 0, "validation_split": 0.2, "epochs": 40,
                "class_weight": {0: 2.0, 2: 0.5}}  # fmt: skip
    found = ours.fit(x, y, callbacks=[EarlyStopping(**stop), ReduceLROnPlateau(**slow)], **settings)
    wanted = theirs.fit(
        x, y, callbacks=[keras.callbacks.EarlyStopping(**stop), keras.callbacks.ReduceLROnPlateau(**slow)], **settings
    )
    assert len(found.history["loss"]) == len(wanted.history["loss"]) < 40
    for figure in ("loss", "val_loss", "accuracy", "learning_rate"):
        np.testing.assert_allclose(found.history[figure], wanted.history[figure], **TOLERANCE, err_msg=figure)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, **TOLERANCE)
