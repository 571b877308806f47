"""The layouts of PyTorch turned into Keras's: kernels transposed, channels last, gates in another order."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

from .transfer_parts import Group, Unit, need, refuse
from .transfer_torch import RECURRENT, ROLE_OF

PARTS = ("query", "key", "value")
NAMES_HELP = "Layers are matched in order; give them the names they have in the source to match by name."
FAMILIES: dict[str, Callable[[str], bool]] = {  # a module's class → whether a layer of ours can have its weights
    "Linear": lambda ours: ours in ("Dense", "Maxout"),
    "Embedding": lambda ours: ours in ("Embedding", "PositionEmbedding"),
    "Conv": lambda ours: "Conv" in ours and "Transpose" not in ours,
    "ConvTranspose": lambda ours: ours.endswith("Transpose"),
    "BatchNorm": lambda ours: ours == "BatchNormalization",
    "LayerNorm": lambda ours: ours == "LayerNormalization",
    "GroupNorm": lambda ours: ours == "GroupNormalization",
    "RMSNorm": lambda ours: ours == "RMSNormalization",
    "LSTM": lambda ours: ours == "LSTM",
    "GRU": lambda ours: ours == "GRU",
    "RNN": lambda ours: ours == "SimpleRNN",
    "MultiheadAttention": lambda ours: ours == "MultiHeadAttention",
    "PReLU": lambda ours: ours == "PReLU",
}


def from_torch(unit: Unit, group: Group) -> dict[str, np.ndarray]:
    """A unit's weights from a group of PyTorch's.

    Raises:
        ShapeError: where they are those of another kind of layer, or of another size.
    """
    _same_class(unit, group)
    specs = unit.specs
    if set(group.arrays) == set(specs):  # arrays under Keras's names have Keras's layouts
        given = dict(group.arrays)
    elif "query.kernel" in specs:
        given = _attention(unit, group)
    elif "recurrent_kernel" in specs:
        given = _recurrent(unit, group)
    elif set(specs) & {"gamma", "beta", "moving_mean", "moving_variance"}:
        given = _normalization(unit, group)
    else:
        given = _plain(unit, group)
    missing = [name for name in specs if name not in given]
    if missing:
        raise refuse(
            unit, group, f"The source has no {' and no '.join(missing)} for this layer.", _wanted(unit),
            "Is it another kind of layer? use_bias=False, center=False and scale=False leave arrays out.",
        )  # fmt: skip
    return {name: need(unit, group, name, given[name]) for name in specs}


def _wanted(unit: Unit) -> str:
    return ", ".join(f"{name} {tuple(weight.shape)}" for name, weight in unit.specs.items())


def _only(unit: Unit, group: Group, *names: str) -> None:
    """Refuse a group with arrays of other names: it is that of another kind of layer."""
    if set(group.arrays) - set(names):
        raise refuse(
            unit, group, "The source has another kind of layer here.", f"{_wanted(unit)}, from {', '.join(names)}",
            NAMES_HELP,
        )  # fmt: skip


def _same_class(unit: Unit, group: Group) -> None:
    """Refuse a module of a class that is known to be another one than the layer's."""
    ours = type(unit.layer).__name__.removesuffix("Cell")
    fits = FAMILIES.get(re.sub(r"[123]d$|Cell$", "", group.kind or ""))
    if fits is not None and not fits(ours):
        raise refuse(unit, group, f"The source has {group.kind} here.", f"the weights of {ours}", NAMES_HELP)
    heads = getattr(unit.layer, "num_heads", None)
    if group.facts.get("num_heads", heads) != heads:
        theirs = group.facts["num_heads"]
        raise refuse(unit, group, f"The source has {theirs} heads here.", f"{heads} heads", f"num_heads={theirs}.")


def _plain(unit: Unit, group: Group) -> dict[str, np.ndarray]:
    """Weights of layers with one array, and perhaps a bias."""
    name = next(iter(unit.specs))
    wanted = unit.specs[name].shape
    if set(group.arrays) == {""}:  # a parameter of a module's own
        array = group.arrays[""]
        while array.ndim > len(wanted) and array.shape[0] == 1:
            array = array[0]
        return {name: array}
    _only(unit, group, "weight", *(["bias"] if "bias" in unit.specs else []))
    given = {key: array for key, array in group.arrays.items() if key == "bias"}
    weight = group.arrays.get("weight")
    if weight is None:
        return given
    if name == "alpha":
        weight = _in_order(weight, unit.order_in)
        given[name] = np.broadcast_to(weight, wanted) if weight.shape in ((1,), wanted[-1:]) else weight
    elif name.endswith("kernel"):
        given[name] = _kernel(unit, group, name, weight)
    else:
        given[name] = weight
    if name == "kernel" and weight.ndim == 2:
        given = {key: _in_order(array, unit.order_out) for key, array in given.items()}
    return given


def _in_order(array: np.ndarray, order: np.ndarray | None) -> np.ndarray:
    """The last axis in another order, where it has that length."""
    return array if order is None or array.shape[-1] != len(order) else array[..., order]


