"""The networks that are timed: data, size of an update, operations; their code is in in_torch.py and in_jindan.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import data
from .flops import Product, direct

CLASSES, YES_OR_NO = "classes", "yes or no"
CHANNELS_FIRST = ("cnn", "vgg", "resnet")  # images, which PyTorch wants as (rows, channels, height, width)


@dataclass(frozen=True)
class Network:
    """One row of the table. `in_torch` and `in_jindan` each have a function of the same name that builds it.

    Attributes:
        title: What it is, in a line.
        data: Number of rows → inputs and targets, channels last.
        batch: Rows an update.
        updates: Updates an epoch; the data are cut to `batch · updates` rows.
        products: What it multiplies, for one row.
        parameters: Numbers it trains (as in Keras; PyTorch's recurrent layers have a second bias).
        loss: CLASSES for softmax cross-entropy with class numbers, YES_OR_NO for the logistic loss.
        kernels: Distinct shapes of convolution, each of which has to be compiled.
    """

    title: str
    data: Callable[[int], tuple[np.ndarray, np.ndarray]]
    batch: int
    updates: int
    products: tuple[Product, ...]
    parameters: int
    loss: str = CLASSES
    kernels: int = 0

    @property
    def rows(self) -> int:
        """Rows of an epoch."""
        return self.batch * self.updates

    @property
    def flops(self) -> int:
        """Operations of one update, by definition."""
        return direct(self.products, self.batch, self.parameters)


def _recurrent(gates: int) -> tuple[Product, ...]:
    """28 steps of 28 numbers into 128 units with so many gates each, then 10 classes."""
    return (
        Product(28, 28, gates * 128, first=True),
        # The state before the first step needs no gradient.
        Product(1, 128, gates * 128, first=True),
        Product(27, 128, gates * 128),
        Product(1, 128, 10),
    )


NETWORKS = {
    "cnn": Network(
        "CNN, 3×3: 32, pool, 64, pool, dense 128; MNIST 28×28, batch 128",
        data.images,
        batch=128,
        updates=60,
        products=(
            Product(26 * 26, 9, 32, first=True),
            Product(11 * 11, 9 * 32, 64),
            Product(1, 5 * 5 * 64, 128),
            Product(1, 128, 10),
        ),
        parameters=225_034,
        kernels=2,
    ),
    "lstm": Network(
        "LSTM, 128 units; MNIST as 28 steps of 28, batch 128",
        data.rows_of_pixels,
        batch=128,
        updates=100,
        products=_recurrent(4),
        parameters=81_674,
    ),
    "gru": Network(
        "GRU, 128 units; MNIST as 28 steps of 28, batch 128",
        data.rows_of_pixels,
        batch=128,
        updates=100,
        products=_recurrent(3),
        parameters=61_962,
    ),
    "simplernn": Network(
        "simple RNN, 128 units; MNIST as 28 steps of 28, batch 128",
        data.rows_of_pixels,
        batch=128,
        updates=250,
        products=_recurrent(1),
        parameters=21_386,
    ),
    "conv1d": Network(
        "1-D CNN, embedding 128, width 5: 128, global max, dense 64; Korean reviews, length 100, batch 64",
        data.review_tokens,
        batch=64,
        updates=80,
        products=(Product(96, 5 * 128, 128), Product(1, 128, 64), Product(1, 64, 1)),
        parameters=1_370_369,
        loss=YES_OR_NO,
        kernels=1,
    ),
    "vgg": Network(
        "VGG-like, 3×3: 32-32, 64-64, 128-128, dense 128; MNIST 32×32, batch 64",
        data.padded_images,
        batch=64,
        updates=20,
        products=(
            Product(32 * 32, 9, 32, first=True),
            Product(32 * 32, 9 * 32, 32),
            Product(16 * 16, 9 * 32, 64),
            Product(16 * 16, 9 * 64, 64),
            Product(8 * 8, 9 * 64, 128),
            Product(8 * 8, 9 * 128, 128),
            Product(1, 4 * 4 * 128, 128),
            Product(1, 128, 10),
        ),
        parameters=549_994,
        kernels=6,
    ),
    "resnet": Network(
        "ResNet, 3×3 with batch norm: 4 blocks of two layers of 32; MNIST 16×16, batch 64",
        data.small_images,
        batch=64,
        updates=30,
        products=(Product(16 * 16, 9, 32, first=True), Product(16 * 16, 9 * 32, 32, times=8), Product(1, 32, 10)),
        parameters=74_922,
        kernels=2,
    ),
    "transformer": Network(
        "transformer, 2 blocks, width 128, 4 heads; Shakespeare's characters, context 64, batch 32",
        data.shakespeare_windows,
        batch=32,
        updates=80,
        products=(
            Product(64, 128, 3 * 128, times=2),
            # Scores and averages over all 64 × 64 pairs, those that the causal mask hides among them.
            Product(64, 128, 64, times=4),
            Product(64, 128, 128, times=2),
            Product(64, 128, 512, times=2),
            Product(64, 512, 128, times=2),
            Product(64, 128, 65),
        ),
        parameters=421_697,
    ),
}
