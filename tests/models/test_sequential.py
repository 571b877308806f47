"""Sequential: Keras's names and meanings, on the notes' own code, a population, and odd inputs."""

from __future__ import annotations

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError, ShapeError, StateError
from jindan.layers import Activation, Dense, Dropout, Input
from jindan.models import Sequential
from jindan.plan import Plan


def test_the_notes_own_code(capsys):
    """Keras code of the notes, with nothing but its imports changed."""
    from jindan import utils as np_utils
    from jindan.layers import Dense
    from jindan.models import Sequential

    rng = np.random.default_rng(0)
    label = rng.integers(0, 3, 30)
    X, Y = rng.normal(size=(30, 4)) + 3 * np.eye(3, 4)[label], np_utils.to_categorical(label)

    model = Sequential()
    model.add(Dense(30, input_dim=4, activation="relu"))
    model.add(Dense(16, activation="relu"))
    model.add(Dense(3, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    model.summary()
    history = model.fit(X[:24], Y[:24], epochs=10, batch_size=1, validation_data=(X[24:], Y[24:]), verbose=0)
    loss, accuracy = model.evaluate(X[24:], Y[24:])
    prediction = model.predict(X[24:])

    assert list(history.history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 10 for values in history.history.values())
    assert history.epoch == list(range(10))
    assert history.run.steps == 240
    assert history.history["val_loss"][-1] == pytest.approx(loss, rel=1e-5)  # the same sum in another order
    assert history.history["val_accuracy"][-1] == pytest.approx(accuracy)
    assert prediction.shape == (6, 3)
    np.testing.assert_allclose(prediction.sum(axis=1), 1, rtol=1e-6)  # float32
    assert "Total params: 697" in capsys.readouterr().out


def test_batches_epochs_iterations():
    """2,000 rows in batches of 500 for 20 epochs are 80 iterations (B12)."""
    x, y = np.zeros((2000, 1), np.float32), np.zeros(2000, np.float32)
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    assert model.fit(x, y, batch_size=500, epochs=20).run.steps == 80
    # The last partial batch is an iteration of its own.
    assert model.fit(x[:1999], y[:1999], batch_size=500, epochs=1).run.steps == 84
    assert model.fit(x[:2], y[:2], epochs=1).run.steps == 85


def test_one_hidden_layer_solves_xor_as_one_population():
    """2-4-1, 256 seeds in one program: at least 99 % draw XOR, which no perceptron does (A2)."""
    x, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([0, 1, 1, 0], np.float32)
    # tanh and Adam leave 3 % in a local optimum; ELU, which does not saturate above, leaves none.
    layers = (Dense(4, activation="elu"), Dense(1, activation="sigmoid"))
    plan = Plan(layers, "binary_crossentropy", "adam", batch_size=4, epochs=600).edit(learning_rate=0.05)
    runs = jd.train([plan.replace(seed=seed) for seed in range(256)], (x, y))
    solved = np.mean([np.array_equal(run.predict(x).ravel() > 0.5, y) for run in runs])
    assert solved >= 0.99
    alone = jd.train(plan.replace(seed=17), (x, y))
    # A member is what its plan gives alone, up to float32 rounding over 600 updates of one kind of kernel or another.
    np.testing.assert_allclose(alone.predict(x), runs[17].predict(x), atol=1e-4)


# -- training ----------------------------------------------------------------------------------------------------


def test_a_seed_fixes_every_bit(rows, equal):
    def run(seed):
        model = Sequential([Dense(5, activation="relu"), Dropout(0.2), Dense(3, activation="softmax")])
        model.compile("adam", "categorical_crossentropy")
        history = model.fit(rows.x, rows.y, **rows.fit, seed=seed)
        return model.get_weights(), history.history["loss"]

    one, again, other = run(3), run(3), run(4)
    assert equal(one[0], again[0])
    assert one[1] == again[1]
    assert not equal(one[0], other[0])


def test_a_second_fit_goes_on(rows, make, equal):
    whole, parts = make(), make()
    settings = {"batch_size": 8, "shuffle": False}
    losses = whole.fit(rows.x, rows.y, epochs=5, **settings).history["loss"]
    first = parts.fit(rows.x, rows.y, epochs=2, **settings).history["loss"]
    second = parts.fit(rows.x, rows.y, epochs=3, **settings)
    assert [*first, *second.history["loss"]] == losses
    assert second.run.steps == 15
    assert equal(whole.get_weights(), parts.get_weights())
    # Compiling anew forgets the optimizer's memory and keeps the weights.
    parts.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    assert equal(whole.get_weights(), parts.get_weights())
    assert parts.fit(rows.x, rows.y, epochs=1, **settings).run.steps == 3


def test_validation_split_takes_the_last_rows(rows, make):
    model, other = make(), make()
    split = model.fit(rows.x, rows.y, **rows.fit, validation_split=0.2, seed=1).history
    given = other.fit(rows.x[:16], rows.y[:16], **rows.fit, validation_data=(rows.x[16:], rows.y[16:]), seed=1).history
    assert split == given
    with pytest.raises(InputError, match="validation_split"):
        model.fit(rows.x, rows.y, validation_split=1.0)


def test_class_weight_and_sample_weight(rows, make, equal):
    one, two, plain = make(), make(), make()
    weight = np.array([0.5, 1.0, 3.0], np.float32)[rows.labels]
    settings = {**rows.fit, "seed": 1}
    a = one.fit(rows.x, rows.y, **settings, class_weight={0: 0.5, 2: 3.0})
    b = two.fit(rows.x, rows.y, **settings, sample_weight=weight)
    plain.fit(rows.x, rows.y, **settings)
    # The same numbers multiplied in another place of the program.
    np.testing.assert_allclose(a.history["loss"], b.history["loss"], rtol=1e-6)
    np.testing.assert_allclose(one.get_weights()[0], two.get_weights()[0], atol=1e-6)
    assert not equal(plain.get_weights(), one.get_weights())
    # A row of weight 0 counts as nothing but a row.
    zero = np.r_[np.ones(10), np.zeros(10)]
    whole, half = two.evaluate(rows.x, rows.y, sample_weight=zero), two.evaluate(rows.x[:10], rows.y[:10])
    assert whole[0] == pytest.approx(half[0] / 2, rel=1e-5)


def test_iterables_of_batches(rows, make, equal):
    arrays = make()
    arrays.fit(rows.x, rows.y, **rows.fit, shuffle=False)
    cuts = [slice(0, 8), slice(8, 16), slice(16, 20)]
    batches = [(rows.x[c], rows.y[c]) for c in cuts]

    class Loader:
        """As a DataLoader: iterated anew each epoch."""

        def __iter__(self):
            return iter(batches)

    class Sequence:
        """As keras.utils.Sequence."""

        ended = 0

        def __len__(self):
            return 3

        def __getitem__(self, index):
            return batches[index]

        def on_epoch_end(self):
            self.ended += 1

    def endless():
        while True:
            yield from batches

    numbered = Sequence()
    for source, extra in (
        (batches, {}), (Loader(), {}), (numbered, {"shuffle": False}), (endless(), {"steps_per_epoch": 3}),
    ):  # fmt: skip
        model = make()
        history = model.fit(source, epochs=3, **extra)
        assert equal(model.get_weights(), arrays.get_weights())
        assert history.run.steps == 9
    assert numbered.ended == 3
    assert arrays.evaluate(batches) == arrays.evaluate(rows.x, rows.y)
    with pytest.raises(InputError, match="no batches"):
        make().fit(iter([]))
    with pytest.raises(InputError, match="differ in size"):
        make().fit([batches[2], batches[0]])


def test_train_on_batch(rows, make, equal):
    step, fit = make(), make()
    before = step.evaluate(rows.x[:8], rows.y[:8])
    loss, accuracy = step.train_on_batch(rows.x[:8], rows.y[:8])
    assert [loss, accuracy] == pytest.approx(before, rel=1e-6)
    fit.fit(rows.x[:8], rows.y[:8], batch_size=8)
    assert equal(step.get_weights(), fit.get_weights())
    assert set(step.train_on_batch(rows.x[:8], rows.y[:8], return_dict=True)) == {"loss", "accuracy"}


def test_freezing(rows, make, equal):
    model = make()
    before = model.get_weights()
    model.layers[0].trainable = False
    model.fit(rows.x, rows.y, **rows.fit)
    after = model.get_weights()
    assert equal(before[:2], after[:2])
    assert not np.array_equal(before[2], after[2])
    model.layers[0].trainable = True
    model.fit(rows.x, rows.y, **rows.fit)
    assert not np.array_equal(model.get_weights()[0], after[0])


def test_functions_of_your_own(rows, make):
    def squares(y_true, y_pred):
        return jnp.mean((y_true - y_pred) ** 2, axis=-1)

    def worst(y_true, y_pred):
        return jnp.max(jnp.abs(y_true - y_pred), axis=-1)

    named, own = make(), make()
    named.compile("adam", "mse", metrics=["mae"])
    own.compile("adam", squares, metrics=[worst])
    a, b = (m.fit(rows.x, rows.y, **rows.fit, shuffle=False).history for m in (named, own))
    # The mean over outputs, then rows, against the library's: another order of the same additions.
    np.testing.assert_allclose(a["loss"], b["loss"], rtol=1e-5)
    wanted = np.abs(rows.y - own.predict(rows.x)).max(axis=1).mean()
    assert own.evaluate(rows.x, rows.y, return_dict=True)["worst"] == pytest.approx(wanted, rel=1e-5)


def test_float64(rows):
    model = Sequential([Dense(3, activation="softmax")], dtype="float64")
    model.compile("sgd", "categorical_crossentropy")
    model.fit(rows.x, rows.y, epochs=1)
    assert {w.dtype for w in model.get_weights()} == {np.dtype("float64")}
    assert model.predict(rows.x).dtype == np.float64
    # In float32 the sum of probabilities is off by 1e-8 and more.
    assert np.abs(model.predict(rows.x).sum(axis=1) - 1).max() < 1e-15


# -- building and looking ----------------------------------------------------------------------------------------


def test_summary_counts(capsys):
    model = Sequential([Input((4,)), Dense(30), Dropout(0.5), Dense(16, use_bias=False), Activation("relu")])
    model.layers[0].trainable = False
    model.summary()
    text = capsys.readouterr().out
    for line in ("dense (Dense)", "dense_1 (Dense)", "dropout (Dropout)", "(None, 16)", "Total params: 630 (2.46 KB)",
                 "Trainable params: 480", "Non-trainable params: 150"):  # fmt: skip
        assert line in text
    assert model.count_params() == 630
    assert [view.count_params() for view in model.layers] == [150, 0, 480, 0]
    Sequential([Dense(3)]).summary()
    assert "?" in capsys.readouterr().out


def test_weights_in_keras_order(make):
    model = make()
    weights = model.get_weights()
    assert [w.shape for w in weights] == [(4, 5), (5,), (5, 3), (3,)]
    weights[0][:] = 7
    assert not (model.get_weights()[0] == 7).any(), "get_weights gives copies"
    model.set_weights([w * 0 + i for i, w in enumerate(model.get_weights())])
    assert [float(w.flat[0]) for w in model.get_weights()] == [0, 1, 2, 3]
    model.layers[1].set_weights([np.ones((5, 3)), np.zeros(3)])
    assert model.get_layer("dense_1").kernel.sum() == 15
    with pytest.raises(InputError, match=r"4 arrays(.|\n)*3 arrays"):
        model.set_weights(model.get_weights()[:3])
    with pytest.raises(ShapeError, match=r"layer 1, Dense 'dense', kernel(.|\n)*\(4, 5\)(.|\n)*\(5, 4\)"):
        model.set_weights([weights[0].T, *weights[1:]])
    with pytest.raises(InputError, match="no such layer"):
        model.get_layer("output")


def test_pop_and_add_keep_weights(rows, make, equal):
    model = make()
    model.fit(rows.x, rows.y, **rows.fit)
    before = model.get_weights()
    model.pop()
    assert equal(model.get_weights(), before[:2])
    model.add(Dense(2, activation="softmax"))
    assert equal(model.get_weights()[:2], before[:2])
    assert [w.shape for w in model.get_weights()[2:]] == [(5, 2), (2,)]
    assert model.fit(rows.x, np.eye(2)[rows.labels % 2], **rows.fit).history["loss"][-1] > 0


def test_predict_before_compile(rows):
    model = Sequential([Dense(3)])
    out = model.predict(rows.x)
    kernel, bias = model.get_weights()
    np.testing.assert_allclose(out, rows.x @ kernel + bias, atol=1e-5)  # float32 sums of four terms
    np.testing.assert_array_equal(model(rows.x), out)
    for call in (model.fit, model.evaluate):
        with pytest.raises(StateError, match="not compiled"):
            call(rows.x, rows.y)
    with pytest.raises(StateError, match="shape of a row"):
        Sequential([Dense(3)]).get_weights()
    empty = Sequential()
    empty.compile(loss="mse")
    with pytest.raises(StateError, match="no layers"):
        empty.fit(rows.x, rows.y)


def test_input_stands_at_the_bottom():
    model = Sequential([Input(shape=(4,)), Dense(2)])
    assert len(model.layers) == 1
    assert model.output_shape == (None, 2)
    with pytest.raises(InputError, match="bottom of the stack"):
        model.add(Input((2,)))
    with pytest.raises(InputError, match="not a layer"):
        model.add(jnp.tanh)


# -- odd inputs --------------------------------------------------------------------------------------------------


def test_ordinary_odd_inputs():
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    assert model.fit([[1.0]], [2.0], epochs=2).run.steps == 2, "one row, one feature"
    model.fit([1.0, 2.0, 3.0], [2.0, 4.0, 6.0]), "a flat list is one feature"
    assert model.predict([1.0, 2.0]).shape == (2, 1)
    assert model.predict(np.zeros((0, 1))).shape == (0, 1)
    constant = model.fit(np.ones((8, 1)), np.ones(8), epochs=50).history["loss"]
    assert constant[-1] < constant[0]
    frame = SimpleNamespace(to_numpy=lambda: np.ones((3, 1)), columns=["a"])
    assert model.predict(frame).shape == (3, 1)
    assert model.fit(np.array([True, False]).reshape(2, 1), np.array([1, 0])).history["loss"]


def test_what_is_not_finite_is_told_and_does_not_crash():
    model = Sequential([Dense(1, input_dim=1)])
    model.compile("sgd", "mse")
    start = model.get_weights()
    history = model.fit([[1.0], [np.nan], [1.0]], [1.0, 1.0, 1.0], batch_size=1, shuffle=False, epochs=2)
    assert np.isnan(history.history["loss"]).all()
    assert history.run.first_nonfinite == 1, "updates count from 0"
    model.set_weights(start)
    history = model.fit([[1e30], [-1e30], [1.0]], [1.0, 1.0, 1.0], batch_size=1, shuffle=False)
    assert not np.isfinite(history.history["loss"][0])


def test_what_cannot_be_used_is_said(rows, make):
    model = make()
    for x, y, message in (
        (rows.x[:, :3], rows.y, r"\(4,\)(.|\n)*\(3,\)"),
        (rows.x, rows.y[:5], "number of rows"),
        (rows.x, rows.y[:, :2], "do not fit the outputs"),
        (rows.x, rows.labels, "sparse_categorical_crossentropy"),
        (rows.x[:0], rows.y[:0], "no rows"),
        (np.array([["a"] * 4] * 20), rows.y, "not numbers"),
        ([[1.0], [1.0, 2.0]], [1, 2], "differ in length"),
    ):
        with pytest.raises(InputError, match=message):
            model.fit(x, y)
    with pytest.raises(ShapeError, match=r"x\[None\]"):
        model.predict(rows.x[0])
    with pytest.raises(InputError, match="not a callback"):
        model.fit(rows.x, rows.y, callbacks=[print])
