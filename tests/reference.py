"""The notes' from-scratch network in plain NumPy float64: the oracle of what the engine computes.

An L-layer network (the input is not counted) is a list of (W, b), its activations a list of names. Every function is
the textbook's: initialise, forward with caches, cost, backward, update, predict. The chain rule goes through the
activation by its Jacobian everywhere; no output layer is fused with its loss.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np


class Step(NamedTuple):
    """What one layer computed (forward) and received (backward) for a batch of m rows."""

    Z: np.ndarray
    A: np.ndarray
    dA: np.ndarray
    dZ: np.ndarray
    dW: np.ndarray
    db: np.ndarray


def initialise(sizes, seed=0):
    """W ~ N(0, 1/fan_in), b ~ N(0, 0.01): no zero, so that no slope hides."""
    rng = np.random.default_rng(seed)
    return [
        (rng.normal(0, fan_in**-0.5, (fan_in, units)), rng.normal(0, 0.1, units)) for fan_in, units in pairwise(sizes)
    ]


def activate(name, z):
    if name == "sigmoid":
        return 1 / (1 + np.exp(-z))
    if name == "tanh":
        return np.tanh(z)
    if name == "relu":
        return np.maximum(z, 0)
    if name == "softmax":
        e = np.exp(z - z.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)
    return z


def through(name, z, a, da):
    """∂J/∂Z from ∂J/∂A."""
    if name == "sigmoid":
        return da * a * (1 - a)
    if name == "tanh":
        return da * (1 - a**2)
    if name == "relu":
        return da * (z > 0)
    if name == "softmax":
        # The Jacobian diag(a) − a aᵀ, row by row.
        return a * (da - (da * a).sum(axis=1, keepdims=True))
    return da


def forward(parameters, activations, x):
    """Caches (A_prev, Z, A) of every layer."""
    caches, a = [], x
    for (w, b), name in zip(parameters, activations, strict=True):
        z = a @ w + b
        caches.append((a, z, activate(name, z)))
        a = caches[-1][2]
    return caches


def row_losses(loss, y, a):
    if loss == "mse":
        return ((a - y) ** 2).mean(axis=1)
    if loss == "binary_crossentropy":
        return -(y * np.log(a) + (1 - y) * np.log(1 - a)).mean(axis=1)
    return -(y * np.log(a)).sum(axis=1)


def cost(loss, y, a, weight=None):
    """Σ wᵢ lossᵢ / m."""
    return float(np.mean(row_losses(loss, y, a) * (1 if weight is None else weight)))


def cost_slope(loss, y, a, weight=None):
    """∂J/∂A of the last layer."""
    if loss == "mse":
        slope = 2 * (a - y) / a.shape[1]
    elif loss == "binary_crossentropy":
        slope = ((1 - y) / (1 - a) - y / a) / a.shape[1]
    else:
        slope = -y / a
    return slope / len(a) * (1 if weight is None else np.asarray(weight)[:, None])


def backward(parameters, activations, loss, x, y, weight=None, l2=0.0):
    """A Step for every layer; l2 is λ in J + λ Σ W²."""
    caches, steps = forward(parameters, activations, x), []
    da = cost_slope(loss, y, caches[-1][2], weight)
    for (w, _), name, (before, z, a) in reversed(list(zip(parameters, activations, caches, strict=True))):
        dz = through(name, z, a, da)
        steps.insert(0, Step(z, a, da, dz, before.T @ dz + 2 * l2 * w, dz.sum(axis=0)))
        da = dz @ w.T
    return steps


def objective(parameters, activations, loss, x, y, weight=None, l2=0.0):
    penalty = l2 * sum((w**2).sum() for w, _ in parameters)
    return cost(loss, y, forward(parameters, activations, x)[-1][2], weight) + penalty


def update(parameters, steps, rate):
    """Gradient descent."""
    return [(w - rate * s.dW, b - rate * s.db) for (w, b), s in zip(parameters, steps, strict=True)]


def train(parameters, activations, loss, x, y, rate, epochs):
    """The L-layer model on the whole batch: parameters and the loss before each update."""
    curve = []
    for _ in range(epochs):
        curve.append(objective(parameters, activations, loss, x, y))
        parameters = update(parameters, backward(parameters, activations, loss, x, y), rate)
    return parameters, curve


def predict(parameters, activations, x):
    return forward(parameters, activations, x)[-1][2]


def differences(parameters, function, h=1e-6):
    """Central differences of function(parameters) by every weight: [(dW, db), …]."""
    found = []
    for layer, pair in enumerate(parameters):
        slopes = []
        for place, array in enumerate(pair):
            slope = np.empty_like(array)
            for index in np.ndindex(array.shape):
                values = []
                for sign in (1, -1):
                    moved = [list(p) for p in parameters]
                    moved[layer][place] = array.copy()
                    moved[layer][place][index] += sign * h
                    values.append(function(moved))
                slope[index] = (values[0] - values[1]) / (2 * h)
            slopes.append(slope)
        found.append(tuple(slopes))
    return found
