"""Files of weights: PyTorch's, safetensors and jindan's own; what could run code or is damaged is refused."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from jindan import layers as L
from jindan.errors import FileError, InputError, ShapeError
from jindan.models.transfer import weights_from

from .transferring import (
    agree,
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


def save_pt(path, module):
    torch.save(module.state_dict(), path)


def save_checkpoint(path, module):
    body = {
        "epoch": 3,
        "optimizer": {"state": {}},
        "state_dict": {f"module.{k}": v for k, v in module.state_dict().items()},
    }
    torch.save(body, path)


@pytest.mark.parametrize(
    ("name", "save"),
    [
        ("m.pt", save_pt),
        ("m.pth", save_checkpoint),
        ("pytorch_model.bin", save_pt),
        ("m.safetensors", save_safetensors),
    ],
)
def test_files(tmp_path, name, save):
    module, x = small(), rows(3, 4)
    save(tmp_path / name, module)
    weights, report = weights_from(tmp_path / name, small_network())
    with torch.no_grad():
        agree(outputs(small_network(), weights, x), module(torch.tensor(x)).numpy())
    assert [(ours, sorted(theirs)) for ours, theirs in report.taken] == [
        ("layer 1, Dense 'a'", ["0.bias", "0.weight"]),
        ("layer 2, Dense 'b'", ["2.bias", "2.weight"]),
    ]


def test_half_precision(tmp_path):
    for dtype in (torch.bfloat16, torch.float16):
        module = small().to(dtype)
        save_safetensors(tmp_path / "m.safetensors", module)
        for source in (tmp_path / "m.safetensors", module):
            weights, _ = weights_from(source, small_network())
            assert weights[0]["kernel"].dtype == np.float32
            np.testing.assert_array_equal(weights[0]["kernel"], module[0].weight.detach().float().numpy().T)


def test_float64_keeps_its_digits(tmp_path):
    module = small().double()
    with torch.no_grad():
        module[0].weight += 1e-12
    save_safetensors(tmp_path / "m.safetensors", module)
    weights, _ = weights_from(tmp_path / "m.safetensors", small_network(), dtype="float64")
    np.testing.assert_array_equal(weights[0]["kernel"], module[0].weight.detach().numpy().T)


def test_what_jindan_wrote(tmp_path):
    from jindan.models import saving

    stack = [L.Bidirectional(L.LSTM(2)), *[L.Dense(2) for _ in range(11)]]
    network = network_of((3, 4), *stack)
    full = network.join(*network.init(3))
    saving.write_weights(tmp_path / "w.safetensors", network, full)
    # Elsewhere in another network, a Dropout between: the layers are still the same, in order.
    other = network_of((3, 4), stack[0], L.Dropout(0.1), *stack[1:])
    weights, report = weights_from(tmp_path / "w.safetensors", other)
    for a, b in zip(full, [w for w in weights if w], strict=True):
        assert list(a) == list(b)
        assert all(np.array_equal(a[name], b[name]) for name in a)
    assert len(report.taken) == 12
    with pytest.raises(InputError, match="another layer here"):
        weights_from(tmp_path / "w.safetensors", network_of((3, 4), L.LSTM(2), *stack[1:]))


def test_the_names_jindan_wrote(tmp_path):
    from safetensors.numpy import save_file

    arrays = {"0.kernel": np.ones((4, 4), np.float32), "2.kernel": np.zeros((4, 4), np.float32)}
    there = network_of((4,), L.Dense(4, use_bias=False, name="second"), L.Dense(4, use_bias=False, name="first"))
    for names, first in (('["first", null, "second"]', 0.0), ("[", 1.0), ("{}", 1.0), ('["a"]', 1.0)):
        save_file(arrays, tmp_path / "w.safetensors", metadata={"layer_names": names})
        weights, _ = weights_from(tmp_path / "w.safetensors", there)
        assert weights[0]["kernel"][0, 0] == first


def test_sparse_tensors_are_refused():
    table = torch.ones(5, 4).to_sparse()
    with pytest.raises(InputError, match="cannot be read as an array"):
        weights_from({"0.weight": table}, network_of((4,), L.Dense(5, use_bias=False)))


class Bomb:
    def __reduce__(self):
        return (open, ("bomb-went-off", "w"))


@pytest.mark.parametrize("name", ["m.pt", "m.pth", "m.bin"])
def test_a_pickle_is_refused_and_not_run(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(pickle.dumps({"a.weight": Bomb()}))
    torch.save({"a.weight": Bomb()}, tmp_path / f"zip-{name}")
    torch.save(small(), tmp_path / f"whole-{name}")  # a module is pickled code
    for file in (name, f"zip-{name}", f"whole-{name}"):
        with pytest.raises(FileError, match=r"(?s)nothing in it was run.*state_dict") as told:
            weights_from(tmp_path / file, small_network())
        # Words of its own alone, without those of PyTorch and their colours.
        assert "Weights only" not in str(told.value)
        assert "\x1b" not in str(told.value)
        assert ("a pickled torch.nn" in str(told.value)) is file.startswith("whole")
    assert not (tmp_path / "bomb-went-off").exists()


@pytest.mark.parametrize("name", ["m.pkl", "m.pickle", "m.joblib", "m.npy", "m"])
def test_other_files_are_refused(tmp_path, name):
    (tmp_path / name).write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(FileError, match=r"(?s)not read from files of this kind.*\.safetensors"):
        weights_from(tmp_path / name, small_network())


@pytest.mark.parametrize("name", ["m.pt", "m.safetensors", "m.keras", "m.weights.h5"])
def test_missing_and_damaged_files(tmp_path, name):
    with pytest.raises(FileError, match="missing"):
        weights_from(tmp_path / name, small_network())
    for content in (b"", b"x" * 200, b"PK\x03\x04" + b"\x00" * 100):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(FileError, match="damaged"):
            weights_from(tmp_path / name, small_network())


def test_an_old_pytorch_is_refused(tmp_path, monkeypatch):
    save_pt(tmp_path / "m.pt", small())
    monkeypatch.setattr(torch, "__version__", "2.5.1+cpu")
    with pytest.raises(InputError, match="CVE-2025-32434"):
        weights_from(tmp_path / "m.pt", small_network())


class Unsorted(nn.Module):
    """Layers whose names sort otherwise than they are used."""

    def __init__(self, width=5):
        super().__init__()
        self.stem, self.body = nn.Linear(4, 5), nn.Linear(5, width)
        self.lstm = nn.LSTM(width, 3, 2, batch_first=True, bidirectional=True)

    def forward(self, x):
        return self.lstm(self.body(self.stem(x)))[0]


def test_a_file_without_order(tmp_path):
    from safetensors.numpy import load_file

    def stack(*names, width=5):
        both = L.Bidirectional(L.LSTM(3, return_sequences=True))
        dense = [L.Dense(size, name=name) for size, name in zip((5, width), names, strict=True)]
        return network_of((2, 4), *dense, both, both)

    module, path, x = shaken(Unsorted()), tmp_path / "m.safetensors", rows(2, 2, 4)
    save_safetensors(path, module)
    with torch.no_grad():
        wanted = module(torch.tensor(x)).numpy()
    for source in (path, load_file(path)):
        agree(outputs(stack("a", "b"), weights_from(source, stack("a", "b"))[0], x), wanted)
    # Two layers that may be either.
    module = shaken(nn.ModuleDict({"stem": nn.Linear(4, 4), "body": nn.Linear(4, 4)}))
    save_safetensors(path, module)
    for source in (path, load_file(path)):
        with pytest.raises(InputError, match=r"(?s)does not say in which order.*body.*stem.*state_dict"):
            weights_from(source, network_of((4,), L.Dense(4), L.Dense(4)))
    weights, _ = weights_from(path, network_of((4,), L.Dense(4, name="stem"), L.Dense(4, name="body")))
    np.testing.assert_array_equal(weights[0]["kernel"], module["stem"].weight.detach().numpy().T)
    with pytest.raises(ShapeError, match=r"(?s)nothing that fits.*layer 2, Dense.*kernel \(4, 6\)"):
        weights_from(path, network_of((4,), L.Dense(4), L.Dense(6)))
    network = network_of((4,), L.Dense(4), L.Dense(6))
    save_safetensors(path, nn.ModuleDict({"stem": nn.Linear(4, 4), "head": nn.Linear(4, 9)}))
    current = network.join(*network.init(0))
    _, report = weights_from(path, network, current=current, skip_mismatch=True)
    assert len(report.taken) == len(report.untouched) == len(report.left_over) == 1
