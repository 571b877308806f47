"""What the doctor looks at: a training with its data, moments kept of it, and the numbers measured on these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..engine.data import Data
from ..engine.run import Run
from ..layers.network import Weights
from ..plan import Plan


@dataclass(frozen=True)
class Moment:
    """The weights of a training at one moment, in NumPy.

    Attributes:
        update: Updates made so far.
        epoch: Epochs finished so far.
        trained: Weights that training changes, one dict a layer.
        fixed: The others (moving averages among them).
        optimizer: The optimizer's memory, or None where it is not known.
    """

    update: int
    epoch: int
    trained: Weights
    fixed: Weights
    optimizer: Any = None


@dataclass(frozen=True)
class LayerNumbers:
    """What was measured of one layer at one moment, on the probe rows.

    A figure is None where it has no meaning for the layer (the dead share of a tanh, the gradient of a layer without
    weights) and NaN where it could not be computed.

    Attributes:
        index: Number of the layer from 0.
        title: How people are told of it, such as "layer 2, Dense 'hidden'".
        kind: The class's name.
        activation: Its activation's name, or None.
        units: Length of the last axis of its output.
        mean, spread: Mean and standard deviation of its outputs over rows and units.
        dead: Share of units whose output is exactly zero for every row (of ReLU and what is like it).
        saturated: Share of values where the activation's slope is below a twentieth of its greatest (bounded ones).
        constant: Share of units whose output does not differ between rows.
        positive: Share of outputs above zero; activations of one sign make gradients zig-zag.
        weight_norm: Euclidean norm of its kernels.
        gradient_norm: Of the loss's gradient by its kernels.
        backward_norm: Root mean square of the loss's gradient by its outputs, per row.
        update_ratio: ‖ΔW‖ / ‖W‖ of the next update, the optimizer included.
        twins: Share of units that equal another unit of the layer in all incoming weights.
        trainable: Trained numbers.
        finite: Whether outputs, weights and gradients are all finite.
    """

    index: int
    title: str
    kind: str
    activation: str | None
    units: int
    mean: float | None = None
    spread: float | None = None
    dead: float | None = None
    saturated: float | None = None
    constant: float | None = None
    positive: float | None = None
    weight_norm: float | None = None
    gradient_norm: float | None = None
    backward_norm: float | None = None
    update_ratio: float | None = None
    twins: float | None = None
    trainable: int = 0
    finite: bool = True


@dataclass(frozen=True)
class Probe:
    """All numbers of one moment.

    Attributes:
        update, epoch: When.
        loss: The cost of the probe rows at inference, penalties left out.
        training_loss: The same in training mode (batch statistics, dropout), penalties left out.
        gradient_norm: Of all trained weights together.
        noise_scale: Gradient noise scale tr Σ / ‖G‖² (McCandlish et al. 2018), in rows; None where it was not measured.
        curvature: gᵀHg / gᵀg along the gradient, or None; a step of the rate η overshoots from η · curvature > 2.
        penalty: What penalties add to the loss.
        output_spread: Standard deviation over rows of the outputs, largest over units.
        layers: A LayerNumbers each.
    """

    update: int
    epoch: int
    loss: float
    training_loss: float
    gradient_norm: float
    noise_scale: float | None
    curvature: float | None
    penalty: float
    output_spread: float
    layers: tuple[LayerNumbers, ...]


@dataclass(frozen=True)
class Case:
    """A training as the doctor is given it.

    Attributes:
        plan: What was trained, its seed settled.
        input_shape: Shape of one row.
        data: Training rows, with validation rows where there are any.
        history: Figure → values by epoch, as in a Run.
        moments: Weights kept during training, the first before the first update, the last the final ones.
        first_nonfinite: Number of the first update whose loss was not finite, or None.
        stopped_early: Whether early stopping ended it.
        prepared: Whether a `Preprocessing` has already put the columns in order.
        native: Whether jindan trained it: weights that its initialisers did not draw were then given on purpose.
        probes: Numbers of the moments.
        seconds: What its updates took, compilation left out; None where it was not measured.
    """

    plan: Plan
    input_shape: Any
    data: Data
    history: dict[str, list[float]]
    moments: tuple[Moment, ...] = ()
    first_nonfinite: int | None = None
    stopped_early: bool = False
    prepared: bool = False
    native: bool = False
    probes: tuple[Probe, ...] = field(default=())
    seconds: float | None = None

    @classmethod
    def of_run(cls, run: Run, data: Data, moments: Sequence[Moment], *, prepared: bool = False) -> Case:
        """The case of a Run of the engine, with the moments kept of it."""
        return cls(
            run.plan, run.input_shape, data, run.history, tuple(moments), run.first_nonfinite, run.stopped_early,
            prepared=prepared, native=True, seconds=run.seconds.get("run"),
        )  # fmt: skip
