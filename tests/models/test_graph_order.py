"""Graphs as Keras builds them: the same order of layers, shared layers, masks of merged inputs, scalars."""

from __future__ import annotations

import numpy as np
import pytest

import jindan as jd
import jindan.layers as ours
from jindan.errors import InputError, ShapeError
from jindan.layers import Dense, Input
from jindan.models import Model, Sequential

RNG = np.random.default_rng(417)


def residual(L, x):
    return L.Add()([x[0], L.Dense(4)(L.Dense(5)(x[0]))])


def two_branches(L, x):
    return L.Subtract()([L.Dense(3)(x[0]), L.Dense(3, use_bias=False)(x[1])])


def uneven(L, x):
    first = L.Dense(6)(x[0])
    return [L.Dense(2)(first), L.Dense(3)(L.Dense(4)(first))]


def shared(L, x):
    trunk, other = L.Dense(3), L.Dense(2)
    return L.Concatenate()([other(L.Dense(4)(trunk(x[0]))), trunk(x[1])])


def crossing(L, x):
    a, b = L.Dense(3)(x[1]), L.Dense(3)(x[0])
    return L.Dense(1)(L.Concatenate()([L.Dense(2)(L.Average()([b, a])), a, L.Dense(5)(b)]))


@pytest.mark.parametrize("build", [residual, two_branches, uneven, shared, crossing])
def test_layers_stand_in_keras_order(build, keras64):
    sizes = (4, 4)
    theirs_in = [keras64.Input((n,)) for n in sizes]
    ours_in = [Input((n,)) for n in sizes]
    found, wanted = build(ours, ours_in), build(keras64.layers, theirs_in)
    used = 2 if build in (two_branches, shared, crossing) else 1
    theirs = keras64.Model(theirs_in[:used], wanted)
    model = Model(ours_in[:used], found, dtype="float64")
    weights = [RNG.normal(size=w.shape) for w in theirs.get_weights()]
    theirs.set_weights(weights)
    model.set_weights(weights)
    x = [RNG.normal(size=(3, n)) for n in sizes[:used]]
    outputs = theirs(x if used > 1 else x[0])
    many = isinstance(outputs, (list, tuple))
    mine = model.predict(x if used > 1 else x[0])
    for a, b in zip(mine if many else [mine], outputs if many else [outputs], strict=True):
        np.testing.assert_allclose(a, np.asarray(b), rtol=1e-10)


def test_a_layer_called_twice_with_a_setting_is_one_layer():
    x = Input((5, 4))
    attention = ours.MultiHeadAttention(2, 3)
    model = Model(x, attention(attention(x, use_causal_mask=True), use_causal_mask=True))
    assert len(model.layers) == 1
    assert model.layers[0].use_causal_mask
    with pytest.raises(InputError, match="different settings"):
        Model(x, attention(attention(x, use_causal_mask=True)))


def test_masks_of_merged_inputs_as_in_keras(keras64):
    L = keras64.layers
    a, b = keras64.Input((4, 2)), keras64.Input((4, 2))
    theirs = keras64.Model([a, b], L.LSTM(3)(L.Add()([L.Masking()(a), L.Masking()(b)])))
    c, d = Input((4, 2)), Input((4, 2))
    model = Model([c, d], ours.LSTM(3)(ours.Add()([ours.Masking()(c), ours.Masking()(d)])), dtype="float64")
    model.set_weights(theirs.get_weights())
    x, y = RNG.normal(size=(2, 5, 4, 2))
    x[:, 2:], y[0, 1:], y[1, 3:] = 0, 0, 0
    # Keras computes parts of its loop in float32.
    np.testing.assert_allclose(model.predict([x, y]), np.asarray(theirs([x, y])), rtol=1e-5, atol=1e-7)


def test_a_masked_query_as_in_keras(keras64):
    L = keras64.layers
    a = keras64.Input((4, 2))
    masked = L.Masking()(a)
    theirs = keras64.Model(a, [L.MultiHeadAttention(1, 2)(masked, masked), L.Attention()([masked, masked])])
    c = Input((4, 2))
    masked = ours.Masking()(c)
    model = Model(
        c, [ours.MultiHeadAttention(1, 2)(masked, masked), ours.Attention()([masked, masked])], dtype="float64"
    )
    model.set_weights(theirs.get_weights())
    x = RNG.normal(size=(3, 4, 2))
    x[0, 2:], x[1, 1:] = 0, 0
    for mine, other in zip(model.predict(x), theirs(x), strict=True):
        np.testing.assert_allclose(mine, np.asarray(other), rtol=1e-5, atol=1e-7)


