"""Whole trainings equal PyTorch's, Keras's and a loop in NumPy."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan.engine.train import train
from jindan.layers import Dense
from jindan.optimizers import Adam, Momentum
from jindan.plan import Plan
from jindan.regularizers import L1, L2

from .helpers import blobs, classifier, close, leaves, line, regressor


def torch_train(torch, plan, run, data, cost):
    """The plan's updates in PyTorch, from the run's fresh weights; (weights, losses of the epochs)."""
    x, y, weight = (torch.tensor(np.asarray(part)) for part in data)
    w = [torch.tensor(leaf, requires_grad=True) for leaf in (v for layer in run.weights for v in layer.values())]
    rate = plan.optimizer.learning_rate
    if isinstance(plan.optimizer, Adam):
        optimizer = torch.optim.Adam(w, lr=rate, eps=plan.optimizer.epsilon)
    else:
        optimizer = torch.optim.SGD(w, lr=rate, momentum=plan.optimizer.momentum)
    history = []
    for _ in range(plan.epochs):
        total = 0.0
        for start in range(0, len(x), plan.batch_size):
            rows = slice(start, start + plan.batch_size)
            optimizer.zero_grad()
            value = cost(torch, w, x[rows], y[rows], weight[rows])
            value.backward()
            optimizer.step()
            total += value.item() * len(x[rows])
        history.append(total / len(x))
    return [v.detach().numpy() for v in w], history


def mlp(torch, w, x):
    return torch.tanh(x @ w[0] + w[1]) @ w[2] + w[3]


def mean_square(torch, w, x, y, weight):
    return (weight * ((x @ w[0] + w[1] - y) ** 2).mean(1)).mean()


def cross_entropy(torch, w, x, y, weight):
    # Class weights 1, 0.5, 2 multiply the row's own.
    classes = torch.tensor([1.0, 0.5, 2.0], dtype=torch.float64)[y.argmax(1)]
    return (weight * classes * torch.nn.functional.cross_entropy(mlp(torch, w, x), y, reduction="none")).mean()


def penalised(torch, w, x, y, weight):
    z = mlp(torch, w, x)
    rows = torch.nn.functional.binary_cross_entropy_with_logits(z, y, reduction="none").mean(1)
    own = 0.02 * w[0].abs().sum() + 0.03 * (w[1] ** 2).sum()
    everywhere = 0.01 * sum((k**2).sum() for k in (w[0], w[2])) + 0.005 * sum(k.abs().sum() for k in (w[0], w[2]))
    return (weight * rows).mean() + own + everywhere


WEIGHT = np.random.default_rng(3).uniform(0.1, 2, 14)
CASES = {
    "regression, momentum": (
        regressor(optimizer=Momentum(0.02), shuffle=False, epochs=8),
        (*line(10), np.ones(10)),
        mean_square,
    ),
    "weights of rows and classes, Adam": (
        # ε = 0: PyTorch scales it with the bias correction.
        classifier(
            optimizer=Adam(0.02, epsilon=0), shuffle=False, epochs=8, class_weight={1: 0.5, 2: 2.0},
            metrics=["accuracy"],
        ),
        (blobs()[0], blobs()[2], WEIGHT),
        cross_entropy,
    ),
    "penalties": (
        Plan(
            (
                Dense(4, activation="tanh", kernel_regularizer=L1(0.02), bias_regularizer=L2(0.03)),
                Dense(3, activation="sigmoid"),
            ),
            loss="binary_crossentropy", optimizer=Momentum(0.05), batch_size=5, epochs=8, seed=2, shuffle=False,
            l1=0.005, l2=0.01, dtype="float64",
        ),
        (blobs()[0], blobs()[2], WEIGHT),
        penalised,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_as_in_torch(name):
    """The last batch is a partial one in each case: its gradient is the mean over its real rows."""
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    plan, data, cost = CASES[name]
    assert len(data[0]) % plan.batch_size
    fresh = train(plan.edit(epochs=0), data)
    run = train(plan, data, start=fresh)
    weights, history = torch_train(torch, plan, fresh, data, cost)
    ours = [v for layer in run.weights for v in layer.values()]
    for found, wanted in zip(ours, weights, strict=True):
        close(found, wanted)
    close(run.history["loss"], history)
    again = train(plan, data)  # the seed alone gives the same fresh weights
    assert all(np.array_equal(a, b) for a, b in zip(leaves(again), leaves(run), strict=True))


def test_as_in_keras():
    """fit's history and weights: validation, metrics, a penalty, row weights, a partial batch."""
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    x, _, y = blobs(14)
    validation = blobs(9, seed=5)
    layers = (Dense(4, activation="tanh", kernel_regularizer=L2(0.01)), Dense(3, activation="softmax"))
    plan = classifier(optimizer=Adam(0.02), shuffle=False, epochs=6, metrics=("accuracy",)).replace(layers=layers)
    data = (x, y, WEIGHT, (validation[0], validation[2]))
    fresh, run = train(plan.edit(epochs=0), data), train(plan, data)
    with jax.enable_x64(True):
        before = keras.config.floatx()
        keras.config.set_floatx("float64")
        model = keras.Sequential(
            [
                keras.layers.Dense(
                    4, activation="tanh", kernel_regularizer=keras.regularizers.L2(0.01), dtype="float64"
                ),
                keras.layers.Dense(3, activation="softmax", dtype="float64"),
            ]
        )
        model.build((None, 3))
        model.set_weights([v for layer in fresh.weights for v in layer.values()])
        model.compile(keras.optimizers.Adam(0.02), "categorical_crossentropy", metrics=["accuracy"])
        theirs = model.fit(
            x, y, sample_weight=WEIGHT, batch_size=4, epochs=6, shuffle=False, verbose=0,
            validation_data=(validation[0], validation[2]),
        )  # fmt: skip
        wanted = model.get_weights()
        keras.config.set_floatx(before)
    # Keras takes means in float32 whatever its dtype: 1e-8 an update without any penalty, momentum or row weight.
    for found, expected in zip((v for layer in run.weights for v in layer.values()), wanted, strict=True):
        close(found, expected, 1e-6)
    assert set(run.history) == {*theirs.history, "learning_rate"}
    for name, values in theirs.history.items():
        close(run.history[name], values, 1e-6)


