"""Network: connected layers with known shapes; their weights, forward pass, penalties and constraints."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..constraints import Constraint
from ..errors import InputError, ShapeError
from .base import Array, Context, Layer, Shape, Weight, cast
from .wiring import Wiring, mask_at, number_of, stack_of, take

Weights = tuple[dict[str, Any], ...]
CACHE = 2**21  # numbers of one layer's outputs, 8 MiB in float32


@dataclass(frozen=True)
class Network:
    """Layers with the shape of an input row: one on another, or connected as a graph.

    Weights are one dict a layer, kept in two trees of the same form: those trained and those fixed.

    Attributes:
        layers: The layers.
        input_shape: Shape of one row; for several inputs, a tuple of shapes.
        wiring: How they are connected; None is one on another.
    """

    layers: tuple[Layer, ...]
    input_shape: Any
    wiring: Wiring | None = None

    @cached_property
    def graph(self) -> Wiring:
        """How the layers are connected."""
        return stack_of(len(self.layers)) if self.wiring is None else self.wiring

    @property
    def input_shapes(self) -> tuple[Shape, ...]:
        """The shape of one row of each input."""
        return tuple(map(tuple, self.input_shape)) if self.graph.inputs > 1 else (tuple(self.input_shape),)

    @cached_property
    def _values(self) -> tuple[Any, ...]:
        """The shape of every value of the graph: inputs, then nodes."""
        values: list[Any] = list(self.input_shapes)
        for index, sources in self.graph.nodes:
            layer, given = self.layers[index], [take(values, source) for source in sources]
            if layer.many is False and len(given) != 1:
                raise ShapeError(
                    f"{type(layer).__name__} takes one input.", where=self.title(index), expected="one input",
                    received=f"{len(given)} inputs", help="Join them first: Concatenate()([a, b]).",
                )  # fmt: skip
            shape = tuple(given) if layer.many else given[0]
            wanted = layer.input_shape
            if wanted is not None and not (_matches(wanted, shape) or (len(given) == 1 and _matches(wanted, given[0]))):
                raise ShapeError(
                    "A layer was told one input shape and gets another.",
                    where=self.title(index),
                    expected=f"rows of shape {tuple(wanted)}",
                    received=f"rows of shape {shape}",
                    help="Change input_shape, or the data.",
                )
            with _told(self.title(index)):
                values.append(tuple(layer.output_shape(shape)))
        return tuple(values)

    def _of_layers(self, found: Any) -> tuple[Any, ...]:
        """One value a layer from one a node: that of its first node."""
        first: dict[int, Any] = {}
        for (index, _), value in zip(self.graph.nodes, found, strict=True):
            first.setdefault(index, value)
        return tuple(first[index] for index in range(len(self.layers)))

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of one output row of each layer."""
        return self._of_layers(self._values[self.graph.inputs :])

    @cached_property
    def shapes_in(self) -> tuple[Any, ...]:
        """The shape of one input row of each layer; for layers of several inputs, a tuple of shapes."""
        given = ([take(self._values, source) for source in sources] for _, sources in self.graph.nodes)
        return self._of_layers(
            tuple(found) if self.layers[index].many else found[0]
            for (index, _), found in zip(self.graph.nodes, given, strict=True)
        )

    @property
    def _forms(self) -> list[Shape]:
        """The shape of every single output of every node."""
        return jax.tree.leaves(self._values[self.graph.inputs :], is_leaf=_is_row)

    def shape_at(self, source: Any) -> Shape:
        """The shape of one row of what a source of the graph stands for."""
        return take(self._values, source)

    @property
    def output_shapes(self) -> tuple[Shape, ...]:
        """The shape of one row of each output."""
        return tuple(map(self.shape_at, self.graph.outputs))

    @property
    def output_shape(self) -> Any:
        """The shape of one output row; for several outputs, a tuple of shapes."""
        found = self.output_shapes
        return found[0] if len(found) == 1 else found

    @cached_property
    def block(self) -> int:
        """How many rows are best evaluated at once: a power of two, 32 … 1,024, whose largest outputs fit the caches.

        Measured on 8,192 images through two convolutions: 0.85 s by 128, 1.9 s by 1,024.
        """
        largest = max(map(math.prod, (*self.input_shapes, *self._forms)), default=1)
        return int(2 ** np.clip(np.floor(np.log2(CACHE / max(largest, 1))), 5, 10))

    def takes(self, shape: Any) -> bool:
        """Whether rows of another shape go through the same weights: other lengths of time, other sizes of images."""
        try:
            other = Network(self.layers, shape, self.wiring)
            return [{n: w.shape for n, w in spec.items()} for spec in other.specs] == [
                {n: w.shape for n, w in spec.items()} for spec in self.specs
            ]
        except (ShapeError, IndexError, TypeError, ValueError):
            return False

    def index_of_output(self, number: int) -> int:
        """The layer an output comes from; the last one where an input is passed on."""
        node = number_of(self.graph.outputs[number]) - self.graph.inputs
        return self.graph.nodes[node][0] if node >= 0 else len(self.layers) - 1

    @cached_property
    def integers(self) -> tuple[bool, ...]:
        """For each input, whether integers stay integers: only layers that take them read it."""
        read: list[list[bool]] = [[] for _ in range(self.graph.inputs)]
        for index, sources in self.graph.nodes:
            for source in sources:
                if number_of(source) < self.graph.inputs:
                    read[number_of(source)].append(self.layers[index].takes_integers)
        return tuple(bool(found) and all(found) for found in read)

    @cached_property
    def exact(self) -> frozenset[int]:
        """Nodes whose inputs keep their digits in half precision: of layers that need them, and of what leads there."""
        found: set[int] = set()
        for place, (index, sources) in reversed(list(enumerate(self.graph.nodes))):
            layer = self.layers[index]
            if layer.takes_integers or layer.exact_inputs:
                found.add(place)
            if place in found:
                before = [number_of(source) - self.graph.inputs for source in sources]
                found.update(p for p in before if p >= 0 and not self.specs[self.graph.nodes[p][0]])
        return frozenset(found)

    @cached_property
    def specs(self) -> tuple[dict[str, Weight], ...]:
        """The weights each layer asks for."""
        found = tuple(layer.weights(shape) for layer, shape in zip(self.layers, self.shapes_in, strict=True))
        for index, weights in enumerate(found):
            for name, weight in weights.items():
                if isinstance(weight.constraint, Constraint):
                    with _told(f"{self.title(index)}, {name}"):
                        weight.constraint.fits(weight.shape)
        return found

    def title(self, index: int) -> str:
        """How errors name a layer: its number from 1, its type and name."""
        layer = self.layers[index]
        return f"layer {index + 1}, {type(layer).__name__}" + (f" {layer.name!r}" if layer.name else "")

    def parameters(self) -> int:
        """Numbers in all weights, biases included."""
        return sum(int(np.prod(w.shape)) for spec in self.specs for w in spec.values())

    def flops(self) -> int:
        """Floating-point operations of one row, forward."""
        return sum(map(self.flops_of, range(len(self.layers))))

    def flops_of(self, index: int) -> int:
        """Those of one layer, in all places it is used in."""
        return sum(map(self.layers[index].flops, self._read_by(index)))

    def gives(self) -> int:
        """Numbers in the outputs of all layers for one row, of a layer in several places in each."""
        return sum(map(math.prod, self._forms))

    def keeps(self) -> int:
        """Numbers a row that layers hold in an update besides their outputs, see `Layer.keeps`."""
        return sum(layer.keeps(shape) for i, layer in enumerate(self.layers) for shape in self._read_by(i))

    def _read_by(self, index: int) -> list[Any]:
        """The shape of one input row of a layer in each place it is used in."""
        given = [tuple(take(self._values, s) for s in sources) for used, sources in self.graph.nodes if used == index]
        return given if self.layers[index].many else [found[0] for found in given]

    def trained(self, index: int, name: str) -> bool:
        """Whether a weight is changed by training."""
        return bool(self.layers[index].trainable) and self.specs[index][name].trainable

    # -- weights -------------------------------------------------------------------------------------------------

    def init(self, seed: int, dtype: Any = np.float32, scale: float = 1.0) -> tuple[Weights, Weights]:
        """Fresh weights, in NumPy: (trained, fixed). Each array has its own random stream."""
        full = []
        for index, spec in enumerate(self.specs):
            found = {}
            for place, (name, weight) in enumerate(spec.items()):
                rng = np.random.default_rng([seed & 0xFFFFFFFF, index, place])
                with _told(f"{self.title(index)}, {name}"):
                    value = (
                        weight.initializer(weight.shape, dtype, rng)
                        if _is_ours(weight.initializer)
                        else _call(weight.initializer, weight.shape, dtype, self.title(index))
                    )
                found[name] = value * np.asarray(scale, dtype) if scale != 1.0 and name.endswith("kernel") else value
            full.append(found)
        return self.part(tuple(full))

    def part(self, full: Weights) -> tuple[Weights, Weights]:
        """Weights in one tree → (trained, fixed)."""
        keep = [{n: v for n, v in w.items() if self.trained(i, n)} for i, w in enumerate(full)]
        rest = [{n: v for n, v in w.items() if not self.trained(i, n)} for i, w in enumerate(full)]
        return tuple(keep), tuple(rest)

    def join(self, trained: Weights, fixed: Weights) -> Weights:
        """(trained, fixed) → one tree, names in the order the layers declare them."""
        both = [{**a, **b} for a, b in zip(trained, fixed, strict=True)]
        return tuple({name: w[name] for name in spec} for w, spec in zip(both, self.specs, strict=True))

    # -- computation ---------------------------------------------------------------------------------------------

    def forward(self, weights: Weights, x: Any, ctx: Context, upto: int | None = None) -> Any:
        """Outputs (rows, …), of all nodes or of the first `upto`; a tuple where there are several."""
        return self.walk(weights, x, ctx, upto)[0]

    def walk(self, weights: Weights, x: Any, ctx: Context, upto: int | None = None) -> tuple[Any, Any]:
        """Outputs and their masks."""
        graph, mask, training = self.graph, ctx.mask, ctx.training
        several = graph.inputs > 1
        values: list[Any] = list(x) if several else [x]
        masks: list[Any] = list(mask) if several and mask is not None else [mask] * len(values)
        for place, (index, sources) in enumerate(graph.nodes[:upto]):
            layer, w = self.layers[index], weights[index]
            given, known = [take(values, s) for s in sources], [mask_at(masks, s) for s in sources]
            ctx.index, ctx.place, ctx.frozen = index, place, not layer.trainable
            ctx.training = training and not layer.inference
            if ctx.compute is not None and not layer.full_precision:
                w = {name: cast(value, ctx.compute) for name, value in w.items()}
            ctx.mask = known if layer.many else known[0]
            if ctx.compute is not None and place not in self.exact:
                given = [cast(part, ctx.compute) for part in given]
            value = given if layer.many else given[0]
            values.append(layer.apply(w, value, ctx))
            masks.append(layer.mask_of(value, ctx.mask))
        ctx.mask, ctx.training = mask, training
        if upto is not None:
            return values[-1], masks[-1]
        outputs, known = [take(values, s) for s in graph.outputs], [mask_at(masks, s) for s in graph.outputs]
        return (outputs[0], known[0]) if len(outputs) == 1 else (tuple(outputs), tuple(known))

    @cached_property
    def head(self) -> tuple[Network, Any]:
        """The network without its last activation, and that activation's name.

        Cross-entropy is computed from the logits this gives, however the activation was written.
        """
        network, names = self.heads
        return (network, names[0]) if len(names) == 1 else (self, "linear")

    @cached_property
    def heads(self) -> tuple[Network, tuple[str, ...]]:
        """The network without the activations its outputs end in, and their names."""
        graph, layers = self.graph, list(self.layers)
        names = []
        for source in graph.outputs:
            node = -1 if isinstance(source, tuple) else source - graph.inputs
            name = "linear"
            if node >= 0:
                index = graph.nodes[node][0]
                used = [s for _, sources in graph.nodes for s in sources] + list(graph.outputs)
                alone = sum(number_of(s) == source for s in used) == 1 and sum(i == index for i, _ in graph.nodes) == 1
                found = self.layers[index].bare() if alone else None
                if found is not None:
                    layers[index], name = found
            names.append(name)
        return Network(tuple(layers), self.input_shape, self.wiring), tuple(names)

    def penalty(self, weights: Weights, l1: Any = 0.0, l2: Any = 0.0) -> Array | None:
        """The sum of all weight penalties, or None when there is none; `l1`, `l2` act on every kernel."""
        terms = []
        for index, spec in enumerate(self.specs):
            for name, weight in spec.items():
                if name not in weights[index] or not self.trained(index, name):
                    continue
                w = weights[index][name]
                if weight.regularizer is not None:
                    terms.append(weight.regularizer(w))
                if name.endswith("kernel") and not _plain_zero(l2):
                    terms.append(l2 * jnp.sum(w**2))
                if name.endswith("kernel") and not _plain_zero(l1):
                    terms.append(l1 * jnp.sum(jnp.abs(w)))
        return sum(terms[1:], terms[0]) if terms else None

    def constrain(self, weights: Weights) -> Weights:
        """Weights brought back into their constraints."""
        return tuple(
            {name: spec[name].constraint(w) if spec[name].constraint is not None else w for name, w in found.items()}
            for found, spec in zip(weights, self.specs, strict=True)
        )

    @property
    def random(self) -> bool:
        """Whether a training step draws random numbers."""
        return any(layer.random for layer in self.layers)


