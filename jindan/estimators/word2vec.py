"""Word2Vec: word vectors behind scikit-learn's interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted

from ..data.tokens import Words, tokenizer_from_dict
from ..errors import InputError
from ..models import estimator_files, saving
from ..models import word2vec_corpus as corpus
from ..models.word2vec import CBOW, SKIP_GRAM
from ..models.word2vec_training import Vectors, program_of, stable_block, train_vectors
from ..models.word2vec_vectors import WordVectors
from ..spec import to_json
from ..utils import write_line
from .mixins import ManyMixin
from .settings import check_settings, whole


class Word2Vec(ManyMixin, TransformerMixin, BaseEstimator):
    """Word vectors, learned by predicting each word from those around it (Mikolov et al. 2013).

    The mathematics is in `jindan.models.word2vec`: an update takes a block of words, and its noise words are shared
    by the block, so that results resemble those of other programs without being the same numbers.

    Args:
        vector_size: Numbers in a vector.
        window: Greatest distance of two words that are near; it is drawn from 1 … window for each word.
        min_count: Words seen less often have no vector.
        method: "skip-gram" or "cbow".
        negative: Noise words for each pair, in expectation.
        hierarchical: Use hierarchical softmax in place of negative sampling.
        sample: Threshold of subsampling: words with a greater share of the corpus are dropped at times; 0 for never.
        learning_rate, min_learning_rate: At the beginning and the end; it falls in a line.
        epochs: Passes over the corpus.
        max_vocabulary: Most words, the most frequent ones; also bounds the memory of counting.
        tokenize: What cuts a sentence given as a string: None at white space, "words" for words without punctuation, a
            `jindan.data.tokens.Words` (with `ngrams=2` for the pieces of Korean words), or a function text → words, as
            of a morphological analyser.
        block: Words of an update; unless given, the most, up to 64, with which training is stable.
        shared: Noise words drawn for an update.
        random_state: Fixes first vectors, windows and noise.
        verbose: Whether each epoch prints a line.
        dtype: "float32" or "float64".

    Attributes:
        wv_: The vectors, a `WordVectors`: `wv_["word"]`, `wv_.most_similar("word")`.
        counts_: (words,) how often each occurs. `output_`: the output table.
        history_: "loss" by epoch.

    >>> text = ["a cat sat on a mat", "a dog sat on a mat"] * 50
    >>> model = Word2Vec(8, min_count=1, epochs=2, random_state=0).fit(text)
    >>> model.wv_["cat"].shape, model.transform(["a cat", "unseen"]).shape
    ((8,), (2, 8))
    """

    def __init__(
        self,
        vector_size: int = 100,
        *,
        window: int = 5,
        min_count: int = 5,
        method: str = SKIP_GRAM,
        negative: int = 5,
        hierarchical: bool = False,
        sample: float = 1e-3,
        learning_rate: float = 0.025,
        min_learning_rate: float = 1e-4,
        epochs: int = 5,
        max_vocabulary: int | None = None,
        tokenize: Any = None,
        block: int | None = None,
        shared: int = 32,
        random_state: Any = None,
        verbose: bool = False,
        dtype: str = "float32",
    ) -> None:
        self.vector_size = vector_size
        self.window = window
        self.min_count = min_count
        self.method = method
        self.negative = negative
        self.hierarchical = hierarchical
        self.sample = sample
        self.learning_rate = learning_rate
        self.min_learning_rate = min_learning_rate
        self.epochs = epochs
        self.max_vocabulary = max_vocabulary
        self.tokenize = tokenize
        self.block = block
        self.shared = shared
        self.random_state = random_state
        self.verbose = verbose
        self.dtype = dtype

    # -- fitting -----------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn from a corpus; y is not looked at.

        Args:
            X: A path to a text file with a sentence a line, or an iterable (not an iterator) of sentences, each a
                string or a sequence of words. It is read again each epoch and need not fit into memory.

        Raises:
            InputError: for a setting or corpus that cannot be used.
        """
        words, counts, members = self._train(X, [self._seed()])
        self._adopt(words, counts, members[0])
        if members[0].interrupted:
            raise KeyboardInterrupt  # what was learned until then is kept
        return self

    def fit_seeds(self, X: Any, seeds: Sequence[int]) -> list[Self]:
        """Fit a model for each seed, all side by side in one program, to see what hangs on chance.

        Returns:
            Fitted models; each is what `fit` gives with its seed as `random_state`.
        """
        return self.fit_many(X, [{"random_state": int(seed)} for seed in seeds])

    def _fit_all(self, members: list[Self], X: Any) -> None:
        groups: dict[str, list[Self]] = {}
        for member in members:
            groups.setdefault(repr({**member.get_params(), "random_state": None}), []).append(member)
        for some in groups.values():
            words, counts, found = some[0]._train(X, [member._seed() for member in some])
            if found[0].interrupted:
                raise KeyboardInterrupt
            for member, one in zip(some, found, strict=True):
                member._adopt(words, counts, one)

    def _seed(self) -> int:
        return int(check_random_state(self.random_state).randint(2**31 - 1))

    def _train(self, X: Any, seeds: list[int]) -> tuple[list[str], np.ndarray, list[Vectors]]:
        self._check()
        tokenize = cutter(self.tokenize)
        words, counts = corpus.count_words(corpus.sentences_of(X, tokenize), min_count=self.min_count,
                                           max_vocabulary=self.max_vocabulary)  # fmt: skip
        own: dict[str, Any] = {"hierarchical": self.hierarchical, "window": self.window, "negative": self.negative}
        block = self.block or stable_block(counts, rate=self.learning_rate, sample=self.sample, **own)
        program = program_of(
            counts, **own, size=self.vector_size, method=self.method, block=block, shared=self.shared, dtype=self.dtype,
        )  # fmt: skip
        values = {"learning_rate": self.learning_rate, "min_learning_rate": self.min_learning_rate}
        members = train_vectors(program, X, words, counts, epochs=self.epochs, sample=self.sample, seeds=seeds,
                                values=[values], tokenize=tokenize, listen=self._line())  # fmt: skip
        if not all(np.isfinite(m.input).all() for m in members):
            raise InputError("The vectors are not finite.", where="learning_rate of Word2Vec", expected="a lower one",
                             received=self.learning_rate, help="Lower learning_rate or block.")  # fmt: skip
        return words, counts, members

    def _line(self) -> Any:
        """Who is told of epoch, share done and loss."""
        return _tell if self.verbose else None

    def _adopt(self, words: list[str], counts: np.ndarray, member: Vectors) -> Self:
        self.wv_ = WordVectors(words, member.input)
        self.counts_, self.output_ = counts, member.output
        self.history_ = {"loss": member.loss}
        self.seconds_ = member.seconds
        return self

    def _check(self) -> None:
        least = {"vector_size": 1, "window": 1, "min_count": 1, "negative": 1, "epochs": 0, "shared": 1}
        wanted = {name: (whole(getattr(self, name), n), f"an integer >= {n}") for name, n in least.items()}
        wanted |= {
            "method": (self.method in (SKIP_GRAM, CBOW), f'"{SKIP_GRAM}" or "{CBOW}"'),
            "sample": (self.sample >= 0, ">= 0"),
            "learning_rate": (self.learning_rate > 0, "> 0"),
            "min_learning_rate": (0 <= self.min_learning_rate <= self.learning_rate, "0 … learning_rate"),
            "block": (self.block is None or whole(self.block, 1), "None or an integer >= 1"),
            "max_vocabulary": (self.max_vocabulary is None or whole(self.max_vocabulary, 1), "None or >= 1"),
            "dtype": (self.dtype in ("float32", "float64"), '"float32" or "float64"'),
        }
        check_settings(self, wanted)

    # -- using -------------------------------------------------------------------------------------------------------

    def transform(self, X: Any) -> np.ndarray:
        """The mean of the vectors of each sentence's known words (sentences, vector_size); 0 where none is known."""
        check_is_fitted(self)
        result, places = [], self.wv_.places
        for words in self._sentences(X):
            known = [places[word] for word in words if word in places]
            result.append(self.wv_.vectors[known].mean(0) if known else np.zeros(self.vector_size, np.float32))
        return np.array(result, np.float32).reshape(-1, self.vector_size)

    def _sentences(self, X: Any) -> Iterator[Sequence[str]]:
        return corpus.sentences_of(X, cutter(self.tokenize))

    def score(self, X: Any, y: Any) -> float:
        """Spearman's correlation of similarity with judgements, over pairs whose words are known.

        Args:
            X: Pairs of words.
            y: A number for each, greater for more alike.
        """
        check_is_fitted(self)
        return self.wv_.pairs_score([(a, b, value) for (a, b), value in zip(X, y, strict=True)])[0]

    @property
    def wv(self) -> WordVectors:
        """`wv_` under gensim's name."""
        check_is_fitted(self)
        return self.wv_

    def similarity(self, first: str, second: str) -> float:
        """The cosine of the angle between two words' vectors."""
        return self.wv.similarity(first, second)

    def most_similar(self, positive: Any = (), negative: Any = (), *, topn: int = 10) -> list[tuple[str, float]]:
        """The words nearest to a sum of words; see `WordVectors.most_similar`."""
        return self.wv.most_similar(positive, negative, topn=topn)

    def analogy(self, a: str, b: str, c: str, *, topn: int = 1) -> list[tuple[str, float]]:
        """What is to c as b is to a: nearest to b − a + c."""
        return self.wv.analogy(a, b, c, topn=topn)

    # -- keeping -----------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> None:
        """Write settings, words and vectors into a folder. A function given as `tokenize` is not written."""
        check_is_fitted(self)
        settings = self.get_params()
        if isinstance(self.tokenize, Words):
            settings["tokenize"] = self.tokenize.to_dict()
        elif not isinstance(self.tokenize, str):
            settings["tokenize"] = None
        settings, _ = estimator_files.plain(to_json(settings), {}, self)
        body = {"params": settings, "words": self.wv_.words, "history": saving.history_json(self.history_)}
        arrays = {"input": self.wv_.vectors, "output": self.output_, "counts": self.counts_}
        estimator_files.write(path, "Word2Vec", body, arrays)

    @classmethod
    def load(cls, path: str | Path, *, tokenize: Callable[[str], Sequence[str]] | None = None) -> Self:
        """Undo `save`.

        Args:
            path: The folder.
            tokenize: The function that was given, if one was.

        Raises:
            FileError: when the folder holds no such model.
        """
        body, arrays = estimator_files.read(path, "Word2Vec")
        settings = body["params"]
        if isinstance(settings["tokenize"], dict):
            settings["tokenize"] = tokenizer_from_dict(settings["tokenize"])
        model = cls(**{**settings, "tokenize": tokenize or settings["tokenize"]})
        model.wv_ = WordVectors(body["words"], arrays["input"])
        model.counts_, model.output_ = arrays["counts"], arrays["output"]
        model.history_ = saving.history_of(body["history"])
        return model


def cutter(tokenize: Any) -> Callable[[str], Sequence[str]] | None:
    """What `tokenize` stands for: a function text → words, or None for white space.

    >>> cutter(Words(ngrams=2))("재미있다!")
    ['재미', '##미있', '##있다', '!']
    """
    if tokenize == "words":
        tokenize = Words(punctuation=False)
    if isinstance(tokenize, Words):
        words = tokenize
        return lambda text: [p for word in words._split(words.normalization(text)) for p in words._pieces(word)]
    if tokenize is None or callable(tokenize):
        return tokenize
    raise InputError("This cannot cut text into words.", where="tokenize of Word2Vec", received=repr(tokenize)[:60],
                     expected='None, "words", Words(…) or a function text → words')  # fmt: skip


def _tell(epoch: int, share: float, loss: float) -> None:
    write_line(f"epoch {epoch + 1}  {share:4.0%}  loss {loss:.4f}")
