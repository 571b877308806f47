"""Weights of rows and classes count by their ratios, as in scikit-learn; what stands beside a plan of one's own."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score
from sklearn.neural_network import MLPClassifier, MLPRegressor

from jindan.errors import InputError
from jindan.estimators import NeuralClassifier, NeuralRegressor
from jindan.layers.network import Network
from jindan.plan import Plan

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 3))
TWO = np.where(X[:, 0] + RNG.normal(size=100) > 0, "yes", "no")
NUMBERS = X @ [1.0, -2.0, 0.5] + RNG.normal(size=100)
WEIGHT = RNG.uniform(0.1, 3.0, 100)
EXACT = {"solver": "sgd", "learning_rate_init": 0.05, "max_iter": 30, "shuffle": False, "alpha": 0.0, "tol": 0.0,
         "activation": "tanh"}  # fmt: skip


@pytest.mark.parametrize("scale", [1.0, 20.0])
@pytest.mark.parametrize(
    ("ours", "theirs", "y"), [(NeuralClassifier, MLPClassifier, TWO), (NeuralRegressor, MLPRegressor, NUMBERS)]
)
def test_of_weights_only_ratios_count_as_in_scikit_learn(ours, theirs, y, scale):
    # One batch of all rows: of smaller ones, scikit-learn divides each by a sum of its own.
    model = ours((6,), batch_size=100, dtype="float64", random_state=0, **EXACT).fit(X, y, scale * WEIGHT)
    start, _ = Network(model.run_.plan.layers, (3,)).init(model.run_.plan.seed, np.float64)
    oracle = theirs(hidden_layer_sizes=(6,), batch_size=100, warm_start=True, **{**EXACT, "max_iter": 1}).fit(
        X, y, WEIGHT
    )
    oracle.coefs_ = [np.array(w["kernel"]) for w in start]
    oracle.intercepts_ = [np.array(w["bias"]) for w in start]
    oracle.set_params(max_iter=30).fit(X, y, WEIGHT)
    # float64 over 30 updates: rounding stays far below 1e-9.
    np.testing.assert_allclose(model.loss_curve_, oracle.loss_curve_[-30:], rtol=1e-9)
    for found, wanted in zip(model.coefs_, oracle.coefs_, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)


def test_weights_of_one_are_no_weights():
    settings = {**EXACT, "batch_size": 30, "random_state": 0, "dtype": "float64"}
    none, equal = (NeuralClassifier(6, **settings).fit(X, TWO, weight) for weight in (None, np.full(100, 7.0)))
    np.testing.assert_allclose(equal.coefs_[0], none.coefs_[0], rtol=0, atol=1e-12)


def test_rows_and_classes_weigh_by_their_product():
    settings = {**EXACT, "random_state": 0, "dtype": "float64"}
    classes = {"no": 10.0, "yes": 40.0}
    one = NeuralClassifier(6, class_weight=classes, **settings).fit(X, TWO, WEIGHT)
    two = NeuralClassifier(6, **settings).fit(X, TWO, WEIGHT * np.vectorize(classes.get)(TWO))
    np.testing.assert_allclose(one.coefs_[0], two.coefs_[0], atol=1e-12)


def test_partial_fit_takes_ratios_too():
    fits = [NeuralRegressor(6, random_state=0, dtype="float64").partial_fit(X, NUMBERS, s * WEIGHT) for s in (1, 20)]
    np.testing.assert_allclose(fits[0].coefs_[0], fits[1].coefs_[0], rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("kind", "y", "score"), [(NeuralClassifier, TWO, accuracy_score), (NeuralRegressor, NUMBERS, r2_score)]
)
def test_early_stopping_judges_by_weighted_rows(kind, y, score):
    weight = np.where(RNG.uniform(size=100) < 0.5, 0.01, 30.0)
    model = kind(6, early_stopping=True, validation_fraction=0.4, max_iter=30, random_state=0, dtype="float64")
    model.fit(X, y, weight)
    plan = model.run_.plan
    kept, rows = plan.validation_rows.numbers, plan.rows.numbers
    held = model.validation_scores_[model.run_.best_epoch]
    assert held == pytest.approx(score(y[kept], model.predict(X[kept]), sample_weight=weight[kept]), abs=1e-9)
    assert held != pytest.approx(score(y[kept], model.predict(X[kept])), abs=1e-3)
    # Weights are 1 on average over the rows trained on, so a scale changes nothing.
    again = kind(**model.get_params()).fit(X, y, weight / weight[rows].mean())
    np.testing.assert_allclose(again.coefs_[0], model.coefs_[0], rtol=0, atol=1e-12)


def test_rows_without_weight():
    with pytest.raises(InputError, match="no weight"):
        NeuralRegressor().fit(X, NUMBERS, np.r_[np.ones(99), -99.0])


# -- beside a plan -----------------------------------------------------------------------------------------------


def test_class_weight_stands_beside_a_plan():
    x, y = RNG.normal(size=(300, 1)), np.r_[np.zeros(280), np.ones(20)]
    x[280:] += 1.5
    plan = Plan(loss="binary_crossentropy", optimizer={"type": "Adam", "learning_rate": 0.05}, epochs=50, seed=0)
    plain = NeuralClassifier(8, plan=plan).fit(x, y)
    balanced = NeuralClassifier(8, plan=plan, class_weight="balanced").fit(x, y)
    assert [entry.weight for entry in balanced.run_.plan.class_weight] == pytest.approx([300 / 560, 7.5])
    assert (balanced.predict(x[280:]) == 1).mean() > (plain.predict(x[280:]) == 1).mean() + 0.3
    own = plan.replace(class_weight={1: 7.5})
    assert NeuralClassifier(8, plan=own).fit(x, y).run_.plan.class_weight == own.class_weight


@pytest.mark.parametrize("kind", [NeuralClassifier, NeuralRegressor])
def test_rows_have_the_plans_precision(kind):
    x = RNG.normal(size=(60, 2))
    y = (x[:, 0] > 0).astype(int)
    plan = Plan(loss="mse", optimizer="adam", epochs=2, seed=0, dtype="float64")
    model = kind((), plan=plan).fit(x, y)
    outputs = model.model_.predict(x)
    assert outputs.dtype == np.float64
    guess = model.predict_proba(x)[:, 1:] if kind is NeuralClassifier else model.predict(x)[:, None]
    np.testing.assert_array_equal(guess, outputs)
    np.testing.assert_array_equal(kind((), plan=plan, dtype="float64").fit(x, y).model_.predict(x), outputs)


@pytest.mark.parametrize("loss", ["categorical_crossentropy", "sparse_categorical_crossentropy", "binary_crossentropy"])
@pytest.mark.parametrize("logits", [False, True])
def test_the_added_output_is_what_the_loss_reads(loss, logits):
    plan = Plan(loss=loss, optimizer={"type": "Adam", "learning_rate": 0.02}, epochs=100, seed=1)
    plan = plan.replace(loss=plan.loss.replace(from_logits=logits))
    y = np.where(X[:, 0] > 0, "b", "a")
    model = NeuralClassifier(8, plan=plan).fit(X, y)
    last, units = model.model_.specs[-1], 1 if loss.startswith("binary") else 2
    activation = "linear" if logits else "sigmoid" if units == 1 else "softmax"
    assert (last.units, last.activation) == (units, activation)
    assert model.loss_ < model.loss_curve_[0] / 3
    assert model.score(X, y) > 0.95
    # The loss that was trained by, worked out from what is predicted.
    p = model.predict_proba(X)[np.arange(100), (y == "b").astype(int)]
    assert -np.log(p).mean() == pytest.approx(model.loss_, rel=0.1)


def test_class_weights_of_partial_fit_count_as_they_are():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 3))
    runs = []
    for class_weight in ({0: 1.0, 1: 20.0}, None):
        model = NeuralClassifier(4, solver="sgd", random_state=0, class_weight=class_weight)
        for label in (0, 1):
            model.partial_fit(X[label::2], np.full(20, label), classes=[0, 1])
        runs.append(model.coefs_[0])
    assert abs(runs[0] - runs[1]).max() > 1e-4
