"""Classes of one's own in Keras's manner: what is asked for instead is told."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.constraints import Constraint
from jindan.errors import InputError
from jindan.initializers import Initializer
from jindan.layers import Dense, Input, Layer
from jindan.losses import Loss
from jindan.metrics import Metric
from jindan.models import Model, Sequential
from jindan.optimizers import Optimizer
from jindan.regularizers import Regularizer
from jindan.schedules import LearningRateSchedule

X, Y = np.zeros((6, 3)), np.zeros((6, 1))


def own(base, *methods):
    """An instance of a class of one's own with methods of these names; made in a test, as classes are registered."""
    return type(f"Own{base.__name__}", (base,), {name: lambda self, *values: None for name in methods})()


PARTS = {
    "layer": (
        lambda: fitted(layer=own(Layer, "build", "call")),
        r"class OwnLayer.*def apply\(self, w, x, ctx\).*def build, call.*in place of `call`.*in the guide",
    ),
    "loss": (
        lambda: fitted(loss=own(Loss, "cost")),
        r"class OwnLoss.*def rows\(self, y_true, y_pred\).*def cost.*JAX function",
    ),
    "metric": (
        lambda: fitted(metrics=[own(Metric, "update", "figure")]),
        r"def sums\(.*def update, figure",
    ),
    "constraint": (lambda: fitted(layer=dense(kernel_constraint=own(Constraint))), "OwnConstraint.*none of this name"),
    "regularizer": (lambda: fitted(layer=dense(kernel_regularizer=own(Regularizer))), "class OwnRegularizer"),
    "initializer": (lambda: fitted(layer=dense(kernel_initializer=own(Initializer))), r"def draw\(self"),
    "schedule": (lambda: own(LearningRateSchedule)(0), r"def __call__\(self, step\)"),
    "optimizer": (lambda: fitted(optimizer=own(Optimizer)), r"def update\(self, w, g"),
}


def dense(**settings):
    return Dense(3, activation="relu", **settings)


def fitted(layer=None, optimizer="sgd", loss="mse", metrics=()):
    model = Sequential([*([] if layer is None else [layer]), Dense(1)])
    model.compile(optimizer, loss, metrics=list(metrics))
    return model.fit(X, Y, epochs=1, seed=0)


@pytest.mark.parametrize("part", PARTS)
def test_a_part_without_its_method_names_it(part):
    make, words = PARTS[part]
    with pytest.raises(InputError, match=f"(?s){words}"):
        make()


def test_a_model_whose_call_would_connect_its_layers_is_told_of_graphs():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.inner = Dense(1)

    for make, words in (
        (Own, r"super\(\).__init__\(inputs, outputs\).*no inputs and outputs.*Graphs of layers"),
        (lambda: Model(Input((3,))), r"Model\(inputs, outputs\).*no outputs"),
        (lambda: Model(outputs=Dense(1)(Input((3,)))), "no inputs"),
    ):
        with pytest.raises(InputError, match=f"(?s){words}"):
            make()


def test_a_model_of_ones_own_hands_its_graph_over():
    class Own(Model):
        def __init__(self, units):
            x = Input((3,))
            super().__init__(x, Dense(units)(x), name="own")

    assert Own(2).output_shape == (None, 2)
