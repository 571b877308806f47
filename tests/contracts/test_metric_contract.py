"""Every metric: value against scikit-learn, sums that add up over batches, padding that changes nothing."""

from __future__ import annotations

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from sklearn import metrics as oracle

from jindan import losses, metrics, spec
from jindan.errors import UnknownNameError

from .numerics import agree, missing

RNG = np.random.default_rng(417)
ROWS, CLASSES = 60, 6
SCORES = RNG.dirichlet(np.ones(CLASSES), ROWS)
LABELS = np.where(RNG.random(ROWS) < 0.5, SCORES.argmax(1), RNG.integers(0, CLASSES, ROWS))
ONE_HOT = np.eye(CLASSES)[LABELS]
BITS = RNG.integers(0, 2, (ROWS, 1)).astype(float)
CHANCES = np.clip(0.3 * BITS + RNG.uniform(0, 0.7, (ROWS, 1)), 0.001, 0.999)
REAL = RNG.normal(size=(ROWS, 3))
GUESS = REAL + RNG.normal(size=(ROWS, 3))
WEIGHTS = RNG.integers(0, 3, ROWS).astype(float)
BINS = 400


def first_bits(call):
    """A scikit-learn metric of decisions at one half."""
    return lambda y, p, w: call(y.ravel(), (p > 0.5).ravel(), sample_weight=w)


def cell(truth, guess):
    """A cell of scikit-learn's confusion matrix of decisions at one half."""
    return lambda y, p, w: first_bits(oracle.confusion_matrix)(y, p, w)[truth, guess]


def perplexity(y, p, w):
    return np.exp(oracle.log_loss(y, p, sample_weight=w, labels=range(CLASSES)))


def top(k):
    return lambda y, p, w: oracle.top_k_accuracy_score(
        y if y.ndim == 1 else y.argmax(1), p, k=k, sample_weight=w, labels=range(CLASSES)
    )


def jaccard(asked):
    """scikit-learn's mean over the classes asked for, from class numbers or scores."""
    classes = lambda a: a if a.ndim == 1 else a.argmax(1)  # noqa: E731
    return lambda y, p, w: oracle.jaccard_score(
        classes(y), classes(p), labels=list(asked), average="macro", sample_weight=w, zero_division=0
    )


def cubic_error(y_true, y_pred):
    return jnp.mean(jnp.abs(y_true - y_pred) ** 3, axis=-1)


spec.register("metric", "cubic-error-of-the-contract", cubic_error)

