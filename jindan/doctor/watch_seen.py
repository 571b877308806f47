"""What is noted while a loop of PyTorch runs: losses, rows, epochs, weights now and then."""

from __future__ import annotations

import copy
from collections import deque
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..models.transfer_torch import array_of
from .keeping import LARGEST

MOST_ROWS = 4096  # rows gathered from batches where no data are given, and evaluated at an epoch's end
SAMPLED = 8  # rows of a batch that are looked for among those gathered, once these are as many as are kept
AGAIN = 8  # rows that have to come again, one after another, before the length of an epoch is told from them
HALF = ("torch.bfloat16", "torch.float16")
FLUSH = 512  # losses that wait to be read; reading each at once would make a GPU wait


@dataclass
class Epochs:
    """Where epochs end, told from the rows of each update; a loop may leave a last partial batch out.

    Attributes:
        rows: Rows an epoch, or None while unknown.
        ends: Updates made when each epoch ended.
    """

    rows: int | None = None
    ends: list[int] = field(default_factory=list)
    _seen: int = 0
    _batch: int = 0
    _drops: bool = False

    def add(self, update: int, rows: int) -> bool:
        """Count an update; whether an epoch ended with it, or just before it.

        >>> epochs = Epochs(5)
        >>> [epochs.add(i + 1, n) for i, n in enumerate((2, 2, 1, 2, 2, 1))]
        [False, False, True, False, False, True]
        >>> epochs = Epochs(5)
        >>> [epochs.add(i + 1, 2) for i in range(6)], epochs.ends
        ([False, False, True, True, False, True], [2, 4, 6])
        """
        if self.rows is None:
            return False
        left, before = self.rows - self._seen, False
        if self._seen and left < self._batch and rows > left:
            self._drops = before = True
            self._end(update - 1)
        self._seen += rows
        self._batch = max(self._batch, rows)
        left = self.rows - self._seen
        if left <= 0 or (self._drops and left < self._batch):
            self._end(update)
            return True
        return before

    def _end(self, update: int) -> None:
        self.ends.append(update)
        self._seen = 0


class Snapshots:
    """Copies of weights: before the first update, after ever more updates, at the end.

    Args:
        limit: How many at most.

    Attributes:
        kept: (updates, epochs, weights by name).
    """

    def __init__(self, limit: int = 6) -> None:
        self.limit = limit
        self.kept: list[tuple[int, int, dict[str, Any]]] = []
        self._stride, self._large = 1, False

    def due(self, update: int) -> bool:
        """Whether to copy after so many updates: at powers of two, fewer of them the longer it goes."""
        power = update.bit_length() - 1
        return not self._large and update == 1 << power and power % self._stride == 0

    def keep(self, update: int, epoch: int, state: dict[str, Any]) -> None:
        """Keep weights that are copies already; those of the same moment give way.

        Args:
            update, epoch: Updates made and epochs ended.
            state: Arrays or tensors by name.
        """
        if self.kept and self.kept[-1][0] == update:
            self.kept.pop()
        self.kept.append((update, epoch, state))
        self._large = sum(value.nbytes for value in state.values()) > LARGEST
        while len(self.kept) > self.limit:
            self._stride *= 2
            first, *between, last = self.kept
            self.kept = [first, *(one for one in between if _on_stride(one[0], self._stride)), last]

    def date(self, ends: list[int]) -> None:
        """Put the epochs right, where it is known afterwards only when each ended.

        Args:
            ends: Updates made when each epoch ended.
        """
        self.kept = [(update, sum(end <= update for end in ends), state) for update, _, state in self.kept]


def _on_stride(update: int, stride: int) -> bool:
    power = update.bit_length() - 1
    return update == 1 << power and power % stride == 0


class Losses:
    """The loss of each update, read from the device now and then."""

    def __init__(self) -> None:
        self.values: list[float | None] = []
        self._waiting: list[list[Any]] = []

    def add(self, values: list[Any]) -> None:
        """Those of one update, of which the mean counts: tensors of one number; none where it was not seen."""
        self._waiting.append(values)
        if len(self._waiting) >= FLUSH:
            self.read()

    def read(self) -> list[float | None]:
        """All of them so far; None where none was seen."""
        waiting, self._waiting = self._waiting, []
        first = len(self.values)
        self.values += [None] * len(waiting)  # what cannot be read was not seen, and is not asked for again
        numbers = iter(_read([value for values in waiting for value in values]))
        for place, values in enumerate(waiting, first):
            if values:
                self.values[place] = sum(next(numbers) for _ in values) / len(values)
        return self.values


def _read(values: list[Any]) -> list[float]:
    """Tensors of one number as numbers; those of one device together, as each reading makes it wait."""
    import torch

    places: dict[Any, list[int]] = {}
    for place, value in enumerate(values):
        places.setdefault((value.device, value.dtype), []).append(place)
    found = [float("nan")] * len(values)
    for own in places.values():
        for place, number in zip(own, torch.stack([values[k] for k in own]).tolist(), strict=True):
            found[place] = number
    return found


