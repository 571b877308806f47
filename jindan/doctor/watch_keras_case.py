"""What was watched of a Keras model, as a Case: its config read as layers of jindan, which have Keras's names."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import numpy as np

from .. import constraints, initializers, losses, optimizers, regularizers, schedules
from .. import layers as L
from ..engine import devices
from ..engine.data import Data
from ..errors import JindanError
from ..layers.base import Context, Layer
from ..layers.wiring import Wiring
from ..plan import Plan
from ..spec import get
from .evidence import Case, Moment
from .watch_case import Observed, why_of
from .watch_chain import NoCounterpart
from .watch_keras import layers_in
from .watch_layers import agreeing

ROOMS = (L, initializers, regularizers, constraints, schedules)
BESIDE = ("mask", "initial_state", "query_mask", "value_mask", "key_mask", "attention_mask")  # inputs beside the others
CHECKED = 16  # rows on which the layers are compared with the model


def observed_of(doctor: Any) -> Observed:
    """What a KerasDoctor has seen; see `Observed`."""
    try:
        return Observed(_whole(doctor), None, tuple(doctor.notes))
    except (NoCounterpart, JindanError) as error:
        why = why_of(error)
    case = None
    if doctor.data is not None:
        loss = _loss_or(doctor.trained, "mse")
        plan = Plan((), loss=loss, optimizer="adam", batch_size=batch_of(doctor), epochs=max(doctor.epochs, 1), seed=0)
        data = Data.of(doctor.data[0], doctor.data[1], validation=doctor.validation_data)
        case = Case(plan, data.input_shape, data, doctor.history, (), doctor.first_nonfinite)
    return Observed(case, why, tuple(doctor.notes))


def report_of(doctor: Any) -> Any:
    """The doctor's Report.

    Raises:
        InputError: where there are neither rows nor layers to look at.
    """
    from . import watch_case

    observed = observed_of(doctor)
    if doctor.data is not None or observed.case is None:
        return watch_case.report_of(observed)
    return replace(unseen(observed.case), notes=observed.told)


def unseen(case: Case) -> Any:
    """A report without rows: curves, weights, output layer and loss.

    Args:
        case: A training whose data are empty.
    """
    from .causes import in_order
    from .checks import suspects
    from .course import course_of
    from .diagnosis import Report
    from .facts import Facts
    from .findings import Finding
    from .probes_layers import twins
    from .ranking import ranked
    from .static import TOLERABLE, pairing

    network = case.plan.network(case.input_shape)
    loss, held = course_of(case.history.get("loss", ()), None), course_of(case.history.get("val_loss", ()), None)
    facts = Facts(case, "other", loss, held, None)
    found = []
    wrong = pairing(case.plan, case.input_shape, None)
    if wrong is not None:
        severity = "warning" if wrong[0] in TOLERABLE else "error"
        title = network.title(len(network.layers) - 1)
        found.append(Finding("output-loss-mismatch", severity, title, {"reason": wrong[0], **wrong[1]}, 0.99))
    if case.first_nonfinite is not None:
        found.append(Finding("nonfinite-values", "error", None, {"first_update": case.first_nonfinite}, 1.0))
    if case.moments:
        weights = network.join(case.moments[-1].trained, case.moments[-1].fixed)
        for index, own in enumerate(weights[:-1]):
            if twins(network.layers[index], own, int(network.shapes[index][-1])) == 1.0:
                evidence = {"fraction": 1.0}
                found.append(Finding("symmetric-init", "error", network.title(index), evidence, 0.9))
    known = {finding.code for finding in found}
    rest = [finding for finding in ranked(facts, suspects(facts)) if finding.code not in known]
    return Report(in_order([*found, *rest]), facts, repairable=False)


# -- the case ----------------------------------------------------------------------------------------------------


def _whole(doctor: Any) -> Case:
    model = doctor.trained
    layers, wiring, shape, names = structure_of(model)
    plan = Plan(
        layers, wiring=wiring, loss=loss_of(model), optimizer=optimizer_of(model.optimizer, doctor.settings),
        batch_size=batch_of(doctor), epochs=max(doctor.epochs, 1), seed=0,
    )  # fmt: skip
    network = plan.network(shape)
    moments = tuple(
        Moment(update, epoch, *network.part(_weights(network, names, state)))
        for update, epoch, state in doctor.snapshots.kept
    )
    if doctor.data is None:
        rows = tuple(np.zeros((0, *form), np.float32) for form in network.input_shapes)
        data = Data(rows if len(rows) > 1 else rows[0], np.zeros((0, *network.output_shapes[0]), np.float32))
    else:
        data = Data.of(doctor.data[0], doctor.data[1], validation=doctor.validation_data)
        _check(model, network, _weights(network, names, doctor.snapshots.kept[-1][2]), data)
    return Case(plan, shape, data, doctor.history, moments, doctor.first_nonfinite, bool(model.stop_training),
                seconds=doctor.seconds)  # fmt: skip


def batch_of(doctor: Any) -> int:
    """Rows a batch: as given, or told from rows and batches."""
    if doctor.given_batch:
        return int(doctor.given_batch)
    if doctor.data is None:
        return 32
    return likely_batch(len(doctor.data[1]), max(doctor.steps, 1))


def likely_batch(rows: int, steps: int) -> int:
    """The batch size by which so many rows make so many batches: 32, else a power of two, else the smallest.

    >>> likely_batch(100, 4), likely_batch(100, 2), likely_batch(100, 1), likely_batch(100, 10)
    (32, 64, 100, 10)
    """
    least = -(-rows // steps)
    most = max(least, (rows - 1) // (steps - 1) if steps > 1 else least)
    powers = [2**k for k in range(20) if least <= 2**k <= most]
    return 32 if least <= 32 <= most else powers[-1] if powers else least


def _weights(network: Any, names: list[str], state: dict[str, np.ndarray]) -> tuple:
    """Weights as the network has them; Keras's come in the same order and layout."""
    full: list[dict[str, Any]] = []
    for spec, name in zip(network.specs, names, strict=True):
        arrays = [state.get(f"{name}/{place}") for place in range(len(spec))]
        if any(a is None or a.shape != tuple(w.shape) for a, w in zip(arrays, spec.values(), strict=True)):
            raise NoCounterpart("weights-shaped", name=name)
        full.append(dict(zip(spec, arrays, strict=True)))
    return tuple(full)


