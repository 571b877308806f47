"""Recurrent layers against Keras and PyTorch: masks, directions, states, step by step; wrappers; dropout; starts."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.initializers import RandomNormal
from jindan.layers import GRU, LSTM, Bidirectional, Dense, Embedding, SimpleRNN, TimeDistributed
from jindan.layers.base import Context
from jindan.layers.network import Network
from jindan.optimizers import Adam
from jindan.plan import Plan

RNG = np.random.default_rng(417)
X = RNG.normal(size=(3, 5, 2))
# A whole sequence, one padded at its end, one with a hole and no first step.
MASK = np.array([[1, 1, 1, 1, 1], [1, 1, 1, 0, 0], [0, 1, 0, 1, 1]], bool)


def weights_of(layer, shape=(5, 2)):
    """Its own start, moved a little so that no bias is zero."""
    w = {name: weight.initializer(weight.shape, np.float64, RNG) for name, weight in layer.weights(shape).items()}
    return {name: jnp.asarray(value + 0.3 * RNG.normal(size=value.shape)) for name, value in w.items()}


def run(layer, w, x=X, mask=None, training=False, seed=0):
    key = jax.random.key(seed) if training else None
    return layer.apply(w, jnp.asarray(x), Context(training=training, key=key, mask=mask))


def in_keras(keras, cls, layer, w, mask=None):
    """Keras's layer of the same settings and weights, applied to X."""
    theirs = getattr(keras.layers, cls)(**settings(layer), dtype="float64")
    theirs.build((None, 5, 2))
    theirs.set_weights(list(w.values()))
    found = theirs(X, mask=mask)
    return [np.asarray(a) for a in (found if isinstance(found, (list, tuple)) else [found])]


def settings(layer):
    config = layer.get_config()
    return {
        n: v
        for n, v in config.items()
        if isinstance(v, (int, float, str)) and n not in ("name", "trainable", "initial_state")
    }


LAYERS = [
    SimpleRNN(3, "relu", return_sequences=True, zero_output_for_mask=True),
    SimpleRNN(1, go_backwards=True),
    LSTM(3, return_sequences=True, return_state=True),
    LSTM(2, go_backwards=True, recurrent_activation="hard_sigmoid"),
    GRU(3, return_sequences=True, go_backwards=True, return_state=True),
    GRU(2, reset_after=False, use_bias=False, return_sequences=True),
    GRU(2, reset_after=False),
]


@pytest.mark.parametrize("layer", LAYERS, ids=range(len(LAYERS)))
def test_masked_sequences_as_in_keras(layer, keras64):
    w = weights_of(layer)
    ours = run(layer, w, mask=jnp.asarray(MASK))
    for mine, theirs in zip(
        ours if layer.return_state else [ours], in_keras(keras64, type(layer).__name__, layer, w, MASK), strict=True
    ):
        agree(mine, theirs, 1e-6)  # Keras computes parts of its layers in float32 whatever their dtype


@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave", None])
def test_bidirectional_as_in_keras(mode, keras64):
    layer = Bidirectional(GRU(2, return_sequences=True), mode)
    w = weights_of(layer)
    assert next(iter(w)) == "forward.kernel"
    assert list(w)[-1] == "backward.bias"
    theirs = keras64.layers.Bidirectional(keras64.layers.GRU(2, return_sequences=True), mode)
    theirs.build((None, 5, 2))
    theirs.set_weights(list(w.values()))
    reference = theirs(X, mask=MASK)
    ours = run(layer, w, mask=jnp.asarray(MASK))
    for mine, its in zip(*((v,) if mode else v for v in (ours, reference)), strict=True):
        agree(mine, np.asarray(its), 1e-6)


