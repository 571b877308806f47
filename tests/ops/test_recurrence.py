"""Recurrences against PyTorch, JAX's own slopes and central differences; masks, populations, half precision."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import SLOPE_TOLERANCE, agree
from jax.flatten_util import ravel_pytree

from jindan.ops.recurrence import gru, lstm, simple_rnn

GATES = {"tanh": 1, "relu": 1, "sigmoid": 1, "lstm": 4, "gru": 3, "gru_before": 3}


def draw(kind, rows, time, features, units, seed=417):
    """Inputs, weights and first states of a recurrence, by name."""
    rng = np.random.default_rng(seed)
    width = GATES[kind] * units
    forms = {
        "x": (rows, time, features),
        "kernel": (features, width),
        "recurrent": (units, width),
        "bias": (2, width) if kind == "gru" else (width,),
        "h": (rows, units),
    } | ({"c": (rows, units)} if kind == "lstm" else {})
    return {name: jnp.asarray(0.7 * rng.normal(size=form)) for name, form in forms.items()}


def call(kind, v, own=False, **how):
    """The recurrence; with `own` its activation is a function, which goes by JAX's own slopes."""
    initial = tuple(v[name] for name in ("h", "c") if name in v)
    how = {"initial": initial or None, **how}
    weights = (v["x"], v["kernel"], v["recurrent"], v.get("bias"))
    if kind == "lstm":
        return lstm(*weights, activation=jnp.tanh if own else "tanh", **how)
    if kind.startswith("gru"):
        return gru(*weights, activation=jnp.tanh if own else "tanh", reset_after=kind == "gru", **how)
    function = {"tanh": jnp.tanh, "relu": jax.nn.relu, "sigmoid": jax.nn.sigmoid}[kind]
    return simple_rnn(*weights, activation=function if own else kind, **how)


def compiled(kind, v, **how):
    """The same as one program: operations one by one take longer to compile."""
    return jax.jit(lambda v: call(kind, v, **how))(v)


def mixed(found, seed=3):
    """A scalar that every output and state moves."""
    rng = np.random.default_rng(seed)
    return sum(jnp.sum(rng.normal(size=a.shape) * a) for a in jax.tree.leaves(found))


# Rows ≥ 16 with few features: the inputs join the state's matmul; else they are multiplied before the loop.
SHAPES = {"joined": (17, 3, 2, 4), "before": (3, 4, 5, 3), "ones": (1, 1, 1, 1)}


CASES = [(kind, *case) for kind in ("tanh", "lstm", "gru") for case in (("joined", False), ("before", True))]
CASES += [("relu", "before", True), ("sigmoid", "before", True), ("lstm", "ones", True)]


@pytest.mark.parametrize(("kind", "shape", "masked"), CASES)
def test_slopes_by_hand_equal_jax_own(kind, shape, masked, x64):
    values = draw(kind, *SHAPES[shape])
    if masked:
        del values["bias"]
    mask = jnp.asarray(np.random.default_rng(1).random(SHAPES[shape][:2]) > 0.4) if masked else None

    @jax.jit
    def both(v):
        return [
            jax.value_and_grad(lambda v, own=own: mixed(call(kind, v, own, mask=mask, every=masked)))(v)
            for own in (False, True)
        ]

    ours, reference = both(values)
    agree(ravel_pytree(ours)[0], ravel_pytree(reference)[0], 1e-12)  # float64; sums in another order


@pytest.mark.parametrize("kind", ["lstm", "gru", "gru_before"])
def test_slopes_against_central_differences(kind, x64):
    flat, unravel = ravel_pytree(draw(kind, 2, 3, 2, 2))
    mask = jnp.array([[1, 0, 1], [0, 1, 0]])

    @jax.jit
    def both(v):
        def f(v):
            return mixed(call(kind, unravel(v), mask=mask, every=True))

        moves = jnp.eye(v.size) * 1e-6
        return jax.grad(f)(v), (jax.vmap(lambda m: f(v + m))(moves) - jax.vmap(lambda m: f(v - m))(moves)) / 2e-6

    agree(*both(flat), SLOPE_TOLERANCE)


def in_torch(torch, kind, v):
    """torch.nn's module with these weights, and the order in which its gates lie in ours."""
    units, features = v["h"].shape[1], v["x"].shape[2]
    cls = {"lstm": "LSTM", "gru": "GRU"}.get(kind, "RNN")
    more = {"nonlinearity": kind} if cls == "RNN" else {}
    module = getattr(torch.nn, cls)(features, units, batch_first=True, dtype=torch.float64, **more)
    # PyTorch's GRU has r before z, and its z keeps the state as Keras's does.
    order = np.concatenate([np.arange(units, 2 * units), np.arange(units), np.arange(2 * units, 3 * units)])
    columns = order if kind == "gru" else np.arange(GATES[kind] * units)
    bias = v["bias"] if kind == "gru" else jnp.stack([v["bias"], jnp.zeros_like(v["bias"])])
    with torch.no_grad():
        for name, value in (
            ("weight_ih_l0", v["kernel"].T), ("weight_hh_l0", v["recurrent"].T), ("bias_ih_l0", bias[0]),
            ("bias_hh_l0", bias[1]),
        ):  # fmt: skip
            getattr(module, name).copy_(torch.tensor(np.asarray(value)[columns]))
    return module, columns


