"""A corpus for Word2Vec: vocabulary with bounds, words as numbers, subsampling, blocks; never whole in memory."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, InputError

WHOLE = 10_000
"""Longest sentence, in words; longer ones are cut, as a file without line ends would be one sentence."""


def sentences_of(corpus: Any, tokenize: Callable[[str], Sequence[str]] | None = None) -> Iterator[Sequence[str]]:
    """The sentences of a corpus, one after another.

    Args:
        corpus: A path to a UTF-8 text file with a sentence a line, or an iterable of sentences, each a string or a
            sequence of words. It is gone through once for the vocabulary and once an epoch.
        tokenize: What cuts a string into words; at white space unless given.

    Raises:
        InputError: when the corpus is an iterator, which can be gone through only once, or no corpus.
        FileError: when there is no such file.

    >>> list(sentences_of(["a b", ["c", "d"]]))
    [['a', 'b'], ['c', 'd']]
    """
    if isinstance(corpus, (str, Path)):
        yield from _cut(_lines(Path(corpus)), tokenize)
        return
    if isinstance(corpus, Iterator):
        raise InputError(
            "This corpus can be gone through only once, but each epoch needs it again.", where="sentences",
            expected="a list, a path, or an object whose __iter__ starts anew", received=type(corpus).__name__,
            help="Give list(sentences), or a class with __iter__.",
        )  # fmt: skip
    if not isinstance(corpus, Iterable):
        raise InputError("This is no corpus.", where="sentences", expected="a path or an iterable of sentences",
                         received=type(corpus).__name__)  # fmt: skip
    yield from _cut(corpus, tokenize)


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from file
    except (OSError, UnicodeDecodeError) as error:
        raise FileError("The corpus cannot be read.", where=path, expected="a text file in UTF-8, a sentence a line",
                        received=str(error), help="Give a single sentence as a list: [text].") from None  # fmt: skip


def _cut(sentences: Iterable[Any], tokenize: Any) -> Iterator[Sequence[str]]:
    for sentence in sentences:
        if isinstance(sentence, str):
            words = sentence.split() if tokenize is None else tokenize(sentence)
        elif isinstance(sentence, Iterable):
            words = sentence if isinstance(sentence, Sequence) else list(sentence)
        else:
            raise InputError("A sentence is a string or a sequence of words.", where="sentences",
                             expected="str or sequence of str", received=repr(sentence)[:60])  # fmt: skip
        if len(words) <= WHOLE:
            yield words
        else:
            yield from (words[at : at + WHOLE] for at in range(0, len(words), WHOLE))


def count_words(
    sentences: Iterable[Sequence[str]], *, min_count: int = 5, max_vocabulary: int | None = None
) -> tuple[list[str], np.ndarray]:
    """The vocabulary, most frequent first (of equal ones the first in order), and the counts.

    While counting, at most ten times `max_vocabulary` words are held: when there are more, the rarest are forgotten
    down to half of that, so that counts of rare words of a huge corpus are lower bounds.

    Raises:
        InputError: when no word is left.

    >>> words, counts = count_words([["b", "a"], ["a", "c"]], min_count=1, max_vocabulary=2)
    >>> words, counts.tolist()
    (['a', 'b'], [2, 1])
    """
    counts: Counter[str] = Counter()
    bound = 10 * max_vocabulary if max_vocabulary else None
    for words in sentences:
        counts.update(words)
        if bound and len(counts) > bound:
            counts = Counter(dict(heapq.nlargest(bound // 2, counts.items(), key=lambda item: (item[1], item[0]))))
    bad = next((word for word in counts if not isinstance(word, str)), None)
    if bad is not None:
        raise InputError("Words are strings.", where="sentences", expected="str", received=repr(bad)[:60])
    ranked = sorted((-n, word) for word, n in counts.items() if n >= min_count and word)[:max_vocabulary]
    if not ranked:
        raise InputError(
            "No word of this corpus is frequent enough.", where="sentences", expected=f"a word seen {min_count} times",
            received=f"{len(counts)} words, the most frequent {max(counts.values(), default=0)} times",
            help="Lower min_count, or give more text.",
        )  # fmt: skip
    return [word for _, word in ranked], np.array([-n for n, _ in ranked], np.int64)


def keep_chances(counts: np.ndarray, sample: float) -> np.ndarray:
    """Chance that an occurrence stays, min(1, √(t/f) + t/f), f a word's share of the corpus (the original program's
    form of Mikolov et al. 2013, eq. 5); all 1 where the threshold t is 0."""
    if not sample:
        return np.ones(len(counts))
    ratio = sample * counts.sum() / counts
    return np.minimum(1, np.sqrt(ratio) + ratio)


def alias_table(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Walker's alias table (Vose 1991): draw a place evenly, stay with chance keep[place], else take alias[place].

    >>> keep, alias = alias_table(np.array([3.0, 1.0]))
    >>> keep.tolist(), alias.tolist()
    ([1.0, 0.5], [0, 0])
    """
    scaled = weights / weights.sum() * len(weights)
    keep, alias = np.ones(len(weights)), np.arange(len(weights))
    small = [i for i, s in enumerate(scaled) if s < 1]
    large = [i for i, s in enumerate(scaled) if s >= 1]
    while small and large:
        low, high = small.pop(), large[-1]
        keep[low], alias[low] = scaled[low], high
        scaled[high] -= 1 - scaled[low]
        if scaled[high] < 1:
            small.append(large.pop())
    return keep.astype(np.float32), alias.astype(np.int32)


