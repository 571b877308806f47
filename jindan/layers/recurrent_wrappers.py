"""Layers around a layer over time: Bidirectional reads a sequence both ways, TimeDistributed applies a layer to every
step."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp

from ..errors import InputError, ShapeError
from ..spec import Choice, item, with_fields
from .around import Around
from .base import Array, Context, Layer, Shape, Weight, need_rank
from .inner import inner_apply, inner_shape, inner_weights
from .nested import Nested
from .recurrent_base import FromStates, OverTime, first_mask


class Bidirectional(FromStates):
    """A recurrent layer from the start and another from the end of each sequence (Schuster & Paliwal 1997).

    Weights: those of the layer under "forward." and "backward.".

    Args:
        layer: SimpleRNN, LSTM, GRU, a ConvLSTM, or RNN around a cell.
        merge_mode: How both outputs become one: "concat", "sum", "mul", "ave"; None gives both, as a tuple.
        backward_layer: The layer that reads from the end; unless given, one like `layer`.

    With `return_state` the states follow the output, those of the forward layer first. Outputs of masked steps are 0.
    In a graph, `layer(x, initial_state=states)` starts from other states than zeros, in the same order: it has
    `initial_state` then, and reads a list, the states after the sequence.

    >>> from jindan.layers import LSTM
    >>> Bidirectional(LSTM(3)).output_shape((5, 2)), Bidirectional(LSTM(3), merge_mode="sum").output_shape((5, 2))
    ((6,), (3,))
    """

    layer: Any = item(kind="layer")
    merge_mode: str | None = item(default="concat", rule=Choice(("concat", "sum", "mul", "ave")), optional=True)
    backward_layer: Any = item(default=None, kind="layer")

    def __post_init__(self) -> None:
        super().__post_init__()
        for held in (self.layer, self.backward_layer):
            if held is not None and not isinstance(held, OverTime):
                raise InputError(
                    "Bidirectional is for recurrent layers.", where="Bidirectional",
                    expected="SimpleRNN, LSTM, GRU, ConvLSTM or RNN", received=type(held).__name__,
                )  # fmt: skip
        other = self.backward_layer
        if other is not None and (
            other.go_backwards == self.layer.go_backwards
            or other.return_sequences != self.layer.return_sequences
            or other.return_state != self.layer.return_state
        ):
            raise InputError(
                "The two layers of Bidirectional do not go together.", where="Bidirectional",
                expected="the same return_sequences and return_state, and go_backwards=True in the second",
                received=(self.layer, other), help="Leave backward_layer out to have one made.",
            )  # fmt: skip

    @property
    def passes_mask(self) -> bool:  # type: ignore[override]
        """Whether its output has the mask of its input."""
        return self.layer.passes_mask

    @property
    def streams(self) -> bool:
        return False  # the way back begins at the end

    @property
    def random(self) -> bool:
        return any(layer.random for layer in self._both)

    def mask_of(self, x: Any, mask: Any) -> Any:
        own = first_mask(mask) if self.passes_mask else None
        outputs = (own,) if self.merge_mode is not None else (own, own)
        states = 2 * self.layer._states if self.layer.return_state else 0
        return (*outputs, *[None] * states) if len(outputs) + states > 1 else own

    def _given(self, x: Any) -> tuple[Any, Any]:
        """What the layers read, of inputs or of their shapes: the same, or each its own half of the states."""
        if not self.initial_state:
            return x, x
        half = 1 + (len(x) - 1) // 2
        return [x[0], *x[1:half]], [x[0], *x[half:]]

    def output_shape(self, shape: Any) -> Any:
        forward, backward = (
            layer.output_shape(form) for layer, form in zip(self._both, self._given(shape), strict=True)
        )
        first, second = (form[0] if self.layer.return_state else form for form in (forward, backward))
        if self.merge_mode == "concat":
            out: Any = (*first[:-1], first[-1] + second[-1])
        elif first != second:
            raise InputError(
                "Outputs of different lengths cannot be merged so.", where="Bidirectional", expected=first,
                received=second, help='Use merge_mode="concat".',
            )  # fmt: skip
        else:
            out = first
        states = (*forward[1:], *backward[1:]) if self.layer.return_state else ()
        if self.merge_mode is None:
            return (first, second, *states)
        return (out, *states) if states else out

    def weights(self, shape: Any) -> dict[str, Weight]:
        forward, backward = (with_fields(layer, initial_state=False) for layer in self._both)
        shape = shape[0] if self.initial_state else shape
        return inner_weights(forward, shape, "forward.") | inner_weights(backward, shape, "backward.")

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Any:
        both = zip(self._both, self._given(x), ("forward.", "backward."), strict=True)
        found = [inner_apply(layer, w, given, ctx, place, prefix) for place, (layer, given, prefix) in enumerate(both)]
        states: tuple[Array, ...] = ()
        if self.layer.return_state:
            states = (*found[0][1:], *found[1][1:])
            found = [each[0] for each in found]
        a, b = found
        if self.layer.return_sequences:
            b = jnp.flip(b, 1)
        if self.merge_mode is None:
            return (a, b, *states)
        out = {
            "concat": lambda: jnp.concatenate([a, b], -1),
            "sum": lambda: a + b,
            "mul": lambda: a * b,
            "ave": lambda: (a + b) / 2,
        }[self.merge_mode]()
        return (out, *states) if states else out

    def flops(self, shape: Any) -> int:
        both = zip(self._both, self._given(shape), strict=True)
        return sum(layer.flops(form) for layer, form in both) + Layer.flops(self, shape)

    def keeps(self, shape: Any) -> int:
        return sum(layer.keeps(form) for layer, form in zip(self._both, self._given(shape), strict=True))

    def start(self, shape: Shape, rows: int, dtype: Any) -> Any:
        raise InputError(
            "Bidirectional reads a sequence from its end too, so it cannot go step by step.", where="Bidirectional",
            expected="layers that read forwards", received="Bidirectional",
        )  # fmt: skip

    @property
    def _both(self) -> tuple[Any, Any]:
        second = self.backward_layer
        if second is None:
            second = with_fields(self.layer, go_backwards=not self.layer.go_backwards)
        changes: dict[str, Any] = {"initial_state": self.initial_state}
        if self.layer.return_sequences:
            # A repeated output stands for what was read before, which is another side for each layer: zeros, as in
            # Keras.
            changes["zero_output_for_mask"] = True
        return with_fields(self.layer, **changes), with_fields(second, **changes)


class TimeDistributed(Around):
    """A layer, or a model, applied to every step of a sequence: (rows, time, …) → (rows, time, …).

    Weights: those of the layer under "layer."; a model has its own, here and by itself. Of a mask (rows, time, words),
    the layer gets that of each step; a step of which it makes one thing exists if any of its words does.

    Args:
        layer: A layer of one output, or a model of one input and output.

    Raises:
        InputError: when a model has several inputs or outputs.
        ShapeError: when the layer cannot take a step, or gives several outputs.

    >>> from jindan.layers import Dense, Flatten
    >>> from jindan.models import Sequential
    >>> TimeDistributed(Dense(3)).output_shape((5, 2))
    (5, 3)
    >>> TimeDistributed(Sequential([Flatten(), Dense(3)])).output_shape((5, 8, 8, 1))
    (5, 3)
    """

    passes_mask = True
    reads_mask = True

    def __post_init__(self) -> None:
        model = self.layer
        if hasattr(model, "specs") and hasattr(model, "ready_weights"):
            object.__setattr__(self, "layer", Nested(model.specs, model.graph, name=model.name))
            object.__setattr__(self, "_model", model)
        super().__post_init__()

    def replace(self, **changes: Any) -> TimeDistributed:
        """A copy with some fields changed, of the same model."""
        made = super().replace(**changes)
        if "layer" not in changes and "_model" in self.__dict__:
            object.__setattr__(made, "_model", self.__dict__["_model"])
        return made

    @property
    def streams(self) -> bool:
        return True  # no step knows of another

    @property
    def full_precision(self) -> bool:  # type: ignore[override]
        """Whether it gets its weights uncast."""
        return self.layer.full_precision

    def output_shape(self, shape: Shape) -> Shape:
        need_rank(self, shape, (1, 2, 3, 4, 5), "rows of shape (time, …)")
        found = inner_shape(self.layer, shape[1:])
        if found and isinstance(found[0], tuple):
            raise ShapeError(
                "A layer at every step gives one output.", where=f"layer of {self.name or 'TimeDistributed'}",
                expected="one output", received=f"{len(found)} outputs of {type(self.layer).__name__}",
                help="Leave out return_state and the like.",
            )  # fmt: skip
        return (shape[0], *found)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return inner_weights(self.layer, shape[1:], "layer.")

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        rows, time = x.shape[:2]
        real, inner = None if ctx.rows is None else jnp.repeat(ctx.rows, time), _flat(ctx.mask)
        if ctx.mask is not None and inner is None:
            there = ctx.mask.reshape(-1).astype(x.dtype)
            real = there if real is None else real * there
        out = inner_apply(self.layer, w, x.reshape(-1, *x.shape[2:]), replace(ctx, rows=real, mask=inner), 0, "layer.")
        return out.reshape(rows, time, *out.shape[1:])

    def mask_of(self, x: Any, mask: Any) -> Any:
        inner = _flat(mask)
        if inner is None:
            return mask
        given, known = x.reshape(-1, *x.shape[2:]), inner
        found = self.layer.mask_of([given], [known]) if self.layer.many else self.layer.mask_of(given, known)
        if found is None:
            return jnp.any(inner.reshape(*mask.shape[:2], -1) > 0, axis=-1).astype(jnp.float32)
        return found.reshape(*mask.shape[:2], *found.shape[1:])

    def bare(self) -> tuple[Layer, str] | None:
        found = self.layer.bare()
        return None if found is None else (with_fields(self, layer=found[0]), found[1])

    def start(self, shape: Shape, rows: int, dtype: Any) -> Any:
        return None

    def step(self, w: dict[str, Array], x: Array, state: Any, ctx: Context) -> tuple[Array, Any]:
        return inner_apply(self.layer, w, x, replace(ctx, mask=None), 0, "layer."), state

    def flops(self, shape: Shape) -> int:
        return shape[0] * self.layer.flops((shape[1:],) if self.layer.many else shape[1:])

    def keeps(self, shape: Shape) -> int:
        return shape[0] * self.layer.keeps((shape[1:],) if self.layer.many else shape[1:])


def _flat(mask: Any) -> Any:
    """A mask with axes behind that of time, a row a step; None where there are no such axes."""
    return None if mask is None or mask.ndim < 3 else mask.reshape(-1, *mask.shape[2:])
