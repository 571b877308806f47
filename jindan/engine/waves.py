"""Waves: a population that does not fit into memory is trained in parts, one after another; no result depends on it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import jax
import numpy as np

from ..plan import Plan
from .data import Data
from .devices import accelerated
from .memory import estimate_memory
from .shape import LARGEST_TILE

SHARE = 0.5  # of the free memory that a population may take
COPIES = 2.0  # of each member's state: the program's own, and the one it hands back


def waves(plans: Sequence[Plan], data: Data, free: int | None = None) -> list[range]:
    """Numbers of plans that are trained together, in order.

    Args:
        plans: Of one structure.
        data: Their rows, which lie in memory once on each device.
        free: Bytes there are; asked of the machine unless given.
    """
    if len(plans) < 2:
        return [range(len(plans))]
    largest = max(plans, key=lambda plan: plan.batch_size)
    own, shared = footprint(largest, data)
    budget = SHARE * (free_memory() if free is None else free) - shared
    fit = max(1, int(budget / own)) if own > 0 else len(plans)
    parts = -(-len(plans) // fit)
    each = -(-len(plans) // parts)
    return [range(first, min(first + each, len(plans))) for first in range(0, len(plans), each)]


def footprint(plan: Plan, data: Data) -> tuple[float, float]:
    """Bytes that each member takes, and those that are there once however many there are."""
    need = estimate_memory(plan, data.input_shape, len(data), x=data.x)
    rows = 0 if plan.rows is None else 4 * len(plan.rows)
    rows += 0 if plan.validation_rows is None else 4 * len(plan.validation_rows)
    other = data.validation
    held = 0 if other is None else estimate_memory(plan, data.input_shape, len(other), x=other.x).data
    own = COPIES * (need.parameters + need.optimizer + need.best) + need.gradients + rows
    several = len(jax.devices())
    if accelerated():  # all that run together do so side by side
        return own + need.activations, several * (need.data + held)
    return own, several * (need.data + held + LARGEST_TILE * min(need.activations, 2**24))


def free_memory() -> int:
    """Bytes free for use on the device, or on this machine for a CPU."""
    device = jax.devices()[0]
    if device.platform != "cpu":
        known = device.memory_stats() or {}
        return int(known.get("bytes_limit", 2**34)) - int(known.get("bytes_in_use", 0))
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        found = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in lines if ":" in line}
        return found["MemAvailable"]
    except (OSError, KeyError, ValueError, IndexError):
        pass
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    except (AttributeError, ValueError, OSError):
        return int(np.iinfo(np.int64).max)
