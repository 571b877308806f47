"""Every schedule: the rate at many updates, as Keras or the published formula has it."""

from __future__ import annotations

import math

import jax
import numpy as np
import pytest

from jindan import schedules, spec
from jindan.errors import InputError
from jindan.schedules import WarmUp

from .numerics import agree, missing

STEPS = np.arange(0, 70)

# name: settings of several schedules, and Keras's name or a formula (step, **settings) → rate
SCHEDULES = {
    "ConstantRate": ([{"initial_learning_rate": 0.3}], lambda t, initial_learning_rate: initial_learning_rate),
    "ExponentialDecay": (
        [
            {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.6},
            {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.6, "staircase": True},
        ],
        "ExponentialDecay",
    ),
    "StepDecay": (
        [{"initial_learning_rate": 0.4, "step_size": 15, "factor": 0.5}],
        lambda t, initial_learning_rate, step_size, factor: initial_learning_rate * factor ** (t // step_size),
    ),
    "PiecewiseConstantDecay": ([{"boundaries": (10, 30), "values": (1.0, 0.5, 0.1)}], "PiecewiseConstantDecay"),
    "PolynomialDecay": (
        [
            {"initial_learning_rate": 0.1, "decay_steps": 20, "end_learning_rate": 0.01, "power": 2.0},
            {"initial_learning_rate": 0.1, "decay_steps": 20, "end_learning_rate": 0.01, "cycle": True},
        ],
        "PolynomialDecay",
    ),
    "InverseTimeDecay": (
        [
            {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5},
            {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5, "staircase": True},
        ],
        "InverseTimeDecay",
    ),
    "CosineDecay": (
        [
            {"initial_learning_rate": 0.1, "decay_steps": 40, "alpha": 0.05},
            {"initial_learning_rate": 0.01, "decay_steps": 40, "warmup_target": 0.2, "warmup_steps": 10},
        ],
        "CosineDecay",
    ),
    "CosineDecayRestarts": (
        [
            {"initial_learning_rate": 0.1, "first_decay_steps": 9, "t_mul": 2.0, "m_mul": 0.8, "alpha": 0.01},
            {"initial_learning_rate": 0.1, "first_decay_steps": 9, "t_mul": 1.0},
        ],
        "CosineDecayRestarts",
    ),
    "WarmUp": (
        [{"after": 0.2, "warmup_steps": 10, "start": 0.1}],
        lambda t, after, warmup_steps, start: after * (start + (1 - start) * min((t + 1) / warmup_steps, 1)),
    ),
}
CASES = [(name, settings) for name, (many, _) in SCHEDULES.items() for settings in many]
IDS = [f"{name}-{number}" for number, (name, _) in enumerate(CASES)]


def rates(schedule, dtype=None):
    return jax.jit(jax.vmap(schedule))(STEPS if dtype is None else STEPS.astype(dtype))


def test_the_table_forgets_none():
    assert not missing("schedule", SCHEDULES), "a schedule is not in the table"


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_rate(name, settings, keras64):
    oracle = SCHEDULES[name][1]
    if callable(oracle):
        wanted = [oracle(t, **settings) for t in STEPS]
    else:
        theirs = getattr(keras64.optimizers.schedules, oracle)(
            **{k: list(v) if isinstance(v, tuple) else v for k, v in settings.items()}
        )
        wanted = np.asarray(jax.jit(jax.vmap(theirs))(STEPS))
    # Keras's schedules compute in float32 even where all else is float64.
    agree(rates(getattr(schedules, name)(**settings)), wanted, 1e-6)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_float32_is_as_good_as_float64(name, settings):
    schedule = getattr(schedules, name)(**settings)
    single = np.asarray(rates(schedule))
    with jax.enable_x64(True):
        double = np.asarray(rates(schedule))
    assert single.dtype == np.float32
    agree(single, double, 1e-5)


@pytest.mark.parametrize(("name", "settings"), CASES, ids=IDS)
def test_json_round_trip(name, settings):
    schedule = getattr(schedules, name)(**settings)
    assert spec.from_json("schedule", spec.to_json(schedule)) == schedule


def test_step_decay_against_torch():
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=0.4)
    theirs, wanted = torch.optim.lr_scheduler.StepLR(optimizer, 15, 0.5), []
    for _ in STEPS:
        wanted.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        theirs.step()
    agree(rates(schedules.StepDecay(0.4, 15, 0.5)), wanted, 1e-6)


def test_cosine_restarts_begin_anew_at_every_restart():
    schedule = schedules.CosineDecayRestarts(0.1, 9)
    for restart in (9, 27, 63, 135, 279, 567, 1143):
        assert float(schedule(restart)) == pytest.approx(0.1, rel=1e-5)
        assert float(schedule(restart - 1)) < 0.005


def test_warm_up_before_a_schedule(x64):
    after = schedules.ExponentialDecay(0.1, 5, 0.5)
    found = rates(WarmUp(after, 4))
    wanted = [0.1 * (t + 1) / 4 if t < 4 else 0.1 * 0.5 ** ((t - 4) / 5) for t in STEPS]
    agree(found, wanted, 1e-14)


def test_values_and_boundaries_must_fit():
    with pytest.raises(InputError, match="one value more than boundaries"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])


def test_boundaries_and_values_in_arrays():
    given = schedules.PiecewiseConstantDecay(np.array([10, 30]), np.array([1.0, 0.5, 0.1]))
    assert given == schedules.PiecewiseConstantDecay([10, 30], [1.0, 0.5, 0.1])
    equal = schedules.PiecewiseConstantDecay([5, 5], [1.0, 0.5, 0.1])
    agree([float(equal(t)) for t in (5, 6)], [1.0, 0.1], 1e-6)


def test_cosine_ends_at_alpha(x64):
    assert float(schedules.CosineDecay(0.1, 10, alpha=0.3)(10_000)) == pytest.approx(0.03, rel=1e-12)
    assert float(schedules.CosineDecay(0.1, 10)(5)) == pytest.approx(0.05 * (1 + math.cos(math.pi / 2)), rel=1e-12)
