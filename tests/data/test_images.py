"""Images from folders, idx files and arrays, broken files, and image columns of tables."""

import gzip
import json
import struct
import subprocess
import sys
import warnings

import numpy as np
import polars as pl
import pytest

from jindan.data import (
    Preprocessing,
    Preprocessor,
    fit_preprocessor,
    infer_columns,
    look,
    read_idx,
    read_images,
)
from jindan.errors import FileError, InputError, JindanWarning, UnknownNameError

PIL = pytest.importorskip("PIL.Image")
RNG = np.random.default_rng(417)


def write(path, array, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.fromarray(array).save(path, **options)
    return path


def noise(height=6, width=8, channels=3):
    shape = (height, width) if channels == 1 else (height, width, channels)
    return RNG.integers(0, 256, shape).astype(np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Two classes of colour images, three and two."""
    arrays = {}
    for name, count in (("dog", 3), ("cat", 2)):
        for i in range(count):
            arrays[name, i] = noise()
            write(tmp_path / "pets" / name / f"{i}.png", arrays[name, i])
    return tmp_path / "pets", arrays


def test_a_folder_of_classes(folder):
    path, arrays = folder
    images = read_images(path)
    assert (images.name, images.classes, len(images)) == ("pets", ("cat", "dog"), 5)
    assert images.labels.tolist() == [0, 0, 1, 1, 1]
    assert (images.rows.dtype, images.labels.dtype) == (np.uint8, np.int32)
    for row, file in zip(images.rows, images.paths, strict=True):
        name, number = file.split("/")[-2:]
        np.testing.assert_array_equal(row, arrays[name, int(number[0])])
    assert images.summary()["classes"] == {"cat": 2, "dog": 3}
    assert json.dumps(images.summary())
    assert images.broken == images.others == ()
    same = read_images(list(images.paths), ["cat", "cat", "dog", "dog", "dog"])
    np.testing.assert_array_equal(same.rows, images.rows)
    np.testing.assert_array_equal(same.labels, images.labels)


def test_train_and_test_folders_share_their_classes(tmp_path):
    for part, size in (("train", (6, 8)), ("test", (9, 9)), ("val", (6, 8))):
        for name in ("10", "9"):
            write(tmp_path / part / name / "a.png", noise(*size, channels=1))
    (tmp_path / "test" / "9" / "a.png").unlink()
    images = read_images(tmp_path)
    assert images.classes == ("9", "10")  # numbers in their order
    assert set(images.parts) == {"test", "validation"}
    assert images.parts["test"].shape == images.shape == (6, 8, 1)
    assert images.parts["test"].labels.tolist() == [1]
    assert images.parts["test"].classes == images.classes
    write(tmp_path / "test" / "11" / "b.png", noise())
    with pytest.raises(InputError, match=r"A class has no training images(.|\n)*received: 11"):
        read_images(tmp_path)


def test_broken_files_are_named_and_counted(folder):
    path, _ = folder
    whole = (path / "dog" / "1.png").read_bytes()
    (path / "dog" / "1.png").write_bytes(whole[: len(whole) // 2])
    (path / "cat" / "0.png").write_bytes(b"no image at all")
    (path / "cat" / "notes.txt").write_text("passed over")
    (path / "cat" / ".hidden").write_text("")
    with pytest.warns(JindanWarning, match=r"2 of 5 image files cannot be read and are left out: .*cat.0\.png \("):
        images = read_images(path)
    assert [name.split("/")[-2:] for name, _ in images.broken] == [["cat", "0.png"], ["dog", "1.png"]]
    assert all(reason for _, reason in images.broken)
    assert len(images.rows) == len(images.labels) == len(images.paths) == 3
    assert images.labels.tolist() == [0, 1, 1]
    assert [name.split("/")[-1] for name in images.others] == ["notes.txt"]
    with pytest.warns(JindanWarning):
        listed = read_images([str(path / "cat" / f"{i}.png") for i in (0, 1)], ["x", "y"])
    assert [listed.classes[i] for i in listed.labels] == ["y"]
    for file in path.rglob("*.png"):
        file.write_bytes(b"broken")
    with pytest.raises(FileError, match="None of the files can be read"):
        read_images(path)
    with pytest.raises(FileError, match="None of the image files can be read"):
        read_images(path, size=4, channels=1)


def test_the_commonest_size_and_both_ways_to_fit(tmp_path):
    for i in range(3):
        write(tmp_path / "a" / f"{i}.png", noise(6, 6))
    wide = np.zeros((6, 12, 3), np.uint8)
    wide[:, 3:9] = noise(6, 6)
    write(tmp_path / "a" / "wide.png", wide)
    crop = read_images(tmp_path)
    assert crop.shape == (6, 6, 3)
    np.testing.assert_array_equal(crop.rows[-1], wide[:, 3:9])  # nothing scaled, the middle cut out
    stretch = read_images(tmp_path, fit="stretch")
    assert (stretch.rows[-1, :, 0] < crop.rows[-1, :, 0]).any()
    assert read_images(tmp_path, size=(3, 4)).shape == (3, 4, 3)
    assert read_images(tmp_path, size=5).shape == (5, 5, 3)
    with pytest.raises(UnknownNameError, match="Did you mean `crop`"):
        read_images(tmp_path, fit="cropp")
    for bad in (0, (3,), "big", (3.5, 2), True):
        with pytest.raises(InputError, match="a height and a width"):
            read_images(tmp_path, size=bad)
    with pytest.raises(InputError, match="1 or 3 channels"):
        read_images(tmp_path, channels=4)


def test_scaling_as_in_torch(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    array = noise(24, 20)
    write(tmp_path / "a.png", array)
    for size in ((6, 5), (13, 9), (30, 31)):
        planes = torch.tensor(array, dtype=torch.float64).permute(2, 0, 1)[None]
        theirs = torch.nn.functional.interpolate(planes, size, mode="bilinear", antialias=True)[0].permute(1, 2, 0)
        ours = read_images(tmp_path, size=size, fit="stretch").rows[0]
        assert np.abs(ours - theirs.numpy()).max() <= 1.01  # rounded after each of the two directions


def test_grey_or_colour_is_decided_by_the_data(tmp_path):
    grey = noise(channels=1)
    write(tmp_path / "a" / "l.png", grey)
    assert read_images(tmp_path).shape == (6, 8, 1)
    write(tmp_path / "a" / "rgb.png", np.repeat(grey[..., None], 3, 2))
    images = read_images(tmp_path)
    assert images.shape == (6, 8, 1)  # three channels that are all the same
    np.testing.assert_array_equal(images.rows[0], images.rows[1])
    assert read_images(tmp_path, channels=3).shape == (6, 8, 3)
    write(tmp_path / "a" / "z.png", noise())
    assert read_images(tmp_path).shape == (6, 8, 3)
    assert read_images(tmp_path, channels=1).shape == (6, 8, 1)


def test_modes_of_files(tmp_path):
    grey = noise(channels=1)
    write(tmp_path / "a" / "1.png", grey.astype(np.uint16) * 257)
    clear = np.dstack([grey, grey, grey, np.where(grey > 127, 255, 0).astype(np.uint8)])
    write(tmp_path / "a" / "2.png", clear)
    PIL.fromarray(grey).convert("P").save(tmp_path / "a" / "3.png")
    PIL.fromarray(grey > 127).save(tmp_path / "a" / "4.png")
    PIL.fromarray(grey.astype(np.float32) / 255).save(tmp_path / "a" / "5.tif")
    exif = PIL.Exif()
    exif[0x0112] = 6
    PIL.fromarray(np.rot90(grey)).save(tmp_path / "a" / "6.png", exif=exif)
    images = read_images(tmp_path)
    assert images.shape == (6, 8, 1)
    first, second, third, fourth, fifth, sixth = images.rows[..., 0]
    np.testing.assert_array_equal(first, grey)
    np.testing.assert_array_equal(second, np.where(grey > 127, grey, 255))  # what is clear shows white
    np.testing.assert_array_equal(third, grey)
    np.testing.assert_array_equal(fourth, np.where(grey > 127, 255, 0))
    np.testing.assert_array_equal(fifth, grey)
    np.testing.assert_array_equal(sixth, grey)  # the camera's turn is undone


def test_jpeg_and_many_files_in_threads(tmp_path):
    down, across = np.mgrid[0:48, 0:64]
    smooth = np.stack([down * 5, across * 4, 255 - down * 5], axis=2).astype(np.uint8)
    for i in range(60):
        write(tmp_path / "a" / f"{i:02}.jpg", smooth, quality=95)
    images = read_images(tmp_path, size=(12, 16))
    assert images.rows.shape == (60, 12, 16, 3)
    assert (images.rows == images.rows[0]).all()
    # A coarser picture of the same slopes; JPEG and the smaller decoding cost a few levels.
    means = smooth.reshape(12, 4, 16, 4, 3).mean((1, 3))
    assert np.abs(images.rows[0][1:-1, 1:-1] - means[1:-1, 1:-1]).mean() < 4
    assert images.paths == tuple(sorted(images.paths))


def test_memory_is_asked_about_before_reading(folder):
    path, _ = folder
    with pytest.raises(InputError, match=r"would not fit into memory(.|\n)*5 images of 6 × 8 × 3(.|\n)*size=\(3, 5\)"):
        read_images(path, memory=300)
    assert len(read_images(path, size=(3, 5), memory=300)) == 5


def idx(array, code=8):
    return struct.pack(">BBBB", 0, 0, code, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def test_idx_files(tmp_path):
    x, y = noise(5, 4, 6).transpose(2, 0, 1), np.array([3, 0, 3, 1, 7, 9], np.uint8)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(idx(np.ascontiguousarray(x)))
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(y))
    (tmp_path / "t10k-images-idx3-ubyte.gz").write_bytes(gzip.compress(idx(np.ascontiguousarray(x[:2]))))
    (tmp_path / "t10k-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx(y[:2])))
    for source in (tmp_path, tmp_path / "train-images-idx3-ubyte"):
        images = read_images(source)
        np.testing.assert_array_equal(images.rows[..., 0], x)
        assert [int(images.classes[i]) for i in images.labels] == y.tolist()
    test = read_images(tmp_path).parts["test"]
    np.testing.assert_array_equal(test.rows[..., 0], x[:2])
    assert [int(test.classes[i]) for i in test.labels] == [3, 0]
    for code, dtype in ((9, "i1"), (11, ">i2"), (12, ">i4"), (13, ">f4"), (14, ">f8")):
        (tmp_path / "one").write_bytes(idx(np.array([[1, -2, 3]], dtype), code))
        assert read_idx(tmp_path / "one").tolist() == [[1, -2, 3]]
    for content, words in (
        (b"", "no idx file"),
        (b"PNG\n", "no idx file"),
        (idx(x)[:-1], "damaged"),
        (idx(y)[:6], "damaged"),
    ):
        (tmp_path / "bad").write_bytes(content)
        with pytest.raises(FileError, match=words):
            read_idx(tmp_path / "bad")
    with pytest.raises(FileError, match="cannot be read"):
        read_idx(tmp_path / "nothing")


@pytest.mark.parametrize(
    "names",
    [
        ("x_train", "y_train", "x_test", "y_test"),
        ("train_images", "train_labels", "test_images", "test_labels"),
        ("X_train", "Y_train", "X_val", "Y_val"),
    ],
)
def test_npz(tmp_path, names):
    x, y = RNG.integers(0, 256, (6, 4, 5, 3)).astype(np.uint8), np.array(list("abcabc"))
    np.savez(tmp_path / "set.npz", **dict(zip(names, (x, y, x[:2], y[:2]), strict=True)))
    images = read_images(tmp_path / "set.npz")
    np.testing.assert_array_equal(images.rows, x)
    assert images.classes == ("a", "b", "c")
    (part,) = images.parts.values()
    np.testing.assert_array_equal(part.rows, x[:2])
    assert part.labels.tolist() == [0, 1]


def test_arrays(tmp_path):
    x = RNG.integers(0, 256, (3, 4, 5))
    one_hot = np.eye(3)[[2, 0, 1]]
    np.savez(tmp_path / "a.npz", images=x, labels=one_hot)
    np.save(tmp_path / "a.npy", x)
    assert read_images(tmp_path / "a.npz").labels.tolist() == [2, 0, 1]
    for source in (tmp_path / "a.npy", x, x.astype(float), x / 255.0):
        images = read_images(source)
        np.testing.assert_array_equal(images.rows[..., 0], x)
        assert images.labels is None
    assert read_images(x > 127).rows.max() == 255
    assert read_images(x, [10.0, 9.0, 10.0]).classes == ("9", "10")
    for bad, words in (
        (x[0], "holds no images"),
        (x - 300, "no pixels"),
        (x * 1j, "no pixels"),
        (x[..., None, None], "no images"),
    ):
        with pytest.raises(InputError, match=words):
            read_images(bad)
    with pytest.raises(InputError, match="one label for each image"):
        read_images(x, [1, 2])
    np.save(tmp_path / "object.npy", np.array([{}], object), allow_pickle=True)
    for name, content in (("object.npy", None), ("bad.npz", b"PK nothing"), ("bad.npy", b"")):
        if content is not None:
            (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError, match="cannot be read as NumPy arrays"):
            read_images(tmp_path / name)
    np.savez(tmp_path / "other.npz", weights=x)
    with pytest.raises(FileError, match="no array that is called images"):
        read_images(tmp_path / "other.npz")


def test_paths_that_cannot_be(tmp_path, folder):
    path, _ = folder
    (tmp_path / "empty" / "a").mkdir(parents=True)
    (tmp_path / "loose.txt").write_text("")
    for source, words in (
        (tmp_path / "nowhere", "nothing at that path"),
        (tmp_path / "empty", "A class folder holds no image"),
        (tmp_path / "empty" / "a", "There is no image here"),
        (tmp_path / "loose.txt", "Files of this type hold no images"),
    ):
        with pytest.raises(InputError, match=words):
            read_images(source)
    with pytest.raises(InputError, match="Labels go with an array"):
        read_images(path, [1])
    flat = read_images(path / "dog")
    assert (len(flat), flat.labels, flat.classes) == (3, None, ())
    assert len(read_images(path / "dog" / "0.png")) == 1


def test_a_missing_package_is_named(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    code = (
        "import sys; sys.modules['PIL'] = None\n"
        "from jindan.data import read_images\n"
        "read_images([[[0, 1], [2, 3]]])\n"
        f"try: read_images({str(tmp_path)!r})\n"
        "except ValueError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert 'help: pip install "jindan[images]"' in out


def test_mnist(tables):
    images = read_images(tables.parent / "mnist.npz")
    assert images.rows.shape == (60000, 28, 28, 1)
    assert [int(images.classes[i]) for i in images.labels[:6]] == [5, 0, 4, 1, 9, 2]
    assert images.parts["test"].labels[:6].tolist() == [7, 2, 1, 0, 4, 1]


@pytest.fixture
def mixed(tmp_path):
    """A CSV of a number, a category, a text and an image, and its folder."""
    n = 30
    arrays = [noise(5, 4) for _ in range(n)]
    for i, array in enumerate(arrays):
        write(tmp_path / "img" / f"{i}.png", array)
    words = ["red", "blue", "round", "tall", "short"]
    frame = pl.DataFrame(
        {
            "price": RNG.normal(size=n),
            "shop": RNG.choice(["north", "south"], n),
            "note": [" ".join(RNG.choice(words, 5)) + f" no{i}" for i in range(n)],
            "photo": [f"img/{i}.png" for i in range(n)],
            "y": RNG.integers(0, 2, n),
        }
    )
    frame.write_csv(tmp_path / "goods.csv")
    return tmp_path, frame, np.stack(arrays)


def test_number_category_text_and_image_in_one_table(mixed):
    folder, frame, arrays = mixed
    kinds = [c.kind for c in infer_columns(frame, target="y", folder=folder)]
    assert kinds == ["numeric", "categorical", "text", "image", "numeric"]
    assert infer_columns(frame)[3].kind == "identifier"  # no folder, no look at files
    config = Preprocessing(text="words", image="crop")
    fitted = fit_preprocessor(frame[:20], infer_columns(frame, target="y", folder=folder), config, "y", folder)
    out = fitted.transform(frame, folder)
    assert {name: (x.shape, x.dtype.name) for name, x in out.items()} == {
        form.name: ((30, *form.shape), form.dtype) for form in fitted.inputs
    }
    assert [form.kind for form in fitted.inputs] == ["table", "text", "image"]
    np.testing.assert_array_equal(out["photo"], arrays)
    back = Preprocessor.from_dict(json.loads(json.dumps(fitted.to_dict())))
    assert str(folder) not in json.dumps(fitted.to_dict())
    for name, x in back.transform(frame, folder).items():
        np.testing.assert_array_equal(x, out[name])
    absolute = frame.with_columns(pl.lit(str(folder) + "/").add(pl.col("photo")).alias("photo"))
    np.testing.assert_array_equal(fitted.transform(absolute)["photo"], arrays)
    some = frame.with_columns(pl.when(pl.col("price") > 0).then("photo").alias("photo"))
    expected = np.where((frame["price"] > 0).to_numpy()[:, None, None, None], arrays, 0)
    np.testing.assert_array_equal(fitted.transform(some, folder)["photo"], expected)
    assert fitted.transform(frame.head(0), folder)["photo"].shape == (0, 5, 4, 3)
    small = fit_preprocessor(frame, None, Preprocessing(image="stretch", image_size=(3, 2)), "y", folder)
    assert small.transform(frame, folder)["photo"].shape == (30, 3, 2, 3)
    assert Preprocessing.from_dict(json.loads(json.dumps(small.config.to_dict()))) == small.config


def test_broken_images_of_a_table_are_named_with_their_rows(mixed):
    folder, frame, _ = mixed
    fitted = fit_preprocessor(frame, None, Preprocessing(image="crop"), "y", folder)
    (folder / "img" / "3.png").write_bytes(b"broken")
    (folder / "img" / "7.png").unlink()
    with pytest.raises(
        InputError, match=r"2 of 30 images(.|\n)*column 'photo'(.|\n)*row 4: .*3\.png \(.*; row 8: .*7\.png"
    ):
        fitted.transform(frame, folder)


def test_looking_at_a_table_with_images(mixed):
    folder, _, _ = mixed
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        seen = look(folder / "goods.csv", "y")
    assert [c.kind for c in seen.columns][3] == "image"
    assert any("the network sees the images" in note for note in seen.notes())
    assert len(seen.notes("ko")) == len(seen.notes())