def _kernel(unit: Unit, group: Group, name: str, weight: np.ndarray) -> np.ndarray:
    """A kernel with the axes in our order."""
    wanted, ours = unit.specs[name].shape, type(unit.layer).__name__
    if weight.ndim != len(wanted):
        raise refuse(
            unit, group, "The source has another kind of layer here.", f"weight of {len(wanted)} axes", NAMES_HELP
        )
    space = tuple(range(2, weight.ndim))
    if weight.ndim == 2:
        return _in_order(weight, unit.order_in).T
    if name == "depthwise_kernel" or "Depthwise" in ours:  # (channels · multiplier, 1, …) → (…, channels, multiplier)
        channels, multiplier = wanted[-2:]
        if weight.shape[:2] != (channels * multiplier, 1):
            raise refuse(
                unit, group, "The source has no convolution by channel here.",
                f"weight ({channels * multiplier}, 1, …): groups={channels}", "Use Conv2D for a plain convolution.",
            )  # fmt: skip
        parted = weight.reshape(channels, multiplier, *weight.shape[2:])
        return parted.transpose(*(axis for axis in range(2, parted.ndim)), 0, 1)
    # (out, in, …) → (…, in, out); transposed: (in, out, …) → (…, out, in).
    return weight.transpose(*space, 1, 0)


def _normalization(unit: Unit, group: Group) -> dict[str, np.ndarray]:
    """γ, β and the running moments."""
    pairs = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}
    _only(unit, group, *(theirs for theirs, ours in pairs.items() if ours in unit.specs))
    return {  # LayerNorm over whole images has their channels first
        pairs[name]: np.moveaxis(array, 0, -1) if array.ndim > 2 else _in_order(array, unit.order_in)
        for name, array in group.arrays.items()
    }


def _recurrent(unit: Unit, group: Group) -> dict[str, np.ndarray]:
    """Kernels and biases of one recurrent layer and direction, the gates in Keras's order."""
    named = {f"{m[1]}_{m[2]}": a for n, a in group.arrays.items() if (m := RECURRENT.match(n))}
    allowed = ["weight_ih", "weight_hh", *(["bias_ih", "bias_hh"] if "bias" in unit.specs else [])]
    if len(named) != len(group.arrays) or set(named) != set(allowed):
        raise refuse(
            unit, group, "The source has another kind of layer here.", f"{', '.join(allowed)} of one layer",
            "Projections (proj_size) are not known here; bias=False there is use_bias=False here.",
        )  # fmt: skip
    gates = unit.specs["kernel"].shape[1] // unit.specs["recurrent_kernel"].shape[0]
    if gates == 3:
        named = {name: _swapped(array) for name, array in named.items()}
    given = {"kernel": named["weight_ih"].T, "recurrent_kernel": named["weight_hh"].T}
    if "bias" in unit.specs:
        first, second = named["bias_ih"], named["bias_hh"]
        if gates == 3 and len(unit.specs["bias"].shape) == 1:
            raise refuse(
                unit, group, "PyTorch's GRU resets after the product with the state.", "GRU(reset_after=False)",
                "Build the layer with reset_after=True, the default.",
            )  # fmt: skip
        given["bias"] = np.stack([first, second]) if gates == 3 else first + second
    return given


def _swapped(array: np.ndarray) -> np.ndarray:
    """Blocks (r, z, n) as (z, r, n): the gates of a GRU."""
    if len(array) % 3:
        return array
    r, z, n = np.split(array, 3)
    return np.concatenate([z, r, n])


def _attention(unit: Unit, group: Group) -> dict[str, np.ndarray]:
    """Projections by head: (out, in) → (in, heads, length)."""
    arrays: dict[tuple[str, str], np.ndarray] = {}
    for name, array in group.arrays.items():
        hit = re.match(r"(.+)[._](weight|bias)$", name)
        role, what = (ROLE_OF.get(hit[1]), hit[2]) if hit else (None, "")
        if role is None or (what == "bias" and "query.bias" not in unit.specs):
            raise refuse(
                unit, group, "The source has another kind of layer here.", _wanted(unit),
                "Layers are matched in order; use_bias=False is for attention without biases.",
            )  # fmt: skip
        if role == "all" and len(array) % 3 == 0:
            arrays |= {(part, what): piece for part, piece in zip(PARTS, np.split(array, 3), strict=True)}
        else:
            arrays[role, what] = array
    given = {}
    for part in (*PARTS, "output"):
        form = unit.specs[f"{part}.kernel"].shape
        size = (form[0], form[1] * form[2]) if part != "output" else (form[0] * form[1], form[2])
        if (part, "weight") in arrays:
            kernel = arrays[part, "weight"].T
            given[f"{part}.kernel"] = kernel.reshape(form) if kernel.shape == size else kernel
        if (part, "bias") in arrays:
            bias, wanted = arrays[part, "bias"], unit.specs[f"{part}.bias"].shape
            given[f"{part}.bias"] = bias.reshape(wanted) if bias.size == np.prod(wanted) else bias
    return given