# name: (metric, targets, predictions, (y, p, weight) → value)
METRICS = {
    "BinaryAccuracy": (metrics.BinaryAccuracy(), BITS, CHANCES, first_bits(oracle.accuracy_score)),
    "CategoricalAccuracy": (metrics.CategoricalAccuracy(), ONE_HOT, SCORES, top(1)),
    "SparseCategoricalAccuracy": (metrics.SparseCategoricalAccuracy(), LABELS, SCORES, top(1)),
    "AccuracyByShape": (metrics.AccuracyByShape(), ONE_HOT, SCORES, top(1)),
    "TopKCategoricalAccuracy": (metrics.TopKCategoricalAccuracy(3), ONE_HOT, SCORES, top(3)),
    "SparseTopKCategoricalAccuracy": (metrics.SparseTopKCategoricalAccuracy(2), LABELS, SCORES, top(2)),
    "LossMetric": (
        metrics.LossMetric("mae"), REAL, GUESS,
        lambda y, p, w: oracle.mean_absolute_error(y, p, sample_weight=w),
    ),
    "Perplexity": (metrics.Perplexity(), LABELS, SCORES, perplexity),
    "Precision": (metrics.Precision(), BITS, CHANCES, first_bits(oracle.precision_score)),
    "Recall": (metrics.Recall(), BITS, CHANCES, first_bits(oracle.recall_score)),
    "F1Score": (
        metrics.F1Score(), ONE_HOT, SCORES,
        lambda y, p, w: oracle.f1_score(y.argmax(1), p.argmax(1), average="macro", sample_weight=w),
    ),
    "TruePositives": (metrics.TruePositives(), BITS, CHANCES, cell(1, 1)),
    "TrueNegatives": (metrics.TrueNegatives(), BITS, CHANCES, cell(0, 0)),
    "FalsePositives": (metrics.FalsePositives(), BITS, CHANCES, cell(0, 1)),
    "FalseNegatives": (metrics.FalseNegatives(), BITS, CHANCES, cell(1, 0)),
    # Scores in one bin count as tied, which is what the ROC curve of the bins' numbers says.
    "AUC": (
        metrics.AUC(), BITS, CHANCES,
        lambda y, p, w: oracle.roc_auc_score(y.ravel(), np.floor(p.ravel() * BINS), sample_weight=w),
    ),
    "R2Score": (metrics.R2Score(), REAL, GUESS, lambda y, p, w: oracle.r2_score(y, p, sample_weight=w)),
    "IoU": (metrics.IoU(CLASSES, (1, 3)), LABELS, SCORES.argmax(1), jaccard([1, 3])),
    "MeanIoU": (metrics.MeanIoU(CLASSES), LABELS, SCORES.argmax(1), jaccard(range(CLASSES))),
    "OneHotIoU": (metrics.OneHotIoU(CLASSES, (0,)), ONE_HOT, SCORES, jaccard([0])),
    "OneHotMeanIoU": (metrics.OneHotMeanIoU(CLASSES), ONE_HOT, SCORES, jaccard(range(CLASSES))),
    "BinaryIoU": (
        metrics.BinaryIoU(), BITS, CHANCES,
        lambda y, p, w: oracle.jaccard_score(y.ravel(), p.ravel() >= 0.5, average="macro", sample_weight=w),
    ),
    "CustomMetric": (
        metrics.CustomMetric(cubic_error), REAL, GUESS,
        lambda y, p, w: np.average((np.abs(y - p) ** 3).mean(1), weights=w),
    ),
}  # fmt: skip


def test_the_table_forgets_none():
    assert not missing("metric", METRICS), "a metric is not in the table"


@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["plain", "weighted"])
def test_value(name, weight, x64):
    metric, y, p, wanted = METRICS[name]
    agree(metric(y, p, weight), wanted(y, p, weight), 1e-12)


@pytest.mark.parametrize("name", METRICS)
def test_value_in_float32(name):
    metric, y, p, wanted = METRICS[name]
    agree(metric(np.float32(y), np.float32(p)), wanted(y, p, None))


@pytest.mark.parametrize("name", METRICS)
def test_batches_add_up(name, x64):
    metric, y, p, _ = METRICS[name]
    sums = jax.jit(metric.sums)
    whole = np.asarray(sums(y, p, WEIGHTS))
    parts = sum(np.asarray(sums(y[start::3], p[start::3], WEIGHTS[start::3])) for start in range(3))
    agree(parts, whole, 1e-13)  # sums in another order
    agree(metric.value(jnp.asarray(parts)), metric.value(parts), 1e-13)  # in JAX as in NumPy


@pytest.mark.parametrize("name", METRICS)
def test_padding_changes_nothing(name, x64):
    metric, y, p, _ = METRICS[name]
    more = np.concatenate([y, y[:5][::-1]]), np.concatenate([p, 1 - p[:5]])
    weight = np.concatenate([WEIGHTS, np.zeros(5)])
    agree(metric(*more, weight), metric(y, p, WEIGHTS), 1e-13)


@pytest.mark.parametrize("name", METRICS)
def test_no_rows_at_all_give_a_number(name):
    metric, y, p, _ = METRICS[name]
    assert np.isfinite(metric(y, p, np.zeros(ROWS)))


@pytest.mark.parametrize("name", METRICS)
def test_json_round_trip(name):
    metric = METRICS[name][0]
    assert spec.from_json("metric", spec.to_json(metric)) == metric
    named = metric.replace(name="own")
    assert spec.from_json("metric", spec.to_json(named)) == named
    assert named.label == "own"


def test_auc_is_near_the_exact_one(x64):
    # Half of the pairs within one of 400 bins may be counted wrongly: at most about 1 / 800 of all for spread scores.
    assert metrics.AUC()(BITS, CHANCES) == pytest.approx(oracle.roc_auc_score(BITS.ravel(), CHANCES.ravel()), abs=2e-3)


