"""What does not fit is named before it is tried; what keeps the machine waiting is worth a word."""

import numpy as np
import pytest

import jindan as jd
from jindan.doctor import capacity
from jindan.doctor.checks.setting import device_idle
from jindan.doctor.evidence import Case, Moment
from jindan.doctor.facts import Facts
from jindan.engine.data import Data
from jindan.errors import TooLargeError
from jindan.layers import Dense
from jindan.models import Sequential
from jindan.plan import Plan

X, Y = np.zeros((8, 4), "f4"), np.zeros((8, 1), "f4")


def _large():
    model = Sequential([Dense(10**7, activation="relu"), Dense(10**5), Dense(1)])
    model.compile("adam", "mse")
    return model


def test_a_training_that_does_not_fit_is_refused_before_anything_is_drawn():
    with pytest.raises(TooLargeError, match="at most"):
        _large().fit(X, Y, verbose=0)


def test_the_doctor_says_so():
    report = jd.diagnose(_large(), X, Y)
    assert [finding.code for finding in report.findings] == ["out-of-memory"]
    assert not report.healthy
    assert "GiB" in report.text()
    assert report.repair() is None


def test_a_small_one_fits(monkeypatch):
    plan = Plan((Dense(3),), loss="mse")
    assert capacity.too_large(plan, (4,), 100) is None
    monkeypatch.setattr(capacity, "memory_there", lambda: 100)
    assert capacity.too_large(plan, (4,), 100).evidence["most"] == "data"
    monkeypatch.setattr(capacity, "memory_there", lambda: None)
    assert capacity.too_large(plan, (4,), 100) is None


@pytest.mark.parametrize(("units", "seconds", "idle"), [(2, 60.0, True), (2, 1.0, False), (2000, 60.0, False)])
def test_a_device_that_waits(units, seconds, idle):
    plan = Plan((Dense(units, activation="relu"), Dense(units)), loss="mse", batch_size=1)
    moments = (Moment(20_000, 1, (), ()),)
    data = Data.of(np.zeros((64, 100), "f4"), np.zeros((64, units), "f4"))
    case = Case(plan, (100,), data, {}, moments, seconds=seconds)
    found = device_idle(Facts(case, "regression", None, None, None))
    assert (found is not None) == idle
    if idle:
        assert found.severity == "info"
