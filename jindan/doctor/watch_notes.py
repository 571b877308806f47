"""What a watched loop is told of besides findings, as the key of a sentence and the values in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from .words import LANGUAGES, sentence

LONGEST = 200  # letters of another library's message that are quoted


@dataclass(frozen=True)
class Note:
    """One sentence in either language.

    Attributes:
        key: Of the sentence, among the messages of `note`.
        values: What stands in it.

    >>> print(Note("no-layer", {"name": "Own"}))
    Own has no counterpart among the layers.
    >>> Note("no-layer", {"name": "Own"}).words("ko")
    '층으로 옮길 수 없습니다: Own.'
    """

    key: str
    values: dict[str, Any] = field(default_factory=dict)

    def words(self, lang: str = "en") -> str:
        """The sentence, in a language."""
        return sentence(f"note.{self.key}", lang, **self.values)

    def __str__(self) -> str:
        return self.words()

    def to_dict(self) -> dict[str, Any]:
        """JSON form: the key, and the sentence in both languages."""
        return {"code": self.key, "text": {lang: self.words(lang) for lang in LANGUAGES}}


def quiet(hook: Callable[..., None]) -> Callable[..., None]:
    """A method that never raises into the user's loop: what goes wrong is noted once, in `notes` of its object."""

    @wraps(hook)
    def guarded(self: Any, *args: Any, **kwargs: Any) -> None:
        try:
            hook(self, *args, **kwargs)
        except Exception as error:
            if not any(note.key == "hook-failed" for note in self.notes):
                self.notes.append(Note("hook-failed", {"said": said(error)}))

    return guarded


def said(error: BaseException) -> str:
    """The first line of another library's message, or the name of an error that has none.

    >>> said(ValueError("no\\nmore")), said(AssertionError())
    ('no', 'AssertionError')
    """
    return (str(error).splitlines() or [""])[0].strip()[:LONGEST].rstrip(".") or type(error).__name__
