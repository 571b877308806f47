"""watch: a training loop of PyTorch under the doctor's eye, unchanged; then a report like that of `diagnose`.

Hooks note what goes by and change nothing: neither a number nor a mode nor the state of random numbers. PyTorch is
imported inside functions only.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from typing import Any

import numpy as np

from ..errors import InputError, StateError
from ..models.transfer_torch import array_of
from .watch_notes import Note, quiet, said
from .watch_seen import MOST_ROWS, SAMPLED, Epochs, Gathered, Losses, Shadow, Snapshots, state_of, tensors, terms

BROADCAST = ("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss")  # they take shapes that differ, and pair all with all
FIRST = 3  # updates before which gradients are looked at for having been cleared


def watch(module: Any, optimizer: Any, loss_fn: Any, data: Any = None, validation_data: Any = None) -> Watch:
    """Watch a training loop of PyTorch: `with watch(…) as w:` around the loop, then `w.report()`.

    Args:
        module: The torch.nn.Module that is trained; it is never changed.
        optimizer: The torch.optim.Optimizer of the loop.
        loss_fn: What the loop calls with (outputs, targets): a loss module or a function of torch.nn.functional.
            A loss of your own is known by the attribute `jindan_loss`, such as "categorical_crossentropy".
        data: (X, y), the training rows as the module takes them, arrays or tensors; without it, rows are gathered
            from the batches that go by.
        validation_data: (X, y) that the loop does not train on.

    Returns:
        A Watch, to be used as a context.

    Raises:
        InputError: where these are no module and optimizer of PyTorch.
    """
    if not hasattr(module, "register_forward_hook") or not hasattr(module, "state_dict"):
        raise InputError(
            "There is no module of PyTorch to watch.", where="watch", expected="a torch.nn.Module",
            received=type(module).__name__, help="For a model of Keras: fit(..., callbacks=[KerasDoctor()]).",
        )  # fmt: skip
    if not hasattr(optimizer, "register_step_post_hook"):
        raise InputError(
            "The optimizer cannot be watched.", where="watch", expected="a torch.optim.Optimizer of PyTorch 2",
            received=type(optimizer).__name__,
            help="with jd.doctor.watch(module, optimizer, loss_fn, data=(X, y)) as w: …",
        )  # fmt: skip
    return Watch(module, optimizer, loss_fn, _pair(data, "data"), _pair(validation_data, "validation_data"))


def _pair(data: Any, name: str) -> Any:
    if data is None:
        return None
    if not isinstance(data, (tuple, list)) or len(data) != 2 or len(data[0]) != len(data[1]):
        raise InputError(
            f"{name} is not a pair of rows and targets.", where=name, expected="(X, y), as many of one as of the other",
            received=type(data).__name__, help=f"{name}=(X, y)",
        )  # fmt: skip
    return tuple(value if hasattr(value, "detach") else np.asarray(value) for value in data)


class Watch:
    """A loop under watch.

    Attributes:
        module, optimizer, loss_fn: The loop's own.
        data, validation_data: Pairs of rows and targets, or None.
        updates: Updates made.
        rows: Rows of each update.
        notes: What was seen that no finding tells.
    """

    def __init__(self, module: Any, optimizer: Any, loss_fn: Any, data: Any, validation_data: Any) -> None:
        self.module, self.optimizer, self.loss_fn = module, optimizer, loss_fn
        self.data, self.validation_data = data, validation_data
        self.updates, self.rows, self.notes = 0, [], []  # type: tuple[int, list[int], list[Note]]
        self.epochs = Epochs(None if data is None else len(data[0]))
        self.losses, self.snapshots, self.gathered = Losses(), Snapshots(), Gathered()
        self.history: dict[str, list[float]] = {"loss": [], "val_loss": []}
        self.rates: list[float] = []
        self.broadcast: tuple[Any, Any] | None = None  # shapes of outputs and targets that differ
        self.shadow: Shadow | None = None
        self.trained: set[str] = set()  # names of the parameters that the optimizer changes
        self.decays: dict[str, float] = {}  # weight decay by the name of the parameter
        self._handles: list[Any] = []
        self._batch: list[tuple[Any, int]] = []  # (inputs, rows) whose gradients wait for an update
        self._loss: list[tuple[Any, Any]] = []  # (loss, targets) likewise
        self._unseen: set[str] = set()  # figures that the copy cannot compute
        self.starts: list[bytes] = []  # the first row of the first epochs, to tell whether rows are shuffled
        self._fresh = True
        self._began: float | None = None
        self.seconds: float | None = None  # inside the `with`

    # -- the context ---------------------------------------------------------------------------------------------

    def __enter__(self) -> Watch:
        if self._handles:
            raise StateError("The loop is being watched already.", where="watch", help="One `with` a loop.")
        try:
            self.shadow = Shadow(self.module, self.loss_fn)
        except Exception as error:  # copying is up to the user's classes
            self.notes.append(Note("uncopied", {"said": said(error)}))
        self._note_trained()
        self.rates.append(float(self.optimizer.param_groups[0]["lr"]))
        self.snapshots.keep(0, 0, state_of(self.module))
        self._began = time.perf_counter()
        self._handles = [
            self.module.register_forward_hook(self._saw_forward, with_kwargs=True),
            self.optimizer.register_step_post_hook(self._saw_step),
        ]
        if hasattr(self.loss_fn, "register_forward_hook"):
            self._handles.append(self.loss_fn.register_forward_hook(self._saw_loss, with_kwargs=True))
        return self

    def __exit__(self, *error: Any) -> None:
        if self._began is not None:
            self.seconds = time.perf_counter() - self._began
        for handle in self._handles:
            handle.remove()
        self._handles = []
        self._batch, self._loss = [], []
        self._finish()

    @quiet
    def _finish(self) -> None:
        self._note_trained()
        self.snapshots.keep(self.updates, len(self.epochs.ends), state_of(self.module))
        self.losses.read()
        if not self.epochs_known:
            self._estimate_epochs()

    @property
    def epochs_known(self) -> bool:
        """Whether it is known where epochs end; where all rows are kept, they are one epoch at least."""
        return self.epochs.rows is not None or not self.gathered.full

    def _estimate_epochs(self) -> None:
        rows = self.gathered.rows_of_epoch(sum(self.rows))
        if rows is None:
            self.notes.append(Note("epochs-unknown", {"kept": MOST_ROWS}))
            return
        self.epochs.rows = rows
        for update, seen in enumerate(self.rows, 1):
            self.epochs.add(update, seen)
        self.snapshots.date(self.epochs.ends)
        self.rates.append(float(self.optimizer.param_groups[0]["lr"]))
        self.notes.append(Note("epochs-estimated", {"kept": MOST_ROWS, "rows": rows}))

    def _note_trained(self) -> None:
        held = {id(p) for group in self.optimizer.param_groups for p in group["params"]}
        self.trained |= {name for name, p in self.module.named_parameters() if p.requires_grad and id(p) in held}
        names = {id(p): name for name, p in self.module.named_parameters()}
        for group in self.optimizer.param_groups:
            for p in group["params"]:
                self.decays.setdefault(names.get(id(p), ""), float(group.get("weight_decay") or 0.0))

    # -- hooks: none returns or raises anything, so that nothing is changed --------------------------------------------

    @quiet
    def _saw_forward(self, module: Any, args: Any, kwargs: Any, output: Any) -> None:
        """Rows count once the gradient of their outputs is asked for: those of an evaluation never are."""
        given = next((v for v in (*args, *kwargs.values()) if hasattr(v, "shape") and v.ndim), None)
        found = next((v for v in _parts(output) if getattr(v, "requires_grad", False)), None)
        if given is None or found is None:
            return
        most = 1 if self.data is not None or self.gathered.closed else SAMPLED if self.gathered.full else len(given)
        entry = (given.detach()[:most].clone(), int(given.shape[0]))
        found.register_hook(lambda _: self._asked(self._batch, entry))

    @quiet
    def _saw_loss(self, loss_fn: Any, args: Any, kwargs: Any, output: Any) -> None:
        pair = [v for v in (*args, *kwargs.values()) if hasattr(v, "shape")]
        target = pair[1].detach() if len(pair) > 1 else None
        if not getattr(output, "requires_grad", False):
            return
        if self.broadcast is None and target is not None and type(loss_fn).__name__ in BROADCAST:
            shapes = tuple(pair[0].shape), tuple(target.shape)
            # Shapes that differ by axes of length 1 alone, as of a last batch of one row, pair each with its own.
            pairs, *own = map(math.prod, (np.broadcast_shapes(*shapes), *shapes))
            self.broadcast = shapes if pairs > min(own) else None
        entry = (output.detach().mean().clone() / (terms(loss_fn, pair[0]) if pair else 1), target)
        output.register_hook(lambda _: self._asked(self._loss, entry))

    @quiet
    def _asked(self, waiting: list[Any], entry: Any) -> None:
        """Gradients are asked for: what is noted belongs to the next update."""
        if self._fresh and 0 < self.updates <= FIRST:
            self._look_for_old_gradients()
        self._fresh = False
        waiting.append(entry)

    def _look_for_old_gradients(self) -> None:
        old = [p.grad for p in self.module.parameters() if p.grad is not None]
        note = Note("gradients-add-up")
        if old and any(bool((gradient != 0).any()) for gradient in old) and note not in self.notes:
            self.notes.append(note)

    @quiet
    def _saw_step(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        batch, losses = self._batch, self._loss
        self._batch, self._loss, self._fresh = [], [], True
        self.updates += 1
        rows = sum(n for _, n in batch) or sum(len(t) for _, t in losses if t is not None and t.ndim)
        self.rows.append(rows)
        self.losses.add([value for value, _ in losses])
        if self.data is None and len(batch) == len(losses) == 1:
            self._gather(batch[0][0], losses[0][1])
        if batch and batch[0][1] and self._starting() and len(self.starts) < 3:
            self.starts.append(array_of(batch[0][0][:1]).tobytes())
        if self.epochs.add(self.updates, rows):
            self._end_epoch()
        if self.snapshots.due(self.updates):
            self.snapshots.keep(self.updates, len(self.epochs.ends), state_of(self.module))

    def _starting(self) -> bool:
        """Whether the update at hand is the first of an epoch."""
        return self.updates == 1 or (bool(self.epochs.ends) and self.epochs.ends[-1] == self.updates - 1)

    def _gather(self, x: Any, y: Any) -> None:
        if y is None or not y.ndim:
            return
        self.gathered.add(x, y[: len(x)] if self.gathered.full else y)
        rows = self.gathered.rows if self.gathered.whole else None
        if rows != self.epochs.rows:
            self._retell(rows)

    def _retell(self, rows: int | None) -> None:
        """Epochs have so many rows as far as is known now: when they ended is told anew."""
        self.epochs = Epochs(rows)
        for update, seen in enumerate(self.rows[:-1] if rows else (), 1):
            self.epochs.add(update, seen)
        self.snapshots.date(self.epochs.ends)
        del self.starts[1:]
        for figures in self.history.values():
            figures.clear()

    def _end_epoch(self) -> None:
        """Figures that the hooks do not see, from the copy."""
        self.rates.append(float(self.optimizer.param_groups[0]["lr"]))
        like = None if self.shadow is None else next(self.shadow.module.parameters(), None)
        if self.shadow is None or like is None:
            return
        state = self.module.state_dict()
        for name, pair in (("loss", self.data), ("val_loss", self.validation_data)):
            seen = name == "loss" and hasattr(self.loss_fn, "register_forward_hook")
            if pair is None or seen or name in self._unseen:
                continue
            x, y = tensors(pair[0][:MOST_ROWS], pair[1][:MOST_ROWS], like)
            try:
                self.history[name].append(self.shadow.loss(state, x, y))
            except Exception as error:  # module and loss are the user's, and may do anything
                self._unseen.add(name)
                self.notes.append(Note("loss-unseen", {"figure": name, "said": said(error)}))

    # -- what was seen -------------------------------------------------------------------------------------------

    @property
    def batch_size(self) -> int:
        """Rows of most updates."""
        counts = Counter(self.rows)
        return max(max(counts, key=lambda n: (counts[n], n)), 1) if counts else 1

    @property
    def first_nonfinite(self) -> int | None:
        """The first update whose loss was not finite; None where all were, or losses were not seen."""
        if not hasattr(self.loss_fn, "register_forward_hook"):
            bad = [i for i, value in enumerate(self.history["loss"]) if not np.isfinite(value)]
            return self.epochs.ends[bad[0]] if bad else None
        bad = [i for i, value in enumerate(self.losses.read()) if value is not None and not np.isfinite(value)]
        return bad[0] + 1 if bad else None

    @property
    def observed(self) -> Any:
        """The training as a Case, or why it is none: an `Observed`."""
        from .watch_case import observed_of

        return observed_of(self)

    def report(self) -> Any:
        """What the doctor has to say: a Report, as `jindan.diagnose` gives it.

        Its `repair()` works on a copy in jindan; what it changes is advice, and the module stays as it is.

        Raises:
            StateError: where no update has been seen.
        """
        from .watch_case import report_of

        if not self.updates:
            raise StateError(
                "No update has been seen.", where="watch", expected="a loop with optimizer.step() inside the `with`",
                received="none", help="with jd.doctor.watch(module, optimizer, loss_fn, data=(X, y)) as w: …",
            )  # fmt: skip
        return report_of(self.observed)


def _parts(value: Any) -> tuple[Any, ...]:
    if isinstance(value, dict):
        return tuple(value.values())
    return tuple(value) if isinstance(value, (tuple, list)) else (value,)
