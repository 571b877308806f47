"""The course of a training in numbers, and what outputs are worth: against figures worked out by hand."""

import math

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, r2_score

from jindan.doctor.course import course_of
from jindan.doctor.judge import labels, score, task_of, trivial, trivial_loss
from jindan.doctor.static import slow_pairing
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.plan import ClassWeight, Plan


def test_a_curve_that_ends_at_its_best():
    found = course_of(np.exp(-np.arange(30) / 5), start=2.0)
    assert found.rise < 0.01
    assert found.leaps == 0
    assert found.peak == 1
    assert found.fall > 0.99
    assert found.falling > 0.5
    assert found.flat_since is None


def test_a_curve_that_stands_still_and_one_that_does_only_in_the_end():
    assert course_of([0.69] * 20).flat_since == 0
    assert course_of([0.69] * 20).falling == 0
    assert course_of([5, 4, 3, 2, 1, *[0.5] * 15]).flat_since == 5
    assert course_of([0.5, 0.5]).flat_since is None


def test_noise_is_no_trend():
    rng = np.random.default_rng(0)
    trends = [course_of(1 + 0.1 * rng.normal(size=60)).falling > 0 for _ in range(200)]
    assert np.mean(trends) < 0.06  # one side of two standard errors is 2.3 %


@pytest.mark.parametrize("curve", [[1.0, math.nan, math.nan], [1.0, math.inf], [math.nan]])
def test_curves_that_are_not_finite(curve):
    found = course_of(curve)
    assert found.last == math.inf
    assert found.peak == math.inf
    assert found.falling == 0


def test_no_curve():
    assert course_of([]) is None
    assert course_of([0.0]).fall == 0


CLASSES = Plan((Dense(3, activation="softmax"),), loss="categorical_crossentropy")
NUMBERED = Plan((Dense(3, activation="softmax"),), loss="sparse_categorical_crossentropy")


@pytest.mark.parametrize(
    ("plan", "y", "task"),
    [
        (CLASSES, np.eye(3), "multiclass"),
        (CLASSES, [[0.0], [1.0]], "binary"),
        (CLASSES, [[-1.0], [1.0]], "binary"),
        (CLASSES, [[1, 1, 0], [0, 0, 0]], "multilabel"),
        (CLASSES, [[0.5], [1.0]], "regression"),
        (CLASSES, [[2.0], [1.0]], "regression"),
        (NUMBERED, [0, 1, 2], "multiclass"),
        (NUMBERED, [0, 1, 1], "binary"),
        (CLASSES, np.zeros((2, 3, 4)), "other"),
        (NUMBERED, [[0, 1, 2], [2, 0, 1]], "other"),  # a class at each place, not one a row
        (NUMBERED, [0, -100, 1], "other"),  # PyTorch's mark of a row without a class
        (NUMBERED, [0.0, np.inf, 1.0], "binary"),
    ],
)
def test_the_task_is_read_off_the_targets(plan, y, task):
    assert task_of(plan, np.asarray(y)) == task


def test_scores_are_scikit_learns():
    rng = np.random.default_rng(1)
    y, p = rng.integers(0, 3, 50), rng.random((50, 3))
    assert score("multiclass", np.eye(3)[y], p) == pytest.approx(accuracy_score(y, p.argmax(1)))
    assert score("multiclass", y, p, balanced=True) == pytest.approx(balanced_accuracy_score(y, p.argmax(1)))
    t = rng.normal(size=(40, 2))
    near = t + 0.3 * rng.normal(size=t.shape)
    assert score("regression", t[:, :1], near[:, :1]) == pytest.approx(r2_score(t[:, 0], near[:, 0]))
    assert score("regression", t, np.full_like(t, np.nan)) == 0
    assert score("regression", t, -5 * t) == 0
    assert score("binary", [[-1.0], [1.0]], [[-0.2], [0.1]]) == 1


def test_the_trivial_answer_is_that_of_the_training_rows():
    assert trivial("binary", [[0], [0], [1]], [[1], [1], [0], [0]]) == 0.5
    assert trivial("multiclass", np.eye(3)[[0, 0, 1]], np.eye(3)[[0, 1, 2]]) == pytest.approx(1 / 3)
    assert trivial("regression", [[1.0], [2.0]]) == 0