def test_bidirectional_as_in_torch(x64):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    layer = Bidirectional(LSTM(3, return_sequences=True, return_state=True))
    w = weights_of(layer)
    module = torch.nn.LSTM(2, 3, batch_first=True, bidirectional=True, dtype=torch.float64)
    with torch.no_grad():
        for prefix, ending in (("forward.", ""), ("backward.", "_reverse")):
            for name, value in (("weight_ih_l0", w[prefix + "kernel"].T), ("bias_ih_l0", w[prefix + "bias"]),
                                ("weight_hh_l0", w[prefix + "recurrent_kernel"].T)):  # fmt: skip
                getattr(module, name + ending).copy_(torch.tensor(np.asarray(value)))
            getattr(module, "bias_hh_l0" + ending).zero_()
    out, (h, c) = module(torch.tensor(X))
    ours, h1, c1, h2, c2 = run(layer, w)
    agree(ours, out.detach(), 1e-12)
    agree(jnp.stack([h1, h2]), h.detach(), 1e-12)
    agree(jnp.stack([c1, c2]), c.detach(), 1e-12)
    assert layer.output_shape((5, 2)) == ((5, 6), (3,), (3,), (3,), (3,))


@pytest.mark.parametrize(
    "layer",
    [SimpleRNN(3, return_sequences=True), LSTM(3, return_sequences=True), GRU(3, return_sequences=True),
     GRU(3, reset_after=False, return_sequences=True), TimeDistributed(Dense(3, "tanh")), Dense(3)],
    ids=lambda layer: type(layer).__name__,
)  # fmt: skip
def test_step_by_step_equals_the_whole(layer, x64):
    w, ctx = weights_of(layer), Context()
    state, steps = layer.start((5, 2), 3, jnp.float64), []
    for t in range(5):
        y, state = layer.step(w, jnp.asarray(X[:, t]), state, ctx)
        steps.append(y)
    agree(jnp.stack(steps, 1), run(layer, w), 1e-14)


@pytest.mark.parametrize("layer", [LSTM(2, go_backwards=True), Bidirectional(LSTM(2))], ids=["backwards", "both"])
def test_what_reads_from_the_end_cannot_go_step_by_step(layer):
    with pytest.raises(InputError, match="step by step"):
        layer.start((5, 2), 3, jnp.float32)


def test_masks_go_on_with_the_steps_only():
    mask = jnp.asarray(MASK)
    for layer in (
        LSTM(2, return_sequences=True),
        Bidirectional(GRU(2, return_sequences=True)),
        TimeDistributed(Dense(1)),
    ):
        assert layer.mask_of(X, mask) is mask
    for layer in (LSTM(2), Bidirectional(GRU(2))):
        assert layer.mask_of(X, mask) is None


def test_starts_as_in_keras():
    drawn = {
        name: weight.initializer(weight.shape, np.float64, RNG) for name, weight in LSTM(4).weights((5, 2)).items()
    }
    agree(drawn["bias"], np.repeat([0, 1, 0, 0], 4), 0)
    agree(drawn["recurrent_kernel"] @ drawn["recurrent_kernel"].T, np.eye(4), 1e-12)
    plain = LSTM(4, unit_forget_bias=False).weights((5, 2))["bias"].initializer
    assert not plain((16,)).any()
    other = LSTM(1, bias_initializer=lambda shape, dtype=None: np.full(shape, 7.0)).weights((5, 2))["bias"].initializer
    assert other((4,)).tolist() == [7, 1, 7, 7]


def test_dropout_draws_once_a_sequence(x64):
    """A linear recurrence without memory shows what entered it."""
    layer = SimpleRNN(4, "linear", dropout=0.5, return_sequences=True)
    w = {"kernel": jnp.eye(4), "recurrent_kernel": jnp.zeros((4, 4)), "bias": jnp.zeros(4)}
    out = np.asarray(run(layer, w, np.ones((500, 3, 4)), training=True))
    assert set(np.unique(out)) == {0.0, 2.0}
    assert (out == out[:, :1]).all()
    assert out.mean() == pytest.approx(1, abs=5 / 2000**0.5)  # 2,000 draws of standard deviation 1
    assert not np.array_equal(out, run(layer, w, np.ones((500, 3, 4)), training=True, seed=1))
    agree(run(layer, w, np.ones((5, 3, 4))), np.ones((5, 3, 4)), 0)


