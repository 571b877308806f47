"""One-shot learning: an embedding trained so that one example tells a new class from others.

Training draws episodes from a labelled background set: `ways` classes, of each a few examples that stand for it and a
few that ask. f is the network; its numbers are called an embedding.

Prototypical (Snell, Swersky & Zemel 2017): a class is the mean cₖ of its examples' embeddings, and

    p(y = k | x) = exp(−‖f(x) − cₖ‖²) / Σⱼ exp(−‖f(x) − cⱼ‖²)

Siamese (Koch, Zemel & Salakhutdinov 2015): two rows are of one class with

    p(same | a, b) = σ(b₀ + Σᵢ αᵢ |σ(f(a))ᵢ − σ(f(b))ᵢ|)

trained by cross-entropy over all pairs of examples and askers of an episode, equal and unequal ones having half the
weight each, as in Koch's pairs. Rotating all examples of a class by the same quarter turn makes a further class
(Santoro et al. 2016).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import PartitionSpec as P

from ..engine import devices
from ..engine.devices import ROWS
from ..engine.program import Batch
from ..errors import ShapeError
from ..layers import Activation, BatchNormalization, Conv2D, Dense, Flatten, Layer, MaxPooling2D
from ..layers.base import Context
from ..layers.network import Network
from ..losses import SparseCategoricalCrossentropy
from ..optimizers import Adam
from ..schedules import CosineDecay

Array = jax.Array
PROTOTYPICAL, SIAMESE = "prototypical", "siamese"
METHODS = (PROTOTYPICAL, SIAMESE)
ENOUGH = 3e7  # floating-point operations of an update from which cores gain by sharing it
MOMENTUM = 0.9  # of running moments: training ends soon, with a falling rate
CHOOSING, DRAWING, TURNING, LAYERS = range(4)  # random streams of an episode


def trunk(
    shape: Sequence[int],
    *,
    filters: Sequence[int] = (),
    hidden: Sequence[int] = (),
    embedding: int | None = None,
) -> list[Layer]:
    """Layers of an embedding: blocks of convolution 3 × 3, pooling 2 × 2, normalisation and ReLU, then dense ones.

    The blocks have the parts of those of Vinyals et al. (2016). The last dense layer has no activation; without one
    the blocks' outputs are the embedding.

    Args:
        shape: Of a row: (features,), or (height, width, channels).
        filters: Of the blocks, images only.
        hidden: Units of dense layers with normalisation and ReLU.
        embedding: Numbers of the embedding, None for what the layers before it give.

    Raises:
        ShapeError: when filters are given for rows that are no images, or that are too small to be halved so often.

    >>> [type(layer).__name__ for layer in trunk((8, 8, 1), filters=(4,))]
    ['Conv2D', 'MaxPooling2D', 'BatchNormalization', 'Activation', 'Flatten']
    """
    shape = tuple(int(n) for n in shape)
    if filters and (len(shape) != 3 or min(shape[:2]) >> len(filters) < 1):
        raise ShapeError("Convolutions take images, and each block halves them.", where="filters",
                         expected=f"images of at least {1 << len(filters)} × {1 << len(filters)} pixels",
                         received=f"rows of shape {shape}", help="Give fewer filters, or none.")  # fmt: skip
    found: list[Layer] = []
    for n in filters:
        # Pooled first, a quarter of the numbers is normalised: the largest stays the largest as long as γ > 0.
        found += [Conv2D(int(n), 3, padding="same", use_bias=False), MaxPooling2D(2), *_normal()]
    found += [Flatten()] if len(shape) > 1 else []
    for n in hidden:
        found += [Dense(int(n), use_bias=False), *_normal()]
    return found + ([] if embedding is None else [Dense(int(embedding))])


def _normal() -> list[Layer]:
    return [BatchNormalization(momentum=MOMENTUM, synchronized=True), Activation("relu")]


def squared_distances(a: Any, b: Any) -> Array:
    """‖a − b‖² between all rows of a (n, d) and b (m, d): (n, m)."""
    found = (a * a).sum(-1)[:, None] + (b * b).sum(-1)[None] - 2 * a @ b.T
    return jnp.maximum(found, 0)


def same_logits(head: Any, a: Any, b: Any) -> Array:
    """Log-odds that rows of embeddings a (n, d) and b (m, d) are of one class: (n, m)."""
    a, b = jax.nn.sigmoid(a), jax.nn.sigmoid(b)
    return head["bias"] + jnp.abs(a[:, None] - b[None]) @ head["kernel"]


@dataclass(frozen=True)
class EpisodeProgram:
    """Episodes as a program of `train_program`: an epoch is one update, by one episode, drawn from all rows.

    Data are what `by_class` gives. Values: "learning_rate".

    Attributes:
        network: The embedding.
        classes: Of the data, each of more than `shots` rows.
        method: "prototypical" or "siamese".
        ways: Classes of an episode; more than there are means all.
        shots: Examples that stand for a class.
        queries: Examples that ask, of each class, as far as there are so many.
        turned: Whether each class is rotated by a random quarter turn; images are square then.
        decay: Updates over which the rate falls to 0 along a cosine; 0 for a rate that stays.
        shards: Devices that share an update's rows; 1 for members of a population.
        dtype: "float32" or "float64".
    """

    network: Network
    classes: int
    method: str = PROTOTYPICAL
    ways: int = 20
    shots: int = 1
    queries: int = 5
    turned: bool = False
    decay: int = 0
    shards: int = 1
    dtype: str = "float32"

    figures = ("loss", "accuracy")
    batch_size = 2**62  # all rows: an episode chooses its own

    @property
    def size(self) -> tuple[int, int]:
        """Classes of an episode, and places for rows of each."""
        return min(self.ways, self.classes), self.shots + self.queries

    @property
    def work(self) -> float:
        """Floating-point operations of an update."""
        return 3.0 * math.prod(self.size) * self.network.flops()

    def shared(self) -> EpisodeProgram:
        """The program whose updates all devices share, where that pays and they can be dealt out equally."""
        several = devices.several()
        alike = all(getattr(layer, "synchronized", True) for layer in self.network.layers)
        pays = several > 1 and math.prod(self.size) % several == 0 and self.work >= ENOUGH and alike
        return replace(self, shards=several) if pays else self

    def split(self, several: int) -> Any:
        """Everything lies on all devices; only an episode's rows are dealt out."""
        if self.shards != several or several < 2:
            return None
        return jax.tree.map(lambda _: P(), self.init(0, {})), {"rows": P(), "begin": P(), "counts": P()}

    @cached_property
    def _optimizer(self) -> Adam:
        return Adam(CosineDecay(1.0, float(self.decay)) if self.decay else 1.0)

    def init(self, seed: int, values: Mapping[str, float]) -> dict[str, Any]:
        """Fresh weights; of the siamese head, αᵢ = −4 / √d and b₀ = 0."""
        trained, fixed = self.network.init(int(seed), np.dtype(self.dtype))
        size = int(np.prod(self.network.output_shape))
        head = {}
        if self.method == SIAMESE:
            head = {"kernel": np.full(size, -4 / np.sqrt(size), self.dtype), "bias": np.zeros((), self.dtype)}
        return {"trained": trained, "fixed": fixed, "head": head, "optimizer": self._optimizer.init((trained, head))}

    def step(self, state: Any, batch: Batch, values: Any, key: Array) -> tuple[Any, Array]:
        """One update by one episode."""
        rows, known = self.episode(batch.x, key)
        learned = state["trained"], state["head"]
        call: Any = partial(self._slopes, None)
        if self.shards > 1:
            call = jax.shard_map(
                partial(self._slopes, ROWS), mesh=devices.mesh(self.shards, ROWS),
                in_specs=(P(), P(), P(ROWS), P(ROWS), P()), out_specs=P(), check_vma=False,
            )  # fmt: skip
        figures, slopes, fresh = call(learned, state["fixed"], rows, known, key)
        learned, memory = self._optimizer.apply(learned, slopes, state["optimizer"], values["learning_rate"])
        return {"trained": learned[0], "fixed": fresh, "head": learned[1], "optimizer": memory}, figures

    def episode(self, x: Any, key: Array) -> tuple[Array, Array]:
        """The rows (ways · (shots + queries), …) of an episode, class by class, and 1 for those that count.

        Rows of a class are all different; where it has too few, the last ones do not count.
        """
        ways, each = self.size
        bits = jax.random.bits(jax.random.fold_in(key, DRAWING), (each, ways), jnp.uint32)
        chosen = jax.random.permutation(jax.random.fold_in(key, CHOOSING), self.classes)[:ways]
        begin, counts = x["begin"][chosen], x["counts"][chosen]
        drawn: list[Array] = []
        taken = jnp.zeros((ways, 0), counts.dtype)  # in rising order
        for i in range(each):
            # The r-th of those not yet taken lies as many places further as there are taken ones before it.
            r = (bits[i] % jnp.maximum(counts - i, 1).astype(jnp.uint32)).astype(counts.dtype)
            before = (taken - jnp.arange(i, dtype=counts.dtype) <= r[:, None]).sum(1, dtype=counts.dtype)
            drawn.append(r + before)
            own, place = drawn[-1][:, None], jnp.arange(i + 1) - before[:, None]
            after = jnp.concatenate([own, taken], axis=1)
            taken = jnp.where(place < 0, jnp.concatenate([taken, own], axis=1), jnp.where(place == 0, own, after))
        places = begin[:, None] + jnp.minimum(jnp.stack(drawn, 1), counts[:, None] - 1)
        rows = x["rows"][places]
        if self.turned:
            rows = quarter_turns(rows, jax.random.randint(jax.random.fold_in(key, TURNING), (ways,), 0, 4))
        known = (jnp.arange(each) < counts[:, None]).astype(self.dtype)
        return rows.reshape(ways * each, *rows.shape[2:]).astype(self.dtype), known.reshape(-1)

    def _slopes(self, axis: Any, learned: Any, fixed: Any, rows: Array, known: Array, key: Array) -> Any:
        """Figures of an episode, the loss's slopes, and running moments; rows may be a device's share."""
        network = self.network

        def objective(learned: Any) -> tuple[Array, tuple[Array, Any]]:
            own = jax.random.fold_in(key, LAYERS)
            ctx = Context(training=True, key=own, rows=known, axis=axis)
            found = network.forward(network.join(learned[0], fixed), rows, ctx)
            found, counting = found.reshape(found.shape[0], -1), known
            if axis is not None:
                found, counting = (lax.all_gather(part, axis, tiled=True) for part in (found, known))
            loss, accuracy = self._judge(learned[1], found, counting)
            share = 1 if axis is None else lax.axis_size(axis)
            return loss / share, (jnp.stack([loss, accuracy]), ctx.updates)

        slopes, (figures, updates) = jax.grad(objective, has_aux=True)(learned)
        slopes = slopes if axis is None else lax.psum(slopes, axis)
        for (index, name), new in updates.items():
            fixed = (*fixed[:index], {**fixed[index], name: new}, *fixed[index + 1 :])
        return figures, slopes, fixed

    def _judge(self, head: Any, found: Array, known: Array) -> tuple[Array, Array]:
        """Loss and accuracy of an episode by its embeddings (ways · each, d)."""
        (ways, each), size = self.size, found.shape[-1]
        found, weight = found.reshape(ways, each, size), known.reshape(ways, each)[:, self.shots :].reshape(-1)
        asking = found[:, self.shots :].reshape(-1, size)
        truth = jnp.repeat(jnp.arange(ways), self.queries)
        total = jnp.maximum(weight.sum(), 1)
        if self.method == PROTOTYPICAL:
            logits = -squared_distances(asking, found[:, : self.shots].mean(1))
            costs = SparseCategoricalCrossentropy(from_logits=True).logit_rows(truth, logits)
        else:
            pairs = same_logits(head, asking, found[:, : self.shots].reshape(-1, size))
            pairs = pairs.reshape(len(truth), ways, self.shots)
            same = (truth[:, None] == jnp.arange(ways)).astype(pairs.dtype)
            # Half the weight for the one class that is the same, half for the others.
            shares = 0.5 * jnp.where(same > 0, 1.0, 1 / (ways - 1))
            costs = (shares * (jax.nn.softplus(pairs) - same[..., None] * pairs).mean(-1)).sum(1)
            logits = pairs.max(-1)
        return (weight * costs).sum() / total, (weight * (logits.argmax(1) == truth)).sum() / total


