"""Packing: the weights of a small network as one vector, so that an update is a few kernels instead of a few a layer.

A step of a small network is all overhead: the update of each array costs as much as that of all of them in one piece.
Measured on 4-30-16-3 with Adam and batch 1: 33 ms → 18 ms for 12,000 updates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ..layers.base import Array
from ..layers.heads import Heads
from ..layers.inner import held
from ..layers.network import Network
from ..layers.recurrent_base import FromStates

LARGEST = 20_000  # numbers in all trained weights; above, copying them costs more than it saves
# Of networks of convolutions whose rows are split among devices: their slopes become one vector anyway, and what is
# updated as such compiles sooner, a residual network of 75,000 weights 1.7 → 1.5 s, a VGG of 550,000 3.0 → 2.3 s, in
# updates that take as long. (Recurrent ones would take 1.05 times as long, transformers 1.1 times.)
LARGEST_SPLIT = 600_000


@dataclass(frozen=True)
class Packing:
    """How a tree of weights lies in one vector.

    Attributes:
        form: The tree.
        shapes: Of its leaves, in order.
        turned: Whether matrices lie column by column, as `ops.product` gives the slopes of small ones.
    """

    form: Any
    shapes: tuple[tuple[int, ...], ...]
    turned: bool = True

    @classmethod
    def of(cls, tree: Any, *, turned: bool = True) -> Packing:
        """The packing of trees like this one."""
        leaves, form = jax.tree.flatten(tree)
        return cls(form, tuple(tuple(leaf.shape) for leaf in leaves), turned)

    @property
    def size(self) -> int:
        """Length of the vector."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def pack(self, leaves: Any, xp: Any = jnp) -> Array:
        """Arrays, in the order of the leaves → vector; `xp` is what computes it, NumPy outside a program."""
        return xp.concatenate([xp.ravel(leaf.T if self.turned and leaf.ndim == 2 else leaf) for leaf in leaves])

    def unpack(self, vector: Array) -> Any:
        """Vector → tree."""
        leaves, start = [], 0
        for shape in self.shapes:
            stop = start + int(np.prod(shape))
            piece = vector[start:stop]
            turned = self.turned and len(shape) == 2
            leaves.append(piece.reshape(shape[::-1]).T if turned else piece.reshape(shape))
            start = stop
        return jax.tree.unflatten(self.form, leaves)

    def enter(self, state: dict[str, Any], xp: Any = jnp) -> dict[str, Any]:
        """A member's state with vectors in place of trees."""
        memory = state["optimizer"]
        slots = (tuple(self.pack(slot, xp) for slot in zip(*memory["slots"], strict=True)),)
        trained = self.pack(jax.tree.leaves(state["trained"]), xp)
        state = {**state, "trained": trained, "optimizer": {**memory, "slots": slots}}
        if "best" in state:
            state["best"] = {**state["best"], "trained": self.pack(jax.tree.leaves(state["best"]["trained"]), xp)}
        return state

    def leave(self, state: dict[str, Any]) -> dict[str, Any]:
        """Undo `enter`, in NumPy: arrays row by row, as files want them."""

        def tree(vector: Any) -> Any:
            return jax.tree.map(partial(np.asarray, order="C"), self.unpack(vector))

        memory = state["optimizer"]
        by_slot = [jax.tree.leaves(tree(slot)) for slot in memory["slots"][0]]
        slots = tuple(zip(*by_slot, strict=True)) if by_slot else tuple(() for _ in self.shapes)
        state = {**state, "trained": tree(state["trained"]), "optimizer": {**memory, "slots": slots}}
        if "best" in state:
            state["best"] = {**state["best"], "trained": tree(state["best"]["trained"])}
        return state


def takes_steps(network: Network) -> bool:
    """Whether layers go along sequences, by recurrence or attention."""
    return any(isinstance(layer, (FromStates, Heads)) for layer in held(network.layers))


def by_number(network: Network, optimizer: Any) -> bool:
    """Whether an update treats each number alone, so that all weights can be one vector."""
    constrained = any(weight.constraint is not None for spec in network.specs for weight in spec.values())
    return not constrained and optimizer.elementwise and optimizer.clipnorm is None


def packed(packing: Packing | None, state: dict[str, Any]) -> dict[str, Any]:
    """A state in NumPy as the program takes it. Each array that it takes or gives apart is a kernel more to compile."""
    return state if packing is None else packing.enter(state, np)


def unpacked(packing: Packing | None, state: dict[str, Any]) -> dict[str, Any]:
    """Undo `packed`."""
    return state if packing is None else packing.leave(state)
