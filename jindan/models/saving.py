"""Models and trainings on disk: plan.json, model.safetensors and their fellows in a folder. No pickle."""

from __future__ import annotations

import json
import os
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.run import Run
from ..errors import FileError, InputError
from ..layers.network import Network, Weights
from ..plan import Plan
from .folders import HISTORY, PLAN, STATE, WEIGHTS, damaged, read_arrays, write_arrays

# -- weights -----------------------------------------------------------------------------------------------------


def flat(weights: Weights) -> dict[str, np.ndarray]:
    """Weights by name: "0.kernel", "0.bias", "2.kernel", … in the order of the layers."""
    return {f"{index}.{name}": np.asarray(w) for index, found in enumerate(weights) for name, w in found.items()}


def unflat(network: Network, arrays: dict[str, np.ndarray], dtype: Any, where: object) -> Weights:
    """Undo `flat`, checking names and shapes."""
    result = []
    for index, spec in enumerate(network.specs):
        found = {}
        for name, weight in spec.items():
            key = f"{index}.{name}"
            if key not in arrays or tuple(arrays[key].shape) != tuple(weight.shape):
                raise InputError(
                    "The weights do not belong to this network.",
                    where=f"{where}: {network.title(index)}, {name}",
                    expected=f"shape {tuple(weight.shape)}",
                    received="nothing" if key not in arrays else f"shape {tuple(arrays[key].shape)}",
                    help="Load them into the network they were saved from.",
                )
            found[name] = np.asarray(arrays[key], dtype=dtype)
        result.append(found)
    return tuple(result)


def write_weights(path: Path, network: Network, weights: Weights) -> None:
    """Weights as one safetensors file, which appears whole or not at all."""
    scratch = path.with_name(f".{path.name}-{uuid.uuid4().hex[:12]}")
    try:
        _write_weights(scratch, network, weights)
        os.replace(scratch, path)
    except OSError as error:
        raise FileError(
            "The weights cannot be written.", where=path, received=str(error), help="Choose another place."
        ) from None
    finally:
        scratch.unlink(missing_ok=True)


def _write_weights(path: Path, network: Network, weights: Weights) -> None:
    names = {"layer_names": json.dumps([layer.name for layer in network.layers])}
    write_arrays(path, flat(weights), names)


# -- trees -------------------------------------------------------------------------------------------------------


def write_tree(path: Path, tree: Any) -> None:
    """A nested structure of dicts, tuples and arrays as one safetensors file."""
    import jax

    leaves = jax.tree_util.tree_flatten_with_path(tree)[0]
    write_arrays(path, {jax.tree_util.keystr(key): leaf for key, leaf in leaves})


def read_tree(path: Path, like: Any) -> Any:
    """Undo `write_tree` for a structure of the same form."""
    import jax

    arrays = read_arrays(path)
    leaves, form = jax.tree_util.tree_flatten_with_path(like)
    keys = [jax.tree_util.keystr(key) for key, _ in leaves]
    if set(keys) != set(arrays) or any(arrays[k].shape != np.shape(v) for k, (_, v) in zip(keys, leaves, strict=True)):
        raise FileError(
            "The saved state does not belong to this plan.", where=path, expected=f"{len(keys)} arrays",
            received=f"{len(arrays)} arrays", help="Use the plan the state was saved with.",
        )  # fmt: skip
    return jax.tree.unflatten(form, [arrays[key] for key in keys])


# -- runs from weights -------------------------------------------------------------------------------------------


def run_of(plan: Plan, input_shape: tuple[int, ...], weights: Weights) -> Run:
    """A complete Run of no epochs that holds these weights."""
    from ..engine import loop
    from ..engine.supervised import Supervised

    trained, fixed = plan.network(input_shape).part(weights)
    memory = {"trained": trained, "fixed": fixed, "optimizer": plan.optimizer.init(trained)}
    state = loop.fresh_epochs(Supervised(plan.structure, input_shape), plan, memory)
    return Run(plan, tuple(input_shape), weights, {}, 0, None, False, False, None, 0, {}, state)


def with_weights(run: Run, weights: Weights) -> Run:
    """The Run with other weights and the same optimizer memory."""
    trained, fixed = run.network.part(weights)
    return replace(run, weights=weights, state={**run.state, "trained": trained, "fixed": fixed})