def _check(model: Any, network: Any, weights: tuple, data: Data) -> None:
    """The layers have to give what the model gives."""
    from ..engine.data import as_inputs, cut
    from ..models.transfer_torch import array_of

    rows = cut(data.x, slice(0, CHECKED))
    several = isinstance(rows, tuple)
    wanted = array_of(model(list(rows) if several else rows, training=False))
    devices.start()
    with devices.width("float32"):
        found = np.asarray(network.forward(weights, as_inputs(rows, "float32", network.integers), Context()))
    if not agreeing(found, wanted):
        raise NoCounterpart("other-computation")


# -- the structure -----------------------------------------------------------------------------------------------


def structure_of(model: Any) -> tuple[tuple[Layer, ...], Wiring | None, Any, list[str]]:
    """(layers, wiring, shape of a row, names of the layers) of a Sequential or functional model.

    Raises:
        NoCounterpart: where a layer is not known.
    """
    shapes = [tuple(tensor.shape[1:]) for tensor in getattr(model, "inputs", None) or ()]
    if not shapes:
        raise NoCounterpart("unconnected")
    if any(axis is None for shape in shapes for axis in shape):
        raise NoCounterpart("any-length")
    if type(model).__name__ == "Sequential":
        held = [layer for layer in layers_in(model) if type(layer).__name__ != "InputLayer"]
        return tuple(map(layer_of, held)), None, shapes[0], [layer.name for layer in held]
    held, wiring = _graph(model)
    stacked = wiring == Wiring(nodes=tuple((i, (i,)) for i in range(len(held))), outputs=(len(held),))
    shape = shapes[0] if len(shapes) == 1 else tuple(shapes)
    return tuple(map(layer_of, held)), None if stacked else wiring, shape, [layer.name for layer in held]


