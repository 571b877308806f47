"""Convolutional LSTMs against Keras: outputs and slopes, masks, states, directions; dropout; one step at a time."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

import jindan as jd
from jindan.errors import ShapeError
from jindan.layers import LSTM, Bidirectional, ConvLSTM1D, ConvLSTM2D, Dense, Flatten
from jindan.layers.base import Context
from jindan.models import Sequential
from layers.beside_keras import agree_with_keras

RNG = np.random.default_rng(417)


@pytest.mark.parametrize(
    ("kind", "settings", "shape"),
    [
        ("ConvLSTM1D", {"kernel_size": 2}, (1, 2, 1)),
        (
            "ConvLSTM1D",
            {"kernel_size": 3, "padding": "same", "return_sequences": True, "go_backwards": True},
            (3, 5, 2),
        ),
        ("ConvLSTM1D", {"kernel_size": 2, "strides": 2, "recurrent_activation": "hard_sigmoid"}, (3, 6, 2)),
        ("ConvLSTM2D", {"kernel_size": 1}, (1, 1, 1, 1)),
        ("ConvLSTM2D", {"kernel_size": 3, "padding": "same", "return_sequences": True}, (3, 4, 5, 2)),
        ("ConvLSTM2D", {"kernel_size": (2, 1), "dilation_rate": (2, 1), "use_bias": False}, (2, 4, 3, 1)),
        ("ConvLSTM2D", {"kernel_size": 2, "return_sequences": True, "return_state": True}, (2, 3, 4, 1)),
    ],
)
@pytest.mark.parametrize("rows", [1, 2])
def test_as_in_keras(kind, settings, shape, rows, keras):
    def build(layers, x):
        return getattr(layers, kind)(3, **settings)(x[0])

    agree_with_keras(build, [shape], [RNG.normal(size=(rows, *shape))], keras)


def test_states_and_both_directions_as_in_keras(keras):
    def build(layers, x):
        settings = {"padding": "same", "return_sequences": True, "return_state": True}
        first, h, _ = layers.ConvLSTM2D(2, 2, **settings)(x[0], initial_state=[x[1], x[2]])
        return [first, h, layers.Bidirectional(layers.ConvLSTM1D(2, 2))(x[3])]

    states = RNG.normal(size=(2, 2, 3, 4, 2))
    x = [RNG.normal(size=(2, 3, 3, 4, 1)), *states, RNG.normal(size=(2, 3, 4, 2))]
    agree_with_keras(build, [(3, 3, 4, 1), (3, 4, 2), (3, 4, 2), (3, 4, 2)], x, keras)


def test_masked_pictures_do_not_count(x64):
    """Keras's loop cannot spread a mask over pictures: by hand, the states pass over what is masked."""
    layer = ConvLSTM2D(2, 2, return_sequences=True, return_state=True)
    w = {n: jnp.asarray(RNG.normal(size=v.shape)) for n, v in layer.weights((4, 3, 3, 1)).items()}
    x, mask = jnp.asarray(RNG.normal(size=(1, 4, 3, 3, 1))), jnp.asarray([[1.0, 0.0, 1.0, 0.0]])
    out, h, c = layer.apply(w, x, Context(mask=mask))
    short, *states = layer.apply(w, x[:, ::2], Context())
    agree(out, np.repeat(short, 2, axis=1), 1e-12)  # a masked step repeats the output
    agree(jnp.stack([h, c]), jnp.stack(states), 1e-12)
    zeros = layer.replace(zero_output_for_mask=True).apply(w, x, Context(mask=mask))[0]
    assert not np.asarray(zeros[:, 1::2]).any()


def test_over_one_place_it_is_an_lstm(x64):
    """A film of pictures of one cell: the convolutions are the matrix products of an LSTM."""
    film, plain = ConvLSTM2D(3, 1, return_sequences=True), LSTM(3, return_sequences=True)
    x = jnp.asarray(RNG.normal(size=(2, 4, 1, 1, 5)))
    w = {n: jnp.asarray(RNG.normal(size=v.shape)) for n, v in plain.weights((4, 5)).items()}
    own = {n: v if n == "bias" else v[None, None] for n, v in w.items()}
    assert {n: v.shape for n, v in film.weights((4, 1, 1, 5)).items()} == {n: v.shape for n, v in own.items()}
    agree(film.apply(own, x, Context())[:, :, 0, 0], plain.apply(w, x[:, :, 0, 0], Context()), 1e-12)


