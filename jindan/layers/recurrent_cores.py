"""What a recurrent layer and its cell have in common: weights, dropout, the recurrences of SimpleRNN, LSTM and GRU."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import jax.numpy as jnp
import numpy as np

from ..initializers import Initializer
from ..ops import recurrence
from ..spec import item
from .base import Array, Context, Layer, Shape, Weight, is_zero, kernel
from .recurrent_base import States
from .stream import Stream


class Gated(Layer, abstract=True):
    """Base: the next states are functions of x W + h U + b."""

    _gates = 1
    _states = 1
    _extra = 0  # operations a unit and step besides the affine map and its activation
    _kept = 4  # numbers a unit and step that the loops of `ops/recurrence_loops.py` hold at their height

    if TYPE_CHECKING:  # each layer and cell lists its own, in Keras's order
        units: Any
        activation: Any
        dropout: Any
        recurrent_dropout: Any
        use_bias: Any
        kernel_initializer: Any
        recurrent_initializer: Any
        bias_initializer: Any
        kernel_regularizer: Any
        recurrent_regularizer: Any
        bias_regularizer: Any
        kernel_constraint: Any
        recurrent_constraint: Any
        bias_constraint: Any

    @property
    def random(self) -> bool:
        return not (is_zero(self.dropout) and is_zero(self.recurrent_dropout))

    def arrays(self, features: int) -> dict[str, Weight]:
        """The weights for steps of so many features, in Keras's order."""
        width = self._gates * self.units
        found = {
            "kernel": Weight(
                (features, width), self.kernel_initializer, self.kernel_regularizer, self.kernel_constraint
            ),
            "recurrent_kernel": Weight(
                (self.units, width), self.recurrent_initializer, self.recurrent_regularizer, self.recurrent_constraint
            ),
        }
        if self.use_bias:
            start = self._bias_start()
            found["bias"] = Weight(self._bias_shape(), start, self.bias_regularizer, self.bias_constraint)
        return found

    def run(
        self, w: dict[str, Array], x: Array, ctx: Context, *, initial: Any = None, mask: Any = None, every: bool = False
    ) -> tuple[Array, States]:
        """Outputs (rows, time, units) of all steps or that of the last, and the states after it."""
        keep = None
        if ctx.training and not is_zero(self.dropout):
            # One draw a sequence: the same inputs are dropped in all its steps (Gal & Ghahramani 2016).
            x = x * drop_factors(ctx.stream(0), (x.shape[0], 1, x.shape[2]), self.dropout, x.dtype)
        if ctx.training and not is_zero(self.recurrent_dropout):
            keep = drop_factors(ctx.stream(3), (x.shape[0], self.units), self.recurrent_dropout, x.dtype)
        return self.recur(
            x, *self._kernels(w, ctx), w.get("bias"), initial=initial, mask=mask, every=every, keep=keep
        )  # fmt: skip

    def recur(self, x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, **how: Any) -> tuple[Array, States]:
        """Outputs and last states for a whole sequence; see `jindan.ops.recurrence`."""
        raise NotImplementedError

    def operations(self, features: int) -> int:
        """Floating-point operations of one step."""
        affine = self._gates * self.units * (2 * (features + self.units) + bool(self.use_bias) + 1)
        return affine + self._extra * self.units

    def kept(self, features: int) -> int:
        """Numbers of one step that an update holds at its height."""
        return self._kept * self.units + 2 * features

    def _bias_shape(self) -> Shape:
        return (self._gates * self.units,)

    def _bias_start(self) -> Any:
        return self.bias_initializer

    def _kernels(self, w: dict[str, Array], ctx: Context) -> tuple[Array, Array]:
        return kernel(ctx, w["kernel"]), kernel(ctx, w["recurrent_kernel"], 2)


class SimpleCore(Gated, abstract=True):
    """h_t = f(x_t W + h_{t−1} U + b)."""

    def recur(self, x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, **how: Any) -> tuple[Array, States]:
        return recurrence.simple_rnn(x, kernel, recurrent_kernel, bias, activation=self.activation, **how)


class LSTMCore(Gated, abstract=True):
    """c_t = f ⊙ c_{t−1} + i ⊙ g, h_t = o ⊙ tanh c_t; states (h, c)."""

    _gates, _states, _extra, _kept = 4, 2, 5, 13

    def recur(
        self: Any, x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, **how: Any
    ) -> tuple[Array, States]:
        more = {"activation": self.activation, "recurrent_activation": self.recurrent_activation}
        return recurrence.lstm(x, kernel, recurrent_kernel, bias, **more, **how)

    def _bias_start(self: Any) -> Any:
        return unit_forget(self.bias_initializer) if self.unit_forget_bias else self.bias_initializer


class GRUCore(Gated, abstract=True):
    """h_t = z ⊙ h_{t−1} + (1 − z) ⊙ g."""

    _gates, _extra, _kept = 3, 5, 16

    def recur(
        self: Any, x: Array, kernel: Array, recurrent_kernel: Array, bias: Any, **how: Any
    ) -> tuple[Array, States]:
        more = {"activation": self.activation, "recurrent_activation": self.recurrent_activation}
        return recurrence.gru(x, kernel, recurrent_kernel, bias, reset_after=self.reset_after, **more, **how)

    def _bias_shape(self: Any) -> Shape:
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


def drop_factors(draw: Stream, shape: Shape, rate: Any, dtype: Any) -> Array:
    """Factors that are 0 with probability `rate` and 1 / (1 − rate) else."""
    keep = draw.uniform(shape) >= rate
    return jnp.where(keep, 1 / (1 - rate), 0).astype(dtype)
