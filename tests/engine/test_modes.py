"""Ways of computing an update: gathered gradients, half precision, mixed rows, several inputs, masked steps."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.engine.data import Data
from jindan.engine.forward import evaluate, predict
from jindan.engine.mixing import mix
from jindan.engine.train import train
from jindan.errors import InputError, ShapeError
from jindan.layers import Concatenate, Dense, Embedding, Flatten, Layer, Masking
from jindan.layers.wiring import Wiring
from jindan.optimizers import SGD, Adam
from jindan.plan import Plan
from jindan.schedules import ExponentialDecay

RNG = np.random.default_rng(417)
X, Y = RNG.normal(size=(24, 3)), RNG.normal(size=(24, 2))
PLAN = Plan((Dense(4, activation="tanh"), Dense(2)), loss="mse", optimizer="sgd", batch_size=4, epochs=3, seed=1,
            dtype="float64")  # fmt: skip


def flat(run):
    return np.concatenate([leaf.ravel() for leaf in jax.tree.leaves(run.weights)])


def test_gathering_gradients_of_small_batches_is_one_large_batch():
    """SGD over 3 × 4 rows, their means averaged, is SGD over 12 rows."""
    small = PLAN.edit(optimizer=SGD(0.1, gradient_accumulation_steps=3), shuffle=False)
    large = PLAN.edit(optimizer=SGD(0.1), batch_size=12, shuffle=False)
    first, second = train(small, (X, Y)), train(large, (X, Y))
    agree(flat(first), flat(second), 1e-12)
    assert (first.steps, second.steps) == (6, 6)


def test_gathered_gradients_go_on_into_the_next_epoch_and_survive_a_stop():
    plan = PLAN.edit(optimizer=Adam(0.05, gradient_accumulation_steps=4))  # 6 batches an epoch
    whole = train(plan, (X, Y))
    assert whole.steps == 18 // 4
    part = train(plan, (X, Y), until=1)
    assert int(part.state["optimizer"]["batches"]) == 2
    np.testing.assert_array_equal(flat(train(plan, (X, Y), start=part)), flat(whole))
    members = train([plan.edit(seed=s) for s in (1, 2)], (X, Y))
    agree(flat(members[0]), flat(whole), 1e-12)


def test_gathering_as_in_keras(keras64):
    model = keras64.Sequential([keras64.layers.Dense(2, input_shape=(3,))])
    model.compile(keras64.optimizers.Adam(0.05, gradient_accumulation_steps=3), "mse")
    plan = PLAN.edit(layers=(Dense(2),), optimizer=Adam(0.05, gradient_accumulation_steps=3), shuffle=False)
    start = train(plan.edit(epochs=0), (X, Y))
    model.set_weights([start.weights[0]["kernel"], start.weights[0]["bias"]])
    model.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    run = train(plan, (X, Y), start=start)
    agree(run.weights[0]["kernel"], model.get_weights()[0])


def test_a_schedule_counts_batches_as_in_keras(keras64):
    decay = {"initial_learning_rate": 0.1, "decay_steps": 4, "decay_rate": 0.5}
    theirs = keras64.optimizers.SGD(
        keras64.optimizers.schedules.ExponentialDecay(**decay), gradient_accumulation_steps=3
    )
    model = keras64.Sequential([keras64.layers.Dense(2, input_shape=(3,))])
    model.compile(theirs, "mse")
    ours = SGD(ExponentialDecay(**decay), gradient_accumulation_steps=3)
    plan = PLAN.edit(layers=(Dense(2),), optimizer=ours, shuffle=False)
    start = train(plan.edit(epochs=0), (X, Y))
    model.set_weights([start.weights[0]["kernel"], start.weights[0]["bias"]])
    model.fit(X, Y, batch_size=4, epochs=3, shuffle=False, verbose=0)
    run = train(plan, (X, Y), start=start)
    agree(run.weights[0]["kernel"], model.get_weights()[0])
    # The rate of an epoch is that of its last update: batches 5, 11 and 17 of all.
    np.testing.assert_allclose(run.history["learning_rate"], [0.1 * 0.5 ** (b / 4) for b in (5, 11, 17)], rtol=1e-12)


def test_half_precision_learns_the_same_within_its_digits():
    plan = PLAN.edit(dtype="float32", optimizer=Adam(0.02), epochs=60)
    y = np.stack([X[:, 0] * X[:, 1], X[:, 2]], 1)
    full, half = train(plan, (X, y)), train(plan.edit(precision="bfloat16"), (X, y))
    assert half.weights[0]["kernel"].dtype == np.float32
    assert half.history["loss"][-1] == pytest.approx(full.history["loss"][-1], rel=0.3)
    assert half.history["loss"] != full.history["loss"]
    # bfloat16 has 8 bits of mantissa: 2⁻⁸ an operation, a handful of operations.
    outputs = [predict(p, (3,), full.weights, X) for p in (plan, plan.edit(precision="bfloat16"))]
    assert outputs[1].dtype == np.float32
    agree(outputs[1], outputs[0], 0.03)
    assert (
        evaluate(half.plan, (3,), half.weights, Data.of(X, y))["loss"]
        < evaluate(plan, (3,), train(plan.edit(epochs=0), (X, y)).weights, Data.of(X, y))["loss"]
    )


def test_mixing_keeps_padding_out_and_draws_beta(x64):
    x, rows = jnp.asarray(RNG.normal(size=(6, 2))), jnp.asarray([1.0, 1, 1, 1, 0, 0])
    shares = []
    for seed in range(300):
        mixed, share, partner = mix(x, jax.random.key(seed), 0.5, rows)
        shares.append(float(share))
        assert sorted(np.asarray(partner[:4])) == [0, 1, 2, 3]
        np.testing.assert_allclose(mixed, share * x + (1 - share) * x[partner])
    # Beta(½, ½): mean ½, variance 1/8; five standard errors of 300 draws.
    assert np.mean(shares) == pytest.approx(0.5, abs=5 * (0.125 / 300) ** 0.5)
    assert np.var(shares) == pytest.approx(0.125, rel=0.3)


def test_mixup_trains_on_mixed_targets():
    """With a linear network and the squared error's cross terms, mixup is not plain training, but learns as well."""
    labels = (X[:, 0] > 0).astype(int)
    plan = Plan((Dense(2, activation="softmax"),), loss="sparse_categorical_crossentropy", optimizer=Adam(0.1),
                metrics=("accuracy",), batch_size=8, epochs=40, seed=0, mixup=0.4)  # fmt: skip
    run, plain = train(plan, (X, labels)), train(plan.edit(mixup=0.0), (X, labels))
    assert run.history["accuracy"][-1] > 0.9
    assert run.history["loss"][-1] > plain.history["loss"][-1]
    np.testing.assert_array_equal(flat(train(plan, (X, labels))), flat(run))
    members = train([plan.edit(seed=s) for s in (0, 1)], (X, labels))
    agree(flat(members[0]), flat(run))


