"""Looking at a set of images before training: sizes, classes, files that cannot be read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from jindan.data.images import Images, read_images
from jindan.data.images_column import at_most
from jindan.data.look_words import sentence
from jindan.errors import JindanWarning

FEW = 20
"""Images of a class below which there are few."""


@dataclass(frozen=True)
class ImagesLook:
    """A set of images in plain numbers.

    Attributes:
        summary: `Images.summary`: name, images, shape, bytes, classes, broken, others, parts.
        brightness: Mean and standard deviation of the pixels, 0 to 255, by channel.
        remarks: (code, parameters) behind `notes`.
    """

    summary: dict[str, Any]
    brightness: dict[str, list[float]]
    remarks: tuple[tuple[str, dict[str, Any]], ...]

    def notes(self, lang: str = "en") -> list[str]:
        """What is remarkable, one sentence each, in English ("en") or Korean ("ko")."""
        return [sentence(code, values, lang) for code, values in self.remarks]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        remarks = [{"code": code, **values} for code, values in self.remarks]
        return {**self.summary, "kind": "images", "brightness": self.brightness, "remarks": remarks}


def look_at_images(source: str | Path) -> ImagesLook:
    """Look at a folder of images, an archive of arrays or idx files.

    Raises:
        FileError, InputError: as `read_images`.
    """
    with warnings.catch_warnings():
        # What cannot be read is among the remarks.
        warnings.simplefilter("ignore", JindanWarning)
        images = read_images(source)
    some = images.rows[:: max(1, len(images) // 500)].astype(np.float64)
    brightness = {"mean": some.mean((0, 1, 2)).tolist(), "std": some.std((0, 1, 2)).tolist()}
    return ImagesLook(images.summary(), brightness, tuple(_remarks(images)))


def _remarks(images: Images) -> Iterable[tuple[str, dict[str, Any]]]:
    if images.labels is None:
        yield "images-unlabelled", {}
    else:
        counts = np.bincount(images.labels, minlength=len(images.classes))
        for k in np.flatnonzero(counts < FEW)[:5]:
            yield "few-images", {"label": images.classes[k], "count": int(counts[k])}
        if counts.min() / counts.sum() < 0.1 and counts.max() > 5 * counts.min() >= 5 * FEW:
            small = int(counts.argmin())
            values = {"label": images.classes[small], "count": int(counts[small]), "rows": int(counts.sum())}
            yield "rare-class", values
    if images.broken:
        files = len(images) + len(images.broken)
        yield "images-broken", {"count": len(images.broken), "files": files, "path": images.broken[0][0]}
    if images.others:
        yield "images-others", {"count": len(images.others), "path": images.others[0]}
    size = images.shape[:2]
    if images.paths and at_most(size) != size:
        yield "images-shrunk", dict(zip(("height", "width"), at_most(size), strict=True))
