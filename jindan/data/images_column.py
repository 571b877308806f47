"""A column of paths of image files as an input of its own: bytes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from jindan.data.columns import Column
from jindan.data.encoders import ColumnEncoder
from jindan.data.images import check_memory
from jindan.data.images_files import Form, decode_files, settle_form
from jindan.data.inputs import InputForm
from jindan.data.lazy import pl
from jindan.data.text import as_texts
from jindan.errors import InputError

if TYPE_CHECKING:
    import polars


LARGEST = 64
"""Pixels of the longer side unless asked otherwise: twice the side is four times the work."""


GREY = np.array([0.299, 0.587, 0.114], np.float32)
"""Shares of red, green and blue in the brightness (ITU-R BT.601)."""


class BrokenImages(InputError):
    """Image files that cannot be read; what was received names "row 3: path (reason)", rows counted from 1."""


@dataclass(frozen=True)
class ImageEncoder(ColumnEncoder):
    """The images a column names, all brought to one size; a missing path is a black image.

    Relative paths count from the folder that is given with the rows, which is not stored.
    """

    kind: ClassVar[str] = "image"
    height: int = 1
    width: int = 1
    channels: int = 1
    fitting: str = "crop"
    count: int = 0
    missing: int = 0

    @classmethod
    def fit(cls, series: polars.Series, column: Column, config: Any, folder: Path | None = None) -> Self:
        """Learn size and channels: the commonest size unless one is asked for."""
        names = [name for name in as_texts(series) if name.strip()]
        form = settle_form([_place(name, folder) for name in names], config.image_size)
        if config.image_size is None:
            form = Form(at_most(form.size), form.channels)
        counts = (series.len(), series.len() - len(names))
        return cls(series.name, *form.shape, config.image, *counts)

    def rows(self, series: polars.Series, folder: Path | None = None) -> NDArray[np.uint8]:
        """Images, shape (rows, height, width, channels).

        Raises:
            InputError: files that are missing or damaged; counts them and names the first ones with their rows.
        """
        if series.dtype == pl.Binary:
            return self._from_bytes(series)
        names = as_texts(series)
        present = [i for i, name in enumerate(names) if name.strip()]
        form = Form((self.height, self.width), self.channels)
        check_memory(form, len(names))
        images, broken, _ = decode_files([_place(names[i], folder) for i in present], form, self.fitting)
        if broken:
            bad = {path for path, _ in broken}
            lines = [i + 1 for i in present if str(_place(names[i], folder)) in bad]
            shown = [f"row {row}: {path} ({reason})" for row, (path, reason) in zip(lines, broken, strict=True)]
            raise BrokenImages(
                f"{len(broken)} of {len(names)} images cannot be read.",
                where=f"column {self.name!r}", expected="paths of whole image files",
                received="; ".join(shown[:5]) + ("; …" if len(shown) > 5 else ""),
                help="Correct the paths, or leave these rows out. Relative paths count from the table's folder.",
            )  # fmt: skip
        if len(present) == len(names):
            return images
        out = np.zeros((len(names), *form.shape), np.uint8)
        out[present] = images
        return out

    def _from_bytes(self, series: polars.Series) -> NDArray[np.uint8]:
        """Images that were read before (`images_table.frame_of`): the bytes of each, grey or in colours."""
        pixels = self.height * self.width
        lengths = {len(cell) for cell in series}
        if lengths - {pixels, 3 * pixels} or len(lengths) > 1:
            raise InputError(
                "The images have another size than those of the training.", where=f"column {series.name!r}",
                expected=f"{self.height} × {self.width} pixels", received=f"{max(lengths)} bytes an image",
                help="Bring them to that size first; image files are brought to it by themselves.",
            )  # fmt: skip
        channels = max(lengths, default=pixels) // pixels
        rows = np.frombuffer(b"".join(series), np.uint8).reshape(len(series), self.height, self.width, channels)
        if rows.shape[-1] > self.channels:
            return np.rint(rows @ GREY).astype(np.uint8)[..., None]
        return np.repeat(rows, self.channels, -1) if rows.shape[-1] < self.channels else rows.copy()

    @property
    def form(self) -> InputForm:
        """What the network gets."""
        return InputForm(self.name, "image", (self.height, self.width, self.channels), "uint8")


def at_most(size: tuple[int, int], side: int = LARGEST) -> tuple[int, int]:
    """A size whose longer side has at most so many pixels, in the same proportions.

    >>> at_most((28, 28)), at_most((300, 400))
    ((28, 28), (48, 64))
    """
    scale = min(1.0, side / max(size))
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _place(name: str, folder: Path | None) -> Path:
    path = Path(name.strip()).expanduser()
    return path if folder is None or path.is_absolute() else folder / path
