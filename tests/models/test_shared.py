"""A layer object has one set of weights wherever it stands: trained in turns as in Keras, frozen, copied, freed."""

from __future__ import annotations

import copy
import warnings

import numpy as np
import pytest

import jindan as jd
import jindan.layers as ours
from jindan.errors import InputError, JindanWarning, ShapeError, StateError
from jindan.layers import BatchNormalization, Dense, Dropout, Input, Normalization, ReLU, TimeDistributed
from jindan.models import Model, Sequential

RNG = np.random.default_rng(417)
X = RNG.normal(size=(24, 6))
Z = RNG.normal(size=(24, 3))
QUIET = {"verbose": 0, "shuffle": False, "batch_size": 8}


class Ours:
    layers, Input = ours, staticmethod(Input)
    sgd = staticmethod(lambda: jd.optimizers.SGD(0.05, momentum=0.9))
    quiet = {**QUIET, "doctor": False}  # noqa: RUF012

    @staticmethod
    def model(inputs, outputs, name=None):
        return Model(inputs, outputs, name=name or "model", dtype="float64")

    @staticmethod
    def stack(layers, name=None):
        return Sequential(layers, name=name or "sequential", dtype="float64")


def theirs_of(keras):
    class Theirs:
        layers, Input = keras.layers, staticmethod(keras.Input)
        sgd = staticmethod(lambda: keras.optimizers.SGD(0.05, momentum=0.9))
        quiet = QUIET

        @staticmethod
        def model(inputs, outputs, name=None):
            return keras.Model(inputs, outputs, name=name)

        @staticmethod
        def stack(layers, name=None):
            return keras.Sequential(layers, name=name)

    return Theirs


def autoencoder(lib):
    """An encoder that is trained as half of an autoencoder, and by itself."""
    x = lib.Input((6,))
    hidden = lib.layers.Dense(5, activation="tanh")(x)
    code = lib.layers.Dense(3, name="code")(lib.layers.BatchNormalization()(hidden))
    encoder = lib.model(x, code, "encoder")
    auto = lib.model(x, lib.layers.Dense(6)(code), "auto")
    for _ in range(3):
        yield auto, X, X
        yield encoder, X, Z


def nested(lib):
    """A base within a stack and within a graph, all three trained."""
    base = lib.stack([lib.Input((6,)), lib.layers.Dense(4, activation="tanh"), lib.layers.Dense(3)], "base")
    stack = lib.stack([base, lib.layers.Dense(2)], "stack")
    x = lib.Input((6,))
    graph = lib.model(x, lib.layers.Add()([base(x), base(lib.layers.Dense(6)(x))]), "graph")
    for _ in range(2):
        yield stack, X, Z[:, :2]
        yield base, X, Z
        yield graph, X, Z


def adversaries(lib):
    """A discriminator trained alone, and frozen within a GAN; each has its optimizer's memory."""
    generator = lib.stack([lib.Input((3,)), lib.layers.Dense(5, activation="tanh"), lib.layers.Dense(6)], "generator")
    judge = lib.stack(
        [lib.Input((6,)), lib.layers.Dense(4), lib.layers.BatchNormalization(), lib.layers.Dense(1)], "judge"
    )
    z = lib.Input((3,))
    gan = lib.model(z, judge(generator(z)), "gan")
    for _ in range(3):
        judge.trainable = True
        yield judge, X, Z[:, :1]
        judge.trainable = False
        yield gan, Z, np.ones((24, 1))


def towers(lib):
    """A tower used twice in a siamese network, then under a head; and what lies before a layer, taken out."""
    tower = lib.stack([lib.Input((6,)), lib.layers.Dense(4, activation="tanh"), lib.layers.Dense(3)], "tower")
    a, b = lib.Input((6,)), lib.Input((6,))
    siamese = lib.model([a, b], lib.layers.Dense(1)(lib.layers.Subtract()([tower(a), tower(b)])), "siamese")
    top = lib.stack([lib.Input((6,)), *tower.layers[:-1], lib.layers.Dense(2)], "top")
    parts = lib.model(siamese.inputs, siamese.layers[-1].output, "parts")
    for _ in range(2):
        yield siamese, [X, X[::-1]], Z[:, :1]
        yield top, X, Z[:, :2]
        yield parts, [X, X + 1], Z[:, 1:2]