class Gathered:
    """Rows and targets of the batches themselves, where no data were given.

    Attributes:
        x, y: Those that are kept, one of each kind.
        whole: Whether all seem to have been seen: the last few were none that was new. Copies may come before others.
        closed: Whether so many were none that no more are looked at.
    """

    def __init__(self) -> None:
        self.x: list[np.ndarray] = []
        self.y: list[np.ndarray] = []
        self.whole = self.closed = False
        self._places: dict[bytes, int] = {}
        self._first: list[int] = []
        self._last: deque[int] = deque(maxlen=AGAIN)
        self._period: int | None = None
        self._passed, self._looked, self._met, self._again, self._old = 0, 0, 0, 0, 0
        self._needed = AGAIN

    @property
    def rows(self) -> int:
        """Rows of an epoch, where all have been seen; copies count where they come in the same order again."""
        return self._period or len(self.x)

    @property
    def full(self) -> bool:
        """Whether no more rows are kept, although there may be others."""
        return not self.whole and len(self.x) >= MOST_ROWS

    def add(self, x: Any, y: Any) -> None:
        """Rows of one batch; of those that are no longer kept, the first few are looked for among the kept ones."""
        if self.closed or len(x) != len(y):
            return
        first = min(len(x), SAMPLED)
        self._looked += first
        if self.full:
            again = sum(
                _key(*pair) in self._places for pair in zip(array_of(x[:first]), array_of(y[:first]), strict=True)
            )
            self._met, self._again = self._met + again, self._again + again
            return
        for row, target in zip(array_of(x), array_of(y), strict=True):
            place = self._places.setdefault(_key(row, target), len(self.x))
            if place == len(self.x):
                self.x.append(np.array(row))
                self.y.append(np.array(target))
                if self._old >= self._needed:  # told wrongly, it waits twice as long the next time, up to an epoch
                    self._needed = min(2 * self._needed, max(AGAIN, len(self.x)))
                self._old, self._period = 0, None
            else:
                self._old += 1
            self._follow(place)
        self._met += first
        self.whole, self.closed = self._old >= self._needed, self._old >= MOST_ROWS

    def _follow(self, place: int) -> None:
        """Note the order of rows, and after how many it began anew."""
        self._passed += 1
        self._last.append(place)
        if len(self._first) < AGAIN:
            self._first.append(place)
        elif self._period is None and self._old >= AGAIN and [*self._last] == self._first:
            self._period = self._passed - AGAIN

    def rows_of_epoch(self, seen: int) -> int | None:
        """About how many rows an epoch has where not all are kept; None where hardly any came again.

        Each row comes once an epoch, so that the kept ones are the same share of the rows looked at as of an epoch's.

        Args:
            seen: Rows of all updates, of which epochs are a whole number.
        """
        if self._again < AGAIN:
            return None
        epochs = seen * self._met / (self._looked * self._passed)
        return max(round(seen / max(round(epochs), 1)), 1)

    def arrays(self) -> tuple[np.ndarray, np.ndarray] | None:
        """All of them, or None where there are none."""
        return (np.stack(self.x), np.stack(self.y)) if self.x else None


def state_of(module: Any) -> dict[str, Any]:
    """A copy of a module's tensors by name, in main memory."""
    return {name: value.detach().to("cpu", copy=True) for name, value in module.state_dict().items()
            if hasattr(value, "detach")}  # fmt: skip


def _key(row: np.ndarray, target: np.ndarray) -> bytes:
    return row.tobytes() + np.asarray(target).tobytes()


class Shadow:
    """A copy of a module and its loss that figures are computed with, so that the user's own stay untouched."""

    def __init__(self, module: Any, loss_fn: Any) -> None:
        self.module = copy.deepcopy(module)
        self.loss_fn = copy.deepcopy(loss_fn)
        if any(str(weight.dtype) in HALF for weight in self.module.parameters()):
            # Rounding to three digits would look like another computation.
            self.module.float()
            if hasattr(self.loss_fn, "float"):
                self.loss_fn.float()
        # Hooks of the user's would see rows that are none of their loop's.
        for one in self.module.modules():
            for name in ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks"):
                getattr(one, name).clear()

    def outputs(self, state: dict[str, Any], x: Any) -> Any:
        """Outputs at inference, as a tensor.

        Args:
            state: Weights by name.
            x: Rows, a tensor.
        """
        import torch

        self.module.load_state_dict(state, strict=False)
        self.module.eval()
        with torch.no_grad(), torch.random.fork_rng(enabled=True, devices=[]):
            return torch.cat([self.module(part) for part in x.split(1024)])

    def loss(self, state: dict[str, Any], x: Any, y: Any) -> float:
        """The mean loss of rows.

        Raises:
            Exception: whatever the user's module or loss raises, as on targets that the loop prepares in its own way.
        """
        import torch

        with torch.no_grad():
            outputs = self.outputs(state, x)
            if y.shape != outputs.shape and y.numel() == outputs.numel() and y.is_floating_point():
                y = y.reshape(outputs.shape)
            value = self.loss_fn(outputs, y).detach().double()
        return float(value.mean()) / terms(self.loss_fn, outputs)


def terms(loss_fn: Any, outputs: Any) -> int:
    """How many terms a loss adds up that gives a sum in place of a mean; 1 for a mean.

    Args:
        loss_fn: The loop's loss.
        outputs: What it was given, (rows, …).
    """
    from .watch_training import BY_ROW, kind_of

    if getattr(loss_fn, "reduction", "mean") != "sum" or not getattr(outputs, "ndim", 0):
        return 1
    return len(outputs) if kind_of(loss_fn) in BY_ROW else outputs.numel()


def tensors(x: Any, y: Any, like: Any) -> tuple[Any, Any]:
    """Rows and targets as tensors of the module's type and device.

    Args:
        x, y: NumPy arrays or tensors.
        like: A parameter of the module.
    """
    import torch

    found = []
    for value in (x, y):
        tensor = value.detach() if hasattr(value, "detach") else torch.as_tensor(np.asarray(value))
        if tensor.is_floating_point():
            tensor = tensor.to(like.dtype)
        elif tensor.dtype in (torch.int32, torch.int16, torch.int8, torch.uint8) and value is y:
            tensor = tensor.long()
        found.append(tensor.to(like.device))
    return found[0], found[1]
