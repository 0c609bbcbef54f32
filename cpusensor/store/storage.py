"""The history: samples, the minutes that they add up to, the gaps between them."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from operator import add
from pathlib import Path
from threading import Event
from typing import TypeVar

from cpusensor.model.gaps import hole
from cpusensor.model.records import ClockStep, CoreTicks, Gap, Measured, Rollup, Run, Sample, Tick
from cpusensor.model.rollup import MINUTE, as_rollup, bucket_end, closed_minutes, roll_up
from cpusensor.store.columns import (
    GarbledError,
    Row,
    clock_step_of_row,
    core_ticks,
    cores_of,
    gap_of_row,
    rollup_of_row,
    row_of_gap,
    row_of_rollup,
    row_of_run,
    row_of_sample,
    run_of_row,
    sample_of_row,
)
from cpusensor.store.database import Database, ReadError, WriteError
from cpusensor.store.file import StorageError, hold_lock
from cpusensor.store.salvage import SPAN_S, TABLES, Salvage, salvage_history, salvage_runs
from cpusensor.store.schema import (
    ADOPT_SAMPLES,
    BUCKETS,
    DROP_FALSE_GAPS,
    DROP_OFF_GRID,
    GAP_COLUMNS,
    INSERT_CLOCK_STEP,
    INSERT_GAP,
    INSERT_MINUTE,
    INSERT_SAMPLE,
    INTERVALS,
    MARK_LOST,
    MINUTE_AS_ROLLUP,
    RUN_COLUMNS,
    SAMPLE_AS_ROLLUP,
    SAMPLE_COLUMNS,
)

log = logging.getLogger(__name__)

T = TypeVar("T")

HOUR = 3600
"""Seconds."""

CORES_PER_QUERY_S = 86_400
"""How much of a range is read at a time where Python adds up, in a thread, so that the event loop is never held."""


class Storage:
    """The history in an open database. `open_storage` makes one."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._runs: list[Run] = []
        self._run: Run | None = None
        self._newest: Sample | None = None
        self._highest = 0
        self._salvaging: asyncio.Task[None] | None = None
        self._closing = Event()
        self._damage: str | None = None

    @property
    def run(self) -> Run:
        """The present run, once it was begun."""
        if self._run is None:
            raise RuntimeError("no run was begun")
        return self._run

    @property
    def newest(self) -> Sample | None:
        """The sample written last; None before the first ever."""
        return self._newest

    @property
    def notice(self) -> str | None:
        """What a person should know of the history: that it is lost, or was broken; None if all is well."""
        return self._database.notice

    async def open(self, now: float) -> None:
        """Open the database and learn what it holds. Raises StorageError."""
        aside = await self._database.open(now)
        try:
            await self._begin(aside, now)
            await self.newest_hour(now)
        except (GarbledError, ReadError, WriteError, sqlite3.Error) as error:
            if self._database.damage is None and not isinstance(error, GarbledError):
                raise
            await self._begin(await self._database.replace_broken(str(error), now), now)

    async def close(self) -> None:
        """Close the database; what still reads, or is being read of a broken one, is cut short."""
        self._closing.set()
        if self._salvaging is not None:
            self._salvaging.cancel()
            await asyncio.wait({self._salvaging})
        await self._database.close()

    @property
    def is_damaged(self) -> bool:
        """Whether something was read that cannot have been written, so that the file wants looking after."""
        return self._database.damage is not None or self._damage is not None

    async def look_after(self, now: float) -> None:
        """Have a database that was deleted, replaced or broken, or cannot be reached, opened anew.

        To be called now and then, and after a failed write. Raises WriteError if there is no good one to be had.
        """
        damage, self._damage = self._damage, None
        try:
            if damage is not None:
                await self._begin(await self._database.replace_broken(damage, now), now)
                return
            is_new, aside = await self._database.look_after(now)
            if is_new:
                await self._begin(aside, now)
        except (GarbledError, StorageError) as error:
            raise WriteError(str(error)) from error

    @property
    def was_left_open(self) -> bool:
        """Whether the run before the present one did not end in good order."""
        return any(run.ended is None for run in self._runs[-2:-1])

    async def verify(self, now: float) -> None:
        """Read the whole file, and replace it if it is damaged where nobody has looked yet. Raises ReadError."""
        damage = await self._database.find_damage()
        if damage is not None:
            await self._begin(await self._database.replace_broken(damage, now), now)

    async def _begin(self, aside: Path | None, now: float) -> None:
        """Go on in the file that is open now, taking in what can be read of the broken one that was set aside.

        Of that the runs and the newest span come at once, for the next gap needs them; the rest follows by and by.
        """
        if aside is None:
            await self._load(now)
            return
        spans = salvage_history(aside, now, self._closing.is_set)
        await self._take_in_runs(aside)
        newest = await asyncio.to_thread(next, spans, None)
        if newest is not None:
            await self._take_in(newest)
        await self._load(now)
        self._salvaging = asyncio.create_task(self._take_in_rest(aside, spans), name="salvage")
        self._salvaging.add_done_callback(_report_salvage)

    async def _load(self, now: float) -> None:
        """Learn what is there, close the minutes that a crash left open, and go on with the present run."""
        async with self._database.transaction():
            rows = await self._database.execute(f"SELECT {RUN_COLUMNS} FROM run ORDER BY id")
            self._runs = [run_of_row(row) for row in rows]
            self._newest = await self._sample_before(int(now) + 1)
            ((highest,),) = await self._database.execute("SELECT coalesce(max(time), 0) FROM sample")
            self._highest = highest
            await self._close_left_minutes(int(now))
        run = self._run
        if run is not None and run not in self._runs:
            await self.start_run(run.boot_id, run.started, run.interval, run.version)

    async def _take_in_runs(self, aside: Path) -> None:
        try:
            rows = await asyncio.to_thread(salvage_runs, aside)
        except sqlite3.Error as error:
            log.error("the runs in %s cannot be read (%s)", aside, error)
            return
        async with self._database.transaction():
            await self._insert_rows("run", RUN_COLUMNS, rows)

    async def _take_in(self, span: Salvage) -> None:
        async with self._database.transaction():
            for table, rows in span.rows.items():
                await self._insert_rows(table, TABLES[table][0], rows)
            await self._database.execute(DROP_OFF_GRID, (span.end - SPAN_S, span.end))
            for end in {bucket_end(row[0], MINUTE) for row in span.rows["sample"]}:
                await self._close_minute(end)

    async def _take_in_rest(self, aside: Path, spans: Iterator[Salvage]) -> None:
        """Copy what can be read of a broken database; then what is lost becomes a gap like any other."""
        try:
            while (span := await asyncio.to_thread(next, spans, None)) is not None:
                await self._take_in(span)
        except sqlite3.Error as error:
            log.error("nothing more can be read of %s (%s)", aside, error)
        try:
            async with self._database.transaction():
                await self._database.execute(ADOPT_SAMPLES)
                await self._database.execute(DROP_FALSE_GAPS)
                await self._database.execute(MARK_LOST)
        except WriteError as error:
            log.error("what was lost with %s could not be marked as a gap (%s)", aside, error)
        else:
            log.warning("all that can be read of %s is in the new database", aside)

    async def _insert_rows(self, table: str, columns: str, rows: Sequence[Row]) -> None:
        """Copy rows; one that the new database does not accept is as good as unreadable."""
        marks = ", ".join("?" for _ in columns.split(","))
        await self._database.execute_many(f"INSERT OR IGNORE INTO {table}({columns}) VALUES ({marks})", rows)

    async def start_run(self, boot_id: str, started: float, interval: int, version: str) -> Run:
        """Note that recording begins."""
        run_id = self._runs[-1].id + 1 if self._runs else 1
        run = Run(id=run_id, boot_id=boot_id, started=int(started), ended=None, interval=interval, version=version)
        await self._database.write(f"INSERT INTO run({RUN_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", row_of_run(run))
        self._runs.append(run)
        self._run = run
        return run

    async def end_run(self, ended: float) -> None:
        """Note that recording ended as it should: without this, the next start finds a crash."""
        if self._run is None:
            return
        await self._database.write("UPDATE run SET ended = ? WHERE id = ?", (int(ended), self._run.id))

    @property
    def _grid(self) -> int:
        """Seconds between two slots of the present run."""
        return self._run.interval if self._run else 1

    def _interval_of(self, sample: Sample) -> int:
        """Seconds between two slots of the run that recorded the sample."""
        return next((run.interval for run in self._runs if run.id == sample.run), self._grid)

    @property
    def preceding_runs(self) -> list[Run]:
        """The runs before the present one, back to that of the newest sample; without a sample, only the last."""
        before = self._runs[:-1]
        if self._newest is None:
            return before[-1:]
        return [run for run in before if run.id >= self._newest.run]

    async def add(self, measured: Sequence[Measured]) -> list[Tick]:
        """Write samples with all that each of them closes, in one transaction.

        A sample replaces one of the same time. Raises WriteError; then none of them is written.
        """
        newest, highest = self._newest, self._highest
        try:
            return await self._add([self._of_this_run(one) for one in measured])
        except GarbledError as error:
            self._newest, self._highest = newest, highest
            self._damage = str(error)
            raise WriteError(str(error)) from error
        except BaseException:
            self._newest, self._highest = newest, highest
            raise

    async def _add(self, measured: Sequence[Measured]) -> list[Tick]:
        if len(measured) == 1 and self._closes_nothing(measured[0]):
            await self._database.write(INSERT_SAMPLE, row_of_sample(measured[0].sample))
            self._note(measured[0].sample)
            return [Tick(sample=measured[0].sample, gap=None, minutes=())]
        async with self._database.transaction():
            return [await self._add_one(one) for one in measured]

    def _of_this_run(self, measured: Measured) -> Measured:
        """A sample that waited while the database was replaced belongs to the run as it is numbered now."""
        sample, run = measured.sample, self._run
        if run is None or sample.run == run.id:
            return measured
        return replace(measured, sample=replace(sample, run=run.id))

    def _closes_nothing(self, measured: Measured) -> bool:
        """Whether the sample only continues its minute; one statement is then the whole transaction."""
        sample, previous = measured.sample, self._newest
        return (
            previous is not None
            and not measured.clock_steps
            and self._highest == previous.time == sample.time - self._grid
            and not closed_minutes(previous.time, sample.time)
        )

    async def _add_one(self, measured: Measured) -> Tick:
        sample = measured.sample
        previous, highest = self._newest, self._highest
        is_rewriting = sample.time <= highest
        gap = await self._close_gap(measured)
        await self._database.execute(INSERT_SAMPLE, row_of_sample(sample))
        self._note(sample)
        for step in measured.clock_steps:
            await self._database.execute(INSERT_CLOCK_STEP, (step.time, step.by_ms))
        if bucket_end(sample.time, MINUTE) <= highest:
            await self._close_minute(bucket_end(sample.time, MINUTE))
        before = highest or None if not is_rewriting else previous.time if previous else None
        ends = closed_minutes(before, sample.time)
        minutes = [await self._close_minute(end) for end in ends]
        return Tick(sample=sample, gap=gap, minutes=tuple(minute for minute in minutes if minute))

    def _note(self, sample: Sample) -> None:
        self._newest = sample
        self._highest = max(self._highest, sample.time)

    async def _close_gap(self, measured: Measured) -> Gap | None:
        """Keep the gaps equal to the holes between samples; returns the one that the sample closes."""
        sample = measured.sample
        if sample.time <= self._highest:
            await self._fit_between(measured)
            return None
        before = self._newest
        if before is None or before.time != self._highest:
            before = await self._sample_before(sample.time)
        gap = hole(before, sample, self._grid, measured.cause) if before else None
        if gap is not None:
            await self._insert_gap(gap)
        return gap

    async def _fit_between(self, measured: Measured) -> None:
        """A sample written after the clock was set back: what was a gap around it stays one on either side of it."""
        sample, cause = measured.sample, measured.cause
        rows = await self._database.execute(
            f"SELECT {GAP_COLUMNS} FROM gap WHERE from_time < ? AND to_time >= ?", (sample.time, sample.time)
        )
        for gap in map(gap_of_row, rows):
            cause = gap.cause
            await self._database.execute("DELETE FROM gap WHERE from_time = ?", (gap.from_time,))
        before = await self._sample_before(sample.time)
        after = await self._sample_after(sample.time)
        left = hole(before, sample, self._grid, cause) if before else None
        right = hole(sample, after, self._interval_of(after), cause) if after else None
        for gap in filter(None, (left, right)):
            await self._insert_gap(replace(gap, busy=None, all=None))

    async def _insert_gap(self, gap: Gap) -> None:
        await self._database.execute(INSERT_GAP, row_of_gap(gap))

    async def _close_minute(self, end: int) -> Rollup | None:
        """Make the minute what its samples add up to: doing it again changes nothing."""
        samples = await self._samples(end - MINUTE, end)
        minute = roll_up([as_rollup(sample) for sample in samples], end)
        if minute is None:
            await self._database.execute("DELETE FROM minute WHERE time = ?", (end,))
            return None
        await self._database.execute(INSERT_MINUTE, row_of_rollup(minute))
        return minute

    async def _close_left_minutes(self, now: int) -> None:
        """Recompute the newest stored minute and every later one that is over."""
        newest_minute = "SELECT coalesce(max(time) - 60, 0) FROM minute WHERE time <= ?"
        rows = await self._database.execute(
            f"SELECT DISTINCT (time + 59) / 60 * 60 FROM sample WHERE time > ({newest_minute}) AND time <= ?",
            (now, now),
        )
        for (end,) in rows:
            if end <= now:
                await self._close_minute(end)

    async def newest_hour(self, now: float) -> list[Tick]:
        """The ticks to which a stream can still go back."""
        return [] if self._newest is None else await self.ticks_after(self._newest.time - HOUR, now)

    async def ticks_after(self, time: int, now: float) -> list[Tick]:
        """Every tick in (time, now] as it was published, in order."""
        until = int(now)
        samples = await self._samples(time, until)
        minutes = [rollup_of_row(row) for row in await self._database.execute(MINUTE_AS_ROLLUP, (time, until))]
        gaps = await self.gaps(time, until, now)
        ticks = []
        for sample in samples:
            closed = [minute for minute in minutes if minute.time <= sample.time]
            minutes = minutes[len(closed) :]
            ended = [gap for gap in gaps if gap.to_time < sample.time]
            gaps = gaps[len(ended) :]
            ticks.append(Tick(sample=sample, gap=ended[-1] if ended else None, minutes=tuple(closed)))
        return ticks

    async def intervals(self, from_time: int, to_time: int) -> set[int]:
        """The sampling intervals of the runs that recorded in (from_time, to_time]."""
        everywhere = {run.interval for run in self._runs}
        if len(everywhere) == 1:
            return everywhere
        rows = await self._database.read(to_time - from_time, INTERVALS, (from_time, to_time, to_time))
        return {interval for (interval,) in rows}

    async def history(self, from_time: int, to_time: int, step: int) -> list[Rollup]:
        """The buckets of `step` seconds in (from_time, to_time] that hold a sample, oldest first, without cores."""
        parts, arguments = await self._parts(from_time, to_time, step)
        sql = BUCKETS.format(step=int(step), parts=parts)
        rows = await self._database.read(to_time - from_time, sql, arguments)
        return await asyncio.to_thread(self._records, rollup_of_row, rows)

    async def cores(self, from_time: int, to_time: int, step: int) -> dict[int, tuple[CoreTicks, ...]]:
        """The ticks of each core in each bucket that knows them, by the bucket's time."""
        slice_s = bucket_end(CORES_PER_QUERY_S, step)
        buckets: dict[int, tuple[int, ...]] = {}
        for start in range(from_time // step * step, to_time, slice_s):
            parts, arguments = await self._parts(max(start, from_time), min(start + slice_s, to_time), step)
            sql = f"SELECT time, cores FROM ({parts}) ORDER BY time"
            rows = await self._database.read(to_time - from_time, sql, arguments)
            await asyncio.to_thread(_gather_cores, buckets, rows, step)
        return {time: cores_of(ticks) for time, ticks in buckets.items()}

    async def gaps(self, from_time: int, to_time: int, now: float) -> list[Gap]:
        """The gaps that touch (from_time, to_time] and are over now, whole, oldest first."""
        sql = f"SELECT {GAP_COLUMNS} FROM gap WHERE from_time < ? AND to_time > ? AND to_time <= ? ORDER BY from_time"
        rows = await self._database.read(to_time - from_time, sql, (to_time, from_time, int(now)))
        return self._records(gap_of_row, rows)

    async def clock_steps(self, from_time: int, to_time: int) -> list[ClockStep]:
        """When the wall clock was set in (from_time, to_time], and by how much, oldest first."""
        sql = "SELECT time, by_ms FROM clock_step WHERE time > ? AND time <= ? ORDER BY time"
        rows = await self._database.read(to_time - from_time, sql, (from_time, to_time))
        return self._records(clock_step_of_row, rows)

    def _records(self, of_row: Callable[[Row], T], rows: Sequence[Row]) -> list[T]:
        """What was read for an answer. Raises GarbledError, and then the file wants looking after."""
        try:
            return [of_row(row) for row in rows]
        except GarbledError as error:
            self._damage = str(error)
            raise

    def place(self, from_time: int, to_time: int) -> AbstractContextManager[None]:
        """Hold one of the few places for those who read a range of this length. Raises ReadError if all are taken."""
        return self._database.place(to_time - from_time)

    def stop_queries(self) -> None:
        """Cut short every query that runs or waits, so that none of them holds up the end."""
        self._database.stop_queries()

    async def _parts(self, from_time: int, to_time: int, step: int) -> tuple[str, tuple[int, ...]]:
        """The query, with its arguments, for the coarsest stored rows that divide `step`.

        Samples stand in for the minute that is not closed yet.
        """
        if step % MINUTE:
            return SAMPLE_AS_ROLLUP, (from_time, to_time)
        sql = "SELECT max(time) FROM minute WHERE time <= ?"
        ((closed,),) = await self._database.read(to_time - from_time, sql, (to_time,))
        tail = max(from_time, closed or 0)
        return f"{MINUTE_AS_ROLLUP} UNION ALL {SAMPLE_AS_ROLLUP}", (from_time, to_time, tail, to_time)

    async def _samples(self, from_time: int, to_time: int) -> list[Sample]:
        rows = await self._database.execute(
            f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time > ? AND time <= ? ORDER BY time", (from_time, to_time)
        )
        return [sample_of_row(row) for row in rows]

    async def _sample_before(self, time: int) -> Sample | None:
        rows = await self._database.execute(
            f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time < ? ORDER BY time DESC LIMIT 1", (time,)
        )
        return next(map(sample_of_row, rows), None)

    async def _sample_after(self, time: int) -> Sample | None:
        rows = await self._database.execute(
            f"SELECT {SAMPLE_COLUMNS} FROM sample WHERE time > ? ORDER BY time LIMIT 1", (time,)
        )
        return next(map(sample_of_row, rows), None)


def _report_salvage(salvage: asyncio.Task[None]) -> None:
    error = None if salvage.cancelled() else salvage.exception()
    if error is not None:
        log.error("not all of the broken database was taken into the new one", exc_info=error)


def _gather_cores(buckets: dict[int, tuple[int, ...]], rows: Sequence[Row], step: int) -> None:
    """Add rows of time and cores, in order, to the buckets that they lie in; another number of cores begins anew."""
    for time, blob in rows:
        ticks, end = core_ticks(blob), bucket_end(time, step)
        if ticks is None:
            continue
        sums = buckets.get(end)
        buckets[end] = ticks if sums is None or len(sums) != len(ticks) else tuple(map(add, sums, ticks))


@asynccontextmanager
async def open_storage(path: Path, now: float) -> AsyncIterator[Storage]:
    """The history in the database at `path`, made if it is missing, locked against any other process.

    Raises StorageError, and then has not touched the file, if it is foreign, newer, in use or not writable. One that is
    broken is set aside under a dated name, and a new one takes in what can still be read of it.
    """
    with hold_lock(path) as lock:
        storage = Storage(Database(path, lock))
        try:
            try:
                await storage.open(now)
            except (ReadError, WriteError) as error:
                raise StorageError(f"{path}: cannot be used ({error}); check its disk or set --db") from error
            yield storage
        finally:
            await storage.close()
