"""jd.backprop against the textbook in NumPy: Z, A, dA, dZ, dW and db of every layer, in both float widths."""

from __future__ import annotations

import numpy as np
import pytest
import reference

import jindan as jd
from jindan.errors import StateError
from jindan.layers import Activation, Dense, Dropout
from jindan.models import LayerGradients, Sequential

FIELDS = ("Z", "A", "dA", "dZ", "dW", "db")
ROWS = 7

# name: (units a layer, activations, loss of jindan, loss of the reference)
NETS = {
    "softmax, one-hot": ((4, 5, 3), ("relu", "softmax"), "categorical_crossentropy", "crossentropy"),
    "softmax, class numbers": ((4, 5, 3), ("tanh", "softmax"), "sparse_categorical_crossentropy", "crossentropy"),
    "sigmoid, one output": ((4, 6, 1), ("tanh", "sigmoid"), "binary_crossentropy", "binary_crossentropy"),
    "sigmoid, three outputs": ((4, 5, 3), ("sigmoid", "sigmoid"), "binary_crossentropy", "binary_crossentropy"),
    "linear": ((4, 5, 4, 2), ("tanh", "relu", "linear"), "mse", "mse"),
    "sigmoid with mse": ((3, 4, 2), ("sigmoid", "sigmoid"), "mse", "mse"),
    "softmax with mse": ((3, 4, 3), ("relu", "softmax"), "mse", "mse"),
    "one layer": ((3, 1), ("linear",), "mse", "mse"),
}


