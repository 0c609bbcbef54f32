"""A file that has reached its limit: what goes, what stays, and what is answered of it."""

import asyncio
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path

import pytest

from cpusensor.check.command import main as check
from cpusensor.model.query import parse_query
from cpusensor.model.records import CoreTicks, Sample
from cpusensor.store.limit import SPARE
from cpusensor.store.opening import History, open_history
from cpusensor.store.sealed import HOUR
from cpusensor.store.snapshot import open_snapshot
from cpusensor.store.unsealing import MINUTES, SAMPLES
from tests.fakes import LOOK_S
from tests.samples import NOON, measured, sample
from tests.service import TIMEOUT_S
from tests.store.opened import rows

BEGIN = NOON // HOUR * HOUR
HOURS = 40
END = BEGIN + HOURS * HOUR
DAY = 24 * HOUR
CPUS = 40
LITTLE = 60_000
"""Bytes: less than all samples that may be given up."""
KEPT_HOUR = END - DAY
COARSE_TABLES = ("quarter_hour", "quarter_day", "gap")
"""The last day that was recorded begins here."""


def recorded(run: int) -> list[Sample]:
    """A sample a minute, none like another, so that they take room; two quarters of an hour are missing."""
    chance = random.Random(1)  # noqa: S311 - a history to be repeated
    times = [time for time in range(BEGIN + 60, END + 1, 60) if not BEGIN + 5000 < time <= BEGIN + 7200]
    return [
        replace(
            sample(time, chance.randrange(1000), run=run),
            cores=tuple(CoreTicks(cpu=cpu, busy=chance.randrange(300), all=300) for cpu in range(CPUS)),
        )
        for time in times
    ]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("made") / "cpusensor.db"


@pytest.fixture
async def path(made: Path, tmp_path: Path) -> Path:
    """All hours are sealed but the last."""
    if not made.exists():
        async with open_history(made, BEGIN) as history:
            run = await history.runs.start("boot-1", BEGIN, 60, "1.0.0")
            await history.writer.add(measured(*recorded(run.id)))
            while await history.sealing.seal_slice(END - HOUR):
                pass
            await history.runs.end(END)
    path = tmp_path / "cpusensor.db"
    shutil.copy(made, path)
    return path


def used(path: Path) -> int:
    """Bytes of pages that are not free."""
    ((pages, free),) = rows(path, "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count")
    return 4096 * (int(str(pages)) - int(str(free)))


@asynccontextmanager
async def limited(path: Path, size: int) -> AsyncIterator[History]:
    """Opened, with so many bytes that may be used."""
    async with open_history(path, END + 60, max_bytes=SPARE + size) as history:
        yield history


async def keep(history: History) -> int:
    """Make room until there is enough; the number of slices."""
    count = 0
    while await history.limit.is_exceeded() and await history.limit.give_up(END):
        count += 1
    return count


def hours(path: Path, what: str) -> list[object]:
    return [time for (time,) in rows(path, f"SELECT time FROM sealed_hour WHERE {what} IS NOT NULL ORDER BY time")]  # noqa: S608 - a column of ours


ALL_HOURS = list(range(BEGIN + HOUR, END, HOUR))


async def test_the_oldest_samples_go_first_and_no_more_than_must(path: Path) -> None:
    whole, size = rows(path, "SELECT count(*) FROM quarter_hour"), used(path) - LITTLE

    async with limited(path, size) as history:
        assert await keep(history) > 0
        kept = history.reader.kept

    left = hours(path, "samples")
    assert 0 < len(left) < len(ALL_HOURS)
    assert left == ALL_HOURS[-len(left) :]
    assert hours(path, "minutes") == ALL_HOURS
    assert (kept.sample, kept.minute) == (ALL_HOURS[-len(left) - 1], 0)
    assert used(path) <= size
    assert rows(path, "SELECT count(*) FROM quarter_hour") == whole
    assert check([str(path)]) == 0


