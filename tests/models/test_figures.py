"""Metrics inside a training: areas from logits, R² far from 0, and functions whose captured values change."""

from __future__ import annotations

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from jindan.closures import closed
from jindan.layers import Dense, Input
from jindan.losses import BinaryCrossentropy, CategoricalCrossentropy, SparseCategoricalCrossentropy
from jindan.metrics import AUC, Perplexity, R2Score
from jindan.models import Model, Sequential
from jindan.optimizers import SGD

rng = np.random.default_rng(3)
X = rng.normal(size=(300, 3)).astype(np.float32)


def network(units, activation, loss, metrics, optimizer="sgd", dtype=None):
    model = Sequential([Dense(units, activation=activation, input_shape=(3,))], dtype=dtype)
    model.compile(optimizer, loss, metrics=metrics)
    return model


@pytest.mark.parametrize("metric", ["auc", "AUC", AUC, AUC()], ids=["name", "class name", "class", "object"])
def test_an_area_from_logits(metric):
    y = (X[:, 0] + 0.5 * rng.normal(size=300) > 0).astype(np.float32)
    plain = network(1, "sigmoid", "binary_crossentropy", [metric])
    logits = network(1, None, BinaryCrossentropy(from_logits=True), [metric])
    for model in (plain, logits):
        model.set_weights([np.array([[2.0], [0.3], [-0.2]]), np.array([-1.0])])
    assert logits.evaluate(X, y, return_dict=True)["auc"] == pytest.approx(
        plain.evaluate(X, y, return_dict=True)["auc"]
    )
    from sklearn.metrics import roc_auc_score

    # 400 bins against exact ranks.
    assert logits.evaluate(X, y, return_dict=True)["auc"] == pytest.approx(
        roc_auc_score(y, logits.predict(X)), abs=2e-3
    )


@pytest.mark.parametrize("sparse", [False, True])
def test_an_area_from_logits_of_several_classes(sparse):
    labels = rng.integers(0, 4, 300)
    y = labels if sparse else np.eye(4)[labels]
    loss = SparseCategoricalCrossentropy if sparse else CategoricalCrossentropy
    plain = network(4, "softmax", loss(), ["auc"])
    logits = network(4, None, loss(from_logits=True), ["auc"])
    logits.set_weights(plain.get_weights())
    assert logits.evaluate(X, y)[1] == pytest.approx(plain.evaluate(X, y)[1], rel=1e-6)


def test_an_area_by_hand_as_in_keras():
    y, z = np.array([0.0, 0.0, 1.0, 1.0]), np.array([-3.0, 1.0, 0.5, 2.0])
    # 3 of the 4 pairs of a positive and a negative are in order.
    assert AUC(from_logits=True)(y, z) == pytest.approx(0.75)
    assert AUC(from_logits=True)(y, z) == AUC()(y, 1 / (1 + np.exp(-z)))


def exact_r2(y, p):
    y, p = (np.asarray(a, np.float64).reshape(len(a), -1) for a in (y, p))
    return float((1 - ((y - p) ** 2).sum(0) / ((y - y.mean(0)) ** 2).sum(0)).mean())


@pytest.mark.parametrize("outputs", [1, 2])
def test_r2_of_targets_far_from_0(outputs):
    """Mean 1e6, spread 1: float32 holds such targets to 0.06, and R² of what it holds is exact to 1e-3."""
    kernel = rng.normal(size=(3, outputs))
    y = (1e6 + X @ kernel / np.linalg.norm(kernel, axis=0) + 0.3 * rng.normal(size=(300, outputs))).astype(np.float32)
    model = network(outputs, None, "mse", ["r2", R2Score(name="own")], SGD(0.0))
    model.set_weights([kernel / np.linalg.norm(kernel, axis=0), np.full(outputs, 1e6)])
    wanted = exact_r2(y, model.predict(X))
    assert 0.8 < wanted < 0.95
    history = model.fit(X, y, batch_size=32, epochs=2, validation_data=(X, y)).history
    for name in ("r2", "own", "val_r2", "val_own"):
        assert history[name] == pytest.approx([wanted] * 2, abs=1e-3)
    assert model.evaluate(X, y, return_dict=True)["r2"] == pytest.approx(wanted, abs=1e-3)
    assert R2Score()(y, model.predict(X)) == pytest.approx(wanted, abs=1e-3)