def overlapping(lib):
    """Two models that share a layer, and that layer itself, within a third."""
    x, i = lib.Input((6,)), lib.Input((6,))
    trunk = lib.layers.Dense(4, activation="tanh")
    hidden = trunk(x)
    a = lib.model(x, lib.layers.Dense(3)(hidden), "a")
    b = lib.model(x, lib.layers.Dense(2)(hidden), "b")
    parts = [a(i), b(i), trunk(lib.layers.Dense(6)(i))]
    whole = lib.model(i, lib.layers.Concatenate()(parts), "whole")
    for _ in range(2):
        yield a, X, Z
        yield b, X, Z[:, :2]
        yield whole, X, np.tile(Z, (1, 3))


@pytest.mark.parametrize("build", [autoencoder, nested, adversaries, towers, overlapping])
def test_trained_in_turns_as_in_keras(build, keras64):
    """Every model, after every fit of any."""
    keras64.utils.set_random_seed(0)
    known = {}
    for mine, theirs in zip(build(Ours), build(theirs_of(keras64)), strict=True):
        (model, x, y), other = mine, theirs[0]
        if model.name not in known:
            weights = [0.5 * RNG.uniform(0.1, 1, size=w.shape) for w in other.get_weights()]
            for twin in (model, other):
                twin.set_weights(weights)
            model.compile(Ours.sgd(), "mse")
            other.compile(theirs_of(keras64).sgd(), "mse")
            known[model.name] = (model, other)
        model.fit(x, y, epochs=2, **Ours.quiet)
        other.fit(x, y, epochs=2, **QUIET)
        for one, two in known.values():
            for a, b in zip(one.get_weights(), two.get_weights(), strict=True):
                np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert len(known) >= 2


def pair(**settings):
    """An encoder and the autoencoder around it."""
    x = Input((6,))
    code = Dense(3, activation="tanh", name="enc", **settings)(x)
    return Model(x, code, "encoder"), Model(x, Dense(6, name="dec")(code), "auto")


