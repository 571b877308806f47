"""Recurrences over time: SimpleRNN, LSTM and GRU as functions on arrays; whole sequences and single steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..activations import resolve
from .recurrence_loops import HALF_I_F_C_O, HALF_Z_R_H, SLOPES, gru_loop, lstm_loop, simple_loop

Array = jax.Array
States = tuple[Array, ...]


def simple_rnn(
    x: Array, kernel: Array, recurrent_kernel: Array, bias: Any = None, *, activation: Any = "tanh",
    initial: Any = None, mask: Any = None, every: bool = False, keep: Any = None,
) -> tuple[Array, States]:  # fmt: skip
    """h_t = f(x_t W + h_{t−1} U + b) (Elman 1990).

    Args:
        x: (rows, time, features).
        kernel, recurrent_kernel, bias: (features, units), (units, units), (units,) or None.
        activation: f, a name of `jindan.activations` or a function.
        initial: States before the first step, (h,) of (rows, units); zeros unless given.
        mask: (rows, time), 0 where a step does not exist: the state stays and the output repeats it.
        every: Whether the output holds all steps.
        keep: (rows, units) factors of the state where it enters the matmul (recurrent dropout), or None.

    Returns:
        (outputs (rows, time, units), or (rows, units) without `every`; the last states).

    >>> y, (h,) = simple_rnn(jnp.ones((1, 3, 1)), jnp.ones((1, 1)), jnp.ones((1, 1)), activation="linear", every=True)
    >>> y.ravel().tolist(), h.tolist()
    ([1.0, 2.0, 3.0], [[3.0]])
    """
    x, states = _start(x, recurrent_kernel, initial, 1)
    if keep is None and activation in SLOPES:
        given, u, matrix = _arrange(x, kernel, recurrent_kernel, bias, (1.0,))
        out, h = simple_loop(activation, every, given, u, matrix, states[0].T, _lanes(mask, x))
        return _rows(out), (h.T,)
    return _scan(simple_step, x @ kernel + _or_zero(bias), states, mask, every,
                 (recurrent_kernel,), {"activation": activation, "keep": keep})  # fmt: skip


def lstm(
    x: Array, kernel: Array, recurrent_kernel: Array, bias: Any = None, *, activation: Any = "tanh",
    recurrent_activation: Any = "sigmoid", initial: Any = None, mask: Any = None, every: bool = False, keep: Any = None,
) -> tuple[Array, States]:  # fmt: skip
    """c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh c_t; i, f, g, o from x_t W + h_{t−1} U + b (Hochreiter & Schmidhuber
    1997; the forget gate: Gers et al. 2000).

    Arguments as in `simple_rnn`; kernel (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units,), the
    gates in Keras's order i, f, c, o; states (h, c).

    >>> y, (h, c) = lstm(jnp.ones((2, 5, 3)), jnp.ones((3, 4)), jnp.ones((1, 4)))
    >>> y.shape, bool((y == h).all()), round(float(c[0, 0]), 3)
    ((2, 1), True, 4.684)
    """
    x, states = _start(x, recurrent_kernel, initial, 2)
    if keep is None and (activation, recurrent_activation) == ("tanh", "sigmoid"):
        given, u, matrix = _arrange(x, kernel, recurrent_kernel, bias, HALF_I_F_C_O)
        out, h, c = lstm_loop(every, given, u, matrix, states[0].T, states[1].T, _lanes(mask, x))
        return _rows(out), (h.T, c.T)
    how = {"activation": activation, "recurrent_activation": recurrent_activation, "keep": keep}
    return _scan(lstm_step, x @ kernel + _or_zero(bias), states, mask, every, (recurrent_kernel,), how)


def gru(
    x: Array, kernel: Array, recurrent_kernel: Array, bias: Any = None, *, activation: Any = "tanh",
    recurrent_activation: Any = "sigmoid", reset_after: bool = True, initial: Any = None, mask: Any = None,
    every: bool = False, keep: Any = None,
) -> tuple[Array, States]:  # fmt: skip
    """h_t = z ⊙ h_{t−1} + (1 − z) ⊙ g, g = tanh(x_t W_h + r ⊙ (h_{t−1} U_h)) (Cho et al. 2014).

    Arguments as in `simple_rnn`; kernel (features, 3 units), recurrent_kernel (units, 3 units), the gates in Keras's
    order z, r, h; states (h,).

    Args:
        reset_after: True takes r after the matmul as above, and the bias is (2, 3 units), of x and of h; False takes
            (r ⊙ h) U_h, the first form published, and the bias is (3 units,).
    """
    x, states = _start(x, recurrent_kernel, initial, 1)
    of_x, of_h = (bias[0], bias[1]) if reset_after and bias is not None else (bias, None)
    if keep is None and reset_after and (activation, recurrent_activation) == ("tanh", "sigmoid"):
        given = _hoisted(x, kernel, of_x, HALF_Z_R_H)
        scale = _scale(HALF_Z_R_H, recurrent_kernel)
        matrix, u = (recurrent_kernel * scale).T, None
        if of_h is not None:
            matrix = jnp.concatenate([matrix, (of_h * scale)[:, None]], axis=1)
            u = jnp.ones((1, x.shape[1], x.shape[0]), matrix.dtype)
        out, h = gru_loop(every, given, u, matrix, states[0].T, _lanes(mask, x))
        return _rows(out), (h.T,)
    how = {"activation": activation, "recurrent_activation": recurrent_activation, "reset_after": reset_after}
    return _scan(gru_step, x @ kernel + _or_zero(of_x), states, mask, every,
                 (recurrent_kernel, of_h), how | {"keep": keep})  # fmt: skip


# -- one step, row by row -----------------------------------------------------------------------------------------


def simple_step(z: Array, states: States, recurrent_kernel: Array, *, activation: Any, keep: Any = None) -> States:
    """The state after a step; z = x W + b is (rows, units)."""
    return (resolve(activation)(z + _kept(states[0], keep) @ recurrent_kernel),)


def lstm_step(
    z: Array, states: States, recurrent_kernel: Array, *, activation: Any, recurrent_activation: Any, keep: Any = None
) -> States:
    """(h, c) after a step; z = x W + b is (rows, 4 units)."""
    gate, squash, (h, c) = resolve(recurrent_activation), resolve(activation), states
    i, f, g, o = jnp.split(z + _kept(h, keep) @ recurrent_kernel, 4, axis=-1)
    c = gate(f) * c + gate(i) * squash(g)
    return gate(o) * squash(c), c


def gru_step(
    z: Array, states: States, recurrent_kernel: Array, recurrent_bias: Any, *, activation: Any,
    recurrent_activation: Any, reset_after: bool, keep: Any = None,
) -> States:  # fmt: skip
    """(h,) after a step; z = x W + b is (rows, 3 units)."""
    gate, h, units = resolve(recurrent_activation), _kept(states[0], keep), recurrent_kernel.shape[0]
    if reset_after:
        q = h @ recurrent_kernel + _or_zero(recurrent_bias)
        update, reset = jnp.split(gate(z[:, : 2 * units] + q[:, : 2 * units]), 2, axis=-1)
        held = reset * q[:, 2 * units :]
    else:
        q = h @ recurrent_kernel[:, : 2 * units]
        update, reset = jnp.split(gate(z[:, : 2 * units] + q), 2, axis=-1)
        held = (reset * h) @ recurrent_kernel[:, 2 * units :]
    new = resolve(activation)(z[:, 2 * units :] + held)
    # Keras mixes the state in as it entered the matmul, dropout included.
    return (update * h + (1 - update) * new,)


# -- helpers ------------------------------------------------------------------------------------------------------


def _scan(
    step: Callable, z: Array, states: States, mask: Any, every: bool, weights: tuple, how: dict[str, Any]
) -> tuple[Array, States]:
    """Steps one after another with JAX's own slopes: for activations without a loop written by hand."""

    def body(states: States, given: Any) -> tuple[States, Any]:
        z, m = given
        new = step(z, states, *weights, **how)
        if m is not None:
            new = tuple(jnp.where(m[:, None] > 0, a, b) for a, b in zip(new, states, strict=True))
        return new, new[0] if every else None

    over = None if mask is None else jnp.swapaxes(mask, 0, 1)
    states, out = lax.scan(body, states, (jnp.swapaxes(z, 0, 1), over))
    return (jnp.swapaxes(out, 0, 1) if every else states[0]), states


