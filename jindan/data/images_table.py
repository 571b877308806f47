"""A set of images as a table: one row an image, with its file, its bytes and its class."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from jindan.data.images import Images, read_images
from jindan.data.images_column import ImageEncoder, at_most
from jindan.data.images_files import Form, decode_files, is_idx_name, is_image_name, settle_form
from jindan.data.lazy import pl
from jindan.errors import InputError

if TYPE_CHECKING:
    import polars

FILE, IMAGE, CLASS = "file", "image", "class"
"""The columns of such a table."""
_TABLES = (".csv", ".tsv", ".parquet")


def holds_images(source: Any) -> bool:
    """Whether a path is that of images rather than of a table: a folder, an archive of arrays, an image.

    A folder with a table in it is none, unless it holds folders of classes as well.

    >>> holds_images("digits.npz"), holds_images("data.csv")
    (True, False)
    """
    if not isinstance(source, (str, Path)):
        return False
    path = Path(source).expanduser()
    if path.is_dir():
        inner = [p for p in path.iterdir() if not p.name.startswith(".")]
        if any(p.suffix.lower() in _TABLES for p in inner):
            # A table with its one folder of images is not a folder of classes.
            return sum(p.is_dir() for p in inner) > 1 or any(is_idx_name(p.name) for p in inner)
        return True
    return path.suffix in (".npz", ".npy") or is_image_name(path.name) or is_idx_name(path.name)


def read_set(source: str | Path, *, size: Any = None, fit: str = "crop") -> Images:
    """The images at a path for a network: of a size asked for, else of the commonest, at most 64 pixels a side.

    Raises:
        FileError, InputError: as `read_images`.
    """
    path = Path(source).expanduser()
    if size is None and path.is_dir():
        files = [p for p in sorted(path.rglob("*")) if is_image_name(p.name) and not p.name.startswith(".")]
        size = at_most(settle_form(files).size) if files else None
    return read_images(path, size=size, fit=fit)


def frame_of(images: Images, folder: Path | None = None) -> polars.DataFrame:
    """The table: `file` (relative to the folder; the number of the image where there are no files), `image` (bytes),
    and `class` where there are labels.

    >>> frame_of(read_images(np.zeros((2, 4, 4)), ["cat", "dog"])).select("file", "class").rows()
    [('1', 'cat'), ('2', 'dog')]
    """
    names = [_short(p, folder) for p in images.paths] or [str(i + 1) for i in range(len(images))]
    cells: dict[str, Any] = {FILE: names, IMAGE: pl.Series(IMAGE, [row.tobytes() for row in images.rows], pl.Binary)}
    if images.labels is not None:
        cells[CLASS] = [images.classes[k] for k in images.labels]
    return pl.DataFrame(cells)


def as_seen_by(encoder: ImageEncoder, source: Any) -> polars.DataFrame:
    """The table of images in the size a network sees.

    Args:
        encoder: Of the network's images.
        source: What `read_images` takes. Files of a folder that cannot be read are left out with a warning; of a list,
            refused, since its rows are counted on.
    """
    size = (encoder.height, encoder.width)
    if isinstance(source, Sequence) and not isinstance(source, str):
        paths = [Path(p).expanduser() for p in source]
        rows, broken, _ = decode_files(paths, Form(size, encoder.channels), encoder.fitting)
        if broken:
            raise InputError(
                f"{len(broken)} of {len(paths)} images cannot be read.", where="the list of files",
                expected="paths of whole image files", received="; ".join(f"{p} ({why})" for p, why in broken[:5]),
                help="Correct the paths, or leave these out.",
            )  # fmt: skip
        return frame_of(Images("images", rows, paths=tuple(map(str, paths))))
    images = read_images(source, size=size, channels=encoder.channels, fit=encoder.fitting)
    if images.shape[:2] != size:
        raise InputError(
            "The images have another size than those of the training.", where=images.name,
            expected=f"{size[0]} × {size[1]} pixels", received=f"{images.shape[0]} × {images.shape[1]}",
            help="Bring the arrays to that size first; image files are brought to it by themselves.",
        )  # fmt: skip
    if images.parts and isinstance(source, (str, Path)):
        raise InputError(
            "The folder holds several parts.", where=source, expected="the images of one part",
            received=", ".join(("train", *images.parts)), help=_help(source, images),
        )  # fmt: skip
    return frame_of(images, Path(source) if isinstance(source, (str, Path)) else None)


def _help(source: str | Path, images: Images) -> str:
    folder = Path(source)
    return f"Give one of them: {folder / 'test'}." if folder.is_dir() else "Give the arrays of one part."


def _short(path: str, folder: Path | None) -> str:
    # One file given by itself lies in no folder: it keeps the name it was given by.
    if folder is not None and Path(path) != folder and Path(path).is_relative_to(folder):
        return str(Path(path).relative_to(folder))
    return path


def table_of(images: Images, source: Any) -> tuple[polars.DataFrame, dict[str, np.ndarray]]:
    """Training images and the parts beside them as one table, and the row numbers of each part.

    Raises:
        InputError: images without classes.
    """
    sets = {"train": images, **images.parts}
    for name, part in sets.items():
        if part.labels is None:
            raise InputError(
                "The images have no classes.", where=f"{images.name}, {name}",
                expected="one folder of images for each class, or labels beside the arrays",
                received=f"{len(part)} images without labels", help="Sort them into folders named after their classes.",
            )  # fmt: skip
    ends = np.cumsum([len(part) for part in sets.values()])
    places = {name: np.arange(end - len(part), end) for end, (name, part) in zip(ends, sets.items(), strict=True)}
    folder = Path(source).expanduser()
    frame = pl.concat([frame_of(part, folder) for part in sets.values()])
    if not images.paths:
        frame = frame.with_columns(pl.Series(FILE, [str(i + 1) for i in range(len(frame))]))
    return frame, places
