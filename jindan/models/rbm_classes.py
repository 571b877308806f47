"""The classification RBM: a restricted Boltzmann machine over rows and their classes (Larochelle & Bengio 2008).

    E(x, y, h) = −b·x − c·h − xᵀWh − d_y − U_y·h
    p(y | x) ∝ exp(d_y + Σⱼ log(1 + exp(cⱼ + (xW)ⱼ + U_yⱼ)))

The second line is exact. Learned is log p(y | x) + α log p(x, y): the first term's slope is exact too, that of the
second comes from contrastive divergence. α = 0 is the discriminative machine, a large α the generative one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..engine.program import Batch
from . import rbm_draws as draws
from .rbm import BERNOULLI, draw_visible, drive, part, softplus

Array = jax.Array
Params = Any  # those of an RBM, and "class_kernel" U (classes, n), "class_bias" d (classes,)


def class_logits(params: Params, x: Array) -> Array:
    """log p(y | x) up to a constant a row (rows, classes)."""
    received = drive(params, x)[:, None, :] + params["class_kernel"]
    return params["class_bias"] + softplus(received).sum(-1)


@dataclass(frozen=True)
class ClassRBMProgram:
    """Training of a classification RBM on rows {"x": (n, m), "y": (n,) class numbers}.

    Values: learning_rate; generative α; momentum μ; weight_decay λ of W and U.
    """

    inputs: int
    units: int
    classes: int
    visible: str = BERNOULLI
    generative: bool = True
    batch_size: int = 64
    dtype: str = "float32"

    figures = ("loss", "accuracy")

    @property
    def work(self) -> float:
        """Floating-point operations of an update."""
        sizes = self.inputs * self.units * (9 if self.generative else 3) + 12 * self.classes * self.units
        return 2.0 * self.batch_size * sizes

    def init(self, seed: int, values: Mapping[str, float]) -> dict[str, Any]:
        """Kernels uniform within ± m^(−½), m the larger of the two sizes, as in the paper; biases 0."""
        rng = np.random.default_rng([int(seed), 0])

        def uniform(*shape: int) -> np.ndarray:
            return (rng.uniform(-1, 1, shape) / np.sqrt(max(shape))).astype(self.dtype)

        params = {
            "kernel": uniform(self.inputs, self.units),
            "visible_bias": np.zeros(self.inputs, self.dtype),
            "hidden_bias": np.zeros(self.units, self.dtype),
            "class_kernel": uniform(self.classes, self.units),
            "class_bias": np.zeros(self.classes, self.dtype),
        }
        return {"params": params, "speed": {name: np.zeros_like(a) for name, a in params.items()}}

    def step(self, state: Any, batch: Batch, values: Any, key: Array) -> tuple[Any, Array]:
        """One update; −log p(y | x) and the share of right classes, before it."""
        params, share = state["params"], batch.real / batch.real.sum()
        x, y = batch.x["x"].astype(self.dtype), batch.x["y"]

        def told(params: Params) -> tuple[Array, Array]:
            log_p = jax.nn.log_softmax(class_logits(params, x))
            own = jnp.take_along_axis(log_p, y[:, None], 1)[:, 0]
            return share @ own, share @ (log_p.argmax(1) == y).astype(self.dtype)

        (found, right), slope = jax.value_and_grad(told, has_aux=True)(params)
        if self.generative:
            other = self._contrast(params, x, y, share, key)
            slope = jax.tree.map(lambda a, b: a + values["generative"] * b, slope, other)
        decayed = {name: values["weight_decay"] * params[name] for name in ("kernel", "class_kernel")}
        slope = {name: a - decayed[name] if name in decayed else a for name, a in slope.items()}
        speed = jax.tree.map(lambda a, b: values["momentum"] * a + b, state["speed"], slope)
        params = jax.tree.map(lambda a, b: a + values["learning_rate"] * b, params, speed)
        return {"params": params, "speed": speed}, jnp.stack([-found, right])

    def _contrast(self, params: Params, x: Array, y: Array, share: Array, key: Array) -> Params:
        """The slope of log p(x, y) by CD-1: rows and classes against those drawn from h drawn from them."""
        kernel = params["class_kernel"]
        h = jax.nn.sigmoid(drive(params, x) + kernel[y])
        drawn = draws.bernoulli(part(key, 0), h)
        x_model = draw_visible(params, drawn, self.visible, part(key, 1))
        # The largest of logits with Gumbel noise is a draw from their softmax.
        chance = draws.uniform(part(key, 2), (x.shape[0], self.classes), x.dtype)
        noise = -jnp.log(-jnp.log(chance + jnp.asarray(2.0**-25, x.dtype)))
        y_model = (params["class_bias"] + drawn @ kernel.T + noise).argmax(1)
        h_model = jax.nn.sigmoid(drive(params, x_model) + kernel[y_model])
        both, one = jnp.concatenate([x, x_model]), jax.nn.one_hot(jnp.concatenate([y, y_model]), self.classes)
        signs = jnp.concatenate([share, -share])
        weighted, one = jnp.concatenate([h, h_model]) * signs[:, None], one.astype(x.dtype)
        return {
            "kernel": both.T @ weighted,
            "visible_bias": signs @ both,
            "hidden_bias": weighted.sum(0),
            "class_kernel": one.T @ weighted,
            "class_bias": signs @ one,
        }
