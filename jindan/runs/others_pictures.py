"""What the report of a model without a target shows, as plain values: pictures, samples, maps, filters, clusters."""

from __future__ import annotations

import base64
from collections import Counter
from typing import Any

import numpy as np

from ..data import Preprocessor
from ..report.charts_points import group_names
from ..report.png import png
from .others_figures import judged
from .others_rows import NONE, Rows
from .others_settings import AUTOENCODER, DBN, GAN, KMEANS, PCA, RBM, VAE
from .others_train import Fitted, back_of, codes_of, draw

SHOWN, ACROSS = 20, 10
"""Images of a picture, and in a line of it."""
POINTS = 1500
"""Points of a map."""
GROUPS = 10
"""Labels with a colour of their own."""
WEIGHTS = 40
"""Filters shown."""


def pictures(kind: str, fitted: Fitted, rows: Rows, seed: int) -> dict[str, Any]:
    """The parts of a record that are drawn, by name; what a model has not is not there."""
    model = fitted.model
    found: dict[str, Any] = {
        "reconstructions": reconstructions(kind, model, rows) if kind != KMEANS else None,
        "samples": samples(kind, model, rows) if kind in (VAE, GAN, RBM, DBN) else None,
        "map": latent_map(kind, model, rows, seed),
        "filters": filters(kind, model, rows),
        "clusters": clusters(fitted, rows) if kind == KMEANS else None,
        "components": components(model, rows) if kind == PCA else None,
    }
    return {name: value for name, value in found.items() if value}


