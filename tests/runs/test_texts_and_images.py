"""train_table on texts, on images, and on tables that hold all of it; the runs read and predict in other processes."""

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

import jindan as jd
from jindan.engine.members import predict_members
from jindan.engine.train import train
from jindan.errors import FileError, InputError, JindanWarning
from jindan.plan import Plan
from jindan.runs.build import Wanted, build_plan, targets_for
from jindan.runs.folding import folded, plan_for
from jindan.runs.folds import fold_table
from jindan.runs.tables import prepare, resume_table, train_table

Image = pytest.importorskip("PIL.Image")
GOOD, BAD = ("빛나는", "따뜻한", "훌륭한"), ("지루한", "차가운", "형편없는")


def picture(bright, rng):
    """8 × 8 pixels, the left or the right half bright."""
    image = rng.integers(0, 80, (8, 8)).astype(np.uint8)
    image[:, 4:] += np.uint8(150 * bright)
    image[:, :4] += np.uint8(150 * (1 - bright))
    return image


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """goods.csv (number, review, photo → sold), reviews.csv, and a folder shapes/{train,test}/{left,right}."""
    folder, rng = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    (folder / "img").mkdir()
    rows = []
    for i in range(120):
        words, bright, size = rng.integers(2), rng.integers(2), rng.normal()
        Image.fromarray(picture(bright, rng)).save(folder / "img" / f"{i}.png")
        text = f"이 영화 {rng.choice(GOOD if words else BAD)} 작품 {i}"
        sold = "yes" if 2 * words + 2 * bright + size > 2 else "no"
        rows.append((round(size, 3), text, f"img/{i}.png", "good" if words else "bad", sold))
    frame = pl.DataFrame(rows, ["size", "review", "photo", "mood", "sold"], orient="row")
    frame.drop("mood").write_csv(folder / "goods.csv")
    frame.select("review", "mood").write_csv(folder / "reviews.csv")
    for part, n in (("train", 30), ("test", 10)):
        for bright, label in enumerate(("left", "right")):
            (folder / "shapes" / part / label).mkdir(parents=True)
            for i in range(n):
                Image.fromarray(picture(bright, rng)).save(folder / "shapes" / part / label / f"{i}.png")
    return folder


@pytest.fixture(scope="module")
def mixed(place):
    return train_table(place / "goods.csv", "sold", epochs=8, seed=1, out=place / "mixed-run")


@pytest.fixture(scope="module")
def reviews(place):
    return train_table(place / "reviews.csv", "mood", epochs=15, out=place / "reviews-run")


@pytest.fixture(scope="module")
def shapes(place):
    return train_table(place / "shapes", epochs=6, out=place / "shapes-run")


def test_a_mixed_table_trains_a_graph_with_a_branch_a_column(mixed):
    assert [item["kind"] for item in mixed.record["inputs"]] == ["text", "image"]
    assert mixed.summary()["inputs"][0]["tokens"] == "pieces"
    assert mixed.record["drawing"].startswith("<svg")
    assert not mixed.record["data"]["dropped"]
    assert mixed.run.plan.wiring.names[:3] == ("table", "review", "photo")
    assert json.loads(json.dumps(mixed.record, allow_nan=False))
    notes = " ".join(mixed.record["data"]["notes"]["en"])
    assert "free text" in notes
    assert "sees the images" in notes
    # A majority guess gets about half; each part alone cannot know the others.
    assert mixed.record["metrics"]["train"]["accuracy"]["value"] > 0.8
    assert [b["name"] for b in mixed.record["baselines"]] == ["majority", "linear"]


