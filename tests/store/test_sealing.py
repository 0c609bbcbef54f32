"""No reader can tell a sealed hour from rows, and who writes into one opens it."""

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from cpusensor.check.command import main as check
from cpusensor.model.buckets import names_for
from cpusensor.model.query import SummaryQuery
from cpusensor.model.records import Cause, ClockStep, CoreTicks, Measured, Span
from cpusensor.recording.summary import Present, sum_up
from cpusensor.store.opening import History, open_history
from cpusensor.store.salvage import salvage_history
from cpusensor.store.sealed import HOUR
from tests.samples import NOON, sample, without_known
from tests.store.opened import rows
from tests.thorough import IS_THOROUGH

BEGIN = NOON // HOUR * HOUR
STEPS = (1, 5, 30, 60, 300, 900, 21_600)


@asynccontextmanager
async def opened(path: Path, now: int) -> AsyncIterator[History]:
    async with open_history(path, now) as history:
        yield history


async def seal_all(history: History) -> None:
    """All but the hour of the newest sample."""
    assert history.writer.newest is not None
    until = (history.writer.newest.time - 1) // HOUR * HOUR
    while await history.sealing.seal_slice(until):
        pass


def life(seed: int) -> Iterator[tuple[int, list[Measured]]]:
    """Runs with their intervals, and what each records: gaps, steps of the clock, hot-plug, nulls of every kind."""
    chance = random.Random(seed)  # noqa: S311 - a history to be repeated
    time = BEGIN + chance.randrange(7000)
    for number in range(1, chance.randint(2, 4)):
        interval = chance.choice([5, 10, 30, 60])
        cpus, knows_all, recorded = list(range(chance.randint(1, 3))), chance.random() < 0.7, []
        time += chance.choice([0, 0, 60, 9000])
        for _ in range(chance.randint(1, 400)):
            time = time // interval * interval + interval * chance.choices([1, 2, 40], [60, 2, 1])[0]
            steps: tuple[ClockStep, ...] = ()
            if chance.random() < 0.005:
                by = chance.choice([-5000, -600, -60, 300]) // interval * interval
                time, steps = max(BEGIN + interval, time + by), (ClockStep(time=time, by_ms=1000 * by),)
            if chance.random() < 0.01:
                cpus = sorted(chance.sample(range(4), chance.randint(1, 3)))
            one = sample(time, chance.randrange(900), run=number, total=chance.choice([None, time * 7]))
            one = replace(one, cores=tuple(CoreTicks(cpu=cpu, busy=chance.randrange(300), all=333) for cpu in cpus))
            one = one if knows_all else without_known(one)
            one = replace(one, figures=replace(one.figures, irq=chance.choice([0, 3, 3, 3, None])))
            recorded.append(Measured(sample=one, cause=chance.choice(list(Cause)), clock_steps=steps))
        yield interval, recorded


async def record(path: Path, seed: int, *, is_sealed: bool) -> None:
    """Live through it; sealed after each run and now and then within one."""
    for interval, recorded in life(seed):
        now = recorded[0].sample.time
        async with opened(path, now) as history:
            await history.runs.start("boot-1", now, interval, "1.0.0")
            for number, measured in enumerate(recorded):
                await history.writer.add([measured])
                if is_sealed and number % 90 == 89:
                    await seal_all(history)
            if is_sealed:
                await seal_all(history)


FEW = names_for((), with_extremes=False)


async def answers(path: Path, seed: int) -> dict[str, Any]:
    """Whatever can be asked, of spans anywhere."""
    chance, now = random.Random(seed), BEGIN + 10 * 86_400  # noqa: S311 - the same questions of both
    found: dict[str, Any] = {}
    async with opened(path, now) as history:
        reader = history.reader
        await history.runs.start("boot-2", now, 5, "1.0.0")
        for number in range(4):
            start = BEGIN + chance.randrange(0, 20_000, 5)
            end = start + chance.choice([600, 5000, 40_000])
            for step in STEPS:
                # Of a sealed hour first some columns, and then all.
                found[f"busy {number} {step}"] = (await reader.buckets(start, end, step, FEW)).rows()
                found[f"buckets {number} {step}"] = list(await reader.buckets(start, end, step))
                found[f"cores {number} {step}"] = await reader.cores(start, end, step)
                found[f"cpus {number} {step}"] = await reader.cpus(start, end, step)
            found[f"ticks {number}"] = await reader.ticks_after(start, end)
            found[f"intervals {number}"] = await reader.intervals(start, end)
            found[f"gaps {number}"] = await reader.gaps(start, end, now)
            span = SummaryQuery(span=Span(from_time=start, to_time=end), above=20)
            found[f"summary {number}"] = await sum_up(span, history, Present(now=now, waiting=(), open_gap=None))
        found["first"] = await reader.first()
        found["newest"] = history.writer.newest
        found["of runs"] = [await history.runs.newest_sample_of(run) for run in history.runs.known]
    return found


