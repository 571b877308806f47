"""Sharper, blurred and sheared images: what Keras makes of the same draws; how often; what is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.errors import InputError
from jindan.layers import Context, RandomGaussianBlur, RandomSharpness, RandomShear

RNG = np.random.default_rng(417)
BYTES = RNG.uniform(0, 255, (4, 5, 6, 3)).astype("float32")


def run(layer, x, seed=0, training=True):
    return np.asarray(layer.apply({}, jnp.asarray(x), Context(training=training, key=jax.random.key(seed))))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("x", [BYTES, BYTES[:1, :1, :2, :1]])
def test_sharpness_as_in_keras(share, x, keras):
    wanted = keras.layers.RandomSharpness((share, share)).transform_images(
        x, {"factor": np.full(len(x), share, "float32")}
    )
    agree(run(RandomSharpness((share, share)), x), np.asarray(wanted), 1e-5)


@pytest.mark.parametrize("sigma", [0.2, 0.7, 1.0])
@pytest.mark.parametrize("size", [1, 3, (5, 3)])
def test_blur_as_in_keras(sigma, size, keras):
    theirs = keras.layers.RandomGaussianBlur((1, 1), size, (sigma, sigma))
    told = {"should_apply_blur": np.ones(4, bool), "blur_factor": np.full(2, sigma + 1e-6, "float32")}
    agree(
        run(RandomGaussianBlur((1, 1), size, (sigma, sigma)), BYTES),
        np.asarray(theirs.transform_images(BYTES, told)),
        1e-5,
    )


@pytest.mark.parametrize("fill", ["reflect", "wrap", "constant", "nearest"])
@pytest.mark.parametrize(("across", "down"), [(0.0, 0.0), (0.4, 0.0), (0.25, 0.5)])
def test_shear_as_in_keras(fill, across, down, keras):
    layer, theirs = (
        make((across, across), (down, down), fill_mode=fill) for make in (RandomShear, keras.layers.RandomShear)
    )
    both = []
    for sign in (1, -1):
        told = {"shear_factor": np.tile(np.float32([[sign * across, sign * down]]), (4, 1)), "input_shape": BYTES.shape}
        both.append(np.asarray(theirs._transform_images(BYTES, told, "bilinear")))
    seen = set()
    for seed in range(4):
        for image, *wanted in zip(run(layer, BYTES, seed), *both, strict=True):
            off = [np.abs(image - each).max() for each in wanted]
            assert min(off) <= 1e-4 * 255
            seen.add(int(np.argmin(off)))
    assert seen == ({0, 1} if across else {0})


def test_how_often(x64):
    many = np.broadcast_to(BYTES[:1] / 255, (4000, 5, 6, 3))
    changed = (run(RandomGaussianBlur(0.6, sigma=(0.5, 1.0)), many) != many).any((1, 2, 3)).mean()
    assert changed == pytest.approx(0.3, abs=5 * (0.21 / 4000) ** 0.5)


def test_at_inference_images_pass():
    for layer in (RandomSharpness(0.5), RandomGaussianBlur(), RandomShear(0.5, 0.5)):
        np.testing.assert_array_equal(run(layer, BYTES, training=False), BYTES)
        assert not np.array_equal(run(layer, BYTES), BYTES)
    assert not RandomShear().random


def test_what_is_refused():
    for make, words in (
        (lambda: RandomGaussianBlur(kernel_size=4), "A blur has a middle"),
        (lambda: RandomGaussianBlur(sigma=2), "sigma of RandomGaussianBlur must be"),
        (lambda: RandomShear(-0.1), "x_factor of RandomShear must be"),
        (lambda: RandomSharpness("a"), "factor of RandomSharpness must be"),
    ):
        with pytest.raises(InputError, match=words):
            make()
