"""Convolution and its transpose against PyTorch: values and both slopes, odd shapes, members of a population."""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contracts.numerics import agree

from jindan.errors import ShapeError
from jindan.ops import patches, winograd
from jindan.ops.convolution import by_winograd, convolution, convolution_transposed

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")

# float64 sums of at most a few hundred products, in another order.
EXACT = 1e-12
# rows, lengths, window, channels, filters, strides, padding, dilation, groups
CASES = {
    "batch 1, length 1, stride above kernel": (1, (1,), (1,), 1, 1, (3,), ((0, 0),), (1,), 1),
    "same": (2, (7,), (3,), 4, 5, (1,), ((1, 1),), (1,), 1),
    "even kernel, same": (1, (9,), (4,), 8, 8, (1,), ((1, 2),), (1,), 1),
    "causal, dilated": (2, (10,), (3,), 3, 4, (1,), ((4, 0),), (2,), 1),
    "strided and dilated": (2, (13,), (3,), 3, 4, (2,), ((2, 2),), (3,), 1),
    "stride above kernel": (2, (11,), (2,), 3, 4, (4,), ((0, 1),), (1,), 1),
    "one channel": (2, (5, 4), (2, 2), 1, 3, (1, 1), ((0, 1), (0, 1)), (1, 1), 1),
    "valid, 3 x 3": (2, (8, 9), (3, 3), 8, 8, (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "unequal strides": (2, (7, 6), (3, 2), 5, 8, (2, 3), ((1, 1), (0, 2)), (1, 1), 1),
    "as a residual block shrinks": (2, (9, 9), (3, 3), 16, 8, (2, 2), ((1, 1), (1, 1)), (1, 1), 1),
    "its shortcut": (1, (6, 6), (1, 1), 5, 7, (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
    "groups": (2, (5, 8), (3, 3), 6, 9, (2, 1), ((1, 1), (1, 1)), (1, 2), 3),
    "depthwise": (2, (5, 4), (3, 3), 3, 6, (1, 1), ((1, 1), (1, 1)), (1, 1), 3),
    "three axes": (1, (4, 5, 3), (2, 3, 2), 2, 3, (1, 2, 1), ((1, 0), (1, 1), (0, 1)), (1, 1, 1), 1),
}
BIASED = {"one channel, many filters": (3, (6, 7), (3, 3), 1, 40, (1, 1), ((1, 1), (0, 1)), (1, 1), 1)}
# Windows at stride 1 with 8 channels or more: float32 goes through Winograd's transforms.
TRANSFORMED = {
    "3 x 3, same": (2, (9, 14), (3, 3), 9, 8, (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "3 x 3, valid and uneven": (1, (8, 7), (3, 3), 8, 32, (1, 1), ((0, 0), (2, 1)), (1, 1), 1),
    "5 x 5": (1, (7, 6), (5, 5), 9, 8, (1, 1), ((2, 2), (2, 2)), (1, 1), 1),
    "1 x 3": (2, (4, 9), (1, 3), 9, 8, (1, 1), ((0, 0), (1, 1)), (1, 1), 1),
    "width 2": (2, (6,), (2,), 8, 9, (1,), ((1, 0),), (1,), 1),
    "width 4": (2, (9,), (4,), 8, 9, (1,), ((1, 2),), (1,), 1),
    "width 5, causal": (2, (21,), (5,), 64, 9, (1,), ((4, 0),), (1,), 1),
}
# Transforms of up to 6 points lose about one digit to the direct sum's 1e-7: at most 1.6e-6 seen over these shapes,
# 128 channels included. 4e-6 leaves room for another BLAS and is inside the project's 1e-5.
WINOGRAD = 4e-6


def last(t):
    return t.detach().movedim(1, -1).numpy()


def first(x):
    return torch.tensor(np.moveaxis(x, -1, 1).copy(), requires_grad=True)


def arrays(case):
    rows, lengths, window, channels, filters, *_, groups = case
    rng = np.random.default_rng(417)
    return rng.normal(size=(rows, *lengths, channels)), rng.normal(size=(*window, channels // groups, filters))


def ours(case):
    *_, strides, padding, dilation, groups = case
    return partial(convolution, strides=strides, padding=padding, dilation=dilation, groups=groups)


def theirs(case, x, kernel):
    """(outputs, mix, slope by x, slope by kernel), the slopes those of Σ mix · outputs, in float64."""
    _, lengths, *_, strides, padding, dilation, groups = case
    x = first(x)
    kernel = torch.tensor(np.moveaxis(kernel, (-1, -2), (0, 1)).copy(), requires_grad=True)
    padded = torch.nn.functional.pad(x, [cells for pair in padding[::-1] for cells in pair])
    call = getattr(torch.nn.functional, f"conv{len(lengths)}d")
    y = call(padded, kernel, stride=strides, dilation=dilation, groups=groups)
    mix = np.random.default_rng(1).normal(size=last(y).shape)
    y.backward(torch.tensor(np.moveaxis(mix, -1, 1).copy()))
    return last(y), mix, last(x.grad), kernel.grad.movedim((0, 1), (-1, -2)).numpy()


def compare(case, dtype, tolerance):
    x, kernel = arrays(case)
    y, mix, dx, dkernel = theirs(case, x, kernel)

    def both(x, kernel, mix):
        y, back = jax.vjp(ours(case), x, kernel)
        return y, *back(mix)

    found = jax.jit(both)(*(jnp.asarray(v, dtype) for v in (x, kernel, mix)))
    for value, reference in zip(found, (y, dx, dkernel), strict=True):
        assert value.dtype == dtype
        agree(value, reference, tolerance)


@pytest.mark.parametrize("name", CASES)
def test_as_in_torch_exactly(name, x64):
    compare(CASES[name], "float64", EXACT)


@pytest.mark.parametrize(("name", "dtype"), [("one channel", "float64"), ("one channel, many filters", "float32"),
                                              ("same", "float64"), ("groups", "float64")])  # fmt: skip
@pytest.mark.parametrize("members", [None, 2])
def test_a_bias_as_in_torch(name, dtype, members, x64):
    """Its slope, too: that of a tap that sees 1 everywhere where there is one channel, a sum elsewhere."""
    case = BIASED.get(name) or CASES[name]
    *_, strides, _, dilation, _ = case
    x, weight = arrays(case)
    bias = np.random.default_rng(2).normal(size=weight.shape[-1])
    y, mix, dx, dkernel = theirs(case, x, weight)
    windows, filters = weight.shape[:-2], weight.shape[-1]
    one_channel = patches.copied_by_tap(jnp.asarray(x, dtype), filters, windows, strides, dilation)
    assert one_channel == (x.shape[-1] == 1)

    def both(x, weight, bias, mix):
        y, back = jax.vjp(lambda x, weight, bias: ours(case)(x, weight, bias=bias), x, weight, bias)
        return y, *back(mix)

    given = [jnp.asarray(v, dtype) for v in (x, weight, bias, mix)]
    if members is None:
        found = jax.jit(both)(*given)
    else:
        found = [each[1] for each in jax.jit(jax.vmap(both, (0, 0, 0, None)))(
            *(jnp.stack([2 * v, v]) for v in given[:3]), given[3])]  # fmt: skip
    db = mix.sum(tuple(range(mix.ndim - 1)))
    for value, reference in zip(found, (y + bias, dx, dkernel, db), strict=True):
        agree(value, reference, EXACT if dtype == "float64" else 2e-6)  # float32: sums of a few hundred products


# Sums of at most a few hundred products in float32.
@pytest.mark.parametrize("name", ["causal, dilated", "unequal strides", "as a residual block shrinks", "depthwise"])
def test_as_in_torch_in_single_precision(name):
    compare(CASES[name], "float32", 2e-6)


@pytest.mark.parametrize("name", TRANSFORMED)
def test_winograd_as_in_torch(name):
    rows, lengths, window, channels, filters, *rest, _ = TRANSFORMED[name]
    if jax.default_backend() == "cpu":
        assert by_winograd((rows, *lengths, channels), jnp.float32, (*window, channels, filters), *rest)
    compare(TRANSFORMED[name], "float32", WINOGRAD)


@pytest.mark.parametrize("name", ["3 x 3, same", "5 x 5"])
def test_winograd_is_exact_in_exact_arithmetic(name, x64):
    """The transforms by themselves: what float32 loses is rounding alone."""
    case = TRANSFORMED[name]
    x, kernel = arrays(case)
    y, mix, dx, dkernel = theirs(case, x, kernel)

    def both(x, kernel, mix):
        y, back = jax.vjp(lambda x, kernel: winograd.winograd(x, kernel, case[6]), x, kernel)
        return y, *back(mix)

    for value, reference in zip(jax.jit(both)(x, kernel, mix), (y, dx, dkernel), strict=True):
        agree(value, reference, EXACT)


@pytest.mark.parametrize("members", [None, 2])
def test_work_cut_into_pieces_gives_the_same(members, monkeypatch):
    """Rows that do not fit the cache at once go through it piece by piece."""
    case = (6, *TRANSFORMED["3 x 3, same"][1:])
    x, kernel = (np.asarray(v, np.float32) for v in arrays(case))
    if members:
        x, kernel = np.stack([x, 2 * x]), np.stack([kernel, kernel[::-1]])

    def both(x, kernel):
        y, back = jax.vjp(ours(case), x, kernel)
        return y, *back(jnp.cos(y))

    def found():
        call = jax.vmap(both) if members else both
        return jax.jit(lambda x, kernel: call(x, kernel))(x, kernel)

    whole = found()
    monkeypatch.setattr(winograd, "BLOCK", 2 * (5 * 3) * (6 * 4) * (9 + 8) * 4)  # two rows of 3 x 4 tiles
    axes = winograd._axes((9, 14), (3, 3), ((1, 1), (1, 1)))
    assert winograd._pieces(jnp.zeros((6, 9, 14, 9)), jnp.zeros((3, 3, 9, 8)), axes) == 3
    for value, reference in zip(found(), whole, strict=True):
        agree(value, reference, WINOGRAD)  # the transforms' rounding, fused in another way


@pytest.mark.parametrize("window", [2, 3, 4, 5])
@pytest.mark.parametrize("length", [2, 3, 4, 5])
def test_every_tile_computes_a_correlation(window, length):
    if window + length - 1 > 6:
        return
    a, g, b = winograd.matrices(length, window)
    rng = np.random.default_rng(window)
    d, taps = rng.normal(size=window + length - 1), rng.normal(size=window)
    agree(a.T @ ((g @ taps) * (b @ d)), np.correlate(d, taps, "valid"), 1e-13)


def test_half_precision_comes_back_in_its_own_type():
    case = TRANSFORMED["3 x 3, same"]
    x, kernel = arrays(case)
    y = jax.jit(ours(case))(jnp.asarray(x, jnp.bfloat16), jnp.asarray(kernel, jnp.bfloat16))
    assert y.dtype == jnp.bfloat16
    agree(y.astype(jnp.float32), theirs(case, x, kernel)[0], 2 * 2.0**-8)  # 8 bits for inputs and outputs


@pytest.mark.parametrize("case", [CASES["unequal strides"], CASES["causal, dilated"], TRANSFORMED["width 2"]])
def test_members_of_a_population_equal_a_loop(case):
    """Kernels by member on shared rows and on rows by member, forward and back, in a compiled loop."""
    x, kernel = (np.asarray(v, np.float32) for v in arrays(case))
    kernels, rows = np.stack([kernel, kernel[::-1], 2 * kernel]), np.stack([x, x[:, ::-1], 3 * x])

    def steps(x, kernel):
        def step(_, kernel):
            return kernel - 1e-3 * jax.grad(lambda k: jnp.sum(jnp.sin(ours(case)(x, k))))(kernel)

        return jax.lax.fori_loop(0, 3, step, kernel)

    alone = jax.jit(steps)
    for axes, given in (((None, 0), x), ((0, 0), rows)):
        together = jax.jit(jax.vmap(steps, axes))(given, kernels)
        for i in range(3):
            agree(together[i], alone(given if axes[0] is None else given[i], kernels[i]), 4e-6)  # sums in another order


# lengths, window, channels of the result, of the input, strides, cut in front, dilation, lengths of the result
BACK = {
    "stride 2": ((3,), (3,), 2, 4, (2,), (0,), (1,), (7,)),
    "cut at the end": ((3,), (3,), 2, 4, (2,), (0,), (1,), (6,)),
    "stride above kernel": ((3,), (2,), 2, 4, (3,), (0,), (1,), (9,)),
    "dilated": ((4,), (2,), 3, 2, (1,), (1,), (3,), (6,)),
    "strided and dilated": ((3,), (2,), 3, 2, (2,), (0,), (2,), (7,)),
    "two axes": ((3, 2), (3, 2), 2, 5, (2, 3), (1, 0), (1, 1), (6, 5)),
}


@pytest.mark.parametrize("name", BACK)
def test_the_transpose_as_in_torch(name, x64):
    lengths, window, channels, filters, strides, cuts, dilation, wanted = BACK[name]
    rng = np.random.default_rng(417)
    x, kernel = rng.normal(size=(2, *lengths, filters)), rng.normal(size=(*window, channels, filters))

    def call(x, kernel):
        padding = tuple((cut, 0) for cut in cuts)
        y = convolution_transposed(x, kernel, strides=strides, padding=padding, dilation=dilation, lengths=wanted)
        return y, jnp.sum(jnp.sin(y))

    (_, y), slopes = jax.jit(jax.value_and_grad(lambda *v: call(*v)[::-1], (0, 1), has_aux=True))(x, kernel)
    tx, tk = first(x), torch.tensor(np.moveaxis(kernel, (-1, -2), (0, 1)).copy(), requires_grad=True)
    full = getattr(torch.nn.functional, f"conv_transpose{len(lengths)}d")(tx, tk, stride=strides, dilation=dilation)
    # What lies beyond the last tap is 0; what lies before the cut is dropped.
    pads = [(-cut, cut + n - s) for cut, n, s in zip(cuts, wanted, full.shape[2:], strict=True)]
    ty = torch.nn.functional.pad(full, [cells for pair in pads[::-1] for cells in pair])
    torch.sin(ty).sum().backward()
    for value, reference in ((y, last(ty)), (slopes[0], last(tx.grad))):
        agree(value, reference, EXACT)
    agree(slopes[1], tk.grad.movedim((0, 1), (-1, -2)).numpy(), EXACT)


@pytest.mark.parametrize(
    ("x", "kernel", "more", "expected"),
    [
        ((1, 2, 1), (3, 1, 1), {}, "no longer than the padded rows"),
        ((1, 5, 3), (3, 2, 1), {}, "channels = 2 x 1 groups"),
        ((1, 5, 4), (3, 2, 3), {"groups": 2}, "filters that the groups divide"),
        ((1, 5, 5, 1), (3, 1, 1), {}, "as many space axes"),
        ((1, 5, 1), (3, 1, 1), {"strides": (1, 1)}, "a setting for each"),
    ],
)
def test_shapes_that_cannot_be_are_refused_in_words(x, kernel, more, expected):
    with pytest.raises(ShapeError, match=expected):
        convolution(jnp.zeros(x), jnp.zeros(kernel), **more)