def test_texts_are_learnt_and_quoted(reviews):
    assert reviews.record["metrics"]["test"]["accuracy"]["value"] > 0.9
    assert [b["name"] for b in reviews.record["baselines"]] == ["majority", "bag_of_words"]
    model = reviews.model
    texts = ["이 영화 훌륭한 작품", "이 영화 지루한 작품", ""]
    p = model.predict(texts)
    assert p.shape == (3, 2)
    assert model.predict_table(texts)["prediction"].to_list()[:2] == ["good", "bad"]
    np.testing.assert_array_equal(model.predict({"review": texts}), p)
    np.testing.assert_array_equal(model.predict(pl.DataFrame({"review": texts, "other": [1, 2, 3]})), p)
    assert model.score({"review": texts[:2], "mood": ["good", "bad"]})["accuracy"].value == 1.0


def test_the_parts_of_a_folder_are_the_parts_of_the_run(place, shapes):
    n = shapes.record["data"]["n"]
    assert (n["train"] + n["validation"], n["test"]) == (60, 20)
    assert shapes.record["target"] == "class"
    assert shapes.record["classes"] == ["left", "right"]
    assert shapes.record["metrics"]["test"]["accuracy"]["value"] > 0.9
    assert {"majority", "linear", "knn"} <= {b["name"] for b in shapes.record["baselines"]}
    assert not shapes.record["data"]["notes"]["en"]
    whole = prepare(place / "shapes" / "train", validation=0.0, test=0.5)
    assert len(whole.split.test) == 30


def test_memory_counts_bytes_of_images_as_bytes(shapes):
    rows = shapes.record["data"]["n"]["train"]
    assert shapes.record["memory"]["data"] == rows * (8 * 8 + 4)  # pixels, and one float32 that tells the class


def test_a_folder_files_and_arrays_give_the_same_predictions(place, shapes):
    model, folder = shapes.model, place / "shapes" / "test"
    files = sorted((folder / "left").iterdir()) + sorted((folder / "right").iterdir())
    p = model.predict(folder)
    assert p.shape == (20, 2)
    np.testing.assert_array_equal(model.predict(files), p)
    np.testing.assert_array_equal(model.predict([str(file) for file in files]), p)
    arrays = np.stack([np.asarray(Image.open(file)) for file in files])
    np.testing.assert_array_equal(model.predict(arrays), p)
    np.testing.assert_array_equal(model.predict(arrays[..., None]), p)
    np.savez(place / "shapes.npz", images=arrays, labels=np.repeat(["left", "right"], 10))
    np.testing.assert_array_equal(model.predict(place / "shapes.npz"), p)
    table = model.predict_table(folder)
    assert table.columns == ["row", "file", "prediction", "p_left", "p_right"]
    assert table["file"][0] == "left/0.png"
    assert model.score(folder)["accuracy"].value == model.score(place / "shapes.npz")["accuracy"].value > 0.9
    assert model.evaluate(folder, return_dict=True)["accuracy"] == pytest.approx(model.score(folder)["accuracy"].value)


def test_other_processes_read_the_same_numbers(place, mixed, reviews, shapes):
    pairs = [(mixed, "goods.csv"), (reviews, "reviews.csv"), (shapes, "shapes/test")]
    code = (
        "import sys, jindan as jd\n"
        "for run, rows in zip(sys.argv[1::2], sys.argv[2::2]): print(jd.load(run).predict(rows).tobytes().hex())"
    )
    arguments = [str(value) for run, rows in pairs for value in (run.folder, place / rows)]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [run.model.predict(place / rows).tobytes().hex() for run, rows in pairs]


def test_rows_of_a_mixed_table_in_any_form(place, mixed, monkeypatch):
    model = mixed.model
    frame = pl.read_csv(place / "goods.csv")[:6]
    frame.write_csv(place / "some.csv")
    p = model.predict(place / "some.csv")
    with pytest.raises(InputError, match="6 of 6 images cannot be read"):
        model.predict(frame)
    monkeypatch.chdir(place)  # relative paths of rows in memory count from the working folder
    for form in (frame, frame.to_dicts(), frame.drop("sold").select("size", "review", "photo").to_numpy()):
        np.testing.assert_array_equal(model.predict(form), p)
    assert (
        model.predict(frame.with_columns(photo=pl.lit(None, pl.String), review=pl.lit(None, pl.String))).shape
        == p.shape
    )
    assert model.targets(frame["sold"]).shape == (6, 1)


