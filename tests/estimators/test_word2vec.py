"""Word2Vec the estimator: it finds what is alike, is kept whole, and says what it cannot use."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from jindan.data.tokens import Words
from jindan.errors import FileError, InputError
from jindan.estimators.word2vec import Word2Vec
from jindan.models.word2vec_vectors import WordVectors

SETTINGS = {"min_count": 1, "sample": 0, "epochs": 10, "learning_rate": 0.1, "random_state": 0}


def two_topics(n=400):
    rng = np.random.default_rng(0)
    topics = [[f"a{i}" for i in range(8)], [f"b{i}" for i in range(8)]]
    return [list(rng.choice(topics[k % 2], 10)) for k in range(n)]


@pytest.mark.parametrize("method", ["skip-gram", "cbow"])
@pytest.mark.parametrize("hierarchical", [False, True])
def test_words_of_a_topic_are_near(method, hierarchical):
    model = Word2Vec(16, method=method, hierarchical=hierarchical, **SETTINGS).fit(two_topics())
    wv = model.wv_
    own = wv.unit @ wv.unit.T
    same = np.equal.outer(*[[w[0] for w in wv.words]] * 2)
    assert own[same].mean() > own[~same].mean() + 0.3
    assert {w[0] for w, _ in wv.most_similar("a0", topn=5)} == {"a"}
    assert wv.doesnt_match(["a0", "a1", "a2", "b3"]) == "b3"
    assert model.history_["loss"][-1] < model.history_["loss"][0]
    pairs, judged = [("a0", "a1"), ("a2", "b1"), ("b1", "b2"), ("b4", "a4")], [1, 0, 1, 0]
    assert model.score(pairs, judged) > 0.8


def test_same_seed_same_vectors_and_seeds_side_by_side():
    text = two_topics(60)
    first, again = (Word2Vec(8, **SETTINGS).fit(text) for _ in range(2))
    np.testing.assert_array_equal(first.wv_.vectors, again.wv_.vectors)
    several = Word2Vec(8, **SETTINGS).fit_seeds(text, [0, 1, 2])
    np.testing.assert_array_equal(several[0].wv_.vectors, first.wv_.vectors)
    assert not np.array_equal(several[1].wv_.vectors, first.wv_.vectors)
    assert several[2].random_state == 2


def test_a_file_is_read_as_its_lines(tmp_path):
    text = two_topics(60)
    file = tmp_path / "corpus.txt"
    file.write_text("\n".join(" ".join(words) for words in text), encoding="utf-8")
    read = Word2Vec(8, **SETTINGS).fit(file)
    np.testing.assert_array_equal(read.wv_.vectors, Word2Vec(8, **SETTINGS).fit(text).wv_.vectors)


def test_saved_and_loaded(tmp_path):
    model = Word2Vec(8, tokenize=Words(ngrams=2), **SETTINGS).fit(["재미있는 영화", "재미없는 영화"] * 20)
    model.save(tmp_path / "m")
    again = Word2Vec.load(tmp_path / "m")
    assert again.get_params() == model.get_params()
    assert again.wv_.words == model.wv_.words
    np.testing.assert_array_equal(again.wv_.vectors, model.wv_.vectors)
    np.testing.assert_array_equal(again.transform(["재미있는"]), model.transform(["재미있는"]))
    assert again.history_ == model.history_
    assert "##미있" in again.wv_
    with pytest.raises(FileError):
        Word2Vec.load(tmp_path)
    model.wv_.write(tmp_path / "v.txt")
    assert len(WordVectors.read(tmp_path / "v.txt")) == len(model.wv_)


def test_transform_is_the_mean_of_known_words():
    model = clone(Word2Vec(8, **SETTINGS)).fit(two_topics(60))
    found = model.transform([["a0", "a1", "nothing"], "b0", ["nothing"]])
    np.testing.assert_allclose(found[0], (model.wv_["a0"] + model.wv_["a1"]) / 2, atol=1e-7)
    np.testing.assert_array_equal(found[1], model.wv_["b0"])
    assert not found[2].any()


def test_tokenizers():
    text = ["The cat, the mat."] * 10
    assert set(Word2Vec(4, tokenize="words", **SETTINGS).fit(text).wv_.words) == {"the", "cat", "mat"}
    assert set(Word2Vec(4, tokenize=list, **SETTINGS).fit(["ab"] * 9).wv_.words) == {"a", "b"}
    assert "cat," in Word2Vec(4, **SETTINGS).fit(text).wv_


def test_one_word_one_sentence():
    for hierarchical in (False, True):
        model = Word2Vec(4, hierarchical=hierarchical, **SETTINGS).fit([["a"]])
        assert np.isfinite(model.wv_["a"]).all()


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"window": 0}, [["a"]]), ({"method": "glove"}, [["a"]]), ({"sample": -1}, [["a"]]),
        ({"negative": 0}, [["a"]]), ({"learning_rate": 0}, [["a"]]), ({"tokenize": 3}, ["a"]),
        ({"min_learning_rate": 1.0}, [["a"]]), ({"max_vocabulary": 0}, [["a"]]), ({"dtype": "float16"}, [["a"]]),
        ({"min_count": 9}, [["a"]]), ({}, []), ({}, iter([["a"]])), ({}, 3), ({}, [3]), ({}, [[3]]),
        ({}, "no-such-file.txt"),
    ],
)  # fmt: skip
def test_bad_input_is_said(settings, text):
    with pytest.raises(InputError):
        Word2Vec(4, **{**SETTINGS, **settings}).fit(text)


def test_the_vectors_answers_are_at_hand():
    model = Word2Vec(8, min_count=1, epochs=3, random_state=0)
    with pytest.raises(NotFittedError):
        model.similarity("a", "b")
    model.fit([["a", "b", "c", "d"]] * 5)
    assert model.wv is model.wv_
    assert model.similarity("a", "b") == model.wv_.similarity("a", "b")
    assert model.most_similar("a", topn=2) == model.wv_.most_similar("a", topn=2)
    assert model.analogy("a", "b", "c") == model.wv_.analogy("a", "b", "c")


def test_an_interruption_keeps_what_was_learned(monkeypatch):
    from jindan.models import word2vec_training as training

    whole = training.train_program
    calls = []

    def cut_short(*args, until, **settings):
        calls.append(until)
        return whole(*args, until=(0, 1) if len(calls) > 1 else until, **settings)

    monkeypatch.setattr(training, "train_program", cut_short)
    model = Word2Vec(8, block=4, **{**SETTINGS, "epochs": 3})
    with pytest.raises(KeyboardInterrupt):
        model.fit(two_topics(40))
    assert len(calls) == 2
    assert np.isfinite(model.wv_.vectors).all()


def test_a_networks_loader_names_the_right_one(tmp_path):
    import jindan as jd

    Word2Vec(8, **SETTINGS).fit(two_topics(20)).save(tmp_path / "w")
    with pytest.raises(FileError, match=r"jindan\.estimators\.load"):
        jd.load(tmp_path / "w")
