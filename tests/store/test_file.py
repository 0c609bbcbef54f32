"""The lock beside the database, and where a database may be: real files, real locks."""

import errno
import fcntl
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from cpusensor.store.file import StorageError, hold_lock
from cpusensor.store.opening import open_history
from tests.samples import NOON
from tests.service import ROOT, TIMEOUT_S

UNLOCKABLE = (errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS, errno.EIO)
FAILING_FLOCK = f"""
import fcntl, os, runpy, sys
def flock(file, operation):
    raise OSError(number, os.strerror(number))
fcntl.flock = flock
sys.argv = ["server.py", "--port", "0", "--db", sys.argv[1]]
for number in {UNLOCKABLE}:
    try:
        runpy.run_path("server.py", run_name="__main__")
    except SystemExit as end:
        print(end.code)
"""
"""server.py on a file system that locks nothing, and says so in different ways; its exit status each time."""


def test_a_file_system_that_locks_nothing_is_not_in_use_by_another(path: Path) -> None:
    command = [sys.executable, "-c", FAILING_FLOCK, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)

    said = [
        f"cpusensor: {path}: its file system locks no files ({os.strerror(number)}), "
        "so that two could write the same history; set --db to a local disk"
        for number in UNLOCKABLE
    ]
    assert (done.stdout, done.stderr.splitlines()) == ("1\n" * len(UNLOCKABLE), said)
    assert not path.exists()


def test_a_lock_that_another_holds_is_in_use_and_stays(path: Path) -> None:
    with hold_lock(path) as lock:
        lock.remember_history()
        with (
            pytest.raises(StorageError, match=rf"is in use by another cpusensor \(process {os.getpid()}\)"),
            hold_lock(path),
        ):
            pass

        assert Path(f"{path}.lock").exists()


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_lock_is_as_private_as_the_database(path: Path) -> None:
    lock = Path(f"{path}.lock")
    async with open_history(path, NOON):
        assert (mode_of(path), mode_of(lock)) == (0o600, 0o600)

    # Earlier versions let everybody read it; a group that may use the database needs its lock.
    for database, made_by_others in ((0o600, 0o644), (0o660, 0o600), (0o640, 0o666)):
        path.chmod(database)
        lock.chmod(made_by_others)
        async with open_history(path, NOON):
            assert mode_of(lock) == database


def make_folder(path: Path) -> None:
    path.mkdir()


def make_foreign(path: Path) -> None:
    path.write_text("dear diary\n" * 40)


def make_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [make_folder, make_foreign, make_pipe])
async def test_where_nothing_was_opened_no_lock_is_left(path: Path, make: Callable[[Path], None]) -> None:
    make(path)

    with pytest.raises(StorageError):
        async with open_history(path, NOON):
            pass

    assert [one.name for one in path.parent.iterdir()] == [path.name]


async def test_where_a_history_was_kept_the_lock_remembers_it(path: Path) -> None:
    async with open_history(path, NOON):
        pass
    os.truncate(path, 0)

    async with open_history(path, NOON) as history:
        assert history.notice == "the history that was kept here is missing; a new one was begun"
    assert Path(f"{path}.lock").exists()


def test_a_lock_that_was_removed_while_it_was_waited_for_holds_nothing(path: Path) -> None:
    beside = Path(f"{path}.lock")
    with hold_lock(path), beside.open("rb") as stale:
        beside.unlink()
        with hold_lock(path):
            assert beside.exists()
            # Whoever has the name has the lock.
            with beside.open("rb") as file, pytest.raises(BlockingIOError):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert os.fstat(stale.fileno()).st_nlink == 0


@pytest.mark.parametrize(
    ("database", "said"),
    [
        (".", ".: is a folder; name a file in it: --db cpusensor.db"),
        ("folder", "folder: is a folder; name a file in it: --db folder/cpusensor.db"),
        ("folder/", "folder: is a folder; name a file in it: --db folder/cpusensor.db"),
        ("none/a.db", "none/a.db: there is no folder {cwd}/none; make it (mkdir -p {cwd}/none) or set --db"),
        ("none/deep/a.db", "none/deep/a.db: there is no folder {cwd}/none/deep; make it (mkdir -p {cwd}/none/deep)"),
        ("file/a.db", "file/a.db: {cwd}/file is no folder; set --db to a path in one"),
        ("x" * 300, "x" * 300 + ": is too long; set --db to a shorter path"),
        ("pipe", "pipe: is no file that could hold a database; set --db to another path"),
        ("/dev/null", "/dev/null: is no file that could hold a database; set --db to another path"),
    ],
)
async def test_a_path_that_no_database_can_have_gets_advice_that_fits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, database: str, said: str
) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(StorageError) as refused:
        async with open_history(Path(database), NOON):
            pass

    assert str(refused.value).startswith(said.format(cwd=tmp_path))
    assert "\n" not in str(refused.value)
    assert sorted(tmp_path.rglob("*")) == before
