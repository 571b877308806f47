"""A function as a layer (Lambda), layers that pass rows on (Identity, ActivityRegularization), merging by functions."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from ..activations import canonical, resolve
from ..closures import Closed, closed
from ..errors import InputError, ShapeError
from ..regularizers import L1L2
from ..spec import NOT_NEGATIVE, item, with_fields
from .base import Array, Context, Layer, Shape, is_zero, mean_penalty
from .merge import Add, Average, Concatenate, Dot, Maximum, Minimum, Multiply, Subtract

_TRIED = 7  # rows a function is tried with, to learn the shape of what it gives


class _Function(Layer, abstract=True):
    function: Any = item()
    result_shape: Any = item(default=None, host=True)
    mask: Any = item(default=None)
    arguments: Any = item(default=())


class Lambda(_Function):
    """y = function(x), x being the rows of a batch (rows, …); of several inputs, the list of them.

    The function is written with `jax.numpy` and gives an array (rows, …), or a tuple of such. Where it has a parameter
    `mask` or `training`, it is told these. A plan with a function of your own can be saved once that has a name:
    `jd.register("activation", "half", half)`.

    Args:
        function: The function, or the name of an activation or of a registered function.
        output_shape: The shape of one row of what it gives. It is found by trying the function; a shape given is
            compared with it, a function given (as Keras takes) is not needed. The field is called `result_shape`.
        mask: (x, mask) → the mask of what it gives; None: it has none.
        arguments: Further arguments by name: numbers, words, None, or tuples of these.

    Raises:
        InputError: when function or mask is none, or arguments are arrays.
        ShapeError: when the network is built and the function cannot take the rows, or does not give a row for each.

    >>> import jax.numpy as jnp
    >>> Lambda(lambda x, by: jnp.sum(x, axis=-1) * by, arguments={"by": 2.0}).output_shape(((3, 4),))
    (3,)
    """

    many = True
    reads_mask = True

    def __init__(
        self, function: Any, output_shape: Any = None, mask: Any = None, arguments: Any = (), *,
        result_shape: Any = None, **named: Any,
    ) -> None:  # fmt: skip
        super().__init__(function, result_shape if output_shape is None else output_shape, mask, arguments, **named)

    def __post_init__(self) -> None:
        super().__post_init__()
        known = canonical(self.function, where="function of Lambda") if self.function is not None else None
        if not (isinstance(known, str) or callable(known)):
            raise _refused("function", "a function of the rows (rows, …), or the name of an activation", self.function)
        mask = canonical(self.mask, where="mask of Lambda") if isinstance(self.mask, str) else self.mask
        if mask is not None and not callable(mask):
            raise _refused("mask", "a function of (x, mask), or None", self.mask)
        form = None if callable(self.result_shape) else self.result_shape
        if isinstance(form, int):
            form = (form,)
        object.__setattr__(self, "result_shape", form)
        object.__setattr__(self, "function", known if isinstance(known, str) else closed(known))
        object.__setattr__(self, "mask", None if mask is None else closed(mask))
        object.__setattr__(self, "arguments", _pairs(self.arguments))

    def output_shape(self, shape: Any) -> Any:
        given = [jax.ShapeDtypeStruct((_TRIED, *form), self.dtype or jnp.float32) for form in shape]
        try:
            found = jax.eval_shape(lambda x: self._called(x, Context(mask=[None] * len(x))), given)
            forms = tuple(tuple(part.shape) for part in (found if isinstance(found, (tuple, list)) else (found,)))
        except Exception as error:  # whatever a function of the user's raises
            reason = (str(error).strip() or repr(error)).splitlines()[0]
            raise self._unfit(
                "cannot take the rows", f"a function of arrays {[(None, *form) for form in shape]}",
                f"{type(error).__name__}: {reason}", "Write it with jax.numpy; sizes are those of a whole batch.",
            ) from error  # fmt: skip
        if not forms or any(form[:1] != (_TRIED,) for form in forms):
            raise self._unfit(
                "does not give a row for each row", f"shape ({_TRIED}, …) for {_TRIED} rows",
                ", ".join(map(str, forms)) or "nothing", "Axis 0 is that of the rows: sum or mean over axis=1 or -1.",
            )  # fmt: skip
        rows = tuple(form[1:] for form in forms)
        result = rows if isinstance(found, (tuple, list)) else rows[0]
        if self.result_shape is not None and not _alike(self.result_shape, result):
            raise self._unfit(
                "gives another shape than it was told", f"rows of shape {tuple(self.result_shape)}",
                f"rows of shape {result}", "Leave output_shape away: it is found by itself.",
            )  # fmt: skip
        return result

    def _unfit(self, what: str, expected: str, received: str, advice: str) -> ShapeError:
        name = getattr(self.function, "__name__", repr(self.function))
        return ShapeError(
            f"The function of Lambda {what}.", where=f"layer {self.name or 'Lambda'}, function {name}",
            expected=expected, received=received, help=advice,
        )  # fmt: skip

    def _called(self, x: list, ctx: Context) -> Any:
        function: Any = resolve(self.function)
        told = {"mask": _one(ctx.mask), "training": ctx.training}
        names = _parameters(function)
        return function(_one(x), **dict(self.arguments), **{k: v for k, v in told.items() if k in names})

    def apply(self, w: dict[str, Array], x: Any, ctx: Context) -> Any:
        return self._called(list(x), ctx)

    def mask_of(self, x: Any, mask: Any) -> Any:
        function: Any = resolve(self.mask) if self.mask is not None else None
        return None if function is None else function(_one(x), _one(mask))


class Identity(Layer):
    """y = x, and the mask of x.

    >>> Identity().output_shape((4,))
    (4,)
    """

    moves = True
    passes_mask = True

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return x

    def flops(self, shape: Shape) -> int:
        return 0


class ActivityRegularization(Layer):
    """y = x; λ₁ Σ |x| + λ₂ Σ x², averaged over the rows, is added to the objective.

    Args:
        l1, l2: λ₁ and λ₂.

    >>> ctx = Context()
    >>> x = ActivityRegularization(l2=0.5).apply({}, jnp.array([[1.0, 2.0], [0.0, 3.0]]), ctx)
    >>> [float(penalty) for penalty in ctx.penalties]
    [3.5]
    """

    passes_mask = True
    l1: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)
    l2: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)

    @property
    def activity_regularizer(self) -> L1L2 | None:
        """The penalty, None where both its numbers are 0."""
        if is_zero(self.l1) and is_zero(self.l2):
            return None
        return with_fields(L1L2(), l1=self.l1, l2=self.l2)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        penalty = self.activity_regularizer
        if penalty is not None:
            ctx.penalties.append(mean_penalty(penalty, x, ctx.rows))
        return x

    def flops(self, shape: Shape) -> int:
        return 0


# -- merging layers by functions, as Keras names them --------------------------------------------------------------


def add(inputs: Any, **settings: Any) -> Any:
    """`Add(**settings)(inputs)`: the sum of inputs in a graph.

    >>> from jindan.layers import Input
    >>> add([Input((4,)), Input((4,))]).shape
    (None, 4)
    """
    return Add(**settings)(inputs)


def subtract(inputs: Any, **settings: Any) -> Any:
    """`Subtract(**settings)(inputs)`: the first of two without the second.

    >>> from jindan.layers import Input
    >>> subtract([Input((4,)), Input((4,))]).shape
    (None, 4)
    """
    return Subtract(**settings)(inputs)


def multiply(inputs: Any, **settings: Any) -> Any:
    """`Multiply(**settings)(inputs)`, number by number.

    >>> from jindan.layers import Input
    >>> multiply([Input((7, 4)), Input((1, 4))]).shape
    (None, 7, 4)
    """
    return Multiply(**settings)(inputs)


def average(inputs: Any, **settings: Any) -> Any:
    """`Average(**settings)(inputs)`, number by number.

    >>> from jindan.layers import Input
    >>> average([Input((4,)), Input((4,)), Input((4,))]).shape
    (None, 4)
    """
    return Average(**settings)(inputs)


def maximum(inputs: Any, **settings: Any) -> Any:
    """`Maximum(**settings)(inputs)`, number by number.

    >>> from jindan.layers import Input
    >>> maximum([Input((4,)), Input((4,))]).shape
    (None, 4)
    """
    return Maximum(**settings)(inputs)


def minimum(inputs: Any, **settings: Any) -> Any:
    """`Minimum(**settings)(inputs)`, number by number.

    >>> from jindan.layers import Input
    >>> minimum([Input((4,)), Input((4,))]).shape
    (None, 4)
    """
    return Minimum(**settings)(inputs)


def concatenate(inputs: Any, axis: int = -1, **settings: Any) -> Any:
    """`Concatenate(axis, **settings)(inputs)`: one after another along an axis, the batch axis being 0.

    >>> from jindan.layers import Input
    >>> concatenate([Input((4,)), Input((3,))]).shape
    (None, 7)
    """
    return Concatenate(axis, **settings)(inputs)


def dot(inputs: Any, axes: Any = -1, **settings: Any) -> Any:
    """`Dot(axes, **settings)(inputs)`: scalar products of two inputs along an axis of each.

    >>> from jindan.layers import Input
    >>> dot([Input((4,)), Input((4,))]).shape
    (None, 1)
    """
    return Dot(axes, **settings)(inputs)


# -- helpers ----------------------------------------------------------------------------------------------------


def _refused(name: str, expected: str, received: Any) -> InputError:
    return InputError(
        f"The {name} of Lambda must be {expected}.", where=f"{name} of Lambda", expected=expected,
        received=repr(received),
    )  # fmt: skip


def _one(values: Any) -> Any:
    """What a function gets: of one input itself, of several the list."""
    return values[0] if len(values) == 1 else list(values)


def _parameters(function: Any) -> set[str]:
    """The names a function can be given arguments by, those that it lists itself."""
    try:
        return set(inspect.signature(function.function if isinstance(function, Closed) else function).parameters)
    except (TypeError, ValueError):  # some functions of C have none
        return set()


def _alike(wanted: Any, found: Any) -> bool:
    """Whether two shapes, or tuples of shapes, are equal where lengths are known."""
    if isinstance(found, tuple) and isinstance(wanted, (tuple, list)):
        return len(wanted) == len(found) and all(map(_alike, wanted, found))
    return wanted is None or wanted == found


def _pairs(arguments: Any) -> tuple[tuple[str, Any], ...]:
    """Arguments by name, as pairs that can be compared; from a mapping or, as JSON gives them, from pairs."""
    given = arguments.items() if isinstance(arguments, Mapping) else arguments or ()
    try:
        return tuple((str(name), _plain(value)) for name, value in given)
    except (TypeError, ValueError):
        expected = "numbers, words, None, or tuples of these, by name"
        raise InputError(
            "Lambda cannot keep these arguments.", where="arguments of Lambda", expected=expected,
            received=repr(arguments), help="Let the function hold an array: functools.partial(function, table=…).",
        ) from None  # fmt: skip


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    if type(value).__module__ == "numpy" and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"{type(value).__name__} is no plain value")
