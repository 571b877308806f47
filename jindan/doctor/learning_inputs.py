"""Whether inputs matter: trainings on meaningless ones, and what the trained network does when columns are permuted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.data import Data, cut
from ..engine.forward import predict
from ..engine.train import train
from . import judge
from .evidence import Case
from .learning_rates import short
from .learning_runs import Numbers, harmless, inner, scored
from .references import importances as tree_importances
from .references import some
from .starting import begun

# A column that changes the outputs by less than a hundredth of their spread is not looked at.
IGNORED = 0.01
MOST_GROUPS = 64
SECONDS = 3.0  # about how long a training on meaningless rows may take


@harmless
def shuffled_targets(case: Case, task: str, *, seed: int = 0, own: float | None = None) -> Numbers:
    """The same training on targets dealt out anew: a score as good as the real one means that inputs tell nothing.

    Args:
        case: The training.
        task: As `judge.task_of` names it; None finds out.
        seed: Of the deal.
        own: The score on the real rows where it is known, as from `shuffled_inputs`.

    Returns:
        "score" on the (unshuffled) held-out rows, or a fifth of the training rows where there are none, and
        "train_score" on the shuffled training rows (what it can learn by heart); "own" of the same training on the real
        rows, and "trivial", both on the held-out rows; "epochs" and "rows", fewer than the case's where it was long.
    """
    return _meaningless(case, task, seed, own, inputs=False)


@harmless
def shuffled_inputs(case: Case, task: str, *, seed: int = 0, own: float | None = None) -> Numbers:
    """The same training on inputs of which each column (of images and texts, each row) is dealt out anew.

    Unlike shuffled targets this breaks what columns tell of one another too: a network that does as well on the rows it
    is trained on learned them by heart in both cases.

    Args:
        case: The training.
        task: As `judge.task_of` names it; None finds out.
        seed: Of the deal.
        own: The score on the real rows where it is known, as from `shuffled_targets`.

    Returns:
        As `shuffled_targets`.
    """
    return _meaningless(case, task, seed, own, inputs=True)


def _meaningless(case: Case, task: str, seed: int, own: float | None, *, inputs: bool) -> Numbers:
    rng = np.random.default_rng(seed)
    fit, held = inner(case, task) if case.data.validation is None else (np.arange(len(case.data)),) * 2
    judged = case.data.validation or Data(cut(case.data.x, held), case.data.y[held])
    plan, fit = short(case, fit, 1, None, SECONDS)
    real = replace(case.data, x=cut(case.data.x, fit), y=case.data.y[fit], validation=None,
                   weight=None if case.data.weight is None else case.data.weight[fit])  # fmt: skip
    if not inputs:
        data = replace(real, y=real.y[rng.permutation(len(fit))])
    elif isinstance(real.x, tuple) or real.x.ndim != 2:
        data = replace(real, x=cut(real.x, rng.permutation(len(fit))))
    else:
        data = replace(real, x=rng.permuted(real.x, axis=0))
    start = begun(case, plan)
    run = train(plan, data, start=start)
    return {
        "score": scored(task, run, judged), "train_score": scored(task, run, data),
        "own": scored(task, train(plan, real, start=start), judged) if own is None else own,
        "trivial": judge.trivial(task, data.y, judged.y), "epochs": plan.epochs, "rows": len(fit),
    }  # fmt: skip


@harmless
def permutation(case: Case, task: str, *, importances: Any = None, rows: int = 512, seed: int = 0) -> Numbers:
    """What the trained network looks at: its training score, and its outputs, when one column is permuted.

    Args:
        case: The training, with its moments.
        task: As `judge.task_of` names it; None finds out.
        importances: What `references.importances` gave for these rows; None computes them for tables.
        rows: Training rows asked.
        seed: Of rows and permutations.

    Returns:
        "score", "groups" (the flat positions of each group: single columns up to 200, else 64 groups of neighbours), by
        group "drop" of the score and "change" (root mean square change of the outputs ÷ their spread over rows; 0 for
        outputs that do not differ), "ignored" (share of groups with a change below 0.01) and "missed" (columns among
        them that random trees use; "missed_share" of those used). Empty for several inputs.
    """
    if not case.moments or isinstance(case.data.x, tuple):
        return {}
    last = case.moments[-1]
    weights = case.plan.network(case.input_shape).join(last.trained, last.fixed)
    chosen = some(len(case.data), rows, seed)
    x, y = case.data.x[chosen], case.data.y[chosen]
    flat = x.reshape(len(x), -1)
    rng = np.random.default_rng(seed)
    columns = flat.shape[1]
    groups = np.array_split(np.arange(columns), columns if columns <= 200 and x.ndim == 2 else MOST_GROUPS)
    groups = [group for group in groups if len(group)]
    outputs = np.asarray(predict(case.plan, case.input_shape, weights, x), np.float64)
    score, spread = judge.score(task, y, outputs), float(np.sqrt(np.mean(outputs.var(0))))
    drop, change = [], []
    for group in groups:
        other = flat.copy()
        other[:, group] = other[rng.permutation(len(flat))][:, group]
        answer = np.asarray(predict(case.plan, case.input_shape, weights, other.reshape(x.shape)), np.float64)
        drop.append(score - judge.score(task, y, answer))
        moved = float(np.sqrt(np.mean((answer - outputs) ** 2)))
        change.append(moved / spread if spread > 0 else 0.0)
    unseen = np.array([not value >= IGNORED for value in change])
    found = {"score": score, "groups": [[int(k) for k in group] for group in groups], "drop": drop, "change": change,
             "ignored": float(unseen.mean()) if len(unseen) else 0.0}  # fmt: skip
    if x.ndim != 2 or len(groups) != columns:
        return found
    given = tree_importances(task, case.data.x, case.data.y, seed=seed) if importances is None else importances
    if not given or len(given["drop"]) != columns:
        return found
    used = np.asarray(given["drop"]) > np.maximum(0.005, 2 * np.asarray(given["error"]))
    missed = np.flatnonzero(used & unseen)
    return found | {"missed": [int(k) for k in missed], "missed_share": len(missed) / max(int(used.sum()), 1)}
