"""Cross-validation: members equal their folds trained alone, figures equal scikit-learn's, differences are judged."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy import stats

import jindan as jd
from jindan.callbacks import Callback, EarlyStopping
from jindan.data import StandardScaler
from jindan.engine.train import train
from jindan.errors import InputError, UnknownNameError
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.plan import Plan
from jindan.select.scoring import SCORES, scoring_of
from jindan.select.task import classes_of, task_of
from jindan.select.validation import CrossValidation, cross_validate, interval_of

RNG = np.random.default_rng(417)
X = RNG.normal(size=(50, 3))
LABELS = np.digitize(X[:, 0] + 0.5 * RNG.normal(size=50), [-0.4, 0.5])
Y = np.eye(3)[LABELS]
FIT = {"epochs": 8, "batch_size": 8}


def classifier(units=4, seed_loss="categorical_crossentropy"):
    model = Sequential([Dense(units, activation="tanh", input_shape=(3,)), Dense(3, activation="softmax")])
    model.compile("adam", seed_loss)
    return model


def regressor():
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


@pytest.fixture(scope="module")
def found():
    return cross_validate(classifier(), X, Y, folds=4, seeds=2, seed=3, **FIT)


def test_shapes_and_names(found):
    assert found.scores.shape == (2, 4)
    assert found.scoring == "accuracy"
    assert found.seeds == (3, 4)
    assert found.outputs.shape == (2, 50, 3)
    assert len(found.runs) == 8
    low, high = found.interval
    assert low < found.mean < high
    assert json.loads(json.dumps(found.to_dict()))["folds"] == [13, 13, 12, 12]
    assert "accuracy" in repr(found)


def test_every_row_is_validated_once_by_a_member_that_has_not_seen_it(found):
    for train_rows, test_rows in found.folds:
        assert not set(train_rows) & set(test_rows)
    assert sorted(np.concatenate([test for _, test in found.folds])) == list(range(50))
    # Stratified: in each fold no class is off its share by more than a row.
    for _, test in found.folds:
        counts = np.bincount(LABELS[test], minlength=3)
        assert np.abs(counts - np.bincount(LABELS) * len(test) / 50).max() <= 1


def test_a_member_is_its_fold_trained_alone(found):
    for k, run in enumerate(found.runs):
        rows, test = found.folds[k % 4]
        alone = train(classifier().plan.replace(seed=3 + k // 4, rows=rows, **FIT), (X, Y))
        outputs = alone.predict(X[test])
        np.testing.assert_allclose(run.predict(X[test]), outputs, rtol=1e-4, atol=1e-5)  # float32 sums, other order
        np.testing.assert_allclose(found.outputs[k // 4, test], outputs, rtol=1e-4, atol=1e-5)
        assert found.scores.ravel()[k] == pytest.approx((outputs.argmax(1) == LABELS[test]).mean())
    pooled = (found.outputs.argmax(-1) == LABELS).mean(1)
    np.testing.assert_allclose(found.pooled, pooled)


def test_the_interval_is_that_of_nadeau_and_bengio(found):
    by_fold = found.scores.mean(0)
    ratio = np.mean([len(test) / len(rows) for rows, test in found.folds])
    half = stats.t.ppf(0.975, 3) * np.sqrt((1 / 4 + ratio) * by_fold.var(ddof=1))
    assert found.scoring == "accuracy"
    # No accuracy is below 0 or above 1.
    np.testing.assert_allclose(found.interval, (max(0, found.mean - half), min(1, found.mean + half)))
    np.testing.assert_allclose(interval_of(by_fold, ratio), (found.mean - half, found.mean + half))


def test_a_model_does_not_differ_from_itself_and_a_good_one_does_from_a_bad_one(found):
    same = found.compare(found)
    assert (same.difference, same.p, same.real) == (0.0, 1.0, False)
    assert "cannot be told from chance" in same.text()
    scores = np.array([[0.9, 0.92, 0.88, 0.91]])
    good, bad = (
        CrossValidation(s, "accuracy", found.folds, (0,), s, None, ())
        for s in (scores, scores - [[0.3, 0.31, 0.29, 0.3]])
    )
    verdict = good.compare(bad)
    gaps = np.array([0.3, 0.31, 0.29, 0.3])
    ratio = np.mean([len(test) / len(rows) for rows, test in found.folds])
    t = gaps.mean() / np.sqrt((1 / 4 + ratio) * gaps.var(ddof=1))
    assert verdict.statistic == pytest.approx(t)
    assert verdict.p == pytest.approx(2 * stats.t.sf(t, 3))
    assert verdict.real
    assert "우연으로 보기 어려운" in verdict.text("ko")
    assert bad.compare(good).difference == pytest.approx(-verdict.difference)


def test_only_what_was_validated_alike_is_compared(found):
    other = cross_validate(classifier(), X, Y, folds=4, seed=4, **FIT)
    with pytest.raises(InputError, match="not validated alike"):
        found.compare(other)


def test_preprocessing_is_refitted_in_each_fold():
    x = 1000 + 50 * X
    y = X[:, 0] * 2
    result = cross_validate(regressor(), x, y, folds=3, preprocessing=StandardScaler(), epochs=40, batch_size=8)
    for (rows, test), run in zip(result.folds, result.runs, strict=True):
        scaler = StandardScaler().fit(x[rows])
        plan = regressor().plan.replace(seed=0, epochs=40, batch_size=8)
        alone = train(plan, (scaler.transform(x[rows]).astype(np.float32), y[rows]))
        # The rows lie in another place of the data, so the order of a fold's rows within an epoch is the same.
        np.testing.assert_allclose(run.weights[0]["kernel"], alone.weights[0]["kernel"], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(
            result.outputs[0, test], alone.predict(scaler.transform(x[test])), rtol=1e-3, atol=1e-4
        )
    assert result.mean > -0.1
    assert cross_validate(regressor(), X, y, folds=3, epochs=40, batch_size=8).scoring == "-loss"


def test_groups_stay_together_and_time_goes_on():
    groups = np.repeat(np.arange(10), 5)
    result = cross_validate(classifier(), X, Y, folds=5, groups=groups, **FIT)
    for rows, test in result.folds:
        assert not set(groups[rows]) & set(groups[test])
    result = cross_validate(regressor(), X, X[:, 0], folds=4, time=True, **FIT)
    for rows, test in result.folds:
        assert rows.max() < test.min()
    assert np.isnan(result.outputs[0, :10]).all()
    assert np.isfinite(result.pooled).all()


def test_repeats_own_folds_and_sparse_targets():
    twice = cross_validate(
        classifier(seed_loss="sparse_categorical_crossentropy"), X, LABELS, folds=3, repeats=2, **FIT
    )
    assert twice.scores.shape == (1, 6)
    own = [(np.arange(30), np.arange(30, 50)), (np.arange(20, 50), np.arange(20))]
    result = cross_validate(classifier(), X, Y, folds=own, seeds=[5, 9], **FIT)
    assert result.scores.shape == (2, 2)
    assert result.seeds == (5, 9)


def test_early_stopping_watches_the_fold():
    stop = EarlyStopping(patience=2, restore_best_weights=True)
    result = cross_validate(classifier(), X, Y, folds=3, callbacks=[stop], epochs=60, batch_size=8)
    assert all("val_loss" in run.history for run in result.runs)
    result = cross_validate(classifier(), X, Y, folds=3, callbacks=[EarlyStopping("loss", patience=2)], **FIT)
    assert len(result.runs) == 3


def test_the_model_stays_as_it_was():
    model = classifier()
    before = [w.copy() for w in model.get_weights()]
    cross_validate(model, X, Y, folds=3, **FIT)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"folds": 60}, "too few rows for the folds"),
        ({"folds": 1}, "too few folds"),
        ({"folds": []}, "fold has no rows"),
        ({"seeds": 0}, "no seeds"),
        ({"epoch": 3}, "no argument called 'epoch'"),
        ({"scoring": "acuracy"}, "Did you mean `accuracy`"),
        ({"callbacks": [Callback()]}, "Callbacks of your own cannot follow"),
        ({"stratify": True, "y": X[:, 0], "model": regressor()}, "cannot be stratified"),
        ({"model": 3}, "cannot be trained in a population"),
        ({"y": Y[:40]}, "differ in their number of rows"),
        ({"scoring": "accuracy", "y": X[:, 0], "model": regressor()}, "This score is for classes"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_refusals(more, says):
    given = {"model": classifier(), "X": X, "y": Y, "folds": 3, **FIT, **more}
    with pytest.raises((InputError, UnknownNameError), match=says):
        cross_validate(**given)


# -- scores -----------------------------------------------------------------------------------------------------


def plan_of(loss, units, activation):
    return Plan((Dense(units, activation=activation),), loss=loss)


def test_scores_are_scikit_learns():
    from sklearn import metrics

    p = RNG.dirichlet(np.ones(3), 60)
    labels = RNG.integers(0, 3, 60)
    plan = plan_of("sparse_categorical_crossentropy", 3, "softmax")
    guess = p.argmax(1)
    wanted = {
        "accuracy": metrics.accuracy_score(labels, guess),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, guess),
        "f1": metrics.f1_score(labels, guess, average="macro"),
        "roc_auc": metrics.roc_auc_score(labels, p, multi_class="ovr"),
        "-loss": -metrics.log_loss(labels, p),
    }
    for name, value in wanted.items():
        assert SCORES[name](plan, labels, p) == pytest.approx(value, rel=1e-5), name
    one = plan_of("binary_crossentropy", 1, "sigmoid")
    assert SCORES["roc_auc"](one, (labels > 0).astype(float), p[:, :1]) == pytest.approx(
        metrics.roc_auc_score(labels > 0, p[:, 0])
    )
    y, guess = RNG.normal(size=(40, 2)), RNG.normal(size=(40, 2))
    plan = plan_of("mse", 2, "linear")
    assert SCORES["r2"](plan, y, guess) == pytest.approx(metrics.r2_score(y, guess))
    assert SCORES["-mse"](plan, y, guess) == pytest.approx(-metrics.mean_squared_error(y, guess))
    assert SCORES["-mae"](plan, y, guess) == pytest.approx(-metrics.mean_absolute_error(y, guess))
    assert SCORES["-rmse"](plan, y, guess) == pytest.approx(-np.sqrt(metrics.mean_squared_error(y, guess)))
    assert SCORES["-loss"](plan, y, guess) == pytest.approx(-metrics.mean_squared_error(y, guess), rel=1e-5)


def test_scores_by_name_and_function():
    plan = plan_of("mse", 1, "linear")
    assert scoring_of("neg_mean_squared_error", plan) is SCORES["-mse"]
    assert scoring_of("loss", plan) is SCORES["-loss"]
    own = scoring_of(lambda y, outputs: 7.0, plan)
    assert own(plan, X, X) == 7.0
    with pytest.raises(UnknownNameError):
        scoring_of("r3", plan)


@pytest.mark.parametrize(
    ("loss", "y", "classes"),
    [
        ("categorical_crossentropy", np.eye(3)[[2, 0]], [2, 0]),
        ("sparse_categorical_crossentropy", np.array([[1], [2]]), [1, 2]),
        ("binary_crossentropy", np.array([0.0, 1.0]), [0, 1]),
        ("hinge", np.array([[-1.0], [1.0]]), [0, 1]),
        ("mse", np.array([0.0, 1.0]), [0, 1]),
        ("mse", np.array([0.3, 1.0]), None),
        ("binary_crossentropy", np.array([[1, 1], [0, 1]]), None),
        ("mse", np.zeros((0, 1)), None),
    ],
)
def test_classes_of_targets(loss, y, classes):
    found = classes_of(Plan((Dense(1),), loss=loss), y)
    assert found is None if classes is None else found.tolist() == classes


def test_a_plan_is_a_task_too():
    task = task_of(classifier().plan, X, Y, epochs=3, batch_size=5)
    assert (task.plan.epochs, task.plan.batch_size, task.plan.seed) == (3, 5, 0)
    assert isinstance(cross_validate(classifier().plan, X, Y, folds=2, epochs=2), CrossValidation)
    assert jd.select.cross_validate is cross_validate
