"""What all layers share that go along a sequence: states to start from, masks, directions, the shapes they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..spec import item
from .base import Array, Context, Layer, Shape, mean_penalty

States = tuple[Array, ...]


class FromStates(Layer, abstract=True):
    """Base: reads a sequence and, where a graph gives them, states to start from after it."""

    splits = True
    in_pieces = False
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


class OverTime(FromStates, abstract=True):
    """Base: (rows, time, …) → the output of the last step, or with `return_sequences` those of all.

    With `return_state` the last states follow the output, as a tuple. A masked step leaves the states as they are and
    repeats the output (zero with `zero_output_for_mask`). In a graph, `layer(x, initial_state=states)` starts from
    other states than zeros: it has `initial_state` then, and reads a list, the states after the sequence.
    """

    _states = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        if getattr(self, "stateful", False):
            raise InputError(
                "A layer here does not keep its state from one batch to the next.", where=type(self).__name__,
                expected="stateful=False", received="stateful=True",
                help="model.generate carries the state from entry to entry; longer rows train across more steps.",
            )  # fmt: skip

    @property
    def passes_mask(self: Any) -> bool:  # type: ignore[override]
        """Whether its output has the mask of its input: one that keeps its steps does."""
        return bool(self.return_sequences)

    @property
    def streams(self) -> bool:
        return not self.initial_state

    def mask_of(self: Any, x: Any, mask: Any) -> Any:
        own = first_mask(mask) if self.passes_mask else None
        return (own, *[None] * self._states) if self.return_state else own

    def apply(self: Any, w: dict[str, Array], x: Any, ctx: Context) -> Any:
        mask, initial = first_mask(ctx.mask), None
        if self.initial_state:
            x, *initial = x
        if self.go_backwards:
            x, mask = jnp.flip(x, 1), None if mask is None else jnp.flip(mask, 1)
        every = bool(self.return_sequences)
        out, states = self.run(w, x, ctx, initial=initial, mask=mask, every=every)
        if self.zero_output_for_mask and mask is not None:
            out = jnp.where(spread(mask if every else mask[:, -1], out) > 0, out, 0)
        penalty = getattr(self, "activity_regularizer", None)
        if penalty is not None:
            ctx.penalties.append(mean_penalty(penalty, out, ctx.rows))
        return (out, *states) if self.return_state else out

    def run(
        self, w: dict[str, Array], x: Array, ctx: Context, *, initial: Any = None, mask: Any = None, every: bool = False
    ) -> tuple[Array, States]:
        """Outputs (rows, time, …) of all steps or that of the last, and the states after it."""
        raise NotImplementedError

    def _sequence(self, shape: Any) -> Shape:
        """The shape of one row of the sequence."""
        return shape[0] if self.initial_state else shape

    def _outputs(self: Any, shape: Any, each: Shape, states: Sequence[Shape]) -> Any:
        """The shapes of what it gives: of an output of one step, and of states."""
        if self.initial_state:
            need_states(self, shape[1:], list(states))
        out = (self._sequence(shape)[0], *each) if self.return_sequences else each
        return (out, *states) if self.return_state else out

    def _need_forwards(self: Any) -> None:
        if self.go_backwards:
            raise InputError(
                "A layer that reads its sequence from the end cannot go step by step.", where=type(self).__name__,
                expected="go_backwards=False", received="go_backwards=True",
            )  # fmt: skip


def with_states(sequences: Any, initial_state: Any) -> tuple[list, bool]:
    """The inputs of a call in one list, the states after the sequence, and whether there are states.

    >>> with_states("x", ["h", "c"]), with_states("x", [["h", "c"], "g"]), with_states(["x"], None)
    ((['x', 'h', 'c'], True), (['x', 'h', 'c', 'g'], True), (['x'], False))
    """
    given = list(sequences) if isinstance(sequences, (list, tuple)) else [sequences]
    if initial_state is not None:
        given += _flat(initial_state)
    return given, len(given) > 1


def _flat(states: Any) -> list:
    """States in one list: Keras has those of each cell of a stack in a list of their own."""
    return [one for part in states for one in _flat(part)] if isinstance(states, (list, tuple)) else [states]


def first_mask(mask: Any) -> Any:
    """The mask of the sequence, where there may be one for each input."""
    return mask[0] if isinstance(mask, (list, tuple)) else mask


def spread(mask: Array, over: Array) -> Array:
    """A mask with axes of length 1 behind its own, to go with an array of more axes.

    >>> spread(jnp.ones((3, 2)), jnp.ones((3, 2, 4, 4))).shape
    (3, 2, 1, 1)
    """
    return mask.reshape(*mask.shape, *[1] * (over.ndim - mask.ndim))


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
