"""Ctrl-C ends a command with status 130 and without a traceback, whenever it comes after the command has begun."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

# A test runner in the background ignores Ctrl-C, and its children inherit that.
HEAR = "import os, signal; signal.signal(signal.SIGINT, signal.default_int_handler); "
BEGIN = (
    HEAR
    + """
from jindan.cli import ctrl_c, main
take_over = ctrl_c.take_over
ctrl_c.take_over = lambda: (take_over(), os.write(1, b"!"))
main()
"""
)
LOOSE = "jindan: interrupted; nothing was written.\n"
LEAVES = ("jindan: interrupted; nothing was written.\n", "jindan: interrupted.\n", "")


def begun(folder, *arguments):
    """A command that has just begun."""
    process = subprocess.Popen([sys.executable, "-c", BEGIN, *arguments], cwd=folder, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, encoding="utf-8")  # fmt: skip
    assert process.stdout.read(1) == "!"
    return process


def cut(process):
    """Press Ctrl-C; what was said."""
    process.send_signal(signal.SIGINT)
    return process.communicate(timeout=120)[1]


def loaded(process, library):
    """Wait until a library is being loaded; whether it was before the end."""
    while process.poll() is None:
        if library in Path(f"/proc/{process.pid}/maps").read_text():
            return True
        time.sleep(0.002)
    return False


def nothing_half_written(folder):
    return not [entry for entry in os.listdir(folder) if entry.startswith(".")]


TRAIN = ("train", "good.csv", "--target", "y", "--epochs", "10000000", "--out", "run")


@pytest.mark.parametrize("delay", [0.0, 0.01, 0.1, 0.3, 0.6])
def test_soon_after_the_beginning(desk, delay):
    process = begun(desk, *TRAIN)
    time.sleep(delay)
    err = cut(process)
    assert process.returncode == 130, err
    assert err == LOOSE
    assert not (desk / "run").exists()
    assert nothing_half_written(desk)


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="looks at the libraries a process has loaded")
@pytest.mark.parametrize("library", ["_multiarray_umath", "jaxlib", "polars"])
def test_while_a_library_is_loaded(desk, library):
    process = begun(desk, *TRAIN)
    assert loaded(process, library)
    err = cut(process)
    assert process.returncode == 130, err
    assert err == LOOSE
    assert not (desk / "run").exists()
    assert nothing_half_written(desk)


@pytest.mark.parametrize("arguments", [("look", "good.csv", "--json"), ("predict", "R", "good.csv"), ("explain",)])
@pytest.mark.parametrize("delay", [0.2, 0.7])
def test_commands_that_read(desk, arguments, delay):
    process = begun(desk, *arguments)
    time.sleep(delay)
    err = cut(process)
    # It may have been done already; as Python goes away it leaves Ctrl-C to the system, which ends it as quietly.
    assert process.returncode in (0, 130, -signal.SIGINT), err
    assert err in LEAVES


def test_again_and_again(desk):
    process = begun(desk, *TRAIN)
    for _ in range(20):
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
    err = process.communicate(timeout=120)[1]
    assert process.returncode == 130, err
    assert err in LEAVES


def test_in_korean(desk):
    process = begun(desk, *TRAIN, "--lang", "ko")
    assert cut(process) == "jindan: 중단했습니다. 아무것도 저장하지 않았습니다.\n"
    assert process.returncode == 130


SWALLOWS = """
import os, signal
try:
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(1000): pass
except BaseException:
    pass
"""
HEARD = HEAR + "from jindan.cli.ctrl_c import ctrl_c; ctrl_c.listen('bye\\n'); ctrl_c.take_over(); "


def heard(folder, code):
    (folder / "swallows.py").write_text(SWALLOWS)
    return subprocess.run([sys.executable, "-c", HEARD + code], cwd=folder, capture_output=True, text=True, timeout=60)


def test_a_library_that_swallows_it_while_it_is_imported(tmp_path):
    found = heard(tmp_path, "import swallows; print('went on')")
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "bye\n")
    # What is kept has to look by itself.
    found = heard(tmp_path, "ctrl_c.kept = True; import swallows; print(ctrl_c.pressed)")
    assert (found.returncode, found.stdout, found.stderr) == (0, "True\n", "")
    found = heard(tmp_path, "ctrl_c.over = True; import swallows; print('went on')")
    assert (found.returncode, found.stdout, found.stderr) == (130, "", "")


def test_a_collector_that_swallows_it_says_nothing(tmp_path):
    gone = "\nclass Gone:\n    def __del__(self): os.kill(os.getpid(), signal.SIGINT); [k for k in range(1000)]\n"
    found = heard(tmp_path, gone + "Gone(); print(ctrl_c.pressed)")
    assert (found.returncode, found.stdout, found.stderr) == (0, "True\n", "")


def test_a_library_that_fails_for_it_is_no_error_of_its_own(desk, jindan, monkeypatch):
    from jindan.cli.ctrl_c import ctrl_c
    from jindan.runs import tables

    def broken(*arguments, **more):
        ctrl_c.pressed = True
        raise ImportError("initialization failed")

    monkeypatch.setattr(tables, "prepare", broken)
    said = jindan("train", "good.csv", "--target", "y")
    assert (said.code, said.err) == (130, "jindan: interrupted; nothing was written.\n")


def test_in_the_background_it_stays_ignored(desk):
    code = "import signal; signal.signal(signal.SIGINT, signal.SIG_IGN); from jindan.cli import main; main()"
    process = subprocess.Popen([sys.executable, "-c", code, "look", "good.csv"], cwd=desk, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, encoding="utf-8")  # fmt: skip
    time.sleep(0.2)
    assert cut(process) == ""
    assert process.returncode == 0
