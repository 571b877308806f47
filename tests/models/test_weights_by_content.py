"""Weights are read by what a file holds: the name that `save_weights` was given makes no difference."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.callbacks import ModelCheckpoint
from jindan.errors import FileError
from jindan.layers import Dense
from jindan.models import Sequential


def network(seed=0):
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse", seed=seed)
    return model


@pytest.mark.parametrize("name", ["m.weights.h5", "weights", "cp.ckpt", "m.keras", "m.pt", "m.v2.bin", "m.safetensors"])
def test_weights_come_back_under_any_name(tmp_path, name):
    model, other = network(), network(1)
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_best_weights_of_a_checkpoint(tmp_path):
    model, path = network(), tmp_path / "best.weights.h5"
    keep = ModelCheckpoint(path, monitor="loss", save_best_only=True, save_weights_only=True)
    model.fit(np.ones((8, 3)), np.ones((8, 2)), epochs=2, callbacks=[keep], verbose=0, doctor=False)
    kept = model.get_weights()
    model.set_weights([w + 1 for w in kept])
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], kept[0])


@pytest.mark.parametrize("content", [b"", b"\x02\0\0\0\0\0\0\0{}"[:8], b"\xff" * 8 + b"{}", b"no weights at all"])
def test_what_holds_no_weights_is_refused(tmp_path, content):
    for name in ("m.weights.h5", "weights", "m.safetensors"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError):
            network().load_weights(tmp_path / name)
