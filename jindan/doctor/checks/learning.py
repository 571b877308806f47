"""Checks of how training went: rates, ends, gaps, and symptoms such as a plateau."""

from __future__ import annotations

import math
from typing import Any

from ..facts import Facts
from .base import Suspect, ramp
from .setting import CUSTOMARY

LEAP = 0.02  # mean rise from epoch to epoch, as a share of the whole way down, of an unsteady curve
EMPTY = 0.5  # share of the columns of a table that never change: what they should tell has been lost on the way
ROWS = 8  # fewer may agree in a column by chance
CRAWL = 1e-5  # relative update below which weights hardly move; about 1e-3 is usual (Karpathy 2015; Bottou 2012)


def nonfinite_values(facts: Facts) -> Suspect | None:
    """NaN or infinity in the data, in the first weights, or in the loss of some update."""
    broken: dict[str, Any] = facts.data.get("nonfinite") or {}
    apart = broken.get("where", "").startswith("validation")
    if broken and not (apart and facts.case.first_nonfinite is not None):
        layer, told = broken.get("layer"), {key: value for key, value in broken.items() if key != "layer"}
        evidence = {**told, **({"aspect": "validation"} if apart else {})}
        return Suspect("nonfinite-values", 1.0, layer, evidence, certain=True, severity="error")
    if facts.case.first_nonfinite is None:
        return None
    return Suspect("nonfinite-values", 0.5, None, {"first_update": facts.case.first_nonfinite}, certain=True,
                   severity="error", symptom=True)  # fmt: skip


def learning_rate_too_high(facts: Facts) -> Suspect | None:
    """The loss rises, leaps or bursts; updates are large beside the weights; smaller rates do better."""
    course = facts.loss
    if course is None or not facts.sick or not facts.updates:
        return None
    evidence: dict[str, float] = {}
    signs = []
    if facts.rate is not None:
        evidence["learning_rate"] = facts.rate
        usual = CUSTOMARY.get(type(facts.case.plan.optimizer).__name__)
        # Momentum multiplies the step by 1/(1 - β).
        step = facts.rate / (1 - min(float(getattr(facts.case.plan.optimizer, "momentum", 0) or 0), 0.99))
        if usual:
            signs.append(0.5 * ramp(step / usual, 10, 300))
    if facts.case.first_nonfinite is not None or not math.isfinite(course.peak):
        signs.append(0.7)
    else:
        signs += [0.5 * ramp(course.peak, 2, 100), 0.6 * ramp(course.rise, 0.3, 1.0),
                  0.5 * ramp(course.leaps, LEAP, 10 * LEAP)]  # fmt: skip
    ratios = [one.update_ratio for probe in facts.later for one in probe.layers
              if one.update_ratio is not None and math.isfinite(one.update_ratio)]  # fmt: skip
    if ratios:
        evidence["update_ratio"] = max(ratios)
        signs.append(0.4 * ramp(max(ratios), 0.1, 1.0))
    sharp = [probe.curvature * facts.rate for probe in facts.later
             if probe.curvature is not None and facts.rate is not None and math.isfinite(probe.curvature)]  # fmt: skip
    if sharp and type(facts.case.plan.optimizer).__name__ == "SGD":
        evidence["overshoot"] = max(sharp)
        signs.append(0.6 * ramp(max(sharp), 2, 20))  # a quadratic diverges from η · curvature = 2
    strength = 1 - math.prod(1 - sign for sign in signs)
    return Suspect("learning-rate-too-high", strength, None, evidence) if strength >= 0.4 else None


