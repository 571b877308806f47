"""What every iris peer shares: reading the CSV with csv and NumPy, the split's rows, one JSON line at the end."""

import csv
import json
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().parents[2] / "examples" / "iris.csv"
EPOCHS = 100
AGAIN = "--again" in sys.argv  # train a second model in the same process and time that


def read():
    """(150, 4) measurements, (150, 3) one-hot species, both float32."""
    with FILE.open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    x = np.array([row[:4] for row in rows], np.float32)
    species = np.unique([row[4] for row in rows], return_inverse=True)[1]
    return x, np.eye(3, dtype=np.float32)[species]


def split(x, y):
    """scikit-learn's train_test_split(test_size=0.2, random_state=417) without importing scikit-learn."""
    order = np.random.RandomState(417).permutation(len(x))
    test, train = order[:30], order[30:]
    return x[train], x[test], y[train], y[test]


def report(accuracy, seconds, x_test):
    """Print the result; the sum shows that all peers test on the same rows."""
    line = {
        "accuracy": round(float(accuracy), 4),
        "train_seconds": seconds[0],
        "test_sum": round(float(x_test.sum()), 3),
    }
    if len(seconds) > 1:
        line["second_train_seconds"] = seconds[1]
    print(json.dumps(line), flush=True)
