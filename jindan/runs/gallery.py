"""A set of images – a folder of classes, an archive of arrays – becomes a split and arrays, as a table does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..data import ClassTarget, Preprocessing, Preprocessor, Split, infer_columns, infer_task, split_rows
from ..data.columns import Column
from ..data.images_column import ImageEncoder
from ..data.images_table import CLASS, IMAGE, read_set, table_of
from ..errors import InputError
from .prepare import Prepared


def prepare_images(
    source: str | Path,
    target: Any = None,
    *,
    task: str = "auto",
    preprocessing: Preprocessing | None = None,
    validation: float = 0.2,
    test: float = 0.2,
    seed: int = 0,
) -> Prepared:
    """Read and split; parts that lie beside the training images are validation and test rows as they are.

    Args:
        source: What `holds_images` says yes to.
        target: None or "class": the names of the folders, or the labels.
        task: "auto", "binary" or "multiclass".
        preprocessing: Its `image` and `image_size` say how images are brought to one size.
        validation, test: Shares of the training images kept apart where there is no such part.
        seed: Fixes the split.

    Raises:
        InputError: on what cannot be learnt from.
    """
    config = preprocessing or Preprocessing()
    if target not in (None, CLASS, -1, "-1"):
        raise InputError(
            "The target of a set of images is its classes.", where="--target", expected=f"nothing, or {CLASS!r}",
            received=target, help="Leave it out. To predict a number, name the images in a column of a table.",
        )  # fmt: skip
    if config.image == "drop":
        raise InputError("The images themselves cannot be dropped.", where="preprocessing", received='image="drop"')
    images = read_set(source, size=config.image_size, fit=config.image)
    frame, places = table_of(images, source)
    if len(set(frame[CLASS])) < 2:
        raise InputError(
            "There is only one class.", where=source, expected="at least two folders of images, one a class",
            received=", ".join(images.classes) or "no class", help="Add images of what it is to be told apart from.",
        )  # fmt: skip
    if task == "regression":
        raise InputError(
            "Classes of images are no numbers.", where="--task", expected="auto, binary or multiclass",
            received=task, help="To predict a number, name the images in a column of a table.",
        )  # fmt: skip
    encoder = ClassTarget.fit(frame[CLASS])
    kind = task if task != "auto" else "binary" if len(encoder.classes) == 2 else "multiclass"
    codes = np.asarray(encoder.encode(frame[CLASS]))
    split = _split(places, codes, validation, test, seed)
    size = images.shape
    count = len(split.train)
    reader = ImageEncoder(IMAGE, *size, config.image, count, 0)
    n = len(frame)
    columns = (
        Column(IMAGE, "image", "image", n, 0, n),
        *infer_columns(frame.select(CLASS), target=CLASS),
    )
    return Prepared(
        name=images.name, path=str(source), frame=frame, target=CLASS, columns=columns,
        task=infer_task(frame[CLASS], kind), split=split, numbers=np.arange(n),
        preprocessor=Preprocessor(config, (reader,)), encoder=encoder, x=reader.rows(frame[IMAGE]), encoded=codes,
        truth=codes, images=True,
    )  # fmt: skip


def _split(places: dict[str, np.ndarray], codes: np.ndarray, validation: float, test: float, seed: int) -> Split:
    """The parts there are; what is missing is taken from the training rows."""
    rows = places["train"]
    shares = {"validation": validation, "test": test}
    wanted = {name: 0.0 if name in places else share for name, share in shares.items()}
    made = split_rows(len(rows), **wanted, seed=seed, stratify=codes[rows])
    parts = {name: places.get(name, rows[getattr(made, name)]) for name in shares}
    return Split(rows[made.train], parts["validation"], parts["test"])
