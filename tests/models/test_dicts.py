"""Models whose inputs and outputs are dicts, as in Keras's examples of tickets and of tables."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import jindan as jd
from jindan import layers
from jindan.errors import InputError
from jindan.layers import Concatenate, Dense, Input
from jindan.models import Model, clone_model

RNG = np.random.default_rng(11)
X = {"title": RNG.normal(size=(21, 4)).astype(np.float32), "body": RNG.normal(size=(21, 3)).astype(np.float32)}
Y = {
    "priority": RNG.normal(size=(21, 1)).astype(np.float32),
    "department": np.eye(3, dtype=np.float32)[RNG.integers(0, 3, 21)],
}
COMPILED = {
    "loss": {"department": "categorical_crossentropy", "priority": "mse"},
    "metrics": {"priority": ["mae"], "department": ["accuracy"]},
    "loss_weights": {"priority": 1.0, "department": 0.5},
}
NAMES = ("left", "right", "p", "d")


def tickets(kinds=layers, model=Model, entry=Input):
    title, body = entry((4,), name="title"), entry((3,), name="body")
    h = kinds.Concatenate()([kinds.Dense(5, activation="tanh", name="left")(title), kinds.Dense(5, name="right")(body)])
    outputs = {"priority": kinds.Dense(1, name="p")(h), "department": kinds.Dense(3, "softmax", name="d")(h)}
    made = model(inputs={"title": title, "body": body}, outputs=outputs)
    made.compile("sgd", **COMPILED)
    return made


def alike(one, other, exactly=True):
    assert list(one) == list(other) == ["priority", "department"]
    for name in one:
        np.testing.assert_allclose(one[name], other[name], rtol=0 if exactly else 1e-5, atol=0 if exactly else 1e-6)


def test_trained_judged_and_used_by_keys_as_in_keras():
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    ours, theirs = tickets(), tickets(keras.layers, keras.Model, keras.Input)
    for name in NAMES:
        theirs.get_layer(name).set_weights(ours.get_layer(name).get_weights())
    fit = {"epochs": 2, "batch_size": 8, "shuffle": False, "verbose": 0, "validation_data": (X, Y)}
    weight = np.linspace(0, 2, 21).astype(np.float32)
    found = ours.fit(X, Y, sample_weight={"priority": weight, "department": weight}, **fit).history
    wanted = theirs.fit(X, Y, sample_weight=weight, **fit).history
    for name in ("priority_mae", "department_accuracy", "val_loss", "val_priority_loss", "val_department_accuracy"):
        np.testing.assert_allclose(found[name], wanted[name], rtol=1e-5, err_msg=name)
    for name in NAMES:
        for a, b in zip(ours.get_layer(name).get_weights(), theirs.get_layer(name).get_weights(), strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
    wanted = theirs.predict(X, verbose=0)
    alike(ours.predict(X), {name: wanted[name] for name in ("priority", "department")}, exactly=False)
    judged = theirs.evaluate(X, Y, return_dict=True, verbose=0)
    for name, value in ours.evaluate(X, Y, return_dict=True).items():
        np.testing.assert_allclose(value, judged[name], rtol=1e-5, err_msg=name)


def test_what_is_given_in_the_order_of_the_dict_is_what_is_given_by_keys():
    by_keys, in_order = tickets(), tickets()
    in_order.set_weights(by_keys.get_weights())
    by_keys.fit({name: X[name] for name in ("body", "title")}, Y, epochs=2, seed=0)
    in_order.fit([X["title"], X["body"]], [Y["priority"], Y["department"]], epochs=2, seed=0)
    alike(by_keys.predict(X), in_order.predict([X["title"], X["body"]]))
    assert by_keys.train_on_batch(X, Y) == in_order.train_on_batch(list(X.values()), list(Y.values()))
    assert by_keys.test_on_batch(X, Y) == in_order.test_on_batch(list(X.values()), list(Y.values()))


def test_batches_of_dicts():
    model = tickets()
    history = model.fit(iter([(X, Y)] * 2), validation_data=iter([(X, Y)]), epochs=1)
    assert np.isfinite(history.history["val_priority_mae"]).all()
    alike(model.predict(iter([X])), model.predict(X))
    alike(model.predict(iter([(X, Y)])), model.predict_on_batch(X))
    assert np.isclose(model.evaluate(iter([(X, Y)]))[0], model.evaluate(X, Y)[0])


def test_the_outputs_stay_a_dict(tmp_path):
    model = tickets()
    model.fit(X, Y, epochs=1)
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    for other in (again, copy.copy(model), copy.deepcopy(model)):
        alike(other.predict(X), model.predict(X))
    alike(model(X), model.predict(X))
    assert list(clone_model(model).predict(X)) == list(model(X, training=True)) == list(Y)
    history = again.fit(X, Y, epochs=1, sample_weight=np.ones(21)).history
    assert "department_accuracy" in history
    again.save(tmp_path / "n")
    assert list(jd.load(tmp_path / "n").predict(X)) == list(Y)


def test_within_another_model_and_taken_further():
    model = tickets()
    title, body = Input((4,)), Input((3,))
    inner = model({"body": body, "title": title})
    assert {name: value.shape for name, value in inner.items()} == {"priority": (None, 1), "department": (None, 3)}
    alike(Model({"title": title, "body": body}, inner).predict(X), model.predict(X))
    joined = Model([title, body], Concatenate()(list(inner.values()))).predict(list(X.values()))
    np.testing.assert_array_equal(joined, np.concatenate(list(model.predict(X).values()), axis=1))
    alike(Model(model.input, model.output).predict(list(X.values())), model.predict(X))
    assert list(model.output) == list(Y)


def test_one_input_and_one_output_by_key(tmp_path):
    age = Input((1,), name="age")
    model = Model({"age": age}, {"risk": Dense(1)(age)})
    model.compile("sgd", {"risk": "mse"}, metrics={"risk": ["mae"]}, loss_weights={"risk": 0.5})
    x, y = {"age": np.arange(5.0)}, {"risk": np.arange(5.0)}
    assert set(model.fit(x, y, sample_weight={"risk": np.ones(5)}, verbose=0).history) == {"loss", "mae"}
    assert model.predict(x)["risk"].shape == model.predict(iter([(x, y)]))["risk"].shape == (5, 1)
    assert model.predict({"age": [3.0]})["risk"].shape == (1, 1)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(x)["risk"], model.predict(x)["risk"])
    assert isinstance(clone_model(model).predict(x), dict)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"y": {"priority": Y["priority"]}}, "Give department, too"),
        ({"y": {**Y, "who": 1}}, "expected: priority, department\n.*received: who"),
        ({"x": {"title": X["title"]}}, "Give body, too"),
        (
            {"sample_weight": [np.ones(21), np.zeros(21)]},
            "weights of their own for priority, department[\\s\\S]*loss_we",
        ),
        ({"sample_weight": {"priority": np.ones(21)}}, "counts for all outputs"),
        ({"sample_weight": {"who": np.ones(21)}}, "expected: priority, department"),
        ({"sample_weight": [np.ones(21)] * 3}, "3 of them"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(given, told):
    with pytest.raises(InputError, match=told):
        tickets().fit(**{"x": X, "y": Y, **given})


def test_lists_within_dicts_are_refused():
    title, body = Input((4,)), Input((3,))
    with pytest.raises(InputError, match="received: list"):
        Model({"both": [title, body]}, Concatenate()([title, body]))
