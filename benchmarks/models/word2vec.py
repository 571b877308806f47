"""word2vec: skip-gram on Korean reviews against gensim with 2 workers, speed at equal use of the vectors."""

from __future__ import annotations

import functools
import gzip
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..common import DATA, Child, Goal, Result, Skip, Spread, Table, disturbance, in_turn, run

SIZE, WINDOW, NEGATIVE, COUNT, SAMPLE, EPOCHS, WORKERS = 100, 5, 5, 5, 1e-3, 5, 2
ROWS = 20_000
NEAR, FAR = ("남자", "여자"), ("남자", "자동차")
TASK = f"""\
The 150,000 training reviews of NSMC, cut at white space: skip-gram, {SIZE} numbers, window {WINDOW}, {NEGATIVE} noise
words, words seen {COUNT} times, subsampling {SAMPLE:g}, {EPOCHS} epochs; gensim with {WORKERS} workers. A process each;
vocabulary and training are timed, and of two fits the second counts (the first compiles). Use: accuracy of a logistic
regression on the mean vector of a review, {ROWS:,} reviews to learn from and as many others to be judged by;
Spearman's correlation on WordSim-353 of vectors of the Lee corpus, 20 epochs."""
PEERS = ("jindan", "gensim")


def measure(runs: int) -> Result:
    """Measure both `runs` times; each run has a seed of its own. gensim is looked for in GENSIM_PYTHON, a Python that
    has it, or here."""
    folder = Path(tempfile.mkdtemp(prefix="word2vec-"))
    places = {name: iter(range(-1, 10**6)) for name in PEERS}
    found, skipped = in_turn({name: functools.partial(_peer, name, folder, places[name]) for name in PEERS}, runs)
    if "jindan" not in found:
        raise Skip(skipped["jindan"])
    figures: dict[str, Any] = {}
    for name, children in found.items():
        outputs = [child.output for child in children]
        figures[name] = {key: Spread.of([o[key] for o in outputs]) for key in ("words_per_second", "first", "lee")}
        figures[name] |= {key: Spread.of(values) for key, values in _use([Path(o["stem"]) for o in outputs]).items()}
    rows = [_row(name, own) for name, own in figures.items()]
    columns = ["", "words a second", "first fit, s", "accuracy", "WordSim-353 (Lee)", " – ".join(NEAR), " – ".join(FAR)]
    goals, ours = [], figures["jindan"]
    if "gensim" in figures:
        rival = figures["gensim"]
        ratio = ours["words_per_second"].median / rival["words_per_second"].median
        goals.append(Goal("jindan ÷ gensim, words a second", ratio, "≥", 1))
        for key, what in (("accuracy", "accuracy"), ("lee", "correlation on WordSim-353")):
            goals.append(Goal(f"jindan's {what} less gensim's", ours[key].median - rival[key].median, "≥", -0.01, ""))
    near = ours["near"].min - ours["far"].max
    goals.append(Goal(f"{'–'.join(NEAR)} (least) less {'–'.join(FAR)} (greatest)", near, "≥", 0, ""))
    notes = [*(f"{name} was skipped: {why}" for name, why in skipped.items()), disturbance(found)]
    return Result(
        title="Word vectors against gensim", task=TASK, tables=[Table("Runs are seeds:", columns, rows)],
        goals=goals, figures=figures, notes=notes,
    )  # fmt: skip


def _peer(name: str, folder: Path, seeds: Any) -> Child:
    seed = next(seeds)
    python = os.environ.get("GENSIM_PYTHON", sys.executable) if name == "gensim" else sys.executable
    return run([python, "-m", __name__, name, str(max(seed, 0)), str(folder / f"{name}{seed}")])


def _row(name: str, own: dict[str, Spread]) -> list[str]:
    return [name, own["words_per_second"].text(",.0f"), own["first"].text(".3g"),
            *(own[key].text(".3f") for key in ("accuracy", "lee", "near", "far"))]  # fmt: skip


