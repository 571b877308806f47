"""Losses and optimizers of PyTorch as jindan's: the plan of a loop trains as the loop does."""

from __future__ import annotations

import numpy as np
import pytest
from watched_loops import loop, retrained, rows_of

from jindan import losses, optimizers
from jindan.doctor.static import pairing
from jindan.doctor.watch_chain import NoCounterpart
from jindan.doctor.watch_torch import watch

torch = pytest.importorskip("torch", reason="PyTorch is watched only where installed")
nn, F = torch.nn, torch.nn.functional


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1),
    "nesterov": lambda p: torch.optim.SGD(p, lr=0.02, momentum=0.9, nesterov=True),
    "adam": lambda p: torch.optim.Adam(p, lr=0.01),
    "adamw": lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.1),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=0.003, momentum=0.5, centered=True),
    "adagrad": lambda p: torch.optim.Adagrad(p, lr=0.05),
    "adadelta": lambda p: torch.optim.Adadelta(p),
    "adafactor": lambda p: torch.optim.Adafactor(p, lr=0.03),
    "adamax": lambda p: torch.optim.Adamax(p, lr=0.01),
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_plan_trains_as_the_loop_does(name):
    torch.manual_seed(1)
    module = nn.Sequential(nn.Linear(4, 9), nn.Tanh(), nn.Linear(9, 3))
    x = rows_of((4,), 44)
    y = (x[:, 0] > 0).astype(np.int64) + (x[:, 1] > 0.5)
    optimizer, loss_fn = OPTIMIZERS[name](module.parameters()), nn.CrossEntropyLoss()
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=6, batch=8)
    case = w.observed.case
    assert (case.plan.batch_size, case.plan.epochs, case.plan.shuffle) == (8, 6, False)
    assert isinstance(case.plan.loss, losses.SparseCategoricalCrossentropy)
    found, model = retrained(case, 6)
    # Float32 and ε a little elsewhere: far closer than two runs with different seeds.
    np.testing.assert_allclose(found, case.history["loss"], rtol=2e-4)
    last = case.plan.network(case.input_shape).join(case.moments[-1].trained, case.moments[-1].fixed)
    for ours, theirs in zip(model.get_weights(), [v for layer in last for v in layer.values()], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-3)


def test_weight_decay_is_a_penalty_on_every_weight():
    torch.manual_seed(2)
    module = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 1))
    x, y = rows_of((3,), 24), rows_of((1,), 24, seed=1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.05, weight_decay=0.2), nn.MSELoss()
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=5, batch=24)
    case = w.observed.case
    assert case.plan.layers[0].bias_regularizer.l2 == pytest.approx(0.1)
    _, model = retrained(case, 5)
    with torch.no_grad():
        wanted = module(torch.as_tensor(x)).numpy()
    np.testing.assert_allclose(model.predict(x), wanted, atol=1e-5)


LOSSES = {
    "cross-entropy": (nn.CrossEntropyLoss(), 3, "class", losses.SparseCategoricalCrossentropy, "softmax"),
    "shares": (nn.CrossEntropyLoss(label_smoothing=0.1), 3, "shares", losses.CategoricalCrossentropy, "softmax"),
    "smoothed": (nn.CrossEntropyLoss(label_smoothing=0.1), 3, "class", losses.CategoricalCrossentropy, "softmax"),
    "logits": (nn.BCEWithLogitsLoss(), 1, "share", losses.BinaryCrossentropy, "sigmoid"),
    "positives": (
        nn.BCEWithLogitsLoss(pos_weight=torch.tensor(3.0)),
        1,
        "binary",
        losses.BinaryCrossentropy,
        "sigmoid",
    ),
    "l1": (nn.L1Loss(), 2, "real", losses.MeanAbsoluteError, "linear"),
    "smooth": (nn.SmoothL1Loss(), 2, "real", losses.Huber, "linear"),
    "huber": (nn.HuberLoss(delta=0.5), 2, "real", losses.Huber, "linear"),
    "sum": (nn.MSELoss(reduction="sum"), 2, "real", losses.MeanSquaredError, "linear"),
    "function": (F.cross_entropy, 3, "class", losses.SparseCategoricalCrossentropy, "softmax"),
}


