"""What the tests of transferred weights share: networks, PyTorch modules with numbers drawn, and what is agreement."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan import layers as L
from jindan.layers.base import Context
from jindan.layers.network import Network

torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
nn = torch.nn


def network_of(shape, *stack):
    """Layers one on another, named as Sequential names them."""
    return Network(tuple(each.replace(name=each.name or f"l{i}") for i, each in enumerate(stack)), shape)


def outputs(network, weights, x):
    """What the network gives at inference."""
    return np.asarray(jax.jit(lambda w, v: network.forward(w, v, Context()))(weights, x))


def images_first(x):
    """(rows, …, channels) → (rows, channels, …)."""
    return np.moveaxis(x, -1, 1)


def shaken(module, seed=0):
    """The module at inference with every number of its state drawn anew, running moments too."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if value.is_floating_point():
                drawn = torch.randn(value.shape, generator=generator) * 0.5
                value.copy_(drawn.abs() + 0.5 if name.endswith("running_var") else drawn)
    return module.eval()


def rows(*shape, seed=1):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def agree(found, wanted):
    """Float32 sums in another order: 1e-5 of the largest."""
    wanted = np.asarray(wanted)
    assert found.shape == wanted.shape
    assert np.max(np.abs(found - wanted)) <= 1e-5 * np.max(np.abs(wanted))


def small():
    return shaken(nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3)))


def small_network(*names):
    first, second = names or ("a", "b")
    return network_of((4,), L.Dense(5, activation="relu", name=first), L.Dense(3, name=second))


def save_safetensors(path, module):
    from safetensors.torch import save_file

    save_file(module.state_dict(), path)
