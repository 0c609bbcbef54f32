"""The database, with real files."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cpusensor.model.gaps import hole
from cpusensor.model.records import Cause, Gap, Measured, Sample
from cpusensor.model.rollup import as_rollup, roll_up
from cpusensor.store.database import RECENT_S, Database, ReadError, WriteError
from cpusensor.store.file import StorageError
from cpusensor.store.opening import History, open_history
from cpusensor.store.schema import MIGRATIONS
from tests.samples import RUN, histories, sample, without_known

NOON = 1_763_936_400
LATER = NOON + 86_400


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cpusensor.db"


@pytest.fixture
async def store(path: Path) -> AsyncIterator[History]:
    async with open_history(path, NOON) as opened:
        await opened.runs.start("boot-1", NOON, 5, "1.0.0")
        yield opened


@asynccontextmanager
async def new_store() -> AsyncIterator[History]:
    """A database of its own for each example of a property."""
    with TemporaryDirectory() as directory:
        async with open_history(Path(directory) / "cpusensor.db", NOON) as opened:
            await opened.runs.start("boot-1", NOON, 5, "1.0.0")
            yield opened


def measured(*samples: Sample, cause: Cause = Cause.STALLED) -> list[Measured]:
    return [Measured(sample=one, cause=cause) for one in samples]


def at(*slots: int) -> list[Sample]:
    return [sample(NOON + 5 * slot) for slot in slots]


def rows(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


async def test_what_was_written_is_read_back_as_it_was(store: History) -> None:
    full, bare = sample(NOON + 5), without_known(sample(NOON + 10))
    await store.writer.add(measured(full, bare))

    ticks = await store.reader.ticks_after(NOON, LATER)

    assert [tick.sample for tick in ticks] == [full, bare]


async def test_a_core_that_outgrows_two_bytes_is_read_back_as_it_was(store: History) -> None:
    long_stall = sample(NOON + 900, busy=2 * 70_000, all_ticks=2 * 90_000)
    await store.writer.add(measured(long_stall))

    (tick,) = await store.reader.ticks_after(NOON, LATER)

    assert tick.sample.cores == long_stall.cores


async def test_a_full_minute_is_closed_by_its_last_sample(store: History) -> None:
    ticks = [tick for one in at(*range(1, 13)) for tick in await store.writer.add(measured(one))]

    assert [len(tick.closed) for tick in ticks] == [0] * 11 + [1]
    assert ticks[-1].closed[0] == roll_up([as_rollup(one) for one in at(*range(1, 13))], NOON + 60)


async def test_a_hole_is_stored_with_the_sample_that_closes_it(store: History) -> None:
    await store.writer.add(measured(*at(1)))
    (tick,) = await store.writer.add(measured(*at(5), cause=Cause.UNREADABLE))

    expected = Gap(from_time=NOON + 5, to_time=NOON + 20, cause=Cause.UNREADABLE, busy=750, all=3000)
    assert tick.closed == (expected,)
    assert await store.reader.gaps(NOON, LATER, LATER) == [expected]


async def test_gaps_that_touch_a_range_come_whole_and_others_not_at_all(store: History) -> None:
    await store.writer.add(measured(*at(1, 5, 9)))

    touching = await store.reader.gaps(NOON + 22, NOON + 30, LATER)

    assert [(gap.from_time, gap.to_time) for gap in touching] == [(NOON + 25, NOON + 40)]
    assert await store.reader.gaps(NOON + 20, NOON + 25, LATER) == []


async def test_nothing_of_a_failed_batch_is_kept(store: History, path: Path) -> None:
    await store.writer.add(measured(*at(1)))
    with closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(WriteError, match="locked"):
            await store.writer.add(measured(*at(2)))
        with pytest.raises(WriteError, match="locked"):
            await store.writer.add(measured(*at(2, 3)))
        other.execute("ROLLBACK")

    assert store.writer.newest == sample(NOON + 5)
    await store.writer.add(measured(*at(2, 3)))
    assert store.writer.newest == sample(NOON + 15)
    assert await store.reader.gaps(NOON, LATER, LATER) == []


async def test_a_clock_set_back_overwrites_slot_by_slot(store: History) -> None:
    await store.writer.add(measured(*at(1, 2, 3, 4)))
    newer = [replace(one, figures=replace(one.figures, load_centi=999)) for one in at(2, 3)]
    await store.writer.add(measured(*newer, cause=Cause.CLOCK))

    samples = [tick.sample for tick in await store.reader.ticks_after(NOON, LATER)]

    assert samples == [*at(1), *newer, *at(4)]
    assert store.writer.newest == newer[-1]


async def test_a_minute_that_is_written_into_stays_the_sum_of_its_samples(store: History) -> None:
    await store.writer.add(measured(*at(*range(1, 25))))
    await store.writer.add(measured(sample(NOON + 30, busy=1000), cause=Cause.CLOCK))

    (minute, _) = await store.reader.history(NOON, NOON + 120, 60)

    assert minute.figures.busy == 11 * 250 + 1000


async def test_a_gap_that_is_written_into_stays_on_either_side(store: History) -> None:
    await store.writer.add(measured(*at(1, 10), cause=Cause.CLOCK))
    await store.writer.add(measured(*at(5), cause=Cause.CLOCK))

    assert [(gap.from_time - NOON, gap.to_time - NOON) for gap in await store.reader.gaps(NOON, LATER, LATER)] == [
        (5, 20),
        (25, 45),
    ]


@given(slots=st.lists(st.integers(1, 60), min_size=1, max_size=30))
@settings(max_examples=40, deadline=None)
async def test_in_whatever_order_slots_are_written_gaps_are_the_holes(slots: list[int]) -> None:
    async with new_store() as store:
        for slot in slots:
            await store.writer.add(measured(*at(slot), cause=Cause.CLOCK))

        samples = [tick.sample for tick in await store.reader.ticks_after(NOON, LATER)]
        gaps = await store.reader.gaps(NOON, LATER, LATER)

    assert [one.time for one in samples] == sorted({NOON + 5 * slot for slot in slots})
    holes = [gap for before, after in pairwise(samples) if (gap := hole(before, after, 5, Cause.CLOCK))]
    assert [(gap.from_time, gap.to_time) for gap in gaps] == [(gap.from_time, gap.to_time) for gap in holes]


@given(history=histories(length=100), step=st.sampled_from([5, 10, 15, 30, 60, 120, 300]))
@settings(max_examples=60, deadline=None)
async def test_every_resolution_adds_up_to_the_same(history: list[Sample], step: int) -> None:
    end = NOON + 600
    async with new_store() as store:
        for one in history:
            await store.writer.add(measured(one))

        buckets = await store.reader.history(NOON, end, step)
        cores = await store.reader.cores(NOON, end, step)

    whole = roll_up([as_rollup(one) for one in history], end)
    assert whole is not None
    assert roll_up(buckets, end) == replace(whole, cores=None)
    assert [sum(part[0].busy for part in cores.values()), sum(part[0].all for part in cores.values())] == [
        sum(one.cores[0].busy for one in history if one.cores),
        sum(one.cores[0].all for one in history if one.cores),
    ]
    assert all(bucket.time % step == 0 for bucket in buckets)


async def test_a_minute_that_a_crash_left_open_is_closed_at_the_next_start(path: Path) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(1, 2, 3)))

    async with open_history(path, NOON + 300) as store:
        (bucket,) = await store.reader.history(NOON, NOON + 300, 60)

        assert store.writer.newest == sample(NOON + 15)

    assert rows(path, "SELECT time, count FROM minute") == [(NOON + 60, 3)]
    assert bucket.count == 3


async def test_samples_stand_in_for_the_minute_that_is_not_closed(store: History, path: Path) -> None:
    await store.writer.add(measured(*at(1, 2, 3)))

    (bucket,) = await store.reader.history(NOON, NOON + 60, 60)

    assert rows(path, "SELECT count(*) FROM minute") == [(0,)]
    assert (bucket.time, bucket.count) == (NOON + 60, 3)


async def test_rows_later_than_now_are_not_the_newest_sample(path: Path) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(1, 2, 3)))

    async with open_history(path, NOON + 12) as store:
        newest = store.writer.newest

    assert newest == sample(NOON + 10)


async def test_intervals_are_those_of_the_runs_that_recorded_in_the_range(path: Path) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 10, "1.0.0")
        await store.writer.add(measured(sample(NOON + 10)))
        run = await store.runs.start("boot-1", NOON + 20, 5, "1.0.0")
        await store.writer.add(measured(sample(NOON + 25, run=run.id)))

        assert await store.reader.intervals(NOON, NOON + 100) == {5, 10}
        assert await store.reader.intervals(NOON + 20, NOON + 100) == {5}
        assert await store.reader.intervals(NOON, NOON + 20) == {10}


async def test_a_run_is_ended_only_by_a_clean_stop(store: History, path: Path) -> None:
    await store.runs.start("boot-1", NOON + 7, 5, "1.0.0")
    await store.runs.end(NOON + 99)

    assert rows(path, "SELECT id, ended FROM run") == [(RUN.id, None), (2, NOON + 99)]


async def test_a_second_process_is_refused_and_told_by_whom(store: History, path: Path) -> None:
    assert store.writer.newest is None
    with pytest.raises(
        StorageError, match=r"is in use by another cpusensor \(process \d+\); stop that one or set --db"
    ):
        async with open_history(path, NOON):
            pass


ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT max(x) FROM n"


@pytest.mark.parametrize("span_s", [RECENT_S, RECENT_S + 1])
async def test_a_query_that_takes_too_long_is_cut_short(path: Path, span_s: int) -> None:
    opened = Database(path)
    await opened.open(is_new=True)
    for _ in range(2):
        with pytest.raises(ReadError, match=r"^this takes longer than 0\.1 s; ask for a shorter range$"):
            await opened.read(span_s, ENDLESS, (), limit_s=0.1)

    assert await opened.read(span_s, "SELECT 1", ()) == [(1,)]
    await opened.close()


async def test_a_new_database_is_private_and_said_aloud(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        parts = sorted(path.parent.glob("cpusensor.db*"))
        shared = {part.name: part.stat().st_mode & 0o022 for part in parts}
        private = [part.name for part in parts if part.stat().st_mode & 0o077 == 0]

    assert private == ["cpusensor.db", "cpusensor.db-shm", "cpusensor.db-wal"]
    assert shared == dict.fromkeys([*private, "cpusensor.db.lock"], 0)

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
    assert sorted(one.name for one in path.parent.iterdir()) == ["cpusensor.db", "cpusensor.db.lock"]


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
    with pytest.raises(StorageError, match=r"nowhere cannot be written by user \d+ \(No such file or directory\)"):
        async with open_history(tmp_path / "nowhere" / "cpusensor.db", NOON):
            pass


async def test_a_database_closed_in_good_order_leaves_one_file_and_its_lock(path: Path) -> None:
    async with open_history(path, NOON) as store:
        await store.runs.start("boot-1", NOON, 5, "1.0.0")
        await store.writer.add(measured(*at(1)))

    assert sorted(one.name for one in path.parent.iterdir()) == ["cpusensor.db", "cpusensor.db.lock"]
