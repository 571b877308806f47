"""Output layer, loss and targets: every contradiction is found in its patient, and sound pairings are left in peace."""

import jax
import numpy as np
import pytest

import jindan as jd
from jindan.doctor.batching import batch_arithmetic
from jindan.doctor.static import REASONS, TOLERABLE, look_before, output_activation, pairing, slow_pairing
from jindan.engine.data import Data
from jindan.errors import JindanWarning
from jindan.layers import Activation, BatchNormalization, Dense, Dropout, Flatten, LeakyReLU, Softmax
from jindan.losses import BinaryCrossentropy, CategoricalCrossentropy
from jindan.models import Sequential
from jindan.optimizers import SGD
from jindan.plan import Plan

ONE_HOT = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]]
BINARY = np.array([[0.0], [1.0], [1.0], [0.0]])
REAL = np.array([[-1.5], [0.3], [2.0], [7.0]])
UNIT = np.array([[0.1], [0.5], [0.9], [0.3]])
COUNTS = np.array([[0.0], [3.0], [12.0], [1.0]])
NUMBERS = np.array([0, 1, 2, 0])


def _head(units, activation=None, *after):
    return (Dense(4, activation="relu"), Dense(units, activation=activation), *after)


SICK = [
    ("softmax-one-unit", _head(1, "softmax"), "mse", UNIT),
    ("softmax-one-unit", _head(1, "softmax"), "binary_crossentropy", BINARY),
    ("softmax-one-unit", _head(1, "softmax"), "categorical_crossentropy", BINARY),
    ("softmax-one-unit", _head(1, None, Softmax()), "mse", UNIT),
    ("one-unit-many-classes", _head(1, "sigmoid"), "categorical_crossentropy", BINARY),
    ("one-unit-many-classes", _head(1, "sigmoid"), "sparse_categorical_crossentropy", np.zeros(4, int)),
    ("cross-entropy-on-real-targets", _head(1, "sigmoid"), "binary_crossentropy", REAL),
    ("cross-entropy-on-real-targets", _head(1, "sigmoid"), "binary_crossentropy", 2 * BINARY - 1),
    ("cross-entropy-on-real-targets", _head(3, "softmax"), "categorical_crossentropy", 5 * ONE_HOT),
    ("unbounded-probabilities", _head(1), "binary_crossentropy", BINARY),
    ("unbounded-probabilities", _head(1, "tanh"), "binary_crossentropy", BINARY),
    ("unbounded-probabilities", _head(1, "softplus"), "binary_crossentropy", BINARY),
    ("unbounded-probabilities", _head(3), "categorical_crossentropy", ONE_HOT),
    ("unbounded-probabilities", _head(3, "relu"), "categorical_crossentropy", ONE_HOT),
    ("unbounded-probabilities", _head(3), "sparse_categorical_crossentropy", NUMBERS),
    ("unbounded-probabilities", _head(3, "log_softmax"), "categorical_crossentropy", ONE_HOT),
    ("sigmoid-exclusive-classes", _head(3, "sigmoid"), "categorical_crossentropy", ONE_HOT),
    ("already-normalised", _head(3, "softmax"), CategoricalCrossentropy(from_logits=True), ONE_HOT),
    ("already-normalised", _head(1, "sigmoid"), BinaryCrossentropy(from_logits=True), BINARY),
    ("class-loss-on-real-targets", _head(1), "hinge", REAL),
    ("class-loss-on-real-targets", _head(3, "softmax"), "kl_divergence", 4 * ONE_HOT),
    ("counts-below-zero", _head(1, "exponential"), "poisson", REAL),
    ("logarithm-of-negative-outputs", _head(1), "poisson", COUNTS),
    ("targets-are-not-shares", _head(3, "softmax"), "mse", np.array([[1, 1, 0], [0, 0, 0], [1, 0, 0], [1, 1, 1.0]])),
    ("targets-out-of-reach", _head(1, "sigmoid"), "mse", REAL),
    ("targets-out-of-reach", _head(1, "tanh"), "mae", COUNTS),
    ("targets-out-of-reach", _head(1, "relu"), "mse", REAL),
    ("targets-out-of-reach", _head(1, "sigmoid", Dropout(0.1)), "huber", REAL),
]

