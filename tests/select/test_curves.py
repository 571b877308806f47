"""Learning curves: members are scikit-learn's or the plan's alone, subsets are nested, verdicts follow numbers."""

import json

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error

from jindan.engine.train import train
from jindan.errors import InputError
from jindan.layers import Dense, Dropout
from jindan.models import Sequential
from jindan.plan import Plan
from jindan.select.curves import LearningCurve, deepened, learning_curve, nested
from jindan.select.task import task_of
from jindan.select.validation import folds_of

RNG = np.random.default_rng(2)
X = RNG.normal(size=(60, 3))
Y = X @ [1.0, -1.0, 0.5] + RNG.normal(scale=0.3, size=60)
LINEAR = Plan((Dense(1),), loss="mse", optimizer="sgd", batch_size=64, epochs=400, dtype="float64")
LINEAR = LINEAR.edit(learning_rate=0.15)
HIDDEN = Plan((Dense(4, activation="tanh"), Dense(1)), loss="mse", optimizer="adam", batch_size=16, epochs=3)


def test_by_rows_each_member_is_the_regression_of_its_rows():
    found = learning_curve(LINEAR, X, Y, sizes=(15, 30, 1.0), folds=3, stratify=False, seed=4)
    task = task_of(LINEAR, X, Y)
    assert found.values == (15, 30, 40)
    assert found.validation.shape == (3, 3, 1)
    for fold, (rows, test) in enumerate(folds_of(task, 3, stratify=False, seed=4)):
        order = nested(rows, None, 4 + fold)
        for k, count in enumerate(found.values):
            oracle = LinearRegression().fit(X[order[:count]], Y[order[:count]])
            for part, some in ((found.training, order[:count]), (found.validation, test)):
                assert -part[k, fold, 0] == pytest.approx(
                    mean_squared_error(Y[some], oracle.predict(X[some])), rel=1e-4
                )


def test_a_member_is_its_plan_trained_alone():
    found = learning_curve(HIDDEN, X, Y, path="layers.0.units", values=[2, 4], folds=3, stratify=False, seeds=2)
    rows, test = folds_of(task_of(HIDDEN, X, Y), 3, stratify=False, seed=0)[1]
    alone = train(HIDDEN.edit({"layers.0.units": 4}).replace(rows=rows, seed=1), (X, Y))
    error = ((alone.predict(X[test])[:, 0] - Y[test]) ** 2).mean()
    assert -found.validation[1, 1, 1] == pytest.approx(error, rel=1e-4)
    assert found.path == "layers.0.units"


def test_every_beginning_has_its_share_of_each_class():
    classes = np.repeat([0, 1, 2], [60, 30, 10])
    order = nested(np.arange(100), classes, 3)
    assert sorted(order) == list(range(100))
    for count in (10, 20, 50, 90):
        counts = np.bincount(classes[order[:count]], minlength=3)
        assert np.abs(counts - count * np.array([0.6, 0.3, 0.1])).max() <= 1


def test_depth_repeats_the_last_hidden_layer_with_what_follows_it():
    plan = Plan((Dense(8, input_shape=(3,)), Dense(4, name="h"), Dropout(0.1), Dense(1)))
    deep = deepened(plan, 3)
    assert [type(layer).__name__ for layer in deep.layers] == ["Dense", *["Dense", "Dropout"] * 3, "Dense"]
    assert [layer.name for layer in deep.layers].count("h") == 1
    assert deepened(plan, 1) == plan
    found = learning_curve(HIDDEN, X, Y, path="depth", values=[1, 2], folds=3, stratify=False)
    assert found.values == (1, 2)


def curve(validation, training=None, path="rows"):
    validation = np.asarray(validation, float)
    training = validation if training is None else np.asarray(training, float)
    values = tuple(range(1, len(validation) + 1))
    return LearningCurve(path, values, training[..., None], validation[..., None], "accuracy", (0.25,) * len(values))


NOISE = np.array([-0.01, 0.01, 0.0, 0.005, -0.005])


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        (curve([0.5 + NOISE, 0.7 + NOISE**2], [[0.9] * 5, [0.9] * 5]), "more-data"),
        (curve([0.7 + NOISE, 0.7 - NOISE], [[0.99] * 5, [0.99] * 5]), "too-large"),
        (curve([0.7 + NOISE, 0.7 - NOISE], [0.7 - NOISE, 0.7 + NOISE]), "enough"),
        (curve([0.5 + NOISE, 0.7 + NOISE**2, 0.8 - NOISE], path="p"), "too-small"),
        (curve([0.5 + NOISE, 0.8 + NOISE**2, 0.6 - NOISE], path="p"), "too-large"),
        (curve([0.5 + NOISE, 0.7 + NOISE, 0.7 - NOISE], path="p"), "no-difference"),
        (curve([0.5 + NOISE, np.nan + NOISE]), "unknown"),
        (curve([[0.5], [0.6]]), "unknown"),
    ],
)
def test_the_verdict_follows_the_numbers(found, verdict):
    assert found.verdict == verdict
    assert found.verdict in repr(found)
    for lang in ("en", "ko"):
        assert found.text(lang).endswith(".")
        lines = found.text(lang).splitlines()
        assert len(lines) == len(found.values) + 1
        assert all(str(value) in line for value, line in zip(found.values, lines, strict=False))
        assert found.conclusion(lang).endswith(lines[-1])


def test_the_result_is_plain_and_a_picture():
    model = Sequential([Dense(4, activation="tanh"), Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    found = learning_curve(model, X, (Y > 0).astype(float), folds=3, seeds=2, epochs=2)
    assert found.scoring == "accuracy"
    assert found.validation.shape == (5, 3, 2)
    assert json.loads(json.dumps(found.to_dict()))["values"] == [4, 8, 16, 28, 40]
    assert found.plot().svg.startswith("<svg")


def test_one_row_is_a_size_too():
    found = learning_curve(HIDDEN, X[:6], Y[:6], sizes=(1, 4), folds=3, stratify=False)
    assert found.values == (1, 4)
    assert np.isfinite(found.training).all()


def test_scores_that_blew_up_are_told():
    found = learning_curve(LINEAR.edit(learning_rate=1e6), X, Y, sizes=(15, 1.0), folds=3, stratify=False)
    assert found.verdict == "unknown"
    assert found.best is None
    assert "not finite" in found.text()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sizes": (0, 1.0)}, "no number of rows"),
        ({"sizes": (1.5,)}, "no number of rows"),
        ({"sizes": (15, 4000)}, r"(?s)not so many rows.*up to \d+, the training rows.*received: 4000"),
        ({"sizes": ("a",)}, "no number of rows"),
        ({"sizes": (1.0,)}, "several sizes"),
        ({"path": "layers.0.units"}, "values of the setting are missing"),
        ({"path": "layers.0.unit", "values": [1]}, "called 'unit'"),
        ({"path": "depth", "values": [0]}, "whole number"),
        ({"seeds": 0}, "no seeds"),
    ],
)
def test_bad_input_is_told(change, words):
    with pytest.raises(InputError, match=words):
        learning_curve(HIDDEN, X, Y, folds=3, stratify=False, **change)


def test_a_plan_without_hidden_layer_has_no_depth():
    with pytest.raises(InputError, match="no hidden Dense"):
        learning_curve(LINEAR, X, Y, path="depth", values=[1, 2])
