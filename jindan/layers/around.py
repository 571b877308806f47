"""Around: a layer that holds another one and is to a network what that one is."""

from __future__ import annotations

from typing import Any

from ..spec import item
from .base import Layer


class Around(Layer, abstract=True):
    """Base: `layer` is the one inside, which says how inputs and rows are handled."""

    layer: Any = item(kind="layer")

    @property
    def couples(self) -> bool:  # type: ignore[override]
        """Whether the layer inside does."""
        return self.layer.couples

    @property
    def splits(self) -> bool:  # type: ignore[override]
        """Whether the layer inside does."""
        return self.layer.splits

    @property
    def takes_integers(self) -> bool:  # type: ignore[override]
        """Whether integer inputs stay integers."""
        return self.layer.takes_integers

    @property
    def input_dim_of_ids(self) -> int | None:
        return self.layer.input_dim_of_ids

    @property
    def random(self) -> bool:
        return self.layer.random