@given(seed=st.integers(0, 1 << 32))
@settings(max_examples=40 if IS_THOROUGH else 3, deadline=None, phases=[Phase.explicit, Phase.generate])
async def test_no_reader_can_tell_a_sealed_hour_from_rows(seed: int) -> None:
    with TemporaryDirectory() as folder:
        plain, sealed = Path(folder) / "plain.db", Path(folder) / "sealed.db"
        await record(plain, seed, is_sealed=False)
        await record(sealed, seed, is_sealed=True)

        assert await answers(sealed, seed) == await answers(plain, seed)
        assert check([str(plain)]) == check([str(sealed)])


HOURS = 5


@pytest.fixture
async def sealed(path: Path) -> Path:
    """Five hours with a sample each ten seconds, all but the last one sealed."""
    async with opened(path, BEGIN) as history:
        await history.runs.start("boot-1", BEGIN, 10, "1.0.0")
        samples = [sample(BEGIN + 10 * slot, busy=slot % 900) for slot in range(1, HOURS * 360 + 1)]
        await history.writer.add([Measured(sample=one, cause=Cause.STALLED) for one in samples])
        await seal_all(history)
    return path


def damage(path: Path, hour: int, blob: str = "samples") -> None:
    """Flip a byte in the middle of what is sealed."""
    with closing(sqlite3.connect(path)) as connection, connection:
        ((packed,),) = connection.execute(f"SELECT {blob} FROM sealed_hour WHERE time = ?", (hour,))  # noqa: S608
        at = len(packed) // 2
        broken = packed[:at] + bytes([packed[at] ^ 1]) + packed[at + 1 :]
        connection.execute(f"UPDATE sealed_hour SET {blob} = ? WHERE time = ?", (broken, hour))  # noqa: S608


async def test_only_what_is_over_is_sealed_and_takes_a_fifth_of_the_room(sealed: Path) -> None:
    assert rows(sealed, "SELECT count(*), min(time), max(time) FROM sample") == [
        (360, BEGIN + 4 * HOUR + 10, BEGIN + 5 * HOUR)
    ]
    assert rows(
        sealed, "SELECT time, count, first_sample, last_sample, last_minute, runs FROM sealed_hour LIMIT 1"
    ) == [(BEGIN + HOUR, 360, BEGIN + 10, BEGIN + HOUR, BEGIN + HOUR, "[1]")]
    assert check([str(sealed)]) == 0


