"""Recurrent layers: SimpleRNN, LSTM, GRU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from ..errors import InputError, ShapeError
from ..initializers import Initializer
from ..ops import recurrence
from ..spec import COUNT, FRACTION, Number, item
from .base import Array, Context, Layer, Shape, Stream, Weight, is_zero, kernel, mean_penalty, need_rank

States = tuple[Array, ...]


class FromStates(Layer, abstract=True):
    """Base: reads a sequence and, where a graph gives them, states to start from after it."""

    splits = True
    reads_mask = True

    initial_state: bool = item(default=False, kw_only=True)

    def __call__(self, sequences: Any, initial_state: Any = None, **named: Any) -> Any:
        """Connect it to a sequence and, as in Keras, to states to start from: what another layer gives, or a list."""
        given, several = with_states(sequences, initial_state)
        return super().__call__(given, initial_state=several, **named)

    @property
    def many(self) -> bool:  # type: ignore[override]
        """Whether it reads a list: it does where states to start from follow the sequence."""
        return bool(self.initial_state)


class _Recurrent(FromStates, abstract=True):
    """Base: (rows, time, features) → (rows, units), or (rows, time, units) with `return_sequences`.

    With `return_state` the last states follow the output, as a tuple. A masked step leaves the states as they are and
    repeats the output (zero with `zero_output_for_mask`). In a graph, `layer(x, initial_state=states)` starts from
    other states than zeros: it has `initial_state` then, and reads a list, the states after the sequence.
    """

    _gates = 1
    _states = 1
    _extra = 0  # operations a unit and step besides the affine map and its activation
    _kept = 4  # numbers a unit and step that the loops of `ops/recurrence_loops.py` hold at their height

    zero_output_for_mask: bool = item(default=False, kw_only=True)

    if TYPE_CHECKING:  # each layer lists its own, in Keras's order
        units: Any
        dropout: Any
        recurrent_dropout: Any
        return_sequences: Any
        return_state: Any
        go_backwards: Any
        use_bias: Any
        kernel_initializer: Any
        recurrent_initializer: Any
        bias_initializer: Any
        kernel_regularizer: Any
        recurrent_regularizer: Any
        bias_regularizer: Any
        activity_regularizer: Any
        kernel_constraint: Any
        recurrent_constraint: Any
        bias_constraint: Any

    def __post_init__(self) -> None:
        super().__post_init__()
        if getattr(self, "stateful", False):
            raise InputError(
                "A layer here does not keep its state from one batch to the next.", where=type(self).__name__,
                expected="stateful=False", received="stateful=True",
                help="model.generate carries the state from entry to entry; longer rows train across more steps.",
            )  # fmt: skip

    @property
    def passes_mask(self) -> bool:  # type: ignore[override]
        """Whether its output has the mask of its input: one that keeps its steps does."""
        return bool(self.return_sequences)

    @property
    def streams(self) -> bool:
        return not self.initial_state

    def mask_of(self, x: Any, mask: Any) -> Any:
        own = first_mask(mask) if self.passes_mask else None
        return (own, *[None] * self._states) if self.return_state else own

    @property
    def random(self) -> bool:
        return not (is_zero(self.dropout) and is_zero(self.recurrent_dropout))

    def output_shape(self, shape: Any) -> Any:
        sequence = self._sequence(shape)
        need_rank(self, sequence, (2,), "rows of shape (time, features)")
        if self.initial_state:
            need_states(self, shape[1:], [(self.units,)] * self._states)
        out = (sequence[0], self.units) if self.return_sequences else (self.units,)
        return (out, *[(self.units,)] * self._states) if self.return_state else out

    def _sequence(self, shape: Any) -> Shape:
        """The shape of one row of the sequence."""
        return shape[0] if self.initial_state else shape

    def weights(self, shape: Any) -> dict[str, Weight]:
        width = self._gates * self.units
        found = {
            "kernel": Weight(
                (self._sequence(shape)[-1], width),
                self.kernel_initializer,
                self.kernel_regularizer,
                self.kernel_constraint,
            ),
            "recurrent_kernel": Weight(
                (self.units, width), self.recurrent_initializer, self.recurrent_regularizer, self.recurrent_constraint
            ),
        }
        if self.use_bias:
            start = self._bias_start()
            found["bias"] = Weight(self._bias_shape(), start, self.bias_regularizer, self.bias_constraint)
        return found

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Any:
        mask, keep, initial = first_mask(ctx.mask), None, None
        if self.initial_state:
            x, *initial = x
        if ctx.training and not is_zero(self.dropout):
            # One draw a sequence: the same inputs are dropped in all its steps (Gal & Ghahramani 2016).
            x = x * drop_factors(ctx.stream(0), (x.shape[0], 1, x.shape[2]), self.dropout, x.dtype)
        if ctx.training and not is_zero(self.recurrent_dropout):
            keep = drop_factors(ctx.stream(3), (x.shape[0], self.units), self.recurrent_dropout, x.dtype)
        if self.go_backwards:
            x, mask = jnp.flip(x, 1), None if mask is None else jnp.flip(mask, 1)
        every = bool(self.return_sequences)
        out, states = self.recur(x, *self._kernels(w, ctx), w.get("bias"), initial=initial, mask=mask, every=every,
                                 keep=keep)  # fmt: skip
        if self.zero_output_for_mask and mask is not None:
            out = jnp.where((mask[:, :, None] if every else mask[:, -1:]) > 0, out, 0)
        if self.activity_regularizer is not None:
            ctx.penalties.append(mean_penalty(self.activity_regularizer, out, ctx.rows))
        return (out, *states) if self.return_state else out

    def start(self, shape: Shape, rows: int, dtype: Any) -> States:
        """States of zeros for `rows` sequences."""
        self._need_forwards()
        return (jnp.zeros((rows, self.units), dtype),) * self._states

    def _need_forwards(self) -> None:
        if self.go_backwards:
            raise InputError(
                "A layer that reads its sequence from the end cannot go step by step.", where=type(self).__name__,
                expected="go_backwards=False", received="go_backwards=True",
            )  # fmt: skip

    def step(self, w: dict[str, Array], x: Array, state: States, ctx: Context) -> tuple[Array, States]:
        """The output (rows, units) for one step (rows, features), and the states after it; `ctx.mask` is (rows,)."""
        out, after = self.recur(x[:, None], *self._kernels(w, ctx), w.get("bias"), initial=state)
        if ctx.mask is None:
            return out, after
        real = ctx.mask[:, None] > 0
        out = jnp.where(real, out, 0 if self.zero_output_for_mask else state[0])
        return out, tuple(jnp.where(real, new, old) for new, old in zip(after, state, strict=True))

    def recur(self, x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, **how: Any) -> tuple[Array, States]:
        """Outputs and last states for a whole sequence; see `jindan.ops.recurrence`."""
        raise NotImplementedError

    def flops(self, shape: Any) -> int:
        time, features = self._sequence(shape)
        affine = self._gates * self.units * (2 * (features + self.units) + bool(self.use_bias) + 1)
        return time * (affine + self._extra * self.units)

    def keeps(self, shape: Any) -> int:
        time, features = self._sequence(shape)
        return time * (self._kept * self.units + 2 * features)

    def _bias_shape(self) -> Shape:
        return (self._gates * self.units,)

    def _bias_start(self) -> Any:
        return self.bias_initializer

    def _kernels(self, w: dict[str, Array], ctx: Context) -> tuple[Array, Array]:
        return kernel(ctx, w["kernel"]), kernel(ctx, w["recurrent_kernel"], 2)


class SimpleRNN(_Recurrent):
    """h_t = f(x_t W + h_{t−1} U + b) (Elman 1990).

    Shapes: input (rows, time, features), kernel (features, units), recurrent_kernel (units, units), bias (units,).

    Args:
        units: Length of the state.
        activation: f.
        dropout, recurrent_dropout: Shares of inputs and of the state dropped while training, one draw a sequence.
        return_sequences: Whether the output holds every step, or the last.
        return_state: Whether the last states are given too, after the output.
        initial_state: Whether states to start from follow the sequence among its inputs. `layer(x, initial_state=[h])`
            of a graph sets it; masks of x count as ever (Keras then takes those only that the call gives).
        go_backwards: Whether the sequence is read from its end; outputs come in the order they were computed.
        unroll: Accepted for Keras's sake: the loop is compiled.
        stateful: Only False: state is carried by `start` and `step`, which `model.generate` uses.

    >>> SimpleRNN(3).output_shape((5, 2)), SimpleRNN(3, return_sequences=True).output_shape((5, 2))
    ((3,), (5, 3))
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
    activity_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    recurrent_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    recurrent_dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    return_sequences: bool = item(default=False)
    return_state: bool = item(default=False)
    go_backwards: bool = item(default=False)
    stateful: bool = item(default=False, host=True)
    unroll: bool = item(default=False, host=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)

    def recur(self, x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, **how: Any) -> tuple[Array, States]:
        return recurrence.simple_rnn(x, kernel, recurrent_kernel, bias, activation=self.activation, **how)


