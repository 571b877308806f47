"""Lambda, penalties on outputs, merging by functions, dropout of channels, cropping and resizing: as in Keras."""

from __future__ import annotations

import inspect

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

import jindan as jd
from jindan import layers as L
from jindan.errors import InputError, ShapeError
from jindan.layers.base import Context
from jindan.layers.network import Network
from jindan.models import Model, Sequential

RNG = np.random.default_rng(417)
DRAWN = RNG.normal(size=(5, 4))


def run(layer, x, **told):
    return layer.apply({}, x, Context(**told))


def drawn(layer, x, seed=0):
    return np.asarray(run(layer, jnp.asarray(x), training=True, key=jax.random.key(seed)))


# -- Lambda -----------------------------------------------------------------------------------------------------


def scaled(x, by=2.0):
    return by * x


def distance(pair):
    return jnp.sqrt(jnp.sum((pair[0] - pair[1]) ** 2, axis=1, keepdims=True))


@pytest.mark.parametrize(
    ("function", "settings"),
    [
        (lambda x: x**2 - 1, {}),
        (lambda x: x[:, :1], {"output_shape": (1,)}),
        (lambda x: x.reshape(x.shape[0], 2, 2), {"output_shape": lambda shape: (shape[0], 2, 2)}),
        (scaled, {"arguments": {"by": 3.0}}),
        (scaled, {}),
    ],
)
def test_lambda_as_in_keras(function, settings, keras64):
    theirs = keras64.layers.Lambda(function, **settings, dtype="float64")(DRAWN)
    ours = Sequential([L.Lambda(function, **settings, name="own")], dtype="float64").predict(DRAWN)
    agree(ours, np.asarray(theirs), 1e-12)


def test_lambda_of_two_inputs_trains_as_in_keras(keras64):
    """A siamese network: one Dense, two inputs, their distance by a function; three updates in float64."""
    x, y = (DRAWN, np.roll(DRAWN, 1, axis=0)), np.arange(5.0)[:, None]

    def build(K, model, where):
        one, other = K.Input((4,)), K.Input((4,))
        shared = K.Dense(3, activation="tanh", name="shared")
        made = K.Lambda(distance, output_shape=(1,))([shared(one), shared(other)])
        made = model([one, other], made)
        made.compile(optimizer=where.optimizers.SGD(0.1), loss="mse")
        return made

    theirs, ours = build(keras64.layers, keras64.Model, keras64), build(L, Model, jd)
    ours.dtype = "float64"
    ours.set_weights(theirs.get_weights())
    theirs.fit(list(x), y, epochs=3, batch_size=5, verbose=0, shuffle=False)
    ours.fit(list(x), y, epochs=3, batch_size=5, verbose=0, shuffle=False)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        agree(a, b, 1e-5)


def test_lambda_is_told_the_mask_and_training_where_it_asks():
    mask = jnp.asarray([[1.0, 0.0]])
    layer = L.Lambda(
        lambda x, training, mask=None: (x + 10 * training) * mask[..., None], mask=lambda x, mask: 1 - mask
    )
    x = jnp.ones((1, 2, 1))
    np.testing.assert_array_equal(run(layer, [x], mask=[mask])[0, :, 0], [1, 0])
    np.testing.assert_array_equal(run(layer, [x], mask=[mask], training=True)[0, :, 0], [11, 0])
    np.testing.assert_array_equal(layer.mask_of([x], [mask]), [[0, 1]])
    assert L.Lambda(scaled).mask_of([x], [mask]) is None  # as in Keras, the mask ends here


def test_lambda_of_several_outputs():
    a = L.Input((4,))
    first, second = L.Lambda(lambda x: (x[:, :1], x[:, 1:]))(a)
    assert (first.shape, second.shape) == ((None, 1), (None, 3))
    agree(Model(a, L.concatenate([second, first])).predict(DRAWN), np.roll(DRAWN, -1, axis=1))


def test_lambda_sees_what_its_function_captures_now():
    """A compiled program holds captured values as constants; another value is another program."""
    by = [2.0]
    made = [L.Lambda(lambda x, held=value: held * x) for value in (2.0, 3.0)]
    assert made[0] != made[1]
    x = np.ones((2, 3), np.float32)
    captured = L.Lambda(lambda x: by[0] * x)
    assert Sequential([captured]).predict(x).max() == 2
    by[0] = 5.0
    assert Sequential([L.Lambda(captured.function)]).predict(x).max() == 5


def test_lambda_is_saved_by_the_name_of_its_function(tmp_path):
    def shifted(x, by):
        return x + by

    model = Sequential([L.Lambda(shifted, arguments={"by": 1.5}), L.Dense(2)])
    before = model.predict(DRAWN)
    with pytest.raises(InputError, match=r'(?s)cannot be written to a file by itself.*"activation".*of a Lambda'):
        model.save(tmp_path / "m")
    jd.register("activation", "shifted for the test", shifted)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(DRAWN), before)


