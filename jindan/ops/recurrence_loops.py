"""The time loops of recurrent layers with their backward passes written by hand.

Arrays lie features first, rows last, (features, time, rows): a state is (units, rows), so that the gates of a step are
contiguous blocks. The forward loop keeps, per gate, what the slope of its pre-activation is to be multiplied with, so
that the backward loop does no more than two products and one matmul a step, and one matmul over all steps gives the
slope of the weights.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..activations import resolve

Array = jax.Array

# σ(z) = ½ + ½ tanh(z / 2): with the halves in the weights, one tanh over all gates is one kernel.
HALF_I_F_C_O = (0.5, 0.5, 1.0, 0.5)
HALF_Z_R_H = (0.5, 0.5, 1.0)


# -- the simple recurrence: h = f(M [h; u] + x) -----------------------------------------------------------------------

# The slope of each activation, from its value.
SLOPES = {
    "tanh": lambda a: 1 - a * a,
    "sigmoid": lambda a: a * (1 - a),
    "relu": lambda a: (a > 0).astype(a.dtype),
    "linear": jnp.ones_like,
}


@partial(jax.custom_vjp, nondiff_argnums=(0, 1))
def simple_loop(
    activation: str, every: bool, x: Any, u: Any, matrix: Array, h: Array, mask: Any
) -> tuple[Array, Array]:
    """h_t = f(M [h_{t−1}; u_t] + x_t), f being tanh, sigmoid, relu or linear.

    Args:
        activation: f, one of `SLOPES`.
        every: Whether all h_t are wanted, or the last.
        x: (units, time, rows), or None.
        u: (inputs, time, rows), what joins the state in the matmul, or None. One of x and u is given.
        matrix: (units, units + inputs).
        h: (units, rows), the state before the first step.
        mask: (time, rows), 1 where a step exists and 0 where the state is to stay; or None.

    Returns:
        (h_1 … h_T as (units, time, rows), or the last; the last).
    """
    return _simple_forward(activation, every, x, u, matrix, h, mask)[0]


def _simple_forward(activation: str, every: bool, x: Any, u: Any, matrix: Array, h: Array, mask: Any) -> Any:
    units, rows = h.shape
    steps, function, slope = _steps(x, u), resolve(activation), SLOPES[activation]

    def step(t: Array, state: Any) -> Any:
        h, slopes, past = state
        new = function(_affine(matrix, h, x, u, t))
        gradient = slope(new)
        if mask is not None:
            m = _at(mask, t)
            new, gradient = jnp.where(m > 0, new, h), gradient * m
        return new, _put(slopes, gradient, t), _remember(past, h, t)

    start = (h, jnp.zeros((steps, units, rows), h.dtype), _past(u, h, steps))
    last, slopes, past = lax.fori_loop(0, steps, step, start)
    return (_states(past, last, every), last), (slopes, past, x is None, u is None, matrix, mask)


def _simple_backward(activation: str, every: bool, saved: Any, given: Any) -> Any:
    slopes, past, no_x, no_u, matrix, mask = saved
    steps, units, rows = slopes.shape
    back, (d_out, dh) = matrix[:, :units].T, given

    def step(i: Array, state: Any) -> Any:
        dh, dz_all = state
        t = steps - 1 - i
        if every:
            dh = dh + _lane(d_out, t)
        dz = dh * _at(slopes, t)
        return _kept(dh, mask, t, back @ dz), _put_lane(dz_all, dz, t)

    dh, dz = lax.fori_loop(0, steps, step, (dh if every else dh + d_out, jnp.zeros((units, steps, rows), dh.dtype)))
    return None if no_x else dz, *_weight_slopes(dz, past, matrix, units, no_u), dh, None


simple_loop.defvjp(_simple_forward, _simple_backward)


# -- LSTM -------------------------------------------------------------------------------------------------------------


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def lstm_loop(every: bool, x: Any, u: Any, matrix: Array, h: Array, c: Array, mask: Any) -> tuple[Array, Array, Array]:
    """The LSTM's loop, tanh and sigmoid; arguments as in `simple_loop`.

    z = M [h; u_t] + x_t holds the gates i, f, c, o, those of i, f and o halved (`HALF_I_F_C_O`). c ← f c + i g and
    h ← o tanh c, with g = tanh z_c and i, f, o = ½ + ½ tanh z.

    Returns:
        (every h or the last; the last h; the last c).
    """
    return _lstm_forward(every, x, u, matrix, h, c, mask)[0]


def _lstm_forward(every: bool, x: Any, u: Any, matrix: Array, h: Array, c: Array, mask: Any) -> Any:
    (units, rows), dtype, steps = h.shape, h.dtype, _steps(x, u)

    def step(t: Array, state: Any) -> Any:
        h, c, products, through, forget, past = state
        a = jnp.tanh(_affine(matrix, h, x, u, t)).reshape(4, units, rows)
        ti, tf, g, to = a[0], a[1], a[2], a[3]
        i, f, o = 0.5 + 0.5 * ti, 0.5 + 0.5 * tf, 0.5 + 0.5 * to
        new_c = f * c + i * g
        squashed = jnp.tanh(new_c)
        new_h = o * squashed
        gates = [0.5 * (1 - ti * ti) * g, 0.5 * (1 - tf * tf) * c, (1 - g * g) * i, 0.5 * (1 - to * to) * squashed]
        passed = o * (1 - squashed * squashed)
        if mask is not None:
            m = _at(mask, t)
            new_h, new_c = jnp.where(m > 0, new_h, h), jnp.where(m > 0, new_c, c)
            gates, passed, f = [m * gate for gate in gates], passed * m, jnp.where(m > 0, f, 1)
        for k, gate in enumerate(gates):
            products = lax.dynamic_update_slice(products, gate[None, None], (t, k, 0, 0))
        return new_h, new_c, products, _put(through, passed, t), _put(forget, f, t), _remember(past, h, t)

    blank = jnp.zeros((steps, units, rows), dtype)
    start = (h, c, jnp.zeros((steps, 4, units, rows), dtype), blank, blank, _past(u, h, steps))
    h, c, products, through, forget, past = lax.fori_loop(0, steps, step, start)
    saved = (products, through, forget, past, x is None, u is None, matrix, mask)
    return (_states(past, h, every), h, c), saved


def _lstm_backward(every: bool, saved: Any, given: Any) -> Any:
    products, through, forget, past, no_x, no_u, matrix, mask = saved
    steps, _, units, rows = products.shape
    back, (d_out, dh, dc) = matrix[:, :units].T, given
    # The slope of c reaches the gates i, f and c, that of h the gate o. A product with a constant is quicker than a
    # concatenation, which would be computed by selecting element by element.
    of_c = np.array([1, 1, 1, 0], dh.dtype).reshape(4, 1, 1)

    def step(i: Array, state: Any) -> Any:
        dh, dc, dz_all = state
        t = steps - 1 - i
        if every:
            dh = dh + _lane(d_out, t)
        dc = dc + dh * _at(through, t)
        dz = (_at(products, t) * (of_c * dc + (1 - of_c) * dh)).reshape(4 * units, rows)
        return _kept(dh, mask, t, back @ dz), dc * _at(forget, t), _put_lane(dz_all, dz, t)

    start = (dh if every else dh + d_out, dc, jnp.zeros((4 * units, steps, rows), dh.dtype))
    dh, dc, dz = lax.fori_loop(0, steps, step, start)
    return None if no_x else dz, *_weight_slopes(dz, past, matrix, units, no_u), dh, dc, None


lstm_loop.defvjp(_lstm_forward, _lstm_backward)


# -- GRU --------------------------------------------------------------------------------------------------------------


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def gru_loop(every: bool, x: Array, u: Any, matrix: Array, h: Array, mask: Any) -> tuple[Array, Array]:
    """The GRU's loop with the reset gate after the matmul, tanh and sigmoid; arguments as in `simple_loop`.

    q = M [h; u_t]; z, r = ½ + ½ tanh(q + x_t) with both halved (`HALF_Z_R_H`); g = tanh(x_h + r q_h);
    h ← z h + (1 − z) g.
    """
    return _gru_forward(every, x, u, matrix, h, mask)[0]


def _gru_forward(every: bool, x: Array, u: Any, matrix: Array, h: Array, mask: Any) -> Any:
    (units, rows), dtype, steps = h.shape, h.dtype, _steps(x, u)

    def step(t: Array, state: Any) -> Any:
        h, products, kept, past = state
        q, given = _affine(matrix, h, None, u, t), _lane(x, t)
        a = jnp.tanh(q[: 2 * units] + given[: 2 * units])
        tz, tr, q_h = a[:units], a[units:], q[2 * units :]
        z, r = 0.5 + 0.5 * tz, 0.5 + 0.5 * tr
        g = jnp.tanh(given[2 * units :] + r * q_h)
        new, of_g = z * h + (1 - z) * g, (1 - z) * (1 - g * g)
        gates = [0.5 * (1 - tz * tz) * (h - g), 0.5 * (1 - tr * tr) * of_g * q_h, r * of_g, of_g]
        if mask is not None:
            m = _at(mask, t)
            new, z, gates = jnp.where(m > 0, new, h), jnp.where(m > 0, z, 1), [m * gate for gate in gates]
        for k, gate in enumerate(gates):
            products = lax.dynamic_update_slice(products, gate[None, None], (t, k, 0, 0))
        return new, products, _put(kept, z, t), _remember(past, h, t)

    blank = jnp.zeros((steps, units, rows), dtype)
    start = (h, jnp.zeros((steps, 4, units, rows), dtype), blank, _past(u, h, steps))
    last, products, kept, past = lax.fori_loop(0, steps, step, start)
    return (_states(past, last, every), last), (products, kept, past, u is None, matrix)


def _gru_backward(every: bool, saved: Any, given: Any) -> Any:
    products, kept, past, no_u, matrix = saved
    steps, _, units, rows = products.shape
    back, (d_out, dh) = matrix[:, :units].T, given

    def step(i: Array, state: Any) -> Any:
        dh, dz_all = state
        t = steps - 1 - i
        if every:
            dh = dh + _lane(d_out, t)
        dz = (_at(products, t) * dh).reshape(4 * units, rows)
        # The state reaches z, r and q_h; x reaches z, r and g, which is the fourth block.
        return dh * _at(kept, t) + back @ dz[: 3 * units], _put_lane(dz_all, dz, t)

    start = (dh if every else dh + d_out, jnp.zeros((4 * units, steps, rows), dh.dtype))
    dh, dz = lax.fori_loop(0, steps, step, start)
    dx = jnp.concatenate([dz[: 2 * units], dz[3 * units :]])
    return dx, *_weight_slopes(dz[: 3 * units], past, matrix, units, no_u), dh, None


gru_loop.defvjp(_gru_forward, _gru_backward)


# -- helpers ----------------------------------------------------------------------------------------------------------


def _steps(x: Any, u: Any) -> int:
    return (u if x is None else x).shape[1]


def _at(stack: Array, t: Array) -> Array:
    """Entry t of the first axis."""
    return lax.dynamic_index_in_dim(stack, t, 0, keepdims=False)


def _lane(stack: Array, t: Array) -> Array:
    """Entry t of the second axis."""
    return lax.dynamic_index_in_dim(stack, t, 1, keepdims=False)


def _put(stack: Array, value: Array, t: Array) -> Array:
    return lax.dynamic_update_slice(stack, value[None], (t, *[0] * value.ndim))


def _put_lane(stack: Array, value: Array, t: Array) -> Array:
    return lax.dynamic_update_slice(stack, value[:, None], (0, t, 0))


def _affine(matrix: Array, h: Array, x: Any, u: Any, t: Array) -> Array:
    """M [h; u_t] + x_t."""
    z = matrix @ (h if u is None else jnp.concatenate([h, _lane(u, t)]))
    return z if x is None else z + _lane(x, t)


def _past(u: Any, h: Array, steps: int) -> Array:
    """Room for what the matrix is multiplied with in each step: the states to come, above u."""
    states = jnp.zeros((h.shape[0], steps, h.shape[1]), h.dtype)
    return states if u is None else jnp.concatenate([states, u])


def _remember(past: Array, h: Array, t: Array) -> Array:
    return lax.dynamic_update_slice(past, h[:, None], (0, t, 0))


def _states(past: Array, last: Array, every: bool) -> Array:
    """The state after each step, or the last one."""
    return jnp.concatenate([past[: last.shape[0], 1:], last[:, None]], axis=1) if every else last


def _kept(dh: Array, mask: Any, t: Array, reached: Array) -> Array:
    """The slope of the state before a step: a step that is masked passes it on whole."""
    return reached if mask is None else reached + (1 - _at(mask, t)) * dh


def _weight_slopes(dz: Array, past: Array, matrix: Array, units: int, no_u: bool) -> tuple[Any, Array]:
    """The slopes of u and of the matrix from those of z in all steps."""
    flat = dz.reshape(dz.shape[0], -1)
    d_matrix = (past.reshape(past.shape[0], -1) @ flat.T).T
    return None if no_u else jnp.tensordot(matrix[:, units:].T, dz, 1), d_matrix
