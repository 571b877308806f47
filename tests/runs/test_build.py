"""From a task to a plan: hidden layers in words, what is usual, what a plan file adds, what is refused."""

import json

import numpy as np
import pytest

from jindan.data import Preprocessing
from jindan.doctor import capacity
from jindan.errors import FileError, InputError, UnknownNameError
from jindan.layers import Dense, Dropout
from jindan.optimizers import SGD, AdamW
from jindan.plan import Plan
from jindan.runs import build
from jindan.runs.build import Wanted


@pytest.mark.parametrize(
    ("text", "layers"),
    [
        ("30 relu, 16 relu", ("relu 30", "relu 16")),
        ("30 relu; 16", ("relu 30", "linear 16")),
        ("8 tanh, dropout 0.2, 4 ReLU", ("tanh 8", "dropout 0.2", "relu 4")),
        ("", ()),
        (" none ", ()),
    ],
)
def test_layers_are_read_from_words(text, layers):
    found = []
    for layer in build.parse_layers(text):
        found.append(f"dropout {layer.rate}" if isinstance(layer, Dropout) else f"{layer.activation} {layer.units}")
    assert tuple(found) == layers


@pytest.mark.parametrize("text", ["nonsense", "30 relu 5", "dropout", "3.5 relu", "30relu", "dropout x", "relu 30"])
def test_layers_that_cannot_be_read_are_refused(text):
    with pytest.raises(InputError, match=r"layer|activation") as caught:
        build.parse_layers(text)
    assert "--layers" in str(caught.value)
    assert "help:" in str(caught.value)


@pytest.mark.parametrize(("text", "near"), [("30 rlu", "relu"), ("30 tanhh", "tanh"), ("30 sigmiod", "sigmoid")])
def test_a_misspelt_activation_gets_a_suggestion(text, near):
    with pytest.raises(UnknownNameError, match=f"Did you mean `{near}`"):
        build.parse_layers(text)


@pytest.mark.parametrize("text", ["0 relu", "-3 relu", "dropout 2", "dropout -0.1"])
def test_impossible_sizes_are_refused(text):
    with pytest.raises(InputError, match="must be"):
        build.parse_layers(text)


@pytest.mark.parametrize(
    ("task", "outputs", "units", "activation", "loss", "metrics"),
    [
        ("regression", 1, 1, "linear", "MeanSquaredError", 0),
        ("binary", 2, 1, "sigmoid", "BinaryCrossentropy", 1),
        ("multiclass", 5, 5, "softmax", "CategoricalCrossentropy", 1),
    ],
)
def test_the_task_decides_output_and_loss(task, outputs, units, activation, loss, metrics):
    plan = build.build_plan(task, outputs, 100)
    head = plan.layers[-1]
    assert (head.units, head.activation or "linear", type(plan.loss).__name__) == (units, activation, loss)
    assert len(plan.metrics) == metrics
    assert isinstance(plan.optimizer, AdamW)
    assert plan.early_stopping.restore_best_weights
    assert plan.seed == 0


@pytest.mark.parametrize(("rows", "batch"), [(1, 8), (90, 8), (535, 8), (1000, 16), (3200, 64), (54_000, 256)])
def test_batches_grow_with_the_table(rows, batch):
    assert build.build_plan("regression", 1, rows).batch_size == batch


def test_there_is_no_early_stopping_without_validation_rows():
    assert build.build_plan("regression", 1, 100, validated=False).early_stopping is None


def test_arguments_change_the_plan():
    plan = build.build_plan(
        "regression", 1, 100,
        Wanted(layers="5 tanh", epochs=7, batch_size=3, optimizer="sgd", learning_rate=0.5, loss="mae"),
        seed=9, preprocessing=Preprocessing(numeric="minmax"),
    )  # fmt: skip
    assert plan.layers == (Dense(5, activation="tanh"), Dense(1))
    assert (plan.epochs, plan.batch_size, plan.seed) == (7, 3, 9)
    assert isinstance(plan.optimizer, SGD)
    assert plan.optimizer.learning_rate == 0.5
    assert type(plan.loss).__name__ == "MeanAbsoluteError"
    assert plan.preprocessing.numeric == "minmax"


@pytest.mark.parametrize("rate", [0, -0.1, float("nan"), float("inf")])
def test_a_rate_that_teaches_nothing_is_refused(rate):
    with pytest.raises(InputError, match="learning rate must be positive"):
        build.build_plan("regression", 1, 100, Wanted(learning_rate=rate))


def test_gaps_of_a_plan_file_are_filled_with_what_is_usual(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"optimizer": "sgd", "epochs": 5}))
    plan, usual = build.build_plan("binary", 2, 100, Wanted(plan=file)), build.build_plan("binary", 2, 100)
    assert isinstance(plan.optimizer, SGD)
    assert plan == usual.replace(optimizer=plan.optimizer, epochs=5)


def test_the_layers_of_a_plan_file_are_kept_unless_others_are_given(tmp_path):
    file = tmp_path / "plan.json"
    file.write_text(json.dumps({"layers": [{"type": "Dense", "units": 2}, {"type": "Dense", "units": 1}]}))
    assert len(build.build_plan("regression", 1, 100, Wanted(plan=file)).layers) == 2
    assert len(build.build_plan("regression", 1, 100, Wanted(plan=file, layers="3 relu, 3 relu")).layers) == 3


