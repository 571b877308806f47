"""Losses and metrics of the user's see only rows that exist, and other figures that padding must not touch."""

import jax.numpy as jnp
import numpy as np
import pytest

from jindan import Plan, train
from jindan.engine.data import Data
from jindan.engine.forward import evaluate
from jindan.errors import InputError, ShapeError
from jindan.initializers import Constant
from jindan.layers import Dense
from jindan.metrics import AUC, BinaryAccuracy, LossMetric
from jindan.plan import Rows

RNG = np.random.default_rng(1)
X, Y = RNG.normal(size=(30, 3)), RNG.normal(size=(30, 1))


def mean_square(truth, guess):
    return jnp.mean((truth - guess) ** 2)


def root(truth, guess):
    """No mean of rows: padding, or a row at a time, would change it."""
    return jnp.sqrt(jnp.mean((truth - guess) ** 2))


def plan(**more):
    return Plan(
        **{"layers": (Dense(1),), "loss": "mse", "optimizer": "sgd", "batch_size": 8, "epochs": 3, "seed": 0}
        | {"dtype": "float64"}
        | more
    )


def test_a_loss_of_one_number_is_that_of_the_rows_of_a_partial_batch():
    own, usual = train(plan(loss=mean_square), (X, Y)), train(plan(), (X, Y))
    assert np.allclose(own.history["loss"], usual.history["loss"], rtol=1e-12)  # float64, the same sums
    big = Data.of(RNG.normal(size=(1500, 3)), RNG.normal(size=(1500, 1)))
    with_validation = Data(X, Y, None, big)
    own, usual = train(plan(loss=mean_square), with_validation), train(plan(), with_validation)
    assert np.allclose(own.history["val_loss"], usual.history["val_loss"], rtol=1e-12)
    found = evaluate(own.plan, (3,), own.weights, Data.of(X, Y))["loss"]
    assert np.isclose(found, np.mean((own.predict(X) - Y) ** 2), rtol=1e-12)


def test_a_metric_that_is_no_mean_of_rows_is_averaged_over_batches_of_real_rows():
    run = train(plan(metrics=(root,), optimizer="sgd", epochs=1, shuffle=False), (X, Y))
    still = run.plan.edit(learning_rate=0.0, epochs=1)
    again = train(still, (X, Y), start=run)
    errors = (run.predict(X) - Y)[:, 0] ** 2
    batches = [errors[i : i + 8] for i in range(0, 30, 8)]
    expected = sum(len(b) * np.sqrt(b.mean()) for b in batches) / 30
    assert np.isclose(again.history["root"][0], expected, rtol=1e-12)  # float64


def test_folds_of_unequal_length_with_an_own_loss_equal_each_alone():
    plans = [plan(loss=root, rows=range(n), validation_rows=range(n, 30)) for n in (11, 19)]
    for member, run in zip(plans, train(plans, (X, Y)), strict=True):
        alone = train(member, (X, Y))
        assert np.allclose(alone.history["val_loss"], run.history["val_loss"], rtol=1e-12)  # the same program


def test_activity_penalty_is_by_real_rows_and_counts_at_inference():
    from jindan.regularizers import L2

    layers = (Dense(4, activity_regularizer=L2(0.1), bias_initializer="ones"), Dense(1))
    data = Data(X, Y, None, Data.of(X, Y))
    run = train(plan(layers=layers, optimizer="sgd", epochs=1).edit(learning_rate=0.0), data)
    hidden = X @ run.weights[0]["kernel"] + run.weights[0]["bias"]
    expected = np.mean((run.predict(X) - Y) ** 2) + 0.1 * (hidden**2).sum() / 30
    assert np.isclose(run.history["val_loss"][0], expected, rtol=1e-12)  # float64
    assert np.isclose(run.history["loss"][0], expected, rtol=1e-12)


def test_named_metrics_can_be_watched_and_classes_stand_for_their_objects():
    from jindan.callbacks import EarlyStopping

    y = (Y > 0).astype(float)
    named = plan(
        layers=(Dense(1, "sigmoid"),), loss="bce", metrics=(AUC(name="roc"), BinaryAccuracy),
        early_stopping=EarlyStopping("roc", patience=1),
    )  # fmt: skip
    assert {"roc", "binary_accuracy"} <= set(train(named, (X, y)).history)


