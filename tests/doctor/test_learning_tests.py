"""Direct tests of learning, on small nets whose answers are known."""

from __future__ import annotations

import math

import numpy as np
import pytest

from jindan.doctor import learning_tests as tests
from jindan.doctor.evidence import Case, Moment
from jindan.doctor.learning_rates import short
from jindan.doctor.learning_runs import cost, inner
from jindan.engine.data import Data
from jindan.engine.train import train
from jindan.layers import Activation, BatchNormalization, Conv2D, Dense, Dropout, Embedding, Flatten
from jindan.plan import Plan

RNG = np.random.default_rng(2)
X = RNG.normal(size=(96, 3)).astype("float32")
LINE = (2 * X[:, :1] - X[:, 1:2]).astype("float32")
SIDE = (LINE > 0) * 1.0


def case(layers, y, x=X, trained=False, held=None, **settings):
    plan = Plan(tuple(layers), **{"optimizer": "adam", "batch_size": 16, "epochs": 20, "seed": 0, **settings})
    data = Data.of(x, y, validation=held)
    if not trained:
        return Case(plan, data.input_shape, data, {})
    run = train(plan, data)
    return Case(
        plan, data.input_shape, data, run.history, (Moment(run.steps, run.epochs, *run.network.part(run.weights)),)
    )


SIGMOID = {"loss": "binary_crossentropy", "optimizer": {"type": "Adam", "learning_rate": 0.05}}


# -- where the loss begins -------------------------------------------------------------------------------------------


def test_first_losses_in_closed_form():
    y = np.eye(5)[RNG.integers(0, 5, 30)]
    values = RNG.normal(3, 2, size=(30, 1))
    table = [
        ((Dense(5, activation="softmax"),), "categorical_crossentropy", "multiclass", y, math.log(5)),
        ((Dense(5, activation="softmax"),), "sparse_categorical_crossentropy", "multiclass", y.argmax(1), math.log(5)),
        ((Dense(5), Activation("softmax")), "categorical_crossentropy", "multiclass", y, math.log(5)),
        ((Dense(5),), {"type": "CategoricalCrossentropy", "from_logits": True}, "multiclass", y, math.log(5)),
        ((Dense(1, activation="sigmoid"),), "binary_crossentropy", "binary", SIDE, math.log(2)),
        ((Dense(5, activation="sigmoid"),), "mse", "multiclass", y, 0.25),
        ((Dense(1),), "mse", "regression", values, np.mean(values**2)),
        ((Dense(1), Dropout(0.5)), "mae", "regression", values, np.mean(np.abs(values))),
        ((Dense(1),), "huber", "regression", np.full((4, 1), 3.0), 2.5),
        ((Dense(1, activation="tanh"),), "hinge", "binary", SIDE, 1.0),
    ]
    for layers, loss, task, targets, expected in table:
        assert tests.expected_initial_loss(Plan(layers, loss=loss), task, targets) == pytest.approx(expected, rel=1e-4)


def test_no_first_loss_where_there_is_none():
    for layers, task, y in [
        ((Flatten(),), "regression", LINE),
        ((Dense(1, bias_initializer="ones"),), "regression", LINE),
        ((Dense(1),), "other", LINE),
        ((Dense(1),), "regression", np.full((3, 1), np.nan)),
        ((Dense(3, activation="softmax"),), "multiclass", np.eye(4)),
    ]:
        loss = "categorical_crossentropy" if task == "multiclass" else "mse"
        assert tests.expected_initial_loss(Plan(layers, loss=loss), task, y) is None


def test_a_fresh_network_begins_near_it():
    sound = case(
        [Dense(16, activation="relu"), Dense(1, activation="sigmoid")], SIDE, epochs=0, trained=True, **SIGMOID
    )
    network, last = sound.plan.network((3,)), sound.moments[-1]
    from jindan.engine.forward import predict

    outputs = predict(sound.plan, (3,), network.join(last.trained, last.fixed), X)
    assert cost(sound.plan, SIDE, outputs) == pytest.approx(math.log(2), rel=0.3)


# -- a few rows ------------------------------------------------------------------------------------------------------


def test_a_few_rows_by_heart():
    found = tests.overfits_few(case([Dense(16, activation="tanh"), Dense(1, activation="sigmoid")], SIDE, **SIGMOID))
    assert (found["score"], found["rows"], found["updates"]) == (1.0, 8, 500)
    assert found["ratio"] == found["last_loss"] / found["first_loss"] < 0.1


