"""Ensembles and stacks on disk say which score they were judged by, and miss one of the user's aloud."""

import json
import pickle

import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError
from jindan.layers import Dense
from jindan.plan import Plan
from jindan.select.stacking import stack

ROWS = np.random.default_rng(0).normal(size=(60, 3))
SUMS = ROWS.sum(1)
PLAN = Plan((Dense(1),), loss="mse", optimizer="adam", epochs=3)


def spearman(truth, guess):
    return float(np.corrcoef(truth.ravel().argsort().argsort(), guess.ravel().argsort().argsort())[0, 1])


def r2(truth, guess):
    """One of the user's own that goes by a name of jindan's."""
    return 7.0


@pytest.fixture(scope="module")
def makers():
    return {
        "bag": lambda scoring: jd.bagging(PLAN, ROWS, SUMS, n=3, scoring=scoring, seed=0),
        "stack": lambda scoring: stack({"a": PLAN, "b": PLAN}, ROWS, SUMS, folds=3, scoring=scoring, seed=0),
    }


@pytest.mark.parametrize("kind", ["bag", "stack"])
@pytest.mark.parametrize("own", [spearman, r2])
def test_a_score_of_the_users_is_missed_aloud(tmp_path, makers, kind, own):
    found = makers[kind](own)
    found.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    # The old figures stand under their own name; no other score takes its place.
    assert repr(again) == repr(found)
    with pytest.raises(InputError, match="score of your own") as error:
        again.score(ROWS, SUMS)
    assert f"scoring={own.__name__}" in str(error.value)
    assert again.score(ROWS, SUMS, scoring=own) == pytest.approx(found.score(ROWS, SUMS), rel=1e-6)
    assert again.score(ROWS, SUMS, scoring="-mse") == pytest.approx(found.score(ROWS, SUMS, scoring="-mse"), rel=1e-6)
    # Saved once more, and pickled, it is still missed.
    again.save(tmp_path / "n")
    with pytest.raises(InputError, match="score of your own"):
        jd.load(tmp_path / "n").score(ROWS, SUMS)
    assert pickle.loads(pickle.dumps(again.scoring)).name == own.__name__


@pytest.mark.parametrize("kind", ["bag", "stack"])
def test_a_score_of_jindans_comes_back(tmp_path, makers, kind):
    found = makers[kind]("r2")
    found.save(tmp_path / "m")
    assert jd.load(tmp_path / "m").scoring == found.scoring
    # As folders written before it was noted whose the score is.
    file = tmp_path / "m" / ("ensemble.json" if kind == "bag" else "stack.json")
    body = json.loads(file.read_text())
    del body["own_scoring"]
    file.write_text(json.dumps(body))
    assert jd.load(tmp_path / "m").scoring == found.scoring