class LSTM(_Recurrent):
    """c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh c_t: long short-term memory (Hochreiter & Schmidhuber 1997).

    Shapes: kernel (features, 4 units), recurrent_kernel (units, 4 units), bias (4 units,), the gates in the order i, f,
    c, o; states (h, c).

    Args:
        units: Length of each state.
        activation, recurrent_activation: Of the candidate and output; of the gates.
        unit_forget_bias: Whether the forget gate's bias starts at 1 (Jozefowicz et al. 2015).

    The others are those of `SimpleRNN`.

    >>> LSTM(3).weights((5, 2))["kernel"].shape, LSTM(3, return_state=True).output_shape((5, 2))
    ((2, 12), ((3,), (3,), (3,)))
    """

    _gates, _states, _extra, _kept = 4, 2, 5, 13

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
    activity_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    recurrent_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    recurrent_dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)
    return_sequences: bool = item(default=False)
    return_state: bool = item(default=False)
    go_backwards: bool = item(default=False)
    stateful: bool = item(default=False, host=True)
    unroll: bool = item(default=False, host=True)

    def recur(self, x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, **how: Any) -> tuple[Array, States]:
        more = {"activation": self.activation, "recurrent_activation": self.recurrent_activation}
        return recurrence.lstm(x, kernel, recurrent_kernel, bias, **more, **how)

    def _bias_start(self) -> Any:
        return unit_forget(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer


class GRU(_Recurrent):
    """h_t = z ⊙ h_{t−1} + (1 − z) ⊙ g: the gated recurrent unit (Cho et al. 2014).

    Shapes: kernel (features, 3 units), recurrent_kernel (units, 3 units), the gates in the order z, r, h; bias
    (2, 3 units), of the inputs and of the state, or (3 units,) where the reset gate acts before the matmul.

    Args:
        units: Length of the state.
        activation, recurrent_activation: Of the candidate; of the gates.
        reset_after: Whether the reset gate acts after the matmul with the state (as in cuDNN) or before it.

    The others are those of `SimpleRNN`.

    >>> GRU(3).weights((5, 2))["bias"].shape, GRU(3, reset_after=False).weights((5, 2))["bias"].shape
    ((2, 9), (9,))
    """

    _gates, _extra, _kept = 3, 5, 16

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
    activity_regularizer: Any = item(default=None, kind="regularizer")
    kernel_constraint: Any = item(default=None, kind="constraint")
    recurrent_constraint: Any = item(default=None, kind="constraint")
    bias_constraint: Any = item(default=None, kind="constraint")
    dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    recurrent_dropout: float = item(default=0.0, rule=FRACTION, traced=True)
    seed: int | None = item(default=None, rule=Number(integer=True), host=True, optional=True)
    return_sequences: bool = item(default=False)
    return_state: bool = item(default=False)
    go_backwards: bool = item(default=False)
    stateful: bool = item(default=False, host=True)
    unroll: bool = item(default=False, host=True)
    reset_after: bool = item(default=True)

    def recur(self, x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, **how: Any) -> tuple[Array, States]:
        more = {"activation": self.activation, "recurrent_activation": self.recurrent_activation}
        return recurrence.gru(x, kernel, recurrent_kernel, bias, reset_after=self.reset_after, **more, **how)

    def _bias_shape(self) -> Shape:
        width = self._gates * self.units
        return (2, width) if self.reset_after else (width,)


class _UnitForget(Initializer):
    """An LSTM's bias with 1 at the forget gate and another initialiser's numbers elsewhere."""

    others: Any = item(default=None)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        # Called, not drawn from, as its own seed goes before the plan's.
        ours = isinstance(self.others, Initializer)
        drawn = self.others(shape, float, rng) if ours else np.array(self.others(shape))
        units = shape[0] // 4
        drawn[units : 2 * units] = 1
        return drawn


def unit_forget(others: Any) -> Initializer:
    """How the bias of four gates starts: with 1 at the forget gate, and as another initialiser says elsewhere.

    >>> from jindan.initializers import Zeros
    >>> unit_forget(Zeros())((4,)).tolist()
    [0.0, 1.0, 0.0, 0.0]
    """
    return _UnitForget(others)


def with_states(sequences: Any, initial_state: Any) -> tuple[list, bool]:
    """The inputs of a call in one list, the states after the sequence, and whether there are states.

    >>> with_states("x", ["h", "c"]), with_states(["x"], None)
    ((['x', 'h', 'c'], True), (['x'], False))
    """
    given = list(sequences) if isinstance(sequences, (list, tuple)) else [sequences]
    if initial_state is not None:
        given += list(initial_state) if isinstance(initial_state, (list, tuple)) else [initial_state]
    return given, len(given) > 1


def first_mask(mask: Any) -> Any:
    """The mask of the sequence, where there may be one for each input."""
    return mask[0] if isinstance(mask, (list, tuple)) else mask


def need_states(layer: Layer, shapes: Any, wanted: list[Shape]) -> None:
    """Refuse states to start from that are others than the layer has.

    Raises:
        ShapeError: where their number or shapes differ.
    """
    if list(map(tuple, shapes)) != wanted:
        raise ShapeError(
            "The states to start from are not those of the layer.", where=f"initial_state of {type(layer).__name__}",
            expected=", ".join(map(str, wanted)), received=", ".join(map(str, shapes)) or "none",
            help="They are what such a layer of as many units gives after its output, with return_state=True.",
        )  # fmt: skip


def drop_factors(draw: Stream, shape: Shape, rate: Any, dtype: Any) -> Array:
    """Factors that are 0 with probability `rate` and 1 / (1 − rate) else."""
    keep = draw.uniform(shape) >= rate
    return jnp.where(keep, 1 / (1 - rate), 0).astype(dtype)
