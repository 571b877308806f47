"""The folder of compiled programs is private, or there is none."""

from __future__ import annotations

import os
import stat
import subprocess
import sys

import jax
import numpy as np
import pytest

from jindan.engine import devices

posix = pytest.mark.skipif(os.name != "posix", reason="modes and owners are POSIX's")


@posix
def test_the_folder_is_ours_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("JINDAN_CACHE", str(tmp_path / "deep" / "place"))
    folder = devices.cache_folder()
    assert folder.is_dir()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix
def test_an_open_folder_is_closed(tmp_path, monkeypatch):
    (tmp_path / "compiled").mkdir()
    (tmp_path / "compiled").chmod(0o777)
    monkeypatch.setenv("JINDAN_CACHE", str(tmp_path))
    assert stat.S_IMODE(devices.cache_folder().stat().st_mode) == 0o700


@posix
def test_a_folder_of_another_owner_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("JINDAN_CACHE", str(tmp_path))
    assert devices.cache_folder() is not None
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    assert devices.cache_folder() is None


@posix
def test_a_link_into_anothers_folder_is_refused(tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "compiled").symlink_to(tmp_path / "elsewhere")
    monkeypatch.setenv("JINDAN_CACHE", str(tmp_path))
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    assert devices.cache_folder() is None


def test_no_cache_is_possible(tmp_path, monkeypatch):
    monkeypatch.setenv("JINDAN_CACHE", "")
    assert devices.cache_folder() is None
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("JINDAN_CACHE", str(tmp_path / "file"))
    assert devices.cache_folder() is None


def test_the_usual_place(tmp_path, monkeypatch):
    monkeypatch.delenv("JINDAN_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert devices.cache_folder() == tmp_path / "jindan" / "compiled"


def test_float64_exists_only_inside():
    with devices.width("float64"):
        assert jax.numpy.ones(1, np.float64).dtype == np.float64
    with devices.width("float32"):
        assert jax.numpy.ones(1).dtype == np.float32
    assert not jax.config.jax_enable_x64


def test_devices_in_words():
    assert "×" in devices.describe()


def test_programs_are_let_go_before_a_process_runs_out_of_regions(monkeypatch, tmp_path):
    held = {k: k for k in range(128)}
    devices.make_room(held)
    assert list(held) == list(range(1, 128))
    many = tmp_path / "maps"
    many.write_bytes(b"x\n" * 41_000)
    monkeypatch.setattr(devices, "MAPS", many)
    devices.make_room(held)
    assert held == {}
    monkeypatch.setattr(devices, "MAPS", tmp_path / "none")
    assert not devices.crowded()


@pytest.mark.parametrize(
    ("flags", "number"),
    [("", os.cpu_count()), ("--xla_cpu_enable_fast_math=false", os.cpu_count()),
     ("--xla_force_host_platform_device_count=3", 3)],
)  # fmt: skip
def test_every_core_is_a_device_unless_the_user_says_how_many(flags, number):
    code = "import jax; from jindan.engine import devices; devices.start(); print(len(jax.devices('cpu')))"
    environment = {name: value for name, value in os.environ.items() if name != "JAX_NUM_CPU_DEVICES"}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment | {"XLA_FLAGS": flags}, capture_output=True, text=True
    )
    assert done.stdout.split() == [str(number)], done.stderr


@pytest.mark.parametrize(
    ("before", "flags", "expected"),
    [
        ("", "", True),
        ("", "--xla_cpu_enable_fast_math=false", True),
        ("", "--xla_backend_extra_options=-unroll-threshold=0", False),
        ("jax.devices();", "", False),
    ],
)
def test_the_code_generator_is_told_once_and_the_users_word_stays(before, flags, expected):
    """Nor is anything told too late, once the backend runs."""
    code = (
        f"import os, jax; {before} from jindan.engine import devices; devices.start(); print(os.environ['XLA_FLAGS'])"
    )
    environment = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    told = f"{flags} --xla_backend_extra_options={devices.CODE}".strip()
    assert done.stdout.strip() == (told if expected else flags), done.stderr


def test_nothing_is_told_where_an_accelerator_may_be(monkeypatch):
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: name == "jax_plugins")
    assert devices._may_accelerate() == (jax.config.jax_platforms != "cpu")
    monkeypatch.setattr(devices.importlib.util, "find_spec", lambda name: None)
    assert not devices._may_accelerate()
