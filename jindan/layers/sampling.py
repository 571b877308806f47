"""Layers at the code of an autoencoder: Sampling draws it (VAE), KLSparsity keeps its units silent most of the time."""

from __future__ import annotations

from typing import Any, ClassVar

import jax.numpy as jnp
from jax import lax

from ..errors import ShapeError
from ..initializers import Zeros
from ..spec import NOT_NEGATIVE, Number, item
from .base import Array, Context, Layer, Shape, Weight, is_zero

SHARE = Number(0, 1, open_low=True, open_high=True)
LEAST = 1e-6  # means of units are kept this far from 0 and 1, where the divergence has no finite slope


def divergence(parts: Array) -> Array:
    """KL(N(μ, diag σ²) ‖ N(0, I)) = ½ Σ (μ² + σ² − 1 − log σ²), nats.

    Args:
        parts: (…, 2d): μ beside log σ².

    Returns:
        (…,).

    >>> float(divergence(jnp.array([1.0, 0.0])))
    0.5

    Source: Kingma & Welling, "Auto-encoding variational Bayes", 2014, appendix B.
    """
    mean, log_variance = jnp.split(parts, 2, axis=-1)
    return 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - 1 - log_variance, axis=-1)


class Sampling(Layer):
    """z = μ + σ ε, ε ~ N(0, I), from μ beside log σ²; at inference z = μ.

    The divergence of N(μ, σ²) from N(0, I) is added to the objective, as a mean over rows times `weight`. During the
    first `warm_up` updates the weight grows from 0, so that the decoder learns to use the code before the divergence
    takes it away; a figure at inference has it in full.

    Shapes: rows (…, 2d) → (…, d).

    Args:
        weight: What a nat of divergence costs: β where the loss is a sum over a row's n values, β/n where it is their
            mean, as cross-entropy and mean squared error are.
        warm_up: Updates until the weight is reached.

    Raises:
        ShapeError: when the last axis is odd.

    >>> Sampling().output_shape((6,))
    (3,)
    >>> ctx = Context()
    >>> Sampling(weight=2.0).apply({}, jnp.array([[1.0, 0.0]]), ctx).tolist(), float(ctx.penalties[0])
    ([[1.0]], 1.0)

    Sources: Kingma & Welling, "Auto-encoding variational Bayes", 2014; Bowman et al., "Generating sentences from a
    continuous space", 2016; Sønderby et al., "Ladder variational autoencoders", 2016.
    """

    weight: float = item(default=1.0, rule=NOT_NEGATIVE, traced=True)
    warm_up: float = item(default=0.0, rule=NOT_NEGATIVE, traced=True)

    @property
    def in_pieces(self) -> bool:  # type: ignore[override]
        """Whether it counts no updates."""
        return is_zero(self.warm_up)

    def output_shape(self, shape: Shape) -> Shape:
        if not shape or shape[-1] is None or shape[-1] % 2:
            raise ShapeError(
                "Sampling takes means beside logarithms of variances.", where=f"layer {self.name or 'Sampling'}",
                expected="rows (…, 2 · dimensions)", received=f"rows of shape {shape}",
                help="Put Dense(2 * dimensions) before it.",
            )  # fmt: skip
        return (*shape[:-1], shape[-1] // 2)

    def weights(self, shape: Shape) -> dict[str, Weight]:
        return {} if is_zero(self.warm_up) else {"updates": Weight((), Zeros(), trainable=False)}

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        mean, log_variance = jnp.split(x, 2, axis=-1)
        each = divergence(x)
        each = each.reshape(each.shape[0], -1).sum(1)
        cost = _mean(each, ctx)
        share: Any = self.weight
        if not is_zero(self.warm_up) and ctx.training and self.trainable and not ctx.frozen:
            done = ctx.known("updates", w["updates"])
            share = share * jnp.minimum(done / self.warm_up, 1)
            ctx.update("updates", done + 1)
        ctx.penalties.append(share * cost)
        if not ctx.training:
            return mean
        return mean + jnp.exp(0.5 * log_variance) * ctx.stream().normal(mean.shape, mean.dtype)

    @property
    def random(self) -> bool:
        return True


class KLSparsity(Layer):
    """Passes rows on and adds weight · Σⱼ KL(ρ ‖ ρ̂ⱼ) to the objective, ρ̂ⱼ being the mean of unit j over the batch.

    KL(ρ ‖ ρ̂) = ρ log(ρ/ρ̂) + (1 − ρ) log((1 − ρ)/(1 − ρ̂)), nats: each unit, with values from 0 to 1, shall be on for
    a share ρ of the rows. It needs batches large enough to tell such a share. ρ̂ is kept within [1e-6, 1 − 1e-6].

    Args:
        weight: Of the divergence.
        target: ρ.

    >>> ctx = Context()
    >>> x = KLSparsity(weight=1.0, target=0.25).apply({}, jnp.array([[0.25, 0.5], [0.25, 0.5]]), ctx)
    >>> round(float(ctx.penalties[0]), 4)
    0.1308

    Sources: Lee, Ekanadham & Ng, "Sparse deep belief net model for visual area V2", 2008; Ng, "Sparse autoencoder",
    2011.
    """

    couples: ClassVar[bool] = True
    passes_mask = True

    weight: float = item(default=0.1, rule=NOT_NEGATIVE, traced=True)
    target: float = item(default=0.05, rule=SHARE, traced=True)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        flat = x.reshape(x.shape[0], -1)
        rows = jnp.ones(flat.shape[0], flat.dtype) if ctx.rows is None else ctx.rows
        total, count = rows @ flat, rows.sum()
        mean = jnp.clip(total / jnp.maximum(count, 1), LEAST, 1 - LEAST)
        share = self.target
        terms = share * jnp.log(share / mean) + (1 - share) * jnp.log((1 - share) / (1 - mean))
        # A batch of padding alone, in a member that has ended, has no mean.
        ctx.penalties.append(self.weight * jnp.where(count > 0, terms.sum(), 0))
        return x


def _mean(each: Array, ctx: Context) -> Array:
    """The mean over rows that exist; where a batch is split, this share's part of it, times the shares."""
    if ctx.rows is None:
        return each.mean()
    if ctx.piece is not None:
        count = ctx.piece.real
    else:
        count = ctx.rows.sum() if ctx.axis is None else lax.psum(ctx.rows.sum(), ctx.axis)
    return (each * ctx.rows).sum() * ctx.shares / jnp.maximum(count, 1)
