"""Modules of PyTorch as layers of jindan: they give what the module gives, or say why there are none."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from jindan.doctor.watch_chain import NoCounterpart, chain_of
from jindan.doctor.watch_layers import layers_of
from jindan.doctor.watch_torch import watch
from jindan.layers.base import Context

torch = pytest.importorskip("torch", reason="PyTorch is watched only where installed")
nn, F = torch.nn, torch.nn.functional


def rows_of(shape, rows=12, tokens=None, seed=0):
    rng = np.random.default_rng(seed)
    if tokens:
        return rng.integers(0, tokens, (rows, *shape)).astype(np.int64)
    return rng.normal(size=(rows, *shape)).astype(np.float32)


class Net(nn.Module):
    """Functions between modules, and weights made in another order than they are used in."""

    def __init__(self):
        super().__init__()
        self.out = nn.Linear(6 * 2 * 2, 3)
        self.conv2, self.conv1 = nn.Conv2d(4, 6, 3), nn.Conv2d(2, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, x):
        x = F.max_pool2d(torch.relu(self.norm(self.conv1(x))), 2)
        x = F.leaky_relu(self.conv2(x), 0.01)
        x = x.view(x.size(0), -1)
        return F.log_softmax(self.out(x), dim=1)


class Reader(nn.Module):
    """Tokens, a recurrent layer, its last output."""

    def __init__(self, kind, state):
        super().__init__()
        self.embedding = nn.Embedding(11, 5)
        self.rnn = getattr(nn, kind)(5, 7, num_layers=2, batch_first=True, dropout=0.1)
        self.fc, self.state, self.kind = nn.Linear(7, 2), state, kind

    def forward(self, x):
        out, hidden = self.rnn(self.embedding(x))
        if self.state:
            hidden = hidden[0] if self.kind == "LSTM" else hidden
            return self.fc(hidden[-1])
        return self.fc(out[:, -1, :])


class Text(nn.Module):
    """Axes exchanged before a convolution over time, and the greatest over time."""

    def __init__(self):
        super().__init__()
        self.embedding, self.conv, self.fc = nn.Embedding(11, 5), nn.Conv1d(5, 4, 3), nn.Linear(4, 1)

    def forward(self, x):
        x = self.conv(self.embedding(x).permute(0, 2, 1)).relu()
        return self.fc(x.mean(dim=2)).squeeze(-1)


STACKS = {
    "dense": (lambda: nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3)), (5,), None),
    "nested": (
        lambda: nn.Sequential(
            nn.Sequential(nn.Linear(5, 7, bias=False), nn.BatchNorm1d(7), nn.ReLU()), nn.Dropout(0.3),
            nn.Sequential(nn.LayerNorm(7), nn.ELU(0.5), nn.Linear(7, 1), nn.Sigmoid()),
        ), (5,), None,
    ),
    "activations": (
        lambda: nn.Sequential(*(m for a in (
            nn.GELU(), nn.SiLU(), nn.Mish(), nn.Softplus(), nn.Softsign(), nn.Hardtanh(), nn.Hardswish(),
            nn.Hardsigmoid(),
            nn.LogSigmoid(), nn.SELU(), nn.ReLU6(), nn.LeakyReLU(0.2), nn.PReLU(), nn.Identity(), nn.Softmax(-1),
        ) for m in (nn.Linear(4, 4), a))), (4,), None,
    ),
    "images": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.ReLU(), nn.AvgPool2d(2, padding=1), nn.GroupNorm(2, 4),
            nn.Conv2d(4, 4, 3, padding="same", groups=2), nn.Dropout2d(0.1), nn.Flatten(), nn.Linear(36, 3),
        ), (2, 9, 8), None,
    ),
    "pooled": (
        lambda: nn.Sequential(
            nn.Conv2d(1, 4, (3, 1), dilation=2), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2),
        ),
        (1, 7, 6), None,
    ),
    "flat images": (lambda: nn.Sequential(nn.Flatten(), nn.Linear(24, 3)), (2, 3, 4), None),
    "sequence": (
        lambda: nn.Sequential(nn.Conv1d(3, 4, 3), nn.BatchNorm1d(4), nn.MaxPool1d(2), nn.Flatten(), nn.Linear(16, 2)),
        (3, 10), None,
    ),
    "traced": (Net, (2, 8, 8), None),
    "lstm": (lambda: Reader("LSTM", False), (6,), 11),
    "lstm state": (lambda: Reader("LSTM", True), (6,), 11),
    "gru": (lambda: Reader("GRU", True), (6,), 11),
    "rnn": (lambda: Reader("RNN", False), (6,), 11),
    "text": (Text, (9,), 11),
}  # fmt: skip


def shaken(module):
    """A module with running averages and affine parameters that are not what they start as."""
    with torch.no_grad():
        for tensor in (*module.parameters(), *module.buffers()):
            if tensor.is_floating_point():
                tensor.add_(0.3 * torch.rand_like(tensor))
    return module


@pytest.mark.parametrize("name", STACKS)
def test_layers_give_what_the_module_gives(name):
    make, shape, tokens = STACKS[name]
    torch.manual_seed(0)
    module = shaken(make())
    x = rows_of(shape, tokens=tokens)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.0)
    wide = module.eval()(torch.as_tensor(x)).detach().numpy()
    loss = nn.MSELoss()
    loss.jindan_loss = "mse"
    with watch(module, optimizer, loss, data=(x, np.zeros_like(wide))) as w:
        pass
    case = w.observed.case
    assert w.observed.reason == ""
    assert case.plan.layers
    network = case.plan.network(case.input_shape)
    full = network.join(case.moments[0].trained, case.moments[0].fixed)
    given = case.data.x if network.integers[0] else case.data.x.astype(np.float32)
    found = np.asarray(jax.jit(lambda w, v: network.forward(w, v, Context()))(full, given))
    assert np.max(np.abs(found.reshape(wide.shape) - wide)) <= 1e-5 * np.max(np.abs(wide))


# -- what has no counterpart


class Residual(nn.Module):
    """No chain."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(3, 3), nn.Linear(3, 1)

    def forward(self, x):
        return self.b(x + torch.relu(self.a(x)))


