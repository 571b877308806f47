"""Several outputs: each loss is finished by itself, and told by its own name and sign."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.engine.data import Data
from jindan.engine.forward import evaluate
from jindan.engine.supervised import program_of
from jindan.engine.train import train
from jindan.joint import JointLoss
from jindan.layers import LSTM, Dense
from jindan.layers.wiring import Wiring
from jindan.models.saving import run_of
from jindan.plan import Plan

from .helpers import close, line, regressor

RNG = np.random.default_rng(5)
X = RNG.normal(size=(22, 3))
Y = (3 * X[:, :2] + 1, X[:, 2:] - 2)
WEIGHT = RNG.uniform(0.5, 2, 22)
TWO = Wiring(nodes=((0, (0,)), (1, (0,))), outputs=(1, 2))


def both(*parts, shares=None, **settings):
    """A linear map for each of two outputs, in float64."""
    base = {"optimizer": "sgd", "batch_size": 8, "epochs": 3, "seed": 1, "dtype": "float64"}
    return Plan(
        (Dense(2), Dense(1)), loss=JointLoss(parts, shares, names=("a", "b")), wiring=TWO, **{**base, **settings}
    )


def root(truth, guess, weight=1.0):
    return np.sqrt(np.mean(weight * np.mean((truth - guess) ** 2, axis=-1)))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_the_root_of_one_output_is_its_own(weight):
    held = (X[16:], tuple(y[16:] for y in Y), None if weight is None else weight[16:])
    plan = both("rmse", "mse", shares=(0.5, 2.0))
    data = Data.of(X, Y, weight, held)
    run = train(plan, data)
    a, b = run.predict(X)
    w = np.ones(22) if weight is None else weight

    def cost(rows):
        return 0.5 * root(Y[0][rows], a[rows], w[rows]) + 2 * np.mean(w[rows] * np.mean((Y[1] - b) ** 2, -1)[rows])

    close(evaluate(plan, run.input_shape, run.weights, data, 8)["loss"], cost(slice(None)))
    close(run.history["val_loss"][-1], cost(slice(16, None)))


def test_the_root_of_one_output_is_what_trains(x64):
    # Where an output has the root as its loss, its weights go where they would if it were trained alone.
    run = train(both("rmse", "mse", shuffle=False), (X, Y))
    for output, loss in enumerate(("rmse", "mse")):
        alone = regressor(loss=loss, shuffle=False, batch_size=8, epochs=3).edit(layers=(Dense((2, 1)[output]),))
        start = train(both("rmse", "mse", epochs=0), (X, Y)).weights[output]
        found = train(alone, (X, Y[output]), start=run_of(alone, (3,), (start,))).weights[0]
        for name, ours in run.weights[output].items():
            close(ours, found[name])


def test_a_root_keeps_batches_whole():
    two = Wiring(nodes=((0, (0,)), (1, (1,)), (2, (1,))), outputs=(2, 3))
    roots, squares = (
        Plan((LSTM(256), Dense(1), Dense(1)), loss=JointLoss((first, "mse")), wiring=two) for first in ("rmse", "mse")
    )
    assert program_of(roots.structure, (50, 8)).shards(256) == 1
    if len(jax.devices("cpu")) > 1 and jax.default_backend() == "cpu":
        assert program_of(squares.structure, (50, 8)).shards(256) > 1


def test_a_metric_called_loss_does_not_hide_the_loss():
    def loss(truth, guess):
        return jnp.mean(jnp.abs(truth - guess), axis=-1)

    x, y = line()
    history = train(regressor(epochs=1, metrics=(loss,)), (x, y)).history
    assert list(history) == ["loss", "loss_1", "learning_rate"]
    assert history["loss"] == train(regressor(epochs=1), (x, y)).history["loss"]


def test_losses_of_outputs_add_up_to_the_loss():
    plan = both("cosine_similarity", "mse")
    run = train(plan, (X, Y))
    found = evaluate(plan, run.input_shape, run.weights, Data.of(X, Y))
    close(found["a_loss"] + found["b_loss"], found["loss"])
