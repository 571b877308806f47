"""Real data as arrays: MNIST, Korean film reviews as numbered tokens, Shakespeare as numbered characters."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np

from ..common import DATA, Skip

SHAKESPEARE = "tinyshakespeare.txt"
TRAINING_SHARE = 0.9  # of Shakespeare's characters, the first ones
VOCABULARY = 10_000
LENGTH = 100  # tokens of a review


def need(*names: str) -> None:
    """Skip, and say why, where a file is not there."""
    for name in names:
        if not (DATA / name).exists():
            raise Skip(f"it needs ../shared/data/{name} (beside the repository)")


# -- images ----------------------------------------------------------------------------------------------------------


def mnist(part: str = "train") -> tuple[np.ndarray, np.ndarray]:
    """Images (rows, 28, 28, 1) float32 in 0 … 1 and labels (rows,) int32; `part` is "train" or "test"."""
    need("mnist.npz")
    with np.load(DATA / "mnist.npz") as found:
        images = found[f"{part}_images"][..., None].astype(np.float32) / 255
        return images, found[f"{part}_labels"].astype(np.int32)


def rows_of_pixels(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """MNIST as sequences (rows, 28 steps, 28)."""
    x, y = images(rows)
    return x[..., 0], y


def images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The first MNIST images (rows, 28, 28, 1)."""
    x, y = mnist()
    return x[:rows], y[:rows]


def padded_images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """MNIST with a border of two cells (rows, 32, 32, 1)."""
    x, y = images(rows)
    return np.pad(x, ((0, 0), (2, 2), (2, 2), (0, 0))), y


def small_images(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """MNIST averaged to 14 × 14, with a border of one cell (rows, 16, 16, 1)."""
    x, y = images(rows)
    x = x.reshape(-1, 14, 2, 14, 2, 1).mean((2, 4), dtype=np.float32)
    return np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0))), y


# -- reviews ---------------------------------------------------------------------------------------------------------


@cache
def reviews(part: str = "train") -> tuple[tuple[str, ...], np.ndarray]:
    """Texts and whether each is favourable (rows,) int32; `part` is "train" (150,000) or "test" (50,000)."""
    name = f"nsmc/ratings_{part}.txt.gz"
    need(name)
    with gzip.open(DATA / name, "rt", encoding="utf-8", newline="\n") as file:
        rows = [line.rstrip("\r\n").split("\t") for line in file][1:]
    return tuple(row[1] for row in rows), np.array([int(row[2]) for row in rows], np.int32)


def characters(text: str) -> list[str]:
    """Characters (Korean ones are syllables)."""
    return list(text.lower())


def words(text: str) -> list[str]:
    """What stands between white space."""
    return text.lower().split()


def pairs(text: str) -> list[str]:
    """Neighbouring characters, two by two; " 가" is how a word begins."""
    text = f" {text.lower()} "
    return [text[i : i + 2] for i in range(len(text) - 1)]


TOKENS: dict[str, Callable[[str], list[str]]] = {"characters": characters, "words": words, "pairs": pairs}


def vocabulary(texts: Iterable[str], tokens: Callable[[str], list[str]], size: int = VOCABULARY) -> dict[str, int]:
    """The most frequent tokens → 2, 3, …; 0 is padding and 1 is any other token. The size counts those two."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokens(text))
    ranked = sorted(counts, key=lambda token: (-counts[token], token))
    return {token: number for number, token in enumerate(ranked[: size - 2], start=2)}


def numbered(
    texts: Sequence[str], tokens: Callable[[str], list[str]], known: dict[str, int], length: int = LENGTH
) -> np.ndarray:
    """Texts as token numbers (rows, length) int32, cut at the end and padded with zeros there."""
    found = np.zeros((len(texts), length), np.int32)
    for row, text in zip(found, texts, strict=True):
        numbers = [known.get(token, 1) for token in tokens(text)[:length]]
        row[: len(numbers)] = numbers
    return found


def review_tokens(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The first reviews as pairs of characters (rows, 100) and their labels (rows,)."""
    texts, labels = reviews()
    return numbered(texts[:rows], pairs, vocabulary(texts, pairs)), labels[:rows]


# -- Shakespeare -----------------------------------------------------------------------------------------------------


@cache
def shakespeare() -> tuple[np.ndarray, np.ndarray, str]:
    """Character numbers of the training and of the validation part (1-D, int32), and the alphabet."""
    need(SHAKESPEARE)
    text = (DATA / SHAKESPEARE).read_text(encoding="utf-8")
    alphabet = "".join(sorted(set(text)))
    place = {character: number for number, character in enumerate(alphabet)}
    numbers = np.array([place[character] for character in text], np.int32)
    cut = int(TRAINING_SHARE * len(numbers))
    return numbers[:cut], numbers[cut:], alphabet


def windows(numbers: np.ndarray, length: int, stride: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Pieces (rows, length) of a sequence, and the same moved on by one: what comes next at every step."""
    starts = np.arange(0, len(numbers) - length, stride or length)
    places = starts[:, None] + np.arange(length)
    return numbers[places], numbers[places + 1]


def shakespeare_windows(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """The first windows of 64 characters, with the next character at every step."""
    x, y = windows(shakespeare()[0], 64)
    return x[:rows], y[:rows]
