"""What can be done with a run of a model without a target: codes of new rows, samples, neighbours, figures."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..data.images_table import FILE
from ..errors import FileError, InputError
from ..models import folders
from .others import CODES, FACTS
from .others_figures import kept, told_apart
from .others_rows import Reader, Rows
from .others_settings import DBN, GAN, KINDS, KMEANS, RBM, VAE, WORD2VEC
from .others_train import back_of, codes_of, draw, strangeness
from .others_words import nearest_words

SAMPLED = (VAE, GAN, RBM, DBN)


def is_other(folder: str | Path) -> bool:
    """Whether a folder is such a run."""
    return (Path(folder) / FACTS).is_file()


@dataclass(frozen=True)
class OtherModel:
    """A run read from its folder.

    Attributes:
        folder: The run.
        kind: The model's name.
        model: The estimator.
        reader: How rows become numbers; None for words.
        facts: What else the run knows.
    """

    folder: Path
    kind: str
    model: Any
    reader: Reader | None
    facts: dict[str, Any]

    @classmethod
    def load(cls, folder: str | Path) -> OtherModel:
        """Read a run.

        Raises:
            FileError: when it is damaged.
        """
        from ..estimators import load

        file = Path(folder) / FACTS
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
            reader = None if facts["reader"] is None else Reader.from_dict(facts["reader"])
            kind = str(facts["model"])
            known = KINDS[kind]
        except (OSError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise folders.damaged(file, error, "Train again, or restore the file.") from None
        model = load(folder)
        if type(model).__name__ != known.estimator:
            raise FileError("The files of this run do not belong together.", where=folder, expected=known.estimator,
                            received=type(model).__name__, help="Train again.")  # fmt: skip
        return cls(Path(folder), kind, model, reader, facts)

    # -- predict -----------------------------------------------------------------------------------------------------

    def frame(self, sources: list[Path]) -> Any:
        """Raw rows of files."""
        assert self.reader is not None
        return self.reader.frame(sources[0] if len(sources) == 1 and sources[0].suffix != ".png" else sources)

    def predict_table(self, frame: Any) -> Any:
        """A data frame: row, and what the model says of it.

        Clusters and the distance to their centre; classes and their probabilities; else codes, and `anomaly` (see
        `others_train.strangeness`).

        Raises:
            InputError: for a GAN, which says nothing about rows.
        """
        import polars as pl

        assert self.reader is not None
        if self.kind == GAN:
            raise InputError("A GAN makes rows; it says nothing about given ones.", where="jindan predict",
                             expected="another model", received="a run of --model gan",
                             help=f"jindan sample {self.folder}")  # fmt: skip
        x = self.reader.matrix(frame)
        columns: dict[str, Any] = {"row": np.arange(1, len(x) + 1)}
        if self.reader.image is not None and FILE in frame.columns:
            columns["file"] = frame[FILE]
        if self.kind == KMEANS:
            columns |= {"cluster": self.model.predict(x), "distance": self.model.transform(x).min(1)}
        elif self.kind == DBN:
            p = self.model.predict_proba(x)
            columns["prediction"] = [str(self.model.classes_[k]) for k in p.argmax(1)]
            columns |= {f"p_{name}": p[:, k] for k, name in enumerate(self.model.classes_)}
        else:
            codes = codes_of(self.kind, self.model, x)
            assert codes is not None
            columns |= {f"code_{k + 1}": codes[:, k] for k in range(codes.shape[1])}
            columns["anomaly"] = strangeness(self.kind, self.model, x)
        return pl.DataFrame(columns)

    def vectors_table(self, texts: list[str]) -> Any:
        """A data frame: row, known words, and the mean of their vectors, for texts."""
        import polars as pl

        places = self.model.wv_.places
        known = [sum(word in places for word in words) for words in self.model._sentences(texts)]
        codes = self.model.transform(texts)
        return pl.DataFrame({"row": np.arange(1, len(texts) + 1), "known_words": known,
                             **{f"code_{k + 1}": codes[:, k] for k in range(codes.shape[1])}})  # fmt: skip

    def strange(self, table: Any) -> int:
        """How many rows of a prediction are stranger than 99 in 100 of the rows held out in training."""
        name = {KMEANS: "distance"}.get(self.kind, "anomaly")
        if name not in table.columns or self.facts.get("usual") is None:
            return 0
        return int((table[name] > self.facts["usual"]).sum())

    # -- evaluate ----------------------------------------------------------------------------------------------------

    def figures(self, frame: Any) -> dict[str, float]:
        """Figures of these rows, without intervals: what a reconstruction keeps, how strange rows are on average.

        Raises:
            InputError: for a model that has no figure of given rows.
        """
        if self.reader is None or self.kind == GAN:
            raise InputError(
                "This model cannot be measured on rows.", where="jindan evaluate",
                expected="autoencoder, vae, rbm, pca, kmeans or dbn", received=f"a run of --model {self.kind}",
                help=f"jindan report {self.folder}",
            )  # fmt: skip
        x = self.reader.matrix(frame)
        given, found = back_of(self.kind, self.model, x), {}
        if given is not None:
            found["error"] = float(((given - x) ** 2).mean(dtype=np.float64))
            if len(x) > 1:
                found["kept"] = kept(x, given, x.mean(0, dtype=np.float64))
        if self.kind == KMEANS:
            found["inertia"] = float(-self.model.score(x))
        strange = strangeness(self.kind, self.model, x)
        if strange is not None:
            found["anomaly"] = float(np.mean(strange))
        if self.kind in SAMPLED:
            rows = Rows("", None, frame, (), self.reader, x, np.arange(len(x)), np.zeros(0, int))
            found |= told_apart(rows, draw(self.kind, self.model, min(len(x), 500)), x[:500])
        return found

    def scores(self, frame: Any) -> tuple[dict[str, Any], int]:
        """Figures with intervals of a model with classes, on labelled rows, and how many there are.

        Raises:
            InputError: without the column of classes, or with unknown ones.
        """
        from ..data import present_rows
        from ..select import score_classes

        assert self.reader is not None
        goal = self.facts["label"]
        if goal not in frame.columns:
            raise InputError("The column of classes is missing.", where="DATA", expected=f"the column {goal!r}",
                             received=", ".join(frame.columns[:20]), help="Give labelled rows.")  # fmt: skip
        there = frame.filter(present_rows(frame[goal]))
        from .others_rows import labels_of

        names = [str(name) for name in self.model.classes_]
        own = labels_of(there[goal])
        strange = sorted(set(own) - set(names))
        if strange or not own:
            raise InputError("The rows hold classes the model does not know.", where=f"column {goal!r}",
                             expected=", ".join(names[:20]), received=", ".join(strange[:5]) or "no labelled row",
                             help="Leave these rows out.")  # fmt: skip
        truth = np.array([names.index(name) for name in own])
        return score_classes(truth, self.model.predict_proba(self.reader.matrix(there))), len(own)

    # -- sample and neighbours ---------------------------------------------------------------------------------------

    def sample(self, count: int, seed: int | None) -> Any:
        """New rows as the table has them, or images (count, height, width, channels) uint8.

        Raises:
            InputError: for a model that makes no rows.
        """
        if self.kind not in SAMPLED:
            raise InputError(
                "This model makes no new rows.", where="jindan sample",
                expected=f"a run of --model {', '.join(SAMPLED)}",
                received=f"a run of --model {self.kind}",
                help=f"jindan {'neighbors' if self.kind == WORD2VEC else 'predict'} {self.folder} …",
            )  # fmt: skip
        assert self.reader is not None
        if seed is not None:
            self.model.random_state = seed
        return self.reader.back(draw(self.kind, self.model, count, mean=self.reader.image is not None))

    def near_words(self, parts: list[str], count: int) -> list[tuple[str, float]]:
        """Words nearest to a word or a sum of words.

        Raises:
            InputError: for another model, or words without a vector.
        """
        if self.kind != WORD2VEC:
            raise InputError("This model knows no words.", where="jindan neighbors",
                             expected="a run of --model word2vec", received=f"a run of --model {self.kind}",
                             help=f"Rows near a row: jindan neighbors {self.folder} --row 1"
                             if (self.folder / CODES).is_file() else "jindan train TEXT --model word2vec")  # fmt: skip
        return nearest_words(self.model, parts, count)

    def near_rows(self, row: int, count: int) -> list[dict[str, Any]]:
        """Rows of the training table nearest to one of them, by the distance of their codes.

        Args:
            row: Its number, from 1.
            count: How many.

        Raises:
            InputError: for a model without codes, or a row that is not there.
        """
        file = self.folder / CODES
        if not file.is_file():
            why = (
                "keeps no codes of its rows"
                if self.kind in (KMEANS, GAN, WORD2VEC)
                else "had too many rows to keep codes"
            )
            raise InputError(f"This run {why}.", where="--row", expected="a run of autoencoder, vae, rbm, dbn or pca",
                             received=f"a run of --model {self.kind}",
                             help=f"jindan neighbors {self.folder} WORD" if self.kind == WORD2VEC
                             else "jindan predict gives the codes of any rows.")  # fmt: skip
        try:
            codes = np.load(file, allow_pickle=False)
        except (OSError, ValueError) as error:
            raise folders.damaged(file, error, "Train again, or restore the file.") from None
        numbers = self.facts.get("numbers") or list(range(1, len(codes) + 1))
        if row not in numbers:
            raise InputError("There is no such row.", where="--row", expected=f"1 … {numbers[-1]}", received=row,
                             help="Rows are counted from 1, the header not among them.")  # fmt: skip
        place = numbers.index(row)
        distance = np.sqrt(((codes - codes[place]) ** 2).sum(1, dtype=np.float64))
        distance[place] = np.inf
        labels = self.facts.get("labels")
        best = np.argsort(distance, kind="stable")[: min(count, len(codes) - 1)]
        return [{"row": numbers[k], "distance": float(distance[k]), **({"label": labels[k]} if labels else {})}
                for k in best]  # fmt: skip


def refuse_other(folder: str | Path, command: str, works: str) -> None:
    """Say that a command is not for such a run, and what is.

    Raises:
        InputError: always.
    """
    kind = json.loads((Path(folder) / FACTS).read_text(encoding="utf-8")).get("model")
    raise InputError(
        f"jindan {command} is for networks with a target.", where=folder,
        expected="a run of `jindan train` without --model", received=f"a run of --model {kind}", help=works,
    )  # fmt: skip
