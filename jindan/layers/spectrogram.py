"""MelSpectrogram: sound as the loudness of bands of frequencies over time."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..spec import COUNT, NOT_NEGATIVE, POSITIVE, Choice, item
from .base import Array, Context, Layer, Shape, need_rank, real

WINDOWS = {"hann": 0.5, "hamming": 0.54}  # a − (1 − a) cos 2πt: their a


class MelSpectrogram(Layer):
    """Samples → the power in triangular bands, evenly spaced in mel = 1127 ln(1 + Hz / 700), piece after piece.

    Shapes: rows (samples,) → (num_mel_bins, pieces), 1 + samples / sequence_stride of these; the first is centred on
    the first sample, and what lies outside is mirrored.

    Args:
        fft_length: Length of the Fourier transform, samples.
        sequence_stride: Samples from piece to piece.
        sequence_length: Length of a piece; None is fft_length.
        window: "hann", "hamming", numbers for each place of a piece, or None for all alike.
        sampling_rate: Samples a second.
        num_mel_bins: Bands.
        min_freq, max_freq: Where they begin and end, Hz; None is half the sampling rate.
        power_to_db: Whether powers become decibels, 10 log₁₀(power / ref_power), no more than top_db below the loudest
            of the row. (In Keras it is the loudest of the batch.)
        top_db, min_power, ref_power: For decibels.
        mag_exp: Power of the magnitudes that bands add up: 2 is energy.

    Raises:
        InputError: when a piece is longer than the transform, or the window has another length than a piece.
        ShapeError: when rows are not (samples,).

    >>> MelSpectrogram(num_mel_bins=64, sampling_rate=8000, sequence_stride=256).output_shape((16000,))
    (64, 63)

    Source: Stevens, Volkmann & Newman, "A scale for the measurement of the psychological magnitude pitch", 1937; bands
    as in the Hidden Markov Model Toolkit (HTK).
    """

    exact_inputs = True
    fft_length: int = item(default=2048, rule=COUNT)
    sequence_stride: int = item(default=512, rule=COUNT)
    sequence_length: int | None = item(default=None, rule=COUNT)
    window: Any = item(default="hann")
    sampling_rate: float = item(default=16000, rule=POSITIVE)
    num_mel_bins: int = item(default=128, rule=COUNT)
    min_freq: float = item(default=20.0, rule=NOT_NEGATIVE)
    max_freq: float | None = item(default=None, rule=POSITIVE)
    power_to_db: bool = item(default=True)
    top_db: float = item(default=80.0, rule=NOT_NEGATIVE)
    mag_exp: float = item(default=2.0, rule=POSITIVE)
    min_power: float = item(default=1e-10, rule=POSITIVE)
    ref_power: float = item(default=1.0, rule=POSITIVE)

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.window, str):
            if not Choice(tuple(WINDOWS)).accepts(self.window):
                raise self._unfit("window", '"hann", "hamming", numbers or None', repr(self.window))
        elif self.window is not None:
            object.__setattr__(self, "window", tuple(map(float, np.ravel(self.window))))
            if len(self.window) != self._piece:
                raise self._unfit("window", f"{self._piece} numbers, one a place", f"{len(self.window)}")
        if self._piece > self.fft_length:
            raise self._unfit("sequence_length", f"at most fft_length={self.fft_length}", self._piece)
        low, high = self.min_freq, self._highest
        if low >= high:
            raise self._unfit("min_freq", f"less than max_freq, {high:g} Hz", low)

    def _unfit(self, name: str, expected: str, received: Any) -> InputError:
        return InputError(
            f"The {name} of MelSpectrogram does not fit.", where=f"{name} of MelSpectrogram", expected=expected,
            received=received, help="MelSpectrogram(fft_length=512, sequence_stride=128) is for short sounds.",
        )  # fmt: skip

    @property
    def _piece(self) -> int:
        return self.fft_length if self.sequence_length is None else self.sequence_length

    @property
    def _highest(self) -> float:
        return int(self.sampling_rate / 2) if self.max_freq is None else self.max_freq

    def _pieces(self, samples: int) -> int:
        return 1 + (samples + 2 * (self.fft_length // 2) - self.fft_length) // self.sequence_stride

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (1,), "rows of shape (samples,)")
        return (self.num_mel_bins, self._pieces(shape[0]))

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        x = real(x)
        half = self.fft_length // 2
        padded = jnp.pad(x, ((0, 0), (half, half)), mode="reflect")
        first = np.arange(self._pieces(x.shape[1])) * self.sequence_stride
        pieces = padded[:, first[:, None] + np.arange(self.fft_length)] * jnp.asarray(self._weights(), x.dtype)
        found = jnp.fft.rfft(pieces)
        energy = jnp.real(found) ** 2 + jnp.imag(found) ** 2
        bands = (energy if self.mag_exp == 2 else energy ** (self.mag_exp / 2)) @ jnp.asarray(self._bands(), x.dtype)
        if self.power_to_db:
            level = 10 * jnp.log10(jnp.maximum(bands, self.min_power))
            level = level - 10 * math.log10(max(self.ref_power, self.min_power))
            bands = jnp.maximum(level, jnp.max(level, (1, 2), keepdims=True) - self.top_db)
        return jnp.swapaxes(bands, 1, 2)

    def _weights(self) -> np.ndarray:
        """The window, in the middle of a transform's length."""
        n, before = self._piece, (self.fft_length - self._piece) // 2
        if isinstance(self.window, str):
            a = WINDOWS[self.window]
            own = a - (1 - a) * np.cos(2 * np.pi * np.arange(n) / n)
        else:
            own = np.ones(n) if self.window is None else np.asarray(self.window)
        whole = np.ones(self.fft_length) if self.window is None else np.zeros(self.fft_length)
        whole[before : before + n] = own
        return whole

    def _bands(self) -> np.ndarray:
        """What part of each frequency belongs to each band: (frequencies, bands); none of frequency 0."""
        mel = _mel(np.linspace(0, self.sampling_rate / 2, self.fft_length // 2 + 1))[:, None]
        edges = np.linspace(_mel(self.min_freq), _mel(self._highest), self.num_mel_bins + 2)
        low, middle, high = edges[:-2], edges[1:-1], edges[2:]
        found = np.maximum(0, np.minimum((mel - low) / (middle - low), (high - mel) / (high - middle)))
        found[0] = 0
        return found

    def flops(self, shape: Shape) -> int:
        frequencies = self.fft_length // 2 + 1
        transform = int(2.5 * self.fft_length * math.log2(max(self.fft_length, 2)))
        return self._pieces(shape[0]) * (transform + frequencies * (3 + 2 * self.num_mel_bins))

    def keeps(self, shape: Shape) -> int:
        return 4 * self._pieces(shape[0]) * self.fft_length


def _mel(hertz: Any) -> Any:
    return 1127 * np.log(1 + hertz / 700)
