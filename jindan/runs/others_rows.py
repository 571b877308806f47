"""Rows without a target for the other models: a matrix of a table or of images, how it was made, and the way back."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..data import (
    Preprocessing,
    Preprocessor,
    fit_preprocessor,
    holds_images,
    infer_columns,
    present_rows,
    read_table,
    resolve_column,
    split_rows,
)
from ..data.columns import Column
from ..data.encoders import as_categories
from ..data.images_column import ImageEncoder
from ..data.images_table import CLASS, FILE, IMAGE, as_seen_by, frame_of, read_set, table_of
from ..data.lazy import pl
from ..errors import InputError
from .others_back import back
from .prepare import Prepared, prepare, refuse_infinite

NONE = "–"
"""The label of a row that has none."""


@dataclass(frozen=True)
class Reader:
    """How rows become numbers, and numbers rows again.

    Args:
        preprocessor: Fitted on training rows; of images it holds the one encoder of images.
        header: Whether files have a line of names; None looks.
    """

    preprocessor: Preprocessor
    header: bool | None = None

    @property
    def image(self) -> ImageEncoder | None:
        """The form of the images; None for a table."""
        first = self.preprocessor.encoders[0]
        return first if isinstance(first, ImageEncoder) else None

    @property
    def shape(self) -> tuple[int, int, int] | None:
        """(height, width, channels) of the images."""
        image = self.image
        return None if image is None else (image.height, image.width, image.channels)

    @property
    def names(self) -> tuple[str, ...]:
        """One name a column of the matrix; of images none."""
        return () if self.image is not None else self.preprocessor.feature_names

    def frame(self, source: Any) -> Any:
        """Raw rows as a data frame."""
        if hasattr(source, "get_columns"):
            return source
        image = self.image
        if image is not None:
            return as_seen_by(image, source)
        if isinstance(source, (list, tuple)):
            if len(source) > 1:
                raise InputError("One table at a time.", where="DATA", expected="one table", received=len(source))
            source = source[0]
        if holds_images(source):
            raise InputError("The model was trained on a table.", where=source, received="images",
                             expected="a table with the same columns", help="Give a CSV or Parquet file.")  # fmt: skip
        return read_table(source, known=self.preprocessor.known(self.header)).frame

    def matrix(self, frame: Any) -> np.ndarray:
        """(rows, features) float32; images flattened, 0 to 1."""
        image = self.image
        if image is None:
            return self.preprocessor.transform(frame)  # type: ignore[no-any-return]
        return flat(image.rows(frame[IMAGE]))

    def back(self, x: np.ndarray) -> Any:
        """A data frame in the table's own units and categories; of images, bytes (rows, height, width, channels)."""
        if self.shape is None:
            return back(self.preprocessor, x)
        return np.clip(np.rint(x * 255), 0, 255).astype(np.uint8).reshape(-1, *self.shape)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {"preprocessor": self.preprocessor.to_dict(), "header": self.header}

    @classmethod
    def from_dict(cls, state: dict[str, Any]) -> Reader:
        """The reader whose `to_dict` gave this state."""
        return cls(Preprocessor.from_dict(state["preprocessor"]), state["header"])


@dataclass(frozen=True)
class Rows:
    """What a model is trained on.

    Attributes:
        name, path: Of the table or the images.
        frame: All rows, raw.
        columns: What the columns are.
        reader: How they become numbers.
        x: (rows, features) float32.
        train, test: Row numbers.
        label: The column that colours pictures, or is predicted.
        labels: Its value in each row, in words.
        prepared: The same rows with their classes, where a class is predicted.
        numbers: Places of the rows in the table, from 0; None where no row was left out.
    """

    name: str
    path: str | None
    frame: Any
    columns: tuple[Any, ...]
    reader: Reader
    x: np.ndarray
    train: np.ndarray
    test: np.ndarray
    label: str | None = None
    labels: tuple[str, ...] | None = None
    prepared: Prepared | None = None
    numbers: np.ndarray | None = None

    @property
    def plain(self) -> Any:
        """The rows without images, for looks that read values."""
        return self.frame.drop([name for name in (IMAGE, FILE) if name in self.frame.columns and self.images])

    @property
    def images(self) -> bool:
        return self.reader.image is not None


def read_rows(
    source: Any, target: str | int | None, *, classes: bool, preprocessing: Preprocessing, test: float, seed: int,
    header: bool | None,
) -> Rows:  # fmt: skip
    """Read, split, fit on the training rows.

    Args:
        source: A table, or images.
        target: A column kept out of the training.
        classes: Whether its classes are what is learnt.
        preprocessing: How columns become numbers.
        test: Share of rows held out.
        seed: Of the split.
        header: Whether the first line holds names.

    Raises:
        InputError: on what cannot be learnt from.
    """
    if not 0 <= test < 1:
        raise InputError("A share of the rows must lie between 0 and 1.", where="--test", expected="0 <= share < 1",
                         received=test, help="0.2 keeps a fifth of the rows.")  # fmt: skip
    config = replace(preprocessing, text="drop") if not holds_images(source) else preprocessing
    if classes:
        return _with_classes(source, target, config, test, seed, header)
    if holds_images(source):
        return _images(source, target, config, test, seed)
    return _table(source, target, replace(config, image="drop"), test, seed, header)


