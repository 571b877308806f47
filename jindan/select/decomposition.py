"""Bias and variance: what a model's expected loss is made of, over training sets drawn anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..engine.data import Data, check_targets
from ..engine.members import predict_members
from ..errors import InputError, ShapeError
from ..models import feeding
from ..plan import Plan
from .reported import Reported
from .scoring import guessed
from .task import Task, classes_of, task_of

RESAMPLES = 400
PARTS = ("expected", "bias", "variance")


@dataclass(frozen=True)
class BiasVariance(Reported):
    """What `bias_variance` found. expected = bias + variance + noise, in the means and in each row.

    Attributes:
        loss: "squared" or "0-1".
        expected: Mean loss over members and test rows.
        bias: Squared bias, or the share of rows whose main prediction is wrong.
        variance: Of the members about their mean; for 0-1 loss the net variance, unbiased − biased.
        noise: The part no model can be rid of, as it was given.
        intervals: "expected", "bias", "variance" → its 95 % interval, by bootstrap over members.
        rows: The same by test row, beside "main", the main prediction; for 0-1 loss "unbiased" and "biased" variance.
        unbiased: Variance on rows whose main prediction is right, which costs (0-1 loss; else 0).
        biased: Variance on the other rows towards the right class, which pays (0-1 loss; else 0).
        members: Trainings.
    """

    study: ClassVar[str] = "parts"

    loss: str
    expected: float
    bias: float
    variance: float
    noise: float
    intervals: dict[str, tuple[float, float]]
    rows: dict[str, np.ndarray]
    unbiased: float
    biased: float
    members: int

    def text(self, lang: str = "en") -> str:
        """The numbers and what they advise, in English or Korean."""
        spread = self.variance + self.biased if self.loss == "0-1" else self.variance
        advice = "variance" if spread > self.bias else "bias"
        numbers = f"{self.expected:.4g} = {self.bias:.4g} + {self.variance:.4g} + {self.noise:.4g}"
        if lang == "ko":
            told = "" if self.noise or self.loss == "0-1" else " 시험 목표값에 잡음이 있으면 편향에 들어 있습니다."
            return f"기대 손실 {numbers} (편향 + 분산 + 잡음). {_ADVICE[advice][1]}{told}"
        told = "" if self.noise or self.loss == "0-1" else " Noise of the test targets, if any, is within the bias."
        return f"Expected loss {numbers} (bias + variance + noise). {_ADVICE[advice][0]}{told}"

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        plain = {name: getattr(self, name) for name in ("loss", *PARTS, "noise", "unbiased", "biased", "members")}
        return plain | {
            "intervals": {name: list(bounds) for name, bounds in self.intervals.items()},
            "rows": {name: values.tolist() for name, values in self.rows.items()},
        }

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """Bars of the parts with their intervals, as a picture (SVG)."""
        from ..report.studies import plot_decomposition

        return plot_decomposition(self, to_file, lang)

    def __repr__(self) -> str:
        return (f"BiasVariance({self.loss} {self.expected:.4g} = bias {self.bias:.4g} + variance {self.variance:.4g} "
                f"+ noise {self.noise:.4g}, {self.members} members)")  # fmt: skip


_ADVICE = {
    "bias": ("Bias is the larger part: a larger network, more epochs or a smaller penalty may help.",
             "편향이 더 큽니다. 더 큰 신경망, 더 많은 에폭, 더 작은 벌점이 도움이 될 수 있습니다."),
    "variance": ("Variance is the larger part: more data, a larger penalty, or the mean of many models may help.",
                 "분산이 더 큽니다. 더 많은 데이터, 더 큰 벌점, 여러 모델의 평균이 도움이 될 수 있습니다."),
}  # fmt: skip


def bias_variance(
    model: Any,
    X: Any,
    y: Any,
    X_test: Any,
    y_test: Any,
    *,
    bootstraps: int = 100,
    loss: str | None = None,
    noise: float | None = None,
    draw: Callable[[np.random.Generator], tuple[Any, Any]] | None = None,
    seed: int = 0,
    **fit: Any,
) -> BiasVariance:
    """Train one member a bootstrap of the rows, and part their loss on test rows into bias, variance and noise.

    Squared loss, f a member's output and f̄ the mean over members: E(y − f)² = (y − f̄)² + E(f − f̄)² (Geman et al.
    1992), with both terms corrected for the finite number of members. The first is bias² + noise: the noise is taken
    out where it is given, and is none where `y_test` is the mean function itself.

    0-1 loss, m the most frequent class and t the target, which is held to be the best prediction (Domingos 2000):
    P(f ≠ t) = [m ≠ t] + [m = t] P(f ≠ m) − [m ≠ t] P(f = t): bias, unbiased and biased variance.

    Bootstraps share rows, so their variance is that of the model on sets like this one; `draw` gives the real thing.

    Args:
        model: A compiled model, which stays as it is, or a Plan.
        X, y: Rows and targets; unused where `draw` is given.
        X_test, y_test: Rows and targets the members are judged on.
        bootstraps: Members, at least 2. Each has weights and an order of rows of its own as well.
        loss: "squared" or "0-1"; by the targets unless given. Squared loss of classes is that of probabilities.
        noise: Variance of the targets about their mean function, for squared loss.
        draw: (generator) → (X, y), a fresh training set, in place of bootstraps.
        seed: Of the bootstraps, or draws, and of the first member.
        fit: Arguments of `fit`. A watcher of val_ figures looks at the `validation_data` given, or those put aside by
            `validation_split`, else at the rows that its bootstrap left out; never at the test rows.

    Raises:
        InputError: when arguments or rows do not fit one another.

    >>> from jindan.layers import Dense
    >>> plan = Plan((Dense(1),), loss="mse", optimizer="adam", epochs=30)
    >>> X = np.linspace(-1, 1, 20)[:, None]
    >>> found = bias_variance(plan, X, X[:, 0] ** 2, X, X[:, 0] ** 2, bootstraps=4)
    >>> bool(abs(found.expected - found.bias - found.variance) < 1e-9)
    True
    """
    if bootstraps < 2:
        raise InputError("Variance needs several members.", where="bootstraps", expected="at least 2",
                         received=bootstraps)  # fmt: skip
    rng = np.random.default_rng(seed)
    sets = None
    if draw is not None:
        X, y, sets = _drawn(draw, bootstraps, rng)
    task = task_of(model, X, y, seed=seed, **fit)
    if draw is not None and task.aside:
        raise InputError("The training sets that draw gives have rows of their own.", where="validation_split",
                         expected="none beside draw", received=fit["validation_split"],
                         help="validation_data=(X_val, y_val) names rows to watch.")  # fmt: skip
    ports = getattr(model, "ports", feeding.ONE)
    test = Data.of(*feeding.pair(ports.x(X_test), ports.y(y_test), "bias_variance"), where="test ")
    check_targets(task.plan.network(task.data.input_shape), task.plan.loss, test.y, "y_test")
    kind = _kind(loss, task, test.y, noise)
    if sets is None:
        sets = list(rng.integers(0, len(task), (bootstraps, len(task))))
    runs = task.train(_plans(task, sets, apart=draw is not None))
    outputs = predict_members(runs, test.x)
    if kind == "squared":
        truth, guesses = _numbers(task.plan, test.y, outputs)
        return _result(kind, _squared(truth, guesses, float(noise or 0.0)), guesses.shape, rng, float(noise or 0.0))
    labels, votes = _votes(task.plan, test.y, outputs)
    return _result(kind, _zero_one(labels, votes), votes.shape, rng, 0.0)


def _plans(task: Task, sets: list[np.ndarray], apart: bool) -> list[Plan]:
    """A plan a training set; one that is watched looks at the rows its bootstrap left out."""
    watched = task.plan.early_stopping is not None or task.plan.reduce_on_plateau is not None
    first = task.plan.seed or 0
    plans = []
    for member, rows in enumerate(sets):
        held = np.setdiff1d(np.arange(len(task)), rows) if watched and not apart else None
        if held is not None and not len(held):
            held = rows
        plans.append(task.beside(task.plan.replace(seed=first + member), rows, held))
    return plans


def _votes(plan: Plan, y: Any, outputs: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """(rows,) classes of the targets, and (members, rows, classes) 1 for the class a member tells, else 0."""
    labels = classes_of(plan, y)
    found = np.stack([guessed(plan, out) for out in outputs])
    if labels is None or any(not np.isfinite(out).all() for out in outputs):
        raise InputError(
            "A member has no prediction for some rows.", where="model", expected="finite outputs, class targets",
            received="outputs that are not finite", help="Lower the learning rate.",
        )  # fmt: skip
    classes = int(max(found.max(), labels.max())) + 1
    return labels, np.eye(classes)[found]


def _drawn(draw: Any, members: int, rng: np.random.Generator) -> tuple[Any, Any, list[np.ndarray]]:
    """Fresh training sets one after another, and the row numbers of each."""
    found = [draw(own) for own in rng.spawn(members)]
    if not all(isinstance(each, tuple) and len(each) == 2 for each in found):
        raise InputError("draw gives no training sets.", where="draw", expected="(X, y)",
                         received=type(found[0]).__name__)  # fmt: skip
    xs, ys = [np.asarray(x) for x, _ in found], [np.asarray(y) for _, y in found]
    if len({x.shape[1:] for x in xs}) > 1 or any(len(x) != len(y) or not len(x) for x, y in zip(xs, ys, strict=True)):
        raise ShapeError("The training sets that draw gives do not fit one another.", where="draw",
                         expected="rows of one shape, as many targets", received=f"{xs[0].shape}, {ys[0].shape}, …",
                         )  # fmt: skip
    ends = np.cumsum([len(x) for x in xs])
    sets = [np.arange(end - len(x), end) for x, end in zip(xs, ends, strict=True)]
    return np.concatenate(xs), np.concatenate(ys), sets


def _kind(loss: str | None, task: Task, y: Any, noise: float | None) -> str:
    if isinstance(y, tuple):
        raise InputError("Bias and variance are those of one output.", where="y_test", expected="one array",
                         received=f"{len(y)} outputs")  # fmt: skip
    integer = getattr(task.plan.loss, "targets", "any") in ("integer", "one-hot", "binary", "signs")
    kind = loss or ("0-1" if integer else "squared")
    if kind not in ("squared", "0-1"):
        raise InputError(
            "There is no such loss here.", where="loss", expected='"squared" or "0-1"', received=repr(loss)
        )
    if kind == "0-1" and (task.classes is None or classes_of(task.plan, y) is None):
        raise InputError("0-1 loss is for classes, and the targets are none.", where="loss", expected="class targets",
                         received=f"targets of shape {y.shape}", help='Use loss="squared".')  # fmt: skip
    if noise is not None and (kind == "0-1" or not 0 <= noise < np.inf):
        raise InputError("The noise is the variance of numbers about their mean.", where="noise",
                         expected="a number >= 0, for squared loss", received=f"{noise} for {kind} loss",
                         help="Leave it out: targets of classes are held to be the best prediction.")  # fmt: skip
    return kind


def _numbers(plan: Plan, y: np.ndarray, outputs: list[Any]) -> tuple[np.ndarray, np.ndarray]:
    """Targets (rows, units) and outputs (members, rows, units); class numbers become one-hot."""
    if getattr(plan.loss, "from_logits", False):
        raise InputError("Squared loss is that of probabilities, and the outputs are logits.", where="loss",
                         expected="an activation of the last layer", received="from_logits=True",
                         help='Use loss="0-1", or softmax outputs.')  # fmt: skip
    if getattr(plan.loss, "targets", "any") == "integer":
        y = np.eye(outputs[0].shape[-1])[y.astype(int).reshape(len(y), *outputs[0].shape[1:-1])]
    elif y.shape != outputs[0].shape:
        y = y.reshape(outputs[0].shape)
    rows = len(y)
    return np.asarray(y, float).reshape(rows, -1), np.stack(outputs).astype(float).reshape(len(outputs), rows, -1)


def _squared(truth: np.ndarray, guesses: np.ndarray, noise: float) -> Callable:
    """Parts by row for weights of members (resamples, members) that add up to 1."""
    count = len(guesses)
    # Numbers about the truth keep the digits that a difference of large squares would lose.
    errors = (guesses - truth).reshape(count, -1)
    squares = errors**2
    units = truth.shape[1]

    def parts(weights: np.ndarray) -> dict[str, np.ndarray]:
        mean, expected = weights @ errors, weights @ squares
        spread = np.maximum(expected - mean**2, 0.0) * count / (count - 1)
        by_row = lambda a: a.reshape(len(weights), -1, units).mean(2)  # noqa: E731
        expected, spread = by_row(expected), by_row(spread)
        return {"expected": expected, "bias": expected - spread - noise, "variance": spread,
                "main": (mean + truth.reshape(-1)).reshape(len(weights), -1, units)}  # fmt: skip

    return parts


def _zero_one(labels: np.ndarray, votes: np.ndarray) -> Callable:
    """Parts by row, of votes (members, rows, classes), for weights of members."""

    def parts(weights: np.ndarray) -> dict[str, np.ndarray]:
        shares = (weights @ votes.reshape(len(votes), -1)).reshape(len(weights), *votes.shape[1:])
        main = shares.argmax(2)
        right = np.take_along_axis(shares, np.broadcast_to(labels[None, :, None], (*main.shape, 1)), 2)[..., 0]
        wrong = main != labels
        unbiased, biased = np.where(wrong, 0.0, 1 - right), np.where(wrong, right, 0.0)
        return {"expected": 1 - right, "bias": wrong.astype(float), "variance": unbiased - biased,
                "unbiased": unbiased, "biased": biased, "main": main}  # fmt: skip

    return parts


def _result(kind: str, parts: Callable, shape: tuple, rng: np.random.Generator, noise: float) -> BiasVariance:
    """Means, intervals by resampling members, and the numbers by row."""
    count = shape[0]
    rows = {name: values[0] for name, values in parts(np.full((1, count), 1 / count)).items()}
    block = max(1, min(RESAMPLES, 4_000_000 // max(1, shape[1] * shape[2])))
    gathered: dict[str, list[np.ndarray]] = {name: [] for name in PARTS}
    for start in range(0, RESAMPLES, block):
        some = min(block, RESAMPLES - start)
        weights = rng.multinomial(count, np.full(count, 1 / count), some) / count
        found = parts(weights)
        if kind == "squared":
            # A resample repeats members, which hides another 1/count of their variance from it.
            lost = found["variance"] / (count - 1)
            found |= {"variance": found["variance"] + lost, "bias": found["bias"] - lost}
        for name in PARTS:
            gathered[name].append(found[name].mean(1))
    intervals = {name: _quantiles(np.concatenate(values)) for name, values in gathered.items()}
    means = {name: float(rows[name].mean()) for name in PARTS}
    unbiased, biased = (float(rows[name].mean()) if name in rows else 0.0 for name in ("unbiased", "biased"))
    return BiasVariance(kind, means["expected"], means["bias"], means["variance"], noise, intervals, rows, unbiased,
                        biased, count)  # fmt: skip


def _quantiles(values: np.ndarray) -> tuple[float, float]:
    low, high = np.quantile(values, [0.025, 0.975]) if np.isfinite(values).all() else (np.nan, np.nan)
    return float(low), float(high)
