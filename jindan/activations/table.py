"""What is known of each activation, and how names, functions and layers stand for one."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from ..errors import InputError, UnknownNameError
from ..lazy import defined
from ..spec import _FUNCTIONS, Spec, _key
from ..spec import get as _get
from .functions import (
    _SELU_ALPHA,
    _SELU_SCALE,
    elu,
    exponential,
    gelu,
    hard_sigmoid,
    leaky_relu,
    linear,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    softmax,
    softplus,
    softsign,
    step,
    tanh,
)

Array = jax.Array


@dataclass(frozen=True)
class Activation:
    """What is known of one activation.

    Attributes:
        name: The name it goes by in plans.
        function: z → a.
        derivative: z → da/dz, element by element; None where a depends on more than its own z (softmax).
        range: Between which bounds its values lie.
        saturation: The ends of the line, intervals of z in which |da/dz| < 0.05: what the unit learns from is nearly
            gone there. Where a slope only passes through 0, as that of silu near −1.3, is none.
        zero_centred: Whether outputs take both signs, so that weights need not zig-zag.

    >>> row = TABLE["tanh"]
    >>> row.range, row.zero_centred, row.saturation[1]
    ((-1, 1), True, (2.1783, inf))
    """

    name: str
    function: Callable[..., Array]
    derivative: Callable[[Array], Array] | None
    range: tuple[float, float]
    saturation: tuple[tuple[float, float], ...]
    zero_centred: bool

    def saturated(self, z: Array) -> Array:
        """Which z lie in the saturation region: (…) → (…) of booleans.

        >>> TABLE["sigmoid"].saturated([-4.0, 0.0, 4.0]).tolist()
        [True, False, True]
        """
        z = jnp.asarray(z)
        hit = jnp.zeros(z.shape, bool)
        for low, high in self.saturation:
            hit = hit | ((z > low) & (z < high))
        return hit

    def when(self, lang: str = "en") -> str:
        """When to use it, in words.

        Args:
            lang: "en" or "ko".
        """
        from ..doctor.words import explain

        return explain(self.name, lang).when or ""


_INF = math.inf


def _sigmoid_derivative(z: Array) -> Array:
    a = sigmoid(z)
    return a * (1 - a)


def _normal_density(z: Array) -> Array:
    return jnp.exp(-(jnp.asarray(z) ** 2) / 2) / math.sqrt(2 * math.pi)


def _table() -> dict[str, Activation]:
    zero = lambda z: jnp.zeros_like(z)  # noqa: E731
    one = lambda z: jnp.ones_like(z)  # noqa: E731
    left = lambda edge: ((-_INF, edge),)  # noqa: E731
    rows = [
        Activation("linear", linear, one, (-_INF, _INF), (), True),
        Activation("step", step, zero, (0, 1), ((-_INF, _INF),), False),
        Activation("sigmoid", sigmoid, _sigmoid_derivative, (0, 1), ((-_INF, -2.8871), (2.8871, _INF)), False),
        Activation("tanh", tanh, lambda z: 1 - jnp.tanh(z) ** 2, (-1, 1), ((-_INF, -2.1783), (2.1783, _INF)), True),
        Activation("relu", relu, lambda z: jnp.where(z > 0, 1.0, 0.0), (0, _INF), left(0.0), False),
        Activation("leaky_relu", leaky_relu, lambda z: jnp.where(z >= 0, 1.0, 0.2), (-_INF, _INF), (), True),
        Activation("elu", elu, lambda z: jnp.where(z > 0, 1.0, jnp.exp(z)), (-1, _INF), left(-2.9958), True),
        Activation(
            "selu",
            selu,
            lambda z: _SELU_SCALE * jnp.where(z > 0, 1.0, _SELU_ALPHA * jnp.exp(z)),
            (-_SELU_SCALE * _SELU_ALPHA, _INF),
            left(-3.5600),
            True,
        ),
        Activation("softmax", softmax, None, (0, 1), (), False),
        Activation("log_softmax", log_softmax, None, (-_INF, 0), (), False),
        Activation("softplus", softplus, sigmoid, (0, _INF), left(-2.9445), False),
        Activation(
            "softsign",
            softsign,
            lambda z: 1 / (1 + jnp.abs(z)) ** 2,
            (-1, 1),
            ((-_INF, -3.4722), (3.4722, _INF)),
            True,
        ),
        Activation(
            "silu", silu, lambda z: sigmoid(z) * (1 + z * (1 - sigmoid(z))), (-0.2785, _INF), left(-4.0826), True
        ),
        Activation(
            "gelu",
            gelu,
            lambda z: jax.scipy.stats.norm.cdf(z) + z * _normal_density(z),
            (-0.17, _INF),
            left(-2.3487),
            True,
        ),
        Activation("exponential", exponential, jnp.exp, (0, _INF), left(-2.9958), False),
        Activation(
            "hard_sigmoid",
            hard_sigmoid,
            lambda z: jnp.where(jnp.abs(z) < 3, 1 / 6, 0.0),
            (0, 1),
            ((-_INF, -3.0), (3.0, _INF)),
            False,
        ),
        Activation(
            "relu6",
            relu6,
            lambda z: jnp.where((z > 0) & (z < 6), 1.0, 0.0),
            (0, 6),
            ((-_INF, 0.0), (6.0, _INF)),
            False,
        ),
        Activation(
            "mish",
            mish,
            lambda z: jnp.tanh(softplus(z)) + z * (1 - jnp.tanh(softplus(z)) ** 2) * sigmoid(z),
            (-0.3089, _INF),
            left(-4.1118),
            True,
        ),
    ]
    return {row.name: row for row in rows}


TABLE: dict[str, Activation] = _table()
_ALIASES = {"identity": "linear", "swish": "silu", "none": "linear", "exp": "exponential", "heaviside": "step"}
_BY_KEY = {_key(name): name for name in TABLE} | {_key(a): name for a, name in _ALIASES.items()}
_BY_FUNCTION = {row.function: name for name, row in TABLE.items()}


def info(name: str) -> Activation:
    """What is known of an activation by name.

    Raises:
        UnknownNameError: when there is none of that name.

    >>> info("sigmoid").range, float(info("sigmoid").derivative(0.0))
    ((0, 1), 0.25)
    """
    return TABLE[canonical(name)]


def canonical(value: Any, *, where: object = None) -> Any:
    """The stored form of an activation: a known name, else the function or layer itself.

    Args:
        value: A name, a function, a layer without weights, or None for linear.
        where: What an error names as the place.

    Raises:
        UnknownNameError: when there is none of that name.
        InputError: when a layer is more than a function of its inputs: it has weights, or is random, or changes shapes.

    >>> canonical(None), canonical("Swish"), canonical(relu)
    ('linear', 'silu', 'relu')
    """
    if value is None:
        return "linear"
    if isinstance(value, str):
        key = _key(value)
        if key in _BY_KEY:
            return _BY_KEY[key]
        if key in _FUNCTIONS.get("activation", {}):
            return _FUNCTIONS["activation"][key]
        if key == "maxout":
            raise UnknownNameError("one-to-one activation", value, ["jindan.layers.Maxout (a layer)"], where=where)
        raise UnknownNameError("activation", value, [*TABLE, *_ALIASES], where=where)
    try:
        known = _BY_FUNCTION.get(value)
    except TypeError:  # what cannot be hashed is no function of ours
        known = None
    if known is not None:
        return known
    if isinstance(value, type) and issubclass(value, Spec):
        try:
            value = value()
        except TypeError:
            raise _no_activation(value.__name__, where) from None
    found = _get("activation", value, where=where)
    if isinstance(found, Spec) and not _elementwise(found):
        raise _no_activation(found, where)
    return found


def _elementwise(layer: Any) -> bool:
    """Whether a layer is a mere function: no weights, no change of shape, the same in training."""
    from ..layers.base import Layer

    kind = type(layer)
    own = kind.weights is not Layer.weights or not (kind.output_shape is Layer.output_shape or kind.keeps_shape)
    return not own and kind.random is Layer.random and kind.__name__ != "Input"


def _no_activation(value: Any, where: object) -> InputError:
    return InputError(
        "This layer is more than an activation function.",
        where=where,
        expected="a name, a function, or a layer without weights and randomness such as LeakyReLU()",
        received=value,
        help="Put it as a layer of its own, after this one.",
    )


def resolve(value: Any) -> Callable[[Array], Array]:
    """The function behind a stored activation.

    >>> resolve("relu") is relu
    True
    """
    if isinstance(value, str):
        return TABLE[value].function
    if isinstance(value, Spec):
        return lambda x: value.apply({}, x, None)  # type: ignore[attr-defined]
    return value


def get(value: Any) -> Callable[[Array], Array]:
    """The function for a name, a function or a layer without weights; raises as `canonical` does.

    >>> get("swish")(0.0).tolist()
    0.0
    """
    return resolve(canonical(value))


__all__ = defined(globals())
