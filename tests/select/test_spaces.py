"""Spaces: draws within bounds and spread as said, grids, paths tried before anything trains."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from jindan.errors import InputError, UnknownNameError
from jindan.layers import Dense, Dropout
from jindan.plan import Plan
from jindan.select.spaces import Choice, Integers, LogUniform, Space, Uniform, edited

PLAN = Plan((Dense(4, activation="tanh", name="hidden"), Dropout(0.2), Dense(1)), loss="mse")
SHARES = np.linspace(0, 0.9999, 4000)


def test_draws_are_spread_as_their_names_say():
    assert np.mean([Uniform(1.0, 3.0).at(s) for s in SHARES]) == pytest.approx(2.0, abs=1e-3)
    logs = [math.log10(LogUniform(1e-4, 1e-2).at(s)) for s in SHARES]
    assert np.mean(logs) == pytest.approx(-3, abs=1e-3)
    counts = np.bincount([Integers(2, 5).at(s) for s in SHARES])
    assert counts.tolist() == [0, 0, 1000, 1000, 1000, 1000]
    several = np.array([Integers(1, 1000, log=True).at(s) for s in SHARES])
    assert (several.min(), several.max()) == (1, 1000)
    # As many below as above the middle order of magnitude; the ends count a half of their neighbours' share.
    assert np.mean(several < 30) == pytest.approx(0.5, abs=0.06)
    assert np.bincount([[7, 8, 9].index(Choice((7, 8, 9)).at(s)) for s in SHARES]).tolist() == [1334, 1333, 1333]


def test_the_ends_belong_to_a_range():
    assert [LogUniform(1e-4, 0.1).at(share) for share in (0, 1)] == [1e-4, 0.1]
    assert [Integers(1, 9).at(share) for share in (0, 1)] == [1, 9]
    assert Uniform(0.5, 0.5).at(0.3) == 0.5


def test_lists_and_pairs_are_short_for_choices_and_ranges():
    space = Space.of({"l2": (0.0, 0.1), "batch_size": (8, 32), "layers.0.units": [4, 8], "epochs": np.array([1, 2])})
    assert list(space.parameters.values()) == [Uniform(0.0, 0.1), Integers(8, 32), Choice((4, 8)), Choice((1, 2))]


def test_a_grid_has_all_products_and_cuts_ranges_to_fit():
    space = Space.of({"batch_size": [8, 16], "layers.hidden.units": [2, 3, 4]})
    expected = [{"batch_size": b, "layers.hidden.units": u} for b in (8, 16) for u in (2, 3, 4)]
    assert space.products(1) == expected
    ranges = Space.of({"learning_rate": LogUniform(1e-3, 1e-1), "batch_size": [8, 16]})
    assert len(ranges.products(64)) == 10
    assert len(ranges.products(7)) == 6
    assert len(ranges.products(1)) == 4


def test_json_goes_there_and_back():
    space = Space.of({
        "learning_rate": LogUniform(1e-4, 0.1), "l2": Uniform(0.0, 1.0), "batch_size": Integers(8, 64, log=True),
        "layers.0.activation": ["relu", "tanh"],
    })  # fmt: skip
    assert Space.of(json.loads(json.dumps(space.to_dict()))) == space


def test_the_optimizer_is_put_in_before_its_rate():
    plan = edited(PLAN, {"learning_rate": 0.5, "optimizer": "sgd"})
    assert (type(plan.optimizer).__name__, plan.value("learning_rate")) == ("SGD", 0.5)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"learning_rat": [0.1]}, "Did you mean `learning_rate`?"),
        ({"layers.0.unit": [3]}, "Did you mean `units`?"),
        ({"layers.9.units": [3]}, "The plan has no such layer."),
        ({"layers.0.units": [3, -1]}, "layers.0.units"),
        ({"l2": Uniform(-1.0, 1.0)}, "l2"),
        ({"l2": []}, "A choice has no options."),
        ({"l2": 3}, "Values to search among cannot be read."),
        ({"l2": {"type": "Uniforn", "low": 0, "high": 1}}, "Did you mean `Uniform`?"),
        ({"l2": {"type": "Uniform", "low": 0}}, "A range cannot be read."),
        ({}, "The search space is empty."),
        (3, "This is no search space."),
    ],
)
def test_what_is_wrong_is_said_before_anything_trains(given, words):
    with pytest.raises(InputError) as caught:
        Space.of(given, PLAN)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: Uniform(2.0, 1.0), lambda: LogUniform(0.0, 1.0), lambda: Integers(1, 2.5),
        lambda: Uniform(0.0, math.inf), lambda: Integers(0, 5, log=True), lambda: Uniform("a", "b"),
    ],
)  # fmt: skip
def test_ranges_without_such_ends(make):
    with pytest.raises(InputError, match="A range has no such ends"):
        make()


def test_a_misspelt_path_is_an_unknown_name():
    with pytest.raises(UnknownNameError):
        Space.of({"optimiser": ["sgd"]}, PLAN)
