"""Checks of the data: scales, leaks, rows in both parts, drift, labels, classes."""

from __future__ import annotations

import math

from ..facts import Facts
from .base import Suspect, ramp

# LeCun et al. (1998), Efficient BackProp, section 4.3: mean near 0 and about equal spreads. A factor of ten either way
# is harmless in practice; the condition number of the first layer's problem grows with its square.
SOME = 0.01  # share of held-out rows that are training rows from which it is worth a word
UNEVEN, FAR = 10.0, 10.0


def inputs_not_normalised(facts: Facts) -> Suspect | None:
    """Columns of very different size, or values far from 0 beside their spread."""
    scale = facts.data.get("scales")
    if not scale or not facts.sick or facts.case.prepared:
        return None
    signs = {
        "ratio": 0.8 * ramp(scale.get("spread_ratio", 1.0), UNEVEN / 2, UNEVEN * 30),
        "largest": 0.8 * ramp(scale.get("largest", 0.0), FAR / 2, FAR * 30),
        "offset": 0.5 * ramp(scale.get("offset", 0.0), 3.0, 30.0),
        "tiny": 0.6 * ramp(0.1 / max(scale.get("typical", 1.0), 1e-30), 1.0, 100.0),
    }
    strength = 1 - math.prod(1 - sign for sign in signs.values())
    if strength < 0.3:
        return None
    evidence = {"ratio": scale.get("spread_ratio"), "largest": scale.get("largest"), "column": scale.get("column")}
    return Suspect("inputs-not-normalised", strength, None, evidence)


def targets_not_normalised(facts: Facts) -> Suspect | None:
    """Real targets much larger than 1, or far from 0."""
    scale = facts.data.get("targets")
    if facts.task != "regression" or not scale or not facts.sick:
        return None
    size = max(scale.get("spread", 0.0), abs(scale.get("mean", 0.0)))
    strength = 0.8 * ramp(size, 5.0, 300.0)
    if strength < 0.15:
        return None
    return Suspect("targets-not-normalised", strength, None, {"mean": scale.get("mean"), "std": scale.get("spread")})


def preprocessing_mismatch(facts: Facts) -> Suspect | None:
    """Validation columns that look like other units, or another shift, of the training columns."""
    drift = facts.data.get("drift")
    if not drift or not drift.get("mismatch") or facts.case.prepared:
        return None  # one preprocessing made all rows of a run: later rows, other groups may differ all the same
    evidence = {key: drift.get(key) for key in ("column", "shift", "spread_ratio", "share", "auc")}
    return Suspect("preprocessing-mismatch", drift.get("strength", 0.9), None, evidence, certain=True)


def data_leakage(facts: Facts) -> Suspect | None:
    """Rows in both parts more often than chance has it, or a column that tells the target."""
    found = facts.data.get("duplicates")
    if found and found.get("leak"):
        evidence = {"duplicates": found.get("count"), "share": found.get("share"), "near": found.get("near")}
        return Suspect("data-leakage", 0.95, None, evidence, certain=True, severity="error")
    if found and found.get("share", 0.0) >= SOME and not found.get("all"):
        # As many as training rows share among themselves: short texts, tables of few values. Worth knowing.
        evidence = {"duplicates": found.get("count"), "share": found.get("share"), "within": found.get("within")}
        return Suspect("data-leakage", 0.3, None, evidence, severity="info")
    leak = facts.data.get("leaking")
    if leak:
        return Suspect("data-leakage", 0.9, None, dict(leak), certain=True, severity="error")
    return None


def label_noise(facts: Facts) -> Suspect | None:
    """Labels that simple models, each judged on rows it has not seen, confidently contradict."""
    noise = facts.data.get("label_noise")
    if not noise or not noise.get("noisy"):
        return None
    evidence = {"fraction": noise.get("uniform", noise.get("share"))}
    return Suspect("label-noise", noise.get("strength", 0.8), None, evidence, certain=True)


def class_imbalance(facts: Facts) -> Suspect | None:
    """One class prevails, and the rare ones are missed."""
    shares = facts.data.get("imbalance")
    if not shares or shares.get("largest", 0.0) < 0.85:
        return None
    recall = shares.get("rare_recall")
    evidence = {"largest_share": shares["largest"], "smallest_share": shares.get("smallest"), "rare_recall": recall}
    weighted = bool(facts.case.plan.class_weight)
    if recall is not None and recall >= 0.6:
        return None
    strength = 0.6 + 0.35 * ramp(shares["largest"], 0.85, 0.99)
    return Suspect("class-imbalance", strength * (0.6 if weighted else 1.0), None, evidence, certain=recall is not None)


DATA_CHECKS = {
    "data-leakage": data_leakage,
    "preprocessing-mismatch": preprocessing_mismatch,
    "label-noise": label_noise,
    "class-imbalance": class_imbalance,
    "inputs-not-normalised": inputs_not_normalised,
    "targets-not-normalised": targets_not_normalised,
}
