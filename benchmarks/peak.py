"""The machine's peak: float32 operations a second of a large matrix product, and the share of it that a figure is."""

from __future__ import annotations

from functools import cache

from .common import Skip, module, run


@cache
def peak() -> float:
    """The best of a 2048³ product in JAX and in PyTorch, measured once a process.

    Raises:
        Skip: when neither is there.
    """
    found = []
    for library in ("jax", "torch"):
        try:
            found.append(run(module("peak", library)).output["flops"])
        except (Skip, RuntimeError):
            continue
    if not found:
        raise Skip("neither JAX nor PyTorch multiplies matrices here")
    return max(found)


def share(flops: float, milliseconds: float) -> float:
    """Which part of the peak an update of so many operations and so many milliseconds reaches."""
    return flops / (milliseconds / 1000) / peak()
