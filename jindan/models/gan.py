"""Generative adversarial networks: a generator learns to make rows that a discriminator cannot tell from real ones.

G maps noise z ~ N(0, I) to rows, D gives a row one number. With σ the logistic function and softplus(a) = log(1 + eᵃ):

    non-saturating (Goodfellow et al. 2014, section 3)
        D minimises  E softplus(−D(x)) + E softplus(D(G(z))) + ½ λ E ‖∇D(x)‖²,  so that σ(D(x)) = p(x is real)
        G minimises  E softplus(−D(G(z)))
    wasserstein (Arjovsky, Chintala & Bottou 2017; Gulrajani et al. 2017)
        D minimises  E D(G(z)) − E D(x) + λ E (‖∇D(x̂)‖ − 1)²,  x̂ = ε x + (1 − ε) G(z), ε uniform
        G minimises  −E D(G(z))

The penalty of the first is R₁ (Mescheder, Geiger & Nowozin 2018), by which the pair settles rather than circles. Each
batch is an update of D, each `n_critic`-th one of G too, all in one compiled program. A running mean of G's weights is
kept beside them, from which samples are drawn (Yazıcı et al. 2019).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..engine import compiling, devices
from ..engine.program_loop import Batch
from ..errors import InputError, ShapeError
from ..layers import Activation, Conv2D, Dense, Flatten, Layer, Reshape
from ..layers.base import Context, finish
from ..layers.network import Network
from ..ops.windows import outputs, pad, taps, window
from ..optimizers import Adam
from . import rbm_draws
from .autoencoder import STRIDE, image_decoder, row_decoder

Array = jax.Array
NON_SATURATING, WASSERSTEIN = "non-saturating", "wasserstein"
LOSSES = (NON_SATURATING, WASSERSTEIN)
PENALTY = {NON_SATURATING: 0.1, WASSERSTEIN: 10.0}  # λ; 10: Gulrajani et al. 2017, algorithm 1
KINDS = (Activation, Conv2D, Dense, Flatten, Reshape)  # of a discriminator's layers
BLOCK = 256  # rows that go through a network at once
TINY = 1e-12  # under the root of a squared norm, whose slope at 0 is infinite


def generator(
    latent: int,
    shape: Sequence[int],
    *,
    hidden: Sequence[int] = (),
    filters: Sequence[int] = (),
    activation: Any = "relu",
    output: str = "linear",
) -> Network:
    """Layers from noise (latent,) to rows of a shape: dense, then transposed convolutions where there are filters.

    Args:
        latent: Numbers of z.
        shape: Of a row: (features,), or (height, width, channels).
        hidden: Units of Dense layers.
        filters: Of transposed convolutions (3 × 3, stride 2), the last one's first, as in the discriminator.
        activation: Of all layers but the last.
        output: Of the last: "linear" or "sigmoid".

    >>> generator(4, (6,), hidden=(8,)).output_shape
    (6,)
    """
    shape = _shape(shape, filters)
    layers: list[Layer] = [Dense(int(n), activation=activation) for n in hidden]
    layers += image_decoder(shape, filters, activation, output) if filters else row_decoder(shape, output)
    return Network(tuple(layers), (int(latent),))


def discriminator(
    shape: Sequence[int],
    *,
    hidden: Sequence[int] = (),
    filters: Sequence[int] = (),
    activation: Any = "leaky_relu",
) -> Network:
    """Layers from rows to one number: convolutions (3 × 3, stride 2) for filters, then dense layers.

    >>> discriminator((28, 28, 1), filters=(4, 8)).output_shape
    (1,)
    """
    shape = _shape(shape, filters)
    layers: list[Layer] = [Conv2D(int(n), 3, STRIDE, padding="same", activation=activation) for n in filters]
    layers += [Flatten()] if len(shape) > 1 else []
    layers += [Dense(int(n), activation=activation) for n in hidden]
    return Network((*layers, Dense(1)), shape)


def _shape(shape: Sequence[int], filters: Sequence[int]) -> tuple[int, ...]:
    shape = tuple(int(n) for n in shape)
    if filters and len(shape) != 3:
        raise ShapeError("Convolutions take images.", where="filters", expected="rows (height, width, channels)",
                         received=f"rows of shape {shape}", help="Give image_shape=(28, 28, 1), say.")  # fmt: skip
    return shape


@dataclass(frozen=True)
class GANProgram:
    """What `train_program` trains. Numbers that members may differ in: learning_rate, generator_rate, penalty, average.

    Attributes:
        generator, discriminator: The networks; the discriminator ends in one number without an activation.
        loss: "non-saturating" or "wasserstein".
        n_critic: Updates of the discriminator for one of the generator.
        batch_size: Rows of an update, drawn ones and real ones each.
        beta_1, beta_2, epsilon: Of both Adams.
        dtype: "float32" or "float64".
    """

    generator: Network
    discriminator: Network
    loss: str = NON_SATURATING
    n_critic: int = 1
    batch_size: int = 64
    beta_1: float = 0.5
    beta_2: float = 0.999
    epsilon: float = 1e-8
    dtype: str = "float32"

    figures = ("discriminator_loss", "generator_loss")

    def __post_init__(self) -> None:
        if self.loss not in LOSSES:
            raise InputError("This loss is not known.", where="loss", expected=" or ".join(LOSSES), received=self.loss)
        if self.discriminator.output_shape != (1,) or self.generator.output_shape != self.discriminator.input_shape:
            raise ShapeError(
                "The two networks do not fit together.", where="discriminator",
                expected=f"rows {self.generator.output_shape} in, one number out",
                received=f"{self.discriminator.input_shape} in, {self.discriminator.output_shape} out",
            )  # fmt: skip
        strange = [layer for layer in self.discriminator.layers if not isinstance(layer, KINDS) or _grouped(layer)]
        if strange or self.discriminator.wiring is not None:
            raise InputError(
                "The penalty's slopes are not known to go through this discriminator.", where="discriminator",
                expected=f"a stack of {', '.join(kind.__name__ for kind in KINDS)}, without groups",
                received=type(strange[0]).__name__ if strange else "a graph",
            )  # fmt: skip
        if self.generator.random or self.discriminator.random or any(map(_fixed, (self.generator, self.discriminator))):
            raise InputError(
                "Layers that draw numbers or keep running means are not for these networks.", where="layers",
                expected="layers whose weights are all trained", received="Dropout, BatchNormalization or the like",
            )  # fmt: skip

    @property
    def optimizer(self) -> Adam:
        """Of both networks; a member's rates multiply it."""
        return Adam(1.0, self.beta_1, self.beta_2, self.epsilon)

    @property
    def work(self) -> float:
        """Floating-point operations of an update: about three passes of what learns, and the penalty's."""
        g, d = self.generator.flops(), self.discriminator.flops()
        return self.batch_size * (g + 3 * 2 * d + 6 * d + (3 * g + 3 * d) / self.n_critic)

    def init(self, seed: int, values: Mapping[str, float]) -> Any:
        """Weights, both Adams' memories, and updates made."""
        dtype = np.dtype(self.dtype)
        first = self.generator.init(seed, dtype)[0], self.discriminator.init(seed ^ 0x5EED, dtype)[0]
        return self.state_of(*first)

    def state_of(self, generator: Any, discriminator: Any) -> Any:
        """The state before the first update with weights that are given."""
        return {
            "generator": generator, "discriminator": discriminator,
            "mean": jax.tree.map(np.copy, generator), "count": np.int32(0),
            "memory": (self.optimizer.init(generator), self.optimizer.init(discriminator)),
        }  # fmt: skip

    def step(self, state: Any, batch: Batch, values: Any, key: Array) -> tuple[Any, Array]:
        """An update of the discriminator, and where it is the generator's turn one of that.

        Figures are means at the weights before the update.
        """
        share = batch.real / batch.real.sum()
        keys = [jax.random.fold_in(key, number) for number in range(3)]
        fakes = self._made(state["generator"], self._noise(keys[0], len(share)))
        mix = rbm_draws.uniform(keys[1], (len(share),), fakes.dtype)
        slope = jax.value_and_grad(self.discriminator_loss, has_aux=True)
        (cost, scores), gradients = slope(state["discriminator"], batch.x, fakes, mix, share, values["penalty"])
        judge, own = self.optimizer.apply(
            state["discriminator"], gradients, state["memory"][1], scale=values["learning_rate"]
        )
        noise = self._noise(keys[2], len(share))

        def turn(held: Any) -> Any:
            maker, memory, mean = held
            slopes = jax.grad(self.generator_loss)(maker, judge, noise, share)
            maker, memory = self.optimizer.apply(maker, slopes, memory, scale=values["generator_rate"])
            return maker, memory, jax.tree.map(lambda m, w: m + (w - m) * (1 - values["average"]), mean, maker)

        held, count = (state["generator"], state["memory"][0], state["mean"]), state["count"] + 1
        if self.n_critic > 1:
            held = jax.lax.cond(count % self.n_critic == 0, turn, lambda held: held, held)
        else:
            held = turn(held)
        state = {"generator": held[0], "discriminator": judge, "mean": held[2], "count": count,
                 "memory": (held[1], own)}  # fmt: skip
        return state, jnp.stack([cost, (share * self._wanted(scores)).sum()])

    def discriminator_loss(
        self, weights: Any, x: Array, fakes: Array, mix: Array, share: Array, penalty: Any
    ) -> tuple[Array, Array]:
        """What the discriminator minimises, and what it gives the made rows (rows,).

        Args:
            weights: Of the discriminator.
            x, fakes: Real and made rows (rows, …).
            mix: ε of each pair (rows,), for the Wasserstein loss.
            share: Weight of each row (rows,), 1 together.
            penalty: λ.
        """
        real, made = self._scores(weights, x), self._scores(weights, fakes)
        if self.loss == WASSERSTEIN:
            mix = mix.reshape(-1, *[1] * (x.ndim - 1))
            norms = jnp.sqrt(self._squares(weights, mix * x + (1 - mix) * fakes) + TINY)
            return (share * (made - real + penalty * (norms - 1) ** 2)).sum(), made
        each = jax.nn.softplus(-real) + jax.nn.softplus(made)
        return (share * (each + 0.5 * penalty * self._squares(weights, x))).sum(), made

    def generator_loss(self, weights: Any, discriminator: Any, noise: Array, share: Array) -> Array:
        """What the generator minimises, its weights first."""
        return (share * self._wanted(self._scores(discriminator, self._made(weights, noise)))).sum()

    def _wanted(self, scores: Array) -> Array:
        return -scores if self.loss == WASSERSTEIN else jax.nn.softplus(-scores)

    def _squares(self, weights: Any, x: Array) -> Array:
        """‖∇D(x)‖² of each row (rows,)."""
        slopes = jax.grad(lambda rows: plain(self.discriminator, weights, rows).sum())(x)
        return (slopes**2).reshape(len(x), -1).sum(1)

    def _scores(self, weights: Any, x: Array) -> Array:
        return self.discriminator.forward(weights, x, Context())[:, 0]

    def _made(self, weights: Any, noise: Array) -> Array:
        return self.generator.forward(weights, noise, Context())

    def _noise(self, key: Array, rows: int) -> Array:
        return rbm_draws.normal(key, (rows, *self.generator.input_shape), jnp.dtype(self.dtype))


