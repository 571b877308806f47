"""Layers of categories and ranges: against Keras, NumPy and by hand; learnt, saved, in models and half precision."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from jindan import spec
from jindan.engine.train import train
from jindan.errors import InputError, StateError
from jindan.layers import CategoryEncoding, Dense, Discretization, Embedding, Flatten, IntegerLookup
from jindan.models import Sequential
from jindan.plan import Plan

KERAS = json.loads((Path(__file__).parent / "keras_preprocessing.json").read_text("utf-8"))
RNG = np.random.default_rng(0)
TOLD = "(.|\n)*where: (.|\n)*expected: (.|\n)*received: (.|\n)*help: "
# As they were made for Keras; see test_text_layers.
DATA = {
    "normal": RNG.normal(size=(300, 2)),
    "few": np.array([[1.0], [2.0], [1.0]]),
    "one": np.array([[4.0]]),
    "ties": RNG.integers(0, 3, (50, 1)).astype(float),
}


def told(case):
    return pytest.param(case, id="-".join(f"{n}={v}" for n, v in case["settings"].items()) or "as-it-is")


@pytest.mark.parametrize("case", list(map(told, KERAS["integers"]["cases"])))
def test_integers_as_in_keras(case):
    rows = KERAS["integers"]
    layer = IntegerLookup(**case["settings"]).adapt(rows["rows"])
    assert layer.get_vocabulary() == case["vocabulary"]
    np.testing.assert_allclose(layer(rows["new"]), case["output"], rtol=1e-6)
    assert spec.from_json("layer", json.loads(json.dumps(spec.to_json(layer)))) == layer
    # Within a compiled model, too.
    model = Sequential([layer])
    np.testing.assert_allclose(model.predict(np.array(rows["new"])), case["output"], rtol=1e-6)


def test_a_large_vocabulary_is_searched():
    tokens = RNG.permutation(5000)[:1000] * 7 - 9000
    layer = IntegerLookup(vocabulary=tokens)
    np.testing.assert_array_equal(layer(tokens), np.arange(1000) + 1)
    assert layer([tokens.max() + 1, tokens.min() - 1]).tolist() == [0, 0]
    back = IntegerLookup(vocabulary=tokens, invert=True)
    np.testing.assert_array_equal(back(layer(tokens)), tokens)
    assert back([0, -1, 1001]).tolist() == [-1, -1, -1]


def test_integers_beyond_32_bits_are_unknown_rather_than_another():
    layer = IntegerLookup(vocabulary=[42, 7])
    assert layer([42, 2**32 + 42, -(2**40), 2**63 - 1]).tolist() == [1, 0, 0, 0]
    model = Sequential([layer])
    np.testing.assert_array_equal(model.predict(np.array([[42], [2**32 + 42]])), [[1], [0]])
    for tokens in ([2**31], [0.5], ["a"], [[1]]):
        with pytest.raises(InputError, match="integers of 32 bits" + TOLD):
            IntegerLookup(vocabulary=tokens)


def test_unknown_integers_are_refused_where_they_have_no_number():
    layer = IntegerLookup(vocabulary=[42, 7], num_oov_indices=0)
    assert layer([[7, 42]]).tolist() == [[1, 0]]
    with pytest.raises(InputError, match="not in the vocabulary" + TOLD):
        layer([[7, 8]])


def test_before_a_vocabulary():
    with pytest.raises(StateError, match="no vocabulary yet"):
        IntegerLookup()([1])
    with pytest.raises(InputError, match="nothing to learn"):
        IntegerLookup().adapt(np.zeros((0, 2), int))
    with pytest.raises(InputError, match="reads whole numbers" + TOLD):
        IntegerLookup().adapt([[1.0, np.nan]])
    assert IntegerLookup().adapt([3]).get_vocabulary() == [-1, 3]
    assert IntegerLookup().adapt(iter([[[3, 4]], [[4, 4]]])).get_vocabulary() == [-1, 4, 3]


@pytest.mark.parametrize("case", KERAS["discretization"]["cases"], ids=lambda c: f"{c['data']}-{c['bins']}")
def test_ranges_are_learnt_as_in_keras(case):
    layer = Discretization(num_bins=case["bins"]).adapt(DATA[case["data"]])
    np.testing.assert_allclose(layer.bin_boundaries, case["boundaries"], rtol=1e-6)
    assert spec.from_json("layer", json.loads(json.dumps(spec.to_json(layer)))) == layer
    x = DATA[case["data"]]
    np.testing.assert_array_equal(layer(x.astype(np.float32)), np.digitize(x.astype(np.float32), layer.bin_boundaries))


def test_ranges_as_in_keras_alive(keras):
    x = DATA["normal"]
    theirs = keras.layers.Discretization(num_bins=5, epsilon=0.05)
    for part in (x[:100], x[100:]):
        theirs.update_state(part)
    theirs.finalize_state()
    layer = Discretization(num_bins=5, epsilon=0.05).adapt(iter([x[:100], x[100:]]))
    np.testing.assert_allclose(layer.bin_boundaries, theirs.bin_boundaries, rtol=1e-6)
    for mode in ("int", "one_hot", "multi_hot", "count"):
        theirs = keras.layers.Discretization([-1.0, 0.0, 0.5], output_mode=mode)
        layer = Discretization([-1.0, 0.0, 0.5], output_mode=mode)
        np.testing.assert_array_equal(layer(x.astype(np.float32)), np.asarray(theirs(x.astype(np.float32))))


def test_ranges_as_numpy_cuts_them():
    """Boundaries belong to the range above them; NaN lies in the last one, infinities at the ends."""
    bounds, x = [-1.0, 0.5, 2.0], np.array([[-np.inf, -1.0, 0.4999, 0.5, 2.0, np.inf, np.nan]], np.float32)
    np.testing.assert_array_equal(Discretization(bounds)(x), np.digitize(x, bounds))
    np.testing.assert_array_equal(Discretization(bounds)([[1], [3]]), [[2], [3]])
    np.testing.assert_array_equal(Discretization(bounds)(np.array([[0, 255]], np.uint8)), [[1, 3]])


@pytest.mark.parametrize(
    ("settings", "words"),
    [({}, "boundaries of its ranges"), ({"num_bins": 2, "bin_boundaries": [0.0, 1.0]}, "boundaries of its ranges"),
     ({"bin_boundaries": [1.0, 0.0]}, "rising"), ({"bin_boundaries": [np.nan]}, "rising"),
     ({"bin_boundaries": ["a"]}, "rising"), ({"bin_boundaries": [[0.0]]}, "rising")],
)  # fmt: skip
def test_ranges_that_cannot_be(settings, words):
    with pytest.raises(InputError, match=words + TOLD):
        Discretization(**settings)


def test_ranges_cannot_be_learnt_from_anything():
    for bad, words in ((np.zeros((0, 2)), "no rows"), ([[np.nan]], "finite numbers"), (iter([]), "no rows")):
        with pytest.raises(InputError, match=words + TOLD):
            Discretization(num_bins=3).adapt(bad)
    with pytest.raises(InputError, match="was given its boundaries" + TOLD):
        Discretization([0.0]).adapt([[1.0]])
    with pytest.raises(StateError, match="learnt no boundaries yet"):
        Discretization(num_bins=3)([[1.0]])


def test_weights_of_counts():
    layer = CategoryEncoding(4, "count")
    weights = np.array([[0.1, 0.2], [0.1, 0.1], [0.2, 0.3], [0.4, 0.2]])
    wanted = [[0.1, 0.2, 0, 0], [0.2, 0, 0, 0], [0, 0.2, 0.3, 0], [0, 0.2, 0, 0.4]]
    np.testing.assert_allclose(layer([[0, 1], [0, 0], [1, 2], [3, 1]], count_weights=weights), wanted, atol=1e-7)
    for other, given in ((CategoryEncoding(4), weights), (layer, weights[0])):
        with pytest.raises(InputError, match="count_weights says" + TOLD):
            other([[0, 1], [0, 0], [1, 2], [3, 1]], count_weights=given)


@pytest.mark.parametrize("bad", [[[4]], [[-1]], [[0.5]], [[np.nan]], [["a"]]])
def test_numbers_that_are_no_categories(bad):
    with pytest.raises(InputError, match="reads whole numbers" + TOLD):
        CategoryEncoding(4)(bad)
    if isinstance(bad[0][0], (int, float)):
        with pytest.raises(InputError, match=r"not numbers of entries(.|\n)*0 … 3(.|\n)*num_tokens"):
            Sequential([CategoryEncoding(4)]).predict(np.array(bad))


def test_in_a_model_with_a_table():
    """Trained through the table of an Embedding as by hand, and refused where that is too short."""
    x, y = np.array([[5], [40], [12], [70]] * 8), np.array([0.0, 1.0, 0.0, 1.0] * 8)
    layers = [IntegerLookup().adapt(x), Embedding(5, 4), Flatten(), Dense(1)]
    model = Sequential(layers)
    model.build((None, 1))
    start = model.get_weights()
    model.compile("adam", "mse")
    model.fit(x, y, epochs=3, seed=0, verbose=0)
    plain = Sequential([Embedding(5, 4), Flatten(), Dense(1)])
    plain.build((None, 1))
    plain.compile("adam", "mse")
    plain.set_weights(start)
    plain.fit(layers[0](x), y, epochs=3, seed=0, verbose=0)
    for own, other in zip(model.get_weights(), plain.get_weights(), strict=True):
        np.testing.assert_allclose(own, other, rtol=1e-6)
    small = Sequential([IntegerLookup().adapt(x), Embedding(4, 2), Flatten(), Dense(1)])
    small.compile("adam", "mse")
    with pytest.raises(InputError, match="not numbers of entries"):
        small.fit(x, y, verbose=0)


def test_large_numbers_keep_their_digits_in_half_precision():
    x, y = np.array([[100_001], [100_002]] * 8), np.array([[0.0], [1.0]] * 8)
    layers = (IntegerLookup().adapt(x), CategoryEncoding(3, "one_hot"), Dense(1))
    run = train(Plan(layers, "mse", "sgd", epochs=400, seed=0, precision="bfloat16"), (x, y))
    assert np.ptp(run.predict(x)) > 0.5
    layers = (Discretization([100_001.5], output_mode="one_hot"), Dense(1))
    run = train(Plan(layers, "mse", "sgd", epochs=400, seed=0, precision="bfloat16"), (x, y))
    assert np.ptp(run.predict(x)) > 0.5


def test_plans_that_differ_elsewhere_share_a_program():
    x, y = DATA["normal"], DATA["normal"][:, :1]
    layer = Discretization(num_bins=3, output_mode="one_hot").adapt(x)
    plans = [Plan((layer, Flatten(), Dense(1)), optimizer="sgd", epochs=2, seed=seed) for seed in (0, 1)]
    assert plans[0].structure == plans[1].structure
    for plan, run in zip(plans, train(plans, (x, y)), strict=True):
        np.testing.assert_allclose(run.predict(x), train(plan, (x, y)).predict(x), rtol=1e-5, atol=1e-6)
