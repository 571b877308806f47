"""Graphs of layers: built, trained, saved, taken apart and put together again."""

from __future__ import annotations

import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError, ShapeError
from jindan.layers import (
    LSTM,
    Add,
    Concatenate,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    MaxPooling2D,
    Multiply,
    PReLU,
)
from jindan.models import Model, Sequential
from jindan.optimizers import Adam

RNG = np.random.default_rng(417)


def two_inputs(seed=0):
    table, ids = Input((2,), name="table"), Input((3,), name="ids")
    x = Concatenate()([Dense(4, activation="tanh")(table), Flatten()(Embedding(6, 2)(ids))])
    model = Model(inputs=[table, ids], outputs=Dense(1, activation="sigmoid")(x), name="both")
    model.compile(Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    return model


def rows(n=40):
    table, ids = RNG.normal(size=(n, 2)).astype(np.float32), RNG.integers(0, 6, (n, 3))
    return table, ids, ((table[:, 0] + (ids[:, 0] > 2)) > 0.5).astype(int)


def test_a_graph_trains_on_lists_and_on_dicts_alike():
    table, ids, y = rows()
    first, second = two_inputs(), two_inputs()
    history = first.fit([table, ids], y, epochs=30, batch_size=8, seed=1, validation_split=0.2)
    second.fit({"ids": ids, "table": table}, y, epochs=30, batch_size=8, seed=1, validation_split=0.2)
    assert history.history["loss"][-1] < history.history["loss"][0]
    for a, b in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert first.evaluate([table, ids], y)[1] > 0.7
    np.testing.assert_array_equal(first.predict([table, ids]), first.predict({"table": table, "ids": ids}))


def test_a_graph_survives_the_disk(tmp_path):
    table, ids, y = rows()
    model = two_inputs()
    model.fit([table, ids], y, epochs=2, seed=0)
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    assert isinstance(again, Model)
    assert not isinstance(again, Sequential)
    np.testing.assert_array_equal(again.predict([table, ids]), model.predict([table, ids]))
    again.fit({"table": table, "ids": ids}, y, epochs=1)  # the inputs' names come back, too
    assert again.plan.wiring == model.plan.wiring


def test_batches_of_several_inputs():
    table, ids, y = rows(24)
    batches = [((table[i : i + 8], ids[i : i + 8]), y[i : i + 8]) for i in range(0, 24, 8)]
    model, other = two_inputs(), two_inputs()
    model.fit(batches, epochs=3, seed=0)
    other.fit([table, ids], y, epochs=3, batch_size=8, shuffle=False, seed=0)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_inputs_that_are_not_as_many_as_the_models_are_named():
    table, ids, y = rows(8)
    model = two_inputs()
    for call in (model.predict, lambda x: model.fit(x, y), lambda x: model.evaluate(x, y)):
        for given, count in (([table], 1), (table, 1), ([table, ids, table], 3)):
            with pytest.raises(ShapeError, match=rf"The model has 2 inputs \(table, ids\), not {count}\."):
                call(given)


def test_a_residual_graph_computes_what_it_says():
    x = Input((3,))
    hidden = Dense(3, activation="relu")(x)
    model = Model(x, Dense(1)(x + hidden))
    model.build()
    w = model.get_weights()
    rows_ = RNG.normal(size=(5, 3)).astype(np.float32)
    wanted = (rows_ + np.maximum(rows_ @ w[0] + w[1], 0)) @ w[2] + w[3]
    np.testing.assert_allclose(model.predict(rows_), wanted, rtol=1e-5, atol=1e-6)


def test_a_shared_layer_has_one_set_of_weights():
    a, b = Input((4,)), Input((4,))
    trunk = Dense(3, activation="tanh")
    model = Model([a, b], Multiply()([trunk(a), trunk(b)]))
    assert len(model.layers) == 2
    assert len(model.get_weights()) == 2
    x, y = RNG.normal(size=(2, 6, 4)).astype(np.float32)
    np.testing.assert_allclose(model.predict([x, y]), model.predict([y, x]), rtol=1e-6)


def test_a_trained_trunk_goes_into_a_new_model_and_is_frozen_there():
    x, y = RNG.normal(size=(30, 4)).astype(np.float32), RNG.integers(0, 2, 30)
    base = Sequential([Dense(5, activation="relu", input_shape=(4,), name="trunk"), Dense(1, activation="sigmoid")])
    base.compile("adam", "binary_crossentropy")
    base.fit(x, y, epochs=2, seed=0)
    kernel = base.get_layer("trunk").kernel

    graph = Model(base.inputs, Dense(3, activation="softmax")(base.get_layer("trunk").output))
    stack = Sequential([base.layers[0], Dense(3, activation="softmax")])
    called = Input((4,))
    nested = Model(called, Dense(3, activation="softmax")(Sequential([base.layers[0]])(called)))
    for model in (graph, stack, nested):
        trunk = model.get_layer("sequential/trunk" if model is nested else "trunk")
        np.testing.assert_array_equal(trunk.kernel, base.get_layer("trunk").kernel)
        kernel = trunk.kernel
        model.layers[0].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, RNG.integers(0, 3, 30), epochs=2, seed=1)
        np.testing.assert_array_equal(trunk.kernel, kernel)
        assert len(model.trainable_weights) == 2
        model.layers[0].trainable = True
        model.fit(x, RNG.integers(0, 3, 30), epochs=1, seed=1)
        assert not np.array_equal(trunk.kernel, kernel)
        np.testing.assert_array_equal(base.get_layer("trunk").kernel, trunk.kernel)  # it is the same layer


