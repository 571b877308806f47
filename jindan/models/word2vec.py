"""Word2Vec: the compiled updates of skip-gram and CBOW, with negative sampling or hierarchical softmax."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import PartitionSpec as P

from ..engine.devices import ROWS
from ..engine.program_loop import Batch
from . import rbm_draws as draws

Array = jax.Array
SKIP_GRAM, CBOW = "skip-gram", "cbow"
SPLIT = 1e8
"""Operations of an update from which its columns are shared out: at 6e6 two cores took twice the time of one."""


@dataclass(frozen=True)
class Word2VecProgram:
    """Training of word vectors by stochastic ascent (Mikolov et al., 2013, arXiv:1301.3781 and arXiv:1310.4546).

    An update takes a block of consecutive words. Each word i predicts, or is predicted from, the words j of its
    window, |i − j| ≤ wᵢ with wᵢ uniform on 1 … window, within a sentence. With u of the input table, v of the output
    table, and noise words n drawn in proportion to count^0.75:

        skip-gram   Σᵢⱼ [ log σ(vᵢ·uⱼ) + K E log σ(−vₙ·uⱼ) ]
        CBOW        Σᵢ  [ log σ(vᵢ·hᵢ) + K E log σ(−vₙ·hᵢ) ],  hᵢ the mean of uⱼ over the window

    The expectation over noise is a mean over `shared` words drawn for the block, weighted by K, in place of K words
    for each pair: the same objective, with all scores and slopes as products of matrices (Ji et al., 2016,
    arXiv:1604.04661, share them within a window). A noise word may be the predicted one, as in the objective;
    the original program skips those. Slopes of a block are added up at the weights before it.

    Hierarchical softmax (Morin and Bengio 2005) replaces the sum over noise by the decisions d along the word's path
    in the Huffman tree: Σ log σ((1 − 2d) v_node·u).

    In CBOW each word of the window moves by the whole slope of h, not divided by their number, as in the original.

    State: "input" (words, size); "output" (words or nodes, size); "keep", "alias" (words,): the noise as Walker's
    alias table; or "nodes", "codes" (words, depth): each word's path, −1 past its end.
    Rows: "ids", "sentence" (block + 2 window,): words with what lies before and after, and the sentence each belongs
    to, −1 for padding; "progress" (): share of the training that is over.
    Values: learning_rate η and min_learning_rate: the rate falls from η in a line with progress.
    """

    words: int
    size: int = 100
    window: int = 5
    method: str = SKIP_GRAM
    negative: int = 5
    depth: int = 0
    block: int = 64
    shared: int = 32
    dtype: str = "float32"

    figures = ("loss",)
    batch_size = 1
    shuffled = False

    @property
    def length(self) -> int:
        """Words of a row."""
        return self.block + 2 * self.window

    @property
    def work(self) -> float:
        """Floating-point operations of an update."""
        others = 2 * self.window * self.depth if self.depth else self.block + self.shared
        return 6.0 * self.length * self.size * others

    def split(self, several: int) -> Any:
        """The columns of both tables shared out among devices, which then add up scores."""
        if self.size % several or self.work < SPLIT:
            return None
        names = ("nodes", "codes") if self.depth else ("keep", "alias")
        state = {"input": P(None, ROWS), "output": P(None, ROWS), **dict.fromkeys(names, P())}
        return state, {"ids": P(), "sentence": P(), "progress": P()}

    def init(self, seed: int, values: Mapping[str, float]) -> dict[str, Any]:
        """Input vectors uniform on ±1 / (2 size), output vectors 0."""
        rng = np.random.default_rng([int(seed), 0])
        first = (rng.random((self.words, self.size), np.float32) - 0.5) / self.size
        rows = max(self.words - 1, 1) if self.depth else self.words
        return {"input": first.astype(self.dtype), "output": np.zeros((rows, self.size), self.dtype)}

    def step(self, state: Any, batch: Batch, values: Any, key: Array) -> tuple[Any, Array]:
        """One block; its figure is the negative objective, per pair or, of CBOW, per word."""
        ids, sentence, progress = batch.x["ids"][0], batch.x["sentence"][0], batch.x["progress"][0]
        rate = jnp.maximum(values["learning_rate"] * (1 - progress), values["min_learning_rate"])
        pairs = self._pairs(sentence, key)
        inputs = state["input"][ids]
        if self.depth:
            slope, places, out_slope, loss = self._tree(state, ids, inputs, pairs)
        else:
            slope, places, out_slope, loss = self._noise(state, ids, inputs, pairs, key)
        state = {
            **state,
            "input": state["input"].at[ids].add(rate * slope),
            "output": state["output"].at[places].add(rate * out_slope),
        }
        count = pairs.sum() if self.method == SKIP_GRAM else (pairs.sum(1) > 0).sum()
        return state, (loss / jnp.maximum(count, 1))[None]

    def _pairs(self, sentence: Array, key: Array) -> Array:
        """(block, length) 1 where the word of the block and the one of the row are within a window."""
        own = jnp.arange(self.block)[:, None] + self.window
        reach = 1 + (draws.bits(key, (self.block, 1)) % jnp.uint32(self.window)).astype(jnp.int32)
        distance = jnp.abs(jnp.arange(self.length)[None] - own)
        centre = sentence[self.window : self.window + self.block, None]
        near = (distance > 0) & (distance <= reach) & (centre == sentence[None]) & (centre >= 0)
        return near.astype(self.dtype)

    def _centre(self, ids: Array) -> Array:
        return ids[self.window : self.window + self.block]

    def _noise(self, state: Any, ids: Array, inputs: Array, pairs: Array, key: Array) -> Any:
        noise = self._drawn(state, key)
        places = jnp.concatenate([self._centre(ids), noise])
        outputs = state["output"][places]
        if self.method == SKIP_GRAM:
            scores = inputs @ outputs.T
            weight = jnp.broadcast_to(pairs.sum(0)[:, None] * (self.negative / self.shared), (self.length, self.shared))
            weight = jnp.concatenate([pairs.T, weight], 1)
            sign = jnp.where(jnp.arange(self.block + self.shared) < self.block, 1, -1).astype(self.dtype)
            right = jax.nn.sigmoid(sign * scores)
            pull = weight * sign * (1 - right)
            loss = -(weight * _log(right)).sum()
            return pull @ outputs, places, pull.T @ inputs, loss
        hidden, real = _means(pairs, inputs)
        own, others = outputs[: self.block], outputs[self.block :]
        score, scores = (own * hidden).sum(1), hidden @ others.T
        pull, push = (
            real * jax.nn.sigmoid(-score),
            -real[:, None] * (self.negative / self.shared) * jax.nn.sigmoid(scores),
        )
        back = pull[:, None] * own + push @ others
        loss = (real * (_softplus(-score) + (self.negative / self.shared) * _softplus(scores).sum(1))).sum()
        return pairs.T @ back, places, jnp.concatenate([pull[:, None] * hidden, push.T @ hidden]), loss

    def _drawn(self, state: Any, key: Array) -> Array:
        """Noise words by Walker's alias table."""
        words = jax.random.key_data(key)
        key = jnp.stack([words[0], words[1] + jnp.uint32(draws.GOLDEN)])
        bits = draws.bits(key, (2, self.shared))
        place = (bits[0] % jnp.uint32(self.words)).astype(jnp.int32)
        chance = (bits[1] >> 8).astype(jnp.float32) * jnp.float32(2.0**-24)
        return jnp.where(chance < state["keep"][place], place, state["alias"][place])

    def _tree(self, state: Any, ids: Array, inputs: Array, pairs: Array) -> Any:
        centre = self._centre(ids)
        nodes, codes = state["nodes"][centre], state["codes"][centre]
        real, sign = (codes >= 0).astype(self.dtype), (1 - 2 * codes).astype(self.dtype)
        outputs = state["output"][nodes]  # (block, depth, size)
        if self.method == SKIP_GRAM:
            place = jnp.arange(self.block)[:, None] + jnp.arange(2 * self.window + 1)[None]
            near = jnp.take_along_axis(pairs, place, 1)
            around = inputs[place]  # (block, 2 window + 1, size)
        else:
            hidden, known = _means(pairs, inputs)
            near, around = known[:, None], hidden[:, None]
        scores = jnp.einsum("bwd,bpd->bwp", around, outputs)
        weight = near[:, :, None] * real[:, None]
        pull = weight * sign[:, None] * jax.nn.sigmoid(-sign[:, None] * scores)
        loss = (weight * _softplus(-sign[:, None] * scores)).sum()
        out_slope = jnp.einsum("bwp,bwd->bpd", pull, around).reshape(-1, self.size)
        back = jnp.einsum("bwp,bpd->bwd", pull, outputs)
        slope = jnp.zeros_like(inputs).at[place].add(back) if self.method == SKIP_GRAM else pairs.T @ back[:, 0]
        return slope, nodes.reshape(-1), out_slope, loss


def _means(pairs: Array, inputs: Array) -> tuple[Array, Array]:
    """The mean of each window, and 1 where there is one."""
    counts = pairs.sum(1)
    return (pairs @ inputs) / jnp.maximum(counts, 1)[:, None], (counts > 0).astype(inputs.dtype)


def _log(chance: Array) -> Array:
    # Half the cost of a softplus; only the figure is bounded by it, slopes are not.
    return jnp.log(jnp.maximum(chance, 1e-30))


def _softplus(z: Array) -> Array:
    return jnp.maximum(z, 0) + jnp.log1p(jnp.exp(-jnp.abs(z)))
