"""Convolution, pooling and spatial layers: what the contract's table does not ask."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan import layers
from jindan.errors import InputError, ShapeError
from jindan.layers import (
    Conv1D,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    DepthwiseConv2D,
    GlobalAveragePooling1D,
    MaxPooling2D,
    SeparableConv2D,
    UpSampling2D,
    ZeroPadding2D,
)
from jindan.layers.base import Context
from jindan.models import Sequential

RNG = np.random.default_rng(417)


def outputs(layer, w, x):
    """As in a program: operations one by one take longer to compile."""
    return jax.jit(lambda w, x: layer.apply(w, x, Context()))(w, x)


def test_the_notes_count_of_weights():
    """A kernel of 3 x 3 over c channels, f filters: 9 c f weights and f biases; pooling has none."""
    model = Sequential(
        [Conv2D(32, 3, activation="relu", input_shape=(28, 28, 1)), MaxPooling2D(), Conv2D(64, (3, 3)), MaxPooling2D()]
    )
    assert [sum(w.size for w in layer_weights) for layer_weights in split_by_layer(model)] == [320, 18496]


def split_by_layer(model):
    given = model.get_weights()
    return [given[:2], given[2:]]


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("strides", "more"), [(1, None), (2, None), (2, 1), (3, 0), ((1, 2), None)])
@pytest.mark.parametrize("window", [2, 3])
def test_transposed_as_in_keras(padding, strides, more, window, keras64):
    settings = {"strides": strides, "padding": padding, "output_padding": more}
    ours, theirs = Conv2DTranspose(2, window, **settings), keras64.layers.Conv2DTranspose(2, window, **settings)
    x = RNG.normal(size=(2, 3, 2, 4))
    theirs.build(x.shape)
    w = {name: RNG.normal(size=value.shape) for name, value in ours.weights((3, 2, 4)).items()}
    theirs.set_weights(list(w.values()))
    expected = np.asarray(theirs(x))
    assert ours.output_shape((3, 2, 4)) == expected.shape[1:]
    agree(outputs(ours, w, x), expected, 1e-12)


@pytest.mark.parametrize("padding", ["valid", "same", "causal"])
@pytest.mark.parametrize("dilation", [1, 2])
def test_sequences_as_in_keras(padding, dilation, keras64):
    ours = Conv1D(2, 3, padding=padding, dilation_rate=dilation)
    theirs = keras64.layers.Conv1D(2, 3, padding=padding, dilation_rate=dilation)
    x = RNG.normal(size=(2, 6, 4))
    theirs.build(x.shape)
    w = {name: RNG.normal(size=value.shape) for name, value in ours.weights((6, 4)).items()}
    theirs.set_weights(list(w.values()))
    agree(outputs(ours, w, x), np.asarray(theirs(x)), 1e-12)


def test_causal_outputs_see_no_later_step():
    layer, x = Conv1D(2, 3, padding="causal", dilation_rate=2), RNG.normal(size=(1, 8, 1)).astype(np.float32)
    w = {name: RNG.normal(size=value.shape).astype(np.float32) for name, value in layer.weights((8, 1)).items()}
    changed = x.copy()
    changed[0, 5:] += 1
    before, after = (outputs(layer, w, v) for v in (x, changed))
    np.testing.assert_array_equal(before[0, :5], after[0, :5])
    assert not np.array_equal(before[0, 5:], after[0, 5:])


@pytest.mark.parametrize("keepdims", [False, True])
def test_masked_steps_do_not_count(keepdims):
    x = jnp.asarray(RNG.normal(size=(3, 4, 2)), jnp.float32)
    mask = jnp.array([[1, 1, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]])
    found = GlobalAveragePooling1D(keepdims=keepdims).apply({}, x, Context(mask=mask)).reshape(3, 2)
    agree(found[0], x[0, :2].mean(0), 1e-6)
    agree(found[1], x[1].mean(0), 1e-6)
    assert found[2].tolist() == [0, 0]


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic"])
def test_upsampling_as_in_keras(interpolation, keras64):
    x = RNG.normal(size=(2, 3, 4, 2))
    theirs = keras64.layers.UpSampling2D((2, 3), interpolation=interpolation)
    ours = outputs(UpSampling2D((2, 3), interpolation=interpolation), {}, x)
    agree(ours, np.asarray(theirs(x)), 1e-6)  # Keras computes its weights in float32


@pytest.mark.parametrize(
    "name", ["Convolution2D", "MaxPool2D", "AvgPool1D", "GlobalAvgPool2D", "SeparableConvolution2D"]
)
def test_other_names(name):
    assert getattr(layers, name).__name__ != name


def test_sizes_have_one_form():
    assert Conv2D(2, [3, 3], 1) == Conv2D(2, 3, (1, 1))
    assert Conv1D(2, (3,)) == Conv1D(2, 3)
    assert ZeroPadding2D(1) == ZeroPadding2D(((1, 1), (1, 1))) == ZeroPadding2D((1, 1))


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (Conv2D(2, 5), (4, 8, 1)),
        (Conv1D(2, 3, dilation_rate=4), (8, 1)),
        (MaxPooling2D(3), (2, 5, 1)),
        (SeparableConv2D(2, 3), (2, 2, 1)),
        (DepthwiseConv2D(3), (2, 2, 1)),
        (Cropping2D(2), (4, 9, 1)),
        (Conv2D(4, 1, groups=2), (4, 4, 3)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, layers.Layer) else None,
)
def test_rows_that_do_not_fit_are_refused_in_words(layer, shape):
    with pytest.raises(ShapeError, match=f"{type(layer).__name__} has no output for rows of shape"):
        layer.output_shape(shape)


def test_flat_rows_are_refused_in_words():
    with pytest.raises(ShapeError, match="Conv2D cannot take rows of shape"):
        Conv2D(2, 3).output_shape((784,))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Conv2D(2, 0),
        lambda: Conv2D(2, (3, 3, 3)),
        lambda: Conv1D(2, "three"),
        lambda: Conv2D(2, 1.5),
        lambda: MaxPooling2D(float("nan")),
        lambda: ZeroPadding2D(-1),
        lambda: Conv2D(3, 3, groups=2),
        lambda: Conv2D(2, 3, data_format="channels_first"),
        lambda: Conv2D(2, 3, padding="causal"),
        lambda: Conv2DTranspose(2, 3, strides=2, output_padding=2),
    ],
)
def test_settings_that_cannot_be_are_refused(make):
    with pytest.raises(InputError, match="must"):
        make()


def test_flops_count_a_multiply_add_as_two():
    assert Conv2D(32, 3, use_bias=False).flops((28, 28, 1)) == 26 * 26 * 32 * (2 * 9 + 1)
    assert Conv2D(4, 1, groups=2, use_bias=False).flops((2, 2, 8)) == 2 * 2 * 4 * (2 * 4 + 1)
