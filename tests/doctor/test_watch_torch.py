"""Loops of PyTorch under watch: they stay as they are, and jindan's plan of them computes and trains as they do."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from watched_loops import loop, rows_of

from jindan.doctor.watch_seen import Epochs, Losses, Snapshots, state_of
from jindan.doctor.watch_torch import watch
from jindan.errors import InputError, StateError

torch = pytest.importorskip("torch", reason="PyTorch is watched only where installed")
nn, F = torch.nn, torch.nn.functional


# -- the loop stays as it is -------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", ["small", "images"])
def test_watching_changes_no_bit(scale):
    def trained(watched):
        torch.manual_seed(5)
        if scale == "small":
            module = nn.Sequential(nn.Linear(4, 9), nn.BatchNorm1d(9), nn.ReLU(), nn.Dropout(0.4), nn.Linear(9, 2))
            x = rows_of((4,), 30)
        else:
            module = nn.Sequential(
                nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Dropout(0.2), nn.Linear(48, 2)
            )
            x = rows_of((1, 6, 6), 30)
        y = np.arange(30) % 2
        optimizer, loss_fn = torch.optim.Adam(module.parameters(), lr=0.01), nn.CrossEntropyLoss()
        if not watched:
            return module, loop(module, optimizer, loss_fn, x, y, 4, 8), torch.rand(1), optimizer
        with watch(module, optimizer, loss_fn, data=(x, y), validation_data=(x[:9], y[:9])) as w:
            losses_seen = loop(module, optimizer, loss_fn, x, y, 4, 8)
        assert len(w.observed.case.history["val_loss"]) == 4
        return module, losses_seen, torch.rand(1), optimizer

    (plain, a, draw_a, opt_a), (seen, b, draw_b, opt_b) = trained(False), trained(True)
    assert a == b
    assert torch.equal(draw_a, draw_b)
    for name, value in plain.state_dict().items():
        assert torch.equal(value, seen.state_dict()[name]), name
    for one, other in zip(opt_a.state.values(), opt_b.state.values(), strict=True):
        assert all(torch.equal(one[k], other[k]) for k in ("exp_avg", "exp_avg_sq"))


def hooks_on(module, optimizer, loss_fn):
    names = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks")
    found = [len(getattr(one, name)) for one in (*module.modules(), loss_fn) for name in names]
    return sum(found) + len(optimizer._optimizer_step_post_hooks) + len(optimizer._optimizer_step_pre_hooks)


@pytest.mark.parametrize("training", [True, False])
def test_hooks_go_and_the_mode_stays(training):
    module = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1)).train(training)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss()
    x, y = rows_of((2,), 8), rows_of((1,), 8)
    with watch(module, optimizer, loss_fn, data=(x, y), validation_data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=1)
        assert hooks_on(module, optimizer, loss_fn) == 3
    assert hooks_on(module, optimizer, loss_fn) == 0
    assert module.training is training
    with pytest.raises(ZeroDivisionError), watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=1, after=lambda: 1 / 0)
    assert hooks_on(module, optimizer, loss_fn) == 0
    assert w.updates == 1
    assert [m.update for m in w.observed.case.moments] == [0, 1]


def test_rows_that_are_only_looked_at_do_not_count():
    module = nn.Linear(2, 1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss()
    x, y = rows_of((2,), 10), rows_of((1,), 10)
    look = lambda: loss_fn(module(torch.ones(50, 2)), torch.ones(50, 1))  # noqa: E731  (gradients on, none asked for)
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=3, batch=4, after=look)
    assert (w.rows, w.epochs.ends, w.batch_size) == ([4, 4, 2] * 3, [3, 6, 9], 4)


def test_gradients_of_two_batches_are_one_update():
    module = nn.Linear(2, 1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss()
    x, y = torch.as_tensor(rows_of((2,), 8)), torch.as_tensor(rows_of((1,), 8))
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        for start in (0, 4):
            optimizer.zero_grad()
            for i in (start, start + 2):
                (loss_fn(module(x[i : i + 2]), y[i : i + 2]) / 2).backward()
            optimizer.step()
    assert w.rows == [4, 4]
    assert w.epochs.ends == [2]
    assert not w.notes


def test_a_loop_that_never_clears_its_gradients():
    module = nn.Linear(2, 1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.01), nn.MSELoss()
    x, y = torch.as_tensor(rows_of((2,), 8)), torch.as_tensor(rows_of((1,), 8))
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        for _ in range(4):
            loss_fn(module(x), y).backward()
            optimizer.step()
    assert len(w.notes) == 1
    assert "zero_grad" in str(w.notes[0])


# -- what cannot be said, and what is told --------------------------------------------------------------------------


def test_no_data_given_rows_are_gathered():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss()
    x, y = rows_of((3,), 10), rows_of((1,), 10)
    with watch(module, optimizer, loss_fn) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=3, batch=4)
    case = w.observed.case
    assert np.array_equal(case.data.x, x)
    assert np.array_equal(case.data.y, y)
    assert len(case.history["loss"]) == 3


def gathered(x, y, orders, batch):
    """A Watch of a loop without data whose epochs take rows in the given orders; a last partial batch is left out."""
    module = nn.Linear(3, 1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.01), nn.MSELoss()
    with watch(module, optimizer, loss_fn, validation_data=(x[:5], y[:5])) as w:
        for order in orders:
            order = order[: len(order) // batch * batch]
            loop(module, optimizer, loss_fn, x[order], y[order], epochs=1, batch=batch)
    return w


def test_a_row_that_occurs_twice_ends_no_epoch():
    x, y = rows_of((3,), 40), rows_of((1,), 40)
    x[20], y[20] = x[3], y[3]
    w = gathered(x, y, [np.arange(40)] * 3, 1)
    case = w.observed.case
    assert w.epochs.ends == [40, 80, 120]
    assert np.array_equal(case.data.x, np.delete(x, 20, 0))
    assert len(case.history["loss"]) == 3
    rng = np.random.default_rng(0)
    mixed = gathered(x, y, [rng.permutation(40) for _ in range(4)], 1)
    assert len(mixed.observed.case.data.x) == 39
    assert len(mixed.epochs.ends) == 4


def test_rows_that_come_after_many_copies_are_gathered_too():
    x = np.r_[np.tile(rows_of((3,), 16), (4, 1)), rows_of((3,), 32, seed=1)]
    y = x.sum(1, keepdims=True)
    w = gathered(x, y, [np.arange(96)] * 4, 32)
    case = w.observed.case
    assert np.array_equal(case.data.x, np.r_[x[:16], x[64:]])
    assert w.epochs.ends == [3, 6, 9, 12]
    assert (len(case.history["loss"]), len(case.history["val_loss"])) == (4, 3)
    assert all(one.epoch == sum(end <= one.update for end in w.epochs.ends) for one in case.moments)


def test_rows_that_are_left_out_of_one_epoch_come_in_another():
    x, y, rng = rows_of((3,), 37), rows_of((1,), 37), np.random.default_rng(0)
    w = gathered(x, y, [rng.permutation(37) for _ in range(5)], 8)
    assert len(w.observed.case.data.x) == 37
    assert w.epochs.ends == [4, 8, 12, 16, 20]


def test_frozen_parameters_and_those_the_optimizer_lacks():
    module = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 1))
    module[0].requires_grad_(False)
    optimizer, loss_fn = torch.optim.SGD(module[4].parameters(), lr=0.1), nn.MSELoss()
    x, y = rows_of((3,), 10), rows_of((1,), 10)
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y)
    assert [layer.trainable for layer in w.observed.case.plan.layers] == [False, False, True]


def test_shapes_that_pair_all_with_all():
    module = nn.Linear(3, 1)
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss()
    x, y = rows_of((3,), 10), rows_of((), 10)
    with watch(module, optimizer, loss_fn, data=(x, y)) as w, pytest.warns(UserWarning, match="broadcast"):
        loop(module, optimizer, loss_fn, x, y)
    finding = w.observed.findings[0]
    assert finding.code == "output-loss-mismatch"
    assert finding.evidence["outputs_shape"] == [8, 1]
    assert "do not match" in finding.text()


class Residual(nn.Module):
    """No chain."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 1)

    def forward(self, x):
        return self.b(x + torch.relu(self.a(x)))


