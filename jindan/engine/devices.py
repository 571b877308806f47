"""Starting JAX: cores as devices, a private compilation cache, real-number width."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import stat
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

# Of LLVM on a CPU. By itself it unrolls loops over up to 32 channels before it makes vectors of them, and then makes
# those less well: two cores, an update of a CNN 9.6 → 8.8 ms and its compilation 1.4 → 1.2 s, a residual network 37.3
# → 35.0 ms and 2.6 → 2.3 s, recurrent networks a tenth faster, dense ones as before. Loops unrolled afterwards, and
# what is left of them made into vectors of another width, are more code and no faster: without, the 1-D network
# compiles in 0.73 instead of 0.84 s, and updates take 0.98 to 1.02 of the time. XLA's emitter of tiles takes 8 to 18 ms
# for each kernel of a few scalars, twice what its others take; without, the 1-D network compiles in 0.9 of the time.
CODE = (
    "-unroll-full-max-count=8,-unroll-allow-partial=0,-unroll-runtime=0,"
    "-vectorize-slp=0,-force-vector-interleave=1,-enable-epilogue-vectorization=0,xla_cpu_disable_tiled_emitter"
)


@cache
def start() -> None:
    """Set JAX up once, before its backend starts; settings the user made stay as they are."""
    folder = cache_folder()
    if folder is not None and not getattr(jax.config, "jax_compilation_cache_dir", None):
        jax.config.update("jax_compilation_cache_dir", str(folder))
        # By default JAX skips programs that compiled quickly, which ours all do.
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    flags = os.environ.get("XLA_FLAGS", "")
    try:
        if "host_platform_device_count" not in flags and "JAX_NUM_CPU_DEVICES" not in os.environ:
            jax.config.update("jax_num_cpu_devices", os.cpu_count() or 1)
    except RuntimeError:
        # The backend runs, as the user called JAX before us: it is as it is.
        return
    if "xla_backend_extra_options" not in flags and not _may_accelerate():
        # JAX takes no such option by program. Read when the backend starts; programs of the user's own get it as well.
        os.environ["XLA_FLAGS"] = f"{flags} --xla_backend_extra_options={CODE}".strip()


def _may_accelerate() -> bool:
    """Whether JAX may find a GPU or TPU, told without starting it."""
    platforms = getattr(jax.config, "jax_platforms", None)
    found = any(importlib.util.find_spec(name) for name in ("jax_plugins", "libtpu"))
    return found and platforms != "cpu"


def cache_folder() -> Path | None:
    """The user's private folder of compiled programs, or None where none can be had.

    A cache that others can write to is code execution, so the folder must be ours with mode 0700. Set JINDAN_CACHE to
    another place, or to an empty string for no cache.
    """
    chosen = os.environ.get("JINDAN_CACHE")
    if chosen == "":
        return None
    try:
        base = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "jindan"
        folder = base / "compiled"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if os.name == "posix":
            details = folder.stat()
            if details.st_uid != os.getuid():
                return None
            if stat.S_IMODE(details.st_mode) != 0o700:
                folder.chmod(0o700)
    except (OSError, RuntimeError):
        # RuntimeError: the user has no home.
        return None
    return folder


ROWS = "rows"  # the axis of devices along which the rows of a batch are split
MEMBERS = "members"  # and along which the members of a population are


@cache
def mesh(size: int, axis: str = ROWS) -> jax.sharding.Mesh:
    """So many devices in a line."""
    automatic = (jax.sharding.AxisType.Auto,)
    return jax.make_mesh((size,), (axis,), axis_types=automatic, devices=jax.devices()[:size])


def several() -> int:
    """Among how many devices members can be split."""
    return len(jax.devices())


def replicated(size: int, axis: str) -> jax.sharding.Sharding:
    """The same on every device of a line."""
    return jax.sharding.NamedSharding(mesh(size, axis), jax.sharding.PartitionSpec())


def split(size: int, axis: str) -> jax.sharding.Sharding:
    """Cut along the first axis among the devices of a line."""
    return jax.sharding.NamedSharding(mesh(size, axis), jax.sharding.PartitionSpec(axis))


def shardings(mesh: jax.sharding.Mesh, specifications: Any) -> Any:
    """How a tree of partition specifications lies on a mesh."""
    return jax.tree.map(
        lambda own: jax.sharding.NamedSharding(mesh, own), specifications,
        is_leaf=lambda own: isinstance(own, jax.sharding.PartitionSpec),
    )  # fmt: skip


@contextlib.contextmanager
def width(dtype: str) -> Iterator[None]:
    """A context in which arrays of a dtype can exist, and are multiplied with all their digits.

    JAX has no float64 unless told, and would round the factors of products on a GPU or TPU to 10 or 7 bits: results
    would not be those of a CPU. Who has set `jax_default_matmul_precision` keeps it.
    """
    with contextlib.ExitStack() as held:
        if np.dtype(dtype) != jax.dtypes.canonicalize_dtype(dtype):
            held.enter_context(jax.enable_x64(True))
        if accelerated() and getattr(jax.config, "jax_default_matmul_precision", None) is None:
            held.enter_context(jax.default_matmul_precision("float32"))
        yield


def accelerated() -> bool:
    """Whether programs run on something else than a CPU."""
    return jax.default_backend() != "cpu"


def describe() -> str:
    """The devices in words, for reports."""
    start()
    devices = jax.devices()
    return f"{len(devices)} × {devices[0].device_kind} ({devices[0].platform})"


MAPS = Path("/proc/self/maps")
MOST_MAPS = 40_000  # of the 65,530 regions of memory that Linux lets a process have


def crowded(most: int = MOST_MAPS) -> bool:
    """Whether compiled programs take up so many regions of memory that the process nears its limit.

    A program takes up to two hundred; where they run out, XLA ends the process.
    """
    try:
        return MAPS.read_bytes().count(b"\n") > most
    except OSError:  # not Linux
        return False


def make_room(programs: dict[Any, Any], most: int = 128) -> None:
    """Let compiled programs go before another is made: the oldest of too many, or all where regions run out."""
    if crowded():
        programs.clear()
        jax.clear_caches()
    elif len(programs) >= most:
        programs.pop(next(iter(programs)))
