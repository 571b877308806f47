"""Back-propagation made visible: every intermediate value and derivative of one batch, from the real engine."""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from .. import losses
from ..activations import TABLE
from ..activations import resolve as resolve_activation
from ..engine import compiling, devices
from ..engine.data import Data, as_inputs, check_targets
from ..engine.forward import inputs
from ..engine.rows import class_weights, existing
from ..engine.supervised import Supervised
from ..errors import InputError
from ..layers.base import Array, Context
from ..layers.core import Activation, Dense
from ..layers.network import Network
from ..layers.softmax import Softmax
from ..layers.wiring import number_of
from ..losses import per_row
from . import feeding


class _Fields(NamedTuple):
    Z: np.ndarray
    A: np.ndarray
    dA: np.ndarray
    dZ: np.ndarray
    dW: np.ndarray | None
    db: np.ndarray | None


class LayerGradients(_Fields):
    """What one layer computed and received, for a batch of m rows. J is the objective: mean loss plus penalties.

    A layer in several places of a graph has an entry for each; ∂J/∂w is then that of all of them together.

    Attributes:
        Z: Pre-activation, (m, units); for a layer without activation, its output.
        A: Output f(Z), (m, units).
        dA: ∂J/∂A.
        dZ: ∂J/∂Z = dA ∘ f′(Z); at a softmax or sigmoid fused with cross-entropy, (A − Y)/m.
        dW, db: ∂J/∂W = A_prevᵀ dZ and ∂J/∂b = Σ dZ, penalties included; None where there is no such weight.
        name: The layer's title.
        inputs: A_prev, what the layer received; a tuple where it joins several.
        local: The chain-rule factor f′(Z), or None where A depends on more than its own Z.
        gradients: ∂J/∂w for every weight by name.
    """

    name: str
    inputs: np.ndarray | tuple[np.ndarray, ...]
    local: np.ndarray | None
    gradients: dict[str, np.ndarray]


def backprop(model: Any, x: Any, y: Any, sample_weight: Any = None) -> list[LayerGradients]:
    """Forward and backward through a compiled model for one batch, layer by layer from input to output.

    The layers of a graph come in an order in which each stands after all it reads. Dropout and noise are off, as they
    hide the arithmetic.

    Args:
        model: A compiled model of one output.
        x, y: A batch.
        sample_weight: One number a row.

    Raises:
        StateError: before `compile`.
        InputError: for a model of several outputs.

    >>> from jindan.models import Sequential
    >>> from jindan.layers import Dense
    >>> model = Sequential([Dense(1, activation="sigmoid", input_shape=(2,), kernel_initializer="ones")])
    >>> model.compile(loss="binary_crossentropy")
    >>> step, = backprop(model, [[0.0, 0.0]], [[1.0]])
    >>> step.A.tolist(), step.dZ.tolist(), step.db.tolist()
    ([[0.5]], [[-0.5]], [-0.5])
    """
    devices.start()
    model._need_compiled()
    ports = model.ports
    data = Data.of(*feeding.pair(ports.x(x), ports.y(y), "backprop"), sample_weight)
    with model.shaped(data.x, check=False):
        return _steps(model, data)


def _steps(model: Any, data: Data) -> list[LayerGradients]:
    plan, shape, weights = model.plan, model.input_shape, model.ready_weights()
    named = plan.network(shape)
    if len(named.graph.outputs) > 1:
        raise InputError(
            "backprop follows one output back.", where=model.name, expected="a model of one output",
            received=f"{len(named.graph.outputs)} outputs", help="Make a Model of the same layers that ends in one.",
        )  # fmt: skip
    rows = as_inputs(inputs(data.x, shape, named), plan.dtype, named.integers)
    check_targets(named, plan.loss, data.y)
    program = Supervised(plan.structure, shape)
    integer = plan.loss.targets == "integer"
    targets = data.y.astype(np.int32 if integer else plan.dtype)
    weight = None if data.weight is None else data.weight.astype(plan.dtype)
    with devices.width(plan.dtype):
        values = np.array([plan.numbers[path] for path in program.paths], plan.dtype)
        arguments = (program, values, weights, rows, targets, weight)
        return [_record(*entry) for entry in zip(_titles(named), *_walk(*arguments), strict=True)]


def _titles(network: Network) -> list[str]:
    """A title for each place of a layer."""
    places = [index for index, _ in network.graph.nodes]
    several = {index for index in places if places.count(index) > 1}
    return [
        network.title(index) + (f", place {places[: k + 1].count(index)}" if index in several else "")
        for k, index in enumerate(places)
    ]


