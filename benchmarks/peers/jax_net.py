"""A network, its loss and Adam in plain JAX, as one writes them by hand; shared by the JAX step-loop peers."""

from functools import partial
from itertools import pairwise

import jax
import jax.numpy as jnp


def init(key, sizes):
    """He-uniform weights and Adam's memory for fully connected layers."""
    weights = []
    for inputs, outputs in pairwise(sizes):
        key, own = jax.random.split(key)
        weights.append((jax.nn.initializers.he_uniform()(own, (inputs, outputs)), jnp.zeros(outputs)))
    zeros = jax.tree.map(jnp.zeros_like, weights)
    return weights, zeros, jax.tree.map(jnp.zeros_like, weights), jnp.zeros((), jnp.int32)


def logits(weights, x):
    *hidden, (kernel, bias) = weights
    for k, b in hidden:
        x = jax.nn.relu(x @ k + b)
    return x @ kernel + bias


def cost(weights, x, y):
    """Mean cross-entropy; y is one-hot."""
    return -jnp.mean(jnp.sum(y * jax.nn.log_softmax(logits(weights, x)), axis=-1))


@partial(jax.jit, donate_argnums=0)
def step(state, x, y, rows, rate=1e-3):
    """One Adam update on some rows of the data; returns the new state and the loss."""
    weights, m, v, t = state
    loss, gradients = jax.value_and_grad(cost)(weights, x[rows], y[rows])
    t = t + 1
    rate = rate * jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, gradients)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, gradients)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-7), weights, m, v)
    return (weights, m, v, t), loss


@jax.jit
def accuracy(weights, x, y):
    return jnp.mean(logits(weights, x).argmax(1) == y.argmax(1))


validation_cost = jax.jit(cost)
