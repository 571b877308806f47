"""PNG files of images, written with the standard library alone."""

from __future__ import annotations

import struct
import zlib

import numpy as np

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {1: 0, 3: 2}  # grey, red-green-blue


def png(image: np.ndarray) -> bytes:
    """An image as a PNG file.

    Args:
        image: (height, width, 1 or 3) uint8.

    Raises:
        ValueError: another shape or type.

    Source: ISO/IEC 15948, Portable Network Graphics.

    >>> png(np.zeros((2, 3, 1), np.uint8))[1:4], len(png(np.zeros((2, 3, 1), np.uint8)))
    (b'PNG', 68)
    """
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[-1] not in _COLOURS or 0 in image.shape:
        raise ValueError(f"no image: {image.dtype} of shape {image.shape}")
    height, width, channels = image.shape
    head = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    # Each line of pixels begins with the number of its filter: none.
    lines = np.concatenate([np.zeros((height, 1), np.uint8), image.reshape(height, -1)], 1)
    return (
        _SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
