"""NeuralClassifier and NeuralRegressor: scikit-learn's numbers, and the ways people use its classes."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris, make_regression
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from jindan.errors import InputError
from jindan.estimators import NeuralClassifier, NeuralRegressor
from jindan.layers import Dense, Dropout
from jindan.layers.network import Network
from jindan.models import Sequential
from jindan.optimizers import NAG
from jindan.plan import Plan

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, LABELS = load_iris(return_X_y=True)
X = StandardScaler().fit_transform(X)
NAMES = np.array(["setosa", "versicolor", "virginica"])[LABELS]
XR, YR = make_regression(90, 4, noise=5.0, random_state=0)
YR = YR / YR.std()


# -- the same numbers as scikit-learn ----------------------------------------------------------------------------


def theirs_from_our_start(theirs, ours, x, y, epochs):
    """scikit-learn's network, trained from the weights ours began with."""
    plan = ours.run_.plan
    start, _ = Network(plan.layers, (x.shape[1],)).init(plan.seed, np.float64)
    theirs.set_params(warm_start=True, max_iter=1).fit(x, y)
    theirs.coefs_ = [np.array(w["kernel"]) for w in start]
    theirs.intercepts_ = [np.array(w["bias"]) for w in start]
    theirs.set_params(max_iter=epochs).fit(x, y)
    return theirs


@pytest.mark.parametrize("solver", ["adam", "sgd"])
@pytest.mark.parametrize("task", ["two classes", "three classes", "numbers"])
def test_the_training_is_scikit_learns(task, solver):
    x, y, ours, theirs = {
        "two classes": (X[:100], NAMES[:100], NeuralClassifier, MLPClassifier),
        "three classes": (X, NAMES, NeuralClassifier, MLPClassifier),
        "numbers": (XR, YR, NeuralRegressor, MLPRegressor),
    }[task]
    settings = {"solver": solver, "alpha": 0.1, "batch_size": 10, "learning_rate_init": 0.02, "shuffle": False,
                "tol": 0.0, "n_iter_no_change": 1000, "activation": "tanh"}  # fmt: skip
    model = ours(6, max_iter=20, dtype="float64", random_state=3, **settings).fit(x, y)
    oracle = theirs_from_our_start(theirs(hidden_layer_sizes=(6,), **settings), model, x, y, 20)
    # float64 over 300 updates: rounding grows, but stays far below 1e-9.
    np.testing.assert_allclose(model.loss_curve_, oracle.loss_curve_[-20:], rtol=1e-9)
    for found, wanted in zip(
        [*model.coefs_, *model.intercepts_], [*oracle.coefs_, *oracle.intercepts_], strict=True
    ):  # fmt: skip
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-9)
    guess = "predict" if ours is NeuralRegressor else "predict_proba"
    np.testing.assert_allclose(getattr(model, guess)(x), getattr(oracle, guess)(x), atol=1e-9)


# Descent on a convex cost, until 300 epochs (longer than momentum swings) do not better it in float64; what that
# leaves of the distance is far below 1e-6.
CONVEX = {"tol": 0.0, "n_iter_no_change": 300, "max_iter": 20000, "dtype": "float64", "random_state": 0}


def test_one_sigmoid_is_logistic_regression():
    x, y = X[50:], NAMES[50:]
    wanted = LogisticRegression(C=2.0, solver="newton-cholesky", tol=1e-12).fit(x, y)
    found = NeuralClassifier((), alpha=1 / 2.0, solver=NAG(1.0), **CONVEX).fit(x, y)
    np.testing.assert_allclose(found.coefs_[0][:, 0], wanted.coef_[0], atol=1e-6)
    np.testing.assert_allclose(found.intercepts_[0], wanted.intercept_, atol=1e-6)
    np.testing.assert_allclose(found.predict_proba(x), wanted.predict_proba(x), atol=1e-6)


def test_one_softmax_is_multinomial_regression():
    wanted = LogisticRegression(C=0.5, solver="newton-cg", tol=1e-12, max_iter=1000).fit(X, NAMES)
    found = NeuralClassifier((), alpha=1 / 0.5, solver=NAG(0.8), **CONVEX).fit(X, NAMES)
    np.testing.assert_allclose(found.coefs_[0].T, wanted.coef_, atol=1e-6)
    # Intercepts carry no penalty, and softmax ignores a number common to all.
    centred = [b - b.mean() for b in (found.intercepts_[0], wanted.intercept_)]
    np.testing.assert_allclose(*centred, atol=1e-6)


@pytest.mark.parametrize("alpha", [0.0, 3.0])
def test_one_linear_unit_is_linear_regression(alpha):
    wanted = (Ridge(alpha, solver="cholesky") if alpha else LinearRegression()).fit(XR, YR)
    found = NeuralRegressor((), alpha=alpha, solver=NAG(0.2), **CONVEX).fit(XR, YR)
    np.testing.assert_allclose(found.coefs_[0][:, 0], wanted.coef_, atol=1e-6)
    np.testing.assert_allclose(found.intercepts_[0], wanted.intercept_, atol=1e-6)