def test_as_in_keras(keras64):
    for ours, theirs, y, p in (
        (metrics.Precision(), keras64.metrics.Precision(), ONE_HOT, SCORES * 2),
        (metrics.Recall(), keras64.metrics.Recall(), ONE_HOT, SCORES * 2),
        (metrics.TruePositives(), keras64.metrics.TruePositives(), ONE_HOT, SCORES * 2),
        (metrics.TrueNegatives(0.2), keras64.metrics.TrueNegatives(0.2), ONE_HOT, SCORES),
        (metrics.FalsePositives(0.2), keras64.metrics.FalsePositives(0.2), ONE_HOT, SCORES),
        (metrics.FalseNegatives(), keras64.metrics.FalseNegatives(), ONE_HOT, SCORES * 2),
        (metrics.BinaryAccuracy(), keras64.metrics.BinaryAccuracy(), BITS, CHANCES),
        (metrics.F1Score(), keras64.metrics.F1Score(average="macro"), ONE_HOT, SCORES),
        (metrics.R2Score(), keras64.metrics.R2Score(), REAL, GUESS),
    ):
        theirs.update_state(y, p)
        agree(ours(y, p), float(theirs.result()), 1e-6)  # Keras keeps some of its counters in float32


def test_one_output_and_one_hot_forms_of_f1(x64):
    binary = oracle.f1_score(BITS.ravel(), (CHANCES > 0.5).ravel())
    agree(metrics.F1Score()(BITS, CHANCES), binary, 1e-13)
    agree(metrics.F1Score()(LABELS, SCORES), metrics.F1Score()(ONE_HOT, SCORES), 1e-13)


def test_accuracy_fits_itself_to_the_loss():
    for loss, outputs, wanted in (
        (losses.BinaryCrossentropy(), 1, metrics.BinaryAccuracy),
        # As in Keras 3: one output is binary, several are classes, whatever the loss.
        (losses.BinaryCrossentropy(), 4, metrics.CategoricalAccuracy),
        (losses.CustomLoss(losses.mse), 4, metrics.AccuracyByShape),
        (losses.CustomLoss(losses.mse), 1, metrics.BinaryAccuracy),
        (losses.CategoricalCrossentropy(), 3, metrics.CategoricalAccuracy),
        (losses.SparseCategoricalCrossentropy(), 3, metrics.SparseCategoricalAccuracy),
        (losses.MeanSquaredError(), 3, metrics.CategoricalAccuracy),
        (losses.MeanSquaredError(), 1, metrics.BinaryAccuracy),
    ):
        found = metrics.resolve("accuracy", loss, outputs)
        assert type(found) is wanted
        assert found.label == "accuracy"


def test_losses_as_metrics(x64):
    for name, squared in (("mse", False), ("rmse", True)):
        metric = metrics.resolve(name, losses.MeanSquaredError(), 3)
        mean = oracle.mean_squared_error(REAL, GUESS)
        agree(metric(REAL, GUESS), mean**0.5 if squared else mean, 1e-13)
        assert metric.label == name
        assert not metric.higher_is_better
    assert metrics.MeanSquaredError().label == "mean_squared_error"
    agree(
        metrics.RootMeanSquaredError()(REAL, GUESS), oracle.root_mean_squared_error(REAL.ravel(), GUESS.ravel()), 1e-13
    )


@pytest.mark.parametrize("k", [1, 2, 3])
@pytest.mark.parametrize(("label", "scores"), [(0, [0.9, 0.1, np.nan]), (0, [0.9, 0.1, np.inf]), (1, [0.3, 0.3, 0.3]),
                                               (2, [0.3, 0.3, -np.inf]), (2, [0.9, 0.1, np.nan])])  # fmt: skip
def test_top_k_of_odd_numbers_as_in_keras(label, scores, k):
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    found = metrics.SparseTopKCategoricalAccuracy(k)([label], [scores])
    assert found == metrics.TopKCategoricalAccuracy(k)([np.eye(3)[label]], [scores])
    if k < 3 or not np.isnan(scores[label]):  # of as many places as classes, Keras gives NaN one
        theirs = keras.metrics.SparseTopKCategoricalAccuracy(k)
        assert found == float(theirs(np.array([label]), np.array([scores], np.float32)))


