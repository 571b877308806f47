"""Activation functions with their derivative, range and saturation region."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from .errors import InputError, UnknownNameError
from .lazy import defined
from .spec import _FUNCTIONS, Spec, _key
from .spec import get as _get

Array = jax.Array


def linear(x: Array) -> Array:
    """Identity, a = z. Regression outputs; between two Dense layers it adds nothing (they collapse into one)."""
    return jnp.asarray(x)


def step(x: Array) -> Array:
    """Step, a = 1 if z > 0 else 0: the perceptron's. Its derivative is 0 almost everywhere (Rosenblatt 1958)."""
    x = jnp.asarray(x)
    return jnp.where(x > 0, 1, 0).astype(jnp.result_type(x, jnp.float32) if x.dtype.kind != "f" else x.dtype)


def sigmoid(x: Array) -> Array:
    """σ(z) = 1 / (1 + e^(−z)); σ′ = σ(1 − σ) ≤ 0.25.

    >>> round(float(sigmoid(0.0)), 3)
    0.5
    """
    return jax.nn.sigmoid(jnp.asarray(x))


def tanh(x: Array) -> Array:
    """tanh z = 2σ(2z) − 1: a sigmoid shifted *and* scaled, centred on zero; derivative 1 − tanh² ≤ 1."""
    return jnp.tanh(x)


def relu(x: Array) -> Array:
    """max(0, z), derivative 0 at z = 0 (Nair & Hinton 2010)."""
    return _relu(jnp.asarray(x))


@jax.custom_jvp
def _relu(x: Array) -> Array:
    # By JAX's primitives, here and below: in `jax.numpy` the same traces four times as long.
    return lax.max(x, lax.full_like(x, 0))


@_relu.defjvp
def _relu_slope(primals: tuple, tangents: tuple) -> tuple[Array, Array]:
    # Told by the output, the slope needs z no more, which XLA would compute a second time (a convolution, say).
    y = _relu(primals[0])
    return y, lax.select(lax.gt(y, lax.full_like(y, 0)), tangents[0], lax.full_like(tangents[0], 0))


def leaky_relu(x: Array, negative_slope: Any = 0.2) -> Array:
    """z if z ≥ 0 else α z (Maas et al. 2013)."""
    x = jnp.asarray(x)
    return jnp.where(x >= 0, x, negative_slope * x)


def elu(x: Array, alpha: Any = 1.0) -> Array:
    """z if z > 0 else α(e^z − 1) (Clevert et al. 2016)."""
    x = jnp.asarray(x)
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0.0, x)))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def selu(x: Array) -> Array:
    """λ z if z > 0 else λ α (e^z − 1), λ = 1.0507, α = 1.6733 (Klambauer et al. 2017)."""
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def softmax(x: Array, axis: int = -1) -> Array:
    """e^(z_i) / Σ_j e^(z_j), stable: the largest z is subtracted first."""
    return jax.nn.softmax(jnp.asarray(x), axis=axis)


def log_softmax(x: Array, axis: int = -1) -> Array:
    """log softmax, computed without forming the probabilities."""
    return jax.nn.log_softmax(jnp.asarray(x), axis=axis)


def softplus(x: Array) -> Array:
    """log(1 + e^z), a smooth ReLU (Dugas et al. 2001)."""
    return jax.nn.softplus(jnp.asarray(x))


def softsign(x: Array) -> Array:
    """z / (1 + |z|)."""
    return jax.nn.soft_sign(jnp.asarray(x))


def silu(x: Array) -> Array:
    """z σ(z), also called swish (Elfwing et al. 2017; Ramachandran et al. 2017)."""
    return jax.nn.silu(jnp.asarray(x))


def gelu(x: Array, approximate: bool = False) -> Array:
    """z Φ(z), Φ the standard normal distribution function (Hendrycks & Gimpel 2016)."""
    return jax.nn.gelu(jnp.asarray(x), approximate=approximate)


def exponential(x: Array) -> Array:
    """e^z."""
    return jnp.exp(x)


def hard_sigmoid(x: Array) -> Array:
    """min(max(z/6 + ½, 0), 1)."""
    return jax.nn.hard_sigmoid(jnp.asarray(x))


def relu6(x: Array) -> Array:
    """min(max(0, z), 6)."""
    return jax.nn.relu6(jnp.asarray(x))


def mish(x: Array) -> Array:
    """z tanh(softplus(z)) (Misra 2019)."""
    return jax.nn.mish(jnp.asarray(x))


def maxout(x: Array, pieces: int = 2) -> Array:
    """max over groups of `pieces` neighbouring units: (…, units · pieces) → (…, units) (Goodfellow et al. 2013)."""
    x = jnp.asarray(x)
    return jnp.max(x.reshape(*x.shape[:-1], x.shape[-1] // pieces, pieces), axis=-1)


@dataclass(frozen=True)
class Activation:
    """What is known of one activation.

    Attributes:
        name: The name it goes by in plans.
        function: z → a.
        derivative: z → da/dz, element by element; None where a depends on more than its own z (softmax).
        range: The open interval of values.
        saturation: The intervals of z in which |da/dz| < 0.05: what the unit learns from is nearly gone there.
        zero_centred: Whether outputs take both signs, so that weights need not zig-zag.
    """

    name: str
    function: Callable[..., Array]
    derivative: Callable[[Array], Array] | None
    range: tuple[float, float]
    saturation: tuple[tuple[float, float], ...]
    zero_centred: bool

    def saturated(self, z: Array) -> Array:
        """Which z lie in the saturation region."""
        z = jnp.asarray(z)
        hit = jnp.zeros(z.shape, bool)
        for low, high in self.saturation:
            hit = hit | ((z > low) & (z < high))
        return hit

    def when(self, lang: str = "en") -> str:
        """When to use it, in words."""
        from .doctor.words import explain

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

    >>> info("sigmoid").range, float(info("sigmoid").derivative(0.0))
    ((0, 1), 0.25)
    """
    return TABLE[canonical(name)]


def canonical(value: Any, *, where: object = None) -> Any:
    """The stored form of an activation: a known name, else the function or layer itself."""
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
    from .layers.base import Layer

    kind = type(layer)
    own = kind.weights is not Layer.weights or kind.output_shape is not Layer.output_shape
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
    """The function behind a stored activation."""
    if isinstance(value, str):
        return TABLE[value].function
    if isinstance(value, Spec):
        return lambda x: value.apply({}, x, None)  # type: ignore[attr-defined]
    return value


def get(value: Any) -> Callable[[Array], Array]:
    """The function for a name, a function or a layer without weights."""
    return resolve(canonical(value))


__all__ = defined(globals())
