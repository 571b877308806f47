"""Layers that move cells about: padding, cropping, resizing, up-sampling; and how layers with space axes read sizes."""

from .base import CHANNELS_LAST, Spatial, pairs, sizes
from .edges import Cropping1D, Cropping2D, Cropping3D, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from .resizing import INTERPOLATIONS, CenterCrop, Resizing, UpSampling1D, UpSampling2D, UpSampling3D

__all__ = [
    "CHANNELS_LAST",
    "INTERPOLATIONS",
    "CenterCrop",
    "Cropping1D",
    "Cropping2D",
    "Cropping3D",
    "Resizing",
    "Spatial",
    "UpSampling1D",
    "UpSampling2D",
    "UpSampling3D",
    "ZeroPadding1D",
    "ZeroPadding2D",
    "ZeroPadding3D",
    "pairs",
    "sizes",
]
