"""What all tests share: the environment that must stand before JAX and Keras are imported."""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")

from jindan.engine import devices

# The number of devices is fixed once JAX runs: start as a training would, whichever test comes first.
devices.start()


@pytest.fixture
def x64():
    """float64 in force: differences and long comparisons need the digits."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture
def keras64(x64):
    """Keras computing in float64."""
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # Keras settles it once, with the first layer anyone makes
    yield keras
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(policy)