def batch(sizes, activations, loss, seed=1):
    """Rows, targets as jindan takes them, targets as the reference takes them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(ROWS, sizes[0]))
    if "categorical" in loss:
        labels = rng.integers(0, sizes[-1], ROWS)
        one_hot = np.eye(sizes[-1])[labels]
        return x, labels if loss.startswith("sparse") else one_hot, one_hot
    y = rng.integers(0, 2, (ROWS, sizes[-1])) * 1.0 if "binary" in loss else rng.normal(size=(ROWS, sizes[-1]))
    return x, y, y


def build(sizes, activations, loss, parameters, dtype="float64", **plan):
    model = Sequential(dtype=dtype)
    for units, name in zip(sizes[1:], activations, strict=True):
        model.add(Dense(units, activation=name))
    model.build((sizes[0],))
    model.compile(optimizer="sgd", loss=loss, **plan)
    model.set_weights([array for pair in parameters for array in pair])
    return model


def same(found, wanted, tolerance=1e-9):
    # float64: a few hundred roundings of 1e-16 stay far below 1e-9. float32: the project's 1e-5 of the largest entry.
    assert found.shape == wanted.shape
    assert np.abs(found - wanted).max() <= tolerance * np.abs(wanted).max()


@pytest.mark.parametrize("name", NETS)
def test_the_reference_is_right(name):
    sizes, activations, _, loss = NETS[name]
    x, _, y = batch(sizes, activations, NETS[name][2])
    parameters, weight = reference.initialise(sizes), np.linspace(0.5, 2, ROWS)
    arguments = (activations, loss, x, y, weight, 0.1)
    slopes = reference.differences(parameters, lambda p: reference.objective(p, *arguments))
    for step, (dw, db) in zip(reference.backward(parameters, *arguments), slopes, strict=True):
        # Central differences lose about 1e-16 / 1e-6 to rounding and 1e-12 to curvature.
        np.testing.assert_allclose(step.dW, dw, rtol=0, atol=1e-8)
        np.testing.assert_allclose(step.db, db, rtol=0, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NETS)
def test_every_field_of_every_layer(name, dtype):
    sizes, activations, loss, plain = NETS[name]
    x, y, truth = batch(sizes, activations, loss)
    parameters = reference.initialise(sizes)
    steps = jd.backprop(build(sizes, activations, loss, parameters, dtype), x, y)
    wanted = reference.backward(parameters, activations, plain, x, truth)
    assert len(steps) == len(wanted) == len(sizes) - 1
    for found, expected in zip(steps, wanted, strict=True):
        for field in FIELDS:
            value = getattr(found, field)
            assert value.dtype == dtype
            same(value, getattr(expected, field), 1e-9 if dtype == "float64" else 1e-5)


def test_sample_weights_and_l2():
    sizes, activations, loss, plain = NETS["softmax, one-hot"]
    x, y, truth = batch(sizes, activations, loss)
    parameters, weight = reference.initialise(sizes), np.linspace(0, 2, ROWS)
    steps = jd.backprop(build(sizes, activations, loss, parameters, l2=0.05), x, y, weight)
    wanted = reference.backward(parameters, activations, plain, x, truth, weight, l2=0.05)
    for found, expected in zip(steps, wanted, strict=True):
        for field in FIELDS:
            same(getattr(found, field), getattr(expected, field))


def test_a_regularizer_on_a_layer_is_the_same_penalty():
    from jindan.regularizers import L2

    sizes, activations, loss, plain = NETS["linear"]
    x, y, truth = batch(sizes, activations, loss)
    parameters = reference.initialise(sizes)
    layers = [Dense(n, activation=a, kernel_regularizer=L2(0.05)) for n, a in zip(sizes[1:], activations, strict=True)]
    model = Sequential(layers, dtype="float64")
    model.build((sizes[0],))
    model.compile(loss=loss)
    model.set_weights([array for pair in parameters for array in pair])
    for found, expected in zip(
        jd.backprop(model, x, y), reference.backward(parameters, activations, plain, x, truth, l2=0.05), strict=True
    ):
        same(found.dW, expected.dW)
        same(found.gradients["kernel"], expected.dW)


def test_separate_activations_and_dropout_are_layers_of_their_own():
    sizes, activations, loss, plain = NETS["softmax, one-hot"]
    x, y, truth = batch(sizes, activations, loss)
    parameters = reference.initialise(sizes)
    model = Sequential(
        [Dense(5), Activation("relu"), Dropout(0.5), Dense(3), Activation("softmax")], dtype="float64"
    )  # fmt: skip
    model.build((4,))
    model.compile(loss=loss)
    model.set_weights([array for pair in parameters for array in pair])
    first, relu, dropout, last, softmax = jd.backprop(model, x, y)
    one, two = reference.backward(parameters, activations, plain, x, truth)
    for dense, active, wanted in ((first, relu, one), (last, softmax, two)):
        # A linear layer's Z and A are one; the activation after it has no weights.
        for found, expected in (
            (dense.Z, wanted.Z), (dense.A, wanted.Z), (dense.dA, wanted.dZ), (dense.dZ, wanted.dZ),
            (dense.dW, wanted.dW), (dense.db, wanted.db), (active.Z, wanted.Z), (active.A, wanted.A),
            (active.dA, wanted.dA), (active.dZ, wanted.dZ),
        ):  # fmt: skip
            same(found, expected)
        assert active.dW is None
        assert active.db is None
    # Dropout is off: it passes on what it gets, both ways.
    same(dropout.A, one.A)
    same(dropout.dA, one.dA)
    assert dropout.dW is None


def test_a_class_weight_counts_as_a_weight_of_its_rows():
    sizes, activations, loss, plain = NETS["softmax, class numbers"]
    x, y, truth = batch(sizes, activations, loss)
    parameters = reference.initialise(sizes)
    steps = jd.backprop(build(sizes, activations, loss, parameters, class_weight={0: 2.0, 2: 0.5}), x, y)
    weight = np.array([2.0, 1.0, 0.5])[y]
    for found, expected in zip(
        steps, reference.backward(parameters, activations, plain, x, truth, weight), strict=True
    ):  # fmt: skip
        same(found.dW, expected.dW)
        same(found.dA, expected.dA)


def test_the_chain_rule_by_its_factors():
    sizes, activations, loss, _ = NETS["linear"]
    x, y, _ = batch(sizes, activations, loss)
    parameters = reference.initialise(sizes)
    steps = jd.backprop(build(sizes, activations, loss, parameters), x, y)
    for before, step, (w, _) in zip([None, *steps[:-1]], steps, parameters, strict=True):
        same(step.dZ, step.dA * step.local)
        same(step.dW, step.inputs.T @ step.dZ)
        if before is not None:
            same(before.dA, step.dZ @ w.T)
            same(step.inputs, before.A)


def test_a_list_of_named_tuples():
    sizes, activations, loss, _ = NETS["linear"]
    x, y, _ = batch(sizes, activations, loss)
    steps = jd.backprop(build(sizes, activations, loss, reference.initialise(sizes)), x, y)
    assert isinstance(steps, list)
    assert LayerGradients._fields == FIELDS
    Z, A, dA, dZ, dW, db = steps[0]
    assert (Z.shape, A.shape, dA.shape, dZ.shape, dW.shape, db.shape) == (*[(ROWS, 5)] * 4, (4, 5), (5,))
    assert steps[0].name.startswith("layer 1, Dense")


def test_a_hand_written_descent_is_the_references():
    sizes, activations, loss, plain = NETS["sigmoid, one output"]
    x, y, truth = batch(sizes, activations, loss)
    parameters = reference.initialise(sizes)
    model = build(sizes, activations, loss, parameters)
    for _ in range(5):
        steps = jd.backprop(model, x, y)
        gradients = [g for step in steps for g in (step.dW, step.db)]
        model.set_weights([w - 0.5 * g for w, g in zip(model.get_weights(), gradients, strict=True)])
    wanted, _ = reference.train(parameters, activations, plain, x, truth, rate=0.5, epochs=5)
    for found, expected in zip(model.get_weights(), [a for pair in wanted for a in pair], strict=True):
        same(found, expected)


def test_saturated_outputs_have_finite_gradients():
    model = build((1, 1), ("sigmoid",), "binary_crossentropy", [(np.array([[1.0]]), np.zeros(1))], "float32")
    (step,) = jd.backprop(model, [[500.0], [-500.0]], [[0.0], [1.0]])
    # Fused: (A − Y)/m, although A is exactly 1 and 0 where the truth is 0 and 1.
    np.testing.assert_array_equal(step.dZ, [[0.5], [-0.5]])
    assert np.isfinite(step.dW).all()


def test_before_compile():
    with pytest.raises(StateError, match="not compiled"):
        jd.backprop(Sequential([Dense(1)]), [[1.0]], [[1.0]])


def test_fit_is_the_references_descent_partial_batch_included():
    sizes, activations, loss, plain = NETS["linear"]
    x, y, truth = batch(sizes, activations, loss)
    parameters = reference.initialise(sizes)
    model = build(sizes, activations, loss, parameters)
    history = model.fit(x, y, batch_size=5, epochs=4, shuffle=False)
    curve = []
    for _ in range(4):
        costs = []
        for rows in (slice(0, 5), slice(5, 7)):
            costs.append(reference.objective(parameters, activations, plain, x[rows], truth[rows]))
            steps = reference.backward(parameters, activations, plain, x[rows], truth[rows])
            parameters = reference.update(parameters, steps, 0.01)
        # An epoch's loss is the mean over its rows.
        curve.append((5 * costs[0] + 2 * costs[1]) / 7)
    same(np.array(history.history["loss"]), np.array(curve))
    for found, expected in zip(model.get_weights(), [a for pair in parameters for a in pair], strict=True):
        same(found, expected)


def test_softmax_as_a_layer_and_activity_penalties():
    from jindan import layers
    from jindan.models import Sequential, backprop

    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), np.eye(3)[rng.integers(0, 3, 6)]
    weights = [rng.normal(size=(4, 3)), rng.normal(size=3)]

    def steps(*stack, **regular):
        model = Sequential([layers.Dense(3, input_shape=(4,), **regular), *stack], dtype="float64")
        model.compile("sgd", "categorical_crossentropy")
        model.set_weights(weights)
        return backprop(model, x, y)

    layer, function = steps(layers.Softmax()), steps(layers.Activation("softmax"))
    for ours, oracle in zip(layer, function, strict=True):
        for a, b in zip(ours[:4], oracle[:4], strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(layer[-1].dZ, (layer[-1].A - y) / 6, atol=1e-12)
    penalised = steps(layers.Softmax(), activity_regularizer="l2")[0]
    # d/da of λ Σ a² / m, λ = 0.01
    np.testing.assert_allclose(penalised.dA, layer[0].dA + 0.02 * layer[0].A / 6, atol=1e-12)
