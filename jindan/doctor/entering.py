"""What enters a network: its rows as layers that only prepare them, such as Normalization, hand them on."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..layers import BatchNormalization, CategoryEncoding, Discretization, Normalization, Rescaling
from ..layers.base import Context, Layer
from ..layers.wiring import stack_of
from .evidence import Case
from .references import few_rows

PREPARING = (BatchNormalization, CategoryEncoding, Discretization, Normalization, Rescaling)


def entering(case: Case) -> Any:
    """The inputs as the first layer that learns sees them; of large ones some rows, where layers prepare them.

    >>> from jindan.engine.data import Data
    >>> from jindan.layers import Dense
    >>> from jindan.plan import Plan
    >>> data = Data(np.array([[0.0], [255.0]]), np.zeros((2, 1)))
    >>> plan = Plan((Rescaling(1 / 255), Dense(1)), loss="mse")
    >>> entering(Case(plan, (1,), data, {})).tolist()
    [[0.0], [1.0]]
    """
    x, layers = case.data.x, _leading(case)
    if isinstance(x, tuple) or not any(isinstance(layer, PREPARING) for layer in layers):
        return x
    network, first = case.plan.network(case.input_shape), case.moments[0] if case.moments else None
    found = jnp.asarray(few_rows(x))
    found = found.astype(case.plan.dtype) if not layers[0].takes_integers else found
    for index, layer in enumerate(layers):
        given = {} if first is None else {**first.fixed[index], **first.trained[index]}
        w = {
            name: jnp.asarray(given[name] if name in given else spec.initializer(spec.shape, found.dtype, None))
            for name, spec in network.specs[index].items()
        }
        # Batch normalisation brings each batch to one scale whatever its averages are before training.
        found = layer.apply(w, found, Context(training=isinstance(layer, BatchNormalization)))
        found = found[0] if isinstance(found, tuple) else found
    return np.asarray(found)


def _leading(case: Case) -> list[Layer]:
    """The layers that rows go through one after another before anything learns from them."""
    graph, found = case.plan.wiring or stack_of(len(case.plan.layers)), []
    read = [source for _, sources in graph.nodes for source in sources]
    for number, (index, sources) in enumerate(graph.nodes):
        layer = case.plan.layers[index]
        alone = graph.inputs == 1 and index == number and sources == (number,) and read.count(number) == 1
        if not alone or not (isinstance(layer, PREPARING) or layer.moves):
            break
        found.append(layer)
    return found
