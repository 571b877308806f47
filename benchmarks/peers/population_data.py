"""The four populations: their data and settings, the same for all peers."""

import json
import sys
from pathlib import Path

import numpy as np

TASK = sys.argv[1]
RATES = np.logspace(-4, -1, 20)
BAGS, BAG_EPOCHS, BAG_BATCH = 64, 50, 32
SEEDS, XOR_EPOCHS, XOR_RATE = 256, 1000, 0.05
TRIALS, CNN_EPOCHS, CNN_BATCH = 32, 2, 64
DIGITS_EPOCHS, DIGITS_BATCH, FOLDS = 30, 200, 5
MNIST = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist.npz"


def digits():
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return (x / 16).astype(np.float32), y


def cancer():
    from sklearn.datasets import load_breast_cancer
    from sklearn.model_selection import train_test_split

    x, y = load_breast_cancer(return_X_y=True)
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=0.2, random_state=417, stratify=y)
    mean, std = x_train.mean(0), x_train.std(0)
    scaled = (((part - mean) / std).astype(np.float32) for part in (x_train, x_test))
    return (*scaled, y_train, y_test)


def xor():
    return np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32), np.array([[0], [1], [1], [0]], np.float32)


def mnist():
    if not MNIST.exists():
        print("MNIST is not there: ../shared/data/mnist.npz, beside the repository", file=sys.stderr)
        sys.exit(77)
    with np.load(MNIST) as file:
        x, y = file["train_images"][:6000, :, :, None] / np.float32(255), file["train_labels"][:6000].astype(np.int64)
    return x[:5000], y[:5000], x[5000:], y[5000:]


def trials():
    """Rates and dropout of the random search."""
    rng = np.random.default_rng(0)
    return list(zip(10 ** rng.uniform(-4, -2, TRIALS), rng.uniform(0.05, 0.5, TRIALS), strict=True))


def report(seconds, score):
    print(json.dumps({"seconds": seconds, "score": float(score)}))
