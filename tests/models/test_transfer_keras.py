"""Weights from Keras: from models and their files the same outputs; files that lead elsewhere are refused."""

from __future__ import annotations

import json
import zipfile

import jax
import numpy as np
import pytest

from jindan import layers as L
from jindan.errors import FileError, InputError, JindanWarning, ShapeError
from jindan.layers.base import Context
from jindan.layers.network import Network
from jindan.models.transfer import weights_from

h5py = pytest.importorskip("h5py", reason="files of Keras are HDF5")


@pytest.fixture(scope="module")
def keras():
    """Keras, imported only here: it takes seconds."""
    found = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    if found.backend.backend() != "jax":
        pytest.skip("Keras was started with another backend")
    return found


def network_of(shape, *stack):
    return Network(tuple(each.replace(name=each.name or f"l{i}") for i, each in enumerate(stack)), shape)


def agree(network, weights, model, x):
    """Float32 sums in another order: 1e-5 of the largest."""
    found = np.asarray(jax.jit(lambda w, v: network.forward(w, v, Context()))(weights, x))
    wanted = np.asarray(model(x, training=False))
    assert found.shape == wanted.shape
    assert np.max(np.abs(found - wanted)) <= 1e-5 * np.max(np.abs(wanted))


def shaken(model, seed=0):
    """Every weight drawn anew, running moments too."""
    rng = np.random.default_rng(seed)
    model.set_weights([np.abs(rng.normal(size=w.shape)) * 0.5 + 0.1 for w in model.get_weights()])
    return model


CASES = {
    "mlp": ((4,), lambda K: [K.Dense(5, activation="relu"), K.Dropout(0.5), K.BatchNormalization(), K.Dense(5),
                             K.Dense(3), K.LayerNormalization()]),
    "cnn": ((7, 6, 4), lambda K: [K.Conv2D(4, (3, 2), activation="relu"), K.DepthwiseConv2D(2), K.SeparableConv2D(3, 2),
                                  K.MaxPooling2D(2), K.Conv2DTranspose(2, 2, strides=2), K.Flatten(), K.PReLU(),
                                  K.Dense(2)]),
    "sequences": ((5, 4), lambda K: [K.Bidirectional(K.LSTM(3, return_sequences=True)), K.Conv1D(3, 2),
                                     K.TimeDistributed(K.Dense(4)), K.GRU(3, return_sequences=True), K.SimpleRNN(2)]),
    "twelve": ((3,), lambda K: [K.Dense(3, activation="tanh") for _ in range(12)]),
}  # fmt: skip


def model_of(keras, name):
    shape, make = CASES[name]
    return shaken(keras.Sequential([keras.Input(shape), *make(keras.layers)]))


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("kind", ["model", "m.keras", "m.weights.h5"])
def test_the_same_outputs(keras, tmp_path, name, kind):
    model, (shape, make) = model_of(keras, name), CASES[name]
    network, x = network_of(shape, *make(L)), np.random.default_rng(1).normal(size=(2, *shape)).astype(np.float32)
    source = model if kind == "model" else tmp_path / kind
    if kind == "m.keras":
        model.save(source)
    elif kind != "model":
        model.save_weights(source)
    weights, report = weights_from(source, network)
    assert not report.untouched
    assert not report.left_over
    assert not report.notes
    agree(network, weights, model, x)


@pytest.fixture(scope="module")
def attending(keras):
    K = keras.layers
    start = keras.Input((5,), dtype="int32")
    x = K.Embedding(7, 6, name="table")(start)
    x = K.MultiHeadAttention(2, 3, name="read")(x, x)
    inner = keras.Sequential([keras.Input((5, 6)), K.Dense(6), K.Dense(6)], name="inner")
    return shaken(keras.Model(start, K.Dense(2, name="out")(K.Dense(6, name="before")(inner(x)))))


def attending_network(inner=("a", "b"), out="out"):
    dense = [L.Dense(size, name=name) for size, name in ((6, inner[0]), (6, inner[1]), (6, "before"), (2, out))]
    attention = L.MultiHeadAttention(2, 3, name="read")
    return network_of((5,), L.Embedding(7, 6, name="table"), attention, *dense)


@pytest.mark.parametrize("kind", ["model", "m.keras"])
def test_models_inside_models_and_attention(attending, tmp_path, kind):
    source = attending if kind == "model" else tmp_path / kind
    if kind != "model":
        attending.save(source)
    weights, report = weights_from(source, attending_network())
    agree(attending_network(), weights, attending, np.array([[0, 6, 3, 3, 1]]))
    assert report.taken[0] == ("layer 1, Embedding 'table'", ("table/0",))