def targets_of(kind, rows):
    rng = np.random.default_rng(3)
    if kind == "class":
        return rng.integers(0, 3, rows)
    if kind == "shares":
        return rng.dirichlet(np.ones(3), rows).astype(np.float32)
    if kind in ("share", "binary"):
        return rng.integers(0, 2, (rows, 1)).astype(np.float32)
    return rng.normal(size=(rows, 2)).astype(np.float32)


@pytest.mark.parametrize("name", LOSSES)
def test_losses_mean_the_same(name):
    loss_fn, width, kind, wanted, end = LOSSES[name]
    torch.manual_seed(4)
    module = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, width))
    x, y = rows_of((4,), 32), targets_of(kind, 32)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.02)
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=4, batch=8)
    case = w.observed.case
    assert isinstance(case.plan.loss, wanted)
    assert case.plan.layers[-1].activation == end
    found, model = retrained(case, 4)
    if name != "function":  # seen at the ends of epochs only, after its updates
        np.testing.assert_allclose(found, case.history["loss"], rtol=1e-4)
    with torch.no_grad():
        raw = module(torch.as_tensor(x))
    wanted_outputs = {"softmax": raw.softmax(-1), "sigmoid": raw.sigmoid(), "linear": raw}[end].numpy()
    np.testing.assert_allclose(model.predict(x), wanted_outputs, atol=1e-4)


def test_a_softmax_before_cross_entropy_stays_one():
    module = nn.Sequential(nn.Linear(4, 3), nn.Softmax(dim=1))
    x, y = rows_of((4,), 20), np.arange(20) % 3
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.CrossEntropyLoss()
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=2, batch=20)
    case = w.observed.case
    assert case.plan.loss.from_logits
    assert case.plan.layers[-1].activation == "softmax"
    found, _ = retrained(case, 2)
    np.testing.assert_allclose(found, case.history["loss"], rtol=1e-5)

    assert pairing(case.plan, case.input_shape, case.data.y)[0] == "already-normalised"


def test_nll_after_log_softmax_is_cross_entropy():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(dim=1))
    x, y = rows_of((4,), 20), np.arange(20) % 3
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.NLLLoss()
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=2, batch=20)
    case = w.observed.case
    assert case.plan.layers[-1].activation == "softmax"
    np.testing.assert_allclose(retrained(case, 2)[0], case.history["loss"], rtol=1e-5)


def test_a_loss_with_a_name_of_jindans():
    class Own(nn.Module):
        jindan_loss = "categorical_crossentropy"

        def forward(self, p, y):
            return -(y * torch.log(p / p.sum(-1, keepdim=True))).sum(-1).mean()

    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(4, 3), nn.Sigmoid())
    x, y = rows_of((4,), 20), np.eye(3, dtype=np.float32)[np.arange(20) % 3]
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), Own()
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=2, batch=20)
    assert isinstance(w.observed.case.plan.loss, losses.CategoricalCrossentropy)
    np.testing.assert_allclose(retrained(w.observed.case, 2)[0], w.observed.case.history["loss"], rtol=1e-5)


def test_a_learning_optimizer_is_found_by_its_family():
    from jindan.doctor.watch_training import descent_of

    weight = [nn.Parameter(torch.ones(2))]
    found = descent_of(torch.optim.Adam(weight, lr=0.1, weight_decay=0.2))
    assert type(found.optimizer) is optimizers.Adam
    assert found.coupled
    with pytest.raises(NoCounterpart, match="LBFGS"):
        descent_of(torch.optim.LBFGS(weight))