@pytest.mark.parametrize("kind", ["tanh", "relu", "lstm", "gru"])
def test_as_in_torch(kind, x64):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    v = draw(kind, 16, 5, 3, 4)
    module, columns = in_torch(torch, kind, v)
    x = torch.tensor(np.asarray(v["x"]), requires_grad=True)
    states = [torch.tensor(np.asarray(v[name])[None], requires_grad=True) for name in ("h", "c") if name in v]
    out, last = module(x, tuple(states) if kind == "lstm" else states[0])
    last = last if kind == "lstm" else (last,)
    ours, states_of_ours = compiled(kind, v, every=True)
    for mine, theirs in zip((ours, *states_of_ours), (out, *(state[0] for state in last)), strict=True):
        agree(mine, theirs.detach(), 1e-12)

    mix = np.random.default_rng(2).normal(size=out.shape)
    (out * torch.tensor(mix)).sum().backward()
    grad = jax.jit(jax.grad(lambda v: jnp.sum(mix * call(kind, v, every=True)[0])))(v)
    back = np.argsort(columns)
    agree(grad["x"], x.grad, 1e-11)
    agree(grad["kernel"], module.weight_ih_l0.grad.numpy()[back].T, 1e-11)
    agree(grad["recurrent"], module.weight_hh_l0.grad.numpy()[back].T, 1e-11)
    bias = grad["bias"] if kind == "gru" else grad["bias"][None]
    agree(bias[0], module.bias_ih_l0.grad.numpy()[back], 1e-11)
    agree(bias[-1], module.bias_hh_l0.grad.numpy()[back], 1e-11)
    for name, state in zip(("h", "c"), states, strict=False):
        agree(grad[name], state.grad[0], 1e-11)


@pytest.mark.parametrize("kind", ["relu", "lstm", "gru", "gru_before"])
def test_padding_at_the_end_is_as_if_it_were_not_there(kind, x64):
    v = draw(kind, 3, 5, 2, 2)
    mask = jnp.array([[1, 1, 1, 0, 0]] * 3)
    padded, states = compiled(kind, v, mask=mask, every=True)
    short, reference = compiled(kind, v | {"x": v["x"][:, :3]}, every=True)
    agree(padded[:, :3], short, 1e-15)
    agree(padded[:, 4], short[:, 2], 1e-15)
    for a, b in zip(states, reference, strict=True):
        agree(a, b, 1e-15)


@pytest.mark.parametrize("kind", ["tanh", "lstm", "gru"])
def test_members_of_a_population_equal_themselves_alone(kind, x64):
    each = [draw(kind, 2, 3, 2, 2, seed) for seed in range(3)]
    slope = jax.jit(jax.grad(lambda v: mixed(call(kind, v, every=True))))
    together = jax.jit(jax.vmap(jax.grad(lambda v: mixed(call(kind, v, every=True)))))(
        jax.tree.map(lambda *a: jnp.stack(a), *each)
    )
    for member, v in enumerate(each):
        agree(ravel_pytree(jax.tree.map(lambda a, k=member: a[k], together))[0], ravel_pytree(slope(v))[0], 1e-13)


def test_descent_within_a_compiled_loop():
    """A hundred updates in one `fori_loop` lower a loss of three members at once, in float32."""
    v = jax.tree.map(lambda a: jnp.stack([a] * 3).astype(jnp.float32), draw("lstm", 16, 4, 2, 3))
    y = v["x"][..., 0].sum(-1)

    def loss(v, y):
        return jnp.mean((call("lstm", v)[0].sum(-1) - jnp.tanh(y)) ** 2)

    @jax.jit
    def descend(v):
        def update(_, w):
            slopes = jax.vmap(jax.grad(lambda w, x, y: loss({**w, "x": x}, y)))(w, v["x"], y)
            return jax.tree.map(lambda a, b: a - 0.1 * b, w, slopes)

        return jax.lax.fori_loop(0, 100, update, {name: a for name, a in v.items() if name != "x"})

    both = jax.jit(jax.vmap(loss))
    before, after = (both(values, y) for values in (v, {**descend(v), "x": v["x"]}))
    assert (after < 0.3 * before).all()


@pytest.mark.parametrize("kind", ["relu", "lstm", "gru", "gru_before"])
def test_half_precision_stays_half(kind):
    v = jax.tree.map(lambda a: a.astype(jnp.bfloat16), draw(kind, 16, 3, 2, 4))
    out, states = compiled(kind, v, every=True)
    slopes = jax.jit(jax.grad(lambda v: mixed(call(kind, v)).astype(jnp.float32)))(v)
    assert {a.dtype for a in jax.tree.leaves((out, states, slopes))} == {jnp.dtype(jnp.bfloat16)}
    wide, _ = compiled(kind, jax.tree.map(lambda a: a.astype(jnp.float32), v), every=True)
    agree(out, wide, 0.05)  # eight bits of mantissa over three steps


def test_dropped_state_is_left_out_of_the_matmul_only(x64):
    v = draw("lstm", 2, 3, 2, 2)
    nothing, _ = compiled("lstm", v, keep=jnp.zeros((2, 2)), every=True)
    reference, _ = compiled("lstm", v | {"recurrent": jnp.zeros((2, 8))}, every=True)
    agree(nothing, reference, 1e-14)
    agree(compiled("lstm", v, keep=jnp.ones((2, 2)))[0], compiled("lstm", v)[0], 1e-14)
