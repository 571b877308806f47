"""Models that take strings: read on the way in, trained as on the numbers, saved with their vocabularies."""

from __future__ import annotations

import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError, StateError
from jindan.layers import (
    CategoryEncoding,
    Concatenate,
    Dense,
    Discretization,
    Embedding,
    GlobalAveragePooling1D,
    Hashing,
    Input,
    IntegerLookup,
    Normalization,
    StringLookup,
    TextVectorization,
)
from jindan.models import Model, Sequential
from jindan.optimizers import Adam

TEXTS = ["아주 좋은 영화", "나쁜 영화", "정말 좋은 연기", "나쁜 연기, 나쁜 음악"] * 4
LIKED = np.array([1.0, 0.0, 1.0, 0.0] * 4)


def reader(vectorizer, *more):
    model = Sequential([Input((1,), dtype="string"), vectorizer, *more, Dense(1, activation="sigmoid")])
    model.compile(Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    return model


def by_words(**settings):
    return reader(
        TextVectorization(output_sequence_length=5, **settings), Embedding(20, 4, mask_zero=True),
        GlobalAveragePooling1D(),
    )  # fmt: skip


@pytest.mark.parametrize("kind", [list, np.array, lambda t: np.array(t)[:, None], lambda t: np.array(t, object)])
def test_as_on_the_numbers(kind, tmp_path):
    model = by_words()
    model.layers[0].adapt(TEXTS)
    vectorizer = model.layers[0].spec
    plain = Sequential([Input((5,)), Embedding(20, 4, mask_zero=True), GlobalAveragePooling1D(),
                        Dense(1, activation="sigmoid")])  # fmt: skip
    plain.compile(Adam(0.03), "binary_crossentropy", metrics=["accuracy"])
    plain.set_weights(model.get_weights())
    x, ids = kind(TEXTS), vectorizer(TEXTS)
    for validation in ({}, {"validation_split": 0.25}, {"validation_data": (kind(TEXTS[:3]), LIKED[:3])}):
        own = model.fit(x, LIKED, epochs=2, seed=0, verbose=0, **validation).history
        if "validation_data" in validation:
            validation["validation_data"] = (ids[:3], LIKED[:3])
        other = plain.fit(ids, LIKED, epochs=2, seed=0, verbose=0, **validation).history
        assert own == other
    assert model.evaluate(x, LIKED) == plain.evaluate(ids, LIKED)
    np.testing.assert_array_equal(model.predict(x), plain.predict(ids))
    np.testing.assert_array_equal(model(x), plain(ids))
    assert model.train_on_batch(x, LIKED) == plain.train_on_batch(ids, LIKED)
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    np.testing.assert_array_equal(again.predict(x), model.predict(x))
    assert again.layers[0].get_vocabulary() == vectorizer.get_vocabulary()
    assert again.predict([]).shape == (0, 1)


def test_vectors_of_words_learn():
    for mode in ("multi_hot", "count", "tf_idf"):
        model = reader(TextVectorization(output_mode=mode).adapt(TEXTS))
        model.fit(TEXTS, LIKED, epochs=150, seed=0, verbose=0)
        assert model.evaluate(TEXTS, LIKED, return_dict=True)["accuracy"] == 1
        assert model.predict(["좋은 음악", "나쁜 것"]).shape == (2, 1)
        assert model.input_shape == (model.layers[0].vocabulary_size(),)


def test_texts_of_any_length():
    """Without a length of its own a batch has that of its longest text; others come later."""
    model = reader(TextVectorization().adapt(TEXTS), Embedding(20, 4, mask_zero=True), GlobalAveragePooling1D())
    model.fit(TEXTS, LIKED, epochs=1, seed=0, verbose=0)
    long = ["좋은 " * 30]
    assert model.predict(long).shape == (1, 1)
    np.testing.assert_allclose(model.predict(["좋은"]), model.predict(long), rtol=1e-5)


def test_batches_of_texts():
    model = by_words(vocabulary=["좋은", "나쁜"])
    batches = [(TEXTS[:8], LIKED[:8]), (TEXTS[8:], LIKED[8:])]
    own = model.fit(iter(batches), steps_per_epoch=2, epochs=1, seed=0, verbose=0).history
    assert np.isfinite(own["loss"]).all()
    whole = model.predict(TEXTS)
    np.testing.assert_array_equal(model.predict(x for x, _ in batches), whole)


def test_in_a_graph_beside_numbers(tmp_path):
    text, city, age = (Input((1,), dtype="string", name="text"), Input((2,), dtype="string", name="city"),
                       Input((1,), name="age"))  # fmt: skip
    words = TextVectorization(output_mode="tf_idf").adapt(TEXTS)(text)
    places = StringLookup(vocabulary=["서울", "부산"], output_mode="multi_hot")(city)
    years = CategoryEncoding(4, "one_hot")(Discretization([10.0, 20.0, 30.0])(age))
    model = Model([text, city, age], Dense(1)(Concatenate()([words, places, years])))
    assert model.input_shape == ((8,), (2,), (1,))
    model.compile("adam", "mse")
    x = {"text": TEXTS, "city": [["서울", "대전"], ["부산", "서울"]] * 8, "age": np.arange(16.0)[:, None] * 3}
    model.fit(x, LIKED, epochs=2, seed=0, verbose=0)
    listed = model.predict([np.array(TEXTS)[:, None], np.array(x["city"]), x["age"]])
    np.testing.assert_array_equal(model.predict(x), listed)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(jd.load(tmp_path / "m").predict(x), listed)


def test_a_model_of_strings_in_a_model_of_strings():
    inner = by_words(vocabulary=["좋은", "나쁜"])
    outer = Sequential([inner, Dense(2)])
    np.testing.assert_array_equal(outer.predict(TEXTS).shape, (16, 2))
    text = Input((1,), dtype="string")
    graph = Model(text, Dense(1)(inner(text)))
    assert graph.predict(TEXTS).shape == (16, 1)


def test_hashes_in_a_model():
    model = reader(Hashing(8, output_mode="one_hot"))
    model.fit(TEXTS, LIKED, epochs=100, seed=0, verbose=0)
    bins = Hashing(8)(TEXTS)
    plain = Sequential([CategoryEncoding(8, "one_hot"), Dense(1, activation="sigmoid")])
    plain.build((None, 1))
    plain.set_weights(model.get_weights())
    np.testing.assert_allclose(model.predict(TEXTS), plain.predict(bins), rtol=1e-6)
    with pytest.raises(InputError, match="not numbers of entries"):
        model.predict(np.array([[8]]))


def test_learning_late_and_anew():
    """A layer adapted after it went into a model; weights after it that no longer fit are drawn anew, others stay."""
    layer = StringLookup(output_mode="multi_hot")
    model = Sequential([Input((2,), dtype="string"), layer, Dense(3), Dense(1)])
    with pytest.raises(StateError, match="no vocabulary yet"):
        model.predict([["a", "b"]])
    layer.adapt([["a", "b"], ["b", "c"]])
    model.compile("sgd", "mse")
    model.fit([["a", "b"], ["b", "c"]], [0, 1], verbose=0, doctor=False)
    second = model.layers[2].get_weights()
    model.layers[0].set_vocabulary(["b", "a", "c"])
    assert model.layers[0].get_vocabulary() == ["[UNK]", "b", "a", "c"]
    first = model.layers[1].get_weights()
    layer.adapt([["a", "b"], ["b", "d"], ["e", "f"]])
    assert model.layers[1].get_weights()[0].shape == (6, 3)
    assert first[0].shape == (4, 3)
    np.testing.assert_array_equal(model.layers[2].get_weights()[0], second[0])
    model.fit([["a", "b"], ["b", "c"]], [0, 1], verbose=0, doctor=False)
    with pytest.raises(AttributeError, match="set_vocabulary"):
        model.layers[1].set_vocabulary(["a"])
    numbers = IntegerLookup()
    counted = Sequential([numbers, Embedding(4, 2)])
    numbers.adapt([[7], [7], [9]])
    assert counted.predict(np.array([[9]])).shape == (1, 1, 2)


def test_the_doctor_and_the_selection_read_strings():
    model = by_words(vocabulary=["좋은", "나쁜"])
    report = jd.diagnose(model, TEXTS, LIKED, epochs=3, seed=0)
    assert report.findings is not None
    scores = jd.cross_validate(model, TEXTS, LIKED, folds=2, seeds=1, epochs=2)
    assert scores.scores.shape == (1, 2)
    found = jd.search(model, TEXTS, LIKED, space={"learning_rate": [0.01, 0.1]}, method="grid", folds=2, epochs=2)
    assert found.best_model.predict(TEXTS).shape == (16, 1)
    steps = jd.backprop(model, TEXTS[:2], LIKED[:2])
    assert len(steps) == 4


def test_a_layer_of_strings_stands_first_and_alone():
    words = TextVectorization(vocabulary=["a"], output_sequence_length=2)
    text = Input((1,), dtype="string")
    for model in (
        lambda: Sequential([Input((2,)), Normalization(), words]).predict(np.zeros((1, 2))),
        lambda: Model(text, [words(text), Dense(1)(text)]).predict(["a"]),
    ):
        with pytest.raises(InputError, match=r"reads strings, and stands where(.|\n)*help: "):
            model()
    with pytest.raises(InputError, match="gives strings"):
        Sequential([StringLookup(vocabulary=["a"], invert=True)]).predict(["a"])
    with pytest.raises(InputError, match="not numbers"):
        Sequential([Dense(1)]).predict(["a"])
