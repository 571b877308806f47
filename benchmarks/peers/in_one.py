"""A script of the layers for several networks, one after another in one process, as a GPU takes seconds to start.

The first argument names the script; each other one is NETWORK or NETWORK:MODE. The last line printed is a JSON object
with the figures of each of these.
"""

import contextlib
import io
import json
import runpy
import sys

_, script, *wanted = sys.argv
EPOCHS = "8"
found = {}
for name in wanted:
    network, _, mode = name.partition(":")
    sys.argv = [script, network, "--epochs", EPOCHS, *(["--mode", mode] if mode else [])]
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed):
            runpy.run_module(f"benchmarks.peers.{script}", run_name="__main__")
    except SystemExit:
        continue  # what it lacks, it said on standard error
    found[name] = json.loads(printed.getvalue().strip().splitlines()[-1])
    print(json.dumps(found), flush=True)  # so that what was found stands if a later one fails