def test_what_is_not_said_in_layers_is_told_without_them():
    torch.manual_seed(0)
    module = Residual()
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=1e3), nn.MSELoss()
    x = rows_of((3,), 60)
    y = x.sum(1, keepdims=True)
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=40, batch=10)
    seen = w.observed
    assert "no chain" in seen.reason
    assert seen.case.plan.layers == ()
    assert seen.case.first_nonfinite is not None
    assert not np.isfinite(w.losses.values[seen.case.first_nonfinite - 1])
    assert np.isfinite(w.losses.values[: seen.case.first_nonfinite - 1]).all()


def test_words_for_those_who_give_something_else():
    with pytest.raises(InputError, match="no module"):
        watch(3, None, None)
    with pytest.raises(InputError, match="optimizer"):
        watch(nn.Linear(1, 1), 3, None)
    module = nn.Linear(1, 1)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.1)
    with pytest.raises(InputError, match="pair"):
        watch(module, optimizer, nn.MSELoss(), data=np.ones(3))
    with watch(module, optimizer, nn.MSELoss()) as w:
        pass
    with pytest.raises(StateError, match="No update"):
        w.report()


# -- the parts -----------------------------------------------------------------------------------------------------


def test_epochs_of_one_row_and_of_batches_that_are_too_large():
    epochs = Epochs(1)
    assert [epochs.add(i, 1) for i in (1, 2)] == [True, True]
    epochs = Epochs(5)
    assert [epochs.add(i, 5) for i in (1, 2)] == [True, True]
    assert epochs.ends == [1, 2]
    assert not Epochs(None).add(1, 5)


