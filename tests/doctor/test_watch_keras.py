"""Fits of Keras under watch: they stay as they are, and jindan's plan of them computes and trains as they do."""

from __future__ import annotations

import numpy as np
import pytest

from jindan import losses, optimizers
from jindan.doctor.watch_keras import KerasDoctor
from jindan.errors import InputError, StateError
from jindan.models import Sequential


@pytest.fixture(scope="module")
def keras():
    """Keras, imported only here: it takes seconds."""
    found = pytest.importorskip("keras", reason="Keras is watched only where installed")
    if found.backend.backend() != "jax":
        pytest.skip("Keras was started with another backend")
    return found


def rows_of(rows=40, columns=4, seed=0):
    return np.random.default_rng(seed).normal(size=(rows, columns)).astype(np.float32)


def stack(keras, seed=0, end="sigmoid", units=1, loss="binary_crossentropy", optimizer=None, layers=None):
    keras.utils.set_random_seed(seed)
    k = keras.layers
    layers = layers or [k.Dense(6, activation="tanh", kernel_regularizer=keras.regularizers.L2(1e-3))]
    model = keras.Sequential([keras.Input((4,)), *layers, k.Dense(units, activation=end)])
    model.compile(optimizer=optimizer or keras.optimizers.Adam(0.01), loss=loss, metrics=["accuracy"])
    return model


def fitted(model, x, y, doctor=None, **more):
    settings = {"epochs": 4, "batch_size": 8, "shuffle": False, "verbose": 0, **more}
    return model.fit(x, y, callbacks=[doctor] if doctor else None, **settings).history


def retrained(case, epochs):
    """The loss by epoch of the plan, trained by jindan from the first moment's weights."""
    model = Sequential(case.plan.layers)
    model.build(case.input_shape)
    network = case.plan.network(case.input_shape)
    full = network.join(case.moments[0].trained, case.moments[0].fixed)
    model.set_weights([value for layer in full for value in layer.values()])
    model.compile(optimizer=case.plan.optimizer, loss=case.plan.loss)
    found = model.fit(case.data.x, case.data.y, batch_size=case.plan.batch_size, epochs=epochs, shuffle=False,
                      verbose=0, doctor=False)  # fmt: skip
    return np.array(found.history["loss"]), model


def test_the_plan_trains_as_the_fit_does(keras):
    x = rows_of()
    y = (x[:, :1] > 0).astype(np.float32)
    model, doctor = stack(keras), KerasDoctor(data=(x, y), validation_data=(x[:9], y[:9]), batch_size=8)
    history = fitted(model, x, y, doctor, validation_data=(x[:9], y[:9]))
    seen = doctor.observed
    case = seen.case
    assert seen.reason == ""
    assert (case.plan.batch_size, case.plan.epochs) == (8, 4)
    assert [m.update for m in case.moments] == [0, 1, 4, 16, 20]
    assert case.history["loss"] == history["loss"]
    assert case.history["val_loss"] == history["val_loss"]
    assert case.plan.optimizer == optimizers.Adam(0.01)
    found, ours = retrained(case, 4)
    np.testing.assert_allclose(found, history["loss"], rtol=1e-4)
    np.testing.assert_allclose(ours.predict(x), model.predict(x, verbose=0), atol=1e-4)


def test_watching_changes_no_bit(keras):
    x = rows_of()
    y = (x[:, :1] > 0).astype(np.float32)
    k = keras.layers

    def trained(doctor):
        keras.utils.set_random_seed(0)  # layers draw their seeds when they are made
        model = stack(keras, layers=[k.Dense(6, activation="relu"), k.BatchNormalization(), k.Dropout(0.3)])
        history = fitted(model, x, y, doctor, shuffle=True)
        return history, model.get_weights()

    plain, one = trained(None)
    seen, other = trained(KerasDoctor(data=(x, y)))
    assert plain == seen
    assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


def test_graphs_and_frozen_layers(keras):
    keras.utils.set_random_seed(1)
    k = keras.layers
    given = keras.Input((4,))
    first = k.Dense(4, activation="relu", trainable=False, kernel_initializer=keras.initializers.HeNormal())(given)
    joined = k.Concatenate()([k.Add()([first, given]), first])
    model = keras.Model(given, k.Dense(3, activation="softmax")(joined))
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), keras.losses.CategoricalCrossentropy(label_smoothing=0.1))
    x, y = rows_of(), np.eye(3, dtype=np.float32)[np.arange(40) % 3]
    doctor = KerasDoctor(data=(x, y))
    fitted(model, x, y, doctor)
    case = doctor.observed.case
    assert case.plan.wiring is not None
    assert [layer.trainable for layer in case.plan.layers] == [False, True, True, True]
    assert case.plan.loss == losses.CategoricalCrossentropy(label_smoothing=0.1)
    network, last = case.plan.network(case.input_shape), case.moments[-1]
    from jindan.engine.forward import predict

    found = predict(case.plan, case.input_shape, network.join(last.trained, last.fixed), x)
    np.testing.assert_allclose(found, model.predict(x, verbose=0), atol=1e-5)


