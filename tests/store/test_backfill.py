"""A database of an older version: it records at once, is kept as it was, and what it lacks is filled beside that."""

import shutil
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given, settings

from cpusensor.check.command import main as check
from cpusensor.model.records import Sample
from cpusensor.model.rollup import TIERS
from cpusensor.model.times import MAX_TIME
from cpusensor.store.backfill import Backfill
from cpusensor.store.levels import TABLES as BLAMES
from cpusensor.store.opening import History, open_history
from cpusensor.store.plan import Part
from cpusensor.store.schema import MIGRATIONS
from cpusensor.store.statements import rows_of
from tests.samples import NOON, histories, measured, sample
from tests.store.opened import drop_views, rows

LATER = NOON + 86_400
HALF_DAY = [sample(NOON + 60 * minute) for minute in range(1, 721)]


async def write(path: Path, samples: list[Sample]) -> None:
    async with open_history(path, NOON) as history:
        await history.runs.start("boot-1", NOON, 5, "1.0.0")
        await history.writer.add(measured(*samples))


def make_older(path: Path) -> None:
    """Take back what the migrations after the second brought."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for table in ("quarter_hour", "quarter_day", "tier", "sealed_hour", "cursor", "name", "baseline", *BLAMES):
            connection.execute(f"DROP TABLE {table}")
        drop_views(connection)
        connection.execute("PRAGMA user_version = 2")


def tiers(path: Path) -> dict[str, list[tuple[object, ...]]]:
    with closing(sqlite3.connect(path)) as connection:
        return {tier.name: connection.execute(rows_of(tier), (0, MAX_TIME)).fetchall() for tier in TIERS}


async def fill(history: History) -> int:
    """Fill all that is missing; the number of slices."""
    count = 0
    while history.backfill.is_pending:
        await history.backfill.fill_slice()
        count += 1
    return count


@pytest.fixture
async def older(path: Path) -> Path:
    await write(path, HALF_DAY)
    make_older(path)
    return path


async def test_what_is_filled_is_what_would_have_been_recorded(path: Path) -> None:
    await write(path, HALF_DAY)
    async with open_history(path, LATER):
        pass
    expected = tiers(path)
    make_older(path)

    async with open_history(path, LATER) as history:
        assert await fill(history) > 2

    assert tiers(path) == expected
    assert rows(path, "SELECT * FROM tier") == []
    assert check([str(path)]) == 0


@given(recorded=histories(length=2000))
@settings(max_examples=10, deadline=None)
async def test_any_history_is_filled_exactly(tmp_path_factory: pytest.TempPathFactory, recorded: list[Sample]) -> None:
    path = tmp_path_factory.mktemp("any") / "cpusensor.db"
    await write(path, recorded)
    async with open_history(path, LATER):
        pass
    expected = tiers(path)
    make_older(path)

    async with open_history(path, LATER) as history:
        await fill(history)

    assert tiers(path) == expected


@pytest.mark.parametrize("slices", range(5))
async def test_killed_after_any_slice_it_goes_on(older: Path, tmp_path: Path, slices: int) -> None:
    killed = tmp_path / "killed.db"
    async with open_history(older, LATER) as history:
        for _ in range(slices):
            if history.backfill.is_pending:
                await history.backfill.fill_slice()
        # As after a kill: the file and its log, while the process still has them open.
        for suffix in ("", "-wal"):
            shutil.copy(f"{older}{suffix}", f"{killed}{suffix}")
    async with open_history(killed, LATER) as history:
        await fill(history)

    assert check([str(killed)]) == 0
    assert len(tiers(killed)["quarter_hour"]) == 49


async def test_answers_are_whole_while_the_tiers_are_filled(older: Path) -> None:
    async with open_history(older, LATER) as history:
        found = []
        while history.backfill.is_pending:
            found.append(await history.reader.buckets(NOON - 43_200, NOON + 43_200, 21_600))
            await history.backfill.fill_slice()

    assert {tuple(bucket.count for bucket in buckets) for buckets in found} == {(tuple(found[0].column("count")))}
    assert sum(found[0].column("count")) == len(HALF_DAY)


async def test_what_is_recorded_meanwhile_is_in_the_slice(older: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_history(older, LATER) as history:
        run = await history.runs.start("boot-2", LATER, 5, "1.0.0")
        late = sample(NOON + 65, busy=900, run=run.id)
        _write_meanwhile(history, monkeypatch, iter([late]))
        await fill(history)

    assert check([str(older)]) == 0


def _write_meanwhile(history: History, monkeypatch: pytest.MonkeyPatch, late: Iterator[Sample]) -> None:
    """Have samples written, as by a clock that was set back, between the reading of a slice and its writing."""
    database = history.backfill._database  # noqa: SLF001 - comes between its two steps
    read = database.read

    async def read_and_write(
        span_s: int, sql: str, arguments: tuple[object, ...], parts: Sequence[Part] = ()
    ) -> list[tuple[object, ...]]:
        found = await read(span_s, sql, arguments, parts)
        if "histogram" in sql:
            for one in late:
                await history.writer.add(measured(one))
        return [tuple(row) for row in found]

    monkeypatch.setattr(database, "read", read_and_write)


async def test_the_file_is_kept_as_it_was(older: Path) -> None:
    before = rows(older, "SELECT * FROM sample")
    async with open_history(older, LATER) as history:
        await fill(history)
    kept = older.with_name(f"{older.name}.v2")

    assert rows(kept, "PRAGMA user_version") == [(2,)]
    assert rows(kept, "SELECT * FROM sample") == before
    assert kept.stat().st_mode & 0o777 == 0o600
    assert check([str(kept)]) == 0
    assert rows(older, "PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert not list(older.parent.glob("*.part"))


async def test_without_room_one_line_says_that_no_copy_is_kept(
    older: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # What the kernel says of the disk: filling a real one takes root, and `make faults` does it.
    monkeypatch.setattr("os.statvfs", lambda _: SimpleNamespace(f_bavail=0, f_blocks=1000, f_frsize=4096))
    async with open_history(older, LATER):
        pass

    assert not older.with_name(f"{older.name}.v2").exists()
    assert sum("without a copy" in line for line in caplog.messages) == 1


async def test_half_a_copy_of_a_process_that_was_killed_is_removed(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await write(path, HALF_DAY)
    half = path.with_name(f"{path.name}.v2.part")
    half.write_bytes(b"half")
    async with open_history(path, LATER):
        pass

    assert not half.exists()
    assert sum("no copy is kept" in line for line in caplog.messages) == 1


async def test_a_new_database_has_nothing_to_fill(path: Path) -> None:
    await write(path, HALF_DAY)
    async with open_history(path, LATER) as history:
        assert isinstance(history.backfill, Backfill)
        assert not history.backfill.is_pending
    assert not list(path.parent.glob("*.v*"))
