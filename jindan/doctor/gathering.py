"""Gathering facts: measures a case by probes, tests of the data, simple models, and trials of repairs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.compiling import briefly
from ..engine.forward import predict
from ..layers.network import Weights
from . import judge
from .checks.base import Suspect
from .course import course_of
from .entering import entering
from .evidence import Case
from .facts import Facts, Standing
from .starting import given_weights
from .static import pairing, slow_pairing

MOST_ROWS = 20_000  # rows that scores are taken on
LONG = 100  # updates after which a training should have learned something


def quick_facts(case: Case) -> Facts:
    """What a training itself has shown: its curves, its probes, output layer and loss."""
    task = judge.task_of(case.plan, case.data.y)
    start = case.probes[0].loss + case.probes[0].penalty if case.probes else None
    loss, held = course_of(case.history.get("loss", ()), start), course_of(case.history.get("val_loss", ()))
    expected = judge.trivial_loss(case.plan, task, case.data.y, case.data.weight)
    return Facts(case, task, loss, held, None, expected, _pairing(case))


def looks_wrong(facts: Facts) -> bool:
    """Whether the curves alone say that something is wrong: not finite, or after many updates no better than an answer
    that ignores the input."""
    case = facts.case
    if case.first_nonfinite is not None:
        return True
    if facts.loss is None or facts.expected_loss is None or facts.updates < LONG or facts.loss.epochs < 3:
        return False
    return facts.sick


def probed(case: Case, *, deep: bool = True) -> Case:
    """The case with the numbers of its layers."""
    from .probes import measure

    if case.probes or not case.moments:
        return case
    found = measure(case.plan, case.input_shape, case.moments, case.data.x, case.data.y, case.data.weight, deep=deep)
    return replace(case, probes=found)


def measured(case: Case, *, deep: bool = True) -> Facts:
    """The facts with the numbers of the layers and the sizes of the data."""
    facts = quick_facts(probed(case, deep=deep))
    return replace(facts, data=_scales(case, facts.task), continued=given_weights(case) is not None)


@briefly()
def facts_of(case: Case) -> Facts:
    """All facts but the outcomes of repairs."""
    from .direct import before_trials

    facts = measured(case)
    if facts.task == "other":
        return facts
    case = whole(facts.case)
    facts = replace(facts, case=case, standing=standing_of(case, facts.task))
    data = {**facts.data, **_data_tests(case, facts)}
    return replace(facts, data=data, learning=before_trials(facts))


def final_weights(case: Case) -> Weights:
    """The weights training ended with."""
    last = case.moments[-1]
    return case.plan.network(case.input_shape).join(last.trained, last.fixed)


def outputs_of(case: Case, x: Any) -> np.ndarray:
    """What the trained network gives for rows of x, at most `MOST_ROWS`."""
    return np.asarray(predict(case.plan, case.input_shape, final_weights(case), x))


def standing_of(case: Case, task: str) -> Standing | None:
    """Scores of the run beside simple models; None where there are no weights to judge."""
    from . import references

    if not case.moments or isinstance(case.data.x, tuple):
        return None
    data, held = case.data, case.data.validation
    rows = _some(len(data))
    x, y = data.x[rows], data.y[rows]
    train = judge.score(task, y, outputs_of(case, x))
    judged_x, judged_y = (held.x[_some(len(held))], held.y[_some(len(held))]) if held is not None else (x, y)
    score = judge.score(task, judged_y, outputs_of(case, judged_x)) if held is not None else train
    others = (None, None) if held is None else (judged_x, judged_y)
    tokens = any(case.plan.network(case.input_shape).integers)
    found = references.references(task, x, y, *others, tokens=tokens)
    scores = {one.name: one.score for one in found if math.isfinite(one.score)}
    trivial = scores.pop("trivial", judge.trivial(task, y, judged_y))
    best = max(scores, key=lambda name: scores[name]) if scores else "trivial"
    ceiling = max(trivial, scores.get(best, trivial))
    return Standing(score, train, trivial, ceiling, scores.get("linear"), _error(task, ceiling, len(judged_y)),
                    held is not None, best)  # fmt: skip


def whole(case: Case) -> Case:
    """The case without validation rows that hold NaN or infinity: one would make any network's score 0."""
    held = case.data.validation
    if held is None or isinstance(held.x, tuple) or isinstance(held.y, tuple):
        return case
    kept = np.ones(len(held), bool)
    for values in (held.x, held.y):
        if values.dtype.kind == "f":
            kept &= np.isfinite(values).reshape(len(values), -1).all(1)
    if kept.all():
        return case
    weight = None if held.weight is None else held.weight[kept]
    left = replace(held, x=held.x[kept], y=held.y[kept], weight=weight) if kept.any() else None
    return replace(case, data=replace(case.data, validation=left))


