"""The database as files on a disk: its lock, its header, its identity, and how a broken one is set aside. No SQLite."""

import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

APPLICATION_ID = 0x43505553
"""Marks a database as ours (PRAGMA application_id): "CPUS"."""

HEADER_LENGTH = 100
"""Length of an SQLite header in bytes (fileformat2.html §1.3)."""

COMPANIONS = ("", "-wal", "-shm")
"""Suffixes of the files of an open database. Without its write-ahead log it loses what was committed last."""

PRIVATE = 0o600
"""The mode of what is made here."""

_HISTORY = b"history"


class StorageError(Exception):
    """The database cannot be used; its text is one line that says why and what to do."""


class BrokenError(Exception):
    """The database was ours and cannot be read any more."""


class Lock:
    """A locked file beside the database. It also records, for the next start, that a history was stored here."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        self.had_history = _HISTORY in file.read(100)
        """Whether a database of ours was opened beside it before."""
        self.has_history = self.had_history
        """Whether one was, up to now."""

    def sign(self) -> None:
        """Write by whom it is held."""
        self._write(_HISTORY if self.had_history else b"")

    def remember_history(self) -> None:
        """From now on a missing or empty database is a loss, and an unreadable one is broken rather than foreign."""
        self._write(_HISTORY)
        self.has_history = True

    def _write(self, mark: bytes) -> None:
        """Overwrite the file, and truncate it afterwards: on a full disk it must not end up empty."""
        text = b"%d %b\n" % (os.getpid(), mark)
        os.pwrite(self._file.fileno(), text, 0)
        os.ftruncate(self._file.fileno(), len(text))


@contextmanager
def hold_lock(path: Path) -> Iterator[Lock]:
    """Hold `<database>.lock`, and remove it in the end if no history was ever opened beside it.

    The kernel lets go of it when the process ends, however it ends. Raises StorageError.
    """
    _refuse_other_kinds(path)
    beside = Path(f"{path}.lock")
    with _open_lock(path, beside) as file:
        lock = Lock(file)
        try:
            _sign(path, lock)
            yield lock
        finally:
            if not lock.has_history:
                with suppress(OSError):
                    beside.unlink(missing_ok=True)


def _sign(path: Path, lock: Lock) -> None:
    try:
        lock.sign()
    except OSError as error:
        raise StorageError(
            f"{path}: cannot be written ({error.strerror}); make room on its disk or set --db"
        ) from error


def _open_lock(path: Path, beside: Path) -> BinaryIO:
    """The file of the lock, locked and as private as the database; a context that lets go of it."""
    while True:
        try:
            number = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        except OSError as error:
            raise _unreachable(path, error) from error
        file = os.fdopen(number, "r+b")
        try:
            # flock and not a file that exists: the kernel drops it with the process, so no stale lock is left.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            with file:
                owner = file.read(20).decode("ascii", "replace").partition(" ")[0] or "unknown"
            raise StorageError(
                f"{path}: is in use by another cpusensor (process {owner}); stop that one or set --db"
            ) from error
        except OSError as error:
            file.close()
            raise StorageError(
                f"{path}: its file system locks no files ({error.strerror}), so that two could write the same history;"
                " set --db to a local disk"
            ) from error
        # Whoever held it before may have removed it between the two steps: then another one has the name.
        if identity(beside) == _identity(os.fstat(number)):
            _make_private(file, path)
            return file
        file.close()


def _make_private(file: BinaryIO, path: Path) -> None:
    """Let read the lock who may read the database, and no one else: earlier versions let everybody."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode) & 0o666 | PRIVATE
    except OSError:
        mode = PRIVATE
    # Another user of the same database, of its group, may not.
    with suppress(OSError):
        os.fchmod(file.fileno(), mode)


def _refuse_other_kinds(path: Path) -> None:
    """Raise StorageError for what is no file: to open a pipe would wait for ever, and beside a folder a lock fits."""
    try:
        mode = path.stat().st_mode
    except OSError:
        # What is missing is made, and what keeps it from being made is told then.
        return
    if stat.S_ISDIR(mode):
        raise StorageError(f"{path}: is a folder; name a file in it: --db {path / 'cpusensor.db'}")
    if not stat.S_ISREG(mode):
        raise StorageError(f"{path}: is no file that could hold a database; set --db to another path")


def _unreachable(path: Path, error: OSError) -> StorageError:
    """That no file can be made beside the database, and what helps against that."""
    folder = path.absolute().parent
    match error.errno:
        # The kernel says so of a folder such as /proc, too, that takes no file.
        case errno.ENOENT if not folder.is_dir():
            return StorageError(f"{path}: there is no folder {folder}; make it (mkdir -p {folder}) or set --db")
        case errno.ENOTDIR:
            return StorageError(f"{path}: {folder} is no folder; set --db to a path in one")
        case errno.ENAMETOOLONG:
            return StorageError(f"{path}: is too long; set --db to a shorter path")
        case errno.EROFS:
            return StorageError(f"{path}: {folder} is mounted read-only; mount it for writing or set --db")
    user = f"by user {os.getuid()} ({error.strerror})"
    return StorageError(f"{path}: {folder} cannot be written {user}; give it to that user or set --db")


def claim(path: Path, *, had_history: bool) -> bool:
    """Make the file if it is missing or empty; whether it is new.

    Raises StorageError if it is somebody else's, BrokenError if it is not, but cannot be ours any more either.
    """
    try:
        with path.open("rb") as file:
            header = file.read(HEADER_LENGTH)
    except FileNotFoundError:
        header = b""
    # A power cut may leave an empty file; with no byte in it, nothing can be lost by using it.
    if not header:
        path.touch(mode=0o600)
        return True
    is_database = len(header) == HEADER_LENGTH and header.startswith(b"SQLite format 3\0")
    if is_database and header[68:72] == APPLICATION_ID.to_bytes(4, "big"):
        return False
    # Another program's database is foreign even here, but garbage where ours lay is ours.
    if had_history and not is_database:
        raise BrokenError("its header is not that of a database")
    raise StorageError(f"{path}: is not a cpusensor database and was left untouched; set --db to another file")


def identity(path: Path) -> tuple[int, int] | None:
    """Device and inode of the file at this path, None if there is none."""
    try:
        return _identity(path.stat())
    except OSError:
        return None


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def can_write_beside(path: Path) -> bool:
    """Whether the folder takes a file, down to the disk: on a dying disk a good database looks broken."""
    probe = path.with_name(f"{path.name}.probe")
    try:
        with probe.open("wb") as file:
            file.write(b"cpusensor")
            os.fsync(file.fileno())
        probe.unlink()
    except OSError:
        return False
    return True


class Room(NamedTuple):
    """Of a file system, in bytes."""

    free: int
    """What can still be written by who is not root."""
    whole: int


def room_beside(path: Path) -> Room:
    """The room where the file lies. Raises OSError."""
    status = os.statvfs(path.absolute().parent)
    return Room(status.f_bavail * status.f_frsize, status.f_blocks * status.f_frsize)


def set_aside(path: Path, now: float) -> Path:
    """Rename a broken database, with what belongs to it, to `<name>.corrupt-<UTC time>`; nothing is ever deleted."""
    aside = path.with_name(f"{path.name}.corrupt-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}")
    for companion in COMPANIONS:
        part = path.with_name(path.name + companion)
        if part.exists():
            part.rename(aside.with_name(aside.name + companion))
    return aside
