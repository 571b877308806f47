"""One graph built in jindan and in Keras, with the same weights: their outputs and slopes side by side."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from contracts.numerics import agree

import jindan.layers as ours
from jindan.layers.base import Context
from jindan.models import Model

RNG = np.random.default_rng(417)


def both(build, shapes, keras, dtype="float64"):
    """Models of `build(layers, inputs)` in both libraries, Keras's with the weights of ours, moved off their start."""
    made = []
    for layers, new, model in ((ours, ours.Input, Model), (keras.layers, keras.Input, keras.Model)):
        given = [new(shape) for shape in shapes]
        found = build(layers, given)
        made.append(model(given, found, **({"dtype": dtype} if layers is ours else {})))
    mine, theirs = made
    weights = [w + 0.2 * RNG.normal(size=w.shape) for w in mine.get_weights()]
    assert [w.shape for w in weights] == [tuple(w.shape) for w in theirs.get_weights()]
    mine.set_weights(weights)
    theirs.set_weights(weights)
    return mine, theirs


def listed(value):
    return list(value) if isinstance(value, (list, tuple)) else [value]


def slopes(function):
    """(slopes by weights and first input, outputs), from a function of both that gives (number, outputs)."""
    return jax.jit(jax.grad(function, argnums=(0, 1), has_aux=True))


def agree_with_keras(build, shapes, x, keras):
    """Outputs, and the slopes of a mix of them by weights and by the first input, are those of Keras.

    In float64 where Keras is told to compute in it; its recurrent layers cannot.
    """
    dtype = keras.config.floatx()
    within = {"float64": 1e-9, "float32": 1e-5}[dtype]
    mine, theirs = both(build, shapes, keras, dtype)
    rows = [jnp.asarray(part, dtype) for part in x]
    outputs = listed(mine.predict(list(x) if len(x) > 1 else x[0]))
    mix = [RNG.normal(size=np.shape(a)).astype(dtype) for a in outputs]

    # Each as one program: operation by operation, compiling them is most of the time of these tests.
    def own(weights, first):
        found = listed(mine.network.forward(weights, first if len(rows) == 1 else (first, *rows[1:]), Context()))
        return sum(jnp.sum(m * a) for m, a in zip(mix, found, strict=True)), found

    def other(weights, first):
        fixed = [v.value for v in theirs.non_trainable_variables]
        found, _ = theirs.stateless_call(weights, fixed, first if len(rows) == 1 else [first, *rows[1:]])
        return sum(jnp.sum(m * a) for m, a in zip(mix, listed(found), strict=True)), listed(found)

    weights = tuple({n: jnp.asarray(w) for n, w in found.items()} for found in mine.ready_weights())
    by_weight, by_input = slopes(own)(weights, rows[0])[0]
    (theirs_by, theirs_input), wanted = slopes(other)([v.value for v in theirs.trainable_variables], rows[0])
    for a, b in zip(outputs, wanted, strict=True):
        agree(a, np.asarray(b), within)
    # JAX sorts names.
    mine_by = [found[name] for found, spec in zip(by_weight, mine.network.specs, strict=True) for name in spec]
    assert [a.shape for a in mine_by] == [b.shape for b in theirs_by]
    # All at once: some (of the bias of keys) are 0 but for rounding.
    agree(*(np.concatenate([np.zeros(1), *map(np.ravel, found)]) for found in (mine_by, theirs_by)), within)
    agree(by_input, np.asarray(theirs_input), within)
    return mine, theirs
