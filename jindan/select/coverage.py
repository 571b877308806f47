"""Split conformal prediction: intervals for numbers and sets of classes that hold the truth as often as asked."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputError, ShapeError, UnknownNameError
from . import outputs as meaning
from .members import Ensemble

METHODS = ("absolute", "normalised", "lac", "aps")


@dataclass(frozen=True, eq=False)
class Conformal:
    """A trained model with the width its errors on calibration rows call for.

    Rows that are exchangeable with those of calibration are covered with probability at least `coverage`, whatever the
    model and the distribution, on average over calibration sets and rows (not for each kind of row by itself).

    Attributes:
        model: What predicts.
        method: "absolute", "normalised", "lac" or "aps".
        coverage: The share of rows asked for.
        quantile: The ⌈(n + 1) coverage⌉-th smallest score; infinite where there are too few rows for the coverage.
        scores: (n,) nonconformity of the calibration rows.
        floor: Of "normalised": the least spread a row is taken to have.
        randomise: Of "aps": whether sets are randomised at their edge.
        seed: Of that.
    """

    model: Any
    method: str
    coverage: float
    quantile: float
    scores: tuple[float, ...]
    floor: float = 0.0
    randomise: bool = False
    seed: int = 0

    def predict(self, X: Any) -> Any:
        """Of numbers (low, high), each (rows,); of classes a (rows, classes) table of True for classes in the set, in
        the order of the model's outputs."""
        if self.method in ("absolute", "normalised"):
            middle = meaning.numbers_of(self.model.predict(X))
            half = self.quantile * (1.0 if self.method == "absolute" else _spread(self.model, X, self.floor))
            # Rounded outwards: the calibration row that gave the quantile lies inside, as it does by its score.
            half = half + 4 * np.finfo(np.float64).eps * (abs(middle) + half)
            return middle - half, middle + half
        p = meaning.class_probabilities(self.model, X)
        return _set_scores(p, self.method, self._noise(len(p))) <= self.quantile

    def covers(self, X: Any, y: Any) -> np.ndarray:
        """(rows,) whether the truth lies in what is predicted; its mean is the coverage reached."""
        found = self.predict(X)
        if isinstance(found, tuple):
            truth = meaning.numbers_of(y)
            _need_alike(truth, found[0])
            return (found[0] <= truth) & (truth <= found[1])
        labels = meaning.codes_for(self.model, y, found.shape[1], len(found))
        return found[np.arange(len(found)), labels]

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {
            "method": self.method, "coverage": self.coverage, "rows": len(self.scores), "floor": self.floor,
            "quantile": self.quantile if math.isfinite(self.quantile) else None, "randomise": self.randomise,
            "seed": self.seed, "scores": list(self.scores),
        }  # fmt: skip

    @classmethod
    def from_dict(cls, model: Any, body: dict[str, Any]) -> Conformal:
        """Undo `to_dict`, for the model it was made for."""
        quantile = math.inf if body["quantile"] is None else float(body["quantile"])
        return cls(model, body["method"], body["coverage"], quantile, tuple(body["scores"]), body["floor"],
                   body["randomise"], body["seed"])  # fmt: skip

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """The calibration rows' scores with the quantile, as a picture (SVG)."""
        from ..report.plots_probabilities import plot_scores

        return plot_scores(self, to_file, lang)

    def __repr__(self) -> str:
        return (f"Conformal({self.method}, coverage {self.coverage:g}, quantile {self.quantile:.4g} "
                f"from {len(self.scores)} rows)")  # fmt: skip

    def _noise(self, rows: int) -> np.ndarray | None:
        # Another stream than that of the calibration rows.
        return np.random.default_rng([self.seed, 1]).uniform(size=rows) if self.randomise else None


