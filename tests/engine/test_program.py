"""Programs of one's own: one member alone and among others, cut anywhere, against the same sums in NumPy."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jindan.engine import shape, shuffle
from jindan.engine.program import train_program
from jindan.errors import InputError

from .helpers import close


@dataclass(frozen=True)
class Mean:
    """Finds the mean of rows by noisy gradient steps."""

    columns: int
    batch_size: int
    dtype: str = "float64"
    work: float = 1.0
    noisy: bool = True
    figures = ("distance",)
    evaluated = ("all", "draw")

    def init(self, seed, values):
        return {"mean": np.random.default_rng(seed).normal(size=self.columns).astype(self.dtype), "step": np.int32(0)}

    def step(self, state, batch, values, key):
        gap = (batch.x - state["mean"]) * batch.real[:, None]
        noise = jax.random.normal(key, gap.shape[1:], gap.dtype) if self.noisy else 0.0
        mean = state["mean"] + values["rate"] * (gap.sum(0) / batch.real.sum() + values["noise"] * noise)
        return {"mean": mean, "step": state["step"] + 1}, (gap**2).sum()[None] / batch.real.sum()

    def evaluate(self, state, x, values, key):
        return jnp.stack([((x - state["mean"]) ** 2).sum(1).mean(), jax.random.uniform(key, dtype=x.dtype)])


X = np.random.default_rng(5).normal(size=(23, 3))
VALUES = [{"rate": 0.1, "noise": 0.1}, {"rate": 0.2, "noise": 0.0}, {"rate": 0.05, "noise": 1.0}]


def same_bits(a, b):
    assert jax.tree.map(lambda v: v.tobytes(), (a.state, a.sums)) == jax.tree.map(
        lambda v: v.tobytes(), (b.state, b.sums)
    )
    assert a.history == b.history
    assert a.position == b.position


def same(a, b):
    jax.tree.map(lambda p, q: close(p, q, 1e-12), a.state, b.state)
    assert a.history.keys() == b.history.keys()
    for name in a.history:
        close(a.history[name], b.history[name], 1e-12)


def test_by_hand():
    """The same steps in NumPy: the order of rows, the last partial batch, figures weighted by rows."""
    (found,) = train_program(Mean(3, 5, noisy=False), X, epochs=3, seeds=[7], values=VALUES[:1])
    mean = np.random.default_rng(7).normal(size=3)
    for epoch in range(3):
        order = np.asarray(shuffle.order(jnp.uint32(7), jnp.int32(epoch), 25, 23))[:23]
        total = 0.0
        for start in range(0, 23, 5):
            gap = X[order[start : start + 5]] - mean
            total += (gap**2).sum()
            mean = mean + 0.1 * gap.mean(0)
        close(found.history["distance"][epoch], total / 23, 1e-12)
        close(found.history["all"][epoch], ((X - mean) ** 2).sum(1).mean(), 1e-12)
    close(found.state["mean"], mean, 1e-12)
    assert found.state["step"] == 15
    assert found.epochs == 3
    assert not found.interrupted


@pytest.mark.parametrize("work", [1.0, 1e9])
def test_alone_as_in_a_population(work):
    """Side by side (little work) and in turns (much)."""
    program = Mean(3, 5, work=work)
    seeds = [1, 2, 3, 4, 5]
    values = [VALUES[k % 3] for k in range(5)]
    together = train_program(program, X, epochs=4, seeds=seeds, values=values)
    assert [m.seed for m in together] == seeds
    for member, seed, own in zip(together, seeds, values, strict=True):
        same(train_program(program, X, epochs=4, seeds=[seed], values=[own])[0], member)
    assert len({m.history["draw"][0] for m in together}) == 5


@pytest.mark.parametrize("seeds", [[3], [3, 4, 5]])
@pytest.mark.parametrize("cut", [0, 1, (0, 2), (1, 4), (2, 1)])
@pytest.mark.parametrize("kept", [True, False], ids=["order kept", "order found anew"])
def test_cut_anywhere(kept, seeds, cut, monkeypatch):
    monkeypatch.setattr(shape, "KEPT", 1 if kept else shape.KEPT)
    # Programs that are kept know whether they keep the order: those of another kind are others.
    program = Mean(3, 5 if kept else 4)
    whole = train_program(program, X, epochs=4, seeds=seeds, values=VALUES[:1])
    part = train_program(program, X, epochs=4, seeds=seeds, values=VALUES[:1], until=cut)
    assert part[0].interrupted
    for a, b in zip(train_program(program, X, epochs=4, start=part), whole, strict=True):
        same_bits(a, b)
    tiny = train_program(program, X, epochs=4, seeds=seeds, values=VALUES[:1], chunk_seconds=1e-9)
    for a, b in zip(tiny, whole, strict=True):
        same_bits(a, b)


def test_longer():
    """More epochs from a finished one are those of a longer training; other numbers may take over."""
    program = Mean(3, 5)
    whole = train_program(program, X, epochs=300, values=VALUES[:1])[0]
    first = train_program(program, X, epochs=3, values=VALUES[:1])[0]
    same_bits(train_program(program, X, epochs=300, start=first)[0], whole)
    still = {"rate": 0.0, "noise": 0.0}
    later = train_program(program, X, epochs=4, start=first, values=[still])[0]
    close(later.state["mean"], first.state["mean"], 0)
    assert later.history["distance"][:3] == first.history["distance"]


def test_listening_ends_it():
    told = []

    def listen(progress):
        told.append((progress.epoch, progress.step, len(progress.new)))
        return progress.epoch == 2

    found = train_program(Mean(3, 5), X, epochs=9, values=VALUES[:1], listen=listen, chunk_seconds=1e-9)[0]
    assert found.interrupted
    assert found.position == (2, 0)
    assert told[:2] == [(0, 1, 0), (0, 2, 0)]
    assert sum(new for *_, new in told) == 2


def test_control_c():
    def listen(progress):
        os.kill(os.getpid(), signal.SIGINT)

    found = train_program(Mean(3, 5), X, epochs=9, values=VALUES[:1], listen=listen, chunk_seconds=1e-9)[0]
    assert found.interrupted
    whole = train_program(Mean(3, 5), X, epochs=9, values=VALUES[:1])[0]
    same_bits(train_program(Mean(3, 5), X, epochs=9, start=found)[0], whole)


def test_one_batch_of_all_rows_lies_as_it_is():
    program = Mean(3, 100, noisy=False)
    found = train_program(program, X, epochs=2, values=VALUES[:1], seeds=[0, 9])
    mean = np.random.default_rng(9).normal(size=3)
    for _ in range(2):
        mean = mean + 0.1 * (X - mean).mean(0)
    close(found[1].state["mean"], mean, 1e-12)


def test_trees_of_rows():
    @dataclass(frozen=True)
    class Sums:
        figures = ("first", "second")
        batch_size: int = 4

        def init(self, seed, values):
            return np.float32(0)

        def step(self, state, batch, values, key):
            first, second = batch.x["a"][:, 0], batch.x["b"]
            both = jnp.stack([(first * batch.real).sum(), (second * batch.real).sum()])
            return state + both.sum(), both / batch.real.sum()

    x = {"a": np.arange(6.0)[:, None], "b": np.arange(6)}
    found = train_program(Sums(), x, epochs=1)[0]
    assert found.state == 30
    assert found.history == {"first": [2.5], "second": [2.5]}


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"x": np.zeros((0, 3))}, "x"),
        ({"x": (np.zeros(3), np.zeros(4))}, "x"),
        ({"x": np.array(["a", "b"])}, "x"),
        ({"epochs": -1}, "epochs"),
        ({"seeds": [1, 2], "values": VALUES}, "seeds"),
        ({"values": [{"rate": 1.0}, {"noise": 1.0}]}, "values"),
    ],
)
def test_errors(given, where):
    given = {"x": X, "epochs": 1, "values": VALUES[:1], **given}
    with pytest.raises(InputError) as raised:
        train_program(Mean(3, 5), given.pop("x"), **given)
    assert raised.value.where == where
