"""Images in: a folder of classes, idx files, NumPy arrays → rows of bytes, labels, names."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jindan.data.images_arrays import archive, as_bytes, find_array, load_numpy, natural, numbered
from jindan.data.images_files import (
    SUFFIXES,
    Broken,
    Form,
    decode_files,
    is_idx_name,
    is_image_name,
    read_idx,
    settle_form,
)
from jindan.errors import FileError, InputError, JindanWarning

PARTS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "val"),
    "test": ("test", "testing"),
}
"""What the folders of the parts of a data set may be called."""
_IDX_PARTS = {"train": "train", "test": "t10k"}
_IMAGES = ("images", "x", "data", "arr_0")
_LABELS = ("labels", "label", "y", "targets", "arr_1")


@dataclass(frozen=True, eq=False)
class Images:
    """A set of images of one size.

    Attributes:
        name: Of the folder or file.
        rows: (n, height, width, channels) uint8.
        labels: (n,) int32 class numbers; None where there are none.
        classes: Names of the classes, by number.
        paths: The file of each row; () where they came from an array.
        broken: (path, reason) of files that could not be read; they have no row.
        others: Files that are no images by their names, and were passed over.
        parts: "validation" and "test" sets that lay beside the training set, with the same classes.
    """

    name: str
    rows: NDArray[np.uint8]
    labels: NDArray[np.int32] | None = None
    classes: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    broken: Broken = ()
    others: tuple[str, ...] = ()
    parts: Mapping[str, Images] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of one image."""
        height, width, channels = self.rows.shape[1:]
        return (height, width, channels)

    def summary(self) -> dict[str, Any]:
        """Plain numbers about the set, that JSON can hold."""
        counts = np.bincount(self.labels, minlength=len(self.classes)).tolist() if self.labels is not None else []
        return {
            "name": self.name,
            "images": len(self),
            "shape": list(self.shape),
            "bytes": int(self.rows.nbytes),
            "classes": dict(zip(self.classes, counts, strict=True)),
            "broken": [list(pair) for pair in self.broken],
            "others": len(self.others),
            "parts": {name: part.summary() for name, part in self.parts.items()},
        }


def read_images(
    source: Any,
    labels: Any = None,
    *,
    size: Any = None,
    channels: int | None = None,
    fit: str = "crop",
    memory: int | None = None,
) -> Images:
    """Read a set of images.

    Args:
        source: A folder `class/image.png` (also `train/class/image.png` beside `test/…` and `validation/…`), a folder
            of images without classes, a folder of idx files (MNIST), one idx file, .npz, .npy, one image, a list of
            image files, or an array (n, height, width) or (n, height, width, channels).
        labels: Class numbers or names, one an image, where the source has none.
        size: (height, width) or one number; None takes the commonest size. Arrays keep theirs.
        channels: 1 or 3; None takes grey if no image has colours.
        fit: How images of another size are brought to it: "crop" (proportions stay, the middle is cut out) or
            "stretch".
        memory: Most bytes the images may need; None is half of the machine's memory.

    Raises:
        FileError: nothing there, or nothing that can be read.
        InputError: classes that do not fit, or images that would not fit into memory.

    Warns:
        JindanWarning: some files cannot be read; `broken` names them all.

    >>> images = read_images(np.zeros((3, 4, 5)), ["cat", "dog", "cat"])
    >>> images.rows.shape, images.labels.tolist(), images.classes
    ((3, 4, 5, 1), [0, 1, 0], ('cat', 'dog'))
    """
    how = _How(size, channels, fit, memory)
    several = isinstance(source, Sequence) and bool(source) and all(isinstance(s, (str, Path)) for s in source)
    if isinstance(source, (str, Path)):
        if labels is not None:
            raise InputError(
                "Labels go with an array or a list of files.", where="labels", expected="no labels beside a path",
                received=str(source), help="Put the images into one folder a class, or give a list of files.",
            )  # fmt: skip
        return _from_path(Path(source).expanduser(), how)
    if several:
        files = [Path(s).expanduser() for s in source]
        if labels is None:
            return _from_files("images", files, how)
        numbers, classes = numbered(labels, len(files))
        return replace(_from_files("images", files, how, numbers), classes=classes)
    rows = as_bytes(np.asarray(source), "the given array")
    if labels is None:
        return Images("images", rows)
    return Images("images", rows, *numbered(labels, len(rows)))