def _table(
    source: Any, target: Any, config: Preprocessing, test: float, seed: int, header: bool | None
) -> Rows:  # fmt: skip
    table = read_table(source, header=header)
    goal = None if target is None else resolve_column(table, target)
    for name in config.drop:
        resolve_column(table, name)
    # Sheets end with rows of empty cells, from which nothing is to be learnt.
    filled = np.flatnonzero(table.frame.select(~pl.all_horizontal(pl.all().is_null())).to_series().to_numpy())
    frame = table.frame[filled]
    columns = infer_columns(frame, target=goal, folder=Path(table.path).parent if table.path else None)
    refuse_infinite(frame, columns, config.drop, goal or "", filled)
    train, held = _split(len(frame), test, seed)
    fitted = fit_preprocessor(frame[train], columns, config, target=goal)
    reader = Reader(fitted, table.has_header if table.path else None)
    x = reader.matrix(frame)
    _refuse_constant(x[train], fitted.input_columns)
    labels = None if goal is None else labels_of(frame[goal])
    numbers = filled if len(filled) < len(table.frame) else None
    return Rows(table.name, table.path, frame, tuple(columns), reader, x, train, held, goal, labels, numbers=numbers)


def _images(source: Any, target: Any, config: Preprocessing, test: float, seed: int) -> Rows:
    if target not in (None, CLASS):
        raise InputError("A set of images has no columns.", where="--target", expected=f"nothing, or {CLASS!r}",
                         received=target, help="Leave it out: pictures are coloured by the classes.")  # fmt: skip
    images = read_set(source, size=config.image_size, fit=config.image)
    places: dict[str, np.ndarray]
    if images.labels is not None:
        frame, places = table_of(images, source)
    else:
        frame, places = frame_of(images, Path(source)), {"train": np.arange(len(images))}
    train, held = places["train"], places.get("test")
    if held is None:
        rows = train
        train, held = (rows[part] for part in _split(len(rows), test, seed))
    encoder = ImageEncoder(IMAGE, *images.shape, config.image, len(train), 0)
    n = len(frame)
    reader = Reader(Preprocessor(config, (encoder,)))
    columns = (Column(IMAGE, "image", "image", n, 0, n),)
    label = CLASS if CLASS in frame.columns else None
    x = reader.matrix(frame)
    _refuse_constant(x[train], ("the pixels",))
    labels = None if label is None else labels_of(frame[label])
    return Rows(images.name, str(source), frame, columns, reader, x, train, held, label, labels)


def _with_classes(
    source: Any, target: Any, config: Preprocessing, test: float, seed: int, header: bool | None
) -> Rows:  # fmt: skip
    if target is None and not holds_images(source):
        raise InputError("A deep belief network learns classes.", where="--target", expected="a column of classes",
                         received="nothing", help="Name the column: --target COLUMN.")  # fmt: skip
    config = config if holds_images(source) else replace(config, image="drop")
    found = prepare(source, target, preprocessing=config, validation=0.0, test=test, seed=seed, header=header)
    if not found.classes:
        raise InputError(
            "A deep belief network tells classes apart.", where="--target", expected="a column of classes",
            received=f"{found.target!r}, a column of numbers", help="For a number: `jindan train` without --model.",
        )  # fmt: skip
    x = flat(found.x) if found.images else found.x
    return Rows(
        found.name, found.path, found.frame, found.columns, Reader(found.preprocessor, header), x, found.split.train,
        found.split.test, found.target, labels_of(found.frame[found.target]), found,
        found.numbers if found.unlabelled else None,
    )  # fmt: skip


def flat(images: np.ndarray) -> np.ndarray:
    """Bytes (rows, height, width, channels) → (rows, values) from 0 to 1.

    >>> flat(np.full((1, 2, 1, 1), 255, np.uint8)).tolist()
    [[1.0, 1.0]]
    """
    return images.reshape(len(images), -1).astype(np.float32) / 255


def _split(rows: int, test: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    split = split_rows(rows, validation=0.0, test=test, seed=seed)
    return split.train, split.test


def labels_of(series: Any) -> tuple[str, ...]:
    """The values of a column in words, "–" where there is none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        text = as_categories(series).to_list()
    return tuple(
        NONE if value is None or not there else str(value)
        for value, there in zip(text, present_rows(series), strict=True)
    )


def _refuse_constant(x: np.ndarray, names: tuple[str, ...]) -> None:
    """Refuse training rows that are all alike.

    Raises:
        InputError: then.
    """
    if len(x) and not (x != x[:1]).any():
        raise InputError(
            "All training rows are the same.", where=", ".join(names[:8]), expected="columns that vary",
            received=f"{len(x)} equal row(s)", help="Add rows that differ, or other columns.",
        )  # fmt: skip
