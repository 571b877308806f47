"""Initialisers: how weights start. They run in NumPy, outside the compiled program, so plans that differ only in
their start share one program."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import InputError, ShapeError, undefined
from .lazy import defined
from .spec import NOT_NEGATIVE, POSITIVE, Choice, Number, Spec, item

Shape = tuple[int, ...]


class Initializer(Spec, kind="initializer"):
    """Base: `draw(shape, rng)` returns float64; calling it as Keras does returns the dtype asked for.

    >>> Ones()((2, 3)).tolist()
    [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        """Weights of a shape, float64, from a NumPy generator."""
        raise undefined(self, "draw(self, shape, rng)", "float64 weights of the shape")

    def __call__(
        self, shape: Shape, dtype: Any = "float32", rng: np.random.Generator | int | None = None
    ) -> np.ndarray:
        """Weights of a shape.

        Args:
            shape: For a kernel (…, fan_in, fan_out).
            dtype: Of the result.
            rng: A NumPy generator or a seed; the initialiser's own seed goes before it, None is fresh entropy.

        >>> draw = RandomNormal()
        >>> bool((draw((2, 3), rng=0) == draw((2, 3), rng=0)).all()), draw((2, 3)).dtype
        (True, dtype('float32'))
        """
        own = getattr(self, "seed", None)
        if own is not None:
            rng = own
        generator = rng if isinstance(rng, np.random.Generator) else np.random.default_rng(rng)
        # Unlike ascontiguousarray, this keeps a shape of no axes.
        return np.array(self.draw(tuple(shape), generator), dtype=dtype, order="C")


class Zeros(Initializer):
    """0 everywhere: harmless for biases; for weights it keeps all neurons of a layer identical.

    >>> Zeros()((3,)).tolist()
    [0.0, 0.0, 0.0]
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.zeros(shape)


class Ones(Initializer):
    """1 everywhere.

    >>> Ones()((3,)).tolist()
    [1.0, 1.0, 1.0]
    """

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return np.ones(shape)


class Constant(Initializer):
    """One value, or a given array, everywhere.

    Args:
        value: A number, or an array that can be spread to the shape.

    Raises:
        InputError: when it is none, or cannot be spread.

    >>> Constant([1.0, 2.0])((2, 2)).tolist()
    [[1.0, 2.0], [1.0, 2.0]]
    """

    value: Any = item(default=0.0)

    def __post_init__(self) -> None:
        super().__post_init__()
        try:
            known = self.value is not None and np.asarray(self.value, dtype=float).size >= 0
        except (TypeError, ValueError):
            known = False
        if not known:
            raise InputError(
                "The value of Constant must be a number or an array of numbers.", where="value of Constant",
                expected="a number, or an array that can be spread to the weights' shape", received=repr(self.value),
                help="Constant(0.1), or Constant([0.1, 0.2]) for two biases.",
            )  # fmt: skip

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        value = np.asarray(self.value, dtype=float)
        try:
            return np.broadcast_to(value, shape).copy()
        except ValueError:
            raise ShapeError(
                "The array of Constant does not fit the weights.", where="Constant",
                expected=f"a number, or an array that can be spread to {shape}", received=f"shape {value.shape}",
                help="Give an array of the weights' own shape.",
            ) from None  # fmt: skip


class RandomNormal(Initializer):
    """N(mean, stddev²); the notes' N(0, 0.01²) is `RandomNormal(stddev=0.01)`.

    Args:
        mean, stddev: Of the draws.
        seed: A seed of its own; None leaves it to the plan.

    >>> round(float(RandomNormal(stddev=0.01)((100, 100), rng=0).std()), 3)
    0.01
    """

    aliases = ("normal",)
    mean: float = item(default=0.0, rule=Number())
    stddev: float = item(default=0.05, rule=NOT_NEGATIVE)
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.normal(self.mean, self.stddev, shape)


class TruncatedNormal(Initializer):
    """N(mean, stddev²) with draws beyond two standard deviations drawn again, which leaves 0.88 of the deviation.

    Args:
        mean, stddev: Of the normal distribution.
        seed: A seed of its own; None leaves it to the plan.

    >>> w = TruncatedNormal(stddev=1.0)((100, 100), rng=0)
    >>> bool(abs(w).max() <= 2), round(float(w.std()), 1)
    (True, 0.9)
    """

    mean: float = item(default=0.0, rule=Number())
    stddev: float = item(default=0.05, rule=NOT_NEGATIVE)
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return self.mean + self.stddev * _truncated(shape, rng)


class RandomUniform(Initializer):
    """U(minval, maxval), its deviation (maxval − minval) / √12.

    Args:
        minval, maxval: Bounds.
        seed: A seed of its own; None leaves it to the plan.

    Raises:
        InputError: when the lower bound is above the upper one.

    >>> w = RandomUniform(-1.0, 1.0)((100, 100), rng=0)
    >>> bool(abs(w).max() <= 1), round(float(w.std()), 2)
    (True, 0.58)
    """

    aliases = ("uniform",)
    minval: float = item(default=-0.05, rule=Number())
    maxval: float = item(default=0.05, rule=Number())
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.minval > self.maxval:
            raise InputError(
                "The lower bound of RandomUniform is above the upper one.", where="RandomUniform",
                expected="minval <= maxval", received=f"minval={self.minval}, maxval={self.maxval}",
                help="Give both: RandomUniform(-0.1, 0.1).",
            )  # fmt: skip

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        return rng.uniform(self.minval, self.maxval, shape)


# A normal truncated at ±2 has this standard deviation; dividing by it restores the variance asked for.
_TRUNCATED_STD = 0.87962566103423978


class VarianceScaling(Initializer):
    """Variance scale / n, n being fan_in, fan_out or their mean, so that sums over n inputs keep their size.

    Draws: truncated normal (its variance made good), normal, or uniform on ±√(3 scale / n). Those of Glorot, He and
    LeCun are of this kind.

    Args:
        scale: Numerator of the variance.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (also "normal"), "untruncated_normal" or "uniform".
        seed: A seed of its own; None leaves it to the plan.

    >>> round(float(VarianceScaling(2.0)((50, 200), rng=0).std()), 2)
    0.2
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


def _named(
    name: str, scheme: tuple[float, str, str], formula: str, family: tuple[str, str, float, str], *aliases: str
) -> type[_Named]:
    use, shape, deviation, source = family
    doc = f"""{formula}, {use}.

    Args:
        seed: A seed of its own; None leaves it to the plan.
        gain: Factor of the standard deviation.

    >>> round(float({name}()({shape}, rng=0).std()), 2)
    {deviation}

    Source: {source}.
    """
    body: dict[str, Callable | str | tuple] = {"_scheme": lambda self: scheme, "__doc__": doc, "aliases": aliases}
    return type(name, (_Named,), body | {"__module__": __name__, "__annotations__": {}})


_GLOROT = (
    "for tanh and sigmoid", "(50, 150)", 0.1,
    'Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks", 2010',
)  # fmt: skip
_HE = (
    "for ReLU and its kin", "(50, 200)", 0.2,
    'He, Zhang, Ren & Sun, "Delving deep into rectifiers: surpassing human-level performance on ImageNet\n'
    '    classification", 2015',
)  # fmt: skip
_LECUN = ("for SELU and linear units", "(25, 400)", 0.2, 'LeCun, Bottou, Orr & Müller, "Efficient backprop", 1998')
GlorotUniform = _named(
    "GlorotUniform", (1.0, "fan_avg", "uniform"), "U(±√(6 / (fan_in + fan_out)))", _GLOROT, "xavier_uniform", "xavier"
)
GlorotNormal = _named(
    "GlorotNormal", (1.0, "fan_avg", "truncated_normal"), "Truncated N(0, 2 / (fan_in + fan_out))", _GLOROT,
    "xavier_normal",
)  # fmt: skip
HeUniform = _named("HeUniform", (2.0, "fan_in", "uniform"), "U(±√(6 / fan_in))", _HE, "kaiming_uniform")
HeNormal = _named(
    "HeNormal", (2.0, "fan_in", "truncated_normal"), "Truncated N(0, 2 / fan_in)", _HE, "kaiming_normal", "he"
)
LecunUniform = _named("LecunUniform", (1.0, "fan_in", "uniform"), "U(±√(3 / fan_in))", _LECUN)
LecunNormal = _named("LecunNormal", (1.0, "fan_in", "truncated_normal"), "Truncated N(0, 1 / fan_in)", _LECUN, "lecun")


class Orthogonal(Initializer):
    """gain · Q, Q with orthonormal rows or columns from a QR decomposition.

    Shapes with more than two axes are flattened to (the rest, last axis); one axis is one row.

    Args:
        gain: Factor.
        seed: A seed of its own; None leaves it to the plan.

    Raises:
        ShapeError: when the weight has no axis.

    >>> q = Orthogonal()((3, 2), rng=0)
    >>> np.allclose(q.T @ q, np.eye(2), atol=1e-6)
    True

    Source: Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", 2014.
    """

    gain: float = item(default=1.0, rule=Number())
    seed: int | None = item(default=None, rule=Number(integer=True), optional=True)

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        if not shape:
            raise _no_matrix(self, shape, "at least one axis")
        rows, columns = int(np.prod(shape[:-1])) if len(shape) > 1 else 1, shape[-1]
        q, r = np.linalg.qr(rng.normal(size=(max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return self.gain * (q.T if rows < columns else q).reshape(shape)


class Identity(Initializer):
    """gain · I for a matrix: a recurrent layer then begins by keeping its state.

    Args:
        gain: Factor.

    Raises:
        ShapeError: when the weight has not two axes.

    >>> Identity(gain=0.5)((2, 2)).tolist()
    [[0.5, 0.0], [0.0, 0.5]]

    Source: Le, Jaitly & Hinton, "A simple way to initialize recurrent networks of rectified linear units", 2015.
    """

    aliases = ("identity_matrix",)
    gain: float = item(default=1.0, rule=Number())

    def draw(self, shape: Shape, rng: np.random.Generator) -> np.ndarray:
        if len(shape) != 2:
            raise _no_matrix(self, shape, "two axes")
        return self.gain * np.eye(*shape)


# Keras's other names for the same classes.
zeros, ones, constant, orthogonal = Zeros, Ones, Constant, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
glorot_uniform, glorot_normal, he_uniform, he_normal = GlorotUniform, GlorotNormal, HeUniform, HeNormal
lecun_uniform, lecun_normal, variance_scaling = LecunUniform, LecunNormal, VarianceScaling


def fans(shape: Shape) -> tuple[float, float]:
    """fan_in and fan_out of a kernel (…, fan_in, fan_out); leading axes are the receptive field, whose cells all count.

    Of one axis both are its length; of none, 1.

    >>> fans((3, 3, 16, 32))
    (144, 288)
    """
    if len(shape) == 0:
        return 1, 1
    if len(shape) == 1:
        return shape[0], shape[0]
    field = int(np.prod(shape[:-2]))
    return shape[-2] * field, shape[-1] * field


def _no_matrix(initializer: Initializer, shape: Shape, expected: str) -> ShapeError:
    return ShapeError(
        f"{type(initializer).__name__} cannot start a weight of this shape.", where=type(initializer).__name__,
        expected=f"a shape of {expected}", received=f"shape {shape}", help="Choose another initialiser.",
    )  # fmt: skip


def _truncated(shape: Shape, rng: np.random.Generator) -> np.ndarray:
    draws = rng.standard_normal(shape)
    while (outside := np.abs(draws) > 2.0).any():
        draws[outside] = rng.standard_normal(int(outside.sum()))
    return draws


__all__ = defined(globals())
