"""Small helpers: one-hot targets and the global seed, as Keras users know them; values that JSON can hold."""

from __future__ import annotations

import math
import re
import sys
from collections.abc import Iterator
from typing import Any, TextIO

import numpy as np

from .errors import InputError, undefined
from .lazy import defined

_generator: np.random.Generator | None = None
_floatx: str | None = None


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """Class numbers → one-hot rows, (rows,) or (rows, 1) → (rows, classes), float32.

    Raises:
        InputError: when values are not whole numbers from 0.

    >>> to_categorical([0, 2]).tolist()
    [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    given = np.asarray(x)
    if given.dtype.kind not in "iufb" or (given.size and (given.min() < 0 or (given != np.floor(given)).any())):
        raise InputError(
            "to_categorical takes class numbers.",
            where="x",
            expected="whole numbers 0, 1, 2, …",
            received=f"{given.dtype} with values such as {given.ravel()[:1].tolist()}",
            help="Number words first: jindan.data.LabelEncoder().fit_transform(labels).",
        )
    labels = given.astype(np.int64)
    if labels.ndim > 1 and labels.shape[-1] == 1:
        labels = labels[..., 0]
    classes = int(labels.max(initial=-1)) + 1 if num_classes is None else int(num_classes)
    if labels.size and labels.max() >= classes:
        raise InputError(
            "A class number is too large.", where="x", expected=f"0 … {classes - 1}", received=int(labels.max()),
            help="Raise num_classes.",
        )  # fmt: skip
    return np.eye(classes, dtype=np.float32)[labels]


def pad_sequences(
    sequences: Any,
    maxlen: int | None = None,
    dtype: str = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> np.ndarray:
    """Sequences of different lengths → one array, (rows, maxlen, …), as in Keras.

    Args:
        sequences: A list of lists, or of arrays (steps, …) that agree in all axes but the first.
        maxlen: Steps of the result; None is those of the longest.
        dtype: Of the result.
        padding: "pre" or "post": where shorter ones are filled.
        truncating: "pre" or "post": where longer ones are cut.
        value: What fills.

    Raises:
        InputError: when a sequence is a number or text, a side is another, or lengths other than the first differ.

    >>> pad_sequences([[1], [2, 3], [4, 5, 6]], maxlen=2).tolist()
    [[0, 1], [2, 3], [5, 6]]
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise InputError("No such side.", where=name, expected='"pre" or "post"', received=repr(side))
    rows = [np.asarray(one) for one in sequences]
    if any(row.ndim == 0 for row in rows):
        raise InputError(
            "pad_sequences takes sequences.", where="sequences", expected="a list of lists or arrays",
            received="a number or text in their place", help="One sequence alone: [sequence].",
        )  # fmt: skip
    forms = {row.shape[1:] for row in rows if len(row)}
    if len(forms) > 1:
        raise InputError(
            "The steps of sequences differ in shape.", where="sequences", expected="one shape of a step",
            received=" and ".join(map(str, sorted(forms))), help="Only the number of steps may differ.",
        )  # fmt: skip
    length = max(map(len, rows), default=0) if maxlen is None else int(maxlen)
    padded = np.full((len(rows), length, *(forms.pop() if forms else ())), value, dtype=dtype)
    for place, row in zip(padded, rows, strict=True):
        kept = row[max(len(row) - length, 0) :] if truncating == "pre" else row[:length]
        if len(kept):
            place[slice(len(kept)) if padding == "post" else slice(length - len(kept), length)] = kept
    return padded


class PyDataset:
    """Base of what gives batches by number, as in Keras: `__len__` and `__getitem__` → (x, y) or (x, y, weight).

    Anything with both methods serves as well; `on_epoch_begin` and `on_epoch_end`, where there are any, are called.

    Args:
        workers, use_multiprocessing, max_queue_size: Taken for Keras's sake: batches are read one after another.

    >>> class Halves(PyDataset):
    ...     def __len__(self):
    ...         return 2
    ...     def __getitem__(self, index):
    ...         return np.full((3, 1), index), np.zeros(3)
    >>> [x.shape for x, y in Halves(workers=2)]
    [(3, 1), (3, 1)]
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __len__(self) -> int:
        raise undefined(self, "__len__(self)", "how many batches there are")

    def __getitem__(self, index: int) -> Any:
        raise undefined(self, "__getitem__(self, index)", "a batch (x, y) or (x, y, weight)")

    def __iter__(self) -> Iterator[Any]:
        return (self[index] for index in range(len(self)))

    def on_epoch_begin(self) -> None:
        """Called before the batches of an epoch are read."""

    def on_epoch_end(self) -> None:
        """Called when the updates of an epoch are done."""


def set_random_seed(seed: int) -> None:
    """Fix the seeds that are drawn where none is given."""
    global _generator
    _generator = np.random.default_rng(seed)


def set_floatx(dtype: str) -> None:
    """The dtype of models that name none: "float32" or "float64"."""
    global _floatx
    if dtype not in ("float32", "float64"):
        raise InputError("No such dtype.", where="set_floatx", expected="float32 or float64", received=repr(dtype))
    _floatx = dtype


def floatx() -> str | None:
    """What `set_floatx` was given, or None."""
    return _floatx


def draw_seed() -> int:
    """A seed: from the global generator if one was set, else from fresh entropy."""
    generator = _generator if _generator is not None else np.random.default_rng()
    return int(generator.integers(2**31))


def is_open(stream: TextIO | None) -> bool:
    """Whether a stream can be written to: without a console, as in a service, standard output is None."""
    return stream is not None and not getattr(stream, "closed", False)


def write_line(text: str, end: str = "\n", stream: TextIO | None = None) -> None:
    """Write to a stream, standard output unless given, at once; nothing where it is closed: training goes on."""
    stream = sys.stdout if stream is None else stream
    if is_open(stream):
        stream.write(text + end)  # type: ignore[union-attr]
        stream.flush()  # type: ignore[union-attr]


def snake_case(name: str) -> str:
    """What Keras calls a layer that was given no name, and in its files.

    >>> snake_case("Conv2DTranspose"), snake_case("LSTM"), snake_case("PReLU")
    ('conv2d_transpose', 'lstm', 'p_re_lu')
    """
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def finite(value: Any) -> Any:
    """The same with NaN and infinities as None: JSON has neither.

    >>> finite({"loss": [1.0, float("inf")], 2: (np.float32(0.5),)})
    {'loss': [1.0, None], '2': [0.5]}
    """
    if isinstance(value, dict):
        return {str(name): finite(entry) for name, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(entry) for entry in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return finite(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


__all__ = defined(globals())
