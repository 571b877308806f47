"""Mixup: a batch of pairs of rows, mixed in one share, drawn anew for each update."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ..layers.base import Array


def mix(x: Any, key: Any, alpha: Any, rows: Array | None = None) -> tuple[Any, Array, Array]:
    """x' = λ x + (1 − λ) x[partner], λ ~ Beta(α, α) (Zhang et al. 2018).

    Args:
        x: (n, …) real numbers, or a tuple of such; integers are left as they are.
        key: Random key of this update.
        alpha: α > 0; small values leave most batches nearly unmixed.
        rows: (n,) 1 for real rows, 0 for padding, which comes last and is nobody's partner.

    Returns:
        x', λ and partner (n,): the loss of the mixed targets is λ loss(y) + (1 − λ) loss(y[partner]).
    """
    first, second = jax.random.split(key)
    leaves = jax.tree.leaves(x)
    n = leaves[0].shape[0]
    kind = next((leaf.dtype for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.floating)), jnp.float32)
    share = jax.random.beta(first, alpha, alpha).astype(kind)
    real = n if rows is None else jnp.maximum(jnp.sum(rows), 1).astype(jnp.int32)
    # A turn by a random distance is a permutation of the real rows among themselves, cheaper than a random one.
    turn = jax.random.randint(second, (), 0, real)
    place = jnp.arange(n)
    partner = jnp.where(place < real, (place + turn) % real, place)
    mixed = jax.tree.map(
        lambda a: share * a + (1 - share) * a[partner] if jnp.issubdtype(a.dtype, jnp.floating) else a, x
    )
    return mixed, share, partner