def _error(task: str, score: float, rows: int) -> float:
    """Standard error of the difference of two scores on the same rows, roughly: binomial for an accuracy; for R² that
    of a squared correlation, 2 √R² (1 − R²) / √n (Wishart 1931)."""
    if task == "regression":
        r2 = min(max(score, 0.01), 0.99)
        return 2 * math.sqrt(r2) * (1 - r2) / math.sqrt(max(rows, 1))
    # Half a row more than there are errors: no errors in ten rows are not proof of none.
    p = min(max(score, 0.5 / max(rows, 1)), 1 - 0.5 / max(rows, 1))
    return math.sqrt(p * (1 - p) / max(rows, 1))


def _some(rows: int) -> np.ndarray:
    """All rows, or as many as scores are taken on."""
    if rows <= MOST_ROWS:
        return np.arange(rows)
    return np.sort(np.random.default_rng(0).choice(rows, MOST_ROWS, replace=False))


def _pairing(case: Case) -> tuple[str, dict[str, Any], str | None] | None:
    """A contradiction of output, loss and targets: one that cannot work before one that works badly."""
    found = pairing(case.plan, case.input_shape, case.data.y)
    if found is not None:
        network = case.plan.network(case.input_shape)
        layer = network.title(network.index_of_output(0)) if case.plan.wiring is not None else None
        return found[0], found[1], layer or network.title(len(case.plan.layers) - 1)
    return slow_pairing(case.plan, case.input_shape, case.data.y)


def _scales(case: Case, task: str) -> dict[str, Any]:
    """Sizes of inputs and targets, and what was given that is not finite."""
    from . import data_tests

    found: dict[str, Any] = {}
    if broken := _not_finite(case):
        found["nonfinite"] = broken
    if not isinstance(case.data.x, tuple) and not any(case.plan.network(case.input_shape).integers):
        found["scales"] = data_tests.scales(entering(case))
    if task == "regression":
        found["targets"] = data_tests.targets_scale(case.data.y)
    return found


def _not_finite(case: Case) -> dict[str, Any]:
    """Where NaN or infinity was given: in the training rows, else in the first weights, else in the validation rows."""
    from .static import not_finite, unfit_weights

    network, held = case.plan.network(case.input_shape), case.data.validation
    for name, values in (("x", case.data.x), ("y", case.data.y)):
        if broken := not_finite(values):
            return {"where": name, **broken}
    if case.moments and (broken := unfit_weights(network, case.moments[0].trained, case.moments[0].fixed)):
        return broken
    for name, values in () if held is None else (("validation x", held.x), ("validation y", held.y)):
        if broken := not_finite(values):
            return {"where": name, **broken}
    return {}


