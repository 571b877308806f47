"""train(plans, data) → runs: the one door to the engine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..errors import InputError, ShapeError
from ..plan import Plan
from . import devices
from .data import Data
from .group import Group
from .pace import CHUNK_SECONDS, Progress, interrupts
from .run import Run
from .supervised import program_of
from .watch import Watch
from .waves import waves


class Prune(Protocol):
    """Says which members of a population to stop before their end.

    Attributes:
        epochs: The rungs: after so many epochs it is asked.
    """

    epochs: Sequence[int]

    def __call__(self, epoch: int, histories: list[dict[str, list[float]]]) -> Sequence[int]:
        """The numbers of plans to stop here, from their figures by epoch so far."""


def train(
    plans: Plan | Sequence[Plan],
    data: Data | tuple,
    *,
    start: Run | Sequence[Run] | None = None,
    listen: Callable[[Progress], Any] | None = None,
    each_epoch: bool = False,
    chunk_seconds: float = CHUNK_SECONDS,
    until: int | tuple[int, int] | None = None,
    prune: Prune | None = None,
    watch: Watch | None = None,
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
        prune: Asked at its rungs which plans to stop there, all plans having come that far; these are complete with
            fewer epochs, as if trained for that many. All plans are then held in memory at once.
        watch: Shown the state of a plan that trains alone, at the start, where it wants to, and in the end.

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
    _check(wanted, data)
    runs: list[Run | None] = [None] * len(wanted)
    if prune is not None:
        runs = _in_step(wanted, data, starts, prune, (listen, each_epoch, chunk_seconds, until))
        return runs[0] if single else runs
    cut = False
    for members in _groups(wanted, data, starts).values():
        for part in waves([wanted[i] for i in members], data):
            indices = [members[k] for k in part]
            group = Group([wanted[i] for i in indices], data, [starts[i] for i in indices])
            group.watch = watch if len(wanted) == 1 else None  # one among many has no state of its own to show
            # Once interrupted, members whose turn has not come are left as they begin.
            found = group.run(listen, each_epoch, chunk_seconds, (0, 0) if cut else until)
            for i, run in zip(indices, found, strict=True):
                runs[i] = run
            cut = cut or (until is None and any(run.interrupted for run in found))
    return runs[0] if single else runs


def _check(plans: list[Plan], data: Data) -> None:
    for plan in plans:
        if isinstance(data.x, tuple) != (plan.inputs > 1) or (plan.inputs > 1 and len(data.x) != plan.inputs):
            raise ShapeError(
                "The data do not have as many inputs as the network.", where="x", expected=f"{plan.inputs} arrays",
                received=f"{len(data.x) if isinstance(data.x, tuple) else 1}", help="Give x as a list of arrays.",
            )  # fmt: skip


def _in_step(
    plans: list[Plan], data: Data, starts: list[Run | None], prune: Prune, how: tuple[Any, bool, float, Any]
) -> list[Run | None]:
    """Run groups from rung to rung together, so that members of all structures are compared at each."""
    total = len(plans)
    runs: list[Run | None] = [None] * total
    histories: list[dict[str, list[float]]] = [{} for _ in plans]
    parted = list(_groups(plans, data, starts).values())
    groups = [Group([plans[i] for i in some], data, [starts[i] for i in some], pruned=True) for some in parted]
    rungs, epoch = sorted(set(prune.epochs)), 0
    lost: set[int] | None = None
    with interrupts() as interrupted:
        waiting = {k: group.pieces(*how, interrupted, rungs) for k, group in enumerate(groups)}
        while waiting:
            for k in list(waiting):
                own = None if lost is None else [j for j, i in enumerate(parted[k]) if i in lost]
                try:
                    with devices.width(groups[k].plans[0].dtype):
                        epoch, found = waiting[k].send(own)  # type: ignore[arg-type]  # a generator begins with None
                except StopIteration as end:
                    del waiting[k]
                    found = [run.history for run in end.value]
                    for i, run in zip(parted[k], end.value, strict=True):
                        runs[i] = run
                for i, history in zip(parted[k], found, strict=True):
                    histories[i] = history
            lost = {int(i) for i in prune(epoch, histories)} if waiting and not interrupted() else set()
            if any(not 0 <= i < total for i in lost):
                raise InputError("prune stops a plan that there is not.", where="prune", expected=f"0 … {total - 1}",
                                 received=sorted(lost))  # fmt: skip
    return runs


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