SOUND = [
    (_head(3, "softmax"), "categorical_crossentropy", ONE_HOT),
    (_head(3, "softmax"), "categorical_crossentropy", 0.8 * ONE_HOT + 0.2 / 3),
    (_head(3, "softmax"), "sparse_categorical_crossentropy", NUMBERS),
    (_head(3, None, Softmax()), "categorical_crossentropy", ONE_HOT),
    (_head(3, None, Activation("softmax")), "categorical_crossentropy", ONE_HOT),
    (_head(3, "softmax", Flatten()), "categorical_crossentropy", ONE_HOT),
    (_head(3, "softmax", Dropout(0.1)), "categorical_crossentropy", ONE_HOT),
    (_head(3, jax.nn.softmax), "categorical_crossentropy", ONE_HOT),
    (_head(3, lambda z: jax.nn.softmax(z)), "categorical_crossentropy", ONE_HOT),
    (_head(3, "exponential"), "categorical_crossentropy", ONE_HOT),
    (_head(3), CategoricalCrossentropy(from_logits=True), ONE_HOT),
    (_head(1), BinaryCrossentropy(from_logits=True), BINARY),
    (_head(1, "sigmoid"), "binary_crossentropy", BINARY),
    (_head(1, "sigmoid"), "binary_crossentropy", UNIT),
    (_head(3, "sigmoid"), "binary_crossentropy", np.array([[1, 1, 0], [0, 1, 1]])),
    (_head(3, "softmax"), "binary_crossentropy", ONE_HOT),
    (_head(1, None, LeakyReLU()), "binary_crossentropy", BINARY),
    (_head(1), "mse", REAL),
    (_head(1), "mae", COUNTS),
    (_head(1, "relu"), "mse", COUNTS),
    (_head(1, "sigmoid"), "mse", BINARY),
    (_head(1, "tanh"), "mse", 2 * BINARY - 1),
    (_head(3, "softmax"), "mse", ONE_HOT),
    (_head(1, "tanh"), "hinge", BINARY),
    (_head(1), "hinge", 2 * BINARY - 1),
    (_head(1, "exponential"), "poisson", COUNTS),
    (_head(1, "softplus"), "poisson", COUNTS),
    (_head(3, "softmax"), "kl_divergence", ONE_HOT),
    (_head(2, "tanh"), "cosine_similarity", np.array([[3.0, 4.0], [-5.0, 1.0]])),
    (_head(1), lambda y, p: (y - p) ** 2, REAL),
    (_head(1), "mse", None),
]


@pytest.mark.parametrize(("reason", "layers", "loss", "y"), SICK)
def test_a_contradiction_is_found(reason, layers, loss, y):
    found = pairing(Plan(layers, loss=loss), (5,), y)
    assert found is not None
    assert found[0] == reason
    assert found[1]["units"] == (3 if layers[1].units == 3 else 1)


@pytest.mark.parametrize(("layers", "loss", "y"), SOUND)
def test_a_sound_pairing_is_left_in_peace(layers, loss, y):
    assert pairing(Plan(layers, loss=loss), (5,), y) is None


def test_an_error_of_probabilities_is_told_where_asked_for():
    plan = Plan(_head(1, "sigmoid"), loss="mse")
    assert pairing(plan, (5,), BINARY) is None
    assert slow_pairing(plan, (5,), BINARY)[0] == "error-of-probabilities"
    assert slow_pairing(plan, (5,), REAL) is None
    assert slow_pairing(Plan(_head(1, "sigmoid"), loss="binary_crossentropy"), (5,), BINARY) is None