def test_sequences_and_images(keras):
    keras.utils.set_random_seed(2)
    k = keras.layers
    texts = keras.Sequential([
        keras.Input((6,), dtype="int32"), k.Embedding(11, 5), k.Bidirectional(k.LSTM(4)), k.Dense(1),
    ])  # fmt: skip
    images = keras.Sequential([
        keras.Input((6, 6, 2)), k.Conv2D(3, (3, 3), padding="same", strides=(2, 2), activation="relu"),
        keras.Sequential([keras.Input((3, 3, 3)), k.MaxPooling2D((2, 2)), k.Flatten()]), k.Dense(1),
    ])  # fmt: skip
    tokens = np.random.default_rng(0).integers(0, 11, (10, 6)).astype(np.int32)
    pictures = np.random.default_rng(0).normal(size=(10, 6, 6, 2)).astype(np.float32)
    for model, x in ((texts, tokens), (images, pictures)):
        model.compile("rmsprop", "mse")
        doctor = KerasDoctor(data=(x, rows_of(10, 1)))
        fitted(model, x, rows_of(10, 1), doctor, epochs=1)
        assert doctor.observed.reason == ""
        assert doctor.observed.case.plan.layers


def test_losses_that_are_not_finite(keras):
    x, y = rows_of() * 1e3, rows_of(40, 1) * 1e3
    model = stack(keras, end=None, loss="mse", optimizer=keras.optimizers.SGD(10.0),
                  layers=[keras.layers.Dense(6, activation="relu")])  # fmt: skip
    doctor = KerasDoctor(data=(x, y))
    fitted(model, x, y, doctor)
    assert 1 <= doctor.observed.case.first_nonfinite <= 20
    bare = KerasDoctor()
    fitted(model, x, y, bare)
    broken = next(finding for finding in bare.report().findings if finding.code == "nonfinite-values")
    assert broken.evidence == {"first_update": bare.first_nonfinite}
    assert f"at update {bare.first_nonfinite}" in broken.text()


def test_a_callback_that_fails_never_ends_the_fit(keras, monkeypatch):
    model, doctor = stack(keras), KerasDoctor()
    monkeypatch.setattr(doctor.snapshots.__class__, "due", lambda self, update: 1 / 0)
    x = rows_of()
    assert len(fitted(model, x, (x[:, :1] > 0).astype(np.float32), doctor)["loss"]) == 4
    assert [note.key for note in doctor.observed.told] == ["hook-failed"]
    assert doctor.report().notes == doctor.observed.told


def test_without_data_weights_and_curves_are_looked_at(keras):
    x = rows_of()
    y = (x[:, :1] > 0).astype(np.float32)
    layers = [keras.layers.Dense(6, activation="tanh", kernel_initializer="zeros")]
    model, doctor = stack(keras, layers=layers, end="relu", loss="binary_crossentropy"), KerasDoctor()
    fitted(model, x, y, doctor)
    report = doctor.report()
    codes = {finding.code for finding in report.findings}
    assert {"output-loss-mismatch", "symmetric-init"} <= codes
    assert not report.healthy
    assert report.text("ko")
    symmetric = next(finding for finding in report.findings if finding.code == "symmetric-init")
    assert symmetric.evidence == {"fraction": 1.0}
    # Nothing can be trained without rows.
    assert report.repair() is None
    assert [finding["code"] for finding in report.to_dict()["findings"]] == [one.code for one in report.findings]
    assert "symmetric-init" in report.to_html()


def test_what_is_not_known_says_so(keras):
    class Own(keras.layers.Layer):
        def call(self, x):
            return x * 2

    x, y = rows_of(), rows_of(40, 1)
    model = keras.Sequential([keras.Input((4,)), Own(), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    doctor = KerasDoctor(data=(x, y))
    with pytest.raises(StateError, match="No training"):
        doctor.report()
    fitted(model, x, y, doctor)
    assert "Own" in doctor.observed.reason
    assert doctor.observed.case.plan.layers == ()
    with pytest.raises(InputError, match="pair"):
        KerasDoctor(data=3)


def test_a_second_fit_is_a_training_of_its_own(keras):
    x = rows_of()
    y = (x[:, :1] > 0).astype(np.float32)
    model, doctor = stack(keras), KerasDoctor(data=(x, y))
    fitted(model, x, y, doctor)
    fitted(model, x, y, doctor, epochs=2)
    assert doctor.updates == 10
    assert len(doctor.history["loss"]) == 2
