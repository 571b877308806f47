"""Sets of images as tables: what counts as images, bytes in rows, other sizes and colours, a look at them."""

import numpy as np
import pytest

from jindan.data import holds_images, look_at_images, read_images
from jindan.data.images_column import ImageEncoder
from jindan.data.images_table import as_seen_by, frame_of, read_set, table_of
from jindan.errors import FileError, InputError, JindanWarning

Image = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(5)


@pytest.fixture
def folder(tmp_path):
    """Two classes with four images each, in the folders train and test."""
    for part in ("train", "test"):
        for label in ("cat", "dog"):
            place = tmp_path / "pets" / part / label
            place.mkdir(parents=True)
            for i in range(4):
                Image.fromarray(RNG.integers(0, 256, (6, 5, 3)).astype(np.uint8)).save(place / f"{i}.png")
    return tmp_path / "pets"


def test_what_counts_as_images(tmp_path, folder):
    assert holds_images(folder)
    for name in ("a.npz", "a.npy", "cat.PNG", "train-images-idx3-ubyte.gz"):
        assert holds_images(name), name
    for other in (
        "a.csv",
        "kospi_idx30.csv",
        "idx1.tsv.gz",
        "a.parquet",
        "none",
        {"x": [1]},
        np.zeros((2, 3)),
        tmp_path / "none",
    ):
        assert not holds_images(other), other
    (tmp_path / "goods" / "img").mkdir(parents=True)
    assert holds_images(tmp_path / "goods")
    (tmp_path / "goods" / "goods.csv").write_text("a\n1\n")
    assert not holds_images(tmp_path / "goods")


def test_parts_become_one_table(folder):
    images = read_set(folder)
    frame, places = table_of(images, folder)
    assert frame.columns == ["file", "image", "class"]
    assert frame["file"][0] == "train/cat/0.png"
    assert {name: rows.tolist() for name, rows in places.items()} == {
        "train": list(range(8)), "test": list(range(8, 16))
    }  # fmt: skip
    assert frame["class"].to_list() == (["cat"] * 4 + ["dog"] * 4) * 2
    encoder = ImageEncoder("image", 6, 5, 3)
    np.testing.assert_array_equal(encoder.rows(frame["image"])[8:], images.parts["test"].rows)


def test_large_images_are_read_small(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        Image.fromarray(RNG.integers(0, 256, (100, 200), dtype=np.uint8)).save(tmp_path / name / "1.png")
    assert read_set(tmp_path).shape == (32, 64, 1)
    assert read_set(tmp_path, size=(10, 10)).shape == (10, 10, 1)
    codes = [code for code, _ in look_at_images(tmp_path).remarks]
    assert codes == ["few-images", "few-images", "images-shrunk"]


def test_other_colours_and_sizes_are_brought_to_what_the_network_sees(folder):
    grey, colours = ImageEncoder("image", 4, 4, 1), ImageEncoder("image", 4, 4, 3)
    image = RNG.integers(0, 256, (2, 4, 4, 3)).astype(np.uint8)
    cells = frame_of(read_images(image))["image"]
    wanted = image @ np.array([0.299, 0.587, 0.114])
    np.testing.assert_allclose(grey.rows(cells)[..., 0], wanted, atol=0.51)  # rounded to whole numbers
    np.testing.assert_array_equal(colours.rows(cells), image)
    plain = frame_of(read_images(image[..., :1]))["image"]
    np.testing.assert_array_equal(colours.rows(plain), np.repeat(image[..., :1], 3, -1))
    assert colours.rows(plain.head(0)).shape == (0, 4, 4, 3)
    with pytest.raises(InputError, match="another size"):
        ImageEncoder("image", 5, 5, 1).rows(cells)
    assert ImageEncoder("image", 3, 3, 1).rows(
        as_seen_by(ImageEncoder("image", 3, 3, 1), folder / "test")["image"]
    ).shape == (8, 3, 3, 1)


def test_what_a_network_is_given_to_see(folder):
    encoder = ImageEncoder("image", 6, 5, 3)
    files = [str(folder / "test" / "dog" / f"{i}.png") for i in (2, 0)]
    frame = as_seen_by(encoder, files)
    assert frame["file"].to_list() == files
    assert as_seen_by(encoder, files[0])["file"].to_list() == files[:1]
    np.testing.assert_array_equal(encoder.rows(frame["image"])[1], np.asarray(Image.open(files[1])))
    assert as_seen_by(encoder, folder / "test")["class"].to_list() == ["cat"] * 4 + ["dog"] * 4
    with pytest.raises(InputError, match=r"several parts(.|\n)*train, test(.|\n)*Give one of them: .*test"):
        as_seen_by(encoder, folder)
    with pytest.raises(InputError, match=r"another size(.|\n)*6 × 5(.|\n)*9 × 9"):
        as_seen_by(encoder, np.zeros((2, 9, 9), np.uint8))
    (folder / "test" / "dog" / "0.png").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"1 of 2 images cannot be read(.|\n)*0\.png"):
        as_seen_by(encoder, files)
    with pytest.warns(JindanWarning, match="1 of 8"):
        assert len(as_seen_by(encoder, folder / "test")) == 7


def test_a_look_counts_what_is_there(folder, tmp_path):
    (folder / "train" / "cat" / "0.png").write_bytes(b"broken")
    (folder / "train" / "cat" / "notes.txt").write_text("x")
    seen = look_at_images(folder)
    body = seen.to_dict()
    assert (body["images"], body["classes"], body["parts"]["test"]["images"]) == (7, {"cat": 3, "dog": 4}, 8)
    assert 100 < body["brightness"]["mean"][0] < 155
    for lang in ("en", "ko"):
        text = " ".join(seen.notes(lang))
        assert "notes.txt" in text
        assert "0.png" in text
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match="no image here"):
        look_at_images(tmp_path / "empty")
    assert "images-unlabelled" in [code for code, _ in look_at_images(folder / "test" / "cat").remarks]
