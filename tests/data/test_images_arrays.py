"""Arrays of images: which values become which bytes; archives that are damaged or hold objects are told plainly."""

import numpy as np
import pytest

from jindan.data import read_images
from jindan.errors import FileError

RNG = np.random.default_rng(11)


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int64", "float32"])
def test_zeros_and_ones_are_black_and_white(dtype):
    bits = RNG.integers(0, 2, (2, 3, 3)).astype(dtype)
    np.testing.assert_array_equal(read_images(bits).rows[..., 0], np.where(bits, 255, 0))


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float64"])
def test_larger_values_stay_as_they_are(dtype):
    values = np.array([[[0, 1], [2, 1]]], dtype)
    np.testing.assert_array_equal(read_images(values).rows[..., 0], values)


def test_damaged_archives_are_told(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, images=RNG.integers(0, 256, (4, 16, 16)).astype(np.uint8), labels=np.array(list("abab")))
    whole = path.read_bytes()
    np.savez_compressed(path, images=np.arange(4 * 256).reshape(4, 16, 16) % 251, labels=np.array(list("abab")))
    packed = path.read_bytes()
    for content in (whole[:200], _flipped(whole, 700), _flipped(packed, 100), packed[:-30], b""):
        path.write_bytes(content)
        with pytest.raises(FileError, match="cannot be read as NumPy arrays") as error:
            read_images(path)
        assert error.value.where == path
        assert error.value.received


def test_arrays_of_objects_are_told_and_left_alone_where_nobody_asks(tmp_path):
    images, names = np.full((4, 3, 3), 9, np.uint8), np.array(list("abab"), object)
    np.savez(tmp_path / "labels.npz", images=images, labels=names)
    with pytest.raises(FileError, match=r"an array of Python objects(.|\n)*labels=np.array\(labels, str\)"):
        read_images(tmp_path / "labels.npz")
    np.savez(tmp_path / "beside.npz", images=images, labels=names.astype(str), notes=names)
    assert read_images(tmp_path / "beside.npz").classes == ("a", "b")


def test_an_archive_under_the_name_of_an_array_and_the_other_way_round(tmp_path):
    with open(tmp_path / "a.npy", "wb") as file:
        np.savez(file, images=np.zeros((2, 3, 3)))
    with open(tmp_path / "b.npz", "wb") as file:
        np.save(file, np.zeros((2, 3, 3)))
    for name, words in (("a.npy", "an archive, which is called .npz"), ("b.npz", "one array, which is called .npy")):
        with pytest.raises(FileError, match=words):
            read_images(tmp_path / name)


def _flipped(content, place):
    return content[:place] + bytes([content[place] ^ 255]) + content[place + 1 :]
