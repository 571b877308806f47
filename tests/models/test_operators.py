"""Python's own operators on values of a graph, and what else is done to them, compared with Keras."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError
from jindan.layers import Dense, Input, Lambda
from jindan.models import Model

ROWS = np.random.default_rng(5).uniform(-2, 2, (7, 3)).astype(np.float32)
FORMS = {
    "h ** 2": lambda h: h**2,
    "h ** 3": lambda h: h**3.0,
    "abs(h) ** 0.5": lambda h: abs(h) ** 0.5,
    "2 ** h": lambda h: 2**h,
    "abs(h)": abs,
    "-h": lambda h: -h,
    "1 / h": lambda h: 1 / (abs(h) + 1),
    "3 / h ** 2": lambda h: 3.0 / (h**2 + 0.5),
    "a mean of squares": lambda h: (h - 1) ** 2 / 2 + abs(h * -3),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_operators_give_what_they_give_in_keras(form, tmp_path):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    x = Input((3,))
    model = Model(x, form(x))
    theirs = keras.Input((3,), dtype="float32")
    wanted = keras.Model(theirs, form(theirs)).predict(ROWS, verbose=0)
    np.testing.assert_allclose(model.predict(ROWS), wanted, rtol=2e-6, atol=1e-6)
    np.testing.assert_allclose(model.predict(ROWS), form(ROWS), rtol=2e-6, atol=1e-6)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(ROWS), model.predict(ROWS))


def test_numbers_of_numpy_stand_before_values_as_python_numbers_do():
    x = Input((3,))
    two, one = np.float32(2), np.ones(())
    model = Model(x, [two * x, two - x, one / (abs(x) + two), two**x, one + x, x * two])
    wanted = [2 * ROWS, 2 - ROWS, 1 / (abs(ROWS) + 2), 2**ROWS, 1 + ROWS, ROWS * 2]
    for given, found in zip(wanted, model.predict(ROWS), strict=True):
        np.testing.assert_allclose(found, given, rtol=1e-6)


def test_an_input_is_taken_apart_by_brackets_and_has_no_rows_to_go_through():
    x = Input((3,))
    np.testing.assert_array_equal(Model(x, x[:, 1:]).predict(ROWS), ROWS[:, 1:])
    with pytest.raises(TypeError, match="not iterable"):
        iter(x)


def test_gradients_go_through_operators():
    x = Input((3,))
    model = Model(x, abs(Dense(1, kernel_initializer="ones", bias_initializer="ones")(x) ** 2 - 2))
    model.compile(jd.optimizers.SGD(0.1), "mse")
    row = np.array([[0.5, -1.0, 0.25]], np.float32)
    model.fit(row, np.zeros((1, 1), np.float32), epochs=1, verbose=0)
    # z = 0.75; d (z² − 2)² / dz = 4 z (z² − 2)
    slope = 4 * 0.75 * (0.75**2 - 2)
    np.testing.assert_allclose(model.get_weights()[0][:, 0], 1 - 0.1 * slope * row[0], rtol=1e-6)
    np.testing.assert_allclose(model.get_weights()[1], [1 - 0.1 * slope], rtol=1e-6)


@pytest.mark.parametrize(
    "wrong", [jnp.exp, np.exp, np.asarray, lambda h: jnp.where(h, 1, 2), lambda h: np.ones(3) * h, jnp.sum, np.mean]
)
def test_functions_of_numbers_are_refused_with_help(wrong):
    with pytest.raises(InputError, match=r"has no numbers yet[\s\S]*Lambda\(jnp.exp\)\(x\)"):
        wrong(Dense(2)(Input((3,))))
    with pytest.raises(InputError, match="Lambda"):
        wrong(Input((3,)))


def test_powers_of_two_values_are_computed_by_a_lambda():
    a, b = Input((2,)), Input((2,))
    for wrong in (lambda: a**b, lambda: a ** "2", lambda: "2" ** a):
        with pytest.raises((InputError, TypeError), match=r"number on one side[\s\S]*Lambda"):
            wrong()
    model = Model([a, b], Lambda(lambda x: x[0] ** x[1])([a, b]))
    rows = np.abs(ROWS[:, :2])
    np.testing.assert_allclose(model.predict([rows, rows]), rows**rows, rtol=1e-6)
    with pytest.raises(InputError, match="> 0"):
        _ = (-2) ** a
