"""Every initialiser: moments, support and distribution against theory, fans, seeds, orthogonality."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import stats

from jindan import initializers, spec
from jindan.errors import InputError, ShapeError
from jindan.initializers import Constant, Identity, Orthogonal, VarianceScaling, fans
from jindan.layers import Dense, Network

from .numerics import agree, missing

DENSE, KERNEL = (150, 200), (3, 3, 40, 60)
# A normal cut at two standard deviations has this one.
CUT = stats.truncnorm(-2, 2).std()


def uniform(limit, low=None):
    low = -limit if low is None else low
    return stats.uniform(low, limit - low)


def cut_normal(variance, mean=0.0):
    return stats.truncnorm(-2, 2, loc=mean, scale=math.sqrt(variance) / CUT)


# name: (initialiser, (fan_in, fan_out) → distribution, or a formula of the shape)
INITIALIZERS = {
    "Zeros": (initializers.Zeros(), np.zeros),
    "Ones": (initializers.Ones(), np.ones),
    "Constant": (Constant(0.3), lambda shape: np.full(shape, 0.3)),
    "RandomNormal": (initializers.RandomNormal(1.0, 0.01), lambda i, o: stats.norm(1.0, 0.01)),
    "TruncatedNormal": (initializers.TruncatedNormal(1.0, 0.01), lambda i, o: stats.truncnorm(-2, 2, 1.0, 0.01)),
    "RandomUniform": (initializers.RandomUniform(-1.0, 3.0), lambda i, o: uniform(3.0, -1.0)),
    "VarianceScaling": (
        VarianceScaling(3.0, "fan_out", "untruncated_normal"),
        lambda i, o: stats.norm(0, math.sqrt(3 / o)),
    ),
    "GlorotUniform": (initializers.GlorotUniform(), lambda i, o: uniform(math.sqrt(6 / (i + o)))),
    "GlorotNormal": (initializers.GlorotNormal(), lambda i, o: cut_normal(2 / (i + o))),
    "HeUniform": (initializers.HeUniform(), lambda i, o: uniform(math.sqrt(6 / i))),
    "HeNormal": (initializers.HeNormal(), lambda i, o: cut_normal(2 / i)),
    "LecunUniform": (initializers.LecunUniform(), lambda i, o: uniform(math.sqrt(3 / i))),
    "LecunNormal": (initializers.LecunNormal(), lambda i, o: cut_normal(1 / i)),
    "Orthogonal": (Orthogonal(), None),
    "Identity": (Identity(2.0), lambda shape: 2 * np.eye(*shape)),
}  # fmt: skip
FIXED = ["Zeros", "Ones", "Constant", "Identity"]
RANDOM = [name for name in INITIALIZERS if name not in FIXED]
SPREAD = [name for name in RANDOM if name != "Orthogonal"]


def test_the_table_forgets_none():
    assert not missing("initializer", INITIALIZERS), "an initialiser is not in the table"


@pytest.mark.parametrize("name", FIXED)
def test_fixed_values(name):
    initializer, wanted = INITIALIZERS[name]
    np.testing.assert_array_equal(initializer((4, 3), "float64"), wanted((4, 3)))


@pytest.mark.parametrize("name", SPREAD)
@pytest.mark.parametrize("shape", [DENSE, KERNEL], ids=["dense", "convolution"])
def test_distribution(name, shape):
    initializer, theory = INITIALIZERS[name]
    field = math.prod(shape[:-2])
    theory = theory(field * shape[-2], field * shape[-1])
    draws = initializer(shape, "float64", 417).ravel()
    low, high = theory.support()
    assert low <= draws.min()
    assert draws.max() <= high
    # Five standard errors: one seed in two million draws would miss, and the seed is fixed.
    n, variance, kurtosis = draws.size, theory.var(), float(theory.stats("k"))
    assert abs(draws.mean() - theory.mean()) < 5 * math.sqrt(variance / n)
    assert abs(draws.var() - variance) < 5 * variance * math.sqrt((kurtosis + 2) / n)
    assert stats.kstest(draws, theory.cdf).pvalue > 1e-3


@pytest.mark.parametrize("distribution", ["truncated_normal", "normal", "untruncated_normal", "uniform"])
@pytest.mark.parametrize("mode", ["fan_in", "fan_out", "fan_avg"])
def test_variance_scaling_keeps_its_variance(mode, distribution):
    n = {"fan_in": 150, "fan_out": 200, "fan_avg": 175}[mode]
    draws = VarianceScaling(2.0, mode, distribution)(DENSE, "float64", 0)
    # Thirty thousand draws: the standard error of the variance is at most √(2 / 30,000) = 0.8 % (five of them).
    assert draws.var() == pytest.approx(2 / n, rel=0.041)


@pytest.mark.parametrize("name", RANDOM)
def test_seeds(name):
    initializer = INITIALIZERS[name][0]
    first, same, other = initializer((6, 5), rng=1), initializer((6, 5), rng=1), initializer((6, 5), rng=2)
    assert first.dtype == np.float32
    assert first.tobytes() == same.tobytes()
    assert not np.array_equal(first, other)
    own = initializer.replace(seed=7)
    assert own((6, 5), rng=1).tobytes() == own((6, 5), rng=2).tobytes()
    assert not np.array_equal(initializer((6, 5)), initializer((6, 5)))  # fresh entropy without a seed


@pytest.mark.parametrize("name", INITIALIZERS)
def test_json_round_trip(name):
    initializer = INITIALIZERS[name][0]
    assert spec.from_json("initializer", spec.to_json(initializer)) == initializer
    for alias in type(initializer).__dict__.get("aliases", ()):
        assert type(spec.get("initializer", alias)) is type(initializer)


@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9), (3, 3, 2, 8)])
def test_orthogonal(shape):
    q = Orthogonal(gain=2.0)(shape, "float64", 0).reshape(-1, shape[-1]) / 2
    product = q.T @ q if q.shape[0] >= q.shape[1] else q @ q.T
    np.testing.assert_allclose(product, np.eye(len(product)), atol=1e-14)  # rounding of a QR decomposition


def test_orthogonal_is_not_biased():
    """Each entry of a uniformly drawn rotation has mean 0 and variance 1 / n; a plain QR would not."""
    draws = np.stack([Orthogonal()((3, 3), "float64", seed) for seed in range(2000)])
    assert np.abs(draws.mean(0)).max() < 5 * math.sqrt(1 / 3 / 2000)  # five standard errors
    assert draws.var(0) == pytest.approx(np.full((3, 3), 1 / 3), rel=0.1)


def test_gain_multiplies_the_standard_deviation():
    plain, loud = (initializers.HeNormal(gain=gain)(DENSE, "float64", 3) for gain in (1.0, 2.5))
    agree(loud, 2.5 * plain, 1e-15)


def test_constant_takes_an_array():
    np.testing.assert_array_equal(Constant([1.0, 2.0])((3, 2)), [[1, 2]] * 3)


@pytest.mark.parametrize(
    ("initializer", "shape"),
    [
        (Identity(), (3, 3, 1, 4)),
        (Identity(), (3,)),
        (Identity(), ()),
        (Orthogonal(), ()),
        (Constant([1.0, 2.0, 3.0]), (3, 2)),
    ],
)
def test_shapes_that_cannot_be_are_refused_as_in_keras(initializer, shape):
    with pytest.raises(ShapeError, match=rf"{type(initializer).__name__}(.|\n)*received: (.|\n)*help: "):
        initializer(shape)
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    settings = {"value": initializer.value} if isinstance(initializer, Constant) else {}
    with pytest.raises(ValueError, match="shape"):
        getattr(keras.initializers, type(initializer).__name__)(**settings)(shape)


def test_an_array_that_does_not_fit_says_in_which_layer():
    with pytest.raises(ShapeError, match=r"layer 1, Dense, kernel(.|\n)*\(3, 2\)(.|\n)*received: shape \(7,\)"):
        Network((Dense(2, kernel_initializer=Constant(np.ones(7))),), (3,)).init(0)


@pytest.mark.parametrize("shape", [(), (5,), (4, 6), (3, 4, 6), (3, 3, 16, 32), (2, 2, 2, 3, 4)])
def test_fans_as_in_keras(shape):
    pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    from keras.src.initializers.random_initializers import compute_fans

    assert fans(shape) == compute_fans(shape)


def test_keras_agrees_on_the_spread():
    """The truncated normals of both libraries are one distribution."""
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    for name in ("GlorotNormal", "HeNormal", "LecunUniform", "RandomNormal", "TruncatedNormal"):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            theirs = np.asarray(getattr(keras.initializers, name)(seed=1)(DENSE)).ravel()
        ours = getattr(initializers, name)()(DENSE, "float32", 1).ravel()
        assert stats.ks_2samp(ours, theirs).pvalue > 1e-3  # fixed seeds


@pytest.mark.parametrize(
    ("made", "received"),
    [
        (lambda shape, dtype=None: "zeros", "'zeros'"),
        (lambda shape, dtype=None: None, "None"),
        (lambda shape: np.zeros(shape), "dtype"),
        (lambda shape, dtype=None: np.zeros(7), r"\(7,\)"),
    ],
)
def test_a_function_that_gives_no_weights(made, received):
    message = rf"initialiser(.|\n)*layer 1, Dense(.|\n)*\(3, 2\)(.|\n)*received: .*{received}(.|\n)*help: "
    with pytest.raises(InputError, match=message):
        Network((Dense(2, kernel_initializer=made),), (3,)).init(0)