def test_shared_batch_norm_moves_with_each_use():
    a, b = Input((2,)), Input((2,))
    norm = ours.BatchNormalization(momentum=0.5)
    model = Model([a, b], ours.Concatenate()([norm(a), norm(b)]))
    model.compile("sgd", "mse")
    x, y = np.full((4, 2), 8.0), np.full((4, 2), 2.0)
    model.fit([x, y], np.zeros((4, 4)), epochs=1, batch_size=4, seed=0)
    # 0 → 4 by the first, → 3 by the second.
    np.testing.assert_allclose(model.layers[0].get_weights()[2], [3.0, 3.0], rtol=1e-6)


def test_numbers_join_in_graphs():
    x = Input((2,))
    model = Model(x, (1.0 - x * 2.0) / 4 + (-x) - 0.5)
    rows = np.array([[1.0, 2.0]])
    np.testing.assert_allclose(model.predict(rows), (1 - rows * 2) / 4 - rows - 0.5)
    for wrong in ({"mask": rows}, {"training": True}, {"initial_state": [rows]}):
        with pytest.raises(InputError, match="cannot be given in a call"):
            Dense(2)(x, **wrong)


def test_parts_quotients_and_products_in_graphs(tmp_path):
    x, y = Input((3, 4)), Input((4, 5))
    a, b = ours.Identity()(x), ours.Identity()(y)
    ends = [a[:, 0], a[:, -1, 1:3], a[..., None], a[:, ::-1, ::2], a / (a * a + 1.0), 2 / (a * a + 1), a @ b]
    model = Model([x, y], ends, dtype="float64")
    u, v = RNG.normal(size=(2, 3, 4)), RNG.normal(size=(2, 4, 5))
    wanted = [u[:, 0], u[:, -1, 1:3], u[..., None], u[:, ::-1, ::2], u / (u * u + 1), 2 / (u * u + 1), u @ v]
    model.save(tmp_path / "m")
    for made in (model, jd.load(tmp_path / "m")):
        for found, right in zip(made.predict([u, v]), wanted, strict=True):
            np.testing.assert_allclose(found, right, rtol=1e-6)
    for index, error in (((slice(None), 3), ShapeError), (0, InputError), ((slice(None), [0, 1]), InputError),
                         ((slice(None), slice(0, 2, 0)), InputError), ((..., 0, 0, 0), ShapeError)):  # fmt: skip
        with pytest.raises(error, match="place"):
            a[index]
    for wrong in (lambda: a**b, lambda: a @ a[:, 0], lambda: a if a else b):
        with pytest.raises(InputError):
            wrong()
    with pytest.raises(TypeError, match="not iterable"):
        list(a)


def test_the_numbers_of_a_plan_are_those_of_generation():
    layers = [ours.Embedding(5, 8, input_shape=(6,)), Dense(16), ours.LeakyReLU(0.01), Dense(5)]
    for seed in range(5):
        model = Sequential([layer.replace() for layer in layers])
        model.compile("sgd", "sparse_categorical_crossentropy", seed=seed)
        ids = RNG.integers(0, 5, 6)
        assert model.generate(ids, 1, temperature=0)[0] == model.predict(ids[None])[0, -1].argmax()


def test_half_precision_goes_through_convolutions_and_residuals():
    inside = [ours.Conv2D(8, 3, padding="same"), ours.BatchNormalization()]
    layers = [ours.Conv2D(8, 3), ours.Dropout(0.2), *inside, ours.Residual(inside), ours.Flatten(), Dense(2)]
    x, y = RNG.normal(size=(16, 6, 6, 3)), RNG.normal(size=(16, 2))
    losses = []
    for precision in (None, "bfloat16"):
        model = Sequential([layer.replace() for layer in layers])  # with weights of its own
        model.compile("adam", "mse", precision=precision)
        losses.append(model.fit(x, y, epochs=3, batch_size=8, seed=0).history["loss"])
    np.testing.assert_allclose(losses[1], losses[0], rtol=0.1)
