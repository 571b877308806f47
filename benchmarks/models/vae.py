"""vae: a variational autoencoder on binarised MNIST, its bound, and its speed against a PyTorch loop."""

from __future__ import annotations

import functools
import itertools
import json
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..common import Child, Goal, Result, Spread, Table, disturbance, in_turn, run
from ..networks.data import mnist

LATENTS, HIDDEN, BATCH, RATE, EPOCHS, DRAWS = 40, (256, 256), 100, 2e-3, 30, 500
TIMED = 3  # epochs a speed is taken from
TASK = f"""\
60,000 images of MNIST, pixels drawn once with their grey value as probability; 784-{HIDDEN[0]}-{HIDDEN[1]} to
{LATENTS} latents and back, ReLU, Adam, batch {BATCH}. Speed: {TIMED} epochs at a constant rate, the second time in a
process of its own. Bound: {EPOCHS} epochs, rate {RATE:g} falling along a cosine, the divergence warmed up for 5
epochs; importance-weighted bound of the 10,000 test images with {DRAWS} draws."""
PEERS = {"jindan": "jindan", "PyTorch loop": "torch"}
COLUMNS = ["", "seconds an epoch", "to jindan", "first time, s", "objective of the last epoch, nats"]


def measure(runs: int) -> Result:
    """Measure both peers `runs` times, and the bound once."""
    peers: dict[str, Callable[[], Child]] = {
        name: functools.partial(run, [sys.executable, "-m", __name__, word]) for name, word in PEERS.items()
    }
    found, skipped = in_turn(peers, runs, warm=False)
    seconds = {name: Spread.of([c.output["epoch"] for c in some]) for name, some in found.items()}
    first = {name: Spread.of([c.output["first"] for c in some]) for name, some in found.items()}
    judged = run([sys.executable, "-m", __name__, "bound"]).output
    base = seconds["jindan"].median
    rows = [
        [name, seconds[name].text(), f"{seconds[name].median / base:.2g}×", first[name].text(),
         f"{found[name][-1].output['objective']:.2f}"]
        for name in found
    ]  # fmt: skip
    goals = [Goal("importance-weighted bound of the test images", judged["bound"], "≥", -100, "nats")]
    if "PyTorch loop" in seconds:
        goals.append(Goal("PyTorch loop ÷ jindan, an epoch", seconds["PyTorch loop"].median / base, "≥", 1.5))
    terms = [[f"{judged[name]:.2f}" for name in ("bound", "elbo", "likelihood", "divergence", "train")]]
    terms[0] += [str(judged["active"]), f"{judged['seconds']:.0f}"]
    names = [f"bound, {DRAWS} draws", "bound, 1 draw", "E log p(x given z)", "divergence", f"of train, {DRAWS} draws",
             "latents in use", "seconds"]  # fmt: skip
    return Result(
        title="A variational autoencoder on binarised MNIST", task=TASK,
        tables=[Table("Speed:", COLUMNS, rows), Table("Test images, nats:", names, terms)], goals=goals,
        figures={"seconds": seconds, "first_seconds": first, "bound": judged},
        notes=[*(f"{name} was skipped: {why}" for name, why in skipped.items()), disturbance(found),
               "A latent is in use whose mean has a variance above 0.01 over the rows (Burda et al. 2016)."],
    )  # fmt: skip


def binarised(part: str) -> np.ndarray:
    """Images (rows, 784) of 0 and 1, each pixel drawn once."""
    x = mnist(part)[0].reshape(-1, 784)
    return (np.random.default_rng(417).random(x.shape) < x).astype(np.float32)


# -- the peers, each in its process ----------------------------------------------------------------------------------


def _model(epochs: int, **more: Any) -> Any:
    from jindan.estimators.vae import VAE

    return VAE(LATENTS, hidden_layer_sizes=HIDDEN, batch_size=BATCH, learning_rate=RATE, n_iter=epochs,
               random_state=0, **more)  # fmt: skip


def _timed(fit: Callable[[], float]) -> dict[str, float]:
    began = time.perf_counter()
    fit()
    first = time.perf_counter() - began
    began = time.perf_counter()
    objective = fit()
    return {"first": first, "epoch": (time.perf_counter() - began) / TIMED, "objective": objective}


def _jindan() -> dict[str, float]:
    x = binarised("train")
    return _timed(lambda: 784 * _model(TIMED, decay=False).fit(x).history_["loss"][-1])


def _bound() -> dict[str, float]:
    began = time.perf_counter()
    x, test = binarised("train"), binarised("test")
    model = _model(EPOCHS, warm_up=5).fit(x)
    seconds = time.perf_counter() - began
    likelihood, divergence = model.terms(test, 10)
    return {
        "bound": float(model.bound(test, DRAWS).mean(dtype=np.float64)),
        "train": float(model.bound(x[:2000], DRAWS).mean(dtype=np.float64)),
        "elbo": float((likelihood - divergence).mean(dtype=np.float64)),
        "likelihood": float(likelihood.mean(dtype=np.float64)),
        "divergence": float(divergence.mean(dtype=np.float64)),
        "active": int((model.transform(test).var(0) > 0.01).sum()),
        "seconds": seconds,
    }


def _torch() -> dict[str, float]:
    try:
        import torch
        from torch import nn
    except ImportError:
        print("PyTorch is not installed", file=sys.stderr)
        sys.exit(77)

    x = torch.from_numpy(binarised("train"))

    def fit() -> float:
        torch.manual_seed(0)
        sizes = [784, *HIDDEN]
        there = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        encoder = nn.Sequential(*there, nn.Linear(sizes[-1], 2 * LATENTS))
        sizes = [LATENTS, *reversed(HIDDEN)]
        back = [part for a, b in itertools.pairwise(sizes) for part in (nn.Linear(a, b), nn.ReLU())]
        decoder = nn.Sequential(*back, nn.Linear(sizes[-1], 784))
        optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=RATE)
        total = torch.zeros(())
        for _ in range(TIMED):
            order, total = torch.randperm(len(x)), torch.zeros(())
            for start in range(0, len(x), BATCH):
                rows = x[order[start : start + BATCH]]
                mean, log_variance = encoder(rows).chunk(2, 1)
                z = mean + torch.exp(0.5 * log_variance) * torch.randn_like(mean)
                cost = nn.functional.binary_cross_entropy_with_logits(decoder(z), rows, reduction="sum")
                apart = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum()
                loss = (cost + apart) / len(rows)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(rows)
        return float(total / len(x))

    return _timed(fit)


if __name__ == "__main__":
    print(json.dumps({"jindan": _jindan, "torch": _torch, "bound": _bound}[sys.argv[1]]()))
