"""Updates of both networks equal a loop of PyTorch; a population is its members; second slopes go through layers."""

import jax
import numpy as np
import pytest

from jindan.engine import devices
from jindan.engine.program import Trained, train_program
from jindan.engine.program_loop import Batch
from jindan.errors import InputError, ShapeError
from jindan.layers import BatchNormalization, Conv2D, Dense, Dropout, Flatten
from jindan.layers.network import Network
from jindan.models import rbm_draws
from jindan.models.gan import GANProgram, discriminator, generator, plain, through

torch = pytest.importorskip("torch", reason="PyTorch is the oracle here")

VALUES = {"learning_rate": 0.01, "generator_rate": 0.005, "penalty": 0.7, "average": 0.5}
ROWS = 6


def program(loss, image=False, n_critic=1, rows=ROWS, dtype="float64"):
    if image:
        shape, own = (5, 6, 2), {"hidden": (7,), "filters": (3, 4)}
    else:
        shape, own = (3,), {"hidden": (7, 5)}
    return GANProgram(generator(4, shape, activation="tanh", **own), discriminator(shape, activation="softplus", **own),
                      loss, n_critic, rows, epsilon=1e-30, dtype=dtype)  # fmt: skip


def peer(loss, weights, batches, draws, n_critic=1):
    """The same in PyTorch, dense layers: the weights of both after the updates, the running mean, and losses."""
    made = [[torch.tensor(w[k], requires_grad=True) for w in part for k in ("kernel", "bias")] for part in weights]
    maker, judge = made
    own = {"betas": (0.5, 0.999), "eps": 1e-30}  # the two say ε of different roots
    steps = [torch.optim.Adam(maker, VALUES["generator_rate"], **own),
             torch.optim.Adam(judge, VALUES["learning_rate"], **own)]  # fmt: skip
    mean, soft, losses = [w.detach().clone() for w in maker], torch.nn.functional.softplus, []

    def net(part, x, activation):
        for k in range(0, len(part), 2):
            x = x @ part[k] + part[k + 1]
            x = activation(x) if k + 2 < len(part) else x
        return x

    def wanted(s):
        return (soft(-s) if loss == "non-saturating" else -s).mean()

    for number, (x, (z, mix, again)) in enumerate(zip(batches, draws, strict=True), 1):
        x, fakes = torch.tensor(x, requires_grad=True), net(maker, torch.tensor(z), torch.tanh).detach()
        scores, told = net(judge, fakes, soft)[:, 0], net(judge, x, soft)[:, 0]
        if loss == "wasserstein":
            between = torch.tensor(mix)[:, None] * x.detach() + (1 - torch.tensor(mix))[:, None] * fakes
            between.requires_grad_()
            (slope,) = torch.autograd.grad(net(judge, between, soft).sum(), between, create_graph=True)
            cost = (scores - told + VALUES["penalty"] * (slope.norm(dim=1) - 1) ** 2).mean()
        else:
            (slope,) = torch.autograd.grad(told.sum(), x, create_graph=True)
            cost = (soft(-told) + soft(scores) + 0.5 * VALUES["penalty"] * (slope**2).sum(1)).mean()
        losses.append([cost.item(), wanted(scores).item()])
        steps[1].zero_grad()
        cost.backward()
        steps[1].step()
        if number % n_critic == 0:
            steps[0].zero_grad()
            wanted(net(judge, net(maker, torch.tensor(again), torch.tanh), soft)[:, 0]).backward()
            steps[0].step()
            mean = [m + (w.detach() - m) * (1 - VALUES["average"]) for m, w in zip(mean, maker, strict=True)]
    return [w.detach().numpy() for w in maker], [w.detach().numpy() for w in judge], [m.numpy() for m in mean], losses


def flat(part):
    return [w[k] for w in part for k in ("kernel", "bias")]


@pytest.mark.parametrize("n_critic", [1, 2])
@pytest.mark.parametrize("loss", ["non-saturating", "wasserstein"])
def test_updates_equal_those_of_pytorch(loss, n_critic):
    devices.start()
    own, x = program(loss, n_critic=n_critic), np.random.default_rng(0).normal(size=(ROWS, 3))
    state = own.init(3, VALUES)
    (run,) = train_program(own, x, epochs=4, values=[VALUES], start=Trained.fresh(own, state, 5, VALUES))
    draws = []
    with devices.width("float64"):
        for number in range(4):  # one batch of all rows an epoch, as they lie
            keys = [jax.random.fold_in(jax.random.fold_in(jax.random.key(np.uint32(5)), number), k) for k in range(3)]
            draws.append([np.asarray(rbm_draws.normal(keys[0], (ROWS, 4), "float64")),
                          np.asarray(rbm_draws.uniform(keys[1], (ROWS,), "float64")),
                          np.asarray(rbm_draws.normal(keys[2], (ROWS, 4), "float64"))])  # fmt: skip
    maker, judge, mean, losses = peer(loss, (state["generator"], state["discriminator"]), [x] * 4, draws, n_critic)
    for mine, theirs in (("generator", maker), ("discriminator", judge), ("mean", mean)):
        for a, b in zip(flat(run.state[mine]), theirs, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-7, atol=1e-9)
    found = np.array([run.history["discriminator_loss"], run.history["generator_loss"]]).T
    np.testing.assert_allclose(found, losses, rtol=1e-8)


