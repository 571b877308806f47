"""Every layer: shapes, slopes, training against inference, JSON, populations, freezing, weight order."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from jindan import spec
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.layers import (
    Dense,
    Dropout,
    Flatten,
    GaussianDropout,
    GaussianNoise,
    InTraining,
    LeakyReLU,
    Masking,
    Maxout,
    Network,
    PReLU,
    Softmax,
    UnitNormalization,
)
from jindan.layers.base import Context

from .crowds import crowd_of, crowds
from .layer_table import LAYERS, inputs, network_of
from .numerics import SLOPE_TOLERANCE, agree, missing, slopes

EACH = [pytest.param(layer, id=f"{name}-{i}") for name, (many, *_) in LAYERS.items() for i, layer in enumerate(many)]
PAIRS = [
    pytest.param(layer, shape, id=f"{name}-{i}-{'x'.join(map(str, shape))}".replace(" ", ""))
    for name, (many, shapes, _) in LAYERS.items()
    for i, layer in enumerate(many)
    for shape in shapes
]


def weights_of(layer, shape, dtype=np.float64):
    network = network_of(layer, shape)
    return network.join(*network.init(417, dtype))[0]


def w_specs(layer, shape):
    return network_of(layer, shape).specs[0]


CROWDS = list(crowds(LAYERS))
CROWDS_WITH_WEIGHTS = list(crowds(n for n, (many, shapes, _) in LAYERS.items() if w_specs(many[0], shapes[0])))


def ids(names):
    return f"{names[0]}-to-{names[-1]}"


def run(layer, w, x, training, seed=0):
    mask = [None] * len(x) if layer.many else None
    ctx = Context(training=training, key=jax.random.key(seed) if training else None, rows=None, index=2, mask=mask)
    return layer.apply(w, jax.tree.map(jnp.asarray, x), ctx)


def test_the_table_forgets_none():
    assert not missing("layer", LAYERS), "a layer is not in the table"
    assert {name for name, (many, *_) in LAYERS.items() if type(many[0]).__name__ != name} == set()


@pytest.mark.parametrize(("layer", "shape"), PAIRS)
def test_output_shape(layer, shape):
    wanted = network_of(layer, shape).output_shape
    w = weights_of(layer, shape, np.float32)
    for rows in (1, 5):
        for training in (False, True):
            x = inputs(rows, shape, np.float32, layer)
            out = jax.eval_shape(lambda w, x, training=training: run(layer, w, x, training), w, x)
            assert out.shape == (rows, *wanted)
            assert out.dtype == np.float32
    for name, value in layer.weights(shape).items():
        assert w[name].shape == tuple(value.shape)
        assert w[name].dtype == np.float32


@pytest.mark.parametrize(("layer", "shape"), [pair for pair in PAIRS if pair.values[1] != (4,)])
def test_slopes(layer, shape, x64):
    """Both slopes, of inputs and weights, in training and at inference, against central differences."""
    w, x = weights_of(layer, shape), inputs(2, shape, layer=layer)
    moved = {"w": w} if layer.takes_integers else {"w": w, "x": jax.tree.map(jnp.asarray, x)}
    flat, unravel = ravel_pytree(moved)
    mix = np.random.default_rng(1).normal(size=(2, *network_of(layer, shape).output_shape))
    for training in (False, True) if layer.random else (False,):

        def total(v, training=training):
            tree = unravel(v)
            return jnp.sum(mix * run(layer, tree["w"], tree.get("x", x), training))

        both = jax.jit(lambda v, f=total: (jax.grad(f)(v), slopes_in_jit(f, v)))
        agree(*both(flat), SLOPE_TOLERANCE)


def slopes_in_jit(function, v, h=1e-6):
    moves = jnp.eye(v.size) * h
    up, down = jnp.split(jax.vmap(lambda m: function(v + m))(jnp.concatenate([moves, -moves])), 2)
    return (up - down) / (2 * h)


@pytest.mark.parametrize("layer", EACH)
def test_inference_is_deterministic_and_needs_no_key(layer):
    shape = LAYERS[type(layer).__name__][1][0]
    w, x = weights_of(layer, shape, np.float32), inputs(4, shape, np.float32, layer)
    # What is drawn outside of JAX would stand in the program as another constant.
    made = [jax.jit(lambda w, x: run(layer, w, x, False)).lower(w, x) for _ in range(2)]
    assert made[0].as_text() == made[1].as_text()
    compiled = made[0].compile()
    first, second = compiled(w, x), compiled(w, x)
    np.testing.assert_array_equal(first, second)
    training = jax.jit(lambda w, x, seed: run(layer, w, x, True, seed))
    trained = [np.asarray(training(w, x, seed)) for seed in (0, 0, 1)]
    np.testing.assert_array_equal(trained[0], trained[1])
    if layer.random:
        assert not np.array_equal(trained[0], trained[2])
        if first.shape == x.shape:  # a crop stays one
            np.testing.assert_array_equal(first, x)  # noise is for training only
    elif isinstance(layer, InTraining):
        np.testing.assert_array_equal([first, trained[2]], [x[1], x[0]])
    elif not any(not weight.trainable for weight in w_specs(layer, shape).values()):
        np.testing.assert_array_equal(first, trained[2])


@pytest.mark.parametrize("layer", EACH)
def test_rows_do_not_mix(layer):
    """A row's output at inference is the same whatever stands beside it."""
    shape = LAYERS[type(layer).__name__][1][-1]
    w, x = weights_of(layer, shape), inputs(6, shape, layer=layer)
    with jax.enable_x64(True):
        both = jax.jit(lambda w, *rows: [run(layer, w, some, False) for some in rows])
        two, six = both(w, jax.tree.map(lambda a: a[2:4], x), x)
        agree(two, np.asarray(six)[2:4], 1e-14)  # sums in another order


