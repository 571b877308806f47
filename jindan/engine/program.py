"""train_program(program, x) → what was trained: the loop of whatever is not supervised, one member or many."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import jax
import numpy as np

from ..errors import InputError
from . import compiling, devices
from .loop import HISTORY
from .pace import CHUNK_SECONDS, Pace, Progress, interrupts, uncollected
from .program_loop import Batch, Shape, compiled_loop, shards
from .shape import layout

Array = jax.Array


class Program(Protocol):
    """What is trained, without its data: hashable, with numbers that may differ among members kept in `values`.

    A frozen dataclass fits. Optional attributes beside these: `dtype` ("float32" unless there), `shuffled` (True: the
    rows' order is new each epoch), `work` (floating-point operations of one member's update; guessed from the size of
    the state unless there), and an evaluation at the end of each epoch: `evaluated` (names) with
    `evaluate(state, x, values, key) -> (len(evaluated),)`, x being all rows. `split(devices) -> (state, x)` may give
    trees of PartitionSpecs over the axis `devices.ROWS` (None: not split), by which a member that is alone is shared
    out among devices.

    Attributes:
        figures: Names of what `step` returns.
        batch_size: Rows an update; more than there are means all of them, as they lie.
    """

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of what `step` returns."""

    @property
    def batch_size(self) -> int:
        """Rows an update."""

    def init(self, seed: int, values: Mapping[str, float]) -> Any:
        """The state before the first update: a tree of NumPy arrays."""

    def step(self, state: Any, batch: Batch, values: Any, key: Array) -> tuple[Any, Array]:
        """The state after one batch, and figures (len(figures),): means over the batch's real rows."""

    def __hash__(self) -> int: ...


@dataclass(frozen=True)
class Trained:
    """One trained member.

    Attributes:
        state: The program's state, in NumPy.
        history: Figure → values by epoch: means over rows, and what `evaluate` gave.
        seed, values: What it was trained with.
        epochs: Epochs finished.
        interrupted: Whether it was cut off before its end; `start=` then goes on.
        seconds: "compile", "run", "total" of the call it was part of.
        position: (epoch, step) reached. `sums`: the running epoch's sums.
    """

    state: Any = field(repr=False)
    history: dict[str, list[float]]
    seed: int
    values: dict[str, float]
    interrupted: bool
    seconds: dict[str, float]
    position: tuple[int, int]
    sums: np.ndarray = field(repr=False)

    @property
    def epochs(self) -> int:
        """Epochs finished."""
        return self.position[0]

    @classmethod
    def fresh(cls, program: Any, state: Any, seed: int, values: Mapping[str, float]) -> Trained:
        """A member at its beginning whose state is given in place of `program.init`'s."""
        sums = np.zeros((2, len(program.figures)), getattr(program, "dtype", "float32"))
        return cls(state, {}, int(seed), dict(values), True, {}, (0, 0), sums)


def train_program(
    program: Program,
    x: Any,
    *,
    epochs: int,
    seeds: Sequence[int] = (0,),
    values: Sequence[Mapping[str, float]] = ({},),
    listen: Callable[[Progress], Any] | None = None,
    start: Trained | Sequence[Trained] | None = None,
    until: int | tuple[int, int] | None = None,
    chunk_seconds: float = CHUNK_SECONDS,
) -> list[Trained]:
    """Train one member for each seed and each set of numbers, all in one compiled program.

    A member gives the same result alone and among others, and however the work is cut into pieces.

    Args:
        program: What is trained.
        x: Rows (n, …), or a tree of arrays with n rows each. Real numbers are cast to the program's dtype.
        epochs: Passes over the rows, those of `start` included.
        seeds: One for each member, or one for all.
        values: The numbers of each member, or of all; the same names in each.
        listen: Called with a Progress about every `chunk_seconds`; returning True ends the training there.
        start: What to go on from, one for each member, all of the same position.
        until: Stop after so many epochs, or at (epochs, updates of the next); the result then counts as interrupted.
        chunk_seconds: How long the program runs between two looks.

    Returns:
        What was trained, by member.

    Raises:
        InputError: when the numbers of rows, seeds, values or starts do not fit together.
    """
    devices.start()
    return _Training(program, x, epochs, seeds, values, start).run(listen, until, chunk_seconds)


