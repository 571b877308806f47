"""Folders on disk: written whole or not at all, read with errors that say what is damaged. No pickle."""

from __future__ import annotations

import errno
import os
import random
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from ..errors import FileError

PLAN, WEIGHTS, STATE, HISTORY = "plan.json", "model.safetensors", "state.safetensors", "history.json"
TAKEN = (errno.ENOTEMPTY, errno.EEXIST)  # what a rename says where a full folder stands
ATTEMPTS = 50


@contextmanager
def whole_folder(path: str | Path, *, overwrite: bool = True) -> Iterator[Path]:
    """A folder that appears at `path` only when everything in it has been written.

    Raises:
        FileError: when it cannot be written, or exists and must not be replaced.
    """
    target = Path(path)
    try:
        _may_write(target, overwrite)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise _unwritable(target, error) from None
    try:
        yield scratch
        as_usual(scratch, 0o777)
        for attempt in range(ATTEMPTS):
            _may_write(target, overwrite)
            try:
                _put(scratch, target)
                break
            except OSError as error:
                # Another process saved to the same place between two lines of this one.
                if error.errno not in (*TAKEN, errno.ENOENT) or attempt == ATTEMPTS - 1:
                    raise
                # Of unequal length, so that two who met do not meet again.
                time.sleep(0.002 * (attempt + 1) * random.uniform(0.5, 1.5))
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise _unwritable(target, error) from None
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def as_usual(path: Path, mode: int) -> None:
    """The permissions the user's umask gives: temporary folders and safetensors' files are private otherwise."""
    mask = os.umask(0o077)
    os.umask(mask)
    path.chmod(mode & ~mask)


def _may_write(target: Path, overwrite: bool) -> None:
    if target.exists() and not overwrite:
        raise FileError(
            "The folder exists already.", where=target, expected="a new name", received="an existing folder",
            help="Choose another name, or remove it first.",
        )  # fmt: skip
    if not _ours(target):
        raise FileError(
            "Something else stands where the model would be written.",
            where=target,
            expected="a new name, or a folder written by jindan",
            received="a folder with other files" if target.is_dir() else "a file",
            help="Choose another name; jindan never replaces what it did not write.",
        )


def _put(scratch: Path, target: Path) -> None:
    """A finished folder in the place of an old one, which comes back when that fails.

    Renames alone decide who was first: another process may stand between any two lines.
    """
    if not target.exists():
        os.replace(scratch, target)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-old-", dir=target.parent))
    old = aside / target.name
    try:
        os.replace(target, old)
    except BaseException:
        if not old.exists():
            aside.rmdir()
        raise
    try:
        os.replace(scratch, target)
    except BaseException:
        if _put_back(old, target):
            shutil.rmtree(aside, ignore_errors=True)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _put_back(old: Path, target: Path) -> bool:
    """Whether the old folder stands again at its place, or a newer one of another process does."""
    try:
        os.replace(old, target)
    except OSError as error:
        return error.errno in TAKEN
    return True


def _ours(target: Path) -> bool:
    """Whether nothing stands there, or an empty folder, or one of jindan's writing."""
    while True:
        try:
            before = target.stat()
            if not stat.S_ISDIR(before.st_mode):
                return False
            names = os.listdir(target)
            if PLAN in names or not names:
                return True
            after = target.stat()
        except FileNotFoundError:
            return True
        # Another process may have moved the one that was listed and be removing it, file by file.
        if (before.st_ino, before.st_ctime_ns) == (after.st_ino, after.st_ctime_ns):
            return False


def _unwritable(target: Path, error: OSError) -> FileError:
    return FileError(
        "The folder cannot be written.",
        where=target,
        expected="a place you may write to",
        received=error.strerror or str(error),
        help="Choose another folder (--out), or change its permissions.",
    )


def write_arrays(path: Path, arrays: Mapping[str, Any], metadata: dict[str, str] | None = None) -> None:
    """Arrays by name as one safetensors file.

    Raises:
        OSError: when it cannot be written, which `whole_folder` tells with the place the user named.
    """
    try:
        save_file({name: np.asarray(a, order="C") for name, a in arrays.items()}, str(path), metadata=metadata)
    except SafetensorError as error:
        # A full disk comes under the name of the format.
        raise OSError(str(error)) from None
    as_usual(path, 0o666)


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of a safetensors file.

    Raises:
        FileError: when it is missing or damaged.
    """
    try:
        return load_file(str(path))
    except FileNotFoundError:
        raise FileError("A file is missing.", where=path, expected="a safetensors file", received="nothing") from None
    except (SafetensorError, OSError) as error:
        raise damaged(path, error, "Save the model again.") from None


def damaged(path: Path, error: Exception, help: str) -> FileError:
    """What to raise when a file of jindan's cannot be read."""
    received = str(error) if isinstance(error, (SafetensorError, OSError)) else repr(error)
    return FileError(f"{path.name} is damaged.", where=path, expected="what jindan wrote", received=received, help=help)
