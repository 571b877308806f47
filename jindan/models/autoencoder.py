"""Autoencoders: stacks of layers with a narrow code in the middle, trained to give back what they get.

Encoder f and decoder g minimise a loss of (x, g(f(x))) (Rumelhart, Hinton & Williams 1986; Hinton & Salakhutdinov
2006). With noise on the inputs the target stays the clean row (Vincent et al. 2008). One without activations spans the
subspace of the principal components (Baldi & Hornik 1989).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..engine.forward import predict
from ..engine.run import Run
from ..errors import InputError, ShapeError
from ..layers import (
    Activation,
    Conv2D,
    Conv2DTranspose,
    Cropping2D,
    Dense,
    Dropout,
    Flatten,
    GaussianNoise,
    Layer,
    Reshape,
)
from ..layers.network import Network, Weights
from ..plan import Plan
from .loading import load
from .model import Model

CODE = "code"  # the name of the layer that gives the code
STRIDE = 2  # of each convolution: it halves height and width


def stack(
    shape: Sequence[int],
    code: Sequence[Layer],
    *,
    hidden: Sequence[int] = (),
    filters: Sequence[int] = (),
    activation: Any = "relu",
    output: str = "linear",
) -> list[Layer]:
    """Layers from rows to a code and back, the way back being the mirror image of the way there.

    Args:
        shape: Of a row: (features,), or (height, width, channels).
        code: The layers in the middle, one of them named "code", the last one giving (embedding,).
        hidden: Units of Dense layers before the code; after it they come in reverse.
        filters: Of convolutions (3 × 3, stride 2) before these; after them come transposed ones.
        activation: Of all these layers.
        output: Of the last one: "linear" or "sigmoid".

    Raises:
        ShapeError: when filters are given for rows that are no images.
    """
    shape = tuple(int(n) for n in shape)
    if filters and len(shape) != 3:
        raise ShapeError("Convolutions take images.", where="filters", expected="rows (height, width, channels)",
                         received=f"rows of shape {shape}", help="Give image_shape=(28, 28, 1), say.")  # fmt: skip
    there: list[Layer] = [Conv2D(int(n), 3, STRIDE, padding="same", activation=activation) for n in filters]
    there += [Flatten()] if len(shape) > 1 else []
    there += [Dense(int(n), activation=activation) for n in hidden]
    back: list[Layer] = [Dense(int(n), activation=activation) for n in reversed(hidden)]
    end = image_decoder(shape, filters, activation, output) if filters else row_decoder(shape, output)
    return [*there, *code, *back, *end]


def row_decoder(shape: tuple[int, ...], output: str) -> list[Layer]:
    """From a vector to a row: a dense layer, and the row's shape."""
    if len(shape) == 1:
        return [Dense(shape[0], activation=output)]
    return [Dense(math.prod(shape)), Reshape(shape), Activation(output)]


