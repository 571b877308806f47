"""Models on disk: the same bits back, in a process that knows nothing of this one; nothing foreign overwritten."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import jindan as jd
from jindan.errors import FileError, InputError
from jindan.layers import (
    GRU,
    LSTM,
    Activation,
    BatchNormalization,
    Bidirectional,
    Conv1D,
    Dense,
    Dropout,
    Flatten,
    GlobalMaxPooling1D,
    LayerNormalization,
    MaxPooling1D,
    SimpleRNN,
)
from jindan.models import Sequential, estimator_files, folders, load_model, saving
from jindan.optimizers import SGD, Adam

ELSEWHERE = """
import sys
import numpy as np
import jindan as jd
folder, x, y, out = sys.argv[1:]
model = jd.load(folder)
x, y = np.load(x), np.load(y)
first = model.predict(x)
model.fit(x, y, batch_size=8, epochs=2, shuffle=False)
np.savez(out, first, model.predict(x))
"""


def test_the_same_bits_in_a_fresh_process(rows, make, tmp_path):
    model = make()
    model.fit(rows.x, rows.y, **rows.fit, seed=1)
    model.save(tmp_path / "m")
    np.save(tmp_path / "x.npy", rows.x)
    np.save(tmp_path / "y.npy", rows.y)
    arguments = [str(tmp_path / name) for name in ("m", "x.npy", "y.npy", "out.npz")]
    subprocess.run([sys.executable, "-c", ELSEWHERE, *arguments], check=True)
    first, second = np.load(tmp_path / "out.npz").values()
    np.testing.assert_array_equal(first, model.predict(rows.x))
    # The optimizer's memory came along: training goes on as here.
    model.fit(rows.x, rows.y, batch_size=8, epochs=2, shuffle=False)
    np.testing.assert_array_equal(second, model.predict(rows.x))


def test_what_is_written(rows, make, tmp_path, equal):
    model = make()
    model.fit(rows.x, rows.y, **rows.fit)
    model.save(tmp_path / "m")
    assert {p.name for p in (tmp_path / "m").iterdir()} == {
        "plan.json", "model.safetensors", "state.safetensors", "history.json"
    }  # fmt: skip
    body = json.loads((tmp_path / "m" / "plan.json").read_text(encoding="utf-8"))
    assert body["input_shape"] == [4]
    again = load_model(tmp_path / "m")
    assert equal(again.get_weights(), model.get_weights())
    assert again.evaluate(rows.x, rows.y) == model.evaluate(rows.x, rows.y)
    # Saving over an own folder replaces it whole.
    again.pop()
    again.save(tmp_path / "m")
    assert len(jd.load(tmp_path / "m").layers) == 1
    with pytest.raises(FileError, match="exists already"):
        again.save(tmp_path / "m", overwrite=False)
    assert [p.name for p in tmp_path.iterdir()] == ["m"], "no scratch folder is left"


def test_an_untrained_and_an_uncompiled_model(tmp_path, rows, equal):
    model = Sequential([Dense(2, input_shape=(4,))])
    model.save(tmp_path / "bare")
    again = jd.load(tmp_path / "bare")
    assert equal(again.get_weights(), model.get_weights())
    with pytest.raises(RuntimeError, match="not compiled"):
        again.fit(rows.x, rows.y[:, :2])


def test_nothing_foreign_is_replaced(make, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years of work", encoding="utf-8")
    (tmp_path / "file").write_text("a file", encoding="utf-8")
    for name in ("thesis", "file"):
        with pytest.raises(FileError, match="never replaces"):
            make().save(tmp_path / name)
    assert (tmp_path / "thesis" / "chapter.txt").read_text(encoding="utf-8") == "years of work"


def test_what_cannot_be_loaded_is_said(make, tmp_path):
    with pytest.raises(FileError, match=r"no run folder(.|\n)*no such folder"):
        jd.load(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileError, match=r"without plan\.json"):
        jd.load(tmp_path / "empty")

    def spoiled(change):
        with tempfile.TemporaryDirectory() as place:
            folder = Path(place) / "m"
            make().save(folder)
            change(folder)
            with pytest.raises(InputError) as caught:
                jd.load(folder)
        return str(caught.value)

    plan, weights = "plan.json", "model.safetensors"
    assert "plan.json is damaged" in spoiled(lambda f: (f / plan).write_text("{", encoding="utf-8"))
    assert "damaged" in spoiled(lambda f: (f / plan).write_text("[]", encoding="utf-8"))
    assert "missing" in spoiled(lambda f: (f / weights).unlink())
    assert "damaged" in spoiled(lambda f: (f / weights).write_bytes(b"\x00" * 40))
    other = Sequential([Dense(9, input_shape=(4,))])
    assert "do not belong" in spoiled(lambda f: other.save_weights(f / weights))
    rewritten = lambda f: (f / plan).write_text((f / plan).read_text().replace('"Dense"', '"Dens"'))  # noqa: E731
    assert "Did you mean `Dense`?" in spoiled(rewritten)


def test_functions_of_your_own_need_a_name(rows, tmp_path):
    def own_loss(y_true, y_pred):
        return jnp.mean(jnp.abs(y_true - y_pred) ** 1.5, axis=-1)

    def own_metric(y_true, y_pred):
        return jnp.max(jnp.abs(y_true - y_pred), axis=-1)

    model = Sequential([Dense(3, input_shape=(4,))])
    model.compile("sgd", own_loss, metrics=[own_metric])
    model.fit(rows.x, rows.y, **rows.fit)
    with pytest.raises(InputError, match=r"jindan\.register"):
        model.save(tmp_path / "m")
    jd.register("loss", "own_loss_of_a_test", own_loss)
    jd.register("metric", "own_metric_of_a_test", own_metric)
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    assert again.evaluate(rows.x, rows.y) == model.evaluate(rows.x, rows.y)
    named = Sequential([Dense(3, input_shape=(4,))])
    named.compile("sgd", "own_loss_of_a_test", metrics=["own_metric_of_a_test"])
    named.set_weights(model.get_weights())
    assert named.evaluate(rows.x, rows.y)[0] == model.evaluate(rows.x, rows.y)[0]


layer = st.one_of(
    st.builds(
        Dense,
        st.integers(1, 6),
        activation=st.sampled_from([None, "relu", "tanh", "softmax"]),
        use_bias=st.booleans(),
        kernel_initializer=st.sampled_from(["he_normal", "glorot_uniform", "ones"]),
    ),
    st.builds(Dropout, st.sampled_from([0.0, 0.5])),
    st.builds(Activation, st.sampled_from(["sigmoid", "elu"])),
)


# Each example compiles programs of its own: a dozen, so that the test stays quick.
@settings(max_examples=12, deadline=None)
@given(layers=st.lists(layer, min_size=1, max_size=4), features=st.integers(1, 5),
       dtype=st.sampled_from(["float32", "float64"]))  # fmt: skip
def test_any_network_survives_the_disk(layers, features, dtype):
    model = Sequential(layers, dtype=dtype)
    model.build((None, features))
    model.compile("adam", "mse")
    x = np.random.default_rng(0).normal(size=(3, features))
    with tempfile.TemporaryDirectory() as place:
        model.save(Path(place) / "m")
        again = jd.load(Path(place) / "m")
    assert again.plan.layers == model.plan.layers
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    found = again.predict(x)
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, model.predict(x))


recurrent = st.sampled_from([SimpleRNN, LSTM, GRU]).flatmap(
    lambda kind: st.builds(kind, st.integers(1, 3), return_sequences=st.just(True), go_backwards=st.booleans())
)
of_sequences = st.one_of(
    st.builds(Conv1D, st.integers(1, 3), st.integers(1, 2), padding=st.sampled_from(["same", "causal"])),
    recurrent,
    st.builds(Bidirectional, st.builds(GRU, st.integers(1, 2), return_sequences=st.just(True))),
    st.builds(BatchNormalization, center=st.booleans()),
    st.builds(LayerNormalization, scale=st.booleans()),
    st.builds(MaxPooling1D, st.just(1)),
)


# A few examples, as these compile for longer; what they hold are all families with states and kernels of their own.
@settings(max_examples=10, deadline=None)
@given(layers=st.lists(of_sequences, min_size=1, max_size=3), end=st.sampled_from([Flatten(), GlobalMaxPooling1D()]))
def test_any_network_of_sequences_survives_the_disk(layers, end):
    model = Sequential([*layers, end, Dense(2)])
    model.build((None, 4, 2))
    model.compile("adam", "mse")
    rng = np.random.default_rng(0)
    # Drawn anew, so that a bias, a scale or a moment that got lost would show; variances are positive.
    model.set_weights([np.abs(rng.normal(size=w.shape)) for w in model.get_weights()])
    x = rng.normal(size=(3, 4, 2))
    with tempfile.TemporaryDirectory() as place:
        model.save(Path(place) / "m")
        again = jd.load(Path(place) / "m")
    assert again.plan.layers == model.plan.layers
    np.testing.assert_array_equal(again.predict(x), model.predict(x))


def test_weights_are_not_overwritten_by_mistake(make, tmp_path):
    path = tmp_path / "w.safetensors"
    make().save_weights(path, overwrite=False)
    with pytest.raises(FileError, match="exists already"):
        make().save_weights(path, overwrite=False)
    make(seed=1).save_weights(path)
    with pytest.raises(FileError, match="cannot be written"):
        make().save_weights(tmp_path / "none" / "w")
    assert [p.name for p in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize(
    "save",
    [
        lambda model, path: model.save(path),
        lambda model, path: estimator_files.write(path, "RBM", {}, {"kernel": np.zeros(20_000)}),
    ],
    ids=["model", "estimator"],
)
def test_a_full_disk_is_told_and_leaves_nothing(save, tmp_path):
    resource = pytest.importorskip("resource", reason="limits the size of files on Unix alone")
    model = Sequential([Dense(100, input_shape=(100,))])
    model.compile("adam", "mse")
    model.ready_weights()
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    # 40 kB of weights fit, with Adam's memory they do not.
    resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, usual[1]))
    try:
        with pytest.raises(FileError, match="cannot be written") as error:
            save(model, tmp_path / "m")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert error.value.where == tmp_path / "m"
    assert "File too large" in error.value.received
    assert not list(tmp_path.iterdir())


def test_name_and_rate_come_back(rows, make, tmp_path):
    model = Sequential([Dense(3, input_shape=(4,))], name="iris")
    model.compile("sgd", "mse")
    for path in (tmp_path / "a", tmp_path / "b"):
        model.optimizer.learning_rate = 0.25
        model.save(path)
        assert jd.load(path).name == "iris"
        assert jd.load(path).optimizer.learning_rate == 0.25
        model.optimizer.learning_rate = 0.1
        model.fit(rows.x, rows.y)


@pytest.mark.parametrize(("optimizer", "changes"), [(SGD(0.01), {"momentum": 0.9}), (Adam(), {"amsgrad": True})])
def test_an_optimizer_that_wants_other_memory(rows, make, tmp_path, equal, optimizer, changes):
    model = make()
    model.compile(optimizer, "categorical_crossentropy")
    model.fit(rows.x, rows.y, batch_size=8)
    for name, value in changes.items():
        setattr(model.optimizer, name, value)
    model.save(tmp_path / "m")
    again = jd.load(tmp_path / "m")
    assert again.optimizer == model.optimizer
    for each in (model, again):
        each.fit(rows.x, rows.y, batch_size=8, seed=3)
    assert equal(model.get_weights(), again.get_weights())


def test_many_save_to_one_place(make, tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    models = [make(seed) for seed in range(4)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: models[n % 4].save(tmp_path / "m"), range(40)))
    assert jd.load(tmp_path / "m").input_shape == (4,)
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


@pytest.mark.parametrize("stands", [True, False])
def test_another_saves_between_two_renames(make, tmp_path, monkeypatch, equal, stands):
    """Another process's folder is there when this one's should move in, and may be gone again a moment later."""
    import errno
    import os

    new, other, real, met = make(), make(seed=2), os.replace, []
    make(seed=1).save(tmp_path / "m")
    other.save(tmp_path / "other")

    def meeting(source, target):
        if Path(target) == tmp_path / "m" and not met:
            met.append(source)
            if not stands:
                raise OSError(errno.ENOTEMPTY, "there was another")
            real(tmp_path / "other", target)
        real(source, target)

    monkeypatch.setattr(os, "replace", meeting)
    new.save(tmp_path / "m")
    assert len(met) == 1
    assert equal(jd.load(tmp_path / "m").get_weights(), new.get_weights())
    assert {p.name for p in tmp_path.iterdir()} == ({"m"} if stands else {"m", "other"})


def test_the_old_folder_stays_aside_where_it_cannot_come_back(make, tmp_path, monkeypatch, equal):
    import os

    old, real = make(), os.replace
    old.save(tmp_path / "m")

    def failing(source, target):
        if Path(target) == tmp_path / "m":
            raise PermissionError(13, "not now")
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(FileError, match="not now"):
        make(seed=1).save(tmp_path / "m")
    (aside,) = tmp_path.iterdir()
    assert equal(jd.load(aside / "m").get_weights(), old.get_weights())


def test_the_old_folder_comes_back(make, tmp_path, monkeypatch, equal):
    import os

    old, real = make(), os.replace
    old.save(tmp_path / "m")

    def failing(source, target):
        if (
            Path(target) == tmp_path / "m"
            and Path(source).name.startswith(".m-")
            and (Path(source) / "plan.json").exists()
        ):
            raise PermissionError(13, "not now")
        real(source, target)

    monkeypatch.setattr(os, "replace", failing)
    with pytest.raises(FileError, match="not now"):
        make(seed=1).save(tmp_path / "m")
    assert equal(jd.load(tmp_path / "m").get_weights(), old.get_weights())
    assert [p.name for p in tmp_path.iterdir()] == ["m"]


def test_a_history_keeps_what_is_not_finite(make, tmp_path):
    import json
    from dataclasses import replace

    model = make()
    model.save(tmp_path / "m")
    run = saving.read_run(tmp_path / "m")[0]
    values = [0.1, float("inf"), -float("inf"), float("nan"), 1e-300]
    with folders.whole_folder(tmp_path / "m") as folder:
        saving.write_run(folder, replace(run, history={"loss": values}))
    file = tmp_path / "m" / "history.json"
    json.loads(file.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    np.testing.assert_array_equal(jd.load(tmp_path / "m")._run.history["loss"], values)
    file.write_text('{"loss": [0.5, null, 1]}', encoding="utf-8")
    np.testing.assert_array_equal(jd.load(tmp_path / "m")._run.history["loss"], [0.5, np.nan, 1.0])
    file.write_text('{"loss": ["many"]}', encoding="utf-8")
    with pytest.raises(FileError, match=r"history\.json is damaged"):
        jd.load(tmp_path / "m")
