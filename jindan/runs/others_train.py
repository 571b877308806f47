"""Training of the models that have no target: settings, the estimator, progress, and what a Ctrl-C leaves."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputError, JindanWarning
from .others_rows import Rows
from .others_settings import DBN, GAN, KINDS, KMEANS, PCA, RBM, VAE, Asked, settings_of

JUDGED = 1000
"""Rows a silhouette is taken from: its time grows with their square."""
MOST_CLUSTERS = 10


@dataclass(frozen=True)
class Fitted:
    """A trained estimator.

    Attributes:
        model: The estimator.
        history: Figures by epoch.
        interrupted: Whether it was cut off.
        choice: For clusters whose number was not given: numbers tried and their silhouettes.
    """

    model: Any
    history: dict[str, list[float]]
    interrupted: bool = False
    choice: dict[str, list[float]] | None = None


class Rounds:
    """A listener for a training in several calls: tells the epoch within the whole.

    >>> seen = []
    >>> from jindan.engine.pace import Progress
    >>> told = Rounds(lambda p: seen.append((p.epoch, p.epochs)), 4)
    >>> for epoch in (1, 2, 1, 2):
    ...     told(Progress(epoch, 2, 0, 1, {}, [], 0.0, 1))
    >>> seen
    [(1, 4), (2, 4), (3, 4), (4, 4)]
    """

    def __init__(self, listen: Callable[[Any], Any] | None, total: int) -> None:
        self.listen, self.total, self.before, self.last = listen, total, 0, 0

    def __call__(self, told: Any) -> Any:
        """Tell the epoch; True ends the training."""
        if told.epoch < self.last:
            self.before += self.last
        self.last = told.epoch
        if self.listen is None:
            return None
        return self.listen(replace(told, epoch=min(self.before + told.epoch, self.total), epochs=self.total))


def train_rows(kind: str, asked: Asked, rows: Rows, seed: int, listen: Callable[[Any], Any] | None) -> Fitted:
    """Train a model on the training rows.

    Args:
        kind: Its name.
        asked: What the user asked for.
        rows: Table or images.
        seed: Fixes weights and order of rows.
        listen: Told of progress.

    Raises:
        InputError: settings the rows do not allow.
        KeyboardInterrupt: on Ctrl-C before there is anything to keep.
    """
    from .. import estimators

    x = rows.x[rows.train]
    if len(x) < 2:
        raise InputError("There are too few rows to learn from.", where=rows.name, received=len(x),
                         expected="two training rows at least", help="Add rows, or give --test 0.")  # fmt: skip
    choice = None
    if kind == KMEANS and asked.dim is None:
        choice = choose_clusters(x, seed)
        best = int(choice["clusters"][int(np.argmax(choice["silhouette"]))]) if choice["clusters"] else 1
        asked = replace(asked, dim=best)
    real = bool(np.any((x != 0) & (x != 1)))
    settings = settings_of(kind, asked, len(x), x.shape[1], images=rows.images, real=real)
    model = getattr(estimators, KINDS[kind].estimator)(**settings, random_state=seed)
    y = None if kind != DBN else np.array([str(v) for v in rows.labels or ()], object)[rows.train]
    with warnings.catch_warnings():
        # What an estimator warns of stands among its findings, or is refused below.
        warnings.simplefilter("ignore", JindanWarning)
        rounds = settings.get("n_iter", 0) if kind != DBN else model.pretrain_iter * len(model.hidden_layer_sizes)
        interrupted = _fit(kind, model, x, y, listen, rounds)
    _refuse_broken(kind, model, x[:20])
    return Fitted(model, history_of(kind, model), interrupted, choice)


def _fit(kind: str, model: Any, x: np.ndarray, y: Any, listen: Any, epochs: int) -> bool:
    """Fit; whether a Ctrl-C cut it off after something was learnt."""
    if kind not in (KMEANS, PCA):
        # What the estimators tell while they train goes through here; printing is its usual form.
        told = Rounds(listen, epochs)
        model._line = lambda: told
    try:
        if kind == DBN:
            model.fit(x, y)
        else:
            model.fit(x)
    except KeyboardInterrupt:
        if not hasattr(model, "run_"):
            raise
        return True
    finally:
        model.__dict__.pop("_line", None)
    return False


def _refuse_broken(kind: str, model: Any, x: np.ndarray) -> None:
    """Refuse a model whose numbers are not finite.

    Raises:
        InputError: then.
    """
    found = draw(kind, model, 2) if kind == GAN else codes_of(kind, model, x)
    if found is not None and not np.isfinite(found).all():
        raise InputError(
            "The training has diverged: the model's numbers are not finite.", where="--learning-rate",
            expected="a rate at which training is stable", received=getattr(model, "learning_rate", None),
            help="Lower --learning-rate.",
        )  # fmt: skip


def history_of(kind: str, model: Any) -> dict[str, list[float]]:
    """Figures by epoch, where a model has epochs."""
    if kind == DBN:
        return {"loss": [float(v) for v in model.loss_curve_]}
    found = getattr(model, "history_", {})
    return {str(name): [float(v) for v in values] for name, values in found.items()}


def choose_clusters(x: np.ndarray, seed: int) -> dict[str, list[float]]:
    """Silhouettes of 2 … 10 clusters, on at most 1,000 rows (Rousseeuw 1987): the highest is the one to take.

    By scikit-learn's k-means, as a program would have to be compiled for each number.

    >>> x = np.concatenate([np.zeros((20, 1)), np.ones((20, 1)), np.full((20, 1), 9.0)]) + np.arange(60)[:, None] / 1e3
    >>> found = choose_clusters(x, 0)
    >>> found["clusters"][int(np.argmax(found["silhouette"]))]
    3
    """
    from sklearn.cluster import KMeans
    from sklearn.metrics import silhouette_score

    some = x[np.random.default_rng(seed).permutation(len(x))[:JUDGED]]
    distinct = len(np.unique(some, axis=0))
    found: dict[str, list[float]] = {"clusters": [], "silhouette": []}
    for count in range(2, min(MOST_CLUSTERS, distinct - 1) + 1):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            labels = KMeans(count, n_init=4, random_state=seed).fit(some).labels_
        if len(set(labels.tolist())) > 1:
            found["clusters"].append(count)
            found["silhouette"].append(float(silhouette_score(some, labels)))
    return found


def codes_of(kind: str, model: Any, x: np.ndarray) -> np.ndarray | None:
    """Codes of rows (rows, dim): what a model says of a row in few numbers; None where it has none."""
    if kind in (GAN, KMEANS):
        return None
    return np.asarray(model.transform(x))


def back_of(kind: str, model: Any, x: np.ndarray) -> np.ndarray | None:
    """Rows after coding and decoding (rows, features); None where a model has no decoder."""
    if kind in ("autoencoder", VAE):
        return np.asarray(model.reconstruct(x))
    if kind == PCA:
        return np.asarray(model.inverse_transform(model.transform(x)))
    if kind == KMEANS:
        return np.asarray(model.cluster_centers_[model.predict(x)])
    if kind == RBM:
        found = model.transform(x) @ model.components_ + model.intercept_visible_
        return found * model.scale_ + model.mean_ if model.visible_ == "gaussian" else 1 / (1 + np.exp(-found))
    return None


def strangeness(kind: str, model: Any, x: np.ndarray) -> np.ndarray | None:
    """How strange rows are (rows,), larger for those unlike the training rows; None where a model cannot say.

    The mean squared error of the reconstruction (autoencoder, PCA), minus the bound of log p in nats (VAE), the free
    energy in nats (RBM), the distance to the nearest centre (k-means).
    """
    if kind == VAE:
        return -np.concatenate([model.bound(x[k : k + 500]) for k in range(0, len(x), 500)] or [np.zeros(0)])
    if kind == RBM:
        return np.asarray(model.free_energy(x))
    if kind == KMEANS:
        return np.asarray(model.transform(x).min(1))
    given = back_of(kind, model, x) if kind in ("autoencoder", PCA) else None
    return None if given is None else ((given - x) ** 2).mean(1)


def draw(kind: str, model: Any, count: int, *, mean: bool = False) -> np.ndarray:
    """New rows (count, features), or their means, which are smoother to look at."""
    return np.asarray(model.sample(count) if kind == GAN else model.sample(count, mean=mean))