@pytest.mark.parametrize("one_hot", [True, False])
def test_accuracy_with_an_own_loss_is_told_by_the_targets(one_hot):
    labels = RNG.integers(0, 3, 30)
    targets = np.eye(3)[labels] if one_hot else labels

    def own(truth, guess):
        return jnp.mean(guess**2, axis=-1)

    made = plan(layers=(Dense(3),), loss=own, metrics=("accuracy",), epochs=1).edit(learning_rate=0.0)
    run = train(made, (X, targets))
    assert np.isclose(run.history["accuracy"][0], np.mean(run.predict(X).argmax(1) == labels))


def test_class_weights_enter_weighted_metrics_in_training_only():
    y = (Y > 0).astype(float)
    made = plan(
        layers=(Dense(1, "sigmoid"),), loss="bce", weighted_metrics=("accuracy",), class_weight={0: 1.0, 1: 5.0},
        epochs=1,
    ).edit(learning_rate=0.0)  # fmt: skip
    run = train(made, Data(X, y, None, Data.of(X, y)))
    right, weight = (run.predict(X) > 0.5) == y, np.where(y == 1, 5.0, 1.0)
    assert np.isclose(run.history["accuracy"][0], np.average(right, weights=weight))
    assert np.isclose(run.history["val_accuracy"][0], right.mean())
    assert Plan.from_json(made.replace(weighted_metrics=(BinaryAccuracy(),)).to_json()).weighted_metrics


def test_long_epochs_lose_no_digits_in_float32():
    x, y = np.full((100_000, 1), 1.0), np.full((100_000, 1), np.sqrt(0.7))
    made = Plan((Dense(1, kernel_initializer="zeros"),), loss="mse", optimizer="sgd", batch_size=1, epochs=1, seed=0)
    # The goal is 1e-5; a plain float32 sum is off by 7e-4 here.
    assert np.isclose(train(made.edit(learning_rate=0.0), (x, y)).history["loss"][0], 0.7, rtol=1e-6)


def test_a_batch_far_above_the_rows_is_cut_to_them():
    few, many = train(plan(batch_size=30), (X, Y)), train(plan(batch_size=1_000_000), (X, Y))
    assert np.array_equal(few.weights[0]["kernel"], many.weights[0]["kernel"])


def test_rows_by_mask_and_bad_rows():
    assert Rows([True, False, True, True]).tolist() == [0, 2, 3]
    with pytest.raises(InputError, match="whole numbers"):
        Rows([0.5, 1.0])


def test_weights_as_a_column_are_weights_of_rows():
    weight = RNG.random((30, 1))
    from jindan.losses import MeanSquaredError

    guess = RNG.normal(size=(30, 1))
    assert np.isclose(float(MeanSquaredError()(Y, guess, weight)), np.mean((Y - guess) ** 2 * weight), rtol=1e-5)
    assert BinaryAccuracy()(Y > 0, guess, weight) <= 1


def test_cosine_similarity_as_a_metric_is_the_similarity():
    from jindan.losses import CosineSimilarity

    metric = LossMetric(CosineSimilarity())
    assert metric.higher_is_better
    assert np.isclose(metric([[1.0, 2.0]], [[2.0, 4.0]]), 1.0)


def test_a_run_of_another_network_cannot_be_gone_on_from():
    run = train(plan(), (X, Y))
    with pytest.raises(ShapeError, match="other weights"):
        train(plan(layers=(Dense(2), Dense(1))), (X, Y), start=run)


def test_specs_compare_by_content_even_with_arrays():
    a, b = Constant(np.arange(3)), Constant(np.arange(3))
    assert a == b
    assert hash(a) == hash(b)
    assert a != Constant(np.arange(4))


def test_a_name_of_jindans_is_taken():
    from jindan.layers import Layer

    with pytest.raises(InputError, match="goes by this name already"):
        type("Dense", (Layer,), {"__module__": "mine"})


def test_a_member_that_ended_before_the_others_is_complete():
    runs = train([plan(epochs=2), plan(epochs=6)], (X, Y), until=4)
    assert [run.interrupted for run in runs] == [False, True]
