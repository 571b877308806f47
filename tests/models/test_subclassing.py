"""Models by subclassing: `call` connects their layers; trained as in Keras, saved, refused in words."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import jindan as jd
import jindan.layers as ours
from jindan.layers import Dense, Input
from jindan.models import Model, Sequential

RNG = np.random.default_rng(417)
X = RNG.normal(size=(24, 6))
Y = RNG.normal(size=(24, 2))
IDS = RNG.integers(0, 5, (24, 3))
QUIET = {"verbose": 0, "shuffle": False, "batch_size": 8}
OURS = {**QUIET, "doctor": False}


def plain(lib, Model):
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.out = lib.Dense(2)  # set before what it reads: weights stand in this order
            self.first = lib.Dense(5, activation="tanh")
            self.norm = lib.BatchNormalization()
            self.drop = lib.Dropout(0.0)

        def call(self, inputs, training=False):
            x = self.norm(self.first(inputs), training=training)
            return self.out(self.drop(x, training=training))

    return Net(), X, Y


def residual(lib, Model):
    class Net(Model):
        def __init__(self, blocks):
            super().__init__()
            self.start = lib.Dense(4)
            self.blocks = [lib.Dense(4, activation="tanh") for _ in range(blocks)]
            self.join = lib.Add()
            self.heads = {"left": lib.Dense(2), "right": lib.Dense(2)}

        def call(self, x):
            x = self.start(x)
            for block in self.blocks:
                x = self.join([x, block(x)])
            return self.heads["right"](x) - 0.5 * self.heads["left"](x)

    return Net(3), X, Y


def nested(lib, Model):
    class Block(Model):
        def __init__(self, units):
            super().__init__()
            self.wide = lib.Dense(units, activation="tanh")
            self.narrow = lib.Dense(6)

        def call(self, x, training=None):
            return x + self.narrow(self.wide(x))

    class Net(Model):
        def __init__(self):
            super().__init__()
            self.head = lib.Dense(2)
            self.a = Block(4)
            self.b = Block(3)

        def call(self, x, training=None):
            return self.head(self.a(self.b(self.a(x, training=training))))

    return Net(), X, Y


def by_name(lib, Model):
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.table = lib.Embedding(5, 2)
            self.flat = lib.Flatten()
            self.join = lib.Concatenate()
            self.out = lib.Dense(2)

        def call(self, inputs):
            return self.out(self.join([inputs["numbers"], self.flat(self.table(inputs["ids"]))]))

    return Net(), {"ids": IDS, "numbers": X}, Y


def of_several(lib, Model):
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.join = lib.Concatenate()
            self.size, self.kind = lib.Dense(2), lib.Dense(1)

        def call(self, inputs):
            a, b = inputs
            both = self.join([a, b])
            return self.size(both), self.kind(both)

    return Net(), [X, Y], [Y, Y[:, :1]]


BUILDS = [plain, residual, nested, by_name, of_several]


@pytest.mark.parametrize("build", BUILDS)
def test_trained_as_in_keras(build, keras64, tmp_path):
    model, x, y = build(ours, Model)
    other, _, _ = build(keras64.layers, keras64.Model)
    other(x)
    model.build({n: (None, *v.shape[1:]) for n, v in x.items()} if isinstance(x, dict) else
                [(None, *v.shape[1:]) for v in x] if isinstance(x, list) else (None, 6))  # fmt: skip
    weights = [0.5 * RNG.uniform(0.1, 1, size=w.shape) for w in other.get_weights()]
    assert [w.shape for w in model.get_weights()] == [w.shape for w in weights]
    for twin in (model, other):
        twin.set_weights(weights)
    model.compile(jd.optimizers.SGD(0.05), "mse")
    other.compile(keras64.optimizers.SGD(0.05), "mse")
    found = model.fit(x, y, epochs=3, **OURS).history["loss"]
    wanted = other.fit(x, y, epochs=3, **QUIET).history["loss"]
    np.testing.assert_allclose(found, wanted, rtol=1e-5)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    several = isinstance(y, list)
    given = [twin.predict(x, verbose=0) for twin in (model, other)]
    for a, b in zip(*(given if several else [[found] for found in given]), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    model.save_weights(tmp_path / "w.safetensors")
    for source in (other, tmp_path / "w.safetensors"):
        fresh, _, _ = build(ours, Model)
        fresh(x)
        fresh.load_weights(source)
        for a, b in zip(fresh.get_weights(), other.get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("build", BUILDS)
def test_built_by_the_first_fit_and_saved_as_a_graph(build, tmp_path, capsys):
    model, x, y = build(ours, Model)
    assert not model.built
    model.compile("adam", "mse")
    model.fit(x, y, epochs=1, seed=0, verbose=0, doctor=False)
    assert model.built
    model.evaluate(x, y)
    model.summary()
    assert 'Model: "net"' in capsys.readouterr().out
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    assert type(again) is Model
    several = isinstance(y, list)
    for a, b in zip(*([m.predict(x)] if not several else m.predict(x) for m in (model, again)), strict=True):
        np.testing.assert_array_equal(a, b)
    again.fit(x, y, epochs=1, verbose=0, doctor=False)


def test_names_are_those_of_attributes():
    for build, names in (
        (plain, ["out", "first", "norm", "drop"]),
        (residual, ["start", "blocks_0", "blocks_1", "blocks_2", "join", "heads_left", "heads_right"]),
        (nested, ["head", "a", "b"]),
    ):
        model, x, _ = build(ours, Model)
        model(x)
        assert [view.name for view in model.layers][: len(names)] == names
    assert [view.name for view in model.get_layer("a").layers][:2] == ["wide", "narrow"]
    assert model.get_layer("a/wide").units == 4


def test_a_model_within_is_the_same_model():
    net, x, y = nested(ours, Model)
    net.compile("sgd", "mse")
    net.fit(x, y, verbose=0, doctor=False)
    np.testing.assert_array_equal(net.a.get_weights()[0], net.get_layer("a/wide").kernel)
    assert net.a.predict(X).shape == (24, 6)
    net.a.trainable = False
    before = net.a.get_weights()
    net.fit(x, y, verbose=0, doctor=False)
    for a, b in zip(net.a.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    outer = Model(i := Input((6,)), Dense(1)(net(i)))
    np.testing.assert_array_equal(outer.get_layer("net/head").kernel, net.get_layer("head").kernel)


def test_functional_and_sequential_parts():
    class Auto(Model):
        def __init__(self):
            super().__init__(name="auto")
            self.encoder = Sequential([Dense(4, activation="tanh"), Dense(2)])
            i = Input((2,))
            self.decoder = Model(i, Dense(6)(i))

        def call(self, x):
            return self.decoder(self.encoder(x))

    auto = Auto()
    auto.compile("adam", "mse")
    history = auto.fit(X, X, epochs=20, verbose=0, doctor=False)
    assert history.history["loss"][-1] < history.history["loss"][0]
    np.testing.assert_allclose(auto.decoder.predict(auto.encoder.predict(X)), auto.predict(X), rtol=1e-5, atol=1e-6)
    assert auto.output_shape == (None, 6)


def test_outputs_by_name_and_batches():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.size, self.kind = Dense(2), Dense(1, activation="sigmoid")

        def call(self, x):
            return {"size": self.size(x), "kind": self.kind(x)}

    net = Net()
    net.compile("sgd", {"size": "mse", "kind": "binary_crossentropy"}, metrics={"kind": ["accuracy"]})
    y = {"size": Y, "kind": (Y[:, :1] > 0) * 1.0}
    history = net.fit(X, y, epochs=2, verbose=0, doctor=False)
    assert {"size_loss", "kind_loss", "kind_accuracy"} <= set(history.history)
    found = net.predict(X)
    assert {name: values.shape for name, values in found.items()} == {"size": (24, 2), "kind": (24, 1)}
    batches = ((X[i : i + 8], [Y[i : i + 8], (Y[i : i + 8, :1] > 0) * 1.0]) for i in (0, 8, 16))
    other = Net()
    other.compile("sgd", "mse")
    other.fit(batches, epochs=1, verbose=0, doctor=False)
    assert other.predict([(X[:8],), (X[8:],)])["size"].shape == (24, 2)


def test_settings_between_compile_and_the_first_fit():
    net, x, y = plain(ours, Model)
    net.compile("sgd", "mse")
    net.optimizer.learning_rate = 0.0
    net.build((None, 6))
    before = net.get_layer("first").kernel
    net.fit(x, y, verbose=0, doctor=False)
    np.testing.assert_array_equal(net.get_layer("first").kernel, before)
    other, x, _ = plain(ours, Model)
    assert other.predict([(X[:8],), (X[8:],)]).shape == (24, 2)


def test_layers_set_after_the_graph_was_known():
    net, x, _ = plain(ours, Model)
    kernel = net(x) is not None and net.get_layer("first").kernel
    net.out = Dense(3)
    assert net.predict(x).shape == (24, 3)
    np.testing.assert_array_equal(net.get_layer("first").kernel, kernel)


@pytest.mark.parametrize("build", [plain, nested])
@pytest.mark.parametrize("how", [copy.copy, copy.deepcopy])
def test_copies_are_apart(build, how):
    net, x, y = build(ours, Model)
    early = how(net)  # before there is a graph
    net.compile("sgd", "mse")
    net.fit(x, y, verbose=0, doctor=False)
    late, before = how(net), net.get_weights()
    for other in (early, late):
        other.compile("sgd", "mse")
        other.fit(x, y, verbose=0, doctor=False)
    for a, b in zip(net.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)
    kept = late.get_weights()
    if build is nested:
        np.testing.assert_array_equal(late.a.get_weights()[0], late.get_layer("a/wide").kernel)
    late.extra = Dense(1)  # traced anew, it has the weights it had
    late(x)
    for a, b in zip(late.get_weights(), kept, strict=True):
        np.testing.assert_array_equal(a, b)


def test_it_is_diagnosed_and_scored_before_it_was_built():
    net, x, y = plain(ours, Model)
    net.compile("sgd", "mse")
    jd.diagnose(net, x, y, epochs=1, trials=False)
    assert not net.built
    assert jd.cross_validate(net, x, y, folds=2, seeds=1, epochs=1).scores.shape == (1, 2)


def test_branches_on_training(keras64):
    """In training and at inference as in Keras, with the moments of batches counted once."""

    def made(lib, Model):
        class Net(Model):
            def __init__(self):
                super().__init__()
                self.first, self.norm, self.out = lib.Dense(4), lib.BatchNormalization(momentum=0.9), lib.Dense(2)
                self.noise, self.other = lib.Dense(4), lib.BatchNormalization()

            def call(self, x, training=False):
                x = self.norm(self.first(x), training=training)
                if training:
                    x = x + 0.1 * self.noise(x)
                if not training:
                    x = self.other(x, training=training)
                return self.out(x)

        return Net()

    model, other = made(ours, Model), made(keras64.layers, keras64.Model)
    other(X, training=True)
    other(X, training=False)
    model.build((None, 6))
    weights = [RNG.uniform(0.2, 1, size=w.shape) for w in other.get_weights()]
    assert [w.shape for w in model.get_weights()] == [w.shape for w in weights]
    for twin in (model, other):
        twin.set_weights(weights)
    model.compile(jd.optimizers.SGD(0.02), "mse")
    other.compile(keras64.optimizers.SGD(0.02), "mse")
    model.fit(X, Y, epochs=3, **OURS)
    other.fit(X, Y, epochs=3, **QUIET)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model.predict(X), other.predict(X, verbose=0), rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(model(X, training=True), other(X, training=True), rtol=1e-5, atol=1e-5)
