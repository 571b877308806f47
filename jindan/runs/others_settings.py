"""Which models there are beside the network of a target, which settings each one takes, and the usual ones."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError

AUTOENCODER, VAE, GAN, RBM, DBN = "autoencoder", "vae", "gan", "rbm", "dbn"
KMEANS, PCA, WORD2VEC = "kmeans", "pca", "word2vec"
STEPS = 3000
"""Updates a small network gets unless told: on tables of 150 to 20,000 rows curves are flat by then."""


@dataclass(frozen=True)
class Kind:
    """One model.

    Attributes:
        estimator: Name of its class in `jindan.estimators`.
        options: Options of `jindan train` that mean something to it, beside those that all take.
        dim: What `--dim` is the number of.
    """

    estimator: str
    options: frozenset[str]
    dim: str


def _kind(estimator: str, options: str, dim: str) -> Kind:
    return Kind(estimator, frozenset(options.split()), dim)


ROWS = "drop numeric test"
KINDS = {
    AUTOENCODER: _kind("Autoencoder", f"dim layers epochs batch_size learning_rate {ROWS}", "numbers of a code"),
    VAE: _kind("VAE", f"dim layers epochs batch_size learning_rate {ROWS}", "numbers of a code"),
    GAN: _kind("GAN", f"dim layers epochs batch_size learning_rate {ROWS}", "numbers of a draw"),
    RBM: _kind("RBM", f"dim epochs batch_size learning_rate {ROWS}", "hidden units"),
    DBN: _kind("DBN", f"layers epochs batch_size learning_rate {ROWS}", ""),
    KMEANS: _kind("KMeans", f"dim {ROWS}", "clusters"),
    PCA: _kind("PCA", f"dim {ROWS}", "components"),
    WORD2VEC: _kind("Word2Vec", "dim epochs learning_rate", "numbers of a vector"),
}
COMMON = frozenset(["data", "target", "seed", "out", "header", "json_out", "quiet", "lang", "model"])
"""Options that every model takes."""
_LAYER = re.compile(r"(\d+)(?:\s+([A-Za-z_]\w*))?")


@dataclass(frozen=True)
class Asked:
    """What the user asked of a model; None where nothing was said.

    Args:
        dim, layers, epochs, batch_size, learning_rate: As on the command line.
    """

    dim: int | None = None
    layers: str | None = None
    epochs: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None


def refuse_meaningless(model: str, given: Collection[str]) -> None:
    """Refuse options that mean nothing to a model.

    Args:
        model: Its name.
        given: Names of the options the user gave.

    Raises:
        InputError: for the first one, by name.

    >>> refuse_meaningless("pca", ["dim", "seed"])
    """
    kind = KINDS[model]
    for name in sorted(given):
        if name in COMMON or name in kind.options:
            continue
        takes = ", ".join(option_name(own) for own in sorted(kind.options))
        raise InputError(
            f"--model {model} takes no {option_name(name)}.", where=option_name(name), expected=takes,
            received=f"{option_name(name)} beside --model {model}", help=f"Leave {option_name(name)} out.",
        )  # fmt: skip


def option_name(name: str) -> str:
    """How an option is typed.

    >>> option_name("batch_size"), option_name("start")
    ('--batch-size', '--from')
    """
    return "--" + {"start": "from", "json_out": "json"}.get(name, name).replace("_", "-")


def parse_sizes(text: str) -> tuple[tuple[int, ...], str | None]:
    """Units of hidden layers, and their one activation.

    Raises:
        InputError: what cannot be read, or activations that differ.

    >>> parse_sizes("256 relu, 128 relu"), parse_sizes("64, 32"), parse_sizes("none")
    (((256, 128), 'relu'), ((64, 32), None), ((), None))
    """
    if text.strip().lower() in ("", "none"):
        return (), None
    found = [_LAYER.fullmatch(part.strip()) for part in text.split(",")]
    bad = next((part for part, match in zip(text.split(","), found, strict=True) if match is None), None)
    sizes = [int(match[1]) for match in found if match]
    names = {match[2] for match in found if match}
    if bad is not None or min(sizes) < 1 or len(names) > 1:
        raise InputError(
            "These hidden layers cannot be read." if len(names) < 2 else "The activations of these layers differ.",
            where="--layers", expected='units, and one activation for all: "256 relu, 128 relu"; or "none"',
            received=repr(text if bad is None else bad.strip()),
            help='Leave the activation out for the usual one: "256, 128".',
        )  # fmt: skip
    return tuple(sizes), names.pop()


def settings_of(model: str, asked: Asked, rows: int, features: int, *, images: bool, real: bool) -> dict[str, Any]:
    """Settings of an estimator: those asked for, the usual ones elsewhere.

    Args:
        model: Its name.
        rows, features: Of the training matrix.
        images: Whether rows are images, of values in [0, 1].
        real: Whether values are real numbers rather than only zeros and ones.

    Raises:
        InputError: a number of codes, components or clusters that the data do not allow.
    """
    dim = _dim(model, asked.dim, rows, features, images)
    if model == KMEANS:
        return {"n_clusters": dim, "n_init": 10}
    if model == PCA:
        return {"n_components": dim}
    batch = asked.batch_size or (64 if rows >= 2000 else 32)
    steps = -(-rows // batch)
    epochs = asked.epochs or int(np.clip(-(-STEPS // steps), 10, 300))
    if model == RBM:
        rate = {} if asked.learning_rate is None else {"learning_rate": asked.learning_rate}
        return {"n_components": dim, "batch_size": batch, "n_iter": epochs, **rate}
    sizes, activation = (
        ((256, 256) if images else (64, 64), None) if asked.layers is None else parse_sizes(asked.layers)
    )
    found: dict[str, Any] = {"batch_size": batch, "n_iter": epochs}
    if asked.learning_rate is not None:
        found["learning_rate"] = asked.learning_rate
    if model == DBN:
        return {**found, **_of_dbn(sizes, activation, asked), "pretrain_iter": epochs, "pretrain_batch_size": batch}
    if asked.layers is not None or model != GAN:
        found |= {"hidden_layer_sizes": sizes} | ({} if activation is None else {"activation": activation})
    if model == GAN:
        return {**found, "latent_dim": dim}
    # The preprocessing has scaled the columns already: zeros and ones of categories shall weigh as they are.
    found |= {"embedding_dim": dim, "scaling": None}
    if model == VAE and real and not images:
        found["likelihood"] = "gaussian"
    return found


def _of_dbn(sizes: tuple[int, ...], activation: str | None, asked: Asked) -> dict[str, Any]:
    if activation not in (None, "sigmoid") or not sizes:
        raise InputError(
            "The hidden layers of a deep belief network are those of its RBMs.", where="--layers",
            expected='units alone: "256, 128"', received=repr(asked.layers), help="Their activation is the sigmoid.",
        )  # fmt: skip
    return {"hidden_layer_sizes": sizes}


def _dim(model: str, dim: int | None, rows: int, features: int, images: bool) -> Any:
    """The number asked for, or the usual one."""
    most = {PCA: min(rows, features), KMEANS: rows}.get(model)
    if dim is not None and most is not None and dim > most:
        raise InputError(
            f"There are not so many {KINDS[model].dim}.", where="--dim", expected=f"1 … {most}", received=dim,
            help=f"{rows} training rows of {features} features give {most} at most.",
        )  # fmt: skip
    usual = {
        AUTOENCODER: 16 if images else 2, VAE: 16 if images else 2, GAN: 16 if images else max(2, min(8, features)),
        RBM: 128 if images else 64, DBN: 0, KMEANS: min(8, rows), PCA: 0.95 if min(rows, features) > 2 else None,
    }  # fmt: skip
    return usual[model] if dim is None else dim
