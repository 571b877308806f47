"""The deep belief network: RBMs learned one on the hidden units of another, then fine-tuned as a network.

Each RBM is learned on what the one below gives, p(h = 1 | v) (Hinton, Osindero & Teh 2006; Hinton & Salakhutdinov
2006). Its kernel and hidden biases are those of a Dense layer with sigmoid, so that the stack, with an output on top,
is a Sequential that a Plan trains with labels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
import numpy as np

from ..engine import devices
from ..engine.program import Trained, train_program
from ..layers import Dense
from . import rbm
from .rbm import BERNOULLI, RBMProgram
from .sequential import Sequential


@dataclass(frozen=True)
class Stack:
    """RBMs learned greedily, from the bottom up.

    Attributes:
        params: Of each RBM: kernel, visible_bias, hidden_bias.
        visible: Kind of the lowest one's visible units; those above are Bernoulli.
        histories: Figures by epoch, of each.
        interrupted: Whether Ctrl-C came; RBMs not begun are missing then.
    """

    params: tuple[dict[str, np.ndarray], ...]
    visible: str = BERNOULLI
    histories: tuple[dict[str, list[float]], ...] = field(default=(), repr=False)
    interrupted: bool = False

    def transform(self, x: Any) -> np.ndarray:
        """p(h = 1) of the uppermost RBM (rows, units)."""
        for params in self.params:
            x = _up(params, x)
        return np.asarray(x)

    def sample(self, n: int, *, steps: int = 1000, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Rows from the stack as a generative model: Gibbs steps in the uppermost RBM, then means downwards, states
        drawn between (Hinton et al. 2006).

        Returns:
            Rows drawn and their means, each (n, features).
        """
        devices.start()
        top = self.params[-1]
        kind = self.visible if len(self.params) == 1 else BERNOULLI
        rng = np.random.default_rng([seed, 2])
        dtype = top["kernel"].dtype
        with devices.width(str(dtype)):
            start = rng.integers(0, 2, (n, len(top["visible_bias"])))
            drawn, mean = rbm.gibbs(top, start, kind, steps, seed)
            for depth, params in reversed(list(enumerate(self.params[:-1]))):
                kind = self.visible if depth == 0 else BERNOULLI
                mean = np.asarray(rbm.visible_given(params, jnp.asarray(drawn), kind))
                noise = rng.random(mean.shape) if kind == BERNOULLI else rng.standard_normal(mean.shape)
                drawn = (noise < mean).astype(dtype) if kind == BERNOULLI else mean + noise.astype(dtype)
        return drawn, mean

    def network(self, output: Dense, seed: int = 0) -> Sequential:
        """A Sequential of Dense layers with sigmoid that hold the RBMs' weights, under a fresh output layer."""
        kernels = [params["kernel"] for params in self.params]
        model = fresh(kernels[0].shape[0], [k.shape[1] for k in kernels], output, str(kernels[0].dtype), seed)
        own = [array for params in self.params for array in (params["kernel"], params["hidden_bias"])]
        model.set_weights([*own, *model.get_weights()[len(own) :]])
        return model


def fresh(inputs: int, units: Sequence[int], output: Dense, dtype: str = "float32", seed: int = 0) -> Sequential:
    """The same network from a random start (Glorot uniform)."""
    layers = [
        Dense(size, activation="sigmoid", input_shape=(inputs,) if depth == 0 else None)
        for depth, size in enumerate(units)
    ]
    model = Sequential([*layers, output.replace()], dtype=dtype)
    model.ready_weights(seed)
    return model


def pretrain(
    x: np.ndarray,
    units: Sequence[int],
    *,
    epochs: int,
    values: Mapping[str, float],
    seed: int = 0,
    visible: str = BERNOULLI,
    base: np.ndarray | None = None,
    listen: Any = None,
    **settings: Any,
) -> Stack:
    """Learn RBMs greedily.

    Args:
        x: Rows (n, features), standardised where they are Gaussian.
        units: Hidden units of each, from the bottom up.
        epochs: Of each.
        values: Numbers of the RBMs: "learning_rate", "momentum", "weight_decay".
        seed: Of weights, order of rows and draws.
        visible: Kind of the lowest RBM's visible units.
        base: Visible biases the lowest one starts with; 0 unless given.
        listen: Told of the progress of each.
        settings: More of `RBMProgram`: method, steps, batch_size, momentum, weight_decay, dtype.
    """
    found: list[dict[str, np.ndarray]] = []
    histories: list[dict[str, list[float]]] = []
    for depth, size in enumerate(units):
        program = RBMProgram(x.shape[1], size, visible=visible if depth == 0 else BERNOULLI, **settings)
        own = seed + depth
        state = program.init(own, values)
        if depth == 0 and base is not None:
            state = program.from_params({**state["params"], "visible_bias": base})
        start = Trained.fresh(program, state, own, values)
        run = train_program(program, x, epochs=epochs, start=start, listen=listen)[0]
        found.append(run.state["params"])
        histories.append(run.history)
        if run.interrupted:
            return Stack(tuple(found), visible, tuple(histories), True)
        x = np.asarray(_up(found[-1], x))
    return Stack(tuple(found), visible, tuple(histories))


def _up(params: dict[str, np.ndarray], x: Any) -> np.ndarray:
    devices.start()
    with devices.width(str(params["kernel"].dtype)):
        return np.asarray(rbm.hidden_given(params, jnp.asarray(x, params["kernel"].dtype)))