@pytest.mark.parametrize("layer", EACH)
def test_json_round_trip(layer):
    named = layer.replace(name="here", trainable=False)
    for value in (layer, named):
        assert spec.from_json("layer", spec.to_json(value)) == value
    assert named.name == "here"
    assert not named.trainable


@pytest.mark.parametrize("names", CROWDS, ids=ids)
def test_a_member_of_a_population_equals_its_plan_alone(names):
    """Three members of other seeds and rates, 102 updates with a partial last batch, in float64."""
    crowd = crowd_of(names)
    members, alone = train(crowd.plans, crowd.data), [train(plan, crowd.data) for plan in crowd.plans]
    for member, own in zip(members, alone, strict=True):
        assert member.steps == own.steps == 102
        for figure, values in own.history.items():
            agree(member.history[figure], values, 1e-9)
    for name in names:
        together, apart = ([flat(crowd.branch(run.weights, name)) for run in runs] for runs in (members, alone))
        for member, own in zip(together, apart, strict=True):
            # Batched products add in another order. All weights at once: some (the bias of keys) stay 0 but for
            # rounding.
            agree(member, own, 1e-9)
        assert not np.array_equal(*apart[:2]), name


@pytest.mark.parametrize("names", CROWDS_WITH_WEIGHTS, ids=ids)
def test_in_float32_a_member_equals_its_plan_alone_for_five_updates(names):
    crowd = crowd_of(names)
    plans = [plan.replace(dtype="float32") for plan in crowd.plans]
    alone = train(plans[1], crowd.data, until=(1, 2))
    member = train(plans, crowd.data, until=(1, 2))[1]
    assert member.steps == alone.steps == 5
    for name in names:
        agree(*(flat(crowd.branch(run.weights, name)) for run in (member, alone)), 1e-5)


@pytest.mark.parametrize("names", CROWDS_WITH_WEIGHTS, ids=ids)
def test_a_frozen_layer_keeps_its_bits(names):
    crowd = crowd_of(names)
    plan = crowd.plans[0].edit({f"layers.{place}.trainable": False for place in crowd.places.values()})
    before, after = train(plan.edit(epochs=0), crowd.data).weights, train(plan, crowd.data).weights
    for name in names:
        frozen, kept = crowd.branch(before, name), crowd.branch(after, name)
        assert frozen[0].keys() == kept[0].keys()
        for key, value in frozen[0].items():
            assert value.tobytes() == kept[0][key].tobytes(), name
        assert not np.array_equal(frozen[-1]["kernel"], kept[-1]["kernel"]), name


def flat(weights):
    return ravel_pytree(weights)[0]


@pytest.mark.parametrize("cls", [Dense, Maxout])
def test_a_shape_that_cannot_be_is_refused_in_words(cls):
    with pytest.raises(ShapeError, match=f"{cls.__name__} cannot take rows of shape"):
        cls(3).output_shape(())


def test_dropout_keeps_the_mean_and_the_share():
    x = np.ones((200, 100), np.float32)
    for layer in (Dropout(0.3), GaussianDropout(0.3), GaussianNoise(0.5)):
        out = np.asarray(run(layer, {}, x, True))
        # 20,000 draws of standard deviation ≤ 0.66: five standard errors.
        assert out.mean() == pytest.approx(1, abs=5 * 0.66 / 20_000**0.5)
    dropped = np.asarray(run(Dropout(0.3), {}, x, True))
    assert set(np.unique(dropped).round(5)) == {0.0, np.float32(1 / 0.7).round(5)}
    assert (dropped == 0).mean() == pytest.approx(0.3, abs=5 * (0.21 / 20_000) ** 0.5)
    noise = np.asarray(run(GaussianDropout(0.3), {}, x, True))
    assert noise.std() == pytest.approx((0.3 / 0.7) ** 0.5, rel=5 / (2 * 20_000) ** 0.5)


def test_dropout_noise_shape_is_shared():
    out = np.asarray(run(Dropout(0.5, noise_shape=(None, 1, None)), {}, np.ones((50, 3, 4), np.float32), True))
    assert np.array_equal(out[:, 0], out[:, 1])
    assert not np.array_equal(out[:, :, 0], out[:, :, 1])


