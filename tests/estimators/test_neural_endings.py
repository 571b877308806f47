"""How a training of NeuralClassifier, NeuralRegressor, Perceptron and RBM ends when it goes wrong or is cut off."""

from __future__ import annotations

import signal
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from jindan.engine.program import train_program
from jindan.engine.train import train
from jindan.errors import InputError, JindanWarning
from jindan.estimators import RBM, NeuralClassifier, NeuralRegressor, Perceptron, neural, perceptron, rbm
from jindan.plan import Plan

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4))
Y = (X[:, 0] > 0).astype(int)
XOR = [[0, 0], [0, 1], [1, 0], [1, 1]], [0, 1, 1, 0]
WILD = {"solver": "sgd", "activation": "relu", "random_state": 0}


# -- a rate too high ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("kind", [NeuralClassifier, NeuralRegressor])
def test_what_diverges_says_so(kind, early_stopping):
    model = kind(16, learning_rate_init=1e12, early_stopping=early_stopping, max_iter=20, **WILD)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(100 * X, Y)
    # More epochs would not help, so nothing is said of them.
    assert [w.category for w in caught] == [JindanWarning]
    assert "rate is too high" in str(caught[0].message)
    assert caught[0].filename == __file__
    assert not np.isfinite(model.loss_)


@pytest.mark.parametrize("kind", [NeuralClassifier, NeuralRegressor])
def test_partial_fit_that_diverges_says_so(kind):
    model = kind(16, learning_rate_init=1e30, **WILD)
    more = {"classes": [0, 1]} if kind is NeuralClassifier else {}
    model.partial_fit(X, Y, **more)
    with pytest.warns(JindanWarning, match="rate is too high"):
        model.partial_fit(100 * X, Y)


def test_a_machine_that_diverges_in_partial_fit_says_so():
    machine = RBM(3, learning_rate=1e30, visible="gaussian", method="cd", random_state=0)
    with pytest.warns(JindanWarning, match="rate is too high"):
        machine.partial_fit(X).partial_fit(X)


def test_what_learns_says_nothing_of_its_rate():
    with warnings.catch_warnings():
        warnings.simplefilter("error", JindanWarning)
        warnings.simplefilter("ignore", ConvergenceWarning)
        NeuralClassifier(8, max_iter=5, random_state=0).fit(X, Y).partial_fit(X, Y)


# -- Ctrl-C ------------------------------------------------------------------------------------------------------


def _cut(monkeypatch, module, name, whole, until):
    """Trainings of a module end there, as they do by Ctrl-C."""
    monkeypatch.setattr(module, name, lambda *given, **named: whole(*given, until=until, **named))


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("until", [(0, 1), 2])
def test_ctrl_c_in_fit(monkeypatch, until, early_stopping):
    model = NeuralClassifier(8, batch_size=10, early_stopping=early_stopping, random_state=0)
    _cut(monkeypatch, neural, "train", train, until)
    with pytest.raises(KeyboardInterrupt):
        model.fit(X, Y)
    monkeypatch.undo()
    # What was learned by then can be looked at, and gone on from.
    assert len(model.loss_curve_) == (2 if until == 2 else 0)
    model.partial_fit(X, Y)
    assert model.run_.epochs == 1
    assert len(model.loss_curve_) == (3 if until == 2 else 1)


def test_ctrl_c_in_partial_fit(monkeypatch):
    models = NeuralClassifier(8, random_state=0), NeuralRegressor(8, random_state=0), RBM(3, random_state=0)
    for model, module, name, whole in zip(models, (neural, neural, rbm), ("train", "train", "train_program"),
                                          (train, train, train_program), strict=True):  # fmt: skip
        more = {"classes": [0, 1]} if isinstance(model, NeuralClassifier) else {}
        _cut(monkeypatch, module, name, whole, 0)
        with pytest.raises(KeyboardInterrupt):
            model.partial_fit(X, Y, **more)
        monkeypatch.undo()
        model.partial_fit(X, Y, **more)
        before = model.run_
        _cut(monkeypatch, module, name, whole, 0)
        with pytest.raises(KeyboardInterrupt):
            model.partial_fit(X, Y)
        assert model.run_ is before
        monkeypatch.undo()


def test_ctrl_c_in_a_perceptron(monkeypatch):
    _cut(monkeypatch, perceptron, "train", train, 3)
    model = Perceptron(max_iter=10**7)
    with pytest.raises(KeyboardInterrupt):
        model.fit(*XOR)
    assert not hasattr(model, "coef_")
    monkeypatch.setattr(
        perceptron, "train", lambda *given, listen: train(*given, listen=lambda _: signal.raise_signal(signal.SIGINT))
    )
    with pytest.raises(KeyboardInterrupt):
        model.fit(*XOR)
    monkeypatch.undo()
    # One that stops because nothing is wrong any more was not interrupted.
    assert Perceptron(max_iter=10**6).fit(XOR[0], [0, 0, 0, 1]).mistakes_[-1] == 0


# -- no epochs ---------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("epochs", [0, -1, 1.5])
def test_a_number_of_epochs_that_is_none(epochs):
    for model in (NeuralClassifier(max_iter=epochs), NeuralRegressor(max_iter=epochs), Perceptron(max_iter=epochs)):
        with pytest.raises(InputError, match="max_iter cannot be used"):
            model.fit(X, Y)
    assert NeuralClassifier(max_iter=np.int64(2), random_state=0).fit(X, Y).n_iter_ == 2


def test_a_plan_may_have_no_epochs():
    model = NeuralClassifier(8, plan=Plan(loss="binary_crossentropy", epochs=0, seed=0)).fit(X, Y)
    assert (model.n_iter_, model.loss_curve_) == (0, [])
    assert np.isnan(model.best_loss_)
