"""load: a saved model or run folder becomes a model again, in a fresh process, without pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import saving
from .model import Model

PREPROCESSING = "preprocessing.json"


def load_model(filepath: Any) -> Model:
    """`load`, under the name Keras users know."""
    return load(filepath)


def load(path: Any) -> Model:
    """The model in a folder, ready to predict on raw rows, to evaluate or to train on.

    Args:
        path: What `model.save`, `jindan train` or `jindan search` wrote.

    Raises:
        FileError: when the folder holds no model, or a damaged one.
    """
    folder = Path(path)
    run, body = saving.read_run(folder)
    model = Model.from_run(run)
    model._compiled = bool(body.get("compiled", True))
    table = folder / PREPROCESSING
    if table.exists():
        from ..runs.tables import TableModel

        try:
            return TableModel.attach(model, json.loads(table.read_text(encoding="utf-8")))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise saving.damaged(table, error, "Train again, or restore the file.") from None
    return model
