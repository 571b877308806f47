"""Word vectors of a text file or a column of a table: the corpus read, trained on, and what the report shows."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data import infer_columns, present_rows, read_table, resolve_column
from ..data.delimited import decode
from ..engine.pace import Progress
from ..errors import FileError, InputError
from .others_settings import Asked
from .others_train import Fitted

TABLES = (".csv", ".tsv", ".parquet")
WORDS = 5_000_000
"""Words read in all epochs together at least: 5 epochs of a million."""
KNOWN = 200
"""Words a vocabulary should have at least; rarer ones are let in until it has."""
ANALOGIES = (
    ("man", "woman", "king"), ("man", "woman", "boy"), ("he", "she", "his"), ("good", "better", "bad"),
    ("france", "paris", "italy"), ("남자", "여자", "아들"), ("남자", "여자", "형"), ("남자", "여자", "남배우"),
    ("한국", "서울", "일본"), ("감독", "영화", "작가"),
)  # fmt: skip
"""a, b, c: what is to c as b is to a. Those whose words are frequent are shown."""
OFTEN = 50
"""Times a word must occur for an analogy with it to be shown: rarer words have hardly moved from their start."""


@dataclass(frozen=True)
class Corpus:
    """Texts to learn words from.

    Attributes:
        name, path: Of the file.
        texts: One a line, or a row.
        column: Of a table.
    """

    name: str
    path: str
    texts: list[str]
    column: str | None = None


def read_texts(source: str | Path, target: str | int | None, header: bool | None) -> Corpus:
    """The texts of a file of lines, or of a table's column.

    Args:
        source: A text file, a sentence a line; or a table.
        target: The column of text; the one there is unless given.
        header: Whether a table has a line of names.

    Raises:
        FileError, InputError: where there is no text.
    """
    path = Path(source)
    if target is None and path.suffix.lower() not in TABLES:
        return Corpus(path.stem, str(source), _lines(path))
    table = read_table(source, header=header)
    if target is not None:
        name = resolve_column(table, target)
    else:
        found = [c.name for c in infer_columns(table.frame) if c.kind == "text"]
        if len(found) != 1:
            raise InputError(
                "There is not one column of text." if found else "No column holds text.", where=source,
                expected="one column of sentences", received=", ".join(found) or ", ".join(table.columns[:20]),
                help="Name it: --target COLUMN." if found else "Give a text file, or --target COLUMN.",
            )  # fmt: skip
        name = found[0]
    series = table.frame[name].filter(present_rows(table.frame[name]))
    return Corpus(table.name, str(source), [str(text) for text in series], name)


def _lines(path: Path) -> list[str]:
    try:
        text = decode(path.read_bytes(), str(path))
    except FileError as error:
        received = error.received
    except OSError as error:
        received = error.strerror
    else:
        return [line for line in text.splitlines() if line.strip()]
    raise FileError("The text cannot be read.", where=path, expected="a text file, a sentence a line",
                    received=received, help="A column of a table is named by --target.")  # fmt: skip


def train_words(asked: Asked, corpus: Corpus, seed: int, listen: Any) -> Fitted:
    """Train word vectors; after a Ctrl-C, those learnt so far.

    Raises:
        InputError: a corpus without words that occur more than once.
    """
    from ..estimators import Word2Vec
    from ..estimators.word2vec import cutter

    cut = cutter("words")
    assert cut is not None
    counts = Counter(word for text in corpus.texts for word in cut(text))
    total = sum(counts.values())
    if len(counts) < 2:
        raise InputError("There are too few words to learn from.", where=corpus.path, expected="many words",
                         received=f"{len(counts)} different word(s)", help="Give more text.")  # fmt: skip
    least = next((n for n in (5, 3, 2) if sum(c >= n for c in counts.values()) >= KNOWN), 1)
    epochs = asked.epochs or int(np.clip(-(-WORDS // max(total, 1)), 5, 50))
    own: dict[str, Any] = {} if asked.dim is None else {"vector_size": asked.dim}
    if asked.learning_rate is not None:
        own |= {"learning_rate": asked.learning_rate, "min_learning_rate": min(1e-4, asked.learning_rate)}
    model = Word2Vec(tokenize="words", min_count=least, epochs=epochs, random_state=seed, **own)
    ended: list[bool] = [False]

    def told(epoch: int, share: float, loss: float) -> bool:
        place = Progress(epoch, epochs, 0, 1, {"loss": loss}, [], 0.0, 1)
        ended[0] = listen is not None and bool(listen(place))
        return ended[0]

    model._line = lambda: told  # type: ignore[method-assign]
    try:
        model.fit(corpus.texts)
        interrupted = ended[0]
    except KeyboardInterrupt:
        if not hasattr(model, "wv_"):
            raise
        interrupted = True
    finally:
        model.__dict__.pop("_line", None)
    return Fitted(model, {"loss": [float(v) for v in model.history_["loss"]]}, interrupted)


def words_shown(model: Any, seed: int) -> dict[str, Any]:
    """Neighbours of frequent words, analogies, pairs, and a map of frequent words."""
    wv, words = model.wv_, model.wv_.words
    content = [w for w in words[20:] if len(w) > 1][:400] or list(words)
    step = max(1, len(content) // 12)
    near = []
    for word in content[::step][:12]:
        near.append([word, [[w, s] for w, s in wv.most_similar(word, topn=min(6, len(words) - 1))]] if len(words) > 1
                    else [word, []])  # fmt: skip
    told = []
    for a, b, c in ANALOGIES:
        if all(word in wv and model.counts_[wv.places[word]] >= OFTEN for word in (a, b, c)):
            told.append([a, b, c, [[w, s] for w, s in wv.analogy(a, b, c, topn=3)]])
    found: dict[str, Any] = {"neighbours": near, "analogies": told, "vocabulary": len(words)}
    if len(content) > 2:
        found["map"] = _map(wv, content[:80])
    return found


def _map(wv: Any, words: list[str]) -> dict[str, Any]:
    """The two directions in which the words' unit vectors vary most."""
    moved = np.asarray(wv.unit[[wv.places[word] for word in words]], np.float64)
    moved = moved - moved.mean(0)
    _, size, axes = np.linalg.svd(moved, full_matrices=False)
    points = np.zeros((len(words), 2))
    points[:, : min(2, len(axes))] = moved @ axes[:2].T
    share = float((size[:2] ** 2).sum() / max(float((size**2).sum()), 1e-300))
    return {"x": points[:, 0].tolist(), "y": points[:, 1].tolist(), "words": words, "share": share}


