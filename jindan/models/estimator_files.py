"""Estimators that are no network on disk: a folder with plan.json (settings) and model.safetensors. No pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError
from . import folders

FORMAT = "jindan_model"


def write(path: str | Path, kind: str, settings: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> None:
    """A folder with a model, whole or not at all.

    Args:
        path: The folder, new or one of jindan's.
        kind: Name of the class, as "RBM".
        settings: What JSON can hold; a `random_state` that is no number is not kept.
        arrays: By name.
    """
    settings = dict(settings)
    if not isinstance(settings.get("random_state", 0), (int, np.integer)):
        settings["random_state"] = None
    body = {FORMAT: 1, "kind": kind, "settings": settings}
    with folders.whole_folder(path) as folder:
        (folder / folders.PLAN).write_text(json.dumps(body, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
        folders.write_arrays(folder / folders.WEIGHTS, arrays)


def read(path: str | Path, kind: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Undo `write`: settings and arrays.

    Raises:
        FileError: when the folder holds no such model, or a damaged one.
    """
    file = Path(path) / folders.PLAN
    try:
        body = json.loads(file.read_text(encoding="utf-8"))
        known = isinstance(body, dict) and body.get(FORMAT) == 1 and isinstance(body.get("settings"), dict)
    except OSError:
        known, body = False, {}
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise folders.damaged(file, error, "Train again, or restore the file.") from None
    if not known or body["kind"] != kind:
        received = body.get("kind", "something else") if known else "a folder without one"
        raise FileError("This folder holds no such model.", where=path, expected=f"{kind} saved by jindan",
                        received=received, help="Load it with the class that saved it.")  # fmt: skip
    return body["settings"], folders.read_arrays(Path(path) / folders.WEIGHTS)


def is_one(path: str | Path) -> bool:
    """Whether a folder was written by `write`."""
    try:
        return FORMAT in json.loads((Path(path) / folders.PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError, TypeError):
        return False


def plain(settings: dict[str, Any], arrays: dict[str, np.ndarray], model: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings as JSON can hold them, with the columns' names, and the arrays."""
    if not isinstance(settings.get("random_state", 0), (int, np.integer)):
        settings["random_state"] = None
    settings = {name: v.item() if isinstance(v, np.generic) else v for name, v in settings.items()}
    if hasattr(model, "feature_names_in_"):
        settings["feature_names"] = [str(name) for name in model.feature_names_in_]
    return settings, arrays


def made(cls: Any, settings: dict[str, Any]) -> Any:
    """A model of these settings, with the columns' names that `plain` kept among them."""
    names = settings.pop("feature_names", None)
    model = cls(**settings)
    if names is not None:
        model.feature_names_in_ = np.array(names, dtype=object)
    return model
