"""What outputs say of classes, whatever the loss: probabilities in predictions, figures, folds and the report."""

import numpy as np
import polars as pl
import pytest

from jindan.layers import Dense
from jindan.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    Hinge,
    MeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from jindan.optimizers import Adam
from jindan.plan import Plan
from jindan.runs.probabilities import probabilities
from jindan.runs.tables import train_table
from jindan.select import conformal
from jindan.select.outputs import class_probabilities

LOSSES = {
    "logits": (BinaryCrossentropy(from_logits=True), None),
    "hinge": (Hinge(), "tanh"),
    "squares": (MeanSquaredError(), None),
}


def of(loss, outputs, classes):
    return probabilities(Plan((), loss=loss), np.array(outputs, np.float32), classes)


def test_one_unit_becomes_two_columns():
    np.testing.assert_allclose(of(BinaryCrossentropy(), [[0.2], [0.9]], 2), [[0.8, 0.2], [0.1, 0.9]], atol=1e-7)
    z = np.array([[-15.0], [0.0], [3.0]])
    p = 1 / (1 + np.exp(-z))
    np.testing.assert_allclose(of(BinaryCrossentropy(from_logits=True), z, 2), np.hstack([1 - p, p]), atol=1e-15)
    for loss in (Hinge(), SquaredHinge()):
        expected = [[1, 0], [0.75, 0.25], [0.5, 0.5], [0, 1]]
        assert of(loss, [[-3], [-0.5], [0], [1.5]], 2).tolist() == expected
    assert of(MeanSquaredError(), [[-0.5], [0.25], [1.5]], 2).tolist() == [[1, 0], [0.75, 0.25], [0, 1]]


def test_several_columns_become_shares():
    z = np.array([[1.0, -2.0, 4.0]], np.float32)
    expected = np.exp(z) / np.exp(z).sum()
    for loss in (CategoricalCrossentropy(from_logits=True), SparseCategoricalCrossentropy(from_logits=True)):
        np.testing.assert_allclose(of(loss, z, 3), expected, atol=1e-7)
    # Exponential outputs are divided by their sum in the loss, too.
    np.testing.assert_allclose(of(CategoricalCrossentropy(), np.exp(z), 3), expected, atol=1e-7)
    shares = [[0.5, 0.25, 0.25]]
    for loss in (CategoricalCrossentropy(), MeanSquaredError()):
        assert of(loss, shares, 3).tolist() == shares


@pytest.mark.parametrize("loss", [CategoricalHinge(), Hinge(), MeanSquaredError()])
def test_scores_become_the_nearest_shares_and_keep_their_class(loss):
    scores = np.random.default_rng(5).normal(0, 2, (50, 4))
    p = of(loss, scores, 4)
    assert (p.argmax(1) == scores.argmax(1)).all()
    assert p.min() >= 0
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-12)
    # No other point whose columns sum to 1 is nearer: not the corners, of which each is one.
    aim = (1 + scores) / 2 if loss.targets == "signs" else scores
    corners = ((aim[:, None, :] - np.eye(4)) ** 2).sum(2)
    assert (((aim - p) ** 2).sum(1)[:, None] <= corners + 1e-5).all()


@pytest.mark.parametrize("loss", [BinaryCrossentropy(from_logits=True), Hinge(), MeanSquaredError()])
def test_what_broke_down_stays_so(loss):
    found = of(loss, [[np.nan], [0.5]], 2)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()


@pytest.mark.parametrize("loss", [BinaryCrossentropy(from_logits=True), CategoricalCrossentropy(), Hinge()])
def test_no_rows_have_no_probabilities(loss):
    assert of(loss, np.empty((0, 2)), 2).shape == of(loss, np.empty((0, 1)), 2).shape == (0, 2)


@pytest.fixture(scope="module", params=LOSSES)
def run(request, tmp_path_factory):
    """A run on yes and no, of which a third is yes, by a loss that reads no probabilities; folds beside it."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(120, 2)).round(3)
    answer = np.where(x[:, 0] - 0.5 + 0.3 * rng.normal(size=120) > 0, "yes", "no")
    frame = pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "answer": answer})
    loss, activation = LOSSES[request.param]
    plan = Plan((Dense(1, activation=activation),), loss=loss, optimizer=Adam(0.1), epochs=30, batch_size=32)
    made = train_table(frame, "answer", plan=plan, folds=2, out=tmp_path_factory.mktemp("losses") / "run")
    return request.param, frame, made


def test_predictions_cut_where_the_loss_does(run):
    name, frame, made = run
    raw = made.model.inner().predict(made.model.features(frame))[:, 0].astype(np.float64)
    assert (raw < 0).any()
    found = made.model.predict_table(frame)
    expected = {"logits": 1 / (1 + np.exp(-raw)), "hinge": (1 + raw) / 2, "squares": raw.clip(0, 1)}[name]
    np.testing.assert_allclose(found["p_yes"].to_numpy(), expected, atol=1e-6)
    np.testing.assert_allclose(found["p_no"] + found["p_yes"], 1, atol=1e-12)
    assert ((found["prediction"] == "yes").to_numpy() == (raw > (0.5 if name == "squares" else 0))).all()


def test_calibration_reads_the_same_probabilities(run, houses):
    _, frame, made = run
    known = made.model.predict_table(frame)["p_yes"].to_numpy()
    sets = conformal(made.model, frame, (frame["answer"] == "yes").to_numpy().astype(int))
    np.testing.assert_array_equal(class_probabilities(made.model, frame)[:, 1], known)
    assert sets.method == "lac"
    assert not hasattr(houses.model, "predict_proba")


def test_figures_folds_and_report_are_of_probabilities(run):
    _, frame, made = run
    record = made.record
    part = record["metrics"]["test"]
    assert part["accuracy"]["value"] > 0.8
    if run[0] == "logits":
        assert part["log_loss"]["value"] < 0.5
        assert record["cross_validation"]["pooled"]["log_loss"]["value"] < 0.5
    assert record["cross_validation"]["pooled"]["accuracy"]["value"] > 0.85
    assert all(0.5 <= example["p"] <= 1 for example in record["examples"])
    scores = made.model.score(frame)
    right = (made.model.predict_table(frame)["prediction"] == frame["answer"]).mean()
    assert scores["accuracy"].value == pytest.approx(right)
