"""A module of PyTorch as layers of jindan: the same computation, channels last."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from .. import layers as L
from ..errors import InputError
from ..layers.base import Layer
from .watch_chain import RECURRENT, NoCounterpart, Step, chain_of
from .watch_modules import MODULES, batch_norm
from .watch_notes import Note

NAMES = {  # modules without settings → our activations
    "ReLU": "relu", "ReLU6": "relu6", "SELU": "selu", "SiLU": "silu", "Mish": "mish", "Sigmoid": "sigmoid",
    "Tanh": "tanh", "Softsign": "softsign", "Hardsigmoid": "hard_sigmoid", "Hardswish": jax.nn.hard_swish,
    "LogSigmoid": jax.nn.log_sigmoid, "GELU": "gelu", "Softplus": "softplus", "Softmax": "softmax",
    "LogSoftmax": "log_softmax", "ELU": "elu", "CELU": "elu", "Hardtanh": jax.nn.hard_tanh, "LeakyReLU": "leaky_relu",
    "Identity": "linear", "exp": "exponential",
}  # fmt: skip
SPATIAL = ("Conv", "MaxPool", "AvgPool", "AdaptiveAvgPool", "AdaptiveMaxPool", "BatchNorm2d", "Dropout2d", "GroupNorm")
CLOSE = 1e-3  # of the largest output: float32 sums in another order stay far below, another computation far above


@dataclass(frozen=True)
class Part:
    """A layer, and the module whose weights it has.

    Attributes:
        layer: The layer.
        path: The module's name; None where the layer has no weights.
    """

    layer: Layer
    path: str | None = None


@dataclass(frozen=True)
class Converted:
    """A module in jindan's layers.

    Attributes:
        parts: The layers.
        moved: Whether axis 1 of the inputs (channels) goes to the end.
        notes: What differs although the outputs agree.
    """

    parts: tuple[Part, ...]
    moved: bool
    notes: tuple[Note, ...] = ()

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The layers alone."""
        return tuple(part.layer for part in self.parts)

    def inputs(self, x: np.ndarray) -> np.ndarray:
        """Rows as the layers take them.

        Args:
            x: Rows as the module takes them, (rows, channels, …) for images.
        """
        return np.moveaxis(x, 1, -1) if self.moved else x


def layers_of(module: Any, shape: tuple[int, ...]) -> Converted:
    """The layers that compute what a module does.

    Args:
        module: A torch.nn.Module; tracing runs its forward method, so that a copy is best given.
        shape: Shape of one row as the module takes it.

    Raises:
        NoCounterpart: where there are no such layers.
    """
    steps = chain_of(module)
    if not steps:
        raise NoCounterpart("computes-nothing")
    build = _Build(shape, steps)
    for step in steps:
        try:
            build.add(step)
        except (InputError, IndexError) as error:
            raise NoCounterpart("layer-refuses", name=_named(step), said=getattr(error, "what", error)) from None
    if len(build.shape) > 1 and not build.last:
        raise NoCounterpart("channels-before")
    return Converted(tuple(build.parts), build.moved, tuple(build.notes))


def _named(step: Step) -> str:
    """What a step is called: its kind and its name in the module."""
    return f"{step.kind} {step.path}".strip()


