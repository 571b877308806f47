"""Patients diagnosed: each registered training, built and looked at by the doctor."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

import jindan as jd
from jindan.doctor.capacity import LONG
from jindan.doctor.diagnosis import Report
from jindan.doctor.findings import Finding
from jindan.estimators.gan import GAN
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


def idle() -> Report:
    """A loop of PyTorch, row by row, as long as it takes for its waiting to be worth a word.

    (A program of jindan's own hardly waits: one weight trained row by row keeps a core busier than the finding's 2 %.)
    """
    import torch

    rng = np.random.default_rng(0)
    x = torch.as_tensor(rng.normal(size=(256, 8)).astype(np.float32))
    y = x[:, :1] * 2
    module = torch.nn.Sequential(torch.nn.Linear(8, 4), torch.nn.ReLU(), torch.nn.Linear(4, 1))
    optimizer, loss_fn = torch.optim.SGD(module.parameters(), lr=0.01), torch.nn.MSELoss()
    with jd.doctor.watch(module, optimizer, loss_fn, data=(x, y), validation_data=(x, y)) as watch:
        began = time.perf_counter()
        while time.perf_counter() - began < 1.2 * LONG:
            for row in range(len(x)):
                optimizer.zero_grad()
                loss_fn(module(x[row : row + 1]), y[row : row + 1]).backward()
                optimizer.step()
    return watch.report()


def collapsed() -> Finding:
    """What the doctor finds in a GAN whose generator takes steps a hundred times those of its discriminator."""
    rng, angles = np.random.default_rng(0), np.arange(8) * np.pi / 4
    centres = np.stack([np.cos(angles), np.sin(angles)], 1)
    model = GAN(8, hidden_layer_sizes=(64, 64), learning_rate=0.0001, generator_rate=0.01, penalty=0.0, average=0.0,
                n_iter=20, random_state=0)  # fmt: skip
    return model.fit(centres[rng.integers(0, 8, 2000)] + 0.02 * rng.normal(size=(2000, 2))).findings_[0]