def image_decoder(shape: tuple[int, ...], filters: Sequence[int], activation: Any, output: str) -> list[Layer]:
    """From a vector to an image: the small one, transposed convolutions, and what stands over cut off."""
    small = [-(-n // STRIDE ** len(filters)) for n in shape[:2]]
    over = [n * STRIDE ** len(filters) - m for n, m in zip(small, shape[:2], strict=True)]
    first = (*small, int(filters[-1]))
    found: list[Layer] = [Dense(math.prod(first), activation=activation), Reshape(first)]
    found += [Conv2DTranspose(int(n), 3, STRIDE, padding="same", activation=activation) for n in filters[-2::-1]]
    found.append(Conv2DTranspose(shape[2], 3, STRIDE, padding="same"))
    if any(over):
        found.append(Cropping2D(((0, over[0]), (0, over[1]))))
    return [*found, Activation(output)]


class Autoencoder:
    """A trained (or fresh) stack in two halves: up to the layer named "code", and what follows it.

    >>> from jindan.models import Sequential
    >>> model = Sequential([Dense(2, name="code", input_shape=(5,)), Dense(5)])
    >>> auto = Autoencoder(model)
    >>> x = np.ones((3, 5))
    >>> auto.encode(x).shape, auto.reconstruct(x).shape, auto.errors(x).shape
    ((3, 2), (3, 5), (3,))

    Args:
        model: A Sequential with a layer named "code" whose row shape is known.

    Raises:
        InputError: when it has no such layer.
    """

    def __init__(self, model: Any) -> None:
        names = [layer.name for layer in model.specs]
        if model.wiring is not None or CODE not in names:
            raise InputError("An autoencoder is a stack with a layer named 'code'.", where="model",
                             expected='a Sequential with Dense(2, name="code"), say', received=repr(names))  # fmt: skip
        self.model = model
        self.cut = names.index(CODE) + 1

    @classmethod
    def of(cls, run: Run, **more: Any) -> Self:
        """The autoencoder a run trained."""
        return cls(Model.from_run(run), **more)

    @property
    def network(self) -> Network:
        """All layers with their shapes."""
        found = self.model.network
        if found is None:
            raise InputError("The autoencoder does not know the shape of a row.", where="model",
                             expected="input_shape on the first layer", received=None)  # fmt: skip
        return found

    def part(self, start: int, end: int | None) -> tuple[Network, Weights]:
        """Some layers in a row, as a network of their own, and their weights."""
        network = self.network
        shape = network.input_shape if start == 0 else network.shapes[start - 1]
        return Network(network.layers[start:end], shape), self.model.ready_weights()[start:end]

    def _through(self, start: int, end: int | None, x: Any) -> np.ndarray:
        network, weights = self.part(start, end)
        return predict(Plan(network.layers, dtype=self.model.plan.dtype), network.input_shape, weights, x)

    def encode(self, x: Any) -> np.ndarray:
        """Codes (rows, embedding) of rows (rows, …)."""
        return self._through(0, self.cut, x)

    def decode(self, codes: Any) -> np.ndarray:
        """Rows (rows, …) from codes (rows, embedding)."""
        return self._through(self.cut, None, codes)

    def reconstruct(self, x: Any) -> np.ndarray:
        """Rows after encoding and decoding."""
        return self.model.predict(x, verbose=0)

    def errors(self, x: Any) -> np.ndarray:
        """The mean squared error of each row's reconstruction (rows,): large where a row is unlike those learned."""
        x = np.asarray(x, np.float64)
        difference = self.reconstruct(x) - x
        return (difference.reshape(len(x), -1) ** 2).mean(1)

    @property
    def linear(self) -> bool:
        """Whether it is two Dense layers without activations, whose directions can be told."""
        ends = [layer for layer in self.model.specs if isinstance(layer, Dense)]
        rest = [layer for layer in self.model.specs if not isinstance(layer, Dense)]
        silent = all(isinstance(layer, (GaussianNoise, Dropout)) for layer in rest)
        return silent and len(ends) == 2 and all(layer.activation in (None, "linear") for layer in ends)

    def principal_directions(self, x: Any) -> tuple[np.ndarray, np.ndarray]:
        """The principal components of a linear autoencoder, in order; see `principal_directions`.

        Args:
            x: The rows it was trained on (rows, features).

        Returns:
            Unit vectors (embedding, features), and the variance of the reconstructions along each (embedding,).

        Raises:
            InputError: when a layer has an activation.
        """
        if not self.linear:
            raise InputError(
                "Only a linear autoencoder has principal directions.", where="layers",
                expected="one Dense layer on each side of the code, without activations",
                received=", ".join(type(layer).__name__ for layer in self.model.specs),
                help='Autoencoder(k, hidden_layer_sizes=(), output="linear")',
            )  # fmt: skip
        kernel = self.model.ready_weights()[-1]["kernel"]
        return principal_directions(kernel, covariance(self.encode(x)))

    def save(self, path: str | Path) -> None:
        """Write plan and weights into a folder, which `jindan.load` reads as a Sequential."""
        self.model.save(path)

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Undo `save`."""
        return cls(load(path))


def covariance(codes: np.ndarray) -> np.ndarray:
    """The covariance (embedding, embedding) of codes (rows, embedding), over n − 1 as in scikit-learn's PCA."""
    centred = codes.astype(np.float64) - codes.mean(0, dtype=np.float64)
    return centred.T @ centred / max(1, len(codes) - 1)


def principal_directions(kernel: np.ndarray, code_covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Directions in which a linear decoder's outputs vary, the largest variance first.

    A linear autoencoder finds the principal subspace, but in any basis: codes may be turned and stretched against the
    decoder. Its outputs x̂ = zW + b have covariance Wᵀ C W for codes of covariance C, whose eigenvectors are the
    components in order; they are the right singular vectors of √C W (Baldi & Hornik 1989; Plaut 2018). The sign of each
    makes its largest entry positive.

    Args:
        kernel: W (embedding, features).
        code_covariance: C (embedding, embedding).

    Returns:
        Unit vectors (embedding, features) and variances (embedding,).

    >>> directions, variances = principal_directions(np.array([[0.0, 2.0], [1.0, 0.0]]), np.eye(2))
    >>> directions.tolist(), variances.tolist()
    ([[0.0, 1.0], [1.0, 0.0]], [4.0, 1.0])
    """
    values, vectors = np.linalg.eigh(np.asarray(code_covariance, np.float64))
    root = np.sqrt(np.maximum(values, 0))[:, None] * vectors.T
    _, spread, rows = np.linalg.svd(root @ np.asarray(kernel, np.float64), full_matrices=False)
    largest = rows[np.arange(len(rows)), np.abs(rows).argmax(1)]
    return rows * np.where(largest < 0, -1, 1)[:, None] + 0.0, spread**2