@dataclass(frozen=True)
class _How:
    """The settings of `read_images`."""

    size: Any
    channels: int | None
    fit: str
    memory: int | None


def _from_path(path: Path, how: _How) -> Images:
    name = path.name.removesuffix(".gz")
    if not path.exists():
        raise FileError(
            "There is nothing at that path.", where=path, expected="a folder of images, .npz, .npy or idx file",
            received=str(path), help="Look at how the folder is written.",
        )  # fmt: skip
    if path.is_file():
        if path.suffix == ".npz":
            return _from_npz(path)
        if path.suffix == ".npy":
            return Images(path.stem, as_bytes(load_numpy(path), str(path)))
        if is_idx_name(name):
            return _from_idx(path)
        if is_image_name(path.name):
            return _from_files(path.stem, [path], how)
        raise FileError(
            "Files of this type hold no images.", where=path, expected=f".npz, .npy, idx, or {', '.join(SUFFIXES)}",
            received=path.name, help="Give a folder with one folder of images for each class.",
        )  # fmt: skip
    if any(is_idx_name(p.name, "3") for p in path.iterdir()):
        return _from_idx_folder(path)
    parts = {part: next((path / n for n in names if (path / n).is_dir()), None) for part, names in PARTS.items()}
    if parts["train"] is None:
        return _from_folder(path, how)
    found: dict[str, Images] = {}
    for part, folder in parts.items():
        if folder is not None:
            inner = found.get("train")
            # The training images decide size, channels and classes for the others.
            fixed = replace(how, size=inner.shape[:2], channels=inner.shape[2]) if inner else how
            found[part] = _from_folder(folder, fixed, inner.classes if inner else None)
    return replace(found.pop("train"), name=path.name, parts=found)


def _from_folder(folder: Path, how: _How, classes: tuple[str, ...] | None = None) -> Images:
    """One folder a class; or, without such, images without labels."""
    inner = sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    files = {p.name: sorted(f for f in p.rglob("*") if f.is_file() and not f.name.startswith(".")) for p in inner}
    loose = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    if not inner:
        images = [p for p in loose if is_image_name(p.name)]
        others = tuple(str(p) for p in loose if not is_image_name(p.name))
        if not images:
            raise FileError(
                "There is no image here.", where=folder, expected=f"files ending in {', '.join(SUFFIXES)}",
                received=f"{len(others)} other files",
                help="Give a folder with one folder of images for each class.",
            )  # fmt: skip
        return replace(_from_files(folder.name, images, how), others=others)
    names = classes if classes is not None else tuple(sorted(files, key=natural))
    _check_classes(folder, files, names, classes is not None)
    paths, labels, passed = [], [], [str(p) for p in loose]
    for number, name in enumerate(names):
        for file in files.get(name, ()):
            if is_image_name(file.name):
                paths.append(file)
                labels.append(number)
            else:
                passed.append(str(file))
    found = _from_files(folder.name, paths, how, np.array(labels, np.int32))
    return replace(found, classes=names, others=tuple(passed))


def _check_classes(folder: Path, files: Mapping[str, list[Path]], names: Sequence[str], given: bool) -> None:
    if given:
        new = sorted(set(files) - set(names))
        if new:
            raise InputError(
                "A class has no training images.", where=folder, expected=f"the classes {', '.join(names[:20])}",
                received=", ".join(new[:10]), help="Rename the folder, or add such images to the training folder.",
            )  # fmt: skip
        return
    empty = [name for name in names if not any(is_image_name(f.name) for f in files[name])]
    if empty:
        raise InputError(
            "A class folder holds no image.", where=folder / empty[0], expected=f"images: {', '.join(SUFFIXES)}",
            received=f"{len(files[empty[0]])} other files", help="Fill the folder, or remove it.",
        )  # fmt: skip


def _from_files(name: str, paths: list[Path], how: _How, labels: NDArray[np.int32] | None = None) -> Images:
    """Those files that can be read, with their labels."""
    form = settle_form(paths, how.size, how.channels)
    check_memory(form, len(paths), how.memory)
    rows, broken, good = decode_files(paths, form, how.fit)
    if broken:
        _tell(broken, len(paths))
    if how.channels is None and form.channels == 3 and _colourless(rows):
        rows = np.ascontiguousarray(rows[..., :1])
    kept = None if labels is None else labels[good]
    return Images(name, rows, kept, (), tuple(str(paths[i]) for i in good), broken)


