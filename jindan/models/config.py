"""The layers and connections of a model as a dict or as text, without its weights, as Keras calls them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ..errors import InputError
from ..plan import Plan
from ..spec import to_json
from .holding import apart


def config_of(model: Any) -> dict[str, Any]:
    """What `made_of` makes the same model of, in the form that JSON has.

    Raises:
        StateError: when its `call` was not traced yet.
        InputError: when a layer holds a function that was not registered.

    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> config_of(Sequential([Dense(2, input_shape=(3,), name="head")], name="base"))["layers"]
    [{'type': 'Dense', 'name': 'head', 'input_shape': [3], 'units': 2}]
    """
    if model._untraced:
        model._need_shape()
    found = {"name": model.name, "layers": model.specs, "wiring": model.wiring, "dtype": model._dtype,
             "input_shape": model.input_shape, "keys": model._keys}  # fmt: skip
    return {name: to_json(value) for name, value in found.items() if value is not None}


def made_of(config: Mapping[str, Any]) -> Any:
    """A model of what `config_of` gave, its weights drawn afresh, not compiled.

    Raises:
        InputError: when this is nothing that `config_of` gave.
    """
    from .model import Model
    from .saving import _shape
    from .sequential import Sequential

    if not isinstance(config, Mapping) or "layers" not in config:
        raise InputError(
            "No model can be made of this.", where="config", expected="what model.get_config() gave",
            received=", ".join(map(str, config)) if isinstance(config, Mapping) else type(config).__name__,
            help="jindan.load reads what model.save wrote.",
        )  # fmt: skip
    known = {name: config[name] for name in ("layers", "wiring", "name") if name in config}
    plan = Plan.from_dict(known)
    if plan.wiring is None:
        made: Any = Sequential(map(apart, plan.layers), plan.name or "sequential", dtype=config.get("dtype"))
    else:
        made = Model.assembled(tuple(map(apart, plan.layers)), plan.wiring, plan.name, config.get("dtype"))
    if config.get("input_shape") is not None:
        made.input_shape = _shape(config["input_shape"])
    made._keys = tuple(config["keys"]) if config.get("keys") is not None else None
    return made


def model_from_json(json_string: str, custom_objects: Any = None) -> Any:
    """A model of what `model.to_json` wrote: its layers and connections, with fresh weights, not compiled.

    Args:
        json_string: The text.
        custom_objects: Only None: functions of your own are found by the name they were registered with.

    Raises:
        InputError: when the text is no such JSON.

    >>> from jindan.layers import Dense
    >>> from jindan.models import Sequential
    >>> model_from_json(Sequential([Dense(2, input_shape=(3,), name="head")], name="base").to_json()).layers[0].units
    2
    """
    if custom_objects:
        raise InputError(
            "model_from_json takes no custom_objects.", where="custom_objects", expected=None,
            received=repr(custom_objects), help='jd.register("activation", "mine", mine) once, before.',
        )  # fmt: skip
    try:
        body = json.loads(json_string)
    except (TypeError, json.JSONDecodeError) as error:
        raise InputError(
            "The text is no JSON.", where="json_string", expected="what model.to_json() gave", received=str(error),
            help="The weights come from model.save_weights(file) and load_weights(file).",
        ) from None  # fmt: skip
    return made_of(body.get("config", body) if isinstance(body, Mapping) else body)
