"""A folder of small tables to work in, two runs, and a way to call a command and keep what it says."""

import json
from typing import NamedTuple

import numpy as np
import pytest

from jindan.cli import _run


class Said(NamedTuple):
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self):
        """The last line of standard output, which must be the only one."""
        (line,) = self.out.splitlines()
        return json.loads(line, parse_constant=pytest.fail)


def _csv(path, header, rows, encoding="utf-8"):
    lines = [",".join("" if v is None else str(v) for v in row) for row in (header, *rows)]
    path.write_bytes(("\n".join(lines) + "\n").encode(encoding))


@pytest.fixture(scope="session")
def stock(tmp_path_factory):
    """Tables and runs, made once; not to be written to."""
    folder = tmp_path_factory.mktemp("stock")
    rng = np.random.default_rng(0)
    x = rng.normal(size=(60, 2)).round(3)
    yes = np.where(x[:, 0] + 0.3 * rng.normal(size=60) > 0, "yes", "no")
    kinds = ["p", "q", "r"] * 20
    _csv(folder / "good.csv", ["a", "b", "k", "y"], [[*row, k, y] for row, k, y in zip(x, kinds, yes, strict=True)])
    price = (2 * x[:, 0] + x[:, 1] + 0.1 * rng.normal(size=60)).round(3)
    _csv(folder / "number.csv", ["a", "b", "y"], [[*row, v] for row, v in zip(x, price, strict=True)])
    base = ["--target", "y", "--epochs", "30", "--quiet"]
    assert _run(["train", str(folder / "good.csv"), *base, "--out", str(folder / "R")]) == 0
    assert _run(["train", str(folder / "number.csv"), *base, "--out", str(folder / "N")]) == 0
    return folder


@pytest.fixture
def desk(stock, tmp_path, monkeypatch):
    """A fresh working folder with good.csv, number.csv and links to the runs R and N."""
    for name in ("good.csv", "number.csv"):
        (tmp_path / name).write_bytes((stock / name).read_bytes())
    for name in ("R", "N"):
        (tmp_path / name).symlink_to(stock / name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def write(desk):
    """Write a CSV on the desk."""

    def write(name, header, rows, encoding="utf-8"):
        _csv(desk / name, header, rows, encoding)
        return name

    return write


@pytest.fixture
def jindan(capsys):
    """Run a command in this process."""

    def run(*arguments):
        capsys.readouterr()
        code = _run([str(argument) for argument in arguments])
        return Said(code, *capsys.readouterr())

    return run
