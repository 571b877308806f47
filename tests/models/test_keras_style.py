"""Losses and metrics written as for Keras: trained and measured like Keras's own, or told what works."""

from __future__ import annotations

import copy
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

from jindan import spec
from jindan.errors import InputError
from jindan.layers import Dense
from jindan.losses import BinaryCrossentropy, Loss, MeanSquaredError
from jindan.metrics import LossMetric, Metric
from jindan.models import Sequential, load_model

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 3)).astype("float32")
Y = X.sum(1, keepdims=True)
WEIGHTS = RNG.uniform(size=50).astype("float32")


class Scaled(Loss):
    def __init__(self, alpha=1.0, name="scaled", **kwargs):
        super().__init__(name=name, **kwargs)
        self.alpha = alpha
        self.base = MeanSquaredError()

    def call(self, y_true, y_pred):
        return self.alpha * self.base.call(y_true, y_pred)


class Inherited(Scaled):
    def call(self, y_true, y_pred):
        return 2.0 * super().call(y_true, y_pred)


class Further(Scaled):
    def __init__(self, beta, powers=(1, 2), **kwargs):
        super().__init__(alpha=3.0, **kwargs)
        self.beta, self.powers, self.shift = beta, list(powers), jnp.array([1.0])


class Ready(BinaryCrossentropy):
    def __init__(self, factor, **kwargs):
        super().__init__(label_smoothing=0.1, **kwargs)
        self.factor = factor

    def call(self, y_true, y_pred):
        return self.factor * super().call(y_true, y_pred)


class WholeBatch(Loss):
    def call(self, y_true, y_pred):
        return jnp.mean(jnp.abs(y_true - y_pred))


class MeanError(Metric):
    def __init__(self, name="mean_error", **kwargs):
        super().__init__(name=name, **kwargs)
        self.total = self.add_variable(shape=(), initializer="zeros", name="total")
        self.count = self.add_weight(name="count", initializer="zeros")

    def update_state(self, y_true, y_pred, sample_weight=None):
        error = jnp.abs(y_true - y_pred)
        rows = error.shape[0]
        if sample_weight is not None:
            error, rows = error * sample_weight[:, None], jnp.sum(sample_weight)
        self.total.assign_add(jnp.sum(error))
        self.count.assign(self.count + rows)

    def result(self):
        return self.total / self.count

    def reset_state(self):
        self.total.assign(0.0)
        self.count.assign(0.0)


def fitted(loss="mse", metrics=(), epochs=2, **more):
    model = Sequential([Dense(1)])
    model.compile("sgd", loss, metrics=list(metrics), **more)
    return model, model.fit(X, Y, epochs=epochs, seed=0, batch_size=16, validation_split=0.2)


def test_a_loss_of_keras_trains_as_its_formula():
    _, mine = fitted(Scaled(2.0))
    _, plain = fitted("mse", loss_weights=2.0)
    np.testing.assert_allclose(mine.history["loss"], plain.history["loss"], rtol=1e-6)
    np.testing.assert_allclose(mine.history["val_loss"], plain.history["val_loss"], rtol=1e-6)
    assert float(Inherited(2.0)(Y, 0 * Y)) == pytest.approx(4 * float(np.mean(Y**2)))
    # One number for a batch: the last one, of 2 rows, is divided by its own.
    assert fitted(WholeBatch())[1].history["val_loss"] == pytest.approx(fitted("mae")[1].history["val_loss"])


def test_the_same_loss_in_keras():
    keras = pytest.importorskip("keras")

    class Theirs(keras.losses.Loss):
        def __init__(self, alpha=1.0, name="theirs", **kwargs):
            super().__init__(name=name, **kwargs)
            self.alpha = alpha

        def call(self, y_true, y_pred):
            return self.alpha * keras.ops.mean(keras.ops.square(y_true - y_pred), axis=-1)

    guess = RNG.normal(size=Y.shape).astype("float32")
    for weights in (None, WEIGHTS):
        wanted = float(Theirs(2.0)(Y, guess, sample_weight=weights))
        assert float(Scaled(2.0)(Y, guess, weights)) == pytest.approx(wanted, rel=1e-6)


