"""What a compiled model is told and used for: metrics of several outputs, steps, layers that look at whole batches."""

from __future__ import annotations

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError
from jindan.layers import Dense, Embedding, Flatten, Input, Lambda, Layer, Normalization, Rescaling, TimeDistributed
from jindan.models import Model, Sequential

RNG = np.random.default_rng(0)


def two():
    i = Input((3,))
    return Model(i, [Dense(1, name="price")(i), Dense(1, activation="sigmoid", name="again")(i)])


def test_a_list_of_metrics_goes_to_the_outputs_in_order_as_in_keras():
    model, losses = two(), ["mse", "binary_crossentropy"]
    parts = ["loss", "price_loss", "again_loss"]
    model.compile("sgd", losses, metrics=["mae", "accuracy"])
    assert model.metrics_names == [*parts, "price_mae", "again_accuracy"]
    for one in ("mae", ["mae"]):
        model.compile("sgd", losses, metrics=one)
        assert model.metrics_names == [*parts, "price_mae", "again_mae"]
    model.compile("sgd", losses, metrics=[["mae", "mse"], []])
    assert model.metrics_names == [*parts, "price_mae", "price_mse"]
    with pytest.raises(InputError, match="metrics does not fit the outputs"):
        model.compile("sgd", losses, metrics=["mae", "mse", "accuracy"])


@pytest.mark.parametrize("loss", ["mse", "root_mean_squared_error", lambda y, p: jnp.abs(y - p)])
def test_a_weight_of_the_only_loss_as_in_keras(loss, tmp_path):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    if loss == "root_mean_squared_error":  # Keras has it as a metric only: the root of a weighted mean, by hand
        theirs_loss = lambda y, p: keras.ops.sqrt(keras.ops.mean((y - p) ** 2)) + 0 * p[:, 0]  # noqa: E731
    else:
        theirs_loss = loss if isinstance(loss, str) else lambda y, p: keras.ops.abs(y - p)
    x, y = np.random.default_rng(0).normal(size=(2, 7, 1))
    dense = Dense(1, kernel_initializer="ones", input_shape=(1,), kernel_regularizer=jd.regularizers.L2(0.1))
    ours = Sequential([dense])
    theirs = keras.Sequential([keras.Input((1,)), keras.layers.Dense(
        1, kernel_initializer="ones", kernel_regularizer=keras.regularizers.L2(0.1))])  # fmt: skip
    figures = []
    for model, sgd, own in ((ours, jd.optimizers.SGD, loss), (theirs, keras.optimizers.SGD, theirs_loss)):
        model.compile(sgd(0.1), own, loss_weights=[0.25], metrics=["mae"])
        history = model.fit(x, y, epochs=3, batch_size=4, shuffle=False, verbose=0).history
        figures.append([*history["loss"], *history["mae"], *model.evaluate(x, y, batch_size=7, verbose=0)])
        figures[-1] += [float(w.ravel()[0]) for w in model.get_weights()]
        assert set(history) == {"loss", "mae"}
    np.testing.assert_allclose(*figures, rtol=1e-4)
    if isinstance(loss, str):
        ours.save(tmp_path / "m")
        assert jd.load(tmp_path / "m").loss.weight == 0.25


def test_weights_of_the_only_loss():
    model = Sequential([Dense(1, input_shape=(3,))])
    for given, weight in ((None, 1), (1.0, 1), ([1.0], 1), (2, 2), ({"y": 0.5}, 0.5)):
        model.compile("sgd", "mse", loss_weights=given)
        assert model.loss.weight == weight if weight != 1 else model.loss == "mse" or model.loss.weight == 1
    for wrong in ([1.0, 2.0], "much", True):
        with pytest.raises(InputError, match="has one weight"):
            model.compile("sgd", "mse", loss_weights=wrong)


