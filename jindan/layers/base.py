"""Layer: an immutable description of one step of a network, and what it is told while it runs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp

from .. import activations, constraints, initializers, regularizers  # noqa: F401  (their names are looked up by layers)
from ..errors import InputError, ShapeError, undefined
from ..spec import COUNT, Choice, Number, Spec, item, with_fields
from .settled import settle
from .shared import Weighed
from .stream import Later, Piece, Stream

Array = jax.Array
Shape = tuple[int, ...]
OWN_LAYER = (
    "`weights(self, shape)` names the arrays (in place of `build`), `apply(self, w, x, ctx)` computes (in place of "
    "`call`); settings are fields of the class. See “A layer of your own” in the guide."
)


@dataclass(frozen=True)
class Weight:
    """One weight array of a layer: its shape without a batch, how it starts, what is asked of it."""

    shape: Shape
    initializer: Any = None
    regularizer: Any = None
    constraint: Any = None
    trainable: bool = True


@dataclass
class Context:
    """What a layer is told while it runs.

    Attributes:
        training: True in a training step.
        key: Random key of this step; `None` where nothing may be random.
        rows: (rows,) 1 for real rows, 0 for padding, or None when all are real.
        index: The layer's number in the network.
        place: Which application of a layer this is, so that each draws its own numbers.
        mask: (rows, time) 1 for steps that exist, 0 for padding, of the layer's input; None when all do. For a layer
            that takes several inputs, a list of such.
        updates: New values of non-trainable weights, by layer index and name.
        penalties: Terms added to the objective (activity regularisation).
        noise: Standard deviation of Gaussian noise on kernels while training, or None.
        axis: Name of the devices' axis along which the rows of a batch are split, or None.
        piece: Which piece of a device's rows this is, or None where they are worked on at once.
        later: Matrices whose slope waits until all pieces are done.
        compute: Type to compute in where it is not that of the weights ("bfloat16"), or None.
        prefix: What the names of the layer's weights begin with, where it is held inside another.
        frozen: Whether the layer, or one that it is held inside, has `trainable=False`.
    """

    training: bool = False
    key: Any = None
    rows: Any = None
    index: int = 0
    place: int = 0
    mask: Any = None
    updates: dict[tuple[int, str], Array] = field(default_factory=dict)
    penalties: list[Array] = field(default_factory=list)
    noise: Any = None
    axis: str | None = None
    piece: Piece | None = None
    later: Later = field(default_factory=Later)
    compute: Any = None
    prefix: str = ""
    frozen: bool = False

    def random_key(self, stream: int = 0) -> Any:
        """A key that belongs to this application of a layer and step alone."""
        return jax.random.fold_in(self.key, 16 * self.place + stream)

    @property
    def shares(self) -> int:
        """Into how many shares the rows of the batch are split: the devices, times the pieces of each."""
        devices = 1 if self.axis is None else jax.lax.axis_size(self.axis)
        return devices * (1 if self.piece is None else self.piece.count)

    def stream(self, number: int = 0) -> Stream:
        """Random numbers that belong to this application of a layer and step alone."""
        return Stream(self.random_key(number), self.axis, self.piece)

    def known(self, name: str, value: Array) -> Array:
        """A weight that is not trained, as the layer's earlier applications in this step left it."""
        return self.updates.get((self.index, self.prefix + name), value)

    def update(self, name: str, value: Array) -> None:
        """Give a weight that is not trained its new value."""
        self.updates[self.index, self.prefix + name] = value

    def inside(self, place: int, prefix: str) -> Context:
        """The context of a layer held inside this one: its own random numbers, its names behind a prefix."""
        key = None if self.key is None else jax.random.fold_in(self.random_key(15), place)
        return replace(self, key=key, prefix=self.prefix + prefix)


