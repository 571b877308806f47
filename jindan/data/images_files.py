"""Image files one by one: headers, decoding in threads, idx files; Pillow is imported at its first use."""

from __future__ import annotations

import gzip
import math
import os
import re
import zlib
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from jindan.errors import FileError, InputError, UnknownNameError

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm")
FITS = ("crop", "stretch")
_SAMPLE = 2000
_IDX_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}
_GREY = ("1", "L", "LA", "La", "I", "I;16", "I;16B", "I;16L", "I;16N", "F")

Size = tuple[int, int]
Broken = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Form:
    """What all images of a set are brought to: (height, width) and 1 (grey) or 3 (red, green, blue) channels."""

    size: Size
    channels: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(height, width, channels)."""
        return (*self.size, self.channels)

    def bytes_of(self, rows: int) -> int:
        """Memory of that many images as uint8."""
        return rows * math.prod(self.shape)


def is_image_name(name: str) -> bool:
    """Whether a file's name ends like that of an image.

    >>> is_image_name("cat.JPG"), is_image_name("notes.txt")
    (True, False)
    """
    return name.lower().endswith(SUFFIXES)


def is_idx_name(name: str, kind: str = "[13]") -> bool:
    """Whether a file is called as MNIST's are; `kind` "3" are images, "1" labels.

    >>> is_idx_name("train-images-idx3-ubyte.gz"), is_idx_name("kospi_idx30.csv")
    (True, False)
    """
    return re.search(rf"idx{kind}([-._]?ubyte)?(\.gz)?$", name) is not None


def settle_form(paths: Sequence[Path], size: Any = None, channels: int | None = None) -> Form:
    """The commonest size, and grey if all files are; from the headers of at most 2,000 files, evenly taken.

    Args:
        paths: Image files.
        size: (height, width), or one number for squares; None takes the commonest.
        channels: 1, 3, or None for what the files are.

    Raises:
        FileError: not one of the files is an image.
        InputError: a size or a number of channels that cannot be.
    """
    wanted = checked_size(size)
    if channels not in (None, 1, 3):
        raise InputError("Images have 1 or 3 channels.", where="channels", expected="1, 3 or None", received=channels)
    if wanted is not None and channels is not None:
        return Form(wanted, channels)
    step = max(1, math.ceil(len(paths) / _SAMPLE))
    heads = [head for head in in_threads(_head, paths[::step]) if head is not None]
    if not heads and step > 1:
        heads = [head for head in in_threads(_head, paths) if head is not None]
    if not heads:
        raise FileError(
            "None of the files can be read as an image.",
            where=paths[0].parent if paths else None,
            expected=f"images: {', '.join(SUFFIXES)}",
            received=", ".join(p.name for p in paths[:5]) or "no file",
            help="Open one of them in an image viewer; copy or download them again.",
        )
    counts = Counter(head[0] for head in heads)
    commonest = max(counts, key=lambda s: (counts[s], s))
    return Form(wanted or commonest, channels or (1 if all(head[1] for head in heads) else 3))


def checked_size(size: Any) -> Size | None:
    """(height, width) of a pair or of one number; None stays."""
    if size is None:
        return None
    pair = (size, size) if isinstance(size, int) else tuple(size) if isinstance(size, (tuple, list)) else ()
    if len(pair) != 2 or not all(isinstance(n, int) and not isinstance(n, bool) and n > 0 for n in pair):
        raise InputError(
            "The size of images is a height and a width.",
            where="size", expected="(height, width) in pixels, or one number", received=repr(size),
        )  # fmt: skip
    return pair


def decode_files(paths: Sequence[Path], form: Form, fit: str = "crop") -> tuple[NDArray[np.uint8], Broken, list[int]]:
    """Images in one size, decoded in threads.

    Args:
        paths: Files.
        form: Size and channels to bring them to.
        fit: "crop" scales until both sides are covered and cuts out the middle, so that proportions stay; "stretch"
            scales height and width apart.

    Returns:
        Rows (n, height, width, channels) uint8 of the files that could be read; (path, reason) of the others; the
        places in `paths` of those read.
    """
    if fit not in FITS:
        raise UnknownNameError("way to fit images", fit, FITS)
    pillow()
    rows = np.empty((len(paths), *form.shape), np.uint8)
    reasons: list[str | None] = [None] * len(paths)

    def decode(place: int) -> None:
        try:
            rows[place] = decode_one(paths[place], form, fit)
        except Exception as error:  # Pillow's readers raise almost anything on damaged files.
            reasons[place] = f"{type(error).__name__}: {str(error).splitlines()[0][:120] if str(error) else ''}".strip()

    in_threads(decode, range(len(paths)))
    broken = tuple((str(p), r) for p, r in zip(paths, reasons, strict=True) if r is not None)
    if not broken:
        return rows, (), list(range(len(paths)))
    good = [place for place, reason in enumerate(reasons) if reason is None]
    return rows[good], broken, good


def decode_one(path: Path, form: Form, fit: str) -> NDArray[np.uint8]:
    """One image (height, width, channels); what is transparent shows white, cameras' turns are undone."""
    image_module, operations = pillow()
    with image_module.open(path) as image:
        # A JPEG can be decoded at a half, a quarter, an eighth, and never below what is needed.
        image.draft(None, (max(form.size), max(form.size)))
        image = operations.exif_transpose(image)
        image = _plain(image, image_module, "L" if form.channels == 1 else "RGB")
        size = (form.size[1], form.size[0])
        if image.size != size:
            way = image_module.Resampling.BILINEAR
            image = operations.fit(image, size, way) if fit == "crop" else image.resize(size, way)
        return np.asarray(image, np.uint8).reshape(form.shape)