class _Training:
    """One call of `train_program`."""

    def __init__(self, program: Any, x: Any, epochs: int, seeds: Any, values: Any, start: Any) -> None:
        self.began = time.perf_counter()
        self.program, self.epochs = program, int(epochs)
        self.dtype = getattr(program, "dtype", "float32")
        self.x = jax.tree.map(partial(_as_rows, dtype=self.dtype), x)
        self.starts = _starts(start)
        if self.starts and len(seeds) == 1 and len(values) == 1:
            seeds, values = [s.seed for s in self.starts], [dict(values[0]) or s.values for s in self.starts]
        members = max(len(seeds), len(values), len(self.starts))
        self.seeds, self.values = _spread(seeds, members, "seeds"), _spread(values, members, "values")
        self.starts = _spread(self.starts, members, "start") if self.starts else []
        rows = _rows(self.x)
        _check(self.epochs, self.values, self.starts)
        self.states = [s.state for s in self.starts] or [
            program.init(int(seed), dict(own)) for seed, own in zip(self.seeds, self.values, strict=True)
        ]
        batch = max(1, min(int(program.batch_size), rows))
        size = sum(np.size(leaf) for leaf in jax.tree.leaves(self.states[0]))
        work = float(getattr(program, "work", 6.0 * batch * size))
        # One batch of all rows is the same whatever their order.
        shuffled = bool(getattr(program, "shuffled", True)) and batch < rows
        lay = layout(members, work, devices.several())
        several = devices.several() if members == 1 and hasattr(program, "split") else 1
        split = program.split(several) if several > 1 else None
        self.shape = Shape(batch, rows, -(-rows // batch), shuffled, self.dtype, lay, several if split else 1)
        self.guess = lay.turns * (5e-6 + lay.tile * work / 2e10)
        self.names = (*program.figures, *getattr(program, "evaluated", ()))
        self.seconds = {"compile": 0.0, "run": 0.0}
        self.latest: dict[str, float] = {}

    def run(self, listen: Any, until: Any, chunk_seconds: float) -> list[Trained]:
        """Piece after piece, up to the end, to `until`, or to where a listener or Ctrl-C ends it."""
        steps, end = self.shape.steps, (self.epochs, 0)
        place = self.starts[0].position if self.starts else (0, 0)
        epoch, step = until if isinstance(until, tuple) else (self.epochs if until is None else until, 0)
        here = min(end, (epoch + step // steps, step % steps))
        buffers: list[np.ndarray] = []
        with devices.width(self.dtype), interrupts() as interrupted:
            own, x = self._placed()
            call = self._compiled(own, x)
            pace = Pace(self.guess, chunk_seconds)
            carried, *fixed = own
            cut = interrupted()
            while place < here and not cut:
                target = pace.target(place, steps, HISTORY, here)
                began = time.perf_counter()
                carried, found = call(carried, *fixed, x, tuple(map(np.int32, (*place, *target))))
                found = np.asarray(found)
                took = time.perf_counter() - began
                pace.saw((target[0] - place[0]) * steps + target[1] - place[1], took)
                self.seconds["run"] += took
                found = (found[None] if self.shape.layout.single else found)[:, : target[0] - place[0]]
                buffers.append(found)
                place = target
                cut = listen is not None and self._tell(listen, place, found[0])
                cut = cut or interrupted()
            carried = jax.tree.map(np.asarray, jax.device_get(carried))
        return self._finish(carried, buffers, place, place < end)

    def _placed(self) -> tuple[tuple, Any]:
        """What members have for themselves, and the rows, where they are used."""
        lay, size = self.shape.layout, len(self.program.figures)
        fresh = np.zeros((2, size), self.dtype)
        sums = [s.sums for s in self.starts] or [fresh] * len(self.seeds)
        seeds = [np.uint32(int(seed) & 0xFFFFFFFF) for seed in self.seeds]
        numbers = [{name: np.asarray(v, self.dtype) for name, v in own.items()} for own in self.values]
        kept = self.shape.unordered()
        trees = [(state, own, kept) for state, own in zip(self.states, sums, strict=True)], numbers, seeds
        if lay.single:
            own = tuple(tree[0] for tree in trees)
        else:
            # Places to spare are filled with copies of the first member.
            spare = lay.places - len(self.seeds)
            own = tuple(jax.tree.map(lambda *a: np.stack(a), *tree, *tree[:1] * spare) for tree in trees)
        several = lay.devices
        if self.shape.shards > 1:
            state, x = shards(self.program, self.shape.shards)
            same = devices.replicated(self.shape.shards, devices.ROWS)
            own = jax.device_put(own[0], (state, same, same)), *jax.device_put(own[1:], same)
            return own, jax.device_put(self.x, x)
        if several > 1:
            own = jax.device_put(own, devices.split(several, devices.MEMBERS))
            return own, jax.device_put(self.x, devices.replicated(several, devices.MEMBERS))
        return jax.device_put(own), jax.device_put(self.x)

    def _compiled(self, own: tuple, x: Any) -> Any:
        signature = jax.tree.map(lambda a: (a.shape, str(a.dtype)), (own, x))
        options = compiling.usual()
        key = (self.program, self.shape, repr(signature), str(options))
        if key not in _EXECUTABLES:
            began = time.perf_counter()
            with uncollected():
                lowered = compiled_loop(self.program, self.shape).lower(*own, x, (np.int32(0),) * 4)
                devices.make_room(_EXECUTABLES)
                _EXECUTABLES[key] = compiling.compiled(lowered, options)
            self.seconds["compile"] = time.perf_counter() - began
        return _EXECUTABLES[key]

    def _tell(self, listen: Any, place: tuple[int, int], rows: np.ndarray) -> bool:
        new = [dict(zip(self.names, map(float, row), strict=True)) for row in rows]
        self.latest = new[-1] if new else self.latest
        passed = time.perf_counter() - self.began
        epoch, step = place
        return bool(listen(Progress(epoch, self.epochs, step, self.shape.steps, self.latest, new, passed,
                                    len(self.seeds))))  # fmt: skip

    def _finish(self, carried: Any, buffers: list, place: tuple[int, int], interrupted: bool) -> list[Trained]:
        self.seconds["total"] = time.perf_counter() - self.began
        single, result = self.shape.layout.single, []
        for member, (seed, own) in enumerate(zip(self.seeds, self.values, strict=True)):
            state, sums, _ = carried if single else jax.tree.map(lambda a: a[member], carried)  # noqa: B023
            rows = np.concatenate([b[member] for b in buffers]) if buffers else np.zeros((0, len(self.names)))
            earlier = self.starts[member].history if self.starts else {}
            history = {n: [*earlier.get(n, []), *map(float, rows[:, k])] for k, n in enumerate(self.names)}
            values = {name: float(v) for name, v in own.items()}
            result.append(
                Trained(state, history, int(seed), values, interrupted, dict(self.seconds), place, np.asarray(sums))
            )
        return result


_EXECUTABLES: dict[Hashable, Any] = {}


def _as_rows(a: Any, dtype: str) -> np.ndarray:
    a = np.asarray(a)
    if a.ndim == 0:
        raise InputError("The data have no rows.", where="x", expected="arrays (rows, …)", received=repr(a))
    if a.dtype.kind == "f":
        return np.asarray(a, dtype)
    if a.dtype.kind in "iu" and a.dtype.itemsize > 4:
        return np.asarray(a, np.int32)
    if a.dtype.kind not in "iub":
        raise InputError("The data are no numbers.", where="x", expected="numbers", received=f"dtype {a.dtype}")
    return a


def _rows(x: Any) -> int:
    counts = {len(leaf) for leaf in jax.tree.leaves(x)}
    if len(counts) != 1 or 0 in counts:
        raise InputError("The data have no rows, or not equally many.", where="x", expected="one number of rows >= 1",
                         received=sorted(counts))  # fmt: skip
    return counts.pop()


def _starts(start: Any) -> list[Trained]:
    return [] if start is None else [start] if isinstance(start, Trained) else list(start)


def _spread(given: Sequence[Any], members: int, name: str) -> list[Any]:
    if len(given) not in (1, members):
        raise InputError("The members' settings differ in number.", where=name, expected=f"1 or {members}",
                         received=len(given))  # fmt: skip
    return list(given) * (members if len(given) == 1 else 1)


def _check(epochs: int, values: list[Any], starts: list[Trained]) -> None:
    if epochs < 0:
        raise InputError("The number of epochs cannot be used.", where="epochs", expected=">= 0", received=epochs)
    if any(set(own) != set(values[0]) for own in values):
        raise InputError("The members' numbers have different names.", where="values", expected=sorted(values[0]),
                         received=next(sorted(own) for own in values if set(own) != set(values[0])))  # fmt: skip
    if len({s.position for s in starts}) > 1:
        raise InputError("The members to go on from are not equally far.", where="start", expected="one position",
                         received=sorted({s.position for s in starts}))  # fmt: skip
