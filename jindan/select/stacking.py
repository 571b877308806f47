"""Stacking: a linear model learns, from predictions for rows left out, how much each network's word counts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import FileError, InputError
from ..models import Model, folders
from ..plan import Plan
from . import outputs as meaning
from .members_saved import is_own, scoring_again
from .scoring import Scoring, scoring_of
from .task import Task, task_of, with_rows
from .validation import cross_validate, folds_of

STACK = "stack.json"
VERSION = 1
ALPHAS = (0.01, 0.1, 1.0, 10.0, 100.0)


@dataclass(frozen=True, eq=False)
class Stacked:
    """Networks and the linear model on their outputs.

    Attributes:
        models: Name → the model, trained on all rows.
        coefficients: (outputs, features) of the final model; features are the models' outputs one after another, of
            two classes the probability of the second.
        intercepts: (outputs,) of it.
        plan: How outputs are judged: that of the first model.
        scoring: The score.
        classes: How many there are; 0 for numbers.
        seen: Which classes the rows held: the outputs of the final model, one for the second of two.
        left_out: (rows, features) the models' outputs for rows they had not been trained on.
        scores: Name → mean score of the model over folds.
        settings: Of the final model, chosen or given: {"C": …} or {"alpha": …}.
    """

    models: dict[str, Model]
    coefficients: np.ndarray
    intercepts: np.ndarray
    plan: Plan
    scoring: Scoring
    classes: int
    seen: tuple[int, ...]
    scores: dict[str, float]
    settings: dict[str, float]
    left_out: np.ndarray | None = None

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Name → (outputs, features of this model), its coefficients."""
        width = self.coefficients.shape[1] // len(self.models)
        return {
            name: self.coefficients[:, k * width : (k + 1) * width] for k, name in enumerate(self.models)
        }  # fmt: skip

    def predict(self, X: Any) -> np.ndarray:
        """(rows, …) probabilities of classes, or numbers, in the form the first model gives them."""
        features = np.concatenate([_features(m.plan, m.predict(X), self.classes) for m in self.models.values()], 1)
        return self._shaped(features @ self.coefficients.T + self.intercepts)

    def score(self, X: Any, y: Any, scoring: Any = None) -> float:
        """The score on rows, higher being better."""
        by = self.scoring if scoring is None else scoring_of(scoring, self.plan)
        return by(self.plan, np.asarray(y), self.predict(X))

    def _shaped(self, z: np.ndarray) -> np.ndarray:
        if not self.classes:
            return z
        if len(self.seen) == 2:
            p = np.exp(-np.logaddexp(0.0, -z))
            p = np.concatenate([1 - p, p], 1)
        else:
            p = np.exp(z - z.max(1, keepdims=True))
            p /= p.sum(1, keepdims=True)
        whole = np.zeros((len(p), self.classes))
        whole[:, list(self.seen)] = p
        return whole[:, 1:] if self.plan.loss.targets == "binary" else whole

    def to_dict(self) -> dict[str, Any]:
        """Plain values that JSON can hold."""
        return {
            "models": list(self.models), "coefficients": self.coefficients.tolist(),
            "intercepts": self.intercepts.tolist(), "scoring": self.scoring.name, "classes": self.classes,
            "seen": list(self.seen), "scores": self.scores, "settings": self.settings,
        }  # fmt: skip

    def save(self, path: str | Path, overwrite: bool = True) -> None:
        """Write the models and the coefficients into a folder that `jindan.load` reads, whole or not at all."""
        body = {"jindan_stack": VERSION, **self.to_dict(), "own_scoring": is_own(self.scoring)}
        plan = self.plan.replace(rows=None, validation_rows=None)
        with folders.whole_folder(path, overwrite=overwrite) as folder:
            # The first model's plan names the folder one of jindan's and says how outputs are judged.
            for name, content in ((folders.PLAN, plan.to_dict()), (STACK, body)):
                (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
            for number, model in enumerate(self.models.values()):
                model.save(folder / f"model-{number}")

    @classmethod
    def load(cls, path: str | Path) -> Stacked:
        """What `save` wrote, without `left_out`.

        Raises:
            FileError: when the folder holds no stack, or a damaged one.
        """
        from ..models.loading import load

        folder = Path(path)
        if not (folder / STACK).is_file():
            raise FileError(
                "This folder holds no stack of models.", where=folder, expected=f"a folder with {STACK}",
                received="another folder" if folder.is_dir() else "no such folder",
                help="stacked.save(path) writes one.",
            )  # fmt: skip
        try:
            body = json.loads((folder / STACK).read_text(encoding="utf-8"))
            if body["jindan_stack"] != VERSION:
                raise ValueError(f"version {body['jindan_stack']}, this jindan reads {VERSION}")
            plan = Plan.from_dict(json.loads((folder / folders.PLAN).read_text(encoding="utf-8")))
            weights, offsets = np.array(body["coefficients"], np.float64), np.array(body["intercepts"], np.float64)
            names, classes, seen = list(body["models"]), int(body["classes"]), tuple(map(int, body["seen"]))
            scores, settings = dict(body["scores"]), dict(body["settings"])
            scoring = scoring_again(body, plan)
        except (AttributeError, KeyError, TypeError, UnicodeDecodeError, ValueError) as error:
            raise folders.damaged(folder / STACK, error, "Save the stack again, or restore the file.") from None
        models = {name: load(folder / f"model-{number}") for number, name in enumerate(names)}
        return cls(models, weights, offsets, plan, scoring, classes, seen, scores, settings)

    def plot(self, to_file: Any = None, lang: str = "en") -> Any:
        """How much each model's outputs count, as a picture (SVG)."""
        from ..report.plots_probabilities import plot_weights

        return plot_weights(self, to_file, lang)

    def __repr__(self) -> str:
        told = ", ".join(f"{name} {score:.4g}" for name, score in self.scores.items())
        return f"Stacked({self.scoring.name}: {told})"


def stack(
    models: Mapping[str, Any] | Sequence[Any],
    X: Any,
    y: Any,
    folds: Any = 5,
    *,
    final: Mapping[str, float] | None = None,
    scoring: Any = None,
    seed: int = 0,
    **fit: Any,
) -> Stacked:
    """Networks whose outputs a linear model weighs (Wolpert 1992, Breiman 1996).

    Each model predicts each row while it has not been trained on it, by folds that are common to all; on these
    outputs scikit-learn's LogisticRegression (classes, from probabilities) or RidgeCV (numbers) is fitted, and every
    model is trained again on all rows. Where early stopping or a plateau watches validation rows and none are given,
    it watches those of the fold, and the training loss when all rows are trained on.

    Args:
        models: Compiled models or Plans with one output, by name or in a list; all read the same rows and targets.
        X, y: Rows and targets, as `fit` takes them.
        folds: Their number, or pairs of row numbers (training, validation) that leave each row out once.
        final: Of the final model: {"C": …} of LogisticRegression (1 unless given), {"alpha": …} of a Ridge, which is
            chosen among 0.01 … 100 unless given.
        scoring: See `jindan.select.scoring.scoring_of`.
        seed: Of the folds and of the models' weights.
        fit: Arguments of `fit`, for all models.

    Raises:
        InputError: when there are no models, outputs do not fit one another, or y holds one class.

    >>> from jindan.layers import Dense
    >>> X = np.linspace(-1, 1, 40)[:, None]; y = X[:, 0] ** 2
    >>> small, large = (Plan((Dense(n, activation="tanh"), Dense(1)), optimizer="adam") for n in (2, 16))
    >>> found = stack({"small": small, "large": large}, X, y, folds=4, epochs=5)
    >>> found.predict(X).shape, [w.shape for w in found.weights.values()]
    ((40, 1), [(1, 1), (1, 1)])
    """
    named = _named(models)
    tasks = {name: task_of(model, X, y, scoring=scoring, seed=seed, **fit) for name, model in named.items()}
    first = next(iter(tasks.values()))
    pairs = folds_of(first, folds, seed=seed)
    covered = np.concatenate([test for _, test in pairs])
    if not np.array_equal(np.unique(covered), np.arange(len(first))):
        raise InputError("Some rows are never left out.", where="folds", expected="each row in one validation part",
                         received=f"{len(np.unique(covered))} of {len(first)} rows",
                         help="Give a number of folds.")  # fmt: skip
    found = {
        name: cross_validate(model, X, y, pairs, 1, scoring=scoring, seed=seed, **fit) for name, model in named.items()
    }
    classes = _classes(tasks, {name: result.outputs for name, result in found.items()})
    features = np.concatenate(
        [_features(tasks[name].plan, found[name].outputs[0], classes) for name in named], axis=1
    )  # fmt: skip
    if classes:
        labels = meaning.labels_for(first.data.y, classes, len(first))
        weights, offsets, settings = _logistic(features, labels, dict(final or {}))
        seen = tuple(np.unique(labels).tolist())
    else:
        weights, offsets, settings = _ridge(features, first.data.y, dict(final or {}))
        seen = ()
    held = first.data.validation is not None
    plans = [task.plan if held else with_rows(task.plan, None) for task in tasks.values()]
    runs = first.train(plans, start=[task.start(plan) for task, plan in zip(tasks.values(), plans, strict=True)])
    trained = {name: Model.from_run(run) for name, run in zip(named, runs, strict=True)}
    scores = {name: result.mean for name, result in found.items()}
    return Stacked(trained, weights, offsets, meaning.judged(first.plan), first.scoring, classes, seen, scores,
                   settings, features)  # fmt: skip


def _named(models: Any) -> dict[str, Any]:
    if not isinstance(models, (Mapping, list, tuple)) or not len(models):
        raise InputError("There are no models to stack.", where="models", help="stack([a, b], X, y)",
                         expected="a list of models, or a dict by name", received=type(models).__name__)  # fmt: skip
    if isinstance(models, Mapping):
        return {str(name): model for name, model in models.items()}
    names = [str(getattr(model, "name", None) or "model") for model in models]
    return {
        name if names.count(name) == 1 else f"{name}_{names[:k].count(name)}": model
        for k, (name, model) in enumerate(zip(names, models, strict=True))
    }


def _classes(tasks: dict[str, Task], outputs: dict[str, Any]) -> int:
    """How many classes the models' outputs are probabilities of; 0 where they are numbers."""
    forms = {}
    for name, task in tasks.items():
        if isinstance(outputs[name], tuple):
            raise InputError("Models of several outputs cannot be stacked.", where=f"model {name!r}",
                             expected="one output", received=f"{len(outputs[name])} outputs")  # fmt: skip
        shape = outputs[name].shape[2:]
        width = int(np.prod(shape, dtype=int))
        known = task.classes is not None or getattr(task.plan.loss, "targets", "") == "integer"
        forms[name] = (max(width, 2) if meaning.gives_classes(task.plan) and known else 0, width, shape)
    kinds = {classes for classes, _, _ in forms.values()}
    widths = {width for classes, width, _ in forms.values() if not classes}
    if len(kinds) > 1 or len(widths) > 1:
        told = ", ".join(f"{name}: {f'{c} classes' if c else f'{w} numbers'}" for name, (c, w, _) in forms.items())
        raise InputError("The models' outputs do not mean the same.", where="models", received=told,
                         expected="probabilities of the same classes, or as many numbers",
                         help="Stack models that predict the same thing.")  # fmt: skip
    return kinds.pop()


def _features(plan: Plan, outputs: Any, classes: int) -> np.ndarray:
    """(rows, features) of a model's outputs: probabilities, of two classes that of the second; or numbers."""
    if not classes:
        return np.asarray(outputs, np.float64).reshape(len(outputs), -1)
    p = meaning.checked_probabilities(meaning.probable(plan, outputs), "outputs")
    return p[:, 1:] if classes == 2 else p


def _logistic(features: np.ndarray, labels: np.ndarray, given: dict) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    from sklearn.linear_model import LogisticRegression

    if len(np.unique(labels)) < 2:
        raise InputError("Rows of one class leave nothing to weigh.", where="y", expected="at least two classes",
                         received=f"class {labels[0]} alone", help="Stack on a sample of all rows.")  # fmt: skip
    settings = {"C": float(_setting(given, "C", 1.0))}
    found = LogisticRegression(**settings, max_iter=5000).fit(features, labels)
    return found.coef_, found.intercept_, settings


def _ridge(features: np.ndarray, y: np.ndarray, given: dict) -> tuple[np.ndarray, np.ndarray, dict[str, float]]:
    from sklearn.linear_model import RidgeCV

    alpha = _setting(given, "alpha", None)
    truth = np.asarray(y, np.float64).reshape(len(y), -1)
    found = RidgeCV(alphas=list(ALPHAS) if alpha is None else [float(alpha)]).fit(features, truth)
    return np.atleast_2d(found.coef_), np.atleast_1d(found.intercept_), {"alpha": float(found.alpha_)}


def _setting(given: dict, name: str, default: Any) -> Any:
    if set(given) - {name}:
        from ..errors import UnknownNameError

        raise UnknownNameError("setting of the final model", sorted(set(given) - {name})[0], [name], where="final")
    value = given.get(name, default)
    if value is not None and not value > 0:
        raise InputError("The penalty's setting is positive.", where=f"final: {name}", expected="a number > 0",
                         received=value)  # fmt: skip
    return value
