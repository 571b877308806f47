"""A group: plans of one structure on one data set, run as one population."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from functools import partial
from typing import Any

import jax
import numpy as np

from ..plan import Plan
from ..utils import draw_seed
from . import compiling, devices, loop
from .data import Data
from .pace import Pace, Progress, interrupts, uncollected
from .packing import packed, unpacked
from .refusals import refuse_shape, refuse_start, refuse_unfit
from .run import Run
from .shape import Shape, busy, layout, places
from .supervised import program_of
from .watch import Looks, Watch, kept_of

# Seconds, whatever the work: of an update of one member and of several side by side, and of an epoch's end.
ALONE, ABREAST, EPOCH = 5e-6, 2e-5, 1e-4
LAUNCHES = 5e-4  # and of a GPU, whose kernels start one after another


class Group:
    """Plans of one structure on one data set, as one population; members to be `pruned` may be stopped at rungs."""

    def __init__(self, plans: list[Plan], data: Data, starts: list[Run | None], pruned: bool = False) -> None:
        began = time.perf_counter()
        self.plans, self.data, self.starts, self.pruned = plans, data, starts, pruned
        self.ends = [plan.epochs for plan in plans]  # where each member ends
        plan = plans[0]
        self.input_shape = data.input_shape
        refuse_shape(plan, self.input_shape)
        self.program = program_of(plan.structure, self.input_shape)
        self.network = plan.network(self.input_shape)
        refuse_unfit(plans, data, self.program)
        self.shape = self._shape()
        self.dtype = np.dtype(plan.dtype)
        self.seeds = [plan.seed if plan.seed is not None else draw_seed() for plan in plans]
        self.order = np.arange(len(plans))  # the member that lies in each place
        self.seconds = {"prepare": time.perf_counter() - began, "trace": 0.0, "compile": 0.0, "run": 0.0}
        self.began = began
        self.latest: dict[str, float] = {}
        self.watch: Watch | None = None

    def _shape(self) -> loop.Shape:
        plan = self.plans[0]
        counts = [len(p.rows) if p.rows is not None else len(self.data) for p in self.plans]
        batch = min(plan.batch_size, max(counts))
        capacity = -(-max(counts) // batch) * batch
        if plan.validation_rows is not None:
            validation, indexed = max(len(p.validation_rows) for p in self.plans if p.validation_rows is not None), True
        else:
            validation, indexed = (len(self.data.validation) if self.data.validation is not None else 0), False
        return Shape(
            batch_size=batch,
            capacity=capacity,
            count=counts[0] if len(set(counts)) == 1 else None,
            sure_steps=-(-min(counts) // batch),
            indexed=plan.rows is not None,
            shuffled=plan.shuffle,
            validation=validation,
            validation_indexed=indexed,
            own_epochs=self.pruned or len({p.epochs for p in self.plans}) > 1,
            layout=layout(len(self.plans), self.program.work(batch), devices.several()),
            shards=self.program.shards(batch) if len(self.plans) == 1 else 1,
        )

    # -- arguments of the loop -----------------------------------------------------------------------------------

    def _states(self) -> Any:
        states = []
        for plan, seed, start in zip(self.plans, self.seeds, self.starts, strict=True):
            if start is not None:
                refuse_start(self.network, start)
            if start is None:
                states.append(loop.first_state(self.program, plan, seed))
            elif not start.complete:
                states.append(start.state)
            else:
                trained, fixed = self.network.part(start.weights)
                memory = start.memory_for(plan.optimizer, trained)
                states.append(
                    loop.fresh_epochs(self.program, plan, {"trained": trained, "fixed": fixed, "optimizer": memory})
                )
        return self._stack([loop.unordered(self.shape, packed(self.program.packing, state)) for state in states])

    def _stack(self, trees: list[Any]) -> Any:
        if self.shape.layout.single:
            return trees[0]
        # Places to spare are filled with copies of the first member.
        trees = [*trees, *[trees[0]] * (self.shape.layout.places - len(trees))]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *trees)

    def _values(self) -> np.ndarray:
        found = [[plan.numbers[path] for path in self.program.paths] for plan in self.plans]
        return self._stack([np.array(row, self.dtype) for row in found])

    def _row_numbers(self) -> tuple[Any, Any, Any, Any]:
        shape, n = self.shape, len(self.data)

        def padded(rows: Any, capacity: int) -> np.ndarray:
            result = np.zeros(capacity, np.int32)
            result[: len(rows)] = rows.numbers
            return result

        rows = [padded(p.rows, shape.capacity) if p.rows is not None else np.int32(0) for p in self.plans]
        counts = [np.int32(len(p.rows) if p.rows is not None else n) for p in self.plans]
        vrows = [padded(p.validation_rows, shape.validation) if p.validation_rows is not None else np.int32(0)
                 for p in self.plans]  # fmt: skip
        vcounts = [np.int32(len(p.validation_rows) if p.validation_rows is not None else shape.validation)
                   for p in self.plans]  # fmt: skip
        return tuple(self._stack([np.asarray(v) for v in values]) for values in (rows, counts, vrows, vcounts))  # type: ignore[return-value]

    # -- running -------------------------------------------------------------------------------------------------

    def run(self, listen: Any, each_epoch: bool, chunk_seconds: float, until: Any) -> list[Run]:
        with devices.width(self.plans[0].dtype), interrupts() as interrupted:
            pieces = self.pieces(listen, each_epoch, chunk_seconds, until, interrupted)
            try:
                next(pieces)
            except StopIteration as end:
                return end.value
        raise AssertionError("a group without rungs runs to its end")

    def pieces(
        self, listen: Any, each_epoch: bool, chunk_seconds: float, until: Any, interrupted: Callable[[], bool],
        rungs: Sequence[int] = (),
    ) -> Generator[tuple[int, list[dict[str, list[float]]]], list[int], list[Run]]:  # fmt: skip
        """Run, pausing at each rung: yields the epoch and the members' histories, is sent the members to stop."""
        shape = self.shape
        own = self._own()
        training = self.data.placed(self.plans[0], self._everywhere())
        held = self.data.validation
        validation = (None, None, None) if held is None else held.placed(self.plans[0], self._everywhere())
        if self.plans[0].validation_rows is not None:
            validation = training
        first = self.starts[0]
        place = first.position if first is not None and not first.complete else (0, 0)
        state, *fixed = self._placed(own)
        shared = (training, validation)
        history: list[list[np.ndarray]] = [[] for _ in self.plans]
        last, ran_out, cut = max(plan.epochs for plan in self.plans), False, False
        guess = self._guess()
        # On a GPU the code goes by the whole training, so that what is resumed runs in the code that it began with.
        epochs = last if devices.accelerated() else last - place[0]
        call = self._compiled(state, (*fixed, *shared), epochs * (EPOCH + shape.steps * guess))
        pace = Pace(guess, chunk_seconds)
        looks = Looks(self.watch, shape.steps, last, partial(unpacked, self.program.packing))
        looks.show(own[0])
        epoch, step = until if isinstance(until, tuple) else (last if until is None else until, 0)
        here = min((last, 0), (epoch + step // shape.steps, step % shape.steps))
        new = np.zeros((0, 2 * self.program.size + 1))
        while place < here and not ran_out and not cut:
            end = min([here, *((rung, 0) for rung in rungs if (rung, 0) > place)])
            bound = looks.bound(place, end)
            target = pace.target(place, shape.steps, 1 if each_epoch else loop.HISTORY, bound)
            began = time.perf_counter()
            state, buffer = call(state, *fixed, *shared, tuple(map(np.int32, (*place, *target))))
            buffer = np.asarray(buffer)
            took = time.perf_counter() - began
            pace.saw((target[0] - place[0]) * shape.steps + target[1] - place[1], took)
            self.seconds["run"] += took
            new = np.concatenate([new, self._collect(state, buffer, place[0], history)])
            place = target
            looks.at(place, state)
            going = self._going(state, place)
            ran_out = not going.any()
            if listen is not None and (each_epoch or place != bound or bound == end):  # not where the doctor looks
                cut, new = self._tell(listen, place, last, new), new[:0]
            cut = cut or interrupted()
            if rungs and place == bound < here and not ran_out and not cut:
                lost = yield place[0], [self._history(member, history) for member in range(len(self.plans))]
                fixed[-1] = self._stopped(lost, place[0])
                going = self._going(state, place)
                ran_out = not going.any()
            if place < here and not ran_out and not cut and self._worth_moving(going):
                state, *fixed = self._moved(going, state, *fixed)
        state = jax.device_get(state)
        looks.show(state, end=True)
        return self._finish(state, history, place, place[0] < last and not ran_out)

    # -- members on devices --------------------------------------------------------------------------------------

    def _own(self) -> tuple:
        """What each member has for itself: the loop's first arguments."""
        state = self._states()
        epochs = self._stack([np.int32(plan.epochs) for plan in self.plans])
        seeds = self._stack([np.uint32(seed & 0xFFFFFFFF) for seed in self.seeds])
        rows, counts, vrows, vcounts = self._row_numbers()
        return (state, self._values(), seeds, rows, counts, vrows, vcounts, epochs)

    def _everywhere(self) -> Any:
        """Where data lie that every device reads."""
        if self.shape.shards > 1:
            return devices.replicated(self.shape.shards, devices.ROWS)
        several = self.shape.layout.devices
        return devices.replicated(several, devices.MEMBERS) if several > 1 else None

    def _placed(self, own: Any) -> Any:
        """What members have for themselves, each on its device."""
        several = self.shape.layout.devices
        if self.shape.layout.single and self.shape.shards == 1 and not devices.accelerated():
            return own  # the program's call takes arrays of NumPy over, faster than one by one beforehand
        where = devices.split(several, devices.MEMBERS) if several > 1 else self._everywhere()
        return jax.device_put(own, where)

    def _stopped(self, lost: Sequence[int], epoch: int) -> Any:
        """The loop's argument `epochs` once some members end here; places to spare end too."""
        for member in lost:
            self.ends[member] = min(self.ends[member], epoch)
        if self.shape.layout.single:
            return self._placed(np.int32(self.ends[0]))
        ends = np.zeros(self.shape.layout.places, np.int32)
        ends[: len(self.order)] = [self.ends[m] if m >= 0 else 0 for m in self.order]
        return self._placed(ends)

    def _going(self, state: Any, place: tuple[int, int]) -> np.ndarray:
        """Which places hold members that go on."""
        live = np.array([m >= 0 and self.ends[m] > place[0] for m in self.order])
        if "stop" in state:
            live &= ~np.atleast_1d(np.asarray(state["stop"]["stopped"]))[: len(live)]
        return live

    def _worth_moving(self, going: np.ndarray) -> bool:
        """Whether members that go on, put together, would leave a tile without any: it then costs nothing."""
        lay = self.shape.layout
        several = lay.turns * lay.devices > 1 and not going.all()
        return several and busy(going, lay, spread=True) < busy(going, lay)

    def _moved(self, going: np.ndarray, *own: Any) -> Any:
        """Members that go on put into as few tiles as they need, these shared out among the devices."""
        lay = self.shape.layout
        order = places(going, lay)
        self.order = np.concatenate([self.order, np.full(lay.places - len(self.order), -1)])[order]
        return self._placed(jax.tree.map(lambda a: np.asarray(a)[order], own))

    def _compiled(self, state: Any, fixed: tuple, seconds: float) -> Any:
        function = loop.compiled_loop(self.program, self.shape)
        signature = jax.tree.map(lambda a: (np.shape(a), a.dtype), (state, fixed))
        leaves = repr(jax.tree.leaves(signature, is_leaf=lambda v: isinstance(v, tuple)))
        each_core = max(self.shape.shards, self.shape.layout.devices) == devices.several() > 1
        options = compiling.options((self.program, self.shape, leaves), seconds, each_core=each_core)
        key = (self.program, self.shape, leaves, str(options))
        if key not in _EXECUTABLES:
            with uncollected():
                began = time.perf_counter()
                lowered = function.lower(state, *fixed, (np.int32(0),) * 4)
                self.seconds["trace"] = time.perf_counter() - began
                began = time.perf_counter()
                devices.make_room(_EXECUTABLES)
                _EXECUTABLES[key] = compiling.compiled(lowered, options)
                self.seconds["compile"] = time.perf_counter() - began
        return _EXECUTABLES[key]

    def _guess(self) -> float:
        """Seconds an update may take, before one was seen."""
        lay = self.shape.layout
        work = lay.tile * self.program.work(self.shape.batch_size)
        if devices.accelerated():
            return lay.turns * (LAUNCHES + work / 1e13)
        return lay.turns * ((ALONE if lay.single else ABREAST) + work / 5e10)

    def _collect(self, state: Any, buffer: np.ndarray, first: int, history: list[list[np.ndarray]]) -> np.ndarray:
        """Append the statistics of the epochs each member finished; return the longest member's."""
        buffers = buffer[None] if self.shape.layout.single else buffer
        reached = np.maximum(np.atleast_1d(np.asarray(state["epochs"])) - first, 0)
        for member, rows, epochs in zip(self.order, buffers, reached, strict=False):
            if member >= 0 and epochs > 0:
                history[member].append(rows[:epochs].copy())
        longest = int(reached[: len(self.order)].argmax())
        return buffers[longest][: reached[longest]]

    def _figures(self, rows: np.ndarray) -> dict[str, list[float]]:
        """Figures by epoch from statistics (epochs, 2 · size + 1)."""
        rows, size = rows.astype(np.float64), self.program.size
        found = self.program.columns(rows[:, :size])
        if self.shape.validation:
            found |= {f"val_{name}": v for name, v in self.program.columns(rows[:, size : 2 * size]).items()}
        return found | {"learning_rate": rows[:, -1].tolist()}

    def _history(self, member: int, history: list[list[np.ndarray]]) -> dict[str, list[float]]:
        """A member's figures by epoch, from the run it resumes on."""
        start = self.starts[member]
        earlier = start.history if start is not None and not start.complete else {}
        figures = self._figures(np.concatenate(history[member])) if history[member] else {}
        return {name: [*earlier.get(name, []), *figures.get(name, [])] for name in figures or earlier}

    def _tell(self, listen: Any, place: tuple[int, int], last: int, rows: np.ndarray) -> bool:
        columns = self._figures(rows)
        new = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        self.latest = new[-1] if new else self.latest
        seconds, steps = time.perf_counter() - self.began, self.shape.steps
        return bool(listen(Progress(place[0], last, place[1], steps, self.latest, new, seconds, len(self.plans))))

    def _finish(self, state: Any, history: list, place: tuple, unfinished: bool) -> list[Run]:
        self.seconds["total"] = time.perf_counter() - self.began
        runs = []
        state = jax.tree.map(np.asarray, state)
        place_of = {int(member): place for place, member in enumerate(self.order)}
        for member, plan in enumerate(self.plans):
            at = place_of[member]
            own = state if self.shape.layout.single else jax.tree.map(lambda a: a[at], state)  # noqa: B023
            own = {name: part for name, part in own.items() if name != "order"}
            own = unpacked(self.program.packing, own)
            stopped = bool(own["stop"]["stopped"]) if "stop" in own else False
            kept = kept_of(own)
            runs.append(
                Run(
                    plan=plan if plan.seed is not None else plan.replace(seed=self.seeds[member]),
                    input_shape=self.input_shape,
                    weights=self.network.join(kept["trained"], kept["fixed"]),
                    history=self._history(member, history),
                    epochs=int(own["epochs"]),
                    best_epoch=int(own["stop"]["epoch"]) if "stop" in own and own["stop"]["epoch"] >= 0 else None,
                    stopped_early=stopped,
                    interrupted=unfinished and not stopped and int(own["epochs"]) < self.ends[member],
                    first_nonfinite=int(own["nonfinite"]) if own["nonfinite"] >= 0 else None,
                    steps=int(own["optimizer"]["step"]),
                    seconds=dict(self.seconds),
                    state=own,
                    position=place,
                )
            )
        return runs


_EXECUTABLES: dict[Any, Any] = {}
