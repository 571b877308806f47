"""Winograd convolution: windows of 2 to 5 at stride 1 by transforms along each space axis and one batched matmul."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from .calls import called, inlined

Array = jax.Array
Pads = tuple[tuple[int, int], ...]

# Finite interpolation points by number of points; the last point is infinity. For six, ±√2 and ±1/√2 have a fifth of
# the rounding error of the usual ±1, ±2 (8e-7 against 4e-6 of the largest output in float32, 3 x 3 windows).
POINTS = {
    3: (0.0, -1.0),
    4: (0.0, 1.0, -1.0),
    5: (0.0, 1.0, -1.0, 2.0),
    6: (0.0, math.sqrt(2), -math.sqrt(2), math.sqrt(0.5), -math.sqrt(0.5)),
}
# Bytes of transformed inputs and outputs that are worked on at once.
BLOCK = 6 * 2**20
LARGEST = 5  # the widest window: a wider one leaves no room for two outputs a tile at six points


@cache
def matrices(m: int, window: int = 3) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The matrices A (n, m), G (n, window), B (n, n) of F(m, window), n = m + window − 1: y = Aᵀ[(G g) ⊙ (B d)].

    d holds n inputs, g the taps, y the m outputs y_i = Σ_k d_{i+k} g_k (Toom and Cook; Winograd 1980; Lavin and Gray
    2016).

    >>> a, g, b = matrices(2)
    >>> d, taps = np.array([1.0, 2.0, 3.0, 5.0]), np.array([1.0, 10.0, 100.0])
    >>> a.T @ ((g @ taps) * (b @ d))
    array([321., 532.])
    """
    n = m + window - 1
    points = np.array(POINTS[n])
    a, g, b = np.zeros((n, m)), np.zeros((n, window)), np.zeros((n, n))
    for j, point in enumerate(points):
        others = np.delete(points, j)
        a[j] = point ** np.arange(m)
        g[j] = point ** np.arange(window) / np.prod(point - others)
        b[j, : n - 1] = np.polynomial.polynomial.polyfromroots(others)
    a[-1, -1] = g[-1, -1] = 1
    b[-1] = np.polynomial.polynomial.polyfromroots(points)
    b[np.abs(b) < 1e-12] = 0
    return a, g, b


