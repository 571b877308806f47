"""The folds of a table: row numbers, a preprocessing fitted in each, their matrices below one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..data import NumberTarget, Preprocessor, fit_preprocessor, k_fold
from ..errors import InputError
from .prepare import Prepared, counted


@dataclass(frozen=True)
class FoldedTable:
    """The folds of a table, each through a preprocessing of its own; the matrices stand below one another.

    Attributes:
        pairs: (training, held-out) row numbers of each fold.
        preprocessors: Fitted on each fold's training rows.
        encoders: Of the target; for classes all the same.
        features: The union of all folds' columns; those a fold does not have are 0 in it.
        x: (folds · rows, features) float32.
        encoded: (folds · rows,) class numbers, or values as scaled in each fold.
        rows: Rows of the table.
        rare: (class, its rows) of classes with fewer rows than folds.
    """

    pairs: tuple[tuple[np.ndarray, np.ndarray], ...]
    preprocessors: tuple[Preprocessor, ...]
    encoders: tuple[Any, ...]
    features: tuple[str, ...]
    x: np.ndarray
    encoded: np.ndarray
    rows: int
    rare: tuple[tuple[str, int], ...] = ()


def folded(prepared: Prepared, folds: int, seed: int = 0) -> FoldedTable:
    """The folds of a table, stratified by class, each through a preprocessing fitted on its training rows.

    Raises:
        InputError: when the table has texts or images, or fewer rows than folds.
    """
    n, classes = len(prepared.frame), prepared.classes
    _refuse(prepared, folds, n)
    codes = prepared.truth if classes else None
    pairs = tuple(k_fold(n, folds, seed=seed, stratify=codes))
    fitted, encoders, encoded = [], [], []
    config = prepared.preprocessor.config
    for rows, _ in pairs:
        training = prepared.frame[rows]
        fitted.append(fit_preprocessor(training, prepared.columns, config, target=prepared.target,
                                       folder=prepared.folder))  # fmt: skip
        encoder: Any = prepared.encoder
        if not classes:
            encoder = NumberTarget.fit(training[prepared.target], scale=config.target != "none")
        encoders.append(encoder)
        encoded.append(np.asarray(encoder.encode(prepared.frame[prepared.target])))
    features = tuple(dict.fromkeys(name for own in fitted for name in own.feature_names))
    place = {name: k for k, name in enumerate(features)}
    x = np.zeros((len(pairs) * n, len(features)), np.float32)
    for number, own in enumerate(fitted):
        with counted(prepared.numbers):
            block = own.transform(prepared.frame, prepared.folder)
        x[number * n : (number + 1) * n, [place[name] for name in own.feature_names]] = block
    counts = np.bincount(prepared.truth, minlength=classes) if classes else np.zeros(0, int)
    rare = tuple((str(prepared.encoder.classes[c]), int(counts[c])) for c in np.flatnonzero(counts < folds))  # type: ignore[union-attr]
    return FoldedTable(pairs, tuple(fitted), tuple(encoders), features, x, np.concatenate(encoded), n, rare)


def _refuse(prepared: Prepared, folds: Any, rows: int) -> None:
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise InputError("The number of folds must be a whole number.", where="--folds", expected=">= 2",
                         received=folds, help="5 is usual.")  # fmt: skip
    if folds > rows:
        raise InputError("There are fewer rows than folds.", where="--folds", expected=f"at most {rows} folds",
                         received=f"{folds} folds", help="5 is usual.")  # fmt: skip
    kinds = [form.kind for form in prepared.preprocessor.inputs]
    if kinds != ["table"]:
        apart = " and ".join(sorted({kind for kind in kinds if kind != "table"}))
        raise InputError(
            "Cross-validation is for tables of numbers, categories and dates.", where="--folds",
            expected="no columns of text or images", received=f"columns of {apart}",
            help="Leave --folds out, or leave the columns out (--drop).",
        )  # fmt: skip
