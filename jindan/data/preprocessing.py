"""Preprocessing of a table: its settings, and a `Preprocessor` fitted on the training rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from jindan.data.columns import Column, infer_columns
from jindan.data.drift import check_column
from jindan.data.encoders import ENCODERS, ColumnEncoder
from jindan.data.encoding import transform_from_dict
from jindan.data.headers import Known
from jindan.data.images_column import ImageEncoder
from jindan.data.images_files import FITS, checked_size
from jindan.data.inputs import InputForm
from jindan.data.scaling import Matrix, MinMaxScaler, StandardScaler, SumScaler, Transform, Whitening
from jindan.data.text_column import TOKENIZERS, TextEncoder
from jindan.errors import InputError, UnknownNameError
from jindan.rules import COUNT, Number

if TYPE_CHECKING:
    import polars

NUMERIC = ("zscore", "minmax", "sum", "whiten-pca", "whiten-zca", "none")
MISSING = ("median", "mean", "most_frequent")
TARGET = ("auto", "zscore", "none")
TEXT = ("auto", "drop", *TOKENIZERS)
IMAGE = ("drop", *FITS)
_LIMIT = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class Preprocessing:
    """How a table becomes numbers.

    Args:
        numeric: Scaling of numbers and of days and years; "whiten-…" whitens them after the z-score.
        missing: What fills a missing number.
        missing_indicator: A 0/1 feature for every numeric or boolean column with missing values in the training rows.
        one_hot_drop_first: Leave out each categorical column's first category.
        max_categories: Categories beyond that number, rarest first, share the feature "other".
        drop: Columns to leave out.
        target: Scaling of a regression target; "auto" is "zscore".
        text: What columns of free text become: token numbers of "words", "characters" or "subwords"; or they "drop".
            "auto" is words, cut into pieces of two characters where most letters are Korean, Japanese, Chinese or Thai.
        max_tokens: Most tokens of such a column; None is the tokeniser's default.
        max_length: Most tokens of one text; longer ones lose their ends.
        image: What columns of image files become: bytes of one size, by "crop" (the middle, proportions kept) or
            "stretch"; or they "drop".
        image_size: (height, width); None takes the commonest size, at most 64 pixels a side.

    Raises:
        UnknownNameError: a setting of no such name.

    >>> Preprocessing.from_dict(Preprocessing(numeric="minmax").to_dict()).numeric
    'minmax'
    """

    numeric: str = "zscore"
    missing: str = "median"
    missing_indicator: bool = True
    one_hot_drop_first: bool = False
    max_categories: int = 50
    drop: tuple[str, ...] = ()
    target: str = "auto"
    text: str = "auto"
    max_tokens: int | None = None
    max_length: int = 512
    image: str = "crop"
    image_size: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        choices = {"numeric": NUMERIC, "missing": MISSING, "target": TARGET, "text": TEXT, "image": IMAGE}
        for name, options in choices.items():
            if getattr(self, name) not in options:
                raise UnknownNameError(f"{name} preprocessing", getattr(self, name), options)
        counts = {"max_categories": COUNT, "max_length": COUNT, "max_tokens": Number(3, integer=True)}
        for name, rule in counts.items():
            value = getattr(self, name)
            if not rule.accepts(value) and not (name == "max_tokens" and value is None):
                raise InputError(f"{name} must be {rule}.", where="Preprocessing", expected=str(rule), received=value)
        if self.image_size is not None:
            object.__setattr__(self, "image_size", checked_size(self.image_size))
        object.__setattr__(self, "drop", (self.drop,) if isinstance(self.drop, str) else tuple(self.drop))

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {**asdict(self), "drop": list(self.drop), "image_size": self.image_size and list(self.image_size)}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Preprocessing:
        """The settings whose `to_dict` gave this state.

        Raises:
            UnknownNameError: a setting of no such name.
        """
        known = [f.name for f in fields(cls)]
        for name in state:
            if name not in known:
                raise UnknownNameError("preprocessing setting", name, known)
        return cls(**state)


def fit_preprocessor(
    frame: polars.DataFrame,
    columns: Sequence[Column] | None = None,
    config: Preprocessing | None = None,
    target: str | None = None,
    folder: str | Path | None = None,
) -> Preprocessor:
    """Learn from the training rows how to turn rows into numbers.

    Args:
        frame: The training rows only: statistics of other rows would leak into training.
        columns: What `infer_columns` said; inferred from `frame` when None.
        config: Settings.
        target: The column to predict, which is no feature.
        folder: What relative paths of images count from; None is the working folder.

    Raises:
        InputError: an infinite value (names the column), or no usable column.
        UnknownNameError: `drop` or `target` names no column.

    >>> import polars as pl
    >>> frame = pl.DataFrame({"x": [1.0, 3.0], "who": ["a", "b"]})
    >>> fitted = fit_preprocessor(frame)
    >>> fitted.feature_names, fitted.transform(frame).tolist()
    (('x', 'who=a', 'who=b'), [[-1.0, 1.0, 0.0], [1.0, 0.0, 1.0]])
    """
    config = config or Preprocessing()
    for name in (*config.drop, *([target] if target is not None else [])):
        if name not in frame.columns:
            raise UnknownNameError("column", name, frame.columns)
    if frame.height == 0:
        raise InputError("There is no training row.", expected="at least one row", received="0 rows")
    columns = tuple(columns) if columns is not None else infer_columns(frame, target=target, folder=folder)
    base = None if folder is None else Path(folder)
    encoders: list[ColumnEncoder] = []
    dropped: list[tuple[str, str]] = []
    for column in columns:
        if column.name == target:
            continue
        if column.name in config.drop:
            dropped.append((column.name, "requested"))
        elif not column.usable and getattr(config, column.kind, "drop") == "drop":
            dropped.append((column.name, column.kind))
        elif frame[column.name].null_count() == frame.height:
            # Values only in rows outside the training part teach nothing.
            dropped.append((column.name, "empty"))
        elif column.kind == "image":
            encoders.append(ImageEncoder.fit(frame[column.name], column, config, base))
        else:
            encoders.append(_ENCODERS[column.kind].fit(frame[column.name], column, config))
    if not encoders:
        strange = {c.name: f", but mostly numbers; not so row {c.odd[1]}: {c.odd[2]!r}" for c in columns if c.odd}
        raise InputError(
            "No column can be used as a feature.",
            expected="at least one column of numbers, categories, dates, text or images beside the target",
            received=", ".join(f"{name} ({reason}{strange.get(name, '')})" for name, reason in dropped[:20])
            or "no other column",
            help="Add columns, or look at why these were dropped.",
        )
    fitted = Preprocessor(config, tuple(encoders), tuple(dropped), columns=tuple(c.name for c in columns))
    scalers: list[Transform] = []
    block = fitted._numbers(frame)
    for scaler in _scalers(config.numeric) if block.shape[1] else ():
        block = scaler.fit_transform(block)
        scalers.append(scaler)
    return replace(fitted, scalers=tuple(scalers))


@dataclass(frozen=True)
class Preprocessor:
    """Turns rows into float32 features, token numbers and images with what was learnt from the training rows.

    The scaled numbers come first (numeric columns, then what dates give, in the order of the columns), the features of
    zeros and ones after them. Of input rows the order of columns does not matter and further columns are passed over.
    `columns` are those of the training table in its order, the target among them.
    """

    config: Preprocessing
    encoders: tuple[ColumnEncoder, ...]
    dropped: tuple[tuple[str, str], ...] = ()
    scalers: tuple[Transform, ...] = field(default=())
    columns: tuple[str, ...] = ()

    @property
    def input_columns(self) -> tuple[str, ...]:
        """Columns that rows must have."""
        return tuple(e.name for e in self.encoders)

    def known(
        self, header: bool | None = None, texts: tuple[str, ...] = (), marks: tuple[bool | None, bool] | None = None
    ) -> Known:
        """How `read_table` is to read files of further rows.

        Columns that were text in training stay text: beside "unknown", True and 1.0 are words.

        Args:
            header: Whether the training table had a line of names; None if nobody knows.
            texts: Further columns that stay text.
            marks: What commas and dots were in the training table's numbers.
        """
        used = {*self.input_columns, *(name for name, _ in self.dropped)}
        target = next((name for name in self.columns if name not in used), None)
        words = tuple(e.name for e in self.encoders if e.kind in ("categorical", "text", "image"))
        return Known(self.columns, target, words + texts, header, marks)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """One name a feature, in the order of `transform`'s columns."""
        numbers = [name for e in self.encoders for name in e.number_names()]
        if self.config.numeric == "whiten-pca":
            numbers = [f"whitened_{i}" for i in range(len(numbers))]
        return tuple(numbers + [name for e in self.encoders for name in e.flag_names()])

    @property
    def inputs(self) -> tuple[InputForm, ...]:
        """What the network gets: the matrix "table" if there are features, then each column of text or images."""
        wide = len(self.feature_names)
        apart = tuple(e.form for e in self._apart)
        # A column may have the matrix's name.
        name = "table"
        while name in {form.name for form in apart}:
            name += "_"
        return ((InputForm(name, "table", (wide,), "float32"),) if wide else ()) + apart

    def transform(self, frame: polars.DataFrame, folder: str | Path | None = None) -> Any:
        """Rows to what the network gets: an array where there is one input, else a dict of arrays by their names.

        Features are float32 of shape (rows, features), text int32 (rows, length), images uint8 (rows, height, width,
        channels); see `inputs`.
        Missing numbers are filled; a category not in the training rows is all zeros, or "other" where there is one.

        Args:
            frame: The rows.
            folder: What relative paths of images count from; None is the working folder.

        Raises:
            InputError: a missing column, text in a numeric column (names row and value), an infinite value, images
                that cannot be read.
        """
        self._check_columns(frame)
        base = None if folder is None else Path(folder)
        found: list[NDArray[Any]] = [self._matrix(frame)] if self.feature_names else []
        for e in self._apart:
            series = frame[e.name]
            found.append(e.rows(series, base) if isinstance(e, ImageEncoder) else e.rows(series))
        forms = self.inputs
        return found[0] if len(found) == 1 else {form.name: x for form, x in zip(forms, found, strict=True)}

    @property
    def _apart(self) -> tuple[TextEncoder | ImageEncoder, ...]:
        """Encoders whose columns are inputs of their own."""
        return tuple(e for e in self.encoders if isinstance(e, TextEncoder | ImageEncoder))

    def shuffled(
        self, frame: polars.DataFrame, orders: Sequence[NDArray[Any]]
    ) -> Iterator[tuple[str, list[NDArray[np.float32]]]]:
        """Each column of the matrix, and the matrix with that column's values in other orders of the rows.

        Args:
            frame: The rows.
            orders: Orders of their numbers.
        """
        numbers = [e.numbers(frame[e.name]) for e in self.encoders]
        flags = [e.flags(frame[e.name]) for e in self.encoders]
        for k, e in enumerate(self.encoders):
            if numbers[k].shape[1] or flags[k].shape[1]:
                others = [[[*parts[:k], parts[k][order], *parts[k + 1 :]] for parts in (numbers, flags)]
                          for order in orders]  # fmt: skip
                yield e.name, [self._scaled(*pair) for pair in others]

    def _matrix(self, frame: polars.DataFrame) -> NDArray[np.float32]:
        return self._scaled([self._numbers(frame)], [e.flags(frame[e.name]) for e in self.encoders])

    def _scaled(self, numbers: Sequence[Matrix], flags: Sequence[Matrix]) -> NDArray[np.float32]:
        block = np.concatenate(numbers, axis=1)
        if block.shape[0] and block.shape[1]:
            for scaler in self.scalers:
                block = scaler.transform(block)
        return np.clip(np.concatenate([block, *flags], axis=1), -_LIMIT, _LIMIT).astype(np.float32)

    def check(self, frame: polars.DataFrame) -> list[dict[str, Any]]:
        """What is different in these rows from the training rows, in plain numbers.

        Each entry has a `code` and a `column`:
        `unseen-category` (count, examples), `out-of-range` (count, min, max, low, high), `missing-values` (count,
        fraction; none in training), `drift` (statistic, value, threshold).

        Raises:
            InputError: as `transform`.
        """
        self._check_columns(frame)
        if frame.height == 0:
            return []
        return [entry for e in self.encoders for entry in check_column(e, frame[e.name], len(self.encoders))]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `from_dict` gives back the same numbers bit for bit."""
        return {
            "config": self.config.to_dict(),
            "encoders": [e.to_dict() for e in self.encoders],
            "dropped": [list(pair) for pair in self.dropped],
            "scalers": [s.to_dict() for s in self.scalers],
            "columns": list(self.columns),
        }

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Preprocessor:
        """The preprocessor whose `to_dict` gave this state."""
        return cls(
            Preprocessing.from_dict(state["config"]),
            tuple(_ENCODERS[e["kind"]].from_dict(e) for e in state["encoders"]),
            tuple((name, reason) for name, reason in state["dropped"]),
            tuple(transform_from_dict(s) for s in state["scalers"]),
            tuple(state.get("columns", ())),
        )

    def _numbers(self, frame: polars.DataFrame) -> Matrix:
        return np.concatenate([np.empty((frame.height, 0)), *(e.numbers(frame[e.name]) for e in self.encoders)], axis=1)

    def _check_columns(self, frame: polars.DataFrame) -> None:
        missing = [name for name in self.input_columns if name not in frame.columns]
        if missing:
            raise InputError(
                "Columns that the model was trained on are missing.",
                where=", ".join(missing),
                expected=f"the columns {', '.join(self.input_columns[:40])}",
                received=", ".join(frame.columns[:40]),
                help="Add them, or rename the columns as in the training table.",
            )


_ENCODERS: dict[str, type[ColumnEncoder]] = {**ENCODERS, TextEncoder.kind: TextEncoder, ImageEncoder.kind: ImageEncoder}


def _scalers(numeric: str) -> list[Transform]:
    if numeric.startswith("whiten"):
        return [StandardScaler(), Whitening(numeric.removeprefix("whiten-"))]
    kinds: dict[str, list[Transform]] = {"zscore": [StandardScaler()], "minmax": [MinMaxScaler()], "sum": [SumScaler()]}
    return kinds.get(numeric, [])
