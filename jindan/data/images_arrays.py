"""Arrays of images: bytes in one form, labels numbered, arrays found by their names in an archive."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from jindan.errors import FileError, InputError


def as_bytes(array: NDArray[Any], where: str, beyond: bool = False) -> NDArray[np.uint8]:
    """(n, height, width, channels) uint8; values from 0 to 1 become 0 to 255.

    Args:
        array: (n, height, width), or with 1 or 3 channels behind.
        where: What errors name.
        beyond: Whether other parts of the set go beyond 1: the whole numbers 0 and 1 are dark pixels then.
    """
    if array.ndim == 3:
        array = array[..., None]
    if array.ndim != 4 or array.shape[-1] not in (1, 3) or 0 in array.shape:
        raise InputError(
            "The array holds no images.", where=where,
            expected="(n, height, width), or with 1 or 3 channels behind", received=f"shape {array.shape}",
            help="Move the channels to the end: x.transpose(0, 2, 3, 1).",
        )  # fmt: skip
    low, high = (float(array.min()), float(array.max())) if array.dtype.kind in "biuf" else (np.nan, np.nan)
    if not (low >= 0 and high <= 255):
        raise InputError(
            "The values are no pixels.", where=where, expected="numbers from 0 to 255, or from 0 to 1",
            received=f"{array.dtype} from {low:g} to {high:g}", help="Scale them to 0 … 255 first.",
        )  # fmt: skip
    stretched = high <= 1 and not (beyond and array.dtype.kind != "b" and np.array_equal(array, np.floor(array)))
    if not stretched and array.dtype == np.uint8:
        return array
    return np.rint(array * (255.0 if stretched else 1.0)).astype(np.uint8)


def numbered(labels: Any, rows: int, classes: tuple[str, ...] | None = None) -> tuple[Any, tuple[str, ...]]:
    """Class numbers (n,) int32 and names; whole numbers in their order, names in natural order."""
    given = np.asarray(labels)
    if given.ndim == 2 and given.shape[1] > 1 and given.dtype.kind in "biuf" and (given.sum(1) == 1).all():
        given = given.argmax(1)
    given = given.reshape(-1)
    if len(given) != rows:
        raise InputError(
            "There is not one label for each image.", where="labels", expected=f"{rows} labels", received=len(given)
        )
    whole = given.dtype.kind in "biu" or (given.dtype.kind == "f" and np.array_equal(given, np.floor(given)))
    names = [str(int(v)) if whole else str(v) for v in given.tolist()]
    known = classes if classes is not None else tuple(sorted(set(names), key=natural))
    places = {name: i for i, name in enumerate(known)}
    new = sorted(set(names) - set(known))
    if new:
        raise InputError(
            "A class has no training images.", where="labels", expected=f"the classes {', '.join(known[:20])}",
            received=", ".join(new[:10]), help="Leave such images out.",
        )  # fmt: skip
    return np.array([places[name] for name in names], np.int32), known


def load_numpy(path: Path) -> NDArray[Any]:
    """The array of a .npy, never unpickling.

    Raises:
        FileError: when the file is damaged, or holds something else.
    """
    with _loaded(path) as found:
        if isinstance(found, np.ndarray):
            return found
        raise ValueError("an archive, which is called .npz")


@contextmanager
def archive(path: Path) -> Iterator[Mapping[str, Any]]:
    """The arrays of an .npz, each read when it is asked for, never unpickling; for nothing but reading within.

    Raises:
        FileError: when the file is damaged, or an array that is asked for is one of Python objects.
    """
    with _loaded(path) as found:
        if isinstance(found, np.ndarray):
            raise ValueError("one array, which is called .npy")
        yield found


@contextmanager
def _loaded(path: Path) -> Iterator[Any]:
    """What `np.load` gives; within, what NumPy, zip and zlib say of the file becomes a FileError."""
    try:
        # NumPy leaves a file open that it cannot read.
        with path.open("rb") as file:
            yield np.load(file, allow_pickle=False)
    # Of zip, a RuntimeError is a password that is asked for, a NotImplementedError another compression.
    except (OSError, ValueError, EOFError, KeyError, BadZipFile, RuntimeError, zlib.error) as error:
        objects = "allow_pickle" in str(error)
        received = "an array of Python objects" if objects else (str(error).splitlines() or ["a part of a file"])[0]
        raise FileError(
            "The file cannot be read as NumPy arrays.", where=path,
            expected="a whole .npz or .npy of plain numbers and words", received=received[:200],
            help="Write it again with np.savez(path, images=…, labels=np.array(labels, str))."
            if objects
            else "Write it again with np.savez(path, images=…, labels=…).",
        ) from None  # fmt: skip


def find_array(arrays: Mapping[str, Any], names: Sequence[str], prefixes: Sequence[str]) -> Any:
    """An array by its name with a part before or behind it: x_train, train_images; or by the bare name."""
    low = {key.lower(): key for key in arrays}
    for name in names:
        wanted = (
            [f"{p}{name}" for p in prefixes] + [f"{name}_{p.rstrip('_')}" for p in prefixes] if prefixes else [name]
        )
        for key in wanted:
            if key in low:
                return arrays[low[key]]
    return None


def natural(name: str) -> tuple[int, int, str]:
    """Numbers in their order before words in theirs."""
    number = name.strip().isascii() and name.strip().lstrip("-").isdigit()
    return (0, int(name), name) if number else (1, 0, name)
