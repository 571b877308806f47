"""Compiling a loop: code that runs fast or, in a study of many short trainings, code that is made fast."""

from __future__ import annotations

import contextlib
from collections.abc import Hashable, Iterator
from contextvars import ContextVar
from functools import cache
from typing import Any

import jax

# Of the compiler on a CPU: half the time to compile, five times the time to run, other rounding. XLA's older emitters
# would take a tenth of the time, but round in each kernel otherwise what several compute anew: in a function of the
# user's the largest of some numbers may then equal none of them, and the slope of a maximum is not a number.
QUICK: dict[str, Any] = {"xla_backend_optimization_level": 0, "xla_cpu_parallel_codegen_split_count": 1}
QUICK_SECONDS = 0.05  # that a program takes in fast code, up to which this is the shortest way to its end

USUAL: dict[str, Any] | None = None  # what all other programs get; None: as the compiler comes

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


def options(program: Hashable, seconds: float) -> dict[str, Any] | None:
    """Of the compiler, for a program that is to run so many seconds more; `USUAL` outside of studies."""
    asked = _study.get()
    if asked is None or jax.default_backend() != "cpu":
        return USUAL
    asked[program] = total = asked.get(program, 0.0) + seconds
    return known(QUICK) if total <= QUICK_SECONDS else USUAL


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