@pytest.mark.parametrize("loss", ["non-saturating", "wasserstein"])
def test_second_slopes_go_through_convolutions(loss):
    """The penalty's slopes by the weights against differences, through layers whose slopes are written by hand."""
    devices.start()
    own, rng = program(loss, image=True, rows=4), np.random.default_rng(1)
    weights = own.init(0, VALUES)["discriminator"]
    x, fakes, mix = rng.normal(size=(4, 5, 6, 2)), rng.normal(size=(4, 5, 6, 2)), rng.random(4)
    share = np.array([0.4, 0.3, 0.3, 0.0])
    direction = jax.tree.map(lambda a: rng.normal(size=a.shape), weights)
    with devices.width("float64"):
        cost = jax.jit(lambda w: own.discriminator_loss(w, x, fakes, mix, share, 3.0)[0])
        slopes = jax.jit(jax.grad(cost))(weights)
        along = sum(float((a * b).sum()) for a, b in zip(*map(jax.tree.leaves, (slopes, direction)), strict=True))
        ends = [float(cost(jax.tree.map(lambda a, b: a + h * b, weights, direction))) for h in (1e-5, -1e-5)]  # noqa: B023
    assert along == pytest.approx((ends[0] - ends[1]) / 2e-5, rel=1e-6)


def test_padding_counts_for_nothing():
    devices.start()
    own = program("wasserstein", rows=4)
    x, state = np.random.default_rng(0).normal(size=(4, 3)), own.init(0, VALUES)
    found = []
    with devices.width("float64"):
        step = jax.jit(lambda batch: own.step(state, batch, VALUES_64, jax.random.key(0)))
        for last in (x[3], x[3] + 100):
            batch = Batch(np.array([*x[:3], last]), np.array([1.0, 1, 1, 0]))
            found.append(step(batch))
    jax.tree.map(np.testing.assert_array_equal, *found)


VALUES_64 = {name: np.float64(value) for name, value in VALUES.items()}


def test_a_population_is_its_members():
    own, x = program("wasserstein", n_critic=2, rows=16, dtype="float32"), np.random.default_rng(0).normal(size=(50, 3))
    several = [VALUES, {**VALUES, "penalty": 2.0}, {**VALUES, "generator_rate": 0.01}]
    together = train_program(own, x, epochs=3, seeds=[4, 5, 6], values=several)
    alone = [train_program(own, x, epochs=3, seeds=[4 + k], values=[several[k]])[0] for k in range(3)]
    for a, b in zip(together, alone, strict=True):
        np.testing.assert_allclose(a.history["discriminator_loss"], b.history["discriminator_loss"], rtol=2e-5)
        for u, v in zip(flat(a.state["mean"]), flat(b.state["mean"]), strict=True):
            np.testing.assert_allclose(u, v, rtol=1e-3, atol=2e-5)


def test_noise_is_finite_at_both_ends(monkeypatch):
    ends = np.array([0.0, 0.5, 1 - 2.0**-24], np.float32)
    monkeypatch.setattr(rbm_draws, "uniform", lambda key, shape, dtype: ends)
    found = np.asarray(rbm_draws.normal(None, (3,)))
    assert np.isfinite(found).all()
    assert found[0] == -found[2]


def test_shapes_and_what_cannot_be():
    net = generator(3, (5, 7, 2), hidden=(4,), filters=(3, 2))
    assert through(net, net.init(0)[0], np.zeros((300, 3))).shape == (300, 5, 7, 2)
    assert through(net, net.init(0)[0], np.zeros((0, 3))).shape == (0, 5, 7, 2)
    with pytest.raises(ShapeError, match="Convolutions take images"):
        generator(3, (5,), filters=(2,))
    with pytest.raises(ShapeError, match="do not fit"):
        GANProgram(generator(3, (5,)), discriminator((4,)))
    with pytest.raises(InputError, match="loss is not known"):
        GANProgram(generator(3, (5,)), discriminator((5,)), "hinge")
    for layer in (BatchNormalization(), Dropout(0.5)):
        with pytest.raises(InputError, match="not known to go through"):
            GANProgram(generator(3, (5,)), Network((layer, Dense(1)), (5,)))
        with pytest.raises(InputError, match="running means"):
            GANProgram(Network((layer, Dense(5)), (3,)), discriminator((5,)))


@pytest.mark.parametrize("own", [{"strides": 2, "padding": "same"}, {"dilation_rate": 2}, {"use_bias": False}])
def test_the_plain_form_is_the_network(own):
    net = Network((Conv2D(4, (3, 2), activation="tanh", **own), Flatten(), Dense(1)), (7, 6, 2))
    weights, x = net.init(0)[0], np.random.default_rng(0).normal(size=(3, 7, 6, 2)).astype(np.float32)
    np.testing.assert_allclose(plain(net, weights, x), through(net, weights, x), rtol=1e-5, atol=1e-6)
