"""What shares nothing with a model, though it comes from it: copies, clones, trainings by plans; what outlives it."""

from __future__ import annotations

import copy
import gc
import pickle
import weakref

import numpy as np
import pytest

import jindan as jd
from jindan.errors import InputError
from jindan.layers import Dense, Input
from jindan.models import Model, Sequential, clone_model

from .test_shared import X, pair


def test_models_of_one_plan_share_nothing():
    plan = Sequential([Input((6,)), Dense(3), Dense(1)]).plan.replace(seed=0)
    one, other = (Model.from_plan(plan, (6,)) for _ in range(2))
    one.set_weights([w + 1 for w in one.get_weights()])
    assert not np.array_equal(one.get_weights()[0], other.get_weights()[0])
    run = jd.train(plan, (X, X[:, :1]))
    one, other = Model.from_run(run), Model.from_run(run)
    one.fit(X, X[:, :1], verbose=0, doctor=False)
    np.testing.assert_array_equal(other.get_weights()[0], run.weights[0]["kernel"])


def test_a_clone_begins_anew():
    encoder, auto = pair()
    auto.compile("sgd", "mse")
    auto.fit(X, X, verbose=0, doctor=False)
    twin = clone_model(auto)
    assert [view.name for view in twin.layers] == ["enc", "dec"]
    assert twin.ports == auto.ports
    assert not np.array_equal(twin.get_weights()[0], encoder.get_weights()[0])
    assert type(clone_model(Sequential([encoder, Dense(1)]))) is Sequential
    with pytest.raises(InputError, match="Only a model can be cloned"):
        clone_model(Dense(1))


def test_copies_are_apart(tmp_path):
    encoder, auto = pair()
    auto.compile("sgd", "mse")
    auto.fit(X, X, verbose=0, doctor=False)
    auto.save(tmp_path / "m")
    copies = [copy.copy(encoder), copy.deepcopy(encoder), pickle.loads(pickle.dumps(encoder))]
    loaded, before = jd.load(tmp_path / "m"), encoder.get_weights()[0]
    auto.fit(X, X, verbose=0, doctor=False)
    for other in (*copies, loaded):
        np.testing.assert_array_equal(other.get_weights()[0], before)
        other.trainable = False
    assert encoder.trainable
    assert not np.array_equal(encoder.get_weights()[0], before)
    both = copy.deepcopy([encoder, auto])  # together they go on together
    both[1].set_weights([w + 1 for w in auto.get_weights()])
    np.testing.assert_array_equal(both[0].get_weights()[0], both[1].get_weights()[0])
    assert not np.array_equal(encoder.get_weights()[0], both[0].get_weights()[0])


def test_diagnosing_and_scoring_leave_the_model_alone():
    encoder, auto = pair()
    auto.compile("sgd", "mse")
    before = encoder.get_weights()
    jd.diagnose(auto, X, X, epochs=1, trials=False)
    jd.cross_validate(auto, X, X, folds=2, seeds=1, epochs=1)
    for a, b in zip(encoder.get_weights(), before, strict=True):
        np.testing.assert_array_equal(a, b)


def test_scores_begin_with_what_was_learned_elsewhere():
    encoder, auto = pair()
    assert auto.kept_weights() == {}
    encoder.get_weights()
    assert auto.kept_weights() == {}  # drawn is not learned
    encoder.compile("sgd", "mse")
    encoder.fit(X, X[:, :3], verbose=0, doctor=False)
    learned = encoder.get_weights()[0]
    np.testing.assert_array_equal(auto.kept_weights()["enc"][0], learned)
    auto.compile("sgd", "mse")
    auto.fit(X, X, verbose=0, doctor=False)
    # What it learned itself, on rows that scores are to be free of, is no place to begin.
    np.testing.assert_array_equal(auto.kept_weights()["enc"][0], learned)
    assert not np.array_equal(auto.get_weights()[0], learned)


def test_a_model_that_is_gone_leaves_its_arrays_to_others():
    encoder, auto = pair()
    auto.compile("sgd", "mse")
    auto.fit(X, X, verbose=0, doctor=False)
    _ = auto.outputs
    kernel, gone = auto.get_weights()[0], weakref.ref(auto)
    third = Model(auto.inputs, Dense(1)(auto.get_layer("enc").output))
    del auto
    gc.collect()
    assert gone() is None
    for model in (encoder, third):
        np.testing.assert_array_equal(model.get_weights()[0], kernel)
