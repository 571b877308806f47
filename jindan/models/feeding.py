"""What `fit` reads: arrays once, or an iterator of batches epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from numbers import Real
from typing import Any, NamedTuple

import numpy as np

from ..engine.data import Data, array, count, cut, several
from ..errors import InputError, ShapeError
from .ports import Ports

ONE = Ports()


@dataclass
class Feed:
    """The rows of each epoch.

    Attributes:
        first: The first epoch's rows.
        batch_size: Rows a batch, where the batches were given ready-made.
        changing: Whether each epoch brings rows of its own.
        seed: Draws the order of batches that go by number, anew for each epoch; None leaves it as it is.
        start: The number of the first epoch.
    """

    first: Data
    batch_size: int | None = None
    changing: bool = False
    source: Any = None
    stream: Iterator | None = None
    steps: int | None = None
    ports: Ports = ONE
    seed: int | None = None
    start: int = 0

    def data(self, epoch: int) -> Data:
        """The rows of an epoch."""
        if not self.changing or epoch == 0:
            return self.first
        rows = self.read(epoch)
        return Data.of(rows.x, rows.y, rows.weight, self.first.validation)

    def read(self, epoch: int) -> Gathered:
        """The batches of an epoch; where their order is drawn, one that is smaller than the others comes last."""
        if self.stream is not None:
            return gather(self.stream, self.steps, ports=self.ports)
        self._tell("on_epoch_begin")
        if self.seed is None or not _by_number(self.source):
            return gather(each(self.source), self.steps, ports=self.ports)
        order = np.random.default_rng((self.seed & 0xFFFFFFFF, self.start + epoch)).permutation(len(self.source))
        batches = (self.source[int(index)] for index in order)
        return gather(batches, self.steps, ports=self.ports, short_last=True)

    def ended(self) -> None:
        """Tell what gives the batches that the updates of an epoch are done, as Keras does."""
        if self.changing and self.stream is None:
            self._tell("on_epoch_end")

    def _tell(self, hook: str) -> None:
        if hasattr(self.source, hook):
            getattr(self.source, hook)()


def feed(
    x: Any,
    y: Any,
    weight: Any,
    split: float,
    validation: Any,
    batch_size: int,
    ports: Ports = ONE,
    steps: int | None = None,
    validation_steps: int | None = None,
    validation_batch: int | None = None,
    *,
    seed: int | None = None,
    start: int = 0,
) -> Feed:
    """Turn the arguments of `fit` into a Feed; of validation rows, the first `validation_steps` batches where given.

    Batches that go by number are read in an order by the seed, where one is given, `start` being the first epoch.

    Raises:
        InputError: when x is neither arrays nor batches, or the split leaves no rows.
    """
    if not isinstance(split, Real) or not 0 <= split < 1:
        raise InputError("validation_split is a share.", where="validation_split", expected="0 <= share < 1",
                         received=split, help="0.2 keeps the last fifth of the rows.")  # fmt: skip
    if validation is not None and is_batches(validation):
        validation = gather(each(validation), validation_steps, equal=False, where="validation_steps", ports=ports)[:3]
        validation_steps = None
    validation = ports.pair(validation)
    held = slice(None if validation_steps is None else validation_steps * (validation_batch or batch_size))
    if y is None and is_batches(x):
        for name, given in (("validation_split", split or None), ("sample_weight", weight)):
            if given is not None:
                raise InputError(
                    f"{name} goes with arrays, and x gives batches.", where=name, expected="x and y as arrays",
                    received=f"batches from a {type(x).__name__}",
                    help="Give validation_data=(x, y); row weights as the third part of each batch.",
                )  # fmt: skip
        stream = x if isinstance(x, Iterator) else None
        source = Feed(None, None, True, x, stream, steps, ports, seed, start)  # type: ignore[arg-type]
        gathered = source.read(0)
        data = _with_first(Data.of(gathered.x, gathered.y, gathered.weight, validation), held)
        return replace(source, first=data, batch_size=gathered.batch_size)
    data = Data.of(*pair(ports.x(x), ports.y(y), "fit"), ports.weight(weight))
    if steps is not None and steps != -(-len(data) // batch_size):
        raise InputError(
            "steps_per_epoch does not fit the arrays.", where="steps_per_epoch",
            expected=f"{-(-len(data) // batch_size)}: {len(data)} rows in batches of {batch_size}",
            received=steps, help="Leave it out: an epoch is one pass over the arrays.",
        )  # fmt: skip
    if validation is not None:
        return Feed(_with_first(Data.of(data.x, data.y, data.weight, validation), held))
    if split == 0:
        return Feed(data)
    first = int(np.floor(len(data) * (1 - split)))
    if first in (0, len(data)):
        raise InputError("validation_split leaves one part without rows.", where="validation_split",
                         expected="rows in both parts", received=f"{split} of {len(data)} rows",
                         help="Give more rows, or another share.")  # fmt: skip
    whole = replace(piece(data, slice(first)), validation=piece(data, slice(first, None)))
    return Feed(_with_first(whole, held))


def labelled(x: Any, y: Any, weight: Any, steps: int | None, where: str, ports: Ports = ONE) -> Data:
    """The rows and targets `evaluate` was given, as arrays or batches."""
    if y is None and is_batches(x):
        x, y, weight, _ = gather(each(x), steps, equal=False, where="steps", ports=ports)
    return Data.of(*pair(ports.x(x), ports.y(y), where), ports.weight(weight))


def rows_alone(x: Any, steps: int | None, ports: Ports = ONE) -> Any:
    """The inputs `predict` was given, as an array or as batches: x, or (x, …)."""
    if not are_batches(x, ports):
        return _table(ports.x(x), "x")
    found = []
    for batch in _bounded(each(x), steps, "steps"):
        rows = batch[0] if _is_pair(batch, ports) else batch
        found.append(_copied(_table(ports.x(rows), "batch")))
    if not found:
        raise _no_batches("nothing")
    return _joined(found)


def are_batches(x: Any, ports: Ports = ONE) -> bool:
    """Whether what `predict` was given are batches rather than arrays."""
    several_arrays = len(ports.inputs) > 1 and isinstance(x, list) and len(x) == len(ports.inputs)
    if isinstance(x, Mapping) or several_arrays:
        return False
    if isinstance(x, list):
        return bool(x) and isinstance(x[0], tuple) and bool(x[0]) and len(getattr(x[0][0], "shape", ())) > 0
    return is_batches(x)


def _is_pair(batch: Any, ports: Ports) -> bool:
    """Whether a batch has targets beside its rows."""
    if not isinstance(batch, (tuple, list)) or not batch:
        return False
    if len(ports.inputs) > 1 or isinstance(batch[0], Mapping):
        return isinstance(batch[0], (tuple, list, Mapping))
    return len(getattr(batch[0], "shape", ())) > 0


def pair(x: Any, y: Any, where: str) -> tuple[Any, Any]:
    """x and y, refused with a word where one is missing."""
    for name, value in (("x", x), ("y", y)):
        if value is None:
            raise InputError(
                f"{where} got no {'rows' if name == 'x' else 'targets'}.", where=name,
                expected="x and y, or x an iterator of batches (x, y)",
                received=f"x: {type(x).__name__}, y: {type(y).__name__}", help=f"model.{where}(x, y)",
            )  # fmt: skip
    return _table(x, "x"), y


def _table(x: Any, where: str) -> Any:
    if several(x):
        return tuple(_table(part, f"{where}[{i}]") for i, part in enumerate(x))
    rows = array(x, where)
    if rows.ndim == 0:
        raise InputError(
            "This is no array of rows.", where=where, expected="an array (rows, …)",
            received=f"{type(x).__name__}", help="One row of one feature is [[1.0]].",
        )  # fmt: skip
    return rows


def _with_first(data: Data, rows: slice) -> Data:
    """The data with some of their validation rows."""
    if data.validation is None or rows.stop is None or rows.stop >= len(data.validation):
        return data
    return replace(data, validation=piece(data.validation, rows))


def piece(data: Data, rows: slice) -> Data:
    """Some rows of the data, without their validation."""
    return Data(cut(data.x, rows), cut(data.y, rows), None if data.weight is None else data.weight[rows])


class Gathered(NamedTuple):
    """The rows of several batches, and how many rows a batch had."""

    x: Any
    y: Any
    weight: np.ndarray | None
    batch_size: int


def gather(
    batches: Iterable, steps: int | None = None, *, equal: bool = True, where: str = "steps_per_epoch",
    ports: Ports = ONE, short_last: bool = False,
) -> Gathered:  # fmt: skip
    """Batches (x, y[, weight]) → the rows of all of them.

    Args:
        batches: What gives them; each is copied at once, since generators like to reuse their arrays.
        steps: How many to take.
        equal: Whether all but the last must be of one size.
        where: The argument that says how many to take.
        ports: The inputs and outputs, where there are several.
        short_last: Whether the smallest batch is put behind the others.

    Raises:
        InputError: when there are none, or they differ in size (the last may be smaller), or do not end.
    """
    parts: list[list[Any]] = []
    order = (ports.x, ports.y, ports.weight)
    for batch in _bounded(batches, steps, where):
        if not isinstance(batch, (tuple, list)) or len(batch) not in (2, 3) or (parts and len(batch) != len(parts)):
            kind = f"{type(batch).__name__} of {len(batch)}" if hasattr(batch, "__len__") else type(batch).__name__
            raise _no_batches(kind)
        parts = parts or [[] for _ in batch]
        for place, values in enumerate(batch):
            parts[place].append(_copied(_table(order[place](values), "batch")))
    if not parts:
        raise _no_batches("nothing")
    sizes = [count(part) for part in parts[0]]
    if short_last and min(sizes) < max(sizes):
        short = sizes.index(min(sizes))
        for values in (sizes, *parts):
            values.append(values.pop(short))
    if equal and (any(size != sizes[0] for size in sizes[:-1]) or sizes[-1] > sizes[0]):
        raise InputError(
            "The batches differ in size.", where="x", expected=f"{sizes[0]} rows in every batch but the last",
            received=f"sizes {sorted(set(sizes))}", help="Make the batches equal; only the last may be smaller.",
        )  # fmt: skip
    joined = [_joined(part) for part in parts]
    return Gathered(joined[0], joined[1], joined[2] if len(joined) == 3 else None, sizes[0])


MOST_BATCHES = 1_000_000  # taken from an iterator that was given no number of batches
SHARE = 0.5  # of the free memory, for the rows of one epoch
OBJECT = 200  # bytes an array takes besides its numbers


def _bounded(batches: Iterable, steps: int | None, where: str) -> Iterator:
    """So many batches, or all of them, as long as they end and fit into memory."""
    most, held = SHARE * free_memory(), 0
    for number, batch in enumerate(islice(batches, steps)):
        yield batch
        for values in batch if isinstance(batch, (tuple, list)) else (batch,):
            held += getattr(values, "nbytes", 0) + OBJECT
        if held > most or (steps is None and number >= MOST_BATCHES):
            raise InputError(
                "The batches do not end, or are more than memory holds.", where=where,
                expected=f"an end within {MOST_BATCHES:,} batches and {most / 2**30:.1f} GiB",
                received=f"{number + 1:,} batches, {held / 2**30:.1f} GiB so far",
                help=f"An endless iterator needs {where}: the batches to take from it; a long one fewer of them.",
            )  # fmt: skip


def free_memory() -> int:
    """Bytes that can be had without pushing anything else out; a guess of 4 GiB where the system does not say."""
    try:
        with open("/proc/meminfo", encoding="ascii") as file:
            found = next(line for line in file if line.startswith("MemAvailable"))
        return int(found.split()[1]) * 1024
    except (OSError, StopIteration, ValueError, IndexError):
        return 4 * 2**30


def _no_batches(received: str) -> InputError:
    return InputError(
        "The iterator gave no batches (x, y).",
        where="x",
        expected="tuples (x, y) or (x, y, sample_weight)",
        received=received,
        help="An endless iterator needs steps_per_epoch; an exhausted one must be made anew.",
    )


def _copied(values: Any) -> Any:
    return tuple(map(np.copy, values)) if isinstance(values, tuple) else np.array(values, copy=True)


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], tuple):
        return tuple(_joined(list(each)) for each in zip(*parts, strict=True))
    shapes = {part.shape[1:] for part in parts}
    if len(shapes) > 1:
        raise ShapeError(
            "The batches differ in the shape of their rows.", where="x", expected=f"rows of shape {parts[0].shape[1:]}",
            received=f"shapes {sorted(shapes)}", help="Prepare all batches the same way.",
        )  # fmt: skip
    return np.concatenate(parts)


def is_batches(x: Any) -> bool:
    """Whether x gives batches, one after another or by number, and is no array itself."""
    if x is None or hasattr(x, "shape") or hasattr(x, "columns"):
        return False
    if isinstance(x, (tuple, str, bytes, Mapping, range)):
        return False
    if isinstance(x, list):
        return bool(x) and isinstance(x[0], tuple) and len(x[0]) in (2, 3)
    return isinstance(x, Iterable) or _by_number(x)


def _by_number(source: Any) -> bool:
    return hasattr(source, "__getitem__") and hasattr(source, "__len__") and not isinstance(source, list)


def each(source: Any) -> Iterator:
    """The batches of a source, from its first to its last."""
    # One that is told its length may slice, and so never say that it is at its end.
    return (source[index] for index in range(len(source))) if _by_number(source) else iter(source)
