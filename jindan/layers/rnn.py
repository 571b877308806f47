"""RNN: a layer that runs a cell, or a stack of cells, along sequences."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from ..errors import InputError
from ..spec import item
from .base import Array, Context, Shape, Weight, need_rank
from .cells import Cell, first_output
from .inner import inner_weights, within
from .recurrent_base import OverTime, States, spread


class StackedRNNCells(Cell):
    """Cells one on another as one cell; its states are those of the first, then of the next.

    Weights: those of the cells under "0.", "1.", ….

    Args:
        cells: The cells, each of which reads what the one before gives.

    Raises:
        InputError: when there are none.

    >>> from jindan.layers import GRUCell, LSTMCell
    >>> stack = StackedRNNCells([LSTMCell(3), GRUCell(2)])
    >>> stack.state_size, RNN(stack, return_state=True).output_shape((5, 4))
    (((3,), (3,), (2,)), ((2,), (3,), (3,), (2,)))
    """

    cells: Any = item(kind="cell*")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.cells:
            raise InputError(
                "A stack needs cells.", where="cells of StackedRNNCells", expected="one cell or more", received="none",
                help="RNN([LSTMCell(8), LSTMCell(8)]) makes a stack of two.",
            )  # fmt: skip
        for cell in self.cells:
            need_cell(cell, "cells of StackedRNNCells")

    @property
    def state_size(self) -> Any:
        return tuple(form for cell in self.cells for form in cell.state_shapes)

    @property
    def random(self) -> bool:
        return any(cell.random for cell in self.cells)

    @property
    def couples(self) -> bool:  # type: ignore[override]
        """Whether a cell inside does."""
        return any(cell.couples for cell in self.cells)

    def get_initial_state(self, batch_size: int, dtype: Any) -> States:
        return tuple(state for cell in self.cells for state in cell.get_initial_state(batch_size, dtype))

    def output_shape(self, shape: Shape) -> Shape:
        return self._shapes(shape)[-1]

    def weights(self, shape: Shape) -> dict[str, Weight]:
        found: dict[str, Weight] = {}
        for place, (cell, form) in enumerate(zip(self.cells, self._shapes(shape), strict=False)):
            found |= inner_weights(cell, form, f"{place}.")
        return found

    def call(self, w: dict[str, Array], inputs: Array, states: States, ctx: Context) -> tuple[Array, Any]:
        found: list[Array] = []
        for place, (cell, own) in enumerate(zip(self.cells, self._parted(states), strict=True)):
            own_weights, inside = within(cell, w, ctx, place, f"{place}.")
            inputs, after = cell.call(own_weights, inputs, own, inside)
            found += after if isinstance(after, (tuple, list)) else [after]
        return inputs, found

    def run(
        self, w: dict[str, Array], x: Array, ctx: Context, *, initial: Any = None, mask: Any = None, every: bool = False
    ) -> tuple[Array, States]:
        # Cell by cell along the whole sequence, which is the same and lets each use its own loop.
        found: list[Array] = []
        given = [None] * len(self.cells) if initial is None else self._parted(initial)
        for place, (cell, own) in enumerate(zip(self.cells, given, strict=True)):
            own_weights, inside = within(cell, w, ctx, place, f"{place}.")
            every_step = every or place < len(self.cells) - 1
            x, after = cell.run(own_weights, x, inside, initial=own, mask=mask, every=every_step)
            found += after
        return x, tuple(found)

    def flops(self, shape: Shape) -> int:
        return sum(cell.flops(form) for cell, form in zip(self.cells, self._shapes(shape), strict=False))

    def keeps(self, shape: Shape) -> int:
        return sum(cell.keeps(form) for cell, form in zip(self.cells, self._shapes(shape), strict=False))

    def _shapes(self, shape: Shape) -> list[Shape]:
        """The shape of one step of what each cell reads, and of the last one's output."""
        found = [tuple(shape)]
        for cell in self.cells:
            found.append(cell.output_shape(found[-1]))
        return found

    def _parted(self, states: Any) -> list[tuple]:
        """The states of each cell."""
        found, waiting = [], list(states)
        for cell in self.cells:
            count = len(cell.state_shapes)
            found.append(tuple(waiting[:count]))
            waiting = waiting[count:]
        return found


