"""Normalisation, tokenisers, when a column is text, and text columns of tables."""

import gzip
import json
import subprocess
import sys
from collections import Counter

import numpy as np
import polars as pl
import pytest

from jindan.data import (
    Characters,
    Column,
    Normalization,
    Preprocessing,
    Preprocessor,
    Subwords,
    Words,
    fit_preprocessor,
    infer_columns,
    is_text,
    tokenizer_from_dict,
)
from jindan.errors import InputError, StateError, UnknownNameError

REVIEWS = [
    "정말 재미있는 영화였다!",
    "재미없다... 돈이 아깝다",
    "배우 연기가 정말 좋다",
    "최고의 영화, 정말 최고",
    "연기가 아깝다",
]
KINDS = [
    Words(min_count=1),
    Words(min_count=1, ngrams=2),
    Words(min_count=1, punctuation=False),
    Characters(),
    Subwords(),
]


@pytest.fixture(params=KINDS, ids=["words", "ngrams", "bare", "characters", "subwords"])
def tokenizer(request):
    if isinstance(request.param, Subwords):
        pytest.importorskip("tokenizers")
    return request.param


@pytest.mark.parametrize(
    ("settings", "text", "written"),
    [
        ({}, "  A\tb \n C ", "a b c"),
        ({}, "\u1112\u1161\u11ab글", "한글"),
        ({}, "Ａ①", "ａ①"),
        ({"form": "NFKC"}, "Ａ①", "a1"),
        ({"form": "none"}, "e\u0301", "e\u0301"),
        ({"lower": False}, "Ab", "Ab"),
        ({"spaces": False}, " a  b", " a  b"),
        ({}, "", ""),
    ],
)
def test_normalization(settings, text, written):
    value = Normalization(**settings)
    assert value(text) == written
    assert Normalization.from_dict(json.loads(json.dumps(value.to_dict()))) == value
    with pytest.raises(UnknownNameError, match="Did you mean `NFKC`"):
        Normalization("NFKCC")


def test_words_as_counted_by_hand():
    texts = ["the cat, the dog", "the bird", None, "a dog"]
    words = Words(min_count=1).fit(texts)
    counts = Counter(["the", "cat", ",", "the", "dog", "the", "bird", "a", "dog"])
    assert words.vocabulary == tuple(sorted(counts, key=lambda w: (-counts[w], w)))
    assert words.tokens[:4] == ("", "�", "the", "dog")
    assert words.size == len(counts) + 2
    assert words.length == 5
    ids = words.transform(["The DOG saw", "", "dog " * 9])
    assert ids.dtype == np.int32
    assert ids.tolist() == [[2, 3, 1, 0, 0], [0] * 5, [3] * 5]
    assert words.mask(ids).sum(1).tolist() == [3, 0, 5]
    assert words.inverse(ids) == ["the dog �", "", "dog dog dog dog dog"]
    assert words.unknown == 0
    assert Words(min_count=2).fit(texts).vocabulary == ("the", "dog")
    assert Words(min_count=2).fit(texts).unknown == pytest.approx(4 / 9)
    assert Words(max_tokens=3).fit(texts).vocabulary == ("the",)
    assert Words(min_count=9).fit(["one two"]).vocabulary == ("one", "two")  # else nothing would be known


def test_what_a_word_is():
    def split(text, **settings):
        fitted = Words(min_count=1, **settings).fit([text])
        return fitted.inverse(fitted.transform([text]))[0].split(" ")

    assert split("Don't stop: 3.5!") == ["don", "'", "t", "stop", ":", "3", ".", "5", "!"]
    assert split("Don't stop!", punctuation=False) == ["don", "t", "stop"]
    assert split("영화ㅋㅋ 😀👍") == ["영화ㅋㅋ", "😀", "👍"]
    assert split("हिन्दी में") == ["हिन्दी", "में"]  # vowel signs belong to the word


def test_pieces_of_korean_words():
    words = Words(min_count=1, ngrams=2).fit(["재미있다 나", "재미있는"])
    assert words.transform(["재미있다"])[0, :3].tolist() == [
        words.tokens.index(t) for t in ("재미", "##미있", "##있다")
    ]
    assert words.inverse(words.transform(["재미있는 나", "나"])) == ["재미있는 나", "나"]
    assert (words.transform(["재미있고"])[0] == 1).sum() == 1  # only the ending is new
    assert (Words(min_count=1).fit(["재미있다"]).transform(["재미있고"])[0] == 1).all()


def test_characters_are_exact():
    texts = ["abba", "b c", "𝒳é"]
    letters = Characters(normalization=Normalization("none", False, False)).fit(texts)
    assert letters.vocabulary[:2] == ("b", "a")
    assert letters.inverse(letters.transform(texts)) == texts
    assert letters.inverse(letters.transform(["axb"])) == ["a�b"]
    assert Characters(min_count=2).fit(texts).vocabulary == ("b", "a")
    assert Characters().fit(["a\ud800b"]).transform(["\ud800"]).tolist() == [[4, 0, 0]]