class Branching(nn.Module):
    """Not to be traced."""

    def forward(self, x):
        return x if x.sum() > 0 else -x


@pytest.mark.parametrize(
    ("module", "why"),
    [
        (Residual(), "no chain"),
        (Branching(), "cannot be traced"),
        (nn.Sequential(nn.Linear(3, 2), nn.Softmax(dim=0)), "rows of a batch"),
        (nn.Sequential(nn.Linear(3, 3), nn.RReLU()), "no counterpart"),
        (nn.Sequential(nn.Linear(3, 2), nn.CELU(0.5)), "alpha"),
        (nn.Sequential(nn.BatchNorm1d(3, track_running_stats=False)), "running averages"),
    ],
)  # fmt: skip
def test_what_has_no_counterpart_says_why(module, why):
    with pytest.raises(NoCounterpart, match=why):
        layers_of(module, (3,))


def test_one_module_in_two_places_of_a_stack():
    shared = nn.ReLU()
    steps = chain_of(nn.Sequential(nn.Linear(3, 3), shared, nn.Linear(3, 3), shared))
    assert [step.kind for step in steps] == ["Linear", "ReLU", "Linear", "ReLU"]
    twice = nn.Linear(3, 3)
    with pytest.raises(NoCounterpart, match="twice"):
        layers_of(nn.Sequential(twice, nn.ReLU(), twice), (3,))
    with pytest.raises(NoCounterpart, match="twice"):
        layers_of(Twice(), (3,))


class Twice(nn.Module):
    """One linear map used twice."""

    def __init__(self):
        super().__init__()
        self.a = nn.Linear(3, 3)

    def forward(self, x):
        return self.a(torch.tanh(self.a(x)))


class Doubled(nn.Module):
    """One of the user's own that says which module of PyTorch it does the work of."""

    jindan_module = "ReLU"

    def forward(self, x):
        return torch.clip(x, 0) if bool((x > 0).any()) else torch.zeros_like(x)


def test_an_own_module_may_name_its_counterpart():
    assert [step.kind for step in chain_of(nn.Sequential(nn.Linear(2, 2), Doubled()))] == ["Linear", "ReLU"]
    assert layers_of(nn.Sequential(nn.Linear(2, 2), Doubled()), (2,)).layers[0].activation == "relu"


def test_a_wrong_name_does_not_pass():
    class Wrong(nn.Module):
        jindan_module = "Tanh"

        def forward(self, x):
            return x + 1

    module = nn.Sequential(nn.Linear(2, 2), Wrong())
    with watch(module, torch.optim.SGD(module.parameters(), lr=0.1), nn.MSELoss(), data=(rows_of((2,)),) * 2) as w:
        pass
    assert "something else" in w.observed.reason
