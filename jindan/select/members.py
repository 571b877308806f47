"""Ensemble: trained members that predict together, with their votes and how far they differ."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.members import predict_members
from ..engine.run import Run
from ..errors import InputError
from ..models import Model, feeding, saving
from ..models.ports import Ports
from ..plan import Plan
from . import outputs as meaning
from .scoring import Scoring, scoring_of


@dataclass(frozen=True)
class Uncertainty:
    """How sure an ensemble is of each row.

    Attributes:
        std: (rows, …) standard deviation of the outputs over members.
        entropy: (rows, …) H(p̄) of the mean probabilities in nats, all uncertainty; None for numbers.
        mutual_information: (rows, …) H(p̄) − mean H(pₖ), what the members disagree about and more rows could settle
            (the epistemic part; Depeweg et al. 2018); None for numbers.
    """

    std: np.ndarray
    entropy: np.ndarray | None = None
    mutual_information: np.ndarray | None = None

    @property
    def aleatoric(self) -> np.ndarray | None:
        """Mean H(pₖ): what no further rows would settle; None for numbers."""
        if self.entropy is None or self.mutual_information is None:
            return None
        return self.entropy - self.mutual_information

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        found = {"std": self.std, "entropy": self.entropy, "mutual_information": self.mutual_information}
        return {name: None if value is None else value.tolist() for name, value in found.items()}

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """How many rows are how uncertain, as a picture (SVG)."""
        from ..report.plots_probabilities import plot_uncertainty

        return plot_uncertainty(self, to_file, lang)

    def __repr__(self) -> str:
        told = [f"std {float(self.std.mean()):.3g}"]
        if self.entropy is not None and self.mutual_information is not None:
            told += [f"entropy {self.entropy.mean():.3g}", f"mutual information {self.mutual_information.mean():.3g}"]
        return f"Uncertainty({', '.join(told)}, means of {len(self.std)} rows)"


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Members that predict together.

    Attributes:
        runs: The members.
        kind: "bagging", "deep", "snapshots", or what it was called.
        scoring: How it is judged.
        oob_outputs: Of bagging: (rows, …) each row by the members that had not drawn it, NaN where all had.
        oob_score: The score of those rows.
    """

    runs: tuple[Run, ...]
    kind: str
    scoring: Scoring
    oob_outputs: Any = None
    oob_score: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "runs", tuple(self.runs))
        if not self.runs:
            raise InputError("An ensemble has at least one member.", where="runs", expected="at least 1", received=0)

    def __len__(self) -> int:
        return len(self.runs)

    @property
    def plan(self) -> Plan:
        """How outputs are judged: the members' plan, with a loss that reads probabilities where it read logits."""
        return meaning.judged(self.runs[0].plan)

    # -- predicting ----------------------------------------------------------------------------------------------

    def predict_members(self, X: Any) -> Any:
        """(members, rows, …) each member's outputs, probabilities for classes; a tuple for several outputs."""
        plan = self.runs[0].plan
        x = feeding.rows_alone(X, None, Ports.of(plan.wiring))
        found = [meaning.probable(plan, outputs) for outputs in predict_members(self.runs, x)]
        return meaning.each(lambda *parts: np.stack(parts), *found)

    def predict(self, X: Any) -> Any:
        """(rows, …) the mean of the members' outputs, probabilities for classes."""
        return meaning.each(lambda o: o.mean(0, dtype=np.float64).astype(o.dtype), self.predict_members(X))

    def vote(self, X: Any) -> np.ndarray:
        """(rows,) the class most members name; of equally many, the one of the higher mean output.

        Raises:
            InputError: when outputs are no classes.
        """
        outputs = self._need_one(self.predict_members(X))
        if not (meaning.gives_classes(self.plan) or getattr(self.plan.loss, "targets", "any") in ("signs", "one-hot")):
            raise InputError(
                "Members vote on classes, and these outputs are numbers.", where="vote",
                received=type(self.plan.loss).__name__, expected="a model trained by a loss for classes",
                help="predict gives the mean of the members.",
            )  # fmt: skip
        if outputs.shape[-1] == 1:
            middle = 0.0 if self.plan.loss.targets == "signs" else 0.5
            outputs = np.concatenate([2 * middle - outputs, outputs], -1)
        votes = (outputs.argmax(-1)[..., None] == np.arange(outputs.shape[-1])).sum(0)
        mean = outputs.mean(0, dtype=np.float64)
        return np.where(votes == votes.max(-1, keepdims=True), mean, -np.inf).argmax(-1)

    def uncertainty(self, X: Any) -> Uncertainty:
        """Spread over members; for classes also total entropy and its epistemic part.

        With one unit a class is either of two, with several of one sigmoid each the entropies of the units stand apart.
        """
        p = np.asarray(self._need_one(self.predict_members(X)), np.float64)
        std = p.std(0)
        if not meaning.gives_classes(self.plan):
            return Uncertainty(std)
        if self.plan.loss.targets == "binary":
            entropy = lambda q: _xlogx(q) + _xlogx(1 - q)  # noqa: E731
            total, own = entropy(p.mean(0)), entropy(p).mean(0)
            if p.shape[-1] == 1:
                total, own = total[..., 0], own[..., 0]
        else:
            total, own = _xlogx(p.mean(0)).sum(-1), _xlogx(p).sum(-1).mean(0)
        return Uncertainty(std, total, np.maximum(total - own, 0.0))

    # -- judging -------------------------------------------------------------------------------------------------

    def score(self, X: Any, y: Any, scoring: Any = None) -> float:
        """The score of the members together, higher being better."""
        return self._scoring(scoring)(self.plan, self._truth(X, y), self.predict(X))

    def member_scores(self, X: Any, y: Any, scoring: Any = None) -> np.ndarray:
        """(members,) the score of each by itself."""
        truth, found, by = self._truth(X, y), self.predict_members(X), self._scoring(scoring)
        return np.array([by(self.plan, truth, meaning.each(lambda o, k=k: o[k], found)) for k in range(len(self))])

    # -- keeping -------------------------------------------------------------------------------------------------

    def as_model(self) -> Model:
        """One model with the members' layers side by side and the mean of their outputs, to save or to train on."""
        from .members_joined import joined

        return joined(self.runs)

    def model(self, member: int) -> Model:
        """A member as a model of its own."""
        run = self.runs[member]
        return Model.from_run(run if run.state else saving.run_of(run.plan, run.input_shape, run.weights))

    def save(self, path: str | Path, overwrite: bool = True) -> None:
        """Write plans and weights into a folder that `jindan.load` reads, whole or not at all."""
        from .members_saved import write

        write(self, path, overwrite)

    @classmethod
    def load(cls, path: str | Path) -> Ensemble:
        """What `save` wrote; it predicts the same to the last bit.

        Raises:
            FileError: when the folder holds no ensemble, or a damaged one.
        """
        from .members_saved import read

        return read(path)

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {
            "kind": self.kind, "members": len(self), "scoring": self.scoring.name, "oob_score": self.oob_score,
            "seeds": [run.plan.seed for run in self.runs], "epochs": [run.epochs for run in self.runs],
        }  # fmt: skip

    def __repr__(self) -> str:
        told = "" if self.oob_score is None else f", out of bag: {self.scoring.name} {self.oob_score:.4g}"
        return f"Ensemble({self.kind}, {len(self)} members{told})"

    def _scoring(self, given: Any) -> Scoring:
        return self.scoring if given is None else scoring_of(given, self.plan)

    def _truth(self, X: Any, y: Any) -> Any:
        return feeding.labelled(X, y, None, None, "score", Ports.of(self.plan.wiring)).y

    @staticmethod
    def _need_one(outputs: Any) -> np.ndarray:
        if isinstance(outputs, tuple):
            raise InputError("This is for models of one output.", where="ensemble", expected="one output",
                             received=f"{len(outputs)} outputs", help="predict_members gives all of them.")  # fmt: skip
        return outputs


def _xlogx(p: np.ndarray) -> np.ndarray:
    """−p ln p, 0 at 0."""
    return -p * np.log(np.where(p > 0, p, 1.0))
