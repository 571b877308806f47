"""What a model without a target is worth, in figures of rows it was not trained on, each beside something simple."""

from __future__ import annotations

from typing import Any

import numpy as np

from .others_rows import NONE, Rows
from .others_settings import AUTOENCODER, DBN, GAN, KMEANS, RBM, VAE
from .others_train import Fitted, back_of, draw

MOST = 1000
"""Rows the costly figures are taken from."""
FEWEST = 20
"""Rows a comparison of samples needs at least: of fewer, chance says nearly everything."""


def judged(rows: Rows) -> np.ndarray:
    """Numbers of the rows to judge on: those held out, else the training rows."""
    return rows.test if len(rows.test) else rows.train


def figures(kind: str, fitted: Fitted, rows: Rows, seed: int) -> dict[str, float]:
    """Figures of a model on the rows held out.

    Returns:
        By name: "kept", "kept_pca" (share of the variation a reconstruction keeps; by as many principal components),
        "error" (mean squared), "bound" and "divergence" (nats a row), "log_likelihood" and
        "log_likelihood_independent" (nats a row; of columns taken one by one), "told_apart" (see there), "silhouette",
        "agreement" (adjusted Rand index with the labels; Hubert and Arabie 1985), "inertia".
    """
    model, x = fitted.model, rows.x[judged(rows)]
    found: dict[str, float] = {}
    given = back_of(kind, model, x)
    middle = rows.x[rows.train].mean(0, dtype=np.float64)
    if given is not None:
        found |= {"kept": kept(x, given, middle), "error": float(((given - x) ** 2).mean(dtype=np.float64))}
    if kind in (AUTOENCODER, VAE):
        found |= _beside_pca(rows, x, int(model.embedding_dim), middle)
    if kind == VAE:
        some = x[:MOST]
        found |= {"bound": float(np.mean(model.bound(some))), "divergence": float(np.mean(model.terms(some)[1]))}
    if kind == RBM:
        found |= _likelihood(model, rows.x[rows.train], x)
    if kind in (VAE, GAN, RBM, DBN):
        found |= told_apart(rows, draw(kind, model, min(len(x), 500), mean=rows.images), x[:500])
    if kind == KMEANS:
        found |= _clusters(model, rows, x, seed)
    return {name: value for name, value in found.items() if np.isfinite(value)}


def kept(x: np.ndarray, given: np.ndarray, middle: np.ndarray) -> float:
    """1 − Σ (x − x̂)² / Σ (x − mean of the training rows)²: the share of the variation that is kept.

    >>> kept(np.array([[0.0], [2.0]]), np.array([[0.0], [1.0]]), np.array([1.0]))
    0.5
    """
    total = ((x - middle) ** 2).sum(dtype=np.float64)
    return float(1 - ((x - given) ** 2).sum(dtype=np.float64) / total) if total > 0 else float("nan")


def told_apart(rows: Rows, samples: np.ndarray, real: np.ndarray) -> dict[str, float]:
    """How often a judge by the nearest neighbour tells samples from rows held out: ½ is the best, 1 the worst.

    Each of as many samples and real rows is judged by the one nearest it among all others (Lopez-Paz and Oquab,
    "Revisiting classifier two-sample tests", 2017). Below ½, samples lie nearer to one rows' than these to each other.

    Returns:
        {"told_apart": share right}, or nothing where there are fewer than 20 rows.
    """
    from sklearn.neighbors import NearestNeighbors

    count = min(len(samples), len(real))
    if count < FEWEST or not np.isfinite(samples).all():
        return {}
    if not rows.images:
        # As a table has them: whole numbers, one category a row.
        samples = rows.reader.matrix(rows.reader.back(samples))
    both = np.concatenate([samples[:count], real[:count]])
    near = NearestNeighbors(n_neighbors=1).fit(both).kneighbors(return_distance=False)[:, 0]
    side = np.arange(2 * count) < count
    return {"told_apart": float(np.mean(side == side[near]))}


def _beside_pca(rows: Rows, x: np.ndarray, dim: int, middle: np.ndarray) -> dict[str, float]:
    from ..estimators import PCA as Components

    train = rows.x[rows.train]
    simple = Components(min(dim, *train.shape), random_state=0).fit(train)
    return {"kept_pca": kept(x, simple.inverse_transform(simple.transform(x)), middle)}


def _likelihood(model: Any, train: np.ndarray, x: np.ndarray) -> dict[str, float]:
    """log p of an RBM and of its columns one by one; nothing for values between 0 and 1, which are no states."""
    x = x[:MOST]
    if model.visible_ == "gaussian":
        mean, spread = train.mean(0, dtype=np.float64), np.maximum(train.std(0, dtype=np.float64), 1e-6)
        alone = -0.5 * ((x - mean) / spread) ** 2 - np.log(spread) - 0.5 * np.log(2 * np.pi)
    elif np.isin(train, (0, 1)).all():
        share = (train.sum(0, dtype=np.float64) + 0.5) / (len(train) + 1)
        alone = np.where(x > 0.5, np.log(share), np.log1p(-share))
    else:
        return {}
    own = float(np.mean(model.log_likelihood(x)))
    return {"log_likelihood": own, "log_likelihood_independent": float(alone.sum(1).mean())}


def _clusters(model: Any, rows: Rows, x: np.ndarray, seed: int) -> dict[str, float]:
    from sklearn.metrics import adjusted_rand_score, silhouette_score

    some = np.random.default_rng(seed).permutation(judged(rows))[:MOST]
    labels = model.predict(rows.x[some])
    found = {"inertia": float(-model.score(x))}
    if 1 < len(set(labels.tolist())) < len(labels):
        found["silhouette"] = float(silhouette_score(rows.x[some], labels))
    if rows.labels is not None:
        own = np.array(rows.labels, object)[some]
        there = own != NONE
        # Numbers for labels are no classes.
        if there.any() and 1 < len(set(own[there])) <= 50:
            found["agreement"] = float(adjusted_rand_score(own[there].astype(str), labels[there]))
    return found