class Layer(Weighed, Spec, kind="layer"):
    """Base of all layers. A layer of your own takes ten lines:

    >>> class Scale(Layer):
    ...     start: float = 1.0
    ...     def weights(self, shape):
    ...         from jindan.initializers import Constant
    ...         return {"scale": Weight(shape[-1:], Constant(self.start))}
    ...     def apply(self, w, x, ctx):
    ...         return x * w["scale"]
    >>> Scale(2.0).output_shape((3,))
    (3,)

    Every layer takes, by keyword: `name`, `trainable` (False freezes its weights), `input_shape` or `input_dim` on the
    first layer (the shape of one row), `dtype` (that of the first layer is the model's), `inference` (True runs it as
    at inference in training too; in a graph, `layer(x, training=False)`).

    Attributes:
        takes_integers: Whether integer inputs stay integers.
        moves: Whether its outputs are numbers of its inputs (or 0), in other places.
        many: Whether it takes a list of inputs: then `output_shape` and `weights` get a list of shapes.
        passes_mask: Whether its output has the mask of its input.
        reads_mask: Whether a call may give it a mask, `layer(x, mask=mask)`.
        keeps_shape: Whether `output_shape` only refuses shapes, so that the layer may serve as an activation.
        full_precision: Whether it gets its weights uncast where a plan computes in half precision.
        exact_inputs: Whether it gets its inputs uncast there, too.
        couples: Whether a row's output depends on the other rows of the batch. A layer of your own that says so gets
            batches without padding, `predict`'s and a last partial one included.
        splits: Whether its work is too small a piece at a time to fill several cores, so that the rows of a batch are
            better split among them.
        in_pieces: Whether a core may take its rows of an update piece by piece. It may not where steps follow one
            another, all of them for each piece, where it makes a mask, whose steps count over the whole batch, or
            keeps something of a batch.
        draws_on_arrays: Whether it draws where it is called on arrays by itself and not told whether it trains.
    """

    takes_integers: ClassVar[bool] = False
    moves: ClassVar[bool] = False
    many: ClassVar[bool] = False
    passes_mask: ClassVar[bool] = False
    reads_mask: ClassVar[bool] = False
    keeps_shape: ClassVar[bool] = False
    full_precision: ClassVar[bool] = False
    exact_inputs: ClassVar[bool] = False
    couples: ClassVar[bool] = False
    splits: ClassVar[bool] = False
    in_pieces: ClassVar[bool] = True
    draws_on_arrays: ClassVar[bool] = False

    name: str | None = item(default=None, host=True, kw_only=True)
    trainable: bool = item(default=True, kw_only=True)
    input_shape: Any = item(default=None, host=True, kw_only=True)
    input_dim: int | None = item(default=None, rule=COUNT, host=True, kw_only=True)
    dtype: str | None = item(default=None, rule=Choice(("float32", "float64")), host=True, kw_only=True)
    inference: bool | None = item(default=None, kw_only=True)

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        settle(cls)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.input_dim is not None and not self.takes_integers:  # an Embedding has entries by this name
            object.__setattr__(self, "input_shape", (self.input_dim,))
            object.__setattr__(self, "input_dim", None)
        if isinstance(self.input_shape, int):
            object.__setattr__(self, "input_shape", (self.input_shape,))

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one output row for the shape of one input row.

        Raises:
            ShapeError: when the layer cannot take that shape.
        """
        return shape

    def weights(self, shape: Shape) -> dict[str, Weight]:
        """The weight arrays for the shape of one input row, in Keras's order."""
        return {}

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        """The outputs (rows, …) for inputs (rows, …)."""
        raise undefined(self, "apply(self, w, x, ctx)", "the outputs (rows, …)", OWN_LAYER)

    def mask_of(self, x: Any, mask: Any) -> Any:
        """The mask of the output for inputs and their mask."""
        return mask if self.passes_mask else None

    def bare(self) -> tuple[Layer, str] | None:
        """The layer without the activation it ends in, and that activation's name; None where it ends in none."""
        return None

    def flops(self, shape: Shape) -> int:
        """Floating-point operations of one row's forward pass, a multiply-add counting as two."""
        form = self.output_shape(shape)
        return math.prod(form if not form or isinstance(form[0], int) else form[0])

    @property
    def input_dim_of_ids(self) -> int | None:
        """The number that whole-number inputs must stay below, None where any numbers may come."""
        return None

    def keeps(self, shape: Shape) -> int:
        """Numbers a row that an update holds at its height besides the layer's outputs and their slopes."""
        return 0

    @property
    def random(self) -> bool:
        """Whether training draws random numbers here."""
        return False

    @property
    def streams(self) -> bool:
        """Whether it can go through a sequence step by step, by `start` and `step`."""
        return self.passes_mask or self.takes_integers or type(self).step is not Layer.step

    # -- one time step, for generation ---------------------------------------------------------------------------

    def start(self, shape: Shape, rows: int, dtype: Any) -> Any:
        """What is carried from one time step to the next, before the first; `shape` is (time, features)."""
        return None

    def step(self, w: dict[str, Array], x: Array, state: Any, ctx: Context) -> tuple[Array, Any]:
        """The output (rows, …) for one time step of the inputs, and what is carried on."""
        return self.apply(w, x, ctx), state

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Connect the layer to the outputs of others in a graph: `Dense(3)(Input((4,)))`, see `jindan.models.Model`."""
        from .graph import connect

        return connect(self, *inputs, **named)


settle(Layer)


def kernel(ctx: Context, weight: Array, stream: int = 1) -> Array:
    """A kernel as the step sees it: with Gaussian weight noise while training, if the plan asks for it."""
    if not ctx.training or ctx.noise is None:
        return weight
    return weight + ctx.noise * jax.random.normal(ctx.random_key(stream), weight.shape, weight.dtype)


def finish(layer: Any, z: Array, ctx: Context) -> Array:
    """The outputs for pre-activations z of a layer that ends in `activation` and may have an `activity_regularizer`."""
    a = activations.resolve(layer.activation)(z)
    if layer.activity_regularizer is not None:
        ctx.penalties.append(mean_penalty(layer.activity_regularizer, a, ctx.rows))
    return a


def without_activation(layer: Any) -> tuple[Any, str] | None:
    """`bare` for a layer that ends in `activation`."""
    if isinstance(layer.activation, str) and layer.activity_regularizer is None:
        return with_fields(layer, activation="linear"), layer.activation
    return None


def mean_penalty(penalty: Any, a: Array, rows: Any) -> Array:
    """A penalty on outputs by row that exists."""
    if rows is None:
        return penalty(a) / a.shape[0]
    return penalty(a * rows.reshape(-1, *[1] * (a.ndim - 1))) / jnp.maximum(jnp.sum(rows), 1)


def need_rank(layer: Layer, shape: Shape, ranks: tuple[int, ...], what: str) -> None:
    """Raise a ShapeError unless one input row has one of the ranks."""
    if len(shape) not in ranks:
        raise ShapeError(
            f"{type(layer).__name__} cannot take rows of shape {shape}.",
            where=f"layer {layer.name or type(layer).__name__}",
            expected=what,
            received=f"rows of shape {shape}",
            help="Put a Flatten or Reshape before it, or change input_shape.",
        )


def several(value: Any) -> tuple[Any, ...]:
    """A setting that is one value or many, as a tuple.

    >>> several(1), several([1, 2]), several(None)
    ((1,), (1, 2), ())
    """
    if value is None:
        return ()
    return tuple(value) if isinstance(value, Iterable) and not isinstance(value, str) else (value,)


def axis_of(layer: Layer, axis: int, rank: int) -> int:
    """An axis counted from 1 (the batch being 0) for rows of `rank` axes.

    Raises:
        ShapeError: when rows have no such axis.
    """
    found = axis + rank + 1 if axis < 0 else axis
    if not 1 <= found <= rank:
        raise ShapeError(
            f"{type(layer).__name__} names an axis that rows do not have.", where=type(layer).__name__,
            expected=f"1 … {rank}, or −{rank} … −1" if rank else "rows of at least one axis", received=axis,
            help="The batch axis is 0 and is never meant.",
        )  # fmt: skip
    return found


class AlongAxis(Layer, abstract=True):
    """Base of layers that turn each vector along one axis of a row, never that of the batch, into another."""

    passes_mask = True
    keeps_shape = True
    axis: int = item(default=-1, rule=Number(integer=True))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.axis == 0:
            name = type(self).__name__
            raise InputError(
                f"{name} would mix the rows of a batch.", where=f"axis of {name}",
                expected="an axis of a row: 1, 2, …, or from the end −1, −2, …", received=0,
                help="The batch axis is 0.",
            )  # fmt: skip

    def output_shape(self, shape: Shape) -> Shape:
        axis_of(self, self.axis, len(shape))
        return shape

    @property
    def streams(self) -> bool:
        return self.axis == -1


def is_zero(value: Any) -> bool:
    """Whether a traced number is a plain 0, and so part of the structure."""
    return isinstance(value, (int, float)) and value == 0


def positive_shape(layer: Layer, shape: Any) -> Shape:
    """A checked tuple of axis lengths."""
    try:
        axes = shape if isinstance(shape, (tuple, list)) else (shape,)
        result = tuple(None if axis is None else int(axis) for axis in axes)
    except (TypeError, ValueError):
        result = (0,)
    if any(axis is not None and axis < 1 for axis in result):
        raise InputError(
            f"{type(layer).__name__} needs the length of every axis of a row.",
            where=type(layer).__name__,
            expected="integers >= 1, or None for any length, without the batch axis",
            received=shape,
            help="A table with four columns is shape=(4,).",
        )
    return result  # type: ignore[return-value]


def real(x: Array, dtype: Any = jnp.float32) -> Array:
    """Inputs of integer or boolean type as real numbers."""
    return x if jnp.issubdtype(x.dtype, jnp.floating) else x.astype(dtype)


def cast(value: Array, dtype: Any) -> Array:
    """Real numbers in another type; integers stay."""
    return value.astype(dtype) if jnp.issubdtype(value.dtype, jnp.floating) else value
