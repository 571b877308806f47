"""MelSpectrogram against Keras, sound by sound; a tone in its band; what is refused."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.errors import InputError, ShapeError
from jindan.layers import Context, GlobalAveragePooling1D, MelSpectrogram, Permute
from jindan.models import Sequential

RNG = np.random.default_rng(417)


@pytest.mark.parametrize(
    ("settings", "samples"),
    [
        ({"fft_length": 64, "sequence_stride": 16, "num_mel_bins": 8, "sampling_rate": 800}, 200),
        ({"fft_length": 32, "sequence_stride": 10, "sequence_length": 21, "window": "hamming", "num_mel_bins": 5}, 57),
        ({"fft_length": 16, "sequence_stride": 16, "num_mel_bins": 4, "power_to_db": False, "mag_exp": 1.0}, 33),
        ({"fft_length": 16, "window": None, "sequence_length": 12, "num_mel_bins": 3, "top_db": 5, "ref_power": 2}, 9),
        ({"fft_length": 8, "sequence_stride": 3, "window": np.arange(8.0), "num_mel_bins": 2, "max_freq": 3000}, 20),
    ],
)  # fmt: skip
def test_each_sound_as_in_keras(settings, samples, keras):
    layer, theirs = MelSpectrogram(**settings), keras.layers.MelSpectrogram(**settings)
    sounds = RNG.normal(size=(3, samples)).astype("float32")
    mine_of, theirs_of = jax.jit(lambda x: layer.apply({}, x, Context())), jax.jit(theirs)
    found = np.asarray(mine_of(jnp.asarray(sounds)))
    assert found.shape[1:] == layer.output_shape((samples,))
    for mine, sound in zip(found, sounds, strict=True):  # its loudest is that of the batch
        agree(mine, np.asarray(theirs_of(sound[None])[0]), 1e-5)
    slope = jax.grad(lambda x: jnp.sum(jnp.sin(mine_of(x))))(jnp.asarray(sounds[:1]))
    wanted = jax.grad(lambda x: jnp.sum(jnp.sin(theirs_of(x))))(jnp.asarray(sounds[:1]))
    agree(slope, np.asarray(wanted), 1e-4)  # of float32, through logarithms of small powers


def test_a_tone_is_in_its_band():
    bands = MelSpectrogram(512, 128, num_mel_bins=40, sampling_rate=8000, input_shape=(8000,))
    model = Sequential([bands, Permute((2, 1)), GlobalAveragePooling1D()])
    time = np.arange(8000) / 8000
    tones = [200.0, 1000.0, 3000.0]
    loud = model.predict(np.stack([np.sin(2 * np.pi * tone * time) for tone in tones])).argmax(1)
    mel = 1127 * np.log(1 + np.array([20.0, *tones, 4000.0]) / 700)
    wanted = (mel[1:4] - mel[0]) / (mel[4] - mel[0]) * 41 - 1
    assert np.abs(loud - wanted).max() <= 1
    assert np.isfinite(model.predict(np.zeros((1, 8000)))).all()


def test_what_is_refused():
    for settings, words in (
        ({"window": "box"}, "window of MelSpectrogram"),
        ({"fft_length": 8, "window": [1.0, 2.0]}, "window of MelSpectrogram"),
        ({"fft_length": 8, "sequence_length": 9}, "sequence_length of MelSpectrogram"),
        ({"min_freq": 9000.0}, "min_freq of MelSpectrogram"),
    ):
        with pytest.raises(InputError, match=words):
            MelSpectrogram(**settings)
    with pytest.raises(ShapeError, match="cannot take rows of shape"):
        MelSpectrogram().output_shape((4, 4))