def check_memory(form: Form, rows: int, limit: int | None = None) -> None:
    """Raise an InputError where that many images need more than `limit` bytes, or half of the machine's memory."""
    limit = limit if limit is not None else _half_of_memory()
    needed = form.bytes_of(rows)
    if limit is not None and needed > limit:
        shrink = (limit / needed) ** 0.5
        size = tuple(max(1, int(side * shrink)) for side in form.size)
        raise InputError(
            "The images would not fit into memory.", where=f"{rows} images of {' × '.join(map(str, form.shape))}",
            expected=f"at most {limit / 1e9:.3g} GB", received=f"{needed / 1e9:.3g} GB",
            help=f"Read them smaller: size={size}.",
        )  # fmt: skip


def _tell(broken: Broken, count: int) -> None:
    if len(broken) == count:
        raise FileError(
            "None of the image files can be read.", where=broken[0][0], expected="whole image files",
            received=f"{count} files; the first: {broken[0][1]}", help="Copy or download them again.",
        )  # fmt: skip
    shown = "; ".join(f"{path} ({reason})" for path, reason in broken[:5])
    more = f"; and {len(broken) - 5} more" if len(broken) > 5 else ""
    warnings.warn(
        f"{len(broken)} of {count} image files cannot be read and are left out: {shown}{more}",
        JindanWarning,
        stacklevel=4,
    )


def _from_npz(path: Path) -> Images:
    prefixes = {part: [f"{n}{a}" for n in names for a in ("_", "")] for part, names in PARTS.items()}
    with archive(path) as arrays:
        names = list(arrays)
        images = {part: find_array(arrays, _IMAGES, prefixes[part]) for part in PARTS}
        if images["train"] is None:
            images["train"] = find_array(arrays, _IMAGES, [])
            labels = {"train": find_array(arrays, _LABELS, [])}
        else:
            labels = {part: find_array(arrays, _LABELS, prefixes[part]) for part in PARTS}
    if images["train"] is None:
        raise FileError(
            "The archive holds no array that is called images.", where=path,
            expected="x_train and y_train, train_images and train_labels, or images and labels",
            received=", ".join(names) or "nothing", help="Give the arrays: read_images(images, labels).",
        )  # fmt: skip
    return _assembled(path.stem, images, labels, str(path))


def _from_idx_folder(folder: Path) -> Images:
    files = sorted(p for p in folder.iterdir() if is_idx_name(p.name))
    images: dict[str, Any] = {}
    labels: dict[str, Any] = {}
    for part, start in _IDX_PARTS.items():
        for kind, store in (("3", images), ("1", labels)):
            file = next((p for p in files if p.name.startswith(start) and is_idx_name(p.name, kind)), None)
            store[part] = read_idx(file) if file is not None else None
    if images["train"] is None:
        return _from_idx(next(p for p in files if is_idx_name(p.name, "3")))
    return _assembled(folder.name, images, labels, str(folder))


def _from_idx(path: Path) -> Images:
    """One idx file of images, and its labels if they lie beside it."""
    rows = as_bytes(read_idx(path), str(path))
    beside = path.with_name(path.name.replace("images", "labels").replace("idx3", "idx1"))
    found = Images(path.name.split(".")[0], rows)
    if beside == path or not beside.is_file():
        return found
    numbers, classes = numbered(read_idx(beside), len(rows))
    return replace(found, labels=numbers, classes=classes)


def _assembled(name: str, images: Mapping[str, Any], labels: Mapping[str, Any], where: str) -> Images:
    """Arrays of the parts → Images, the classes being those of the training labels."""
    made: dict[str, Images] = {}
    classes: tuple[str, ...] | None = None
    beyond = any(a is not None and a.dtype.kind in "iuf" and a.max(initial=0) > 1 for a in images.values())
    for part, array in images.items():
        if array is None:
            continue
        made[part] = Images(name, as_bytes(array, where, beyond))
        if labels.get(part) is not None:
            numbers, classes = numbered(labels[part], len(array), classes)
            made[part] = replace(made[part], labels=numbers, classes=classes)
    return replace(made.pop("train"), parts=made)


def _colourless(rows: NDArray[np.uint8], block: int = 256) -> bool:
    """Whether red, green and blue are the same everywhere."""
    for start in range(0, len(rows), block):
        part = rows[start : start + block]
        if not ((part[..., 0] == part[..., 1]) & (part[..., 1] == part[..., 2])).all():
            return False
    return True


def _half_of_memory() -> int | None:
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf.
        return None
