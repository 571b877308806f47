"""Recurrent layers: SimpleRNN, LSTM, GRU."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp

from ..spec import COUNT, FRACTION, Number, item
from .base import Array, Context, Shape, Weight, need_rank
from .recurrent_base import OverTime, States
from .recurrent_cores import Gated, GRUCore, LSTMCore, SimpleCore


class Recurrent(Gated, OverTime, abstract=True):
    """Base: (rows, time, features) → (rows, units), or (rows, time, units) with `return_sequences`."""

    zero_output_for_mask: bool = item(default=False, kw_only=True)

    def output_shape(self, shape: Any) -> Any:
        need_rank(self, self._sequence(shape), (2,), "rows of shape (time, features)")
        return self._outputs(shape, (self.units,), [(self.units,)] * self._states)

    def weights(self, shape: Any) -> dict[str, Weight]:
        return self.arrays(self._sequence(shape)[-1])

    def start(self, shape: Shape, rows: int, dtype: Any) -> States:
        """States of zeros for `rows` sequences."""
        self._need_forwards()
        return (jnp.zeros((rows, self.units), dtype),) * self._states

    def step(self, w: dict[str, Array], x: Array, state: States, ctx: Context) -> tuple[Array, States]:
        """The output (rows, units) for one step (rows, features), and the states after it; `ctx.mask` is (rows,)."""
        out, after = self.recur(x[:, None], *self._kernels(w, ctx), w.get("bias"), initial=state)
        if ctx.mask is None:
            return out, after
        real = ctx.mask[:, None] > 0
        out = jnp.where(real, out, 0 if self.zero_output_for_mask else state[0])
        return out, tuple(jnp.where(real, new, old) for new, old in zip(after, state, strict=True))

    def flops(self, shape: Any) -> int:
        time, features = self._sequence(shape)
        return time * self.operations(features)

    def keeps(self, shape: Any) -> int:
        time, features = self._sequence(shape)
        return time * self.kept(features)


class SimpleRNN(SimpleCore, Recurrent):
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


class LSTM(LSTMCore, Recurrent):
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


class GRU(GRUCore, Recurrent):
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
