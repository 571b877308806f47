"""Code that several places of the compiled program share: functions that stay functions, places given as values."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jax.experimental.xla_metadata import set_xla_metadata

Array = jax.Array


def called(*static: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Have a function, its slopes too, compiled by itself: once for all places that give it arrays of one shape.

    Inlined, XLA would join it with its neighbours, differently in each place, and compute what is cheap anew in each of
    those that read it.

    Args:
        static: Numbers of the arguments that are no arrays.

    >>> twice = called()(lambda x: x + x)
    >>> 'inlineable = "false"' in jax.jit(twice).lower(1.0).as_text()
    True
    """

    def wrap(function: Callable[..., Any]) -> Callable[..., Any]:
        own = jax.jit(inlined(function), static_argnums=static)

        @wraps(function)
        def call(*given: Any) -> Any:
            with set_xla_metadata(inlineable="false"):
                return own(*given)

        return call

    return wrap


def movable(*numbers: int) -> list[Any]:
    """Places that are no constants to XLA: a constant is written into the code of whatever is cut out there, which then
    is other code for each place."""
    return lax.optimization_barrier([jnp.uint32(number) for number in numbers])


def after(tree: Any) -> Array:
    """0 in the dtype of some arrays, but to XLA a number that it knows once they are computed.

    What it is added to comes later than they do, and may be written over what they are computed from. XLA decides by
    what needs what, not by what happens to come first, whether an array can be written over, and copies it otherwise.

    >>> after([jnp.array([jnp.nan, 1.0]), jnp.ones((2, 2))])
    Array(0., dtype=float32)
    """
    leaves = [leaf for leaf in jax.tree.leaves(tree) if leaf.size]
    if not leaves:
        return jnp.zeros(())
    bits = [lax.bitcast_convert_type(leaf.reshape(-1)[0], f"int{8 * leaf.dtype.itemsize}") & 1 for leaf in leaves]
    return jnp.minimum(sum(bit.astype(jnp.int32) for bit in bits), 0).astype(leaves[0].dtype)


def inlined(function: Callable[..., Any]) -> Callable[..., Any]:
    """What the function calls in turn, such as the body of a loop, is inlined as ever."""

    @wraps(function)
    def call(*given: Any) -> Any:
        with set_xla_metadata(inlineable="true"):
            return function(*given)

    return call
