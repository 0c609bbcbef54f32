"""One process at a time on a database: a lock file beside it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO


class LockError(Exception):
    """The lock cannot be had; its text is one line that says why and what to do."""


@contextmanager
def hold_lock(path: Path) -> Iterator[None]:
    """Hold `<database>.lock`. The kernel lets go of it when the process ends, however it ends. Raises LockError."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        file: BinaryIO = open(lock_path, "a+b")  # noqa: SIM115, PTH123 - closed below, after the error handling
    except OSError as error:
        raise LockError(
            f"{path}: {path.absolute().parent} cannot be written by user {os.getuid()} ({error.strerror});"
            " give it to that user or set --db"
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.seek(0)
            owner = file.read(20).decode("ascii", "replace").strip() or "unknown"
            raise LockError(
                f"{path}: is in use by another cpusensor (process {owner}); stop that one or set --db"
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        yield