def test_subwords_join_what_is_frequent():
    pytest.importorskip("tokenizers")
    texts = ["lower lowest low", "newer newest new"] * 10
    pieces = Subwords(max_tokens=40).fit(texts)
    assert {"▁low", "▁new", "est", "▁newest"} & set(pieces.vocabulary)
    assert pieces.inverse(pieces.transform(["lowest newer"])) == ["lowest newer"]
    assert pieces.size <= 40
    assert (pieces.transform(["xy"])[0] == 1).sum() == 2
    assert Subwords(max_tokens=12).fit(texts).unknown > 0  # half of ten places are for characters
    assert pieces == Subwords(max_tokens=40).fit(texts)


def test_every_tokenizer_keeps_the_contract(tokenizer):
    fitted = tokenizer.fit(REVIEWS)
    assert fitted is not tokenizer
    assert tokenizer.length == 0
    with pytest.raises(StateError, match="has learnt nothing yet"):
        tokenizer.transform(REVIEWS)
    ids = fitted.transform(REVIEWS)
    assert ids.shape == (5, fitted.length)
    assert ids.dtype == np.int32
    assert ids.min() >= 0
    assert ids.max() < fitted.size
    assert (np.diff(fitted.mask(ids).astype(int), axis=1) <= 0).all()  # padding comes last
    np.testing.assert_array_equal(fitted.transform(REVIEWS[::-1]), ids[::-1])
    np.testing.assert_array_equal(fitted.transform(pl.Series(REVIEWS)), ids)
    np.testing.assert_array_equal(fitted.transform(np.array(REVIEWS, object)), ids)
    np.testing.assert_array_equal(fitted.transform([r.upper() + " " for r in REVIEWS]), ids)
    assert fitted.transform([]).shape == (0, fitted.length)
    assert not fitted.transform([None, ""]).any()
    back = tokenizer_from_dict(json.loads(json.dumps(fitted.to_dict(), ensure_ascii=False)))
    assert back == fitted
    np.testing.assert_array_equal(back.transform(REVIEWS), ids)
    assert tokenizer.fit(REVIEWS) == fitted
    again = back.inverse(ids)
    np.testing.assert_array_equal(fitted.transform(again), ids)  # what is read back means the same
    for bad in ([], [None], ["", " "]):
        with pytest.raises(InputError, match="There is no word in these texts"):
            tokenizer.fit(bad)
    with pytest.raises(InputError, match="No token has this number"):
        fitted.inverse([[fitted.size]])
    with pytest.raises(InputError, match="One text was given"):
        fitted.transform("정말")


def test_length_is_what_most_training_rows_need():
    texts = ["a"] * 95 + ["a b c d e f g"] * 5
    assert Words(min_count=1).fit(texts).length == 1
    assert Words(min_count=1).fit(texts[1:] + texts[-1:]).length == 7
    assert Words(min_count=1, max_length=3).fit(["a b c d"]).length == 3


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Words(max_tokens=2), "max_tokens of Words must be an integer >= 3"),
        (lambda: Words(min_count=0), "min_count"),
        (lambda: Words(ngrams=-1), "ngrams"),
        (lambda: Characters(max_length=0), "max_length"),
        (lambda: tokenizer_from_dict({"type": "Word"}), "Did you mean `Words`"),
        (lambda: Preprocessing(text="wordz"), "Did you mean `words`"),
        (lambda: Preprocessing(max_tokens=1), "max_tokens must be"),
    ],
)
def test_bad_settings(make, words):
    with pytest.raises(InputError, match=words):
        make()


def test_a_missing_package_is_named():
    code = (
        "import sys; sys.modules['tokenizers'] = None\n"
        "from jindan.data import Subwords, Words\n"
        "Words(min_count=1).fit(['a'])\n"
        "try: Subwords().fit(['a'])\n"
        "except ValueError as error: print(error)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout
    assert 'help: pip install "jindan[text]"' in out


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([f"this is film number {i}" for i in range(30)], True),
        ([f"film {a} {b}" for a in "abcdef" for b in "uvwxyz"], False),  # few words: names of something
        (["good", "bad"] * 30, False),
        ([f"row-{i:040d}" for i in range(30)], False),  # long, but no sentence
        ([f"{'영화가정말재미있고배우도좋다' * 3}{i}" for i in range(30)], True),
        ([f"user {i}" for i in range(50)], False),
        ([None] * 5, False),
        (["one text of many words"] * 10, False),
    ],
)
def test_is_text(values, expected):
    assert is_text(pl.Series("v", values, dtype=pl.String)) is expected


def test_short_reviews_share_a_vocabulary():
    rng = np.random.default_rng(0)
    words = [f"{a}{b}" for a in "가나다라마바" for b in "사아자차카타"]
    short = pl.Series([" ".join(rng.choice(words, 3)) for _ in range(200)])
    assert is_text(short)
    assert not is_text(pl.Series([f"{i}동 {i}호 {i}층" for i in range(200)]))