class RNN(OverTime):
    """A cell along a sequence: output and states of each step from the step's inputs and the states before it.

    Shapes: input (rows, time, …) → (rows, output), or (rows, time, output) with `return_sequences`; with
    `return_state` the states of the last step follow, one after another (Keras has those of each cell of a stack in a
    list of their own). Weights: those of the cell; of a stack, under "cell.0.", "cell.1.", ….

    `RNN(LSTMCell(8))` is `LSTM(8)`, and as fast; a cell of your own runs in the same compiled program.

    Args:
        cell: A cell, or a list of cells one on another.
        return_sequences, return_state, go_backwards, stateful, unroll, initial_state: As in SimpleRNN.
        zero_output_for_mask: Whether the output of a masked step is 0; otherwise the one before is repeated.

    Raises:
        InputError: when it gets no cell.

    >>> from jindan.layers import LSTM, LSTMCell
    >>> RNN([LSTMCell(8), LSTMCell(4)]).output_shape((5, 2)), list(RNN(LSTMCell(8)).weights((5, 2)))
    ((4,), ['kernel', 'recurrent_kernel', 'bias'])
    >>> w, x = {"kernel": jnp.ones((2, 4)), "recurrent_kernel": jnp.ones((1, 4))}, jnp.ones((1, 3, 2))
    >>> both = RNN(LSTMCell(1, use_bias=False)), LSTM(1, use_bias=False)
    >>> bool((both[0].apply(w, x, Context()) == both[1].apply(w, x, Context())).all())
    True
    """

    cell: Any = item(kind="cell")
    return_sequences: bool = item(default=False)
    return_state: bool = item(default=False)
    go_backwards: bool = item(default=False)
    stateful: bool = item(default=False, host=True)
    unroll: bool = item(default=False, host=True)
    zero_output_for_mask: bool = item(default=False)

    def __post_init__(self) -> None:
        if isinstance(self.cell, (list, tuple)):
            object.__setattr__(self, "cell", StackedRNNCells(self.cell))
        super().__post_init__()
        need_cell(self.cell, "cell of RNN")

    @property
    def _states(self) -> int:  # type: ignore[override]
        return len(self.cell.state_shapes)

    @property
    def _prefix(self) -> str:
        return "cell." if isinstance(self.cell, StackedRNNCells) else ""

    @property
    def random(self) -> bool:
        return self.cell.random

    @property
    def couples(self) -> bool:  # type: ignore[override]
        """Whether the cell does."""
        return self.cell.couples

    def output_shape(self, shape: Any) -> Any:
        sequence = self._sequence(shape)
        need_rank(self, sequence, (2, 3, 4, 5), "rows of shape (time, features)")
        return self._outputs(shape, self.cell.output_shape(sequence[1:]), self.cell.state_shapes)

    def weights(self, shape: Any) -> dict[str, Weight]:
        return inner_weights(self.cell, self._sequence(shape)[1:], self._prefix)

    def run(
        self, w: dict[str, Array], x: Array, ctx: Context, *, initial: Any = None, mask: Any = None, every: bool = False
    ) -> tuple[Array, States]:
        own = {name.removeprefix(self._prefix): value for name, value in w.items()}
        # The cell draws from the layer's own stream, as LSTM does.
        training, frozen = ctx.training and not self.cell.inference, ctx.frozen or not self.cell.trainable
        inside = replace(ctx, training=training, frozen=frozen)
        return self.cell.run(own, x, inside, initial=initial, mask=mask, every=every)

    def start(self, shape: Shape, rows: int, dtype: Any) -> Any:
        """The states before the first step, and the output that a masked one repeats."""
        self._need_forwards()
        states = self.cell.get_initial_state(rows, dtype)
        return states, first_output(states, (rows, *self.cell.output_shape(shape[1:])), dtype)

    def step(self, w: dict[str, Array], x: Array, state: Any, ctx: Context) -> tuple[Array, Any]:
        states, before = state
        out, after = self.run(w, x[:, None], replace(ctx, mask=None), initial=states)
        if ctx.mask is None:
            return out, (after, out)
        kept = jnp.where(spread(ctx.mask, out) > 0, out, before)
        after = tuple(jnp.where(spread(ctx.mask, new) > 0, new, old) for new, old in zip(after, states, strict=True))
        shown = jnp.where(spread(ctx.mask, out) > 0, out, 0) if self.zero_output_for_mask else kept
        return shown, (after, kept)

    def flops(self, shape: Any) -> int:
        time, *step = self._sequence(shape)
        return time * self.cell.flops(tuple(step))

    def keeps(self, shape: Any) -> int:
        time, *step = self._sequence(shape)
        return time * self.cell.keeps(tuple(step))


def need_cell(cell: Any, where: str) -> None:
    """Refuse what is no cell.

    Raises:
        InputError: otherwise.
    """
    if not isinstance(cell, Cell):
        raise InputError(
            "This is not a cell.", where=where, expected="a cell such as LSTMCell(8), or a class derived from Cell",
            received=repr(cell), help="LSTM(8) is a layer already; RNN is for cells, of your own too.",
        )  # fmt: skip