@pytest.mark.parametrize(
    ("function", "settings", "words"),
    [
        (lambda x: jnp.mean(x), {}, "does not give a row for each row"),
        (lambda x: x.reshape(-1, 2), {}, "does not give a row for each row"),
        (lambda x: x @ jnp.ones((3, 3)), {}, "cannot take the rows"),
        (lambda x, y: x, {}, "cannot take the rows"),
        (lambda x: np.asarray(x), {}, "cannot take the rows"),
        (scaled, {"output_shape": (3,)}, "gives another shape than it was told"),
    ],
)
def test_a_function_that_does_not_fit_is_refused_in_words(function, settings, words):
    with pytest.raises(ShapeError, match=words) as caught:
        _ = Network((L.Lambda(function, **settings, name="mine"),), (4,)).output_shape
    assert "help:" in str(caught.value)
    assert "mine" in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"function": None}, "function of Lambda"),
        ({"function": 3}, "function|activation"),
        ({"function": scaled, "mask": 3}, "mask of Lambda"),
        ({"function": scaled, "arguments": {"by": np.ones(3)}}, "cannot keep these arguments"),
        ({"function": scaled, "arguments": 3}, "cannot keep these arguments"),
    ],
)
def test_what_lambda_cannot_take_is_refused_in_words(settings, words):
    with pytest.raises(InputError, match=words):
        L.Lambda(**settings)


# -- layers that pass rows on, merging by functions -----------------------------------------------------------------


def test_activity_regularization_is_in_the_loss_as_in_keras(keras64):
    """Five rows in batches of 2: the penalty is that of each batch by its rows, added to the mean loss."""
    y = np.ones((5, 3))

    def build(K, model, **more):
        made = model([K.Input((4,)), K.Dense(3), K.Identity(), K.ActivityRegularization(0.1, 0.2)], **more)
        made.compile(optimizer="sgd", loss="mse")
        return made

    theirs, ours = build(keras64.layers, keras64.Sequential), build(L, Sequential, dtype="float64")
    ours.set_weights(theirs.get_weights())
    settings = {"epochs": 2, "batch_size": 2, "verbose": 0, "shuffle": False}
    theirs.fit(DRAWN, y, **settings)
    ours.fit(DRAWN, y, **settings)
    for a, b in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        agree(a, b, 1e-7)  # Keras holds the rate in float32
    a = DRAWN @ ours.get_weights()[0] + ours.get_weights()[1]
    wanted = np.mean((a - y) ** 2) + (0.1 * np.abs(a).sum() + 0.2 * (a**2).sum()) / 5
    assert ours.evaluate(DRAWN, y, batch_size=5) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("add", np.add), ("subtract", np.subtract), ("multiply", np.multiply), ("average", lambda a, b: (a + b) / 2),
     ("maximum", np.maximum), ("minimum", np.minimum), ("concatenate", lambda a, b: np.concatenate([a, b], -1)),
     ("dot", lambda a, b: (a * b).sum(-1, keepdims=True))],
)  # fmt: skip
def test_merging_by_functions(name, wanted):
    a, b = DRAWN.astype(np.float32), DRAWN[::-1].astype(np.float32)
    function = getattr(L, name)
    one, other = L.Input((4,)), L.Input((4,))
    agree(function([a, b]), wanted(a, b))
    agree(Model([one, other], function([one, other], name="joined")).predict([a, b]), wanted(a, b))


# -- random layers --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layer", "space"),
    [(L.SpatialDropout1D(0.3), (7,)), (L.SpatialDropout2D(0.3), (2, 3)), (L.SpatialDropout3D(0.3), (2, 1, 3))],
)
def test_spatial_dropout_drops_whole_channels(layer, space):
    rows, channels = 100, 200
    out = drawn(layer, np.ones((rows, *space, channels), np.float32)).reshape(rows, -1, channels)
    assert np.array_equal(out, np.broadcast_to(out[:, :1], out.shape))
    assert set(np.unique(out.round(5))) == {0.0, np.float32(1 / 0.7).round(5)}
    # 20,000 draws of variance 0.21: five standard errors.
    assert (out[:, 0] == 0).mean() == pytest.approx(0.3, abs=5 * (0.21 / 20_000) ** 0.5)
    assert 0.1 < np.mean(out[0, 0] == out[1, 0]) < 0.9  # rows draw their own
    with pytest.raises(ShapeError, match=type(layer).__name__):
        layer.output_shape((4,))


def test_alpha_dropout_keeps_mean_and_variance():
    x = RNG.normal(size=(400, 100)).astype(np.float32)
    out = drawn(L.AlphaDropout(0.2), x)
    # 40,000 numbers of variance 1, kurtosis below 5: five standard errors.
    assert out.mean() == pytest.approx(0, abs=5 / 200)
    assert out.var() == pytest.approx(1, abs=5 * 2 / 200)


