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


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32"])
def test_dark_images_beside_brighter_parts_stay_dark(tmp_path, dtype):
    bright, dark = RNG.integers(0, 256, (6, 3, 3)).astype(dtype), RNG.integers(0, 2, (2, 3, 3)).astype(dtype)
    for first, second in ((bright, dark), (dark, bright)):
        np.savez(tmp_path / "a.npz", x_train=first, x_test=second)
        images = read_images(tmp_path / "a.npz")
        np.testing.assert_array_equal(images.rows[..., 0], first)
        np.testing.assert_array_equal(images.parts["test"].rows[..., 0], second)


def test_black_and_white_is_a_matter_of_all_parts(tmp_path):
    bits, bright = RNG.integers(0, 2, (4, 3, 3)).astype(np.uint8), RNG.integers(2, 256, (4, 3, 3)).astype(np.uint8)
    np.savez(tmp_path / "bits.npz", x_train=bits, x_test=bits[:2])
    images = read_images(tmp_path / "bits.npz")
    np.testing.assert_array_equal(images.rows[..., 0], 255 * bits)
    np.testing.assert_array_equal(images.parts["test"].rows[..., 0], 255 * bits[:2])
    # Fractions and truth values tell of themselves in what form they are.
    for other in (bright / np.float32(255), bits.astype(bool)):
        np.savez(tmp_path / "mixed.npz", x_train=bright, x_test=other)
        part = read_images(tmp_path / "mixed.npz").parts["test"]
        np.testing.assert_array_equal(part.rows[..., 0], bright if other.dtype == np.float32 else 255 * bits)


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
