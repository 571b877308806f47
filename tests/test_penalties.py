"""Regularisers and constraints: formulas, Keras, and what they do to a training."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan import constraints, regularizers, spec
from jindan.constraints import ClipWeights, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from jindan.engine.train import train
from jindan.errors import ShapeError
from jindan.layers import Dense
from jindan.plan import Plan
from jindan.regularizers import L1, L1L2, L2

W = np.random.default_rng(417).normal(size=(5, 4)) * 2

REGULARIZERS = {
    "L1": (L1(0.3), 0.3 * np.abs(W).sum(), {"l1": 0.3}),
    "L2": (L2(0.3), 0.3 * (W**2).sum(), {"l2": 0.3}),
    "L1L2": (L1L2(0.1, 0.2), 0.1 * np.abs(W).sum() + 0.2 * (W**2).sum(), {"l1": 0.1, "l2": 0.2}),
}
NORMS = np.linalg.norm(W, axis=0, keepdims=True)
CONSTRAINTS = {
    "MaxNorm": (MaxNorm(3.0), W * np.minimum(1, 3 / NORMS), {"max_value": 3.0}),
    "NonNeg": (NonNeg(), np.maximum(W, 0), {}),
    "UnitNorm": (UnitNorm(), W / NORMS, {}),
    "MinMaxNorm": (
        MinMaxNorm(2.0, 3.0, 0.5),
        W * (0.5 * np.clip(NORMS, 2, 3) + 0.5 * NORMS) / NORMS,
        {"min_value": 2.0, "max_value": 3.0, "rate": 0.5},
    ),
    "ClipWeights": (ClipWeights(0.7), np.clip(W, -0.7, 0.7), None),
}


@pytest.mark.parametrize(("kind", "table"), [("regularizer", REGULARIZERS), ("constraint", CONSTRAINTS)])
def test_the_tables_forget_none(kind, table):
    own = {cls.__name__ for cls in spec.classes(kind) if cls.__module__.startswith("jindan.")}
    assert own == set(table), f"a {kind} is not in the table"


@pytest.mark.parametrize("name", REGULARIZERS)
def test_penalty(name):
    regularizer, wanted, settings = REGULARIZERS[name]
    # float32 sums of twenty numbers.
    assert float(regularizer(W)) == pytest.approx(wanted, rel=1e-6)
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    assert float(regularizer(W)) == pytest.approx(float(getattr(keras.regularizers, name)(**settings)(W)), rel=1e-6)
    assert spec.from_json("regularizer", spec.to_json(regularizer)) == regularizer


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraint(name):
    constraint, wanted, settings = CONSTRAINTS[name]
    found = np.asarray(constraint(jnp.asarray(W, jnp.float32)))
    np.testing.assert_allclose(found, wanted, rtol=1e-5)  # ε = 1e-7 beside the norm, in float32
    again = np.asarray(constraint(jnp.asarray(found)))
    if name != "MinMaxNorm":
        np.testing.assert_allclose(again, found, rtol=1e-5)  # inside the set nothing moves
    if settings is not None:
        keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
        theirs = getattr(keras.constraints, name)(**settings)(jnp.asarray(W, jnp.float32))
        np.testing.assert_allclose(found, theirs, rtol=1e-6)
    assert spec.from_json("constraint", spec.to_json(constraint)) == constraint


def test_lower_case_names():
    assert regularizers.l1() == L1(0.01)
    assert regularizers.l2(0.5) == L2(0.5)
    assert regularizers.l1_l2() == L1L2(0.01, 0.01)
    assert constraints.max_norm(2) == MaxNorm(2)
    assert spec.get("regularizer", "l2") == L2()


def test_a_zero_column_stays_zero_and_finite():
    zero = jnp.zeros((3, 2))
    for constraint, _, _ in CONSTRAINTS.values():
        assert np.all(np.asarray(constraint(zero)) == 0)


def test_axes_that_weights_lack_are_refused_where_the_network_is_built():
    for layer, name in ((Dense(2, kernel_constraint=MaxNorm(axis=7)), "kernel"),
                        (Dense(2, kernel_constraint=MinMaxNorm(axis=(0, -2))), "kernel"),
                        (Dense(2, bias_constraint=UnitNorm(axis=1)), "bias")):  # fmt: skip
        with pytest.raises(
            ShapeError, match=rf"names an axis(.|\n)*layer 1, Dense, {name}(.|\n)*received: (.|\n)*help: "
        ):
            Plan((layer,)).network((3,)).specs  # noqa: B018
    with pytest.raises(ShapeError, match="names an axis"):
        MaxNorm(axis=2)(jnp.ones((3, 2)))
    norms = jnp.sqrt(jnp.sum(jnp.asarray(W) ** 2))
    for axis in (None, (0, 1), [-1, 0]):
        np.testing.assert_allclose(UnitNorm(axis)(jnp.asarray(W)), W / norms, rtol=1e-5)


def test_constraints_hold_after_every_update():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.normal(size=(20, 2)) * 50
    layer = Dense(2, kernel_constraint=MaxNorm(0.5), bias_constraint="non_neg")
    plan = Plan((layer,), optimizer="sgd", batch_size=7, epochs=3, seed=0).edit(learning_rate=0.1)
    run = train(plan, (x, y))
    kernel, bias = run.weights[0]["kernel"], run.weights[0]["bias"]
    assert np.linalg.norm(kernel, axis=0).max() <= 0.5 + 1e-6  # rounding of a float32 norm
    assert bias.min() >= 0


def test_an_activity_penalty_is_a_mean_over_rows():
    """Its gradient pulls outputs to 0: with no targets to follow, w ← w − η · 2λ w ⟨x²⟩."""
    x, w0 = np.array([[1.0], [3.0]]), 0.5
    layer = Dense(1, use_bias=False, activity_regularizer=L2(0.1))
    plan = Plan((layer,), loss="mse", optimizer="sgd", batch_size=2, epochs=1, seed=0, dtype="float64")
    fresh = train(plan.edit(epochs=0), (x, x * 0))
    start = jax.tree.map(lambda w: np.full_like(w, w0), fresh.weights)
    from dataclasses import replace

    run = train(plan.edit(learning_rate=0.01), (x, x * 0), start=replace(fresh, weights=start))
    slope = 2 * w0 * 5.0  # of the mean square, ⟨x²⟩ = 5
    penalty = 0.1 * 2 * w0 * 5.0  # of λ Σ a² / rows
    assert run.weights[0]["kernel"].item() == pytest.approx(w0 - 0.01 * (slope + penalty), rel=1e-12)
