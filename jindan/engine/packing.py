"""Packing: the weights of a small network, or the small ones of another, as one vector, so that an update is a few
kernels instead of a few a layer.

A step of a small network is all overhead: the update of each array costs as much as that of all of them in one piece.
Measured on 4-30-16-3 with Adam and batch 1: 33 ms → 18 ms for 12,000 updates.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..layers.base import Array
from ..layers.heads import Heads
from ..layers.inner import held
from ..layers.network import Network
from ..layers.recurrent_base import FromStates
from ..ops.calls import after, movable
from .devices import accelerated

LARGEST = 20_000  # numbers in all trained weights; above, copying them costs more than it saves
# Of networks of convolutions whose rows are split among devices: their slopes become one vector anyway, and what is
# updated as such compiles sooner, a residual network of 75,000 weights 1.7 → 1.5 s, a VGG of 550,000 3.0 → 2.3 s, in
# updates that take as long. (Recurrent ones would take 1.05 times as long, transformers 1.1 times.)
LARGEST_SPLIT = 600_000
# Arrays of one shape from which on their places in the vector are no constants, so that layers that read them share
# their code: a residual network has 100 kernels instead of 128.
ALIKE = 3
# Of other networks the arrays up to this size, biases above all, where there are several: each that is updated by
# itself is three kernels of Adam's to compile. A transformer compiles in 1.91 instead of 2.06 s; with the matrices of
# last layers among them the 1-D network in 0.96 of the time. (With its kernel of 82,000, too, updates take 1.05.)
SMALL = 10_000
SEVERAL = 3


@dataclass(frozen=True)
class Packing:
    """How a tree of weights lies in one vector, or its small arrays do, beside which the others stay as they are.

    Attributes:
        form: The tree.
        shapes: Of its leaves, in order.
        turned: Whether matrices lie column by column, as `ops.product` gives the slopes of small ones.
        most: Numbers up to which an array lies in the vector; None where all do.
        movable: Whether places of equal shapes are no constants, see `ALIKE`; those of small networks are, as each
            kernel that looks one up takes longer.
    """

    form: Any
    shapes: tuple[tuple[int, ...], ...]
    turned: bool = True
    most: int | None = None
    movable: bool = False

    @classmethod
    def of(cls, tree: Any, **how: Any) -> Packing:
        """The packing of trees like this one."""
        leaves, form = jax.tree.flatten(tree)
        return cls(form, tuple(tuple(leaf.shape) for leaf in leaves), **how)

    @property
    def size(self) -> int:
        """Numbers in all arrays."""
        return sum(map(math.prod, self.shapes))

    @cached_property
    def inside(self) -> tuple[bool, ...]:
        """Whether each array lies in the vector."""
        return tuple(self.most is None or math.prod(shape) <= self.most for shape in self.shapes)

    def pack(self, leaves: Any, xp: Any = jnp) -> tuple[Array, ...]:
        """Arrays, in the order of the leaves → (vector, *other arrays); `xp` is what computes it, NumPy outside a
        program."""
        pairs = list(zip(self.inside, leaves, strict=True))
        small = [leaf.T if self.turned and leaf.ndim == 2 else leaf for inside, leaf in pairs if inside]
        return xp.concatenate([xp.ravel(leaf) for leaf in small]), *(leaf for inside, leaf in pairs if not inside)

    def unpack(self, packed: tuple[Array, ...]) -> Any:
        """(vector, *other arrays) → tree."""
        vector, others, start = packed[0], iter(packed[1:]), 0
        alike: Counter = Counter(itertools.compress(self.shapes, self.inside))
        leaves = []
        for shape, inside in zip(self.shapes, self.inside, strict=True):
            if not inside:
                leaves.append(next(others))
                continue
            size, turned = math.prod(shape), self.turned and len(shape) == 2
            if self.movable and alike[shape] >= ALIKE and isinstance(vector, jax.Array):
                piece = lax.dynamic_slice(vector, movable(start), (size,))
            else:
                piece = vector[start : start + size]
            leaves.append(piece.reshape(shape[::-1]).T if turned else piece.reshape(shape))
            start += size
        return jax.tree.unflatten(self.form, leaves)

    def enter(self, state: dict[str, Any], xp: Any = jnp) -> dict[str, Any]:
        """A member's state with vectors in place of trees."""
        memory = state["optimizer"]
        by_slot = [self.pack(slot, xp) for slot in zip(*memory["slots"], strict=True)]
        slots = tuple(zip(*by_slot, strict=True)) or ((),) * (1 + self.inside.count(False))
        trained = self.pack(jax.tree.leaves(state["trained"]), xp)
        state = {**state, "trained": trained, "optimizer": {**memory, "slots": slots}}
        if "best" in state:
            state["best"] = {**state["best"], "trained": self.pack(jax.tree.leaves(state["best"]["trained"]), xp)}
        return state

    def leave(self, state: dict[str, Any]) -> dict[str, Any]:
        """Undo `enter`, in NumPy: arrays row by row, as files want them."""

        def tree(packed: tuple[Any, ...]) -> Any:
            return jax.tree.map(partial(np.asarray, order="C"), self.unpack(packed))

        memory = state["optimizer"]
        by_slot = [jax.tree.leaves(tree(slot)) for slot in zip(*memory["slots"], strict=True)]
        slots = tuple(zip(*by_slot, strict=True)) or ((),) * len(self.shapes)
        state = {**state, "trained": tree(state["trained"]), "optimizer": {**memory, "slots": slots}}
        if "best" in state:
            state["best"] = {**state["best"], "trained": tree(state["best"]["trained"])}
        return state


def best(tree: Any, split: bool) -> Packing | None:
    """What pays for trees like this one; None for nothing.

    Args:
        tree: Weights, or their shapes.
        split: Whether their network, one of convolutions, has its rows split among devices.
    """
    packing = Packing.of(tree, turned=not split, movable=split)
    if packing.size <= (LARGEST_SPLIT if split else LARGEST):
        return packing if len(packing.shapes) > 1 else None
    packing = replace(packing, most=SMALL, movable=True)
    return packing if packing.inside.count(True) >= SEVERAL else None


def takes_steps(network: Network) -> bool:
    """Whether layers go along sequences, by recurrence or attention."""
    return any(isinstance(layer, (FromStates, Heads)) for layer in held(network.layers))


def by_number(network: Network, optimizer: Any) -> bool:
    """Whether an update treats each number alone, so that all weights can be one vector."""
    constrained = any(weight.constraint is not None for spec in network.specs for weight in spec.values())
    return not constrained and optimizer.elementwise and optimizer.clipnorm is None


def in_place(packing: Packing | None, gradients: Any, scale: Any) -> Any:
    """The factor on the rate, but to XLA known only once all slopes are computed: whatever reads the weights is done
    then, so they are updated where they lie, without a copy (of an MLP's update 1 to 2 %). One vector of all weights is
    read by what unpacks it, early, and never copied; on a GPU nothing was measured."""
    if accelerated() or (packing is not None and packing.most is None):
        return scale
    return (1 if scale is None else scale) + after(gradients)


def packed(packing: Packing | None, state: dict[str, Any]) -> dict[str, Any]:
    """A state in NumPy as the program takes it. Each array that it takes or gives apart is a kernel more to compile."""
    return state if packing is None else packing.enter(state, np)


def unpacked(packing: Packing | None, state: dict[str, Any]) -> dict[str, Any]:
    """Undo `packed`."""
    return state if packing is None else packing.leave(state)
