"""Models: Sequential and Model, saved and loaded; back-propagation made visible."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import attach

if TYPE_CHECKING:
    from .cloning import clone_model
    from .config import model_from_json
    from .gradients import LayerGradients, backprop
    from .loading import load_model
    from .model import Model
    from .sequential import Sequential

__all__ = ["LayerGradients", "Model", "Sequential", "backprop", "clone_model", "load_model", "model_from_json"]

_NAMES = {
    "LayerGradients": "gradients",
    "Model": "model",
    "Sequential": "sequential",
    "backprop": "gradients",
    "clone_model": "cloning",
    "load_model": "loading",
    "model_from_json": "config",
}

__getattr__, __dir__ = attach(__name__, _NAMES)
