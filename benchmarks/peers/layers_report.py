"""What the peers of the layers share: one JSON line at the end, and how to leave."""

import json
import statistics
import sys


def skip(reason):
    """Leave, and say what is missing."""
    print(reason, file=sys.stderr)
    sys.exit(77)


def report(epochs, updates, loss, parameters, *, first=0.0, compiling=None, executed=None):
    """Print the result.

    Args:
        epochs: Seconds of each epoch; the first is a warm-up.
        updates: Updates an epoch.
        loss: Mean training loss of the last epoch.
        parameters: Numbers trained.
        first: Seconds of the very first update; what it took beyond the others was compilation.
        compiling: Seconds of tracing and compiling, where they are known.
        executed: Floating point operations of an update as executed, where they are known.
    """
    each = statistics.median(epochs[1:] or epochs) / updates
    found = {
        "step_ms": 1000 * each,
        "compile_seconds": max(0.0, first - each) if compiling is None else compiling,
        "loss": loss,
        "parameters": parameters,
        "executed": executed,
    }
    print(json.dumps(found), flush=True)
