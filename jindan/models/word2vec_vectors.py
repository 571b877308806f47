"""WordVectors: words with their vectors; neighbours, analogies; word2vec's text and binary files."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np

from ..errors import FileError, InputError, suggestion


class WordVectors:
    """Words and their vectors.

    Args:
        words: All different.
        vectors: (words, size).

    >>> wv = WordVectors(["man", "woman", "king", "queen"], [[1, 0], [1, 1], [3, 0], [3, 1]])
    >>> wv["king"].tolist(), "car" in wv, len(wv)
    ([3.0, 0.0], False, 4)
    >>> wv.analogy("man", "woman", "king")[0][0]
    'queen'
    """

    def __init__(self, words: Sequence[str], vectors: Any) -> None:
        self.words, self.vectors = list(words), np.asarray(vectors, np.float32)
        self.places = {word: i for i, word in enumerate(self.words)}
        if self.vectors.ndim != 2 or len(self.places) != len(self.vectors) or len(self.words) != len(self.vectors):
            raise InputError(
                "Words and vectors do not fit together.", where="WordVectors",
                expected="(words, size) vectors, all words different",
                received=f"{len(self.words)} words, {len(self.places)} different; vectors {self.vectors.shape}",
            )  # fmt: skip
        norms = np.linalg.norm(self.vectors, axis=1, keepdims=True)
        self.unit = self.vectors / np.where(norms > 0, norms, 1)

    def __getitem__(self, word: str | Sequence[str]) -> np.ndarray:
        """The vector of a word (size,), or of several (words, size)."""
        return self.vectors[self._place(word) if isinstance(word, str) else [self._place(w) for w in word]]

    def __contains__(self, word: object) -> bool:
        return word in self.places

    def __len__(self) -> int:
        return len(self.words)

    def similarity(self, first: str, second: str) -> float:
        """The cosine of the angle between two words' vectors."""
        return float(self.unit[self._place(first)] @ self.unit[self._place(second)])

    def distance(self, first: str, second: str) -> float:
        """1 − similarity."""
        return 1 - self.similarity(first, second)

    def most_similar(
        self, positive: Any = (), negative: Any = (), *, topn: int = 10, multiply: bool = False
    ) -> list[tuple[str, float]]:
        """The words nearest to a sum of words, these themselves left out.

        Args:
            positive, negative: A word or vector, or several, that are added, or taken away.
            topn: How many.
            multiply: Products of cosines, shifted to [0, 1], in place of sums: ∏ cos⁺ / (∏ cos⁻ + 10⁻⁶) (Levy and
                Goldberg 2014, 3CosMul).

        Returns:
            Word and score, the best first: the cosine to the mean of the unit vectors, or the product.

        Raises:
            InputError: when a word is not known, or none is given.
        """
        plus, minus = _several(positive), _several(negative)
        if not plus and not minus:
            raise InputError("No word is given.", where="most_similar", expected="positive or negative words")
        if topn < 1:
            raise InputError("This topn cannot be used.", where="most_similar", expected=">= 1", received=topn)
        added, taken = ([self._direction(w) for w in side] for side in (plus, minus))
        if multiply:
            top = np.prod([(1 + self.unit @ v) / 2 for v in added], axis=0) if added else np.ones(len(self))
            scores = top / (np.prod([(1 + self.unit @ v) / 2 for v in taken], axis=0) + 1e-6) if taken else top
        else:
            mean = np.sum([*added, *(-v for v in taken)], axis=0)
            scores = self.unit @ (mean / (np.linalg.norm(mean) or 1))
        scores = np.array(scores, np.float64)
        given = [self._place(word) for word in (*plus, *minus) if isinstance(word, str)]
        scores[given] = -np.inf
        best = np.argsort(-scores, kind="stable")[: min(topn, len(self) - len(set(given)))]
        return [(self.words[i], float(scores[i])) for i in best]

    def analogy(self, a: str, b: str, c: str, *, topn: int = 1, multiply: bool = False) -> list[tuple[str, float]]:
        """What is to c as b is to a: nearest to b − a + c."""
        return self.most_similar([b, c], [a], topn=topn, multiply=multiply)

    def doesnt_match(self, words: Sequence[str]) -> str:
        """The word farthest from the mean of all of them."""
        if len(words) < 2:
            raise InputError("One word cannot be the odd one out.", where="doesnt_match", expected=">= 2 words",
                             received=list(words))  # fmt: skip
        unit = self.unit[[self._place(word) for word in words]]
        return words[int(np.argmin(unit @ unit.mean(0)))]

    def pairs_score(self, pairs: Iterable[tuple[str, str, float]]) -> tuple[float, float]:
        """Spearman's correlation of similarity with people's, over the pairs whose words are known.

        Args:
            pairs: (word, word, judgement), as of WordSim-353; words are looked up as they are, then in small letters.

        Returns:
            The correlation, NaN with fewer than 2 pairs, and the share of pairs known.
        """
        rows = [(self._either(a), self._either(b), float(value)) for a, b, value in pairs]
        known = [(a, b, value) for a, b, value in rows if a is not None and b is not None]
        if len(known) < 2:
            return float("nan"), len(known) / max(len(rows), 1)
        from scipy.stats import spearmanr

        ours = [float(self.unit[a] @ self.unit[b]) for a, b, _ in known]
        return float(spearmanr(ours, [value for *_, value in known]).statistic), len(known) / len(rows)

    def _either(self, word: str) -> int | None:
        return self.places.get(word, self.places.get(word.lower()))

    def _direction(self, given: Any) -> np.ndarray:
        if isinstance(given, str):
            return self.unit[self._place(given)]
        vector = np.asarray(given, np.float32)
        if vector.shape != self.vectors.shape[1:]:
            raise InputError("This is no word and no vector.", where="most_similar", received=np.shape(given),
                             expected=f"a word, or a vector of {self.vectors.shape[1]} numbers")  # fmt: skip
        return np.asarray(vector / (np.linalg.norm(vector) or 1))

    def _place(self, word: Any) -> int:
        if word not in self.places:
            help = suggestion(str(word), self.words) or "Words seen less than min_count times have no vector."
            raise InputError("This word has no vector.", expected=f"one of {len(self.words)} words",
                             received=repr(word), help=help)  # fmt: skip
        return self.places[word]

    # -- files -------------------------------------------------------------------------------------------------------

    def write(self, path: str | Path, *, binary: bool = False) -> None:
        """Write the format of the original word2vec, which gensim's KeyedVectors reads too.

        Args:
            path: The file.
            binary: Numbers as little-endian float32 in place of decimal ones.

        Raises:
            InputError: when a word holds white space, which the format cannot say.
            FileError: when the file cannot be written.
        """
        bad = next((word for word in self.words if not word or any(c.isspace() for c in word)), None)
        if bad is not None:
            raise InputError("A word with white space cannot be written.", where=path, received=repr(bad),
                             help="Put _ in its place.")  # fmt: skip
        try:
            with Path(path).open("wb") as file:
                file.write(f"{len(self)} {self.vectors.shape[1]}\n".encode())
                for word, vector in zip(self.words, self.vectors, strict=True):
                    file.write(word.encode() + b" ")
                    file.write(vector.astype("<f4").tobytes() if binary else " ".join(map(str, vector)).encode())
                    file.write(b"\n")
        except OSError as error:
            raise FileError("The word vectors cannot be written.", where=path, expected="a file that can be written",
                            received=str(error)) from None  # fmt: skip

    @classmethod
    def read(cls, path: str | Path, *, binary: bool = False) -> Self:
        """Undo `write`; also reads files of word2vec and gensim.

        Raises:
            FileError: when the file is not of this format, or ends early.
        """
        try:
            with Path(path).open("rb") as file:
                count, size = (int(part) for part in file.readline(100).split())
                if count < 0 or size < 1:
                    raise ValueError(f"{count} words of {size} numbers")
                rows = [(_binary if binary else _text)(file, size) for _ in range(count)]
                if len({word for word, _ in rows}) < count or file.read().strip():
                    raise ValueError("words that occur twice, or more than the first line says")
        except (OSError, ValueError) as error:
            raise FileError(
                "The word vectors cannot be read.", where=path, received=str(error),
                expected=f"word2vec's {'binary' if binary else 'text'} format: words and size, then a word a row",
                help=f"Try binary={not binary}.",
            ) from None  # fmt: skip
        vectors = np.array([vector for _, vector in rows], np.float32).reshape(count, size)
        return cls([word for word, _ in rows], vectors)


def _several(given: Any) -> list[Any]:
    single = isinstance(given, str) or (isinstance(given, np.ndarray) and given.ndim == 1)
    return [given] if single else list(given)


def _text(file: BinaryIO, size: int) -> tuple[str, np.ndarray]:
    parts = file.readline().decode().rstrip().split(" ")
    if len(parts) != size + 1:
        raise ValueError(f"a row of {len(parts) - 1} numbers")
    return parts[0], np.array(parts[1:], np.float32)


def _binary(file: BinaryIO, size: int) -> tuple[str, np.ndarray]:
    letters = bytearray()
    while (letter := file.read(1)) != b" ":
        if not letter:
            raise ValueError("the file ends within a word")
        if letter != b"\n":  # the original ends rows with it, gensim does not
            letters += letter
    data = file.read(4 * size)
    if len(data) != 4 * size:
        raise ValueError("the file ends within a vector")
    return letters.decode(), np.frombuffer(data, "<f4")
