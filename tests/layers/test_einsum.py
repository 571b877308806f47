"""EinsumDense against Keras and Dense: equations with and without dots, biases, starts, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from contracts.numerics import agree

import jindan.layers as ours
from jindan.errors import InputError, ShapeError
from jindan.layers import Dense, EinsumDense
from jindan.models import Sequential
from layers.beside_keras import agree_with_keras

RNG = np.random.default_rng(417)
EQUATIONS = [
    ("ab,bc->ac", 4, "c", (3,)),
    ("abc,cd->abd", (None, 4), "d", (5, 3)),
    ("abc,cd->abd", (5, 4), "bd", (5, 3)),
    ("...x,xy->...y", 4, "y", (2, 5, 3)),
    ("...x,xy->...y", 4, None, (3,)),
    ("ab...,bc->ac...", 4, "c", (3, 2)),
    ("abc,cde->abde", (None, 2, 4), "de", (5, 3)),
    ("abcd,cde->abe", (None, 4), "e", (5, 2, 3)),
    ("abc,bd->adc", (4, None), "d", (5, 3)),
    ("abc,bcd->abd", (4, 2), "b", (4, 3)),
]


@pytest.mark.parametrize(("equation", "form", "bias", "shape"), EQUATIONS)
@pytest.mark.parametrize("rows", [1, 3])
def test_as_in_keras(equation, form, bias, shape, rows, keras):
    def build(layers, x):
        return layers.EinsumDense(equation, form, bias_axes=bias, activation="tanh")(x[0])

    agree_with_keras(build, [shape], [RNG.normal(size=(rows, *shape))], keras)


def test_it_is_dense_where_it_says_so():
    x, y = RNG.normal(size=(40, 3)), RNG.normal(size=(40, 2))
    found = []
    for last in (Dense(2), EinsumDense("ab,bc->ac", 2, bias_axes="c")):
        model = Sequential([Dense(5, "relu", input_shape=(3,)), last])
        model.compile("adam", "mse")
        found.append(model.fit(x, y, epochs=5, batch_size=8, seed=0).history["loss"])
    np.testing.assert_allclose(*found, rtol=1e-5)


def test_it_starts_by_its_own_inputs_and_outputs():
    layer = EinsumDense("abc,cde->abde", (None, 20, 30), kernel_initializer="he_normal")
    weight = layer.weights((5, 50))["kernel"]
    drawn = weight.initializer(weight.shape, np.float64, np.random.default_rng(0))
    assert drawn.shape == (50, 20, 30)
    assert drawn.std() == pytest.approx((2 / 50) ** 0.5, rel=0.02)
    turned = EinsumDense("abc,dc->abd", (None, 400), kernel_initializer="lecun_normal").weights((5, 100))["kernel"]
    assert turned.initializer(turned.shape, np.float64, np.random.default_rng(0)).std() == pytest.approx(0.1, rel=0.02)


def test_its_last_activation_goes_to_the_loss(keras):
    model = Sequential([EinsumDense("...x,xy->...y", 3, activation="softmax", input_shape=(4,))])
    assert model.network.head[1] == "softmax"
    assert ours.EinsumDense("...x,xy->...y", 3).flops((4,)) == 3 * (2 * 4 + 1)
    agree(model.predict(np.zeros((2, 4))), np.full((2, 3), 1 / 3), 1e-6)


@pytest.mark.parametrize(
    ("equation", "form", "bias", "message"),
    [
        ("ab,bc", 4, None, "has another form"),
        ("ab,bc->cd", 4, None, "letters that fit nothing"),
        ("ab,bc->ca", 4, None, "would mix the rows"),
        ("ab,abc->ac", 4, None, "would mix the rows"),
        ("abc,cd->abd", 4, None, "gives 2 axes a row, its output_shape 1"),
        ("abc,cd->abd", (None, 4), "c", "bias along axes"),
        ("abc,cd->abd", (None, 4), "a", "bias along axes"),
        ("aab,bc->ac", 4, None, "letters that fit nothing"),
    ],
)
def test_equations_that_cannot_be(equation, form, bias, message):
    with pytest.raises(InputError, match=message):
        EinsumDense(equation, form, bias_axes=bias)


def test_rows_that_do_not_fit():
    with pytest.raises(ShapeError, match="cannot take these rows"):
        EinsumDense("abc,cd->abd", (None, 4)).output_shape((3,))
    with pytest.raises(ShapeError, match="does not fit its rows"):
        EinsumDense("abc,cd->abd", (6, 4)).output_shape((5, 3))
    with pytest.raises(ShapeError, match="a length for 'd'"):
        EinsumDense("abc,cd->abd", (None, None)).output_shape((5, 3))