def test_r2_near_0_is_as_it_was():
    y = X[:, :1] * 2 + 1
    assert R2Score().centred(y) == R2Score()
    p = y + 0.1 * rng.normal(size=y.shape)
    assert R2Score()(y, p) == pytest.approx(exact_r2(y, p), rel=1e-5)
    assert R2Score(shift=3.0)(y, p) == pytest.approx(exact_r2(y, p), rel=1e-5)


FACTOR = 1.0


def test_a_loss_whose_captured_value_changes():
    """The compiled program holds the value, so another value is another program."""
    y, factor, state = X[:, :1], 1.0, {"factor": 1.0}

    def of_cell(y_true, y_pred):
        return factor * (y_true - y_pred) ** 2

    def of_dict(y_true, y_pred):
        return state["factor"] * (y_true - y_pred) ** 2

    def of_global(y_true, y_pred):
        return FACTOR * (y_true - y_pred) ** 2

    for loss in (of_cell, of_dict, of_global):
        model = network(1, None, loss, [loss], SGD(0.0))
        model.set_weights([np.zeros((3, 1)), np.zeros(1)])
        figures = []
        for value in (1.0, -1.0, -2.0, 1.0):  # hash(-1) is hash(-2)
            factor = state["factor"] = globals()["FACTOR"] = value
            history = model.fit(X, y, batch_size=64).history
            figures.append([*(v[0] for v in history.values()), *model.evaluate(X, y)])
        base = float((y**2).mean())
        np.testing.assert_allclose(figures, np.outer([1, -1, -2, 1], [base] * 4), rtol=1e-5)


def test_functions_equal_by_what_they_capture():
    def scaled(by):
        return lambda a, b: by * (a - b)

    class Method:
        by = 1.0

        def __init__(self):
            self.by = 2.0

        def __call__(self, a, b):
            return self.by * (a - b)

    def plain(a, b):
        return jnp.abs(a - b)

    assert closed(plain) is plain
    assert repr(closed(scaled(1.0))).startswith("<function")
    array = np.arange(3.0)
    for loss in (scaled(array), scaled([array]), scaled({"a": array}), functools.partial(plain, b=array)):
        before = closed(loss)
        assert closed(loss) == before == closed(before)
        assert hash(closed(loss)) == hash(before)
        array[0] += 1
        assert closed(loss) != before
    found = Method()
    before = closed(found)
    assert closed(found) == before
    found.by = 3.0
    assert closed(found) != before
    bound = closed(Method().__call__)
    assert bound == closed(bound)
    assert closed(scaled(1.0)) != closed(scaled(True))
    loop = [1.0]
    loop.append(loop)
    assert closed(scaled(loop)) is not None


@pytest.mark.parametrize("metric", ["perplexity", Perplexity, Perplexity()], ids=["name", "class", "object"])
@pytest.mark.parametrize("one_hot", [False, True])
def test_a_perplexity_from_logits(metric, one_hot):
    labels = rng.integers(0, 4, 300)
    y = np.eye(4, dtype=np.float32)[labels] if one_hot else labels
    loss = CategoricalCrossentropy if one_hot else SparseCategoricalCrossentropy
    figures = network(4, None, loss(from_logits=True), [metric]).evaluate(X, y, return_dict=True)
    assert figures["perplexity"] == pytest.approx(np.exp(figures["loss"]), rel=1e-5)


def test_r2_of_several_outputs_keeps_its_digits():
    x = Input((3,))
    model = Model(x, [Dense(1, name="a")(x), Dense(1, name="b")(x)])
    model.compile("sgd", "mse", metrics=["r2", R2Score])
    first, second = 10_000 + X[:, :1], 5 * X[:, :1]
    model.set_weights([np.array([[1.0], [0], [0]]), [10_000.3], np.array([[4.0], [0], [0]]), [0.0]])
    found = model.evaluate(X, [first, second], return_dict=True)
    from sklearn.metrics import r2_score

    for name, truth, guess in zip("ab", (first, second), model.predict(X), strict=True):
        # 1e-2 and less at the first output is what float32 keeps of 10,000 beside a spread of 1.
        assert found[f"{name}_r2"] == pytest.approx(r2_score(truth, guess), abs=1e-3)
