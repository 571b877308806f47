"""One of benchmarks/networks in jindan."""

import argparse

import jax

from benchmarks.networks import NETWORKS, YES_OR_NO, in_jindan
from benchmarks.networks.flops import executed
from benchmarks.peers.layers_report import report
from jindan.engine.supervised import program_of

parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("name", choices=NETWORKS)
parser.add_argument("--epochs", type=int, default=6, help="the first is not counted")
parser.add_argument("--seed", type=int, default=0)
given = parser.parse_args()


def operations():
    """Of one update as it is executed, counted in what JAX traces."""
    plan = model.plan
    program = program_of(plan.structure, x.shape[1:])
    state = program.init(plan, 0)
    if program.packing is not None:
        state = program.packing.enter(state)
    batch = (x[: network.batch], y[: network.batch], None, None)
    return executed(lambda *arguments: program.step(plan, *arguments, None), state, batch, jax.random.key(0))


network = NETWORKS[given.name]
x, y = network.data(network.rows)
model = getattr(in_jindan, given.name)()
loss = "binary_crossentropy" if network.loss == YES_OR_NO else "sparse_categorical_crossentropy"
model.compile(optimizer="adam", loss=loss)
settings = {"epochs": 1, "batch_size": network.batch, "verbose": 0}
first = model.fit(x, y, seed=given.seed, **settings)
# One epoch a call, as the median needs them apart; "run" leaves out what a call does around the compiled program.
fits = [model.fit(x, y, seed=given.seed + epoch, **settings) for epoch in range(1, given.epochs + 1)]
report(
    [fit.seconds["run"] for fit in fits],
    network.updates,
    fits[-1].history["loss"][-1],
    sum(weight.size for weight in model.trainable_weights),
    compiling=first.seconds["compile"] + first.seconds["trace"],
    executed=operations(),
)
