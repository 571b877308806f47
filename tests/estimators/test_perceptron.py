"""Perceptron: gates by hand, Rosenblatt's rule against scikit-learn, and XOR, which no perceptron draws."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import linear_model
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

from jindan.errors import UnknownNameError
from jindan.estimators import Perceptron

TABLE = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
TRUTH = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "NAND": [1, 1, 1, 0]}
XOR = [0, 1, 1, 0]


@pytest.mark.parametrize("name", TRUTH)
def test_gates_by_hand(name):
    gate = Perceptron.gate(name)
    assert gate.predict(TABLE).tolist() == TRUTH[name]
    assert gate.score(TABLE, TRUTH[name]) == 1
    assert Perceptron.gate(name.lower()).predict(TABLE).tolist() == TRUTH[name]
    assert clone(gate).predict(TABLE).tolist() == TRUTH[name]
    # The same neuron as a network: one Dense with a step.
    assert gate.model_.predict(TABLE).ravel().tolist() == TRUTH[name]


def test_weights_by_hand():
    neuron = Perceptron(coef=[2.0, -1.0], intercept=0.5)
    assert neuron.decision_function([[1, 1], [-1, 0]]).tolist() == [1.5, -1.5]
    assert neuron.predict([[1, 1], [-1, 0]]).tolist() == [1, 0]
    # step(0) = 0.
    assert Perceptron(coef=[1.0]).predict([[0.0]]).tolist() == [0]
    with pytest.raises(NotFittedError):
        Perceptron().predict(TABLE)
    with pytest.raises(UnknownNameError, match="XOR"):
        Perceptron.gate("XOR")


@pytest.mark.parametrize("name", TRUTH)
def test_gates_learned(name):
    for seed in range(5):
        model = Perceptron(random_state=seed).fit(TABLE, TRUTH[name])
        assert model.predict(TABLE).tolist() == TRUTH[name]
        assert model.mistakes_[-1] == 0
        assert model.n_iter_ == len(model.mistakes_) < 20
        assert model.model_.predict(TABLE).ravel().tolist() == TRUTH[name]


def test_xor_stays_wrong():
    for seed in range(50):
        model = Perceptron(random_state=seed, max_iter=200).fit(TABLE, XOR)
        assert model.n_iter_ == 200
        assert model.score(TABLE, XOR) < 1


@pytest.mark.parametrize("number", range(1, 15))
def test_which_truth_tables_a_line_draws(number):
    """Of the 14 functions of two bits that are not constant, all but XOR and its opposite are learned exactly."""
    truth = [number >> bit & 1 for bit in range(4)]
    model = Perceptron(random_state=number, max_iter=100).fit(TABLE, truth)
    if truth in (XOR, [1 - v for v in XOR]):
        assert model.n_iter_ == 100
        assert model.score(TABLE, truth) <= 0.75  # a line has at least one of the four corners on the wrong side
    else:
        assert model.predict(TABLE).tolist() == truth
        assert model.mistakes_[-1] == 0


@pytest.mark.parametrize("truth", [*TRUTH.values(), XOR], ids=[*TRUTH, "XOR"])
def test_gates_are_learned_as_scikit_learn_learns_them(truth):
    coef, intercept = np.array([[0.31, -0.17]]), np.array([0.05])
    wanted = linear_model.Perceptron(tol=None, max_iter=12, shuffle=False)
    wanted.fit(TABLE, truth, coef_init=coef.copy(), intercept_init=intercept.copy())
    found = Perceptron(max_iter=12, shuffle=False, coef=coef, intercept=intercept, dtype="float64").fit(TABLE, truth)
    np.testing.assert_allclose(found.coef_, wanted.coef_, rtol=0, atol=1e-12)
    np.testing.assert_allclose(found.intercept_, wanted.intercept_, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(found.predict(TABLE), wanted.predict(TABLE))


def test_xor_from_gates():
    """A second layer draws it: XOR = AND(OR, NAND)."""
    hidden = np.stack([Perceptron.gate(name).predict(TABLE) for name in ("OR", "NAND")], axis=1)
    assert Perceptron.gate("AND").predict(hidden).tolist() == XOR


def test_the_rule_by_hand():
    """w ← w + η (y − ŷ) x over two rows, worked out on paper."""
    model = Perceptron(eta0=0.5, max_iter=1, shuffle=False).fit([[1.0, 2.0], [3.0, -1.0]], [1, 0])
    # Row 1: z = 0, ŷ = 0, y = 1: w = (0.5, 1), b = 0.5.
    # Row 2: z = 1.5 − 1 + 0.5 = 1, ŷ = 1, y = 0: w = (0.5, 1) − (1.5, −0.5), b = 0.5 − 0.5.
    assert model.coef_.tolist() == [[-1.0, 1.5]]
    assert model.intercept_.tolist() == [0.0]
    assert model.mistakes_ == [1.0]


@pytest.mark.parametrize("classes", [2, 3])
def test_the_rule_is_scikit_learns(classes):
    x, y = load_iris(return_X_y=True)
    rows = np.random.default_rng(0).permutation(np.flatnonzero(y > 2 - classes))
    x, y = x[rows], np.array(["a", "b", "c"])[y[rows]]
    neurons = 1 if classes == 2 else 3
    # A start away from 0: at exactly z = 0 scikit-learn updates rows of either class.
    coef, intercept = np.random.default_rng(1).normal(size=(neurons, 4)), np.full(neurons, 0.1)
    wanted = linear_model.Perceptron(eta0=0.3, tol=None, max_iter=15, shuffle=False)
    wanted.fit(x, y, coef_init=coef.copy(), intercept_init=intercept.copy())
    found = Perceptron(0.3, max_iter=15, shuffle=False, coef=coef, intercept=intercept, dtype="float64").fit(x, y)
    # Sums of the same numbers; only the order of additions within one z may differ.
    np.testing.assert_allclose(found.coef_, wanted.coef_, rtol=0, atol=1e-10)
    np.testing.assert_allclose(found.intercept_, wanted.intercept_, rtol=0, atol=1e-10)
    np.testing.assert_array_equal(found.predict(x), wanted.predict(x))


def test_one_against_the_rest():
    corners = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])
    x = (corners[:, None] + np.random.default_rng(0).normal(size=(4, 20, 2))).reshape(-1, 2)
    y = np.repeat(["sw", "se", "nw", "ne"], 20)
    model = Perceptron(random_state=0).fit(x, y)
    assert model.coef_.shape == (4, 2)
    assert model.decision_function(x).shape == (80, 4)
    assert model.score(x, y) == 1
