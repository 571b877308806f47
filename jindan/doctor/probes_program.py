"""The compiled part of a probe: one pass forward and back over the probe rows, tapped at every layer.

It gives arrays rather than figures: XLA takes longer to compile the statistics of a layer than NumPy takes for all of
them, and a probe runs a few times only (measured on 4-30-16-3: 4.3 s to compile with statistics, 0.6 s without).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache, partial
from types import SimpleNamespace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..activations import TABLE
from ..activations import resolve as resolve_activation
from ..engine.compiling import QUICK, jit, known
from ..engine.devices import accelerated
from ..engine.packing import Packing, by_number
from ..engine.supervised import Supervised
from ..joint import parts_of
from ..layers import BatchNormalization
from ..layers.base import Array, Context, Layer, is_zero
from ..layers.inner import held
from ..layers.network import Network
from ..layers.wiring import number_of
from ..losses import Loss
from ..plan import Plan
from ..spec import with_fields

# Of the compiler on a CPU, for code that runs a few times: a tenth of the time to compile (0.05 s for 0.56 s).
FEW_RUNS = QUICK | {"xla_cpu_use_fusion_emitters": False}
PARTS = 8  # small batches of an estimate of the gradient's noise
# Where slopes of an activation are looked at beside the layer's own, to know its greatest; the first is just below 0.
BELOW, GRID = 0, np.array([-0.5, *np.linspace(-8, 8, 161)])


class _Tap:
    """A layer that notes what it computed, with a nudge added to it: the loss's gradient by a nudge of 0 is that by
    the layer's output.

    Where the loss is computed from logits, `fused` says so, and the layer gives these instead of its output.
    """

    def __init__(self, layer: Layer, plan: Plan, nudges: Any, notes: dict[int, dict[str, Any]], quiet: bool) -> None:
        self._layer, self._plan, self._nudges, self._notes, self._quiet = layer, plan, nudges, notes, quiet
        self.fused = self.ends = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._layer, name)

    def apply(self, w: Any, x: Any, ctx: Context) -> Any:
        if self._quiet:
            ctx = replace(ctx, training=ctx.training and normalises(self._layer))
        parts = self._layer.bare()
        z = None
        if parts is not None and parts[1] in TABLE:
            z = parts[0].apply(w, x, ctx)
            z = z.astype(self._plan.dtype) if self.ends else z
            out = z if self.fused else resolve_activation(parts[1])(z)
        else:
            out = self._layer.apply(w, x, ctx)
        several = isinstance(out, tuple)
        own = out[0] if several else out
        if self._nudges is not None and jnp.issubdtype(own.dtype, jnp.floating):
            own = lax.add(own, self._nudges[ctx.place].astype(own.dtype))
        # Notes need no gradient, which takes long to trace.
        seen = lax.stop_gradient(own)
        note = {"out": resolve_activation(parts[1])(seen) if self.fused and parts is not None else seen}
        if z is not None and parts is not None and bounded(parts[1]):
            # Slopes at the grid stand before those at the layer's own values.
            derivative: Any = TABLE[parts[1]].derivative
            z = lax.stop_gradient(z)
            note["slopes"] = derivative(jnp.concatenate([jnp.asarray(GRID, z.dtype), z.reshape(-1)]))
        self._notes[ctx.place] = note
        return (own, *out[1:]) if several else own


def bounded(name: Any) -> bool:
    """Whether an activation treats each number alone and has two bounds."""
    if name not in TABLE or TABLE[name].derivative is None:
        return False
    return bool(np.isfinite(TABLE[name].range).all())


def normalises(layer: Layer) -> bool:
    """Whether a layer uses the moments of the batch while it is trained, itself or by one inside."""
    return any(isinstance(part, BatchNormalization) and part.trainable for part in held([layer]))


def noisy(program: Supervised) -> bool:
    """Whether training draws random numbers: dropout, noise, mixing of rows."""
    return program.random or not is_zero(program.outline.mixup)


def modes_differ(program: Supervised) -> bool:
    """Whether the cost is another at inference, noise apart: batch normalisation, weights of classes."""
    outline = program.outline
    return bool(outline.class_weight) or any(map(normalises, outline.layers))


@lru_cache(maxsize=64)
def compiled(program: Supervised, deep: bool) -> Callable[..., dict[str, Any]]:
    """The compiled probe of a program: (values, trained, fixed, optimizer, x, y, weight) → arrays.

    "optimizer" and the "change" in the result are packed where `packing_of` says so.
    """
    arrays = partial(_arrays, program, deep)
    if accelerated():
        return jit(arrays)
    return jax.jit(arrays, compiler_options=known(FEW_RUNS))


def _arrays(program: Supervised, deep: bool, values, trained, fixed, optimizer, x, y, weight) -> dict[str, Any]:
    plan = program.filled(values)
    network = plan.network(program.input_shape)
    whole = (x, y, weight)
    nudges = _nudges(network, jax.tree.leaves(x)[0].shape[0], plan.dtype)
    cost = partial(_cost, program, plan, network, fixed)
    quiet = with_fields(plan, mixup=0.0)

    def watched(trained: Any, nudges: Any) -> tuple[Array, Any]:
        notes: dict[int, dict[str, Any]] = {}
        value, activity, outputs = cost(trained, whole, quiet, notes, nudges)
        return value + activity, (value, activity, notes, outputs)

    (_, (loss, activity, notes, outputs)), (slopes, signals) = jax.value_and_grad(watched, (0, 1), has_aux=True)(
        trained, nudges
    )
    found = {"training_loss": loss, "notes": notes, "signals": signals, "slopes": slopes}
    if modes_differ(program):
        loss, activity, outputs = cost(trained, whole, quiet, training=False)
    found |= {"loss": loss, "outputs": outputs}
    pulls, penalty = slopes, activity
    if network.penalty(trained, plan.l1, plan.l2) is not None:
        held_back, own = jax.value_and_grad(lambda t: network.penalty(t, plan.l1, plan.l2))(trained)
        pulls, penalty = jax.tree.map(jnp.add, slopes, own), activity + held_back
    found |= {"penalty": penalty, "change": _change(plan, network, trained, pulls, optimizer)}
    if deep:
        found |= _deep(program, plan, partial(cost, plan=quiet), trained, whole, slopes, cost)
    return found


def _cost(
    program: Supervised, base: Plan, network: Network, fixed: Any, trained: Any, part: Any, plan: Plan,
    notes: Any = None, nudges: Any = None, training: bool = True, key: Any = None,
) -> tuple[Array, Array, Any]:  # fmt: skip
    """Cost, activity penalties and outputs of some rows, as the engine computes them.

    In training mode without a key, layers draw nothing: only batch normalisation differs from inference. One that
    holds a random layer beside it draws always the same.
    """
    x, y, weight = part
    quiet = key is None
    if quiet and training and any(normalises(layer) and layer.random for layer in network.layers):
        key = jax.random.key(0)
    noise = None if quiet or not training or is_zero(base.weight_noise) else base.weight_noise
    ctx = Context(training=training, key=key, noise=noise, compute=plan.precision)
    seen = _tapped(network, plan, {} if notes is None else notes, nudges, quiet)
    cost, (outputs, _) = program._cost(plan, seen, network.join(trained, fixed), x, y, weight, None, ctx)
    return cost, sum(ctx.penalties, jnp.zeros((), plan.dtype)), outputs


def _tapped(network: Network, plan: Plan, notes: dict[int, Any], nudges: Any, quiet: bool) -> Any:
    """The network with a tap on every layer, in the form in which the engine asks for its cost."""
    taps = [_Tap(layer, plan, nudges, notes, quiet) for layer in network.layers]
    _, names = network.heads
    told = []
    for source, name, loss in zip(network.graph.outputs, names, _losses(plan, len(names)), strict=True):
        node = number_of(source) - network.graph.inputs
        if name != "linear":
            tap = taps[network.graph.nodes[node][0]]
            tap.ends = True
            tap.fused = loss.takes_logits(name)
            name = name if tap.fused else "linear"
        told.append(name)
    layers: Any = tuple(taps)
    inner = Network(layers, network.input_shape, network.wiring)
    return SimpleNamespace(heads=(inner, tuple(told)), integers=network.integers)


def _losses(plan: Plan, outputs: int) -> list[Loss]:
    found = list(parts_of(plan.loss))
    return found + found[-1:] * (outputs - len(found))


def _nudges(network: Network, rows: int, dtype: str) -> list[Array]:
    """A zero for each number that each node gives; of several outputs of one node, the first."""
    found = []
    for shape in network._values[network.graph.inputs :]:
        first = shape[0] if shape and isinstance(shape[0], tuple) else shape
        found.append(jnp.zeros((rows, *first), dtype))
    return found


def packing_of(plan: Plan, network: Network, trained: Any) -> Packing | None:
    """How weights are updated as one vector, which compiles in a fraction of the time; None where they cannot be."""
    alone = by_number(network, plan.optimizer)
    return Packing.of(trained) if alone and len(jax.tree.leaves(trained)) > 1 else None


def _change(plan: Plan, network: Network, trained: Any, gradients: Any, memory: dict[str, Any]) -> Any:
    """What the next update adds to the weights."""
    optimizer, packing = plan.optimizer, packing_of(plan, network, trained)
    if optimizer.gradient_accumulation_steps is not None:
        # The update that these gradients are gathered for.
        rate = optimizer.rate(memory["step"])
        optimizer = with_fields(optimizer, gradient_accumulation_steps=None, learning_rate=rate)
        memory = {name: value for name, value in memory.items() if name not in ("gathered", "batches")}
    if packing is None:
        after, _ = optimizer.apply(trained, gradients, memory)
        return jax.tree.map(jnp.subtract, network.constrain(after), trained)
    before = packing.pack(jax.tree.leaves(trained))
    after, _ = optimizer.apply(before, packing.pack(jax.tree.leaves(gradients)), memory)
    return jax.tree.map(jnp.subtract, after, before)


def _deep(program: Supervised, plan: Plan, quiet: Any, trained: Any, whole: Any, slopes: Any, cost: Any) -> dict:
    """Curvature along the gradient, sums that tell its noise, and the cost with the noise of training.

    The curvature is a central difference of gradients, at the distance that balances rounding and truncation: our
    hand-written slopes cannot be derived forwards. All is gathered from small batches, so that one body is compiled.
    """
    found: dict[str, Any] = {}
    leaves = jax.tree.leaves(slopes)
    if leaves:
        # All figures are ratios: scaled gradients keep their squares in the range of float32.
        largest = jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for leaf in leaves]))
        scale = jnp.where(largest > 0, largest, 1)
        along = jax.tree.map(lambda g: g / scale, slopes)
        length, size = jnp.sqrt(_dot(along, along)), jnp.sqrt(_dot(trained, trained))
        apart = jnp.finfo(plan.dtype).eps ** (1 / 3) * jnp.maximum(size, 1) / length
        cut, parts = _parts(whole)

        def gradient(trained: Any, part: Any) -> Any:
            return jax.grad(lambda t: sum(quiet(t, part)[:2]))(trained)

        def sums(shift: Array) -> tuple[Array, Array, Array]:
            weights = jax.tree.map(lambda w, v: w + shift * v, trained, along)

            def add(carry: Any, part: Any) -> tuple[Any, None]:
                own = jax.tree.map(lambda g: g / scale, gradient(weights, part))
                return (jax.tree.map(jnp.add, carry[0], own), carry[1] + _dot(own, own)), None

            start = (jax.tree.map(jnp.zeros_like, trained), jnp.zeros((), plan.dtype))
            (total, squares), _ = lax.scan(add, start, cut)
            return squares, _dot(total, total), _dot(total, along) * scale / parts

        squares, whole_square, slope = lax.map(sums, jnp.stack([jnp.zeros_like(apart), apart, -apart]))
        found["squares"] = jnp.stack([squares[0], whole_square[0]])
        found["curvature"] = (slope[1] - slope[2]) / (2 * apart * length**2)
    if noisy(program):
        found["training_loss"] = cost(trained, whole, plan, key=jax.random.key(0))[0]
    return found


def _parts(whole: Any) -> tuple[Any, int]:
    """Rows as equal small batches, and how many of these; rows left over are left out."""
    rows = jax.tree.leaves(whole[0])[0].shape[0]
    parts = min(PARTS, rows)
    small = rows // parts
    return jax.tree.map(lambda a: a[: parts * small].reshape(parts, small, *a.shape[1:]), whole), parts


def _dot(a: Any, b: Any) -> Any:
    return sum(jax.tree.leaves(jax.tree.map(lambda p, q: jnp.sum(p * q), a, b)))