def _arrange(x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, halves: tuple) -> tuple[Any, Any, Array]:
    """(x W + b of all steps or None, what joins the state in the loop's matmul or None, the loop's matrix)."""
    scale = _scale(halves, recurrent_kernel)
    matrix = (recurrent_kernel * scale).T
    if kernel.shape[0] >= recurrent_kernel.shape[0] or x.shape[0] < 16:
        # One large matmul before the loop. With few rows a step costs what its matrix weighs, which must stay small.
        return _hoisted(x, kernel, bias, halves), None, matrix
    joined = [matrix, (kernel * scale).T]
    u = jnp.transpose(x, (2, 1, 0))
    if bias is not None:
        joined.append((bias * scale)[:, None])
        u = jnp.concatenate([u, jnp.ones((1, *u.shape[1:]), u.dtype)])
    return None, u, jnp.concatenate(joined, axis=1)


def _hoisted(x: Array, kernel: Array, bias: Any, halves: tuple) -> Array:
    """x W + b as (gates, time, rows)."""
    scale = _scale(halves, kernel)
    z = jnp.tensordot((kernel * scale).T, jnp.transpose(x, (2, 1, 0)), 1)
    return z if bias is None else z + (bias * scale)[:, None, None]


def _scale(halves: tuple, kernel: Array) -> np.ndarray:
    return np.repeat(np.asarray(halves, kernel.dtype), kernel.shape[1] // len(halves))


def _start(x: Array, recurrent_kernel: Array, initial: Any, count: int) -> tuple[Array, States]:
    """The inputs in the type to compute in, and the states before the first step."""
    x = x.astype(jnp.result_type(x, recurrent_kernel))
    if initial is not None:
        return x, tuple(h.astype(x.dtype) for h in initial)
    return x, (jnp.zeros((x.shape[0], recurrent_kernel.shape[0]), x.dtype),) * count


def _lanes(mask: Any, x: Array) -> Any:
    return None if mask is None else jnp.swapaxes(mask, 0, 1).astype(x.dtype)


def _rows(out: Array) -> Array:
    return out.T if out.ndim == 2 else jnp.transpose(out, (2, 1, 0))


def _kept(h: Array, keep: Any) -> Array:
    return h if keep is None else h * keep


def _or_zero(bias: Any) -> Any:
    return 0 if bias is None else bias
