"""Every loss: value, weights, minimum, gradient and extremes against formulas written apart from the library."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan import losses, spec
from jindan.losses import CustomLoss

from .numerics import SLOPE_TOLERANCE, agree, missing, slopes

RNG = np.random.default_rng(417)
ROWS, OUTPUTS = 12, 3
EPSILON = 1e-7
KERAS = 1e-7  # Keras divides by the number of outputs in float32, even where all else is float64

REAL = RNG.normal(size=(ROWS, OUTPUTS)), RNG.normal(size=(ROWS, OUTPUTS))
POSITIVE = RNG.uniform(0.2, 4, (ROWS, OUTPUTS)), RNG.uniform(0.2, 4, (ROWS, OUTPUTS))
LOGITS = RNG.normal(size=(ROWS, OUTPUTS))
PROBABILITIES = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
LABELS = RNG.integers(0, OUTPUTS, ROWS)
ONE_HOT = np.eye(OUTPUTS)[LABELS]
BITS = RNG.integers(0, 2, (ROWS, OUTPUTS)).astype(float)
SIGMOIDS = 1 / (1 + np.exp(-LOGITS))
WEIGHTS = RNG.uniform(0, 2, ROWS)


@dataclass(frozen=True)
class Case:
    """One line of the table.

    Attributes:
        formula: (y, p) → the loss of each row, in NumPy.
        y, p: Targets and predictions.
        perfect: Predictions that cost the least for y.
        minimum: What they cost: a number, or a function of y.
        keras: Name of the Keras loss.
        torch: (torch, y, p) → cost.
        loss: The object, where it is not the class without arguments.
        finish: Applied to the mean; a plain mean stays as it is.
    """

    formula: Any
    y: Any
    p: Any
    perfect: Any
    minimum: Any = 0.0
    keras: str | None = None
    torch: Any = None
    loss: Any = None
    finish: Any = np.asarray


def huber(e):
    return np.where(np.abs(e) <= 1, 0.5 * e**2, np.abs(e) - 0.5)


def cosine(y, p):
    return -(y * p).sum(1) / np.linalg.norm(y, axis=1) / np.linalg.norm(p, axis=1)


def hinge_all(y, p):
    return np.maximum(1 - (2 * y - 1) * p, 0)


def cubic(y_true, y_pred):
    return jnp.mean(jnp.abs(y_true - y_pred) ** 3, axis=-1)


SOFT_CE = Case(
    lambda y, p: -(y * np.log(p)).sum(1),
    ONE_HOT,
    PROBABILITIES,
    ONE_HOT,
    1e-7,
    "CategoricalCrossentropy",
    lambda torch, y, p: torch.nn.functional.cross_entropy(torch.log(p), y),
)
LOSSES = {
    "MeanSquaredError": Case(
        lambda y, p: ((y - p) ** 2).mean(1), *REAL, REAL[0], 0, "MeanSquaredError",
        lambda torch, y, p: torch.nn.functional.mse_loss(p, y),
    ),
    "SumSquaredError": Case(lambda y, p: 0.5 * ((y - p) ** 2).sum(1), *REAL, REAL[0]),
    "RootMeanSquaredError": Case(lambda y, p: ((y - p) ** 2).mean(1), *REAL, REAL[0], finish=np.sqrt),
    "MeanAbsoluteError": Case(
        lambda y, p: np.abs(y - p).mean(1), *REAL, REAL[0], 0, "MeanAbsoluteError",
        lambda torch, y, p: torch.nn.functional.l1_loss(p, y),
    ),
    "MeanAbsolutePercentageError": Case(
        lambda y, p: 100 * (np.abs(y - p) / np.abs(y)).mean(1), *REAL, REAL[0], 0, "MeanAbsolutePercentageError"
    ),
    "MeanSquaredLogarithmicError": Case(
        lambda y, p: ((np.log1p(y) - np.log1p(p)) ** 2).mean(1), *POSITIVE, POSITIVE[0], 0,
        "MeanSquaredLogarithmicError",
    ),
    "Huber": Case(
        lambda y, p: huber(y - p).mean(1), *REAL, REAL[0], 0, "Huber",
        lambda torch, y, p: torch.nn.functional.huber_loss(p, y),
    ),
    "LogCosh": Case(lambda y, p: np.log(np.cosh(p - y)).mean(1), *REAL, REAL[0], 0, "LogCosh"),
    "BinaryCrossentropy": Case(
        lambda y, p: -(y * np.log(p) + (1 - y) * np.log(1 - p)).mean(1), BITS, SIGMOIDS, BITS, 1e-7,
        "BinaryCrossentropy", lambda torch, y, p: torch.nn.functional.binary_cross_entropy(p, y),
    ),
    "CategoricalCrossentropy": SOFT_CE,
    "SparseCategoricalCrossentropy": Case(
        lambda y, p: -np.log(p[np.arange(len(y)), y]), LABELS, PROBABILITIES, ONE_HOT, 1e-7,
        "SparseCategoricalCrossentropy", lambda torch, y, p: torch.nn.functional.nll_loss(torch.log(p), y),
    ),
    "KLDivergence": Case(
        lambda y, p: (y * np.log(y / p)).sum(1), PROBABILITIES[::-1].copy(), PROBABILITIES, PROBABILITIES[::-1], 0,
        "KLDivergence",
        lambda torch, y, p: torch.nn.functional.kl_div(torch.log(p), y, reduction="batchmean"),
    ),
    "Poisson": Case(
        lambda y, p: (p - y * np.log(p + EPSILON)).mean(1), *POSITIVE, POSITIVE[0],
        lambda y: (y - y * np.log(y)).mean(), "Poisson",
        lambda torch, y, p: torch.nn.functional.poisson_nll_loss(p, y, log_input=False, eps=EPSILON),
    ),
    "CosineSimilarity": Case(
        cosine, *REAL, 3 * REAL[0], -1, "CosineSimilarity",
        lambda torch, y, p: -torch.nn.functional.cosine_similarity(p, y).mean(),
    ),
    "Hinge": Case(lambda y, p: hinge_all(y, p).mean(1), BITS, REAL[1], 2 * BITS - 1, 0, "Hinge"),
    "SquaredHinge": Case(
        lambda y, p: (hinge_all(y, p) ** 2).mean(1), BITS, REAL[1], 2 * BITS - 1, 0, "SquaredHinge"
    ),
    "CategoricalHinge": Case(
        lambda y, p: np.maximum(((1 - y) * p).max(1) - (y * p).sum(1) + 1, 0), ONE_HOT, PROBABILITIES, ONE_HOT, 0,
        "CategoricalHinge",
    ),
    "BinaryFocalCrossentropy": Case(
        lambda y, p: (-((y * (1 - p) + (1 - y) * p) ** 2) * (y * np.log(p) + (1 - y) * np.log(1 - p))).mean(1),
        BITS, SIGMOIDS, BITS, 0, "BinaryFocalCrossentropy",
    ),
    "CategoricalFocalCrossentropy": Case(
        lambda y, p: -(0.25 * (1 - p) ** 2 * y * np.log(p)).sum(1), ONE_HOT, PROBABILITIES, ONE_HOT, 0,
        "CategoricalFocalCrossentropy",
    ),
    # The rows of a batch have one loss together.
    "Dice": Case(
        lambda y, p: np.full(len(y), 1 - 2 * (y * p).sum() / (y.sum() + p.sum() + EPSILON)), BITS, SIGMOIDS, BITS, 0,
        "Dice",
    ),
    "Tversky": Case(
        lambda y, p: np.full(
            len(y), 1 - (y * p).sum() / ((y * p).sum() + (0.5 * y * (1 - p) + 0.5 * p * (1 - y)).sum() + EPSILON)
        ),
        BITS, SIGMOIDS, BITS, 0, "Tversky",
    ),
    "CustomLoss": Case(
        lambda y, p: (np.abs(y - p) ** 3).mean(1), *REAL, REAL[0], 0,
        loss=CustomLoss(spec.register("loss", "cubic-of-the-contract", cubic)),
    ),
}  # fmt: skip
# Of predictions in [0, 1], and of those that sum to 1 besides.
SHARES = ["BinaryCrossentropy", "BinaryFocalCrossentropy", "Dice", "Tversky"]
NORMALISED = ["KLDivergence", "CategoricalHinge", "CategoricalFocalCrossentropy"]
FOCAL = ["BinaryFocalCrossentropy", "CategoricalFocalCrossentropy"]
FUSED = ["BinaryCrossentropy", "CategoricalCrossentropy", "SparseCategoricalCrossentropy"]


def loss_of(name, **settings):
    case = LOSSES[name]
    return (case.loss if case.loss is not None else getattr(losses, name)()).replace(**settings)


def test_the_table_forgets_none():
    assert not missing("loss", LOSSES), "a loss is not in the table"


@pytest.mark.parametrize("name", LOSSES)
def test_value(name, x64):
    case, loss = LOSSES[name], loss_of(name)
    wanted = case.finish(case.formula(case.y, case.p).mean())
    # Clipping probabilities by 1e-7 does not reach these rows: the formulas agree to rounding.
    agree(loss(case.y, case.p), wanted, 1e-12)
    agree(loss.rows(*losses.align(loss, jnp.asarray(case.y), jnp.asarray(case.p))), case.formula(case.y, case.p), 1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_value_in_float32(name):
    case = LOSSES[name]
    value = loss_of(name)(np.asarray(case.y, np.int32 if case.y.ndim == 1 else np.float32), np.float32(case.p))
    assert value.dtype == np.float32
    agree(value, case.finish(case.formula(case.y, case.p).mean()))


@pytest.mark.parametrize("name", [n for n, case in LOSSES.items() if case.keras])
def test_as_in_keras(name, keras64):
    case = LOSSES[name]
    oracle = getattr(keras64.losses, case.keras)()
    agree(loss_of(name)(case.y, case.p), oracle(case.y, case.p), KERAS)
    agree(loss_of(name)(case.y, case.p, WEIGHTS), oracle(case.y, case.p, sample_weight=WEIGHTS), KERAS)


@pytest.mark.parametrize("name", [n for n, case in LOSSES.items() if case.torch])
def test_as_in_torch(name, x64):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    case = LOSSES[name]
    p = torch.tensor(case.p, requires_grad=True)
    cost = case.torch(torch, torch.tensor(case.y.copy()), p)
    cost.backward()
    agree(loss_of(name)(case.y, case.p), cost.item(), 1e-12)
    if name in ("CategoricalCrossentropy", "SparseCategoricalCrossentropy"):
        return  # From probabilities ours divides by their sum, which changes the slope across the simplex.
    agree(jax.grad(lambda p: loss_of(name)(case.y, p))(jnp.asarray(case.p)), p.grad, 1e-12)


@pytest.mark.parametrize("name", FUSED)
def test_from_logits(name, keras64):
    case, loss = LOSSES[name], loss_of(name, from_logits=True)
    wanted = case.formula(case.y, case.p).mean()
    agree(loss(case.y, LOGITS), wanted, 1e-12)
    agree(loss(case.y, LOGITS), getattr(keras64.losses, name)(from_logits=True)(case.y, LOGITS), KERAS)
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    z = torch.tensor(LOGITS, requires_grad=True)
    call = (
        torch.nn.functional.binary_cross_entropy_with_logits
        if name == "BinaryCrossentropy"
        else torch.nn.functional.cross_entropy
    )
    cost = call(z, torch.tensor(case.y))
    cost.backward()
    agree(loss(case.y, LOGITS), cost.item(), 1e-12)
    agree(jax.grad(lambda z: loss(case.y, z))(jnp.asarray(LOGITS)), z.grad, 1e-12)


@pytest.mark.parametrize("name", [*FUSED, *FOCAL])
def test_extreme_logits(name):
    case, loss = LOSSES[name], loss_of(name, from_logits=True)
    z = np.where(RNG.random((ROWS, OUTPUTS)) < 0.5, -1e4, 1e4).astype(np.float32)
    y = np.asarray(case.y, np.int32 if case.y.ndim == 1 else np.float32)
    value, slope = jax.value_and_grad(lambda z: loss(y, z))(jnp.asarray(z))
    assert np.isfinite(value)
    assert np.all(np.isfinite(slope))
    assert value > 100 * getattr(loss, "alpha", 1)  # half the rows are wrong by about 1e4


@pytest.mark.parametrize("name", [*FUSED, *FOCAL, "KLDivergence", "Poisson"])
def test_probabilities_of_zero_and_one(name):
    case, loss = LOSSES[name], loss_of(name)
    y = np.asarray(case.y, np.int32 if case.y.ndim == 1 else np.float32)
    p = np.eye(OUTPUTS, dtype=np.float32)[(LABELS + 1) % OUTPUTS]
    value, slope = jax.value_and_grad(lambda p: loss(y, p))(jnp.asarray(p))
    assert np.isfinite(value)
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize("name", LOSSES)
def test_minimum_at_a_perfect_prediction(name, x64):
    case, loss = LOSSES[name], loss_of(name)
    best = float(loss(case.y, case.perfect))
    least = case.minimum(case.y) if callable(case.minimum) else case.minimum
    # Clipping at 1e-7 costs up to 1.1e-7 a row and, in the Poisson loss, moves the logarithm by 1e-7 / y.
    assert best == pytest.approx(least, abs=2e-7)
    for _ in range(20):
        other = np.clip(case.perfect + 0.1 * RNG.normal(size=case.perfect.shape), EPSILON, 1 - EPSILON)
        if name not in (*FUSED, *SHARES, *NORMALISED):
            other = case.perfect + 0.1 * RNG.normal(size=case.perfect.shape)
        elif name not in SHARES:
            other = other / other.sum(1, keepdims=True)
        assert float(loss(case.y, other)) >= best


@pytest.mark.parametrize("name", LOSSES)
def test_sample_weights(name, x64):
    case = LOSSES[name]
    wanted = case.finish((WEIGHTS * case.formula(case.y, case.p)).sum() / ROWS)
    agree(loss_of(name)(case.y, case.p, WEIGHTS), wanted, 1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_gradient(name, x64):
    case, loss = LOSSES[name], loss_of(name)
    agree(
        jax.grad(lambda p: loss(case.y, p))(jnp.asarray(case.p)),
        slopes(lambda p: loss(case.y, p), case.p),
        SLOPE_TOLERANCE,
    )


@pytest.mark.parametrize("name", [*FUSED, *FOCAL])
def test_gradient_from_logits(name, x64):
    loss, y = loss_of(name, from_logits=True), LOSSES[name].y
    agree(jax.grad(lambda z: loss(y, z))(jnp.asarray(LOGITS)), slopes(lambda z: loss(y, z), LOGITS), SLOPE_TOLERANCE)


@pytest.mark.parametrize("name", ["BinaryCrossentropy", "CategoricalCrossentropy"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.7])
def test_label_smoothing(name, smoothing, keras64):
    case = LOSSES[name]
    share = 0.5 if name == "BinaryCrossentropy" else 1 / OUTPUTS
    wanted = case.formula(case.y * (1 - smoothing) + smoothing * share, case.p).mean()
    for from_logits, p in ((False, case.p), (True, LOGITS)):
        settings = {"label_smoothing": smoothing, "from_logits": from_logits}
        agree(loss_of(name, **settings)(case.y, p), wanted, 1e-12)
        agree(getattr(keras64.losses, name)(**settings)(case.y, p), wanted, KERAS)


@pytest.mark.parametrize("name", LOSSES)
def test_json_round_trip(name):
    loss = loss_of(name)
    assert spec.from_json("loss", spec.to_json(loss)) == loss
    for alias in loss.aliases:
        assert type(spec.get("loss", alias)) is type(loss)
    if hasattr(loss, "label_smoothing"):
        smooth = loss.replace(label_smoothing=0.1, from_logits=True)
        assert spec.from_json("loss", spec.to_json(smooth)) == smooth


@pytest.mark.parametrize("name", LOSSES)
def test_further_axes_are_averaged(name, x64):
    """(rows, steps, outputs): the loss of a row is the mean over its steps."""
    case = LOSSES[name]
    fold = lambda a: a.reshape(ROWS // 2, 2, *a.shape[1:])  # noqa: E731
    agree(loss_of(name)(fold(case.y), fold(case.p)), loss_of(name)(case.y, case.p), 1e-12)


def test_targets_without_their_last_axis():
    mse = losses.MeanSquaredError()
    assert float(mse([0.0, 1.0], [[1.0], [1.0]])) == 0.5
    scce = losses.SparseCategoricalCrossentropy()
    assert float(scce([[1]], [[0.25, 0.75]])) == float(scce([1], [[0.25, 0.75]]))


def test_a_perfect_batch_has_no_nan_gradient_under_the_root():
    rmse = losses.RootMeanSquaredError()
    assert np.all(np.asarray(jax.grad(lambda p: rmse(jnp.ones((3, 2)), p))(jnp.ones((3, 2)))) == 0)


@pytest.mark.parametrize("name", FOCAL)
@pytest.mark.parametrize("settings", [{}, {"gamma": 0.0}, {"gamma": 0.7, "alpha": 0.6}, {"label_smoothing": 0.2}])
def test_focal_settings_as_in_keras(name, settings, keras64):
    more = [{}, {"apply_class_balancing": True}] if name.startswith("Binary") else [{}]
    for own in more:
        for from_logits, p in ((False, LOSSES[name].p), (True, LOGITS)):
            given = {**settings, **own, "from_logits": from_logits}
            oracle = getattr(keras64.losses, name)(**given)
            agree(loss_of(name, **given)(LOSSES[name].y, p), oracle(LOSSES[name].y, p), KERAS)


@pytest.mark.parametrize("name", FOCAL)
@pytest.mark.parametrize("gamma", [0.0, 0.5, 1.0, 2.0])
def test_focal_slopes_are_finite_where_nothing_is_wrong(name, gamma):
    slope = jax.grad(lambda p: loss_of(name, gamma=gamma)(LOSSES[name].y, p))(jnp.asarray(LOSSES[name].perfect))
    assert np.all(np.isfinite(slope))


@pytest.mark.parametrize("axis", [None, (1, 2), -1, (0, 1), 0])
@pytest.mark.parametrize(("name", "settings"), [("Dice", {}), ("Tversky", {"alpha": 0.2, "beta": 0.9})])
def test_areas_as_in_keras(name, settings, axis, keras64):
    y, p = RNG.integers(0, 2, (5, 4, 3)).astype(float), RNG.uniform(size=(5, 4, 3))
    oracle = getattr(keras64.losses, name)(axis=axis, **settings)
    agree(getattr(losses, name)(axis=axis, **settings)(y, p), oracle(y, p), KERAS)
