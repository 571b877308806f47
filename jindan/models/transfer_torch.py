"""Weights of PyTorch: modules, state_dicts and their files, as groups; no code in a file is run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, InputError
from .transfer_parts import Group

WRAPPED = ("module.", "_orig_mod.", "model.module.")  # what DataParallel and torch.compile put before every name
HOLDERS = ("state_dict", "model_state_dict", "model", "module", "net", "weights")
RECURRENT = re.compile(r"(weight|bias)_(ih|hh|hr)(?:_l(\d+))?(_reverse)?$")
ATTENTION = ("in_proj_weight", "q_proj_weight")
ROLES = {  # what the linear maps of attention are called, beside PyTorch's own names
    "query": ("q_proj", "query", "q", "to_q", "wq", "w_q", "W_q", "q_linear", "q_lin"),
    "key": ("k_proj", "key", "k", "to_k", "wk", "w_k", "W_k", "k_linear", "k_lin"),
    "value": ("v_proj", "value", "v", "to_v", "wv", "w_v", "W_v", "v_linear", "v_lin"),
    "all": ("in_proj", "qkv", "to_qkv"),
    "output": ("out_proj", "o_proj", "out", "output", "proj", "to_out", "wo", "w_o", "W_o", "out_linear", "out_lin"),
}
ROLE_OF = {name: role for role, names in ROLES.items() for name in names}


# -- reading -----------------------------------------------------------------------------------------------------


def read_torch(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a file of `torch.save(model.state_dict(), path)`; nothing else in it is ever run.

    Raises:
        InputError: where PyTorch is missing or too old to refuse code in a file.
        FileError: where the file holds anything but arrays.
    """
    try:
        import torch
    except ImportError:
        raise InputError(
            "Reading a file of PyTorch takes PyTorch.", where=path, expected="torch", received="not installed",
            help='pip install "jindan[torch]", or save the weights as safetensors where PyTorch is.',
        ) from None  # fmt: skip
    if tuple(int(part) for part in torch.__version__.split("+")[0].split(".")[:2]) < (2, 6):
        raise InputError(
            "This PyTorch may run code that a file holds.", where=path, expected="torch 2.6 or newer (CVE-2025-32434)",
            received=torch.__version__, help="Update PyTorch, or save the weights as safetensors.",
        )  # fmt: skip
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError:
        raise FileError("A file is missing.", where=path, expected="a file of PyTorch", received="nothing") from None
    except Exception as error:  # its unpickler raises whatever the file makes it raise
        name = re.search(r"GLOBAL ([\w.]+)", str(error))  # what it would have had to run
        raise FileError(
            "The file holds more than weights, or is damaged; nothing in it was run.", where=path,
            expected="a state_dict: names and arrays",
            received=f"a pickled {name[1][:120]}" if name else "none that can be read",
            help="Where the model is: torch.save(model.state_dict(), path), or safetensors.",
        ) from None  # fmt: skip
    return arrays_of(found, path)


