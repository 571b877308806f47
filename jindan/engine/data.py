"""Data: the arrays a training reads, checked once and shared by all members of a population."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

from ..errors import InputError, ShapeError
from ..joint import parts_of
from ..layers.base import Context


@dataclass(frozen=True)
class Data:
    """Inputs, targets and row weights, with an optional validation set.

    Attributes:
        x: (rows, …) real numbers, or integers where the first layer wants them; a tuple of such for several inputs.
        y: (rows, …), or a tuple of such for several outputs.
        weight: (rows,) or None.
        validation: Another Data, or None.
    """

    x: Any
    y: Any
    weight: np.ndarray | None = None
    validation: Data | None = None

    @classmethod
    def of(cls, x: Any, y: Any, weight: Any = None, validation: Any = None, *, where: str = "") -> Data:
        """Arrays of any common kind, checked.

        Args:
            x, y: NumPy, JAX, PyTorch, pandas, Polars or nested lists; for several inputs, x is a tuple of such.
            weight: One number a row.
            validation: (x, y), (x, y, weight) or a Data.

        Raises:
            InputError: on words where numbers belong, on no rows at all, on lengths that differ.
        """
        x = tuple(_rows(part, f"{where}x[{i}]") for i, part in enumerate(x)) if several(x) else _rows(x, f"{where}x")
        y = tuple(array(part, f"{where}y[{k}]") for k, part in enumerate(y)) if several(y) else array(y, f"{where}y")
        if weight is not None:
            weight = array(weight, f"{where}sample_weight").astype(np.float64).reshape(-1)
            if not np.isfinite(weight).all():
                row = int(np.flatnonzero(~np.isfinite(weight))[0])
                raise InputError(
                    "A row has a weight that is no number.", where=f"{where}sample_weight, row {row + 1}",
                    expected="finite numbers", received=weight[row], help="A weight of 0 leaves a row out.",
                )  # fmt: skip
        rows = count(x)
        if rows == 0:
            shapes = ", ".join(f"shape {part.shape}" for part in (x if isinstance(x, tuple) else (x,)))
            raise InputError(
                "There are no rows.", where=f"{where}x", expected="at least one row", received=shapes,
                help="Check how the data were read or split.",
            )  # fmt: skip
        others = [(f"x[{i}]", part) for i, part in enumerate(x)] if isinstance(x, tuple) else []
        others += [(f"y[{k}]", part) for k, part in enumerate(y)] if isinstance(y, tuple) else [("y", y)]
        for name, values in (*others, ("sample_weight", weight)):
            if values is not None and (values.ndim == 0 or len(values) != rows):
                raise ShapeError(
                    f"x and {name} differ in their number of rows.",
                    where=f"{where}{name}",
                    expected=f"{rows} rows, as many as x",
                    received=f"shape {values.shape}",
                    help="Row i of one belongs to row i of the other; cut both the same way.",
                )
        if validation is not None and not isinstance(validation, Data):
            if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
                raise InputError(
                    "validation_data is not a pair.",
                    where="validation_data",
                    expected="(x, y) or (x, y, sample_weight)",
                    received=type(validation).__name__,
                    help="validation_data=(x_val, y_val)",
                )
            validation = cls.of(*validation, where="validation ")
        return cls(x, y, weight, validation)

    def __len__(self) -> int:
        return count(self.x)

    @property
    def input_shape(self) -> Any:
        """Shape of one row of x; for several inputs, a tuple of shapes."""
        return row_shape(self.x)

    def placed(self, plan: Any, where: Any = None) -> tuple[Any, Any, Any]:
        """(x, y, weight) in the plan's dtype on the device, or where a sharding says; put there once however often
        the data are trained on."""
        integers = plan.network(self.input_shape).integers
        labels = tuple(part.targets == "integer" for part in parts_of(plan.loss))
        key = (plan.dtype, integers, labels, where)
        cache = self.__dict__.setdefault("_placed", {})
        if key not in cache:
            x = as_inputs(self.x, plan.dtype, integers)
            y = as_targets(self.y, plan.dtype, plan.loss)
            weight = None if self.weight is None else self.weight.astype(plan.dtype, copy=False)
            # A copy: the user may change the arrays before the training is over.
            cache[key] = jax.device_put((x, y, weight), where, may_alias=False)
        return cache[key]


def several(x: Any) -> bool:
    """Whether x is a tuple of arrays, one an input."""
    return isinstance(x, tuple) and bool(x) and all(len(np.shape(part)) > 0 and hasattr(part, "shape") for part in x)


def digest(*parts: Any) -> Any:
    """The SHA-256 of bytes, arrays and tuples of arrays, one after another; None adds nothing."""
    found = hashlib.sha256()
    for part in parts:
        for piece in part if isinstance(part, tuple) else () if part is None else (part,):
            found.update(piece if isinstance(piece, bytes) else np.ascontiguousarray(piece).tobytes())
    return found


def count(x: Any) -> int:
    """How many rows x has."""
    return len(x[0]) if isinstance(x, tuple) else len(x)


def row_shape(x: Any) -> Any:
    """The shape of one row; for several inputs, a tuple of shapes."""
    return tuple(tuple(part.shape[1:]) for part in x) if isinstance(x, tuple) else tuple(x.shape[1:])


def cut(x: Any, rows: Any) -> Any:
    """Some rows of x."""
    return tuple(part[rows] for part in x) if isinstance(x, tuple) else x[rows]


def as_inputs(x: Any, dtype: Any, integers: tuple[bool, ...]) -> Any:
    """Inputs in the types they are held in: bytes stay bytes (images), numbers of things int32, all else real."""
    parts = x if isinstance(x, tuple) else (x,)
    held = tuple(
        (_in_32_bits(part) if whole else part).astype(type_of_inputs(part.dtype, dtype, whole), copy=False)
        for part, whole in zip(parts, integers, strict=True)
    )
    return held if isinstance(x, tuple) else held[0]


def _in_32_bits(ids: Any) -> Any:
    """Numbers of things as 32 bits hold them: larger ones become the largest, rather than another one."""
    if ids.dtype.itemsize < 4 or ids.dtype == np.int32:
        return ids
    return np.clip(ids, np.iinfo(np.int32).min, np.iinfo(np.int32).max)


def type_of_inputs(given: Any, dtype: Any, whole: bool) -> np.dtype:
    """The type that inputs are held in; `whole`: only layers that take integers read them."""
    if whole:
        return np.dtype(np.int32)
    return np.dtype(given if given in (np.uint8, np.bool_) else dtype)


def as_targets(y: Any, dtype: Any, loss: Any) -> Any:
    """Targets in the types they are held in: class numbers int32, all else real."""
    parts, losses = y if isinstance(y, tuple) else (y,), parts_of(loss)
    held = tuple(
        part.astype(np.int32 if one.targets == "integer" else dtype, copy=False)
        for part, one in zip(parts, losses, strict=True)
    )
    return held if isinstance(y, tuple) else held[0]


def _rows(value: Any, where: str) -> np.ndarray:
    rows = array(value, where)
    return rows[:, None] if rows.ndim == 1 else rows


def array(value: Any, where: str) -> np.ndarray:
    """A numeric NumPy array.

    Raises:
        InputError: when the values are no numbers.
    """
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    elif hasattr(value, "to_numpy"):
        value = value.to_numpy()
    try:
        result = np.asarray(value)
    except ValueError:
        raise InputError(
            "The rows differ in length.", where=where, expected="rows of one length", received="ragged rows",
            help="Pad or cut the rows to one length.",
        ) from None  # fmt: skip
    if result.dtype == object:
        try:
            result = result.astype(np.float64)
        except (TypeError, ValueError):
            raise _not_numbers(result, where) from None
    if result.dtype.kind not in "fiub":
        raise _not_numbers(result, where)
    return result


def _not_numbers(values: np.ndarray, where: str) -> InputError:
    flat = values.ravel()
    shown = next((v for v in flat[:1000] if not isinstance(v, (int, float, np.number))), flat[0] if flat.size else "")
    return InputError(
        "These values are not numbers.",
        where=where,
        expected="an array of numbers",
        received=f"{values.dtype} with values such as {shown!r}",
        help="Encode words first (jindan.data.OneHotEncoder, LabelEncoder), or train from the table: `jindan train`.",
    )


def check_inputs(network: Any, x: Any, where: str = "x") -> None:
    """Raise an InputError when numbers of things (words, categories) are not such, or too large for their table."""
    graph, parts = network.graph, x if isinstance(x, tuple) else (x,)
    for index, sources in graph.nodes:
        limit = network.layers[index].input_dim_of_ids
        if limit is None:
            continue
        for source in sources:
            ids = _handed_on(network, parts, source)
            if ids is None:
                continue
            low, high = (ids.min(), ids.max()) if ids.size else (0, 0)
            if low < 0 or high >= limit or (ids.dtype.kind == "f" and not np.array_equal(ids, np.floor(ids))):
                raise InputError(
                    "The inputs are not numbers of entries of the table.", where=f"{where}, {network.title(index)}",
                    expected=f"whole numbers 0 … {limit - 1}", received=f"{ids.dtype} values from {low} to {high}",
                    help="Raise input_dim (num_tokens) to the largest number plus one, or number the words anew.",
                )  # fmt: skip


def _handed_on(network: Any, parts: tuple, source: Any) -> Any:
    """What a source of a graph is of these inputs, where layers only move their numbers; else None."""
    if not isinstance(source, int):
        return None
    if source < network.graph.inputs:
        return parts[source]
    index, sources = network.graph.nodes[source - network.graph.inputs]
    layer = network.layers[index]
    given = [_handed_on(network, parts, before) for before in sources] if layer.moves else [None]
    if any(part is None for part in given):
        return None
    return np.asarray(layer.apply({}, given if layer.many else given[0], Context()))


def check_targets(network: Any, loss: Any, y: np.ndarray, where: str = "y") -> None:
    """Raise a ShapeError or InputError when targets cannot be compared with the outputs.

    Args:
        network: The Network.
        loss: The Loss.
        y: Targets (rows, …).
        where: What to call them.
    """
    losses, shapes = parts_of(loss), network.output_shapes
    found = y if isinstance(y, tuple) else (y,)
    if not len(losses) == len(shapes) == len(found):
        raise ShapeError(
            "Outputs, losses and targets differ in number.", where=where,
            expected=f"{len(shapes)} of each, one an output",
            received=f"{len(losses)} losses, {len(found)} arrays of targets",
            help="Give loss= and y as lists in the order of the outputs, or as dicts by their names.",
        )  # fmt: skip
    for k, (one, part, outputs) in enumerate(zip(losses, found, shapes, strict=True)):
        last = network.title(network.index_of_output(k)) if network.layers else "the network"
        _check_targets(one, part, outputs, last, where if len(found) == 1 else f"{where}[{k}]")


def _check_targets(loss: Any, y: np.ndarray, outputs: tuple[int, ...], last: str, where: str) -> None:
    shape, form = tuple(y.shape[1:]), loss.targets
    if form == "integer":
        if shape == (1,):
            shape = ()
        if shape == outputs and outputs != (1,) and len(outputs) == 1:
            raise ShapeError(
                "The loss takes class numbers, and the targets are one-hot.",
                where=where,
                expected="class numbers, shape (rows,)",
                received=f"shape {y.shape}",
                help='Use loss="categorical_crossentropy", or y.argmax(axis=1).',
            )
        if shape != outputs[:-1]:
            raise _mismatch(last, outputs[:-1], y, where, "one class number for each row of outputs")
        classes = outputs[-1]
        low, high = (y.min(), y.max()) if y.size else (0, 0)
        if not np.array_equal(y, np.floor(y)) or low < 0 or high >= classes:
            raise InputError(
                "The targets are not class numbers of this network.",
                where=where,
                expected=f"whole numbers 0 … {classes - 1}: {last} has {classes} outputs",
                received=f"values from {low} to {high}",
                help="Number the classes from 0 (jindan.data.LabelEncoder) and give the last layer one unit a class.",
            )
        return
    if form == "any" or shape == outputs:
        return
    if (shape == () and outputs == (1,)) or (shape == (*outputs, 1)) or (*shape, 1) == outputs:
        return
    if shape in ((), (1,)) and len(outputs) == 1 and outputs[0] > 1 and np.array_equal(y, np.floor(y)):
        raise ShapeError(
            f"{last} has {outputs[0]} outputs, and the targets are single numbers.",
            where=where,
            expected=f"one-hot targets of shape (rows, {outputs[0]})",
            received=f"shape {y.shape}, values such as {y.ravel()[0]}",
            help='Use loss="sparse_categorical_crossentropy" for class numbers, or jindan.utils.to_categorical(y).',
        )
    raise _mismatch(last, outputs, y, where, "targets of the shape of the outputs")


def _mismatch(last: str, outputs: tuple, y: np.ndarray, where: str, what: str) -> ShapeError:
    return ShapeError(
        f"The targets do not fit the outputs of {last}.",
        where=where,
        expected=f"{what}: (rows, {', '.join(map(str, outputs))})" if outputs else f"{what}: (rows,)",
        received=f"shape {y.shape}",
        help="Change the units of the last layer, or the shape of the targets.",
    )
