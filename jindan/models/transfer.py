"""weights_from: trained weights from elsewhere (safetensors, PyTorch, Keras) for a network, by name or in order."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, InputError, JindanWarning
from ..layers.network import Network, Weights
from . import folders
from .transfer_keras import is_keras, keras_file_groups, keras_groups
from .transfer_matching import converted, in_no_order, matched
from .transfer_parts import Group, Unit, names_of, units_of
from .transfer_torch import arrays_of, read_torch, torch_groups

TORCH = (".pt", ".pth", ".bin", ".ckpt")
KERAS = (".keras", ".h5", ".hdf5")
EPSILON = {"torch": ("eps", 1e-5), "keras": ("epsilon", 1e-3)}  # the setting, and its default for means and variances


@dataclass(frozen=True)
class Transfer:
    """What became of a transfer of weights.

    Attributes:
        taken: (our layer, the source's names of its arrays), one each that was loaded.
        untouched: Our layers with weights that kept their own.
        left_over: Layers of the source that nobody took.
        notes: What differs although the weights fit, in sentences.
    """

    taken: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    untouched: list[str] = field(default_factory=list)
    left_over: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        lines = [f"{ours} ← {', '.join(theirs)}" for ours, theirs in self.taken]
        lines += [f"{ours}: kept its own weights" for ours in self.untouched]
        return "\n".join([*lines, *(f"{theirs}: not used" for theirs in self.left_over), *self.notes])


def weights_from(
    source: Any,
    network: Network,
    *,
    current: Weights | None = None,
    by_name: bool = False,
    skip_mismatch: bool = False,
    dtype: Any = np.float32,
) -> tuple[Weights, Transfer]:
    """A network's weights, taken from a model that was trained elsewhere.

    Layers are matched by name where the source has all of the network's names and no others; else in order (of PyTorch,
    that in which the module made them), each checked by its kind and shapes; a source without order, as safetensors
    are, has to fit in one way only. Layouts are turned into Keras's: PyTorch's channels come first, its kernels are
    transposed, and its gates stand in another order.

    Args:
        source: A file (safetensors by any name, .pt and .pth, .keras, .weights.h5), a module or state_dict of PyTorch,
            a mapping of names to arrays, or a model of Keras.
        network: The network to fill.
        current: Its weights, for layers that keep theirs; needed with `by_name` and `skip_mismatch`.
        by_name: Whether only layers whose names occur in the source are filled, whatever else it holds.
        skip_mismatch: Whether layers that do not fit keep their own weights instead of raising.
        dtype: Type of the weights.

    Raises:
        InputError: when the source holds other layers than the network; ShapeError when they differ in size.
        FileError: when a file is missing, damaged, or holds more than weights.

    >>> from jindan.layers import Dense
    >>> network = Network((Dense(1, name="out"),), (2,))
    >>> weights, report = weights_from({"fc.weight": np.array([[3.0, 4.0]]), "fc.bias": np.zeros(1)}, network)
    >>> weights[0]["kernel"].tolist(), report.taken
    ([[3.0], [4.0]], [("layer 1, Dense 'out'", ('fc.weight', 'fc.bias'))])
    """
    groups, where = _groups(source, any("query.kernel" in name for spec in network.specs for name in spec))
    origins = {group.origin for group in groups}
    if origins == {"jindan"}:
        units = _whole_layers(network)
    else:
        units = units_of(network, split="torch" in origins)
    pairs = matched(units, groups, where, by_name, skip_mismatch)
    full, report = _filled(pairs, network, current, skip_mismatch, dtype)
    taken = {ours for ours, _ in report.taken}
    report.untouched.extend(unit.title for unit in units if unit.title not in taken)
    used = {names for _, names in report.taken}
    report.left_over.extend(group.title for group in groups if group.full_names not in used)
    if report.untouched and current is None:
        raise InputError(
            "Some layers got no weights.", where=where, expected="weights for every layer",
            received="; ".join(report.untouched), help="Give current=, the weights they keep.",
        )  # fmt: skip
    for note in report.notes:
        warnings.warn(note, JindanWarning, stacklevel=2)
    return tuple({n: found[n] for n in spec} for found, spec in zip(full, network.specs, strict=True)), report


def _filled(
    pairs: list[tuple[Unit, Group]], network: Network, current: Weights | None, skip_mismatch: bool, dtype: Any
) -> tuple[list[dict[str, Any]], Transfer]:
    """The weights with those of the pairs in their places, and what was taken."""
    full: list[dict[str, Any]] = [{} for _ in network.layers] if current is None else [dict(w) for w in current]
    report = Transfer()
    for unit, group in pairs:
        try:
            found = converted(unit, group)
        except InputError:
            if not skip_mismatch:
                raise
            continue
        full[unit.index].update({unit.prefix + n: np.array(a, dtype=dtype, order="C") for n, a in found.items()})
        report.taken.append((unit.title, group.full_names))
        report.notes.extend(_notes(unit, group))
    return full, report


# -- sources -----------------------------------------------------------------------------------------------------


def _groups(source: Any, attention: bool) -> tuple[list[Group], str]:
    """The layers of a source, and what messages call it."""
    if isinstance(source, (str, Path)):
        path = Path(source)
        if path.is_dir() and (path / folders.WEIGHTS).is_file():
            path = path / folders.WEIGHTS
        where, suffix = str(path), path.suffix.lower()
        if suffix == ".safetensors" or _is_safetensors(path):
            groups = _safetensors_groups(path, attention)
        elif suffix in TORCH:
            groups = torch_groups(read_torch(path), attention=attention)
        elif suffix in KERAS:
            groups = keras_file_groups(path)
        else:
            raise FileError(
                "Weights are not read from files of this kind.", where=path,
                expected=f"a name that ends in {', '.join(('.safetensors', *TORCH, *KERAS))}",
                received=suffix or "no ending", help="Files of pickle can run code and are never opened.",
            )  # fmt: skip
    elif is_keras(source):
        groups, where = list(keras_groups(source)), f"the Keras model {source.name!r}"
    elif hasattr(source, "state_dict") and hasattr(source, "named_modules"):
        where = type(source).__name__
        groups = torch_groups(arrays_of(source.state_dict(), where), source, attention=attention)
    elif isinstance(source, Mapping):
        where = "the mapping of weights"
        arrays = arrays_of(source, where)
        # What was read from a safetensors file is sorted by name: biases stand before weights.
        kept = hasattr(source, "_metadata") or list(arrays) != sorted(arrays) or not _several(arrays)
        groups = _grouped(arrays, None, kept, attention)
    else:
        raise InputError(
            "Weights cannot be taken from this.", where="weights_from",
            expected="a file, a PyTorch module or state_dict, a Keras model, or names and arrays",
            received=type(source).__name__, help="For a list of arrays: model.set_weights([…]).",
        )  # fmt: skip
    if not groups:
        raise InputError("There are no weights in the source.", where=where, expected="layers with weights")
    return groups, where


def _is_safetensors(path: Path) -> bool:
    """Whether a file of any name begins as safetensors do: the length of a JSON object, and its brace."""
    try:
        with path.open("rb") as file:
            head = file.read(9)
        return head[8:] == b"{" and int.from_bytes(head[:8], "little") <= path.stat().st_size - 8
    except OSError:
        return False


def _safetensors_groups(path: Path, attention: bool) -> list[Group]:
    from safetensors import SafetensorError, safe_open

    arrays: dict[str, np.ndarray] = {}
    try:
        with safe_open(str(path), "numpy") as file, safe_open(str(path), "flax") as half:
            names = (file.metadata() or {}).get("layer_names")
            for name in file.keys():  # noqa: SIM118 (no mapping)
                plain = file.get_slice(name).get_dtype() != "BF16"  # NumPy has no such type
                arrays[name] = file.get_tensor(name) if plain else np.asarray(half.get_tensor(name)).astype(np.float32)
    except (SafetensorError, OSError, ValueError, TypeError):
        arrays, names = folders.read_arrays(path), None  # which says what is wrong with it
    return _grouped(dict(sorted(arrays.items())), names, False, attention)


def _several(arrays: dict[str, np.ndarray]) -> bool:
    """Whether some layer has several arrays."""
    return len({name.rpartition(".")[0] for name in arrays}) < len(arrays)


def _grouped(arrays: dict[str, np.ndarray], names: str | None, ordered: bool, attention: bool) -> list[Group]:
    """Arrays by layer: those of jindan are "0.kernel", "0.bias", … ; all others are read as PyTorch names them."""
    foreign = ("weight", "running_mean", "running_var", "num_batches_tracked", "in_proj_weight", "q_proj_weight")
    lasts = {name.rpartition(".")[2] for name in arrays}
    ours = all(re.match(r"\d+\.", name) for name in arrays) and not lasts & {*foreign}
    if not ours or any(re.match(r"(weight|bias)_(ih|hh)", last) for last in lasts):
        found = torch_groups(arrays, attention=attention)
        return found if ordered else in_no_order(found)
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        index, _, rest = name.partition(".")
        layers.setdefault(index, {})[rest] = array
    called = _layer_names(names)
    return [
        Group(tuple(name for name in (called.get(index), index) if name), layers[index], "jindan")
        for index in sorted(layers, key=int)
    ]


def _layer_names(text: str | None) -> dict[str, str]:
    """The names a file of jindan's gives its layers, by their number there."""
    try:
        found = json.loads(text or "[]")
    except (ValueError, RecursionError):
        return {}
    return {str(i): str(name) for i, name in enumerate(found) if name} if isinstance(found, list) else {}


def _whole_layers(network: Network) -> list[Unit]:
    """Each layer with weights as one unit."""
    found = []
    for i, layer in enumerate(network.layers):
        if network.specs[i]:
            found.append(Unit(i, layer, "", network.specs[i], names_of(layer), network.title(i), type(layer).__name__))
    return found


# -- what fits and yet differs -----------------------------------------------------------------------------------


def _notes(unit: Unit, group: Group) -> list[str]:
    """What makes a layer compute something else although its weights fit."""
    own_names = group.origin == "torch" and set(group.arrays) == set(unit.specs)  # Keras's names, maker unknown
    if group.origin not in EPSILON or not hasattr(unit.layer, "epsilon") or own_names:
        return []
    name, default = EPSILON[group.origin]
    theirs, known = group.facts.get(name, default), name in group.facts
    if type(unit.layer).__name__ == "RMSNormalization" and not known:
        return []
    if theirs is None or np.isclose(theirs, unit.layer.epsilon, rtol=1e-6):
        return []
    return [
        f"{unit.title} has epsilon={unit.layer.epsilon:g}; the source {'has' if known else 'has, by default,'} "
        f"{theirs:g}: its outputs differ a little until both are equal."
    ]
