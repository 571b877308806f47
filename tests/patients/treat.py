"""Patients diagnosed: each registered training, built and looked at by the doctor."""

from __future__ import annotations

from typing import Any

import jindan as jd
from jindan.doctor.diagnosis import Report
from jindan.models import Sequential

from .registry import PATIENTS


def model_of(patient: dict[str, Any]) -> Any:
    """A compiled model as the patient says."""
    model = Sequential(list(patient["layers"]))
    model.compile(**patient["compile"])
    return model


def diagnosed(code: str, *, sick: bool, seed: int = 0, trials: bool = True) -> Report:
    """The doctor's report on the sick or the healthy training of a code."""
    patient = PATIENTS[code][0 if sick else 1]()
    x, y, held_x, held_y = patient["data"]
    return jd.diagnose(model_of(patient), x, y, validation_data=(held_x, held_y), seed=seed, trials=trials,
                       **patient["fit"])  # fmt: skip
