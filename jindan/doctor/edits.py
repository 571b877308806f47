"""Edit: one change of a training, as a value: of its plan, of how inputs and targets are scaled, of its rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import JindanError
from ..layers.standardize import Normalization
from ..layers.wiring import Wiring
from ..plan import Plan
from ..spec import Spec, to_json

STANDARDISE = "standardise"
_NO_CHANGE = ("seed", "rows", "validation_rows", "name", "metrics", "weighted_metrics", "wiring")


@dataclass(frozen=True)
class Edit:
    """A change of a training that may cure it. Edits are put together by `+`, the right one after the left.

    Attributes:
        code: The code of the finding it answers.
        name: A few words.
        changes: What is changed, for people: path → value.
        alter: Plan → another plan, or None where it does not apply; None changes no plan.
        inputs: None, or "standardise".
        targets: None, or "standardise".
        rows: Numbers of the training rows that are kept, or None for all.
        parts: The edits it is put together from, or ().
    """

    code: str
    name: str
    changes: Mapping[str, Any] = field(default_factory=dict, compare=False)
    alter: Callable[[Plan], Plan | None] | None = field(default=None, repr=False)
    inputs: str | None = None
    targets: str | None = None
    rows: tuple[int, ...] | None = field(default=None, repr=False)
    parts: tuple[Edit, ...] = field(default=(), repr=False)

    @property
    def atoms(self) -> tuple[Edit, ...]:
        """The edits it is put together from; itself where it is one."""
        return self.parts or (self,)

    def apply(self, plan: Plan) -> Plan | None:
        """The plan with the change; None where no part of it applies.

        Args:
            plan: A plan.
        """
        if not self.parts:
            return plan if self.alter is None else self.alter(plan)
        found, applied = plan, False
        for part in self.parts:
            changed = part.apply(found)
            if changed is not None:
                found, applied = changed, True
        return found if applied else None

    def __add__(self, other: Edit) -> Edit:
        return joined((*self.atoms, *other.atoms))

    def without(self, names: Any) -> Edit:
        """The edit less the parts of these names."""
        return joined(part for part in self.atoms if part.name not in set(names))


NOTHING = Edit("", "as given")


def joined(parts: Any) -> Edit:
    """One edit from several; the first one's code stands for it.

    >>> a = Edit("learning-rate-too-low", "rate × 10", {"learning_rate": 0.1})
    >>> (a + Edit("inputs-not-normalised", "inputs standardised", inputs="standardise")).inputs
    'standardise'
    """
    atoms = tuple(part for part in parts if part.name != NOTHING.name)
    if not atoms:
        return NOTHING
    if len(atoms) == 1:
        return atoms[0]
    changes: dict[str, Any] = {}
    for atom in atoms:
        changes.update(atom.changes)
    kept: tuple[int, ...] | None = None
    for atom in atoms:
        if atom.rows is not None:
            kept = atom.rows if kept is None else tuple(sorted(set(kept) & set(atom.rows)))
    return Edit(
        atoms[0].code, " + ".join(atom.name for atom in atoms), changes, None,
        next((atom.inputs for atom in atoms if atom.inputs), None),
        next((atom.targets for atom in atoms if atom.targets), None), kept, atoms,
    )  # fmt: skip


def difference(before: Plan, after: Plan, edit: Edit = NOTHING) -> dict[str, Any]:
    """What differs between two plans, and how an edit treats the data: path → new value, in plain values.

    Args:
        before, after: Plans.
        edit: What was done to the data.

    >>> from jindan.layers import Dense
    >>> plan = Plan((Dense(4, activation="sigmoid"), Dense(1)), optimizer="adam")
    >>> difference(plan, plan.edit({"learning_rate": 0.01, "layers.0.activation": "relu"}))
    {'layers.0.activation': 'relu', 'learning_rate': 0.01}
    """
    found: dict[str, Any] = {}
    if len(before.layers) == len(after.layers) and all(
        type(a) is type(b) for a, b in zip(before.layers, after.layers, strict=True)
    ):
        for index, (a, b) in enumerate(zip(before.layers, after.layers, strict=True)):
            found.update(_fields(a, b, f"layers.{index}."))
    else:
        found["layers"] = [told(layer) for layer in after.layers]
    if type(before.optimizer) is type(after.optimizer):
        found.update(_fields(before.optimizer, after.optimizer, ""))
    else:
        rate = getattr(after.optimizer, "learning_rate", None)
        found |= {"optimizer": type(after.optimizer).__name__, "learning_rate": plain(rate)}
    for part in dataclasses.fields(Plan):
        a, b = getattr(before, part.name), getattr(after, part.name)
        if part.name not in (*_NO_CHANGE, "layers", "optimizer") and a != b:
            found[part.name] = plain(b)
    if edit.inputs:
        found["inputs"] = edit.inputs
    if edit.targets:
        found["targets"] = edit.targets
    if edit.rows is not None:
        found["rows"] = f"{len(edit.rows)} kept"
    return found


def _fields(before: Any, after: Any, prefix: str) -> dict[str, Any]:
    """The fields in which two values of one class differ."""
    return {
        f"{prefix}{part.name}": plain(getattr(after, part.name))
        for part in dataclasses.fields(before)
        if getattr(before, part.name) != getattr(after, part.name) and part.name != "name"
    }


def told(layer: Any) -> str:
    """A layer in a few words, such as "Dense 16 relu"."""
    facts = (getattr(layer, name, None) for name in ("units", "filters", "rate", "activation"))
    shown = [f"{plain(fact)}" for fact in facts if fact is not None and fact != "linear"]
    return " ".join([type(layer).__name__, *shown])


def plain(value: Any) -> Any:
    """A value as JSON holds it; what has only its name is that name."""
    if callable(value) and not isinstance(value, Spec):
        return getattr(value, "__name__", repr(value))
    try:
        found = to_json(value)
    except JindanError:  # it holds a function without a name
        return repr(value)
    return found["type"] if isinstance(found, dict) and set(found) == {"type"} else found


# -- standardised inputs --------------------------------------------------------------------------------------------


def standardisable(plan: Plan, input_shape: Any) -> bool:
    """Whether a Normalization can stand in front: one input, of real numbers."""
    if plan.inputs > 1 or not plan.layers or not input_shape:
        return False
    try:
        return not any(plan.network(input_shape).integers)
    except JindanError:
        return False


def moments(x: Any) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance by feature of the finite numbers of rows; the variance of a constant feature is given as 1.

    Args:
        x: (rows, …, features).
    """
    flat = np.asarray(x, np.float64).reshape(-1, np.shape(x)[-1])
    flat = np.where(np.isfinite(flat), flat, np.nan)
    count = np.maximum(np.isfinite(flat).sum(0), 1)
    mean = np.nansum(flat, 0) / count
    variance = np.nansum((flat - mean) ** 2, 0) / count
    # Rounding leaves a variance of about (ε · mean)² to a constant column.
    constant = variance <= (1e-6 * np.abs(mean)) ** 2
    return mean, np.where(constant, 1.0, variance)


def in_front(plan: Plan, mean: Any, variance: Any) -> Plan:
    """The plan with a Normalization before all else; layers of a graph keep their numbers.

    Args:
        plan: Of one input.
        mean, variance: By feature.
    """
    layer = Normalization(mean=mean, variance=variance)
    if plan.wiring is None:
        return plan.replace(layers=(layer, *plan.layers))
    shift = plan.wiring.inputs  # of the values, by the node that comes first

    def moved(source: Any) -> Any:
        if isinstance(source, tuple):
            return (source[0] + 1, source[1])
        return source + 1 if source >= shift else shift

    nodes = ((len(plan.layers), (0,)), *((n, tuple(map(moved, sources))) for n, sources in plan.wiring.nodes))
    outputs = tuple(map(moved, plan.wiring.outputs))
    wiring = Wiring(nodes=nodes, outputs=outputs, inputs=shift, names=plan.wiring.names)
    return plan.replace(layers=(*plan.layers, layer), wiring=wiring)
