"""gan: a generative adversarial network on a ring of Gaussians, its modes in ten seeds, its speed against PyTorch."""

from __future__ import annotations

import functools
import json
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common import Child, Goal, Result, Spread, Table, disturbance, in_turn, run

ROWS, MODES, SPREAD = 2000, 8, 0.02
LATENT, HIDDEN, BATCH, RATE, PENALTY, EPOCHS, SEEDS = 8, (64, 64), 64, 2e-3, 0.1, 100, 10
TIMED = 20  # epochs a speed is taken from
TASK = f"""\
{ROWS:,} points of {MODES} Gaussians (standard deviation {SPREAD}) on a circle of radius 1, columns standardised;
generator {LATENT}-{HIDDEN[0]}-{HIDDEN[1]}-2 and discriminator 2-{HIDDEN[1]}-{HIDDEN[0]}-1, the non-saturating loss with
R1 of weight {PENALTY}, Adam, batch {BATCH}, one update of each in turn. Speed: {TIMED} epochs, the second time in a
process of its own. Modes: {EPOCHS} epochs, {SEEDS} seeds as one population; a mode counts with a tenth of its share
within three standard deviations (Srivastava et al. 2017)."""
PEERS = {"jindan": "jindan", "PyTorch loop": "torch"}
COLUMNS = ["", "seconds an epoch", "to jindan", "first time, s"]


def measure(runs: int) -> Result:
    """Measure both peers `runs` times, and the modes once."""
    peers: dict[str, Callable[[], Child]] = {
        name: functools.partial(run, [sys.executable, "-m", __name__, word]) for name, word in PEERS.items()
    }
    found, skipped = in_turn(peers, runs, warm=False)
    seconds = {name: Spread.of([c.output["epoch"] for c in some]) for name, some in found.items()}
    first = {name: Spread.of([c.output["first"] for c in some]) for name, some in found.items()}
    judged = run([sys.executable, "-m", __name__, "modes"]).output
    base = seconds["jindan"].median
    rows = [[name, seconds[name].text(), f"{seconds[name].median / base:.2g}×", first[name].text()] for name in found]
    whole = sum(count == MODES for count in judged["modes"])
    goals = [Goal(f"seeds of {SEEDS} that reach all {MODES} modes", whole, "≥", 8)]
    if "PyTorch loop" in seconds:
        goals.append(Goal("PyTorch loop ÷ jindan, an epoch", seconds["PyTorch loop"].median / base, "≥", 1.5))
    modes = [[str(k), str(count), f"{near:.3f}"] for k, (count, near) in
             enumerate(zip(judged["modes"], judged["near"], strict=True))]  # fmt: skip
    return Result(
        title="A generative adversarial network on a ring of Gaussians", task=TASK,
        tables=[Table("Speed:", COLUMNS, rows),
                Table(f"Modes, {judged['seconds']:.0f} s for all:", ["seed", "modes", "samples within 3 σ"], modes)],
        goals=goals, figures={"seconds": seconds, "first_seconds": first, "modes": judged},
        notes=[*(f"{name} was skipped: {why}" for name, why in skipped.items()), disturbance(found)],
    )  # fmt: skip


def ring() -> tuple[np.ndarray, np.ndarray]:
    """Points (rows, 2), and the centres (modes, 2)."""
    rng, angles = np.random.default_rng(0), np.arange(MODES) * 2 * np.pi / MODES
    centres = np.stack([np.cos(angles), np.sin(angles)], 1)
    return centres[rng.integers(0, MODES, ROWS)] + SPREAD * rng.normal(size=(ROWS, 2)), centres


# -- the peers, each in its process ----------------------------------------------------------------------------------


def _model(epochs: int) -> Any:
    from jindan.estimators.gan import GAN

    return GAN(LATENT, hidden_layer_sizes=HIDDEN, batch_size=BATCH, learning_rate=RATE, penalty=PENALTY, n_iter=epochs,
               random_state=0)  # fmt: skip


def _modes() -> dict[str, Any]:
    x, centres = ring()
    began = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        members = _model(EPOCHS).fit_many(x, [{"random_state": seed} for seed in range(SEEDS)])
    seconds = time.perf_counter() - began
    counts, near = [], []
    for member in members:
        apart = np.linalg.norm(member.sample(4000)[:, None] - centres, axis=2)
        good = apart.min(1) < 3 * SPREAD
        found = np.bincount(apart.argmin(1)[good], minlength=MODES)
        counts.append(int((found > 0.1 * 4000 / MODES).sum()))
        near.append(float(good.mean()))
    return {"modes": counts, "near": near, "seconds": seconds}


def _timed(fit: Callable[[], Any]) -> dict[str, float]:
    began = time.perf_counter()
    fit()
    first = time.perf_counter() - began
    began = time.perf_counter()
    fit()
    return {"first": first, "epoch": (time.perf_counter() - began) / TIMED}


def _jindan() -> dict[str, float]:
    from jindan.engine.program import train_program

    x, model = ring()[0].astype(np.float32), _model(TIMED)
    model._settle(x)
    x, program = model._inside(x), model._program()
    return _timed(lambda: train_program(program, x, epochs=TIMED, values=[model._values()]))


def _torch() -> dict[str, float]:
    try:
        import torch
    except ImportError:
        print("PyTorch is not installed", file=sys.stderr)
        sys.exit(77)
    from torch.nn import LeakyReLU, Linear, ReLU, Sequential
    from torch.nn.functional import softplus

    x = ring()[0]
    rows = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32)

    def fit() -> None:
        torch.manual_seed(0)
        a, b = HIDDEN
        maker = Sequential(Linear(LATENT, a), ReLU(), Linear(a, b), ReLU(), Linear(b, 2))
        judge = Sequential(Linear(2, b), LeakyReLU(0.2), Linear(b, a), LeakyReLU(0.2), Linear(a, 1))
        mean = [w.detach().clone() for w in maker.parameters()]
        steps = [torch.optim.Adam(net.parameters(), RATE, betas=(0.5, 0.999)) for net in (maker, judge)]
        for _ in range(TIMED):
            for places in torch.randperm(ROWS).split(BATCH):
                real = rows[places].requires_grad_()
                fakes, told = maker(torch.randn(len(real), LATENT)).detach(), judge(real)
                (slope,) = torch.autograd.grad(told.sum(), real, create_graph=True)
                cost = softplus(-told).mean() + softplus(judge(fakes)).mean()
                steps[1].zero_grad(set_to_none=True)
                (cost + 0.5 * PENALTY * (slope**2).sum(1).mean()).backward()
                steps[1].step()
                steps[0].zero_grad(set_to_none=True)
                softplus(-judge(maker(torch.randn(len(real), LATENT)))).mean().backward()
                steps[0].step()
                with torch.no_grad():
                    torch._foreach_lerp_(mean, list(maker.parameters()), 0.01)

    return _timed(fit)


if __name__ == "__main__":
    print(json.dumps({"jindan": _jindan, "torch": _torch, "modes": _modes}[sys.argv[1]]()))