def arrays_of(found: Any, where: object) -> dict[str, np.ndarray]:
    """The arrays of a state_dict, or of a checkpoint that holds one, by name."""
    for _ in range(2):
        if isinstance(found, Mapping) and not any(map(_is_array, found.values())):
            inner = [found[name] for name in HOLDERS if isinstance(found.get(name), Mapping)]
            found = inner[0] if inner else found
    arrays = {str(k): array_of(v) for k, v in found.items() if _is_array(v)} if isinstance(found, Mapping) else {}
    if not arrays:
        raise InputError(
            "There are no weights in the source.", where=where, expected="names and arrays",
            received=", ".join(map(str, list(found)[:5])) if isinstance(found, Mapping) else type(found).__name__,
            help="Give model.state_dict().",
        )  # fmt: skip
    return arrays


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def array_of(value: Any) -> np.ndarray:
    """A tensor or array as NumPy; half precision of PyTorch goes by way of float32."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        if value.is_floating_point() and str(value.dtype) != "torch.float64":
            value = value.float()
        try:
            return value.numpy()
        except (TypeError, RuntimeError) as error:
            raise InputError(
                "A tensor cannot be read as an array.", where="the weights of PyTorch", expected="a dense tensor",
                received=str(error), help="Quantised and sparse tensors have to be made dense first.",
            ) from None  # fmt: skip
    return np.asarray(value)


# -- groups ------------------------------------------------------------------------------------------------------


def torch_groups(arrays: Mapping[str, np.ndarray], module: Any = None, *, attention: bool = False) -> list[Group]:
    """The arrays of a state_dict by layer, in its order; with `attention`, linear maps of that by name as one layer."""
    for head in WRAPPED:
        if all(name.startswith(head) for name in arrays):
            arrays = {name.removeprefix(head): a for name, a in arrays.items()}
    modules = {} if module is None else dict(module.named_modules())
    layers: dict[str, dict[str, np.ndarray]] = {}
    for name, array in arrays.items():
        path, _, last = name.rpartition(".")
        if last != "num_batches_tracked":
            layers.setdefault(path, {})[last] = array
    for path in [p for p, own in layers.items() if any(name in own for name in ATTENTION)]:
        inner = f"{path}.out_proj" if path else "out_proj"
        layers[path] |= {f"out_proj.{name}": a for name, a in layers.pop(inner, {}).items()}
    if attention:
        layers = _with_attention(layers)
    found: list[Group] = []
    for path, own in layers.items():
        kind, facts = _facts(modules.get(path))
        recurrent = {n: m for n in own if (m := RECURRENT.match(n))}
        if recurrent:
            found += _recurrent_groups(path, own, recurrent, kind, facts)
        elif set(own) & {"weight", "bias", "running_mean", *ATTENTION} or not _lone(own):
            found.append(Group(_names(path), own, "torch", kind, None, facts))
        else:  # parameters of a module's own, such as a table of positions
            found += [Group(_names(f"{path}.{n}".strip(".")), {"": a}, "torch") for n, a in own.items()]
    return found


def _with_attention(layers: dict[str, dict[str, np.ndarray]]) -> dict[str, dict[str, np.ndarray]]:
    """Linear maps side by side that are called as those of attention are, as one layer."""
    roles: dict[str, set[str]] = {}
    for path in layers:
        parent, _, last = path.rpartition(".")
        if last in ROLE_OF:
            roles.setdefault(parent, set()).add(ROLE_OF[last])
    whole = {p for p, own in roles.items() if own in ({"query", "key", "value", "output"}, {"all", "output"})}
    found: dict[str, dict[str, np.ndarray]] = {}
    for path, own in layers.items():
        parent, _, last = path.rpartition(".")
        if parent in whole and last in ROLE_OF:
            found.setdefault(parent, {}).update({f"{last}.{name}": a for name, a in own.items()})
        else:
            found.setdefault(path, {}).update(own)
    return found


def _names(path: str) -> tuple[str, ...]:
    return (path, path.replace(".", "_")) if "." in path else (path,)


def _lone(own: dict[str, np.ndarray]) -> bool:
    """Whether arrays of a module are not those of a layer known by our names."""
    known = {"kernel", "gamma", "beta", "embeddings", "moving_mean", "recurrent_kernel"}
    return not set(own) & known and not any("." in name for name in own)


def _facts(module: Any) -> tuple[str | None, dict[str, Any]]:
    """The class of a module and its settings that matter here."""
    if module is None:
        return None, {}
    names = ("eps", "num_heads", "mode", "nonlinearity")
    return type(module).__name__, {name: getattr(module, name) for name in names if hasattr(module, name)}


def _recurrent_groups(path: str, own: dict, matched: dict, kind: str | None, facts: dict) -> list[Group]:
    """One group a layer and direction of a recurrent module."""
    parts: dict[tuple[int, bool], dict[str, np.ndarray]] = {}
    for name, array in own.items():
        hit = matched.get(name)
        if hit is None:
            parts.setdefault((0, False), {})[name] = array
            continue
        parts.setdefault((int(hit[3] or 0), bool(hit[4])), {})[name] = array
    both, several = any(back for _, back in parts), max(layer for layer, _ in parts) > 0
    found = []
    for (layer, back), arrays in sorted(parts.items()):
        side = "backward" if back else "forward"
        stems = [] if several else [path]
        stems += [f"{path}.l{layer}".strip("."), f"{path}_l{layer}".strip("_")]
        names = [f"{stem}.{side}".strip(".") if both else stem for stem in stems]
        found.append(Group(tuple(names), arrays, "torch", kind, None, facts))
    return found