TWO = Plan(
    (Embedding(5, 2), Flatten(), Dense(3), Concatenate(), Dense(1)),
    loss="mse", optimizer="sgd", batch_size=4, epochs=4, seed=0, dtype="float64",
    wiring=Wiring(nodes=((0, (0,)), (1, (2,)), (2, (1,)), (3, (3, 4)), (4, (5,))), outputs=(6,), inputs=2),
)  # fmt: skip


def test_two_inputs_of_different_kinds_train_together():
    ids, table = RNG.integers(0, 5, (18, 3)), RNG.normal(size=(18, 2))
    y = RNG.normal(size=(18, 1))
    data = Data.of((ids, table), y, None, ((ids[:5], table[:5]), y[:5]))
    run = train(TWO, data)
    assert run.input_shape == ((3,), (2,))
    assert run.history["val_loss"][-1] < run.history["val_loss"][0]
    alone = train([TWO, TWO.edit(seed=3)], data)[0]
    agree(flat(alone), flat(run), 1e-12)
    outputs = run.predict([ids, table])
    hidden = np.concatenate([run.weights[0]["embeddings"][ids].reshape(18, -1),
                             table @ run.weights[2]["kernel"] + run.weights[2]["bias"]], 1)  # fmt: skip
    agree(outputs, hidden @ run.weights[4]["kernel"] + run.weights[4]["bias"], 1e-12)
    figures = evaluate(TWO, run.input_shape, run.weights, data)
    assert figures["loss"] == pytest.approx(float(np.mean((outputs - y) ** 2)))


