"""Calls that Keras's documentation shows: they work, or say what does instead."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.callbacks import ModelCheckpoint
from jindan.errors import InputError, StateError
from jindan.layers import Attention, Dense, Input, MultiHeadAttention, PReLU
from jindan.models import Model, Sequential, load_model

X = np.random.default_rng(0).normal(size=(4, 5, 4))


def test_one_shared_axis():
    model = Sequential([PReLU(shared_axes=1, input_shape=(3, 2))])
    assert [w.shape for w in model.get_weights()] == [(1, 2)]


def test_attention_by_names():
    i, layer = Input((5, 4)), MultiHeadAttention(1, 2, name="mha")
    found = [Model(i, layer(*given, **named)) for given, named in (
        ((i, i), {}), ((), {"query": i, "value": i}), ((i,), {"value": i, "key": None}), (([i, i],), {}),
        ((i, i), {"return_attention_scores": False, "attention_mask": None, "training": None}))]  # fmt: skip
    weights = found[0].get_weights()
    for model in found:
        model.set_weights(weights)
        np.testing.assert_allclose(model.predict(X), found[0].predict(X), rtol=1e-6)
    again = found[0].get_layer("mha")
    np.testing.assert_allclose(Model(i, again(query=i, value=i)).predict(X), found[0].predict(X), rtol=1e-6)


def test_what_attention_takes_in_a_call():
    i, mask = Input((5, 4)), Input((5, 5))
    for layer, given in ((MultiHeadAttention(1, 2), i), (Attention(), [i, i])):
        _, shares = layer(given, return_attention_scores=True)
        assert shares.shape[-2:] == (5, 5)
    assert MultiHeadAttention(1, 2)(i, i, attention_mask=mask).shape == (None, 5, 4)
    with pytest.raises(InputError, match="attention_mask cannot be given in a call"):
        Attention()([i, i], attention_mask=mask)


def test_the_features_of_attention():
    for form in (8, (8,), [8]):
        layer = MultiHeadAttention(1, 2, output_shape=form)
        assert layer.output_shape(((5, 4),)) == (5, 8)
        assert layer == MultiHeadAttention(1, 2, output_features=8)
        assert layer.replace(key_dim=3).output_features == 8
    with pytest.raises(InputError, match="output_features"):
        MultiHeadAttention(1, 2, output_shape=(2, 3))


def test_when_a_checkpoint_saves(tmp_path):
    ModelCheckpoint(tmp_path / "m", save_freq="epoch")
    with pytest.raises(InputError, match="save_freq"):
        ModelCheckpoint(tmp_path / "m", save_freq=100)
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    keep = ModelCheckpoint(tmp_path / "m", "loss", save_best_only=True, initial_value_threshold=-1.0)
    model.fit(np.ones((4, 2)), np.ones(4), callbacks=[keep], verbose=0, doctor=False)
    assert not (tmp_path / "m").exists()


def test_a_model_loaded_without_its_training(tmp_path):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    model.save(tmp_path / "m")
    bare = load_model(tmp_path / "m", compile=False)
    np.testing.assert_array_equal(bare.predict(np.ones((2, 2))), model.predict(np.ones((2, 2))))
    with pytest.raises(StateError, match="not compiled"):
        bare.evaluate(np.ones((2, 2)), np.ones(2))
    assert load_model(tmp_path / "m", custom_objects=None, safe_mode=True).loss is not None
    with pytest.raises(InputError, match="custom_objects"):
        load_model(tmp_path / "m", custom_objects={"f": abs})
