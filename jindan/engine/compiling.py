"""Compiling programs: code that runs fast or, in a study of many short trainings, code that is made fast."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any

import jax

from . import devicewise
from .devices import accelerated

# Of the compiler on a CPU: half the time to compile, five times the time to run, other rounding. XLA's older emitters
# would take a tenth of the time, but round in each kernel otherwise what several compute anew: in a function of the
# user's the largest of some numbers may then equal none of them, and the slope of a maximum is not a number.
QUICK: dict[str, Any] = {"xla_backend_optimization_level": 0, "xla_cpu_parallel_codegen_split_count": 1}
QUICK_SECONDS = 0.05  # that a program takes in fast code, up to which this is the shortest way to its end

USUAL: dict[str, Any] | None = None  # what all other loops get on a CPU; None: as the compiler comes
# Where each core has a device of its own to work for, kernels that are parted among the cores once more only move rows
# between their caches (an update of a CNN takes 1.04 times as long). The other passes find nothing in loops written as
# ours are, and take a tenth of the compilation of a deep network.
EACH_CORE: dict[str, Any] = {
    "xla_disable_hlo_passes": "cpu-parallel-task-assigner,simplify-while-loops,while-loop-constant-sinking,"
    "reshape-mover"
}
# On a GPU XLA writes each product in many ways and times them: a CNN's loop compiles in 7.3 s and takes 0.44 ms an
# update; with cuBLAS for the products in 1.8 s and 0.49 ms; a transformer's in 25.0 s and 0.77 ms, 3.5 s and 0.89 ms
# (H100). A loop that is to run for LONG seconds gets all of it.
ACCELERATED: dict[str, Any] = {"xla_gpu_enable_triton_gemm": False}
LONG = 100.0

# Within a study: the seconds that each of its programs has been asked to run.
_study: ContextVar[dict[Hashable, float] | None] = ContextVar("study", default=None)


@contextlib.contextmanager
def briefly() -> Iterator[None]:
    """A study of trainings that are short and of many structures: waiting for their code is what would take long.

    A program gets better code once what it was asked to run in the study is worth it. That goes by the size of the
    trainings, never by the clock, so a study comes out the same each time.

    >>> with briefly():
    ...     options("it", 0.04) == known(QUICK), options("it", 0.04)
    (True, None)
    """
    token = _study.set({} if (outer := _study.get()) is None else outer)
    try:
        yield
    finally:
        _study.reset(token)


def options(program: Hashable, seconds: float, *, each_core: bool = False) -> dict[str, Any] | None:
    """Of the compiler, for a loop that is to run so many seconds more; `usual` outside of studies.

    Args:
        program: Its identity.
        seconds: It is to run.
        each_core: Whether each core of a CPU has a device of its own to work for.
    """
    if accelerated():
        return None if seconds > LONG else usual()
    best = USUAL
    if each_core and not _passes_are_set():
        best = {**(USUAL or {}), **EACH_CORE}
    asked = _study.get()
    if asked is None:
        return best
    asked[program] = total = asked.get(program, 0.0) + seconds
    return known(QUICK) if total <= QUICK_SECONDS else best


def usual() -> dict[str, Any] | None:
    """Of the compiler, for a loop on this machine; what the user set in XLA_FLAGS stays."""
    if not accelerated():
        return USUAL
    flags = os.environ.get("XLA_FLAGS", "")
    return known({name: value for name, value in ACCELERATED.items() if name not in flags}) or None


def compiled(lowered: jax.stages.Lowered, wanted: dict[str, Any] | None) -> jax.stages.Compiled:
    """A lowered loop with these options of the compiler."""
    if accelerated() or _passes_are_set():
        return lowered.compile(wanted)
    return devicewise.compiled(lowered, wanted)


def _passes_are_set() -> bool:
    """Whether the user has said which of XLA's passes to leave out; that stays."""
    return "xla_disable_hlo_passes" in os.environ.get("XLA_FLAGS", "")


def jit(function: Callable[..., Any]) -> Any:
    """`jax.jit` of a program beside the loops, such as a prediction: compiled as they are on a GPU."""
    return jax.jit(function, compiler_options=usual() if accelerated() else None)


def known(wanted: dict[str, Any]) -> dict[str, Any]:
    """Those of some options that this version of the compiler has."""
    return {name: value for name, value in wanted.items() if _takes(name, value)}


@cache
def _takes(name: str, value: Any) -> bool:
    try:
        jax.jit(lambda: 0, compiler_options={name: value}).lower().compile()
    except jax.errors.JaxRuntimeError:
        return False
    return True
