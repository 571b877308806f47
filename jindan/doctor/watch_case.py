"""What was watched, as a Case: the module in jindan's layers, its weights, its loop as a plan."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..engine import devices
from ..engine.data import Data
from ..errors import InputError, JindanError
from ..layers.base import Context, Layer
from ..layers.network import Network, Weights
from ..losses import Loss
from ..models.transfer_torch import array_of
from ..plan import Plan
from .evidence import Case, Moment
from .findings import Finding
from .watch_chain import NoCounterpart
from .watch_layers import Converted, agreeing, layers_of
from .watch_notes import Note, said
from .watch_seen import tensors
from .watch_training import Aim, aim_of, descent_of, kind_of, penalised

CHECKED = 16  # rows on which the layers are compared with the module


@dataclass(frozen=True)
class Observed:
    """What was seen of a loop.

    Attributes:
        case: The training as the doctor is given it, or None where there were no rows to look at. Its plan has no
            layers where the module cannot be said in jindan's; loss, optimizer and data are looked at all the same.
        why: Why the case is missing or has no layers, or None.
        notes: What differs between loop and plan.
        findings: What the hooks themselves have shown.
        trials: Whether repairs may be tried in short trainings of the plan.
    """

    case: Case | None
    why: Note | None = None
    notes: tuple[Note, ...] = ()
    findings: tuple[Finding, ...] = field(default=())
    trials: bool = True

    @property
    def reason(self) -> str:
        """Why the case is missing or has no layers, in English; "" otherwise."""
        return "" if self.why is None else str(self.why)

    @property
    def told(self) -> tuple[Note, ...]:
        """All that a report notes beside its findings."""
        return self.notes if self.why is None else (*self.notes, self.why)


def observed_of(watch: Any) -> Observed:
    """What a Watch has seen; see `Observed`."""
    found = own_findings(watch)
    pair = watch.data if watch.data is not None else watch.gathered.arrays()
    if pair is None:
        return Observed(None, Note("no-rows"), tuple(watch.notes), found)
    arrays = array_of(pair[0]), array_of(pair[1])
    held = watch.validation_data
    held = None if held is None else (array_of(held[0]), array_of(held[1]))
    try:
        case, notes = _whole(watch, arrays, held)
        return Observed(case, None, (*watch.notes, *notes), found, watch.epochs_known)
    except (NoCounterpart, JindanError) as error:
        return Observed(_bare(watch, arrays, held), why_of(error), tuple(watch.notes), found)


def why_of(error: NoCounterpart | JindanError) -> Note:
    """The note that tells why there are no layers."""
    return error.note if isinstance(error, NoCounterpart) else Note("refused", {"said": error.what})


def report_of(observed: Observed) -> Any:
    """The doctor's Report.

    Raises:
        InputError: where there is nothing to look at.
    """
    from .diagnosis import examine

    if observed.case is None:
        raise InputError(
            "There are no rows to look at.", where="watch", expected="data=(X, y)", received="none",
            help=observed.reason,
        )  # fmt: skip
    report = examine(observed.case, trials=observed.trials and bool(observed.case.plan.layers))
    report = replace(report, notes=observed.told, repairable=observed.trials)
    if not observed.findings:
        return report
    known = {finding.code for finding in observed.findings}
    rest = tuple(finding for finding in report.findings if finding.code not in known)
    return replace(report, findings=(*observed.findings, *rest))


def own_findings(watch: Any) -> tuple[Finding, ...]:
    """Faults that only the running loop shows: outputs (n, 1) and targets (n,) make n² pairs."""
    if watch.broadcast is None:
        return ()
    outputs, targets = (list(shape) for shape in watch.broadcast)
    evidence = {"reason": "targets-broadcast", "loss": kind_of(watch.loss_fn), "outputs_shape": outputs,
                "targets_shape": targets}  # fmt: skip
    return (Finding("output-loss-mismatch", "error", None, evidence, 0.99),)


# -- a module that has a counterpart -----------------------------------------------------------------------------


def _whole(watch: Any, arrays: tuple, held: tuple | None) -> tuple[Case, list[Note]]:
    """The case of a module that jindan's layers can say, and what differs."""
    if watch.shadow is None:
        raise NoCounterpart("uncopied")
    module = watch.shadow.module
    shape = arrays[0].shape[1:]
    converted = layers_of(module, shape)
    paths = [part.path for part in converted.parts]
    layers, partly = _frozen(converted, watch.trained)
    x = converted.inputs(arrays[0])
    network = Network(layers, x.shape[1:])
    first = weights_of(network, paths, watch.snapshots.kept[0][2], module)
    _check(watch, network, first, arrays[0][:CHECKED], x[:CHECKED])
    aim = aim_of(watch.loss_fn, layers, arrays[1], int(network.output_shape[-1]))
    descent = descent_of(watch.optimizer, _factor(aim, watch.batch_size, network))
    ended = aim.layers
    if descent.coupled:
        own = [_decays(watch.decays, path) for path in paths] + [{}] * (len(aim.layers) - len(paths))
        ended = tuple(penalised(layer, decays) for layer, decays in zip(aim.layers, own, strict=True))
    plan = _plan(watch, ended, aim, descent.optimizer)
    final = plan.network(x.shape[1:])
    moments = tuple(
        Moment(update, epoch, *final.part(weights_of(final, paths, state, module)))
        for update, epoch, state in watch.snapshots.kept
    )
    validation = None
    if held is not None:
        targets = aim_of(watch.loss_fn, layers, held[1], int(network.output_shape[-1])).targets
        validation = (converted.inputs(held[0]), targets)
    data = Data.of(x, aim.targets, None, validation)
    case = Case(plan, x.shape[1:], data, history_of(watch), moments, watch.first_nonfinite, seconds=watch.seconds)
    notes = [*converted.notes, *partly, *aim.notes, *descent.notes]
    if len({round(rate, 12) for rate in watch.rates}) > 1:
        notes.append(Note("rate-changed"))
    return case, notes


