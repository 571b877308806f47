"""Bias and variance: the closed form of ridge regression, plain NumPy on the same members, and bad input."""

import json

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from jindan.callbacks import EarlyStopping
from jindan.engine.train import train
from jindan.errors import InputError, JindanError
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.plan import Plan
from jindan.select.decomposition import bias_variance

N, D, NOISE, PENALTY = 24, 3, 0.5, 0.3
RNG = np.random.default_rng(5)
X = RNG.normal(size=(N, D))
X_TEST = RNG.normal(size=(30, D))
TRUE = np.array([1.5, -2.0, 0.7])
RIDGE = Plan(
    (Dense(1, use_bias=False),), loss="mse", optimizer="sgd", batch_size=N, epochs=250, l2=PENALTY, dtype="float64"
)
RIDGE = RIDGE.edit(learning_rate=0.1)


def fresh(rng):
    return X, X @ TRUE + rng.normal(scale=np.sqrt(NOISE), size=N)


def closed_form():
    """Bias² and variance of ridge regression at the test rows, X fixed and fresh noise in y."""
    # mean (y − Xw)² + λ w² is (1/n)(|y − Xw|² + nλ w²).
    inverse = np.linalg.inv(X.T @ X + N * PENALTY * np.eye(D))
    smoother = X_TEST @ inverse @ X.T
    bias = (smoother @ X @ TRUE - X_TEST @ TRUE) ** 2
    return bias.mean(), NOISE * (smoother**2).sum(1).mean()


def test_ridge_has_the_bias_and_variance_of_its_closed_form():
    found = bias_variance(RIDGE, None, None, X_TEST, X_TEST @ TRUE, draw=fresh, bootstraps=150, seed=1)
    bias, variance = closed_form()
    assert found.intervals["bias"][0] < bias < found.intervals["bias"][1]
    assert found.intervals["variance"][0] < variance < found.intervals["variance"][1]
    low, high = found.intervals["variance"]
    assert high - low < variance  # an interval that held everything would prove nothing
    assert found.bias == pytest.approx(bias, rel=0.2)
    assert found.expected == pytest.approx(found.bias + found.variance, rel=1e-12)


def test_members_are_scikit_learns_ridge():
    found = bias_variance(RIDGE, None, None, X_TEST, X_TEST @ TRUE, draw=fresh, bootstraps=5, seed=3)
    sets = [fresh(own) for own in np.random.default_rng(3).spawn(5)]
    ridges = [Ridge(alpha=N * PENALTY, fit_intercept=False).fit(*each) for each in sets]
    outputs = np.array([ridge.predict(X_TEST) for ridge in ridges])
    assert found.rows["main"][:, 0] == pytest.approx(outputs.mean(0), abs=1e-6)
    assert found.rows["variance"] == pytest.approx(outputs.var(0, ddof=1), abs=1e-6)
    expected = ((outputs - X_TEST @ TRUE) ** 2).mean(0)
    assert found.rows["expected"] == pytest.approx(expected, abs=1e-6)
    assert found.rows["bias"] == pytest.approx(expected - outputs.var(0, ddof=1), abs=1e-6)


def test_known_noise_is_taken_out_of_the_bias():
    noisy = X_TEST @ TRUE + np.random.default_rng(8).normal(scale=np.sqrt(NOISE), size=30)
    plain, told = (bias_variance(RIDGE, None, None, X_TEST, noisy, draw=fresh, bootstraps=5, noise=n)
                   for n in (None, NOISE))  # fmt: skip
    assert told.bias == pytest.approx(plain.bias - NOISE)
    assert (told.noise, plain.noise) == (NOISE, 0.0)
    assert told.expected == pytest.approx(told.bias + told.variance + told.noise)


CLASSES = Plan((Dense(3, activation="softmax"),), loss="sparse_categorical_crossentropy", optimizer="adam",
               batch_size=8, epochs=3)  # fmt: skip
