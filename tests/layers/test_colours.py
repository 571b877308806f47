"""Augmentation of colours: what Keras makes of the same draws; how often and how much; what is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.errors import InputError
from jindan.layers import (
    AutoContrast,
    Context,
    RandomBrightness,
    RandomColorDegeneration,
    RandomColorJitter,
    RandomErasing,
    RandomGrayscale,
    RandomHue,
    RandomInvert,
    RandomPosterization,
    RandomSaturation,
    Solarization,
)

RNG = np.random.default_rng(417)
BYTES = RNG.uniform(0, 255, (4, 5, 6, 3)).astype("float32")
SHARES = BYTES / 255


def run(layer, x, seed=0, training=True):
    return np.asarray(layer.apply({}, jnp.asarray(x), Context(training=training, key=jax.random.key(seed))))


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.8])
@pytest.mark.parametrize(("x", "span"), [(BYTES, (0, 255)), (SHARES, (0, 1))])
def test_each_change_as_in_keras(share, x, span, keras):
    k, pair = keras.layers, (share, share)
    four = np.full((4, 1, 1, 1), share, "float32")
    wanted = k.RandomColorDegeneration(pair, span).transform_images(x, {"factor": four})
    agree(run(RandomColorDegeneration(pair, span), x), np.asarray(wanted), 1e-5)
    if span == (0, 1):  # Keras reads hue and saturation off pixels of 0 to 1
        wanted = k.RandomSaturation(pair, span).transform_images(x, {"factor": np.full(4, share / (1 - share + 1e-7))})
        agree(run(RandomSaturation(pair, span), x), np.asarray(wanted), 1e-5)
    turned = {run(RandomHue(pair, span), x, seed)[0].tobytes() for seed in range(9)}
    hue = k.RandomHue(pair, span)
    both = [np.asarray(hue.transform_images(x, {"factor": np.full(4, sign * share / 2)})) for sign in (1, -1)]
    for images in (np.frombuffer(found, "float32").reshape(x.shape[1:]) for found in turned):
        assert min(np.abs(images - one[0]).max() for one in both) <= 1e-5 * span[1]
    assert len(turned) == (2 if share else 1)
    wanted = k.Solarization(pair, pair, span).transform_images(x, {"additions": four * 255, "thresholds": four * 255})
    agree(run(Solarization(pair, pair, span), x), np.asarray(wanted), 1e-5)


@pytest.mark.parametrize("bits", range(1, 9))
def test_bits_as_in_keras(bits, keras):
    theirs = keras.layers.RandomPosterization((bits, bits))
    wanted = theirs.transform_images(BYTES, {"shift_factor": np.full(4, 8 - bits, "uint8")})
    agree(run(RandomPosterization((bits, bits)), BYTES), np.asarray(wanted), 1e-6)


def test_contrast_and_grey_as_in_keras(keras):
    x = BYTES.copy()
    x[0, :, :, 1] = 7.0  # a flat channel
    agree(run(AutoContrast(), x, training=False), np.asarray(keras.layers.AutoContrast()(x)), 1e-5)
    wanted = keras.layers.RandomGrayscale(1.0).transform_images(x, np.ones((4, 1, 1, 1), bool))
    agree(run(RandomGrayscale(1.0), x), np.asarray(wanted), 1e-5)


def test_how_often(x64):
    many = np.broadcast_to(SHARES[:1], (4000, 5, 6, 3))
    for layer, share in (
        (RandomGrayscale(0.3), 0.3),
        (RandomInvert(0.6, (0, 1)), 0.3),
        (RandomInvert(value_range=(0, 1)), 0.5),
    ):
        changed = (run(layer, many) != many).any((1, 2, 3)).mean()
        assert changed == pytest.approx(share, abs=5 * (share * (1 - share) / 4000) ** 0.5)
    kept = {len(np.unique(image.round(9))) for image in run(RandomPosterization((1, 4), (0, 1)), many[:200])}
    assert kept <= set(range(1, 2**3 + 1))
    assert {2, 8} <= kept


def test_rectangles_are_erased(x64):
    ones = np.ones((2000, 10, 8, 2))
    found = run(RandomErasing((1, 1), (0.25, 0.64), 0.0), ones)
    gone = found == 0
    np.testing.assert_array_equal(gone[..., 0], gone[..., 1])
    rows, columns = gone[..., 0].any(2), gone[..., 0].any(1)
    np.testing.assert_array_equal(gone[..., 0], rows[:, :, None] & columns[:, None])
    # Sides of √s, s from U(0.25, 0.64): between a half and four fifths, give or take a pixel.
    assert rows.sum(1).min() >= 4
    assert rows.sum(1).max() <= 9
    mean = np.mean(np.sqrt(np.random.default_rng(0).uniform(0.25, 0.64, 100_000)))
    assert rows.sum(1).mean() == pytest.approx(10 * mean, abs=0.1)
    assert columns.sum(1).mean() == pytest.approx(8 * mean, abs=0.1)
    assert (run(RandomErasing(0.5, 0.5), ones) != ones).any((1, 2, 3)).mean() == pytest.approx(0.25, abs=0.06)
    noise = run(RandomErasing((1, 1), (1, 1), None, (-1, 1)), ones)
    assert 0.2 < (np.abs(noise) == 1).mean() < 0.4  # what lies beyond the range is cut
    assert run(RandomErasing((1, 1), (1, 1), [0.0, 2.0]), ones[:1])[0, 0, 0].tolist() == [0, 2]


@pytest.mark.parametrize("x", [BYTES, np.zeros((1, 1, 1, 3), "float32"), np.full((2, 3, 1, 3), 255, "float32")])
def test_odd_images_stay_in_range_and_pass_at_inference(x):
    layers = (RandomGrayscale(1.0), RandomColorDegeneration(0.9), RandomSaturation(1.0), RandomInvert(), AutoContrast(),
              Solarization(0.5, 0.5), RandomPosterization(3), RandomErasing(), RandomHue(0.9),
              RandomColorJitter((0, 255), 0.2, 0.4, 0.7, 0.3))  # fmt: skip
    for layer in layers:
        found = run(layer, x)
        assert found.shape == x.shape
        assert np.isfinite(found).all()
        assert found.min() >= -1e-3
        assert found.max() <= 255 * (1 + 1e-5)
        if layer.random:
            np.testing.assert_array_equal(run(layer, x, training=False), x)


def test_jitter_is_its_parts_one_after_another(x64):
    x = SHARES.astype(float)
    layer = RandomColorJitter((0, 1), (0.1, 0.1), saturation_factor=(0.2, 0.2))
    wanted = run(RandomSaturation((0.2, 0.2), (0, 1)), run(RandomBrightness((0.1, 0.1), (0, 1)), x))
    agree(run(layer, x), wanted, 1e-9)
    assert not RandomColorJitter().random
    assert RandomColorJitter(hue_factor=0.1).random
    with pytest.raises(InputError, match="factor of RandomHue must be"):
        RandomColorJitter(hue_factor=3)


def test_what_is_refused():
    for make, words in (
        (lambda: RandomSaturation(1.5), "factor of RandomSaturation must be"),
        (lambda: RandomInvert((0.1, 0.2, 0.3)), "factor of RandomInvert must be"),
        (lambda: Solarization(addition_factor="a"), "addition_factor of Solarization must be"),
        (lambda: RandomPosterization(9), "keeps 1 to 8 bits"),
        (lambda: AutoContrast((1, 0)), "value_range of AutoContrast"),
        (lambda: RandomGrayscale(2), "factor of RandomGrayscale must be"),
        (lambda: RandomGrayscale().output_shape((4, 4, 1)), "images of three colours"),
    ):
        with pytest.raises(InputError, match=words):
            make()
