"""The command as its own process: exit codes, streams, Ctrl-C, a reader that leaves."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# A test runner in the background ignores Ctrl-C, and its children inherit that.
HEAR = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
MAIN = [sys.executable, "-c", HEAR + "from jindan.cli import main; main()"]


def _start(*arguments, **more):
    return subprocess.Popen(
        [*MAIN, *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8",
        **more,
    )  # fmt: skip


def _run(*arguments, **more):
    process = _start(*arguments, **more)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def test_train_json_and_exit_codes(desk):
    code, out, err = _run("train", "good.csv", "--target", "y", "--epochs", "2", "--json", "--out", "run")
    assert (code, err) == (0, "")
    assert json.loads(out)["run"] == "run"
    code, out, err = _run("train", "good.csv", "--target", "yy")
    assert (code, out) == (1, "")
    assert "Did you mean `y`" in err
    assert _run("train")[0] == 2


def test_a_reader_that_leaves_is_no_error(desk):
    for arguments in (("explain",), ("look", "good.csv", "--json"), ("predict", "R", "good.csv")):
        process = _start(*arguments)
        process.stdout.close()
        with process.stderr:
            err = process.stderr.read()
        assert process.wait(timeout=60) == 0, arguments
        assert "Traceback" not in err
        assert "BrokenPipe" not in err


def _closed(*arguments, closing):
    """Run with streams closed, as a shell does by >&-."""
    words = " ".join([*map(shlex.quote, [*MAIN, *arguments]), closing])
    return subprocess.run(words, shell=True, capture_output=True, text=True, encoding="utf-8", timeout=120, check=False)


def test_closed_streams_lose_nothing(desk):
    # The network that other tests train: its program is in the cache.
    train = ("train", "good.csv", "--target", "y", "--epochs", "2", "--out", "run")
    found = _closed(*train, closing=">&- 2>&-")
    assert (found.returncode, found.stdout, found.stderr) == (0, "", "")
    assert (desk / "run" / "report.html").is_file()
    found = _closed("look", "good.csv", closing=">&-")
    assert (found.returncode, found.stderr) == (0, "")
    assert _closed("look", "nowhere.csv", closing="2>&-").returncode == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device that is always full is Linux's")
def test_a_full_disk_beneath_the_output_is_told(desk):
    found = _closed("look", "good.csv", "--json", closing=">/dev/full")
    assert found.returncode == 1
    assert found.stderr.startswith("jindan: No space left on device")
    assert "Traceback" not in found.stderr


def test_a_console_that_cannot_write_korean(desk):
    code, _, err = _run("look", "good.csv", "--lang", "ko", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (code, err) == (0, "")


@pytest.fixture(scope="module")
def series(tmp_path_factory):
    """A table and a plan that trains for long."""
    folder = tmp_path_factory.mktemp("long")
    rows = "\n".join(f"{n * 0.37 % 5:.3f},{n * 0.11 % 3:.3f},{(n * 0.37 % 5) ** 2 + n % 3:.3f}" for n in range(300))
    (folder / "t.csv").write_text(f"a,b,y\n{rows}\n")
    (folder / "plan.json").write_text(json.dumps({"early_stopping": None, "batch_size": 4}))
    return folder


def _until(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.02)


def _interrupted(series, out, epochs, times=1):
    """A training that gets Ctrl-C once it runs; its process."""
    process = _start(
        "train", "t.csv", "--target", "y", "--plan", "plan.json", "--layers", "8 relu", "--epochs", epochs,
        "--out", out, cwd=series,
    )  # fmt: skip
    mapped = f"/proc/{process.pid}/task"
    # Once the compiled program runs there are many threads; before that Ctrl-C writes nothing.
    _until(lambda: process.poll() is not None or len(os.listdir(mapped)) > 4)
    time.sleep(2.0)
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.01)
    out_text, err = process.communicate(timeout=60)
    return process.returncode, out_text, err


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks at the threads of a process")
def test_ctrl_c_keeps_the_run_and_resume_gives_the_same_bits(series):
    code, out, err = _interrupted(series, "cut", 10_000_000)
    assert code == 130, err
    assert "jindan: interrupted after" in err
    assert "help: jindan resume cut" in err
    assert not [entry for entry in os.listdir(series) if entry.startswith(".")]
    assert json.loads((series / "cut" / "plan.json").read_text())["run"]["interrupted"]
    # Ten million epochs take too long; the run is told to end a little later, as is one that was never cut.
    body = json.loads((series / "cut" / "plan.json").read_text())
    reached = body["run"]["epochs"]
    body["epochs"] = reached + 50
    (series / "cut" / "plan.json").write_text(json.dumps(body))
    code, out, err = _run("resume", "cut", "--json", cwd=series)
    assert code == 0, err
    assert json.loads(out)["epochs"] == reached + 50
    code, _, err = _run(
        "train", "t.csv", "--target", "y", "--plan", "plan.json", "--layers", "8 relu", "--epochs", reached + 50,
        "--out", "whole", "-q", cwd=series,
    )  # fmt: skip
    assert code == 0, err
    for name in ("model.safetensors", "state.safetensors"):
        assert (series / "cut" / name).read_bytes() == (series / "whole" / name).read_bytes(), name


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks at the threads of a process")
def test_a_second_ctrl_c_leaves_nothing_half_written(series):
    code, _, err = _interrupted(series, "twice", 10_000_000, times=2)
    assert code == 130
    assert "Traceback" not in err
    assert not [entry for entry in os.listdir(series) if entry.startswith(".")]
    if (series / "twice").exists():
        assert {"plan.json", "model.safetensors", "report.html"} <= set(os.listdir(series / "twice"))


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks at the libraries a process has loaded")
def test_ctrl_c_before_training_writes_nothing(series):
    process = _start("train", "t.csv", "--target", "y", "--out", "early", "--epochs", "10000000", cwd=series)
    # While Python itself starts it answers in its own way; the table is read with Polars, just before training.
    end = time.monotonic() + 60
    while "polars" not in Path(f"/proc/{process.pid}/maps").read_text() and time.monotonic() < end:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert not [entry for entry in os.listdir(series) if entry.startswith(".")]
