"""Which group of a source goes to which unit of a network: by name, in order, or as the only one that fits."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from ..errors import InputError, ShapeError
from ..utils import snake_case
from .transfer_keras import from_keras
from .transfer_layouts import from_torch
from .transfer_parts import UNORDERED, Group, Unit, natural, need, refuse

Pairs = list[tuple[Unit, Group]]


def matched(units: list[Unit], groups: list[Group], where: str, by_name: bool, skip: bool) -> Pairs:
    """Which unit gets which group."""
    named = _by_name(units, groups)
    if by_name:
        if not named:
            raise InputError(
                "No layer of the network is named in the source.", where=where,
                expected=f"one of {_listed(unit.names[0] if unit.names else unit.title for unit in units)}",
                received=_listed(group.names[0] for group in groups),
                help="Give layers the names of the source, Dense(8, name=…), or leave out by_name.",
            )  # fmt: skip
        return named
    unordered = any(group.place == UNORDERED for group in groups)
    if len(named) == len(units) == len(groups) and (unordered or not _numbered_alike(named)):
        return named
    if unordered:
        return _by_fit(units, groups, where, skip)
    if any(group.place is not None for group in groups):
        pairs = _by_class(units, groups, skip)
    else:
        pairs = list(zip(units, groups, strict=False))
    if len(units) != len(groups) and not skip:
        for unit, group in pairs:
            converted(unit, group)  # the first that does not fit says more than the numbers
        taken = {id(part) for pair in pairs for part in pair}
        raise _uneven([u for u in units if id(u) not in taken], [g for g in groups if id(g) not in taken],
                      len(units), len(groups), where)  # fmt: skip
    return pairs


def _uneven(ours: list[Unit], theirs: list[Group], expected: int, received: int, where: str) -> InputError:
    """What to raise where numbers of layers differ."""
    side, rest = ("in the source", theirs) if theirs else ("here", ours)
    return InputError(
        "The source has another number of layers with weights than the network.", where=where,
        expected=f"{expected} layers with weights", received=f"{received}",
        help=f"Left over {side}: {_listed(part.title for part in rest)}. "  # type: ignore[attr-defined]
        "by_name=True fills the layers whose names occur and leaves the others.",
    )  # fmt: skip


def _by_name(units: list[Unit], groups: list[Group]) -> Pairs:
    """Units with the group of their name; the last part of a group's name will do. Names must be unique."""
    exact: dict[str, list[Group]] = {}
    short: dict[str, list[Group]] = {}
    for group in groups:
        for name in dict.fromkeys(group.names):
            exact.setdefault(name, []).append(group)
        short.setdefault(group.names[0].rpartition(".")[2], []).append(group)
    pairs, used = [], set()
    for unit in units:
        for name in unit.names:
            hits = exact.get(name) or short.get(name, [])
            if len(hits) == 1 and id(hits[0]) not in used:
                used.add(id(hits[0]))
                pairs.append((unit, hits[0]))
                break
    return pairs


def _numbered_alike(pairs: Pairs) -> bool:
    """Whether layers of one class have the names they get by themselves, dense and dense_1, on both sides.

    Such a name says when a layer was made, which need not be where it stands.
    """
    found = {
        unit.index: snake_case(unit.family)
        for unit, group in pairs
        if group.origin != "torch" and re.fullmatch(rf"{snake_case(unit.family)}(_\d+)?", group.names[0].split(".")[0])
    }
    return len(set(found.values())) < len(found)


def _by_class(units: list[Unit], groups: list[Group], skip: bool) -> Pairs:
    """Groups in the order of the units, where the source numbers them only within each class."""
    waiting: dict[str, list[Group]] = {}
    for group in groups:
        waiting.setdefault(group.kind or "", []).append(group)
    found: Pairs = []
    for unit in units:
        name = snake_case(unit.family)
        if waiting.get(name):
            found.append((unit, waiting[name].pop(0)))
        elif not skip:
            raise InputError(
                "The source has no layer left for one of the network's.", where=unit.title, expected=f"a {name}",
                received=_listed(group.title for rest in waiting.values() for group in rest) or "none left",
                help="by_name=True fills the layers whose names occur and leaves the others.",
            )  # fmt: skip
    return found


