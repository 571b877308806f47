"""SpectralNormalization: a layer whose kernel is divided by its largest singular value."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax

from ..errors import InputError
from ..initializers import TruncatedNormal
from ..spec import COUNT, item
from .around import Around
from .base import Array, Context, Layer, Shape, Weight
from .inner import inner_apply, inner_shape, inner_weights

_KERNELS = ("kernel", "embeddings")


class SpectralNormalization(Around):
    """A layer with W / σ(W) in the place of its kernel W, σ being its largest singular value: no step is stretched.

    σ is found by power iteration, from a vector u that each training step moves on; W is a matrix whose columns are its
    last axis. At inference u stays, and W is divided too, as in the paper. (Keras puts W / σ in the place of W itself
    while training, and divides by nothing at inference.)

    Weights: those of the layer, and after the kernel vector_u (1, columns), which is not trained.

    Args:
        layer: A layer with a kernel, or an Embedding.
        power_iterations: Iterations a training step.

    Raises:
        InputError: when the layer has no kernel.

    >>> from jindan.layers import Dense
    >>> {n: w.shape for n, w in SpectralNormalization(Dense(3)).weights((2,)).items()}
    {'kernel': (2, 3), 'vector_u': (1, 3), 'bias': (3,)}

    Source: Miyato, Kataoka, Koyama & Yoshida, "Spectral normalization for generative adversarial networks", 2018.
    """

    full_precision = True  # the layer inside casts its own
    in_pieces = False

    power_iterations: int = item(default=1, rule=COUNT)

    @property
    def passes_mask(self) -> bool:  # type: ignore[override]
        """Whether its output has the mask of its input."""
        return self.layer.passes_mask

    @property
    def streams(self) -> bool:
        return self.layer.streams and type(self.layer).step is Layer.step

    def output_shape(self, shape: Shape) -> Shape:
        return inner_shape(self.layer, shape)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        own = inner_weights(self.layer, shape, "")
        name = _kernel(own)
        if name is None:
            raise InputError(
                "SpectralNormalization is for layers with a kernel.", where="layer of SpectralNormalization",
                expected="Dense, a convolution, Embedding", received=type(self.layer).__name__,
                help="Layers that hold others have theirs normalised one by one.",
            )  # fmt: skip
        u = Weight((1, own[name].shape[-1]), TruncatedNormal(stddev=0.02), trainable=False)
        return {name: own.pop(name), "vector_u": u, **own}

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        name: Any = _kernel(w)
        matrix = w[name].reshape(-1, w[name].shape[-1])
        u = ctx.known("vector_u", w["vector_u"])
        # As in the paper the slope of σ takes both vectors as given, which they are once they have settled.
        still = lax.stop_gradient(matrix) if ctx.training else matrix
        for _ in range(self.power_iterations if ctx.training else 1):
            v = _unit(u @ still.T)
            u = _unit(v @ still)
        if ctx.training and not ctx.frozen:
            ctx.update("vector_u", u)
        sigma = (v @ matrix @ u.T)[0, 0]
        # A kernel of zeros stays one.
        own = {**w, name: w[name] / jnp.where(sigma == 0, 1, sigma)}
        return inner_apply(self.layer, own, x, ctx, 0, "")

    def mask_of(self, x: Any, mask: Any) -> Any:
        return self.layer.mask_of(x, mask)

    def flops(self, shape: Shape) -> int:
        return self.layer.flops(shape)

    def keeps(self, shape: Shape) -> int:
        return self.layer.keeps(shape)


def _kernel(w: Any) -> str | None:
    """The name of the weight that is divided."""
    return next((name for name in _KERNELS if name in w), None)


def _unit(v: Array) -> Array:
    """A vector of length 1, or 0."""
    return v * lax.rsqrt(jnp.maximum(jnp.sum(v**2), 1e-12))
