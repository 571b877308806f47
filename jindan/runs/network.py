"""The usual network for what a table holds: layers on numbers, a branch for each column of text or of images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..data import InputForm
from ..layers import (
    Concatenate,
    Conv1D,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    GlobalAveragePooling1D,
    GlobalAveragePooling2D,
    GlobalMaxPooling1D,
    Input,
    MaxPooling2D,
    RandomTranslation,
    Rescaling,
)
from ..layers.base import Layer
from ..models import Model

# NSMC (12,800 Korean reviews, 4,000 to test on): 82.7 % with width 32 and dropout 0.5, 82.4 % with 64 and 0.3; without
# the means 81.9 %, the means alone 82.6 %, one table for both 81.9 %; logistic regression on the same tokens 82.0 %.
WIDTH, FILTERS, WINDOW, TEXT_DROPOUT = 32, 128, 5, 0.5
LONG = 128  # tokens, from which on half the filters must do
IMAGE_DROPOUT = 0.3
# Pictures are shifted by up to this share of their sides, whole pixels, while training. Of unseen ones are right, means
# of two seeds: learnt from 1,600 digits (MNIST) 95.9 %, without 94.5 %; from 3,100 clothes (Fashion-MNIST) 88.1 %,
# without 85.8 %. By parts of pixels, which blurs, 96.2 and 83.2 %; mirrored, 91.1 and 86.9 %: what may be mirrored or
# turned only the user knows.
SHIFT = 0.08
FLAT = 4096  # numbers that a dense layer may read at once
MOST_FILTERS = 128
STEPS, PATIENCE = 6000, 400  # updates at most, and without a gain, where text or images are learnt from

# Where images are one input of several, they come to the others in about as many numbers as those.
NARROW = (Dropout(IMAGE_DROPOUT), Dense(64, activation="relu", kernel_initializer="he_normal"))

BLOCK = 128
"""Images predicted at once: twice as fast as 1,024 on a machine of two cores, whose caches the larger block leaves."""

Parts = tuple[tuple[Layer, ...], Any]


def network_of(
    inputs: Sequence[InputForm], numbers: tuple[Layer, ...], hidden: tuple[Layer, ...] | None, head: Layer
) -> Parts:
    """Layers and wiring for these inputs.

    Args:
        inputs: What the network gets.
        numbers: The usual hidden layers on numbers.
        hidden: Hidden layers asked for: all of a table's, those after the branches where there are such; None for the
            usual ones.
        head: The output layer.

    >>> layers, wiring = network_of((InputForm("table", "table", (3,), "float32"),), (Dense(4),), None, Dense(1))
    >>> len(layers), wiring
    (2, None)
    """
    if not inputs or [form.kind for form in inputs] == ["table"]:
        return (*(numbers if hidden is None else hidden), head), None
    last = hidden if hidden is not None else (Dense(64, activation="relu", kernel_initializer="he_normal"),)
    if [form.kind for form in inputs] == ["image"]:
        return (*image_layers(inputs[0].shape), Dropout(IMAGE_DROPOUT), *last, head), None
    values = [Input(form.shape, name=form.name) for form in inputs]
    ends = []
    for form, value in zip(inputs, values, strict=True):
        if form.kind == "text":
            ends += _text(form, value)
        else:
            ends.append(_stacked(numbers if form.kind == "table" else (*image_layers(form.shape), *NARROW), value))
    joined = ends[0] if len(ends) == 1 else Concatenate()(ends)
    model = Model(values if len(values) > 1 else values[0], _stacked((*last, head), joined))
    return model.specs, model.wiring


def image_layers(shape: tuple[int, ...]) -> tuple[Layer, ...]:
    """Bytes to a row of features: convolutions of 3 × 3, each followed by halving, until few pixels are left.

    >>> [layer.filters for layer in image_layers((28, 28, 1)) if isinstance(layer, Conv2D)]
    [32, 64]
    """
    height, width = shape[:2]
    filters = 32 if max(height, width) <= 32 else 16
    layers: list[Layer] = [Rescaling(1 / 255), RandomTranslation(SHIFT, SHIFT, "nearest", "nearest")]
    while len(layers) == 2 or (min(height, width) >= 8 and height * width > 64):
        layers.append(Conv2D(filters, 3, padding="same", activation="relu", kernel_initializer="he_normal"))
        last = filters
        if min(height, width) > 1:
            layers.append(MaxPooling2D(2))
            height, width = height // 2, width // 2
        filters = min(2 * filters, MOST_FILTERS)
    layers.append(Flatten() if height * width * last <= FLAT else GlobalAveragePooling2D())
    return tuple(layers)


def block(inputs: Sequence[InputForm]) -> int | None:
    """Rows to predict at once; None for the engine's own number."""
    return BLOCK if any(form.kind == "image" for form in inputs) else None


def pace(inputs: Sequence[InputForm], rows: int) -> tuple[int, int, int] | None:
    """Batch size, epochs and patience where text or images are learnt from; None for numbers alone.

    A hundred updates an epoch, between 8 and 128 rows each: such networks take longer an update, and words are learnt
    by heart within few epochs.
    """
    if all(form.kind == "table" for form in inputs):
        return None
    batch = int(min(128, max(8, 2 ** round(np.log2(max(rows, 1) / 100)))))
    updates = max(1, rows // batch)
    return batch, int(np.clip(STEPS // updates, 10, 200)), int(np.clip(PATIENCE // updates, 2, 20))


def _text(form: InputForm, value: Any) -> list[Any]:
    """The strongest sign of a few tokens in a row, and the mean of what single tokens say."""
    words = form.vocabulary or 2
    filters = FILTERS if form.shape[0] <= LONG else FILTERS // 2
    near = Dropout(TEXT_DROPOUT)(Embedding(words, WIDTH)(value))
    near = Conv1D(filters, WINDOW, padding="same", activation="relu", kernel_initializer="he_normal")(near)
    means = GlobalAveragePooling1D()(Embedding(words, WIDTH, mask_zero=True)(value))
    return [Dropout(TEXT_DROPOUT)(GlobalMaxPooling1D()(near)), Dropout(TEXT_DROPOUT)(means)]


def _stacked(layers: Sequence[Layer], value: Any) -> Any:
    for layer in layers:
        value = layer.replace()(value)  # the layers given are descriptions
    return value
