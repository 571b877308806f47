"""What is no number stays none: a layer that made 0 of NaN would hide a training that has failed."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.layers import ELU, LeakyReLU, PReLU, ReLU
from jindan.models import Sequential

X = np.array([[np.nan, 1.0, -1.0, 0.0, np.inf, 7.0]], "f")


@pytest.mark.parametrize("settings", [{}, {"max_value": 6.0}, {"negative_slope": 0.1}, {"threshold": 0.5},
                                      {"max_value": 6.0, "negative_slope": 0.2, "threshold": 1.0}])  # fmt: skip
def test_relu_as_in_keras(settings):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    ours = Sequential([ReLU(**settings, input_shape=(6,))]).predict(X)
    first = 1 if settings.get("threshold") and "negative_slope" not in settings else 0  # there Keras makes NaN 0
    np.testing.assert_allclose(ours[:, first:], np.asarray(keras.layers.ReLU(**settings)(X))[:, first:], rtol=1e-6)


@pytest.mark.parametrize("layer", [ReLU(), LeakyReLU(), PReLU(), ELU(), ReLU(max_value=6.0)])
def test_nan_goes_through(layer):
    assert np.isnan(Sequential([layer.replace(input_shape=(6,))]).predict(X)[0, 0])