def _walk(program: Supervised, values: Any, weights: Any, x: Any, y: Any, weight: Any) -> tuple[list, ...]:
    plan = program.filled(jnp.asarray(values))
    network = plan.network(program.input_shape)
    places, fused = [index for index, _ in network.graph.nodes], plan.loss.takes_logits(network.head[1])
    last = number_of(network.graph.outputs[0]) - network.graph.inputs

    def forward(weights: Any, nudges: Any) -> tuple[Array, tuple]:
        """J with a nudge added to each Z and A; its derivative by the nudge is ∂J/∂Z, ∂J/∂A."""
        seen: list[tuple] = []
        shown: Any = tuple(_Shown(layer, nudges, seen) for layer in network.layers)
        ctx, given = Context(), jax.tree.map(jnp.asarray, x)
        out, mask = Network(shown, network.input_shape, network.wiring).walk(weights, given, ctx)
        cost = jnp.mean(_cost(plan, seen[last][1] if fused else out, y, weight, mask, fused))
        penalty = network.penalty(weights, plan.l1, plan.l2)
        return sum(ctx.penalties, plan.loss.weight * plan.loss.finish(cost) + (0.0 if penalty is None else penalty)), (
            seen,
            mask,
        )

    flat = tuple((jnp.zeros(()), jnp.zeros(())) for _ in places)
    shapes = jax.eval_shape(lambda w: forward(w, flat)[1][0], weights)
    zeros = jax.tree.map(lambda value: jnp.zeros(value.shape, value.dtype), tuple((z, a) for _, z, a in shapes))
    (by_weight, by_nudge), (seen, mask) = compiling.jit(jax.grad(forward, argnums=(0, 1), has_aux=True))(
        jax.tree.map(jnp.asarray, weights), zeros
    )
    slopes = list(by_nudge)
    if fused:
        # The nudge on A does not reach a cost computed from logits: its derivative is that of the plain formula.
        slopes[last] = (slopes[last][0], jax.grad(lambda a: _plain(plan, y, a, weight, mask))(seen[last][2]))
    return [_activation(network.layers[i]) for i in places], list(seen), slopes, [by_weight[i] for i in places]


def _activation(layer: Any) -> Any:
    """What a layer does after its linear part, or None where it has no such part."""
    if isinstance(layer, (Dense, Activation)):
        return layer.activation
    return "softmax" if isinstance(layer, Softmax) and layer.axis == -1 and not layer.masked else None


class _Shown:
    """A layer that notes what it received and computed, the nudges of its place added to its Z and to its A."""

    def __init__(self, layer: Any, nudges: Any, seen: list[tuple]) -> None:
        self._layer, self._nudges, self._seen = layer, nudges, seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    def apply(self, w: Any, x: Any, ctx: Context) -> Array:
        layer, (to_z, to_a), known = self._layer, self._nudges[ctx.place], len(ctx.penalties)
        activation = _activation(layer)
        if activation is not None:
            z = (layer.linear(w, x, ctx) if isinstance(layer, Dense) else x) + to_z
            a = resolve_activation(activation)(z) + to_a
        else:
            found = layer.apply(w, x, ctx)
            by = (to_a,) * len(found) if isinstance(found, tuple) and not isinstance(to_a, tuple) else to_a
            z = a = jax.tree.map(jnp.add, found, by)
        activity = getattr(layer, "activity_regularizer", None)
        if activity is not None and len(ctx.penalties) <= known + 1:
            ctx.penalties[known:] = [activity(a) / a.shape[0]]  # of the nudged output, so that dA has its share
        self._seen.append(((x[0] if len(x) == 1 else tuple(x)) if layer.many else x, z, a))
        return a


def _cost(plan: Any, guess: Array, y: Any, weight: Any, mask: Any, fused: bool) -> Array:
    """The weighted loss of each row, from logits where it is fused with the activation."""
    truth, aligned = losses.align(plan.loss, jnp.asarray(y), guess)
    return _counted(plan, plan.loss.logit_rows(truth, aligned) if fused else plan.loss.rows(truth, aligned),
                    truth, weight, mask)  # fmt: skip


def _counted(plan: Any, rows: Array, truth: Array, weight: Any, mask: Any) -> Array:
    rows = per_row(existing(rows, mask, None, None), weight)
    return rows * class_weights(plan, truth) if plan.class_weight else rows


def _plain(plan: Any, y: Any, a: Array, weight: Any, mask: Any) -> Array:
    """Cross-entropy of probabilities as the textbook writes it, neither clipped nor normalised."""
    truth, a = losses.align(plan.loss, jnp.asarray(y), a)
    a = jnp.clip(a, jnp.finfo(a.dtype).tiny, None)
    if isinstance(plan.loss, (losses.BinaryFocalCrossentropy, losses.CategoricalFocalCrossentropy)):
        rows = plan.loss.rows(truth, a)
    elif isinstance(plan.loss, losses.BinaryCrossentropy):
        truth = plan.loss._smooth(truth)
        other = jnp.clip(1 - a, jnp.finfo(a.dtype).tiny, None)
        rows = -jnp.mean(truth * jnp.log(a) + (1 - truth) * jnp.log(other), axis=-1)
    elif isinstance(plan.loss, losses.SparseCategoricalCrossentropy):
        rows = -losses._take(jnp.log(a), truth)
    else:
        rows = -jnp.sum(plan.loss._smooth(truth) * jnp.log(a), axis=-1)
    return plan.loss.weight * jnp.mean(_counted(plan, rows, truth, weight, mask))


def _record(title: str, activation: Any, seen: tuple, slopes: tuple, by_weight: dict) -> LayerGradients:
    received, z, a = jax.tree.map(np.asarray, seen)
    dz, da = jax.tree.map(np.asarray, slopes)
    gradients = {name: np.asarray(g) for name, g in by_weight.items()}
    if activation is None:
        dz = da
    result = LayerGradients(z, a, da, dz, gradients.get("kernel"), gradients.get("bias"))
    result.name, result.inputs, result.gradients = title, received, gradients
    known = TABLE[activation] if isinstance(activation, str) else None
    result.local = None if known is None or known.derivative is None else np.asarray(known.derivative(jnp.asarray(z)))
    return result