def huffman(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each word's path in the Huffman tree of these counts.

    Returns:
        nodes (words, depth) int32, from the root down, 0 past the end; codes (words, depth) int8, the decision at each
        node, −1 past the end.

    >>> huffman(np.array([4, 2, 1]))[1].tolist()
    [[1, -1], [0, 1], [0, 0]]
    """
    words = len(counts)
    if words == 1:
        return np.zeros((1, 1), np.int32), np.zeros((1, 1), np.int8)
    heap = [(int(n), i) for i, n in enumerate(counts)]
    heapq.heapify(heap)
    parent, bit = np.zeros(2 * words - 1, np.int64), np.zeros(2 * words - 1, np.int8)
    for node in range(words, 2 * words - 1):
        low, high = heapq.heappop(heap), heapq.heappop(heap)
        parent[low[1]] = parent[high[1]] = node
        bit[high[1]] = 1
        heapq.heappush(heap, (low[0] + high[0], node))
    paths = []
    for word in range(words):
        place, path = word, []
        while place != 2 * words - 2:
            path.append((parent[place] - words, bit[place]))
            place = parent[place]
        paths.append(path[::-1])
    depth = max(map(len, paths))
    nodes, codes = np.zeros((words, depth), np.int32), np.full((words, depth), -1, np.int8)
    for word, path in enumerate(paths):
        nodes[word, : len(path)], codes[word, : len(path)] = zip(*path, strict=True)
    return nodes, codes


def numbered(
    sentences: Iterable[Sequence[str]], places: dict[str, int], chunk: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Known words as numbers, about `chunk` at a time: their numbers and the sentence of each, both (words,)."""
    ids: list[int] = []
    lengths: list[int] = []
    find = places.get
    for words in sentences:
        before = len(ids)
        ids += [i for i in map(find, words) if i is not None]
        lengths.append(len(ids) - before)
        if len(ids) >= chunk:
            yield np.array(ids, np.int32), np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)
            ids, lengths = [], []
    if ids:
        yield np.array(ids, np.int32), np.repeat(np.arange(len(lengths), dtype=np.int32), lengths)


def blocks(
    ids: np.ndarray, sentence: np.ndarray, *, block: int, window: int, progress: tuple[float, float], rows: int
) -> tuple[dict[str, np.ndarray], int]:
    """Rows of `Word2VecProgram`: `block` words each with `window` before and after, padded to `rows` rows.

    Args:
        ids, sentence: (words,) after subsampling.
        progress: Share of the training that is over before and after these words.

    Returns:
        The rows, and how many of them hold words.
    """
    used = -(-len(ids) // block)
    rows, length = max(rows, used), block + 2 * window
    padded = np.zeros((2, rows * block + 2 * window), np.int32)
    padded[1] = -1
    padded[:, window : window + len(ids)] = ids, sentence
    cut = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)[:, ::block]
    at = np.minimum(np.arange(rows) / max(used, 1), 1)
    begin, end = progress
    return {"ids": np.ascontiguousarray(cut[0]), "sentence": np.ascontiguousarray(cut[1]),
            "progress": (begin + (end - begin) * at).astype(np.float32)}, used  # fmt: skip
