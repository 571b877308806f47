"""Weights of Keras: models, .keras and .weights.h5 files (and the older .h5), as groups; no code in a file is run."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, InputError, ShapeError
from ..layers.standardize import Normalization
from ..utils import snake_case
from .transfer_parts import UNORDERED, Group, Unit, natural, need, refuse
from .transfer_torch import array_of

ATTENTION = ("query", "key", "gate", "value", "output")
LAYERS = ("layers", "_layer_checkpoint_dependencies")  # Keras 3, and the last of Keras 2
DEFLATE = 1100  # gzip makes numbers smaller by at most this
FILED = {"group_query_attention": "grouped_query_attention"}  # what a file calls a layer whose class has another name
SIDES = (("forward_layer", "forward"), ("backward_layer", "backward"))


# -- reading -----------------------------------------------------------------------------------------------------


def keras_file_groups(path: Path) -> list[Group]:
    """The layers with weights of a .keras, .weights.h5 or .h5 file.

    Raises:
        FileError: where the file is missing or damaged, or refers to other files.
    """
    h5py = _h5py(path)
    try:
        if not zipfile.is_zipfile(path):
            with h5py.File(path, "r") as file:
                old = "layer_names" in _root(file, h5py).attrs
                return list(_legacy(file, h5py) if old else _tree(file, None, h5py))
        with zipfile.ZipFile(path) as archive:
            config = json.loads(archive.read("config.json"))
            with h5py.File(BytesIO(archive.read("model.weights.h5")), "r") as file:
                return list(_tree(file, config, h5py))
    except FileNotFoundError:
        raise FileError("A file is missing.", where=path, expected="a file of Keras", received="nothing") from None
    except InputError:
        raise
    except (OSError, KeyError, ValueError, TypeError, AttributeError, zipfile.BadZipFile, RecursionError) as error:
        raise FileError(
            "The file is damaged, or none of Keras's.", where=path, expected="what model.save(…) of Keras wrote",
            received=str(error) or type(error).__name__, help='model.save("m.keras") or save_weights("m.weights.h5").',
        ) from None  # fmt: skip


def _h5py(path: Path) -> Any:
    try:
        import h5py
    except ImportError:
        raise InputError(
            "Reading a file of Keras takes h5py.", where=path, expected="h5py", received="not installed",
            help='pip install "jindan[keras]", or save the weights as safetensors.',
        ) from None  # fmt: skip
    return h5py


def _members(group: Any, h5py: Any) -> list[str]:
    """The names in a group, dense_2 before dense_10; links that lead out of the file are refused."""
    for name in group:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise FileError(
                "The file refers to another file or place.", where=f"{group.name}/{name}", expected="weights",
                received="a link", help="Do not trust this file.",
            )  # fmt: skip
    return sorted(group, key=natural)


def _array(dataset: Any, h5py: Any) -> np.ndarray:
    """The numbers of a dataset that are in this very file."""
    most = dataset.id.get_storage_size() * (1 if dataset.compression is None else DEFLATE)
    if dataset.external or dataset.is_virtual or dataset.nbytes > most:
        raise FileError(
            "The file does not hold the numbers it speaks of.", where=dataset.name, expected="weights",
            received="numbers of another file, or none", help="Do not trust this file.",
        )  # fmt: skip
    value = np.asarray(dataset[()])
    if dataset.attrs.get("dtype") == "bfloat16":
        from jax.numpy import bfloat16

        value = value.view(bfloat16)
    return value


# -- Keras 3: one group of the file a layer ----------------------------------------------------------------------


def _tree(node: Any, config: Any, h5py: Any, top: bool = True) -> Iterator[Group]:
    """The layers of a model: in the order of its config, or numbered within each class where there is none."""
    inner = _members(node, h5py)
    layers = next((node[name] for name in LAYERS if name in inner), node)
    present = _members(layers, h5py)
    inside = (config or {}).get("config", {}) if isinstance(config, dict) else {}
    listed = inside.get("layers") if isinstance(inside, dict) else None
    if listed is None:
        members, configs = present, {}
    else:
        keys = list(_keys(listed))
        configs = dict(zip(keys, listed, strict=True))
        members = [key for key in keys if key in present or configs[key]["class_name"] == "Normalization"]
    for key in members:
        known = configs.get(key, {}).get("config", {})
        given = list(_given(known.get("name", key), known)) if key.startswith("normalization") else []
        if given or key not in present:
            yield from given
            continue
        if key not in ("vars", "seed_generator") and isinstance(layers[key], h5py.Group):
            kind = _stem(key)
            place = int(key[len(kind) + 1 :] or 0)
            place_known = None if listed is not None else (place if top else UNORDERED)
            yield from _layer(layers[key], kind, place_known, None, configs.get(key), h5py)


def _keys(listed: list[Any]) -> Iterator[str]:
    """What Keras calls each layer of a list in a file: its class in snake case, numbered from the second on."""
    seen: dict[str, int] = {}
    for found in listed:
        name = snake_case(found["class_name"])
        name = FILED.get(name, name)
        seen[name] = seen.get(name, -1) + 1
        yield f"{name}_{seen[name]}" if seen[name] else name


def _stem(key: str) -> str:
    """What Keras calls a layer in a file, without its number: its class."""
    stem, _, number = key.rpartition("_")
    return stem if number.isdigit() and stem else key


def _layer(node: Any, kind: str, place: int | None, name: str | None, config: Any, h5py: Any) -> Iterator[Group]:
    """A layer of a file, or those it holds."""
    kind = next((name for name, filed in FILED.items() if filed == kind), kind)
    inner = _members(node, h5py)
    own: Any = node["vars"] if "vars" in inner else {}
    called = name or str(getattr(own, "attrs", {}).get("name", node.name.rsplit("/")[-1]))
    settings = config.get("config", {}) if isinstance(config, dict) else {}
    if set(LAYERS) & set(inner):
        yield from _tree(node, config, h5py, top=False)
    elif "forward_layer" in inner:
        for held, side in SIDES:
            yield from _layer(node[held], kind, place, f"{called}.{side}", None, h5py)
    elif {"query_dense", "_query_dense"} & set(inner):
        arrays = {}
        dense = {name.removeprefix("_").removesuffix("_dense"): node[name] for name in inner if name.endswith("_dense")}
        for part in (name for name in ATTENTION if name in dense):
            _members(dense[part], h5py)
            numbers = dense[part]["vars"]
            for number, what in zip(_members(numbers, h5py), ("kernel", "bias"), strict=False):
                arrays[f"{part}.{what}"] = _array(numbers[number], h5py)
        yield Group((called,), arrays, "keras", kind, place, settings)
    elif "cell" in inner and "cells" not in node["cell"]:
        yield from _layer(node["cell"], kind, place, called, config, h5py)
    elif "cell" in inner:
        cells, told = node["cell/cells"], settings.get("cell", {}).get("config", {}).get("cells")
        for at, key in enumerate(_members(cells, h5py) if told is None else _keys(told)):
            # Without settings they are sorted by class: each class is matched by itself.
            own_name = None if told is None else f"{called}.cell.{at}"
            yield from _layer(cells[key], _stem(key), place, own_name, None, h5py)
    elif kind == "spectral_normalization":  # the kernel stands there twice
        others = _members(node["layer/vars"], h5py)[1:]
        found = [*(own[n] for n in _members(own, h5py)), *(node["layer/vars"][n] for n in others)]
        yield Group((called,), {str(i): _array(a, h5py) for i, a in enumerate(found)}, "keras", kind, place, settings)
    else:
        arrays = {number: _array(own[number], h5py) for number in (_members(own, h5py) if len(own) else ())}
        if arrays:
            yield Group((called,), arrays, "keras", kind, place, settings)
        for held in inner:
            if held not in ("vars", "seed_generator") and isinstance(node[held], h5py.Group):
                wrapped = called if held == "layer" else None
                yield from _layer(node[held], kind, place, wrapped, settings.get(held), h5py)


# -- before Keras 3 ----------------------------------------------------------------------------------------------


def _root(file: Any, h5py: Any) -> Any:
    return file["model_weights"] if "model_weights" in _members(file, h5py) else file


def _legacy(file: Any, h5py: Any) -> Iterator[Group]:
    """The layers of an .h5 file of Keras 2, which lists them in order with the names of their weights."""
    root = _root(file, h5py)
    _members(root, h5py)
    for layer in map(_text, root.attrs["layer_names"]):
        paths = [_text(path) for path in root[layer].attrs["weight_names"]]
        arrays: dict[str, dict[str, np.ndarray]] = {}
        for path in paths:
            side = next((f".{side}" for _, side in SIDES if f"/{side}_" in f"/{path}"), "")
            node = root[layer]
            for step in path.strip("/").split("/"):
                _members(node, h5py)
                node = node[step]
            arrays.setdefault(side, {})[path] = _array(node, h5py)
        for side, own in arrays.items():
            yield Group((f"{layer}{side}",), own, "keras")


def _text(value: Any) -> str:
    return value.decode("utf-8") if isinstance(value, bytes) else str(value)


# -- models in memory --------------------------------------------------------------------------------------------


def is_keras(source: Any) -> bool:
    """Whether something is a model of Keras, without importing it."""
    return any(base.__module__.split(".")[0] in ("keras", "tf_keras") for base in type(source).__mro__) and hasattr(
        source, "layers"
    )


def keras_groups(layer: Any, name: str | None = None) -> Iterator[Group]:
    """The layers with weights of a model of Keras, in its order."""
    held = getattr(layer, "layers", None)
    if held:
        for inner in held:
            yield from keras_groups(inner)
        return
    called = name or layer.name
    if hasattr(layer, "forward_layer"):
        for attribute, side in SIDES:
            yield from keras_groups(getattr(layer, attribute), f"{called}.{side}")
        return
    stack = getattr(getattr(layer, "cell", None), "cells", None)
    if stack is not None:
        for place, cell in enumerate(stack):
            yield from keras_groups(cell, f"{called}.cell.{place}")
        return
    if hasattr(getattr(layer, "layer", None), "weights") and not hasattr(layer, "vector_u"):
        yield from keras_groups(layer.layer, called)
        return
    if type(layer).__name__ == "Normalization" and not layer.weights:
        yield from _given(called, {"mean": layer.input_mean, "variance": layer.input_variance})
        return
    values = [getattr(w, "value", w) for w in layer.weights]
    arrays = [array_of(value() if callable(value) else value) for value in values]
    if arrays:
        settings = {n: getattr(layer, n) for n in ("epsilon", "num_heads") if hasattr(layer, n)}
        numbered, kind = {str(i): a for i, a in enumerate(arrays)}, snake_case(type(layer).__name__)
        yield Group((called,), numbered, "keras", kind, None, settings)


# -- layouts -----------------------------------------------------------------------------------------------------


def from_keras(unit: Unit, group: Group) -> dict[str, np.ndarray]:
    """A unit's weights from those of a layer of Keras, which come in the same order and layout.

    Raises:
        ShapeError: where they are those of another kind of layer, or of another size.
    """
    if isinstance(unit.layer, Normalization):
        group = _statistics(unit, group)
    ours = {snake_case(type(unit.layer).__name__), snake_case(unit.family)}
    named = set(group.arrays) == set(unit.specs)
    if not named and len(group.arrays) != len(unit.specs):
        raise _another(unit, group)
    pairs = zip(unit.specs, (group.arrays[n] for n in unit.specs) if named else group.arrays.values(), strict=True)
    try:
        return {name: need(unit, group, name, array) for name, array in pairs}
    except ShapeError:
        if group.kind is None or group.kind in ours:
            raise
        raise _another(unit, group) from None


def _statistics(unit: Unit, group: Group) -> Group:
    """Mean and variance of a Normalization: without the count that Keras adapts by, each in the unit's shape."""
    arrays = dict(list(group.arrays.items())[:2])
    forms = [tuple(weight.shape) for weight in unit.specs.values()]
    try:
        fitted = {n: np.broadcast_to(np.squeeze(a), form) for (n, a), form in zip(arrays.items(), forms, strict=True)}
    except ValueError:
        return group  # refused below, with the shapes
    return replace(group, arrays=fitted)


def _given(called: str, settings: dict[str, Any]) -> Iterator[Group]:
    """The statistics that a Normalization was given as settings: Keras keeps these out of its weights."""
    if settings.get("mean") is not None and settings.get("variance") is not None:
        arrays = {name: np.asarray(settings[name], np.float64) for name in ("mean", "variance")}
        yield Group((called,), arrays, "keras", "normalization", None, settings)


def _another(unit: Unit, group: Group) -> ShapeError:
    wanted = ", ".join(f"{name} {tuple(weight.shape)}" for name, weight in unit.specs.items())
    return refuse(
        unit, group, f"The source has another layer here{f': {group.kind}' if group.kind else ''}.", wanted,
        "Layers are matched in order; give them the names they have in the source to match by name.",
    )  # fmt: skip
