"""Every optimizer: a hundred steps in float64 as Keras and PyTorch take them; members, decay, clipping, names."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.flatten_util import ravel_pytree

from jindan import optimizers, spec
from jindan.engine.train import train
from jindan.errors import InputError
from jindan.layers import Dense
from jindan.optimizers import SGD, Adam
from jindan.plan import Plan
from jindan.schedules import ExponentialDecay

from .numerics import agree, missing

STEPS = 100
MANY_STEPS = 1e-9  # across implementations and many steps, in float64
# Keras takes Adafactor's means in float32 (3e-8), of which 100 steps make 1e-5; PyTorch's agree to MANY_STEPS.
KERAS_ROUNDS = {"Adafactor": 1e-4}

# name: (settings, Keras class, settings of Keras beside those, torch class or None, (ours, torch's) where formulas
# coincide)
OPTIMIZERS = {
    "SGD": ({"learning_rate": 0.1}, "SGD", {}, "SGD", ({"learning_rate": 0.1}, {"lr": 0.1})),
    "Momentum": (
        {"learning_rate": 0.05},
        "SGD",
        {"momentum": 0.9},
        "SGD",
        ({"learning_rate": 0.05}, {"lr": 0.05, "momentum": 0.9}),
    ),
    "NAG": (
        {"learning_rate": 0.05},
        "SGD",
        {"momentum": 0.9, "nesterov": True},
        "SGD",
        ({"learning_rate": 0.05}, {"lr": 0.05, "momentum": 0.9, "nesterov": True}),
    ),
    # PyTorch has none. At a rate at which no weight arrives, as its steps are signs.
    "Lion": ({"learning_rate": 0.002}, "Lion", {}, None, None),
    # PyTorch adds ε outside the root; with ε = 0 the formulas are one.
    "Adagrad": (
        {"learning_rate": 0.1},
        "Adagrad",
        {},
        "Adagrad",
        ({"learning_rate": 0.1, "epsilon": 0}, {"lr": 0.1, "initial_accumulator_value": 0.1, "eps": 0}),
    ),
    "RMSprop": (
        {"learning_rate": 0.005},
        "RMSprop",
        {},
        "RMSprop",
        # A rate at which no weight arrives: around its optimum RMSprop jumps by signs, which any rounding decides.
        ({"learning_rate": 0.005, "epsilon": 0}, {"lr": 0.005, "alpha": 0.9, "eps": 0}),
    ),
    "Adadelta": (
        {"learning_rate": 0.5},
        "Adadelta",
        {},
        "Adadelta",
        ({"learning_rate": 0.5}, {"lr": 0.5, "rho": 0.95, "eps": 1e-7}),
    ),
    "Adafactor": (
        {"learning_rate": 0.05},
        "Adafactor",
        {},
        "Adafactor",
        ({"learning_rate": 0.05}, {"lr": 0.05, "eps": (1e-30, 1e-3)}),
    ),
    # PyTorch scales ε with the bias correction.
    "Adam": (
        {"learning_rate": 0.02},
        "Adam",
        {},
        "Adam",
        ({"learning_rate": 0.02, "epsilon": 0}, {"lr": 0.02, "eps": 0}),
    ),
    "AdamW": (
        {"learning_rate": 0.02},
        "AdamW",
        {},
        "AdamW",
        ({"learning_rate": 0.02, "epsilon": 0}, {"lr": 0.02, "eps": 0, "weight_decay": 0.004}),
    ),
    "Adamax": (
        {"learning_rate": 0.02},
        "Adamax",
        {},
        "Adamax",
        ({"learning_rate": 0.02, "epsilon": 0}, {"lr": 0.02, "eps": 0}),
    ),
    "Nadam": (
        {"learning_rate": 0.02},
        "Nadam",
        {},
        "NAdam",
        ({"learning_rate": 0.02}, {"lr": 0.02, "eps": 1e-7, "momentum_decay": 1.0}),
    ),
}
VARIANTS = [(name, {}) for name in OPTIMIZERS] + [
    ("Adam", {"amsgrad": True}),
    ("RMSprop", {"momentum": 0.5}),
    ("RMSprop", {"centered": True, "momentum": 0.5}),
    ("SGD", {"weight_decay": 0.01}),
    ("Adam", {"weight_decay": 0.01, "clipnorm": 0.05}),
    ("SGD", {"clipvalue": 0.01}),
    ("Momentum", {"global_clipnorm": 0.1}),
]
IDS = [f"{name}-{'-'.join(more)}" if more else name for name, more in VARIANTS]

RNG = np.random.default_rng(417)
X, Y = RNG.normal(size=(20, 3)), RNG.normal(size=(20, 1))
START = {"a": RNG.normal(size=(3, 4)) * 0.5, "b": RNG.normal(size=4) * 0.1, "c": RNG.normal(size=(4, 1)) * 0.5}


def cost(w):
    """A network with one hidden layer, by hand."""
    return jnp.mean((jnp.tanh(X @ w["a"] + w["b"]) @ w["c"] - Y) ** 2)


def walk(optimizer, start=START, factors=(1.0,)):
    """The weights after STEPS updates, for each factor of the cost."""

    def all_steps(weights, state, factor):
        def step(_, carry):
            weights, state = carry
            return optimizer.apply(weights, jax.grad(lambda w: factor * cost(w))(weights), state)

        return jax.lax.fori_loop(0, STEPS, step, (weights, state))[0]

    compiled = jax.jit(all_steps)
    return [compiled(start, optimizer.init(start), np.float32(factor)) for factor in factors]


def keras_walk(optimizer, variable):
    """The same with a Keras optimizer, all of it in one program."""
    variables = [variable(value) for value in START.values()]
    optimizer.build(variables)

    def step(_, carry):
        weights, state = carry
        grads = jax.grad(cost)(dict(zip(START, weights, strict=True)))
        return optimizer.stateless_apply(state, [grads[name] for name in START], weights)

    carry = [v.value for v in variables], [v.value for v in optimizer.variables]
    return dict(zip(START, jax.jit(lambda c: jax.lax.fori_loop(0, STEPS, step, c))(carry)[0], strict=True))


def torch_walk(torch, name, settings):
    weights = {name: torch.tensor(value, requires_grad=True) for name, value in START.items()}
    x, y = torch.tensor(X), torch.tensor(Y)
    optimizer = getattr(torch.optim, name)(weights.values(), **settings)
    for _ in range(STEPS):
        optimizer.zero_grad()
        ((torch.tanh(x @ weights["a"] + weights["b"]) @ weights["c"] - y) ** 2).mean().backward()
        optimizer.step()
    return {name: value.detach().numpy() for name, value in weights.items()}


def same_weights(actual, wanted, tolerance=MANY_STEPS):
    for name in START:
        agree(actual[name], wanted[name], tolerance)


def make(name, **more):
    return getattr(optimizers, name)(**{**OPTIMIZERS[name][0], **more})


def test_the_table_forgets_none():
    assert not missing("optimizer", OPTIMIZERS), "an optimizer is not in the table"


@pytest.mark.parametrize(("name", "more"), VARIANTS, ids=IDS)
def test_as_in_keras(name, more, keras64):
    settings, oracle, extra = OPTIMIZERS[name][:3]
    theirs = getattr(keras64.optimizers, oracle)(**settings, **extra, **more)
    wanted = keras_walk(theirs, functools.partial(keras64.Variable, dtype="float64"))
    same_weights(walk(make(name, **more))[0], wanted, KERAS_ROUNDS.get(name, MANY_STEPS))


@pytest.mark.parametrize("name", [name for name, row in OPTIMIZERS.items() if row[3]])
def test_as_in_torch(name, x64):
    torch = pytest.importorskip("torch", reason="PyTorch is an oracle only where installed")
    _, _, _, oracle, (ours, theirs) = OPTIMIZERS[name]
    same_weights(walk(getattr(optimizers, name)(**ours))[0], torch_walk(torch, oracle, theirs))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_are_those_of_keras(name, keras64):
    oracle, extra = OPTIMIZERS[name][1:3]
    ours, theirs = getattr(optimizers, name)(), getattr(keras64.optimizers, oracle)(**extra).get_config()
    for field, value in ours.get_config().items():
        if isinstance(value, float) and field in theirs:
            assert value == pytest.approx(theirs[field], rel=1e-7), field  # Keras stores its rate in float32


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_goes_downhill_in_float32_and_a_flat_place_holds(name):
    """Without a gradient nothing moves, and nothing is divided by zero."""
    start, optimizer = jax.tree.map(np.float32, START), make(name)
    if optimizer.weight_decay is None:
        end, same = walk(optimizer, start, (1.0, 0.0))
    else:
        (end,), (same,) = walk(optimizer, start), walk(make(name, weight_decay=None), start, (0.0,))
    assert all(leaf.dtype == np.float32 for leaf in jax.tree.leaves(end))
    assert cost(end) < 0.9 * cost(start)
    jax.tree.map(np.testing.assert_array_equal, same, start)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_json_round_trip(name):
    for optimizer in (getattr(optimizers, name)(), make(name, clipnorm=1.0, weight_decay=0.1)):
        assert spec.from_json("optimizer", spec.to_json(optimizer)) == optimizer
    with_schedule = getattr(optimizers, name)(ExponentialDecay(0.1, 10, 0.5))
    assert spec.from_json("optimizer", spec.to_json(with_schedule)) == with_schedule
    for alias in getattr(optimizers, name).__dict__.get("aliases", ()):
        assert isinstance(spec.get("optimizer", alias), getattr(optimizers, name))


@pytest.mark.parametrize(("name", "more"), VARIANTS, ids=IDS)
def test_a_member_of_a_population_equals_its_plan_alone(name, more):
    """Three members of other seeds and rates: in float64 after 100 updates, in float32 after 5."""
    optimizer = make(name, **more)
    plan = Plan((Dense(3, activation="tanh"), Dense(1)), loss="mse", optimizer=optimizer, batch_size=8, epochs=34,
                shuffle=False, dtype="float64")  # fmt: skip
    for dtype, until, updates, tolerance in (("float64", (33, 1), 100, MANY_STEPS), ("float32", (1, 2), 5, 1e-5)):
        plans = [
            plan.replace(dtype=dtype, seed=k).edit(learning_rate=optimizer.learning_rate * (1 + k)) for k in range(3)
        ]
        runs = train(plans, (X, Y), until=until)
        for own, member in zip(plans, runs, strict=True):
            alone = train(own, (X, Y), until=until)
            assert member.steps == alone.steps == updates
            agree(ravel_pytree(member.weights)[0], ravel_pytree(alone.weights)[0], tolerance)
        assert not np.array_equal(runs[0].weights[0]["kernel"], runs[1].weights[0]["kernel"])


def test_a_schedule_counts_updates_from_zero(x64):
    optimizer, w = SGD(ExponentialDecay(0.1, 1, 0.5)), {"w": np.ones(1)}
    state = optimizer.init(w)
    for rate in (0.1, 0.05, 0.025):
        before = w["w"]
        w, state = optimizer.apply(w, {"w": jnp.ones(1)}, state)
        agree(before - w["w"], [rate], 1e-14)
    assert int(state["step"]) == 3


def test_the_bias_correction_keeps_its_digits_in_float32():
    """1 − 0.999ᵗ is 1e-3 at the first update; a careless float32 power leaves it three digits."""
    optimizer, w = Adam(1.0, epsilon=0), {"w": np.zeros(1, np.float32)}
    moved, _ = optimizer.apply(w, {"w": jnp.full(1, 0.3)}, optimizer.init(w))
    # √(1−β₂)/(1−β₁) · m/√v = 1 exactly; 1 − exp(log β₂) in float32 is good to 6e-8 / 1e-3.
    agree(moved["w"], [-1.0], 6e-5)


@pytest.mark.parametrize("epsilon", [1e-30, 0.0])
def test_adafactor_leaves_the_weight_between_a_dead_input_and_a_dead_unit(epsilon):
    """The estimate of its v is a product below every float32 number; Keras divides 0 by its root, 0."""
    optimizer, w = optimizers.Adafactor(0.1, epsilon_1=epsilon), {"kernel": np.ones((3, 3), np.float32)}
    gradient = np.outer([0, 1e-3, 2e-3], [0, 1e-2, 3e-2]).astype(np.float32)
    moved, _ = optimizer.apply(w, {"kernel": jnp.asarray(gradient)}, optimizer.init(w))
    assert np.array_equal(moved["kernel"][0], np.ones(3))
    assert np.array_equal(moved["kernel"][:, 0], np.ones(3))
    assert np.all(np.isfinite(moved["kernel"]))
    assert np.all(moved["kernel"][1:, 1:] < 1)


def test_clipping_by_hand(x64):
    g = {"a": jnp.array([3.0, 4.0]), "b": jnp.array([12.0])}
    w = jax.tree.map(np.zeros_like, g)
    for settings, wanted in (
        ({"clipnorm": 1.0}, ([0.6, 0.8], [1.0])),
        ({"clipvalue": 3.5}, ([3.0, 3.5], [3.5])),
        ({"global_clipnorm": 6.5}, ([1.5, 2.0], [6.0])),
        ({"global_clipnorm": 100.0}, ([3.0, 4.0], [12.0])),
    ):
        optimizer = SGD(1.0, **settings)
        moved, _ = optimizer.apply(w, g, optimizer.init(w))
        agree(-moved["a"], wanted[0], 1e-14)
        agree(-moved["b"], wanted[1], 1e-14)


def test_two_ways_of_clipping_are_refused():
    with pytest.raises(InputError, match="Only one way of clipping") as caught:
        SGD(clipnorm=1.0, clipvalue=1.0)
    assert "clipnorm, clipvalue" in str(caught.value)


def test_lr_is_the_learning_rate():
    assert SGD(lr=0.5) == SGD(0.5)
    assert Adam(lr=0.5).replace(beta_1=0.8).learning_rate == 0.5