def read_idx(path: str | Path) -> NDArray[Any]:
    """The array of an idx file, as MNIST comes in; .gz too.

    Raises:
        FileError: missing, damaged, or no idx file.
    """
    path = Path(path)
    try:
        data = path.read_bytes()
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
    except (OSError, EOFError, zlib.error) as error:
        raise FileError("The file cannot be read.", where=path, expected="an idx file", received=str(error)) from None
    if len(data) < 4 or data[:2] != b"\0\0" or data[2] not in _IDX_TYPES:
        raise FileError(
            "This is no idx file.", where=path, expected="two zero bytes, a type, a number of axes",
            received=data[:4].hex(" ") or "an empty file", help="MNIST's files are called …-idx3-ubyte.",
        )  # fmt: skip
    axes = data[3]
    start = 4 + 4 * axes
    shape = tuple(np.frombuffer(data[4:start], ">u4").tolist()) if len(data) >= start else ()
    dtype = np.dtype(_IDX_TYPES[data[2]])
    if len(shape) != axes or len(data) - start != math.prod(shape) * dtype.itemsize:
        raise FileError(
            "The idx file is damaged.", where=path, expected=f"{axes} axes and the values of shape {shape}",
            received=f"{len(data)} bytes", help="Download it again.",
        )  # fmt: skip
    return np.frombuffer(data, dtype, offset=start).reshape(shape).astype(dtype.newbyteorder("="))


def in_threads(function: Callable[[Any], Any], values: Sequence[Any]) -> list[Any]:
    """What a function gives for each value; decoding lets other threads run."""
    workers = min(16, 2 * (os.cpu_count() or 1), max(1, len(values) // 8))
    if workers == 1:
        return [function(value) for value in values]
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(function, values, chunksize=16))


def pillow() -> tuple[Any, Any]:
    """Pillow's Image and ImageOps.

    Raises:
        InputError: it is not installed.
    """
    try:
        from PIL import Image, ImageOps
    except ImportError:
        raise InputError(
            "Reading image files needs the package Pillow.",
            where="images",
            expected="Pillow, an optional dependency",
            received="not installed",
            help='pip install "jindan[images]"',
        ) from None
    return Image, ImageOps


def _head(path: Path) -> tuple[Size, bool] | None:
    """(height, width) as it will be shown and whether it is grey; None where the header cannot be read."""
    image_module, _ = pillow()
    try:
        with image_module.open(path) as image:
            turned = image.getexif().get(0x0112, 1) in (5, 6, 7, 8)
            width, height = image.size[::-1] if turned else image.size
            return (height, width), image.mode in _GREY
    except Exception:  # Pillow's readers raise almost anything on damaged files; decoding names them.
        return None


def _plain(image: Any, image_module: Any, mode: str) -> Any:
    """Eight bits, no palette, no transparency."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, np.float64)
        if image.mode == "F" and not np.isfinite(values).all():
            raise ValueError("not finite")
        # Sixteen bits to eight; floats are taken to lie in 0 … 1 if none is larger.
        unit = (1.0 if values.max(initial=0) <= 1 else 255.0) if image.mode == "F" else 65535.0
        image = image_module.fromarray(np.clip(np.rint(values * (255.0 / unit)), 0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        image = image.convert("RGBA")
        white = image_module.new("RGBA", image.size, (255, 255, 255, 255))
        image = image_module.alpha_composite(white, image)
    return image if image.mode == mode else image.convert(mode)
