"""Models and layers as dicts and as text, as Keras users write them, and Keras's names for what a model has."""

from __future__ import annotations

import json

import jax.numpy as jnp
import numpy as np
import pytest

from jindan.errors import InputError
from jindan.layers import LSTM, Add, BatchNormalization, Conv2D, Dense, Dropout, Flatten, Input, Lambda
from jindan.losses import Huber, Loss
from jindan.models import Model, Sequential, model_from_json
from jindan.optimizers import Adam

X = np.random.default_rng(5).normal(size=(4, 6, 6, 1)).astype("float32")


def stack():
    return Sequential(
        [
            Conv2D(2, 3, activation="relu", input_shape=(6, 6, 1), name="seen"),
            BatchNormalization(),
            Flatten(),
            Dense(3),
        ],
        name="base",
    )


def graph():
    image = Input((6, 6, 1), name="image")
    flat = Flatten()(image)
    shared = Dense(4, name="shared")
    return Model(image, {"a": Dense(2)(Add()([shared(flat), shared(flat)])), "b": Dropout(0.5)(flat)}, name="graph")


def inner():
    image = Input((6, 6, 1))
    return Model(image, Dense(1)(stack()(image)))


@pytest.mark.parametrize("make", [stack, graph, inner])
def test_a_model_is_made_again_of_its_config_and_its_text(make):
    model = make()
    for text in (model.to_json(), model.to_json(indent=2)):
        for again in (model_from_json(text), type(model).from_config(json.loads(text)["config"])):
            assert type(again) is type(model)
            assert again.name == model.name
            assert again.get_config() == model.get_config()
            again.set_weights(model.get_weights())
            ours, theirs = again.predict(X), model.predict(X)
            assert type(ours) is type(theirs)
            for name in theirs if isinstance(theirs, dict) else [...]:
                np.testing.assert_array_equal(ours[name], theirs[name])
    open_shape = Sequential([Dense(2), Dense(1)])
    assert model_from_json(open_shape.to_json()).input_shape is None


def test_parts_are_made_again_of_their_config():
    for part in (
        Dense(3, activation="relu", kernel_initializer="he_normal"),
        LSTM(2, dropout=0.1),
        Huber(2.0),
        Adam(0.1),
    ):
        assert type(part).from_config(part.get_config()) == part
    assert Dense.from_config(stack().layers[-1].get_config()).units == 3

    class Kept(Loss):
        def __init__(self, alpha, **kwargs):
            super().__init__(**kwargs)
            self.alpha = alpha

        def call(self, y_true, y_pred):
            return self.alpha * jnp.abs(y_true - y_pred)

        def get_config(self):
            return {**super().get_config(), "alpha": self.alpha}

    assert Kept.from_config(Kept(2.0, name="k").get_config()) == Kept(2.0, name="k")


def test_what_no_model_is_made_of():
    for make, words in (
        (lambda: model_from_json("{"), "no JSON.*to_json"),
        (lambda: model_from_json("[1]"), "No model can be made.*list"),
        (lambda: model_from_json('{"a": 1}'), "No model can be made.*received: a"),
        (lambda: model_from_json("{}", custom_objects={"f": abs}), "custom_objects"),
        (lambda: Dense.from_config({"unit": 3}), "unit.*Did you mean `units`"),
        (lambda: Sequential([Lambda(lambda x: x + 1)]).to_json(), "cannot be written.*Lambda"),
    ):
        with pytest.raises(InputError, match=f"(?s){words}"):
            make()


def test_the_names_that_keras_has_for_weights():
    model = stack()
    for name in ("trainable", "non_trainable"):
        for one, other in zip(getattr(model, f"{name}_variables"), getattr(model, f"{name}_weights"), strict=True):
            np.testing.assert_array_equal(one, other)
    assert (len(model.variables), len(model.trainable_variables), len(model.non_trainable_variables)) == (8, 6, 2)


def test_a_summary_tells_what_is_trained():
    model, said = stack(), []
    model.layers[0].trainable = False
    for show in (False, True):
        model.summary(print_fn=said.append, show_trainable=show)
    assert "Trainable\n" not in said[0]
    lines = {line.split()[0]: line.split()[-1] for line in said[1].splitlines() if "(" in line[:40]}
    assert "Trainable\n" in said[1]
    assert lines["seen"] == "no"
    assert list(lines.values()).count("yes") == 3