def test_several_targets():
    y = np.stack([YR, 2 - YR, XR[:, 0]], axis=1)
    wanted = LinearRegression().fit(XR, y)
    found = NeuralRegressor((), alpha=0.0, solver=NAG(0.2), **CONVEX).fit(XR, y)
    np.testing.assert_allclose(found.coefs_[0].T, wanted.coef_, atol=1e-6)
    assert found.predict(XR[:7]).shape == (7, 3)


# -- as scikit-learn's classes are used --------------------------------------------------------------------------

QUICK = {"solver": "adam", "learning_rate_init": 0.02, "max_iter": 40, "random_state": 0}


@pytest.fixture(scope="module")
def fitted():
    return NeuralClassifier(8, **QUICK).fit(X, NAMES)


def test_attributes(fitted):
    assert fitted.classes_.tolist() == ["setosa", "versicolor", "virginica"]
    assert fitted.n_features_in_ == 4
    assert fitted.n_iter_ == len(fitted.loss_curve_) == 40
    assert fitted.loss_ == fitted.loss_curve_[-1] >= fitted.best_loss_
    assert [w.shape for w in fitted.coefs_] == [(4, 8), (8, 3)]
    assert [b.shape for b in fitted.intercepts_] == [(8,), (3,)]
    assert (fitted.n_layers_, fitted.n_outputs_) == (3, 3)
    assert isinstance(fitted.model_, Sequential)
    assert fitted.model_.plan.layers[0].units == 8
    assert fitted.score(X, NAMES) > 0.9


def test_probabilities(fitted):
    p = fitted.predict_proba(X)
    assert p.shape == (150, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-12)
    np.testing.assert_array_equal(fitted.classes_[p.argmax(axis=1)], fitted.predict(X))
    np.testing.assert_array_equal(np.exp(fitted.predict_log_proba(X)).round(12), p.round(12))


def test_the_model_predicts_what_the_estimator_predicts(fitted):
    # predict_proba normalises in float64 what float32 left 1e-7 off.
    np.testing.assert_allclose(fitted.model_.predict(X), fitted.predict_proba(X), atol=1e-6)


def test_a_seed_fixes_every_bit(fitted):
    again = NeuralClassifier(8, **QUICK).fit(X, NAMES)
    for a, b in zip(fitted.coefs_, again.coefs_, strict=True):
        np.testing.assert_array_equal(a, b)
    other = NeuralClassifier(8, **{**QUICK, "random_state": 1}).fit(X, NAMES)
    assert not np.array_equal(other.coefs_[0], fitted.coefs_[0])


def test_clone_and_parameters(fitted):
    copy = clone(NeuralClassifier(layers=[Dense(4)], plan=Plan(), class_weight={"setosa": 2.0}))
    assert copy.get_params()["layers"] == [Dense(4)]
    assert copy.plan == Plan()
    assert not hasattr(clone(fitted), "classes_")
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)
    ours, theirs = NeuralClassifier().get_params(), MLPClassifier().get_params()
    shared = set(ours) & set(theirs)
    assert len(shared) == 16
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}
    assert repr(NeuralClassifier((3,))) == "NeuralClassifier(hidden_layer_sizes=(3,))"


def test_pickle_keeps_the_predictions(fitted):
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(X), fitted.predict_proba(X))


def test_pipeline_and_grid_search():
    pipeline = make_pipeline(StandardScaler(), NeuralClassifier(8, **QUICK))
    space = {"neuralclassifier__learning_rate_init": [1e-5, 0.02], "neuralclassifier__alpha": [1e-4, 1e-2]}
    search = GridSearchCV(pipeline, space, cv=3).fit(X, NAMES)
    assert search.best_params_["neuralclassifier__learning_rate_init"] == 0.02
    assert search.best_score_ > 0.85


def test_cross_val_score():
    scores = cross_val_score(NeuralClassifier(8, **QUICK), X, NAMES, cv=3)
    assert scores.shape == (3,)
    assert scores.min() > 0.7


def test_feature_names():
    import pandas as pd

    frame = pd.DataFrame(X, columns=["a", "b", "c", "d"])
    model = NeuralClassifier(8, **QUICK).fit(frame, NAMES)
    assert model.feature_names_in_.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[["b", "a", "c", "d"]])


def test_early_stopping_keeps_the_best_epoch():
    model = NeuralClassifier(8, **{**QUICK, "max_iter": 200}, early_stopping=True, n_iter_no_change=5).fit(X, NAMES)
    assert model.n_iter_ < 200
    assert len(model.validation_scores_) == model.n_iter_
    assert model.best_validation_score_ == max(model.validation_scores_)
    plan = model.run_.plan
    assert (len(plan.rows), len(plan.validation_rows)) == (135, 15)
    assert not set(plan.rows.tolist()) & set(plan.validation_rows.tolist())
    kept = plan.validation_rows.numbers
    # Stratified, as there; the weights are those of the epoch held best.
    assert np.bincount(LABELS[kept]).tolist() == [5, 5, 5]
    held = model.validation_scores_[model.run_.best_epoch]
    assert model.score(X[kept], NAMES[kept]) == pytest.approx(held, abs=1e-6)


