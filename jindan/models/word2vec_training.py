"""train_vectors: a corpus read chunk by chunk, trained on in one compiled program, one member or many."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..engine.program import Trained, train_program
from . import word2vec_corpus as corpus
from .word2vec import Word2VecProgram

CHUNK = 400_000
REMEMBERED = 20_000_000  # words of a corpus whose numbers are kept, rather than cut out of its text anew each epoch
"""Words read at a time."""
NOISE_POWER = 0.75
BLOCK = 64
"""Most words of an update: fewer leave a core idle, more cost as much a word as their pairs, which are a square."""
STABLE = 2.0


@dataclass(frozen=True)
class Vectors:
    """One trained member.

    Attributes:
        input, output: (words, size), and (words or nodes, size).
        loss: Negative objective by epoch, a mean over blocks, in nats a pair (of CBOW, a word).
        seed, values: What it was trained with.
        seconds: Of all calls of the program: "compile", "run".
        interrupted: Whether Ctrl-C ended it early.
    """

    input: np.ndarray = field(repr=False)
    output: np.ndarray = field(repr=False)
    loss: list[float]
    seed: int
    values: dict[str, float]
    seconds: dict[str, float]
    interrupted: bool = False


def program_of(counts: np.ndarray, *, hierarchical: bool = False, **settings: Any) -> Word2VecProgram:
    """The program for a vocabulary: settings are those of `Word2VecProgram`."""
    depth = corpus.huffman(counts)[0].shape[1] if hierarchical else 0
    return Word2VecProgram(len(counts), depth=depth, **settings)


def stable_block(
    counts: np.ndarray,
    *,
    rate: float,
    window: int = 5,
    negative: int = 5,
    sample: float = 1e-3,
    hierarchical: bool = False,
) -> int:
    """The most words of an update, a power of 2 up to 64, that does not diverge.

    Slopes of a block are added up at the same weights. Where m terms log σ(v·u) meet in one row v, the curvature is at
    most m |u|² / 4, and ascent is stable while η m |u|² / 4 < 2: for vectors up to |u|² = 4 if η m ≤ 2. With p and q
    the greatest shares of a word in the corpus and in the noise, a block of b words has m = b (window + 1)(p + K q) on
    average; of the Huffman tree, whose root all words share, m = b (window + 1).

    >>> stable_block(np.array([50, 50]), rate=0.025), stable_block(np.full(10_000, 9), rate=0.025)
    (4, 64)
    """
    kept, noise = counts * corpus.keep_chances(counts, sample), counts.astype(np.float64) ** NOISE_POWER
    share = 1.0 if hierarchical else kept.max() / kept.sum() + negative * noise.max() / noise.sum()
    most = STABLE / (rate * (window + 1) * share)
    return min(BLOCK, 2 ** max(int(np.floor(np.log2(most))), 0))


def tables(program: Word2VecProgram, counts: np.ndarray) -> dict[str, np.ndarray]:
    """The parts of the state that do not learn: paths in the Huffman tree, or the noise's alias table."""
    if program.depth:
        nodes, codes = corpus.huffman(counts)
        return {"nodes": nodes, "codes": codes}
    keep, alias = corpus.alias_table(counts.astype(np.float64) ** NOISE_POWER)
    return {"keep": keep, "alias": alias}


def train_vectors(
    program: Word2VecProgram,
    sentences: Any,
    words: Sequence[str],
    counts: np.ndarray,
    *,
    epochs: int = 5,
    sample: float = 1e-3,
    seeds: Sequence[int] = (0,),
    values: Sequence[Mapping[str, float]] = ({"learning_rate": 0.025, "min_learning_rate": 1e-4},),
    tokenize: Callable[[str], Sequence[str]] | None = None,
    listen: Callable[[int, float, float], Any] | None = None,
) -> list[Vectors]:
    """Train one member for each seed and each set of numbers, side by side.

    Frequent words are dropped before windows are cut, anew each epoch, and alike for all members.

    Args:
        program: What is trained.
        sentences: The corpus, as `sentences_of` takes it; gone through once, and once an epoch where it has more than
            `REMEMBERED` words.
        words, counts: Its vocabulary, the most frequent first.
        epochs: Passes over the corpus.
        sample: Threshold t of subsampling; 0 keeps all words.
        seeds, values: By member, or one for all.
        tokenize: What cuts a string into words.
        listen: Called with epoch, share done and the chunk's loss of the first member; returning True ends there.

    Returns:
        The members, as far as they came where Ctrl-C ended it. A member alone gives the same numbers.
    """
    places = {word: i for i, word in enumerate(words)}
    chances, total = corpus.keep_chances(counts, sample), int(counts.sum())
    rows = -(-min(total, CHUNK + corpus.WHOLE) // program.block)
    members = max(len(seeds), len(values))
    seeds = list(seeds) * (members if len(seeds) == 1 else 1)
    values = list(values) * (members if len(values) == 1 else 1)
    fixed = tables(program, counts)
    states = [{**program.init(s, v), **fixed} for s, v in zip(seeds, values, strict=True)]
    losses: list[Any] = []
    seconds, done, chunk, ended, cut = {"compile": 0.0, "run": 0.0}, 0, 0, False, False
    numbers: list[tuple[np.ndarray, np.ndarray]] = []
    for epoch in range(epochs):
        kept: list[np.ndarray] = []
        source = numbers if numbers else corpus.numbered(corpus.sentences_of(sentences, tokenize), places, CHUNK)
        first = epoch == 0 and total <= REMEMBERED
        for ids, sentence in source:
            if first:
                numbers.append((ids, sentence))
            if ended:
                break
            stays = np.random.default_rng([chunk, 1]).random(len(ids)) < chances[ids]
            begin, done = done, done + len(ids)
            x, used = corpus.blocks(ids[stays], sentence[stays], block=program.block, window=program.window, rows=rows,
                                    progress=(begin / (total * epochs), done / (total * epochs)))  # fmt: skip
            chunk, rows = chunk + 1, len(x["ids"])
            if not used:
                continue
            found = _chunk(program, x, used, states, seeds, values, chunk)
            states = [f.state for f in found]
            kept.append(np.array([used, *(_loss(f, used, rows) for f in found)]))
            seconds = {name: seconds[name] + found[0].seconds[name] for name in seconds}
            cut = found[0].position < divmod(used, rows)
            ended = cut or (listen is not None and bool(listen(epoch, done / (total * epochs), float(kept[-1][1]))))
        if kept:
            losses.append(np.average([k[1:] for k in kept], axis=0, weights=[k[0] for k in kept]))
    return [
        Vectors(
            state["input"], state["output"], [float(row[m]) for row in losses], seeds[m], dict(values[m]), seconds, cut
        )
        for m, state in enumerate(states)
    ]


def _chunk(program: Any, x: Any, used: int, states: Any, seeds: Any, values: Any, chunk: int) -> list[Trained]:
    """All members after the first `used` rows; the others only keep the shape, so that nothing compiles anew."""
    # Draws of windows and noise come from the seed and the place, which starts at 0 in each chunk.
    own = [int(np.random.SeedSequence([int(seed), chunk]).generate_state(1)[0]) for seed in seeds]
    starts = [Trained.fresh(program, s, k, v) for s, k, v in zip(states, own, values, strict=True)]
    return train_program(program, x, epochs=1, seeds=own, values=values, start=starts, until=(0, used))


def _loss(found: Trained, used: int, rows: int) -> float:
    """The mean over blocks: the running sum is over all rows, those without words included."""
    return found.history["loss"][-1] if found.history["loss"] else float(found.sums[0][0]) * rows / used
