"""Optimizers: one update equation each, as in the textbook, with Keras 3's defaults and epsilons.

Sorted from simple to complex. `g` is the gradient, `η` the learning rate, `t` the update number from 1.
"""

from .. import schedules as schedules  # Keras users look for them here
from .adam import Adam, Adamax, AdamW, Nadam
from .adaptive import Adadelta, Adafactor, Adagrad, RMSprop
from .base import Optimizer
from .descent import NAG, SGD, Lion, Momentum

__all__ = [
    "Optimizer",
    "SGD",
    "Momentum",
    "NAG",
    "Lion",
    "Adagrad",
    "RMSprop",
    "Adadelta",
    "Adafactor",
    "Adam",
    "AdamW",
    "Adamax",
    "Nadam",
]
