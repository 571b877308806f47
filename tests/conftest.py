"""What all tests share: the environment that must stand before JAX and Keras are imported."""

import gc
import itertools
import os
from importlib import metadata

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
# Most of what tests compile runs once: code that is made in a tenth of the time, by XLA's older emitters of kernels
# (gone from jaxlib 0.11, where an unknown flag ends the process) and without optimisation. Trainings of a few files get
# the code of users, see `AS_USUAL`.
os.environ.setdefault(
    "XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_cpu_parallel_codegen_split_count=1"
    + " --xla_cpu_use_fusion_emitters=false" * (int(metadata.version("jaxlib").split(".")[1]) < 11),
)  # fmt: skip

from jindan.engine import compiling, devices

# The number of devices is fixed once JAX runs: start as a training would, whichever test comes first.
devices.start()


MOST_MAPS = 15_000  # see `devices.crowded`; the operations that tests run one by one are kept by JAX itself
_counted = itertools.count(1)


# Where code as users get it is what a test is about, or a training goes another way by its rounding.
AS_USUAL = ("engine/test_compiling.py", "engine/test_determinism.py", "engine/test_layout.py",
            "engine/test_oracles.py", "engine/test_program.py", "models/test_boltzmann.py")  # fmt: skip
EMITTERS = {"xla_cpu_use_fusion_emitters": True}
USUAL = {"xla_backend_optimization_level": 3, "xla_cpu_parallel_codegen_split_count": 32, **EMITTERS}
QUICK = compiling.QUICK


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before the fixtures, which train as well."""
    as_usual = item.path.as_posix().endswith(AS_USUAL)
    compiling.USUAL = compiling.known(USUAL) if as_usual else None
    compiling.QUICK = QUICK | EMITTERS if as_usual else QUICK


def pytest_runtest_teardown(item):
    """This file does not see the tests of other folders."""
    compiling.USUAL = None
    compiling.QUICK = QUICK


def pytest_collection_finish():
    """Later collections need not walk through what stays to the end: libraries and 13,000 tests."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def lean():
    """Programs of earlier tests are let go before there are more than a process can hold."""
    yield
    if next(_counted) % 50 == 0 and devices.crowded(MOST_MAPS):
        import jax

        from jindan.engine import group, program

        group._EXECUTABLES.clear()
        program._EXECUTABLES.clear()
        jax.clear_caches()
        gc.collect()


@pytest.fixture
def x64():
    """float64 in force: differences and long comparisons need the digits."""
    import jax

    with jax.enable_x64(True):
        yield


@pytest.fixture
def keras64(x64):
    """Keras computing in float64."""
    keras = pytest.importorskip("keras", reason="Keras is an oracle only where installed")
    before, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # Keras settles it once, with the first layer anyone makes
    yield keras
    keras.config.set_floatx(before)
    keras.config.set_dtype_policy(policy)
