"""What a model with its weights is used for: rows judged, outputs computed, as at inference or as in training."""

from __future__ import annotations

from typing import Any

from ..engine.data import count, cut
from ..engine.forward import evaluate, predict, sample
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
    rows = model._rows_alone(x, None)
    with model.shaped(rows, check=False):
        return sample(model.plan, model._need_shape(), model.ready_weights(), rows, draw_seed())


def scores(figures: dict[str, float], return_dict: bool) -> Any:
    """Figures as Keras returns them: a number, a list, or a dict."""
    if return_dict:
        return figures
    values = list(figures.values())
    return values[0] if len(values) == 1 else values


def _whole(*given: Any) -> list[int | None]:
    return [None if n is None else fitting.whole("batch_size or steps", n, 1) for n in given]