def _decays(decays: dict[str, float], path: str | None) -> dict[str, float]:
    """λ of the penalty on each parameter of one module."""
    head = f"{path}." if path else ""
    return {} if path is None else {n.removeprefix(head): d / 2 for n, d in decays.items() if n.startswith(head)}


def _factor(aim: Aim, batch: int, network: Network) -> float:
    """How many times the loop's loss, where it is a sum, is the mean."""
    outputs = int(np.prod(network.output_shape)) if aim.scale == "outputs" else 1
    return float(batch * outputs) if aim.scale else 1.0


def _plan(watch: Any, layers: tuple[Layer, ...], aim: Aim, optimizer: Any) -> Plan:
    like = next(watch.shadow.module.parameters(), None)
    double = like is not None and str(like.dtype) == "torch.float64"
    return Plan(
        layers, loss=aim.loss, optimizer=optimizer, batch_size=watch.batch_size, epochs=max(len(watch.epochs.ends), 1),
        seed=0, shuffle=shuffles(watch), class_weight=aim.class_weight or (), dtype="float64" if double else "float32",
    )  # fmt: skip


def shuffles(watch: Any) -> bool:
    """Whether epochs begin with different rows, or with others than the data do; True where one epoch tells nothing."""
    starts = watch.starts
    if len(starts) < 2 or len(set(starts)) > 1:
        return True
    if watch.data is None:
        return False
    like = next(watch.module.parameters())
    first, _ = tensors(watch.data[0][:1], watch.data[1][:1], like)
    return array_of(first).tobytes() != starts[0]


def _frozen(converted: Converted, trained: set[str]) -> tuple[tuple[Layer, ...], list[Note]]:
    """The layers, those that the optimizer does not change marked as fixed."""
    found, notes = [], []  # type: tuple[list[Layer], list[Note]]
    for layer, path in ((part.layer, part.path) for part in converted.parts):
        own = [name for name in trained if path is not None and name.startswith(f"{path}." if path else "")]
        found.append(layer if path is None or own else layer.replace(trainable=False))
    if not any(layer.trainable for layer in found if layer.name) and not trained:
        notes.append(Note("no-parameters"))
    return tuple(found), notes