@pytest.mark.parametrize("noise_shape", [(50, 1, 4), (1, 3, None), [None, 1, 4], np.array([50, 3, 1])])
def test_dropout_noise_shapes_of_any_form(noise_shape):
    out = np.asarray(run(Dropout(0.5, noise_shape=noise_shape), {}, np.ones((50, 3, 4), np.float32), True))
    for axis, length in enumerate(noise_shape):
        moved = np.moveaxis(out, axis, 0)
        assert np.array_equal(moved[0], moved[1]) == (length == 1)


def test_a_shape_is_kept_by_layers_that_serve_as_activations():
    for layer in (Softmax(), UnitNormalization(), LeakyReLU()):
        assert Dense(3, layer).activation == layer
    for layer in (PReLU(), Dropout(0.5), Masking(), Flatten()):
        with pytest.raises(InputError, match="more than an activation"):
            Dense(3, layer)
    # Along time, a step knows too little.
    assert [layer.streams for layer in (Softmax(), Softmax(1), UnitNormalization(), UnitNormalization(2))] == [
        True, False, True, False]  # fmt: skip


@pytest.mark.parametrize("axis", [1, 2, -1, -2])
def test_normalising_along_an_axis_as_in_keras(axis, keras64):
    x = inputs(3, (4, 2))
    for layer in (Softmax(axis), UnitNormalization(axis)):
        theirs = getattr(keras64.layers, type(layer).__name__)(axis=axis, dtype="float64")
        agree(run(layer, {}, x, False), np.asarray(theirs(x)))


def test_two_random_layers_draw_different_numbers():
    x = np.ones((4, 50), np.float32)
    network = Network((Dropout(0.5), Dropout(0.5)), (50,))
    first = network.forward(({}, {}), x, Context(training=True, key=jax.random.key(0)), upto=1)
    both = network.forward(({}, {}), x, Context(training=True, key=jax.random.key(0)))
    assert 0.15 < float((both != 0).mean()) < 0.35  # a quarter survives both, not a half
    assert 0.4 < float((first != 0).mean()) < 0.6


def test_dense_as_in_torch(x64):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    layer, x = Dense(3, activation="tanh"), inputs(5, (4,))
    w = weights_of(layer, (4,))
    theirs = torch.nn.functional.linear(torch.tensor(x), torch.tensor(w["kernel"].T.copy()), torch.tensor(w["bias"]))
    agree(run(layer, w, x, False), torch.tanh(theirs), 1e-14)


# Input computes nothing; the calls of these differ from Keras's, and tests of their own compare them.
OTHERWISE = ("Input", "Maxout", "Residual", "PositionEmbedding", "PositionalEncoding", "MultiHeadAttention",
             "GroupQueryAttention", "Bidirectional", "TimeDistributed", "SimpleRNN", "RNN", "Lambda", "Normalization",
             "Nested", "SpectralNormalization", "Solarization", "KLSparsity", "Sampling", "FixedMask", "WithMask",
             "Discretization", "IntegerLookup", "StringLookup", "TextVectorization", "Hashing",
             "Absolute", "Divide", "GetItem", "InTraining", "Power", "PowerOf",
             *(name for name in LAYERS if name.startswith("SpatialDropout")),
             *(name for name in LAYERS if name.startswith("Random")))  # fmt: skip


@pytest.mark.parametrize("layer", [case for case in EACH if type(case.values[0]).__name__ not in OTHERWISE])
def test_as_in_keras_at_inference(layer, keras64):
    """Those that Keras computes too; weights go over in the order and the shapes of `get_weights`."""
    name = type(layer).__name__
    shape = LAYERS[name][1][-1]
    theirs = getattr(keras64.layers, name)(**keras_settings(layer), dtype="float64")
    x, w = inputs(3, shape, layer=layer), weights_of(layer, shape)
    theirs.build([(None, *form) for form in shape] if layer.many else (None, *shape))
    theirs.set_weights(list(w.values()))
    assert [tuple(v.shape) for v in theirs.weights] == [v.shape for v in w.values()]
    both = jax.jit(lambda w, x: (run(layer, w, x, False), theirs(list(x) if layer.many else x)))
    # To 1e-5, as everywhere: Keras computes parts of its layers in float32 whatever their dtype.
    agree(*both(w, x))


def keras_settings(layer):
    ours = {name: value for name, value in layer.get_config().items() if isinstance(value, (int, float, str, tuple))}
    # The last four belong to the call in Keras.
    here = ("name", "use_causal_mask", "return_attention_scores", "initial_state", "masked")
    theirs = {"result_shape": "output_shape"}  # here the name of a method
    return {
        theirs.get(name, name): list(value) if isinstance(value, tuple) else value
        for name, value in ours.items() if name not in here
    }  # fmt: skip


def test_maxout_is_the_largest_piece(x64):
    layer, x = Maxout(2, pieces=3), inputs(4, (5,))
    w = weights_of(layer, (5,))
    pieces = (x @ w["kernel"] + w["bias"]).reshape(4, 2, 3)
    agree(run(layer, w, x, False), pieces.max(-1), 1e-14)


def test_slopes_helper_finds_a_known_slope(x64):
    agree(slopes(lambda v: jnp.sum(v**2), np.array([1.0, -2.0])), [2, -4], 1e-9)
