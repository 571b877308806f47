"""NaN that a training is given, in its rows or in its first weights, is told as the one cause of all that follows."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import jindan as jd
from jindan.doctor.causes import FOLLOWING
from jindan.doctor.static import unfit_weights
from jindan.errors import JindanWarning
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.plan import Plan

X = np.random.default_rng(0).normal(size=(60, 4)).astype("f4")
Y = np.eye(3, dtype="f4")[np.arange(60) % 3]


def model():
    made = Sequential([Dense(8, activation="relu"), Dense(3, activation="softmax")])
    made.compile("sgd", "categorical_crossentropy")
    return made


def spoilt():
    made = model()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made.fit(X * np.nan, Y, epochs=1, verbose=0, seed=0)
    return made


def holes(values, what=np.nan):
    values = values.copy()
    values[3, 2] = what
    return values


@pytest.mark.parametrize("data", [(holes(X), Y), (X, holes(Y)), (holes(X, np.inf), Y)])
def test_in_the_rows_it_is_the_only_cause(data):
    report = jd.diagnose(model(), *data, epochs=3, batch_size=16, seed=0)
    first, *rest = report.findings
    assert (first.code, first.severity, first.causes) == ("nonfinite-values", "error", ())
    assert all((f.severity, f.causes) == ("info", ("nonfinite-values",)) for f in rest)
    assert {finding.code for finding in rest} <= set(FOLLOWING)
    # Trainings that begin with NaN tell nothing of rates and labels.
    assert report.facts.outcomes == report.facts.learning == {}
    for lang in ("en", "ko"):
        assert "learning-rate" not in report.text(lang)


def test_in_the_first_weights_it_is_told_before_training_and_is_the_only_cause():
    with pytest.warns(JindanWarning, match="weights hold NaN or infinity before training begins") as caught:
        history = spoilt().fit(X, Y, epochs=1, verbose=0)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    (finding,) = history.findings
    assert (finding.code, finding.severity, finding.layer) == ("nonfinite-values", "error", "layer 1, Dense 'dense'")
    assert finding.evidence == {
        "where": "weights",
        "aspect": "weights",
        "count": 4 * 8 + 8 * 3 + 3,
    }  # ReLU keeps NaN from the first bias
    assert "before training began (59 of them" in finding.text()
    assert "학습을 시작하기 전의 가중치 가운데 59개" in finding.text("ko")
    report = jd.diagnose(spoilt(), X, Y, epochs=2, seed=0)
    assert [f.code for f in report.findings if f.severity != "info"] == ["nonfinite-values"]
    assert report.findings[0].evidence == finding.evidence
    assert "→ Build the model anew" in report.text()
    assert "→ 모델을 새로 만들거나" in report.text("ko")


def test_rows_are_named_before_weights_and_weights_before_validation_rows():
    found = jd.diagnose(spoilt(), holes(X), Y, epochs=1, seed=0)
    assert found.findings[0].evidence["where"] == "x"
    found = jd.diagnose(spoilt(), X, Y, epochs=1, seed=0, validation_data=(holes(X), Y))
    assert found.findings[0].evidence["where"] == "weights"


def test_a_sound_start_is_not_blamed():
    made = model()
    made.fit(X, Y, epochs=1, verbose=0, seed=0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert made.fit(X, Y, epochs=1, verbose=0).findings == ()


def test_weights_are_counted_by_layer_and_masks_may_be_infinite():
    network = Plan((Dense(2), Dense(1)), loss="mse").network((3,))
    kernel, bias = np.ones((2, 1), np.float32), np.zeros(1, np.float32)
    sound, whole = {"kernel": kernel, "bias": bias}, {"seeds": np.array([2**31 - 1])}
    assert unfit_weights(network, (sound, sound), (whole, {"mask": np.array([-np.inf])})) is None
    # A sum beyond the largest number is no infinity of theirs.
    assert unfit_weights(network, ({"kernel": np.full(9, 3e38, np.float32)}, sound), ({}, {})) is None
    broken = unfit_weights(network, (sound, {"kernel": kernel * np.inf}), (whole, {"mask": np.array([np.nan])}))
    assert broken == {"where": "weights", "aspect": "weights", "count": 3, "layer": network.title(1)}


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float64"])
def test_weights_of_every_width_are_looked_at(dtype):
    import jax.numpy as jnp

    network = Plan((Dense(2), Dense(1)), loss="mse").network((3,))
    kernel = np.ones((2, 1)).astype(jnp.dtype(dtype))
    assert unfit_weights(network, ({"kernel": kernel}, {}), ({}, {})) is None
    kernel[0, 0] = np.nan
    assert unfit_weights(network, ({"kernel": kernel}, {}), ({}, {}))["count"] == 1