def test_weights_alone_do_not_tell_the_order_of_nested_models(attending, tmp_path):
    attending.save_weights(tmp_path / "m.weights.h5")
    with pytest.raises(InputError, match=r"(?s)does not say in which order.*\.keras"):
        weights_from(tmp_path / "m.weights.h5", attending_network())
    names = [layer.name for layer in attending.get_layer("inner").layers]
    weights, _ = weights_from(tmp_path / "m.weights.h5", attending_network(names))
    agree(attending_network(), weights, attending, np.array([[0, 6, 3, 3, 1]]))


def test_by_name(attending, tmp_path):
    attending.save_weights(tmp_path / "m.weights.h5")
    network = attending_network(out="mine")
    current = network.join(*network.init(0))
    weights, report = weights_from(tmp_path / "m.weights.h5", network, current=current, by_name=True)
    assert [ours for ours, _ in report.taken] == [
        "layer 1, Embedding 'table'", "layer 2, MultiHeadAttention 'read'", "layer 5, Dense 'before'",
    ]  # fmt: skip
    assert weights[5]["kernel"] is current[5]["kernel"]
    np.testing.assert_array_equal(weights[0]["embeddings"], attending.get_layer("table").get_weights()[0])


def test_numbered_names_do_not_go_before_the_order(keras, tmp_path):
    start = keras.Input((4,))
    last, first = keras.layers.Dense(4, name="dense"), keras.layers.Dense(4, name="dense_1")
    model = shaken(keras.Model(start, last(first(start))))
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    network = network_of((4,), L.Dense(4, name="dense"), L.Dense(4, name="dense_1"))
    for source in (model, tmp_path / "m.keras", tmp_path / "m.weights.h5"):
        agree(network, weights_from(source, network)[0], model, np.ones((1, 4), np.float32))
    weights, _ = weights_from(model, network, by_name=True)
    np.testing.assert_array_equal(weights[0]["kernel"], last.get_weights()[0])


def test_what_does_not_fit_is_said(keras, tmp_path):
    model = model_of(keras, "mlp")
    model.save(tmp_path / "m.keras")
    model.save_weights(tmp_path / "m.weights.h5")
    sources = [model, tmp_path / "m.keras", tmp_path / "m.weights.h5"]
    stack = CASES["mlp"][1](L)
    for source in sources:
        with pytest.raises(ShapeError, match=r"(?s)layer 4, Dense 'l3', kernel.*\(5, 6\).*\(5, 5\).*skip_mismatch"):
            weights_from(source, network_of((4,), *stack[:3], L.Dense(6), L.Dense(3), L.LayerNormalization()))
        with pytest.raises(InputError, match=r"Left over in the source|another layer here"):
            weights_from(source, network_of((4,), *stack[:4]))
        with pytest.raises(InputError, match=r"another layer here|no layer left"):
            weights_from(source, network_of((4,), stack[0], L.GroupNormalization(5), *stack[3:]))
    network = network_of((4,), *stack[:3], L.Dense(6), L.Dense(3), L.LayerNormalization())
    for source in sources:
        _, report = weights_from(source, network, current=network.join(*network.init(0)), skip_mismatch=True)
        assert report.untouched == ["layer 4, Dense 'l3'", "layer 5, Dense 'l4'"]


def test_another_epsilon_is_said(keras, tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.BatchNormalization(epsilon=1e-5)])
    model.save(tmp_path / "m.keras")
    for source in (model, tmp_path / "m.keras"):
        with pytest.warns(JindanWarning, match="epsilon=0.001; the source has 1e-05"):
            weights_from(source, network_of((3,), L.BatchNormalization()))


# -- files written by hand, without Keras ------------------------------------------------------------------------


def dense_file(path, write, name="layers/dense/vars"):
    with h5py.File(path, "w") as file:
        own = file.create_group(name)
        own.attrs["name"] = "dense"
        write(file, own)
    return path


def test_half_precision_as_keras_writes_it(tmp_path):
    from jax.numpy import bfloat16

    value = np.array([[1.5, -2.0]], bfloat16)

    def write(file, own):
        own.create_dataset("0", data=value).attrs["dtype"] = "bfloat16"

    path = dense_file(tmp_path / "m.weights.h5", write)
    weights, _ = weights_from(path, network_of((1,), L.Dense(2, use_bias=False)))
    assert weights[0]["kernel"].tolist() == [[1.5, -2.0]]


