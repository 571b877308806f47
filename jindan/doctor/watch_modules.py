"""Single modules of PyTorch as layers of jindan, by class."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import layers as L
from ..layers.base import Layer
from .watch_chain import NoCounterpart


def _pair(value: Any, axes: int) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes


def _shape_of(values: tuple[int, ...]) -> Any:
    return values if len(values) > 1 else values[0]


def _padded(sides: tuple[int, ...]) -> list[Layer]:
    """Zeros on both sides of each axis."""
    if not any(sides):
        return []
    return [L.ZeroPadding1D(sides[0]) if len(sides) == 1 else L.ZeroPadding2D(sides)]


def _linear(module: Any) -> list[Layer]:
    return [L.Dense(module.out_features, use_bias=module.bias is not None)]


def _convolution(module: Any) -> list[Layer]:
    axes = len(module.kernel_size)
    if module.padding_mode != "zeros":
        raise NoCounterpart("padded-otherwise", mode=module.padding_mode)
    name, before = "valid", []
    if isinstance(module.padding, str):
        name = module.padding
    elif any(module.padding):
        whole = tuple(d * (k - 1) for d, k in zip(module.dilation, module.kernel_size, strict=True))
        if all(s == 1 for s in module.stride) and tuple(2 * p for p in module.padding) == whole:
            name = "same"
        else:
            before = _padded(tuple(module.padding))
    make = L.Conv1D if axes == 1 else L.Conv2D
    layer = make(
        module.out_channels, _shape_of(tuple(module.kernel_size)), strides=_shape_of(tuple(module.stride)),
        padding=name, dilation_rate=_shape_of(tuple(module.dilation)), groups=module.groups,
        use_bias=module.bias is not None,
    )  # fmt: skip
    return [*before, layer]


def _pooling(kind: str, axes: int) -> Callable[[Any], list[Layer]]:
    def made(module: Any) -> list[Layer]:
        size = _pair(module.kernel_size, axes)
        strides, padding = _pair(module.stride or size, axes), _pair(module.padding, axes)
        odd = module.ceil_mode or any(d != 1 for d in _pair(getattr(module, "dilation", 1), axes))
        hollow = any(padding) and (kind == "Max" or not module.count_include_pad)
        if odd or hollow or getattr(module, "divisor_override", None):
            raise NoCounterpart("such-settings", name=type(module).__name__)
        layer = getattr(L, f"{kind}Pooling{axes}D")
        return [*_padded(padding), layer(_shape_of(size), strides=_shape_of(strides))]

    return made


def _whole(kind: str, axes: int) -> Callable[[Any], list[Layer]]:
    def made(module: Any) -> list[Layer]:
        if any(size != 1 for size in _pair(module.output_size, axes)):
            raise NoCounterpart("other-sizes", name=type(module).__name__)
        return [getattr(L, f"Global{kind}Pooling{axes}D")(keepdims=True)]

    return made


def batch_norm(module: Any) -> list[Layer]:
    """Batch normalisation; PyTorch's momentum is the share of the new, ours that of the old."""
    if module.momentum is None or not module.track_running_stats:
        raise NoCounterpart("no-running-averages")
    own = {"center": module.affine, "scale": module.affine}
    return [L.BatchNormalization(momentum=1 - module.momentum, epsilon=module.eps, **own)]


def _layer_norm(module: Any) -> list[Layer]:
    if len(module.normalized_shape) != 1:
        raise NoCounterpart("several-norm-axes")
    center = module.elementwise_affine and module.bias is not None
    return [L.LayerNormalization(epsilon=module.eps, center=center, scale=module.elementwise_affine)]


def _group_norm(module: Any) -> list[Layer]:
    return [L.GroupNormalization(module.num_groups, epsilon=module.eps, center=module.affine, scale=module.affine)]


MODULES: dict[str, Callable[[Any], list[Layer]]] = {
    "Linear": _linear, "Conv1d": _convolution, "Conv2d": _convolution,
    "MaxPool1d": _pooling("Max", 1), "MaxPool2d": _pooling("Max", 2),
    "AvgPool1d": _pooling("Average", 1), "AvgPool2d": _pooling("Average", 2),
    "AdaptiveAvgPool1d": _whole("Average", 1), "AdaptiveAvgPool2d": _whole("Average", 2),
    "AdaptiveMaxPool1d": _whole("Max", 1), "AdaptiveMaxPool2d": _whole("Max", 2),
    "Dropout": lambda module: [L.Dropout(module.p)], "Dropout1d": lambda module: [L.SpatialDropout1D(module.p)],
    "Dropout2d": lambda module: [L.SpatialDropout2D(module.p)], "BatchNorm2d": batch_norm,
    "AlphaDropout": lambda module: [L.AlphaDropout(module.p)],
    "LayerNorm": _layer_norm, "GroupNorm": _group_norm, "PReLU": lambda module: [L.PReLU()],
    "Embedding": lambda module: [L.Embedding(module.num_embeddings, module.embedding_dim)],
}  # fmt: skip