def test_step_by_step_it_gives_the_same(x64):
    layer = ConvLSTM1D(2, 3, padding="same", return_sequences=True)
    x = jnp.asarray(RNG.normal(size=(2, 4, 5, 3)))
    w = {n: jnp.asarray(RNG.normal(size=v.shape)) for n, v in layer.weights((4, 5, 3)).items()}
    state, found = layer.start((4, 5, 3), 2, x.dtype), []
    for step in range(4):
        out, state = layer.step(w, x[:, step], state, Context())
        found.append(out)
    agree(jnp.stack(found, 1), layer.apply(w, x, Context()), 1e-12)


def test_each_gate_drops_for_itself_and_for_all_steps():
    """With kernels of ones and a state that is not read, a gate sees the sum of what its draw left of x."""
    layer = ConvLSTM1D(1, 1, dropout=0.5, use_bias=False, activation="linear", recurrent_activation="linear")
    w = {"kernel": jnp.ones((1, 1, 4)), "recurrent_kernel": jnp.zeros((1, 1, 4))}
    x = jnp.ones((200, 1, 50, 1))
    ctx = Context(training=True, key=jax.random.key(0))
    out = np.asarray(layer.apply(w, x, ctx))  # i g o, each 0 or 2
    assert set(np.unique(out)) == {0, 8}
    assert (out > 0).mean() == pytest.approx(1 / 8, abs=5 * (1 / 8 * 7 / 8 / 10_000) ** 0.5)
    np.testing.assert_array_equal(layer.apply(w, x, Context()), np.ones((200, 50, 1)))
    both = layer.replace(recurrent_dropout=0.3, return_sequences=True)
    assert np.isfinite(np.asarray(both.apply(w, jnp.ones((3, 4, 5, 1)), ctx))).all()


def test_it_learns_where_a_dot_goes(tmp_path):
    place, way = RNG.integers(0, 8, 128), RNG.choice([-1, 1], 128)
    x = np.zeros((128, 3, 8, 1))
    for step in range(3):
        x[np.arange(128), step, (place + way * step) % 8] = 1
    model = Sequential(
        [ConvLSTM1D(8, 3, padding="same", input_shape=(3, 8, 1)), Flatten(), Dense(8, activation="softmax")]
    )
    model.compile(jd.optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, (place + 3 * way) % 8, epochs=40, batch_size=16, seed=0)
    assert history.history["accuracy"][-1] > 0.95
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(x), model.predict(x))


def test_weights_come_from_keras_files(tmp_path, keras64):
    film = keras64.Sequential([keras64.Input((2, 4, 4, 1)), keras64.layers.ConvLSTM2D(3, 2), keras64.layers.Flatten(),
                               keras64.layers.EinsumDense("ab,bc->ac", 2, bias_axes="c")])  # fmt: skip
    film.save(tmp_path / "m.keras")
    film.save_weights(tmp_path / "m.weights.h5")
    from jindan.layers import EinsumDense

    x = RNG.normal(size=(2, 2, 4, 4, 1))
    for source in (film, tmp_path / "m.keras", tmp_path / "m.weights.h5"):
        model = Sequential(
            [ConvLSTM2D(3, 2, input_shape=(2, 4, 4, 1)), Flatten(), EinsumDense("ab,bc->ac", 2, bias_axes="c")],
            dtype="float64",
        )
        model.load_weights(source)
        agree(model.predict(x), np.asarray(film(x)), 1e-5)


def test_rows_that_are_no_films_are_refused():
    for layer, shape in ((ConvLSTM2D(2, 3), (5, 4, 1)), (ConvLSTM1D(2, 3), (5, 4)), (ConvLSTM2D(2, 3), (5, 2, 4, 1))):
        with pytest.raises(ShapeError):
            layer.output_shape(shape)
    with pytest.raises(ShapeError, match="rows of shape"):
        Bidirectional(ConvLSTM2D(2, 3)).output_shape((5, 4))
