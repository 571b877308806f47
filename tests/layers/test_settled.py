"""A layer is a value: to set one of its attributes says what works in its place, and that does work."""

import copy
import dataclasses
import pickle

import numpy as np
import pytest

from jindan import layers, spec
from jindan.errors import InputError, JindanError
from jindan.layers import LSTM, Conv2D, Dense
from jindan.models import Sequential


def test_the_error_says_what_to_write_and_that_works():
    layer = Dense(8)
    with pytest.raises(JindanError) as caught:
        layer.trainable = False
    assert str(caught.value).splitlines() == [
        "A layer is a value: its settings do not change once it is made.",
        "  where:    trainable of Dense",
        "  expected: Dense(…, trainable=False)",
        "  received: layer.trainable = False",
        "  help: Give it where the layer is made, or take a copy: layer.replace(trainable=False). The layer of a model "
        "can be set: model.layers[0].trainable = False.",
    ]
    assert layer.trainable
    assert layer.replace(trainable=False) == Dense(8, trainable=False)
    model = Sequential([Dense(8, input_shape=(3,)), Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    before = [layer.get_weights() for layer in model.layers]
    model.fit(np.ones((8, 3)), np.ones((8, 1)), epochs=2, verbose=0, doctor=False, seed=0)
    moved = [not np.array_equal(old[0], now.get_weights()[0]) for old, now in zip(before, model.layers, strict=True)]
    assert moved == [False, True]


@pytest.mark.parametrize("cls", spec.classes("layer"), ids=lambda cls: cls.__name__)
def test_no_attribute_of_any_layer_ends_in_an_error_of_pythons(cls):
    layer = object.__new__(cls)
    for name in [field.name for field in dataclasses.fields(cls) if field.init]:
        with pytest.raises(InputError, match=rf"where:    {name} of {cls.__name__}\n") as caught:
            setattr(layer, name, None)
        assert "received: layer." in str(caught.value)
        assert "help: " in str(caught.value)
        with pytest.raises(InputError, match="del layer"):
            delattr(layer, name)
    # What handled dataclasses' own error, or that of an attribute, still does.
    with pytest.raises(dataclasses.FrozenInstanceError):
        layer.name = "x"
    with pytest.raises(AttributeError):
        layer.name = "x"


def test_a_misspelt_setting_and_an_unknown_one():
    with pytest.raises(InputError, match="Did you mean `trainable`"):
        LSTM(3).trainble = False
    with pytest.raises(InputError, match="no setting of this name"):
        Conv2D(3, 3).remark = "mine"


def test_a_layer_of_ones_own_is_a_value_too():
    class Mine(layers.Layer):
        start: float = 1.0

    with pytest.raises(InputError, match="start of Mine"):
        Mine().start = 2.0
    with pytest.raises(InputError, match="declare it as a setting: other"):
        Mine().other = 2.0


def test_a_layer_written_for_keras_is_told_what_becomes_of_it():
    class Block(layers.Layer):
        def __init__(self):
            super().__init__()
            self.dense = Dense(3)

        def call(self, x):
            return self.dense(x)

    with pytest.raises(InputError, match=r"dense of Block[\s\S]*class Block\(jindan.models.Model\)"):
        Block()


def test_copies_are_still_made():
    layer = Dense(8, activation="relu", kernel_initializer="he_normal")
    assert pickle.loads(pickle.dumps(layer)) == copy.deepcopy(layer) == copy.copy(layer) == layer


def test_long_values_are_not_repeated():
    with pytest.raises(InputError) as caught:
        Dense(8).input_shape = list(range(100))
    assert "received: layer.input_shape = …\n" in str(caught.value)
