"""A database that is lost, broken or out of reach: recording goes on, and what can be kept is kept."""

import asyncio
import logging
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import pytest

from cpusensor.check.command import main as check
from cpusensor.model.records import Cause, Measured, Sample
from cpusensor.store.file import StorageError
from cpusensor.store.opening import History, open_history
from cpusensor.store.salvage import salvage_history
from tests.fakes import LOOK_S, START
from tests.running import Running
from tests.samples import sample
from tests.service import TIMEOUT_S

LENGTH = 3000
LATER = START + 5 * LENGTH + 3600
ASIDE = "cpusensor.db.corrupt-*Z"


@asynccontextmanager
async def opened(path: Path, now: int = LATER) -> AsyncIterator[History]:
    async with open_history(path, now) as store:
        await store.runs.start("boot-1", now, 5, "1.0.0")
        yield store


async def fill(path: Path) -> list[Sample]:
    """Some hours of history, with a gap, as a clean stop leaves it."""
    samples = [sample(START + 5 * slot) for slot in range(1, LENGTH + 1) if slot % 1000 > 20]
    async with opened(path, START) as store:
        for begin in range(0, len(samples), 500):
            batch = [Measured(sample=one, cause=Cause.CRASHED) for one in samples[begin : begin + 500]]
            await store.writer.add(batch)
    return samples


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:4096])


def halve(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def wipe_header(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(b"\xa5" * 4096 + content[4096:])


def garble_schema(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:100] + b"\xff" * 3996 + content[4096:])


@pytest.mark.parametrize("damage", [truncate, halve, wipe_header, garble_schema])
async def test_a_broken_database_is_set_aside_whole_and_recording_goes_on(
    path: Path, damage: Callable[[Path], None]
) -> None:
    await fill(path)
    damage(path)
    broken = path.read_bytes()

    async with opened(path) as store:
        await store.writer.add([Measured(sample=sample(LATER + 5, run=9), cause=Cause.CRASHED)])
        assert store.notice is not None
        assert store.notice.startswith("the database was broken and was set aside as cpusensor.db.corrupt-")

    (aside,) = path.parent.glob(ASIDE)
    assert aside.read_bytes() == broken
    assert check([str(path)]) == 0


async def test_what_can_be_read_of_a_broken_database_is_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    samples = await fill(path)
    content = path.read_bytes()
    damaged = len(content) // 2 // 4096 * 4096
    path.write_bytes(content[:damaged] + b"\xff" * 4096 + content[damaged + 4096 :])

    async with opened(path) as store:
        await store.verify(LATER)
        async with asyncio.timeout(TIMEOUT_S):
            while "all that can be read" not in caplog.text:  # noqa: ASYNC110 - it is told in the log alone
                await asyncio.sleep(LOOK_S)
        kept = [tick.sample.time for tick in await store.reader.ticks_after(START, LATER)]

    lost = {one.time for one in samples} - set(kept)
    assert len(lost) < 250
    assert len(kept) > len(samples) - 250
    assert check([str(path)]) == 0


async def test_a_database_that_was_deleted_while_in_use_is_written_again_whole(running: Running) -> None:
    await running.clock.advance(70)
    running.database.unlink()
    await running.clock.advance(60)
    await running.restart()
    await running.clock.advance(10)

    history = await running.json(f"api/history?from={START}&to={START + 140}&step=5")
    assert None not in history["cpu"][:-1]
    assert check([str(running.database)]) == 0


async def test_a_database_that_was_replaced_is_left_to_whoever_replaced_it(running: Running) -> None:
    await running.clock.advance(70)
    running.database.rename(running.database.with_name("old.db"))
    running.database.write_text("not ours\n" * 100)
    await running.clock.advance(60)

    health = await (await running.get("healthz")).text()
    assert "is not a cpusensor database and was left untouched" in health
    assert running.database.read_text() == "not ours\n" * 100


async def test_while_another_process_locks_the_database_the_stream_goes_on_and_nothing_is_missing(
    running: Running,
) -> None:
    await running.clock.advance(10)
    async with running.events() as stream:
        await stream.take(2)
        with closing(sqlite3.connect(running.database, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            await running.clock.advance(10)
            health = await (await running.get("healthz")).text()
            told = [event.id for event in await stream.take(3) if event.name == "sample"]
            other.execute("ROLLBACK")
        await running.clock.advance(10)

    assert health.startswith("degraded: the database takes no samples")
    assert told == [START + 15, START + 20]
    assert None not in (await running.json(f"api/history?from={START}&to={START + 30}&step=5"))["cpu"]


async def test_a_row_that_cannot_have_been_written_gets_the_file_replaced(running: Running) -> None:
    await running.clock.advance(70)
    await running.stop()
    await running.clock.advance(600)
    await running.start()
    await running.clock.advance(10)
    with closing(sqlite3.connect(running.database)) as connection, connection:
        connection.execute("UPDATE gap SET cause = 'bored'")
    span = f"api/history?from={START}&to={START + 700}"
    assert (await running.get(span)).status == 503

    await running.clock.advance(10)

    assert (await running.get(span)).status == 200
    assert "was broken and was set aside" in await (await running.get("healthz")).text()
    assert len([*running.database.parent.glob(ASIDE)]) == 1


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"")])
async def test_a_history_that_is_missing_is_not_passed_off_as_a_first_start(
    path: Path, lose: Callable[[Path], object], caplog: pytest.LogCaptureFixture
) -> None:
    await fill(path)
    lose(path)

    async with opened(path) as store:
        assert store.notice == "the history that was kept here is missing; a new one was begun"

    assert "though a history was kept here" in caplog.text


async def test_somebody_else_s_file_stays_refused_however_often_one_tries(path: Path) -> None:
    path.write_text("dear diary\n" * 40)
    for _ in range(2):
        with pytest.raises(StorageError, match="is not a cpusensor database"):
            async with opened(path):
                pass

    assert path.read_text() == "dear diary\n" * 40


async def test_a_salvage_ends_with_the_service_however_much_is_left(path: Path) -> None:
    await fill(path)
    stopped = threading.Event()
    spans = salvage_history(path, LATER, stopped.is_set)

    assert next(spans).rows["sample"]
    stopped.set()

    assert next(spans, None) is None
