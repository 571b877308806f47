"""What cannot be is refused where it is written, or where shapes are known: what, where, expected, received, help."""

from __future__ import annotations

import numpy as np
import pytest

from jindan import constraints, initializers, layers, losses, metrics, optimizers, regularizers, schedules, spec
from jindan.errors import InputError, ShapeError
from jindan.layers import (
    AdditiveAttention,
    AlphaDropout,
    Attention,
    Dense,
    Dot,
    Dropout,
    Permute,
    PReLU,
    Reshape,
    Residual,
    Softmax,
    UnitNormalization,
)
from jindan.layers.base import Context
from jindan.models import Sequential

from .layer_table import network_of

PARTS = "where: ", "expected: ", "received: ", "help: "


def said(call, *phrases, error=InputError):
    with pytest.raises(error) as caught:
        call()
    for phrase in (*PARTS, *phrases):
        assert phrase in str(caught.value)


WRITTEN = {
    "Dot-word": (Dot, "a"), "Dot-half": (Dot, 1.5), "Dot-three": (Dot, (1, 1, 1)), "Dot-none": (Dot, None),
    "Reshape-negative": (Reshape, (-2, -3)), "Reshape-half": (Reshape, (1.5, 4)), "Reshape-none": (Reshape, None),
    "Permute-number": (Permute, 1), "Permute-twice": (Permute, (1, 1)), "Permute-batch": (Permute, (0, 1)),
    "Permute-half": (Permute, (1.0, 2.0)), "Permute-none": (Permute, None),
    "PReLU-last": (lambda axes: PReLU(shared_axes=axes), (-1,)),
    "PReLU-batch": (lambda axes: PReLU(shared_axes=axes), 0),
    "PReLU-word": (lambda axes: PReLU(shared_axes=axes), "a"),
    "Softmax-batch": (Softmax, 0), "UnitNormalization-batch": (UnitNormalization, 0),
    "Dropout-number": (lambda form: Dropout(0.5, form), 5), "Dropout-word": (lambda form: Dropout(0.5, form), ("a", 1)),
    "Dropout-empty": (lambda form: AlphaDropout(0.5, form), (None, 0)),
    "PiecewiseConstantDecay-falling": (lambda b: schedules.PiecewiseConstantDecay(b, (1.0, 0.5, 0.1)), (10, 5)),
    "PiecewiseConstantDecay-word": (lambda b: schedules.PiecewiseConstantDecay(b, (1.0, 0.5)), ("a",)),
    "PiecewiseConstantDecay-number": (lambda b: schedules.PiecewiseConstantDecay(b, (1.0, 0.5)), 5),
    "PiecewiseConstantDecay-negative": (lambda v: schedules.PiecewiseConstantDecay((5,), v), (-1.0, 0.5)),
    "PiecewiseConstantDecay-words": (lambda v: schedules.PiecewiseConstantDecay((5,), v), ("a", "b")),
    "MinMaxNorm-crossed": (lambda pair: constraints.MinMaxNorm(*pair), (2, 1)),
    "MaxNorm-half": (lambda axis: constraints.MaxNorm(axis=axis), 1.5),
    "UnitNorm-word": (lambda axis: constraints.UnitNorm(axis=axis), "a"),
    "RandomUniform-crossed": (lambda pair: initializers.RandomUniform(*pair), (1, -1)),
    "Constant-word": (initializers.Constant, "a"), "Constant-none": (initializers.Constant, None),
    "Constant-ragged": (initializers.Constant, [[1.0, 2.0], [3.0]]),
}  # fmt: skip


@pytest.mark.parametrize("case", WRITTEN)
def test_settings_that_cannot_be(case):
    make, setting = WRITTEN[case]
    said(lambda: make(setting), case.split("-")[0])


