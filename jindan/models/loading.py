"""load: a saved model or run folder becomes a model again, in a fresh process, without pickle."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ..errors import FileError, InputError
from . import estimator_files, folders, saving
from .model import Model

PREPROCESSING = "preprocessing.json"
ENSEMBLE, STACK = "ensemble.json", "stack.json"


def load_model(filepath: Any, custom_objects: Any = None, compile: bool = True, safe_mode: bool = True) -> Any:
    """`load`, under the name and with the arguments Keras users know.

    Args:
        filepath: The folder.
        custom_objects: Only None: functions of your own are found by the name they were registered with.
        compile: Whether the model is compiled as it was; else it only predicts until it is compiled again.
        safe_mode: Taken for Keras's sake: nothing in the folder is ever run.

    Raises:
        FileError: when the folder holds no model, or a damaged one.
    """
    if custom_objects:
        raise InputError(
            "load_model takes no custom_objects.", where="custom_objects", expected=None, received=repr(custom_objects),
            help='jd.register("loss", "my_loss", my_loss) once, before saving and before loading.',
        )  # fmt: skip
    found = load(filepath)
    if not compile and isinstance(found, Model):
        found._compiled = False
    return found


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
    model._compiled, keys = bool(body.get("compiled", True)), body.get("keys")
    model._keys = None if keys is None else tuple(map(str, keys))
    table = folder / PREPROCESSING
    if table.exists():
        from ..runs.tables import TableModel

        try:
            attached = TableModel.attach(model, json.loads(table.read_text(encoding="utf-8")))
        except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
            raise folders.damaged(table, error, "Train again, or restore the file.") from None
        return attached.with_members(folder)
    return model