def test_a_plan_may_be_given_as_an_object():
    plan = Plan((Dense(2), Dense(1)), loss="mae", epochs=3)
    made = build.build_plan("regression", 1, 100, Wanted(plan=plan, learning_rate=0.2))
    assert made.layers == plan.layers
    assert made.optimizer.learning_rate == 0.2
    assert made.epochs == 3


BROKEN = [
    ('{"layers": [', "not valid JSON"),
    ("", "not valid JSON"),
    ("[]", "not a JSON object"),
    ("3", "not a JSON object"),
    ('{"layrs": []}', "Did you mean `layers`"),
    ('{"layers": [{"type": "Dens", "units": 3}]}', "Did you mean `Dense`"),
    ('{"layers": [{"type": "Dense", "unit": 3}]}', "Did you mean `units`"),
    ('{"layers": [{"type": "Dense"}]}', "units"),
    ('{"layers": [3]}', "layer"),
    ('{"jindan_plan": 99}', "another version"),
    ('{"epochs": -1}', "epochs"),
    ('{"seed": "x"}', "seed"),
    ('{"preprocessing": 5}', "preprocessing is no object"),
    ('{"preprocessing": {"numeric": "foo"}}', "foo"),
    ('{"class_weight": [1]}', "class weights cannot be read"),
    ('{"optimizer": {"type": "adam", "learning_rate": "x"}}', "x"),
]


@pytest.mark.parametrize(("text", "says"), BROKEN)
def test_a_broken_plan_file_is_refused_with_its_fault(tmp_path, text, says):
    file = tmp_path / "plan.json"
    file.write_text(text)
    with pytest.raises(InputError, match=says):
        build.read_plan(file)


def test_a_plan_that_cannot_be_read_is_a_file_error(tmp_path):
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(FileError, match="plan cannot be read"):
            build.read_plan(path)
    (tmp_path / "binary.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileError, match="binary data"):
        build.read_plan(tmp_path / "binary.json")


REAL = np.array([[-1.0], [0.5], [2.0]], np.float32)


@pytest.mark.parametrize(
    ("loss", "says"),
    [
        ("categorical_crossentropy", "cross-entropy compares probabilities"),
        ("binary_crossentropy", "cross-entropy compares probabilities"),
        ("sparse_categorical_crossentropy", "cross-entropy compares probabilities"),
        ("hinge", "tells classes apart"),
        ("kl_divergence", "tells classes apart"),
        ("poisson", "for counts"),
    ],
)
def test_class_losses_are_refused_for_numbers(loss, says):
    plan = build.build_plan("regression", 1, 100, Wanted(loss=loss))
    with pytest.raises(InputError, match=says) as caught:
        build.refuse_contradiction(plan, "regression", 2, REAL)
    assert "mse" in str(caught.value)


def test_a_contradiction_says_what_would_fit():
    plan = Plan((Dense(1, activation="softmax"),), loss="categorical_crossentropy")
    with pytest.raises(InputError, match="softmax over one unit is always 1") as caught:
        build.refuse_contradiction(plan, "binary", 2, np.array([[0.0], [1.0]]))
    assert "1 unit, sigmoid, with binary_crossentropy" in str(caught.value)


@pytest.mark.parametrize(
    ("task", "y"),
    [("regression", REAL), ("binary", np.array([[0.0], [1.0]])), ("multiclass", np.eye(3, dtype=np.float32))],
)
def test_what_is_usual_is_never_refused(task, y):
    build.refuse_contradiction(build.build_plan(task, y.shape[1], 100), task, 2, y)


def test_a_network_larger_than_the_memory_is_refused():
    plan = build.build_plan("regression", 1, 100, Wanted(layers="1000000000 relu, 1000000000 relu"))
    with pytest.raises(InputError, match="memory of this machine"):
        build.refuse_too_large(plan, 10, 100)
    build.refuse_too_large(build.build_plan("regression", 1, 100), 10, 100)


def test_what_is_too_large_is_for_the_doctor_to_say(monkeypatch):
    plan, x = build.build_plan("regression", 1, 1000), np.zeros((1000, 1000), np.uint8)
    monkeypatch.setattr(capacity, "memory_there", lambda: 2 * 2**20)
    build.refuse_too_large(Plan((Dense(1),), loss="mse"), 1000, 1000, x)
    with pytest.raises(InputError, match=r"at most 0.00195 GiB\n  received: about 0.00\d+ GiB"):
        build.refuse_too_large(plan, 1000, 1000)
    monkeypatch.setattr(capacity, "memory_there", lambda: None)
    build.refuse_too_large(plan, 1000, 1000)


def test_targets_take_the_form_the_loss_asks_for():
    codes = np.array([0, 2, 1])
    one_hot = build.targets_for(build.build_plan("multiclass", 3, 10), "multiclass", codes, 3)
    assert one_hot.tolist() == np.eye(3)[codes].tolist()
    sparse = build.build_plan("multiclass", 3, 10, Wanted(loss="sparse_categorical_crossentropy"))
    assert build.targets_for(sparse, "multiclass", codes, 3).tolist() == [0, 2, 1]
    binary = build.targets_for(build.build_plan("binary", 2, 10), "binary", np.array([0, 1]), 2)
    assert binary.tolist() == [[0.0], [1.0]]
    number = build.targets_for(build.build_plan("regression", 1, 10), "regression", np.array([0.5, 2.0]), 0)
    assert number.shape == (2, 1)
