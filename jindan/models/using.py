"""What a model with its weights is used for: rows judged, outputs computed, as at inference or as in training."""

from __future__ import annotations

from typing import Any

from ..engine.data import count, cut
from ..engine.forward import evaluate, predict, sample
from ..errors import StateError
from ..layers.adapting import Immediate
from ..layers.base import Layer
from ..layers.graph import seed_of_call
from ..utils import draw_seed
from . import feeding, fitting, watching

BATCH = 32  # rows, where callbacks want batches and none was named


def judge(model: Any, given: tuple, batch_size: Any, steps: Any, callbacks: Any) -> dict[str, float]:
    """Loss and metrics of (x, y, weight), as `evaluate` was given them, by name; callbacks told of each batch."""
    batch_size, steps = _whole(batch_size, steps)
    data = model._judged(*given, steps)
    if steps and batch_size and not (given[1] is None and feeding.is_batches(given[0])):
        data = feeding.piece(data, slice(steps * batch_size))
    own = watching.ready(model, callbacks, steps=-(-len(data) // (batch_size or BATCH)))
    with model.shaped(data.x):
        trained = (fitting.ready(model.plan, data.y), model._need_shape(), model.ready_weights(), data)
        watching.tell(own, "on_test_begin", {})
        if any(callback.overrides(*watching.TESTS) for callback in own):
            figures = watching.tested(own, *trained, batch_size or BATCH)
        else:
            figures = evaluate(*trained, batch_size)
        watching.tell(own, "on_test_end", dict(figures))
    return figures


def outputs(model: Any, x: Any, batch_size: Any, steps: Any, callbacks: Any) -> Any:
    """Outputs at inference for what `predict` was given; callbacks told of each batch."""
    batch_size, steps = _whole(batch_size, steps)
    rows = model._rows_alone(x, steps)
    if steps and batch_size and not feeding.are_batches(x, model.ports):
        rows = cut(rows, slice(steps * batch_size))
    own = watching.ready(model, callbacks, steps=-(-count(rows) // (batch_size or BATCH)))
    with model.shaped(rows, check=False):
        trained = (model.plan, model._need_shape(), model.ready_weights())
        watching.tell(own, "on_predict_begin", {})
        if any(callback.overrides("on_predict_batch_begin", "on_predict_batch_end") for callback in own):
            found = watching.predicted(own, lambda x: predict(*trained, x), rows, count(rows), batch_size or BATCH)
        else:
            found = predict(*trained, rows, batch_size)
        watching.tell(own, "on_predict_end", {})
    return found


def drawn(model: Any, x: Any) -> Any:
    """Outputs as training computes them, its noise drawn anew."""
    return _sampled(model, x, model.specs, draw_seed())


def augments(model: Any, x: Any) -> bool:
    """Whether a model called on arrays draws untold: where its layers augment and prepare rows, and learn nothing."""
    if not any(layer.draws_on_arrays for layer in model.specs) or feeding.are_batches(x, model.ports):
        return False
    with model.shaped(model._rows_alone(x, None), check=False):
        pairs = zip(model.specs, model.network.specs, strict=True)
        return all(isinstance(layer, Immediate) or not own for layer, own in pairs)


def augmented(model: Any, x: Any) -> Any:
    """Rows augmented by such a model; as in Keras, its other layers are as at inference."""
    layers = tuple(layer if layer.draws_on_arrays or not layer.random else layer.replace(inference=True)
                   for layer in model.specs)  # fmt: skip
    return _sampled(model, x, layers, seed_of_call(model.specs))


def _sampled(model: Any, x: Any, layers: tuple[Layer, ...], seed: int) -> Any:
    rows = model._rows_alone(x, None)
    with model.shaped(rows, check=False):
        plan = model.plan if layers is model.specs else model.plan.replace(layers=layers)
        return sample(plan, model._need_shape(), model.ready_weights(), rows, seed)


def need_compiled(model: Any) -> None:
    """Refuse a model that has no loss, or no layers."""
    if not model._compiled:
        raise StateError(
            "The model was not compiled.", where=model.name, received="no loss",
            expected="model.compile(optimizer=…, loss=…) first",
            help='For classes: model.compile(optimizer="adam", loss="categorical_crossentropy").',
        )  # fmt: skip
    if not model.specs:
        raise StateError("The model has no layers.", where=model.name, help="model.add(Dense(1))")


def scores(figures: dict[str, float], return_dict: bool) -> Any:
    """Figures as Keras returns them: a number, a list, or a dict."""
    if return_dict:
        return figures
    values = list(figures.values())
    return values[0] if len(values) == 1 else values


def _whole(*given: Any) -> list[int | None]:
    return [None if n is None else fitting.whole("batch_size or steps", n, 1) for n in given]
