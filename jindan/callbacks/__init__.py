"""Callbacks. Those that stop or slow a training become part of the compiled program; your own run between its calls."""

from .base import Callback, LambdaCallback
from .monitors import EarlyStopping, Monitor, ReduceLROnPlateau, falls
from .ready import CSVLogger, History, LearningRateScheduler, ModelCheckpoint, TerminateOnNaN

__all__ = [
    "Monitor",
    "falls",
    "EarlyStopping",
    "ReduceLROnPlateau",
    "Callback",
    "LambdaCallback",
    "LearningRateScheduler",
    "TerminateOnNaN",
    "ModelCheckpoint",
    "CSVLogger",
    "History",
]
