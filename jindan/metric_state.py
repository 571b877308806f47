"""Metrics written as for Keras: the variables that `update_state` adds to, as sums of the compiled program."""

from __future__ import annotations

import inspect
import math
from typing import Any, NoReturn

import jax
import jax.numpy as jnp

from .errors import InputError
from .keras_style import acting
from .lazy import defined

Array = jax.Array
HELP = (
    "In `update_state` a variable may be added to: self.total.assign_add(x), or self.total.assign(self.total + x). "
    "What is no sum over batches: a JAX function (y_true, y_pred) is averaged over rows, and a class with "
    "`sums(self, y_true, y_pred, weight)` and `value(self, total)` gives statistics of its own."
)


class Sum:
    """A variable of a metric: what batches add up to, from 0 in each epoch.

    Attributes:
        shape: Of the array.
        name: For messages.

    >>> Sum((2,)) == Sum((2,)), Sum(()) == Sum((1,))
    (True, False)
    """

    by_content = True

    def __init__(self, shape: tuple[int, ...] = (), name: str | None = None) -> None:
        self.shape, self.name = shape, name

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sum) and (self.shape, self.name) == (other.shape, other.name)

    def __hash__(self) -> int:
        return hash((self.shape, self.name))

    def __repr__(self) -> str:
        return f"Sum({self.shape})"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _refuse(f"{name} of a variable outside a training", "Call the metric on arrays: metric(y_true, y_pred).")


class Growing(Sum):
    """A variable inside `update_state`: it can be added to, and nothing else, so that batches add up."""

    def __init__(self, shape: tuple[int, ...], name: str | None, dtype: Any) -> None:
        super().__init__(shape, name)
        self.dtype, self.added = dtype, jnp.zeros(shape, dtype)

    def assign_add(self, value: Any) -> None:
        """Add to it."""
        self.added = self.added + jnp.broadcast_to(jnp.asarray(value, self.dtype), self.shape)

    def assign_sub(self, value: Any) -> None:
        """Take from it."""
        self.assign_add(-jnp.asarray(value, self.dtype))

    def assign(self, value: Any) -> None:
        """Take the variable plus something for the new value."""
        if not isinstance(value, Grown) or value.of is not self:
            _refuse("assign of a value that is not the variable plus something")
        self.assign_add(value.by)

    def __add__(self, other: Any) -> Grown:
        return Grown(self, other)

    def __sub__(self, other: Any) -> Grown:
        return Grown(self, -jnp.asarray(other))

    __radd__ = __add__

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        _refuse("the value of a variable" if name[0] == "_" else f"{name} of a variable")

    __array__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __rsub__ = __neg__ = __getitem__ = __bool__ = (
        lambda self, *others, **named: _refuse("the value of a variable")
    )


class Grown:
    """A variable plus something, to be assigned to it."""

    def __init__(self, of: Growing, by: Any) -> None:
        self.of, self.by = of, by

    def __add__(self, other: Any) -> Grown:
        return Grown(self.of, jnp.asarray(self.by) + other)

    def __sub__(self, other: Any) -> Grown:
        return Grown(self.of, jnp.asarray(self.by) - other)

    __radd__ = __add__


def variable(shape: Any = (), initializer: Any = None, name: str | None = None) -> Sum:
    """What `add_variable` gives.

    Raises:
        InputError: when it does not begin at 0.
    """
    if isinstance(shape, str):  # the order of Keras 2
        shape, name = (), shape
    kind = initializer if isinstance(initializer, str) or initializer is None else type(initializer).__name__
    if kind is not None and kind.lower() not in ("zeros", "zero"):
        raise InputError(
            "The variables of a metric begin at 0.", where=f"initializer of {name or 'a variable'}", expected='"zeros"',
            received=repr(initializer), help="They are sums over batches; add what they should begin with in `result`.",
        )  # fmt: skip
    return Sum((shape,) if isinstance(shape, int) else tuple(shape or ()), name)


def sums(metric: Any, y_true: Array, y_pred: Array, weight: Array | None) -> Array:
    """What `update_state` adds for a batch, all variables in one vector."""
    live: dict[int, Growing] = {}
    # Predictions may be class numbers.
    kind = y_pred.dtype if jnp.issubdtype(y_pred.dtype, jnp.floating) else jnp.result_type(float)

    def grow(value: Any) -> Any:
        if not isinstance(value, Sum):
            return value
        return live.setdefault(id(value), Growing(value.shape, value.name, kind))

    copy = acting(metric, grow)
    if not live:
        raise InputError(
            "A metric whose `update_state` has no variable to add to.", where=f"class {type(metric).__name__}",
            expected='self.total = self.add_variable((), "zeros") in `__init__`', received="no variable", help=HELP,
        )  # fmt: skip
    parameters = inspect.signature(copy.update_state).parameters.values()
    weighs = sum(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) for p in parameters) > 2
    named = any(p.name == "sample_weight" or p.kind == p.VAR_KEYWORD for p in parameters)
    if not (named or weighs) and weight is not None:
        _refuse("weights of rows", "Let it take them: def update_state(self, y_true, y_pred, sample_weight=None).")
    given = {"sample_weight": weight} if named else {}
    try:
        copy.update_state(y_true, y_pred, *([weight] if weighs and not named else []), **given)
    except TypeError as error:
        if "Growing" not in str(error) and "Grown" not in str(error):
            raise
        _refuse("the value of a variable")
    return jnp.concatenate([one.added.reshape(-1) for one in live.values()])


def value(metric: Any, total: Any) -> Any:
    """What `result` makes of the added vectors."""
    place, found = 0, {}

    def read(entry: Any) -> Any:
        nonlocal place
        if not isinstance(entry, Sum):
            return entry
        if id(entry) not in found:
            size = math.prod(entry.shape)
            found[id(entry)] = jnp.asarray(total[place : place + size]).reshape(entry.shape)
            place += size
        return found[id(entry)]

    figure = acting(metric, read).result()
    if isinstance(figure, dict) or figure is None or jnp.ndim(figure) > 0:
        raise InputError(
            "The result of a metric is one number.", where=f"result of {type(metric).__name__}", expected="a number",
            received=f"an array of shape {jnp.shape(figure)}" if hasattr(figure, "shape") else type(figure).__name__,
            help="Give one metric for each figure.",
        )  # fmt: skip
    return figure


def _refuse(received: str, help: str = HELP) -> NoReturn:
    raise InputError(
        "A metric's variables are sums over batches.", where="update_state of a metric of your own",
        expected="a variable that is added to", received=received, help=help,
    )  # fmt: skip


__all__ = defined(globals())