UNFIT = [
    (Dot(3), ((4,), (4,))), (Dot(-5), ((4,), (4,))), (Dot(-4), ((3, 4), (3, 4))), (Dot((1, 2)), ((4,), (4,))),
    (Attention(), ((4, 8), (5, 8), (6, 8))), (Attention(), ((4, 8), (5, 7))), (Attention(), ((4, 8), (5, 7), (5, 6))),
    (Attention(), ((4, 8), (5, 1))), (Attention(score_mode="concat"), ((4, 8), (5, 7))),
    (AdditiveAttention(), ((4, 8), (5, 8), (6, 8))), (AdditiveAttention(), ((4, 8), (5, 7))),
    (Reshape((-1, -1)), (6,)), (Reshape((0,)), (6,)), (Permute((2, 1)), (6,)),
    (PReLU(shared_axes=(9,)), (2, 3)), (PReLU(shared_axes=3), (2, 3)),
    (Softmax(5), (4,)), (Softmax(-2), (4,)), (Softmax(), ()), (UnitNormalization(5), (4,)),
    (UnitNormalization(-3), (2, 3)),
    (Dropout(0.5, (None, 1, None)), (4,)), (Dropout(0.5, (1,)), (4,)), (AlphaDropout(0.5, (None, 3)), (4,)),
]  # fmt: skip


@pytest.mark.parametrize(("layer", "shape"), UNFIT, ids=[f"{layer}-{shape}" for layer, shape in UNFIT])
def test_rows_that_cannot_be(layer, shape):
    said(lambda: network_of(layer, shape).output_shape, f"layer 1, {type(layer).__name__}", error=ShapeError)


def test_what_attention_reads_though_it_differs():
    assert Attention().output_shape(((4, 8), (5, 7), (5, 8))) == (4, 7)
    for layer in (Attention(score_mode="concat"), AdditiveAttention()):
        assert layer.output_shape(((4, 8), (5, 1))) == (4, 1)  # as Keras, which spreads the one feature


@pytest.mark.parametrize("axes", [np.array([2, 1]), [2, 1]])
def test_axes_in_arrays(axes):
    assert Permute(axes) == Permute((2, 1))
    assert PReLU(shared_axes=axes).weights((4, 3, 2))["alpha"].shape == (1, 1, 2)


@pytest.mark.parametrize("axis", [0, 7])
def test_an_activation_mixes_no_rows(axis):
    said(
        lambda: Dense(3, Softmax(axis)).apply(
            {"kernel": np.ones((2, 3)), "bias": np.ones(3)}, np.ones((4, 2)), Context()
        )
    )


# -- classes that were not called ------------------------------------------------------------------------------------


class Own:
    """A class of a user's."""


CLASSES = {
    "loss": ((losses.Huber, losses.CustomLoss), metrics.MeanSquaredError),
    "optimizer": ((optimizers.Adam, schedules.ExponentialDecay), Own),
    "layer": ((layers.Flatten, Dense), Own),
    "initializer": ((initializers.GlorotNormal, schedules.StepDecay), Own),
    "regularizer": ((regularizers.L2, schedules.StepDecay), Own),
    "constraint": ((constraints.NonNeg, schedules.StepDecay), Own),
    "schedule": ((schedules.ConstantRate, schedules.ExponentialDecay), Own),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_a_class_is_made_or_refused(kind):
    (good, needy), foreign = CLASSES[kind]
    assert spec.get(kind, good) == good()
    for cls in (needy, foreign):
        said(lambda cls=cls: spec.get(kind, cls, where="here"), f"all it: {cls.__name__}(", f"the class {cls.__name__}")


def test_classes_where_models_are_written():
    said(lambda: Sequential([Dense]), "layer 1", "Call it: Dense(units=…)")
    said(lambda: layers.Residual([Dense]), "layers of Residual", "Call it: Dense(units=…)")
    said(lambda: optimizers.SGD(schedules.StepDecay), "learning_rate of SGD", "Call it: StepDecay(")
    said(lambda: Dense(2, kernel_regularizer=Own), "kernel_regularizer of Dense", "call it: Own()")
    for cls in (metrics.LossMetric, metrics.CustomMetric, losses.CustomLoss, Dense, Own):
        said(lambda cls=cls: metrics.resolve(cls, losses.MeanSquaredError(), 1), "not a metric", cls.__name__)


def test_one_layer_is_a_list_of_one():
    assert Residual(Dense(2)) == Residual([Dense(2)])
    with pytest.raises(InputError, match="not a layer"):
        Residual(3)