def test_every_reason_has_a_patient_and_words():
    assert {reason for reason, *_ in SICK} | {"error-of-probabilities", "targets-broadcast"} == set(REASONS)
    for english, korean in REASONS.values():
        assert english
        assert any("가" <= letter <= "힣" for letter in korean)


def test_missing_targets_do_not_disturb():
    y = np.array([[np.nan], [np.nan]])
    assert pairing(Plan(_head(1, "sigmoid"), loss="mse"), (5,), y) is None
    assert pairing(Plan((), loss="mse"), (5,), REAL) is None


def test_the_output_activation_is_seen_through_what_changes_nothing():
    assert output_activation(_head(3, "softmax", Activation("linear"), Dropout(0.5), Flatten())) == "softmax"
    assert output_activation(_head(3)) == "linear"
    assert output_activation(_head(3, None, Softmax(axis=1))) is None
    assert output_activation(_head(3, jax.numpy.sin)) is None
    assert output_activation(()) is None


@pytest.mark.parametrize(("reason", "layers", "loss", "y"), SICK)
def test_the_finding_names_layer_reason_and_severity(reason, layers, loss, y):
    data = Data.of(np.zeros((len(y), 5), np.float32), y)
    with pytest.warns(JindanWarning):
        (finding,) = look_before(Plan(layers, loss=loss), (5,), data)
    assert finding.code == "output-loss-mismatch"
    assert finding.severity == ("warning" if reason in TOLERABLE else "error")
    assert finding.evidence["reason"] == reason
    assert REASONS[reason][1] in finding.words("ko")["summary"]


def test_nothing_is_warned_of_when_all_is_well(recwarn):
    data = Data.of(np.zeros((4, 5), np.float32), ONE_HOT)
    assert look_before(Plan(_head(3, "softmax"), loss="categorical_crossentropy"), (5,), data) == ()
    assert not recwarn.list


def test_a_mean_of_members_is_no_linear_output():
    from jindan.layers import Average, Input
    from jindan.models import Model

    x = Input((5,))
    model = Model(x, Average()([Dense(3, activation="softmax")(x), Dense(3, activation="softmax")(x)]))
    model.compile("adam", "categorical_crossentropy")
    assert look_before(model.plan, (5,), Data.of(np.zeros((4, 5), np.float32), ONE_HOT)) == ()
    bare = Model(x, Dense(3)(x))
    bare.compile("adam", "categorical_crossentropy")
    with pytest.warns(JindanWarning):
        (finding,) = look_before(bare.plan, (5,), Data.of(np.zeros((4, 5), np.float32), ONE_HOT))
    assert finding.evidence["reason"] == "unbounded-probabilities"


def test_batches_that_never_make_an_update():
    x, y = np.ones((40, 3), np.float32), np.ones(40, np.float32)
    model = Sequential([Dense(1)])
    model.compile(SGD(gradient_accumulation_steps=9), "mse")
    with pytest.warns(JindanWarning, match="no weight will change"):
        model.fit(x, y, batch_size=10, epochs=2, verbose=0)
    report = jd.diagnose(model, x, y, batch_size=10, epochs=2, seed=0, trials=False)
    first = report.findings[0]
    assert (first.code, first.severity, first.evidence["updates"]) == ("batch-size-too-large", "error", 0)
    model.compile(SGD(gradient_accumulation_steps=8), "mse")
    assert all(f.severity != "error" for f in jd.diagnose(model, x, y, batch_size=10, epochs=2, seed=0).findings)


def test_a_last_batch_of_one_row_is_noted_where_batches_are_normalised():
    plan = Plan((Dense(4), BatchNormalization(), Dense(1)), batch_size=8)
    assert batch_arithmetic(plan, 33).severity == "info"
    assert batch_arithmetic(plan, 32) is None
    assert batch_arithmetic(plan, 8) is None
    assert batch_arithmetic(plan.replace(layers=(Dense(1),)), 33) is None
