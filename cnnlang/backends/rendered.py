"""Writing what a backend made: the whole file, or none of it."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path


def save(path: str | os.PathLike[str], data: bytes) -> None:
    """Put `data` into a file at once: whoever reads it sees the old file or the new one, whole.

    The file keeps its permissions, a link keeps pointing to it, and a device or pipe is written
    to as it is. Raises `OSError`; a file that was there then stays as it was.
    """
    mode = existing(path)
    if mode is not None and stat.S_ISDIR(mode):
        raise IsADirectoryError(21, "it is a directory")
    if mode is not None and not stat.S_ISREG(mode):
        pour(path, data)
        return
    if mode is not None and not os.access(path, os.W_OK):
        raise PermissionError(13, "no permission")
    replace(Path(os.path.realpath(path)), data, mode)


def existing(path: str | os.PathLike[str]) -> int | None:
    """The mode of what is at a path, links followed; None if there is nothing."""
    try:
        return os.stat(path).st_mode  # noqa: PTH116
    except FileNotFoundError:
        return None


def pour(path: str | os.PathLike[str], data: bytes) -> None:
    """Write to a device or pipe; a pipe that nobody reads is an error, not a wait."""
    handle = os.open(path, os.O_WRONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(handle, "wb") as file:
        os.set_blocking(handle, True)
        file.write(data)


def replace(target: Path, data: bytes, mode: int | None) -> None:
    """Write a temporary file beside the target and give it the target's name."""
    temporary = target.with_name(f".cnnlang-{secrets.token_hex(6)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        if mode is not None:
            temporary.chmod(stat.S_IMODE(mode))
        temporary.replace(target)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
