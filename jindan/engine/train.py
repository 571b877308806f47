"""train(plans, data) → runs: the one door to the engine."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np

from ..errors import InputError, ShapeError
from ..plan import Plan
from ..utils import draw_seed
from . import devices, loop
from .data import Data, check_inputs, check_targets
from .pace import CHUNK_SECONDS, Pace, Progress, interrupts, uncollected
from .run import Run
from .supervised import program_of


def train(
    plans: Plan | Sequence[Plan],
    data: Data | tuple,
    *,
    start: Run | Sequence[Run] | None = None,
    listen: Callable[[Progress], Any] | None = None,
    each_epoch: bool = False,
    chunk_seconds: float = CHUNK_SECONDS,
    until: int | tuple[int, int] | None = None,
) -> Any:
    """Train one plan or many.

    Plans of one structure run together as one compiled program, whatever numbers they differ in; each member gives the
    same result as its plan trained alone. How the work is cut into pieces never changes the result.

    Args:
        plans: A Plan, or several.
        data: A Data, or (x, y), or (x, y, sample_weight).
        start: The Run (or one a plan) to go on from: an interrupted one is resumed where it stopped, a complete one
            lends its weights and optimizer memory.
        listen: Called with a Progress at least every `chunk_seconds`; returning True ends the training there.
        each_epoch: Whether `listen` must see every epoch by itself.
        chunk_seconds: How long the program runs between two looks.
        until: Stop after this many epochs, or at (epochs, updates of the next), although the plan has more; the Run is
            then an interrupted one.

    Returns:
        A Run, or a list of them in the order of the plans.

    Raises:
        InputError: when plan and data do not fit.
    """
    devices.start()
    single = isinstance(plans, Plan)
    wanted = [plans] if isinstance(plans, Plan) else list(plans)
    starts: list[Run | None] = list(start) if isinstance(start, (list, tuple)) else [start] * len(wanted)  # type: ignore[list-item]
    if len(starts) != len(wanted):
        raise InputError("start and plans differ in number.", expected=len(wanted), received=len(starts))
    if not isinstance(data, Data):
        data = Data.of(*data)
    for plan in wanted:
        if isinstance(data.x, tuple) != (plan.inputs > 1) or (plan.inputs > 1 and len(data.x) != plan.inputs):
            raise ShapeError(
                "The data do not have as many inputs as the network.", where="x", expected=f"{plan.inputs} arrays",
                received=f"{len(data.x) if isinstance(data.x, tuple) else 1}", help="Give x as a list of arrays.",
            )  # fmt: skip
    runs: list[Run | None] = [None] * len(wanted)
    for indices in _groups(wanted, data, starts).values():
        group = _Group([wanted[i] for i in indices], data, [starts[i] for i in indices])
        for i, run in zip(indices, group.run(listen, each_epoch, chunk_seconds, until), strict=True):
            runs[i] = run
    return runs[0] if single else runs


def _groups(plans: list[Plan], data: Data, starts: list[Run | None]) -> dict[Any, list[int]]:
    """Plans that run together, by what is compiled and where they begin."""
    found: dict[Any, list[int]] = {}
    for index, (plan, start) in enumerate(zip(plans, starts, strict=True)):
        position = start.position if start is not None and not start.complete else (0, 0)
        # A function of the user's must not see padding, so only members of equal length run together with it.
        own = program_of(plan.structure, data.input_shape).batchwise
        sizes = tuple(None if r is None else len(r) for r in (plan.rows, plan.validation_rows))
        apart = sizes if own else tuple(size is None for size in sizes)
        key = (plan.structure, apart, position)
        found.setdefault(key, []).append(index)
    return found


class _Group:
    """Plans of one structure on one data set, as one population."""

    def __init__(self, plans: list[Plan], data: Data, starts: list[Run | None]) -> None:
        began = time.perf_counter()
        self.plans, self.data, self.starts = plans, data, starts
        plan = plans[0]
        self.input_shape = data.input_shape
        if plan.layers and plan.wiring is None and plan.layers[0].input_shape is not None:
            given = tuple(plan.layers[0].input_shape)
            if len(given) != len(self.input_shape) or any(
                a not in (None, b) for a, b in zip(given, self.input_shape, strict=True)
            ):
                raise ShapeError(
                    "The data do not fit the first layer.",
                    where=plan.network(given).title(0),
                    expected=f"rows of shape {given}",
                    received=f"rows of shape {self.input_shape}",
                    help="Change input_shape, or the columns of the data.",
                )
        self.program = program_of(plan.structure, self.input_shape)
        self.network = plan.network(self.input_shape)
        self._check()
        self.shape = self._shape()
        self.dtype = np.dtype(plan.dtype)
        self.seeds = [plan.seed if plan.seed is not None else draw_seed() for plan in plans]
        self.seconds = {"prepare": time.perf_counter() - began, "trace": 0.0, "compile": 0.0, "run": 0.0}
        self.began = began
        self.latest: dict[str, float] = {}

    def _check(self) -> None:
        plan, data = self.plans[0], self.data
        for member in self.plans:
            for rows, size, name in (
                (member.rows, len(data), "rows"),
                (member.validation_rows, len(data), "validation_rows"),
            ):
                if rows is not None and len(rows) and not (0 <= rows.numbers.min() <= rows.numbers.max() < size):
                    raise InputError(
                        "A plan names rows that the data do not have.", where=name, expected=f"0 … {size - 1}",
                        received=f"{rows.numbers.min()} … {rows.numbers.max()}",
                    )  # fmt: skip
                if rows is not None and not len(rows):
                    raise InputError("A plan names no rows at all.", where=name, expected="at least one row")
        check_inputs(self.network, data.x)
        if any(self.network.integers) and any(member.mixup for member in self.plans):
            raise InputError(
                "Numbers of things cannot be mixed.", where="mixup", expected="inputs of real numbers",
                received="an input that an Embedding reads", help="Use dropout or label smoothing there.",
            )  # fmt: skip
        check_targets(self.network, plan.loss, data.y)
        if data.validation is not None:
            if data.validation.input_shape != self.input_shape:
                raise ShapeError(
                    "The validation rows differ in shape from the training rows.",
                    where="validation_data",
                    expected=f"rows of shape {self.input_shape}",
                    received=f"rows of shape {data.validation.input_shape}",
                    help="Prepare both the same way.",
                )
            check_inputs(self.network, data.validation.x, "validation x")
            check_targets(self.network, plan.loss, data.validation.y, "validation y")
        names = ["loss", *(label for label, _, _ in self.program.metrics)]
        if data.validation is not None or plan.validation_rows is not None:
            names += [f"val_{name}" for name in names]
        for watcher in (plan.early_stopping, plan.reduce_on_plateau):
            if watcher is not None and watcher.monitor not in names:
                raise InputError(
                    f"{type(watcher).__name__} watches a figure that this training does not have.",
                    where=f"monitor of {type(watcher).__name__}",
                    expected="one of " + ", ".join(names),
                    received=watcher.monitor,
                    help="Give validation_data or validation_split for the val_ figures.",
                )

    def _shape(self) -> loop.Shape:
        plan = self.plans[0]
        counts = [len(p.rows) if p.rows is not None else len(self.data) for p in self.plans]
        batch = min(plan.batch_size, max(counts))
        capacity = -(-max(counts) // batch) * batch
        if plan.validation_rows is not None:
            validation, indexed = max(len(p.validation_rows) for p in self.plans if p.validation_rows is not None), True
        else:
            validation, indexed = (len(self.data.validation) if self.data.validation is not None else 0), False
        return loop.Shape(
            members=len(self.plans),
            batch_size=batch,
            capacity=capacity,
            count=counts[0] if len(set(counts)) == 1 else None,
            indexed=plan.rows is not None,
            shuffled=plan.shuffle,
            validation=validation,
            validation_indexed=indexed,
            own_epochs=len({p.epochs for p in self.plans}) > 1,
            shards=self.program.shards(batch) if len(self.plans) == 1 else 1,
        )

    # -- arguments of the loop -----------------------------------------------------------------------------------

    def _states(self) -> Any:
        states = []
        for plan, seed, start in zip(self.plans, self.seeds, self.starts, strict=True):
            if start is not None:
                self._check_start(start)
            if start is None:
                states.append(loop.first_state(self.program, plan, seed))
            elif not start.complete:
                states.append(start.state)
            else:
                trained, fixed = self.network.part(start.weights)
                fresh = plan.optimizer.init(trained)
                same = start.plan.optimizer.__class__ is plan.optimizer.__class__
                memory = start.state["optimizer"] if same and _alike(start.state["optimizer"], fresh) else fresh
                states.append(
                    loop.fresh_epochs(self.program, plan, {"trained": trained, "fixed": fixed, "optimizer": memory})
                )
        return self._stack(states)

    def _check_start(self, start: Run) -> None:
        own = [{name: tuple(w.shape) for name, w in spec.items()} for spec in self.network.specs]
        given = [{name: tuple(np.shape(w)) for name, w in found.items()} for found in start.weights]
        if own != given:
            raise ShapeError(
                "The run to go on from has other weights than this plan's network.", where="start", expected=own,
                received=given, help="Go on with the plan the run was trained by, or with an edit that keeps shapes.",
            )  # fmt: skip

    def _stack(self, trees: list[Any]) -> Any:
        if self.shape.members == 1:
            return trees[0]
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
            return self._run(listen, each_epoch, chunk_seconds, until, interrupted)

    def _run(
        self, listen: Any, each_epoch: bool, chunk_seconds: float, until: Any, interrupted: Callable[[], bool]
    ) -> list[Run]:
        shape = self.shape
        state = self._states()
        epochs = self._stack([np.int32(plan.epochs) for plan in self.plans])
        rows, counts, vrows, vcounts = self._row_numbers()
        seeds = self._stack([np.uint32(seed & 0xFFFFFFFF) for seed in self.seeds])
        training = self.data.placed(self.plans[0])
        held = self.data.validation
        validation = (None, None, None) if held is None else held.placed(self.plans[0])
        if self.plans[0].validation_rows is not None:
            validation = training
        given = (self._values(), seeds, rows, counts, vrows, vcounts, epochs, training, validation)
        fixed = devices.everywhere(given, shape.shards)
        first = self.starts[0]
        place = first.position if first is not None and not first.complete else (0, 0)
        history: list[list[np.ndarray]] = [[] for _ in self.plans]
        call = self._compiled(state, fixed)
        pace = Pace(self._guess(), chunk_seconds)
        last, ran_out, cut = max(plan.epochs for plan in self.plans), False, False
        epoch, step = until if isinstance(until, tuple) else (last if until is None else until, 0)
        here = min((last, 0), (epoch + step // shape.steps, step % shape.steps))
        while place < here and not ran_out and not cut:
            target = self._target(place, pace.steps(), 1 if each_epoch else loop.HISTORY, here)
            began = time.perf_counter()
            bounds = np.array([*place, *target], np.int32)
            state, buffer = call(state, *fixed, bounds)
            buffer = np.asarray(buffer)
            took = time.perf_counter() - began
            pace.saw((target[0] - place[0]) * shape.steps + target[1] - place[1], took)
            self.seconds["run"] += took
            new = self._collect(state, buffer, place[0], history)
            place = target
            ran_out = self._all_stopped(state)
            cut = listen is not None and self._tell(listen, place, last, new)
            cut = cut or interrupted()
        unfinished = place[0] < last and not ran_out
        return self._finish(jax.device_get(state), history, place, unfinished)

    def _compiled(self, state: Any, fixed: tuple) -> Any:
        function = loop.compiled_loop(self.program, self.shape)
        signature = jax.tree.map(lambda a: (np.shape(a), a.dtype), (state, fixed))
        key = (self.program, self.shape, jax.tree.leaves(signature, is_leaf=lambda v: isinstance(v, tuple)).__repr__())
        if key not in _EXECUTABLES:
            with uncollected():
                began = time.perf_counter()
                lowered = function.lower(state, *fixed, np.zeros(4, np.int32))
                self.seconds["trace"] = time.perf_counter() - began
                began = time.perf_counter()
                if len(_EXECUTABLES) >= 128:
                    _EXECUTABLES.pop(next(iter(_EXECUTABLES)))
                _EXECUTABLES[key] = lowered.compile()
                self.seconds["compile"] = time.perf_counter() - began
        return _EXECUTABLES[key]

    def _guess(self) -> float:
        """Seconds an update may take, before one was seen."""
        flops = 6.0 * self.network.parameters() * self.shape.batch_size * self.shape.members
        return 5e-6 + flops / 5e10

    def _target(self, place: tuple[int, int], steps: int, most_epochs: int, last: tuple[int, int]) -> tuple[int, int]:
        """Where the next call ends: `steps` on, at an epoch's end if more than one fits."""
        total = place[0] * self.shape.steps + place[1] + max(1, steps)
        epoch, step = divmod(total, self.shape.steps)
        if epoch > place[0]:
            step = 0
        if epoch >= place[0] + most_epochs:
            epoch, step = place[0] + most_epochs, 0
        return min((epoch, step), last)

    def _collect(self, state: Any, buffer: np.ndarray, first: int, history: list[list[np.ndarray]]) -> np.ndarray:
        """Append the statistics of the epochs each member finished; return the longest member's."""
        buffers = buffer if self.shape.members > 1 else buffer[None]
        reached = np.maximum(np.atleast_1d(np.asarray(state["epochs"])) - first, 0)
        for blocks, rows, epochs in zip(history, buffers, reached, strict=True):
            blocks.append(rows[:epochs])
        longest = int(reached.argmax())
        return buffers[longest][: reached[longest]]

    def _figures(self, rows: np.ndarray) -> dict[str, list[float]]:
        """Figures by epoch from statistics (epochs, 2 · size + 1)."""
        rows, size = rows.astype(np.float64), self.program.size
        found = self.program.columns(rows[:, :size])
        if self.shape.validation:
            found |= {f"val_{name}": v for name, v in self.program.columns(rows[:, size : 2 * size]).items()}
        return found | {"learning_rate": rows[:, -1].tolist()}

    def _all_stopped(self, state: Any) -> bool:
        return "stop" in state and bool(np.all(np.asarray(state["stop"]["stopped"])))

    def _tell(self, listen: Any, place: tuple[int, int], last: int, rows: np.ndarray) -> bool:
        columns = self._figures(rows)
        new = [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
        self.latest = new[-1] if new else self.latest
        seconds, steps = time.perf_counter() - self.began, self.shape.steps
        return bool(listen(Progress(place[0], last, place[1], steps, self.latest, new, seconds, self.shape.members)))

    def _finish(self, state: Any, history: list, place: tuple, unfinished: bool) -> list[Run]:
        self.seconds["total"] = time.perf_counter() - self.began
        runs = []
        for member, plan in enumerate(self.plans):
            own = jax.tree.map(lambda a: np.asarray(a) if self.shape.members == 1 else np.asarray(a)[member], state)  # noqa: B023
            start = self.starts[member]
            earlier = start.history if start is not None and not start.complete else {}
            figures = self._figures(np.concatenate(history[member])) if history[member] else {}
            merged = {name: [*earlier.get(name, []), *figures.get(name, [])] for name in figures or earlier}
            stopped = bool(own["stop"]["stopped"]) if "stop" in own else False
            kept = own["best"] if "best" in own and int(own["epochs"]) > 0 else own
            runs.append(
                Run(
                    plan=plan if plan.seed is not None else plan.replace(seed=self.seeds[member]),
                    input_shape=self.input_shape,
                    weights=self.network.join(kept["trained"], kept["fixed"]),
                    history=merged,
                    epochs=int(own["epochs"]),
                    best_epoch=int(own["stop"]["epoch"]) if "stop" in own and own["stop"]["epoch"] >= 0 else None,
                    stopped_early=stopped,
                    interrupted=unfinished and not stopped and int(own["epochs"]) < plan.epochs,
                    first_nonfinite=int(own["nonfinite"]) if own["nonfinite"] >= 0 else None,
                    steps=int(own["optimizer"]["step"]),
                    seconds=dict(self.seconds),
                    state=own,
                    position=place,
                )
            )
        return runs


_EXECUTABLES: dict[Any, Any] = {}


def _alike(a: Any, b: Any) -> bool:
    """Whether two trees have the same form and shapes."""
    return repr(jax.tree.map(np.shape, a)) == repr(jax.tree.map(np.shape, b))
