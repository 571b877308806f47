"""What every MLP peer shares: MNIST, scaled; the command's settings; one JSON line at the end."""

import json
import statistics
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().parents[3] / "shared" / "data" / "mnist.npz"
EPOCHS, SEED = int(sys.argv[1]), int(sys.argv[2])
SIZES = (784, 512, 256, 10)
BATCH = 128
RATE, DECAY = 1e-3, 0.7  # the rate of the first epoch, and what it is multiplied by after each


def read():
    """Training and test images (rows, 784) float32 in 0 … 1, labels (rows,) int64."""
    if not FILE.exists():
        skip("MNIST is not there: ../shared/data/mnist.npz, beside the repository")
    with np.load(FILE) as found:
        images = [found[f"{part}_images"].reshape(-1, 784).astype(np.float32) / 255 for part in ("train", "test")]
        labels = [found[f"{part}_labels"].astype(np.int64) for part in ("train", "test")]
    return images[0], labels[0], images[1], labels[1]


def skip(reason):
    """Leave, and say what is missing."""
    print(reason, file=sys.stderr)
    sys.exit(77)


def report(accuracy, epochs, fit_seconds, steps):
    """Print the result.

    Args:
        accuracy: On the test images.
        epochs: Seconds of each epoch that contains no compilation.
        fit_seconds: The whole training, compilation included.
        steps: Updates an epoch.
    """
    each = 1000 * statistics.median(epochs) / steps
    print(json.dumps({"accuracy": round(float(accuracy), 4), "step_ms": each, "fit_seconds": fit_seconds}), flush=True)
