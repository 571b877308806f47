"""A plain training as fixed-threshold tools see it: weights, gradients, outputs and figures by epoch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jindan.activations import resolve
from jindan.callbacks import Callback
from jindan.layers.base import Context
from jindan.losses import align

from .cases import Case, arrays_of, fit_arguments, model_of

ROWS = 256  # the batch that is looked at
LOOKS = 60  # moments at most, evenly spaced, the start and the end among them


@dataclass(frozen=True)
class Layer:
    """What is seen of one layer at one moment.

    Attributes:
        activation: Its activation's name, "linear" where it has none.
        before, after: Values before and after the activation, (rows, units); images have a row for each place.
        kernel, gradient: Its kernel and the loss's gradient by it; None without weights or where frozen.
        bias_gradient: That by the bias, or None.
    """

    activation: str
    before: np.ndarray
    after: np.ndarray
    kernel: np.ndarray | None
    gradient: np.ndarray | None
    bias_gradient: np.ndarray | None


@dataclass(frozen=True)
class Trace:
    """A training watched.

    Attributes:
        task: "binary", "multiclass" or "regression".
        epochs: How many were planned.
        history: `loss`, `score`, `val_loss`, `val_score` by epoch; the score is the accuracy, or R² floored at 0.
        looks: (epoch, layers from input to output), epoch 0 before the first update.
        x, y: The training rows.
        outputs: Of the training rows at the end.
    """

    task: str
    epochs: int
    history: dict[str, list[float]]
    looks: list[tuple[int, list[Layer]]]
    x: np.ndarray
    y: np.ndarray
    outputs: np.ndarray


class _Keeper(Callback):
    """Keeps the weights at some epochs' ends."""

    def __init__(self, epochs: int) -> None:
        self.wanted = set(np.unique(np.linspace(0, epochs, min(LOOKS, epochs + 1)).round().astype(int)).tolist())
        self.kept: list[tuple[int, Any]] = []

    def on_train_begin(self, logs: dict | None = None) -> None:
        self._keep(0)

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self._keep(epoch + 1)

    def _keep(self, epoch: int) -> None:
        if epoch in self.wanted:
            self.kept.append((epoch, jax.tree.map(np.array, self.model.ready_weights())))


def trace(case: Case, seed: int) -> Trace:
    """Train the case as given, and look at it at each moment kept."""
    arrays, keeper = arrays_of(case), _Keeper(case["epochs"])
    regression = case["task"] == "regression"
    model = model_of(case, metrics=["r2" if regression else "accuracy"])
    x, y = arrays["x_train"], arrays["y_train"]
    validation = (arrays["x_test"], arrays["y_test"])
    settings = {**fit_arguments(case), **case.get("extra", {})}
    settings["callbacks"] = [*settings.pop("callbacks", []), keeper]
    found = model.fit(x, y, seed=seed, verbose=0, doctor=False, validation_data=validation, **settings).history
    name = next(name for name in found if name not in ("loss", "learning_rate") and not name.startswith("val_"))
    history = {"loss": found["loss"], "val_loss": found["val_loss"],
               "score": found[name], "val_score": found[f"val_{name}"]}  # fmt: skip
    if regression:
        history |= {key: np.maximum(history[key], 0).tolist() for key in ("score", "val_score")}
    look = _looker(model, x[:ROWS], y[:ROWS])
    looks = [(epoch, look(weights)) for epoch, weights in keeper.kept]
    return Trace(case["task"], case["epochs"], history, looks, x, y, np.asarray(model.predict(x)))


def _looker(model: Any, x: np.ndarray, y: np.ndarray) -> Callable[[Any], list[Layer]]:
    """Weights → layers, by one compiled function."""
    plan, network = model.plan, model.plan.network(model.input_shape)
    parts = [layer.bare() or (layer, "linear") for layer in network.layers]

    def forward(weights: Any) -> tuple[Any, list]:
        a: Any = jnp.asarray(x)
        seen = []
        for index, (layer, activation) in enumerate(parts):
            z = layer.apply(weights[index], a, Context(index=index))
            a = resolve(activation)(z)
            seen.append((z, a))
        # As in Keras, cross-entropy is taken from the logits where the activation allows it.
        fused = parts[-1][1] in plan.loss.fused
        truth, guess = align(plan.loss, jnp.asarray(y), seen[-1][0] if fused else a)
        return jnp.mean(plan.loss.logit_rows(truth, guess) if fused else plan.loss.rows(truth, guess)), seen

    both = jax.jit(jax.grad(forward, has_aux=True))

    def look(weights: Any) -> list[Layer]:
        gradients, seen = jax.tree.map(np.asarray, both(weights))
        return [
            _layer(parts[i][1], seen[i], weights[i], gradients[i] if network.layers[i].trainable else {})
            for i in range(len(parts))
        ]

    return look


def _flat(values: np.ndarray) -> np.ndarray:
    return values.reshape(-1, values.shape[-1])


def _layer(activation: str, seen: tuple, weights: dict, gradients: dict) -> Layer:
    before, after = map(_flat, seen)
    return Layer(activation, before, after, weights.get("kernel"), gradients.get("kernel"), gradients.get("bias"))