def asked_words(parts: list[str]) -> tuple[list[str], list[str]]:
    """Words added and taken away in an expression of words.

    Raises:
        InputError: when it cannot be read.

    >>> asked_words(["king", "-", "man", "+", "woman"]), asked_words(["king - man"])
    ((['king', 'woman'], ['man']), (['king'], ['man']))
    """
    plus: list[str] = []
    minus: list[str] = []
    side, waiting = plus, True
    for part in " ".join(parts).split():
        if part in ("+", "-", "−"):
            side, waiting = (plus if part == "+" else minus), True
        elif waiting:
            side.append(part)
            waiting = False
        else:
            raise InputError("The words cannot be read.", where="WORD", expected='WORD, or "WORD - WORD + WORD"',
                             received=" ".join(parts), help="Put + or - between words.")  # fmt: skip
    if waiting:
        raise InputError("A word is missing.", where="WORD", expected='WORD, or "WORD - WORD + WORD"',
                         received=" ".join(parts) or "nothing", help="jindan neighbors RUN WORD")  # fmt: skip
    return plus, minus


def nearest_words(model: Any, parts: list[str], count: int) -> list[tuple[str, float]]:
    """Words nearest to a word, or to a sum of words.

    Raises:
        InputError: for words that have no vector; says which are near.
    """
    plus, minus = asked_words(parts)
    small = [[word if word in model.wv_ else word.lower() for word in side] for side in (plus, minus)]
    return model.wv_.most_similar(*small, topn=count)  # type: ignore[no-any-return]
