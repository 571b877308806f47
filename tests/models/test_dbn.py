"""The deep belief network: greedy by hand, the same weights in the network, its estimator."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.utils.estimator_checks import parametrize_with_checks

from jindan.engine.program import train_program
from jindan.errors import FileError, InputError
from jindan.estimators.dbn import DBN
from jindan.layers import Dense
from jindan.models import dbn
from jindan.models.rbm import RBMProgram

VALUES = {"learning_rate": 0.1, "momentum": 0.0, "weight_decay": 0.0}
X = (load_digits().data[:300] / 16).astype(np.float32)
Y = load_digits().target[:300]


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def test_greedy_by_hand():
    """Each RBM is what one trained alone on the activities below is; the network computes the same activities."""
    stack = dbn.pretrain(X, (12, 7), epochs=2, values=VALUES, seed=5, method="cd", batch_size=20)
    first = train_program(RBMProgram(64, 12, method="cd", batch_size=20), X, epochs=2, seeds=[5], values=[VALUES])[0]
    below = first.state["params"]
    np.testing.assert_array_equal(stack.params[0]["kernel"], below["kernel"])
    h = sigmoid(X @ below["kernel"] + below["hidden_bias"])
    second = train_program(RBMProgram(12, 7, method="cd", batch_size=20), h, epochs=2, seeds=[6], values=[VALUES])[0]
    np.testing.assert_allclose(stack.params[1]["kernel"], second.state["params"]["kernel"], atol=1e-3)
    top = sigmoid(h @ stack.params[1]["kernel"] + stack.params[1]["hidden_bias"])
    np.testing.assert_allclose(stack.transform(X), top, rtol=1e-4)
    network = stack.network(Dense(3, activation="linear"))
    kernel, bias = network.get_weights()[-2:]
    np.testing.assert_allclose(network.predict(X, verbose=0), top @ kernel + bias, atol=1e-4)
    assert [len(h["energy_gap"]) for h in stack.histories] == [2, 2]


def test_samples_resemble_rows():
    stack = dbn.pretrain(X, (32, 32), epochs=60, values=VALUES, method="pcd", batch_size=20)
    drawn, mean = stack.sample(400, steps=200)
    assert set(np.unique(drawn)) <= {0, 1}
    assert np.corrcoef(mean.mean(0), X.mean(0))[0, 1] > 0.8


@pytest.mark.filterwarnings("ignore")
@parametrize_with_checks([
    DBN((16,), pretrain_iter=3, pretrain_batch_size=16, learning_rate=0.02, n_iter=120, random_state=0, dtype="float64")
])  # fmt: skip
def test_scikit_learn(estimator, check):
    check(estimator)


def test_rows_without_classes(tmp_path):
    """Few labels: after RBMs on all rows it is better than the same network from a random start; saved and loaded."""
    data = load_digits()
    x, y = data.data / 16, data.target
    settings = {"learning_rate": 0.01, "n_iter": 100, "random_state": 0}
    model = DBN((64, 64), pretrain_iter=30, pretrain_batch_size=20, **settings).fit(x[:50], y[:50], unlabeled=x)
    plain = DBN((64, 64), pretrain_iter=0, **settings).fit(x[:50], y[:50])
    assert model.score(x[50:], y[50:]) > plain.score(x[50:], y[50:])
    assert model.score(x[50:], y[50:]) > 0.7
    assert model.transform(x[:3]).shape == (3, 64)
    assert model.sample(4, steps=20).shape == (4, 64)
    model.save(tmp_path / "m")
    again = DBN.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict_proba(x), model.predict_proba(x))
    np.testing.assert_array_equal(again.transform(x), model.transform(x))
    with pytest.raises(FileError):
        DBN.load(tmp_path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"hidden_layer_sizes": ()}, "hidden_layer_sizes"), ({"method": "x"}, "method"), ({"n_iter": 0}, "n_iter")],
)
def test_errors(settings, message):
    with pytest.raises(InputError, match=message):
        DBN(**settings).fit(X, Y)
    with pytest.raises(InputError, match="other columns"):
        DBN().fit(X, Y, unlabeled=X[:, 1:])
    with pytest.raises(InputError, match="without RBMs"):
        DBN((4,), pretrain_iter=0, n_iter=1).fit(X, Y).sample()