def test_what_one_model_is_given_the_other_has(tmp_path):
    encoder, auto = pair()
    kernel, bias = np.ones((6, 3), np.float32), np.arange(3, dtype=np.float32)
    auto.get_layer("enc").set_weights([kernel, bias])
    np.testing.assert_array_equal(encoder.get_layer("enc").kernel, kernel)
    encoder.set_weights([2 * kernel, bias])
    np.testing.assert_array_equal(auto.get_weights()[0], 2 * kernel)
    encoder.save_weights(tmp_path / "w.safetensors")
    encoder.set_weights([kernel, bias])
    encoder.load_weights(tmp_path / "w.safetensors")
    np.testing.assert_array_equal(auto.get_weights()[0], 2 * kernel)
    auto.compile("adam", "mse")
    auto.fit(X, X, epochs=1, verbose=0, doctor=False)
    auto.train_on_batch(X, X)
    for a, b in zip(encoder.get_weights(), auto.get_weights()[:2], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_layer_object_knows_its_weights():
    layer = Dense(3)
    assert layer.get_weights() == []
    with pytest.raises(StateError, match="no weights yet"):
        layer.set_weights([np.ones((6, 3)), np.zeros(3)])
    one, other = Sequential([Input((6,)), layer, Dense(1)]), Sequential([layer])
    one.compile("sgd", "mse")
    one.fit(X, X[:, :1], verbose=0, doctor=False)
    for a, b in zip(layer.get_weights(), one.get_weights()[:2], strict=True):
        np.testing.assert_array_equal(a, b)
    layer.set_weights([np.ones((6, 3)), np.zeros(3)])
    np.testing.assert_allclose(other.predict(X)[:, 0], X.sum(1), rtol=1e-4, atol=1e-5)
    with pytest.raises(ShapeError, match="wrong shape"):
        layer.set_weights([np.ones((5, 3)), np.zeros(3)])
    assert layer.replace().get_weights() == []


def test_frozen_in_one_is_frozen_in_all():
    encoder, auto = pair()
    auto.compile("adam", "mse")
    encoder.trainable = False
    assert not auto.get_layer("enc").trainable
    assert [w.shape for w in auto.trainable_weights] == [(3, 6), (6,)]
    before = encoder.get_weights()
    auto.fit(X, X, verbose=0, doctor=False)
    for a, b in zip(encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    auto.get_layer("enc").trainable = True
    assert encoder.trainable
    third = Model(encoder.inputs, Dense(1)(encoder.output))
    encoder.trainable = False
    assert [w.shape for w in third.trainable_weights] == [(3, 1), (1,)]
    assert not pair(trainable=False)[1].get_layer("enc").trainable


def test_a_fit_that_would_change_nothing_says_so():
    encoder, auto = pair()
    for model in (encoder, auto):
        model.compile("sgd", "mse")
    encoder.trainable = False
    with pytest.warns(JindanWarning, match=r"Nothing in 'encoder' is trained.*encoder\.trainable = True"):
        encoder.fit(X, X[:, :3], verbose=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        auto.fit(X, X, verbose=0)


def test_the_optimizer_goes_on_where_layers_were_frozen_between():
    encoder, auto = pair()
    auto.compile("adam", "mse", seed=0)
    plain = copy.deepcopy(auto)
    for model in (auto, plain):
        for _ in range(2):
            model.fit(X, X, epochs=1, verbose=0, seed=1, doctor=False)
            if model is auto:
                encoder.trainable = False
                encoder.trainable = True
    assert auto._run.steps == 2
    for a, b in zip(auto.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_callbacks_see_and_change_what_is_shared():
    encoder, auto = pair()
    seen = []

    class Set(jd.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            seen.append(encoder.get_weights()[0])
            encoder.set_weights([np.zeros((6, 3)), np.zeros(3)])

    auto.compile(jd.optimizers.SGD(0.1), "mse")
    auto.fit(X, X, epochs=2, verbose=0, doctor=False, callbacks=[Set()])
    assert not np.array_equal(seen[0], seen[1])
    np.testing.assert_array_equal(auto.get_weights()[0], 0)


def test_layers_not_built_yet():
    encoder = Sequential([Dense(3, activation="tanh"), Dense(2)], name="encoder")
    whole = Sequential([encoder, Dense(1)])
    whole.compile("sgd", "mse")
    assert encoder.input_shape is None
    whole.fit(X, X[:, :1], verbose=0, doctor=False)
    assert [view.count_params() for view in encoder.layers] == [21, 8]
    np.testing.assert_array_equal(encoder.predict(X), whole.get_layer("encoder").predict(X))
    for a, b in zip(encoder.get_weights(), whole.get_weights()[:4], strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_fit_that_fails_leaves_nothing_behind():
    layer = Dense(3)
    model = Sequential([layer, Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ShapeError):
        model.fit(X, np.zeros((24, 5)), verbose=0)
    other = Sequential([layer, Dense(1)])
    assert other.predict(np.zeros((2, 9))).shape == (2, 1)


def test_weights_of_another_shape_are_refused():
    layer = Dense(3)
    first = Sequential([Input((6,)), layer])
    first.build()
    first.get_weights()
    with pytest.raises(
        ShapeError, match=r"(?s)one set of weights.*kernel \(6, 3\).*kernel \(4, 3\).*layer.replace\(\)"
    ):
        Model(x := Input((4,)), layer(x))
    other = Sequential([layer])
    with pytest.raises(ShapeError, match="one set of weights"):
        other.predict(np.zeros((2, 4)))
    assert Sequential([layer.replace()]).predict(np.zeros((2, 4))).shape == (2, 3)
    first.layers[0].units = 5  # is then another layer, which the others do not have
    assert [w.shape for w in first.get_weights()] == [(6, 5), (5,)]
    np.testing.assert_array_equal(Sequential([layer]).predict(X).shape, (24, 3))


def test_a_layer_stands_in_a_stack_once():
    layer = Dense(6)
    with pytest.raises(InputError, match=r"stands in a stack once(.|\n)*called twice in a functional Model"):
        Sequential([layer, layer])
    base = Sequential([Dense(6)])
    with pytest.raises(InputError, match="stands in a stack once"):
        Sequential([base, base])
    act, drop = ReLU(), Dropout(0.5)
    assert len(Sequential([Dense(3), act, drop, Dense(3), act, drop]).layers) == 6


@pytest.mark.parametrize("first", ["float32", "float64"])
def test_models_of_two_types(first):
    """Each computes in its own; what the narrower one only read keeps its digits."""
    second = "float64" if first == "float32" else "float32"
    layer = Dense(3)
    one = Sequential([Input((6,)), layer, Dense(1)], dtype=first)
    two = Sequential([Input((6,)), layer, Dense(1)], dtype=second)
    exact = np.full((6, 3), 1 / 3)
    wide = one if first == "float64" else two
    wide.layers[0].set_weights([exact, np.zeros(3)])
    narrow = two if wide is one else one
    assert narrow.get_weights()[0].dtype == np.float32
    narrow.layers[0].trainable = False
    narrow.compile("sgd", "mse")
    narrow.fit(X, X[:, :1], verbose=0, doctor=False)
    np.testing.assert_array_equal(wide.get_weights()[0], exact)
    wide.compile("sgd", "mse")
    narrow.layers[0].trainable = True
    wide.fit(X, X[:, :1], verbose=0, doctor=False)
    np.testing.assert_allclose(narrow.get_weights()[0], wide.get_weights()[0], rtol=1e-6)


def test_layers_adapted_in_one_model():
    norm = Normalization()
    first = Sequential([Input((6,)), norm, Dense(1)])
    second = Sequential([norm, Dense(2)])
    first.predict(X)
    first.layers[0].adapt(X + 3)
    second.predict(X)
    np.testing.assert_allclose(second.layers[0].get_weights()[0], X.mean(0) + 3, rtol=1e-5)
    second.layers[0].adapt(X - 1)
    np.testing.assert_allclose(first.get_weights()[0], X.mean(0) - 1, rtol=1e-4)
    assert first.layers[0].mean == second.layers[0].mean
    first.layers[0].mean, before = (0.0,) * 6, second.layers[0].variance
    assert (first.layers[0].mean, first.layers[0].variance) == ((0.0,) * 6, before)


def test_a_model_at_every_step_of_a_sequence():
    first = Dense(4)
    Sequential([Input((6,)), first]).set_weights([np.ones((6, 4)), np.zeros(4)])
    base = Sequential([Input((6,)), first, BatchNormalization(), Dense(2)])  # the others have none yet
    steps = Sequential([Input((5, 6)), TimeDistributed(base), Dense(1)])
    np.testing.assert_array_equal(steps.get_weights()[0], 1)
    rows = RNG.normal(size=(8, 5, 6))
    each = Model(steps.inputs, steps.layers[0].output)
    np.testing.assert_allclose(each.predict(rows)[:, 1], base.predict(rows[:, 1]), rtol=1e-4, atol=1e-5)
    steps.compile("sgd", "mse")
    before = base.get_weights()
    steps.fit(rows, rows[..., :1], verbose=0, doctor=False)
    assert not any(np.array_equal(a, b) for a, b in zip(base.get_weights(), before, strict=True))
    for a, b in zip(base.get_weights(), steps.get_weights()[:-2], strict=True):
        np.testing.assert_array_equal(a, b)