def conformal(
    model: Any,
    X: Any,
    y: Any,
    coverage: float = 0.9,
    *,
    method: str | None = None,
    randomise: bool = False,
    seed: int = 0,
) -> Conformal:
    """Split conformal prediction from rows the model was not trained on.

    With scores s₁ … sₙ of these rows, q is the ⌈(n + 1) coverage⌉-th smallest. Per method, the score is

    - "absolute": |y − f(x)|, interval f(x) ± q (Lei et al. 2018).
    - "normalised": |y − f(x)| / σ(x) with σ the spread of an ensemble's members, interval f(x) ± q σ(x): wider where
      members differ.
    - "lac": 1 − p_y(x), classes with p ≥ 1 − q: the smallest sets on average, perhaps empty (Sadinle et al. 2019).
    - "aps": the sum of the probabilities of y and of all classes likelier than it; classes in falling order up to
      a sum of q (Romano et al. 2020). Sets adapt to how hard a row is. Randomised at its edge (u p_y is taken off,
      u uniform) the coverage is exact instead of at least that, and sets are smaller.

    Args:
        model: A trained model, an `Ensemble`, a stack, or anything with `predict`, or `predict_proba` for classes.
        X, y: Calibration rows, which must not have been trained on, and their targets: classes as the model's
            `classes_` name them where it has these, else by number.
        coverage: The share of new rows whose truth is to lie in what is predicted.
        method: One of the above; None is "absolute" for numbers and "lac" for classes.
        randomise: Whether "aps" is randomised.
        seed: Of the randomisation.

    Raises:
        InputError: when coverage is no share, the method does not fit the model, or values are not finite.

    >>> class Line:
    ...     def predict(self, X): return 2.0 * X
    >>> X = np.linspace(0, 1, 99); noise = np.random.default_rng(0).normal(size=99)
    >>> found = conformal(Line(), X, 2 * X + noise, coverage=0.9)
    >>> low, high = found.predict(np.array([0.5]))
    >>> round(float(high[0] - low[0]), 3) == round(2 * float(np.sort(abs(noise))[89]), 3)
    True
    """
    if isinstance(coverage, bool) or not isinstance(coverage, (int, float)) or not 0 < coverage < 1:
        raise InputError("Coverage is a share.", where="coverage", expected="0 < coverage < 1", received=coverage,
                         help="0.9 covers nine of ten rows.")  # fmt: skip
    chosen = _method(method, model)
    if randomise and chosen != "aps":
        raise InputError("Only adaptive sets are randomised.", where="randomise", expected='method="aps"',
                         received=chosen)  # fmt: skip
    floor = 0.0
    if chosen in ("absolute", "normalised"):
        guess, truth = meaning.numbers_of(model.predict(X)), meaning.numbers_of(y)
        _need_alike(truth, guess)
        scores = abs(truth - guess)
        if chosen == "normalised":
            spread = _spread(model, X, 0.0)
            # Members that agree by chance would make a score without bound.
            floor = max(0.01 * float(np.median(spread)), float(np.finfo(np.float32).tiny))
            scores = scores / np.maximum(spread, floor)
    else:
        p = meaning.class_probabilities(model, X)
        labels = meaning.codes_for(model, y, p.shape[1], len(p))
        noise = np.random.default_rng([seed, 0]).uniform(size=len(p)) if randomise else None
        scores = _set_scores(p, chosen, noise)[np.arange(len(p)), labels]
    if not np.isfinite(scores).all():
        raise InputError("Some calibration rows have no finite score.", where="y or predictions", expected="numbers",
                         received=f"NaN or infinite in {int((~np.isfinite(scores)).sum())} rows",
                         help="Leave these rows out, or look why the model predicts no number there.")  # fmt: skip
    return Conformal(model, chosen, float(coverage), quantile_of(scores, coverage), tuple(scores.tolist()), floor,
                     randomise, seed)  # fmt: skip


def quantile_of(scores: np.ndarray, coverage: float) -> float:
    """The ⌈(n + 1) coverage⌉-th smallest score; infinite beyond the n-th.

    >>> quantile_of(np.arange(1.0, 10.0), 0.9), quantile_of(np.arange(1.0, 9.0), 0.9)
    (9.0, inf)
    """
    # 10 · 0.9 must not become 10 by the last bit of a product.
    rank = math.ceil(round((len(scores) + 1) * coverage, 9))
    return math.inf if rank > len(scores) else float(np.sort(scores)[rank - 1])


def _method(given: str | None, model: Any) -> str:
    plan = getattr(model, "plan", None)
    classes = hasattr(model, "predict_proba") or (plan is not None and meaning.gives_classes(plan))
    if given is None:
        return "lac" if classes else "absolute"
    if given not in METHODS:
        raise UnknownNameError("conformal method", given, METHODS, where="method")
    if given == "normalised" and not isinstance(model, Ensemble):
        raise InputError(
            "Normalised intervals need members that may differ.", where="method", expected="an Ensemble",
            received=type(model).__name__, help="jindan.select.ensembles.bagging makes one.",
        )  # fmt: skip
    if (given in ("lac", "aps")) != classes and (plan is not None or classes):
        expected = "lac or aps" if classes else "absolute or normalised"
        raise InputError("This method does not fit the model's outputs.", where="method", expected=expected,
                         received=given, help="Leave it out.")  # fmt: skip
    return given


def _set_scores(p: np.ndarray, method: str, noise: np.ndarray | None) -> np.ndarray:
    """(rows, classes) the score each class would have, were it the true one."""
    if method == "lac":
        return 1 - p
    order = np.argsort(-p, axis=1, kind="stable")
    sums = np.cumsum(np.take_along_axis(p, order, 1), axis=1)
    scores = np.empty_like(p)
    np.put_along_axis(scores, order, sums, 1)
    return scores if noise is None else scores - noise[:, None] * p


def _spread(model: Any, X: Any, floor: float) -> np.ndarray:
    """(rows,) standard deviation over members."""
    members = np.asarray(model.predict_members(X), np.float64)
    return np.maximum(members.reshape(*members.shape[:2], -1)[..., 0].std(0), floor)


def _need_alike(truth: np.ndarray, guess: np.ndarray) -> None:
    if truth.shape != guess.shape or not len(truth):
        raise ShapeError("Targets and predictions differ in number.", where="y", expected=f"{len(guess)} rows, above 0",
                         received=f"{len(truth)} rows", help="Give the targets of these rows.")  # fmt: skip
