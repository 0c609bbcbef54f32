"""Opening a file, whatever state it is in."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from cpusensor.store.file import StorageError
from cpusensor.store.opening import History, open_history
from cpusensor.store.schema import MIGRATIONS
from tests.samples import NOON, at, measured, sample
from tests.store.opened import rows


async def test_a_minute_that_a_crash_left_open_is_closed_at_the_next_start(path: Path) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(1, 2, 3)))

    async with open_history(path, NOON + 300) as store:
        (bucket,) = await store.reader.buckets(NOON, NOON + 300, 60)

        assert store.writer.newest == sample(NOON + 15)

    assert rows(path, "SELECT time, count FROM minute") == [(NOON + 60, 3)]
    assert bucket.count == 3


async def test_rows_later_than_now_are_not_the_newest_sample(path: Path) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(1, 2, 3)))

    async with open_history(path, NOON + 12) as store:
        newest = store.writer.newest

    assert newest == sample(NOON + 10)


async def test_a_second_process_is_refused_and_told_by_whom(store: History, path: Path) -> None:
    assert store.writer.newest is None
    with pytest.raises(
        StorageError, match=r"is in use by another cpusensor \(process \d+\); stop that one or set --db"
    ):
        async with open_history(path, NOON):
            pass


async def test_a_new_database_is_private_and_said_aloud(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        parts = sorted(path.parent.glob("cpusensor.db*"))
        private = [part.name for part in parts if part.stat().st_mode & 0o077 == 0]

    assert private == ["cpusensor.db", "cpusensor.db-shm", "cpusensor.db-wal", "cpusensor.db.lock"]
    assert "a new history begins here" in caplog.text


def _make_foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE theirs(x)")


def _make_text(path: Path) -> None:
    path.write_text("dear diary\n" * 40)


def _make_short(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0")


@pytest.mark.parametrize("make", [_make_foreign, _make_text, _make_short])
async def test_a_file_that_is_not_ours_is_refused_and_left_as_it_was(path: Path, make: object) -> None:
    assert callable(make)
    make(path)
    before = path.read_bytes()

    with pytest.raises(StorageError, match="is not a cpusensor database and was left untouched; set --db"):
        async with open_history(path, NOON):
            pass

    assert path.read_bytes() == before
    assert [one.name for one in path.parent.iterdir()] == ["cpusensor.db"]


async def test_a_newer_database_is_refused_and_left_as_it_was(path: Path) -> None:
    async with open_history(path, NOON):
        pass
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    before = path.read_bytes()

    with pytest.raises(StorageError, match=f"has schema version {len(MIGRATIONS) + 1}, this cpusensor knows"):
        async with open_history(path, NOON):
            pass

    assert path.read_bytes() == before


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"there is no folder .*nowhere; make it \(mkdir -p .*nowhere\) or set --db"):
        async with open_history(tmp_path / "nowhere" / "cpusensor.db", NOON):
            pass


async def test_a_database_closed_in_good_order_leaves_one_file_and_its_lock(path: Path) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(1)))

    assert sorted(one.name for one in path.parent.iterdir()) == ["cpusensor.db", "cpusensor.db.lock"]