def test_wrong_inputs_are_refused_in_words():
    ids, table, y = np.zeros((4, 3), int), np.zeros((4, 2)), np.zeros((4, 1))
    with pytest.raises(ShapeError, match="as many inputs"):
        train(TWO, Data.of(table, y))
    with pytest.raises(ShapeError, match="differ in their number of rows"):
        Data.of((ids, table[:2]), y)
    with pytest.raises(InputError, match="not numbers of entries"):
        train(TWO, Data.of((ids + 5, table), y))
    run = train(TWO, Data.of((ids, table), y))
    with pytest.raises(ShapeError, match="several inputs"):
        run.predict(ids)
    with pytest.raises(ShapeError, match="number of rows"):
        run.predict([ids, table[:1]])
    with pytest.raises(InputError, match="not numbers of entries"):
        run.predict([ids - 1, table])


def test_masked_steps_cost_nothing():
    """The loss of sequences is the mean over steps that exist."""
    x = RNG.normal(size=(3, 4, 2))
    x[0, 2:] = 0
    x[2, 1:] = 0
    y = RNG.normal(size=(3, 4, 1))
    plan = Plan((Masking(), Dense(1)), loss="mse", optimizer="sgd", batch_size=3, epochs=1, seed=0, dtype="float64")
    run = train(plan.edit(epochs=0), (x, y))
    real = (x != 0).any(-1)
    outputs = run.predict(x)
    wanted = np.mean((outputs - y)[real] ** 2)
    assert evaluate(plan, (4, 2), run.weights, Data.of(x, y))["loss"] == pytest.approx(wanted, rel=1e-12)
    assert train(plan, (x, y)).history["loss"][0] == pytest.approx(wanted, rel=1e-12)


def test_metrics_count_steps_that_exist(keras64):
    """Accuracy of tags over padded sequences, as Keras counts it."""
    ids, tags = RNG.integers(1, 5, (6, 4)), RNG.integers(0, 3, (6, 4))
    for row, length in enumerate((4, 2, 1, 3, 4, 2)):
        ids[row, length:] = 0
    layers = (Embedding(5, 3, mask_zero=True), Dense(3, activation="softmax"))
    plan = Plan(layers, loss="sparse_categorical_crossentropy", optimizer="sgd", metrics=("accuracy",), batch_size=6,
                seed=0, dtype="float64")  # fmt: skip
    run = train(plan.edit(epochs=0), (ids, tags))
    found = evaluate(plan, (4,), run.weights, Data.of(ids, tags))
    right = (run.predict(ids).argmax(-1) == tags)[ids > 0]
    assert found["accuracy"] == pytest.approx(right.mean(), rel=1e-12)
    model = keras64.Sequential([keras64.layers.Embedding(5, 3, mask_zero=True), keras64.layers.Dense(3, "softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.build((None, 4))
    model.set_weights([w for found in run.weights for w in found.values()])
    loss, accuracy = model.evaluate(ids, tags, batch_size=6, verbose=0)
    assert found["accuracy"] == pytest.approx(accuracy, rel=1e-6)
    assert found["loss"] == pytest.approx(loss, rel=1e-6)


def test_a_layer_of_the_users_in_ten_lines():
    class Scaled(Layer):
        start: float = 1.0

        def weights(self, shape):
            from jindan.initializers import Constant
            from jindan.layers import Weight

            return {"scale": Weight(shape[-1:], Constant(self.start))}

        def apply(self, w, x, ctx):
            return x * w["scale"]

    run = train(PLAN.edit(layers=(Scaled(2.0), Dense(2))), (X, Y))
    assert run.weights[0]["scale"].shape == (3,)
    assert not np.array_equal(run.weights[0]["scale"], [2, 2, 2])