def test_weights_from_a_trunk_are_there_from_the_first_fit():
    x, y = RNG.normal(size=(30, 4)).astype(np.float32), RNG.integers(0, 3, 30)
    base = Sequential([Dense(5, input_shape=(4,), name="trunk"), Dense(1)])
    base.build()
    for model in (Sequential([base.layers[0], Dense(3)]), Model(base.inputs, Dense(3)(base.layers[0].output))):
        model.layers[0].trainable = False
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(x, y, epochs=1, seed=3)
        np.testing.assert_array_equal(model.layers[0].kernel, base.layers[0].kernel)


def test_layers_are_named_as_in_keras():
    model = Sequential([Input((8, 8, 1)), Conv2D(2, 3), MaxPooling2D(), Conv2D(2, 3), PReLU(), Flatten(), Dense(1)])
    names = ["conv2d", "max_pooling2d", "conv2d_1", "p_re_lu", "flatten", "dense"]
    assert [view.name for view in model.layers] == names


def test_a_whole_model_is_stacked_with_its_weights():
    base = Sequential([Dense(5, activation="relu", input_shape=(4,)), Dense(2)])
    base.build()
    model = Sequential([base, Dense(3)])
    assert [view.name for view in model.layers] == ["sequential", "dense"]
    assert [view.units for view in model.all_layers] == [5, 2, 3]
    np.testing.assert_array_equal(model.get_weights()[2], base.get_weights()[2])


def test_several_outputs_predict_and_train():
    x = Input((3,))
    hidden = Dense(8, activation="tanh")(x)
    model = Model(x, [Dense(1, name="size")(hidden), Dense(3, activation="softmax", name="kind")(hidden)])
    rows_ = RNG.normal(size=(40, 3)).astype(np.float32)
    size, kind = rows_[:, :1] * 2, (rows_[:, 1] > 0).astype(int) + (rows_[:, 1] > 1)
    model.compile(Adam(0.01), loss={"size": "mse", "kind": "sparse_categorical_crossentropy"},
                  loss_weights={"size": 1.0, "kind": 0.5}, metrics={"kind": ["accuracy"]})  # fmt: skip
    history = model.fit(rows_, [size, kind], epochs=60, batch_size=8, seed=0)
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]
    assert history.history["kind_accuracy"][-1] > 0.8
    outputs = model.predict(rows_)
    assert [o.shape for o in outputs] == [(40, 1), (40, 3)]
    figures = model.evaluate(rows_, {"size": size, "kind": kind}, return_dict=True)
    wanted = np.mean((outputs[0] - size) ** 2) - 0.5 * np.mean(np.log(outputs[1][np.arange(40), kind]))
    assert figures["loss"] == pytest.approx(wanted, rel=1e-4)
    assert figures["size_loss"] == pytest.approx(float(np.mean((outputs[0] - size) ** 2)), rel=1e-4)


def test_what_cannot_be_connected_is_refused_in_words():
    a, b = Input((3,)), Input((4,))
    with pytest.raises(ShapeError, match="cannot merge"):
        Add()([a, b])
    with pytest.raises(InputError, match="connected to what other layers give"):
        Dense(3)("x")
    with pytest.raises(InputError, match="has weights only as part of a model"):
        Dense(3)(np.zeros((2, 3)))
    with pytest.raises(InputError, match="hangs on an Input"):
        Model(a, Dense(1)(Concatenate()([a, b])))
    with pytest.raises(ShapeError, match="takes one input"):
        Dense(3)([a, b])
    model = two_inputs()
    with pytest.raises(ShapeError, match=r"has 2 inputs \(table, ids\), not 1"):
        model.predict(np.zeros((3, 2)))
    with pytest.raises(InputError, match="no input of that name"):
        model.predict({"table": np.zeros((3, 2)), "idz": np.zeros((3, 3))})


def test_summary_and_plot_show_the_graph(tmp_path, capsys):
    model = two_inputs()
    model.summary()
    text = capsys.readouterr().out
    assert "concatenate (Concatenate)" in text
    assert "FLOPs" in text
    drawing = model.plot(tmp_path / "model.svg")
    assert (tmp_path / "model.svg").read_text("utf-8") == drawing.svg
    assert drawing.svg.count("<rect") == 1 + 2 + len(model.layers)


def test_dropout_in_a_graph_draws_for_each_place():
    x = Input((50,))
    drop = Dropout(0.5)
    model = Model(x, Add()([drop(x), drop(x)]))
    model.compile("sgd", "mse")
    assert np.array_equal(model.predict(np.ones((2, 50))), np.full((2, 50), 2.0))


@pytest.mark.parametrize("build", ["stack", "graph"])
def test_rows_of_any_length_go_through_the_same_weights(build, tmp_path):
    """As in Keras, an axis that is None is settled anew by each array; here the weights decide what can vary."""
    layers = [Embedding(9, 4), LSTM(5), Dense(1)]
    if build == "stack":
        model = Sequential([Input((None,), dtype="int32"), *layers])
    else:
        x = ids = Input(shape=(None,), dtype="int32")
        for layer in layers:
            x = layer(x)
        model = Model(ids, x)
    model.compile(Adam(0.01), "mse")
    short, long = RNG.integers(0, 9, (8, 3)), RNG.integers(0, 9, (8, 7))
    model.fit(short, np.ones(8), epochs=2, seed=0)
    model.fit(long, np.zeros(8), epochs=1)
    assert model.predict(long).shape == model.predict(short).shape == (8, 1)
    model.evaluate(long, np.zeros(8))
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(long), model.predict(long))
    flat = Sequential([Input((3,)), Embedding(9, 4), Flatten(), Dense(1)])
    with pytest.raises(ShapeError, match="do not have the shape"):
        flat.predict(long)
