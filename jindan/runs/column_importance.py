"""What a table's network relies on: how far its score falls when a column is shuffled among the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..data import Preprocessor
from ..engine.data import cut
from ..errors import InputError
from ..plan import Plan
from ..select import Importance, primary
from ..select.importance import whole_repeats
from .prepare import Prepared
from .probabilities import probabilities

REPEATS = 5
MOST_ROWS, MOST_COLUMNS = 1000, 1000
NUMBERS = 60_000  # rows × columns that are looked at, of wide tables fewer rows


def column_importance(
    preprocessor: Preprocessor, frame: Any, x: Any, judged: Callable[[Any], float], scoring: str,
    repeats: int = REPEATS, seed: int = 0,
) -> Importance:  # fmt: skip
    """Permutation importance of the columns of a table, whatever features they become (Breiman 2001).

    Args:
        preprocessor: Fitted.
        frame: The rows, raw.
        x: The same rows as the network sees them.
        judged: The score of the network on these rows, of inputs like x.
        scoring: The score's name.
        repeats: Shuffles of each column.
        seed: Of the shuffles.
    """
    rng = np.random.default_rng(seed)
    orders = [rng.permutation(len(frame)) for _ in range(repeats)]
    base = judged(x)
    names, falls = [], []
    for name, moved in _shuffled(preprocessor, frame, x, orders):
        names.append(name)
        falls.append([base - judged(other) for other in moved])
    place = {name: k for k, name in enumerate(names)}
    names = [name for name in preprocessor.input_columns if name in place]
    found = np.array([falls[place[name]] for name in names]).reshape(len(names), repeats)
    std = found.std(1, ddof=1) if repeats > 1 else np.zeros(len(names))
    return Importance(found.mean(1), std, base, scoring, tuple(names))


def relied_on(
    prepared: Prepared, plan: Plan, predicted: Callable[[Any], np.ndarray], part: str, seed: int
) -> dict[str, Any] | None:
    """What the record says of it, on a part of the rows; None where one column, or very many, are learnt from.

    Args:
        prepared: The table.
        plan: Of the training; its loss says what outputs mean.
        predicted: Outputs of the network for inputs.
        part: "test", "validation" or "train".
        seed: Of rows and shuffles.
    """
    columns, rows = len(prepared.preprocessor.input_columns), prepared.part(part)
    if prepared.images or not 2 <= columns <= MOST_COLUMNS:
        return None
    most = min(MOST_ROWS, max(100, NUMBERS // columns))
    if len(rows) > most:
        rows = np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))

    def judged(inputs: Any) -> float:
        outputs = predicted(inputs)
        if prepared.classes:
            return figure(probabilities(plan, outputs, prepared.classes), prepared.truth[rows], True)
        return figure(np.asarray(prepared.encoder.decode(outputs[:, 0])), prepared.truth[rows], False)

    found = column_importance(prepared.preprocessor, prepared.frame[rows], cut(prepared.x, rows), judged,
                              primary(prepared.task.kind), seed=seed)  # fmt: skip
    if not (np.isfinite(found.score) and np.isfinite(found.values).all()):
        return None
    return {**found.to_dict(), "part": part, "rows": len(rows), "repeats": REPEATS}


def figure(values: np.ndarray, truth: np.ndarray, classes: bool) -> float:
    """Accuracy of probabilities (rows, classes), or R² of values (rows,); NaN where the truth is constant.

    >>> figure(np.array([1.0, 2.0, 4.0]), np.array([1.0, 2.0, 3.0]), False)
    0.5
    """
    if classes:
        return float((values.argmax(1) == truth).mean())
    spread = float(((truth - truth.mean()) ** 2).sum())
    return 1 - float(((truth - values) ** 2).sum()) / spread if spread else np.nan


class ReliesMixin:
    """`column_importance` for a table's model."""

    def column_importance(self: Any, x: Any, y: Any = None, *, repeats: int = REPEATS, seed: int = 0) -> Importance:
        """How far accuracy or R² falls when a column is shuffled among the rows, which the model should not have seen.

        Args:
            x: Labelled raw rows, as for `score`; without y they hold the target column.
            y: Targets as the table has them.
            repeats: Shuffles of each column.
            seed: Of the shuffles.
        """
        whole_repeats(repeats)
        rows = self.labelled(x, y)
        if len(rows) < 2 or len(rows.y) != len(rows):
            raise InputError("Values are shuffled among labelled rows.", where="x, y",
                             expected="two rows or more, and a target for each",
                             received=f"{len(rows)} rows, {len(rows.y)} targets")  # fmt: skip
        classes = self.facts.task != "regression"
        truth = rows.codes if classes else np.asarray(self.facts.encoder.decode(rows.codes))

        def judged(inputs: Any) -> float:
            values = self._predicted(inputs)
            return figure(values if classes else values[:, 0], truth, classes)

        return column_importance(
            self.facts.preprocessor, rows.frame, rows.inputs, judged, primary(self.facts.task), repeats, seed
        )


def _shuffled(preprocessor: Preprocessor, frame: Any, x: Any, orders: Any) -> Iterator[tuple[str, Iterator[Any]]]:
    """Each column, and the network's inputs with its values in other orders."""
    blocks = x if isinstance(x, tuple) else (x,)
    for place, form in enumerate(preprocessor.inputs):
        if form.kind == "table":
            moved: Any = preprocessor.shuffled(frame, orders)
        else:
            moved = [(form.name, (blocks[place][order] for order in orders))]
        for name, others in moved:
            yield name, (_with(x, place, other) for other in others)


def _with(x: Any, place: int, block: np.ndarray) -> Any:
    return (*x[:place], block, *x[place + 1 :]) if isinstance(x, tuple) else block