@cache
def tile(length: int, window: int = 3) -> int:
    """Outputs a tile along an axis with `length` outputs: the m with the fewest multiplications.

    >>> [tile(length) for length in (2, 3, 7, 14, 28)]
    [2, 3, 4, 4, 4]
    """
    return min(range(7 - window, 1, -1), key=lambda m: (m + window - 1) * -(-length // m))


def saving(windows: tuple[int, ...], spaces: tuple[int, ...]) -> float:
    """How many times fewer multiplications than the direct form, for windows and numbers of outputs by axis.

    >>> round(saving((3, 3), (28, 28)), 2)
    4.0
    """
    share = 1.0
    for window, space in zip(windows, spaces, strict=True):
        if window > 1:
            m = tile(space, window)
            share *= (m + window - 1) * -(-space // m) / (space * window)
    return 1 / share


@called(2)
def winograd(x: Array, kernel: Array, padding: Pads) -> Array:
    """The convolution of x (rows, *space, channels) with a kernel (*window, channels, filters) at stride 1.

    The hundreds of operations of several of one shape are most of what a deep network takes to compile.
    """
    return _winograd(x, kernel, padding)


@partial(jax.custom_vjp, nondiff_argnums=(2,))
@inlined
def _winograd(x: Array, kernel: Array, padding: Pads) -> Array:
    axes = _axes(x.shape[1:-1], kernel.shape[:-2], padding)
    u, pieces = _kernels(kernel, axes), _pieces(x, kernel, axes)
    if pieces == 1:
        return _forward(x, u, axes)[0]
    y = lax.map(lambda rows: _forward(rows, u, axes)[0], x.reshape(pieces, -1, *x.shape[1:]))
    return y.reshape(-1, *y.shape[2:])


@inlined
def _saving(x: Array, kernel: Array, padding: Pads) -> tuple[Array, tuple]:
    axes = _axes(x.shape[1:-1], kernel.shape[:-2], padding)
    if _pieces(x, kernel, axes) > 1:
        # To compute V again, in the cache, is cheaper than to fetch it from memory.
        return _winograd(x, kernel, padding), (x, kernel, None)
    y, v = _forward(x, _kernels(kernel, axes), axes)
    return y, (x[:0], kernel, v)


@inlined
def _backward(padding: Pads, saved: tuple, dy: Array) -> tuple[Array, Array]:
    x, kernel, v = saved
    axes = _axes(x.shape[1:-1], kernel.shape[:-2], padding)
    u = _kernels(kernel, axes)
    if v is not None:
        return _slopes(v, u, dy, axes, kernel.shape[:-2])
    pieces = _pieces(x, kernel, axes)

    def piece(total: Array, given: tuple[Array, ...]) -> tuple[Array, Array]:
        rows, slopes = given
        dx, dkernel = _slopes(_inputs(rows, axes), u, slopes, axes, kernel.shape[:-2])
        return total + dkernel, dx

    given = tuple(a.reshape(pieces, -1, *a.shape[1:]) for a in (x, dy))
    dkernel, dx = lax.scan(piece, jnp.zeros_like(kernel), given)
    return dx.reshape(x.shape), dkernel


_winograd.defvjp(_saving, _backward)


def _forward(x: Array, u: Array, axes: list[_Axis]) -> tuple[Array, Array]:
    v = _inputs(x, axes)
    products = lax.dot_general(v, u, (((2,), (1,)), ((0,), (0,))))
    return _outputs(products.reshape(*_tiled(x.shape[:-1], axes), -1), axes), v


def _slopes(v: Array, u: Array, dy: Array, axes: list[_Axis], windows: tuple[int, ...]) -> tuple[Array, Array]:
    slopes = _outputs_back(dy, axes)
    du = lax.dot_general(v, slopes, (((1,), (1,)), ((0,), (0,))))
    dv = lax.dot_general(slopes, u, (((2,), (2,)), ((0,), (0,)))).reshape(*_tiled(dy.shape[:-1], axes), -1)
    return _inputs_back(dv, axes), _kernels_back(du, axes, windows)


def _pieces(x: Array, kernel: Array, axes: list[_Axis]) -> int:
    """Equal pieces of the rows, each small enough that its transforms stay in the cache; 1 where none divide them."""
    cells = math.prod(len(axis.g) * axis.tiles for axis in axes)
    cells *= math.prod(n for number, n in enumerate(x.shape[1:-1]) if number not in {axis.number for axis in axes})
    most = max(1, BLOCK // (cells * sum(kernel.shape[-2:]) * x.dtype.itemsize))
    rows = x.shape[0]
    fitting = [size for size in range(min(most, rows), max(most // 4, 1) - 1, -1) if rows % size == 0]
    return rows // fitting[0] if fitting else 1


# -- transforms: each works along the axes with a window above 1, in turn, and adds an axis of points in front ---------


class _Axis:
    """One space axis: which it is, its lengths, its tiles and their matrices."""

    def __init__(self, number: int, place: int, length: int, window: int, pads: tuple[int, int]) -> None:
        self.number, self.place, self.length, self.low = number, place, length, pads[0]
        self.outputs = length + sum(pads) - window + 1
        self.m = tile(self.outputs, window)
        self.tiles = -(-self.outputs // self.m)
        self.a, self.g, self.b = matrices(self.m, window)


def _axes(lengths: tuple[int, ...], windows: tuple[int, ...], padding: Pads) -> list[_Axis]:
    found: list[_Axis] = []
    for number, window in enumerate(windows):
        if window > 1:
            # Every axis done before has put an axis of points in front.
            found.append(_Axis(number, len(found) + 1 + number, lengths[number], window, padding[number]))
    return found


def _tiled(rows: tuple[int, ...], axes: list[_Axis]) -> tuple[int, ...]:
    """Rows and space in tiles, behind the points of each axis, those of the last in front."""
    lengths = list(rows)
    for axis in axes:
        lengths[1 + axis.number] = axis.tiles
    return (*(len(axis.g) for axis in reversed(axes)), *lengths)


def _inputs(x: Array, axes: list[_Axis]) -> Array:
    """V: the inputs of every tile, transformed; (points, rows and tiles, channels)."""
    return _spread_all(x, axes, lambda axis: (axis.b, axis.low))


def _inputs_back(dv: Array, axes: list[_Axis]) -> Array:
    for axis in reversed(axes):
        dv = lax.optimization_barrier(gather(dv, axis.place, axis.b, axis.m, axis.length, axis.low))
    return dv


def _outputs(products: Array, axes: list[_Axis]) -> Array:
    """The outputs from the products, laid out as `_tiled` says."""
    for axis in reversed(axes):
        products = gather(products, axis.place, axis.a, axis.m, axis.outputs, 0)
        if axis is not axes[0]:
            products = lax.optimization_barrier(products)
    return products


def _outputs_back(dy: Array, axes: list[_Axis]) -> Array:
    """(points, rows and tiles, filters)."""
    return _spread_all(dy, axes, lambda axis: (axis.a, 0))


def _spread_all(x: Array, axes: list[_Axis], how: Callable[[_Axis], tuple[np.ndarray, int]]) -> Array:
    for axis in axes:
        matrix, low = how(axis)
        x = spread(x, axis.place, matrix, axis.m, axis.tiles, low)
        if axis is axes[-1]:
            # In one form for all that read it, or XLA computes it once for each form.
            x = x.reshape(math.prod(len(a.g) for a in axes), -1, x.shape[-1])
        # The barrier keeps XLA from computing one axis anew for every point of the next.
        x = lax.optimization_barrier(x)
    return x


def _kernels(kernel: Array, axes: list[_Axis]) -> Array:
    """U: the transformed kernels, (points, channels, filters)."""
    g = jnp.asarray(_points(axes), kernel.dtype)
    return (g @ kernel.reshape(g.shape[1], -1)).reshape(-1, *kernel.shape[-2:])


def _kernels_back(du: Array, axes: list[_Axis], windows: tuple[int, ...]) -> Array:
    g = jnp.asarray(_points(axes).T, du.dtype)
    return (g @ du.reshape(g.shape[1], -1)).reshape(*windows, *du.shape[1:])


def _points(axes: list[_Axis]) -> np.ndarray:
    """G of all axes in one: (points, those of the last axis slowest; taps of the window, the last axis fastest)."""
    whole = np.ones((1, 1))
    for axis in axes:
        whole = np.einsum("ik,pt->iptk", axis.g, whole).reshape(len(axis.g) * len(whole), -1)
    return whole


def spread(x: Array, axis: int, matrix: np.ndarray, m: int, tiles: int, low: int) -> Array:
    """Σ_a matrix[i, a] · x[m·t + a − low] along an axis, as (i, …, t, …); x is 0 outside."""
    parts = []
    for a in range(matrix.shape[1]):
        # The tiles that meet x with this input, of which each reads every m-th number.
        first = -min(0, (a - low) // m)
        end = min(tiles, -(-(x.shape[axis] + low - a) // m))
        if first >= end:
            parts.append(jnp.zeros((*x.shape[:axis], tiles, *x.shape[axis + 1 :]), x.dtype))
            continue
        start = m * first + a - low
        part = lax.slice_in_dim(x, start, start + m * (end - first - 1) + 1, m, axis)
        parts.append(_pad(part, axis, first, tiles - end))
    return jnp.stack([_combine(row, parts) for row in matrix])


def gather(v: Array, axis: int, matrix: np.ndarray, m: int, length: int, low: int) -> Array:
    """The transpose of `spread`: Σ matrix[i, a] · v[i, …, t, …] summed at m·t + a − low, cut to `length`."""
    tiles, blocks = v.shape[axis + 1], -(-length // m)
    # The first axis, of length 1, stays to the end: each reshape is one more operation to compile.
    parts = [lax.slice_in_dim(v, i, i + 1, axis=0) for i in range(len(matrix))]
    places: list[list[Array]] = [[] for _ in range(m)]
    for a in range(matrix.shape[1]):
        shift, place = divmod(a - low, m)
        places[place].append(_pad(_combine(matrix[:, a], parts), axis + 1, shift, blocks - tiles - shift))
    form = (*v.shape[1 : axis + 1], blocks, 1, *v.shape[axis + 2 :])
    x = lax.concatenate([sum(terms[1:], terms[0]).reshape(form) for terms in places], axis + 1)
    x = x.reshape(*x.shape[:axis], blocks * m, *x.shape[axis + 2 :])
    return lax.slice_in_dim(x, 0, length, axis=axis)


def _combine(row: np.ndarray, parts: list[Array]) -> Array:
    terms = [part if c == 1 else part * np.asarray(c, part.dtype) for c, part in zip(row, parts, strict=True) if c]
    return sum(terms[1:], terms[0])


def _pad(x: Array, axis: int, low: int, high: int) -> Array:
    """Zeros before and after along an axis; negative numbers cut."""
    if low == high == 0:
        return x
    config = [(0, 0, 0)] * x.ndim
    config[axis] = (low, high, 0)
    return lax.pad(x, np.asarray(0, x.dtype), config)
