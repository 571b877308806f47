"""Models by subclassing: what their `call` cannot do is told in words, with the line."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest

import jindan.layers as ours
from jindan.errors import InputError, StateError
from jindan.layers import Concatenate, Dense, Dropout, Embedding, Flatten, Input, Lambda
from jindan.models import Model, Sequential

from .test_subclassing import IDS, X, Y, plain


class Bad(Model):
    def __init__(self, what):
        super().__init__()
        self.a, self.what = Dense(3), what

    def call(self, x, training=None):
        x = self.a(x)
        return self.what(x, training)


BADS = {
    "jnp": (lambda x, training: jnp.tanh(x), r"call of Bad.*test_subclassing_refused\.py, line \d+:.*Lambda"),
    "numpy": (lambda x, training: np.exp(x), "(?s)call of Bad.*Lambda"),
    "value": (lambda x, training: x if x > 0 else -x, "(?s)call of Bad.*line"),
    "truth": (lambda x, training: x if x else -x, "(?s)no truth.*before there are numbers"),
    "outputs": (lambda x, training: [x, x] if training else x, r"(?s)other outputs in training.*2 and 1"),
    "shapes": (lambda x, training: x[:, :1] if training else x, r"(?s)of different shapes.*\(1,\), \(3,\)"),
    "nothing": (lambda x, training: None, "(?s)gives what layers give.*NoneType.*return self.head"),
    "method": (lambda x, training: x.mean(), "(?s)AttributeError.*mean.*Lambda"),
}


@pytest.mark.parametrize("kind", BADS)
def test_what_cannot_be_traced_is_told(kind):
    what, words = BADS[kind]
    with pytest.raises(InputError, match=f"(?s){words}"):
        Bad(what).predict(X)


def test_errors_of_layers_name_the_line():
    with pytest.raises(Exception, match="cannot merge") as caught:
        Bad(lambda x, training: ours.Add()([x, Dense(2)(x)])).predict(X)
    assert any("test_subclassing_refused.py, line" in note for note in caught.value.__notes__)


def test_what_is_refused_before():
    class Late(Model):
        def __init__(self):
            self.a = Dense(1)

        def call(self, x):
            return self.a(x)

    with pytest.raises(StateError, match=r"super\(\).__init__\(\) first"):
        Late()

    class Taken(Model):
        def __init__(self):
            super().__init__()
            self.summary = Dense(1)

        def call(self, x):
            return self.summary(x)

    with pytest.raises(InputError, match="by this name already"):
        Taken()

    class Steps(Model):
        def call(self, x):
            return x

        def train_step(self, data):
            return {}

    with pytest.raises(InputError, match=r"(?s)train_step of your own would never be called.*one compiled program"):
        Steps()
    net, _, _ = plain(ours, Model)
    with pytest.raises(InputError, match=r"as one list or dict.(.|\n)*net\(\[a, b\]\)"):
        net(Input((6,)), Input((6,)))
    with pytest.raises(StateError, match="does not know the shape"):
        net.get_weights()
    with pytest.raises(StateError, match="not compiled"):
        net.fit(X, Y)


def test_what_has_no_layer_goes_into_lambda():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.a, self.drop = Dense(4), Dropout(0.5)
            self.act = Lambda(lambda x: jnp.square(x[:, :2]))

        def call(self, x, training=None):
            return self.act(self.drop(self.a(x), training=training)) / 2 + 1

    net = Net()
    assert net.predict(X).shape == (24, 2)
    np.testing.assert_array_equal(net.predict(X), net.predict(X))
    assert not np.array_equal(net(X, training=True), net(X, training=True))
    assert net.predict(X[:1]).shape == (1, 2)
    assert net.predict(np.zeros((0, 6))).shape == (0, 2)
    ids = Sequential([Embedding(5, 2), Flatten()])
    assert Concatenate is not None
    assert ids.predict(IDS).shape == (24, 6)


def test_in_a_stack_it_is_traced_by_the_rows_below():
    net = plain(ours, Model)[0]
    stack = Sequential([Input((6,)), Dense(4), net, Dense(1)])
    assert stack.output_shape == (None, 1)
    assert [view.name for view in stack.layers] == ["dense", net.name, "dense_1"]
    assert stack.predict(X, verbose=0).shape == (len(X), 1)
    with pytest.raises(StateError, match="needs to know its rows"):
        Sequential([plain(ours, Model)[0], Dense(1)])
    with pytest.raises(StateError, match="needs to know its rows"):
        Sequential([Dense(3), plain(ours, Model)[0]])
