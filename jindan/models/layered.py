"""Layered: layers with their weights; what every model is made of before it is told how to train."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.data import row_shape
from ..engine.run import Run
from ..errors import InputError, JindanWarning, ShapeError, StateError
from ..layers.base import Layer
from ..layers.network import Network, Weights
from ..layers.standardize import Normalization
from ..layers.wiring import Wiring
from ..plan import Plan
from ..utils import draw_seed, floatx, snake_case, write_line
from .display import summary
from .drawing import Drawing, draw
from .groups import found_in, free_name, heads, views_of
from .symbolic import BETWEEN, Symbolic
from .views import LayerView, fill


class Layered(Symbolic):
    """Layers, how they are connected, the shape of a row, and weights.

    Attributes:
        specs: The layers.
        wiring: How they are connected; None is one on another.
        input_shape: Shape of one row, a tuple of shapes for several inputs, or None while unknown.
        lent: The weights that layers brought from other models, by their names.
        lent_into: The names of models that have copies of its layers.
    """

    def __init__(self, name: str, dtype: str | None = None) -> None:
        self.name = name
        self.specs: tuple[Layer, ...] = ()
        self.wiring: Wiring | None = None
        self.input_shape: Any = None
        self._dtype = dtype
        self._settings: dict[str, Any] = {}
        self._weights: Weights | None = None
        self.lent: dict[str, dict[str, np.ndarray]] = {}
        self.lent_into: list[str] = []
        self._run: Run | None = None

    @property
    def plan(self) -> Plan:
        """Everything about the training but the data."""
        settings = {"dtype": self._float(), **self._settings}
        return Plan(self.specs, **{**settings, "wiring": self.wiring})

    # -- building ------------------------------------------------------------------------------------------------

    def replace_layer(self, index: int, layer: Layer) -> None:
        """Put another layer in the place of one; weights of unchanged shape stay."""
        self._need_new_name(layer.name, (*self.specs[:index], *self.specs[index + 1 :]))
        self._put_layers((*self.specs[:index], layer, *self.specs[index + 1 :]))

    def _put_layers(self, layers: tuple[Layer, ...]) -> None:
        """Other layers, of the same number and kinds; refused where their shapes do not fit."""
        if self.input_shape is not None:
            old, new = (
                [{n: w.shape for n, w in spec.items()} for spec in self._network(those, self.input_shape).specs]
                for those in (self.specs, layers)
            )
            self.specs = layers
            self._changed(keep=old == new)
        else:
            self.specs = layers
            self._changed(keep=True)

    @property
    def trainable(self) -> bool:
        """Whether training changes any layer; setting it freezes or frees all."""
        return any(spec.trainable for spec in self.specs)

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self.set_trainable(range(len(self.specs)), bool(value))

    def set_trainable(self, indices: Iterable[int], value: bool) -> None:
        """Freeze or free layers, by number."""
        chosen = set(indices)
        self._put_layers(tuple(s.replace(trainable=value) if i in chosen else s for i, s in enumerate(self.specs)))
        if self.lent_into:
            warnings.warn(
                f"{self.name!r} was copied into {', '.join(map(repr, self.lent_into))}: what is trained "
                "there is set there.", JindanWarning, stacklevel=3,
            )  # fmt: skip

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
        if isinstance(layer, Normalization):
            layer.placed(self, name)
        return layer

    def adapted(self, name: str, layer: Normalization) -> None:
        """Take over the mean and variance of a layer of that name, its weights included.

        Raises:
            ShapeError: where they do not fit the rows.
        """
        index = next((i for i, spec in enumerate(self.specs) if spec.name == name), None)
        if index is None:
            return
        spec = self.specs[index].replace(mean=layer.mean, variance=layer.variance)
        # Weights that were never drawn take them from the layer, by whatever seed they are drawn.
        if self.network is not None and (self._weights is not None or getattr(self, "_run", None) is not None):
            shape = self.network.shapes_in[index]
            own = {n: w.initializer(w.shape, np.dtype(self._float()), None) for n, w in spec.weights(shape).items()}
            full = list(self.ready_weights())
            full[index] = own
            self.put_weights(tuple(full))
        self.lent.pop(name, None)
        self.specs = (*self.specs[:index], spec, *self.specs[index + 1 :])
        if self._run is not None:
            self._run = replace(self._run, plan=self._run.plan.replace(layers=self.specs))

    def _need_new_name(self, name: str | None, others: tuple[Layer, ...]) -> None:
        if name is not None and (name in {spec.name for spec in others} or name in heads(others)):
            raise InputError(
                "Two layers have one name.", where=self.name, expected="a name of its own for each layer",
                received=repr(name), help="Choose another name, or give none.",
            )  # fmt: skip

    def _changed(self, keep: bool = False) -> None:
        self._run = None
        if keep:
            return
        old, self._weights = self._weights, None
        if old is not None and self.network is not None:
            fresh = self.ready_weights()
            kept = [
                a if list(a) == list(b) and all(a[k].shape == b[k].shape for k in a) else b
                for a, b in zip(old, fresh, strict=False)
            ]
            self._weights = (*kept, *fresh[len(kept) :])

    def build(self, input_shape: Any = None) -> None:
        """Fix the shape of a row, given with or without the batch axis (None)."""
        shape = self.input_shape
        if input_shape is not None:
            given = tuple(input_shape)
            many = bool(given) and all(isinstance(form, (tuple, list)) for form in given)
            shape = tuple(map(_row, given)) if many else _row(given)
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
        fresh = self.input_shape is None
        if fresh:
            self.input_shape = row_shape(x) or (1,)
        elif check:
            self.check_rows(x)
        try:
            yield
        except BaseException:
            if fresh and self._run is None:
                self.input_shape = self._weights = None
            raise

    # -- looking -------------------------------------------------------------------------------------------------

    @property
    def network(self) -> Network | None:
        """The stack with its shapes, None while the input shape is unknown."""
        return None if self.input_shape is None else self._network(self.specs, self.input_shape)

    def _network(self, layers: tuple[Layer, ...], shape: Any) -> Network:
        return Network(layers, shape, self.wiring)

    @property
    def layers(self) -> list[Any]:
        """The layers as members of this model; a model within it is one, a GroupView."""
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
        self._need_shape()
        return self.network.parameters()  # type: ignore[union-attr]

    def summary(self, line_length: int | None = None, print_fn: Any = None, expand_nested: bool = False) -> None:
        """Print layers, output shapes, parameter counts, memory and FLOPs; of models within it, one line or all."""
        (print_fn or write_line)(summary(self, line_length or (106 if self.wiring is not None else 90), expand_nested))

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

    def ready_weights(self, seed: int | None = None) -> Weights:
        """The weights, drawn now if they never were: by this seed, the plan's, or a new one."""
        if self._weights is None:
            self._need_shape()
            plan = self.plan
            seed = seed if seed is not None else plan.seed if plan.seed is not None else draw_seed()
            trained, fixed = self.network.init(seed, np.dtype(plan.dtype), plan.initial_scale)  # type: ignore[union-attr]
            full = self.network.join(trained, fixed)  # type: ignore[union-attr]
            self._weights = tuple(self._lent_to(spec, own) for spec, own in zip(self.specs, full, strict=True))
        return self._weights

    def _lent_to(self, spec: Layer, own: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Fresh weights of a layer, or those it brought from the model it was taken from."""
        brought = self.lent.get(spec.name or "")
        if brought is None:
            return own
        return fill(own, list(brought.values()), f"layer {spec.name}, taken from another model")

    def kept_weights(self) -> dict[str, list[np.ndarray]]:
        """Layer → the weights it has whatever it learns: those of frozen layers, and those brought by layers taken from
        other models."""
        run = getattr(self, "_run", None)
        held = self._weights if self._weights is not None or run is None else run.weights
        frozen = () if held is None else zip(self.specs, held, strict=True)
        found = {str(spec.name): list(own.values()) for spec, own in frozen if not spec.trainable and own}
        return {**{name: list(own.values()) for name, own in self.lent.items()}, **found}

    def put_weights(self, weights: Weights) -> None:
        """Replace the weights; the optimizer's memory stays."""
        self._weights = weights

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
        return self.get_weights()

    @property
    def trainable_weights(self) -> list[np.ndarray]:
        """Copies of the arrays that training changes."""
        return self._weights_where(True)

    @property
    def non_trainable_weights(self) -> list[np.ndarray]:
        """Copies of the arrays that training leaves alone."""
        return self._weights_where(False)

    def _weights_where(self, trained: bool) -> list[np.ndarray]:
        weights, network = self.ready_weights(), self.network
        return [np.array(w) for i, found in enumerate(weights) for name, w in found.items()
                if network.trained(i, name) is trained]  # type: ignore[union-attr]  # fmt: skip

    def _float(self) -> str:
        named = [self._dtype, *(spec.dtype for spec in self.specs[:1]), floatx()]
        for dtype in named:
            if dtype is not None:
                return dtype
        import jax

        return str(jax.dtypes.canonicalize_dtype("float64"))

    def _need_shape(self) -> Any:
        if self.input_shape is None:
            raise StateError(
                "The model does not know the shape of a row yet.",
                where=self.name,
                expected="input_shape on the first layer, an Input, or a first fit",
                received=None,
                help="For a table with four columns: Dense(30, input_shape=(4,)).",
            )
        return self.input_shape


def _row(shape: Any) -> tuple[int, ...]:
    """The shape of one row, given with or without the batch axis (None)."""
    given = tuple(shape)
    return tuple(int(axis) for axis in (given[1:] if given and given[0] is None else given))
