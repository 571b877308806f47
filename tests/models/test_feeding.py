"""What fit, evaluate and predict are given: arrays and batches of every kind, and what is refused with a word."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.callbacks import EarlyStopping
from jindan.errors import InputError, JindanError, ShapeError
from jindan.layers import Dense, Dropout, Input, PReLU
from jindan.models import Sequential

CUTS = [slice(0, 8), slice(8, 16), slice(16, 20)]


class Slices:
    """As keras.utils.Sequence written with slices: no index is ever too large."""

    def __init__(self, *arrays):
        self.arrays = arrays

    def __len__(self):
        return 3

    def __getitem__(self, index):
        found = tuple(a[8 * index : 8 * index + 8] for a in self.arrays)
        return found if len(found) > 1 else found[0]


def endless(*arrays):
    """One buffer for all batches, as generators like to do."""
    buffers = [np.empty_like(a[:8]) for a in arrays]
    while True:
        for cut in CUTS[:2]:
            for buffer, a in zip(buffers, arrays, strict=True):
                buffer[:] = a[cut]
            yield tuple(buffers)


def test_the_shape_of_a_row_is_held_to(rows):
    model = Sequential([Input((3,)), Dense(1)])
    model.compile("sgd", "mse")
    y = rows.labels.astype(float)
    with pytest.raises(ShapeError, match=r"layer 1, Dense(.|\n)*\(3,\)(.|\n)*\(4,\)"):
        model.fit(rows.x, y)
    for call in (lambda: model.evaluate(rows.x, y), lambda: model.predict(rows.x)):
        with pytest.raises(ShapeError):
            call()
    model.fit(rows.x[:, :3], y)


def test_what_was_refused_built_nothing(rows):
    model = Sequential([Dense(2)])
    model.compile("sgd", "categorical_crossentropy")
    for call in (model.fit, model.evaluate):
        with pytest.raises(ShapeError):
            call(rows.x, rows.y)
        assert model.input_shape is None
    model.predict(rows.x[:, :2])
    assert model.input_shape == (2,)


def test_batches_that_are_reused_and_never_end(rows, make, equal):
    model, oracle = make(), make()
    model.fit(endless(rows.x, rows.y), steps_per_epoch=2, epochs=2, validation_data=endless(rows.x, rows.y),
              validation_steps=2)  # fmt: skip
    oracle.fit(rows.x[:16], rows.y[:16], batch_size=8, shuffle=False, epochs=2)
    assert equal(model.get_weights(), oracle.get_weights())
    assert model.evaluate(endless(rows.x, rows.y), steps=2) == model.evaluate(rows.x[:16], rows.y[:16])


def test_batches_by_number(rows, make):
    model = make()
    history = model.fit(Slices(rows.x, rows.y), validation_data=Slices(rows.x, rows.y))
    assert history.history["val_loss"] == [pytest.approx(model.evaluate(Slices(rows.x, rows.y))[0])]
    assert model.evaluate(Slices(rows.x, rows.y)) == model.evaluate(rows.x, rows.y)


def test_predicting_batches(rows, make):
    model = make()
    wanted = model.predict(rows.x)
    batches = [(rows.x[c], rows.y[c]) for c in CUTS]
    for source in (Slices(rows.x), Slices(rows.x, rows.y), iter(batches), batches, (x for x, _ in batches)):
        np.testing.assert_array_equal(model.predict(source), wanted)
    np.testing.assert_array_equal(model.predict(endless(rows.x), steps=1), wanted[:8])
    assert model.predict(rows.x.tolist()).shape == (20, 3)


def test_arguments_that_cannot_be(rows, make):
    model = make()
    x, y = rows.x, rows.y
    stop = EarlyStopping("loss")

    class Own(EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            """Never called."""

    refused = {
        "got no rows": lambda: model.fit(None, y),
        "fit got no targets": lambda: model.fit(x),
        "evaluate got no targets": lambda: model.evaluate(x),
        "no array of rows": lambda: model.fit(1.0, y),
        "epochs": lambda: model.fit(x, y, epochs=None),
        "epochs is": lambda: model.fit(x, y, epochs=-1),
        "epochs is a": lambda: model.fit(x, y, epochs=1.5),
        "batch_size": lambda: model.fit(x, y, batch_size=2.7),
        "batch_size is": lambda: model.fit(x, y, batch_size=0),
        "class_weight": lambda: model.fit(x, y, class_weight=[1, 2, 3]),
        "class_weights": lambda: model.fit(x, y, class_weight={"a": 1.0}),
        "two EarlyStopping": lambda: model.fit(x, y, callbacks=[stop, stop]),
        "never be called": lambda: model.fit(x, y, callbacks=[Own("loss")]),
        "goes with arrays": lambda: model.fit(iter([(x, y)]), validation_split=0.2),
        "steps_per_epoch": lambda: model.fit(x, y, steps_per_epoch=7),
        "no batches": lambda: model.fit(iter([1, 2])),
        "layer of its own": lambda: Dense(3, activation=PReLU()),
        "layer of its own,": lambda: Dense(3, activation=Dropout(0.5)),
        "of its own, after": lambda: Dense(3, activation=Dense),
        "its loss is no dict": lambda: model.compile(loss={"out": "mse"}),
        "its metrics is no dict": lambda: model.compile(loss="mse", metrics={"out": ["mae"]}),
        "weights only as part of a model": lambda: model.layers[0](x),
        "one name": lambda: Sequential([Dense(1, name="a"), Dense(1, name="a")]),
    }
    for message, call in refused.items():
        with pytest.raises(JindanError) as caught:
            call()
        assert message.replace("class_weights", "class weights") in str(caught.value)
    assert model.fit(x, y, steps_per_epoch=1).run.steps == 1
    with pytest.raises(InputError, match="Did you mean `l2`"):
        model.compile(loss="mse", l22=1.0)


def test_balanced_classes(make, rows):
    counts = np.bincount(rows.labels)
    own, named = make(), make()
    weights = {i: len(rows.labels) / (3 * n) for i, n in enumerate(counts)}
    a = own.fit(rows.x, rows.y, seed=1, class_weight=weights).history
    assert named.fit(rows.x, rows.y, seed=1, class_weight="balanced").history == a


def test_iterators_that_never_end(rows, make, monkeypatch):
    from jindan.models import feeding

    monkeypatch.setattr(feeding, "MOST_BATCHES", 100)
    model, pair = make(), (rows.x, rows.y)
    refused = {
        "steps_per_epoch": lambda: model.fit(endless(*pair)),
        "validation_steps": lambda: model.fit(*pair, validation_data=endless(*pair)),
        "steps": lambda: model.evaluate(endless(*pair)),
        "steps:": lambda: model.predict(endless(rows.x)),
    }
    for name, call in refused.items():
        with pytest.raises(InputError, match=f"do not end(.|\\n)*needs {name.rstrip(':')}:"):
            call()
    # Who says how many gets as many, and one that ends in time needs to say nothing.
    assert model.fit(endless(*pair), steps_per_epoch=120).run.steps == 120
    assert model.predict(x for x in [rows.x] * 100).shape == (2000, 3)
    monkeypatch.setattr(feeding, "free_memory", lambda: 20_000)
    with pytest.raises(InputError, match="more than memory holds"):
        model.fit(endless(*pair), steps_per_epoch=120)


def test_free_memory_is_a_number_of_bytes():
    from jindan.models.feeding import free_memory

    assert 2**20 < free_memory() < 2**50


@pytest.mark.parametrize("given", ["pair", "split"])
def test_validation_steps_with_arrays(rows, make, given):
    """The first batches of the validation rows, as in Keras."""
    x, y = rows.x, rows.y
    held = {"validation_data": (x, y)} if given == "pair" else {"validation_split": 0.5}
    first = (x, y) if given == "pair" else (x[10:], y[10:])
    for steps, batch, count in ((1, 4, 4), (2, None, 8), (9, 4, 20)):
        model = make()
        history = model.fit(x, y, batch_size=4, validation_steps=steps, validation_batch_size=batch, **held)
        wanted = model.evaluate(first[0][:count], first[1][:count])
        assert history.history["val_loss"] == [pytest.approx(wanted[0], rel=1e-6)]
        assert history.history["val_accuracy"] == [pytest.approx(wanted[1])]