def test_alpha_dropout_is_the_formula():
    """Dropped inputs are all a α′ + b, the others a x + b: Klambauer et al. 2017, equation of section 3."""
    x, rate, low = RNG.normal(size=(20, 30)).astype(np.float32), 0.4, -1.7580993408473766
    out = drawn(L.AlphaDropout(rate), x)
    a = (1 - rate + low**2 * rate * (1 - rate)) ** -0.5
    b = -a * rate * low
    dropped = np.isclose(out, a * low + b, atol=1e-6)
    assert dropped.mean() == pytest.approx(rate, abs=5 * (0.24 / 600) ** 0.5)
    agree(out[~dropped], (a * x + b)[~dropped])
    shared = drawn(L.AlphaDropout(0.5, noise_shape=(None, 1)), np.ones((40, 6), np.float32))
    assert np.array_equal(shared, np.broadcast_to(shared[:, :1], shared.shape))
    assert len(np.unique(shared)) == 2


# -- space ----------------------------------------------------------------------------------------------------------


IMAGES = [(1, 1, 1), (5, 7, 2)]


@pytest.mark.parametrize("shape", IMAGES)
@pytest.mark.parametrize("size", [(2, 3), (6, 4), (9, 8)])
def test_center_crop_as_in_keras(shape, size, keras64):
    x = RNG.normal(size=(2, *shape))
    agree(run(L.CenterCrop(*size), jnp.asarray(x)), keras64.layers.CenterCrop(*size, dtype="float64")(x))


@pytest.mark.parametrize("shape", IMAGES)
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"interpolation": "nearest"},
        {"interpolation": "bicubic", "antialias": True},
        {"antialias": True},
        {"crop_to_aspect_ratio": True},
        {"pad_to_aspect_ratio": True, "fill_value": 0.5},
    ],
)
def test_resizing_as_in_keras(shape, settings, keras64):
    x = RNG.normal(size=(2, *shape))
    for size in ((2, 3), (10, 7)):
        theirs = keras64.layers.Resizing(*size, **settings, dtype="float64")(x)
        agree(run(L.Resizing(*size, **settings), jnp.asarray(x)), np.asarray(theirs))


def test_resizing_keeps_proportions_in_one_way():
    with pytest.raises(InputError, match="in one way"):
        L.Resizing(2, 2, crop_to_aspect_ratio=True, pad_to_aspect_ratio=True)


def test_volumes_as_in_numpy():
    x = RNG.normal(size=(2, 3, 4, 5, 2))
    padded = run(L.ZeroPadding3D(((1, 0), (0, 2), (1, 1))), x)
    np.testing.assert_array_equal(padded, np.pad(x, ((0, 0), (1, 0), (0, 2), (1, 1), (0, 0))).astype(padded.dtype))
    np.testing.assert_array_equal(run(L.Cropping3D((1, 0, 2)), x), x[:, 1:2, :, 2:3])
    wide = x.repeat(2, 1).repeat(1, 2).repeat(3, 3)
    np.testing.assert_array_equal(run(L.UpSampling3D((2, 1, 3)), x), wide.astype(padded.dtype))
    for bad in ((1, 2), (1, 1, 1, 1), ((1, 1, 1),) * 3, -1):
        with pytest.raises(InputError, match="padding of ZeroPadding3D"):
            L.ZeroPadding3D(bad)


# -- the order of arguments -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Attention", "AlphaDropout", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "CenterCrop", "Resizing",
     "Lambda", "Identity", "ActivityRegularization", "ZeroPadding3D", "Cropping3D", "UpSampling3D",
     "GlobalMaxPooling3D", "GlobalAveragePooling3D"],
)  # fmt: skip
def test_arguments_stand_in_the_order_of_keras(name):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")

    def by_place(cls):
        found = [n for n, p in inspect.signature(cls).parameters.items() if p.kind is p.POSITIONAL_OR_KEYWORD]
        return [n for n in found if n not in ("name", "dtype")]  # by keyword only here

    theirs = by_place(getattr(keras.layers, name))
    assert by_place(getattr(L, name))[: len(theirs)] == theirs


def test_multi_head_attention_takes_what_keras_takes():
    names = list(inspect.signature(L.MultiHeadAttention).parameters)
    assert names[:6] == ["num_heads", "key_dim", "value_dim", "dropout", "use_bias", "output_features"]
    assert {"seed", "activity_regularizer", "kernel_regularizer", "bias_constraint"} < set(names)


def test_multi_head_attention_penalises_the_outputs_of_its_maps_as_keras(keras64):
    x = RNG.normal(size=(2, 3, 4))
    theirs = keras64.layers.MultiHeadAttention(2, 3, activity_regularizer=keras64.regularizers.L2(0.1))
    theirs(x, x, return_attention_scores=True)  # its usual way scales the scores in float32, this one in float64
    layer = L.MultiHeadAttention(2, 3, activity_regularizer=jd.regularizers.L2(0.1))
    names = layer.weights(((3, 4),))
    w = {name: jnp.asarray(v) for name, v in zip(names, theirs.get_weights(), strict=True)}
    ctx = Context(mask=[None])
    layer.apply(w, [jnp.asarray(x)], ctx)
    agree(sum(ctx.penalties), sum(map(np.asarray, theirs.losses)), 1e-9)
