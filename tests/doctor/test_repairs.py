"""Repairs as edits: what each changes, folding of scales into weights, and where an edit does not apply."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.doctor import folding
from jindan.doctor import repairs_layers as change
from jindan.doctor.edits import NOTHING, Edit, difference, in_front, joined, moments
from jindan.doctor.evidence import Case
from jindan.doctor.repairs import balanced, catalogue, distinct, near_unit, sane_batch, textbook
from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.initializers import GlorotUniform, HeNormal
from jindan.layers import (
    LSTM,
    Activation,
    Add,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Embedding,
    Flatten,
    Input,
    Normalization,
)
from jindan.models import Model
from jindan.optimizers import Adam
from jindan.plan import Plan

RNG = np.random.default_rng(5)
LABELS = (RNG.random((60, 3)) < 0.5) * 1.0
X = RNG.normal(3, [1.0, 40.0], (60, 2))
CLASSES = np.eye(3)[RNG.integers(0, 3, 60)]
NUMBERS = 500 + 100 * X[:, :1]


def case(layers, y, x=X, **settings):
    plan = Plan(tuple(layers), **{"optimizer": "sgd", "batch_size": 8, "epochs": 6, "seed": 0, **settings})
    return Case(plan, x.shape[1:], Data(x, y), {})


def edits(a_case, code):
    return [edit for edit in catalogue(a_case) if edit.code == code]


# -- edits -----------------------------------------------------------------------------------------------------------


def test_edits_are_put_together_in_order():
    ten = Edit("a", "ten", {"epochs": 10}, lambda p: p.replace(epochs=10))
    twice = Edit("b", "twice", {"epochs": 20}, lambda p: p.replace(epochs=2 * p.epochs))
    both = ten + twice
    assert both.apply(Plan((Dense(1),))).epochs == 20
    assert (twice + ten).apply(Plan((Dense(1),))).epochs == 10
    assert both.atoms == (ten, twice)
    assert both.without(["ten"]) is twice
    assert both.without(["ten", "twice"]) is NOTHING
    assert joined([]) is NOTHING
    assert NOTHING.apply(Plan((Dense(1),))) == Plan((Dense(1),))


def test_parts_that_do_not_apply_are_passed_over():
    never = Edit("a", "never", {}, lambda p: None)
    once = Edit("b", "once", {}, lambda p: p.replace(epochs=3))
    assert (never + once).apply(Plan((Dense(1),))).epochs == 3
    assert (never + Edit("a", "nor this", {}, lambda p: None)).apply(Plan((Dense(1),))) is None


def test_rows_kept_by_both():
    assert (Edit("a", "a", rows=(0, 1, 2)) + Edit("b", "b", rows=(1, 2, 3))).rows == (1, 2)


def test_what_differs():
    plan = Plan((Dense(4, activation="sigmoid"), Dense(1)), optimizer="sgd", batch_size=8)
    assert difference(plan, plan) == {}
    changed = plan.replace(optimizer=Adam(0.01), loss="mae", l2=0.1)
    assert difference(plan, changed) == {
        "optimizer": "Adam",
        "learning_rate": 0.01,
        "loss": "MeanAbsoluteError",
        "l2": 0.1,
    }
    fewer = difference(plan, plan.replace(layers=plan.layers[1:]), Edit("a", "a", inputs="standardise", rows=(0,)))
    assert fewer == {"layers": ["Dense 1"], "inputs": "standardise", "rows": "1 kept"}


# -- scales ----------------------------------------------------------------------------------------------------------


def test_moments_of_odd_columns():
    x = np.c_[X[:, 0], np.full(60, 0.1), np.where(np.arange(60) == 3, np.nan, X[:, 1])]
    mean, variance = moments(x)
    np.testing.assert_allclose(mean, [X[:, 0].mean(), 0.1, np.nanmean(x[:, 2])])
    np.testing.assert_allclose(variance, [X[:, 0].var(), 1.0, np.nanvar(x[:, 2])])
    assert np.isfinite(moments(np.full((3, 2), np.nan))[0]).all()


def outputs(plan, x, seed=0):
    network = plan.network(x.shape[1:])
    weights = network.join(*network.init(seed))
    return Model.from_plan(plan, x.shape[1:], weights).predict(x)


def test_standardised_inputs_of_a_stack():
    plan = Plan((Dense(3), Dense(1)))
    found = in_front(plan, *moments(X))
    assert isinstance(found.layers[0], Normalization)
    same = train(found.replace(seed=0, epochs=1), (X, NUMBERS)).predict(X)
    by_hand = train(Plan((Normalization(mean=0.0, variance=1.0), *plan.layers), seed=0, epochs=1),
                    ((X - X.mean(0)) / X.std(0), NUMBERS)).predict((X - X.mean(0)) / X.std(0))  # fmt: skip
    np.testing.assert_allclose(same, by_hand, rtol=1e-4, atol=1e-5)


def test_standardised_inputs_of_a_graph():
    a = Input((2,))
    model = Model(a, Dense(1)(Add()([Dense(2, activation="tanh")(a), a])))
    plan = Plan(model.specs, wiring=model.wiring)
    network = plan.network((2,))
    weights = network.join(*network.init(0))
    found = in_front(plan, *moments(X))
    after = found.network((2,))
    # Layers of a graph keep their numbers, so fresh weights are the same too.
    fresh = after.join(*after.init(0))
    for one, other in zip(weights, fresh, strict=False):
        for name in one:
            np.testing.assert_array_equal(one[name], other[name])
    wanted = Model.from_plan(plan, (2,), weights).predict((X - X.mean(0)) / X.std(0))
    np.testing.assert_allclose(Model.from_plan(found, (2,), fresh).predict(X), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("columns", [1, 3])
def test_scale_and_shift_are_folded_into_the_last_layer(bias, columns):
    plan = Plan((Dense(4, activation="tanh"), Dense(columns, use_bias=bias), Dropout(0.5)))
    network = plan.network((2,))
    weights = network.join(*network.init(1))
    mean, deviation = RNG.normal(size=columns) * 100, RNG.random(columns) * 50 + 1
    raw = Model.from_plan(plan, (2,), weights).predict(X)
    new_plan, new = folding.folded(plan, weights, mean, deviation)
    np.testing.assert_allclose(Model.from_plan(new_plan, (2,), new).predict(X), raw * deviation + mean, rtol=1e-4)


def test_what_can_be_folded():
    assert folding.foldable(Plan((Dense(1),)))
    assert folding.foldable(Plan((Dense(1), Activation("linear"))))
    for layers in ((Dense(1, activation="relu"),), (Dense(1), BatchNormalization()), (Dense(1), Activation("tanh")),
                   (Conv2D(1, 2), Flatten()), ()):  # fmt: skip
        assert not folding.foldable(Plan(layers))
    a = Input((2,))
    linear = Model(a, Dense(1)(Dense(3)(a)))
    assert folding.foldable(Plan(linear.specs, wiring=linear.wiring))
    joint = Model(a, Add()([Dense(1)(a), Dense(1)(a)]))
    assert not folding.foldable(Plan(joint.specs, wiring=joint.wiring))


def test_scales_of_targets():
    np.testing.assert_allclose(np.ravel(folding.scales(NUMBERS)), [NUMBERS.mean(), NUMBERS.std()])
    assert folding.scales(np.full(5, 3.0))[1] == 1
    assert folding.scales([7.0])[1] == 1


# -- output and loss -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("layers", "loss", "y", "units", "activation", "wanted"),
    [
        ([Dense(3, activation="sigmoid")], "mse", CLASSES, 3, "softmax", "CategoricalCrossentropy"),
        ([Dense(1, activation="softmax")], "mse", CLASSES[:, :1], 1, "sigmoid", "BinaryCrossentropy"),
        ([Dense(3, activation="softmax")], "mse", LABELS, 3, "sigmoid", "BinaryCrossentropy"),
        ([Dense(1, activation="sigmoid")], "mae", NUMBERS, 1, "linear", "MeanAbsoluteError"),
        ([Dense(1, activation="sigmoid")], "binary_crossentropy", NUMBERS, 1, "linear", "MeanSquaredError"),
        ([Dense(3, activation="relu")], "sparse_categorical_crossentropy", CLASSES.argmax(1), 3, "softmax",
         "SparseCategoricalCrossentropy"),
        ([Dense(1, activation="relu")], "mse", 2 * CLASSES[:, :1] - 1, 1, "linear", "Hinge"),
        ([Dense(3), Activation("tanh")], "mse", CLASSES, 3, "softmax", "CategoricalCrossentropy"),
    ],
)  # fmt: skip
def test_output_and_loss_for_the_task(layers, loss, y, units, activation, wanted):
    (edit,) = edits(case([Dense(4, activation="relu"), *layers], y, loss=loss), "output-loss-mismatch")
    plan = edit.apply(case([Dense(4, activation="relu"), *layers], y, loss=loss).plan)
    assert (plan.layers[-1].units, plan.layers[-1].activation) == (units, activation)
    assert type(plan.loss).__name__ == wanted
    assert len(plan.layers) == 2


@pytest.mark.parametrize(
    ("layers", "loss", "y"),
    [
        ([Dense(3, activation="softmax")], "categorical_crossentropy", CLASSES),
        ([Dense(3), Activation("softmax")], "categorical_crossentropy", CLASSES),
        ([Dense(3)], {"type": "CategoricalCrossentropy", "from_logits": True}, CLASSES),
        ([Dense(1, activation="sigmoid")], "binary_crossentropy", CLASSES[:, :1]),
        ([Dense(1)], "huber", NUMBERS),
        ([Conv2D(3, 2), Flatten()], "mse", CLASSES),
    ],
)
def test_what_matches_is_left_alone(layers, loss, y):
    assert not edits(case(layers, y, loss=loss), "output-loss-mismatch")


# -- single edits ----------------------------------------------------------------------------------------------------


def test_rates_and_optimizers():
    found = {e.name: e for e in catalogue(case([Dense(1)], NUMBERS))}
    assert found["rate × 10"].changes == {"learning_rate": pytest.approx(0.1)}
    assert found["Adam at 0.001"].changes == {"optimizer": "Adam", "learning_rate": 0.001}
    assert found["gradients clipped"].changes == {"global_clipnorm": 1.0}
    assert found["epochs × 30"].changes == {"epochs": 180}


def test_a_rate_that_is_a_schedule():
    plan = Plan((Dense(1),), optimizer={"type": "SGD", "learning_rate": {
        "type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5}})  # fmt: skip
    assert change.rate(plan, 10).optimizer.learning_rate.initial_learning_rate == pytest.approx(1.0)


def test_activations_and_initialisers():
    plan = Plan((Dense(4, activation="sigmoid", kernel_initializer="ones"), LSTM(3), Dense(4), Dense(1)))
    changed = change.hidden_activation(plan, "relu", ("sigmoid", "linear"))
    assert [getattr(layer, "activation", None) for layer in changed.layers] == ["relu", "tanh", "relu", "linear"]
    fresh = change.initialised(changed)
    assert isinstance(fresh.layers[0].kernel_initializer, HeNormal)
    assert isinstance(fresh.layers[3].kernel_initializer, GlorotUniform)
    kept = change.initialised(plan, only_odd=True)
    assert kept.layers[1:] == plan.layers[1:]
    assert change.hidden_activation(Plan((Dense(3), Activation("relu"), Dense(1))), "relu", ("linear",)) is None


def test_widths_depth_dropout_and_penalties():
    plan = Plan((Dense(2, activation="relu"), Dropout(0.1), Dense(64), Dense(8), Dense(1, kernel_regularizer="l2")))
    assert [layer.units for layer in change.wider(plan, 4, 16).layers if hasattr(layer, "units")] == [16, 256, 32, 1]
    assert [layer.units for layer in change.wider(plan, 0.25, 4).layers if hasattr(layer, "units")] == [2, 16, 4, 1]
    assert [layer.units for layer in change.wider(plan, 1, 16).layers if hasattr(layer, "units")] == [16, 64, 16, 1]
    assert len(change.shallower(plan).layers) == 4
    assert change.shallower(plan, 3) is None
    assert change.with_dropout(plan, 0.0).layers[1].rate == 0
    assert change.with_dropout(Plan((Dense(2), Dense(1))), 0.3).layers[1].rate == 0.3
    assert change.without_penalties(plan).layers[-1].kernel_regularizer is None
    assert change.without_penalties(Plan((Dense(1),))) is None


def test_frozen_layers_and_batch_norms():
    frozen = case([Dense(3, trainable=False), BatchNormalization(), Dense(1)], NUMBERS)
    assert edits(frozen, "frozen-parameters")[0].changes == {"layers.0.trainable": True}
    assert edits(frozen, "mode-gap")[0].changes == {"layers.1.momentum": 0.9}
    assert not edits(case([Dense(3), Dense(1)], NUMBERS), "mode-gap")


def test_weights_of_unbalanced_classes():
    y = np.r_[np.zeros(45), np.ones(15)]
    assert {w.index: w.weight for w in balanced("binary", y)} == {0: pytest.approx(2 / 3), 1: 2.0}
    assert balanced("binary", np.r_[0.0, 1.0]) is None
    assert balanced("regression", NUMBERS) is None


def test_duplicates_are_dropped():
    x, y = np.r_[X, X[:5]], np.r_[NUMBERS, NUMBERS[:5]]
    (edit,) = [e for e in catalogue(case([Dense(1)], y, x)) if e.rows is not None]
    assert edit.rows == tuple(range(60))
    assert len(distinct(x, np.r_[y[:60], y[60:] + 1])) == 65  # other targets: no copies
    assert not [e for e in catalogue(case([Dense(1)], NUMBERS)) if e.rows is not None]


def test_near_unit_scale():
    assert near_unit(RNG.normal(size=(50, 3)))
    assert near_unit(RNG.random((50, 64)))  # pixels
    assert not near_unit(X)
    assert not near_unit(RNG.normal(size=(50, 3)) * [1, 1, 0.01] + [0, 0, 20])
    assert [sane_batch(n) for n in (4, 40, 100, 10**6)] == [4, 5, 12, 32]


# -- composites ------------------------------------------------------------------------------------------------------


def test_the_textbooks_training():
    layers = [
        Dense(3, activation="sigmoid", trainable=False, kernel_initializer="ones"),
        Dense(1, activation="sigmoid"),
    ]
    sick = case(layers, NUMBERS, loss="binary_crossentropy", batch_size=60, epochs=2)
    book = textbook(sick)
    plan = book.apply(sick.plan)
    first, last = plan.layers
    assert (first.units, first.activation, first.trainable) == (16, "relu", True)
    assert isinstance(first.kernel_initializer, HeNormal)
    assert (last.activation, type(plan.loss).__name__) == ("linear", "MeanSquaredError")
    assert isinstance(plan.optimizer, Adam)
    assert plan.batch_size == 7
    assert plan.epochs * -(-60 // 7) >= 2000
    assert plan.early_stopping is not None
    assert (book.inputs, book.targets) == ("standardise", "standardise")


@pytest.mark.parametrize(
    ("layers", "x", "y", "settings"),
    [
        ([Embedding(9, 4), LSTM(3), Dense(1, activation="sigmoid")], RNG.integers(0, 9, (20, 5)), np.ones(20), {}),
        ([Conv2D(2, 2), Flatten(), Dense(1)], RNG.random((20, 4, 4, 1)), np.ones(20), {}),
        ([Dense(1)], np.array([[np.nan], [1.0]]), np.array([1.0, 2.0]), {}),
        ([Dense(1)], np.ones((1, 1)), np.ones(1), {}),
        ([Dense(2)], X, NUMBERS, {}),
        ([Flatten()], X, NUMBERS, {}),
        ([], X, NUMBERS, {}),
        ([LSTM(2, return_sequences=True)], RNG.random((8, 3, 2)), RNG.random((8, 3, 2)), {}),
        ([Dense(1)], X, NUMBERS, {"loss": lambda a, b: (a - b) ** 2}),
    ],
)  # fmt: skip
def test_odd_cases_are_no_error(layers, x, y, settings):
    given = case(layers, y, x, **settings)
    for edit in (*catalogue(given), textbook(given)):
        assert edit is NOTHING or edit.changes
        assert edit.apply(given.plan) is not None