def in_no_order(groups: list[Group]) -> list[Group]:
    """Groups of a source that sorts by name: numbers in names still tell an order, other names do not."""
    found = sorted(groups, key=lambda group: natural(_numbered(group)))
    if len({_stem(group) for group in found}) == 1:
        return found
    return [replace(group, place=UNORDERED) for group in found]


def _numbered(group: Group) -> str:
    """A name in which the directions of a recurrent layer are numbers too."""
    return re.sub(r"\bbackward$", "1", re.sub(r"\bforward$", "0", group.names[0]))


def _stem(group: Group) -> str:
    """A name without its numbers."""
    return re.sub(r"[\d.]+", "", _numbered(group))


def _by_fit(units: list[Unit], groups: list[Group], where: str, skip: bool) -> Pairs:
    """Each unit with the only group that fits it; groups that fit alike, in the order of the numbers in their names.

    Raises:
        InputError: where nothing fits, or several do and nothing tells which is meant.
    """
    fits = {id(unit): [group for group in groups if _fits(unit, group)] for unit in units}
    chosen: dict[int, Group] = {}
    waiting = list(units)
    while waiting:
        taken = {id(group) for group in chosen.values()}
        left = {id(unit): [group for group in fits[id(unit)] if id(group) not in taken] for unit in waiting}
        if skip:
            waiting = [unit for unit in waiting if left[id(unit)]]
        for unit in waiting:
            those = left[id(unit)]
            alike = [other for other in waiting if left[id(other)] == those]
            if len(alike) == len(those) and (len(those) == 1 or _told(those)):
                chosen |= {id(one): group for one, group in zip(alike, those, strict=True)}
                waiting = [other for other in waiting if id(other) not in chosen]
                break
        else:
            if waiting:
                raise _unclear(waiting, left, groups, where)
    taken = {id(group) for group in chosen.values()}
    rest = [group for group in groups if id(group) not in taken]
    if rest and not skip:
        raise _uneven([], rest, len(units), len(groups), where)
    return [(unit, chosen[id(unit)]) for unit in units if id(unit) in chosen]


def _fits(unit: Unit, group: Group) -> bool:
    try:
        converted(unit, group)
    except InputError:
        return False
    return True


def _told(groups: list[Group]) -> bool:
    """Whether the numbers in the names of groups tell their order."""
    return groups[0].origin == "torch" and len({_stem(group) for group in groups}) == 1


def _unclear(waiting: list[Unit], left: dict[int, list[Group]], groups: list[Group], where: str) -> InputError:
    """Why units got nothing."""
    unit = next((u for u in waiting if not left[id(u)]), waiting[0])
    if not left[id(unit)]:
        wanted = ", ".join(f"{name} {tuple(weight.shape)}" for name, weight in unit.specs.items())
        return ShapeError(
            "The source has nothing that fits a layer.", where=f"{where}: {unit.title}", expected=wanted,
            received=_listed(group.title for group in groups),
            help="Give the layer the same size as in the source, or skip_mismatch=True to keep its own weights.",
        )  # fmt: skip
    return InputError(
        "The source does not say in which order its layers stand, and several fit.", where=f"{where}: {unit.title}",
        expected="one that fits", received=_listed(group.title for group in left[id(unit)]),
        help="Name the layers as in the source, Dense(8, name=…), or give the module, its state_dict, "
        "a .pt or a .keras file, which keep the order.",
    )  # fmt: skip


def _listed(names: Iterable[object]) -> str:
    found = list(map(str, names))
    return ", ".join(found[:12]) + (f" and {len(found) - 12} more" if len(found) > 12 else "")


def converted(unit: Unit, group: Group) -> dict[str, np.ndarray]:
    """A unit's weights, taken from a group.

    Raises:
        ShapeError: where they do not fit.
    """
    if group.origin == "keras":
        return from_keras(unit, group)
    if group.origin == "torch":
        return from_torch(unit, group)
    if set(group.arrays) != set(unit.specs):
        raise refuse(
            unit, group, "The source has another layer here.", ", ".join(unit.specs),
            "Load the weights into the network they were saved from.",
        )  # fmt: skip
    return {name: need(unit, group, name, group.arrays[name]) for name in unit.specs}
