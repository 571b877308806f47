"""Every activation: value, derivative, range and saturation region against formulas written apart from the library."""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf, expit, log1p

from jindan import activations
from jindan.activations import TABLE
from jindan.errors import ShapeError, UnknownNameError

from .numerics import SLOPE_TOLERANCE, agree

SELU = 1.0507009873554805, 1.6732632423543772


def softplus(z):
    return np.maximum(z, 0) + log1p(np.exp(-np.abs(z)))


def elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def softmax(z):
    e = np.exp(z - z.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def log_softmax(z):
    moved = z - z.max(-1, keepdims=True)
    return moved - np.log(np.exp(moved).sum(-1, keepdims=True))


# name: (formula in NumPy, name in torch.nn.functional or torch)
ACTIVATIONS = {
    "linear": (lambda z: z, None),
    "step": (lambda z: (z > 0) * 1.0, None),
    "sigmoid": (expit, "sigmoid"),
    "tanh": (np.tanh, "tanh"),
    "relu": (lambda z: np.maximum(z, 0), "relu"),
    "leaky_relu": (lambda z: np.where(z >= 0, z, 0.2 * z), None),
    "elu": (elu, "elu"),
    "selu": (lambda z: SELU[0] * np.where(z > 0, z, SELU[1] * np.expm1(np.minimum(z, 0))), "selu"),
    "softmax": (softmax, None),
    "log_softmax": (log_softmax, None),
    "softplus": (softplus, "softplus"),
    "softsign": (lambda z: z / (1 + np.abs(z)), "softsign"),
    "silu": (lambda z: z * expit(z), "silu"),
    "gelu": (lambda z: z * 0.5 * (1 + erf(z / math.sqrt(2))), "gelu"),
    "exponential": (lambda z: np.exp(np.minimum(z, 700)), "exp"),
    "hard_sigmoid": (lambda z: np.clip(z / 6 + 0.5, 0, 1), "hardsigmoid"),
    "relu6": (lambda z: np.clip(z, 0, 6), "relu6"),
    "mish": (lambda z: z * np.tanh(softplus(z)), "mish"),
}
ELEMENTWISE = sorted(name for name in TABLE if TABLE[name].derivative is not None)
MONOTONE = sorted(set(ELEMENTWISE) - {"silu", "gelu", "mish"})

# No kink of any of them (0, ±3, 6) lies within a difference of this grid.
GRID = np.linspace(-8.0137, 7.9, 161)
EXTREMES = np.array([-1e4, -700.0, -50.0, 0.0, 50.0, 700.0])


def test_the_table_forgets_none():
    assert set(ACTIVATIONS) == set(TABLE), "an activation is not in the table"


@pytest.mark.parametrize("name", sorted(TABLE))
def test_value(name, x64):
    z = np.concatenate([GRID, EXTREMES])
    wanted = ACTIVATIONS[name][0](z)
    # Entry by entry: 1e-13 leaves room for the last digits of different exponentials.
    np.testing.assert_allclose(TABLE[name].function(z), wanted, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_value_in_float32(name):
    z = GRID.astype(np.float32)
    out = TABLE[name].function(z)
    assert out.dtype == np.float32
    agree(out, ACTIVATIONS[name][0](z.astype(np.float64)))


@pytest.mark.parametrize("name", sorted(n for n, (_, oracle) in ACTIVATIONS.items() if oracle))
def test_value_and_derivative_as_in_torch(name, x64):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    function = getattr(torch.nn.functional, ACTIVATIONS[name][1], None) or getattr(torch, ACTIVATIONS[name][1])
    z = torch.tensor(GRID, requires_grad=True)
    a = function(z)
    a.sum().backward()
    # Above 20 PyTorch's softplus is the identity, which moves mish and softplus by e^-20 = 2e-9; the grid ends at 8.
    np.testing.assert_allclose(TABLE[name].function(GRID), a.detach().numpy(), rtol=1e-12, atol=1e-14)
    # PyTorch keeps the 1/6 of hard_sigmoid's slope in float32.
    rtol = 1e-7 if name == "hard_sigmoid" else 1e-12
    np.testing.assert_allclose(TABLE[name].derivative(GRID), z.grad.numpy(), rtol=rtol, atol=1e-14)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_derivative(name, x64):
    row, h = TABLE[name], 1e-6
    differences = (np.asarray(row.function(GRID + h)) - np.asarray(row.function(GRID - h))) / (2 * h)
    agree(row.derivative(GRID), differences, SLOPE_TOLERANCE)
    agree(jax.vmap(jax.grad(row.function))(jnp.asarray(GRID)), row.derivative(GRID), 1e-12)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_extremes_stay_finite(name):
    z = np.float32([-1e4, 1e4]) if name != "exponential" else np.float32([-1e4, 80])
    function = TABLE[name].function
    assert np.all(np.isfinite(function(z)))
    assert np.all(np.isfinite(jax.grad(lambda v: function(v)[0] + function(v)[1])(jnp.asarray(z))))


@pytest.mark.parametrize("name", sorted(TABLE))
def test_range(name, x64):
    low, high = TABLE[name].range
    out = np.asarray(TABLE[name].function(np.linspace(-30, 30, 20001)))
    assert low <= out.min()
    assert out.max() <= high
    # The range is not wider than it need be: its finite ends are approached to a thousandth.
    wide = ACTIVATIONS[name][0](np.array([-1e6, *np.linspace(-30, 30, 20001), 1e6]))
    for end, reached in ((low, wide.min()), (high, wide.max())):
        assert not math.isfinite(end) or abs(end - reached) < 1e-3
    assert TABLE[name].zero_centred == (low < 0 < high)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_saturation(name, x64):
    row = TABLE[name]
    for low, high in row.saturation:
        edges = [edge for edge in (low, high) if math.isfinite(edge)]
        inside = np.linspace(max(low, -40), min(high, 40), 4001)[1:-1]
        assert np.all(np.abs(row.derivative(inside)) < 0.05)
        assert np.all(np.asarray(row.saturated(inside)))
        for edge in edges:
            outside = edge + (1e-3 if edge == high else -1e-3)
            assert abs(float(row.derivative(outside))) >= 0.05
            assert not bool(row.saturated(outside))
    if name in MONOTONE:
        # Elsewhere a monotone function learns: no region is left out.
        z = np.linspace(-40, 40, 8001) + 1e-4
        # Edges are given to four digits.
        edges = [edge for pair in row.saturation for edge in pair if math.isfinite(edge)]
        learns = ~np.asarray(row.saturated(z)) & np.all([np.abs(z - edge) > 1e-3 for edge in [*edges, 1e9]], axis=0)
        assert np.all(np.abs(np.asarray(row.derivative(z)))[learns] >= 0.05)


def test_softmax_sums_to_one_and_ignores_a_shift(x64):
    z = np.random.default_rng(0).normal(size=(5, 4)) * 10
    a = np.asarray(activations.softmax(z))
    np.testing.assert_allclose(a.sum(1), 1, rtol=1e-14)
    np.testing.assert_allclose(activations.softmax(z + 1e3), a, rtol=1e-10)  # z + 1e3 keeps 13 digits of z
    np.testing.assert_allclose(activations.log_softmax(z), np.log(a), rtol=1e-10)


def test_tanh_is_a_shifted_and_scaled_sigmoid(x64):
    np.testing.assert_allclose(activations.tanh(GRID), 2 * activations.sigmoid(2 * GRID) - 1, atol=1e-15)


def test_maxout_takes_the_largest_of_its_pieces():
    assert activations.maxout(np.float32([[1, 5, -3, -2]]), 2).tolist() == [[5, -2]]


@pytest.mark.parametrize("name", sorted(TABLE))
def test_lists_and_half_precision(name):
    z = [-1.5, 0.5, 2.0]
    wanted = ACTIVATIONS[name][0](np.array(z))
    agree(TABLE[name].function(z), wanted, 1e-6)
    for dtype in (jnp.bfloat16, jnp.float16):
        found = TABLE[name].function(jnp.asarray(z, dtype))
        assert found.dtype == dtype
        agree(found, wanted, 0.02)  # bfloat16 has eight bits


@pytest.mark.parametrize(("shape", "pieces"), [((3,), 2), ((2, 5), 3), ((), 1), ((4,), 0), ((4,), 1.5)])
def test_maxout_of_units_that_cannot_be_parted(shape, pieces):
    with pytest.raises(ShapeError, match=r"parted(.|\n)*where:    maxout(.|\n)*received: shape(.|\n)*help: "):
        activations.maxout(np.zeros(shape, np.float32), pieces)


def test_names():
    assert activations.canonical("Leaky-ReLU") == "leaky_relu"
    assert activations.canonical("swish") == "silu"
    assert activations.canonical(activations.relu) == "relu"
    assert activations.canonical(None) == "linear"
    with pytest.raises(UnknownNameError, match="Did you mean `relu`"):
        activations.get("rleu")
    with pytest.raises(UnknownNameError, match="Maxout"):
        activations.get("maxout")
