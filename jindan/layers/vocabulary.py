"""Vocabularies: which number each token has, learnt from data or given, in Keras's order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from ..errors import FileError, InputError, StateError
from .adapting import Adapting
from .base import Shape
from .categories import shape_encoded

SHOWN = 10  # tokens up to which a layer is written out whole
OUTPUTS = ("int", "one_hot", "multi_hot", "count", "tf_idf")


class Vocabulary(Adapting, abstract=True):
    """Base of layers that number tokens: [mask,] unknown ones, then the vocabulary, the most frequent first.

    Of tokens that occur equally often the greater comes first, as in Keras. The mask has number 0 where the output is
    numbers ("int"), and leaves no trace in other outputs.
    """

    learns = ("vocabulary", "idf_weights")

    if TYPE_CHECKING:  # settings, which subclasses have in Keras's order

        def __getattr__(self, name: str) -> Any: ...

    def __post_init__(self) -> None:
        super().__post_init__()
        special = f"more than {self.first}, which special tokens take"
        self._check("max_tokens", self.max_tokens is None or self.max_tokens > self.first, special)
        self._check("pad_to_max_tokens", not self.pad_to_max_tokens or self.max_tokens is not None, "max_tokens, too")
        self._check("invert", not self.invert or self.output_mode == "int", 'output_mode="int"')
        weighs = self.output_mode == "tf_idf"
        self._check("idf_weights", self.idf_weights is None or weighs, 'idf_weights with output_mode="tf_idf" alone')
        if self.vocabulary is not None:
            self._take(self.vocabulary, self.idf_weights)

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Put a vocabulary in the place of the present one.

        Args:
            vocabulary: Tokens in the order of their numbers, with or without the special ones before them; or the path
                of a file of one token a line.
            idf_weights: For "tf_idf", a weight for each of these.

        Raises:
            InputError: when tokens stand twice, or are too many, or weights are missing or do not fit.
        """
        self._take(vocabulary, idf_weights)
        self._learn()

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The tokens in the order of their numbers."""
        found = list(self.vocabulary or ())
        if not include_special_tokens:
            return found
        return [*self.special, *found]

    def vocabulary_size(self) -> int:
        """How many numbers there are, the special ones included: `input_dim` of an `Embedding`."""
        return self.first + len(self.vocabulary or ())

    def __repr__(self) -> str:
        text = super().__repr__()
        for value in self.learnt.values():
            if len(value or ()) > SHOWN:
                some = ", ".join(map(repr, value[:3]))
                text = text.replace(repr(value), f"({some}, … {len(value):,} in all)")
        return text

    @property
    def special(self) -> tuple[Any, ...]:
        """The special tokens, which have the first numbers."""
        return (*[self.mask_token] * self.first_unknown, *[self.oov_token] * self.num_oov_indices)

    @property
    def first_unknown(self) -> int:
        """The first number of unknown tokens."""
        return int(self.mask_token is not None and self.output_mode == "int")

    @property
    def first(self) -> int:
        """The first number of tokens that are known."""
        return self.first_unknown + self.num_oov_indices

    @property
    def depth(self) -> int:
        """Length of the vectors in which tokens are encoded."""
        return int(self.max_tokens) if self.pad_to_max_tokens else self.first + len(self.known())

    def known(self) -> tuple[Any, ...]:
        """The vocabulary.

        Raises:
            StateError: when there is none yet.
        """
        if self.vocabulary is None:
            kind = type(self).__name__
            raise StateError(
                f"{kind} has no vocabulary yet.", where=self.name or kind,
                expected="adapt, set_vocabulary or vocabulary= before it is used", help="layer.adapt(rows_of_training)",
            )  # fmt: skip
        return self.vocabulary

    def output_shape(self, shape: Shape) -> Shape:
        return shape if self.output_mode == "int" else shape_encoded(shape, self._mode, self.depth)

    @property
    def _mode(self) -> str:
        return "count" if self.output_mode == "tf_idf" else self.output_mode

    @property
    def streams(self) -> bool:
        return self.output_mode == "int"

    def weighed(self, counts: Any) -> Any:
        """Counts times how rare each token is, for "tf_idf"."""
        if self.output_mode != "tf_idf":
            return counts
        idf = np.asarray(self.idf_weights, np.float32)
        return counts * np.pad(idf, (0, self.depth - len(idf)))

    # -- learning ------------------------------------------------------------------------------------------------------

    def _counted(self, documents: Iterable[Iterable[Any]]) -> Self:
        """Learn from documents of tokens: the most frequent tokens and how rare each is among the documents.

        idf = ln(1 + documents / (1 + documents with the token)); unknown tokens have the mean of all.
        """
        counts: Counter[Any] = Counter()
        within: Counter[Any] = Counter()
        number = 0
        for tokens in documents:
            found = Counter(tokens)
            counts.update(found)
            within.update(found.keys())
            number += 1
        for special in (self.mask_token, self.oov_token):
            counts.pop(special, None)
        if not counts:
            kind = type(self).__name__
            raise InputError(
                "There is nothing to learn a vocabulary from.", where=f"adapt of {kind}",
                expected="at least one token", received=f"{number} rows without any",
                help="Look whether these are the right rows.",
            )  # fmt: skip
        tokens = sorted(counts, reverse=True)
        tokens.sort(key=lambda token: -counts[token])
        kept = self._tokens(tokens[: None if self.max_tokens is None else self.max_tokens - self.first])
        if self.output_mode != "tf_idf":
            return self._learn(vocabulary=kept)
        idf = np.log(1 + number / (1 + np.array([within[token] for token in kept], np.float64)))
        whole = np.pad(idf, (self.first, 0), constant_values=idf.mean())
        return self._learn(vocabulary=kept, idf_weights=tuple(whole.tolist()))

    def _take(self, vocabulary: Any, idf_weights: Any) -> None:
        """Settle a vocabulary that was given."""
        kind = type(self).__name__
        given = self._tokens(_lines(vocabulary, kind) if isinstance(vocabulary, (str, Path)) else vocabulary)
        special = self.special
        whole = len(given) >= len(special) and given[: self.first] == special
        tokens = given[self.first :] if whole else given
        twice = [token for token, count in Counter(tokens).items() if count > 1]
        lost = [t for t in (self.mask_token, self.oov_token if self.invert else None) if t is not None and t in tokens]
        room = None if self.max_tokens is None else self.max_tokens - self.first
        if not tokens or twice or lost or (room is not None and len(tokens) > room):
            raise InputError(
                "This is no vocabulary.", where=f"vocabulary of {kind}",
                expected="tokens that differ" + ("" if room is None else f", at most {room} of them")
                + (f"; special ones first of all, or not at all: {list(special)}" if special else ""),
                received="no tokens" if not tokens else f"{twice[0]!r} twice" if twice
                else f"{lost[0]!r} among the others" if lost else f"{len(tokens)} tokens",
                help="Give each token once, the most frequent first.",
            )  # fmt: skip
        object.__setattr__(self, "vocabulary", tokens)
        if self.output_mode == "tf_idf":
            object.__setattr__(self, "idf_weights", self._weights_of(idf_weights, tokens))

    def _weights_of(self, given: Any, tokens: tuple[Any, ...]) -> tuple[float, ...]:
        """A weight for each number; unknown tokens have the mean where none was given for them."""
        try:
            idf = np.asarray([] if given is None else given, np.float64)
        except (TypeError, ValueError):
            idf = np.zeros(0)
        if idf.ndim != 1 or len(idf) not in (len(tokens), self.first + len(tokens)) or not np.isfinite(idf).all():
            raise InputError(
                "Each token needs a weight.", where=f"idf_weights of {type(self).__name__}",
                expected=f"{len(tokens)} numbers", received="none" if given is None else f"shape {idf.shape}",
                help="adapt(data) learns vocabulary and weights.",
            )  # fmt: skip
        front = self.first + len(tokens) - len(idf)
        return tuple(np.pad(idf, (front, 0), constant_values=idf.mean()).tolist())

    def _tokens(self, given: Any) -> tuple[Any, ...]:
        """The tokens of an array or list."""
        raise NotImplementedError

    def _check(self, name: str, good: bool, expected: str) -> None:
        if not good:
            kind = type(self).__name__
            raise InputError(
                f"The settings of {kind} do not go together.", where=f"{name} of {kind}", expected=expected,
                received=f"{name}={getattr(self, name)!r}", help=f"Leave {name} out, or give {expected}.",
            )  # fmt: skip


def _lines(path: str | Path, kind: str) -> list[str]:
    """The lines of a file of tokens."""
    try:
        return Path(path).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise FileError(
            "The vocabulary cannot be read.", where=f"vocabulary of {kind}",
            expected="a file of one token a line, in UTF-8",
            received=f"{path}: {getattr(error, 'strerror', None) or error}",
            help="A list of tokens is a vocabulary, too.",
        ) from None  # fmt: skip
