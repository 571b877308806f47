"""Parts of NeuralOneShot: its settings checked, its network made of them, its folder written and read."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, InputError
from ..layers import Layer
from ..layers.network import Network
from ..models import estimator_files, folders, saving
from ..models.model import Model
from ..models.oneshot import METHODS, trunk
from ..models.oneshot_gallery import Gallery
from ..spec import from_json, to_json
from .settings import check_settings, whole, wholes

ARRAYS = "gallery.safetensors"
FILTERS, HIDDEN, EMBEDDING = (32, 64, 64, 64), (128,), 64
WHOLE = {"ways": 2, "shots": 1, "queries": 1, "n_episodes": 1}


def check(model: Any) -> None:
    """Raise an InputError for the first setting that cannot be used."""
    images = model.image_shape is None or (wholes(model.image_shape) and len(model.image_shape) in (2, 3))
    hidden = model.hidden_layer_sizes is None or wholes(model.hidden_layer_sizes)
    check_settings(model, {
        "method": (model.method in METHODS, '"prototypical" or "siamese"'),
        **{name: (whole(getattr(model, name), least), f"an integer >= {least}") for name, least in WHOLE.items()},
        "filters": (model.filters is None or wholes(model.filters), "(32, 64), say; () for none"),
        "hidden_layer_sizes": (hidden, "(128,), say; () for none"),
        "embedding_dim": (model.embedding_dim is None or whole(model.embedding_dim, 1), ">= 1, or None"),
        "layers": (model.layers is None or _layers(model.layers), "layers of jindan, or None"),
        "augmentation": (_layers(model.augmentation), "layers of jindan; () for none"),
        "image_shape": (images, "(height, width) or (height, width, channels)"),
        "scaling": (model.scaling in ("auto", "columns", "common", None), '"auto", "columns", "common" or None'),
        "learning_rate": (model.learning_rate > 0, "> 0"),
    })  # fmt: skip


def shape_of(X: Any, image_shape: Any) -> tuple[int, ...]:
    """(height, width, channels) of images, or () for rows of numbers that are no images."""
    shape = np.shape(X)[1:] if len(getattr(X, "shape", ())) > 2 else tuple(image_shape or ())
    if len(shape) > 3:
        raise InputError("The images have too many axes.", where="X", expected="(n, height, width[, channels])",
                         received=np.shape(X))  # fmt: skip
    shape = tuple(int(n) for n in shape)
    return (*shape, 1) if len(shape) == 2 else shape


def flat(X: Any) -> Any:
    """Images as rows of numbers; anything else as it is."""
    found = np.asarray(X) if isinstance(X, (list, tuple)) and np.ndim(X) > 2 else X
    return found.reshape(len(found), -1) if len(getattr(found, "shape", ())) > 2 else found


def moments(X: np.ndarray, scaling: str | None, *, images: bool) -> tuple[np.ndarray, np.ndarray]:
    """What rows are scaled by: a mean and a standard deviation for each column, or one for all."""
    wanted = ("common" if images else "columns") if scaling == "auto" else scaling
    if wanted is None:
        return np.zeros(1, X.dtype), np.ones(1, X.dtype)
    axis = 0 if wanted == "columns" else None
    mean, spread = (np.atleast_1d(f(X, axis=axis, dtype=np.float64)) for f in (np.mean, np.std))
    return mean.astype(X.dtype), np.where(spread > 1e-6 * np.abs(mean), spread, 1).astype(X.dtype)


def network_of(model: Any, shape: tuple[int, ...]) -> Network:
    """The embedding that the settings ask for, for rows of a shape."""
    found = model.layers
    if found is None:
        images = len(shape) == 3
        most = int(math.log2(min(shape[:2]))) if images else 0
        filters = FILTERS[:most] if model.filters is None else model.filters
        hidden = (() if images else HIDDEN) if model.hidden_layer_sizes is None else model.hidden_layer_sizes
        size = (None if images else EMBEDDING) if model.embedding_dim is None else model.embedding_dim
        found = trunk(shape, filters=filters, hidden=hidden, embedding=size)
    return Network((*model.augmentation, *found), shape)


def write(path: str | Path, model: Any) -> None:
    """A folder with a NeuralOneShot, whole or not at all."""
    settings, _ = estimator_files.plain(to_json(model.get_params(deep=False)), {}, model)
    gallery = model.gallery_
    facts = {
        "shape": list(model.shape_), "enrolled": model.enrolled_, "similarity": gallery.similarity,
        "labels": gallery.labels.tolist(), "labels_dtype": gallery.labels.dtype.str,
        "history": saving.history_json(model.history_),
    }  # fmt: skip
    arrays = {
        "mean": model.mean_, "scale": model.scale_, "center": model.center_, "codes": gallery.codes,
        "embeddings": gallery.embeddings, **{f"head.{name}": value for name, value in gallery.head.items()},
    }  # fmt: skip
    run = saving.run_of(model.model_.plan, model.shape_, model.model_.ready_weights())
    own = {"class": type(model).__name__, "settings": settings, "facts": facts}
    with folders.whole_folder(path) as folder:
        saving.write_run(folder, run, extra={"compiled": False, "estimator": own})
        folders.write_arrays(folder / ARRAYS, arrays)


def read(path: str | Path, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Undo `write`: settings, and what fitting and enrolling made.

    Raises:
        FileError: when the folder holds no such estimator, or a damaged one.
    """
    run, body = saving.read_run(path)
    found = body.get("estimator")
    if not isinstance(found, dict) or found.get("class") != name:
        raise FileError("This folder holds no such model.", where=path, expected=f"{name} saved by jindan",
                        received=(found or {}).get("class", "another model"),
                        help="jindan.load reads any model's network.")  # fmt: skip
    arrays = folders.read_arrays(Path(path) / ARRAYS)
    try:
        settings, facts = dict(found["settings"]), found["facts"]
        names = settings.pop("feature_names", None)
        for key in ("layers", "augmentation"):
            if settings[key] is not None:
                settings[key] = [from_json("layer", layer) for layer in settings[key]]
        gallery = Gallery(facts["similarity"], {k[5:]: arrays[k] for k in arrays if k.startswith("head.")})
        dtype = facts["labels_dtype"]
        gallery.labels = np.array(facts["labels"], object if dtype == "|O" else dtype)
        gallery.embeddings, gallery.codes = arrays["embeddings"], arrays["codes"]
        made = {
            "shape_": tuple(facts["shape"]), "enrolled_": facts["enrolled"], "gallery_": gallery,
            "history_": saving.history_of(facts["history"]), "model_": Model.from_run(run),
            "mean_": arrays["mean"], "scale_": arrays["scale"], "center_": arrays["center"],
            "n_features_in_": math.prod(facts["shape"]),
            **({} if names is None else {"feature_names_in_": np.array(names, object)}),
        }  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise folders.damaged(Path(path) / folders.PLAN, error, "Train again, or restore the folder.") from None
    return settings, made


def _layers(value: Any) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(layer, Layer) for layer in value)
