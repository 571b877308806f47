"""load: a saved model or run folder becomes a model again, in a fresh process, without pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import FileError
from . import estimator_files, folders, saving
from .model import Model

PREPROCESSING = "preprocessing.json"
ENSEMBLE, STACK = "ensemble.json", "stack.json"


def load_model(filepath: Any) -> Any:
    """`load`, under the name Keras users know."""
    return load(filepath)


def load(path: Any) -> Any:
    """The model in a folder, ready to predict on raw rows, to evaluate or to train on; or an ensemble, or a stack.

    Args:
        path: What `model.save`, `ensemble.save`, `jindan train` or `jindan search` wrote.

    Raises:
        FileError: when the folder holds no model, or a damaged one.
    """
    folder = Path(path)
    if (folder / ENSEMBLE).is_file():
        from ..select.members import Ensemble

        return Ensemble.load(folder)
    if (folder / STACK).is_file():
        from ..select.stacking import Stacked

        return Stacked.load(folder)
    if estimator_files.is_one(folder):
        raise FileError(
            "This folder holds an estimator that is no network.", where=folder, expected="a network, or a run of one",
            received="what an estimator's save wrote", help="jindan.estimators.load reads it.",
        )  # fmt: skip
    run, body = saving.read_run(folder)
    model = Model.from_run(run)
    model._compiled = bool(body.get("compiled", True))
    table = folder / PREPROCESSING
    if table.exists():
        from ..runs.tables import TableModel

        try:
            attached = TableModel.attach(model, json.loads(table.read_text(encoding="utf-8")))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise folders.damaged(table, error, "Train again, or restore the file.") from None
        return attached.with_members(folder)
    return model
