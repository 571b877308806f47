"""Facts: everything measured of a case, as plain numbers; checks read nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .causes import spoils
from .course import Course
from .evidence import Case, LayerNumbers, Probe

# A run learns well from this share of the way between the trivial answer and the best simple model; between sound
# trainings of one network, skills differ by about a tenth (Bouthillier et al. 2021, figure 1).
WELL = 0.85
LEARNED = 0.97  # of the loss of the best constant answer: what has learned anything lies below
ERRORS = 2.0  # standard errors within which two scores are held to be equal


@dataclass(frozen=True)
class Standing:
    """How well the run did, beside what is possible.

    Attributes:
        score: On the rows it is judged by: validation rows, or the training rows where there are none.
        train: On the training rows.
        trivial: Of always giving the commonest class or the mean.
        ceiling: Of the best simple model, never below `trivial`.
        linear: Of the linear one, or None.
        error: Standard error of the difference between score and ceiling.
        held: Whether `score` is that of rows not trained on.
        best_model: The name of the best simple model.
        balanced: Whether scores are means of the classes' accuracies.
    """

    score: float
    train: float
    trivial: float
    ceiling: float
    linear: float | None = None
    error: float = 0.0
    held: bool = True
    best_model: str = ""
    balanced: bool = False

    @property
    def skill(self) -> float:
        """(score − trivial) ÷ (ceiling − trivial); 1 where the best simple model has nothing over the trivial one."""
        room = self.ceiling - self.trivial
        if room <= max(0.02, ERRORS * self.error):
            return 1.0 if self.score >= self.trivial - ERRORS * self.error else 0.0
        return (self.score - self.trivial) / room

    @property
    def well(self) -> bool:
        """Whether it does as well as can be expected."""
        return self.skill >= WELL or self.score >= self.ceiling - ERRORS * self.error


@dataclass(frozen=True)
class Facts:
    """What checks read.

    Attributes:
        case: The training.
        task: As `judge.task_of` names it.
        loss, val_loss: Courses of the losses, or None.
        standing: How well it did, or None where that cannot be told.
        expected_loss: Loss of an untrained network by theory, or None.
        pairing: (reason, evidence, layer) where output, loss and targets contradict one another, or None.
        data: Results of tests of the data, by test.
        learning: Results of tests that train, by test.
        outcomes: Code → recovered share (0 … 1) of what is to be gained, from trials of repairs; empty before them.
        continued: Whether it went on from given weights: a loss that hardly comes down may have come down before.
    """

    case: Case
    task: str
    loss: Course | None
    val_loss: Course | None
    standing: Standing | None
    expected_loss: float | None = None
    pairing: tuple[str, dict[str, Any], str | None] | None = None
    data: dict[str, Any] = field(default_factory=dict)
    learning: dict[str, Any] = field(default_factory=dict)
    outcomes: dict[str, float] = field(default_factory=dict)
    continued: bool = False

    @property
    def sick(self) -> bool:
        """Whether it learned worse than it should; without a standing, whether the loss hardly came down."""
        if self.case.first_nonfinite is not None:
            return True
        if self.standing is not None:
            return not self.standing.well
        if self.loss is None:
            return True
        if self.expected_loss is not None:
            return not self.loss.last < LEARNED * self.expected_loss
        return not (self.continued or self.loss.fall > 0.1)

    @property
    def spoilt(self) -> bool:
        """Whether NaN or infinity was given, in the rows or the first weights: what trains then tells nothing more."""
        return spoils("nonfinite-values", self.data.get("nonfinite") or {})

    @property
    def first(self) -> Probe | None:
        """Numbers before the first update."""
        return self.case.probes[0] if self.case.probes else None

    @property
    def last(self) -> Probe | None:
        """Numbers of the last moment."""
        return self.case.probes[-1] if self.case.probes else None

    @property
    def later(self) -> tuple[Probe, ...]:
        """Probes after training has begun."""
        return self.case.probes[1:]

    @property
    def updates(self) -> int:
        """Updates made."""
        return self.case.moments[-1].update if self.case.moments else 0

    @property
    def rate(self) -> float | None:
        """The learning rate at the start."""
        value = getattr(self.case.plan.optimizer, "learning_rate", None)
        value = getattr(value, "initial_learning_rate", value)
        return float(value) if isinstance(value, (int, float)) else None

    def hidden(self, probe: Probe | None) -> list[LayerNumbers]:
        """Layers with weights, and activations that stand by themselves, before the last layer with weights."""
        if probe is None:
            return []
        last = max((layer.index for layer in probe.layers if layer.weight_norm is not None), default=0)
        kept = [one for one in probe.layers if one.index < last]
        return [one for one in kept if one.weight_norm is not None or one.dead is not None or one.saturated is not None]
