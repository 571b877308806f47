"""States to start from, given in a call: against Keras; encoder and decoder; what is refused."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from contracts.numerics import agree

import jindan as jd
import jindan.layers as ours
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.layers import GRU, LSTM, Bidirectional, Dense, Input, SimpleRNN
from jindan.models import Model
from layers.beside_keras import agree_with_keras

RNG = np.random.default_rng(417)
KINDS = {"SimpleRNN": 1, "GRU": 1, "LSTM": 2}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("more", "rows", "time"),
    [({}, 1, 1), ({"return_sequences": True, "return_state": True}, 3, 4), ({"go_backwards": True}, 2, 3)],
)
def test_states_to_start_from_as_in_keras(kind, more, rows, time, keras):
    count = KINDS[kind]

    def build(layers, x):
        return getattr(layers, kind)(3, **more)(x[0], initial_state=x[1:])

    x = [RNG.normal(size=(rows, time, 2)), *RNG.normal(size=(count, rows, 3))]
    agree_with_keras(build, [(time, 2), *[(3,)] * count], x, keras)


@pytest.mark.parametrize("kind", KINDS)
def test_both_directions_as_in_keras(kind, keras):
    count = 2 * KINDS[kind]

    def build(layers, x):
        return layers.Bidirectional(getattr(layers, kind)(2, return_sequences=True, return_state=True))(
            x[0], initial_state=x[1:]
        )

    x = [RNG.normal(size=(2, 4, 3)), *RNG.normal(size=(count, 2, 2))]
    agree_with_keras(build, [(4, 3), *[(2,)] * count], x, keras)


def encoder_decoder(layers, x):
    _, h, c = layers.LSTM(4, return_state=True)(x[0])
    read, _, _ = layers.LSTM(4, return_sequences=True, return_state=True)(x[1], initial_state=[h, c])
    return layers.Dense(3, activation="softmax")(read)


def test_an_encoder_and_decoder_as_in_keras(keras):
    x = [RNG.normal(size=(2, 5, 3)), RNG.normal(size=(2, 4, 2))]
    agree_with_keras(encoder_decoder, [(5, 3), (4, 2)], x, keras)


def test_a_masked_sequence_with_states(keras):
    """Keras takes the mask of a sequence beside states only where the call gives it."""

    def build(layers, x):
        return layers.GRU(3, return_sequences=True)(x[0], initial_state=x[1], mask=x[2])

    mask = np.array([[1, 1, 0, 0], [1, 0, 1, 1]], float)
    x = [RNG.normal(size=(2, 4, 2)), RNG.normal(size=(2, 3)), mask]
    mine, _ = agree_with_keras(build, [(4, 2), (3,), (4,)], x, keras)
    a, h = Input((4, 2)), Input((3,))
    padded = Model([a, h], GRU(3, return_sequences=True)(ours.Masking()(a), initial_state=h))
    padded.set_weights(mine.get_weights())
    agree(padded.predict([x[0] * mask[:, :, None], x[1]]), mine.predict(x), 1e-6)


def sums(rows):
    """Digits read, and the same backwards: pairs that only a state carries over."""
    digits = RNG.integers(0, 3, (rows, 4))
    read, asked = np.eye(3)[digits], np.eye(3)[np.concatenate([digits[:, :1] * 0, digits[:, :0:-1]], axis=1)]
    return [read, asked], digits[:, ::-1]


def made():
    a, b = Input((4, 3)), Input((4, 3))
    encoder, decoder = LSTM(16, return_state=True, name="encoder"), LSTM(16, return_sequences=True, return_state=True,
                                                                         name="decoder")  # fmt: skip
    _, *states = encoder(a)
    found, *_ = decoder(b, initial_state=states)
    return Model([a, b], Dense(3, activation="softmax", name="out")(found))


def test_a_decoder_learns_what_the_encoder_read_and_decodes_step_by_step(tmp_path):
    x, y = sums(256)
    model = made()
    model.compile(jd.optimizers.Adam(0.02), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y, epochs=30, batch_size=32, seed=0)
    assert history.history["accuracy"][-1] > 0.95
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.get_layer("decoder").initial_state

    # As Keras's example does: the parts of the trained model become two models.
    reader = Model(model.inputs[0], model.get_layer("encoder").output[1:])
    entry, h, c = Input((1, 3)), Input((16,)), Input((16,))
    found, *after = model.get_layer("decoder")(entry, initial_state=[h, c])
    writer = Model([entry, h, c], [model.get_layer("out")(found), *after])
    states, wanted = reader.predict(x[0]), model.predict(x)
    for step in range(4):
        given, *states = writer.predict([x[1][:, step : step + 1], *states])
        agree(given[:, 0], wanted[:, step], 1e-5)


def test_a_member_of_a_population_equals_its_plan_alone():
    x, y = sums(12)
    model = made()
    model.compile("adam", "sparse_categorical_crossentropy")
    plans = [model.plan.replace(epochs=2, batch_size=5, seed=seed, dtype="float64") for seed in (0, 1, 2)]
    with jax.enable_x64(True):
        data = (tuple(x), y)
        for member, alone in zip(train(plans, data), [train(plan, data) for plan in plans], strict=True):
            for a, b in zip(jax.tree.leaves(member.weights), jax.tree.leaves(alone.weights), strict=True):
                agree(a, b, 1e-9)


def test_states_that_do_not_fit_are_refused():
    x, h = Input((4, 2)), Input((3,))
    for layer, states in ((LSTM(3), [h]), (GRU(2), [h]), (SimpleRNN(3), [h, h]), (Bidirectional(GRU(3)), [h])):
        with pytest.raises(ShapeError, match="states to start from are not those of the layer"):
            layer(x, initial_state=states)
    with pytest.raises(InputError, match="connected to what other layers give"):
        GRU(3)(x, initial_state=np.zeros((1, 3)))
    # One layer cannot start from zeros in one place and from states in another.
    layer = GRU(3)
    with pytest.raises(InputError, match="different settings"):
        Model([x, h], ours.Add()([layer(x), layer(x, initial_state=h)]))


def test_states_are_not_masked():
    x = Input((3, 2))
    out, state = GRU(2, return_sequences=True, return_state=True)(ours.Masking()(x))
    model = Model(x, [Dense(1)(out), Dense(1)(state)])
    model.compile("sgd", ["mse", "mse"])
    rows = RNG.normal(size=(4, 3, 2))
    rows[0, 1:] = 0
    losses = model.evaluate(rows, [np.zeros((4, 3, 1)), np.zeros((4, 1))], return_dict=True)
    by_hand = np.mean(model.predict(rows)[1] ** 2)
    assert next(v for n, v in losses.items() if n.startswith("dense_1")) == pytest.approx(by_hand, rel=1e-5)