def weights_of(network: Network, paths: list[str | None], state: dict[str, Any], module: Any) -> Weights:
    """A module's weights in the layouts of a network.

    Args:
        network: Its layers; further ones at the end have no weights.
        paths: For each layer, the name of the module it comes from.
        state: The module's tensors by name.
        module: The module, for the classes of its parts.
    """
    from ..models.transfer_layouts import from_torch
    from ..models.transfer_parts import units_of
    from ..models.transfer_torch import arrays_of, torch_groups

    arrays = arrays_of(OrderedDict(state), "the module") if state else {}
    like = next((value for value in arrays.values() if value.dtype.kind == "f"), np.zeros(0, np.float32))
    groups: dict[str, list[Any]] = {}
    full: list[dict[str, Any]] = [{} for _ in network.layers]
    for unit in units_of(network, split=True):
        path = paths[unit.index]
        assert path is not None
        if path not in groups:
            head = f"{path}." if path else ""
            own = {name: array for name, array in arrays.items() if name.startswith(head)}
            groups[path] = torch_groups(own, module)
        group = groups[path].pop(0)  # several for a recurrent module of several layers
        full[unit.index].update({unit.prefix + n: np.array(a, like.dtype, order="C") for n, a in
                                 from_torch(unit, group).items()})  # fmt: skip
    return network.join(tuple(full), tuple({} for _ in network.layers))


def _check(watch: Any, network: Network, weights: Weights, rows: np.ndarray, x: np.ndarray) -> None:
    """The layers have to give what the module gives."""
    import torch

    like = next(watch.shadow.module.parameters())
    given, _ = tensors(rows, rows, like)
    try:
        wanted = watch.shadow.outputs(watch.snapshots.kept[0][2], given)
    except Exception as error:  # the forward method is the user's, and may do anything
        raise NoCounterpart("rows-refused", said=said(error)) from None
    if not isinstance(wanted, torch.Tensor):
        raise NoCounterpart("several-tensors")
    devices.start()
    double = str(like.dtype) == "torch.float64"
    with devices.width("float64" if double else "float32"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        whole = network.integers[0]
        x = x.astype(np.int32) if whole else x.astype(np.float64 if double else np.float32)
        found = np.asarray(network.forward(weights, x, Context()))
    if not agreeing(found, array_of(wanted)):
        raise NoCounterpart("other-computation")


# -- what is known in any case -----------------------------------------------------------------------------------


def history_of(watch: Any) -> dict[str, list[float]]:
    """Figures by epoch; what was seen of an epoch that no end was seen of counts where there is no other."""
    values, ends = watch.losses.read(), list(watch.epochs.ends) or [watch.updates]
    found: dict[str, list[float]] = {}
    if any(value is not None for value in values):
        begins = [0, *ends[:-1]]
        found["loss"] = [_mean(values[a:b], watch.rows[a:b]) for a, b in zip(begins, ends, strict=True)]
    elif watch.history["loss"]:
        found["loss"] = list(watch.history["loss"])
    if watch.history["val_loss"] and np.isfinite(watch.history["val_loss"]).any():
        found["val_loss"] = list(watch.history["val_loss"])
    return found


def _mean(values: list[float | None], rows: list[int]) -> float:
    """The mean of losses, each as often as its update has rows."""
    pairs = [(value, max(n, 1)) for value, n in zip(values, rows, strict=True) if value is not None]
    return float(np.average([v for v, _ in pairs], weights=[n for _, n in pairs])) if pairs else float("nan")


def _bare(watch: Any, arrays: tuple, held: tuple | None) -> Case | None:
    """A case without layers: the course of the loss, and the data."""
    loss: Loss | str = "mse"
    x, y = arrays
    kind = kind_of(watch.loss_fn)
    if kind in ("CrossEntropyLoss", "NLLLoss") and y.size == len(y):
        loss = "sparse_categorical_crossentropy"
    elif kind in ("BCELoss", "BCEWithLogitsLoss"):
        loss = "binary_crossentropy"
    elif y.ndim == 2 and y.shape[1] > 1 and kind == "CrossEntropyLoss":
        loss = "categorical_crossentropy"
    try:
        optimizer = descent_of(watch.optimizer).optimizer
    except NoCounterpart:
        optimizer = "adam"
    epochs = max(len(watch.epochs.ends), 1)
    try:
        data = Data.of(x, y, None, held)
        plan = Plan((), loss=loss, optimizer=optimizer, batch_size=watch.batch_size, epochs=epochs, seed=0)
    except JindanError:
        return None
    return Case(plan, x.shape[1:], data, history_of(watch), (), watch.first_nonfinite)
