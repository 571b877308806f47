"""Categories as numbers a network can use: one-hot, several at once, counted; numbers cut into ranges."""

from __future__ import annotations

import math
from typing import Any, Self

import jax.numpy as jnp
import numpy as np

from ..errors import InputError, StateError
from ..spec import COUNT, Choice, Number, item
from .adapting import Adapting, Immediate, batches_of, finite
from .base import Array, Context, Shape

CODES = ("one_hot", "multi_hot", "count")
NO = Choice((False,))
"""Rule of settings that are taken for Keras's sake: nothing here is sparse."""


def encoded(ids: Any, mode: str, depth: int, weights: Any = None) -> Array:
    """Numbers of categories (rows, …, k) in the form that a mode names; numbers outside 0 … depth − 1 leave no trace.

    >>> encoded(jnp.array([[0, 2, 2]]), "count", 3).tolist(), encoded(jnp.array([[2], [7]]), "one_hot", 3).tolist()
    ([[1.0, 0.0, 2.0]], [[0.0, 0.0, 1.0], [0.0, 0.0, 0.0]])
    """
    if mode == "int":
        return ids.astype(jnp.float32)
    if mode == "one_hot" and ids.ndim > 1 and ids.shape[-1] == 1:
        ids = ids[..., 0]
    hot = (ids[..., None] == jnp.arange(depth)).astype(jnp.float32)
    if mode == "one_hot":
        return hot
    if mode == "multi_hot":
        return hot.max(-2, initial=0)
    return (hot if weights is None else hot * weights[..., None]).sum(-2)


def shape_encoded(shape: Shape, mode: str, depth: int) -> Shape:
    """The shape of one row that `encoded` gives for the shape of one row of numbers."""
    if mode == "int":
        return shape
    return (*shape, depth) if mode == "one_hot" and shape[-1:] != (1,) else (*shape[:-1], depth)


def as_whole(found: Any, mode: str) -> np.ndarray:
    """What a layer computed, for people: numbers of categories as integers."""
    return np.asarray(found).astype(np.int32) if mode == "int" else np.asarray(found)


class CategoryEncoding(Immediate):
    """Numbers of categories 0 … num_tokens − 1 as vectors of zeros and ones, or of counts.

    "one_hot": each number becomes its vector, (…, 1) → (…, num_tokens) and (…, k) → (…, k, num_tokens); "multi_hot":
    a 1 for each category that occurs in the last axis, (…, k) → (…, num_tokens); "count": how often it occurs.

    Args:
        num_tokens: Categories.
        output_mode: "one_hot", "multi_hot" or "count".
        sparse: Taken for Keras's sake.

    Called on arrays, `count_weights=` (of the shape of the inputs) says how much each counts in "count".

    Raises:
        InputError: when numbers are not 0 … num_tokens − 1.

    >>> CategoryEncoding(4, "one_hot")([3, 1]).tolist()
    [[0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]]
    >>> CategoryEncoding(4)([[0, 1], [3, 3]]).tolist(), CategoryEncoding(4, "count")([[0, 1], [3, 3]]).tolist()
    ([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]], [[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 2.0]])

    Source: Keras 3, CategoryEncoding.
    """

    takes_integers = True
    num_tokens: int = item(rule=COUNT)
    output_mode: str = item(default="multi_hot", rule=Choice(CODES))
    sparse: bool = item(default=False, rule=NO, host=True)

    @property
    def input_dim_of_ids(self) -> int:
        """The number that whole-number inputs must stay below."""
        return self.num_tokens

    @property
    def streams(self) -> bool:
        return False

    def output_shape(self, shape: Shape) -> Shape:
        return shape_encoded(shape, self.output_mode, self.num_tokens)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return encoded(x, self.output_mode, self.num_tokens)

    def of(self, values: Any, count_weights: Any = None) -> np.ndarray:
        """What the layer makes of an array or list of numbers."""
        ids = need_whole(values, "CategoryEncoding", self.num_tokens)
        if count_weights is None:
            return self.computed(ids)
        weights = np.asarray(count_weights, np.float32)
        if self.output_mode != "count" or weights.shape != ids.shape:
            raise InputError(
                "count_weights says how much each number counts.", where="CategoryEncoding",
                expected=f'output_mode="count" and weights of shape {ids.shape}',
                received=f"output_mode={self.output_mode!r} and weights of shape {weights.shape}",
                help="Leave them out, or give one for each number.",
            )  # fmt: skip
        return np.asarray(encoded(jnp.asarray(ids), "count", self.num_tokens, jnp.asarray(weights)))

    def flops(self, shape: Shape) -> int:
        return math.prod(shape) * self.num_tokens


