"""Plan: JSON and hashes of random plans, edits by path, structure and numbers, rows, words of its errors."""

from __future__ import annotations

import json

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jindan import spec
from jindan.callbacks import EarlyStopping, ReduceLROnPlateau
from jindan.errors import InputError, UnknownNameError
from jindan.initializers import HeNormal
from jindan.layers import Dense, Dropout, Flatten, GaussianNoise, Maxout, PReLU, ReLU
from jindan.losses import BinaryCrossentropy, CustomLoss, Huber
from jindan.optimizers import SGD, Adam
from jindan.plan import ClassWeight, Plan, Rows
from jindan.regularizers import L1L2, L2
from jindan.schedules import CosineDecay, ExponentialDecay

positive = st.floats(1e-6, 1e3, allow_nan=False)
fraction = st.floats(0, 0.99, allow_nan=False)
names = st.none() | st.text("abcxyz층", min_size=1, max_size=5)
activations = st.sampled_from(["relu", "tanh", "sigmoid", "softmax", None, ReLU(negative_slope=0.1)])
penalties = st.none() | st.builds(L2, positive) | st.builds(L1L2, positive, positive)
layers = st.one_of(
    st.builds(
        Dense,
        st.integers(1, 50),
        activation=activations,
        use_bias=st.booleans(),
        kernel_initializer=st.sampled_from(["he_normal", "zeros", HeNormal(gain=0.5)]),
        kernel_regularizer=penalties,
        kernel_constraint=st.sampled_from([None, "max_norm", "non_neg"]),
        name=names,
        trainable=st.booleans(),
    ),
    st.builds(Maxout, st.integers(1, 9), pieces=st.integers(1, 4)),
    st.builds(Dropout, fraction, name=names),
    st.builds(GaussianNoise, positive),
    st.builds(PReLU, shared_axes=st.sampled_from([None, [1]])),
    st.just(Flatten()),
)
rates = positive | st.builds(ExponentialDecay, positive, positive, positive, staircase=st.booleans())
optimizers = st.one_of(
    st.builds(SGD, rates, momentum=fraction, nesterov=st.booleans()),
    st.builds(Adam, rates, beta_1=fraction, amsgrad=st.booleans(), clipnorm=st.none() | positive),
)
plans = st.builds(
    Plan,
    st.lists(layers, max_size=4).map(tuple),
    loss=st.sampled_from(["mse", "categorical_crossentropy", BinaryCrossentropy(label_smoothing=0.1), Huber(2.0)]),
    optimizer=optimizers,
    metrics=st.lists(st.sampled_from(["accuracy", "mae", "auc"]), max_size=2).map(tuple),
    batch_size=st.integers(1, 512),
    epochs=st.integers(0, 1000),
    seed=st.none() | st.integers(0, 2**40),
    shuffle=st.booleans(),
    l1=st.just(0.0) | positive,
    l2=st.just(0.0) | positive,
    weight_noise=st.just(0.0) | positive,
    initial_scale=positive,
    class_weight=st.dictionaries(st.integers(0, 9), positive, max_size=3),
    early_stopping=st.none() | st.builds(EarlyStopping, patience=st.integers(0, 9), min_delta=positive),
    reduce_on_plateau=st.none() | st.builds(ReduceLROnPlateau, factor=fraction),
    rows=st.none() | st.lists(st.integers(0, 99), min_size=1, max_size=5),
    dtype=st.sampled_from(["float32", "float64"]),
    name=names,
)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(plans)
def test_json_round_trip(plan):
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert hash(again) == hash(plan)
    assert again.structure == plan.structure
    assert again.numbers == plan.numbers
    json.loads(plan.to_json(), parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


@settings(max_examples=30, deadline=None, derandomize=True)
@given(plans)
def test_structure_and_numbers_are_the_plan(plan):
    """What is compiled and what enters it make the plan again, but for what stays outside."""
    again = spec.merge(plan.structure, plan.numbers)
    assert spec.split(again) == (plan.structure, plan.numbers)
    hash(plan.structure)
    assert all(value != 0 for value in plan.numbers.values())


def base():
    return Plan(
        (Dense(30, activation="relu", name="hidden"), Dropout(0.2), Dense(3, activation="softmax")),
        loss="categorical_crossentropy",
        optimizer="adam",
    )


@pytest.mark.parametrize(
    ("path", "value", "place"),
    [
        ("learning_rate", 0.5, lambda p: p.optimizer.learning_rate),
        ("lr", 0.5, lambda p: p.optimizer.learning_rate),
        ("optimizer.beta_1", 0.5, lambda p: p.optimizer.beta_1),
        ("weight_decay", 0.5, lambda p: p.optimizer.weight_decay),
        ("label_smoothing", 0.5, lambda p: p.loss.label_smoothing),
        ("layers.0.units", 64, lambda p: p.layers[0].units),
        ("layers.hidden.units", 64, lambda p: p.layers[0].units),
        ("layers.-1.units", 5, lambda p: p.layers[2].units),
        ("layers.1.rate", 0.5, lambda p: p.layers[1].rate),
        ("epochs", 7, lambda p: p.epochs),
        ("l2", 0.25, lambda p: p.l2),
    ],
)
def test_edit_by_path(path, value, place):
    before = base()
    after = before.edit({path: value})
    assert place(after) == after.value(path) == value
    assert before == base()
    assert after != before
    assert after.edit({path: before.value(path)}) == before


def test_edits_of_names_and_schedules():
    assert base().edit(optimizer="sgd").optimizer == SGD()
    assert base().edit({"layers.0.activation": "tanh"}).layers[0].activation == "tanh"
    slow = base().edit(optimizer=SGD(CosineDecay(0.1, 100)))
    assert slow.edit(learning_rate=0.2).optimizer.learning_rate == CosineDecay(0.2, 100)
    assert base().edit({"layers.0.kernel_regularizer": L2(0.1)}).edit({"layers.0.kernel_regularizer.l2": 0.2}).layers[
        0
    ].kernel_regularizer == L2(0.2)


@pytest.mark.parametrize(
    ("path", "phrases"),
    [
        ("lerning_rate", ["no setting of a plan called 'lerning_rate'", "Did you mean `learning_rate`?"]),
        ("layers.0.unit", ["no setting of Dense called 'unit'", "Did you mean `units`?", "layers.0.unit"]),
        ("optimizer.beta1", ["no setting of Adam called 'beta1'", "Did you mean `beta_1`?"]),
    ],
)
def test_an_unknown_path_suggests_the_nearest(path, phrases):
    for call in (lambda: base().edit({path: 1}), lambda: base().value(path)):
        with pytest.raises(UnknownNameError) as caught:
            call()
        for phrase in phrases:
            assert phrase in str(caught.value)


@pytest.mark.parametrize("place", ["7", "-4", "hiden"])
def test_a_layer_that_is_not_there(place):
    with pytest.raises(InputError) as caught:
        base().edit({f"layers.{place}.units": 1})
    assert "no such layer" in str(caught.value)
    assert "0, 1, 2, hidden" in str(caught.value)


def test_numbers_share_a_structure_and_zeros_do_not():
    plan = base()
    for changes in ({"learning_rate": 0.5}, {"seed": 3}, {"epochs": 9}, {"layers.1.rate": 0.9}, {"initial_scale": 2.0}):
        assert plan.edit(changes).structure == plan.structure
    for changes in (
        {"layers.1.rate": 0.0},
        {"l2": 0.1},
        {"layers.0.units": 31},
        {"batch_size": 8},
        {"dtype": "float64"},
    ):
        assert plan.edit(changes).structure != plan.structure


def test_equal_plans_are_equal_however_they_are_written():
    assert Plan([Dense(3)], loss="mse", class_weight={1: 2.0}) == Plan(
        ({"type": "Dense", "units": 3},), loss="mean_squared_error", class_weight=(ClassWeight(1, 2.0),)
    )
    assert len({base(), base(), base().edit(seed=1)}) == 2


def test_rows():
    plan = base().edit(rows=[3, 1, 1])
    assert plan.rows == Rows([3, 1, 1])
    assert plan.rows.tolist() == [3, 1, 1]
    assert len(plan.rows) == 3
    assert hash(Rows([1])) == hash(Rows(np.array([1])))
    with pytest.raises(ValueError, match="read-only"):
        plan.rows.numbers[0] = 5


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        ("{,}", ["not valid JSON", "line 1, column 2", "commas"]),
        ("[]", ["not a JSON object", "list"]),
        ('{"jindan_plan": 99}', ["another version", "expected: 1", "received: 99"]),
        ('{"epoch": 3}', ["no setting of a plan called 'epoch'", "Did you mean `epochs`?"]),
        ('{"layers": [{"type": "Dens", "units": 3}]}', ["no layer called 'Dens'", "Did you mean `Dense`?"]),
        ('{"layers": [{"type": "Dense", "unit": 3}]}', ["no setting of Dense called 'unit'", "Did you mean `units`?"]),
        ('{"layers": [{"type": "Dense"}]}', ["A setting is missing", "Dense", "units = an integer >= 1"]),
        (
            '{"class_weight": [{"type": "ClassWeight", "weight": 2}]}',
            ["A setting is missing", "ClassWeight", "index = an integer >= 0"],
        ),
        ('{"loss": "msee"}', ["no loss called 'msee'", "Did you mean"]),
        ('{"batch_size": 0}', ["batch_size of Plan must be an integer >= 1", "received: 0"]),
    ],
)
def test_bad_json_is_refused_in_words(text, phrases):
    with pytest.raises(InputError) as caught:
        Plan.from_json(text)
    for phrase in phrases:
        assert phrase in str(caught.value)


def test_layers_written_as_keras_writes_them():
    body = {"class_name": "Dense", "config": {"units": 4, "activation": "relu"}}
    assert spec.from_json("layer", body) == Dense(4, activation="relu")


def test_functions_of_your_own():
    def own(y_true, y_pred):
        return jnp.mean((y_true - y_pred) ** 4, axis=-1)

    plan = Plan((Dense(1),), loss=own)
    with pytest.raises(InputError, match=r"jindan\.register") as caught:
        plan.to_json()
    assert "own" in str(caught.value)
    spec.register("loss", "own-of-the-plan-tests", own)
    assert plan.loss == CustomLoss(own)
    again = Plan.from_json(plan.to_json())
    assert again == plan
    assert float(again.loss([[0.0]], [[2.0]])) == 16.0


def test_something_else_in_a_layers_place():
    with pytest.raises(InputError, match="A loss stands where a layer belongs"):
        Plan((Huber(),))
    with pytest.raises(InputError, match="This is not a layer"):
        Plan((3,))