def _graph(model: Any) -> tuple[list[Any], Wiring]:
    """The layers of a functional model and how they are connected."""
    places = {_key(tensor): number for number, tensor in enumerate(model.inputs)}
    held: list[Any] = []
    nodes: list[tuple[int, tuple[int, ...]]] = []
    numbered = {id(layer): layer for layer in model.layers if type(layer).__name__ != "InputLayer"}
    waiting = [(layer, node) for layer in numbered.values() for node in layer._inbound_nodes]
    while waiting:
        left = []
        for layer, node in waiting:
            sources = [_key(tensor) for tensor in node.input_tensors]
            if any(source not in places for source in sources):
                left.append((layer, node))
                continue
            for name, value in node.arguments.kwargs.items():
                given = {id(part) for part in (value if isinstance(value, (list, tuple)) else [value])}
                if name in BESIDE and given & set(map(id, node.input_tensors)):
                    raise NoCounterpart("no-counterpart", name=f"{name} of {layer.name!r}")
            if not any(one is layer for one in held):
                held.append(layer)
            index = next(i for i, one in enumerate(held) if one is layer)
            places[_key(node.output_tensors[0])] = len(model.inputs) + len(nodes)
            nodes.append((index, tuple(places[source] for source in sources)))
        if len(left) == len(waiting):
            break  # calls of the layers in other models
        waiting = left
    try:
        outputs = tuple(places[_key(tensor)] for tensor in model.outputs)
    except KeyError:
        raise NoCounterpart("inner-outputs") from None
    return held, Wiring(nodes=tuple(nodes), outputs=outputs, inputs=len(model.inputs))


def _key(tensor: Any) -> tuple[int, int, int]:
    history = tensor._keras_history
    return id(history.operation), history.node_index, history.tensor_index


def layer_of(layer: Any) -> Layer:
    """One layer of Keras as the layer of the same name.

    Raises:
        NoCounterpart: where there is none, or a setting has no counterpart.
    """
    kind = type(layer).__name__
    if getattr(L, kind, None) is None or not type(layer).__module__.startswith("keras"):
        raise NoCounterpart("no-layer", name=f"{kind} {layer.name!r}")
    found = made({"class_name": kind, "config": layer.get_config()})
    return found.replace(trainable=bool(layer.trainable), input_shape=None)


def made(config: Any) -> Any:
    """What a config of Keras stands for: a layer, an initialiser, a schedule, … or the value itself."""
    if isinstance(config, (list, tuple)):
        return tuple(map(made, config))
    if not isinstance(config, dict) or "class_name" not in config:
        return config
    name, inside = config["class_name"], config.get("config")
    if not isinstance(inside, dict):
        return inside  # a function, such as an activation, by name
    kind = next((found for room in ROOMS if is_dataclass(found := getattr(room, name, None))), None)
    if kind is None:
        raise NoCounterpart("no-counterpart", name=name)
    return kind(**_known(kind, inside))  # type: ignore[operator]


def _known(kind: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The settings of a config that a class of ours has, too."""
    names = {field.name for field in fields(kind)} - {"dtype", "input_shape", "batch_shape"}
    if kind in (L.EinsumDense, L.MultiHeadAttention):
        names.add("output_shape")  # a method here: the field has another name
    return {name: made(value) for name, value in config.items() if name in names}


def loss_of(model: Any) -> Any:
    """The loss a model was compiled with."""
    given = model.loss
    if isinstance(given, (list, tuple, dict)) or given is None:
        raise NoCounterpart("several-losses")
    try:
        if isinstance(given, str):
            return get("loss", given, where="loss")
        kind = getattr(losses, type(given).__name__, None)
        if isinstance(kind, type) and hasattr(given, "get_config"):
            config = {key: value for key, value in given.get_config().items() if key not in ("name", "reduction")}
            return kind(**_known(kind, config))
        return get("loss", given.__name__, where="loss")
    except (JindanError, AttributeError):
        raise NoCounterpart("unknown-loss", name=given) from None


def _loss_or(model: Any, other: str) -> Any:
    try:
        return loss_of(model)
    except NoCounterpart:
        return other


def optimizer_of(given: Any, config: dict[str, Any]) -> Any:
    """The optimizer a model was compiled with.

    Args:
        given: The optimizer of Keras.
        config: Its settings when training began.
    """
    kind = getattr(optimizers, type(given).__name__, None)
    if not isinstance(kind, type):
        raise NoCounterpart("unknown-optimizer", name=type(given).__name__)
    config = {name: _plain(value) for name, value in config.items() if name != "name" and value is not None}
    if config.get("weight_decay") == 0:
        config.pop("weight_decay")
    return kind(**_known(kind, config))


def _plain(value: Any) -> Any:
    """A number of NumPy's, or one that was held as float32, as it was written."""
    if isinstance(value, np.generic) or (hasattr(value, "item") and value.ndim == 0):
        value = value.item()
    return float(str(np.float32(value))) if isinstance(value, float) and np.float32(value) == value else value
