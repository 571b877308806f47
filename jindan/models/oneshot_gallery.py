"""Gallery: embeddings of enrolled examples by label, and how likely each label is for others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import InputError

EUCLIDEAN, COSINE, SIAMESE = "euclidean", "cosine", "siamese"
SIMILARITIES = (EUCLIDEAN, COSINE, SIAMESE)
SHARPNESS = 10.0  # of cosines: the value from which Gidaris & Komodakis (2018) learn theirs
BLOCK = 2**22  # numbers of an intermediate array


class Gallery:
    """Labelled embeddings, one or more a label.

    With c_k the mean embedding of label k, the logit of k for an embedding z is, by similarity:

    - "euclidean": −‖z − c_k‖² (Snell, Swersky & Zemel 2017);
    - "cosine": 10 cos(z, c_k), z and the examples scaled to length 1 before the mean (Wang et al. 2019);
    - "siamese": the log-odds that z and the label's most similar example are the same (Koch et al. 2015). Softmax of
      these is the distribution given that exactly one label is right.

    Args:
        similarity: One of these.
        head: Of "siamese", "kernel" (d,) and "bias" ().

    Attributes:
        embeddings: (examples, d). `codes`: (examples,) their places in `labels`.
        labels: (labels,), sorted.

    >>> gallery = Gallery().add(np.array([[0.0, 0.0], [3.0, 4.0]]), ["a", "b"])
    >>> gallery.logits(np.array([[3.0, 4.0]])).tolist(), gallery.labels.tolist()
    ([[-25.0, -0.0]], ['a', 'b'])
    """

    def __init__(self, similarity: str = EUCLIDEAN, head: Mapping[str, np.ndarray] | None = None) -> None:
        self.similarity, self.head = similarity, dict(head or {})
        self.labels = np.array([])
        self.embeddings, self.codes = np.zeros((0, 0)), np.zeros(0, np.int64)

    def __len__(self) -> int:
        return len(self.codes)

    def add(self, embeddings: np.ndarray, labels: Sequence[Any] | np.ndarray) -> Gallery:
        """A gallery with further examples.

        Raises:
            InputError: when labels are of another kind than those there are, as 7 beside "seven".
        """
        new = np.asarray(labels)
        if new.dtype.kind not in "OUSbiuf":
            raise InputError("These labels cannot be used.", where="labels", expected="strings or numbers",
                             received=f"dtype {new.dtype}")  # fmt: skip
        every, kept = new, embeddings
        if len(self):
            kinds = {_kind(new), _kind(self.labels)}
            if len(kinds) > 1:
                raise InputError("Labels are of one kind.", where="labels", expected=_kind(self.labels),
                                 received=_kind(new), help="forget() what is enrolled, or convert them.")  # fmt: skip
            every = np.concatenate([self.labels[self.codes], new])
            kept = np.concatenate([self.embeddings, embeddings])
        result = Gallery(self.similarity, self.head)
        result.labels, codes = np.unique(every, return_inverse=True)
        result.embeddings, result.codes = kept, codes.reshape(-1)
        return result

    def without(self, labels: Sequence[Any]) -> Gallery:
        """A gallery without some labels.

        Raises:
            InputError: when one of them is not there.
        """
        missing = [label for label in labels if label not in self.labels.tolist()]
        if missing:
            raise InputError("This label is not enrolled.", where="labels", expected="one of `classes_`",
                             received=repr(missing[0]))  # fmt: skip
        kept = ~np.isin(self.labels[self.codes], np.asarray(labels))
        fresh = Gallery(self.similarity, self.head)
        return fresh.add(self.embeddings[kept], self.labels[self.codes][kept]) if kept.any() else fresh

    def logits(self, embeddings: np.ndarray) -> np.ndarray:
        """What `predict_proba` is the softmax of, (rows, labels), in float64."""
        z = np.asarray(embeddings, np.float64)
        if self.similarity == SIAMESE:
            return self._siamese(z)
        examples = self.embeddings.astype(np.float64)
        if self.similarity == COSINE:
            z, examples = _unit(z), _unit(examples)
        centres = np.zeros((len(self.labels), examples.shape[1]))
        np.add.at(centres, self.codes, examples)
        centres /= np.bincount(self.codes)[:, None]
        if self.similarity == COSINE:
            return SHARPNESS * z @ _unit(centres).T
        step = max(1, BLOCK // max(1, centres.size))
        parts = [z[k : k + step, None] - centres for k in range(0, len(z), step)]
        return np.concatenate([-(part**2).sum(-1) for part in parts]) if parts else np.zeros((0, len(centres)))

    def _siamese(self, z: np.ndarray) -> np.ndarray:
        kernel, bias = (np.asarray(self.head[name], np.float64) for name in ("kernel", "bias"))
        z, examples = (0.5 + 0.5 * np.tanh(0.5 * a.astype(np.float64)) for a in (z, self.embeddings))
        order = np.argsort(self.codes, kind="stable")
        begins = np.searchsorted(self.codes[order], np.arange(len(self.labels)))
        step = max(1, BLOCK // max(1, examples.size))
        parts = [bias + np.abs(z[k : k + step, None] - examples[order]) @ kernel for k in range(0, len(z), step)]
        found = np.concatenate(parts) if parts else np.zeros((0, len(order)))
        return np.maximum.reduceat(found, begins, axis=1)


def _unit(a: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(a, axis=-1, keepdims=True)
    return a / np.where(length > 0, length, 1)


def _kind(labels: np.ndarray) -> str:
    return "strings" if labels.dtype.kind in "OUS" else "numbers"
