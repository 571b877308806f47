"""Tokenisers: text into rows of token numbers of one length, by words, characters or trained pieces of words."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, lru_cache
from itertools import chain
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from jindan.data.text import Normalization, as_texts
from jindan.errors import InputError, StateError, UnknownNameError
from jindan.rules import COUNT, Number

PADDING, UNKNOWN = 0, 1
"""The first two token numbers: what fills a row up, and what the training rows did not hold."""
MARK = "##"
"""Before a piece that continues a word."""
_COVERED = 0.95
_CACHED = 200_000


@dataclass(frozen=True)
class Tokenizer:
    """Base. `fit` gives a new, fitted tokeniser; the one it was called on stays as it is.

    Args:
        max_tokens: Size of the vocabulary, padding and unknown included.
        max_length: Longest row; longer texts lose their ends.
        normalization: How text is written first.
        vocabulary: Tokens from number 2 on; learnt.
        length: Tokens in a row: what 95 % of the training texts need, at most `max_length`; learnt.
        unknown: Share of unknown tokens in the training rows; learnt.
    """

    kind: ClassVar[str] = ""
    max_tokens: int = 20_000
    max_length: int = 512
    normalization: Normalization = field(default_factory=Normalization)
    vocabulary: tuple[str, ...] = ()
    length: int = 0
    unknown: float = 0.0

    def __post_init__(self) -> None:
        self._check("max_tokens", Number(3, integer=True))
        self._check("max_length", COUNT)

    def fit(self, texts: Any) -> Self:
        """Learn vocabulary and length from the training rows.

        Raises:
            InputError: not one token in all the texts.
        """
        raise NotImplementedError

    def transform(self, texts: Any) -> NDArray[np.int32]:
        """Token numbers, shape (rows, length): 0 is padding, at the end, 1 a token that was not learnt.

        Raises:
            StateError: before `fit`.
        """
        ids, counts = self._numbers(self._texts(texts))
        return self._rows(ids, counts)

    def mask(self, ids: NDArray[Any]) -> NDArray[np.bool_]:
        """Which places of the rows hold a token."""
        return np.asarray(ids) != PADDING

    def inverse(self, ids: Any) -> list[str]:
        """Texts for rows of token numbers; unknown tokens read "�"."""
        names = self.tokens
        rows = [[int(i) for i in row if i != PADDING] for row in np.atleast_2d(np.asarray(ids))]
        bad = next((i for row in rows for i in row if not 0 <= i < len(names)), None)
        if bad is not None:
            raise InputError("No token has this number.", expected=f"0 … {len(names) - 1}", received=bad)
        return [self._join([names[i] for i in row]) for row in rows]

    @property
    def tokens(self) -> tuple[str, ...]:
        """The token of each number."""
        return ("", "�", *self.vocabulary)

    @property
    def size(self) -> int:
        """Number of token numbers, padding and unknown included: the rows of an embedding."""
        return len(self.vocabulary) + 2

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        state = {f.name: getattr(self, f.name) for f in fields(self)}
        state |= {"normalization": self.normalization.to_dict(), "vocabulary": list(self.vocabulary)}
        return {"type": type(self).__name__, **state}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The tokeniser whose `to_dict` gave this state."""
        values = {f.name: state[f.name] for f in fields(cls) if f.name in state}
        values["normalization"] = Normalization.from_dict(state["normalization"])
        return cls(**values | {"vocabulary": tuple(state["vocabulary"])})

    # -- for subclasses ------------------------------------------------------------------------------------------

    def _numbers(self, texts: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        """Token numbers of all texts in one array, and how many each text has."""
        raise NotImplementedError

    def _join(self, tokens: list[str]) -> str:
        return "".join(tokens)

    def _texts(self, texts: Any) -> list[str]:
        if not self.length:
            raise StateError(
                f"{type(self).__name__} has learnt nothing yet.", expected="fit before transform",
                help="fitted = tokenizer.fit(training_texts)",
            )  # fmt: skip
        return [self.normalization(text) for text in as_texts(texts)]

    def _settled(self, vocabulary: Iterable[str], texts: list[str], **learnt: Any) -> Self:
        """The fitted tokeniser for a vocabulary, given the normalised training texts."""
        fitted = replace(self, vocabulary=tuple(vocabulary), length=1, **learnt)
        ids, counts = fitted._numbers(texts)
        if not ids.size:
            raise InputError(
                "There is no word in these texts.",
                where=f"{type(self).__name__}.fit",
                expected="at least one token",
                received=f"{len(texts)} texts without any",
                help="Look whether this is the right column.",
            )
        needed = int(np.quantile(counts, _COVERED, method="inverted_cdf"))
        length = min(max(needed, 1), self.max_length)
        return replace(fitted, length=length, unknown=float((ids == UNKNOWN).mean()))

    def _rows(self, ids: NDArray[np.int32], counts: NDArray[np.int64]) -> NDArray[np.int32]:
        """Rows of one length from the tokens of all texts after one another."""
        out = np.zeros((len(counts), self.length), np.int32)
        row = np.repeat(np.arange(len(counts)), counts)
        place = np.arange(len(ids)) - np.repeat(np.cumsum(counts) - counts, counts)
        kept = place < self.length
        out[row[kept], place[kept]] = ids[kept]
        return out

    def _check(self, name: str, rule: Number) -> None:
        if not rule.accepts(getattr(self, name)):
            raise InputError(
                f"The {name} of {type(self).__name__} must be {rule}.",
                where=type(self).__name__, expected=rule, received=repr(getattr(self, name)),
            )  # fmt: skip


@dataclass(frozen=True)
class Words(Tokenizer):
    """Words and punctuation marks, the most frequent first; for Korean a word is an eojeol.

    Args:
        min_count: A token that occurs less often in the training rows is unknown.
        punctuation: Whether punctuation marks are tokens; else they are left out.
        ngrams: Cut each word into its overlapping pieces of so many characters, 0 for none: 재미있다 with 2 is
            재미 ##미있 ##있다. Korean words carry their endings, so whole ones are often new; their pieces are not
            (Bojanowski et al., "Enriching Word Vectors with Subword Information", 2017).

    >>> words = Words(min_count=1).fit(["a good film", "a bad film!"])
    >>> words.vocabulary, words.transform(["A film, unseen"]).tolist()
    (('a', 'film', '!', 'bad', 'good'), [[2, 3, 1, 1]])
    >>> Words(min_count=1, ngrams=2).fit(["재미있다"]).vocabulary
    ('##미있', '##있다', '재미')
    """

    kind: ClassVar[str] = "words"
    min_count: int = 2
    punctuation: bool = True
    ngrams: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("min_count", COUNT)
        self._check("ngrams", Number(0, integer=True))

    def fit(self, texts: Any) -> Self:
        written = [self.normalization(text) for text in as_texts(texts)]
        words = Counter(chain.from_iterable(map(self._split, written)))
        counts: Counter[str] = Counter()
        for word, rows in words.items():
            for piece in self._pieces(word):
                counts[piece] += rows
        # With a word in one row each (few rows), a minimum of two would leave nothing to learn.
        least = self.min_count if any(c >= self.min_count for c in counts.values()) else 1
        return self._settled(_ranked(counts, self.max_tokens - 2, least), written)

    def _numbers(self, texts: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        found: list[int] = []
        counts = []
        known, lookup = self._lookup, self._word_numbers
        for text in texts:
            before = len(found)
            for word in self._split(text):
                numbers = known.get(word)
                found += lookup(word) if numbers is None else numbers
            counts.append(len(found) - before)
        return np.array(found, np.int32), np.array(counts, np.int64)

    @cached_property
    def _lookup(self) -> dict[str, tuple[int, ...]]:
        """Numbers of words already met."""
        return {}

    @cached_property
    def _places(self) -> dict[str, int]:
        return {token: i for i, token in enumerate(self.vocabulary, 2)}

    def _word_numbers(self, word: str) -> tuple[int, ...]:
        numbers = tuple(self._places.get(piece, UNKNOWN) for piece in self._pieces(word))
        if len(self._lookup) < _CACHED:
            self._lookup[word] = numbers
        return numbers

    def _split(self, text: str) -> list[str]:
        return _patterns()[self.punctuation].findall(text)

    def _pieces(self, word: str) -> Sequence[str]:
        n = self.ngrams
        if not n or len(word) <= n:
            return (word,)
        return [word[:n], *(MARK + word[i : i + n] for i in range(1, len(word) - n + 1))]

    def _join(self, tokens: list[str]) -> str:
        """Words with a space between them; of overlapping pieces each adds what the one before lacked."""
        words: list[str] = []
        for token in tokens:
            if self.ngrams and token.startswith(MARK) and len(token) > len(MARK) and words:
                words[-1] += token[-1]
            else:
                words.append(token)
        return " ".join(words)


@dataclass(frozen=True)
class Characters(Tokenizer):
    """Characters, the most frequent first; spaces are characters too.

    Args:
        min_count: A character that occurs less often in the training rows is unknown.

    >>> letters = Characters().fit(["abba", "ab"])
    >>> letters.transform(["bad"]).tolist(), letters.inverse([[3, 2, 3]])
    ([[3, 2, 1, 0]], ['bab'])
    """

    kind: ClassVar[str] = "characters"
    min_count: int = 1

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("min_count", COUNT)

    def fit(self, texts: Any) -> Self:
        written = [self.normalization(text) for text in as_texts(texts)]
        codes, counts = np.unique(_codes(written)[0], return_counts=True)
        found = Counter({chr(code): int(n) for code, n in zip(codes, counts, strict=True)})
        return self._settled(_ranked(found, self.max_tokens - 2, self.min_count), written)

    def _numbers(self, texts: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        codes, counts = _codes(texts)
        return self._table[codes], counts

    @cached_property
    def _table(self) -> NDArray[np.int32]:
        """The token number of every code point."""
        table = np.full(sys.maxunicode + 1, UNKNOWN, np.int32)
        table[[ord(c) for c in self.vocabulary]] = np.arange(2, self.size)
        return table


def tokenizer_from_dict(state: Mapping[str, Any]) -> Tokenizer:
    """Any tokeniser from its `to_dict`.

    >>> tokenizer_from_dict(Characters().fit(["ab"]).to_dict()).vocabulary
    ('a', 'b')
    """
    from jindan.data.tokens_subwords import Subwords

    kinds: dict[str, type[Tokenizer]] = {kind.__name__: kind for kind in (Words, Characters, Subwords)}
    if state.get("type") not in kinds:
        raise UnknownNameError("tokenizer", state.get("type"), sorted(kinds))
    return kinds[state["type"]].from_dict(state)


def _ranked(counts: Mapping[str, int], size: int, least: int) -> list[str]:
    """The most frequent tokens, of equal ones the first in order."""
    ranked = sorted(((-n, token) for token, n in counts.items() if n >= least))
    return [token for _, token in ranked[:size]]


def _codes(texts: list[str]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Code points of all texts in one array, and how many each text has."""
    # A lone surrogate, as broken files hold, is a code point like any other here.
    whole = "".join(texts).encode("utf-32-le", "surrogatepass")
    return np.frombuffer(whole, np.uint32), np.array([len(text) for text in texts], np.int64)


@lru_cache(maxsize=1)
def _patterns() -> dict[bool, re.Pattern[str]]:
    """What a word is, with and without punctuation marks.

    Python's \\w lacks the combining marks that Hindi, Thai or Arabic write vowels with.
    """
    marks = [i for i in range(0x300, 0x20000) if unicodedata.category(chr(i))[0] == "M"]
    starts = [a for a, before in zip(marks, [-1, *marks[:-1]], strict=True) if a != before + 1]
    ends = [a for a, after in zip(marks, [*marks[1:], -1], strict=True) if a + 1 != after]
    inside = "".join(f"{re.escape(chr(a))}-{re.escape(chr(b))}" for a, b in zip(starts, ends, strict=True))
    word = rf"[\w{inside}]+"
    return {True: re.compile(rf"{word}|[^\w\s{inside}]"), False: re.compile(word)}
