"""Rows as a report shows them – texts shortened, images small – and how the network reads such columns."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from ..data.images_table import FILE
from ..report.png import png
from .network import SHIFT
from .prepare import Prepared

MOST_LETTERS = 400
SIDE = 96
"""Pixels of the longer side of an image in a report."""


def inputs(prepared: Prepared) -> list[dict[str, Any]]:
    """Columns of text and images that the network reads, and how; [] for numbers alone."""
    encoders = {encoder.name: encoder for encoder in prepared.preprocessor.encoders}
    found = []
    for form in prepared.preprocessor.inputs:
        if form.kind == "table":
            continue
        facts: dict[str, Any] = {"name": form.name, "kind": form.kind, "shape": list(form.shape)}
        if form.kind == "text":
            tokenizer = encoders[form.name].tokenizer  # type: ignore[attr-defined]
            pieces = getattr(tokenizer, "ngrams", 0)
            facts |= {"tokens": "pieces" if pieces else tokenizer.kind, "vocabulary": form.vocabulary}
            facts |= {"pieces": pieces} if pieces else {}
        else:
            facts["shifted"] = SHIFT
        found.append(facts)
    return found


def shown(prepared: Prepared, row: int) -> dict[str, Any]:
    """What a report shows of a row: texts and images by column, and the file; {} for numbers alone."""
    parts = prepared.x if isinstance(prepared.x, tuple) else (prepared.x,)
    texts, images = {}, {}
    for form, x in zip(prepared.preprocessor.inputs, parts, strict=True):
        if form.kind == "text":
            text = prepared.frame[form.name][row] or ""
            texts[form.name] = text if len(text) <= MOST_LETTERS else text[: MOST_LETTERS - 1] + "…"
        elif form.kind == "image":
            images[form.name] = base64.b64encode(png(smaller(x[row]))).decode()
    found: dict[str, Any] = {name: value for name, value in (("texts", texts), ("images", images)) if value}
    if prepared.images:
        found["file"] = prepared.frame[FILE][row]
    return found


def smaller(image: np.ndarray) -> np.ndarray:
    """An image of at most 96 pixels a side: every k-th pixel of a larger one.

    >>> smaller(np.zeros((200, 100, 3), np.uint8)).shape
    (67, 34, 3)
    """
    step = -(-max(image.shape[:2]) // SIDE)
    return image[::step, ::step]
