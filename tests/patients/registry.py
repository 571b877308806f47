"""The registry: code → a sick training and a healthy one.

A patient is a dict of `layers`, `compile` (arguments of `Model.compile`), `data` (x, y, x_held, y_held) and `fit`
(arguments of `fit`). Sick and healthy of `mode-collapse` are in tests/estimators/test_gan.py; `device-idle` depends on
the machine and is made by `treat.idle`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from jindan.initializers import Constant, RandomNormal, RandomUniform
from jindan.layers import BatchNormalization, Dense
from jindan.optimizers import SGD, Adam

from .data import blobs, curve, rings

Patient = dict[str, Any]


def dense(*widths: int, activation: str = "relu", out: int = 3, last: str | None = "softmax", **more: Any) -> list:
    """A stack of dense layers and an output layer."""
    return [*(Dense(n, activation=activation, **more) for n in widths), Dense(out, activation=last)]


def classes(layers: list | None = None, optimizer: Any = None, data: Any = None, **fit: Any) -> Patient:
    """A training on blobs of three classes that is sound unless told otherwise."""
    return {
        "layers": layers or dense(16, 16), "data": data or blobs(),
        "compile": {"optimizer": optimizer or Adam(0.01), "loss": "categorical_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": 40, "batch_size": 16, **fit},
    }  # fmt: skip


def numbers(layers: list | None = None, optimizer: Any = None, data: Any = None, **fit: Any) -> Patient:
    """A regression that is sound unless told otherwise."""
    layers = layers or dense(32, 32, out=1, last=None)
    return {
        "layers": layers,
        "data": data or curve(),
        "compile": {"optimizer": optimizer or Adam(0.01), "loss": "mse"},
        "fit": {"epochs": 60, "batch_size": 16, **fit},
    }


def two(layers: list | None = None, optimizer: Any = None, data: Any = None, **fit: Any) -> Patient:
    """Two classes, one around the other; sound unless told otherwise."""
    layers = layers or dense(16, 16, out=1, last="sigmoid")
    return {
        "layers": layers, "data": data or rings(),
        "compile": {"optimizer": optimizer or Adam(0.01), "loss": "binary_crossentropy", "metrics": ["accuracy"]},
        "fit": {"epochs": 60, "batch_size": 16, **fit},
    }  # fmt: skip


def _with(patient: Patient, **changes: Any) -> Patient:
    return {**patient, **changes}


def _compiled(patient: Patient, **changes: Any) -> Patient:
    return {**patient, "compile": {**patient["compile"], **changes}}


def _scaled(data: Any, inputs: Any = 1.0, shift: Any = 0.0, targets: float = 1.0, offset: float = 0.0) -> Any:
    x, y, xh, yh = data
    form = lambda a: (a * inputs + shift).astype(np.float32)  # noqa: E731
    return form(x), (y * targets + offset).astype(np.float32), form(xh), (yh * targets + offset).astype(np.float32)


def _held(data: Any, scale: Any, shift: Any) -> Any:
    x, y, xh, yh = data
    return x, y, (xh * scale + shift).astype(np.float32), yh


def _leaky() -> Any:
    x, y, _, _ = curve(240, 0.6)
    return x, y, x[:100], y[:100]


def _noisy(share: float, rows: int = 300) -> Any:
    x, y, xh, yh = blobs(rows, spread=0.5)
    rng = np.random.default_rng(1)
    label = y.argmax(1)
    wrong = rng.random(len(label)) < share
    label = np.where(wrong, (label + rng.integers(1, 3, len(label))) % 3, label)
    return x, np.eye(3, dtype=np.float32)[label], xh, yh


def _rare(share: float) -> Any:
    rng = np.random.default_rng(2)
    label = (rng.random(900) < share).astype(int)
    label[:3] = 1
    x = rng.normal(size=(900, 2)) + 1.6 * label[:, None]
    held = np.arange(240) % 2
    xh = rng.normal(size=(240, 2)) + 1.6 * held[:, None]
    return x.astype(np.float32), label[:, None].astype(np.float32), xh.astype(np.float32), held[:, None].astype("f4")


def _silent() -> Any:
    x, y, xh, yh = curve()
    x = x.copy()
    x[:, :2] = 0
    return x, y, xh, yh


def _gap() -> list:
    return [BatchNormalization(momentum=0.9999), Dense(16, activation="relu"), BatchNormalization(momentum=0.9999),
            Dense(3, activation="softmax")]  # fmt: skip


def _frozen() -> list:
    return [Dense(3, activation="relu", trainable=False), Dense(3, activation="relu", trainable=False),
            Dense(1, activation="sigmoid")]  # fmt: skip


def _hole() -> Any:
    x, y, xh, yh = curve()
    x = x.copy()
    x[5, 1] = np.nan
    return x, y, xh, yh


FAR = np.array([1000.0, 0.01], np.float32)
TINY = RandomUniform(-0.01, 0.01)
WIDE = RandomNormal(0, 12.0)

# code → (sick, healthy)
PATIENTS: dict[str, tuple[Callable[[], Patient], Callable[[], Patient]]] = {
    "nonfinite-values": (lambda: numbers(data=_hole()), numbers),
    "exploding-gradient": (
        lambda: numbers(optimizer=SGD(0.5), data=_scaled(curve(), targets=100.0), epochs=10),
        lambda: numbers(optimizer=SGD(0.05)),
    ),
    "vanishing-gradient": (
        lambda: classes(dense(*[8] * 9, activation="sigmoid"), epochs=30),
        lambda: classes(dense(*[16] * 5, activation="relu", kernel_initializer="he_normal"), Adam(0.003)),
    ),
    "dying-relu": (
        lambda: two(dense(16, 16, out=1, last="sigmoid", bias_initializer=Constant(-8.0)), Adam(0.001), epochs=20),
        two,
    ),
    "saturated-activation": (
        lambda: two(dense(16, 16, activation="tanh", out=1, last="sigmoid", kernel_initializer=WIDE), SGD(0.01)),
        lambda: two(dense(16, 16, activation="tanh", out=1, last="sigmoid")),
    ),
    "symmetric-init": (
        lambda: two(dense(16, 16, out=1, last="sigmoid", kernel_initializer=Constant(0.1))),
        two,
    ),
    "bad-init-scale": (
        lambda: classes(dense(*[8] * 5, kernel_initializer=TINY), epochs=20),
        lambda: classes(dense(*[16] * 4, kernel_initializer="he_normal"), Adam(0.003)),
    ),
    "learning-rate-too-high": (lambda: classes(optimizer=SGD(8.0, momentum=0.9)), lambda: classes(optimizer=SGD(0.1))),
    "learning-rate-too-low": (lambda: classes(optimizer=SGD(1e-5)), lambda: classes(optimizer=SGD(0.05))),
    "plateau": (lambda: two(dense(*[4] * 6, activation="sigmoid", out=1, last="sigmoid"), SGD(0.01)), two),
    "stopped-too-early": (lambda: numbers(optimizer=Adam(0.001), epochs=2), numbers),
    "output-loss-mismatch": (
        lambda: _compiled(two(dense(16, out=1, last="softmax")), loss="binary_crossentropy"),
        two,
    ),
    "linear-stack": (lambda: two(dense(16, 16, activation="linear", out=1, last="sigmoid")), two),
    "inputs-not-normalised": (
        lambda: two(data=_scaled(rings(), FAR, 500.0), optimizer=SGD(0.01)),
        lambda: two(data=_scaled(rings(), 1.5, 0.3)),
    ),
    "targets-not-normalised": (
        lambda: numbers(optimizer=Adam(0.001), data=_scaled(curve(), targets=500.0, offset=3000.0), epochs=30),
        lambda: numbers(data=_scaled(curve(), targets=1.5, offset=0.5)),
    ),
    "preprocessing-mismatch": (
        lambda: classes(data=_held(blobs(), 40.0, 100.0)),
        classes,
    ),
    "data-leakage": (
        lambda: numbers(dense(128, 128, out=1, last=None), data=_leaky()),
        lambda: numbers(data=curve(240, 0.3)),
    ),
    "label-noise": (lambda: classes(dense(256, 128), data=_noisy(0.35), epochs=400), lambda: classes(data=_noisy(0.0))),
    "class-imbalance": (
        lambda: two(dense(8, out=1, last="sigmoid"), data=_rare(0.015), epochs=15),
        lambda: two(dense(8, out=1, last="sigmoid"), data=_rare(0.4), epochs=15),
    ),
    "input-ignored": (lambda: numbers(data=_silent()), numbers),
    "overfitting": (
        lambda: numbers(dense(256, 256, out=1, last=None), data=curve(60, 0.6, 5), epochs=200),
        lambda: numbers(dense(8, out=1, last=None), data=curve(400, 0.3), epochs=40),
    ),
    "underfitting": (
        lambda: classes(dense(1), data=blobs(400, 4, 0.5), epochs=60) | {"layers": dense(1, out=4)},
        lambda: classes(data=blobs(400, 4, 0.5)) | {"layers": dense(16, out=4)},
    ),
    "frozen-parameters": (lambda: two(_frozen()), two),
    "mode-gap": (
        lambda: classes(_gap(), data=_scaled(blobs(), 3.0, 20.0), epochs=10),
        lambda: classes([BatchNormalization(momentum=0.9), *dense(16)]),
    ),
    "batch-size-too-small": (
        lambda: classes(
            [Dense(16, activation="relu"), BatchNormalization(), Dense(3, activation="softmax")], batch_size=1, epochs=5
        ),
        lambda: classes([Dense(16, activation="relu"), BatchNormalization(), Dense(3, activation="softmax")]),
    ),
    "batch-size-too-large": (
        lambda: classes(data=blobs(1200), optimizer=Adam(0.001), batch_size=1200, epochs=10),
        lambda: classes(data=blobs(1200), optimizer=Adam(0.003), batch_size=32, epochs=10),
    ),
    "out-of-memory": (lambda: numbers(dense(10**7, 10**5, out=1, last=None)), numbers),
    "below-baseline": (lambda: two(dense(2, out=1, last="sigmoid"), SGD(0.001), epochs=10), two),
    "zigzag": (
        lambda: two(dense(8, 8, activation="sigmoid", out=1, last="sigmoid"), SGD(0.02)),
        lambda: two(dense(8, 8, activation="tanh", out=1, last="sigmoid")),
    ),
}
