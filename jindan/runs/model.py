"""TableModel: a trained network together with the preprocessing of its table; takes raw rows."""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..callbacks import History
from ..data import Preprocessor, present_rows, read_table, target_from_dict
from ..data.images_table import FILE, IMAGE, as_seen_by
from ..engine import forward
from ..engine.data import Data
from ..engine.run import Run
from ..errors import InputError
from ..models.model import Model
from ..models.using import scores
from .build import targets_for
from .column_importance import ReliesMixin
from .judging_rows import JudgesMixin
from .members import figures_of, mean_of, outputs_of, read_members, write_members
from .network import block
from .prepare import arrays, counted
from .probabilities import probabilities

TABLES = (".csv", ".tsv", ".parquet")


@dataclass(frozen=True)
class TableFacts:
    """What belongs to a table's model beside the network; all of it JSON.

    Attributes:
        target: The target column.
        task: "binary", "multiclass" or "regression".
        preprocessor, encoder: Fitted on the training rows.
        residual: 95 % of the errors on unseen rows were within ± this (regression), in the target's units.
        settings: How the table was read and split, to do it again.
    """

    target: str
    task: str
    preprocessor: Preprocessor
    encoder: Any
    residual: float | None
    settings: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """JSON form."""
        return {
            "target": self.target,
            "task": self.task,
            "preprocessor": self.preprocessor.to_dict(),
            "encoder": self.encoder.to_dict(),
            "residual": self.residual,
            "settings": self.settings,
        }

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> TableFacts:
        """Undo `to_dict`."""
        return cls(
            state["target"],
            state["task"],
            Preprocessor.from_dict(state["preprocessor"]),
            target_from_dict(state["encoder"]),
            state["residual"],
            state["settings"],
        )