class Discretization(Adapting):
    """Each number becomes that of the range it lies in: i for b_i ≤ x < b_(i+1), from 0 below the first boundary.

    NaN lies in the last range, as in NumPy. Shapes: (rows, …) → the same, or as `CategoryEncoding` makes them.

    Args:
        bin_boundaries: Rising numbers; n of them make n + 1 ranges.
        num_bins: Ranges to learn by `adapt`, about equally many rows in each.
        epsilon: Share of the rows that learnt boundaries may be off by.
        output_mode: "int", "one_hot", "multi_hot" or "count".
        sparse: Taken for Keras's sake.

    Raises:
        InputError: when there is neither boundaries nor num_bins, or both and they do not fit.
        StateError: when it is used before `adapt`.

    >>> Discretization([0.0, 1.0, 2.0])([[-1.5, 1.0, 3.4, 0.5]]).tolist()
    [[0, 2, 3, 1]]
    >>> layer = Discretization(num_bins=4).adapt([[-1.5, 1.0, 3.4, 0.5], [0.0, 3.0, 1.3, 0.0]])
    >>> layer.bin_boundaries, layer([[-1.5, 1.0, 3.4, 0.5]]).tolist()
    ((0.0, 0.5, 1.2999999523162842), [[0, 2, 3, 2]])

    Source: Keras 3, Discretization, whose `adapt` it computes.
    """

    exact_inputs = True
    learns = ("bin_boundaries",)

    bin_boundaries: Any = item(default=None)
    num_bins: int | None = item(default=None, rule=COUNT, host=True)
    epsilon: float = item(default=0.01, rule=Number(0, 1, open_low=True), host=True)
    output_mode: str = item(default="int", rule=Choice(("int", *CODES)))
    sparse: bool = item(default=False, rule=NO, host=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.bin_boundaries is not None:
            try:
                given = np.asarray(self.bin_boundaries, np.float64)
            except (TypeError, ValueError):
                given = np.array([np.nan])
            if given.ndim != 1 or not np.isfinite(given).all() or (np.diff(given) < 0).any():
                raise InputError(
                    "Boundaries of ranges are rising numbers.", where="bin_boundaries of Discretization",
                    expected="[0.0, 1.0, 2.0], …", received=repr(self.bin_boundaries)[:80],
                    help="Sort them, and leave out NaN: what is below the first is range 0.",
                )  # fmt: skip
            object.__setattr__(self, "bin_boundaries", tuple(given.tolist()))
        most = len(self.bin_boundaries or ()) + 1 if self.num_bins is None else self.num_bins
        if (self.bin_boundaries is None and self.num_bins is None) or len(self.bin_boundaries or ()) >= most:
            raise InputError(
                "Discretization needs the boundaries of its ranges, or how many there are to learn.",
                where="Discretization", expected="bin_boundaries, or num_bins and adapt(data)",
                received=f"bin_boundaries={self.bin_boundaries}, num_bins={self.num_bins}",
                help="Discretization([0.0, 1.0]), or Discretization(num_bins=3).adapt(rows).",
            )  # fmt: skip

    def adapt(self, data: Any, steps: int | None = None) -> Self:
        """Learn the boundaries: quantiles of all numbers.

        Args:
            data: (rows, …) numbers, or an iterator of such batches.
            steps: How many batches to take.

        Raises:
            InputError: when there are no rows, or they hold NaN or infinities, or the boundaries were given.
        """
        if self.num_bins is None:
            raise InputError(
                "This Discretization was given its boundaries.", where="adapt of Discretization",
                expected="num_bins in place of bin_boundaries", received=f"bin_boundaries={self.bin_boundaries}",
                help="Discretization(num_bins=4).adapt(rows).",
            )  # fmt: skip
        found = np.zeros((2, 0), np.float32)
        for batch in batches_of(data, steps):
            rows = np.sort(finite(batch, "Discretization").astype(np.float32).ravel())
            step = max(rows.size * self.epsilon, 1)
            picked = rows[int(step - 1) :: int(step)]
            found = np.concatenate((np.stack([picked, np.full_like(picked, step)]), found), 1)
            found = _shortened(found[:, np.argsort(found[0])], self.epsilon)
        if not found.size:
            finite([], "Discretization")
        return self._learn(bin_boundaries=tuple(_shortened(found, 1 / self.num_bins)[0, :-1].tolist()))

    @property
    def depth(self) -> int:
        """Ranges."""
        if self.bin_boundaries is None:
            raise StateError(
                "Discretization has learnt no boundaries yet.", where=self.name or "Discretization",
                expected="adapt before it is used, or bin_boundaries", help="layer.adapt(rows)",
            )  # fmt: skip
        return len(self.bin_boundaries) + 1

    def output_shape(self, shape: Shape) -> Shape:
        return shape if self.output_mode == "int" else shape_encoded(shape, self.output_mode, self.depth)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        depth = self.depth
        bounds = jnp.asarray(self.bin_boundaries, x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32)
        ids = jnp.searchsorted(bounds, x.astype(bounds.dtype), side="right")
        return encoded(ids, self.output_mode, depth)

    def of(self, values: Any) -> np.ndarray:
        """What the layer makes of an array or list of numbers."""
        return as_whole(self.computed(np.asarray(values)), self.output_mode)

    @property
    def streams(self) -> bool:
        return self.output_mode == "int"


def _shortened(summary: np.ndarray, epsilon: float) -> np.ndarray:
    """Values and their weights (2, n), brought down to 1 / epsilon values by interpolating the cumulated weight."""
    if summary.shape[1] * epsilon < 1:
        return summary
    shares = epsilon + np.arange(0.0, 1.0, epsilon)
    total = summary[1].cumsum()
    values, reached = np.interp(shares, total / total[-1], summary[0]), np.interp(shares, total / total[-1], total)
    return np.stack((values, np.diff(reached, prepend=0))).astype(np.float32)


def need_whole(values: Any, layer: str, limit: int | None = None) -> np.ndarray:
    """An array or list of whole numbers as int64.

    Raises:
        InputError: when they are no whole numbers, or not 0 … limit − 1.
    """
    found = np.asarray(values)
    good = found.dtype.kind in "iub" or (found.dtype.kind == "f" and np.array_equal(found, np.floor(found)))
    inside = good and (limit is None or not found.size or (found.min() >= 0 and found.max() < limit))
    if not inside:
        shown = (
            f"{found.dtype} values from {found.min()} to {found.max()}" if found.dtype.kind in "iubf" else found.dtype
        )
        raise InputError(
            f"{layer} reads whole numbers.", where=layer,
            expected="whole numbers" if limit is None else f"whole numbers 0 … {limit - 1}", received=shown,
            help="Strings are looked up by StringLookup; numbers of any size are numbered by IntegerLookup.",
        )  # fmt: skip
    return found.astype(np.int64)