class Number:
    """A tensor of one number on some device."""

    def __init__(self, value, device, dtype="float32"):
        self.value, self.device, self.dtype = value, device, dtype


def test_losses_of_several_devices_are_read_from_each(monkeypatch):
    def stack(values):
        if len({one.device for one in values}) > 1:
            raise RuntimeError("Expected all tensors to be on the same device")
        return np.array([one.value for one in values])

    monkeypatch.setattr(torch, "stack", stack)
    losses = Losses()
    for values in ([Number(1.0, "cuda:0")], [Number(2.0, "cuda:1"), Number(4.0, "cuda:0", "float64")], []):
        losses.add(values)
    assert losses.read() == losses.read() == [1.0, 3.0, None]
    monkeypatch.setattr(torch, "stack", lambda values: 1 / 0)
    losses.add([Number(1.0, "cuda:0")])
    with pytest.raises(ZeroDivisionError):
        losses.read()
    assert losses.read() == [1.0, 3.0, None, None]  # what cannot be read is not asked for again


def test_snapshots_stand_ever_further_apart():
    module, shots = nn.Linear(2, 2), Snapshots(limit=6)
    shots.keep(0, 0, state_of(module))
    for update in range(1, 5001):
        if shots.due(update):
            shots.keep(update, 0, state_of(module))
    shots.keep(5000, 1, state_of(module))
    found = [update for update, _, _ in shots.kept]
    assert found[0] == 0
    assert found[-1] == 5000
    assert 4 <= len(found) <= 6
    assert found == sorted(set(found))


def test_a_moment_is_a_copy():
    module = nn.Linear(2, 2)
    before = copy.deepcopy(module.state_dict())
    shots = Snapshots()
    shots.keep(0, 0, state_of(module))
    with torch.no_grad():
        module.weight.zero_()
    assert torch.equal(shots.kept[0][2]["weight"], before["weight"])


def test_the_report_names_the_fault():
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Linear(8, 1), nn.Softmax(dim=1))
    x = rows_of((3,), 60)
    y = (x[:, :1] > 0).astype(np.float32)
    optimizer, loss_fn = torch.optim.Adam(module.parameters(), lr=0.01), nn.BCELoss()
    with watch(module, optimizer, loss_fn, data=(x, y)) as w:
        loop(module, optimizer, loss_fn, x, y, epochs=10)
    before = copy.deepcopy(module.state_dict())
    report = w.report()
    assert report.findings[0].code == "output-loss-mismatch"
    assert not report.healthy
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


CASE = {
    "layers": [
        {"type": "Conv2D", "filters": 3, "kernel_size": [3, 3], "activation": "exponential"},
        {"type": "MaxPooling2D"}, {"type": "Flatten"}, {"type": "BatchNormalization", "momentum": 0.9},
        {"type": "Dense", "units": 5, "activation": "elu", "l2": 0.01, "trainable": False},
        {"type": "Dropout", "rate": 0.1},
        {"type": "Dense", "units": 3, "activation": "sigmoid", "l2": 0.02,
         "kernel_initializer": {"name": "RandomNormal", "stddev": 0.1}},
    ],
    "optimizer": {"name": "RMSprop", "learning_rate": 0.002}, "loss": "categorical_crossentropy", "epochs": 2,
    "batch_size": 1, "shuffle": True, "class_weight": {"0": 2.0, "1": 0.5},
}  # fmt: skip


def test_the_benchmarks_cases_are_said_in_pytorch():
    from benchmarks.doctor.cases import layer_of, optimizer_of
    from benchmarks.doctor.in_torch import train_in_torch

    x, y = rows_of((6, 6, 1), 9), np.eye(3, dtype=np.float32)[np.arange(9) % 3]
    arrays = {"x_train": x, "y_train": y, "x_test": x[:4], "y_test": y[:4]}
    w = train_in_torch(CASE, arrays, 0, watch)
    assert w.observed.reason == ""
    plan = w.observed.case.plan
    wanted = [layer_of(layer) for layer in CASE["layers"]]
    assert [type(layer) for layer in plan.layers] == [type(layer) for layer in wanted]
    assert [getattr(a, "activation", 0) for a in plan.layers] == [getattr(b, "activation", 0) for b in wanted]
    assert plan.layers[-1].kernel_regularizer.l2 == pytest.approx(0.02)
    assert plan.layers[-1].bias_regularizer is None
    assert plan.layers[3].momentum == pytest.approx(0.9)
    assert not plan.layers[4].trainable
    assert {one.index: one.weight for one in plan.class_weight} == {0: 2.0, 1: 0.5}
    ours = optimizer_of(CASE)
    assert plan.optimizer.epsilon == pytest.approx(ours.epsilon)
    assert plan.optimizer.replace(epsilon=ours.epsilon) == ours
