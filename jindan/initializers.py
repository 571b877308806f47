"""Initialisers: how weights start. They run in NumPy, outside the compiled program, so plans that differ only in
their start share one program."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .lazy import defined
from .spec import NOT_NEGATIVE, POSITIVE, Choice, Number, Spec, item

Shape = tuple[int, ...]


class Initializer(Spec, kind="initializer"):
    """Base: `draw(shape, rng)` returns float64; calling it as Keras does returns the dtype asked for."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        raise NotImplementedError

    def __call__(
        self, shape: Shape, dtype: Any = "float32", rng: np.random.Generator | int | None = None
    ) -> np.ndarray:
        """Weights of a shape.

        Args:
            shape: For a kernel (…, fan_in, fan_out).
            dtype: Of the result.
            rng: A NumPy generator or a seed; None uses the initialiser's own seed, else fresh entropy.
        """
        own = getattr(self, "seed", None)
        if own is not None:
            rng = own
        generator = rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)
        # Unlike ascontiguousarray, this keeps a shape of no axes.
        return np.array(self.draw(tuple(shape), generator), dtype=dtype, order="C")


class Zeros(Initializer):
    """0 everywhere: harmless for biases; for weights it keeps all neurons of a layer identical."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.zeros(shape)


class Ones(Initializer):
    """1 everywhere."""

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.ones(shape)


class Constant(Initializer):
    """One value, or a given array, everywhere."""

    value: Any = item(default=0.0)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.value, dtype=float), shape).copy()


class RandomNormal(Initializer):
    """N(mean, stddev²); the notes' N(0, 0.01²) is `RandomNormal(stddev=0.01)`."""

    aliases = ("normal",)
    mean: float = item(default=0.0, rule=Number())
    stddev: float = item(default=0.05, rule=NOT_NEGATIVE)
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(self.mean, self.stddev, shape)


class TruncatedNormal(Initializer):
    """N(mean, stddev²) with draws beyond two standard deviations drawn again."""

    mean: float = item(default=0.0, rule=Number())
    stddev: float = item(default=0.05, rule=NOT_NEGATIVE)
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return self.mean + self.stddev * _truncated(shape, rng)


class RandomUniform(Initializer):
    """U(minval, maxval)."""

    aliases = ("uniform",)
    minval: float = item(default=-0.05, rule=Number())
    maxval: float = item(default=0.05, rule=Number())
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(self.minval, self.maxval, shape)


# A normal truncated at ±2 has this standard deviation; dividing by it restores the variance asked for.
_TRUNCATED_STD = 0.87962566103423978


class VarianceScaling(Initializer):
    """Variance scale / n, n being fan_in, fan_out or their mean.

    Draws: truncated normal, normal, or uniform on ±√(3 scale / n).
    """

    scale: float = item(default=1.0, rule=POSITIVE)
    mode: str = item(default="fan_in", rule=Choice(("fan_in", "fan_out", "fan_avg")))
    distribution: str = item(
        default="truncated_normal", rule=Choice(("truncated_normal", "normal", "untruncated_normal", "uniform"))
    )
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        fan_in, fan_out = fans(shape)
        n = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, n)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return rng.uniform(-limit, limit, shape)
        if self.distribution == "untruncated_normal":
            return rng.normal(0.0, math.sqrt(variance), shape)
        return math.sqrt(variance) / _TRUNCATED_STD * _truncated(shape, rng)


class _Named(Initializer):
    """A variance-scaling initialiser with its own name; `gain` multiplies the standard deviation."""

    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)
    gain: float = item(default=1.0, rule=NOT_NEGATIVE)

    def _scheme(self) -> tuple[float, str, str]:
        raise NotImplementedError

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return self.gain * VarianceScaling(*self._scheme()).draw(shape, rng)


def _named(name: str, scheme: tuple[float, str, str], doc: str, aliases: tuple[str, ...] = ()) -> type[_Named]:
    body: dict[str, Callable | str | tuple] = {"_scheme": lambda self: scheme, "__doc__": doc, "aliases": aliases}
    return type(name, (_Named,), body | {"__module__": __name__, "__annotations__": {}})


_GLOROT = "(Glorot & Bengio 2010), for tanh and sigmoid."
_HE = "(He et al. 2015), for ReLU and its kin."
_LECUN = "(LeCun et al. 1998), for SELU and linear units."
GlorotUniform = _named(
    "GlorotUniform",
    (1.0, "fan_avg", "uniform"),
    f"U(±√(6 / (fan_in + fan_out))) {_GLOROT}",
    ("xavier_uniform", "xavier"),
)
GlorotNormal = _named(
    "GlorotNormal",
    (1.0, "fan_avg", "truncated_normal"),
    f"Truncated N(0, 2 / (fan_in + fan_out)) {_GLOROT}",
    ("xavier_normal",),
)
HeUniform = _named("HeUniform", (2.0, "fan_in", "uniform"), f"U(±√(6 / fan_in)) {_HE}", ("kaiming_uniform",))
HeNormal = _named(
    "HeNormal", (2.0, "fan_in", "truncated_normal"), f"Truncated N(0, 2 / fan_in) {_HE}", ("kaiming_normal", "he")
)
LecunUniform = _named("LecunUniform", (1.0, "fan_in", "uniform"), f"U(±√(3 / fan_in)) {_LECUN}")
LecunNormal = _named(
    "LecunNormal", (1.0, "fan_in", "truncated_normal"), f"Truncated N(0, 1 / fan_in) {_LECUN}", ("lecun",)
)


class Orthogonal(Initializer):
    """gain · Q, Q with orthonormal rows or columns from a QR decomposition (Saxe et al. 2014).

    Shapes with more than two axes are flattened to (the rest, last axis).
    """

    gain: float = item(default=1.0, rule=Number())
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        rows, columns = int(np.prod(shape[:-1])) if len(shape) > 1 else 1, shape[-1]
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)


class Identity(Initializer):
    """gain · I for a square kernel."""

    aliases = ("identity_matrix",)
    gain: float = item(default=1.0, rule=Number())

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return self.gain * np.eye(shape[0], shape[-1])


# Keras's other names for the same classes.
zeros, ones, constant, orthogonal = Zeros, Ones, Constant, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_uniform, glorot_normal, he_uniform, he_normal = GlorotUniform, GlorotNormal, HeUniform, HeNormal
lecun_uniform, lecun_normal, variance_scaling = LecunUniform, LecunNormal, VarianceScaling


def fans(shape: Shape) -> tuple[float, float]:
    """fan_in and fan_out of a kernel; leading axes are the receptive field.

    >>> fans((3, 3, 16, 32))
    (144, 288)
    """
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = int(np.prod(shape[:-2]))
    return shape[-2] * field, shape[-1] * field


def _truncated(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    draws = rng.standard_normal(shape)
    while (outside := np.abs(draws) > 2.0).any():
        draws[outside] = rng.standard_normal(int(outside.sum()))
    return draws


__all__ = defined(globals())