def learning_rate_too_low(facts: Facts) -> Suspect | None:
    """Weights hardly move although the loss still falls, or could."""
    course = facts.loss
    if course is None or not facts.sick or not facts.updates or facts.rate is None:
        return None
    usual = CUSTOMARY.get(type(facts.case.plan.optimizer).__name__, 1e-3)
    step = facts.rate / (1 - min(float(getattr(facts.case.plan.optimizer, "momentum", 0) or 0), 0.99))
    signs = [0.8 * ramp(usual / max(step, 1e-30), 3, 100)]
    ratios = sorted(one.update_ratio for probe in facts.later for one in probe.layers
                    if one.update_ratio is not None and math.isfinite(one.update_ratio))  # fmt: skip
    evidence = {"learning_rate": facts.rate}
    if ratios:
        middle = ratios[len(ratios) // 2]
        evidence["update_ratio"] = middle
        signs.append(0.4 * ramp(CRAWL * 30 / max(middle, 1e-30), 1, 100))
    if course.rise < 0.05 and course.leaps < LEAP:
        signs.append(0.3 * ramp(course.falling, 0.02, 0.5))
    strength = 1 - math.prod(1 - sign for sign in signs)
    return Suspect("learning-rate-too-low", strength, None, evidence) if strength >= 0.3 else None


def stopped_too_early(facts: Facts) -> Suspect | None:
    """The loss was still falling when training ended, or hardly any updates were made."""
    course = facts.val_loss or facts.loss
    if course is None or not facts.sick or facts.case.stopped_early or facts.case.first_nonfinite is not None:
        return None
    falling = course.falling
    few = 0.6 * ramp(500 / max(facts.updates, 1), 1, 20)
    strength = 1 - (1 - 0.5 * ramp(falling, 0.05, 0.5)) * (1 - few)
    if strength < 0.3 or course.rise > 0.3:
        return None
    evidence: dict[str, Any] = {"epochs": course.epochs, "updates": facts.updates, "falling": falling}
    if facts.val_loss is None:
        evidence["aspect"] = "training"
    return Suspect("stopped-too-early", strength, None, evidence)


def plateau(facts: Facts) -> Suspect | None:
    """A loss that stands still on a high level."""
    course = facts.loss
    if course is None or not facts.sick or course.flat_since is None:
        return None
    evidence = {"epoch": course.flat_since, "loss": course.last}
    if facts.last is not None and facts.last.curvature is not None:
        evidence["curvature"] = facts.last.curvature
    return Suspect("plateau", 0.5, None, evidence, symptom=True)


def overfitting(facts: Facts) -> Suspect | None:
    """Clearly better on training rows than on others, while the validation loss has long been rising."""
    standing, held = facts.standing, facts.val_loss
    if standing is None or not standing.held or not facts.sick:
        return None
    gap = standing.train - standing.score
    room = max(standing.ceiling - standing.trivial, 0.05)
    if gap <= max(0.05, 2 * standing.error) or standing.train < standing.ceiling - 0.5 * room:
        return None
    rising = 0.4 * ramp(held.rise, 0.05, 0.5) if held is not None else 0.0
    strength = 0.3 + 0.3 * ramp(gap / room, 0.1, 0.6) + rising
    evidence = {"train_score": standing.train, "val_score": standing.score}
    if held is not None and facts.loss is not None:
        evidence |= {"loss": facts.loss.last, "val_loss": held.last, "best_epoch_loss": held.best}
    return Suspect("overfitting", strength, None, evidence)


def underfitting(facts: Facts) -> Suspect | None:
    """Poor even on its training rows: too small, or held down by penalties."""
    standing = facts.standing
    if standing is None or not facts.sick:
        return None
    room = max(standing.ceiling - standing.trivial, 0.05)
    lack = (standing.ceiling - standing.train) / room
    if lack < 0.1:
        return None
    evidence: dict[str, float] = {"train_score": standing.train, "best_score": standing.ceiling}
    if facts.loss is not None and math.isfinite(facts.loss.last):
        evidence["loss"] = facts.loss.last
    strength, symptom = 0.3, True
    narrow = [one for one in facts.hidden(facts.last) if one.units < _least(facts)]
    if narrow:
        evidence["units"] = min(one.units for one in narrow)
        strength, symptom = 0.5, False
    last = facts.last
    if last is not None and math.isfinite(last.loss) and last.penalty > 0.3 * (abs(last.loss) + last.penalty):
        evidence["penalty_share"] = last.penalty / (abs(last.loss) + last.penalty)
        strength, symptom = 0.7, False
    few = facts.learning.get("few")
    if few is not None and few.get("score", 1.0) < 0.7:
        evidence["few_rows_score"] = few["score"]
        strength += 0.1
    return Suspect("underfitting", strength, None, evidence, symptom=symptom)


def _least(facts: Facts) -> int:
    """A hidden layer narrower than this cannot carry apart as many classes as there are: K points in general place
    need about log₂ K directions at least, and twice that to be found by descent."""
    outputs = facts.case.plan.network(facts.case.input_shape).output_shape
    classes = outputs[-1] if outputs else 1
    return max(3, math.ceil(2 * math.log2(max(classes, 2))))


def input_ignored(facts: Facts) -> Suspect | None:
    """The same answer whatever the input, or columns that bring nothing."""
    lost = facts.data.get("silent")
    if lost and lost.get("share", 0) > 0:
        return Suspect("input-ignored", 0.95, None, {**lost, "aspect": "constant"}, certain=True)
    scale = facts.data.get("scales") or {}
    shape = facts.case.input_shape
    many = len(shape) == 1 and shape[0] in range(4, 10**9) and len(facts.case.data) >= ROWS
    if many and scale.get("constant", 0.0) >= EMPTY:
        # Among hashed words and rare categories, mostly 0 themselves, empty columns are no loss.
        told = facts.sick or scale.get("sparse", 0.0) < EMPTY
        evidence = {"share": scale["constant"], "columns": int(shape[0]), "aspect": "constant"}
        severity = "warning" if told else "info"
        return Suspect("input-ignored", 0.95, None, evidence, certain=told, severity=severity)
    last = facts.last
    if last is None or not facts.sick or len(facts.case.data) < 4:
        return None
    if not math.isfinite(last.output_spread) or last.output_spread > 1e-3 * _target_spread(facts):
        return None
    return Suspect("input-ignored", 0.4, None, {"output_spread": last.output_spread}, symptom=True)


def _target_spread(facts: Facts) -> float:
    scale = facts.data.get("targets") or {}
    spread = scale.get("spread", 0.5)
    return float(spread) if spread and math.isfinite(spread) else 0.5


def mode_gap(facts: Facts) -> Suspect | None:
    """The same rows come out otherwise in training than at inference."""
    gap = facts.learning.get("mode_gap")
    if not gap or gap.get("drop") is None:
        return None
    drop = gap["drop"]
    if drop <= max(0.1, 3 * gap.get("error", 0.0)):
        return None
    return Suspect("mode-gap", 0.6 + 0.4 * ramp(drop, 0.1, 0.4), gap.get("layer"), dict(gap), certain=facts.sick)


def below_baseline(facts: Facts) -> Suspect | None:
    """Clearly worse than a simple model, or no better than the trivial answer."""
    standing = facts.standing
    if standing is None or standing.well:
        return None
    evidence = {"score": standing.score, "baseline": standing.best_model, "baseline_score": standing.ceiling}
    return Suspect("below-baseline", 0.35, None, evidence, symptom=True)


LEARNING_CHECKS = {
    "nonfinite-values": nonfinite_values,
    "learning-rate-too-high": learning_rate_too_high,
    "learning-rate-too-low": learning_rate_too_low,
    "stopped-too-early": stopped_too_early,
    "plateau": plateau,
    "overfitting": overfitting,
    "underfitting": underfitting,
    "input-ignored": input_ignored,
    "mode-gap": mode_gap,
    "below-baseline": below_baseline,
}