def test_early_stopping_of_a_regressor_watches_r2():
    model = NeuralRegressor(8, solver="adam", learning_rate_init=0.02, early_stopping=True, random_state=0).fit(XR, YR)
    assert model.best_validation_score_ > 0.5
    kept = model.run_.plan.validation_rows.numbers
    held = model.validation_scores_[model.run_.best_epoch]
    assert model.score(XR[kept], YR[kept]) == pytest.approx(held, abs=1e-5)


def test_it_stops_when_the_loss_has_settled():
    model = NeuralRegressor((), solver="sgd", learning_rate_init=0.05, max_iter=5000, random_state=0).fit(XR, YR)
    assert model.n_iter_ < 5000
    curve = model.loss_curve_
    assert min(curve[:-11]) - min(curve) < 11e-4
    with pytest.warns(ConvergenceWarning, match="max_iter=3"):
        NeuralRegressor((), max_iter=3, random_state=0).fit(XR, YR)


def test_class_weight_moves_the_border():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 1)), np.r_[np.zeros(280), np.ones(20)]
    x[280:] += 1.5
    plain = NeuralClassifier((), solver=NAG(0.5), random_state=0).fit(x, y)
    balanced = NeuralClassifier((), solver=NAG(0.5), random_state=0, class_weight="balanced").fit(x, y)
    given = NeuralClassifier((), solver=NAG(0.5), random_state=0, class_weight={0: 300 / 560, 1: 7.5}).fit(x, y)
    assert (balanced.predict(x[280:]) == 1).mean() > (plain.predict(x[280:]) == 1).mean() + 0.3
    np.testing.assert_allclose(given.predict_proba(x), balanced.predict_proba(x), atol=1e-5)


def test_sample_weight_is_class_weight_row_by_row():
    weight = np.array([1.0, 2.0, 0.5])[LABELS]
    one = NeuralClassifier(8, **QUICK, dtype="float64").fit(X, NAMES, weight)
    two = NeuralClassifier(8, **QUICK, dtype="float64",
                           class_weight={"setosa": 1.0, "versicolor": 2.0, "virginica": 0.5}).fit(X, NAMES)  # fmt: skip
    np.testing.assert_allclose(one.coefs_[0], two.coefs_[0], atol=1e-9)


def test_partial_fit_goes_on():
    model = NeuralClassifier(8, **QUICK)
    with pytest.raises(InputError, match="all classes"):
        model.partial_fit(X, NAMES)
    model.partial_fit(X[:100], NAMES[:100], classes=np.unique(NAMES))
    before = model.loss_
    for _ in range(30):
        model.partial_fit(X, NAMES)
    assert model.n_iter_ == len(model.loss_curve_) == 31
    assert model.run_.steps == 31
    assert model.loss_ < before / 2
    assert model.score(X, NAMES) > 0.7
    with pytest.raises(InputError, match="not announced"):
        model.partial_fit(X[:1], ["tulip"])
    regressor = NeuralRegressor((), **QUICK).partial_fit(XR, YR).partial_fit(XR, YR)
    assert regressor.n_iter_ == 2


def test_layers_of_your_own():
    model = NeuralClassifier(layers=[Dense(8, activation="swish"), Dropout(0.1)], **QUICK).fit(X, NAMES)
    assert [type(layer).__name__ for layer in model.model_.specs] == ["Dense", "Dropout", "Dense"]
    assert len(model.coefs_) == 2


def test_a_plan_of_your_own():
    plan = Plan(loss="categorical_crossentropy", optimizer="adam", epochs=30, batch_size=10, seed=4)
    model = NeuralClassifier(5, plan=plan).fit(X, NAMES)
    assert model.run_.plan.seed == 4
    assert (model.n_iter_, model.run_.steps) == (30, 450)
    assert model.loss_ < model.loss_curve_[0]
    logits = plan.edit(layers=(Dense(3),), loss={"type": "CategoricalCrossentropy", "from_logits": True})
    p = NeuralClassifier(plan=logits, random_state=0).fit(X, NAMES).predict_proba(X)
    np.testing.assert_allclose(p.sum(axis=1), 1)


def test_any_optimizer_by_name():
    model = NeuralClassifier(8, **{**QUICK, "solver": "rmsprop"}).fit(X, NAMES)
    assert type(model.model_.optimizer).__name__ == "RMSprop"
    assert model.model_.optimizer.learning_rate == 0.02
    with pytest.raises(InputError, match="optimizer"):
        NeuralClassifier(solver="lbfgs").fit(X, NAMES)
    with pytest.raises(InputError, match="batch size"):
        NeuralClassifier(batch_size="all").fit(X, NAMES)


def test_a_grid_of_numbers_shares_one_program():
    from jindan.engine import group

    NeuralClassifier(8, **QUICK).fit(X, NAMES)
    before = len(group._EXECUTABLES)
    for rate, alpha in ((0.01, 0.1), (0.03, 1e-3)):
        NeuralClassifier(8, **{**QUICK, "learning_rate_init": rate, "alpha": alpha}).fit(X, NAMES)
    assert len(group._EXECUTABLES) == before
