"""The folds of a table: row numbers, a preprocessing fitted in each, what the network gets of all below one another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..data import InputForm, NumberTarget, Preprocessor, fit_preprocessor
from ..errors import InputError
from ..layers import Embedding
from ..plan import Plan
from .prepare import Prepared, counted


@dataclass(frozen=True)
class FoldedTable:
    """The folds of a table, each through a preprocessing of its own; their rows stand below one another.

    Vocabularies and lengths of texts are those of the largest fold: numbers beyond its own do not occur in a fold.

    Attributes:
        pairs: (training, held-out) row numbers of each fold.
        preprocessors: Fitted on each fold's training rows; images are brought to one size by the table's own.
        encoders: Of the target; for classes all the same.
        features: The union of all folds' columns of the matrix; those a fold does not have are 0 in it.
        inputs: What the network gets.
        x: (folds · rows, …) an array, or for several inputs a tuple of such.
        encoded: (folds · rows,) class numbers, or values as scaled in each fold.
        rows: Rows of the table.
        rare: (class, its rows) of classes with fewer rows than folds.
    """

    pairs: tuple[tuple[np.ndarray, np.ndarray], ...]
    preprocessors: tuple[Preprocessor, ...]
    encoders: tuple[Any, ...]
    features: tuple[str, ...]
    inputs: tuple[InputForm, ...]
    x: Any
    encoded: np.ndarray
    rows: int
    rare: tuple[tuple[str, int], ...] = ()

    def block(self, number: int) -> tuple[np.ndarray, ...]:
        """All rows as a fold sees them: an array an input."""
        return tuple(part[number * self.rows : (number + 1) * self.rows] for part in _parts(self.x))


def folded(prepared: Prepared, folds: int, seed: int = 0) -> FoldedTable:
    """The folds of a table, stratified by class or parted as its ties ask, each through a preprocessing fitted on its
    training rows.

    Raises:
        InputError: when the table has fewer rows than folds.
    """
    n, classes = len(prepared.frame), prepared.classes
    _refuse(folds, n)
    codes = prepared.truth if classes else None
    pairs = tuple(prepared.ties.pairs(np.arange(n), folds, seed, codes))
    fitted, encoders, encoded = [], [], []
    for rows, _ in pairs:
        training = prepared.frame[rows]
        fitted.append(_fitted(prepared, training))
        encoder: Any = prepared.encoder
        if not classes:
            scale = prepared.preprocessor.config.target != "none"
            encoder = NumberTarget.fit(training[prepared.target], scale=scale)
        encoders.append(encoder)
        encoded.append(np.asarray(encoder.encode(prepared.frame[prepared.target])))
    inputs, features = _forms(prepared, fitted)
    x = tuple(np.zeros((len(pairs) * n, *form.shape), form.dtype) for form in inputs)
    place = {name: k for k, name in enumerate(features)}
    images = {form.name: part for form, part in zip(prepared.preprocessor.inputs, _parts(prepared.x), strict=True)
              if form.kind == "image"}  # fmt: skip
    for number, own in enumerate(fitted):
        with counted(prepared.numbers):
            found = _transformed(own, prepared)
        for form, whole in zip(inputs, x, strict=True):
            block = whole[number * n : (number + 1) * n]
            if form.kind == "table":
                block[:, [place[name] for name in own.feature_names]] = found.get("table", np.zeros((n, 0)))
            elif form.kind == "image":
                block[:] = images[form.name]
            elif form.name in found:  # a fold whose training rows have no text there learns nothing of it
                block[:, : found[form.name].shape[1]] = found[form.name]
    counts = np.bincount(prepared.truth, minlength=classes) if classes else np.zeros(0, int)
    rare = tuple((str(prepared.encoder.classes[c]), int(counts[c])) for c in np.flatnonzero(counts < folds))  # type: ignore[union-attr]
    return FoldedTable(
        pairs, tuple(fitted), tuple(encoders), features, inputs, x if len(x) > 1 else x[0], np.concatenate(encoded), n,
        rare,
    )  # fmt: skip


def _refuse(folds: Any, rows: int) -> None:
    if isinstance(folds, bool) or not isinstance(folds, int) or folds < 2:
        raise InputError("The number of folds must be a whole number.", where="--folds", expected=">= 2",
                         received=folds, help="5 is usual.")  # fmt: skip
    if folds > rows:
        raise InputError("There are fewer rows than folds.", where="--folds", expected=f"at most {rows} folds",
                         received=f"{folds} folds", help="5 is usual.")  # fmt: skip


def plan_for(plan: Plan, prepared: Prepared, parts: FoldedTable) -> Plan:
    """The plan with room for the words of every fold: its tables of words are those of the table's own split."""
    layers = list(plan.layers)
    nodes = plan.wiring.nodes if plan.wiring is not None else ((0, (0,)),)
    for index, values in nodes:
        for number, form in enumerate(parts.inputs):
            layer = layers[index]
            if number in values and form.kind == "text" and isinstance(layer, Embedding):
                layers[index] = replace(layer, input_dim=max(layer.input_dim, form.vocabulary or 0))
    return plan.replace(layers=tuple(layers))


def _forms(prepared: Prepared, fitted: Sequence[Preprocessor]) -> tuple[tuple[InputForm, ...], tuple[str, ...]]:
    """What the network gets of every fold, and the names of the matrix's columns."""
    features = tuple(dict.fromkeys(name for own in fitted for name in own.feature_names))
    folds = [{form.name: form for form in own.inputs} for own in fitted]
    inputs = []
    for form in prepared.preprocessor.inputs:
        same = [fold[form.name] for fold in folds if form.name in fold]
        if form.kind == "table":
            form = replace(form, shape=(len(features),))
        elif form.kind == "text":
            length = max([own.shape[0] for own in same] or form.shape)
            form = replace(form, shape=(length,), vocabulary=max(own.vocabulary or 0 for own in [*same, form]))
        inputs.append(form)
    return tuple(inputs), features


def _parts(x: Any) -> tuple[np.ndarray, ...]:
    return x if isinstance(x, tuple) else (x,)


def _fitted(prepared: Prepared, training: Any) -> Preprocessor:
    """A fold's preprocessing. Of images nothing is learned but their size, which is that of the table's own split."""
    rest = tuple(column for column in prepared.columns if column.kind != "image")
    if all(encoder.kind == "image" for encoder in prepared.preprocessor.encoders):
        return replace(prepared.preprocessor, encoders=(), scalers=())
    return fit_preprocessor(training, rest, prepared.preprocessor.config, prepared.target, prepared.folder)


def _transformed(own: Preprocessor, prepared: Prepared) -> dict[str, np.ndarray]:
    """The matrix, under the name "table", and the texts of all rows by a fold's preprocessing."""
    if not own.encoders:
        return {}
    found = own.transform(prepared.frame, prepared.folder)
    whole = found if isinstance(found, dict) else {own.inputs[0].name: found}
    kinds = {form.name: form.kind for form in own.inputs}
    return {"table" if kinds[name] == "table" else name: part for name, part in whole.items()}
