"""Weights from PyTorch: the same outputs after loading, and what does not fit is said in words."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from jindan import layers as L
from jindan.errors import InputError, JindanWarning, ShapeError
from jindan.layers.network import Network
from jindan.layers.wiring import Wiring
from jindan.models.transfer import weights_from
from jindan.models.transfer_parts import feature_orders

from .transferring import (
    agree,
    images_first,
    network_of,
    nn,
    outputs,
    rows,
    save_safetensors,
    shaken,
    small,
    small_network,
    torch,
)


class Last(nn.Module):
    """The output of a recurrent module at the last step, or at all."""

    def __init__(self, rnn, every=False):
        super().__init__()
        self.rnn, self.every = rnn, every

    def forward(self, x):
        out = self.rnn(x)[0]
        return out if self.every else out[:, -1]


class Attending(nn.Module):
    def __init__(self, **settings):
        super().__init__()
        self.attention = nn.MultiheadAttention(6, 2, batch_first=True, **settings)
        self.norm = nn.LayerNorm(6)

    def forward(self, x):
        return self.norm(self.attention(x, x, x, need_weights=False)[0])


class TwoWays(nn.Module):
    def __init__(self):
        super().__init__()
        self.f = nn.Sequential(nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 5, 1))
        self.g = nn.Conv2d(3, 5, 1)

    def forward(self, x):
        return self.f(x) + self.g(x)


CASES = {
    "mlp": ((4,), [L.Dense(5, activation="relu"), L.Dropout(0.5), L.Dense(3)],
            lambda: nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 3))),
    "no bias": ((4,), [L.Dense(5, use_bias=False), L.PReLU(), L.Maxout(3, pieces=1)],
                lambda: nn.Sequential(nn.Linear(4, 5, bias=False), nn.PReLU(), nn.Linear(5, 3))),
    "cnn": ((7, 6, 2), [L.Conv2D(3, (3, 2), activation="relu"), L.MaxPooling2D(2), L.Flatten(),
                        L.BatchNormalization(epsilon=1e-5), L.Dense(4)],
            lambda: nn.Sequential(nn.Conv2d(2, 3, (3, 2)), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
                                  nn.BatchNorm1d(12), nn.Linear(12, 4))),
    "grouped and by channel": ((6, 6, 4), [L.Conv2D(6, 3, groups=2), L.DepthwiseConv2D(2, depth_multiplier=2),
                                           L.PReLU(shared_axes=(1, 2)), L.SeparableConv2D(5, 2, use_bias=False)],
                               lambda: nn.Sequential(nn.Conv2d(4, 6, 3, groups=2), nn.Conv2d(6, 12, 2, groups=6),
                                                     nn.PReLU(12), nn.Conv2d(12, 12, 2, groups=12, bias=False),
                                                     nn.Conv2d(12, 5, 1, bias=False))),
    "one axis": ((9, 2), [L.Conv1D(3, 2, strides=3), L.BatchNormalization(epsilon=1e-5), L.Flatten(), L.Dense(2)],
                 lambda: nn.Sequential(nn.Conv1d(2, 3, 2, 3), nn.BatchNorm1d(3), nn.Flatten(), nn.Linear(9, 2))),
    "from numbers to images": ((3,), [L.Dense(24), L.BatchNormalization(epsilon=1e-5), L.ReLU(), L.Reshape((2, 3, 4)),
                                      L.Conv2DTranspose(2, 3, strides=2)],
                               lambda: nn.Sequential(nn.Linear(3, 24), nn.BatchNorm1d(24), nn.ReLU(),
                                                     nn.Unflatten(1, (4, 2, 3)), nn.ConvTranspose2d(4, 2, 3, 2))),
    "norms": ((5, 4, 6), [L.LayerNormalization(axis=(1, 2, 3), epsilon=1e-5), L.GroupNormalization(3, epsilon=1e-5),
                          L.BatchNormalization(epsilon=1e-5, center=False, scale=False)],
              lambda: nn.Sequential(nn.LayerNorm([6, 5, 4]), nn.GroupNorm(3, 6), nn.BatchNorm2d(6, affine=False))),
    "two ways": ((4, 5, 3), [L.Residual([L.Conv2D(3, 3, padding="same", activation="relu"), L.Conv2D(5, 1)],
                                        shortcut=L.Conv2D(5, 1))], TwoWays),
}  # fmt: skip
SEQUENCES = {
    "lstm": ([L.LSTM(3)], lambda: Last(nn.LSTM(4, 3, batch_first=True))),
    "two lstm": ([L.LSTM(3, return_sequences=True), L.LSTM(3)], lambda: Last(nn.LSTM(4, 3, 2, batch_first=True))),
    "gru": ([L.GRU(3, return_sequences=True)], lambda: Last(nn.GRU(4, 3, batch_first=True), every=True)),
    "rnn": ([L.SimpleRNN(3, use_bias=False)], lambda: Last(nn.RNN(4, 3, batch_first=True, bias=False))),
    "both ways": ([L.Bidirectional(L.LSTM(3, return_sequences=True)),
                   L.Bidirectional(L.LSTM(3, return_sequences=True))],
                  lambda: Last(nn.LSTM(4, 3, 2, batch_first=True, bidirectional=True), every=True)),
    "gru both ways, flat": ([L.Bidirectional(L.GRU(2, return_sequences=True)), L.Flatten(), L.Dense(3)],
                            lambda: nn.Sequential(Last(nn.GRU(4, 2, batch_first=True, bidirectional=True), every=True),
                                                  nn.Flatten(), nn.Linear(20, 3))),
    "every step": ([L.TimeDistributed(L.Dense(6)), L.RMSNormalization(epsilon=1e-5)],
                   lambda: nn.Sequential(nn.Linear(4, 6), nn.RMSNorm(6, eps=1e-5))),
    "attention": ([L.Dense(6), L.MultiHeadAttention(2, 3), L.LayerNormalization(epsilon=1e-5)],
                  lambda: nn.Sequential(nn.Linear(4, 6), Attending())),
    "attention, no bias": ([L.Dense(6), L.MultiHeadAttention(2, 3, use_bias=False),
                            L.LayerNormalization(epsilon=1e-5)],
                           lambda: nn.Sequential(nn.Linear(4, 6), Attending(bias=False))),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_same_outputs(name):
    shape, stack, make = CASES[name]
    module, network, x = shaken(make()), network_of(shape, *stack), rows(3, *shape)
    weights, report = weights_from(module, network)
    assert not report.untouched
    assert not report.left_over
    assert not report.notes
    with torch.no_grad():
        wanted = module(torch.tensor(images_first(x) if len(shape) > 1 else x)).numpy()
    agree(outputs(network, weights, x), np.moveaxis(wanted, 1, -1) if wanted.ndim > 2 else wanted)


@pytest.mark.parametrize("name", SEQUENCES)
def test_the_same_outputs_for_sequences(name):
    stack, make = SEQUENCES[name]
    module, network, x = shaken(make()), network_of((5, 4), *stack), rows(2, 5, 4)
    weights, _ = weights_from(module.state_dict(), network)
    with torch.no_grad():
        agree(outputs(network, weights, x), module(torch.tensor(x)).numpy())


def test_the_same_outputs_for_ids():
    class Mean(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.out = nn.Embedding(7, 3), nn.Linear(3, 2)

        def forward(self, ids):
            return self.out(self.table(ids).mean(1))

    module, ids = shaken(Mean()), np.array([[0, 6, 3, 3]])
    network = network_of((4,), L.Embedding(7, 3), L.GlobalAveragePooling1D(), L.Dense(2))
    with torch.no_grad():
        agree(outputs(network, weights_from(module, network)[0], ids), module(torch.tensor(ids)).numpy())


def test_attention_over_other_sequences():
    module = shaken(nn.MultiheadAttention(6, 2, kdim=4, vdim=3, batch_first=True))
    wiring = Wiring(nodes=((0, (0, 1, 2)),), outputs=(3,), inputs=3)
    network = Network((L.MultiHeadAttention(2, 3, name="m"),), ((5, 6), (7, 3), (7, 4)), wiring)
    query, value, key = rows(2, 5, 6), rows(2, 7, 3), rows(2, 7, 4)
    with torch.no_grad():
        wanted = module(*map(torch.tensor, (query, key, value)), need_weights=False)[0].numpy()
    agree(outputs(network, weights_from(module, network)[0], (query, value, key)), wanted)


def test_channels_joined_after_two_flattens():
    wiring = Wiring(nodes=((0, (0,)), (1, (1,)), (2, (0,)), (3, (2, 3)), (4, (4,))), outputs=(5,))
    stack = (L.Conv2D(2, 2), L.Flatten(), L.Flatten(), L.Concatenate(), L.Dense(3))
    network = Network(tuple(each.replace(name=f"n{i}") for i, each in enumerate(stack)), (3, 3, 2), wiring)
    conv, linear = shaken(nn.Conv2d(2, 2, 2)), shaken(nn.Linear(26, 3))
    x = rows(2, 3, 3, 2)
    weights, _ = weights_from(nn.ModuleList([conv, linear]), network)
    with torch.no_grad():
        there = torch.tensor(images_first(x))
        wanted = linear(torch.cat([conv(there).flatten(1), there.flatten(1)], 1)).numpy()
    agree(outputs(network, weights, x), wanted)


def test_images_of_one_axis_order_keep_it():
    """(time, features) that no convolution made, and (28, 28) images, have no channels to move."""
    network = network_of((4, 3), L.LSTM(2, return_sequences=True), L.Flatten(), L.Dense(1))
    assert feature_orders(network) == [(None, None)] * 3
    assert feature_orders(network_of((4, 3), L.Flatten(), L.Dense(1))) == [(None, None)] * 2


# -- names -------------------------------------------------------------------------------------------------------


class Named(nn.Module):
    """Layers made in another order than they are used in."""

    def __init__(self):
        super().__init__()
        self.second, self.first = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return self.second(self.first(x))


def test_names_go_before_the_order():
    module, x = shaken(Named()), rows(2, 4)
    network = network_of((4,), L.Dense(4, name="first"), L.Dense(4, name="second"))
    with torch.no_grad():
        agree(outputs(network, weights_from(module, network)[0], x), module(torch.tensor(x)).numpy())


def test_names_inside_names():
    module = nn.ModuleDict({"encoder": nn.ModuleDict({"fc": nn.Linear(4, 5)}), "head": nn.Linear(5, 3)})
    for names in (("fc", "head"), ("encoder_fc", "head"), ("encoder.fc", "head")):
        weights, report = weights_from(shaken(module), small_network(*names), by_name=True)
        assert [theirs for _, theirs in report.taken] == [
            ("encoder.fc.weight", "encoder.fc.bias"), ("head.weight", "head.bias"),
        ]  # fmt: skip
        np.testing.assert_array_equal(weights[1]["kernel"], module["head"].weight.detach().numpy().T)


def test_by_name_leaves_the_others():
    network = small_network("trunk", "head")
    current = network.join(*network.init(0))
    module = shaken(nn.ModuleDict({"trunk": nn.Linear(4, 5), "old_head": nn.Linear(5, 9)}))
    weights, report = weights_from(module, network, current=current, by_name=True)
    np.testing.assert_array_equal(weights[0]["kernel"], module["trunk"].weight.detach().numpy().T)
    assert weights[1]["kernel"] is current[1]["kernel"]
    assert report.taken == [("layer 1, Dense 'trunk'", ("trunk.weight", "trunk.bias"))]
    assert report.untouched == ["layer 2, Dense 'head'"]
    assert report.left_over == ["'old_head' (weight (9, 5), bias (9,))"]
    assert "kept its own" in str(report)
    with pytest.raises(InputError, match=r"(?s)No layer of the network.*a, b.*trunk, old_head"):
        weights_from(module, small_network(), current=current, by_name=True)
    with pytest.raises(InputError, match=r"(?s)got no weights.*current="):
        weights_from(module, network, by_name=True)


def test_held_layers_by_name():
    block = nn.ModuleDict({"conv1": nn.Linear(4, 4), "conv2": nn.Linear(4, 4)})
    network = network_of((4,), L.Residual([L.Dense(4, name="conv2"), L.Dense(4, name="conv1")], name="block"))
    weights, _ = weights_from(nn.ModuleDict({"block": block}), network)
    np.testing.assert_array_equal(weights[0]["0.kernel"], block["conv2"].weight.detach().numpy().T)


class Projected(nn.Module):
    """Attention as it is often written by hand: its linear maps apart, or one for all three."""

    def __init__(self, joined):
        super().__init__()
        self.head = nn.Linear(6, 3)
        if joined:
            self.qkv, self.proj = nn.Linear(4, 18), nn.Linear(6, 6)
        else:
            self.q_proj, self.k_proj, self.v_proj = (nn.Linear(4, 6) for _ in range(3))
            self.o_proj = nn.Linear(6, 6)
        self.joined = joined

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1) if self.joined else (self.q_proj(x), self.k_proj(x), self.v_proj(x))
        q, k, v = (t.reshape(*t.shape[:2], 2, 3).transpose(1, 2) for t in (q, k, v))
        mixed = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return self.head((self.proj if self.joined else self.o_proj)(mixed))


@pytest.mark.parametrize("joined", [True, False])
def test_attention_by_the_names_of_its_parts(tmp_path, joined):
    module, x = shaken(nn.ModuleDict({"block": Projected(joined)})), rows(2, 5, 4)
    attention = L.MultiHeadAttention(2, 3, output_features=6, name="block")
    network = network_of((5, 4), attention, L.Dense(3, name="head"))
    save_safetensors(tmp_path / "m.safetensors", module)
    with torch.no_grad():
        wanted = module["block"](torch.tensor(x)).numpy()
    for source in (module, tmp_path / "m.safetensors"):
        agree(outputs(network, weights_from(source, network)[0], x), wanted)


def test_without_attention_such_names_are_plain_layers():
    module = shaken(nn.ModuleDict({name: nn.Linear(4, 4) for name in ("q_proj", "k_proj", "v_proj", "out_proj")}))
    network = network_of((4,), *[L.Dense(4) for _ in range(4)])
    weights, _ = weights_from(module, network)
    np.testing.assert_array_equal(weights[3]["kernel"], module["out_proj"].weight.detach().numpy().T)


def test_both_ways_by_name():
    module = shaken(nn.ModuleDict({"head": nn.Linear(6, 1), "rnn": nn.LSTM(4, 3, bidirectional=True)}))
    network = network_of((5, 4), L.Bidirectional(L.LSTM(3), name="rnn"), L.Dense(2, name="other"))
    weights, report = weights_from(module, network, current=network.join(*network.init(0)), by_name=True)
    first = [theirs[0] for _, theirs in report.taken]
    assert first == [
        "rnn.forward.weight_ih_l0",
        "rnn.backward.weight_ih_l0_reverse",
    ]
    wanted = module["rnn"].weight_ih_l0_reverse.detach().numpy().T
    np.testing.assert_array_equal(weights[0]["backward.kernel"], wanted)


def test_a_name_that_two_layers_have_is_no_name():
    module = nn.ModuleDict({block: nn.ModuleDict({"fc": nn.Linear(4, 4)}) for block in ("a", "b")})
    network = network_of((4,), L.Dense(4, name="fc"), L.Dense(4, name="b_fc"))
    weights, report = weights_from(module, network, current=network.join(*network.init(0)), by_name=True)
    assert [ours for ours, _ in report.taken] == ["layer 2, Dense 'b_fc'"]
    np.testing.assert_array_equal(weights[1]["kernel"], module["b"]["fc"].weight.detach().numpy().T)


def test_a_table_of_positions():
    class Placed(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed, self.position = nn.Linear(3, 4), nn.Parameter(torch.randn(1, 5, 4))

    network = network_of((5, 3), L.Dense(4, name="embed"), L.PositionEmbedding(name="position"))
    weights, _ = weights_from(Placed(), network)
    assert weights[1]["position_embeddings"].shape == (5, 4)


# -- what does not fit -------------------------------------------------------------------------------------------


def test_another_size_is_refused_in_words():
    network = network_of((4,), L.Dense(5, name="a"), L.Dense(2, name="out"))
    with pytest.raises(ShapeError) as caught:
        weights_from(small(), network)
    text = str(caught.value)
    for part in (
        "layer 2, Dense 'out', kernel",
        "shape (5, 2)",
        "(5, 3)",
        "'2' (weight (3, 5), bias (3,))",
        "skip_mismatch",
    ):
        assert part in text


def test_skip_mismatch_keeps_what_does_not_fit():
    network = network_of((4,), L.Dense(5, name="a"), L.Dense(2, name="out"))
    current = network.join(*network.init(0))
    weights, report = weights_from(small(), network, current=current, skip_mismatch=True)
    assert weights[1]["kernel"] is current[1]["kernel"]
    assert report.untouched == ["layer 2, Dense 'out'"]
    assert len(report.taken) == len(report.left_over) == 1


BAD = {
    "more there": ([L.Dense(5)], lambda: small(), "(?s)number of layers.*1 layers.*2.*Left over in the source: '2'"),
    "more here": ([L.Dense(5), L.Dense(3), L.Dense(1)], lambda: small(), "(?s)Left over here: layer 3, Dense"),
    "no bias here": ([L.Dense(5, use_bias=False)], lambda: nn.Linear(4, 5), "(?s)another kind.*kernel.*bias"),
    "no bias there": ([L.Dense(5)], lambda: nn.Linear(4, 5, bias=False), "(?s)no bias.*use_bias=False"),
    "a norm": ([L.Dense(4)], lambda: nn.BatchNorm1d(4).state_dict(), "(?s)another kind.*running_mean"),
    "a norm for a module": ([L.Dense(4)], lambda: nn.LayerNorm(4), "has LayerNorm here"),
    "a table": ([L.Dense(4, use_bias=False)], lambda: nn.Embedding(4, 4), "has Embedding here"),
    "gru for lstm": ([L.Reshape((2, 2)), L.LSTM(3)], lambda: nn.GRU(2, 3).state_dict(), "another shape"),
    "gru that resets before": ([L.Reshape((2, 2)), L.GRU(3, reset_after=False)],
                               lambda: nn.GRU(2, 3), "reset_after=True"),
    "projections": ([L.Reshape((2, 2)), L.LSTM(3)], lambda: nn.LSTM(2, 3, proj_size=2), "proj_size"),
    "one way": ([L.Reshape((2, 2)), L.LSTM(3)], lambda: nn.LSTM(2, 3, bidirectional=True), "(?s)number.*backward"),
    "heads": ([L.Reshape((1, 4)), L.MultiHeadAttention(4, 1)],
              lambda: nn.MultiheadAttention(4, 2), "(?s)has 2 heads.*4 heads"),
    "transposed": ([L.Reshape((2, 2, 1)), L.Conv2D(1, 2)],
                   lambda: nn.ConvTranspose2d(1, 1, 2), "ConvTranspose2d here"),
    "not by channel": ([L.Reshape((2, 1, 2)), L.DepthwiseConv2D(1)],
                       lambda: nn.Conv2d(2, 2, 1).state_dict(), "groups=2"),
    "nothing": ([L.Dense(5)], lambda: nn.ReLU(), "no weights in the source"),
    "a mapping of words": ([L.Dense(5)], lambda: {"a": "b"}, "no weights in the source"),
    "a list": ([L.Dense(5)], lambda: [np.zeros((4, 5))], "set_weights"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_fit_is_said(name):
    stack, make, words = BAD[name]
    with pytest.raises(InputError, match=words):
        weights_from(make(), network_of((4,), *stack))


def test_another_epsilon_is_said():
    network = network_of((4,), L.BatchNormalization())
    for source in (nn.BatchNorm1d(4), nn.BatchNorm1d(4).state_dict()):
        with pytest.warns(JindanWarning, match=r"epsilon=0.001.*1e-05"):
            weights_from(source, network)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weights_from(nn.BatchNorm1d(4, eps=1e-3), network)