async def test_then_the_oldest_minutes_but_nothing_of_the_last_day(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    quarters = rows(path, "SELECT * FROM quarter_hour ORDER BY time")

    async with limited(path, 1) as history:
        await keep(history)
        missing, kept = history.limit.missing, history.reader.kept
        first = await history.reader.first()

    assert hours(path, "samples") == hours(path, "minutes") == [time for time in ALL_HOURS if time > KEPT_HOUR]
    assert (kept.sample, kept.minute) == (KEPT_HOUR, KEPT_HOUR)
    assert missing is not None
    assert missing > 0
    assert rows(path, "SELECT * FROM quarter_hour ORDER BY time") == quarters
    # Known by the quarter of an hour in which it began.
    assert first == BEGIN // 900 * 900
    told = [line.partition(", until")[0] for line in caplog.messages if "given up" in line]
    assert told == [f"at the limit of 1 MiB the oldest {what} are given up" for what in ("samples", "minutes")]
    assert check([str(path)]) == 0


async def test_what_is_there_is_answered_as_before_and_the_rest_is_null(path: Path) -> None:
    async def answers(history: History, step: int) -> list[object]:
        return list(await history.reader.buckets(BEGIN, END, step))

    async with limited(path, 1 << 30) as history:
        before = {step: await answers(history, step) for step in (60, 300, 900, 21_600)}
    async with limited(path, 1) as history:
        await keep(history)
        after = {step: await answers(history, step) for step in before}
        gaps = await history.reader.gaps(BEGIN, END, END)

    for step in (60, 300):
        assert after[step] == [bucket for bucket in before[step] if bucket.time > KEPT_HOUR]  # type: ignore[attr-defined]
    for step in (900, 21_600):
        assert after[step] == before[step]
    assert len(gaps) == 1


def everything(path: Path) -> dict[str, object]:
    """All that is kept, sealed or not, and since when."""
    with open_snapshot(path) as snapshot:
        found: dict[str, object] = {table.name: list(snapshot.stream(table)) for table in (SAMPLES, MINUTES)}
        for name in COARSE_TABLES:
            # Reading out closes what is not over, too.
            found[name] = [row for row in snapshot.rows(f"SELECT * FROM {name} ORDER BY 1") if row[0] <= END]  # noqa: S608 - ours
        return found | {"kept": snapshot.kept}


@pytest.mark.parametrize("size", [1, None])
async def test_a_broken_file_is_read_out_as_far_back_as_it_was_kept(path: Path, size: int | None) -> None:
    async with limited(path, size or used(path) - LITTLE) as history:
        await keep(history)
    before = everything(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("INSERT INTO gap(from_time, to_time, cause) VALUES (?, ?, 'bored')", (END - 60, END))

    async with limited(path, 1 << 30) as history:
        assert history.notice is not None
        async with asyncio.timeout(TIMEOUT_S):
            while history.is_being_completed:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(LOOK_S)

    assert everything(path) == before
    assert check([str(path)]) == 0


async def test_it_is_known_again_after_a_restart(path: Path) -> None:
    async with limited(path, 1) as history:
        await keep(history)
    async with limited(path, 1 << 30) as history:
        assert history.reader.kept.sample == KEPT_HOUR
        assert not await history.limit.is_exceeded()


async def test_a_clock_that_is_years_ahead_makes_nothing_old(path: Path) -> None:
    future = END + 10 * 365 * DAY
    async with limited(path, 1) as history:
        run = await history.runs.start("boot-2", END, 60, "1.0.0")
        await history.writer.add(measured(*(sample(future + 60 * n, run=run.id) for n in range(1, 120))))
        assert history.writer.newest is not None
        until = await history.limit.protected_from(history.writer.newest.time)

    # Seven quarters of an hour that the wrong clock closed: the day that is protected holds that much less of before.
    assert until == END - DAY + HOUR


async def test_of_less_than_a_day_nothing_is_given_up(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM quarter_hour WHERE time <= ?", (END - DAY + 900,))
    async with limited(path, 1) as history:
        assert await keep(history) == 0

    assert hours(path, "samples") == ALL_HOURS


async def test_a_quarter_of_an_hour_that_is_missing_is_added_up_before_its_samples_go(path: Path) -> None:
    first = "SELECT * FROM quarter_hour ORDER BY time LIMIT 1"
    ((lost, *_),) = before = rows(path, first)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("DELETE FROM quarter_hour WHERE time = ?", (lost,))

    async with limited(path, 1) as history:
        await keep(history)
        # The hour was opened for it.
        while await history.sealing.seal_slice(END - HOUR):
            pass
        await keep(history)

    assert rows(path, first) == before
    assert hours(path, "samples") == [time for time in ALL_HOURS if time > KEPT_HOUR]


async def test_a_clock_set_back_into_what_is_given_up_takes_nothing_away(path: Path) -> None:
    quarters = rows(path, "SELECT * FROM quarter_hour ORDER BY time")
    async with limited(path, used(path) - LITTLE) as history:
        await keep(history)
        assert history.reader.kept.sample > BEGIN + 2 * HOUR
        minutes = list(await history.reader.buckets(BEGIN, BEGIN + 4 * HOUR, 60))
        run = await history.runs.start("boot-2", END, 60, "1.0.0")
        late = [sample(BEGIN + 60 * n, 990, run=run.id, total=1) for n in range(1, 30)]
        await history.writer.add(measured(*late))
        gaps = await history.reader.gaps(BEGIN, BEGIN + 10 * HOUR, END)

        assert list(await history.reader.buckets(BEGIN, BEGIN + 4 * HOUR, 60)) == minutes
        assert len(gaps) == 1

    assert rows(path, "SELECT * FROM quarter_hour ORDER BY time") == quarters
    assert check([str(path)]) == 0


async def test_free_pages_are_given_back_until_the_file_is_within_its_limit(path: Path) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("CREATE TABLE ballast(bytes BLOB)")
        connection.execute("INSERT INTO ballast VALUES (zeroblob(4000000))")
        connection.execute("DROP TABLE ballast")
    large, size = path.stat().st_size, used(path) + 100_000

    async with limited(path, size - SPARE) as history:
        while await history.limit.give_back():
            pass

    assert large > size
    assert path.stat().st_size <= size


async def test_a_table_begins_where_its_step_is_kept(path: Path) -> None:
    async with limited(path, 1) as history:
        await keep(history)
        query = parse_query({"range": "all"}, END, BEGIN)

        assert (history.reader.kept.since(60), history.reader.kept.reaches(900, query.from_time)) == (KEPT_HOUR, True)