def test_the_older_h5(tmp_path):
    """As Keras 2 wrote it: layers in the order of `layer_names`, not of the alphabet."""
    rng = np.random.default_rng(0)
    stack = {"zeta": [(3, 3), (3,)], "alpha": [(3, 3), (3,)], "drop": []}
    arrays = {f"{n}/{n}/{w}:0": rng.normal(size=s) for n, forms in stack.items()
              for w, s in zip(("kernel", "bias"), forms, strict=False)}  # fmt: skip
    forms = {"kernel": (3, 8), "recurrent_kernel": (2, 8), "bias": (8,)}
    arrays |= {f"both/both/{side}_lstm/cell/{name}:0": rng.normal(size=form)
               for side in ("forward", "backward") for name, form in forms.items()}  # fmt: skip
    stack["both"] = []
    for root in ("", "model_weights/"):
        with h5py.File(tmp_path / "m.h5", "w") as file:
            for path, array in arrays.items():
                file[root + path] = array
            for name in stack:
                own = [path.removeprefix(f"{name}/").encode() for path in arrays if path.startswith(name)]
                file.require_group(root + name).attrs["weight_names"] = own
            (file[root] if root else file).attrs["layer_names"] = [name.encode() for name in stack]
        network = network_of((5, 3), L.Dense(3), L.Dense(3), L.Bidirectional(L.LSTM(2)))
        weights, _ = weights_from(tmp_path / "m.h5", network)
        np.testing.assert_array_equal(weights[1]["kernel"], arrays["alpha/alpha/kernel:0"].astype(np.float32))
        wanted = arrays["both/both/backward_lstm/cell/bias:0"].astype(np.float32)
        np.testing.assert_array_equal(weights[2]["backward.bias"], wanted)


def outside(file, own):
    own["0"] = h5py.ExternalLink("other.h5", "/secret")


def around(file, own):
    own["0"] = h5py.SoftLink("/layers")


def raw(file, own):
    own.create_dataset("0", shape=(1, 2), dtype="f4", external=[("other.bin", 0, 8)])


def virtual(file, own):
    layout = h5py.VirtualLayout(shape=(1, 2), dtype="f4")
    layout[:] = h5py.VirtualSource("other.h5", "secret", shape=(1, 2))
    own.create_virtual_dataset("0", layout)


def empty(file, own):
    own.create_dataset("0", shape=(10**9, 10**6), dtype="f4")


def squeezed(file, own):
    own.create_dataset("0", shape=(10**9, 10**6), dtype="f4", chunks=(1000, 1000), compression="gzip")


@pytest.mark.parametrize("name", ["layers", "model_weights", "vars"])
@pytest.mark.parametrize("kind", ["m.h5", "m.keras"])
def test_links_at_the_root_are_refused(tmp_path, name, kind):
    with h5py.File(tmp_path / "m.h5", "w") as file:
        file[name] = h5py.ExternalLink("other.h5", "/secret")
    with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [{"class_name": "Dense"}]}}))
        archive.write(tmp_path / "m.h5", "model.weights.h5")
    with pytest.raises(FileError, match="Do not trust"):
        weights_from(tmp_path / kind, network_of((1,), L.Dense(2, use_bias=False)))


def test_the_last_of_keras_2(tmp_path):
    kernel = np.ones((1, 2), np.float32)
    path = dense_file(tmp_path / "m.weights.h5", lambda file, own: own.create_dataset("0", data=kernel),
                      "_layer_checkpoint_dependencies/dense/vars")  # fmt: skip
    weights, _ = weights_from(path, network_of((1,), L.Dense(2, use_bias=False)))
    np.testing.assert_array_equal(weights[0]["kernel"], kernel)


@pytest.mark.parametrize("write", [outside, around, raw, virtual, empty, squeezed])
def test_files_that_lead_elsewhere_are_refused(tmp_path, write):
    path = dense_file(tmp_path / "m.weights.h5", write)
    with pytest.raises(FileError, match="Do not trust"):
        weights_from(path, network_of((1,), L.Dense(2, use_bias=False)))


def test_a_keras_file_without_what_it_needs(tmp_path):
    for content in ({}, {"config.json": "{"}, {"config.json": json.dumps({"config": {}})}):
        with zipfile.ZipFile(tmp_path / "m.keras", "w") as archive:
            for name, text in content.items():
                archive.writestr(name, text)
        with pytest.raises(FileError, match="damaged"):
            weights_from(tmp_path / "m.keras", network_of((1,), L.Dense(2)))
