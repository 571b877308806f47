"""TextVectorization: texts as rows of numbers of words, or as vectors of how often each word occurs."""

from __future__ import annotations

import string
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from ..errors import InputError, ShapeError, UnknownNameError
from ..spec import COUNT, Choice, Number, get, item, names
from .adapting import batches_of
from .base import Array, Context, Shape, real
from .categories import NO
from .strings import OfStrings, strings
from .vocabulary import Vocabulary

STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation")
SPLITS = ("whitespace", "character")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


class TextVectorization(OfStrings, Vocabulary):
    """Texts are standardised, split into tokens, joined to n-grams, and numbered: 0 padding, 1 unknown, 2, 3, ….

    Numbers are Keras's: the most frequent token first, of equal ones the greater. Other outputs have no padding:
    0 is unknown there. Texts are brought into Unicode's form NFC first; capitals of all scripts become small, and
    spaces of all scripts split (Keras's know those of ASCII alone).

    In a model it stands first: the model takes texts, and makes numbers of them before the compiled program sees them;
    give `output_sequence_length` there, so that all rows are of one length.

    Args:
        max_tokens: Most numbers there may be, special ones included.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function of an array of
            strings.
        split: "whitespace", "character", None (each string is a token), or a function that gives the tokens of each
            string of an array.
        ngrams: n for all runs of up to n tokens, or a tuple of lengths.
        output_mode: "int", "multi_hot", "count" or "tf_idf" (counts times idf).
        output_sequence_length: Length that rows of numbers are cut or filled up to.
        pad_to_max_tokens: Whether vectors are as long as max_tokens, however many there are.
        vocabulary: Tokens in the order of their numbers, or the path of a file of one a line; or use `adapt`.
        idf_weights: For "tf_idf", the weight of each.
        sparse, ragged, encoding: Taken for Keras's sake.

    Raises:
        InputError: when settings or vocabulary do not fit.
        StateError: when it is used without a vocabulary.

    >>> layer = TextVectorization(output_sequence_length=4).adapt(["foo bar", "bar baz", "baz bada boom"])
    >>> layer.get_vocabulary()
    ['', '[UNK]', 'baz', 'bar', 'foo', 'boom', 'bada']
    >>> layer(["Foo qux bar!", "qux baz"]).tolist()
    [[4, 1, 3, 0], [1, 2, 0, 0]]
    >>> TextVectorization(output_mode="count", vocabulary=["영화", "재미"])(["영화 영화 재미 극장"]).tolist()
    [[1.0, 2.0, 1.0]]

    Source: Keras 3, TextVectorization.
    """

    num_oov_indices: ClassVar[int] = 1
    mask_token: ClassVar[str] = ""
    oov_token: ClassVar[str] = "[UNK]"
    invert: ClassVar[bool] = False
    moves = True

    max_tokens: int | None = item(default=None, rule=Number(2, integer=True))
    standardize: Any = item(default=STANDARDS[0], host=True, optional=True)
    split: Any = item(default="whitespace", host=True, optional=True)
    ngrams: Any = item(default=None, host=True)
    output_mode: str = item(default="int", rule=Choice(("int", "multi_hot", "count", "tf_idf")))
    output_sequence_length: int | None = item(default=None, rule=COUNT)
    pad_to_max_tokens: bool = item(default=False)
    vocabulary: Any = item(default=None)
    idf_weights: Any = item(default=None)
    sparse: bool = item(default=False, rule=NO, host=True)
    ragged: bool = item(default=False, rule=NO, host=True)
    encoding: str = item(default="utf-8", rule=Choice(("utf-8",)), host=True)

    def __post_init__(self) -> None:
        for name, options in (("standardize", STANDARDS), ("split", SPLITS)):
            object.__setattr__(self, name, _function(name, getattr(self, name), options))
        widths = range(1, self.ngrams + 1) if COUNT.accepts(self.ngrams) else self.ngrams
        if self.ngrams is not None and not (
            isinstance(widths, (range, tuple, list)) and len(widths) and all(map(COUNT.accepts, widths))
        ):
            raise InputError(
                "n-grams are runs of so many tokens.", where="ngrams of TextVectorization",
                expected="2 for runs of one and two, (2, 3), …, or None", received=repr(self.ngrams),
                help="ngrams=2 adds pairs of neighbours to single tokens.",
            )  # fmt: skip
        super().__post_init__()
        whole = self.output_mode == "int" or self.output_sequence_length is None
        self._check("output_sequence_length", whole, 'output_mode="int"')

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> Self:
        """Learn the vocabulary from texts.

        Args:
            data: Texts (rows,) or (rows, 1), or an iterator of such batches.
            batch_size: Taken for Keras's sake.
            steps: How many batches to take.

        Raises:
            InputError: when there is not one token in them.

        >>> TextVectorization(ngrams=2).adapt(["아주 좋은 영화"]).get_vocabulary()[2:]
        ['좋은 영화', '좋은', '영화', '아주 좋은', '아주']
        """
        return self._counted(tokens for batch in batches_of(data, steps) for tokens in self.tokens(batch))

    def tokens(self, texts: Any) -> list[list[str]]:
        """The tokens of each text.

        >>> TextVectorization(split="character").tokens(["한 글!"]), TextVectorization(ngrams=(2,)).tokens(["a b c"])
        ([['한', ' ', '글']], [['a b', 'b c']])
        """
        found, shape = strings(texts, "TextVectorization")
        if self.split is not None and shape[1:] not in ((), (1,)):
            raise ShapeError(
                "A row is one text.", where="TextVectorization", expected="texts (rows,) or (rows, 1)",
                received=f"shape {shape}", help="split=None takes rows of tokens.",
            )  # fmt: skip
        rows = self._split(self._standard(found), shape)
        if self.ngrams is None:
            return rows
        widths = range(1, self.ngrams + 1) if isinstance(self.ngrams, int) else self.ngrams
        return [[" ".join(row[i : i + n]) for n in widths for i in range(len(row) - n + 1)] for row in rows]

    def read(self, values: Any) -> np.ndarray:
        """Numbers of tokens (rows, length), or vectors (rows, depth)."""
        places, rows = self._places, self.tokens(values)
        ids = [[places.get(token, self.first_unknown) for token in row] for row in rows]
        if self.output_mode != "int":
            return self._vectors(ids)
        width = self.output_sequence_length or max(map(len, ids), default=0)
        found = np.zeros((len(ids), width), np.int32)
        for numbers, row in zip(ids, found, strict=True):
            row[: len(numbers)] = numbers[:width]
        return found

    def of(self, values: Any) -> np.ndarray:
        """What the layer makes of texts."""
        found = self.read(values)
        alone = self.split is None and self.output_mode == "int" and self.output_sequence_length is None
        return found[:, 0] if alone and np.ndim(values) == 1 and self.ngrams is None else found

    def row_read(self, shape: Shape) -> Shape | None:
        if self.output_mode != "int":
            return (self.depth,) if self.pad_to_max_tokens or self.vocabulary is not None else None
        if self.output_sequence_length is not None:
            return (self.output_sequence_length,)
        return shape if self.split is None or shape != (1,) else None

    def output_shape(self, shape: Shape) -> Shape:
        if self.output_mode != "int":
            return (self.depth,)
        return shape if self.output_sequence_length is None else (self.output_sequence_length,)

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return real(x)

    def flops(self, shape: Shape) -> int:
        return 0

    @property
    def takes_integers(self) -> bool:  # type: ignore[override]
        """Whether it gives numbers of tokens rather than vectors."""
        return self.output_mode == "int"

    @property
    def input_dim_of_ids(self) -> int | None:
        """The number that numbers of tokens must stay below."""
        return self.vocabulary_size() if self.output_mode == "int" and self.vocabulary is not None else None

    @cached_property
    def _places(self) -> dict[str, int]:
        found = {token: number for number, token in enumerate(self.known(), self.first)}
        return {**found, self.mask_token: 0 if self.output_mode == "int" else self.depth}

    def _vectors(self, ids: list[list[int]]) -> np.ndarray:
        """Counts of each number in each row, in the form of the output."""
        depth = self.depth
        row = np.repeat(np.arange(len(ids)), [len(numbers) for numbers in ids])
        place = np.array([number for numbers in ids for number in numbers], np.int64)
        kept = place < depth
        counts = np.bincount(row[kept] * depth + place[kept], minlength=len(ids) * depth)
        counts = counts.reshape(len(ids), depth).astype(np.float32)
        return np.minimum(counts, 1) if self.output_mode == "multi_hot" else self.weighed(counts)

    def _standard(self, texts: list[str]) -> list[str]:
        how = self.standardize
        if callable(how):
            return [str(text) for text in np.asarray(how(np.array(texts, dtype=np.str_))).ravel()]
        if how in (STANDARDS[0], "lower"):
            texts = [text.lower() for text in texts]
        if how in (STANDARDS[0], "strip_punctuation"):
            texts = [text.translate(_PUNCTUATION) for text in texts]
        return texts

    def _split(self, texts: list[str], shape: tuple[int, ...]) -> list[list[str]]:
        if callable(self.split):
            given: Any = self.split(np.array(texts, dtype=np.str_))
            found = [[str(token) for token in tokens] for tokens in given]
            if len(found) != len(texts):
                raise InputError(
                    "The function that splits must give the tokens of each text.", where="split of TextVectorization",
                    expected=f"{len(texts)} lists of strings", received=f"{len(found)} of them",
                    help="split=lambda texts: [text.split('|') for text in texts]",
                )  # fmt: skip
            return found
        if self.split is None:
            width = max(len(texts) // max(shape[0], 1), 1)
            return [texts[start : start + width] for start in range(0, len(texts), width)]
        return [text.split() if self.split == "whitespace" else list(text) for text in texts]

    def _tokens(self, given: Any) -> tuple[str, ...]:
        return tuple(strings(given, "vocabulary of TextVectorization")[0])


def _function(name: str, given: Any, options: tuple[str, ...]) -> Any:
    """A way to standardise or split: one of the options, None, or a function, which may go by a registered name."""
    if given is None or callable(given) or (isinstance(given, str) and given in options):
        return given
    if isinstance(given, str) and given in names("activation"):
        return get("activation", given)
    kind = name if name == "split" else "standardization"
    raise UnknownNameError(kind, given, options, where=f"{name} of TextVectorization")