@pytest.mark.parametrize("at", [BEGIN + 10, BEGIN + HOUR - 10, BEGIN + 2 * HOUR - 300])
async def test_a_clock_set_back_into_a_sealed_hour_opens_it(sealed: Path, at: int) -> None:
    async with opened(sealed, at) as history:
        run = await history.runs.start("boot-1", at, 10, "1.0.0")
        one = sample(at, busy=999, run=run.id)
        await history.writer.add([Measured(sample=one, cause=Cause.CLOCK)])
        found = await history.reader.buckets(at - 10, at, 10)
        hour = -(-at // HOUR) * HOUR

    assert [bucket.figures.user for bucket in found] == [999]
    assert [time for (time,) in rows(sealed, "SELECT time FROM sealed_hour")] == [
        end for end in range(BEGIN + HOUR, BEGIN + 5 * HOUR, HOUR) if end != hour
    ]
    assert rows(sealed, "SELECT count(*) FROM sample") == [(720,)]
    assert check([str(sealed)]) == 0


async def test_an_hour_that_was_opened_is_sealed_again(sealed: Path) -> None:
    at = BEGIN + 1000
    async with opened(sealed, at) as history:
        await history.runs.start("boot-1", at, 10, "1.0.0")
        await history.writer.add([Measured(sample=sample(at, busy=999, run=2), cause=Cause.CLOCK)])
        until = BEGIN + 4 * HOUR
        while await history.sealing.seal_slice(until):
            pass

    assert rows(sealed, "SELECT count(*), sum(count) FROM sealed_hour") == [(4, 4 * 360)]
    assert rows(sealed, "SELECT runs FROM sealed_hour ORDER BY time")[0] == ("[1, 2]",)
    assert check([str(sealed)]) == 0


async def test_a_damaged_hour_is_a_gap_and_its_minutes_are_there(
    sealed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lost, now = BEGIN + 2 * HOUR, BEGIN + HOURS * HOUR
    damage(sealed, lost)
    async with opened(sealed, now) as history:
        await history.runs.start("boot-1", now, 10, "1.0.0")
        found = await history.reader.buckets(BEGIN, now, 10)
        minutes = await history.reader.buckets(BEGIN, now, 60)
        await history.restore(now)
        gaps = await history.reader.gaps(BEGIN, now, now)
        again = await history.reader.buckets(BEGIN, now, 10)

    times = [bucket.time for bucket in found]
    assert times == [time for time in range(BEGIN + 10, now + 1, 10) if not lost - HOUR < time <= lost]
    assert len(minutes) == HOURS * 60
    assert [(gap.from_time, gap.to_time, gap.cause) for gap in gaps] == [(lost - HOUR, lost, Cause.UNWRITTEN)]
    assert list(again) == list(found)
    assert sum("samples of the hour until" in line for line in caplog.messages) == 1


async def test_minutes_that_are_damaged_follow_from_the_samples(sealed: Path) -> None:
    now = BEGIN + HOURS * HOUR
    async with opened(sealed, now) as history:
        expected = list(await history.reader.buckets(BEGIN, now, 60)), await history.reader.cores(BEGIN, now, 60)
    damage(sealed, BEGIN + 2 * HOUR, "minutes")

    async with opened(sealed, now) as history:
        found = list(await history.reader.buckets(BEGIN, now, 60)), await history.reader.cores(BEGIN, now, 60)

    assert found == expected


@pytest.mark.parametrize("blob", ["samples", "minutes"])
async def test_the_check_names_a_damaged_hour(sealed: Path, capsys: pytest.CaptureFixture[str], blob: str) -> None:
    damage(sealed, BEGIN + HOUR, blob)

    assert check([str(sealed)]) == 1
    assert f"sealed_hour {BEGIN + HOUR}: its {blob} cannot be read" in capsys.readouterr().out


async def test_rows_that_cannot_be_stay_rows(sealed: Path, caplog: pytest.LogCaptureFixture) -> None:
    with closing(sqlite3.connect(sealed)) as connection, connection:
        connection.execute("UPDATE sample SET cores = x'58' WHERE time = ?", (BEGIN + 4 * HOUR + 20,))
    async with opened(sealed, BEGIN + 6 * HOUR) as history:
        await history.runs.start("boot-1", BEGIN + 6 * HOUR, 10, "1.0.0")
        await history.writer.add([Measured(sample=sample(BEGIN + 6 * HOUR, run=2), cause=Cause.STALLED)])
        await seal_all(history)

    assert rows(sealed, "SELECT count(*) FROM sample") == [(361,)]
    assert sum("is not sealed" in line for line in caplog.messages) == 1


async def test_what_is_sealed_while_it_is_asked_for_is_seen(sealed: Path) -> None:
    now = BEGIN + 6 * HOUR
    async with opened(sealed, now) as history:
        await history.runs.start("boot-1", now, 10, "1.0.0")
        await history.writer.add([Measured(sample=sample(now, run=2), cause=Cause.STALLED)])
        asking = [asyncio.ensure_future(history.reader.buckets(BEGIN, now, 10)) for _ in range(5)]
        await seal_all(history)
        found = [len(buckets) for buckets in await asyncio.gather(*asking)]

    assert found == [HOURS * 360 + 1] * 5


async def test_the_good_hours_of_a_broken_file_are_salvaged(sealed: Path) -> None:
    damage(sealed, BEGIN + 2 * HOUR)
    found = [row[0] for span in salvage_history(sealed, BEGIN + 9 * HOUR, lambda: False) for row in span.rows["sample"]]

    lost = range(BEGIN + HOUR + 10, BEGIN + 2 * HOUR + 1, 10)
    assert sorted(found) == [time for time in range(BEGIN + 10, BEGIN + HOURS * HOUR + 1, 10) if time not in lost]
