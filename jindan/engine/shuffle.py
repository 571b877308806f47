"""The order of rows: a hash of (seed, epoch, position), sorted, so that padding changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

Array = jax.Array
LAST = 0xFFFFFFFF
# Up to this many places, hash and place fit one 32-bit number, which a CPU sorts seven times as fast as pairs.
BITS = 12


def mix(bits: Array) -> Array:
    """A 32-bit finaliser in which every input bit flips each output bit with probability near ½ (Wellons 2018)."""
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x7FEB352D)
    bits = (bits ^ (bits >> 15)) * jnp.uint32(0x846CA68B)
    return bits ^ (bits >> 16)


def order(seed: Array, epoch: Array, capacity: int, count: Any) -> Array:
    """A permutation of 0 … count − 1, followed by the padding positions count … capacity − 1.

    Args:
        seed: uint32.
        epoch: The epoch's number.
        capacity: Length of the result.
        count: Real rows, at most capacity; an array when members of a population differ.
    """
    places = jnp.arange(capacity, dtype=jnp.uint32)
    key = mix(seed + mix(epoch.astype(jnp.uint32) + jnp.uint32(0x9E3779B9)))
    # 31 bits, so that no real row ties with the padding; equal hashes keep their order.
    hashes = mix(places ^ key) >> 1
    real = places < jnp.uint32(count)
    if capacity <= 1 << BITS:
        packed = jnp.where(real, hashes >> BITS << BITS, jnp.uint32(LAST) >> BITS << BITS) | places
        return (lax.sort(packed, is_stable=False) & jnp.uint32((1 << BITS) - 1)).astype(jnp.int32)
    # Few rows with much padding: the order is that of the branch above.
    hashes = jnp.where(jnp.uint32(count) <= jnp.uint32(1 << BITS), hashes >> BITS, hashes)
    hashes = jnp.where(real, hashes, jnp.uint32(LAST))
    with jax.enable_x64(True):
        # One number of 64 bits is sorted four times as fast as a pair of 32, and in the same order.
        packed = lax.shift_left(hashes.astype(jnp.uint64), jnp.uint64(32)) | places.astype(jnp.uint64)
        return lax.sort(packed, is_stable=False).astype(jnp.uint32).astype(jnp.int32)


def room(places: int) -> dict[str, Any]:
    """Room for the order of an epoch, handed on from one call of a program to the next; as yet it holds none."""
    return {"order": np.zeros(places, np.int32), "epoch": np.int32(-1)}


def recalled(kept: dict[str, Any], epoch: Array, find: Callable[[], Array]) -> tuple[Array, dict[str, Any]]:
    """The order of an epoch, found only where it is not the one that was kept; and what is kept from here on.

    Several members side by side have an axis in front, and keep the same epoch.
    """
    order = lax.cond(jnp.all(kept["epoch"] == epoch), lambda: kept["order"], find)
    return order, {"order": order, "epoch": jnp.full_like(kept["epoch"], epoch)}