def sheet(images: np.ndarray, across: int = ACROSS) -> str:
    """Images side by side in lines, a pixel apart, as a PNG in base64.

    Args:
        images: (n, height, width, 1 or 3) uint8.
        across: Images in a line.
    """
    n, height, width, channels = images.shape
    across = min(across, n)
    lines = -(-n // across)
    page = np.full((lines * (height + 1) + 1, across * (width + 1) + 1, channels), 128, np.uint8)
    for place, image in enumerate(images):
        y, x = (place // across) * (height + 1) + 1, (place % across) * (width + 1) + 1
        page[y : y + height, x : x + width] = image
    return base64.b64encode(png(page)).decode()


def reconstructions(kind: str, model: Any, rows: Rows) -> dict[str, Any] | None:
    """Images beside what is left of them; of a table the share of each column's variation that is kept."""
    places = judged(rows)
    if rows.images:
        some = _spread(places, ACROSS, rows)
        given = back_of(kind, model, rows.x[some])
        if given is None:
            return None
        both = np.concatenate([rows.reader.back(rows.x[some]), rows.reader.back(given)])
        return {"sheet": sheet(both, len(some)), "count": len(some)}
    x = rows.x[places]
    given = back_of(kind, model, x)
    if given is None:
        return None
    middle = rows.x[rows.train].mean(0, dtype=np.float64)
    total = ((x - middle) ** 2).sum(0, dtype=np.float64)
    left = ((x - given) ** 2).sum(0, dtype=np.float64)
    share = [[name, float(1 - left[own].sum() / total[own].sum())]
             for name, own in features_of(rows.reader.preprocessor) if total[own].sum() > 0]  # fmt: skip
    return {"columns": sorted(share, key=lambda pair: -pair[1])}


def features_of(preprocessor: Preprocessor) -> list[tuple[str, list[int]]]:
    """Each column of the table, and the places of its features: a category's zeros and ones belong together.

    >>> import polars as pl
    >>> from jindan.data import fit_preprocessor
    >>> features_of(fit_preprocessor(pl.DataFrame({"who": ["a", "b"], "x": [1.0, 3.0]})))
    [('who', [1, 2]), ('x', [0])]
    """
    encoders = preprocessor.encoders
    if preprocessor.config.numeric == "whiten-pca":
        return [(name, [k]) for k, name in enumerate(preprocessor.feature_names)]
    found, at, place = [], 0, sum(len(e.number_names()) for e in encoders)
    for encoder in encoders:
        own, more = len(encoder.number_names()), len(encoder.flag_names())
        found.append((encoder.name, [*range(at, at + own), *range(place, place + more)]))
        at, place = at + own, place + more
    return found


def samples(kind: str, model: Any, rows: Rows) -> dict[str, Any]:
    """New images; or new rows of a table, and means and deviations beside those of the training rows."""
    if rows.images:
        return {"sheet": sheet(rows.reader.back(draw(kind, model, SHOWN, mean=True)))}
    drawn = draw(kind, model, 500)
    table = rows.reader.back(drawn)
    again, train = rows.reader.matrix(table), rows.x[rows.train]
    compare = [
        [name, *(float(v) for v in (train[:, k].mean(), again[:, k].mean(), train[:, k].std(), again[:, k].std()))]
        for k, name in enumerate(rows.reader.names)
    ]
    shown = table.head(10)
    return {"names": shown.columns, "rows": [list(map(_cell, row)) for row in shown.rows()], "compare": compare}


def latent_map(kind: str, model: Any, rows: Rows, seed: int) -> dict[str, Any] | None:
    """Rows as points: by a code of two numbers, else by its first two principal components; coloured by the label."""
    places = np.sort(np.random.default_rng(seed).permutation(len(rows.x))[:POINTS])
    x, extra = rows.x[places], None
    codes = codes_of(kind, model, x)
    if codes is None:
        codes = x
        extra = model.cluster_centers_ if kind == KMEANS else draw(kind, model, min(len(x), 500))
    codes = np.asarray(codes, np.float64)
    if codes.shape[1] == 1:
        codes = np.concatenate([codes, np.zeros_like(codes)], 1)
        extra = None if extra is None else np.concatenate([extra, np.zeros_like(extra)], 1)
    if not np.isfinite(codes).all():
        return None
    named = (kind in (AUTOENCODER, VAE, PCA) and codes.shape[1] == 2) or kind == PCA
    share = None
    if codes.shape[1] > 2 and kind != PCA:
        middle = codes.mean(0)
        _, size, axes = np.linalg.svd(codes - middle, full_matrices=False)
        share = float((size[:2] ** 2).sum() / max(float((size**2).sum()), 1e-300))
        extra = None if extra is None else (extra - middle) @ axes[:2].T
        codes = (codes - middle) @ axes[:2].T
    group, label = _groups(kind, model, rows, x, places)
    points = {"x": codes[:, 0].tolist(), "y": codes[:, 1].tolist(), "group": group, "label": label}
    if extra is not None and np.isfinite(extra).all():
        points["more"] = {"x": extra[:, 0].tolist(), "y": extra[:, 1].tolist(), "of": kind}
    return {**points, "axes": "code" if named else "components", "share": share}


def _groups(kind: str, model: Any, rows: Rows, x: np.ndarray, places: np.ndarray) -> tuple[list[str], str | None]:
    """What colours the points: clusters, else the label; rare labels and ranges of numbers are put together."""
    if kind == KMEANS:
        return [str(k) for k in model.predict(x)], "cluster"
    if rows.labels is None:
        return [], None
    own = [rows.labels[k] for k in places]
    if len(set(own)) > GROUPS:
        try:
            values = np.array([np.nan if v == NONE else float(v) for v in own])
        except ValueError:
            common = {name for name, _ in Counter(own).most_common(GROUPS - 1)}
            own = [name if name in common else "…" for name in own]
        else:
            edges = np.unique(np.nanquantile(values, np.linspace(0, 1, 6)))
            inner = np.searchsorted(edges[1:-1], values, side="right")
            own = [NONE if np.isnan(v) else f"{edges[k]:.3g} … {edges[k + 1]:.3g}"
                   for v, k in zip(values, inner, strict=True)]  # fmt: skip
    return own, rows.label


def filters(kind: str, model: Any, rows: Rows) -> dict[str, Any] | None:
    """Weights of the first layer (inputs, units), the strongest units first: as images, else as a table."""
    kernel = _kernel(kind, model)
    if kernel is None or kernel.shape[0] != rows.x.shape[1] or not np.isfinite(kernel).all():
        return None
    order = np.argsort(-np.linalg.norm(kernel, axis=0), kind="stable")
    if rows.images:
        chosen = kernel[:, order[:WEIGHTS]].T
        return {"sheet": sheet(_grey(chosen, rows)), "count": len(chosen), "of": kernel.shape[1]}
    names = rows.reader.names
    if len(names) > 30:
        return None
    chosen = kernel[:, order[:8]]
    return {
        "rows": list(names), "columns": [f"{int(k)}" for k in order[:8]], "of": kernel.shape[1],
        "matrix": (chosen / max(float(np.abs(chosen).max()), 1e-300)).tolist(),
    }  # fmt: skip


def _kernel(kind: str, model: Any) -> np.ndarray | None:
    if kind == RBM:
        return np.asarray(model.components_.T)
    if kind == DBN:
        stack = model.stack_
        return None if stack is None else np.asarray(stack.params[0]["kernel"])
    if kind in (AUTOENCODER, VAE):
        first = next((w["kernel"] for w in model.model_.model.ready_weights() if "kernel" in w), None)
        return None if first is None else np.asarray(first)
    return None


def _grey(weights: np.ndarray, rows: Rows) -> np.ndarray:
    """Weights (n, features) as images, each on a scale of its own with 0 in the middle."""
    shape = rows.reader.shape or (1, 1, 1)
    most = np.abs(weights).max(1, keepdims=True)
    scaled = 127.5 + 127.5 * weights / np.where(most > 0, most, 1)
    return np.asarray(np.clip(np.rint(scaled), 0, 255).astype(np.uint8).reshape(len(weights), *shape))


def clusters(fitted: Fitted, rows: Rows) -> dict[str, Any]:
    """Sizes, centres in the table's own units or as images, which labels lie in which cluster, and k's silhouettes."""
    model, train = fitted.model, rows.train
    labels = model.labels_
    count = len(model.cluster_centers_)
    found: dict[str, Any] = {"sizes": np.bincount(labels, minlength=count).tolist()}
    if rows.images:
        found["sheet"] = sheet(rows.reader.back(model.cluster_centers_))
    else:
        table = rows.reader.back(model.cluster_centers_)
        found |= {"names": table.columns, "centres": [list(map(_cell, row)) for row in table.rows()]}
    if rows.labels is not None:
        own = [rows.labels[k] for k in train]
        names = group_names(own)
        if len(names) <= GROUPS:
            found["labels"], found["label"] = names, rows.label
            found["cross"] = [[int(sum(labels[i] == k and own[i] == name for i in range(len(own)))) for name in names]
                              for k in range(count)]  # fmt: skip
    if fitted.choice:
        found["choice"] = fitted.choice
    return found


def components(model: Any, rows: Rows) -> dict[str, Any]:
    """The share of the variance along each component, and what each is made of."""
    ratio = np.asarray(model.explained_variance_ratio_, np.float64)
    found: dict[str, Any] = {"ratio": ratio[:30].tolist(), "count": len(ratio), "sum": float(ratio.sum())}
    directions = np.asarray(model.components_)
    if rows.images:
        return {**found, "sheet": sheet(_grey(directions[:SHOWN], rows))}
    names = rows.reader.names
    chosen = np.argsort(-np.abs(directions[:3]).max(0), kind="stable")[:30]
    return {**found, "names": [names[k] for k in chosen], "loadings": directions[:8][:, chosen].T.tolist()}


def _spread(places: np.ndarray, count: int, rows: Rows) -> np.ndarray:
    """Some of the rows, of every label where there are labels."""
    if rows.labels is None:
        return places[:count]
    own = [rows.labels[k] for k in places]
    first = [own.index(name) for name in sorted(set(own))][:count]
    rest = [k for k in range(len(places)) if k not in set(first)]
    return places[np.array([*first, *rest][:count], int)]


def _cell(value: Any) -> str:
    if value is None:
        return NONE
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text.replace("-", "−") if isinstance(value, (int, float)) else text