def _use(stems: list[Path]) -> dict[str, list[float]]:
    """What vectors are good for, by run: how well reviews are judged by their mean, and two similarities."""
    from sklearn.linear_model import LogisticRegression

    from jindan.models.word2vec_vectors import WordVectors

    texts, labels = _reviews("train", labels=True)
    result: dict[str, list[float]] = {"accuracy": [], "near": [], "far": []}
    for stem in stems:
        wv = WordVectors.read(stem, binary=True)
        parts = [_means(wv, texts[part]) for part in (slice(ROWS), slice(ROWS, 2 * ROWS))]
        model = LogisticRegression(max_iter=1000).fit(parts[0], labels[:ROWS])
        result["accuracy"].append(float(model.score(parts[1], labels[ROWS : 2 * ROWS])))
        result["near"].append(wv.similarity(*NEAR))
        result["far"].append(wv.similarity(*FAR))
    return result


def _means(wv: Any, texts: list[list[str]]) -> np.ndarray:
    known = [[wv.places[word] for word in words if word in wv.places] for words in texts]
    return np.array([wv.unit[row].mean(0) if row else np.zeros(SIZE) for row in known])


def _reviews(part: str, *, labels: bool = False) -> Any:
    path = DATA / "nsmc" / f"ratings_{part}.txt.gz"
    if not path.exists():
        raise Skip(f"{path.name} is missing")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file][1:]
    texts = [row[1].split() for row in rows]
    return (texts, np.array([int(row[2]) for row in rows])) if labels else texts


def _lee() -> tuple[list[list[str]], list[tuple[str, str, float]]]:
    folder = DATA / "word2vec"
    text = (folder / "lee_background.cor").read_text(encoding="utf-8", errors="replace").lower()
    lines = (folder / "wordsim353.tsv").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines if not line.startswith("#")]
    return [line.split() for line in text.splitlines()], [(a.lower(), b.lower(), float(c)) for a, b, c in pairs]


# -- the peers, each in its process ----------------------------------------------------------------------------------


def _jindan(seed: int) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    from jindan.estimators.word2vec import Word2Vec

    def fit(texts: Any, epochs: int) -> Any:
        return Word2Vec(SIZE, window=WINDOW, negative=NEGATIVE, min_count=COUNT, sample=SAMPLE, epochs=epochs,
                        random_state=seed).fit(texts)  # fmt: skip

    def score(model: Any, pairs: Any) -> float:
        return float(model.wv_.pairs_score(pairs)[0])

    return fit, lambda model, stem: model.wv_.write(stem, binary=True), score


def _gensim(seed: int) -> tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]:
    try:
        from gensim.models import Word2Vec
        from scipy.stats import spearmanr
    except ImportError:
        print("gensim is not installed; GENSIM_PYTHON names a Python that has it", file=sys.stderr)
        sys.exit(77)

    def fit(texts: Any, epochs: int) -> Any:
        return Word2Vec(texts, vector_size=SIZE, window=WINDOW, negative=NEGATIVE, min_count=COUNT, sample=SAMPLE,
                        epochs=epochs, sg=1, workers=WORKERS, seed=seed)  # fmt: skip

    def score(model: Any, pairs: Any) -> float:
        known = [(model.wv.similarity(a, b), c) for a, b, c in pairs if a in model.wv and b in model.wv]
        return float(spearmanr(*zip(*known, strict=True)).statistic)

    return fit, lambda model, stem: model.wv.save_word2vec_format(stem, binary=True), score


def _main(name: str, seed: int, stem: str) -> dict[str, Any]:
    fit, write, score = (_jindan if name == "jindan" else _gensim)(seed)
    texts, seconds = _reviews("train"), []
    for _ in range(2):
        began = time.perf_counter()
        model = fit(texts, EPOCHS)
        seconds.append(time.perf_counter() - began)
    write(model, stem)
    text, pairs = _lee()
    speed = sum(map(len, texts)) * EPOCHS / seconds[-1]
    return {"words_per_second": speed, "first": seconds[0], "stem": stem, "lee": score(fit(text, 20), pairs)}


if __name__ == "__main__":
    print(json.dumps(_main(sys.argv[1], int(sys.argv[2]), sys.argv[3])))