def test_frozen_layers_learn_nothing_by_heart():
    y = RNG.integers(0, 2, size=(96, 1)) * 1.0
    frozen = [Dense(4, activation="tanh", trainable=False), Dense(1, activation="sigmoid", trainable=False)]
    found = tests.overfits_few(case(frozen, y, **SIGMOID))
    assert found["ratio"] == pytest.approx(1.0)


# -- rates -----------------------------------------------------------------------------------------------------------


def test_the_ladder_finds_the_rate_that_learns():
    low = case([Dense(1)], LINE, optimizer={"type": "SGD", "learning_rate": 1e-3}, epochs=15)
    found = tests.rate_ladder(low, factors=(0.1, 1, 100, 1e5), seeds=2)
    assert found["rates"] == pytest.approx([1e-4, 1e-3, 0.1, 100.0])
    assert found["best"] == 100
    assert found["score"][2] > 0.99 > found["score"][1]
    assert found["diverged"] == [0, 0, 0, 1]
    assert found["loss"][3] == math.inf
    assert (found["epochs"], found["steps"]) == (15, 15 * math.ceil(found["rows"] / 16))


def test_a_step_of_the_ladder_is_the_plan_trained_alone():
    one = case([Dense(4, activation="tanh"), Dense(1, activation="sigmoid")], SIDE, **SIGMOID)
    found = tests.rate_ladder(one, factors=(0.5, 1.0), seeds=1)
    fit, _ = inner(one, "binary")
    run = train(one.plan, Data.of(X[fit], SIDE[fit]))
    assert found["loss"][1] == pytest.approx(run.history["loss"][-1], rel=1e-6)