def numpy_train(x, y, w, b, plan):
    """Least squares by mini-batch descent, from the formula."""
    history = []
    for _ in range(plan.epochs):
        total = 0.0
        for start in range(0, len(x), plan.batch_size):
            rows = slice(start, start + plan.batch_size)
            error = x[rows] @ w + b - y[rows]
            total += (error**2).sum()
            w = w - plan.optimizer.learning_rate * 2 * x[rows].T @ error / len(error)
            b = b - plan.optimizer.learning_rate * 2 * error.mean(0)
        history.append(total / len(x))
    return w, b, history


@pytest.mark.parametrize(
    ("rows", "batch", "features"), [(10, 4, 2), (10, 5, 2), (3, 8, 2), (5, 1, 1), (1, 4, 3)],
    ids=["partial", "exact", "batch larger than the data", "batch of one, one feature", "one row"],
)  # fmt: skip
def test_batches_of_all_kinds(rows, batch, features):
    x, y = line(rows, features)
    plan = regressor(batch_size=batch, shuffle=False, epochs=4, optimizer="sgd").edit(learning_rate=0.05)
    run = train(plan, (x, y))
    fresh = train(plan.edit(epochs=0), (x, y))
    w, b, history = numpy_train(x, y, fresh.weights[0]["kernel"], fresh.weights[0]["bias"], plan)
    close(run.weights[0]["kernel"], w)
    close(run.weights[0]["bias"], b)
    close(run.history["loss"], history)
    assert run.steps == 4 * -(-rows // batch)


def test_a_second_training_goes_on():
    """Two trainings of two epochs are one of four, when nothing is shuffled: weights and optimizer memory go over."""
    x, _, y = blobs()
    plan = classifier(optimizer=Adam(0.02), shuffle=False, epochs=4)
    half = plan.edit(epochs=2)
    whole, first = train(plan, (x, y)), train(half, (x, y))
    second = train(half, (x, y), start=first)
    for found, wanted in zip(leaves(second), leaves(whole), strict=True):
        assert found.tobytes() == wanted.tobytes()
    assert second.steps == whole.steps
    assert len(second.history["loss"]) == 2


def test_evaluation_and_prediction_as_the_history_says():
    from jindan.engine.data import Data
    from jindan.engine.forward import evaluate

    x, _, y = blobs(14)
    plan = classifier(epochs=3, l2=0.01, metrics=("accuracy", "mae"))
    run = train(plan, (x, y, None, (x, y)))
    figures = evaluate(run.plan, run.input_shape, run.weights, Data.of(x, y), batch_size=4)
    for name, value in figures.items():
        close(value, run.history[f"val_{name}"][-1])
    w = run.weights
    z = np.tanh(x @ w[0]["kernel"] + w[0]["bias"]) @ w[1]["kernel"] + w[1]["bias"]
    p = np.exp(z) / np.exp(z).sum(1, keepdims=True)
    for block in (None, 1, 5):
        close(run.predict(x, batch_size=block), p)
    assert run.predict(x[:0]).shape == (0, 3)
