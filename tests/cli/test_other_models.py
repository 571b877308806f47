"""`jindan train --model …` and what is done with such runs: predict, evaluate, sample, neighbors, report."""

import json
import shutil

import numpy as np
import polars as pl
import pytest
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from jindan.cli import _run
from jindan.cli.progress import Bar
from jindan.estimators import load
from jindan.runs.others import train_other
from jindan.runs.others_use import OtherModel

MODELS = ("autoencoder", "vae", "gan", "rbm", "dbn", "kmeans", "pca")
FAST = {"kmeans": ("--dim", "3"), "pca": ("--dim", "2")}
ESTIMATORS = {"autoencoder": "Autoencoder", "vae": "VAE", "gan": "GAN", "rbm": "RBM", "dbn": "DBN", "kmeans": "KMeans",
              "pca": "PCA"}  # fmt: skip


@pytest.fixture(scope="session")
def shelf(tmp_path_factory):
    """A table, images and a text, and a run of each model on them; not to be written to."""
    folder = tmp_path_factory.mktemp("shelf")
    rng = np.random.default_rng(0)
    kind = rng.integers(0, 3, 150)
    x = kind[:, None] * [3.0, -2.0, 0.0] + rng.normal(size=(150, 3))
    frame = pl.DataFrame({"a": x[:, 0].round(3), "b": x[:, 1].round(3), "n": x[:, 2].round().astype(int),
                          "who": rng.choice(["x", "y"], 150), "y": [f"k{k}" for k in kind]})  # fmt: skip
    frame.write_csv(folder / "t.csv")
    frame.drop("y").write_csv(folder / "new.csv")
    images = rng.integers(0, 60, (60, 6, 5)).astype(np.uint8)
    images[:30, :3] += 150
    labels = np.repeat([0, 1], 30)
    np.savez(folder / "i.npz", x=images, y=labels)
    (folder / "w.txt").write_text("왕은 남자 사람 이다\n여왕은 여자 사람 이다\na cat sat on a mat\n" * 40, "utf-8")
    for model in MODELS:
        args = [
            "train",
            str(folder / "t.csv"),
            "--model",
            model,
            "--target",
            "y",
            "--quiet",
            "--out",
            str(folder / model),
        ]
        more = FAST.get(model, ("--epochs", "3"))
        if model not in FAST and model != "rbm":
            more = (*more, "--layers", "8")
        assert _run([*args, *more]) == 0
    assert _run(["train", str(folder / "w.txt"), "--model", "word2vec", "--dim", "8", "--epochs", "2", "--quiet",
                 "--out", str(folder / "words")]) == 0  # fmt: skip
    assert _run(["train", str(folder / "i.npz"), "--model", "rbm", "--dim", "4", "--epochs", "2", "--quiet",
                 "--out", str(folder / "images")]) == 0  # fmt: skip
    return folder


@pytest.fixture
def table(shelf):
    return pl.read_csv(shelf / "new.csv")


def _csv(text):
    return pl.read_csv(text.encode())