LABELS = (np.arctan2(X[:, 0], X[:, 1]) // 2.1 + 2).astype(int).clip(0, 2)
LABELS_TEST = (np.arctan2(X_TEST[:, 0], X_TEST[:, 1]) // 2.1 + 2).astype(int).clip(0, 2)


def test_zero_one_loss_is_domingos_in_every_row():
    found = bias_variance(CLASSES, X, LABELS, X_TEST, LABELS_TEST, bootstraps=12)
    assert found.loss == "0-1"
    rows = found.rows
    assert rows["expected"] == pytest.approx(rows["bias"] + rows["unbiased"] - rows["biased"])
    assert found.variance == pytest.approx(found.unbiased - found.biased)
    assert set(np.unique(rows["bias"])) <= {0.0, 1.0}
    assert np.array_equal(rows["bias"] == 1, rows["main"] != LABELS_TEST)
    # Where the main prediction is right, all who differ from it are wrong.
    right = rows["bias"] == 0
    assert rows["unbiased"][right] == pytest.approx(rows["expected"][right])
    assert 0 <= found.intervals["expected"][0] <= found.expected <= found.intervals["expected"][1]


def test_votes_are_those_of_plans_trained_alone_counted_one_by_one():
    found = bias_variance(CLASSES, X, LABELS, X_TEST, LABELS_TEST, bootstraps=12, seed=4)
    sets = np.random.default_rng(4).integers(0, N, (12, N))
    runs = train([CLASSES.replace(rows=rows, seed=4 + k) for k, rows in enumerate(sets)], (X, LABELS))
    votes = np.array([run.predict(X_TEST).argmax(1) for run in runs])
    for row, truth in enumerate(LABELS_TEST):
        cast = votes[:, row].tolist()
        main = max(range(3), key=lambda c: (cast.count(c), -c))
        assert found.rows["main"][row] == main
        assert found.rows["expected"][row] == pytest.approx(np.mean([v != truth for v in cast]))
        unbiased = np.mean([v != main for v in cast]) if main == truth else 0
        biased = cast.count(truth) / 12 if main != truth else 0
        assert found.rows["unbiased"][row] == pytest.approx(unbiased)
        assert found.rows["biased"][row] == pytest.approx(biased)


def test_a_compiled_model_of_two_classes_and_a_test_of_one():
    model = Sequential([Dense(1, activation="sigmoid")])
    model.compile("adam", "binary_crossentropy")
    found = bias_variance(model, X, (LABELS > 1) * 1.0, X_TEST, np.zeros(30), bootstraps=9, epochs=4, batch_size=8)
    assert found.loss == "0-1"
    # Of two classes the biased variance is all that there is on biased rows.
    wrong = found.rows["bias"] == 1
    assert found.rows["expected"][wrong] == pytest.approx(1 - found.rows["biased"][wrong])


def test_probabilities_of_classes_have_a_squared_loss():
    found = bias_variance(CLASSES, X, LABELS, X_TEST, LABELS_TEST, bootstraps=12, loss="squared")
    assert found.rows["main"].shape == (30, 3)
    assert found.rows["main"].sum(1) == pytest.approx(np.ones(30), abs=1e-5)


def test_the_seed_fixes_all_and_the_result_is_plain():
    first, second = (bias_variance(CLASSES, X, LABELS, X_TEST, LABELS_TEST, bootstraps=12, seed=2) for _ in range(2))
    assert first.to_dict() == second.to_dict()
    assert json.loads(json.dumps(first.to_dict()))["members"] == 12
    assert "BiasVariance(0-1" in repr(first)
    assert "bias + variance" in first.text()
    assert "편향" in first.text("ko")
    assert first.plot().svg.startswith("<svg")


def test_early_stopping_watches_the_rows_left_out():
    plan = CLASSES.replace(early_stopping=EarlyStopping("val_loss", patience=1))
    found = bias_variance(plan, X, LABELS, X_TEST, LABELS_TEST, bootstraps=12)
    assert np.isfinite(found.expected)


def test_one_row_in_training_and_in_the_test():
    found = bias_variance(RIDGE, X[:1], X[:1] @ TRUE, X_TEST[:1], X_TEST[:1] @ TRUE, bootstraps=2, epochs=1)
    assert found.rows["bias"].shape == (1,)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"bootstraps": 1}, "several members"),
        ({"loss": "hinge"}, "no such loss"),
        ({"loss": "0-1"}, "for classes"),
        ({"noise": -1.0}, "variance of numbers"),
        ({"draw": fresh, "validation_split": 0.2}, "rows of their own"),
        ({"draw": lambda rng: 3}, "no training sets"),
        ({"draw": lambda rng: (X, X[:3, 0])}, "do not fit one another"),
        ({"epoch": 3}, "argument called 'epoch'"),
    ],
)
def test_bad_input_is_told(change, words):
    with pytest.raises(InputError, match=words):
        bias_variance(RIDGE, X, X @ TRUE, X_TEST, X_TEST @ TRUE, **change)


def test_test_rows_that_do_not_fit_are_told():
    with pytest.raises(JindanError, match="do not fit the outputs"):
        bias_variance(RIDGE, X, X @ TRUE, X_TEST, np.zeros((30, 2)), bootstraps=2)
    with pytest.raises(JindanError, match="shape"):
        bias_variance(RIDGE, X, X @ TRUE, X_TEST[:, :2], X_TEST @ TRUE, bootstraps=2)


def test_members_that_blew_up_are_not_hidden():
    found = bias_variance(RIDGE.edit(learning_rate=1e6), X, X @ TRUE, X_TEST, X_TEST @ TRUE, bootstraps=5)
    assert not np.isfinite(found.expected)
    assert np.isnan(found.intervals["expected"]).all()
