"""Lookups: the number of each integer or string in a vocabulary, and back."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any, NoReturn, Self

import jax.numpy as jnp
import numpy as np

from ..errors import InputError
from ..spec import Choice, Number, item
from .adapting import batches_of
from .base import Array, Context, Shape
from .categories import NO, as_whole, encoded, need_whole
from .fingerprints import hashed, salt_of
from .strings import OfStrings, strings, token_of
from .vocabulary import OUTPUTS, Vocabulary

LEAST, MOST = -(2**31), 2**31 - 1
FEW = 256  # tokens up to which comparing with all is faster than searching


class Lookup(Vocabulary, abstract=True):
    """Base of what IntegerLookup and StringLookup share: tokens in rows, each row a document."""

    takes_integers = True

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        return self.weighed(encoded(x, self._mode, 0 if self.output_mode == "int" else self.depth))

    def _refuse_unknown(self, token: Any) -> NoReturn:
        kind = type(self).__name__
        raise InputError(
            "A token is not in the vocabulary.", where=self.name or kind,
            expected=f"one of {len(self.known())} tokens, since num_oov_indices=0", received=repr(token),
            help="num_oov_indices=1 gives unknown tokens a number.",
        )  # fmt: skip


class IntegerLookup(Lookup):
    """Integers of any size as numbers 0, 1, 2, … of a vocabulary, within the compiled program.

    Numbers are those of Keras: [0 the mask,] unknown ones, then the most frequent first. Outside a model it gives
    integers; within one, numbers that `Embedding` and `CategoryEncoding` read.

    Args:
        max_tokens: Most numbers there may be, special ones included.
        num_oov_indices: Numbers for unknown integers, which share them by x mod num_oov_indices; with 0 they are
            refused when the layer is called, and are −1 in a model.
        mask_token: An integer with number 0 ("int"), or without a trace (other outputs); None is none.
        oov_token: What an inverted lookup gives for unknown ones.
        vocabulary: Integers in the order of their numbers, or the path of a file of one a line; or use `adapt`.
        vocabulary_dtype: Taken for Keras's sake.
        idf_weights: For "tf_idf", the weight of each.
        invert: Whether numbers become integers again.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf" (counts times idf).
        sparse: Taken for Keras's sake.
        pad_to_max_tokens: Whether vectors are as long as max_tokens, however many there are.

    Raises:
        InputError: when settings or vocabulary do not fit, or integers need more than 32 bits.
        StateError: when it is used without a vocabulary.

    >>> layer = IntegerLookup().adapt([[12, 1138, 42], [42, 1000, 36]])
    >>> layer.get_vocabulary(), layer([[12, 7, 42]]).tolist()
    ([-1, 42, 1138, 1000, 36, 12], [[5, 0, 1]])
    >>> IntegerLookup(vocabulary=[12, 36], output_mode="count")([[12, 12, 7]]).tolist()
    [[1.0, 2.0, 0.0]]

    Source: Keras 3, IntegerLookup.
    """

    max_tokens: int | None = item(default=None, rule=Number(2, integer=True))
    num_oov_indices: int = item(default=1, rule=Number(0, integer=True))
    mask_token: int | None = item(default=None, rule=Number(LEAST, MOST, integer=True))
    oov_token: int = item(default=-1, rule=Number(LEAST, MOST, integer=True))
    vocabulary: Any = item(default=None)
    vocabulary_dtype: str = item(default="int64", rule=Choice(("int64",)), host=True)
    idf_weights: Any = item(default=None)
    invert: bool = item(default=False)
    output_mode: str = item(default="int", rule=Choice(OUTPUTS))
    sparse: bool = item(default=False, rule=NO, host=True)
    pad_to_max_tokens: bool = item(default=False)

    def adapt(self, data: Any, steps: int | None = None) -> Self:
        """Learn the vocabulary from whole numbers (rows, …), or an iterator of such batches; a row is a document."""

        def documents() -> Any:
            for batch in batches_of(data, steps):
                rows = need_whole(batch, "adapt of IntegerLookup")
                yield from rows.reshape(len(rows), -1).tolist() if rows.size else ()

        return self._counted(documents())

    def apply(self, w: dict[str, Array], x: Array, ctx: Context) -> Array:
        x = x if jnp.issubdtype(x.dtype, jnp.integer) else x.astype(jnp.int32)
        if self.invert:
            table = jnp.asarray((*self.special, *self.known()), jnp.int32)
            return jnp.where((x >= 0) & (x < len(table)), table[jnp.clip(x, 0, len(table) - 1)], self.oov_token)
        return super().apply(w, self.numbers(x), ctx)

    def numbers(self, x: Array) -> Array:
        """The number of each integer; −1 for what leaves no trace."""
        tokens = np.asarray(self.known(), np.int64)
        order = np.argsort(tokens)
        keys, places = jnp.asarray(tokens[order], jnp.int32), jnp.asarray(order + self.first, jnp.int32)
        at = jnp.searchsorted(keys, x, method="compare_all" if len(tokens) <= FEW else "scan")
        at = jnp.clip(at, 0, len(tokens) - 1)
        unknown = x % self.num_oov_indices + self.first_unknown if self.num_oov_indices else -1
        found = jnp.where(keys[at] == x, places[at], unknown)
        if self.mask_token is None:
            return found
        return jnp.where(x == self.mask_token, 0 if self.output_mode == "int" else -1, found)

    def of(self, values: Any) -> np.ndarray:
        """What the layer makes of an array or list of integers."""
        given = need_whole(values, "IntegerLookup")
        x = np.clip(given, LEAST, MOST).astype(np.int32)
        if not self.num_oov_indices and not self.invert:
            unknown = given[~np.isin(given, [*self.known(), *([] if self.mask_token is None else [self.mask_token])])]
            if unknown.size:
                self._refuse_unknown(int(unknown[0]))
        return as_whole(self.computed(x), self.output_mode)

    def _tokens(self, given: Any) -> tuple[int, ...]:
        found = np.asarray(given)
        with suppress(ValueError, OverflowError):
            found = found.astype(np.int64) if found.dtype.kind in "US" else found  # the lines of a file
        good = found.ndim == 1 and found.dtype.kind in "iuf" and np.array_equal(found, np.floor(found))
        if not good or (found.size and (found.min() <= LEAST or found.max() >= MOST)):
            raise InputError(
                "The vocabulary of IntegerLookup is of integers of 32 bits.", where="vocabulary of IntegerLookup",
                expected=f"integers {LEAST + 1} … {MOST - 1}", received=repr(given)[:80],
                help="StringLookup numbers longer ones, as strings.",
            )  # fmt: skip
        return tuple(found.astype(np.int64).tolist())

    @property
    def moves(self) -> bool:  # type: ignore[override]
        """Whether what it gives can be told from its inputs, so that the table of an Embedding after it is checked."""
        return self.output_mode == "int" and self.vocabulary is not None and not self.invert


class StringLookup(OfStrings, Lookup):
    """Strings as numbers 0, 1, 2, … of a vocabulary: [0 the mask,] unknown ones, then the most frequent first.

    Strings are compared in Unicode's form NFC, so that 한글 typed on any system is the same. In a model it stands
    first: the model takes strings, and makes numbers of them before the compiled program sees them.

    Args:
        max_tokens: Most numbers there may be, special ones included.
        num_oov_indices: Numbers for unknown strings, which share them by their fingerprint; with 0 they are refused.
        mask_token: A string with number 0 ("int"), or without a trace (other outputs); None is none.
        oov_token: What an inverted lookup gives for unknown ones.
        vocabulary: Strings in the order of their numbers, or the path of a file of one a line; or use `adapt`.
        idf_weights: For "tf_idf", the weight of each.
        invert: Whether numbers become strings again; such a layer is called on what a model gave.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf" (counts times idf).
        pad_to_max_tokens: Whether vectors are as long as max_tokens, however many there are.
        sparse, encoding: Taken for Keras's sake.
        salt: One or two integers that change where unknown strings go.

    Raises:
        InputError: when settings or vocabulary do not fit.
        StateError: when it is used without a vocabulary.

    >>> layer = StringLookup().adapt(["가", "나", "나", "다"])
    >>> layer.get_vocabulary(), layer([["나", "라"]]).tolist()
    (['[UNK]', '나', '다', '가'], [[1, 0]])
    >>> StringLookup(vocabulary=layer.get_vocabulary(), invert=True)([1, 0]).tolist()
    ['나', '[UNK]']

    Source: Keras 3, StringLookup.
    """

    max_tokens: int | None = item(default=None, rule=Number(2, integer=True))
    num_oov_indices: int = item(default=1, rule=Number(0, integer=True))
    mask_token: str | None = item(default=None)
    oov_token: str = item(default="[UNK]")
    vocabulary: Any = item(default=None)
    idf_weights: Any = item(default=None)
    invert: bool = item(default=False)
    output_mode: str = item(default="int", rule=Choice(OUTPUTS))
    pad_to_max_tokens: bool = item(default=False)
    sparse: bool = item(default=False, rule=NO, host=True)
    encoding: str = item(default="utf-8", rule=Choice(("utf-8",)), host=True)
    salt: Any = item(default=None, host=True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "salt", salt_of(self.salt, "StringLookup"))
        for name in ("mask_token", "oov_token"):
            object.__setattr__(self, name, token_of(getattr(self, name), name, "StringLookup"))
        super().__post_init__()

    def adapt(self, data: Any, steps: int | None = None) -> Self:
        """Learn the vocabulary from strings (rows, …), or an iterator of such batches; a row is a document."""

        def documents() -> Any:
            for batch in batches_of(data, steps):
                texts, shape = strings(batch, "adapt of StringLookup")
                width = max(len(texts) // max(shape[0], 1), 1)
                yield from (texts[start : start + width] for start in range(0, len(texts), width))

        return self._counted(documents())

    def read(self, values: Any) -> np.ndarray:
        """The number of each string."""
        texts, shape = strings(values, "StringLookup")
        places = self._places
        found = [places[text] if text in places else self._unknown(text) for text in texts]
        return np.array(found, np.int32).reshape(shape)

    def of(self, values: Any) -> np.ndarray:
        """What the layer makes of strings; inverted, of numbers."""
        if not self.invert:
            ids = self.read(values)
            return ids if self.output_mode == "int" else self.computed(ids)
        names = np.array([*self.special, *self.known()], object)
        ids = need_whole(values, "StringLookup")
        inside = (ids >= 0) & (ids < len(names))
        return np.where(inside, names[np.clip(ids, 0, len(names) - 1)], self.oov_token)

    def output_shape(self, shape: Shape) -> Shape:
        if self.invert:
            raise InputError(
                "An inverted StringLookup gives strings, which no model does.", where=self.name or "StringLookup",
                expected="a layer that gives numbers", received="StringLookup(…, invert=True)",
                help="Call it on what the model gave: layer(model.predict(x).argmax(1)).",
            )  # fmt: skip
        return super().output_shape(shape)

    @property
    def input_dim_of_ids(self) -> int | None:
        """The number that numbers must stay below; the last one of vectors is the mask's, which leaves no trace."""
        if self.vocabulary is None:
            return None
        return self.depth + (self.output_mode != "int" and self.mask_token is not None)

    @property
    def moves(self) -> bool:  # type: ignore[override]
        """Whether it passes numbers on as they are."""
        return self.output_mode == "int"

    @cached_property
    def _places(self) -> dict[str, int]:
        found = {token: number for number, token in enumerate(self.known(), self.first)}
        if self.mask_token is not None:
            found[self.mask_token] = 0 if self.output_mode == "int" else self.depth
        return found

    def _unknown(self, text: str) -> int:
        """The number of a string that is not in the vocabulary."""
        if not self.num_oov_indices:
            self._refuse_unknown(text)
        return self.first_unknown + (hashed(text, self.salt) % self.num_oov_indices if self.num_oov_indices > 1 else 0)

    def _tokens(self, given: Any) -> tuple[str, ...]:
        return tuple(strings(given, "vocabulary of StringLookup")[0])