def going_on(run: Run, weights: Weights | None) -> Run:
    """An interrupted Run to go on from; weights that were replaced meanwhile take effect."""
    changed = weights is not None and weights is not run.weights
    return replace(with_weights(run, weights) if changed else run, interrupted=True)  # type: ignore[arg-type]


# -- runs --------------------------------------------------------------------------------------------------------


def write_run(folder: Path, run: Run, *, extra: dict[str, Any] | None = None) -> None:
    """Plan, weights, history and the state to go on from, into a folder that `whole_folder` made."""
    body = {
        **run.plan.to_dict(),
        "input_shape": list(run.input_shape),
        "run": {
            "epochs": run.epochs,
            "best_epoch": run.best_epoch,
            "stopped_early": run.stopped_early,
            "interrupted": run.interrupted,
            "first_nonfinite": run.first_nonfinite,
            "steps": run.steps,
            "position": list(run.position),
            "seconds": run.seconds,
        },
        **(extra or {}),
    }
    (folder / PLAN).write_text(json.dumps(body, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    _write_weights(folder / WEIGHTS, run.network, run.weights)
    write_tree(folder / STATE, run.state)
    (folder / HISTORY).write_text(json.dumps(history_json(run.history)) + "\n", encoding="utf-8")


def read_run(folder: str | Path) -> tuple[Run, dict[str, Any]]:
    """Undo `write_run`: the Run and the whole of plan.json.

    Raises:
        FileError: when the folder holds no run, or a damaged one.
    """
    from ..engine import loop
    from ..engine.supervised import Supervised

    folder = Path(folder)
    if not (folder / PLAN).is_file():
        raise FileError(
            "This is no run folder.",
            where=folder,
            expected="a folder with plan.json and model.safetensors",
            received="a folder without plan.json" if folder.is_dir() else "no such folder",
            help="`jindan train` prints the folder it wrote; model.save(path) writes one too.",
        )
    try:
        body = json.loads((folder / PLAN).read_text(encoding="utf-8"))
        input_shape, facts = _shape(body["input_shape"]), body["run"]
    except (json.JSONDecodeError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise damaged(folder / PLAN, error, "Train again, or restore the file.") from None
    known = {"jindan_plan", *(name for name in Plan.__dataclass_fields__)}  # type: ignore[attr-defined]
    try:
        plan = Plan.from_dict({name: value for name, value in body.items() if name in known})
    except (AttributeError, TypeError) as error:
        raise damaged(folder / PLAN, error, "Train again, or restore the file.") from None
    network = plan.network(input_shape)
    weights = unflat(network, read_arrays(folder / WEIGHTS), np.dtype(plan.dtype), folder / WEIGHTS)
    like = loop.first_state(Supervised(plan.structure, input_shape), plan, plan.seed or 0)
    history_file = folder / HISTORY
    try:
        history = history_of(json.loads(history_file.read_text(encoding="utf-8")) if history_file.exists() else {})
    except (AttributeError, TypeError, ValueError) as error:
        raise damaged(history_file, error, "Remove the file: the run can be used without it.") from None
    run = Run(
        plan=plan,
        input_shape=input_shape,
        weights=weights,
        history=history,
        epochs=facts["epochs"],
        best_epoch=facts["best_epoch"],
        stopped_early=facts["stopped_early"],
        interrupted=facts["interrupted"],
        first_nonfinite=facts["first_nonfinite"],
        steps=facts["steps"],
        seconds=facts["seconds"],
        state=read_tree(folder / STATE, like),
        position=tuple(facts["position"]),
    )
    return run, body


def _shape(given: Any) -> Any:
    """The shape of a row from JSON; of several inputs, a tuple of shapes."""
    return tuple(map(_shape, given)) if isinstance(given, list) else int(given)


def history_json(history: dict[str, list[float]]) -> dict[str, list[float | str]]:
    """JSON has no number for what is not finite: it is written "inf", "-inf" or "nan".

    >>> history_json({"loss": [0.5, float("inf")]})
    {'loss': [0.5, 'inf']}
    """
    return {name: [v if np.isfinite(v) else str(float(v)) for v in values] for name, values in history.items()}


def history_of(body: dict[str, list[Any]]) -> dict[str, list[float]]:
    """Undo `history_json`; null, as once written for all that is not finite, is NaN."""
    return {name: [np.nan if v is None else float(v) for v in values] for name, values in body.items()}