def plain(network: Network, weights: Any, x: Array) -> Array:
    """The outputs (rows, …) of a stack, its convolutions as products by tap of the window.

    JAX derives all slopes of this form. Those of `ops.convolution` are written out, and in float32 go once only.
    """
    ctx = Context()
    for layer, own in zip(network.layers, weights, strict=True):
        if not isinstance(layer, Conv2D):
            x = layer.apply(own, x, ctx)
            continue
        kernel, steps, gaps = own["kernel"], _pair(layer.strides), _pair(layer.dilation_rate)
        if layer.padding == "same":
            x = pad(x, _same(x.shape[1:3], kernel.shape[:2], steps, gaps))
        spaces = outputs(x.shape[1:3], kernel.shape[:2], steps, gaps)
        z = sum(window(x, tap, spaces, steps, gaps) @ kernel[tap] for tap in taps(kernel.shape[:2]))
        x = finish(layer, z + own["bias"] if layer.use_bias else z, ctx)
    return x


def _pair(given: Any) -> tuple[int, int]:
    return (given, given) if isinstance(given, int) else (int(given[0]), int(given[1]))


def _same(lengths: Any, widths: Any, steps: Any, gaps: Any) -> tuple[tuple[int, int], ...]:
    """Zeros before and after that make ⌈length / step⌉ outputs, as many before as after or one fewer."""
    found = []
    for length, width, step, gap in zip(lengths, widths, steps, gaps, strict=True):
        total = max((-(-length // step) - 1) * step + gap * (width - 1) + 1 - length, 0)
        found.append((total // 2, total - total // 2))
    return tuple(found)


def _grouped(layer: Layer) -> bool:
    return isinstance(layer, Conv2D) and layer.groups > 1


def _fixed(network: Network) -> bool:
    return any(not network.trained(i, name) for i, spec in enumerate(network.specs) for name in spec)


def through(network: Network, weights: Any, x: Any, dtype: str = "float32") -> np.ndarray:
    """Outputs (rows, …) of a network, some rows at a time.

    >>> through(discriminator((2,)), discriminator((2,)).init(0)[0], np.zeros((3, 2))).shape
    (3, 1)
    """
    devices.start()
    x, found = np.asarray(x, dtype), []
    block = min(BLOCK, 1 << max(0, len(x) - 1).bit_length())
    with devices.width(dtype):
        call, weights = _forward(network), jax.device_put(weights)
        for start in range(0, len(x), block):
            rows = x[start : start + block]
            held = np.concatenate([rows, np.zeros((block - len(rows), *x.shape[1:]), dtype)])
            found.append(np.asarray(call(weights, held))[: len(rows)])
    return np.concatenate(found) if found else np.zeros((0, *network.output_shape), dtype)


@lru_cache(maxsize=32)
def _forward(network: Network) -> Any:
    return compiling.jit(lambda weights, x: network.forward(weights, x, Context()))
