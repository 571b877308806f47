"""Adaptive pooling, spectral normalisation, films and transposes of three axes: against Keras and PyTorch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.errors import InputError, ShapeError
from jindan.layers import (
    LSTM,
    AdaptiveAveragePooling2D,
    AdaptiveMaxPooling1D,
    BatchNormalization,
    Conv2D,
    Dense,
    Embedding,
    Flatten,
    SpectralNormalization,
)
from jindan.layers.base import Context
from jindan.models import Sequential
from layers.beside_keras import agree_with_keras

RNG = np.random.default_rng(417)


@pytest.mark.parametrize(
    ("axes", "shape", "size"),
    [
        (1, (1, 2), 1),
        (1, (7, 3), 3),
        (1, (6, 2), (4,)),
        (2, (5, 7, 2), (3, 2)),
        (2, (4, 6, 1), 2),
        (2, (3, 5, 2), (3, 4)),
        (3, (3, 4, 5, 1), (2, 3, 1)),
        (3, (2, 2, 2, 2), 2),
    ],
)
@pytest.mark.parametrize("kind", ["Average", "Max"])
def test_adaptive_pooling_as_in_keras(kind, axes, shape, size, keras):
    def build(layers, x):
        return getattr(layers, f"Adaptive{kind}Pooling{axes}D")(size)(x[0])

    agree_with_keras(build, [shape], [RNG.normal(size=(2, *shape))], keras)


@pytest.mark.parametrize("size", [1, 3, 5, 8])
def test_adaptive_pooling_as_in_torch(size):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    x = RNG.normal(size=(2, 5, 3))
    theirs = torch.nn.functional.adaptive_max_pool1d(torch.tensor(x).transpose(1, 2), size).transpose(1, 2)
    agree(AdaptiveMaxPooling1D(size).apply({}, jnp.asarray(x), Context()), theirs, 1e-6)
    images = RNG.normal(size=(2, 5, 4, 3))
    theirs = torch.nn.functional.adaptive_avg_pool2d(torch.tensor(images).permute(0, 3, 1, 2), (size, 3))
    agree(
        AdaptiveAveragePooling2D((size, 3)).apply({}, jnp.asarray(images), Context()), theirs.permute(0, 2, 3, 1), 1e-6
    )


def test_adaptive_pooling_refuses():
    with pytest.raises(InputError, match="output_size"):
        AdaptiveMaxPooling1D(0)
    with pytest.raises(ShapeError, match="cannot take rows of shape"):
        AdaptiveAveragePooling2D(2).output_shape((4, 4))


@pytest.mark.parametrize("rows", [1, 2])
def test_films_and_transposes_of_three_axes_as_in_keras(rows, keras):
    def build(layers, x):
        film = layers.ConvLSTM3D(2, 2, padding="same", return_sequences=True)(x[0])
        grown = layers.Conv3DTranspose(3, (2, 3, 2), strides=(1, 2, 2), padding="same", activation="tanh")(x[1])
        return [film, grown, layers.Conv3DTranspose(1, 2, dilation_rate=2)(x[1])]

    x = [RNG.normal(size=(rows, 2, 2, 3, 2, 1)), RNG.normal(size=(rows, 2, 3, 2, 2))]
    agree_with_keras(build, [(2, 2, 3, 2, 1), (2, 3, 2, 2)], x, keras)


# -- spectral normalisation ------------------------------------------------------------------------------------------


def applied(layer, w, x, training, updates=None):
    ctx = Context(training=training, key=jax.random.key(0), updates={} if updates is None else updates)
    return layer.apply(w, jnp.asarray(x), ctx)


@pytest.mark.parametrize("iterations", [1, 3])
def test_a_training_step_as_in_keras(iterations, keras):
    layer, x = SpectralNormalization(Conv2D(3, 2), iterations), RNG.normal(size=(2, 4, 4, 2)).astype("float32")
    theirs = keras.layers.SpectralNormalization(keras.layers.Conv2D(3, 2), power_iterations=iterations)
    theirs.build((None, 4, 4, 2))
    forms = [w.shape for w in layer.weights((4, 4, 2)).values()]
    values = [RNG.normal(size=form).astype("float32") for form in forms]
    assert [tuple(v.shape) for v in theirs.weights] == forms
    w, updates = dict(zip(layer.weights((4, 4, 2)), map(jnp.asarray, values), strict=True)), {}
    mine = applied(layer, w, x, True, updates)
    theirs.set_weights(values)
    wanted = theirs(x, training=True)
    agree(mine, np.asarray(wanted), 1e-5)
    agree(updates[0, "vector_u"], np.asarray(theirs.vector_u.value), 1e-5)


def test_settled_it_divides_by_the_largest_singular_value(x64):
    layer, x = SpectralNormalization(Dense(4, use_bias=False), 50), RNG.normal(size=(3, 5))
    w, updates = (
        {"vector_u": jnp.asarray(RNG.normal(size=(1, 4))), "kernel": jnp.asarray(RNG.normal(size=(5, 4)))},
        {},
    )
    wanted = x @ (w["kernel"] / np.linalg.svd(w["kernel"])[1][0])
    agree(applied(layer, w, x, True, updates), wanted, 1e-9)
    agree(applied(layer, w | {"vector_u": updates[0, "vector_u"]}, x, False), wanted, 1e-9)
    zeros = w | {"kernel": jnp.zeros((5, 4))}
    assert not applied(layer, zeros, x, True).any()
    slopes = jax.grad(lambda k: jnp.sum(applied(layer, w | {"kernel": k}, x, True)))(w["kernel"])
    assert abs(jnp.sum(slopes * w["kernel"])) < 1e-9  # a longer kernel changes nothing


def test_slopes_as_in_torch(x64):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    module = torch.nn.utils.parametrizations.spectral_norm(torch.nn.Linear(5, 4, dtype=torch.float64), dim=1)
    layer, x = SpectralNormalization(Dense(4)), RNG.normal(size=(3, 5))
    parts = dict(module.named_parameters())
    # With dim=1 PyTorch iterates from the side of the outputs, too.
    u = module.parametrizations.weight[0]._v.numpy().copy()[None]
    kernel, bias = (parts[name].detach().numpy() for name in ("parametrizations.weight.original", "bias"))
    w = {"vector_u": jnp.asarray(u), "kernel": jnp.asarray(kernel.T), "bias": jnp.asarray(bias)}
    theirs = torch.tanh(module(torch.tensor(x))).sum()
    theirs.backward()
    value, slopes = jax.value_and_grad(lambda w: jnp.sum(jnp.tanh(applied(layer, w, x, True))))(w)
    agree(value, theirs.detach(), 1e-9)
    agree(slopes["kernel"], parts["parametrizations.weight.original"].grad.T, 1e-9)


def test_a_bound_network_learns(tmp_path):
    words = RNG.integers(0, 6, (64, 5))
    y = (words == 2).any(1).astype(float)[:, None]
    model = Sequential([SpectralNormalization(Embedding(6, 4), input_shape=(5,)), Flatten(),
                        SpectralNormalization(Dense(8, "relu")), Dense(1, "sigmoid")])  # fmt: skip
    model.compile("adam", "binary_crossentropy")
    before = model.get_weights()
    history = model.fit(words, y, epochs=30, verbose=0, doctor=False, seed=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    assert not np.array_equal(before[0], model.get_weights()[0])
    assert model.layers[0].count_trained() == 24
    kernel, u, _ = model.layers[2].get_weights()
    v = u @ kernel.T
    assert np.linalg.norm(v) == pytest.approx(np.linalg.svd(kernel)[1][0], rel=0.05)


@pytest.mark.parametrize("layer", [Flatten(), BatchNormalization(), LSTM(2)])
def test_layers_without_a_kernel_are_refused(layer):
    if isinstance(layer, LSTM):
        assert "kernel" in SpectralNormalization(layer).weights((3, 2))
        return
    with pytest.raises(InputError, match="for layers with a kernel"):
        SpectralNormalization(layer).weights((3, 2))


@pytest.mark.parametrize("form", ["memory", "m.keras", "m.weights.h5"])
def test_weights_come_from_keras(form, keras, tmp_path):
    k = keras.layers
    theirs = keras.Sequential([keras.Input((5,)), k.SpectralNormalization(k.Dense(4)), k.Dense(3),
                               k.SpectralNormalization(k.Dense(2, use_bias=False), name="last")])  # fmt: skip
    source = theirs
    if form != "memory":
        source = tmp_path / form
        (theirs.save if form == "m.keras" else theirs.save_weights)(source)
    model = Sequential([SpectralNormalization(Dense(4), input_shape=(5,)), Dense(3),
                        SpectralNormalization(Dense(2, use_bias=False), name="last")])  # fmt: skip
    model.load_weights(source)
    for mine, its in zip(model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, its)