def test_schedules_are_scaled_at_their_start():
    rate = {"type": "ExponentialDecay", "initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.9}
    found = tests.rate_ladder(case([Dense(1)], LINE, optimizer={"type": "SGD", "learning_rate": rate}, epochs=2),
                              factors=(1, 2), seeds=1)  # fmt: skip
    assert found["rates"] == pytest.approx([0.1, 0.2])


def test_long_trainings_are_cut():
    big = case([Dense(512, activation="relu"), Dense(1)], LINE, epochs=100_000)
    fit = np.arange(80)
    plan, rows = short(big, fit, 14, None, 3.0)
    assert plan.epochs < 2000
    assert len(rows) == 80
    plan, rows = short(big, fit, 14, None, 1e-9)
    assert (plan.epochs, len(rows)) == (1, 80)  # five batches are all there are


def test_inner_parts_are_stratified_and_apart():
    fit, held = inner(case([Dense(1)], SIDE), "binary")
    assert not set(fit) & set(held)
    assert len(fit) + len(held) == 96
    assert SIDE[held].mean() == pytest.approx(SIDE.mean(), abs=0.06)
    few = case([Dense(1)], LINE[:5], X[:5])
    assert [part.tolist() for part in inner(few, "regression")] == [[0, 1, 2, 3, 4]] * 2


# -- what inputs tell ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("test", [tests.shuffled_targets, tests.shuffled_inputs])
def test_meaningless_inputs_bring_nothing(test):
    held = RNG.normal(size=(200, 3)).astype("float32")
    truth = (2 * held[:, :1] - held[:, 1:2] > 0) * 1.0
    one = case([Dense(1, activation="sigmoid")], SIDE, held=(held, truth), **SIGMOID)
    found = test(one)
    assert found["score"] < 0.75
    assert found["trivial"] < 0.6
    assert train(one.plan, one.data).history["loss"][-1] < 0.2
    # A fifth of the training rows stands in for validation rows.
    assert test(case([Dense(1)], LINE, epochs=2))["score"] < 0.3


def test_columns_the_network_looks_at():
    x = np.c_[X, RNG.normal(size=(96, 2))].astype("float32")
    one = case([Dense(1)], LINE, x, trained=True, epochs=150, optimizer={"type": "Adam", "learning_rate": 0.05})
    found = tests.permutation(one)
    assert found["score"] > 0.999
    assert found["groups"] == [[k] for k in range(5)]
    # By least squares: the outputs move by √2 |w| σ when a column is dealt out anew.
    moved = np.sqrt(2) * np.array([2, 1]) * x[:, :2].std(0) / LINE.std()
    assert found["change"][:2] == pytest.approx(moved, rel=0.2)
    assert max(found["change"][2:]) < 0.05
    assert found["missed"] == []


def test_columns_the_network_cannot_see():
    one = case([Dense(1)], LINE, trained=True, epochs=100, optimizer={"type": "Adam", "learning_rate": 0.05})
    last = one.moments[-1]
    kernel = np.asarray(last.trained[0]["kernel"]).copy()
    kernel[0] = 0.0
    blind = Moment(last.update, last.epoch, ({**last.trained[0], "kernel": kernel},), last.fixed)
    found = tests.permutation(Case(one.plan, one.input_shape, one.data, {}, (blind,)))
    assert 0 in found["missed"]
    assert found["drop"][0] == 0
    assert found["missed_share"] >= 0.5


def test_images_are_permuted_in_groups():
    x = RNG.random((40, 10, 10, 1)).astype("float32")
    y = (x.mean((1, 2, 3)) > 0.5)[:, None] * 1.0
    one = case([Conv2D(2, 3), Flatten(), Dense(1, activation="sigmoid")], y, x, trained=True, epochs=1,
               loss="binary_crossentropy")  # fmt: skip
    found = tests.permutation(one)
    assert len(found["groups"]) == len(found["drop"]) == 64
    assert sorted(k for group in found["groups"] for k in group) == list(range(100))


# -- both modes ------------------------------------------------------------------------------------------------------


def test_mode_gap_of_moving_averages_that_lag():
    # The moving mean has gone a thousandth of the way to 30 when training ends; batches are centred by their own.
    lagging = case([BatchNormalization(momentum=0.9999), Dense(1, activation="sigmoid")], SIDE, X + 30, trained=True,
                   **SIGMOID)  # fmt: skip
    found = tests.mode_gap(lagging)
    assert found["drop"] == found["training_score"] - found["inference_score"] > 0.1
    assert found["inference_loss"] > found["training_loss"]
    assert "BatchNormalization" in found["layer"]
    kept = case([BatchNormalization(momentum=0.5), Dense(1, activation="sigmoid")], SIDE, X + 30, trained=True,
                **SIGMOID)  # fmt: skip
    assert abs(tests.mode_gap(kept)["drop"]) < 0.1
    assert tests.mode_gap(case([Dense(1)], LINE, trained=True, epochs=1)) == {}


# -- ill plans -------------------------------------------------------------------------------------------------------

ILL = {
    "diverging": case([Dense(1)], LINE * 1e6, optimizer={"type": "SGD", "learning_rate": 1e6}, epochs=3, trained=True),
    "outputs that do not fit": case([Dense(4, activation="softmax")], np.eye(3)[np.arange(96) % 3],
                                    loss="categorical_crossentropy"),
    "inputs that do not fit": case([Conv2D(2, 3), Flatten(), Dense(1)], LINE),
    "nan": case([Dense(1)], LINE, np.full((96, 3), np.nan), trained=True, epochs=1),
    "nan targets": case([Dense(1)], np.full((96, 1), np.nan), trained=True, epochs=1),
    "one row": case([Dense(1)], LINE[:1], X[:1], trained=True, epochs=1),
    "one class": case([Dense(1, activation="sigmoid")], np.ones((96, 1)), trained=True, epochs=1, **SIGMOID),
    "no epochs": case([Dense(1)], LINE, epochs=0, trained=True),
    "tokens": case([Embedding(9, 2), Flatten(), Dense(1)], LINE, RNG.integers(0, 9, (96, 4)), trained=True, epochs=1),
    "sequences": case([Dense(2)], RNG.normal(size=(96, 3, 2)), RNG.normal(size=(96, 3, 2)), epochs=1),
}  # fmt: skip


@pytest.mark.parametrize("name", list(ILL))
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_ill_plans_never_raise(name):
    for test, settings in [
        (tests.mode_gap, {}), (tests.overfits_few, {"updates": 5}), (tests.shuffled_targets, {}),
        (tests.rate_ladder, {"factors": (1, 10), "seeds": 1, "epochs": 2}), (tests.shuffled_inputs, {}),
        (tests.permutation, {}),
    ]:  # fmt: skip
        assert isinstance(test(ILL[name], **settings), dict)


def test_what_fails_is_told():
    assert "failed" in tests.overfits_few(ILL["inputs that do not fit"])
    assert tests.rate_ladder(ILL["diverging"], factors=(1,), seeds=1, epochs=2)["diverged"] == [1.0]