def test_gradients_are_those_of_the_weighted_loss():
    x, y = np.random.default_rng(0).normal(size=(5, 3)), np.array([0, 1, 1, 0, 2])
    found = []
    for weight in (1.0, 0.5):
        model = Sequential([Dense(3, activation="softmax", kernel_initializer="ones", input_shape=(3,))])
        model.compile("sgd", "sparse_categorical_crossentropy", loss_weights=weight)
        found.append(jd.backprop(model, x, y)[0])
    for name in ("dA", "dZ", "dW", "db"):
        np.testing.assert_allclose(getattr(found[1], name), 0.5 * getattr(found[0], name), rtol=1e-5)


def test_steps_of_arrays_as_in_keras():
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    x = np.arange(100.0)[:, None]
    ours = Sequential([Dense(1, kernel_initializer="ones", input_shape=(1,))])
    theirs = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, kernel_initializer="ones")])
    for model in (ours, theirs):
        model.compile("sgd", "mse")
    for batch_size, steps in ((10, 2), (None, 2), (10, 10), (30, 3)):
        how = {"batch_size": batch_size, "steps": steps, "verbose": 0}
        np.testing.assert_allclose(ours.predict(x, **how), theirs.predict(x, **how))
        assert ours.evaluate(x, 0 * x, **how) == pytest.approx(theirs.evaluate(x, 0 * x, **how), rel=1e-6)
    batches = [(x[:40], 0 * x[:40]), (x[40:80], 0 * x[40:80])]
    assert ours.predict(iter(batches), steps=2).shape == (80, 1)
    assert ours.evaluate(iter(batches), steps=2) == pytest.approx(float((x[:80] ** 2).mean()))


class Centre(Layer):
    couples = True
    seen: ClassVar[list] = []

    def apply(self, w, x, ctx):
        assert ctx.training or ctx.rows is None
        self.seen.append(x.shape[0])
        return x - x.mean(0)


def test_a_layer_that_looks_at_the_batch_sees_no_padding():
    x = np.arange(5.0)[:, None] + 10
    model = Sequential([Centre(input_shape=(1,))])
    np.testing.assert_allclose(model.predict(x), x - x.mean(0))
    told = Sequential([Lambda(lambda x: x - x.mean(0), input_shape=(1,))])
    np.testing.assert_allclose(told.predict(x), x - x.mean(0))
    model = Sequential([Centre(input_shape=(1,)), Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    assert model.evaluate(x, 0 * x) == pytest.approx(2.0)
    Centre.seen.clear()
    model.fit(x, 0 * x, batch_size=2, verbose=0, doctor=False)
    assert set(Centre.seen) == {2, 1}


def half(stack, x, weights=None):
    model = Sequential(stack)
    model.compile("sgd", "mse", precision="bfloat16")
    if weights is not None:
        model.build((None, *x.shape[1:]))
        model.set_weights(weights)
    return model.predict(x)


def test_whole_numbers_keep_their_digits_in_half_precision():
    ids = np.array([[300, 7], [301, 7], [302, 7], [303, 7]])
    table = [(np.arange(1000) % 2)[:, None]]
    stack = [Lambda(lambda v: v[:, :1], input_shape=(2,)), Embedding(1000, 1), Flatten()]
    assert half(stack, ids, table).ravel().tolist() == [0, 1, 0, 1]
    stack = [Rescaling(1.0), Lambda(lambda v: v[:, :1]), TimeDistributed(Embedding(1000, 1)), Flatten()]
    assert half(stack, ids, table).ravel().tolist() == [0, 1, 0, 1]


def test_normalization_gets_all_digits_in_half_precision():
    years = np.arange(1990.0, 2022.0)[:, None]
    found = half([Normalization().adapt(years), Dense(1, kernel_initializer="ones")], years)
    assert len(np.unique(found)) == 32


def test_a_shared_layer_works_in_each_of_its_places():
    a, b = Input((100,)), Input((100,))
    shared = Dense(200)
    once = Model([a, b], shared(a) + shared(b)).network.flops()
    assert once == Model([a, b], Dense(200)(a) + Dense(200)(b)).network.flops()
    lines = []
    Model([a, b], shared(a) + shared(b)).summary(print_fn=lines.append)
    assert "80.4 k" in lines[0] or "80.4k" in lines[0] or "80" in lines[0]
