"""Functions that are compiled by themselves: the same numbers, and one piece of code for equal ones."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.ops.calls import called, inlined

X = jnp.asarray(np.random.default_rng(3).normal(size=(4, 6)), "float32")


def plain(x, power):
    return jax.lax.fori_loop(0, 2, lambda i, v: jnp.tanh(v) ** power, x) * x


def chained(function):
    def call(x):
        for _ in range(3):
            x = function(x, 3) + 1
        return jnp.sum(x)

    return call


def test_values_and_slopes_are_those_of_the_function():
    ours, theirs = chained(called(1)(plain)), chained(plain)
    np.testing.assert_allclose(ours(X), theirs(X), rtol=1e-6)  # one product more or less is rounded at once
    np.testing.assert_allclose(jax.grad(ours)(X), jax.grad(theirs)(X), rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(jax.vmap(ours)(X), jax.vmap(theirs)(X), rtol=1e-6)


@pytest.mark.parametrize("function", [chained(called(1)(plain)), jax.grad(chained(called(1)(plain)))])
def test_each_use_is_a_call_and_what_is_inside_is_not(function):
    program = jax.jit(function).lower(X)
    assert len(re.findall(r'call @.*inlineable = "false"', program.as_text())) >= 3
    optimised = program.compile().as_text()
    calls = [line for line in optimised.splitlines() if " call(" in line and 'inlineable="false"' in line]
    assert 3 <= len(calls) <= 6, optimised


def test_inlined_functions_keep_their_names():
    assert inlined(plain).__name__ == called(1)(plain).__name__ == "plain"