@pytest.mark.parametrize("k", [1, 3, 5])
def test_nan_and_numbers_of_no_class_are_misses(k):
    metric = metrics.SparseTopKCategoricalAccuracy(k)
    assert metric([7], [[0.1, 0.1, 0.1]]) == metric([-1], [[0.1, 0.1, 0.1]]) == metric([0], [[np.nan] * 3]) == 0
    assert metric([7, 0], [[0.1, 0.1, 0.1], [0.8, 0.1, 0.1]]) == 0.5


def test_auc_of_nan_is_nan():
    assert np.isnan(metrics.AUC()([[0.0], [1.0]], [[np.nan], [0.5]]))
    assert np.isnan(metrics.AUC(from_logits=True)([[0.0], [1.0]], [[-1.0], [np.nan]]))
    padded = [[0.0], [1.0], [1.0]], [[0.2], [0.5], [np.nan]], [1.0, 1.0, 0.0]
    assert metrics.AUC()(*padded) == 1  # what stands in a row that does not count is not looked at


@pytest.mark.parametrize("y", [[2.0, 2.0], [0.1, 0.1], [1e6, 1e6]])
def test_r2_of_equal_targets_as_in_scikit_learn(y):
    y = np.float32(y)[:, None]
    for guess in (y, y + np.float32([[0], [0.5]])):
        assert metrics.R2Score()(y, guess) == oracle.r2_score(y, guess)
    several = np.c_[y, [[1.0], [2.0]]], np.c_[y + 0.5, [[1.0], [2.0]]]
    assert metrics.R2Score()(*several) == oracle.r2_score(*several) == 0.5
    assert np.isnan(metrics.R2Score()(y, [[2.0], [np.nan]]))


def test_r2_of_equal_targets_is_not_what_rounding_leaves():
    metric = metrics.R2Score()
    total = np.asarray(metric.sums(jnp.full((30, 1), 0.1), jnp.full((30, 1), 0.2), jnp.ones(30)))
    assert metric.value(total) == metric.value(jnp.asarray(total)) == 0


def test_a_class_stands_for_its_object_as_in_keras():
    for cls in (metrics.AUC, metrics.MeanSquaredError, metrics.RootMeanSquaredError, losses.MeanAbsoluteError):
        found = metrics.resolve(cls, losses.MeanSquaredError(), 1)
        assert found == metrics.resolve(cls(), losses.MeanSquaredError(), 1)
        assert not metrics.is_own(cls)


def test_an_unknown_metric_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="Did you mean `accuracy`"):
        metrics.resolve("acuracy", losses.MeanSquaredError(), 1)


@pytest.mark.parametrize(
    ("name", "settings"),
    [("MeanIoU", {}), ("MeanIoU", {"ignore_class": 1}), ("MeanIoU", {"sparse_y_pred": False}),
     ("IoU", {"target_class_ids": [0, 2]}), ("OneHotMeanIoU", {}), ("BinaryIoU", {"threshold": 0.3})],
)  # fmt: skip
@pytest.mark.parametrize("classes", [3, 4, 6])
def test_areas_of_images_as_in_keras(name, settings, classes, keras64):
    rng = np.random.default_rng(8)
    truth, scores = rng.integers(0, 4, (6, 5, 5)), rng.normal(size=(6, 5, 5, 4))
    weight = rng.uniform(size=6)
    guess = scores.argmax(-1) if name in ("MeanIoU", "IoU") and settings.get("sparse_y_pred", True) else scores
    given = {**settings} if name == "BinaryIoU" else {"num_classes": classes, **settings}
    if name == "BinaryIoU":
        truth, guess = truth[..., None] % 2, scores[..., :1]
    if name == "OneHotMeanIoU":
        truth = np.eye(4)[truth]
    theirs, ours = getattr(keras64.metrics, name)(**given, dtype="float64"), getattr(metrics, name)(**given)
    assert ours.label == re.sub(r"_\d+$", "", theirs.name)
    for rows in (None, weight):
        theirs.reset_state()
        each = None if rows is None else np.broadcast_to(rows[:, None, None], (6, 5, 5))
        theirs.update_state(truth, guess, each)
        agree(ours(truth, guess, rows), float(theirs.result()), 1e-6)  # Keras adds 1e-7 to what it divides by