class _Build:
    """Layers as they come, with the shape of a row and where its channels are."""

    def __init__(self, shape: tuple[int, ...], steps: list[Step]) -> None:
        first = next((s.kind for s in steps if s.kind not in NAMES and s.kind not in ("Dropout", "reshape")), "")
        self.moved = len(shape) == 3 or (len(shape) == 2 and first.startswith(SPATIAL))
        self.shape = (*shape[1:], shape[0]) if self.moved else tuple(shape)
        self.last = not self.moved  # whether channels are last in the module too
        self.parts: list[Part] = []
        self.notes: list[Note] = []
        self.used: set[int] = set()  # weights that a layer has

    def add(self, step: Step) -> None:
        """Put a step on top."""
        own = {id(weight) for weight in step.module.parameters()} if step.module is not None else set()
        if own & self.used:
            raise NoCounterpart("shared-weights", name=step.path)
        self.used |= own
        if step.kind in NAMES:
            self._activation(step)
        elif step.kind in RECURRENT:
            self._recurrent(step)
        elif step.kind in OWN:
            OWN[step.kind](self, step)
        elif step.kind in MODULES:
            self._check_order(step)
            for layer in MODULES[step.kind](step.module):
                self.put(layer, step.path)
        else:
            raise NoCounterpart("no-layer", name=_named(step))

    def put(self, layer: Layer, path: str = "") -> None:
        """One more layer."""
        specs = layer.weights(self.shape)
        name = path.replace(".", "_") if specs and path and not path.isdigit() else None
        if any(part.path == path for part in self.parts if part.path is not None):
            name = None  # one module of several layers
        self.parts.append(Part(layer.replace(name=name), path if specs else None))
        self.shape = tuple(layer.output_shape(self.shape))

    def _check_order(self, step: Step) -> None:
        """Features have to stand where the layer looks for them."""
        if len(self.shape) == 1:
            return
        first = step.kind.startswith(SPATIAL)
        if step.kind in ("Linear", "LayerNorm", "Embedding") and not self.last:
            raise NoCounterpart("along-space", name=_named(step))
        if first and self.last:
            raise NoCounterpart("channels-last", name=_named(step))

    def _activation(self, step: Step) -> None:
        kind, module = step.kind, step.module
        name: Any = NAMES[kind]
        if kind == "Identity":
            return
        if kind in ("Softmax", "LogSoftmax"):
            self._check_axis(step)
        if kind == "LeakyReLU" and module.negative_slope != 0.2:
            name = L.LeakyReLU(negative_slope=module.negative_slope)
        elif kind in ("ELU", "CELU") and module.alpha != 1:
            if kind == "CELU":
                raise NoCounterpart("celu-alpha")
            name = L.ELU(alpha=module.alpha)
        held = self.parts[-1].layer if self.parts else None
        if held is not None and getattr(held, "activation", None) == "linear" and isinstance(name, str):
            self.parts[-1] = replace(self.parts[-1], layer=held.replace(activation=name))
        else:
            self.put(name if isinstance(name, Layer) else L.Activation(name))

    def _check_axis(self, step: Step) -> None:
        axis, axes = step.module.dim, len(self.shape) + 1
        axis = (1 if axes in (2, 4) else 0) if axis is None else axis % axes
        if axis == 0:
            raise NoCounterpart("softmax-rows", name=_named(step))
        if axis != (axes - 1 if self.last or axes == 2 else 1):
            raise NoCounterpart("softmax-axis", name=_named(step))

    def _recurrent(self, step: Step) -> None:
        kind, module = step.kind, step.module
        if not module.batch_first:
            raise NoCounterpart("time-first", name=_named(step))
        if module.bidirectional or getattr(module, "proj_size", 0):
            raise NoCounterpart("both-ways", name=_named(step))
        if not self.last:
            raise NoCounterpart("features-first", name=_named(step))
        make = {"LSTM": L.LSTM, "GRU": L.GRU, "RNN": L.SimpleRNN}[kind]
        more = {"activation": module.nonlinearity} if kind == "RNN" else {}
        for place in range(module.num_layers):
            layer = make(module.hidden_size, use_bias=module.bias, return_sequences=True, **more)
            self.put(layer, step.path)
            if module.dropout and place < module.num_layers - 1:
                self.put(L.Dropout(module.dropout))
        if module.bias and kind != "GRU":
            self.notes.append(Note("two-biases", {"name": kind}))

    # -- steps that are no modules -------------------------------------------------------------------------------

    def flatten(self, step: Step) -> None:
        """Everything of a row in one axis."""
        module = step.module
        if module is not None and (module.start_dim, module.end_dim) != (1, -1):
            raise NoCounterpart("flatten-some")
        if len(self.shape) > 1:
            self.put(L.Flatten())
        self.last = True

    def reshape(self, step: Step) -> None:
        """A row in another shape, given channels first."""
        shape = tuple(step.module.unflattened_size) if step.module is not None else step.argument
        if len(self.shape) != 1:
            raise NoCounterpart("reshape-axes")
        if not all(isinstance(axis, int) for axis in shape):
            raise NoCounterpart("free-shape")
        if len(shape) == 3:
            self.put(L.Reshape((*shape[1:], shape[0])))
            self.last = False
        else:
            self.put(L.Reshape(shape))
            self.last = True

    def pooled(self, step: Step) -> None:
        """The mean or maximum over all of space or time."""
        axes, rank = step.argument, len(self.shape)
        if axes is None or rank == 1:
            raise NoCounterpart("pooled-rows", name=step.kind)
        space = set(range(1, rank)) if self.last else set(range(2, rank + 1))
        if {axis % (rank + 1) for axis in axes} != space:
            raise NoCounterpart("such-axes", name=step.kind)
        word = "Average" if step.kind == "mean" else "Max"
        self.put(getattr(L, f"Global{word}Pooling{rank - 1}D")())
        self.last = True

    def swap(self, step: Step) -> None:
        """Two axes exchanged: channels first or last, which is all the same here."""
        name, axes = step.argument
        rank = len(self.shape) + 1
        wanted = [axis % rank for axis in axes]
        moves = [0, 3, 1, 2] if self.last else [0, 2, 3, 1]
        if rank == 3:
            known = wanted == [0, 2, 1] if name == "permute" else sorted(wanted) == [1, 2]
        else:
            known = rank == 4 and name == "permute" and wanted == moves
        if not known:
            raise NoCounterpart("such-axes", name=f"{name}{tuple(axes)}")
        self.last = not self.last

    def squeeze(self, step: Step) -> None:
        """An axis of length 1 left out; at the end, outputs of one unit keep it here."""
        if self.shape == (1,) and step.argument in (-1, 1):
            return
        space, channels = (self.shape[:-1], self.shape[-1]) if not self.last else ((), 0)
        if space and math.prod(space) == 1 and len(space) == 1 and step.argument in (-1, 2):
            self.put(L.Reshape((channels,)))
            self.last = True
        else:
            raise NoCounterpart("such-axes", name="squeeze")

    def final(self, step: Step) -> None:
        """The last step of a sequence."""
        part = self.parts[-1] if self.parts else None
        if part is None or not getattr(part.layer, "return_sequences", False):
            raise NoCounterpart("last-of-other")
        self.parts[-1] = replace(part, layer=part.layer.replace(return_sequences=False))  # type: ignore[call-arg]
        self.shape = self.shape[-1:]

    def named(self, step: Step) -> None:
        """BatchNorm1d, over features alone or over (features, time)."""
        if len(self.shape) == 2 and self.last:
            raise NoCounterpart("channels-last", name=_named(step))
        for layer in batch_norm(step.module):
            self.put(layer, step.path)


OWN: dict[str, Callable[[_Build, Step], None]] = {
    "flatten": _Build.flatten, "Flatten": _Build.flatten, "reshape": _Build.reshape, "Unflatten": _Build.reshape,
    "mean": _Build.pooled, "max": _Build.pooled, "swap": _Build.swap, "squeeze": _Build.squeeze, "last": _Build.final,
    "BatchNorm1d": _Build.named,
}  # fmt: skip


def agreeing(found: np.ndarray, wanted: np.ndarray) -> bool:
    """Whether outputs are those of one computation, but for the last digits.

    Args:
        found, wanted: (rows, …); places that are not finite in both are passed over.
    """
    if found.size != wanted.size:
        return False
    found, wanted = found.reshape(-1), wanted.reshape(-1)
    real = np.isfinite(wanted)
    if not np.array_equal(real, np.isfinite(found)) or not real.any():
        return not real.any() and not np.isfinite(found).any()
    return bool(np.max(np.abs(found[real] - wanted[real])) <= CLOSE * max(np.max(np.abs(wanted[real])), 1e-6))
