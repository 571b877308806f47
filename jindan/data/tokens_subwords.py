"""Pieces of words, trained on the training rows with Hugging Face `tokenizers`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from jindan.data.text import as_texts
from jindan.data.tokens import Tokenizer
from jindan.errors import InputError
from jindan.rules import COUNT

_PADDING, _UNKNOWN = "[PAD]", "[UNK]"


@dataclass(frozen=True)
class Subwords(Tokenizer):
    """Frequent words whole, rare ones in pieces; "▁" stands for the space before a word.

    Args:
        max_tokens: Size of the vocabulary, padding and unknown included.
        min_count: A pair of pieces that occurs less often in the training rows is not joined.

    The most frequent pair of neighbouring pieces becomes one piece, again and again, starting from characters.
    Half of the vocabulary at most is single characters; rarer ones are unknown.

    Raises:
        InputError: the optional package `tokenizers` is not installed (on `fit` and `transform`).

    Source: Sennrich, Haddow, Birch, "Neural Machine Translation of Rare Words with Subword Units" (2016).
    """

    kind: ClassVar[str] = "subwords"
    max_tokens: int = 8_000
    min_count: int = 2
    state: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check("min_count", COUNT)

    def fit(self, texts: Any) -> Self:
        """Train the pieces.

        Raises:
            InputError: not one character in all the texts.
        """
        written = [self.normalization(text) for text in as_texts(texts)]
        library = _library()
        made = library.Tokenizer(library.models.BPE(unk_token=_UNKNOWN, fuse_unk=False))
        trainer = library.trainers.BpeTrainer(
            vocab_size=self.max_tokens,
            min_frequency=self.min_count,
            limit_alphabet=max(1, self.max_tokens // 2),
            special_tokens=[_PADDING, _UNKNOWN],
            show_progress=False,
        )
        made.pre_tokenizer = library.pre_tokenizers.Metaspace()
        made.decoder = library.decoders.Metaspace()
        made.train_from_iterator(written, trainer)
        pieces = [made.id_to_token(i) for i in range(2, made.get_vocab_size())]
        state = json.dumps(json.loads(made.to_str()), ensure_ascii=False)
        return self._settled(pieces, written, state=state)

    def _numbers(self, texts: list[str]) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
        found = [encoding.ids for encoding in self._trained.encode_batch_fast(texts, add_special_tokens=False)]
        counts = np.array([len(ids) for ids in found], np.int64)
        return np.array([i for ids in found for i in ids], np.int32), counts

    @cached_property
    def _trained(self) -> Any:
        return _library().Tokenizer.from_str(self.state)

    def _join(self, tokens: list[str]) -> str:
        return "".join(tokens).replace("▁", " ").strip()

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold; `state` is what `tokenizers` calls a tokenizer.json."""
        return super().to_dict() | {"state": json.loads(self.state) if self.state else None}

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Self:
        """The tokeniser whose `to_dict` gave this state."""
        inner = state["state"]
        return super().from_dict({**state, "state": json.dumps(inner, ensure_ascii=False) if inner else ""})


def _library() -> Any:
    try:
        import tokenizers
        import tokenizers.decoders
        import tokenizers.models
        import tokenizers.pre_tokenizers
        import tokenizers.trainers
    except ImportError:
        raise InputError(
            "Trained pieces of words need the package tokenizers.",
            where="Subwords",
            expected="tokenizers, an optional dependency",
            received="not installed",
            help='pip install "jindan[text]", or take "words" or "characters".',
        ) from None
    return tokenizers
