"""mlp: a 784-512-256-10 network on MNIST, time of one update."""

from __future__ import annotations

import itertools
import tempfile
from typing import Any

from .common import DATA, Child, Goal, Result, Skip, Spread, Table, disturbance, in_turn, run, script
from .networks.flops import dense, direct
from .peak import peak, share

EPOCHS = 8
PARAMETERS = 535_818
TASK = f"""\
MNIST (60,000 images) through a 784-512-256-10 ReLU network, softmax cross-entropy, Adam, batch size 128,
{EPOCHS} epochs, rate 0.001 and then 0.7 times that of the epoch before, rows shuffled each epoch, the smaller
last batch trained too; accuracy on the 10,000 test images."""
NAMES = {
    "jindan": "jindan",
    "torch": "PyTorch eager",
    "fused": "PyTorch eager, fused Adam",
    "compile": "torch.compile, fused Adam",
    "keras": "Keras 3 (JAX)",
    "jax_steps": "JAX step loop",
}


def measure(runs: int, epochs: int = EPOCHS) -> Result:
    """Measure every peer `runs` times, each time with another seed."""
    if not (DATA / "mnist.npz").exists():
        raise Skip("it needs ../shared/data/mnist.npz (beside the repository)")
    with tempfile.TemporaryDirectory(prefix="jindan-") as cache:
        found, missing = in_turn(_peers(cache, epochs), runs)
    figures: dict[str, Any] = {
        key: {name: Spread.of([child.output[key] for child in children]) for name, children in found.items()}
        for key in ("step_ms", "fit_seconds", "accuracy")
    }
    figures["memory_mb"] = {name: Spread.of([child.memory for child in children]) for name, children in found.items()}
    figures["skipped"] = missing
    work = direct(dense(784, 512, 256, 10), 128, PARAMETERS)
    figures["share_of_peak"] = {name: share(work, spread.median) for name, spread in figures["step_ms"].items()}
    figures["peak_gflops"] = peak() / 1e9
    base = figures["step_ms"]["jindan"].median
    rows = [
        [NAMES[name], spread.text(".2f"), f"{spread.median / base:.2f}×",
         f"{100 * figures['share_of_peak'][name]:.0f} %", figures["fit_seconds"][name].text(".2f"),
         figures["memory_mb"][name].text(".0f"), f"{100 * figures['accuracy'][name].median:.2f} %"]
        for name, spread in figures["step_ms"].items()
    ]  # fmt: skip
    columns = ["", "ms an update", "to jindan", "of the peak", "whole fit, s", "peak memory, MB", "test accuracy"]
    return Result(
        title="MLP on MNIST: middling updates",
        task=TASK,
        tables=[Table("A fresh process for each run:", columns, rows)],
        goals=_goals(figures),
        figures=figures,
        notes=[
            f"Of the peak: of {figures['peak_gflops']:.0f} GFLOP/s, a 2048³ float32 product here, in operations by "
            f"definition, Adam's included ({work / 1e6:.0f} MFLOP an update).",
            "ms an update: for jindan the mean over all epochs without compilation; for the others the median epoch "
            "after the first, which contains theirs. Whole fit contains compilation; jindan's cache was filled.",
            disturbance(found),
            *(f"{NAMES[name]} was skipped: {reason}" for name, reason in missing.items()),
        ],
    )


def _peers(cache: str, epochs: int) -> dict[str, Any]:
    def peer(name: str, *more: str, environment: dict[str, str] | None = None) -> Any:
        seeds = itertools.count()

        def once() -> Child:
            return run(script(f"mlp_{name}", str(epochs), str(next(seeds)), *more), environment)

        return once

    return {
        "jindan": peer("jindan", environment={"JINDAN_CACHE": cache}),
        "torch": peer("torch"),
        "fused": peer("torch", "--fused"),
        "compile": peer("torch", "--fused", "--compile"),
        "keras": peer("keras"),
        "jax_steps": peer("jax_steps"),
    }


def _goals(figures: dict[str, Any]) -> list[Goal]:
    step = {name: spread.median for name, spread in figures["step_ms"].items()}
    goals = [
        Goal(f"an update, {NAMES[name]} ÷ jindan", step[name] / step["jindan"], "≥", bound)
        for name, bound in (("torch", 2.0), ("jax_steps", 1.0))
        if name in step
    ]
    for name in ("jindan", "torch"):
        if name in step:
            accuracy = 100 * figures["accuracy"][name].median
            goals.append(Goal(f"test accuracy, {NAMES[name]}", accuracy, "≥", 98.0, "%"))
    reached = figures["share_of_peak"]["jindan"]
    return [*goals, Goal("share of the machine's float32 peak, jindan", reached, "≥", 0.75, "×")]
