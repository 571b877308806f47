"""The examples run as a user runs them, and say what they promise."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

EXAMPLES = Path(__file__).parents[1] / "examples"


def run(name: str) -> str:
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], capture_output=True, encoding="utf-8", timeout=60, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_iris_exercise():
    text = run("iris_exercise.py")
    assert "Total params: 697" in text
    accuracy = float(re.search(r"test accuracy / 평가 정확도: ([\d.]+)", text)[1])
    # 30 rows: two errors leave 0.933; nearly every start makes at most two.
    assert accuracy >= 0.93
    assert re.search(r"^  100 ", text, re.MULTILINE)
    assert "interpretation / 해석" in text
    # The table of errors counts every test row, and each error is listed.
    counts = [
        [int(n) for n in line.split()[1:]]
        for line in text.splitlines()
        if re.match(r"\s+(setosa|versicolor|virginica)(\s+\d+){3}$", line)
    ]
    assert sum(map(sum, counts)) == 30
    wrong = 30 - sum(row[i] for i, row in enumerate(counts))
    assert round((1 - accuracy) * 30) == wrong == text.count("taken for")


def test_its_twin_from_scratch():
    text = run("iris_from_scratch.py")
    rows = [line.split() for line in text.splitlines() if re.match(r"\s+\d ", line)]
    losses = [float(row[1]) for row in rows]
    assert len(losses) == 5
    assert [row[1] for row in rows] == [row[2] for row in rows]
    assert losses[-1] < losses[0]
    assert "step for step" in text