@pytest.mark.parametrize("loss", ["mse", "binary_crossentropy", "mae"])
@pytest.mark.parametrize("classes", [(), ((0, 0.5), (1, 9.5))])
def test_the_trivial_loss_is_weighted_as_the_training_is(loss, classes):
    y = (np.arange(20) < 1)[:, None] * 1.0
    own = np.linspace(0.5, 2, 20)
    plan = Plan((), loss=loss, class_weight=tuple(ClassWeight(*pair) for pair in classes))
    rows = own * np.where(y[:, 0] == 1, 9.5, 0.5) if classes else own
    constant = np.linspace(1e-4, 1 - 1e-4, 9999)[:, None]
    each = {"mse": (y.T - constant) ** 2, "mae": np.abs(y.T - constant),
            "binary_crossentropy": -np.log(np.where(y.T == 1, constant, 1 - constant))}[loss]  # fmt: skip
    assert trivial_loss(plan, "binary", y, own) == pytest.approx(
        (rows * each).mean(1).min(), rel=0.01
    )  # the grid's step
    numbered = Plan((), loss="sparse_categorical_crossentropy", class_weight=plan.class_weight)
    if loss == "binary_crossentropy":
        found = trivial_loss(numbered, "binary", y[:, 0].astype(int), own)
        assert found == pytest.approx((rows * each).mean(1).min(), rel=0.01)
    assert trivial_loss(plan, "binary", y, np.zeros(20)) is None


def test_a_row_that_counts_less_than_nothing_stops_no_fit():
    x, y, own = np.linspace(-1, 1, 20)[:, None], np.linspace(0, 3, 20)[:, None], np.ones(20)
    own[4] = -1.0
    model = Sequential([Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(x, y, sample_weight=own, epochs=2, verbose=0, seed=0).history["loss"]) == 2
    for wrong in (own, np.full(20, np.inf), np.full(20, np.nan)):
        assert trivial_loss(model.plan, "regression", y, wrong) is None


@pytest.mark.parametrize("weight", [None, np.linspace(0.5, 2, 4000)], ids=["plain", "weighted"])
def test_targets_as_wide_as_images_are_never_sorted_whole(weight, monkeypatch):
    y, rng = np.empty((4000, 700), np.float32), np.random.default_rng(0)
    y[:] = rng.exponential(size=y.shape)
    rows = np.ones(4000) if weight is None else weight
    middle = np.array([np.quantile(y[:, k], 0.5, weights=rows, method="inverted_cdf") for k in range(700)])
    wanted = np.mean(rows[:, None] * np.abs(y - middle))

    def small(name):
        usual = getattr(np, name)
        return lambda a, *more, **named: usual(a, *more, **named) if np.size(a) < y.size else pytest.fail(name)

    for name in ("quantile", "median", "sort", "unique"):
        monkeypatch.setattr(np, name, small(name))
    plan = Plan((Dense(700, activation="sigmoid"),), loss="mae")
    assert task_of(plan, y) == "regression"
    assert slow_pairing(plan, (3,), y) is None
    assert trivial_loss(plan, "regression", y, weight) == pytest.approx(wanted, rel=1e-3)


def test_classes_and_rows_that_count_alike_ask_for_no_weighted_median(monkeypatch):
    monkeypatch.setattr(np, "quantile", lambda *given, **named: pytest.fail("quantile"))
    numbered = Plan((), loss="sparse_categorical_crossentropy")
    assert trivial_loss(numbered, "binary", [0, 1, 1, 0], np.ones(4)) == pytest.approx(math.log(2))
    assert trivial_loss(Plan((), loss="mae"), "regression", [[0.0], [1.0], [5.0]]) == pytest.approx(5 / 3)


@pytest.mark.parametrize(
    ("y", "wanted"),
    [
        ([[0.0], [np.nan], [1.0]], "binary"), ([[-1], [1]], "binary"), ([[-1], [0], [1]], "regression"),
        (np.array([[0], [1]], np.uint8), "binary"), (np.array([[True], [False]]), "binary"), ([[2.0]], "regression"),
        ([[0, 1], [1, 0]], "multiclass"), ([[0, 1], [1, 1]], "multilabel"), ([[np.nan]], "binary"),
    ],
)  # fmt: skip
def test_targets_of_two_values_are_classes(y, wanted):
    assert task_of(Plan((), loss="mse"), np.asarray(y)) == wanted


def test_a_class_that_is_no_number_is_the_first():
    assert labels("binary", [[1.0], [np.inf], [np.nan], [-np.inf]]).tolist() == [1, 0, 0, 0]
