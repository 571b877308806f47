"""Which modes samples reach, against counts by hand."""

from __future__ import annotations

import numpy as np
import pytest

from jindan.doctor.checks.generative import mode_collapse, modes_of

CENTRES = 4 * np.array([[np.cos(a), np.sin(a)] for a in np.arange(6) * np.pi / 3])


def drawn(rows, modes, seed=0, spread=0.3):
    rng = np.random.default_rng(seed)
    return CENTRES[rng.choice(modes, rows)] + spread * rng.normal(size=(rows, 2))


@pytest.mark.parametrize("modes", [[0], [1, 4], [0, 1, 2, 3, 4]])
def test_missing_modes_are_counted(modes):
    finding = mode_collapse(drawn(900, range(6)), drawn(2000, modes, 1))
    assert (finding.evidence["modes"], finding.evidence["total"]) == (len(modes), 6)
    assert finding.evidence["missed"] == pytest.approx(1 - len(modes) / 6, abs=0.05)
    assert f"{len(modes)} of 6 modes" in finding.text()
    assert f"{len(modes)}" in finding.text("ko")


def test_a_few_strays_do_not_reach_a_mode():
    made = np.concatenate([drawn(2000, range(5), 1), drawn(4, [5], 2)])
    assert modes_of(drawn(900, range(6)), made).reached.sum() == 5


@pytest.mark.parametrize("rows", [60, 200, 3000])
@pytest.mark.parametrize("seed", range(5))
def test_sound_samples_are_left_in_peace(rows, seed):
    assert mode_collapse(drawn(rows, range(6), seed), drawn(500, range(6), seed + 50)) is None
    rng = np.random.default_rng(seed)
    real, made = rng.normal(size=(rows, 5)), rng.normal(size=(500, 5))
    assert mode_collapse(real, made) is None  # one cloud: cells in place of clusters
    assert mode_collapse(real, 0.6 * made + 0.2) is None  # somewhat narrow and off, which is no collapse


def test_uneven_modes_need_their_own_tenth():
    share = [0.6, 0.28, 0.12]
    rng = np.random.default_rng(0)
    real = CENTRES[rng.choice(3, 1000, p=share)] + 0.2 * rng.normal(size=(1000, 2))
    assert mode_collapse(real, real[rng.permutation(1000)]) is None
    made = CENTRES[rng.choice(3, 3000, p=[0.7, 0.28, 0.02])] + 0.2 * rng.normal(size=(3000, 2))
    assert mode_collapse(real, made) is None
    made = CENTRES[rng.choice(3, 3000, p=[0.7, 0.3, 0.0])] + 0.2 * rng.normal(size=(3000, 2))
    assert mode_collapse(real, made).evidence["modes"] == 2


def test_one_cloud_collapsed_to_a_point():
    rng = np.random.default_rng(0)
    real = rng.normal(size=(500, 20))
    finding = mode_collapse(real, real[0] + 0.01 * rng.normal(size=(4000, 20)))
    assert finding is not None
    assert finding.severity == "error"


def test_where_nothing_can_be_said():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    assert mode_collapse(x[:19], np.zeros((50, 2))) is None
    assert mode_collapse(np.zeros((100, 2)), x) is None  # constant data have one mode
    assert mode_collapse(x, np.full((50, 2), np.nan)) is None
    assert mode_collapse(x, np.zeros((0, 2))) is None
    two = np.repeat([[0.0], [1.0]], 50, axis=0)
    assert mode_collapse(two, two) is None
