"""Convolutional LSTMs: films in, every gate a convolution over the picture and the state."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import lax

from ..activations import resolve
from ..ops.convolution import convolution
from ..ops.pooling import same_padding
from ..spec import COUNT, FRACTION, Number, item
from .base import Array, Context, Shape, Weight, is_zero, need_rank
from .convolution import VALID_OR_SAME, Windowed
from .recurrent import Recurrent
from .recurrent_base import OverTime, States, spread
from .recurrent_cores import drop_factors, unit_forget
from .spatial import CHANNELS_LAST

GATES = 4
_FILMS = {
    1: "(time, places, features)", 2: "(time, height, width, channels)", 3: "(time, depth, height, width, channels)",
}  # fmt: skip


class _ConvLSTM(Windowed, Recurrent, abstract=True):
    """Base: films (rows, time, *space, channels) → (rows, *outputs, filters), or with every step (rows, time, …)."""

    _states = 2

    filters: int = item(rule=COUNT)  # type: ignore[misc]
    kernel_size: Any = item()  # type: ignore[misc]
    strides: Any = item(default=1)
    padding: str = item(default="valid", rule=VALID_OR_SAME)
    data_format: str | None = item(default=None, rule=CHANNELS_LAST)
    dilation_rate: Any = item(default=1)
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

    def bare(self) -> None:
        return None  # its activation is that of every step

    def _state(self, film: Shape) -> Shape:
        """The shape of one row of a state."""
        need_rank(self, film, (self.axes + 2,), f"rows {_FILMS[self.axes]}")
        return (*self._spaces(film[1:]), self.filters)

    def output_shape(self, shape: Any) -> Any:
        state = self._state(self._sequence(shape))
        return self._outputs(shape, state, [state] * self._states)

    def weights(self, shape: Any) -> dict[str, Weight]:
        channels, width = self._sequence(shape)[-1], GATES * self.filters
        found = {
            "kernel": Weight((*self._windows, channels, width), self.kernel_initializer, self.kernel_regularizer,
                             self.kernel_constraint),
            "recurrent_kernel": Weight((*self._windows, self.filters, width), self.recurrent_initializer,
                                       self.recurrent_regularizer, self.recurrent_constraint),
        }  # fmt: skip
        if self.use_bias:
            start = unit_forget(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer
            found["bias"] = Weight((width,), start, self.bias_regularizer, self.bias_constraint)
        return found

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Any:
        return OverTime.apply(self, w, x, ctx)

    def run(
        self, w: dict[str, Array], x: Array, ctx: Context, *, initial: Any = None, mask: Any = None, every: bool = False
    ) -> tuple[Array, States]:
        kernel, recurrent_kernel = self._kernels(w, ctx)
        x = x.astype(jnp.result_type(x, kernel))
        z = self._read(x, kernel, w.get("bias"), ctx)
        state = (x.shape[0], *z.shape[2:-1], self.filters)
        zeros = (jnp.zeros(state, z.dtype),) * self._states
        states = zeros if initial is None else tuple(h.astype(z.dtype) for h in initial)
        keep = None
        if ctx.training and not is_zero(self.recurrent_dropout):
            keep = drop_factors(ctx.stream(3), (*state[:-1], GATES * self.filters), self.recurrent_dropout, z.dtype)

        def body(states: States, given: Any) -> tuple[States, Any]:
            z, there = given
            new = self._after(z, states, recurrent_kernel, keep)
            if there is not None:
                real = spread(there, new[0]) > 0
                new = tuple(jnp.where(real, a, b) for a, b in zip(new, states, strict=True))
            return new, new[0] if every else None

        over = None if mask is None else jnp.swapaxes(mask, 0, 1)
        states, out = lax.scan(body, states, (jnp.swapaxes(z, 0, 1), over))
        return (jnp.swapaxes(out, 0, 1) if every else states[0]), states

    def _read(self, x: Array, kernel: Array, bias: Any, ctx: Context) -> Array:
        """x ∗ W + b of all steps in one convolution: (rows, time, *outputs, 4 filters)."""
        rows, time = x.shape[:2]
        groups = 1
        if ctx.training and not is_zero(self.dropout):
            # As in Keras each gate has a draw of its own, for all steps.
            x = jnp.concatenate([x] * GATES, axis=-1)
            x = x * drop_factors(ctx.stream(0), (rows, *x.shape[2:]), self.dropout, x.dtype)[:, None]
            groups = GATES
        z = self._convolve(x.reshape(-1, *x.shape[2:]), kernel, groups)
        z = z if bias is None else z + bias
        return z.reshape(rows, time, *z.shape[1:])

    def _after(self, z: Array, states: States, kernel: Array, keep: Any) -> States:
        """(h, c) after a step."""
        gate, squash, (h, c) = resolve(self.recurrent_activation), resolve(self.activation), states
        if keep is not None:
            h = jnp.concatenate([h] * GATES, axis=-1) * keep
        padding = same_padding(h.shape[1:-1], self._windows, (1,) * self.axes, (1,) * self.axes)
        i, f, g, o = jnp.split(z + convolution(h, kernel, padding=padding, groups=1 if keep is None else GATES), 4, -1)
        c = gate(f) * c + gate(i) * squash(g)
        return gate(o) * squash(c), c

    def start(self, shape: Shape, rows: int, dtype: Any) -> States:
        self._need_forwards()
        return (jnp.zeros((rows, *self._state(shape)), dtype),) * self._states

    def step(self, w: dict[str, Array], x: Array, state: States, ctx: Context) -> tuple[Array, States]:
        kernel, recurrent_kernel = self._kernels(w, ctx)
        after = self._after(self._read(x[:, None], kernel, w.get("bias"), ctx)[:, 0], state, recurrent_kernel, None)
        if ctx.mask is None:
            return after[0], after
        real = spread(ctx.mask, after[0]) > 0
        out = jnp.where(real, after[0], 0 if self.zero_output_for_mask else state[0])
        return out, tuple(jnp.where(real, new, old) for new, old in zip(after, state, strict=True))

    def flops(self, shape: Any) -> int:
        film = self._sequence(shape)
        taps = math.prod(self._windows) * (film[-1] + self.filters)
        return film[0] * math.prod(self._state(film)) * (GATES * (2 * taps + bool(self.use_bias) + 1) + 5)

    def keeps(self, shape: Any) -> int:
        film = self._sequence(shape)
        return film[0] * (13 * math.prod(self._state(film)) + 2 * math.prod(film[1:]))


class ConvLSTM1D(_ConvLSTM):  # type: ignore[misc]
    """An LSTM whose matrix products are convolutions along one axis of space; arguments as ConvLSTM2D.

    Shapes: input (rows, time, places, features), output (rows, places, filters).

    >>> ConvLSTM1D(4, 3, padding="same").output_shape((5, 8, 2))
    (8, 4)
    """

    axes = 1


class ConvLSTM2D(_ConvLSTM):  # type: ignore[misc]
    """c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh c_t with i, f, g, o from x_t ∗ W + h_{t−1} ∗ U + b: for films.

    Shapes: input (rows, time, height, width, channels), kernel (height, width, channels, 4 filters), recurrent_kernel
    (height, width, filters, 4 filters), bias (4 filters,), the gates in the order i, f, c, o; output and states h, c
    (rows, height, width, filters).

    Args:
        filters: Kernels, the channels of each state.
        kernel_size: Cells that a kernel sees along both axes, or (rows, columns).
        strides, padding, data_format, dilation_rate: Of the convolution over x, as in Conv2D. That over h has steps of
            1 and keeps its size.
        activation, recurrent_activation, unit_forget_bias: As in LSTM.
        dropout, recurrent_dropout: Shares of x and of h dropped while training, one draw a film and gate.
        return_sequences, return_state, go_backwards, stateful, initial_state: As in SimpleRNN.

    Raises:
        ShapeError: when rows are no films, or the windows do not fit in them.

    >>> ConvLSTM2D(8, 3).output_shape((10, 28, 28, 1)), ConvLSTM2D(8, 3).weights((10, 28, 28, 1))["kernel"].shape
    ((26, 26, 8), (3, 3, 1, 32))

    Source: Shi et al., "Convolutional LSTM network: a machine learning approach for precipitation nowcasting", 2015.
    """

    strides: Any = item(default=(1, 1))
    dilation_rate: Any = item(default=(1, 1))


class ConvLSTM3D(_ConvLSTM):  # type: ignore[misc]
    """An LSTM over films of volumes (rows, time, depth, height, width, channels); arguments as ConvLSTM2D.

    >>> ConvLSTM3D(4, 3, padding="same").output_shape((5, 6, 8, 8, 2))
    (6, 8, 8, 4)
    """

    axes = 3
    strides: Any = item(default=(1, 1, 1))
    dilation_rate: Any = item(default=(1, 1, 1))
