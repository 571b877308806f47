"""Floating point operations: of an update by the definition of its layers, and of a traced JAX function as it runs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

ADAM = 12  # operations a parameter: 3 for the mean, 4 for the squares, 5 for the step


@dataclass(frozen=True)
class Product:
    """A matrix product or convolution in a layer.

    Attributes:
        cells: Outputs of one row, without the filters: 1 for a dense layer, steps, or height · width.
        inputs: Numbers that each output sums over.
        outputs: Filters or units.
        first: Whether it reads the data, to which no gradient flows.
        times: How many such products there are.
    """

    cells: int
    inputs: int
    outputs: int
    first: bool = False
    times: int = 1

    @property
    def multiplications(self) -> int:
        """Multiply-adds of one row's forward pass."""
        return self.times * self.cells * self.inputs * self.outputs


def dense(*sizes: int) -> tuple[Product, ...]:
    """The products of dense layers one on another, the first reading the data."""
    return tuple(Product(1, n, units, first=not place) for place, (n, units) in enumerate(itertools.pairwise(sizes)))


def direct(products: Iterable[Product], batch: int, parameters: int) -> int:
    """Operations of one update by definition: forward, both gradients, Adam.

    A product costs 2 operations a multiply-add, and as much again for the gradient of its weights and for that of its
    input. Activations, pooling and normalisation are not counted.

    >>> direct(dense(784, 512, 256, 10), 128, 535_818) // 10**6
    314
    """
    each = sum(2 * product.multiplications * (2 if product.first else 3) for product in products)
    return batch * each + ADAM * parameters


# -- as executed -----------------------------------------------------------------------------------------------------

# Each counts as one operation a number of the result; moves, choices and comparisons count nothing.
ARITHMETIC = frozenset((
    "add", "sub", "mul", "div", "neg", "abs", "max", "min", "rem", "pow", "integer_pow", "square", "sqrt", "rsqrt",
    "cbrt", "exp", "exp2", "expm1", "log", "log1p", "tanh", "logistic", "sin", "cos", "tan", "erf", "erfc", "erf_inv",
    "sinh", "cosh", "asinh", "acosh", "atanh", "add_any", "floor", "ceil", "round", "sign",
))  # fmt: skip
SUMS = frozenset((
    "reduce_sum", "reduce_max", "reduce_min", "reduce_prod", "cumsum", "cumprod", "cummax", "argmax", "argmin",
))  # fmt: skip
SCATTERS = frozenset(("scatter-add", "scatter_add", "scatter-mul", "scatter_mul"))


def executed(function: Any, *arguments: Any) -> int:
    """Operations of a JAX function as it is traced, with what its results do not need left out.

    Products count 2 a multiply-add, other arithmetic on real numbers 1 a number; a loop counts its body as often as it
    runs. Algorithms such as Winograd's so count what they really multiply and add.

    Raises:
        ValueError: for a loop whose length is not known.
    """
    import jax
    from jax.interpreters import partial_eval

    closed = jax.make_jaxpr(function)(*arguments)
    used, _ = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    return _count(used)


def _count(jaxpr: Any) -> int:
    return sum(_of(equation) for equation in jaxpr.eqns)


def _of(equation: Any) -> int:
    name, parameters = equation.primitive.name, equation.params
    if name == "dot_general":
        (contracted, _), _ = parameters["dimension_numbers"]
        left = equation.invars[0].aval.shape
        return 2 * _size(equation.outvars[0]) * math.prod(left[axis] for axis in contracted)
    if name == "conv_general_dilated":
        kernel = equation.invars[1].aval.shape
        return 2 * _size(equation.outvars[0]) * math.prod(kernel) // kernel[parameters["dimension_numbers"].rhs_spec[0]]
    if name == "scan":
        return parameters["length"] * _count(parameters["jaxpr"].jaxpr)
    if name == "while":
        raise ValueError("a loop of unknown length cannot be counted")
    if name == "cond":
        return max(_count(branch.jaxpr) for branch in parameters["branches"])
    inner = [value for value in parameters.values() if hasattr(value, "eqns") or hasattr(value, "jaxpr")]
    if inner:
        # A custom derivative holds its rule beside its function; only the function runs.
        return _count(getattr(inner[0], "jaxpr", inner[0]))
    variable = equation.invars[0] if name in SUMS else equation.invars[-1] if name in SCATTERS else equation.outvars[0]
    counts = name in ARITHMETIC or name in SUMS or name in SCATTERS
    return _size(variable) if counts and _real(variable) else 0


def _size(variable: Any) -> int:
    return math.prod(variable.aval.shape)


def _real(variable: Any) -> bool:
    return variable.aval.dtype.kind in "fV"  # V: bfloat16, to NumPy
