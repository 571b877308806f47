"""Layers and optimizers as members of a model; compile that fails changes nothing."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.errors import InputError
from jindan.layers import Dense
from jindan.models import Sequential


def test_a_failed_compile_changes_nothing(rows, make):
    model = make()
    model.fit(rows.x, rows.y)
    before = (model.plan, model._run)
    for settings in ({"loss": "no such loss"}, {"loss": "mse", "optimizer": "adamm"}, {"loss": "mse", "l2": -1}):
        with pytest.raises(InputError):
            model.compile(**settings)
        assert (model.plan, model._run) == before
    model.compile(model.optimizer, "mse")
    assert model.plan.optimizer == before[0].optimizer


def test_freezing_everything(rows, make, equal):
    model = make()
    before = model.get_weights()
    model.trainable = False
    assert not model.trainable
    assert model.trainable_weights == []
    model.fit(rows.x, rows.y)
    assert equal(model.get_weights(), before)
    model.trainable = True
    model.layers[0].trainable = False
    assert [w.shape for w in model.trainable_weights] == [(5, 3), (3,)]
    assert [w.shape for w in model.non_trainable_weights] == [(4, 5), (5,)]


def test_settings_of_a_layer(make):
    model = make()
    last = model.get_layer(index=-1)
    assert last.name == "dense_1"
    before = model.get_weights()
    last.activation = "linear"
    assert model.plan.layers[1].activation == "linear"
    np.testing.assert_array_equal(last.kernel, before[2])
    model.layers[0].units = 7
    assert [w.shape for w in model.get_weights()] == [(4, 7), (7,), (7, 3), (3,)]
    for wrong in ({"units": 0}, {"activation": "rela"}, {"name": "dense_1"}):
        with pytest.raises(InputError):
            [setattr(model.layers[0], name, value) for name, value in wrong.items()]
    with pytest.raises(AttributeError, match="Did you mean `units`"):
        model.layers[0].unit = 3
    with pytest.raises(AttributeError, match="Did you mean `kernel`"):
        _ = model.layers[0].kernal
    with pytest.raises(AttributeError, match="set_weights"):
        model.layers[0].kernel = np.zeros((4, 7))
    with pytest.raises(InputError, match="no such layer"):
        model.get_layer(index=2)
    names = lambda m: [view.name for view in m.layers]  # noqa: E731
    assert names(Sequential([Dense(2), Dense(2, name="dense")])) == ["dense_1", "dense"]
    assert names(Sequential([make().layers[0], make().layers[0]])) == ["dense", "dense_1"]


def test_weights_that_are_shown_cannot_be_written_to(make):
    inner = Sequential([Dense(3, input_shape=(4,))], name="inner")
    model = Sequential([inner, Dense(2)])
    view = model.get_layer("dense")
    shown = [
        *model.weights, *model.trainable_weights, *view.weights, *model.get_layer("inner").weights,
        *inner.layers[0].weights, view.kernel, view.bias,
    ]  # fmt: skip
    inner.trainable = False
    for array in (*shown, *model.non_trainable_weights):
        with pytest.raises(ValueError, match="read-only"):
            array[:] = 0
    before = model.get_weights()
    for copies in (model.get_weights(), view.get_weights(), model.get_layer("inner").get_weights()):
        for array in copies:
            array[:] = 7
    assert all(map(np.array_equal, model.get_weights(), before))
    model.set_weights(model.weights)
    model.compile("sgd", "mse")
    model.fit(np.ones((3, 4)), np.ones((3, 2)))
    model.get_weights()[0][:] = 0
