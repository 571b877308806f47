"""Features by hand stand beside the network that learned from images, in the record and in both languages."""

import sys
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from jindan.layers import Dense, Flatten
from jindan.plan import Plan
from jindan.report import build_report
from jindan.runs import simple
from jindan.runs.folds import fold_table
from jindan.runs.tables import prepare, train_table

NAMES = [f"{features}_{model}" for features in ("hog", "sift", "surf") for model in ("svm", "knn")]


@pytest.fixture(scope="module")
def stripes(tmp_path_factory):
    """Stripes across or down at any place: what HOG is made for, and a linear model on pixels cannot know."""
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 60, size=(160, 16, 16)), rng.integers(0, 2, 160)
    for image, kind in zip(x, y, strict=True):
        wave = 80 + 60 * np.sin(np.arange(16) * 2 * np.pi / 6 + rng.uniform(0, 6))
        image += wave[:, None] if kind else wave[None]
    path = tmp_path_factory.mktemp("stripes") / "stripes.npz"
    np.savez(path, images=x.astype(np.uint8), labels=np.array(["down", "across"])[1 - y])
    return path


@pytest.fixture(scope="module")
def run(stripes):
    return train_table(stripes, epochs=2, seed=0, out=stripes.with_name("run"))


def test_the_rows_of_the_record(run):
    baselines = {b["name"]: b for b in run.record["baselines"]}
    assert list(baselines) == ["majority", "linear", "knn", "svm", *NAMES]
    values = {name: b["metrics"]["accuracy"]["value"] for name, b in baselines.items()}
    assert all(values[name] > 0.9 for name in NAMES), values
    assert values["linear"] < values["hog_svm"]
    assert all(baselines[name]["rows"] == run.record["data"]["n"]["train"] for name in NAMES)


def test_the_page_names_them(run):
    page = build_report(run.record)
    for words in ("by hand: HOG + SVM", "손으로 만든 HOG + SVM", "by hand: SURF + kNN",
                  "at most 2,000 rows to learn", "많아야 2,000행"):  # fmt: skip
        assert words in page
    without = {**run.record, "baselines": run.record["baselines"][:4]}
    assert "2,000 rows" not in build_report(without)


def test_many_rows_are_cut_and_only_training_rows_are_learned_from(stripes, monkeypatch):
    prepared = prepare(stripes, seed=0)
    monkeypatch.setattr(simple, "BY_HAND", 40)
    found = simple.simple_models(prepared, "test")
    assert [b.rows for b in found[4:]] == [40] * 6
    assert found[0].rows == len(prepared.split.train)
    # They are judged on as many: of ten rows each is a tenth of the accuracy.
    assert len(prepared.part("test")) > 10
    monkeypatch.setattr(simple, "BY_HAND", 10)
    tenths = [10 * b.scores["accuracy"].value for b in simple.simple_models(prepared, "test")[4:]]
    assert tenths == pytest.approx(np.round(tenths))
    monkeypatch.setattr(simple, "BY_HAND", 40)
    # Other images and labels in the rows that are neither learned from nor judged change nothing.
    aside = prepared.split.validation
    x, truth = prepared.x.copy(), prepared.truth.copy()
    x[aside], truth[aside] = 0, 1 - truth[aside]
    other = simple.simple_models(replace(prepared, x=x, truth=truth), "test")
    assert [b.scores for b in other] == [b.scores for b in found]


def test_cross_validation_has_them_too(stripes):
    """In each fold they are learned from its training rows, as the network's preprocessing is."""
    prepared = prepare(stripes, seed=0)
    plan = Plan((Flatten(), Dense(2, activation="softmax")), loss="sparse_categorical_crossentropy", epochs=1)
    found = fold_table(prepared, plan, 3, seed=0)
    assert list(found.baselines) == ["majority", "linear", "knn", "svm", *NAMES]
    assert found.baselines["hog_svm"]["accuracy"].shape == (3,)
    rows, held = found.pairs[1]
    alone = simple.by_hand(prepared, prepared.x, rows, held)
    assert [found.baselines[b.name]["accuracy"][1] for b in alone] == [b.scores["accuracy"].value for b in alone]


def test_values_from_images(stripes, tmp_path):
    """A table of one column of images and a number to predict: the same features, for regression."""
    image = pytest.importorskip("PIL.Image")
    rng, rows = np.random.default_rng(1), []
    for i in range(60):
        angle = rng.uniform(0, 1.5)
        down, across = np.mgrid[:24, :24]
        wave = np.sin((np.cos(angle) * down + np.sin(angle) * across) * 2 * np.pi / 7 + rng.uniform(0, 6))
        image.fromarray((127 + 100 * wave).astype(np.uint8)).save(tmp_path / f"{i}.png")
        rows.append((f"{i}.png", round(angle, 3)))
    pl.DataFrame(rows, ["photo", "angle"], orient="row").write_csv(tmp_path / "angles.csv")
    found = {b.name: b for b in simple.simple_models(prepare(tmp_path / "angles.csv", "angle"), "test")}
    assert list(found) == ["mean", "linear", "knn", "svm", *NAMES]
    assert found["hog_svm"].scores["r2"].value > 0.8 > found["linear"].scores["r2"].value


def test_without_scikit_image(stripes, monkeypatch):
    monkeypatch.setitem(sys.modules, "skimage.feature", None)
    found = simple.simple_models(prepare(stripes, seed=0), "test")
    assert [b.name for b in found] == ["majority", "linear", "knn", "svm", "surf_svm", "surf_knn"]
