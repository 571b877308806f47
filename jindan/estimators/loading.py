"""load(folder) → the estimator that was saved there, whichever it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import FileError
from ..models import estimator_files, folders


def load(path: str | Path) -> Any:
    """An estimator that its own `save` wrote.

    Args:
        path: The folder.

    Returns:
        An object of the class that saved it.

    Raises:
        FileError: when the folder holds no estimator.

    >>> import tempfile
    >>> from jindan.estimators import PCA
    >>> with tempfile.TemporaryDirectory() as place:
    ...     PCA(1).fit([[0.0, 1.0], [1.0, 3.0], [2.0, 5.0]]).save(place + "/p")
    ...     load(place + "/p")
    PCA(n_components=1)
    """
    from .. import estimators

    name = class_name(path)
    if name is None or not hasattr(getattr(estimators, name, None), "load"):
        raise FileError("This folder holds no estimator.", where=path, expected="a folder written by save",
                        received=name or ("another folder" if Path(path).exists() else "no such folder"),
                        help="jindan.load reads networks.")  # fmt: skip
    return getattr(estimators, name).load(path)


def class_name(path: str | Path) -> str | None:
    """Name of the class that saved a folder; None where none did."""
    try:
        body = json.loads((Path(path) / folders.PLAN).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if not isinstance(body, dict):
        return None
    estimator = body.get("estimator")
    found = body.get("kind") if estimator_files.FORMAT in body else isinstance(estimator, dict) and estimator["class"]
    return found if isinstance(found, str) else None