class TableModel(JudgesMixin, ReliesMixin, Model):
    """A network trained on a table. `fit`, `evaluate` and `predict` take raw rows: a file, a frame, columns, arrays.

    Arrays have the columns of the training table in its order, without the target. Where the network reads one text or
    image alone, a list of texts or of image files will do; a network trained on a set of images takes folders, archives
    and arrays of images.

    Attributes:
        facts: What belongs to it beside the network.
        members: The runs of an ensemble, whose mean is predicted; () for one network. Training on leaves the first.
    """

    facts: TableFacts
    members: tuple[Run, ...] = ()
    _training = False

    @classmethod
    def attach(cls, model: Model, state: dict[str, Any]) -> TableModel:
        """A model and what its table left behind."""
        result = cls.__new__(cls)
        result.__dict__.update(model.__dict__)
        result.facts = TableFacts.from_dict(state)
        return result

    def with_members(self, folder: Path) -> TableModel:
        """Itself, with the members of an ensemble that lie in its folder."""
        count = int(self.facts.settings.get("members", 1))
        self.members = read_members(folder, self._run_to_save(), count) if count > 1 else ()
        return self

    @property
    def classes(self) -> tuple[Any, ...]:
        """The classes in the order of the probabilities; () for a regression."""
        return () if self.facts.task == "regression" else tuple(self.facts.encoder.classes)

    @property
    def sees_images(self) -> bool:
        """Whether it was trained on a set of images rather than on a table."""
        return bool(self.facts.settings.get("images"))

    def features(self, x: Any) -> Any:
        """Raw rows → what the network sees: an array (rows, …), for several inputs a tuple of arrays."""
        return arrays(self.facts.preprocessor, self.frame(x))

    def frame(self, x: Any) -> Any:
        """Raw rows as a data frame with the names of the training table."""
        names = self.facts.preprocessor.input_columns
        if self.sees_images:
            if not hasattr(x, "get_columns"):
                return as_seen_by(self.facts.preprocessor.encoders[0], x)  # type: ignore[arg-type]
            if IMAGE in x.columns:
                return x
        if isinstance(x, (list, tuple)) and x and all(isinstance(value, (str, Path)) for value in x):
            # Texts, or files of images, for the one column there is.
            self._refuse_tables(x)
            x = np.array([str(value) for value in x], object)[:, None]
        if isinstance(x, (list, tuple)) and x and isinstance(x[0], dict):
            x = {name: [row.get(name) for row in x] for name in x[0]}
        if isinstance(x, (np.ndarray, list, tuple)):
            array = np.asarray(x)
            if array.ndim != 2 or array.shape[1] != len(names):
                raise InputError(
                    "These rows do not have the columns of the training table.",
                    where="x",
                    expected=f"{len(names)} columns: {', '.join(names)}",
                    received=f"an array of shape {array.shape}",
                    help="Give a data frame or a CSV file with those columns; order and extra columns do not matter.",
                )
            x = {name: array[:, place] for place, name in enumerate(names)}
        words = (self.facts.target,) if any(isinstance(label, str) for label in self.classes) else ()
        settings = self.facts.settings
        marks = settings.get("decimal_marks")
        known = self.facts.preprocessor.known(settings.get("has_header", True), words, marks and tuple(marks))
        table = read_table(x, known=known)
        return self._placed(table.frame, Path(table.path).parent) if table.path else table.frame

    def _refuse_tables(self, sources: Any) -> None:
        if any(encoder.kind == "image" for encoder in self.facts.preprocessor.encoders):
            return
        files = [s for s in sources if isinstance(s, Path) or (s.lower().endswith(TABLES) and os.path.isfile(s))]
        if files:
            raise InputError(
                "One table at a time.", where="DATA", expected="one table", received=", ".join(map(str, files)),
                help="Put the rows into one file, or give one file after the other.",
            )  # fmt: skip

    def _placed(self, frame: Any, folder: Path) -> Any:
        """The rows with paths of images that do not hang on the folder of their table any more."""
        for encoder in self.facts.preprocessor.encoders:
            if encoder.kind == "image" and encoder.name in frame.columns:
                paths = [p if p is None or not p.strip() else str(folder / p.strip()) for p in frame[encoder.name]]
                frame = frame.with_columns(
                    type(frame[encoder.name])(encoder.name, paths, dtype=frame.schema[encoder.name])
                )
        return frame

    def predict(self, x: Any, *rest: Any, **named: Any) -> np.ndarray:
        """Probabilities (rows, classes), or values (rows, 1) in the target's units.

        Further arguments are those of `Model.predict`.
        """
        if self.members:
            given = inspect.signature(Model.predict).bind(self, x, *rest, **named).arguments
            return self._predicted(self._rows_alone(x, given.get("steps")))
        if not rest and named.get("batch_size") is None:
            named["batch_size"] = block(self.facts.preprocessor.inputs)
        return self._values(super().predict(x, *rest, **named))

    @property
    def predict_proba(self) -> Any:
        """`predict` under scikit-learn's name, where there are classes: probabilities whatever the loss reads."""
        if not self.classes:
            raise AttributeError("predict_proba")
        return self.predict

    def _predicted(self, inputs: Any) -> np.ndarray:
        """What `predict` gives, of rows as the network sees them."""
        if self.members:
            return self._values(mean_of(outputs_of(self.members, inputs)))
        size = block(self.facts.preprocessor.inputs)
        return self._values(forward.predict(self.plan, self._need_shape(), self.ready_weights(), inputs, size))

    def _values(self, outputs: np.ndarray) -> np.ndarray:
        """Outputs as probabilities, or as values in the target's units."""
        if self.facts.task == "regression":
            return np.asarray(self.facts.encoder.decode(outputs[:, 0])).reshape(-1, 1)
        return probabilities(self.plan, outputs, len(self.classes))

    def _rows_alone(self, x: Any, steps: int | None) -> Any:
        _refuse_steps(steps)
        return self.features(x)

    def predict_table(self, x: Any) -> Any:
        """A data frame: row, prediction, and p_<class> for each class, or low and high (95 %).

        `low` and `high` are empty for a run that kept no rows apart to judge its errors. An ensemble adds `spread`: the
        standard deviation over its members of the predicted value, or of the predicted class's probability.
        """
        import polars as pl

        frame = self.frame(x)
        if self.members:
            outputs = outputs_of(self.members, self.features(frame))
            values = self._values(mean_of(outputs))
            apart = np.stack([self._values(own) for own in outputs])
            chosen = values.argmax(1)[None, :, None]
            spread = {"spread": np.take_along_axis(apart, chosen, 2)[..., 0].std(0)}
        else:
            values, spread = self.predict(frame), {}
        rows = np.arange(1, len(values) + 1)
        if self.facts.task == "regression":
            half = np.nan if self.facts.residual is None else self.facts.residual
            low, high = values[:, 0] - half, values[:, 0] + half
            table = pl.DataFrame({"row": rows, "prediction": values[:, 0], "low": low, "high": high, **spread})
            return table.with_columns(pl.col("low", "high").fill_nan(None))
        labels = self.facts.encoder.decode(values.argmax(1)).tolist()
        # Where the numbers broke down there is no largest probability.
        known = [label if whole else None for label, whole in zip(labels, np.isfinite(values).all(1), strict=True)]
        shares = {f"p_{name}": values[:, place] for place, name in enumerate(self.classes)}
        files = {FILE: frame[FILE]} if self.sees_images and FILE in frame.columns else {}
        return pl.DataFrame({"row": rows, **files, "prediction": known, **shares, **spread})

    def evaluate(self, x: Any = None, y: Any = None, *rest: Any, **named: Any) -> Any:
        """Loss and metrics of the plan on labelled raw rows (the target column of x, unless y is given).

        Further arguments are those of `Sequential.evaluate`. Of an ensemble, those of the mean prediction.
        """
        if self.members:
            given = inspect.signature(Model.evaluate).bind(self, x, y, *rest, **named).arguments
            data = self._judged(x, y, given.get("sample_weight"), given.get("steps"))
            figures = figures_of(self.plan, mean_of(outputs_of(self.members, data.x)), data)
            return scores(figures, bool(given.get("return_dict")))
        with self._on_features():
            return super().evaluate(x, y, *rest, **named)

    def _judged(self, x: Any, y: Any, weight: Any, steps: int | None) -> Data:
        _refuse_steps(steps)
        return Data.of(*self._ready(x, y, weight))

    def fit(self, x: Any = None, y: Any = None, *rest: Any, **named: Any) -> History:
        """Train on with labelled raw rows, through the preprocessing the model has; see `Model.fit`.

        Afterwards `predict_table` knows no low and high: the errors they came from were those of the old weights.

        Args:
            x: Raw rows; without y they hold the target column, and rows that lack it are left out.
            y: Targets as the table has them: names of classes, or values.
            validation_data: Labelled raw rows, or (x, y) or (x, y, sample_weight) of such.

        Raises:
            InputError: when the rows lack columns, hold other classes, or are batches.
        """
        if self._training:
            return super().fit(x, y, *rest, **named)
        given = inspect.signature(Model.fit).bind(self, x, y, *rest, **named).arguments
        given.pop("self")
        ready = dict(zip(("x", "y", "sample_weight"), self._ready(x, y, given.get("sample_weight")), strict=True))
        held = given.get("validation_data")
        if held is not None:
            if not isinstance(held, tuple):
                held = (held,)
            elif len(held) not in (2, 3):
                raise InputError(
                    "validation_data has another form.", where="validation_data",
                    expected="labelled rows, (x, y) or (x, y, sample_weight)", received=f"{len(held)} entries",
                )  # fmt: skip
            ready["validation_data"] = tuple(part for part in self._ready(*held) if part is not None)
        with self._on_features():
            history = super().fit(**{**given, **ready})
        self._trained_on()
        return history

    def train_on_batch(self, x: Any, y: Any = None, sample_weight: Any = None, return_dict: bool = False) -> Any:
        """One update on labelled raw rows; returns their loss and metrics before it."""
        x, y, sample_weight = self._ready(x, y, sample_weight)
        with self._on_features():
            figures = super().train_on_batch(x, y, sample_weight, return_dict)
        self._trained_on()
        return figures

    def put_weights(self, weights: Any) -> None:
        """Weights in the place of its own; an ensemble is then one network."""
        super().put_weights(weights)
        self._trained_on("seen")

    def _trained_on(self, *gone: str) -> None:
        """What was known of the old weights, and members that stayed behind, hold no longer."""
        settings = {name: value for name, value in self.facts.settings.items() if name not in ("members", *gone)}
        self.facts, self.members = replace(self.facts, residual=None, settings=settings), ()

    def targets(self, y: Any) -> np.ndarray:
        """Targets as the table has them → what the loss compares with."""
        encoded = np.asarray(self.facts.encoder.encode(y))
        return targets_for(self.plan, self.facts.task, encoded, len(self.classes))

    def inner(self) -> Model:
        """The network alone, with copies of the weights: a model that takes `features(x)` and `targets(y)`."""
        model = Model.from_run(self._run_to_save())
        model._compiled = self._compiled
        return model

    def _ready(self, x: Any, y: Any = None, weight: Any = None) -> tuple[Any, np.ndarray, Any]:
        """Labelled raw rows as the network's features, targets and weights."""
        if isinstance(x, Iterator):
            raise InputError(
                "A table's model trains on raw rows, not on an iterator of batches.", where="x",
                expected="a file, a data frame, columns or an array", received=type(x).__name__,
                help="model.inner() is the network alone; it takes batches of features(x) and targets(y).",
            )  # fmt: skip
        if y is None:
            frame = self.frame(x)
            present = present_rows(self._target(frame))
            if weight is not None and len(np.atleast_1d(weight)) == len(present):
                weight = np.asarray(weight)[present]
            x = frame
        frame, y, numbers = self._labelled(x, y)
        with counted(numbers):
            return self.features(frame), self.targets(y), weight

    @contextmanager
    def _on_features(self) -> Iterator[None]:
        """Within, rows have been through the preprocessing."""
        self._training = True
        try:
            yield
        finally:
            self._training = False

    def _need_compiled(self) -> None:
        if not self._training:
            # Whoever asks from outside (backprop) is about to feed raw rows to the bare network.
            raise InputError(
                "A table's model reads raw rows; this works on the numbers that its network sees.", where=self.name,
                expected="the network alone, with features and targets", received="the model of a table",
                help="jd.backprop(model.inner(), model.features(x), model.targets(y))",
            )  # fmt: skip
        super()._need_compiled()

    def _labelled(self, x: Any, y: Any) -> tuple[Any, Any, np.ndarray]:
        """Rows that have a target, their targets, and their numbers in the table."""
        frame = self.frame(x)
        if y is not None:
            return frame, y, np.arange(len(frame))
        present = present_rows(self._target(frame))
        if not present.any():
            raise InputError(
                "No row has a target.", where=f"column {self.facts.target!r}", expected="a value in at least one row",
                received=f"{len(frame)} rows without one", help="Use `jindan predict` for rows without one.",
            )  # fmt: skip
        frame = frame.filter(present)
        return frame, frame[self.facts.target], np.flatnonzero(present)

    def _target(self, frame: Any) -> Any:
        if self.facts.target not in frame.columns:
            raise InputError(
                "The rows have no target.", where="the table", expected=f"a column {self.facts.target!r}",
                received=f"columns {', '.join(frame.columns)}",
                help="Sort the images into one folder a class, or use predict, which needs none." if self.sees_images
                else "Add that column (in Python, or give y beside x), or use predict, which needs none.",
            )  # fmt: skip
        return frame[self.facts.target]

    def save(self, filepath: str | Path, overwrite: bool = True, zipped: Any = None) -> None:
        """Write the model with its preprocessing into a folder that `jindan.load` reads."""
        import json

        from ..models import folders, saving
        from ..models.loading import PREPROCESSING

        with folders.whole_folder(filepath, overwrite=overwrite) as folder:
            saving.write_run(folder, self._run_to_save(), extra={"compiled": True})
            write_members(folder, self.members)
            (folder / PREPROCESSING).write_text(json.dumps(self.facts.to_dict(), ensure_ascii=False), encoding="utf-8")


def _refuse_steps(steps: int | None) -> None:
    if steps is not None:
        raise InputError(
            "A table's model reads all rows it is given.", where="steps", expected="no steps", received=steps,
            help="steps counts the batches of an iterator; give fewer rows instead.",
        )  # fmt: skip