def _data_tests(case: Case, facts: Facts) -> dict[str, Any]:
    """Leaks, drift, silent columns, classes, labels."""
    from . import data_tests

    data, held, task = case.data, case.data.validation, facts.task
    found: dict[str, Any] = {"imbalance": data_tests.imbalance(task, data.y)}
    if isinstance(data.x, tuple):
        return found
    if any(case.plan.network(case.input_shape).integers):
        if held is not None:
            found["duplicates"] = _equal(data.x, held.x)
        return found
    if held is not None:
        found["duplicates"] = data_tests.duplicates(data.x, data.y, held.x, held.y)
        found["drift"] = data_tests.drift(data.x, held.x)
        found["silent"] = data_tests.silent_columns(data.x, held.x)
    if found["imbalance"].get("largest", 0) > 0.8 and case.moments:
        found["imbalance"]["rare_recall"] = _rare_recall(case, task)
    if facts.sick:
        found["label_noise"] = data_tests.label_noise(task, data.x, data.y)
    return found


def _equal(x: Any, held_x: Any) -> dict[str, Any]:
    """Held-out sequences of tokens that are in the training rows, beside those that training rows share."""
    from ..data.contamination import duplicate_rows

    if np.shape(x)[1:] != np.shape(held_x)[1:]:
        return {}
    count = duplicate_rows(np.asarray(x), np.asarray(held_x), near=False).exact
    within = 1 - len({row.tobytes() for row in np.ascontiguousarray(x)}) / len(x)
    share = count / len(held_x)
    return {"count": count, "near": 0, "share": share, "within": within, "leak": share > max(0.05, 3 * within)}


def _rare_recall(case: Case, task: str) -> float | None:
    """The share of the rarest class that is found, on held-out rows where there are any."""
    judged = case.data.validation if case.data.validation is not None else case.data
    truth = judge.labels(task, judged.y)
    classes = np.bincount(judge.labels(task, case.data.y))
    rare = int(np.argmin(np.where(classes > 0, classes, classes.max() + 1)))
    if not np.any(truth == rare):
        return None
    answers = judge.decided(task, outputs_of(case, judged.x), signs=float(np.min(np.asarray(judged.y))) < 0)
    return float(np.mean(answers[truth == rare] == rare))


CORE = ("learning-rate-too-high", "learning-rate-too-low", "stopped-too-early", "inputs-not-normalised")
EACH = 3  # edits tried for a code


@briefly()
def tried(facts: Facts, suspects: Iterable[Suspect], *, budget_seconds: float = 25.0) -> Facts:
    """The facts with what repairs of the suspects recover in paired short runs.

    For each code: the best effect of its edits, as a share of the best that any edit, or the textbook's training, or
    the best simple model shows to be there. What is within its noise counts for nothing.
    """
    from .repairs import catalogue, textbook
    from .trials import trial

    case = facts.case
    strength = {suspect.code: suspect.strength for suspect in suspects if not suspect.certain}
    chosen, known = [], catalogue(case)
    # The likeliest first, as there may not be time for all.
    for code in sorted({*strength, *CORE}, key=lambda code: -strength.get(code, 0.0)):
        chosen += _spread([edit for edit in known if edit.code == code], EACH)
    found = trial(case, [textbook(case), *chosen], seeds=(0, 1), budget_seconds=budget_seconds)
    effects: dict[str, float] = {}
    for edit, outcome in zip(chosen, found[1:], strict=True):
        if outcome.failed:
            continue
        sure = outcome.effect if outcome.effect > max(0.01, outcome.error) else 0.0
        effects[edit.code] = max(effects.get(edit.code, 0.0), sure)
    base = [score for outcome in found for score in outcome.base]
    room = max([0.02, *effects.values(), found[0].effect if not found[0].failed else 0.0])
    if facts.standing is not None and base:
        room = max(room, 0.8 * (facts.standing.ceiling - float(np.mean(base))))
    return replace(facts, outcomes={code: effect / room for code, effect in effects.items()})


def _spread(edits: list[Any], most: int) -> list[Any]:
    """So many of a list, its ends among them."""
    if len(edits) <= most:
        return edits
    places = np.unique(np.rint(np.linspace(0, len(edits) - 1, most)).astype(int))
    return [edits[place] for place in places]