# -- the run folder --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_a_run_holds_the_estimator_its_record_and_a_report(shelf, model):
    folder = shelf / model
    assert type(load(folder)).__name__ == ESTIMATORS[model]
    record = json.loads((folder / "record.json").read_text("utf-8"))
    assert record["model"] == model
    assert record["data"]["n"] == {"train": 120, "test": 30}
    assert record["figures"] or model == "dbn"
    page = (folder / "report.html").read_text("utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    assert '<span lang="ko">' in page


def test_the_summary_is_one_json_object(shelf, jindan, tmp_path):
    said = jindan("train", shelf / "t.csv", "--model", "pca", "--target", "y", "--json", "--out", tmp_path / "p")
    assert said.code == 0
    assert said.json["model"] == "pca"
    assert said.json["measured_on"] == "test"
    assert 0 < said.json["figures"]["kept"] <= 1


def test_the_same_seed_gives_the_same_run(shelf, jindan, tmp_path):
    base = ("train", shelf / "t.csv", "--model", "vae", "--epochs", "3", "--layers", "8", "--target", "y")
    for name in ("one", "two"):
        assert jindan(*base, "--quiet", "--out", tmp_path / name).code == 0
    one, two = (jindan("predict", tmp_path / name, shelf / "new.csv").out for name in ("one", "two"))
    assert one == two


# -- predict and evaluate --------------------------------------------------------------------------------------------


def test_pca_gives_the_codes_of_scikit_learn(shelf, jindan, tmp_path):
    # Without the 0/1 columns of "who" features are z-scores alone.
    said = jindan("train", shelf / "t.csv", "--model", "pca", "--dim", "2", "--drop", "y,who", "--test", "0", "--quiet",
                  "--out", tmp_path / "p")  # fmt: skip
    assert said.code == 0
    found = _csv(jindan("predict", tmp_path / "p", shelf / "new.csv").out)
    frame = pl.read_csv(shelf / "new.csv").select("a", "b", "n").to_numpy().astype(float)
    x = StandardScaler().fit_transform(frame)
    own = PCA(2).fit(x)
    codes = own.transform(x)
    np.testing.assert_allclose(np.abs(found.select("code_1", "code_2").to_numpy()), np.abs(codes), atol=2e-5)
    errors = ((own.inverse_transform(codes) - x) ** 2).mean(1)
    np.testing.assert_allclose(found["anomaly"].to_numpy(), errors, atol=2e-5)


def test_clusters_are_those_of_the_nearest_centre(shelf, jindan, tmp_path):
    said = jindan("train", shelf / "t.csv", "--model", "kmeans", "--dim", "3", "--drop", "y,who", "--test", "0",
                  "--quiet", "--out", tmp_path / "k")  # fmt: skip
    assert said.code == 0
    found = _csv(jindan("predict", tmp_path / "k", shelf / "new.csv").out)
    x = StandardScaler().fit_transform(pl.read_csv(shelf / "new.csv").select("a", "b", "n").to_numpy().astype(float))
    own = KMeans(3, n_init=10, random_state=0).fit(x)
    np.testing.assert_allclose(found["distance"].sum(), own.transform(x).min(1).sum(), rtol=1e-3)
    assert len(set(zip(found["cluster"], own.labels_.tolist(), strict=True))) == 3


@pytest.mark.parametrize("model", ["autoencoder", "vae", "rbm", "pca"])
def test_codes_are_those_of_the_estimator(shelf, jindan, model):
    found = _csv(jindan("predict", shelf / model, shelf / "new.csv").out)
    run = OtherModel.load(shelf / model)
    x = run.reader.matrix(pl.read_csv(shelf / "new.csv"))
    codes = run.model.transform(x)
    names = [name for name in found.columns if name.startswith("code_")]
    np.testing.assert_allclose(found.select(names).to_numpy(), codes, rtol=1e-4, atol=1e-5)
    assert np.isfinite(found["anomaly"].to_numpy()).all()


def test_a_strange_row_has_a_greater_anomaly(shelf, jindan, tmp_path):
    (tmp_path / "odd.csv").write_text("a,b,n,who\n0,0,0,x\n50,70,-9,y\n")
    for model in ("autoencoder", "vae", "pca"):
        usual, odd = _csv(jindan("predict", shelf / model, tmp_path / "odd.csv").out)["anomaly"]
        assert odd > 10 * abs(usual), model


def test_classes_and_their_probabilities(shelf, jindan):
    found = _csv(jindan("predict", shelf / "dbn", shelf / "new.csv").out)
    p = found.select("p_k0", "p_k1", "p_k2").to_numpy()
    np.testing.assert_allclose(p.sum(1), 1, atol=1e-6)
    assert found["prediction"].to_list() == [f"k{k}" for k in p.argmax(1)]
    said = jindan("evaluate", shelf / "dbn", shelf / "t.csv", "--json").json
    truth = pl.read_csv(shelf / "t.csv")["y"]
    assert said["metrics"]["accuracy"] == pytest.approx((found["prediction"] == truth).mean())
    low, high = said["intervals"]["accuracy"]
    assert low <= said["metrics"]["accuracy"] <= high


def test_figures_of_other_rows(shelf, jindan):
    said = jindan("evaluate", shelf / "kmeans", shelf / "new.csv", "--json").json
    distance = _csv(jindan("predict", shelf / "kmeans", shelf / "new.csv").out)["distance"].to_numpy()
    assert said["figures"]["inertia"] == pytest.approx((distance**2).sum(), rel=1e-4)
    assert "variation kept" in jindan("evaluate", shelf / "pca", shelf / "new.csv").out
    assert "보존된 변동" in jindan("evaluate", shelf / "pca", shelf / "new.csv", "--lang", "ko").out


# -- samples and neighbours ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["vae", "gan", "rbm", "dbn"])
def test_samples_have_the_columns_of_the_table(shelf, jindan, table, model):
    found = _csv(jindan("sample", shelf / model, "-n", "7").out)
    assert found.columns == table.columns
    assert found.height == 7
    assert set(found["who"]) <= {"x", "y"}
    assert found["n"].dtype == pl.Int64  # a column of whole numbers


def test_a_seed_gives_other_samples(shelf, jindan):
    one, again, other = (jindan("sample", shelf / "vae", "-n", "3", "--seed", seed).out for seed in (1, 1, 2))
    assert one == again != other
    assert len(jindan("sample", shelf / "vae", "-n", "3", "--json").json["samples"]) == 3


def test_images_go_into_a_png(shelf, jindan, tmp_path):
    said = jindan("sample", shelf / "images", "-n", "12", "--out", tmp_path / "s.png", "--json")
    assert said.json["images"] == 12
    body = (tmp_path / "s.png").read_bytes()
    assert body.startswith(b"\x89PNG")
    # 10 images of 5 × 6 pixels in a line, two lines, a pixel between.
    assert [int.from_bytes(body[k : k + 4], "big") for k in (16, 20)] == [10 * 6 + 1, 2 * 7 + 1]
    refused = jindan("sample", shelf / "images")
    assert refused.code == 1
    assert "--out samples.png" in refused.err


def test_words_near_a_word_and_a_sum(shelf, jindan):
    vectors = load(shelf / "words").wv_
    found = jindan("neighbors", shelf / "words", "여자", "-n", "2", "--json").json["neighbors"]
    cosines = vectors.unit @ vectors.unit[vectors.places["여자"]]
    best = [vectors.words[k] for k in np.argsort(-cosines) if vectors.words[k] != "여자"][:2]
    assert [row["word"] for row in found] == best
    for form in (("왕은", "-", "남자", "+", "여자"), ("왕은 - 남자 + 여자",)):
        told = jindan("neighbors", shelf / "words", *form, "-n", "3", "--json").json
        assert told["neighbors"][0]["word"] == vectors.analogy("남자", "왕은", "여자")[0][0]


def test_rows_near_a_row(shelf, jindan):
    codes = _csv(jindan("predict", shelf / "pca", shelf / "new.csv").out).select("code_1", "code_2").to_numpy()
    found = jindan("neighbors", shelf / "pca", "--row", "5", "-n", "3", "--json").json["neighbors"]
    distance = np.linalg.norm(codes - codes[4], axis=1)
    distance[4] = np.inf
    assert [row["row"] for row in found] == (np.argsort(distance)[:3] + 1).tolist()
    assert found[0]["distance"] == pytest.approx(distance.min(), abs=1e-4)
    assert found[0]["label"].startswith("k")


def test_rows_without_a_class_keep_the_places_of_the_others(jindan, tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).round(3)
    classes = [None if k < 10 else "u" if a > 0 else "v" for k, (a, _) in enumerate(x)]
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": classes}).write_csv(tmp_path / "t.csv")
    base = ("train", tmp_path / "t.csv", "--model", "dbn", "--target", "y", "--layers", "4", "--epochs", "2", "--quiet")
    assert jindan(*base, "--out", tmp_path / "r").code == 0
    found = jindan("neighbors", tmp_path / "r", "--row", "11", "-n", "49", "--json").json["neighbors"]
    assert sorted(row["row"] for row in found) == list(range(12, 61))
    assert {row["row"]: row["label"] for row in found} == dict(enumerate(classes[11:], 12))
    assert jindan("neighbors", tmp_path / "r", "--row", "3").code == 1


def test_empty_rows_keep_the_places_of_the_others(jindan, tmp_path):
    rng = np.random.default_rng(0)
    lines = [f"{a:.3f},{b:.3f}" for a, b in rng.normal(size=(40, 2))]
    lines[5] = ","
    lines[30], lines[35] = "50,50", "51,51"
    (tmp_path / "t.csv").write_text("\n".join(["a,b", *lines]) + "\n")
    assert jindan("train", tmp_path / "t.csv", "--model", "pca", "--out", tmp_path / "r", "--quiet").code == 0
    for row, near in ((31, 36), (36, 31)):
        found = jindan("neighbors", tmp_path / "r", "--row", row, "-n", "1", "--json").json["neighbors"]
        assert [entry["row"] for entry in found] == [near]
    table = _csv(jindan("predict", tmp_path / "r", tmp_path / "t.csv").out)
    assert table.filter(pl.col("code_1").abs() > 5)["row"].to_list() == [31, 36]
    refused = jindan("neighbors", tmp_path / "r", "--row", "6")
    assert refused.code == 1
    assert "There is no such row" in refused.err


def test_texts_become_the_mean_of_their_words(shelf, jindan, tmp_path):
    (tmp_path / "t.txt").write_text("a cat\nunseen\n", "utf-8")
    found = _csv(jindan("predict", shelf / "words", tmp_path / "t.txt").out)
    vectors = load(shelf / "words").wv_
    np.testing.assert_allclose(found.row(0)[2:], vectors[["a", "cat"]].mean(0), atol=1e-6)
    assert found["known_words"].to_list() == [2, 0]


# -- refusals --------------------------------------------------------------------------------------------------------

REFUSED = [
    ("train t.csv --model pca --epochs 3", "takes no --epochs"),
    ("train t.csv --model kmeans --loss mse", "takes no --loss"),
    ("train t.csv --model vae --from pca", "takes no --from"),
    ("train t.csv --model gan --folds 3", "takes no --folds"),
    ("train w.txt --model word2vec --batch-size 8", "takes no --batch-size"),
    ("train t.csv --model pca --dim 50", "1 … 8"),
    ("train t.csv --model kmeans --dim 500", "1 … 120"),
    ("train t.csv --model pca --target zz", "no column called 'zz'"),
    ("train t.csv --model dbn", "--target COLUMN"),
    ("train t.csv --model dbn --target a", "a column of numbers"),
    ("train t.csv --model dbn --target y --layers 8-relu", "--layers"),
    ("train t.csv --model autoencoder --layers 8,0", "--layers"),
    ("train t.csv --model rbm --learning-rate 1e30 --epochs 2", "Lower --learning-rate"),
    ("train t.csv --model word2vec", "No column holds text"),
    ("train t.csv --model pca --drop a,b,n,who,y", "No column can be used"),
    ("train missing.csv --model pca", "missing.csv"),
    ("train missing.txt --model word2vec", "missing.txt"),
    ("train one.csv --model pca", "too few rows"),
    ("train same.csv --model pca", "No column can be used"),
    ("train i.npz --model pca --target a", "no columns"),
    ("predict gan new.csv", "jindan sample"),
    ("predict pca i.npz", "trained on a table"),
    ("predict pca w.csv", "Columns that the model was trained on are missing"),
    ("evaluate gan new.csv", "cannot be measured"),
    ("evaluate dbn new.csv", "column of classes is missing"),
    ("sample pca", "makes no new rows"),
    ("sample words", "jindan neighbors"),
    ("neighbors words 왕비", "has no vector"),
    ("neighbors words", "a word, or --row"),
    ("neighbors words a + ", "A word is missing"),
    ("neighbors words a b", "Put + or - between"),
    ("neighbors pca a", "knows no words"),
    ("neighbors pca --row 900", "1 … 150"),
    ("neighbors kmeans --row 1", "keeps no codes"),
    ("diagnose pca", "networks with a target"),
    ("resume pca", "networks with a target"),
    ("train t.csv --target y --from pca", "networks with a target"),
]


@pytest.mark.parametrize(("line", "says"), REFUSED, ids=[line for line, _ in REFUSED])
def test_what_cannot_be_done_is_refused_in_one_message(shelf, jindan, tmp_path, monkeypatch, line, says):
    for entry in shelf.iterdir():
        (tmp_path / entry.name).symlink_to(entry)
    (tmp_path / "one.csv").write_text("a,b\n1,2\n")
    (tmp_path / "same.csv").write_text("a,b\n" + "1,x\n" * 30)
    (tmp_path / "w.csv").write_text("zz\n1.5\n2.5\n")
    monkeypatch.chdir(tmp_path)
    said = jindan(*line.split())
    assert said.code == 1, said
    assert says in said.err, said.err
    assert "help:" in said.err or "expected:" in said.err
    assert "error of its own" not in said.err
    assert said.out == ""
    assert not (tmp_path / "runs").exists()


def test_dim_means_nothing_without_a_model(shelf, jindan):
    said = jindan("train", shelf / "t.csv", "--target", "y", "--dim", "3")
    assert said.code == 2
    assert "--model" in said.err


def test_a_damaged_run_says_so(shelf, jindan, tmp_path):
    shutil.copytree(shelf / "pca", tmp_path / "r")
    (tmp_path / "r" / "other.json").write_text("{}")
    said = jindan("predict", tmp_path / "r", shelf / "new.csv")
    assert said.code == 1
    assert "restore the file" in said.err


# -- other things ----------------------------------------------------------------------------------------------------


def test_the_report_is_written_anew_in_korean(shelf, jindan, tmp_path):
    shutil.copytree(shelf / "vae", tmp_path / "r")
    assert jindan("report", tmp_path / "r", "--lang", "ko").code == 0
    assert 'data-default="ko"' in (tmp_path / "r" / "report.html").read_text("utf-8")


def test_the_silhouette_finds_the_groups_and_tells_in_the_readers_language(jindan, tmp_path):
    rng = np.random.default_rng(1)
    kind = np.repeat([0, 1, 2], 30)
    x = np.array([[0, 0], [5, 0], [0, 5]])[kind] + rng.normal(size=(90, 2)) / 4
    pl.DataFrame({"a": x[:, 0], "b": x[:, 1], "y": [f"k{k}" for k in kind]}).write_csv(tmp_path / "t.csv")
    base = ("train", tmp_path / "t.csv", "--model", "kmeans", "--target", "y", "--out")
    said = jindan(*base, tmp_path / "en").out
    assert "3 clusters" in said
    assert "a strong structure" in said
    assert "agree with y by 1 " in said
    said = jindan(*base, tmp_path / "ko", "--lang", "ko").out
    assert "군집 3개" in said
    assert "다음:" in said


@pytest.mark.parametrize("model", ["autoencoder", "word2vec"])
def test_ctrl_c_keeps_what_was_learnt(shelf, tmp_path, monkeypatch, jindan, model):
    monkeypatch.setattr(Bar, "__call__", lambda self, told: True)
    data = shelf / ("w.txt" if model == "word2vec" else "t.csv")
    said = jindan("train", data, "--model", model, "--epochs", "400", "--quiet", "--out", tmp_path / "r")
    assert said.code == 130
    assert "what was learnt is kept" in said.err
    record = json.loads((tmp_path / "r" / "record.json").read_text("utf-8"))
    assert record["unfinished"] == "training"
    assert jindan("report", tmp_path / "r").code == 0


def test_a_folder_of_images_without_classes(tmp_path, jindan):
    from jindan.report.png import png

    rng = np.random.default_rng(0)
    (tmp_path / "photos").mkdir()
    for k in range(12):
        (tmp_path / "photos" / f"{k}.png").write_bytes(png(rng.integers(0, 255, (5, 4, 3)).astype(np.uint8)))
    said = jindan("train", tmp_path / "photos", "--model", "pca", "--dim", "2", "--json", "--out", tmp_path / "r")
    assert said.code == 0, said.err
    found = _csv(jindan("predict", tmp_path / "r", tmp_path / "photos" / "3.png").out)
    assert found.columns == ["row", "file", "code_1", "code_2", "anomaly"]


def test_python_gives_the_same_run(shelf, tmp_path):
    found = train_other(shelf / "t.csv", "pca", target="y", out=tmp_path / "r")
    assert found.folder == tmp_path / "r"
    assert not found.interrupted
    assert found.summary()["figures"] == json.loads((tmp_path / "r" / "metrics.json").read_text("utf-8"))
