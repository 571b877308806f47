"""Cells and RNN over them: against Keras and against the layers; cells of one's own; stacks; masks; dropout; starts."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

import jindan as jd
from jindan import spec
from jindan.doctor.hidden_activations import hidden_pairings
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.initializers import GlorotUniform, Orthogonal
from jindan.layers import (
    GRU,
    LSTM,
    RNN,
    Bidirectional,
    Cell,
    Dense,
    Embedding,
    GRUCell,
    Input,
    LSTMCell,
    Residual,
    SimpleRNN,
    SimpleRNNCell,
    StackedRNNCells,
    Weight,
)
from jindan.layers.base import Context
from jindan.layers.network import Network
from jindan.models import Model, Sequential
from layers.beside_keras import agree_with_keras

RNG = np.random.default_rng(417)
X = RNG.normal(size=(4, 5, 2))
# A whole sequence, one padded at its end, one with a hole and no first step, one with nothing.
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 1], [0, 0, 0, 0, 0]], float)


class Slow(Cell):
    """A state that follows tanh(x W + h U); its output is another function of it, of another length."""

    units: int = 3

    @property
    def output_size(self):
        return 2

    def weights(self, shape):
        n = self.units
        return {"kernel": Weight((shape[-1], n), GlorotUniform()), "recurrent_kernel": Weight((n, n), Orthogonal()),
                "out": Weight((n, 2), GlorotUniform())}  # fmt: skip

    def call(self, w, inputs, states, ctx):
        h = 0.5 * states[0] + 0.5 * jnp.tanh(inputs @ w["kernel"] + states[0] @ w["recurrent_kernel"])
        return h @ w["out"], [h]


class Plain(Cell):
    """A SimpleRNN by hand."""

    units: int = 3

    def weights(self, shape):
        n = self.units
        return {"kernel": Weight((shape[-1], n), GlorotUniform()), "recurrent_kernel": Weight((n, n), Orthogonal())}

    def call(self, w, inputs, states, ctx):
        h = jnp.tanh(inputs @ w["kernel"] + states[0] @ w["recurrent_kernel"])
        return h, h


class Noisy(Plain):
    """With noise of its own at each step."""

    random = True

    def call(self, w, inputs, states, ctx):
        h, _ = super().call(w, inputs, states, ctx)
        h = h + ctx.stream().normal(h.shape, h.dtype) if ctx.training else h
        return h, h


def weights_of(layer, shape=(5, 2)):
    """Its own start, moved a little so that no bias is zero."""
    w = {name: weight.initializer(weight.shape, np.float64, RNG) for name, weight in layer.weights(shape).items()}
    return {name: jnp.asarray(value + 0.3 * RNG.normal(size=value.shape)) for name, value in w.items()}


def run(layer, w, x=X, mask=None, training=False, seed=0):
    key = jax.random.key(seed) if training else None
    return layer.apply(w, jax.tree.map(jnp.asarray, x), Context(training=training, key=key, mask=mask))


def cell_of(layers, kind):
    made = {
        "simple": lambda: layers.SimpleRNNCell(3, "relu"),
        "lstm": lambda: layers.LSTMCell(3),
        "gru": lambda: layers.GRUCell(3, reset_after=False),
        "stack": lambda: [layers.LSTMCell(3), layers.GRUCell(2), layers.SimpleRNNCell(4)],
    }
    return made[kind]()


@pytest.mark.parametrize("kind", ["simple", "lstm", "gru", "stack"])
@pytest.mark.parametrize(
    ("rows", "time", "more"),
    [
        (1, 1, {}),
        (4, 5, {"return_sequences": True}),
        (4, 5, {"go_backwards": True, "zero_output_for_mask": True, "return_sequences": True}),
        (2, 3, {"go_backwards": True}),
    ],
)
def test_cells_as_in_keras(kind, rows, time, more, keras):
    def build(layers, x):
        first, second = (layers.RNN(cell_of(layers, kind), **more) for _ in range(2))
        return [first(x[0]), second(x[0], mask=x[1])]

    mask = np.ones((rows, time))
    mask[-1:] = 0  # a row of which nothing exists
    mask[0, 1:2] = 0
    agree_with_keras(build, [(time, 2), (time,)], [RNG.normal(size=(rows, time, 2)), mask], keras)


def own_cell(layers, keras):
    """`Slow`, here or written for Keras."""
    if layers is jd.layers:
        return Slow()

    @keras.saving.register_keras_serializable()  # Bidirectional makes a second one of its settings
    class Theirs(keras.layers.Layer):
        state_size, output_size = 3, 2

        def build(self, shape):
            self.kernel = self.add_weight(shape=(shape[-1], 3))
            self.recurrent_kernel = self.add_weight(shape=(3, 3))
            self.out = self.add_weight(shape=(3, 2))

        def call(self, inputs, states):
            h = 0.5 * states[0] + 0.5 * jnp.tanh(inputs @ self.kernel + states[0] @ self.recurrent_kernel)
            return h @ self.out, [h]

    return Theirs()


@pytest.mark.parametrize(("rows", "time"), [(1, 1), (3, 4)])
def test_cells_of_ones_own_as_in_keras(rows, time, keras):
    def build(layers, x):
        alone = layers.RNN(own_cell(layers, keras), return_sequences=True, return_state=True)(x[0], initial_state=x[1])
        among = layers.RNN([layers.GRUCell(2), own_cell(layers, keras), layers.LSTMCell(2)])(x[0])
        return [*alone, among, layers.Bidirectional(layers.RNN(own_cell(layers, keras)))(x[0])]

    agree_with_keras(build, [(time, 2), (3,)], [RNG.normal(size=(rows, time, 2)), RNG.normal(size=(rows, 3))], keras)


PAIRS = [
    (SimpleRNN(3, "relu", return_sequences=True), SimpleRNNCell(3, "relu")),
    (LSTM(3, recurrent_activation="hard_sigmoid", return_state=True), LSTMCell(3, recurrent_activation="hard_sigmoid")),
    (LSTM(2, go_backwards=True, dropout=0.3, recurrent_dropout=0.4), LSTMCell(2, dropout=0.3, recurrent_dropout=0.4)),
    (GRU(3, return_sequences=True, zero_output_for_mask=True), GRUCell(3)),
    (
        GRU(2, reset_after=False, use_bias=False, dropout=0.5),
        GRUCell(2, reset_after=False, use_bias=False, dropout=0.5),
    ),
]


@pytest.mark.parametrize(("layer", "cell"), PAIRS, ids=range(len(PAIRS)))
def test_an_rnn_of_a_cell_is_its_layer_bit_by_bit(layer, cell):
    names = ("return_sequences", "return_state", "go_backwards", "zero_output_for_mask")
    other = RNN(cell, **{name: getattr(layer, name) for name in names})
    w = weights_of(layer)
    for name, weight in other.weights((5, 2)).items():
        assert weight.shape == w[name].shape
    for training in (False, True):
        for mask in (None, jnp.asarray(MASK)):
            both = [run(each, w, mask=mask, training=training) for each in (layer, other)]
            for a, b in zip(*map(jax.tree.leaves, both), strict=True):
                np.testing.assert_array_equal(a, b)
    assert other.flops((5, 2)) == layer.flops((5, 2))
    assert other.keeps((5, 2)) == layer.keeps((5, 2))
    assert other.output_shape((5, 2)) == layer.output_shape((5, 2))
    programs = [jax.jit(lambda w, x, each=each: each.apply(w, x, Context())).lower(w, X).as_text()
                for each in (layer, other)]  # fmt: skip
    assert programs[0] == programs[1]  # and so as fast


def test_a_cell_by_hand_is_a_simple_rnn(x64):
    layer, other = SimpleRNN(3, use_bias=False, return_sequences=True), RNN(Plain(), return_sequences=True)
    w = weights_of(layer)
    for mask in (None, jnp.asarray(MASK)):
        agree(run(other, w, mask=mask), run(layer, w, mask=mask), 1e-14)
    zeros = run(other.replace(zero_output_for_mask=True), w, mask=jnp.asarray(MASK))
    assert not np.asarray(zeros)[MASK == 0].any()


def test_a_masked_step_repeats_the_output_and_keeps_the_state(x64):
    layer = RNN(Slow(), return_sequences=True, return_state=True)
    w = weights_of(layer)
    out, state = run(layer, w, mask=jnp.asarray(MASK))
    short, last = run(layer, w, X[1:2, :3])
    agree(out[1], np.concatenate([short[0], short[0, [2, 2]]]), 1e-14)
    agree(state[1], last[0], 1e-14)
    agree(out[2, 0], np.zeros(2), 0)
    agree(out[2, 2], out[2, 1], 0)
    agree(out[3], np.zeros((5, 2)), 0)
    agree(run(RNN(Slow()), w, mask=jnp.asarray(MASK)), out[:, -1], 1e-14)


def test_a_stack_is_layers_one_on_another(x64):
    stack = RNN([LSTMCell(3), Slow(), GRUCell(2)], return_sequences=True, return_state=True)
    w = weights_of(stack)
    assert [name for name in w if name.endswith(".kernel")] == ["cell.0.kernel", "cell.1.kernel", "cell.2.kernel"]
    layers = (LSTM(3, return_sequences=True), RNN(Slow(), return_sequences=True), GRU(2, return_sequences=True))
    found = X
    for place, layer in enumerate(layers):
        before = f"cell.{place}."
        own = {n.removeprefix(before): value for n, value in w.items() if n.startswith(before)}
        found = run(layer, own, found, mask=jnp.asarray(MASK))
    out, *states = run(stack, w, mask=jnp.asarray(MASK))
    agree(out, found, 1e-14)
    assert [state.shape for state in states] == [(4, 3), (4, 3), (4, 3), (4, 2)]
    assert stack.output_shape((5, 2)) == ((5, 2), (3,), (3,), (3,), (2,))
    nested = RNN(StackedRNNCells([StackedRNNCells([LSTMCell(3), Slow()]), GRUCell(2)]), return_sequences=True)
    again = dict(zip(nested.weights((5, 2)), w.values(), strict=True))
    agree(run(nested, again, mask=jnp.asarray(MASK)), out, 0)
    # One step after another, as a cell among others would be asked.
    inner = {n.removeprefix("cell."): value for n, value in w.items()}
    state, steps = stack.cell.get_initial_state(4, jnp.float64), []
    for t in range(5):
        y, state = stack.cell.call(inner, jnp.asarray(X[:, t]), tuple(state), Context())
        steps.append(y)
    agree(jnp.stack(steps, 1), run(stack, w)[0], 1e-14)


@pytest.mark.parametrize(
    "cell", [LSTMCell(3), Slow(), StackedRNNCells([Plain(2), Slow()])], ids=["lstm", "own", "stack"]
)
@pytest.mark.parametrize("zero", [False, True])
def test_step_by_step_equals_the_whole(cell, zero, x64):
    layer = RNN(cell, return_sequences=True, zero_output_for_mask=zero)
    w, state, steps = weights_of(layer), layer.start((5, 2), 4, jnp.float64), []
    for t in range(5):
        y, state = layer.step(w, jnp.asarray(X[:, t]), state, Context(mask=jnp.asarray(MASK[:, t])))
        steps.append(y)
    agree(jnp.stack(steps, 1), run(layer, w, mask=jnp.asarray(MASK)), 1e-14)
    with pytest.raises(InputError, match="step by step"):
        layer.replace(go_backwards=True).start((5, 2), 4, jnp.float64)


def test_noise_of_a_cell_differs_from_step_to_step(x64):
    layer = RNN(Noisy(200), return_sequences=True)
    w = {"kernel": jnp.zeros((2, 200)), "recurrent_kernel": jnp.zeros((200, 200))}
    drawn = np.asarray(run(layer, w, training=True))
    assert abs(np.corrcoef(drawn[0])[np.triu_indices(5, 1)]).max() < 5 / 200**0.5
    assert drawn.std() == pytest.approx(1, abs=5 / (2 * 4000) ** 0.5)
    np.testing.assert_array_equal(drawn, run(layer, w, training=True))
    assert not np.array_equal(drawn, run(layer, w, training=True, seed=1))
    assert not run(layer, w).any()
    assert not run(RNN(Noisy(3, inference=True)), {n: v[..., :3][:3] for n, v in w.items()}, training=True).any()
    assert layer.random
    assert not RNN(Plain()).random


def test_a_frozen_cell_is_not_trained():
    frozen, free = LSTMCell(2, trainable=False), Plain(2)
    assert not any(weight.trainable for weight in RNN(frozen).weights((5, 2)).values())
    found = RNN([frozen, free]).weights((5, 2))
    assert {n for n, weight in found.items() if weight.trainable} == {"cell.1.kernel", "cell.1.recurrent_kernel"}
    model = Sequential([RNN([frozen, free], input_shape=(5, 2)), Dense(1)])
    model.compile("adam", "mse")
    before = model.get_weights()
    model.fit(X, np.ones((4, 1)), epochs=2, verbose=0, doctor=False, seed=0)
    same = [np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)]
    assert same == [True, True, True, False, False, False, False]


def test_a_network_of_cells_learns_to_count():
    """Whether the number of twos is odd; padding of 0 at the end is masked."""
    x = np.random.default_rng(0).integers(1, 4, (256, 6))
    x[::2, 4:] = 0
    y = (np.cumsum(x == 2, 1) % 2).astype(np.float32)[:, -1:]
    layers = (Embedding(4, 4, mask_zero=True), RNN([GRUCell(16), Plain(16)]), Dense(1, "sigmoid"))
    plan = jd.Plan(layers, loss="binary_crossentropy", optimizer=jd.optimizers.Adam(0.02), batch_size=32, epochs=40)
    found = train(plan, (x, y))
    assert found.history["loss"][-1] < 0.1 < 0.5 < found.history["loss"][0]


def test_in_a_model_it_is_counted_kept_and_shown(tmp_path, capsys):
    stack = RNN([LSTMCell(3), Slow()], return_sequences=True, input_shape=(5, 2))
    around = Residual([RNN(SimpleRNNCell(2), return_sequences=True)])
    model = Sequential([stack, around, RNN(GRUCell(2)), Dense(1)])
    assert model.count_params() == 4 * 3 * (2 + 3 + 1) + (9 + 9 + 6) + 2 * (2 + 2 + 1) + 6 * (2 + 2 + 2) + 3
    assert RNN(Slow()).flops((5, 2)) == 5 * (2 * (2 * 3 + 3 * 3 + 3 * 2) + 2)
    model.summary()
    shown = capsys.readouterr().out
    assert "rnn (RNN)" in shown
    assert "(None, 5, 2)" in shown
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    assert again.specs == model.specs
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    made = spec.from_json("layer", spec.to_json(model.specs[0]))
    assert made == model.specs[0]


def test_a_cell_is_no_layer():
    for call, words in (
        (lambda: LSTMCell(2)(Input((5, 2))), "no layer of a graph"),
        (lambda: Sequential([LSTMCell(2)]), "A cell stands where a layer belongs"),
        (lambda: RNN(LSTM(2)), "A layer stands where a cell belongs"),
        (lambda: RNN([LSTM(2)]), "A layer stands where a cell belongs"),
        (lambda: RNN([]), "A stack needs cells"),
        (lambda: RNN(abs), "This is not a cell"),
        (lambda: RNN(LSTMCell(2), stateful=True), "does not keep its state"),
    ):
        with pytest.raises(InputError, match=words):
            call()
    with pytest.raises(ShapeError, match="cannot take rows of shape"):
        RNN(LSTMCell(2)).output_shape((4,))
    with pytest.raises(ShapeError, match="LSTMCell cannot take rows of shape"):
        RNN(LSTMCell(2)).output_shape((4, 3, 2))
    with pytest.raises(ShapeError, match="states to start from are not those of the layer"):
        RNN([LSTMCell(2), GRUCell(3)])(Input((4, 2)), initial_state=[Input((2,)), Input((2,))])


def test_a_cell_that_is_not_finished_says_what_it_lacks():
    class Shapeless(Cell):
        pass

    class Idle(Cell):
        units: int = 2

    class Long(Plain):
        def call(self, w, inputs, states, ctx):
            h, _ = super().call(w, inputs, states, ctx)
            return h[:, :1], [h, h]

    with pytest.raises(InputError, match="state_size"):
        RNN(Shapeless()).output_shape((5, 2))
    with pytest.raises(InputError, match="call\\(self, w, inputs, states, ctx\\)"):
        run(RNN(Idle()), {})
    with pytest.raises(ShapeError, match="A cell gives other shapes than it said"):
        run(RNN(Long()), weights_of(RNN(Plain())))


def test_states_of_a_stack_come_and_go_in_a_graph():
    x, more = Input((5, 2)), Input((4, 2))
    _, *states = RNN([LSTMCell(3), GRUCell(2)], return_state=True)(x)
    first = RNN([LSTMCell(3), GRUCell(2)], name="flat")(more, initial_state=states)
    second = RNN([LSTMCell(3), GRUCell(2)], name="nested")(more, initial_state=[[states[0], states[1]], states[2]])
    model = Model([x, more], [first, second])
    model.get_layer("nested").set_weights(model.get_layer("flat").get_weights())
    a, b = model.predict([X, X[:, :4]])
    np.testing.assert_array_equal(a, b)


def test_both_ways_around_cells_as_around_layers():
    layers = LSTM(3, return_sequences=True), RNN(LSTMCell(3), return_sequences=True)
    both = [Bidirectional(each, "sum") for each in layers]
    w = weights_of(both[0])
    np.testing.assert_array_equal(*(run(each, w, mask=jnp.asarray(MASK)) for each in both))
    assert [Network((each,), (5, 2)).flops() for each in both] == [Network((both[0],), (5, 2)).flops()] * 2


def test_sequences_are_drawn_as_by_the_layer():
    models = [
        Sequential([Embedding(9, 4, input_shape=(7,)), layer, Dense(9)])
        for layer in (LSTM(6, return_sequences=True), RNN(LSTMCell(6), return_sequences=True))
    ]
    models[1].set_weights(models[0].get_weights())
    rows = RNG.integers(1, 9, (3, 4))
    np.testing.assert_array_equal(*(model.generate(rows, 6, temperature=0) for model in models))


def test_the_doctor_sees_recurrences_without_a_bound_in_cells():
    for cell, found in (
        (SimpleRNNCell(3, "relu"), ["unbounded-recurrence"]),
        ([LSTMCell(3), SimpleRNNCell(3, "relu")], ["unbounded-recurrence"]),
        ([LSTMCell(3), Plain()], []),
    ):
        plan = jd.Plan((RNN(cell), Dense(1)), loss="mse")
        assert [reason for _, reason, _ in hidden_pairings(plan, (5, 2))] == found