def test_equal_losses_share_a_program():
    assert Scaled(2.0) == Scaled(2.0) != Scaled(3.0)
    assert hash(Scaled(2.0)) == hash(Scaled(2.0))
    assert spec.split(Further(1.0))[0] == spec.split(Further(1.0))[0] != spec.split(Further(1.0, powers=(2,)))[0]
    loss = Further(1.0, name="far")
    assert (loss.alpha, loss.beta, loss.powers, loss.name) == (3.0, 1.0, [1, 2], "far")
    for twin in (copy.deepcopy(loss), loss.replace(), spec.from_json("loss", spec.to_json(loss))):
        assert twin == loss
    assert pickle.loads(pickle.dumps(Scaled(2.0))) == Scaled(2.0)
    assert repr(Scaled(2.0)) == "Scaled(name='scaled', alpha=2.0, base=MeanSquaredError())"
    assert Scaled(2.0, **Scaled(2.0).get_config()) == Scaled(2.0)
    assert LossMetric(Scaled(2.0)).label == "scaled"


def test_a_loss_made_of_a_ready_one_is_not_taken_for_it():
    p = np.array([[0.25], [0.5]], "float32")
    y = np.array([[0.0], [1.0]], "float32")
    assert float(Ready(2.0)(y, p)) == pytest.approx(2 * float(BinaryCrossentropy(label_smoothing=0.1)(y, p)))
    assert not Ready(2.0).takes_logits("sigmoid")
    assert BinaryCrossentropy(name="b", reduction="sum_over_batch_size").takes_logits("sigmoid")


def test_models_with_both_are_saved(tmp_path):
    model, _ = fitted(Scaled(2.0), [MeanError()])
    model.save(tmp_path / "model")
    again = load_model(tmp_path / "model")
    assert again.plan.loss == model.plan.loss
    assert again.plan.metrics == model.plan.metrics
    assert again.evaluate(X, Y) == model.evaluate(X, Y)

    with pytest.raises(InputError, match=r"(?s)no loss called 'Xyzzy'.*defined or imported"):
        spec.from_json("loss", {"type": "Xyzzy", "alpha": 2.0})

    class Odd(Scaled):
        def __init__(self):
            super().__init__()
            self.function = jnp.abs

    with pytest.raises(InputError, match=r"(?s)cannot be written to a file.*function.*numbers, text, arrays"):
        spec.to_json(Odd())


def test_what_a_loss_cannot_be_is_told():
    class Nothing(Loss):
        def call(self, y_true, y_pred):
            jnp.abs(y_true - y_pred)

    class Columns(Loss):
        def call(self, y_true, y_pred):
            return jnp.mean(y_pred, axis=0)

    class Counting(Loss):
        def __init__(self):
            super().__init__()
            self.calls = 0

        def call(self, y_true, y_pred):
            self.calls += 1
            return jnp.abs(y_true - y_pred)

    for make, words in (
        (lambda: fitted(Nothing()), r"one number.*call of Nothing.*nothing \(None\).*return"),
        (lambda: Columns()(Y, Y), r"call of Columns.*\(50, …\).*shape \(1,\)"),
        (lambda: fitted(Counting()), r"does not change once it is made.*calls of Counting"),
        (lambda: setattr(Scaled(1.0), "alpha", 2.0), "alpha of Scaled"),
        (lambda: Scaled(nam="x"), "no setting of this name.*class Scaled.*nam"),
        (lambda: Scaled(reduction="sum"), "reduction of Scaled"),
    ):
        with pytest.raises(InputError, match=f"(?s){words}"):
            make()


