"""What a script reads: one JSON value on a line of standard output."""

from __future__ import annotations

import json
from typing import Any


def print_json(value: Any) -> None:
    """Print a value as one line of JSON: null for what is not finite, text for what JSON has no form of.

    >>> print_json({"loss": float("nan"), "층": 3})
    {"loss": null, "층": 3}
    """
    from ..utils import finite

    print(json.dumps(finite(value), ensure_ascii=False, default=str))