def test_state_dropout_draws_once_a_sequence(x64):
    """h ← 2 k ⊙ h + 1 is 1, 3, 7 where the state is kept (k = 1) and 1, 1, 1 where it is dropped."""
    layer = SimpleRNN(4, "linear", recurrent_dropout=0.5, return_sequences=True)
    w = {"kernel": jnp.ones((1, 4)), "recurrent_kernel": jnp.eye(4), "bias": jnp.zeros(4)}
    out = np.asarray(run(layer, w, np.ones((200, 3, 1)), training=True)).transpose(0, 2, 1).reshape(-1, 3)
    assert {tuple(row) for row in out} == {(1, 3, 7), (1, 1, 1)}
    assert (out[:, 2] == 7).mean() == pytest.approx(0.5, abs=5 * 0.5 / 800**0.5)


def test_time_distributed_counts_real_steps_only(x64):
    """The penalty on outputs is a mean over the steps that exist."""
    layer = TimeDistributed(Dense(1, activity_regularizer="l2"))
    ctx = Context(mask=jnp.asarray(MASK), rows=jnp.array([1.0, 1, 0]))
    out = layer.apply(w := weights_of(layer), jnp.asarray(X), ctx)
    agree(out[:, 2], X[:, 2] @ w["layer.kernel"] + w["layer.bias"], 1e-14)
    there = np.asarray(out)[:2][MASK[:2]]
    agree(ctx.penalties[0], 0.01 * (there**2).sum() / 8, 1e-12)


def test_a_sequence_network_learns_to_count():
    """Whether the number of twos is odd; padding of 0 at the end is masked through two layers."""
    x = np.random.default_rng(0).integers(1, 4, (256, 6))
    x[::2, 4:] = 0
    y = (np.cumsum(x == 2, 1) % 2).astype(np.float32)[:, -1:]
    layers = (Embedding(4, 4, mask_zero=True), GRU(16, return_sequences=True), LSTM(8), Dense(1, "sigmoid"))
    plan = Plan(layers, loss="binary_crossentropy", optimizer=Adam(0.02), batch_size=32, epochs=40)
    run = train(plan, (x, y))
    assert run.history["loss"][-1] < 0.1 < 0.5 < run.history["loss"][0]


def test_weights_and_shapes_that_cannot_be_are_refused():
    for layer in (LSTM(2), Bidirectional(SimpleRNN(2))):
        with pytest.raises(ShapeError, match="cannot take rows of shape"):
            layer.output_shape((4,))
    with pytest.raises(InputError, match="recurrent layers"):
        Bidirectional(Dense(2))
    with pytest.raises(InputError, match="do not go together"):
        Bidirectional(LSTM(2), backward_layer=LSTM(2))
    with pytest.raises(InputError, match="cannot be merged"):
        Bidirectional(LSTM(2), "sum", backward_layer=LSTM(3, go_backwards=True)).output_shape((5, 2))


def test_operations_are_counted():
    network = Network((LSTM(3),), (5, 2))
    assert network.parameters() == 4 * 3 * (2 + 3 + 1)
    assert LSTM(3).flops((5, 2)) == 5 * (12 * (2 * 5 + 2) + 5 * 3)
    assert TimeDistributed(Dense(3)).flops((5, 2)) == 5 * Dense(3).flops((2,))


def test_a_bias_with_a_seed_of_its_own_is_the_same_under_all_seeds():
    first, second = (Network((LSTM(2, bias_initializer=RandomNormal(seed=1)),), (5, 2)).init(seed)[0][0]
                     for seed in (0, 1))  # fmt: skip
    np.testing.assert_array_equal(first["bias"], second["bias"])
    np.testing.assert_array_equal(first["bias"][2:4], 1)
    assert len(set(first["bias"].tolist())) == 7
    assert not np.array_equal(first["kernel"], second["kernel"])
    other = Network((LSTM(2, bias_initializer=RandomNormal()),), (5, 2))
    assert not np.array_equal(*(other.init(seed)[0][0]["bias"] for seed in (0, 1)))
