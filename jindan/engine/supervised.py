"""Supervised training as a program: what one update, one evaluation and one prediction compute."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from itertools import zip_longest
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..activations import resolve as resolve_activation
from ..joint import OutputMetric, parts_of, weights_of
from ..layers.base import Array, Context, is_zero
from ..layers.base import real as as_real
from ..layers.inner import held
from ..layers.network import Network, Weights
from ..layers.stream import Later
from ..losses import Loss, align, per_row
from ..metrics import LossMetric, Metric
from ..metrics import resolve as resolve_metric
from ..plan import Plan
from ..spec import merge
from .mixing import mix
from .packing import Packing, best, by_number, in_place, takes_steps
from .pieces import LEAST, calls, foreign, in_pieces, looks_around, pieces
from .rows import all_over_devices, beside, by_steps, class_weights, existing, over_devices

# Splitting gains more than devices wait for one another from so many operations an update, and a weight, on:
ENOUGH, EACH_WEIGHT = 3e7, 4e3
MIXING = 0x6D6978  # the random stream of mixup, apart from those of the layers


@dataclass(frozen=True)
class Supervised:
    """The program of one plan structure.

    A batch is (x, y, weight or None, real or None): `real` is 1 for rows that exist and 0 for padding, None when all
    do. Statistics are one flat vector that adds up over batches: [objective · rows, rows, the sum of each loss kept
    apart …, sums of each metric …].

    Attributes:
        structure: `Plan.structure`.
        input_shape: Shape of one row.
    """

    structure: Any
    input_shape: tuple[int, ...]

    # -- static facts --------------------------------------------------------------------------------------------

    @cached_property
    def outline(self) -> Plan:
        """The plan with its numbers missing: for everything that does not depend on them."""
        return self.plan(dict.fromkeys(self.paths, 1.0))

    @cached_property
    def paths(self) -> tuple[tuple, ...]:
        """Paths of the traced numbers, in the order of the value vector."""
        found: list[tuple] = []
        _holes(self.structure, (), found)
        return tuple(found)

    @cached_property
    def metrics(self) -> tuple[tuple[str, Metric, bool], ...]:
        """(label, metric, weighted), labels made unique."""
        plan = self.outline
        found: list[tuple[str, Metric, bool]] = []
        seen = {"loss": 1}  # the objective's own name
        shapes, losses = plan.network(self.input_shape).output_shapes, parts_of(plan.loss)
        widths = [shape[-1] if shape else 1 for shape in shapes]
        each = [OutputMetric(LossMetric(part, as_loss=True), k, name) for k, (part, name) in
                enumerate(zip(losses, getattr(plan.loss, "names", ()), strict=False))]  # fmt: skip
        for given, weighted in ((each, False), (plan.metrics, False), (plan.weighted_metrics, True)):
            for entry in given:
                if isinstance(entry, OutputMetric):
                    inner = resolve_metric(entry.metric, losses[entry.output], widths[entry.output])
                    metric: Metric = entry.replace(metric=inner)
                    if entry in each:
                        metric = entry.replace(metric=inner.replace(name="loss"))
                else:
                    metric = resolve_metric(entry, losses[0], widths[0])
                label = metric.label
                seen[label] = seen.get(label, 0) + 1
                found.append((label if seen[label] == 1 else f"{label}_{seen[label] - 1}", metric, weighted))
        return tuple(found)

    @cached_property
    def batchwise(self) -> bool:
        """Whether a function or layer of the user's may look at the batch as a whole, and so must not see padding."""
        own = any(getattr(metric, "metric", metric).batchwise for _, metric, _ in self.metrics)
        own = own or any(part.batchwise for part in parts_of(self.outline.loss))
        return own or any(calls(layer) or (layer.couples and foreign(layer)) for layer in held(self.outline.layers))

    @cached_property
    def apart(self) -> int:
        """How many losses are kept apart until each is finished: several, or one with a weight, that end in a root."""
        parts, weights = parts_of(self.outline.loss), weights_of(self.outline.loss)
        return len(parts) if (len(parts) > 1 or weights != (1.0,)) and any(map(finishes, parts)) else 0

    @cached_property
    def random(self) -> bool:
        """Whether a step draws random numbers."""
        plan = self.outline
        return plan.network(self.input_shape).random or not (is_zero(plan.weight_noise) and is_zero(plan.mixup))

    def shards(self, rows: int) -> int:
        """Among how many CPU devices a batch of so many rows is best split: 1 unless a layer says that it pays."""
        plan, network = self.outline, self.outline.network(self.input_shape)
        layers = network.layers
        whole = self.batchwise or any(map(finishes, parts_of(plan.loss))) or not is_zero(plan.mixup)
        if whole or any(map(looks_around, held(layers))):
            return 1
        if jax.default_backend() != "cpu" or not any(layer.splits for layer in layers):
            return 1
        most = len(jax.devices("cpu"))
        # Every weight's gradient has to be added up.
        if self.work(rows) < max(ENOUGH, EACH_WEIGHT * network.parameters()):
            return 1
        return next((n for n in range(most, 1, -1) if rows % n == 0 and rows // n >= LEAST), 1)

    def work(self, rows: int) -> float:
        """Operations of an update of so many rows: forward, and twice as much back."""
        return 3.0 * rows * self._flops

    @cached_property
    def _flops(self) -> int:
        return self.outline.network(self.input_shape).flops()

    @cached_property
    def packing(self) -> Packing | None:
        """How the trained weights, or the small ones among them, are held as one vector, or None where none are."""
        network, optimizer = self.outline.network(self.input_shape), self.outline.optimizer
        shapes = tuple(
            {name: jax.ShapeDtypeStruct(w.shape, np.float32) for name, w in spec.items()} for spec in network.specs
        )
        split = self.shards(self.outline.batch_size) > 1 and not takes_steps(network)
        if optimizer.gradient_accumulation_steps is not None or not by_number(network, optimizer):
            return None
        return best(network.part(shapes)[0], split)

    def trained(self, state: dict[str, Any]) -> Weights:
        """The trained weights of a state inside the loop, as a tree."""
        return state["trained"] if self.packing is None else self.packing.unpack(state["trained"])

    @cached_property
    def slices(self) -> tuple[slice, ...]:
        """Where each metric's sums lie in the statistics."""
        shapes, losses = self.outline.network(self.input_shape).output_shapes, parts_of(self.outline.loss)
        found, start = [], 2 + self.apart
        for _, metric, _ in self.metrics:
            outputs = shapes[getattr(metric, "output", 0)]
            y_shape = outputs[:-1] if losses[getattr(metric, "output", 0)].targets == "integer" else outputs
            size = jax.eval_shape(
                metric.sums,
                jax.ShapeDtypeStruct((1, *y_shape), np.float32),
                jax.ShapeDtypeStruct((1, *outputs), np.float32),
                jax.ShapeDtypeStruct((1,), np.float32),
            ).shape[0]
            found.append(slice(start, start + size))
            start += size
        return tuple(found)

    @property
    def size(self) -> int:
        """Length of the statistics."""
        return self.slices[-1].stop if self.slices else 2 + self.apart

    # -- inside the program --------------------------------------------------------------------------------------

    def plan(self, values: Any) -> Plan:
        """The plan with numbers (or tracers) in place."""
        return merge(self.structure, values)

    def filled(self, vector: Array) -> Plan:
        """The plan with the entries of the value vector in place."""
        return self.plan({path: vector[i] for i, path in enumerate(self.paths)})

    def init(self, plan: Plan, seed: int) -> dict[str, Any]:
        """Fresh state of one member, in NumPy."""
        network = plan.network(self.input_shape)
        trained, fixed = network.init(seed, np.dtype(plan.dtype), plan.initial_scale)
        return {"trained": trained, "fixed": fixed, "optimizer": plan.optimizer.init(trained)}

    def step(
        self, plan: Plan, state: dict, batch: tuple, key: Any, scale: Any, axis: str | None = None
    ) -> tuple[dict, Array]:
        """One update.

        Args:
            plan: The plan, filled.
            state: "trained", "fixed", "optimizer"; packed where `packing` says so.
            batch: (x, y, weight, real).
            key: Random key of this step, or None.
            scale: Factor on the learning rate, or None.
            axis: Of the devices among which the rows are split, or None: then these are a share of the batch.

        Returns:
            The new state and the batch's statistics.
        """
        network, trained, mask = plan.network(self.input_shape), self.trained(state), batch[3]
        rows = jax.tree.leaves(batch[0])[0].shape[0]
        count = 1 if axis is None else pieces(network, rows, np.dtype(plan.dtype).itemsize)
        slopes = partial(self._slopes, plan, network, key, axis)
        if count == 1:
            (value, gradients, stats), updates, _ = slopes(trained, state["fixed"], batch)
        else:
            real, updates = None if mask is None else over_devices(jnp.sum(mask), axis), {}
            value, gradients, stats = in_pieces(count, real, batch, slopes, plan, network, trained, state["fixed"])
        if self.packing is not None:
            gradients = self.packing.pack(jax.tree.leaves(gradients))
        if axis is not None:
            # The loss of this share of the rows, in the statistics, gives way to that of them all.
            value, gradients, stats = all_over_devices((value, gradients, stats), axis)
            stats = stats.at[0].set(value * stats[1])
        else:
            scale = in_place(self.packing, gradients, scale)
        trained, optimizer = plan.optimizer.apply(state["trained"], gradients, state["optimizer"], scale)
        if self.packing is None:
            trained = network.constrain(trained)
        fixed = state["fixed"]
        for (index, name), new in updates.items():
            fixed = (*fixed[:index], {**fixed[index], name: new}, *fixed[index + 1 :])
        return {"trained": trained, "fixed": fixed, "optimizer": optimizer}, stats

    def _slopes(
        self, plan, network, key, axis, trained, fixed, batch, piece=None, zeros=None
    ) -> tuple[tuple, dict, dict]:
        """(the objective, its slopes, the statistics) of a batch or a share of it; new values of untrained weights;
        what the layers of `zeros`, see `Later`, were given, and the slopes by these zeros."""
        x, y, weight, mask = batch

        def objective(trained: Weights, zeros: dict) -> tuple[Array, tuple]:
            noise, later = None if is_zero(plan.weight_noise) else plan.weight_noise, Later(zeros)
            ctx = Context(True, key, mask, noise=noise, axis=axis, piece=piece, later=later, compute=plan.precision)
            cost, outputs = self._cost(plan, network, network.join(trained, fixed), x, y, weight, mask, ctx)
            assert piece is None or not ctx.updates
            penalty = network.penalty(trained, plan.l1, plan.l2)
            for term in ([] if penalty is None else [penalty]) + ctx.penalties:
                cost = cost + term / ctx.shares
            return cost, (outputs, ctx.updates, later.inputs)

        differentiated = jax.value_and_grad(objective, (0, 1), has_aux=True)
        (value, (outputs, updates, inputs)), (gradients, slopes) = differentiated(trained, zeros or {})
        kept = {index: (inputs[index], slope) for index, slope in slopes.items()}
        return (value, gradients, self._stats(plan, value, y, outputs, weight, mask, training=True)), updates, kept

    def evaluate(self, plan: Plan, weights: Weights, batch: tuple) -> Array:
        """Statistics of a block of rows at inference; the first entry is the sum of row losses."""
        network = plan.network(self.input_shape)
        x, y, weight, mask = batch
        ctx = Context(rows=mask, compute=plan.precision)
        rows, outputs = self._rows(plan, network, weights, x, y, weight, ctx)
        count = jnp.asarray(rows.shape[0], rows.dtype) if mask is None else jnp.sum(mask)
        total = jnp.sum(rows if mask is None else jnp.where(beside(mask, rows) > 0, rows, 0.0), axis=0)
        value = sum(ctx.penalties, jnp.zeros((), rows.dtype) if self.apart else total / jnp.maximum(count, 1))
        stats = self._stats(plan, value, y, outputs, weight, mask)
        return stats.at[2 : 2 + self.apart].set(total) if self.apart else stats

    def predict(self, plan: Plan, weights: Weights, x: Any, key: Any = None) -> Any:
        """Outputs at inference; with a random key, as in training."""
        network = plan.network(self.input_shape)
        ctx = Context(training=key is not None, key=key, compute=plan.precision)
        if plan.precision is None:
            return network.forward(weights, _input(plan, network, x), ctx)
        bare, names = network.heads
        found = bare.forward(weights, _input(plan, network, x), ctx)
        logits = found if isinstance(found, tuple) else (found,)
        pairs = zip(names, logits, strict=True)
        outputs = tuple(resolve_activation(name)(z.astype(plan.dtype)) for name, z in pairs)
        return outputs if len(outputs) > 1 else outputs[0]

    def objective_of(self, plan: Plan, weights: Weights, means: Array) -> Array:
        """The reported loss at inference: cost plus penalties, from statistics by row."""
        penalty = plan.network(self.input_shape).penalty(weights, plan.l1, plan.l2)
        cost = means[0] + self._finished(plan, means[2:]) if self.apart else self._finished(plan, means[0])
        return cost if penalty is None else cost + penalty

    def _finished(self, plan: Plan, mean: Array) -> Array:
        """The cost from the mean over rows, or from those of losses kept apart."""
        if not self.apart:
            return plan.loss.finish(mean)
        pairs = enumerate(zip(parts_of(plan.loss), weights_of(plan.loss), strict=True))
        return sum((share * loss.finish(mean[k]) for k, (loss, share) in pairs), jnp.zeros((), mean.dtype))

    def _rows(self, plan: Plan, network: Network, weights: Weights, x, y, weight, ctx: Context) -> tuple[Array, tuple]:
        """The weighted loss of each row, (rows, outputs) of losses kept apart; the outputs with their masks."""
        (bare, activations), mixed = network.heads, None
        x = _input(plan, network, x)
        if ctx.training and not is_zero(plan.mixup):
            x, *mixed = mix(x, jax.random.fold_in(ctx.key, MIXING), plan.mixup, ctx.rows)
        found, known = bare.walk(weights, x, ctx)
        logits, known = (found, known) if isinstance(found, tuple) else ((found,), (known,))
        logits = tuple(z.astype(plan.dtype) for z in logits)
        fused = [loss.takes_logits(name) for loss, name in zip(parts_of(plan.loss), activations, strict=False)]
        # What only metrics read needs no gradient, which takes long to trace.
        apart = (lax.stop_gradient(z) if own else z for z, own in zip_longest(logits, fused))
        outputs = tuple(resolve_activation(name)(z) for name, z in zip(activations, apart, strict=True))

        def rows_of(y: Any, weight: Any, known: Any, real_rows: Any) -> Array:
            targets, found = y if isinstance(y, tuple) else (y,), []
            for k, (loss, share) in enumerate(zip(parts_of(plan.loss), weights_of(plan.loss), strict=True)):
                truth, guess = align(loss, targets[k], logits[k] if fused[k] else outputs[k])
                each = loss.logit_rows(truth, guess) if fused[k] else loss.rows(truth, guess)
                rows = per_row(existing(each, known[k], real_rows, ctx.axis), weight)
                if plan.class_weight and ctx.training:
                    # As in Keras, classes have weights in training only: validation tells the plain loss.
                    rows = rows * class_weights(plan, truth)
                found.append(rows if self.apart or share == 1 else share * rows)
            return jnp.stack(found, axis=-1) if self.apart else sum(found[1:], found[0])

        rows = rows_of(y, weight, known, ctx.rows)
        if mixed:
            # Cross-entropies are linear in the target: mixing losses is mixing targets, for numbered classes too.
            share, partner = mixed
            truth, counts, steps = jax.tree.map(lambda t: t[partner], (y, weight, known))
            rows = share * rows + (1 - share) * rows_of(truth, counts, steps, ctx.rows)
        return rows, (outputs, known)

    def _cost(self, plan, network, weights, x, y, weight, mask, ctx) -> tuple[Array, Any]:
        rows, outputs = self._rows(plan, network, weights, x, y, weight, ctx)
        if mask is None:
            return self._finished(plan, jnp.mean(rows, axis=0) / ctx.shares), outputs
        # The mean over the rows that exist; an empty batch costs nothing.
        count = over_devices(jnp.sum(mask), ctx.axis) if ctx.piece is None else ctx.piece.real
        total = jnp.sum(jnp.where(beside(mask, rows) > 0, rows, 0.0), axis=0)
        return self._finished(plan, total / jnp.maximum(count, 1.0)), outputs

    def _stats(self, plan, value: Array, y: Any, outputs: tuple, weight: Any, mask: Any, training=False) -> Array:
        guesses, masks = outputs
        guesses = tuple(map(jax.lax.stop_gradient, guesses))
        truths = y if isinstance(y, tuple) else (y,)
        kind = guesses[0].dtype
        ones = jnp.ones(guesses[0].shape[0], kind) if mask is None else mask
        count = jnp.sum(ones)
        parts = [jnp.stack([value * count, count]), *([jnp.zeros(self.apart, kind)] if self.apart else [])]
        for _, metric, weighted in self.metrics:
            rows = ones * weight.astype(ones.dtype) if weighted and weight is not None else ones
            if weighted and training and plan.class_weight:
                rows = rows * class_weights(plan, truths[0]).astype(ones.dtype)
            output = getattr(metric, "output", 0)
            truth, guess = align(metric, truths[output], guesses[output])
            truth, guess, rows = by_steps(truth, guess, rows, masks[output])
            # As in Keras, a metric of one's own is told of no weights where there are none.
            plain = getattr(metric, "metric", metric).stateful and not weighted and masks[output] is None
            parts.append(metric.sums(truth, guess, None if plain else rows).astype(kind))
        return jnp.concatenate(parts)

    # -- outside -------------------------------------------------------------------------------------------------

    def columns(self, rows: np.ndarray) -> dict[str, list[float]]:
        """Named figures of many epochs at once: statistics (epochs, size) → name → a value an epoch."""
        found = {"loss": (rows[:, 0] / np.maximum(rows[:, 1], 1)).tolist()}
        for (label, metric, _), place in zip(self.metrics, self.slices, strict=True):
            found[label] = metric.values(rows[:, place]).tolist()
        return found

    def figures(self, stats: Any, loss: Any = None) -> dict[str, Any]:
        """Named figures from added statistics, in NumPy or JAX alike."""
        found = {"loss": stats[0] / (stats[1] + (stats[1] == 0)) if loss is None else loss}
        for (label, metric, _), place in zip(self.metrics, self.slices, strict=True):
            found[label] = metric.value(stats[place])
        return found


@lru_cache(maxsize=256)
def program_of(structure: Any, input_shape: tuple[int, ...]) -> Supervised:
    """The program of a structure; kept, so that its static facts are worked out once."""
    return Supervised(structure, input_shape)


def _input(plan: Plan, network: Network, x: Any) -> Any:
    """Inputs as the layers want them: real numbers, or integers where only layers that take them read these."""
    parts = x if isinstance(x, tuple) else (x,)
    found = tuple(part if whole else as_real(part, plan.dtype)
                  for part, whole in zip(parts, network.integers, strict=True))  # fmt: skip
    return found if isinstance(x, tuple) else found[0]


def finishes(loss: Any) -> bool:
    """Whether a loss is more than a mean over rows."""
    return type(loss).finish is not Loss.finish


def _holes(structure: Any, path: tuple, found: list[tuple]) -> None:
    from ..spec import _HOLE, _SPEC, _TUPLE

    if isinstance(structure, tuple) and structure and structure[0] is _SPEC:
        for name, inner in structure[2]:
            if inner is _HOLE:
                found.append((*path, name))
            else:
                _holes(inner, (*path, name), found)
    elif isinstance(structure, tuple) and structure and structure[0] is _TUPLE:
        for index, inner in enumerate(structure[1]):
            _holes(inner, (*path, index), found)
