"""Layers of strings: vocabularies, numbers and vectors as Keras's, in any script; hashes as they are everywhere.

keras_preprocessing.json holds what the layers of Keras 3.15.1 gave with TensorFlow 2.21, which they need and which is
not installed here.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from sklearn.feature_extraction.text import CountVectorizer

from jindan import register, spec
from jindan.errors import FileError, InputError, ShapeError, StateError, UnknownNameError
from jindan.layers import HashedCrossing, Hashing, StringLookup, TextVectorization
from jindan.layers.fingerprints import fingerprint, keyed

KERAS = json.loads((Path(__file__).parent / "keras_preprocessing.json").read_text("utf-8"))
TEXTS = ["아주 좋은 영화", "나쁜 영화, 나쁜 음악!", "좋은 연기"]


def told(case):
    return pytest.param(case, id="-".join(f"{n}={v}" for n, v in case["settings"].items()) or "as-it-is")


@pytest.mark.parametrize("case", list(map(told, KERAS["vectorization"]["cases"])))
def test_texts_as_in_keras(case):
    texts = KERAS["vectorization"]["texts"]
    layer = TextVectorization(**case["settings"]).adapt(texts[:9])
    assert layer.get_vocabulary() == case["vocabulary"]
    assert layer.vocabulary_size() == len(case["vocabulary"])
    np.testing.assert_allclose(layer(texts), case["output"], rtol=1e-6)
    again = spec.from_json("layer", json.loads(json.dumps(spec.to_json(layer))))
    assert again == layer
    np.testing.assert_array_equal(again(texts), layer(texts))


@pytest.mark.parametrize("case", list(map(told, KERAS["strings"]["cases"])))
def test_strings_as_in_keras(case):
    rows = KERAS["strings"]
    layer = StringLookup(**case["settings"]).adapt(rows["rows"])
    assert layer.get_vocabulary() == case["vocabulary"]
    np.testing.assert_allclose(layer(rows["new"]), case["output"], rtol=1e-6)
    given = StringLookup(**case["settings"], vocabulary=case["vocabulary"], idf_weights=layer.idf_weights)
    np.testing.assert_allclose(given(rows["new"]), case["output"], rtol=1e-6)
    assert spec.from_json("layer", json.loads(json.dumps(spec.to_json(layer)))) == layer


@pytest.mark.parametrize("case", list(map(told, KERAS["hashing"]["cases"])))
def test_hashes_as_in_keras(case):
    """Strings of 0 … 300 characters go through every branch of FarmHash; numbers are hashed as they are written."""
    layer = Hashing(**case["settings"])
    np.testing.assert_array_equal(layer(np.array(KERAS["hashing"]["strings"])[:, None]), case["strings"])
    if "numbers" in case:
        np.testing.assert_array_equal(layer(np.array(KERAS["hashing"]["numbers"])[:, None]), case["numbers"])


def test_crosses_as_in_keras():
    words, numbers = KERAS["hashing"]["strings"], np.arange(20) * 7 - 3
    cross = HashedCrossing(10**6)
    np.testing.assert_array_equal(cross([words[:20], numbers]), KERAS["crossing"]["output"])
    np.testing.assert_array_equal(cross([words[:20], numbers, words[20:40]]), KERAS["crossing3"]["output"])
    hot = HashedCrossing(5, "one_hot")([["A", "B"], [101, 101]])
    np.testing.assert_array_equal(hot, np.eye(5)[[1, 4]])


def test_published_hashes():
    """SipHash's own vector; FarmHash's by hand for no bytes, and for one: ShiftMix(97 · 257 · k2 ⊕ 389 · k0) · k2."""
    assert keyed(bytes(range(15)), 0x0706050403020100, 0x0F0E0D0C0B0A0908) == 0xA129CA6149BE45E5
    k0, k2, all_ = 0xC3A5C85C97CB3127, 0x9AE16A3B2F90404F, 2**64 - 1
    mixed = (97 * 257 * k2 ^ (1 + 97 * 4) * k0) & all_
    assert fingerprint(b"") == k2
    assert fingerprint(b"a") == (mixed ^ mixed >> 47) * k2 & all_


def test_counts_and_rarity_against_scikit_learn():
    texts = ["a b b c", "b c d", "d d d e", "a"]
    theirs = CountVectorizer(token_pattern=r"\S+")
    counts = theirs.fit_transform(texts).toarray()
    layer = TextVectorization(output_mode="count").adapt(texts)
    order = [layer.get_vocabulary().index(word) for word in theirs.get_feature_names_out()]
    np.testing.assert_array_equal(layer(texts)[:, order], counts)
    hot = TextVectorization(output_mode="multi_hot").adapt(texts)
    np.testing.assert_array_equal(hot(texts)[:, order], counts > 0)
    idf = np.log(1 + len(texts) / (1 + (counts > 0).sum(0)))
    rare = TextVectorization(output_mode="tf_idf").adapt(texts)
    np.testing.assert_allclose(rare(texts)[:, order], counts * idf, rtol=1e-6)
    np.testing.assert_allclose(rare(["unseen"])[0, 0], idf.mean(), rtol=1e-6)


def test_korean_typed_on_any_system_is_the_same():
    apart = [unicodedata.normalize("NFD", text) for text in TEXTS]
    assert apart != TEXTS
    layer = TextVectorization().adapt(apart)
    assert layer.get_vocabulary() == ["", "[UNK]", "좋은", "영화", "나쁜", "음악", "연기", "아주"]
    np.testing.assert_array_equal(layer(apart), layer(TEXTS))
    np.testing.assert_array_equal(layer(TEXTS), [[7, 2, 3, 0], [4, 3, 4, 5], [2, 6, 0, 0]])
    for each in (StringLookup(vocabulary=["한글"]), StringLookup(vocabulary=[unicodedata.normalize("NFD", "한글")])):
        assert each([unicodedata.normalize("NFD", "한글"), "한글"]).tolist() == [1, 1]
    masked = StringLookup(mask_token=unicodedata.normalize("NFD", "빈"), vocabulary=["한글"])
    assert masked(["빈", "한글"]).tolist() == [0, 2]
    assert len(set(Hashing(1000)(["한글", unicodedata.normalize("NFD", "한글")]).tolist())) == 1
    assert TextVectorization(split="character").tokens([apart[2]]) == [["좋", "은", " ", "연", "기"]]


def test_capitals_and_spaces_of_all_scripts():
    layer = TextVectorization(vocabulary=["élan", "영화"])
    assert layer(["Élan\u3000영화\u00a0ÉLAN"]).tolist() == [[2, 3, 2]]


def test_functions_of_ones_own():
    seen = []

    def joined(texts):
        seen.append(texts.dtype.kind)
        return np.char.replace(texts, "-", " ")

    layer = TextVectorization(standardize=joined, split=lambda texts: [t.split("|") for t in texts])
    assert layer.adapt(["a-b|c", "c"]).get_vocabulary()[2:] == ["c", "a b"]
    assert seen == ["U"]
    with pytest.raises(InputError, match=r"cannot be written to a file(.|\n)*register"):
        spec.to_json(layer)
    register("activation", "hyphens", joined)
    kept = TextVectorization(standardize=joined, vocabulary=["a"])
    assert spec.from_json("layer", spec.to_json(kept)) == kept
    with pytest.raises(InputError, match="tokens of each text"):
        TextVectorization(split=lambda texts: [["a"]], vocabulary=["a"])(["x", "y"])


@pytest.mark.parametrize(
    "data",
    [["b", "a", "b"], [["b"], ["a"], ["b"]], np.array(["b", "a", "b"]), np.array([b"b", b"a", b"b"]), ("b", "a", "b")],
)
def test_texts_of_any_kind(data):
    pl, pd = pytest.importorskip("polars"), pytest.importorskip("pandas")
    for given in (data, pl.Series(np.ravel(data).astype(str)), pd.Series(np.ravel(data).astype(str))):
        assert TextVectorization().adapt(given).get_vocabulary() == ["", "[UNK]", "b", "a"]
        assert TextVectorization(vocabulary=["b", "a"])(given).ravel().tolist() == [2, 3, 2]
        assert StringLookup().adapt(given).get_vocabulary() == ["[UNK]", "b", "a"]


def test_adapting_to_batches():
    def endless():
        while True:
            yield ["b a"]
            yield ["b"]

    assert TextVectorization().adapt(endless(), steps=2).get_vocabulary() == ["", "[UNK]", "b", "a"]
    assert StringLookup().adapt(iter([["b", "a"], ["b"]])).get_vocabulary() == ["[UNK]", "b", "a"]


def test_adapting_again_forgets_what_was():
    layer = TextVectorization(vocabulary=["a"])
    assert layer(["a b"]).tolist() == [[2, 1]]
    assert layer.adapt(["b"])(["a b"]).tolist() == [[1, 2]]
    layer.set_vocabulary(["a", "b"])
    assert layer(["a b"]).tolist() == [[2, 3]]
    assert layer.get_vocabulary(include_special_tokens=False) == ["a", "b"]


def test_a_long_vocabulary_is_not_written_out():
    layer = TextVectorization(vocabulary=[f"w{i}" for i in range(20_000)])
    assert repr(layer) == "TextVectorization(vocabulary=('w0', 'w1', 'w2', … 20,000 in all))"
    assert repr(StringLookup(vocabulary=["a", "b"])) == "StringLookup(vocabulary=('a', 'b'))"


def test_missing_and_empty_texts():
    layer = TextVectorization().adapt(["a", None, "", float("nan")])
    assert layer.get_vocabulary() == ["", "[UNK]", "a"]
    assert layer([None, "a"]).tolist() == [[0], [2]]
    assert layer([]).shape == (0, 0)
    assert layer([""]).shape == (1, 0)
    counted = TextVectorization(output_mode="count", vocabulary=["a"])
    assert counted([]).shape == (0, 2)
    assert counted([None]).tolist() == [[0.0, 0.0]]
    assert StringLookup(vocabulary=["a"], mask_token="")([[None, "a"]]).tolist() == [[0, 2]]
    assert StringLookup().adapt(["a"]).get_vocabulary() == ["[UNK]", "a"]


def test_files_of_tokens(tmp_path):
    (tmp_path / "words.txt").write_text("영화\n음악\n", "utf-8")
    layer = TextVectorization(vocabulary=str(tmp_path / "words.txt"))
    assert layer(["음악 영화"]).tolist() == [[3, 2]]
    with pytest.raises(FileError, match=r"cannot be read(.|\n)*help: "):
        StringLookup(vocabulary=str(tmp_path / "none.txt"))


def test_there_and_back():
    layer = StringLookup().adapt(TEXTS)
    back = StringLookup(vocabulary=layer.get_vocabulary(), invert=True)
    assert back(layer([*TEXTS, "?"])).tolist() == [*TEXTS, "[UNK]"]
    assert back([-1, 99]).tolist() == ["[UNK]", "[UNK]"]


TOLD = "(.|\n)*where: (.|\n)*expected: (.|\n)*received: (.|\n)*help: "


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"ngrams": 0}, "runs of so many tokens"),
        ({"ngrams": (1, "2")}, "runs of so many tokens"),
        ({"output_mode": "count", "output_sequence_length": 3}, "do not go together"),
        ({"pad_to_max_tokens": True}, "do not go together"),
        ({"max_tokens": 2}, "do not go together"),
        ({"idf_weights": [1.0], "vocabulary": ["a"]}, "do not go together"),
        ({"vocabulary": ["a", "a"]}, "no vocabulary"),
        ({"vocabulary": []}, "no vocabulary"),
        ({"vocabulary": ["a", ""]}, "no vocabulary"),
        ({"vocabulary": ["a", "b"], "max_tokens": 3}, "no vocabulary"),
        ({"vocabulary": ["a"], "output_mode": "tf_idf"}, "needs a weight"),
        ({"vocabulary": ["a"], "output_mode": "tf_idf", "idf_weights": [1.0, 2.0, 3.0]}, "needs a weight"),
        ({"vocabulary": ["a"], "output_mode": "tf_idf", "idf_weights": [np.nan]}, "needs a weight"),
    ],
)
def test_what_it_refuses(settings, words):
    with pytest.raises(InputError, match=words + TOLD):
        TextVectorization(**settings)


def test_a_misspelt_way_gets_a_suggestion():
    with pytest.raises(UnknownNameError, match=r"no standardization called 'lowr'(.|\n)*Did you mean `lower`"):
        TextVectorization(standardize="lowr")
    with pytest.raises(UnknownNameError, match=r"no split called 3(.|\n)*whitespace"):
        TextVectorization(split=3)


def test_what_it_refuses_to_read():
    layer = TextVectorization(vocabulary=["a"])
    for call, error, words in (
        (lambda: layer("a b"), InputError, "One text was given"),
        (lambda: layer([["a", "b"]]), ShapeError, "A row is one text" + TOLD),
        (lambda: layer([["a"], ["b", "c"]]), ShapeError, "differ in length" + TOLD),
        (lambda: TextVectorization()(["a"]), StateError, "no vocabulary yet(.|\n)*help: "),
        (lambda: TextVectorization().adapt([]), InputError, "nothing to learn" + TOLD),
        (lambda: TextVectorization().adapt(["...", " "]), InputError, "nothing to learn" + TOLD),
        (lambda: TextVectorization().adapt(3), InputError, "nothing to adapt to" + TOLD),
        (lambda: StringLookup(vocabulary=["a"], num_oov_indices=0)(["b"]), InputError, "not in the vocabulary" + TOLD),
        (lambda: StringLookup(invert=True, output_mode="count"), InputError, "do not go together" + TOLD),
        (lambda: StringLookup(invert=True, vocabulary=["[UNK]", "a", "[UNK]"]), InputError, "no vocabulary" + TOLD),
        (lambda: StringLookup(vocabulary=["a"], invert=True).output_shape((1,)), InputError, "gives strings" + TOLD),
        (lambda: StringLookup(salt="x"), InputError, "one or two integers" + TOLD),
        (lambda: StringLookup(mask_token=0), InputError, "reads strings" + TOLD),
        (lambda: Hashing(3, mask_value=0.5), InputError, "reads strings" + TOLD),
        (lambda: Hashing(3, salt=[1, 2, 3]), InputError, "one or two integers" + TOLD),
        (lambda: Hashing(3)([[0.5, np.nan]]), InputError, "reads whole numbers" + TOLD),
        (lambda: HashedCrossing(3)([["a"]]), InputError, "crossed with one another" + TOLD),
        (lambda: HashedCrossing(3)([["a"], ["b", "c"]]), ShapeError, "do not go together" + TOLD),
    ):
        with pytest.raises(error, match=words):
            call()