def test_mistakes_are_shown(place, tmp_path):
    # One epoch at a tiny rate leaves mistakes to show.
    run = train_table(place / "goods.csv", "sold", epochs=1, learning_rate=1e-6, out=tmp_path / "r")
    examples = run.record["examples"]
    assert examples
    assert [e["p"] for e in examples] == sorted((e["p"] for e in examples), reverse=True)
    rows = pl.read_csv(place / "goods.csv")
    for example in examples:
        assert example["texts"]["review"] == rows["review"][example["row"] - 1]
        assert example["true"] == rows["sold"][example["row"] - 1]
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == len(examples)
    assert "data:image/svg+xml;base64," in page
    assert examples[0]["texts"]["review"] in page


def test_broken_and_missing_files_of_a_table_are_named_by_their_rows(place, tmp_path):
    frame = pl.read_csv(place / "goods.csv")
    paths = [None if i == 3 else f"{place}/{p}" for i, p in enumerate(frame["photo"])]
    paths[5] = str(tmp_path / "none.png")
    sold = [None if i == 0 else v for i, v in enumerate(frame["sold"])]
    table = frame.with_columns(pl.Series("photo", paths), pl.Series("sold", sold))
    with pytest.raises(
        InputError, match=r"1 of 119 images cannot be read(.|\n)*column 'photo'(.|\n)*row 6: .*none\.png"
    ):
        prepare(table, "sold")
    table[:5].write_csv(tmp_path / "few.csv")


def test_broken_files_of_a_folder_are_left_out_with_a_warning(place, tmp_path):
    for label in ("a", "b"):
        (tmp_path / "set" / label).mkdir(parents=True)
        for i in range(6):
            Image.fromarray(picture(label == "b", np.random.default_rng(i))).save(tmp_path / "set" / label / f"{i}.png")
    (tmp_path / "set" / "a" / "0.png").write_bytes(b"broken")
    with pytest.warns(JindanWarning, match="1 of 12 image files cannot be read"):
        prepared = prepare(tmp_path / "set")
    assert len(prepared.frame) == 11
    assert prepared.x.shape == (11, 8, 8, 1)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"target": "colour"}, "target of a set of images is its classes"),
        ({"task": "regression"}, "no numbers"),
        ({"preprocessing": jd.data.Preprocessing(image="drop")}, "cannot be dropped"),
        ({"validation": 0.7, "test": 0.3}, "no rows to train on"),
    ],
)
def test_what_cannot_be_asked_of_images(place, arguments, says):
    with pytest.raises(InputError, match=says):
        prepare(place / "shapes" / "train", **arguments)


def test_folders_that_cannot_be_learnt_from(place, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no image here"):
        prepare(tmp_path / "empty")
    with pytest.raises(InputError, match="images have no classes"):
        prepare(place / "img")
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "left").symlink_to(place / "shapes" / "train" / "left")
    with pytest.raises(InputError, match="only one class"):
        prepare(tmp_path / "one")
    with pytest.raises(InputError, match="column to predict is not named"):
        prepare(place / "goods.csv")


def test_training_on_and_resuming_with_images(place, shapes, tmp_path):
    more = train_table(place / "shapes", start=shapes.folder, epochs=1, out=tmp_path / "more")
    assert more.run.steps > shapes.run.steps
    plan = {"plan": Plan((), early_stopping=None), "epochs": 3000, "seed": 2, "layers": "none"}
    cut = train_table(place / "shapes" / "test", **plan, out=tmp_path / "cut", listen=lambda told: True)
    if not cut.interrupted:
        pytest.skip("this machine trains 3000 epochs within one piece of work")
    done = resume_table(cut.folder)
    assert done.run.epochs == 3000
    whole = train_table(place / "shapes" / "test", **plan, out=tmp_path / "whole")
    assert (done.folder / "model.safetensors").read_bytes() == (whole.folder / "model.safetensors").read_bytes()


