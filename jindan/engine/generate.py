"""Generating sequences: each drawn entry is read before the next is drawn, in one compiled program."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from ..errors import InputError, ShapeError
from ..layers.base import Array, Context
from ..layers.network import Network, Weights
from ..plan import Plan
from ..rules import COUNT, NOT_NEGATIVE, Number
from . import compiling, devices
from .supervised import program_of


def generate(
    plan: Plan,
    input_shape: tuple[int, ...],
    weights: Weights,
    prompt: Any,
    length: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    seed: int = 0,
) -> np.ndarray:
    """Entries that follow a prompt, drawn one after another from what the network expects.

    The network reads numbers of entries (time,), or one-hot rows (time, entries), and gives a score or probability for
    each entry, at every step (time, entries) or for the last one (entries,). A network of layers that go step by step
    (recurrent ones that return sequences, and all that treat each step alone) carries its state on and is as quick for
    the thousandth entry as for the first; any other is run on the last `time` entries each time.

    Args:
        plan, input_shape, weights: The network.
        prompt: Entries to begin with, (time,) or (rows, time).
        length: How many to draw.
        temperature: Scores are divided by it: below 1 is bolder, 0 takes the likeliest.
        top_k: Draw among so many of the likeliest only.
        seed: Fixes the draw.

    Returns:
        (length,) or (rows, length) numbers of entries.

    Raises:
        ShapeError: when the network does not give one score an entry.
        InputError: for a prompt that is none, or numbers out of their bounds.
    """
    devices.start()
    _refuse_settings(length, temperature, top_k)
    network = plan.network(input_shape)
    entries = _entries(network)
    prompt = np.asarray(prompt)
    rows = prompt[None] if prompt.ndim == 1 else prompt
    numbers = rows.ndim == 2 and rows.size > 0 and rows.dtype.kind in "iu"
    if not numbers or not 0 <= rows.min() <= rows.max() < entries:
        raise InputError(
            "The prompt is not made of entries.", where="prompt",
            expected=f"at least one whole number 0 … {entries - 1}", received=f"{rows.dtype}, shape {prompt.shape}",
            help="Turn text into numbers with the tokeniser the network was trained with.",
        )  # fmt: skip
    activation = network.head[1]
    streams = all(layer.streams for layer in network.layers) and network.wiring is None
    if len(network.output_shape) == 1 and rows.shape[1] < input_shape[0]:
        raise InputError(
            "The prompt is shorter than what the network reads.", where="prompt",
            expected=f"at least {input_shape[0]} entries", received=f"{rows.shape[1]}",
            help="Repeat its beginning, or train a network that scores every step.",
        )  # fmt: skip
    call = _compiled(plan.structure, input_shape, length, top_k, streams and len(network.output_shape) == 2)
    if activation not in ("softmax", "linear", "log_softmax"):
        raise ShapeError(
            "The network does not end in scores for entries.", where=network.title(len(network.layers) - 1),
            expected="a softmax or linear output", received=activation,
            help="Train it with cross-entropy over entries.",
        )  # fmt: skip
    with devices.width(plan.dtype):
        program = program_of(plan.structure, input_shape)
        values = np.array([plan.numbers[path] for path in program.paths], plan.dtype)
        found = call(
            values, weights, jnp.asarray(rows, jnp.int32), jax.random.key(seed), jnp.asarray(temperature, plan.dtype)
        )
    result = np.asarray(found)
    return result[0] if prompt.ndim == 1 else result


def _refuse_settings(length: Any, temperature: Any, top_k: Any) -> None:
    for name, value, rule in (("length", length, Number(0, integer=True)), ("temperature", temperature, NOT_NEGATIVE),
                              ("top_k", top_k, COUNT)):  # fmt: skip
        if not (rule.accepts(value) or (name == "top_k" and value is None)):
            raise InputError(
                f"generate takes no such {name}.", where=name, expected=f"{rule}", received=repr(value),
                help="model.generate(prompt, 20, temperature=0.8, top_k=40)",
            )  # fmt: skip


def _entries(network: Network) -> int:
    shape = network.output_shape
    time = network.input_shape[0] if network.input_shape else 0
    if len(shape) not in (1, 2) or (len(shape) == 2 and shape[0] != time):
        raise ShapeError(
            "The network does not give a score for each entry.", where="the last layer",
            expected="outputs (time, entries) or (entries,)", received=f"outputs {shape}",
            help="End it in Dense(entries), after a recurrent or attention layer that returns sequences.",
        )  # fmt: skip
    return shape[-1]


def _one_step(layer: Any, x: Array, mask: Any) -> Any:
    """The mask (rows,) of what a layer gives for one time step of its input, None where it masks nothing."""
    found = layer.mask_of(x[:, None], None if mask is None else mask[:, None])
    return None if found is None else found[:, 0]


@lru_cache(maxsize=32)
def _compiled(structure: Any, input_shape: tuple[int, ...], length: int, top_k: int | None, streams: bool) -> Any:
    program = program_of(structure, input_shape)
    plan = program.outline
    network, _ = plan.network(input_shape).head
    ids = network.integers[0]
    entries, dtype = network.output_shape[-1], plan.dtype

    def as_input(tokens: Array) -> Array:
        return tokens if ids else jax.nn.one_hot(tokens, entries, dtype=dtype)

    def draw(scores: Array, key: Any, temperature: Array) -> Array:
        if top_k is not None:
            least = lax.top_k(scores, min(top_k, entries))[0][:, -1:]
            scores = jnp.where(scores < least, -jnp.inf, scores)
        noisy = jax.random.categorical(key, scores / jnp.maximum(temperature, 1e-6))
        return jnp.where(temperature > 0, noisy, jnp.argmax(scores, axis=-1)).astype(jnp.int32)

    def by_steps(network: Network, weights: Weights, prompt: Array, key: Any, temperature: Array) -> Array:
        shapes = network.shapes_in
        states = tuple(
            layer.start(shape, prompt.shape[0], dtype) for layer, shape in zip(network.layers, shapes, strict=True)
        )

        def read(states: Any, token: Array) -> tuple[Any, Array]:
            value, mask, after = as_input(token), None, []
            for layer, w, state in zip(network.layers, weights, states, strict=True):
                given = value
                value, state = layer.step(w, given, state, Context(mask=mask))
                mask = _one_step(layer, given, mask)
                after.append(state)
            return tuple(after), value

        states, scores = lax.scan(read, states, prompt.T)

        def more(carry: Any, own: Any) -> tuple[Any, Array]:
            states, scores = carry
            token = draw(scores, own, temperature)
            return read(states, token), token

        return lax.scan(more, (states, scores[-1]), jax.random.split(key, length))[1].T

    def by_windows(network: Network, weights: Weights, prompt: Array, key: Any, temperature: Array) -> Array:
        time, given = input_shape[0], prompt.shape[1]
        window = jnp.zeros((prompt.shape[0], time), jnp.int32)
        kept = min(given, time)
        window = window.at[:, :kept].set(prompt[:, given - kept :])

        def more(carry: Any, own: Any) -> tuple[Any, Array]:
            window, filled = carry
            scores = network.forward(weights, as_input(window), Context())
            scores = scores if scores.ndim == 2 else scores[:, filled - 1]
            token = draw(scores, own, temperature)
            full = filled == time
            window = jnp.where(full, jnp.roll(window, -1, axis=1), window)
            window = lax.dynamic_update_slice(window, token[:, None], (0, jnp.where(full, time - 1, filled)))
            return (window, jnp.minimum(filled + 1, time)), token

        return lax.scan(more, (window, jnp.int32(kept)), jax.random.split(key, length))[1].T

    def call(values: Array, *given: Any) -> Array:
        # The plan's numbers, such as the slope of a leaky ReLU, are in the layers of this network.
        return (by_steps if streams else by_windows)(program.filled(values).network(input_shape).head[0], *given)

    return compiling.jit(call)