def test_a_metric_of_keras_is_exact_over_batches():
    model, told = fitted("mse", [MeanError(), "mae"], weighted_metrics=[MeanError("weighted")])
    for part in ("", "val_"):
        np.testing.assert_allclose(told.history[f"{part}mean_error"], told.history[f"{part}mae"], rtol=1e-6)
    figures = model.evaluate(X, Y, sample_weight=WEIGHTS, batch_size=7, return_dict=True)
    error = np.abs(Y - model.predict(X))[:, 0]
    assert figures["mean_error"] == pytest.approx(error.mean(), rel=1e-5)
    assert figures["weighted"] == pytest.approx(np.average(error, weights=WEIGHTS), rel=1e-5)
    assert MeanError()(Y, model.predict(X)) == pytest.approx(error.mean(), rel=1e-5)
    assert MeanError() == MeanError() != MeanError("other")


def test_the_same_metric_in_keras():
    keras = pytest.importorskip("keras")

    class Theirs(keras.metrics.Metric):
        def __init__(self, **kwargs):
            super().__init__(name="theirs", **kwargs)
            self.hits = self.add_variable(shape=(3,), initializer="zeros", name="hits")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.hits.assign_add(keras.ops.sum(keras.ops.cast(y_true > y_pred, "float32"), axis=0))

        def result(self):
            return keras.ops.max(self.hits)

    class Mine(Metric):
        def __init__(self, **kwargs):
            super().__init__(name="mine", **kwargs)
            self.hits = self.add_variable(shape=(3,), initializer="zeros", name="hits")

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.hits.assign_add(jnp.sum(y_true > y_pred, axis=0))

        def result(self):
            return jnp.max(self.hits)

    theirs, model = Theirs(), Sequential([Dense(3)])
    y = RNG.normal(size=(50, 3)).astype("float32")
    model.compile("sgd", "mse", metrics=[Mine()])
    model.build((None, 3))
    for rows in (slice(0, 16), slice(16, 50)):
        theirs.update_state(y[rows], model.predict(X[rows]))
    assert model.evaluate(X, y, batch_size=16, return_dict=True)["mine"] == float(theirs.result())


def test_what_a_metric_cannot_be_is_told():
    def own(update, result=lambda self: self.total, initializer="zeros"):
        def begin(self, **kwargs):
            Metric.__init__(self, **kwargs)
            self.total = self.add_variable((), initializer)

        return type("Own", (Metric,), {"__init__": begin, "update_state": update, "result": result})

    def largest(self, y_true, y_pred, sample_weight=None):
        self.total.assign(jnp.maximum(self.total, jnp.max(y_pred)))

    def decayed(self, y_true, y_pred, sample_weight=None):
        self.total.assign(0.9 * self.total + jnp.mean(y_pred))

    def fixed(self, y_true, y_pred, sample_weight=None):
        self.total.assign(jnp.mean(y_pred))

    def set_anew(self, y_true, y_pred, sample_weight=None):
        self.total = self.total + jnp.sum(y_pred)

    def summed(self, y_true, y_pred, sample_weight=None):
        self.total.assign_add(jnp.sum(y_pred))

    def unweighted(self, y_true, y_pred):
        self.total.assign_add(jnp.sum(y_pred))

    sums = r"variables are sums over batches.*\(y_true, y_pred\).*`sums\("
    for make, words in (
        (lambda: fitted(metrics=[own(largest)()]), sums),
        (lambda: fitted(metrics=[own(decayed)()]), sums),
        (lambda: fitted(metrics=[own(fixed)()]), sums),
        (lambda: fitted(metrics=[own(set_anew)()]), "total of Own.*assign_add"),
        (lambda: own(summed, initializer="ones")(), "begin at 0"),
        (lambda: own(summed)(what=1), "no setting of this name.*class Own.*what"),
        (lambda: fitted(metrics=[own(summed, lambda self: {"a": self.total})()]), "one number.*result of Own.*dict"),
        (lambda: own(summed)().total.assign_add(1.0), r"outside a training.*metric\(y_true, y_pred\)"),
        (lambda: own(unweighted)()(Y, Y, WEIGHTS), "sample_weight=None"),
        (lambda: fitted(metrics=[type("Bare", (Metric,), {"update_state": summed})()]), "'total'|no variable"),
    ):
        with pytest.raises(InputError, match=f"(?s){words}"):
            make()
    assert own(unweighted)()(Y, Y) == pytest.approx(float(Y.sum()), abs=1e-4)