@contextlib.contextmanager
def _told(where: str) -> Iterator[None]:
    """Errors of shapes inside say where they are."""
    try:
        yield
    except ShapeError as error:
        raise ShapeError(
            error.what, where=where, expected=error.expected, received=error.received, help=error.help
        ) from None


def _is_row(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(axis, int) for axis in value)


def _matches(wanted: Any, shape: Any) -> bool:
    """Whether a shape is the one asked for; None stands for any length."""
    return len(wanted) == len(shape) and all(a is None or a == b for a, b in zip(wanted, shape, strict=True))


def _plain_zero(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and value == 0)


def _is_ours(initializer: Any) -> bool:
    from ..initializers import Initializer

    return isinstance(initializer, Initializer)


def _call(initializer: Callable | None, shape: Shape, dtype: Any, where: str) -> np.ndarray:
    if initializer is None:
        raise InputError("A weight has no initialiser.", where=where, expected="an initialiser", received=None)
    advice = "lambda shape, dtype: np.zeros(shape, dtype) has the form of one."
    found: Any = None
    try:
        found = initializer(shape, dtype=np.dtype(dtype).name)
        value = np.array(jax.device_get(found), dtype=dtype)
    except (TypeError, ValueError) as error:
        raise InputError(
            "An initialiser did not give an array of numbers.", where=where,
            expected=f"numbers of shape {tuple(shape)} from a function (shape, dtype)",
            received=str(error) if found is None else repr(found), help=advice,
        ) from error  # fmt: skip
    if value.shape != tuple(shape):
        raise ShapeError(
            "An initialiser returned the wrong shape.", where=where, expected=tuple(shape),
            received="None" if found is None else value.shape, help=advice,
        )  # fmt: skip
    return value
