"""What a network gets from a table: one matrix of features, and an input of its own for each text or image column."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class InputForm:
    """One input.

    Attributes:
        name: "table" for the matrix of features, else the column.
        kind: "table", "text" or "image".
        shape: Of one row.
        dtype: "float32", "int32" (token numbers) or "uint8" (pixels).
        vocabulary: For text, the number of token numbers, padding (0) and unknown (1) included.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    dtype: str
    vocabulary: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {**asdict(self), "shape": list(self.shape)}
