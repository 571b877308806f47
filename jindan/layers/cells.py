"""Cells: one step of a recurrence, for `RNN`. Cell is the base of your own; SimpleRNNCell, LSTMCell, GRUCell."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, NoReturn

import jax
import jax.numpy as jnp
from jax import lax

from ..errors import InputError, ShapeError, undefined
from ..spec import COUNT, FRACTION, Number, item
from .base import Array, Context, Layer, Shape, Weight, need_rank, real
from .recurrent_base import States, spread
from .recurrent_cores import Gated, GRUCore, LSTMCore, SimpleCore

OWN_CELL = "`weights(self, shape)` names the arrays, `call(self, w, inputs, states, ctx)` computes; see Cell."


class Cell(Layer, kind="cell"):
    """Base of cells. A cell of your own takes ten lines; `RNN` runs it along sequences, with JAX's own slopes:

    >>> from jindan.initializers import GlorotUniform, Orthogonal
    >>> from jindan.layers import RNN
    >>> class Plain(Cell):
    ...     units: int = 3
    ...     def weights(self, shape):
    ...         n = self.units
    ...         return {"kernel": Weight((shape[-1], n), GlorotUniform()), "again": Weight((n, n), Orthogonal())}
    ...     def call(self, w, inputs, states, ctx):
    ...         h = jnp.tanh(inputs @ w["kernel"] + states[0] @ w["again"])
    ...         return h, [h]
    >>> RNN(Plain(), return_sequences=True).output_shape((5, 2)), RNN([Plain(), Plain(4)]).output_shape((5, 2))
    ((5, 3), (4,))

    `shape` is that of one step of a row, inputs are (rows, *shape), each state is (rows, length). A cell whose training
    draws random numbers says so by a property `random`; `ctx.stream()` then gives each step its own.

    Attributes:
        state_size: Length of its state, a tuple with one for each of several, or with a shape; `units` unless it says
            otherwise.
        output_size: Length (or shape) of its output; that of the first state unless it says otherwise.
    """

    @property
    def state_size(self) -> Any:
        """Length of its state, or a tuple with one for each of several."""
        units = getattr(self, "units", None)
        if units is None:
            raise undefined(self, "state_size(self)", "the length of the state, as a property", OWN_CELL)
        return units

    @property
    def output_size(self) -> Any:
        """Length or shape of an output."""
        return self.state_shapes[0]

    @property
    def state_shapes(self) -> tuple[Shape, ...]:
        """The shape of one row of each state."""
        sizes = self.state_size
        return tuple(map(_shape, sizes if isinstance(sizes, (tuple, list)) else (sizes,)))

    def get_initial_state(self, batch_size: int, dtype: Any) -> States:
        """States before the first step, for so many rows: zeros."""
        return tuple(jnp.zeros((batch_size, *form), dtype) for form in self.state_shapes)

    def call(self, w: dict[str, Array], inputs: Array, states: States, ctx: Context) -> tuple[Array, Any]:
        """The output (rows, …) for one step (rows, …), and the states after it."""
        raise undefined(self, "call(self, w, inputs, states, ctx)", "the output (rows, …) and the states", OWN_CELL)

    def output_shape(self, shape: Shape) -> Shape:
        """The shape of one row of its output for that of one step of a row."""
        return _shape(self.output_size)

    def run(
        self, w: dict[str, Array], x: Array, ctx: Context, *, initial: Any = None, mask: Any = None, every: bool = False
    ) -> tuple[Array, States]:
        """Outputs (rows, time, …) of all steps or that of the last, and the states after it.

        Args:
            w: Its weights.
            x: (rows, time, …).
            ctx: What it is told.
            initial: States before the first step, or None.
            mask: (rows, time), 0 where a step does not exist: states stay there, the output is repeated. Or None.
            every: Whether the outputs of all steps are given.

        Raises:
            ShapeError: when the cell gives an output or states of other shapes than it said.
        """
        x = real(x)
        x = x.astype(jnp.result_type(x, *w.values()))
        rows, time = x.shape[:2]
        start = self.get_initial_state(rows, x.dtype) if initial is None else initial
        states = tuple(jnp.asarray(state, x.dtype) for state in start)
        before = first_output(states, (rows, *self.output_shape(x.shape[2:])), x.dtype)
        numbers = jnp.arange(time) if ctx.training and self.random else None

        def body(carried: Any, given: Any) -> tuple[Any, Any]:
            (states, before), (now, there, number) = carried, given
            key = None if number is None else jax.random.fold_in(ctx.key, number)
            out, after = self._after(w, now, states, before.shape, replace(ctx, mask=None, key=key))
            if there is not None:
                out = jnp.where(spread(there, out) > 0, out, before)
                after = tuple(
                    jnp.where(spread(there, new) > 0, new, old) for new, old in zip(after, states, strict=True)
                )
            return (after, out), out if every else None

        over = None if mask is None else jnp.swapaxes(mask, 0, 1)
        (states, last), outputs = lax.scan(body, (states, before), (jnp.swapaxes(x, 0, 1), over, numbers))
        return (jnp.swapaxes(outputs, 0, 1) if every else last), states

    def _after(self, w: dict[str, Array], x: Array, states: States, form: Shape, ctx: Context) -> tuple[Array, States]:
        """What `call` gives, in the types and shapes of what it got."""
        out, after = self.call(w, x, states, ctx)
        after = tuple(after) if isinstance(after, (tuple, list)) else (after,)
        shapes = [jnp.shape(part) for part in (out, *after)]
        wanted = [form, *(state.shape for state in states)]
        if shapes != wanted:
            raise ShapeError(
                "A cell gives other shapes than it said.", where=f"call of {type(self).__name__}",
                expected=f"output and states of shapes {', '.join(map(str, wanted))}",
                received=", ".join(map(str, shapes)),
                help="call returns output, [state, …]; state_size and output_size say how long they are.",
            )  # fmt: skip
        return out.astype(x.dtype), tuple(new.astype(old.dtype) for new, old in zip(after, states, strict=True))

    def flops(self, shape: Shape) -> int:
        """Operations of one step of a row: of a product with each matrix, and one a number of the other weights."""
        own = (math.prod(w.shape) * (2 if len(w.shape) > 1 else 1) for w in self.weights(shape).values())
        return sum(own) + math.prod(self.output_shape(shape))

    def keeps(self, shape: Shape) -> int:
        return 4 * sum(map(math.prod, self.state_shapes)) + 2 * math.prod(shape)

    def __call__(self, *inputs: Any, **named: Any) -> NoReturn:
        """Refused: a cell is no layer.

        Raises:
            InputError: always.
        """
        name = type(self).__name__
        raise InputError(
            "A cell computes one step and is no layer of a graph.", where=name, expected=f"RNN({name}(…))(x)",
            received=f"{name}(…)(x)", help="RNN(cell) is a layer that goes along a sequence.",
        )  # fmt: skip


class _GatedCell(Gated, Cell, abstract=True):
    """Base of the cells whose recurrence has a loop of its own."""

    @property
    def state_size(self) -> Any:
        return (self.units,) * self._states

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (1,), "steps of rows of shape (features,)")
        return (self.units,)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return self.arrays(shape[-1])

    def call(self, w: dict[str, Array], inputs: Array, states: States, ctx: Context) -> tuple[Array, Any]:
        return self.run(w, inputs[:, None], ctx, initial=states)

    def flops(self, shape: Shape) -> int:
        return self.operations(shape[-1])

    def keeps(self, shape: Shape) -> int:
        return self.kept(shape[-1])


class SimpleRNNCell(SimpleCore, _GatedCell):
    """h_t = f(x_t W + h_{t−1} U + b), the step of SimpleRNN; weights and arguments are those of that layer.

    >>> from jindan.layers import RNN
    >>> RNN(SimpleRNNCell(3)).output_shape((5, 2)), SimpleRNNCell(3).weights((2,))["kernel"].shape
    ((3,), (2, 3))
    """

    units: int = item(rule=COUNT)
    activation: Any = item(default="tanh", kind="activation")
    use_bias: bool = item(default=True)
    kernel_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    recurrent_initializer: Any = item(default="orthogonal", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    kernel_regularizer: Any = item(default=None, kind="regularizer")
    recurrent_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    recurrent_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    recurrent_dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


class LSTMCell(LSTMCore, _GatedCell):
    """c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh c_t, the step of LSTM; weights and arguments are those of that layer.

    >>> from jindan.layers import RNN
    >>> RNN(LSTMCell(3), return_state=True).output_shape((5, 2)), LSTMCell(3).state_size
    (((3,), (3,), (3,)), (3, 3))
    """

    units: int = item(rule=COUNT)
    activation: Any = item(default="tanh", kind="activation")
    recurrent_activation: Any = item(default="sigmoid", kind="activation")
    use_bias: bool = item(default=True)
    kernel_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    recurrent_initializer: Any = item(default="orthogonal", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    unit_forget_bias: bool = item(default=True, host=True)
    kernel_regularizer: Any = item(default=None, kind="regularizer")
    recurrent_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    recurrent_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    recurrent_dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


class GRUCell(GRUCore, _GatedCell):
    """h_t = z ⊙ h_{t−1} + (1 − z) ⊙ g, the step of GRU; weights and arguments are those of that layer.

    >>> from jindan.layers import RNN
    >>> RNN(GRUCell(3)).output_shape((5, 2)), GRUCell(3).weights((2,))["bias"].shape
    ((3,), (2, 9))
    """

    units: int = item(rule=COUNT)
    activation: Any = item(default="tanh", kind="activation")
    recurrent_activation: Any = item(default="sigmoid", kind="activation")
    use_bias: bool = item(default=True)
    kernel_initializer: Any = item(default="glorot_uniform", kind="initializer", host=True)
    recurrent_initializer: Any = item(default="orthogonal", kind="initializer", host=True)
    bias_initializer: Any = item(default="zeros", kind="initializer", host=True)
    kernel_regularizer: Any = item(default=None, kind="regularizer")
    recurrent_regularizer: Any = item(default=None, kind="regularizer")
    bias_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    recurrent_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    recurrent_dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    reset_after: bool = item(default=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)


def first_output(states: States, form: Shape, dtype: Any) -> Array:
    """What a masked first step repeats: the first state where it has the form of an output, as in Keras; else zeros."""
    return states[0].astype(dtype) if states and states[0].shape == form else jnp.zeros(form, dtype)


def _shape(size: Any) -> Shape:
    """A length or a shape as a shape."""
    return tuple(size) if isinstance(size, (tuple, list)) else (int(size),)
