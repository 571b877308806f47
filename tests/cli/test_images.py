"""The commands on images and texts: look, train, predict, evaluate, and their errors."""

import shutil

import numpy as np
import pytest

Image = pytest.importorskip("PIL.Image")


@pytest.fixture(scope="module")
def pets(tmp_path_factory):
    """A folder of two classes, the one dark, the other bright."""
    folder, rng = tmp_path_factory.mktemp("pets") / "pets", np.random.default_rng(0)
    for number, label in enumerate(("cat", "dog")):
        (folder / label).mkdir(parents=True)
        for i in range(25):
            image = rng.integers(120 * number, 120 * number + 100, (6, 6)).astype(np.uint8)
            Image.fromarray(image).save(folder / label / f"{i}.png")
    return folder


@pytest.fixture
def refused(jindan):
    """A command that must fail with code 1 and a message in the template."""

    def run(*arguments):
        said = jindan(*arguments)
        assert said.code == 1, said
        assert said.err.startswith("jindan: ")
        assert "help:" in said.err
        assert "Traceback" not in said.err
        return said.err

    return run


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_look_at_images(pets, jindan, lang):
    said = jindan("look", pets, "--lang", lang)
    assert said.code == 0
    assert "cat" in said.out
    assert "25" in said.out
    body = jindan("look", pets, "--json").json
    assert (body["images"], body["classes"], body["shape"]) == (50, {"cat": 25, "dog": 25}, [6, 6, 1])


def test_a_folder_of_classes_from_training_to_prediction(pets, jindan, refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    said = jindan("train", pets, "--epochs", "25", "--out", "run", "--json")
    assert said.code == 0, said.err
    assert said.json["target"] == "class"
    assert said.json["inputs"][0]["kind"] == "image"
    assert said.json["metrics"]["accuracy"] > 0.8
    rows = jindan("predict", "run", pets)
    assert rows.out.splitlines()[0] == "row,file,prediction,p_cat,p_dog"
    assert len(rows.out.splitlines()) == 51
    few = jindan("predict", "run", pets / "dog" / "3.png", pets / "cat" / "1.png", "--json").json
    assert [row["prediction"] for row in few["predictions"]] == ["dog", "cat"]
    one = jindan("predict", "run", pets / "dog" / "3.png", "--json").json
    assert one["predictions"][0]["p_dog"] == few["predictions"][0]["p_dog"]
    assert jindan("evaluate", "run", pets, "--json").json["rows"] == 50
    assert "no target" in refused("evaluate", "run", pets / "cat")
    (tmp_path / "broken.png").write_bytes(b"x")
    assert "image files can be read" in refused("predict", "run", "broken.png")
    assert "1 of 2 images" in refused("predict", "run", "broken.png", pets / "cat" / "1.png")
    assert "nothing at that path" in refused("predict", "run", "nowhere")


def test_what_cannot_be_trained_on(pets, refused, jindan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for command in ("look", "train"):
        assert "no image here" in refused(command, "empty")
    assert "have no classes" in refused("train", pets / "cat")
    assert "its classes" in refused("train", pets, "--target", "colour")
    (tmp_path / "a.csv").write_text("x,y\n1,2\n")
    missing = jindan("train", "a.csv")
    assert missing.code == 2
    assert "--target" in missing.err
    assert [entry.name for entry in tmp_path.iterdir() if entry.is_dir()] == ["empty"]


def test_the_summary_says_how_texts_are_read(jindan, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = ["좋은", "나쁜", "긴", "짧은"]
    rng = np.random.default_rng(0)
    lines = [f"{' '.join(rng.choice(words, 5))} 영화 {i},{'ab'[i % 2]}" for i in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["review,y", *lines]), encoding="utf-8")
    said = jindan("train", "t.csv", "--target", "y", "--epochs", "1", "--out", "r", "--lang", "ko")
    assert said.code == 0, said.err
    assert "2자씩" in " ".join(said.out.split())
    dropped = jindan("train", "t.csv", "--target", "y", "--drop", "review")
    assert dropped.code == 1


@pytest.mark.parametrize(("lang", "says"), [
    ("en", "1 of 51 image files cannot be read and are left out: pets/cat/torn.png"),
    ("ko", "이미지 파일 51개 가운데 1개를 읽을 수 없어 뺐습니다: pets/cat/torn.png"),
])  # fmt: skip
def test_warnings_are_in_the_language(pets, jindan, tmp_path, monkeypatch, lang, says):
    shutil.copytree(pets, tmp_path / "pets")
    (tmp_path / "pets" / "cat" / "torn.png").write_bytes(b"x")
    monkeypatch.chdir(tmp_path)
    said = jindan("train", "pets", "--epochs", "1", "--out", "run", "--lang", lang)
    assert said.code == 0, said.err
    assert says in said.err