def table(rows=40):
    rng = np.random.default_rng(0)
    words = ["good", "bad", "film", "actor", "story", "long", "short"]
    return pl.DataFrame(
        {
            "price": rng.normal(size=rows),
            "genre": rng.choice(["action", "drama"], rows),
            "review": [" ".join(rng.choice(words, 6)) + f" {i}" for i in range(rows)],
            "y": rng.integers(0, 2, rows),
        }
    )


def test_a_table_with_text_gives_two_inputs():
    frame = table()
    assert {c.name: c.kind for c in infer_columns(frame)}["review"] == "text"
    fitted = fit_preprocessor(frame[:30], None, Preprocessing(text="words", max_tokens=6, max_length=4), "y")
    out = fitted.transform(frame)
    assert list(out) == ["table", "review"]
    forms = {form.name: form for form in fitted.inputs}
    assert (forms["table"].kind, forms["table"].shape) == ("table", (3,))
    assert (forms["review"].kind, forms["review"].shape, forms["review"].vocabulary) == ("text", (4,), 6)
    for name, form in forms.items():
        assert out[name].shape == (40, *form.shape)
        assert out[name].dtype == form.dtype
        assert json.dumps(form.to_dict())
    # The matrix is the one that a table without text gives.
    bare = fit_preprocessor(frame[:30].drop("review"), None, None, "y")
    np.testing.assert_array_equal(bare.transform(frame), out["table"])
    assert bare.feature_names == fitted.feature_names
    back = Preprocessor.from_dict(json.loads(json.dumps(fitted.to_dict())))
    for name, values in back.transform(frame).items():
        np.testing.assert_array_equal(values, out[name])
    assert back.inputs == fitted.inputs
    assert back.config == fitted.config
    assert fitted.check(frame) == back.check(frame)
    assert {n: x.shape[0] for n, x in fitted.transform(frame.head(0)).items()} == {"table": 0, "review": 0}
    with pytest.raises(InputError, match="missing"):
        fitted.transform(frame.drop("review"))
    missing = frame.with_columns(pl.lit(None, pl.String).alias("review"))
    assert not fitted.transform(missing)["review"].any()
    (entry,) = (e for e in fitted.check(missing) if e["column"] == "review")
    assert (entry["code"], entry["count"]) == ("missing-values", 40)


def test_text_alone_is_one_array_and_can_be_dropped():
    frame = table().select("review", "y")
    ids = fit_preprocessor(frame, None, Preprocessing(text="characters"), "y").transform(frame)
    assert ids.dtype == np.int32
    drop = Preprocessing(text="drop")
    with pytest.raises(InputError, match=r"No column can be used(.|\n)*review \(text\)"):
        fit_preprocessor(frame, None, drop, "y")
    assert fit_preprocessor(table(), None, drop, target="y").dropped == (("review", "text"),)


def test_text_is_cut_by_its_script_unless_said_otherwise():
    english = fit_preprocessor(table(), target="y").encoders[-1].tokenizer
    assert (english.kind, english.ngrams) == ("words", 0)
    ends = np.random.default_rng(0).choice(["재미있다", "재미없다", "지루했다"], 40)
    korean = table().with_columns(pl.Series("review", [f"이 영화 {i} {end} 정말" for i, end in enumerate(ends)]))
    pieces = fit_preprocessor(korean, target="y").encoders[-1].tokenizer
    assert (pieces.kind, pieces.ngrams) == ("words", 2)
    assert "##미있" in pieces.vocabulary


def test_odd_columns_of_text():
    blank = table().with_columns(pl.lit(" ").alias("review"))
    column = Column("review", "text", "String", 40, 0, 1)
    with pytest.raises(InputError, match=r"no word(.|\n)*column 'review'(.|\n)*--drop review"):
        fit_preprocessor(blank, (column,), None, "y")
    odd = table().rename({"review": "table"})
    assert list(fit_preprocessor(odd, None, Preprocessing(text="words"), "y").transform(odd)) == ["table_", "table"]


def test_old_states_are_read():
    state = fit_preprocessor(table(), target="y").to_dict()
    for name in ("text", "max_tokens", "max_length", "image", "image_size", "image_fit"):
        state["config"].pop(name, None)
    assert Preprocessor.from_dict(state).config == Preprocessing()


def test_korean_reviews(tables):
    path = tables.parent / "nsmc" / "ratings_train.txt.gz"
    with gzip.open(path, "rt", encoding="utf-8") as file:
        texts = [line.split("\t")[1] for line in list(file)[1:3001]]
    assert is_text(pl.Series(texts))
    whole, pieces = Words().fit(texts[:2000]), Words(ngrams=2).fit(texts[:2000])
    share = [(t.transform(texts[2000:]) == 1).sum() / t.mask(t.transform(texts[2000:])).sum() for t in (whole, pieces)]
    assert share[1] < 0.7 * share[0]  # endings make whole words new; their pieces are known
