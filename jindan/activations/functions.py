"""Activations as functions z → a."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

from ..errors import ShapeError
from ..lazy import defined
from ..rules import COUNT

Array = jax.Array


def linear(x: Array) -> Array:
    """a = z, the identity: regression outputs. Between two Dense layers it adds nothing (they collapse into one).

    >>> linear([-1.0, 2.0]).tolist()
    [-1.0, 2.0]
    """
    return jnp.asarray(x)


def step(x: Array) -> Array:
    """a = 1 if z > 0 else 0: the perceptron's. Its derivative is 0 almost everywhere, so no slope goes back through it.

    >>> step([-1.0, 0.0, 2.0]).tolist()
    [0.0, 0.0, 1.0]

    Source: Rosenblatt, "The perceptron: a probabilistic model for information storage and organization in the brain",
    1958.
    """
    x = jnp.asarray(x)
    whole = not jnp.issubdtype(x.dtype, jnp.floating)
    return jnp.where(x > 0, 1, 0).astype(jnp.result_type(x, jnp.float32) if whole else x.dtype)


def sigmoid(x: Array) -> Array:
    """σ(z) = 1 / (1 + e^(−z)), number by number; σ′ = σ(1 − σ) ≤ 0.25.

    >>> [round(a, 3) for a in sigmoid([-2.0, 0.0, 2.0]).tolist()]
    [0.119, 0.5, 0.881]

    Source: Rumelhart, Hinton & Williams, "Learning representations by back-propagating errors", 1986.
    """
    return jax.nn.sigmoid(jnp.asarray(x))


def tanh(x: Array) -> Array:
    """tanh z = 2σ(2z) − 1: a sigmoid shifted *and* scaled, centred on zero; derivative 1 − tanh² ≤ 1.

    >>> [round(a, 3) for a in tanh([-1.0, 0.0, 1.0]).tolist()]
    [-0.762, 0.0, 0.762]

    Source: LeCun, Bottou, Orr & Müller, "Efficient backprop", 1998.
    """
    return jnp.tanh(jnp.asarray(x))


def relu(x: Array) -> Array:
    """max(0, z), number by number; derivative 1 where z > 0, else 0, at z = 0 too.

    >>> relu([-1.0, 0.0, 2.0]).tolist()
    [0.0, 0.0, 2.0]

    Source: Nair & Hinton, "Rectified linear units improve restricted Boltzmann machines", 2010.
    """
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
    """z if z ≥ 0 else α z: a slope is left where ReLU has none.

    Args:
        x: z of any shape.
        negative_slope: α.

    >>> [round(a, 3) for a in leaky_relu([-1.0, 0.0, 2.0]).tolist()]
    [-0.2, 0.0, 2.0]

    Source: Maas, Hannun & Ng, "Rectifier nonlinearities improve neural network acoustic models", 2013.
    """
    x = jnp.asarray(x)
    return jnp.where(x >= 0, x, negative_slope * x)


def elu(x: Array, alpha: Any = 1.0) -> Array:
    """z if z > 0 else α(e^z − 1): smooth at 0 for α = 1, above −α everywhere.

    Args:
        x: z of any shape.
        alpha: α.

    >>> [round(a, 3) for a in elu([-10.0, -1.0, 2.0]).tolist()]
    [-1.0, -0.632, 2.0]

    Source: Clevert, Unterthiner & Hochreiter, "Fast and accurate deep network learning by exponential linear units
    (ELUs)", 2016.
    """
    x = jnp.asarray(x)
    return jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0.0, x)))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772


def selu(x: Array) -> Array:
    """λ z if z > 0 else λ α (e^z − 1), λ = 1.0507, α = 1.6733: with LeCun's normal start, moments stay near 0 and 1.

    >>> [round(a, 3) for a in selu([-1.0, 0.0, 1.0]).tolist()]
    [-1.111, 0.0, 1.051]

    Source: Klambauer, Unterthiner, Mayr & Hochreiter, "Self-normalizing neural networks", 2017.
    """
    return _SELU_SCALE * elu(x, _SELU_ALPHA)


def softmax(x: Array, axis: int = -1) -> Array:
    """e^(z_i) / Σ_j e^(z_j) along an axis: positive, with sum 1; stable, as the largest z is subtracted first.

    Args:
        x: z of any shape.
        axis: The axis of the classes.

    >>> [round(p, 3) for p in softmax([1001.0, 1002.0, 1003.0]).tolist()]
    [0.09, 0.245, 0.665]

    Source: Bridle, "Probabilistic interpretation of feedforward classification network outputs, with relationships to
    statistical pattern recognition", 1990.
    """
    return jax.nn.softmax(jnp.asarray(x), axis=axis)


def log_softmax(x: Array, axis: int = -1) -> Array:
    """log softmax along an axis: z − log Σ e^z, computed without forming the probabilities.

    Args:
        x: z of any shape.
        axis: The axis of the classes.

    >>> log_softmax([0.0, 1000.0]).tolist()
    [-1000.0, 0.0]
    """
    return jax.nn.log_softmax(jnp.asarray(x), axis=axis)


def softplus(x: Array) -> Array:
    """log(1 + e^z), a smooth ReLU; its derivative is σ(z).

    >>> [round(a, 3) for a in softplus([-100.0, 0.0, 100.0]).tolist()]
    [0.0, 0.693, 100.0]

    Source: Dugas, Bengio, Bélisle, Nadeau & Garcia, "Incorporating second-order functional knowledge for better option
    pricing", 2001.
    """
    return jax.nn.softplus(jnp.asarray(x))


def softsign(x: Array) -> Array:
    """z / (1 + |z|): as tanh, but its ends are neared slowly; derivative 1 / (1 + |z|)².

    >>> softsign([-3.0, 0.0, 1.0]).tolist()
    [-0.75, 0.0, 0.5]

    Source: Bergstra, Desjardins, Lamblin & Bengio, "Quadratic polynomials learn better image features", 2009.
    """
    return jax.nn.soft_sign(jnp.asarray(x))


def silu(x: Array) -> Array:
    """z σ(z), also called swish: smooth, with a lowest value of −0.278 at z = −1.278.

    >>> [round(a, 3) for a in silu([-2.0, 0.0, 2.0]).tolist()]
    [-0.238, 0.0, 1.762]

    Sources: Elfwing, Uchibe & Doya, "Sigmoid-weighted linear units for neural network function approximation in
    reinforcement learning", 2017; Ramachandran, Zoph & Le, "Searching for activation functions", 2017.
    """
    return jax.nn.silu(jnp.asarray(x))


def gelu(x: Array, approximate: bool = False) -> Array:
    """z Φ(z), Φ the standard normal distribution function.

    Args:
        x: z of any shape.
        approximate: Whether ½ z (1 + tanh(√(2/π) (z + 0.044715 z³))) takes its place.

    >>> [round(a, 3) for a in gelu([-1.0, 0.0, 1.0]).tolist()]
    [-0.159, 0.0, 0.841]

    Source: Hendrycks & Gimpel, "Gaussian error linear units (GELUs)", 2016.
    """
    return jax.nn.gelu(jnp.asarray(x), approximate=approximate)


def exponential(x: Array) -> Array:
    """e^z, positive: the rate of a count beside the loss of Poisson. It grows fast: e^89 is infinite in float32.

    >>> [round(a, 3) for a in exponential([-1.0, 0.0, 1.0]).tolist()]
    [0.368, 1.0, 2.718]
    """
    return jnp.exp(jnp.asarray(x))


def hard_sigmoid(x: Array) -> Array:
    """min(max(z/6 + ½, 0), 1): a sigmoid of three straight pieces, flat outside ±3.

    >>> hard_sigmoid([-3.0, 0.0, 1.5]).tolist()
    [0.0, 0.5, 0.75]

    Source: Howard et al., "Searching for MobileNetV3", 2019.
    """
    return jax.nn.hard_sigmoid(jnp.asarray(x))


def relu6(x: Array) -> Array:
    """min(max(0, z), 6).

    >>> relu6([-1.0, 3.0, 9.0]).tolist()
    [0.0, 3.0, 6.0]

    Source: Krizhevsky, "Convolutional deep belief networks on CIFAR-10", 2010.
    """
    return jax.nn.relu6(jnp.asarray(x))


def mish(x: Array) -> Array:
    """z tanh(softplus(z)): smooth, with a lowest value of −0.309 at z = −1.192.

    >>> [round(a, 3) for a in mish([-1.0, 0.0, 1.0]).tolist()]
    [-0.303, 0.0, 0.865]

    Source: Misra, "Mish: a self regularized non-monotonic activation function", 2019.
    """
    return jax.nn.mish(jnp.asarray(x))


def maxout(x: Array, pieces: int = 2) -> Array:
    """max over groups of `pieces` neighbouring units: (…, units · pieces) → (…, units). As a layer: `Maxout`.

    Args:
        x: z; its last axis is a multiple of `pieces`.
        pieces: Units in a group.

    Raises:
        ShapeError: when the last axis is no multiple of `pieces`.

    >>> maxout([[1.0, 3.0, -2.0, -5.0]], pieces=2).tolist()
    [[3.0, -2.0]]

    Source: Goodfellow, Warde-Farley, Mirza, Courville & Bengio, "Maxout networks", 2013.
    """
    x = jnp.asarray(x)
    if not x.ndim or not COUNT.accepts(pieces) or x.shape[-1] % pieces:
        raise ShapeError(
            "The units cannot be parted into groups of that size.", where="maxout",
            expected=f"a last axis that is a multiple of pieces, {pieces!r}", received=f"shape {x.shape}",
            help="Change pieces, a whole number from 1, or the units before it.",
        )  # fmt: skip
    return jnp.max(x.reshape(*x.shape[:-1], x.shape[-1] // pieces, pieces), axis=-1)


__all__ = defined(globals())
