"""Whether a training fits into this machine, and whether it keeps it busy."""

from __future__ import annotations

import os
from typing import Any

from ..engine.memory import estimate_memory
from ..plan import Plan
from .findings import Finding

# What one core does at least in products of matrices in float32, far below any peak (a 2 GHz core with 8 lanes: 64).
SLOW_CORE = 5e9
IDLE, LONG = 0.02, 5.0  # share of that, and seconds of training from which it is worth a word


def memory_there() -> int | None:
    """Bytes of memory of this machine, or None where it does not tell."""
    try:
        return int(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, ValueError, OSError):
        return None


def too_large(plan: Plan, input_shape: Any, rows: int, x: Any = None) -> Finding | None:
    """The finding that a training needs more memory than there is."""
    there = memory_there()
    if there is None or not plan.layers:
        return None
    needed = estimate_memory(plan, input_shape, rows, x=x)
    if needed.total <= there:
        return None
    parts = needed.to_dict()
    most = max((name for name in parts if name != "total"), key=lambda name: parts[name])
    evidence = {"needed": _size(needed.total), "available": _size(there), "most": most}
    return Finding("out-of-memory", "error", None, evidence, 0.95)


def share_in_use(plan: Plan, input_shape: Any, updates: int, seconds: float) -> float:
    """Arithmetic done in a training, as a share of what one slow core could have done meanwhile."""
    work = 3.0 * plan.batch_size * plan.network(input_shape).flops() * updates
    return work / max(seconds, 1e-9) / SLOW_CORE


def _size(count: int) -> str:
    return f"{count / 2**30:.3g} GiB"