def test_images_that_occur_twice_are_counted(place, tmp_path):
    arrays = np.stack([picture(i % 2, np.random.default_rng(i)) for i in range(20)])
    arrays[13] = arrays[5]
    np.savez(tmp_path / "twice.npz", images=arrays, labels=np.arange(20) % 2)
    run = train_table(tmp_path / "twice.npz", epochs=1, out=tmp_path / "r")
    assert any(note.startswith("1 of 20 rows repeat") for note in run.record["data"]["notes"]["en"])
    assert run.record["data"]["class_balance"] == [["0", 10], ["1", 10]]


# -- folds -------------------------------------------------------------------------------------------------------


def _folds(source, target=None, folds=2, **wanted):
    prepared = prepare(source, target, seed=0)
    parts = folded(prepared, folds)
    asked = Wanted(epochs=3, batch_size=16, **wanted)
    plan = build_plan(prepared.task.kind, prepared.classes, len(prepared.split.train), asked, validated=False,
                      inputs=prepared.preprocessor.inputs)  # fmt: skip
    return prepared, parts, plan.replace(early_stopping=None)


def test_a_fold_knows_the_words_of_its_training_rows_only(place):
    prepared, parts, plan = _folds(place / "goods.csv", "sold", folds=3)
    assert [form.kind for form in parts.inputs] == ["table", "text", "image"]
    n = len(prepared.frame)
    for number, (rows, _) in enumerate(parts.pairs):
        own = next(e for e in parts.preprocessors[number].encoders if e.kind == "text")
        alone = own.tokenizer.fit(prepared.frame["review"][rows].to_list())
        assert own.tokenizer.to_dict() == alone.to_dict()
        numbers, ids, images = parts.block(number)
        np.testing.assert_array_equal(ids[:, : own.form.shape[0]], own.rows(prepared.frame["review"]))
        assert not ids[:, own.form.shape[0] :].any()
        np.testing.assert_array_equal(images, prepared.x[2])
        size = prepared.frame["size"].to_numpy()
        np.testing.assert_allclose(numbers[:, 0], (size - size[rows].mean()) / size[rows].std(), rtol=1e-5, atol=1e-6)
    room = parts.inputs[1].vocabulary
    assert room == max(form.vocabulary for own in [*parts.preprocessors, prepared.preprocessor] for form in own.inputs
                       if form.kind == "text")  # fmt: skip
    tables = [layer for layer in plan_for(plan, prepared, parts).layers if type(layer).__name__ == "Embedding"]
    assert [layer.input_dim for layer in tables] == [room] * 2
    assert [len(part) for part in parts.x] == [3 * n] * 3


@pytest.mark.parametrize(("source", "target"), [("goods.csv", "sold"), ("shapes", None)])
def test_a_fold_equals_its_plan_trained_alone(place, source, target):
    prepared, parts, plan = _folds(place / source, target)
    found = fold_table(prepared, plan, parts)
    rows, held = parts.pairs[1]
    block = parts.block(1)
    x = block if len(block) > 1 else block[0]
    codes = targets_for(plan, prepared.task.kind, prepared.encoded, prepared.classes)
    alone = train(plan_for(plan, prepared, parts).replace(rows=rows, seed=0), (x, codes))
    outputs = predict_members([alone], x, held)[0]
    guess = outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0.5).astype(int)
    assert found.figures["accuracy"][0, 1] == pytest.approx(np.mean(guess == prepared.truth[held]))
    assert set(found.baselines) >= {"majority", "linear"}


def test_the_folds_of_reviews_are_told(place, tmp_path):
    run = train_table(place / "reviews.csv", "mood", epochs=12, folds=2, seeds=2, out=tmp_path / "run")
    crossed = run.record["cross_validation"]
    assert np.shape(crossed["scores"]) == (2, 2)
    assert crossed["mean"]["value"] > 0.8
    assert [b["name"] for b in crossed["baselines"]] == ["majority", "bag_of_words"]