def quarter_turns(rows: Array, turns: Array) -> Array:
    """Images (n, examples, side, side, channels), those of each n turned anticlockwise by its own 0 … 3 quarters."""
    k = turns.reshape(-1, *[1] * (rows.ndim - 1))
    rows = jnp.where(k % 2 == 1, rows.swapaxes(2, 3), rows)
    rows = jnp.where((k == 1) | (k == 2), rows[:, :, ::-1], rows)
    return jnp.where(k >= 2, rows[:, :, :, ::-1], rows)


def by_class(rows: np.ndarray, codes: np.ndarray, least: int) -> tuple[dict[str, np.ndarray], int]:
    """Rows as `EpisodeProgram` takes them, without classes of fewer than `least`, and how many classes there are.

    Returns:
        "rows" in the order of their classes; "begin" and "counts", where each class's rows begin and how many they are,
        as long as the rows and 0 beyond the classes.

    >>> data, classes = by_class(np.arange(5.0)[:, None], np.array([2, 1, 0, 2, 0]), 2)
    >>> data["rows"][:, 0].tolist(), data["begin"].tolist(), data["counts"].tolist(), classes
    ([2.0, 4.0, 0.0, 3.0], [0, 2, 0, 0], [2, 2, 0, 0], 2)
    """
    counts = np.bincount(codes)
    order = np.argsort(codes, kind="stable")
    order, kept = order[counts[codes[order]] >= least], counts[counts >= least]
    begin, own = np.zeros(len(order), np.int32), np.zeros(len(order), np.int32)
    own[: len(kept)], begin[1 : len(kept)] = kept, np.cumsum(kept)[:-1]
    return {"rows": rows[order], "begin": begin, "counts": own}, len(kept)
