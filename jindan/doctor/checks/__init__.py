"""Checks: facts → suspects. A check knows one code; what it finds are numbers, never words."""

from __future__ import annotations

from collections.abc import Callable

from ..facts import Facts
from .base import Suspect
from .data import DATA_CHECKS
from .layers import LAYER_CHECKS
from .learning import LEARNING_CHECKS
from .setting import SETTING_CHECKS

CHECKS: dict[str, Callable[[Facts], Suspect | None]] = {
    **SETTING_CHECKS, **DATA_CHECKS, **LAYER_CHECKS, **LEARNING_CHECKS
}  # fmt: skip


def suspects(facts: Facts) -> list[Suspect]:
    """What the checks make of the facts, in no order."""
    found = (check(facts) for check in CHECKS.values())
    return [suspect for suspect in found if suspect is not None]
