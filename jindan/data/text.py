"""Text before it is cut into tokens: normalisation, and when a column of strings is free text."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from jindan.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    import polars

FORMS = ("NFC", "NFKC", "none")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Normalization:
    """How text is written before it is cut into tokens.

    Args:
        form: Unicode form: "NFC" joins letters and marks (ㅎㅏㄴ → 한), "NFKC" also folds wide and compatible
            forms (Ａ → A, ① → 1), "none" leaves them.
        lower: Whether capitals become small letters.
        spaces: Whether a run of white space becomes one space, and none stays at the ends.

    Raises:
        UnknownNameError: a form of no such name.

    Source: Unicode Standard Annex 15.

    >>> Normalization("NFKC")(" Ａ  Good\\tFilm ")
    'a good film'
    """

    form: str = "NFC"
    lower: bool = True
    spaces: bool = True

    def __post_init__(self) -> None:
        if self.form not in FORMS:
            raise UnknownNameError("Unicode form", self.form, FORMS)

    def __call__(self, text: str) -> str:
        if self.form != "none":
            text = unicodedata.normalize(self.form, text)  # type: ignore[arg-type]
        if self.lower:
            text = text.lower()
        return _SPACES.sub(" ", text).strip() if self.spaces else text

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, state: Mapping[str, Any]) -> Normalization:
        """The normalisation whose `to_dict` gave this state."""
        return cls(**state)


def as_texts(values: Any) -> list[str]:
    """A list of strings from a Polars or pandas column, an array or a list; what is missing is "".

    Raises:
        InputError: one string instead of many, or something that is no column of values.

    >>> as_texts(["good", None, 3])
    ['good', '', '3']
    """
    if isinstance(values, str):
        raise InputError(
            "One text was given where a column of texts is needed.",
            expected="a list of strings",
            received=repr(values[:60]),
            help="Put it into a list: [text].",
        )
    if hasattr(values, "to_list"):
        values = values.to_list()
    elif hasattr(values, "tolist"):
        values = values.tolist()
    if not isinstance(values, Iterable):
        raise InputError("Texts are a list of strings.", expected="a list of strings", received=type(values).__name__)
    return [v if isinstance(v, str) else "" if v is None or v != v else str(v) for v in values]


def is_text(series: polars.Series) -> bool:
    """Whether a column of strings is free text rather than names of categories.

    More than half of its values (and more than 20) differ, and the first thousand are on average
    - four words long or longer, or
    - 40 characters or longer, if they have spaces or are of a script that needs none (a hash is no text), or
    - three words long, twenty of which occur in several rows: a vocabulary, where identifiers have none.

    >>> import polars as pl
    >>> is_text(pl.Series([f"film number {i} was good" for i in range(30)])), is_text(pl.Series(["good", "bad"] * 30))
    (True, False)
    """
    present = series.drop_nulls()
    n = present.len()
    if n == 0 or present.n_unique() <= max(20, n // 2):
        return False
    sample = present.head(1000).to_list()
    words = [text.split() for text in sample]
    mean_words = sum(map(len, words)) / len(sample)
    if mean_words >= 4:
        return True
    characters = sum(map(len, sample))
    if characters >= 40 * len(sample):
        foreign = sum(not text.isascii() for text in sample)
        return mean_words >= 2 or foreign > len(sample) // 2
    if mean_words < 3:
        return False
    rows = Counter(word.lower() for row in words for word in set(row) if not word.isdigit())
    return sum(count > 1 for count in rows.values()) >= 20
