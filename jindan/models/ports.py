"""Ports: the inputs and outputs of a model by number and name, and what users give for them brought into order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, ShapeError
from ..layers.wiring import Wiring
from .doors import entered


@dataclass(frozen=True)
class Ports:
    """The names of a model's inputs and outputs, in order.

    Attributes:
        inputs, outputs: A name for each.
        doors: For each input, the layer that makes numbers of strings given there, or None; () where none does.
    """

    inputs: tuple[str, ...] = ("x",)
    outputs: tuple[str, ...] = ("y",)
    doors: tuple[Any, ...] = ()

    @classmethod
    def of(cls, wiring: Wiring | None, doors: tuple[Any, ...] = ()) -> Ports:
        """Those of a graph; of a stack, one each."""
        if wiring is None:
            return cls(doors=doors)
        names, n = wiring.names, wiring.inputs
        return cls(
            tuple(names[:n]) or tuple(f"input_{i}" for i in range(n)),
            tuple(names[n:]) or tuple(f"output_{k}" for k in range(len(wiring.outputs))),
            doors,
        )

    def x(self, given: Any) -> Any:
        """Rows for the inputs: an array, or a tuple of arrays in the order of several inputs."""
        return entered(_ordered(given, self.inputs, "input"), self.doors)

    def ordered(self, given: Mapping) -> list[Any]:
        """Values of a graph for the inputs, given by their names."""
        return _by_name(given, self.inputs, "input", "x")

    def y(self, given: Any) -> Any:
        """Targets for the outputs, alike."""
        return _ordered(given, self.outputs, "output")

    def pair(self, given: Any) -> Any:
        """validation_data, (x, y) or (x, y, weight), brought into order."""
        if isinstance(given, (tuple, list)) and len(given) in (2, 3):
            return (self.x(given[0]), self.y(given[1]), *map(self.weight, given[2:]))
        return given

    def weight(self, given: Any) -> Any:
        """sample_weight: one number a row, which counts for all outputs; for each output it may be given, if alike.

        Raises:
            InputError: where the outputs would weigh a row differently.

        >>> Ports(outputs=("a", "b")).weight({"a": [1, 0], "b": [1, 0]})
        [1, 0]
        """
        several = isinstance(given, Mapping) or (isinstance(given, (list, tuple)) and any(map(np.ndim, given)))
        if not several or (len(self.outputs) == 1 and not isinstance(given, Mapping)):
            return given
        parts = self.by_output(given, "sample_weight")
        if all(part is parts[0] or np.array_equal(part, parts[0]) for part in parts):
            return parts[0]
        raise InputError(
            "A row has one weight, which counts for all outputs.", where="sample_weight",
            expected="one number a row, (rows,)", received=f"weights of their own for {', '.join(self.outputs)}",
            help="loss_weights weigh outputs; where rows of an output are not to count at all, give compile a loss of "
            "your own for it that is 0 on them, such as on targets that are -1.",
        )  # fmt: skip

    def by_output(self, given: Any, what: str) -> list[Any]:
        """Something for each output, given as a dict by name or a list in order; None where nothing was given."""
        if isinstance(given, Mapping):
            self._known(given, self.outputs, "output", what)
            return [given.get(name) for name in self.outputs]
        if isinstance(given, (list, tuple)) and len(given) == len(self.outputs):
            return list(given)
        if given is None or isinstance(given, str) or not isinstance(given, (list, tuple)):
            return [given] * len(self.outputs)
        raise InputError(
            f"{what} does not fit the outputs.", where=what,
            expected=f"one for each of {', '.join(self.outputs)}: a list, or a dict by name",
            received=f"{len(given)} of them", help=f"{what}={{{self.outputs[0]!r}: …}}",
        )  # fmt: skip

    @staticmethod
    def _known(given: Mapping, names: tuple[str, ...], kind: str, where: str) -> None:
        unknown = [name for name in given if name not in names]
        if unknown:
            raise InputError(
                f"The model has no {kind} of that name.", where=where, expected=", ".join(names),
                received=", ".join(map(str, unknown)),
                help="Name them by the keys of a dict, Model(inputs={…}, outputs={…}), or by name= of layers.",
            )  # fmt: skip


def _arrays(given: Any) -> list[Any] | None:
    """The arrays given for several inputs; None where what was given is neither an array nor a list."""
    return list(given) if isinstance(given, (list, tuple)) else [given] if hasattr(given, "shape") else None


def _by_name(given: Mapping, names: tuple[str, ...], kind: str, where: str) -> list[Any]:
    Ports._known(given, names, kind, where)
    missing = [name for name in names if name not in given]
    if missing:
        raise InputError(
            f"An {kind} got nothing.", where=where, expected=", ".join(names), received=", ".join(map(str, given)),
            help=f"Give {', '.join(missing)}, too.",
        )  # fmt: skip
    return [given[name] for name in names]


def _ordered(given: Any, names: tuple[str, ...], kind: str) -> Any:
    where = "x" if kind == "input" else "y"
    if isinstance(given, Mapping):
        given = _by_name(given, names, kind, where)
    elif kind == "input" and len(names) > 1 and (found := _arrays(given)) is not None and len(found) != len(names):
        raise ShapeError(
            f"The model has {len(names)} inputs ({', '.join(names)}), not {len(found)}.", where=where,
            expected=f"{len(names)} arrays", received=f"{len(found)} of them",
            help="Give a list of arrays in the order of the model's inputs, or a dict by their names.",
        )  # fmt: skip
    elif len(names) == 1 or not isinstance(given, (list, tuple)) or len(given) != len(names):
        # A list of one array, as Keras takes it; nested lists of numbers are rows.
        single = len(names) == 1 and isinstance(given, list) and len(given) == 1 and np.ndim(given[0]) > 1
        return given[0] if single and hasattr(given[0], "shape") else given
    return tuple(np.asarray(part) for part in given) if len(names) > 1 else given[0]


def no_graph(kind: str, inputs: Any, outputs: Any) -> InputError:
    """The error of a model without inputs or outputs, such as one whose layers only a `call` would connect.

    >>> no_graph("Model", 1, None).received, no_graph("Mine", None, None).expected
    ('no outputs', 'super().__init__(inputs, outputs), or a `call`')
    """
    missing = [name for name, given in (("inputs", inputs), ("outputs", outputs)) if given is None]
    return InputError(
        "A model is the graph between its inputs and outputs.", where=kind,
        expected="Model(inputs, outputs)" if kind == "Model" else "super().__init__(inputs, outputs), or a `call`",
        received=f"no {' and '.join(missing)}",
        help="x = Input((4,)); Model(x, Dense(1)(x)), Sequential([...]), or a class with a `call` that connects its "
        "layers: see “Graphs of layers” and “Models by subclassing” in the guide.",
    )  # fmt: skip
