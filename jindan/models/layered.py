"""Layered: layers with their weights; what every model is made of before it is told how to train."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.data import row_shape
from ..errors import InputError, ShapeError, StateError
from ..layers.adapting import Adapting
from ..layers.base import Layer, Weight
from ..layers.network import Network
from ..layers.shared import Shared, fill
from ..layers.standardize import Normalization
from ..layers.wiring import Wiring
from ..plan import Plan
from ..utils import floatx, snake_case, write_line
from .display import summary
from .doors import readers, rows_entered
from .drawing import Drawing, draw
from .groups import found_in, free_name, heads, views_of
from .holding import Holding
from .outline import Outline, outline_of
from .symbolic import BETWEEN
from .views import LayerView, sealed


class Layered(Holding):
    """Layers, how they are connected, the shape of a row, and weights.

    Attributes:
        specs: The layers.
        wiring: How they are connected; None is one on another.
        input_shape: Shape of one row, a tuple of shapes for several inputs, or None while unknown.
    """

    def __init__(self, name: str, dtype: str | None = None) -> None:
        self.name = name
        self.wiring: Wiring | None = None
        self.input_shape: Any = None
        self._open: Any = None  # the shapes of the inputs, where one leaves a length open
        self._dtype = dtype
        self._settings: dict[str, Any] = {}

    @property
    def plan(self) -> Plan:
        """Everything about the training but the data."""
        settings = {"dtype": self._float(), **self._settings}
        return Plan(self.specs, **{**settings, "wiring": self.wiring})

    # -- building ------------------------------------------------------------------------------------------------

    def replace_layer(self, index: int, layer: Layer) -> None:
        """Put another layer in the place of one. Layers whose weights keep their shapes keep them, shared as they are.

        Raises:
            ShapeError: where it does not fit.
        """
        self._need_new_name(layer.name, (*self.specs[:index], *self.specs[index + 1 :]))
        layers, held = (*self.specs[:index], layer, *self.specs[index + 1 :]), self._held
        if self.input_shape is not None:
            old, new = (
                [{n: w.shape for n, w in spec.items()} for spec in self._network(those, self.input_shape).specs]
                for those in (self.specs, layers)
            )
            held = tuple(
                own if a == b else Shared(layers[i]) for i, (own, a, b) in enumerate(zip(held, old, new, strict=True))
            )
        held[index].settle(layer)
        self.hold(layers, held)
        self._run = None

    @property
    def trainable(self) -> bool:
        """Whether training changes any layer; setting it freezes or frees all."""
        return any(spec.trainable for spec in self.specs)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.set_trainable(range(len(self.specs)), bool(value))

    def set_trainable(self, indices: Iterable[int], value: bool) -> None:
        """Freeze or free layers, by number, in all models that have them."""
        for index in indices:
            self._held[index].set(trainable=value)

    def named_layer(self, layer: Layer, taken: Any = (), within: str = "") -> Layer:
        """The layer with a name that no other has; of a model within this one, with that model's name before it."""
        before = f"{within}{BETWEEN}" if within else ""
        if layer.name is None:
            names = {str(spec.name) for spec in self.specs} if within else heads(self.specs) | set(taken)
            name = free_name(before + snake_case(type(layer).__name__), names)
        else:
            name = before + layer.name
            self._need_new_name(name, self.specs)
        return self._noted(layer, name) if layer.name == name else self._noted(layer, name).replace(name=name)

    def _noted(self, layer: Layer, name: str) -> Layer:
        if isinstance(layer, Adapting):
            layer.placed(self, name)
        return layer

    def adapted(self, name: str, layer: Adapting) -> None:
        """Take over what a layer of that name has learnt from data, its weights included.

        Raises:
            ShapeError: where it does not fit the rows.
        """
        index = next((i for i, spec in enumerate(self.specs) if spec.name == name), None)
        if index is None:
            return
        shared, learnt = self._held[index], layer.learnt
        if not isinstance(layer, Normalization):
            shared.set(**learnt)
            self._reshaped()
            return
        if self.network is not None:
            found = self.specs[index].replace(**learnt).weights(self.network.shapes_in[index])
        # Weights that were never drawn take them from the layer, by whatever seed they are drawn.
        if self.network is None:
            shared.arrays = None
        elif shared.arrays is not None:
            shared.take({n: w.initializer(w.shape, np.dtype(self._float()), None) for n, w in found.items()})
        shared.set(**learnt)

    def _reshaped(self) -> None:
        """Shapes anew that hang on what a layer has learnt; layers whose weights no longer fit get new ones."""
        self.input_shape = rows_entered(self.input_shape, readers(self.specs, self.graph)) or self.input_shape
        if not any(shared.arrays for shared in self._held):
            return
        needed = [{n: tuple(w.shape) for n, w in own.items()} for own in self.network.specs]  # type: ignore[union-attr]
        fits = [shared.arrays is None or {n: np.shape(w) for n, w in shared.arrays.items()} == shapes
                for shared, shapes in zip(self._held, needed, strict=True)]  # fmt: skip
        if not all(fits):
            held = zip(self.specs, self._held, fits, strict=True)
            self.hold(self.specs, tuple(shared if fit else Shared(layer) for layer, shared, fit in held))
            self._run = None

    def _need_new_name(self, name: str | None, others: tuple[Layer, ...]) -> None:
        if name is not None and (name in {spec.name for spec in others} or name in heads(others)):
            raise InputError(
                "Two layers have one name.", where=self.name, expected="a name of its own for each layer",
                received=repr(name), help="Choose another name, or give none.",
            )  # fmt: skip

    def build(self, input_shape: Any = None) -> None:
        """Fix the shape of a row, given with or without the batch axis (None)."""
        shape = self.input_shape
        if input_shape is not None:
            given = tuple(input_shape)
            many = bool(given) and all(isinstance(form, (tuple, list)) for form in given)
            shape = rows_entered(tuple(map(row_of, given)) if many else row_of(given), readers(self.specs, self.graph))
        if shape is not None:
            _ = self._network(self.specs, shape).shapes
        self.input_shape = shape

    def check_rows(self, x: Any) -> None:
        """Refuse rows of another shape than the model's."""
        wanted, found = self._need_shape(), row_shape(x)
        if found != tuple(wanted) and not self.network.takes(found):  # type: ignore[union-attr]
            raise ShapeError(
                "The data do not fit the first layer.",
                where=self.network.title(0) if self.specs and self.wiring is None else self.name,  # type: ignore[union-attr]
                expected=f"rows of shape {tuple(wanted)}",
                received=f"rows of shape {found}",
                help="Change input_shape, or the columns of the data.",
            )

    @contextmanager
    def shaped(self, x: Any, *, check: bool = True) -> Iterator[None]:
        """The model told the shape of its rows by these, unless it knows it; forgotten again when something fails."""
        fresh, before = self.input_shape is None, [shared.arrays for shared in self._held]
        if fresh:
            self.input_shape = row_shape(x) or (1,)
        elif check:
            self.check_rows(x)
        try:
            yield
        except BaseException:
            if fresh and self._run is None:
                self.input_shape = None
                for shared, arrays in zip(self._held, before, strict=True):
                    shared.arrays = arrays
            raise

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def network(self) -> Network | None:
        """The stack with its shapes, None while the input shape is unknown."""
        self._learn_shape()
        return None if self.input_shape is None else self._network(self.specs, self.input_shape)

    def _network(self, layers: tuple[Layer, ...], shape: Any) -> Network:
        return Network(layers, shape, self.wiring)

    @property
    def layers(self) -> list[Any]:
        """The layers as members of this model; a model within it is one, a GroupView.

        Inputs are none of them: `layers[0]` of a graph is the first that computes, where Keras has an InputLayer.
        """
        return views_of(self)

    @property
    def all_layers(self) -> list[LayerView]:
        """The layers as members of this model, those of models within it one by one."""
        return [LayerView(self, index) for index in range(len(self.specs))]

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """A layer by name or number, or a model within this one; `get_layer("base/dense")` is a layer of that."""
        views = self.layers
        return found_in(views, name, index, ", ".join(view.name for view in views))

    @property
    def output_shape(self) -> tuple | None:
        if self.network is None:
            return None
        found = tuple((None, *shape) for shape in self.network.output_shapes)
        return found[0] if len(found) == 1 else found

    @property
    def itemsize(self) -> int:
        return np.dtype(self._float()).itemsize

    def count_params(self) -> int:
        """Numbers in all weights."""
        if self.network is None and all(self.asked(i) is not None for i in range(len(self.specs))):
            return sum(view.count_params() for view in self.all_layers)
        self._need_shape()
        return self.network.parameters()  # type: ignore[union-attr]

    def asked(self, index: int) -> dict[str, Weight] | None:
        """The weights a layer asks for, None while it is not known."""
        if self.network is not None:
            return self.network.specs[index]
        return None if self.outline is None else self.outline.weights(index)

    @property
    def outline(self) -> Outline | None:
        """What is known of the layers while lengths of a row are open."""
        if self.__dict__.get("_outlined", (None,))[0] is not self.specs:
            self._outlined = (self.specs, outline_of(self))
        return self._outlined[1]

    def summary(self, line_length: int | None = None, print_fn: Any = None, expand_nested: bool = False,
                show_trainable: bool = False) -> None:  # fmt: skip
        """Print layers, output shapes, parameter counts, memory and FLOPs; of models within it, one line or all.

        Args:
            line_length: Characters of a line.
            print_fn: What prints it.
            expand_nested: Whether a model within it has a line for each of its layers.
            show_trainable: Whether a column tells which layers training changes.
        """
        width = line_length or (106 if self.wiring is not None else 90)
        (print_fn or write_line)(summary(self, width, expand_nested, show_trainable))

    def plot(self, to_file: Any = None, show_shapes: bool = True, show_params: bool = True) -> Drawing:
        """The layers and their connections as a picture (SVG), which a notebook shows; written to `to_file`, too.

        Raises:
            InputError: when the name of the file is that of another kind of picture.
        """
        self._need_shape()
        if to_file is not None and Path(to_file).suffix.lower() not in ("", ".svg"):
            raise InputError(
                "A model is drawn as SVG.", where="to_file", expected="a name that ends in .svg", received=str(to_file),
                help=f'model.plot("{Path(to_file).stem}.svg"); browsers and office programs open it.',
            )  # fmt: skip
        picture = draw(self.network, shapes=show_shapes, params=show_params)  # type: ignore[arg-type]
        if to_file is not None:
            from ..report.markup import save

            save(to_file, picture.svg, "picture")
        return picture

    # -- weights -------------------------------------------------------------------------------------------------

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all arrays, layer by layer: kernel, bias, …"""
        return [np.array(w) for found in self.ready_weights() for w in found.values()]

    def set_weights(self, weights: list[Any]) -> None:
        """Replace all arrays, in the order of `get_weights`."""
        names = [(i, name) for i, found in enumerate(self.ready_weights()) for name in found]
        if len(weights) != len(names):
            fill({f"{i}.{n}": np.zeros(0) for i, n in names}, list(weights), "set_weights")
        left, full = list(weights), []
        for index, own in enumerate(self.ready_weights()):
            full.append(fill(own, left[: len(own)], self.network.title(index)))  # type: ignore[union-attr]
            left = left[len(own) :]
        self.put_weights(tuple(full))

    @property
    def weights(self) -> list[np.ndarray]:
        """Copies of all arrays that cannot be written to; `set_weights` replaces them."""
        return sealed(self.get_weights())

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """Copies of the arrays that training changes, which cannot be written to."""
        return self._weights_where(True)

    @property
    def non_trainable_weights(self) -> list[np.ndarray]:
        """Copies of the arrays that training leaves alone, which cannot be written to."""
        return self._weights_where(False)

    def _weights_where(self, trained: bool) -> list[np.ndarray]:
        weights, network = self.ready_weights(), self.network
        found = [np.array(w) for i, own in enumerate(weights) for name, w in own.items()
                 if network.trained(i, name) is trained]  # type: ignore[union-attr]  # fmt: skip
        return sealed(found)

    def _float(self) -> str:
        named = [self._dtype, *(spec.dtype for spec in self.specs[:1]), floatx()]
        for dtype in named:
            if dtype is not None:
                return dtype
        import jax

        return str(jax.dtypes.canonicalize_dtype("float64"))

    def _need_shape(self) -> Any:
        self._learn_shape()
        if self.input_shape is None:
            raise StateError(
                "The model does not know the shape of a row yet.",
                where=self.name,
                expected="input_shape on the first layer, an Input, or a first fit",
                received=None,
                help="For a table with four columns: Dense(30, input_shape=(4,)).",
            )
        return self.input_shape


def row_of(shape: Any) -> tuple[int, ...]:
    """The shape of one row, given with or without the batch axis (None)."""
    given = tuple(shape)
    return tuple(int(axis) for axis in (given[1:] if given and given[0] is None else given))
